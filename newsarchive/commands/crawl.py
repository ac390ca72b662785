"""Find and archive articles; the exit code says how it went. Scrapy's own is always 0."""

import argparse
import logging
import sys
from contextlib import suppress

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.spiderloader import get_spider_loader

from newsarchive.cli import ArchiveCommand, exit_code
from newsarchive.errors import BadArgument, describe, is_fatal
from newsarchive.extensions.run import Run

logger = logging.getLogger(__name__)


class Command(ArchiveCommand, ScrapyCrawl):
    words = "<spider>"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        super().process_options(args, opts)
        for uri, feed in self.settings.getdict("FEEDS").items():
            if opts.overwrite_output and uri.startswith("stdout:"):
                feed["overwrite"] = False  # there is nothing to overwrite, and Scrapy would warn of it
        self.settings.set("ARCHIVE_OPEN", True, priority="cmdline")  # a settings file would override default_settings

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise BadArgument(f"expected the name of one spider, got {' '.join(args) or 'none'}")
        loader = get_spider_loader(self.settings)
        if args[0] not in loader.list():
            raise BadArgument(f"no spider named {args[0]!r}: expected one of {', '.join(loader.list())}")
        crawler = Crawler(loader.load(args[0]), self.settings)  # only to check the arguments before anything is opened
        crawler.spidercls.from_crawler(crawler, **opts.spargs)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert isinstance(self.crawler_process, AsyncCrawlerProcess), "TWISTED_REACTOR must be the default"  # noqa: S101
        crawler = self._create_crawler(args[0])
        task = self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        error = task.exception() if task.done() and not task.cancelled() else None
        self.exitcode = exit_code(error) if error else 1
        run = None
        with suppress(RuntimeError):  # it did not come so far
            run = crawler.get_extension(Run)
        if run is not None and error is not None:
            run.faults.add(error, is_cause=True)
        if error is not None and self.exitcode == 1 and not is_fatal(error):
            logger.critical("the crawl could not go on", exc_info=error)
        if run is not None:
            self.exitcode = run.close()
        else:
            print(f"scrapy {self.name}: {describe(error) if error else 'stopped before it began'}", file=sys.stderr)
