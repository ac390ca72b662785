"""Captions of Tencent News: every way in which the site writes one becomes a plain `figcaption`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.styles import without_emphasis
from newsarchive.qq.markup import text_of, writable

DESCRIPTION = "data-json-desc"
"""Attribute of a picture, and of the caption that is made of it: what the JSON says of the picture.
The page may show it a second time."""

_CLASSES = {"image_desc", "qqnews_image_desc", "text-img-note"}
_TYPE = "om-image-desc"
# The text of a block without what the JSON says of the pictures in it.
_OWN_TEXT = etree.XPath(f".//text()[not(parent::figcaption[@{DESCRIPTION}])]")
_NEXT_TEXT = etree.XPath("(following::text()[normalize-space(translate(., '\u00a0\u3000\u200b', ''))])[1]")
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_EMPHASIS = ("strong", "b", "em", "i")
_IN_LINE = {"span", "strong", "b", "em", "i", "u", "a", "font", "sub", "sup", "s", "del", "code"}
# What may hold a picture and nothing else, with its caption after it.
_AROUND_PICTURE = _IN_LINE | {"p", "figure", "div", "section", "center"}


def describe(picture: etree._Element) -> etree._Element:
    """The caption that the JSON has for a picture, put right below it."""
    caption = etree.Element("figcaption", {DESCRIPTION: "1"})
    caption.text = clean_value(picture.get(DESCRIPTION) or "")
    if tail := picture.tail:
        picture.tail, caption.tail = None, writable(tail)
    picture.addnext(caption)
    return caption


def is_caption(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether the site's editors mark it as one."""
    if classes and not _CLASSES.isdisjoint(classes):
        return element.tag in ("p", "div", "section", "span")
    return element.get("type") == _TYPE and element.tag in ("p", "div")


def is_caption_in_italics(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether an `i` or `em` of families F2 and F3 is one."""
    return element.tag in ("i", "em") and (("desc" in classes and _stands_alone(element)) or _follows_picture(element))


def make_plain(root: etree._Element) -> None:
    """Takes bold and italics out of all captions."""
    for caption in list(root.iter("figcaption")):
        etree.strip_tags(caption, *_EMPHASIS)
        for element in caption.iter():
            if style := element.get("style"):
                element.set("style", without_emphasis(style))


def is_shown_below(caption: etree._Element) -> bool:
    """Whether the next text says the same as a caption from the JSON: the page's own caption."""
    found: Any = _NEXT_TEXT(caption)
    if not found or _in_heading(found[0].getparent()):
        return False
    return _letters(_line(found[0], caption)) == _letters(text_of(caption))


def _in_heading(element: etree._Element) -> bool:
    return element.tag in _HEADINGS or any(each.tag in _HEADINGS for each in element.iterancestors())


def _letters(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _stands_alone(element: etree._Element) -> bool:
    """Whether nothing is written beside it in its block."""
    parent = element.getparent()
    beside = parent is not None and parent.tag not in ("div", "section") and text_of(parent).strip()
    return not (element.tail or "").strip() and (not beside or beside == text_of(element).strip())


def _follows_picture(element: etree._Element) -> bool:
    """Whether it stands between a picture, alone in what is around it, and the end of the line."""
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


def _line(text: Any, caption: etree._Element) -> str:
    """The block that a text after the caption stands in; in a block around the caption too, the text's line."""
    element = text.getparent()
    if text.is_tail:
        after, element = element.itersiblings(), element.getparent()
    elif element.get(DESCRIPTION):
        return ""  # of another picture
    else:
        after = element.iterchildren()
    block = element
    while block is not None and block.tag in _IN_LINE:
        block = block.getparent()
    if block is not None and block not in set(caption.iterancestors()):
        own: Any = _OWN_TEXT(block)
        return "".join(own)
    line = str(text)
    while True:
        for each in after:
            if each.tag not in _IN_LINE:
                return line
            line += text_of(each) + (each.tail or "")
        if element is None or element is block:
            return line
        line += element.tail or ""
        after, element = element.itersiblings(), element.getparent()
