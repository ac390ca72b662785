"""What every source's spider does: unfinished work first, one request an article, an answer to every status."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import AsyncIterator, Iterator
from datetime import date
from itertools import chain
from typing import Any, ClassVar

from scrapy import Request, Spider, signals
from scrapy.exceptions import CloseSpider, IgnoreRequest
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsarchive.archive.quarantine import release
from newsarchive.archive.rows import Row
from newsarchive.archive.saved import saved_pages
from newsarchive.errors import BadArgument
from newsarchive.extensions.faults import is_site_error
from newsarchive.extensions.run import Run
from newsarchive.handlers import NotSent, Refused
from newsarchive.headers import header_pairs
from newsarchive.items import Page
from newsarchive.spiders.arguments import day, given_arguments, named_articles, number, saved

_ARTICLE_PRIORITY = 10  # what was found is fetched before more is found
_MOVED = frozenset({301, 302, 303, 307, 308, 404, 410})  # of a list: its address has changed, the site is there
_MOST_HOPS = 3  # redirects from one address of an article to another


# Not from ABC: zope.interface marks that class with a name that `dir` lists and nobody can get, and `-o` gets them all.
class ArchiveSpider(Spider, metaclass=ABCMeta):
    """A source says how its ids and URLs look and, in `discover`, where to look for articles.

    Arguments of every source; `replay` goes with no other one, `urls` with `limit` only:
        urls: URLs or ids with commas between them, or `@file` with one a line. Fetched also when they are
            archived already; nothing else is.
        replay: saved pages instead of the network: a file or folder of `.html`, `.html.gz`, `.warc`, `.warc.gz`.
        since, until: days like 2026-11-01 of the publisher's clock, both included.
        limit: at most so many articles are fetched.
    """

    arguments: ClassVar[frozenset[str]] = frozenset({"urls", "replay", "since", "until", "limit"})
    picture_domains: ClassVar[tuple[str, ...]] = ()
    allowed_domains: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Raises `BadArgument`."""
        super().__init__(*args)
        given = self.given = given_arguments(kwargs, self.arguments)
        self.since = day("since", given.get("since", ""))
        self.until = day("until", given.get("until", ""))
        if self.since and self.until and self.since > self.until:
            raise BadArgument(f"since={self.since} is after until={self.until}")
        self.left = number("limit", given.get("limit", ""), None)
        self.replay = saved("replay", given.get("replay", ""))
        self.named = named_articles(given["urls"], self.article_id) if "urls" in given else []
        self.refused = False

    @property
    def kind(self) -> str:
        """What this run looks at; only runs of one kind are compared with each other."""
        return "replay" if self.replay is not None else "urls" if self.named else "lists"

    # what a source says

    @abstractmethod
    def article_id(self, text: str) -> str:
        """The id that a URL or an id names. Raises `BadArgument`."""

    @abstractmethod
    def canonical_url(self, article_id: str) -> str:
        """The URL that the archive names."""

    @abstractmethod
    def page_url(self, article_id: str) -> str:
        """The URL to fetch."""

    @abstractmethod
    def discover(self) -> Iterator[Request]:
        """Requests for lists; their callbacks call `offer`."""

    @abstractmethod
    def is_gone(self, location: str) -> bool:
        """Whether a redirect to `location` says that the article was removed."""

    # where to look

    async def start(self) -> AsyncIterator[Any]:
        """Saved pages, or named articles, or: what is unfinished, what is due for another look, lists."""
        self.run = Run.of(self.crawler)
        self.ledger = self.run.ledger
        if self.replay is not None:
            for page in saved_pages(self.replay, self.name):
                yield page
            return
        named_or_due = self._named_requests() if self.named else chain(self._due_requests(), self.discover())
        for request in named_or_due:
            if self.crawler.engine.needs_backout():  # a waiting request costs 2.8 kB: they are fed lazily
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield request

    def offer(self, article_id: str, *, where: str, thumbnail: str = "", entry: str = "") -> Request | None:
        """A request for an article that a list names, or `None` when the archive knows it.

        The ledger has the row before the request goes out: a kill costs a download, never an article.
        """
        row, new = self.ledger.found(
            self.name,
            article_id,
            url=self.canonical_url(article_id),
            where=where,
            thumbnail=thumbnail,
            entry=entry,
            now=self.run.now(),
        )
        if not new:
            self.run.count("entry/known")
            return None
        return self._request(row)

    def wanted(self, published: date | None) -> bool:
        """Whether a day lies between `since` and `until`; an unknown one may."""
        if published is None:
            return True
        return (self.since is None or published >= self.since) and (self.until is None or published <= self.until)

    @property
    def full(self) -> bool:
        """Whether `limit` articles were asked for."""
        return self.left is not None and self.left <= 0

    def _named_requests(self) -> Iterator[Request]:
        for article_id in self.named:
            row, _ = self.ledger.found(
                self.name, article_id, url=self.canonical_url(article_id), where="urls", now=self.run.now()
            )
            if request := self._request(row):
                yield request

    def _due_requests(self) -> Iterator[Request]:
        now = self.run.now()
        for rows in (self.ledger.due(self.name, now, self.run.max_tries), self.ledger.rechecks(self.name, now)):
            for row in rows:
                if self.full:
                    return
                if request := self._request(row):
                    yield request

    def _request(self, row: Row, url: str = "", hops: int = 0) -> Request | None:
        if hops == 0:
            if self.full:
                return None
            if self.left is not None:
                self.left -= 1
            self.run.count("request/article")
        return Request(
            url or self.page_url(row.article_id),
            callback=self.parse_article,
            errback=self.article_failed,
            headers=self._conditions(row),
            priority=_ARTICLE_PRIORITY,
            cb_kwargs={"row": row},
            meta={"handle_httpstatus_all": True, "hops": hops},
        )

    def _conditions(self, row: Row) -> dict[str, str]:
        """Headers of a conditional request, which may be answered with 304: only where the document stands."""
        if self.named or not row.path or not (self.run.archive.folder / row.path).is_file():
            return {}
        conditions = {"If-None-Match": row.etag, "If-Modified-Since": row.last_modified}
        return {name: value for name, value in conditions.items() if value}

    # what came

    def parse_article(self, response: Response, row: Row) -> Iterator[Page | Request]:
        """A page, or what its status says about the article."""
        if response.status == 200:
            self.run.count("page/read")
            yield self._page(response, row)
        elif response.status == 304:
            self._unchanged(row)
        elif response.status in (404, 410):
            self.run.mark_gone(row)
        elif 300 <= response.status < 400:
            yield from self._redirected(response, row)
        elif response.status == 501:
            self._failed(row, "501: the site's firewall refused the request")
            self.stop_refused(response.url)
        else:
            refused = response.status in (403, 429, 567)
            unreachable = response.status >= 500 and not refused
            self._failed(row, f"HTTP status {response.status}", refused=refused, unreachable=unreachable)

    def article_failed(self, failure: Failure) -> None:
        """No answer came, after all retries."""
        row: Row = failure.request.cb_kwargs["row"]  # type: ignore[attr-defined]
        error = failure.value
        if isinstance(error, NotSent):  # the row stays as it is: nothing was tried
            self.not_sent(error, row.url)
            return
        reason = str(error) or type(error).__name__
        refused = isinstance(error, IgnoreRequest)
        ours = not is_site_error(error)
        self._failed(row, reason, refused=refused, unreachable=not refused and not ours)
        if ours:
            failure.raiseException()  # a bug of ours: the run's exit code tells

    def list_failed(self, failure: Failure) -> None:
        """No list came, after all retries. What it would have named comes with a later run."""
        error = failure.value
        url = failure.request.url  # type: ignore[attr-defined]
        if isinstance(error, NotSent):
            self.not_sent(error, url)
            return
        status = error.response.status if isinstance(error, HttpError) else 0
        if status == 501:
            self.stop_refused(url)
        if status in _MOVED:
            self.run.count("list/unknown")
        else:
            refused = status in (403, 429, 567) or (not status and isinstance(error, IgnoreRequest))
            self.run.count("list/failed")
            self.run.count("site/refused" if refused else "site/unreachable")
        where = failure.request.meta["where"]  # type: ignore[attr-defined]
        self.logger.error("%s: no list came: %s", where, f"HTTP status {status}" if status else error)
        if not is_site_error(error):
            failure.raiseException()

    def not_sent(self, error: NotSent, url: str) -> None:
        """A request stayed here, because the crawl ends or has to end."""
        if isinstance(error, Refused):
            self.stop_refused(url)

    def stop_refused(self, url: str) -> None:
        """Ends the crawl: the site's firewall has refused us, and asking on makes it worse."""
        if not self.refused:
            self.refused = True
            self.run.count("site/refused")
            self.logger.error(
                "%s: the site's firewall refuses us (501): stopped; wait some hours before the next run", url
            )
        raise CloseSpider("refused")

    def _page(self, response: Response, row: Row) -> Page:
        return Page(
            source=self.name,
            article_id=row.article_id,
            url=response.url,
            html=response.body,
            fetched=self.run.now(),
            status=response.status,
            headers=header_pairs(response.headers),
            thumbnail=row.thumbnail,
            entry=row.entry,
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
            request = self._request(row, location, hops) if same and hops <= _MOST_HOPS else None
        except (BadArgument, ValueError):  # the latter for what is no URL at all
            request = None
        if request:
            yield request
        else:
            self._failed(row, f"redirected to {location}, which is not this article")

    def _unchanged(self, row: Row) -> None:
        now = self.run.now()
        again = self.run.next_check(row.published or row.first_seen)
        self.ledger.checked(self.name, row.article_id, now=now, next_check=again)
        release(self.run.archive.folder, self.name, row.article_id)
        self.run.count("article/unchanged")

    def _failed(self, row: Row, reason: str, *, refused: bool = False, unreachable: bool = False) -> None:
        again = self.run.next_try_of(row)
        self.ledger.failed(self.name, row.article_id, reason=reason, now=self.run.now(), next_try=again)
        self.run.count("article/failed")
        if refused:
            self.run.count("site/refused")
        if unreachable:
            self.run.count("site/unreachable")
        reason = reason.rstrip(".")
        if again:
            self.logger.warning("%s: not fetched: %s; tried again in a later run", row.url, reason)
        else:
            self.logger.warning("%s: not looked at again: %s; what is archived stays", row.url, reason)
