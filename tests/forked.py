"""`python -m scrapy …` without the second that a new interpreter needs to import everything.

A server that has imported Scrapy and us forks for each command. The fork gets its folder, environment and output from
the request and ends as every Python program does, so exit codes, output and handlers at exit are those of a process of
its own. Where the process itself is the subject (signals, pipes, options of the interpreter), tests start a real one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import platform
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import NoReturn

ENVIRONMENT = dict(os.environ)  # without what a test has set when it needs the server first
PROJECT = Path(__file__).parents[1]
_sending = threading.Lock()


def run(line: Sequence[str], *, cwd: Path, timeout: float = 180) -> CompletedProcess[str]:
    """Like `subprocess.run(line, cwd=cwd, timeout=timeout, capture_output=True, text=True)` for `python -m scrapy …`.

    Raises:
        TimeoutExpired: it did not end in time, and was killed.
    """
    assert list(line[:3]) == [sys.executable, "-m", "scrapy"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        reports, report = os.pipe()
        request = json.dumps([list(line[3:]), str(cwd), dict(os.environ)]).encode()
        with _sending:
            connection = _server()[0]
            socket.send_fds(connection, [len(request).to_bytes(8)], [out.fileno(), err.fileno(), report])
            connection.sendall(request)
        os.close(report)
        with os.fdopen(reports, "rb", buffering=0) as reports_:
            pid = int(reports_.read(20))
            if not select.select([reports_], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise TimeoutExpired(list(line), timeout)
            code = int(reports_.read(20))
        out.seek(0)
        err.seek(0)
        return CompletedProcess(list(line), code, out.read().decode(), err.read().decode())


_started: list[tuple[socket.socket, subprocess.Popen[bytes]]] = []


@cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The connection to the server, which ends when the connection does."""
    ours, theirs = socket.socketpair()
    with theirs:
        line = [sys.executable, "-m", "tests.forked"]
        server = subprocess.Popen(line, stdin=theirs.fileno(), cwd=PROJECT, env=ENVIRONMENT)
    _started.append((ours, server))
    return _started[-1]


def stop() -> None:
    """The end of a session: the servers write what they know of coverage."""
    while _started:
        connection, server = _started.pop()
        connection.close()
        server.wait()
    _server.cache_clear()


# the server


def _import_everything() -> None:
    """But the reactor, which each process has to have of its own."""
    from scrapy.settings import default_settings  # noqa: PLC0415
    from scrapy.utils.misc import load_object, walk_modules_iter  # noqa: PLC0415

    for package in ("scrapy.commands", "newsarchive"):
        list(walk_modules_iter(package))
    for module in ("scrapy.cmdline", "scrapy.core.engine", "scrapy.squeues", "encodings.gb18030", "_strptime"):
        import_module(module)
    for value in vars(default_settings).values():
        for name in value if isinstance(value, dict) else [value]:
            if isinstance(name, str) and name.startswith("scrapy.") and name.rpartition(".")[2][0].isupper():
                load_object(name)
    platform.platform()  # Scrapy asks for it, and it starts a process
    assert "twisted.internet.reactor" not in sys.modules
    gc.freeze()


def _serve() -> list[str] | None:
    """Returns in a forked process, with the words of its command line, or at the end of the connection."""
    with socket.socket(fileno=os.dup(0)) as connection:
        while True:
            size, fds, _, _ = socket.recv_fds(connection, 8, 3)
            if not size:
                return None
            request = b""
            while len(request) < int.from_bytes(size):
                request += connection.recv(1 << 20)
            if not _fork(fds[2]):
                break
            for fd in fds:
                os.close(fd)
    words, folder, environment = json.loads(request)
    for target, fd in enumerate([os.open(os.devnull, os.O_RDONLY), *fds[:2]]):
        os.dup2(fd, target)
        os.close(fd)
    os.close(fds[2])
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.modules.pop("sitecustomize", None)  # Debian's Python has one of its own
    with suppress(ModuleNotFoundError):
        import_module("sitecustomize")
    return list(words)


def _fork(report: int) -> bool:
    """`False` in the new process. One between reports the new one's id, waits for it, and reports its exit code."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    if os.fork():
        return True
    if pid := os.fork():
        os.write(report, f"{pid:20}".encode())
        os.write(report, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):20}".encode())
        os._exit(0)
    return False


def _execute(words: list[str]) -> NoReturn:
    """`python -m scrapy` in this process, which ends without taking its memory apart: a tenth of a second."""
    code: list[int] = []
    atexit.register(lambda: os._exit(code[0] if code else 1))  # registered first, it is called last
    atexit.register(lambda: (sys.stdout.flush(), sys.stderr.flush()))
    sys.argv[1:] = words
    try:
        runpy.run_module("scrapy", run_name="__main__", alter_sys=True)
        sys.exit(0)
    except SystemExit as end:
        code.append(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise


if __name__ == "__main__":
    _import_everything()
    given = _serve()
    if given is not None:
        _execute(given)
