"""The tree is the one that browsers build, and a hostile page costs neither time nor memory."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from newsarchive import read_article
from newsarchive.errors import PageError
from newsarchive.markdown.html import Comment, Element, Node, Text, TooManyNodes, parse
from newsarchive.markdown.reader import convert
from tests.conftest import slow
from tests.test_pages_odd import OLD_URL, oldest, served
from tests.test_pages_refused import page

Flat = list[tuple[object, ...]]


def flat(html: str) -> Flat:
    """Each node with its depth, in order."""
    found: Flat = []
    nodes: list[tuple[Node, int]] = [(node, 0) for node in reversed(list(parse(html)))]
    while nodes:
        node, depth = nodes.pop()
        if isinstance(node, Element):
            attributes = {name: node.attr(name) or "" for name in node.attrs}
            found.append((depth, node.tag.lower(), attributes))
            nodes += [(each, depth + 1) for each in reversed(list(node))]
        elif isinstance(node, Text):
            found.append((depth, "Text", node.data))
        elif isinstance(node, Comment):
            found.append((depth, "Comment", node.data.strip()))  # selectolax strips it
    return found


def flat_by_lexbor(html: str) -> Flat:
    body = LexborHTMLParser(f"<!DOCTYPE html><html><head></head><body>{html}").body
    assert body is not None
    found: Flat = []
    nodes = [(body, -1)]
    while nodes:
        node, depth = nodes.pop()
        if node.is_text_node:
            found.append((depth, "Text", node.text_content))
        elif node.is_comment_node:
            found.append((depth, "Comment", (node.comment_content or "").strip()))
        else:
            attributes = {name: value or "" for name, value in node.attributes.items()}
            found.append((depth, str(node.tag).lower(), attributes))
            nodes += [(each, depth + 1) for each in reversed(list(node.iter(include_text=True, skip_empty=False)))]
    return found[1:]


def mutated(html: str, dice: random.Random) -> str:
    """With some tags and texts removed, doubled or moved."""
    parts = re.findall(r"<[^>]*>|[^<]+", html)
    for _ in range(dice.randint(1, 6)):
        at, to = dice.randrange(len(parts)), dice.randrange(len(parts))
        change = dice.choice(("remove", "double", "move", "close"))
        if change == "double":
            parts.insert(to, parts[at])
        elif change == "close":
            parts.insert(to, f"</{dice.choice(('p', 'div', 'span', 'section', 'b', 'strong', 'li', 'table'))}>")
        elif len(parts) > 1:
            part = parts.pop(at)
            if change == "move":
                parts.insert(to, part)
    return "".join(parts)


SNIPPETS = [
    *("<p>甲<p>乙", "<b><p>甲</b>乙", "<p>甲</p></p>乙", "<table>甲<tr><td>乙</table>", "<a>甲<a>乙", "<li>甲<li>乙"),
    *("<svg><p>甲</svg>乙", "<svg><image href=x /><foreignObject><p>甲</foreignObject></svg>", "<image src=x>甲"),
    *("<h2><p>甲</h3>乙", "<p/>甲<br/></br>乙", "&amp;&copy&#x80;&#0;&#xD800;", "<!-- a --!>b<!--->c<!x>d"),
    *("<p a=1 A=2 b='x\ny' c>", "<textarea>\n<p></textarea>", "<pre>\n甲</pre>", "<style><p></style>甲", "甲\r\n乙"),
]


@pytest.mark.parametrize("html", SNIPPETS)
def test_the_tree_is_that_of_lexbor(html: str) -> None:
    assert flat(html) == flat_by_lexbor(html)


def test_the_trees_of_real_bodies_are_those_of_lexbor(real_data: Path) -> None:
    lines = (real_data / "bodies.jsonl").read_text("utf-8").split("\n")
    dice = random.Random(9)
    different = 0
    for html in (json.loads(line)["body_html"] for line in lines if line):
        assert flat(html) == flat_by_lexbor(html)
        for _ in range(5):
            changed = mutated(html, dice)
            different += flat(changed) != flat_by_lexbor(changed)
    assert different == 0


def test_processing_instructions_are_none_as_in_the_newest_standard() -> None:
    """Lexbor still makes a comment of them. Neither is read."""
    assert flat("a<?y>b") != flat_by_lexbor("a<?y>b")
    assert convert(parse("a<?y>b")).markdown == "ab"


def test_what_breaks_out_of_a_drawing_and_what_stays_in_it() -> None:
    inside = "<svg><foreignObject><img src=//x.cn/1><p>字</p></foreignObject><video src=//x.cn/v></video></svg>"
    assert [tag for _, tag, *_ in flat(inside)] == ["svg", "foreignobject", "img", "p", "Text", "video"]
    assert [depth for depth, *_ in flat("<svg><g><img src=//x.cn/1></g></svg>")] == [0, 1, 0]


LONG = "x" * 100_000
NAMES = ("b", "i", "u", "s", "em", "tt", "big", "code", "font", "small", "strong", "strike")
HOSTILE = {
    "attributes": "<p " + " ".join(f"a{n}=x" for n in range(100_000)) + ">文",
    "depth": "<div>" * 100_000 + "文",
    "styles and paragraphs": "<b><p>文" * 110_000,
    "long open tags": f'<b class="{"x" * 2000}">' * 120 + "<p>文" * 1000,
    "one long open tag": f'<p><b class="{LONG}">' + "<p>文" * 30_000,
    "one long link": f'<p><a href="//x.cn/{LONG}">' + "<p>文" * 30_000,
    "one open tag of many attributes": "<p><b " + " ".join(f"a{n}" for n in range(30_000)) + ">" + "<p>文" * 20_000,
    "all styles": "<p>" + "".join(f"<{name}>" * 3 for name in NAMES) + "<p>文" * 100_000,
    "different styles": "<p>" + "".join(f"<font a{n}>" for n in range(1000)) + "<p>文" * 10_000,
    "styles that stay open": "".join(f"<font a{n}><p>文" for n in range(40_000)),
    "end tags that end nothing": "<p><b><i>" + "</u></b></i>文<b><i>" * 20_000,
    "blocks in styles": ("<b><i><u>" + "<div>" * 12 + "</b></i></u>") * 3000 + "<p>文" * 1000,
    "tables": "<table>文" * 60_000,
    "tables in cells": "<table><tr><td>文" * 40_000,
    "lists": "<ul><li>文" * 40_000,
    "items": "<li>文" * 60_000,
    "drawings": "<svg><foreignObject><img src=//x.cn/1>" * 10_000,
    "captions of captions": "<pre><figcaption>" * 20_000 + "文",
    "players": "<div class=qnt-video>VID " * 10_000,
    "objects": "<object>文" * 40_000,
    "containers": "<div class='rich_media_content content-article LEFT introduction'>文" * 8000,
    "ends": "<div id=Status>文" * 20_000,
    "comments": "<!--" * 200_000,
    "entities": "&amp;" * 100_000,
    "names": "<" + "a" * 500_000,
}


def pages(body: str) -> Iterator[bytes | str]:
    yield page(originContent={"text": body, "version": "v2"})
    yield page(f"<div class='rich_media_content'>{body}", originContent=None)
    yield served(body)
    yield oldest(body)


@pytest.mark.parametrize("name", [slow(name) if number % 3 else name for number, name in enumerate(HOSTILE)])
def test_a_hostile_body_is_read_or_refused_at_once(name: str) -> None:
    body = HOSTILE[name]
    for html in pages(body):
        begun = time.process_time()
        try:
            read_article(html, OLD_URL)
        except PageError as error:
            assert "expected" in str(error)  # noqa: PT017  # read or refused
        assert time.process_time() - begun < 5  # 0.1 to 0.5; without the limits of `parse` up to a minute


def test_thousands_of_pictures_with_captions_take_no_longer_than_their_number() -> None:
    picture = {"IMG_0": {"url": "//x.cn/1", "desc": "图"}}
    begun = time.process_time()
    html = page(originContent={"text": "<!--IMG_0-->" * 10_000, "version": "v2"}, originAttribute=picture)
    assert len(read_article(html).pictures) == 10_000
    assert time.process_time() - begun < 5  # 0.2


def test_a_huge_tree_is_refused_before_it_is_built() -> None:
    for body in ("one long open tag", "all styles", "different styles", "styles that stay open", "depth"):
        with pytest.raises(TooManyNodes):
            parse(HOSTILE[body])
