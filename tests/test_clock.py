"""A clock that was wrong once postpones nothing for good."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsarchive.archive.ledger import Ledger, Row, State
from newsarchive.archive.replay import saved_pages
from newsarchive.archive.warc import WarcFile
from newsarchive.items import Page
from newsarchive.pipelines.preserve import _original
from tests.conftest import Crawl, DemoSite
from tests.test_kill import content

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WRONG = datetime(2098, 1, 1, tzinfo=UTC)


def row(name: str, **known: object) -> Row:
    return Row(source="qq", article_id=name, url="u", first_seen=NOW, **known)  # type: ignore[arg-type]


def test_what_a_wrong_clock_has_put_off_for_years_is_due(tmp_path: Path) -> None:
    soon = NOW + timedelta(days=3)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(row("late", state=State.FAILED, attempts=2, last_checked=WRONG, next_try=WRONG))
        ledger.put(row("later", state=State.FAILED, attempts=8, last_checked=NOW, next_try=soon))
        assert [it.article_id for it in ledger.due("qq", NOW, 8)] == ["late"]


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
