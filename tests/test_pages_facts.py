"""Who published an article, where the site has it and with which tags: facts that a page may lack."""

from __future__ import annotations

import json

import pytest

from newsarchive import Article, read_article
from tests.test_pages import PAGES

URL = "https://new.qq.com/rain/a/20261031A00AB100"


def modern(head: str = "", /, **data: object) -> Article:
    content = {"version": "v2", "text": "<p>一段足够长的正文，写在这里。</p>"}
    values = {"title": "题目", "pubtime": "2026-10-31 08:00:00", "originContent": content} | data
    return read_article(f"<head>{head}</head><script>window.DATA = {json.dumps(values)};</script>", url=URL)


def facts(article: Article) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return article.publisher, article.channels, article.site_tags


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("F1/gb2312_list", ("观察", ("栏目",), ())),
        ("F2/drawn_player", ("清河晚报", ("social",), ("渡口", "夏天"))),
        ("F4/origin_content_v1", ("清河晚报", ("tech",), ())),
        ("F5/gif", ("清河晚报", ("tech",), ("演示",))),
    ],
)
def test_facts_of_each_family(folder: str, expected: object) -> None:
    assert facts(read_article((PAGES / "qq" / folder / "page.html").read_bytes(), url=URL)) == expected


def test_facts_of_a_pages_json() -> None:
    data = {
        "media": "某报&amp;社",
        "catalog1": "finance",
        "catalog2": "finance_stock",
        "tags": "河水, 渡口,河水,，夏天",
    }
    assert facts(modern(**data)) == ("某报&社", ("finance",), ("河水", "渡口", "夏天"))


def test_facts_of_a_pages_head() -> None:
    head = (
        '<meta name="keywords" content="Qwen3,智能"><meta property="article:author" content="某报">'
        '<meta property="category" content="tech">'
    )
    assert facts(modern(head)) == ("某报", ("tech",), ("Qwen3", "智能"))
    assert facts(modern(head, card={"chlname": "账号"}, tags="")) == ("账号", ("tech",), ())


def test_only_the_first_whole_tag_of_a_name_counts() -> None:
    twice = '<meta name="category" content=""><meta name="category" content="a > b"><meta name="category" content="c">'
    assert modern(twice).channels == ("a > b",)
    author, others = '<meta property="article:author" content="某报">', ("a>", 'b">')
    head = author.join(f'<meta name="category" content="{other}' for other in others)
    assert facts(modern(head)) == ("某报", ("b",), ())
    pictures = '<meta content="https://x.cn/1" property=og:image><meta property="og:image" content="https://x.cn/2">'
    assert modern(pictures).thumbnail == "https://x.cn/1"


@pytest.mark.parametrize(
    "data", [{}, {"media": None, "catalog1": [], "tags": {}, "card": "x"}, {"media": True, "card": {"chlname": []}}]
)
def test_a_page_may_lack_facts(data: dict[str, object]) -> None:
    assert facts(modern(**data)) == ("", (), ())


def test_keywords_that_begin_with_the_title() -> None:
    head = '<meta name="keywords" content="题目,渡口"><meta name="author" content="x">'
    assert modern(head).site_tags == ("渡口",)
    assert modern(head, title="题").site_tags == ("题目", "渡口")


def test_facts_are_one_line_and_limited() -> None:
    found = modern(media="一\n二\x00", tags=",".join(f"标签{n}" for n in range(10_000)))
    assert found.publisher == "一 二"
    assert sum(map(len, found.site_tags)) < 1_000
