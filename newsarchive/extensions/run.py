"""One run of a crawl: opens the archive, closes it, and reports how it went."""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from scrapy.utils.defer import deferred_from_coro

from newsarchive.archive.archive import Archive, utc_now
from newsarchive.archive.changes import write_changes
from newsarchive.archive.files import QUARANTINE
from newsarchive.archive.tables import ListResult, ListRow, RunRow
from newsarchive.errors import ArchiveError, LedgerAway, LedgerBroken, describe
from newsarchive.extensions.log import Faults, confirm_stop, make_safe, writing_handlers
from newsarchive.health import alarms, status
from newsarchive.health.alarms import Counts, NewArticles, site_trouble
from newsarchive.health.metrics import write_metrics
from newsarchive.items import ArchivedArticle
from newsarchive.messages import command_line, printable
from newsarchive.options import Options, print_summary

logger = logging.getLogger(__name__)

_LOOK = 0.2  # seconds between two looks whether a replay can end
_BEATS = 4  # signs of life in the time after which a run without any counts as dead
BY_FORCE = "stopped by force in the middle of its work; the next run goes on from here"


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
        self.folder = options.dir
        self.metrics = options.metrics
        self.lease = options.lease
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
            alone = self.kind in ("replay", "retry")  # nobody claims saved pages
            self.archive = Archive.open(options, purpose=f"`{line}`", alone=alone, count=crawler.stats.inc_value)
            self.ledger = self.archive.ledger
            try:
                self.row = self.ledger.add_run(self.row)
                self.ledger.database.stay_alive(self.row.run, self.lease)
            except BaseException:
                self.archive.close()
                raise
        except (LedgerAway, LedgerBroken, OSError) as error:
            self._leave_status(error)
            raise
        logging.getLogger().addHandler(self.faults)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `ArchiveLocked`, `LedgerBroken` or `OSError`, and `NotConfigured` without `ARCHIVE_OPEN`."""
        if not crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        options = Options.from_settings(crawler.settings)
        for handler in writing_handlers():
            handler.addFilter(make_safe)  # Scrapy logs the settings next
        run = cls(crawler, options)
        for name in ("engine_started", "item_scraped", "spider_closed"):
            crawler.signals.connect(getattr(run, name), signal=getattr(signals, name))
        crawler.signals.connect(run.close, signal=signals.engine_stopped)
        return run

    @property
    def kind(self) -> str:
        """The spider's `kind`, or `retry` for a replay of the quarantine."""
        replay = getattr(self.crawler.spider, "replay", None)
        if replay is not None and (self.folder / QUARANTINE).resolve() in replay.resolve().parents:
            return "retry"
        return getattr(self.crawler.spider, "kind", "lists")

    def _show_life(self) -> None:
        try:
            self.ledger.database.stay_alive(self.row.run, self.lease)
        except (OSError, ArchiveError) as error:
            self.faults.add(error)
            self._stop(error)

    def engine_started(self) -> None:
        if self.ledger.is_shared:
            self._repeat(self._show_life, self.lease / _BEATS)
        if self.kind in ("replay", "retry"):
            self._repeat(self._end_replay, _LOOK)
        self._can_stop = True
        logging.getLogger("scrapy.crawler").addFilter(confirm_stop)
        for handler in writing_handlers():  # others than before: Scrapy makes them anew when the settings are known
            handler.addFilter(make_safe)

    def _repeat(self, function: Callable[[], None], seconds: float) -> None:
        self._loops.append(create_looping_call(function))
        self._loops[-1].start(seconds, now=False)

    def _end_replay(self) -> None:
        """Ends a replay that was told to stop: after a page from `start` Scrapy does not look whether it was the last.

        It would wait for ever. There is no public way to have it look.
        """
        assert self.crawler.engine  # noqa: S101
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
        archive = status.archive_status(self.folder, self.ledger, self.archive.options.max_tries)
        by_force = self.reason == "unfinished"  # nothing has closed the spider: Ctrl-C came twice, or it never began
        for _ in range(2):  # once more with its own error, when the run did its work and could not write that
            counts["error"] = self.faults.count
            # of several that apply, the one that the caller should know first
            exit_code = 1 if self.faults.count or by_force else 3 if site else 4 if found else 0
            message = describe(self.faults.first) if self.faults.first else BY_FORCE if by_force else site
            row = replace(self.row, ended=ended, exit_code=exit_code, counts=counts)
            last_run = status.run_status(row, message, found)
            try:
                write_changes(self.folder, self.ledger, now=ended, days=self.archive.options.changes_days)
                status.write_status(self.folder, last_run, archive)
                with self.ledger.transaction():
                    for each in lists:
                        self.ledger.put(each)
                    self.ledger.end_run(row)
                self.ledger.database.stay_alive(row.run, 0)
                if self.metrics:
                    write_metrics(self.metrics, self.folder, last_run, archive, self.ledger.last_success())
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
        if self.metrics:
            with suppress(OSError):
                write_metrics(self.metrics, self.folder, last_run, None, None)

    def _list_rows(self, counts: Counts) -> list[ListRow]:
        """What is known of each list after this run; adds the counts that follow from it."""
        source, rows = self.crawler.spidercls.name, []
        known = {row.where: row for row in self.ledger.list_rows(source)}
        counts["list/always_empty"] = 0
        for where, result in getattr(self.crawler.spider, "list_results", {}).items():
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
        counts["filtered"] = int(any(getattr(self.crawler.spider, name, None) for name in ("since", "until")))
        counts["seconds"] = round((ended - self.row.started).total_seconds(), 1)
        newest = self.ledger.newest(ended)
        if newest and newest.published:
            counts["newest/hours"] = round((ended - newest.published).total_seconds() / 3600, 1)
        return counts
