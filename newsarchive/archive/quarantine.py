"""Pages that are no whole article, each stored compressed beside its notes until it can be read."""

import gzip
import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from newsarchive.archive import files
from newsarchive.archive.files import ARTICLE_ID, QUARANTINE, quarantine_path
from newsarchive.items import Page

_PACKED = ".html.gz"


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Stored as a `.json` file. For a page that a person saved, only the URL is needed."""

    article_id: str = ""
    url: str = ""
    reason: str = ""
    fetched: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    thumbnail: str = ""
    entry: str = ""

    @property
    def time(self) -> datetime | None:
        if not self.fetched:
            return None
        time = datetime.fromisoformat(self.fetched)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


def read_notes(file: Path) -> Notes:
    """Raises `ValueError` when they are malformed, `OSError` when they cannot be read."""
    given = json.loads(files.read_file(file))
    if not isinstance(given, dict) or not given.get("url"):
        raise ValueError("no notes")
    values = {each.name: given.get(each.name, each.default) for each in fields(Notes)}
    try:
        values["headers"] = tuple((name, value) for name, value in values["headers"])
    except TypeError as error:
        raise ValueError("headers are no pairs of texts") from error
    kinds = [(each.name, values[each.name], type(each.default)) for each in fields(Notes)]
    kinds += [("headers", part, str) for pair in values["headers"] for part in pair]
    for name, value, kind in kinds:
        if not isinstance(value, kind):
            raise ValueError(f"{name} is {value!r}")
    notes = Notes(**values)
    if notes.article_id and not ARTICLE_ID.fullmatch(notes.article_id):
        raise ValueError(f"article_id is {notes.article_id!r}")
    _ = notes.time  # raises for what is none
    return notes


def keep(folder: Path, page: Page, reason: str) -> bool:
    """Writes the page, then its notes; returns whether the same copy was already there.

    Of several copies the newest is kept; one that was read from here is not written again.
    """
    own = own_copy(folder, page)
    kept_as = own or page.article_id or f"page-{sha256(page.html).hexdigest()[:16]}"
    kept, notes = _files(folder, page.source, kept_as)
    fetched = page.fetched.isoformat()
    try:
        known = read_notes(notes).fetched
    except (OSError, ValueError):
        known = ""
    is_newest = not own and known <= fetched
    if is_newest:
        files.write_bytes(kept, gzip.compress(page.html, mtime=0))
    if is_newest or (own and known):
        of_page = {each.name: getattr(page, each.name, "") for each in fields(Notes)}
        text = json.dumps(of_page | {"reason": reason, "fetched": fetched}, ensure_ascii=False, indent=1)
        files.write_text(notes, f"{text}\n")
    return bool(own) or known == fetched


def release(folder: Path, source: str, kept_as: str) -> None:
    """Called after the article was archived, its row included, from this page or another one."""
    for file in _files(folder, source, kept_as):
        file.unlink(missing_ok=True)


def release_copy(folder: Path, page: Page) -> None:
    """Called for a page that was read from the quarantine and need not stay there."""
    if own := own_copy(folder, page):
        release(folder, page.source, own)


def own_copy(folder: Path, page: Page) -> str:
    """The name of the page in quarantine when it was read from there; `""` otherwise."""
    file = Path(page.saved_in)
    if not page.saved_in or not file.name.endswith(_PACKED):
        return ""
    here = file.resolve().parent == (folder / QUARANTINE / page.source).resolve()
    own = file.name.removesuffix(_PACKED)
    return own if here and ARTICLE_ID.fullmatch(own) else ""


def notes_file(page: Path) -> Path:
    """The file of the notes beside a page, in quarantine or where a person saved it."""
    return page.with_name(re.sub(r"\.html?(\.gz)?$", ".json", page.name, flags=re.IGNORECASE))


def _files(folder: Path, source: str, kept_as: str) -> tuple[Path, Path]:
    kept = folder / quarantine_path(source, kept_as)
    return kept, notes_file(kept)
