"""Which hosts are asked, and how long a retry waits."""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.test import get_crawler

from newsarchive.downloader import ArticleDownloadHandler, Backoff, NotSent, SiteHosts, Unpack, answered_page
from newsarchive.extensions import is_site_error
from newsarchive.items import Page
from newsarchive.spiders.base import trouble
from newsarchive.spiders.qq import QQSpider
from tests.test_arguments import OURS


def hosts() -> SiteHosts:
    crawler = get_crawler(QQSpider, OURS | {"ARCHIVE_OPEN": True})
    crawler.spider = QQSpider.from_crawler(crawler)
    return SiteHosts.from_crawler(crawler)


@pytest.mark.parametrize(
    "url",
    ["https://new.qq.com/rain/a/20261103A01ABC00", "https://i.news.qq.com/web_feed/getPCList", "http://news.qq.com/x"],
)
def test_hosts_of_the_site(url: str) -> None:
    hosts().process_request(Request(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://qq.com.example.com/",
        "https://notqq.com/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://qq.com/x",
        "https://inews.gtimg.com/om_bt/K/641",
    ],
)
@pytest.mark.parametrize("options", [{}, {"dont_filter": True}, {"meta": {"allow_offsite": True}}])
def test_no_other_host_not_even_after_a_retry(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(IgnoreRequest, match="no host of the site"):
        hosts().process_request(Request(url, **options))


def test_pictures_have_hosts_of_their_own() -> None:
    hosts().process_request(Request("https://inews.gtimg.com/om_bt/K/641", meta={"picture": True}))
    for url in ("https://gtimg.com.example.com/x", "https://notgtimg.com/x", "http://127.0.0.1/x"):
        with pytest.raises(IgnoreRequest):
            hosts().process_request(Request(url, meta={"picture": True}))


@pytest.mark.parametrize("library", ["brotli", "backports.zstd" if sys.version_info < (3, 14) else "compression.zstd"])
def test_what_cannot_be_unpacked_is_the_sites_fault(library: str) -> None:
    """Scrapy says of each of them that it takes it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  -- each has an error of its own
        pytest.importorskip(library).decompress(b"no such thing")
    assert is_site_error(caught.value)
    assert trouble(caught.value) == "unreachable"


def test_a_page_that_unpacks_too_large_is_no_refusal() -> None:
    too_large = IgnoreRequest("exceeded DOWNLOAD_MAXSIZE")
    too_large.__cause__ = ValueError("of the decompression")
    assert trouble(too_large) == ""
    assert trouble(IgnoreRequest("Forbidden by robots.txt")) == "refused"


HTML = "<html><p>山里下了一场雨。".encode() * 99
WHOLE = gzip.compress(HTML)


CAME: dict[str, tuple[str, bytes, bytes, bool]] = {
    "gzip": ("gzip", WHOLE, HTML, True),
    "plain": ("", HTML, HTML, False),
    "old name": ("x-gzip", WHOLE, HTML, False),
    "two members": ("gzip", WHOLE * 2, HTML * 2, False),  # readers of a WARC file may see the first one alone
    "something behind it": ("gzip", WHOLE + b"something else", HTML, False),
    "no end": ("gzip", WHOLE[:-8], HTML, False),
    "wrong checksum": ("gzip", WHOLE[:-8] + bytes(4) + WHOLE[-4:], HTML, False),
    "twice": ("gzip, gzip", gzip.compress(WHOLE), HTML, False),
    "deflate": ("deflate", zlib.compress(HTML), HTML, False),
}


@pytest.mark.parametrize("what", CAME)
def test_what_came_is_kept_if_it_came_as_whole_gzip(what: str) -> None:
    encoding, body, html, is_kept = CAME[what]
    page = page_from(encoding, body)
    assert page.html == html
    assert page.packed == (body if is_kept else b"")
    assert page.header("Content-Encoding") == ("gzip" if is_kept else "")


def page_from(encoding: str, body: bytes) -> Page:
    """What our middleware makes of an answer."""
    request = Request("https://new.qq.com/rain/a/20261103A01ABC00")
    headers = {"Content-Type": "text/html"} | ({"Content-Encoding": encoding} if encoding else {})
    response = Response(request.url, 200, headers, body, request=request)
    unpacked = Unpack.from_crawler(get_crawler(QQSpider, OURS)).process_response(request, response)
    assert isinstance(unpacked, Response)
    return answered_page(unpacked, "qq", datetime.now(UTC))


def test_an_error_page_is_not_kept_while_its_request_waits_for_a_retry() -> None:
    request = Request("https://new.qq.com/rain/a/20261103A01ABC00")
    unpack = Unpack.from_crawler(get_crawler(QQSpider, OURS))
    for status in (200, 503):
        unpack.process_response(request, Response(request.url, status, {"Content-Encoding": "gzip"}, WHOLE))
    assert WHOLE not in request.meta.values()


class Waits:
    """`Backoff` with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.crawler = get_crawler(QQSpider, OURS)
        self.crawler.spider = QQSpider.from_crawler(self.crawler)
        self.slot = SimpleNamespace(closing=None)
        self.closed: list[str] = []
        engine = SimpleNamespace(running=True, _slot=self.slot, close_spider_async=self._close)
        self.crawler._engine = cast(Any, engine)
        self.backoff = Backoff(self.crawler, 2.0, lambda: self.now)

    async def _close(self, *, reason: str) -> None:
        self.closed.append(reason)

    def seconds(self, url: str, tries: int = 0) -> float:
        return self.backoff.seconds_left(Request(url, meta={"retry_times": tries}))

    def answer(self, url: str, status: int, tries: int = 0, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(url, meta={"retry_times": tries})
        self.backoff.process_response(request, Response(url, status=status, headers=named))


def test_retries_wait_twice_as_long_each_time() -> None:
    waits = Waits()
    assert [waits.seconds("https://new.qq.com/", tries) for tries in (0, 1, 2, 3, 20, 5000)] == [0, 2, 4, 8, 300, 300]


def test_the_time_of_a_retry_begins_once() -> None:
    waits = Waits()
    request = Request("https://new.qq.com/", meta={"retry_times": 1})
    assert waits.backoff.seconds_left(request) == 2
    waits.now += 1.5
    assert waits.backoff.seconds_left(request) == 0.5
    waits.now += 1
    assert waits.backoff.seconds_left(request) == 0
    again = request.copy()
    again.meta["retry_times"] = 2
    assert waits.backoff.seconds_left(again) == 4


@pytest.mark.parametrize(
    ("status", "told", "seconds"),
    [
        (567, None, 8),
        (429, None, 8),
        (429, "60", 60),
        (503, "60", 60),
        (503, None, 0),
        (503, "soon", 0),
        (429, "soon", 8),
        (429, "²", 8),
        (429, "9" * 5000, 300),
        (503, "Thu, 26 Nov 2026 02:01:30 GMT", 90),
        (429, "Thu, 26 Nov 2026 01:00:00 GMT", 0),
        (429, "Thu, 99 Nov 2026 01:00:00 GMT", 8),
        (503, "Fri, 26 Nov 9999 02:00:00 GMT", 300),
        (200, "60", 0),
        (302, "60", 0),
        (404, None, 0),
        (501, None, 0),
    ],
)
def test_a_host_that_asks_for_quiet_is_left_alone_and_the_others_are_not(
    status: int, told: str | None, seconds: int
) -> None:
    waits = Waits()
    headers = {"Date": "Thu, 26 Nov 2026 02:00:00 GMT"} | ({"Retry_After": told} if told else {})
    waits.answer("https://new.qq.com/a", status, tries=2, **headers)
    assert waits.seconds("https://new.qq.com/b") == seconds
    assert waits.seconds("https://i.news.qq.com/b") == 0
    waits.answer("https://new.qq.com/a", 429, Retry_After="1")
    assert waits.seconds("https://new.qq.com/b") == max(seconds, 1), "a shorter one ends no longer one"


def asked(waits: Waits, url: str, **options: Any) -> Request | None:
    return asyncio.run(waits.backoff.process_request(Request(url, **options)))


def test_what_has_waited_goes_back_to_the_scheduler_and_a_picture_to_the_end_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Waits()

    async def sleep(seconds: float) -> None:
        waits.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for host in ("https://new.qq.com", "https://inews.gtimg.com"):
        assert asked(waits, f"{host}/a") is None
        waits.answer(f"{host}/a", 429, Retry_After="30")
    back = asked(waits, "https://new.qq.com/a", priority=3)
    assert back is not None
    assert (back.url, back.priority, waits.now) == ("https://new.qq.com/a", 3, 1030)
    for host in ("https://new.qq.com", "https://inews.gtimg.com"):
        waits.answer(f"{host}/a", 429, Retry_After="30")
    own: dict[str, Any] = {"callback": NO_CALLBACK}
    for url in ("https://inews.gtimg.com/p", "https://inews.gtimg.com/robots.txt"):
        with pytest.raises(NotSent, match="would have to wait"):
            asked(waits, url, meta={"picture": url} if url.endswith("p") else {}, **own)
    waits.slot.closing = object()
    for url in ("https://inews.gtimg.com/p", "https://new.qq.com/x"):
        with pytest.raises(NotSent, match="the crawl was stopped"):
            asked(waits, url, meta={"may_wait": True}, **own)


def test_after_a_501_nothing_is_sent_by_either_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answered(_: object, request: Request) -> Response:
        return Response(request.url, status=501)

    def made(self: Any, crawler: object) -> None:
        self.crawler, self._pool = crawler, SimpleNamespace()

    monkeypatch.setattr(HTTP11DownloadHandler, "__init__", made)
    monkeypatch.setattr(HTTP11DownloadHandler, "download_request", answered)
    crawlers = Waits(), Waits()
    monkeypatch.setattr(Backoff, "of", {each.crawler: each.backoff for each in crawlers}.__getitem__)
    one, other = (each.crawler for each in crawlers)
    by_http, by_https, of_another = (ArticleDownloadHandler(each) for each in (one, one, other))
    assert asyncio.run(by_http.download_request(Request("http://new.qq.com/a"))).status == 501
    with pytest.raises(NotSent):
        asyncio.run(by_https.download_request(Request("https://new.qq.com/a")))
    assert asyncio.run(of_another.download_request(Request("https://new.qq.com/a"))).status == 501
    assert [each.closed for each in crawlers] == [["refused"], ["refused"]]
