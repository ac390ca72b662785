"""List replies to entries."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from newsarchive.errors import BusyList, UnknownList
from newsarchive.qq.lists import (
    BEIJING,
    CHANNELS,
    channel_body,
    read_account,
    read_channel,
    read_hot_list,
    read_sitemap,
)

WHERE = "channel tech"


def entry(**changes: Any) -> dict[str, Any]:
    usual = {
        "id": "20261103A01ABC00",
        "articletype": "0",
        "title": "江城新桥合龙",
        "publish_time": "2026-11-03 09:10:11",
        "pic_info": {"big_img": ["https://inews.gtimg.com/news_ls/Okey_870492/0", "https://x/2"], "small_img": ["s"]},
        "link_info": {"url": "https://view.inews.qq.com/a/20261103A01ABC00"},
    }
    return usual | changes


def reply(*entries: object, **changes: Any) -> bytes:
    return json.dumps({"code": 0, "data": list(entries)} | changes).encode()


def test_an_entry() -> None:
    (found,) = read_channel(reply(entry()), WHERE).entries
    assert found.article_id == "20261103A01ABC00"
    assert found.title == "江城新桥合龙"
    assert found.published == datetime(2026, 11, 3, 9, 10, 11, tzinfo=BEIJING)
    assert found.thumbnail == "https://inews.gtimg.com/news_ls/Okey_870492/0"


def test_blocks_are_opened_and_what_is_no_article_is_counted_by_kind() -> None:
    block = {
        "id": "20261103A01ABC00",
        "articletype": "525",
        "sub_item": [
            entry(),
            entry(id="20261103V01ABC00", articletype="4"),
            entry(id="20261103A0BBBB00"),
        ],
    }
    found = read_channel(
        reply(
            block,
            entry(id="20261103V02ABC00", articletype="56"),
            entry(id="20261103Q02ABC00", articletype="233"),
            entry(id="x", articletype="560"),
            entry(id="x", articletype="123"),
            entry(id="x", articletype="9999"),
            entry(id="20261103V03ABC00", articletype="0"),
            {"id": "empty", "articletype": "525", "sub_item": []},
        ),
        WHERE,
    )
    assert [one.article_id for one in found.entries] == ["20261103A01ABC00", "20261103A0BBBB00"]
    assert +found.skipped == {"video": 2, "question": 1, "header": 1, "tag": 1, "other": 2}


def test_an_article_with_others_under_it_is_one_too() -> None:
    for type_ in ("0", "", "999"):
        found = read_channel(reply(entry(articletype=type_, sub_item=[entry(id="20261103A0BBBB00")])), WHERE)
        assert [one.article_id for one in found.entries] == ["20261103A01ABC00", "20261103A0BBBB00"]


@pytest.mark.parametrize("missing", [{}, {"articletype": None}, {"articletype": ""}, {"articletype": " "}])
def test_without_a_type_an_entry_is_what_the_letter_in_its_id_says(missing: dict[str, Any]) -> None:
    ids = ("20261103A01ABC00", "20261103A0CUT1", "TWF2020041300303000", "20261103V01ABC00", "20261103Q01ABC00", "x", "")
    entries = [{name: value for name, value in entry(id=id_).items() if name != "articletype"} | missing for id_ in ids]
    for given in (entries, [{"id": "20261103A01ABC00", "articletype": "525", "sub_item": entries}]):
        found = read_channel(reply(*given), WHERE)
        assert [one.article_id for one in found.entries] == ids_of_articles
        assert all(one.known_type for one in found.entries)
        assert +found.skipped == {"video": 1, "question": 1, "other": 2}


ids_of_articles = ["20261103A01ABC00", "20261103A0CUT100", "TWF2020041300303000"]


@pytest.mark.parametrize("type_", ["777", 777, "article", "０"])
def test_an_entry_of_unknown_type_with_an_articles_id_is_told_apart(type_: object) -> None:
    unknown = [entry(id=id_, articletype=type_) for id_ in ("20261103A0BBBB00", "20261103V01ABC00", "x")]
    found = read_channel(reply(entry(), *unknown, entry(id="20261103A0CCCC00", articletype="4")), WHERE)
    assert [(one.article_id, one.known_type) for one in found.entries] == [
        ("20261103A01ABC00", True),
        ("20261103A0BBBB00", False),
    ]
    assert +found.skipped == {"video": 1, "other": 2}


def test_a_block_without_entries_is_no_article() -> None:
    """It has the id of one: that of its first entry."""
    found = read_channel(reply(entry(), entry(id="20261103A0BBBB00", articletype="525")), WHERE)
    assert [one.article_id for one in found.entries] == ["20261103A01ABC00"]
    assert +found.skipped == {"other": 1}


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-08-10 19:43:37", datetime(2026, 8, 10, 19, 43, 37, tzinfo=BEIJING)),
        ("2026-08-10 19:43", datetime(2026, 8, 10, 19, 43, tzinfo=BEIJING)),
        (" 2026/08/10 19:43 ", datetime(2026, 8, 10, 19, 43, tzinfo=BEIJING)),
        ("1786362217", datetime(2026, 8, 10, 19, 43, 37, tzinfo=BEIJING)),
        (1786362217, datetime(2026, 8, 10, 19, 43, 37, tzinfo=BEIJING)),
        ("0000-00-00 00:00:00", None),
        ("19:43", None),
        ("", None),
        (None, None),
        ({"time": 1}, None),
        ("９９９９９９９９９９", None),
    ],
)
def test_publish_times(time: object, expected: datetime | None) -> None:
    assert read_channel(reply(entry(publish_time=time)), WHERE).entries[0].published == expected
    hot = json.dumps({"ret": 0, "idlist": [{"newslist": [entry(publish_time="", time=time)]}]}).encode()
    assert read_hot_list(hot, WHERE).entries[0].published == expected


@pytest.mark.parametrize("picture", [None, {}, {"big_img": []}, {"big_img": None}, {"big_img": [""]}, [], "x"])
def test_an_entry_without_picture(picture: object) -> None:
    assert read_channel(reply(entry(pic_info=picture)), WHERE).entries[0].thumbnail == ""


@pytest.mark.parametrize("code", [1, 99998, "1"])
def test_busy_inside_a_200_reply(code: object) -> None:
    with pytest.raises(BusyList, match=r"channel tech.*busy"):
        read_channel(reply(code=code, message="系统繁忙"), WHERE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"undefined",
        b"<!DOCTYPE html><html><body>hello</body></html>",
        b"[]",
        b"null",
        b"{}",
        b'{"code": 0}',
        b'{"code": 0, "data": {"list": []}}',
        b'{"code": 0, "data": null}',
        b'{"code": 4711, "data": []}',
        b'{"ret": 0, "data": []}',
        b"\xff\xfe",
    ],
)
def test_an_unknown_form_is_an_error_that_names_channel_and_form(body: bytes) -> None:
    with pytest.raises(UnknownList, match=r"channel tech: .*(expected|got)"):
        read_channel(body, WHERE)


def test_articles_that_have_all_lost_their_ids_are_an_unknown_form() -> None:
    with pytest.raises(UnknownList, match="2 articles and not one with an id"):
        read_channel(reply(entry(id=""), entry(id=None)), WHERE)


def test_an_id_from_the_network_is_checked_before_it_is_an_id() -> None:
    found = read_channel(reply(entry(), entry(id="../../20261103A01ABC")), WHERE)
    assert [one.article_id for one in found.entries] == ["20261103A01ABC00"]
    assert found.skipped["other"] == 1


def test_the_hot_list() -> None:
    body = json.dumps(
        {
            "ret": 0,
            "idlist": [
                {
                    "newslist": [
                        {"id": "TIP2026", "articletype": "560", "title": "热点榜"},
                        {
                            "id": "20261103A0HOT100",
                            "articletype": "0",
                            "title": "海岛灯塔重新点亮",
                            "time": "2026-11-03 08:00:00",
                            "thumbnails_qqnews": ["//inews.gtimg.com/news_ls/Ohot_640330/0"],
                        },
                    ]
                }
            ],
        }
    ).encode()
    found = read_hot_list(body, "hot list")
    assert [(one.article_id, one.thumbnail) for one in found.entries] == [
        ("20261103A0HOT100", "https://inews.gtimg.com/news_ls/Ohot_640330/0")
    ]
    assert found.skipped["header"] == 1
    with pytest.raises(UnknownList, match="idlist"):
        read_hot_list(b'{"ret": 0}', "hot list")


def test_an_accounts_list_says_where_it_goes_on() -> None:
    more = json.dumps({"ret": 0, "newslist": [entry()], "hasNext": 1, "offsetInfo": "page-2"}).encode()
    assert read_account(more, "account x").next_offset == "page-2"
    end = json.dumps({"ret": 0, "newslist": [entry()], "hasNext": 0, "offsetInfo": "page-3"}).encode()
    assert read_account(end, "account x").next_offset == ""


def test_a_sitemap_and_its_index() -> None:
    index = (
        b'<?xml version="1.0"?><sitemapindex><sitemap><loc>https://news.qq.com/sitemap/sitemap_17.xml</loc>'
        b"</sitemap><sitemap><loc> https://news.qq.com/sitemap/sitemap_18.xml </loc></sitemap></sitemapindex>"
    )
    assert read_sitemap(index, "x") == (
        ["https://news.qq.com/sitemap/sitemap_17.xml", "https://news.qq.com/sitemap/sitemap_18.xml"],
        [],
    )
    file = (
        b"<urlset><url><loc>https://news.qq.com/rain/a/20261103A01ABC00</loc></url>"
        b"<url><loc><![CDATA[https://news.qq.com/rain/a/20261103V01ABC00]]></loc></url>"
        b"<url><loc>https://news.qq.com/about</loc></url></urlset>"
    )
    assert read_sitemap(file, "x") == ([], ["20261103A01ABC00"])
    with pytest.raises(UnknownList, match="expected a sitemap"):
        read_sitemap(b"<html>", "x")


def test_an_article_in_a_sitemap_however_its_address_ends() -> None:
    for end in ("?refer=a&amp;pc=1", "/", ".html", "?suid=/20261103A0BBBB00", "#a", ".HTM"):
        file = f"<urlset><url><loc>https://news.qq.com/rain/a/20261103A01ABC00{end}</loc></url></urlset>"
        assert read_sitemap(file.encode(), "x") == ([], ["20261103A01ABC00"])


def test_an_index_of_other_files_is_of_unknown_form() -> None:
    index = b"<sitemapindex><sitemap><loc>https://news.qq.com/sitemap/17.xml.gz</loc></sitemap></sitemapindex>"
    with pytest.raises(
        UnknownList, match=r"expected files like sitemap_17\.xml, got 'https://news\.qq\.com/sitemap/17"
    ):
        read_sitemap(index, "x")
    assert read_sitemap(b"<sitemapindex></sitemapindex>", "x") == ([], [])


def test_a_request_body_names_channel_and_page() -> None:
    body = json.loads(channel_body("tech", 3, "d" * 36))
    assert (body["channel_id"], body["flush_num"], body["qimei36"], body["device_id"]) == (
        "news_news_tech",
        3,
        "d" * 36,
        "d" * 36,
    )
    assert len(CHANNELS) == len(set(CHANNELS)) == 25


def test_real_replies(real_data: Path) -> None:
    found = read_channel((real_data / "lists" / "getPCList_20260810.excerpt.json").read_bytes(), WHERE)
    assert [one.article_id for one in found.entries] == ["20260810A0BO7100", "20260810A08QTT00"]
    assert all(one.thumbnail.endswith("_870492/0") for one in found.entries)
    assert +found.skipped == {"video": 1}
    with pytest.raises(UnknownList):
        read_channel((real_data / "lists" / "trpc_kv_srv_list_item_20210106.json").read_bytes(), WHERE)


@pytest.mark.parametrize("code", ["[]", '"²"', "9" * 5000, "{}", "null", "true", "1e999"])
def test_an_odd_code_is_a_list_of_unknown_form(code: str) -> None:
    with pytest.raises(UnknownList, match="channel tech"):
        read_channel(f'{{"code": {code}, "data": []}}'.encode(), WHERE)


def test_json_too_deep_to_read_is_a_list_of_unknown_form() -> None:
    with pytest.raises(UnknownList, match="expected JSON"):
        read_channel(b"[" * 100_000, WHERE)


def test_half_a_surrogate_pair_costs_no_list() -> None:
    odd = entry(title="江城\ud800", pic_info={"big_img": ["https://inews.gtimg.com/\ud800/0"]})
    found = read_channel(reply(odd, entry(id="20261103A0BBBB00")), WHERE)
    assert len(found.entries) == 2
    for each in found.entries:
        (each.title + each.thumbnail + each.url).encode()


def test_only_an_index_names_sitemap_files() -> None:
    file = b"<urlset><url><loc>https://news.qq.com/sitemap/sitemap_17.xml</loc></url></urlset>"
    assert read_sitemap(file, "x") == ([], [])
    place = b"<sitemap><loc>https://news.qq.com/sitemap/sitemap_17.xml</loc></sitemap>"
    other = b"<sitemap><loc>http://[::1/sitemap_18.xml</loc></sitemap>"
    assert read_sitemap(b"<sitemapindex>" + 2 * place + other + b"</sitemapindex>", "x") == (
        ["https://news.qq.com/sitemap/sitemap_17.xml"],
        [],
    )
