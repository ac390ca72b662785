"""The body of a Tencent News page as standard HTML: boilerplate dropped, the site's own classes mapped
to the elements that they stand for, placeholders resolved.

What the classes mean is described from real pages of 2019 to 2026; see `tests/pages/qq/`.
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
    superfluous,
)
from newsarchive.qq.markup import drop, parse
from newsarchive.qq.placeholders import resolve

# The page's own components: `div.qnt-p` stands for `p`, `span.qnt-strong` for `strong`, and so on.
_COMPONENTS = {
    f"qnt-{tag}": tag
    for tag in (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em"),
        *("ul", "ol", "li", "blockquote", "table", "tr", "td", "th"),
    )
}
_HEADING_CLASS = "text-big-title"
# The host of the site's static files: in a body they stand in for pictures that a script loads later.
_STATIC = re.compile(r"(?:https?:)?//mat1\.gtimg\.com/", re.IGNORECASE)


def standard(text: str, attributes: Mapping[str, Any]) -> etree._Element:
    """`originContent.text` as standard HTML: placeholders resolved, boilerplate dropped.

    Raises:
        BrokenContent: the body cannot be read whole.
    """
    return standardize(parse(resolve(text, attributes)))


def standardize(
    root: etree._Element, *, captions_in_italics: bool = False, boilerplate_around: bool = False
) -> etree._Element:
    """`root`, changed in place to standard HTML.

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
            _forget_stand_in(element)
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
    drop(root, superfluous(root, described))
    make_plain(root)
    return root


def _drop_boilerplate(root: etree._Element, *, boilerplate_around: bool) -> None:
    """Takes out what is not the body's, and puts what the body shows there in its place."""
    dropped: list[etree._Element] = []
    scripted: set[str] = set()
    drawn: list[etree._Element] = []
    walk = iter(list(root.iterdescendants()))
    for element in walk:
        classes = (element.get("class") or "").split()
        instead = _instead(element, classes, boilerplate_around=boilerplate_around)
        if instead is None:
            continue
        _skip_inside(element, walk)
        for each in instead:
            element.addprevious(each)
        dropped.append(element)
        if element.tag == "script":
            scripted.update(video.get("src") or "" for video in instead)
        else:
            drawn += instead
    drop(root, dropped)
    drop(root, [each for each in drawn if each.tag == "video" and each.get("src") in scripted])


def _instead(
    element: etree._Element, classes: Sequence[str], *, boilerplate_around: bool
) -> list[etree._Element] | None:
    """What takes the element's place when it is dropped, `None` when it is kept."""
    tag = element.tag
    if tag == "script":
        return list(videos.scripted(element.text or ""))
    if is_hidden(element, classes) or (boilerplate_around and is_around(element, classes)):
        return []
    if tag in BOILERPLATE_TAGS:
        return _seen_in(element) if tag == "svg" else []
    if tag in videos.PLAYER_TAGS or (classes and not videos.PLAYER_CLASSES.isdisjoint(classes)):
        return [videos.drawn(element)]
    if tag == "object":
        return videos.embedded(element)
    return None


def _seen_in(drawing: etree._Element) -> list[etree._Element]:
    """Pictures and videos within an `svg`: WeChat lays them into one to make them react to a touch."""
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


def _skip_inside(element: etree._Element, walk: Iterator[etree._Element]) -> None:
    if len(element):
        count = sum(1 for _ in element.iterdescendants())
        next(islice(walk, count, count), None)


def _forget_stand_in(picture: etree._Element) -> None:
    """Takes away a `src` that only stands in for a picture whose address is in another attribute."""
    source = picture.get("src") or ""
    if _STATIC.match(source.strip()) and any(
        web_address(address) and not _STATIC.match(address.strip()) for address in picture_addresses(picture)
    ):
        del picture.attrib["src"]
