"""Hugo shows the text of the page: checked with the real program, many bodies in one build."""

from __future__ import annotations

import html
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from newsarchive.markdown.html import parse
from newsarchive.markdown.reader import convert
from newsarchive.qq.body import standardize
from tests import hostile
from tests.rendering import (
    HugoFailed,
    as_lxml,
    bold_share,
    difference,
    faults,
    page_outline,
    rendered,
    shown_outline,
)

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
PLACES = [
    *("<p>{0}</p>", "<p>甲{0}乙</p>", "<p>{0} 甲</p>", "<p>甲 {0}</p>", "<p>甲<br>{0}</p>", "<p>{0}<br>甲</p>"),
    *("<p>甲{0}<b>乙</b>{0}丙</p>", "<p><b>{0}甲{0}</b>{0}</p>", "<p>甲<em>{0}乙{0}</em>{0}<s>{0}甲</s></p>"),
    *("<h2>{0}</h2>", "<h3>甲 {0}</h3>", "<ul><li>{0}</li><li>{0} a</li></ul>", "<blockquote>{0}</blockquote>"),
    *("<p><code>{0}</code>{0}</p>", "<table><tr><td>{0}<td>a{0}<tr><td><b>{0}</b></table>"),
    "<p><a href='http://x.cn/'>{0}</a>{0}</p>",
]


def check(pages: list[str], folder: Path) -> None:
    """No page is shown otherwise than it is; else say so for the shortest one."""
    found = list(faults(pages, [convert(parse(page)).markdown for page in pages], folder))
    if found:
        page, markdown, fault = min(found, key=lambda each: len(each[0]))
        pytest.fail(
            f"{len(found)} of {len(pages)} bodies are shown otherwise, such as\n{page!r}\n{markdown!r}\n{fault}"
        )


def punctuated(length: int) -> list[str]:
    """Every sequence of so many characters at every place, a few hundred to a body."""
    pages = []
    for place in PLACES:
        words = ("".join(word) for word in itertools.product(PUNCTUATION + " a1甲", repeat=length))
        texts = [place.format(html.escape(word)) for word in words if word.strip()]
        pages += ["".join(texts[start : start + 400]) for start in range(0, len(texts), 400)]
    return pages


@pytest.mark.slow
def test_two_characters_of_punctuation_at_every_place(tmp_path: Path) -> None:
    check(punctuated(2), tmp_path)


@pytest.mark.longest(110)
@pytest.mark.slow
def test_three_characters_of_punctuation_at_every_place(tmp_path: Path) -> None:
    check(punctuated(3), tmp_path)


def drawn(number: int) -> list[str]:
    pages: dict[str, None] = {}

    @settings(
        max_examples=number,
        derandomize=True,  # the same bodies in each run
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a build shows many bodies at once, and the shortest bad one is short enough
        suppress_health_check=list(HealthCheck),
    )
    @given(hostile.bodies)
    def draw(body: str) -> None:
        pages[body] = None

    draw()
    return list(pages)


def test_hostile_bodies(tmp_path: Path) -> None:
    check(drawn(40), tmp_path)


@pytest.mark.longest(130)
@pytest.mark.slow
def test_more_hostile_bodies(tmp_path: Path) -> None:
    check(drawn(1500), tmp_path)


def test_real_bodies(real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "bodies.jsonl").read_text("utf-8").split("\n")  # bodies hold U+2028: no splitlines
    bodies = [json.loads(line) for line in lines if line]
    roots = [standardize(parse(body["body_html"]), {}) for body in bodies]
    shown = [shown_outline(root) for root in rendered([convert(root).markdown for root in roots], tmp_path)]
    pages = [page_outline(as_lxml(root)) for root in roots]
    differences = {
        body["url"]: found
        for body, page, show in zip(bodies, pages, shown, strict=True)
        if (found := difference(page, show))
    }
    assert differences == {}
    assert len(bodies) == 303
    assert sum(len(page.pictures) for page in pages) == 487
    assert bold_share(zip(pages, shown, strict=True)) > 0.99


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    wrong = [
        ("<p>甲</p><p>乙</p>", "甲乙", "block 0"),
        ("<p>甲乙</p>", "甲\n\n乙", "block 0"),
        ("<p>甲乙</p>", "甲", "block 0"),
        ("<p>甲</p>", "甲\n\n---", "block 1"),
        ("<h2>甲</h2>", "甲", "heading 2"),
        ("<h2>甲</h2>", "### 甲", "heading 2"),
        ("<p>- 甲</p>", "- 甲", "block 0"),
        ("<p>甲</p>", "> 甲", "block 0"),
        ("<p>a</p>", "    a", "block 0"),
        ("<ul><li>甲</li><li>乙</li></ul>", "- 甲\n\n  乙", "block 1"),
        ("<ul><li>甲</li></ul><ul><li>乙</li></ul>", "- 甲\n- 乙", "block 1"),
        ("<ol start='2'><li>甲</li></ol>", "1. 甲", "block 0"),
        ("<table><tr><td>甲<td>乙<tr><td>丙</table>", "| 甲 | 乙 | 丙 |\n| --- | --- | --- |", "block 2"),
        ("<p>甲<b>乙</b></p>", "甲乙", "not bold"),
        ("<p>甲乙</p>", "甲**乙**", "style 1"),
        ("<p><b>甲。</b>乙</p>", "**甲。**乙", "block 0"),
        ("<p>a<code>b</code></p>", "ab`c`", "block 0"),
        ("<img src='http://x.cn/1'>", "![图片](http://x.cn/2)", "block 0"),
        ("<p>甲<br><br>乙</p>", "甲  \n乙", "block 0"),
        ("<p><a href='http://x.cn/a'>甲</a></p>", "[甲](http://x.cn/b)", "links"),
    ]
    pages, markdowns, expected = zip(*wrong, strict=True)
    found = [fault for _, _, fault in faults(pages, markdowns, tmp_path)]
    for said, fault in zip(found, expected, strict=True):
        assert fault in said


@pytest.mark.parametrize(("body", "said"), [("甲 {{< 乙 >}}", "shortcode"), ("甲 <b>乙</b>", "Raw HTML omitted")])
def test_what_hugo_says_is_heard(body: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(HugoFailed, match=said):
        rendered([body], tmp_path)


def test_the_source_line_must_come_through(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="source line"):
        rendered(["```\n甲"], tmp_path)
