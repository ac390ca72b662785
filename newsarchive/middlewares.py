"""Downloader middlewares: which hosts are asked at all, and how long a retry waits."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from newsarchive.handlers import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from scrapy.crawler import Crawler

_LOOK = 0.5  # seconds between two looks whether the crawl goes on


def _is_closing(crawler: Crawler) -> bool:
    """Whether the spider is told to close, which waits for every request that is on its way."""
    slot = crawler.engine._slot if crawler.engine else None  # there is no public word for it
    return slot is not None and slot.closing is not None


class SiteHosts(OffsiteMiddleware):
    """Only hosts of the site, redirects included.

    Scrapy's own middleware lets every request with `dont_filter` through, and each retry and each redirect of
    a retry has it.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is an archive to guard: in `scrapy shell` a person names each URL."""
        if not crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        return super().from_crawler(crawler)

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
    """A retried request waits before it goes out, each time twice as long.

    A host that says "too many requests" (429, or 567 at Tencent) is left alone altogether for as long.
    """

    longest = 300.0  # seconds
    too_many = frozenset({429, 567})

    def __init__(
        self, first: float, goes_on: Callable[[], bool] = lambda: True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.first = first
        self.goes_on = goes_on
        self.clock = clock
        self.quiet_until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        first = crawler.settings.getfloat("ARCHIVE_BACKOFF")
        # not `crawler.crawling`, which `scrapy shell` never is
        return cls(first, lambda: crawler.engine.running and not _is_closing(crawler))

    async def process_request(self, request: Request) -> None:
        """`retry_times` counts in Scrapy's retry middleware and in `get_retry_request`.

        Raises `NotSent` when the crawl is stopped meanwhile: nobody is to wait five minutes for that.
        """
        tries = request.meta.get("retry_times", 0)
        host = urlparse_cached(request).netloc
        own = self.clock() + (self._wait(tries - 1) if tries else 0.0)
        # the host may ask for more quiet meanwhile
        while (seconds := max(own, self.quiet_until.get(host, 0.0)) - self.clock()) > 0:
            if not self.goes_on():
                raise NotSent(f"{request.url}: not sent, the crawl was stopped")
            await asyncio.sleep(min(seconds, _LOOK))

    def process_response(self, request: Request, response: Response) -> Response:
        if response.status in self.too_many:
            told = (response.headers.get("Retry-After") or b"").decode("latin-1")
            seconds = float(told) if told.isdecimal() else self._wait(request.meta.get("retry_times", 0))
            until = self.clock() + min(seconds, self.longest)
            host = urlparse_cached(request).netloc
            self.quiet_until[host] = max(until, self.quiet_until.get(host, 0.0))
        return response

    def _wait(self, tries: int) -> float:
        factor: int = 2**tries
        return min(self.first * factor, self.longest)
