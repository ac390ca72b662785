"""Code and URLs of links in Markdown, where escapes work differently or not at all."""

from __future__ import annotations

import re
from itertools import count

from newsarchive.markdown.characters import ENTITY, IN_LOCAL_PART, LOCAL_PART

_PLAIN_URL = re.compile(r"[A-Za-z0-9:/?#@!$'*+,;=._~%-]*")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f<>\\`]|\s")
_MOST_BRACKETS = 16
"""Most brackets within each other; CommonMark allows 32."""


def destination(url: str, *, cell: bool = False) -> str:
    r"""A URL between the parentheses of a link or picture.

    >>> destination("https://a.cn/x y(1"), destination("https://a.cn/b_(c)?d=1&e=2")
    ('https://a.cn/x%20y\\(1', 'https://a.cn/b_(c)?d=1&e=2')
    """
    if _PLAIN_URL.fullmatch(url):
        return url
    url = _UNSAFE_IN_URL.sub(_percent, url)
    url = ENTITY.sub(lambda entity: f"&amp;{entity[0][1:]}", url)  # goldmark reads `\&copy;` as an entity here
    url = re.sub(r"(?<=\{)\{", r"\\{", url)
    if not _balanced(url):
        url = re.sub(r"[()]", r"\\\g<0>", url)
    return url.replace("|", "%7C") if cell else url


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _balanced(url: str) -> bool:
    depth = deepest = 0
    for bracket in re.findall("[()]", url):
        depth += 1 if bracket == "(" else -1
        deepest = max(deepest, depth)
        if depth < 0:
            return False
    return depth == 0 and deepest <= _MOST_BRACKETS


def code_span(text: str, before: str = "", *, label: bool = False, cell: bool = False) -> str:
    """Code within a line, after the character `before`.

    >>> code_span("a`b"), code_span("`"), code_span("{{< x >}}")
    ('``a`b``', '`` ` ``', '`{\u200b{< x >}}`')
    """
    text = _inert(text)
    if before in IN_LOCAL_PART and (found := LOCAL_PART.match(text)):
        text = text[: found.end()] + "\u200b" + text[found.end() :]
    if label:
        text = text.replace("]:", "]\u200b:")  # at a paragraph's start it would define a link
    if cell:
        text = text.replace("|", r"\|")
    taken = {len(run) for run in re.findall("`+", text)}
    ticks = "`" * next(length for length in count(1) if length not in taken)
    if text[0] == "`" or text[-1] == "`" or (text[0] == " " == text[-1] and text.strip(" ")):
        text = f" {text} "
    return ticks + text + ticks


def fenced(lines: list[str]) -> list[str]:
    """Lines of code between fences that are longer than any in the code."""
    longest = max((len(run) for line in lines for run in re.findall(r"`{3,}", line)), default=2)
    ticks = "`" * (longest + 1)
    return [ticks, *map(_inert, lines), ticks]


def _inert(code: str) -> str:
    """Code in which Hugo finds no shortcodes: escapes do not work in code, a zero-width space does."""
    return re.sub(r"\{(?=\{[<%])|<(?=!--more-->)", "\\g<0>\u200b", code)
