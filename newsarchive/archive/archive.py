"""An opened archive: its lock, options, ledger and clock, and all that writes an article or what is known of it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from newsarchive.archive import quarantine
from newsarchive.archive.documents import Change, content_hash, could_be_same, document_bytes, document_path, read_row
from newsarchive.archive.files import LEDGER, LOCK, Lock, revision_path, stray_files, whole_file, write_bytes
from newsarchive.archive.ledger import Ledger, PictureRow, Row, State, is_begun
from newsarchive.archive.pictures import localised, same_text
from newsarchive.archive.rebuild import can_be_rebuilt, rebuild
from newsarchive.archive.schedule import Schedule
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article, Page

if TYPE_CHECKING:
    from newsarchive.options import Options

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Count = Callable[[str, int], object] | None
NO_LEDGER = "there are documents and no ledger"


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
    picture_rows: list[PictureRow] | None = None
    """What the ledger is to know of its pictures; `None` unless they were looked at."""

    @cached_property
    def content_hash(self) -> str:
        """Of the document with the site's picture links."""
        return content_hash(self.document)

    @cached_property
    def file_text(self) -> str:
        """What its file has: the document with the links of `local_pictures`."""
        return localised(self.document, self.local_pictures)

    @property
    def learned(self) -> dict[str, Any]:
        """What this page says for its row in the ledger, whether the archive has the article or not."""
        validators = {"etag": self.page.header("ETag"), "last_modified": self.page.header("Last-Modified")}
        return validators | {"content_hash": self.content_hash} | self.record


def utc_now() -> datetime:
    return datetime.now(UTC)


class Archive(AbstractContextManager["Archive"]):
    """The one process that may write. Opened with `Archive.open`; whoever opens it closes it."""

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
        cls, options: Options, *, purpose: str, read_only: bool = False, now: Clock = utc_now, count: Count = None
    ) -> Self:
        """Removes what killed runs have left, and rebuilds a missing ledger from the documents, unless `read_only`.

        Raises `ArchiveLocked` when another process holds the archive, and `LedgerBroken`.
        """
        folder = options.dir
        lock = Lock(folder / LOCK)
        lock.acquire(purpose, now(), read_only=read_only)
        try:
            is_missing = not is_begun(folder / LEDGER)
            if read_only and is_missing:
                raise LedgerBroken(f"{folder}: {NO_LEDGER}: `scrapy rebuild` makes one")
            if not read_only and (is_missing or not lock.is_clean):
                for path in stray_files(folder):
                    logger.warning("removed %s, left by a killed run", path)
                    path.unlink()
                lock.is_clean = True
            if is_missing and can_be_rebuilt(folder):
                logger.warning("no ledger in %s: it is rebuilt from the Markdown files", folder)
                about = {"ages": options.recheck_hours, "pictures_url": options.pictures_url}
                outcome = rebuild(folder, now=now(), cores=1, **about)  # others would begin a user's own program again
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
            former = document_bytes(self.folder / row.path) if is_intact else None
            same = former is None or could_be_same(former.decode("utf-8", "replace"), document)
        if not same:
            return Change.REVISED
        return Change.UNCHANGED if is_intact else Change.RESTORED

    def put(self, item: Reading, write: Callable[[BinaryIO], object]) -> None:
        """Has the article's file written by `write` and, last, what is known of it, in one commit.

        The former version is kept.
        """
        article = item.article
        row = item.row and self.ledger.current(item.row, replayed=bool(item.page.saved_in))
        document = (text := item.file_text).encode()
        path = document_path(row, article)
        file = self.folder / path
        former = document_bytes(file)
        file_hash = content_hash(document)
        revision = max(row.revision, 1) if row else 1
        if former != document:
            if former is None and os.path.lexists(file):
                logger.warning("%s: cannot be read as a file, written again", path)
            elif former is not None and not (
                row and row.content_hash == item.content_hash and same_text(former.decode("utf-8", "replace"), text)
            ):
                revision += self._keep_former(row, article, file, former)
            with whole_file(file) as target:
                write(target)
        elif row and row.path and row.file_hash != file_hash:
            revision += 1  # written, and its former version kept, by a run that was killed before the row
        tried = {} if item.picture_rows is None else {"pictures_tried": True}
        with self.ledger.transaction():
            for picture in item.picture_rows or ():
                self.ledger.put(picture)
            self.ledger.archived(
                row, article, path=path, file_hash=file_hash, revision=revision, **item.learned, **tried,
                now=self.now(), next_check=self.schedule.next_check(row, article.published),
                from_site=self.is_current(item.page),
            )  # fmt: skip

    def _keep_former(self, row: Row | None, article: Article, file: Path, former: bytes) -> bool:
        """Stores the former version under its time. Whether it was a version of the article: else it is damaged."""
        known = row if row and row.path else None
        as_written = known is not None and known.file_hash in ("", content_hash(former))
        # a killed run may have written a document without recording it in the ledger
        whole = as_written
        with suppress(ValueError):
            whole = whole or bool(read_row(self.folder, file, now=self.now()))
        written = min(datetime.fromtimestamp(file.stat().st_mtime, UTC), self.now())
        for nth in count(1):
            path = revision_path(article.source, article.article_id, (row and row.archived_at) or written, nth)
            kept = self.folder / (path if whole else f"{path}.damaged")
            if document_bytes(kept) == former:  # by a run that was killed after this
                break
            if not os.path.lexists(kept):
                write_bytes(kept, former)
                break
        if known and not as_written:
            message = "%s: changed since it was archived, written again; the changed file is kept as %s"
            logger.warning(message, known.path, kept.relative_to(self.folder))
        return whole

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
        if row:
            self.ledger.gone(row, now=self.now(), next_check=self.schedule.next_check(row, row.published))
        if row and row.state is State.GONE:
            self.count("article/still_gone")
            return
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
        next_check = self.schedule.next_check(row, row.published)
        self.ledger.checked(row, now=self.now(), next_check=next_check, **(reading.learned if reading else {}))
        quarantine.release(self.folder, row.source, row.article_id)
