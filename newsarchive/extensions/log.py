"""What is logged and shown: internal errors counted, safe lines without pages, one live line on a terminal."""

from __future__ import annotations

import errno
import gzip
import logging
import os
import sys
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Self

from scrapy import Spider, signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm
from twisted.python.failure import Failure

from newsarchive.errors import ArchiveError, NewsArchiveError
from newsarchive.health.counts import ANSWERED
from newsarchive.items import Article, Page
from newsarchive.messages import printable, without_secrets

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


_SITE = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)
_SITE_MODULES = (
    *("twisted.internet", "twisted.web", "OpenSSL"),
    *("brotli", "backports.zstd", "compression.zstd"),  # whichever Scrapy unpacks with
)
_SCARCE = {
    errno.EMFILE: "allow more open files (`ulimit -n`)",
    errno.ENFILE: "allow more open files on this machine, or end other programs",
    errno.EAGAIN: "allow more processes and threads (`ulimit -u`), or end other programs",
    errno.ENOMEM: "give this run more memory, or end other programs",
    errno.ENOBUFS: "give this machine more memory, or end other programs",
}
# with these every further article would fail in the same way
_MACHINE = {
    errno.ENOSPC: "make room on it",
    errno.EDQUOT: "the quota is used up: make room",
    errno.EFBIG: "the largest size of a file that is allowed here is reached",
    errno.EROFS: "it can only be read: mount it for writing",
    errno.EIO: "look at the disk's health",
    errno.EACCES: "give the user of this run the right to write there",
    errno.EPERM: "give the user of this run the right to write there",
    **_SCARCE,
}
_NO_THREAD = "can't start new thread"


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
    def plain(record: logging.LogRecord) -> bool:
        """A filter for log handlers: tracebacks are for bugs.

        An error of the network is one line, and a fatal one is printed once at the end, not again for each page.
        """
        error = record.exc_info[1] if record.exc_info else None
        if is_site_error(error):
            record.exc_info = record.exc_text = None
        return error is None or not is_fatal(error)


def is_site_error(error: BaseException | None) -> bool:
    """The network or what came over it; Scrapy passes on some of Twisted's errors unchanged."""
    if error is not None and is_fatal(error):  # such as no connection, because too many files are open
        return False
    return isinstance(error, _SITE) or type(error).__module__.startswith(_SITE_MODULES)


def is_fatal(error: BaseException) -> bool:
    """The machine, the disk or the archive's own files: it makes no sense to go on."""
    of_disk = isinstance(error, OSError) and error.filename is not None
    return of_disk or isinstance(error, ArchiveError) or bool(_advice(error))


def _advice(error: BaseException) -> str:
    """What can be done about a fault of the machine; `""` for any other error."""
    if isinstance(error, MemoryError):
        return _MACHINE[errno.ENOMEM]
    if isinstance(error, BrokenProcessPool):
        return "it was ended by force, or ran out of memory: give this run more"
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return _MACHINE[errno.EAGAIN]
    if isinstance(error, OSError):
        return _MACHINE.get(error.errno or 0, "")
    return _SCARCE.get(_twisted_errno(error), "")


def _twisted_errno(error: BaseException) -> int:
    """The number of the error that kept Twisted from making a connection; 0 for all others."""
    number = getattr(error, "osError", None)
    return number if isinstance(number, int) else 0


def in_words(error: BaseException) -> str:
    """One line for the person who runs it."""
    return without_secrets(printable(_in_words(error)))


def _in_words(error: BaseException) -> str:
    if isinstance(error, NewsArchiveError):
        return str(error)
    text = " ".join(str(error).split())
    if is_fatal(error):
        what = text or "out of memory"
        if isinstance(error, OSError):
            what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        elif number := _twisted_errno(error):
            what = os.strerror(number)
        elif isinstance(error, BrokenProcessPool):
            what = "a process of this program is gone"
        advice = _advice(error) or "look at what is there"
        return f"{what}: {advice}; the next run goes on where this one stopped"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# ruff: noqa: ARG002 -- Scrapy calls these with all arguments


logger = logging.getLogger(__name__)
_FORMATTER = logging.Formatter()
_LONGEST = 100_000  # characters of several lines together
_MOST_LINES = 200


def tell_stop(record: logging.LogRecord) -> bool:
    """A filter for Scrapy's logger: the first Ctrl-C or SIGTERM is confirmed at every log level."""
    if not str(record.msg).startswith("Received %(signame)s, shutting down"):
        return True
    signal = record.args.get("signame") if isinstance(record.args, Mapping) else ""
    logger.warning("%s: stopping after what is on its way; once more stops by force", signal)
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
        if not isinstance(item, Page | Article):
            return super().item_error(item, exception, response, spider)
        return {"level": logging.ERROR, "msg": "internal error while processing %(url)s", "args": {"url": item.url}}


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
        wanted = crawler.settings.get("ARCHIVE_PROGRESS")
        if not crawler.settings.getbool("ARCHIVE_OPEN") or not (
            sys.stderr.isatty() if wanted in (None, "", "None") else crawler.settings.getbool("ARCHIVE_PROGRESS")
        ):
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
