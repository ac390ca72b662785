"""Videos of Tencent News: finds the video's id or address in the article's page, for a link to the video's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from newsarchive.markdown.document import clean_value
from newsarchive.markdown.escape import unescaped
from newsarchive.markdown.html import Element, web_address

PLAYER_TAGS = {"txpdiv"}
PLAYER_CLASSES = {"qnt-video", "videoPlayer", "videoPlayerMin", "txp_player"}
"""Players rendered by the page or a script, with all their buttons and notices."""
WITHOUT_ADDRESS = {"mpvoice", "mp-common-mpaudio", "mp-common-videosnap"}
"""Players in articles imported from WeChat that have no address."""
SCRIPT_STRING = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
"""Pattern of a JavaScript string with its quotes."""

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


def video_element(vid: str, title: str, address: str = "") -> Element:
    """A `video` with its page's address; without an address only a title that says that there was a video.

    `address` is used only without a `vid`: the signed address of a file (`playurl`) expires within hours.
    """
    title, address = clean_value(unescaped(title)), web_address(clean_value(address))
    if _VID.fullmatch(vid):
        address = _page(vid)
    if address:
        return Element("video", {"src": address, "title": title})
    return Element("video", {"title": f"视频：{title}" if title else "视频"})


def from_script(script: str) -> Iterator[Element]:
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


def from_player(player: Element) -> Element:
    """The video of a player rendered by the page or a script."""
    title = player.attr("data-title") or player.attr("title") or ""
    inner = next(player.iter_elements(("iframe", "video", "source", "embed")), player)
    address = inner.attr("src") or inner.attr("data-src") or ""
    found = _VID_IN_URL.search(address)
    vid = player.attr("data-vid") or player.attr("vid") or (found[1] if found else "")
    # the file's address in a rendered player expires after some hours
    vid = vid or _own_vid(player)
    return video_element(vid, title, "" if vid else address)


def link_to_page(element: Element) -> None:
    """Set the `src` of an `iframe`, `video` or `embed` of one of the site's videos to the video's page."""
    address = element.attr("src") or element.attr("data-src") or ""
    found = _VID_IN_URL.search(address) if _SITE.match(address) else None
    vid = element.attr("vid") or element.attr("data-vid") or (found[1] if found else "")
    if _VID.fullmatch(vid):
        element.attrs["src"] = _page(vid)


def from_object(element: Element) -> list[Element] | None:
    """The video of an `object`; `None` if its content is to be read instead: an `embed`, fallback text or a picture."""
    if next(element.iter_elements("embed"), None) is not None:
        return None
    if next(element.iter_elements(), None) is None and not element.attr("data") and not element.attr("type"):
        return []  # one of Word's smart tags
    params = element.iter_elements("param")
    values = {(each.attr("name") or "").lower(): each.attr("value") or "" for each in params}
    addresses = [element.attr("data") or "", *(values.get(name, "") for name in ("movie", "src"))]
    found = next(filter(None, map(_VID_IN_URL.search, [*addresses, values.get("flashvars", "")])), None)
    address = next(filter(None, map(web_address, addresses)), "")
    plays = not address or _PLAYS.search(f"{element.attr('type') or ''} {address}")
    if not found and (not plays or element.text.strip() or next(element.iter_elements("img"), None) is not None):
        return None
    return [video_element(found[1] if found else "", "", "" if found else address)]


def without_address(element: Element) -> Element:
    """The video of a player that has no address."""
    return video_element("", element.attr("name") or element.attr("data-desc") or element.attr("data-title") or "")


def _page(vid: str) -> str:
    return f"https://v.qq.com/x/page/{vid}.html"


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
