"""Addresses of links, pictures and videos."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from lxml import etree

from newsarchive.markdown.characters import without_controls

_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LINE_BREAKS = re.compile(r"[\t\n\r]")


def web_address(value: str | None, base_url: str = "") -> str:
    """An attribute's value as an absolute http(s) URL, or `""`.

    >>> web_address("//x.cn/a"), web_address("/b", "https://x.cn/a"), web_address("#c", "https://x.cn/a")
    ('https://x.cn/a', 'https://x.cn/b', '')
    """
    if not value:
        return ""
    value = _LINE_BREAKS.sub("", value).strip()  # as browsers do
    if value.startswith("//"):
        value = f"https:{value}"
    elif base_url and not value.startswith("#") and not _SCHEME.match(value):
        try:
            value = urljoin(base_url, value)
        except ValueError:  # e.g. an unclosed bracket in the host
            return ""
    return without_controls(value) if _WEB.match(value) else ""


def picture_addresses(element: etree._Element) -> Iterator[str]:
    """All addresses in an `img`, unchanged, the most trusted first.

    The `src` of a lazily loaded picture is only a placeholder.
    """
    names = ["src", "data-src", "data-original", "data-lazy-src"]
    if "lazy" in (element.get("class") or ""):
        names.append(names.pop(0))
    for name in names:
        yield element.get(name) or ""
    for name in ("srcset", "data-srcset"):
        yield (element.get(name) or "").strip().partition(" ")[0].rstrip(",")
