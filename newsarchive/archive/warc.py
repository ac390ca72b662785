"""Writes pages as they came into WARC files, and closes files that killed runs left open.

A run has one file, `pages/qq-<time>-<run>.warc.gz`: a `warcinfo` record, then for each answer a `response`
(or, when the same bytes are stored already, a `revisit`) and a `metadata` record about it, each a gzip
member of its own. While the run goes on, the file's name ends in `.open`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from newsarchive.archive.exchanges import Exchange, Original, packed, warcinfo
from newsarchive.archive.files import is_file, make_folder, open_descriptor, open_file, sync_folder
from newsarchive.archive.members import Member, members

OPEN = ".open"
_WARC = ".warc.gz"


class WarcFile:
    """One run's file. It is created with the first record, so an idle run leaves none."""

    def __init__(self, path: Path, software: str) -> None:
        self.path = path
        """Its name once it is closed."""
        self._software = software
        self._lock = Lock()
        self._end = 0
        self._answers = 0
        self._descriptor = -1

    def add(self, exchange: Exchange, original: Original | None = None) -> int:
        """Returns the offset of the `response` (or `revisit`) record, which is on disk then. From any thread.

        Raises:
            OSError: the disk is full or broken; the file ends with the last whole record.
        """
        records = packed(exchange, original)  # the costly part: threads do it in parallel
        with self._lock:
            if self._descriptor < 0:
                self._open()
            offset = self._append(records)
            self._answers += 1
            return offset

    def close(self) -> None:
        with self._lock:
            if self._descriptor < 0:
                return
            os.close(self._descriptor)
            self._descriptor = -1
            part = self.path.with_name(self.path.name + OPEN)
            if self._answers:
                _give_name(part)
            else:  # the disk was full from the first answer on
                part.unlink()

    def _open(self) -> None:
        make_folder(self.path.parent)
        part = self.path.with_name(self.path.name + OPEN)
        self._descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
        sync_folder(part.parent)
        self._append(warcinfo(self.path.name, self._software))

    def _append(self, data: bytes) -> int:
        start = self._end
        try:
            with memoryview(data) as rest:
                done = 0
                while done < len(rest):
                    done += os.write(self._descriptor, rest[done:])
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, start)
            raise
        self._end += len(data)
        return start


def mend(folder: Path) -> Iterator[tuple[Path, int]]:
    """Closes the files that killed runs left open; yields each with the number of bytes cut off.

    To be called with the lock held. Only records that no ledger row names yet are cut off. A file without
    an answer is removed.
    """
    for part in sorted(folder.glob(f"*{_WARC}{OPEN}")):
        if not is_file(part):
            continue  # `scrapy verify` reports it
        with os.fdopen(open_descriptor(part, os.O_RDWR), "r+b") as file:
            end, answers = _whole_pairs(file)
            cut = os.fstat(file.fileno()).st_size - end
            if answers:
                file.truncate(end)
                os.fsync(file.fileno())
        if answers:
            yield _give_name(part), cut
        else:
            part.unlink()
            yield part.with_name(part.name.removesuffix(OPEN)), cut


def _whole_pairs(file: BinaryIO) -> tuple[int, int]:
    """Where the last `metadata` record ends, and how many there are before it."""
    end = answers = 0
    for member in members(file):
        if not isinstance(member, Member):
            continue  # a damaged one is skipped, and `scrapy verify` reports it; a torn one is the last
        head = member.data.partition(b"\r\n\r\n")[0]
        if b"\r\nWARC-Type: metadata" in head:
            end, answers = member.end, answers + 1
    return end, answers


def _give_name(part: Path) -> Path:
    """Closes a file by renaming it. One that has the name already, such as from a backup, loses nothing."""
    path = part.with_name(part.name.removesuffix(OPEN))
    if is_file(path) and _begins_with(path, part):  # copied while its run went on, and once more after that
        part.unlink()
    else:
        if os.path.lexists(path) and not (is_file(path) and _begins_with(part, path)):
            names = (path.with_name(f"{path.name.removesuffix(_WARC)}-{nth}{_WARC}") for nth in count(2))
            path = next(name for name in names if not os.path.lexists(name))
        part.rename(path)
    sync_folder(part.parent)
    return path


def _begins_with(whole: Path, start: Path) -> bool:
    with open_file(whole) as one, open_file(start) as other:
        while chunk := other.read(1 << 18):
            if one.read(len(chunk)) != chunk:
                return False
    return True
