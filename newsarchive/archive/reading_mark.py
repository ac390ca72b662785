"""Which page a process reads, in a file of its own: a page can kill it, by its memory or a crash of the parser."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from newsarchive.archive.files import open_descriptor, read_file

_END = "-reading"  # of the file's name


class ReadingMark:
    """Written without commit or sync: it has to outlast this process only.

    A mark that is left names the page that was being read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1

    @classmethod
    def beside(cls, ledger: Path) -> Self:
        """That of the one process which has opened a ledger."""
        return cls(ledger.with_name(f"{ledger.name}{_END}"))

    @classmethod
    def of_process(cls, folder: Path, pid: int | None = None) -> Self:
        """That of one of several processes which share the folder; of this process unless there is a `pid`."""
        return cls(folder / f".{socket.gethostname()}-{pid or os.getpid()}{_END}")

    @classmethod
    def left(cls, folder: Path) -> list[Self]:
        """Those of processes of this machine that have ended, and one that a former process of this number has left."""
        found = [cls.of_process(folder)]
        for file in folder.glob(f".{socket.gethostname()}-*{_END}"):
            pid = file.name.removesuffix(_END).rpartition("-")[2]
            with suppress(PermissionError, ValueError):
                mark = cls.of_process(folder, int(pid))
                if mark._file != file:
                    continue  # of a machine whose name begins with that of this one
                try:
                    os.kill(int(pid), 0)
                except ProcessLookupError:
                    found.append(mark)
        return found

    def write(self, page: Mapping[str, Any]) -> None:
        if self._descriptor < 0:
            self._descriptor = open_descriptor(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.pwrite(self._descriptor, json.dumps(page).encode(), 0)

    def read(self) -> dict[str, Any]:
        """What was written; empty when the process has read its page to the end."""
        if not os.path.lexists(self._file):
            return {}
        with suppress(ValueError):  # torn by a power cut
            page: dict[str, Any] = json.loads(read_file(self._file) or b"{}")
            return page
        return {}

    def clear(self) -> None:
        os.ftruncate(self._descriptor, 0)

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes it if this process has written it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self.remove()
