"""What is between Scrapy's engine and the network: hosts that are asked, waiting, fetching, what ends a crawl."""

import asyncio
import logging
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, cast

from scrapy import Request, Spider
from scrapy.core.downloader import Downloader
from scrapy.core.downloader.handlers import http11
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.httpobj import urlparse_cached
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS

from newsarchive.archive.archive import Archive
from newsarchive.extensions import opens_archive
from newsarchive.items import Page

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 300.0  # seconds
_TOO_MANY = frozenset({429, 567})  # the latter is Tencent's
_MOST_WAITING = 1000  # requests that wait at the same time
_LONGEST_HEADERS = 256 * 1024  # bytes, with what comes in the same chunk as the last of them; as in Chrome
_CHECK_EVERY = 0.5  # seconds between two checks whether the crawl goes on
_RETRY = "newsarchive_retry_waits_until"  # in a request's meta
_GZIP = 31  # zlib's number for a header and its checksum
_PACKED = "newsarchive_packed"  # in a request's meta: the body of its answer as it came


class NotSent(IgnoreRequest):
    """The request was not sent, so it does not count as a try."""


def engine_slot(crawler: Crawler) -> Any:
    """Private state of Scrapy's engine: Scrapy 2.19 has no public way to what its users here need.

    `closing` says whether the crawl is ending, and `nextcall` has the engine look for work at once.
    """
    return crawler.engine._slot


def is_ending(crawler: Crawler) -> bool:
    """Whether the crawl was stopped."""
    slot = engine_slot(crawler)
    # not `crawler.crawling`, which `scrapy shell` never is
    return not crawler.engine.running or slot is None or slot.closing is not None


def shared_archive(crawler: Crawler) -> Archive | None:
    """The archive, if other runs may be using it, and the site, at the same time."""
    archive: Archive | None = getattr(crawler.spider, "archive", None)
    return archive if archive and archive.ledger.is_shared else None


