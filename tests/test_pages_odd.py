"""Odd markup that the site or an author may write: nothing is lost, nothing is invented."""

from __future__ import annotations

from typing import Any

import pytest

from newsarchive import read_article
from newsarchive.errors import BadArgument, MissingField, UnknownPage
from newsarchive.qq.urls import article_id, says_gone
from tests.test_pages_refused import TEXT, URL, page

PICTURE = {"IMG_0": {"url": "https://inews.gtimg.com/om_bt/Ok/641"}}
IMAGE = "![图片](https://inews.gtimg.com/om_bt/Ok/641)"


def body(text: str, **attributes: Any) -> str:
    origin = {"text": text, "version": "v2"}
    return read_article(page(originContent=origin, originAttribute=PICTURE | attributes)).body


def served(inner: str) -> str:
    return page(originContent=None).replace('<div id="article-content"></div></body></html>', "") + (
        f'<div class="main LEFT"><div class="content clearfix"><div class="content-article">{inner}</div></div></div>'
        "</body></html>"
    )


OLD_URL = "https://finance.qq.com/a/20190923/000843.htm"


def dated(info: str = "", title: str = "江城旧桥", time: str = "") -> str:
    return (
        f"<html><head><title></title><script>ARTICLE_INFO = window.ARTICLE_INFO || {{ {info} }}</script></head>"
        f"<body><div class='qq_article'><div class='hd'><h1>{title}</h1>{time}</div>"
        "<div id='Cnt-Main-Article-QQ'><p class='text'>老桥还在。</p></div></div></BODY></HTML>"
    )


def oldest(inner: str) -> str:
    """A page of family F1 with this as its body."""
    whole = dated(time="<span class='a_time'>2019-09-23 07:48</span>")
    return whole.replace("<p class='text'>老桥还在。</p>", inner)


def described(desc: str, after: str) -> str:
    return body(f"<p><!--IMG_0--></p>{after}", IMG_0=PICTURE["IMG_0"] | {"desc": desc})


