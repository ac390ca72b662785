"""The body of a Tencent News page as standard HTML: boilerplate dropped, the site's own classes replaced
with the elements that they mean, pictures and videos in the place of their placeholders.

The meaning of the classes is taken from real pages of 2019 to 2026; see `tests/pages/qq/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Comment, Element, Node, TooManyNodes, parse, picture_addresses, web_address
from newsarchive.markdown.reader import VIDEOS
from newsarchive.qq import videos
from newsarchive.qq.captions import from_json, is_caption, is_caption_in_italics, is_from_json, repeated
from newsarchive.qq.urls import picture_url

# The site's own components: `div.qnt-p` is a `p`, `span.qnt-strong` a `strong`, and so on.
_COMPONENTS = {
    f"qnt-{tag}": tag
    for tag in (
        *("p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em"),
        *("ul", "ol", "li", "blockquote", "table", "tr", "td", "th"),
    )
}
_HEADING_CLASS = "text-big-title"
# The host of the site's static files: in a body they are placeholders of pictures that a script loads later.
_STATIC = re.compile(r"(?:https?:)?//mat1\.gtimg\.com/", re.IGNORECASE)

# What is in a body and not part of it: style sheets, boxes, hidden text.
_BOILERPLATE_TAGS = {"style", "svg", "noscript", "template", "link", "meta", "textarea"}
_BOILERPLATE_CLASSES = {"article-top-content", "ac-ask-ai", "image-carousel", "qqnews-content"}
# Boilerplate where the container holds more than the body; in the body itself they are part of the text.
_AROUND_TAGS = {"button"}
_AROUND_CLASSES = {
    *("article-status", "statement", "recommend-con", "article-author", "article-interation", "LeftTool"),
    "mbArticleShareBtn",
}
_AROUND_IDS = {
    *("Status", "article-status", "relate-question", "ArticleBottom", "ArticleColumnTag", "article-column-tag"),
    *("backqqcom", "LeftTool"),
}
_NOTABLE = ", ".join(
    (
        *("[class]", "[id]", "[hidden]", "[type]", "[style*=display i]", "script", "img", "object", "i", "em"),
        *("iframe", "video", "embed", *_BOILERPLATE_TAGS, *_AROUND_TAGS, *videos.PLAYER_TAGS, *videos.WITHOUT_ADDRESS),
    )
)
"""CSS of the elements that may be more, or less, than standard HTML: few of them in a real body."""
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)

_PLACEHOLDER = re.compile(r"\s*+([A-Z][A-Z_]*?)_(\d+)\s*+")
_PLACEHOLDER_IN_HTML = re.compile(rf"<!--{_PLACEHOLDER.pattern}-->")
# Placeholders around visible words or without content: the words stay, the placeholders are dropped.
_EMPTY_PLACEHOLDERS = {
    *("SECURE_LINK_BEGIN", "SECURE_LINK_END", "VERTICAL_CARD_BEGIN", "VERTICAL_CARD_END"),
    *("EOP", "PARAGRAPH", "AIPOS", "AI_MID_AD", "NO_READ_BEGIN", "NO_READ_END"),
}
_UNREAD_MARK = re.compile(r"\s*+NO_READ_(BEGIN|END)[\s_\d]*+")
_BLANK = " \t\r\n\f\xa0\u3000\u200b\ufeff"


class BrokenContent(ValueError):
    """The body cannot be read completely; the message says what is missing."""


def parsed(html: str) -> Element:
    """The tree of a page or a body.

    Raises:
        BrokenContent: it is too large for an article.
    """
    try:
        return parse(html)
    except TooManyNodes as error:
        raise BrokenContent(f"the HTML is too large for an article: {error}") from error


def standard(text: str, attributes: Mapping[str, Any]) -> Element:
    """`originContent.text` as standard HTML, with what `originAttribute` has for its placeholders.

    Raises:
        BrokenContent: the body cannot be read completely.
    """
    return standardize(parsed(text), attributes)


def standardize(
    root: Element,
    attributes: Mapping[str, Any] | None = None,
    *,
    captions_in_italics: bool = False,
    boilerplate_around: bool = False,
) -> Element:
    """Change `root` in place to standard HTML and return it.

    Args:
        root: the container of the body; its own tag and classes do not matter.
        attributes: pictures and videos by the names of their placeholders; the page's HTML has no placeholders.
        captions_in_italics: an `i` or `em` right after a picture is its caption, as in families F2 and F3.
        boilerplate_around: the container holds the page's boilerplate too, not the body alone.

    Raises:
        BrokenContent: `attributes` lacks a picture or a video.
    """
    comments = _comments(root)
    if any("NO_READ_" in comment.data for comment in comments):
        _drop_unread(root, comments)
    if boilerplate_around:
        _drop_after_status(root)
    _resolve_placeholders(comments, attributes)
    scripted: set[str | None] = set()
    players: list[Element] = []
    italics: list[Element] = []
    dropped: set[Element] = set()
    for element in root.select(_NOTABLE):
        if element in dropped:
            continue
        tag, classes = element.tag, (element.attr("class") or "").split()
        if tag == "img":
            _drop_static_source(element)
        replacements = _replacements(element, tag, classes, boilerplate_around)
        if replacements is not None:
            dropped.update(element.iter_elements())
            element.replace_with(*replacements)
            if tag == "script":
                scripted.update(video.attr("src") for video in replacements)
            else:
                players += replacements
        elif _HEADING_CLASS in classes:
            element.tag = "h2"
        elif is_caption(element, tag, classes):
            element.tag = "figcaption"
        elif classes and (component := next(filter(None, map(_COMPONENTS.get, classes)), None)):
            element.tag = component
        elif tag in ("i", "em"):
            italics.append(element)
        elif tag in ("iframe", "video", "embed"):
            videos.link_to_page(element)
        elif tag in videos.WITHOUT_ADDRESS:
            element.insert_before(videos.without_address(element))
    for element in players:
        if element.tag == "video" and element.attr("src") in scripted:
            element.extract()
    if captions_in_italics:
        for element in italics:
            if is_caption_in_italics(element):
                element.tag = "figcaption"
    for caption in repeated(root):
        caption.extract()
    return root


def has_content(element: Element) -> bool:
    """Whether it contains text, a picture or a video."""
    return bool(element.text.strip(_BLANK)) or next(element.iter_elements(("img", *VIDEOS)), None) is not None


def is_hidden(element: Element, classes: Sequence[str]) -> bool:
    """Whether readers do not see it, or see it only as a box that repeats or asks something."""
    if classes and not _BOILERPLATE_CLASSES.isdisjoint(classes):
        return True
    style = element.attr("style")
    return bool(style and _HIDDEN.search(style)) or element.attr("hidden") is not None


def unknown_placeholders(text: str) -> set[str]:
    """Names of unknown placeholders: their content may be lost."""
    return {name for name, _ in _PLACEHOLDER_IN_HTML.findall(text)} - _EMPTY_PLACEHOLDERS - {"IMG", "VIDEO"}


def _replacements(
    element: Element,
    tag: str,
    classes: Sequence[str],
    boilerplate_around: bool,
) -> list[Element] | None:
    """The elements that replace an element to be dropped; `None` to keep it."""
    if tag == "script":
        return list(videos.from_script(element.text))
    if is_hidden(element, classes) or (boilerplate_around and _is_around(element, classes)):
        return []
    if tag in _BOILERPLATE_TAGS:
        return _visible_in(element) if tag == "svg" else []
    if tag in videos.PLAYER_TAGS or (classes and not videos.PLAYER_CLASSES.isdisjoint(classes)):
        return [videos.from_player(element)]
    if tag == "object":
        return videos.from_object(element)
    return None


def _is_around(element: Element, classes: Sequence[str]) -> bool:
    """Whether it is boilerplate in a container that holds more than the body."""
    if element.tag in _AROUND_TAGS or element.attr("id") in _AROUND_IDS:
        return True
    return bool(classes) and not _AROUND_CLASSES.isdisjoint(classes)


def _visible_in(drawing: Element) -> list[Element]:
    """Pictures and videos in an `svg`: WeChat puts them there to make them react to a touch."""
    found: list[Element] = []
    hidden: set[Node] = set()
    for element in drawing.iter_elements():
        if element.parent in hidden or is_hidden(element, (element.attr("class") or "").split()):
            hidden.add(element)
        elif element.tag == "img":
            _drop_static_source(element)
            found.append(element)
        elif is_from_json(element):
            found.append(element)
        elif element.tag == "video":
            videos.link_to_page(element)
            found.append(element)
    return found


def _drop_static_source(picture: Element) -> None:
    """Remove a `src` that is only a placeholder: the picture's address is in another attribute."""
    if _STATIC.match((picture.attr("src") or "").strip()) and any(
        web_address(address) and not _STATIC.match(address.strip()) for address in picture_addresses(picture)
    ):
        del picture.attrs["src"]


