"""Reads articles from article pages of Tencent News: one class per template, called a family.

The body is read from the page's JSON, else from the containers of its family, else as other families do. A page
that matches no family raises `UnknownPage` and never becomes an empty article.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import Any, ClassVar

from parsel import Selector

from newsarchive.errors import BadArgument, ChallengePage, MissingField, NotAnArticle, PartialArticle, UnknownPage
from newsarchive.items import Article
from newsarchive.markdown.document import clean_value, summarize
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Element, TooManyNodes, parse, without_hazards
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
_COMMA = re.compile("[,，;；]")
_LARGEST_HEAD = 20_000  # bytes of a page before its JSON or body
_LONGEST_NAMES = 1_000  # characters of all names of tags
_LATIN_WORD = re.compile(rb"[0-9A-Za-z]++")
_CHALLENGE = re.compile(r"(?:腾讯(?:新闻|网)?[ _|-]{1,3})?(?:安全验证|人机验证)(?:[ _|-]{1,3}腾讯(?:新闻|网)?)?")

# In the page's bytes.
_DATA = re.compile(rb"window\.DATA\s*=\s*(?=\{)")
_TITLE = re.compile(rb"<(?i:title)[^<>]{0,99}>([^<]{0,9999})")
_HEAD_META = re.compile(rb'<meta (?:property|name)="([^"]+)" content="([^"]*)"')
_END = re.compile(rb"<(/?)(?:body|html)\b", re.IGNORECASE)
# picture addresses in bodies, in HTML or JSON; lists, authors and boilerplate use other sizes
_BODY_PICTURE = re.compile(rb"gtimg\.com\\?/\w{1,20}_(?:bt|match)\\?/[\w/\\-]{1,200}/(?:641|1000)\b")
# The attribute's name twice: the literal start is fast to find, and the lookbehind excludes `data-class`.
_CLASSES = re.compile(rb"""class=(?<![\w-]class=)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_JSON = json.JSONDecoder(strict=False)
_BACKSLASH = ord("\\")
_STYLE, _STYLE_END = b"\\u003cstyle", b"\\u003c/style\\u003e"


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
    source = Source(html if isinstance(html, bytes) else html.encode("utf-8", "ignore"), url)
    data = source.data
    if title := source.challenge:
        raise ChallengePage(url, f"the site checks whether a person reads it, expected an article (title {title!r})")
    page = next((page for family in FAMILIES if (page := family(source)).matches()), None)
    if data.get("is_deleted") in (1, "1", True):
        raise NotAnArticle(url, "the site says that the article was removed", gone=True)
    if not _VIDEO_TYPES.isdisjoint({str(data.get("article_type")), str(data.get("atype"))}):
        raise NotAnArticle(url, "a video's page, not an article's")
    if page is None:
        raise UnknownPage(url, _unclaimed(source))
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


