"""WARC files: pages are written into them as they came, and read again.

A run has one file, `pages/qq-<time>-<run>.warc.gz`: a `warcinfo` record, then for each answer a `response`
(or, when the same page is stored already, a `revisit`) and a `metadata` record about it, each a gzip
member of its own. While the run goes on, the file's name ends in `.open`. A record that is damaged, torn or
too large costs itself: reading goes on behind it, where warcio's reader ends.
"""

import hashlib
import logging
import os
import re
import zlib
from base64 import b32encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import responses
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from newsarchive.archive.files import LARGEST, is_file, make_folder, open_descriptor, open_file, sync_folder
from newsarchive.items import Page

logger = logging.getLogger(__name__)

WARC = ".warc.gz"
OPEN = ".open"
ORIGINAL = "X-Archive-Orig-"
"""The usual prefix for a header that was true of the transfer and is not of the stored payload."""
_OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_VERSION = "1.1"  # which has microseconds in its dates
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_FIELDS = "application/warc-fields"
_LEVEL = 6  # of compression: 9 takes three times as long, for a page that is 5 % smaller
_METADATA = re.compile(rb"WARC/1\.1\r\n(WARC-[^\r\n]*\r\n)*?WARC-Type: metadata\r\n")
_CHUNK = 1 << 18
_LONGEST_HEAD = 1 << 18  # bytes of a record's header, and of the HTTP header in it
_SHOWN = 1024  # bytes of a gzip member that show whether it is a record
_SKIPPED = 1 << 30  # bytes that a record too large is unpacked to, only to find its end
_WASTED = 1 << 26  # bytes of a small file that may be read in vain
_TOO_LARGE = f"larger than {LARGEST:,} bytes, which no page is"
_MAGIC = b"\x1f\x8b\x08"
_GZIP, _GZIP_OR_DEFLATE = 31, 47  # zlib's numbers for a header and its checksum
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_STATUS = re.compile(rb"HTTP/\S+[ \t]+(\d{3})(?!\d)")
_CHUNK_SIZE = re.compile(rb"(?:\r\n)?([0-9A-Fa-f]{1,8})[^\r\n]*\r\n")


# reading


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
    needed = ["WARC-Type", "WARC-Date", "Content-Length"]
    if kind in ("response", "resource", "revisit"):
        needed.append("WARC-Target-URI")
    for name in needed:
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
        name = name.lower().replace("-", "")
        digest = hashlib.new(name, data).digest() if name in _DIGESTS else b""
        if not digest or value.lower() not in (digest.hex(), b32encode(digest).decode().lower()):
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
    if encoding in ("gzip", "x-gzip", "deflate"):
        try:
            unpacked = zlib.decompressobj(_GZIP_OR_DEFLATE).decompress(payload, LARGEST + 1)
        except zlib.error:
            return payload
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


# writing


def packed(answer: Page, about: Mapping[str, str], original: Record | None = None) -> bytes:
    """The two records of an answer, each a gzip member: a `revisit` when an `original` has the same page.

    A page that came with gzip is stored as it came. The page of a revisit may have come packed in another way: what its
    header says about the payload, and the payload digest, are those of the original, where readers find the payload.
    The `metadata` record says what we know `about` it. It comes second and completes the pair: `close_open_files`
    keeps whole pairs only.
    """
    answer_id, about_id = f"<{uuid4().urn}>", f"<{uuid4().urn}>"
    common = {"WARC-Date": warc_date(answer.fetched), "WARC-Target-URI": answer.url}
    of_answer = {"WARC-Record-ID": answer_id, "WARC-Concurrent-To": about_id, **common}
    if original:
        payload, of_payload = b"", _by_name(list(original.headers))
        of_answer |= {"WARC-Type": "revisit", "WARC-Profile": _PROFILE, "WARC-Payload-Digest": original.payload_digest}
        of_answer |= {"WARC-Refers-To-Target-URI": original.url, "WARC-Refers-To-Date": warc_date(original.date)}
    else:
        payload = answer.packed or answer.html
        of_payload = {"content-length": str(len(payload)), "content-encoding": "gzip" if answer.packed else ""}
        of_answer |= {"WARC-Type": "response", "WARC-Payload-Digest": _digest(payload)}
    of_answer["Content-Type"] = "application/http; msgtype=response"
    of_metadata = {"WARC-Type": "metadata", "WARC-Record-ID": about_id, "WARC-Refers-To": answer_id, **common}
    of_metadata["Content-Type"] = _FIELDS
    level = 0 if answer.packed and not original else _LEVEL  # nothing is gained by packing it twice
    records = _member(of_answer, _http_header(answer, of_payload), payload, level), _member(of_metadata, _lines(about))
    out = BytesIO()
    out.writelines(chain(*records))
    return out.getvalue()


