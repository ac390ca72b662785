"""Notes beside a saved page: where it came from, and in quarantine why it is there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.files import is_article_id, read_file
from newsarchive.items import Page


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
