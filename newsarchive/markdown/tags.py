"""HTML elements by how they are read. An element in none of these sets is read as text within a line."""

from __future__ import annotations

from newsarchive.markdown.inline import CODE, DELETED, EMPHASIS, STRONG

STYLES = {
    **dict.fromkeys(("strong", "b"), STRONG),
    **dict.fromkeys(("em", "i"), EMPHASIS),
    **dict.fromkeys(("s", "del", "strike"), DELETED),
    "code": CODE,
}
HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
NOTHING = frozenset({"style", "script", "svg"})
VIDEOS = frozenset({"video", "audio", "iframe", "embed"})
LISTS = frozenset({"ul", "ol", "dir", "menu"})
BOXES = frozenset(
    {
        *("div", "section", "article", "figure", "main", "aside", "header", "footer", "nav", "center"),
        *("form", "fieldset", "details", "dialog", "hgroup", "body", "html"),
    }
)
"""Blocks whose direct text keeps one space at its start."""
BLOCKS = frozenset(
    {
        *("p", "pre", "li", "dl", "dt", "dd", "blockquote", "figcaption", "summary", "legend", "address"),
        *("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "option", "optgroup"),
        *BOXES,
        *LISTS,
        *HEADINGS,
    }
)
NO_CODE = NOTHING | VIDEOS | {"img", "figcaption"}
SPECIAL = frozenset({"br", "img", "hr", "a", "pre", "table", "li", "blockquote", "figcaption"}).union(
    NOTHING, VIDEOS, LISTS
)
