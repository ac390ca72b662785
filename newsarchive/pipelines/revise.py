"""Compares an article with the archive: new, changed or unchanged?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import Change, compare
from newsarchive.archive.files import PAGES
from newsarchive.archive.replay import capture_at, is_warc
from newsarchive.errors import ArchiveError
from newsarchive.extensions.run import archive_of
from newsarchive.pipelines import Older, Unchanged

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Revise:
    """Drops an article that is in the archive already and has not changed."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(archive_of(crawler))

    def process_item(self, item: Reading) -> Reading:
        """Raises `Unchanged`, or `Older` for a saved page if the archive has a later one."""
        item.change = compare(self.archive, item.row, item.document)
        if item.change is Change.UNCHANGED:
            assert item.row  # noqa: S101
            self.archive.mark_unchanged(item.row, item)
            raise Unchanged(f"{item.article.url}: the archive holds it as it is")
        if self._is_older(item):
            self.archive.count("article/older")
            raise Older(f"{item.page.url}: left as it is, the archive holds a page that came later than this saved one")
        return item

    def _is_older(self, item: Reading) -> bool:
        row = item.row
        if not is_warc(item.page.saved_in) or row is None or row.warc_offset is None:
            return False
        if not self.archive.is_intact(row):
            return False  # an older text is better than none
        try:
            archived = capture_at(self.archive.folder / PAGES / row.warc_file, row.warc_offset).record.date
        except ArchiveError:  # missing or damaged, as `scrapy verify` reports
            return False
        return item.page.fetched < archived <= self.archive.now()  # a later time is from a run with a wrong clock
