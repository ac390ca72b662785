"""Downloader middlewares: which hosts are asked at all, and how long a retry waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.httpobj import urlparse_cached

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


class SiteHosts(OffsiteMiddleware):
    """Only hosts of the site, redirects included.

    Scrapy's own middleware lets every request with `dont_filter` through, and each retry and each redirect of
    a retry has it.
    """

    def request_scheduled(self, request: Request, spider: Spider) -> None:
        """Nothing: a request that is refused here would go without its errback, and nobody would learn of it."""

    def process_request(self, request: Request, spider: Spider | None = None) -> None:  # noqa: ARG002
        """Raises `IgnoreRequest` for any other host or scheme."""
        assert self.crawler.spider  # noqa: S101
        parts = urlparse_cached(request)
        if parts.scheme in ("http", "https") and self.should_follow(request, self.crawler.spider):
            return
        raise IgnoreRequest(f"refused {request.url}: {parts.scheme}://{parts.hostname} is no host of the site")

    def should_follow(self, request: Request, spider: Spider) -> bool:
        """Pictures may have hosts of their own, whose robots.txt is read."""
        parts = urlparse_cached(request)
        if super().should_follow(request, spider):
            return True
        if not request.meta.get("picture") and parts.path != "/robots.txt":
            return False
        host = parts.hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in getattr(spider, "picture_domains", ()))


class Backoff:
    """A retried request waits before it goes out, each time twice as long."""

    longest = 300.0  # seconds

    def __init__(self, first: float) -> None:
        self.first = first

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler.settings.getfloat("ARCHIVE_BACKOFF"))

    async def process_request(self, request: Request) -> None:
        """`retry_times` counts in Scrapy's retry middleware and in `get_retry_request`."""
        tries = request.meta.get("retry_times", 0)
        if tries:
            await asyncio.sleep(min(self.first * 2 ** (tries - 1), self.longest))
