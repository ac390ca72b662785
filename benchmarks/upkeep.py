"""Measures `scrapy verify`, `reextract` and `rebuild` over an archive that it makes, on one core and on more.

    python -m benchmarks.upkeep [--articles 1000] [--rounds 3] [--cores 1 2] [--dask 1 2] [--no-pictures]

The archive comes from a crawl of pages as the site serves them, with pictures unless `--no-pictures`. A command may
run on the first cores only. The time is that of the clock: the system does not add up that of the processes which a
command has. With `--dask` it measures instead `reextract`, `verify` and `export` by so many workers of a Dask cluster
on this machine, each on a core of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.crawl import our_line, served
from benchmarks.measure import PROJECT, Cost, in_turn, run, table
from benchmarks.pages import PAGE_SIZE
from demo.crawl import command

COMMANDS = ("verify", "reextract", "rebuild")
BY_WORKERS = ("verify", "reextract", "export")


def work(archive: Path, name: str, cores: int) -> Cost:
    cost = run(command(name, archive), cores=cores)
    for former in archive.glob("ledger.sqlite.*.kept"):
        former.unlink()
    return cost


@contextmanager
def cluster(number: int) -> Iterator[str]:
    """The address of a scheduler with so many workers of one thread, each on a core of its own."""
    usable = sorted(os.sched_getaffinity(0))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with tempfile.TemporaryDirectory() as name, ExitStack() as started:

        def start(what: str, *options: str, cores: Sequence[int] = usable) -> None:
            line = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *options]
            process = subprocess.Popen(line, cwd=name, env=environment, stderr=subprocess.DEVNULL)
            os.sched_setaffinity(process.pid, cores)
            started.callback(process.wait)
            started.callback(process.terminate)

        file = Path(name, "scheduler.json")
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        while not file.exists() or not file.read_bytes():
            time.sleep(0.05)
        address = json.loads(file.read_bytes())["address"]
        for core in usable[:number]:
            start("worker", address, "--nthreads", "1", cores=[core])
        from distributed import Client  # noqa: PLC0415  -- an extra

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=60)
        yield address


def by_workers(archive: Path, name: str, address: str) -> Cost:
    return run(command(name, archive, "--dask", address))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--pictures", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dask", type=int, nargs="+", default=[])
    options = parser.parse_args(arguments)
    usable = len(os.sched_getaffinity(0))
    numbers = [cores for cores in options.cores if cores <= usable] or [usable]
    with tempfile.TemporaryDirectory() as name, ExitStack() as clusters:
        archive = Path(name, "archive")
        with served(options.articles, PAGE_SIZE) as url:
            run(our_line(archive, url, options.articles, {"ARCHIVE_PICTURES": options.pictures}))
        works: dict[str, Callable[[], Cost]] = {
            f"{each}, {cores}": partial(work, archive, each, cores) for each in COMMANDS for cores in numbers
        }
        if options.dask:
            addresses = {number: clusters.enter_context(cluster(number)) for number in options.dask}
            works = {
                f"{each}, {number}": partial(by_workers, archive, each, addresses[number])
                for each in BY_WORKERS
                for number in options.dask
            }
        costs = in_turn(works, options.rounds)
    pictures = "with" if options.pictures else "without"
    print(f"{options.articles:,} articles {pictures} pictures, {options.rounds} rounds\n")
    rows = [[each, f"{cost.clock:.1f}", f"{cost.memory:.0f}"] for each, cost in costs.items()]
    print(table(["command, workers" if options.dask else "command, cores", "s", "peak MB of its main process"], rows))


if __name__ == "__main__":
    main()
