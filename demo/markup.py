"""A story's body in the two forms in which the site serves it: JSON with placeholders, and HTML.

Stories use their own tags for pictures, videos and marked words:

    <img src="name" width="641" height="427" desc="caption" gif>
    <video vid="…" title="…" duration="01:20" cover="name"></video>
    <card>words</card>                  a link to an encyclopedia card
    <secure href="…">words</secure>     a link to another site
"""

from __future__ import annotations

import hashlib
import html
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

_STORY_TAGS = re.compile(
    r"<img (?P<img>[^>]*)>|<video (?P<video>[^>]*)></video>"
    r"|<card>(?P<card>.*?)</card>|<secure (?P<secure>[^>]*)>(?P<words>.*?)</secure>",
    re.S,
)
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')
_LAZY = "qnt-img-img qnr-img-lazy-load-img qnr-img-lazy-load-img-placeholder"


def picture_key(name: str) -> str:
    """The site's key of a picture: 45 characters, the first is `G` for an animated one."""
    digest = urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()
    return ("G" if name.endswith("-demo") else "O") + digest[:41] + "wAA"


@dataclass(frozen=True)
class Pictures:
    """The addresses that pages use for pictures."""

    server: str = ""
    """This server's address, for pictures that work without the internet; `""`: the real site's host."""

    def body(self, name: str, size: str = "641") -> str:
        """The address of a size; a name that is already an address is returned unchanged."""
        return name if "://" in name else f"{self._host('om_bt')}/{picture_key(name)}/{size}"

    def cover(self, name: str, crop: str) -> str:
        """The list's picture: another crop of the key, `640360` in lists, `640330` in `og:image`."""
        return name if "://" in name or not name else f"{self._host('om_ls')}/{picture_key(name)}_{crop}/0"

    def _host(self, folder: str) -> str:
        return f"{self.server}/pic" if self.server else f"https://inews.gtimg.com/{folder}"


@dataclass
class Origin:
    """`originContent.text` and `originAttribute`."""

    text: str
    attributes: dict[str, dict[str, object]] = field(default_factory=dict)


def origin(body: str, pictures: Pictures) -> Origin:
    """The body with placeholders, and what they mean."""
    result = Origin("")
    counts = {"IMG": 0, "VIDEO": 0, "VERTICAL_CARD": 0, "SECURE_LINK": 0}

    def number(kind: str) -> int:
        counts[kind] += 1
        return counts[kind] - 1

    def placeholder(found: re.Match[str]) -> str:
        if found["img"]:
            name = f"IMG_{number('IMG')}"
            result.attributes[name] = _image(_attributes(found["img"]), pictures)
            return f"<!--{name}-->"
        if found["video"]:
            name = f"VIDEO_{number('VIDEO')}"
            result.attributes[name] = _video(_attributes(found["video"]), pictures)
            return f"<!--{name}-->"
        kind, words = ("VERTICAL_CARD", found["card"]) if found["card"] else ("SECURE_LINK", found["words"])
        n = number(kind)
        result.attributes[f"{kind}_BEGIN_{n}"] = _link(kind, words, found["secure"])
        result.attributes[f"{kind}_END_{n}"] = {"show_type": "6"}
        return f"<!--{kind}_BEGIN_{n}-->{words}<!--{kind}_END_{n}-->"

    result.text = _with_empty_placeholders(_STORY_TAGS.sub(placeholder, body))
    return result


def shown(body: str, pictures: Pictures) -> str:
    """The body as the page's HTML shows it (family F5)."""

    def element(found: re.Match[str]) -> str:
        if found["img"]:
            return _shown_image(_attributes(found["img"]), pictures)
        if found["video"]:
            it = _video(_attributes(found["video"]), pictures)
            return f'<div class="qnt-video" data-vid="{it["vid"]}" data-title="{it["title"]}"></div>'
        if found["card"]:
            link = f'<span class="qnt-link"><span class="qnt-link-text">{found["card"]}</span></span>'
            return f'<span dt-eid="" dt-params="">{link}</span>'
        return f'<span class="qnt-link qnt-link-hideUnderline">{found["words"]}</span>'

    return _STORY_TAGS.sub(element, body)


