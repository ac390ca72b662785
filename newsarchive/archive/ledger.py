"""What is known about every article: one SQLite file, one row per article.

Every method that writes has committed when it returns; `transaction` makes one commit of many. So a kill at any
moment leaves a consistent ledger that at most does not know of the last download.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from newsarchive.archive.picture_rows import PictureRows
from newsarchive.archive.rows import INTERRUPTED, PAST_TIMES, PictureRow, Row, RunRow, State
from newsarchive.archive.run_rows import RunRows
from newsarchive.archive.schema import connect, errors_named
from newsarchive.archive.table import Done, OnBroken, Table, fail, stored
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article

__all__ = ["Ledger", "PictureRow", "Row", "RunRow", "State"]

_UNFINISHED = "state IN ('found', 'failed', 'quarantined')"


class Ledger(RunRows):
    """Opened with `Ledger.open`; whoever opens it closes it. Not for use from several threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path, on_broken: OnBroken) -> None:
        self._connection = connection
        self.path = path
        self._on_broken = on_broken
        self._articles = Table(self._run, "articles", Row, keys=2, on_broken=on_broken)
        self.pictures = PictureRows(self._run, on_broken)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, on_broken: OnBroken = fail) -> Self:
        """Creates the ledger unless it is there or `read_only`. Raises `LedgerBroken`.

        A row that cannot be read raises it too, unless `on_broken` has another answer.
        """
        return cls(connect(path, read_only=read_only), path, on_broken)

    def close(self) -> None:
        with errors_named(self.path):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One commit for all that the block writes: a list of twenty entries costs one sync of the disk."""
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it by itself when the disk is full
                self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    # articles: what a run does

    def found(
        self,
        source: str,
        article_id: str,
        *,
        url: str,
        where: str = "",
        thumbnail: str = "",
        entry: str = "",
        now: datetime,
    ) -> tuple[Row, bool]:
        """The article's row, and whether it is new. The first list picture stays: another one is no edit."""
        known = self.get(source, article_id)
        if known is None:
            row = Row(
                source=source, article_id=article_id, url=url, where=where,
                thumbnail=thumbnail, entry=entry, first_seen=now,
            )  # fmt: skip
            self.put(row)
            return row, True
        if thumbnail and not known.thumbnail and not known.path:
            self._update(source, article_id, thumbnail=thumbnail, entry=entry)
            known = self._known(source, article_id)
        return known, False

    def archived(
        self,
        article: Article,
        *,
        path: str,
        content_hash: str,
        file_hash: str,
        revision: int,
        next_check: datetime | None,
        now: datetime,
        from_site: bool = True,
    ) -> None:
        """The file stands: always the last step of storing an article.

        What is known about the site stays when an archived article came `from_site` no more.
        """
        row, _ = self.found(article.source, article.article_id, url=article.url, now=now)
        changes: dict[str, Any] = {
            "published": article.published, "archived_at": now, "content_hash": content_hash, "file_hash": file_hash,
            "revision": revision, "family": article.family, "path": path,
            "etag": article.etag, "last_modified": article.last_modified,  # of the page that this document is made of
        }  # fmt: skip
        if from_site or not row.path:
            changes |= {
                "url": article.url, "state": State.ARCHIVED, "attempts": 0, "next_try": None, "last_checked": now,
                "next_check": next_check, "gone_at": None, "reason": "",
                "false_announcements": row.false_announcements_after(article.published),
            }  # fmt: skip
        if row.awaits_edition(row.published) and not row.awaits_edition(article.published):
            changes |= {"thumbnail": row.announced_thumbnail, "entry": row.announced_entry}
        self._update(article.source, article.article_id, **changes)

    def announced(
        self,
        row: Row,
        *,
        published: datetime,
        thumbnail: str,
        entry: str,
        look: datetime,
        max_tries: int,
    ) -> Row:
        """A list names another edition, for which it is time to `look`; gives the row as it is now.

        One that was given up gets one more try.
        """
        changes: dict[str, Any] = {
            "announced": published, "announced_thumbnail": thumbnail, "announced_entry": entry,
            "attempts": min(row.attempts, max_tries - 1),
        }  # fmt: skip
        when = row.next_look
        changes[when] = min(getattr(row, when) or look, look)
        self._update(row.source, row.article_id, **changes)
        return replace(row, **changes)

    def checked(
        self,
        source: str,
        article_id: str,
        *,
        now: datetime,
        next_check: datetime | None,
        content_hash: str = "",
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> None:
        """The site has the article as it is on disk; one that was removed is back."""
        row = self._known(source, article_id)
        changes: dict[str, Any] = {
            "state": State.ARCHIVED, "attempts": 0, "next_try": None, "last_checked": now,
            "next_check": next_check, "gone_at": None, "reason": "",
            "false_announcements": row.false_announcements_after(row.published),
        }  # fmt: skip
        if content_hash:
            changes["content_hash"] = content_hash
        if etag is not None:
            changes["etag"] = etag
        if last_modified is not None:
            changes["last_modified"] = last_modified
        self._update(source, article_id, **changes)

    def failed(self, source: str, article_id: str, *, reason: str, now: datetime, next_try: datetime | None) -> None:
        """No page came. What is archived stays archived and its re-check is put off."""
        self._unsuccessful(State.FAILED, source, article_id, reason=reason, now=now, next_try=next_try)

    def quarantined(
        self, source: str, article_id: str, *, reason: str, now: datetime, next_try: datetime | None
    ) -> None:
        """A page came that is no whole article. What is archived stays archived and its re-check is put off."""
        self._unsuccessful(State.QUARANTINED, source, article_id, reason=reason, now=now, next_try=next_try)

    def gone(self, source: str, article_id: str, *, now: datetime, next_check: datetime | None = None) -> None:
        """The site has removed it. The time of the first notice stays; `next_check` sees it come back."""
        row = self._known(source, article_id)
        self._update(
            source, article_id, state=State.GONE, attempts=0, next_try=None, last_checked=now,
            next_check=next_check, gone_at=row.gone_at or now, reason="",
            false_announcements=row.false_announcements_after(row.published),
        )  # fmt: skip

    def preserved(self, source: str, article_id: str, *, file: str, offset: int) -> None:
        """The page as it came lies in this WARC file."""
        self._update(source, article_id, warc_file=file, warc_offset=offset)

    def relinked(self, source: str, article_id: str, *, file_hash: str) -> None:
        """The file names other pictures; its text is the same, so it is no revision."""
        self._update(source, article_id, file_hash=file_hash)

    def set_content_hash(self, source: str, article_id: str, *, content_hash: str) -> None:
        """The hash of the reference rendering, which a rebuild could not know; nothing new of the site."""
        self._update(source, article_id, content_hash=content_hash)

    def put(self, row: Row) -> None:
        """The row as it is, instead of the one of the same article: for a rebuild."""
        self._articles.put(row)

    # pages that end the process while they are read: what is counted before stays then

    @contextmanager
    def reading(self, row: Row, *, now: datetime, again: datetime | None) -> Iterator[None]:
        """A try that is counted, and the next one put off until `again`, for as long as the article's page is read."""
        when = row.next_look
        names = ("attempts", "reason", "last_checked", when)
        before = {name: getattr(row, name) for name in names}

        def change(changes: dict[str, Any]) -> None:
            with self._without_sync():
                self._update(row.source, row.article_id, **changes)

        change({"attempts": row.attempts + 1, "reason": INTERRUPTED, "last_checked": now, when: again})
        with _afterwards(lambda: change(before)):
            yield

    @contextmanager
    def reading_saved(self, page: str) -> Iterator[None]:
        """The same for a saved page, wherever it lies."""

        def change(sql: str) -> None:
            with self._without_sync():
                self._run(sql, (stored(page),))

        change("INSERT INTO readings VALUES (?, 1) ON CONFLICT (page) DO UPDATE SET times = times + 1")
        with _afterwards(lambda: change("DELETE FROM readings WHERE page = ?")):
            yield

    def interrupted_readings(self, page: str) -> int:
        """How often in a row the process has ended while it read this saved page."""
        found = self._run("SELECT times FROM readings WHERE page = ?", (stored(page),)).rows
        return int(found[0][0]) if found else 0

    @contextmanager
    def _without_sync(self) -> Iterator[None]:
        """What is committed here outlasts the end of this process, and a power cut only with the next commit."""
        self._run("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._run("PRAGMA synchronous = FULL")

    # articles: what a run asks

    def get(self, source: str, article_id: str) -> Row | None:
        return self._articles.get(source, article_id)

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[Row]:
        """Unfinished articles whose time has come, the oldest first; without those that this run finds."""
        condition = f"source = ? AND {_UNFINISHED} AND attempts < ? AND (next_try IS NULL OR next_try <= ?)"
        return self._articles.walk(condition, source, max_tries, now)

    def exhausted(self, max_tries: int) -> list[Row]:
        """Unfinished articles of all sources that are not tried any more."""
        return self._articles.select(f"{_UNFINISHED} AND attempts >= ? ORDER BY seq", max_tries)

    def rechecks(self, source: str, now: datetime) -> Iterator[Row]:
        """Articles, archived or gone, whose next look has come."""
        return self._articles.walk("source = ? AND next_check <= ? AND state IN ('archived', 'gone')", source, now)

    def rows(self, source: str | None = None) -> Iterator[Row]:
        """Every article in the order of its finding."""
        return self._articles.walk("source = ?", source) if source else self._articles.walk("1")

    def rows_after(self, now: datetime, next_try: datetime, next_check: datetime) -> Iterator[Row]:
        """Articles with a time of the past that is after `now`, or a next look after those."""
        condition = " OR ".join(f"{name} > ?" for name in (*PAST_TIMES, "next_try", "next_check"))
        return self._articles.walk(f"({condition})", *[now] * len(PAST_TIMES), next_try, next_check)

    def counts_by_state(self) -> dict[State, int]:
        found = self._run("SELECT state, count(*) FROM articles GROUP BY state").rows
        try:
            return {State(state): count for state, count in found}
        except ValueError as error:
            raise LedgerBroken(
                f"the ledger {self.path} has an odd row ({error}): `scrapy rebuild` makes a new one"
            ) from error

    def documents(self) -> int:
        """How many articles have a file, also those that the site has removed."""
        return int(self._run("SELECT count(*) FROM articles WHERE path <> ''").rows[0][0])

    def newest(self, now: datetime) -> Row | None:
        """The archived article that was published last; one with a date far in the future says nothing."""
        condition = "path <> '' AND julianday(published) < julianday(?) + 1 ORDER BY julianday(published) DESC LIMIT 1"
        return next(iter(self._articles.select(condition, now)), None)

    def check(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty when it is whole."""
        found = [line for (line,) in self._run("PRAGMA integrity_check").rows]
        return [] if found == ["ok"] else found

    def compact(self) -> None:
        """Everything is in the one file afterwards, which can then be moved."""
        self._run("PRAGMA wal_checkpoint(TRUNCATE)")

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Done:
        with errors_named(self.path):
            cursor = self._connection.execute(sql, values)
            return Done(rows=cursor.fetchall(), changed=cursor.rowcount, number=cursor.lastrowid or 0)

    def _known(self, source: str, article_id: str) -> Row:
        row = self.get(source, article_id)
        if row is None:
            raise KeyError(f"the ledger has no article {article_id} of {source}")
        return row

    def _unsuccessful(
        self, state: State, source: str, article_id: str, *, reason: str, now: datetime, next_try: datetime | None
    ) -> None:
        row = self._known(source, article_id)
        when: dict[str, Any] = {"next_check": next_try} if row.path else {"next_try": next_try, "state": state}
        self._update(source, article_id, attempts=row.attempts + 1, reason=reason, last_checked=now, **when)

    def _update(self, source: str, article_id: str, **changes: Any) -> None:
        self._articles.update((source, article_id), changes)


@contextmanager
def _afterwards(undo: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except MemoryError:  # another time it may end the process
        raise
    except BaseException:
        undo()
        raise
    undo()
