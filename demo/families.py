"""The page of a story, in its family's layout or in an unknown one."""

from __future__ import annotations

import html
import json

from demo import boilerplate, markup, script_pages, static_pages
from demo.markup import Pictures
from demo.stories import Story

_NEW_NAMES = {"next": "ns", "unknown": "zq"}
"""Unknown layouts and the prefix of their names. A parser may support `next` one day; `unknown` is for tests."""
LAYOUTS = ("today", *_NEW_NAMES)


def page(story: Story, pictures: Pictures, *, filler: int, layout: str = "today") -> bytes:
    """The page of a story as the site sends it; `filler` is the size of its style sheet."""
    if layout in _NEW_NAMES:
        return next_page(story, pictures, filler, _NEW_NAMES[layout]).encode()
    if story.family == "F1":
        return static_pages.f1_page(story, pictures).encode("gb2312", "xmlcharrefreplace")
    if story.family in ("F2", "F3"):
        return static_pages.f2_page(story, pictures).encode()
    if story.family == "F4":
        return script_pages.f4_page(story, pictures, filler).encode()
    return script_pages.f5_page(story, pictures, filler).encode()


def next_page(story: Story, pictures: Pictures, filler: int, names: str) -> str:
    """The same story with other names for everything, as after a redesign: no parser knows this layout."""
    doc = {f"{names}Key": story.id, "headline": story.title, "issued": story.published.isoformat()}
    state = script_pages.in_script(json.dumps({"doc": doc}, ensure_ascii=False))
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{html.escape(story.title)}</title>
<style>{boilerplate.style_sheet(filler, story.id).replace("rich_media_content", f"{names}-body")}</style>
<script id="{names}-state">window.__{names.upper()}_STATE__ = {state}</script></head>
<body><header>{boilerplate.navigation()}</header>
<main class="{names}-story"><h1 class="{names}-headline">{html.escape(story.title)}</h1>
<time class="{names}-time" datetime="{story.published.isoformat()}"></time>
<div class="{names}-body">{markup.shown_v1(story.body, pictures)}</div></main>
{boilerplate.footer()}</body></html>
"""
