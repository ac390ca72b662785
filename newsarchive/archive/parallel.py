"""A function over many things, on all cores."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.forkserver import ensure_running
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

_AHEAD = 200  # things for each core that are given out before the result of the first is taken
_CONTEXT = get_context("forkserver")  # not forked from this process: the progress bar has a thread


def usable_cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """So many at a time: what takes less than a millisecond is not worth a message to another process."""
    rest = iter(things)
    return iter(lambda: list(islice(rest, size)), [])


def prepare(function: Callable[..., object]) -> None:
    """Begins to load the function's module for the processes of `parallel_map`, while this one lists the things."""
    if usable_cores() > 1:
        _CONTEXT.set_forkserver_preload(["__main__", function.__module__])
        ensure_running()


def parallel_map(
    function: Callable[[Thing], Result],
    things: Iterable[Thing],
    *,
    size: int = 1,
    few: int = 250,
    cores: int = 0,
    lost: Callable[[Thing], Result] | None = None,
) -> Iterator[Result]:
    """The results in the order of the things, of which only some are held at a time.

    A `few` are all done here: processes take longer to start. A process gets `size` things at a time. Unless there is
    a result for a thing that is `lost`, because it ended the process that worked on it: then none is done here, and
    the others go on.
    """
    rest = iter(things)
    first = list(islice(rest, few))
    cores = cores or usable_cores()
    if lost is None and (len(first) < few or cores == 1):
        yield from map(function, chain(first, rest))
        return
    idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()  # of one process each, so that one thing ends it
    for _ in range(cores):
        idle.put(_process())

    def work(batch: list[Thing]) -> list[Result]:
        process = idle.get()
        try:
            return process.submit(_each, function, batch).result()
        except BrokenProcessPool:
            process = _process()
            if lost is None:
                raise
            if len(batch) == 1:
                return [lost(batch[0])]
        finally:
            idle.put(process)
        return [result for thing in batch for result in work([thing])]  # which of them was it?

    results: deque[Future[list[Result]]] = deque()
    threads = ThreadPoolExecutor(cores)
    try:
        for batch in batches(chain(first, rest), size):
            results.append(threads.submit(work, batch))
            if len(results) * size > _AHEAD * cores:
                yield from results.popleft().result()
        while results:
            yield from results.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
        for _ in range(cores):
            idle.get().shutdown()


def _each(function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
    return [function(thing) for thing in batch]


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, _CONTEXT, initializer=_depend_on_the_parent)


def _depend_on_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it tells us to end
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A parent that is killed tells nothing, and the pipes to it never end: each process holds both ends."""
    parent = parent_process()
    assert parent is not None  # noqa: S101  -- this is a worker
    parent.join()
    os._exit(1)
