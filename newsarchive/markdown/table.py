"""Reads the grid of an HTML table, and writes a pipe table from the cells' text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from newsarchive.markdown.html import Element, Text

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
