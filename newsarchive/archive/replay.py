"""Saved pages instead of the network: HTML files, WARC files of ours and of other programs, folders of both."""

import gzip
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from html import unescape
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from newsarchive import reader
from newsarchive.archive.files import read_file, read_packed
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.quarantine import notes_file, read_notes
from newsarchive.archive.warc import ORIGINAL, WARC, Damage, Record, header_fields, records
from newsarchive.errors import ArchiveError, BadArgument, PageError, cause
from newsarchive.items import Page

logger = logging.getLogger(__name__)

_HTML = (".html", ".htm", ".html.gz", ".htm.gz")
# the line that browsers put at the start of a page that they save
_SAVED_FROM = re.compile(rb"<!--\s*saved from url=\(\d+\)(https?://[^\s>]+)\s*-->")
_LONGEST_BLOCK = 1 << 20  # bytes of a capture's metadata


def captures(path: Path, offset: int = 0) -> Iterator[Record | Damage]:
    """Every answer from `offset` on; a `revisit` is skipped, because it has no body."""
    answer: Record | None = None
    for record in chain(records(path, offset), [None]):
        if isinstance(record, Record) and record.type == "metadata":
            if answer and record.concerns == answer.record_id:
                about = header_fields(record.body[:_LONGEST_BLOCK])
                yield replace(answer, about={name.lower(): value for name, value in about if value})
                answer = None
            continue
        if answer and (isinstance(record, Record) or not answer.concerns):
            yield answer
        elif answer:  # without its metadata, one of our pages would lose its thumbnail and look edited
            yield Damage(answer.offset, "the record that says what was found here is missing")
        answer = record if isinstance(record, Record) and record.type in ("response", "resource") else None
        if isinstance(record, Damage):
            yield record


def capture_at(path: Path, offset: int) -> Record:
    """Raises `ArchiveError` when there is no complete answer at the offset."""
    try:
        found = next(captures(path, offset), None)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {cause(error)}") from error
    if not isinstance(found, Record) or found.offset != offset:
        reason = found.reason if isinstance(found, Damage) else "there is none"
        raise ArchiveError(f"{path}: expected a preserved page at byte {offset}: {reason}")
    return found


def capture_page(path: Path, record: Record, source: str) -> Page:
    """The page as it came from the network; `source` is for other programs' WARC files, which name none."""
    about = record.about
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
        saved_in=f"{path}:{record.offset}",
    )


class Position(NamedTuple):
    """Where a page is in a WARC file."""

    has_come: bool
    """Whether its date is in the past; pages with a future date count as older."""
    date: datetime
    file: Path
    offset: int

    def page(self, source: str) -> Page:
        """Raises `ArchiveError`."""
        return capture_page(self.file, capture_at(self.file, self.offset), source)


def is_warc(saved_in: str) -> bool:
    """Whether a `Page.saved_in` is a record of a WARC file, which says when the page came."""
    return saved_in.rpartition(":")[0].lower().endswith(WARC)


def saved_pages(path: Path | str, source: str = "qq", ledger: Ledger | None = None) -> "SavedPages":
    """The pages below `path`: HTML files by name, then pages in WARC files by date.

    For an article in our own WARC files only the newest page comes. Other WARC files do not name the article, so it
    may come once for each of its URLs, the newest last. The `ledger` knows pages that have ended an earlier run.
    Raises `BadArgument` immediately as `saved_files` does.
    """
    files = saved_files(Path(path))
    warcs = {file for file in files if file.name.lower().endswith(WARC)}
    # Earlier captures would be archived first and become former revisions, once more in each replay.
    captured = sorted(newest_captures(sorted(warcs), source, ledger).values())
    places = [(file, partial(_html_page, file, source)) for file in files if file not in warcs]
    return SavedPages([*places, *((place.file, partial(place.page, source)) for place in captured)])


