"""`scrapy status`: the last run, the archive, alarms and what to do about each."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.files import LEDGER, LOCK, is_full, room_left
from newsarchive.archive.ledger import Ledger, RunRow, is_begun
from newsarchive.archive.lock import holder
from newsarchive.archive.rebuild import markdown_files
from newsarchive.cli import NO_LEDGER, OfflineCommand
from newsarchive.errors import ArchiveError
from newsarchive.extensions.log import in_words
from newsarchive.extensions.status_file import last_run, look, nothing
from newsarchive.health import status
from newsarchive.messages import shown
from newsarchive.options import archive_folder


class Command(OfflineCommand):
    """Reads only, also while a run goes on."""

    name = "status"

    def short_desc(self) -> str:
        return "Show the last run, the state of the archive, alarms and what to do about each"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the same for a program")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        found = whole_status(archive_folder(self.chosen), self.chosen.getint("ARCHIVE_MAX_TRIES"))
        print(json.dumps(found, ensure_ascii=False, indent=2) if opts.json else shown(status.in_words(found)))
        wrong = ("problem", "full_disk", "unfinished_run", "last_written_run")
        return 1 if any(found[name] for name in wrong) else 0


def whole_status(folder: Path, max_tries: int) -> dict[str, Any]:
    """What `status.json` says of the last run, and the ledger as it is now. Raises `ArchiveError` and `OSError`.

    The last run is the ledger's where that one is newer: a full disk, or a kill, lets a run leave no `status.json`.
    """
    held_by = holder(folder / LOCK)
    found: dict[str, Any] = {
        "folder": str(folder),
        "held_by": held_by,
        "last_run": last_run(folder),
        "last_written_run": None,
        "unfinished_run": "",
        "full_disk": status.full_disk(str(folder), room_left(folder) or 0) if is_full(folder) else "",
        "problem": "",
    }
    if found["full_disk"] and found["last_run"] and found["last_run"]["exit_code"] == 0:
        found["last_run"]["meaning"] = "ended well; the disk is full now"
    if not is_begun(folder / LEDGER):
        found["problem"] = NO_LEDGER if any(markdown_files(folder)) and not held_by else ""
        return found | nothing()
    try:
        with Ledger.open(folder / LEDGER, read_only=True) as ledger:
            newest_run = next(iter(ledger.last_runs(1)), None)
            archive = look(folder, ledger, max_tries)
    except (ArchiveError, OSError) as error:
        if not found["full_disk"]:
            raise
        found["problem"] = in_words(error)  # SQLite makes files beside a ledger that it reads
        return found | nothing()
    if newest_run and not _is_going_on(newest_run, held_by) and _is_newer(newest_run, found["last_run"]):
        found["last_written_run"], found["last_run"] = found["last_run"], status.unwritten_run(newest_run)
        if newest_run.ended is None:
            found["unfinished_run"] = newest_run.started.isoformat(timespec="seconds")
    return found | archive


def _is_going_on(run: RunRow, held_by: str) -> bool:
    """Whether who holds the archive, as the lock says it, is this run."""
    return bool(held_by) and ("pid " not in held_by or f", pid {run.pid} on " in held_by)


def _is_newer(run: RunRow, written: dict[str, Any] | None) -> bool:
    """Whether the ledger's run came after the one that `status.json` is about.

    By number or by time: the numbers of a rebuilt ledger begin anew, and a clock may have been wrong.
    """
    if written is None:
        return True
    later = run.started.replace(microsecond=0) > datetime.fromisoformat(written["started"])
    return later or (written["run"] is not None and run.run > written["run"])
