"""A function over many things, on all cores."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

_AHEAD = 3  # chunks for each core that are given out before the results of the first are taken


def parallel_map(
    function: Callable[[Thing], Result],
    things: Iterable[Thing],
    *,
    chunk: int = 50,
    cores: int = 0,
    lost: Callable[[Thing], Result] | None = None,
) -> Iterator[Result]:
    """The results in the order of the things, of which only a few chunks are held at a time.

    Fewer than two chunks are done here: a process takes longer to start. Unless there is a result for a thing that
    is `lost`, because it ended the process that worked on it: then none is done here, and the others go on.
    """
    rest = iter(things)
    first = list(islice(rest, 2 * chunk))
    whole = chain(first, rest)
    cores = cores or os.cpu_count() or 1
    if lost is None and (len(first) < 2 * chunk or cores == 1):
        yield from map(function, whole)
        return
    pending: deque[tuple[list[Thing], Future[list[Result]]]] = deque()
    pool = _pool(cores)
    try:
        while True:
            while len(pending) < _AHEAD * cores and (part := list(islice(whole, chunk))):
                try:
                    future = pool.submit(_each, function, part)
                except BrokenProcessPool:  # by what it was given before, which is seen below
                    pool = _pool(cores)
                    future = pool.submit(_each, function, part)
                pending.append((part, future))
            if not pending:
                return
            part, future = pending.popleft()
            if lost and isinstance(future.exception(), BrokenProcessPool):
                yield from _one_by_one(function, part, lost)
            else:
                yield from future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    function: Callable[[Thing], Result], things: Sequence[Thing], lost: Callable[[Thing], Result]
) -> Iterator[Result]:
    """When a process has ended, nobody knows which of the things that were given out has ended it."""
    pool = _pool(1)
    try:
        for thing in things:
            try:
                yield pool.submit(function, thing).result()
            except BrokenProcessPool:
                yield lost(thing)
                pool = _pool(1)
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(cores: int) -> ProcessPoolExecutor:
    # not forked: the progress bar has a thread
    return ProcessPoolExecutor(cores, get_context("spawn"), initializer=_depend_on_the_parent)


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
