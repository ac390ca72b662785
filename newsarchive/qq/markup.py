"""HTML as the site writes it to a tree that is what a browser would show."""

from __future__ import annotations

import re

from lxml import etree

from newsarchive.markdown.characters import without_controls

_STYLE = re.compile(r"<style(?=[\s>])[^<>]*>[^<]*</style\s*>", re.IGNORECASE)
# libxml2 closes these when a block begins inside of them, as HTML 4 wanted; browsers do not. Under a name that
# it does not know an element stays as it is written.
_RENAMED = re.compile(r"<(/?)(b|i|h[1-6])(?=[\s/>])", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<(/?)(p)(?=[\s/>])", re.IGNORECASE)
_BLOCK = re.compile(
    r"<(/?)(p|ul|ol|dl|table|blockquote|div|hr|pre|form|fieldset|center|address|h[1-6])(?=[\s/>])", re.IGNORECASE
)
_NAMES = {f"x-{name}": name for name in ("b", "i", "p", "h1", "h2", "h3", "h4", "h5", "h6")}
# It does not know that these are empty and gives them all that follows.
_EMPTY = ("embed", "source", "track", "wbr")

# Spaces to a reader of the page, which no XML may hold.
_OTHER_SPACES = re.compile("[\x0b\x0c\x1c-\x1f]")


class BrokenContent(ValueError):
    """The body cannot be read whole; the message says what is missing."""


def without_styles(text: str) -> str:
    """Style sheets weigh up to 90 kB inside a body of 10 kB: cheaper cut out than parsed."""
    return _STYLE.sub("", text)


def parse(text: str) -> etree._Element:
    """The `body` element of an HTML page or fragment, without comments.

    Raises:
        BrokenContent: nested so deeply that the parser would drop what lies inside.
    """
    text = _RENAMED.sub(r"<\1x-\2", text)
    if _blocks_in_paragraphs(text):
        text = _PARAGRAPH.sub(r"<\1x-\2", text)
    # lone surrogates, which JSON can hold, are no text; NUL would come out as a replacement character
    data = text.replace("\0", "").encode("utf-8", "ignore")
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(b"<html><body>" + data, parser=parser)
    except etree.XMLSyntaxError as error:
        raise BrokenContent(f"the HTML cannot be parsed: {error}") from error
    fatal = parser.error_log.filter_from_fatals()
    if len(fatal):
        raise BrokenContent(f"the HTML cannot be parsed to its end: {fatal[0].message}")
    for element in root.iter(*_NAMES):
        element.tag = _NAMES[element.tag]
    for element in root.iter(*_EMPTY):
        _empty(element)
    body = root.find("body")
    return root if body is None else body


def text_of(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))


def drop(element: etree._Element) -> None:
    """Takes the element out of its tree; the text after it stays."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail
    if parent is None:
        return  # went with what was around it
    if tail and before is not None:
        before.tail = _writable((before.tail or "") + tail)
    elif tail:
        parent.text = _writable((parent.text or "") + tail)
    parent.remove(element)


def _writable(text: str) -> str:
    """Text that the tree takes: it holds control characters as they were read, but will not have them written."""
    return text if text.isprintable() else without_controls(_OTHER_SPACES.sub(" ", text))


def _blocks_in_paragraphs(text: str) -> bool:
    """Whether a paragraph that is closed later holds a block: it would lose its end and run into what follows.

    A paragraph without an end tag is closed by the next block, as in old pages: then HTML 4 is right.
    """
    found, inside = False, False
    for tag in _BLOCK.finditer(text):
        closes, name = tag[1], tag[2]
        if name in "pP":
            if not closes and inside:
                return False
            inside = not closes
        elif inside and not closes:
            found = True
    return found and not inside


def _empty(element: etree._Element) -> None:
    text, children = element.text, list(element)
    for child in reversed(children):
        element.addnext(child)
    if text:
        element.tail = _writable(text + (element.tail or ""))
        element.text = None
