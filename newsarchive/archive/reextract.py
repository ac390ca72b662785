"""Preserved pages, read again by today's parser."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from tqdm import tqdm

from newsarchive import reader
from newsarchive.archive.archive import Archive, Reading
from newsarchive.archive.documents import Change, content_hash, document_bytes, document_text, why_empty
from newsarchive.archive.files import PAGES, is_file, read_file
from newsarchive.archive.parallel import Workers, parallel_map, prepare, time_limit
from newsarchive.archive.pictures import picture_links, picture_path, picture_url
from newsarchive.archive.replay import Position, capture_at, capture_page, newest_captures
from newsarchive.archive.tables import PictureRow, Row, State
from newsarchive.archive.warc import WARC, close_open_files
from newsarchive.errors import ArchiveError, BadArgument, PageError
from newsarchive.markdown.document import reference_part, render, with_fields
from newsarchive.messages import counted

_BATCH = 20  # pages that a process gets at a time
_LONGEST = 600  # seconds; a page takes a fraction of one


@dataclass(frozen=True)
class Job:
    """A preserved page and what the ledger knows about its article."""

    row: Row
    warc: Path
    document: Path
    """Its file: a lost or damaged one is written again."""
    added: tuple[str, ...]
    """Fields of the front matter besides those of the reference format."""


Result = Reading | str | None
"""What today's parser reads: an article when its document differs, or a problem, or neither."""


def reextract(
    archive: Archive, source: str, wanted: frozenset[str], *, dry_run: bool, workers: Workers | None = None
) -> Counter[str]:
    """Reads the pages of all articles, or of those with the `wanted` ids; how many of each outcome there are.

    Raises `BadArgument` for a wanted id that is in no row.
    """
    unknown = sorted(each for each in wanted if archive.ledger.get(source, each) is None)
    if unknown:
        raise BadArgument(f"the ledger has no article {', '.join(unknown)} of {source}")
    prepare(_read_again, workers)
    if not dry_run:
        close_open_files(archive.folder / PAGES, archive.ledger.database.living_runs())
    counts = Counter[str]()
    total = len(wanted) or sum(archive.ledger.counts_by_state().values())
    with tqdm(desc="pages", unit="", disable=None, leave=False, total=total) as bar:
        jobs = _jobs(archive, source, wanted, counts, remember=not dry_run)
        for result in parallel_map(_read_again, jobs, size=_BATCH, workers=workers, lost=_unread):
            counts[_settle(archive, result, dry_run=dry_run)] += 1
            bar.update(counts.total() - bar.n)
    return counts


def summary(counts: Counter[str], wanted: frozenset[str], *, dry_run: bool) -> str:
    read, absent = counts["same"] + counts["changed"] + counts["problem"], counts["no page"]
    parts = [f"{counted(read, 'page')} read: {counts['same']} the same"]
    parts.append(f"{counts['changed']} {'would change' if dry_run else 'replaced'}")
    if counts["problem"]:
        parts.append(f"{counts['problem']} not readable and left alone")
    lines = [", ".join(parts)]
    if absent:
        why = "ARCHIVE_PAGES was off, a replay, or the WARC file is not there"
        lines.append(f"{counted(absent, 'article')} without a preserved page ({why})")
    missing = len(wanted) - read - absent
    if wanted and missing:
        lines.append(f"{counted(missing, 'given id')} without a document in the archive")
    return "\n".join(lines)


def _jobs(
    archive: Archive, source: str, wanted: frozenset[str], counts: Counter[str], *, remember: bool
) -> Iterator[Job]:
    """Pages that the ledger does not know are searched for; `remember` records them there."""
    pages = archive.folder / PAGES
    newest: dict[str, Position] | None = None

    for row in archive.ledger.rows(source):
        if not row.path or (wanted and row.article_id not in wanted):
            continue
        file, offset = pages / row.warc_file, row.warc_offset
        if offset is None or not is_file(file):
            if newest is None:  # the ledger was rebuilt, or files were added by hand
                newest = newest_captures(sorted(pages.glob(f"*{WARC}")), source, archive.ledger if remember else None)
            found = newest.get(f"{source} {row.article_id}")
            if found is None:
                counts["no page"] += 1
                continue
            file, offset = found.file, found.offset
            if remember:
                archive.ledger.update(row, warc_file=file.name, warc_offset=offset)
        # the entry is not needed, and would be copied to another process
        known = replace(row, entry="", warc_file=file.name, warc_offset=offset)
        yield Job(known, file, archive.folder / row.path, archive.options.front_matter)


