"""HTML as the tree that browsers build, and addresses in its attributes.

The only module that knows the parser, turbohtml: the others read its nodes under the names given here. Like browsers,
it nests elements at most 512 levels deep.
"""

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urljoin

from turbohtml import Comment, Element, Node, Text, parse_fragment

__all__ = ["Comment", "Element", "Node", "Text"]  # beside what is defined here

# Browsers open these again in each paragraph until their end tags, so a short page can become a huge tree.
_REOPENED = ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
_REOPENED_TAG = re.compile(  # the group is the rest of a tag of which every parser thinks the same, else empty
    r"<(?=[a-ce-fins-uA-CE-FINS-U][\s/>imotIMOT])(?:[abisuABISU]|(?i:big|code|em|font|nobr|small|strike|strong|tt))(?=[\s/>])"
    r"""((?:\s++[\w:-]++(?:="[^"<>]*+"|='[^'<>]*+'|=[^\s"'<>=`]++)?+)*+\s*+/?>)?"""
)
_DEEPEST = 512
_COPIES = 32  # copies of in-line elements that one end tag can cause, about
_MOST_NODES = 50_000  # real bodies have up to 1,600 nodes
_MOST_AT_ONCE = 1_000_000  # nodes that may be built before they are counted: 120 MB
_MOST_STEPS = 10
_MOST_ATTRIBUTES = 256
_RAW_TEXT = frozenset({"iframe", "noembed", "noframes", "noscript", "plaintext", "xmp"})
_MOST_IN_ATTRIBUTES = 5_000_000  # characters in the attributes of elements that may be copies

_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LINE_BREAKS = re.compile(r"[\t\n\r]")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class TooManyNodes(ValueError):
    """The HTML would become so large a tree that it cannot be an article."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the HTML is too large for an article: {what}")


def parse(html: str) -> Element:
    """An element that contains a page's or a fragment's tree, without `html`, `head` and `body`. Raises `TooManyNodes`.

    >>> parse("<b><p>甲</b>乙</p>丙").inner_html
    '<b></b><p><b>甲</b>乙</p>丙'
    """
    html = html.replace("\0", "")
    reopened = _REOPENED_TAG.findall(html)
    steps = _steps(html, reopened)
    if steps:  # it may become a huge tree: parsed from its start, farther each time
        tags = html.count("<")
        for tag in islice(re.finditer("<", html), tags // steps, None, tags // steps):
            _check_nodes(parse_fragment(html[: tag.start()], positions=False))
    root = parse_fragment(html, positions=False)
    if steps:
        _check_nodes(root)
    if reopened:
        _check_attributes(root)
    return root


def without_hazards(root: Element) -> str:
    """The tree as HTML that libxml2 reads in little time, for parsel: no element of hundreds of attributes.

    What is inside elements that HTML5 reads as text, and libxml2 as elements, is left out. Raises `TooManyNodes` for
    an element with so many attributes that it cannot be an article's page.
    """
    for element in root.iter_elements():
        if len(element.attrs) > _MOST_ATTRIBUTES:
            raise TooManyNodes(f"{element.tag} with {len(element.attrs)} attributes")
        if element.tag in _RAW_TEXT:
            element.clear()
    return root.inner_html


def _steps(html: str, reopened: list[str]) -> int:
    """In how many steps it is to be parsed, so that no step can make it much larger."""
    tags = html.count("<")
    cost = tags * (min(len(reopened), _DEEPEST) + _COPIES)
    attributes = max((len(tag.split()) for tag in reopened), default=0)  # or less: values contain spaces
    if not all(reopened) or cost * (10 + attributes) > 10 * _MOST_AT_ONCE:
        renamed = parse_fragment(_REOPENED_TAG.sub(lambda tag: f"<x-style{tag[1] or ''}", html), positions=False)
        attributes = max((len(element.attrs) for element in renamed.iter_elements("x-style")), default=0)
    steps = cost * (10 + attributes) // (10 * _MOST_AT_ONCE)
    if steps > _MOST_STEPS:
        raise TooManyNodes(f"{tags} tags, {len(reopened)} text styles with up to {attributes} attributes")
    return steps


def _check_nodes(root: Element) -> None:
    if sum(1 for _ in root.descendants) > _MOST_NODES:
        raise TooManyNodes(f"more than {_MOST_NODES} elements and texts")


def _check_attributes(root: Element) -> None:
    size = 0
    for element in root.iter_elements(_REOPENED):
        values = element.attrs.copy().values()
        size += 50 * len(values) + sum(len("".join(value or ())) for value in values)
        if size > _MOST_IN_ATTRIBUTES:
            raise TooManyNodes(f"more than {_MOST_IN_ATTRIBUTES} characters in attributes")


def web_address(value: str | None, base_url: str = "") -> str:
    """An attribute's value as an absolute http(s) URL, or `""`.

    >>> web_address("//x.cn/a"), web_address("/b", "https://x.cn/a"), web_address("#c", "https://x.cn/a")
    ('https://x.cn/a', 'https://x.cn/b', '')
    """
    if not value:
        return ""
    value = value.strip()
    if not value.isprintable():
        value = without_controls(_LINE_BREAKS.sub("", value))  # as browsers do
    if value.startswith("//"):
        value = f"https:{value}"
    elif base_url and not value.startswith("#") and not _SCHEME.match(value):
        try:
            value = urljoin(base_url, value)
        except ValueError:  # e.g. an unclosed bracket in the host
            return ""
    return value if _WEB.match(value) else ""


def picture_addresses(element: Element) -> Iterator[str]:
    """All addresses in an `img`, unchanged, the most trusted first.

    The `src` of a lazily loaded picture is only a placeholder.
    """
    names = ["src", "data-src", "data-original", "data-lazy-src"]
    if "lazy" in (element.attr("class") or ""):
        names.append(names.pop(0))
    for name in names:
        yield element.attr(name) or ""
    for name in ("srcset", "data-srcset"):
        yield (element.attr(name) or "").strip().partition(" ")[0].rstrip(",")


def without_controls(text: str) -> str:
    """Text without invisible characters that feeds must not contain: control characters, lone surrogates."""
    return _NO_TEXT.sub("", text)
