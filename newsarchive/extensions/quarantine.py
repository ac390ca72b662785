"""Keeps a page that is no whole article, with the reason, until it can be read."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from scrapy import signals
from twisted.python.failure import Failure

from newsarchive.archive.files import quarantine_path, write_bytes, write_text
from newsarchive.archive.ledger import State
from newsarchive.drops import Gone, Quarantined, Unchanged
from newsarchive.extensions.faults import in_words, is_fatal
from newsarchive.extensions.run import Run
from newsarchive.items import Article, Page

if TYPE_CHECKING:
    from pathlib import Path

    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Quarantine:
    """Listens for pages that the pipelines drop, or fail at, and for those that are archived in the end."""

    def __init__(self, run: Run, stats: StatsCollector) -> None:
        self.run = run
        self.folder = run.archive.folder
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats  # noqa: S101
        quarantine = cls(Run.of(crawler), crawler.stats)
        crawler.signals.connect(quarantine.item_dropped, signal=signals.item_dropped)
        crawler.signals.connect(quarantine.item_error, signal=signals.item_error)
        crawler.signals.connect(quarantine.item_scraped, signal=signals.item_scraped)
        return quarantine

    def item_dropped(self, item: object, exception: BaseException) -> None:
        if not isinstance(item, Page):
            return
        if isinstance(exception, Quarantined):
            self.keep(item, str(exception))
        elif isinstance(exception, Unchanged) or (isinstance(exception, Gone) and self._is_kept(item)):
            self.release(item.source, item.article_id)

    def item_error(self, item: object, failure: Failure) -> None:
        # a page that meets a bug of ours is needed to find it; with a full disk nothing can be kept
        if isinstance(item, Page) and failure.value and not is_fatal(failure.value):
            self.keep(item, in_words(failure.value))

    def item_scraped(self, item: object) -> None:
        if isinstance(item, Article):
            self.release(item.source, item.article_id)

    def keep(self, page: Page, reason: str) -> None:
        """The page, then its notes, then the ledger's row. Of several copies the newest stays."""
        kept, notes = self._paths(page.source, page.article_id or f"page-{sha256(page.html).hexdigest()[:16]}")
        fetched = page.fetched.isoformat()
        known = _fetched(notes)
        if known <= fetched:
            write_bytes(kept, gzip.compress(page.html, mtime=0))
            about = {
                "article_id": page.article_id,
                "url": page.url,
                "reason": reason,
                "fetched": fetched,
                "status": page.status,
                "headers": page.headers,
                "thumbnail": page.thumbnail,
                "entry": page.entry,
            }
            write_text(notes, json.dumps(about, ensure_ascii=False, indent=1) + "\n")
        again = known == fetched
        if page.article_id:
            again = self._note(page, reason, same_copy=again)
        self.stats.inc_value(f"archive/article/{'quarantined_again' if again else 'quarantined'}")

    def _note(self, page: Page, reason: str, *, same_copy: bool) -> bool:
        """Tells the ledger; whether the article was in quarantine before."""
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
        before = row.state is State.QUARANTINED or bool(row.path and row.attempts)
        if not same_copy:  # to read a copy once more is no further try
            next_try = self.run.next_try(row.attempts + 1)
            ledger.quarantined(page.source, page.article_id, reason=reason, now=now, next_try=next_try)
        return before

    def release(self, source: str, article_id: str) -> None:
        """Called when the article is archived, its row included."""
        if not article_id:
            return
        kept, notes = self._paths(source, article_id)
        kept.unlink(missing_ok=True)
        notes.unlink(missing_ok=True)

    def _is_kept(self, page: Page) -> bool:
        """Whether it is this very copy that lies in quarantine; a notice of removal must not displace an article."""
        return (
            bool(page.article_id) and _fetched(self._paths(page.source, page.article_id)[1]) == page.fetched.isoformat()
        )

    def _paths(self, source: str, article_id: str) -> tuple[Path, Path]:
        kept = self.folder / quarantine_path(source, article_id)
        return kept, kept.with_name(f"{article_id}.json")


def _fetched(notes: Path) -> str:
    return str(json.loads(notes.read_bytes())["fetched"]) if notes.exists() else ""
