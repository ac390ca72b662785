"""Tencent News (new.qq.com) articles as a Markdown archive.

As a library, without Scrapy running and without disk:

    from newsarchive import read_article, render
    document = render(read_article(html))
"""

from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.qq.pages import read_article
from newsarchive.sources import reader

__all__ = ["Article", "read_article", "reader", "render"]
