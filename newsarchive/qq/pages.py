"""Reads articles from article pages of Tencent News: one class per template, called a family.

The body is read from the page's JSON, else from the containers of its family, else as other families do. A page
that matches no family raises `UnknownPage` and never becomes an empty article.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import ClassVar

from parsel import Selector

from newsarchive.errors import BadArgument, ChallengePage, MissingField, NotAnArticle, PartialArticle, UnknownPage
from newsarchive.items import Article
from newsarchive.markdown.document import clean_value, summarize
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Element, TooManyNodes, parse
from newsarchive.markdown.reader import Body, convert
from newsarchive.qq.body import (
    SCRIPT_STRING,
    BrokenContent,
    has_content,
    is_hidden,
    standardize,
    string_value,
    unknown_placeholders,
)
from newsarchive.qq.lists import beijing_time
from newsarchive.qq.raw import RawPage
from newsarchive.qq.urls import article_id, canonical_url, picture_url, whole_id

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

# `article_type` and `atype` of video pages: 56 was seen on pages, the others in lists.
_VIDEO_TYPES = {"4", "56", "118", "102", "103"}
_PARTIAL = 0.8
"""Share of the announced length from which the text of a page that may show only a part counts as complete."""
_SHORT = 0.5  # share of the announced length below which the text of any other page is suspicious
_PAID = re.compile(rb'"(?:article_is_pay|is_column_article_pay)"\s*:\s*(?:true|1|"1"|"true")')
_COMMA = re.compile("[,，;；]")
_LONGEST_NAMES = 1_000  # characters of all names of tags
_LATIN_WORD = re.compile(rb"[0-9A-Za-z]++")

# picture addresses in bodies, in HTML or JSON; lists, authors and boilerplate use other sizes
_BODY_PICTURE = re.compile(rb"gtimg\.com\\?/\w{1,20}_(?:bt|match)\\?/[\w/\\-]{1,200}/(?:641|1000)\b")


def read_article(html: bytes | str, url: str = "", thumbnail: str = "") -> Article:
    """The article on a page.

    Args:
        html: the page's bytes as received; UTF-8 or, for the oldest family, gb2312, whatever its headers say.
        url: its URL: for the id when the page has none, and for errors.
        thumbnail: picture of the list entry through which the page was found.

    Raises:
        UnknownPage: the page matches no family.
        MissingField: it has no id, title, publish time or body.
        NotAnArticle: it is a video's page, or says that the article was removed.
        PartialArticle: it may show only a part, and its text is not long enough to be complete.
        ChallengePage: it is a check for robots and not an article.
    """
    raw = RawPage(html if isinstance(html, bytes) else html.encode("utf-8", "ignore"), url)
    data = raw.data
    if title := raw.challenge:
        raise ChallengePage(url, f"the site checks whether a person reads it, expected an article (title {title!r})")
    page = next((page for family in FAMILIES if (page := family(raw)).matches()), None)
    if data.get("is_deleted") in (1, "1", True):
        raise NotAnArticle(url, "the site says that the article was removed", gone=True)
    if not _VIDEO_TYPES.isdisjoint({str(data.get("article_type")), str(data.get("atype"))}):
        raise NotAnArticle(url, "a video's page, not an article's")
    if page is None:
        raise UnknownPage(url, _unclaimed(raw))
    try:
        page, body = _read_body(page)
    except RecursionError:  # tables within captions of tables, and the like
        raise MissingField(url, "body", "elements that are nested less deeply") from None
    id_ = page.article_id
    return Article(
        source="qq",
        article_id=id_,
        url=canonical_url(id_),
        title=page.title,
        published=page.published,
        summary=summarize(body.text),
        thumbnail=thumbnail or page.picture,
        body=body.markdown,
        text=body.text,
        pictures=body.pictures,
        videos=body.videos,
        is_short=_is_short(page, body),
        missed_pictures=not body.pictures and page.names_pictures,
        family=page.family,
        unknown_keys=page.unknown_keys,
        publisher=page.publisher,
        channels=page.channels,
        site_tags=page.site_tags,
    )


class ArticlePage(ABC):
    """A page and its own JSON. A family defines where the body is, and which fields differ.

    The generators `titles`, `times` and `addresses` yield candidates, the most trusted first, and are read only as
    far as needed.
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

    def __init__(self, raw: RawPage) -> None:
        self.raw = raw
        self.url = raw.url
        self.data = raw.data

    @abstractmethod
    def matches(self) -> bool:
        """Whether this family claims the page."""

    def json_body(self) -> Element | None:
        """The body that the page's JSON holds, as standard HTML.

        Raises `BrokenContent` for one that cannot be read completely, and `TooManyNodes`: the HTML's may be readable.
        """
        return None

    def html_body(self) -> Element | None:
        """The body in the page's HTML, as standard HTML; raises as `json_body`.

        It is the most specific container that is not empty. A container around an empty one is not used: the rest
        of its content is boilerplate.
        """
        empty: set[Element] = set()
        for css in self.containers + self.wide_containers:
            found, inside = _outermost(self.raw.root.select(css))
            if not found or not empty.isdisjoint(inside):
                continue
            body = standardize(
                _merged(found),
                captions_in_italics=self.captions_in_italics,
                boilerplate_around=css in self.wide_containers,
            )
            if has_content(body):
                if self.raw.is_cut:
                    raise BrokenContent("the page ends before its </body>: a part of it was lost on the way")
                return body
            empty.update(found)
        return None

    @property
    def article_id(self) -> str:
        if found := whole_id(self.value("cms_id")) or whole_id(self.value("cmsId")):
            return found
        for address in self.addresses():
            try:
                return article_id(address)
            except BadArgument:
                continue
        raise MissingField(self.url, "id", "cms_id in window.DATA, or a URL that names the article")

    @cached_property
    def title(self) -> str:
        found = next(filter(None, map(clean_value, self.titles())), "")
        if not found:
            raise MissingField(self.url, "title", "title in window.DATA, og:title or a heading")
        return found

    @property
    def published(self) -> datetime:
        """Beijing time."""
        found = next(filter(None, map(beijing_time, self.times())), None)
        if found is None:
            raise MissingField(self.url, "publish time", "a Beijing time like 2026-08-10 19:43:37")
        return found

    @property
    def picture(self) -> str:
        return picture_url(self.raw.meta(b"og:image"))

    @property
    def publisher(self) -> str:
        card = self.data.get("card")
        name = self.value("media") or _text(card.get("chlname") if isinstance(card, dict) else "")
        return clean_value(unescaped(name or self.raw.head_meta(b"article:author")))

    @property
    def channels(self) -> tuple[str, ...]:
        """Its main channel: the second catalogue is a part of the first one."""
        return _names(self.value("catalog1") or self.raw.head_meta(b"category"))

    @property
    def site_tags(self) -> tuple[str, ...]:
        """Without the title, with which the keywords of the oldest pages begin."""
        tags = self.value("tags") if "tags" in self.data else self.raw.head_meta(b"keywords")
        return _names(tags.removeprefix(self.title) if tags.startswith(f"{self.title},") else tags)

    @property
    def names_pictures(self) -> bool:
        """Whether it names pictures of the body."""
        return _BODY_PICTURE.search(self.raw.html) is not None

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        unknown = [key for key in self.data if key not in KNOWN_KEYS]
        # JSON may contain lone surrogates, which cannot be written to a file
        return tuple(sorted(key.encode("utf-8", "replace").decode() for key in unknown))

    def addresses(self) -> Iterator[str]:
        yield self.value("url")
        yield self.raw.meta(b"og:url")
        yield self.url

    def titles(self) -> Iterator[str]:
        yield unescaped(self.value("title"))
        yield self.site_name.sub("", self.raw.meta(b"og:title"))
        yield self.css(self.heading)
        yield self.site_name.sub("", self.raw.title)

    def times(self) -> Iterator[str]:
        yield self.value("pubtime")
        yield self.raw.meta(b"article:published_time")
        yield self.css(".media-meta span")  # as shown on the page, without seconds

    def value(self, key: str) -> str:
        """A value of `window.DATA` as text, `""` if it is missing or not text."""
        return _text(self.data.get(key))

    def css(self, expression: str) -> str:
        """The text of the first element that the CSS expression finds, `""` without one."""
        try:
            return str(self.selector.css(expression).xpath("string()").get("")).strip()
        except TooManyNodes:
            return ""

    @property
    def selector(self) -> Selector:
        """The whole page, for fields; its body is read from the tree that browsers build."""
        return self.raw.selector


