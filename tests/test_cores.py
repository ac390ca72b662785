"""A function over many things, in processes of their own: light imports, for each process has to do them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsarchive.archive.parallel import parallel_map


def slow(number: int) -> int:
    os.write(1, f"{os.getpid()}\n".encode())  # in one piece: two processes write to this pipe
    time.sleep(60)
    return number


def test_workers_end_with_a_parent_that_is_killed() -> None:
    told = "from tests.test_cores import slow\nfrom newsarchive.archive.parallel import parallel_map\n"
    line = [sys.executable, "-c", f"{told}list(parallel_map(slow, range(100), few=10, cores=2))"]
    with subprocess.Popen(line, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        assert workers[0] != workers[1]
        parent.kill()
        parent.communicate(timeout=40)  # which comes to its end when no worker holds the other end any more


def doubled(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("number", [0, 1, 9, 10, 95])
def test_all_cores_keep_the_order(number: int, size: int) -> None:
    found = list(parallel_map(doubled, iter(range(number)), size=size, few=10, cores=2))
    assert found == [2 * it for it in range(number)]


def test_cores_do_not_run_far_ahead() -> None:
    """So that 100,000 articles are never all in memory."""
    given = 0

    def count() -> Iterator[int]:
        nonlocal given
        while given < 1000:
            given += 1
            yield given

    results = parallel_map(doubled, count(), few=10, cores=2)
    assert [next(results) for _ in range(5)] == [2, 4, 6, 8, 10]
    assert given <= 2 * 210


def failing(number: int) -> int:
    if number == 60:
        raise ValueError("number 60")
    return number


def test_error_of_a_core_is_an_error_here() -> None:
    with pytest.raises(ValueError, match="number 60"):
        list(parallel_map(failing, range(100), few=10, cores=2))


def fatal(number: int) -> int:
    if number in (3, 20, 21):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("number", [5, 30])
def test_a_thing_that_ends_its_process_is_lost_and_the_others_are_not(number: int, size: int) -> None:
    found = list(parallel_map(fatal, range(number), size=size, few=10, cores=2, lost=lambda it: -it))
    assert found == [-it if it in (3, 20, 21) else it for it in range(number)]
