"""Page → Article. A page that is no whole article goes into quarantine, and never becomes an empty file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scrapy import signals

from newsarchive import reader
from newsarchive.archive import quarantine
from newsarchive.archive.archive import Archive, Reading, Visit
from newsarchive.archive.documents import why_empty
from newsarchive.archive.files import quarantine_path
from newsarchive.archive.ledger import Row, State
from newsarchive.errors import ChallengePage, NotAnArticle, PageError, PartialArticle, describe, is_fatal
from newsarchive.extensions.run import archive_of
from newsarchive.items import Article, Page
from newsarchive.markdown.document import render
from newsarchive.messages import printable
from newsarchive.pipelines import Gone, Quarantined, Unchanged

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.python.failure import Failure


class Extract:
    """Reads title, date, summary, thumbnail and body with the source's own `read_article`."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.quarantine = Quarantine(archive)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extract = cls(archive_of(crawler))
        extract.quarantine.listen(crawler)
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
            raise Gone(str(error)) from error
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
        return Reading(page=page, row=row, article=article, document=render(article))

    def _row(self, item: Visit, article_id: str) -> Row | None:
        """A saved page comes without its row, because only reading it tells its id."""
        return item.row or self.archive.ledger.get(item.page.source, article_id)


def _list_picture(page: Page, article: Article, known: Row | None) -> str:
    """The picture of the first list entry of this edition; later entries and replays do not change it."""
    if known is None:
        return page.thumbnail
    if known.awaits_edition(known.published) and not known.awaits_edition(article.published):
        return known.announced_thumbnail
    return known.thumbnail or ("" if known.announced else page.thumbnail)


class Quarantine:
    """Keeps a page that is no whole article, with the reason, until it can be read."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.folder = archive.folder
        self._names: dict[str, list[str]] | None = None

    def listen(self, crawler: Crawler) -> None:
        crawler.signals.connect(self.item_dropped, signal=signals.item_dropped)
        crawler.signals.connect(self.item_error, signal=signals.item_error)
        crawler.signals.connect(self.item_scraped, signal=signals.item_scraped)

    def item_dropped(self, item: object, exception: BaseException) -> None:
        if not isinstance(item, Visit):
            return
        page = item.page
        if isinstance(exception, Quarantined):
            self.keep(page, str(exception), exception.counted_as)
        elif isinstance(exception, Unchanged) and self.archive.is_current(page):
            self.release(page.source, page.article_id, quarantine.name(self.folder, page))
        elif isinstance(exception, Unchanged | Gone):
            # an older page that is archived says nothing about a newer one in quarantine; and a notice of removal
            # must not displace an article
            self.release(page.source, "", quarantine.own_copy(self.folder, page))

    def item_error(self, item: object, failure: Failure) -> None:
        # a page that triggers a bug is needed to find it; with a full disk nothing can be kept
        if isinstance(item, Visit) and failure.value and not is_fatal(failure.value):
            self.keep(item.page, describe(failure.value))

    def item_scraped(self, item: object) -> None:
        if isinstance(item, Article):
            self.release(item.source, item.article_id)

    def keep(self, page: Page, reason: str, counted_as: str = "quarantined") -> None:
        """Stores the page, then the ledger's row."""
        reason = printable(reason)
        again = quarantine.keep(self.folder, page, reason)
        is_archived = False
        if page.article_id:
            row = self._note(page, reason, same_copy=again)
            is_archived = bool(row.path)
            again = again or row.state is State.QUARANTINED or (is_archived and row.attempts > 0)
        if counted_as == "quarantined" and again:
            counted_as = "quarantined_again"
        self.archive.count(f"article/{counted_as}")
        if counted_as == "quarantined" and is_archived:
            self.archive.count("recheck/quarantined")

    def _note(self, page: Page, reason: str, *, same_copy: bool) -> Row:
        """Records the page in the ledger; returns the row from before."""
        ledger, now = self.archive.ledger, self.archive.now()
        row, _ = ledger.found(
            page.source,
            page.article_id,
            url=page.url,
            where="saved page",
            thumbnail=page.thumbnail,
            entry=page.entry,
            now=now,
        )
        if not same_copy and (
            self.archive.is_current(page) or not row.path
        ):  # reading the same copy again is not another try
            next_try = self.archive.schedule.next_try_of(row)
            ledger.quarantined(row, reason=reason, now=now, next_try=next_try)
        return row

    def release(self, source: str, article_id: str, name: str = "") -> None:
        """Called when the article is archived, its row included; `name` is the page's own in quarantine."""
        for each in {article_id, name, *self._nameless_of(source, article_id)} - {""}:
            quarantine.release(self.folder, source, each)

    def _nameless_of(self, source: str, article_id: str) -> list[str]:
        """Pages of the article that were kept without its id; they are read once in a run, at the first call."""
        if not article_id:
            return []
        if self._names is None:
            self._names = {}
            for name, html in quarantine.nameless(self.folder, source):
                self._names.setdefault(self._article_id(source, name, html), []).append(name)
        return self._names.pop(article_id, [])

    def _article_id(self, source: str, name: str, html: bytes) -> str:
        """`""` for a page that still cannot be read."""
        ledger, saved_in = self.archive.ledger, str(self.folder / quarantine_path(source, name))
        if ledger.interrupted_readings(saved_in):
            return ""
        try:
            with ledger.reading_saved(saved_in):
                return reader(source)(html).article_id
        except Exception:  # noqa: BLE001  -- it may be here because it triggers a bug, which was reported then
            return ""
