"""Compares an article with the archive: new, changed or unchanged?"""

from newsarchive.archive.archive import Reading
from newsarchive.archive.documents import Change
from newsarchive.archive.files import PAGES
from newsarchive.archive.replay import is_warc
from newsarchive.pipelines import ArchivePipeline, Older, Unchanged
from newsarchive.pipelines.preserve import former_record


class Revise(ArchivePipeline):
    """Drops an article that is in the archive already and has not changed."""

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
        former = former_record(self.archive.folder / PAGES, row)
        # later than now: it is from a run with a wrong clock
        return former is not None and item.page.fetched < former.date <= self.archive.now()
