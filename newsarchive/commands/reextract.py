"""Read preserved pages again with today's parser; what differs becomes a new revision; no network."""

import argparse

from newsarchive import reader
from newsarchive.archive.archive import Archive
from newsarchive.archive.reextract import reextract as reextract_archive
from newsarchive.archive.reextract import summary
from newsarchive.cli import OfflineCommand, existing_archive
from newsarchive.options import Options


class Command(OfflineCommand):
    words = "[article id] ..."

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        """Any ids."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would change as a diff")
        parser.add_argument("--source", default="qq", help="whose pages (default: qq)")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        reader(opts.source)  # raises BadArgument before anything is opened
        return reextract(existing_archive(self.settings), opts.source, frozenset(args), dry_run=opts.dry_run)


def reextract(options: Options, source: str, wanted: frozenset[str], *, dry_run: bool) -> int:
    """Returns the exit code: 1 when a page could not be read any more; its document is not replaced then."""
    with Archive.open(options, purpose="`scrapy reextract`", read_only=dry_run) as archive:
        counts = reextract_archive(archive, source, wanted, dry_run=dry_run)
    print(summary(counts, wanted, dry_run=dry_run))
    return 1 if counts["problem"] else 0
