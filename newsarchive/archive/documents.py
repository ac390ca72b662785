"""An article's file against its ledger row: what is new, what is a revision, and how both are written."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import frontmatter
import yaml

from newsarchive.archive.files import content_path, read_file, revision_path, whole_file, write_bytes
from newsarchive.archive.ledger import Row, State
from newsarchive.archive.pictures import localised, picture_digits, picture_links, same_text
from newsarchive.archive.schedule import next_check
from newsarchive.items import Article

if TYPE_CHECKING:
    from newsarchive.archive.archive import Archive, Reading

logger = logging.getLogger(__name__)

# front matter has no time zone, and all publishers so far are in this one
_ZONE = timezone(timedelta(hours=8))
_SOURCE_LINE = re.compile(r"\[(?P<source>[^\]]*)\]\((?P<url>https?://[^)\s]+)\)")


def front_matter(document: str) -> dict[str, object]:
    """The fields of a document; none where there is no front matter. Raises `ValueError` when it cannot be read."""
    try:
        return dict(frontmatter.loads(document).metadata)
    except (yaml.YAMLError, LookupError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


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
    if not fields.get("date"):
        raise ValueError("its front matter has no date, expected YYYY-MM-DD HH:MM:SS")
    published = datetime.fromisoformat(str(fields["date"]))
    published = published if published.tzinfo else published.replace(tzinfo=_ZONE)
    archived = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
    thumbnail = str(fields.get("thumbnail") or "")
    former = folder / revision_path(source, article_id, archived).parent
    # a document with local pictures is not the reference rendering, which cannot be derived from it
    local = bool(pictures_url) and (f"]({pictures_url}" in text or thumbnail.startswith(pictures_url))
    return Row(
        source=source, article_id=article_id, url=link["url"], where="rebuild", first_seen=archived,
        thumbnail="" if local else thumbnail, state=State.ARCHIVED, published=published, archived_at=archived,
        last_checked=archived, next_check=next_check(published, now, ages),
        content_hash="" if local else content_hash(data), file_hash=content_hash(data),
        revision=1 + len(list(former.glob("*.md"))), path=path.relative_to(folder).as_posix(),
    )  # fmt: skip


class Change(StrEnum):
    """How an article compares with the archive."""

    NEW = "new"
    REVISED = "revised"
    RESTORED = "restored"
    """The same text, whose document was lost or damaged."""
    UNCHANGED = "unchanged"


def document_bytes(file: Path) -> bytes | None:
    """The file's content; `None` when it is missing or cannot be read."""
    try:
        return read_file(file)
    except OSError:
        return None


def content_hash(document: str | bytes) -> str:
    """SHA-256 of a document, in hex."""
    return hashlib.sha256(document.encode() if isinstance(document, str) else document).hexdigest()


def why_empty(article: Article, min_text: int) -> str:
    """Why an article is too empty to be archived; `""` if it is not. The title does not count."""
    if len(article.text) >= min_text or article.pictures or article.videos:
        return ""
    got = f"{len(article.text)} characters and no picture or video"
    return f"{article.url}: the body has {got}: expected {min_text} (ARCHIVE_MIN_TEXT)"


def document_path(row: Row | None, article: Article) -> str:
    """Path of the article's file: it never changes once written, even when the publish time does."""
    return row.path if row and row.path else str(content_path(article.source, article.published, article.article_id))


def compare(archive: Archive, row: Row | None, document: str) -> Change:
    """Compares a document, with the site's picture links, with the archived version."""
    if row is None or not row.path:
        return Change.NEW
    is_intact = archive.is_intact(row)
    if row.content_hash:
        same = row.content_hash == content_hash(document)
    else:  # rebuilt from a file with local pictures; when that is lost, it is the same as far as anyone knows
        former = document_bytes(archive.folder / row.path) if is_intact else None
        same = former is None or _could_be_same(former.decode("utf-8", "replace"), document)
    if not same:
        return Change.REVISED
    return Change.UNCHANGED if is_intact else Change.RESTORED


def put(archive: Archive, item: Reading, write: Callable[[BinaryIO], object]) -> None:
    """Has the article's file written by `write` and, last, its row; keeps the former version."""
    article = item.article
    row = item.row and archive.ledger.current(item.row)
    text = localised(item.document, item.local_pictures)
    document = text.encode()
    path = document_path(row, article)
    file = archive.folder / path
    former = document_bytes(file)
    file_hash = content_hash(document)
    revision = max(row.revision, 1) if row else 1
    if former != document:
        if former is None and os.path.lexists(file):
            logger.warning("%s: cannot be read as a file, written again", path)
        elif former is not None and not (
            row and row.content_hash == item.content_hash and same_text(former.decode("utf-8", "replace"), text)
        ):
            revision += _keep_former(archive, row, article, file, former)
        with whole_file(file) as target:
            write(target)
    elif row and row.path and row.file_hash != file_hash:
        revision += 1  # written, and its former version kept, by a run that was killed before the row
    archive.ledger.archived(
        row, article, path=path, file_hash=file_hash, revision=revision, **item.learned, now=archive.now(),
        next_check=archive.schedule.next_check(row, article.published), from_site=archive.is_current(item.page),
    )  # fmt: skip


def _could_be_same(former: str, document: str) -> bool:
    """Whether a document with local pictures could be the one with the site's: it does not say where they came from."""
    pairs = zip(picture_links(former), picture_links(document), strict=False)
    return same_text(former, document) and all(one == other or picture_digits(one) for one, other in pairs)


def _keep_former(archive: Archive, row: Row | None, article: Article, file: Path, former: bytes) -> bool:
    """Stores the former version under its time. Whether it was a version of the article: else it is damaged."""
    known = row if row and row.path else None
    as_written = known is not None and known.file_hash in ("", content_hash(former))
    # a killed run may have written a document without recording it in the ledger
    whole = as_written
    with suppress(ValueError):
        whole = whole or bool(read_row(archive.folder, file, now=archive.now()))
    written = min(datetime.fromtimestamp(file.stat().st_mtime, UTC), archive.now())
    for nth in count(1):
        path = revision_path(article.source, article.article_id, (row and row.archived_at) or written, nth)
        kept = archive.folder / (path if whole else f"{path}.damaged")
        if document_bytes(kept) == former:  # by a run that was killed after this
            break
        if not os.path.lexists(kept):
            write_bytes(kept, former)
            break
    if known and not as_written:
        message = "%s: changed since it was archived, written again; the changed file is kept as %s"
        logger.warning(message, known.path, kept.relative_to(archive.folder))
    return whole
