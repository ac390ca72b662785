"""Saved pages instead of the network: HTML files, WARC files of ours and of other programs, folders of both."""

from __future__ import annotations

import gzip
import logging
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import NamedTuple

from newsarchive import reader
from newsarchive.archive.files import read_file, read_packed
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.records import Damage, Record, records
from newsarchive.archive.warc import ORIGINAL
from newsarchive.errors import ArchiveError, BadArgument, PageError
from newsarchive.items import Page

_logger = logging.getLogger(__name__)

_WARC = (".warc", ".warc.gz")
_HTML = (".html", ".htm", ".html.gz", ".htm.gz")
# the line that browsers put at the start of a page that they save
_SAVED_FROM = re.compile(rb"<!--\s*saved from url=\(\d+\)(https?://[^\s>]+)\s*-->")
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


class Position(NamedTuple):
    """Where a page is in a WARC file."""

    has_come: bool
    """Whether its date is in the past; pages with a future date count as older."""
    date: datetime
    file: Path
    offset: int


def is_warc(saved_in: str) -> bool:
    """Whether a `Page.saved_in` is a record of a WARC file, which says when the page came."""
    return saved_in.rpartition(":")[0].lower().endswith(_WARC)


def saved_pages(path: Path | str, source: str = "qq", ledger: Ledger | None = None) -> Iterator[Page]:
    """The pages below `path`: HTML files by name, then pages in WARC files by date.

    For an article in our own WARC files only the newest page comes. Other WARC files do not name the article, so it
    may come once for each of its URLs, the newest last. The `ledger` knows pages that have ended an earlier run.

    Raises:
        BadArgument: immediately, when there is no such file or no saved page in the folder.
    """
    files = saved_files(Path(path))
    return _pages(files, source, ledger)


def saved_files(path: Path) -> list[Path]:
    """The files below `path` that can hold saved pages, sorted. Raises `BadArgument` when there are none."""
    path = path.resolve()  # the given path may be a link; those below it may not
    if path.is_file():
        if not path.name.lower().endswith(_WARC + _HTML):
            raise BadArgument(f"{path}: expected a file named {', '.join('*' + end for end in _HTML + _WARC)}")
        return [path]
    if not path.exists():
        raise BadArgument(f"{path}: there is no such file or folder of saved pages")
    if not path.is_dir():
        raise BadArgument(f"{path}: expected a file or folder of saved pages, and no pipe or device")
    found = sorted(file for file in path.rglob("*") if file.name.lower().endswith(_WARC + _HTML) and not file.is_dir())
    if not found:
        raise BadArgument(f"{path}: no saved page in this folder: expected *.html, *.html.gz, *.warc or *.warc.gz")
    return found


def newest_captures(files: Iterable[Path], source: str, ledger: Ledger | None = None) -> dict[str, Position]:
    """For each article (or each URL, where the WARC file names no article) its newest page that can be read.

    Where one of its pages is an article, later ones that are not are skipped, such as challenge pages, and so are those
    that, as the `ledger` knows, have ended the process that read them. What cannot be read from disk is logged and
    skipped. A date in the future comes from a wrong clock.
    """
    now = datetime.now(UTC)
    found: dict[str, list[Position]] = {}
    for file in files:
        try:
            for capture in captures(file):
                if isinstance(capture, Damage):
                    _logger.warning("%s: nothing readable at byte %d: %s", file, capture.offset, capture.reason)
                elif capture.is_page:
                    date = capture.record.date
                    place = Position(date <= now, date, file, capture.record.offset)
                    found.setdefault(_key(capture), []).append(place)
        except OSError as error:
            _cannot_be_read(file, error.strerror or str(error))
    return {key: _best(sorted(places), source, ledger) for key, places in found.items()}


def _best(places: list[Position], source: str, ledger: Ledger | None) -> Position:
    """The newest that is an article; the newest of all when none is."""
    if len(places) == 1:
        return places[0]
    return next((place for place in reversed(places) if _is_article(place, source, ledger)), places[-1])


def _is_article(place: Position, source: str, ledger: Ledger | None) -> bool:
    try:
        page = capture_page(capture_at(place.file, place.offset), source)
        if ledger and ledger.interrupted_readings(page.saved_in):
            return False
        with ledger.reading_saved(page.saved_in) if ledger else nullcontext():
            article = reader(page.source)(page.html, url=page.url)
    except (PageError, ArchiveError):
        return False
    except Exception:  # noqa: BLE001  -- a bug: the pipelines report it, for this page alone
        return True
    return bool(article.text or article.pictures or article.videos)


def _pages(files: list[Path], source: str, ledger: Ledger | None) -> Iterator[Page]:
    warcs = [file for file in files if file.name.lower().endswith(_WARC)]
    # Earlier captures would be archived first and become former revisions, once more in each replay.
    places = sorted(newest_captures(warcs, source, ledger).values())
    for file in files:
        if file.name.lower().endswith(_WARC):
            continue
        try:
            page = _html_page(file, source)
        except FileNotFoundError:  # a page in quarantine, released since by another page of its article
            continue
        except OSError as error:
            _cannot_be_read(file, error.strerror or str(error))
        else:
            yield page
    for place in places:
        try:
            page = capture_page(capture_at(place.file, place.offset), source)
        except ArchiveError as error:
            _cannot_be_read(place.file, str(error))
        else:
            yield page


def _cannot_be_read(file: Path, reason: str) -> None:
    # not raised, so that the other files are read; a run counts the errors in its log
    _logger.error(
        "%s: cannot be read: %s; the other pages are read", file, reason, exc_info=PageError(str(file), reason)
    )


def _key(capture: Capture) -> str:
    article_id = capture.about.get("article-id", "")
    return f"{capture.about.get('source', '')} {article_id}" if article_id else capture.record.url


def _html_page(file: Path, source: str) -> Page:
    packed = file.name.lower().endswith(".gz")
    try:
        html = read_packed(file) if packed else read_file(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # it goes to the quarantine unchanged, and the other pages are read
        _logger.error("%s: expected a gzip file: %s", file, error)
        html = read_file(file)
    fetched = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    found = _SAVED_FROM.search(html, 0, 2048)
    url = unescape(found[1].decode("ascii", "replace")) if found else file.absolute().as_uri()
    page = Page(source=source, url=url, html=html, fetched=fetched, saved_in=str(file))
    return _with_notes(page, file)


def _with_notes(page: Page, file: Path) -> Page:
    """The page with the notes of the `.json` beside it, as in quarantine."""
    notes_file = file.with_name(re.sub(r"\.html?(\.gz)?$", ".json", file.name, flags=re.IGNORECASE))
    if not os.path.lexists(notes_file):
        return page
    try:
        notes = read_notes(notes_file)
    except (ValueError, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        _logger.warning("%s: not the notes of a saved page (%s): the page is read without them", notes_file, problem)
        return page
    return Page(
        source=page.source,
        article_id=notes.article_id,
        url=notes.url,
        html=page.html,
        fetched=notes.time or page.fetched,
        status=notes.status,
        headers=notes.headers,
        thumbnail=notes.thumbnail,
        entry=notes.entry,
        saved_in=page.saved_in,
    )
