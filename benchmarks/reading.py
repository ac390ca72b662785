"""Measures the processor time from a page's bytes to the Markdown text, compared with trafilatura.

    .venv/bin/pip install 'trafilatura[all]' lxml_html_clean
    .venv/bin/python -m benchmarks.reading [PAGE.html …]

Without arguments the pages are made as the site serves them, 270 kB with the body in the JSON and in the HTML: from
the real bodies when NEWSARCHIVE_REAL_DATA names them, and from bodies of the demo site, joined until they have as many
elements. Prints medians of interleaved rounds, and ratios; a single measurement means little on a shared machine.
"""

from __future__ import annotations

import html
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import process_time

from demo import boilerplate, markup
from demo.script_pages import in_script
from demo.site import Site
from newsarchive import read_article, render
from newsarchive.markdown.html import parse

ROUNDS = 5
BATCH = 10
PAGE_SIZE = 270_000
SHEET_SIZE = 85_000
"""Of the style sheet at a body's end."""
ELEMENTS = 63
"""In a real body, on average."""
URL = "https://new.qq.com/rain/a/20261103A01ABC00"
CHANNELS = ("top", "tech", "finance", "world", "mil", "ent", "sports", "nba", "auto", "house", "game", "digi", "kepu")


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


def page_of(body: str, number: int) -> bytes:
    """A page as the site has served it since 2024-11."""
    sheet = boilerplate.style_sheet(SHEET_SIZE, str(number))
    pictures: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        source = re.search(r'\bsrc="([^"]*)"', found[0])
        pictures.append(html.unescape(source[1]) if source else "")
        return f"<!--IMG_{len(pictures) - 1}-->"

    text = re.sub(r"<img\b[^>]*>", placeholder, body) + f"<style>{sheet}</style>"
    title = f"一篇用来计时的文章，第{number}篇"
    data = {
        "url": "https://view.inews.qq.com/a/20261103A01ABC00",
        "article_id": "20261103A01ABC00",
        "atype": "0",
        "article_type": "0",
        "title": title,
        "abstract": title * 8,
        "media": "演示",
        "pubtime": "2026-11-03 09:10:11",
        "cmsId": "20261103A01ABC00",
        "cms_id": "20261103A01ABC00",
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
<meta property="og:url" content="https://news.qq.com/rain/a/20261103A01ABC00" />
<meta property="og:image" content="https://inews.gtimg.com/news_ls/ODemo_640330/0" />
<meta property="article:author" content="演示" />
<meta property="article:published_time" content="2026-11-03 09:10:11" />
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
        <p class="media-meta"><span>2026-11-03 09:10</span></p></div>
      <div id="article-content">{boilerplate.ask_ai("")}<div class="comps-contentify-wrap">{body}
      <style>{sheet}</style></div></div>
      <div id="article-status"></div><div class="recommend-con" id="ArticleBottom"></div>
    </div></div>
    <div id="article-comment"></div><div id="article-footer"></div></div>
  <div id="content-right" class="content-right"></div></div></div>
</body>
</html>
"""
    missing = PAGE_SIZE - len((head + tail).encode())
    return f"{head}<style>{boilerplate.style_sheet(max(missing, 0), 'page')}</style>\n{tail}".encode()


def seconds(work: Callable[[bytes], object], page: bytes) -> float:
    begun = process_time()
    work(page)
    return process_time() - begun


def compare(name: str, pages: list[bytes], works: dict[str, Callable[[bytes], object]]) -> None:
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for start in range(0, len(pages), BATCH):  # in turns: other work on the machine disturbs all of them
            for worker, work in works.items():
                times[worker] += [seconds(work, page) for page in pages[start : start + BATCH]]
    print(f"{len(pages)} {name} of {median(map(len, pages)) / 1000:.0f} kB, {ROUNDS} rounds")
    ours = median(times["newsarchive"])
    for worker, taken in times.items():
        print(f"{worker:12} {median(taken) * 1000:7.2f} ms a page, {median(taken) / ours:6.1f} times newsarchive")


def main() -> int:
    try:
        import trafilatura  # noqa: PLC0415  # a peer, not a dependency
    except ImportError as error:
        print(f"trafilatura is not installed ({error}): .venv/bin/pip install 'trafilatura[all]' lxml_html_clean")
        return 2
    works: dict[str, Callable[[bytes], object]] = {
        "newsarchive": lambda page: render(read_article(page, URL)),
        "trafilatura": lambda page: trafilatura.extract(
            page, output_format="markdown", with_metadata=True, include_images=True, include_formatting=True
        ),
    }
    if len(sys.argv) > 1:
        compare("pages", [Path(name).read_bytes() for name in sys.argv[1:]], works)
        return 0
    if folder := os.environ.get("NEWSARCHIVE_REAL_DATA"):
        compare("real bodies in pages", [page_of(body, n) for n, body in enumerate(real_bodies(Path(folder)))], works)
    compare("demo bodies in pages", [page_of(body, n) for n, body in enumerate(demo_bodies())], works)
    return 0


if __name__ == "__main__":
    sys.exit(main())
