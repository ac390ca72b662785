"""Page → Article."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive
from newsarchive.errors import NotAnArticle, PageError
from newsarchive.extensions.run import Run
from newsarchive.items import Article, Page
from newsarchive.pipelines.drops import Gone, Quarantined
from newsarchive.sources import reader

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.statscollectors import StatsCollector


class Extract:
    """Reads title, date, summary, thumbnail and body with the source's own `read_article`."""

    def __init__(self, archive: Archive, stats: StatsCollector, now: Callable[[], datetime]) -> None:
        self.archive = archive
        self.stats = stats
        self.now = now

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats  # noqa: S101
        run = Run.of(crawler)
        return cls(run.archive, crawler.stats, run.now)

    def process_item(self, item: Page) -> Article:
        """Raises `Quarantined` or `Gone` for a page that is no article."""
        try:
            article = reader(item.source)(item.html, url=item.url, thumbnail=item.thumbnail)
        except NotAnArticle as error:
            if error.gone:
                self._mark_gone(item)
                raise Gone(str(error)) from error
            raise Quarantined(str(error)) from error
        except PageError as error:
            self.stats.inc_value("archive/page/unknown")
            raise Quarantined(str(error)) from error
        if item.article_id and article.article_id != item.article_id:
            raise Quarantined(f"{item.url}: asked for article {item.article_id}, got {article.article_id}")
        known = self.archive.ledger.get(article.source, article.article_id)
        if known is not None and known.thumbnail and not item.thumbnail:
            article.thumbnail = known.thumbnail  # the first list picture stays, also in a replay
        headers = {name.lower(): value for name, value in item.headers}
        article.etag = headers.get("etag", "")
        article.last_modified = headers.get("last-modified", "")
        self._count(article)
        return article

    def _mark_gone(self, page: Page) -> None:
        if self.archive.ledger.get(page.source, page.article_id) is not None:
            self.archive.ledger.gone(page.source, page.article_id, now=self.now())
        self.stats.inc_value("archive/article/gone")

    def _count(self, article: Article) -> None:
        self.stats.inc_value(f"archive/family/{article.family}")
        self.stats.inc_value("archive/length/total", len(article.text))
        for what, value in (
            ("thumbnail", article.thumbnail),
            ("picture", article.pictures),
            ("summary", article.summary),
        ):
            if not value:
                self.stats.inc_value(f"archive/without/{what}")
        if article.unknown_keys:
            self.stats.inc_value("archive/key/unknown")
