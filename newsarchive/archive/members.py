"""The gzip members of a file, each whole and checked: a WARC file has one for each record."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 18
_MAGIC = b"\x1f\x8b\x08"
_GZIP = 31  # zlib's number for a gzip header and its checksum


@dataclass(frozen=True)
class Member:
    """One gzip member, unpacked."""

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
