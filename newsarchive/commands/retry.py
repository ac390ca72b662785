"""`scrapy retry`: reads the quarantine again with today's parser, without network."""

from __future__ import annotations

import argparse
from pathlib import Path

from scrapy.settings import Settings

from newsarchive.archive.files import LEDGER, QUARANTINE
from newsarchive.archive.rebuild import markdown_files
from newsarchive.commands.crawl import Command as Crawl
from newsarchive.configured import archive_folder
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
        archive = archive_folder(self.settings)
        folder = archive / QUARANTINE / source
        before = pages(folder)
        if not before and not (archive / LEDGER).exists() and not any(markdown_files(archive)):
            self.refuse(f"{archive} holds no archive: expected one (ARCHIVE_DIR)")
        if not before:
            print("Nothing in quarantine.")
            return
        self.exitcode = self.crawl(source, {"replay": str(folder)})
        if self.exitcode in (1, 2, 75):
            return  # which was said; how many pages it came to does not matter then
        left = pages(folder)
        print(
            f"{len(before) - len(left)} of {counted(len(before), 'page')} left the quarantine, {len(left)} still there."
        )


def pages(folder: Path) -> list[Path]:
    """The pages in quarantine."""
    return sorted(folder.glob("*.html.gz"))
