"""Tencent News (new.qq.com) articles as a Markdown archive.

As a library, without Scrapy running and without disk:

    from newsarchive import read_article, render
    document = render(read_article(html))
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from newsarchive.errors import BadArgument
from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.qq.pages import read_article

__all__ = ["Article", "read_article", "reader", "render"]


def reader(source: str) -> Callable[..., Article]:
    """The source's own `read_article`, with the same arguments. Raises `BadArgument` when there is no such source."""
    if not source.isidentifier() or not Path(__file__).with_name(source).joinpath("pages.py").is_file():
        raise BadArgument(f"no source named {source!r}: expected a file newsarchive/{source}/pages.py")
    read: Callable[..., Article] = import_module(f"newsarchive.{source}.pages").read_article
    return read
