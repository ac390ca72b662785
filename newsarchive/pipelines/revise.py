"""Compares an article with the archive: new, changed or unchanged?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.documents import Change, compare, content_hash
from newsarchive.archive.files import PAGES
from newsarchive.archive.replay import capture_at
from newsarchive.drops import Older, Unchanged
from newsarchive.errors import ArchiveError
from newsarchive.extensions.run import Run
from newsarchive.items import Article
from newsarchive.markdown.document import render

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Revise:
    """Drops an article that is in the archive already and has not changed."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(Run.of(crawler))

    def process_item(self, item: Article) -> Article:
        """Raises `Unchanged`, or `Older` for a saved page if the archive has a later one."""
        document = render(item)
        item.content_hash = content_hash(document)
        found = compare(self.run.archive, item, document)
        if found is not Change.UNCHANGED:
            if self._is_older(item):
                self.run.count("article/older")
                raise Older(f"{item.url}: left as it is, the archive holds a page that came later than this saved one")
            return item
        self._record_check(item)
        self.run.count("article/unchanged")
        raise Unchanged(f"{item.url}: the archive holds it as it is")

    def _record_check(self, item: Article) -> None:
        ledger = self.run.archive.ledger
        row = ledger.get(item.source, item.article_id)
        assert row  # noqa: S101  -- it was compared with
        if not self.run.asks_site:
            ledger.set_content_hash(row, content_hash=item.content_hash)
            return
        ledger.checked(
            row,
            now=self.run.now(),
            next_check=self.run.schedule.next_check(row, item.published),
            content_hash=item.content_hash,
            etag=item.etag,
            last_modified=item.last_modified,
        )

    def _is_older(self, item: Article) -> bool:
        archive = self.run.archive
        row = archive.ledger.get(item.source, item.article_id)
        if item.captured is None or row is None or row.warc_offset is None:
            return False
        if not archive.is_intact(row):
            return False  # an older text is better than none
        try:
            archived = capture_at(archive.folder / PAGES / row.warc_file, row.warc_offset).record.date
        except ArchiveError:  # missing or damaged, as `scrapy verify` reports
            return False
        return item.captured < archived <= self.run.now()  # a later time is from a run with a wrong clock
