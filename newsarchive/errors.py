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
"""

from __future__ import annotations


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
