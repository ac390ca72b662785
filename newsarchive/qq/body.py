"""The body of a Tencent News page as standard HTML: boilerplate dropped, the site's own classes replaced
with the elements that they mean, pictures and videos in the place of their placeholders.

The meaning of the classes is taken from real pages of 2019 to 2026; see `tests/pages/qq/`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Comment, Element, Node, Text, picture_addresses, web_address
from newsarchive.markdown.reader import VIDEOS
from newsarchive.qq.urls import picture_url

PLAYER_TAGS = {"txpdiv"}
PLAYER_CLASSES = {"qnt-video", "videoPlayer", "videoPlayerMin", "txp_player"}
"""Players rendered by the page or a script, with all their buttons and notices."""
VIDEOS_WITHOUT_ADDRESS = {"mpvoice", "mp-common-mpaudio", "mp-common-videosnap", "qqmusic", "mp-common-qqmusic"}
"""Players in articles imported from WeChat that have no address."""
_VIDEO_NAMES = ("name", "data-desc", "data-title", "musicname", "music_name")  # attributes with the names of these
_FRAME_CLASS = "video_iframe"  # a video in these articles, as an `iframe` or a `span`
SCRIPT_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""  # pattern of a JavaScript string with its quotes

_PAGE = "https://v.qq.com/x/page/{}.html"
_VID = re.compile(r"[0-9A-Za-z]{6,20}", re.ASCII)
_VID_IN_URL = re.compile(r"(?:^|[?&])vid=([0-9A-Za-z]+)")
_SITE = re.compile(r"(?:https?:)?//(?:[a-z0-9-]{1,63}\.){0,9}qq\.com/", re.IGNORECASE)
_PLAYS = re.compile(r"\b(?:video/|audio/)|shockwave|\.(?:swf|mp4|m3u8|flv|mp3)\b", re.IGNORECASE)
# The video id of a player contains a digit, unlike the players' names.
_OWN_VID = r"(?=[a-z]*[0-9])[a-z][0-9a-z]{10}"
_SHOWN_VID = re.compile(rf"(?<![A-Za-z])VID\W{{0,9}}({_OWN_VID})(?![0-9A-Za-z])")
_SCRIPT_COMMENT = re.compile(r"(?m)^[^\S\n]*//.*$|/\*[^*]*\*/")
_SET_VID = re.compile(rf"\.setVid\(\s*({SCRIPT_STRING})")
# Braces, and strings, so that braces in them do not count; an escaped quote does not begin a string.
_TOKEN = re.compile(SCRIPT_STRING + r"|\\.|[{}]")
_FIELD = re.compile(r"""["\']?\b(vid|title|desc)["\']?\s*:\s*("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')""")
_QUOTE = re.compile(r'\\.|"', re.DOTALL)

# The site's own components: `div.qnt-p` is a `p`, `span.qnt-strong` a `strong`, and so on.
_COMPONENT_TAGS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "ul", "ol", "li", "blockquote")
_COMPONENTS = {f"qnt-{tag}": tag for tag in (*_COMPONENT_TAGS, "table", "tr", "td", "th")}
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
_CAPTION_CLASSES = {"image_desc", "qqnews_image_desc", "text-img-note"}
# Only these elements may be more, or less, than standard HTML: few of them in a real body.
_NOTABLE_TAGS = _BOILERPLATE_TAGS.union(
    _AROUND_TAGS,
    PLAYER_TAGS,
    VIDEOS_WITHOUT_ADDRESS,
    ("script", "img", "object", "i", "em", "iframe", "video", "embed"),
)
_NOTABLE_CLASSES = _BOILERPLATE_CLASSES.union(
    _AROUND_CLASSES, PLAYER_CLASSES, _CAPTION_CLASSES, _COMPONENTS, (_HEADING_CLASS, _FRAME_CLASS)
)
_NOTABLE = ", ".join(("[class]", "[id]", "[hidden]", "[type]", "[style*=display i]", *sorted(_NOTABLE_TAGS)))
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SHOWN_AS_BLOCK = re.compile(
    r"(?:^|[;\s])display\s*:\s*(?:block|flex|grid|table|list-item)\s*(?:[;!]|$)", re.IGNORECASE
)

_PLACEHOLDER = re.compile(r"\s*+([A-Z][A-Z_]*?)_(\d+)\s*+")
_PLACEHOLDER_REST = re.compile(rf"{_PLACEHOLDER.pattern}-->")
# Placeholders around visible words or without content: the words stay, the placeholders are dropped.
_EMPTY_PLACEHOLDERS = {
    *("SECURE_LINK_BEGIN", "SECURE_LINK_END", "VERTICAL_CARD_BEGIN", "VERTICAL_CARD_END"),
    *("EOP", "PARAGRAPH", "AIPOS", "AI_MID_AD", "NO_READ_BEGIN", "NO_READ_END"),
}
_UNREAD_MARK = re.compile(r"\s*+NO_READ_(BEGIN|END)[\s_\d]*+")
_BLANK = " \t\r\n\f\xa0\u3000\u200b\ufeff"


class BrokenContent(ValueError):
    """The body cannot be read completely; the message says what is missing."""


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
    notable = root.select(_NOTABLE)
    _resolve_placeholders(comments, attributes)
    scripted: set[str | None] = set()
    players: list[Element] = []
    italics: list[Element] = []
    dropped: set[Element] = set()
    for element in notable:
        if element in dropped:
            continue
        tag, classes = element.tag, (element.attr("class") or "").split()
        if tag not in _NOTABLE_TAGS and len(element.attrs) == 1 and classes and _NOTABLE_CLASSES.isdisjoint(classes):
            continue  # a class without a meaning
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
        elif _FRAME_CLASS in classes and tag not in VIDEOS:
            _add_frame(element)
        elif tag == "span" and _SHOWN_AS_BLOCK.search(element.attr("style") or ""):
            element.tag = "p"  # its text does not run together with the text around it
        elif tag in ("i", "em"):
            italics.append(element)
        elif tag in ("iframe", "video", "embed"):
            link_to_page(element)
        elif tag in VIDEOS_WITHOUT_ADDRESS:
            element.insert_before(video_element("", next(filter(None, map(element.attr, _VIDEO_NAMES)), "")))
    for element in players:
        if element.tag == "video" and element.attr("src") in scripted:
            element.extract()
    for element in italics if captions_in_italics else ():
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
    comments = map(_PLACEHOLDER_REST.match, text.split("<!--")[1:])  # a pattern that looks for `<!--` is slower
    return {comment[1] for comment in comments if comment} - _EMPTY_PLACEHOLDERS - {"IMG", "VIDEO"}


def _replacements(element: Element, tag: str, classes: Sequence[str], boilerplate_around: bool) -> list[Element] | None:
    """The elements that replace an element to be dropped; `None` to keep it."""
    if tag == "script":
        return list(videos_from_script(element.text))
    if is_hidden(element, classes):
        return []
    if boilerplate_around and (
        tag in _AROUND_TAGS or element.attr("id") in _AROUND_IDS or not _AROUND_CLASSES.isdisjoint(classes)
    ):
        return []
    if tag in _BOILERPLATE_TAGS:
        return _visible_in(element) if tag == "svg" else []
    if tag in PLAYER_TAGS or not PLAYER_CLASSES.isdisjoint(classes):
        return [video_from_player(element)]
    if tag == "object":
        return videos_from_object(element)
    return None


def _visible_in(drawing: Element) -> list[Element]:
    """Pictures and videos in an `svg`: WeChat puts them there to make them react to a touch."""
    found: list[Element] = []
    hidden: set[Node] = set()
    for element in drawing.iter_elements():
        if element.parent in hidden or is_hidden(element, (element.attr("class") or "").split()):
            hidden.add(element)
        elif element.tag in ("img", "video") or is_from_json(element):
            if element.tag == "img":
                _drop_static_source(element)
            elif element.tag == "video":
                link_to_page(element)
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
    marks: dict[Node, bool] = {}  # whether such a part begins there
    begin: Node | None = None
    for comment in comments:
        mark = _UNREAD_MARK.fullmatch(comment.data)
        if mark and mark[1] == "BEGIN":
            begin = comment if begin is None else begin
        elif mark and begin is not None:
            marks |= {begin: True, comment: False}
            begin = None
    around: set[Node] = set()
    for node in marks:
        around.update(list(takewhile(lambda ancestor: ancestor not in around, node.ancestors)))
    inside = False
    for node in list(root.descendants) if marks else ():
        if node in marks:
            inside = marks[node]
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
        if not isinstance(details, dict):
            raise BrokenContent(f"originAttribute has no entry for the placeholder {found[1]}_{found[2]}")
        if found[1] == "VIDEO":
            title, address = _first(details, "title", "desc"), _first(details, "playurl")
            comment.replace_with(video_element(_first(details, "vid"), title, address))
            continue
        picture = _picture(details, f"IMG_{found[2]}")
        comment.replace_with(picture)
        description = _first(details, "desc")
        if description and (caption := clean_value(unescaped(description))).strip(_BLANK):
            picture.insert_after(Element("figcaption", {_FROM_JSON: ""}, [Text(caption)]))


def _picture(details: Mapping[str, Any], name: str) -> Element:
    # the page shows `origUrl`; `url` and `compressUrl` are smaller for about 6 % of the pictures
    moving = picture_url(_first(details, "gifUrl")) if details.get("isGif") not in (None, "", "0", 0, False) else ""
    sizes = ("origUrl", "url", "compressUrl", "imgurl1000", "imgurl0", "bigOrigUrl")
    url = moving or next(filter(None, (picture_url(_first(details, key)) for key in sizes)), "")
    if not url:
        raise BrokenContent(f"originAttribute.{name} has no picture URL")
    return Element("img", {"src": url})


def _first(details: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        if value := details.get(key):
            return str(value).strip()
    return ""


# captions

_FROM_JSON = "data-from-json"
_TYPE = "om-image-desc"
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_IN_LINE = {"span", "strong", "b", "em", "i", "u", "a", "font", "sub", "sup", "s", "del", "code"}
# Elements that may hold only a picture, with its caption after it.
_AROUND_PICTURE = _IN_LINE | {"p", "figure", "div", "section", "center"}


def is_caption(element: Element, tag: str, classes: Sequence[str]) -> bool:
    """Whether the site's editors marked it as a caption."""
    if classes and not _CAPTION_CLASSES.isdisjoint(classes):
        return tag in ("p", "div", "section", "span")
    return tag in ("p", "div") and element.attr("type") == _TYPE


