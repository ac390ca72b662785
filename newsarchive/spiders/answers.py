"""Callbacks and errbacks shared by all spiders."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from enum import Enum, auto

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.quarantine import release
from newsarchive.archive.rows import ListResult, Row
from newsarchive.errors import BadArgument, PageError
from newsarchive.extensions.faults import is_fatal, is_site_error
from newsarchive.extensions.run import Run
from newsarchive.handlers import NotSent, Refused
from newsarchive.headers import header_pairs
from newsarchive.items import Article, Page
from newsarchive.redaction import without_secrets
from newsarchive.sources import reader

_FIREWALL = 501
_MOVED = frozenset({301, 302, 303, 307, 308, 404, 410})  # of a list: its address has changed, but the site answers
_MOST_HOPS = 3  # redirects from one address of an article to another


class Trouble(Enum):
    """Why there is no page."""

    REFUSED = auto()
    UNREACHABLE = auto()
    ARTICLE = auto()
    """The error concerns only this article."""
    INTERNAL = auto()
    """An error in the program or on this machine."""


def status_trouble(status: int) -> Trouble:
    """The trouble that an error status means.

    >>> status_trouble(567).name, status_trouble(503).name, status_trouble(400).name
    ('REFUSED', 'UNREACHABLE', 'ARTICLE')
    """
    if status in (403, 429, _FIREWALL, 567):
        return Trouble.REFUSED
    return Trouble.UNREACHABLE if status >= 500 else Trouble.ARTICLE


def error_trouble(error: BaseException | None) -> Trouble:
    """The trouble that an exception means."""
    if isinstance(error, HttpError):
        return status_trouble(error.response.status)
    if isinstance(error, IgnoreRequest):  # robots.txt, or not an address of the site
        return Trouble.ARTICLE if error.__cause__ else Trouble.REFUSED  # a cause: the body is too large when unpacked
    return Trouble.UNREACHABLE if is_site_error(error) else Trouble.INTERNAL


def _is_conditional(response: Response) -> bool:
    headers = response.request.headers if response.request else {}
    return "If-None-Match" in headers or "If-Modified-Since" in headers


# Not from ABC: zope.interface adds a name to that class that `dir` lists but cannot be read, and `-o` reads them all.
class AnsweredSpider(Spider, metaclass=ABCMeta):
    """The callbacks of articles, and the errbacks of articles and lists."""

    run: Run
    ledger: Ledger
    refused = False
    """Whether the site's firewall has refused a request."""

    @abstractmethod
    def article_id(self, text: str) -> str:
        """The article id in a URL or an id. Raises `BadArgument`."""

    @abstractmethod
    def is_gone(self, location: str) -> bool:
        """Whether a redirect to `location` says that the article was removed."""

    @abstractmethod
    def request(self, row: Row, url: str = "", hops: int = 0) -> Request | None:
        """A request for an article; `url` and `hops` after a redirect."""

    def parse(self, response: Response, **_: object) -> Iterator[Article]:
        """The article on a page, for `scrapy parse --spider=… URL`. Nothing is archived."""
        try:
            yield reader(self.name)(response.body, url=response.url)
        except PageError as error:
            self.logger.error("%s: no article that could be archived: %s", error.url, error.reason)

    def parse_article(self, response: Response, row: Row) -> Iterator[Page | Request]:
        """Handle the answer to a request for an article, by its status."""
        row = self.ledger.get(self.name, row.article_id) or row  # a list may have announced an edition since
        if response.status == 200:
            self.run.count("page/read")
            yield self._page(response, row)
        elif response.status == 304 and _is_conditional(response):
            self._unchanged(row)
        elif response.status in (404, 410):
            self.run.mark_gone(row)
        elif 300 <= response.status < 400 and response.status != 304:
            yield from self._redirected(response, row)
        elif response.status == _FIREWALL:
            self._failed(row, "501: the site's firewall refused the request")
            self._stop_refused(response.url)
        else:
            self._failed(row, f"HTTP status {response.status}", status_trouble(response.status))

    def article_failed(self, failure: Failure) -> None:
        """There was no answer, after all retries."""
        row: Row = failure.request.cb_kwargs["row"]  # type: ignore[attr-defined]
        error = failure.value
        if isinstance(error, NotSent):  # the row is not changed: the request was not sent
            self._not_sent(error, row.url)
            return
        if error is not None and is_fatal(error):  # of this machine: it says nothing about the article
            failure.raiseException()
        trouble = error_trouble(error)
        self._failed(row, str(error) or type(error).__name__, trouble)
        if trouble is Trouble.INTERNAL:
            failure.raiseException()  # a bug: the run ends with an error code

    def list_failed(self, failure: Failure) -> None:
        """There was no list, after all retries. A later run finds its articles."""
        error = failure.value
        url = failure.request.url  # type: ignore[attr-defined]
        if isinstance(error, NotSent):
            self._not_sent(error, url)
            return
        if error is not None and is_fatal(error):
            failure.raiseException()
        status = error.response.status if isinstance(error, HttpError) else 0
        if status == _FIREWALL:
            self._stop_refused(url)
        trouble = error_trouble(error)
        if status in _MOVED:
            self.run.count("list/unknown")
        else:
            self.run.count("list/failed")
            self._count_site(trouble)
        where = failure.request.meta["where"]  # type: ignore[attr-defined]
        self.run.note_list(where, ListResult.FAILED)
        self.logger.error("%s: no list came: %s", where, f"HTTP status {status}" if status else error)
        if trouble is Trouble.INTERNAL:
            failure.raiseException()

    def list_read(self, where: str, *, entries: int, later_page: bool = False) -> None:
        """Record that a list was read. `entries` counts all kinds; a later page without any is the list's end."""
        self.run.count("list/read")
        if not entries and not later_page:
            self.run.count("list/empty")
        self.run.note_list(where, ListResult.NAMED if entries else ListResult.EMPTY)

    def list_unknown(self, where: str, reason: str) -> None:
        """A reply is in an unknown format: this is an error and never "nothing new"."""
        self.run.count("list/unknown")
        self.run.note_list(where, ListResult.FAILED)
        self.logger.error("%s: no known form of a list: %s", where, reason)

    def _not_sent(self, error: NotSent, url: str) -> None:
        """A request was not sent because the crawl is ending or has to end."""
        if isinstance(error, Refused):
            self._stop_refused(url)

    def _stop_refused(self, url: str) -> None:
        """End the crawl: further requests would make it worse."""
        if not self.refused:
            self.refused = True
            self.run.count("site/refused")
            self.logger.error(
                "%s: the site's firewall refuses us (501): stopped; wait some hours before the next run", url
            )
        raise CloseSpider("refused")

    def _count_site(self, trouble: Trouble) -> None:
        if trouble is Trouble.REFUSED:
            self.run.count("site/refused")
        else:
            self.run.count("site/unreachable")

    def _page(self, response: Response, row: Row) -> Page:
        awaited = row.awaits_edition(row.published)
        return Page(
            source=self.name,
            article_id=row.article_id,
            url=response.url,
            html=response.body,
            fetched=self.run.now(),
            status=response.status,
            headers=header_pairs(response.headers),
            thumbnail=row.announced_thumbnail if awaited else row.thumbnail,
            entry=row.announced_entry if awaited else row.entry,
        )

    def _redirected(self, response: Response, row: Row) -> Iterator[Request]:
        location = (response.headers.get("Location") or b"").decode("latin-1")
        hops = response.meta["hops"] + 1
        try:
            location = response.urljoin(location)
            if self.is_gone(location):
                self.run.mark_gone(row)
                return
            same = self.article_id(location) == row.article_id
            request = self.request(row, location, hops) if same and hops <= _MOST_HOPS else None
        except (BadArgument, ValueError):  # ValueError: not a URL
            request = None
        if request:
            yield request
        else:
            self._failed(row, f"redirected to {location}, which is not this article")

    def _unchanged(self, row: Row) -> None:
        again = self.run.schedule.next_check(row, row.published)
        self.ledger.checked(self.name, row.article_id, now=self.run.now(), next_check=again)
        release(self.run.archive.folder, self.name, row.article_id)
        self.run.count("article/unchanged")
        self.run.count("page/not_modified")

    def _failed(self, row: Row, reason: str, trouble: Trouble = Trouble.ARTICLE) -> None:
        reason = without_secrets(reason).rstrip(".")
        again = self.run.schedule.next_try_of(row)
        self.ledger.failed(self.name, row.article_id, reason=reason, now=self.run.now(), next_try=again)
        self.run.count("article/failed")
        if row.path:
            self.run.count("recheck/failed")
        if trouble in (Trouble.REFUSED, Trouble.UNREACHABLE):
            self._count_site(trouble)
        if again:
            self.logger.warning("%s: not fetched: %s; tried again in a later run", row.url, reason)
        else:
            self.logger.warning("%s: not looked at again: %s; what is archived stays", row.url, reason)