class Source:
    """A page as it came, and what is found in it without parsing it: for a field, that would be most of the work."""

    def __init__(self, html: bytes, url: str = "") -> None:
        self.html = html
        self.url = url
        self.json = b""
        """Where `data` comes from, without style sheets."""

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """`window.DATA`, empty if it is missing or broken.

        The decoder finds the end of the object; a pattern cannot, because a body may contain `};`.
        """
        other: Mapping[str, Any] = {}
        for found in islice(_DATA.finditer(self.html), 5):
            start = found.end()
            for end in (self.html.find(b"\n", start), len(self.html)):  # one line since 2024, several lines before
                json_ = _without_styles(self.html, start, end)
                try:
                    data, _ = _JSON.raw_decode(_decoded(json_))
                except (ValueError, RecursionError):
                    continue
                if isinstance(data, dict):
                    if "title" in data:
                        self.json = json_
                        return data
                    other = other or data
                break
        return other

    def meta(self, name: bytes) -> str:
        """The `content` of the first meta tag of that name that is not empty, or `""`."""
        # as the site writes it; the other way, which reads the whole page, takes a hundred times as long
        usual = re.search(rb'<meta (?:property|name)="%b" content="([^"<>]++)"' % name, self.html)
        is_first = usual and name not in self.html[: usual.start()].lower()
        if usual and is_first and (content := unescaped(_decoded(usual[1])).strip()):
            return content
        with suppress(TooManyNodes):
            for tag in self.root.iter_elements("meta"):
                key = tag.attr("property") or tag.attr("name") or ""
                if key.lower().encode() == name and (content := (tag.attr("content") or "").strip()):
                    return content
        return ""

    def head_meta(self, name: bytes) -> str:
        """The same for a tag that a page may lack, as the site writes it before its JSON and the page's body."""
        return unescaped(_decoded(self._head_metas.get(name, b""))).strip()

    @cached_property
    def _head_metas(self) -> dict[bytes, bytes]:
        end = self.html.find(b"window.DATA", 0, _LARGEST_HEAD)
        return dict(_HEAD_META.findall(self.html, 0, end if end >= 0 else _LARGEST_HEAD))

    @cached_property
    def title(self) -> str:
        """The page's title in its head."""
        found = _TITLE.search(self.html)
        return unescaped(_decoded(found[1])).strip() if found else ""

    @property
    def challenge(self) -> str:
        """The title of a page that checks for robots; `""` for any other page.

        It has status 200, and may have the site's usual layout and an article's meta tags.
        """
        titles = (self.data.get("title"), self.title, self.meta(b"og:title"))
        shown = (clean_value(unescaped(title)) for title in titles if isinstance(title, str))
        return next(filter(_CHALLENGE.fullmatch, shown), "")

    @property
    def is_cut(self) -> bool:
        """Whether the page ends before its `</body>`."""
        found = _END.findall(self.html)
        return b"" in found and b"/" not in found

    def has_id(self, *ids: str) -> bool:
        """Whether an element has one of these ids."""
        pattern = rf"""id=(?<![\w-]id=)["']?(?:{"|".join(ids)})(?=["'\s>])"""
        return re.search(pattern.encode(), self.html) is not None

    def has_class(self, name: bytes) -> bool:
        """Whether an element has this class."""
        return any(name in b"".join(found).split() for found in _CLASSES.findall(self.html))

    @cached_property
    def text(self) -> str:
        """The whole page: UTF-8, or the Chinese encoding of the oldest pages, whatever encoding the page declares."""
        return _decoded(self.html)

    @cached_property
    def root(self) -> Element:
        """The whole page's tree. Raises `TooManyNodes`."""
        return parse(self.text)

    @cached_property
    def selector(self) -> Selector:
        """The whole page for fields that its JSON lacks; raises as `root`."""
        return Selector(text=without_hazards(parse(self.text)) or "<html/>")


def _decoded(html: bytes) -> str:
    try:
        return html.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = html.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        # a few broken bytes in Chinese UTF-8 text, or text in another encoding?
        return html.decode("gb18030", "replace") if broken > len(re.findall(r"[^\x00-\x7f\ufffd]", text)) else text


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

    def __init__(self, source: Source) -> None:
        self.source = source
        self.url = source.url
        self.data = source.data

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
            found, inside = _outermost(self.source.root.select(css))
            if not found or not empty.isdisjoint(inside):
                continue
            body = standardize(
                _merged(found),
                captions_in_italics=self.captions_in_italics,
                boilerplate_around=css in self.wide_containers,
            )
            if has_content(body):
                if self.source.is_cut:
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

    @property
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
        return picture_url(self.source.meta(b"og:image"))

    @property
    def publisher(self) -> str:
        card = self.data.get("card")
        name = self.value("media") or _text(card.get("chlname") if isinstance(card, dict) else "")
        return clean_value(unescaped(name or self.source.head_meta(b"article:author")))

    @property
    def channels(self) -> tuple[str, ...]:
        """Its main channel: the second catalogue is a part of the first one."""
        return _names(self.value("catalog1") or self.source.head_meta(b"category"))

    @property
    def site_tags(self) -> tuple[str, ...]:
        """Without the title, with which the keywords of the oldest pages begin."""
        tags = self.value("tags") if "tags" in self.data else self.source.head_meta(b"keywords")
        return _names(tags.removeprefix(self.title) if tags.startswith(f"{self.title},") else tags)

    @property
    def names_pictures(self) -> bool:
        """Whether it names pictures of the body."""
        return _BODY_PICTURE.search(self.source.html) is not None

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        unknown = self.data.keys() - KNOWN_KEYS  # JSON may contain lone surrogates, which cannot be written to a file
        return tuple(sorted(key.encode("utf-8", "replace").decode() for key in unknown))

    def addresses(self) -> Iterator[str]:
        yield self.value("url")
        yield self.source.meta(b"og:url")
        yield self.url

    def titles(self) -> Iterator[str]:
        yield unescaped(self.value("title"))
        yield self.site_name.sub("", self.source.meta(b"og:title"))
        yield self.css(self.heading)
        yield self.site_name.sub("", self.source.title)

    def times(self) -> Iterator[str]:
        yield self.value("pubtime")
        yield self.source.meta(b"article:published_time")
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
        return self.source.selector


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
        return _BODY_PICTURE.search(self.source.json or self.source.html) is not None  # the HTML repeats the JSON's

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
        return self._origin("version") == "v2" or self.source.has_id("article-content")