class OriginContentPage(ArticlePage):
    """A page whose JSON holds the body's HTML with placeholders: families F4 and F5."""

    containers: ClassVar[tuple[str, ...]] = (
        "#ArticleContent .article-content-wrap",
        "#ArticleContent > .rich_media_content",
    )
    wide_containers = ("#ArticleContent:has(> .qnt-p)",)

    def json_body(self) -> Element | None:
        text = self._origin("text")
        if not text:
            return None
        attributes = self.data.get("originAttribute")
        return standardize(parse(text), attributes if isinstance(attributes, dict) else {})

    @property
    def names_pictures(self) -> bool:
        return _BODY_PICTURE.search(self.raw.json or self.raw.html) is not None  # the HTML repeats the JSON's

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        unknown = unknown_placeholders(self._origin("text"))
        return (*super().unknown_keys, *sorted(f"<!--{name}_n-->" for name in unknown))

    def _origin(self, key: str) -> str:
        found = self.data.get("originContent")
        value = found.get(key) if isinstance(found, dict) else None
        return value if isinstance(value, str) else ""


class ModernPage(OriginContentPage):
    """Since 2024-11-22: the body in the JSON and in the HTML."""

    family = "F5"
    containers = (
        *(f"#article-content {css}" for css in (".rich_media_content", ".article-content-wrap")),
        "#article-content .comps-contentify-wrap",
        *OriginContentPage.containers,
    )
    heading = "h1#article-title"

    def matches(self) -> bool:
        return self._origin("version") == "v2" or self.raw.has_id("article-content")


