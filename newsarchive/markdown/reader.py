"""Reads a body's tree to blocks: paragraphs and the like, and the lists and quotes around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from newsarchive.items import Picture
from newsarchive.markdown.blocks import (
    Block,
    Cell,
    Container,
    Item,
    List,
    Quote,
    grid,
    in_item,
    is_frame,
    joined,
    paragraph,
    pipe_table,
    rows_of,
)
from newsarchive.markdown.escape import destination, escape, escape_heading, fenced
from newsarchive.markdown.html import Element, Text, picture_addresses, web_address, without_controls
from newsarchive.markdown.inline import (
    BREAK,
    CLIPPED,
    CODE,
    DELETED,
    DONE,
    EMPHASIS,
    HIDDEN,
    INVISIBLE,
    NO_OPACITY,
    NO_SIZE,
    STRONG,
    TRANSPARENT,
    Run,
    markdown_line,
    paragraph_lines,
    tidy_lines,
)

# An element in none of these sets is read as text within a line.
_STYLES = {"strong": STRONG, "b": STRONG, "em": EMPHASIS, "i": EMPHASIS, "code": CODE} | dict.fromkeys(
    ("s", "del", "strike"), DELETED
)
_HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
VIDEOS = frozenset(("video", "audio", "iframe", "embed"))
_NOTHING = frozenset(("style", "script", "svg"))
_LISTS = frozenset(("ul", "ol", "dir", "menu"))
_BOXES = frozenset(  # blocks whose direct text keeps one space at its start
    {
        *("div", "section", "article", "figure", "main", "aside", "header", "footer", "nav", "center"),
        *("form", "fieldset", "details", "dialog", "hgroup", "body", "html"),
    }
)
_SPECIAL_BLOCKS = _LISTS.union(_HEADINGS, ("pre", "table", "li", "blockquote", "figcaption"))
_BLOCKS = _SPECIAL_BLOCKS.union(
    _BOXES,
    ("p", "dl", "dt", "dd", "summary", "legend", "address", "option", "optgroup"),
    ("caption", "thead", "tbody", "tfoot", "tr", "td", "th"),
)
_NO_CODE = _NOTHING | VIDEOS | {"img", "figcaption"}
_TAGS = _BLOCKS.union(_STYLES, _NOTHING, VIDEOS, ("br", "img", "hr", "a"))

_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|  ")
_SPACES = re.compile("[ \t\n\x0b\x0c\r\x1c-\x1f\x85]+")
_NO_CODE_SPACES = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_DEEPEST = 12  # most quotes and lists within each other: deeper ones are ignored, and their content is read

_BOLD = 600  # the least `font-weight` that looks bold: most fonts have nothing between 400 and 700
_STYLES_TEXT = re.compile("font|color|visibility|opacity|clip", re.IGNORECASE)
_ZERO = re.compile(r"(?:0+(?:\.0*)?|\.0+)(?:[a-z]{1,4}|%)?")
# a size that is not relative to the size around it
_SIZE = re.compile(r"\+?[0-9.]+(?!em|ex|ch|[0-9.])[a-z]+|[a-z]+\(.*|.*(?:small|large)|medium|initial")
_HEX_TRANSPARENT = re.compile("#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)")
_FUNCTION = re.compile(r"(?:rgb|hsl)a?\(([^()]*)\)")
_LONGEST_STYLE = 10_000  # most characters of a `style` attribute that are read


@dataclass(frozen=True)
class Body:
    """A body as Markdown and as text, with its pictures and videos."""

    markdown: str
    """Blocks separated by one empty line, no newline at the end."""
    text: str
    """The text on one line, without separators between paragraphs and without pictures and links to videos."""
    pictures: list[Picture]
    """In the page's order."""
    videos: int
    """Number of videos, audios and frames."""


def convert(root: Element, base_url: str = "") -> Body:
    r"""The body in `root`, whose own tag does not matter; relative links are resolved against `base_url`.

    >>> from newsarchive.markdown.html import parse
    >>> body = convert(parse("<h2>标题</h2><p>正<b>文。</b>1*2*3</p>"))
    >>> print(body.markdown)
    ## 标题
    <BLANKLINE>
    正**文**。1\*2\*3
    >>> body.text
    '标题正文。1*2*3'
    """
    reader = _Reader(base_url)
    reader.read(root, _Around())
    return Body(
        markdown=joined(reader.blocks),
        text=" ".join("".join(reader.text).split()),
        pictures=reader.pictures,
        videos=reader.videos,
    )


