"""`scrapy status`: the last run, the archive, alarms and what to do about each."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from newsarchive.archive.archive import LEDGER, LOCK
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.lock import holder
from newsarchive.archive.rebuild import markdown_files
from newsarchive.command import NO_LEDGER, ArchiveCommand
from newsarchive.errors import ArchiveError
from newsarchive.extensions.run import archive_folder, look
from newsarchive.health import status


class Command(ArchiveCommand):
    """Reads only, also while a run goes on."""

    name = "status"
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Show the last run, the state of the archive, alarms and what to do about each"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the same for a program")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        assert self.settings is not None  # noqa: S101  -- Scrapy has set it
        try:
            found = whole_status(archive_folder(self.settings), self.settings.getint("ARCHIVE_MAX_TRIES"))
        except (ArchiveError, OSError) as error:
            print(f"scrapy status: {error}", file=sys.stderr)
            self.exitcode = 1
            return
        print(json.dumps(found, ensure_ascii=False, indent=2) if opts.json else status.in_words(found))
        self.exitcode = 1 if found["problem"] else 0


def whole_status(folder: Path, max_tries: int) -> dict[str, Any]:
    """What `status.json` says of the last run, and the ledger as it is now. Raises `ArchiveError`."""
    written = folder / "status.json"
    last_run = _last_run(written)
    held_by = holder(folder / LOCK)
    found: dict[str, Any] = {
        "folder": str(folder),
        "held_by": held_by,
        "last_run": last_run,
        "unfinished_run": "",
        "problem": "",
    }
    if not (folder / LEDGER).exists():
        found["problem"] = NO_LEDGER if any(markdown_files(folder)) and not held_by else ""
        return found | status.archive_status(by_state={}, newest=None, exhausted=[], in_quarantine=0)
    with Ledger.open(folder / LEDGER, read_only=True) as ledger:
        newest_run = next(iter(ledger.last_runs(1)), None)
        if newest_run and newest_run.ended is None and not held_by:
            found["unfinished_run"] = newest_run.started.isoformat(timespec="seconds")
        return found | look(folder, ledger, max_tries)


def _last_run(written: Path) -> dict[str, Any] | None:
    if not written.exists():
        return None
    try:
        last_run = json.loads(written.read_bytes())["last_run"]
        status.in_words(
            {"folder": "", "last_run": last_run, "problem": ""}
            | status.archive_status(by_state={}, newest=None, exhausted=[], in_quarantine=0)
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(
            f"{written} is not what a run wrote ({error!r}): remove it, the next run writes it"
        ) from error
    return dict(last_run)
