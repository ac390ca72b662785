"""Standard HTML to blocks: what is a paragraph, and what stands in which list or quote."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from lxml import etree

from newsarchive.items import Picture
from newsarchive.markdown.blocks import Block, Container, Item, List, Quote
from newsarchive.markdown.escape import destination, escape, escape_heading, fenced
from newsarchive.markdown.inline import CODE, DELETED, DONE, EMPHASIS, STRONG, Run, markdown_line
from newsarchive.markdown.lines import BREAK, ends_with_break, tidy_lines
from newsarchive.markdown.table import Cell, grid, is_frame, pipe_table, rows_of

_STYLES = {
    **dict.fromkeys(("strong", "b"), STRONG),
    **dict.fromkeys(("em", "i"), EMPHASIS),
    **dict.fromkeys(("s", "del", "strike"), DELETED),
    "code": CODE,
}
_HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_NOTHING = frozenset({"style", "script", "svg"})
_VIDEOS = frozenset({"video", "audio", "iframe", "embed"})
_LISTS = frozenset({"ul", "ol", "dir", "menu"})
_BOXES = frozenset(
    {
        *("div", "section", "article", "figure", "main", "aside", "header", "footer", "nav", "center"),
        *("form", "fieldset", "details", "dialog", "hgroup", "body", "html"),
    }
)
"""Blocks whose own text keeps one space at its start."""
_BLOCKS = frozenset(
    {
        *("p", "pre", "li", "dl", "dt", "dd", "blockquote", "figcaption", "summary", "legend", "address"),
        *("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "option", "optgroup"),
        *_BOXES,
        *_LISTS,
        *_HEADINGS,
    }
)
_SPECIAL = frozenset({"br", "img", "hr", "a", "pre", "table", "li", "blockquote"}).union(_NOTHING, _VIDEOS, _LISTS)

_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|  ")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile("[ \t\n\x0b\x0c\r\x1c-\x1f\x85]+")
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DEEPEST = 12
"""Quotes and lists within each other, at most: deeper ones are read as if they were not there."""


class Reader:
    """Reads a tree, once, in document order."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.blocks: list[Block] = []
        self.pictures: list[Picture] = []
        self.videos = 0
        self.text: list[str] = []
        self._runs: list[Run] = []
        self._spaced = False
        """The open paragraph begins with a space that stands directly in a box."""
        self._in_cell = False
        self._style = 0
        self._url = ""
        self._heading = 0
        self._direct = True
        """Text that comes now stands directly in a box."""
        self._path: tuple[Container, ...] = ()
        self._list: tuple[List, tuple[Container, ...]] | None = None
        """The list whose items come now, and the path that it stands in."""

    def read(self, root: etree._Element) -> None:
        """Everything in `root`; its own tag does not matter."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        next(walk)
        self._add(root.text)
        states = []
        for event, element in walk:
            if event == "start":
                states.append((self._style, self._url, self._heading, self._direct, self._path, self._list))
                if self._enter(element, element.tag):
                    self._add(element.text)
                else:
                    walk.skip_subtree()
                continue
            if event == "end":
                if element is root:
                    break
                tag, path = element.tag, self._path
                if tag in _BLOCKS:
                    self._end_paragraph()
                self._style, self._url, self._heading, self._direct, self._path, self._list = states.pop()
                if tag == "li":
                    self._path = path  # what stands in a list beside its items goes with the item before it
            self._add(element.tail)
        self._end_paragraph()

    def _add(self, text: str | None) -> None:
        if not text:
            return
        if _ODD.search(text):
            text = _NO_TEXT.sub("", text)
            self.text.append(text)
            text = _SPACES.sub(" ", text)
            if not text:
                return
        else:
            self.text.append(text)
        if not self._runs:
            if self._direct and text[0] == " ":
                self._spaced = True
            if text == " ":
                return
        self._runs.append((self._style, self._url, text))

    def _enter(self, element: etree._Element, tag: str) -> bool:
        """Begin an element; whether what it holds is to be read."""
        if tag in _SPECIAL:
            return self._enter_special(element, tag)
        if tag in _BLOCKS:
            self._end_paragraph()
            self._direct = tag in _BOXES
            self._heading = _HEADINGS.get(tag, self._heading)
        else:
            self._direct = False
            self._style |= _STYLES.get(tag, 0)
        return True

    def _enter_special(self, element: etree._Element, tag: str) -> bool:
        if tag == "br":
            self._break()
        elif tag == "img":
            self._picture(element)
        elif tag == "a":
            self._direct = False
            self._url = self._address(element.get("href")) or self._url
            return True
        elif tag in _VIDEOS:
            self._video(element)
        elif tag not in _NOTHING:
            self._end_paragraph()
            return self._enter_block(element, tag)
        return False

    def _enter_block(self, element: etree._Element, tag: str) -> bool:
        self._direct = False
        if tag == "hr":
            if not self._in_cell:
                self.blocks.append(Block([], self._path, rule=True))
            return False
        if self._in_cell:
            self._style |= CODE if tag == "pre" else 0
        elif tag == "pre":
            self._code(element)
            return False
        elif tag == "table":
            rows = list(rows_of(element))
            if not is_frame(rows):
                self._table(rows)
                return False
        elif tag == "li":
            if self._list is not None:
                the_list, path = self._list
                self._path = (*path, Item(the_list))
            self._list = None
        elif len(self._path) < _DEEPEST:
            if tag == "blockquote":
                self._path = (*self._path, Quote())
                self._list = None
            else:
                self._list = (List(ordered=tag == "ol", start=_start(element)), self._path)
        else:
            self._list = None
        return True

    def _break(self) -> None:
        if self._in_cell:
            self._runs.append((0, "", " "))
        elif not self._runs or ends_with_break(self._runs):
            self._end_paragraph()
        else:
            self._runs.append(BREAK)

    def _end_paragraph(self) -> None:
        if self._in_cell:
            self._runs.append((0, "", " "))
            return
        runs, spaced = self._runs, self._spaced
        if not runs:
            self._spaced = False
            return
        self._runs, self._spaced = [], False
        lines = [markdown_line(line) for line in tidy_lines(runs)]
        if not lines:
            return
        if self._heading:
            in_item = bool(self._path) and isinstance(self._path[-1], Item)
            heading = escape_heading(" ".join(lines), item=in_item)
            self.blocks.append(Block([f"{'#' * self._heading} {heading}"], self._path))
            return
        if spaced and self.blocks and not self._path:
            lines[0] = " " + lines[0]
        self.blocks.append(Block(lines, self._path, paragraph=True))

    def _put(self, markdown: str) -> None:
        """Something that is a paragraph of its own, or stands in a cell."""
        if self._in_cell:
            self._runs.append((DONE, "", markdown))
        else:
            self._end_paragraph()
            self.blocks.append(Block([markdown], self._path))

    def _picture(self, element: etree._Element) -> None:
        url = self._address(element.get("src")) or self._address(element.get("data-src"))
        if not url:
            return
        alt = _plain(element.get("alt"))
        if alt == "图片":
            alt = ""
        self.pictures.append(Picture(url=url, alt=alt))
        shown = escape(alt or "图片", "[", "]", label=True, cell=self._in_cell)
        self._put(f"![{shown}]({destination(url, cell=self._in_cell)})")

    def _video(self, element: etree._Element) -> None:
        self.videos += 1
        sources = (element, *element.iterchildren("source"))
        addresses = (self._address(each.get(name)) for each in sources for name in ("src", "data-src"))
        url = next(filter(None, addresses), "")
        shown = escape(_plain(element.get("title")) or "视频", "[", "]", label=True, cell=self._in_cell)
        if url or self._in_cell:
            self._put(f"[{shown}]({destination(url, cell=self._in_cell)})" if url else shown)
        else:
            self._end_paragraph()
            self.blocks.append(Block([shown], self._path, paragraph=True))

    def _code(self, element: etree._Element) -> None:
        """`pre`: its lines as they are; pictures in it come after it."""
        parts: list[str] = []
        texts: list[str] = []
        others: list[etree._Element] = []
        walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
        for event, inner in walk:
            tag = inner.tag
            if event == "start":
                before = inner.getprevious() if tag == "code" else None
                if tag in _NOTHING or tag == "img" or tag in _VIDEOS:
                    others.append(inner)
                    walk.skip_subtree()
                    continue
                if tag == "br":
                    parts.append("\n")
                elif parts and (tag in _BLOCKS or (before is not None and before.tag == "code")):
                    parts.append("" if parts[-1].endswith("\n") else "\n")
                parts.append(inner.text or "")
                texts.append(inner.text or "")
                continue
            if inner is element:
                break
            if event == "end" and tag in _BLOCKS:
                parts.append("\n")
            parts.append(inner.tail or "")
            texts.append(inner.tail or "")
        code = _NO_TEXT.sub("", "".join(parts))
        self.text.append(_NO_TEXT.sub("", "".join(texts)))
        lines = [line.rstrip() for line in re.split(r"\r\n?|\n", code)]
        while lines and not lines[0]:
            lines.pop(0)
        while lines and not lines[-1]:
            lines.pop()
        if lines:
            self.blocks.append(Block(fenced("\n".join(lines)), self._path))
        for other in others:
            self._enter(other, other.tag)

    def _table(self, rows: list[list[Cell]]) -> None:
        captions = [cell for row in rows for cell in row if not isinstance(cell, str) and cell.tag == "caption"]
        for caption in captions:
            self.read(caption)
        texts = grid([[cell for cell in row if cell not in captions] for row in rows], self._cell)
        if texts:
            self.blocks.append(Block(pipe_table(texts), self._path))

    def _cell(self, cell: Cell) -> str | None:
        if isinstance(cell, str) and cell.isspace():
            self.text.append(cell)
            return None
        self._in_cell, self._runs = True, []
        if isinstance(cell, str):
            self._add(cell)
        else:
            state = self._style, self._url
            if cell.tag in ("td", "th") or self._enter(cell, cell.tag):
                self.read(cell)
            self._style, self._url = state
        lines = tidy_lines(self._runs)
        self._in_cell, self._runs = False, []
        return markdown_line(lines[0], cell=True) if lines else ""

    def _address(self, value: str | None) -> str:
        """An absolute http(s) URL, or `""`."""
        if not value:
            return ""
        value = re.sub(r"[\t\n\r]", "", value).strip()
        if value.startswith("//"):
            value = f"https:{value}"
        elif self.base_url and not value.startswith("#") and not _SCHEME.match(value):
            try:
                value = urljoin(self.base_url, value)
            except ValueError:  # such as an unclosed bracket in the host: no address
                return ""
        return _NO_TEXT.sub("", value) if _WEB.match(value) else ""


def _start(element: etree._Element) -> int:
    value = (element.get("start") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _plain(value: str | None) -> str:
    return " ".join(_NO_TEXT.sub("", value or "").split())
