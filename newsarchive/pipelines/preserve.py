"""Writes pages and lists, as received, to the run's WARC file."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from twisted.python.failure import Failure

from newsarchive.archive.archive import Archive, Visit
from newsarchive.archive.files import PAGES
from newsarchive.archive.replay import capture_at
from newsarchive.archive.tables import Row
from newsarchive.archive.warc import Record, WarcFile, close_open_files
from newsarchive.downloader import answered_page
from newsarchive.errors import ArchiveError, is_fatal
from newsarchive.extensions import Run
from newsarchive.items import Page
from newsarchive.pipelines import Unchanged


class Preserve:
    """Runs first, so that a better parser can later read what this one cannot. Replayed pages are in a file already."""

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

        The record's place gets into the ledger with all else that the page says.
        """
        if not item.page.saved_in and item.row:
            item.record = self._add_page(item.page, item.row)
            item.page.packed = b""  # free memory
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

    def _add_page(self, page: Page, row: Row) -> dict[str, Any]:
        """The place of the page's record, for its row; empty if the record that the row names has the same page."""
        original = _original(page, self.file.path.parent, row)
        offset = self.file.add(page, original)
        return {} if original else {"warc_file": self.file.path.name, "warc_offset": offset}


def former_record(folder: Path, row: Row) -> Record | None:
    """The record in `pages/` that the ledger names, unless it is missing or damaged, as `scrapy verify` reports."""
    if row.warc_offset is None:
        return None
    try:
        return capture_at(folder / row.warc_file, row.warc_offset)
    except ArchiveError:
        return None


def _original(page: Page, folder: Path, row: Row) -> Record | None:
    """The former record, if it has the same page, however packed; a later one is from a run with a wrong clock."""
    former = former_record(folder, row)
    if former and former.payload_digest and former.body == page.html and former.date <= page.fetched:
        return former
    return None
