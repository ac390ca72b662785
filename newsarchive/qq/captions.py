"""Captions of Tencent News: every form that the site uses becomes a plain `figcaption`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lxml import etree

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.styles import without_emphasis
from newsarchive.qq.markup import text_of, writable

DESCRIPTION = "data-json-desc"
"""Attribute of a picture, and of the caption made from it: the picture's description in the JSON.
The page may show it a second time."""

_CLASSES = {"image_desc", "qqnews_image_desc", "text-img-note"}
_TYPE = "om-image-desc"
# The text of a block without the captions from the JSON.
_OWN_TEXT = etree.XPath(f".//text()[not(parent::figcaption[@{DESCRIPTION}])]")
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_EMPHASIS = ("strong", "b", "em", "i")
_IN_LINE = {"span", "strong", "b", "em", "i", "u", "a", "font", "sub", "sup", "s", "del", "code"}
# Elements that may hold only a picture, with its caption after it.
_AROUND_PICTURE = _IN_LINE | {"p", "figure", "div", "section", "center"}


def describe(picture: etree._Element) -> etree._Element:
    """Insert the JSON's caption of a picture right below it."""
    caption = etree.Element("figcaption", {DESCRIPTION: "1"})
    caption.text = clean_value(picture.get(DESCRIPTION) or "")
    if tail := picture.tail:
        picture.tail, caption.tail = None, writable(tail)
    picture.addnext(caption)
    return caption


def is_caption(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether the site's editors marked it as a caption."""
    if classes and not _CLASSES.isdisjoint(classes):
        return element.tag in ("p", "div", "section", "span")
    return element.get("type") == _TYPE and element.tag in ("p", "div")


def is_caption_in_italics(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether an `i` or `em` of families F2 and F3 is a caption."""
    return element.tag in ("i", "em") and (("desc" in classes and _is_alone(element)) or _follows_picture(element))


def make_plain(root: etree._Element) -> None:
    """Remove bold and italics from all captions."""
    for caption in list(root.iter("figcaption")):
        etree.strip_tags(caption, *_EMPHASIS)
        for element in caption.iter():
            if style := element.get("style"):
                element.set("style", without_emphasis(style))


def redundant(root: etree._Element, captions: Sequence[etree._Element]) -> list[etree._Element]:
    """The captions from the JSON to drop: blank ones, and those that the next text of the page repeats."""
    waiting: list[etree._Element] = []
    shown: list[etree._Element] = []
    candidates = set(captions)
    for event, element in etree.iterwalk(root, events=("start", "end")) if candidates else ():
        if event == "end" and element is root:
            break
        text = element.text if event == "start" else element.tail
        if event == "end" and element in candidates:
            (waiting if _letters(text_of(element)) else shown).append(element)
        if waiting and text and _letters(text):
            shown += [each for each in waiting if _repeats(each, element, is_tail=event == "end")]
            waiting = []
    return shown


def _repeats(caption: etree._Element, element: etree._Element, *, is_tail: bool) -> bool:
    """Whether the line with the element's text, or with the text after it, equals the caption."""
    parent = element.getparent() if is_tail else element
    if _in_heading(parent):
        return False
    return _letters(text_of(caption)) == _letters(_line(element, caption, is_tail=is_tail))


def _in_heading(element: etree._Element | None) -> bool:
    while element is not None and element.tag not in _HEADINGS:
        element = element.getparent()
    return element is not None


def _letters(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _is_alone(element: etree._Element) -> bool:
    """Whether its block contains no other text."""
    parent = element.getparent()
    if (element.tail or "").strip() or not text_of(element).strip():
        return False
    if parent is None or parent.tag in ("div", "section"):
        return True
    beside = chain(element.itersiblings(preceding=True), element.itersiblings())  # nearest first: it usually decides
    return not (parent.text or "").strip() and not any(
        text_of(each).strip() or (each.tail or "").strip() for each in beside
    )


def _follows_picture(element: etree._Element) -> bool:
    """Whether it directly follows a picture and ends its line."""
    after = element.getnext()
    if (element.tail or "").strip() or (after is not None and after.tag in _IN_LINE and after.tag not in ("i", "em")):
        return False
    before = element.getprevious()
    while before is not None and before.tag == "br" and not (before.tail or "").strip():
        before = before.getprevious()
    if before is None or (before.tail or "").strip():
        return False
    return before.tag == "img" or (
        before.tag in _AROUND_PICTURE and before.find(".//img") is not None and not text_of(before).strip()
    )


def _line(element: etree._Element, caption: etree._Element, *, is_tail: bool) -> str:
    """The text of the block around the element's text or tail; only that line if the caption is in the block too."""
    text = element.tail if is_tail else element.text
    if is_tail:
        after, inside = element.itersiblings(), element.getparent()
    elif element.get(DESCRIPTION):
        return ""  # of another picture
    else:
        after, inside = element.iterchildren(), element
    block = inside
    while block is not None and block.tag in _IN_LINE:
        block = block.getparent()
    if block is not None and block not in set(caption.iterancestors()):
        own: Any = _OWN_TEXT(block)
        return "".join(own)
    line = [text or ""]
    while True:
        for each in after:
            if each.tag not in _IN_LINE:
                return "".join(line)
            line += text_of(each), each.tail or ""
        if inside is None or inside is block:
            return "".join(line)
        line.append(inside.tail or "")
        after, inside = inside.itersiblings(), inside.getparent()
