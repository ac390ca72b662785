"""Scrapy extensions: the run, which opens the archive and reports; what is logged; one live line on a terminal."""

import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.logformatter import LogFormatter, LogFormatterResult
from scrapy.settings import BaseSettings
from scrapy.statscollectors import StatsCollector
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.defer import deferred_from_coro
from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

from newsarchive.archive.archive import Archive, Visit, utc_now
from newsarchive.archive.changes import write_changes
from newsarchive.archive.files import QUARANTINE
from newsarchive.archive.tables import ListResult, ListRow, RunRow
from newsarchive.errors import ArchiveError, LedgerAway, LedgerBroken, describe, is_fatal
from newsarchive.health import alarms, status
from newsarchive.health.alarms import ANSWERED, Counts, NewArticles, site_trouble
from newsarchive.items import ArchivedArticle, Article
from newsarchive.messages import command_line, printable, without_secrets
from newsarchive.options import Options

logger = logging.getLogger(__name__)

_LOOK = 0.2  # seconds between two looks whether a replay can end
_BEATS = 4  # signs of life in the time after which a run without any counts as dead
_BY_FORCE = "stopped by force in the middle of its work; the next run goes on from here"


def can_archive(spider: object) -> bool:
    """Whether it is an `ArchiveSpider`, whose module imports this one."""
    return hasattr(spider, "list_results")


def opens_archive(crawler: Crawler) -> bool:
    """Whether the crawl archives: `scrapy shell` begins without a spider, and a program may run any other one."""
    return crawler.settings.getbool("ARCHIVE_OPEN") and can_archive(crawler.spider)


def archive_of(crawler: Crawler) -> Archive:
    """The archive of this crawl. Raises `NotConfigured` without one, so that what needs it is left out."""
    run = crawler.get_extension(Run)
    if run is None:
        raise NotConfigured
    return run.archive


