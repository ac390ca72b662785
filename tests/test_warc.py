"""WARC files: what is written is what is read, by us and by warcio, also after a kill."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from newsarchive.archive import warc
from newsarchive.archive.replay import capture_at, capture_page, captures
from newsarchive.archive.warc import ORIGINAL, Damage, Record, WarcFile, close_open_files, records
from newsarchive.errors import ArchiveError
from newsarchive.items import Page

FETCHED = datetime(2026, 11, 23, 13, 48, 36, 123456, UTC)


def page(number: int = 1, **changes: object) -> Page:
    made = Page(
        source="qq",
        article_id=f"20261123A{number:05d}00",
        url=f"https://new.qq.com/rain/a/20261123A{number:05d}00",
        html=f"<html><body><p>第{number}篇：山里下了一场雨。</p></body></html>".encode(),
        fetched=FETCHED,
        headers=(("Content-Type", "text/html; charset=UTF-8"), ("ETag", f'"{number}"')),
        thumbnail=f"https://inews.gtimg.com/om_ls/KEY{number}_640330/0",
        entry='{"id": "一", "title": "雨：\\n“下了”"}',
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def written(folder: Path, *pages: Page) -> Path:
    file = WarcFile(folder / "qq-1.warc.gz", "newsarchive test")
    for one in pages:
        file.add(one)
    file.close()
    return file.path


def read_pages(path: Path) -> list[Page]:
    return [capture_page(path, found, "qq") for found in captures(path) if isinstance(found, Record)]


def damages(path: Path) -> list[str]:
    return [found.reason for found in records(path) if isinstance(found, Damage)]


def test_page_comes_back_as_it_was(tmp_path: Path) -> None:
    first, second = page(1), page(2, thumbnail="", entry="", status=567)
    path = written(tmp_path, first, second)

    back = read_pages(path)

    assert [replace(one, saved_in="") for one in back] == [first, second]
    assert [capture_page(path, capture_at(path, int(one.saved_in.rpartition(":")[2])), "qq") for one in back] == back


def test_kinds_of_records_in_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, page(1), page(2))
    kinds = [found.type for found in records(path) if not isinstance(found, Damage)]
    assert kinds == ["warcinfo", "response", "metadata", "response", "metadata"]


def test_headers_of_the_wire_are_renamed_and_come_back(tmp_path: Path) -> None:
    headers = (
        ("Content-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "7"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Place", "北京".encode().decode("latin-1")),
    )
    path = written(tmp_path, page(headers=headers))

    (stored,) = [found for found in captures(path) if isinstance(found, Record)]

    assert [name for name, _ in stored.headers[:3]] == [f"{ORIGINAL}{name}" for name, _ in headers[:3]]
    assert read_pages(path)[0].headers[:5] == headers[:5]


def test_true_content_length_stays(tmp_path: Path) -> None:
    one = page()
    one.headers = (("Content-Length", str(len(one.html))),)
    (stored,) = [found for found in captures(written(tmp_path, one)) if isinstance(found, Record)]
    assert stored.headers == one.headers


def test_page_that_came_with_gzip_is_stored_as_it_came(tmp_path: Path) -> None:
    one = with_gzip(page(1), 6)
    path = written(tmp_path, one, page(2))

    with path.open("rb") as file:
        unread = ArchiveIterator(file, no_record_parse=True)
        stored = [it.raw_stream.read() for it in unread if it.rec_type == "response"]
    with path.open("rb") as file:
        shown = [it.content_stream().read() for it in ArchiveIterator(file) if it.rec_type == "response"]

    assert [it.partition(b"\r\n\r\n")[2] for it in stored] == [one.packed, page(2).html]
    assert shown == [one.html, page(2).html]
    assert [replace(it, saved_in="") for it in read_pages(path)] == [replace(one, packed=b""), page(2)]
    assert (damages(path), warcio_check(path)) == ([], 0)


def with_gzip(one: Page, level: int) -> Page:
    """The page as a server sends it that packs so."""
    data = gzip.compress(one.html, level, mtime=level)
    sent = (("Content-Length", str(len(data))), ("Content-Encoding", "gzip"))
    return replace(one, packed=data, headers=(*one.headers, *sent))


def test_a_page_that_packs_badly_is_stored_too(tmp_path: Path) -> None:
    """Bytes that no compression makes smaller, of more than a stored block's 65,535."""
    one = with_gzip(page(html=random.Random(1).randbytes(200_000)), 9)
    path = written(tmp_path, one)
    assert [it.html for it in read_pages(path)] == [one.html]
    assert warcio_check(path) == 0


