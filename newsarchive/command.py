"""What every Scrapy command of ours does with its command line, and with an error that ends it."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from newsarchive.accepted import validate_settings, warn_of_slips
from newsarchive.archive.files import LEDGER
from newsarchive.archive.rebuild import can_be_rebuilt
from newsarchive.configured import archive_folder
from newsarchive.errors import ArchiveLocked, BadArgument, NewsArchiveError
from newsarchive.extensions.faults import in_words, is_fatal
from newsarchive.redaction import without_secrets

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings, Settings

NO_LEDGER = "there are documents and no ledger"
_READER_GONE = 141  # as a shell says it of a program that SIGPIPE has ended


class ArchiveCommand(ScrapyCommand):
    """What is wrong with the command line or a setting is said before anything is opened or fetched."""

    name: ClassVar[str]
    requires_project = True

    @property
    def chosen(self) -> Settings:
        """The settings, which Scrapy has put in place before anything of a command is called."""
        assert self.settings is not None  # noqa: S101
        return self.settings

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        atexit.register(discard_unwritable_output)
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

    def check_words(self, args: list[str]) -> None:
        """Raises `BadArgument` for words that are no options. Most commands take none."""
        if args:
            raise BadArgument(f"expected no argument, got {' '.join(args)}")

    def check_options(self, args: list[str], opts: argparse.Namespace, overridden: list[str]) -> None:  # noqa: ARG002
        """Raises `BadArgument`; `overridden` are the settings that came with `-s`."""
        validate_settings(self.chosen, overridden)

    def refuse(self, message: str) -> NoReturn:
        """One line and exit code 2."""
        print(f"scrapy {self.name}: {without_secrets(message)}", file=sys.stderr)
        sys.exit(2)


class OfflineCommand(ArchiveCommand):
    """One that needs neither network nor crawler."""

    requires_crawler_process = False

    @abstractmethod
    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Does it and returns the exit code. Its errors are said in one line."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        warn_of_slips(self.chosen)
        try:
            self.exitcode = self.work(args, opts)
            sys.stdout.flush()
        except BrokenPipeError:  # such as of `scrapy verify | head`
            self.exitcode = _READER_GONE
        except (NewsArchiveError, OSError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not is_fatal(error):
                raise
            print(f"scrapy {self.name}: {in_words(error)}", file=sys.stderr)
            self.exitcode = exit_code(error)
        except KeyboardInterrupt:
            print(f"scrapy {self.name}: stopped", file=sys.stderr)
            self.exitcode = 1


def discard_unwritable_output() -> None:
    """Called when the process ends: text that nobody can take any more must not change its exit code.

    Python flushes both streams after this and ends with 120 and a complaint when it cannot, such as for
    `scrapy crawl qq | head` or a log on a full disk.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def exit_code(error: BaseException) -> int:
    """What an error that ends a command says to its caller."""
    if isinstance(error, ArchiveLocked):
        return 75
    return 2 if isinstance(error, BadArgument) else 1


def existing_archive(settings: BaseSettings) -> Path:
    """ARCHIVE_DIR. Raises `BadArgument` for a folder without a ledger and without anything to rebuild one from."""
    folder = archive_folder(settings)
    if not (os.path.lexists(folder / LEDGER) or can_be_rebuilt(folder)):
        raise BadArgument(f"{folder} holds no archive: expected one (ARCHIVE_DIR)")
    return folder
