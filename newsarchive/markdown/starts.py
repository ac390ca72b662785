"""Escapes starts and ends of lines that would be read as a heading, a list, a quote or a table."""

from __future__ import annotations

import re

_AT_LINE_START = re.compile(
    r"""
    (?P<indent>\ ?)
    (?: (?P<number>[0-9]{1,9}) (?=[.)](?:[\ \t]|$))   # ordered list: the dot or bracket is escaped
      | \#{1,6}(?=[\ \t]|$)                           # heading
      | >                                             # quote
      | [-+*](?=[\ \t]|$)                             # list
      | ([-_*])(?:\ ?\3){2,}\ ?$                      # rule
      | :(?=[\ \t]|$)                                 # definition
      | \[\^(?:[^\]\\]|\\.)*\]:                        # footnote
      | \{(?=[.#:]) .* \}$                            # attributes of the block before
    )
    """,
    re.VERBOSE,
)
_AFTER_A_LINE = re.compile(r"(?P<indent> ?)(?P<number>)(?:=+ ?$|[|: ]*-[-|: ]*$)")  # underline, table
_LINK_DEFINITION = re.compile(r"(?P<indent> ?)(?P<number>)\[(?:[^\[\]\\]|\\.)*\]:", re.DOTALL)
_TASK = re.compile(r"(?P<indent> ?)(?P<number>)\[[ xX]\]")
_RULE_WITH_BULLET = re.compile(r"(?P<indent> ?)(?P<number>)(?:-[- ]*|\*[* ]*)$")
_LINE_START_CHARACTERS = frozenset("0123456789#>-+*_:[{=|")

_TRAILING_HASHES = re.compile(r"(?:^|(?<= ))(?=#+$)")


def escape_starts(lines: list[str], *, item: bool = False) -> list[str]:
    r"""A paragraph's finished lines, escaped where a line's start would be read as markup.

    `item`: the paragraph is directly in a list item.

    >>> [escape_starts([line])[0] for line in ("# 甲", "1. 乙", "2025.1", "---", "-5℃")]
    ['\\# 甲', '1\\. 乙', '2025.1', '\\---', '-5℃']
    >>> escape_starts(["甲", "==="])
    ['甲', '\\===']
    """
    return [
        _escape_start(line, lines, number, item) if line.lstrip(" ")[:1] in _LINE_START_CHARACTERS else line
        for number, line in enumerate(lines)
    ]


def _escape_start(line: str, lines: list[str], number: int, item: bool) -> str:
    found = _AT_LINE_START.match(line)
    if not found and number:
        found = _AFTER_A_LINE.match(line)
    elif not found:
        found = _LINK_DEFINITION.match("\n".join(lines))
    if not found and item:
        found = _TASK.match(line) or _RULE_WITH_BULLET.match(line)
    if not found:
        return line
    if found.re is _TASK and line.startswith("(", found.end()):  # a link whose text is only an x
        x = found.end() - 2
        return f"{line[:x]}&#{ord(line[x])};{line[x + 1 :]}"
    at = found.end("number") if found["number"] else found.end("indent")
    return line[:at] + "\\" + line[at:]


def escape_heading(line: str, *, item: bool = False) -> str:
    r"""A finished heading, escaped where it would be read as a task's box, a closing sequence or attributes.

    >>> escape_heading("甲 #"), escape_heading("乙 {.c}"), escape_heading("C#")
    ('甲 \\#', '乙 {.c\\}', 'C#')
    """
    if item and _TASK.match(line):
        line = "\\" + line
    if line.endswith("}"):
        return line[:-1] + r"\}"
    return _TRAILING_HASHES.sub(r"\\", line)