def test_entry_over_several_lines_stays_the_same_json(tmp_path: Path) -> None:
    path = written(tmp_path, page(entry='{\n  "id":\r\n "一"\n}'))
    assert read_pages(path)[0].entry == '{   "id":   "一" }'


@settings(max_examples=50, deadline=None)
@given(html=st.binary(max_size=3000), title=st.text(max_size=40))
def test_every_body_and_entry(tmp_path_factory: pytest.TempPathFactory, html: bytes, title: str) -> None:
    folder = tmp_path_factory.mktemp("warc")
    one = page(html=html, entry="" if not title.isprintable() else f'{{"title": "{title}"}}')
    (back,) = read_pages(written(folder, one))
    assert (back.html, back.entry) == (one.html, one.entry)


def test_list_reply_is_kept_and_is_no_page(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    about = {"list": "news_news_tech page 2", "request-body": '{"flush_num": 2}'}
    body = b'{"code": 0, "data": []}'
    file.add(Page(source="qq", url="https://i.news.qq.com/web_feed/getPCList", html=body, fetched=FETCHED), about=about)
    file.close()

    (reply,) = [found for found in captures(file.path) if isinstance(found, Record)]

    assert reply.about == {"source": "qq"} | about
    assert reply.body == body
    assert not reply.is_page


def test_revisit_refers_to_the_first_capture_and_is_no_answer(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    offset = file.add(page())
    first = capture_at(tmp_path / "qq-1.warc.gz.open", offset)
    file.add(page(fetched=datetime(2026, 11, 24, tzinfo=UTC)), first)
    file.close()

    assert [found.type for found in records(file.path) if not isinstance(found, Damage)][3:] == ["revisit", "metadata"]
    assert len(read_pages(file.path)) == 1
    assert warcio_check(file.path) == 0


PACKINGS: dict[str, Callable[[Page], Page]] = {
    "plain": lambda one: one,
    "gzip": lambda one: with_gzip(one, 9),
    "other gzip": lambda one: with_gzip(one, 1),
}


@pytest.mark.parametrize("then", PACKINGS)
@pytest.mark.parametrize("now", PACKINGS)
def test_header_of_a_revisit_is_true_of_the_payload_that_it_refers_to(tmp_path: Path, then: str, now: str) -> None:
    """A reader shows the original's payload below the revisit's header."""
    one = page(html="山里下了一场雨。".encode() * 99)
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    offset = file.add(PACKINGS[then](one))
    first = capture_at(tmp_path / "qq-1.warc.gz.open", offset)
    file.add(PACKINGS[now](replace(one, fetched=datetime(2026, 11, 24, tzinfo=UTC))), first)
    file.close()

    found = [it for it in records(file.path) if isinstance(it, Record)]
    [answer, revisit] = [it for it in found if it.type in ("response", "revisit")]
    names = ("content-encoding", "content-length")
    described = [{name.lower(): text for name, text in it.headers if name.lower() in names} for it in (answer, revisit)]
    assert revisit.payload_digest == answer.payload_digest
    assert described[1].get("content-encoding") == described[0].get("content-encoding")
    assert described[1].get("content-length") in (None, described[0].get("content-length"))
    assert (damages(file.path), warcio_check(file.path)) == ([], 0)


def warcio_check(path: Path) -> int:
    """warcio's own `check`, as its command line runs it."""
    with pytest.raises(SystemExit) as ended:
        warcio(["check", str(path)])
    return ended.value.code if isinstance(ended.value.code, int) else 1


def test_warcio_finds_nothing_wrong_and_our_reader_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, *(page(number) for number in range(20)))
    assert warcio_check(path) == 0
    assert capsys.readouterr().out == ""
    assert damages(path) == []


def test_warcio_indexes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, page(1), page(2))
    warcio(["index", "-f", "offset,warc-type,warc-target-uri,http:status", str(path)])
    lines = capsys.readouterr().out.splitlines()
    offsets = [found.offset for found in records(path)]
    assert [int(line.split('"offset": "')[1].split('"')[0]) for line in lines] == offsets
    assert sum('"http:status": "200"' in line for line in lines) == 2


def test_run_without_an_answer_leaves_no_file(tmp_path: Path) -> None:
    WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test").close()
    assert list(tmp_path.iterdir()) == []


