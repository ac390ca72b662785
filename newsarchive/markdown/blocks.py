"""Blocks and the quotes and lists they stand in, as Markdown lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsarchive.markdown.starts import escape_starts

_LARGEST_NUMBER = 999_999_999


@dataclass(eq=False, slots=True)
class Quote:
    """A quotation: what stands in it has it in its path."""


@dataclass(eq=False, slots=True)
class List:
    """A list."""

    ordered: bool = False
    start: int = 1
    items: int = 0
    """Items that hold something, so far."""
    marker: str = ""
    """What follows the number, or the bullet; another one than that of a list right before."""
    loose: bool = False
    """Whether empty lines stand between what it holds."""


@dataclass(eq=False, slots=True)
class Item:
    """An item of a list."""

    of: List
    held: int = 0
    """Blocks, quotes and lists directly in it."""
    indent: str = ""


Container = Quote | Item


@dataclass(slots=True)
class Block:
    """Lines of Markdown with the containers that they stand in, outermost first."""

    lines: list[str]
    path: tuple[Container, ...] = ()
    paragraph: bool = False
    """Text whose line starts are still to be escaped."""
    rule: bool = False


def joined(blocks: Sequence[Block]) -> str:
    """All blocks, one empty line between two of them but in tight lists; no newline at the end."""
    if any(block.path for block in blocks):
        _settle(blocks)
        markdown = "\n".join(_all_lines(blocks))
    else:
        markdown = "\n\n".join("\n".join(_lines(block, new=())) for block in blocks)
    # Hugo's own stand-in for a shortcode, looked for in what was rendered: it would end the build of the site.
    return markdown.replace("HAHAHUGOSHORTCODE", "HAHA\u200bHUGOSHORTCODE")


def _settle(blocks: Sequence[Block]) -> None:
    """Find out which lists are loose, and which marker tells a list from the one right before it."""
    before: tuple[Container, ...] = ()
    previous: Block | None = None
    for block in blocks:
        shared = _shared(before, block.path)
        for depth in range(shared, len(block.path)):
            container = block.path[depth]
            parent = block.path[depth - 1] if depth else None
            if not isinstance(container, Item):
                _hold(parent)
                continue
            the_list = container.of
            if not the_list.items:
                beside = before[depth] if depth == shared and depth < len(before) else None
                _mark(the_list, beside.of if isinstance(beside, Item) else None)
                _hold(parent, the_list, previous if depth == len(before) else None)
            the_list.items += 1
        if block.path:
            _hold(block.path[-1])
        before, previous = block.path, block
    for block in reversed(blocks):
        for outer, inner in zip(block.path, block.path[1:], strict=False):
            if isinstance(outer, Item) and isinstance(inner, Item) and inner.of.loose:
                outer.of.loose = True


def _hold(parent: Container | None, the_list: List | None = None, above: Block | None = None) -> None:
    """Count what stands directly in `parent`; a list right below its first text leaves it tight."""
    if not isinstance(parent, Item):
        return
    parent.held += 1
    if parent.held == 1:
        return
    follows_text = above is None or (above.paragraph or len(above.lines) == 1)
    if the_list is None or not follows_text or (the_list.ordered and the_list.start != 1):
        parent.of.loose = True


def _mark(the_list: List, beside: List | None) -> None:
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
        new = block.path[shared:]
        for line_number, line in enumerate(_lines(block, new)):
            prefix = rest if line_number else first
            yield prefix + line if line else prefix.rstrip(" ")
        before = block.path


def _lines(block: Block, new: Sequence[Container]) -> list[str]:
    begins_item = bool(new) and isinstance(new[-1], Item)
    if block.rule:
        return ["___" if begins_item else "---"]  # `- ---` is a rule without a list
    if not block.paragraph:
        return block.lines
    lines = escape_starts(block.lines, item=bool(block.path) and isinstance(block.path[-1], Item))
    return [*(line + "  " for line in lines[:-1]), lines[-1]]


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
    """Whether no empty line stands between a block in `before` and the next one in `path`."""
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
