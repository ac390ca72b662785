"""`make site` with real Hugo: the demo archive, and an archive of awkward articles."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import lxml.html
import pytest
from lxml.html import HtmlElement

from newsarchive import Article
from newsarchive.archive.files import content_path
from tests.awkward import (
    ALONE,
    AWKWARD,
    BARE,
    GALLERY,
    LEFT,
    LONG,
    MARKUP,
    PLAIN,
    PROGRAMS,
    PROJECT,
    article,
    make_site,
    path_of,
    write,
)


@dataclass(frozen=True)
class Site:
    public: Path

    def read(self, path: str) -> str:
        return (self.public / path.removeprefix("/")).read_text(encoding="utf-8")

    def page(self, path: str) -> HtmlElement:
        return lxml.html.document_fromstring(self.read(path.rstrip("/") + "/index.html").encode())

    def article(self, each: Article) -> HtmlElement:
        return self.page(path_of(each))

    def pages(self) -> Iterator[HtmlElement]:
        for file in self.public.rglob("*.html"):
            yield lxml.html.document_fromstring(file.read_bytes())


def texts(root: HtmlElement, selector: str) -> list[str]:
    return ["".join(element.itertext()).strip() for element in root.cssselect(selector)]


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("awkward")
    archive = folder / "archive"
    for each in AWKWARD:
        write(archive, each)
    write(archive, AWKWARD[LEFT], sidebar='sidebar: "left"\n', widgets='widgets:\n  - "recent"\n')
    write(archive, AWKWARD[ALONE], sidebar='sidebar: ""\n', pager="pager: false\n")
    plain = archive / content_path("qq", AWKWARD[PLAIN].published, AWKWARD[PLAIN].article_id)
    plain.with_name(f".{plain.name}.a1b2.part").write_text("half a fi", encoding="utf-8")
    make_site(archive, folder / "public")
    return Site(folder / "public")


def test_every_article_has_its_page_at_an_address_that_keeps_the_id(awkward: Site) -> None:
    for each in AWKWARD:
        page = awkward.article(each)
        assert texts(page, "h1") == [each.title]
        assert texts(page, ".story time") == [f"{each.published:%Y-%m-%d %H:%M}"]
        assert page.cssselect(".story time")[0].get("datetime") == each.published.isoformat()
        assert page.get("lang") == "zh-CN"
        assert page.cssselect(".when a[rel=external]")[0].get("href") == each.url
    assert len(list(awkward.public.glob("qq/*/*/???*/index.html"))) == len(AWKWARD)  # and no page for half a file


def test_lists_have_thirty_articles_a_page_newest_first(awkward: Site) -> None:
    for where in ("/", "/qq/", "/categories/qq/", "/tags/qq/"):
        first, second = awkward.page(where), awkward.page(f"{where}page/2/")
        titles = texts(first, "main .card h2") + texts(second, "main .card h2")
        assert titles == [each.title for each in AWKWARD]
        assert len(texts(first, "main .card")) == 30
        assert texts(first, "nav.pages span") == ["1 / 2"]
        assert texts(second, "nav.pages a") == ["最新", "较新"]
        assert first.cssselect("nav.pages a[rel=next]")[0].get("href") == f"{where}page/2/"


def test_a_card_shows_what_the_article_has_and_nothing_else(awkward: Site) -> None:
    cards = awkward.page("/").cssselect("main .card")
    assert cards[PLAIN].cssselect("img")[0].get("src") == AWKWARD[PLAIN].thumbnail
    assert texts(cards[PLAIN], "p:not(.when)") == [AWKWARD[PLAIN].summary]
    assert not cards[BARE].cssselect("img")
    assert not cards[BARE].cssselect("p:not(.when)")
    assert texts(cards[MARKUP], "h2, p:not(.when)") == [AWKWARD[MARKUP].title, AWKWARD[MARKUP].summary]


def test_a_long_title_is_set_smaller_and_sixty_pictures_load_when_they_are_reached(awkward: Site) -> None:
    assert awkward.article(AWKWARD[LONG]).cssselect("h1.long")
    assert not awkward.article(AWKWARD[PLAIN]).cssselect("h1.long")
    pictures = awkward.article(AWKWARD[GALLERY]).cssselect(".story img")
    assert [picture.get("src") for picture in pictures] == [picture.url for picture in AWKWARD[GALLERY].pictures]
    assert {picture.get("loading") for picture in pictures} == {"lazy"}
    assert {picture.get("alt") for picture in pictures} == {"图片"}


def test_the_thumbnail_stands_above_an_article_without_pictures_only(awkward: Site) -> None:
    assert awkward.article(AWKWARD[PLAIN]).cssselect("img.thumbnail")[0].get("src") == AWKWARD[PLAIN].thumbnail
    assert not awkward.article(AWKWARD[GALLERY]).cssselect("img.thumbnail")
    assert not awkward.article(AWKWARD[BARE]).cssselect("img.thumbnail")


def test_what_looks_like_markup_is_shown_as_it_is(awkward: Site) -> None:
    page = awkward.article(AWKWARD[MARKUP])
    assert texts(page, ".body p:first-child") == ["1 < 2 & 3，*不是*强调，380亿~400亿，删。"]
    assert texts(page, ".body del") == ["删"]
    assert page.cssselect("meta[name=description]")[0].get("content") == AWKWARD[MARKUP].summary
    assert texts(page, "title") == [f"{AWKWARD[MARKUP].title} · 新闻存档"]


def test_sidebar_widgets_and_pager_follow_the_front_matter(awkward: Site) -> None:
    usual = awkward.article(AWKWARD[PLAIN])
    assert usual.cssselect(".sidebar-right > aside form[action='/search/']")
    assert texts(usual, "aside h2") == ["最近", "标签"]
    assert texts(usual, "aside ul:not(.terms) a") == [each.title for each in AWKWARD[:10]]
    assert texts(usual, "aside .terms li") == ["qq 35"]
    assert texts(usual, "nav.pager a[rel=next]") == ["较早" + AWKWARD[BARE].title]
    assert not usual.cssselect("nav.pager a[rel=prev]")
    left = awkward.article(AWKWARD[LEFT])
    assert left.cssselect(".sidebar-left > aside")
    assert texts(left, "aside h2") == ["最近"]
    assert not left.cssselect("aside form")
    alone = awkward.article(AWKWARD[ALONE])
    assert not alone.cssselect("aside, nav.pager")


def test_search_has_every_article_and_an_index_of_their_pairs_of_characters(awkward: Site) -> None:
    index = json.loads(awkward.read("/search/index.json"))
    assert index["days"] == [f"{AWKWARD[0].published:%Y-%m-%d}"]
    shown = json.loads(awkward.read("/search/0.json"))
    assert [entry["url"] for entry in shown] == [path_of(each) for each in AWKWARD]
    assert [(entry["title"], entry["summary"]) for entry in shown] == [(it.title, it.summary) for it in AWKWARD]
    assert [entry.get("thumbnail", "") for entry in shown] == [each.thumbnail for each in AWKWARD]
    pieces = [json.loads(awkward.read(f"/search/pairs/{nth}.json")) for nth in range(index["pieces"])]
    places = {pair: nth for nth, piece in enumerate(pieces) for pair in piece}
    assert places["渡轮"] == (ord("渡") * 31 + ord("轮")) % len(pieces)
    assert pieces[places["强调"]]["强调"] == chr(48 + 2 * MARKUP)  # in the text alone
    assert pieces[places["60"]]["60"] == chr(48 + 2 * MARKUP + 1)  # in the summary
    assert not list(awkward.public.glob("search/*.text.json"))


def test_feed_and_sitemap_name_the_articles(awkward: Site) -> None:
    base = "http://127.0.0.1:1313"
    feed = ET.fromstring(awkward.read("/index.xml"))
    assert [item.findtext("link") for item in feed.iter("item")] == [base + path_of(each) for each in AWKWARD]
    assert feed.findtext("channel/language") == "zh-CN"
    said = [(item.findtext("title"), item.findtext("description")) for item in feed.iter("item")]
    assert said == [(each.title, each.summary) for each in AWKWARD]
    sitemap = awkward.read("/sitemap.xml")
    assert all(f"<loc>{base}{path_of(each)}</loc>" in sitemap for each in AWKWARD)
    assert "/search/" not in sitemap


def test_no_page_asks_another_host_for_anything_but_pictures(awkward: Site) -> None:
    for page in awkward.pages():
        asked = [
            *page.xpath("//script/@src"),
            *page.xpath("//link[@rel != 'alternate' and @rel != 'canonical']/@href"),
            *page.xpath("//form/@action"),
        ]
        assert asked
        assert all(str(url).startswith(("/", "data:")) for url in asked), asked
        assert not page.cssselect("iframe, object, embed, style, [style], [onclick]")
        assert page.cssselect("meta[http-equiv=Content-Security-Policy]")


def test_there_is_a_page_for_what_is_not_there(awkward: Site) -> None:
    page = lxml.html.document_fromstring(awkward.read("/404.html"))
    assert texts(page, "h1") == ["没有这一页"]
    assert page.cssselect("main a[href='/search/']")


def test_pictures_of_the_archive_follow_the_site_into_a_subfolder(tmp_path: Path) -> None:
    path = "/pictures/qq/2026/11/x/01-aa.png"
    write(tmp_path / "archive", article(1, thumbnail=path, body=f"![图片]({path})"))
    picture = tmp_path / "archive" / path[1:]
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    make_site(tmp_path / "archive", tmp_path / "public", "--panicOnWarning --baseURL https://example.org/news/")
    site = Site(tmp_path / "public")
    assert site.article(article(1)).cssselect(".body img")[0].get("src") == f"/news{path}"
    assert site.page("/").cssselect(".card img")[0].get("src") == f"/news{path}"
    assert site.page("/").cssselect(".card a")[0].get("href") == f"/news{path_of(article(1))}"
    assert (site.public / path[1:]).read_bytes() == picture.read_bytes()


def test_an_archive_without_articles_has_a_site_too(tmp_path: Path) -> None:
    (tmp_path / "archive" / "content").mkdir(parents=True)
    make_site(tmp_path / "archive", tmp_path / "public")
    site = Site(tmp_path / "public")
    assert texts(site.page("/"), "main p") == ["还没有文章。"]
    assert json.loads(site.read("/search/index.json"))["days"] == []
    assert ET.fromstring(site.read("/index.xml")).find("channel/item") is None


def test_make_serve_says_where_and_serves(tmp_path: Path) -> None:
    write(tmp_path / "archive", AWKWARD[PLAIN])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    line = [
        "make",
        "--no-print-directory",
        "-o",
        ".venv",
        "serve",
        f"ARCHIVE={tmp_path / 'archive'}",
        f"PORT={port}",
        f"BIN={PROGRAMS}",
    ]
    with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == f"{url} shows {tmp_path / 'archive'}; Ctrl-C ends it.\n"
            said = next(line for line in server.stdout if "Web Server is available" in line)
            assert str(port) in said
            with urlopen(f"{url}{path_of(AWKWARD[PLAIN])[1:]}", timeout=30) as reply:
                assert AWKWARD[PLAIN].title in reply.read().decode()
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def test_make_serve_says_that_its_port_is_used(tmp_path: Path) -> None:
    write(tmp_path / "archive", AWKWARD[PLAIN])
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        options = [f"ARCHIVE={tmp_path / 'archive'}", f"PORT={port}", f"BIN={PROGRAMS}"]
        line = ["make", "--no-print-directory", "-o", ".venv", "serve", *options]
        made = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert (made.returncode, made.stdout) == (2, "")
    said, makes_own = made.stderr.splitlines()
    assert said.startswith(f"Port {port} cannot be had")
    assert re.match(r"make(\[\d+\])?: \*\*\* ", makes_own), makes_own  # with a number where make runs these tests


def test_an_archive_that_is_not_there_is_said(tmp_path: Path) -> None:
    line = [
        "make",
        "--no-print-directory",
        "-o",
        ".venv",
        "site",
        f"ARCHIVE={tmp_path / 'none'}",
        f"PUBLIC={tmp_path / 'public'}",
    ]
    made = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert f"There is no archive in {tmp_path / 'none'}" in made.stderr
    assert not (tmp_path / "public").exists()
