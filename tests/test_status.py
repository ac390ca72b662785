"""What is said of a run: the summary, the live line, `status.json` and `scrapy status`."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import PROJECT, command, site_settings
from demo.faults import Answer
from newsarchive.health.status import summary
from tests import forked
from tests.conftest import Crawl, DemoSite, until
from tests.test_kill import Moment, kill_at


def test_an_archive_that_does_not_exist_has_a_status(crawl: Crawl, tmp_path: Path) -> None:
    result = crawl(tmp_path / "archive", name="status")
    assert result.returncode == 0, result
    assert "none so far" in result.stdout
    assert not (tmp_path / "archive").exists()


def test_status_json_says_what_the_run_was(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    result = crawl(tmp_path, site=demo_site)
    written = json.loads((tmp_path / "status.json").read_bytes())
    run = written["last_run"]
    assert (run["exit_code"], run["meaning"], run["reason"], run["alarms"]) == (0, "fine", "finished", [])
    assert run["counts"]["article/new"] == written["articles"]["archived"] == len(demo_site.site.articles())
    assert written["newest"]["path"].startswith("content/qq/2026/11/")
    assert written["newest"]["published"].endswith("+08:00")
    assert run["arguments"].startswith("scrapy crawl qq ")
    assert result.stdout.splitlines()[0].startswith("4 lists and 14 pages asked for: 13 new, ")

    shown = crawl(tmp_path, name="status")
    assert "13 archived, 1 gone" in shown.stdout
    assert "Newest    2026-11-04 10:47:05 Beijing time  content/qq/2026/11/20261104A05T2Q00.md" in shown.stdout
    assert re.search(r"Last run  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d Beijing time: fine \(exit code 0\)", shown.stdout)
    for_programs = json.loads(crawl(tmp_path, "--json", name="status").stdout)
    assert for_programs["articles"] == written["articles"]
    assert for_programs["last_run"] == run


def test_status_tells_what_to_do_about_each_alarm(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.layout = "unknown"
    result = crawl(tmp_path, site=demo_site)
    shown = crawl(tmp_path, name="status").stdout
    counts = result.status["last_run"]["counts"]
    assert {f"alarm/{alarm['name']}" for alarm in result.status["last_run"]["alarms"]} == {
        name for name in counts if name.startswith("alarm/")
    }
    for alarm in result.status["last_run"]["alarms"]:
        for part in ("name", "seen", "expected", "advice"):
            assert alarm[part]
            assert alarm[part] in shown
    assert "scrapy retry" in shown


def test_status_while_a_run_goes_on_and_after_it_was_killed(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(articles=60)
    answer, looked_at = site.site.answer, threading.Event()

    def written() -> bool:
        return any(tmp_path.glob("content/*/*/*/*.md"))

    def answer_or_wait(*asked: Any) -> Answer:
        if written():  # so that the run goes on for as long as it is looked at
            looked_at.wait(120)
        return answer(*asked)

    monkeypatch.setattr(site.site, "answer", answer_or_wait)
    process = crawl.start(tmp_path, site=site, DOWNLOAD_DELAY=0.1)
    try:
        until(written)
        going_on = crawl(tmp_path, name="status")
        assert going_on.returncode == 0, going_on
        assert re.search(r"Running   `scrapy crawl qq .*`, pid \d+", going_on.stdout)
        assert process.poll() is None
        process.kill()
        process.communicate()
    finally:
        looked_at.set()
    killed = crawl(tmp_path, name="status")
    assert "did not come to its end" in killed.stdout
    assert crawl(tmp_path, site=site).returncode == 0
    after = crawl(tmp_path, name="status")
    assert "did not come to its end" not in after.stdout
    assert "Running" not in after.stdout


def test_the_status_of_a_run_that_was_killed_before_it_wrote_anything(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    kill_at(Moment(0, 0.1), crawl, demo_site, tmp_path)
    assert crawl(tmp_path, name="status").returncode == 0


def test_documents_without_a_ledger_are_not_none(crawl: Crawl, crawled: Path) -> None:
    (crawled / "ledger.sqlite").unlink()
    result = crawl(crawled, name="status")
    assert result.returncode == 1, result
    assert "Articles  there are documents and no ledger: the next run makes one" in result.stdout
    assert json.loads(crawl(crawled, "--json", name="status").stdout)["problem"] == "there are documents and no ledger"


def test_a_broken_ledger_is_told(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    result = crawl(tmp_path, name="status")
    assert result.returncode == 1
    assert "scrapy rebuild" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def on_a_terminal(line: list[str]) -> tuple[int, str, str]:
    """Exit code, what the terminal got on stderr, stdout."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # the other side has closed it
                break
            if not some:
                break
            shown += some
        assert process.stdout is not None
        stdout = process.stdout.read()
    os.close(ours)
    return process.returncode, shown.decode(), stdout.decode()


