"""Read preserved pages again with today's parser; what differs becomes a new revision; no network."""

import argparse

from newsarchive import reader
from newsarchive.archive.archive import Archive
from newsarchive.archive.parallel import Workers
from newsarchive.archive.reextract import reextract as reextract_archive
from newsarchive.archive.reextract import summary
from newsarchive.cli import ParallelCommand
from newsarchive.options import Options


class Command(ParallelCommand):
    words = "[article id] ..."
    examples = ("scrapy reextract --dry-run", "scrapy reextract 20261104A05T2Q00")

    def check(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        """Any ids."""
        super().check([], opts)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would change as a diff")
        parser.add_argument("--source", default="qq", help="whose pages (default: qq)")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        reader(opts.source)  # raises BadArgument before anything is opened
        options = self.existing_archive()
        with self.workers(opts, options.dir) as workers:
            return reextract(options, opts.source, frozenset(args), dry_run=opts.dry_run, workers=workers)


def reextract(
    options: Options, source: str, wanted: frozenset[str], *, dry_run: bool, workers: Workers | None = None
) -> int:
    """Returns the exit code: 1 when a page could not be read any more; its document is not replaced then."""
    with Archive.open(options, purpose="`scrapy reextract`", read_only=dry_run) as archive:
        counts = reextract_archive(archive, source, wanted, dry_run=dry_run, workers=workers)
    print(summary(counts, wanted, dry_run=dry_run))
    return 1 if counts["problem"] else 0
