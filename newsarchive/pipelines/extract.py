"""Page → Article. A page that is no whole article goes into quarantine, and never becomes an empty file."""

from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.python.failure import Failure

from newsarchive import reader
from newsarchive.archive import quarantine
from newsarchive.archive.archive import Reading, Visit
from newsarchive.archive.documents import why_empty
from newsarchive.archive.tables import Row, State
from newsarchive.errors import ChallengePage, NotAnArticle, PageError, PartialArticle, describe, is_fatal
from newsarchive.items import Article, Page
from newsarchive.markdown.document import render
from newsarchive.messages import printable
from newsarchive.pipelines import ArchivePipeline, Gone, Quarantined


class Extract(ArchivePipeline):
    """Reads title, date, summary, thumbnail and body with the source's own `read_article`."""

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
