"""What is logged and shown: internal errors counted, safe lines without pages, one live line on a terminal."""

import logging
import re
import sys
from collections.abc import Callable
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.statscollectors import StatsCollector
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

from newsarchive.archive.archive import Visit
from newsarchive.errors import is_fatal
from newsarchive.health.alarms import ANSWERED, Counts
from newsarchive.items import Article
from newsarchive.messages import printable, without_secrets
from newsarchive.options import Options

logger = logging.getLogger(__name__)
_FORMATTER = logging.Formatter()
_SITE_ERRORS = (
    *("scrapy.exceptions.CannotResolve", "scrapy.exceptions.Download", "scrapy.exceptions.ResponseDataLoss"),
    "scrapy.core.downloader.handlers.http11.TunnelError",  # a proxy does not connect us
    *("twisted.internet.", "twisted.web.", "OpenSSL."),  # Scrapy passes on some of Twisted's errors unchanged
    *("builtins.EOFError", "gzip.", "zlib.", "brotli.", "backports.zstd.", "compression.zstd."),  # in what was packed
)
_LONGEST = 100_000  # characters of a message or traceback of several lines
_MOST_LINES = 200
_BEAT = 0.25  # seconds between two updates of the live line
_LISTS = "archive/list/read archive/list/failed archive/list/unknown"  # each request for one ends as one of them
_DONE = " ".join(f"archive/{name}" for name in f"{ANSWERED} article/failed article/challenged".split())


def is_site_error(error: BaseException | None) -> bool:
    """The network or what came over it."""
    if error is None or is_fatal(error):  # such as no connection, because too many files are open
        return False
    kind = type(error)
    return isinstance(error, IgnoreRequest) or f"{kind.__module__}.{kind.__name__}".startswith(_SITE_ERRORS)


class Faults(logging.Handler):
    """Counts the exceptions that Scrapy catches and logs wherever they occur, to go on and to exit with 0."""

    def __init__(self, on_fatal: Callable[[BaseException], None]) -> None:
        super().__init__(level=logging.ERROR)
        self.count = 0
        self.first: BaseException | None = None
        self._on_fatal = on_fatal

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not is_site_error(error):
            self.add(error)
            if is_fatal(error):
                self._on_fatal(error)

    def add(self, error: BaseException, *, is_cause: bool = False) -> None:
        """Counts one error; `is_cause`: those logged before it only follow from it."""
        if error is not self.first:
            self.count += 1
        if self.first is None or is_cause or (is_fatal(error) and not is_fatal(self.first)):
            self.first = error


def writing_handlers() -> list[logging.StreamHandler[Any]]:
    """The log handlers, without `Faults`, which sees every record unfiltered."""
    return [it for it in logging.getLogger().handlers if isinstance(it, logging.StreamHandler)]


def confirm_stop(record: logging.LogRecord) -> bool:
    """A filter for Scrapy's logger: the first Ctrl-C or SIGTERM is confirmed at every log level."""
    if found := re.match(r"Received (\w+), shutting down", record.getMessage()):
        logger.warning("%s: stopping when the requests under way have ended; a second one stops at once", found[1])
    return not found


