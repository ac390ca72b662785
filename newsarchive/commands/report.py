"""Write a page of charts: what the archive holds and how its runs went. Also while a run goes on."""

import argparse
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.files import REPORT, write_text
from newsarchive.cli import OfflineCommand
from newsarchive.errors import BadArgument
from newsarchive.health.statistics import statistics


class Command(OfflineCommand):
    examples = ("scrapy report --lang zh --to report.html",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--lang", choices=("en", "zh"), default="en", help="its language (default: en)")
        parser.add_argument("--to", default="", metavar="FILE", help="instead of report.html in ARCHIVE_DIR")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        if not all(map(importlib.util.find_spec, ("altair", "vl_convert"))):
            raise BadArgument("the charts need Vega-Altair: pip install 'newsarchive[report]'")
        from newsarchive.health.report import report  # noqa: PLC0415  -- loads Vega-Altair, which other commands do without

        folder, opened = self.readable_ledger()
        with opened as ledger:
            found = statistics(folder, ledger, datetime.now(UTC))
        file = Path(opts.to) if opts.to else folder / REPORT
        write_text(file, report(found, opts.lang))
        print(f"{file}: open it in a browser")
        return 0
