"""Pages that are no whole article, each stored compressed beside its notes until it can be read."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from newsarchive.archive.files import (
    QUARANTINE,
    is_article_id,
    quarantine_path,
    read_file,
    write_bytes,
    write_text,
)
from newsarchive.items import Page

_NAMELESS = "page-"
_PACKED = ".html.gz"


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Stored as a `.json` file. For a page that a person saved, only the URL is needed."""

    article_id: str = ""
    url: str
    reason: str = ""
    fetched: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    thumbnail: str = ""
    entry: str = ""

    def __str__(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @property
    def time(self) -> datetime | None:
        if not self.fetched:
            return None
        time = datetime.fromisoformat(self.fetched)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


def page_notes(page: Page, reason: str) -> Notes:
    return Notes(
        article_id=page.article_id,
        url=page.url,
        reason=reason,
        fetched=page.fetched.isoformat(),
        status=page.status,
        headers=page.headers,
        thumbnail=page.thumbnail,
        entry=page.entry,
    )


def read_notes(file: Path) -> Notes:
    """Raises `ValueError` when they are malformed, `OSError` when they cannot be read."""
    given = json.loads(read_file(file))
    if not isinstance(given, dict):
        raise ValueError("no notes")
    texts = {name: _of_type(given, name, str, "") for name in ("article_id", "reason", "fetched", "thumbnail", "entry")}
    if texts["article_id"] and not is_article_id(texts["article_id"]):
        raise ValueError(f"article_id is {texts['article_id']!r}")
    headers = _of_type(given, "headers", list, [])
    if not all(isinstance(pair, list) and [type(part) for part in pair] == [str, str] for pair in headers):
        raise ValueError("headers are no pairs of texts")
    notes = Notes(
        url=_of_type(given, "url", str, None),
        status=_of_type(given, "status", int, 200),
        headers=tuple((name, value) for name, value in headers),
        **texts,
    )
    _ = notes.time
    return notes


def _of_type(given: dict[str, Any], name: str, kind: type, default: object) -> Any:
    value = given.get(name, default)
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {value!r}")
    return value


def keep(folder: Path, page: Page, reason: str) -> bool:
    """Writes the page, then its notes. Of several copies the newest is kept; one read from here is not written again.

    Returns:
        Whether the same copy was already there.
    """
    own = own_copy(folder, page)
    kept, notes = _files(folder, page.source, name(folder, page))
    fetched, known = page.fetched.isoformat(), _fetched(notes)
    if own and known:
        write_text(notes, str(page_notes(page, reason)))
    if not own and known <= fetched:
        write_bytes(kept, gzip.compress(page.html, mtime=0))
        write_text(notes, str(page_notes(page, reason)))
    return bool(own) or known == fetched


def release(folder: Path, source: str, kept_as: str) -> None:
    """Called after the article was archived, its row included, from this page or another one."""
    for file in _files(folder, source, kept_as):
        file.unlink(missing_ok=True)


def release_copy(folder: Path, page: Page) -> None:
    """Called for a page that was read from the quarantine and need not stay there."""
    if own := own_copy(folder, page):
        release(folder, page.source, own)


def name(folder: Path, page: Page) -> str:
    """The name of the page in quarantine, whether it is there or not."""
    return own_copy(folder, page) or page.article_id or f"{_NAMELESS}{sha256(page.html).hexdigest()[:16]}"


def own_copy(folder: Path, page: Page) -> str:
    """The name of the page in quarantine when it was read from there; `""` otherwise."""
    file = Path(page.saved_in)
    if not page.saved_in or not file.name.endswith(_PACKED):
        return ""
    here = file.resolve().parent == (folder / QUARANTINE / page.source).resolve()
    own = file.name.removesuffix(_PACKED)
    return own if here and is_article_id(own) else ""


def _files(folder: Path, source: str, kept_as: str) -> tuple[Path, Path]:
    kept = folder / quarantine_path(source, kept_as)
    return kept, kept.with_name(f"{kept_as}.json")


def _fetched(notes: Path) -> str:
    """When the stored copy was fetched; `""` when that is not known."""
    try:
        return read_notes(notes).fetched
    except (OSError, ValueError):
        return ""
