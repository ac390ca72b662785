"""Requests that wait: a retry before it goes out, and all requests to a host that has asked us to wait.

They wait in the scheduler and hold no slot, so that requests to other hosts go on. Those that do not pass the
scheduler, robots.txt and pictures, are handled by `Backoff` in `middlewares.py`.
"""

from __future__ import annotations

import heapq
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

from scrapy.core.downloader import Downloader
from scrapy.core.scheduler import Scheduler
from scrapy.utils.asyncio import call_later
from scrapy.utils.httpobj import urlparse_cached

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.utils.asyncio import CallLaterResult
    from twisted.internet.defer import Deferred

_LONGEST = 300.0  # seconds
_TOO_MANY = frozenset({429, 567})  # the latter is Tencent's
_MOST = 2000  # requests that wait; each takes 3 kB
_RETRY = "newsarchive_retry_waits_until"  # in a request's meta


class Patience:
    """How long a request has to wait. One for each crawler."""

    _of: ClassVar[WeakKeyDictionary[Crawler, Patience]] = WeakKeyDictionary()

    def __init__(self, first: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.first = first
        """How many seconds a first retry waits; each further one twice as long."""
        self.clock = clock
        self.waiting = 0
        """How many requests wait in the scheduler."""
        self._quiet_until: dict[str, float] = {}

    @classmethod
    def of(cls, crawler: Crawler) -> Patience:
        if crawler not in cls._of:
            cls._of[crawler] = cls(crawler.settings.getfloat("ARCHIVE_BACKOFF"))
        return cls._of[crawler]

    @property
    def is_full(self) -> bool:
        """Whether so many requests wait that no more should be added, for any host."""
        return self.waiting >= _MOST

    def until(self, request: Request) -> float:
        """By the clock. The wait of a retry starts at the first call."""
        return max(self._retry_until(request), self._quiet_until.get(_host(request), 0.0))

    def seconds(self, request: Request) -> float:
        """How long it still has to wait; 0 when it may go out."""
        return max(0.0, self.until(request) - self.clock())

    def leaves_alone(self, request: Request) -> bool:
        """Whether the request's host has asked us to wait."""
        return self._quiet_until.get(_host(request), 0.0) > self.clock()

    def listen(self, request: Request, response: Response) -> None:
        """Notes an answer that asks us to wait: as long as it says, or as long as this request's next retry."""
        asked = retry_after(response) if response.status >= 400 else None
        if asked is None and response.status in _TOO_MANY:
            asked = self._wait(request.meta.get("retry_times", 0))
        if asked is not None:
            self.leave_alone(request, self.clock() + min(asked, _LONGEST))

    def leave_alone(self, request: Request, until: float) -> None:
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
        return min(self.first * 2.0 ** min(tries, 64), _LONGEST)


class PatientScheduler(Scheduler):
    """Keeps waiting requests outside its queues, and gives them to the engine when their time has come."""

    def open(self, spider: Spider) -> Deferred[None] | None:
        assert self.crawler  # noqa: S101
        self._patience = Patience.of(self.crawler)
        self._waiting: list[tuple[float, int, Request]] = []
        self._number = count()  # requests cannot be compared
        self._timer: CallLaterResult | None = None
        return super().open(spider)

    def enqueue_request(self, request: Request) -> bool:
        if self._patience.seconds(request):
            self._wait(request)
            return True
        return super().enqueue_request(request)

    def next_request(self) -> Request | None:
        while (request := super().next_request()) is not None:
            if not self._patience.seconds(request):
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
        heapq.heappush(self._waiting, (self._patience.until(request), next(self._number), request))
        self._patience.waiting = len(self._waiting)
        if self._waiting[0] is not first:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if self._waiting:
            self._timer = call_later(max(0.0, self._waiting[0][0] - self._patience.clock()), self._release)

    def _release(self) -> None:
        self._timer = None
        now, ready = self._patience.clock(), []
        while self._waiting and self._waiting[0][0] <= now:
            ready.append(heapq.heappop(self._waiting)[-1])
        self._patience.waiting = len(self._waiting)
        for request in ready:
            self.crawler.engine.crawl(request)  # type: ignore[union-attr]  # which wakes the engine up, too
        self._set_timer()


class PatientDownloader(Downloader):
    """A request whose host has asked us to wait holds none of `CONCURRENT_REQUESTS`.

    These include requests that need a host's robots.txt, and pictures at the end of a run.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._patience = Patience.of(crawler)

    def needs_backout(self) -> bool:
        if self._patience.is_full:
            return True
        return super().needs_backout() and self.total_concurrency <= sum(
            not self._patience.leaves_alone(it) for it in self.active
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
