"""Real saved pages, and the reference document rebuilt as the site would serve it. Skipped without them."""

from __future__ import annotations

import html
import itertools
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from parsel import Selector

from newsarchive import read_article, render
from newsarchive.qq.lists import BEIJING
from tests.conftest import Crawl

BOILERPLATE = (
    "问AI",
    "免责声明",
    "返回腾讯网首页",
    "换一换",
    "相关推荐",
    "热点榜",
    "责任编辑",
    "rich_media",
    "text-align",
    "{",
    "正文已结束",
)
SEED = "20250211A06DM600"

# page → family, id, Beijing time, pictures, and the XPath of the text that a reader sees as the article
PAGES = {
    "gne_qq_2.html": (
        "F1",
        "FIN2019092300084300",
        datetime(2019, 9, 23, 7, 48, tzinfo=BEIJING),
        1,
        "//*[@id='Cnt-Main-Article-QQ']//text()[not(ancestor::*[@id='backqqcom'])]",
    ),
    "gne_qq.html": (
        "F2",
        "20190907A081B000",
        datetime(2019, 9, 7, 19, 2, 26, tzinfo=BEIJING),
        4,
        "//*[@class='content-article']//text()[not(ancestor::*[@id='Status'])]",
    ),
    "magichtml_20240513A00GCM00.html": (
        "F4",
        "20240513A00GCM00",
        datetime(2024, 5, 13, 6, 16, 25, tzinfo=BEIJING),
        0,
        "//*[@id='ArticleContent']//*[contains(@class, 'article-content-wrap')]//text()",
    ),
}


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_whole(real_data: Path, name: str) -> None:
    family, article_id, published, pictures, path = PAGES[name]
    page = (real_data / "pages" / name).read_bytes()
    article = read_article(page)
    assert (article.family, article.article_id, article.published) == (family, article_id, published)
    assert article.published.utcoffset() == published.utcoffset()
    shown = Selector(text=page.decode())
    assert article.title in [heading.strip() for heading in shown.xpath("//h1//text()").getall()]
    assert squeezed(article.text) == squeezed("".join(shown.xpath(path).getall()))
    assert len(article.pictures) == pictures
    assert all(picture.url.startswith("https://inews.gtimg.com/") for picture in article.pictures)
    assert not [word for word in BOILERPLATE if word in article.body]
    assert article.unknown_keys == ()


def test_the_newest_family(real_data: Path) -> None:
    article = read_article((real_data / "pages" / "ainews_20260810A0BO7100.EXCERPT.html").read_bytes())
    assert (article.family, article.article_id) == ("F5", "20260810A0BO7100")
    assert article.published == datetime(2026, 8, 10, 19, 43, 37, tzinfo=BEIJING)
    assert [picture.url[-12:] for picture in article.pictures] == ["ZsplggAA/641", "cEYcnNnAAA/0"], "the moving GIF"
    assert article.thumbnail.endswith("_640330/0")
    assert re.search(r"^## \S", article.body, re.MULTILINE)
    assert not [word for word in BOILERPLATE if word in article.body]


def test_captions_stand_alone_below_their_picture(real_data: Path) -> None:
    article = read_article((real_data / "pages" / "gne_qq.html").read_bytes())
    (caption,) = re.findall(r"^!\[图片\].*\n\n(家中.*)$", article.body, re.MULTILINE)
    assert not caption.startswith("*")


def test_json_and_html_give_the_same_article(real_data: Path) -> None:
    for name in ("magichtml_20240513A00GCM00.html",):
        page = (real_data / "pages" / name).read_text(encoding="utf-8")
        broken = page.replace("window.DATA = {", 'window.DATA = {"broken": ', 1)
        rebuilt = read_article(broken, url="https://new.qq.com/rain/a/20240513A00GCM00")
        assert rebuilt.body == read_article(page).body


# the reference document


def as_html(markdown: str) -> str:
    blocks = []
    for block in markdown.split("\n\n"):
        if picture := re.fullmatch(r"!\[图片\]\((.*)\)", block):
            blocks.append(f'<p><img alt="图片" src="{picture[1]}" data-src="{picture[1]}"></p>')
        elif bold := re.fullmatch(r"\*\*(.*)\*\*", block):
            blocks.append(f"<p><strong>{html.escape(bold[1])}</strong></p>")
        elif block.startswith(" "):
            blocks.append(f"<section> {html.escape(block)}</section>")
        else:
            blocks.append(f"<p>{html.escape(block)}</p>")
    return "".join(blocks)


