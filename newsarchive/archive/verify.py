"""Checks of everything in an archive. They only read, without network, on all cores."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from itertools import takewhile
from math import inf
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tqdm import tqdm

from newsarchive.archive import files
from newsarchive.archive.archive import Archive
from newsarchive.archive.documents import content_hash, document_bytes, read_document
from newsarchive.archive.files import CONTENT, LEDGER, PAGES, PICTURES, QUARANTINE, REVISIONS
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.parallel import Workers, batches, parallel_map, prepare
from newsarchive.archive.pictures import picture_digits, picture_kind, picture_links, picture_path
from newsarchive.archive.quarantine import notes_file, read_notes
from newsarchive.archive.replay import captures
from newsarchive.archive.tables import State
from newsarchive.archive.warc import OPEN, WARC, Record
from newsarchive.errors import LedgerBroken, OtherVersion, cause
from newsarchive.messages import counted, without_secrets

if TYPE_CHECKING:
    from newsarchive.options import Options

_NOUNS = {"documents": "document", "pictures": "picture", "pages": "file of pages", "quarantine": "page in quarantine"}
_ADVICE = {  # what to do about a finding, by its `trouble` or by `what` it is
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
_PART = 1 << 23  # bytes of a WARC file that one process checks at a time
_BATCH = 60  # files of other kinds
_FEW_BATCHES = 20  # that this process checks alone
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
class Check:
    """A file, or a part of one, to be looked at in any process."""

    kind: str
    """One of `_NOUNS`."""
    path: str
    look: Callable[[], Iterable[str]]
    """Gives reasons to complain, or raises one: `OSError` for a file that cannot be read, or `ValueError`."""

    def findings(self) -> list[Finding]:
        try:
            reasons = list(self.look())
        except OSError as error:
            reasons = [f"{'cannot be read' if self.kind == 'pages' else 'expected a file, got'}: {cause(error)}"]
        except ValueError as error:
            reasons = [cause(error)]
        trouble = "revision" if self.path.startswith(f"{REVISIONS}/") else ""
        return [Finding(self.kind.removesuffix("s"), self.path, reason, trouble) for reason in reasons]


def check_document(
    folder: Path, path: str, source: str, article_id: str, pictures_url: str, file_hash: str = ""
) -> Iterator[str]:
    """A Markdown file that has a ledger row, or a former version, whose hash is not kept."""
    data = files.read_file(folder / path)
    if file_hash not in ("", content_hash(data)):
        raise ValueError("its bytes are not the ones that were written")
    text, fields, _ = read_document(data, source, article_id)
    if not text.endswith(")\n"):
        raise ValueError("it does not end with its source line and one line break")
    if missing := _KEYS - fields.keys():
        raise ValueError(f"its front matter lacks {', '.join(sorted(missing))}")
    named = picture_links(text)
    if named[:1] != [fields["thumbnail"]]:
        thumbnail = " ".join(str(fields["thumbnail"]).split())[:80]
        raise ValueError(f"its thumbnail is not as this program writes it: {thumbnail}")
    for picture in sorted({picture_path(link, pictures_url) for link in named}):
        if picture.startswith(f"{PICTURES}/{source}/") and not files.is_file(folder / picture):
            yield f"names a picture that is not there: {picture}"


def check_picture(file: Path, digest: str) -> Iterator[str]:
    """Its name is its number in the article and a part of its digest, which is in the ledger too, if that knows it."""
    with files.open_file(file) as data:
        kind = picture_kind(data.read(64))
        data.seek(0)
        found = hashlib.file_digest(data, "sha256").hexdigest()
    expected = digest or picture_digits(file.name)  # "" for a name that is not ours: `_left_over` reports it
    if not found.startswith(expected):
        yield "its bytes are not the ones that were written"
    elif expected and file.suffix != f".{kind}":
        yield f"expected the picture that its name says, got {kind!r}"


def check_pages(file: Path, begin: int, end: float, expected: dict[int, str]) -> Iterator[str]:
    """A part of a WARC file, and the articles whose pages the ledger looks for at these offsets in it."""
    missing = dict(expected)
    left_open = file.with_name(f"{file.name}{OPEN}")  # by a killed run; the next one closes it
    is_open = files.is_file(left_open) and not os.path.lexists(file)
    for capture in takewhile(lambda it: it.offset < end, captures(left_open if is_open else file, begin)):
        if isinstance(capture, Record):
            if missing.get(capture.offset, "") == capture.about.get("article-id"):
                del missing[capture.offset]
        elif not is_open:
            yield f"byte {capture.offset}: {capture.reason}"
    yield from (f"byte {offset}: expected the page of article {it}" for offset, it in missing.items())


def check_quarantined(page: Path) -> Iterator[str]:
    """A page in quarantine and its notes, which the ledger names."""
    notes = notes_file(page)
    for file, read in ((page, files.read_packed), (notes, read_notes)):
        try:
            read(file)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            yield f"expected a page and its notes ({notes.name}): {file.name}: {cause(error)}"


def verify(options: Options, workers: Workers | None = None) -> tuple[dict[str, int], list[Finding]]:
    """How much was checked of each kind, and what was found. Raises `ArchiveLocked`.

    Holds the lock, because an archive is inconsistent while a run writes to it.
    """
    name = without_secrets(options.ledger) or LEDGER
    try:
        with Archive.open(options, purpose="`scrapy verify`", read_only=True) as archive:
            if archive.ledger.documents() > _BATCH * _FEW_BATCHES:
                prepare(_findings, workers)
            findings = [Finding("ledger", name, line) for line in archive.ledger.database.check()]
            checks, known = _checks(archive.folder, archive.ledger, options.pictures_url)
            pages = sum(check.kind == "pages" for check in checks)
            work = [*batches(checks[:pages], 1), *batches(checks[pages:], _BATCH)]
            left_over: list[Finding] | None = None
            with tqdm(desc="files", unit="", disable=None, leave=False, total=len(checks)) as bar:
                results = parallel_map(_findings, work, few=_FEW_BATCHES, workers=workers)
                for batch, found in zip(work, results, strict=True):
                    findings += found
                    bar.update(len(batch))
                    if left_over is None:  # other processes are checking the next ones
                        left_over = list(_left_over(archive.folder, known))
            checked = Counter(kind for kind, _ in {(check.kind, check.path) for check in checks})
            findings = list(dict.fromkeys(findings))  # each part of a file that cannot be read says so
            findings += _left_over(archive.folder, known) if left_over is None else left_over
            archive.lock.is_clean &= all(it.what != "left over" for it in findings)  # else the next run looks for them
            return dict.fromkeys(_NOUNS, 0) | checked, findings
    except OtherVersion:
        raise  # nothing is wrong with it
    except LedgerBroken as error:
        return {}, [Finding("ledger", name, str(error))]


def _checks(folder: Path, ledger: Ledger, pictures_url: str) -> tuple[list[Check], set[str]]:
    """What to look at, and the paths that the ledger knows. Pages first: no core is busy with one at the end."""
    pages: dict[str, dict[int, str]] = {file.name: {} for file in (folder / PAGES).glob(f"*{WARC}")}
    documents: dict[str, tuple[str, ...]] = {}
    in_quarantine = {it for it in _paths(folder, QUARANTINE, 2) if it.endswith(".html.gz")}
    quarantined = {it for it in in_quarantine if "/page-" in it}  # pages that do not say which article they are
    for row in ledger.rows():
        if row.path:
            documents[row.path] = row.source, row.article_id, pictures_url, row.file_hash
        kept = str(files.quarantine_path(row.source, row.article_id))
        if row.state is State.QUARANTINED or kept in in_quarantine:
            quarantined.add(kept)
        if row.warc_offset is not None:
            pages.setdefault(row.warc_file, {})[row.warc_offset] = row.article_id
    pictures = {row.path: row.hash for row in ledger.pictures() if row.path}
    known = {*documents, *quarantined, *pictures}
    # a rebuilt ledger knows no pictures: those on disk are looked at too
    pictures = dict.fromkeys(_paths(folder, PICTURES, 5), "") | pictures
    for path in _paths(folder, REVISIONS, 3):
        _, source, article_id, name = path.split("/")
        if name.endswith(".md"):
            documents[path] = source, article_id, pictures_url
    return [
        *(check for it in sorted(pages) for check in _parts(folder / PAGES / it, pages[it])),
        *(Check("documents", it, partial(check_document, folder, it, *row)) for it, row in documents.items()),
        *(Check("pictures", it, partial(check_picture, folder / it, digest)) for it, digest in pictures.items()),
        *(Check("quarantine", it, partial(check_quarantined, folder / it)) for it in sorted(quarantined)),
    ], known


def _parts(file: Path, expected: dict[int, str]) -> Iterator[Check]:
    """A WARC file in parts for several cores. They begin where the ledger knows a record."""
    begins, parts = [0], [dict[int, str]()]
    for offset in sorted(expected):
        if offset >= begins[-1] + _PART:
            begins.append(offset)
            parts.append({})
        parts[-1][offset] = expected[offset]
    for begin, end, part in zip(begins, [*begins[1:], inf], parts, strict=True):
        yield Check("pages", f"{PAGES}/{file.name}", partial(check_pages, file, begin, end, part))


def _findings(checks: list[Check]) -> list[Finding]:
    return [finding for check in checks for finding in check.findings()]


def _paths(folder: Path, place: str, depth: int = 0) -> list[str]:
    """All files below a folder of the archive; or those `depth` levels below it, also behind links to folders.

    Raises `OSError` when the disk fails.
    """
    top, found = str(folder), []
    for parent, folders, names in os.walk(folder / place, onerror=_cannot_list, followlinks=depth > 0):
        below = parent[len(top) + 1 :]
        if depth and below.count("/") + 1 == depth:
            folders.clear()  # no link leads in a circle
        elif depth:
            continue
        found += [f"{below}/{name}" for name in names]
    return sorted(found)


def _cannot_list(error: OSError) -> None:
    """A folder may be missing, or not for us, such as the `lost+found` of a disk of its own."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        raise error