class SiteHosts:
    """A downloader middleware: only hosts of the site are asked.

    Scrapy's own lets every request with `dont_filter` through, and each retry and each redirect of a retry has it.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless there is an archive to protect: in `scrapy shell` a person names each URL."""
        if not opens_archive(crawler):
            raise NotConfigured
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raises `IgnoreRequest` for any other host or scheme."""
        parts, spider = urlparse_cached(request), cast("Any", self.crawler.spider)  # an `ArchiveSpider`
        domains = list(spider.allowed_domains)
        if request.meta.get("picture") or parts.path == "/robots.txt":  # pictures may have hosts of their own
            domains += spider.picture_domains
        if parts.scheme not in ("http", "https") or not _is_below(parts.hostname, domains):
            raise IgnoreRequest(f"refused {request.url}: {parts.scheme}://{parts.hostname} is no host of the site")


class Backoff:
    """A downloader middleware: a retry waits, and so does any request to a host that has asked us to wait.

    What waits is among the downloader's active requests, of which `WaitingDownloader` does not count it.
    """

    def __init__(self, crawler: Crawler, first_wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.crawler = crawler
        self.first_wait = first_wait
        """How many seconds a first retry waits; each further one twice as long."""
        self.clock = clock
        self.refused = False
        """Whether the site's firewall has refused a request."""
        self._quiet_until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler, crawler.settings.getfloat("ARCHIVE_BACKOFF"))

    @classmethod
    def of(cls, crawler: Crawler) -> Self:
        backoff = crawler.get_downloader_middleware(cls)
        assert backoff is not None, "DOWNLOADER_MIDDLEWARES must have newsarchive.downloader.Backoff"  # noqa: S101
        return backoff

    async def process_request(self, request: Request) -> Request | None:
        """Waits. A request goes to the scheduler then, because not all that have waited may be sent at once.

        Raises `NotSent` for a picture that can wait until the end of the run, and as soon as the crawl is stopped.
        """
        if not self.seconds_left(request):
            return None
        host = urlparse_cached(request).hostname
        is_picture = request.meta.get("picture") or _is_below(host, getattr(self.crawler.spider, "picture_domains", ()))
        if is_picture and not request.meta.get("may_wait"):
            raise NotSent(f"{request.url}: not sent, it would have to wait")
        while seconds := self.seconds_left(request):
            if is_ending(self.crawler):
                raise NotSent(f"{request.url}: not sent, the crawl was stopped")
            await asyncio.sleep(min(seconds, _CHECK_EVERY))
        return None if request.callback is NO_CALLBACK else request.copy()

    def seconds_left(self, request: Request) -> float:
        """How long it still has to wait; 0 when it may go out. The wait of a retry starts at the first call."""
        tries = request.meta.get("retry_times", 0)  # Scrapy's retry middleware counts here, and `get_retry_request`
        counted, until = request.meta.get(_RETRY, (0, 0.0))
        if tries != counted:
            until = self.clock() + self._wait(tries - 1)
            request.meta[_RETRY] = tries, until
        now, quiet_until = self.clock(), self._quiet_until.get(urlparse_cached(request).netloc, 0.0)
        return float(max(now, until, quiet_until) - now)

    def process_response(self, request: Request, response: Response) -> Response:
        """Notes an answer that asks us to wait: as long as it says, or as long as this request's next retry."""
        wait = _retry_after(response) if response.status >= 400 else 0.0
        if wait is None:
            wait = self._wait(request.meta.get("retry_times", 0)) if response.status in _TOO_MANY else 0.0
        if wait:
            host = urlparse_cached(request).netloc
            wait = min(wait, _LONGEST_WAIT)
            if archive := shared_archive(self.crawler):
                archive.ledger.database.quiet(host, wait)
            self._leave_quiet(host, wait)
        return response

    async def take_turn(self, request: Request) -> None:
        """Waits until the host may be asked, where several runs keep one delay together.

        Raises `NotSent` when the crawl is stopped, or when the site's firewall has refused any of the runs.
        """
        archive = shared_archive(self.crawler)
        host = urlparse_cached(request).netloc
        while archive is not None and not self.refused:
            slot = self.crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
            delay = slot.delay if slot else 0.0  # AutoThrottle's
            turn = archive.ledger.database.take_turn(archive.ledger.run, host, delay)
            if turn.is_refused and not request.meta.get("picture"):
                self._stop("%s: the site's firewall has refused another run (501): stopped, too", request.url)
            elif not turn.wait:
                return
            elif is_ending(self.crawler):
                raise NotSent(f"{request.url}: not sent, the crawl was stopped")
            else:
                if turn.wait > delay + _CHECK_EVERY:  # another run was asked to wait
                    self._leave_quiet(host, turn.wait)
                await asyncio.sleep(min(turn.wait, _CHECK_EVERY))
        if self.refused:
            raise NotSent(f"{request.url}: not sent, the site's firewall has refused an earlier request (501)")

    def refuse(self, request: Request) -> None:
        """To be called when the site's firewall refuses us: ends this run and the others."""
        if archive := shared_archive(self.crawler):
            archive.ledger.database.refuse(urlparse_cached(request).netloc)
        self._stop(
            "%s: the site's firewall refuses us (501): stopped; wait some hours before the next run", request.url
        )

    def _leave_quiet(self, host: str, seconds: float) -> None:
        self._quiet_until[host] = max(self.clock() + seconds, self._quiet_until.get(host, 0.0))

    def _stop(self, message: str, url: str) -> None:
        self.refused = True
        logger.error(message, url)
        deferred_from_coro(self.crawler.engine.close_spider_async(reason="refused"))

    def _wait(self, tries: int) -> float:
        return min(self.first_wait * 2.0 ** min(tries, 64), _LONGEST_WAIT)


class Claims:
    """A downloader middleware: an article that another run fetches, or has fetched meanwhile, is not requested."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raises `NotSent`."""
        row, archive = request.cb_kwargs.get("row"), shared_archive(self.crawler)
        if row is not None and archive is not None and not archive.ledger.claim(row):
            cast("Any", self.crawler.spider).leave_to_another(row)
            raise NotSent(f"{request.url}: left to another run")


class Unpack(HttpCompressionMiddleware):
    """Scrapy's own, which also keeps what came with gzip, for its WARC record, and unpacks it in one step."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        came_packed = response.status == 200 and response.headers.getlist("Content-Encoding") == [b"gzip"]
        request.meta[_PACKED] = response.body if came_packed else b""
        return super().process_response(request, response)

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        """What is no whole file, or too large, is left to Scrapy's many steps. No public way has one step."""
        unpacker = zlib.decompressobj(_GZIP)
        with suppress(zlib.error):
            unpacked = unpacker.decompress(body, max_size) if encoding == b"gzip" else b""
            if unpacker.eof and not unpacker.unused_data:
                return unpacked
        return HttpCompressionMiddleware._decode(body, encoding, max_size)