def shown(html: str, **changes: Any) -> str:
    return f'<div class="rich_media_content">{html}</div>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<p>前</p><embed src="https://v.cn/x.swf"><p>甲</p><p>乙</p>',
            "前\n\n[视频](https://v.cn/x.swf)\n\n甲\n\n乙",
        ),
        ('<p>前<embed src="https://v.cn/x.swf">中<b>粗</b>后</p>', "前\n\n[视频](https://v.cn/x.swf)\n\n中**粗**后"),
        ("<p>长<wbr>词<wbr>尾</p>", "长词尾"),
        ("<h2><p>甲</p></h2><p>乙</p>", "## 甲\n\n乙"),
        ("<b><p>甲</p><p>乙</p></b>", "**甲**\n\n**乙**"),
        ("<i><p>甲</p></i>", "*甲*"),
        ("<p>甲<h2>乙</h2>丙</p>丁", "甲\n\n## 乙\n\n丙\n\n丁"),
        ("<p>甲<ul><li>乙</li></ul>丙</p>丁", "甲\n\n- 乙\n\n丙\n\n丁"),
        ("<P>甲<P>乙<BLOCKQUOTE>丙</BLOCKQUOTE>", "甲\n\n乙\n\n> 丙"),
        ("<p>甲<p>乙<h2>丙</h2><p>丁", "甲\n\n乙\n\n## 丙\n\n丁"),
        ("<style-x>乙</style-x>", "乙"),
        ("<!-- <style> --><p>乙</p><style>p{}</style><p>丙</p>", "乙\n\n丙"),
        (f"<p>甲</p><style>{'p{} /* / */' * 100}</style><p>乙</p>", "甲\n\n乙"),
        ("<p title='<style>'>甲</p><p>乙</p>", "甲\n\n乙"),
        ("<p title='<style>'>甲</p><p>乙</p><style>p{}</style><p>丙</p>", "甲\n\n乙\n\n丙"),
        ("<p>甲</p><style>p{}</STYLE><p>乙</p><style>p{}</style><p>丙</p>", "甲\n\n乙\n\n丙"),
        ("<p>甲</p><style>p{}<p>乙</p><style>p{}</style><p>丙</p>", "甲\n\n丙"),
        ("<p>甲</p><style/><p>乙</p><style>p{}</style><p>丙</p>", "甲\n\n丙"),
        ("<p>甲</p><p hidden>水印</p><p style='DISPLAY : none'>水印</p>", "甲"),
        ("<p>甲\0乙</p>", "甲乙"),
        (
            "<p>甲<span style='top:0;display: block'>乙</span><span style='DISPLAY:block!important'>丙</span>丁</p>",
            "甲\n\n乙\n\n丙\n\n丁",
        ),
        (
            "<p>甲<span style='display:inline-block'>乙</span><span style='--x-display:block'>丙</span>丁</p>",
            "甲乙丙丁",
        ),
        ("<pre><span style='display:block'>a</span><span style='display:block'>b</span></pre>", "```\na\nb\n```"),
        (
            '<div class="qnt-video"><video src="https://v.cn/a.mp4"></video></div><p>乙</p>',
            "[视频](https://v.cn/a.mp4)\n\n乙",
        ),
        # as browsers read what is closed wrongly
        ("<p>甲</br>乙</p>", "甲  \n乙"),
        ("甲</p>乙", "甲\n\n乙"),
        ("<p/>甲<p/>乙", "甲\n\n乙"),
        ("<p>零<p>甲<ul><li>乙</li></ul>丙</p>丁", "零\n\n甲\n\n- 乙\n\n丙\n\n丁"),
        ("<p>甲<div>乙</p>丙</div>丁", "甲\n\n乙\n\n丙\n\n丁"),
        ("<ul><li><p>甲<li><p>乙</ul>丙", "- 甲\n- 乙\n\n丙"),
        ("<table><tr><td><p>甲<td><p>乙<tr><td>丙</table>丁", "| 甲 | 乙 |\n| --- | --- |\n| 丙 |\n\n丁"),
        ("<table><tr><td>甲</div>乙<td>丙</table>", "| 甲乙 | 丙 |\n| --- | --- |"),
        ("<p>甲</span>乙</div>丙</p>", "甲乙丙"),
        ("<span><p>甲</span>乙</p>丙", "甲乙\n\n丙"),
        ("<p><b>甲<p>乙</b>丙</p>", "**甲**\n\n**乙**丙"),
        ("<b><section>甲</b>乙</section>丙", "**甲**乙\n\n丙"),
        ("<p><b><i>甲</b>乙</i></p>", "***甲**乙*"),
        ("<h2>甲<h3>乙</h3>丙", "## 甲\n\n### 乙\n\n丙"),
        ("<h2>甲</h3>乙", "## 甲\n\n乙"),
        ("<s><p>甲</p></s><strike><p>乙</p></strike>", "~~甲~~\n\n~~乙~~"),
        ("<a href='//x.cn/1'>甲<a href='//x.cn/2'>乙</a>丙", "[甲](https://x.cn/1)[乙](https://x.cn/2)丙"),
        ("<p>前<embed src='//x.cn/v'>中<b>粗</b></embed>后</p>", "前\n\n[视频](https://x.cn/v)\n\n中**粗**后"),
        ("<p>甲<svg><p>图</p></svg>乙</p><svg/><p>丙</p>", "甲\n\n图\n\n乙\n\n丙"),
        # what looks like a tag
        ("<p>甲<img src='//x.cn/1' alt='a<b>c</b>'></p>", "甲\n\n![a\\<b>c\\</b>](https://x.cn/1)"),
        ("<p><a href='//x.cn/<h2>'>甲</a></p>", "[甲](https://x.cn/%3Ch2%3E)"),
        ("<p title='<p>'>甲</p>乙<!-- <p> --><b>丙</b>", "甲\n\n乙**丙**"),
        ("<p title=it's>甲<i>乙</i>'</p>", "甲*乙*'"),
        ("<a href=//x.cn/>甲</a>乙", "[甲](https://x.cn/)乙"),
    ],
)
def test_markup(text: str, expected: str) -> None:
    assert body(text) == expected


@pytest.mark.parametrize("odd", ["\x08", "\x01", "\x1b", "\ufffe", "&#8;", "&#xFFFF;"])
@pytest.mark.parametrize(
    "dropped",
    [
        *("<svg></svg>", "<script>x</script>", "<textarea>x</textarea>", "<i hidden>x</i>", "<style>p{}</style>"),
        *("<wbr>", '<span class="qnt-video"></span>'),
    ],
)
def test_control_characters_beside_what_is_dropped(odd: str, dropped: str) -> None:
    for text in (f"<p>甲{dropped}{odd}乙</p>", f"<p>甲{odd}{dropped}乙</p>"):
        assert body(text).replace("\n\n视频\n\n", "") == "甲乙", text


