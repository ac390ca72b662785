"""The steps for a page, one verb each, in running order. Scrapy counts drops by the name of their class."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Self, cast

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider, DownloadCancelledError, DropItem, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached
from twisted.python.failure import Failure

from newsarchive import reader
from newsarchive.archive import quarantine
from newsarchive.archive.archive import Archive, Reading, Visit
from newsarchive.archive.documents import Change, content_hash, document_path, why_empty
from newsarchive.archive.files import PAGES, is_file, link_or_copy, read_file, sync_folder, write_bytes, write_text
from newsarchive.archive.pictures import (
    is_private,
    is_wanted,
    localised,
    picture_folder,
    picture_kind,
    picture_links,
    picture_name,
    picture_url,
)
from newsarchive.archive.replay import capture_at, is_warc
from newsarchive.archive.tables import PictureRow, Row, State
from newsarchive.archive.warc import Record, WarcFile, close_open_files
from newsarchive.downloader import NotSent, answered_page, engine_slot, header
from newsarchive.errors import ArchiveError, ChallengePage, NotAnArticle, PageError, PartialArticle, describe, is_fatal
from newsarchive.exporters import MarkdownItemExporter
from newsarchive.extensions import Run, archive_of, is_site_error
from newsarchive.health.alarms import traits
from newsarchive.items import ArchivedArticle, Article, Page
from newsarchive.markdown.document import render
from newsarchive.messages import printable

logger = logging.getLogger(__name__)
_REMEMBERED = 1_000  # pictures, at 1.4 kB each; the ledger knows those that were stored before
_PICTURE_HEADERS = {"Accept": "image/*,*/*;q=0.1"}


class ArchivePipeline:
    """A pipeline that works on the archive, and is left out without one."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(archive_of(crawler))


class Quarantined(DropItem):
    """The page is no whole article: it is kept aside with the reason, never exported."""

    def __init__(self, reason: str, counted_as: str = "quarantined") -> None:
        super().__init__(reason)
        self.counted_as = counted_as
        """The stat `archive/article/<counted_as>`. Only `quarantined` is a sign that the site's pages have changed."""


class Gone(DropItem):
    """The page says that the site has removed the article."""


class Older(DropItem):
    """The archive holds a page of the article that came later than this saved one."""


class Unchanged(DropItem):
    """The archive holds the article as it is. Expected, so quiet."""


