"""What tests do to an archive between two runs."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.database import SQLite
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import State


def make_due(archive: Path) -> None:
    """Every re-check has come."""
    now = datetime.now(UTC)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        for known in ledger.rows():
            if known.state is State.ARCHIVED:
                ledger.checked(known, now=now, next_check=now)
            elif known.state is State.GONE:
                ledger.gone(known, now=now, next_check=now)


def connection(ledger: Ledger) -> sqlite3.Connection:
    """SQLite's own."""
    assert isinstance(ledger.database, SQLite)
    return ledger.database.raw
