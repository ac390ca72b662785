"""Make a new ledger from the Markdown files; the former one is kept aside. The files are only read."""

import argparse
from datetime import UTC, datetime

from newsarchive.archive.files import LOCK, Lock
from newsarchive.archive.rebuild import rebuild
from newsarchive.cli import OfflineCommand, existing_archive


class Command(OfflineCommand):
    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        options, now = existing_archive(self.settings), datetime.now(UTC)
        lock = Lock(options.dir / LOCK)
        lock.acquire("`scrapy rebuild`", now)
        try:
            outcome = rebuild(options.dir, now=now, ages=options.recheck_hours, pictures_url=options.pictures_url)
        finally:
            lock.release()
        print(f"New ledger: {outcome}")  # skipped files are logged, each with the reason
        return 0
