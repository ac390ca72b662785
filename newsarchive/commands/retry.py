"""Read the pages in quarantine again and archive what is good now; no network."""

import argparse
from collections.abc import Sequence

from newsarchive.archive.files import QUARANTINE
from newsarchive.commands.crawl import Command as Crawl
from newsarchive.errors import BadArgument
from newsarchive.extensions import print_summary
from newsarchive.messages import counted
from newsarchive.options import Options


class Command(Crawl):
    words = "[source]"
    examples = ("scrapy retry",)

    def explain(self, parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        """Takes no arguments of a spider."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        args[:] = args or ["qq"]
        super().process_options(args, opts)

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        if opts.spargs:
            raise BadArgument("takes no -a arguments")
        super().check(args, opts)
        self.existing_archive()

    def uses_network(self, opts: argparse.Namespace) -> bool:  # noqa: ARG002
        return False

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        folder = Options.from_settings(self.settings).dir / QUARANTINE / args[0]
        before = len(list(folder.glob("*.html.gz")))
        if not before:
            print_summary(self.settings, "Nothing in quarantine.")
            return
        opts.spargs = {"replay": str(folder)}
        super().run(args, opts)
        if self.exitcode not in (1, 2, 75):  # already reported; how many pages were read does not matter then
            left = len(list(folder.glob("*.html.gz")))
            text = f"{before - left} of {counted(before, 'page')} left the quarantine, {left} still there."
            print_summary(self.settings, text)