def test_a_form_feed_beside_what_is_dropped_is_a_space() -> None:
    assert body("<p>甲<svg></svg>\x0c乙&#11;<svg></svg>丙</p>") == "甲 乙 丙"


@pytest.mark.parametrize("odd", ["\x08", "\x00", "\ud800", "\ufffe"])
def test_a_video_title_that_no_tree_can_hold(odd: str) -> None:
    video = {"vid": "k30n5noodle", "title": f"甲{odd}乙"}
    assert body(f"{TEXT}<!--VIDEO_0-->", VIDEO_0=video).endswith("[甲乙](https://v.qq.com/x/page/k30n5noodle.html)")


@pytest.mark.parametrize("gif", [1, "1", True, 1.0])
def test_a_gif_is_the_one_that_moves(gif: object) -> None:
    moving = PICTURE["IMG_0"] | {"isGif": gif, "gifUrl": "https://inews.gtimg.com/om_bt/Ok/0"}
    assert "/0)" in body("<!--IMG_0-->", IMG_0=moving)
    assert "/641)" in body("<!--IMG_0-->", IMG_0=moving | {"isGif": 0})


def test_words_of_a_body_are_no_boilerplate_of_the_page() -> None:
    text = "<p>甲</p><p class='statement'>声明</p><div class='article-author'>作者</div>"
    text += "<button>乙</button><p id='Status'>丙</p>"
    assert body(text) == "甲\n\n声明\n\n作者\n\n乙\n\n丙"
    assert read_article(page(shown(text), originContent=None)).body == body(text)
    assert read_article(served(text)).body == "甲"


def test_what_is_hidden_in_any_writing() -> None:
    assert body("<p>甲</p><p style='display:NONE'>水印</p><p style='Display: None'>水印</p>") == "甲"


def test_a_body_in_several_containers_is_read_whole() -> None:
    html = page(shown("<p>甲</p>") + "图" + shown("<p>乙</p>" + shown("<p>丙</p>")), originContent=None)
    assert read_article(html).body == "甲\n\n乙\n\n丙"
    two = served("<p>甲</p>").replace(
        "</body>", '<div class="LEFT"><div class="content-article"><p>乙</p></div></div></body>'
    )
    assert read_article(two).body == "甲\n\n乙"


@pytest.mark.parametrize("stand_in", ["https://mat1.gtimg.com/a/blank.gif", "//MAT1.gtimg.com/a.png"])
def test_a_file_of_the_site_itself_stands_in_for_a_picture(stand_in: str) -> None:
    for name in ("data-src", "data-original"):
        assert body(f"<p>甲<img src='{stand_in}' {name}='//x.cn/1'></p>") == "甲\n\n![图片](https://x.cn/1)"
    for other in ("", "data-src='x'", "data-src='data:image/gif;base64,R0'", f"data-src='{stand_in}'"):
        assert "gtimg.com/a" in body(f"<p>甲<img src='{stand_in}' {other}></p>"), other
    assert body("<img src='//x.cn/1' data-src='//x.cn/2'>") == "![图片](https://x.cn/1)"


def test_class_names_are_whole_names() -> None:
    for name in (
        "qnt-table-wrap",
        "x-qnt-h2",
        "qnt-h2-wrapper",
        "text-big-title-x",
        "a-qnt-strong",
        "qnt-li_x",
        "qnt-",
    ):
        assert body(f"<div class='{name}'>甲</div>") == "甲", name
    assert body("<div class='a  qnt-h2\tb'>甲</div><p class='b text-big-title'>乙</p>") == "## 甲\n\n## 乙"


@pytest.mark.parametrize(
    "mark",
    [
        *('id="article-content-2"', "id='ArticleContentTop'", 'data-id="article-content"', "id=Cnt-Main-Article-QQ-x"),
        *('class="LEFT-wrap"', "class='a LEFT_b'", 'data-class="LEFT"', "class=LEFTx"),
    ],
)
def test_a_family_is_known_by_whole_names(mark: str) -> None:
    with pytest.raises(UnknownPage):
        read_article(f'<script>window.DATA = {{"a": 1}}</script><div {mark}>{TEXT}</div>', URL)


@pytest.mark.parametrize(
    "mark",
    ["id=article-content", "id='ArticleContent' x", "id='Cnt-Main-Article-QQ'", "class=LEFT", "class='a LEFT b'"],
)
def test_a_family_is_known_however_its_mark_is_quoted(mark: str) -> None:
    with pytest.raises(MissingField):  # and not UnknownPage
        read_article(f'<script>window.DATA = {{"a": 1}}</script><div {mark}>{TEXT}</div>', URL)


