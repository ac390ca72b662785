"""Reads the list replies of Tencent News: channels, hot list, accounts, sitemap.

A reply in an unknown format raises `UnknownList` and is never read as an empty list: the former list
endpoint stopped on 2024-12-17, and an archive that read its replies as "nothing new" made empty runs
for 190 days.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from newsarchive.errors import BusyList, ListError, UnknownList
from newsarchive.qq.urls import is_article, picture_url, whole_id

BEIJING = ZoneInfo("Asia/Shanghai")  # the clock of the site

CHANNELS = (  # all text channels, as of 2026-08-10, without the prefix `news_news_`
    *("top", "bj", "tech", "finance", "fx", "qa", "edu", "world", "mil", "ent", "sports", "nba", "auto"),
    *("house", "antip", "game", "digi", "nchupin", "football", "kepu", "esport", "history", "baby"),
    *("lic", "istock"),
)

# `articletype` of an entry: seen 2026-08-10. "0" is an article, "525" a block of entries, which here has none.
_KINDS = {
    "0": "article",
    **dict.fromkeys(("4", "56", "118", "102", "103"), "video"),
    "560": "header",
    "233": "question",
    "123": "tag",
    "525": "other",
}
_KINDS_BY_LETTER = {"A": "article", "V": "video", "Q": "question"}
# `code` inside a 200 reply that means 系统繁忙, "system busy".
_BUSY = {"1", "99998"}
# No two adjacent repetitions of white space: the match would try every split between them.
_PLACE = re.compile(rb"<loc>\s*(?:<!\[CDATA\[\s*)?([^<\]\s]+)")
_FIRST_YEAR = 1998  # in which the site began: an earlier time means that there is none
# 2026-08-10 19:43:37, 2026/8/10 19:43, 2014年08月11日08:03, 2026-08-10T11:43:37.0Z
_TIME = re.compile(
    r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})(?:\s*日\s*|T|\s+)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d{1,9})?)?\s*"
    r"(?:(Z)|([+-])(\d{2}):?(\d{2}))?",
    re.ASCII | re.IGNORECASE,
)
_SITEMAP_FILE = re.compile(r"https?://[\w.-]+(?::\d{1,4}|:[1-5]\d{4})?/(?:[^?#\s]*/)?sitemap_\d+\.xml")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A list's entry of one article."""

    article_id: str
    url: str = ""
    """As it is in the list; pages are fetched by id."""
    title: str = ""
    published: datetime | None = None
    thumbnail: str = ""
    known_type: bool = True
    """Whether its `articletype` says that it is an article; if not, only the id says so."""


