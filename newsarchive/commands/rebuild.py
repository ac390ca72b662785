"""Make a new ledger from the Markdown files, or from another one; the former one is kept aside. Files are only read."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.database import Place, ledger_place
from newsarchive.archive.files import LOCK, Lock
from newsarchive.archive.rebuild import PURPOSE, move, rebuild
from newsarchive.cli import OfflineCommand
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
            options = self.existing_archive()
            place, ages, links = ledger_place(options), options.recheck_hours, options.pictures_url
            lock = Lock(options.dir / LOCK)
            if isinstance(place, Path):
                lock.acquire(PURPOSE, now)
            try:
                outcome = rebuild(options.dir, now=now, place=place, ages=ages, pictures_url=links)
            finally:
                lock.release()
        print(f"New ledger: {outcome}")  # skipped files are logged, each with the reason
        return 0
