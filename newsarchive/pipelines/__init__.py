"""Item pipelines, one verb each, and why an item is dropped. Scrapy counts drops by the name of their class."""

from __future__ import annotations

from scrapy.exceptions import DropItem


class Quarantined(DropItem):
    """The page is no whole article: it is kept aside with the reason, never exported."""

    def __init__(self, reason: str, counted_as: str = "quarantined") -> None:
        super().__init__(reason, log_level="WARNING")
        self.counted_as = counted_as
        """The stat `archive/article/<counted_as>`. Only `quarantined` is a sign that the site's pages have changed."""


class Gone(DropItem):
    """The page says that the site has removed the article."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, log_level="DEBUG")


class Older(DropItem):
    """The archive holds a page of the article that came later than this saved one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, log_level="INFO")


class Unchanged(DropItem):
    """The archive holds the article as it is. Expected, so quiet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, log_level="DEBUG")
