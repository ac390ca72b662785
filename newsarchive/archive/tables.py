"""The rows of the ledger and its tables: the fields of a dataclass are the columns of a table.

Nothing here is of one database alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import NoneType
from typing import Any, Generic, TypeVar, cast, get_args, get_type_hints

import sqlalchemy as sa

from newsarchive.messages import printable

R = TypeVar("R")
Counts = dict[str, int | float | str]

VERSION = 7  # of the tables; 3 is that of the first published program
KEPT_RUNS = 2_000  # so many of the last are kept, for the alarms
A_MINUTE = timedelta(minutes=1)  # some pages give their publish time without seconds
CLOCKS_DIFFER = timedelta(minutes=5)  # so much at most, unless one is wrong
INTERRUPTED = "the program ended while it read the page: by force, or for want of memory or time"
CHANNEL = "channel "  # begins `Row.where` for a channel's list; its name follows
_LONGEST = 10_000  # characters of a text


# rows


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
    """One article. Times are aware; `published` is in the publisher's zone."""

    source: str
    article_id: str
    url: str
    where: str = ""
    """Channel (`channel NAME`), other list or argument where it was first seen."""
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
    """SHA-256 of the reference rendering; `""` while a rebuild could not know it."""
    file_hash: str = ""
    """SHA-256 of the bytes on disk; equal to `content_hash` unless pictures are local."""
    revision: int = 0
    """1 for the first version, 0 before there is one."""
    family: str = ""
    path: str = ""
    """Below the archive's folder; `""` while there is no file."""
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
    pictures_tried: bool = False
    """Whether its pictures were looked at, whatever came of it."""
    title: str = ""
    """Of the version on disk, as are the next ones; empty for what was archived by a program before version 6."""
    publisher: str = ""
    channels: tuple[str, ...] = ()
    """Those of the page, then that of the list where it was first seen."""
    site_tags: tuple[str, ...] = ()
    edited: datetime | None = None
    """When the site last edited it: the publish time of the new edition, or when the archive noticed it."""
    claimed_by: int | None = None
    """The run that fetches it, where several share the ledger."""

    @property
    def channel(self) -> str:
        """The channel in whose list it was first seen; `""` for one of another list."""
        return self.where.removeprefix(CHANNEL) if self.where.startswith(CHANNEL) else ""

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
    """`""` in the only row of an article without pictures, which versions before 5 have written."""
    state: State = State.ARCHIVED
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

        >>> [ListRow(source="qq", where="x", has_named=it).after(ListResult.EMPTY).failures for it in (False, True)]
        [0, 1]
        """
        has_named = self.has_named or result is ListResult.NAMED
        failed = result is ListResult.FAILED or (result is ListResult.EMPTY and has_named)
        return replace(self, failures=self.failures + 1 if failed else 0, has_named=has_named)


class ChangeKind(StrEnum):
    """What happened to an article at the site, as the archive saw it."""

    NEW = "new"
    EDITED = "edited"
    REMOVED = "removed"
    BACK = "back"
    """At the site again after it was removed."""


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One change of an article."""

    source: str
    article_id: str
    kind: ChangeKind
    time: datetime
    """When the archive learned of it."""
    title: str = ""
    """Of the article after the change; `""` for changes that a program before version 6 saw."""
    path: str = ""
    """Of its document, below the archive's folder."""
    previous: str = ""
    """The file of the version that an edit has replaced; `""` when there is none any more."""
    changed: tuple[str, ...] = ()
    """What an edit has changed, of `title`, `text`, `pictures` and `time`."""
    added: int = 0
    """Characters of title and text."""
    removed: int = 0
    difference: tuple[tuple[str, str], ...] = ()
    """A short one: parts that are the same (`=`), new (`+`) or gone (`-`), in their order."""


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run of a crawl or of a command that writes."""

    run: int = 0
    """Its number, which the ledger gives it."""
    started: datetime
    ended: datetime | None = None
    """`None`: still going on, or killed."""
    pid: int
    arguments: str
    exit_code: int | None = None
    counts: Counts = field(default_factory=dict)


# tables


def write_time(time: datetime) -> str:
    """In UTC and in one width, so that the database can compare; then the zone, if it is another one.

    >>> write_time(datetime.fromisoformat("2026-11-01T19:00:00+08:00"))
    '2026-11-01T11:00:00.000000+00:00 +08:00'
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    zone = time.isoformat(timespec="microseconds")[26:]
    try:
        time = time.astimezone(UTC)
    except OverflowError:  # in the first hours of the year 1 or the last ones of 9999
        time = time.replace(tzinfo=UTC)
    utc = time.isoformat(timespec="microseconds")
    return utc if zone == "+00:00" else f"{utc} {zone}"


def read_time(stored: str | None) -> datetime | None:
    if stored is None:
        return None
    utc, _, zone = stored.partition(" ")
    time = datetime.fromisoformat(utc)
    if time.tzinfo is None:
        raise ValueError(f"{stored} has no time zone")
    return time.astimezone(datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo) if zone else time


def stored(value: Any) -> str | int | None:
    """How a value is stored; text as one line of limited length, without control characters and lone surrogates."""
    if isinstance(value, str):
        return printable(value, _LONGEST)
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    assert value is None or isinstance(value, int)  # noqa: S101
    return value


# compared byte by byte, as SQLite does
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


