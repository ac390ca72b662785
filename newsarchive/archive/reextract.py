"""Preserved pages, read again by today's parser."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import content_hash, document_bytes, put
from newsarchive.archive.files import PAGES, is_file, read_file
from newsarchive.archive.ledger import Row
from newsarchive.archive.pictures import localised, picture_links, picture_path, picture_url
from newsarchive.archive.replay import Position, capture_at, capture_page, newest_captures
from newsarchive.errors import ArchiveError, PageError
from newsarchive.markdown.document import render
from newsarchive.sources import reader

_LONGEST = 600  # seconds; a page takes a fraction of one


@dataclass(frozen=True)
class Job:
    """A preserved page and what the ledger knows about its article."""

    row: Row
    warc: Path
    is_intact: bool
    """Whether the document exists and is unchanged; a lost or damaged one is written again."""


@dataclass(frozen=True)
class Result:
    """What today's parser reads: an article when its document differs, or a problem, or neither."""

    row: Row
    reading: Reading | None = None
    problem: str = ""


def jobs(archive: Archive, source: str, wanted: frozenset[str], *, remember: bool) -> Iterator[Job | Row]:
    """Every article with a document, or those with the `wanted` ids; a bare row where no page is preserved.

    Pages that the ledger does not know are searched for; `remember` records them there.
    """
    pages = archive.folder / PAGES
    newest: dict[str, Position] | None = None
    for row in archive.ledger.rows(source):
        if not row.path or (wanted and row.article_id not in wanted):
            continue
        row = replace(row, entry="")  # noqa: PLW2901  -- not needed, and copied to another process
        if row.warc_offset is not None and is_file(pages / row.warc_file):
            yield Job(row, pages / row.warc_file, archive.is_intact(row))
            continue
        if newest is None:  # the ledger was rebuilt, or files were added by hand
            newest = newest_captures(sorted(pages.glob("*.warc.gz")), source, archive.ledger if remember else None)
        if found := newest.get(f"{source} {row.article_id}"):
            if remember:
                archive.ledger.preserved(row, file=found.file.name, offset=found.offset)
            row = replace(row, warc_file=found.file.name, warc_offset=found.offset)  # noqa: PLW2901
            yield Job(row, found.file, archive.is_intact(row))
        else:
            yield row


def read_again(job: Job) -> Result:
    """Runs in a process of its own, which is ended when it takes too long: no ledger, no network, nothing written."""
    signal.alarm(_LONGEST)
    try:
        return _read_again(job)
    finally:
        signal.alarm(0)


def unread(job: Job) -> Result:
    """The problem of a page that ended the process that read it."""
    reason = f"the process that read its page was ended: out of memory, by force, or after {_LONGEST} seconds"
    return Result(job.row, problem=f"{job.row.url}: {reason}")


def _read_again(job: Job) -> Result:
    row = job.row
    try:
        page = capture_page(capture_at(job.warc, row.warc_offset or 0), row.source)
        # as in the crawl: the list picture, of the ledger or of the page, before the page's own
        article = reader(row.source)(page.html, url=page.url, thumbnail=row.thumbnail or page.thumbnail)
    except (PageError, ArchiveError) as error:
        return Result(row, problem=str(error))
    except MemoryError:
        return unread(job)
    except Exception as error:  # noqa: BLE001  -- a bug that one page triggers: the others are read
        return Result(row, problem=f"{row.url}: {type(error).__name__}: {error}")
    if article.article_id != row.article_id:
        return Result(row, problem=f"{job.warc}: expected article {row.article_id}, got {article.article_id}")
    document = render(article)
    if content_hash(document) == row.content_hash and job.is_intact:
        return Result(row)
    page = replace(page, html=b"")  # not needed, and copied to another process
    return Result(row, Reading(page=page, row=row, article=article, document=document))


def use_stored_pictures(archive: Archive, reading: Reading) -> None:
    """Has the document link to the pictures that the archive has."""
    article = reading.article
    reading.local_pictures = {
        picture.url: picture_url(picture.path, archive.options.pictures_url)
        for picture in archive.ledger.pictures.of(article.source, article.article_id)
        if picture.path
    }


def learn_pictures(archive: Archive, row: Row, document: str) -> None:
    """Restores in a rebuilt ledger what no document says: where local pictures came from.

    A local picture has its number in its name, which matches it to the article's picture at that position.
    """
    here = picture_links(read_file(archive.folder / row.path).decode("utf-8", "replace"))
    for nth, (link, url) in enumerate(zip(here, picture_links(document), strict=False)):
        path = picture_path(link, archive.options.pictures_url)
        own = path.rpartition("/")[2].startswith(f"{nth:02d}-")
        if own and is_file(archive.folder / path):
            digest = content_hash(read_file(archive.folder / path))
            archive.ledger.pictures.stored(row.source, row.article_id, url, path=path, hash=digest)


def difference(archive: Archive, row: Row, new: str) -> str:
    """What would change, as a unified diff."""
    old = (document_bytes(archive.folder / row.path) or b"").decode("utf-8", "replace")
    lines = unified_diff(old.splitlines(), new.splitlines(), f"a/{row.path}", f"b/{row.path}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def replace_document(archive: Archive, reading: Reading, *, with_pictures: bool) -> None:
    """Writes it as a new revision. The site was not asked, so what the ledger knows about it stays."""
    ledger, article = archive.ledger, reading.article
    text = localised(reading.document, reading.local_pictures).encode()
    with ledger.transaction():
        put(archive, reading, lambda file: file.write(text))
        if not with_pictures:
            return
        for url in filter(None, [article.thumbnail, *(picture.url for picture in article.pictures)]):
            if ledger.pictures.get(article.source, article.article_id, url) is None:  # then a run fetches it
                reason = "reextract fetches nothing"
                ledger.pictures.failed(article.source, article.article_id, url, reason=reason, next_try=archive.now())
