"""What is between Scrapy's engine and the network: which hosts are asked, how long requests wait, what ends a crawl.

Requests that wait, a retry or any request to a host that has asked us to wait, wait in the scheduler and hold no slot,
so that requests to other hosts go on. Those that do not pass the scheduler, robots.txt and pictures, are handled by the
middleware `Backoff`.
"""

from __future__ import annotations

import asyncio
import gzip
import heapq
import time
import zlib
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from scrapy import Request, Spider
from scrapy.core.downloader import Downloader
from scrapy.core.downloader.handlers.file import FileDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.core.scheduler import Scheduler
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
    ResponseDataLossError,
)
from scrapy.http import Headers, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, RobotParser, decode_robotstxt
from scrapy.utils.asyncio import call_later
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.python import to_unicode
from twisted.python.failure import Failure

from newsarchive.errors import is_fatal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from scrapy.crawler import Crawler
    from scrapy.utils.asyncio import CallLaterResult
    from twisted.internet.defer import Deferred

_SITE = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)
_SITE_MODULES = (
    *("twisted.internet", "twisted.web", "OpenSSL"),
    *("brotli", "backports.zstd", "compression.zstd"),  # whichever Scrapy unpacks with
)

_LONGEST_HEADERS = 256 * 1024  # bytes, with what comes in the same chunk as the last of them; as in Chrome


def is_site_error(error: BaseException | None) -> bool:
    """The network or what came over it; Scrapy passes on some of Twisted's errors unchanged."""
    if error is not None and is_fatal(error):  # such as no connection, because too many files are open
        return False
    return isinstance(error, _SITE) or type(error).__module__.startswith(_SITE_MODULES)


class NotSent(IgnoreRequest):
    """The request was not sent, so it does not count as a try."""


class Refused(NotSent):
    """It was not sent because the site's firewall has refused an earlier one."""


class _HeaderLimit:
    """Ends a connection whose answer has endless headers: counts the bytes until they are complete."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._receive, self._request = protocol.dataReceived, protocol.request
        self._left: int | None = None
        protocol.dataReceived, protocol.request = self.data_received, self.request

    def request(self, request: object) -> Any:
        self._left = _LONGEST_HEADERS
        return self._request(request).addCallbacks(self._headers_complete, self._failed)

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._protocol.transport.abortConnection()
                return
        self._receive(data)

    def _headers_complete(self, response: object) -> object:
        self._left = None
        return response

    def _failed(self, failure: Failure) -> Failure:
        if self._left is not None and self._left < 0:
            raise DownloadCancelledError(f"its headers are larger than {_LONGEST_HEADERS:,} bytes")
        return failure


class ArticleDownloadHandler(HTTP11DownloadHandler):
    """HTTP with a limit on the size of headers, which neither Scrapy nor Twisted has, and silence after a 501.

    That the site's firewall answered with 501 is noticed here and not in a middleware: requests that wait for their
    turn at a host have passed all middlewares, and a spider that is closing still sends them.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.crawler = crawler
        self._pool._factory = _with_limit(self._pool._factory)  # Scrapy 2.19 has no public way to set it

    async def download_request(self, request: Request) -> Response:
        """Raises `Refused`."""
        limits = SiteLimits.of(self.crawler)
        if limits.refused:
            raise Refused(f"{request.url}: not sent, the site's firewall has refused an earlier request (501)")
        sent = _with_header_for_user(request)
        response = await super().download_request(sent)
        request.meta.update(sent.meta)  # how long it took, which AutoThrottle needs
        if response.status == 501 and not request.meta.get("picture"):  # pictures come from hosts of their own
            limits.refused = True
        return response


def _with_limit(factory: type[Any]) -> type[Any]:
    class Limited(factory):  # type: ignore[misc]
        def buildProtocol(self, addr: object) -> Any:  # noqa: N802  -- Twisted's name
            protocol = super().buildProtocol(addr)
            _HeaderLimit(protocol)
            return protocol

    return Limited


def _with_header_for_user(request: Request) -> Request:
    """`https://user:password@host/` as HTTP clients send it, so that no answer and no error has these in its URL."""
    parts = urlsplit(request.url)
    who, at, host = parts.netloc.rpartition("@")
    if not at:
        return request
    user, _, password = (unquote(part).encode() for part in who.partition(":"))
    headers = request.headers.copy()
    headers.setdefault("Authorization", b"Basic " + b64encode(user + b":" + password))
    return request.replace(url=parts._replace(netloc=host).geturl(), headers=headers)


def is_closing(crawler: Crawler) -> bool:
    """Whether the spider is closing, which waits for every request that is on its way."""
    slot = _engine_slot(crawler)
    return slot is not None and slot.closing is not None


def wake_engine(crawler: Crawler) -> None:
    """Has the engine look for work now, and not at its next heartbeat, up to five seconds later."""
    if slot := _engine_slot(crawler):
        slot.nextcall.schedule()


def _engine_slot(crawler: Crawler) -> Any:
    """Scrapy 2.19 has no public way to either."""
    return crawler.engine._slot if crawler.engine else None


