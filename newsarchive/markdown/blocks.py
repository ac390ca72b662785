"""Blocks, tables, and the quotes and lists around them, as Markdown lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
    items: int = 0
    """Number of items with content, so far."""
    marker: str = ""
    """The bullet, or the character after the number; it differs from that of a list directly before."""
    loose: bool = False
    """Whether there are empty lines between its items and blocks."""


@dataclass(eq=False, slots=True)
class Item:
    """An item of a list."""

    of: List
    held: int = 0
    """Number of blocks, quotes and lists directly in it."""
    indent: str = ""


Container = Quote | Item


@dataclass(slots=True)
class Block:
    """Lines of Markdown, and the containers around them, outermost first."""

    lines: list[str]
    path: tuple[Container, ...] = ()
    paragraph: bool = False
    rule: bool = False


def paragraph(lines: list[str], path: tuple[Container, ...]) -> Block:
    """A block of these lines, escaped where a line's start would be read as markup."""
    if len(lines) > 1 or lines[0][0] in STARTS:
        *broken, last = escape_starts(lines, item=in_item(path))
        lines = [*(line + "  " for line in broken), last]
    return Block(lines, path, paragraph=True)


def in_item(path: Sequence[Container]) -> bool:
    """Whether a block with these containers is directly in an item of a list."""
    return bool(path) and isinstance(path[-1], Item)


def joined(blocks: Sequence[Block]) -> str:
    """All blocks, separated by one empty line except in tight lists; no newline at the end."""
    if any(block.path for block in blocks):
        _set_markers(blocks)
        markdown = "\n".join(_all_lines(blocks))
    else:
        markdown = "\n\n".join(["\n".join(block.lines) for block in blocks])
    # Hugo's internal placeholder of a shortcode: in an article's text it would make the build of the site fail.
    return markdown.replace("HAHAHUGOSHORTCODE", "HAHA\u200bHUGOSHORTCODE")


def _set_markers(blocks: Sequence[Block]) -> None:
    """Set which lists are loose, and a marker for each that differs from that of the list directly before."""
    before: tuple[Container, ...] = ()
    previous: Block | None = None
    for block in blocks:
        shared = _shared(before, block.path)
        for depth in range(shared, len(block.path)):
            container = block.path[depth]
            parent = block.path[depth - 1] if depth else None
            if not isinstance(container, Item):
                _count_child(parent)
                continue
            the_list = container.of
            if not the_list.items:
                beside = before[depth] if depth == shared and depth < len(before) else None
                _set_marker(the_list, beside.of if isinstance(beside, Item) else None)
                _count_child(parent, the_list, previous if depth == len(before) else None)
            the_list.items += 1
        if block.path:
            _count_child(block.path[-1])
        before, previous = block.path, block
    for block in reversed(blocks):
        for outer, inner in zip(block.path, block.path[1:], strict=False):
            if isinstance(outer, Item) and isinstance(inner, Item) and inner.of.loose:
                outer.of.loose = True


def _count_child(parent: Container | None, the_list: List | None = None, above: Block | None = None) -> None:
    """Count what is directly in `parent`; it stays tight if that is one text and one list directly below."""
    if not isinstance(parent, Item):
        return
    parent.held += 1
    if parent.held == 1:
        return
    follows_text = above is None or (above.paragraph or len(above.lines) == 1)
    if the_list is None or not follows_text or (the_list.ordered and the_list.start != 1):
        parent.of.loose = True


def _set_marker(the_list: List, beside: List | None) -> None:
    first, second = (".", ")") if the_list.ordered else ("-", "*")
    the_list.marker = second if beside is not None and beside.marker == first else first


def _all_lines(blocks: Sequence[Block]) -> Iterator[str]:
    before: tuple[Container, ...] = ()
    numbers: dict[int, int] = {}
    for count, block in enumerate(blocks):
        shared = _shared(before, block.path)
        if count and not _tight(before, block.path, shared):
            yield _prefix(block.path[:shared]).rstrip(" ")
        first = _prefix(block.path[:shared])
        for container in block.path[shared:]:
            if isinstance(container, Quote):
                first += "> "
                continue
            number = numbers[id(container.of)] = numbers.get(id(container.of), -1) + 1
            marker = _marker(container.of, number)
            container.indent = " " * len(marker)
            first += marker
        rest = _prefix(block.path)
        # `- ---` is a rule without a list
        lines = ["___"] if block.rule and in_item(block.path[shared:]) else block.lines
        for line_number, line in enumerate(lines):
            prefix = rest if line_number else first
            yield prefix + line if line else prefix.rstrip(" ")
        before = block.path


def _marker(the_list: List, number: int) -> str:
    if not the_list.ordered:
        return f"{the_list.marker} "
    return f"{min(the_list.start + number, _LARGEST_NUMBER)}{the_list.marker} "


def _prefix(path: Sequence[Container]) -> str:
    return "".join("> " if isinstance(container, Quote) else container.indent for container in path)


def _shared(one: Sequence[Container], other: Sequence[Container]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left is not right:
            break
        count += 1
    return count


def _tight(before: Sequence[Container], path: Sequence[Container], shared: int) -> bool:
    """Whether there is no empty line between a block in `before` and the next one in `path`."""
    if shared == len(path):
        return False
    entered = path[shared]
    if not isinstance(entered, Item) or entered.of.loose:
        return False
    if shared < len(before):
        left = before[shared]
        if not isinstance(left, Item):
            return False
        if left.of is entered.of:
            return True
    outer = path[shared - 1] if shared else None
    return isinstance(outer, Item) and not outer.of.loose


# tables

_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_BESIDE = frozenset({"caption", "col", "colgroup"})
_COLUMNS = 100
"""Columns up to which `colspan` and `rowspan` are followed: a cell may claim to span thousands."""

Cell = Element | str
"""A cell, or text or an element in a table where only cells are allowed."""


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