@pytest.fixture
def slow_line(demo_site: DemoSite, tmp_path: Path) -> list[str]:
    settings = {**site_settings(demo_site.url), "DOWNLOAD_DELAY": "0.1", "AUTOTHROTTLE_ENABLED": "False"}
    return command("crawl qq", tmp_path / "archive", **settings)


def test_a_terminal_has_one_live_line_that_log_lines_do_not_break(demo_site: DemoSite, slow_line: list[str]) -> None:
    demo_site.site.faults.add("/rain/a/*", 404, times=2)
    demo_site.site.faults.add("/rain/a/*", "challenge", times=1)
    code, shown, stdout = on_a_terminal(slow_line)
    assert code == 0, shown
    assert re.search(r"articles:.* \d+/14 .*pages/s.*lists, 0 errors", shown), shown
    parts = [part.strip("\x1b[A ") for part in re.split(r"[\r\n]+", shown)]
    frames = [part for part in parts if part.startswith("articles:")]
    assert {found[1] for frame in frames if (found := re.search(r"/(\d+) \[", frame))} == {"14"}, "a number that stays"
    assert all("/14 [" in frame for frame in frames if "<" in frame), "no estimate before the number is certain"
    assert "/" not in frames[0].partition("[")[0], "it is not before a list was read"
    warnings = [part for part in parts if "WARNING" in part]
    assert len(warnings) == 1, shown
    assert all(re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d Beijing time WARNING ", part) for part in warnings), (
        "on a line of its own"
    )
    assert parts[-1] == "", "the line is gone at the end"
    assert 1 <= len(stdout.splitlines()) <= 5


def test_without_a_terminal_there_is_no_live_line(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    assert crawl(tmp_path / "a", site=demo_site).stderr == ""
    wanted = crawl(tmp_path / "b", site=demo_site, ARCHIVE_PROGRESS=True)
    assert "pages/s" in wanted.stderr


def test_lists_that_did_not_come_were_asked_for() -> None:
    asked = summary(status(3, **{"request/list": 2, "list/failed": 2}))
    assert asked.startswith("2 lists and 0 pages asked for: 0 new")


def test_pictures_that_did_not_come_are_told() -> None:
    assert "27 pictures could not be fetched" in summary(status(0, **{"picture/failed": 27}))


def test_only_what_there_is_waits_for_somebody() -> None:
    found = status(0)
    assert summary(found).endswith("3 pages in quarantine, 1 article given up: `scrapy status` says what to do")
    assert "article given up" not in summary(found | {"articles_given_up": 0})
    assert len(summary(found | {"articles_given_up": 0, "quarantine": 0}).splitlines()) == 2


def status(code: int, alarms: int = 0, **counts: int) -> dict[str, object]:
    alarm = {"name": "pages", "seen": "9 of 9 pages are no whole article", "expected": "hardly any", "advice": "mend"}
    return {
        "folder": "/archive",
        "articles": {"archived": 7},
        "documents": 7,
        "quarantine": 3,
        "articles_given_up": 1,
        "last_run": {
            "exit_code": code,
            "reason": "finished",
            "message": "the reason",
            "alarms": [alarm] * alarms,
            "counts": {"seconds": 1.0, "error": 3, **counts},
        },
    }


@pytest.mark.parametrize("code", [0, 1, 3, 4])
@pytest.mark.parametrize("alarms", [0, 1, 5])
def test_a_summary_has_five_lines_at_most(code: int, alarms: int) -> None:
    text = summary(status(code, alarms))
    assert len(text.splitlines()) <= 5
    assert ("the reason" in text) == (code in (1, 3))
    assert ("ALARM" in text) == bool(alarms)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"last_run": {}}', '{"last_run": {"ended": 5}}', "\x00\xff"])
def test_a_spoilt_status_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text, encoding="latin-1")
    result = forked.run(command("status", tmp_path), cwd=PROJECT)
    assert result.returncode == 1, result
    (line,) = result.stderr.splitlines()
    assert "status.json is not what a run wrote" in line
