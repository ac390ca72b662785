"""Captions of Tencent News: every form that the site uses becomes a plain `figcaption`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from newsarchive.markdown.html import Element, Node, Text

_FROM_JSON = "data-from-json"
_CLASSES = {"image_desc", "qqnews_image_desc", "text-img-note"}
_TYPE = "om-image-desc"
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_IN_LINE = {"span", "strong", "b", "em", "i", "u", "a", "font", "sub", "sup", "s", "del", "code"}
# Elements that may hold only a picture, with its caption after it.
_AROUND_PICTURE = _IN_LINE | {"p", "figure", "div", "section", "center"}


def is_caption(element: Element, tag: str, classes: Sequence[str]) -> bool:
    """Whether the site's editors marked it as a caption."""
    if classes and not _CLASSES.isdisjoint(classes):
        return tag in ("p", "div", "section", "span")
    return tag in ("p", "div") and element.attr("type") == _TYPE


def is_caption_in_italics(element: Element) -> bool:
    """Whether an `i` or `em` of families F2 and F3 is a caption."""
    if _has_text(element.next_sibling):
        return False
    return (element.has_class("desc") and _is_alone(element)) or _follows_picture(element)


def from_json(text: str) -> Element:
    """The caption that the JSON has for a picture."""
    return Element("figcaption", {_FROM_JSON: ""}, [Text(text)])


def is_from_json(node: Node | None) -> bool:
    return isinstance(node, Element) and node.tag == "figcaption" and node.attr(_FROM_JSON) is not None


def repeated(root: Element) -> Iterator[Element]:
    """Those of the JSON's captions that the next text of the page repeats."""
    if root.select_one(f"[{_FROM_JSON}]") is None:
        return
    waiting: Element | None = None
    for node in list(root.descendants):
        if isinstance(node, Element) and is_from_json(node):
            waiting = node
        elif waiting is not None and isinstance(node, Text) and not is_from_json(node.parent) and _letters(node.data):
            line = "" if _in_heading(node) else _line(node, waiting)
            if _letters(line) == _letters(waiting.text):
                yield waiting
            waiting = None


def _letters(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _in_heading(text: Text) -> bool:
    return any(isinstance(around, Element) and around.tag in _HEADINGS for around in text.ancestors)


def _has_text(node: Node | None) -> bool:
    return isinstance(node, Text) and bool(node.data.strip())


def _is_alone(element: Element) -> bool:
    """Whether its block contains no other text."""
    if not element.text.strip():
        return False
    parent = element.parent
    if not isinstance(parent, Element) or parent.tag in ("div", "section"):
        return True
    beside = chain(element.previous_siblings, element.next_siblings)  # nearest first: it usually decides
    return not any(each.text.strip() for each in beside)


def _follows_picture(element: Element) -> bool:
    """Whether it directly follows a picture and ends its line."""
    after = _next_element(element.next_siblings)
    if after is not None and after.tag in _IN_LINE and after.tag not in ("i", "em"):
        return False
    for before in element.previous_siblings:
        if isinstance(before, Element) and before.tag != "br":
            return before.tag == "img" or (
                before.tag in _AROUND_PICTURE
                and next(before.iter_elements("img"), None) is not None
                and not before.text.strip()
            )
        if _has_text(before):
            return False
    return False


def _next_element(nodes: Iterable[Node]) -> Element | None:
    return next((node for node in nodes if isinstance(node, Element)), None)


def _line(text: Text, caption: Element) -> str:
    """The text of the block around `text`; only its line if the caption is in the block too."""
    block = text.parent
    while isinstance(block, Element) and block.tag in _IN_LINE:
        block = block.parent
    if isinstance(block, Element) and block not in set(caption.ancestors):
        texts = (node for node in block.descendants if isinstance(node, Text))
        return "".join(each.data for each in texts if not is_from_json(each.parent))
    line = [text.data]
    node: Node = text
    while True:
        for after in node.next_siblings:
            if isinstance(after, Element) and after.tag not in _IN_LINE:
                return "".join(line)
            line.append(after.text)
        if not isinstance(node.parent, Element) or node.parent is block:
            return "".join(line)
        node = node.parent
