"""Videos of Tencent News: a link to the video's page, wherever the article's page hides what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from newsarchive.markdown.document import clean_value
from newsarchive.qq.script import STRING, string_value

_VID = re.compile(r"[0-9A-Za-z]{6,20}", re.ASCII)
_VID_IN_URL = re.compile(r"[?&]vid=([0-9A-Za-z]+)")
# strings, so that a brace in one of them does not count, and braces
_TOKEN = re.compile(STRING + "|[{}]")
_FIELD = re.compile(r"""["\']?\b(vid|title|desc)["\']?\s*:\s*("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')""")


def video(vid: str, title: str, address: str = "") -> etree._Element:
    """A `video` with its page's address, or a paragraph that says that a video stood here."""
    title, address = clean_value(title), clean_value(address)
    if not address.startswith(("https://", "http://")):
        address = f"https://v.qq.com/x/page/{vid}.html" if _VID.fullmatch(vid) else ""
    if address:
        return etree.Element("video", src=address, title=title)
    paragraph = etree.Element("p")
    paragraph.text = f"视频：{title}" if title else "视频"
    return paragraph


def pushed(script: str) -> Iterator[etree._Element]:
    """The videos that an F2 page's inline script names: `videoArr.push({title, vid, img, desc})`."""
    for text in _objects(script):
        fields = {key: string_value(literal) for key, literal in _FIELD.findall(text)}
        if fields:
            yield video(fields.get("vid", ""), fields.get("title") or fields.get("desc", ""))


def drawn(player: etree._Element) -> etree._Element:
    """The video for a player that the page has drawn."""
    inner = next(player.iter("iframe", "video", "source", "embed"), player)
    address = inner.get("src") or inner.get("data-src") or ""
    found = _VID_IN_URL.search(address)
    vid = player.get("data-vid") or player.get("vid") or (found[1] if found else "")
    return video(vid, player.get("data-title") or player.get("title") or "", "" if found else address)


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
