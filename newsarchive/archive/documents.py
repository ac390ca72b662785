"""The Markdown file of an article: its path and hash, and what it says for a row of the ledger."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import frontmatter
import yaml

from newsarchive.archive.files import content_path, read_file, revision_path
from newsarchive.archive.pictures import picture_digits, picture_links, same_text
from newsarchive.archive.schedule import next_check
from newsarchive.archive.tables import Row, State
from newsarchive.errors import cause
from newsarchive.items import Article
from newsarchive.markdown.document import reference_part

# front matter has no time zone, and all publishers so far are in this one
_ZONE = timezone(timedelta(hours=8))
_FRONT_MATTER = re.compile(r"\A\s*---\n(?:.*?\n)??---\n", re.DOTALL)
_SOURCE_LINE = re.compile(r"\[(?P<source>[^\]]*)\]\((?P<url>https?://[^)\s]+)\)")


def front_matter(document: str) -> dict[str, object]:
    """The fields of a document; none where there is no front matter. Raises `ValueError` when it cannot be read."""
    try:
        return dict(frontmatter.loads(document).metadata)
    except (yaml.YAMLError, LookupError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"its front matter cannot be read: {cause(error)}") from error


def document_body(document: str) -> str:
    """Its Markdown, without front matter and source line."""
    return _FRONT_MATTER.sub("", document).rstrip("\n").rpartition("\n")[0].strip("\n")


def read_document(data: bytes, source: str, article_id: str) -> tuple[str, dict[str, object], str]:
    """The text, fields and URL of an article's document. Raises `ValueError` when it is none."""
    text = data.decode("utf-8")
    fields = front_matter(text)
    last = text.rstrip("\n").rpartition("\n")[2]
    link = _SOURCE_LINE.fullmatch(last)
    if link is None or link["source"] != source:
        raise ValueError(f"its last line is no source line, expected [{source}](https://…), got {last[:60]!r}")
    if article_id not in link["url"]:
        raise ValueError(f"its source line names another article: {link['url']}")
    return text, fields, link["url"]


def read_row(folder: Path, path: Path, *, now: datetime, ages: Sequence[timedelta] = (), pictures_url: str = "") -> Row:
    """The ledger's row for a Markdown file. Raises `ValueError` when it is not one of our articles."""
    data = read_file(path)
    source, article_id = path.relative_to(folder).parts[1], path.stem
    text, fields, url = read_document(data, source, article_id)
    if not fields.get("date"):
        raise ValueError("its front matter has no date, expected YYYY-MM-DD HH:MM:SS")
    published = datetime.fromisoformat(str(fields["date"]))
    published = published if published.tzinfo else published.replace(tzinfo=_ZONE)
    archived = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
    thumbnail = str(fields.get("thumbnail") or "")
    former = folder / revision_path(source, article_id, archived).parent
    title = str(fields.get("title") or "")
    versions = len(list(former.glob("*.md")))
    edited = _edited(fields, published, archived if versions else None)
    # a document with local pictures is not the reference rendering, which cannot be derived from it
    local = bool(pictures_url) and (f"]({pictures_url}" in text or thumbnail.startswith(pictures_url))
    return Row(
        source=source, article_id=article_id, url=url, where="rebuild", first_seen=archived,
        thumbnail="" if local else thumbnail, state=State.ARCHIVED, published=published, archived_at=archived,
        last_checked=archived, next_check=next_check(published, now, ages),
        content_hash="" if local else content_hash(reference_part(text)), file_hash=content_hash(data),
        revision=1 + versions, path=path.relative_to(folder).as_posix(),
        title=title, publisher=str(fields.get("author") or ""), channels=_names(fields, "channels"),
        site_tags=_names(fields, "site_tags"), edited=edited,
    )  # fmt: skip


def _names(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = fields.get(name)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _edited(fields: Mapping[str, object], published: datetime, replaced: datetime | None) -> datetime | None:
    """The document's `lastmod`; without one when it was `replaced`. `lastmod` is there for unedited articles, too."""
    with suppress(ValueError):
        last = datetime.fromisoformat(str(fields.get("lastmod"))).replace(tzinfo=published.tzinfo)
        return last if replaced or last != published else None
    return replaced


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
    except (OSError, ValueError):  # ValueError: no path at all, from a damaged ledger
        return None


def document_text(file: Path) -> str:
    """The file's content as text; `""` when it is missing or cannot be read."""
    return (document_bytes(file) or b"").decode("utf-8", "replace")


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


def could_be_same(former: str, document: str) -> bool:
    """Whether a document with local pictures could be the one with the site's: it does not say where they came from."""
    pairs = zip(picture_links(former), picture_links(document), strict=False)
    return same_text(former, document) and all(one == other or picture_digits(one) for one, other in pairs)
