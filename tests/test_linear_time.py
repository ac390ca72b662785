"""What reads foreign text takes four times as long for four times as much, whatever the text is."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from newsarchive.archive import pictures
from newsarchive.archive.front_matter import front_matter
from newsarchive.archive.pictures import picture_links

N = 2_000  # pieces


def seconds(work: Callable[[str], object], text: str) -> float:
    """Of this process alone, and the best of three: others use the machine too."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work(text)
        best = min(best, time.process_time() - begun)
    return best


def assert_linear(work: Callable[[str], object], piece: str, end: str = "") -> None:
    """A quadratic time grows sixteenfold from `N` to 4 `N`; a few milliseconds are no time at all."""
    few, many = (seconds(work, piece * number + end) for number in (N, 4 * N))
    assert many < max(9 * few, 0.02), f"{few:.4f} s for {N} times {piece!r}, {many:.4f} s for four times as many"


def document(line: str) -> str:
    return f'---\ntitle: "x"\n---\n\n{line}\n'


LINES = [
    ("![", ""), ("![", "](u)"), ("![a](", ""), ("![a](u", ""), ("![a]", ""), ("![](", ")"), ("![a](\\", ""),
    ("`![", ""), ("`` ` ![", ""), ("`", "![a](u)"), ("![`", "`"), ("\\", "![a](u)"), ("![a](u)", ""), ("- ", "![a](u)"),
    ("> ", "```"), ("1. ", "![a](u)"), ("](u)", "!["), ("![\\]", "](u)"),
]  # fmt: skip


@pytest.mark.parametrize(("piece", "end"), LINES)
def test_pictures_of_a_document(piece: str, end: str) -> None:
    assert_linear(lambda line: picture_links(document(line)), piece, end)
    assert_linear(lambda line: pictures.same_text(document(line), document(line)), piece, end)


def test_runs_of_back_ticks_of_every_length() -> None:
    def line(number: int) -> str:
        return document("![a](u) " + " ".join("`" * length for length in range(1, number)))

    few, many = (seconds(picture_links, line(number)) for number in (500, 1_000))  # which makes four times the ticks
    assert many < max(9 * few, 0.02)


@pytest.mark.parametrize("piece", ["---\n", "-", "--- ", "\n", " "])
def test_front_matter(piece: str) -> None:
    def read(text: str) -> None:
        with suppress(ValueError):
            front_matter(text)

    assert_linear(read, piece)
    assert_linear(read, piece, "x")
