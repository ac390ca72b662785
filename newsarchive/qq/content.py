"""The body of a Tencent News page as standard HTML: boilerplate dropped, the site's own classes replaced
with the elements that they mean, placeholders resolved.

The meaning of the classes is taken from real pages of 2019 to 2026; see `tests/pages/qq/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lxml import etree

from newsarchive.markdown.addresses import picture_addresses, web_address
from newsarchive.qq import videos
from newsarchive.qq.boilerplate import BOILERPLATE_TAGS, drop_after_status, is_around, is_hidden
from newsarchive.qq.captions import (
    DESCRIPTION,
    describe,
    is_caption,
    is_caption_in_italics,
    make_plain,
    redundant,
)
from newsarchive.qq.markup import drop, parse
from newsarchive.qq.placeholders import resolve

# The site's own components: `div.qnt-p` is a `p`, `span.qnt-strong` a `strong`, and so on.
_COMPONENTS = {
    f"qnt-{tag}": tag
    for tag in (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em"),
        *("ul", "ol", "li", "blockquote", "table", "tr", "td", "th"),
    )
}
_HEADING_CLASS = "text-big-title"
# The host of the site's static files: in a body they are placeholders of pictures that a script loads later.
_STATIC = re.compile(r"(?:https?:)?//mat1\.gtimg\.com/", re.IGNORECASE)


def standard(text: str, attributes: Mapping[str, Any]) -> etree._Element:
    """`originContent.text` as standard HTML: placeholders resolved, boilerplate dropped.

    Raises:
        BrokenContent: the body cannot be read completely.
    """
    return standardize(parse(resolve(text, attributes)))


def standardize(
    root: etree._Element, *, captions_in_italics: bool = False, boilerplate_around: bool = False
) -> etree._Element:
    """Change `root` in place to standard HTML and return it.

    Args:
        root: the container of the body; its own tag and classes do not matter.
        captions_in_italics: an `i` or `em` right after a picture is its caption, as in families F2 and F3.
        boilerplate_around: the container holds the page's boilerplate too, not the body alone.
    """
    if boilerplate_around:
        drop_after_status(root)
    _drop_boilerplate(root, boilerplate_around=boilerplate_around)
    described: list[etree._Element] = []
    for element in list(root.iterdescendants()):
        tag, shown = element.tag, element.get("class")
        classes = shown.split() if shown else ()
        if tag == "img":
            _drop_static_source(element)
            if element.get(DESCRIPTION):
                described.append(describe(element))
        elif _HEADING_CLASS in classes:
            element.tag = "h2"
        elif is_caption(element, classes) or (captions_in_italics and is_caption_in_italics(element, classes)):
            element.tag = "figcaption"
        elif component := next(filter(None, map(_COMPONENTS.get, classes)), None):
            element.tag = component
        elif tag in ("iframe", "video", "embed"):
            videos.link_to_page(element)
        elif tag in videos.WITHOUT_ADDRESS:
            element.addprevious(videos.unaddressed(element))
    drop(root, redundant(root, described))
    make_plain(root)
    return root


def _drop_boilerplate(root: etree._Element, *, boilerplate_around: bool) -> None:
    """Drop what does not belong to the body; videos and pictures inside are put in its place."""
    dropped: list[etree._Element] = []
    scripted: set[str] = set()
    drawn: list[etree._Element] = []
    elements = iter(list(root.iterdescendants()))
    for element in elements:
        classes = (element.get("class") or "").split()
        replacements = _replacements(element, classes, boilerplate_around=boilerplate_around)
        if replacements is None:
            continue
        _skip_inside(element, elements)
        for each in replacements:
            element.addprevious(each)
        dropped.append(element)
        if element.tag == "script":
            scripted.update(video.get("src") or "" for video in replacements)
        else:
            drawn += replacements
    drop(root, dropped)
    drop(root, [each for each in drawn if each.tag == "video" and each.get("src") in scripted])


def _replacements(
    element: etree._Element, classes: Sequence[str], *, boilerplate_around: bool
) -> list[etree._Element] | None:
    """The elements that replace an element to be dropped; `None` to keep it."""
    tag = element.tag
    if tag == "script":
        return list(videos.scripted(element.text or ""))
    if is_hidden(element, classes) or (boilerplate_around and is_around(element, classes)):
        return []
    if tag in BOILERPLATE_TAGS:
        return _visible_in(element) if tag == "svg" else []
    if tag in videos.PLAYER_TAGS or (classes and not videos.PLAYER_CLASSES.isdisjoint(classes)):
        return [videos.drawn(element)]
    if tag == "object":
        return videos.embedded(element)
    return None


def _visible_in(drawing: etree._Element) -> list[etree._Element]:
    """Pictures and videos in an `svg`: WeChat puts them there to make them react to a touch."""
    found = [each for each in drawing.iter("img", "video") if not _is_hidden_in(drawing, each)]
    for each in found:
        each.tail = None
    return found


def _is_hidden_in(drawing: etree._Element, element: etree._Element) -> bool:
    around: etree._Element | None = element
    while around is not None and around is not drawing:
        if is_hidden(around, (around.get("class") or "").split()):
            return True
        around = around.getparent()
    return False


def _skip_inside(element: etree._Element, elements: Iterator[etree._Element]) -> None:
    if len(element):
        count = sum(1 for _ in element.iterdescendants())
        next(islice(elements, count, count), None)


def _drop_static_source(picture: etree._Element) -> None:
    """Remove a `src` that is only a placeholder: the picture's address is in another attribute."""
    source = picture.get("src") or ""
    if _STATIC.match(source.strip()) and any(
        web_address(address) and not _STATIC.match(address.strip()) for address in picture_addresses(picture)
    ):
        del picture.attrib["src"]
