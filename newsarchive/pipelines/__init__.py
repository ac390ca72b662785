"""Item pipelines, one verb each, and why an item is dropped. Scrapy counts drops by the name of their class."""

from typing import Self

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from newsarchive.archive.archive import Archive
from newsarchive.extensions import archive_of


class ArchivePipeline:
    """A pipeline that works on the archive, and is left out without one."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(archive_of(crawler))


class Quarantined(DropItem):
    """The page is no whole article: it is kept aside with the reason, never exported."""

    def __init__(self, reason: str, counted_as: str = "quarantined") -> None:
        super().__init__(reason)
        self.counted_as = counted_as
        """The stat `archive/article/<counted_as>`. Only `quarantined` is a sign that the site's pages have changed."""


class Gone(DropItem):
    """The page says that the site has removed the article."""


class Older(DropItem):
    """The archive holds a page of the article that came later than this saved one."""


class Unchanged(DropItem):
    """The archive holds the article as it is. Expected, so quiet."""
