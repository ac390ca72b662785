"""The records of a WARC file. One that cannot be read does not affect those after it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataException, ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException
from warcio.timeutils import iso_date_to_datetime

from newsarchive.archive.files import LARGEST, open_file
from newsarchive.archive.members import LENGTH, TOO_LARGE, BrokenMember, Member, members, plain_members

# what warcio raises for a malformed record, some of it unintentionally
_UNREADABLE = (
    ArchiveLoadFailed, ChunkedDataException, StatusAndHeadersParserException, zlib.error, EOFError, OSError,
    ValueError, LookupError, AttributeError, TypeError, AssertionError,
)  # fmt: skip
_CHUNK = 1 << 16
_LONGEST_HEAD = 1 << 18  # bytes of a record's header, and of the HTTP header in it
_ARC = b"filedesc://"  # begins the first record of the format before WARC
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_NEEDED = {name: re.compile(rb"(?im)^%b:[ \t]*\S" % name) for name in (b"WARC-Type", b"WARC-Date", b"WARC-Target-URI")}
_WITHOUT_ADDRESS = re.compile(rb"(?im)^WARC-Type:[ \t]*(warcinfo|metadata|conversion|continuation)\s")


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


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A place in a WARC file that cannot be read or whose digest does not match."""

    offset: int
    reason: str


def records(path: Path, offset: int = 0) -> Iterator[Record | Damage]:
    """Every record from `offset` on, and every place where one cannot be read."""
    with open_file(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        for member in members(file, offset) if packed else plain_members(file, offset):
            if isinstance(member, BrokenMember):
                yield Damage(offset=member.offset, reason=member.reason)
            elif member.data.startswith(_ARC):
                yield Damage(offset=member.offset, reason="an ARC file: `warcio recompress` makes a WARC file of it")
                return
            elif member.data.strip():
                yield _read(member)


def _read(member: Member) -> Record | Damage:
    try:
        head = member.data[:_LONGEST_HEAD].partition(b"\r\n\r\n")[0] + b"\r\n"
        for name, given in _NEEDED.items():
            if not given.search(head) and not (name == b"WARC-Target-URI" and _WITHOUT_ADDRESS.search(head)):
                return Damage(offset=member.offset, reason=f"no WARC record: it has no {name.decode()}")
        if _has_endless_head(member.data, len(head)):
            reason = f"no WARC record: a header of more than {_LONGEST_HEAD:,} bytes"
            return Damage(offset=member.offset, reason=reason)
        stream = iter(ArchiveIterator(BytesIO(_without_empty_lines(member.data, head)), check_digests=True))
        record = next(stream)
        found = _record(record, _body(record), member.offset)
        reason = _problem(record)
        if next(stream, None) is not None:
            reason = "several records in one gzip member: `warcio recompress` fixes it"
    except (*_UNREADABLE, StopIteration) as error:
        message = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Damage(offset=member.offset, reason=f"no WARC record: {message}")
    return Damage(offset=member.offset, reason=reason) if reason else found


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
    out = bytearray(unpacker.process(packed, output_buffer_limit=_CHUNK))
    while not unpacker.is_finished() and (more := unpacker.process(b"", output_buffer_limit=_CHUNK)):
        out += more
        if len(out) > LARGEST:
            raise ValueError(TOO_LARGE)
    return bytes(out) if unpacker.is_finished() else packed


def _read_all(stream: Any) -> bytes:
    """Raises `ValueError` when it unpacks to more than `LARGEST`."""
    out = bytearray()
    while chunk := stream.read(_CHUNK):
        out += chunk
        if len(out) > LARGEST:
            raise ValueError(TOO_LARGE)
    return bytes(out)


def _without_empty_lines(data: bytes, head: bytes) -> bytes:
    """The record followed by the two empty lines that belong there: warcio reads every one."""
    length = LENGTH.search(head)
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
    return answer and len(start) == _LONGEST_HEAD and not _END_OF_HEAD.search(start, 4)


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
