"""Measures the time from a page's bytes to the Markdown text, compared with trafilatura.

    .venv/bin/pip install trafilatura
    .venv/bin/python -m benchmarks.reading [PAGE.html …]

Without arguments the demo site's pages of family F5 are read, padded to 270 kB, the size of a real page.
Prints medians of interleaved rounds, and ratios; a single measurement means little on a shared machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from demo.site import Site
from newsarchive import read_article, render

ROUNDS = 30
PAGE_SIZE = 270_000


def demo_pages() -> list[bytes]:
    site = Site(filler=PAGE_SIZE // 3)  # the style sheet is in the JSON, escaped, and in the HTML
    pages = [
        site.answer("GET", f"/rain/a/{story.id}", {}, b"").body for story in site.stories.values() if story.is_article
    ]
    return [page for page in pages if b'id="article-content"' in page]


def timed(work: Callable[[bytes], object], page: bytes) -> float:
    started = perf_counter()
    work(page)
    return perf_counter() - started


def main() -> int:
    try:
        import trafilatura  # noqa: PLC0415  # a peer, not a dependency
    except ImportError:
        print("trafilatura is not installed: .venv/bin/pip install trafilatura")
        return 2
    pages = [Path(name).read_bytes() for name in sys.argv[1:]] or demo_pages()
    works: dict[str, Callable[[bytes], object]] = {
        "newsarchive": lambda page: render(read_article(page, "https://new.qq.com/rain/a/20261103A01ABC00")),
        "trafilatura": lambda page: trafilatura.extract(
            page, output_format="markdown", with_metadata=True, include_images=True, include_formatting=True
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for page in pages:
            for name, work in works.items():
                times[name].append(timed(work, page))
    print(f"{len(pages)} pages of {median(map(len, pages)) / 1000:.0f} kB, {ROUNDS} rounds")
    ours = median(times["newsarchive"])
    for name, taken in times.items():
        print(f"{name:12} {median(taken) * 1000:7.2f} ms a page, {median(taken) / ours:6.1f} times newsarchive")
    return 0


if __name__ == "__main__":
    sys.exit(main())
