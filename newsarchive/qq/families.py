"""Page families of Tencent News: one class per template, one property per field."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import lxml.html
from parsel import Selector

from newsarchive.errors import BadArgument, MissingField
from newsarchive.markdown.document import clean_value
from newsarchive.qq import content
from newsarchive.qq.lists import BEIJING
from newsarchive.qq.urls import article_id, picture_url, whole_id

KNOWN_KEYS = frozenset(
    [
        "FCompetitionName",
        "FztCompetition",
        "abstract",
        "ad_channel_sign",
        "aiFirstQuestion",
        "aiSwitch",
        "artTemplate",
        "article_id",
        "article_is_pay",
        "article_type",
        "atype",
        "card",
        "catalog1",
        "catalog2",
        "closeAllAd",
        "closeAllFavorite",
        "cmsId",
        "cms_id",
        "comment_id",
        "contentWordsNum",
        "desc",
        "extra_property",
        "final_declarations",
        "iNewsRecommendLevel",
        "interationCount",
        "introduction",
        "isOversize",
        "is_deleted",
        "media",
        "media_id",
        "originAttribute",
        "originContent",
        "payment_column_info_v1",
        "payment_info",
        "political",
        "pubtime",
        "relateWelfare",
        "selfDeclare",
        "tag_info_item",
        "tags",
        "title",
        "url",
        "userAddress",
        "videoArr",
        "wechat_atype",
    ]
)
"""Every key of `window.DATA` that pages of 2019 to 2026 have shown. Another one is the first sign of a change."""

_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
_TITLE_SUFFIX = re.compile(r"(?:_[^_]{1,6})?_\s*(?:腾讯新闻|腾讯网)\s*$")
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
FIRST_YEAR = 1998
"""The year in which the site began: an earlier publish time is a zero in disguise."""


class ArticlePage:
    """A page and its own JSON. A family says where the body is, and what differs in its fields."""

    family: ClassVar[str]
    captions_in_italics: ClassVar[bool] = False

    def __init__(self, source: str, url: str, data: Mapping[str, Any]) -> None:
        self.source = source
        self.url = url
        self.data = data

    def matches(self) -> bool:
        """Whether this family claims the page."""
        raise NotImplementedError

    def json_body(self) -> lxml.html.HtmlElement | None:
        """The body that the page's JSON holds, as standard HTML.

        Raises:
            BrokenContent: it is there and cannot be read whole; the one in the HTML may be.
        """
        return None

    def html_body(self) -> lxml.html.HtmlElement | None:
        """The body in the page's HTML, as standard HTML; raises as `json_body`."""
        for css in self.containers:
            if found := self.selector.css(css):
                return content.standardize(found[0].root, captions_in_italics=self.captions_in_italics)
        return None

    containers: ClassVar[tuple[str, ...]]
    """CSS of the body's container in the HTML, the most telling first."""

    @property
    def article_id(self) -> str:
        for key in ("cms_id", "cmsId"):
            if found := whole_id(self.value(key)):
                return found
        for url in (self.value("url"), self.meta("og:url"), self.url):
            try:
                return article_id(url)
            except BadArgument:
                continue
        raise MissingField(self.url, "id", "cms_id in window.DATA, or a URL that names the article")

    @property
    def title(self) -> str:
        title = clean_value(_decoded(self.value("title")))
        title = title or clean_value(_bare(self.meta("og:title"))) or clean_value(self.heading)
        if title:
            return title
        raise MissingField(self.url, "title", "title in window.DATA, og:title or a heading")

    @property
    def published(self) -> datetime:
        """Beijing time."""
        moment = _beijing(self.value("pubtime"))
        moment = moment or _beijing(self.meta("article:published_time")) or _beijing(self.shown_time)
        if moment:
            return moment
        raise MissingField(self.url, "publish time", "a Beijing time like 2026-08-10 19:43:37")

    @property
    def heading(self) -> str:
        return self.text("h1")

    @property
    def shown_time(self) -> str:
        """As a reader sees it, without seconds."""
        return self.text(".media-meta span")

    @property
    def picture(self) -> str:
        return picture_url(self.meta("og:image"))

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.data) - KNOWN_KEYS))

    def value(self, key: str) -> str:
        """A value of `window.DATA` as text, `""` without one."""
        return str(self.data.get(key) or "").strip()

    def meta(self, name: str) -> str:
        """The `content` of a meta tag, `""` without one. Not worth parsing 270 kB for."""
        tag = re.search(rf"""<meta\s[^>]*?(?:property|name)\s*=\s*["']{name}["'][^>]*>""", self.source)
        value = tag and re.search(r"""\scontent\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag[0])
        return entities.unescape(value[1] or value[2] or "").strip() if value else ""

    def text(self, css: str) -> str:
        """The text of the first element that the CSS expression finds, `""` without one."""
        found = self.selector.css(css)
        return str(found[0].xpath("string()").get(default="")).strip() if found else ""

    @cached_property
    def selector(self) -> Selector:
        """The whole page's tree: parsed only when its JSON is not enough."""
        return Selector(root=content.parse(self.source), type="html")


class OriginContentPage(ArticlePage):
    """A page whose JSON holds the body's HTML with placeholders; the families F4 and F5 differ in theirs."""

    @property
    def origin(self) -> str:
        found = self.data.get("originContent")
        return str(found.get("text") or "") if isinstance(found, Mapping) else ""

    @property
    def version(self) -> str:
        found = self.data.get("originContent")
        return str(found.get("version") or "") if isinstance(found, Mapping) else ""

    def json_body(self) -> lxml.html.HtmlElement | None:
        if not self.origin:
            return None
        attributes = self.data.get("originAttribute")
        return content.standard(self.origin, attributes if isinstance(attributes, Mapping) else {})

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        unknown = content.unknown_placeholders(self.origin)
        return (*super().unknown_keys, *sorted(f"<!--{name}_n-->" for name in unknown))


class ModernPage(OriginContentPage):
    """Since 2024-11-22: the body in the JSON and in the HTML."""

    family = "F5"
    containers = tuple(
        f"#article-content {css}" for css in (".rich_media_content", ".article-content-wrap", ".comps-contentify-wrap")
    )

    def matches(self) -> bool:
        return self.version == "v2" or re.search(r"""id=["']?article-content\b""", self.source) is not None


class JsonOnlyPage(OriginContentPage):
    """2024-04-24 to 2024-11-21: the body in the JSON alone; a saved DOM has it drawn."""

    family = "F4"
    containers = ("#ArticleContent .article-content-wrap",)

    def matches(self) -> bool:
        return bool(self.origin) or re.search(r"""id=["']?ArticleContent\b""", self.source) is not None


class ServedPage(ArticlePage):
    """2018 to 2024-04-23 (F2 at `/omn/`, F3 at `/rain/a/`): the body in the HTML, the fields in the JSON."""

    family = "F2"
    containers = (".content-article", ".LEFT .content.clearfix")
    captions_in_italics = True

    def matches(self) -> bool:
        return bool(self.data) and "content-article" in self.source

    def html_body(self) -> lxml.html.HtmlElement | None:
        body = super().html_body()
        if body is not None:
            for heading in body.findall(".//h1"):
                if clean_value(str(heading.text_content())) == self.title:
                    heading.drop_tree()
        return body


class DatedPage(ArticlePage):
    """To 2019-09, `finance.qq.com/a/20190923/000843.htm`: gb2312, the fields in a JavaScript object."""

    family = "F1"
    containers = ("#Cnt-Main-Article-QQ",)

    def matches(self) -> bool:
        return "Cnt-Main-Article-QQ" in self.source

    @property
    def article_id(self) -> str:
        for url in (self.info("article_url"), self.url):
            try:
                return article_id(url)
            except BadArgument:
                continue
        raise MissingField(self.url, "id", "article_url in ARTICLE_INFO, or a URL like finance.qq.com/a/…")

    @property
    def heading(self) -> str:
        return self.text(".qq_article .hd h1, .hd h1")

    @property
    def shown_time(self) -> str:
        return self.text(".a_time") or self.info("pubtime")

    def info(self, key: str) -> str:
        """A value of the `ARTICLE_INFO` object, `""` without one."""
        found = re.search(rf"""\bARTICLE_INFO\s*=.{{0,2000}}?\b{key}\s*:\s*'([^'\n]*)'""", self.source, re.DOTALL)
        return found[1].strip() if found else ""


FAMILIES: tuple[type[ArticlePage], ...] = (ModernPage, JsonOnlyPage, ServedPage, DatedPage)


def _beijing(text: str) -> datetime | None:
    for form in _TIMES:
        try:
            moment = datetime.strptime(text.strip(), form)  # noqa: DTZ007  # the site's times have no zone
        except ValueError:
            continue
        if moment.year >= FIRST_YEAR:
            return moment.replace(tzinfo=BEIJING)
    return None


def _decoded(text: str) -> str:
    """Entities as characters; only whole ones, since titles hold bare ampersands."""
    return _ENTITY.sub(lambda found: entities.unescape(found[0]), text)


def _bare(title: str) -> str:
    return _TITLE_SUFFIX.sub("", title)
