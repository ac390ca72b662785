"""A function over many things, on all cores."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

_AHEAD = 3  # chunks for each core that are given out before the results of the first are taken


def on_all_cores(
    function: Callable[[Thing], Result], things: Iterable[Thing], *, chunk: int = 50, cores: int = 0
) -> Iterator[Result]:
    """The results in the order of the things, of which only a few chunks are held at a time.

    Fewer than two chunks are done here: a process takes longer to start.
    """
    rest = iter(things)
    first = list(islice(rest, 2 * chunk))
    cores = cores or os.cpu_count() or 1
    if len(first) < 2 * chunk or cores == 1:
        for thing in first:
            yield function(thing)
        for thing in rest:
            yield function(thing)
        return
    # not forked: the progress bar has a thread
    with ProcessPoolExecutor(cores, get_context("spawn"), initializer=_depend_on_the_parent) as pool:
        pending: deque[Future[list[Result]]] = deque(
            pool.submit(_each, function, part) for part in (first[:chunk], first[chunk:])
        )
        try:
            while pending:
                while len(pending) < _AHEAD * cores and (part := list(islice(rest, chunk))):
                    pending.append(pool.submit(_each, function, part))
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _each(function: Callable[[Thing], Result], things: Sequence[Thing]) -> list[Result]:
    return [function(thing) for thing in things]


def _depend_on_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it tells us to end
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A parent that is killed tells nothing, and the pool's pipes never end: each worker holds both ends."""
    parent = parent_process()
    assert parent is not None  # noqa: S101  -- this is a worker
    parent.join()
    os._exit(1)
