"""`scrapy verify`: checks that every file exists and is unchanged."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from newsarchive.archive.verify import Finding, table
from newsarchive.archive.verify import verify as verify_archive
from newsarchive.cli import OfflineCommand, existing_archive
from newsarchive.messages import shown

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


class Command(OfflineCommand):
    """Writes nothing."""

    name = "verify"

    def short_desc(self) -> str:
        return "Check the whole archive: rows, files, hashes, front matter, pictures, WARC digests; no network"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the findings for a program")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        counts, findings = verify(self.settings)
        if opts.json:
            found = {"checked": counts, "findings": [asdict(finding) for finding in findings]}
            print(json.dumps(found, ensure_ascii=False, indent=1))
        else:
            print(shown(table(counts, findings)))
        return 1 if findings else 0


def verify(settings: BaseSettings) -> tuple[dict[str, int], list[Finding]]:
    """How much was checked of each kind, and what was found. Raises `ArchiveLocked` or `BadArgument`."""
    return verify_archive(existing_archive(settings))
