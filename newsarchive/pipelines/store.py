"""Writes the article's file and then, last, its row in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import Change, document_path, put
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
        put(self.archive, item, lambda file: MarkdownItemExporter(file).export_item(item))
        if item.change is Change.NEW:
            for trait in traits(item.article, row.entry if row else ""):
                self.archive.count(trait)
        self.archive.count(f"article/{item.change}")
        return ArchivedArticle(**vars(item.article), path=document_path(row, item.article), change=item.change.value)
