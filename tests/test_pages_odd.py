"""Odd markup that the site or an author may write: nothing is lost, nothing is invented."""

from __future__ import annotations

from typing import Any

import pytest

from newsarchive import read_article
from newsarchive.errors import BadArgument, MissingField
from newsarchive.qq.urls import article_id, says_gone
from tests.test_pages_refused import TEXT, URL, page

PICTURE = {"IMG_0": {"url": "https://inews.gtimg.com/om_bt/Ok/641"}}
IMAGE = "![图片](https://inews.gtimg.com/om_bt/Ok/641)"


def body(text: str, **attributes: Any) -> str:
    origin = {"text": text, "version": "v2"}
    return read_article(page(originContent=origin, originAttribute=PICTURE | attributes)).body


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
        ("<p title='<style>'>甲</p><p>乙</p>", "甲\n\n乙"),
        ("<p>甲</p><p hidden>水印</p><p style='DISPLAY : none'>水印</p>", "甲"),
        ("<p>甲\0乙</p>", "甲乙"),
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
        ("<p>甲<svg><p>图</p></svg>乙</p><svg/><p>丙</p>", "甲乙\n\n丙"),
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


def test_words_of_a_body_are_no_furniture_of_the_page() -> None:
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


# captions


@pytest.mark.parametrize("around", ["strong", "h2", "em", "a href='https://x.cn/'", "span", "section", "strong><p"])
def test_a_caption_is_plain_whatever_is_around_its_picture(around: str) -> None:
    ends = "".join(f"</{tag.split()[0]}>" for tag in reversed(around.split("><")))
    shown = described("图说", f"<{around}><!--IMG_0-->{ends}<p>后</p>")
    assert shown == f"{IMAGE}\n\n图说\n\n{IMAGE}\n\n图说\n\n后"


@pytest.mark.parametrize("around", ["strong", "a href='https://x.cn/'", "em", "span"])
def test_a_caption_comes_before_the_text_after_its_picture(around: str) -> None:
    text = f"<p><{around}><!--IMG_0--></{around.split(maxsplit=1)[0]}>正文一。</p><p>二。</p>"
    assert body(text, IMG_0=PICTURE["IMG_0"] | {"desc": "图说"}) == f"{IMAGE}\n\n图说\n\n正文一。\n\n二。"


def test_a_caption_is_no_code() -> None:
    text = "<pre>a<!--IMG_0-->b</pre><p>后</p>"
    assert body(text, IMG_0=PICTURE["IMG_0"] | {"desc": "图说"}) == f"```\nab\n```\n\n{IMAGE}\n\n图说\n\n后"


def test_pictures_of_one_caption_keep_it_each() -> None:
    wanted = f"{IMAGE}\n\n图源：网络\n\n{IMAGE}\n\n图源：网络\n\n后"
    assert described("图源：网络", "<p><!--IMG_0--></p><p>后</p>") == wanted
    assert described("图源：网络", "<p><!--IMG_0--></p><p class='text-img-note'>图源：网络</p><p>后</p>") == wanted


def test_a_text_that_begins_like_the_caption_is_another_text() -> None:
    assert described("资料图", "<p>资料图显示，大桥已通车。</p>") == f"{IMAGE}\n\n资料图\n\n资料图显示，大桥已通车。"
    for after in ("资料图<b>显示</b>大桥", "<span>资料图</span>显示大桥", "<span>资料图<b>显示</b></span>大桥"):
        text = f"<section><!--IMG_0-->{after}</section>"
        assert body(text, IMG_0=PICTURE["IMG_0"] | {"desc": "资料图"}).count("资料图") == 2, after


@pytest.mark.parametrize(
    ("desc", "after"),
    [
        ("A&B公司", "<p class='text-img-note'>A&amp;B公司</p>"),
        ("A&amp;B公司", "<p class='text-img-note'>A&amp;B公司</p>"),
        ("甲  乙", "<p>甲 \n <span>乙</span></p>"),
        ("图说", "<figure><figcaption><span>图说</span></figcaption></figure>"),
        ("图说", "<p></p><p>图说</p>"),
    ],
)
def test_a_caption_that_the_page_shows_is_not_said_twice(desc: str, after: str) -> None:
    said = desc.split(maxsplit=1)[0].replace("&amp;", "&")
    assert described(desc, after + "<p>后</p>").count(said) == 1


def test_a_caption_in_the_same_paragraph() -> None:
    assert body("<p>前<!--IMG_0-->后</p>", IMG_0=PICTURE["IMG_0"] | {"desc": "图说"}) == f"前\n\n{IMAGE}\n\n图说\n\n后"


# the older families


