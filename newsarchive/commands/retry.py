"""`scrapy retry`: reads the quarantine again with today's parser, without network."""

from __future__ import annotations

import argparse
from contextlib import suppress

from newsarchive.archive.files import QUARANTINE
from newsarchive.cli import existing_archive
from newsarchive.commands.crawl import Command as Crawl
from newsarchive.errors import BadArgument
from newsarchive.messages import counted
from newsarchive.options import Options, stream_for_people


class Command(Crawl):
    """A replay of `quarantine/`: pages that can be read now are archived and leave the quarantine."""

    summary = "Read the pages in quarantine again and archive what is good now; no network"
    words = "[source]"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        args[:] = args or ["qq"]
        super().process_options(args, opts)

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        if opts.spargs:
            raise BadArgument("takes no -a arguments")
        super().check(args, opts)
        existing_archive(self.settings)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        folder = Options.from_settings(self.settings).dir / QUARANTINE / args[0]
        before = len(list(folder.glob("*.html.gz")))
        if not before:
            self._say("Nothing in quarantine.")
            return
        opts.spargs = {"replay": str(folder)}
        super().run(args, opts)
        if self.exitcode not in (1, 2, 75):  # already reported; how many pages were read does not matter then
            left = len(list(folder.glob("*.html.gz")))
            self._say(f"{before - left} of {counted(before, 'page')} left the quarantine, {left} still there.")

    def _say(self, text: str) -> None:
        with suppress(BrokenPipeError):  # the reader of the output has gone
            print(text, flush=True, file=stream_for_people(self.settings))
