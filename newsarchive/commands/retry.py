"""`scrapy retry`: reads the quarantine again with today's parser, without network."""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

from scrapy.settings import Settings

from newsarchive.archive.archive import LEDGER
from newsarchive.archive.ledger import Ledger
from newsarchive.commands.crawl import Command as Crawl
from newsarchive.errors import PageError
from newsarchive.extensions.run import archive_folder
from newsarchive.sources import reader
from newsarchive.wording import counted


class Command(Crawl):
    """A replay of `quarantine/`: what is good now is archived, and leaves the quarantine then."""

    name = "retry"

    def syntax(self) -> str:
        return "[options] [source]"

    def short_desc(self) -> str:
        return "Read the pages in quarantine again and archive what is good now; no network"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None  # noqa: S101  -- Scrapy has set it
        args[:] = args or ["qq"]
        super().process_options(args, opts)

    def check(self, name: str, arguments: dict[str, str], settings: Settings, overridden: list[str]) -> None:
        if arguments:
            self.refuse("scrapy retry takes no -a arguments")
        super().check(name, arguments, settings, overridden)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        assert self.settings is not None  # noqa: S101
        source = args[0]
        folder = archive_folder(self.settings) / "quarantine" / source
        before = pages(folder)
        if not before:
            print("Nothing in quarantine.")
            return
        self.exitcode = self.crawl(source, {"replay": str(folder)})
        release_nameless(folder, source)
        left = pages(folder)
        print(
            f"{len(before) - len(left)} of {counted(len(before), 'page')} left the quarantine, {len(left)} still there."
        )


def release_nameless(folder: Path, source: str) -> None:
    """Pages that told no id could not be followed through the crawl: those that are archived now leave here."""
    for page in folder.glob("page-*.html.gz"):
        try:
            article = reader(source)(gzip.decompress(page.read_bytes()))
        except PageError:
            continue  # still none that can be read
        with Ledger.open(folder.parent.parent / LEDGER, read_only=True) as ledger:
            row = ledger.get(source, article.article_id)
        if row is not None and row.path:
            page.unlink()
            page.with_name(page.name.removesuffix(".html.gz") + ".json").unlink(missing_ok=True)


def pages(folder: Path) -> list[Path]:
    """The pages in quarantine."""
    return sorted(folder.glob("*.html.gz"))
