"""The records of a WARC file, each a gzip member, and what they hold.

A record that is damaged, torn or too large costs itself: reading goes on behind it, where warcio's reader ends.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from newsarchive.archive.files import LARGEST, open_file

_CHUNK = 1 << 18
_LONGEST_HEAD = 1 << 18  # bytes of a record's header, and of the HTTP header in it
_SHOWN = 1024  # bytes of a gzip member that show whether it is a record
_SKIPPED = 1 << 30  # bytes that a record too large is unpacked to, only to find its end
_WASTED = 1 << 26  # bytes of a small file that may be read in vain
_TOO_LARGE = f"larger than {LARGEST:,} bytes, which no page is"
_MAGIC = b"\x1f\x8b\x08"
_GZIP = 31  # zlib's number for a gzip header and its checksum
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_STATUS = re.compile(rb"HTTP/\S+[ \t]+(\d{3})(?!\d)")
_CHUNK_SIZE = re.compile(rb"(?:\r\n)?([0-9A-Fa-f]{1,8})[^\r\n]*\r\n")
_PACKINGS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (15, -15)}
"""Numbers of zlib for the content encodings that it can undo; with `deflate`, servers mean either of two."""


@dataclass(frozen=True)
class Member:
    """One gzip member, unpacked."""

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
    about: Mapping[str, str] = field(default_factory=dict)
    """What the `metadata` record of an answer says about it."""

    @property
    def is_page(self) -> bool:
        """A complete web page: no list reply, no picture, no redirect, no error."""
        return (
            self.status == 200
            and "list" not in self.about
            and ("article-id" in self.about or "html" in self.content_type)
            and self.url.startswith(("http://", "https://", "file://"))
        )


def members(file: BinaryIO, offset: int = 0) -> Iterator[Member | Damage]:
    """The members from `offset` on. One that cannot be read is named; reading goes on behind it."""
    left = max(_WASTED, 2 * os.fstat(file.fileno()).st_size)  # only what was made to cost time reads so much in vain
    while found := _member_at(file, offset):
        yield found
        left -= found.read if isinstance(found, Damage) else 0
        if left < 0:
            yield Damage(offset, "too much is damaged here: the rest of the file is not read")
            return
        offset = found.end or _next_begin(file, offset + 1)


def _member_at(file: BinaryIO, offset: int) -> Member | Damage | None:
    """`None` at the file's end."""
    file.seek(offset)
    unpacker = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    size = 0
    while not unpacker.eof:
        chunk = unpacker.unconsumed_tail or file.read(_CHUNK)
        read = file.tell() - offset
        if not read:
            return None
        if not chunk or size > _SKIPPED:
            return Damage(offset, _TOO_LARGE if chunk else "torn: the file ends inside of a record", read=read)
        try:
            parts.append(unpacker.decompress(chunk, _CHUNK))
        except zlib.error as error:
            what = "damaged" if parts or chunk.startswith(_MAGIC) else "no WARC record"
            return Damage(offset, f"{what}: {error}", read=read)
        size += len(parts[-1])
        if size > LARGEST:
            parts.clear()
    end = file.tell() - len(unpacker.unused_data)
    return Damage(offset, _TOO_LARGE, end) if size > LARGEST else Member(offset, end, b"".join(parts))


def _next_begin(file: BinaryIO, offset: int) -> int:
    """Where the next member seems to begin that is a record; the file's end when none does."""
    while True:
        file.seek(offset)
        chunk = file.read(_CHUNK + _SHOWN)
        for found in re.finditer(_MAGIC, chunk):
            with suppress(zlib.error):
                start = chunk[found.start() : found.start() + _SHOWN]
                if zlib.decompressobj(_GZIP).decompress(start, 16).startswith(b"WARC/"):
                    return offset + found.start()
        if len(chunk) < _CHUNK + _SHOWN:
            return offset + len(chunk)
        offset += _CHUNK


def records(path: Path, offset: int = 0) -> Iterator[Record | Damage]:
    """Every record from `offset` on, and every place where one cannot be read."""
    with open_file(path) as file:
        for member in members(file, offset):
            if isinstance(member, Damage):
                yield member
            elif member.data and not member.data.isspace():
                try:
                    yield _record(member)
                except ValueError as error:
                    yield Damage(member.offset, str(error))


