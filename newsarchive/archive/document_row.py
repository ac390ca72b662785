"""The ledger's row of a Markdown file, as far as the file says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from newsarchive.archive.files import read_file, revision_path
from newsarchive.archive.front_matter import front_matter
from newsarchive.archive.ledger import Row, State
from newsarchive.archive.schedule import next_check

# front matter has no time zone, and all publishers so far are in this one
_ZONE = timezone(timedelta(hours=8))
_SOURCE_LINE = re.compile(r"\[(?P<source>[^\]]*)\]\((?P<url>https?://[^)\s]+)\)")


def read_row(folder: Path, path: Path, *, now: datetime, ages: Sequence[timedelta] = (), pictures_url: str = "") -> Row:
    """The ledger's row for a Markdown file. Raises `ValueError` when it is not one of our articles."""
    data = read_file(path)
    text = data.decode("utf-8")
    source, article_id = path.relative_to(folder).parts[1], path.stem
    fields = front_matter(text)
    last = text.rstrip("\n").rpartition("\n")[2]
    link = _SOURCE_LINE.fullmatch(last)
    if link is None or link["source"] != source:
        raise ValueError(f"its last line is no source line, expected [{source}](https://…), got {last[:60]!r}")
    if article_id not in link["url"]:
        raise ValueError(f"its source line names another article: {link['url']}")
    published = _published(fields.get("date"))
    archived = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
    thumbnail = str(fields.get("thumbnail") or "")
    former = folder / revision_path(source, article_id, archived).parent
    digest = hashlib.sha256(data).hexdigest()
    # a document with local pictures is not the reference rendering, which cannot be derived from it
    local = bool(pictures_url) and (f"]({pictures_url}" in text or thumbnail.startswith(pictures_url))
    return Row(
        source=source,
        article_id=article_id,
        url=link["url"],
        where="rebuild",
        first_seen=archived,
        thumbnail="" if local else thumbnail,
        state=State.ARCHIVED,
        published=published,
        archived_at=archived,
        last_checked=archived,
        next_check=next_check(published, now, ages),
        content_hash="" if local else digest,
        file_hash=digest,
        revision=1 + len(list(former.glob("*.md"))),
        path=path.relative_to(folder).as_posix(),
    )


def _published(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(f"its front matter has no date, expected YYYY-MM-DD HH:MM:SS, got {value!r}")
    return value if value.tzinfo else value.replace(tzinfo=_ZONE)
