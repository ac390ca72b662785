"""The items that go through the pipelines: data only, nothing of this project imported."""

from dataclasses import dataclass, field
from datetime import datetime

_ISO = {"serializer": lambda time: time and time.isoformat()}
"""How the exporters of `-o` write a time, whatever their format."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of an article's body."""

    url: str
    """As the page shows it (`…/641`); for a GIF the one that moves. Always with a scheme."""
    alt: str = ""


@dataclass(kw_only=True)
class Page:
    """An article page as it came, from the network, a saved file or a WARC record; also a list reply to be kept."""

    source: str
    """Name of the source, which is the name of its folder: `qq`."""
    article_id: str = ""
    """The id that was asked for; `""` for a saved page, which contains its own."""
    url: str
    """Where the page came from. A saved page without a known address has its `file://` URL."""
    html: bytes
    packed: bytes = b""
    """The gzip bytes in which it came, to be kept; `b""` when it came otherwise, or is kept already."""
    fetched: datetime
    """When it came, UTC."""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    """HTTP response headers in their order, a character for each byte; empty for a saved page."""
    thumbnail: str = ""
    """Picture of the list entry through which the article was found."""
    entry: str = ""
    """The list entry as JSON, for the record; `""` when no list named the article."""
    saved_in: str = ""
    """The file that a replayed page was read from, for a WARC record with its offset (`FILE:OFFSET`);
    `""` from the network."""

    def header(self, name: str) -> str:
        """The value of a response header; `""` without it."""
        values = [value for given, value in self.headers if given.lower() == name.lower()]
        return values[-1] if values else ""


@dataclass(kw_only=True)
class Article:
    """A whole article, ready to be written."""

    source: str
    article_id: str
    """The site's own id. One story under two URLs has one id."""
    url: str
    """The canonical URL, whichever one the page came from."""
    title: str
    published: datetime = field(metadata=_ISO)
    """With a time zone, always; rendered as the publisher's wall clock."""
    summary: str = ""
    thumbnail: str = ""
    body: str
    """Markdown: blocks separated by one empty line, no newline at the end."""
    text: str = ""
    """The body's text as a reader sees it, for measuring; not written."""
    pictures: list[Picture] = field(default_factory=list)
    videos: int = 0
    """How many videos, audios and frames the body links to."""
    is_short: bool = False
    """The text is far shorter than the page says that the article is: the site or the parser may have lost a part."""
    family: str = ""
    """The page family that was read, `F1` to `F5` for Tencent."""
    language: str = "zh-CN"
    publisher: str = ""
    """The account that published it, by its name: `第一财经`; `""` where the page does not say."""
    channels: tuple[str, ...] = ()
    """Where the site has it, in the site's own words: `finance`."""
    site_tags: tuple[str, ...] = ()
    """The site's own tags."""
    unknown_keys: tuple[str, ...] = ()
    """Keys of the page's own data that nobody has described yet: the first sign of a new layout."""
    missed_pictures: bool = False
    """The page names pictures of its body, and not one of them was found there."""


@dataclass(kw_only=True)
class ArchivedArticle(Article):
    """An article that has just been written, as `-o` exports it."""

    path: str
    """Of its document, below `ARCHIVE_DIR`."""
    change: str
    """How it changed the archive: `new`, `revised`, or `restored` for one whose document was lost or damaged."""
    edited: datetime | None = field(default=None, metadata=_ISO)
    """When the site last edited it, as far as the archive knows; `None` for one that it has not seen edited."""
