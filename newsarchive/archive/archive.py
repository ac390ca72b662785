"""An opened archive folder: lock held, left-overs of killed runs removed, ledger open."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from newsarchive.archive.documents import document_bytes
from newsarchive.archive.files import LEDGER, LOCK, stray_files
from newsarchive.archive.ledger import Ledger, Row, is_begun
from newsarchive.archive.lock import Lock
from newsarchive.archive.rebuild import can_be_rebuilt, rebuild
from newsarchive.archive.schedule import Latest
from newsarchive.messages import counted

logger = logging.getLogger(__name__)


class Archive:
    """The one process that may write. Opened with `Archive.open`; whoever opens it closes it."""

    def __init__(self, folder: Path, ledger: Ledger, lock: Lock) -> None:
        self.folder = folder
        self.ledger = ledger
        self.lock = lock

    @classmethod
    def open(
        cls, folder: Path, *, purpose: str, now: datetime, ages: Sequence[timedelta] = (), pictures_url: str = ""
    ) -> Self:
        """Raises `ArchiveLocked` or `LedgerBroken`. `ages` and `pictures_url` serve a rebuild.

        A missing ledger is rebuilt when there are articles; a broken one raises.
        """
        lock = Lock(folder / LOCK)
        lock.acquire(purpose, now)
        try:
            for path in stray_files(folder):
                logger.warning("removed %s, which a killed run had left", path)
                path.unlink()
            if not is_begun(folder / LEDGER) and can_be_rebuilt(folder):
                logger.warning("no ledger in %s: it is rebuilt from the Markdown files", folder)
                outcome = rebuild(folder, now=now, ages=ages, pictures_url=pictures_url)
                logger.warning("the ledger was rebuilt: %s", outcome)
            ledger = Ledger.open(folder / LEDGER)
            try:
                _pull_in(ledger, now, ages)
            except BaseException:
                ledger.close()
                raise
            return cls(folder, ledger, lock)
        except BaseException:
            lock.release()
            raise

    def is_intact(self, row: Row) -> bool:
        """Whether the article's document exists and is unchanged."""
        if not row.path:
            return False
        document = document_bytes(self.folder / row.path)
        return document is not None and row.file_hash in ("", hashlib.sha256(document).hexdigest())

    def close(self) -> None:
        try:
            self.ledger.close()
        finally:
            self.lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pull_in(ledger: Ledger, now: datetime, ages: Sequence[timedelta]) -> None:
    """Corrects times that a run with a fast clock has set years ahead."""
    latest = Latest(now, ages)
    rows = ledger.rows_after(latest.past, latest.next_try, latest.next_check)
    if latest.is_behind(rows):
        logger.warning("the clock of this machine is behind: most of what was archived last was published after it")
        return
    articles = [new for row in rows if (new := latest.article(row)) != row]
    late = ledger.pictures.rows_after(latest.next_try)
    pictures = [changed for picture in late if (changed := latest.picture(picture)) != picture]
    if not articles and not pictures:
        return
    with ledger.transaction():
        for article in articles:
            ledger.put(article)
        for picture in pictures:
            ledger.pictures.put(picture)
    logger.warning(
        "the ledger had times of %s and %s that are later than any schedule gives, as a wrong clock sets them:"
        " they are pulled in",
        counted(len(articles), "article"),
        counted(len(pictures), "picture"),
    )
