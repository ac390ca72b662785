"""Tencent News (new.qq.com) articles as a Markdown archive.

As a library, without Scrapy running and without disk:

    from newsarchive import read_article, render
    document = render(read_article(html))
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from newsarchive.errors import BadArgument
from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.qq.pages import read_article

__all__ = ["Article", "read_article", "reader", "render"]


class Reader(Protocol):
    """The signature of every source's `read_article`. Raises `PageError` for a page that is no article."""

    def __call__(self, html: bytes | str, url: str = "", thumbnail: str = "") -> Article: ...


def reader(source: str) -> Reader:
    """The function that reads the source's pages. Raises `BadArgument` when there is no such source."""
    if not source.isidentifier() or not Path(__file__).with_name(source).joinpath("pages.py").is_file():
        raise BadArgument(f"no source named {source!r}: expected a file newsarchive/{source}/pages.py")
    return cast("Reader", import_module(f"newsarchive.{source}.pages").read_article)
