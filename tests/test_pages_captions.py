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
    ],
)
def test_a_caption_that_the_page_shows_is_not_said_twice(desc: str, after: str) -> None:
    said = desc.split(maxsplit=1)[0].replace("&amp;", "&")
    assert described(desc, after + "<p>后</p>").count(said) == 1


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
    ],
)
def test_a_caption_in_italics_after_its_picture(caption: str) -> None:
    assert read_article(served(f"<p>{caption}</p><p>正文。</p>")).body == "![图片](https://a.cn/1)\n\n图说\n\n正文。"


@pytest.mark.parametrize("after", ["的正文继续。", "<b>的正文</b>继续。", "<span>的正文</span>继续。"])
def test_italics_in_a_sentence_after_a_picture_are_no_caption(after: str) -> None:
    shown = read_article(served(f"<p><img src='//a.cn/1'><em>强调</em>{after}</p>")).body
    assert shown.replace("**", "") == "![图片](https://a.cn/1)\n\n*强调*的正文继续。"