@dataclass(kw_only=True)
class ListReply:
    """One page of a list."""

    entries: list[Entry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """Number of entries that are not articles, by kind: `video`, `header`, `question`, `tag`, `other`."""
    next_offset: str = ""
    """Offset to send for the next page of an account's list; `""` at its end."""


def channel_body(channel: str, page: int, device: str) -> bytes:
    """JSON body of a channel list request; `page` counts from 1, `device` is the same within one run."""
    return json.dumps(
        {
            "base_req": {"from": "pc"},
            "forward": "1",
            "qimei36": device,
            "device_id": device,
            "flush_num": page,
            "channel_id": f"news_news_{channel}",
            "item_count": 20,
            "is_local_chlid": "0",
        }
    ).encode()


def read_channel(reply: bytes, where: str) -> ListReply:
    """A reply of `getPCList`. Raises `BusyList` if it says so, and `UnknownList` for an unknown format."""
    data = _object(reply, where, ("code",), None)
    return _read_entries(_list(data, "data", where), where)


def read_hot_list(reply: bytes, where: str) -> ListReply:
    """A reply of `pc_hot_ranking_list`; raises as `read_channel`."""
    data = _object(reply, where)
    first = next(iter(_list(data, "idlist", where)), None)
    if not isinstance(first, Mapping):
        raise UnknownList(where, f"expected an object in 'idlist', got {_outline(data)}")
    return _read_entries(_list(first, "newslist", where), where)


def read_account(reply: bytes, where: str) -> ListReply:
    """A reply of `getSubNewsMixedList`; raises as `read_channel`."""
    data = _object(reply, where)
    page = _read_entries(_list(data, "newslist", where), where)
    if data.get("hasNext") in (1, "1", True):
        page.next_offset = str(data.get("offsetInfo") or "")
    return page


def read_sitemap(reply: bytes, where: str) -> tuple[list[str], list[str]]:
    """The files named in a sitemap index, each once, and the ids in a sitemap file; raises as `read_channel`."""
    if b"<urlset" not in reply and b"<sitemapindex" not in reply:
        raise _no_list(reply, where, "a sitemap")
    index = b"<sitemapindex" in reply
    links = [place.decode("ascii", "replace").replace("&amp;", "&") for place in _PLACE.findall(reply)]
    files = [link for link in links if index and _SITEMAP_FILE.fullmatch(link)]
    if index and links and not files:
        raise UnknownList(where, f"expected files like sitemap_17.xml, got {links[0][:60]!r}")
    ids = (whole_id(PurePosixPath(re.split("[?#]", link)[0]).stem) for link in links)
    return list(dict.fromkeys(files)), [id_ for id_ in ids if id_ and is_article(id_)]


def _object(
    reply: bytes, where: str, codes: Sequence[str] = ("ret", "code"), without: str | None = "0"
) -> Mapping[str, Any]:
    """A reply that says that all went well under one of `codes`; one `without` any of them counts as that."""
    try:
        data = json.loads(reply)
    except (ValueError, RecursionError):
        raise _no_list(reply, where, "JSON") from None
    if not isinstance(data, Mapping):
        raise UnknownList(where, f"expected a JSON object, got {type(data).__name__}")
    code = str(next((data[name] for name in codes if name in data), without))
    if code in _BUSY:
        raise BusyList(where, f"the server is busy (code {code}: {data.get('message') or data.get('msg') or ''})")
    if code != "0":
        raise UnknownList(where, f"expected code 0, got {_outline(data)}")
    return data


def _no_list(reply: bytes, where: str, expected: str) -> ListError:
    from newsarchive.qq.raw import RawPage  # noqa: PLC0415  -- the settings need this module, and no parser

    if title := RawPage(reply).challenge:
        return BusyList(where, f"the site checks whether a person reads it (title {title!r})")
    return UnknownList(where, f"expected {expected}, got {reply[:60]!r}")


def _list(data: Mapping[str, Any], key: str, where: str) -> list[object]:
    found = data.get(key)
    if not isinstance(found, list):
        raise UnknownList(where, f"expected a list under {key!r}, got {_outline(data)}")
    return found


def _read_entries(raw: list[object], where: str) -> ListReply:
    page = ListReply()
    unreadable = 0
    for item in _flat(raw):
        type_, id_ = _word(item.get("articletype")), whole_id(_word(item.get("id")))
        kind = _KINDS.get(type_, "unknown") if type_ else _kind_by_id(id_)
        if kind == "article" and not id_:
            unreadable += 1
        elif kind in ("article", "unknown") and id_ and is_article(id_):
            # Unknown types are fetched too, so that new type numbers do not stop the archive. Reading the page shows
            # whether it is an article.
            page.entries.append(_entry(item, id_, known_type=kind == "article"))
        else:
            page.skipped["other" if kind in ("article", "unknown") else kind] += 1
    if unreadable and not page.entries:
        raise UnknownList(where, f"{unreadable} articles and not one with an id of known form, got {_outline(item)}")
    page.skipped["other"] += unreadable
    return page


def _flat(raw: list[object]) -> Iterator[Mapping[str, Any]]:
    """The entries, each before those in it; a block (525) is replaced with its entries."""
    for item in raw:
        if not isinstance(item, Mapping):
            continue
        inner = item.get("sub_item")
        type_ = _word(item.get("articletype"))
        if isinstance(inner, list) and (inner or type_ == "525"):
            if type_ != "525":  # an article, or something new, with others under it
                yield item
            yield from _flat(inner)
        else:
            yield item


def _kind_by_id(id_: str) -> str:
    """The kind by the letter in the id; ids of the older content system have no letter and are articles."""
    return _KINDS_BY_LETTER.get(id_[8], "other") if id_[:1].isdigit() else "article" if id_ else "other"


def _entry(item: Mapping[str, Any], id_: str, *, known_type: bool) -> Entry:
    link = item.get("link_info")
    url = link.get("url") if isinstance(link, Mapping) else item.get("url")
    times = (_beijing(item.get(name)) for name in ("publish_time", "time"))  # `time` in the hot list
    return Entry(
        article_id=id_,
        url=_text(url),
        title=_text(item.get("title")),
        published=next((time for time in times if time), None),
        thumbnail=_thumbnail(item),
        known_type=known_type,
    )


def _thumbnail(item: Mapping[str, Any]) -> str:
    pictures = item.get("pic_info")
    found = pictures.get("big_img") if isinstance(pictures, Mapping) else item.get("thumbnails_qqnews")
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list):
        return ""
    return next((url for url in map(picture_url, map(_text, found)) if url), "")


def _text(value: object) -> str:
    """As a string that can be encoded: JSON may contain lone surrogates."""
    return str(value or "").encode("utf-8", "replace").decode()


def _word(value: object) -> str:
    """A value that JSON may have as a number or as text, as text; `""` for anything else."""
    return str(value).strip() if isinstance(value, str) or type(value) is int else ""


def _beijing(value: object) -> datetime | None:
    """A Beijing time, or seconds since 1970; `None` for anything else."""
    text = _word(value)
    if len(text) == 10 and text.isascii() and text.isdigit():
        return datetime.fromtimestamp(int(text), BEIJING)
    return beijing_time(text)


def beijing_time(text: str) -> datetime | None:
    """A time that the site shows, in Beijing time, as are those without a zone; `None` for any other text."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    *numbers, utc, sign, hours, minutes = found.groups()
    zone: tzinfo = BEIJING
    try:
        if utc or sign:
            offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        if zone is not BEIJING:
            moment = moment.astimezone(BEIJING)
    except (ValueError, OverflowError):  # such as a thirteenth month, or an hour before the first year
        return None
    return moment if moment.year >= _FIRST_YEAR else None


def _outline(data: Mapping[str, Any]) -> str:
    """The reply's keys and simple values, cut to 160 characters, for an error message."""
    parts = [f"{key}={value!r}" if isinstance(value, int | str) else str(key) for key, value in data.items()]
    return "{" + ", ".join(parts)[:160] + "}"
