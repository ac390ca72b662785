"""Parts of a page that do not belong to the article, in and around its body: style sheets, boxes, hidden text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from newsarchive.qq.markup import drop

BOILERPLATE_TAGS = {"style", "svg", "noscript", "template", "link", "meta", "textarea"}
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
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def is_hidden(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether readers do not see it, or see it only as a box that repeats or asks something."""
    if classes and not _BOILERPLATE_CLASSES.isdisjoint(classes):
        return True
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style and _HIDDEN.search(style))


def is_around(element: etree._Element, classes: Sequence[str]) -> bool:
    """Whether it is boilerplate in a container that holds more than the body."""
    if element.tag in _AROUND_TAGS or element.get("id") in _AROUND_IDS:
        return True
    return bool(classes) and not _AROUND_CLASSES.isdisjoint(classes)


def drop_after_status(root: etree._Element) -> None:
    """Ends a body of the older families at its last `#Status`: recommendations may follow it in the same container.

    Scripts stay: they may name videos of the body.
    """
    found = root.findall(".//*[@id='Status']")
    last = found[-1] if found else None
    dropped: list[etree._Element] = []
    while last is not None and last is not root:
        for after in last.itersiblings():
            after.tail = None
            if after.tag != "script":
                dropped.append(after)
        last.tail = None
        last = last.getparent()
    drop(root, dropped)
