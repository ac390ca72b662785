"""Escapes text so that a Markdown renderer shows it unchanged: only what would be read as markup is escaped.

The rules are those of CommonMark, of goldmark's extensions as Hugo configures them, and of Hugo's own parser,
which searches for `{{<`, `{{%` and `<!--more-->` before the Markdown is parsed.
"""

import html
import re
import unicodedata
from functools import lru_cache
from html.entities import html5
from itertools import count

_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

_ENTITY = re.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31};))")

# Hugo turns bare e-mail addresses into links, and these characters, also as Markdown, can be part of one.
_IN_LOCAL_PART = frozenset("!#$%&'*+-./=?^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_LOCAL_PART = re.compile(r"[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]*(?=@[0-9A-Za-z][0-9A-Za-z-]*\.[0-9A-Za-z])")

_AFTER_BACKSLASH = _ASCII_PUNCTUATION | {"", " "}
_ANY_SPECIAL = re.compile(rb"[\\`*_~\[\]!<&{|]")
_SPECIAL = re.compile(r"\\|`|\*+|_+|~+|\[|\]|!\[?|<|&|\{\{+|\|")
_TAG_OR_ADDRESS = re.compile(r"<(?:[A-Za-z/!?]|[0-9.#$%&'*+=^_`{|}~-][^\s<>@]*@)")

# Hugo turns bare addresses into links, and these characters, also as Markdown, can be part of one.
_IN_URL = frozenset("~[`!")
_LINKED = re.compile(r"((?:https?|ftp)(?=://)|www(?=\.))(.)")

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
STARTS = frozenset(" 0123456789#>-+*_:[{=|")  # characters with which a line starts that may have to be escaped

_TRAILING_HASHES = re.compile(r"(?:^|(?<= ))(?=#+$)")

_PLAIN_URL = re.compile(r"[A-Za-z0-9:/?#@!$'*+,;=._~%-]*")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f<>\\`]|\s")
MOST_BRACKETS = 16  # most brackets within each other; CommonMark allows 32


def escape(text: str, before: str = "", after: str = "", *, label: bool = False, cell: bool = False) -> str:
    r"""Escape text within a line of a paragraph, heading or cell.

    `before` and `after` are the characters beside it in the Markdown (`""` at a line's edge); a `label` is in the
    brackets of a link or picture, a `cell` between the pipes of a table.

    >>> escape("2*3 * 4，snake_case，_甲_，600亿~650亿")
    '2\\*3 * 4，snake_case，\\_甲_，600亿~650亿'
    >>> escape("a < b，<b>，&amp;，AT&T，[甲](乙)，{{< x >}}")
    'a < b，\\<b>，\\&amp;，AT&T，[甲\\](乙)，{\\{< x >}}'
    """
    if not text:
        return ""
    if _ANY_SPECIAL.search(text.encode("ascii", "ignore")):  # in Chinese text faster than a search through all of it
        text = _escape_special(text, before, after, label=label, cell=cell)
    if not label:
        if before in _IN_LOCAL_PART and (found := _LOCAL_PART.match(text)):
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
                if stop == end and after in _IN_LOCAL_PART:
                    return r"\<"
                return r"\<" if _TAG_OR_ADDRESS.match(text, start) else special
            case "&":
                entity = _ENTITY.match(text, start)
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


def escape_starts(lines: list[str], *, item: bool = False) -> list[str]:
    r"""A paragraph's finished lines, escaped where a line's start would be read as markup.

    `item`: the paragraph is directly in a list item.

    >>> [escape_starts([line])[0] for line in ("# 甲", "1. 乙", "2025.1", "---", "-5℃")]
    ['\\# 甲', '1\\. 乙', '2025.1', '\\---', '-5℃']
    >>> escape_starts(["甲", "==="])
    ['甲', '\\===']
    """
    return [
        _escape_start(line, lines, number, item) if line[:1] in STARTS else line for number, line in enumerate(lines)
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


def destination(url: str, *, cell: bool = False) -> str:
    r"""A URL between the parentheses of a link or picture.

    >>> destination("https://a.cn/x y(1"), destination("https://a.cn/b_(c)?d=1&e=2")
    ('https://a.cn/x%20y\\(1', 'https://a.cn/b_(c)?d=1&e=2')
    """
    if _PLAIN_URL.fullmatch(url):
        return url
    url = _UNSAFE_IN_URL.sub(_percent, url)
    url = _ENTITY.sub(lambda entity: f"&amp;{entity[0][1:]}", url)  # goldmark reads `\&copy;` as an entity here
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
    return depth == 0 and deepest <= MOST_BRACKETS


def code_span(text: str, before: str = "", *, label: bool = False, cell: bool = False) -> str:
    """Code within a line, after the character `before`.

    >>> code_span("a`b"), code_span("`"), code_span("{{< x >}}")
    ('``a`b``', '`` ` ``', '`{\u200b{< x >}}`')
    """
    text = _inert(text)
    if before in _IN_LOCAL_PART and (found := _LOCAL_PART.match(text)):
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


def unescaped(text: str) -> str:
    """Text with its entities as characters, but only those with a semicolon: titles contain bare ampersands.

    >>> unescaped("A&amp;B&copyC &#39;")
    "A&B&copyC '"
    """
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


@lru_cache(maxsize=4096)
def kind(character: str) -> str:
    """How a character beside `**` counts in CommonMark: `"space"`, `"punctuation"`, `"symbol"` or `"letter"`.

    Symbols count as letters before CommonMark 0.31 and as punctuation since, so renderers differ. A character that
    this Python does not know counts as a symbol. An empty string is the start or end of a line and counts as space.
    """
    if not character or character.isspace():
        return "space"
    if character in _ASCII_PUNCTUATION:
        return "punctuation"
    category = unicodedata.category(character)
    if category[0] == "P":
        return "punctuation"
    return "symbol" if category[0] == "S" or category == "Cn" else "letter"
