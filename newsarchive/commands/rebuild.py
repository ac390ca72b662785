"""Make a new ledger from the Markdown files, or from another one; the former one is kept aside. Files are only read."""

import argparse
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.files import LOCK, Lock
from newsarchive.archive.ledger import Place, ledger_place
from newsarchive.archive.rebuild import PURPOSE, move, rebuild
from newsarchive.cli import OfflineCommand, existing_archive
from newsarchive.errors import BadArgument
from newsarchive.options import Options, is_database


class Command(OfflineCommand):
    examples = ("scrapy rebuild", "scrapy rebuild --from postgresql+psycopg://me@db.example/news")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        text = "move the ledger from PLACE, row for row: the path of a ledger.sqlite, or a URL as in ARCHIVE_LEDGER"
        parser.add_argument("--from", default="", metavar="PLACE", help=text, dest="source")

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        super().check(args, opts)
        if opts.source and not is_database(opts.source) and not Path(opts.source).exists():
            raise BadArgument(f"--from {opts.source}: no such file; expected a ledger.sqlite or a URL")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        now = datetime.now(UTC)
        if opts.source:
            options = Options.from_settings(self.settings)
            source: Place = opts.source if is_database(opts.source) else Path(opts.source).absolute()
            outcome = move(source, ledger_place(options), options.dir, now=now)
        else:
            options = existing_archive(self.settings)
            place = ledger_place(options)
            with ExitStack() as locks:
                if isinstance(place, Path):
                    lock = Lock(options.dir / LOCK)
                    lock.acquire(PURPOSE, now)
                    locks.callback(lock.release)
                about: dict[str, Any] = {"ages": options.recheck_hours, "pictures_url": options.pictures_url}
                outcome = rebuild(options.dir, now=now, place=place, **about)
        print(f"New ledger: {outcome}")  # skipped files are logged, each with the reason
        return 0
