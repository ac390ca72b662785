"""The records of a WARC file: its gzip members, or uncompressed records one after the other, and what they hold.

A record that is damaged, torn or too large costs itself: reading goes on behind it.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataException, ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException
from warcio.timeutils import iso_date_to_datetime

from newsarchive.archive.files import LARGEST, open_file

_CHUNK = 1 << 18
_HEAD = 1 << 13  # bytes that hold the header of most records
_SKIPPED = 1 << 30  # bytes that a record too large is unpacked to, only to find its end
_WASTED = 1 << 26  # bytes of a small file that may be read in vain
_TOO_LARGE = f"larger than {LARGEST:,} bytes, which no page is"
_MAGIC = b"\x1f\x8b\x08"
_PLAIN = re.compile(rb"WARC/\d\.\d+\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^Content-Length:[ \t]*(\d{1,18})[ \t]*\r?$")
_START = 1024  # bytes of a gzip member that show whether it is one of ours
_GZIP = 31  # zlib's number for a gzip header and its checksum

# what warcio raises for a malformed record, some of it unintentionally
_UNREADABLE = (
    ArchiveLoadFailed, ChunkedDataException, StatusAndHeadersParserException, zlib.error, EOFError, OSError,
    ValueError, LookupError, AttributeError, TypeError, AssertionError,
)  # fmt: skip
_PART = 1 << 16  # bytes that are unpacked at once
_LONGEST_HEAD = 1 << 18  # bytes of a record's header, and of the HTTP header in it
_ARC = b"filedesc://"  # begins the first record of the format before WARC
_END_OF_HTTP_HEAD = re.compile(rb"\n\r?\n")
_NEEDED = {name: re.compile(rb"(?im)^%b:[ \t]*\S" % name) for name in (b"WARC-Type", b"WARC-Date", b"WARC-Target-URI")}
_WITHOUT_ADDRESS = re.compile(rb"(?im)^WARC-Type:[ \t]*(warcinfo|metadata|conversion|continuation)\s")


@dataclass(frozen=True)
class Member:
    """One gzip member, unpacked, or one plain record."""

    offset: int
    end: int
    """Where the next one begins."""
    data: bytes


@dataclass(frozen=True)
class Damage:
    """A place in a WARC file that cannot be read or whose digest does not match."""

    offset: int
    reason: str
    end: int = 0
    """Where the next member begins; 0 when that is not known."""
    read: int = 0
    """How many bytes were read in vain."""


def members(file: BinaryIO, offset: int = 0) -> Iterator[Member | Damage]:
    """The members, or plain records, from `offset` on. One that cannot be read is named; reading goes on behind it."""
    file.seek(0)
    start = file.read(_HEAD)
    if not start.startswith(_MAGIC):
        start += file.read(_CHUNK)  # a member may be damaged, and bytes of a plain record before the first whole one
    is_plain = not start.startswith(_MAGIC) and (start.startswith(_ARC) or _PLAIN.search(start))
    read, next_start = (_plain_at, _next_plain) if is_plain else (_member_at, _next_start)
    left = _patience(file)
    while found := read(file, offset):
        yield found
        left -= 0 if isinstance(found, Member) else found.read
        if left < 0:
            yield Damage(offset, "too much is damaged here: the rest of the file is not read")
            return
        offset = found.end or next_start(file, offset + 1)


def _patience(file: BinaryIO) -> int:
    """How many bytes may be read in vain: damage costs a little, and only what was made to cost time costs more."""
    return max(_WASTED, 2 * os.fstat(file.fileno()).st_size)


def _plain_at(file: BinaryIO, offset: int) -> Member | Damage | None:
    size = os.fstat(file.fileno()).st_size
    if offset >= size:
        return None
    file.seek(offset)
    start = file.read(_HEAD)
    head = _END_OF_HEAD.search(start)
    if not head:
        start += file.read(_CHUNK)
        head = _END_OF_HEAD.search(start)
    if start.startswith(_ARC):
        return Member(offset, size, start)
    if not _PLAIN.match(start) or not head:
        return Damage(offset, "no WARC record: no header of one", read=len(start))
    length = _LENGTH.search(start, 0, head.end())
    end = offset + head.end() + int(length[1] if length else 0)
    if end > size:
        return Damage(offset, "torn: the file ends inside of a record", read=len(start))
    file.seek(end)
    after = file.read(1024)
    rest = after.lstrip(b"\r\n")
    if rest and not _PLAIN.match(rest):
        return Damage(offset, "torn: no record begins where it should end", read=len(start))
    behind = end + len(after) - len(rest)
    if end - offset > LARGEST:
        return Damage(offset, _TOO_LARGE, behind)
    file.seek(offset)
    return Member(offset, behind, file.read(end - offset) + b"\r\n\r\n")


def _next_plain(file: BinaryIO, offset: int) -> int:
    """Where the next record seems to begin; the file's end when none does."""
    file.seek(offset)
    while chunk := file.read(_CHUNK):
        if found := _PLAIN.search(chunk):
            return offset + found.start()
        offset += max(len(chunk) - 16, 1)
        file.seek(offset)
    return offset


