"""`scrapy reextract`: reads preserved pages again with today's parser, without network."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from newsarchive.archive.archive import Archive
from newsarchive.archive.documents import Change, compare
from newsarchive.archive.files import LEDGER, LOCK, PAGES
from newsarchive.archive.ledger import Ledger, is_begun
from newsarchive.archive.lock import Lock
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.reextract import (
    Job,
    Reading,
    difference,
    document,
    jobs,
    learn_pictures,
    read_again,
    replace_document,
    unread,
)
from newsarchive.archive.warc import mend
from newsarchive.cli import NO_LEDGER, OfflineCommand, existing_archive
from newsarchive.drops import Quarantined
from newsarchive.errors import BadArgument, LedgerBroken
from newsarchive.markdown.document import render
from newsarchive.messages import counted
from newsarchive.options import recheck_ages
from newsarchive.pipelines.extract import Validate
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
    folder = existing_archive(settings)
    with _only_to_read(folder) if dry_run else _to_write(folder, settings) as archive:
        unknown = sorted(each for each in wanted if archive.ledger.get(source, each) is None)
        if unknown:
            raise BadArgument(f"the ledger has no article {', '.join(unknown)} of {source}")
        if not dry_run:
            for path, cut in mend(folder / PAGES):
                print(f"{path}: closed after a killed run, {cut} torn bytes cut off", file=sys.stderr)
        counts = Counter[str]()
        validate = Validate(settings.getint("ARCHIVE_MIN_TEXT"))
        with tqdm(desc="pages", unit="", disable=None, leave=False, total=_total(archive, wanted)) as bar:
            pages = _with_pages(archive, source, wanted, counts, bar, remember=not dry_run)
            for reading in parallel_map(read_again, pages, lost=unread):
                counts[_settle(archive, settings, validate, reading, dry_run=dry_run)] += 1
                bar.update()
    print(_summary(counts, wanted, dry_run=dry_run))
    return 1 if counts["problem"] else 0


def _to_write(folder: Path, settings: BaseSettings) -> Archive:
    return Archive.open(
        folder, purpose=_PURPOSE, now=datetime.now(UTC), ages=recheck_ages(settings),
        pictures_url=settings["ARCHIVE_PICTURES_URL"],
    )  # fmt: skip


def _only_to_read(folder: Path) -> Archive:
    """Nothing is rebuilt, removed or upgraded."""
    if not is_begun(folder / LEDGER):
        raise LedgerBroken(f"{folder}: {NO_LEDGER}: `scrapy rebuild` makes one")
    lock = Lock(folder / LOCK)
    lock.acquire_to_read(_PURPOSE, datetime.now(UTC))
    try:
        return Archive(folder, Ledger.open(folder / LEDGER, read_only=True), lock)
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


def _settle(archive: Archive, settings: BaseSettings, validate: Validate, reading: Reading, *, dry_run: bool) -> str:
    """Handles one article; returns what was done, as counted."""
    row, article = reading.row, reading.article
    problem = reading.problem
    if article:
        try:
            validate.process_item(article)
        except Quarantined as error:
            problem = str(error)
    if problem:
        tqdm.write(f"left as it is: {problem}", file=sys.stderr)
        return "problem"
    if article is None:
        return "same"
    rebuilt = not row.content_hash and archive.is_intact(row)
    if rebuilt and not dry_run:
        learn_pictures(archive, row, article, pictures_url=settings["ARCHIVE_PICTURES_URL"])
    if compare(archive, article, render(article)) is Change.UNCHANGED:
        if not dry_run:
            archive.ledger.set_content_hash(row, content_hash=article.content_hash)
        return "same"
    local = settings.getbool("ARCHIVE_PICTURES") or row.file_hash != row.content_hash
    new = document(archive, row, article, pictures_url=settings["ARCHIVE_PICTURES_URL"], with_pictures=local)
    if dry_run:
        tqdm.write(difference(archive, row, new), file=sys.stdout, end="")
    else:
        replace_document(archive, row, article, new, now=datetime.now(UTC), with_pictures=local)
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
