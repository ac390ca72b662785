"""Writes the article's file and then, last, its row in the ledger."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Self

from newsarchive.archive.documents import document_path, put
from newsarchive.exporters import MarkdownItemExporter
from newsarchive.extensions.run import Run
from newsarchive.health.counts import traits
from newsarchive.items import ArchivedArticle, Article

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Store:
    """Writes a new article, or a changed one, keeping its former version."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(Run.of(crawler))

    def process_item(self, item: Article) -> ArchivedArticle:
        """An error here is a problem of this machine, e.g. a full disk, and gives the run exit code 1."""
        file = BytesIO()
        MarkdownItemExporter(file).export_item(item)
        before = self.run.ledger.get(item.source, item.article_id)
        revision = put(
            self.run.archive,
            item,
            file.getvalue(),
            now=self.run.now(),
            next_check=self.run.schedule.next_check(before, item.published),
            from_site=self.run.asks_site,
        )
        change = "revised" if before and revision > before.revision else "restored"
        if before is None or not before.path:
            change = "new"
            self.run.new_articles.add(item)
            for trait in traits(item, before.entry if before else ""):
                self.run.count(trait)
        self.run.count(f"article/{change}")
        return ArchivedArticle(**vars(item), path=document_path(before, item), change=change)