class JsonOnlyPage(OriginContentPage):
    """2024-04-24 to 2024-11-21: the body only in the JSON; in a saved DOM a script has rendered it."""

    family = "F4"
    heading = ".LEFT > h1"

    def matches(self) -> bool:
        return "originContent" in self.data or self.source.has_id("ArticleContent")


class ServedPage(ArticlePage):
    """2018 to 2024-04-23 (F2 at `/omn/`, F3 at `/rain/a/`): the body in the HTML, the fields in the JSON."""

    family = "F2"
    wide_containers = (".LEFT .content-article", ".LEFT .content.clearfix")
    heading = ".LEFT > h1"
    captions_in_italics = True

    def matches(self) -> bool:
        # without the JSON the page has no complete publish time, and later layouts use the class names too
        return bool(self.data) and self.source.has_class(b"LEFT")

    def html_body(self) -> Element | None:
        # The lead may be next to the body instead of in it. There an empty body would seem to contain it.
        leads = [child for box in self.source.root.select(".LEFT .content.clearfix") for child in _leads(box)]
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
        return self.source.has_id("Cnt-Main-Article-QQ")

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
        found = re.search(pattern, self.source.text, re.DOTALL)
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


def _without_styles(source: bytes, start: int, end: int) -> bytes:
    r"""The page's JSON without style sheets: they are up to 90 kB of 100 kB, and cutting is cheaper than decoding.

    >>> _without_styles(rb'"\u003cstyle\u003ep { }\u003c/style\u003e\u003cp\u003e"', 0, 55)
    b'"\\u003cp\\u003e"'
    """
    kept, at, close, quote = [], start, start, start
    while (begin := source.find(_STYLE, at, end)) >= 0:
        if close < begin and (close := source.find(_STYLE_END, begin, end)) < 0:
            break
        if quote < begin:
            quote = _string_end(source, begin, close)
        is_tag = source[begin - 1] != _BACKSLASH and source[begin + len(_STYLE)] in b" \\"
        if is_tag and close <= quote:
            kept.append(source[at:begin])
            at = close + len(_STYLE_END)
        else:  # the HTML ends before, or shows such a tag as text
            kept.append(source[at : begin + 1])
            at = begin + 1
    return b"".join([*kept, source[at:end]])


def _string_end(source: bytes, start: int, end: int) -> int:
    """The next quote that is not escaped; `end` if there is none before."""
    found = source.find(b'"', start, end)
    while found > start and source[found - 1] == _BACKSLASH:
        found = source.find(b'"', found + 1, end)
    return found if found >= 0 else end


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
    if page.source.has_id("article-content", "ArticleContent") or _is_paid(page):
        return
    for family in FAMILIES:
        other = family(Source(page.source.html, page.url))  # reading a body changes its tree
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
    return (len(body.text.encode("utf-8", "replace")) - len(body.text)) // 2  # fast: one has three bytes in UTF-8


def _announced_words(page: ArticlePage) -> int:
    """Number of words of the complete article according to the site; 0 if unknown."""
    text = page.value("contentWordsNum")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _is_paid(page: ArticlePage) -> bool:
    """Whether the article is for subscribers: the page may show a teaser, or only an offer to subscribe."""
    column = page.data.get("payment_column_info_v1")
    in_column = column.get("is_column_article_pay") if isinstance(column, dict) else None
    return _is_yes(page.data.get("article_is_pay")) or _is_yes(in_column)


def _is_oversize(page: ArticlePage) -> bool:
    """Whether the site may have cut the JSON's body because of its length."""
    return _is_yes(page.data.get("isOversize"))


def _is_yes(value: object) -> bool:
    return value in (True, "1", "true")


def _unclaimed(source: Source) -> str:
    if not source.html.strip():
        return "the page is empty, so no page family claims it"
    return (
        "no page family claims it: expected originContent in window.DATA, #article-content, #ArticleContent, "
        f".LEFT or #Cnt-Main-Article-QQ; its title is {clean_value(source.title)!r}"
    )
