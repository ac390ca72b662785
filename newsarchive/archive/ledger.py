"""What is known about every article, picture, list and run: one SQLite file unless something else is configured.

The fields of the dataclasses are the columns of the tables. Statements use nothing that PostgreSQL does not have; only
opening the file is SQLite's own. Each finds its rows by an index, so that none slows down as the archive grows.
SQLAlchemy writes them, once; the database's own driver carries them out, which is ten times as fast.

Every method that writes has committed when it returns; `transaction` makes one commit of many. So a kill at any
moment leaves a consistent ledger that at most does not know of the last download.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, Generic, Self, TypeVar, cast, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from newsarchive.archive.files import BESIDE, check_regular, is_file, is_full, open_descriptor, read_file
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article
from newsarchive.messages import printable

R = TypeVar("R")
Counts = dict[str, int | float | str]
OnBroken = Callable[[LedgerBroken], object]  # what is called for a row that cannot be read, which is skipped then

KEPT_RUNS = 2_000  # so many of the last are kept, for the alarms
A_MINUTE = timedelta(minutes=1)  # some pages give their publish time without seconds
CLOCKS_DIFFER = timedelta(minutes=5)  # so much at most, unless one is wrong
INTERRUPTED = "the program ended while it read the page: by force, or for want of memory or time"
CHANNEL = "channel "  # begins `Row.where` for a channel's list; its name follows
_BATCH = 200  # rows
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
class ChangeFacts:
    """What statistics need to know of a change: some fields of its `ChangeRow`."""

    source: str
    article_id: str
    kind: ChangeKind
    time: datetime
    changed: tuple[str, ...]
    published: datetime | None
    """When its article was published, as the latest version says; `None` for an article that is not in the ledger."""


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


def _write_time(time: datetime) -> str:
    """In UTC and in one width, so that the database can compare; then the zone, if it is another one.

    >>> _write_time(datetime.fromisoformat("2026-11-01T19:00:00+08:00"))
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


def _read_time(stored: str | None) -> datetime | None:
    if stored is None:
        return None
    utc, _, zone = stored.partition(" ")
    time = datetime.fromisoformat(utc)
    if time.tzinfo is None:
        raise ValueError(f"{stored} has no time zone")
    return time.astimezone(datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo) if zone else time


def _stored(value: Any) -> str | int | None:
    """How a value is stored; text as one line of limited length, without control characters and lone surrogates."""
    if isinstance(value, str):
        return printable(value, _LONGEST)
    if isinstance(value, datetime):
        return _write_time(value)
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    assert value is None or isinstance(value, int)  # noqa: S101
    return value


_TYPES: dict[Any, sa.types.TypeEngine[Any]] = {int: sa.Integer(), int | None: sa.Integer(), bool: sa.Boolean()}
_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: _read_time,
    datetime | None: _read_time,
    State: State,
    ChangeKind: ChangeKind,
    bool: bool,
    tuple[str, ...]: lru_cache(1000)(lambda stored: tuple(map(str, json.loads(stored)))),  # most are of a few channels
    tuple[tuple[str, str], ...]: lambda stored: tuple((str(sign), str(text)) for sign, text in json.loads(stored)),
    Counts: lambda stored: dict(json.loads(stored)),
}
"""How a field is made of what is stored, by its type; of the other types it is the same."""


class _View(Generic[R]):
    """How a `row` is made of what a statement finds. Its `keys` name it in an error."""

    def __init__(self, name: str, row: type[R], *keys: str) -> None:
        self.name = name
        self.row = row
        self.keys = keys
        hints = get_type_hints(row)
        self.readers = {name: _READERS.get(hint, lambda stored: stored) for name, hint in hints.items()}


class _Table(_View[R]):
    """A table whose columns are the fields of `row`. Its `keys` name a row; `seq` numbers rows as they come."""

    def __init__(self, name: str, row: type[R], *keys: str, numbered: bool = False) -> None:
        super().__init__(name, row, *keys)
        hints = get_type_hints(row)
        columns: list[Any] = [
            sa.Column(name, _TYPES.get(hint, sa.Text()), nullable=NoneType in get_args(hint))
            for name, hint in hints.items()
        ]
        if numbered:
            columns = [sa.Column("seq", sa.Integer, primary_key=True), *columns]
            columns += [sa.UniqueConstraint(*keys)] if keys else []
        else:
            columns.append(sa.PrimaryKeyConstraint(*keys))
        self.sql: sa.Table = sa.Table(name, _METADATA, *columns, sqlite_autoincrement=keys == ("run",))

    def index(self, *columns: str, where: sa.TextClause | None = None) -> None:
        name = f"{self.sql.name}_by_{'_'.join(columns)}{'' if where is None else '_of_some'}"
        options: dict[str, Any] = {f"{_DIALECT.name}_where": where}  # to name another dialect loads that, too
        sa.Index(name, *(self.sql.c[column] for column in columns), **options)

    def select(self) -> sa.Select[Any]:
        """All columns that there are: in a ledger of a former version, which a rebuild reads, there may be fewer."""
        return sa.select(sa.text("*")).select_from(self.sql)

    def insert(self) -> sqlite.Insert:
        """Inserts a row; a run's number is given by the database."""
        return sqlite.insert(self.sql).values({name: _given(name) for name in self.readers if name != "run"})

    def upsert(self) -> sa.ClauseElement:
        """Inserts a row, or replaces that with the same key."""
        insert = self.insert()
        changed = {name: insert.excluded[name] for name in self.readers if name not in self.keys}
        return insert.on_conflict_do_update(index_elements=self.keys, set_=changed)


