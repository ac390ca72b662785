"""The ledger in PostgreSQL, which several machines share.

PostgreSQL may be restarted, or away for a moment: then what was asked is asked again, a transaction from its beginning.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain, count
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors
from psycopg.rows import tuple_row
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from newsarchive.archive.database import Database, Turn, broken
from newsarchive.archive.tables import METADATA, VERSION
from newsarchive.errors import ArchiveLocked, BadArgument, LedgerAway
from newsarchive.messages import without_secrets

_WAITS = (0.1, 0.5, 1, 2, 4, 8, 15)  # seconds before each further try
_LONGEST = 30  # seconds of tries and waits
_SESSION = """
    SET tcp_keepalives_idle TO 10; SET tcp_keepalives_interval TO 5; SET tcp_keepalives_count TO 3;
    SET idle_in_transaction_session_timeout TO '60s'
"""
_MAY_TAKE_LONG = "SET LOCAL idle_in_transaction_session_timeout TO 0"
_NOT_THIS_TIME = (
    psycopg.OperationalError,  # no connection, or none left; ended by the server; a deadlock, a serialisation failure
    psycopg.InterfaceError,  # the connection is closed
)
_NOT_ALLOWED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)
# why the server refuses a connection, where it makes no sense to ask again; libpq has no code for that
_REFUSED = re.compile("authentication failed|no password|does not exist|no pg_hba.conf entry|permission denied")
SCHEMA = "newsarchive"  # of the tables
_NEW = f"{SCHEMA}_new"  # of those that a rebuild makes, until it has made them
_TABLES = (  # that only a shared ledger has; all of their times are by PostgreSQL's clock
    "CREATE TABLE workers (run INTEGER PRIMARY KEY, began TIMESTAMPTZ NOT NULL, alive_until TIMESTAMPTZ NOT NULL)",
    "CREATE TABLE hosts (host TEXT PRIMARY KEY, free_at TIMESTAMPTZ NOT NULL, refused_at TIMESTAMPTZ)",
    "CREATE TABLE ledger_version (version INTEGER NOT NULL)",
    "CREATE INDEX articles_by_claimed_by ON articles (claimed_by) WHERE claimed_by IS NOT NULL",
    # a commit whose answer was lost is done again
    "CREATE UNIQUE INDEX changes_once ON changes (source, article_id, time, kind)",
)
_STAY_ALIVE = """
    INSERT INTO workers VALUES (%(run)s, now(), now() + %(time)s)
    ON CONFLICT (run) DO UPDATE SET alive_until = excluded.alive_until
"""
_TAKE_TURN = """
    INSERT INTO hosts AS known VALUES (%(host)s, now() + %(delay)s)
    ON CONFLICT (host) DO UPDATE
    SET free_at = CASE WHEN known.free_at <= now() THEN now() + %(delay)s ELSE known.free_at END
    RETURNING
        free_at = now() + %(delay)s,
        extract(epoch FROM free_at - now())::float,
        coalesce(refused_at >= (SELECT began FROM workers WHERE run = %(run)s), FALSE)
"""
_QUIET = """
    INSERT INTO hosts AS known VALUES (%(host)s, now() + %(time)s)
    ON CONFLICT (host) DO UPDATE SET free_at = greatest(known.free_at, excluded.free_at)
"""
_REFUSE = """
    INSERT INTO hosts VALUES (%(host)s, now(), now()) ON CONFLICT (host) DO UPDATE SET refused_at = now()
"""
_ROWS = 2_000  # that are asked for at a time
_MAKING = 7_346_001  # the advisory lock of whoever makes the tables
_HOLDERS = b"""
    SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = 7346002 AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY backend_start
"""


class NamedValues(tuple[Any, ...]):
    """Values with numbers and names, as SQLite's."""

    names: Sequence[str]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> Sequence[str]:
        return self.names


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], NamedValues]:
    """Called by psycopg, for each answer."""
    return type("NamedValues", (NamedValues,), {"names": [column.name for column in cursor.description or ()]})


