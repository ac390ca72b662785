"""What the ledger remembers, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

INTERRUPTED = "the program ended while it read the page: by force, or for want of memory or time"
A_MINUTE = timedelta(minutes=1)  # some pages tell their publish time without seconds

PAST_TIMES = ("first_seen", "archived_at", "last_checked", "gone_at")
"""Fields of a row with a time at which something was done."""


class State(StrEnum):
    """What became of an article or of a picture."""

    FOUND = "found"
    """Named by a list, not here yet."""
    ARCHIVED = "archived"
    FAILED = "failed"
    """The last try brought no page; tried again."""
    QUARANTINED = "quarantined"
    """A page came that is no whole article; it is kept aside."""
    GONE = "gone"
    """The site has removed it. What had been archived stays."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One article. Times are aware; `published` is in the publisher's zone, all others in UTC."""

    source: str
    article_id: str
    url: str
    where: str = ""
    """Channel, list or argument where it was first seen."""
    first_seen: datetime
    thumbnail: str = ""
    """Picture of the list entry that first had one."""
    entry: str = ""
    """That list entry as JSON."""
    state: State = State.FOUND
    attempts: int = 0
    """Tries in a row that brought no whole article."""
    next_try: datetime | None = None
    """`None`: at once."""
    published: datetime | None = None
    archived_at: datetime | None = None
    """When the revision on disk was archived."""
    last_checked: datetime | None = None
    next_check: datetime | None = None
    """`None`: never again."""
    content_hash: str = ""
    """SHA-256 of the reference rendering. `""` when a rebuild could not know it: taken over when the text is
    the same."""
    file_hash: str = ""
    """SHA-256 of the bytes on disk; equal to `content_hash` unless pictures are local."""
    revision: int = 0
    """1 for the first version, 0 before there is one."""
    family: str = ""
    path: str = ""
    """Below the archive's folder; `""` while no file stands."""
    etag: str = ""
    last_modified: str = ""
    gone_at: datetime | None = None
    reason: str = ""
    """Why the last try failed or why the page is in quarantine."""
    warc_file: str = ""
    """Name of the WARC file that holds the page."""
    warc_offset: int | None = None
    announced: datetime | None = None
    """The latest publish time by which a list has announced another edition than the one that was known."""
    announced_thumbnail: str = ""
    """Picture of the list entry that did."""
    announced_entry: str = ""
    false_announcements: int = 0
    """Looks in a row that have not found an edition as late as the announced one."""

    @property
    def next_look(self) -> str:
        """Which field says when the article is next fetched."""
        return "next_check" if self.state in (State.ARCHIVED, State.GONE) else "next_try"

    @property
    def was_interrupted(self) -> bool:
        """Whether the program ended when it last read the article's page."""
        return self.attempts > 0 and self.reason == INTERRUPTED

    def awaits_edition(self, published: datetime | None) -> bool:
        """Whether a list has announced a later edition than one of that time."""
        return self.announced is not None and (published is None or published + A_MINUTE <= self.announced)

    def false_announcements_after(self, published: datetime | None) -> int:
        """What `false_announcements` is once a page of that time was found."""
        return self.false_announcements + 1 if self.awaits_edition(published) else 0


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """One picture of one article."""

    source: str
    article_id: str
    url: str
    state: State
    path: str = ""
    """Below the archive's folder."""
    hash: str = ""
    attempts: int = 0
    next_try: datetime | None = None
    reason: str = ""


class ListResult(StrEnum):
    """What a run got from a list."""

    NAMED = "named"
    """Entries, of any kind."""
    EMPTY = "empty"
    FAILED = "failed"
    """No reply, or one that could not be read."""


@dataclass(frozen=True, kw_only=True)
class ListRow:
    """One list: a channel, an account, the hot list, the sitemap."""

    source: str
    where: str
    failures: int = 0
    """How many of the last runs that asked for it got nothing from it."""
    has_named: bool = False
    """Whether it ever had an entry: some channels never have."""

    def after(self, result: ListResult) -> ListRow:
        """The row after one more run that asked for the list.

        >>> ListRow(source="qq", where="channel lic").after(ListResult.EMPTY).failures
        0
        >>> ListRow(source="qq", where="channel nba", has_named=True).after(ListResult.EMPTY).failures
        1
        """
        has_named = self.has_named or result is ListResult.NAMED
        failed = result is ListResult.FAILED or (result is ListResult.EMPTY and has_named)
        return replace(self, failures=self.failures + 1 if failed else 0, has_named=has_named)


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run of a crawl or of a command that writes."""

    run: int
    started: datetime
    ended: datetime | None
    """`None`: still going on, or killed."""
    pid: int
    arguments: str
    exit_code: int | None
    counts: dict[str, int | float | str] = field(default_factory=dict)
