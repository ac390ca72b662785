"""One run at a time: the lock goes with its holder, however that one ends."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsarchive.archive.files import Lock, holder
from newsarchive.errors import ArchiveLocked

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from newsarchive.archive.files import Lock
Lock(Path(sys.argv[1])).acquire("a process that waits", datetime.now(UTC))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / ".lock"), Lock(tmp_path / ".lock")
    first.acquire("the first", NOW)
    with pytest.raises(ArchiveLocked, match=r"held by the first, pid \d+ on .* since 2026-11-01 20:00:00 Beijing time"):
        second.acquire("the second", NOW)
    assert holder(tmp_path / ".lock").startswith("the first, pid ")
    first.release()
    assert holder(tmp_path / ".lock") == ""
    second.acquire("the second", NOW)
    second.release()


def test_somebody_who_asks_does_not_turn_a_run_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".lock"
    path.touch()
    waited: list[float] = []
    with path.open() as asking:

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if sum(waited) >= 0.2:
                fcntl.flock(asking, fcntl.LOCK_UN)

        monkeypatch.setattr("newsarchive.archive.files.time.sleep", wait)
        fcntl.flock(asking, fcntl.LOCK_SH)
        lock = Lock(path)
        lock.acquire("this test", NOW)
        lock.release()
    assert sum(waited) >= 0.2


def test_a_long_name_before_leaves_nothing_behind(tmp_path: Path) -> None:
    lock = Lock(tmp_path / ".lock")
    for purpose in ("a very long purpose " * 20, "short"):
        lock.acquire(purpose, NOW)
        assert holder(tmp_path / ".lock").startswith(purpose)
        lock.release()


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path / ".lock") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ArchiveLocked, match="a process that waits"):
            Lock(path).acquire("this test", NOW)
        process.kill()
    lock = Lock(path)
    for is_clean, swept in ((False, False), (False, True), (True, False), (False, False)):
        lock.acquire("this test", NOW)
        assert lock.is_clean == is_clean
        lock.is_clean = swept
        with pytest.raises(ArchiveLocked, match="held by this test"):
            Lock(path).acquire("another", NOW)
        lock.release()


def test_a_copy_that_may_not_be_written_is_read_without_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    reading = Lock(tmp_path / ".lock")
    reading.acquire("a look", NOW, read_only=True)
    reading.release()
    assert not (tmp_path / ".lock").exists()
    writing = Lock(tmp_path / ".lock")
    writing.acquire("a run", NOW)
    with pytest.raises(ArchiveLocked, match="held by a run"):
        reading.acquire("a look", NOW, read_only=True)
    writing.release()
