"""Save a page, with the Markdown that it gives now, as a test in tests/pages for a person to correct."""

import argparse
import re
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.conf import closest_scrapy_cfg
from scrapy.utils.spider import DefaultSpider
from twisted.python.failure import Failure

from newsarchive import reader
from newsarchive.archive.files import write_bytes, write_text
from newsarchive.archive.replay import saved_pages
from newsarchive.cli import OfflineCommand
from newsarchive.errors import BadArgument, PageError
from newsarchive.items import Page
from newsarchive.markdown.document import render
from newsarchive.options import check_proxies

_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)
_FAMILY = re.compile(r"[A-Z][0-9A-Za-z]*", re.ASCII)
_NETWORK = ("https://", "http://")


class Command(OfflineCommand):
    words = "<URL, file or folder> <name>"
    examples = ("scrapy savepage https://new.qq.com/rain/a/20261104A05T2Q00 heading_in_list",)
    requires_crawler_process = True  # for a page of the network

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 2:
            raise BadArgument("expected two arguments, a URL, file or folder and a name: scrapy savepage URL NAME")
        if not _NAME.fullmatch(args[1]):
            raise BadArgument(f"{args[1]!r} is no name: expected lower-case words like heading_in_list")
        if opts.family and not _FAMILY.fullmatch(opts.family):
            raise BadArgument(f"{opts.family!r} is no family: expected a name like F6")
        reader(opts.source)
        if args[0].startswith(_NETWORK):
            check_proxies(self.settings, [_host(args[0])])

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--source", default="qq", help="whose page it is (default: qq)")
        parser.add_argument("--family", default="", help="file it under this family, also when no family claims it")
        parser.add_argument("--to", default="", metavar="FOLDER", help="instead of tests/pages")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        place, name = args
        to = Path(opts.to or Path(closest_scrapy_cfg()).parent / "tests" / "pages") / opts.source
        is_url = place.startswith(_NETWORK)
        pages = self._fetch(place, opts.source) if is_url else list(saved_pages(Path(place), opts.source))
        if isinstance(pages, str):
            print(f"scrapy savepage: {place}: {pages}", file=sys.stderr)
            return 3
        pairs: dict[Path, tuple[Page, str]] = {}
        for number, page in enumerate(pages, 1):
            family, article_id, document = _read(page, opts.family)
            folder = to / family / (name if len(pages) == 1 else f"{name}_{article_id.lower() or number}")
            if folder in pairs:
                raise BadArgument(f"several pages would be {folder}: save one of them alone, under a name of its own")
            if folder.exists():
                raise BadArgument(f"{folder} exists already: choose another name, or remove it first")
            pairs[folder] = page, document
        for folder, (page, document) in pairs.items():
            _write(folder, page, document)
        return 0

    def _fetch(self, url: str, source: str) -> list[Page] | str:
        """The page at `url`, or why it did not come. Asks as politely as a crawl, without an archive and redirects."""
        assert self.crawler_process is not None  # noqa: S101
        self.settings.set("LOG_LEVEL", "CRITICAL", priority="cmdline")  # the error is printed once, at the end
        answers: list[Response] = []
        failures: list[Failure] = []

        class OnePage(DefaultSpider):
            async def start(self) -> AsyncIterator[Request]:
                meta = {"handle_httpstatus_all": True}
                yield Request(url, callback=answers.append, errback=failures.append, meta=meta)

        self.crawler_process.crawl(OnePage)
        self.crawler_process.start()
        if not answers:
            return failures[0].getErrorMessage() if failures else "no page came"
        if (answer := answers[0]).status != 200:
            return f"expected a page, got HTTP status {answer.status}"
        return [Page(source=source, url=answer.url, html=answer.body, fetched=datetime.now(UTC))]


def _host(url: str) -> str:
    """Raises `BadArgument` for a URL without one."""
    with suppress(ValueError):
        if host := urlsplit(url).hostname:
            return host
    raise BadArgument(f"{url!r} is no URL: expected one like https://new.qq.com/rain/a/20261104A05T2Q00")


def _read(page: Page, family: str) -> tuple[str, str, str]:
    """The family (the given one, or the page's own), the article's id and the document, `""` if there is none yet.

    Raises `PageError` if the page gives no article and no family was named for it.
    """
    try:
        article = reader(page.source)(page.html, url=page.url)
    except PageError as error:
        if not family:
            by_hand = "with --family NAME it is saved anyway, to write article.md by hand"
            raise PageError(error.url, f"{error.reason}; {by_hand}") from error
        return family, page.article_id, ""
    return family or article.family, article.article_id, render(article)


def _write(folder: Path, page: Page, document: str) -> None:
    write_bytes(folder / "page.html", page.html)
    if page.url.startswith(_NETWORK):  # not for a saved page whose address is unknown
        write_text(folder / "page.url", f"{page.url}\n")
    state = "not written, since the page gives no article yet: write it by hand; until then its test fails"
    if document:
        write_text(folder / "article.md", document)
        state = f"{len(document.splitlines())} lines: read it beside the page and correct it"
    print(f"{folder / 'page.html'}: {len(page.html):,} bytes")
    print(f"{folder / 'article.md'}: {state}")