def _read_again(job: Job) -> Result:
    """Runs in another process, which is ended when it takes too long: no ledger, no network, nothing written."""
    with time_limit(_LONGEST):
        return _compared(job)


def _compared(job: Job) -> Result:
    row = job.row
    try:
        page = capture_page(job.warc, capture_at(job.warc, row.warc_offset or 0), row.source)
        # as in the crawl: the list picture, of the ledger or of the page, before the page's own
        article = reader(row.source)(page.html, url=page.url, thumbnail=row.thumbnail or page.thumbnail)
        document = render(article)
    except (PageError, ArchiveError) as error:
        return str(error)
    except MemoryError:
        return _unread(job)
    except Exception as error:  # noqa: BLE001  -- a bug that one page triggers: the others are read
        return f"{row.url}: {type(error).__name__}: {error}"
    if article.article_id != row.article_id:
        return f"{job.warc}: expected article {row.article_id}, got {article.article_id}"
    page = replace(page, html=b"")  # not needed, and copied to another process
    reading = Reading(page=page, row=row, article=article, document=document)
    reading.added = reading.fields(job.added, row.edited)
    is_known = reading.content_hash == row.content_hash and reading.facts.items() <= vars(row).items()
    written = document_bytes(job.document) or b""
    is_intact = content_hash(written) == row.file_hash
    if is_known and is_intact and _has_fields(written.decode("utf-8", "replace"), reading):
        return None
    return reading


def _has_fields(document: str, reading: Reading) -> bool:
    return with_fields(reference_part(document), reading.added) == document


def _unread(job: Job) -> str:
    """The problem of a page that ended the process that read it."""
    reason = f"the process that read its page was ended: out of memory, by force, or after {_LONGEST} seconds"
    return f"{job.row.url}: {reason}"


def _settle(archive: Archive, reading: Result, *, dry_run: bool) -> str:
    """Handles one article; returns what was done, as counted."""
    if isinstance(reading, Reading):
        reading = why_empty(reading.article, archive.options.min_text) or reading
    if isinstance(reading, str):
        tqdm.write(f"left as it is: {reading}", file=sys.stderr)
        return "problem"
    if reading is None:
        return "same"
    row = reading.row
    assert row is not None  # noqa: S101  -- that of the job
    if not (row.content_hash or dry_run) and archive.is_intact(row):
        _learn_pictures(archive, row, reading.document)
    old = document_text(archive.folder / row.path)
    if archive.compare(row, reading.document) is Change.UNCHANGED and _has_fields(old, reading):
        if not dry_run:
            archive.ledger.update(row, content_hash=reading.content_hash, **reading.facts)
        return "same"
    known = {picture.url: picture.path for picture in archive.ledger.pictures_of(row.source, row.article_id)}
    with_pictures = archive.options.pictures or row.file_hash != row.content_hash
    if with_pictures:
        prefix = archive.options.pictures_url
        reading.local_pictures = {url: picture_url(path, prefix) for url, path in known.items() if path}
    new = reading.file_text
    if dry_run:
        lines = unified_diff(old.splitlines(), new.splitlines(), f"a/{row.path}", f"b/{row.path}", lineterm="")
        tqdm.write("".join(f"{line}\n" for line in lines), file=sys.stdout, end="")
        return "changed"
    if with_pictures:
        links = dict.fromkeys([reading.article.thumbnail, *(picture.url for picture in reading.article.pictures)])
        reading.picture_rows = [
            PictureRow(
                source=row.source, article_id=row.article_id, url=url, state=State.FAILED, attempts=1,
                next_try=archive.now(), reason="reextract fetches nothing",
            )
            for url in links if url and url not in known
        ]  # fmt: skip  # a run fetches them
    archive.put(reading, lambda file: file.write(new.encode()), by_site=False)
    return "changed"


def _learn_pictures(archive: Archive, row: Row, document: str) -> None:
    """Restores in a rebuilt ledger what no document says: where local pictures came from.

    A local picture has its number in its name, which matches it to the article's picture at that position.
    """
    here = picture_links(document_text(archive.folder / row.path))
    for nth, (link, url) in enumerate(zip(here, picture_links(document), strict=False)):
        path = picture_path(link, archive.options.pictures_url)
        own = path.rpartition("/")[2].startswith(f"{nth:02d}-")
        if own and is_file(archive.folder / path):
            digest = content_hash(read_file(archive.folder / path))
            picture = PictureRow(source=row.source, article_id=row.article_id, url=url, path=path, hash=digest)
            archive.ledger.put(picture)
