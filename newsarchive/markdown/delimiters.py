"""Parses a line's emphasis markers as CommonMark does, to check before writing whether they will work.

The meaning of `***` and of overlapping emphasis depends on the whole line, so this is the renderers' own
algorithm (CommonMark 0.31, "An algorithm for parsing nested emphasis and links").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from newsarchive.markdown.characters import kind


@dataclass(frozen=True, slots=True)
class Mark:
    """An emphasis marker."""

    style: int
    text: str
    opens: bool


@dataclass(slots=True)
class _Delimiters:
    """Markers of one character without anything between them."""

    character: str
    length: int
    place: int
    """Index of the text after it."""
    opens: bool = False
    closes: bool = False
    left: int = field(default=0)

    def matches(self, closer: _Delimiters) -> bool:
        if self.character != closer.character or not self.opens or not self.left:
            return False
        if self.character == "~":
            return self.left == 2 == closer.left
        both_ways = self.closes or closer.opens
        return not (both_ways and (self.length + closer.length) % 3 == 0 and (self.length % 3 or closer.length % 3))


Text = tuple[str, str]
"""First and last character of the text between two markers."""


def renders_as_meant(pieces: Sequence[Mark | Text]) -> bool:
    """Whether all renderers give each text the style of the marks around it."""
    texts: list[Text] = []
    wanted: list[int] = []
    runs: list[_Delimiters] = []
    style = 0
    for piece in pieces:
        if not isinstance(piece, Mark):
            texts.append(piece)
            wanted.append(style)
            continue
        style = style | piece.style if piece.opens else style & ~piece.style
        last = runs[-1] if runs else None
        if last and last.place == len(texts) and last.character == piece.text[0]:
            last.length += len(piece.text)
        else:
            runs.append(_Delimiters(piece.text[0], len(piece.text), len(texts)))
    for symbol in ("punctuation", "letter"):  # CommonMark since 0.31, and before
        for number, run in enumerate(runs):
            _flank(run, _before(runs, number, texts), _after(runs, number, texts), symbol)
        if _styles(runs, len(texts)) != wanted:
            return False
    return True


def _before(runs: list[_Delimiters], number: int, texts: list[Text]) -> str:
    if number and runs[number - 1].place == runs[number].place:
        return runs[number - 1].character
    return texts[runs[number].place - 1][1] if runs[number].place else ""


def _after(runs: list[_Delimiters], number: int, texts: list[Text]) -> str:
    if number + 1 < len(runs) and runs[number + 1].place == runs[number].place:
        return runs[number + 1].character
    return texts[runs[number].place][0] if runs[number].place < len(texts) else ""


def _flank(run: _Delimiters, before: str, after: str, symbol: str) -> None:
    run.left = run.length
    run.opens = run.closes = False
    if before == run.character == "~":
        return
    outer, inner = (symbol if kind(beside) == "symbol" else kind(beside) for beside in (before, after))
    run.opens = inner != "space" and (inner == "letter" or outer != "letter")
    run.closes = outer != "space" and (outer == "letter" or inner != "letter")


def _styles(runs: list[_Delimiters], count: int) -> list[int]:
    """The style of each text; -1 for all when a marker is left over."""
    styles = [0] * count
    stack: list[_Delimiters] = []
    for closer in runs:
        while closer.closes and closer.left:
            opener = next((each for each in reversed(stack) if each.matches(closer)), None)
            if opener is None:
                break
            used = 2 if opener.left >= 2 and closer.left >= 2 else 1
            bit = 4 if closer.character == "~" else 1 if used == 2 else 2
            for place in range(opener.place, closer.place):
                styles[place] |= bit
            opener.left -= used
            closer.left -= used
            del stack[stack.index(opener) + 1 :]
            if not opener.left:
                stack.pop()
        if closer.left:
            stack.append(closer)
    return styles if not stack else [-1] * count
