"""Checks of everything in an archive. They only read, without network, on all cores."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from tqdm import tqdm

from newsarchive.archive.archive import NO_LEDGER, Archive
from newsarchive.archive.documents import content_hash, front_matter
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
from newsarchive.archive.ledger import Ledger, State, is_begun
from newsarchive.archive.parallel import parallel_map
from newsarchive.archive.pictures import picture_digits, picture_kind, picture_links, picture_path
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.records import Damage
from newsarchive.archive.replay import captures
from newsarchive.archive.warc import OPEN
from newsarchive.errors import LedgerBroken, cause
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

    findings: list[Finding]
    links: frozenset[str] = frozenset()
    """Paths of the archive's pictures that a document links to."""


@dataclass(frozen=True)
class Check:
    """A file to be checked."""

    kind: ClassVar[str]
    unreadable: ClassVar[str] = "expected a file, got"
    folder: Path
    path: str

    def look(self) -> Checked:
        """Raises `OSError` for a file that cannot be read, `ValueError` for one that is wrong."""
        raise NotImplementedError

    def check(self) -> Checked:
        """Runs in a process of its own."""
        try:
            return self.look()
        except OSError as error:
            return self.found(f"{self.unreadable}: {cause(error)}")
        except ValueError as error:
            return self.found(str(error))

    @property
    def known(self) -> list[str]:
        """Paths of files that belong to the archive."""
        return [self.path]

    def found(self, *reasons: str, links: frozenset[str] = frozenset()) -> Checked:
        trouble = "revision" if self.path.startswith(f"{REVISIONS}/") else ""
        what = self.kind.removesuffix("s")
        return Checked([Finding(what, self.path, reason, trouble) for reason in reasons], links)


@dataclass(frozen=True)
class Document(Check):
    """A Markdown file that has a ledger row or is a former version."""

    kind = "documents"
    source: str
    article_id: str
    pictures_url: str
    file_hash: str = ""
    """`""` for a former version, whose hash is not kept."""

    def look(self) -> Checked:
        data = read_file(self.folder / self.path)
        if self.file_hash not in ("", content_hash(data)):
            raise ValueError("its bytes are not the ones that were written")
        try:
            text = data.decode("utf-8")
            fields = front_matter(text)
        except ValueError as error:
            raise ValueError(f"its front matter cannot be read: {cause(error)}") from error
        if missing := _KEYS - fields.keys():
            raise ValueError(f"its front matter lacks {', '.join(sorted(missing))}")
        if not text.endswith(")\n") or f"\n[{self.source}](" not in text or self.article_id not in text[-200:]:
            raise ValueError(f"its last line is no link to article {self.article_id} of {self.source}")
        named = picture_links(text)
        if named[:1] != [fields["thumbnail"]]:
            thumbnail = " ".join(str(fields["thumbnail"]).split())[:80]
            raise ValueError(f"its thumbnail is not as this program writes it: {thumbnail}")
        paths = (picture_path(link, self.pictures_url) for link in named)
        links = frozenset(path for path in paths if path.startswith(f"{PICTURES}/{self.source}/"))
        lost = sorted(link for link in links if not is_file(self.folder / link))
        return self.found(*(f"names a picture that is not there: {it}" for it in lost), links=links)


@dataclass(frozen=True)
class PictureFile(Check):
    """A picture. Its name is its number in the article and a part of its digest."""

    kind = "pictures"
    digest: str
    """From the ledger; `""` where only the name gives it."""

    @property
    def known(self) -> list[str]:
        return [self.path] if self.digest else []  # that it is on disk does not mean that an article has it

    def look(self) -> Checked:
        with open_file(self.folder / self.path) as file:
            kind = picture_kind(file.read(64))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        expected = self.digest or picture_digits(self.path)  # or a name that is not ours: `_left_over` reports it
        if not digest.startswith(expected):
            raise ValueError("its bytes are not the ones that were written")
        if expected and not self.path.endswith(f".{kind or '?'}"):
            raise ValueError(f"expected the picture that its name says, got {kind!r}")
        return self.found()


@dataclass(frozen=True)
class PageFile(Check):
    """A WARC file with the pages that the ledger looks for in it."""

    kind = "pages"
    unreadable = "cannot be read"
    expected: dict[int, str]
    """Offset → article id."""

    def look(self) -> Checked:
        missing, damages = dict(self.expected), []
        file = self.folder / self.path
        left_open = file.with_name(f"{file.name}{OPEN}")  # by a killed run; the next one closes it
        is_open = is_file(left_open) and not os.path.lexists(file)
        for capture in captures(left_open if is_open else file):
            if isinstance(capture, Damage):
                damages += [] if is_open else [f"byte {capture.offset}: {capture.reason}"]
            elif missing.get(capture.record.offset, "") == capture.about.get("article-id"):
                del missing[capture.record.offset]
        return self.found(*damages, *(f"byte {at}: expected the page of article {it}" for at, it in missing.items()))


