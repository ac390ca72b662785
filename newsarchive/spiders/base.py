"""Requests that all spiders make: unfinished work first, then lists, one request per article."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from scrapy import Request, signals

from newsarchive.archive.rows import Row
from newsarchive.archive.saved import saved_pages
from newsarchive.errors import BadArgument, PageError
from newsarchive.extensions.run import Run
from newsarchive.items import Page
from newsarchive.spiders.answers import AnsweredSpider
from newsarchive.spiders.arguments import day, given_arguments, named_articles, number, saved

_ARTICLE_PRIORITY = 10  # found articles are fetched before more lists
_LAST = -10  # a page that may crash the program again is fetched last


class ArchiveSpider(AnsweredSpider):
    """Base class of the spiders. A source defines its ids and URLs and, in `discover`, its lists.

    Arguments of every source; `replay` cannot be combined with others, `urls` only with `limit`:
        urls: comma-separated URLs or ids, or `@file` with one per line. Only these are fetched, even if they are
            archived already.
        replay: saved pages instead of the network: a file or folder of `.html`, `.html.gz`, `.warc`, `.warc.gz`.
        since, until: days like 2026-11-01 in the publisher's time zone, both included.
        limit: the most articles to fetch.
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
        self.requested: set[str] = set()  # ids: no article is requested twice in a run
        self.named = named_articles(given["urls"], self.article_id) if "urls" in given else []

    @property
    def kind(self) -> str:
        """What this run reads; only runs of the same kind are compared with each other."""
        return "replay" if self.replay is not None else "urls" if self.named else "lists"

    # defined by a source

    @abstractmethod
    def canonical_url(self, article_id: str) -> str:
        """The URL that the archive uses."""

    @abstractmethod
    def page_url(self, article_id: str) -> str:
        """The URL to fetch."""

    @abstractmethod
    def discover(self) -> Iterator[Request]:
        """Requests for lists; their callbacks call `offer`."""

    # where to look

    async def start(self) -> AsyncIterator[Any]:
        """Saved pages, or named articles, or: unfinished articles, due re-checks, lists."""
        run = Run.get(self.crawler)
        if run is None:
            raise BadArgument(
                "this crawl has no archive: `scrapy crawl` opens it, a program of your own sets ARCHIVE_OPEN = True"
            )
        self.run = run
        self.ledger = self.run.ledger
        if self.replay is not None:
            for page in self._saved_pages(self.replay):
                yield page
            return
        named_or_due = self._named_requests() if self.named else chain(self._due_requests(), self._list_requests())
        for request in named_or_due:
            if self.crawler.engine.needs_backout():  # a waiting request takes 2.8 kB, so they are added only as needed
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield request

    def offer(
        self, article_id: str, *, where: str, published: datetime | None = None, thumbnail: str = "", entry: str = ""
    ) -> Request | None:
        """A request for an article in a list, or `None` if the archive knows this edition of it.

        The ledger has the row before the request is sent: a kill costs a download, never an article.
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
        if new:
            return self.request(row)
        self.run.count("entry/known")
        if published is None:
            return None
        look = self.run.schedule.look_for_edition(row, published)
        if look is None:
            return None
        row = self.ledger.announced(
            row, published=published, thumbnail=thumbnail, entry=entry, look=look,
            max_tries=self.run.schedule.max_tries,
        )  # fmt: skip
        if look > self.run.now() or article_id in self.requested:
            return None
        self.run.count("entry/newer")
        return self.request(row)

    def request(self, row: Row, url: str = "", hops: int = 0) -> Request | None:
        """A request for an article, or `None` if `limit` of them were requested."""
        if hops == 0:
            if self.full:
                return None
            if self.left is not None:
                self.left -= 1
            self.run.count("request/article")
            self.requested.add(row.article_id)
        return Request(
            url or self.page_url(row.article_id),
            callback=self.parse_article,
            errback=self.article_failed,
            headers=self._conditions(row),
            priority=_LAST if row.was_interrupted else _ARTICLE_PRIORITY,
            cb_kwargs={"row": row},
            meta={"handle_httpstatus_all": True, "hops": hops},
        )

    def wanted(self, published: date | None) -> bool:
        """Whether a day is between `since` and `until`, or unknown."""
        if published is None:
            return True
        return (self.since is None or published >= self.since) and (self.until is None or published <= self.until)

    @property
    def full(self) -> bool:
        """Whether `limit` articles were requested."""
        return self.left is not None and self.left <= 0

    def _saved_pages(self, place: Path) -> Iterator[Page]:
        """Saved pages; those that crashed an earlier run come last, so that the others are read in this run."""
        suspects: list[Page] = []
        for page in saved_pages(place, self.name, self.ledger):
            times = self.ledger.interrupted_readings(page.saved_in)
            if times >= self.run.schedule.max_tries:
                reason = f"reading it has ended the program {times} times"
                # the log is where a run counts its errors
                error = PageError(page.saved_in, reason)
                self.logger.error("%s: left unread: %s; the others go on", page.saved_in, reason, exc_info=error)
            elif times:
                suspects.append(page)
            else:
                yield page
        yield from suspects

    def _named_requests(self) -> Iterator[Request]:
        for article_id in self.named:
            row, _ = self.ledger.found(
                self.name, article_id, url=self.canonical_url(article_id), where="urls", now=self.run.now()
            )
            if request := self.request(row):
                yield request

    def _due_requests(self) -> Iterator[Request]:
        now = self.run.now()
        unfinished = self.ledger.due(self.name, now, self.run.schedule.max_tries)
        for rows in (unfinished, self.ledger.rechecks(self.name, now)):
            for row in rows:
                if self.full:
                    return
                if request := self.request(row):
                    yield request

    def _list_requests(self) -> Iterator[Request]:
        if not self.full:  # what was due may have used up the limit
            yield from self.discover()

    def _conditions(self, row: Row) -> dict[str, str]:
        """Headers of a conditional request, only if the document is intact: the answer may be 304."""
        if self.named or not self.run.archive.is_intact(row):
            return {}
        conditions = {"If-None-Match": row.etag, "If-Modified-Since": row.last_modified}
        return {name: value for name, value in conditions.items() if value}
