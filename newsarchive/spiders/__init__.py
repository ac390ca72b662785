"""Spiders: where to look for articles; and how those of all sources are found."""

import sys
from collections.abc import Collection, Mapping
from functools import cache

from scrapy import Request, Spider
from scrapy.settings import BaseSettings
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.spider import iter_spider_classes

from newsarchive.errors import BadArgument
from newsarchive.sources import installed, load, reader
from newsarchive.spiders.base import ArchiveSpider, Argument


class SourceLoader(SpiderLoader):
    """Scrapy's, with the spiders of installed sources. One that cannot be used is reported and stops no other."""

    def __init__(self, settings: BaseSettings) -> None:
        super().__init__(settings)
        self._of_sources: dict[str, type[ArchiveSpider]] = {}
        for source in installed():
            try:
                self._of_sources[source] = _spider(source, super().list())
            except BadArgument as error:
                _report(str(error))

    def load(self, spider_name: str) -> type[Spider]:
        return self._of_sources.get(spider_name) or super().load(spider_name)

    def find_by_request(self, request: Request) -> list[str]:
        found = [name for name, each in self._of_sources.items() if each.handles_request(request)]
        return [*super().find_by_request(request), *found]

    def list(self) -> list[str]:
        return [*super().list(), *self._of_sources]


def _spider(source: str, taken: Collection[str]) -> type[ArchiveSpider]:
    reader(source)  # what a crawl would miss only when it has a page
    module = load(source, "spider:")
    problem = f"the source {source} cannot be used"
    if source in taken:
        raise BadArgument(f"{problem}: SPIDER_MODULES has a spider of that name")
    for each in iter_spider_classes(module):
        if each.name == source and issubclass(each, ArchiveSpider):
            known: object = each.arguments
            if isinstance(known, Mapping) and all(isinstance(about, Argument) for about in known.values()):
                return each
            raise BadArgument(f"{problem}: expected in {each.__name__}.arguments an Argument for each name")
    raise BadArgument(f"{problem}: expected an ArchiveSpider named {source} in {module.__name__}")


@cache  # a command makes several loaders
def _report(problem: str) -> None:
    print(f"newsarchive: {problem}", file=sys.stderr)
