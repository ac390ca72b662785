"""A page of Tencent News as it came, and what is found in it without parsing it."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any

from parsel import Selector

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Element, TooManyNodes, parse, without_hazards

_LARGEST_HEAD = 20_000  # bytes of a page before its JSON or body
_CHALLENGE = re.compile(r"(?:腾讯(?:新闻|网)?[ _|-]{1,3})?(?:安全验证|人机验证)(?:[ _|-]{1,3}腾讯(?:新闻|网)?)?")

# In the page's bytes.
_DATA = re.compile(rb"window\.DATA\s*=\s*(?=\{)")
_TITLE = re.compile(rb"<(?i:title)[^<>]{0,99}>([^<]{0,9999})")
_HEAD_META = re.compile(rb'<meta (?:property|name)="([^"]+)" content="([^"<]+)"')
_END = re.compile(rb"<(/?)(?:body|html)\b", re.IGNORECASE)
# The attribute's name twice: the literal start is fast to find, and the lookbehind excludes `data-class`.
_CLASSES = re.compile(rb"""class=(?<![\w-]class=)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_JSON = json.JSONDecoder(strict=False)
_BACKSLASH = ord("\\")
_STYLE, _STYLE_END, _END_TAG = b"\\u003cstyle", b"\\u003c/style\\u003e", b"\\u003c/"
_SLASHES = 50  # looked at one by one; if none begins an end tag, one search for the whole tag


class RawPage:
    """The page's bytes, and fields found in them: for a field, parsing the page would be most of the work."""

    def __init__(self, html: bytes, url: str = "") -> None:
        self.html = html
        self.url = url
        self.json = b""
        """Where `data` comes from, without style sheets."""

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """`window.DATA`, empty if it is missing or broken.

        The decoder finds the end of the object; a pattern cannot, because a body may contain `};`.
        """
        other: Mapping[str, Any] = {}
        for found in islice(_DATA.finditer(self.html), 5):
            start = found.end()
            for end in (self.html.find(b"\n", start), len(self.html)):  # one line since 2024, several lines before
                json_ = _without_styles(self.html, start, end)
                try:
                    data, _ = _JSON.raw_decode(_decoded(json_))
                except (ValueError, RecursionError):
                    continue
                if isinstance(data, dict):
                    if "title" in data:
                        self.json = json_
                        return data
                    other = other or data
                break
        return other

    def meta(self, name: bytes) -> str:
        """The `content` of the first meta tag of that name that is not empty, or `""`."""
        # as the site writes it, and the first of that name; else the whole page is parsed, which takes long
        first = self._head.find(name)
        is_usual = self._head.startswith(b'" content="', first + len(name)) and self._head[first - 2 : first] == b'="'
        if is_usual and (content := self.head_meta(name)):
            return content
        with suppress(TooManyNodes):
            for tag in self.root.iter_elements("meta"):
                key = tag.attr("property") or tag.attr("name") or ""
                if key.lower().encode() == name and (content := (tag.attr("content") or "").strip()):
                    return content
        return ""

    def head_meta(self, name: bytes) -> str:
        """The same for a tag that a page may lack, as the site writes it before its JSON and the page's body."""
        return unescaped(_decoded(self._head_metas.get(name, b""))).strip()

    @cached_property
    def _head_metas(self) -> dict[bytes, bytes]:
        return dict(reversed(_HEAD_META.findall(self.html, 0, len(self._head))))  # the first of a name

    @cached_property
    def _head(self) -> bytes:
        """What is before the page's JSON, in lower case."""
        end = self.html.find(b"window.DATA", 0, _LARGEST_HEAD)
        return self.html[: end if end >= 0 else _LARGEST_HEAD].lower()

    @cached_property
    def title(self) -> str:
        """The page's title in its head."""
        found = _TITLE.search(self.html)
        return unescaped(_decoded(found[1])).strip() if found else ""

    @property
    def challenge(self) -> str:
        """The title of a page that checks for robots; `""` for any other page.

        It has status 200, and may have the site's usual layout and an article's meta tags.
        """
        titles = (self.data.get("title"), self.title, self.meta(b"og:title"))
        shown = (clean_value(unescaped(title)) for title in titles if isinstance(title, str))
        return next(filter(_CHALLENGE.fullmatch, shown), "")

    @property
    def is_cut(self) -> bool:
        """Whether the page ends before its `</body>`."""
        found = _END.findall(self.html)
        return b"" in found and b"/" not in found

    def has_id(self, *ids: str) -> bool:
        """Whether an element has one of these ids."""
        pattern = rf"""id=(?<![\w-]id=)["']?(?:{"|".join(ids)})(?=["'\s>])"""
        return re.search(pattern.encode(), self.html) is not None

    def has_class(self, name: bytes) -> bool:
        """Whether an element has this class."""
        return any(name in b"".join(found).split() for found in _CLASSES.findall(self.html))

    @cached_property
    def text(self) -> str:
        """The whole page: UTF-8, or the Chinese encoding of the oldest pages, whatever encoding the page declares."""
        return _decoded(self.html)

    @cached_property
    def root(self) -> Element:
        """The whole page's tree. Raises `TooManyNodes`."""
        return parse(self.text)

    @cached_property
    def selector(self) -> Selector:
        """The whole page for fields that its JSON lacks; raises as `root`."""
        return Selector(text=without_hazards(parse(self.text)) or "<html/>")


def _decoded(html: bytes) -> str:
    try:
        return html.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = html.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        # a few broken bytes in Chinese UTF-8 text, or text in another encoding?
        return html.decode("gb18030", "replace") if broken > len(re.findall(r"[^\x00-\x7f\ufffd]", text)) else text


def _without_styles(source: bytes, start: int, end: int) -> bytes:
    r"""The page's JSON without style sheets: they are up to 90 kB of 100 kB, and cutting is cheaper than decoding.

    >>> _without_styles(rb'"\u003cstyle\u003ep { }\u003c/style\u003e\u003cp\u003e"', 0, 55)
    b'"\\u003cp\\u003e"'
    """
    kept, at, close, quote = [], start, start, start
    while (begin := source.find(_STYLE, at, end)) >= 0:
        if close < begin and (close := _end_tag(source, begin, end)) < 0:
            break
        if quote < begin:
            quote = _string_end(source, begin, close)
        is_tag = source[begin - 1] != _BACKSLASH and source[begin + len(_STYLE)] in b" \\/>"
        if is_tag and close <= quote:
            if not source.startswith(_STYLE_END, close):
                break  # a comment or an attribute names `<style>`, or the sheet is not closed
            kept.append(source[at:begin])
            at = close + len(_STYLE_END)
        else:  # the HTML ends before, or shows such a tag as text
            kept.append(source[at : begin + 1])
            at = begin + 1
    return b"".join([*kept, source[at:end]])


def _end_tag(source: bytes, start: int, end: int) -> int:
    """Where the next end tag begins, else -1. A style sheet has few slashes, and one letter is found faster."""
    at = start
    for _ in range(_SLASHES):
        at = source.find(b"/", at, end) + 1
        if not at:
            return -1
        if source.startswith(_END_TAG, at - len(_END_TAG)):
            return at - len(_END_TAG)
    return source.find(_END_TAG, at, end)


def _string_end(source: bytes, start: int, end: int) -> int:
    """The next quote that is not escaped; `end` if there is none before."""
    found = source.find(b'"', start, end)
    while found > start and source[found - 1] == _BACKSLASH:
        found = source.find(b'"', found + 1, end)
    return found if found >= 0 else end
