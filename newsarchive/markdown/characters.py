"""What single characters are to Markdown."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

ENTITY = re.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31};))")

# Hugo makes links of bare e-mail addresses, whatever Markdown stands in them: these characters may be ours.
IN_LOCAL_PART = frozenset("!#$%&'*+-./=?^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
LOCAL_PART = re.compile(r"[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]*(?=@)")

_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def without_controls(text: str) -> str:
    """Text without the characters that no reader sees and no feed may hold: controls, halves of surrogate pairs."""
    return _NO_TEXT.sub("", text)


def unescaped(text: str) -> str:
    """Text with its entities as characters, but only whole ones: titles hold bare ampersands.

    >>> unescaped("A&amp;B&copyC &#39;")
    "A&B&copyC '"
    """
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


@lru_cache(maxsize=4096)
def kind(character: str) -> str:
    """How a character beside `**` counts in CommonMark: `"space"`, `"punctuation"`, `"symbol"` or `"letter"`.

    Symbols were letters before CommonMark 0.31 and are punctuation since, and a character that this Python does not
    know yet may be one: renderers differ.
    An empty string is a line's edge, which counts as space.
    """
    if not character or character.isspace():
        return "space"
    if character in ASCII_PUNCTUATION:
        return "punctuation"
    category = unicodedata.category(character)
    if category[0] == "P":
        return "punctuation"
    return "symbol" if category[0] == "S" or category == "Cn" else "letter"