@dataclass(frozen=True)
class QuarantinedPage(Check):
    """A page in quarantine and its notes, which the ledger names."""

    kind = "quarantine"

    @property
    def known(self) -> list[str]:
        return [self.path, self.path.removesuffix(".html.gz") + ".json"]

    def look(self) -> Checked:
        page, notes = (self.folder / path for path in self.known)
        for file, read in ((page, read_packed), (notes, read_notes)):
            try:
                read(file)
            except (OSError, EOFError, zlib.error, ValueError) as error:
                expected = f"expected a page and its notes ({notes.name}): {file.name}: {cause(error)}"
                raise ValueError(expected) from error
        return self.found()


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
            known = {path for check in checks for path in check.known}
            results = parallel_map(Check.check, checks)
            for result in tqdm(results, desc="files", unit="", disable=None, leave=False, total=len(checks)):
                findings += result.findings
                known |= result.links
            counts = dict.fromkeys(_NOUNS, 0) | Counter(check.kind for check in checks)
            return counts, [*findings, *_left_over(archive.folder, known)]
    except LedgerBroken as error:
        return {}, [Finding("ledger", LEDGER, str(error))]


def _checks(folder: Path, ledger: Ledger, pictures_url: str) -> list[Check]:
    """The long ones first, so that no core is still busy with one when the others have finished."""
    pages: dict[str, dict[int, str]] = {file.name: {} for file in (folder / PAGES).glob("*.warc.gz")}
    rest: list[Check] = []
    for row in ledger.rows():
        if row.path:
            rest.append(Document(folder, row.path, row.source, row.article_id, pictures_url, row.file_hash))
        quarantined = str(quarantine_path(row.source, row.article_id))
        if row.state is State.QUARANTINED or (folder / quarantined).is_file():
            rest.append(QuarantinedPage(folder, quarantined))
        if row.warc_offset is not None:
            pages.setdefault(row.warc_file, {})[row.warc_offset] = row.article_id
    # a rebuilt ledger knows no pictures: those on disk are checked too
    pictures = dict.fromkeys(_paths(folder, f"{PICTURES}/*/*/*/*/*.*"), "")
    pictures |= {row.path: row.hash for row in ledger.pictures.rows() if row.path}
    rest += [PictureFile(folder, path, digest) for path, digest in pictures.items()]
    for path in _paths(folder, f"{REVISIONS}/*/*/*.md"):
        _, source, article_id, _ = path.split("/")
        rest.append(Document(folder, path, source, article_id, pictures_url))
    for path in _paths(folder, f"{QUARANTINE}/*/page-*.html.gz"):  # pages that do not say which article they are
        _, source, name = path.split("/")
        if ledger.get(source, name.removesuffix(".html.gz")) is None:
            rest.append(QuarantinedPage(folder, path))
    return [*(PageFile(folder, f"{PAGES}/{name}", pages[name]) for name in sorted(pages)), *rest]


def _paths(folder: Path, pattern: str) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in sorted(folder.glob(pattern))]


def _left_over(folder: Path, known: set[str]) -> Iterator[Finding]:
    """Files that neither the ledger nor a document names."""
    for what, place, reason, trouble in (
        ("document", CONTENT, "the ledger has no such article", "unknown document"),
        ("picture", PICTURES, "no article has it", "unknown picture"),
        ("quarantine", QUARANTINE, "the ledger has no such page in quarantine", "unknown page"),
    ):
        for path in _paths(folder, f"{place}/**/*"):
            if path not in known and not (folder / path).is_dir() and not is_stray(PurePosixPath(path).name):
                stray = place == CONTENT and not fnmatch(path, f"{CONTENT}/*/*/*/*.md")
                yield Finding(what, path, reason, "stray file" if stray else trouble)
    for file in sorted(stray_files(folder)):
        yield Finding("left over", file.relative_to(folder).as_posix(), "a killed run left it; the next removes it")
    for path in _paths(folder, f"{PAGES}/*{OPEN}"):
        if (folder / path).is_dir():
            continue
        try:
            check_regular(folder / path)
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
