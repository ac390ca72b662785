"""One run of a crawl: opens the archive, closes it, and says what came of it."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.defer import deferred_from_coro

from newsarchive.archive.archive import Archive
from newsarchive.archive.ledger import ListResult, ListRow, Row, State
from newsarchive.archive.schedule import Schedule
from newsarchive.errors import ArchiveError, LedgerBroken
from newsarchive.extensions.log import Faults, in_words, make_safe, tell_stop
from newsarchive.extensions.status_file import look, nothing, whole_status, write_status
from newsarchive.health import alarms, report, status
from newsarchive.health.counts import NewArticles, run_exit_code, site_trouble
from newsarchive.items import Page
from newsarchive.messages import command_line, printable
from newsarchive.options import archive_folder, schedule, stream_for_people

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from newsarchive.health.alarms import Alarm

logger = logging.getLogger(__name__)


BY_FORCE = "stopped by force in the middle of its work; the next run goes on from here"


class Run:
    """Holds the archive from before the first request until after the last file.

    Pipelines and spiders get theirs with `Run.of(crawler)`.
    """

    command: ClassVar[str] = "crawl"
    """The Scrapy command of this process, which Scrapy takes out of `sys.argv`."""
    _of: ClassVar[WeakKeyDictionary[Crawler, Run]] = WeakKeyDictionary()

    def __init__(
        self,
        crawler: Crawler,
        *,
        folder: Path,
        arguments: str,
        schedule: Schedule,
        pictures_url: str,
    ) -> None:
        self.crawler = crawler
        self.schedule = schedule
        self.now = schedule.now
        self.exit_code: int | None = None
        """`None` until the run has ended."""
        self.reason = "unfinished"
        self._arguments = arguments
        self.new_articles = NewArticles()
        self._lists: dict[str, ListResult] = {}
        self._stopping = False
        self.started = self.now()
        try:
            self.archive = Archive.open(
                folder, purpose=f"`{arguments}`", now=self.started, ages=schedule.ages, pictures_url=pictures_url
            )
        except (LedgerBroken, OSError) as error:
            self._leave_status(folder, error)
            raise
        self.ledger = self.archive.ledger
        try:
            self.run_id = self.ledger.begin_run(self.started, os.getpid(), arguments)
        except BaseException as error:
            self.archive.close()
            if isinstance(error, LedgerBroken | OSError):
                self._leave_status(folder, error)
            raise
        self.faults = Faults(self._stop)
        logging.getLogger().addHandler(self.faults)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` without `ARCHIVE_OPEN`, and `ArchiveLocked` or `LedgerBroken`."""
        settings = crawler.settings
        if not settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        for handler in _writing_handlers():
            handler.addFilter(make_safe)  # Scrapy logs the settings next
        run = cls(
            crawler,
            folder=archive_folder(settings),
            arguments=printable(command_line(["scrapy", cls.command, *sys.argv[1:]]), 500),
            schedule=schedule(settings, lambda: datetime.now(UTC)),
            pictures_url=settings.get("ARCHIVE_PICTURES_URL") or "",
        )
        cls._of[crawler] = run
        crawler.signals.connect(run.engine_started, signal=signals.engine_started)
        crawler.signals.connect(run.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(run.engine_stopped, signal=signals.engine_stopped)
        return run

    @classmethod
    def of(cls, crawler: Crawler) -> Run:
        """The run of this crawler. Raises `NotConfigured` when it has none, so that what needs one is left out."""
        run = cls.get(crawler)
        if run is None:
            raise NotConfigured
        return run

    @classmethod
    def get(cls, crawler: Crawler) -> Run | None:
        """The run of this crawl, or `None` when it did not come so far."""
        return cls._of.get(crawler)

    @property
    def kind(self) -> str:
        """What this run looks at; only runs of one kind are compared with each other."""
        return "retry" if self.command == "retry" else getattr(self.crawler.spider, "kind", "lists")

    @property
    def asks_site(self) -> bool:
        """Whether pages tell what the site has now. What is in quarantine came since the last good page."""
        return self.kind != "replay"

    def count(self, what: str, number: int = 1) -> None:
        """Adds to the stat `archive/<what>`, which the summary, the alarms and the exit code are made from."""
        assert self.crawler.stats  # noqa: S101
        self.crawler.stats.inc_value(f"archive/{what}", number)

    def reading(self, page: Page) -> AbstractContextManager[None]:
        """Counts a try for as long as the page is read: one that ends this process has been tried."""
        if page.saved_in:
            return self.ledger.reading_saved(page.saved_in)
        row = self.ledger.get(page.source, page.article_id)
        if row is None:
            return nullcontext()
        again = self.schedule.next_try_after_interruption(row)
        return self.ledger.reading(row, now=self.now(), again=again)

    def note_list(self, where: str, result: ListResult) -> None:
        """What came of asking for a list, or for a page of it: the best of them is what the run got."""
        order = list(ListResult)
        self._lists[where] = min(self._lists.get(where, result), result, key=order.index)

    def mark_gone(self, row: Row) -> None:
        """The site says that the article was removed: its document stays, and it may come back."""
        if row.path and not self.asks_site:
            return  # which was so when the page was saved
        again = self.schedule.next_check(row, row.published)
        self.ledger.gone(row, now=self.now(), next_check=again)
        if row.state is State.GONE:
            self.count("article/still_gone")
            return
        self.count("article/gone")
        if row.path:
            self.count("recheck/gone")

    # signals

    def engine_started(self) -> None:
        logging.getLogger("scrapy.crawler").addFilter(tell_stop)
        for handler in _writing_handlers():  # others than before: Scrapy makes them anew when the settings are known
            handler.addFilter(make_safe)
            handler.addFilter(self.faults.plain)

    def spider_closed(self, reason: str) -> None:
        self.reason = reason

    def engine_stopped(self) -> None:
        self.close()

    def _stop(self, error: BaseException) -> None:
        """Ends the crawl in order: with a full disk every further page would fail as well."""
        if self._stopping or self.crawler._engine is None or self.crawler.engine.spider is None:
            return
        self._stopping = True
        logger.error("stopping: %s", in_words(error))
        deferred_from_coro(self.crawler.engine.close_spider_async(reason="fault"))

    # the end

    def close(self) -> int:
        """Writes the run's row and `status.json`, says what came of the run and gives the archive back."""
        if self.exit_code is not None:
            return self.exit_code
        try:
            self._conclude()
        except Exception as error:  # noqa: BLE001  -- the last place where it can be said; it becomes the exit code
            self.faults.add(error)
            print(f"ERROR: {in_words(error)}", file=sys.stderr)
            self._leave_status(self.archive.folder, error)
        finally:
            logging.getLogger().removeHandler(self.faults)
            self.exit_code = self.exit_code if self.exit_code is not None else 1
            self.archive.close()
        return self.exit_code

    def _leave_status(self, folder: Path, error: BaseException) -> None:
        """A run whose ledger cannot be used leaves its `status.json` too, where the disk lets it."""
        last_run = status.run_status(
            run=None,
            started=self.started,
            ended=self.now(),
            arguments=self._arguments,
            reason=self.reason,
            exit_code=1,
            message=in_words(error),
            counts={},
            alarms=[],
        )
        with suppress(OSError):  # the first error is the one to be told
            write_status(folder, whole_status(folder, last_run, nothing()))

    def _conclude(self) -> None:
        ended = self.now()
        history = [run.counts for run in self.ledger.last_runs(5 * alarms.HISTORY) if run.counts]
        counts = self._counts(history)
        lists: list[ListRow] = []
        if not site_trouble(counts):  # a site that is away says nothing about a single list
            lists, list_counts = self._settled_lists()
            counts |= list_counts
        found = alarms.alarms(counts, history)
        archive = look(self.archive.folder, self.ledger, self.schedule.max_tries)
        whole, error = self._record(ended, counts, found, archive, lists)
        if error is not None:  # the run did its work and could not write so: what can be written yet says it
            self.faults.add(error)
            whole, _ = self._record(ended, counts, found, archive, lists)
        self.exit_code = whole["last_run"]["exit_code"]
        with suppress(OSError):  # who reads it has gone, or the disk of a log is full; `scrapy status` says it again
            print(report.summary(whole), flush=True, file=stream_for_people(self.crawler.settings))

    def _record(
        self,
        ended: datetime,
        counts: dict[str, int | float | str],
        found: list[Alarm],
        archive: dict[str, Any],
        lists: list[ListRow],
    ) -> tuple[dict[str, Any], OSError | ArchiveError | None]:
        """Writes the run's rows and `status.json`, each even if the other cannot be; what it wrote, what went wrong."""
        counts["error"] = self.faults.count
        site = site_trouble(counts)
        by_force = self.reason == "unfinished"  # nobody has closed the spider: Ctrl-C came twice, or it never began
        message = in_words(self.faults.first) if self.faults.first else BY_FORCE if by_force else site
        exit_code = run_exit_code(faults=self.faults.count + by_force, site=site, alarms=found)
        last_run = status.run_status(
            run=self.run_id,
            started=self.started,
            ended=ended,
            arguments=self._arguments,
            reason=self.reason,
            exit_code=exit_code,
            message=message,
            counts=counts,
            alarms=found,
        )
        whole = whole_status(self.archive.folder, last_run, archive)
        wrong: OSError | ArchiveError | None = None
        try:
            with self.ledger.transaction():
                for row in lists:
                    self.ledger.put_list(row)
                self.ledger.end_run(self.run_id, now=ended, exit_code=exit_code, counts=counts)
        except (OSError, ArchiveError) as error:
            wrong = error
        try:
            write_status(self.archive.folder, whole)
        except OSError as error:
            wrong = wrong or error
        return whole, wrong

    def _settled_lists(self) -> tuple[list[ListRow], dict[str, int]]:
        """What is known of each list after this run, and the counts that follow from it."""
        source = self.crawler.spidercls.name
        known = {row.where: row for row in self.ledger.list_rows(source)}
        rows = {
            where: known.get(where, ListRow(source=source, where=where)).after(result)
            for where, result in self._lists.items()
        }
        failing = sorted(rows.values(), key=lambda row: (-row.failures, row.where))
        counts = {f"failing/{row.where}": row.failures for row in failing[:50] if row.failures >= alarms.FAILING}
        always_empty = [where for where in rows if where in known and self._lists[where] is ListResult.EMPTY]
        counts["list/always_empty"] = sum(not rows[where].has_named for where in always_empty)
        return list(rows.values()), counts

    def _counts(self, history: list[dict[str, int | float | str]]) -> dict[str, int | float | str]:
        assert self.crawler.stats  # noqa: S101
        counts: dict[str, int | float | str] = {
            name.removeprefix("archive/"): value
            for name, value in self.crawler.stats.get_stats().items()
            if name.startswith("archive/") and isinstance(value, int | float)
        }
        counts["reason"] = self.reason
        counts["complete"] = int(self.reason == "finished")
        counts["kind"] = self.kind
        counts["filtered"] = int(any(getattr(self.crawler.spider, name, None) for name in ("since", "until")))
        counts["seconds"] = round((self.now() - self.started).total_seconds(), 1)
        counts |= self.new_articles.counts()
        newest = self.ledger.newest(self.now())
        if newest and newest.published:
            hours = (self.now() - newest.published).total_seconds() / 3600
            counts["newest/hours"] = round(hours, 1)
            counts["newest/usual"] = round(alarms.usual_age(hours, history), 1)
        return counts


def _writing_handlers() -> list[logging.Handler]:
    """Those that write, not the one that counts, which is to see everything as it is."""
    return [it for it in logging.getLogger().handlers if isinstance(it, logging.StreamHandler)]