class SavedPage(FileDownloadHandler):
    """`scrapy shell ./page.html`. Not for a crawl, whose URLs come from the network."""

    def __init__(self, crawler: Crawler) -> None:
        """Raises `NotConfigured` with `ARCHIVE_OPEN`."""
        if crawler.settings.getbool("ARCHIVE_OPEN"):
            raise NotConfigured("a crawl opens no files")
        super().__init__(crawler)


_LONGEST_WAIT = 300.0  # seconds
_TOO_MANY = frozenset({429, 567})  # the latter is Tencent's
_MOST_WAITING = 2000  # requests that wait; each takes 3 kB
_RETRY = "newsarchive_retry_waits_until"  # in a request's meta


class SiteLimits:
    """What the site has asked of this crawl: to wait with requests to a host, or (501) to send nothing more.

    An extension, so that handlers, scheduler, downloader and middlewares find it.
    """

    def __init__(self, first: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.first = first
        """How many seconds a first retry waits; each further one twice as long."""
        self.clock = clock
        self.refused = False
        """Whether the site's firewall has refused a request."""
        self.waiting = 0
        """How many requests wait in the scheduler."""
        self._quiet_until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler.settings.getfloat("ARCHIVE_BACKOFF"))

    @classmethod
    def of(cls, crawler: Crawler) -> SiteLimits:
        limits = crawler.get_extension(cls)
        assert limits is not None, "EXTENSIONS must have newsarchive.downloader.SiteLimits"  # noqa: S101
        return limits

    @property
    def is_full(self) -> bool:
        """Whether so many requests wait that no more should be added, for any host."""
        return self.waiting >= _MOST_WAITING

    def until(self, request: Request) -> float:
        """By the clock. The wait of a retry starts at the first call."""
        return max(self._retry_until(request), self._quiet_until.get(_host(request), 0.0))

    def seconds(self, request: Request) -> float:
        """How long it still has to wait; 0 when it may go out."""
        return max(0.0, self.until(request) - self.clock())

    def is_quiet(self, request: Request) -> bool:
        """Whether the request's host has asked us to wait."""
        return self._quiet_until.get(_host(request), 0.0) > self.clock()

    def note_answer(self, request: Request, response: Response) -> None:
        """Notes an answer that asks us to wait: as long as it says, or as long as this request's next retry."""
        asked = retry_after(response) if response.status >= 400 else None
        if asked is None and response.status in _TOO_MANY:
            asked = self._wait(request.meta.get("retry_times", 0))
        if asked is not None:
            self.set_quiet(request, self.clock() + min(asked, _LONGEST_WAIT))

    def set_quiet(self, request: Request, until: float) -> None:
        """Nothing goes to the request's host before that time."""
        host = _host(request)
        self._quiet_until[host] = max(until, self._quiet_until.get(host, 0.0))

    def _retry_until(self, request: Request) -> float:
        tries = request.meta.get("retry_times", 0)  # Scrapy's retry middleware counts here, and `get_retry_request`
        if not tries:
            return 0.0
        counted, until = request.meta.get(_RETRY, (0, 0.0))
        if counted != tries:
            until = self.clock() + self._wait(tries - 1)
            request.meta[_RETRY] = tries, until
        return float(until)

    def _wait(self, tries: int) -> float:
        return min(self.first * 2.0 ** min(tries, 64), _LONGEST_WAIT)


class WaitingScheduler(Scheduler):
    """Keeps waiting requests outside its queues, and gives them to the engine when their time has come."""

    def open(self, spider: Spider) -> Deferred[None] | None:
        assert self.crawler  # noqa: S101
        self._limits = SiteLimits.of(self.crawler)
        self._waiting: list[tuple[float, int, Request]] = []
        self._number = count()  # requests cannot be compared
        self._timer: CallLaterResult | None = None
        return super().open(spider)

    def enqueue_request(self, request: Request) -> bool:
        if self._limits.seconds(request):
            self._wait(request)
            return True
        return super().enqueue_request(request)

    def next_request(self) -> Request | None:
        while (request := super().next_request()) is not None:
            if not self._limits.seconds(request):
                return request
            self._wait(request)  # its host has asked us to wait in the meantime
        return None

    def __len__(self) -> int:
        """With those that wait, or the crawl would end."""
        return super().__len__() + len(self._waiting)

    def close(self, reason: str) -> Deferred[None] | None:
        if self._timer:
            self._timer.cancel()
        return super().close(reason)

    def _wait(self, request: Request) -> None:
        first = self._waiting[0] if self._waiting else None
        heapq.heappush(self._waiting, (self._limits.until(request), next(self._number), request))
        self._limits.waiting = len(self._waiting)
        if self._waiting[0] is not first:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if self._waiting:
            self._timer = call_later(max(0.0, self._waiting[0][0] - self._limits.clock()), self._release)

    def _release(self) -> None:
        self._timer = None
        now, ready = self._limits.clock(), []
        while self._waiting and self._waiting[0][0] <= now:
            ready.append(heapq.heappop(self._waiting)[-1])
        self._limits.waiting = len(self._waiting)
        for request in ready:
            self.crawler.engine.crawl(request)  # type: ignore[union-attr]  # which wakes the engine up, too
        self._set_timer()


