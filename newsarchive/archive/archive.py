"""An opened archive: its lock, options, ledger and clock, and what a look at an article changes in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self

from newsarchive.archive import quarantine
from newsarchive.archive.documents import Change, content_hash, document_bytes
from newsarchive.archive.files import LEDGER, LOCK, Lock, stray_files
from newsarchive.archive.ledger import Ledger, Row, State, is_begun
from newsarchive.archive.rebuild import can_be_rebuilt, rebuild
from newsarchive.archive.schedule import Schedule
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article, Page

if TYPE_CHECKING:
    from newsarchive.options import Options

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Count = Callable[[str, int], object]
NO_LEDGER = "there are documents and no ledger"


@dataclass(kw_only=True)
class Visit:
    """A page on its way through the pipelines, with what the ledger knows about its article."""

    page: Page
    row: Row | None = None
    """As it was when the page came; `None` for an article that is not in the ledger."""


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

    @cached_property
    def content_hash(self) -> str:
        """Of the document with the site's picture links."""
        return content_hash(self.document)

    @property
    def learned(self) -> dict[str, str]:
        """What this page says for its row in the ledger, whether the archive has the article or not."""
        validators = {"etag": self.page.header("ETag"), "last_modified": self.page.header("Last-Modified")}
        return validators | {"content_hash": self.content_hash}


def utc_now() -> datetime:
    return datetime.now(UTC)


def _ignore(_name: str, _number: int) -> None:
    """The default of who counts."""


class Archive:
    """The one process that may write. Opened with `Archive.open`; whoever opens it closes it."""

    def __init__(self, options: Options, ledger: Ledger, lock: Lock, now: Clock, count: Count) -> None:
        self.options = options
        self.folder = options.dir
        self.ledger = ledger
        self.lock = lock
        self.now = now
        """The clock, in UTC."""
        self._count = count
        self.schedule = Schedule(
            now=now, ages=options.recheck_hours, max_tries=options.max_tries, first_delay=options.retry_minutes
        )

    @classmethod
    def open(
        cls, options: Options, *, purpose: str, read_only: bool = False, now: Clock = utc_now, count: Count = _ignore
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
            for path in () if read_only else stray_files(folder):
                logger.warning("removed %s, left by a killed run", path)
                path.unlink()
            if is_missing and can_be_rebuilt(folder):
                logger.warning("no ledger in %s: it is rebuilt from the Markdown files", folder)
                outcome = rebuild(folder, now=now(), ages=options.recheck_hours, pictures_url=options.pictures_url)
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

    def __enter__(self) -> Self:
        return self

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

    def is_current(self, page: Page) -> bool:
        """Whether the page says what the site has now: it was fetched now, or is in quarantine since then."""
        return not page.saved_in or bool(quarantine.own_copy(self.folder, page))

    def reading(self, visit: Visit) -> AbstractContextManager[None]:
        """Counts a try for as long as the page is read: one that ends this process has been tried."""
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
