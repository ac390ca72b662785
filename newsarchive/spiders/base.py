"""Arguments, requests, callbacks and errbacks shared by all spiders."""

import asyncio
from abc import ABCMeta, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any, ClassVar

from scrapy import Request, Spider, signals
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from newsarchive import reader
from newsarchive.archive.archive import Archive, Visit
from newsarchive.archive.files import is_file, read_file
from newsarchive.archive.ledger import ListState
from newsarchive.archive.parallel import batches
from newsarchive.archive.replay import saved_files, saved_pages
from newsarchive.archive.tables import ListResult, Row
from newsarchive.downloader import NotSent, answered_page, header, is_ending
from newsarchive.errors import BadArgument, PageError, cause, is_fatal
from newsarchive.extensions import archive_of, is_site_error
from newsarchive.items import Article, Page
from newsarchive.messages import without_secrets
from newsarchive.options import Kind, add_settings

_MOVED = frozenset({301, 302, 303, 307, 308, 404, 410})  # of a list: the site answers, but has moved it
_MOST_HOPS = 3  # redirects from one address of an article to another
_ARTICLE_PRIORITY = 10  # found articles are fetched before more lists
_NO_ARCHIVE = "this crawl has no archive: `scrapy crawl` opens it, a program of your own sets ARCHIVE_OPEN = True"
_BATCH = 20  # named articles that get into the ledger with one commit
_LOOK = 1.0  # seconds between two looks at what other runs have left
_LAST = -10  # a page that may crash the program again is fetched last

# arguments (`-a name=value`), checked before anything is fetched

Requests = Callable[[], Iterator[Request]]


@dataclass(frozen=True)
class Argument:
    kind: Kind
    """What reads it raises `ValueError` or `KeyError`, or returns `[]`, for text that is unusable."""
    meaning: str
    """For `scrapy crawl -h` and the man page."""
    default: str = ""


_EXCLUSIVE: dict[str, tuple[set[str], str]] = {  # what may be given together with them, and why nothing else
    "replay": (set(), "a replay reads every saved page and nothing else"),
    "urls": ({"limit"}, "what is named is fetched and nothing else, with limit at most so many of it"),
}


def read_arguments(arguments: Mapping[str, object], known: Mapping[str, Argument]) -> dict[str, Any]:
    """The values of the given arguments, without scrapyd's own, which begin with `_`. Raises `BadArgument`."""
    given = {name: str(value).strip() for name, value in arguments.items() if not name.startswith("_")}
    values = {}
    for name, text in given.items():
        if name not in known:
            raise BadArgument(f"no argument named {name!r}: expected one of {', '.join(sorted(known))}")
        if not text:
            raise BadArgument(f"{name}=: expected a value, or no {name} at all")
        expected, read = known[name].kind
        try:
            values[name] = read(text)
            if values[name] == []:
                raise ValueError
        except (ValueError, KeyError):
            raise BadArgument(f"{name}={text}: expected {expected}") from None
    for name, (partners, reason) in _EXCLUSIVE.items():
        if name in given and (others := given.keys() - partners - {name}):
            raise BadArgument(f"{name} and {min(others)} together: {reason}")
    return values


