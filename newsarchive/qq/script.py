"""JavaScript strings in a page's scripts."""

from __future__ import annotations

import json
import re

STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
"""Pattern of a JavaScript string with its quotes."""
_QUOTE = re.compile(r'\\.|"', re.DOTALL)


def string_value(literal: str) -> str:
    r"""A JavaScript string's text.

    >>> string_value(r"'It\'s'"), string_value(r'"\u7532"')
    ("It's", '甲')
    """
    inner = literal[1:-1]
    if literal[0] == "'":  # JSON has only double quotes
        inner = _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), inner)
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner
