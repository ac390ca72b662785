"""Pages that are no whole article are refused with a reason that names URL, field and what was expected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newsarchive import read_article, render
from newsarchive.errors import MissingField, NotAnArticle, PageError, PartialArticle, UnknownPage

URL = "https://new.qq.com/rain/a/20261103A01ABC00"
TEXT = "<p>江城新桥今天合龙，通车时间定在明年春天。</p>"


def data(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "cms_id": "20261103A01ABC00",
        "article_type": "0",
        "title": "江城新桥合龙",
        "pubtime": "2026-11-03 09:10:11",
        "originContent": {"text": TEXT, "version": "v2"},
        "originAttribute": {},
    }
    return {key: value for key, value in (usual | changes).items() if value is not None}


def page(shown: str = "", head: str = "", **changes: Any) -> str:
    script = json.dumps(data(**changes), ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return (
        f"<html><head><title>腾讯新闻</title>{head}<script>\n window.DATA = {script};\n</script></head>"
        f'<body><h1 id="article-title"></h1><div id="article-content">{shown}</div></body></html>'
    )


def test_a_whole_page_is_read() -> None:
    assert read_article(page()).body == "江城新桥今天合龙，通车时间定在明年春天。"


@pytest.mark.parametrize(
    "html",
    [
        "",
        " ",
        "<html></html>",
        "not html at all",
        "<html><body><div id='__next'><article><p>" + "新版式" * 100 + "</p></article></div></body></html>",
        b"\x00\xff\xfe\x80" * 50,
    ],
)
def test_a_page_that_no_family_claims(html: str | bytes) -> None:
    with pytest.raises(UnknownPage, match="no page family claims it") as caught:
        read_article(html, URL)
    assert URL in str(caught.value)


def test_the_reason_tells_that_an_article_is_for_subscribers() -> None:
    empty = {"text": "", "version": "v2"}
    with pytest.raises(PartialArticle, match="for subscribers: there is no text"):
        read_article(page(originContent=empty, article_is_pay=True), URL)
    with pytest.raises(MissingField, match=r"where family F5 has its body$"):
        read_article(page(originContent=empty, article_is_pay=False), URL)


def test_the_reason_tells_the_pages_title() -> None:
    with pytest.raises(UnknownPage, match="系统维护"):
        read_article("<title> 系统维护 </title>", URL)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": None}, "title"),
        ({"title": " \u3000 "}, "title"),
        ({"pubtime": None}, "publish time"),
        ({"pubtime": "刚刚"}, "publish time"),
        ({"pubtime": "0000-00-00 00:00:00"}, "publish time"),
        ({"pubtime": "1970-01-01 08:00:00"}, "publish time"),
        ({"pubtime": "2026-13-03 09:10:11"}, "publish time"),
        ({"originContent": None}, "body"),
        ({"originContent": {"text": "", "version": "v2"}}, "body"),
        ({"originContent": {"text": "<p> \u00a0</p><!--EOP_0--><style>p{}</style>", "version": "v2"}}, "body"),
        ({"originContent": ["a list"]}, "body"),
    ],
)
def test_a_missing_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MissingField, match=f"no {field}: expected") as caught:
        read_article(page(**changes), URL)
    assert caught.value.url == URL
    assert caught.value.field == field


def test_a_page_that_does_not_say_which_article_it_is() -> None:
    with pytest.raises(MissingField, match="no id"):
        read_article(page(cms_id=None))
    assert read_article(page(cms_id=None), URL).article_id == "20261103A01ABC00"
    assert read_article(page(cms_id="../../etc", cmsId="20261103A02ABC00"), URL).article_id == "20261103A02ABC00"


def test_a_picture_that_the_json_does_not_have_is_a_fault_not_a_gap() -> None:
    origin = {"text": TEXT + "<p><!--IMG_0--></p>", "version": "v2"}
    with pytest.raises(MissingField, match="IMG_0"):
        read_article(page(originContent=origin), URL)
    shown = f'<div class="rich_media_content">{TEXT}<p><img src="https://inews.gtimg.com/om_bt/Ok/641"></p></div>'
    assert len(read_article(page(shown, originContent=origin), URL).pictures) == 1, "the HTML has it"


def test_a_body_of_more_elements_than_an_article_has_is_refused() -> None:
    deep = "<section>" * 20_000 + TEXT + "</section>" * 20_000
    assert "江城新桥" in read_article(page(originContent={"text": deep, "version": "v2"}), URL).body
    for long in ("<section>" * 60_000, "<b><p>" * 50_000, f"<p><b class={'x' * 9999}>" + "<p>x" * 5000):
        with pytest.raises(MissingField, match="too large for an article"):
            read_article(page(originContent={"text": long, "version": "v2"}), URL)


@pytest.mark.parametrize("changes", [{"article_type": "56"}, {"atype": "56"}, {"article_type": 4}])
def test_a_videos_page(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAnArticle, match="video") as caught:
        read_article(page(**changes), URL)
    assert not caught.value.gone


@pytest.mark.parametrize("deleted", [1, "1", True])
def test_a_page_that_says_that_it_was_removed(deleted: object) -> None:
    with pytest.raises(NotAnArticle, match="removed") as caught:
        read_article(page(is_deleted=deleted), URL)
    assert caught.value.gone
    assert read_article(page(is_deleted=0), URL).title == "江城新桥合龙"


def test_broken_json_falls_back_to_the_html() -> None:
    shown = f'<div class="rich_media_content">{TEXT}</div>'
    head = (
        '<meta property="og:title" content="江城新桥合龙_腾讯新闻">'
        '<meta property="article:published_time" content="2026-11-03 09:10:11">'
        '<meta property="og:url" content="https://news.qq.com/rain/a/20261103A01ABC00">'
    )
    whole = page(shown, head)
    broken = whole.replace("window.DATA = {", "window.DATA = {oops ", 1)
    assert render(read_article(broken)) == render(read_article(whole))
    cut = whole.replace('"version": "v2"', '"version": "v2', 1)
    assert render(read_article(cut)) == render(read_article(whole))


def test_a_body_that_contains_the_end_of_the_json() -> None:
    text = "<p>代码写着 var a = {}; window.DATA = {b: 1};</p>"
    article = read_article(page(originContent={"text": text, "version": "v2"}))
    assert article.text == "代码写着 var a = {}; window.DATA = {b: 1};"


def test_text_before_and_after_style_sheets_stays() -> None:
    text = (
        f"<STYLE type='text/css'>p > a {{}}</STYLE >{TEXT}<style>@import 'x'</style><p>后记。</p></style><p>又及。</p>"
    )
    assert read_article(page(originContent={"text": text, "version": "v2"})).text.endswith("春天。后记。又及。")


def test_a_title_with_entities_and_a_bare_ampersand() -> None:
    assert (
        read_article(page(title="甲&amp;乙 &quot;丙&quot; A&B &#39;丁&#39; &nosuch;")).title
        == "甲&乙 \"丙\" A&B '丁' &nosuch;"
    )


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ('<meta property="og:title" content="专访_姚明_腾讯新闻">', "专访_姚明"),
        ("<title>专访_姚明_腾讯新闻</title>", "专访_姚明"),
        ("<TITLE data-x> 甲&amp;乙_腾讯新闻 </TITLE>", "甲&乙"),
    ],
)
def test_a_title_that_only_the_head_has(head: str, title: str) -> None:
    html = page(title=None).replace("<title>腾讯新闻</title>", head)
    promotion = '<h1 class="title">全新首页 焕新登场</h1><h1 id="article-title">'
    assert read_article(html.replace('<h1 id="article-title">', promotion), URL).title == title


def test_a_title_that_only_the_body_has() -> None:
    promotion = '<h1 class="title">全新首页 焕新登场</h1><h1 id="article-title">'
    html = page(title=None).replace('<h1 id="article-title">', promotion)
    with pytest.raises(MissingField, match="no title"):
        read_article(html, URL)
    assert read_article(html.replace("</h1><div", "专访_姚明</h1><div"), URL).title == "专访_姚明"
    old = html.replace(promotion, '<h1>登场</h1><div class="LEFT"><h1>旧题</h1></div><h1>').replace('"v2"', '"v1"')
    assert read_article(old.replace('id="article-content"', 'id="ArticleContent"'), URL).title == "旧题"


def test_an_entity_of_thousands_of_digits_is_text() -> None:
    odd = f"甲&#{'9' * 4301};"
    assert read_article(page(title=odd)).title == odd
    assert read_article(page(title=None, head=f'<meta property="og:title" content="{odd}">')).title == odd
    picture = read_article(page(head=f'<meta property="og:image" content="https://x.cn/{odd}">')).thumbnail
    assert picture == f"https://x.cn/{odd}"


def test_a_title_of_any_size_reads_and_renders() -> None:
    title = "“长”\\\n" * 2000
    assert '\ntitle: "' in render(read_article(page(title=title)))


def test_unknown_keys_and_placeholders_are_told() -> None:
    origin = {"text": TEXT + "<!--AUDIO_0--><!--EOP_1-->", "version": "v2"}
    assert read_article(page(newKey=1, originContent=origin)).unknown_keys == ("newKey", "<!--AUDIO_n-->")


def test_bytes_and_text_give_the_same() -> None:
    assert read_article(page().encode()) == read_article(page())
    assert read_article(b"\xef\xbb\xbf" + page().encode()) == read_article(page())


@pytest.mark.parametrize("wrong", [None, 3, "text", ["list"], {"text": 5}, {"text": None}, {"text": ["x"]}])
@pytest.mark.parametrize("key", ["originContent", "originAttribute", "title", "pubtime", "cms_id", "article_type"])
def test_values_of_the_wrong_type_are_no_crash(key: str, wrong: object) -> None:
    try:
        changes: dict[str, Any] = {key: wrong}
        article = read_article(page(**changes), URL)
    except PageError as error:
        reason = str(error)
    else:
        reason = article.url
    assert URL in reason
