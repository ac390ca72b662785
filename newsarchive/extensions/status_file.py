"""`status.json`: what a run leaves for monitoring and for `scrapy status`."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.files import QUARANTINE, STATUS, read_file, write_text
from newsarchive.archive.ledger import Ledger
from newsarchive.errors import ArchiveError
from newsarchive.health import status


def whole_status(folder: Path, last_run: dict[str, Any], archive: dict[str, Any]) -> dict[str, Any]:
    """What came of a run, and the archive as a whole."""
    return {"folder": str(folder), "last_run": last_run} | archive


def write_status(folder: Path, whole: dict[str, Any]) -> None:
    write_text(folder / STATUS, json.dumps(whole, ensure_ascii=False, indent=2) + "\n")


def last_run(folder: Path) -> dict[str, Any] | None:
    """What the last run has written about itself. Raises `ArchiveError` for a file that no run wrote so."""
    written = folder / STATUS
    if not os.path.lexists(written):
        return None
    try:
        found = json.loads(read_file(written))["last_run"]
        status.in_words({"folder": "", "last_run": found, "problem": ""} | nothing())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(
            f"{written} is not what a run wrote ({error!r}): remove it, the next run writes it"
        ) from error
    return dict(found)


def look(folder: Path, ledger: Ledger, max_tries: int) -> dict[str, Any]:
    """The archive as a whole."""
    return status.archive_status(
        by_state=ledger.counts_by_state(),
        documents=ledger.documents(),
        newest=ledger.newest(datetime.now(UTC)),
        exhausted=ledger.exhausted(max_tries),
        in_quarantine=sum(1 for _ in folder.glob(f"{QUARANTINE}/*/*.json")),
        pictures_given_up=ledger.pictures.exhausted(max_tries),
    )


def nothing() -> dict[str, Any]:
    """An archive that has nothing yet, or whose ledger cannot be asked."""
    return status.archive_status(by_state={}, documents=0, newest=None, exhausted=[], in_quarantine=0)