class Run:
    """Holds the archive from before the first request until after the last file, and reports how the run went."""

    def __init__(self, crawler: Crawler, options: Options) -> None:
        self.crawler = crawler
        self.spider = cast("Any", crawler.spider)  # an `ArchiveSpider`, whose module imports this one
        self.options = options
        self.folder = options.dir
        self.exit_code: int | None = None
        """`None` until the run has ended."""
        self.reason = "unfinished"
        self._can_stop = False
        self._loops: list[Any] = []
        """What is called again and again until the run is closed."""
        self._new_articles = NewArticles()
        self.faults = Faults(self._stop)
        command = "retry" if self.kind == "retry" else "crawl"  # Scrapy takes it out of sys.argv
        line = printable(command_line(["scrapy", command, *sys.argv[1:]]), 500)
        self.row = RunRow(started=utc_now(), pid=os.getpid(), arguments=line)
        """The run in the ledger as it began; its number is 0 as long as it is not there."""
        assert crawler.stats  # noqa: S101
        try:
            alone = self.spider.replay is not None  # nobody claims saved pages
            self.archive = Archive.open(options, purpose=f"`{line}`", alone=alone, count=crawler.stats.inc_value)
            self.ledger = self.archive.ledger
            try:
                self.row = self.ledger.add_run(self.row)
                self.ledger.database.stay_alive(self.row.run, self.options.lease)
            except BaseException:
                self.archive.close()
                raise
        except (LedgerAway, LedgerBroken, OSError) as error:
            self._leave_status(error)
            raise
        logging.getLogger().addHandler(self.faults)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `ArchiveLocked`, `LedgerBroken` or `OSError`, and `NotConfigured` for a crawl without an archive."""
        if not opens_archive(crawler):
            raise NotConfigured
        options = Options.from_settings(crawler.settings)
        for handler in _writing_handlers():
            handler.addFilter(make_safe)  # Scrapy logs the settings next
        run = cls(crawler, options)
        crawler.signals.connect(run.engine_started, signal=signals.engine_started)
        crawler.signals.connect(run.item_scraped, signal=signals.item_scraped)
        crawler.signals.connect(run.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(run.close, signal=signals.engine_stopped)
        return run

    @property
    def kind(self) -> str:
        """The spider's `kind`, or `retry` for a replay of the quarantine."""
        replay: Path | None = self.spider.replay
        if replay and (self.folder / QUARANTINE).resolve() in replay.resolve().parents:
            return "retry"
        return str(self.spider.kind)

    def _show_life(self) -> None:
        try:
            self.ledger.database.stay_alive(self.row.run, self.options.lease)
        except (OSError, ArchiveError) as error:
            self.faults.add(error)
            self._stop(error)

    def engine_started(self) -> None:
        if self.ledger.is_shared:
            self._repeat(self._show_life, self.options.lease / _BEATS)
        if self.spider.replay:
            self._repeat(self._end_replay, _LOOK)
        self._can_stop = True
        logging.getLogger("scrapy.crawler").addFilter(_confirm_stop)
        for handler in _writing_handlers():  # others than before: Scrapy makes them anew when the settings are known
            handler.addFilter(make_safe)

    def _repeat(self, function: Callable[[], None], seconds: float) -> None:
        self._loops.append(create_looping_call(function))
        self._loops[-1].start(seconds, now=False)

    def _end_replay(self) -> None:
        """Ends a replay that was told to stop: after a page from `start` Scrapy does not look whether it was the last.

        It would wait forever. There is no public way to have it look.
        """
        scraper = self.crawler.engine.scraper
        if scraper.slot and scraper.slot.closing and not scraper.slot.closing.called:
            scraper._check_if_closing()

    def item_scraped(self, item: object) -> None:
        if isinstance(item, ArchivedArticle) and item.change == "new":
            self._new_articles.add(item)

    def spider_closed(self, reason: str) -> None:
        self._can_stop = False
        self.reason = reason

    def _stop(self, error: BaseException) -> None:
        """Ends the crawl in order: with a full disk every further page would fail as well."""
        if self._can_stop:
            self._can_stop = False
            logger.error("stopping: %s", describe(error))
            deferred_from_coro(self.crawler.engine.close_spider_async(reason="fault"))

    def close(self) -> int:
        """Writes the run's row and `status.json`, prints the summary, closes the archive; the exit code."""
        if self.exit_code is None:
            self.exit_code = 1
            try:
                self.exit_code = self._conclude()
            except Exception as error:  # noqa: BLE001  -- the last place where it can be reported
                self.faults.add(error)
                print(f"ERROR: {describe(error)}", file=sys.stderr)
                self._leave_status(error)
            finally:
                logging.getLogger().removeHandler(self.faults)
                for loop in self._loops:
                    loop.stop()
                self.archive.close()
        return self.exit_code

    def _conclude(self) -> int:
        counts = self._counts(ended := utc_now())
        history = [run.counts for run in self.ledger.last_runs(5 * alarms.HISTORY) if run.counts]
        site = site_trouble(counts)
        lists = [] if site else self._list_rows(counts)  # a site that is away says nothing about a single list
        found = alarms.alarms(counts, history)
        counts |= {f"alarm/{alarm.name}": 1 for alarm in found}
        archive = status.archive_status(self.folder, self.ledger, self.options.max_tries)
        by_force = self.reason == "unfinished"  # nothing has closed the spider: Ctrl-C came twice, or it never began
        for _ in range(2):  # once more with its own error, when the run did its work and could not write that
            counts["error"] = self.faults.count
            # of several that apply, the one that the caller should know first
            exit_code = 1 if self.faults.count or by_force else 3 if site else 4 if found else 0
            message = describe(self.faults.first) if self.faults.first else _BY_FORCE if by_force else site
            row = replace(self.row, ended=ended, exit_code=exit_code, counts=counts)
            last_run = status.run_status(row, message, found)
            try:
                write_changes(self.folder, self.ledger, now=ended, days=self.options.changes_days)
                status.write_status(self.folder, last_run, archive)
                with self.ledger.transaction():
                    for each in lists:
                        self.ledger.put(each)
                    self.ledger.end_run(row)
                self.ledger.database.stay_alive(row.run, 0)
                if metrics := self.options.metrics:
                    status.write_metrics(metrics, self.folder, last_run, archive, self.ledger.last_success())
                break
            except (OSError, ArchiveError) as error:
                self.faults.add(error)
        text = status.summary({"folder": str(self.folder), "last_run": last_run} | archive)
        print_summary(self.crawler.settings, text)
        return exit_code

    def _leave_status(self, error: BaseException) -> None:
        """Writes `status.json` and the metrics without the ledger, where the disk lets it."""
        row = replace(self.row, ended=utc_now(), exit_code=1)
        last_run = status.run_status(row, describe(error))
        with suppress(OSError):  # the first error is the one to report
            status.write_status(self.folder, last_run)
        if metrics := self.options.metrics:
            with suppress(OSError):
                status.write_metrics(metrics, self.folder, last_run, None, None)

    def _list_rows(self, counts: Counts) -> list[ListRow]:
        """What is known of each list after this run; adds the counts that follow from it."""
        source, rows = self.spider.name, []
        known = {row.where: row for row in self.ledger.list_rows(source)}
        counts["list/always_empty"] = 0
        for where, result in self.spider.list_results.items():
            row = known.get(where, ListRow(source=source, where=where)).after(result)
            rows.append(row)
            if result is ListResult.EMPTY and where in known and not row.has_named:
                counts["list/always_empty"] += 1
        failing = [(f"failing/{row.where}", row.failures) for row in rows if row.failures >= alarms.FAILING]
        counts |= failing[:50]
        return rows

    def _counts(self, ended: datetime) -> Counts:
        assert self.crawler.stats  # noqa: S101
        stats = self.crawler.stats.get_stats().items()
        counts = Counts((name.removeprefix("archive/"), n) for name, n in stats if name.startswith("archive/"))
        counts |= self._new_articles.counts()
        counts["reason"], counts["kind"] = self.reason, self.kind
        counts["complete"] = int(self.reason == "finished")
        counts["filtered"] = int(bool(self.spider.since or self.spider.until))
        counts["seconds"] = round((ended - self.row.started).total_seconds(), 1)
        newest = self.ledger.newest(ended)
        if newest and newest.published:
            counts["newest/hours"] = round((ended - newest.published).total_seconds() / 3600, 1)
        return counts