def _comments(root: Element) -> list[Comment]:
    found = root.xpath("descendant::comment()")
    return [node for node in found if isinstance(node, Comment)] if isinstance(found, list) else []


def _drop_unread(root: Element, comments: Sequence[Comment]) -> None:
    """Drop what the site marks as no part of the article, from a BEGIN to the next END; without END nothing.

    The marks may be anywhere in the tree: an element that contains one stays, with its content outside of the marks.
    """
    begins: set[Node] = set()
    ends: set[Node] = set()
    begin: Node | None = None
    for comment in comments:
        mark = _UNREAD_MARK.fullmatch(comment.data)
        if mark and mark[1] == "BEGIN":
            begin = comment if begin is None else begin
        elif mark and begin is not None:
            begins.add(begin)
            ends.add(comment)
            begin = None
    if not ends:
        return
    around: set[Node] = set()
    for mark_node in begins | ends:
        for ancestor in mark_node.ancestors:
            if ancestor in around:
                break
            around.add(ancestor)
    inside = False
    for node in list(root.descendants):
        if node in begins or node in ends:
            inside = node in begins
        elif inside and node not in around:
            node.extract()


def _drop_after_status(root: Element) -> None:
    """Ends a body of the older families at its last `#Status`: recommendations may follow it in the same container.

    Scripts stay: they may name videos of the body.
    """
    node = next(iter(root.select("[id=Status]")[-1:]), None)
    while node is not None and node is not root:
        for after in list(node.next_siblings):
            if not (isinstance(after, Element) and after.tag == "script"):
                after.extract()
        node = node.parent if isinstance(node.parent, Element) else None


