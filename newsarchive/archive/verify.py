"""Checks of everything in an archive. They only read, without network."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from newsarchive.archive.documents import front_matter
from newsarchive.archive.files import (
    CONTENT,
    PAGES,
    PICTURES,
    QUARANTINE,
    REVISIONS,
    check_regular,
    is_file,
    is_stray,
    open_file,
    read_file,
    read_packed,
    stray_files,
)
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.pictures import picture_digits, picture_kind, picture_links, picture_path
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.records import Damage
from newsarchive.archive.replay import Capture, captures
from newsarchive.archive.warc import OPEN

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


def pictures(folder: Path, ledger: Ledger) -> list[PictureFile]:
    """The pictures that the ledger knows, then those that are only on disk: a rebuilt ledger knows none."""
    known = [PictureFile(folder, row.path, row.hash) for row in ledger.pictures.rows() if row.path]
    paths = {picture.path for picture in known}
    on_disk = (file.relative_to(folder).as_posix() for file in sorted(folder.glob(f"{PICTURES}/*/*/*/*/*.*")))
    return [*known, *(PictureFile(folder, path, "") for path in on_disk if path not in paths)]


def checked(check: Check) -> Checked:
    """Runs in a process of its own."""
    return check.check()


def left_over(folder: Path, known: set[str]) -> Iterator[Finding]:
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


def _one_line(error: object) -> str:
    return " ".join((str(error) or type(error).__name__).split())
