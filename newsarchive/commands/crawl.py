"""`scrapy crawl` with an exit code that says what happened; Scrapy's own is always 0."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.spiderloader import get_spider_loader

from newsarchive.cli import ArchiveCommand, exit_code
from newsarchive.errors import BadArgument, describe, is_fatal
from newsarchive.extensions.run import Run
from newsarchive.options import is_standard_output, validate_settings

if TYPE_CHECKING:
    from scrapy.settings import Settings

logger = logging.getLogger(__name__)


class Command(ArchiveCommand, ScrapyCrawl):
    """Creates the spider once before the crawl, so that wrong arguments are reported immediately."""

    name = "crawl"

    def short_desc(self) -> str:
        return "Find and archive articles; the exit code says how it went"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        for uri, feed in self.chosen.getdict("FEEDS").items():
            if opts.overwrite_output and is_standard_output(uri):
                feed["overwrite"] = False  # there is nothing to overwrite, and Scrapy would warn of it
        self.chosen.set("ARCHIVE_OPEN", True, priority="cmdline")  # a settings file would override default_settings

    def check_words(self, args: list[str]) -> None:
        if len(args) != 1:
            raise BadArgument(f"expected the name of one spider, got {' '.join(args) or 'none'}")

    def check_options(self, args: list[str], opts: argparse.Namespace, overridden: list[str]) -> None:
        self.check(args[0], opts.spargs, self.chosen, overridden)

    def check(self, name: str, arguments: dict[str, Any], settings: Settings, overridden: list[str]) -> None:
        """Validates the settings, then the arguments by creating the spider, as the crawl will."""
        validate_settings(settings, overridden)
        loader = get_spider_loader(settings)
        if name not in loader.list():
            raise BadArgument(f"no spider named {name!r}: expected one of {', '.join(loader.list())}")
        crawler = Crawler(loader.load(name), settings)
        crawler.spidercls.from_crawler(crawler, **arguments)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        self.exitcode = self.crawl(args[0], opts.spargs)

    def crawl(self, name: str, arguments: dict[str, Any]) -> int:
        """Runs the crawl and returns its exit code."""
        assert isinstance(self.crawler_process, AsyncCrawlerProcess), "TWISTED_REACTOR must be the default"  # noqa: S101
        crawler = self._create_crawler(name)
        task = self.crawler_process.crawl(crawler, **arguments)
        self.crawler_process.start()
        return ended(self.name, crawler, task)


def ended(command: str, crawler: Crawler, task: asyncio.Task[None]) -> int:
    """The exit code of a crawl whose reactor has stopped; prints why it could not begin."""
    error = task.exception() if task.done() and not task.cancelled() else None
    run = _run_of(crawler)
    if run is not None:
        if error is not None:
            run.faults.add(error, is_cause=True)
            _log(error)
        return run.close()
    if error is None:
        print(f"scrapy {command}: stopped before it began", file=sys.stderr)
        return 1
    code = exit_code(error)
    if code == 1:
        _log(error)
    print(f"scrapy {command}: {describe(error)}", file=sys.stderr)
    return code


def _run_of(crawler: Crawler) -> Run | None:
    try:
        return crawler.get_extension(Run)
    except RuntimeError:  # the crawl did not come so far
        return None


def _log(error: BaseException) -> None:
    if not is_fatal(error):
        logger.critical("the crawl could not go on", exc_info=error)
