"""`scrapy crawl` with an exit code that says what happened; Scrapy's own always says 0."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.exceptions import UsageError
from scrapy.settings import default_settings
from scrapy.spiderloader import get_spider_loader

from newsarchive import settings as our_settings
from newsarchive.errors import ArchiveLocked, BadArgument
from newsarchive.extensions.faults import in_words, is_fatal
from newsarchive.extensions.run import Run, recheck_ages

if TYPE_CHECKING:
    from scrapy.settings import Settings

logger = logging.getLogger(__name__)


class Command(ScrapyCrawl):
    """What is wrong with the command line is said before anything is opened or fetched."""

    name = "crawl"

    def short_desc(self) -> str:
        return "Find and archive articles; the exit code says how it went"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        with_names = [option for option in args if option.startswith("-")]
        if with_names:
            self.refuse(f"no option {with_names[0]}: see `scrapy {self.name} -h`")
        if len(args) != 1:
            self.refuse(f"expected the name of one spider, got {' '.join(args) or 'none'}")
        for option, values in (("-s", opts.set), ("-a", opts.spargs)):
            for value in values:
                if "=" not in value:
                    self.refuse(f"{option} {value}: expected NAME=VALUE")
        try:
            super().process_options(args, opts)
        except UsageError as error:  # of -o and -O
            self.refuse(str(error))
        assert self.settings is not None  # noqa: S101  -- Scrapy has set it
        self.check(args[0], opts.spargs, self.settings, [value.partition("=")[0] for value in opts.set])

    def check(self, name: str, arguments: dict[str, Any], settings: Settings, overridden: list[str]) -> None:
        """Settings by their form; spider and arguments by making the spider, as the crawl will."""
        try:
            for setting in overridden:
                check_setting(setting, settings)
            loader = get_spider_loader(settings)
            if name not in loader.list():
                raise BadArgument(f"no spider named {name!r}: expected one of {', '.join(loader.list())}")
            crawler = Crawler(loader.load(name), settings)
            crawler.spidercls.from_crawler(crawler, **arguments)
        except BadArgument as error:
            self.refuse(str(error))

    def refuse(self, message: str) -> None:
        """One line and exit code 2."""
        print(f"scrapy {self.name}: {message}", file=sys.stderr)
        sys.exit(2)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        self.exitcode = self.crawl(args[0], opts.spargs)

    def crawl(self, name: str, arguments: dict[str, Any]) -> int:
        """Crawls to the end and says how it went."""
        assert isinstance(self.crawler_process, AsyncCrawlerProcess), "TWISTED_REACTOR must be the default"  # noqa: S101
        Run.command = self.name
        crawler = self._create_crawler(name)
        task = self.crawler_process.crawl(crawler, **arguments)
        self.crawler_process.start()
        return ended(self.name, crawler, task)


def ended(command: str, crawler: Crawler, task: asyncio.Task[None]) -> int:
    """The exit code of a crawl whose reactor has stopped; says why it could not begin."""
    error = task.exception() if task.done() and not task.cancelled() else None
    run = Run.get(crawler)
    if run is not None:
        if error is not None:
            run.faults.add(error, is_cause=True)
            _log(error)
        return run.close()
    if error is None:
        print(f"scrapy {command}: stopped before it began", file=sys.stderr)
        return 1
    if isinstance(error, ArchiveLocked):
        code = 75
    elif isinstance(error, BadArgument):
        code = 2
    else:
        code = 1
        _log(error)
    print(f"scrapy {command}: {in_words(error)}", file=sys.stderr)
    return code


def check_setting(name: str, settings: Settings) -> None:
    """Raises `BadArgument` for a value that its default's type cannot be made of, or for a name of ours misspelt."""
    ours = hasattr(our_settings, name)
    if not ours and name.startswith(("ARCHIVE_", "QQ_")):
        known = [each for each in dir(our_settings) if each.isupper()]
        raise BadArgument(f"-s {name}: no such setting, expected one of {', '.join(known_like(name, known))}")
    default = getattr(our_settings if ours else default_settings, name, None)
    expected = "a value"
    try:
        if isinstance(default, bool):
            expected = "True or False"
            settings.getbool(name)
        elif isinstance(default, int) and ours:
            expected = "a whole number"
            settings.getint(name)
        elif isinstance(default, int | float):
            expected = "a number"
            settings.getfloat(name)
        elif name == "ARCHIVE_RECHECK_HOURS":
            expected = "hours with commas between them"
            recheck_ages(settings)
        elif name == "LOG_LEVEL":
            expected = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
            logging.Handler().setLevel(settings[name])
    except (ValueError, TypeError):
        raise BadArgument(f"-s {name}={settings[name]}: expected {expected}") from None


def known_like(name: str, known: list[str]) -> list[str]:
    """The names that may have been meant.

    >>> known_like("ARCHIVE_DIRR", ["ARCHIVE_DIR", "LOG_LEVEL"])
    ['ARCHIVE_DIR']
    """
    return get_close_matches(name, known, n=3) or known


def _log(error: BaseException) -> None:
    if not is_fatal(error):
        logger.critical("the crawl could not go on", exc_info=error)
