"""One run at a time: a lock that the system releases when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.errors import ArchiveLocked


class Lock:
    """`flock` on a file that says who holds it. The file stays; the lock goes with its holder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, purpose: str, now: datetime) -> None:
        """Raises `ArchiveLocked` at once when another process, or another `Lock` of this one, holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _describe(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            raise ArchiveLocked(
                f"the archive {self.path.parent} is held by {holder}: wait for its end, or stop it"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.sign(purpose, now)

    def sign(self, purpose: str, now: datetime) -> None:
        """Writes down who holds it, for those who come too late."""
        assert self._descriptor is not None, "sign() needs the lock"  # noqa: S101
        holder = {
            "purpose": purpose,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.astimezone(UTC).isoformat(timespec="seconds"),
        }
        text = json.dumps(holder, ensure_ascii=False).encode("utf-8")
        # longer first, then cut: a reader never sees an empty file
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder(path: Path) -> str:
    """Who holds the lock just now; `""` when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _describe(os.pread(descriptor, 4096, 0))
    finally:
        os.close(descriptor)
    return ""


def _describe(written: bytes) -> str:
    try:
        known = json.loads(written)
        return f"{known['purpose']}, pid {known['pid']} on {known['host']} since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"  # it is just about to write who it is
