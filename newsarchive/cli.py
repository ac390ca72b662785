"""What all our Scrapy commands share: errors in one line, exit codes, `-h`, workers, the archive that they read."""

import argparse
import atexit
import logging
import os
import sys
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.settings import Settings

from newsarchive.archive.archive import NO_LEDGER, no_ledger_in
from newsarchive.archive.database import is_begun, ledger_place
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.parallel import Workers, check_address, dask_workers
from newsarchive.archive.rebuild import can_be_rebuilt
from newsarchive.errors import ArchiveLocked, BadArgument, LedgerBroken, NewsArchiveError, describe, is_fatal
from newsarchive.messages import log_clock, without_secrets
from newsarchive.options import Options, validate_settings


class Help(argparse.Action):
    """`-h`: adds what is slow to collect, then ends the process as argparse's own does."""

    def __init__(self, option_strings: Sequence[str], dest: str, command: "ArchiveCommand", **_: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="show this and exit")
        self.command = command

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        self.command.explain(parser, sys.argv)
        parser.formatter_class = argparse.HelpFormatter  # Scrapy's takes a line that ends with a colon for a heading
        examples = "\n".join(f"  {each}" for each in self.command.examples)
        print(f"{parser.format_help()}\nexamples:\n{examples}\n\nDocumentation: {documentation()}")
        parser.exit()


class ArchiveCommand(ScrapyCommand):
    """Reports an error in the command line or a setting before anything is opened or fetched."""

    words: ClassVar[str] = ""
    """What it takes besides options."""
    examples: tuple[str, ...]
    requires_project = True
    settings: Settings

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def short_desc(self) -> str:
        """The first sentence of the command's module."""
        return self.long_desc().partition(". ")[0].rstrip(".")

    def long_desc(self) -> str:
        """The whole docstring of the command's module."""
        return str(sys.modules[type(self).__module__].__doc__)

    def syntax(self) -> str:
        return f"[options] {self.words}".strip()

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("-h", "--help", action=Help, command=self)

    def explain(self, parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        """Adds to the help what is not an option; `words` are those of the command line."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        atexit.register(discard_unwritable_output)
        logging.Formatter.converter = staticmethod(log_clock)  # before Scrapy makes its log handlers
        try:
            if unknown := [option for option in args if option.startswith("-")]:
                raise BadArgument(f"no option {unknown[0]}: see `scrapy {self.name} -h`")
            super().process_options(args, opts)
            validate_settings(self.settings, [value.partition("=")[0] for value in opts.set])
            self.check(args, opts)
        except (NewsArchiveError, UsageError) as error:
            print(f"scrapy {self.name}: {without_secrets(str(error))}", file=sys.stderr)
            sys.exit(2 if isinstance(error, UsageError) else exit_code(error))

    def check(self, args: list[str], opts: argparse.Namespace) -> None:  # noqa: ARG002
        """Raises `BadArgument` for words or options that it does not take."""
        if args:
            raise BadArgument(f"expected no argument, got {' '.join(args)}")

    def existing_archive(self) -> Options:
        """Raises `BadArgument` for a folder without a ledger and without anything to rebuild one from."""
        options = Options.from_settings(self.settings)
        place = ledger_place(options)
        is_there = os.path.lexists(place) if isinstance(place, Path) else is_begun(place)
        if not (is_there or can_be_rebuilt(options.dir)):
            raise BadArgument(f"{options.dir} holds no archive: expected one (ARCHIVE_DIR)")
        return options


class OfflineCommand(ArchiveCommand):
    """One that does not crawl."""

    requires_crawler_process = False

    @abstractmethod
    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Returns the exit code. An error that it raises is printed in one line."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            self.exitcode = self.work(args, opts)
            sys.stdout.flush()
        except BrokenPipeError:  # such as of `scrapy verify | head`
            self.exitcode = 141  # what a shell reports for a program ended by SIGPIPE
        except Exception as error:
            if not isinstance(error, NewsArchiveError | OSError) and not is_fatal(error):
                raise
            print(f"scrapy {self.name}: {describe(error)}", file=sys.stderr)
            self.exitcode = exit_code(error)
        except KeyboardInterrupt:
            print(f"scrapy {self.name}: stopped", file=sys.stderr)
            self.exitcode = 1

    def readable_ledger(self) -> tuple[Path, Ledger]:
        """The archive's folder, and its ledger to be read, a run may go on. Raises `LedgerBroken` and `BadArgument`."""
        options = self.existing_archive()
        folder, place = options.dir, ledger_place(options)
        if is_begun(place):
            return folder, Ledger.open(place, folder=folder, read_only=True)
        if can_be_rebuilt(folder):
            makes_one = f"{NO_LEDGER}: `scrapy rebuild` makes one"
            raise LedgerBroken(f"{folder}: {no_ledger_in(options.ledger) if options.ledger else makes_one}")
        raise BadArgument(f"{folder} holds no archive yet: its ledger is empty")


class ParallelCommand(OfflineCommand):
    """One whose work is done by all cores of this machine, or by a cluster."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        text = "let the workers of this Dask scheduler (tcp://HOST:PORT) do it, instead of the cores of this machine"
        parser.add_argument("--dask", default="", metavar="ADDRESS", help=text)

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        super().check(args, opts)
        if opts.dask:
            check_address(opts.dask)

    def workers(self, opts: argparse.Namespace, folder: Path) -> AbstractContextManager[Workers | None]:
        """Those that the command line names, if any, for the archive in `folder`. Raises `ClusterError`."""
        return dask_workers(opts.dask, folder) if opts.dask else nullcontext()


def discard_unwritable_output() -> None:
    """Called at the end of the process, before Python's own flush, which would change the exit code to 120.

    So it is for `scrapy crawl qq | head`, and for a log on a full disk.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def exit_code(error: BaseException) -> int:
    if isinstance(error, ArchiveLocked):
        return 75
    return 2 if isinstance(error, BadArgument) else 1


def documentation() -> str:
    """Where it is, as pyproject.toml says; an installation from before it did so has only the folder."""
    urls: list[str] = metadata("newsarchive").get_all("Project-URL", [])
    return dict(line.split(", ", 1) for line in urls).get("Documentation", "docs/")
