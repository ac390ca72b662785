"""`scrapy verify` finds what is lost, damaged or left over, and nothing where all is well."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive import parallel, warc
from newsarchive.archive.files import Lock
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row
from newsarchive.archive.verify import Finding, table, verify
from newsarchive.options import Options
from tests.conftest import Crawl, DemoSite

_BESIDE = ("ledger.sqlite-shm", "ledger.sqlite-wal")


@pytest.fixture
def archive(sound: tuple[Path, DemoSite], tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound[0], tmp_path / "archive"))


def found(archive: Path) -> list[Finding]:
    return verify(Options(dir=archive))[1]


def some(archive: Path, pattern: str) -> Path:
    return min(archive.glob(pattern))


def test_sound_archive_has_no_findings_and_stays_as_it_is(
    archive: Path, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    def kept() -> dict[str, bytes]:  # all but the lock and what SQLite has beside its file while it reads
        return {path: data for path, data in tree(archive).items() if path not in (".lock", *_BESIDE)}

    before = kept()
    assert found(archive) == []
    assert kept() == before


def test_command_says_it_and_its_exit_code_too(archive: Path, crawl: Crawl) -> None:
    well = crawl(archive, name="verify")
    assert well.returncode == 0, well
    assert well.stdout.endswith("everything is there and as it was written\n")

    document = some(archive, "content/**/*.md")
    document.write_bytes(document.read_bytes() + b"x")
    ill = crawl(archive, name="verify")
    as_json = crawl(archive, "--json", name="verify")

    path = document.relative_to(archive).as_posix()
    assert ill.returncode == as_json.returncode == 1
    assert f"document  {path}  its bytes are not the ones that were written" in ill.stdout
    report = json.loads(as_json.stdout)
    assert [it["path"] for it in report["findings"]] == [path]
    assert report["checked"]["documents"] > 10
    (archive / "ledger.sqlite").unlink()
    assert ["there are documents and no ledger" in it.reason for it in found(archive)] == [True]
    assert crawl(archive / "none", name="verify").returncode == 2


def test_a_document_that_the_ledger_does_not_know_is_not_lost_by_what_is_advised(archive: Path, crawl: Crawl) -> None:
    (archive / "ledger.sqlite").unlink()
    document = some(archive, "content/**/*.md")
    whole = document.read_bytes()
    document.write_bytes(b"---\ntitle: [")
    (archive / "content" / "notes.txt").write_text("")
    assert crawl(archive, name="rebuild").returncode == 0
    told = crawl(archive, name="verify").stdout
    assert "`scrapy crawl qq -a urls=ID`" in told
    assert "a file that is no document: move it out of content/" in told
    assert "`scrapy reextract`" not in told, "which does not write a document that has no row"

    (archive / "content" / "notes.txt").unlink()
    document.unlink()
    crawl(archive, "-a", f"replay={archive / 'pages'}", ARCHIVE_PICTURES=False)
    assert not [it for it in found(archive) if it.what == "document"]
    assert document.is_file()

    (archive / "ledger.sqlite").unlink()
    document.write_bytes(b"---\ntitle: [")
    assert crawl(archive, name="rebuild").returncode == 0
    document.write_bytes(whole)
    assert crawl(archive, name="rebuild").returncode == 0
    assert found(archive) == []


@pytest.mark.parametrize("how", ["broken", "missing"])
def test_what_was_checked_without_a_ledger_is_said(archive: Path, crawl: Crawl, how: str) -> None:
    (archive / "ledger.sqlite").unlink()
    if how == "broken":
        (archive / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    assert "checked: nothing, which needs a ledger" in crawl(archive, name="verify").stdout


def test_archive_in_use_is_not_looked_at(archive: Path, crawl: Crawl) -> None:
    lock = Lock(archive / ".lock")
    lock.acquire("a test", datetime.now(UTC))
    try:
        result = crawl(archive, name="verify")
    finally:
        lock.release()
    assert result.returncode == 75, result
    assert "a test" in result.stderr


def unpacked(data: bytes | bytearray) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("content/**/*.md", "document"),
        ("pictures/**/*.jpg", "picture"),
        ("pictures/**/*.gif", "picture"),
        ("pages/*.warc.gz", "page"),
        ("quarantine/**/*.html.gz", "quarantine"),
    ],
)
def test_flipped_bit_is_found(archive: Path, pattern: str, what: str) -> None:
    chance = random.Random(pattern)
    file = some(archive, pattern)
    whole = file.read_bytes()
    for _ in range(12):
        flipped = bytearray(whole)
        place = chance.randrange(len(whole))
        flipped[place] ^= 1 << chance.randrange(8)
        if file.suffix == ".gz" and unpacked(flipped) == unpacked(whole):
            continue  # a note in a gzip header, or padding: what the file holds is the same
        file.write_bytes(flipped)
        findings = found(archive)
        assert [(it.what, it.path) for it in findings if it.what == what], (place, findings)
        assert {it.path for it in findings} == {file.relative_to(archive).as_posix()}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("content/**/*.md", "expected a file, got: No such file or directory"),
        ("pictures/**/*.webp", "expected a file, got: No such file or directory"),
        ("pages/*.warc.gz", "cannot be read: No such file or directory"),
        ("quarantine/**/*.html.gz", "expected a page and its notes"),
        ("quarantine/**/*.json", "expected a page and its notes"),
    ],
)
def test_lost_file_is_found(archive: Path, pattern: str, reason: str) -> None:
    file = some(archive, pattern)
    file.unlink()
    reasons = {it.path.replace(".json", ".html.gz"): it.reason for it in found(archive)}
    assert reason in reasons[file.relative_to(archive).as_posix().replace(".json", ".html.gz")]


@pytest.mark.parametrize(
    ("path", "what", "reason"),
    [
        ("content/qq/2026/11/20261123A0000100.md", "document", "the ledger has no such article"),
        ("content/notes.txt", "document", "the ledger has no such article"),
        ("pictures/qq/2026/11/x/00-0.png", "picture", "no article has it"),
        ("quarantine/qq/x.html.gz", "quarantine", "the ledger has no such page in quarantine"),
        ("content/qq/.x.md.0123456789ab.part", "left over", "a killed run left it"),
        (".status.json.0123456789ab.part", "left over", "a killed run left it"),
        (".ledger.sqlite.0123456789ab.part-wal", "left over", "a killed run left it"),
        ("pages/qq-9.warc.gz.open", "left over", "a killed run left it open"),
        ("pages/qq-9.warc.gz", "page", "no WARC record"),
    ],
)
def test_file_that_should_not_be_there_is_found(archive: Path, path: str, what: str, reason: str) -> None:
    (archive / path).parent.mkdir(parents=True, exist_ok=True)
    (archive / path).write_bytes(b"something that nobody knows")
    findings = found(archive)
    assert [(it.what, it.path) for it in findings] == [(what, path)]
    assert reason in findings[0].reason


def test_pages_of_a_killed_run_wait_for_the_next_one(archive: Path) -> None:
    file = some(archive, "pages/*.warc.gz")
    left_open = file.rename(file.with_name(f"{file.name}.open"))
    (archive / "pages" / "qq-9.warc.gz.open").mkdir()
    with left_open.open("ab") as torn:
        torn.write(file.name.encode())
    assert [(it.what, it.path) for it in found(archive)] == [("left over", f"pages/{left_open.name}")]
    left_open.write_bytes(left_open.read_bytes()[:2000])
    assert {it.reason.split(": ")[-1].partition(" of ")[0] for it in found(archive) if it.what == "page"} == {
        "expected the page"
    }


def change(archive: Path, file: Path, data: bytes) -> None:
    """As if a version of this program with a bug had written it."""
    file.write_bytes(data)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        row = ledger.get("qq", file.stem)
        assert row
        ledger.update(row, file_hash=sha256(data).hexdigest())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'\ntitle: "', b'\ntitle: ["', "front matter cannot be read"),
        (b"\ndate: ", b"\nday: ", "front matter lacks date"),
        (b"---\n", b"\xff", "can't decode byte 0xff in position 0"),
        (b"\ndate: ", b"\ndate: !!timestamp x # ", "front matter cannot be read"),
        (b'\nthumbnail: "', b"\nthumbnail: 'x'  # \"", "thumbnail is not as this program writes it: x"),
        (b"\n[qq](", b"\n[sina](", "its last line is no source line"),
    ],
)
def test_document_that_cannot_be_read_is_found(archive: Path, old: bytes, new: bytes, reason: str) -> None:
    file = some(archive, "content/**/*.md")
    change(archive, file, file.read_bytes().replace(old, new, 1))
    findings = found(archive)
    assert [it.path for it in findings] == [file.relative_to(archive).as_posix()]
    assert reason in findings[0].reason


def test_picture_that_is_none_is_found(archive: Path) -> None:
    """A page of HTML under a picture's name, with the right hash."""
    file = some(archive, "pictures/**/*.jpg")
    path = file.relative_to(archive).as_posix()
    data = b"<!DOCTYPE html>"
    file.write_bytes(data)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        row = next(it for it in ledger.pictures() if it.path == path)
        ledger.put(replace(row, hash=sha256(data).hexdigest()))
    assert [(it.path, it.reason) for it in found(archive)] == [
        (path, "expected the picture that its name says, got ''")
    ]


