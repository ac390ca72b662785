"""What can go wrong; and of any error of Python or of a library, what it means for a run."""

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
    """No page family claims the page: the site may have changed."""


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
    """The server says inside a 200 reply that it is busy, or checks whether a person reads it."""


class UnknownList(ListError):
    """The reply has no known form, which the message describes: the site may have changed."""


class BadArgument(NewsArchiveError):
    """An invalid argument; the message says what was expected."""


class ClusterError(NewsArchiveError):
    """A cluster of workers cannot be reached or used; the message says why."""


class ArchiveError(NewsArchiveError):
    """Something on disk cannot be used."""


class LedgerBroken(ArchiveError):
    """The ledger cannot be read."""


class OtherVersion(LedgerBroken):
    """The ledger is intact, and of another version than this program's; the message says what to do."""


class LedgerAway(ArchiveError):
    """The database of the ledger cannot be reached, or refuses us."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"the ledger {name} cannot be used: {reason}")


class ArchiveLocked(ArchiveError):
    """Another run holds the archive; the message says which."""


# what can be done about it; with each of these every further article would fail in the same way
_SCARCE = {
    errno.EMFILE: "allow more open files (`ulimit -n`)",
    errno.ENFILE: "allow more open files on this machine, or end other programs",
    errno.EAGAIN: "allow more processes and threads (`ulimit -u`), or end other programs",
    **dict.fromkeys((errno.ENOMEM, errno.ENOBUFS), "give this run more memory, or end other programs"),
}
_DISK = {
    errno.ENOSPC: "make room on it",
    errno.EDQUOT: "the quota is used up: make room",
    errno.EFBIG: "the largest size of a file that is allowed here is reached",
    errno.EROFS: "it can only be read: mount it for writing",
    errno.EIO: "look at the disk's health",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "give the user of this run the right to write there"),
}


def is_fatal(error: BaseException) -> bool:
    """The machine, the disk or the archive's own files: it makes no sense to go on."""
    return isinstance(error, ArchiveError) or bool(_fault(error))


def cause(error: BaseException) -> str:
    """What is wrong in one line, without the name of the file, for a message that names it."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return " ".join(text.split())


def describe(error: BaseException) -> str:
    """One line for the person who runs it."""
    text = " ".join(str(error).split())
    if isinstance(error, NewsArchiveError):
        text = str(error)
    elif fault := _fault(error):
        text = f"{fault}; the next run goes on where this one stopped"
    else:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return without_secrets(printable(text))


def _fault(error: BaseException) -> str:
    """What is wrong with the machine or the disk, and what can be done about it; `""` for any other error."""
    what, advice = str(error), ""
    if isinstance(error, MemoryError):
        what, advice = what or "out of memory", _SCARCE[errno.ENOMEM]
    elif isinstance(error, BrokenProcessPool):
        what = "a process of this program is gone"
        advice = "it was ended by force, or ran out of memory: give this run more"
    elif isinstance(error, RuntimeError) and "can't start new thread" in what:
        advice = _SCARCE[errno.EAGAIN]
    elif isinstance(error, OSError):
        what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        advice = (_SCARCE | _DISK).get(error.errno or 0, "look at what is there" if error.filename is not None else "")
    elif isinstance(number := getattr(error, "osError", None), int):  # it kept Twisted from making a connection
        what, advice = os.strerror(number), _SCARCE.get(number, "")
    return f"{what}: {advice}" if advice else ""