def warcinfo(name: str, software: str) -> bytes:
    given = {"WARC-Type": "warcinfo", "WARC-Record-ID": f"<{uuid4().urn}>", "WARC-Filename": name}
    given |= {"WARC-Date": warc_date(datetime.now(UTC)), "Content-Type": _FIELDS}
    specification = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
    info = {"software": software, "format": f"WARC File Format {_VERSION}", "conformsTo": specification}
    return b"".join(_member(given, _lines(info)))


def warc_date(date: datetime) -> str:
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha1(usedforsecurity=False)  # which every reader knows
    for part in parts:
        digest.update(part)
    return f"sha1:{b32encode(digest.digest()).decode()}"


def _member(given: Mapping[str, str], block: bytes, payload: bytes = b"", level: int = _LEVEL) -> Iterator[bytes]:
    """A record, whose block ends with the payload, as the parts of a gzip member."""
    lengths = {"WARC-Block-Digest": _digest(block, payload), "Content-Length": str(len(block) + len(payload))}
    header = b"WARC/%b\r\n%b\r\n" % (_VERSION.encode(), _lines({**given, **lengths}))
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    pieces = (payload[at : at + _CHUNK] for at in range(0, len(payload), _CHUNK))  # a large one is not copied at once
    yield from map(packer.compress, chain((header, block), pieces, (b"\r\n\r\n",)))
    yield packer.flush()


def _http_header(answer: Page, of_payload: Mapping[str, str]) -> bytes:
    """As it came; but what is not true of the stored payload has another name."""
    lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]  # 567 and others are a site's own
    for name, value in answer.headers:
        untrue = name.lower() in _OF_TRANSFER and value.strip() != of_payload.get(name.lower())
        lines.append(f"{ORIGINAL if untrue else ''}{name}: {_one_line(value)}")
    encoding = of_payload.get("content-encoding", "")
    if encoding and answer.header("Content-Encoding") != encoding:
        lines.append(f"Content-Encoding: {encoding}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _lines(fields: Mapping[str, str]) -> bytes:
    text = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in fields.items() if value)
    return text.encode("utf-8", "surrogatepass")


def _one_line(value: str) -> str:
    """JSON may span lines; between its tokens a space is equivalent."""
    return value.replace("\r", " ").replace("\n", " ")


class WarcFile:
    """One run's file. It is created with the first answer, so an idle run leaves none."""

    def __init__(self, path: Path, software: str) -> None:
        self.path = path
        """Its name once it is closed."""
        self._part = path.with_name(path.name + OPEN)
        self._software = software
        self._end = 0
        self._descriptor = -1

    def add(self, answer: Page, original: Record | None = None, about: Mapping[str, str] | None = None) -> int:
        """Returns the offset of the `response` (or `revisit`) record, which is on disk then.

        `about` is for an answer that is no page. After an `OSError` the file ends with the last whole record.
        """
        of_page = {"article-id": answer.article_id, "thumbnail": answer.thumbnail, "entry": answer.entry}
        about = {"source": answer.source} | dict(about or of_page)
        records = packed(answer, about, original)
        if self._descriptor < 0:
            make_folder(self.path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._part, flags, 0o666)
            sync_folder(self._part.parent)
        data = records if self._end else warcinfo(self.path.name, self._software) + records
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(data)
        return self._end - len(records)

    def close(self) -> None:
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        if self._end:
            _give_name(self._part)
        else:  # the disk was full from the first answer on
            self._part.unlink()


def close_open_files(folder: Path, living: Collection[int] = ()) -> None:
    """Closes the files that killed runs left open, not those of `living` runs, by their numbers.

    To be called with the lock held. Only records that no ledger row names yet are cut off. A file without
    an answer is removed.
    """
    theirs = tuple(f"-{run}{WARC}{OPEN}" for run in living)
    for part in filter(is_file, sorted(folder.glob(f"*{WARC}{OPEN}"))):  # `scrapy verify` reports others
        if not part.name.endswith(theirs):
            with suppress(FileNotFoundError):  # another run that has begun just now was faster
                _close_open_file(part)


def _close_open_file(part: Path) -> None:
    with os.fdopen(open_descriptor(part, os.O_RDWR), "r+b") as file:
        # a damaged member is skipped, and `scrapy verify` reports it; a torn one is the last
        whole = (member for member in members(file) if isinstance(member, Member))
        end = max((member.end for member in whole if _METADATA.match(member.data)), default=0)
        cut = os.fstat(file.fileno()).st_size - end
        file.truncate(end)
        os.fsync(file.fileno())
    if end:
        path = _give_name(part)
        logger.warning("%s: completed after a killed run, %d bytes of an incomplete record removed", path, cut)
    else:
        part.unlink()


def _give_name(part: Path) -> Path:
    """Closes a file by renaming it. Where another one has the name already, such as from a backup, both are kept."""
    path = part.with_name(part.name.removesuffix(OPEN))
    names = (path.with_name(f"{path.name.removesuffix(WARC)}-{nth}{WARC}") for nth in count(2))
    path = next(name for name in chain([path], names) if not os.path.lexists(name))
    part.rename(path)
    sync_folder(part.parent)
    return path