@dataclass(slots=True)
class _Around:
    """What the elements around a node mean for it."""

    style: int = 0
    plain: int = 0
    """Styles that do not apply: a caption has no emphasis, transparent text may show a background."""
    url: str = ""
    heading: int = 0
    path: tuple[Container, ...] = ()
    in_list: tuple[List, tuple[Container, ...]] | None = None
    """The list that the next items belong to, and the path around it."""

    def styled(self, style: int) -> _Around:
        return _Around(style, self.plain, self.url, self.heading, self.path, self.in_list)  # faster than `replace`


class _Reader:
    """Reads a tree, once, in document order."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.blocks: list[Block] = []
        self.pictures: list[Picture] = []
        self.videos = 0
        self.text: list[str] = []
        self._runs: list[Run] = []
        self._spaced = False
        """The open paragraph begins with a space that is directly in a box."""
        self._in_cell = False

    def read(self, root: Element, around: _Around, *, in_box: bool = True) -> None:
        """Everything in `root`; its own tag does not matter."""
        self._end_paragraph(self._read(root, around, in_box))

    def _read(self, parent: Element, around: _Around, in_box: bool) -> _Around:
        """Read what is in `parent`; what follows in the same paragraph has the result around it.

        `in_box`: text directly in `parent` is directly in a box.
        """
        hidden = around.style & HIDDEN
        for node in parent:
            if isinstance(node, Text):
                if not hidden:
                    self._add(node.data, around, in_box)
            elif isinstance(node, Element):
                tag = node.tag
                is_block = tag in _BLOCKS
                inner: _Around | None = around
                if is_block:
                    if self._runs or self._spaced:
                        self._end_paragraph(around)
                    if tag in _SPECIAL_BLOCKS:
                        inner = self._enter_block(node, tag, around)
                elif tag in _TAGS:  # others have no meaning of their own, such as a span
                    inner = self._enter(node, tag, around)
                if inner is None:
                    continue
                if css := node.attr("style"):
                    inner = _styled(inner, css, tag)
                inner = self._read(node, inner, tag in _BOXES)
                if is_block:
                    if self._runs or self._spaced:
                        self._end_paragraph(inner)
                    if tag == "li":  # what is in a list outside of its items belongs to the item before it
                        around = replace(around, path=inner.path)
        return around

    def _add(self, text: str, around: _Around, in_box: bool) -> None:
        if (not text.isprintable() or "  " in text) and _ODD.search(text):  # the first two checks are fast
            text = without_controls(text)
            self.text.append(text)
            text = _SPACES.sub(" ", text)
            if not text:
                return
        else:
            self.text.append(text)
        if not self._runs and text[0] == " ":
            if in_box and not self._in_cell:
                self._spaced = True
            if text == " ":
                return
        self._runs.append((around.style, around.url, text))

    def _enter(self, element: Element, tag: str, around: _Around) -> _Around | None:
        """Begin an element; what is around its content, or `None` when that is not to be read."""
        inner: _Around | None = None
        if tag in _BLOCKS:
            if self._runs or self._spaced:
                self._end_paragraph(around)
            inner = self._enter_block(element, tag, around) if tag in _SPECIAL_BLOCKS else around
        elif tag in _STYLES:
            inner = around.styled(around.style | _STYLES[tag] & ~around.plain)
        elif tag == "a":
            inner = replace(around, url=self._address(element.attr("href")) or around.url)
        elif tag == "br":
            self._break(around)
        elif tag == "img":
            self._picture(element, around)
        elif tag in VIDEOS:
            self._video(element, around)
        elif tag == "hr":
            self._end_paragraph(around)
            if not self._in_cell:
                self.blocks.append(Block(["---"], around.path, "rule"))
        return inner

    def _enter_block(self, element: Element, tag: str, around: _Around) -> _Around | None:
        if tag in _HEADINGS:
            return replace(around, heading=_HEADINGS[tag])
        if tag == "figcaption":  # a caption is plain, whatever is around its picture
            plain = around.plain | STRONG | EMPHASIS
            return replace(around, style=around.style & HIDDEN, plain=plain, url="", heading=0)
        if self._in_cell:
            return around.styled(around.style | CODE) if tag == "pre" else around
        if tag in ("pre", "table"):
            around = _styled(around, element.attr("style") or "", tag)
        if tag == "pre":
            self._code(element, around)
            return None
        if tag == "table":
            if is_frame(rows := list(rows_of(element))):
                return around
            self._table(rows, around)
            return None
        path = around.path
        if tag == "li" and around.in_list is not None:
            the_list, path = around.in_list
            return replace(around, path=(*path, Item(the_list)), in_list=None)
        if tag == "li" or len(path) >= _DEEPEST:
            return replace(around, in_list=None)
        if tag == "blockquote":
            return replace(around, path=(*path, Quote()), in_list=None)
        return replace(around, in_list=(List(ordered=tag == "ol", start=_start(element)), path))

    def _break(self, around: _Around) -> None:
        if self._in_cell:
            self._runs.append((0, "", " "))
            return
        for run in reversed(self._runs):
            if run is BREAK:
                break  # the line is empty
            if not run[2].isspace() or run is self._runs[0]:
                self._runs.append(BREAK)
                return
        self._end_paragraph(around)

    def _end_paragraph(self, around: _Around) -> None:
        if self._in_cell:
            self._runs.append((0, "", " "))
            return
        runs, spaced, path = self._runs, self._spaced, around.path
        self._spaced = False
        if not runs:
            return
        self._runs = []
        lines = paragraph_lines(runs)
        if lines and around.heading:
            heading = escape_heading(" ".join(lines), item=in_item(path))
            self.blocks.append(Block([f"{'#' * around.heading} {heading}"], path))
        elif lines:
            block = paragraph(lines, path)
            if spaced and self.blocks and not path:
                block.lines[0] = " " + block.lines[0]
            self.blocks.append(block)

    def _put(self, markdown: str, around: _Around) -> None:
        """Add Markdown as its own paragraph, or to the current cell."""
        if self._in_cell:
            self._runs.append((DONE, "", markdown))
        else:
            self._end_paragraph(around)
            self.blocks.append(paragraph([markdown], around.path))

    def _picture(self, element: Element, around: _Around) -> None:
        url = next(filter(None, map(self._address, picture_addresses(element))), "")
        if not url:
            return
        alt = _plain(element.attr("alt"))
        if alt == "图片":
            alt = ""
        self.pictures.append(Picture(url=url, alt=alt))
        shown = escape(alt or "图片", "[", "]", label=True, cell=self._in_cell)
        self._put(f"![{shown}]({destination(url, cell=self._in_cell)})", around)

    def _video(self, element: Element, around: _Around) -> None:
        self.videos += 1
        sources = (element, *(each for each in element if isinstance(each, Element) and each.tag == "source"))
        addresses = (self._address(each.attr(name)) for each in sources for name in ("src", "data-src"))
        url = next(filter(None, addresses), "")
        shown = escape(_plain(element.attr("title")) or "视频", "[", "]", label=True, cell=self._in_cell)
        self._put(f"[{shown}]({destination(url, cell=self._in_cell)})" if url else shown, around)

    def _code(self, element: Element, around: _Around) -> None:
        lines, text, others = _code_of(element)
        if lines and not around.style & HIDDEN:
            self.text.append(text)
            self.blocks.append(Block(fenced(lines), around.path))
        for other in others:
            self._inside(other, around)

    def _table(self, rows: list[list[Cell]], around: _Around) -> None:
        for caption in (cell for row in rows for cell in row if isinstance(cell, Element) and cell.tag == "caption"):
            self.read(caption, around, in_box=False)
        without_captions = [[cell for cell in row if isinstance(cell, str) or cell.tag != "caption"] for row in rows]
        texts = grid(without_captions, lambda cell: self._cell(cell, around))
        if texts:
            self.blocks.append(Block(pipe_table(texts), around.path))

    def _cell(self, cell: Cell, around: _Around) -> str | None:
        if isinstance(cell, str) and cell.isspace():
            self.text.append(cell)
            return None
        self._in_cell, self._runs = True, []
        if not isinstance(cell, str):
            self._inside(cell, around)
        elif not around.style & HIDDEN:
            self._add(cell, around, False)
        lines = tidy_lines(self._runs)
        self._in_cell, self._runs = False, []
        return markdown_line(lines[0], cell=True) if lines else ""

    def _inside(self, element: Element, around: _Around) -> None:
        """Read one element separately, not in document order."""
        inner = self._enter(element, element.tag, around) if element.tag in _TAGS else around
        if inner is not None:
            self.read(element, _styled(inner, element.attr("style") or "", element.tag), in_box=element.tag in _BOXES)

    def _address(self, value: str | None) -> str:
        return web_address(value, self.base_url)


def _styled(around: _Around, css: str, tag: str) -> _Around:
    """With the style of an element's `style` attribute."""
    on, off = text_style(css[:_LONGEST_STYLE])
    if tag in _HEADINGS:  # bold in a heading is not emphasis
        on &= ~STRONG
    plain = around.plain
    if on & CLIPPED:
        on, plain = on & ~CLIPPED, plain | TRANSPARENT
    style = (around.style | on & ~plain) & ~off
    if plain != around.plain:
        return replace(around, style=style, plain=plain)
    return around if style == around.style else around.styled(style)


