"""A small file that unpacks to gigabytes is named and refused; what lies beside it is read."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from newsarchive.archive.files import LARGEST
from newsarchive.archive.replay import captures, saved_pages
from newsarchive.archive.verify import check_quarantined
from newsarchive.archive.warc import Damage, Record, records
from tests.conftest import Crawl, DemoSite, slow

MIB = 1 << 20
ZEROS = bytes(MIB)
PAGE = b"<!DOCTYPE html><p>\xe5\xad\x97"


def record(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    block = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: text/html", *headers, b"", body])
    return b"\r\n".join(
        [
            b"WARC/1.0", b"WARC-Type: response", b"WARC-Record-ID: <urn:uuid:1>", b"WARC-Date: 2026-10-01T00:00:00Z",
            b"WARC-Target-URI: https://new.qq.com/rain/a/20261001A00AB100",
            b"Content-Type: application/http; msgtype=response",
            b"Content-Length: %d" % (len(block) if length is None else length), b"", block, b"", b"",
        ]
    )  # fmt: skip


def bomb(mibs: int, head: bytes = b"") -> bytes:
    """A gzip file that unpacks to so many MiB of zeros; the same bytes again and again, so it is made at once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    digest = zlib.crc32(head)
    for _ in range(mibs):
        digest = zlib.crc32(ZEROS, digest)
    size = (len(head) + mibs * MIB) % (1 << 32)
    end = digest.to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(7) + start + again * mibs + b"\x03\x00" + end


GOOD = gzip.compress(record(PAGE))
LARGER = f"larger than {LARGEST:,} bytes"

READ = """
import resource, sys
from pathlib import Path
from newsarchive.archive.replay import saved_pages
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for page in saved_pages(Path(sys.argv[1])):
    print(Path(page.saved_in).name)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("mibs", [slow(256), slow(3 * 1024)])
def test_gigabytes_in_megabytes(tmp_path: Path, mibs: int) -> None:
    (tmp_path / "bomb.html.gz").write_bytes(bomb(mibs))
    (tmp_path / "bomb.warc.gz").write_bytes(GOOD + bomb(mibs, record(b"", length=mibs * MIB)) + GOOD)
    (tmp_path / "good.html").write_bytes(PAGE)
    assert (tmp_path / "bomb.html.gz").stat().st_size < 4 * MIB
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path], capture_output=True, text=True, timeout=120, check=True
    )  # fmt: skip
    *names, used = done.stdout.split()
    assert names[0] == "good.html"
    assert [name.partition(":")[0] for name in names[1:]] == ["bomb.warc.gz"]
    assert int(used) < 300
    assert f"bomb.html.gz: cannot be read: unpacks to more than {LARGEST:,} bytes" in done.stderr
    assert re.search(rf"bomb\.warc\.gz: nothing readable at byte {len(GOOD)}: {LARGER}", done.stderr)


PACKED = {
    "gzip": gzip.compress(ZEROS * 100),
    "deflate": zlib.compress(ZEROS * 100),
}


@pytest.mark.parametrize("packing", PACKED)
def test_an_answer_that_was_packed_when_it_came(tmp_path: Path, packing: str) -> None:
    answer = record(PACKED[packing], b"Content-Encoding: " + packing.encode())
    (tmp_path / "x.warc.gz").write_bytes(gzip.compress(answer) + GOOD)
    found = list(records(tmp_path / "x.warc.gz"))
    assert [type(it) for it in found] == [Damage, Record]
    assert isinstance(found[0], Damage)
    assert LARGER in found[0].reason


HEADS = {
    "of the answer": record(b"", b"a: b\r\n" * 100_000),
    "of the answer, without an end": record(b"")[:-8] + b"a: b\r\n" * 100_000,
    "of the record": record(b"").replace(b"\r\n", b"\r\n" + b"a: b\r\n" * 100_000, 1),
    "negative length": record(b"x", length=-5),
}


@pytest.mark.parametrize("what", HEADS)
def test_a_header_that_does_not_end_costs_its_record(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(gzip.compress(HEADS[what]) + GOOD)
    *bad, good = captures(path)
    assert isinstance(good, Record)
    assert good.body == PAGE
    assert {type(it) for it in bad} == {Damage}


STARTS = {
    "gzip headers": b"\x1f\x8b\x08" * 100_000,
    "records that begin well": GOOD[:80] * 10_000,
    "lines without end": gzip.compress(record(b"") + b"\r\n" * 10 * MIB),
}


@pytest.mark.parametrize("what", STARTS)
def test_a_file_that_is_made_to_cost_time(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(STARTS[what] + GOOD)
    found = list(captures(path))
    assert len(found) < 1_000
    last = found[-1]
    told = last.reason if isinstance(last, Damage) else last.body
    assert told in (PAGE, "too much is damaged here: the rest of the file is not read")


def test_a_page_as_large_as_a_page_may_be(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_bytes(bytes(LARGEST))
    (tmp_path / "y.html").write_bytes(bytes(LARGEST + 1))
    assert [len(page.html) for page in saved_pages(tmp_path)] == [LARGEST]


def test_bombs_in_quarantine_and_pages_are_named(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    spoilt, other = [story.id for story in demo_site.site.articles()][:2]
    for article_id in (spoilt, other):
        demo_site.site.faults.add(f"/rain/a/{article_id}", "challenge")
    crawl(archive, site=demo_site)
    kept = archive / "quarantine" / "qq" / f"{spoilt}.html.gz"
    kept.write_bytes(bomb(100))
    [pages] = archive.glob("pages/*.warc.gz")
    with pages.open("ab") as file:
        file.write(bomb(100, record(b"", length=100 * MIB)))
    [reason] = check_quarantined(kept)
    assert "unpacks to more than" in reason
    verified = crawl(archive, name="verify")
    assert verified.returncode == 1, verified
    assert kept.name in verified.stdout
    assert LARGER in verified.stdout
    retried = crawl(archive, name="retry")
    assert f"{kept}: cannot be read: unpacks to more than" in retried.stderr, retried
    assert "Traceback" not in retried.stderr
    shutil.rmtree(archive)
