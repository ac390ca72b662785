"""Paths in the archive; files that are read, and written, as a whole; the lock, and the mark of the page being read.

A folder may be a symbolic link, so that pictures can be on another disk. A file may not: anything but a regular file
(a link, a pipe, a device, a socket) is refused, since it could point outside the archive, or block when opened.
"""

import errno
import fcntl
import gzip
import io
import json
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self

from newsarchive.errors import ArchiveLocked
from newsarchive.messages import shown_time
from newsarchive.sources import SOURCE_NAME

LEDGER = "ledger.sqlite"
LOCK = ".lock"
STATUS = "status.json"
CHANGES = "changes.json"
REPORT = "report.html"
CONTENT = "content"
REVISIONS = "revisions"
PICTURES = "pictures"
PAGES = "pages"
QUARANTINE = "quarantine"

LARGEST = 64 * 1024 * 1024
"""Bytes of a page, a document or a WARC record, unpacked: more is refused. DOWNLOAD_MAXSIZE allows 20 MiB."""
LEAST_ROOM = 1_000_000
"""Bytes. A ledger that nobody has open needs 32 kB beside it only to be read; a new one takes some 150 kB."""
_KINDS = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
BESIDE = ("-wal", "-shm", "-journal")  # ends of the names of the files that SQLite has beside a ledger
_ENDED = b"ended\n"  # end of the text of a lock whose holder has ended in order
_READING = "-reading"  # end of the name of a reading mark
TEMPORARY = re.compile(rf"\..+\.part({'|'.join(BESIDE)})?")  # the names of our temporary files
ARTICLE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def content_path(source: str, published: datetime, article_id: str) -> PurePosixPath:
    """Path of an article below the archive's folder; year and month by the publisher's clock."""
    _check(source, article_id)
    return PurePosixPath(CONTENT, source, f"{published:%Y}", f"{published:%m}", f"{article_id}.md")


def revision_path(source: str, article_id: str, archived: datetime, nth: int = 1) -> PurePosixPath:
    """Path of a former version that was archived at that time; `nth` > 1 when the name is taken.

    Names sort by age: `_` comes after the dot.
    """
    _check(source, article_id)
    again = "" if nth == 1 else f"_{nth}"
    return PurePosixPath(REVISIONS, source, article_id, f"{archived.astimezone(UTC):%Y%m%dT%H%M%SZ}{again}.md")


def quarantine_path(source: str, article_id: str) -> PurePosixPath:
    """Path of a page that is no whole article; a `.json` beside it says why."""
    _check(source, article_id)
    return PurePosixPath(QUARANTINE, source, f"{article_id}.html.gz")


def open_file(path: Path) -> BufferedReader:
    """Opens a file to read. Raises `OSError`, also for anything but a regular file."""
    return io.open(path, "rb", opener=lambda _, flags: open_descriptor(path, flags))  # noqa: UP020  -- as `Path.open`


def open_descriptor(path: Path, flags: int) -> int:
    """Like `os.open`, but only for regular files, and without blocking. Raises `OSError`."""
    check_regular(path)
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EBUSY, "changed while it was opened", str(path))
    return descriptor


def check_regular(path: Path) -> None:
    """Raises `OSError` for anything but a regular file; a missing file is fine."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "a device")
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))


def is_file(path: Path) -> bool:
    """Whether there is a regular file; a link to one does not count."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def read_file(path: Path) -> bytes:
    """Raises `OSError`, also for anything but a regular file, or a file larger than `LARGEST`."""
    with open_file(path) as file:
        return _read(file, path)


def read_packed(path: Path) -> bytes:
    """The content of a gzip file. Raises `OSError` as `read_file`, `EOFError` or `zlib.error` for a damaged one."""
    with open_file(path) as file, gzip.open(file) as unpacked:
        return _read(unpacked, path, "unpacks to more")


def _read(file: BufferedReader | gzip.GzipFile, path: Path, what: str = "is larger") -> bytes:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"{what} than {LARGEST:,} bytes, which no page has", str(path))
    return data


