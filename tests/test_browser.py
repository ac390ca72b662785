"""The site of the demo archive in a real browser: Debian's Chromium, headless.

NEWSARCHIVE_SCREENSHOTS=docs/images keeps the pictures of it that the README shows.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from demo.crawl import FAST, PROJECT, command, site_settings
from demo.server import Server
from demo.site import Site
from tests import forked
from tests.awkward import AWKWARD, GALLERY, LONG, PROGRAMS, make_site, path_of, write
from tests.changed import EDITED, FORMER, PICTURES, write_archive
from tests.chromium import Browser, chromium
from tests.nodes import node_module

OLD = datetime(2018, 3, 5, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LONG_TITLE = replace(AWKWARD[LONG], thumbnail="", published=OLD)
MANY_PICTURES = replace(
    AWKWARD[GALLERY],
    thumbnail="",
    published=OLD,
    body="\n\n".join(f"![图片](/pictures/many/{number}.png)" for number in range(60)),
)
pytestmark = pytest.mark.slow
ARTICLE = "/qq/2026/11/20261104A05T2Q00/"
DEMO = {"demo-list": "", "demo-article": ARTICLE.strip("/")}


def build_as_documented(archive: Path, public: Path, flags: str) -> None:
    """With Hugo alone."""
    (command,) = re.findall(r"^```sh\n(archive=.*?)```", (PROJECT / "docs" / "hugo.md").read_text("utf-8"), re.M | re.S)
    for documented, ours in {
        "/var/lib/newsarchive/output": str(archive),
        "/var/www/news": f"{public} {flags}",
        "\nhugo": f"\n{PROGRAMS / 'hugo'}",
    }.items():
        assert documented in command
        command = command.replace(documented, ours)
    done = subprocess.run(["bash", "-ec", command], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    site = Server(Site(local_pictures=True))
    site.start()
    settings = {**site_settings(site.url), **FAST, "ARCHIVE_PICTURES": True}
    crawled = forked.run(command("crawl qq", folder / "archive", **settings), cwd=PROJECT)
    site.stop()
    assert crawled.returncode == 0
    make_site(folder / "archive", folder / "demo")
    write_archive(folder / "archive")
    write(folder / "archive", LONG_TITLE)
    write(folder / "archive", MANY_PICTURES)
    picture = next((folder / "archive" / "pictures").rglob("*.png"))
    (folder / "archive" / "pictures" / "many").mkdir()
    for number in range(60):
        shutil.copy(picture, folder / "archive" / "pictures" / "many" / f"{number}.png")
    make_site(folder / "archive", folder / "public")
    build_as_documented(folder / "archive", folder / "public" / "plain", "--baseURL http://127.0.0.1/plain/")
    for name, path in DEMO.items():  # as they are without the two articles that are only here
        shutil.copy(folder / "demo" / path / "index.html", folder / "public" / f"{name}.html")

    with chromium(folder / "profile", folder / "public") as opened:
        yield opened


@pytest.mark.parametrize(("width", "scheme", "name"), [(1100, "light", "list"), (390, "dark", "list-phone-dark")])
def test_the_list(browser: Browser, width: int, scheme: str, name: str) -> None:
    browser.open("/demo-list.html", width=width, scheme=scheme)
    titles = browser.texts("main .card h2")
    assert "松塔实验室开源18B语音模型，一块旧显卡就能跑" in titles
    assert len(titles) == 13
    assert all(picture["width"] for picture in browser.pictures())
    assert browser.is_quiet()
    browser.keep(name)


@pytest.mark.parametrize(("width", "scheme", "name"), [(1100, "light", "article"), (390, "dark", "article-phone-dark")])
def test_an_article(browser: Browser, width: int, scheme: str, name: str) -> None:
    browser.open("/demo-article.html", width=width, scheme=scheme)
    assert browser.driver.title == "松塔实验室开源18B语音模型，一块旧显卡就能跑 · 新闻存档"
    assert browser.texts(".body p")[0] == "松塔实验室昨晚放出了一个新模型，名字叫小声。"
    assert browser.texts(".body h2") == ["它到底快在哪", "怎么试"]
    assert browser.texts(".body strong") == ["直接在声音的表示上续写", "祁小满"]
    assert browser.texts(".body code") == ["whisperling serve --port 7080"]
    pictures = browser.pictures()
    assert [picture["url"].rpartition(".")[2] for picture in pictures] == ["webp", "gif"]
    assert all(picture["width"] for picture in pictures)
    assert browser.is_quiet()
    browser.keep(name)


def test_light_and_dark_are_what_the_reader_prefers(browser: Browser) -> None:
    look = "const it = getComputedStyle(document.body); return [it.backgroundColor, it.color]"
    shades = {}
    for scheme in ("light", "dark"):
        browser.open(ARTICLE, scheme=scheme)
        paper, ink = (sum(map(int, color[4:-1].split(","))) for color in browser.script(look))
        shades[scheme] = paper - ink
    assert shades["light"] > 300
    assert shades["dark"] < -300


def test_a_title_of_six_thousand_characters_fits_a_phone(browser: Browser) -> None:
    browser.open(path_of(LONG_TITLE), width=390, height=844)
    assert browser.texts("h1") == [LONG_TITLE.title]
    assert browser.is_quiet()


def test_sixty_pictures_load_as_the_reader_reaches_them(browser: Browser) -> None:
    browser.open(path_of(MANY_PICTURES), width=390, height=844)
    reached = "Array.from(document.images).filter(it => it.getBoundingClientRect().top < innerHeight)"
    browser.wait(lambda: browser.script(f"return {reached}.every(it => it.naturalWidth)"))
    time.sleep(0.5)  # in which all that has been asked for comes
    assert browser.script("return Array.from(document.images).filter(it => it.naturalWidth).length") < 60
    assert [bool(picture["width"]) for picture in browser.pictures()] == [True] * 60
    assert browser.is_quiet()


def test_search_finds_an_article_from_the_sidebar(browser: Browser) -> None:
    browser.open(ARTICLE)
    browser.driver.find_element("css selector", "aside input[name=q]").send_keys("语音 显卡")
    browser.driver.find_element("css selector", "aside button").click()
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    assert browser.texts("#results h2") == ["松塔实验室开源18B语音模型，一块旧显卡就能跑"]
    assert browser.texts("#results h2 mark") == ["语音", "显卡"]
    assert browser.is_quiet()
    browser.driver.find_element("css selector", "#results a").click()
    browser.wait(lambda: browser.driver.current_url == browser.url + ARTICLE)


def test_search_reads_texts_when_asked(browser: Browser) -> None:
    browser.open("/search/?q=拖拉机")
    browser.wait(lambda: browser.texts("#found") == ["标题和摘要里没有找到。到正文里找"])
    browser.driver.find_element("css selector", "#found a").click()
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    assert browser.texts("#results mark") == ["拖拉机"]
    browser.open("/search/?q=拖拉机&nothing=1")
    browser.driver.find_element("name", "full").click()
    browser.driver.find_element("css selector", "#search button").click()
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    assert browser.is_quiet()


def test_search_says_when_the_texts_have_nothing_either(browser: Browser) -> None:
    browser.open("/search/?q=没有这样的词&full=1")
    browser.wait(lambda: browser.texts("#found") == ["没有找到。"])


def test_search_ignores_case_and_width_and_takes_the_query_as_text(browser: Browser) -> None:
    browser.open("/search/?q=18b")
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    browser.open("/search/?q=１８Ｂ")
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    browser.open("/search/?q=<img src=x onerror=alert(1)>")
    browser.wait(lambda: browser.texts("#found") == ["标题和摘要里没有找到。到正文里找"])
    assert browser.is_quiet()


def test_search_goes_on_from_new_to_old(browser: Browser) -> None:
    browser.open("/search/?q=的")
    browser.wait(lambda: "找到" in "".join(browser.texts("#found")))
    years = [when[:4] for when in browser.texts("#results .when")]
    assert years == sorted(years, reverse=True)
    assert len(set(years)) >= 3
    assert browser.is_quiet()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("云脊銀行", "云脊银行在白岬设立首家渔业支行，贷款最快两小时到账"),
        ("到賬 白岬", "云脊银行在白岬设立首家渔业支行，贷款最快两小时到账"),
        ("2026-11-03 新能源", "一张表看懂：七城新能源公交的电从哪里来"),
        ("2026年11月3日 快讯", "快讯：青砚铁路货运量十月创新高"),
    ],
)
def test_search_finds_both_scripts_words_apart_and_days(browser: Browser, query: str, found: str) -> None:
    browser.open(f"/search/?q={query}")
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    assert browser.texts("#results h2") == [found]
    assert browser.script("return document.querySelector('#results img').getAttribute('src')").startswith("/pictures/")
    assert browser.is_quiet()


def test_search_works_without_its_index(browser: Browser) -> None:
    browser.open("/search/?q=拖拉机&full=1")
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    asked = browser.script("return performance.getEntriesByType('resource').map(it => it.name)")
    assert any("/search/pairs/" in url for url in asked)
    browser.open("/plain/search/?q=拖拉機&full=1")
    browser.wait(lambda: browser.texts("#found") == ["找到 1 篇。"])
    assert browser.texts("#results mark") == ["拖拉机"]
    assert browser.is_quiet()


HISTORY = f"/changes/qq/{EDITED.article_id}/"
KINDS = {
    "home": "/",
    "section": "/qq/",
    "term": "/tags/qq/",
    "taxonomy": "/tags/",
    "article": path_of(EDITED),
    "pictures": path_of(PICTURES),
    "year": f"/qq/{EDITED.published:%Y}/",
    "day": f"/qq/{EDITED.published:%Y/%m/%d}/",
    "changes": "/changes/",
    "history": HISTORY,
    "version": f"{HISTORY}{Path(FORMER).stem}/",
    "search": "/search/?q=银行",
    "404": "/404.html",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_everybody_can_use_it(browser: Browser, kind: str, scheme: str) -> None:
    axe = node_module("axe-core/axe.min.js").read_text(encoding="utf-8")
    browser.open(KINDS[kind], width=390 if scheme == "dark" else 1100, scheme=scheme)
    if kind == "search":
        browser.wait(lambda: browser.texts("#results h2"))
    browser.driver.execute_script(axe)
    found = browser.driver.execute_async_script("axe.run().then(arguments[0])")
    assert {it["id"]: [node["html"] for node in it["nodes"]] for it in found["violations"]} == {}


def test_nothing_moves_when_pictures_of_the_archive_load(browser: Browser) -> None:
    browser.open(path_of(PICTURES), width=390)
    heights = "return Array.from(document.querySelectorAll('.body img[width]'), it => it.clientHeight)"
    before = browser.script(heights)
    browser.pictures()
    assert before == browser.script(heights)
    assert min(before) > 0


def test_a_small_picture_has_no_gap_below(browser: Browser) -> None:
    browser.open(path_of(PICTURES), width=1100)
    browser.pictures()
    gap = browser.script("""
        const small = document.querySelectorAll(".body p > img")[1].getBoundingClientRect();
        return document.querySelectorAll(".body p > img")[1].parentNode.getBoundingClientRect().bottom - small.bottom;
    """)
    assert gap < 10