def is_caption_in_italics(element: Element) -> bool:
    """Whether an `i` or `em` of families F2 and F3 is a caption."""
    return not _has_text(element.next_sibling) and (
        (element.has_class("desc") and _is_alone(element)) or _follows_picture(element)
    )


def is_from_json(node: Node | None) -> bool:
    """Whether it is a caption that the JSON has for a picture."""
    return isinstance(node, Element) and node.tag == "figcaption" and node.attr(_FROM_JSON) is not None


def repeated(root: Element) -> Iterator[Element]:
    """Those of the JSON's captions that the next text of the page repeats."""
    if root.select_one(f"[{_FROM_JSON}]") is None:
        return
    waiting: Element | None = None
    for node in list(root.descendants):
        if isinstance(node, Element) and is_from_json(node):
            waiting = node
        elif waiting is not None and isinstance(node, Text) and not is_from_json(node.parent) and _letters(node.data):
            in_heading = any(isinstance(around, Element) and around.tag in _HEADINGS for around in node.ancestors)
            if not in_heading and _letters(_line(node, waiting)) == _letters(waiting.text):
                yield waiting
            waiting = None


def _letters(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _has_text(node: Node | None) -> bool:
    return isinstance(node, Text) and bool(node.data.strip())


def _is_alone(element: Element) -> bool:
    """Whether its block contains no other text."""
    if not element.text.strip():
        return False
    parent = element.parent
    if not isinstance(parent, Element) or parent.tag in ("div", "section"):
        return True
    beside = chain(element.previous_siblings, element.next_siblings)  # nearest first: it usually decides
    return not any(each.text.strip() for each in beside)


def _follows_picture(element: Element) -> bool:
    """Whether it directly follows a picture and ends its line."""
    after = next((node for node in element.next_siblings if isinstance(node, Element)), None)
    if after is not None and after.tag in _IN_LINE and after.tag not in ("i", "em"):
        return False
    for before in element.previous_siblings:
        if isinstance(before, Element) and before.tag != "br":
            return before.tag == "img" or (
                before.tag in _AROUND_PICTURE
                and next(before.iter_elements("img"), None) is not None
                and not before.text.strip()
            )
        if _has_text(before):
            return False
    return False


def _line(text: Text, caption: Element) -> str:
    """The text of the block around `text`; only its line if the caption is in the block too."""
    block = text.parent
    while isinstance(block, Element) and block.tag in _IN_LINE:
        block = block.parent
    if isinstance(block, Element) and block not in set(caption.ancestors):
        texts = (node for node in block.descendants if isinstance(node, Text))
        return "".join(each.data for each in texts if not is_from_json(each.parent))
    line = [text.data]
    node: Node = text
    while True:
        for after in node.next_siblings:
            if isinstance(after, Element) and after.tag not in _IN_LINE:
                return "".join(line)
            line.append(after.text)
        if not isinstance(node.parent, Element) or node.parent is block:
            return "".join(line)
        node = node.parent


# videos


def video_element(vid: str, title: str, address: str = "") -> Element:
    """A `video` with its page's address; without an address only a title that says that there was a video.

    `address` is used only without a `vid`: the signed address of a file (`playurl`) expires within hours.
    """
    title, address = clean_value(unescaped(title)), web_address(clean_value(address))
    if _VID.fullmatch(vid):
        address = _PAGE.format(vid)
    if address:
        return Element("video", {"src": address, "title": title})
    return Element("video", {"title": f"视频：{title}" if title else "视频"})


def videos_from_script(script: str) -> Iterator[Element]:
    """The videos in a script of a body.

    F2 has `videoArr.push({title, vid, img, desc})`, F1 `video.setVid("g0018l5pyuk")`.
    """
    script = _SCRIPT_COMMENT.sub("", script)
    if "videoArr" in script:
        for text in _objects(script):
            fields = {key: string_value(literal) for key, literal in _FIELD.findall(text)}
            if fields:
                yield video_element(fields.get("vid", ""), fields.get("title") or fields.get("desc", ""))
    if ".setVid(" in script:
        for literal in _SET_VID.findall(script):
            yield video_element(string_value(literal).strip(), "")


def video_from_player(player: Element) -> Element:
    """The video of a player rendered by the page or a script."""
    title = player.attr("data-title") or player.attr("title") or ""
    inner = next(player.iter_elements(("iframe", "video", "source", "embed")), player)
    address = inner.attr("src") or inner.attr("data-src") or ""
    vid = _vid(player, address) or _own_vid(player)
    return video_element(vid, title, "" if vid else address)  # the file's address expires after some hours


def _add_frame(box: Element) -> None:
    """Adds the `iframe` of a box that has its address; a page that was saved as a browser shows it has one inside."""
    if next(box.iter_elements(VIDEOS), None) is None:
        frame = Element("iframe", dict(box.attrs))
        link_to_page(frame)
        box.insert_before(frame)


def link_to_page(element: Element) -> None:
    """Set the `src` of an `iframe`, `video` or `embed` of one of the site's videos to the video's page."""
    address = element.attr("src") or element.attr("data-src") or ""
    vid = _vid(element, address if _SITE.match(address) else "")
    if _VID.fullmatch(vid):
        element.attrs["src"] = _PAGE.format(vid)


def videos_from_object(element: Element) -> list[Element] | None:
    """The video of an `object`; `None` if its content is to be read instead: an `embed`, fallback text or a picture."""
    if next(element.iter_elements("embed"), None) is not None:
        return None
    if next(element.iter_elements(), None) is None and not element.attr("data") and not element.attr("type"):
        return []  # one of Word's smart tags
    values = {(each.attr("name") or "").lower(): each.attr("value") or "" for each in element.iter_elements("param")}
    addresses = [element.attr("data") or "", *(values.get(name, "") for name in ("movie", "src"))]
    found = next(filter(None, map(_VID_IN_URL.search, [*addresses, values.get("flashvars", "")])), None)
    address = next(filter(None, map(web_address, addresses)), "")
    plays = not address or _PLAYS.search(f"{element.attr('type') or ''} {address}")
    if not found and (not plays or element.text.strip() or next(element.iter_elements("img"), None) is not None):
        return None
    return [video_element(found[1] if found else "", "", "" if found else address)]


def _vid(element: Element, address: str) -> str:
    found = _VID_IN_URL.search(address)
    return element.attr("data-vid") or element.attr("vid") or (found[1] if found else "")


def _own_vid(player: Element) -> str:
    """The video id of a v.qq.com player: its element's id, or the VID in its connection details."""
    id_ = player.attr("id") or ""
    if re.fullmatch(_OWN_VID, id_):
        return id_
    found = _SHOWN_VID.search(" ".join(player.strings))
    return found[1] if found else ""


def _objects(script: str) -> Iterator[str]:
    """The innermost `{…}` of a script."""
    start = -1
    for token in _TOKEN.finditer(script):
        if token[0] == "{":
            start = token.start()
        elif token[0] == "}":
            if start >= 0:
                yield script[start : token.end()]
            start = -1


def string_value(literal: str) -> str:
    r"""The text of a JavaScript string.

    >>> string_value(r"'It\'s'"), string_value(r'"\u7532"')
    ("It's", '甲')
    """
    inner = literal[1:-1]
    if literal[0] == "'":  # JSON has only double quotes
        inner = _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), inner)
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner
