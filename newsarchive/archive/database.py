"""Where a ledger is, and how it reaches its tables: a file of SQLite, or PostgreSQL."""

from __future__ import annotations

import errno
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from newsarchive.archive.files import BESIDE, LEDGER, check_regular, is_file, is_full
from newsarchive.archive.tables import CHANGES, METADATA, VERSION
from newsarchive.errors import BadArgument, LedgerBroken, OtherVersion

if TYPE_CHECKING:
    from newsarchive.archive.postgres import PostgreSQL
    from newsarchive.options import Options

Place = Path | str  # a file of SQLite, or the URL of a database


class Turn(NamedTuple):
    """A run's turn at a host, which it shares with others."""

    wait: float
    """Seconds until it may ask again for its turn; 0: it has it."""
    is_refused: bool
    """Whether the host's firewall has refused us since the run began."""


class Database(ABC):
    """An open connection. Whatever fails raises `OSError` or `ArchiveError`, with the ledger's name."""

    dialect: sa.Dialect
    insert: Callable[[sa.Table], Any]
    """Makes an `INSERT` that can have an `ON CONFLICT`."""
    version: int
    """Of the tables."""
    free: sa.TextClause | None = None
    """Whether no run that is alive has claimed an article or a list; `None` for a ledger that only one run has."""

    def __init__(self, name: str) -> None:
        self.name = name
        """As people read it, without a password."""

    @abstractmethod
    def query(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        """The rows that it finds, whose values have numbers and names."""

    @abstractmethod
    def change(self, sql: str, values: Mapping[str, Any]) -> int:
        """How many rows it has changed."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """One commit of all that the block changes, or nothing of it."""

    @abstractmethod
    def check(self) -> list[str]:
        """What the database's own check finds wrong; empty when all is intact."""

    def compact(self) -> None:  # noqa: B027  -- only files have to
        """Everything is in one file afterwards, which can then be moved."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """The number of its files here, and its bytes."""

    @abstractmethod
    def raw_rows(self, table: sa.Table) -> Iterator[Sequence[Any]]:
        """All columns of all rows, which are read while they are asked for."""

    def _selected(self, table: sa.Table) -> str:
        """The statement of `raw_rows`."""
        return str(sa.select(*table.c).order_by(*table.primary_key).compile(dialect=self.dialect))

    @abstractmethod
    def add_raw_rows(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        """Inserts what `raw_rows` of any database gives."""

    @abstractmethod
    def last_number(self, column: sa.Column[Any]) -> int:
        """The last number that was given to a row of its table, which may be removed by now; 0 for none."""

    @abstractmethod
    def number_after(self, column: sa.Column[Any], last: int) -> None:
        """The next row of its table gets the number after that one."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection."""

    def holders(self) -> list[str]:
        """What others hold it for, and where; a file has a lock beside it."""
        return []

    def living_runs(self) -> frozenset[int]:
        """The numbers of runs of which a sign of life was seen lately, on any machine."""
        return frozenset()

    def stay_alive(self, run: int, seconds: float) -> None:  # noqa: B027  -- only where there are several
        """Called now and then by a run, whose claims are valid for so long; with 0 at its end."""

    def forget_lost_runs(self) -> bool:
        """Forgets runs that have died more than a day ago. Whether there were any."""
        return False

    def take_turn(self, run: int, host: str, delay: float) -> Turn:  # noqa: ARG002
        """Whether the run may send a request to the host now; then no run may for the next `delay` seconds."""
        return Turn(wait=0.0, is_refused=False)

    def quiet(self, host: str, seconds: float) -> None:  # noqa: B027
        """Keeps all runs from the host for so long, which it has asked for."""

    def refuse(self, host: str) -> None:  # noqa: B027
        """The host's firewall has refused us: the runs of now are to ask it for nothing more."""

    def check_version(self, *, may_be_older: bool) -> None:
        """Raises `OtherVersion` for a ledger of a newer version, and of an older one unless it may be."""
        if self.version > VERSION:
            raise OtherVersion(
                f"{self.name} has version {self.version}, this program knows versions up to {VERSION}:"
                " install the newer program, or make a ledger of this version with `scrapy rebuild`"
            )
        if self.version < VERSION and not may_be_older:
            raise OtherVersion(
                f"{self.name} has version {self.version}: the next `scrapy crawl` brings it to {VERSION}"
            )


def broken(name: str, problem: BaseException | str) -> LedgerBroken:
    """The error for a ledger that cannot be used."""
    return LedgerBroken(
        f"the ledger {name} cannot be read ({problem}): `scrapy rebuild` makes a new one"
        " from the Markdown files and keeps this one aside"
    )


# SQLite

_PROBLEMS = {  # errors that are not the disk's fault, each with an errno whose advice fits
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "the ledger cannot be opened"),
    sqlite3.SQLITE_READONLY: (errno.EACCES, "the ledger can only be read"),
}
_KNOWN_CHANGES = """
    INSERT INTO changes (source, article_id, kind, time, title, path, previous, changed, added, removed, difference)
    SELECT source, article_id, kind, time, '', path, '', '[]', 0, 0, '[]' FROM (
        SELECT articles.*, 'new' AS kind, CASE revision WHEN 1 THEN archived_at ELSE first_seen END AS time
        FROM articles UNION ALL SELECT articles.*, 'edited', archived_at FROM articles WHERE revision > 1
        UNION ALL SELECT articles.*, 'removed', gone_at FROM articles WHERE state = 'gone'
    ) AS known WHERE path <> '' AND time IS NOT NULL ORDER BY time, seq
"""
"""What the rows of a former version say about changes; only the last edit of an article has a time."""


