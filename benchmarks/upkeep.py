"""Measures `scrapy verify`, `reextract` and `rebuild` over an archive that it makes, on one core and on more.

    python -m benchmarks.upkeep [--articles 1000] [--rounds 3] [--cores 1 2]

The archive comes from a crawl of pages as the site serves them, with pictures. A command may run on the first cores
only. The time is that of the clock: the system does not add up that of the processes which a command has.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.crawl import our_line, served
from benchmarks.measure import Cost, in_turn, run, table
from benchmarks.pages import PAGE_SIZE
from demo.crawl import command

COMMANDS = ("verify", "reextract", "rebuild")


def work(archive: Path, name: str, cores: int) -> Cost:
    cost = run(command(name, archive), cores=cores)
    for former in archive.glob("ledger.sqlite.*.kept"):
        former.unlink()
    return cost


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args(arguments)
    usable = len(os.sched_getaffinity(0))
    numbers = [cores for cores in options.cores if cores <= usable] or [usable]
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name, "archive")
        with served(options.articles, PAGE_SIZE) as url:
            run(our_line(archive, url, options.articles, {"ARCHIVE_PICTURES": True}))
        works: dict[str, Callable[[], Cost]] = {
            f"{each}, {cores}": partial(work, archive, each, cores) for each in COMMANDS for cores in numbers
        }
        costs = in_turn(works, options.rounds)
    print(f"{options.articles:,} articles with pictures, {options.rounds} rounds\n")
    rows = [[each, f"{cost.clock:.1f}", f"{cost.memory:.0f}"] for each, cost in costs.items()]
    print(table(["command, cores", "s", "peak MB of its main process"], rows))


if __name__ == "__main__":
    main()
