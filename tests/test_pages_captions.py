"""Captions: each is told once, plain, right below its picture."""

from __future__ import annotations

import pytest

from newsarchive import read_article
from tests.test_pages_odd import IMAGE, PICTURE, body, described, served


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
        ("图说", "<p>&nbsp;</p><p>图说</p>"),
        ("图说", "<p>　</p><p>&#8203;图说</p>"),
    ],
)
def test_a_caption_that_the_page_shows_is_not_said_twice(desc: str, after: str) -> None:
    said = desc.split(maxsplit=1)[0].replace("&amp;", "&")
    assert described(desc, after + "<p>后</p>").count(said) == 1


def test_a_heading_that_says_the_same_is_no_caption() -> None:
    assert described("题", "<h2>题</h2><p>后</p>") == f"{IMAGE}\n\n题\n\n## 题\n\n后"


@pytest.mark.parametrize("tag", ["div", "section", "span"])
def test_a_caption_is_one_whatever_its_element(tag: str) -> None:
    text = f"<section><!--IMG_0--></section><{tag} class='qqnews_image_desc'><strong>图</strong>说</{tag}><p>后</p>"
    assert body(text, IMG_0=PICTURE["IMG_0"]) == f"{IMAGE}\n\n图说\n\n后"


def test_an_emphasis_within_a_sentence_is_no_caption_whatever_its_class() -> None:
    html = served("<p class='one-p'>甲<i class='desc'>乙</i>丙</p>")
    assert read_article(html).body == "甲*乙*丙"


def test_a_caption_in_the_same_paragraph() -> None:
    assert body("<p>前<!--IMG_0-->后</p>", IMG_0=PICTURE["IMG_0"] | {"desc": "图说"}) == f"前\n\n{IMAGE}\n\n图说\n\n后"


@pytest.mark.parametrize(
    "caption",
    [
        "<img src='//a.cn/1'><i>图说</i>",
        "<a href='//a.cn'><img src='//a.cn/1'></a><em>图说</em>",
        "<strong><img src='//a.cn/1'></strong> <em>图说</em>",
        "<img src='//a.cn/1'><br><i>图说</i>",
        "<img src='//a.cn/1'><i>图说</i><br>",
        "<img src='//a.cn/1'><i>图<b>说</b></i>",
        "<img src='//a.cn/1'></p><em>图说</em><p>",
        "</p><figure><img src='//a.cn/1'></figure><i>图说</i><p>",
        "</p><div class='img-wrap'><a href='//a.cn'><img src='//a.cn/1'></a></div><em>图说</em><p>",
        "<img src='//a.cn/1'></p><p><i class='desc'>图说</i>",
        "<img src='//a.cn/1'></p><p>　<em class='desc'>图说</em>",
    ],
)
def test_a_caption_in_italics_after_its_picture(caption: str) -> None:
    assert read_article(served(f"<p>{caption}</p><p>正文。</p>")).body == "![图片](https://a.cn/1)\n\n图说\n\n正文。"


@pytest.mark.parametrize("after", ["的正文继续。", "<b>的正文</b>继续。", "<span>的正文</span>继续。"])
def test_italics_in_a_sentence_after_a_picture_are_no_caption(after: str) -> None:
    shown = read_article(served(f"<p><img src='//a.cn/1'><em>强调</em>{after}</p>")).body
    assert shown.replace("**", "") == "![图片](https://a.cn/1)\n\n*强调*的正文继续。"


@pytest.mark.parametrize(
    "before", ["<p>字<img src='//a.cn/1'></p>", "<p>字</p>", "<table><tr><td>字</td></tr></table>"]
)
def test_italics_after_a_block_of_text_are_no_caption(before: str) -> None:
    assert read_article(served(f"{before}<em>强调</em>")).body.endswith("\n\n*强调*")


KINDS = [
    "figcaption",
    "p class='image_desc'",
    "p class='text image_desc'",
    "p class='qqnews_image_desc'",
    "p class='text-img-note'",
    "p type='om-image-desc'",
    "div class='qnt-p image_desc'",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_caption_of_any_kind_is_plain(kind: str) -> None:
    end = f"</{kind.split(maxsplit=1)[0]}>"
    said = f"<{kind}><strong>图</strong><i>说<b>一</b></i><span class='qnt-em'>二</span><a href='//x.cn/'>三</a>{end}"
    wanted = f"{IMAGE}\n\n图说一二[三](https://x.cn/)\n\n**后**"
    text = f"<p><!--IMG_0--></p>{said}<p><b>后</b></p>"
    assert body(text) == wanted
    assert described("图说一二三", f"{said}<p><b>后</b></p>") == wanted, "told once"


def test_a_caption_goes_with_its_picture() -> None:
    hidden = (
        "<p style='display:none'><!--IMG_0--></p>",
        "<section style='display:none'><p><!--IMG_0--></p></section>",
        "<div class='image-carousel'><!--IMG_0--></div>",
        "<p hidden><b><!--IMG_0--></b></p>",
    )
    for text in hidden:
        assert body(f"{text}后文", IMG_0=PICTURE["IMG_0"] | {"desc": "图说"}) == "后文", text


def test_what_follows_a_caption_stays_what_it_is() -> None:
    picture = PICTURE["IMG_0"] | {"desc": "图说"}
    assert body("<h2><!--IMG_0-->题</h2>", IMG_0=picture) == f"{IMAGE}\n\n图说\n\n## 题"
    cells = "<table><tr><td><!--IMG_0-->甲</td><td>乙</td></tr></table>"
    assert body(cells, IMG_0=picture) == f"| {IMAGE} 图说 甲 | 乙 |\n| --- | --- |"
    assert body("<p><b><!--IMG_0-->图说</b>显示</p>", IMG_0=picture) == f"{IMAGE}\n\n图说\n\n**图说**显示"
    for after in ("<p>\xa0<!--IMG_0--></p>", "<p>　<!--IMG_0--></p>"):  # no text of its own
        assert body(f"<!--IMG_0-->{after}", IMG_0=picture) == f"{IMAGE}\n\n图说\n\n{IMAGE}\n\n图说"