class SQLite(Database):
    """A file, which is created unless it is there or `read_only`. One of `any_version` is read as far as it goes."""

    dialect = sqlite.dialect(paramstyle="named")
    insert = staticmethod(sqlite.insert)

    def __init__(self, path: Path, *, read_only: bool, any_version: bool) -> None:
        super().__init__(str(path))
        self.path = path
        with _errors_named(self.path):
            self.raw = raw = _open(path, read_only=read_only)
            try:
                # a flipped bit costs one letter, not every row that is read with it
                raw.row_factory = sqlite3.Row
                raw.text_factory = lambda data: data.decode("utf-8", "replace")
                if not read_only:
                    raw.execute("PRAGMA journal_mode = WAL")
                    # FULL: what was committed survives a power cut; at two pages a second it costs nothing
                    raw.execute("PRAGMA synchronous = FULL")
                (self.version,) = raw.execute("PRAGMA user_version").fetchone()
                self.check_version(may_be_older=any_version or not read_only)
                if self.version < VERSION and not read_only:
                    _make_tables(raw, self.version)
                    self.version = VERSION
                # reads the tables' root pages, so that a ledger that lost its first pages is detected now
                raw.execute("SELECT 1 FROM articles, runs, pictures LIMIT 1").fetchone()
            except BaseException:
                raw.close()
                raise

    def query(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        with _errors_named(self.path):
            return self.raw.execute(sql, values).fetchall()

    def change(self, sql: str, values: Mapping[str, Any]) -> int:
        with _errors_named(self.path):
            return self.raw.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with _errors_named(self.path):
            self.raw.execute("BEGIN IMMEDIATE")
            with self.raw:  # commits, or rolls back after an error
                yield

    def check(self) -> list[str]:
        return [line for (line,) in self.query("PRAGMA integrity_check", {}) if line != "ok"]

    def compact(self) -> None:
        self.query("PRAGMA wal_checkpoint(TRUNCATE)", {})

    def size(self) -> tuple[int, int]:
        sizes = [file.stat().st_size for file in ledger_files(self.path) if file.exists()]
        return len(sizes), sum(sizes)

    def raw_rows(self, table: sa.Table) -> Iterator[Sequence[Any]]:
        with _errors_named(self.path):
            cursor = self.raw.cursor()
            cursor.row_factory = None
            yield from cursor.execute(self._selected(table))

    def add_raw_rows(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        with _errors_named(self.path):
            self.raw.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.c))})", rows)  # noqa: S608

    def last_number(self, column: sa.Column[Any]) -> int:
        table = column.table.name
        found = self.query("SELECT seq FROM sqlite_sequence WHERE name = :table", {"table": table})
        found = found or self.query(f"SELECT max({column.name}) FROM {table}", {})  # noqa: S608
        return int(found[0][0] or 0)

    def number_after(self, column: sa.Column[Any], last: int) -> None:
        if column.table.dialect_options["sqlite"]["autoincrement"]:  # the others: after the largest
            values = {"table": column.table.name, "last": last}
            self.change("DELETE FROM sqlite_sequence WHERE name = :table", values)
            self.change("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)", values)

    def close(self) -> None:
        with _errors_named(self.path):
            self.raw.close()


def ledger_files(path: Path) -> list[Path]:
    """The ledger, then the files that SQLite may have beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in BESIDE)]


def _is_begun_file(path: Path) -> bool:
    """Whether there is a ledger, even a broken one. A kill may leave an empty file, or a database without tables."""
    if not os.path.lexists(path) or (is_file(path) and path.stat().st_size == 0):
        return False
    try:
        with closing(_open(path, read_only=True)) as raw:
            return bool(raw.execute("SELECT 1 FROM sqlite_master WHERE name IN ('articles', 'runs')").fetchone())
    except (LedgerBroken, OSError, sqlite3.Error):
        return True


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Raises `LedgerBroken` for what is no file."""
    try:
        for file in ledger_files(path):
            check_regular(file)
    except OSError as error:
        raise broken(str(path), f"{error.filename}: {error.strerror}") from error
    mode = "ro" if read_only else "rwc"
    may_write = os.access(path.parent, os.W_OK, effective_ids=True)
    wal = path.with_name(f"{path.name}-wal")
    if read_only and not (wal.exists() and wal.stat().st_size) and (not may_write or is_full(path.parent)):
        mode = "ro&immutable=1"  # SQLite would create files beside a WAL ledger even to read it, and cannot
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)


