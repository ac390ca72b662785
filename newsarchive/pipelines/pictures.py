"""Stores an article's pictures: once each, byte for byte, from the site's own hosts, and only if they are pictures."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Self, cast

from scrapy import Request, signals
from scrapy.exceptions import DontCloseSpider, DownloadCancelledError, NotConfigured
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.files import FilesPipeline
from scrapy.utils.httpobj import urlparse_cached

from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import content_hash, document_path
from newsarchive.archive.files import PICTURES, is_file, make_folder, read_file, write_bytes
from newsarchive.archive.ledger import PictureRow, Row, State
from newsarchive.archive.pictures import (
    is_private,
    is_wanted,
    picture_folder,
    picture_kind,
    picture_links,
    picture_name,
    picture_url,
    place,
    relinked,
)
from newsarchive.downloader import NotSent, is_site_error, wake_engine
from newsarchive.errors import is_fatal
from newsarchive.extensions.run import archive_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.pipelines.media import FileInfo
    from twisted.python.failure import Failure


_HEADERS = {"Accept": "image/*,*/*;q=0.1"}


@dataclass(frozen=True)
class Wanted:
    """The pictures of one article."""

    source: str
    article_id: str
    folder: PurePosixPath
    """The folder to put them in, below the archive's folder."""
    urls: dict[str, int]
    """URLs with their positions in the article; 0 is the thumbnail."""
    may_wait: bool = False
    """Whether to wait for a picture that is delayed; if not, it is fetched at the end of the run."""


@dataclass(frozen=True)
class Outcome:
    """Result for one picture: a path below the archive's folder, or why there is none."""

    path: str = ""
    digest: str = ""
    reason: str = ""
    postponed: bool = False
    """It was not fetched yet because it would have had to wait."""


class Downloads(FilesPipeline):
    """Scrapy's pipeline for files, used by `Pictures`: `process_item` takes `Wanted` and returns outcomes by URL.

    Scrapy fetches a URL once per run, even if several articles request it at the same time. Its own store is
    not used: here the bytes determine a file's name, and an article's pictures are in its own folder.
    """

    def __init__(self, archive: Archive, domains: Iterable[str], crawler: Crawler) -> None:
        folder = archive.folder
        make_folder(folder / PICTURES)  # else Scrapy makes it, unsynced, and a power cut may lose it
        super().__init__(str(folder / PICTURES), crawler=crawler)
        self.folder = folder
        self.rows = archive.ledger.pictures
        self.max_bytes = archive.options.pictures_max_bytes
        self.domains = tuple(domains)
        self._failed: dict[str, Outcome] = {}
        self._writing = asyncio.Lock()
        self._written: dict[str, str] = {}

    def get_media_requests(self, item: Wanted, _info: object) -> list[Request]:
        # a media pipeline gets every status, so no redirect is followed, not even within the site
        meta = {"download_maxsize": self.max_bytes, "may_wait": item.may_wait}
        requests = [
            Request(url, headers=_HEADERS, callback=NO_CALLBACK, meta={"picture": url} | meta) for url in item.urls
        ]
        for request in requests if item.may_wait else ():  # Scrapy remembers a failed one for the whole run
            key = self.crawler.request_fingerprinter.fingerprint(request)
            if self.spiderinfo.downloaded.get(key, "") is None:
                del self.spiderinfo.downloaded[key]
        return requests

    def media_to_download(  # type: ignore[override]
        self, request: Request, _info: object, *, item: Wanted
    ) -> FileInfo | None:
        """Do not fetch a picture that the archive has. Scrapy's own check uses a path made from the URL."""
        url = request.meta["picture"]  # as in the page: the request's own URL is escaped
        known = self.rows.get(item.source, item.article_id, url)
        if known is None or not known.path:
            known = self.rows.find_stored(url=url)
        if known and is_file(self.folder / known.path):
            return {"url": url, "path": known.path, "checksum": known.hash, "status": "uptodate"}
        return None

    async def media_downloaded(  # type: ignore[override]
        self, response: Response, request: Request, _info: object, *, item: Wanted
    ) -> FileInfo:
        url = request.meta["picture"]
        reason = refusal(response, self.domains)
        if reason:
            return {"url": url, "path": "", "checksum": None, "status": reason}
        data = response.body
        digest = hashlib.sha256(data).hexdigest()
        path = str(item.folder / picture_name(item.urls[url], digest, picture_kind(data)))
        async with self._writing:  # so that the same bytes of two URLs are written once
            same = self._written.setdefault(digest, self._path_of(digest) or path)
            if same == path:
                await asyncio.to_thread(write_bytes, self.folder / path, data)
            else:
                place(self.folder / same, self.folder / path)
        return {"url": url, "path": path, "checksum": digest, "status": "downloaded"}

    def media_failed(self, failure: Failure, request: Request, _info: object) -> None:  # type: ignore[override]
        if not is_site_error(failure.value):
            failure.raiseException()  # a full disk, or a bug
        too_large = isinstance(failure.value, DownloadCancelledError)
        reason = f"larger than {self.max_bytes:,} bytes" if too_large else str(failure.value)
        self._failed[request.meta["picture"]] = Outcome(
            reason=reason or type(failure.value).__name__, postponed=isinstance(failure.value, NotSent)
        )

    def item_completed(self, results: list[Any], item: Wanted, _info: object) -> dict[str, Outcome]:
        """The outcome for each URL; a picture that another article has is linked into this article's folder."""
        outcomes: dict[str, Outcome] = {}
        for (ok, found), (url, nth) in zip(results, item.urls.items(), strict=True):
            if not ok:
                found.raiseException()
            if not found or not found["path"]:
                unknown = Outcome(reason="no answer")
                outcomes[url] = Outcome(reason=found["status"]) if found else self._failed.get(url, unknown)
                continue
            path = PurePosixPath(found["path"])
            if path.parent != item.folder:
                own = item.folder / picture_name(nth, found["checksum"], path.suffix[1:])
                place(self.folder / path, self.folder / own)
                path = own
            outcomes[url] = Outcome(path=str(path), digest=found["checksum"])
        return outcomes

    def _path_of(self, digest: str) -> str:
        row = self.rows.find_stored(hash=digest)
        return row.path if row and is_file(self.folder / row.path) else ""


