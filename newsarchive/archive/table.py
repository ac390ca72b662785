"""A table of the ledger, its rows as plain data."""

# ruff: noqa: S608 -- statements are put together from our own column names; values are bound

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Generic, NoReturn, TypeVar, cast

from newsarchive.archive.rows import State
from newsarchive.errors import LedgerBroken
from newsarchive.messages import printable

R = TypeVar("R")
OnBroken = Callable[[LedgerBroken], object]
"""What to do about a row that cannot be read."""

_BATCH = 200  # rows
_LONGEST = 10_000  # characters of a text


def fail(error: LedgerBroken) -> NoReturn:
    """One row that cannot be read is reason enough to stop."""
    raise error


@dataclass(frozen=True)
class Done:
    """What became of a statement."""

    rows: list[tuple[Any, ...]]
    changed: int
    """How many rows it wrote."""
    number: int
    """The number of the row that it inserted."""


class Table(Generic[R]):
    """Columns are the fields of `row`; the first `keys` of them name a row. Times are kept in UTC.

    A row that cannot be read goes to `on_broken`; where that does not raise, the row is passed over.
    """

    def __init__(self, run: Callable[..., Done], name: str, row: type[R], keys: int, on_broken: OnBroken) -> None:
        self._run = run
        self._on_broken = on_broken
        self._name = name
        self._row = row
        columns = fields(cast(Any, row))
        self._names = [column.name for column in columns]
        self._keys = self._names[:keys]
        self._times = {column.name for column in columns if "datetime" in str(column.type)}
        self._columns = _quoted(self._names)

    def get(self, *key: str) -> R | None:
        return next(iter(self.select(" AND ".join(f"{name} = ?" for name in self._keys), *key)), None)

    def select(self, condition: str, *values: object) -> list[R]:
        return [row for _, row in self._numbered(condition, values) if row is not None]

    def walk(self, condition: str, *values: object) -> Iterator[R]:
        """Rows in the order in which they were put first, without those that come while it is walked.

        By batches, because a row may be written while its neighbours wait to be read.
        """
        (last,) = self._run(f"SELECT coalesce(max(seq), 0) FROM {self._name}").rows[0]
        return self._batches(f"{condition} AND seq > ? AND seq <= ? ORDER BY seq LIMIT {_BATCH}", values, last)

    def put(self, row: R) -> None:
        """The row as it is, instead of the one with the same key."""
        marks = ", ".join("?" * len(self._names))
        updates = ", ".join(f'"{name}" = excluded."{name}"' for name in self._names[len(self._keys) :])
        self._run(
            f"INSERT INTO {self._name} ({self._columns}) VALUES ({marks})"
            f" ON CONFLICT ({_quoted(self._keys)}) DO UPDATE SET {updates}",
            [stored(getattr(row, name), name) for name in self._names],
        )

    def update(self, key: tuple[str, ...], changes: dict[str, Any]) -> None:
        """Raises `KeyError` when there is no such row."""
        settings = ", ".join(f'"{name}" = ?' for name in changes)
        found = " AND ".join(f"{name} = ?" for name in self._keys)
        values = [stored(value, name) for name, value in changes.items()]
        if self._run(f"UPDATE {self._name} SET {settings} WHERE {found}", [*values, *key]).changed != 1:
            raise KeyError(f"the ledger has no article {' '.join(reversed(key))}")

    def _numbered(self, condition: str, values: tuple[object, ...]) -> list[tuple[int, R | None]]:
        statement = f"SELECT seq, {self._columns} FROM {self._name} WHERE {condition}"
        found = self._run(statement, [stored(value) for value in values]).rows
        return [(seq, self._read(columns)) for seq, *columns in found]

    def _batches(self, condition: str, values: tuple[object, ...], last: int) -> Iterator[R]:
        seen = 0
        while batch := self._numbered(condition, (*values, seen, last)):
            for seen, row in batch:  # noqa: B007  -- where the next batch begins
                if row is not None:
                    yield row

    def _read(self, columns: list[Any]) -> R | None:
        values = dict(zip(self._names, columns, strict=True))
        try:
            for name in self._times:
                values[name] = time(values[name])
            values["state"] = State(values["state"])
        except (ValueError, TypeError) as error:
            key = " ".join(str(values[name]) for name in self._keys)
            self._on_broken(broken_row(f"{key} among the {self._name}", error))
            return None
        return self._row(**values)


def broken_row(which: str, error: Exception) -> LedgerBroken:
    broken = LedgerBroken(
        f"the ledger's row of {which} cannot be read ({error}): `scrapy rebuild` makes"
        " a new ledger from the Markdown files and keeps this one aside"
    )
    broken.__cause__ = error
    return broken


def stored(value: Any, name: str = "") -> Any:
    """A value as SQLite keeps it, text in one line and not without end. Raises `ValueError` for a time without zone."""
    if isinstance(value, str):
        return printable(value, _LONGEST)
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{name} {value} has no time zone")
    if name != "published":  # which keeps the publisher's zone
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")  # one width, so that SQLite can compare


def time(text: str | None) -> datetime | None:
    """Raises `ValueError` or `TypeError` for what `stored` has not written."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
