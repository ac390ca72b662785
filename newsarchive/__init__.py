"""Tencent News (new.qq.com) articles as a Markdown archive.

As a library, without Scrapy running and without disk:

    from newsarchive import read_article, render
    document = render(read_article(html))
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Protocol, cast

from newsarchive.errors import BadArgument
from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.qq.pages import read_article

__all__ = ["Article", "read_article", "reader", "render"]


class Reader(Protocol):
    """The signature of every source's `read_article`. Raises `PageError` for a page that is no article."""

    def __call__(self, html: bytes | str, url: str = "", thumbnail: str = "") -> Article:
        """The article on a page."""


def reader(source: str) -> Reader:
    """The function that reads the source's pages.

    Raises:
        BadArgument: there is no such source.
    """
    name = f"newsarchive.{source}.pages"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise BadArgument(f"{source!r} is no source's name")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name in (name, f"newsarchive.{source}"):
            raise BadArgument(f"no source named {source!r}: expected a folder newsarchive/{source}/") from None
        raise
    return cast("Reader", module.read_article)
