"""Renders an article as a complete Markdown file: front matter, body, source line."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import frontmatter
from frontmatter.default_handlers import YAMLHandler

from newsarchive.items import Article

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
