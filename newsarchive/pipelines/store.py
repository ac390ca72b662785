"""Writes the article's file and then, last, its row in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import document_path, put
from newsarchive.exporters import MarkdownItemExporter
from newsarchive.extensions.run import archive_of
from newsarchive.health.alarms import traits
from newsarchive.items import ArchivedArticle

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Store:
    """Writes a new article, or a changed one, keeping its former version."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(archive_of(crawler))

    def process_item(self, item: Reading) -> ArchivedArticle:
        """An error here is a problem of this machine, e.g. a full disk, and gives the run exit code 1."""
        row = item.row
        revision = put(self.archive, item, lambda file: MarkdownItemExporter(file).export_item(item))
        change = "revised" if row and revision > row.revision else "restored"
        if row is None or not row.path:
            change = "new"
            for trait in traits(item.article, row.entry if row else ""):
                self.archive.count(trait)
        self.archive.count(f"article/{change}")
        return ArchivedArticle(**vars(item.article), path=document_path(row, item.article), change=change)
