"""The ledger's pictures: which were fetched, which are to be tried again."""

# ruff: noqa: S608 -- statements are put together from our own column names; values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from newsarchive.archive.rows import PictureRow, State

_NAMES = tuple(field.name for field in fields(PictureRow))
_COLUMNS = ", ".join(_NAMES)
_BATCH = 200


class PictureRows:
    """Lives inside a `Ledger`, as `ledger.pictures`."""

    def __init__(self, run: Callable[..., sqlite3.Cursor]) -> None:
        self._run = run

    def get(self, source: str, article_id: str, url: str) -> PictureRow | None:
        found = self._rows("source = ? AND article_id = ? AND url = ?", (source, article_id, url))
        return found[0][1] if found else None

    def of(self, source: str, article_id: str) -> list[PictureRow]:
        """The pictures of one article in the order in which they were first tried."""
        return [row for _, row in self._rows("source = ? AND article_id = ? ORDER BY seq", (source, article_id))]

    def stored(self, source: str, article_id: str, url: str, *, path: str, hash: str) -> None:  # noqa: A002
        """The file stands."""
        self.put(PictureRow(source=source, article_id=article_id, url=url, state=State.ARCHIVED, path=path, hash=hash))

    def none(self, source: str, article_id: str) -> None:
        """The article shows no picture of the site: it was looked at, which a row without a URL says."""
        self.put(PictureRow(source=source, article_id=article_id, url="", state=State.ARCHIVED))

    def like(self, *, url: str = "", hash: str = "") -> PictureRow | None:  # noqa: A002
        """A stored picture of any article, by its URL or by its bytes."""
        name, value = ("url", url) if url else ("hash", hash)
        found = self._rows(f"{name} = ? AND hash <> '' AND state = 'archived' LIMIT 1", (value,))
        return found[0][1] if found else None

    def articles_without(self, source: str, limit: int) -> list[str]:
        """Ids of archived articles whose pictures nobody has looked at, the newest find first."""
        found = self._run(
            "SELECT article_id FROM articles AS a WHERE source = ? AND path <> '' AND NOT EXISTS"
            " (SELECT 1 FROM pictures AS p WHERE p.source = a.source AND p.article_id = a.article_id)"
            " ORDER BY seq DESC LIMIT ?",
            (source, limit),
        )
        return [article_id for (article_id,) in found.fetchall()]

    def unnamed(
        self,
        source: str,
        article_id: str,
        url: str,
        *,
        path: str,
        hash: str,  # noqa: A002
        next_try: datetime,
    ) -> None:
        """The file stands, and the document is just about to name it: due, until it does."""
        self.put(
            PictureRow(
                source=source, article_id=article_id, url=url, state=State.FAILED, path=path, hash=hash,
                next_try=next_try, reason="interrupted",
            )
        )  # fmt: skip

    def failed(self, source: str, article_id: str, url: str, *, reason: str, next_try: datetime) -> None:
        """It could not be had; the Markdown keeps the remote link."""
        known = self.get(source, article_id, url)
        attempts = (known.attempts if known else 0) + 1
        self.put(
            PictureRow(
                source=source, article_id=article_id, url=url, state=State.FAILED,
                attempts=attempts, next_try=next_try, reason=reason,
            )
        )  # fmt: skip

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[PictureRow]:
        """Failed pictures whose next try has come, the oldest first."""
        (last,) = self._run("SELECT coalesce(max(seq), 0) FROM pictures").fetchone()
        condition = "source = ? AND state = 'failed' AND attempts < ? AND next_try <= ?"
        return self._batches(condition, (source, max_tries, _stored(now)), last)

    def exhausted(self, source: str, max_tries: int) -> list[PictureRow]:
        """Pictures that are not tried any more."""
        condition = "source = ? AND state = 'failed' AND attempts >= ? ORDER BY seq"
        return [row for _, row in self._rows(condition, (source, max_tries))]

    def rows(self) -> Iterator[PictureRow]:
        """Every picture."""
        (last,) = self._run("SELECT coalesce(max(seq), 0) FROM pictures").fetchone()
        return self._batches("1", (), last)

    def put(self, row: PictureRow) -> None:
        """The row as it is, instead of the one of the same picture."""
        marks = ", ".join("?" * len(_NAMES))
        updates = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[3:])
        values = [_stored(getattr(row, name)) for name in _NAMES]
        self._run(
            f"INSERT INTO pictures ({_COLUMNS}) VALUES ({marks})"
            f" ON CONFLICT (source, article_id, url) DO UPDATE SET {updates}",
            values,
        )

    def _rows(self, condition: str, values: tuple[Any, ...]) -> list[tuple[int, PictureRow]]:
        found = self._run(f"SELECT seq, {_COLUMNS} FROM pictures WHERE {condition}", values).fetchall()
        return [(seq, _row(columns)) for seq, *columns in found]

    def _batches(self, condition: str, values: tuple[Any, ...], last: int) -> Iterator[PictureRow]:
        condition = f"{condition} AND seq > ? AND seq <= ? ORDER BY seq LIMIT {_BATCH}"
        seen = 0
        while batch := self._rows(condition, (*values, seen, last)):
            for seen, row in batch:  # noqa: B007  -- where the next batch begins
                yield row


def _stored(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def _row(columns: list[Any]) -> PictureRow:
    values = dict(zip(_NAMES, columns, strict=True))
    values["next_try"] = None if values["next_try"] is None else datetime.fromisoformat(values["next_try"])
    values["state"] = State(values["state"])
    return PictureRow(**values)
