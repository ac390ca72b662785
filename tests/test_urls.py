"""Ids and URLs of Tencent News."""

from __future__ import annotations

from datetime import date

import pytest

from newsarchive.errors import BadArgument
from newsarchive.qq.urls import article_id, canonical_url, id_date, is_article, picture_url, says_gone, whole_id

ONE = "20250211A06DM600"


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        ONE[:-2],
        f" {ONE}\n",
        f"https://new.qq.com/rain/a/{ONE}",
        f"https://new.qq.com/rain/a/{ONE}?suid=8QMf&media_id=5#comment",
        f"https://news.qq.com/rain/a/{ONE}",
        f"http://news.qq.com/rain/a/{ONE}/",
        f"https://view.inews.qq.com/a/{ONE}",
        f"https://view.inews.qq.com/a/{ONE[:-2]}?refer=wx",
        f"https://new.qq.com/omn/20250211/{ONE}.html",
        f"https://new.qq.com/omn/20250211/{ONE}",
        f"https://new.qq.com/omn/{ONE}",
        f"https://xw.qq.com/cmsid/{ONE}",
        f"https://kuaibao.qq.com/s/{ONE}?pc",
        f"//new.qq.com/rain/a/{ONE}",
        f"new.qq.com/rain/a/{ONE}",
    ],
)
def test_every_address_of_an_article_names_one_id(text: str) -> None:
    assert article_id(text) == ONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://new.qq.com/omn/TWF20200/TWF2020041300303000.html", "TWF2020041300303000"),
        ("https://finance.qq.com/a/20190923/000843.htm", "FIN2019092300084300"),
        ("http://finance.qq.com/a/20190923/000843_2.htm?pc", "FIN2019092300084300"),
        ("https://house.qq.com/a/20170102/012345.htm", "HOU2017010201234500"),
    ],
)
def test_addresses_of_the_older_content_system(text: str, expected: str) -> None:
    assert article_id(text) == expected
    assert article_id(canonical_url(expected)) == whole_id(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "https://new.qq.com/",
        "https://new.qq.com/rain/a/",
        "https://new.qq.com/rain/a/../../etc/passwd",
        "20259911A06DM600",
        "20250211A06DM6000",
        "２０２５0211A06DM600",
        f"https://new.qq.com/rain/a/{ONE}%0a",
        f"https://new.qq.com/ch/tech/{ONE}x",
        "https://v.qq.com/x/page/g1282xvickc.html",
        # hosts of cities and events had letters of their own
        "https://cd.qq.com/a/20170102/012345.htm",
        "http://2016.qq.com/a/20160806/012345.htm",
        "http://127.0.0.1/a/20170102/012345.htm",
        "http://finance.qq.com/a/20171302/012345.htm",
    ],
)
def test_what_names_no_article_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(BadArgument, match="expected an id like"):
        article_id(text)


def test_the_letter_says_what_it_is() -> None:
    assert is_article(ONE)
    assert is_article("TWF2020041300303000")
    assert not is_article("20260810V07PA300")
    assert not is_article("20260810Q07PA300")


def test_dates_of_ids() -> None:
    assert id_date(ONE) == date(2025, 2, 11)
    assert id_date("TWF2020041300303000") == date(2020, 4, 13)
    assert id_date("SH2017010201234500") == date(2017, 1, 2)


def test_a_final_double_zero_that_belongs_to_the_id_is_not_doubled() -> None:
    assert whole_id("20190907A081B000") == "20190907A081B000"
    assert whole_id("20190907A081B0") == "20190907A081B000"


@pytest.mark.parametrize(
    ("location", "gone"),
    [
        ("https://www.qq.com/babygohome/?pgv_ref=404", True),
        ("http://WWW.QQ.COM/babygohome", True),
        ("//qq.com/babygohome/", True),
        ("https://xw.qq.com/404.html", True),
        ("https://xw.qq.com/m/404.html?from=x", True),
        (f"https://news.qq.com/rain/a/{ONE}", False),
        (f"https://news.qq.com/rain/a/{ONE}?to=/babygohome/", False),
        ("https://www.qq.com/", False),
        ("https://example.com/babygohome/", False),
        ("https://example.com/404.html", False),
        ("https://notqq.com/babygohome/", False),
        ("https://www.qq.com@example.com/babygohome/", False),
        ("https://www.qq.com/news/babygohome", False),
        ("https://www.qq.com/babygohome2/", False),
        ("/babygohome/", False),
        ("", False),
    ],
)
def test_only_the_sites_own_pages_for_it_say_that_an_article_was_removed(location: str, gone: bool) -> None:
    assert says_gone(location) is gone


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("//inews.gtimg.com/om_bt/K/1000", "https://inews.gtimg.com/om_bt/K/1000"),
        (" https://inews.gtimg.com/om_bt/K/641", "https://inews.gtimg.com/om_bt/K/641"),
        ("http://inews.gtimg.com/newsapp_ls/0/1/0", "http://inews.gtimg.com/newsapp_ls/0/1/0"),
        ("data:image/png;base64,AAAA", ""),
        ("/relative.png", ""),
        ("", ""),
    ],
)
def test_picture_urls_have_a_scheme(url: str, expected: str) -> None:
    assert picture_url(url) == expected