def shown_v1(body: str, pictures: Pictures) -> str:
    """The old editor's `<P>…</P>` as the page's HTML shows it since 2024, e.g. as `div.qnt-p`."""
    for old, new, name in (("P", "div", "qnt-p"), ("H2", "div", "qnt-h2"), ("STRONG", "span", "qnt-strong")):
        body = body.replace(f"<{old}>", f'<{new} class="{name}">').replace(f"</{old}>", f"</{new}>")
    return shown(body, pictures)


def plain(body: str, pictures: Pictures, size: str) -> str:
    """The body of an old page (F1, F2): protocol-relative picture addresses, no marked words."""
    style = ' class="content-picture"' if size == "1000" else ' style="display:block;"'

    def element(found: re.Match[str]) -> str:
        if found["img"]:
            address = pictures.body(_attributes(found["img"])["src"], size)
            return f'<img src="{address.removeprefix("https:")}"{style}>'
        return found["card"] or found["words"] or ""

    return _STORY_TAGS.sub(element, body)


def _attributes(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(text)}


def _image(it: dict[str, str], pictures: Pictures) -> dict[str, object]:
    url = pictures.body(it["src"])
    found: dict[str, object] = {
        "bigOrigUrl": url if "gif" in it else pictures.body(it["src"], "0"),
        "compressUrl": url,
        "desc": it.get("desc", ""),
        "fullPic": "1",
        "height": int(it.get("height", 427)),
        "imgurl0": pictures.body(it["src"], "0"),
        "imgurl1000": pictures.body(it["src"], "1000"),
        "islong": int(int(it.get("height", 427)) > 1200),
        "origUrl": url,
        "size": 96,
        "thumb": pictures.cover(it["src"], "181x181s"),
        "url": url,
        "width": int(it.get("width", 641)),
    }
    if "gif" in it:
        found |= {"isGif": 1, "gifUrl": pictures.body(it["src"], "0"), "gifSize": 1}
    return found


def _shown_image(it: dict[str, str], pictures: Pictures) -> str:
    url = pictures.body(it["src"], "0" if "gif" in it else "641")
    image = f'<img class="{_LAZY}" style="max-width:100%;height:100%" src="{url}" data-src="{url}" alt="图片"/>'
    if "desc" in it:
        image += f'<p class="qqnews_image_desc" style="text-align:center">{html.escape(it["desc"])}</p>'
    return image


def _video(it: dict[str, str], pictures: Pictures) -> dict[str, object]:
    return {
        "vid": it["vid"],
        "img": pictures.body(it["cover"], "0") if "cover" in it else "",
        "duration": it.get("duration", ""),
        "playurl": f"https://v.qq.com/x/page/{it['vid']}.html",
        "title": it.get("title", ""),
        "desc": it.get("desc", ""),
    }


def _link(kind: str, words: str, secure: str | None) -> dict[str, object]:
    if kind == "SECURE_LINK":
        return {"url": _attributes(secure or "").get("href", ""), "desc": words}
    return {"a_version": "21_android_7.5.10", "desc": words, "type": "ai", "url": "qqnews://article_9528?act=ai_chat"}


def _with_empty_placeholders(text: str) -> str:
    """The text with placeholders that have no content, between and in paragraphs, as on the site."""
    ends = [found.start() for found in re.finditer(r"</[pP]>", text)]
    marks = ["<!--EOP_0-->", "<!--AIPOS_0-->", "<!--AI_MID_AD_0-->"]
    for mark, end in reversed(list(zip(marks, ends, strict=False))):
        text = text[:end] + mark + text[end:]
    return re.sub(r"</([pP])>", r"</\1><!--PARAGRAPH_0-->", text, count=1)