def served(inner: str) -> str:
    return page(originContent=None).replace('<div id="article-content"></div></body></html>', "") + (
        f'<div class="main LEFT"><div class="content clearfix"><div class="content-article">{inner}</div></div></div>'
        "</body></html>"
    )


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("videoArr.push({'title':'面访','vid':'k30n5noodle'})", ["[面访](k30n5noodle)"]),
        ('videoArr.push( { "title" : "a}) b", "vid" : "k30n5noodle" } );', ["[a}) b](k30n5noodle)"]),
        ('videoArr.push({"vid":"k30n5noodle"},{"vid":"m30n5noodle"})', ["[视频](k30n5noodle)", "[视频](m30n5noodle)"]),
        ('videoArr.push({"title":"\\u9762 \\"x\\"","vid":"k30n5noodle"})', ['[面 "x"](k30n5noodle)']),
        (r"videoArr.push({title:'it\'s \"x\"',vid:'k30n5noodle'})", ['[it\'s "x"](k30n5noodle)']),
        ("videoArr.push({title:'a<b>c</b>',vid:'k30n5noodle'})", ["[a\\<b>c\\</b>](k30n5noodle)"]),
        ("videoArr=[{vid:'k30n5noodle'}]", ["[视频](k30n5noodle)"]),
        ("if(1){videoArr[0]={vid:'k30n5noodle'}}", ["[视频](k30n5noodle)"]),
        ("videoArr.push({title:'没有编号'})", ["视频：没有编号"]),
    ],
)
def test_videos_of_an_inline_script(script: str, expected: list[str]) -> None:
    article = read_article(served(f"{TEXT}<script>{script}</script><p>后</p>"))
    links = [line.replace("https://v.qq.com/x/page/", "").replace(".html", "") for line in article.body.split("\n\n")]
    assert links[1:-1] == expected
    assert article.family == "F2"


@pytest.mark.parametrize(
    "caption",
    [
        "<img src='//a.cn/1'><i>图说</i>",
        "<a href='//a.cn'><img src='//a.cn/1'></a><em>图说</em>",
        "<strong><img src='//a.cn/1'></strong> <em>图说</em>",
        "<img src='//a.cn/1'><br><i>图说</i>",
        "<img src='//a.cn/1'><i>图说</i><br>",
    ],
)
def test_a_caption_in_italics_after_its_picture(caption: str) -> None:
    assert read_article(served(f"<p>{caption}</p><p>正文。</p>")).body == "![图片](https://a.cn/1)\n\n图说\n\n正文。"


@pytest.mark.parametrize("after", ["的正文继续。", "<b>的正文</b>继续。", "<span>的正文</span>继续。"])
def test_italics_in_a_sentence_after_a_picture_are_no_caption(after: str) -> None:
    shown = read_article(served(f"<p><img src='//a.cn/1'><em>强调</em>{after}</p>")).body
    assert shown.replace("**", "") == "![图片](https://a.cn/1)\n\n*强调*的正文继续。"


@pytest.mark.parametrize("chrome", ["<p>页脚", "<script>'<p>'</script>", "</p></section></b>", "<ul><li><p>甲<p>乙"])
def test_what_is_around_a_body_does_not_change_it(chrome: str) -> None:
    text = "<p>甲<ul><li>乙</li></ul>丙</p><span>丁</span>"
    around = (
        served(text).replace("</body>", f"{chrome}</body>").replace('<div class="main', f'{chrome}<div class="main')
    )
    assert read_article(around).body == body(text) == "甲\n\n- 乙\n\n丙\n\n丁"


OLD_URL = "https://finance.qq.com/a/20190923/000843.htm"


def dated(info: str = "", title: str = "江城旧桥", time: str = "") -> str:
    return (
        f"<html><head><title></title><script>ARTICLE_INFO = window.ARTICLE_INFO || {{ {info} }}</script></head>"
        f"<body><div class='qq_article'><div class='hd'><h1>{title}</h1>{time}</div>"
        "<div id='Cnt-Main-Article-QQ'><p class='text'>老桥还在。</p></div></div></BODY></HTML>"
    )


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


# values


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
        "Cnt-Main-Article-QQ" + "ARTICLE_INFO={title:'\\\\" * 20_000,
        "<p><ul>" * 30_000,
        "<b>" * 30_000 + "<p>x" * 30_000,
        "<b x='" * 50_000 + '<i y="',
        "<p <" * 50_000,
        "<div>" + "<td>" + "<section>" * 1000 + "</div>" * 20_000,
        "<!--" * 50_000,
        "<title>" * 30_000,
        "<a><i>" * 20_000 + "</a>" * 20_000,
    ],
    ids=lambda text: text[:18],
)
def test_hostile_repetition_stays_quick(hostile: str) -> None:
    for html in (served(f"{TEXT}<script>{hostile}</script>"), hostile + page(), page(originContent={"text": hostile})):
        try:
            read_article(html, URL)
        except MissingField as error:
            assert URL in str(error)  # noqa: PT017  # either is right; only its time is asked for
