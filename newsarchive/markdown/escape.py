"""Escapes text so that a Markdown renderer shows it unchanged: only what would be read as markup is escaped.

The rules are those of CommonMark, of goldmark's extensions as Hugo configures them, and of Hugo's own parser,
which searches for `{{<`, `{{%` and `<!--more-->` before the Markdown is parsed.
"""

from __future__ import annotations

import re
from html.entities import html5

from newsarchive.markdown.characters import ASCII_PUNCTUATION, ENTITY, IN_LOCAL_PART, LOCAL_PART, kind

_AFTER_BACKSLASH = ASCII_PUNCTUATION | {"", " "}
_ANY_SPECIAL = re.compile(r"[\\`*_~\[\]!<&{|]")
_SPECIAL = re.compile(r"\\|`|\*+|_+|~+|\[|\]|!\[?|<|&|\{\{+|\|")
_TAG_OR_ADDRESS = re.compile(r"<(?:[A-Za-z/!?]|[0-9.#$%&'*+=^_`{|}~-][^\s<>@]*@)")

# Hugo turns bare addresses into links, and these characters, also as Markdown, can be part of one.
_IN_URL = frozenset("~[`!")
_LINKED = re.compile(r"((?:https?|ftp)(?=://)|www(?=\.))(.)")


def escape(text: str, before: str = "", after: str = "", *, label: bool = False, cell: bool = False) -> str:
    r"""Escape text within a line of a paragraph, heading or cell.

    `before` and `after` are the characters beside it in the Markdown (`""` at a line's edge); a `label` is in the
    brackets of a link or picture, a `cell` between the pipes of a table.

    >>> escape("2*3 * 4，snake_case，_甲_，600亿~650亿")
    '2\\*3 * 4，snake_case，\\_甲_，600亿~650亿'
    >>> escape("a < b，<b>，&amp;，AT&T，[甲](乙)，{{< x >}}")
    'a < b，\\<b>，\\&amp;，AT&T，[甲\\](乙)，{\\{< x >}}'
    """
    if _ANY_SPECIAL.search(text):
        text = _escape_special(text, before, after, label=label, cell=cell)
    if not label:
        if before in IN_LOCAL_PART and (found := LOCAL_PART.match(text)):
            text = text[: found.end()] + "\\" + text[found.end() :]
        if after in _IN_URL and ("://" in text or "www." in text):
            text = _unlinked_end(text)
    return text


def _escape_special(text: str, before: str, after: str, *, label: bool, cell: bool) -> str:
    end = len(text)

    def escaped(found: re.Match[str]) -> str:
        special = found[0]
        start, stop = found.span()
        following = text[stop] if stop < end else after
        match special[0]:
            case "\\":
                # before a space: goldmark would read the character after a following link as escaped
                return r"\\" if following in _AFTER_BACKSLASH else special
            case "`":
                return r"\`"
            case "*":
                preceding = text[start - 1] if start else before
                if kind(preceding) == "space" == kind(following):
                    return special
            case "_":
                if not _opens_with_underscore(text[start - 1] if start else before, following):
                    return special
            case "~":
                preceding = text[start - 1] if start else before
                if len(special) == 1 and preceding != "~" != following:
                    return special
            case "[":
                return r"\[" if label else special
            case "]":
                return r"\]" if label or following == "(" else special
            case "!":
                if len(special) == 2:
                    return r"\!\[" if label else r"\!["
                return r"\!" if following == "[" else special
            case "<":
                if stop == end and after in IN_LOCAL_PART:
                    return r"\<"
                return r"\<" if _TAG_OR_ADDRESS.match(text, start) else special
            case "&":
                entity = ENTITY.match(text, start)
                return r"\&" if entity and (entity[1] is None or entity[1] in html5) else special
            case "{":
                return special[:-1] + r"\{" if following in ("<", "%") else special
            case "|":
                return r"\|" if cell else special
        return "".join("\\" + character for character in special)

    return _SPECIAL.sub(escaped, text).replace("<!--more-->", r"<\!--more-->")


def _unlinked_end(text: str) -> str:
    """Escape a URL at the text's end so that it does not become a link that includes the Markdown after it."""
    start = len(text)
    while start and "!" <= text[start - 1] <= "~":
        start -= 1
    return text[:start] + _LINKED.sub(r"\1\\\2", text[start:])


def _opens_with_underscore(before: str, after: str) -> bool:
    """Whether an underscore there can open emphasis, in any version of CommonMark."""
    if kind(after) == "space":
        return False
    return kind(before) != "letter"
