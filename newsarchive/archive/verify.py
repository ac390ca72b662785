"""Checks of everything in an archive. They only read, without network, on all cores."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tqdm import tqdm

from newsarchive.archive.archive import NO_LEDGER, Archive
from newsarchive.archive.documents import front_matter
from newsarchive.archive.files import (
    CONTENT,
    LEDGER,
    PAGES,
    PICTURES,
    QUARANTINE,
    REVISIONS,
    check_regular,
    is_file,
    is_stray,
    open_file,
    quarantine_path,
    read_file,
    read_packed,
    stray_files,
)
from newsarchive.archive.ledger import Ledger, Row, State, is_begun
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.pictures import picture_digits, picture_kind, picture_links, picture_path
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.records import Damage
from newsarchive.archive.replay import Capture, captures
from newsarchive.archive.warc import OPEN
from newsarchive.errors import LedgerBroken
from newsarchive.messages import counted

if TYPE_CHECKING:
    from newsarchive.options import Options

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
    "left over": "left over by a killed run: the next run removes it",
    "ledger": "the ledger: `scrapy rebuild` makes a new one from the documents",
}
"""What to do about a finding, by its `trouble` or by `what` it is."""
_KEYS = {"title", "date", "summary", "categories", "tags", "thumbnail"}


@dataclass(frozen=True)
class Finding:
    """A problem that a check found."""

    what: str
    """Document, picture, page, ledger, …"""
    path: str
    """Below the archive's folder."""
    reason: str
    trouble: str = ""
    """Which advice fits, where that is not the same for every `what`."""


@dataclass(frozen=True)
class Checked:
    """The result of a check."""

    findings: list[Finding] = field(default_factory=list)
    links: frozenset[str] = frozenset()
    """Paths of the archive's pictures that a document links to."""


@dataclass(frozen=True)
class Document:
    """A Markdown file that has a ledger row or is a former version."""

    kind: ClassVar = "documents"
    folder: Path
    path: str
    source: str
    article_id: str
    pictures_url: str
    file_hash: str = ""
    """`""` for a former version, whose hash is not kept."""

    def check(self) -> Checked:
        file = self.folder / self.path
        try:
            data = read_file(file)
        except OSError as error:
            return self._found(f"expected a file, got: {error.strerror}")
        if self.file_hash and hashlib.sha256(data).hexdigest() != self.file_hash:
            return self._found("its bytes are not the ones that were written")
        try:
            text = data.decode("utf-8")
            fields = front_matter(text)
        except ValueError as error:
            return self._found(f"its front matter cannot be read: {_one_line(error)}")
        if missing := _KEYS - fields.keys():
            return self._found(f"its front matter lacks {', '.join(sorted(missing))}")
        if not text.endswith(")\n") or f"\n[{self.source}](" not in text or self.article_id not in text[-200:]:
            return self._found(f"its last line is no link to article {self.article_id} of {self.source}")
        named = picture_links(text)
        if named[:1] != [fields["thumbnail"]]:
            return self._found(f"its thumbnail is not as this program writes it: {_one_line(fields['thumbnail'])[:80]}")
        paths = (picture_path(link, self.pictures_url) for link in named)
        links = frozenset(path for path in paths if path.startswith(f"{PICTURES}/{self.source}/"))
        lost = sorted(link for link in links if not is_file(self.folder / link))
        return self._found(*(f"names a picture that is not there: {it}" for it in lost), links=links)

    def _found(self, *reasons: str, links: frozenset[str] = frozenset()) -> Checked:
        trouble = "revision" if self.path.startswith(f"{REVISIONS}/") else ""
        return Checked([Finding("document", self.path, reason, trouble) for reason in reasons], links)


@dataclass(frozen=True)
class PictureFile:
    """A picture. Its name is its number in the article and a part of its digest."""

    kind: ClassVar = "pictures"
    folder: Path
    path: str
    digest: str
    """From the ledger; `""` where only the name gives it."""

    def check(self) -> Checked:
        try:
            with open_file(self.folder / self.path) as file:
                kind = picture_kind(file.read(64))
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return Checked([Finding("picture", self.path, f"expected a file, got: {error.strerror}")])
        expected = self.digest or picture_digits(self.path)
        if not expected:
            return Checked()  # not one of our names: `left_over` reports it
        if not digest.startswith(expected):
            return Checked([Finding("picture", self.path, "its bytes are not the ones that were written")])
        if not self.path.endswith(f".{kind or '?'}"):
            return Checked([Finding("picture", self.path, f"expected the picture that its name says, got {kind!r}")])
        return Checked()


