"""How a ledger reaches its tables: a connection to SQLite or to another database."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import sqlalchemy as sa

from newsarchive.archive.tables import VERSION
from newsarchive.errors import LedgerBroken, OtherVersion


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

    def hold(self, purpose: str, *, alone: bool) -> None:  # noqa: B027  -- a file has a lock beside it
        """Until the connection is closed. Raises `ArchiveLocked` if others hold it, and one of them or this `alone`."""

    def holders(self) -> list[str]:
        """What others `hold` it for, and where."""
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

    def check_version(self, *, read_only: bool) -> None:
        """Raises `OtherVersion` for a ledger that this program cannot use as it is."""
        if self.version > VERSION:
            raise OtherVersion(
                f"{self.name} has version {self.version}, this program knows versions up to {VERSION}:"
                " install the newer program, or make a ledger of this version with `scrapy rebuild`"
            )
        if self.version < VERSION and read_only:
            raise OtherVersion(
                f"{self.name} has version {self.version}: the next `scrapy crawl` brings it to {VERSION}"
            )


def broken(name: str, problem: BaseException | str) -> LedgerBroken:
    """The error for a ledger that cannot be used."""
    return LedgerBroken(
        f"the ledger {name} cannot be read ({problem}): `scrapy rebuild` makes a new one"
        " from the Markdown files and keeps this one aside"
    )
