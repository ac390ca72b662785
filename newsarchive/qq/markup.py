"""Parses the site's HTML to the tree that a browser would show."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from newsarchive.markdown.characters import without_controls
from newsarchive.markdown.tags import VIDEOS
from newsarchive.qq.nesting import RENAMED, nested

_STYLE_TAG = re.compile(r"<style(?=[\s>])[^<>]*>", re.IGNORECASE)
_STYLE_END = re.compile(r"</style\s*>", re.IGNORECASE)
_UNREAD_MARK = re.compile(r"<!--\s*+NO_READ_(BEGIN|END)[\s_\d]*+-->")
_MARK = "data-no-read"
"""Attribute of the empty element that replaces such a comment in the tree: the parser drops comments."""
# The attribute's name twice: the literal start is fast to find, and the lookbehind excludes `data-class`.
_CLASSES = re.compile(r"""class=(?<![\w-]class=)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_DROPPED = "{newsarchive}dropped"  # no page has elements with a namespace
_BLANK = " \t\r\n\f\xa0\u3000\u200b\ufeff"
# Shown as spaces, but not allowed in XML.
_OTHER_SPACES = re.compile("[\x0b\x0c\x1c-\x1f]")


class BrokenContent(ValueError):
    """The body cannot be read completely; the message says what is missing."""


def without_styles(text: str) -> str:
    """The text without style sheets: they are up to 90 kB of a body of 10 kB, and cutting is cheaper than parsing.

    >>> without_styles("<p>甲<STYLE type=a>p { }</style >乙</p><style>a<b</style>")
    '<p>甲乙</p><style>a<b</style>'
    """
    kept, start = [], 0
    while tag := _STYLE_TAG.search(text, start):
        after = text.find("<", tag.end())
        end = _STYLE_END.match(text, after) if after >= 0 else None
        kept.append(text[start : tag.start() if end else tag.end()])
        start = end.end() if end else tag.end()
    return "".join([*kept, text[start:]])


def parse(text: str) -> etree._Element:
    """The `body` element of an HTML page or fragment, without comments and without what is between `NO_READ` marks.

    Raises:
        BrokenContent: nested so deeply that the parser would drop the innermost part.
    """
    text = _UNREAD_MARK.sub(rf'<param {_MARK}="\1">', text)
    # JSON may contain lone surrogates, which cannot be encoded; the parser would replace NUL with U+FFFD
    data = nested(text).replace("\0", "").encode("utf-8", "ignore")
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(b"<html><body>" + data, parser=parser)
    except etree.XMLSyntaxError as error:
        raise BrokenContent(f"the HTML cannot be parsed: {error}") from error
    fatal = parser.error_log.filter_from_fatals()
    if len(fatal):
        raise BrokenContent(f"the HTML cannot be parsed to its end: {fatal[0].message}")
    for element in root.iter(*RENAMED):
        element.tag = RENAMED[element.tag]
    drop_unread(root)
    body = root.find("body")
    return root if body is None else body


def drop_unread(root: etree._Element) -> None:
    """Drop what the site marks as no part of the article, from a BEGIN to the next END; without END nothing.

    The marks may be anywhere in the tree: an element that contains one stays, with its content outside of the marks.
    """
    marks = [element for element in root.iter("param") if element.get(_MARK)]
    if not marks:
        return
    begins, ends, begin = set(), set(), None
    for mark in marks:
        if mark.get(_MARK) != "END":
            begin = begin if begin is not None else mark
        elif begin is not None:
            begins.add(begin)
            ends.add(mark)
            begin = None
    inside, passed = False, 0
    opened: list[tuple[bool, int]] = []
    dropped = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            if element in begins or element in ends:
                inside, passed = element in begins, passed + 1
            opened.append((inside, passed))
            if inside:
                element.text = None
            continue
        began_inside, passed_before = opened.pop()
        if began_inside and passed == passed_before:
            dropped.append(element)
        if inside:
            element.tail = None
    drop(root, (*dropped, *marks))


def unread_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of what the site marks as no part of the article: from a BEGIN to the next END.

    >>> unread_spans("甲<!-- NO_READ_BEGIN -->乙<!--NO_READ_END_1-->丙<!--NO_READ_BEGIN_2-->")
    [(1, 44)]
    """
    spans, begin = [], -1
    for mark in _UNREAD_MARK.finditer(text):
        if mark[1] != "END":
            begin = mark.start() if begin < 0 else begin
        elif begin >= 0:
            spans.append((begin, mark.end()))
            begin = -1
    return spans


def has_id(source: str, *ids: str) -> bool:
    """Whether an element of the page has one of these ids; much faster than parsing the page."""
    return re.search(rf"""id=(?<![\w-]id=)["']?(?:{"|".join(ids)})(?=["'\s>])""", source) is not None


def has_class(source: str, name: str) -> bool:
    """Whether an element of the page has this class; much faster than parsing the page."""
    return any(name in "".join(found).split() for found in _CLASSES.findall(source))


def text_of(element: etree._Element) -> str:
    return "".join(map(str, element.itertext()))


def has_content(element: etree._Element) -> bool:
    """Whether it contains text, a picture or a video."""
    return bool(text_of(element).strip(_BLANK)) or next(element.iter("img", *VIDEOS), None) is not None


def drop(root: etree._Element, elements: Iterable[etree._Element]) -> None:
    """Remove the elements from the tree at `root`; the text after each of them stays.

    All at once: removing thousands one by one would copy the remaining text each time.
    """
    for element in elements:
        element.tag = _DROPPED
    etree.strip_elements(root, _DROPPED, with_tail=False)


def writable(text: str) -> str:
    """Text that can be assigned to an element: lxml reads control characters but refuses to set them."""
    return text if text.isprintable() else without_controls(_OTHER_SPACES.sub(" ", text))