def rebuilt_pages(document: str) -> dict[str, tuple[str, str]]:
    """The page of the reference document in families F5 and F4, and its list picture."""
    head, body = document.split("\n---\n\n", 1)
    body = body.rpartition("\n\n[qq]")[0]
    field = {key: json.loads(value) for key, value in re.findall(r'^(\w+): (".*")$', head, re.MULTILINE)}
    images = re.findall(r"!\[图片\]\((.*)\)", body)
    markup = as_html(body)
    numbers = itertools.count()
    placeholders = re.sub(r"<img[^>]*>", lambda _: f"<!--IMG_{next(numbers)}-->", markup)
    data = {
        "url": f"https://view.inews.qq.com/a/{SEED}",
        "article_id": SEED,
        "article_type": "0",
        "title": field["title"],
        "pubtime": field["date"],
        "cms_id": SEED,
        "originAttribute": {f"IMG_{n}": {"url": url, "origUrl": url, "desc": ""} for n, url in enumerate(images)},
    }
    served = f'<div id="article-content"><div class="rich_media_content">{markup}</div></div>'
    pages = {}
    for family, version, shown in (("F5", "v2", served), ("F4", "v1", '<div class="LEFT"></div>')):
        text = f'<div class="rich_media_content">{placeholders}</div>' if family == "F5" else placeholders
        origin = {"originContent": {"text": text, "version": version}}
        script = json.dumps(data | origin, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
        pages[family] = (
            f'<html><head><title>x</title><meta property="og:image" content="{field["thumbnail"]}">'
            f'<meta charset="utf-8"><script>\n  window.DATA = {script};\n</script></head><body>{shown}</body></html>',
            field["thumbnail"],
        )
    broken = pages["F5"][0].replace("window.DATA = {", "window.DATA = {broken", 1)
    stamps = f'<meta property="og:title" content="{html.escape(field["title"])}_腾讯新闻">'
    stamps += f'<meta property="article:published_time" content="{field["date"]}">'
    pages["F5 without JSON"] = (broken.replace("<title>", stamps + "<title>"), field["thumbnail"])
    return pages


@pytest.mark.parametrize("family", ["F5", "F4", "F5 without JSON"])
def test_the_reference_document_byte_for_byte(real_data: Path, family: str) -> None:
    document = (real_data / "seed" / f"{SEED}.md").read_bytes()
    page, thumbnail = rebuilt_pages(document.decode())[family]
    article = read_article(page.encode(), url=f"https://news.qq.com/rain/a/{SEED}?suid=x", thumbnail=thumbnail)
    assert render(article).encode() == document


@pytest.mark.parametrize("family", ["F5", "F4"])
def test_the_reference_document_through_a_crawl(real_data: Path, tmp_path: Path, crawl: Crawl, family: str) -> None:
    document = (real_data / "seed" / f"{SEED}.md").read_bytes()
    page, _ = rebuilt_pages(document.decode())[family]
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "page.html").write_text(page, encoding="utf-8")
    result = crawl(tmp_path / "archive", "-a", f"replay={tmp_path / 'saved'}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "archive" / "content" / "qq" / "2025" / "02" / f"{SEED}.md").read_bytes() == document


# 303 bodies


def bodies(folder: Path) -> list[dict[str, str]]:
    lines = (folder / "bodies.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def as_page(row: dict[str, str], *, in_json: bool) -> str:
    images: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        source = re.search(r'\bsrc="([^"]*)"', found[0])
        images.append(html.unescape(source[1]) if source else "")
        return f"<!--IMG_{len(images) - 1}-->"

    text = re.sub(r"<img\b[^>]*>", placeholder, row["body_html"]) if in_json else ""
    attributes = {f"IMG_{number}": {"url": url} for number, url in enumerate(images)}
    data = {
        "cms_id": row["url"].rpartition("/")[2],
        "title": row["title"],
        "pubtime": row["published"],
        "originContent": {"text": text, "version": "v2"},
        "originAttribute": attributes,
    }
    shown = "" if in_json else row["body_html"]
    if 'id="article-content"' not in shown:
        shown = f'<div id="article-content">{shown}</div>'
    return f"<html><head><script>window.DATA = {json.dumps(data)};</script></head><body>{shown}</body></html>"


def test_every_real_body_reads_the_same_from_json_and_from_html(real_data: Path) -> None:
    read = 0
    for row in bodies(real_data):
        if row["body_html"] == '<div id="article-content"></div>':
            continue  # an empty shell is refused: see tests/test_pages_refused.py
        from_html = read_article(as_page(row, in_json=False))
        from_json = read_article(as_page(row, in_json=True))
        assert from_json.body == from_html.body, row["url"]
        assert not any("ac-ask-ai" in part or "问AI" in part for part in (from_html.text, from_json.text))
        read += 1
    assert read == 247


def test_no_character_of_a_real_body_is_lost(real_data: Path) -> None:
    for row in bodies(real_data):
        shown = Selector(text=f"<div>{row['body_html']}</div>")
        seen = shown.xpath("//text()[not(ancestor::svg or ancestor::*[contains(@class, 'article-top-content')])]")
        expected = squeezed("".join(seen.getall()))
        if expected:
            assert squeezed(read_article(as_page(row, in_json=False)).text) == expected, row["url"]
