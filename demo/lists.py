"""The site's lists: channel lists, the hot list, an account's articles, the sitemap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from demo.markup import Pictures
from demo.stories import Kind, Story

PREFIX = "news_news_"


def channel_list(stories: Iterable[Story | list[Story]], pictures: Pictures) -> dict[str, object]:
    """A reply of `getPCList`; a list of stories becomes a block with its own entries."""
    return {
        "code": 0,
        "data": [block(it, pictures) if isinstance(it, list) else entry(it, pictures) for it in stories],
    }


def entry(story: Story, pictures: Pictures) -> dict[str, object]:
    """One entry, including the keys that the project does not use: they must not break its parser."""
    view = f"https://view.inews.qq.com/a/{story.id}"
    found: dict[str, object] = {
        "id": story.id,
        "articletype": story.kind,
        "title": story.title,
        "pic_style": 4 if story.kind == Kind.VIDEO else 0,
        "publish_time": str(story.published),
        "pic_info": _pic_info(story, pictures),
        "link_info": {
            "share_url": view,
            "url": story.address.format(id=story.id),
            "short_url": view,
            "org_url": view,
        },
        "media_info": {
            "chl_id": "5000001",
            "chl_name": story.media,
            "icon": pictures.cover("avatar", "200200"),
            "vip_type": "30011",
            "vip_desc": "演示账号",
        },
        "interation_info": {"comment_id": "1260000000001", "read_num": 26, "like_num": 1, "share_num": 2},
        "doc_info": {"first_cate_id": "16", "first_cate_name": (story.channels or ("news",))[0]},
        "update_time": str(story.published + timedelta(hours=1)),
        "news724_feature": None,
        "desc": story.text[:120],
        "safe_control": {"close_all_ad": 0, "close_all_favorite": 0, "political_option": "0"},
        "category": {"cate1_name": "演示", "cate1_en_name": "demo", "cate1_id": "1"},
        "declare": {},
        "pub_info": {"source": "1", "sub_source": "117"},
        "payment_info": {},
        "user_address": "陶州",
        "cp_info": {"tnews_self_made": -1},
        "flag": {},
        "extra_property": {},
        "share_info": {"share_title": story.title, "share_subtitle": story.text[:60]},
        "long_summary": story.text[:200],
    }
    if story.kind == Kind.VIDEO:
        found["video_info"] = {"vid": f"v{story.id.lower()[8:14]}", "duration": "01:02", "play_num": 7}
    return found


def block(stories: list[Story], pictures: Pictures) -> dict[str, object]:
    """An entry of articletype 525: a heading over entries; its id is that of the first entry."""
    return {
        "id": stories[0].id,
        "articletype": Kind.BLOCK,
        "title": stories[0].block,
        "pic_style": 31,
        "sub_item": [entry(story, pictures) for story in stories],
        "news724_feature": None,
        "safe_control": None,
        "category": None,
    }


def hot_list(stories: Iterable[Story], pictures: Pictures) -> dict[str, object]:
    """The hot list: its first row is a header, as on the site."""
    header = {"id": "TIP2026000000000001", "articletype": Kind.HEADER, "title": "演示站热榜"}
    rows = [
        {
            "id": story.id,
            "articletype": story.kind,
            "title": story.title,
            "url": story.address.format(id=story.id),
            "time": str(story.published),
            "abstract": story.text[:100],
            "thumbnails_qqnews": [pictures.cover(story.cover, "294195")] if story.cover else [],
            "ranking_score": 100 - n,
        }
        for n, story in enumerate(stories)
    ]
    return {"ret": 0, "idlist": [{"ids_hash": "demo", "newslist": [header, *rows]}]}


def account_list(stories: list[Story], offset: int, size: int, pictures: Pictures) -> dict[str, object]:
    """One page of an account's articles; `offsetInfo` is the offset of the next page."""
    some = stories[offset : offset + size]
    return {
        "ret": 0,
        "newslist": [
            {
                "id": story.id,
                "articletype": story.kind,
                "title": story.title,
                "url": story.address.format(id=story.id),
                "time": str(story.published),
                "abstract": story.text[:100],
                "thumbnails_qqnews": [pictures.cover(story.cover, "294195")] if story.cover else [],
            }
            for story in some
        ],
        "hasNext": int(offset + size < len(stories)),
        "offsetInfo": str(offset + size),
    }


def sitemap_index(base: str, numbers: Iterable[int]) -> str:
    rows = "".join(f"<sitemap><loc>{base}/sitemap/sitemap_{n}.xml</loc></sitemap>" for n in numbers)
    return f'{_XML}<sitemapindex xmlns="{_XMLNS}">{rows}</sitemapindex>'


def sitemap(ids: Iterable[str]) -> str:
    """Article addresses are those of the real site, whatever host serves the file."""
    rows = "".join(f"<url><loc>https://news.qq.com/rain/a/{id_}</loc></url>" for id_ in ids)
    return f'{_XML}<urlset xmlns="{_XMLNS}">{rows}</urlset>'


_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"


def _pic_info(story: Story, pictures: Pictures) -> dict[str, object]:
    if not story.cover:
        return {"big_img": [], "small_img": [], "three_img": [], "img_count": 0}
    big = pictures.cover(story.cover, "640360")
    return {
        "big_img": [big],
        "small_img": [pictures.cover(story.cover, "196130")],
        "three_img": [pictures.cover(story.cover, "294195")],
        "ls_img_exp_type": "1",
        "ext": {"640x360": big, "330x330": pictures.cover(story.cover, "330330")},
        "share_img": pictures.cover(story.cover, "200200"),
        "img_count": story.body.count("<img "),
    }
