"""`ARCHIVE_METRICS`: what Prometheus is told of a run, also of one that failed; and Spidermon on our stats."""

from __future__ import annotations

import math
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import command, site_settings
from newsarchive.__main__ import main
from newsarchive.health.status import write_metrics
from tests.conftest import Crawl, DemoSite
from tests.documented import PAGES, names

pytest.importorskip("prometheus_client", reason="prometheus_client is not installed: the extra `dev` has it")
from prometheus_client import parser as text_format
from prometheus_client.openmetrics import parser as openmetrics

Samples = dict[tuple[str, str], float]
"""By metric, without `newsarchive_`, and its own label; all of one archive."""


def samples(file: Path, archive: Path) -> Samples:
    text = file.read_text("utf-8")
    families = list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert all(it.type == "gauge" and it.documentation and it.name.startswith("newsarchive_") for it in families)
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("archive") == str(archive)
            key = sample.name.removeprefix("newsarchive_"), next(iter(labels.values()), "")
            assert key not in found
            found[key] = sample.value
    # node_exporter reads the older format, in which this says the same
    older = [it for family in text_format.text_string_to_metric_families(text) for it in family.samples]
    assert len(older) == len(found)
    assert {name for name, _ in found} <= names(PAGES["metrics.md"], "Prometheus")
    return found


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def test_a_good_run(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    file = tmp_path / "metrics" / "newsarchive.prom"
    archive = tmp_path / "archive"
    result = crawl(archive, site=demo_site, ARCHIVE_METRICS=file)
    assert result.returncode == 0, result
    run, found = result.status["last_run"], samples(file, archive)
    assert found["last_run_exit_code", ""] == found["last_run_alarms", ""] == 0
    assert found["last_run_timestamp_seconds", ""] == seconds(run["ended"])
    assert math.isclose(found["last_run_duration_seconds", ""], run["counts"]["seconds"])
    assert 0 <= found["last_success_timestamp_seconds", ""] - seconds(run["ended"]) < 1
    assert found["last_run_counts", "article/new"] == found["articles", "archived"] == found["documents", ""] == 13
    assert found["last_run_counts", "article/failed"] == found["articles", "failed"] == 0
    assert found["articles", "gone"] == 1
    assert found["quarantine_pages", ""] == found["given_up_articles", ""] == found["given_up_pictures", ""] == 0
    assert found["newest_article_timestamp_seconds", ""] == seconds("2026-11-04T10:47:05+08:00")
    assert [it.name for it in file.parent.iterdir()] == ["newsarchive.prom"]


def test_an_alarm_and_the_last_success(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    file = tmp_path / "newsarchive.prom"
    archive = tmp_path / "archive"
    crawl(archive, "-a", "limit=3", site=demo_site, ARCHIVE_METRICS=file)
    success = samples(file, archive)["last_success_timestamp_seconds", ""]
    demo_site.site.layout = "unknown"
    result = crawl(archive, site=demo_site, ARCHIVE_METRICS=file)
    found, alarms = samples(file, archive), result.status["last_run"]["alarms"]
    assert found["last_run_exit_code", ""] == result.returncode == 4
    assert found["last_run_alarms", ""] == len(alarms) > 0
    assert {name for metric, name in found if metric == "last_run_alarm"} == {alarm["name"] for alarm in alarms}
    assert found["last_success_timestamp_seconds", ""] == success
    assert found["quarantine_pages", ""] == result.status["quarantine"] > 0


def test_a_run_that_fails_says_so(crawl: Crawl, demo_site: DemoSite, crawled: Path, tmp_path: Path) -> None:
    file = tmp_path / "newsarchive.prom"
    (crawled / "ledger.sqlite").write_bytes(b"no database, and longer than nothing")
    assert crawl(crawled, site=demo_site, ARCHIVE_METRICS=file).returncode == 1
    found = samples(file, crawled)
    assert found["last_run_exit_code", ""] == 1
    assert {name for name, _ in found} == {
        *("last_run_timestamp_seconds", "last_run_duration_seconds", "last_run_exit_code"),
        *("last_run_counts", "last_run_alarms"),
    }


@pytest.mark.parametrize("place", ["a folder", "a link"])
def test_metrics_that_cannot_be_written_are_a_fault(
    place: str, crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    file, other = tmp_path / "newsarchive.prom", tmp_path / "other"
    if place == "a folder":
        file.mkdir()
    else:
        other.write_text("as it was")
        file.symlink_to(other)
    result = crawl(tmp_path / "archive", "-a", "limit=1", site=demo_site, ARCHIVE_METRICS=file)
    assert result.returncode == result.status["last_run"]["exit_code"] == 1
    assert "newsarchive.prom" in result.status["last_run"]["message"]
    assert result.status["last_run"]["counts"]["article/new"] == 1
    assert file.is_dir() or other.read_text() == "as it was"


def test_without_the_setting_there_is_no_file(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    crawl(tmp_path, "-a", "limit=1", site=demo_site, ARCHIVE_METRICS="")
    assert list(tmp_path.rglob("*.prom")) == []


def test_awkward_names(tmp_path: Path) -> None:
    folder = tmp_path / 'a"b\\c\nd'
    run: dict[str, Any] = {
        "started": "2026-11-04T10:47:05+00:00", "ended": "2026-11-04T10:48:05+00:00", "exit_code": 4,
        "counts": {"family/F\\5": 1, "key/from the site": 1, "failing/list": 3, "kind": "lists", "newest/hours": 1.5},
        "alarms": [{"name": 'same "title"\n'}] * 2,
    }  # fmt: skip
    write_metrics(tmp_path / "x.prom", folder, run, None, None)
    found = samples(tmp_path / "x.prom", folder)
    assert found["last_run_alarm", 'same "title"\n'] == 2
    assert found["last_run_counts", "family/F\\5"] == 1
    assert found["last_run_duration_seconds", ""] == 60
    assert not [name for _, name in found if name.startswith(("key/", "failing/", "newest/", "kind"))]


def test_every_metric_is_documented_and_every_documented_one_exists(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    file = tmp_path / "newsarchive.prom"
    crawl(tmp_path / "archive", site=demo_site, ARCHIVE_METRICS=file)
    families = re.findall(r"^# TYPE newsarchive_(\w+) gauge$", file.read_text("utf-8"), re.MULTILINE)
    assert set(families) == names(PAGES["metrics.md"], "Prometheus")
    rules = re.search(r"^```yaml\n(.*?)^```", PAGES["metrics.md"], re.MULTILINE | re.DOTALL)
    assert rules is not None
    assert set(re.findall(r"newsarchive_(\w+)", rules[1])) <= set(families)


@pytest.mark.slow
def test_spidermon_as_in_the_docs(demo_site: DemoSite, tmp_path: Path) -> None:
    pytest.importorskip("spidermon", reason="spidermon is not installed: the extra `dev` has it")
    monitors, settings = re.findall(r"^```python\n(.*?)^```", PAGES["metrics.md"], re.MULTILINE | re.DOTALL)
    assert main(["init", str(tmp_path)]) == 0
    (tmp_path / "archive_monitors.py").write_text(monitors, "utf-8")
    with (tmp_path / "archive_settings.py").open("a", encoding="utf-8") as file:
        file.write(settings)

    def run(*arguments: str) -> str:
        line = command("crawl qq", tmp_path / "output", *arguments, **site_settings(demo_site.url), LOG_LEVEL="INFO")
        done = subprocess.run(line, cwd=tmp_path, timeout=60, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 4)
        return done.stderr

    assert "2 monitors in" in (good := run("-a", "limit=2"))
    assert "FAIL: Articles/" not in good
    demo_site.site.layout = "unknown"
    assert "FAIL: Articles/test_pages_can_be_read" in run()
