"""What tests do to an archive between two runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.ledger import Ledger, State


def make_due(archive: Path) -> None:
    """Every re-check has come."""
    now = datetime.now(UTC)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        for known in ledger.rows():
            if known.state is State.ARCHIVED:
                ledger.checked(known, now=now, next_check=now)
            elif known.state is State.GONE:
                ledger.gone(known, now=now, next_check=now)
