"""Measures the CPU time of whole crawls of the same pages, from a server on this machine.

    pip install --editable '.[bench]'
    python -m benchmarks.crawl [--articles 1000] [--rounds 3] [--sizes 270000 90000]

Each crawl is a process of its own, whose children count too; the server is another one. The crawls take turns.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.measure import Cost, in_turn, installed, run, table
from benchmarks.pages import id_of
from demo.crawl import FAST, command, site_settings

OURS: dict[str, dict[str, object]] = {
    "newsarchive": {},
    "newsarchive without ARCHIVE_PAGES": {"ARCHIVE_PAGES": False},
    "newsarchive with pictures": {"ARCHIVE_PICTURES": True},
}
PEERS = {
    "Scrapy that only downloads": ((), "bare"),
    "Scrapy with selectors, markdownify, python-frontmatter": (("markdownify", "frontmatter"), "idiomatic"),
    "Scrapy with trafilatura": (("trafilatura",), "trafilatura"),
    "aiohttp with selectolax": (("aiohttp", "selectolax.lexbor"), "aiohttp"),
}


@contextmanager
def served(articles: int, size: int) -> Iterator[str]:
    """The address of a server of so many articles."""
    line = [sys.executable, "-m", "benchmarks.server", str(articles), str(size)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def our_line(archive: Path, url: str, articles: int, settings: dict[str, object]) -> list[str]:
    ids = archive.with_suffix(".ids")
    ids.write_text("\n".join(map(id_of, range(articles))), encoding="ascii")
    return command("crawl qq", archive, "-a", f"urls=@{ids}", **{**FAST, **site_settings(url), **settings})


def crawled(folder: Path, make_line: Callable[[Path], list[str]], articles: int) -> Cost:
    """The cost of one crawl that has written as many documents as there are articles."""
    target = folder / "crawl"
    cost = run(make_line(target))
    written = sum(1 for _ in target.rglob("*.md"))
    assert written == articles, f"{written} of {articles} documents"
    shutil.rmtree(target)
    return cost


def downloaded(folder: Path, make_line: Callable[[Path], list[str]]) -> Cost:
    cost = run(make_line(folder / "bare"))
    shutil.rmtree(folder / "bare")
    return cost


def compare(folder: Path, url: str, articles: int, rounds: int) -> dict[str, Cost]:
    urls = folder / "urls"
    urls.write_text("\n".join(f"{url}/rain/a/{id_of(number)}" for number in range(articles)), encoding="ascii")

    def peer_line(crawler: str, target: Path) -> list[str]:
        return [sys.executable, "-m", "benchmarks.crawlers", crawler, str(urls), str(target)]

    works: dict[str, Callable[[], Cost]] = {}
    for name, crawler in installed(PEERS).items():
        line = partial(peer_line, crawler)
        works[name] = (
            partial(downloaded, folder, line) if crawler == "bare" else partial(crawled, folder, line, articles)
        )
    for name, settings in OURS.items():
        line = partial(our_line, url=url, articles=articles, settings=settings)
        works[name] = partial(crawled, folder, line, articles)
    return in_turn(works, rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[270_000, 90_000], help="bytes of a page")
    options = parser.parse_args(arguments)
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as name, served(options.articles, size) as url:
            costs = compare(Path(name), url, options.articles, options.rounds)
        ours = costs["newsarchive"].cpu
        print(f"{options.articles:,} pages of {size / 1000:.0f} kB, {options.rounds} rounds\n")
        rows = [
            [
                name,
                *(f"{it:.1f}" for it in (cost.cpu, cost.cpu / options.articles * 1000)),
                f"{cost.cpu / ours:.2f}",
                f"{cost.memory:.0f}",
            ]
            for name, cost in sorted(costs.items(), key=lambda each: each[1].cpu)
        ]
        print(table(["", "s of CPU time", "ms a page", "of ours", "peak MB"], rows), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
