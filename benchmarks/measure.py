"""Processes and their cost, peers that may not be installed, and tables."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic
from typing import TypeVar

PROJECT = Path(__file__).parent.parent
PEERS = "pip install --editable '.[bench]'"

Peer = TypeVar("Peer")

# In a small process of its own: the system counts the memory of a process as that of its children, too.
_REPORT = """
import json, os, resource, subprocess, sys
os.sched_setaffinity(0, json.loads(sys.argv[1]))
code = subprocess.run(sys.argv[2:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class Cost:
    """Of a process and its children."""

    cpu: float
    """Seconds."""
    clock: float
    """Seconds."""
    memory: float
    """MB: the peak of the largest process."""


def run(line: Sequence[str], *, cwd: Path = PROJECT, cores: int = 0) -> Cost:
    """Runs a command, on the first `cores` of the machine; 0 is all of them.

    Raises:
        subprocess.CalledProcessError: it failed; what it printed last is its note.
    """
    allowed = sorted(os.sched_getaffinity(0))[: cores or None]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, each start would compile our modules
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        begun = monotonic()
        reported = subprocess.run(
            [sys.executable, "-SEc", _REPORT, json.dumps(allowed), *line],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=printed,
            check=True,
        )
        clock = monotonic() - begun
        returncode, cpu, peak = json.loads(reported.stdout)
        if returncode:
            printed.seek(0)
            failed = subprocess.CalledProcessError(returncode, line)
            failed.add_note(printed.read()[-3000:])
            raise failed
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Cost(cpu, clock, peak / unit)


def middle(costs: Sequence[Cost]) -> Cost:
    return Cost(*(median(values) for values in zip(*((it.cpu, it.clock, it.memory) for it in costs), strict=True)))


def in_turn(works: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """The medians. In turns, so that other work on the machine disturbs all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            costs[name].append(work())
    return {name: middle(each) for name, each in costs.items()}


def installed(peers: Mapping[str, tuple[Sequence[str], Peer]]) -> dict[str, Peer]:
    """The peers whose modules can be imported; the others are named on standard error."""
    found = {}
    for name, (modules, peer) in peers.items():
        try:
            for module in modules:
                importlib.import_module(module)
        except ImportError as error:
            print(f"{name} is left out ({error}): {PEERS}", file=sys.stderr)
        else:
            found[name] = peer
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown; the first column is text, the others are figures."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
