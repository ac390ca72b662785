"""Show the last run, the state of the archive, alarms and what to do about each. Also while a run goes on."""

import argparse
import json

from newsarchive.cli import OfflineCommand
from newsarchive.health.status import read_status, status_text
from newsarchive.messages import printable_lines
from newsarchive.options import Options


class Command(OfflineCommand):
    examples = ("scrapy status", "scrapy status --json")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the same for a program")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        found = read_status(Options.from_settings(self.settings))
        print(json.dumps(found, ensure_ascii=False, indent=2) if opts.json else printable_lines(status_text(found)))
        return 1 if found["problem"] or found["full_disk"] or found["left_no_status"] else 0
