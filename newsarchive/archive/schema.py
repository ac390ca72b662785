"""The ledger's tables, step by step, and how a ledger file is opened."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from newsarchive.archive.files import BESIDE, check_regular, is_file, is_full
from newsarchive.errors import LedgerBroken

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE articles (
            seq INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            article_id TEXT NOT NULL,
            url TEXT NOT NULL,
            "where" TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            thumbnail TEXT NOT NULL,
            entry TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_try TEXT,
            published TEXT,
            archived_at TEXT,
            last_checked TEXT,
            next_check TEXT,
            content_hash TEXT NOT NULL,
            file_hash TEXT NOT NULL,
            revision INTEGER NOT NULL,
            family TEXT NOT NULL,
            path TEXT NOT NULL,
            etag TEXT NOT NULL,
            last_modified TEXT NOT NULL,
            gone_at TEXT,
            reason TEXT NOT NULL,
            warc_file TEXT NOT NULL,
            warc_offset INTEGER,
            UNIQUE (source, article_id)
        )""",
        "CREATE INDEX unfinished ON articles (source, seq) WHERE state IN ('found', 'failed', 'quarantined')",
        "CREATE INDEX rechecks ON articles (source, next_check) WHERE next_check IS NOT NULL",
        """CREATE TABLE runs (
            run INTEGER PRIMARY KEY AUTOINCREMENT,
            started TEXT NOT NULL,
            ended TEXT,
            pid INTEGER NOT NULL,
            arguments TEXT NOT NULL,
            exit_code INTEGER,
            counts TEXT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE pictures (
            seq INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            article_id TEXT NOT NULL,
            url TEXT NOT NULL,
            state TEXT NOT NULL,
            path TEXT NOT NULL,
            hash TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_try TEXT,
            reason TEXT NOT NULL,
            UNIQUE (source, article_id, url)
        )""",
        "CREATE INDEX pictures_unfinished ON pictures (source, seq) WHERE state = 'failed'",
        "CREATE INDEX pictures_by_url ON pictures (url)",
        "CREATE INDEX pictures_by_hash ON pictures (hash) WHERE hash <> ''",
        "CREATE INDEX states ON articles (state)",
        """CREATE TABLE walks (
            source TEXT NOT NULL,
            "where" TEXT NOT NULL,
            PRIMARY KEY (source, "where")
        )""",
    ),
    (
        """CREATE TABLE readings (
            page TEXT PRIMARY KEY,
            times INTEGER NOT NULL
        )""",
        "ALTER TABLE articles ADD COLUMN announced TEXT",
        "ALTER TABLE articles ADD COLUMN announced_thumbnail TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE articles ADD COLUMN announced_entry TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE articles ADD COLUMN false_announcements INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE lists (
            source TEXT NOT NULL,
            "where" TEXT NOT NULL,
            failures INTEGER NOT NULL,
            has_named INTEGER NOT NULL,
            PRIMARY KEY (source, "where")
        )""",
    ),
)
"""Each step upgrades from one version to the next. A released step never changes."""

_TABLES = frozenset({"articles", "runs", "pictures", "walks"})


_MESSAGES = {
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_LOCKED: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "the ledger cannot be opened"),
    sqlite3.SQLITE_READONLY: (errno.EACCES, "the ledger can only be read"),
}
"""Errors that are not the disk's fault, each with an errno whose advice fits."""


def ledger_files(path: Path) -> list[Path]:
    """The ledger, then the files that SQLite may have beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in BESIDE)]


def is_begun(path: Path) -> bool:
    """Whether there is a ledger, even a broken one; an empty file or a database without tables is none.

    SQLite leaves those when it is stopped before its first commit, or when a ledger is opened that does not exist.
    """
    if not os.path.lexists(path) or (is_file(path) and path.stat().st_size == 0):
        return False
    try:
        return _has_tables(path)
    except (LedgerBroken, OSError, sqlite3.Error):
        return True


def is_readable(path: Path) -> bool:
    """Whether there is a ledger, of any version, that looks intact."""
    try:
        return os.path.lexists(path) and _has_tables(path)
    except (LedgerBroken, OSError, sqlite3.Error):
        return False


def _has_tables(path: Path) -> bool:
    with closing(_connection(path, read_only=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return not _TABLES.isdisjoint(name for (name,) in tables)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """The ledger at `path`, upgraded to the current version. Raises `LedgerBroken`."""
    with errors_named(path):
        connection = _connection(path, read_only=read_only)
        # a flipped bit costs one letter, not every row that is read with it
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                # FULL: what was committed survives a power cut; at two pages a second it costs nothing
                connection.execute("PRAGMA synchronous = FULL")
            _upgrade(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection


def _connection(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if path.is_dir():
        raise _broken(path, "it is a folder")
    try:
        for file in ledger_files(path):
            check_regular(file)
    except OSError as error:
        raise _broken(path, f"{error.filename}: {error.strerror}") from error
    mode = "ro" if read_only else "rwc"
    may_write = os.access(path.parent, os.W_OK, effective_ids=True)
    wal = path.with_name(f"{path.name}-wal")
    if read_only and not (wal.exists() and wal.stat().st_size) and (not may_write or is_full(path.parent)):
        mode = "ro&immutable=1"  # SQLite would create files beside a WAL ledger even to read it, and cannot
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)


def _upgrade(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise LedgerBroken(
            f"{path} has version {version}, this program knows versions up to {len(STEPS)}:"
            " install the newer program, or make a ledger of this version with `scrapy rebuild`"
        )
    if version < len(STEPS) and read_only:
        raise LedgerBroken(f"{path} has version {version}: the next `scrapy crawl` brings it to {len(STEPS)}")
    for number, statements in enumerate(STEPS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    # reads the tables' root pages, so that a ledger that lost its first pages is detected now
    connection.execute("SELECT 1 FROM articles, runs, pictures LIMIT 1").fetchone()


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Adds the path to SQLite's errors, and distinguishes a broken ledger from a full disk."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # Python's own errors have none
        if code == sqlite3.SQLITE_CORRUPT:
            raise _broken(path, error) from error
        # with no room for the files beside the ledger, SQLite raises one of the others
        may_be_full = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        if code == sqlite3.SQLITE_FULL or (may_be_full and is_full(path.parent)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        if code == sqlite3.SQLITE_ERROR and ("no such" in str(error) or "already exists" in str(error)):
            raise _broken(path, error) from error
        number, what = _MESSAGES.get(code, (errno.EIO, "the ledger cannot be read or written"))
        raise OSError(number, f"{what} ({error})", str(path)) from error
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: sqlite3.Error | str) -> LedgerBroken:
    return LedgerBroken(
        f"the ledger {path} cannot be read ({error}): `scrapy rebuild` makes a new one"
        " from the Markdown files and keeps this one aside"
    )
