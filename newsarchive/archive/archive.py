"""An opened archive: its lock, options, ledger and clock, and all that writes an article or what is known of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from newsarchive.archive import quarantine
from newsarchive.archive.changes import edit, title_of, versions
from newsarchive.archive.database import is_begun
from newsarchive.archive.documents import (
    Change,
    content_hash,
    could_be_same,
    document_bytes,
    document_path,
    document_text,
    read_row,
)
from newsarchive.archive.files import (
    LEDGER,
    LOCK,
    Lock,
    make_folder,
    revision_path,
    stray_files,
    whole_file,
    write_bytes,
)
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.pictures import localised, same_text
from newsarchive.archive.rebuild import can_be_rebuilt, rebuild
from newsarchive.archive.schedule import Schedule
from newsarchive.archive.tables import ChangeKind, ChangeRow, PictureRow, Row, State
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article, Page
from newsarchive.markdown.document import clean_value, reference_part, with_fields
from newsarchive.messages import without_secrets

if TYPE_CHECKING:
    from newsarchive.options import Options

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Count = Callable[[str, int], object] | None
NO_LEDGER = "there are documents and no ledger"
_HOW_TO_MAKE_ONE = "`scrapy rebuild` makes one from them, `scrapy rebuild --from PLACE` from another ledger"


@dataclass(kw_only=True)
class Visit:
    """A page on its way through the pipelines, with what the ledger knows about its article."""

    page: Page
    row: Row | None = None
    """As it was when the page came; `None` for an article that is not in the ledger."""
    record: dict[str, Any] = field(default_factory=dict)
    """`warc_file` and `warc_offset` of the page's record in `pages/`, for the article's row."""


@dataclass(kw_only=True)
class Reading(Visit):
    """A page that was read: the article, and how it looks as a document."""

    article: Article
    document: str
    """The whole Markdown file, with the site's picture links."""
    change: Change = Change.NEW
    """How it compares with the archive."""
    local_pictures: dict[str, str] = field(default_factory=dict)
    """Pictures that are in the archive: the site's URL → the link in the file."""
    added: dict[str, object] = field(default_factory=dict)
    """Front matter after that of the reference format (`ARCHIVE_FRONT_MATTER`)."""
    picture_rows: list[PictureRow] | None = None
    """What the ledger is to know of its pictures; `None` unless they were looked at."""

    @cached_property
    def content_hash(self) -> str:
        """Of the document with the site's picture links."""
        return content_hash(self.document)

    @cached_property
    def file_text(self) -> str:
        """What its file has: the document with the links of `local_pictures` and the fields `added`."""
        return with_fields(localised(self.document, self.local_pictures), self.added)

    @property
    def learned(self) -> dict[str, Any]:
        """What this page says for its row in the ledger, whether the archive has the article or not."""
        validators = {"etag": self.page.header("ETag"), "last_modified": self.page.header("Last-Modified")}
        return validators | {"content_hash": self.content_hash} | self.facts | self.record

    @property
    def facts(self) -> dict[str, Any]:
        """What the ledger knows of an article besides its document."""
        article, listed = self.article, self.row.channel if self.row else ""
        channels = tuple(dict.fromkeys(filter(None, [*article.channels, listed])))
        return {
            "title": clean_value(article.title), "publisher": article.publisher, "channels": channels,
            "site_tags": article.site_tags,
        }  # fmt: skip

    def fields(self, names: Iterable[str], edited: datetime | None) -> dict[str, object]:
        """Those of `ARCHIVE_FRONT_MATTER`; `lastmod` is the publish time of what was never edited."""
        article, facts = self.article, self.facts
        last = (edited or article.published).astimezone(article.published.tzinfo).replace(tzinfo=None)
        found: dict[str, object] = {
            "author": facts["publisher"], "channels": facts["channels"], "site_tags": facts["site_tags"],
            "lastmod": last.isoformat(" ", "seconds"), "source_url": article.url,
        }  # fmt: skip
        return {name: found[name] for name in names}


