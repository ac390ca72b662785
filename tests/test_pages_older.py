"""The templates of former years, and pages on which templates of two times meet."""

from __future__ import annotations

import pytest

from newsarchive import read_article
from newsarchive.errors import MissingField
from tests.test_pages_odd import OLD_URL, body, dated, served
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
