"""Blocks, tables, and the quotes and lists around them, as Markdown lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from newsarchive.markdown.escape import STARTS, escape_starts
from newsarchive.markdown.html import Element, Text

_LARGEST_NUMBER = 999_999_999


@dataclass(eq=False, slots=True)
class Quote:
    """A quotation; it is in the path of every block within it."""


@dataclass(eq=False, slots=True)
class List:
    """A list."""

    ordered: bool = False
    start: int = 1


@dataclass(eq=False, slots=True)
class Item:
    """An item of a list."""

    of: List


Container = Quote | Item


@dataclass(eq=False, slots=True)
class Block:
    """Lines of Markdown, and the containers around them, outermost first."""

    lines: list[str]
    path: tuple[Container, ...] = ()
    kind: Literal["paragraph", "rule", ""] = ""


def paragraph(lines: list[str], path: tuple[Container, ...]) -> Block:
    """A block of these lines, escaped where a line's start would be read as markup."""
    if len(lines) > 1:
        *broken, last = escape_starts(lines, item=in_item(path))
        lines = [*(line + "  " for line in broken), last]
    elif lines[0][0] in STARTS:
        lines = escape_starts(lines, item=in_item(path))
    return Block(lines, path, "paragraph")


def in_item(path: Sequence[Container]) -> bool:
    """Whether a block with these containers is directly in an item of a list."""
    return bool(path) and isinstance(path[-1], Item)


def joined(blocks: Sequence[Block]) -> str:
    """All blocks, separated by one empty line except in tight lists; no newline at the end."""
    if any(block.path for block in blocks):
        markdown = "\n".join(_together(_parts(blocks, 0)[0], loose=True))
    else:
        markdown = "\n\n".join(["\n".join(block.lines) for block in blocks])
    # Hugo's internal placeholder of a shortcode: in an article's text it would make the build of the site fail.
    return markdown.replace("HAHAHUGOSHORTCODE", "HAHA\u200bHUGOSHORTCODE")


def _parts(blocks: Iterable[Block], depth: int) -> tuple[list[list[str]], bool]:
    """Lines of the blocks, quotes and lists inside of `depth` containers; whether an item with these is loose.

    Tight is an item with one text, and lists directly below.
    """
    parts: list[list[str]] = []
    is_loose = False
    before: Block | Quote | List | None = None
    marker = ""
    for part, group in groupby(blocks, key=lambda block: _part(block, depth)):
        if isinstance(part, List):
            follows_text = not isinstance(before, Block) or before.kind == "paragraph" or len(before.lines) == 1
            first, second = (".", ")") if part.ordered else ("-", "*")
            marker = second if isinstance(before, List) and marker == first else first
            lines, loose_inside = _list(part, group, depth, marker)
            is_loose |= loose_inside or (bool(parts) and (not follows_text or (part.ordered and part.start != 1)))
        else:
            is_loose |= bool(parts)
            if isinstance(part, Quote):
                lines = [f"> {line}" if line else ">" for line in _together(_parts(group, depth + 1)[0], loose=True)]
            else:  # `- ---` is a rule without a list
                lines = ["___"] if part.kind == "rule" and not parts and in_item(part.path) else part.lines
        parts.append(lines)
        before = part
    return parts, is_loose


def _part(block: Block, depth: int) -> Block | Quote | List:
    container = block.path[depth] if depth < len(block.path) else block
    return container.of if isinstance(container, Item) else container


def _list(the_list: List, blocks: Iterable[Block], depth: int, marker: str) -> tuple[list[str], bool]:
    """The list's lines, and whether there are empty lines between its items and blocks."""
    items = [_parts(group, depth + 1) for _, group in groupby(blocks, key=lambda block: block.path[depth])]
    loose = any(is_loose for _, is_loose in items)
    written = []
    for number, (parts, _) in enumerate(items):
        first = f"{min(the_list.start + number, _LARGEST_NUMBER)}{marker} " if the_list.ordered else f"{marker} "
        indent = " " * len(first)
        lines = [indent + line if line else "" for line in _together(parts, loose=loose)]
        written.append([first + lines[0][len(indent) :], *lines[1:]])
    return _together(written, loose=loose), loose


def _together(parts: Iterable[list[str]], *, loose: bool) -> list[str]:
    lines: list[str] = []
    for part in parts:
        lines += ["", *part] if lines and loose else part
    return lines


# tables

_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_BESIDE = frozenset({"caption", "col", "colgroup"})
_COLUMNS = 100  # columns up to which `colspan` and `rowspan` are followed: a cell may claim to span thousands

Cell = Element | str  # a cell, or text or an element in a table where only cells are allowed


def rows_of(table: Element) -> Iterator[list[Cell]]:
    """The table's rows in order; what is between rows becomes its own row. White space is kept."""
    for part in _children(table):
        if isinstance(part, str) or part.tag not in _GROUPS:
            yield _row(part)
        else:
            yield from (_row(row) for row in _children(part))


def _row(part: Cell) -> list[Cell]:
    return [part] if isinstance(part, str) or part.tag != "tr" else list(_children(part))


def _children(element: Element) -> Iterator[Cell]:
    for node in element:
        if isinstance(node, Text):
            yield node.data
        elif isinstance(node, Element):
            yield node


def is_frame(rows: list[list[Cell]]) -> bool:
    """Whether the table has only one cell: it is a frame around text and has no columns."""
    cells = [cell for row in rows for cell in row if isinstance(cell, str) or cell.tag not in _BESIDE]
    return sum(not isinstance(cell, str) or not cell.isspace() for cell in cells) <= 1


def grid(rows: list[list[Cell]], read: Callable[[Cell], str | None]) -> list[list[str]]:
    """The text of each cell from `read` (`None`: no cell), with empty cells where another cell spans them."""
    texts: list[list[str]] = []
    spanning: dict[int, int] = {}  # column → rows that a cell above still covers
    for row in rows:
        line: list[str] = []
        covered, spanning = spanning, {column: left - 1 for column, left in spanning.items() if left > 1}
        for cell in row:
            text = read(cell)
            if text is None:
                continue
            while len(line) in covered:
                line.append("")
            wide = min(_span(cell, "colspan"), max(_COLUMNS - len(line), 1))
            high = _span(cell, "rowspan") if len(line) < _COLUMNS else 1
            if high > 1:
                spanning.update(dict.fromkeys(range(len(line), len(line) + wide), high - 1))
            line += [text] + [""] * (wide - 1)
        if any(line):
            texts.append(line)
    return texts


def _span(cell: Cell, name: str) -> int:
    value = "" if isinstance(cell, str) else (cell.attr(name) or "").strip()
    return max(int(value), 1) if value.isascii() and value.isdigit() and len(value) < 6 else 1


def pipe_table(texts: list[list[str]]) -> list[str]:
    """Lines of Markdown; only the first row needs all columns.

    >>> pipe_table([["甲", "乙"], ["丙"]])
    ['| 甲 | 乙 |', '| --- | --- |', '| 丙 |']
    """
    width = max(len(row) for row in texts)
    first = texts[0] + [""] * (width - len(texts[0]))
    return [_line(row) for row in (first, ["---"] * width, *texts[1:])]


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "|  " for cell in cells) + "|"