def _start(element: Element) -> int:
    value = (element.attr("start") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _plain(value: str | None) -> str:
    return " ".join(without_controls(value or "").split())


def _code_of(element: Element) -> tuple[list[str], str, list[Element]]:
    """The lines of a `pre`, its text, and elements in it that are not code, such as pictures.

    A break, a block and a `code` directly after another one start a line.
    """
    shown: list[str] = []
    texts: list[str] = []
    others: list[Element] = []

    def add(parent: Element) -> None:
        tag = ""
        for node in parent:
            if isinstance(node, Text):
                shown.append(node.data)
                texts.append(node.data)
            elif isinstance(node, Element):
                before, tag = tag, node.tag
                if tag in _NO_CODE:
                    others.append(node)
                    continue
                begins = tag in _BLOCKS or before == tag == "code"
                if tag == "br" or (begins and shown and not shown[-1].endswith("\n")):
                    shown.append("\n")
                add(node)
                if tag in _BLOCKS:
                    shown.append("\n")

    add(element)
    lines = [_NO_CODE_SPACES.sub(" ", line).rstrip() for line in without_controls("".join(shown)).split("\n")]
    filled = [number for number, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else [], without_controls("".join(texts)), others


@lru_cache(maxsize=1000)  # an article repeats the same few styles
def text_style(style: str) -> tuple[int, int]:
    """The flags of `inline` that a `style` attribute sets, and those that it removes.

    >>> text_style("color:#333; font-weight: 700") == (STRONG, TRANSPARENT)
    True
    >>> text_style("font-style:normal") == (0, EMPHASIS)
    True
    """
    if not _STYLES_TEXT.search(style):
        return 0, 0
    declared = dict(_declarations(style))
    on = off = 0
    if (bold := _is_bold(declared.get("font-weight", ""))) is not None:
        on, off = (STRONG, 0) if bold else (0, STRONG)
    if declared.get("font-style") in ("normal", "initial"):
        off |= EMPHASIS
    colour = declared.get("-webkit-text-fill-color") or declared.get("color", "")
    if "text" in (declared.get("background-clip"), declared.get("-webkit-background-clip")):
        on, off = on | CLIPPED, off | TRANSPARENT
    elif _is_transparent(colour):
        if declared.get("text-shadow", "none") == "none":  # a shadow makes it visible
            on |= TRANSPARENT
    elif colour and colour not in ("inherit", "unset", "currentcolor"):
        off |= TRANSPARENT
    size, visibility, opacity = (declared.get(name, "") for name in ("font-size", "visibility", "opacity"))
    if size and _ZERO.fullmatch(size):
        on |= NO_SIZE
    elif _SIZE.fullmatch(size):
        off |= NO_SIZE
    if visibility in ("hidden", "collapse"):
        on |= INVISIBLE
    elif visibility in ("visible", "initial"):
        off |= INVISIBLE
    if opacity and _ZERO.fullmatch(opacity):  # of all that is inside, too
        on |= NO_OPACITY
    return on, off


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    """Names and values in lower case; of several for one name the last is valid."""
    important = []
    for part in style.lower().split(";"):
        name, _, value = part.partition(":")
        value, mark, _ = value.partition("!")
        found = _longhands(name.strip(), value.strip())
        if mark:
            important += found
        else:
            yield from found
    yield from important


def _longhands(name: str, value: str) -> list[tuple[str, str]]:
    """A declaration; for the shorthand `font` the weight, style and size in it."""
    words = value.split()
    if name != "font" or len(words) < 2:  # a single word is `inherit`, or the name of a system font
        return [(name, value)]
    weight = next((word for word in words if _is_bold(word) is not None and word not in ("normal", "0")), "normal")
    size = next((word.partition("/")[0] for word in words if word[0] in "0123456789." and word != weight), "medium")
    return [("font-weight", weight), ("font-style", "italic" if "italic" in words else "normal"), ("font-size", size)]


def _is_bold(weight: str) -> bool | None:
    """`None` for a value without a meaning of its own, such as `inherit`."""
    if weight in ("bold", "bolder"):
        return True
    if weight in ("normal", "lighter", "initial"):
        return False
    return float(weight) >= _BOLD if weight.isascii() and weight.isdigit() and len(weight) <= 4 else None


def _is_transparent(colour: str) -> bool:
    """Whether a colour has no opacity at all.

    >>> [_is_transparent(each) for each in ("transparent", "#fff0", "rgba(0, 0, 0, 0.0)", "rgb(0 0 0 / 0%)")]
    [True, True, True, True]
    >>> [_is_transparent(each) for each in ("rgb(0, 0, 0)", "#000", "rgba(0, 0, 0, 0.4)", "red", "")]
    [False, False, False, False, False]
    """
    if colour == "transparent" or _HEX_TRANSPARENT.fullmatch(colour):
        return True
    function = _FUNCTION.fullmatch(colour)
    parts = re.split(r"[\s,/]+", function[1].strip()) if function else []
    return len(parts) == 4 and not parts[3].rstrip("%").strip("0.") and parts[3][0] in "0."
