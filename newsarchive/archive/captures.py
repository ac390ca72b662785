"""Answers of a site, read from WARC files: ours and other people's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.timeutils import iso_date_to_datetime

from newsarchive.archive.exchanges import ORIGINAL
from newsarchive.archive.members import BrokenMember, members
from newsarchive.errors import ArchiveError
from newsarchive.items import Page


@dataclass(frozen=True, kw_only=True)
class Record:
    """A WARC record, its body unpacked."""

    offset: int
    type: str
    record_id: str
    concerns: str
    """The record that a `metadata` record is about, or the `metadata` record that a response of ours has."""
    url: str
    date: datetime
    status: int
    content_type: str
    headers: tuple[tuple[str, str], ...]
    payload_digest: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A place in a WARC file that cannot be read or whose digest does not hold."""

    offset: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Capture:
    """An answer with what its `metadata` record says about it."""

    path: Path
    record: Record
    about: dict[str, str] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """A web page that came whole: no list reply, no picture, no redirect, no error."""
        return (
            self.record.status == 200
            and "list" not in self.about
            and ("article-id" in self.about or "html" in self.record.content_type)
            and self.record.url.startswith(("http://", "https://", "file://"))
        )


def records(path: Path, offset: int = 0) -> Iterator[Record | Damage]:
    """Every record from `offset` on, and every place where there should be one."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(offset)
            yield from _plain_records(file, offset, packed=False)
            return
        for member in members(file, offset):
            if isinstance(member, BrokenMember):
                yield Damage(offset=member.offset, reason=member.reason)
            else:
                yield from _plain_records(BytesIO(member.data), member.offset, packed=True)


def captures(path: Path, offset: int = 0) -> Iterator[Capture | Damage]:
    """Every answer from `offset` on; a `revisit` is none, for it has no body."""
    pending: Capture | None = None
    for record in records(path, offset):
        if isinstance(record, Record) and record.type == "metadata":
            if pending and record.concerns == pending.record.record_id:
                yield replace(pending, about=_fields(record.body))
                pending = None
            continue
        if pending:
            yield pending if isinstance(record, Record) else _without_metadata(pending)
        pending = None
        if isinstance(record, Damage):
            yield record
        elif record.type in {"response", "resource"}:
            pending = Capture(path=path, record=record)
    if pending:
        yield _without_metadata(pending)


def _without_metadata(capture: Capture) -> Capture | Damage:
    """A page of ours would lose its thumbnail, and read as if it had been edited."""
    if not capture.record.concerns:
        return capture
    return Damage(offset=capture.record.offset, reason="the record that says what was found here is missing")


def capture_at(path: Path, offset: int) -> Capture:
    """Raises `ArchiveError` when no whole answer stands there."""
    try:
        found = next(captures(path, offset), None)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror}") from error
    if not isinstance(found, Capture) or found.record.offset != offset:
        reason = found.reason if isinstance(found, Damage) else "there is none"
        raise ArchiveError(f"{path}: expected a preserved page at byte {offset}: {reason}")
    return found


def capture_page(capture: Capture, source: str) -> Page:
    """The page as it came from the network; `source` is for WARC files of others, which name none."""
    record, about = capture.record, capture.about
    return Page(
        source=about.get("source", source),
        article_id=about.get("article-id", ""),
        url=record.url,
        html=record.body,
        fetched=record.date,
        status=record.status,
        headers=tuple((name.removeprefix(ORIGINAL), value) for name, value in record.headers),
        thumbnail=about.get("thumbnail", ""),
        entry=about.get("entry", ""),
        saved_in=f"{capture.path}:{record.offset}",
    )


def _plain_records(file: BinaryIO, base: int, *, packed: bool) -> Iterator[Record | Damage]:
    """The records of an unpacked stream; in a `packed` file the one record stands where its member does."""
    start = base
    try:
        stream = ArchiveIterator(file, check_digests=True)
        for number, record in enumerate(stream):
            if packed and number:
                yield Damage(offset=base, reason="several records in one gzip member: `warcio recompress` mends it")
                return
            body = record.content_stream().read()
            start = base if packed else stream.get_record_offset()
            problem = _problem(record)
            yield Damage(offset=start, reason=problem) if problem else _record(record, body, start)
    except (ArchiveLoadFailed, ValueError, OSError) as error:
        yield Damage(offset=start, reason=f"no WARC record: {str(error).strip().splitlines()[0]}")


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
        date=iso_date_to_datetime(header("WARC-Date")).replace(tzinfo=UTC),
        status=int(http.get_statuscode()) if http else 200,
        content_type=((http.get_header("Content-Type") if http else header("Content-Type")) or "").lower(),
        headers=tuple(http.headers) if http else (),
        payload_digest=header("WARC-Payload-Digest") or "",
        body=body,
    )


def _fields(block: bytes) -> dict[str, str]:
    """The `name: value` lines of an `application/warc-fields` block."""
    lines = block.decode("utf-8", "surrogatepass").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value}
