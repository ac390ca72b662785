"""A new ledger from the files on disk: the Markdown files, their former versions, the quarantine.

What Markdown files do not contain (where an article was found, what is still to be fetched, earlier runs) is taken
over from the former ledger as far as it can be read, and only where it agrees with the files.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import TypeVar

from newsarchive.archive.documents import read_row
from newsarchive.archive.files import (
    CONTENT,
    LEDGER,
    QUARANTINE,
    is_file,
    open_file,
    quarantine_path,
    sync_folder,
    whole_file,
)
from newsarchive.archive.ledger import Ledger, Row, State, is_begun, ledger_files
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.schedule import retry_delay
from newsarchive.errors import LedgerBroken
from newsarchive.messages import counted

logger = logging.getLogger(__name__)

T = TypeVar("T")

_KEPT = ".kept"


@dataclass
class Outcome:
    """What a rebuild found."""

    articles: int = 0
    quarantined: int = 0
    unreadable: list[str] = field(default_factory=list)
    """Skipped files, each with what is wrong with it."""
    unfinished: int = 0
    """Articles without a file that the former ledger knew."""
    without_document: int = 0
    """Articles that the former ledger knew as archived, whose file is not there or cannot be read."""
    kept: str = ""
    """Name of the former ledger that was kept aside."""

    def __str__(self) -> str:
        parts = [counted(self.articles, "article"), counted(self.quarantined, "page in quarantine")]
        if self.unfinished:
            parts.append(f"{self.unfinished} unfinished taken over from the former ledger")
        if self.without_document:
            parts.append(f"{self.without_document} without a readable document taken over from the former ledger")
        if self.unreadable:
            parts.append(f"{counted(len(self.unreadable), 'file')} could not be read, left alone")
        if self.kept:
            parts.append(f"the former ledger is kept as {self.kept}")
        return "; ".join(parts)


def rebuild(
    folder: Path,
    *,
    now: datetime,
    ages: Sequence[timedelta] = (),
    pictures_url: str = "",
    progress: Callable[[Path], object] = lambda _: None,
) -> Outcome:
    """Replaces the ledger in `folder`, which is kept aside. The caller holds the lock.

    If it is killed, the former ledger is intact or there is none; then the next run rebuilds it, and takes over from
    the one that was kept.
    """
    target = folder / LEDGER
    with suppress(LedgerBroken, OSError):  # moves the log beside it into it: one file can be renamed atomically
        Ledger.open(target, read_only=True, on_broken=lambda _: None).close()  # SQLite may write to a broken one
        Ledger.open(target).close()
    part = folder / f".{LEDGER}.{secrets.token_hex(6)}.part"
    try:
        with Ledger.open(part) as ledger:
            work = _Rebuild(folder, ledger, now)
            with ledger.transaction():
                for path in markdown_files(folder):
                    work.take_document(path, ages, pictures_url)
                    progress(path)
                work.take_over(_former(target))
                work.take_quarantine()
            ledger.compact()
    except BaseException:
        for file in ledger_files(part):
            file.unlink(missing_ok=True)
        raise
    work.outcome.kept = _keep_aside(target, now)
    part.replace(target)
    sync_folder(folder)
    return work.outcome


def markdown_files(folder: Path) -> Iterator[Path]:
    """Every file where an article's file would be."""
    return (path for path in sorted(folder.glob(f"{CONTENT}/*/*/*/*.md")) if not path.name.startswith("."))


def can_be_rebuilt(folder: Path) -> bool:
    """Whether there is something to rebuild from: documents, pages in quarantine, a former ledger that was kept."""
    target = folder / LEDGER
    return any(markdown_files(folder)) or any(folder.glob(f"{QUARANTINE}/*/*.json")) or _former(target) != target


def _former(target: Path) -> Path:
    """The ledger to take over from; when there is none, the newest that was kept: a rebuild may have been killed."""
    if is_begun(target):
        return target
    return next(filter(is_begun, sorted(target.parent.glob(f"{target.name}.*{_KEPT}"), reverse=True)), target)


