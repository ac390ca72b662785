"""Crawlers that do the same work with other tools, each in a process of its own: see benchmarks/crawl.py.

python -m benchmarks.crawlers CRAWLER URLS FOLDER
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from benchmarks.peers import Got, Reader, fields, markdown_with, selectolax, trafilatura


class Bare(scrapy.Spider):
    """Downloads the pages and does nothing with them."""

    name = "bare"

    def parse(self, response: Response, **_: object) -> Iterator[object]:  # noqa: ARG002
        yield from ()


class Writing(Bare, metaclass=ABCMeta):
    """Writes a document for each page."""

    folder: str

    def parse(self, response: Response, **_: object) -> Iterator[object]:
        (Path(self.folder) / f"{response.url[-16:]}.md").write_text(self.document(response), encoding="utf-8")
        yield from ()

    @abstractmethod
    def document(self, response: Response) -> str:
        """The document of a page."""


class Idiomatic(Writing):
    """Selectors, markdownify and python-frontmatter."""

    name = "idiomatic"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.convert = markdown_with("markdownify")
        self.frontmatter = importlib.import_module("frontmatter")

    def document(self, response: Response) -> str:
        title, published, body = fields(response)
        post = self.frontmatter.Post(self.convert(body), title=title, date=published, url=response.url)
        return str(self.frontmatter.dumps(post))


class Trafilatura(Writing):
    """trafilatura for everything."""

    name = "trafilatura"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.read = trafilatura()

    def document(self, response: Response) -> str:
        return document(self.read(response.body))


def document(got: Got) -> str:
    return f'---\ntitle: "{got.title}"\ndate: "{got.published}"\n---\n\n{got.body}\n'


async def with_aiohttp(urls: list[str], folder: Path, read: Reader) -> None:
    aiohttp = importlib.import_module("aiohttp")
    rest = iter(urls)
    async with aiohttp.ClientSession() as session:

        async def work() -> None:
            for url in rest:
                async with session.get(url) as response:
                    (folder / f"{url[-16:]}.md").write_text(document(read(await response.read())), encoding="utf-8")

        await asyncio.gather(*(work() for _ in range(8)))


SPIDERS: dict[str, type[scrapy.Spider]] = {each.name: each for each in (Bare, Idiomatic, Trafilatura)}


def main() -> None:
    crawler, urls, folder = sys.argv[1], Path(sys.argv[2]).read_text("utf-8").split(), Path(sys.argv[3])
    folder.mkdir()
    if crawler == "aiohttp":
        asyncio.run(with_aiohttp(urls, folder, selectolax()))
        return
    process = CrawlerProcess({"LOG_LEVEL": "WARNING"})  # else Scrapy's defaults; at DEBUG it logs a line per page
    process.crawl(SPIDERS[crawler], start_urls=urls, folder=str(folder))
    process.start()


if __name__ == "__main__":
    main()