class WaitingDownloader(Downloader):
    """A request whose host has asked us to wait holds none of `CONCURRENT_REQUESTS`.

    These include requests that need a host's robots.txt, and pictures at the end of a run.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._limits = SiteLimits.of(crawler)

    def needs_backout(self) -> bool:
        if self._limits.is_full:
            return True
        return super().needs_backout() and self.total_concurrency <= sum(
            not self._limits.is_quiet(it) for it in self.active
        )


def retry_after(response: Response) -> float | None:
    """Seconds that a `Retry-After` header asks for, which may also name a date; `None` when it has neither.

    >>> from scrapy.http import Response
    >>> asked = {"Date": "Thu, 26 Nov 2026 02:00:00 GMT", "Retry-After": "Thu, 26 Nov 2026 02:01:30 GMT"}
    >>> retry_after(Response("https://new.qq.com/", headers=asked))
    90.0
    """
    text = _header(response, "Retry-After")
    if text.isascii() and text.isdecimal():
        return float(text)
    if (until := _date(text)) is None:
        return None
    now = _date(_header(response, "Date")) or datetime.now(UTC)  # the server's clock, which may differ from ours
    return max(0.0, (until - now).total_seconds())


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1").strip()


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _host(request: Request) -> str:
    return urlparse_cached(request).netloc.rpartition("@")[2]


# downloader middlewares

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


# robots.txt

LARGEST = 500 * 1024
"""Bytes that are read, as RFC 9309 requires; the rest is ignored."""

_AGENT = frozenset({"user-agent", "useragent", "user agent"})
_OF_NO_GROUP = frozenset({"sitemap", "sitemaps", "site-map", "host"})


class Robots(RobotParser):
    """Protego, given only the rules for one user agent.

    It stores each rule once for each agent of its group: a file of 500 KiB can have 300 million of these.
    """

    def __init__(self, body: bytes) -> None:
        if len(body) > LARGEST:  # half a rule would be another rule
            end = max(body.rfind(b"\n", 0, LARGEST), body.rfind(b"\r", 0, LARGEST))
            body = body[: end + 1]
        self._groups = list(_groups(decode_robotstxt(body, None)))
        self._parsers: dict[str, ProtegoRobotParser] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> Self:  # noqa: ARG003
        return cls(robotstxt_body)

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        return self._parser(to_unicode(user_agent)).allowed(url, "*")

    def crawl_delay(self, user_agent: str | bytes) -> float | None:
        return self._parser(to_unicode(user_agent)).crawl_delay("*")

    def _parser(self, user_agent: str) -> ProtegoRobotParser:
        if user_agent not in self._parsers:
            token = self._closest(user_agent.lower())
            rules = [rule for agents, rules in self._groups if token in agents for rule in rules]
            text = "\n".join(["User-agent: *", *rules])
            self._parsers[user_agent] = ProtegoRobotParser(text.encode(), None)
        return self._parsers[user_agent]

    def _closest(self, user_agent: str) -> str:
        """The longest name in the file that is a word of the user agent, or begins one; `*` when none is."""
        begins = [at for at, before in enumerate(f" {user_agent}"[:-1]) if not _is_of_word(before)]
        words = tuple(user_agent[at:] for at in begins)
        names = {name for agents, _ in self._groups for name in agents if name != "*"}
        fitting = (name for name in names if any(word.startswith(name) for word in words))
        return max(fitting, key=lambda name: (len(name), name), default="*")


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter in "-_"


def _groups(text: str) -> list[tuple[set[str], list[str]]]:
    """Names of agents in lower case, and the lines that follow them."""
    groups: list[tuple[set[str], list[str]]] = []
    for line in text.splitlines():
        field, value = _field(line.partition("#")[0].strip())
        if field in _AGENT:
            if not groups or groups[-1][1]:
                groups.append((set(), []))
            name = value.lower()
            groups[-1][0].add(name if name == "*" else name.replace("*", ""))
        elif field and field not in _OF_NO_GROUP and groups:
            groups[-1][1].append(line)
    for agents, _ in groups:
        agents.discard("")
    return groups


def _field(line: str) -> tuple[str, str]:
    """The field and the value of a line. Some write the name of an agent without the colon."""
    field, colon, value = (part.strip() for part in line.partition(":"))
    if colon and field.lower() in _AGENT:
        return field.lower(), value
    words = line.split()
    for number in (1, 2):
        if (name := " ".join(words[:number]).lower()) in _AGENT:
            return name, " ".join(words[number:])
    return field.lower(), value


def header_pairs(headers: Headers) -> tuple[tuple[str, str], ...]:
    r"""Name and value of each header in order; Scrapy's own `to_tuple_list` fails at bytes that are no UTF-8.

    >>> header_pairs(Headers({"ETag": b'"\xe9"'}))
    (('Etag', '"é"'),)
    """
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values
    )
