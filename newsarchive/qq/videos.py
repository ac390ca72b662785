"""Videos of Tencent News: finds the video's id or address in the article's page, for a link to the video's page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from newsarchive.markdown.addresses import web_address
from newsarchive.markdown.characters import unescaped
from newsarchive.markdown.document import clean_value
from newsarchive.qq.markup import text_of
from newsarchive.qq.script import STRING, string_value

PLAYER_TAGS = {"txpdiv"}
PLAYER_CLASSES = {"qnt-video", "videoPlayer", "videoPlayerMin", "txp_player"}
"""Players rendered by the page or a script, with all their buttons and notices."""
WITHOUT_ADDRESS = {"mpvoice", "mp-common-mpaudio", "mp-common-videosnap"}
"""Players in articles imported from WeChat that have no address."""

_VID = re.compile(r"[0-9A-Za-z]{6,20}", re.ASCII)
_VID_IN_URL = re.compile(r"(?:^|[?&])vid=([0-9A-Za-z]+)")
_SITE = re.compile(r"(?:https?:)?//(?:[a-z0-9-]{1,63}\.){0,9}qq\.com/", re.IGNORECASE)
_PLAYS = re.compile(r"\b(?:video/|audio/)|shockwave|\.(?:swf|mp4|m3u8|flv|mp3)\b", re.IGNORECASE)
# The video id of a player contains a digit, unlike the players' names.
_OWN_VID = r"(?=[a-z]*[0-9])[a-z][0-9a-z]{10}"
_SHOWN_VID = re.compile(rf"(?<![A-Za-z])VID\W{{0,9}}({_OWN_VID})(?![0-9A-Za-z])")
_SCRIPT_COMMENT = re.compile(r"(?m)^[^\S\n]*//.*$|/\*[^*]*\*/")
_SET_VID = re.compile(rf"\.setVid\(\s*({STRING})")
# Braces, and strings, so that braces in them do not count; an escaped quote does not begin a string.
_TOKEN = re.compile(STRING + r"|\\.|[{}]")
_FIELD = re.compile(r"""["\']?\b(vid|title|desc)["\']?\s*:\s*("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')""")


def video(vid: str, title: str, address: str = "") -> etree._Element:
    """A `video` with its page's address; without an address only a title that says that there was a video.

    `address` is used only without a `vid`: the signed address of a file (`playurl`) expires within hours.
    """
    title, address = clean_value(unescaped(title)), web_address(clean_value(address))
    if _VID.fullmatch(vid):
        address = _page(vid)
    if address:
        return etree.Element("video", src=address, title=title)
    return etree.Element("video", title=f"视频：{title}" if title else "视频")


def scripted(script: str) -> Iterator[etree._Element]:
    """The videos in a script of a body.

    F2 has `videoArr.push({title, vid, img, desc})`, F1 `video.setVid("g0018l5pyuk")`.
    """
    script = _SCRIPT_COMMENT.sub("", script)
    if "videoArr" in script:
        for text in _objects(script):
            fields = {key: string_value(literal) for key, literal in _FIELD.findall(text)}
            if fields:
                yield video(fields.get("vid", ""), fields.get("title") or fields.get("desc", ""))
    if ".setVid(" in script:
        for literal in _SET_VID.findall(script):
            yield video(string_value(literal).strip(), "")


def drawn(player: etree._Element) -> etree._Element:
    """The video of a player rendered by the page or a script."""
    title = player.get("data-title") or player.get("title") or ""
    inner = next(player.iter("iframe", "video", "source", "embed"), player)
    address = inner.get("src") or inner.get("data-src") or ""
    found = _VID_IN_URL.search(address)
    vid = player.get("data-vid") or player.get("vid") or (found[1] if found else "")
    # the file's address in a rendered player expires after some hours
    vid = vid or _own_vid(player)
    return video(vid, title, "" if vid else address)


def link_to_page(element: etree._Element) -> None:
    """Set the `src` of an `iframe`, `video` or `embed` of one of the site's videos to the video's page."""
    address = element.get("src") or element.get("data-src") or ""
    found = _VID_IN_URL.search(address) if _SITE.match(address) else None
    vid = element.get("vid") or element.get("data-vid") or (found[1] if found else "")
    if _VID.fullmatch(vid):
        element.set("src", _page(vid))


def embedded(element: etree._Element) -> list[etree._Element] | None:
    """The video of an `object`; `None` if its content is to be read instead: an `embed`, fallback text or a picture."""
    if element.find(".//embed") is not None:
        return None
    if not len(element) and not element.get("data") and not element.get("type"):
        return []  # one of Word's smart tags
    values = {(each.get("name") or "").lower(): each.get("value") or "" for each in element.iter("param")}
    addresses = [element.get("data") or "", *(values.get(name, "") for name in ("movie", "src"))]
    found = next(filter(None, map(_VID_IN_URL.search, [*addresses, values.get("flashvars", "")])), None)
    address = next(filter(None, map(web_address, addresses)), "")
    plays = not address or _PLAYS.search(f"{element.get('type') or ''} {address}")
    if not found and (not plays or text_of(element).strip() or element.find(".//img") is not None):
        return None
    return [video(found[1] if found else "", "", "" if found else address)]


def unaddressed(element: etree._Element) -> etree._Element:
    """The video of a player that has no address."""
    return video("", element.get("name") or element.get("data-desc") or element.get("data-title") or "")


def _page(vid: str) -> str:
    return f"https://v.qq.com/x/page/{vid}.html"


def _own_vid(player: etree._Element) -> str:
    """The video id of a v.qq.com player: its element's id, or the VID in its connection details."""
    if re.fullmatch(_OWN_VID, player.get("id") or ""):
        return str(player.get("id"))
    found = _SHOWN_VID.search(" ".join(map(str, player.itertext())))
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
