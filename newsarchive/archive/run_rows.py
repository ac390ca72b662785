"""The ledger's runs: when, how they ended, what they counted; and lists that a killed run was in the middle of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from newsarchive.archive.rows import ListRow, RunRow
from newsarchive.archive.table import Done, OnBroken, broken_row, stored, time


class RunRows:
    """A part of a `Ledger`."""

    _run: Callable[..., Done]
    _on_broken: OnBroken

    def begin_run(self, now: datetime, pid: int, arguments: str) -> int:
        done = self._run(
            "INSERT INTO runs (started, pid, arguments, counts) VALUES (?, ?, ?, '{}')",
            (stored(now), pid, arguments),
        )
        return done.number

    def end_run(self, run: int, *, now: datetime, exit_code: int, counts: dict[str, int | float | str]) -> None:
        self._run(
            "UPDATE runs SET ended = ?, exit_code = ?, counts = ? WHERE run = ?",
            (stored(now), exit_code, json.dumps(counts, ensure_ascii=False, sort_keys=True), run),
        )

    def put_run(self, run: RunRow) -> None:
        """A run of a former ledger, under the next free number."""
        number = self.begin_run(run.started, run.pid, run.arguments)
        if run.ended is not None and run.exit_code is not None:
            self.end_run(number, now=run.ended, exit_code=run.exit_code, counts=run.counts)

    def last_runs(self, number: int) -> list[RunRow]:
        """The newest first."""
        found = self._run(
            "SELECT run, started, ended, pid, arguments, exit_code, counts FROM runs ORDER BY run DESC LIMIT ?",
            (number,),
        ).rows
        return [row for columns in found if (row := self._read_run(*columns)) is not None]

    def _read_run(
        self, run: int, started: str, ended: str | None, pid: int, arguments: str, exit_code: int | None, counts: str
    ) -> RunRow | None:
        try:
            return RunRow(
                run=run, started=_begin(started), ended=time(ended), pid=pid,
                arguments=arguments, exit_code=exit_code, counts=dict(json.loads(counts)),
            )  # fmt: skip
        except (ValueError, TypeError) as error:
            self._on_broken(broken_row(f"{run} among the runs", error))
            return None

    def list_rows(self, source: str | None = None) -> list[ListRow]:
        """What is known of each list that a run has asked for."""
        condition, values = ("source = ?", (source,)) if source else ("1", ())
        found = self._run(f'SELECT source, "where", failures, has_named FROM lists WHERE {condition}', values).rows  # noqa: S608
        return [row for columns in found if (row := self._read_list(*columns)) is not None]

    def _read_list(self, source: str, where: str, failures: int, has_named: int) -> ListRow | None:
        try:
            return ListRow(source=source, where=where, failures=int(failures), has_named=bool(int(has_named)))
        except (ValueError, TypeError) as error:
            self._on_broken(broken_row(f"{where} among the lists", error))
            return None

    def put_list(self, row: ListRow) -> None:
        self._run(
            'INSERT OR REPLACE INTO lists (source, "where", failures, has_named) VALUES (?, ?, ?, ?)',
            (row.source, row.where, row.failures, int(row.has_named)),
        )

    def begin_list(self, source: str, where: str) -> bool:
        """A list is read page by page from here on. Whether an earlier walk did not come to its end.

        After a kill between two pages the first page brings nothing new, and the second one still does.
        """
        done = self._run('INSERT OR IGNORE INTO walks (source, "where") VALUES (?, ?)', (source, where))
        return not done.changed

    def finish_list(self, source: str, where: str) -> None:
        """The list was read as far as it was meant to be."""
        self._run('DELETE FROM walks WHERE source = ? AND "where" = ?', (source, where))


def _begin(text: str) -> datetime:
    found = time(text)
    if found is None:
        raise ValueError("it has no beginning")
    return found
