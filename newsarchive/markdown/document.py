"""An article as a complete Markdown file, with front matter and source line; and the text that its reader sees."""

import json
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import frontmatter
from frontmatter.default_handlers import YAMLHandler

from newsarchive.items import Article
from newsarchive.markdown.escape import MOST_BRACKETS, unescaped

# Line breaks and tabs become a space. Characters that YAML 1.2 calls non-printable (controls, surrogates,
# non-characters) and the BOM, which YAML readers drop, are removed.
_BREAKS = re.compile(r"[\n\r\t]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")

_END = "\n---\n"  # of the front matter: a value has no line breaks
_LAST_FIELD = re.compile(r'^widgets:(?:\n  - ".*")+', re.MULTILINE)

_JSON = json.JSONEncoder(ensure_ascii=False)


def clean_value(text: str) -> str:
    r"""Text as one line of front matter: for `title` and `summary`.

    >>> clean_value(' 甲\t乙\r\n“丙”\x00 ')
    '甲 乙  “丙”'
    """
    if not text.isprintable():
        text = _UNPRINTABLE.sub("", _BREAKS.sub(" ", text))
    return text.strip()


def summarize(text: str) -> str:
    """The front matter's summary of a body's text: all of it, or its first 50 code points and three dots.

    >>> summarize("短讯。")
    '短讯。'
    >>> len(summarize("长" * 80))
    53
    """
    for part in (text[:200], text):  # the start of a text is nearly always enough
        shown = " ".join(clean_value(part).split())
        if len(shown) >= 80:
            return shown[:50] + "..."
    return shown


def render(article: Article) -> str:
    """The complete file: 24 lines of front matter, the body, the source line, one newline at the end."""
    source_line = f"[{article.source}]({article.url})"
    post = frontmatter.Post(f"{article.body}\n\n{source_line}" if article.body else source_line)
    post.metadata = {
        "title": clean_value(article.title),
        "date": article.published.replace(tzinfo=None).isoformat(" ", "seconds"),
        "summary": clean_value(article.summary),
        "categories": (article.source,),
        "lang": (article.language,),
        "translations": (article.language,),
        "tags": (article.source,),
        "menu": "",
        "thumbnail": clean_value(article.thumbnail),
        "lead": "",
        "comments": False,
        "authorbox": False,
        "pager": True,
        "toc": False,
        "mathjax": False,
        "sidebar": "right",
        "widgets": ("search", "recent", "taglist"),
    }
    return frontmatter.dumps(post, handler=_Quoted()) + "\n"


def with_fields(document: str, fields: Mapping[str, object]) -> str:
    """The document with these fields after those of the reference format, in its style."""
    if not fields:
        return document
    front, end, rest = document.partition(_END)
    return "\n".join([front, *(_entry(key, value) for key, value in fields.items())]) + end + rest


def reference_part(document: str) -> str:
    """The document without fields after those of the reference format: the inverse of `with_fields`."""
    front, end, rest = document.partition(_END)
    return front[: found.end()] + end + rest if (found := _LAST_FIELD.search(front)) else document


class _Quoted(YAMLHandler):
    """Front matter in the reference document's YAML: order kept, every string in double quotes, no folding.

    The default handler sorts keys, folds long titles and does not quote strings, and an unquoted
    `20240101E0001200` is read as a number. A JSON string is a YAML double-quoted scalar.
    """

    def export(self, metadata: dict[str, object], **_: Any) -> str:
        """The front matter between its `---` lines."""
        return "\n".join([_entry(key, value) for key, value in metadata.items()])

    def format(self, post: frontmatter.Post, **_: Any) -> str:
        """The file without its last newline; unlike in the default handler, the body keeps its leading space."""
        return f"---\n{self.export(post.metadata)}\n---\n\n{post.content}"


@lru_cache(maxsize=64)  # all but title, date, summary and thumbnail are the same in each document
def _entry(key: str, value: object) -> str:
    if value == ():
        return f"{key}: []"
    if isinstance(value, tuple):
        return "\n  - ".join([f"{key}:", *map(_scalar, value)])
    return f"{key}: {_scalar(value)}"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # ten times as fast as the encoder
    text = _JSON.encode(value)
    if "\u2028" in text or "\u2029" in text:  # in quotes YAML reads these as line breaks and would fold them to a space
        return text.replace("\u2028", "\\L").replace("\u2029", "\\P")
    return text


# the text that a reader sees

