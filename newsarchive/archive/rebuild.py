"""A new ledger from the files on disk: the Markdown files, their former versions, the quarantine. Or from another one.

What Markdown files do not contain (where an article was found, what is still to be fetched, earlier runs) is taken
over from the former ledger as far as it can be read, and only where it agrees with the files.
"""

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from tqdm import tqdm

from newsarchive.archive import files
from newsarchive.archive.changes import known_changes
from newsarchive.archive.database import Place, is_begun, ledger_files, open_postgresql
from newsarchive.archive.documents import read_row
from newsarchive.archive.files import CONTENT, LEDGER, LOCK, QUARANTINE, Lock, ReadingMark
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.schedule import retry_delay
from newsarchive.archive.tables import METADATA, Row, State
from newsarchive.errors import BadArgument, LedgerBroken, cause
from newsarchive.messages import counted

logger = logging.getLogger(__name__)

PURPOSE = "`scrapy rebuild`"
_KEPT = ".kept"
_BATCH = 100  # documents that a process gets at a time
_FEW = 4_000  # fewer are all read by this process


@dataclass
class Outcome:
    """What a rebuild found."""

    articles: int = 0
    quarantined: int = 0
    without: int = 0
    """Articles without a document: removed, given up or still to be fetched."""
    lost: int = 0
    """Articles that the former ledger knew as archived, whose file is not there or cannot be read."""
    unreadable: list[str] = field(default_factory=list)
    """Skipped files, each with what is wrong with it."""
    kept: str = ""

    def __str__(self) -> str:
        left = len(self.unreadable)
        parts = [
            counted(self.articles, "article"),
            counted(self.quarantined, "page in quarantine"),
            self.without and f"{self.without} more (removed, or still to be fetched) taken over from the former ledger",
            self.lost and f"{self.lost} without a readable document taken over from the former ledger",
            left and f"{counted(left, 'file')} could not be read, left alone",
            self.kept and f"the former ledger is kept as {self.kept}",
        ]
        return "; ".join(str(part) for part in parts if part)

    def leave(self, folder: Path, path: Path, why: str) -> None:
        reason = f"{path.relative_to(folder).as_posix()}: {why[:200]}"
        logger.warning("skipped, cannot be read or is no article of this archive: %s", reason)
        self.unreadable.append(reason)


def rebuild(folder: Path, *, now: datetime, place: Place | None = None, cores: int = 0, **about: Any) -> Outcome:
    """Replaces the ledger in `folder`, or at another `place`, which is kept aside. `about` is for `read_row`.

    The caller holds the lock of the folder, this that of a database. If it is killed, the former ledger is intact or
    there is none; then the next run rebuilds it, and takes over from the one that was kept.
    """
    target, outcome = place or folder / LEDGER, Outcome()
    with _replaced(target, folder, now, outcome) as ledger:
        _take_over(_former(target) if isinstance(target, Path) else target, ledger)
        paths = tqdm(markdown_files(folder), desc="articles", unit="", disable=None, leave=False)
        read = partial(_read_row, folder, now=now, **about)
        for path, row in parallel_map(read, paths, size=_BATCH, few=_FEW, cores=cores):
            if isinstance(row, str):
                outcome.leave(folder, path, row)
            else:
                _take_document(folder, path, row, ledger, outcome)
        outcome.lost = ledger.documents() - outcome.articles
        outcome.without = sum(ledger.counts_by_state().values()) - ledger.documents()
        _take_quarantine(folder, ledger, now, outcome)
    return outcome


def move(source: Place, target: Place, folder: Path, *, now: datetime) -> Outcome:
    """A ledger with the rows of the one at `source`, which is left as it is. Takes the locks of both.

    Raises `BadArgument` where there are articles at `target`, and `ArchiveLocked`.
    """
    if source == target:
        raise BadArgument("--from names the ledger of ARCHIVE_LEDGER itself: expected another one")
    outcome = Outcome()
    with ExitStack() as locks:
        for parent in {place.parent for place in (source, target) if isinstance(place, Path)}:
            lock = Lock(parent / LOCK)
            lock.acquire(PURPOSE, now, read_only=not isinstance(target, Path) or parent != target.parent)
            locks.callback(lock.release)
        with (
            Ledger.open(source, folder=folder, read_only=True, purpose=PURPOSE, alone=True) as former,
            _replaced(target, folder, now, outcome) as ledger,
        ):
            _check_without_articles(target, folder)
            for table in METADATA.sorted_tables:
                rows = former.database.raw_rows(table)
                shown = tqdm(rows, desc=table.name, unit="", disable=None, leave=False)
                ledger.database.add_raw_rows(table, shown)
                for column in (table.c[name] for name in ("seq", "run") if name in table.primary_key.columns):
                    ledger.database.number_after(column, former.database.last_number(column))
            by_state = ledger.counts_by_state()
            outcome.articles, outcome.quarantined = ledger.documents(), by_state.get(State.QUARANTINED, 0)
            outcome.without = sum(by_state.values()) - outcome.articles
    return outcome


def _check_without_articles(target: Place, folder: Path) -> None:
    if is_begun(target):
        with Ledger.open(target, folder=folder, read_only=True) as ledger:
            if number := sum(ledger.counts_by_state().values()):
                name, articles = ledger.database.name, counted(number, "article")
                raise BadArgument(f"the ledger {name} has {articles} already, expected none: nothing was moved")


