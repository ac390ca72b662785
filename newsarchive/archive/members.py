"""The records of a WARC file as whole pieces: checked gzip members, or what lies plainly one after the other."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 18
_MAGIC = b"\x1f\x8b\x08"
_PLAIN = re.compile(rb"WARC/\d\.\d+\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^Content-Length:[ \t]*(\d{1,18})[ \t]*\r?$")
_GZIP = 31  # zlib's number for a gzip header and its checksum


@dataclass(frozen=True)
class Member:
    """One gzip member, unpacked, or one plain record."""

    offset: int
    end: int
    """Where the next one begins."""
    data: bytes


@dataclass(frozen=True)
class BrokenMember:
    """Bytes that are no whole member, up to the next one that is."""

    offset: int
    reason: str


def members(file: BinaryIO, offset: int = 0) -> Iterator[Member | BrokenMember]:
    """The members from `offset` on. One that is damaged or torn is named; reading goes on behind it."""
    while member := _member_at(file, offset):
        yield member
        offset = member.end if isinstance(member, Member) else _next_start(file, member.offset + 1)


def plain_members(file: BinaryIO, offset: int = 0) -> Iterator[Member | BrokenMember]:
    """The records of a file that is not packed. After a torn one, reading goes on where the next one begins."""
    size = os.fstat(file.fileno()).st_size
    while offset < size:
        found = _plain_at(file, offset, size)
        yield found
        offset = found.end if isinstance(found, Member) else _next_plain(file, offset + 1, size)


def _plain_at(file: BinaryIO, offset: int, size: int) -> Member | BrokenMember:
    file.seek(offset)
    start = file.read(_CHUNK)
    head = _END_OF_HEAD.search(start)
    if start.startswith(b"filedesc://"):  # the format before WARC: to be named by who knows it
        return Member(offset, size, start)
    if not _PLAIN.match(start) or not head:
        return BrokenMember(offset, "no WARC record: no header of one")
    told = _LENGTH.search(start, 0, head.end())
    end = offset + head.end() + int(told[1] if told else 0)
    if end > size:
        return BrokenMember(offset, "torn: the file ends inside of a record")
    file.seek(offset)
    data = file.read(end - offset)
    after = file.read(1024)
    rest = after.lstrip(b"\r\n")
    if rest and not _PLAIN.match(rest):
        return BrokenMember(offset, "torn: no record begins where it should end")
    return Member(offset, end + len(after) - len(rest), data + b"\r\n\r\n")


def _next_plain(file: BinaryIO, offset: int, size: int) -> int:
    """Where the next record seems to begin; the file's end when none does."""
    while offset < size:
        file.seek(offset)
        chunk = file.read(_CHUNK)
        if found := _PLAIN.search(chunk):
            return offset + found.start()
        offset += max(len(chunk) - 16, 1)
    return size


def _member_at(file: BinaryIO, offset: int) -> Member | BrokenMember | None:
    """`None` at the file's end. warcio's own reader prints a damaged member and ends the file there."""
    file.seek(offset)
    unpacker = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    read = 0
    while not unpacker.eof:
        chunk = file.read(_CHUNK)
        read += len(chunk)
        if not chunk:
            return BrokenMember(offset, "torn: the file ends inside of a record") if read else None
        try:
            parts.append(unpacker.decompress(chunk))
        except zlib.error as error:
            return BrokenMember(offset, f"damaged: {error}")
    return Member(offset, offset + read - len(unpacker.unused_data), b"".join(parts))


def _next_start(file: BinaryIO, offset: int) -> int:
    """Where the next gzip header that opens well stands; the file's end when there is none."""
    overlap = len(_MAGIC) - 1
    file.seek(offset)
    chunk = file.read(_CHUNK)
    while len(chunk) > overlap:
        at = chunk.find(_MAGIC)
        while at >= 0:
            if _opens_well(file, offset + at):
                return offset + at
            at = chunk.find(_MAGIC, at + 1)
        offset += len(chunk) - overlap
        file.seek(offset)
        chunk = file.read(_CHUNK)
    return offset + len(chunk)


def _opens_well(file: BinaryIO, offset: int) -> bool:
    file.seek(offset)
    try:
        return zlib.decompressobj(_GZIP).decompress(file.read(1024)).startswith(b"WARC/")
    except zlib.error:
        return False