class Preserve:
    """Writes pages and lists, as received, to the run's WARC file. Replayed pages are in a file already.

    It runs first, so that a better parser can later read what this one cannot.
    """

    def __init__(self, archive: Archive, file: WarcFile, source: str) -> None:
        self.archive = archive
        self.file = file
        self.source = source

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` with `ARCHIVE_PAGES = False`."""
        run, source = crawler.get_extension(Run), crawler.spidercls.name
        if run is None or not run.archive.options.pages:
            raise NotConfigured
        # with the time, because a rebuilt ledger counts its runs from 1 again
        name = f"{source}-{run.row.started:%Y%m%dT%H%M%SZ}-{run.row.run}.warc.gz"
        file = WarcFile(run.folder / PAGES / name, f"newsarchive {version('newsarchive')}")
        preserve = cls(run.archive, file, source)
        crawler.signals.connect(preserve.response_received, signal=signals.response_received)
        crawler.signals.connect(preserve.item_dropped, signal=signals.item_dropped)
        crawler.signals.connect(preserve.item_error, signal=signals.item_error)
        return preserve

    def open_spider(self) -> None:
        close_open_files(self.file.path.parent, self.archive.ledger.database.living_runs())

    def process_item(self, item: Visit) -> Visit:
        """An error here is a problem of this machine, e.g. a full disk: the page is fetched again in a later run.

        The record's place gets into the ledger with all else that the page says, unless the record that the row names
        has the same page.
        """
        page, row = item.page, item.row
        if row and not page.saved_in:
            original = _original(page, self.file.path.parent, row)
            offset = self.file.add(page, original)
            if not original:
                item.record = {"warc_file": self.file.path.name, "warc_offset": offset}
            page.packed = b""  # free memory
        return item

    def item_dropped(self, item: object, exception: BaseException) -> None:
        """A page that is no article is kept too; the ledger goes on naming the former page, if that is one."""
        if isinstance(item, Visit) and item.row and item.record and not isinstance(exception, Unchanged):
            has_former = item.row.path and item.row.warc_offset is not None
            if not has_former:
                self.archive.ledger.update(item.row, **item.record)

    def item_error(self, item: object, failure: Failure) -> None:
        if failure.value and not is_fatal(failure.value):  # with a full disk nothing can be recorded
            self.item_dropped(item, failure.value)

    def response_received(self, response: Response, request: Request) -> None:
        """Write the reply to a list request, which has the list's name in `meta["where"]`."""
        if not (where := request.meta.get("where")):
            return
        asked = request.body.decode("utf-8", "replace")  # which page of which list: the URL is the same for all
        reply = answered_page(response, self.source, self.archive.now())
        self.file.add(reply, about={"list": where, "request-body": asked})

    def close_spider(self) -> None:
        self.file.close()


def _former_record(folder: Path, row: Row) -> Record | None:
    """The record in `pages/` that the ledger names, unless it is missing or damaged, as `scrapy verify` reports."""
    if row.warc_offset is None:
        return None
    try:
        return capture_at(folder / row.warc_file, row.warc_offset)
    except ArchiveError:
        return None


def _original(page: Page, folder: Path, row: Row) -> Record | None:
    """The former record, if it has the same page, however packed; a later one is from a run with a wrong clock."""
    former = _former_record(folder, row)
    if former and former.payload_digest and former.body == page.html and former.date <= page.fetched:
        return former
    return None


class Extract(ArchivePipeline):
    """Page → Article: title, date, summary, thumbnail and body, with the source's own `read_article`.

    A page that is no whole article goes into quarantine, and never becomes an empty file.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extract = super().from_crawler(crawler)
        crawler.signals.connect(extract.item_dropped, signal=signals.item_dropped)
        crawler.signals.connect(extract.item_error, signal=signals.item_error)
        return extract

    def process_item(self, item: Visit) -> Reading:
        """Raises `Quarantined` or `Gone` for a page that is not an article, or not a whole one."""
        page = item.page
        try:
            with self.archive.reading(item):
                article = reader(page.source)(page.html, url=page.url)
        except NotAnArticle as error:
            if not error.gone:
                raise Quarantined(str(error)) from error
            self.archive.mark_gone(self._row(item, page.article_id), page)
            raise Gone(str(error), "DEBUG") from error
        except PartialArticle as error:
            raise Quarantined(str(error), "for_subscribers" if error.paid else "cut") from error
        except ChallengePage as error:
            if not page.saved_in:
                self.archive.count("site/refused")
            raise Quarantined(str(error), "challenged") from error
        except PageError as error:
            self.archive.count("page/unknown")
            raise Quarantined(str(error)) from error
        if page.article_id and article.article_id != page.article_id:
            raise Quarantined(f"{page.url}: requested article {page.article_id}, got {article.article_id}")
        if reason := why_empty(article, self.archive.options.min_text):
            raise Quarantined(reason)
        row = self._row(item, article.article_id)
        article.thumbnail = _list_picture(page, article, row) or article.thumbnail
        return Reading(page=page, row=row, record=item.record, article=article, document=render(article))

    def _row(self, item: Visit, article_id: str) -> Row | None:
        """A saved page comes without its row, because only reading it tells its id."""
        return item.row or self.archive.ledger.get(item.page.source, article_id)

    def item_dropped(self, item: object, exception: BaseException) -> None:
        if isinstance(item, Visit) and isinstance(exception, Quarantined):
            self._keep(item.page, str(exception), exception.counted_as)

    def item_error(self, item: object, failure: Failure) -> None:
        # a page that triggers a bug is needed to find it; with a full disk nothing can be kept
        if isinstance(item, Visit) and failure.value and not is_fatal(failure.value):
            self._keep(item.page, describe(failure.value))

    def _keep(self, page: Page, reason: str, counted_as: str = "quarantined") -> None:
        """Stores the page, with the reason, then the ledger's row."""
        archive, ledger, reason = self.archive, self.archive.ledger, printable(reason)
        again = quarantine.keep(archive.folder, page, reason)
        is_archived = False
        if page.article_id:
            found = Row(
                source=page.source, article_id=page.article_id, url=page.url, where="saved page",
                thumbnail=page.thumbnail, entry=page.entry, first_seen=archive.now(),
            )  # fmt: skip
            row, _ = ledger.found(found)
            is_archived = bool(row.path)
            if not again and (archive.is_current(page) or not is_archived):  # the same copy again is not another try
                next_try = archive.schedule.next_try_of(row)
                ledger.failed(row, state=State.QUARANTINED, reason=reason, now=archive.now(), next_try=next_try)
            again = again or row.state is State.QUARANTINED or (is_archived and row.attempts > 0)
        if counted_as == "quarantined" and again:
            counted_as = "quarantined_again"
        archive.count(f"article/{counted_as}")
        if counted_as == "quarantined" and is_archived:
            archive.count("recheck/quarantined")


def _list_picture(page: Page, article: Article, known: Row | None) -> str:
    """The picture of the first list entry of this edition; later entries and replays do not change it."""
    if known is None:
        return page.thumbnail
    if known.awaits_edition(known.published) and not known.awaits_edition(article.published):
        return known.announced_thumbnail
    return known.thumbnail or ("" if known.announced else page.thumbnail)


class Revise(ArchivePipeline):
    """Compares an article with the archive, and drops one that has not changed."""

    def process_item(self, item: Reading) -> Reading:
        """Raises `Unchanged`, or `Older` for a saved page if the archive has a later one."""
        item.change = self.archive.compare(item.row, item.document)
        if item.change is Change.UNCHANGED:
            assert item.row  # noqa: S101
            self.archive.mark_unchanged(item.row, item)
            raise Unchanged(f"{item.article.url}: the archive holds it as it is", "DEBUG")
        if self._is_older(item):
            self.archive.count("article/older")
            reason = "left as it is, the archive holds a page that came later than this saved one"
            raise Older(f"{item.page.url}: {reason}", "INFO")
        return item

    def _is_older(self, item: Reading) -> bool:
        row = item.row
        # a document that is missing or damaged: an older text is better than none
        if not is_warc(item.page.saved_in) or row is None or not self.archive.is_intact(row):
            return False
        former = _former_record(self.archive.folder / PAGES, row)
        # later than now: it is from a run with a wrong clock
        return former is not None and item.page.fetched < former.date <= self.archive.now()


@dataclass(frozen=True)
class WantedPictures:
    """The pictures of one article."""

    source: str
    article_id: str
    folder: PurePosixPath
    """The folder to put them in, below the archive's folder."""
    urls: dict[str, int]
    """URLs with their positions in the article; 0 is the thumbnail."""
    may_wait: bool = False
    """Whether to wait for a picture that is delayed; if not, it is fetched at the end of the run."""

    def stored(self, url: str, path: str = "", digest: str = "") -> PictureRow:
        return PictureRow(source=self.source, article_id=self.article_id, url=url, path=path, hash=digest)

    def failed(self, url: str, reason: str, tries: int = 1) -> PictureRow:
        """`tries` is 0 for a picture that was not asked for because it would have had to wait."""
        return replace(self.stored(url), state=State.FAILED, attempts=tries, reason=reason)


class Pictures:
    """Stores an article's pictures: once each, byte for byte, from the site's own hosts, and only if they are pictures.

    One that cannot be fetched stays a link to the site and is tried again in later runs. This is not Scrapy's
    `FilesPipeline`, which names files by their URLs: here the bytes determine a file's name, and an article's pictures
    are in its own folder.
    """

    def __init__(self, archive: Archive, crawler: Crawler) -> None:
        self.archive = archive
        self.crawler = crawler
        self.folder = archive.folder
        self.ledger = archive.ledger
        self.spider = cast("Any", crawler.spider)  # an `ArchiveSpider`
        self.domains = (*self.spider.picture_domains, *self.spider.allowed_domains)
        self._replays = self.spider.replay is not None
        self._fetched: dict[bool, dict[str, asyncio.Task[PictureRow]]] = {False: {}, True: {}}
        """By `may_wait` and URL, the last ones: fetched once, though several articles want it, and again at the end."""
        self._filling: asyncio.Task[None] | None = None
        """Completes articles at the end of the run."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` unless `ARCHIVE_PICTURES` is on."""
        archive = archive_of(crawler)
        if not archive.options.pictures:
            raise NotConfigured
        pictures = cls(archive, crawler)
        crawler.signals.connect(pictures.spider_idle, signal=signals.spider_idle)
        return pictures

    async def process_item(self, item: Reading) -> Reading:
        article = item.article
        links = [article.thumbnail, *(picture.url for picture in article.pictures)]
        folder = picture_folder(PurePosixPath(document_path(item.row, article)))
        wanted = WantedPictures(article.source, article.article_id, folder, self._urls(links))
        found = await self._get(wanted)
        item.picture_rows = self._rows(wanted, found)
        item.local_pictures = self._links(found)
        return item

    def spider_idle(self) -> None:
        """When all else is done: fetch failed pictures that are due, and those of articles archived without."""
        if self._filling is None and not self._replays and (articles := self._articles_due()):
            self._filling = asyncio.create_task(self._fill(articles))
            # the engine looks for work at once then, and not at its next heartbeat, up to five seconds later
            self._filling.add_done_callback(lambda _: engine_slot(self.crawler).nextcall.schedule())
        if self._filling and not self._filling.done():
            raise DontCloseSpider

    async def close_spider(self) -> None:
        if self._filling:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    def _articles_due(self) -> list[str]:
        source, archive = self.spider.name, self.archive
        failed = [row.article_id for row in self.ledger.due_pictures(source, archive.now(), archive.schedule.max_tries)]
        if named := set(self.spider.named):
            return [article_id for article_id in dict.fromkeys(failed) if article_id in named]
        earlier = (row for row in self.ledger.articles_without_pictures(source) if is_file(self.folder / row.path))
        some = islice(earlier, archive.options.pictures_backlog)
        return list(dict.fromkeys([*failed, *(row.article_id for row in some)]))

    async def _fill(self, article_ids: list[str]) -> None:
        logged = False
        for article_id in article_ids:
            row = self.ledger.get(self.spider.name, article_id)
            if row is None or not is_file(self.folder / row.path):
                continue  # `scrapy verify` reports it
            if not self.ledger.claim(row):
                continue  # another run does it
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
        now, max_tries = self.archive.now(), self.archive.schedule.max_tries
        known = self.ledger.pictures_of(row.source, row.article_id)
        failed = {it.url: it for it in known if it.state is State.FAILED}
        waiting = {url for url, it in failed.items() if it.attempts >= max_tries or (it.next_try or now) > now}
        links = [*picture_links(read_file(file).decode("utf-8", "replace")), *failed]
        urls = {url: nth for url, nth in self._urls(links).items() if url not in waiting}
        wanted = WantedPictures(
            row.source, row.article_id, picture_folder(PurePosixPath(row.path)), urls, may_wait=True
        )
        found = await self._get(wanted)
        others = failed.keys() - urls.keys() - waiting  # `scrapy reextract` does not check hosts
        found += [wanted.failed(url, "on no picture host of the site") for url in others]
        text = read_file(file).decode("utf-8", "replace")
        changed = localised(text, self._links(found))
        # the latter was about to be written by a run that was killed
        if row.file_hash not in (content_hash(text), content_hash(changed)):
            logger.warning("%s: changed since it was archived, so its picture links are left alone", file)
            found = [wanted.failed(it.url, "the document was changed since it was archived") for it in found]
            self._record(row, self._rows(wanted, found))
            return
        # after a kill from here on, the rows lead a later run back to this file
        self._record(row, self._rows(wanted, found, finished=False), file_hash=content_hash(changed))
        if changed != text:
            write_text(file, changed)
        self._record(row, [picture for picture in found if picture.path])

    def _record(self, row: Row, pictures: list[PictureRow], **changes: str) -> None:
        with self.ledger.transaction():
            for picture in pictures:
                self.ledger.put(picture)
            self.ledger.update(row, pictures_tried=True, claimed_by=None, **changes)

    async def _get(self, wanted: WantedPictures) -> list[PictureRow]:
        """What became of each. One sync makes the names of all their files safe against a power cut."""
        if self._replays:  # at once: the engine would see the end of a wait up to five seconds later
            got = [self._stored(url, wanted) or wanted.failed(url, "a replay fetches nothing") for url in wanted.urls]
        else:
            tasks = self._fetched[wanted.may_wait]
            tasks |= {url: asyncio.create_task(self._fetch(url, wanted)) for url in wanted.urls if url not in tasks}
            these = [tasks[url] for url in wanted.urls]
            while len(tasks) > _REMEMBERED:
                del tasks[next(iter(tasks))]
            got = await asyncio.gather(*these)
        found = [self._linked(url, wanted, row) for url, row in zip(wanted.urls, got, strict=True)]
        if any(row.path for row in found):
            sync_folder(self.folder / wanted.folder)
        return found

    def _linked(self, url: str, wanted: WantedPictures, found: PictureRow) -> PictureRow:
        """A picture that another article has is linked into this article's folder."""
        if not found.path:
            return wanted.failed(url, found.reason, found.attempts)
        path = found.path
        if not path.startswith(f"{wanted.folder}/"):
            path = f"{wanted.folder}/{picture_name(wanted.urls[url], found.hash, path.rpartition('.')[2])}"
            link_or_copy(self.folder / found.path, self.folder / path)
        return wanted.stored(url, path, found.hash)

    def _stored(self, url: str, wanted: WantedPictures) -> PictureRow | None:
        """The row of a picture that is in the archive, best of this article."""
        known = [it for it in self.ledger.stored_pictures(url) if is_file(self.folder / it.path)]
        return max(known, key=lambda it: it.article_id == wanted.article_id, default=None)

    async def _fetch(self, url: str, wanted: WantedPictures) -> PictureRow:
        if known := self._stored(url, wanted):
            return known
        most = self.archive.options.pictures_max_bytes
        # every status, so no redirect is followed, not even within the site
        meta = {"picture": url, "download_maxsize": most, "may_wait": wanted.may_wait, "handle_httpstatus_all": True}
        request = Request(url, headers=_PICTURE_HEADERS, callback=NO_CALLBACK, meta=meta)
        try:
            response = await self.crawler.engine.download_async(request)
        except Exception as error:
            if not is_site_error(error):
                raise  # a full disk, or a bug
            too_large = isinstance(error, DownloadCancelledError)
            reason = f"larger than {most:,} bytes" if too_large else str(error) or type(error).__name__
            return wanted.failed(url, reason, tries=0 if isinstance(error, NotSent) else 1)
        if reason := refusal(response, self.domains):
            return wanted.failed(url, reason)
        digest = content_hash(response.body)
        path = f"{wanted.folder}/{picture_name(wanted.urls[url], digest, picture_kind(response.body))}"
        write_bytes(self.folder / path, response.body, sync=False)
        return wanted.stored(url, path, digest)

    def _rows(self, wanted: WantedPictures, found: list[PictureRow], *, finished: bool = True) -> list[PictureRow]:
        """What the ledger is to know of them. Not `finished`: the document does not link to them yet."""
        archive, now, rows = self.archive, self.archive.now(), list[PictureRow]()
        tries = {row.url: row.attempts for row in self.ledger.pictures_of(wanted.source, wanted.article_id)}
        for row in found:
            attempts = tries.get(row.url, 0) + row.attempts
            if row.path:
                archive.count("picture/stored")
                rows.append(row if finished else replace(row, state=State.FAILED, next_try=now, reason="interrupted"))
            else:
                archive.count("picture/failed" if row.attempts else "picture/postponed")
                logger.info("%s: picture not stored: %s", row.url, row.reason)
                next_try = now if self._replays or not row.attempts else archive.schedule.next_try(attempts)
                rows.append(replace(row, attempts=attempts, next_try=next_try))
        return rows

    def _urls(self, links: list[str]) -> dict[str, int]:
        """Those to fetch, each with its first position."""
        first = dict[str, int]()
        for nth, url in enumerate(links):
            first.setdefault(url, nth)
        return {url: nth for url, nth in first.items() if is_wanted(url, self.domains)}

    def _links(self, found: list[PictureRow]) -> dict[str, str]:
        return {row.url: picture_url(row.path, self.archive.options.pictures_url) for row in found if row.path}


def refusal(response: Response, domains: Collection[str]) -> str:
    """Why an answer is not a picture of the site; `""` if it is one."""
    if 300 <= response.status < 400:
        return f"redirected to {header(response, 'Location')}"
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


class Store(ArchivePipeline):
    """Writes the file of a new article, or of a changed one, keeping its former version; then, last, its row."""

    def process_item(self, item: Reading) -> ArchivedArticle:
        row, article = item.row, item.article
        stored = self.archive.put(item, lambda file: MarkdownItemExporter(file).export_item(item))
        quarantine.release(self.archive.folder, article.source, article.article_id)
        quarantine.release_copy(self.archive.folder, item.page)
        if item.change is Change.NEW:
            for trait in traits(article, row.entry if row else ""):
                self.archive.count(trait)
        self.archive.count(f"article/{item.change}")
        article.channels = stored.channels
        return ArchivedArticle(**vars(article), path=stored.path, change=item.change.value, edited=stored.edited)
