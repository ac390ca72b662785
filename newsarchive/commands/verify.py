"""`scrapy verify`: checks that every file exists and is unchanged."""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from newsarchive.archive.files import LEDGER, LOCK, PAGES, QUARANTINE, REVISIONS, quarantine_path
from newsarchive.archive.ledger import Ledger, Row, State, is_begun
from newsarchive.archive.lock import Lock
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.verify import (
    Check,
    Document,
    Finding,
    PageFile,
    PictureFile,
    QuarantinedPage,
    checked,
    left_over,
    pictures,
)
from newsarchive.cli import NO_LEDGER, OfflineCommand, existing_archive
from newsarchive.errors import LedgerBroken
from newsarchive.messages import counted, shown

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

_NAMES = {Document: "documents", PictureFile: "pictures", PageFile: "pages", QuarantinedPage: "quarantine"}
_NOUNS = {
    "documents": "document",
    "pictures": "picture",
    "pages": "file of pages",
    "quarantine": "page in quarantine",
}
_ADVICE = {
    "document": "a lost or damaged document: put it back from a backup, or run `scrapy reextract`",
    "revision": "a damaged former version: put it back from a backup, or remove it; nothing else needs it",
    "unknown document": "a document that the ledger does not know: run `scrapy rebuild`; what that leaves alone, put"
    " back from a backup and rebuild again, or remove it and run `scrapy crawl qq -a urls=ID`"
    " (without network: `-a replay=` and the archive's pages/)",
    "stray file": "a file that is no document: move it out of content/",
    "picture": "a lost or damaged picture: put it back from a backup",
    "page": "a lost or damaged WARC file: put it back from a backup; its other pages can be read as before",
    "stray page": "what is no file of pages: move it out of pages/",
    "unknown picture": "a picture that no article has: move it out of pictures/",
    "unknown page": "a page in quarantine that the ledger does not know: `scrapy retry` reads it; or move it out",
    "quarantine": "a page in quarantine: put it back from a backup, or let a run fetch it again",
    "left over": "left over by a killed run: any run tidies up",
    "ledger": "the ledger: `scrapy rebuild` makes a new one from the documents",
}


class Command(OfflineCommand):
    """Writes nothing. Holds the lock, because an archive is inconsistent while a run writes to it."""

    name = "verify"

    def short_desc(self) -> str:
        return "Check the whole archive: rows, files, hashes, front matter, pictures, WARC digests; no network"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="the findings for a program")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:  # noqa: ARG002
        counts, findings = verify(self.chosen)
        if opts.json:
            found = {"checked": counts, "findings": [asdict(finding) for finding in findings]}
            print(json.dumps(found, ensure_ascii=False, indent=1))
        else:
            print(shown(table(counts, findings)))
        return 1 if findings else 0


def verify(settings: BaseSettings) -> tuple[dict[str, int], list[Finding]]:
    """How much was checked of each kind, and what was found. Raises `ArchiveLocked` or `BadArgument`."""
    folder = existing_archive(settings)
    if not is_begun(folder / LEDGER):
        return {}, [Finding("ledger", LEDGER, NO_LEDGER)]
    lock = Lock(folder / LOCK)
    lock.acquire_to_read("`scrapy verify`", datetime.now(UTC))
    try:
        with Ledger.open(folder / LEDGER, read_only=True) as ledger:
            findings = [Finding("ledger", LEDGER, line) for line in ledger.check()]
            checks = _checks(folder, ledger, settings["ARCHIVE_PICTURES_URL"])
        return _run(folder, checks, findings)
    except LedgerBroken as error:
        return {}, [Finding("ledger", LEDGER, str(error))]
    finally:
        lock.release()


def _run(folder: Path, checks: list[Check], findings: list[Finding]) -> tuple[dict[str, int], list[Finding]]:
    counts = Counter(dict.fromkeys(_NAMES.values(), 0))
    known = {path for check in checks for path in _files(check)}
    with tqdm(desc="files", unit="", disable=None, leave=False, total=len(checks)) as bar:
        for check, result in zip(checks, parallel_map(checked, checks), strict=True):
            counts[_NAMES[type(check)]] += 1
            findings += result.findings
            known |= result.links
            bar.update()
    return dict(counts), [*findings, *left_over(folder, known)]


def _checks(folder: Path, ledger: Ledger, pictures_url: str) -> list[Check]:
    """The long ones first, so that no core is still busy with one when the others have finished."""
    pages: dict[str, dict[int, str]] = defaultdict(dict)
    rest: list[Check] = []
    for row in ledger.rows():
        rest += _checks_of(folder, row, pictures_url)
        if row.warc_offset is not None:
            pages[row.warc_file][row.warc_offset] = row.article_id
    for file in (folder / PAGES).glob("*.warc.gz"):
        pages[file.name]  # also a file that no row names is read
    rest += pictures(folder, ledger)
    for file in sorted(folder.glob(f"{REVISIONS}/*/*/*.md")):
        path = file.relative_to(folder)
        rest.append(Document(folder, path.as_posix(), path.parts[1], path.parts[2], pictures_url))
    for file in sorted(folder.glob(f"{QUARANTINE}/*/page-*.html.gz")):  # pages that do not say which article they are
        path = file.relative_to(folder)
        if ledger.get(path.parts[1], file.name.removesuffix(".html.gz")) is None:
            rest.append(QuarantinedPage(folder, path.as_posix()))
    return [*(PageFile(folder, f"{PAGES}/{name}", pages[name]) for name in sorted(pages)), *rest]


def _checks_of(folder: Path, row: Row, pictures_url: str) -> Iterator[Check]:
    if row.path:
        yield Document(folder, row.path, row.source, row.article_id, pictures_url, row.file_hash)
    quarantined = str(quarantine_path(row.source, row.article_id))
    if row.state is State.QUARANTINED or (folder / quarantined).is_file():
        yield QuarantinedPage(folder, quarantined)


def _files(check: Check) -> Iterator[str]:
    if isinstance(check, PictureFile) and not check.digest:
        return  # that it is on disk does not mean that an article has it
    yield check.path
    if isinstance(check, QuarantinedPage):
        yield check.path.removesuffix(".html.gz") + ".json"


def table(counts: dict[str, int], findings: list[Finding]) -> str:
    """The findings for a person, and what to do about them."""
    width = max((len(finding.what) for finding in findings), default=0)
    places = max((len(finding.path) for finding in findings), default=0)
    lines = [f"{it.what:{width}}  {it.path:{places}}  {it.reason}" for it in findings]
    checked_so_far = ", ".join(counted(number, _NOUNS[name]) for name, number in counts.items())
    lines.append(f"checked: {checked_so_far or 'nothing, which needs a ledger'}")
    if not findings:
        return "\n".join([*lines, "everything is there and as it was written"])
    lines.append(counted(len(findings), "finding"))
    lines += [f"  {_ADVICE[trouble]}" for trouble in dict.fromkeys(it.trouble or it.what for it in findings)]
    return "\n".join(lines)
