"""What is logged and shown: internal errors counted, safe lines without pages, one live line on a terminal."""

# ruff: noqa: ARG002 -- Scrapy calls LogLines with all arguments

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from scrapy import Spider, signals
from scrapy.exceptions import (
    NotConfigured,
)
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm
from twisted.python.failure import Failure

from newsarchive.archive.archive import Visit
from newsarchive.downloader import is_site_error
from newsarchive.errors import is_fatal
from newsarchive.health.alarms import ANSWERED
from newsarchive.items import Article
from newsarchive.messages import printable, without_secrets
from newsarchive.options import Options

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Faults(logging.Handler):
    """Counts exceptions that Scrapy catches and logs: in callbacks, `start`, pipelines, extensions and itself.

    Scrapy goes on after each of them and its exit status is 0.
    """

    def __init__(self, on_fatal: Callable[[BaseException], None]) -> None:
        super().__init__(level=logging.ERROR)
        self.count = 0
        self.first: BaseException | None = None
        self._on_fatal = on_fatal

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or is_site_error(error):
            return
        self.add(error)
        if is_fatal(error):
            self._on_fatal(error)

    def add(self, error: BaseException, *, is_cause: bool = False) -> None:
        """Counts one error; `is_cause`: those logged before it only follow from it."""
        if error is not self.first:
            self.count += 1
        if self.first is None or is_cause or (is_fatal(error) and not is_fatal(self.first)):
            self.first = error

    @staticmethod
    def without_traceback(record: logging.LogRecord) -> bool:
        """A filter for log handlers: tracebacks are for bugs.

        An error of the network is one line, and a fatal one is printed once at the end, not again for each page.
        """
        error = record.exc_info[1] if record.exc_info else None
        if is_site_error(error):
            record.exc_info = record.exc_text = None
        return error is None or not is_fatal(error)


logger = logging.getLogger(__name__)
_FORMATTER = logging.Formatter()
_LONGEST = 100_000  # characters of several lines together
_MOST_LINES = 200


def confirm_stop(record: logging.LogRecord) -> bool:
    """A filter for Scrapy's logger: the first Ctrl-C or SIGTERM is confirmed at every log level."""
    if not str(record.msg).startswith("Received %(signame)s, shutting down"):
        return True
    signal = record.args.get("signame") if isinstance(record.args, Mapping) else ""
    logger.warning("%s: stopping when the requests under way have ended; a second one stops at once", signal)
    return False


def make_safe(record: logging.LogRecord) -> bool:
    """A filter for log handlers, also for tracebacks: no secrets, control characters or endless text.

    A message is one line, but for Scrapy's own lists of settings and stats. Further lines are indented, so that none
    looks like one of the log.
    """
    is_list = record.levelno <= logging.INFO and record.name.startswith("scrapy.") and "\n" in str(record.msg)
    message = record.getMessage()
    record.msg, record.args = without_secrets(_lines(message) if is_list else printable(message)), ()
    if record.exc_info:
        trace = _lines(_FORMATTER.formatException(record.exc_info))
        record.exc_text = without_secrets(f"    {trace}")
    return True


def _lines(text: str) -> str:
    lines = text[:_LONGEST].split("\n")
    if len(lines) > _MOST_LINES:  # the first and the last lines of a traceback say most
        half = _MOST_LINES // 2
        lines = [*lines[:half], f"({len(lines) - _MOST_LINES} more lines)", *lines[-half:]]
    return "\n    ".join(map(printable, lines))


class LogLines(LogFormatter):
    """One sentence with the URL in it."""

    def scraped(self, item: Any, response: Response | Failure | None, spider: Spider) -> LogFormatterResult:
        if not isinstance(item, Article):  # such as with `scrapy runspider` in the project's folder
            return super().scraped(item, response, spider)
        return {"level": logging.DEBUG, "msg": "archived %(url)s", "args": {"url": item.url}}

    def dropped(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        """The drop's own message, which names the URL."""
        level = getattr(exception, "log_level", None) or "WARNING"
        return {
            "level": logging.getLevelNamesMapping()[level],
            "msg": "%(kind)s: %(reason)s",
            "args": {"kind": type(exception).__name__.lower(), "reason": exception},
        }

    def item_error(
        self, item: Any, exception: BaseException, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult:
        if not isinstance(item, Visit):
            return super().item_error(item, exception, response, spider)
        url = item.page.url
        return {"level": logging.ERROR, "msg": "internal error while processing %(url)s", "args": {"url": url}}


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
        if not crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        wanted = Options.from_settings(crawler.settings).progress
        if not (sys.stderr.isatty() if wanted is None else wanted):
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