@dataclass(frozen=True)
class PageFile:
    """A WARC file with the pages that the ledger looks for in it."""

    kind: ClassVar = "pages"
    folder: Path
    path: str
    expected: dict[int, str]
    """Offset → article id."""

    def check(self) -> Checked:
        findings: list[Finding] = []
        missing = dict(self.expected)
        file = self.folder / self.path
        left_open = file.with_name(f"{file.name}{OPEN}")  # by a killed run; the next one closes it
        is_open = is_file(left_open) and not os.path.lexists(file)
        try:
            for capture in captures(left_open if is_open else file):
                if isinstance(capture, Damage):
                    if not is_open:
                        findings.append(self._found(f"byte {capture.offset}: {capture.reason}"))
                elif self._is_expected(capture):
                    missing.pop(capture.record.offset)
        except OSError as error:
            return Checked([self._found(f"cannot be read: {error.strerror}")])
        findings += [self._found(f"byte {at}: expected the page of article {it}") for at, it in missing.items()]
        return Checked(findings)

    def _is_expected(self, capture: Capture) -> bool:
        article_id = self.expected.get(capture.record.offset)
        return article_id is not None and capture.about.get("article-id") == article_id

    def _found(self, reason: str) -> Finding:
        return Finding("page", self.path, reason)


@dataclass(frozen=True)
class QuarantinedPage:
    """A page in quarantine and its notes, which the ledger names."""

    kind: ClassVar = "quarantine"
    folder: Path
    path: str

    def check(self) -> Checked:
        page = self.folder / self.path
        notes = page.with_name(page.name.removesuffix(".html.gz") + ".json")
        for file, read in ((page, read_packed), (notes, read_notes)):
            try:
                read(file)
            except (OSError, EOFError, zlib.error, ValueError) as error:
                problem = (isinstance(error, OSError) and error.strerror) or _one_line(error)
                expected = f"expected a page and its notes ({notes.name}): {file.name}: {problem}"
                return Checked([Finding("quarantine", self.path, expected)])
        return Checked()


Check = Document | PictureFile | PageFile | QuarantinedPage


def verify(options: Options) -> tuple[dict[str, int], list[Finding]]:
    """How much was checked of each kind, and what was found. Raises `ArchiveLocked`.

    Holds the lock, because an archive is inconsistent while a run writes to it.
    """
    if not is_begun(options.dir / LEDGER):
        return {}, [Finding("ledger", LEDGER, NO_LEDGER)]
    try:
        with Archive.open_to_read(options, purpose="`scrapy verify`") as archive:
            findings = [Finding("ledger", LEDGER, line) for line in archive.ledger.check()]
            checks = _checks(archive.folder, archive.ledger, options.pictures_url)
            return _run(archive.folder, checks, findings)
    except LedgerBroken as error:
        return {}, [Finding("ledger", LEDGER, str(error))]


def _run(folder: Path, checks: list[Check], findings: list[Finding]) -> tuple[dict[str, int], list[Finding]]:
    counts = Counter(dict.fromkeys(_NOUNS, 0))
    known = {path for check in checks for path in _files(check)}
    with tqdm(desc="files", unit="", disable=None, leave=False, total=len(checks)) as bar:
        for check, result in zip(checks, parallel_map(_checked, checks), strict=True):
            counts[check.kind] += 1
            findings += result.findings
            known |= result.links
            bar.update()
    return dict(counts), [*findings, *_left_over(folder, known)]


def _checked(check: Check) -> Checked:
    """Runs in a process of its own."""
    return check.check()


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
    rest += _pictures(folder, ledger)
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


def _pictures(folder: Path, ledger: Ledger) -> list[PictureFile]:
    """The pictures that the ledger knows, then those that are only on disk: a rebuilt ledger knows none."""
    known = [PictureFile(folder, row.path, row.hash) for row in ledger.pictures.rows() if row.path]
    paths = {picture.path for picture in known}
    on_disk = (file.relative_to(folder).as_posix() for file in sorted(folder.glob(f"{PICTURES}/*/*/*/*/*.*")))
    return [*known, *(PictureFile(folder, path, "") for path in on_disk if path not in paths)]


def _left_over(folder: Path, known: set[str]) -> Iterator[Finding]:
    """Files that neither the ledger nor a document names."""
    for what, place, reason, trouble in (
        ("document", CONTENT, "the ledger has no such article", "unknown document"),
        ("picture", PICTURES, "no article has it", "unknown picture"),
        ("quarantine", QUARANTINE, "the ledger has no such page in quarantine", "unknown page"),
    ):
        for file in sorted((folder / place).rglob("*")):
            path = file.relative_to(folder).as_posix()
            if path not in known and not file.is_dir() and not is_stray(file.name):
                stray = place == CONTENT and not fnmatch(path, f"{CONTENT}/*/*/*/*.md")
                yield Finding(what, path, reason, "stray file" if stray else trouble)
    for file in sorted(stray_files(folder)):
        yield Finding("left over", file.relative_to(folder).as_posix(), "a killed run left it; the next removes it")
    for file in sorted((folder / PAGES).glob(f"*{OPEN}")):
        if file.is_dir():
            continue
        path = file.relative_to(folder).as_posix()
        try:
            check_regular(file)
        except OSError as error:
            yield Finding("page", path, f"expected a file, got: {error.strerror}", "stray page")
        else:
            yield Finding("left over", path, "a killed run left it open; the next run closes it")


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


def _one_line(error: object) -> str:
    return " ".join((str(error) or type(error).__name__).split())
