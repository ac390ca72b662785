"""Keeps a page that is no whole article, with the reason, until it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals
from twisted.python.failure import Failure

from newsarchive.archive import quarantine
from newsarchive.archive.files import quarantine_path
from newsarchive.archive.ledger import Row, State
from newsarchive.drops import Gone, Quarantined, Unchanged
from newsarchive.extensions.log import in_words, is_fatal
from newsarchive.extensions.run import Run
from newsarchive.items import Article, Page
from newsarchive.messages import printable
from newsarchive.sources import reader

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Quarantine:
    """Handles pages that the pipelines drop or fail at, and releases those that are archived later."""

    def __init__(self, run: Run, stats: StatsCollector) -> None:
        self.run = run
        self.folder = run.archive.folder
        self.stats = stats
        self._names: dict[str, list[str]] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats  # noqa: S101
        listener = cls(Run.of(crawler), crawler.stats)
        crawler.signals.connect(listener.item_dropped, signal=signals.item_dropped)
        crawler.signals.connect(listener.item_error, signal=signals.item_error)
        crawler.signals.connect(listener.item_scraped, signal=signals.item_scraped)
        return listener

    def item_dropped(self, item: object, exception: BaseException) -> None:
        if not isinstance(item, Page):
            return
        if isinstance(exception, Quarantined):
            self.keep(item, str(exception), exception.counted_as)
        elif isinstance(exception, Unchanged):
            if self.run.asks_site:
                self.release(item.source, item.article_id, quarantine.name(self.folder, item))
            else:  # an older page that is archived says nothing about a newer one in quarantine
                self.release(item.source, "", quarantine.own_copy(self.folder, item))
        elif isinstance(exception, Gone):  # a notice of removal must not displace an article
            self.release(item.source, "", quarantine.own_copy(self.folder, item))

    def item_error(self, item: object, failure: Failure) -> None:
        # a page that triggers a bug is needed to find it; with a full disk nothing can be kept
        if isinstance(item, Page) and failure.value and not is_fatal(failure.value):
            self.keep(item, in_words(failure.value))

    def item_scraped(self, item: object) -> None:
        if isinstance(item, Article):
            self.release(item.source, item.article_id)

    def keep(self, page: Page, reason: str, counted_as: str = "quarantined") -> None:
        """Stores the page, then the ledger's row."""
        reason = printable(reason)
        again = quarantine.keep(self.folder, page, reason)
        is_archived = False
        if page.article_id:
            row = self._note(page, reason, same_copy=again)
            is_archived = bool(row.path)
            again = again or row.state is State.QUARANTINED or (is_archived and row.attempts > 0)
        if counted_as == "quarantined" and again:
            counted_as = "quarantined_again"
        self.stats.inc_value(f"archive/article/{counted_as}")
        if counted_as == "quarantined" and is_archived:
            self.stats.inc_value("archive/recheck/quarantined")

    def _note(self, page: Page, reason: str, *, same_copy: bool) -> Row:
        """Records the page in the ledger; returns the row from before."""
        ledger, now = self.run.ledger, self.run.now()
        row, _ = ledger.found(
            page.source,
            page.article_id,
            url=page.url,
            where="saved page",
            thumbnail=page.thumbnail,
            entry=page.entry,
            now=now,
        )
        if not same_copy and (self.run.asks_site or not row.path):  # reading the same copy again is not another try
            next_try = self.run.schedule.next_try_of(row)
            ledger.quarantined(row, reason=reason, now=now, next_try=next_try)
        return row

    def release(self, source: str, article_id: str, name: str = "") -> None:
        """Called when the article is archived, its row included; `name` is the page's own in quarantine."""
        for each in {article_id, name, *self._nameless_of(source, article_id)} - {""}:
            quarantine.release(self.folder, source, each)

    def _nameless_of(self, source: str, article_id: str) -> list[str]:
        """Pages of the article that were kept without its id; they are read once in a run, at the first call."""
        if not article_id:
            return []
        if self._names is None:
            self._names = {}
            for name, html in quarantine.nameless(self.folder, source):
                self._names.setdefault(self._article_id(source, name, html), []).append(name)
        return self._names.pop(article_id, [])

    def _article_id(self, source: str, name: str, html: bytes) -> str:
        """`""` for a page that still cannot be read."""
        ledger, saved_in = self.run.ledger, str(self.folder / quarantine_path(source, name))
        if ledger.interrupted_readings(saved_in):
            return ""
        try:
            with ledger.reading_saved(saved_in):
                return reader(source)(html).article_id
        except Exception:  # noqa: BLE001  -- it may be here because it triggers a bug, which was reported then
            return ""
