"""What a reader of the page sees is what the article holds: which picture, which video, what is left out."""

from __future__ import annotations

import pytest

from newsarchive import read_article
from newsarchive.errors import UnknownPage
from tests.test_pages_odd import body, served
from tests.test_pages_refused import page

HOST = "https://inews.gtimg.com/om_bt/Ok"


@pytest.mark.parametrize(
    ("details", "picture"),
    [
        ({"url": f"{HOST}/641", "origUrl": f"{HOST}/1000"}, f"{HOST}/1000"),
        ({"url": f"{HOST}/641", "origUrl": ""}, f"{HOST}/641"),
        ({"url": f"{HOST}/641", "origUrl": None, "bigOrigUrl": f"{HOST}/0"}, f"{HOST}/641"),
        ({"url": f"{HOST}/641", "origUrl": "data:image/gif;base64,AA"}, f"{HOST}/641"),
        ({"url": f"{HOST}/641", "origUrl": f"{HOST}/1000", "isGif": 1, "gifUrl": f"{HOST}/0"}, f"{HOST}/0"),
        ({"url": f"{HOST}/641", "origUrl": f"{HOST}/1000", "isGif": 0, "gifUrl": f"{HOST}/0"}, f"{HOST}/1000"),
        ({"url": f"{HOST}/641", "origUrl": f"{HOST}/1000", "isGif": 1, "gifUrl": ""}, f"{HOST}/1000"),
        ({"imgurl0": f"{HOST}/0"}, f"{HOST}/0"),
    ],
)
def test_the_picture_that_the_page_shows(details: dict[str, object], picture: str) -> None:
    assert body("<p>甲</p><!--IMG_0-->", IMG_0=details) == f"甲\n\n![图片]({picture})"


@pytest.mark.parametrize(
    ("details", "link"),
    [
        ({"vid": "k30n5noodle", "playurl": "https://cdn.cn/a.mp4?vkey=1"}, "https://v.qq.com/x/page/k30n5noodle.html"),
        ({"vid": "k30n5noodle"}, "https://v.qq.com/x/page/k30n5noodle.html"),
        ({"vid": "", "playurl": "https://cdn.cn/a.mp4?vkey=1"}, "https://cdn.cn/a.mp4?vkey=1"),
        ({"vid": "../x", "playurl": "https://cdn.cn/a.mp4"}, "https://cdn.cn/a.mp4"),
    ],
)
def test_the_link_to_a_video_lasts(details: dict[str, str], link: str) -> None:
    assert body("<p>甲</p><!--VIDEO_0-->", VIDEO_0=details) == f"甲\n\n[视频]({link})"


@pytest.mark.parametrize(
    ("element", "link"),
    [
        ("<iframe src='//v.qq.com/txp/iframe/player.html?vid=k30n5noodle&auto=0'></iframe>", "k30n5noodle"),
        ("<iframe data-src='https://v.qq.com/iframe/preview.html?width=500&vid=k30n5noodle'></iframe>", "k30n5noodle"),
        ("<video data-vid='k30n5noodle' src='https://cdn.cn/a.mp4?vkey=1'></video>", "k30n5noodle"),
        ("<iframe src='https://player.cn/p?vid=k30n5noodle'></iframe>", "https://player.cn/p?vid=k30n5noodle"),
        ("<iframe src='https://v.qq.com.cn/p?vid=k30n5noodle'></iframe>", "https://v.qq.com.cn/p?vid=k30n5noodle"),
        ("<video src='https://cdn.cn/a.mp4'></video>", "https://cdn.cn/a.mp4"),
    ],
)
def test_a_frame_with_a_video_of_the_site_leads_to_its_page(element: str, link: str) -> None:
    expected = link if "/" in link else f"https://v.qq.com/x/page/{link}.html"
    assert body(f"<p>甲</p>{element}") == f"甲\n\n[视频]({expected})"


