"""The body of a Tencent News page as standard HTML: furniture dropped, the site's own classes mapped
to the elements that they stand for, placeholders resolved.

What the classes mean is described from real pages of 2019 to 2026; see `tests/pages/qq/`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from newsarchive.markdown.characters import unescaped
from newsarchive.markdown.document import clean_value
from newsarchive.qq import videos
from newsarchive.qq.markup import BrokenContent, drop, parse, text_of
from newsarchive.qq.urls import picture_url

_PLACEHOLDER = re.compile(r"<!--\s*([A-Z][A-Z_]*?)_(\d+)\s*-->")
# Placeholders that stand around visible words or for nothing: the words stay, the rest goes.
_EMPTY_PLACEHOLDERS = {
    *("SECURE_LINK_BEGIN", "SECURE_LINK_END", "VERTICAL_CARD_BEGIN", "VERTICAL_CARD_END"),
    *("EOP", "PARAGRAPH", "AIPOS", "AI_MID_AD"),
}

_FURNITURE_TAGS = {"style", "script", "svg", "noscript", "template", "link", "meta", "textarea"}
_FURNITURE_CLASSES = {"article-top-content", "ac-ask-ai", "image-carousel", "qqnews-content"}
# The page's own, in the older families within the body's container; in a body they are an author's words.
_AROUND_TAGS = {"button"}
_AROUND_CLASSES = {
    *("article-status", "statement", "recommend-con", "article-author", "article-interation", "LeftTool"),
}
_AROUND_IDS = {
    *("Status", "article-status", "relate-question", "ArticleBottom", "ArticleColumnTag", "article-column-tag"),
    *("backqqcom", "LeftTool"),
}
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)

# The page's own components: `div.qnt-p` stands for `p`, `span.qnt-strong` for `strong`, and so on.
_COMPONENT = re.compile(r"\bqnt-(p|h[1-6]|strong|em|ul|ol|li|blockquote|table|tr|td|th)\b")
_HEADING_CLASS = "text-big-title"
_VIDEO_CLASS = "qnt-video"
_DESCRIPTION = "data-description"
"""Marks a caption that comes from the JSON: the page may show it a second time."""
_IN_LINE = {"span", "strong", "b", "em", "i", "u", "a", "font", "sub", "sup", "s", "del", "code"}


def standard(text: str, attributes: Mapping[str, Any]) -> etree._Element:
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

    def replacement(found: re.Match[str]) -> str:
        name, number = found.groups()
        if name not in ("IMG", "VIDEO"):
            return ""
        details = attributes.get(f"{name}_{number}")
        if not isinstance(details, Mapping):
            raise BrokenContent(f"originAttribute has no entry for the placeholder {name}_{number}")
        if name == "IMG":
            return _picture(details, f"IMG_{number}")
        video = videos.video(_first(details, "vid"), _first(details, "title", "desc"), _first(details, "playurl"))
        return str(etree.tostring(video, encoding="unicode", method="html"))

    return _PLACEHOLDER.sub(replacement, text)


def unknown_placeholders(text: str) -> set[str]:
    """Names of placeholders that nobody has described yet: they may stand for something that is lost."""
    return {name for name, _ in _PLACEHOLDER.findall(text)} - _EMPTY_PLACEHOLDERS - {"IMG", "VIDEO"}


def standardize(
    root: etree._Element, *, captions_in_italics: bool = False, furniture_around: bool = False
) -> etree._Element:
    """`root`, changed in place to standard HTML.

    Args:
        root: the container of the body; its own tag and classes do not matter.
        captions_in_italics: an `i` or `em` right after a picture is its caption, as in families F2 and F3.
        furniture_around: the container holds the page's furniture too, not the body alone.
    """
    described = []
    for element in list(root.iterdescendants()):
        tag, classes = element.tag, element.get("class")
        if (
            tag in _FURNITURE_TAGS
            or _is_furniture(element, classes)
            or (furniture_around and _is_around(element, classes))
        ):
            if tag == "script" and "videoArr" in (element.text or ""):
                for pushed in videos.pushed(element.text or ""):
                    element.addprevious(pushed)
            drop(element)
        elif classes and _VIDEO_CLASS in classes.split():
            element.addprevious(videos.drawn(element))
            drop(element)
        elif classes and _HEADING_CLASS in classes:
            element.tag = "h2"
        elif classes and (component := _COMPONENT.search(classes)):
            element.tag = component[1]
        elif tag == "figcaption" and element.get(_DESCRIPTION):
            described.append(element)
        elif captions_in_italics and tag in ("i", "em") and _follows_picture(element):
            element.tag = "figcaption"
    for caption in described:
        if _is_shown_below(caption):
            drop(caption)
    return root


def _is_furniture(element: etree._Element, classes: str | None) -> bool:
    if classes and not _FURNITURE_CLASSES.isdisjoint(classes.split()):
        return True
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style and _HIDDEN.search(style))


def _is_around(element: etree._Element, classes: str | None) -> bool:
    if element.tag in _AROUND_TAGS or element.get("id") in _AROUND_IDS:
        return True
    return bool(classes) and not _AROUND_CLASSES.isdisjoint((classes or "").split())


def _follows_picture(element: etree._Element) -> bool:
    """Whether it stands between a picture, which may be in a link or in bold, and the end of the line."""
    after = element.getnext()
    if (element.tail or "").strip() or (after is not None and after.tag in _IN_LINE and after.tag not in ("i", "em")):
        return False
    before = element.getprevious()
    while before is not None and before.tag == "br" and not (before.tail or "").strip():
        before = before.getprevious()
    if before is None or (before.tail or "").strip():
        return False
    return before.tag == "img" or (
        before.tag in _IN_LINE and before.find(".//img") is not None and not text_of(before).strip()
    )


def _is_shown_below(caption: etree._Element) -> bool:
    """Whether the next text says the same: the page's own caption."""
    found: Any = caption.xpath("(following::text()[normalize-space()])[1]")
    return bool(found) and "".join(_line(found[0], caption).split()) == "".join(text_of(caption).split())


def _line(text: Any, caption: etree._Element) -> str:
    """The block that a text after the caption stands in, or its line in a block around the caption too."""
    element, above = text.getparent(), set(caption.iterancestors())
    if element.get(_DESCRIPTION) and not text.is_tail:
        return ""  # of another picture
    if text.is_tail and element.getparent() in above:
        line = str(text)
    else:
        element = element.getparent() if text.is_tail else element
        while element.tag in _IN_LINE and element.getparent() not in above:
            element = element.getparent()
        line = text_of(element)
        if element.tag not in _IN_LINE:
            return line
        line += element.tail or ""
    for after in element.itersiblings():
        if after.tag not in _IN_LINE:
            break
        line += text_of(after) + (after.tail or "")
    return line


def _picture(details: Mapping[str, Any], name: str) -> str:
    moving = picture_url(_first(details, "gifUrl")) if details.get("isGif") not in (None, "", "0", 0, False) else ""
    sizes = ("url", "origUrl", "compressUrl", "imgurl1000", "imgurl0", "bigOrigUrl")
    url = moving or next((url for key in sizes if (url := picture_url(_first(details, key)))), "")
    if not url:
        raise BrokenContent(f"originAttribute.{name} has no picture URL")
    caption = clean_value(unescaped(_first(details, "desc")))
    below = f'<figcaption {_DESCRIPTION}="1">{html.escape(caption)}</figcaption>' if caption else ""
    return f'<img src="{html.escape(url)}">{below}'


def _first(details: Mapping[str, Any], *keys: str) -> str:
    return next((str(details[key]).strip() for key in keys if details.get(key)), "")
