"""The output format as a Scrapy item exporter."""

from typing import Any, BinaryIO

from itemadapter import ItemAdapter
from scrapy.exporters import BaseItemExporter

from newsarchive.archive.archive import Reading
from newsarchive.items import Article
from newsarchive.markdown.document import render


class MarkdownItemExporter(BaseItemExporter):
    """Writes one article as one Markdown file with front matter."""

    def __init__(self, file: BinaryIO, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    def export_item(self, item: Any) -> None:
        """Takes an `Article`, any item with its fields, or a `Reading`, which has been rendered."""
        article = item if isinstance(item, Article | Reading) else Article(**ItemAdapter(item))
        text = article.file_text if isinstance(article, Reading) else render(article)
        self.file.write(text.encode())
