"""Answers of a site, read from WARC files: ours and other people's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from newsarchive.archive.exchanges import ORIGINAL
from newsarchive.archive.records import Damage, Record, records
from newsarchive.errors import ArchiveError
from newsarchive.items import Page

_LONGEST_BLOCK = 1 << 20  # bytes of a capture's metadata


@dataclass(frozen=True, kw_only=True)
class Capture:
    """An answer with what its `metadata` record says about it."""

    path: Path
    record: Record
    about: dict[str, str] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """A complete web page: no list reply, no picture, no redirect, no error."""
        return (
            self.record.status == 200
            and "list" not in self.about
            and ("article-id" in self.about or "html" in self.record.content_type)
            and self.record.url.startswith(("http://", "https://", "file://"))
        )


def captures(path: Path, offset: int = 0) -> Iterator[Capture | Damage]:
    """Every answer from `offset` on; a `revisit` is skipped, because it has no body."""
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
    """Without its metadata, one of our pages would lose its thumbnail and look edited."""
    if not capture.record.concerns:
        return capture
    return Damage(offset=capture.record.offset, reason="the record that says what was found here is missing")


def capture_at(path: Path, offset: int) -> Capture:
    """Raises `ArchiveError` when there is no complete answer at the offset."""
    try:
        found = next(captures(path, offset), None)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror}") from error
    if not isinstance(found, Capture) or found.record.offset != offset:
        reason = found.reason if isinstance(found, Damage) else "there is none"
        raise ArchiveError(f"{path}: expected a preserved page at byte {offset}: {reason}")
    return found


def capture_page(capture: Capture, source: str) -> Page:
    """The page as it came from the network; `source` is for other programs' WARC files, which name none."""
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


def _fields(block: bytes) -> dict[str, str]:
    """The `name: value` lines of an `application/warc-fields` block."""
    block = block[:_LONGEST_BLOCK]
    try:
        lines = block.decode("utf-8", "surrogatepass").split("\r\n")
    except UnicodeDecodeError:  # written by another program
        lines = block.decode("utf-8", "replace").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value}
