"""Saved pages: files of every kind that `-a replay=` takes, and what is said when there are none."""

from __future__ import annotations

import errno
import gzip
import io
import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.replay import saved_pages
from newsarchive.archive.warc import WarcFile
from newsarchive.errors import BadArgument
from newsarchive.items import Page

HTML = "<!DOCTYPE html><html><body><p>雨停了。</p></body></html>".encode()
SAVED = datetime(2026, 5, 1, 4, 5, 6, tzinfo=UTC)


def page(number: int, html: bytes = HTML, fetched: datetime = SAVED) -> Page:
    article_id = f"20261123A{number:05d}00"
    return Page(
        source="qq",
        article_id=article_id,
        url=f"https://new.qq.com/rain/a/{article_id}",
        html=html,
        fetched=fetched,
        headers=(("Content-Type", "text/html"),),
        thumbnail=f"https://inews.gtimg.com/om_ls/KEY{number}_640330/0",
        entry='{"id": 1}',
    )


def warc(path: Path, *pages: Page) -> Path:
    file = WarcFile(path, "newsarchive test")
    for one in pages:
        file.add(one)
    file.close()
    return path


def html(path: Path, data: bytes = HTML) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (SAVED.timestamp(), SAVED.timestamp()))
    return path


def test_html_file(tmp_path: Path) -> None:
    path = html(tmp_path / "雨 1.html")
    assert list(saved_pages(path)) == [
        Page(source="qq", url=path.as_uri(), html=HTML, fetched=SAVED, saved_in=str(path))
    ]


def test_packed_html_file(tmp_path: Path) -> None:
    path = html(tmp_path / "a.html.gz", gzip.compress(HTML))
    assert [one.html for one in saved_pages(path)] == [HTML]


def test_address_that_a_browser_noted(tmp_path: Path) -> None:
    note = b"<!DOCTYPE html>\n<!-- saved from url=(0046)https://new.qq.com/rain/a/20261123A0000100?a=1&amp;b=2 -->\n"
    path = html(tmp_path / "a.htm", note + HTML)
    assert [one.url for one in saved_pages(path)] == ["https://new.qq.com/rain/a/20261123A0000100?a=1&b=2"]


def test_folder_of_all_kinds_html_first_in_the_order_of_names(tmp_path: Path) -> None:
    html(tmp_path / "b" / "1.html", b"b1")
    html(tmp_path / "a.html", b"a")
    html(tmp_path / "c.HTML.GZ", gzip.compress(b"c"))
    warc(tmp_path / "b" / "2.warc.gz", page(1, b"b2"))
    warc(tmp_path / "d.WARC.GZ", page(2, b"d"))
    html(tmp_path / "notes.txt", b"no page")
    html(tmp_path / "unfinished.warc.gz.open", b"")
    assert [one.html for one in saved_pages(tmp_path)] == [b"a", b"b1", b"c", b"b2", b"d"]


def test_warc_page_is_the_page_that_was_written(tmp_path: Path) -> None:
    warc(tmp_path / "qq-1.warc.gz", page(1), page(2))
    assert [replace(one, saved_in="") for one in saved_pages(tmp_path, "other")] == [page(1), page(2)]


def test_newest_capture_of_an_article_only(tmp_path: Path) -> None:
    later = SAVED + timedelta(hours=1)
    warc(tmp_path / "qq-1.warc.gz", page(1, b"first"), page(2, b"only"))
    warc(tmp_path / "qq-2.warc.gz", page(1, b"second", later))
    assert [one.html for one in saved_pages(tmp_path)] == [b"only", b"second"]
    assert [one.html for one in saved_pages(tmp_path / "qq-1.warc.gz")] == [b"first", b"only"]


def test_pages_of_warc_files_come_in_the_order_of_their_dates(tmp_path: Path) -> None:
    """Those of others do not say which article a page is: what is written last must be the newest."""
    later = SAVED + timedelta(days=5)
    warc(tmp_path / "a.warc.gz", replace(page(1, b"new", later), article_id="", url="https://new.qq.com/rain/a/X"))
    warc(tmp_path / "b.warc.gz", replace(page(1, b"old"), article_id="", url="https://news.qq.com/rain/a/X"))
    assert [one.html for one in saved_pages(tmp_path)] == [b"old", b"new"]


def test_a_page_that_meets_a_bug_is_left_to_the_pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("newsarchive.archive.replay.reader", lambda _: broken)
    warc(tmp_path / "qq-1.warc.gz", page(1, b"first"), page(2, b"only"))
    warc(tmp_path / "qq-2.warc.gz", page(1, b"second", SAVED + timedelta(hours=1)))
    assert [one.html for one in saved_pages(tmp_path)] == [b"only", b"second"]