def test_document_that_names_a_lost_picture_is_found(archive: Path) -> None:
    shutil.rmtree(archive / "pictures")
    assert {it.what for it in found(archive)} == {"document", "picture"}


def test_pictures_of_a_former_version_and_of_a_rebuilt_ledger_belong(archive: Path, crawl: Crawl) -> None:
    """A rebuilt ledger has no rows of pictures: the documents name them."""
    (archive / "ledger.sqlite").unlink()  # a former one would be asked
    rebuilt = crawl(archive, name="rebuild")
    assert rebuilt.returncode == 0, rebuilt
    findings = found(archive)
    assert findings == [], table({}, findings)


def test_former_version_that_was_changed_by_hand_is_found(archive: Path) -> None:
    file = some(archive, "revisions/*/*/*.md")
    whole = file.read_bytes()
    for old, new in ((b'thumbnail: "', b"thumbnail: '\""), (b"title", b"\xff")):
        file.write_bytes(whole.replace(old, new, 1).replace(b"\nsummary", b"'\nsummary", 1))
        assert [it.path for it in found(archive)] == [file.relative_to(archive).as_posix()]
    for ending in (whole[:-1], whole + b"\n"):
        file.write_bytes(ending)
        assert [it.path for it in found(archive)] == [file.relative_to(archive).as_posix()]


