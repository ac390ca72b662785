"""Write articles as JSON lines, CSV or Parquet for other programs. Only reads the archive, also while a run goes on."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Never

from tqdm import tqdm

from newsarchive.archive.export import FORMATS, records, selected
from newsarchive.archive.files import check_regular, whole_file
from newsarchive.cli import ParallelCommand
from newsarchive.errors import BadArgument, cause
from newsarchive.messages import counted, printable


class Command(ParallelCommand):
    examples = (
        "scrapy export --since 2026-11-01 --channel tech > articles.jsonl",
        "scrapy export --to articles.csv",
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        formats = ", ".join(FORMATS)
        parser.add_argument("--since", default="", metavar="DAY", help="published on this day or later: 2026-11-01")
        parser.add_argument("--until", default="", metavar="DAY", help="published on this day or earlier")
        parser.add_argument(
            "--channel", default="", metavar="NAMES", help="of these channels only, with commas between them"
        )
        parser.add_argument("--format", default="", help=f"{formats}; default: what FILE ends with, else jsonl")
        parser.add_argument("--to", default="", metavar="FILE", help="instead of standard output")

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        super().check(args, opts)
        opts.since, opts.until = _day("--since", opts.since), _day("--until", opts.until)
        if opts.since and opts.until and opts.since > opts.until:
            raise BadArgument(f"--since {opts.since} is after --until {opts.until}")
        ending = Path(opts.to).suffix.removeprefix(".")
        if ending and not opts.format and ending not in FORMATS:
            raise BadArgument(f"--to {opts.to}: expected a name that ends in .{', .'.join(FORMATS)}, or --format")
        opts.format = opts.format or ending or "jsonl"
        if opts.format not in FORMATS:
            raise BadArgument(f"--format {opts.format}: expected {', '.join(FORMATS)}")
        if opts.format == "parquet" and not opts.to:
            raise BadArgument("--format parquet: expected --to FILE too")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        channels = {name.strip() for name in opts.channel.split(",")} - {""}
        form = FORMATS[opts.format]
        done: Counter[str] = Counter()

        def report(reason: str) -> None:
            done["unreadable"] += 1
            tqdm.write(f"scrapy {self.name}: {printable(reason)}", file=sys.stderr)

        folder, opened = self.readable_ledger()
        with opened as ledger, self.workers(opts, folder) as workers, _output(opts.to) as file:
            total = None if opts.since or opts.until or channels else ledger.documents()
            hidden = True if not opts.to and sys.stdout.isatty() else None  # on a terminal, unless that has the rows
            bar = tqdm(desc="articles", unit="", disable=hidden, leave=False, total=total)
            rows = selected(ledger, opts.since, opts.until, channels)
            with bar, closing(records(folder, rows, form.shape, report, workers)) as found:
                form.write(_counting(found, bar, done), file)
            file.flush()
        if opts.to:
            left = f"; {counted(done['unreadable'], 'document')} could not be read" if done["unreadable"] else ""
            print(f"{counted(done['written'], 'article')} in {opts.to}{left}")
        elif not done.total():
            print(f"scrapy {self.name}: no article matches", file=sys.stderr)
        return 1 if done["unreadable"] else 0


def _counting(found: Iterable[Any], bar: "tqdm[Never]", done: Counter[str]) -> Iterator[Any]:
    for record in found:
        done["written"] += 1
        bar.update()
        yield record


def _output(to: str) -> AbstractContextManager[BinaryIO]:
    if not to:
        return nullcontext(sys.stdout.buffer)
    try:
        check_regular(Path(to))  # a device would be replaced
    except OSError as error:
        raise BadArgument(f"--to {to}: {cause(error)}") from error
    return whole_file(Path(to))


def _day(option: str, value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise BadArgument(f"{option} {value}: expected a day like 2026-11-01") from None
