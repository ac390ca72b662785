"""What every Scrapy command of ours does with its command line."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from newsarchive.accepted import refuse_wrong
from newsarchive.archive.files import LEDGER, QUARANTINE
from newsarchive.archive.rebuild import markdown_files
from newsarchive.configured import archive_folder
from newsarchive.errors import BadArgument

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

NO_LEDGER = "there are documents and no ledger"


class ArchiveCommand(ScrapyCommand):
    """What is wrong with the command line or a setting is said before anything is opened or fetched."""

    name: ClassVar[str]
    requires_project = True

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        with_names = [option for option in args if option.startswith("-")]
        if with_names:
            self.refuse(f"no option {with_names[0]}: see `scrapy {self.name} -h`")
        for option, values in (("-s", opts.set), ("-a", getattr(opts, "spargs", []))):
            for value in values:
                if "=" not in value:
                    self.refuse(f"{option} {value}: expected NAME=VALUE")
        try:
            self.check_words(args)
            super().process_options(args, opts)
            self.check_options(args, opts, [value.partition("=")[0] for value in opts.set])
        except (BadArgument, UsageError) as error:
            self.refuse(str(error))
        if not self.requires_crawler_process:  # which has no network, where this signal would end it too
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `scrapy verify | head` ends when its reader does

    def check_words(self, args: list[str]) -> None:
        """Raises `BadArgument` for words that are no options. Most commands take none."""
        if args:
            raise BadArgument(f"expected no argument, got {' '.join(args)}")

    def check_options(self, args: list[str], opts: argparse.Namespace, overridden: list[str]) -> None:  # noqa: ARG002
        """Raises `BadArgument`; `overridden` are the settings that came with `-s`."""
        assert self.settings is not None  # noqa: S101  -- Scrapy has set it
        refuse_wrong(self.settings, overridden)

    def refuse(self, message: str) -> NoReturn:
        """One line and exit code 2."""
        print(f"scrapy {self.name}: {message}", file=sys.stderr)
        sys.exit(2)


def existing_archive(settings: BaseSettings) -> Path:
    """ARCHIVE_DIR. Raises `BadArgument` for a folder without ledger, document and page in quarantine."""
    folder = archive_folder(settings)
    if not ((folder / LEDGER).is_file() or any(markdown_files(folder)) or any(folder.glob(f"{QUARANTINE}/*/*.json"))):
        raise BadArgument(f"{folder} holds no archive: expected one (ARCHIVE_DIR)")
    return folder
