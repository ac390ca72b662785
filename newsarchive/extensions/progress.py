"""One live line on a terminal."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm

from newsarchive.extensions.run import Run
from newsarchive.health.outcome import ANSWERED

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector

_BEAT = 0.25  # seconds
_DONE = (*ANSWERED, "article/failed", "article/challenged")


class Progress:
    """Articles done and found, pages a second, errors."""

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats
        self.bar: tqdm[Any] | None = None
        self.beat = create_looping_call(self.show)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is a run, and a terminal that nobody else writes to."""
        Run.of(crawler)
        wanted = crawler.settings.get("ARCHIVE_PROGRESS")
        if not (sys.stderr.isatty() if wanted in (None, "", "None") else crawler.settings.getbool("ARCHIVE_PROGRESS")):
            raise NotConfigured
        assert crawler.stats  # noqa: S101
        progress = cls(crawler.stats)
        crawler.signals.connect(progress.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.spider_closed, signal=signals.spider_closed)
        return progress

    def spider_opened(self) -> None:
        self.bar = tqdm(desc="articles", unit=" pages", total=0, file=sys.stderr, dynamic_ncols=True, leave=False)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                handler.setStream(_Above(self.bar))
        self.beat.start(_BEAT)

    def show(self) -> None:
        """Brings the line up to date."""
        if self.bar is None:
            return
        done = sum(self.stats.get_value(f"archive/{how}", 0) for how in _DONE)
        self.bar.total = max(done, self.stats.get_value("archive/request/article", 0)) or None
        self.bar.n = done
        lists = self.stats.get_value("archive/list/read", 0)
        errors = self.stats.get_value("archive/article/failed", 0) + self.stats.get_value("log_count/ERROR", 0)
        self.bar.set_postfix_str(f"{lists} lists, {errors} errors", refresh=False)
        self.bar.refresh()

    def spider_closed(self) -> None:
        if self.beat.running:
            self.beat.stop()
        if self.bar is not None:
            self.show()
            for handler in logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler) and isinstance(handler.stream, _Above):
                    handler.setStream(sys.stderr)
            self.bar.close()
            self.bar = None


class _Above:
    """A stream whose lines appear above the bar instead of in it."""

    def __init__(self, bar: tqdm[Any]) -> None:
        self.bar = bar

    def write(self, text: str) -> int:
        if line := text.rstrip("\n"):
            self.bar.write(line, file=sys.stderr)
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()