class PostgreSQL(Database):
    """A connection that is made anew when it is lost.

    With a `purpose` it holds the ledger until it is closed. Raises `ArchiveLocked` if others hold it, and one of them
    or this `alone`.
    """

    dialect = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]
    insert = staticmethod(postgresql.insert)
    free = sa.text("(claimed_by IS NULL OR claimed_by NOT IN (SELECT run FROM workers WHERE alive_until > now()))")

    def __init__(self, url: str, *, read_only: bool, purpose: str = "", alone: bool = False) -> None:
        super().__init__(without_secrets(url))
        self._address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._read_only = read_only
        self._connection: psycopg.Connection[NamedValues] | None = None
        self._done: list[tuple[str, Mapping[str, Any]]] | None = None
        """What the transaction has done so far."""
        self._begun = False
        self._is_away = False
        """Whether it did not come back the last time: then what a run does at its end does not wait again."""
        self._only_once = False
        """Whether the transaction is too long to be done again."""
        self._lock = b""
        """Takes the lock of those that work on the archive."""
        self._shown_as = "newsarchive"
        """By `holders`, and by PostgreSQL's own tools."""
        if purpose:
            self._lock = (
                b"SELECT pg_try_advisory_lock(7346002)" if alone else b"SELECT pg_try_advisory_lock_shared(7346002)"
            )
            what = purpose if len(purpose) <= 30 else f"{purpose[:26]}...{purpose[-1]}"
            self._shown_as = f"{what}, pid {os.getpid()} on {socket.gethostname()}"[:63]  # as much as it keeps
        try:
            self.version = self.read_version()
        except BaseException:
            self.close()
            raise

    def query(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        return self._carried_out(sql, values).fetchall()

    def change(self, sql: str, values: Mapping[str, Any]) -> int:
        return self._carried_out(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._done = []
        try:
            yield
            self._carried_out("COMMIT", {})
        except BaseException:
            with suppress(psycopg.Error):
                if self._begun and self._connection:
                    self._connection.execute("ROLLBACK")
            raise
        finally:
            self._done, self._begun = None, False

    def living_runs(self) -> frozenset[int]:
        return frozenset(run for (run,) in self.query("SELECT run FROM workers WHERE alive_until > now()", {}))

    def holders(self) -> list[str]:
        return [name for (name,) in self.query(_HOLDERS.decode(), {})]

    def stay_alive(self, run: int, seconds: float) -> None:
        if seconds:
            self.change(_STAY_ALIVE, {"run": run, "time": timedelta(seconds=seconds)})
        else:
            self.change("DELETE FROM workers WHERE run = %(run)s", {"run": run})

    def forget_lost_runs(self) -> bool:
        return self.change("DELETE FROM workers WHERE alive_until < now() - interval '1 day'", {}) > 0

    def take_turn(self, run: int, host: str, delay: float) -> Turn:
        values = {"run": run, "host": host, "delay": timedelta(seconds=delay)}
        ((has_it, wait, is_refused),) = self.query(_TAKE_TURN, values)
        return Turn(wait=0.0 if has_it else max(wait, 0.001), is_refused=is_refused)

    def quiet(self, host: str, seconds: float) -> None:
        self.change(_QUIET, {"host": host, "time": timedelta(seconds=seconds)})

    def refuse(self, host: str) -> None:
        self.change(_REFUSE, {"host": host})

    def check(self) -> list[str]:
        """Nothing: PostgreSQL has its own tools."""
        return []

    def size(self) -> tuple[int, int]:
        sizes = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        return 0, int(self.query(f"{sizes}to_regnamespace('{SCHEMA}')", {})[0][0] or 0)

    def raw_rows(self, table: sa.Table) -> Iterator[Sequence[Any]]:
        with (
            self._errors_named(),
            self._ready().transaction(),
            self._ready().execute(_MAY_TAKE_LONG.encode()),
            self._ready().cursor(name="rows", row_factory=tuple_row) as cursor,  # else all come at once
        ):
            cursor.itersize = _ROWS
            yield from cursor.execute(self._selected(table).encode())

    def add_raw_rows(self, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        statement = f"COPY {table.name} ({columns}) FROM STDIN".encode()
        with self._errors_named(), self._ready().cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def last_number(self, column: sa.Column[Any]) -> int:
        given_out = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM"
        return int(self.query(f"{given_out} {_sequence(column)}", {})[0][0])

    def number_after(self, column: sa.Column[Any], last: int) -> None:
        values = {"sequence": _sequence(column), "last": max(last, 1), "is_given_out": last > 0}
        self.query("SELECT setval(%(sequence)s, %(last)s, %(is_given_out)s)", values)

    @contextmanager
    def replaced(self, kept: str) -> Iterator[str]:
        """A transaction with new, empty tables. With its commit they take the place of the former ones.

        Those are in a schema with the name that the block gets, `""` if there are none. A lost connection ends it.
        """
        former = ""
        if self.read_version():
            names = (f"{SCHEMA}_{kept}{again}" for again in chain([""], (f"_{nth}" for nth in count(2))))
            exists = "SELECT to_regnamespace(%(name)s) IS NOT NULL"
            former = next(name for name in names if not self.query(exists, {"name": name})[0][0])
        self._only_once = True
        try:
            self.change("BEGIN", {})
            self.change(f"CREATE SCHEMA {_NEW}", {})
            self.change(f"SET LOCAL search_path TO {_NEW}", {})
            self.change(_MAY_TAKE_LONG, {})
            self._create_tables()
            yield former
            if former:
                self.change(f"ALTER SCHEMA {SCHEMA} RENAME TO {former}", {})
            self.change(f"ALTER SCHEMA {_NEW} RENAME TO {SCHEMA}", {})
            self.change("COMMIT", {})
        finally:
            self._forget_connection()  # which rolls back what is not committed
            self._only_once = False

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _carried_out(self, sql: str, values: Mapping[str, Any]) -> psycopg.Cursor[NamedValues]:
        waits, end = iter(() if self._only_once or self._is_away else _WAITS), time.monotonic() + _LONGEST
        while True:
            try:
                cursor = self._ready().execute(sql.encode(), values)
            except _NOT_THIS_TIME as error:
                self._forget_connection()
                if (wait := next(waits, None)) is None or time.monotonic() + wait > end:
                    self._is_away = True
                    raise self._away(error) from error
                time.sleep(wait)
            except _NOT_ALLOWED as error:
                raise self._away(error) from error
            except (psycopg.DataError, psycopg.IntegrityError):
                raise
            except psycopg.Error as error:
                if error.sqlstate is None:  # not the server's
                    raise
                raise broken(self.name, _first_line(error)) from error
            else:
                self._is_away = False
                if self._done is not None:
                    self._done.append((sql, values))
                return cursor

    def _ready(self) -> psycopg.Connection[NamedValues]:
        """A connection; in a transaction, one that has carried out what the transaction has done so far."""
        if self._connection is None:
            self._connection = self._connect()
            if self._lock and not next(self._connection.execute(self._lock))[0]:
                holders = ", ".join(name for (name,) in self._connection.execute(_HOLDERS))
                self._forget_connection()
                raise ArchiveLocked(f"{self.name} is held by {holders}: wait for their end, or stop them")
        if self._done is not None and not self._begun:
            self._connection.execute("BEGIN")
            self._begun = True
            for sql, values in self._done:
                self._connection.execute(sql.encode(), values)
        return self._connection

    def _connect(self) -> psycopg.Connection[NamedValues]:
        mode = "on" if self._read_only else "off"
        try:
            # a machine or network that is gone is noticed in half a minute, and by PostgreSQL, too: see `_SESSION`
            connection = psycopg.connect(
                self._address, autocommit=True, row_factory=_rows, connect_timeout=5, application_name=self._shown_as,
                keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=20_000,
            )  # fmt: skip
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                connection.close()
                made_so = "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
                raise BadArgument(f"the database of {self.name} has the encoding {encoding}, expected UTF8: {made_so}")
            session = f"{_SESSION}; SET search_path TO {SCHEMA}; SET default_transaction_read_only TO {mode}"
            connection.execute(session.encode())
        except psycopg.ProgrammingError as error:  # what the URL has after its `?`
            raise self._away(error) from error
        except psycopg.OperationalError as error:
            if _REFUSED.search(str(error)):
                raise self._away(error) from error
            raise
        return connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """For what cannot be asked again."""
        try:
            yield
        except (*_NOT_THIS_TIME, *_NOT_ALLOWED) as error:
            self._forget_connection()
            raise self._away(error) from error
        except (psycopg.DataError, psycopg.IntegrityError) as error:  # what nothing in this program has written
            raise broken(self.name, _first_line(error)) from error

    def _away(self, error: BaseException) -> LedgerAway:
        return LedgerAway(self.name, without_secrets(_first_line(error)))

    def _forget_connection(self) -> None:
        with suppress(psycopg.Error):
            self.close()
        self._connection, self._begun = None, False

    def read_version(self) -> int:
        """Of the tables; 0 while there are none."""
        tables = "SELECT FROM pg_tables WHERE schemaname = %(schema)s AND tablename = 'ledger_version'"
        if not self.query(tables, {"schema": SCHEMA}):  # not `to_regclass`, which may miss what was made just now
            return 0
        return int(self.query(f"SELECT version FROM {SCHEMA}.ledger_version", {})[0][0])  # noqa: S608  -- a constant

    def make_tables(self) -> None:
        """Unless another program has just made them."""
        with self.transaction():
            self.query("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _MAKING})
            if not self.read_version():
                self.change(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", {})
                self._create_tables()
        self.version = self.read_version()

    def _create_tables(self) -> None:
        for table in METADATA.sorted_tables:
            self.change(str(CreateTable(table).compile(dialect=self.dialect)), {})
            for index in table.indexes:
                where = index.dialect_options["sqlite"]["where"]
                sql = str(CreateIndex(index).compile(dialect=self.dialect))
                self.change(sql if where is None else f"{sql} WHERE {where.text}", {})
        for statement in _TABLES:
            self.change(statement, {})
        self.change("INSERT INTO ledger_version VALUES (%(version)s)", {"version": VERSION})


def _sequence(column: sa.Column[Any]) -> str:
    """The name that PostgreSQL gives it."""
    return f"{column.table.name}_{column.name}_seq"


def _first_line(error: BaseException) -> str:
    """Without where in the statement it is."""
    return str(error).strip().partition("\n")[0]
