"""Writes a line of styled text as Markdown: emphasis that renderers recognise, links, code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, permutations
from unicodedata import category

from newsarchive.markdown.escape import code_span, destination, escape, kind

STRONG, EMPHASIS, DELETED = 1, 2, 4
CODE = 8  # code within a line
DONE = 16  # Markdown already: a picture within a cell
TRANSPARENT, NO_SIZE, INVISIBLE, NO_OPACITY = 32, 64, 128, 256
CLIPPED = 512  # the background is clipped to the letters and seen through transparent ones; never in a run
HIDDEN = TRANSPARENT | NO_SIZE | INVISIBLE | NO_OPACITY  # text that readers do not see

MARKERS = {STRONG: "**", EMPHASIS: "*", DELETED: "~~"}
_ANY_MARKER = STRONG | EMPHASIS | DELETED
_LONGEST = 200  # most texts of different styles in a line for which more than bold is tried: checking takes time
_NEED_NO_CHECK = ((), (STRONG,), (EMPHASIS,))
"""Alone these always work because of where they are placed; `~~` does not beside a tilde."""
_JOINERS = ("Mn", "Me", "Cf")  # characters that belong to the one before them: accents, variation selectors of emoji

_SPACES = re.compile("  +")

Run = tuple[int, str, str]  # text of one style: the flags above, the URL that it links to or `""`, the text

BREAK: Run = (0, "", "\n")  # a line break within a paragraph


def paragraph_lines(runs: Sequence[Run]) -> list[str]:
    """The lines of a paragraph, as Markdown."""
    text = ""
    for style, url, part in runs:
        if style or url or part == "\n":
            return [markdown_line(line) for line in tidy_lines(runs)]
        text += part
    text = (_SPACES.sub(" ", text) if "  " in text else text).strip()  # nearly always
    return [escape(text)] if text else []


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
        _strip(lines[0], 0)
        _strip(lines[-1], -1)
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


def _strip(line: list[Run], at: int) -> None:
    """Remove spaces of any kind from the start (`0`) or the end (`-1`) of a line."""
    while line:
        style, url, text = line[at]
        text = text.rstrip() if at else text.lstrip()
        if text:
            line[at] = (style, url, text)
            return
        line.pop(at)


@dataclass(slots=True)
class _Atom:
    """A unit for placing emphasis: text, which may be divided, or code, a picture or a link, which may not."""

    style: int
    text: str
    url: str = ""
    parts: list[_Atom] = field(default_factory=list)
    """The text of a link; `text` is then empty."""

    @property
    def divisible(self) -> bool:
        """Whether it is plain text."""
        return not self.parts and not self.style & (CODE | DONE)

    def joins(self, other: _Atom) -> bool:
        """Whether both are text, or both code, and become one if there is no marker between them."""
        kinds = CODE | DONE
        return not (self.parts or other.parts or (self.style | other.style) & DONE) and (
            self.style & kinds == other.style & kinds
        )

    def edge(self, at: int) -> str:
        """Its first (`0`) or last (`-1`) character in the Markdown."""
        return "[)"[at] if self.parts else "`" if self.style & CODE else self.text[at]

    def plain(self) -> _Atom:
        """The atom without emphasis around it; a link keeps the emphasis inside."""
        if not self.parts:
            return replace(self, style=self.style & ~_ANY_MARKER)
        parts = [replace(part, style=part.style | self.style) for part in self.parts]
        return replace(self, style=0, parts=parts)


_Piece = _Atom | int  # an atom, or the style whose marker is at this place


def _edge(piece: _Piece, at: int) -> str:
    return MARKERS[piece][at] if isinstance(piece, int) else piece.edge(at)


def markdown_line(runs: Sequence[Run], *, cell: bool = False) -> str:
    """One line of Markdown. The runs contain no line breaks, no double spaces, and no space at the start and end.

    >>> markdown_line([(0, "", "甲"), (STRONG, "", "“乙。”"), (0, "", "丙")])
    '甲“**乙。**”丙'
    >>> markdown_line([(STRONG, "", "甲"), (STRONG, "https://a.cn/", "乙")])
    '**甲[乙](https://a.cn/)**'
    """
    used = 0
    for style, url, _ in runs:
        used |= -1 if url else style
    if not used:
        return escape("".join([text for _, _, text in runs]), cell=cell)
    if used in (STRONG, EMPHASIS):
        return _in_one_style(runs, MARKERS[used], cell=cell)
    return _line(list(_atoms(runs)), cell=cell)


def _in_one_style(runs: Iterable[Run], marker: str, *, cell: bool) -> str:
    """A line of plain text and text with this marker, as most lines with a style are: like `_line`, but fast."""
    texts = [""]  # plain text and styled text by turns, the first and the last plain
    for style, _, text in runs:
        if bool(style) == (len(texts) % 2 == 0):
            texts[-1] += text
        else:
            texts.append(text)
    texts.append("")
    plain, shown = texts[0], []
    before, edge = "", marker[0]
    for nth in range(1, len(texts) - 1, 2):
        text, following = texts[nth], texts[nth + 1]
        start = _misplaced(text, plain[-1:])
        end = len(text) - _misplaced(text[start:][::-1], following[:1])
        if start < end:
            shown.append(escape(plain + text[:start], before, edge, cell=cell))
            shown.append(escape(text[start:end], edge, edge, cell=cell))
            plain, before = text[end:] + following, edge
        else:
            plain += text + following
    return marker.join([*shown, escape(plain, before, cell=cell)])


def _atoms(runs: Iterable[Run]) -> Iterator[_Atom]:
    """Adjacent runs of one style become one atom; a link keeps only the styles that not all of its parts have."""
    for url, linked in groupby(runs, key=lambda run: run[1]):
        parts = [
            _Atom(style, "".join(run[2] for run in same)) for style, same in groupby(linked, key=lambda run: run[0])
        ]
        if not url:
            yield from parts
            continue
        before, after = _edge_space(parts[0], 0), _edge_space(parts[-1], -1)
        if before:
            parts[0].text = parts[0].text[len(before) :]
            yield _Atom(0, before)
        if after:
            parts[-1].text = parts[-1].text[: -len(after)]
        parts = [part for part in parts if part.text]
        if parts:
            common = _ANY_MARKER
            for part in parts:
                common &= part.style
            for part in parts:
                part.style &= ~common
            yield _Atom(common, "", url, parts)
        if after:
            yield _Atom(0, after)


def _edge_space(atom: _Atom, at: int) -> str:
    if not atom.divisible:
        return ""
    text = atom.text
    return text[: len(text) - len(text.lstrip())] if at == 0 else text[len(text.rstrip()) :]


def _line(atoms: list[_Atom], *, cell: bool, label: bool = False) -> str:
    used = 0
    for atom in atoms:
        used |= atom.style
    used &= _ANY_MARKER
    edges = ("[", "]") if label else ("", "")
    pieces: list[_Piece] = []
    for order in _orders(used, atoms):
        pieces = list(_marked(atoms, order, *edges))
        if order in _NEED_NO_CHECK or _renders_as_meant(pieces):
            break
    return _written(pieces, cell=cell, label=label)


def _orders(used: int, atoms: Sequence[_Atom]) -> Iterator[tuple[int, ...]]:
    """Orders of emphasis to try, outermost first: the likely ones first, then ones without deleted and italics."""
    if len(atoms) > _LONGEST:
        used &= STRONG
    for bits in (used, used & ~DELETED, used & ~EMPHASIS, used & STRONG):
        present = [bit for bit in (STRONG, EMPHASIS, DELETED) if bits & bit]
        present.sort(key=lambda bit: -sum(bool(atom.style & bit) for atom in atoms))
        yield from permutations(present)


def _marked(atoms: Sequence[_Atom], order: tuple[int, ...], before: str, after: str) -> Iterator[_Piece]:
    """The atoms with the markers of `order` around those of that style, outermost first."""
    if not order:
        yield from atoms
        return
    bit, inner = order[0], order[1:]
    groups = [(on, list(group)) for on, group in groupby(atoms, key=lambda atom: bool(atom.style & bit))]
    lasts = [before, *(group[-1].edge(-1) for _, group in groups)]
    firsts = [*(group[0].edge(0) for _, group in groups[1:]), after]
    for (on, group), previous, following in zip(groups, lasts, firsts, strict=False):
        if not on:
            yield from _marked(group, inner, previous, following)
            continue
        head = _outside(group, previous, 0)
        tail = _outside(group, following, -1)
        yield from head
        if group:
            yield bit
            edges = head[-1].edge(-1) if head else previous, tail[0].edge(0) if tail else following
            yield from _marked(group, inner, *edges)
            yield bit
        yield from tail


def _outside(group: list[_Atom], neighbour: str, at: int) -> list[_Atom]:
    """Remove from one end of `group` (`0` or `-1`) what must be outside of the markers so that they work."""
    moved: list[_Atom] = []
    while group:
        atom = group[at]
        if not atom.divisible:
            if kind(neighbour) in ("space", "punctuation"):
                break
            taken = atom.plain()
            group.pop(at)
        else:
            text = atom.text if at == 0 else atom.text[::-1]
            count = _misplaced(text, neighbour)
            if not count:
                break
            taken = _Atom(0, text[:count] if at == 0 else text[:count][::-1])
            if count == len(text):
                group.pop(at)
            else:
                group[at] = replace(atom, text=atom.text[count:] if at == 0 else atom.text[:-count])
        neighbour = taken.edge(-1 if at == 0 else 0)
        moved.append(taken)
    return moved if at == 0 else moved[::-1]


def _misplaced(text: str, neighbour: str) -> int:
    """How many characters at the start of `text` a marker between `neighbour` and them must be moved past."""
    for count, character in enumerate(text):
        character_kind = kind(character)
        if character_kind == "letter":
            if not count or category(character) not in _JOINERS:
                return count
        elif character_kind != "space" and kind(neighbour) in ("space", "punctuation"):
            return count
        neighbour = character
    return len(text)


def _written(pieces: Sequence[_Piece], *, cell: bool, label: bool) -> str:
    merged: list[_Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, _Atom) and isinstance(last, _Atom) and piece.joins(last):
            merged[-1] = _Atom(last.style & CODE, last.text + piece.text)
        else:
            merged.append(piece)
    written = []
    for number, piece in enumerate(merged):
        before = _edge(merged[number - 1], -1) if number else "[" if label else ""
        after = _edge(merged[number + 1], 0) if number + 1 < len(merged) else "]" if label else ""
        if isinstance(piece, int):
            written.append(MARKERS[piece])
        elif piece.style & DONE:
            written.append(piece.text)
        elif piece.parts:
            shown = _line(piece.parts, cell=cell, label=True)
            written.append(f"[{shown}]({destination(piece.url, cell=cell)})")
        elif piece.style & CODE:
            written.append(code_span(piece.text, before, label=label, cell=cell))
        else:
            written.append(escape(piece.text, before, after, cell=cell, label=label))
    return "".join(written)


@dataclass(slots=True)
class _Delimiters:
    """Markers of one character without anything between them."""

    character: str
    length: int
    before: str
    after: str
    place: int
    """Index of the text after it."""
    opens: bool = False
    closes: bool = False
    left: int = 0

    def flank(self, symbol: str) -> None:
        """Set what it can do; symbols are of kind `symbol`."""
        self.left = self.length
        outer, inner = (symbol if kind(it) == "symbol" else kind(it) for it in (self.before, self.after))
        single = self.before == self.character == "~"
        self.opens = not single and inner != "space" and (inner == "letter" or outer != "letter")
        self.closes = not single and outer != "space" and (outer == "letter" or inner != "letter")

    def matches(self, closer: _Delimiters) -> bool:
        if self.character != closer.character or not self.opens or not self.left:
            return False
        if self.character == "~":
            return self.left == 2 == closer.left
        both_ways = self.closes or closer.opens
        return not (both_ways and (self.length + closer.length) % 3 == 0 and (self.length % 3 or closer.length % 3))


def _renders_as_meant(pieces: Sequence[_Piece]) -> bool:
    """Whether all renderers give each text the style of the marks around it.

    The meaning of `***` and of overlapping emphasis depends on the whole line, so this is the renderers' own algorithm
    (CommonMark 0.31, "An algorithm for parsing nested emphasis and links").
    """
    tokens: list[tuple[str, str] | str] = []  # edges of a text, or a character of a marker
    wanted: list[int] = []
    style = 0
    for piece in pieces:
        if isinstance(piece, int):
            style ^= piece
            tokens += MARKERS[piece]
        else:
            tokens.append((piece.edge(0), piece.edge(-1)))
            wanted.append(style)
    runs: list[_Delimiters] = []
    end = place = 0
    for token, same in groupby(tokens):
        start, end = end, end + len(list(same))
        if isinstance(token, str):
            before, after = tokens[start - 1][-1] if start else "", tokens[end][0] if end < len(tokens) else ""
            runs.append(_Delimiters(token, end - start, before, after, place))
        else:
            place += end - start
    for symbol in ("punctuation", "letter"):  # CommonMark since 0.31, and before
        for run in runs:
            run.flank(symbol)
        if _styles(runs, place) != wanted:
            return False
    return True


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
            for place in range(opener.place, closer.place):
                styles[place] |= DELETED if closer.character == "~" else STRONG if used == 2 else EMPHASIS
            opener.left -= used
            closer.left -= used
            del stack[stack.index(opener) + 1 :]
            if not opener.left:
                stack.pop()
        if closer.left:
            stack.append(closer)
    return styles if not stack else [-1] * count