def make_safe(record: logging.LogRecord) -> bool:
    """A filter for log handlers, also for tracebacks: no secrets, control characters or endless text.

    Only tracebacks and Scrapy's lists of settings and stats have several lines, indented to look like no other record.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and is_fatal(error):
        return False  # it is printed once at the end, not again for each page
    if is_site_error(error):
        record.exc_info = record.exc_text = None
    is_list = record.levelno <= logging.INFO and record.name.startswith("scrapy.") and "\n" in str(record.msg)
    message = record.getMessage()
    record.msg, record.args = without_secrets(_lines(message) if is_list else printable(message)), ()
    if record.exc_info:
        record.exc_text = without_secrets(f"    {_lines(_FORMATTER.formatException(record.exc_info))}")
    return True


def _lines(text: str) -> str:
    lines = text[:_LONGEST].split("\n")
    if len(lines) > _MOST_LINES:  # the first and the last lines of a traceback say most
        half = _MOST_LINES // 2
        lines = [*lines[:half], f"({len(lines) - _MOST_LINES} more lines)", *lines[-half:]]
    return "\n    ".join(map(printable, lines))


class LogLines(LogFormatter):
    """One sentence with the URL in it."""

    def scraped(self, item: Any, *rest: Any, **named: Any) -> LogFormatterResult:
        if not isinstance(item, Article):  # such as with `scrapy runspider` in the project's folder
            return super().scraped(item, *rest, **named)
        return {"level": logging.DEBUG, "msg": "archived %(url)s", "args": {"url": item.url}}

    def dropped(self, item: Any, exception: BaseException, *_: Any, **__: Any) -> LogFormatterResult:  # noqa: ARG002
        """The drop's own message, which names the URL."""
        level = logging.getLevelNamesMapping()[getattr(exception, "log_level", None) or "WARNING"]
        kind = type(exception).__name__.lower()
        return {"level": level, "msg": "%(kind)s: %(reason)s", "args": {"kind": kind, "reason": exception}}

    def item_error(self, item: Any, *rest: Any, **named: Any) -> LogFormatterResult:
        if not isinstance(item, Visit):
            return super().item_error(item, *rest, **named)
        args = {"url": item.page.url}
        return {"level": logging.ERROR, "msg": "internal error while processing %(url)s", "args": args}


class Progress:
    """Articles done, pages a second, lists, errors: one line below those of the log.

    How many there will be, and so how long it takes, is shown as soon as that is certain: once all lists are read.
    """

    def __init__(self, crawler: Crawler) -> None:
        assert crawler.stats  # noqa: S101
        self.crawler = crawler
        self.stats: StatsCollector = crawler.stats
        self.beat = create_looping_call(self.show)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is a run, and a terminal or `ARCHIVE_PROGRESS = True`."""
        wanted = Options.from_settings(crawler.settings).progress
        is_shown = sys.stderr.isatty() if wanted is None else wanted
        if not (is_shown and crawler.settings.getbool("ARCHIVE_OPEN")):
            raise NotConfigured
        progress = cls(crawler)
        crawler.signals.connect(progress.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.spider_closed, signal=signals.spider_closed)
        return progress

    def spider_opened(self) -> None:
        self.bar = tqdm(desc="articles", unit=" pages", file=sys.stderr, dynamic_ncols=True, leave=False)
        self.handlers = [it for it in writing_handlers() if it.stream is sys.stderr]
        for handler in self.handlers:
            handler.setStream(DummyTqdmFile(sys.stderr))
        self.beat.start(_BEAT)

    def show(self) -> None:
        stats = Counts(self.stats.get_stats())
        self.bar.n = stats.total(_DONE)
        self.bar.total = expected if (expected := self._expected(stats)) is None else max(self.bar.n, expected)
        errors = stats.total("archive/article/failed log_count/ERROR")
        self.bar.set_postfix_str(f"{self._lists(stats)}{errors} errors", refresh=False)
        self.bar.refresh()

    def _expected(self, stats: Counts) -> int | None:
        """How many articles this run reads, if that is certain."""
        spider = self.crawler.spider
        if (expected := getattr(spider, "expected", None)) is not None:
            return int(expected)
        are_read = getattr(spider, "is_started", False) and stats["archive/request/list"] == stats.total(_LISTS)
        return int(stats["archive/request/article"]) if are_read or getattr(spider, "full", False) else None

    def _lists(self, stats: Counts) -> str:
        """How many have come, each with at least its first page; or only how many pages of them."""
        spider = self.crawler.spider
        if wanted := getattr(spider, "number_of_lists", None):
            return f"{len(getattr(spider, 'list_results', ()))} of {wanted} lists, "
        return f"{stats['archive/list/read']} lists, " if stats["archive/request/list"] else ""

    def spider_closed(self) -> None:
        if self.beat.running:  # it is not when the spider was never opened
            self.beat.stop()
            self.show()
            for handler in self.handlers:
                handler.setStream(sys.stderr)
            self.bar.close()
