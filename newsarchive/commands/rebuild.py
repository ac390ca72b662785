"""`scrapy rebuild`: a new ledger from the Markdown files."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from tqdm import tqdm

from newsarchive.archive.files import LOCK
from newsarchive.archive.lock import Lock
from newsarchive.archive.rebuild import rebuild
from newsarchive.command import ArchiveCommand, existing_archive
from newsarchive.configured import recheck_ages
from newsarchive.errors import ArchiveLocked, BadArgument
from newsarchive.extensions.faults import in_words


class Command(ArchiveCommand):
    """The former ledger is kept aside; Markdown files are only read."""

    name = "rebuild"
    requires_crawler_process = False

    def short_desc(self) -> str:
        return "Make a new ledger from the Markdown files; the former one is kept aside"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        assert self.settings is not None  # noqa: S101  -- Scrapy has set it
        try:
            folder = existing_archive(self.settings)
        except BadArgument as error:
            self.refuse(str(error))
        lock = Lock(folder / LOCK)
        now = datetime.now(UTC)
        try:
            lock.acquire("`scrapy rebuild`", now)
            with tqdm(desc="articles", unit="", disable=None, leave=False) as bar:
                outcome = rebuild(
                    folder,
                    now=now,
                    ages=recheck_ages(self.settings),
                    pictures_url=self.settings.get("ARCHIVE_PICTURES_URL") or "",
                    progress=lambda _: bar.update(),
                )
        except (ArchiveLocked, OSError) as error:
            print(f"scrapy rebuild: {in_words(error)}", file=sys.stderr)
            self.exitcode = 75 if isinstance(error, ArchiveLocked) else 1
            return
        finally:
            lock.release()
        print(f"New ledger: {outcome}")  # what was left alone is logged, each with the reason