def refusal(response: Response, domains: Collection[str]) -> str:
    """Why an answer is not a picture of the site; `""` if it is one."""
    if 300 <= response.status < 400:
        return f"redirected to {(response.headers.get('Location') or b'').decode('latin-1')}"
    if response.status != 200:
        return f"HTTP status {response.status}"
    address, host = response.ip_address, urlparse_cached(response).hostname
    by_proxy = response.request is not None and response.request.meta.get("proxy")
    # a host that is configured by its full name or address is trusted, e.g. a test server or a mirror
    if address and not by_proxy and host not in domains and is_private(str(address)):
        return f"{host} has the private address {address}"
    if not picture_kind(response.body):
        return f"no picture: begins with {response.body[:20]!r}" if response.body else "empty answer"
    return ""


logger = logging.getLogger(__name__)


class Pictures:
    """Fetches pictures. One that cannot be fetched stays a link to the site and is tried again in later runs."""

    def __init__(self, archive: Archive, downloads: Downloads, crawler: Crawler) -> None:
        self.archive = archive
        self.downloads = downloads
        self.crawler = crawler
        self.folder = archive.folder
        self.rows = archive.ledger.pictures
        self._later: asyncio.Task[None] | None = None
        self._postponed: dict[str, None] = {}
        """Articles of this run with pictures that would have had to wait."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless `ARCHIVE_PICTURES` is on."""
        archive, spider = archive_of(crawler), crawler.spider
        if not archive.options.pictures:
            raise NotConfigured
        domains = (*getattr(spider, "picture_domains", ()), *getattr(spider, "allowed_domains", ()))
        pictures = cls(archive, Downloads(archive, domains, crawler), crawler)
        crawler.signals.connect(pictures.spider_idle, signal=signals.spider_idle)
        return pictures

    def open_spider(self) -> None:
        self.downloads.open_spider()

    async def process_item(self, item: Reading) -> Reading:
        article = item.article
        path = document_path(item.row, article)
        links = [article.thumbnail, *(picture.url for picture in article.pictures)]
        wanted = Wanted(article.source, article.article_id, picture_folder(PurePosixPath(path)), self._urls(links))
        outcomes = await self._fetch(wanted)
        self._record(wanted, outcomes)
        item.local_pictures = self._links(outcomes)
        return item

    def spider_idle(self) -> None:
        """When all else is done: fetch failed pictures that are due, and those of articles archived without."""
        if self._later is None and (articles := self._articles_due()):
            self._later = asyncio.create_task(self._fill(articles))
            self._later.add_done_callback(lambda _: wake_engine(self.crawler))
        if self._later and not self._later.done():
            raise DontCloseSpider

    async def close_spider(self) -> None:
        if self._later:
            self._later.cancel()
            await asyncio.gather(self._later, return_exceptions=True)

    def _articles_due(self) -> list[str]:
        if self._replays():
            return []  # nothing is fetched
        if getattr(self.crawler.spider, "named", ()):
            return list(self._postponed)  # nothing else is fetched
        source = self.crawler.spidercls.name
        failed = [row.article_id for row in self.rows.due(source, self.archive.now(), self.archive.schedule.max_tries)]
        earlier = self.rows.articles_without(
            source, self.archive.options.pictures_backlog, lambda path: is_file(self.folder / path)
        )
        return list(dict.fromkeys([*failed, *earlier]))

    async def _fill(self, article_ids: list[str]) -> None:
        logged = False
        for article_id in article_ids:
            row = self.archive.ledger.get(self.crawler.spidercls.name, article_id)
            if row is None or not is_file(self.folder / row.path):
                continue  # `scrapy verify` reports it
            try:
                await self._complete(row)
            except Exception as error:
                # the log is where a run counts its errors: the same bug is counted and shown once
                logger.error("%s: its pictures could not be added", row.path, exc_info=None if logged else error)
                logged = True
                if is_fatal(error):
                    return

    async def _complete(self, row: Row) -> None:
        """Fetch the pictures that an archived document lacks and change its links; this is not a new revision."""
        file = self.folder / row.path
        failed = {it.url: it for it in self.rows.of(row.source, row.article_id) if it.state is State.FAILED}
        waiting = {url for url, it in failed.items() if not self._is_due(it)}
        links = [*picture_links(read_file(file).decode("utf-8", "replace")), *failed]
        urls = {url: nth for url, nth in self._urls(links).items() if url not in waiting}
        wanted = Wanted(row.source, row.article_id, picture_folder(PurePosixPath(row.path)), urls, may_wait=True)
        outcomes = await self._fetch(wanted)
        for url in failed.keys() - urls.keys() - waiting:  # `scrapy reextract` does not check hosts
            outcomes[url] = Outcome(reason="on no picture host of the site")
        changed = relinked(read_file(file), self._links(outcomes), row.file_hash)
        if changed is None:
            logger.warning("%s: changed since it was archived, so its picture links are left alone", file)
            outcomes = {url: Outcome(reason="the document was changed since it was archived") for url in outcomes}
            self._record(wanted, outcomes)
            return
        with (
            self.archive.ledger.transaction()
        ):  # after a kill from here on, the rows lead a later run back to this file
            self._record(wanted, outcomes, finished=False)
            self.archive.ledger.relinked(row, file_hash=content_hash(changed))
        if changed != read_file(file):
            await asyncio.to_thread(write_bytes, file, changed)
        with self.archive.ledger.transaction():
            for url, outcome in outcomes.items():
                if outcome.path:
                    self.rows.stored(row.source, row.article_id, url, path=outcome.path, hash=outcome.digest)

    async def _fetch(self, wanted: Wanted) -> dict[str, Outcome]:
        if not self._replays():
            return cast("dict[str, Outcome]", await self.downloads.process_item(wanted))
        known = {url: self.rows.get(wanted.source, wanted.article_id, url) for url in wanted.urls}
        return {
            url: Outcome(row.path, row.hash) if row and row.path else Outcome(reason="a replay fetches nothing")
            for url, row in known.items()
        }

    def _record(self, wanted: Wanted, outcomes: dict[str, Outcome], *, finished: bool = True) -> None:
        """Not `finished`: the document does not link to them yet."""
        key = wanted.source, wanted.article_id
        for url, outcome in outcomes.items():
            if outcome.postponed:
                self.archive.count("picture/postponed")
                self.rows.failed(*key, url, reason=outcome.reason, next_try=self.archive.now(), tried=False)
                self._postponed[wanted.article_id] = None
                continue
            self.archive.count(f"picture/{'failed' if outcome.reason else 'stored'}")
            if outcome.path and finished:
                self.rows.stored(*key, url, path=outcome.path, hash=outcome.digest)
                continue
            if outcome.path:
                self.rows.put(
                    PictureRow(
                        source=wanted.source, article_id=wanted.article_id, url=url, state=State.FAILED,
                        path=outcome.path, hash=outcome.digest, next_try=self.archive.now(), reason="interrupted",
                    )
                )  # fmt: skip
                continue
            logger.info("%s: picture not stored: %s", url, outcome.reason)
            known = self.rows.get(*key, url)
            tries = known.attempts + 1 if known else 1
            next_try = self.archive.now() if self._replays() else self.archive.schedule.next_try(tries)
            self.rows.failed(*key, url, reason=outcome.reason, next_try=next_try)
        if not self.rows.of(*key):
            self.rows.mark_without_pictures(*key)

    def _urls(self, links: Iterable[str]) -> dict[str, int]:
        urls: dict[str, int] = {}
        for nth, url in enumerate(links):
            if is_wanted(url, self.downloads.domains):
                urls.setdefault(url, nth)
        return urls

    def _links(self, outcomes: dict[str, Outcome]) -> dict[str, str]:
        return {
            url: picture_url(found.path, self.archive.options.pictures_url)
            for url, found in outcomes.items()
            if found.path
        }

    def _is_due(self, row: PictureRow) -> bool:
        return row.attempts < self.archive.schedule.max_tries and (
            row.next_try is None or row.next_try <= self.archive.now()
        )

    def _replays(self) -> bool:
        return getattr(self.crawler.spider, "replay", None) is not None