def saved_files(path: Path) -> list[Path]:
    """The files below `path` that can hold saved pages, sorted. Raises `BadArgument` when there are none."""
    path = path.resolve()  # the given path may be a link; those below it may not
    ends = (*_HTML, WARC)
    if path.is_file():
        if not path.name.lower().endswith(ends):
            raise BadArgument(f"{path}: expected a file named {', '.join('*' + end for end in ends)}")
        return [path]
    if not path.exists():
        raise BadArgument(f"{path}: there is no such file or folder of saved pages")
    if not path.is_dir():
        raise BadArgument(f"{path}: expected a file or folder of saved pages, and no pipe or device")
    found = sorted(file for file in path.rglob("*") if file.name.lower().endswith(ends) and not file.is_dir())
    if not found:
        raise BadArgument(f"{path}: no saved page in this folder: expected *.html, *.html.gz or *.warc.gz")
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
                    logger.warning("%s: nothing readable at byte %d: %s", file, capture.offset, capture.reason)
                elif capture.is_page:
                    about = capture.about
                    named = f"{about.get('source', '')} {about['article-id']}" if "article-id" in about else capture.url
                    place = Position(capture.date <= now, capture.date, file, capture.offset)
                    found.setdefault(named, []).append(place)
        except OSError as error:
            _log_unreadable(file, error)
    return {key: _best(sorted(places, reverse=True), source, ledger) for key, places in found.items()}


def _best(newest_first: list[Position], source: str, ledger: Ledger | None) -> Position:
    """The newest that is an article; the newest of all when none is."""
    if len(newest_first) == 1:
        return newest_first[0]
    return next((place for place in newest_first if _is_article(place, source, ledger)), newest_first[0])


def _is_article(place: Position, source: str, ledger: Ledger | None) -> bool:
    try:
        page = place.page(source)
        if ledger and ledger.interrupted_readings(page.saved_in):
            return False
        with ledger.reading_saved(page.saved_in) if ledger else nullcontext():
            article = reader(page.source)(page.html, url=page.url)
    except (PageError, ArchiveError):
        return False
    except Exception:  # noqa: BLE001  -- a bug: the pipelines report it, for this page alone
        return True
    return bool(article.text or article.pictures or article.videos)


class SavedPages:
    """Read one after the other, while they are asked for; how many there are is known before."""

    def __init__(self, places: list[tuple[Path, Callable[[], Page]]]) -> None:
        self._places = places
        """Each file, and how a page in it is read."""

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Page]:
        for file, read in self._places:
            try:
                page = read()
            except FileNotFoundError:  # a page in quarantine, released since by another page of its article
                continue
            except (OSError, ArchiveError) as error:
                _log_unreadable(file, error)
            else:
                yield page


def _log_unreadable(file: Path, error: Exception) -> None:
    # not raised, so that the other files are read; a run counts the errors in its log
    problem = PageError(str(file), f"cannot be read: {cause(error)}")
    logger.error("%s; the other pages are read", problem, exc_info=problem)


def _html_page(file: Path, source: str) -> Page:
    """With the notes of the `.json` beside it, as in quarantine."""
    try:
        html = read_packed(file) if file.name.lower().endswith(".gz") else read_file(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # it goes to the quarantine unchanged, and the other pages are read
        logger.error("%s: expected a gzip file: %s", file, error)
        html = read_file(file)
    fetched = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    found = _SAVED_FROM.search(html, 0, 2048)
    url = unescape(found[1].decode("ascii", "replace")) if found else file.absolute().as_uri()
    page = Page(source=source, url=url, html=html, fetched=fetched, saved_in=str(file))
    beside = notes_file(file)
    try:
        notes = read_notes(beside)
    except FileNotFoundError:
        return page
    except (ValueError, OSError) as error:
        logger.warning("%s: not the notes of a saved page (%s): it is read without them", beside, cause(error))
        return page
    names = ("article_id", "url", "status", "headers", "thumbnail", "entry")
    return replace(page, fetched=notes.time or fetched, **{name: getattr(notes, name) for name in names})
