"""Downloader middlewares: which hosts are asked at all, and how long a retry waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from newsarchive.downloader import NotSent, SiteLimits, is_closing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Self

    from scrapy.crawler import Crawler

_LOOK = 0.5  # seconds between two checks whether the crawl goes on


class SiteHosts(OffsiteMiddleware):
    """Only hosts of the site, redirects included.

    Scrapy's own middleware lets every request with `dont_filter` through, and each retry and each redirect of
    a retry has it.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is an archive to protect: in `scrapy shell` a person names each URL."""
        if not crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured
        return super().from_crawler(crawler)

    def request_scheduled(self, request: Request, spider: Spider) -> None:
        """Does nothing: a request refused here would be dropped silently, without its errback."""

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
        return _is_below(parts.hostname, getattr(spider, "picture_domains", ()))


class Backoff:
    """Notes hosts that ask us to wait, and delays requests to them that do not pass the scheduler."""

    def __init__(
        self,
        limits: SiteLimits,
        goes_on: Callable[[], bool] = lambda: True,
        picture_domains: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.limits = limits
        self.goes_on = goes_on
        self.picture_domains = picture_domains

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(
            SiteLimits.of(crawler),
            # not `crawler.crawling`, which `scrapy shell` never is
            lambda: crawler.engine.running and not is_closing(crawler),
            lambda: getattr(crawler.spider, "picture_domains", ()),
        )

    async def process_request(self, request: Request) -> Request | None:
        """A request from the scheduler goes back there when its host has asked us to wait in the meantime.

        Raises `NotSent` for a picture that can wait until the end of the run, and when the crawl is stopped: that
        must not take five minutes.
        """
        if not self.limits.seconds(request):
            return None
        if request.callback is not NO_CALLBACK:
            return request.copy()
        parts = urlparse_cached(request)
        if parts.path == "/robots.txt":  # the requests that need it must not hold a slot either
            self.limits.set_quiet(request, self.limits.until(request))
        picture = request.meta.get("picture") or _is_below(parts.hostname, self.picture_domains())
        if picture and not request.meta.get("may_wait"):
            raise NotSent(f"{request.url}: not sent, it would have to wait")
        while seconds := self.limits.seconds(request):
            if not self.goes_on():
                raise NotSent(f"{request.url}: not sent, the crawl was stopped")
            await asyncio.sleep(min(seconds, _LOOK))
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        self.limits.note_answer(request, response)
        return response


def _is_below(host: str | None, domains: Collection[str]) -> bool:
    return any(f".{host}".endswith(f".{domain}") for domain in domains)
