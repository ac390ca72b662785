"""The workers of a Dask cluster for `parallel_map`. They read the archive's folder, and write nothing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from newsarchive.archive.files import CONTENT
from newsarchive.archive.parallel import each
from newsarchive.errors import BadArgument, ClusterError, cause
from newsarchive.sources import installed_folders

if TYPE_CHECKING:
    from distributed import Client

Thing = TypeVar("Thing")
Result = TypeVar("Result")

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
def dask_workers(address: str, folder: Path) -> Iterator[Cluster]:
    """Those of the scheduler at the address, for the archive in `folder`. Raises `ClusterError`."""
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
        yield Cluster(client, address, folder)


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


def _each(expected: Expected, function: Callable[[Thing], Result], batch: list[Thing]) -> list[Result]:
    expected.check()
    return each(function, batch)


class Cluster:
    """Workers of `parallel_map`. Dask gives what a killed one had in hand to others."""

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
            done: list[Result] = self._result(self._executor.submit(_each, self._expected, function, batch))
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