def test_former_version_behind_a_link_to_a_folder_is_checked(archive: Path, tmp_path: Path) -> None:
    elsewhere = (archive / "revisions" / "qq").rename(tmp_path / "elsewhere")
    (archive / "revisions" / "qq").symlink_to(elsewhere)
    (elsewhere / "circle").symlink_to(archive / "revisions")
    assert found(archive) == []
    file = some(elsewhere, "*/*.md")
    file.write_bytes(b"nothing")
    assert [it.trouble for it in found(archive)] == ["revision"]


def test_disk_that_cannot_be_listed_is_no_sound_archive(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def failing(path: Any) -> Any:
        if Path(path).name == "revisions":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(OSError, match="Input/output error"):
        found(archive)


def test_changed_picture_is_found_by_its_name_where_the_ledger_does_not_know_it(archive: Path, crawl: Crawl) -> None:
    (archive / "ledger.sqlite").unlink()
    assert crawl(archive, name="rebuild").returncode == 0
    file = some(archive, "pictures/**/*.jpg")
    file.write_bytes(file.read_bytes() + b"x")
    path = file.relative_to(archive).as_posix()
    assert [(it.path, it.reason) for it in found(archive)] == [(path, "its bytes are not the ones that were written")]


def test_page_under_a_wrong_offset_is_found(archive: Path) -> None:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        row: Row = next(it for it in ledger.rows() if it.path)
        ledger.update(row, warc_offset=17)
    (finding,) = found(archive)
    assert finding.reason == f"byte 17: expected the page of article {row.article_id}"


def test_broken_ledger_is_found(archive: Path) -> None:
    ledger = archive / "ledger.sqlite"
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    ledger.write_bytes(ledger.read_bytes()[:4096] + b"x" * 9000)
    assert [it.what for it in found(archive)] == ["ledger"]


def test_many_cores_find_the_same(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in list(archive.glob("content/**/*.md"))[::2]:
        file.write_bytes(b"damaged")
    alone = found(archive)
    spread = parallel.parallel_map
    monkeypatch.setattr("newsarchive.archive.verify._BATCH", 2)
    monkeypatch.setattr("newsarchive.archive.verify.parallel_map", lambda *args, **_: spread(*args, few=3, cores=2))
    assert found(archive) == alone
    assert len(alone) > 5


def test_parts_of_a_file_find_the_same(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged record within a part, one at its begin, and a file that cannot be read."""
    file = max(archive.glob("pages/*.warc.gz"), key=lambda it: it.stat().st_size)
    begins = [it.offset for it in warc.records(file) if isinstance(it, warc.Record) and it.type == "response"]
    data = bytearray(file.read_bytes())
    for at in (begins[1] + 60, begins[3], begins[5] + 200):
        data[at] ^= 0xFF
    file.write_bytes(data)
    link = file.with_name("qq-20990101T000000-1.warc.gz")
    link.symlink_to(file)
    whole = found(archive)
    monkeypatch.setattr("newsarchive.archive.verify._PART", 1)
    assert sorted(found(archive), key=str) == sorted(whole, key=str)
    assert len(whole) > 5