def _remove_stray_files(folder: Path, before: float = inf) -> None:
    """Those that were last written `before` a moment, in seconds since 1970."""
    for path in stray_files(folder):
        with suppress(FileNotFoundError):  # another run that shares the folder was faster
            if path.stat().st_mtime < before:
                path.unlink()
                logger.warning("removed %s, left by a killed run", path)


def no_ledger_in(url: str) -> str:
    return f"{NO_LEDGER} in {without_secrets(url)}: {_HOW_TO_MAKE_ONE}"


def _check_empty(options: Options) -> None:
    """Raises `LedgerBroken` for a folder from which a ledger can be made."""
    if can_be_rebuilt(options.dir):
        raise LedgerBroken(f"{options.dir}: {no_ledger_in(options.ledger)}")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Archive(AbstractContextManager["Archive"]):
    """The one process that may write, or one of those that share the ledger. Whoever opens it closes it."""

    def __init__(self, options: Options, ledger: Ledger, lock: Lock, now: Clock, count: Count) -> None:
        self.options = options
        self.folder = options.dir
        self.ledger = ledger
        self.lock = lock
        self.now = now
        """The clock, in UTC."""
        self._count = count or (lambda _name, _number: None)
        self.schedule = Schedule(
            now=now, ages=options.recheck_hours, max_tries=options.max_tries, first_delay=options.retry_minutes
        )

    @classmethod
    def open(
        cls,
        options: Options,
        *,
        purpose: str,
        read_only: bool = False,
        alone: bool = True,
        now: Clock = utc_now,
        count: Count = None,
    ) -> Self:
        """Removes what killed runs have left, and rebuilds a missing ledger from the documents, unless `read_only`.

        A ledger that is shared is rebuilt by `scrapy rebuild` only: not every machine may have all documents. Not
        `alone`: others that are not may have such an archive at the same time. Raises `ArchiveLocked` when another
        process holds the archive, and `LedgerBroken`.
        """
        folder = options.dir
        lock = Lock(folder / LOCK)
        if options.ledger:
            if not read_only:
                make_folder(folder)
            ledger = Ledger.open(
                options.ledger, folder=folder, read_only=read_only, purpose=purpose, alone=alone,
                before_first=partial(_check_empty, options),
            )  # fmt: skip
            try:  # without `pull_in`: its times come from several clocks, of which this one may be wrong
                if alone and not read_only:
                    _remove_stray_files(folder)
                elif not read_only and ledger.database.forget_lost_runs():
                    _remove_stray_files(folder, now().timestamp() - 24 * 3600)  # runs that go on write others
            except BaseException:
                ledger.close()
                raise
            return cls(options, ledger, lock, now, count)
        lock.acquire(purpose, now(), read_only=read_only)
        try:
            is_missing = not is_begun(folder / LEDGER)
            if read_only and is_missing:
                raise LedgerBroken(f"{folder}: {NO_LEDGER}: `scrapy rebuild` makes one")
            if not read_only and (is_missing or not lock.is_clean):
                _remove_stray_files(folder)
                lock.is_clean = True
            if is_missing and can_be_rebuilt(folder):
                logger.warning("no ledger in %s: it is rebuilt from the Markdown files", folder)
                # other processes would begin a user's own program again
                ages, pictures_url = options.recheck_hours, options.pictures_url
                outcome = rebuild(folder, now=now(), cores=1, ages=ages, pictures_url=pictures_url)
                logger.warning("the ledger was rebuilt: %s", outcome)
            archive = cls(options, Ledger.open(folder / LEDGER, read_only=read_only), lock, now, count)
            if not read_only and (problem := archive.ledger.pull_in(now())):
                logger.warning("%s", problem)
            return archive
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        try:
            self.ledger.close()
        finally:
            self.lock.release()

    def __exit__(self, *_: object) -> None:
        self.close()

    def count(self, what: str, number: int = 1) -> None:
        """Adds to the stat `archive/<what>`, from which the summary, the alarms and the exit code are made."""
        self._count(f"archive/{what}", number)

    def is_intact(self, row: Row) -> bool:
        """Whether the article's document exists and is unchanged."""
        if not row.path:
            return False
        document = document_bytes(self.folder / row.path)
        return document is not None and row.file_hash in ("", content_hash(document))

    def compare(self, row: Row | None, document: str) -> Change:
        """Compares a document, with the site's picture links, with the archived version."""
        if row is None or not row.path:
            return Change.NEW
        is_intact = self.is_intact(row)
        if row.content_hash:
            same = row.content_hash == content_hash(document)
        else:  # rebuilt from a file with local pictures; when that is lost, it is the same as far as anyone knows
            same = not is_intact or could_be_same(reference_part(document_text(self.folder / row.path)), document)
        if not same:
            return Change.REVISED
        return Change.UNCHANGED if is_intact else Change.RESTORED

    def put(self, item: Reading, write: Callable[[BinaryIO], object], *, by_site: bool = True) -> Row:
        """Has `write` fill the article's file and, last, records in one commit what is known of it. Returns its row.

        The former version is kept. Unless the change is `by_site`, today's parser has made another document of the
        same page: that is no edit.
        """
        article, now = item.article, self.now()
        row = item.row and self.ledger.current(item.row, replayed=bool(item.page.saved_in))
        known = row if row and row.path else None
        is_edit = by_site and known is not None and item.change is Change.REVISED
        edited = known.edited if known else None
        if known and is_edit:
            is_dated = known.published is not None and known.published < article.published <= now
            edited = article.published if is_dated else now
        item.added = item.fields(self.options.front_matter, edited)
        path, revision, previous = self._write(item, row, write)
        is_current = self.is_current(item.page)
        tried = {} if item.picture_rows is None else {"pictures_tried": True}
        with self.ledger.transaction():
            row = row and self.ledger.current(row)  # another run may have read a list meanwhile
            for picture in item.picture_rows or ():
                self.ledger.put(picture)
            stored = self.ledger.archived(
                row, article, path=path, file_hash=content_hash(item.file_text), revision=revision, edited=edited,
                **item.learned, **tried, now=now, next_check=self.schedule.next_check(row, article.published),
                from_site=is_current,
            )  # fmt: skip
            if known is None:
                self.ledger.add_change(self._change(stored, ChangeKind.NEW, now))
            elif by_site and is_current:
                self._note_return(known, now)
            if is_edit:
                old = document_text(self.folder / previous) if previous else ""
                change = replace(self._change(stored, ChangeKind.EDITED, now), previous=previous)
                self.ledger.add_change(edit(change, old, item.file_text))
        return stored

    def _write(self, item: Reading, row: Row | None, write: Callable[[BinaryIO], object]) -> tuple[str, int, str]:
        """Writes the article's file if it differs. Its path, its revision, the replaced version's file or `""`."""
        path = document_path(row, item.article)
        file, text = self.folder / path, item.file_text
        former = document_bytes(file)
        revision, previous = max(row.revision, 1) if row else 1, ""
        old, new = reference_part((former or b"").decode("utf-8", "replace")), reference_part(text)
        if former is None:
            if os.path.lexists(file):
                logger.warning("%s: cannot be read as a file, written again", path)
        elif old == new:
            if row and row.path and row.file_hash != content_hash(former):
                revision += 1  # written, and its former version kept, by a run that was killed before the row
                if earlier := versions(self.folder, row)[:-1]:
                    previous, _ = earlier[-1]
        elif not (row and row.content_hash == item.content_hash and same_text(old, new)):
            kept, is_version = self._keep_former(row, item.article, file, former)
            if is_version:
                revision, previous = revision + 1, kept
        if former != text.encode():
            with whole_file(file) as target:
                write(target)
        return path, revision, previous

    def _note_return(self, row: Row, now: datetime) -> None:
        """To be called with the row as it was before the site showed the article."""
        if row.state is State.GONE and row.path:
            self.ledger.add_change(self._change(row, ChangeKind.BACK, now))

    def _change(self, row: Row, kind: ChangeKind, now: datetime) -> ChangeRow:
        title = row.title or title_of(self.folder, row.path)
        return ChangeRow(source=row.source, article_id=row.article_id, kind=kind, time=now, title=title, path=row.path)

    def _keep_former(self, row: Row | None, article: Article, file: Path, former: bytes) -> tuple[str, bool]:
        """Stores the former version under its time. Its path, and whether it was a version: else it is damaged."""
        known = row if row and row.path else None
        as_written = is_version = known is not None and known.file_hash in ("", content_hash(former))
        if not as_written:
            with suppress(ValueError):
                read_row(self.folder, file, now=self.now())
                is_version = True  # by a run that was killed before it could record the document in the ledger
        written = min(datetime.fromtimestamp(file.stat().st_mtime, UTC), self.now())
        for nth in count(1):
            path = str(revision_path(article.source, article.article_id, (row and row.archived_at) or written, nth))
            path = path if is_version else f"{path}.damaged"
            kept = self.folder / path
            if document_bytes(kept) == former:  # by a run that was killed after this
                break
            if not os.path.lexists(kept):
                write_bytes(kept, former)
                break
        if known and not as_written:
            message = "%s: changed since it was archived, written again; the changed file is kept as %s"
            logger.warning(message, known.path, kept.relative_to(self.folder))
        return path, is_version

    def is_current(self, page: Page) -> bool:
        """Whether the page says what the site has now: it was fetched now, or is in quarantine since then."""
        return not page.saved_in or bool(quarantine.own_copy(self.folder, page))

    def reading(self, visit: Visit) -> AbstractContextManager[None]:
        """A page that ends this process while it is read has been tried."""
        if visit.page.saved_in:
            return self.ledger.reading_saved(visit.page.saved_in)
        if visit.row is None:
            return nullcontext()
        again = self.schedule.next_try_after_interruption(visit.row)
        return self.ledger.reading(visit.row, now=self.now(), again=again)

    def mark_gone(self, row: Row | None, page: Page | None = None) -> None:
        """The site, or a `page` of it, says that the article was removed: its document stays, and it may come back."""
        if page:  # only this page's own copy: a notice of removal must not displace an article
            quarantine.release_copy(self.folder, page)
        is_archived = row is not None and bool(row.path)
        if is_archived and page and not self.is_current(page):
            return  # a saved page says nothing about an archived article
        now = self.now()
        if row:
            with self.ledger.transaction():
                self.ledger.gone(row, now=now, next_check=self.schedule.next_check(row, row.published))
                if is_archived and row.state is not State.GONE:
                    self.ledger.add_change(self._change(row, ChangeKind.REMOVED, now))
        if row and row.state is State.GONE:
            self.count("article/still_gone")
        else:
            self.count("article/gone")
            if is_archived:
                self.count("recheck/gone")

    def mark_unchanged(self, row: Row, reading: Reading | None = None) -> None:
        """The site has the article as it is in the archive, as a page says, or 304; one that was removed is back."""
        row = self.ledger.current(row)
        self.count("article/unchanged")
        if reading:  # only its own copy: an older page says nothing about a newer one in quarantine
            quarantine.release_copy(self.folder, reading.page)
        if reading and not self.is_current(reading.page):
            self.ledger.update(row, content_hash=reading.content_hash)
            return
        next_check, now = self.schedule.next_check(row, row.published), self.now()
        with self.ledger.transaction():
            self.ledger.checked(row, now=now, next_check=next_check, **(reading.learned if reading else {}))
            self._note_return(row, now)
        quarantine.release(self.folder, row.source, row.article_id)