def _given(name: str) -> sa.BindParameter[Any]:
    """A value that comes with each call of a statement."""
    return sa.bindparam(name, type_=sa.types.NullType())


_METADATA = sa.MetaData()
_DIALECT = sqlite.dialect(paramstyle="named")
_ARTICLES = _Table("articles", Row, "source", "article_id", numbered=True)
_PICTURES = _Table("pictures", PictureRow, "source", "article_id", "url", numbered=True)
_LISTS = _Table("lists", ListRow, "source", "where")
_RUNS = _Table("runs", RunRow, "run")
_CHANGES = _Table("changes", ChangeRow, numbered=True)
_CHANGE_FACTS = _View("changes", ChangeFacts, "seq")
_BEGUN_LISTS = sa.Table("begun_lists", _METADATA, *(sa.Column(it, sa.Text, primary_key=True) for it in _LISTS.keys))
_READINGS = sa.Table(
    "readings", _METADATA, sa.Column("page", sa.Text, primary_key=True), sa.Column("times", sa.Integer, nullable=False)
)

# Texts, because SQLite uses a partial index only for a statement with the same literals. Where it has the choice, it
# searches by state or source before a range, though nearly all rows have the same: Python filters by those.
_UNFINISHED = sa.text("state IN ('found', 'failed', 'quarantined')")
_FAILED = sa.text("state = 'failed'")
_DATED = sa.text("published IS NOT NULL")
_TO_CHECK = sa.text("next_check IS NOT NULL")
_AFTER_THE_FIRST = sa.text("kind <> 'new'")
_WITHOUT_PICTURES = sa.text("path <> '' AND NOT pictures_tried")

_ARTICLES.index("state", "attempts", "seq")
_ARTICLES.index("published", where=_DATED)
_ARTICLES.index("source", "seq", "attempts", "next_try", where=_UNFINISHED)
_ARTICLES.index("next_check", "seq", where=_TO_CHECK)
_ARTICLES.index("source", "seq", where=_WITHOUT_PICTURES)
_PICTURES.index("source", "seq", "attempts", "next_try", where=_FAILED)
_PICTURES.index("attempts", where=_FAILED)
_PICTURES.index("url")
_CHANGES.index("time", "seq")
_CHANGES.index("time", "seq", where=_AFTER_THE_FIRST)
_CHANGES.index("source", "article_id", "seq")

_a, _p, _r, _l = _ARTICLES.sql.c, _PICTURES.sql.c, _RUNS.sql.c, _BEGUN_LISTS.c
_c = _CHANGES.sql.c

# The statements of every article: others are made when they are needed.
_BEGIN = sa.text("BEGIN IMMEDIATE")
_UPSERTS = {table.row: table.upsert() for table in (_ARTICLES, _PICTURES, _LISTS)}
_ARTICLE = _ARTICLES.select().where(_a.source == _given("source"), _a.article_id == _given("article_id"))
_ARTICLE_AT = _ARTICLES.select().where(_a.seq == _given("seq"))
_PICTURES_OF = (
    _PICTURES.select().where(_p.source == _given("source"), _p.article_id == _given("article_id")).order_by(_p.seq)
)
_ADD_CHANGE = _CHANGES.insert()
_STORED_PICTURES = _PICTURES.select().where(_p.url == _given("url"), _p.path != sa.text("''"))


@cache
def _update(*names: str) -> sa.ClauseElement:
    """Changes these columns of an article."""
    its_row = _a.source == _given("of_source"), _a.article_id == _given("of_article_id")
    return _ARTICLES.sql.update().where(*its_row).values({name: _given(name) for name in names})


