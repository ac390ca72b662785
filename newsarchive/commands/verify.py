"""Check the whole archive: rows, files, hashes, front matter, pictures, WARC digests; no network. Writes nothing."""

import argparse
import json
from dataclasses import asdict

from newsarchive.archive.verify import table, verify
from newsarchive.cli import ParallelCommand
from newsarchive.messages import printable_lines


class Command(ParallelCommand):
    examples = ("scrapy verify",)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the findings for a program")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        options = self.existing_archive()
        with self.workers(opts, options.dir) as workers:
            counts, findings = verify(options, workers)
        if opts.json:
            found = {"checked": counts, "findings": [asdict(finding) for finding in findings]}
            print(json.dumps(found, ensure_ascii=False, indent=1))
        else:
            print(printable_lines(table(counts, findings)))
        return 1 if findings else 0
