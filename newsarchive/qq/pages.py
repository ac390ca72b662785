"""Reads articles from article pages of Tencent News.

The body is read from the page's JSON, else from the containers of its family, else as other families do. A page
that matches no family raises `UnknownPage` and never becomes an empty article.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from newsarchive.errors import ChallengePage, MissingField, NotAnArticle, PartialArticle, UnknownPage
from newsarchive.items import Article
from newsarchive.markdown.body import Body, convert
from newsarchive.markdown.characters import unescaped
from newsarchive.markdown.document import clean_value, summarize
from newsarchive.qq.families import FAMILIES
from newsarchive.qq.markup import BrokenContent, has_id
from newsarchive.qq.page import ArticlePage
from newsarchive.qq.urls import canonical_url

# `article_type` and `atype` of video pages: 56 was seen on pages, the others in lists.
_VIDEO_TYPES = {"4", "56", "118", "102", "103"}
_PARTIAL = 0.8
"""Share of the announced length from which the text of a page that may show only a part counts as complete."""
_SHORT = 0.5
"""Share of the announced length below which the text of any other page is suspicious."""
_LATIN_WORD = re.compile(rb"[0-9A-Za-z]++")
_CHALLENGES = ("安全验证", "人机验证")
_CHALLENGE = re.compile(r"(?:腾讯(?:新闻|网)?[ _|-]{1,3})?(?:安全验证|人机验证)(?:[ _|-]{1,3}腾讯(?:新闻|网)?)?")
_HEAD_TITLE = re.compile(r"<title[^<>]{0,99}>([^<]{0,99})", re.IGNORECASE)
_DATA = re.compile(r"window\.DATA\s*=\s*(?=\{)")
# picture addresses in bodies, in HTML or JSON; lists, authors and boilerplate use other sizes
_BODY_PICTURE = re.compile(r"gtimg\.com\\?/\w{1,20}_(?:bt|match)\\?/[\w/\\-]{1,200}/(?:641|1000)\b")
_JSON = json.JSONDecoder(strict=False)


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
    source = decode(html) if isinstance(html, bytes) else html
    data = _page_data(source)
    if title := _challenge(source, data):
        raise ChallengePage(url, f"the site checks whether a person reads it, expected an article (title {title!r})")
    page = next((page for family in FAMILIES if (page := family(source, url, data)).matches()), None)
    if data.get("is_deleted") in (1, "1", True):
        raise NotAnArticle(url, "the site says that the article was removed", gone=True)
    if not _VIDEO_TYPES.isdisjoint({str(data.get("article_type")), str(data.get("atype"))}):
        raise NotAnArticle(url, "a video's page, not an article's")
    if page is None:
        raise UnknownPage(url, _unclaimed(source))
    try:
        page, body = _read_body(page)
        is_short = _is_short(page, body)
    except RecursionError:
        raise MissingField(url, "body", "elements that are nested less deeply") from None
    return Article(
        source="qq",
        article_id=page.article_id,
        url=canonical_url(page.article_id),
        title=page.title,
        published=page.published,
        summary=summarize(body.text),
        thumbnail=thumbnail or page.picture,
        body=body.markdown,
        text=body.text,
        pictures=body.pictures,
        videos=body.videos,
        is_short=is_short,
        missed_pictures=not body.pictures and _BODY_PICTURE.search(source) is not None,
        family=page.family,
        unknown_keys=page.unknown_keys,
    )


def decode(html: bytes) -> str:
    """A page's text: UTF-8, or the Chinese encoding of the oldest pages, whatever encoding the page declares."""
    try:
        return html.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = html.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        # a few broken bytes in Chinese UTF-8 text, or text in another encoding?
        return html.decode("gb18030", "replace") if broken > len(re.findall(r"[^\x00-\x7f\ufffd]", text)) else text