def _resolve_placeholders(comments: Sequence[Comment], attributes: Mapping[str, Any] | None) -> None:
    """Replace the placeholders with pictures and their captions, and with videos; drop other comments."""
    for comment in comments:
        if comment.parent is None:
            continue  # in a part that is not read
        found = _PLACEHOLDER.fullmatch(comment.data)
        if attributes is None or not found or found[1] not in ("IMG", "VIDEO"):
            comment.extract()
            continue
        details = attributes.get(f"{found[1]}_{found[2]}")
        if not isinstance(details, Mapping):
            raise BrokenContent(f"originAttribute has no entry for the placeholder {found[1]}_{found[2]}")
        if found[1] == "VIDEO":
            title, address = _first(details, "title", "desc"), _first(details, "playurl")
            comment.replace_with(videos.video_element(_first(details, "vid"), title, address))
            continue
        picture = _picture(details, f"IMG_{found[2]}")
        comment.replace_with(picture)
        description = clean_value(unescaped(_first(details, "desc")))
        if description.strip(_BLANK):
            picture.insert_after(from_json(description))


def _picture(details: Mapping[str, Any], name: str) -> Element:
    # the page shows `origUrl`; `url` and `compressUrl` are smaller for about 6 % of the pictures
    moving = picture_url(_first(details, "gifUrl")) if details.get("isGif") not in (None, "", "0", 0, False) else ""
    sizes = ("origUrl", "url", "compressUrl", "imgurl1000", "imgurl0", "bigOrigUrl")
    url = moving or next((url for key in sizes if (url := picture_url(_first(details, key)))), "")
    if not url:
        raise BrokenContent(f"originAttribute.{name} has no picture URL")
    return Element("img", {"src": url})


def _first(details: Mapping[str, Any], *keys: str) -> str:
    return next((str(details[key]).strip() for key in keys if details.get(key)), "")
