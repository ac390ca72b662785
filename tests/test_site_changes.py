"""What `make site` shows of pictures, of facts that the reference format has no place for, of edits and removals."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.awkward import article, make_site, path_of, write
from tests.changed import (
    BACK,
    BROKEN,
    CAPTIONS,
    EDITED,
    FIELDS,
    FORMER,
    MOVING,
    PICTURES,
    REMOVED,
    SMALL,
    TEXT,
    UNCHANGED,
    changes,
    write_archive,
)
from tests.nodes import node_module
from tests.test_site import Site, texts

BASE = "http://127.0.0.1:1313"
HISTORY = f"/changes/qq/{EDITED.article_id}/"
VERSION = f"{HISTORY}{Path(FORMER).stem}/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("changed")
    write_archive(folder / "archive")
    make_site(folder / "archive", folder / "public")
    return Site(folder / "public")


def test_publisher_channels_and_tags_of_the_source_are_shown_where_they_are_known(site: Site) -> None:
    (when,) = texts(site.article(EDITED), ".story > .when")
    assert "· 第一财经" in when
    assert "· 财经 · 港股" in when
    assert texts(site.article(EDITED), ".tags span") == ["银行", "<渔业>"]
    assert "第一财经" in texts(site.page("/"), ".card .when")[0]
    assert "".join(texts(site.article(UNCHANGED), ".story > .when")[0].split()[2:]) == "·qq·查看原文"


def test_the_link_to_the_source_is_beside_the_time_and_not_in_the_text(site: Site) -> None:
    page = site.article(UNCHANGED)
    (link,) = page.cssselect(".when a[rel=external]")
    assert (link.text, link.get("href")) == ("查看原文", UNCHANGED.url)
    assert texts(page, ".body p") == [UNCHANGED.body]


def test_pictures_have_their_size_and_large_ones_come_smaller(site: Site) -> None:
    pictures = site.article(PICTURES).cssselect(".body img")
    wide, small, moving, broken = pictures[:4]
    assert (wide.get("width"), wide.get("height")) == ("1600", "900")
    sources = dict(each.split(" ") for each in wide.get("srcset").split(", "))
    assert list(sources.values()) == ["672w", "1344w"]
    for path in sources:
        assert (site.public / path[1:]).read_bytes()[8:12] == b"WEBP"
    assert [(it.get("src"), it.get("width"), it.get("height")) for it in (small, moving, broken)] == [
        (SMALL, "300", "40"),
        (MOVING, "80", "45"),
        (BROKEN, None, None),
    ]
    assert all((site.public / path[1:]).stat().st_size for path in (SMALL, MOVING, BROKEN))


def test_thumbnails_of_the_archive_are_small_and_others_have_no_size(site: Site) -> None:
    cards = site.page("/").cssselect(".card img")
    local, remote = cards[3], cards[4]
    assert (local.get("width"), local.get("height"), local.get("src")[-5:]) == ("272", "182", ".webp")
    assert (remote.get("width"), remote.get("height"), remote.get("src")) == (None, None, UNCHANGED.thumbnail)


def test_captions_are_told_from_text(site: Site) -> None:
    page = site.article(PICTURES)
    assert texts(page, "figure figcaption") == [caption.strip("*") for caption in CAPTIONS]
    assert [it for it in texts(page, ".body > p") if it not in ("", "文字在后。")] == [it.strip("*") for it in TEXT]


def test_articles_have_marks_with_the_time_in_lists_and_on_their_page(site: Site) -> None:
    edited, removed = ["已修改 2026-11-05 18:00"], ["原站已删除 2026-11-07 04:02"]
    cards = {card.cssselect("h2 a")[0].get("href"): card for card in site.page("/qq/").cssselect(".card")}
    for each, expected in [(EDITED, edited), (REMOVED, removed), (BACK, []), (UNCHANGED, [])]:
        assert texts(site.article(each), ".story .mark") == expected
        assert texts(cards[path_of(each)], ".mark") == expected
    assert site.article(EDITED).cssselect(".mark")[0].get("href") == HISTORY


def test_an_article_has_a_page_with_its_versions_and_the_difference(site: Site) -> None:
    page = site.page(HISTORY)
    assert texts(page, "del") == ["<冷>"]
    assert texts(page, "ins") == ["热"]
    assert texts(page, ".difference") == ["第0号…人卖<冷>热豆浆。"]
    assert texts(page, ".changed .when") == ["已修改 2026-11-05 18:00 · 标题、正文 · 增 1 字，删 1 字"]
    assert texts(page, ".versions li") == ["存档于 2026-11-05 18:00", "存档于 2026-11-04 08:15"]
    assert [it.get("href") for it in page.cssselect(".versions a")] == [VERSION]
    former = site.page(VERSION)
    assert texts(former, "h1") == ["旧的标题"]
    assert texts(former, ".body p") == ["码头上有人卖冷豆浆。"]
    assert {path_of(EDITED), HISTORY} <= {it.get("href") for it in former.cssselect(".former a")}


def test_former_versions_are_in_no_list_feed_sitemap_or_search(site: Site) -> None:
    for path in (HISTORY, VERSION):
        assert site.page(path).cssselect("meta[name=robots]")[0].get("content") == "noindex"
    assert not site.article(EDITED).cssselect("meta[name=robots]")
    files = [file for file in site.public.rglob("*") if file.is_file()]
    named = [file for file in files if "旧的标题" in file.read_text("utf-8", "replace")]
    assert named == [site.public / VERSION[1:] / "index.html"]
    assert VERSION not in site.read("/sitemap.xml")
    assert HISTORY not in site.read("/sitemap.xml")
    assert len(site.page("/").cssselect(".card")) == 5


def test_all_changes_are_listed_and_have_a_feed(site: Site) -> None:
    page = site.page("/changes/")
    said = [f"{mark} {title}" for mark, title in zip(texts(page, ".mark"), texts(page, ".changed h2"), strict=True)]
    assert said == [
        f"原站已恢复 2026-11-07 09:00 {BACK.title}",
        f"原站已删除 2026-11-07 04:02 {REMOVED.title}",
        f"原站已删除 2026-11-07 04:02 {BACK.title}",
        f"已修改 2026-11-05 18:00 {EDITED.title}",
    ]
    items = list(ET.fromstring(site.read("/changes/index.xml")).iter("item"))
    assert [it.findtext("title") for it in items] == [
        f"原站已恢复：{BACK.title}",
        f"原站已删除：{REMOVED.title}",
        f"原站已删除：{BACK.title}",
        f"已修改：{EDITED.title}",
    ]
    assert items[-1].findtext("link") == BASE + HISTORY
    assert items[-1].findtext("pubDate") == "Thu, 05 Nov 2026 18:00:00 +0800"
    assert "<del>&lt;冷&gt;</del><ins>热</ins>" in str(items[-1].findtext("description"))
    assert len({it.findtext("guid") for it in items}) == len(changes())


def test_machines_learn_what_an_article_is(site: Site) -> None:
    page = site.article(EDITED)
    said = {it.get("property") or it.get("name"): it.get("content") for it in page.cssselect("meta")}
    assert page.cssselect("link[rel=canonical]")[0].get("href") == EDITED.url
    assert said["og:type"] == "article"
    assert said["og:url"] == BASE + path_of(EDITED)
    assert said["og:image"] == EDITED.thumbnail
    assert said["twitter:card"] == "summary_large_image"
    assert said["article:published_time"] == EDITED.published.isoformat()
    assert said["article:modified_time"] == "2026-11-05T18:00:00+08:00"
    news = json.loads(page.cssselect("script[type='application/ld+json']")[0].text)
    assert (news["@type"], news["headline"], news["isBasedOn"]) == ("NewsArticle", EDITED.title, EDITED.url)
    assert news["datePublished"] == said["article:published_time"]
    assert news["dateModified"] == said["article:modified_time"]
    assert news["author"]["name"] == FIELDS["author"]
    assert not site.page("/").cssselect("link[rel=canonical]")


def test_the_feed_has_the_whole_text_and_a_link_to_it_is_visible(site: Site) -> None:
    items = list(ET.fromstring(site.read("/index.xml")).iter("item"))
    whole = [str(it.findtext("{http://purl.org/rss/1.0/modules/content/}encoded")) for it in items]
    assert whole[4].strip() == f"<p>{UNCHANGED.body}</p>"
    assert f'<img src="{BASE}{SMALL}"' in whole[3]
    assert site.page("/").cssselect("header a[href='/index.xml']")


def test_a_source_has_pages_by_year_month_and_day(site: Site) -> None:
    day = f"/qq/{UNCHANGED.published:%Y/%m/%d}/"
    of_day = [each for each in (article(number) for number in range(5)) if f"{each.published:%Y/%m/%d}" in day]
    page = site.page(day)
    assert [it.get("href") for it in page.cssselect(".day a:not(.mark)")] == [path_of(each) for each in of_day]
    assert texts(page, ".day li > time") == [f"{each.published:%H:%M}" for each in of_day]
    month, year = day[:-3], day[:-6]
    assert [it.get("href") for it in page.cssselect("main nav a")] == ["/qq/", year, month]
    for path in (month, year):
        links = {it.cssselect("a")[0].get("href"): texts(it, "span") for it in site.page(path).cssselect(".dates dd")}
        assert links[day] == [str(len(of_day))]
    days = {str(file.parent.relative_to(site.public)) for file in site.public.glob("qq/*/*/??/index.html")}
    assert days == {f"qq/{each.published:%Y/%m/%d}" for each in (article(number) for number in range(5))}
    assert year in [it.get("href") for it in site.page("/").cssselect("nav.years a")]
    assert day in [it.get("href") for it in site.article(UNCHANGED).cssselect(".when a")]
    assert "/dates" not in site.read("/sitemap.xml")


def test_an_archive_without_changes_has_the_page_too(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive")
    (tmp_path / "archive" / "changes.json").unlink()
    shutil.rmtree(tmp_path / "archive" / "revisions")
    make_site(tmp_path / "archive", tmp_path / "public")
    site = Site(tmp_path / "public")
    assert texts(site.page("/changes/"), "main p")[-1] == "还没有修改或删除。"
    assert not site.page("/").cssselect(".mark")
    lastmod = site.article(EDITED).cssselect("meta[property='article:modified_time']")[0].get("content")
    assert lastmod == "2026-11-05T17:59:00+08:00"


def test_the_html_is_valid(site: Site) -> None:
    command = [str(node_module(".bin/html-validate")), "--preset", "standard", f"{site.public}/**/*.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_long_list_is_small_and_can_be_jumped_in(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive")
    for number in range(10, 50):
        each = article(number, title="很长的标题" * 6, summary="很长的摘要" * 10)
        write(tmp_path / "archive", each)
    for number in range(50, 700):  # thirty pages
        write(tmp_path / "archive", article(number))
    make_site(tmp_path / "archive", tmp_path / "public")
    site = Site(tmp_path / "public")
    assert texts(site.page("/page/12/"), "main nav.pages a") == ["最新", "2", "较新", "较早", "22", "最早"]
    for path in ("index.html", "qq/index.html", "changes/index.html"):
        assert (tmp_path / "public" / path).stat().st_size < 100_000