BEGIN, END = "<!-- NO_READ_BEGIN -->", "<!-- NO_READ_END -->"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<p>甲</p>{BEGIN}<p>乙</p>{END}<p>丙</p>", "甲\n\n丙"),
        ("<p>甲</p><!--NO_READ_BEGIN_0--><p>乙</p><!--NO_READ_END_0--><p>丙</p>", "甲\n\n丙"),
        ("<p>甲</p><!--  NO_READ_BEGIN 12--><p>乙</p><!--\nNO_READ_END_12\n--><p>丙</p>", "甲\n\n丙"),
        (f"<p>甲{BEGIN}乙{END}丙</p>", "甲丙"),
        (f"<p>甲{BEGIN}乙</p><p>丙{END}丁</p>", "甲\n\n丁"),
        (f"<p>甲{BEGIN}乙</p><div><p>丙</p><p>丁{END}戊</p></div><p>己</p>", "甲\n\n戊\n\n己"),
        (f"<div><p>甲</p>{BEGIN}<p>乙</p></div><p>丙</p>{END}<p>丁</p>", "甲\n\n丁"),
        (f"<p>甲</p>{BEGIN}<div>乙<img src='//x.cn/1'><br><hr><ul><li>丙</ul></div>{END}<p>丁</p>", "甲\n\n丁"),
        (f"<p>甲</p>{BEGIN}<p>乙</p>", "甲\n\n乙"),
        (f"<p>甲</p>{END}<p>乙</p>", "甲\n\n乙"),
        (f"{END}<p>甲</p>{BEGIN}<p>乙</p>", "甲\n\n乙"),
        (f"<p>甲</p>{BEGIN}<p>乙</p>{END}<p>丙</p>{BEGIN}<p>丁</p>{END}<p>戊</p>", "甲\n\n丙\n\n戊"),
        (f"<p>甲</p>{BEGIN}<p>乙</p>{BEGIN}<p>丙</p>{END}<p>丁</p>{END}<p>戊</p>", "甲\n\n丁\n\n戊"),
        (f"<p>甲</p><p>{BEGIN}<b>乙{END}丙</b></p><p>丁{BEGIN}戊</p>", "甲\n\n**丙**\n\n丁戊"),
        (f"<p>{BEGIN}甲{END}<i>乙</i>{BEGIN}丙{END}</p>", "*乙*"),
        ("<p>甲<!-- NO_READ -->乙<!-- NO_READ_BEGINNING -->丙<!--NO_READ_ENDING-->丁</p>", "甲乙丙丁"),
    ],
)
def test_what_the_site_marks_as_no_part_of_the_article(text: str, expected: str) -> None:
    assert body(text) == expected
    html = page(originContent=None, shown=f'<div class="rich_media_content">{text}</div>')
    assert read_article(html).body == expected, "the same in the HTML"
    assert read_article(served(text)).body == expected, "and of an older family"


def test_pictures_that_are_left_out_need_no_description() -> None:
    assert body(f"<p>甲</p>{BEGIN}<!--IMG_7-->{END}<!--IMG_0--><p>乙</p>").split("\n\n")[::2] == ["甲", "乙"]


def test_no_mark_is_an_unknown_placeholder() -> None:
    origin = {"text": "<p>甲</p><!--NO_READ_BEGIN_0-->乙<!--NO_READ_END_0--><!--NEW_0-->", "version": "v2"}
    assert read_article(page(originContent=origin)).unknown_keys == ("<!--NEW_n-->",)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<div class='qnt-table-wrap'><p>甲</p><p>乙</p></div>", "甲\n\n乙"),
        ("<div class='qnt-h2-wrapper'>甲</div><p>乙</p>", "甲\n\n乙"),
        ("<p class='text-big-title-box'>甲</p>", "甲"),
        ("<span class='my-qnt-strong'>甲</span>", "甲"),
        ("<div class='a qnt-h2'>甲</div><div class='qnt-p'>乙</div>", "## 甲\n\n乙"),
        ("<p class='text-big-title x'>甲</p><p><span class='x qnt-strong'>乙</span></p>", "## 甲\n\n**乙**"),
    ],
)
def test_class_names_are_whole_names(html: str, expected: str) -> None:
    assert body(html) == expected


@pytest.mark.parametrize(
    "attribute",
    [
        "id='article-content-side'",
        "id='ArticleContentNew'",
        "id='ArticleContent-2'",
        "class='LEFT-side'",
        "class='a LEFT_2'",
    ],
)
def test_a_name_that_only_begins_like_a_familys_claims_no_page(attribute: str) -> None:
    html = page(originContent=None).replace('id="article-content"', attribute)
    with pytest.raises(UnknownPage):
        read_article(html)


def test_captions_are_plain_also_where_a_style_makes_them_bold() -> None:
    text = "<!--IMG_0--><p class='text-img-note' style='font-weight:bold'>甲<span style='font-weight:700'>乙</span></p>"
    assert body(text).endswith("\n\n甲乙")
