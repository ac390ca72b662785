"""Text styles in a `style` attribute: bold, upright, transparent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from newsarchive.markdown.inline import EMPHASIS, HIDDEN, STRONG

_BOLD = 600
"""The least `font-weight` that looks bold: most fonts have nothing between 400 and 700."""
_LONGEST = 10_000
"""Most characters of a `style` that are read."""
_INTERESTING = re.compile("font|color", re.IGNORECASE)
_HEX_TRANSPARENT = re.compile("#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)")
_FUNCTION = re.compile(r"(?:rgb|hsl)a?\(([^()]*)\)")


def text_style(style: str) -> tuple[int, int]:
    """The flags of `inline` that a `style` attribute sets, and those that it removes.

    >>> text_style("color:#333; font-weight: 700") == (STRONG, HIDDEN)
    True
    >>> text_style("font-style:normal") == (0, EMPHASIS)
    True
    """
    return _text_style(style[:_LONGEST]) if _INTERESTING.search(style) else (0, 0)


@lru_cache(maxsize=1000)  # an article repeats the same few styles
def _text_style(style: str) -> tuple[int, int]:
    declared = dict(_declarations(style))
    on = off = 0
    if (bold := _is_bold(declared.get("font-weight", ""))) is not None:
        on, off = (STRONG, 0) if bold else (0, STRONG)
    if declared.get("font-style") == "normal":
        off |= EMPHASIS
    colour = declared.get("-webkit-text-fill-color") or declared.get("color", "")
    if _is_transparent(colour):
        # a background clipped to the letters, or a shadow, makes them visible
        shown = "text" in (declared.get("background-clip"), declared.get("-webkit-background-clip"))
        if not shown and declared.get("text-shadow", "none") == "none":
            on |= HIDDEN
    elif colour and colour not in ("inherit", "unset", "currentcolor"):
        off |= HIDDEN
    return on, off


def without_emphasis(style: str) -> str:
    """The `style` without declarations that make text bold or italic."""
    kept = (part for part in style.split(";") if not part.strip().lower().startswith("font"))
    return ";".join(kept)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    """Names and values in lower case; of several for one name the last is valid."""
    important = []
    for part in style.lower().split(";"):
        name, _, value = part.partition(":")
        value, mark, _ = value.partition("!")
        found = _longhands(name.strip(), value.strip())
        if mark:
            important += found
        else:
            yield from found
    yield from important


def _longhands(name: str, value: str) -> list[tuple[str, str]]:
    """A declaration; for the shorthand `font` the weight and style in it."""
    words = value.split()
    if name != "font" or len(words) < 2:  # a single word is `inherit`, or the name of a system font
        return [(name, value)]
    weight = next((word for word in words if _is_bold(word) is not None and word != "normal"), "normal")
    return [("font-weight", weight), ("font-style", "italic" if "italic" in words else "normal")]


def _is_bold(weight: str) -> bool | None:
    """`None` for a value without a meaning of its own, such as `inherit`."""
    if weight in ("bold", "bolder"):
        return True
    if weight in ("normal", "lighter"):
        return False
    return float(weight) >= _BOLD if weight.isascii() and weight.isdigit() and len(weight) <= 4 else None


def _is_transparent(colour: str) -> bool:
    """Whether a colour has no opacity at all.

    >>> [_is_transparent(each) for each in ("transparent", "#fff0", "rgba(0, 0, 0, 0.0)", "rgb(0 0 0 / 0%)")]
    [True, True, True, True]
    >>> [_is_transparent(each) for each in ("rgb(0, 0, 0)", "#000", "rgba(0, 0, 0, 0.4)", "red", "")]
    [False, False, False, False, False]
    """
    if colour == "transparent" or _HEX_TRANSPARENT.fullmatch(colour):
        return True
    function = _FUNCTION.fullmatch(colour)
    parts = re.split(r"[\s,/]+", function[1].strip()) if function else []
    return len(parts) == 4 and not parts[3].rstrip("%").strip("0.") and parts[3][0] in "0."