class JsonOnlyPage(OriginContentPage):
    """2024-04-24 to 2024-11-21: the body only in the JSON; in a saved DOM a script has rendered it."""

    family = "F4"
    heading = ".LEFT > h1"

    def matches(self) -> bool:
        return "originContent" in self.data or self.raw.has_id("ArticleContent")


class ServedPage(ArticlePage):
    """2018 to 2024-04-23 (F2 at `/omn/`, F3 at `/rain/a/`): the body in the HTML, the fields in the JSON."""

    family = "F2"
    wide_containers = (".LEFT .content-article", ".LEFT .content.clearfix")
    heading = ".LEFT > h1"
    captions_in_italics = True

    def matches(self) -> bool:
        # without the JSON the page has no complete publish time, and later layouts use the class names too
        return bool(self.data) and self.raw.has_class(b"LEFT")

    def html_body(self) -> Element | None:
        # The lead may be next to the body instead of in it. There an empty body would seem to contain it.
        leads = [child for box in self.raw.root.select(".LEFT .content.clearfix") for child in _leads(box)]
        for lead in leads:
            lead.extract()
        body = super().html_body()
        if body is None:
            return None
        for heading in list(body.iter_elements("h1")):
            if clean_value(heading.text) == self.title:
                heading.extract()
        leads = [standardize(lead) for lead in leads if not is_hidden(lead, (lead.attr("class") or "").split())]
        return _merged([*leads, body]) if leads else body


class DatedPage(ArticlePage):
    """To 2019-09, `finance.qq.com/a/20190923/000843.htm`: gb2312, the fields in a JavaScript object."""

    family = "F1"
    wide_containers = ("#Cnt-Main-Article-QQ",)
    heading = ".qq_article .hd h1"
    site_name = re.compile(r"(?:(?:_[^_]{1,6})?_|^)\s*腾讯网\s*$")  # with the channel: _财经_腾讯网

    def matches(self) -> bool:
        return self.raw.has_id("Cnt-Main-Article-QQ")

    def addresses(self) -> Iterator[str]:
        yield self.info("article_url")
        yield self.url

    def titles(self) -> Iterator[str]:
        yield self.css(self.heading)
        yield self.info("title")
        yield from super().titles()

    def times(self) -> Iterator[str]:
        yield self.css(".a_time")
        yield self.css(".pubTime")
        yield self.info("pubtime")

    def info(self, key: str) -> str:
        """A value of the `ARTICLE_INFO` object, `""` without one."""
        pattern = rf"""\bARTICLE_INFO\s*=.{{0,2000}}?[{{,\s]["']?{key}["']?\s*:\s*({SCRIPT_STRING})"""
        found = re.search(pattern, self.raw.text, re.DOTALL)
        return string_value(found[1]).strip() if found else ""

    @property
    def publisher(self) -> str:
        return clean_value(self.css(".a_source"))

    @property
    def channels(self) -> tuple[str, ...]:
        return _names(self.css(".a_catalog"))


FAMILIES: tuple[type[ArticlePage], ...] = (ModernPage, JsonOnlyPage, ServedPage, DatedPage)


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _names(text: str) -> tuple[str, ...]:
    """What is between the commas, each once."""
    if not text:
        return ()
    names = map(clean_value, _COMMA.split(unescaped(text)[:_LONGEST_NAMES]))
    return tuple(dict.fromkeys(filter(None, names)))


def _leads(box: Element) -> list[Element]:
    children = [child for child in box if isinstance(child, Element)]
    has_body = any(child.has_class("content-article") for child in children)
    return [child for child in children if child.has_class("introduction")] if has_body else []


