"""Base class of the page families: fields from the page's JSON, its meta tags or its tree, in that order."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cached_property
from typing import Any, ClassVar

from lxml import etree
from parsel import Selector

from newsarchive.errors import BadArgument, MissingField
from newsarchive.markdown.characters import unescaped
from newsarchive.markdown.document import clean_value
from newsarchive.qq.content import standardize
from newsarchive.qq.lists import BEIJING
from newsarchive.qq.markup import has_content, parse
from newsarchive.qq.urls import article_id, picture_url, whole_id

# fmt: off
KNOWN_KEYS = frozenset({
    "FCompetitionName", "FztCompetition", "abstract", "ad_channel_sign", "aiFirstQuestion", "aiSwitch", "artTemplate",
    "article_id", "article_is_pay", "article_type", "atype", "card", "catalog1", "catalog2", "closeAllAd",
    "closeAllFavorite", "cmsId", "cms_id", "comment_id", "contentWordsNum", "desc", "extra_property",
    "final_declarations", "iNewsRecommendLevel", "interationCount", "introduction", "isOversize", "is_deleted",
    "media", "media_id", "originAttribute", "originContent", "payment_column_info_v1", "payment_info", "political",
    "pubtime", "relateWelfare", "selfDeclare", "tag_info_item", "tags", "title", "url", "userAddress", "videoArr",
    "wechat_atype",
})
# fmt: on
"""Every key of `window.DATA` that pages of 2019 to 2026 have shown. A new key is the first sign of a change."""

FIRST_YEAR = 1998
"""The year in which the site began: an earlier publish time means that it is missing."""

# No tag within another one: else a page of many unclosed tags would be read to its end for each of them.
_META = re.compile(r"""<meta\s(?:[^<>"']|<(?!meta\s)|"[^"]{0,9999}"|'[^']{0,9999}')*+>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
# 2026-08-10 19:43:37, 2026/8/10 19:43, 2014年08月11日08:03, 2026-08-10T11:43:37.0Z
_TIME = re.compile(
    r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})(?:\s*日\s*|T|\s+)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d{1,9})?)?\s*"
    r"(?:(Z)|([+-])(\d{2}):?(\d{2}))?",
    re.ASCII | re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^<>]{0,99}>([^<]{0,9999})</title", re.IGNORECASE)


