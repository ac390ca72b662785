"""New, changed or unchanged against the archive?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive
from newsarchive.archive.documents import Standing, content_hash, standing
from newsarchive.extensions.run import Run
from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.pipelines.drops import Unchanged

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Revise:
    """Drops what the archive holds already: an unchanged article writes nothing."""

    def __init__(
        self,
        archive: Archive,
        stats: StatsCollector,
        now: Callable[[], datetime],
        next_check: Callable[[datetime], datetime | None],
    ) -> None:
        self.archive = archive
        self.stats = stats
        self.now = now
        self.next_check = next_check

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats  # noqa: S101
        run = Run.of(crawler)
        return cls(run.archive, crawler.stats, run.now, run.next_check)

    def process_item(self, item: Article) -> Article:
        """Raises `Unchanged`."""
        document = render(item)
        item.content_hash = content_hash(document)
        found = standing(self.archive, item, document)
        if found is not Standing.UNCHANGED:
            return item
        now = self.now()
        self.archive.ledger.checked(
            item.source,
            item.article_id,
            now=now,
            next_check=self.next_check(item.published),
            content_hash=item.content_hash,
            etag=item.etag,
            last_modified=item.last_modified,
        )
        self.stats.inc_value("archive/article/unchanged")
        raise Unchanged(f"{item.url}: the archive holds it as it is")
