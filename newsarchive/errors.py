"""What can go wrong, in one tree.

NewsArchiveError
├── PageError             the page is no article that can be archived
│   ├── UnknownPage       no page family claims it: the site may have changed
│   ├── MissingField      a field that every article has is missing
│   ├── NotAnArticle      a video, a question, a notice that the article was removed
│   ├── PartialArticle    the site shows a part of the article only
│   └── ChallengePage     the site checks whether a person reads it
├── ListError             a list reply cannot be used
│   ├── BusyList          the server says "busy" inside a 200 reply: try again
│   └── UnknownList       a reply of no known form: the site may have changed
├── ArchiveError          something on disk cannot be used
│   ├── LedgerBroken      the ledger is unreadable or of a newer version
│   └── ArchiveLocked     another run holds the archive
└── BadArgument           an invalid spider argument, id or URL

Besides, any error of Python or of a library: `is_fatal` and `describe` say what it means for a run.
"""

from __future__ import annotations

import errno
import os
from concurrent.futures.process import BrokenProcessPool

from newsarchive.messages import printable, without_secrets


class NewsArchiveError(Exception):
    """The base of all errors of this project."""


class PageError(NewsArchiveError):
    """The page at `url` is no article that can be archived."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url or 'page without a URL'}: {reason}")
        self.url = url
        self.reason = reason


class UnknownPage(PageError):
    """No page family claims the page."""


class MissingField(PageError):
    """A field that every article has is missing or has no usable value."""

    def __init__(self, url: str, field: str, expected: str) -> None:
        super().__init__(url, f"no {field}: expected {expected}")
        self.field = field


class NotAnArticle(PageError):
    """A known kind of page that is no article: a video, a removed article."""

    def __init__(self, url: str, reason: str, *, gone: bool = False) -> None:
        super().__init__(url, reason)
        self.gone = gone
        """The site says that the article was removed."""


class PartialArticle(PageError):
    """The page says that it may be a part, and its text is short or nothing says how long it should be."""

    def __init__(self, url: str, reason: str, *, paid: bool) -> None:
        super().__init__(url, reason)
        self.paid = paid
        """The article is for subscribers; otherwise the site has cut it for its length."""


class ChallengePage(PageError):
    """A captcha or a check of the browser, which came instead of the article: the site refuses us for now."""


class ListError(NewsArchiveError):
    """The reply to a list request cannot be used."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class BusyList(ListError):
    """The server says inside a 200 reply that it is busy."""


class UnknownList(ListError):
    """The reply has no known form; the message names the form that came."""


class BadArgument(NewsArchiveError):
    """An invalid argument; the message says what was expected."""


class ArchiveError(NewsArchiveError):
    """Something on disk cannot be used."""


class LedgerBroken(ArchiveError):
    """The ledger is unreadable or of a newer version than this program knows."""


class ArchiveLocked(ArchiveError):
    """Another run holds the archive; the message says which."""


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


def describe(error: BaseException) -> str:
    """One line for the person who runs it."""
    return without_secrets(printable(_described(error)))


def _described(error: BaseException) -> str:
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