def _record(member: Member) -> Record:
    """Raises `ValueError` that says what is wrong."""
    head, rest = _parted(member.data)
    given = _by_name(header_fields(head))
    kind = given.get("warc-type", "")
    needed = ("WARC-Type", "WARC-Date", "Content-Length", "WARC-Target-URI")
    for name in needed if kind in ("", "response", "resource", "revisit") else needed[:-1]:
        if not given.get(name.lower()):
            raise ValueError(f"no WARC record: it has no {name}")
    length = int(given["content-length"])
    if not 0 <= length <= len(rest):
        raise ValueError("torn: shorter than its header says")
    block = payload = rest[:length]
    if rest[length:].strip(b"\r\n"):
        raise ValueError("several records in one gzip member: `warcio recompress` fixes it")
    status, headers, content_type = 200, [], given.get("content-type", "")
    if kind in ("response", "revisit") and block.startswith(b"HTTP/"):
        found = _STATUS.match(block)
        if not found:
            raise ValueError("no WARC record: its HTTP header has no status")
        http, payload = _parted(block)
        status, headers = int(found[1]), header_fields(http.partition(b"\n")[2])
        content_type = _by_name(headers).get("content-type", "")
    if kind in ("response", "resource", "metadata", "warcinfo"):
        _check_digest("block", block, given)
        _check_digest("payload", payload, given)
    return Record(
        offset=member.offset,
        type=kind,
        record_id=given.get("warc-record-id", ""),
        concerns=given.get("warc-refers-to") or given.get("warc-concurrent-to", ""),
        url=given.get("warc-target-uri", "").strip("<>"),  # brackets are wget's
        date=_date(given["warc-date"]),
        status=status,
        content_type=content_type.lower(),
        headers=tuple(headers),
        payload_digest=given.get("warc-payload-digest", ""),
        body=_unpacked(payload, _by_name(headers)),
    )


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """A header, and what follows it."""
    end = _END_OF_HEAD.search(data, 0, _LONGEST_HEAD)
    if not end:
        raise ValueError(f"no WARC record: a header that does not end within {_LONGEST_HEAD:,} bytes")
    return data[: end.start()], data[end.end() :]


def header_fields(block: bytes) -> list[tuple[str, str]]:
    """The `name: value` lines of a header, or of an `application/warc-fields` block."""
    try:
        text = block.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # written by another program
        text = block.decode("utf-8", "replace")
    lines = (line.partition(":") for line in re.split("\r?\n", text))
    return [(name.strip(), value.strip()) for name, colon, value in lines if colon]


def _by_name(fields: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields}


def _check_digest(what: str, data: bytes, given: dict[str, str]) -> None:
    if expected := given.get(f"warc-{what}-digest"):
        name, _, value = expected.partition(":")
        digest = hashlib.new(name, data).digest() if name in _DIGESTS else b""
        if value.lower() not in (digest.hex(), b32encode(digest).decode().lower()) or not digest:
            raise ValueError(f"{what} digest failed: {expected}")


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"its WARC-Date is {text!r}, expected one like 2026-11-04T08:37:00Z: {error}") from None


def _unpacked(payload: bytes, headers: dict[str, str]) -> bytes:
    """Without the encodings of the transfer. Where they are only named, other programs have undone them."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        payload = _joined(payload)
    encoding = headers.get("content-encoding", "").lower()
    for number in _PACKINGS.get(encoding, ()):
        try:
            unpacked = zlib.decompressobj(number).decompress(payload, LARGEST + 1)
        except zlib.error:
            continue
        if len(unpacked) > LARGEST:
            raise ValueError(_TOO_LARGE)
        return unpacked
    if encoding in ("br", "zstd") and not payload[:_SHOWN].lstrip().startswith(b"<"):
        raise ValueError(f"packed with {encoding}, which cannot be read here")
    return payload


def _joined(chunks: bytes) -> bytes:
    parts, at = [], 0
    while (size := _CHUNK_SIZE.match(chunks, at)) and int(size[1], 16):
        at = size.end() + int(size[1], 16)
        parts.append(chunks[size.end() : at])
    return b"".join(parts) or chunks
