"""Reads standard HTML to blocks: paragraphs and the like, and the lists and quotes around them."""

from __future__ import annotations

import re

from lxml import etree

from newsarchive.items import Picture
from newsarchive.markdown.addresses import picture_addresses, web_address
from newsarchive.markdown.blocks import Block, Container, Item, List, Quote
from newsarchive.markdown.characters import without_controls
from newsarchive.markdown.code import code_of
from newsarchive.markdown.escape import escape
from newsarchive.markdown.inline import CODE, DONE, HIDDEN, STRONG, Run, markdown_line
from newsarchive.markdown.lines import BREAK, ends_with_break, tidy_lines
from newsarchive.markdown.starts import escape_heading
from newsarchive.markdown.styles import text_style
from newsarchive.markdown.table import Cell, grid, is_frame, pipe_table, rows_of
from newsarchive.markdown.tags import BLOCKS, BOXES, HEADINGS, NO_CODE, NOTHING, SPECIAL, STYLES, VIDEOS
from newsarchive.markdown.verbatim import destination, fenced

_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|  ")
_SPACES = re.compile("[ \t\n\x0b\x0c\r\x1c-\x1f\x85]+")
_DEEPEST = 12
"""Most quotes and lists within each other: deeper ones are ignored, and their content is read."""


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
        """The open paragraph begins with a space that is directly in a box."""
        self._in_cell = False
        self._style = 0
        self._url = ""
        self._heading = 0
        self._direct = True
        """The next text is directly in a box."""
        self._path: tuple[Container, ...] = ()
        self._list: tuple[List, tuple[Container, ...]] | None = None
        """The list that the next items belong to, and the path around it."""

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
                    self._apply_style(element)
                    self._add(element.text)
                else:
                    walk.skip_subtree()
                continue
            if event == "end":
                if element is root:
                    break
                tag, path = element.tag, self._path
                if tag in BLOCKS:
                    self._end_paragraph()
                self._style, self._url, self._heading, self._direct, self._path, self._list = states.pop()
                if tag == "li":
                    self._path = path  # what is in a list outside of its items belongs to the item before it
            self._add(element.tail)
        self._end_paragraph()

    def _add(self, text: str | None) -> None:
        if not text or self._style & HIDDEN:
            return
        if (not text.isprintable() or "  " in text) and _ODD.search(text):  # the first two checks are fast
            text = without_controls(text)
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
        """Begin an element; whether its content is to be read."""
        if tag in SPECIAL:
            return self._enter_special(element, tag)
        if tag in BLOCKS:
            self._end_paragraph()
            self._direct = tag in BOXES
            self._heading = HEADINGS.get(tag, self._heading)
        else:
            self._direct = False
            self._style |= STYLES.get(tag, 0)
        return True

    def _apply_style(self, element: etree._Element) -> None:
        """Apply the element's own `style` to the text in it; bold in a heading is not emphasis."""
        if style := element.get("style"):
            on, off = text_style(style)
            if element.tag in HEADINGS:
                on &= ~STRONG
            self._style = (self._style | on) & ~off

    def _enter_special(self, element: etree._Element, tag: str) -> bool:
        if tag == "br":
            self._break()
        elif tag == "img":
            self._picture(element)
        elif tag == "a":
            self._direct = False
            self._url = self._address(element.get("href")) or self._url
            return True
        elif tag in VIDEOS:
            self._video(element)
        elif tag not in NOTHING:
            self._end_paragraph()
            return self._enter_block(element, tag)
        return False

    def _enter_block(self, element: etree._Element, tag: str) -> bool:
        self._direct = False
        if tag == "hr":
            if not self._in_cell:
                self.blocks.append(Block([], self._path, rule=True))
            return False
        if tag == "figcaption":  # a caption is plain, whatever is around its picture
            self._style, self._url, self._heading = self._style & HIDDEN, "", 0
        elif self._in_cell:
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
        """Add Markdown as its own paragraph, or to the current cell."""
        if self._in_cell:
            self._runs.append((DONE, "", markdown))
        else:
            self._end_paragraph()
            self.blocks.append(Block([markdown], self._path, paragraph=True))

    def _picture(self, element: etree._Element) -> None:
        url = next(filter(None, map(self._address, picture_addresses(element))), "")
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
        self._put(f"[{shown}]({destination(url, cell=self._in_cell)})" if url else shown)

    def _code(self, element: etree._Element) -> None:
        code = code_of(element, blocks=BLOCKS, others=NO_CODE)
        self.text.append(code.text)
        if code.lines:
            self.blocks.append(Block(fenced(code.lines), self._path))
        for other in code.others:
            self._inside(other)

    def _table(self, rows: list[list[Cell]]) -> None:
        for caption in (cell for row in rows for cell in row if not isinstance(cell, str) and cell.tag == "caption"):
            self.read(caption)
        without_captions = [[cell for cell in row if isinstance(cell, str) or cell.tag != "caption"] for row in rows]
        texts = grid(without_captions, self._cell)
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
            self._inside(cell)
        lines = tidy_lines(self._runs)
        self._in_cell, self._runs = False, []
        return markdown_line(lines[0], cell=True) if lines else ""

    def _inside(self, element: etree._Element) -> None:
        """Read one element separately, not in document order."""
        state = self._style, self._url, self._heading, self._direct
        if element.tag in ("td", "th") or self._enter(element, element.tag):
            self._apply_style(element)
            self.read(element)
        self._style, self._url, self._heading, self._direct = state

    def _address(self, value: str | None) -> str:
        return web_address(value, self.base_url)


def _start(element: etree._Element) -> int:
    value = (element.get("start") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _plain(value: str | None) -> str:
    return " ".join(without_controls(value or "").split())
