"""Write a page of charts: what the archive holds and how its runs went. Also while a run goes on."""

import argparse
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.archive import NO_LEDGER
from newsarchive.archive.files import LEDGER, REPORT, write_text
from newsarchive.archive.ledger import Ledger, is_begun
from newsarchive.archive.rebuild import can_be_rebuilt
from newsarchive.cli import OfflineCommand, existing_archive
from newsarchive.errors import BadArgument, LedgerBroken
from newsarchive.health.statistics import statistics


class Command(OfflineCommand):
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--lang", choices=("en", "zh"), default="en", help="its language (default: en)")
        parser.add_argument("--to", default="", metavar="FILE", help="instead of report.html in ARCHIVE_DIR")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        if not all(map(importlib.util.find_spec, ("altair", "vl_convert"))):
            raise BadArgument("the charts need Vega-Altair: pip install 'newsarchive[report]'")
        from newsarchive.health.page import report  # noqa: PLC0415  -- loads Vega-Altair, which other commands do without

        folder = existing_archive(self.settings).dir
        if not is_begun(folder / LEDGER):
            if can_be_rebuilt(folder):
                raise LedgerBroken(f"{folder}: {NO_LEDGER}: `scrapy rebuild` makes one")
            raise BadArgument(f"{folder} holds no archive yet: its ledger is empty")
        with Ledger.open(folder / LEDGER, read_only=True) as ledger:
            found = statistics(folder, ledger, datetime.now(UTC))
        file = Path(opts.to) if opts.to else folder / REPORT
        write_text(file, report(found, opts.lang))
        print(f"{file}: open it in a browser")
        return 0