# values


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:image" content=""><meta property="og:image" content="https://x.cn/1">',
        '<META NAME="x" CONTENT="y"><META PROPERTY="OG:IMAGE" CONTENT="https://x.cn/1">',
        '<meta property="og:image"><meta content=//x.cn/1 name=Og:Image><meta property="og:image" content="//x.cn/2">',
    ],
)
def test_the_first_meta_tag_that_says_something(head: str) -> None:
    assert read_article(page(head=head)).thumbnail == "https://x.cn/1"


@pytest.mark.parametrize("text", [["<p>x</p>"], True, {"a": 1}, 3])
def test_a_body_of_the_wrong_type_falls_back_to_the_html(text: object) -> None:
    html = page(shown(TEXT), originContent={"text": text, "version": "v2"})
    assert read_article(html, URL).body == "江城新桥今天合龙，通车时间定在明年春天。"


def test_a_title_of_the_wrong_type_falls_back() -> None:
    assert (
        read_article(page(head='<meta content="甲 > 乙_腾讯新闻" property=og:title>', title=["a"])).title == "甲 > 乙"
    )


def test_an_earlier_object_is_not_the_pages_data() -> None:
    html = page().replace("window.DATA =", 'window.DATA = {"ssr": 1};\nwindow.DATA =', 1)
    assert read_article(html).title == "江城新桥合龙"


def test_malformed_addresses() -> None:
    with pytest.raises(BadArgument):
        article_id("https://[x/rain/a/20261103A01ABC00")
    assert not says_gone("https://[x")
    assert read_article(page(url="https://[x/a", cms_id=None), URL).article_id == "20261103A01ABC00"


# time: a minute in the worst case would be a fault, and these took up to one


@pytest.mark.parametrize(
    "hostile",
    [
        "videoArr.push({" * 26_000,
        "<style " * 57_000,
        "<title" * 30_000,
        'window.DATA = {"a":' * 20_000,
        '<meta "' * 50_000,
        "<b" * 100_000,
        "ARTICLE_INFO=" * 20_000,
        "<p id=Cnt-Main-Article-QQ>" + "ARTICLE_INFO={title:'\\\\" * 20_000,
        "<p><ul>" * 30_000,
        "<b>" * 30_000 + "<p>x" * 30_000,
        "<b x='" * 50_000 + '<i y="',
        "<p <" * 50_000,
        "<div>" + "<td>" + "<section>" * 1000 + "</div>" * 20_000,
        "<!--" * 50_000,
        "<title>" * 30_000,
        "<a><i>" * 20_000 + "</a>" * 20_000,
        ".setVid('" * 40_000,
        "<txpdiv id='VID '>" * 2000,
        "<svg><img src='//x.cn/1'>" * 2000,
        "<object><param name=movie value='vid='>" * 2000,
    ],
    ids=lambda text: text[:18],
)
def test_hostile_repetition_stays_quick(hostile: str) -> None:
    for html in (served(f"{TEXT}<script>{hostile}</script>"), hostile + page(), page(originContent={"text": hostile})):
        try:
            read_article(html, URL)
        except MissingField as error:
            assert URL in str(error)  # noqa: PT017  # either is right; only its time is asked for


@pytest.mark.parametrize(
    ("text", "attributes", "missed"),
    [
        ("<p>文</p>", PICTURE, True),
        ('<p>文</p><x-picture address="//inews.gtimg.com/news_bt/Ok/1000"></x-picture>', {}, True),
        ("<p>文</p>", {"COVER": {"url": "https://inews.gtimg.com/news_ls/Ok_640330/0"}}, False),
        ("<p>文<!--IMG_0--></p>", PICTURE, False),
    ],
)
def test_pictures_that_the_json_names_and_the_body_lacks(text: str, attributes: dict[str, Any], missed: bool) -> None:
    origin = {"text": text, "version": "v2"}
    assert read_article(page(originContent=origin, originAttribute=attributes)).missed_pictures is missed


@pytest.mark.parametrize("folder", ["om_bt", "om_ls"])
def test_pictures_that_the_html_names_and_the_body_lacks(folder: str) -> None:
    article = read_article(served(f'<p>文</p><p data-picture="//inews.gtimg.com/{folder}/Ok/1000"></p>'))
    assert article.missed_pictures is (folder == "om_bt")