@contextmanager
def _replaced(target: Place, folder: Path, now: datetime, outcome: Outcome) -> Iterator[Ledger]:
    """A new ledger to be filled. When the block succeeds it takes the place of the former one, which is kept aside."""
    if not isinstance(target, Path):
        database = open_postgresql(target, read_only=False, purpose=PURPOSE, alone=True)
        name = f"kept_{now:%Y%m%dt%H%M%Sz}"
        with Ledger(database, ReadingMark.of_process(folder)) as ledger, database.replaced(name) as former:
            yield ledger
            outcome.kept = former
        return
    with suppress(LedgerBroken, OSError):  # moves the log beside it into it: one file can be renamed atomically
        Ledger.open(target, read_only=True, on_broken=lambda _: None).close()  # SQLite may write to a broken one
        Ledger.open(target).close()
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        with Ledger.open(part) as ledger:
            with ledger.transaction():
                yield ledger
            ledger.database.compact()
    except BaseException:
        for file in ledger_files(part):
            file.unlink(missing_ok=True)
        raise
    outcome.kept = _keep_aside(target, now)
    part.replace(target)
    files.sync_folder(target.parent)


def _read_row(folder: Path, path: Path, **about: Any) -> tuple[Path, Row | str]:
    """The row of a Markdown file, or why there is none. May run in another process."""
    try:
        return path, read_row(folder, path, **about)
    except (ValueError, OSError) as error:
        return path, cause(error)


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


def _take_over(place: Place, ledger: Ledger) -> None:
    """What can be read of a former ledger: what cannot costs one row, or the rest of one table."""
    broken: list[Exception] = []
    try:
        with Ledger.open(place, read_only=True, on_broken=broken.append) as former:
            tables: list[tuple[Callable[[], Iterable[Any]], Callable[[Any], object]]] = [
                (former.rows, lambda row: ledger.put(replace(row, claimed_by=None))),
                (former.pictures, ledger.put),
                (former.list_rows, ledger.put),
                (former.every_change, ledger.add_change),
                (lambda: reversed(former.last_runs(None)), ledger.add_run),
            ]
            for rows, take in tables:
                try:
                    for row in rows():
                        take(row)
                except (LedgerBroken, OSError, ValueError) as error:
                    broken.append(error)
    except (LedgerBroken, OSError) as error:
        broken.append(error)
    if broken and is_begun(place):
        problem = f"{broken[0]} (and {len(broken) - 1} more)" if len(broken) > 1 else str(broken[0])
        logger.warning("parts of the former ledger could not be read: %s", problem)


def _take_document(folder: Path, path: Path, row: Row, ledger: Ledger, outcome: Outcome) -> None:
    """Of two files of an article it takes the one that the former ledger knows, if that is there, else the first."""
    known = ledger.get(row.source, row.article_id)
    if known and known.path not in ("", row.path) and files.is_file(folder / known.path):
        outcome.leave(folder, path, f"the same article as {known.path}")
        return
    if known and known.path == row.path and known.file_hash != row.file_hash:
        logger.warning("%s: differs from the former ledger, recorded as it is now", row.path)
    if known is None or (known.path, known.file_hash) != (row.path, row.file_hash):
        ledger.put(row)
        known = row
    if not ledger.changes_of(row.source, row.article_id):
        for change in known_changes(folder, known):
            ledger.add_change(change)
    outcome.articles += 1


def _take_quarantine(folder: Path, ledger: Ledger, now: datetime, outcome: Outcome) -> None:
    for path in sorted(folder.glob(f"{QUARANTINE}/*/*.json")):
        source, article_id = path.parent.name, path.stem
        try:
            notes = read_notes(path)
            files.quarantine_path(source, article_id)
        except (ValueError, OSError) as error:
            outcome.leave(folder, path, cause(error))
            continue
        outcome.quarantined += 1
        if not notes.article_id:
            continue  # it does not say which article it is
        found = Row(
            source=source, article_id=article_id, url=notes.url, where="rebuild", thumbnail=notes.thumbnail,
            entry=notes.entry, first_seen=notes.time or now,
        )  # fmt: skip
        row, new = ledger.found(found)
        if new:
            next_try = now + retry_delay(1)
            ledger.failed(row, state=State.QUARANTINED, reason=notes.reason, now=now, next_try=next_try)


def _keep_aside(ledger: Path, now: datetime) -> str:
    """Renames the former ledger. Whenever this is killed, the ledger or the kept one exists with its whole log."""
    kept = ""
    _, *beside = ledger_files(ledger)
    if os.path.lexists(ledger) and ledger.lstat().st_size > 0:
        stamp = f"{ledger.name}.{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        names = (f"{stamp}{again}{_KEPT}" for again in chain([""], (f"_{nth}" for nth in count(2))))
        kept = next(name for name in names if not any(map(os.path.lexists, ledger_files(ledger.with_name(name)))))
        for file in beside:  # a broken ledger still has its log
            if files.is_file(file) and file.stat().st_size > 0 and not file.name.endswith("-shm"):
                files.link_or_copy(file, file.with_name(file.name.replace(ledger.name, kept)))
        ledger.rename(ledger.with_name(kept))
        files.sync_folder(ledger.parent)
    for file in (ledger, *beside):
        file.unlink(missing_ok=True)
    return kept
