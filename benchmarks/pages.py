"""Pages as the site serves them: real bodies, or the demo's, in a page of the size of a real one.

A page has its body twice, in the JSON and in the HTML, and style sheets for most of its bytes. Bodies of the demo site
are joined until they have as many elements as a real one.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from demo import boilerplate, markup
from demo.script_pages import in_script
from demo.site import Site
from newsarchive.markdown.html import parse

PAGE_SIZE = 270_000
SHEET_SIZE = 85_000
"""Of the style sheet at a body's end."""
ELEMENTS = 63
"""In a real body, on average."""
CHANNELS = ("top", "tech", "finance", "world", "mil", "ent", "sports", "nba", "auto", "house", "game", "digi", "kepu")


def id_of(number: int) -> str:
    return f"20261103A{number:05d}00"


def published_of(number: int) -> str:
    """Each article has its own, as on the site: else a crawl ends with an alarm."""
    return f"{datetime(2026, 11, 3) + timedelta(seconds=number % 86_400):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ001


def title_of(number: int) -> str:
    return f"一篇用来计时的文章，第{number}篇"


def bodies() -> list[str]:
    """Of NEWSARCHIVE_REAL_DATA when it names them, else of the demo site."""
    folder = os.environ.get("NEWSARCHIVE_REAL_DATA")
    return list(real_bodies(Path(folder)) if folder else demo_bodies())


def demo_bodies() -> Iterator[str]:
    site = Site(articles=200)
    joined = ""
    for story in site.stories.values():
        if story.is_article and story.family == "F5" and story.version == "v2":
            joined += markup.shown(story.body, site.pictures)
            if sum(1 for _ in parse(joined).iter_elements()) >= ELEMENTS:
                yield f'<div class="rich_media_content">{joined}</div>'
                joined = ""


def real_bodies(folder: Path) -> Iterator[str]:
    lines = (folder / "bodies.jsonl").read_text("utf-8").split("\n")
    for body in (json.loads(line)["body_html"] for line in lines if line):
        if body != '<div id="article-content"></div>':
            yield body.removeprefix('<div id="article-content">')


def page_of(body: str, number: int, size: int = PAGE_SIZE) -> bytes:
    """A page as the site has served it since 2024-11, of about `size` bytes."""
    sheet = boilerplate.style_sheet(SHEET_SIZE * size // PAGE_SIZE, str(number))
    article_id = id_of(number)
    pictures: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        source = re.search(r'\bsrc="([^"]*)"', found[0])
        pictures.append(html.unescape(source[1]) if source else "")
        return f"<!--IMG_{len(pictures) - 1}-->"

    text = re.sub(r"<img\b[^>]*>", placeholder, body) + f"<style>{sheet}</style>"
    title = title_of(number)
    data = {
        "url": f"https://view.inews.qq.com/a/{article_id}",
        "article_id": article_id,
        "atype": "0",
        "article_type": "0",
        "title": title,
        "abstract": title * 8,
        "media": "演示",
        "pubtime": published_of(number),
        "cmsId": article_id,
        "cms_id": article_id,
        "originContent": {"directory": {"enable": 2}, "text": text, "version": "v2"},
        "originAttribute": {
            f"IMG_{n}": {"url": url, "origUrl": url, "imgurl0": url, "desc": "", "width": 641, "isGif": 0}
            for n, url in enumerate(pictures)
        },
        "contentWordsNum": len(re.sub(r"<[^>]*>", "", body)),
        "extra_property": {"zanSkinType": ""},
        "isOversize": False,
        "videoArr": [],
    }
    channels = [{"channel_id": f"news_news_{name}", "name_cn": "频道", "is_local": "0"} for name in CHANNELS]
    head = f"""<!DOCTYPE html>
<html lang="zh-CN">

<head>

<title>{title}_腾讯新闻</title>
<meta name="keywords" content="演示">
<meta name="description" content="{title * 8}">
<meta property="og:type" content="news" />
<meta property="og:title" content="{title}_腾讯新闻" />
<meta property="og:url" content="https://news.qq.com/rain/a/{article_id}" />
<meta property="og:image" content="https://inews.gtimg.com/news_ls/ODemo_640330/0" />
<meta property="article:author" content="演示" />
<meta property="article:published_time" content="{published_of(number)}" />
    <meta charset="utf-8" />
<script>
  window.DATA = {in_script(json.dumps(data, ensure_ascii=False, separators=(",", ":")))};
</script>
<script>
  window.channelInfo = {json.dumps({"channelConfig": {"channelNav": channels}}, ensure_ascii=False)};
</script>
"""
    tail = f"""</head>

<body id="dc-normal-body">
  <div id="top-nav">{boilerplate.navigation()}</div>
  <div class="qqweb-main-container"><div class="qqweb-pc-content "><div class="content-left"><div class="content">
    <div class="left-tool" id="left-tool"></div>
    <div class="content-article">
      <div id="article-column-tag"></div><h1 id="article-title">{title}</h1>
      <div id="article-author"><p class="media-name">演示</p>
        <p class="media-meta"><span>{published_of(number)[:16]}</span></p></div>
      <div id="article-content">{boilerplate.ask_ai("")}<div class="comps-contentify-wrap">{body}
      <style>{sheet}</style></div></div>
      <div id="article-status"></div><div class="recommend-con" id="ArticleBottom"></div>
    </div></div>
    <div id="article-comment"></div><div id="article-footer"></div></div>
  <div id="content-right" class="content-right"></div></div></div>
</body>
</html>
"""
    missing = size - len((head + tail).encode())
    return f"{head}<style>{boilerplate.style_sheet(max(missing, 0), 'page')}</style>\n{tail}".encode()
