"""The same work done with other tools, each as its documentation advises.

`parsel with …` and `selectolax` know the page's template; the others find title, time and text by themselves.
fundus is not among them: its parsers are written per publisher, and it has none for Tencent News.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from newsarchive import read_article, render

TITLE, BODY = "h1#article-title", "#article-content .comps-contentify-wrap"
TIME = 'meta[property="article:published_time"]'
URL = "https://new.qq.com/rain/a/20261103A0000000"


@dataclass(frozen=True)
class Got:
    """What a tool has read from a page."""

    title: str = ""
    published: str = ""
    body: str = ""
    is_markdown: bool = True
    pictures: list[str] = field(default_factory=list)
    """Of a body that is plain text."""


Reader = Callable[[bytes], Got]


def newsarchive(page: bytes) -> Got:
    article = read_article(page, url=URL)
    render(article)
    return Got(article.title, f"{article.published:%Y-%m-%d %H:%M:%S}", article.body)


def trafilatura() -> Reader:
    module, frontmatter = map(importlib.import_module, ("trafilatura", "frontmatter"))
    dates = {"original_date": True, "extensive_search": True, "outputformat": "%Y-%m-%d %H:%M:%S"}

    def read(page: bytes) -> Got:
        document = module.extract(
            page,
            output_format="markdown",
            with_metadata=True,
            include_images=True,
            include_formatting=True,
            include_comments=False,
            favor_recall=True,
            date_extraction_params=dates,
        )
        front, body = frontmatter.parse(document or "")
        return Got(str(front.get("title", "")), str(front.get("date", "")), body)

    return read


def newspaper4k() -> Reader:
    module = importlib.import_module("newspaper")

    def read(page: bytes) -> Got:
        article = module.Article(URL, language="zh", fetch_images=False)
        article.download(input_html=page.decode())
        article.parse()
        published = f"{article.publish_date:%Y-%m-%d %H:%M:%S}" if article.publish_date else ""
        return Got(article.title, published, article.text, is_markdown=False, pictures=list(article.images))

    return read


def readability() -> Reader:
    module, markdownify = map(importlib.import_module, ("readability", "markdownify"))

    def read(page: bytes) -> Got:
        document = module.Document(page.decode())
        return Got(document.short_title(), "", markdownify.markdownify(document.summary(html_partial=True)))

    return read


def gne() -> Reader:
    extractor = importlib.import_module("gne").GeneralNewsExtractor()

    def read(page: bytes) -> Got:
        found = extractor.extract(page.decode(), noise_node_list=["//style", "//div[@id='article-comment']"])
        text, pictures = found["content"], found["images"]
        return Got(found["title"], found["publish_time"], text, is_markdown=False, pictures=pictures)

    return read


def markdown_with(name: str) -> Callable[[str], str]:
    """HTML to Markdown."""
    module = importlib.import_module(name)
    if name == "markdownify":
        return lambda html: str(module.markdownify(html, heading_style="ATX"))
    if name == "html2text":

        def convert(html: str) -> str:
            return str(module.HTML2Text(bodywidth=0).handle(html))

        return convert
    return lambda html: module.convert(html).content or ""


def fields(selector: Any) -> tuple[str, str, str]:
    """Title, time and HTML of the body."""
    body = selector.css(BODY)
    body.css("style, script").drop()
    title, published = selector.css(f"{TITLE}::text").get(""), selector.css(f"{TIME}::attr(content)").get("")
    return title.strip(), published, body.get("")


def parsel(converter: str) -> Callable[[], Reader]:
    def make() -> Reader:
        convert, module = markdown_with(converter), importlib.import_module("parsel")

        def read(page: bytes) -> Got:
            title, published, body = fields(module.Selector(body=page))
            return Got(title, published, convert(body))

        return read

    return make


def selectolax() -> Reader:
    module = importlib.import_module("selectolax.lexbor")

    def read(page: bytes) -> Got:
        tree = module.LexborHTMLParser(page)
        body = tree.css_first(BODY)
        blocks = [""]
        for node in body.traverse(include_text=True):
            if node.tag == "img":
                blocks += [f"![]({node.attributes.get('src')})", ""]
            elif node.tag == "-text":
                if node.parent.tag not in ("style", "script"):
                    text = node.text_content.strip()
                    blocks[-1] += f"**{text}**" if text and node.parent.tag in ("strong", "b") else text
            elif node.tag in ("p", "div", "section", "h2", "h3", "li", "blockquote"):
                blocks.append({"h2": "## ", "h3": "### ", "li": "- ", "blockquote": "> "}.get(node.tag, ""))
        title, published = tree.css_first(TITLE), tree.css_first(TIME)
        markdown = "\n\n".join(block for block in blocks if block.strip())
        return Got(title.text(strip=True), published.attributes.get("content") or "", markdown)

    return read


READERS: dict[str, tuple[tuple[str, ...], Callable[[], Reader]]] = {
    "newsarchive": ((), lambda: newsarchive),
    "selectolax": (("selectolax.lexbor",), selectolax),
    "parsel with html-to-markdown": (("html_to_markdown",), parsel("html_to_markdown")),
    "parsel with markdownify": (("markdownify",), parsel("markdownify")),
    "parsel with html2text": (("html2text",), parsel("html2text")),
    "readability-lxml": (("readability", "markdownify"), readability),
    "gne": (("gne",), gne),
    "newspaper4k": (("newspaper",), newspaper4k),
    "trafilatura": (("trafilatura",), trafilatura),
}
"""Name → the modules that it needs, and what makes the reader."""
