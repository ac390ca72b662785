"""Stories, read from the files in `stories/`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

FOLDER = Path(__file__).parent / "stories"


class Kind:
    """`articletype` of a list entry."""

    ARTICLE = "0"
    VIDEO = "4"
    TAG = "123"
    QUESTION = "233"
    BLOCK = "525"
    HEADER = "560"


@dataclass(frozen=True, kw_only=True)
class Story:
    """One item of the site: an article, or something else that its lists name."""

    id: str
    title: str
    published: datetime
    """Beijing time without a time zone, as the site writes it."""
    family: str = "F5"
    version: str = "v2"
    """`originContent.version`: v1 is the old editor's `<P>…</P>`, v2 a `div.rich_media_content`."""
    kind: str = Kind.ARTICLE
    media: str = ""
    channels: tuple[str, ...] = ()
    cover: str = ""
    """Name of the list picture."""
    ask: str = ""
    """The question of the 问AI box above the body."""
    lead: str = ""
    """Introduction, F2 only."""
    tags: str = ""
    block: str = ""
    """Heading of the list block (525) that contains the story, in addition to or instead of its own entry."""
    address: str = "https://new.qq.com/rain/a/{id}"
    """The URL that the lists name."""
    gone: bool = False
    body: str = ""

    @property
    def is_article(self) -> bool:
        return self.kind == Kind.ARTICLE

    @property
    def text(self) -> str:
        """The body's text without tags, roughly: for the site's descriptions."""
        words = re.sub(r"<script.*?</script>|<svg.*?</svg>|<[^>]*>", "", self.body, flags=re.S)
        return " ".join(html.unescape(words).split())


def read_story(path: Path) -> Story:
    """The story of one file; its id is the file's name."""
    head, _, body = path.read_text("utf-8").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    published = datetime.fromisoformat(fields.pop("published"))
    channels = tuple(fields.pop("channels", "").split())
    gone = fields.pop("gone", "no") == "yes"
    return Story(
        id=path.stem,
        published=published,
        channels=channels,
        gone=gone,
        body=re.sub(r">\n\s*<", "><", body.strip()) if fields.get("family", "F5") in ("F4", "F5") else body.strip(),
        **fields,
    )


def written_stories() -> Iterator[Story]:
    """The stories of the folder, newest first."""
    found = [read_story(path) for path in FOLDER.glob("*.html")]
    yield from sorted(found, key=lambda story: (story.published, story.id), reverse=True)


def moved(stories: list[Story], newest: datetime) -> list[Story]:
    """The same stories, all times moved by the same amount so that the newest was published at `newest`."""
    shift: timedelta = newest - max(story.published for story in stories)
    return [replace(story, published=story.published + shift) for story in stories]