def test_a_capture_that_has_ended_a_process_leaves_its_place_to_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def costly(html: bytes, **_: object) -> Page:
        if html == b"third":
            raise MemoryError
        return page(1)

    monkeypatch.setattr("newsarchive.archive.replay.reader", lambda _: costly)
    monkeypatch.setattr(Page, "text", "its text", raising=False)
    for nth, words in enumerate((b"first", b"second", b"third")):
        warc(tmp_path / f"qq-{nth}.warc.gz", page(1, words, SAVED + timedelta(hours=nth)))
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        found = [[one.html for one in saved_pages(tmp_path, "qq", ledger)] for _ in range(2)]
    assert found == [[b"third"], [b"second"]]


def test_warc_of_others_has_pages_and_other_things(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "foreign.warc.gz", "another program")
    base = replace(page(1), source="")
    for one in (
        base,
        replace(base, url="https://new.qq.com/p.png", headers=(("Content-Type", "image/png"),)),
        replace(base, url="https://new.qq.com/gone", status=302),
        replace(base, url="dns:new.qq.com"),
    ):
        file.add(one, about={"via": "https://news.qq.com/"})
    file.close()
    (one,) = saved_pages(file.path)
    assert (one.source, one.article_id, one.url, one.html) == ("qq", "", page(1).url, HTML)


def test_quarantined_page_comes_with_its_notes(tmp_path: Path) -> None:
    quarantined = page(1)
    html(tmp_path / "20261123A0000100.html.gz", gzip.compress(HTML))
    notes = {
        "reason": "no title", "article_id": quarantined.article_id, "url": quarantined.url,
        "thumbnail": quarantined.thumbnail, "entry": quarantined.entry, "status": 200,
        "fetched": quarantined.fetched.isoformat(), "headers": [["Content-Type", "text/html"]],
    }  # fmt: skip
    (tmp_path / "20261123A0000100.json").write_text(json.dumps(notes))
    assert [replace(one, saved_in="") for one in saved_pages(tmp_path)] == [quarantined]


def test_notes_that_are_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    html(tmp_path / "a.html")
    (tmp_path / "a.json").write_text("[]")
    (found,) = saved_pages(tmp_path)
    assert (found.html, found.thumbnail) == (HTML, "")
    assert "a.json: not the notes of a saved page" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"article_id": "../../x"},
        {"article_id": 5},
        {"headers": [["a", 5]]},
        {"headers": "a"},
        {"headers": [{"a": "b"}]},
        {"status": "200"},
        {"thumbnail": None},
        {"entry": {}},
        {"url": None},
        {"fetched": "yesterday"},
        {"fetched": 5},
    ],
)
def test_notes_of_wrong_types(tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: dict[str, Any]) -> None:
    html(tmp_path / "a.html")
    (tmp_path / "a.json").write_text(json.dumps({"url": "https://new.qq.com/rain/a/x", "article_id": "x", **wrong}))
    (found,) = saved_pages(tmp_path)
    assert (found.html, found.article_id, found.headers) == (HTML, "", ())
    (line,) = caplog.messages
    assert "a.json: not the notes of a saved page" in line


def test_packed_file_that_is_torn_does_not_stop_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torn = gzip.compress(HTML)[:-9]
    html(tmp_path / "a.html.gz", torn)
    html(tmp_path / "b.html")
    assert [found.html for found in saved_pages(tmp_path)] == [torn, HTML]
    assert "a.html.gz: expected a gzip file" in caplog.text


def test_damaged_warc_gives_the_pages_that_are_whole_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = warc(tmp_path / "qq-1.warc.gz", page(1), page(2), page(3))
    offsets = [int(one.saved_in.rpartition(":")[2]) for one in saved_pages(path)]
    damaged = bytearray(path.read_bytes())
    damaged[offsets[1] + 300] ^= 1
    path.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert [one.article_id for one in saved_pages(path)] == [page(1).article_id, page(3).article_id]
    assert caplog.messages[0].startswith(f"{path}: nothing readable at byte {offsets[1]}: damaged:")


def test_file_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [warc(tmp_path / "a.warc.gz", page(1)), html(tmp_path / "b.html")]
    warc(tmp_path / "c.warc.gz", page(2))
    html(tmp_path / "d.html")
    real = io.open

    def broken(file: Any, *args: Any, **kwargs: Any) -> Any:
        if file in bad:
            raise OSError(errno.EIO, "Input/output error", str(file))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(io, "open", broken)
    assert [Path(one.saved_in.partition(":")[0]).name for one in saved_pages(tmp_path)] == ["d.html", "c.warc.gz"]
    assert caplog.messages == [f"{it}: cannot be read: Input/output error; the other pages are read" for it in bad]
    assert all(record.exc_info for record in caplog.records), "which a run counts as an error"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "there is no such file or folder"),
        ("missing.html", "there is no such file or folder"),
        ("empty", "no saved page in this folder"),
        ("notes.txt", "expected a file named"),
    ],
)
def test_nothing_to_replay_is_said_before_the_first_page_is_asked_for(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(BadArgument, match=message):
        saved_pages(tmp_path / name)