@contextmanager
def whole_file(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """A file to write that appears under its name when the block succeeds; else not at all."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    # not tempfile: its files can be read by their owner only, and a web server reads these
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # Python names no file when writing to it fails: a full disk is one of several
        raise
    if sync:
        sync_folder(path.parent)


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder`, or of a folder above it, has too little room for a run to write its status."""
    try:
        disk = os.statvfs(next(it for it in (folder, *folder.parents) if it.exists()))
    except OSError:
        return False
    no_names = disk.f_files > 0 and disk.f_favail == 0
    return no_names or (disk.f_blocks > 0 and disk.f_frsize * disk.f_bavail < LEAST_ROOM)  # 0 blocks: not reported


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    with whole_file(path, sync=sync) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def link_or_copy(source: Path, target: Path) -> None:
    """Stores a file under another name, too: as a hard link, or as a copy where the disk has no links."""
    if is_file(target):
        return
    make_folder(target.parent)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        with open_file(source) as original, whole_file(target) as copy:
            shutil.copyfileobj(original, copy)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` safe against a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stray_files(folder: Path) -> Iterator[Path]:
    """What a killed run left; only a run that holds the lock may remove it. Looks at the name of every file.

    Temporary files, and what SQLite had beside a ledger that no longer exists: it would use that for the next one.
    """
    inside = (folder / name for name in (CONTENT, REVISIONS, PICTURES, PAGES, QUARANTINE))
    for top in (folder, *(each for each in inside if each.is_symlink())):
        for parent, _, names in os.walk(top):
            yield from (Path(parent, name) for name in names if TEMPORARY.fullmatch(name))
    for end in BESIDE:
        for path in folder.glob(f"{LEDGER}*{end}"):
            if not os.path.lexists(path.with_name(path.name.removesuffix(end))) and not path.is_dir():
                yield path


def make_folder(folder: Path) -> None:
    """Creates it and all folders above, each safe against a power cut before anything relies on it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _check(source: str, article_id: str) -> None:
    if not SOURCE_NAME.fullmatch(source):
        raise ValueError(f"{source!r} cannot be the name of a source: lower-case letters, digits, _ expected")
    if not ARTICLE_ID.fullmatch(article_id):
        raise ValueError(f"{article_id!r} cannot be an article id: letters, digits, _ and - expected")


# the lock


class Lock:
    """`flock` on a file that names the holder. The file stays; the lock is released when its holder ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_clean = False  # whether every holder since the last look for `stray_files` has ended in order
        self._descriptor: int | None = None

    def acquire(self, purpose: str, now: datetime, *, read_only: bool = False) -> None:
        """Raises `ArchiveLocked` when another process, or another `Lock` of this one, holds it.

        Without a lock if this is `read_only` and this process cannot write, such as on a read-only disk.
        """
        place = self.path if self.path.exists() else self.path.parent
        if read_only and not os.access(place, os.W_OK, effective_ids=True):
            if held := holder(self.path):
                raise self._held(held)
            return
        make_folder(self.path.parent)
        self._descriptor = descriptor = open_descriptor(self.path, os.O_RDWR | os.O_CREAT)
        try:
            for _ in range(20):  # a second: `holder`, which only looks who has the lock, takes it for a moment
                with suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.05)
            else:
                raise self._held(_signature(descriptor))
            self.is_clean = os.pread(descriptor, 4096, 0).endswith(_ENDED)
            signature = f"{purpose}, pid {os.getpid()} on {socket.gethostname()} since {shown_time(now)}\n"
            text = signature.encode("utf-8", "replace")
            os.pwrite(descriptor, text, 0)  # longer first, then cut: a reader never sees an empty file
            os.ftruncate(descriptor, len(text))
            os.fsync(descriptor)  # after a power cut too, this holder has not ended in order
        except BaseException as error:
            self.release()
            if isinstance(error, OSError):
                error.filename = str(self.path)
            raise

    def _held(self, by: str) -> ArchiveLocked:
        return ArchiveLocked(f"the archive {self.path.parent} is held by {by}: wait for its end, or stop it")

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # on a full disk: then the next one looks
                os.pwrite(self._descriptor, _ENDED if self.is_clean else b"", os.fstat(self._descriptor).st_size)
            os.close(self._descriptor)
            self._descriptor, self.is_clean = None, False


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
    return os.pread(descriptor, 4096, 0).decode("utf-8", "replace").partition("\n")[0] or "another process"


# the mark of the page being read


class ReadingMark:
    """Which page a process reads, in a file of its own: a page can kill it, by its memory or a crash of the parser.

    Written without commit or sync: it has to outlast this process only. A mark that is left names the page that was
    being read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1

    @classmethod
    def beside(cls, ledger: Path) -> Self:
        """That of the one process which has opened a ledger."""
        return cls(ledger.with_name(f"{ledger.name}{_READING}"))

    @classmethod
    def of_process(cls, folder: Path, pid: int | None = None) -> Self:
        """That of one of several processes which share the folder; of this process unless there is a `pid`."""
        return cls(folder / f".{socket.gethostname()}-{pid or os.getpid()}{_READING}")

    @classmethod
    def left(cls, folder: Path) -> list[Self]:
        """Those of processes of this machine that have ended, and one that a former process of this number has left."""
        found = [cls.of_process(folder)]
        for file in folder.glob(f".{socket.gethostname()}-*{_READING}"):
            pid = file.name.removesuffix(_READING).rpartition("-")[2]
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
        with suppress(ValueError, FileNotFoundError):  # torn by a power cut; removed by another run just now
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