class ArticlePage(ABC):
    """A page and its own JSON. A family defines where the body is, and which fields differ.

    The generators `titles`, `times` and `addresses` yield candidates, the most trusted first. They are read
    only as far as needed: parsing 270 kB for a field that the JSON has would be most of the work.
    """

    family: ClassVar[str]
    containers: ClassVar[tuple[str, ...]] = ()
    """CSS of the body's container in the HTML, the most specific first."""
    wide_containers: ClassVar[tuple[str, ...]] = ()
    """CSS of containers that hold the page's boilerplate too: tried last."""
    captions_in_italics: ClassVar[bool] = False
    heading: ClassVar[str]
    """CSS of the title in the HTML: other boxes of the page have headings too."""
    site_name: ClassVar[re.Pattern[str]] = re.compile(r"(?:_|^)\s*腾讯(?:新闻|网)\s*$")
    """The site's suffix of the title in the page's head."""

    def __init__(self, source: str, url: str, data: Mapping[str, Any]) -> None:
        self.source = source
        self.url = url
        self.data = data

    @abstractmethod
    def matches(self) -> bool:
        """Whether this family claims the page."""

    def json_body(self) -> etree._Element | None:
        """The body that the page's JSON holds, as standard HTML.

        Raises:
            BrokenContent: it exists but cannot be read completely; the one in the HTML may be readable.
        """
        return None

    def html_body(self) -> etree._Element | None:
        """The body in the page's HTML, as standard HTML; raises as `json_body`.

        It is the most specific container that is not empty. A container around an empty one is not used: the rest
        of its content is boilerplate.
        """
        empty: set[etree._Element] = set()
        for expressions, boilerplate_around in ((self.containers, False), (self.wide_containers, True)):
            for css in expressions:
                found = [each.root for each in self.selector.css(css)]
                if found and empty.isdisjoint(inner for each in found for inner in each.iterdescendants()):
                    body = standardize(
                        merged(found),
                        captions_in_italics=self.captions_in_italics,
                        boilerplate_around=boilerplate_around,
                    )
                    if has_content(body):
                        return body
                    empty.update(found)
        return None

    @property
    def article_id(self) -> str:
        for key in ("cms_id", "cmsId"):
            if found := whole_id(self.value(key)):
                return found
        for address in self.addresses():
            try:
                return article_id(address)
            except BadArgument:
                continue
        raise MissingField(self.url, "id", "cms_id in window.DATA, or a URL that names the article")

    @property
    def title(self) -> str:
        found = next(filter(None, map(clean_value, self.titles())), "")
        if not found:
            raise MissingField(self.url, "title", "title in window.DATA, og:title or a heading")
        return found

    @property
    def published(self) -> datetime:
        """Beijing time."""
        found = next(filter(None, map(_beijing, self.times())), None)
        if found is None:
            raise MissingField(self.url, "publish time", "a Beijing time like 2026-08-10 19:43:37")
        return found

    @property
    def picture(self) -> str:
        return picture_url(self.meta("og:image"))

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        # JSON may contain lone surrogates, which cannot be written to a file
        names = (str(key).encode("utf-8", "replace").decode() for key in self.data)
        return tuple(sorted(set(names) - KNOWN_KEYS))

    def addresses(self) -> Iterator[str]:
        yield self.value("url")
        yield self.meta("og:url")
        yield self.url

    def titles(self) -> Iterator[str]:
        yield unescaped(self.value("title"))
        yield self.site_name.sub("", self.meta("og:title"))
        yield self.text(self.heading)
        found = _TITLE.search(self.source)
        yield self.site_name.sub("", unescaped(found[1]).strip()) if found else ""

    def times(self) -> Iterator[str]:
        yield self.value("pubtime")
        yield self.meta("article:published_time")
        yield self.text(".media-meta span")  # as shown on the page, without seconds

    def value(self, key: str) -> str:
        """A value of `window.DATA` as text, `""` if it is missing or not text."""
        found = self.data.get(key)
        return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""

    def meta(self, name: str) -> str:
        """The `content` of the first meta tag of that name that is not empty, or `""`."""
        return next((value for found, value in self._metas() if value and found == name), "")

    def _metas(self) -> Iterator[tuple[str, str]]:
        for tag in _META.finditer(self.source):
            attributes = {name.lower(): "".join(values) for name, *values in _ATTRIBUTE.findall(tag[0])}
            name = attributes.get("property") or attributes.get("name")
            if name:
                yield name.lower(), unescaped(attributes.get("content", "")).strip()

    def text(self, css: str) -> str:
        """The text of the first element that the CSS expression finds, `""` without one."""
        found = self.selector.css(css)
        return str(found[0].xpath("string()").get(default="")).strip() if found else ""

    @cached_property
    def selector(self) -> Selector:
        """The whole page's tree: parsed only when its JSON is not enough."""
        return Selector(root=parse(self.source), type="html")


def merged(containers: list[etree._Element]) -> etree._Element:
    """All containers as one: a body may have several. One that is inside another is not added again."""
    if len(containers) == 1:
        return containers[0]
    combined, others = etree.Element("div"), set(containers)
    for container in containers:
        if others.isdisjoint(container.iterancestors()):
            container.tail = None
            combined.append(container)
    return combined


def _beijing(text: str) -> datetime | None:
    """A time on a page as Beijing time; one without a zone is Beijing time already."""
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
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(BEIJING)
    except (ValueError, OverflowError):  # such as a thirteenth month, or an hour before the first year
        return None
    return moment if moment.year >= FIRST_YEAR else None
