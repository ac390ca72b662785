"""Measures a crawl that several workers share: pages a second without manners, and what a claim costs.

    pip install --editable '.[bench,cluster]'
    python -m benchmarks.cluster postgresql+psycopg://USER:PASSWORD@HOST/DATABASE [--articles 2000] [--workers 1 2 4]

The schema `newsarchive` of that database is dropped. One worker reads a sitemap that names all articles, the others
take theirs from the ledger. Server, workers and PostgreSQL share the cores of this machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic, process_time

import psycopg

from benchmarks.crawl import served
from benchmarks.measure import PROJECT, table
from benchmarks.pages import id_of
from demo.crawl import FAST, command, no_proxy_variables, site_settings
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row, RunRow

NOW = datetime.now(UTC)


def emptied(url: str) -> str:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute("DROP SCHEMA IF EXISTS newsarchive CASCADE")
    return url


def crawled(url: str, workers: int, articles: int, ledger: str) -> tuple[float, list[int]]:
    """Seconds from the first page to the last, and how many pages each worker has fetched."""
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name)
        settings = {**FAST, **site_settings(url), "ARCHIVE_LEDGER": ledger}
        line = command("crawl qq", archive, "-a", "sitemap=1", "-a", "since=2026-01-01", **settings)
        with tempfile.TemporaryFile() as printed:
            started = [
                subprocess.Popen(
                    line, cwd=PROJECT, stdout=printed, stderr=printed, env=os.environ | no_proxy_variables()
                )
                for _ in range(workers)
            ]
            codes = [worker.wait() for worker in started]
            printed.seek(0)
            assert set(codes) == {0}, printed.read().decode()
        written = sorted(path.stat().st_mtime for path in archive.glob("content/**/*.md"))
        assert len(written) == articles, f"{len(written)} of {articles} documents"
        with Ledger.open(ledger or archive / "ledger.sqlite", folder=archive, read_only=True) as opened:
            fetched = [int(run.counts["page/read"]) for run in opened.last_runs(None) if "page/read" in run.counts]
        assert sum(fetched) == articles, fetched
        return written[-1] - written[0], sorted(fetched)


def begun(url: str, folder: Path) -> Ledger:
    ledger = Ledger.open(url, folder=folder)
    ledger.add_run(RunRow(started=NOW, pid=1, arguments="benchmark"))
    ledger.database.stay_alive(ledger.run, 600)
    return ledger


def fill(url: str, articles: int, folder: Path) -> None:
    with begun(url, folder) as ledger, ledger.transaction():
        for number in range(articles):
            article_id = id_of(number)
            ledger.found(Row(source="qq", article_id=article_id, url=f"https://x/{article_id}", first_seen=NOW))


def claim_all(folder: Path, url: str) -> int:
    """Claims what others leave, some articles at a time, as a crawl does."""
    with begun(url, folder) as ledger:
        return sum(1 for _ in ledger.due("qq", NOW, 8))


def claims_a_second(url: str, workers: int, articles: int) -> float:
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(workers) as pool:
        folder = Path(name)
        list(pool.map(abs, range(workers)))  # they have begun
        fill(emptied(url), articles, folder)
        before = monotonic()
        claimed = list(pool.map(partial(claim_all, folder), [url] * workers))
        assert sum(claimed) == articles, claimed
        return articles / (monotonic() - before)


def costs(url: str, articles: int) -> Iterator[tuple[str, float, float]]:
    """Milliseconds of waiting and of our CPU time for what a run asks PostgreSQL before each page."""
    with tempfile.TemporaryDirectory() as name:
        fill(emptied(url), articles, Path(name))
        with begun(url, Path(name)) as ledger:

            def take_turn(_: Row) -> object:
                return ledger.database.take_turn(ledger.run, "host", 0)

            rows = list(ledger.rows())
            asked: dict[str, Callable[[Row], object]] = {
                "claim of an article, just before its request": ledger.claim,
                "turn at a host": take_turn,
            }
            for what, ask in asked.items():
                before, used = monotonic(), process_time()
                for row in rows:
                    ask(row)
                each = 1000 / len(rows)
                yield what, (monotonic() - before) * each, (process_time() - used) * each


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger")
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=90_000)
    options = parser.parse_args(arguments)
    works = {"one, ledger in SQLite": (1, "")} | {
        f"{n}, ledger in PostgreSQL": (n, options.ledger) for n in options.workers
    }
    with served(options.articles, options.size) as url:
        rates: dict[str, list[float]] = {name: [] for name in works}
        parts: dict[str, list[int]] = {}
        for _ in range(options.rounds):
            for name, (workers, ledger) in works.items():
                if ledger:
                    emptied(ledger)
                seconds, parts[name] = crawled(url, workers, options.articles, ledger)
                rates[name].append(options.articles / seconds)
    rows = [[name, f"{median(each):.0f}", " + ".join(map(str, parts[name]))] for name, each in rates.items()]
    print(f"{options.articles} articles of {options.size / 1000:.0f} kB, {options.rounds} rounds\n")
    print(table(["workers", "pages a second", "pages of each, last round"], rows), "\n")
    claims = [[n, f"{claims_a_second(options.ledger, n, options.claims):,.0f}"] for n in options.workers]
    print(table(["processes that only claim", "claims a second"], claims), "\n")
    found = [
        [what, f"{waited:.2f}", f"{cpu:.2f}"] for what, waited, cpu in costs(options.ledger, min(options.claims, 5000))
    ]
    print(table(["a run asks PostgreSQL for", "ms", "of it ms of our CPU time"], found))


if __name__ == "__main__":
    main()