def print_summary(settings: BaseSettings, text: str) -> None:
    """Prints on standard output, or on standard error if `-o` exports to standard output."""
    is_taken = any(str(uri).startswith("stdout:") for uri in settings.getdict("FEEDS"))
    with suppress(OSError):  # the reader has gone, or the disk of a log is full
        print(text, flush=True, file=sys.stderr if is_taken else sys.stdout)


# the log

_SITE_ERRORS = (
    *("scrapy.exceptions.CannotResolve", "scrapy.exceptions.Download", "scrapy.exceptions.ResponseDataLoss"),
    "scrapy.core.downloader.handlers.http11.TunnelError",  # a proxy does not connect us
    *("twisted.internet.", "twisted.web.", "OpenSSL."),  # Scrapy passes on some of Twisted's errors unchanged
    *("builtins.EOFError", "gzip.", "zlib.", "brotli.", "backports.zstd.", "compression.zstd."),  # in what was packed
)
_LONGEST = 100_000  # characters of a message or traceback of several lines
_MOST_LINES = 200


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


def _writing_handlers() -> list[logging.StreamHandler[Any]]:
    """The log handlers, without `Faults`, which sees every record unfiltered."""
    return [it for it in logging.getLogger().handlers if isinstance(it, logging.StreamHandler)]


def _confirm_stop(record: logging.LogRecord) -> bool:
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
        record.exc_text = without_secrets(f"    {_lines(logging.Formatter().formatException(record.exc_info))}")
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


# the live line

_REFRESH = 0.25  # seconds between two updates of the live line
_LISTS = "archive/list/read archive/list/failed archive/list/unknown"  # each request for one ends as one of them
_DONE = " ".join(f"archive/{name}" for name in f"{ANSWERED} article/failed article/challenged".split())


class Progress:
    """Articles done, pages a second, lists, errors: one line below those of the log.

    How many there will be, and so how long it takes, is shown as soon as that is certain: once all lists are read.
    """

    def __init__(self, crawler: Crawler) -> None:
        assert crawler.stats  # noqa: S101
        self.spider = cast("Any", crawler.spider)  # an `ArchiveSpider`
        self.stats: StatsCollector = crawler.stats
        self.beat = create_looping_call(self.show)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is a run, and a terminal or `ARCHIVE_PROGRESS = True`."""
        wanted = Options.from_settings(crawler.settings).progress
        is_shown = sys.stderr.isatty() if wanted is None else wanted
        if not (is_shown and opens_archive(crawler)):
            raise NotConfigured
        progress = cls(crawler)
        crawler.signals.connect(progress.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.spider_closed, signal=signals.spider_closed)
        return progress

    def spider_opened(self) -> None:
        self.bar = tqdm(desc="articles", unit=" pages", file=sys.stderr, dynamic_ncols=True, leave=False)
        self.handlers = [it for it in _writing_handlers() if it.stream is sys.stderr]
        for handler in self.handlers:
            handler.setStream(DummyTqdmFile(sys.stderr))
        self.beat.start(_REFRESH)

    def show(self) -> None:
        stats = Counts(self.stats.get_stats())
        self.bar.n = stats.total(_DONE)
        expected = self._expected(stats)
        self.bar.total = None if expected is None else max(self.bar.n, expected)
        errors = stats.total("archive/article/failed log_count/ERROR")
        self.bar.set_postfix_str(f"{self._lists(stats)}{errors} errors", refresh=False)
        self.bar.refresh()

    def _expected(self, stats: Counts) -> int | None:
        """How many articles this run reads, if that is certain."""
        if self.spider.expected is not None:
            return int(self.spider.expected)
        are_read = self.spider.is_started and stats["archive/request/list"] == stats.total(_LISTS)
        return int(stats["archive/request/article"]) if are_read or self.spider.full else None

    def _lists(self, stats: Counts) -> str:
        """How many have come, each with at least its first page; or only how many pages of them."""
        if wanted := self.spider.number_of_lists:
            return f"{len(self.spider.list_results)} of {wanted} lists, "
        return f"{stats['archive/list/read']} lists, " if stats["archive/request/list"] else ""

    def spider_closed(self) -> None:
        if self.beat.running:  # it is not when the spider was never opened
            self.beat.stop()
            self.show()
            for handler in self.handlers:
                handler.setStream(sys.stderr)
            self.bar.close()
