"""Reads the code in a `pre`, line by line."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from lxml import etree

from newsarchive.markdown.characters import without_controls

_LINE_END = re.compile(r"\r\n?|\n")
_NO_CODE = re.compile("[\x0b\x0c\x1c-\x1f\x85]")


@dataclass
class Code:
    """The content of a `pre`."""

    lines: list[str]
    """Without trailing spaces, and without empty lines at the start and end."""
    text: str
    """Its text nodes, joined without separators."""
    others: list[etree._Element] = field(default_factory=list)
    """Elements that are not code, such as pictures."""


def code_of(element: etree._Element, *, blocks: Container[str], others: Container[str]) -> Code:
    """The code in `element`; a break, a block and a `code` directly after another one start a line."""
    drawn: list[str] = []
    texts: list[str] = []
    found: list[etree._Element] = []
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, inner in walk:
        tag = inner.tag
        if event == "start":
            if tag in others:
                found.append(inner)
                walk.skip_subtree()
                continue
            if tag == "br" or (drawn and not drawn[-1].endswith("\n") and (tag in blocks or _follows_code(inner))):
                drawn.append("\n")
            text = inner.text
        elif inner is element:
            break
        else:
            if event == "end" and tag in blocks and tag not in others:
                drawn.append("\n")
            text = inner.tail
        if text:
            drawn.append(text)
            texts.append(text)
    lines = [_NO_CODE.sub(" ", line).rstrip() for line in _LINE_END.split(without_controls("".join(drawn)))]
    filled = [number for number, line in enumerate(lines) if line]
    return Code(lines[filled[0] : filled[-1] + 1] if filled else [], without_controls("".join(texts)), found)


def _follows_code(element: etree._Element) -> bool:
    before = element.getprevious() if element.tag == "code" else None
    return before is not None and before.tag == "code"
