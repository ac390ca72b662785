"""Find and archive articles. The exit code says how it went."""

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.spiderloader import get_spider_loader

from newsarchive.cli import ArchiveCommand, exit_code
from newsarchive.errors import BadArgument, describe, is_fatal
from newsarchive.extensions import Run, can_archive
from newsarchive.options import check_proxies

logger = logging.getLogger(__name__)


class Command(ArchiveCommand, ScrapyCrawl):
    words = "<spider>"
    examples: tuple[str, ...] = (
        "scrapy crawl qq -a channels=tech,finance -a limit=20",
        "scrapy crawl qq -a urls=20261104A05T2Q00",
        "scrapy crawl qq -a sitemap=1 -a since=2026-10-01 -a until=2026-10-03",
    )

    def explain(self, parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        """Adds the arguments of the spiders that are named, or of all."""
        loader = get_spider_loader(self.settings)
        named = [name for name in loader.list() if name in words] or loader.list()
        if "qq" not in named:
            self.examples = tuple(f"scrapy crawl {name} -a limit=20" for name in named)
        for name in named:
            group = parser.add_argument_group(f"arguments of {name}", "Each is given as -a NAME=VALUE.")
            for argument, about in getattr(loader.load(name), "arguments", {}).items():
                default = f" (default: {about.default})" if about.default else ""
                group.add_argument(argument, help=f"{about.meaning}{default}".replace("%", "%%"))

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
        spider: Any = crawler.spidercls.from_crawler(crawler, **opts.spargs)
        if not can_archive(spider):
            raise BadArgument(f"the spider {args[0]} cannot archive: expected an ArchiveSpider")
        if self.uses_network(opts):
            check_proxies(self.settings, spider.allowed_domains)

    def uses_network(self, opts: argparse.Namespace) -> bool:
        return not opts.spargs.get("replay")

    # Scrapy's own ends with 0 however the crawl went
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
