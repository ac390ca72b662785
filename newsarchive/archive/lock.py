"""One run at a time: a lock that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.archive.files import make_folder, open_descriptor
from newsarchive.errors import ArchiveLocked

_TRIES = 20
_PAUSE = 0.05  # seconds


class Lock:
    """`flock` on a file that names the holder. The file stays; the lock is released when its holder ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, purpose: str, now: datetime) -> None:
        """Raises `ArchiveLocked` when another process, or another `Lock` of this one, holds it."""
        make_folder(self.path.parent)
        descriptor = open_descriptor(self.path, os.O_RDWR | os.O_CREAT)
        try:
            if not _locked(descriptor):
                raise self._held(_signature(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        about = {
            "purpose": purpose,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.astimezone(UTC).isoformat(timespec="seconds"),
        }
        text = json.dumps(about, ensure_ascii=False).encode("utf-8")
        try:  # longer first, then cut: a reader never sees an empty file
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        except OSError as error:
            self.release()
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _held(self, by: str) -> ArchiveLocked:
        return ArchiveLocked(f"the archive {self.path.parent} is held by {by}: wait for its end, or stop it")

    def acquire_to_read(self, purpose: str, now: datetime) -> None:
        """Like `acquire`, but without a lock where this process cannot write, such as on a read-only disk."""
        place = self.path if self.path.exists() else self.path.parent
        if os.access(place, os.W_OK, effective_ids=True):
            self.acquire(purpose, now)
        elif held := holder(self.path):
            raise self._held(held)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _locked(descriptor: int) -> bool:
    """Tries for a second: `holder`, which only looks who has the lock, takes it for a moment."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(_PAUSE)
    return False


def holder(path: Path) -> str:
    """Who holds the lock now; `""` when nobody does."""
    try:
        descriptor = open_descriptor(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _signature(descriptor)
    finally:
        os.close(descriptor)
    return ""


def _signature(descriptor: int) -> str:
    for _ in range(_TRIES):
        try:
            known = json.loads(os.pread(descriptor, 4096, 0))
            return f"{known['purpose']}, pid {known['pid']} on {known['host']} since {known['since']}"
        except (ValueError, KeyError, TypeError):
            time.sleep(_PAUSE)  # the holder is about to write its name
    return "another process"