class _Time(sa.types.TypeDecorator[str]):
    """As `write_time` gives it: a statement may compare it with a time."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return _TEXT.dialect_impl(dialect)


_TYPES: dict[Any, sa.types.TypeEngine[Any]] = {
    int: sa.Integer(),
    int | None: sa.Integer(),
    bool: sa.Boolean(),
    datetime: _Time(),
    datetime | None: _Time(),
}
_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: read_time,
    datetime | None: read_time,
    State: State,
    ChangeKind: ChangeKind,
    bool: bool,
    tuple[str, ...]: lru_cache(1000)(lambda stored: tuple(map(str, json.loads(stored)))),  # most are of a few channels
    tuple[tuple[str, str], ...]: lambda stored: tuple((str(sign), str(text)) for sign, text in json.loads(stored)),
    Counts: lambda stored: dict(json.loads(stored)),
}
"""How a field is made of what is stored, by its type; of the other types it is the same."""


class Table(Generic[R]):
    """A table whose columns are the fields of `row`. Its `keys` name a row; `seq` numbers rows as they come."""

    def __init__(self, name: str, row: type[R], *keys: str, numbered: bool = False) -> None:
        self.name = name
        self.row = row
        self.keys = keys
        hints = get_type_hints(row)
        self.readers = {name: _READERS.get(hint, lambda stored: stored) for name, hint in hints.items()}
        columns: list[Any] = [
            sa.Column(name, _TYPES.get(hint, _TEXT), nullable=NoneType in get_args(hint))
            for name, hint in hints.items()
        ]
        if numbered:
            columns = [sa.Column("seq", _NUMBER, primary_key=True), *columns]
            columns += [sa.UniqueConstraint(*keys)] if keys else []
        else:
            columns.append(sa.PrimaryKeyConstraint(*keys))
        self.sql: sa.Table = sa.Table(name, METADATA, *columns, sqlite_autoincrement=keys == ("run",))

    def index(self, *columns: str, where: sa.TextClause | None = None) -> None:
        name = f"{self.sql.name}_by_{'_'.join(columns)}{'' if where is None else '_of_some'}"
        options: dict[str, Any] = {"sqlite_where": where}  # to name another database loads its part of SQLAlchemy, too
        sa.Index(name, *(self.sql.c[column] for column in columns), **options)

    def select(self) -> sa.Select[Any]:
        """All columns that there are: in a ledger of a former version, which a rebuild reads, there may be fewer."""
        return sa.select(sa.text("*")).select_from(self.sql)

    def insert(self, insert: Callable[[sa.Table], Any] = sa.insert) -> Any:
        """Inserts a row; the database numbers runs. `insert` is the database's own where `ON CONFLICT` follows."""
        return insert(self.sql).values({name: given(name) for name in self.readers if name != "run"})

    def upsert(self, insert: Callable[[sa.Table], Any]) -> sa.ClauseElement:
        """Inserts a row, or replaces that with the same key."""
        row = self.insert(insert)
        changed = {name: row.excluded[name] for name in self.readers if name not in self.keys}
        return cast("sa.ClauseElement", row.on_conflict_do_update(index_elements=self.keys, set_=changed))


def given(name: str) -> sa.BindParameter[Any]:
    """A value that comes with each call of a statement."""
    return sa.bindparam(name, type_=sa.types.NullType())


METADATA = sa.MetaData()
ARTICLES = Table("articles", Row, "source", "article_id", numbered=True)
PICTURES = Table("pictures", PictureRow, "source", "article_id", "url", numbered=True)
LISTS = Table("lists", ListRow, "source", "where")
RUNS = Table("runs", RunRow, "run")
CHANGES = Table("changes", ChangeRow, numbered=True)
BEGUN_LISTS = sa.Table(
    "begun_lists", METADATA, *(sa.Column(it, _TEXT, primary_key=True) for it in LISTS.keys),
    sa.Column("claimed_by", sa.Integer),
)  # fmt: skip
READINGS = sa.Table(
    "readings", METADATA, sa.Column("page", _TEXT, primary_key=True), sa.Column("times", sa.Integer, nullable=False)
)

# Texts, because SQLite uses a partial index only for a statement with the same literals. Where it has the choice, it
# searches by state or source before a range, though nearly all rows have the same: Python filters by those.
UNFINISHED = sa.text("state IN ('found', 'failed', 'quarantined')")
FAILED = sa.text("state = 'failed'")
DATED = sa.text("published IS NOT NULL")
TO_CHECK = sa.text("next_check IS NOT NULL")
AFTER_THE_FIRST = sa.text("kind <> 'new'")
WITHOUT_PICTURES = sa.text("path <> '' AND NOT pictures_tried")

ARTICLES.index("state", "attempts", "seq")
ARTICLES.index("published", where=DATED)
ARTICLES.index("source", "seq", "attempts", "next_try", where=UNFINISHED)
ARTICLES.index("next_check", "seq", where=TO_CHECK)
ARTICLES.index("source", "seq", where=WITHOUT_PICTURES)
PICTURES.index("source", "seq", "attempts", "next_try", where=FAILED)
PICTURES.index("attempts", where=FAILED)
PICTURES.index("url")
CHANGES.index("time", "seq")
CHANGES.index("time", "seq", where=AFTER_THE_FIRST)
CHANGES.index("source", "article_id", "seq")
