"""The output format as a Scrapy item exporter."""

from typing import Any, BinaryIO

from itemadapter import ItemAdapter
from scrapy.exporters import BaseItemExporter

from newsarchive.archive.pictures import localised
from newsarchive.items import Article
from newsarchive.markdown.document import render


class MarkdownItemExporter(BaseItemExporter):
    """Writes one article as one Markdown file with front matter."""

    def __init__(self, file: BinaryIO, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    def export_item(self, item: Any) -> None:
        """Takes an `Article`, any item with its fields, or a `Reading`, which has been rendered."""
        fields = ItemAdapter(item)
        document = fields.get("document") or render(item if isinstance(item, Article) else Article(**fields))
        self.file.write(localised(document, fields.get("local_pictures") or {}).encode())