def words(text: str) -> list[str]:
    """What is between the commas, each once and in order."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ValueError
    return int(text)


def named_articles(text: str) -> list[str]:
    """URLs or ids, comma-separated, or one per line in the file after `@`."""
    if not text.startswith("@"):
        return words(text)
    try:
        file = read_file(Path(text[1:]).expanduser().resolve())
        lines = map(str.strip, file.decode("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"urls={text}: cannot read the file: {cause(error)}") from None
    return [line for line in lines if line and not line.startswith("#")]


def _saved(text: str) -> Path:
    path = Path(text).expanduser()
    saved_files(path)  # raises `BadArgument` when there are none
    return path


URLS: Kind = "at least one URL or id", named_articles
SAVED: Kind = "saved pages", _saved
DAY: Kind = "a day like 2026-11-01", date.fromisoformat
NUMBER: Kind = "a whole number of at least 1", _number
SWITCH: Kind = "1 or 0", {"1": True, "0": False}.__getitem__
WORDS: Kind = "at least one, with commas between several", words


# Not from ABC: zope.interface adds a name to that class that `dir` lists but cannot be read, and `-o` reads them all.
class ArchiveSpider(Spider, metaclass=ABCMeta):
    """Base class of the spiders. A source defines its ids and URLs and, in `discover`, its lists."""

    arguments: ClassVar = {
        "since": Argument(
            DAY,
            "from lists, only articles published on this day or later, such as 2026-11-01; unfinished articles and"
            " re-checks still come first",
        ),
        "until": Argument(DAY, "the same for this day or earlier"),
        "limit": Argument(NUMBER, "fetch at most this many articles, including unfinished and due ones"),
        "urls": Argument(
            URLS,
            "these articles and nothing else: URLs or ids with commas between them, or @FILE with one a line; fetched"
            " also when archived; goes with limit only",
        ),
        "replay": Argument(
            SAVED,
            "saved pages instead of the network: a file or folder of .html, .html.gz or .warc.gz; goes with no other"
            " argument",
        ),
    }
    source_settings: ClassVar[dict[str, Any]] = {}
    """Its own settings and their defaults. The names begin with the source's: `HAIGANG_SITE`."""
    picture_domains: ClassVar[tuple[str, ...]] = ()
    allowed_domains: Sequence[str] = ()

    archive: Archive
    """Opened before the first request, see `start`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)
        given = self.given = read_arguments(kwargs, self.arguments)
        self.since: date | None = given.get("since")
        self.until: date | None = given.get("until")
        if self.since and self.until and self.since > self.until:
            raise BadArgument(f"since={self.since} is after until={self.until}")
        self.left: float = given.get("limit", inf)
        """How many articles may still be requested."""
        self.replay: Path | None = given.get("replay")
        self.named = list(dict.fromkeys(map(self.article_id, given.get("urls", ()))))
        self.expected: int | None = int(min(len(self.named), self.left)) if self.named else None
        """How many articles this run reads, where that is known without lists."""
        self.is_started = False
        """Whether `start` has given all its requests: more come from lists only."""
        self.number_of_lists: int | None = None
        """How many `discover` asks for, where the source knows that."""
        self.list_results: dict[str, ListResult] = {}
        """What this run got from each list: the best of its pages."""
        self.requested: set[str] = set()
        """Ids: no article is requested twice in a run."""
        self.unfinished: set[str] = set()
        """Lists that a run has begun and not finished: nothing new does not end them."""
        self.left_lists: dict[str, Requests] = {}
        """Those that another run reads, and how they are read should it die."""

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        super().update_settings(settings)
        add_settings(settings, cls.name, cls.source_settings)

    @property
    def kind(self) -> str:
        """What this run reads; only runs of the same kind are compared with each other."""
        return "replay" if self.replay is not None else "urls" if self.named else "lists"

    # defined by a source

    @abstractmethod
    def article_id(self, text: str) -> str:
        """The article id in a URL or an id. Raises `BadArgument`."""

    @abstractmethod
    def canonical_url(self, article_id: str) -> str:
        """The URL that the archive uses."""

    @abstractmethod
    def page_url(self, article_id: str) -> str:
        """The URL to fetch."""

    @abstractmethod
    def is_gone(self, location: str) -> bool:
        """Whether a redirect to `location` says that the article was removed."""

    @abstractmethod
    def discover(self) -> Iterator[Request]:
        """Requests for lists; their callbacks call `offer`."""

    # requests

    async def start(self) -> AsyncIterator[Any]:
        """Saved pages, or named articles, or: unfinished articles, due re-checks, lists."""
        try:
            self.archive = archive_of(self.crawler)
        except NotConfigured:
            raise BadArgument(_NO_ARCHIVE) from None
        if self.replay is not None:
            for page in self._saved_pages(self.replay):
                yield Visit(page=page)
            return
        async for request in self._requests():
            if self.crawler.engine.needs_backout():  # a waiting request takes 2.8 kB, so they are added only as needed
                await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield request
        self.is_started = True

    async def _requests(self) -> AsyncIterator[Request]:
        """Those of this run, then what others that share its ledger leave: what they find, or had when they died."""
        if self.named:
            for request in self._named_requests():
                yield request
            return
        now, ledger = self.archive.now(), self.archive.ledger
        for request in self._due_and_new_requests(now):
            yield request
        waited, longest = 0.0, 2 * self.archive.options.lease  # so long one that has just died holds its work
        while ledger.is_shared and waited < longest and not self.full and not is_ending(self.crawler):
            are_at_work, has_some = ledger.others_at_work(self.name), False
            for request in self._left_requests(now):
                has_some = True
                yield request
            if not (are_at_work or has_some or ledger.others_at_work(self.name)):  # one may have been faster just now
                return
            waited = 0.0 if has_some else waited + _LOOK
            if not has_some:
                await asyncio.sleep(_LOOK)

    def offer(
        self, article_id: str, *, where: str, published: datetime | None = None, thumbnail: str = "", entry: str = ""
    ) -> Request | None:
        """A request for an article in a list, or `None` if the archive knows this edition of it.

        The ledger has the row before the request is sent: a kill costs a download, never an article.
        """
        row, new = self._found(article_id, where=where, thumbnail=thumbnail, entry=entry)
        if new:
            return self.request(row)
        self.archive.count("entry/known")
        schedule = self.archive.schedule
        look = published and schedule.look_for_edition(row, published)
        if published is None or look is None:
            return None
        row = self.archive.ledger.announced(
            row, published=published, thumbnail=thumbnail, entry=entry, look=look, max_tries=schedule.max_tries
        )
        if look > self.archive.now() or article_id in self.requested or not self._is_ours(row):
            return None
        self.archive.count("entry/newer")
        return self.request(row)

    def request(self, row: Row) -> Request | None:
        """A request for an article, or `None` if `limit` of them were requested."""
        if self.full:
            return None
        self.left -= 1
        self.archive.count("request/article")
        self.requested.add(row.article_id)
        return self._request(row, self.page_url(row.article_id))

    def _request(self, row: Row, url: str, hops: int = 0) -> Request:
        return Request(
            url,
            callback=self.parse_article,
            errback=self.article_failed,
            headers=self._conditions(row),
            priority=_LAST if row.was_interrupted else _ARTICLE_PRIORITY,
            cb_kwargs={"row": row},
            meta={"handle_httpstatus_all": True, "hops": hops},
        )

    def wanted(self, published: date | None) -> bool:
        """Whether a day is between `since` and `until`, or unknown."""
        return published is None or (self.since or date.min) <= published <= (self.until or date.max)

    @property
    def full(self) -> bool:
        """Whether `limit` articles were requested."""
        return self.left <= 0

    def _saved_pages(self, place: Path) -> Iterator[Page]:
        """Saved pages; those that crashed an earlier run come last, so that the others are read in this run."""
        suspects: list[Page] = []
        pages = saved_pages(place, self.name, self.archive.ledger)
        self.expected = len(pages)
        for page in pages:
            times = self.archive.ledger.interrupted_readings(page.saved_in)
            if times >= self.archive.schedule.max_tries:
                error = PageError(page.saved_in, f"skipped: reading it has ended the program {times} times")
                self.logger.error("%s; the other pages are read", error, exc_info=error)  # so that the run counts it
            elif times:
                suspects.append(page)
            else:
                yield page
        yield from suspects

    def _found(self, article_id: str, **listed: Any) -> tuple[Row, bool]:
        """The ledger's row, and whether it is new."""
        url, now = self.canonical_url(article_id), self.archive.now()
        row = Row(source=self.name, article_id=article_id, url=url, first_seen=now, **listed)
        return self.archive.ledger.found(row)

    def _named_requests(self) -> Iterator[Request]:
        for batch in batches(self.named, _BATCH):
            with self.archive.ledger.transaction():
                rows = [self._found(article_id, where="urls")[0] for article_id in batch]
            yield from filter(None, map(self.request, rows))

    def _is_ours(self, row: Row) -> bool:
        """Whether its document is in this folder, or in none: machines that share a ledger may have their own ones."""
        return not self.archive.ledger.is_shared or not row.path or is_file(self.archive.folder / row.path)

    def _due_and_new_requests(self, now: datetime) -> Iterator[Request]:
        """Unfinished articles, due re-checks, lists; last, pages that ended the program when it read them."""
        interrupted, ledger = list[Row](), self.archive.ledger
        unfinished = ledger.due(self.name, now, self.archive.schedule.max_tries)
        for row in chain(unfinished, filter(self._is_ours, ledger.rechecks(self.name, now))):
            if row.was_interrupted:
                interrupted.append(row)
            elif request := self.request(row):
                yield request
            else:
                return  # `limit` is reached
        if not self.full:
            yield from self.discover()
        yield from filter(None, map(self.request, interrupted))

    def _left_requests(self, now: datetime) -> Iterator[Request]:
        """For what other runs that share the ledger have found or left; and claims of whose commit no answer came."""
        left, self.left_lists = self.left_lists, {}
        for where, read in left.items():
            state = self.archive.ledger.take_list(self.name, where)
            if state is ListState.UNFINISHED:
                yield from read()
            elif state is ListState.LEFT_TO_ANOTHER:
                self.left_lists[where] = read
        unfinished = self.archive.ledger.due(self.name, now, self.archive.schedule.max_tries)
        for row in chain(unfinished, self.archive.ledger.claimed(self.name)):
            if row.article_id not in self.requested and (request := self.request(row)):
                yield request

    def leave_to_another(self, row: Row) -> None:
        """Another run asks for the article, or has. Should it die before it has the page, the article is due again."""
        self.left += 1
        self.requested.discard(row.article_id)
        self.archive.count("request/article", -1)
        self.archive.count("request/left_to_another")
        if self.named:
            self.logger.warning("%s: not fetched by this run, another one fetches it just now", row.url)

    def begin_list(self, where: str, read: Requests) -> bool:
        """Whether this run is to `read` the list now, not another one."""
        state = self.archive.ledger.begin_list(self.name, where)
        if state is ListState.UNFINISHED:
            self.unfinished.add(where)
        elif state is ListState.LEFT_TO_ANOTHER:
            self.archive.count("list/left_to_another")
            self.left_lists[where] = read
        return state is not ListState.LEFT_TO_ANOTHER

    def _conditions(self, row: Row) -> dict[str, str]:
        """Headers of a conditional request, only if the document is intact: the answer may be 304."""
        if self.named or not self.archive.is_intact(row):
            return {}
        conditions = {"If-None-Match": row.etag, "If-Modified-Since": row.last_modified}
        return {name: value for name, value in conditions.items() if value}

    # answers

    def parse(self, response: Response, **_: object) -> Iterator[Article]:
        """The article on a page, for `scrapy parse --spider=… URL`. Nothing is archived."""
        try:
            yield reader(self.name)(response.body, url=response.url)
        except PageError as error:
            self.logger.error("%s: no article could be read: %s", error.url, error.reason)

    def parse_article(self, response: Response, row: Row) -> Iterator[Visit | Request]:
        row = self.archive.ledger.current(row)
        if response.status == 200:
            self.archive.count("page/read")
            yield Visit(page=self._page(response, row), row=row)
        elif response.status == 304 and self._conditions(row):
            self.archive.mark_unchanged(row)
            self.archive.count("page/not_modified")
        elif response.status in (404, 410):
            self.archive.mark_gone(row)
        elif 300 <= response.status < 400 and response.status != 304:
            yield from self._redirected(response, row)
        else:
            self._failed(row, f"HTTP status {response.status}", response.status)

    def article_failed(self, failure: Failure) -> None:
        """There was no answer, after all retries."""
        row: Row = failure.request.cb_kwargs["row"]  # type: ignore[attr-defined]
        error = failure.value
        # the end of the crawl and a fault of this machine say nothing about the article
        if error and not isinstance(error, NotSent) and not is_fatal(error):
            self._failed(row, str(error) or type(error).__name__, error)
        if not is_site_error(error):
            failure.raiseException()  # the run ends with an error code

    def list_failed(self, failure: Failure) -> None:
        """There was no list, after all retries. A later run finds its articles."""
        where: str = failure.request.meta["where"]  # type: ignore[attr-defined]
        error = failure.value
        if error and not isinstance(error, NotSent) and not is_fatal(error):
            status = error.response.status if isinstance(error, HttpError) else 0
            if status not in _MOVED:
                self.archive.count(f"site/{trouble(error) or 'unreachable'}")
            message = f"the list could not be fetched: {f'HTTP status {status}' if status else error}"
            self.list_lost(where, "unknown" if status in _MOVED else "failed", f"{message}; the next run asks again")
        if not is_site_error(error):
            failure.raiseException()

    def list_read(self, where: str, *, entries: int, later_page: bool = False) -> None:
        """Record that a list was read. `entries` counts all kinds; a later page without any is the list's end.

        Call it when all requests from the list are made: then the total of the live line is certain.
        """
        self.archive.count("list/read")
        if not entries and not later_page:
            self.archive.count("list/empty")
        self._note_list(where, ListResult.NAMED if entries else ListResult.EMPTY)

    def list_unknown(self, where: str, reason: str) -> None:
        """A reply is in an unknown format: this is an error and never "nothing new"."""
        self.list_lost(where, "unknown", f"the list reply has an unknown format: {reason}")

    def list_lost(self, where: str, counted_as: str, message: str) -> None:
        """Record that a list, or a page of it, did not come or could not be read."""
        self.archive.count(f"list/{counted_as}")
        self._note_list(where, ListResult.FAILED)
        self.archive.ledger.leave_list(self.name, where)
        self.logger.error("%s: %s", where, message)

    def _note_list(self, where: str, result: ListResult) -> None:
        """What came of asking for a list, or for a page of it: the best of them is what the run got."""
        self.list_results[where] = min(self.list_results.get(where, result), result, key=list(ListResult).index)

    def _page(self, response: Response, row: Row) -> Page:
        about = {"article_id": row.article_id, "thumbnail": row.thumbnail, "entry": row.entry}
        if row.awaits_edition(row.published):
            about |= {"thumbnail": row.announced_thumbnail, "entry": row.announced_entry}
        return answered_page(response, self.name, self.archive.now(), **about)

    def _redirected(self, response: Response, row: Row) -> Iterator[Request]:
        location = header(response, "Location")
        hops = response.meta["hops"] + 1
        with suppress(BadArgument, ValueError):  # ValueError: not a URL
            location = response.urljoin(location)
            if self.is_gone(location):
                self.archive.mark_gone(row)
                return
            if self.article_id(location) == row.article_id and hops <= _MOST_HOPS:
                yield self._request(row, location, hops)
                return
        self._failed(row, f"redirected to {location}, which is not this article")

    def _failed(self, row: Row, reason: str, problem: int | BaseException | None = None) -> None:
        reason = without_secrets(reason).rstrip(".")
        again = self.archive.schedule.next_try_of(row)
        self.archive.ledger.failed(row, reason=reason, now=self.archive.now(), next_try=again)
        self.archive.count("article/failed")
        if row.path:
            self.archive.count("recheck/failed")
        if site := trouble(problem):
            self.archive.count(f"site/{site}")
        if again:
            self.logger.warning("%s: not fetched: %s; tried again in a later run", row.url, reason)
        else:
            self.logger.warning("%s: not looked at again: %s; what is archived stays", row.url, reason)


def trouble(problem: int | BaseException | None) -> str:
    """Whether a status or an error means that the site has `refused` us or is `unreachable`; `""`: only this page."""
    if isinstance(problem, HttpError):
        problem = problem.response.status
    if problem in (403, 407, 429, 501, 567):
        return "refused"
    if isinstance(problem, int):
        return "unreachable" if problem >= 500 else ""
    if isinstance(problem, IgnoreRequest):  # robots.txt, or not an address of the site
        return "" if problem.__cause__ else "refused"  # a cause: the body is too large when unpacked
    return "unreachable" if is_site_error(problem) else ""
