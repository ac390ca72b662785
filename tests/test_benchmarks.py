"""Each benchmark runs, with tiny numbers, and prints its table."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from benchmarks.measure import PROJECT, installed, table
from tests.postgres import Server

pytestmark = pytest.mark.slow
needs_distributed = pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")


def output(module: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "NEWSARCHIVE_REAL_DATA"}
    line = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(line, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("module", "arguments", "row"),
    [
        ("reading", "--pages 2 --rounds 1", "| newsarchive |"),
        ("crawl", "--articles 12 --rounds 1 --sizes 90000", "| newsarchive with pictures |"),
        ("upkeep", "--articles 12 --rounds 1 --cores 1", "| rebuild, 1 |"),
        pytest.param("upkeep", "--articles 12 --rounds 1 --dask 1", "| export, 1 |", marks=needs_distributed),
        ("rerun", "30 60 --rounds 1", "| 60 |"),
        ("site", "20", "| 20 |"),
    ],
)
def test_a_benchmark_prints_its_table(module: str, arguments: str, row: str) -> None:
    printed = output(module, *arguments.split())
    assert "| ---: |" in printed
    assert row in printed


def test_the_benchmark_of_a_shared_crawl_prints_its_tables(postgres: Server) -> None:
    numbers = "--articles 12 --claims 50 --rounds 1 --workers 1 2"
    printed = output("cluster", postgres.url, *numbers.split())
    assert "| 2, ledger in PostgreSQL |" in printed
    assert "| turn at a host |" in printed


def test_a_peer_that_is_not_installed_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert installed({"here": (("json",), 1), "away": (("no_such_module",), 2)}) == {"here": 1}
    assert capsys.readouterr().err.startswith("away is left out (No module named 'no_such_module')")


def test_a_table_is_markdown() -> None:
    assert table(["", "ms"], [["one", 1]]) == "|  | ms |\n| --- | ---: |\n| one | 1 |"
