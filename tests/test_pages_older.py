"""The templates of former years, and pages on which templates of two times meet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newsarchive import read_article
from newsarchive.errors import MissingField, PartialArticle
from tests.test_pages_odd import OLD_URL, body, dated, oldest, served, shown
from tests.test_pages_refused import TEXT, URL, page


@pytest.mark.parametrize("chrome", ["<p>页脚", "<script>'<p>'</script>", "</p></section></b>", "<ul><li><p>甲<p>乙"])
def test_what_is_around_a_body_does_not_change_it(chrome: str) -> None:
    text = "<p>甲<ul><li>乙</li></ul>丙</p><span>丁</span>"
    around = (
        served(text).replace("</body>", f"{chrome}</body>").replace('<div class="main', f'{chrome}<div class="main')
    )
    assert read_article(around).body == body(text) == "甲\n\n- 乙\n\n丙\n\n丁"


@pytest.mark.parametrize(
    ("info", "title"),
    [
        ("title:'旧桥',\npubtime:'2019-09-23 07:48'", "旧桥"),
        ("'title':'旧桥','pubtime':'2019-09-23 07:48'", "旧桥"),
        ('"title" : "旧桥", "pubtime" : "2019-09-23 07:48"', "旧桥"),
        (r"pubtime:'2019年09月23日07:48', title:'It\'s \"旧桥\"'", 'It\'s "旧桥"'),
    ],
)
def test_the_fields_of_the_oldest_pages(info: str, title: str) -> None:
    article = read_article(dated(info, title="").encode("gb18030"), OLD_URL)
    assert (article.title, str(article.published)) == (title, "2019-09-23 07:48:00+08:00")


@pytest.mark.parametrize(
    ("time", "published"),
    [
        ("2019-09-23 07:48", "2019-09-23 07:48:00"),
        ("2019-9-3 7:48:05.0", "2019-09-03 07:48:05"),
        ("2019/09/23 07:48:05", "2019-09-23 07:48:05"),
        ("2019年09月23日07:48", "2019-09-23 07:48:00"),
        ("2019年9月23日 07:48", "2019-09-23 07:48:00"),
        ("2019-09-23T07:48:05+08:00", "2019-09-23 07:48:05"),
        ("2019-09-22T23:48:05Z", "2019-09-23 07:48:05"),
        ("2019-09-22T23:48:05.000-0000", "2019-09-23 07:48:05"),
    ],
)
def test_the_forms_of_a_time(time: str, published: str) -> None:
    for name in ("a_time", "pubTime"):
        article = read_article(dated(time=f"<span class='{name}'> {time} </span>"), OLD_URL)
        assert str(article.published) == f"{published}+08:00"
    meta = f'<meta property="article:published_time" content="{time}">'
    assert str(read_article(page(head=meta, pubtime=None)).published) == f"{published}+08:00"


@pytest.mark.parametrize(
    "time", ["2019-09-23", "2019-13-23 07:48", "0001-01-01T00:00:00+23:59", "2019-09-23 07:48+99:00"]
)
def test_what_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(MissingField, match="no publish time"):
        read_article(page(pubtime=time), URL)


def test_chinese_of_the_oldest_pages_without_a_word_about_it() -> None:
    old = dated(time="<span class='a_time'>2019-09-23 07:48</span>")
    assert read_article(old.encode("gb18030"), OLD_URL).body == "老桥还在。"
    broken = old.replace("<title>", '<script charset="gb2312"></script><title>').encode() + b"\xe6"
    assert read_article(broken, OLD_URL).title == "江城旧桥"


def test_a_page_that_was_cut_is_refused_where_its_end_matters() -> None:
    whole = served(TEXT + "<p>最后一段。</p>")
    with pytest.raises(MissingField, match="a part of it was lost"):
        read_article(whole[: whole.index("最后")], URL)


# which container, and which template


def between(*inner: str) -> str:
    """A page of family F2 or F3 with these beside each other where its body stands."""
    return served("§").replace('<div class="content-article">§</div>', "".join(inner))


def drawn(inner: str, **changes: Any) -> str:
    """A page of family F4 that a browser has saved."""
    empty = {"text": "", "version": "v1"}
    return page(originContent=empty, **changes).replace(
        '<div id="article-content">', f'<div id="ArticleContent">{inner}'
    )


def with_origin(html: str, origin: object) -> str:
    return html.replace("window.DATA = {", f'window.DATA = {{"originContent": {json.dumps(origin)}, "title": "题", ')


FULL = "江城新桥今天合龙，通车时间定在明年春天。"
EMPTY = "<div class='content-article'> </div>"


WRAP = "<div class='article-content-wrap'>{}</div>"


@pytest.mark.parametrize(
    ("html", "family"),
    [
        (page(shown(" <style>p{}</style>") + WRAP.format(TEXT), originContent=None), "F5"),
        (drawn(WRAP.format(TEXT)).replace('"v1"', '"v2"'), "F5"),
        (drawn(WRAP.format("") + shown(TEXT)), "F4"),
        (drawn(shown(TEXT)), "F4"),
        (
            drawn(
                f"<div class='qnt-p'>{FULL}</div><div class='image-carousel'>图</div><div id='Status'>声明</div>热榜"
            ),
            "F4",
        ),
    ],
)
def test_the_next_container_is_tried_while_one_holds_nothing(html: str, family: str) -> None:
    article = read_article(html)
    assert (article.body, article.family) == (FULL, family)


AROUND = "<div class='comps-contentify-wrap'>{}<button>展开</button><div>打开APP阅读全文</div></div>"


@pytest.mark.parametrize(
    "html",
    [
        page(f'<div id="article-content">{AROUND.format(WRAP.format(" "))}</div>', originContent=None),
        between(EMPTY, TEXT),
    ],
)
def test_what_stands_around_an_empty_body_is_none(html: str) -> None:
    with pytest.raises(MissingField, match="no body"):
        read_article(html, URL)


def test_a_lead_beside_the_body_comes_before_it() -> None:
    lead, article = "<div class='introduction'> 导语。</div>", f"<div class='content-article'>开头{TEXT}</div>"
    assert read_article(between(lead, article)).body == f"导语。\n\n开头\n\n{FULL}"
    assert read_article(between(article, lead)).body == f"导语。\n\n开头\n\n{FULL}"
    with pytest.raises(MissingField, match="no body"):
        read_article(between(lead, EMPTY), URL)


def test_a_lead_alone_is_no_body() -> None:
    origin = {"text": "", "version": "v1"}
    with pytest.raises(MissingField, match=r"where family F4 has its body$"):
        read_article(with_origin(between("<div class='introduction'>导语。</div>", EMPTY), origin), URL)


@pytest.mark.parametrize(
    "origin",
    [None, {}, {"text": "", "version": "v1"}, {"text": "", "version": "v2"}, {"text": "<!--IMG_7-->", "version": "v1"}],
)
def test_a_page_that_an_older_template_serves_whole(origin: object) -> None:
    for html in (served(TEXT), between(TEXT)):
        article = read_article(with_origin(html, origin))
        assert (article.body, article.family) == (FULL, "F2")
    article = read_article(with_origin("<script>window.DATA = {}</script>" + oldest(TEXT), origin), OLD_URL)
    assert (article.body, article.family) == (FULL, "F1")


@pytest.mark.parametrize("around", ["<div id='ArticleContent'></div>", "<div id=article-content></div>"])
def test_a_newer_template_without_a_body_is_refused(around: str) -> None:
    html = with_origin(served(TEXT + around), {"text": "<!--IMG_7-->", "version": "v1"})
    with pytest.raises(MissingField, match=r"no entry for the placeholder IMG_7$"):
        read_article(html, URL)


ASKS = "<div class='pay'>订阅后阅读全文</div>"
WRAPPED = "<div class='comps-contentify-wrap'>" + shown("") + ASKS + "</div>"
NOTHING = {"text": "", "version": "v2"}


@pytest.mark.parametrize(
    "html",
    [
        page(
            "<div class='comps-contentify-wrap'>" + shown("") + ASKS + "</div>",
            originContent=NOTHING,
            article_is_pay=True,
        ),
        with_origin(between(ASKS), None).replace("null", 'null, "article_is_pay": true', 1),
    ],
)
def test_what_asks_for_a_subscription_is_no_body(html: str) -> None:
    with pytest.raises(PartialArticle, match="for subscribers: there is no text"):
        read_article(html, URL)


@pytest.mark.parametrize("after", ["<p>相关阅读</p>", "更多", "<script>var recommended = 1;</script>"])
def test_nothing_after_the_status_belongs_to_an_older_body(after: str) -> None:
    end = f"<div id='Status'><p>声明</p></div>{after}<ul><li>热榜</li></ul>"
    for html in (served(TEXT + end), between(TEXT, end), between(f"<div class='content-article'>{TEXT}</div>", end)):
        assert read_article(html).body == FULL
    assert read_article(oldest(TEXT + end), OLD_URL).body == FULL


def test_the_button_that_shares_a_picture_is_no_text() -> None:
    button = "<div class='mbArticleShareBtn'><span>转播</span></div>"
    picture = f"<div class='mbArticleSharePic'>{button}<img src='//x.cn/1'></div>"
    assert read_article(oldest(picture), OLD_URL).body == "![图片](https://x.cn/1)"
    assert body("<div class='mbArticleShareBtn'>甲</div>") == "甲"


def test_a_video_that_a_script_after_the_status_names_is_the_bodys() -> None:
    end = "<div id='Status'>声明</div><p>推荐</p><script>videoArr.push({vid:'k30n5noodle'})</script>"
    assert read_article(served(TEXT + end)).body == f"{FULL}\n\n[视频](https://v.qq.com/x/page/k30n5noodle.html)"


def test_the_last_status_ends_the_body_however_deep_it_stands() -> None:
    status = "<div><div id='Status'>声明</div>评论</div>"
    assert read_article(served(f"{TEXT}<div id='Status'></div><p>续</p>{status}<p>推荐</p>")).body == f"{FULL}\n\n续"


@pytest.mark.parametrize("how", ["style='display:none'", "hidden"])
def test_a_hidden_lead_is_none(how: str) -> None:
    lead = f"<div class='introduction' {how}>导语。</div>"
    assert read_article(between(lead, f"<div class='content-article'>{TEXT}</div>")).body == FULL


def test_the_hidden_words_that_end_the_oldest_bodies_are_no_text() -> None:
    words = '<span style="width:0;height:0;overflow:hidden;display:block;font:0/0 Arial">正文已结束</span>'
    article = read_article(oldest(f"<p class='text'>甲</p>{words}"), OLD_URL)
    assert (article.body, article.text) == ("甲", "甲")
