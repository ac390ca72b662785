"""The site changes its pages: alarm, nothing empty archived, and after the reader was mended `scrapy retry` goes on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from newsarchive.archive.ledger import Ledger, State
from tests.conftest import Crawl, DemoSite

# what a person adds when the alarm came: one class
NEW_FAMILY = '''
import json

from newsarchive.qq import families, pages


class NextPage(families.ArticlePage):
    """The layout of the demo site's redesign."""

    family = "F6"
    containers = ("div.ns-body",)

    def matches(self):
        return bool(self.selector.css("main.ns-story"))

    def addresses(self):
        state = self.selector.css("script#state::text").get().partition("=")[2]
        yield "https://new.qq.com/rain/a/" + json.loads(state)["doc"]["key"]

    def titles(self):
        yield self.text("h1.ns-headline")

    def times(self):
        yield self.selector.css("time.ns-time::attr(datetime)").get("").replace("T", " ")[:19]


class AddOn:
    def update_settings(self, settings):
        pages.FAMILIES = (*pages.FAMILIES, NextPage)
'''
ADDON = '{"next_family.AddOn": 0}'


def mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `-s ADDONS=…` has the new family."""
    folder = tmp_path / "plug"
    folder.mkdir()
    (folder / "next_family.py").write_text(NEW_FAMILY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def quarantined(archive: Path) -> list[str]:
    return sorted(path.name.removesuffix(".html.gz") for path in archive.glob("quarantine/qq/*.html.gz"))


def markdown(archive: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in archive.glob("content/**/*.md")}


def test_a_new_layout_is_an_alarm_and_nothing_is_lost(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    ids = sorted(story.id for story in demo_site.site.articles())
    demo_site.site.layout = "next"
    alarm = crawl(archive, site=demo_site)
    assert alarm.returncode == 4, alarm
    assert "ALARM" in alarm.stdout
    assert markdown(archive) == {}
    assert quarantined(archive) == ids
    notes = json.loads((archive / "quarantine" / "qq" / f"{ids[0]}.json").read_bytes())
    assert "no page family" in notes["reason"]
    assert (notes["article_id"], notes["status"]) == (ids[0], 200)
    page = gzip.decompress((archive / "quarantine" / "qq" / f"{ids[0]}.html.gz").read_bytes())
    assert b"ns-story" in page

    shown = crawl(archive, name="status")
    assert "scrapy retry" in shown.stdout

    demo_site.stop()
    nothing = crawl(archive, name="retry")
    assert nothing.returncode == 4, nothing
    assert f"{len(ids)} still there" in nothing.stdout
    assert [alarm["name"] for alarm in nothing.status["last_run"]["alarms"]] == ["quarantine"]
    assert quarantined(archive) == ids

    mend(tmp_path, monkeypatch)
    done = crawl(archive, name="retry", ADDONS=ADDON)
    assert done.returncode == 0, done
    assert f"{len(ids)} new" in done.stdout
    assert sorted(markdown(archive)) == ids
    assert quarantined(archive) == []
    assert not list(archive.glob("quarantine/qq/*.json"))
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        rows = {row.article_id: row for row in ledger.rows() if row.path}
        assert sorted(rows) == ids
        assert {row.state for row in rows.values()} == {State.ARCHIVED}
        assert all(row.thumbnail for row in rows.values()), "the list's picture came through the quarantine"


def test_retry_gives_the_same_bytes_as_a_crawl(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo_site.site.layout = "next"
    crawl(tmp_path / "retried", site=demo_site)
    mend(tmp_path, monkeypatch)
    crawl(tmp_path / "retried", name="retry", ADDONS=ADDON)
    crawl(tmp_path / "live", site=demo_site, ADDONS=ADDON)
    assert markdown(tmp_path / "retried") == markdown(tmp_path / "live") != {}


def test_quarantined_pages_come_again_later_and_then_leave_by_themselves(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    one = next(story.id for story in demo_site.site.articles() if story.family == "F5")
    demo_site.site.faults.add(f"/rain/a/{one}", "challenge")
    first = crawl(tmp_path, site=demo_site, ARCHIVE_RETRY_MINUTES=0)
    assert first.returncode == 0, "one page of many is no alarm"
    assert quarantined(tmp_path) == [one]
    second = crawl(tmp_path, site=demo_site)
    assert second.returncode == 0, second
    assert quarantined(tmp_path) == []
    assert one in markdown(tmp_path)


def test_the_newest_copy_of_a_page_wins(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    one = next(story.id for story in demo_site.site.articles() if story.family == "F5")
    for kind in ("challenge", "html"):
        demo_site.site.faults.clear()
        demo_site.site.faults.add(f"/rain/a/{one}", kind)
        crawl(tmp_path, "-a", f"urls={one}", site=demo_site)
    page = gzip.decompress((tmp_path / "quarantine" / "qq" / f"{one}.html.gz").read_bytes())
    assert "维护" in page.decode()
    assert len(list(tmp_path.glob("quarantine/qq/*"))) == 2


def test_a_saved_page_that_tells_no_id_is_kept_too(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    demo_site.site.layout = "next"
    crawl(archive, site=demo_site)
    saved = tmp_path / "saved"
    saved.mkdir()
    one = quarantined(archive)[0]
    html = gzip.decompress((archive / "quarantine" / "qq" / f"{one}.html.gz").read_bytes())
    (saved / "some page.html").write_bytes(html)
    other = tmp_path / "other"
    crawl(other, "-a", f"replay={saved}")
    [name] = quarantined(other)
    assert name.startswith("page-")
    mend(tmp_path, monkeypatch)
    done = crawl(other, name="retry", ADDONS=ADDON)
    assert done.returncode == 0, done
    assert list(markdown(other)) == [one]
    assert quarantined(other) == []


def test_nothing_in_quarantine(crawl: Crawl, tmp_path: Path) -> None:
    result = crawl(tmp_path / "archive", name="retry")
    assert (result.returncode, result.stdout) == (0, "Nothing in quarantine.\n")
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize(
    ("arguments", "said"), [(["weather"], "no spider named 'weather'"), (["-a", "limit=1"], "takes no -a arguments")]
)
def test_wrong_usage_of_retry(crawl: Crawl, tmp_path: Path, arguments: list[str], said: str) -> None:
    result = crawl(tmp_path, *arguments, name="retry")
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
