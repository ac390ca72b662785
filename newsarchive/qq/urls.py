"""Ids and URLs of Tencent News.

An id is `YYYYMMDD`, one letter (`A` article, `V` video, `Q` question), five of `[0-9A-Z]` and `00`;
ids of the older content system are two or three letters, the date and eight digits. One article has many
URLs and one id, so everything here uses the id.
"""

import re
from datetime import date
from string import ascii_uppercase
from urllib.parse import SplitResult, urlsplit

from newsarchive.errors import BadArgument

_ID = r"\d{8}[A-Z][0-9A-Z]{5}00|[A-Z]{2,3}\d{16}"
_WHOLE_ID = re.compile(_ID, re.ASCII)
# Some links have the id without its final 00.
_CUT_ID = re.compile(r"\d{8}[A-Z][0-9A-Z]{5}", re.ASCII)
_ARTICLE_PATH = re.compile(
    r"/(?:rain/a|a|omn/(?:[^/]+)|cmsid|s|omn)/(?P<id>[0-9A-Za-z]{14,19})(?:\.html?)?/?", re.ASCII
)
# finance.qq.com/a/20190923/000843.htm: articles until 2019 (family F1). Three letters of the channel begin the id.
_DATED_HOST = re.compile(r"(news|tech|finance|ent|sports|auto|house|edu|games|mil|digi|cul)\.qq\.com")
_DATED_PATH = re.compile(r"/a/(?P<day>\d{8})/(?P<number>\d{6})(?:_\d+)?\.html?", re.ASCII)


def article_id(text: str) -> str:
    """The complete id in an id or a URL. Raises `BadArgument` when there is none.

    >>> article_id("https://view.inews.qq.com/a/20250211A06DM600?refer=wx")
    '20250211A06DM600'
    >>> article_id("20250211A06DM6")
    '20250211A06DM600'
    >>> article_id("http://finance.qq.com/a/20190923/000843.htm")
    'FIN2019092300084300'
    """
    text = text.strip()
    address = text if "//" in text else f"//{text}" if "/" in text else f"//host/a/{text}"
    parts = _split(address)
    candidate = ""
    if found := _ARTICLE_PATH.fullmatch(parts.path):
        candidate = found["id"]
    elif (channel := _DATED_HOST.fullmatch(parts.hostname or "")) and (found := _DATED_PATH.fullmatch(parts.path)):
        candidate = f"{channel[1][:3]}{found['day']}{found['number']}00"
    if id_ := whole_id(candidate):
        return id_
    raise BadArgument(
        f"{text!r} names no article: expected an id like 20250211A06DM600 "
        "or a URL like https://new.qq.com/rain/a/20250211A06DM600"
    )


def whole_id(text: str) -> str:
    """The id with its final `00`, or `""` if the text is not an id.

    >>> whole_id("20250211A06DM6"), whole_id("../etc/passwd"), whole_id("20259911A06DM600")
    ('20250211A06DM600', '', '')
    """
    text = text.strip().upper()
    if _CUT_ID.fullmatch(text):
        text += "00"
    if not _WHOLE_ID.fullmatch(text):
        return ""
    try:
        id_date(text)
    except ValueError:  # such as a thirteenth month
        return ""
    return text


def canonical_url(id_: str) -> str:
    """The URL that the archive uses, whatever host, path or query string the page was fetched from."""
    return f"https://new.qq.com/rain/a/{id_}"


def id_date(id_: str) -> date:
    """The day in the id: when the article was created, which may not be the day when it was published."""
    return date.fromisoformat(id_.lstrip(ascii_uppercase)[:8])


def is_article(id_: str) -> bool:
    """Whether it can be an article by the id's letter; ids of the older content system have none and always can."""
    return id_[0].isalpha() or id_[8] == "A"


def says_gone(location: str) -> bool:
    """Whether a redirect to `location` leads to the site's page for removed articles.

    >>> says_gone("https://www.qq.com/babygohome/?pgv_ref=404"), says_gone("https://example.com/babygohome/")
    (True, False)
    """
    parts = _split(location)
    if not f".{parts.hostname}".endswith(".qq.com"):
        return False
    return parts.path.split("/")[1:2] == ["babygohome"] or parts.path.endswith("/404.html")


def picture_url(url: str) -> str:
    """A picture's URL with a scheme; `""` for anything but a web address."""
    url = url.strip()
    if url.startswith("//"):
        url = f"https:{url}"
    return url if url.startswith(("https://", "http://")) else ""


def _split(address: str) -> SplitResult:
    """The parts of an address, all empty if it is malformed."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
