"""`scrapy status`: the last run, the archive, alarms and what to do about each."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from newsarchive.archive.files import LEDGER, LOCK
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.lock import holder
from newsarchive.archive.rebuild import markdown_files
from newsarchive.archive.schema import is_begun
from newsarchive.command import NO_LEDGER, OfflineCommand
from newsarchive.configured import archive_folder
from newsarchive.extensions.status_file import last_run, look, nothing
from newsarchive.health import status
from newsarchive.wording import shown


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
        return 1 if found["problem"] else 0


def whole_status(folder: Path, max_tries: int) -> dict[str, Any]:
    """What `status.json` says of the last run, and the ledger as it is now. Raises `ArchiveError`."""
    held_by = holder(folder / LOCK)
    found: dict[str, Any] = {
        "folder": str(folder),
        "held_by": held_by,
        "last_run": last_run(folder),
        "unfinished_run": "",
        "problem": "",
    }
    if not is_begun(folder / LEDGER):
        found["problem"] = NO_LEDGER if any(markdown_files(folder)) and not held_by else ""
        return found | nothing()
    with Ledger.open(folder / LEDGER, read_only=True) as ledger:
        newest_run = next(iter(ledger.last_runs(1)), None)
        if newest_run and newest_run.ended is None and not held_by:
            found["unfinished_run"] = newest_run.started.isoformat(timespec="seconds")
        return found | look(folder, ledger, max_tries)
