"""How a run went and how the archive is: `status.json`, `scrapy status`, the summary that a run prints."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.archive import NO_LEDGER
from newsarchive.archive.files import (
    LEDGER,
    LOCK,
    QUARANTINE,
    STATUS,
    holder,
    is_full,
    read_file,
    room_left,
    write_text,
)
from newsarchive.archive.ledger import Ledger, RunRow, State, is_begun
from newsarchive.archive.rebuild import can_be_rebuilt
from newsarchive.errors import ArchiveError, describe
from newsarchive.health.alarms import Alarm, Counts, integer
from newsarchive.messages import counted

NO_RUN = "none so far: `scrapy crawl qq` makes the first"

MEANINGS = {
    0: "fine",
    1: "an internal error, or a fault of the machine",
    2: "wrong usage",
    3: "the site was not reachable or refused us",
    4: "alarm: the site looks changed",
    75: "another run holds the archive",
}
"""What the exit codes say."""

NO_ARCHIVE: dict[str, Any] = {
    "articles": {state.value: 0 for state in State},
    "documents": 0,
    "newest": None,
    "quarantine": 0,
    "given_up": [],
    "pictures_given_up": 0,
}
"""The part about the archive of one that has nothing yet, or whose ledger cannot be read."""


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
        "started": _utc(started),
        "ended": ended and _utc(ended),
        "arguments": arguments,
        "reason": reason,
        "exit_code": exit_code,
        "meaning": MEANINGS.get(exit_code, ""),
        "message": message,
        "counts": dict(counts),
        "alarms": [asdict(alarm) for alarm in alarms],
    }


def archive_status(folder: Path, ledger: Ledger, max_tries: int) -> dict[str, Any]:
    """The part about the archive as a whole."""
    by_state = ledger.counts_by_state()
    newest = ledger.newest(datetime.now(UTC))
    return {
        "articles": {state.value: by_state.get(state, 0) for state in State},
        "documents": ledger.documents(),
        "newest": newest
        and {
            "id": newest.article_id,
            "published": newest.published and newest.published.isoformat(),
            "path": newest.path,
        },
        "quarantine": sum(1 for _ in folder.glob(f"{QUARANTINE}/*/*.json")),
        "given_up": [
            {"id": row.article_id, "url": row.url, "tries": row.attempts, "reason": row.reason}
            for row in ledger.exhausted(max_tries)
        ],
        "pictures_given_up": ledger.pictures.exhausted(max_tries),
    }


def write_status(folder: Path, last_run: Mapping[str, Any], archive: Mapping[str, Any] = NO_ARCHIVE) -> dict[str, Any]:
    """Writes `status.json` and returns what it says. Raises `OSError`."""
    status = {"folder": str(folder), "last_run": last_run} | dict(archive)
    write_text(folder / STATUS, json.dumps(status, ensure_ascii=False, indent=2) + "\n")
    return status


def read_status(folder: Path, max_tries: int) -> dict[str, Any]:
    """What `status.json` says of the last run, and the ledger as it is now. Raises `ArchiveError` and `OSError`.

    The last run is the ledger's where that one is newer: a full disk, or a kill, lets a run leave no `status.json`.
    """
    held_by = holder(folder / LOCK)
    full = is_full(folder)
    found: dict[str, Any] = {
        "folder": str(folder),
        "held_by": held_by,
        "last_run": _last_run(folder),
        "last_written_run": None,
        "unfinished_run": "",
        "full_disk": "",
        "problem": "",
    }
    if full:
        left = (room_left(folder) or 0) / 1_000_000
        found["full_disk"] = f"full: the disk of {folder} has {left:.1f} MB left, so no run can write there: make room"
        if found["last_run"] and found["last_run"]["exit_code"] == 0:
            found["last_run"]["meaning"] = "ended well; the disk is full now"
    if not is_begun(folder / LEDGER):
        found["problem"] = NO_LEDGER if can_be_rebuilt(folder) and not held_by else ""
        return found | NO_ARCHIVE
    try:
        with Ledger.open(folder / LEDGER, read_only=True) as ledger:
            newest_run = next(iter(ledger.last_runs(1)), None)
            archive = archive_status(folder, ledger, max_tries)
    except (ArchiveError, OSError) as error:
        if not full:
            raise
        found["problem"] = describe(error)  # SQLite makes files beside a ledger that it reads
        return found | NO_ARCHIVE
    if newest_run and not _is_going_on(newest_run, held_by) and _is_newer(newest_run, found["last_run"]):
        found["last_written_run"], found["last_run"] = found["last_run"], _unwritten_run(newest_run)
        if newest_run.ended is None:
            found["unfinished_run"] = newest_run.started.isoformat(timespec="seconds")
    return found | archive


def _last_run(folder: Path) -> dict[str, Any] | None:
    """What the last run has written about itself. Raises `ArchiveError` for a file that no run wrote so."""
    written = folder / STATUS
    if not os.path.lexists(written):
        return None
    try:
        found = json.loads(read_file(written))["last_run"]
        status_text({"folder": "", "last_run": found} | NO_ARCHIVE)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(
            f"{written} is not what a run wrote ({error!r}): remove it, the next run writes it"
        ) from error
    return dict(found)


def _unwritten_run(run: RunRow) -> dict[str, Any]:
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


def _is_going_on(run: RunRow, held_by: str) -> bool:
    """Whether the process that holds the archive, as the lock says, is this run."""
    return bool(held_by) and ("pid " not in held_by or f", pid {run.pid} on " in held_by)


def _is_newer(run: RunRow, written: dict[str, Any] | None) -> bool:
    """Whether the ledger's run came after the one that `status.json` is about.

    By number or by time: the numbers of a rebuilt ledger begin anew, and a clock may have been wrong.
    """
    if written is None:
        return True
    later = run.started.replace(microsecond=0) > datetime.fromisoformat(written["started"])
    return later or (written["run"] is not None and run.run > written["run"])


# for people


def status_text(status: Mapping[str, Any]) -> str:
    """The status as `scrapy status` shows it."""
    disk, problem = status.get("full_disk"), status.get("problem")
    lines = [f"Archive   {status['folder']}"]
    if held := status.get("held_by"):
        lines.append(f"Running   {held}")
    if disk:
        lines.append(f"Disk      {disk}")
    run, before = status.get("last_run"), status.get("last_written_run")
    if run is None:
        lines.append(f"Last run  {'none that could write its status' if disk else NO_RUN}")
    else:
        stopped = ", stopped on request" if run["reason"] == "shutdown" else ""
        when = _local(run["ended"]) if run["ended"] else f"begun {_local(run['started'])}"
        lines.append(f"Last run  {when}: {run['meaning']}{stopped} (exit code {run['exit_code']})")
        if run["message"]:
            lines.append(f"          {run['message']}")
    if before:
        lines.append(f"Before    {_local(before['ended'])}: exit code {before['exit_code']}, the last status written")
    if newest := status["newest"]:
        published = datetime.fromisoformat(newest["published"])
        lines.append(f"Newest    {published:%Y-%m-%d %H:%M %z}  {newest['path']}")
    counts = ", ".join(f"{number} {state}" for state, number in status["articles"].items() if number)
    if problem:
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


def summary(status: Mapping[str, Any]) -> str:
    """What a run prints at its end: at most five lines."""
    run = status["last_run"]
    counts = run["counts"]
    numbers = {name.removeprefix("article/"): int(counts[name]) for name in counts if name.startswith("article/")}
    numbers["in_quarantine"] = numbers.get("quarantined", 0) + numbers.get("quarantined_again", 0)
    parts = [f"{numbers.get(name, 0)} {name}" for name in ("new", "revised", "unchanged")]
    for name, words in (
        ("restored", "written again"),
        ("gone", "gone"),
        ("failed", "failed"),
        ("in_quarantine", "in quarantine"),
        ("for_subscribers", "for subscribers"),
        ("cut", "cut by the site"),
        ("challenged", "answered with a challenge"),
    ):
        if number := numbers.get(name):
            parts.append(f"{number} {words}")
    offline = counts.get("kind") in ("replay", "retry")
    what = "Saved pages read"
    if not offline:
        lists, asked = counted(integer(counts, "request/list"), "list"), integer(counts, "request/article")
        what = f"{lists} and {counted(asked, 'page')} asked for"
    lines = [f"{what}: {', '.join(parts)}, in {counts['seconds']:.0f} s"]
    if run["exit_code"] != 1 and run["reason"] == "shutdown":
        lines[0] += "; stopped on request; the next run goes on from here"
    lines.append(f"{counted(status['documents'], 'article')} in {status['folder']}/content")
    if not offline and (lost := integer(counts, "picture/failed")):
        lines[-1] += f"; {counted(lost, 'picture')} could not be fetched"
    if run["exit_code"] == 1:
        more = f" (and {counts['error'] - 1} more)" if counts["error"] > 1 else ""
        lines.append(f"ERROR: {run['message']}{more}")
    elif run["exit_code"] == 3:
        lines.append(f"SITE: {run['message']}")
    if alarms := run["alarms"]:
        more = f" (and {len(alarms) - 1} more)" if len(alarms) > 1 else ""
        lines.append(f"ALARM: {alarms[0]['name']}: {alarms[0]['seen']}; expected {alarms[0]['expected']}{more}")
    waiting, given_up = status["quarantine"], len(status["given_up"])
    if (alarms or waiting or given_up) and len(lines) < 5:
        left = [counted(waiting, "page in quarantine")] if waiting else []
        left += [counted(given_up, "article given up")] if given_up else []
        lines.append(f"{', '.join(left) or 'Something looks changed'}: `scrapy status` says what to do")
    return "\n".join(lines[:5])


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
