"""`scrapy savepage`: saves a page and the Markdown that it gives now as a test."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.utils.conf import closest_scrapy_cfg
from scrapy.utils.spider import DefaultSpider
from twisted.python.failure import Failure

from newsarchive.archive.files import write_bytes, write_text
from newsarchive.archive.replay import saved_pages
from newsarchive.cli import ArchiveCommand
from newsarchive.errors import BadArgument, NewsArchiveError, PageError, describe
from newsarchive.items import Page
from newsarchive.markdown.document import render
from newsarchive.sources import reader

_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)
_FAMILY = re.compile(r"[A-Z][0-9A-Za-z]*", re.ASCII)


@dataclass(frozen=True)
class Pair:
    """A page and its expected Markdown."""

    family: str
    url: str
    """`""` for a saved page whose address is unknown."""
    html: bytes
    document: str
    """The whole Markdown file; `""` for a page that gives no article yet."""
    article_id: str


def read_pair(page: Page, family: str = "") -> Pair:
    """The page and its Markdown, filed under its own family or the given one.

    Raises:
        PageError: it gives no article, and no family was named for it.
    """
    url = page.url if page.url.startswith(("https://", "http://")) else ""
    try:
        article = reader(page.source)(page.html, url=page.url)
    except PageError:
        if not family:
            raise
        return Pair(family, url, page.html, "", page.article_id)
    return Pair(family or article.family, url, page.html, render(article), article.article_id)


def named(pairs: list[Pair], name: str) -> Iterator[tuple[str, Pair]]:
    """A name for each pair: the given one, or with several pages the name and the article's id or a number.

    >>> [each for each, _ in named([Pair("F5", "", b"", "", "20250211A06DM600"), Pair("F5", "", b"", "", "")], "gif")]
    ['gif_20250211a06dm600', 'gif_2']
    """
    for number, pair in enumerate(pairs, 1):
        yield (name if len(pairs) == 1 else f"{name}_{(pair.article_id or str(number)).lower()}"), pair


def write_pairs(pairs: Iterable[tuple[str, Pair]], folder: Path) -> list[Path]:
    """Writes `<family>/<name>/page.html`, `page.url` and `article.md`; returns the folders.

    Raises:
        BadArgument: one of the folders exists, or two pages would share one; then nothing is written.
    """
    places = [(folder / pair.family / name, pair) for name, pair in pairs]
    several = Counter(place for place, _ in places)
    for place, _ in places:
        if several[place] > 1:
            raise BadArgument(
                f"{several[place]} pages would be {place}: save one of them alone, under a name of its own"
            )
        if place.exists():
            raise BadArgument(f"{place} is there already: choose another name, or remove it first")
    for place, pair in places:
        write_bytes(place / "page.html", pair.html)
        if pair.url:
            write_text(place / "page.url", f"{pair.url}\n")
        if pair.document:
            write_text(place / "article.md", pair.document)
    return [place for place, _ in places]


class Command(ArchiveCommand):
    """Network, file and folder give the same `Page`."""

    name = "savepage"

    def check_words(self, args: list[str]) -> None:
        if len(args) != 2:
            raise BadArgument("expected two arguments, a URL, file or folder and a name: scrapy savepage URL NAME")

    def syntax(self) -> str:
        return "[options] <URL, file or folder> <name>"

    def short_desc(self) -> str:
        return "Save a page with the Markdown that it gives now, as a test for a person to correct"

    def long_desc(self) -> str:
        return (
            "Save a page as tests/pages/<source>/<family>/<name>/page.html, where it came from as page.url and the "
            "Markdown that it gives now as article.md beside it. Read article.md, correct what is wrong, then fix "
            "the parser until the test passes. In a folder (*.html, *.html.gz, *.warc.gz) every page is saved, as "
            "<name>_<article id>."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--source", default="qq", help="whose page it is (default: qq)")
        parser.add_argument("--family", default="", help="file it under this family, also when no family claims it")
        parser.add_argument("--to", default="", metavar="FOLDER", help="instead of tests/pages")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        try:
            self._save(args, opts)
        except BadArgument as error:
            self._end(2, str(error))
        except PageError as error:
            self._end(1, f"{error}\nWith --family NAME it is saved all the same, to write article.md by hand.")
        except _NoPageCame as error:
            self._end(3, str(error))
        except (NewsArchiveError, OSError) as error:
            self._end(1, describe(error))

    def _save(self, args: list[str], opts: argparse.Namespace) -> None:
        place, name = args
        if not _NAME.fullmatch(name):
            raise BadArgument(f"{name!r} is no name: expected lower-case words like heading_in_list")
        if opts.family and not _FAMILY.fullmatch(opts.family):
            raise BadArgument(f"{opts.family!r} is no family: expected a name like F6")
        folder = Path(opts.to or Path(closest_scrapy_cfg()).parent / "tests" / "pages") / opts.source
        if place.startswith(("https://", "http://")):
            pages = self._fetch(place, opts.source)
        else:
            pages = list(saved_pages(Path(place), opts.source))
        pairs = [read_pair(page, opts.family) for page in pages]
        for place_of, pair in zip(write_pairs(named(pairs, name), folder), pairs, strict=True):
            print(f"{place_of / 'page.html'}: {len(pair.html):,} bytes")
            print(f"{place_of / 'article.md'}: {_state(pair)}")

    def _fetch(self, url: str, source: str) -> list[Page]:
        """The page at `url`, fetched as politely as in a crawl, but without an archive. Follows no redirect."""
        assert self.crawler_process is not None  # noqa: S101
        self.chosen.set("LOG_LEVEL", "CRITICAL", priority="cmdline")  # the error is printed once, at the end
        pages: list[Page] = []
        problems = ["no page came"]

        def keep(response: Response) -> None:
            if response.status == 200:
                pages.append(Page(source=source, url=response.url, html=response.body, fetched=datetime.now(UTC)))
            problems.append(f"expected a page, got HTTP status {response.status}")

        def fail(failure: Failure) -> None:
            problems.append(failure.getErrorMessage())

        async def start(_: Spider) -> AsyncIterator[Request]:
            yield Request(url, callback=keep, errback=fail, meta={"handle_httpstatus_all": True})

        self.crawler_process.crawl(type("OnePage", (DefaultSpider,), {"start": start}))
        self.crawler_process.start()
        if not pages:
            raise _NoPageCame(f"{url}: {problems[-1]}")
        return pages

    def _end(self, code: int, message: str) -> None:
        print(f"scrapy savepage: {message}", file=sys.stderr)
        self.exitcode = code


def _state(pair: Pair) -> str:
    if pair.document:
        return f"{len(pair.document.splitlines())} lines: read it beside the page and correct it"
    return "not written, since the page gives no article yet: write it by hand; until then its test fails"


class _NoPageCame(NewsArchiveError):
    """The site was not reachable or refused us."""
