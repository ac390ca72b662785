"""A function over many things, on all cores of this machine or by the workers of a Dask cluster."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from queue import SimpleQueue
from socket import gethostname
from threading import Lock, Thread, get_ident
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from newsarchive.archive.files import CONTENT
from newsarchive.errors import BadArgument, ClusterError, cause
from newsarchive.sources import installed_folders

if TYPE_CHECKING:
    from distributed import Client

Thing = TypeVar("Thing")
Result = TypeVar("Result")

_AHEAD = 200  # things for each core that are given out before the result of the first is taken
_CONTEXT = get_context("forkserver")  # not forked from this process: the progress bar has a thread


def usable_cores() -> int:
    """Those that this process may use, where the system says which."""
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
    """How many times as many things as usual they get at a time: more where a message costs more."""

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

    Without `workers`, processes of this machine do the work, `size` things at a time; fewer things than `few` are done
    in this process, since others take longer to start. A thing may end the process that works on it. That ends all
    unless `lost` gives a result for it: then the others go on, and none is done in this process.
    """
    rest = iter(things)
    if workers is None:
        first = list(islice(rest, few))
        rest = chain(first, rest)
        cores = cores or usable_cores()
        if lost is None and (len(first) < few or cores == 1):
            yield from map(function, rest)
            return
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


def _each(function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
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


# the cores of this machine


class _Processes:
    """Workers of `parallel_map`, one process each."""

    larger = 1

    def __init__(self, number: int) -> None:
        self.number = number
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()  # of one process each, so that one thing ends it
        for _ in range(number):
            self._idle.put(_process())

    def run(self, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
        process = self._idle.get()
        try:
            return process.submit(_each, function, batch).result()
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A killed parent sends nothing, and the pipes to it never end: each process holds both ends."""
    parent = parent_process()
    assert parent is not None  # noqa: S101  -- this is a worker
    parent.join()
    os._exit(1)


# a Dask cluster

_SCHEMES = ("tcp", "tls", "ws", "wss")
_CONNECTED = 5  # seconds until a scheduler has to answer, and to have a worker
_LOOK = 15  # seconds between two looks at the workers while one batch is waited for
_PACKAGE = Path(__file__).parents[1]


def check_address(address: str) -> None:
    """Raises `BadArgument` when it is no address of a scheduler, or when `distributed` is not installed."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in _SCHEMES and parts.hostname and parts.port
    except ValueError:  # of the port
        is_address = False
    if not is_address:
        raise BadArgument(f"--dask {address}: expected the address of a scheduler like tcp://scheduler:8786")
    if find_spec("distributed") is None:
        raise BadArgument("--dask needs distributed: pip install 'newsarchive[cluster]'")


@contextmanager
def dask_workers(address: str, folder: Path) -> Iterator[_Cluster]:
    """The workers of the Dask scheduler at the address, for the archive in `folder`. Raises `ClusterError`."""
    from distributed import Client  # noqa: PLC0415  -- an extra, and slow to load

    # what it logs of lost connections, over many lines, is said here in one
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECTED, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"no Dask scheduler at {address}: {cause(error)}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECTED)
        except TimeoutError as error:
            raise ClusterError(
                f"the Dask scheduler at {address} has no worker: start some (docs/cluster.md)"
            ) from error
        yield _Cluster(client, address, folder)


@dataclass(frozen=True)
class Expected:
    """What a worker must have in common with the process that holds the archive."""

    folder: Path
    places: tuple[int, ...]
    """The inodes, which a shared file system gives alike everywhere, of folders that nothing replaces.

    A file with a secret would show as much on any file system, but `verify` and `export` write nothing: the archive may
    be read-only, and a run that begins meanwhile may remove what looks left over.
    """
    program: str

    @classmethod
    def here(cls, folder: Path) -> Expected:
        return cls(folder, _places(folder), _program())

    def check(self) -> None:
        """Raises `ClusterError`."""
        if _program() != self.program:
            raise ClusterError(
                f"the Dask worker on {gethostname()} has another version of newsarchive or of a source:"
                " install the same ones there, and start the worker again"
            )
        if _places(self.folder) != self.places:
            raise ClusterError(
                f"the Dask worker on {gethostname()} does not see the archive: expected the same folder {self.folder},"
                " with the same inode number, on a disk that all machines share"
            )


def _places(folder: Path) -> tuple[int, ...]:
    def inode(place: Path) -> int:
        try:
            return place.stat().st_ino
        except OSError:  # such as a mount that is gone
            return 0

    return inode(folder), inode(folder / CONTENT)


@cache  # a worker goes on with the program that it has begun with
def _program() -> str:
    digest = hashlib.sha256()
    for package in (_PACKAGE, *installed_folders()):
        for file in sorted(package.rglob("*.py")):
            digest.update(f"{package.name}/{file.relative_to(package)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _each_expected(expected: Expected, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
    expected.check()
    return _each(function, batch)


class _Cluster:
    """Workers of a Dask cluster, which gives others what a killed one had in hand.

    They read the archive's folder, and write nothing.
    """

    larger = 5  # of each batch, client and scheduler take some 15 ms of a core

    def __init__(self, client: Client, address: str, folder: Path) -> None:
        self.number = 2 * sum(client.nthreads().values())  # each has its next batch at hand
        self._client = client
        self._address = address
        self._executor = client.get_executor(pure=False)  # a batch is done again when it is given again
        self._expected = Expected.here(folder)

    def run(self, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
        from distributed import KilledWorker  # noqa: PLC0415

        try:
            done: list[Result] = self._result(self._executor.submit(_each_expected, self._expected, function, batch))
        except KilledWorker as error:
            raise BrokenProcessPool("workers have ended on the same batch, one after the other") from error
        except (CancelledError, OSError) as error:
            raise ClusterError(
                f"the Dask cluster at {self._address} is gone: run the command again when it is back ({cause(error)})"
            ) from error
        except (ImportError, RuntimeError) as error:
            missing = error if isinstance(error, ImportError) else error.__cause__  # a scheduler raises from it
            if not isinstance(missing, ImportError):
                raise
            raise ClusterError(
                f"the scheduler or a worker of the Dask cluster at {self._address} cannot load this newsarchive:"
                f" install the same version there ({cause(missing)})"
            ) from error
        return done

    def _result(self, future: Future[Any]) -> Any:
        without = 0
        while not wait([future], timeout=_LOOK).done:
            without = 0 if self._client.nthreads() else without + 1
            if without == 2:  # not only while the one worker is started again
                raise ClusterError(f"the Dask scheduler at {self._address} has lost its last worker")
        return future.result()

    def close(self) -> None:
        """The client is closed by `dask_workers`."""
