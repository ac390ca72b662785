"""Converts an article's body from standard HTML to Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from newsarchive.items import Picture
from newsarchive.markdown.blocks import joined
from newsarchive.markdown.reader import Reader


@dataclass(frozen=True)
class Body:
    """A body as Markdown and as text, with its pictures and videos."""

    markdown: str
    """Blocks separated by one empty line, no newline at the end."""
    text: str
    """The text on one line, without separators between paragraphs and without pictures and links to videos."""
    pictures: list[Picture]
    """In the page's order."""
    videos: int
    """Number of videos, audios and frames."""


def convert(root: HtmlElement, base_url: str = "") -> Body:
    r"""The body in `root`, whose own tag does not matter; relative links are resolved against `base_url`.

    >>> from lxml.html import fragment_fromstring
    >>> body = convert(fragment_fromstring("<div><h2>标题</h2><p>正<b>文。</b>1*2*3</p></div>"))
    >>> print(body.markdown)
    ## 标题
    <BLANKLINE>
    正**文**。1\*2\*3
    >>> body.text
    '标题正文。1*2*3'
    """
    reader = Reader(base_url)
    reader.read(root)
    return Body(
        markdown=joined(reader.blocks),
        text=" ".join("".join(reader.text).split()),
        pictures=reader.pictures,
        videos=reader.videos,
    )
