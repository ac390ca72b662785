"""Corrects the nesting of the site's HTML as browsers do: adds missing end tags, drops stray ones.

The lxml parser follows HTML 4 and ignores an unexpected end tag, so two paragraphs would become one. Here, as in
browsers, every `<p>` begins a paragraph and every `</p>` ends one, a block ends the paragraph before it, and in-line
elements are closed where a block begins and opened again within it. Comments, scripts and attribute values are not
changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(
    r"""
    <!--(?:-?>|.*?--!?>|.*\Z)                                    # a comment
    | <(?:script|style|textarea|title|xmp|iframe|noembed|noframes)(?=[\s/>]).*?
      (?:</(?:script|style|textarea|title|xmp|iframe|noembed|noframes)(?=[\s/>])[^>]*>|\Z)
    | <(?P<ends>/?)(?P<name>[a-z][^\s/>]*)
      (?:[^=>/]|/(?!>)|=\s*(?:"[^"]*"|'[^']*'|[^\s"'>][^\s>]*)?)*+
      (?P<empty>/?)(?:>|\Z)
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS = frozenset({"td", "th", "caption"})
_ROW = frozenset({"p", "td", "th", "tr"})
_PARAGRAPH = frozenset({"p"})
# Blocks, and the elements that each of them ends when it begins directly in one.
_ENDS = {
    **dict.fromkeys(
        (
            *("p", "div", "section", "article", "figure", "figcaption", "main", "aside", "header", "footer", "nav"),
            *("center", "form", "fieldset", "details", "summary", "dialog", "hgroup", "legend", "address", "search"),
            *("blockquote", "pre", "listing", "ul", "ol", "dl", "dir", "menu", "table", "hr"),
        ),
        _PARAGRAPH,
    ),
    **dict.fromkeys(_HEADINGS, _PARAGRAPH | _HEADINGS),
    "li": frozenset({"p", "li"}),
    **dict.fromkeys(("dt", "dd"), frozenset({"p", "dt", "dd"})),
    "option": frozenset({"option"}),
    "optgroup": frozenset({"option", "optgroup"}),
    **dict.fromkeys(("td", "th"), frozenset({"p", "td", "th"})),
    "tr": _ROW,
    **dict.fromkeys(("thead", "tbody", "tfoot"), _ROW | {"thead", "tbody", "tfoot", "caption", "colgroup"}),
    **dict.fromkeys(("caption", "colgroup"), _PARAGRAPH),
}
_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"})
# In-line elements with independent content: the paragraph around them continues, its styles do not apply inside.
_ISLANDS = frozenset(
    {
        *("svg", "math", "video", "audio", "object", "canvas", "button", "select", "noscript", "template", "marquee"),
        # the site's video player, and WeChat's players
        *("txpdiv", "mpvoice", "mp-common-mpaudio", "mp-common-videosnap"),
    }
)
# A caption is plain: the style around its picture does not apply to it.
_APART = _ISLANDS | {"figcaption"}
_EMPTY = frozenset({"area", "base", "br", "col", "frame", "img", "input", "link", "meta", "param"})
# Empty too, but the parser does not know that and would put what follows into them.
_UNKNOWN_EMPTY = frozenset({"embed", "source", "track"})
_PAGE = frozenset({"html", "head", "body"})
# When a style ends before another one that began within it, the inner one stays open.
_STYLES = frozenset({"a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u", "del"})

RENAMED = {f"x-{name}": name for name in sorted(_HEADINGS)}
"""The parser would close a heading at a block within it; with an unknown name it stays open."""

_MOST_IN_LINE = 50
"""Most in-line elements within each other: they are opened again in each block."""
_DEEPEST = 2048
"""Most blocks within each other: the parser refuses more."""


def nested(text: str) -> str:
    """The HTML with correctly nested tags.

    >>> nested("<b><p>甲</b>乙</p>丙</p>丁")
    '<p><b>甲</b>乙</p>丙<p></p>丁'
    """
    nesting = _Nesting()
    end = 0
    for tag in _TAG.finditer(text):
        start = tag.start()
        if end < start:
            nesting.text(text[end:start])
        end = tag.end()
        ends, name, empty = tag.groups()
        if not name:
            nesting.out.append(tag[0])
        elif ends:
            nesting.end(name.lower())
        else:
            nesting.start(name.lower(), tag[0], empty=bool(empty))
        if len(nesting.blocks) > _DEEPEST:
            break
    nesting.text(text[end:])
    return "".join(nesting.out)


@dataclass(slots=True)
class _InLine:
    name: str
    tag: str
    depth: int
    """Number of open blocks around it."""
    used: bool = False
    """Whether it has been written to the result."""


class _Nesting:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.blocks: list[str] = []
        """Names of the open blocks and islands."""
        self.in_line: list[_InLine] = []
        """In-line elements that are open in the innermost of them, or are to be opened again there."""
        self.opened = 0
        """How many of these are open in the result."""
        self.outside: list[tuple[list[_InLine], int]] = []
        """`in_line` and `opened` as they are outside of each open island and caption."""

    def text(self, text: str) -> None:
        if self.opened < len(self.in_line) and not text.isspace():
            self._open_in_line()
        self.out.append(text)

    def start(self, name: str, tag: str, *, empty: bool) -> None:
        if name in _ENDS:
            if self.opened:
                self._close_in_line()
            if self.blocks and self.blocks[-1] in (ended := _ENDS[name]):
                self._end_before(ended)
            self.out.append(f"<x-{tag[1:]}" if name in _HEADINGS else tag)
            if not empty and name != "hr":
                self._push(name)
        elif name in _EMPTY or name in _UNKNOWN_EMPTY:
            self._open_in_line()
            self.out.append(tag if name in _EMPTY or empty else f"{tag}</{name}>")
        elif name in _PAGE:
            self.out.append(tag)
        elif name == "wbr":
            pass
        elif empty or name in _ISLANDS:
            self._open_in_line()
            self.out.append(tag)
            if not empty:
                self._push(name)
        else:
            if name == "a":
                self._end_in_line("a")  # a link ends the one before it
            if len(self.in_line) < _MOST_IN_LINE:
                self.in_line.append(_InLine(name, tag, len(self.blocks)))

    def end(self, name: str) -> None:
        if name in _ENDS or name in _ISLANDS:
            self._end_block(name)
        elif name == "br":
            self.out.append("<br>")  # as in browsers
        elif name in _PAGE:
            self._close_in_line()
            self.out.append(f"</{name}>")
        elif name not in _UNKNOWN_EMPTY:
            self._end_in_line(name)

    def _end_block(self, name: str) -> None:
        at = self._find(name)
        if at < 0:
            if name == "p":
                self._close_in_line()
                self.out.append("<p></p>")
            return
        while len(self.blocks) > at:
            if self.opened:
                self._close_in_line()
            self._pop()
        while self.in_line and self.in_line[-1].depth > at:
            self.in_line.pop()

    def _find(self, name: str) -> int:
        """Index of the open block that an end tag of this name ends, -1 without one."""
        if self.blocks and self.blocks[-1] == name:  # nearly always
            return len(self.blocks) - 1
        names = {name} if name not in _HEADINGS else _HEADINGS  # browsers let them end each other
        if names.isdisjoint(self.blocks):
            return -1
        for at in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[at] in names:
                return at
            if self.blocks[at] in _CELLS and name not in _TABLE:
                break
        return -1

    def _end_before(self, ended: frozenset[str]) -> None:
        while self.blocks and self.blocks[-1] in ended:
            self._pop()
        for each in reversed(self.in_line):
            if each.depth <= len(self.blocks):
                break
            each.depth = len(self.blocks)

    def _push(self, name: str) -> None:
        self.blocks.append(name)
        if name in _APART:
            self.outside.append((self.in_line, self.opened))
            self.in_line, self.opened = [], 0

    def _pop(self) -> None:
        name = self.blocks.pop()
        self.out.append(f"</x-{name}>" if name in _HEADINGS else f"</{name}>")
        if name in _APART:
            self.in_line, self.opened = self.outside.pop()

    def _end_in_line(self, name: str) -> None:
        for at in range(len(self.in_line) - 1, -1, -1):
            if self.in_line[at].name == name:
                break
        else:
            return
        ended = self.in_line[at]
        if not ended.used and "=" in ended.tag:
            self._open_in_line()  # empty, but its attributes may have a meaning
        self._close_in_line(at)
        after = self.in_line[at + 1 :]
        del self.in_line[at:]
        if after:
            self.in_line += [each for each in after if each.name in _STYLES]

    def _open_in_line(self) -> None:
        for each in self.in_line[self.opened :]:
            each.used = True
            self.out.append(each.tag)
        self.opened = len(self.in_line)

    def _close_in_line(self, down_to: int = 0) -> None:
        while self.opened > down_to:
            self.opened -= 1
            self.out.append(f"</{self.in_line[self.opened].name}>")
