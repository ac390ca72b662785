"""Page → Article, and only a complete one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from newsarchive.archive.ledger import Row
from newsarchive.archive.replay import is_warc
from newsarchive.drops import Gone, Quarantined
from newsarchive.errors import ChallengePage, NotAnArticle, PageError, PartialArticle
from newsarchive.extensions.run import Run
from newsarchive.items import Article, Page
from newsarchive.sources import reader

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Extract:
    """Reads title, date, summary, thumbnail and body with the source's own `read_article`."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(Run.of(crawler))

    def process_item(self, item: Page) -> Article:
        """Raises `Quarantined` or `Gone` for a page that is not an article."""
        try:
            with self.run.reading(item):
                article = reader(item.source)(item.html, url=item.url)
        except NotAnArticle as error:
            if error.gone:
                self._gone(item)
                raise Gone(str(error)) from error
            raise Quarantined(str(error)) from error
        except PartialArticle as error:
            raise Quarantined(str(error), "for_subscribers" if error.paid else "cut") from error
        except ChallengePage as error:
            if not item.saved_in:
                self.run.count("site/refused")
            raise Quarantined(str(error), "challenged") from error
        except PageError as error:
            self.run.count("page/unknown")
            raise Quarantined(str(error)) from error
        if item.article_id and article.article_id != item.article_id:
            raise Quarantined(f"{item.url}: requested article {item.article_id}, got {article.article_id}")
        known = self.run.ledger.get(article.source, article.article_id)
        article.thumbnail = _list_picture(item, article, known) or article.thumbnail
        headers = {name.lower(): value for name, value in item.headers}
        article.etag = headers.get("etag", "")
        article.last_modified = headers.get("last-modified", "")
        article.captured = item.fetched if is_warc(item.saved_in) else None
        return article

    def _gone(self, page: Page) -> None:
        row = self.run.ledger.get(page.source, page.article_id)
        if row is not None:
            self.run.mark_gone(row)
        else:
            self.run.count("article/gone")  # a saved page of an article that is not in the archive


def _list_picture(page: Page, article: Article, known: Row | None) -> str:
    """The picture of the first list entry of this edition; later entries and replays do not change it."""
    if known is None:
        return page.thumbnail
    if known.awaits_edition(known.published) and not known.awaits_edition(article.published):
        return known.announced_thumbnail
    return known.thumbnail or ("" if known.announced else page.thumbnail)


class Validate:
    """Passes only articles with content: an archive once collected 17,237 empty ones in eight months."""

    def __init__(self, min_text: int) -> None:
        self.min_text = min_text

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Raises `NotConfigured` without a run, as all pipelines do: without one nothing is archived."""
        Run.of(crawler)
        return cls(crawler.settings.getint("ARCHIVE_MIN_TEXT"))

    def process_item(self, item: Article) -> Article:
        """Raises `Quarantined` for a body that is too short. The title does not count."""
        if len(item.text) < self.min_text and not item.pictures and not item.videos:
            raise Quarantined(
                f"{item.url}: the body has {len(item.text)} characters and no picture or video: "
                f"expected {self.min_text} (ARCHIVE_MIN_TEXT)"
            )
        return item
