"""New, changed or unchanged against the archive?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.documents import Standing, content_hash, standing
from newsarchive.drops import Unchanged
from newsarchive.extensions.run import Run
from newsarchive.items import Article
from newsarchive.markdown.document import render

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Revise:
    """Drops what the archive holds already: an unchanged article writes nothing."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(Run.of(crawler))

    def process_item(self, item: Article) -> Article:
        """Raises `Unchanged`."""
        document = render(item)
        item.content_hash = content_hash(document)
        found = standing(self.run.archive, item, document)
        if found is not Standing.UNCHANGED:
            return item
        now = self.run.now()
        self.run.archive.ledger.checked(
            item.source,
            item.article_id,
            now=now,
            next_check=self.run.next_check(item.published),
            content_hash=item.content_hash,
            etag=item.etag,
            last_modified=item.last_modified,
        )
        self.run.count("article/unchanged")
        raise Unchanged(f"{item.url}: the archive holds it as it is")
