"""The exporter writes the file; then, last, the ledger learns of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive
from newsarchive.archive.documents import put
from newsarchive.exporters import MarkdownItemExporter
from newsarchive.extensions.run import Run
from newsarchive.items import Article

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Store:
    """Writes a new article, or a changed one with its former version kept."""

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
        """An error here is the machine's (a full disk) and ends the run with exit code 1."""
        file = BytesIO()
        MarkdownItemExporter(file).export_item(item)
        now = self.now()
        revision = put(self.archive, item, file.getvalue(), now=now, next_check=self.next_check(item.published))
        self.stats.inc_value(f"archive/article/{'new' if revision == 1 else 'revised'}")
        return item