def _left_over(folder: Path, known: set[str]) -> Iterator[Finding]:
    """Files that neither the ledger nor a document names."""
    for what, place, reason, trouble in (
        ("document", CONTENT, "the ledger has no such article", "unknown document"),
        ("picture", PICTURES, "no article has it", "unknown picture"),
        ("quarantine", QUARANTINE, "the ledger has no such page in quarantine", "unknown page"),
    ):
        for path in _paths(folder, place):
            page = f"{path.removesuffix('.json')}.html.gz"  # whose notes it may be
            if path in known or page in known or files.TEMPORARY.fullmatch(path.rpartition("/")[2]):
                continue
            if place == PICTURES and _is_linked(folder, PurePosixPath(path)):
                continue
            stray = place == CONTENT and not fnmatch(path, f"{CONTENT}/*/*/*/*.md")
            yield Finding(what, path, reason, "stray file" if stray else trouble)
    for file in sorted(files.stray_files(folder)):
        yield Finding("left over", file.relative_to(folder).as_posix(), "a killed run left it; the next removes it")
    for left_open in _paths(folder, PAGES, 1):
        if not left_open.endswith(OPEN):
            continue
        try:
            files.check_regular(folder / left_open)
        except OSError as error:
            yield Finding("page", left_open, f"expected a file, got: {error.strerror}", "stray page")
        else:
            yield Finding("left over", left_open, "a killed run left it open; the next run closes it")


def _is_linked(folder: Path, picture: PurePosixPath) -> bool:
    """Whether a document, or a former version of it, names the picture: a rebuilt ledger knows none."""
    place = picture.relative_to(PICTURES).parent
    documents = [folder / CONTENT / f"{place}.md", *Path(folder, REVISIONS, *place.parts[:1], place.name).glob("*.md")]
    return any(os.fsencode(picture.name) in (document_bytes(document) or b"") for document in documents)


def table(counts: dict[str, int], findings: list[Finding]) -> str:
    """The findings for a person, and what to do about them."""
    width = max((len(finding.what) for finding in findings), default=0)
    places = max((len(finding.path) for finding in findings), default=0)
    lines = [f"{it.what:{width}}  {it.path:{places}}  {it.reason}" for it in findings]
    checked = ", ".join(counted(number, _NOUNS[name]) for name, number in counts.items())
    lines.append(f"checked: {checked or 'nothing, which needs a ledger'}")
    if not findings:
        return "\n".join([*lines, "everything is there and as it was written"])
    lines.append(counted(len(findings), "finding"))
    lines += [f"  {_ADVICE[trouble]}" for trouble in dict.fromkeys(it.trouble or it.what for it in findings)]
    return "\n".join(lines)
