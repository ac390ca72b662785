"""Which hosts are asked, and how long a retry waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.test import get_crawler

from newsarchive.middlewares import Backoff, SiteHosts
from newsarchive.spiders.qq import QQSpider
from tests.test_arguments import OURS


def hosts() -> SiteHosts:
    crawler = get_crawler(QQSpider, OURS)
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


def test_retries_wait_twice_as_long_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for tries in (0, 1, 2, 3, 20):
        asyncio.run(Backoff(2.0).process_request(Request("https://new.qq.com/", meta={"retry_times": tries})))
    assert waited == [2.0, 4.0, 8.0, 300.0]
