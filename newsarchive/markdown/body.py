"""An article's body: standard HTML to Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from newsarchive.items import Picture
from newsarchive.markdown.blocks import joined
from newsarchive.markdown.reader import Reader


@dataclass(frozen=True)
class Body:
    """What a body holds."""

    markdown: str
    """Blocks separated by one empty line, no newline at the end."""
    text: str
    """Its text on one line, nothing between paragraphs; pictures and links to videos have none."""
    pictures: list[Picture]
    """In the page's order."""
    videos: int
    """Videos, audios and frames."""


def convert(root: HtmlElement, base_url: str = "") -> Body:
    r"""The body in `root`, whose own tag does not matter; relative links are understood from `base_url`.

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