def _outermost(found: list[Element]) -> tuple[list[Element], set[Element]]:
    """Those that are in no other one, and all elements within them."""
    outermost: list[Element] = []
    inside: set[Element] = set()
    for element in found:
        if element not in inside:
            outermost.append(element)
            inside.update(element.iter_elements())
    return outermost, inside


def _merged(containers: list[Element]) -> Element:
    """All containers as one: a body may have several."""
    return containers[0] if len(containers) == 1 else Element("div", children=containers)


def _read_body(page: ArticlePage) -> tuple[ArticlePage, Body]:
    """The body, and the page as the family that the body was read with."""
    reasons: list[str] = []
    for template in chain([page], _as_other_families(page)):
        bodies = (body for body in _bodies(template, reasons) if body.text or body.pictures or body.videos)
        # the HTML of a page marked as oversize may hold more than the JSON
        body = max(bodies, key=_words, default=None) if _is_oversize(page) else next(bodies, None)
        if body:
            return template, body
    if _is_paid(page) or _is_oversize(page):
        raise _partial(page, "there is no text")
    expected = f"text, pictures or videos where family {page.family} has its body"
    raise MissingField(page.url, "body", "; ".join(dict.fromkeys([expected, *reasons])))


def _as_other_families(page: ArticlePage) -> Iterator[ArticlePage]:
    """The page as the other families that match it: older templates were used longer than expected.

    Not for pages of the newer templates or for subscribers: what these show besides their body is not a body.
    """
    if page.raw.has_id("article-content", "ArticleContent") or _is_paid(page):
        return
    for family in FAMILIES:
        other = family(RawPage(page.raw.html, page.url))  # reading a body changes its tree
        if type(page) is not family and other.matches():
            yield other


def _bodies(page: ArticlePage, reasons: list[str]) -> Iterator[Body]:
    """Possible bodies of the page, the most trusted first; why others cannot be read is added to `reasons`."""
    for read in (page.json_body, page.html_body):
        try:
            root = read()
        except (BrokenContent, TooManyNodes) as error:
            reasons.append(str(error))
            continue
        if root is not None:
            yield convert(root)


def _is_short(page: ArticlePage, body: Body) -> bool:
    """Whether the text is suspiciously short. Raises `PartialArticle` for an incomplete article."""
    announced = _announced_words(page)
    if not (_is_paid(page) or _is_oversize(page)):
        return _chinese(body) < _SHORT * announced and _words(body) < _SHORT * announced
    words = _words(body)
    if not announced:
        raise _partial(page, f"nothing says whether its {words} words are all (contentWordsNum)")
    if words < _PARTIAL * announced:
        raise _partial(page, f"{words} of {announced} words (contentWordsNum)")
    return False


def _partial(page: ArticlePage, reason: str) -> PartialArticle:
    paid = _is_paid(page)
    return PartialArticle(page.url, f"{'for subscribers' if paid else 'cut by the site'}: {reason}", paid=paid)


def _words(body: Body) -> int:
    """Chinese characters and Latin words, about as the site counts them: 1976 for a text of 2185 characters."""
    apart = body.text.encode("ascii", "replace")  # with a mark for each Chinese character between two words
    return _chinese(body) + len(_LATIN_WORD.findall(apart))


def _chinese(body: Body) -> int:
    return len(body.text) - len(body.text.encode("ascii", "ignore"))  # fast


def _announced_words(page: ArticlePage) -> int:
    """Number of words of the complete article according to the site; 0 if unknown."""
    text = page.value("contentWordsNum")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _is_paid(page: ArticlePage) -> bool:
    """Whether the article is for subscribers: the page may show a teaser, or only an offer to subscribe."""
    if not page.data:  # missing, or not to be decoded
        return _PAID.search(page.raw.html) is not None
    column = page.data.get("payment_column_info_v1")
    in_column = column.get("is_column_article_pay") if isinstance(column, dict) else None
    return _is_yes(page.data.get("article_is_pay")) or _is_yes(in_column)


def _is_oversize(page: ArticlePage) -> bool:
    """Whether the site may have cut the JSON's body because of its length."""
    return _is_yes(page.data.get("isOversize"))


def _is_yes(value: object) -> bool:
    return value in (True, "1", "true")


def _unclaimed(raw: RawPage) -> str:
    if not raw.html.strip():
        return "the page is empty, so no page family claims it"
    return (
        "no page family claims it: expected originContent in window.DATA, #article-content, #ArticleContent, "
        f".LEFT or #Cnt-Main-Article-QQ; its title is {clean_value(raw.title)!r}"
    )
