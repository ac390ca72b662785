"""Replaces the placeholders in `originContent.text` with pictures and videos from `originAttribute`."""

from __future__ import annotations

import html
import re
from bisect import bisect
from collections.abc import Mapping
from typing import Any

from lxml import etree

from newsarchive.markdown.characters import unescaped
from newsarchive.markdown.document import clean_value
from newsarchive.qq import videos
from newsarchive.qq.captions import DESCRIPTION
from newsarchive.qq.markup import BrokenContent, unread_spans
from newsarchive.qq.urls import picture_url

_PLACEHOLDER = re.compile(r"<!--\s*+(?!NO_READ_)([A-Z][A-Z_]*?)_(\d+)\s*+-->")  # `markup.parse` handles NO_READ
# Placeholders around visible words or without content: the words stay, the placeholders are dropped.
_EMPTY_PLACEHOLDERS = {
    *("SECURE_LINK_BEGIN", "SECURE_LINK_END", "VERTICAL_CARD_BEGIN", "VERTICAL_CARD_END"),
    *("EOP", "PARAGRAPH", "AIPOS", "AI_MID_AD"),
}


def resolve(text: str, attributes: Mapping[str, Any]) -> str:
    """`originContent.text` with pictures and videos instead of placeholders, except in parts to be dropped.

    Raises:
        BrokenContent: a picture's or a video's placeholder has no entry in `originAttribute`.
    """
    unread = unread_spans(text)

    def replacement(found: re.Match[str]) -> str:
        name, number = found.groups()
        before = bisect(unread, (found.start(),))
        if name not in ("IMG", "VIDEO") or (before and found.start() < unread[before - 1][1]):
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
    """Names of unknown placeholders: their content may be lost."""
    return {name for name, _ in _PLACEHOLDER.findall(text)} - _EMPTY_PLACEHOLDERS - {"IMG", "VIDEO"}


def _picture(details: Mapping[str, Any], name: str) -> str:
    # the page shows `origUrl`; `url` and `compressUrl` are smaller for about 6 % of the pictures
    moving = picture_url(_first(details, "gifUrl")) if details.get("isGif") not in (None, "", "0", 0, False) else ""
    sizes = ("origUrl", "url", "compressUrl", "imgurl1000", "imgurl0", "bigOrigUrl")
    url = moving or next((url for key in sizes if (url := picture_url(_first(details, key)))), "")
    if not url:
        raise BrokenContent(f"originAttribute.{name} has no picture URL")
    caption = clean_value(unescaped(_first(details, "desc")))
    # an attribute, so that the caption is dropped with its picture
    described = f' {DESCRIPTION}="{html.escape(caption)}"' if caption else ""
    return f'<img src="{html.escape(url)}"{described}>'


def _first(details: Mapping[str, Any], *keys: str) -> str:
    return next((str(details[key]).strip() for key in keys if details.get(key)), "")