# what is around a block: quotes, list markers and their indents; text that looks like these is escaped
_AROUND = re.compile(r"(?:>|[-*] |[0-9]{1,9}[.)] | )*")
_MARKER = re.compile(r"[-*.)]")
_FENCE = re.compile(r"`{3,}")
_HEADING = re.compile(r"#{1,6} ")
_ESCAPED_RULE = re.compile(r"\\\*[* ]*")
_DELIMITERS = re.compile(r"\|(?: --- \|)+")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")
_TOKEN = re.compile(r"\\([!-/:-@\[-`{-~])|(?P<ticks>`+)|(?P<opens>!?\[)|(?P<closes>\]\()|(?P<stars>\*+)|~~")
_SPECIAL = re.compile(r"[\\`*\[~&]")  # faster
_TICKS = re.compile(r"`+")
_IN_DESTINATION = re.compile(r"(?:\\.|[^\\()\s])*([()])")
_EMPTY_LINES = re.compile(r"\n{3,}")


def shown_text(markdown: str) -> str:
    r"""Each block in lines of its own, an empty line between them, a tab between cells; pictures and rules are nothing.

    >>> shown_text("## 题\n\n> 1. **甲**：[乙](https://x.cn/)1\\*2\n\n![图片](https://x.cn/641)")
    '题\n\n甲：乙1*2'
    """
    lines: list[str] = []
    fence, code_at, in_table = "", 0, False
    rows = markdown.split("\n")
    for nth, row in enumerate(rows):
        if fence:
            code = row[code_at:]  # in a container each line begins as the fence does, or is empty
            fence = "" if code == fence else fence
            lines += [code.replace("\u200b", "")] if fence else []  # ours: code has no escapes
            continue
        around = _AROUND.match(row)
        assert around is not None  # noqa: S101  -- it matches nothing, too
        line = row[around.end() :].rstrip(" ")
        if line[:1] != "|" or _MARKER.search(around[0]):
            in_table = False
        if _FENCE.fullmatch(line):
            fence, code_at = line, around.end()
        elif in_table or (line[:1] == "|" and _is_delimiters(rows[nth + 1 : nth + 2])):
            in_table = True
            if not _DELIMITERS.fullmatch(line):
                cells = _BETWEEN_CELLS.split(line.strip("|"))
                lines.append("\t".join(_shown(cell.strip(" ").replace(r"\|", "|")) for cell in cells))
        elif line not in ("---", "___"):
            heading = _HEADING.match(line)
            lines.append(_shown(line[heading.end() :] if heading else line))
    text = _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    return text.replace("HAHA\u200bHUGOSHORTCODE", "HAHAHUGOSHORTCODE")


def _is_delimiters(following: list[str]) -> bool:
    return any(_DELIMITERS.fullmatch(row.lstrip("> ")) for row in following)


def _shown(line: str) -> str:
    """The text of a line, a heading or a cell."""
    if not _SPECIAL.search(line):
        return line
    if _ESCAPED_RULE.fullmatch(line):
        return line[1:]
    spans = CodeSpans(line)
    parts: list[str] = []
    opened: list[int] = []  # parts that open a link or a picture, or are text after all
    at = 0
    while found := _TOKEN.search(line, at):
        parts.append(unescaped(line[at : found.start()]))
        at = found.end()
        if found[1]:
            parts.append(found[1])
        elif ticks := found["ticks"]:
            end = spans.end(at, len(ticks))
            parts.append(ticks if end < 0 else _code(line[at:end]))
            at = at if end < 0 else end + len(ticks)
        elif found["opens"]:
            opened.append(len(parts))
            parts.append(found[0])
        elif found["closes"]:
            end = _end_of_destination(line, at) if opened else 0
            if end:
                start, at = opened.pop(), end
                if parts[start] == "![":
                    del parts[start:]
                else:
                    parts[start] = ""
            else:
                parts.append(found[0])
        elif found["stars"]:
            beside = line[found.start() - 1 : found.start()] + line[at : at + 1]
            parts.append(found[0] if not beside.strip() else "")  # spaces, or an end of the line, on both sides
    parts.append(unescaped(line[at:]))
    return "".join(parts)


class CodeSpans:
    """Where the code within a line ends. The line is searched once, however many back-ticks it has."""

    def __init__(self, line: str) -> None:
        self._starts: defaultdict[int, deque[int]] = defaultdict(deque)  # of the runs of back-ticks, by length
        for run in _TICKS.finditer(line):
            self._starts[len(run[0])].append(run.start())

    def end(self, at: int, length: int) -> int:
        """Where so many back-ticks close the code that begins at `at`, else -1. To be asked from left to right."""
        starts = self._starts[length]
        while starts and starts[0] < at:
            starts.popleft()
        return starts[0] if starts else -1


def _code(code: str) -> str:
    """What is between back-ticks, as a reader sees it."""
    if code[0] == " " == code[-1] and code.strip(" "):
        code = code[1:-1]
    return code.replace("\u200b", "")


def _end_of_destination(line: str, at: int) -> int:
    """Behind the bracket that closes it; 0 when it is none."""
    depth = 1
    while 0 < depth <= MOST_BRACKETS and (found := _IN_DESTINATION.match(line, at)):
        depth += 1 if found[1] == "(" else -1
        at = found.end()
    return 0 if depth else at
