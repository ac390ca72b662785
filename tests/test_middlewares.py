"""Which hosts are asked, and how long a retry waits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from newsarchive.extensions.faults import is_site_error
from newsarchive.handlers import NotSent
from newsarchive.middlewares import Backoff, SiteHosts
from newsarchive.spiders.answers import Trouble, error_trouble
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
    assert error_trouble(caught.value) is Trouble.UNREACHABLE


def test_a_page_that_unpacks_too_large_is_no_refusal() -> None:
    too_large = IgnoreRequest("exceeded DOWNLOAD_MAXSIZE")
    too_large.__cause__ = ValueError("of the decompression")
    assert error_trouble(too_large) is Trouble.ARTICLE
    assert error_trouble(IgnoreRequest("Forbidden by robots.txt")) is Trouble.REFUSED


class Waits:
    """A `Backoff` whose waiting is noted instead of done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.backoff = Backoff(2.0, lambda: self.goes_on, lambda: self.now)
        self.goes_on = True
        self.now = 1000.0
        self.meanwhile: list[Callable[[], object]] = []
        self.steps: list[list[float]] = []
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.steps[-1].append(seconds)
        self.now += seconds
        while self.meanwhile:
            self.meanwhile.pop()()

    @property
    def waited(self) -> list[int]:
        """Seconds of each request that had to wait."""
        return [round(sum(steps)) for steps in self.steps if steps]

    def ask(self, url: str, tries: int = 0) -> None:
        self.steps.append([])
        asyncio.run(self.backoff.process_request(Request(url, meta={"retry_times": tries})))

    def answer(self, url: str, status: int, tries: int = 0, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = Response(url, status=status, headers=named)
        self.backoff.process_response(Request(url, meta={"retry_times": tries}), response)


def test_retries_wait_twice_as_long_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)
    for tries in (0, 1, 2, 3, 20):
        waits.ask("https://new.qq.com/", tries)
    assert waits.waited == [2, 4, 8, 300]


def test_a_host_that_has_too_many_requests_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)
    waits.answer("https://new.qq.com/a", 567, tries=2)
    waits.ask("https://new.qq.com/b")
    waits.ask("https://i.news.qq.com/b")
    waits.answer("https://new.qq.com/a", 429, Retry_After="60")
    waits.ask("https://new.qq.com/c")
    assert waits.waited == [8, 60], "the other host is asked at once"


def test_a_host_that_asks_for_quiet_is_heard_by_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)
    waits.meanwhile.append(lambda: waits.answer("https://new.qq.com/a", 429, Retry_After="30"))
    waits.ask("https://new.qq.com/b", tries=1)
    assert waits.waited == [30], "half a second of its own two, then the host's thirty"


def test_a_crawl_that_is_stopped_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)
    waits.goes_on = False
    with pytest.raises(NotSent, match="the crawl was stopped"):
        waits.ask("https://new.qq.com/", tries=20)
    waits.ask("https://new.qq.com/", tries=0)
    assert waits.waited == []


def test_other_answers_ask_for_no_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)
    for status in (200, 404, 500, 501):
        waits.answer("https://new.qq.com/a", status, tries=3)
    waits.ask("https://new.qq.com/b")
    assert waits.waited == []