def _make_tables(raw: sqlite3.Connection, version: int) -> None:
    """Of version 0, a new file; or from a former version."""
    raw.execute("BEGIN IMMEDIATE")
    if version:
        _upgrade(raw, version)
    else:
        for table in METADATA.sorted_tables:
            raw.execute(str(CreateTable(table).compile(dialect=SQLite.dialect)))
    for index in chain.from_iterable(table.indexes for table in METADATA.sorted_tables):
        raw.execute(str(CreateIndex(index).compile(dialect=SQLite.dialect)))
    raw.execute(f"PRAGMA user_version = {VERSION}")
    raw.execute("COMMIT")


def _upgrade(raw: sqlite3.Connection, version: int) -> None:
    """The tables, without their indexes."""
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''").fetchall():
        raw.execute(f'DROP INDEX "{name}"')
    if version == 3:  # its `published` was in the publisher's zone
        raw.execute("ALTER TABLE walks RENAME TO begun_lists")
        raw.execute(
            "UPDATE articles SET published = coalesce(strftime('%Y-%m-%dT%H:%M:%f000+00:00', published)"
            " || ' ' || substr(published, 27), published) WHERE published NOT LIKE '%+00:00'"
        )
    if version < 5:
        raw.execute("ALTER TABLE articles ADD COLUMN pictures_tried BOOLEAN NOT NULL DEFAULT FALSE")
        raw.execute(
            "UPDATE articles SET pictures_tried = TRUE WHERE (source, article_id) IN"
            " (SELECT source, article_id FROM pictures)"
        )
        raw.execute("DELETE FROM pictures WHERE url = ''")  # of articles without any
    if version < 6:
        for column, default in (("title", ""), ("publisher", ""), ("channels", "[]"), ("site_tags", "[]")):
            raw.execute(f"ALTER TABLE articles ADD COLUMN {column} TEXT NOT NULL DEFAULT '{default}'")
        raw.execute("ALTER TABLE articles ADD COLUMN edited TEXT")
        raw.execute(str(CreateTable(CHANGES.sql).compile(dialect=SQLite.dialect)))
        raw.execute(_KNOWN_CHANGES)
    for table_name in ("articles", "begun_lists"):
        raw.execute(f"ALTER TABLE {table_name} ADD COLUMN claimed_by INTEGER")


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    """Adds the path to SQLite's errors, and distinguishes a broken ledger from a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(path, error) from error


def _named(path: Path, error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.DatabaseError):
        return error
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # Python's own errors have none
    # with no room for the files beside the ledger, SQLite raises one of the others
    may_be_full = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if code == sqlite3.SQLITE_FULL or (may_be_full and is_full(path.parent)):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    is_other_schema = code == sqlite3.SQLITE_ERROR and ("no such" in str(error) or "already exists" in str(error))
    if not isinstance(error, sqlite3.OperationalError) or code == sqlite3.SQLITE_CORRUPT or is_other_schema:
        return broken(str(path), error)
    number, what = _PROBLEMS.get(code, (errno.EIO, "the ledger cannot be read or written"))
    return OSError(number, f"{what} ({error})", str(path))


# either of them


def ledger_place(options: Options) -> Place:
    """Where the ledger of an archive is."""
    return options.ledger or options.dir / LEDGER


def is_begun(place: Place) -> bool:
    """Whether there is a ledger, even a broken one."""
    if isinstance(place, Path):
        return _is_begun_file(place)
    with closing(open_postgresql(place, read_only=True)) as database:
        return database.version > 0


def open_database(
    place: Place,
    *,
    read_only: bool,
    may_be_older: bool,
    purpose: str = "",
    alone: bool = False,
    before_first: Callable[[], object] = lambda: None,
) -> Database:
    """Creates the tables unless they are there or it is `read_only`. Raises `LedgerBroken`.

    `purpose`, `alone` and `before_first` are for PostgreSQL: the first two are its own, the last is called before the
    tables are created, to prevent that.
    """
    if isinstance(place, Path):
        return SQLite(place, read_only=read_only, any_version=may_be_older)
    database = open_postgresql(place, read_only=read_only, purpose=purpose, alone=alone)
    try:
        if not database.version:
            try:
                before_first()
            except LedgerBroken:
                if read_only or not database.read_version():  # else another run has just made it
                    raise
            if read_only:
                raise LedgerBroken(f"there is no ledger in {database.name}: `scrapy rebuild` makes one")
            database.make_tables()
        database.check_version(may_be_older=may_be_older)
    except BaseException:
        database.close()
        raise
    return database


def open_postgresql(url: str, *, read_only: bool, purpose: str = "", alone: bool = False) -> PostgreSQL:
    """Raises `BadArgument` where psycopg is missing."""
    try:
        from newsarchive.archive.postgres import PostgreSQL  # noqa: PLC0415  -- an extra
    except ImportError as error:
        raise BadArgument("a ledger in PostgreSQL needs psycopg: pip install 'newsarchive[cluster]'") from error
    return PostgreSQL(url, read_only=read_only, purpose=purpose, alone=alone)
