"""`scrapy reextract`: reads preserved pages again with today's parser, without network."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from newsarchive.archive.archive import Archive
from newsarchive.archive.documents import Change, compare, content_hash, why_empty
from newsarchive.archive.files import LEDGER, LOCK, PAGES
from newsarchive.archive.ledger import Ledger, is_begun
from newsarchive.archive.lock import Lock
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.pictures import localised
from newsarchive.archive.reextract import (
    Job,
    Result,
    difference,
    jobs,
    learn_pictures,
    read_again,
    replace_document,
    unread,
    use_stored_pictures,
)
from newsarchive.archive.warc import mend
from newsarchive.cli import OfflineCommand, existing_archive
from newsarchive.errors import BadArgument, LedgerBroken
from newsarchive.health.report import NO_LEDGER
from newsarchive.messages import counted
from newsarchive.options import Options
from newsarchive.sources import reader

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_PURPOSE = "`scrapy reextract`"


class Command(OfflineCommand):
    """Unchanged articles are skipped, so a killed run is simply started again."""

    name = "reextract"

    def check_words(self, args: list[str]) -> None:
        """Any ids."""

    def syntax(self) -> str:
        return "[options] [article id] ..."

    def short_desc(self) -> str:
        return "Read preserved pages again with today's parser; what differs becomes a new revision; no network"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would change as a diff")
        parser.add_argument("--source", default="qq", help="whose pages (default: qq)")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        return reextract(self.chosen, opts.source, frozenset(args), dry_run=opts.dry_run)


def reextract(settings: BaseSettings, source: str, wanted: frozenset[str], *, dry_run: bool) -> int:
    """Returns the exit code: 1 when a page could not be read any more; its document is not replaced then."""
    reader(source)  # raises BadArgument before anything is opened
    folder, options = existing_archive(settings), Options.from_settings(settings)
    with _only_to_read(options) if dry_run else Archive.open(options, purpose=_PURPOSE) as archive:
        unknown = sorted(each for each in wanted if archive.ledger.get(source, each) is None)
        if unknown:
            raise BadArgument(f"the ledger has no article {', '.join(unknown)} of {source}")
        if not dry_run:
            for path, cut in mend(folder / PAGES):
                print(f"{path}: closed after a killed run, {cut} torn bytes cut off", file=sys.stderr)
        counts = Counter[str]()
        with tqdm(desc="pages", unit="", disable=None, leave=False, total=_total(archive, wanted)) as bar:
            pages = _with_pages(archive, source, wanted, counts, bar, remember=not dry_run)
            for result in parallel_map(read_again, pages, lost=unread):
                counts[_settle(archive, result, dry_run=dry_run)] += 1
                bar.update()
    print(_summary(counts, wanted, dry_run=dry_run))
    return 1 if counts["problem"] else 0


def _only_to_read(options: Options) -> Archive:
    """Nothing is rebuilt, removed or upgraded."""
    folder = options.dir
    if not is_begun(folder / LEDGER):
        raise LedgerBroken(f"{folder}: {NO_LEDGER}: `scrapy rebuild` makes one")
    lock = Lock(folder / LOCK)
    lock.acquire_to_read(_PURPOSE, datetime.now(UTC))
    try:
        return Archive(options, Ledger.open(folder / LEDGER, read_only=True), lock)
    except BaseException:
        lock.release()
        raise


def _with_pages(
    archive: Archive, source: str, wanted: frozenset[str], counts: Counter[str], bar: tqdm[Any], *, remember: bool
) -> Iterator[Job]:
    for job in jobs(archive, source, wanted, remember=remember):
        if isinstance(job, Job):
            yield job
        else:
            counts["no page"] += 1
            bar.update()


def _settle(archive: Archive, result: Result, *, dry_run: bool) -> str:
    """Handles one article; returns what was done, as counted."""
    row, reading = result.row, result.reading
    problem = result.problem or (reading and why_empty(reading.article, archive.options.min_text))
    if problem:
        tqdm.write(f"left as it is: {problem}", file=sys.stderr)
        return "problem"
    if reading is None:
        return "same"
    rebuilt = not row.content_hash and archive.is_intact(row)
    if rebuilt and not dry_run:
        learn_pictures(archive, row, reading.document)
    if compare(archive, row, reading.document) is Change.UNCHANGED:
        if not dry_run:
            archive.ledger.set_content_hash(row, content_hash=content_hash(reading.document))
        return "same"
    local = archive.options.pictures or row.file_hash != row.content_hash
    if local:
        use_stored_pictures(archive, reading)
    if dry_run:
        new = localised(reading.document, reading.local_pictures)
        tqdm.write(difference(archive, row, new), file=sys.stdout, end="")
    else:
        replace_document(archive, reading, with_pictures=local)
    return "changed"


def _total(archive: Archive, wanted: frozenset[str]) -> int | None:
    return len(wanted) or sum(archive.ledger.counts_by_state().values())


def _summary(counts: Counter[str], wanted: frozenset[str], *, dry_run: bool) -> str:
    read = counts["same"] + counts["changed"] + counts["problem"]
    parts = [f"{counts['same']} the same", f"{counts['changed']} {'would change' if dry_run else 'replaced'}"]
    if counts["problem"]:
        parts.append(f"{counts['problem']} not readable and left alone")
    lines = [f"{counted(read, 'page')} read: {', '.join(parts)}"]
    if counts["no page"]:
        lines.append(
            f"{counted(counts['no page'], 'article')} without a preserved page"
            " (ARCHIVE_PAGES was off, a replay, or the WARC file is not there)"
        )
    if missing := len(wanted) - read - counts["no page"] if wanted else 0:
        lines.append(f"{counted(missing, 'given id')} without a document in the archive")
    return "\n".join(lines)