class WaitingDownloader(Downloader):
    """A request that waits holds none of `CONCURRENT_REQUESTS`, nor does one that waits for its host's robots.txt."""

    def needs_backout(self) -> bool:
        backoff = Backoff.of(self.crawler)
        waiting = sum(backoff.seconds_left(request) > 0 for request in self.active)
        return waiting >= _MOST_WAITING or len(self.active) - waiting >= self.total_concurrency


class ArticleDownloadHandler(http11.HTTP11DownloadHandler):
    """HTTP with a limit on the size of headers. A 501, by which the site's firewall refuses us, ends the crawl.

    Only here can that stop every further request: one that waits for its turn at a host has passed all middlewares, and
    a spider that is closing still sends it.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _ClientFactory  # Scrapy 2.19 has no public way to set it

    async def download_request(self, request: Request) -> Response:
        """Raises `NotSent`."""
        backoff = Backoff.of(self.crawler)
        await backoff.take_turn(request)
        response = await super().download_request(request)
        is_picture = request.meta.get("picture")  # it comes from a host of its own
        if response.status == 501 and not is_picture and not backoff.refused:
            backoff.refuse(request)
        return response


class _ClientProtocol(http11._LenientHTTP11ClientProtocol):
    """Ends a connection whose answer has endless headers, which neither Scrapy nor Twisted does."""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  -- Twisted's name
        parser: Any = self._parser  # a new one for each answer
        if parser is not None and parser.state in (STATUS, HEADER):
            parser.received = getattr(parser, "received", 0) + len(data)
            if parser.received > _LONGEST_HEADERS:
                error = DownloadCancelledError(f"its headers are larger than {_LONGEST_HEADERS:,} bytes")
                self._giveUp(Failure(error))  # type: ignore[no-untyped-call]
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]


class _ClientFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: object) -> _ClientProtocol:  # noqa: ARG002, N802  -- Twisted's name
        return _ClientProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class Robots(ProtegoRobotParser):
    """Scrapy's own parser of a robots.txt, protected from files that are made to cost memory.

    It stores each rule once for each user agent of its group: in a file of 500 KiB these can be 300 million.
    """

    LARGEST = 500 * 1024  # bytes that are read, as RFC 9309 requires; the rest is ignored
    MOST = 2_000_000  # lines, times user agents: a file with more counts as one that forbids everything

    def __init__(self, robotstxt_body: bytes, spider: Spider | None = None) -> None:
        body = robotstxt_body[: self.LARGEST]
        if len(robotstxt_body) > self.LARGEST:  # half a rule would be another rule
            body = body[: 1 + max(body.rfind(b"\n"), body.rfind(b"\r"))]
        if len(body.splitlines()) * body.lower().count(b"agent") > self.MOST:
            body = b"User-agent: *\nDisallow: /"
        super().__init__(body, spider)


def answered_page(response: Response, source: str, fetched: datetime, **about: Any) -> Page:
    """A page as it came. Scrapy's own way to list headers fails at bytes that are no UTF-8."""
    pairs = ((name, value) for name, values in response.headers.items() for value in values)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    html, packed = response.body, response.meta.pop(_PACKED, b"")
    # the end of a gzip file; without it the answer was damaged, and Scrapy has unpacked what it could
    if packed.endswith(struct.pack("<II", zlib.crc32(html), len(html))):
        headers += (("Content-Encoding", "gzip"),)
        about["packed"] = packed
    about |= {"url": response.url, "status": response.status, "headers": headers}
    return Page(source=source, html=html, fetched=fetched, **about)


def header(response: Response, name: str) -> str:
    """A header of the answer, a character for each byte; `""` without it."""
    return (response.headers.get(name) or b"").strip().decode("latin-1")


def _retry_after(response: Response) -> float | None:
    """Seconds that the answer asks us to wait, as a number or as a date; `None` if it does not say."""
    # by the server's clock, which may differ from ours
    until, now = header(response, "Retry-After"), header(response, "Date")
    if until.isascii() and until.isdigit():
        return float(until)
    try:
        return max(0.0, (parsedate_to_datetime(until) - parsedate_to_datetime(now)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _is_below(host: str | None, domains: Iterable[str]) -> bool:
    return any(f".{host}".endswith(f".{domain}") for domain in domains)