class _Rebuild:
    def __init__(self, folder: Path, ledger: Ledger, now: datetime) -> None:
        self.folder = folder
        self.ledger = ledger
        self.now = now
        self.outcome = Outcome()
        self._copies: dict[tuple[str, str], list[Row]] = {}
        """Articles of which there is more than one file."""
        self._broken: list[Exception] = []
        """What could not be read of the former ledger: each costs one row, or the rest of one table."""

    def take_document(self, path: Path, ages: Sequence[timedelta], pictures_url: str) -> None:
        try:
            row = read_row(self.folder, path, now=self.now, ages=ages, pictures_url=pictures_url)
        except (ValueError, OSError) as error:
            self._leave(path.relative_to(self.folder).as_posix(), error)
            return
        other = self.ledger.get(row.source, row.article_id)
        if other is not None:
            self._copies.setdefault((row.source, row.article_id), [other]).append(row)
            return
        self.ledger.put(row)
        self.outcome.articles += 1

    def take_over(self, target: Path) -> None:
        broken = self._broken
        try:
            with Ledger.open(target, read_only=True, on_broken=broken.append) as former:
                self._each(former.rows, self._take_over_row)
                self._each(former.pictures.rows, self.ledger.put)
                self._each(lambda: reversed(former.last_runs(None)), self.ledger.put_run)
                self._each(former.list_rows, self.ledger.put)
        except (LedgerBroken, OSError) as error:
            broken.append(error)
        if broken and is_begun(target):
            problem = f"{broken[0]} (and {len(broken) - 1} more)" if len(broken) > 1 else str(broken[0])
            logger.warning("parts of the former ledger could not be read: %s", problem)
        for key, copies in self._copies.items():
            archived = self.ledger.get(*key)
            for copy in copies:
                if archived is not None and copy.path != archived.path:
                    self._leave(copy.path, f"the same article as {archived.path}")

    def take_quarantine(self) -> None:
        for path in sorted(self.folder.glob(f"{QUARANTINE}/*/*.json")):
            source, article_id = path.parent.name, path.stem
            try:
                notes = read_notes(path)
                quarantine_path(source, article_id)
            except (ValueError, OSError) as error:
                logger.warning("skipped, unreadable notes of a page in quarantine: %s (%s)", path, error)
                self.outcome.unreadable.append(f"{path.relative_to(self.folder).as_posix()}: {error}")
                continue
            self.outcome.quarantined += 1
            if not notes.article_id:
                continue  # it does not say which article it is
            found = Row(
                source=source, article_id=article_id, url=notes.url, where="rebuild", thumbnail=notes.thumbnail,
                entry=notes.entry, first_seen=notes.time or self.now,
            )  # fmt: skip
            row, new = self.ledger.found(found)
            if new:
                next_try = self.now + retry_delay(1)
                self.ledger.failed(row, state=State.QUARANTINED, reason=notes.reason, now=self.now, next_try=next_try)

    def _leave(self, path: str, why: object) -> None:
        reason = f"{path}: {' '.join(str(why).split())[:200] or type(why).__name__}"
        logger.warning("skipped, not an article of this archive: %s", reason)
        self.outcome.unreadable.append(reason)

    def _each(self, rows: Callable[[], Iterable[T]], take: Callable[[T], object]) -> None:
        try:
            for row in rows():
                take(row)
        except (LedgerBroken, OSError, ValueError) as error:
            self._broken.append(error)

    def _take_over_row(self, row: Row) -> None:
        rebuilt = self.ledger.get(row.source, row.article_id)
        if rebuilt is None:
            self.ledger.put(row)
            if row.path:  # so that its document is reported as missing, and can be written again from its page
                self.outcome.without_document += 1
            else:
                self.outcome.unfinished += 1
            return
        for copy in self._copies.get((row.source, row.article_id), [rebuilt]):
            if (copy.path, copy.file_hash) == (row.path, row.file_hash):
                self.ledger.put(row)
            elif copy.path == row.path:
                logger.warning("%s: differs from the former ledger, recorded as it is now", row.path)
                self.ledger.put(copy)


def _keep_aside(ledger: Path, now: datetime) -> str:
    """Renames the former ledger. Whenever this is killed, the ledger or the kept one exists with its whole log."""
    kept = ""
    _, *beside = ledger_files(ledger)
    if os.path.lexists(ledger) and ledger.lstat().st_size > 0:
        kept = _free_name(ledger, f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        for file in beside:  # a broken ledger still has its log
            if is_file(file) and file.stat().st_size > 0 and not file.name.endswith("-shm"):
                with open_file(file) as log, whole_file(file.with_name(file.name.replace(ledger.name, kept))) as copy:
                    shutil.copyfileobj(log, copy)
        ledger.rename(ledger.with_name(kept))
        sync_folder(ledger.parent)
    for file in (ledger, *beside):
        file.unlink(missing_ok=True)
    return kept


def _free_name(ledger: Path, stamp: str) -> str:
    names = chain([f"{ledger.name}.{stamp}{_KEPT}"], (f"{ledger.name}.{stamp}_{nth}{_KEPT}" for nth in count(2)))
    return next(name for name in names if not any(map(os.path.lexists, ledger_files(ledger.with_name(name)))))
