"""The records of a WARC file as whole pieces: checked gzip members, or what lies plainly one after the other."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from newsarchive.archive.files import LARGEST

_CHUNK = 1 << 18
_HEAD = 1 << 13  # bytes that hold the header of most records
_SKIPPED = 1 << 30  # bytes that a record too large is unpacked to, only to find its end
_WASTED = 1 << 26  # bytes of a small file that may be read in vain
TOO_LARGE = f"larger than {LARGEST:,} bytes, which no page is"
_MAGIC = b"\x1f\x8b\x08"
_PLAIN = re.compile(rb"WARC/\d\.\d+\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
LENGTH = re.compile(rb"(?im)^Content-Length:[ \t]*(\d{1,18})[ \t]*\r?$")
_START = 1024  # bytes of a gzip member that show whether it is one of ours
_TOO_MUCH = "too much is damaged here: the rest of the file is not read"
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
    end: int = 0
    """Where the next one begins; 0 when nobody knows."""
    read: int = 0
    """How many bytes were read in vain."""


def members(file: BinaryIO, offset: int = 0) -> Iterator[Member | BrokenMember]:
    """The members from `offset` on. One that is damaged, torn or too large is named; reading goes on behind it."""
    left = _patience(file)
    while member := _member_at(file, offset):
        yield member
        left -= 0 if isinstance(member, Member) else member.read
        if left < 0:
            yield BrokenMember(member.offset, _TOO_MUCH)
            return
        offset = member.end or _next_start(file, member.offset + 1)


def plain_members(file: BinaryIO, offset: int = 0) -> Iterator[Member | BrokenMember]:
    """The records of a file that is not packed. After a torn one, reading goes on where the next one begins."""
    size = os.fstat(file.fileno()).st_size
    left = _patience(file)
    while offset < size:
        found = _plain_at(file, offset, size)
        yield found
        left -= 0 if isinstance(found, Member) else found.read
        if left < 0:
            yield BrokenMember(offset, _TOO_MUCH)
            return
        offset = found.end or _next_plain(file, offset + 1, size)


def _patience(file: BinaryIO) -> int:
    """How many bytes may be read in vain: damage costs a little, and only what was made to cost time costs more."""
    return max(_WASTED, 2 * os.fstat(file.fileno()).st_size)


def _plain_at(file: BinaryIO, offset: int, size: int) -> Member | BrokenMember:
    file.seek(offset)
    start = file.read(_HEAD)
    head = _END_OF_HEAD.search(start)
    if not head:
        start += file.read(_CHUNK)
        head = _END_OF_HEAD.search(start)
    if start.startswith(b"filedesc://"):  # the format before WARC: to be named by who knows it
        return Member(offset, size, start)
    if not _PLAIN.match(start) or not head:
        return BrokenMember(offset, "no WARC record: no header of one", read=len(start))
    told = LENGTH.search(start, 0, head.end())
    end = offset + head.end() + int(told[1] if told else 0)
    if end > size:
        return BrokenMember(offset, "torn: the file ends inside of a record", read=len(start))
    file.seek(end)
    after = file.read(1024)
    rest = after.lstrip(b"\r\n")
    if rest and not _PLAIN.match(rest):
        return BrokenMember(offset, "torn: no record begins where it should end", read=len(start))
    behind = end + len(after) - len(rest)
    if end - offset > LARGEST:
        return BrokenMember(offset, TOO_LARGE, behind)
    file.seek(offset)
    return Member(offset, behind, file.read(end - offset) + b"\r\n\r\n")


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
    read = size = 0
    while not unpacker.eof:
        chunk = unpacker.unconsumed_tail
        if not chunk:
            chunk = file.read(_CHUNK)
            read += len(chunk)
        if not chunk:
            return BrokenMember(offset, "torn: the file ends inside of a record", read=read) if read else None
        try:
            parts.append(unpacker.decompress(chunk, _CHUNK))
        except zlib.error as error:
            return BrokenMember(offset, f"damaged: {error}", read=read)
        size += len(parts[-1])
        if size > LARGEST:
            parts.clear()
        if size > _SKIPPED:
            return BrokenMember(offset, TOO_LARGE, read=read)
    end = offset + read - len(unpacker.unused_data)
    if size > LARGEST:
        return BrokenMember(offset, TOO_LARGE, end)
    return Member(offset, end, b"".join(parts))


def _next_start(file: BinaryIO, offset: int) -> int:
    """Where the next gzip header that opens well stands; the file's end when there is none."""
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
