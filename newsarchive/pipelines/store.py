"""Writes the article's file and then, last, its row in the ledger."""

from newsarchive.archive import quarantine
from newsarchive.archive.archive import Reading
from newsarchive.archive.documents import Change
from newsarchive.exporters import MarkdownItemExporter
from newsarchive.health.alarms import traits
from newsarchive.items import ArchivedArticle
from newsarchive.pipelines import ArchivePipeline


class Store(ArchivePipeline):
    """Writes a new article, or a changed one, keeping its former version."""

    def process_item(self, item: Reading) -> ArchivedArticle:
        row, article = item.row, item.article
        stored = self.archive.put(item, lambda file: MarkdownItemExporter(file).export_item(item))
        quarantine.release(self.archive.folder, article.source, article.article_id)
        quarantine.release_copy(self.archive.folder, item.page)
        if item.change is Change.NEW:
            for trait in traits(article, row.entry if row else ""):
                self.archive.count(trait)
        self.archive.count(f"article/{item.change}")
        article.channels = stored.channels
        return ArchivedArticle(**vars(article), path=stored.path, change=item.change.value, edited=stored.edited)
