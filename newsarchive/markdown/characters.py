"""Character classes of Markdown, and text without control characters and entities."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

ENTITY = re.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31};))")

# Hugo turns bare e-mail addresses into links, and these characters, also as Markdown, can be part of one.
IN_LOCAL_PART = frozenset("!#$%&'*+-./=?^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
LOCAL_PART = re.compile(r"[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]*(?=@)")

_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def without_controls(text: str) -> str:
    """Text without invisible characters that feeds must not contain: control characters, lone surrogates."""
    return _NO_TEXT.sub("", text)


def unescaped(text: str) -> str:
    """Text with its entities as characters, but only those with a semicolon: titles contain bare ampersands.

    >>> unescaped("A&amp;B&copyC &#39;")
    "A&B&copyC '"
    """
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


@lru_cache(maxsize=4096)
def kind(character: str) -> str:
    """How a character beside `**` counts in CommonMark: `"space"`, `"punctuation"`, `"symbol"` or `"letter"`.

    Symbols count as letters before CommonMark 0.31 and as punctuation since, so renderers differ. A character that
    this Python does not know counts as a symbol. An empty string is the start or end of a line and counts as space.
    """
    if not character or character.isspace():
        return "space"
    if character in ASCII_PUNCTUATION:
        return "punctuation"
    category = unicodedata.category(character)
    if category[0] == "P":
        return "punctuation"
    return "symbol" if category[0] == "S" or category == "Cn" else "letter"