def _page_data(source: str) -> Mapping[str, Any]:
    """`window.DATA`, empty if it is missing or broken.

    The decoder finds the end of the object; a pattern cannot, because a body may contain `};`.
    """
    other: Mapping[str, Any] = {}
    for found in islice(_DATA.finditer(source), 5):
        try:
            data, _ = _JSON.raw_decode(source, found.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(data, Mapping):
            if "title" in data:
                return data
            other = other or data
    return other


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
    if has_id(page.source, "article-content", "ArticleContent") or _is_paid(page):
        return
    for family in FAMILIES:
        other = family(page.source, page.url, page.data)
        if type(page) is not family and other.matches():
            yield other


def _bodies(page: ArticlePage, reasons: list[str]) -> Iterator[Body]:
    """Possible bodies of the page, the most trusted first; why others cannot be read is added to `reasons`."""
    try:
        if (root := page.json_body()) is not None:
            yield convert(root)
    except BrokenContent as error:
        reasons.append(str(error))
    try:
        if (root := page.html_body()) is not None:
            if _is_cut(page.source):
                reasons.append("the page ends before its </body>: a part of it was lost on the way")
                return
            yield convert(root)
    except BrokenContent as error:
        reasons.append(str(error))


def _is_short(page: ArticlePage, body: Body) -> bool:
    """Whether the text is suspiciously short. Raises `PartialArticle` for an incomplete article."""
    words, announced = _words(body), _announced_words(page)
    if _is_paid(page) or _is_oversize(page):
        if not announced:
            raise _partial(page, f"nothing says whether its {words} words are all (contentWordsNum)")
        if words < _PARTIAL * announced:
            raise _partial(page, f"{words} of {announced} words (contentWordsNum)")
    return words < _SHORT * announced


def _partial(page: ArticlePage, reason: str) -> PartialArticle:
    paid = _is_paid(page)
    return PartialArticle(page.url, f"{'for subscribers' if paid else 'cut by the site'}: {reason}", paid=paid)


def _words(body: Body) -> int:
    """Chinese characters and Latin words, about as the site counts them: 1976 for a text of 2185 characters."""
    latin = body.text.encode("ascii", "ignore")
    apart = body.text.encode("ascii", "replace")  # with a mark for each Chinese character between two words
    return len(body.text) - len(latin) + len(_LATIN_WORD.findall(apart))


def _announced_words(page: ArticlePage) -> int:
    """Number of words of the complete article according to the site; 0 if unknown."""
    text = page.value("contentWordsNum")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _is_paid(page: ArticlePage) -> bool:
    """Whether the article is for subscribers: the page may show a teaser, or only an offer to subscribe."""
    column = page.data.get("payment_column_info_v1")
    in_column = column.get("is_column_article_pay") if isinstance(column, Mapping) else None
    return _is_yes(page.data.get("article_is_pay")) or _is_yes(in_column)


def _is_oversize(page: ArticlePage) -> bool:
    """Whether the site may have cut the JSON's body because of its length."""
    return _is_yes(page.data.get("isOversize"))


def _is_yes(value: object) -> bool:
    return value in (True, "1", "true")


def _challenge(source: str, data: Mapping[str, Any]) -> str:
    """The title of a page that checks for robots; `""` for any other page.

    It has status 200, and may have the site's usual layout and an article's meta tags.
    """
    titles = [data.get("title")]
    if any(word in source for word in _CHALLENGES):  # fast, and hardly any page contains them
        titles += _HEAD_TITLE.findall(source)[:1]
        titles.append(FAMILIES[0](source, "", data).meta("og:title"))
    shown = (clean_value(unescaped(title)) for title in titles if isinstance(title, str))
    return next(filter(_CHALLENGE.fullmatch, shown), "")


def _is_cut(source: str) -> bool:
    found = re.findall(r"<(/?)(?:body|html)\b", source, re.IGNORECASE)
    return "" in found and "/" not in found


def _unclaimed(source: str) -> str:
    if not source.strip():
        return "the page is empty, so no page family claims it"
    found = _HEAD_TITLE.search(source)
    title = clean_value(found[1]) if found else ""
    return (
        "no page family claims it: expected originContent in window.DATA, #article-content, #ArticleContent, "
        f".LEFT or #Cnt-Main-Article-QQ; its title is {title!r}"
    )