def _member_at(file: BinaryIO, offset: int) -> Member | Damage | None:
    """`None` at the file's end. warcio's own reader prints a damaged member and ends the file there."""
    file.seek(offset)
    unpacker = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    read = size = 0
    while not unpacker.eof:
        chunk = unpacker.unconsumed_tail
        if not chunk:
            chunk = file.read(_CHUNK)
            read += len(chunk)
        if not chunk:
            return Damage(offset, "torn: the file ends inside of a record", read=read) if read else None
        try:
            parts.append(unpacker.decompress(chunk, _CHUNK))
        except zlib.error as error:
            what = "damaged" if parts or chunk.startswith(_MAGIC) else "no WARC record"
            return Damage(offset, f"{what}: {error}", read=read)
        size += len(parts[-1])
        if size > LARGEST:
            parts.clear()
        if size > _SKIPPED:
            return Damage(offset, _TOO_LARGE, read=read)
    end = offset + read - len(unpacker.unused_data)
    if size > LARGEST:
        return Damage(offset, _TOO_LARGE, end)
    return Member(offset, end, b"".join(parts))


def _next_start(file: BinaryIO, offset: int) -> int:
    """Where the next gzip header is that can be unpacked; the file's end when there is none."""
    overlap = len(_MAGIC) - 1
    file.seek(offset)
    chunk = file.read(_CHUNK)
    while len(chunk) > overlap:
        at = chunk.find(_MAGIC)
        while at >= 0:
            start = chunk[at : at + _START]
            if len(start) < _START:  # of which the rest is in the next chunk, or nowhere
                file.seek(offset + at)
                start = file.read(_START)
            if _opens_well(start):
                return offset + at
            at = chunk.find(_MAGIC, at + 1)
        offset += len(chunk) - overlap
        file.seek(offset)
        chunk = file.read(_CHUNK)
    return offset + len(chunk)


def _opens_well(start: bytes) -> bool:
    try:
        return zlib.decompressobj(_GZIP).decompress(start, 16).startswith(b"WARC/")
    except zlib.error:
        return False


@dataclass(frozen=True, kw_only=True)
class Record:
    """A WARC record, its body unpacked."""

    offset: int
    type: str
    record_id: str
    concerns: str
    """For a `metadata` record, the record it describes; for a response that we wrote, its `metadata` record."""
    url: str
    date: datetime
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    payload_digest: str
    body: bytes


def records(path: Path, offset: int = 0) -> Iterator[Record | Damage]:
    """Every record from `offset` on, and every place where one cannot be read."""
    with open_file(path) as file:
        for member in members(file, offset):
            if isinstance(member, Damage):
                yield member
            elif member.data.startswith(_ARC):
                yield Damage(member.offset, "an ARC file: `warcio recompress` makes a WARC file of it")
                return
            elif member.data.strip():
                yield _read(member)


def _read(member: Member) -> Record | Damage:
    try:
        head = member.data[:_LONGEST_HEAD].partition(b"\r\n\r\n")[0] + b"\r\n"
        for name, given in _NEEDED.items():
            if not given.search(head) and not (name == b"WARC-Target-URI" and _WITHOUT_ADDRESS.search(head)):
                return Damage(member.offset, f"no WARC record: it has no {name.decode()}")
        if _has_endless_head(member.data, len(head)):
            reason = f"no WARC record: a header of more than {_LONGEST_HEAD:,} bytes"
            return Damage(member.offset, reason)
        stream = iter(ArchiveIterator(BytesIO(_without_empty_lines(member.data, head)), check_digests=True))
        record = next(stream)
        found = _record(record, _body(record), member.offset)
        reason = _problem(record)
        if next(stream, None) is not None:
            reason = "several records in one gzip member: `warcio recompress` fixes it"
    except (*_UNREADABLE, StopIteration) as error:
        message = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Damage(member.offset, f"no WARC record: {message}")
    return Damage(member.offset, reason) if reason else found