@lru_cache(maxsize=100)
def _written(statement: sa.ClauseElement) -> tuple[str, dict[str, Any]]:
    """A statement as SQL, and the values in it that are always the same."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


# the ledger


class Ledger(AbstractContextManager["Ledger"]):
    """Opened with `Ledger.open`; whoever opens it closes it. Not for use from several threads.

    What changes an article's row takes the row as it is known and returns it as it is then, or raises `KeyError`.
    """

    def __init__(self, path: Path, *, read_only: bool, on_broken: OnBroken | None) -> None:
        self.path = path
        self._on_broken = on_broken
        self._changed_by_lists: set[tuple[str, str]] = set()
        """Articles of which a list has said something since the ledger was opened."""
        self._mark = path.with_name(f"{path.name}{READING}")
        self._mark_descriptor = -1
        self._raw = raw = _open(path, read_only=read_only)
        try:
            # a flipped bit costs one letter, not every row that is read with it
            raw.row_factory = sqlite3.Row
            raw.text_factory = lambda data: data.decode("utf-8", "replace")
            if not read_only:
                raw.execute("PRAGMA journal_mode = WAL")
                # FULL: what was committed survives a power cut; at two pages a second it costs nothing
                raw.execute("PRAGMA synchronous = FULL")
            (version,) = raw.execute("PRAGMA user_version").fetchone()
            self.version = version
            if version > _VERSION:
                raise LedgerBroken(
                    f"{path} has version {version}, this program knows versions up to {_VERSION}:"
                    " install the newer program, or make a ledger of this version with `scrapy rebuild`"
                )
            if version < _VERSION and read_only and on_broken is None:
                raise LedgerBroken(f"{path} has version {version}: the next `scrapy crawl` brings it to {_VERSION}")
            if version < _VERSION and not read_only:
                _make_tables(raw, version)
                self.version = _VERSION
            # reads the tables' root pages, so that a ledger that lost its first pages is detected now
            raw.execute("SELECT 1 FROM articles, runs, pictures LIMIT 1").fetchone()
            if not read_only:
                self._count_interrupted_reading()
        except BaseException:
            raw.close()
            raise

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, on_broken: OnBroken | None = None) -> Self:
        """Creates the ledger unless it is there or `read_only`. Raises `LedgerBroken`, also a row that cannot be read.

        With `on_broken`, for a rebuild, all is read that can be, also from a ledger of the former version.
        """
        with errors_named(path):
            return cls(path, read_only=read_only, on_broken=on_broken)

    def close(self) -> None:
        if self._mark_descriptor >= 0:
            os.close(self._mark_descriptor)
            self._mark_descriptor = -1
            self._mark.unlink(missing_ok=True)
        with errors_named(self.path):
            self._raw.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One commit for all that the block writes: a list of twenty entries costs one sync of the disk."""
        self._execute(_BEGIN)
        with errors_named(self.path), self._raw:  # commits, or rolls back after an error
            yield

    # articles: what a run does

    def found(self, row: Row) -> tuple[Row, bool]:
        """The article's row, and whether it is new: this one then. The first list picture stays: another is no edit."""
        known = self.get(row.source, row.article_id)
        if known is None:
            self.put(row)
            return row, True
        if row.thumbnail and not known.thumbnail and not known.path:
            known = self.update(known, thumbnail=row.thumbnail, entry=row.entry)
            self._changed_by_lists.add((row.source, row.article_id))
        return known, False

    def archived(
        self,
        row: Row | None,
        article: Article,
        *,
        now: datetime,
        next_check: datetime | None,
        from_site: bool = True,
        **document: Any,
    ) -> Row:
        """The file exists: always the last step of storing an article. What the site has said stays unless `from_site`.

        `document` has `path`, `content_hash`, `file_hash`, `revision`, and what else is known of the page.
        """
        is_new = row is None
        row = row or Row(source=article.source, article_id=article.article_id, url=article.url, first_seen=now)
        changes = {"published": article.published, "archived_at": now, "family": article.family, **document}
        if from_site or not row.path:
            changes |= _seen(row, State.ARCHIVED, article.published, now=now, next_check=next_check)
            changes["url"] = article.url
        if row.awaits_edition(row.published) and not row.awaits_edition(article.published):
            changes |= {"thumbnail": row.announced_thumbnail, "entry": row.announced_entry}
        if not is_new:
            return self.update(row, **changes)
        row = replace(row, **changes)
        self.put(row)
        return row

    def announced(
        self, row: Row, *, published: datetime, thumbnail: str, entry: str, look: datetime, max_tries: int
    ) -> Row:
        """A list names another edition, for which it is time to `look`. One that was given up gets one more try."""
        changes: dict[str, Any] = {
            "announced": published, "announced_thumbnail": thumbnail, "announced_entry": entry,
            "attempts": min(row.attempts, max_tries - 1),
        }  # fmt: skip
        when = row.next_look
        if row.state is not State.FOUND or row.attempts:  # else it is tried at once anyway
            changes[when] = min(getattr(row, when) or look, look)
        self._changed_by_lists.add((row.source, row.article_id))
        return self.update(row, **changes)

    def checked(self, row: Row, *, now: datetime, next_check: datetime | None, **learned: Any) -> Row:
        """The site has the article as it is on disk; one that was removed is back. `learned` is of its page."""
        return self.update(row, **_seen(row, State.ARCHIVED, row.published, now=now, next_check=next_check), **learned)

    def gone(self, row: Row, *, now: datetime, next_check: datetime | None = None) -> Row:
        """The site has removed it. The time of the first notice stays; `next_check` sees it come back."""
        changes = _seen(row, State.GONE, row.published, now=now, next_check=next_check)
        return self.update(row, **changes | {"gone_at": row.gone_at or now})

    def failed(
        self, row: Row, *, reason: str, now: datetime, next_try: datetime | None, state: State = State.FAILED
    ) -> Row:
        """No page came, or one that is `QUARANTINED`. What is archived stays so, and its re-check is put off."""
        when: dict[str, Any] = {"next_check": next_try} if row.path else {"next_try": next_try, "state": state}
        return self.update(row, attempts=row.attempts + 1, reason=reason, last_checked=now, **when)

    def update(self, row: Row, **changes: Any) -> Row:
        """Changes these fields."""
        statement = _update(*changes)
        if self._execute(statement, **changes, of_source=row.source, of_article_id=row.article_id).rowcount != 1:
            raise KeyError(f"the ledger has no article {row.article_id} of {row.source}")
        return replace(row, **changes)

    def put(self, row: Row | PictureRow | ListRow) -> None:
        """Inserts the row, or replaces that of the same article, picture or list."""
        self._execute(_UPSERTS[type(row)], **vars(row))

    # pages that end the process while they are read

    def reading(self, row: Row, *, now: datetime, again: datetime | None) -> AbstractContextManager[None]:
        """Marks the article's page as being read: should that end the process, it is a try, the next one `again`."""
        known = {"source": row.source, "article_id": row.article_id}
        return self._marked(known | {"now": _write_time(now), "again": again and _write_time(again)})

    @contextmanager
    def reading_saved(self, page: str) -> Iterator[None]:
        """The same for a saved page, wherever it is."""
        with self._marked({"page": page}):
            yield
        if self.interrupted_readings(page):
            self._execute(_READINGS.delete().where(_READINGS.c.page == page))

    def interrupted_readings(self, page: str) -> int:
        """How often in a row the process has ended while it read this saved page."""
        return self._number(sa.select(_READINGS.c.times).where(_READINGS.c.page == page))

    @contextmanager
    def _marked(self, mark: dict[str, Any]) -> Iterator[None]:
        """The mark is in a file beside the ledger, without commit or sync: it has to outlast this process only."""
        if self._mark_descriptor < 0:
            self._mark_descriptor = open_descriptor(self._mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.pwrite(self._mark_descriptor, json.dumps(mark).encode(), 0)
        try:
            yield
        except MemoryError:  # another time it may end the process
            self._count_interrupted_reading()
            raise
        finally:
            os.ftruncate(self._mark_descriptor, 0)

    def _count_interrupted_reading(self) -> None:
        """Counts the try of the page whose mark is there: the process that read it has ended."""
        if not os.path.lexists(self._mark):
            return
        mark: dict[str, Any] = {}
        with suppress(ValueError):  # torn by a power cut
            mark = json.loads(read_file(self._mark) or b"{}")
        if "page" in mark:
            insert = sqlite.insert(_READINGS).values(page=mark["page"], times=1)
            again = {"times": _READINGS.c.times + 1}
            self._execute(insert.on_conflict_do_update(index_elements=["page"], set_=again))
        elif mark and (row := self.get(mark["source"], mark["article_id"])):
            tried = {"attempts": row.attempts + 1, "reason": INTERRUPTED, "last_checked": _read_time(mark["now"])}
            self.update(row, **tried, **{row.next_look: _read_time(mark["again"])})
        if self._mark_descriptor < 0:
            self._mark.unlink()

    # articles: what a run asks

    def get(self, source: str, article_id: str) -> Row | None:
        return self._one(_ARTICLES, _ARTICLE, source=source, article_id=article_id)

    def current(self, row: Row, *, replayed: bool = False) -> Row:
        """The row as it is now: while its page is on its way, a list may announce another edition.

        Or another page of a replay is archived.
        """
        if not replayed and (row.source, row.article_id) not in self._changed_by_lists:
            return row
        return self.get(row.source, row.article_id) or row

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[Row]:
        """Unfinished articles whose time has come, the oldest first; without those that this run finds."""
        is_due = sa.or_(_a.next_try.is_(None), _a.next_try <= now)
        return self._pages(_ARTICLES, _a.source == source, _UNFINISHED, _a.attempts < max_tries, is_due)

    def exhausted(self, max_tries: int, most: int) -> tuple[int, list[Row]]:
        """How many unfinished articles of all sources are not tried any more, and at `most` so many of them."""
        are = _UNFINISHED, _a.attempts >= max_tries
        some = _ARTICLES.select().where(*are).order_by(_a.state, _a.attempts, _a.seq).limit(most)
        return self._count(_ARTICLES, *are), self._rows(_ARTICLES, some)

    def rechecks(self, source: str, now: datetime) -> Iterator[Row]:
        """Articles, archived or gone, whose next look has come; first those that have waited longest."""
        order = _a.next_check, _a.seq
        later = sa.tuple_(*order) > sa.tuple_(_given("last_time"), _given("last"))
        statement = sa.select(*order).where(_a.next_check <= now, later).order_by(*order).limit(_BATCH)
        last: tuple[str, int] = "", 0
        while found := self._query(statement, last_time=last[0], last=last[1]):
            for last in found:  # each is read when it is wanted: that may be hours later
                row = self._one(_ARTICLES, _ARTICLE_AT, seq=last[1])
                if row and row.source == source and row.next_look == "next_check":
                    yield row

    def rows(
        self, source: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Row]:
        """Every article in the order of its finding, without those that are found meanwhile.

        Or those published from `since` to before `until`.
        """
        published = _a.published.concat("")  # a range of an index would be sorted anew for each batch
        conditions = [published >= since] if since else []
        conditions += [published < until] if until else []
        return (row for row in self._pages(_ARTICLES, *conditions) if source is None or row.source == source)

    def counts_by_state(self) -> dict[State, int]:
        """Without states that this program does not know: reading such a row is an error."""
        found = self._query(sa.select(_a.state, sa.func.count()).group_by(_a.state))
        return {State(state): count for state, count in found if state in set(State)}

    def documents(self) -> int:
        """How many articles have a file, also those that the site has removed: they have a publish time."""
        return self._count(_ARTICLES, _DATED)

    def documents_by(self, *names: str) -> dict[tuple[Any, ...], tuple[int, datetime]]:
        """For each value of these fields how many documents have it, and the latest publish time of these.

        One pass over all articles, as the next two; by an index it would read each page of the file many times.
        """
        columns, number = [_a[name] for name in names], sa.func.count(_a.published)
        each = sa.select(*columns, number.label("number"), sa.func.max(_a.published).label("published"))
        readers = [(name, _ARTICLES.readers[name]) for name in (*names, "published")]
        found: dict[tuple[Any, ...], tuple[int, datetime]] = {}
        with self._values_named():
            for values in self._query(each.group_by(*columns).having(number > sa.text("0"))):
                *key, newest = (read(values[name]) for name, read in readers)
                found[tuple(key)] = values["number"], newest
        return found

    def documents_by_hour(self) -> dict[datetime, int]:
        """How many were published in each hour, by the publisher's clock."""
        columns = sa.func.substr(_a.published, 1, 16), sa.func.substr(_a.published, 33)  # minutes; the zone
        hours: Counter[datetime] = Counter()
        with self._values_named():
            for minute, zone, number in self._query(
                sa.select(*columns, sa.func.count()).where(_DATED).group_by(*columns)
            ):
                hours[cast("datetime", _read_time(f"{minute}+00:00{zone}")).replace(minute=0)] += number
        return hours

    def documents_with(self, name: str) -> int:
        """How many have something in this field."""
        its_default = _stored(getattr(Row, name))
        return self._number(sa.select(sa.func.count(_a.published)).where(_a[name] != its_default))

    def newest(self, now: datetime) -> Row | None:
        """The archived article that was published last; one with a date far in the future says nothing."""
        statement = _ARTICLES.select().where(_DATED, _a.published < now + timedelta(days=1))
        return self._one(_ARTICLES, statement.order_by(_a.published.desc()).limit(1))

    # runs and lists

    def add_run(self, run: RunRow) -> RunRow:
        """The run under the next free number. Older ones than `KEPT_RUNS` are removed."""
        number = self._number(_RUNS.insert().returning(_r.run), **vars(run))
        self._execute(_RUNS.sql.delete().where(_r.run <= number - KEPT_RUNS))
        return replace(run, run=number)

    def end_run(self, run: RunRow) -> None:
        ended = {name: _given(name) for name in ("ended", "exit_code", "counts")}
        self._execute(_RUNS.sql.update().where(_r.run == run.run).values(ended), **vars(run))

    def last_success(self) -> datetime | None:
        """When the last run with exit code 0 ended, if it is among those that are kept."""
        newest = _RUNS.select().where(_r.exit_code == 0).order_by(_r.run.desc()).limit(1)
        run = self._one(_RUNS, newest)
        return run.ended if run else None

    def last_runs(self, number: int | None) -> list[RunRow]:
        """The newest first; all of them for `None`."""
        return self._rows(_RUNS, _RUNS.select().order_by(_r.run.desc()).limit(number))

    def pull_in(self, now: datetime) -> str:
        """Sets times later than `now` to `now`, after a run whose clock was wrong, so that nothing is put off for good.

        Returns what to say about it. Nothing changes when this clock is behind: most of what was looked at later was
        published later, too. The runs tell whether to look for any.
        """
        future_run = _r.started > now + CLOCKS_DIFFER
        if not self._count(_RUNS, future_run):
            return ""
        seen = [_a.first_seen, _a.archived_at, _a.last_checked, _a.gone_at]
        ahead = sa.or_(*(time > now for time in seen))
        articles = self._count(_ARTICLES, ahead)
        if self._count(_ARTICLES, ahead, _a.published > now) * 2 > articles:
            return "the clock of this machine is behind: most of what was archived last was published after it"
        present = sa.literal(now, sa.Text)
        times = {time.name: sa.case((time > now, present), else_=time) for time in (*seen, _a.next_try)}
        times["next_check"] = sa.case((sa.text("state IN ('archived', 'gone')"), present), else_=_a.next_check)
        put_off = _p.next_try > now + timedelta(days=30)  # no schedule puts off anything for so long
        with self.transaction():
            self._execute(_ARTICLES.sql.update().where(ahead).values(times))
            pictures = self._execute(_PICTURES.sql.update().where(put_off).values(next_try=now)).rowcount
            self._execute(_RUNS.sql.update().where(future_run).values(started=now, ended=now))
        if not articles + pictures:
            return ""
        return (
            f"the ledger had times of {articles + pictures} articles and pictures that have not come yet,"
            " as a run with a wrong clock leaves them: these are looked at again now"
        )

    def list_rows(self, source: str | None = None) -> list[ListRow]:
        """What is known of each list that a run has asked for."""
        return self._rows(_LISTS, _LISTS.select().where(*[_LISTS.sql.c.source == source] if source else []))

    def begin_list(self, source: str, where: str) -> bool:
        """A list is read page by page from here on. Whether it was begun earlier and not finished.

        After a kill between two pages the first page brings nothing new, and the second one still does.
        """
        statement = sqlite.insert(_BEGUN_LISTS).values(source=source, where=where).on_conflict_do_nothing()
        return not self._execute(statement).rowcount

    def finish_list(self, source: str, where: str) -> None:
        """The list was read as far as it was meant to be."""
        self._execute(_BEGUN_LISTS.delete().where(_l.source == source, _l["where"] == where))

    # changes

    def add_change(self, change: ChangeRow) -> None:
        self._execute(_ADD_CHANGE, **vars(change))

    def changes(
        self, *, since: datetime | None = None, until: datetime | None = None, kinds: Collection[ChangeKind] = ()
    ) -> Iterator[ChangeRow]:
        """The newest first, of these kinds or of all, from `since` to before `until`."""
        conditions: list[Any] = [] if not kinds or ChangeKind.NEW in kinds else [_AFTER_THE_FIRST]
        conditions += [_c.time >= since] if since else []
        order = _c.time.desc(), _c.seq.desc()
        earlier = sa.tuple_(_c.time, _c.seq) < sa.tuple_(_given("last_time"), _given("last"))
        statement = _CHANGES.select().where(*conditions, earlier).order_by(*order).limit(_BATCH)
        last: tuple[Any, int] = until or "~", 0  # after every time
        while found := self._query(statement, last_time=last[0], last=last[1]):
            yield from (it for it in self._read(_CHANGES, found) if not kinds or it.kind in kinds)
            last = found[-1]["time"], found[-1]["seq"]

    def every_change(self) -> Iterator[ChangeRow]:
        """The oldest first; none for a ledger of a former version."""
        return self._pages(_CHANGES) if self.version >= _FIRST_WITH_CHANGES else iter(())

    def change_facts(self) -> Iterator[ChangeFacts]:
        """Of every change, the newest first, in one pass over all of them."""
        columns = [_a.published, *(_c[name] for name in _CHANGE_FACTS.readers if name != "published")]
        same = sa.and_(_a.source == _c.source, _a.article_id == _c.article_id)
        with_articles = _CHANGES.sql.outerjoin(_ARTICLES.sql, same)
        return self._newest_first(_CHANGE_FACTS, sa.select(_c.seq, *columns).select_from(with_articles), _c.seq)

    def changes_of(self, source: str, article_id: str) -> list[ChangeRow]:
        """Those of one article, in the order in which the archive learned of them."""
        its = _CHANGES.select().where(_c.source == source, _c.article_id == article_id)
        return self._rows(_CHANGES, its.order_by(_c.seq))

    # pictures

    def pictures_of(self, source: str, article_id: str) -> list[PictureRow]:
        """The pictures of one article in the order in which they were first tried."""
        return self._rows(_PICTURES, _PICTURES_OF, source=source, article_id=article_id)

    def stored_pictures(self, url: str) -> list[PictureRow]:
        """The rows of a stored picture, which several articles may have."""
        return self._rows(_PICTURES, _STORED_PICTURES, url=url)

    def articles_without_pictures(self, source: str) -> Iterator[Row]:
        """Archived articles whose pictures were never looked at, the oldest first."""
        return self._pages(_ARTICLES, _a.source == source, _WITHOUT_PICTURES)

    def due_pictures(self, source: str, now: datetime, max_tries: int) -> Iterator[PictureRow]:
        """Failed pictures whose next try has come, the oldest first."""
        return self._pages(_PICTURES, _p.source == source, _FAILED, _p.attempts < max_tries, _p.next_try <= now)

    def exhausted_pictures(self, max_tries: int) -> int:
        """How many pictures are not tried any more."""
        return self._count(_PICTURES, _FAILED, _p.attempts >= max_tries)

    def pictures(self) -> Iterator[PictureRow]:
        """Every picture, without those that come meanwhile."""
        return self._pages(_PICTURES)

    # the file

    def check(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty when it is intact."""
        return [line for (line,) in self._query(sa.text("PRAGMA integrity_check")) if line != "ok"]

    def compact(self) -> None:
        """Everything is in the one file afterwards, which can then be moved."""
        self._query(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))

    # statements

    def _execute(self, statement: sa.ClauseElement, **values: Any) -> sqlite3.Cursor:
        sql, constants = _written(statement)
        with errors_named(self.path):
            return self._raw.execute(sql, {name: _stored(value) for name, value in (constants | values).items()})

    def _query(self, statement: sa.ClauseElement, **values: Any) -> list[Any]:
        with errors_named(self.path):
            return self._execute(statement, **values).fetchall()

    def _number(self, statement: sa.ClauseElement, **values: Any) -> int:
        """The one number that the statement asks for; 0 when there is none."""
        found = self._query(statement, **values)
        return int(found[0][0] or 0) if found else 0

    def _count(self, table: _Table[Any], *conditions: Any) -> int:
        return self._number(sa.select(sa.func.count()).select_from(table.sql).where(*conditions))

    def _rows(self, table: _Table[R], statement: sa.ClauseElement, **values: Any) -> list[R]:
        return list(self._read(table, self._query(statement, **values)))

    def _one(self, table: _Table[R], statement: sa.ClauseElement, **values: Any) -> R | None:
        return next(iter(self._rows(table, statement, **values)), None)

    def _pages(self, table: _Table[R], *conditions: Any) -> Iterator[R]:
        """Rows as they came, without those that come meanwhile; in batches, because they may be written meanwhile."""
        seq, last = table.sql.c.seq, 0
        newest = self._number(sa.select(sa.func.max(seq)))
        statement = table.select().where(*conditions, seq > _given("last"), seq <= newest).order_by(seq)
        statement = statement.limit(_BATCH)
        while found := self._query(statement, last=last):
            yield from self._read(table, found)
            last = found[-1]["seq"]

    def _newest_first(self, view: _View[R], statement: sa.Select[Any], seq: sa.Column[Any]) -> Iterator[R]:
        """All that the statement finds, in batches, without what comes meanwhile."""
        last = self._number(sa.select(sa.func.max(seq))) + 1
        statement = statement.where(seq < _given("last")).order_by(seq.desc()).limit(_BATCH)
        while found := self._query(statement, last=last):
            yield from self._read(view, found)
            last = found[-1]["seq"]

    @contextmanager
    def _values_named(self) -> Iterator[None]:
        """Values of articles are read, of many together."""
        try:
            yield
        except (ValueError, TypeError, OverflowError) as error:  # what nothing in this program has written
            raise _broken(self.path, f"values among the articles: {error}") from error

    def _read(self, table: _View[R], found: Sequence[Any]) -> Iterator[R]:
        names = found[0].keys() if found else []
        readers = [(name, table.readers[name]) for name in names if name in table.readers]
        for values in found:
            try:
                row = table.row(**{name: read(values[name]) for name, read in readers})
            except (ValueError, TypeError, OverflowError) as error:  # what nothing in this program has written
                key = " ".join(str(values[name]) for name in table.keys)
                broken = _broken(self.path, f"row of {key} among the {table.name}: {error}")
                if self._on_broken is None:
                    raise broken from error
                self._on_broken(broken)
            else:
                yield row


def _seen(
    row: Row, state: State, published: datetime | None, *, now: datetime, next_check: datetime | None
) -> dict[str, Any]:
    """What changes when the site has answered for certain; `published` is the page's."""
    return {
        "state": state, "attempts": 0, "next_try": None, "last_checked": now, "next_check": next_check,
        "gone_at": None, "reason": "", "false_announcements": row.false_announcements_after(published),
    }  # fmt: skip


# the file of SQLite

_PROBLEMS = {  # errors that are not the disk's fault, each with an errno whose advice fits
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "the ledger cannot be opened"),
    sqlite3.SQLITE_READONLY: (errno.EACCES, "the ledger can only be read"),
}
_VERSION = 6  # 3 is that of the first published program
_FIRST_WITH_CHANGES = 6
_KNOWN_CHANGES = """
    INSERT INTO changes (source, article_id, kind, time, title, path, previous, changed, added, removed, difference)
    SELECT source, article_id, kind, time, '', path, '', '[]', 0, 0, '[]' FROM (
        SELECT articles.*, 'new' AS kind, CASE revision WHEN 1 THEN archived_at ELSE first_seen END AS time
        FROM articles UNION ALL SELECT articles.*, 'edited', archived_at FROM articles WHERE revision > 1
        UNION ALL SELECT articles.*, 'removed', gone_at FROM articles WHERE state = 'gone'
    ) AS known WHERE path <> '' AND time IS NOT NULL ORDER BY time, seq
"""
"""What the rows of a former version say about changes; only the last edit of an article has a time."""
READING = "-reading"  # end of the name of the file beside the ledger that says which page is being read


def ledger_files(path: Path) -> list[Path]:
    """The ledger, then the files that SQLite may have beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in BESIDE)]


def is_begun(path: Path) -> bool:
    """Whether there is a ledger, even a broken one. A kill may leave an empty file, or a database without tables."""
    if not os.path.lexists(path) or (is_file(path) and path.stat().st_size == 0):
        return False
    try:
        with closing(_open(path, read_only=True)) as raw:
            return bool(raw.execute("SELECT 1 FROM sqlite_master WHERE name IN ('articles', 'runs')").fetchone())
    except (LedgerBroken, OSError, sqlite3.Error):
        return True


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    try:
        for file in ledger_files(path):
            check_regular(file)
    except OSError as error:
        raise _broken(path, f"{error.filename}: {error.strerror}") from error
    mode = "ro" if read_only else "rwc"
    may_write = os.access(path.parent, os.W_OK, effective_ids=True)
    wal = path.with_name(f"{path.name}-wal")
    if read_only and not (wal.exists() and wal.stat().st_size) and (not may_write or is_full(path.parent)):
        mode = "ro&immutable=1"  # SQLite would create files beside a WAL ledger even to read it, and cannot
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)


def _make_tables(raw: sqlite3.Connection, version: int) -> None:
    """Of version 0, a new file; or from a former version."""
    raw.execute("BEGIN IMMEDIATE")
    if version:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''").fetchall():
            raw.execute(f'DROP INDEX "{name}"')
    if version == 3:  # its `published` was in the publisher's zone
        raw.execute("ALTER TABLE walks RENAME TO begun_lists")
        raw.execute(
            "UPDATE articles SET published = coalesce(strftime('%Y-%m-%dT%H:%M:%f000+00:00', published)"
            " || ' ' || substr(published, 27), published) WHERE published NOT LIKE '%+00:00'"
        )
    if 0 < version < 5:
        raw.execute("ALTER TABLE articles ADD COLUMN pictures_tried BOOLEAN NOT NULL DEFAULT FALSE")
        raw.execute(
            "UPDATE articles SET pictures_tried = TRUE WHERE (source, article_id) IN"
            " (SELECT source, article_id FROM pictures)"
        )
        raw.execute("DELETE FROM pictures WHERE url = ''")  # of articles without any
    if version:
        for column in ("title", "publisher", "channels", "site_tags"):
            default = "[]" if column in ("channels", "site_tags") else ""
            raw.execute(f"ALTER TABLE articles ADD COLUMN {column} TEXT NOT NULL DEFAULT '{default}'")
        raw.execute("ALTER TABLE articles ADD COLUMN edited TEXT")
    tables = [CreateTable(table) for table in _METADATA.sorted_tables if not version or table is _CHANGES.sql]
    indexes = [CreateIndex(index) for table in _METADATA.sorted_tables for index in table.indexes]
    for statement in tables + indexes:
        raw.execute(str(statement.compile(dialect=_DIALECT)))
    if version:
        raw.execute(_KNOWN_CHANGES)
    raw.execute(f"PRAGMA user_version = {_VERSION}")
    raw.execute("COMMIT")


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Adds the path to SQLite's errors, and distinguishes a broken ledger from a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(path, error) from error


def _named(path: Path, error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.DatabaseError):
        return error
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # Python's own errors have none
    # with no room for the files beside the ledger, SQLite raises one of the others
    may_be_full = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if code == sqlite3.SQLITE_FULL or (may_be_full and is_full(path.parent)):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    is_other_schema = code == sqlite3.SQLITE_ERROR and ("no such" in str(error) or "already exists" in str(error))
    if not isinstance(error, sqlite3.OperationalError) or code == sqlite3.SQLITE_CORRUPT or is_other_schema:
        return _broken(path, error)
    number, what = _PROBLEMS.get(code, (errno.EIO, "the ledger cannot be read or written"))
    return OSError(number, f"{what} ({error})", str(path))


def _broken(path: Path, error: BaseException | str) -> LedgerBroken:
    return LedgerBroken(
        f"the ledger {path} cannot be read ({error}): `scrapy rebuild` makes a new one"
        " from the Markdown files and keeps this one aside"
    )
