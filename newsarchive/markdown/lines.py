"""Splits runs of styled text into the lines of a paragraph."""

from __future__ import annotations

from collections.abc import Iterable

from newsarchive.markdown.inline import CODE, Run

BREAK: Run = (0, "", "\n")
"""A line break within a paragraph."""


def ends_with_break(runs: list[Run]) -> bool:
    """Whether only white space follows the last break."""
    for run in reversed(runs):
        if run is BREAK:
            return True
        if not run[2].isspace():
            return False
    return False


def tidy_lines(runs: Iterable[Run]) -> list[list[Run]]:
    """The lines between breaks, without double spaces, spaces at the start and end of a line, and empty lines.

    At the start and end of the paragraph spaces of any kind are removed: an indent of U+3000 is layout.
    """
    lines: list[list[Run]] = [[]]
    for run in runs:
        if run is BREAK:
            lines.append([])
        else:
            lines[-1].append(run)
    lines = [line for line in map(_tidy, lines) if line]
    if lines:
        _strip_start(lines[0])
        _strip_end(lines[-1])
    return [line for line in lines if line]


def _tidy(runs: list[Run]) -> list[Run]:
    tidy: list[Run] = []
    spaced = True
    for style, url, text in runs:
        if spaced and text[0] == " ":
            text = text[1:]  # noqa: PLW2901 - the rest of it
            if not text:
                continue
        if style & CODE and text.isspace():
            style &= ~CODE  # noqa: PLW2901 - code cannot be only white space
        tidy.append((style, url, text))
        spaced = text[-1] == " "
    if tidy and spaced:
        style, url, text = tidy.pop()
        if text != " ":
            tidy.append((style, url, text[:-1]))
    return tidy


def _strip_start(line: list[Run]) -> None:
    while line:
        style, url, text = line[0]
        text = text.lstrip()
        if text:
            line[0] = (style, url, text)
            return
        line.pop(0)


def _strip_end(line: list[Run]) -> None:
    while line:
        style, url, text = line[-1]
        text = text.rstrip()
        if text:
            line[-1] = (style, url, text)
            return
        line.pop()