def test_file_is_open_by_name_until_it_is_closed(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    file.add(page())
    assert [path.name for path in tmp_path.iterdir()] == ["qq-1.warc.gz.open"]
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["qq-1.warc.gz"]


def test_records_are_whole_and_at_the_offsets_that_are_told(tmp_path: Path) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    pages = [page(number, html=os.urandom(40_000)) for number in range(60)]
    offsets = list(map(file.add, pages))
    file.close()
    assert [capture_at(file.path, offset).body for offset in offsets] == [one.html for one in pages]
    assert damages(file.path) == []


def test_full_disk_leaves_whole_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    file.add(page(1))
    real_write = os.write

    def half(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", no_space)
        return real_write(descriptor, data[: len(data) // 2])

    def no_space(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        file.add(page(2))
    monkeypatch.setattr(os, "write", real_write)
    file.add(page(3))
    file.close()

    assert [one.article_id for one in read_pages(file.path)] == [page(1).article_id, page(3).article_id]
    assert damages(file.path) == []


def test_disk_that_was_full_from_the_start_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    file = WarcFile(tmp_path / "qq-1.warc.gz", "newsarchive test")
    monkeypatch.setattr(os, "write", no_space)
    with pytest.raises(OSError, match="No space"):
        file.add(page(1))
    file.close()
    assert list(tmp_path.iterdir()) == []


# torn and damaged files


def test_every_cut_is_mended_to_the_last_whole_page(tmp_path: Path) -> None:
    """A run may be killed after any byte."""
    whole = written(tmp_path / "whole", page(1), page(2)).read_bytes()
    first_end = next(
        found.offset
        for found in records(tmp_path / "whole" / "qq-1.warc.gz")
        if isinstance(found, Damage) is False and found.url.endswith("A0000200")  # type: ignore[union-attr]
    )
    counts = set()
    for cut in sorted({*range(0, len(whole), 7), len(whole) - 1, len(whole)}):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "qq-1.warc.gz.open").write_bytes(whole[:cut])

        close_open_files(folder)

        path = folder / "qq-1.warc.gz"
        kept = path.read_bytes() if path.exists() else b""
        expected = 2 if cut == len(whole) else 1 if cut >= first_end else 0
        assert (cut, len(read_pages(path)) if kept else 0) == (cut, expected)
        assert whole.startswith(kept)
        assert not kept or damages(path) == []
        assert not list(folder.glob("*.open"))
        counts.add(expected)
    assert counts == {0, 1, 2}


def test_mend_leaves_closed_files_alone(tmp_path: Path) -> None:
    path = written(tmp_path, page())
    before = path.stat()
    close_open_files(tmp_path)
    assert path.stat() == before


def test_damage_at_the_start_costs_nothing_behind_it(tmp_path: Path) -> None:
    path = written(tmp_path, page(1), page(2))
    path.write_bytes(bytes(16) + path.read_bytes()[16:])
    assert [one.article_id for one in read_pages(path)] == [page(1).article_id, page(2).article_id]
    path.rename(tmp_path / "qq-1.warc.gz.open")
    close_open_files(tmp_path)
    assert len(read_pages(path)) == 2


def test_another_file_of_the_same_name_is_kept_too(tmp_path: Path) -> None:
    written(tmp_path, page(1)).rename(tmp_path / "qq-1-2.warc.gz")
    path = written(tmp_path, page(3))
    written(tmp_path / "copy", page(2)).rename(tmp_path / "qq-1.warc.gz.open")
    close_open_files(tmp_path)
    names = [tmp_path / "qq-1-2.warc.gz", tmp_path / "qq-1-3.warc.gz", path]
    assert [one.article_id for it in names for one in read_pages(it)] == [page(n).article_id for n in (1, 2, 3)]


def test_another_run_may_close_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, give_name = written(tmp_path / "copy", page(1)).read_bytes(), warc._give_name
    for number in (1, 2):
        (tmp_path / f"qq-{number}.warc.gz.open").write_bytes(data)
    monkeypatch.setattr(warc, "_give_name", lambda part: (give_name(part), give_name(part)))  # the other one, then this
    close_open_files(tmp_path)
    assert sorted(it.name for it in tmp_path.glob("qq-*")) == ["qq-1.warc.gz", "qq-2.warc.gz"]


def test_a_folder_with_the_name_of_an_open_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "qq-1.warc.gz.open").mkdir()
    close_open_files(tmp_path)
    assert [it.name for it in tmp_path.iterdir()] == ["qq-1.warc.gz.open"]


_WRITER = """
import os, sys, datetime, pathlib
from newsarchive.archive.warc import WarcFile
from newsarchive.items import Page
file = WarcFile(pathlib.Path(sys.argv[1]), "newsarchive test")
now = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
for number in range(10_000):
    page = Page(source="qq", article_id=str(number), url=f"https://new.qq.com/rain/a/{number}",
                html=os.urandom(50_000), fetched=now, entry="{}")
    offset = file.add(page)
    print(number, offset, flush=True)
"""


@pytest.mark.parametrize("moment", [0.02, 0.1, 0.3])
def test_kill_while_writing_loses_no_page_that_was_told(tmp_path: Path, moment: float) -> None:
    path = tmp_path / "qq-1.warc.gz"
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        threading.Timer(moment, writer.kill).start()
        told += writer.stdout.readlines()

    close_open_files(tmp_path)

    offsets = [int(line.split()[1]) for line in told if line.endswith("\n")]
    assert [capture_at(path, offset).about["article-id"] for offset in offsets] == [str(n) for n in range(len(offsets))]
    assert damages(path) == []
    assert warcio_check(path) == 0


def test_flipped_bit_is_found_and_costs_one_record(tmp_path: Path) -> None:
    chance = random.Random(4)
    path = written(tmp_path, *(page(number, html=chance.randbytes(2000)) for number in range(5)))
    whole = path.read_bytes()
    unnoticed = []
    for _ in range(200):
        place = chance.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        if not damages(path):
            unnoticed.append(bytes(flipped))
        assert len(read_pages(path)) >= 4
    # a note in a gzip header (the time, the level, the system) or the padding of a block: what is read is the same
    assert {gzip.decompress(data) for data in unnoticed} <= {gzip.decompress(whole)}


def test_file_that_warcio_has_packed_again(tmp_path: Path) -> None:
    packed = written(tmp_path, page(1), page(2))
    warcio(["recompress", str(packed), str(tmp_path / "again.warc.gz")])
    assert [replace(one, saved_in="") for one in read_pages(tmp_path / "again.warc.gz")] == [page(1), page(2)]


def raw(block: bytes, *headers: str) -> bytes:
    """A record as another program may have written it."""
    lines = ["WARC/1.0", *headers, f"Content-Length: {len(block)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + block + b"\r\n\r\n"


TYPE, ID = "WARC-Type: response", "WARC-Record-ID: <urn:uuid:1>"
URI, DATE = "WARC-Target-URI: http://x/", "WARC-Date: 2026-11-23T13:48:36Z"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
HALF_GZIP = gzip.compress(os.urandom(99_999))[:50_000] + b"x" * 50_000
ODD = {
    "no date": (raw(HTTP + b"\r\nx", TYPE, ID, URI), "it has no WARC-Date"),
    "a year": (raw(HTTP + b"\r\nx", TYPE, ID, URI, "WARC-Date: 2026"), "its WARC-Date is '2026'"),
    "no day": (raw(HTTP + b"\r\nx", TYPE, ID, URI, "WARC-Date: 2026-13-45T00:00:00Z"), "month must be in 1..12"),
    "no address": (raw(HTTP + b"\r\nx", TYPE, ID, DATE), "it has no WARC-Target-URI"),
    "no type": (raw(HTTP + b"\r\nx", ID, URI, DATE), "it has no WARC-Type"),
    "no HTTP": (raw(b"\r\n", TYPE, ID, URI, DATE), None),
    "no status": (raw(b"HTTP/1.1 abc OK\r\n\r\nx", TYPE, ID, URI, DATE), "no WARC record"),
    "odd digest": (raw(HTTP + b"\r\nx", TYPE, ID, URI, DATE, "WARC-Block-Digest: none"), ""),
    "odd chunks": (raw(HTTP + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx", TYPE, ID, URI, DATE), None),
    "half gzip": (
        raw(HTTP + b"Content-Encoding: gzip\r\n\r\n" + HALF_GZIP, TYPE, ID, URI, DATE),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_odd_record_costs_itself(tmp_path: Path, what: str) -> None:
    record, reason = ODD[what]
    around = gzip.decompress(written(tmp_path, page(1)).read_bytes())
    path = tmp_path / "foreign.warc.gz"
    path.write_bytes(b"".join(map(gzip.compress, [*split(around), record, *split(around)])))
    assert [one.article_id for one in read_pages(path) if one.article_id] == [page(1).article_id] * 2
    if reason is not None:
        (said,) = damages(path)
        assert reason in said


def split(plain: bytes) -> list[bytes]:
    """The records of a plain WARC file."""
    return [b"WARC/1.1\r\n" + rest for rest in plain.split(b"WARC/1.1\r\n")[1:]]


def test_packed_page_of_another_program(tmp_path: Path) -> None:
    path, html = tmp_path / "foreign.warc.gz", page().html * 99

    def write(body: bytes, *encodings: bytes) -> Path:
        head = HTTP + b"".join(b"%b\r\n" % line for line in encodings)
        path.write_bytes(gzip.compress(raw(head + b"\r\n" + body, TYPE, ID, URI, DATE)))
        return path

    body = gzip.compress(html)
    chunks = b"%x\r\n%b\r\n5;x=y\r\n%b\r\n0\r\n\r\n" % (len(body) - 5, body[:-5], body[-5:])
    for kept, encodings in (
        (body, [b"Content-Encoding: gzip"]),
        (chunks, [b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"]),
        (zlib.compress(html), [b"Content-Encoding: deflate"]),
        (html, [b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"]),  # unpacked by whoever has written it
        (html, [b"Content-Encoding: br"]),
    ):
        assert [one.html for one in read_pages(write(kept, *encodings))] == [html], encodings
    assert damages(write(b"\x1b\x12\x00", b"Content-Encoding: br")) == ["packed with br, which cannot be read here"]


def test_digest_as_other_programs_write_it(tmp_path: Path) -> None:
    path, block = tmp_path / "foreign.warc.gz", HTTP + b"\r\n<html>"
    right = hashlib.sha256(block).hexdigest()
    for digest, wrong in ((f"sha-256:{right}", 0), (f"SHA256:{right.upper()}", 0), (f"sha256:{right[:-1]}x", 1)):
        path.write_bytes(gzip.compress(raw(block, TYPE, ID, URI, DATE, f"WARC-Block-Digest: {digest}")))
        assert (digest, len(damages(path))) == (digest, wrong)


def test_metadata_of_others_in_another_code(tmp_path: Path) -> None:
    path = tmp_path / "foreign.warc.gz"
    names = "WARC-Type: metadata", "WARC-Record-ID: <urn:uuid:2>", "WARC-Refers-To: <urn:uuid:1>", URI, DATE
    about = raw("via: caf\xe9\r\n".encode("latin-1"), *names)
    path.write_bytes(gzip.compress(raw(HTTP + b"\r\nx", TYPE, ID, URI, DATE)) + gzip.compress(about))
    assert [found.about for found in captures(path) if isinstance(found, Record)] == [{"via": "caf\ufffd"}]


def test_several_records_in_one_gzip_member_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, page(1), page(2))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))
    assert damages(path) == ["several records in one gzip member: `warcio recompress` fixes it"]


def test_no_page_at_an_offset_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = written(tmp_path, page(1))
    for offset in (0, 17, path.stat().st_size):
        with pytest.raises(ArchiveError, match=f"expected a preserved page at byte {offset}"):
            capture_at(path, offset)
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        capture_at(tmp_path / "none.warc.gz", 0)


@pytest.mark.parametrize("junk", [b"", b"no WARC at all", b"\x1f\x8b\x08", b"\x1f\x8b\x08" * 99])
def test_junk_is_no_crash(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk.warc.gz"
    path.write_bytes(junk)
    assert read_pages(path) == []
    assert len(damages(path)) == (1 if junk else 0)


def test_damage_in_a_file_left_open_costs_one_page(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", page(1), page(2), page(3)).read_bytes()
    starts = [found.offset for found in records(tmp_path / "whole" / "qq-1.warc.gz") if not isinstance(found, Damage)]
    spoilt = bytearray(whole)
    spoilt[starts[3] + 40] ^= 0xFF  # warcinfo, then response and metadata of each page
    part = tmp_path / "qq-1.warc.gz.open"
    part.write_bytes(spoilt)
    close_open_files(tmp_path)
    path = tmp_path / "qq-1.warc.gz"
    assert path.read_bytes() == bytes(spoilt)
    assert [one.article_id for one in read_pages(path)] == [page(1).article_id, page(3).article_id]
