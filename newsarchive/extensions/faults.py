"""Internal errors: every error that is logged with its exception, wherever it was raised."""

from __future__ import annotations

import errno
import gzip
import logging
import os
import zlib
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)

from newsarchive.errors import ArchiveError, NewsArchiveError
from newsarchive.redaction import without_secrets
from newsarchive.wording import printable

_SITE = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
)
_SITE_MODULES = (
    *("twisted.internet", "twisted.web", "OpenSSL"),
    *("brotli", "backports.zstd", "compression.zstd"),  # whichever Scrapy unpacks with
)
_SCARCE = {
    errno.EMFILE: "allow more open files (`ulimit -n`)",
    errno.ENFILE: "allow more open files on this machine, or end other programs",
    errno.EAGAIN: "allow more processes and threads (`ulimit -u`), or end other programs",
    errno.ENOMEM: "give this run more memory, or end other programs",
    errno.ENOBUFS: "give this machine more memory, or end other programs",
}
# with these every further article would fail in the same way
_MACHINE = {
    errno.ENOSPC: "make room on it",
    errno.EDQUOT: "the quota is used up: make room",
    errno.EFBIG: "the largest size of a file that is allowed here is reached",
    errno.EROFS: "it can only be read: mount it for writing",
    errno.EIO: "look at the disk's health",
    errno.EACCES: "give the user of this run the right to write there",
    errno.EPERM: "give the user of this run the right to write there",
    **_SCARCE,
}
_NO_THREAD = "can't start new thread"


class Faults(logging.Handler):
    """Counts exceptions that Scrapy catches and logs: in callbacks, `start`, pipelines, extensions and itself.

    Scrapy goes on after each of them and its exit status is 0.
    """

    def __init__(self, on_fatal: Callable[[BaseException], None]) -> None:
        super().__init__(level=logging.ERROR)
        self.count = 0
        self.first: BaseException | None = None
        self._on_fatal = on_fatal

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or is_site_error(error):
            return
        self.add(error)
        if is_fatal(error):
            self._on_fatal(error)

    def add(self, error: BaseException, *, is_cause: bool = False) -> None:
        """Counts one error; `is_cause`: those logged before it only follow from it."""
        if error is not self.first:
            self.count += 1
        if self.first is None or is_cause or (is_fatal(error) and not is_fatal(self.first)):
            self.first = error

    @staticmethod
    def plain(record: logging.LogRecord) -> bool:
        """A filter for log handlers: tracebacks are for bugs.

        An error of the network is one line, and a fatal one is printed once at the end, not again for each page.
        """
        error = record.exc_info[1] if record.exc_info else None
        if is_site_error(error):
            record.exc_info = record.exc_text = None
        return error is None or not is_fatal(error)


def is_site_error(error: BaseException | None) -> bool:
    """The network or what came over it; Scrapy passes on some of Twisted's errors unchanged."""
    if error is not None and is_fatal(error):  # such as no connection, because too many files are open
        return False
    return isinstance(error, _SITE) or type(error).__module__.startswith(_SITE_MODULES)


def is_fatal(error: BaseException) -> bool:
    """The machine, the disk or the archive's own files: it makes no sense to go on."""
    of_disk = isinstance(error, OSError) and error.filename is not None
    return of_disk or isinstance(error, ArchiveError) or bool(_advice(error))


def _advice(error: BaseException) -> str:
    """What can be done about a fault of the machine; `""` for any other error."""
    if isinstance(error, MemoryError):
        return _MACHINE[errno.ENOMEM]
    if isinstance(error, BrokenProcessPool):
        return "it was ended by force, or ran out of memory: give this run more"
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return _MACHINE[errno.EAGAIN]
    if isinstance(error, OSError):
        return _MACHINE.get(error.errno or 0, "")
    return _SCARCE.get(_twisted_errno(error), "")


def _twisted_errno(error: BaseException) -> int:
    """The number of the error that kept Twisted from making a connection; 0 for all others."""
    number = getattr(error, "osError", None)
    return number if isinstance(number, int) else 0


def in_words(error: BaseException) -> str:
    """One line for the person who runs it."""
    return without_secrets(printable(_in_words(error)))


def _in_words(error: BaseException) -> str:
    if isinstance(error, NewsArchiveError):
        return str(error)
    text = " ".join(str(error).split())
    if is_fatal(error):
        what = text or "out of memory"
        if isinstance(error, OSError):
            what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        elif number := _twisted_errno(error):
            what = os.strerror(number)
        elif isinstance(error, BrokenProcessPool):
            what = "a process of this program is gone"
        advice = _advice(error) or "look at what is there"
        return f"{what}: {advice}; the next run goes on where this one stopped"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
