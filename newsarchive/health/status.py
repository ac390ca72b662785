"""What `status.json` says and what `scrapy status` shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from newsarchive.archive.ledger import Row, RunRow, State
from newsarchive.health.alarms import Alarm
from newsarchive.health.counts import Counts
from newsarchive.messages import counted

MEANINGS = {
    0: "fine",
    1: "an internal error, or a fault of the machine",
    2: "wrong usage",
    3: "the site was not reachable or refused us",
    4: "alarm: the site looks changed",
    75: "another run holds the archive",
}


def run_status(
    *,
    run: int | None,
    started: datetime,
    ended: datetime | None,
    arguments: str,
    reason: str,
    exit_code: int,
    message: str,
    counts: Counts,
    alarms: Sequence[Alarm],
) -> dict[str, Any]:
    """The part about one run."""
    return {
        "run": run,
        "started": _text(started),
        "ended": ended and _text(ended),
        "arguments": arguments,
        "reason": reason,
        "exit_code": exit_code,
        "meaning": MEANINGS.get(exit_code, ""),
        "message": message,
        "counts": dict(counts),
        "alarms": [asdict(alarm) for alarm in alarms],
    }


def unwritten_run(run: RunRow) -> dict[str, Any]:
    """The part about a run of the ledger that has left no status."""
    message = "the run did not come to its end, or could not write how it ended; the next one goes on from there"
    if run.ended is not None:
        message = "the run could not write its status"
    return run_status(
        run=run.run,
        started=run.started,
        ended=run.ended,
        arguments=run.arguments,
        reason="unfinished" if run.ended is None else str(run.counts.get("reason", "")),
        exit_code=run.exit_code or 1,
        message=message,
        counts=run.counts,
        alarms=[],
    )


def full_disk(folder: str, left: int) -> str:
    """The message about a full disk."""
    return f"full: the disk of {folder} has {left / 1_000_000:.1f} MB left, so no run can write there: make room on it"


def archive_status(
    *,
    by_state: Mapping[State, int],
    documents: int,
    newest: Row | None,
    exhausted: Sequence[Row],
    in_quarantine: int,
    pictures_given_up: int = 0,
) -> dict[str, Any]:
    """The part about the archive as a whole."""
    return {
        "articles": {state.value: by_state.get(state, 0) for state in State},
        "documents": documents,
        "newest": newest
        and {
            "id": newest.article_id,
            "published": newest.published and newest.published.isoformat(),
            "path": newest.path,
        },
        "quarantine": in_quarantine,
        "given_up": [
            {"id": row.article_id, "url": row.url, "tries": row.attempts, "reason": row.reason} for row in exhausted
        ],
        "pictures_given_up": pictures_given_up,
    }


def in_words(status: Mapping[str, Any]) -> str:
    """The status for people."""
    lines = [f"Archive   {status['folder']}"]
    if held := status.get("held_by"):
        lines.append(f"Running   {held}")
    if disk := status.get("full_disk"):
        lines.append(f"Disk      {disk}")
    run = status.get("last_run")
    if run is None and disk:
        lines.append("Last run  none that could write its status")
    elif run is None:
        lines.append("Last run  none so far: `scrapy crawl qq` makes the first")
    else:
        stopped = ", stopped on request" if run["reason"] == "shutdown" else ""
        when = _local(run["ended"]) if run["ended"] else f"begun {_local(run['started'])}"
        lines.append(f"Last run  {when}: {run['meaning']}{stopped} (exit code {run['exit_code']})")
        if run["message"]:
            lines.append(f"          {run['message']}")
    before = status.get("last_written_run")
    if before:
        lines.append(f"Before    {_local(before['ended'])}: exit code {before['exit_code']}, the last status written")
    if newest := status["newest"]:
        published = datetime.fromisoformat(newest["published"])
        lines.append(f"Newest    {published:%Y-%m-%d %H:%M %z}  {newest['path']}")
    counts = ", ".join(f"{number} {state}" for state, number in status["articles"].items() if number)
    if problem := status.get("problem"):
        counts = problem if disk else f"{problem}: the next run makes one, or `scrapy rebuild`"
    lines.append(f"Articles  {counts or 'none yet'}")
    if status["quarantine"]:
        lines.append(
            f"          {counted(status['quarantine'], 'page in quarantine/')}: once the parser is fixed,"
            " `scrapy retry` reads them again"
        )
    lines += _given_up(status["given_up"])
    if status["pictures_given_up"]:
        lines.append(
            f"Pictures  {status['pictures_given_up']} given up after all tries: the documents link to the site"
        )
    alarms = (before or run or {"alarms": []})["alarms"]
    lines.append(f"Alarms    {len(alarms) or 'none'}")
    for alarm in alarms:
        lines.append(f"  {alarm['name']}: {alarm['seen']}; expected {alarm['expected']}")
        lines.append(f"    do: {alarm['advice']}")
    return "\n".join(lines)


def _given_up(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    given_up = counted(len(rows), "article after all tries")
    lines = [f"Given up  {given_up}; `scrapy crawl qq -a urls=ID,…` tries again"]
    lines += [f"  {row['id']}  {counted(row['tries'], 'try')}  {row['reason']}" for row in rows[:10]]
    if len(rows) > 10:
        lines.append(f"  and {len(rows) - 10} more: `scrapy status --json` names them all")
    return lines


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
