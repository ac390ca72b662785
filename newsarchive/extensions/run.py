"""One run of a crawl: opens the archive, closes it, and reports how it went."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.defer import deferred_from_coro

from newsarchive.archive.archive import Archive, utc_now
from newsarchive.archive.files import QUARANTINE
from newsarchive.archive.ledger import ListResult, ListRow
from newsarchive.errors import ArchiveError, LedgerBroken, describe
from newsarchive.extensions.log import Faults, confirm_stop, make_safe
from newsarchive.health import alarms, report
from newsarchive.health.alarms import NewArticles, run_exit_code, site_trouble
from newsarchive.items import ArchivedArticle
from newsarchive.messages import command_line, printable
from newsarchive.options import Options, stream_for_people

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from newsarchive.health.alarms import Alarm

logger = logging.getLogger(__name__)

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
        """Raises `ArchiveLocked`, `LedgerBroken` or `OSError`."""
        self.crawler = crawler
        self.folder = options.dir
        self.exit_code: int | None = None
        """`None` until the run has ended."""
        self.reason = "unfinished"
        self.started = utc_now()
        self._can_stop = False
        self._new_articles = NewArticles()
        self.faults = Faults(self._stop)
        command = "retry" if self.kind == "retry" else "crawl"  # Scrapy takes it out of sys.argv
        self._arguments = printable(command_line(["scrapy", command, *sys.argv[1:]]), 500)
        assert crawler.stats  # noqa: S101
        try:
            self.archive = Archive.open(options, purpose=f"`{self._arguments}`", count=crawler.stats.inc_value)
        except (LedgerBroken, OSError) as error:
            self._leave_status(error)
            raise
        self.ledger = self.archive.ledger
        try:
            self.run_id = self.ledger.begin_run(self.started, os.getpid(), self._arguments)
        except BaseException as error:
            self.archive.close()
            if isinstance(error, LedgerBroken | OSError):
                self._leave_status(error)
            raise
        logging.getLogger().addHandler(self.faults)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` without `ARCHIVE_OPEN`, and `ArchiveLocked` or `LedgerBroken`."""
        if not crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        options = Options.from_settings(crawler.settings)
        for handler in _writing_handlers():
            handler.addFilter(make_safe)  # Scrapy logs the settings next
        run = cls(crawler, options)
        crawler.signals.connect(run.engine_started, signal=signals.engine_started)
        crawler.signals.connect(run.item_scraped, signal=signals.item_scraped)
        crawler.signals.connect(run.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(run.engine_stopped, signal=signals.engine_stopped)
        return run

    @property
    def kind(self) -> str:
        """What this run looks at; only runs of one kind are compared with each other."""
        replay = getattr(self.crawler.spider, "replay", None)
        if replay is not None and (self.folder / QUARANTINE).resolve() in replay.resolve().parents:
            return "retry"
        return getattr(self.crawler.spider, "kind", "lists")

    # signals

    def engine_started(self) -> None:
        self._can_stop = True
        logging.getLogger("scrapy.crawler").addFilter(confirm_stop)
        for handler in _writing_handlers():  # others than before: Scrapy makes them anew when the settings are known
            handler.addFilter(make_safe)
            handler.addFilter(self.faults.without_traceback)

    def item_scraped(self, item: object) -> None:
        if isinstance(item, ArchivedArticle) and item.change == "new":
            self._new_articles.add(item)

    def spider_closed(self, reason: str) -> None:
        self._can_stop = False
        self.reason = reason

    def engine_stopped(self) -> None:
        self.close()

    def _stop(self, error: BaseException) -> None:
        """Ends the crawl in order: with a full disk every further page would fail as well."""
        if not self._can_stop:
            return
        self._can_stop = False
        logger.error("stopping: %s", describe(error))
        deferred_from_coro(self.crawler.engine.close_spider_async(reason="fault"))

    # the end

    def close(self) -> int:
        """Writes the run's row and `status.json`, prints the summary, closes the archive; the exit code."""
        if self.exit_code is not None:
            return self.exit_code
        try:
            self._conclude()
        except Exception as error:  # noqa: BLE001  -- the last place where it can be reported; it becomes the exit code
            self.faults.add(error)
            print(f"ERROR: {describe(error)}", file=sys.stderr)
            self._leave_status(error)
        finally:
            logging.getLogger().removeHandler(self.faults)
            self.exit_code = self.exit_code if self.exit_code is not None else 1
            self.archive.close()
        return self.exit_code

    def _conclude(self) -> None:
        ended = utc_now()
        history = [run.counts for run in self.ledger.last_runs(5 * alarms.HISTORY) if run.counts]
        counts = self._counts(ended, history)
        lists: list[ListRow] = []
        if not site_trouble(counts):  # a site that is away says nothing about a single list
            lists, list_counts = self._list_rows()
            counts |= list_counts
        found = alarms.alarms(counts, history)
        archive = report.archive_status(self.folder, self.ledger, self.archive.options.max_tries)
        last_run, error = self._record(ended, counts, found, lists, archive)
        if error is not None:  # the run did its work and could not write that: say so in what can be written
            self.faults.add(error)
            last_run, _ = self._record(ended, counts, found, lists, archive)
        self.exit_code = last_run["exit_code"]
        text = report.summary({"folder": str(self.folder), "last_run": last_run} | archive)
        with suppress(OSError):  # its reader has gone, or the disk of a log is full; `scrapy status` says it again
            print(text, flush=True, file=stream_for_people(self.crawler.settings))

    def _record(
        self,
        ended: datetime,
        counts: dict[str, int | float | str],
        found: list[Alarm],
        lists: list[ListRow],
        archive: dict[str, Any],
    ) -> tuple[dict[str, Any], OSError | ArchiveError | None]:
        """Writes the run's rows and `status.json`, each even if the other cannot be; returns also the first error."""
        counts["error"] = self.faults.count
        site = site_trouble(counts)
        by_force = self.reason == "unfinished"  # nothing has closed the spider: Ctrl-C came twice, or it never began
        exit_code = run_exit_code(faults=self.faults.count + by_force, site=site, alarms=found)
        message = describe(self.faults.first) if self.faults.first else BY_FORCE if by_force else site
        last_run = self._status(ended, exit_code, message, counts, found)
        first: OSError | ArchiveError | None = None
        try:
            with self.ledger.transaction():
                for row in lists:
                    self.ledger.put_list(row)
                self.ledger.end_run(self.run_id, now=ended, exit_code=exit_code, counts=counts)
        except (OSError, ArchiveError) as error:
            first = error
        try:
            report.write_status(self.folder, last_run, archive)
        except OSError as error:
            first = first or error
        return last_run, first

    def _leave_status(self, error: BaseException) -> None:
        """Writes a `status.json` without the ledger, where the disk lets it."""
        with suppress(OSError):  # the first error is the one to report
            report.write_status(self.folder, self._status(utc_now(), 1, describe(error), {}, []))

    def _status(
        self,
        ended: datetime,
        exit_code: int,
        message: str,
        counts: dict[str, int | float | str],
        found: list[Alarm],
    ) -> dict[str, Any]:
        return report.run_status(
            run=getattr(self, "run_id", None),
            started=self.started,
            ended=ended,
            arguments=self._arguments,
            reason=self.reason,
            exit_code=exit_code,
            message=message,
            counts=counts,
            alarms=found,
        )

    def _list_rows(self) -> tuple[list[ListRow], dict[str, int]]:
        """What is known of each list after this run, and the counts that follow from it."""
        source = self.crawler.spidercls.name
        results: dict[str, ListResult] = getattr(self.crawler.spider, "list_results", {})
        known = {row.where: row for row in self.ledger.list_rows(source)}
        rows = {
            where: known.get(where, ListRow(source=source, where=where)).after(result)
            for where, result in results.items()
        }
        failing = sorted(rows.values(), key=lambda row: (-row.failures, row.where))
        counts = {f"failing/{row.where}": row.failures for row in failing[:50] if row.failures >= alarms.FAILING}
        always_empty = [where for where in rows if where in known and results[where] is ListResult.EMPTY]
        counts["list/always_empty"] = sum(not rows[where].has_named for where in always_empty)
        return list(rows.values()), counts

    def _counts(self, ended: datetime, history: list[dict[str, int | float | str]]) -> dict[str, int | float | str]:
        assert self.crawler.stats  # noqa: S101
        counts: dict[str, int | float | str] = {
            name.removeprefix("archive/"): value
            for name, value in self.crawler.stats.get_stats().items()
            if name.startswith("archive/") and isinstance(value, int | float)
        }
        spider = self.crawler.spider
        counts["reason"] = self.reason
        counts["complete"] = int(self.reason == "finished")
        counts["kind"] = self.kind
        counts["filtered"] = int(any(getattr(spider, name, None) for name in ("since", "until")))
        counts["seconds"] = round((ended - self.started).total_seconds(), 1)
        counts |= self._new_articles.counts()
        newest = self.ledger.newest(ended)
        if newest and newest.published:
            hours = (ended - newest.published).total_seconds() / 3600
            counts["newest/hours"] = round(hours, 1)
            counts["newest/usual"] = round(alarms.usual_age(hours, history), 1)
        return counts


def _writing_handlers() -> list[logging.Handler]:
    """Those that write, not the one that counts, which is to see everything as it is."""
    return [it for it in logging.getLogger().handlers if isinstance(it, logging.StreamHandler)]
