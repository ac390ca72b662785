"""Teasers and challenge pages: what looks like an article and is none, or is only its beginning."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from newsarchive import read_article
from newsarchive.errors import ChallengePage, PartialArticle
from tests.conftest import Crawl, DemoSite
from tests.test_pages_refused import URL, page

WHOLE = "渡轮公司决定把末班船推迟到夜里十一点，岸边的面摊因此多开两个小时。" * 10
TEASER = WHOLE[:66]
WORDS = len(WHOLE)

PAID: list[dict[str, Any]] = [
    {"article_is_pay": True},
    {"article_is_pay": 1},
    {"article_is_pay": "1"},
    {"article_is_pay": False, "payment_column_info_v1": {"is_column_article_pay": True}},
    {"payment_column_info_v1": {"is_column_pay": True, "is_column_article_pay": "1"}},
]


def with_text(text: str, shown: str = "", **changes: Any) -> str:
    html = f'<div class="rich_media_content"><p>{shown}</p></div>' if shown else ""
    return page(html, originContent={"text": f"<p>{text}</p>", "version": "v2"}, **changes)


@pytest.mark.parametrize("marks", PAID)
@pytest.mark.parametrize("words", [WORDS, str(WORDS), None, 0, "", "many", -1])
def test_a_teaser_for_subscribers_is_no_article(marks: dict[str, Any], words: Any) -> None:
    with pytest.raises(PartialArticle, match=rf"^{URL}: for subscribers") as caught:
        read_article(with_text(TEASER, contentWordsNum=words, **marks), URL)
    assert caught.value.paid


@pytest.mark.parametrize("marks", [*PAID, {}])
def test_a_teaser_is_one_even_if_the_json_is_broken(marks: dict[str, Any]) -> None:
    head = '<meta property="og:title" content="题"><meta property="article:published_time" content="2026-11-03 09:10">'
    broken = with_text(TEASER, TEASER, head=head, **marks).replace("window.DATA = {", "window.DATA = {oops ")
    with pytest.raises(PartialArticle, match="for subscribers") if marks else nullcontext():
        read_article(broken, URL)


@pytest.mark.parametrize("marks", [*PAID, {"isOversize": True}])
def test_a_marked_page_with_its_whole_text_is_an_article(marks: dict[str, Any]) -> None:
    article = read_article(with_text(WHOLE, contentWordsNum=WORDS + 30, **marks), URL)
    assert article.text == WHOLE
    assert not article.is_short


@pytest.mark.parametrize(
    "marks",
    [
        {"article_is_pay": False},
        {"article_is_pay": "0", "payment_column_info_v1": None},
        {"payment_column_info_v1": {"is_column_pay": True}},
        {"payment_column_info_v1": "x", "isOversize": "0"},
        {},
    ],
)
def test_an_unmarked_page_is_an_article_whatever_its_length(marks: dict[str, Any]) -> None:
    article = read_article(with_text(TEASER, contentWordsNum=WORDS, **marks), URL)
    assert article.text == TEASER
    assert article.is_short, "which an alarm can see when many are"
    assert not read_article(with_text(TEASER, **marks), URL).is_short
    assert not read_article(with_text(WHOLE[: WORDS * 2 // 3], contentWordsNum=WORDS, **marks), URL).is_short


@pytest.mark.parametrize(("in_json", "in_html"), [(TEASER, WHOLE), (WHOLE, TEASER), (WHOLE, "")])
def test_of_an_oversize_page_the_longer_body_counts(in_json: str, in_html: str) -> None:
    article = read_article(with_text(in_json, in_html, contentWordsNum=WORDS, isOversize=True), URL)
    assert article.text == WHOLE
    usual = read_article(with_text(in_json, in_html, contentWordsNum=WORDS, isOversize=False), URL)
    assert usual.text == in_json


@pytest.mark.parametrize("words", [WORDS, None])
def test_an_oversize_page_that_was_cut_is_no_article(words: int | None) -> None:
    with pytest.raises(PartialArticle, match="cut by the site") as caught:
        read_article(with_text(TEASER, TEASER[:20], contentWordsNum=words, isOversize=1), URL)
    assert not caught.value.paid


def test_latin_words_count_as_words() -> None:
    text = "The ferry leaves at eleven and the noodle shop stays open for another two hours. " * 5
    assert read_article(with_text(text, contentWordsNum=75, article_is_pay=True), URL).text == text.strip()
    with pytest.raises(PartialArticle):
        read_article(with_text(text[:162], contentWordsNum=75, article_is_pay=True), URL)


@pytest.mark.parametrize(
    "title", ["安全验证", " 人机验证 ", "人机验证_腾讯新闻", "腾讯新闻-安全验证", "安全验证 - 腾讯网"]
)
def test_a_challenge_page_is_refused_whatever_else_it_holds(title: str) -> None:
    pages = [
        f"<html><head><title>{title}</title></head><body><script src='/waf.js'></script></body></html>",
        page(title=title),
        page().replace("腾讯新闻", title, 1),
        page(head=f'<meta property="og:title" content="{title}">'),
        page(originContent=None).replace("腾讯新闻", title, 1),
    ]
    for html in pages:
        with pytest.raises(ChallengePage, match="验证"):
            read_article(html, URL)


@pytest.mark.parametrize("title", ["安全验证码泄露之后", "人机验证为什么越来越难", "网站启用安全验证"])
def test_an_article_about_challenges_is_one(title: str) -> None:
    html = page(title=title, head=f'<meta property="og:title" content="{title}_腾讯新闻">').replace(
        "腾讯新闻", title, 1
    )
    assert read_article(html, URL).title == title
    about = with_text(WHOLE + "安全验证", title=title)
    assert read_article(about, URL).text.endswith("安全验证")


def test_a_run_counts_teasers_and_challenges_on_their_own(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    marks: dict[str, Any] = {"article_is_pay": True, "contentWordsNum": WORDS}
    saved = {
        "teaser": with_text(TEASER, cms_id="20261103A01ABC00", **marks),
        "cut": with_text(TEASER, cms_id="20261103A02ABC00", isOversize=True),
        "challenge": page(title="安全验证", cms_id="20261103A03ABC00"),
        "whole": with_text(WHOLE, cms_id="20261103A04ABC00", **marks),
        "short": with_text(TEASER, cms_id="20261103A05ABC00", contentWordsNum=WORDS),
    }
    for name, html in saved.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    archive = tmp_path / "archive"
    done = crawl(archive, "-a", f"replay={folder}")
    counts = done.status["last_run"]["counts"]
    expected = {
        "article/for_subscribers": 1,
        "article/cut": 1,
        "article/challenged": 1,
        "article/new": 2,
        "page/short": 1,
    }
    assert {name: counts.get(name) for name in expected} == expected
    assert "article/quarantined" not in counts
    assert "1 challenged, 1 cut, 1 for subscribers" in done.stdout
    reasons = sorted(json.loads(file.read_bytes())["reason"] for file in archive.glob("quarantine/qq/*.json"))
    assert [("for subscribers" in each, "cut by the site" in each) for each in reasons].count((False, False)) == 1
    again = crawl(archive, name="retry")
    assert again.returncode == 0, "they are expected to stay there"
    assert "3 still there" in again.stdout
    assert len(list(archive.glob("content/qq/*/*/*.md"))) == 2


def test_challenges_from_the_site_mean_that_it_refuses_us(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/rain/a/*", "challenge", times=-1)
    done = crawl(tmp_path, site=demo_site)
    counts = done.status["last_run"]["counts"]
    assert counts["article/challenged"] == counts["site/refused"] == counts["page/read"]
    assert not list(tmp_path.glob("content/*/*/*/*.md"))
