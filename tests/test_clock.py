"""A clock that was wrong once postpones nothing for good."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsarchive.archive.archive import Archive
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.replay import saved_pages
from newsarchive.archive.tables import PictureRow, Row, RunRow, State
from newsarchive.archive.warc import WarcFile
from newsarchive.items import Page
from newsarchive.options import Options
from newsarchive.pipelines import _original
from tests.conftest import Crawl, DemoSite
from tests.test_kill import content

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=10)
WRONG = datetime(2098, 1, 1, tzinfo=UTC)


def row(name: str, **known: object) -> Row:
    return Row(**{"source": "qq", "article_id": name, "url": "u", "first_seen": EARLIER, "published": EARLIER, **known})  # type: ignore[arg-type]


SEEN_WRONG = {"state": State.ARCHIVED, "path": "content/x.md", "archived_at": WRONG, "last_checked": WRONG}
ROWS = {
    "waiting": (row("a", published=None, first_seen=WRONG), {"first_seen": NOW}),
    "failed": (
        row("a", published=None, state=State.FAILED, attempts=2, last_checked=WRONG, next_try=WRONG),
        {"last_checked": NOW, "next_try": NOW},
    ),
    "archived, and taken for old": (
        row("a", **SEEN_WRONG),
        {"archived_at": NOW, "last_checked": NOW, "next_check": NOW},
    ),
    "archived before": (
        row("a", **{**SEEN_WRONG, "archived_at": EARLIER, "next_check": WRONG + timedelta(days=1)}),
        {"last_checked": NOW, "next_check": NOW},
    ),
    "gone": (
        row("a", state=State.GONE, last_checked=WRONG, gone_at=WRONG),
        {"last_checked": NOW, "gone_at": NOW, "next_check": NOW},
    ),
}
FINE = [
    row("a"),
    row("a", state=State.FAILED, attempts=8, last_checked=NOW, next_try=NOW + timedelta(days=3)),
    row("a", path="x", state=State.ARCHIVED, last_checked=NOW, next_check=NOW + timedelta(days=10)),
    row("a", path="x", state=State.ARCHIVED, last_checked=NOW, next_check=None),
]


def opened(folder: Path, rows: list[Row], now: datetime = NOW, *, run: datetime | None = WRONG) -> list[Row]:
    """The rows of an archive whose last run began at `run`, once it was opened at `now`."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for each in rows:
            ledger.put(each)
        if run:
            ledger.add_run(RunRow(started=run, pid=1, arguments=""))
    with Archive.open(Options(dir=folder), purpose="a test", now=lambda: now) as archive:
        return list(archive.ledger.rows())


@pytest.mark.parametrize("what", ROWS)
def test_what_a_run_with_a_wrong_clock_has_put_off(tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture) -> None:
    before, changes = ROWS[what]
    assert opened(tmp_path, [before]) == [replace(before, **changes)]  # type: ignore[arg-type]
    assert len(caplog.messages) == 1
    assert "times of 1 articles and pictures" in caplog.text
    assert opened(tmp_path, [], run=None) == [replace(before, **changes)]  # type: ignore[arg-type]
    assert len(caplog.messages) == 1, "once"


@pytest.mark.parametrize("number", range(len(FINE)))
def test_what_a_schedule_gives_stays(tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture) -> None:
    assert opened(tmp_path, [FINE[number]]) == [FINE[number]]
    assert not caplog.messages


def test_one_warning_says_how_many(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = PictureRow(source="qq", article_id="a", url="u", state=State.FAILED, attempts=1, next_try=WRONG)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(picture)
        ledger.put(replace(picture, url="v", next_try=NOW + timedelta(days=3)))
    opened(tmp_path, [replace(before, article_id=f"{nth}") for nth, (before, _) in enumerate(ROWS.values())])
    [said] = caplog.messages
    assert f"times of {len(ROWS) + 1} articles and pictures" in said
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert [it.next_try for it in ledger.pictures()] == [NOW, NOW + timedelta(days=3)]


def test_a_clock_that_is_behind_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        row(f"{nth}", path="x", state=State.ARCHIVED, last_checked=NOW, archived_at=NOW, next_check=None)
        for nth in range(5)
    ]
    for now in (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), NOW - timedelta(days=365)):
        assert opened(tmp_path, rows, now, run=NOW) == rows
    assert {message.partition(":")[0] for message in caplog.messages} == {"the clock of this machine is behind"}


def page(date: datetime, text: str) -> Page:
    html = f"<!DOCTYPE html><title>{text}</title>".encode()
    return Page(source="qq", article_id="20261001A00AB100", url="https://new.qq.com/a", html=html, fetched=date)


def test_a_page_of_a_time_that_has_not_come_is_no_newer_one(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "a test")
    offset = file.add(page(WRONG, "wrong"))
    file.add(page(NOW, "right"))
    file.close()
    assert [b"right" in it.html for it in saved_pages(tmp_path)] == [True]
    known = row("a", warc_file="qq-1.warc.gz", warc_offset=offset)
    assert _original(page(NOW, "wrong"), tmp_path, known) is None, "it is written whole, with its right time"
    assert _original(page(WRONG, "wrong"), tmp_path, known) is not None
    assert gzip.decompress((tmp_path / "qq-1.warc.gz").read_bytes()).count(b"WARC-Type: response") == 2


AHEAD = """
from datetime import datetime, timedelta

class Ahead(datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime.now(zone) + timedelta(days=26_000)

class AddOn:
    def update_settings(self, settings):
        from newsarchive.archive import archive
        archive.datetime = Ahead
"""


def test_a_run_in_the_wrong_year(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "ahead.py").write_text(AHEAD, encoding="utf-8")
    archive = tmp_path / "archive"
    demo_site.site.faults.add("/rain/a/*", 500, times=-1)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path / "plug"))
        crawl(archive, site=demo_site, RETRY_TIMES=0, ADDONS='{"ahead.AddOn": 0}')
    demo_site.site.faults.clear()
    assert content(archive) == {}
    result = crawl(archive, site=demo_site)
    assert result.returncode == 0, result
    assert len(content(archive)) == len(demo_site.site.articles())
    assert result.stderr.count("as a run with a wrong clock") == 1
