"""The body of a Tencent News page as standard HTML: furniture dropped, the site's own classes mapped
to the elements that they stand for, placeholders resolved.

What the classes mean is described from real pages of 2019 to 2026; see `tests/pages/qq/`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import lxml.html
from lxml import etree

from newsarchive.qq.urls import picture_url

_PLACEHOLDER = re.compile(r"<!--\s*([A-Z][A-Z_]*?)_(\d+)\s*-->")
# Placeholders that stand around visible words or for nothing: the words stay, the rest goes.
_EMPTY_PLACEHOLDERS = {
    *("SECURE_LINK_BEGIN", "SECURE_LINK_END", "VERTICAL_CARD_BEGIN", "VERTICAL_CARD_END"),
    *("EOP", "PARAGRAPH", "AIPOS", "AI_MID_AD"),
}
_STYLE = re.compile(r"<(/?)style\b[^>]*>", re.IGNORECASE)

_FURNITURE_TAGS = {"style", "script", "svg", "noscript", "template", "link", "meta", "textarea", "button"}
_FURNITURE_CLASSES = {
    *("article-top-content", "ac-ask-ai", "image-carousel", "qqnews-content", "article-status"),
    *("statement", "recommend-con", "article-author", "article-interation", "LeftTool"),
}
_FURNITURE_IDS = {
    *("Status", "article-status", "relate-question", "ArticleBottom", "ArticleColumnTag", "article-column-tag"),
    *("backqqcom", "LeftTool"),
}
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)

# The page's own components: `div.qnt-p` stands for `p`, `span.qnt-strong` for `strong`, and so on.
_COMPONENT = re.compile(r"\bqnt-(p|h[1-6]|strong|em|ul|ol|li|blockquote|table|tr|td|th)\b")
_HEADING_CLASS = "text-big-title"
_VIDEO_CLASS = "qnt-video"

_VIDEO_PUSH = re.compile(r"videoArr\s*\.\s*push\s*\((\{.*?\})\s*\)", re.DOTALL)
_VIDEO_FIELD = re.compile(r"""["']?\b(vid|title|desc)["']?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_VID = re.compile(r"[0-9A-Za-z]{6,20}", re.ASCII)
_VID_IN_URL = re.compile(r"[?&]vid=([0-9A-Za-z]+)")


class BrokenContent(ValueError):
    """The body cannot be read whole; the message says what is missing."""


def standard(text: str, attributes: Mapping[str, Any]) -> lxml.html.HtmlElement:
    """`originContent.text` as standard HTML: placeholders resolved, furniture dropped.

    Raises:
        BrokenContent: the body cannot be read whole.
    """
    return standardize(parse(resolve(text, attributes)))


def resolve(text: str, attributes: Mapping[str, Any]) -> str:
    """`originContent.text` with pictures and videos in the place of their placeholders.

    Raises:
        BrokenContent: a picture's or a video's placeholder has no entry in `originAttribute`.
    """
    text = _without_styles(text)

    def replacement(found: re.Match[str]) -> str:
        name, number = found.groups()
        if name not in ("IMG", "VIDEO"):
            return ""
        details = attributes.get(f"{name}_{number}")
        if not isinstance(details, Mapping):
            raise BrokenContent(f"originAttribute has no entry for the placeholder {name}_{number}")
        if name == "IMG":
            return _picture(details, f"IMG_{number}", text[found.end() : found.end() + 2000])
        return _video(_first(details, "vid"), _first(details, "title", "desc"), _first(details, "playurl"))

    return _PLACEHOLDER.sub(replacement, text)


def unknown_placeholders(text: str) -> set[str]:
    """Names of placeholders that nobody has described yet: they may stand for something that is lost."""
    return {name for name, _ in _PLACEHOLDER.findall(text)} - _EMPTY_PLACEHOLDERS - {"IMG", "VIDEO"}


def parse(markup: str | bytes) -> lxml.html.HtmlElement:
    """The `body` element of an HTML page or fragment, without comments.

    Raises:
        BrokenContent: nested so deeply that the parser would drop what lies inside.
    """
    if isinstance(markup, str):
        markup = markup.encode("utf-8", "ignore")  # lone surrogates, which JSON can hold, are no text
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = lxml.html.document_fromstring(b"<html><body>" + markup, parser=parser, ensure_head_body=True)
    except etree.ParserError as error:
        raise BrokenContent(f"the HTML cannot be parsed: {error}") from error
    fatal = parser.error_log.filter_from_fatals()
    if len(fatal):
        raise BrokenContent(f"the HTML cannot be parsed to its end: {fatal[0].message}")
    return root.find("body")


def standardize(root: lxml.html.HtmlElement, *, captions_in_italics: bool = False) -> lxml.html.HtmlElement:
    """`root`, changed in place to standard HTML.

    Args:
        root: the container of the body; its own tag and classes do not matter.
        captions_in_italics: an `i` or `em` right after a picture is its caption, as in families F2 and F3.
    """
    for element in list(root.iterdescendants()):
        if element.getparent() is None:
            continue  # went with furniture around it
        tag, classes = element.tag, element.get("class")
        if tag == "script" and "videoArr" in (element.text or ""):
            _replace(element, _pushed_videos(element.text or ""))
        elif tag in _FURNITURE_TAGS or _is_furniture(element, classes):
            _drop(element)
        elif classes and _VIDEO_CLASS in classes.split():
            _replace(element, [_video_element(element)])
        elif classes and _HEADING_CLASS in classes:
            element.tag = "h2"
        elif classes and (component := _COMPONENT.search(classes)):
            element.tag = component[1]
        elif tag in ("i", "em") and captions_in_italics and _follows_picture(element):
            element.tag = "figcaption"
    return root


def _without_styles(text: str) -> str:
    """Style sheets weigh up to 90 kB inside a body of 10 kB: cheaper cut out than parsed."""
    kept, position, inside = [], 0, False
    for tag in _STYLE.finditer(text):
        if not inside:
            kept.append(text[position : tag.start()])
        inside, position = not tag[1], tag.end()
    return "".join(kept) + ("" if inside else text[position:])


def _is_furniture(element: lxml.html.HtmlElement, classes: str | None) -> bool:
    if classes and not _FURNITURE_CLASSES.isdisjoint(classes.split()):
        return True
    if element.get("id") in _FURNITURE_IDS:
        return True
    style = element.get("style")
    return bool(style and "none" in style and _HIDDEN.search(style))


def _follows_picture(element: lxml.html.HtmlElement) -> bool:
    before = element.getprevious()
    return before is not None and before.tag == "img" and not (before.tail or "").strip()


def _picture(details: Mapping[str, Any], name: str, following: str) -> str:
    moving = picture_url(_first(details, "gifUrl")) if str(details.get("isGif")) == "1" else ""
    sizes = ("url", "origUrl", "compressUrl", "imgurl1000", "imgurl0", "bigOrigUrl")
    url = moving or next((url for key in sizes if (url := picture_url(_first(details, key)))), "")
    if not url:
        raise BrokenContent(f"originAttribute.{name} has no picture URL")
    caption = " ".join(_first(details, "desc").split())
    shown_below = re.sub(r"<[^>]*>", "", following).lstrip().startswith(caption)
    below = "" if not caption or shown_below else f"<figcaption>{html.escape(caption)}</figcaption>"
    return f'<img src="{html.escape(url)}">{below}'


def _video(vid: str, title: str, address: str = "") -> str:
    return str(lxml.html.tostring(_video_link(vid, title, address), encoding="unicode"))


def _video_link(vid: str, title: str, address: str = "") -> lxml.html.HtmlElement:
    """A `video` with its page's address, or a paragraph that says that a video stood here."""
    if not address.startswith(("https://", "http://")):
        address = f"https://v.qq.com/x/page/{vid}.html" if _VID.fullmatch(vid) else ""
    if address:
        return lxml.html.Element("video", src=address, title=title)
    paragraph = lxml.html.Element("p")
    paragraph.text = f"视频：{title}" if title else "视频"
    return paragraph


def _pushed_videos(script: str) -> list[lxml.html.HtmlElement]:
    """The videos that an F2 page's inline script puts in its own place."""
    videos = []
    for pushed in _VIDEO_PUSH.findall(script):
        fields = {key: html.unescape(double or single) for key, double, single in _VIDEO_FIELD.findall(pushed)}
        videos.append(_video_link(fields.get("vid", ""), fields.get("title") or fields.get("desc", "")))
    return videos


def _video_element(element: lxml.html.HtmlElement) -> lxml.html.HtmlElement:
    """The video for a player that the page has drawn."""
    inner = element if element.tag in ("iframe", "video") else element.find(".//iframe")
    address = (inner.get("src") or "") if inner is not None else ""
    found = _VID_IN_URL.search(address)
    vid = element.get("data-vid") or element.get("vid") or (found[1] if found else "")
    return _video_link(vid, element.get("data-title") or element.get("title") or "", "" if found else address)


def _first(details: Mapping[str, Any], *keys: str) -> str:
    return next((str(details[key]).strip() for key in keys if details.get(key)), "")


def _drop(element: lxml.html.HtmlElement) -> None:
    element.drop_tree()


def _replace(element: lxml.html.HtmlElement, others: list[lxml.html.HtmlElement]) -> None:
    for other in others:
        element.addprevious(other)
    _drop(element)
