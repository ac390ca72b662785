"""A function over many things, on all cores of this machine or elsewhere."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.forkserver import ensure_running
from queue import SimpleQueue
from threading import Lock, Thread, get_ident
from typing import Protocol, TypeVar

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


class Workers(Protocol):
    """Where `parallel_map` has its work done."""

    number: int
    """Of the batches that they are given at a time."""
    larger: int
    """How many times as large as `parallel_map` is asked for: what a message to them costs."""

    def run(self, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
        """Called by several threads. Raises `BrokenProcessPool` when a process has ended that worked on the batch."""

    def close(self) -> None:
        """Called when no batch is worked on."""


def prepare(function: Callable[..., object], workers: Workers | None) -> None:
    """Begins to load the function's module for the processes of `parallel_map`, while this one lists the things."""
    if workers is None and usable_cores() > 1:
        _CONTEXT.set_forkserver_preload(["__main__", function.__module__])
        ensure_running()


def parallel_map(
    function: Callable[[Thing], Result],
    things: Iterable[Thing],
    *,
    size: int = 1,
    few: int = 250,
    cores: int = 0,
    workers: Workers | None = None,
    lost: Callable[[Thing], Result] | None = None,
) -> Iterator[Result]:
    """The results in the order of the things, of which only some are held at a time.

    Without `workers`, processes of this machine do the work, but a `few` are all done here: processes take longer to
    start. Workers get `size` things at a time. Unless there is a result for a thing that is `lost`, because it ended
    the process that worked on it: then none is done here, and the others go on.
    """
    rest = iter(things)
    if workers is None:
        first = list(islice(rest, few))
        cores = cores or usable_cores()
        if lost is None and (len(first) < few or cores == 1):
            yield from map(function, chain(first, rest))
            return
        rest = chain(first, rest)
        workers = _Processes(cores)
    size *= workers.larger
    suspects = Lock()  # one at a time: in a cluster, one ends what another thread of its worker has in hand

    def work(batch: list[Thing]) -> list[Result]:
        try:
            return workers.run(function, batch)
        except BrokenProcessPool:
            if lost is None:
                raise
            if len(batch) == 1:
                return [lost(batch[0])]
        found: list[Result] = []
        for thing in batch:  # which of them was it?
            try:
                with suspects:
                    found += workers.run(function, [thing])
            except BrokenProcessPool:
                found.append(lost(thing))
        return found

    results: deque[Future[list[Result]]] = deque()
    threads = ThreadPoolExecutor(workers.number)
    try:
        for batch in batches(rest, size):
            results.append(threads.submit(work, batch))
            if len(results) * size > _AHEAD * workers.number:
                yield from results.popleft().result()
        while results:
            yield from results.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
        workers.close()


def each(function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
    """What a worker does with a batch."""
    return [function(thing) for thing in batch]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends this process when the block takes longer, also if that is in a C function which lets no other thread run.

    Blocks of several threads have one timer, which is set for the first limit to come.
    """
    with _limits_lock:
        _limits[get_ident()] = time.monotonic() + seconds
        _set_timer()
    try:
        yield
    finally:
        with _limits_lock:
            del _limits[get_ident()]
            _set_timer()


_limits: dict[int, float] = {}  # by thread
_limits_lock = Lock()


def _set_timer() -> None:
    left = max(min(_limits.values()) - time.monotonic(), 0.001) if _limits else 0
    signal.setitimer(signal.ITIMER_REAL, left)  # its signal has no handler: the system ends the process


class _Processes:
    """Of this machine."""

    larger = 1

    def __init__(self, number: int) -> None:
        self.number = number
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()  # of one process each, so that one thing ends it
        for _ in range(number):
            self._idle.put(_process())

    def run(self, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
        process = self._idle.get()
        try:
            return process.submit(each, function, batch).result()
        except BrokenProcessPool:
            process = _process()
            raise
        finally:
            self._idle.put(process)

    def close(self) -> None:
        for _ in range(self.number):
            self._idle.get().shutdown()


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
