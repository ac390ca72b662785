"""The text of a document is what the page's reader saw: `shown_text` undoes what `convert` does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsarchive.markdown.document import shown_text
from newsarchive.markdown.html import parse
from newsarchive.markdown.reader import convert
from newsarchive.qq.body import standardize
from tests import hostile
from tests.conftest import slow
from tests.rendering import rendered, shown_outline
from tests.test_markdown_rendering import drawn, punctuated


def characters(text: str) -> str:
    """Without white space, and without the zero-width spaces that code gets."""
    return "".join(text.split()).replace("\u200b", "")


def without_videos(page: str) -> str:
    """Links to videos are in the document and not in `Body.text`."""
    return page.replace("<video", "<span").replace("<iframe", "<span").replace("<audio", "<span")


def check(page: str) -> None:
    body = convert(parse(page))
    if not body.videos:
        assert characters(shown_text(body.markdown)) == characters(body.text), body.markdown


@pytest.mark.parametrize("length", [2, slow(3)])
def test_punctuation_at_every_place(length: int) -> None:
    for page in punctuated(length):
        check(page)


@pytest.mark.slow
@given(st.one_of(hostile.bodies, hostile.bodies.map(without_videos)))
def test_hostile_bodies(page: str) -> None:
    check(page)


def test_it_is_what_hugo_shows(tmp_path: Path) -> None:
    """Also of links to videos."""
    bodies = [convert(parse(page)).markdown for page in drawn(40)]
    for body, root in zip(bodies, rendered(bodies, tmp_path), strict=True):
        shown = "".join(leaf.text for leaf in shown_outline(root).leaves if leaf.kind != "picture")
        assert characters(shown_text(body)) == characters(shown), body


def test_real_bodies(real_data: Path) -> None:
    lines = (real_data / "bodies.jsonl").read_text("utf-8").split("\n")
    bodies = [convert(standardize(parse(json.loads(line)["body_html"]), {})) for line in lines if line]
    assert len(bodies) == 303
    assert [body.markdown for body in bodies if characters(shown_text(body.markdown)) != characters(body.text)] == []


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("甲。  \n乙\n\n丙", "甲。\n乙\n\n丙"),
        ("甲\n\n![图片](https://x.cn/1)\n\n乙", "甲\n\n乙"),
        ("![](a_\\(b)", ""),
        ("- 甲\n- **乙**\n  1. 丙", "甲\n乙\n丙"),
        ("> ```\n> 1 * 2\n>\n> > \\\n> ```\n>\n> 甲", "1 * 2\n\n> \\\n\n甲"),
        ("1. ````\n   ```\n   ````", "```"),
        ("| 甲 | 1\\|2 |\n| --- | --- |\n| `a\\|b` |  |", "甲\t1|2\na|b\t"),
        ("甲\n\n---\n\n乙", "甲\n\n乙"),
        ("2 * 3 \\* 4 ** 5", "2 * 3 * 4 ** 5"),
        ("`` `a` `` `{\u200b{< x >}}`", "`a` {{< x >}}"),
        ("[甲\\[x\\]](https://x.cn/(a)\\))乙](", "甲[x]乙]("),
        ("&#120;AT&T &copy", "xAT&T &copy"),
    ],
)
def test_text(markdown: str, text: str) -> None:
    assert shown_text(markdown) == text