def _body(record: Any) -> bytes:
    """Unpacked. warcio cannot unpack brotli, and does not report other encodings that it does not know."""
    http = record.http_headers
    if http is None or (http.get_header("Content-Encoding") or "").strip().lower() != "br":
        return _read_all(record.content_stream())
    chunked = (http.get_header("Transfer-Encoding") or "").lower() == "chunked"
    packed = _read_all(ChunkedDataReader(record.raw_stream) if chunked else record.raw_stream)
    try:
        import brotli  # type: ignore[import-untyped]  # noqa: PLC0415  -- Scrapy brings it, not on every machine
    except ImportError:
        raise ValueError("packed with brotli, for which the package brotli is missing") from None
    try:
        return _unpacked(brotli.Decompressor(), packed)
    except brotli.error:
        return packed  # as warcio does with gzip: the program that wrote the file had unpacked it


def _unpacked(unpacker: Any, packed: bytes) -> bytes:
    out = bytearray(unpacker.process(packed, output_buffer_limit=_PART))
    while not unpacker.is_finished() and (more := unpacker.process(b"", output_buffer_limit=_PART)):
        out += more
        if len(out) > LARGEST:
            raise ValueError(_TOO_LARGE)
    return bytes(out) if unpacker.is_finished() else packed


def _read_all(stream: Any) -> bytes:
    """Raises `ValueError` when it unpacks to more than `LARGEST`."""
    out = bytearray()
    while chunk := stream.read(_PART):
        out += chunk
        if len(out) > LARGEST:
            raise ValueError(_TOO_LARGE)
    return bytes(out)


def _without_empty_lines(data: bytes, head: bytes) -> bytes:
    """The record followed by the two empty lines that belong there: warcio reads every one."""
    length = _LENGTH.search(head)
    end = len(head) + 2 + int(length[1]) if length else len(data)
    if len(data) - end <= 4:
        return data
    return data[:end] + b"\r\n\r\n" + data[end:].lstrip(b"\r\n")


def _has_endless_head(data: bytes, head: int) -> bool:
    """Whether the record's own header, or the HTTP header in it, is longer than `_LONGEST_HEAD`."""
    if head >= _LONGEST_HEAD:
        return True
    start = data[head : head + _LONGEST_HEAD]
    answer = start.lstrip(b"\r\n").startswith(b"HTTP/")
    return answer and len(start) == _LONGEST_HEAD and not _END_OF_HTTP_HEAD.search(start, 4)


def _problem(record: Any) -> str:
    """Why the record is not what was written; its digests are checked while it is read."""
    has_digest = any(record.rec_headers.get_header(name) for name in ("WARC-Block-Digest", "WARC-Payload-Digest"))
    if record.digest_checker.passed is False:
        return "; ".join(record.digest_checker.problems)
    if has_digest and record.digest_checker.passed is None and record.rec_type != "revisit":
        return "torn: shorter than its header says"
    return ""


def _record(record: Any, body: bytes, offset: int) -> Record:
    header = record.rec_headers.get_header
    http = record.http_headers
    return Record(
        offset=offset,
        type=record.rec_type,
        record_id=header("WARC-Record-ID") or "",
        concerns=header("WARC-Refers-To") or header("WARC-Concurrent-To") or "",
        url=header("WARC-Target-URI") or "",
        date=_date(header("WARC-Date")),
        status=int(http.get_statuscode()) if http else 200,
        content_type=((http.get_header("Content-Type") if http else header("Content-Type")) or "").lower(),
        headers=tuple(http.headers) if http else (),
        payload_digest=header("WARC-Payload-Digest") or "",
        body=body,
    )


def _date(text: str) -> datetime:
    try:
        date: datetime = iso_date_to_datetime(text)
    except TypeError:
        raise ValueError(f"its WARC-Date is {text!r}, expected one like 2026-11-04T08:37:00Z") from None
    return date.replace(tzinfo=UTC)
