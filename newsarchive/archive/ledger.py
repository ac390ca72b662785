"""What is known about every article, picture, list and run: one SQLite file unless something else is configured.

The fields of the dataclasses are the columns of the tables. Statements are SQLAlchemy Core and use nothing that
PostgreSQL does not have; only opening the file is SQLite's own. Each statement finds its rows by an index, so that
none slows down as the archive grows.

Every method that writes has committed when it returns; `transaction` makes one commit of many. So a kill at any
moment leaves a consistent ledger that at most does not know of the last download.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import Field, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import NoneType, TracebackType
from typing import Any, Generic, Self, TypeVar, get_args, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool

from newsarchive.archive.files import BESIDE, check_regular, is_file, is_full
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article
from newsarchive.messages import printable

R = TypeVar("R")
OnBroken = Callable[[LedgerBroken], object]
"""What is called for a row that cannot be read, which is skipped then."""

KEPT_RUNS = 2_000
"""So many of the last runs are kept, for the alarms; of those before, the last one of each day."""
A_MINUTE = timedelta(minutes=1)  # some pages give their publish time without seconds
INTERRUPTED = "the program ended while it read the page: by force, or for want of memory or time"
PAST_TIMES = ("first_seen", "archived_at", "last_checked", "gone_at")
"""Fields of an article's row with a time at which something was done."""
_BATCH = 200  # rows
_LONGEST = 10_000  # characters of a text
_EARLIEST = datetime.min.replace(tzinfo=UTC)


# types of columns


@dataclass(frozen=True)
class _Unreadable:
    """In place of a value that nothing in this program has written."""

    stored: Any
    error: Exception


class _Line(sa.TypeDecorator[str]):
    """Text in one line and of limited length, without control characters and lone surrogates."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else printable(value, _LONGEST)


class _Written(sa.TypeDecorator[Any]):
    """A value that is stored as the text that `write` makes of it."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.write = write
        self.read = read

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        if isinstance(value, _Unreadable):
            return value.stored
        return None if value is None else self.write(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        try:
            return None if value is None else self.read(value)
        except (ValueError, TypeError, OverflowError) as error:
            return _Unreadable(value, error)


def _in_utc(time: datetime) -> str:
    """In one width, so that the database can compare. Raises `ValueError` for a time without zone."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    try:
        time = time.astimezone(UTC)
    except OverflowError:  # in the first hours of the year 1 or the last ones of 9999
        time = time.replace(tzinfo=UTC)
    return time.isoformat(timespec="microseconds")


def _with_zone(time: datetime) -> str:
    """In UTC, followed by the publisher's zone.

    >>> _with_zone(datetime.fromisoformat("2026-11-01T19:00:00+08:00"))
    '2026-11-01T11:00:00.000000+00:00 +08:00'
    """
    zone = time.isoformat(timespec="microseconds")[26:]
    return _in_utc(time) if zone == "+00:00" else f"{_in_utc(time)} {zone}"


def _read_time(stored: str) -> datetime:
    utc, _, zone = stored.partition(" ")
    time = datetime.fromisoformat(utc)
    if time.tzinfo is None:
        raise ValueError(f"{stored} has no time zone")
    return time.astimezone(datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo) if zone else time


def _write_counts(counts: dict[str, Any]) -> str:
    return json.dumps(counts, ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace").decode()


_TIME = _Written(_in_utc, _read_time)
_TIME_AND_ZONE = _Written(_with_zone, _read_time)


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
    published: datetime | None = field(default=None, metadata={"type": _TIME_AND_ZONE})
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
    counts: dict[str, int | float | str] = field(
        default_factory=dict, metadata={"type": _Written(_write_counts, lambda stored: dict(json.loads(stored)))}
    )


# tables


_METADATA = sa.MetaData()
_TYPES: dict[Any, Any] = {
    str: _Line,
    int: sa.Integer,
    bool: sa.Boolean,
    datetime: _TIME,
    State: _Written(str, State),
}


def _column(each: Field[Any], hint: Any) -> sa.Column[Any]:
    kinds = get_args(hint) or (hint,)
    return sa.Column(each.name, each.metadata.get("type") or _TYPES[kinds[0]], nullable=NoneType in kinds)


class _Table(Generic[R]):
    """A table whose columns are the fields of `row`. Its `keys` name a row; `seq` numbers rows as they come."""

    def __init__(self, name: str, row: type[R], *keys: str, numbered: bool = False) -> None:
        self.row = row
        self.keys = keys
        self.names = [each.name for each in fields(row)]  # type: ignore[arg-type]
        hints = get_type_hints(row)
        columns: list[Any] = [_column(each, hints[each.name]) for each in fields(row)]  # type: ignore[arg-type]
        if numbered:
            columns = [sa.Column("seq", sa.Integer, primary_key=True), *columns, sa.UniqueConstraint(*keys)]
        else:
            columns.append(sa.PrimaryKeyConstraint(*keys))
        self.sql = sa.Table(name, _METADATA, *columns, sqlite_autoincrement=keys == ("run",))
        self.c = self.sql.c

    def select(self, *conditions: Any, first: tuple[Any, ...] = ()) -> sa.Select[Any]:
        return sa.select(*first, *(self.c[name] for name in self.names)).where(*conditions)

    def get(self) -> sa.Select[Any]:
        return self.select(*(self.c[name] == sa.bindparam(name) for name in self.keys))

    def index(self, *columns: str, where: sa.TextClause | None = None) -> None:
        name = f"{self.sql.name}_by_{'_'.join(columns)}"
        sa.Index(name, *(self.c[column] for column in columns), sqlite_where=where, postgresql_where=where)


_ARTICLES = _Table("articles", Row, "source", "article_id", numbered=True)
_ARTICLES.sql.append_column(sa.Column("latest", _TIME))  # of the PAST_TIMES
_PICTURES = _Table("pictures", PictureRow, "source", "article_id", "url", numbered=True)
_LISTS = _Table("lists", ListRow, "source", "where")
_RUNS = _Table("runs", RunRow, "run")
_BEGUN_LISTS = sa.Table("begun_lists", _METADATA, *(sa.Column(it, _Line, primary_key=True) for it in _LISTS.keys))
_READINGS = sa.Table(
    "readings", _METADATA, sa.Column("page", _Line, primary_key=True), sa.Column("times", sa.Integer, nullable=False)
)

# Texts, because SQLite uses a partial index only for a statement with the same literals. Where it has the choice, it
# searches by state or source before a range, though nearly all rows have the same: Python filters by those.
_UNFINISHED = sa.text("state IN ('found', 'failed', 'quarantined')")
_FAILED = sa.text("state = 'failed'")
_DATED = sa.text("published IS NOT NULL")
_HASHED = sa.text("hash <> ''")
_PUT_OFF = sa.text("next_try IS NOT NULL")
_TO_CHECK = sa.text("next_check IS NOT NULL")
_TRIED_AGAIN = sa.text("attempts > 1")  # so that the first reading of a page does not change the index

_ARTICLES.index("state")
_ARTICLES.index("latest")
_ARTICLES.index("published", where=_DATED)
_ARTICLES.index("source", "seq", where=_UNFINISHED)
_ARTICLES.index("attempts", "seq", where=_TRIED_AGAIN)
_ARTICLES.index("next_try", where=_PUT_OFF)
_ARTICLES.index("next_check", "seq", where=_TO_CHECK)
_PICTURES.index("source", "seq", where=_FAILED)
_PICTURES.index("attempts", where=_FAILED)
_PICTURES.index("next_try", where=_FAILED)
_PICTURES.index("url")
_PICTURES.index("hash", where=_HASHED)

_a, _p, _r = _ARTICLES.c, _PICTURES.c, _RUNS.c
_GET = _ARTICLES.get()
_UPDATE = (
    _ARTICLES.sql.update()
    .where(_a.source == sa.bindparam("of_source"))
    .where(_a.article_id == sa.bindparam("of_article_id"))
)
_GET_PICTURE = _PICTURES.get()
_GET_READING = sa.select(_READINGS.c.times).where(_READINGS.c.page == sa.bindparam("page"))
_END_READING = _READINGS.delete().where(_READINGS.c.page == sa.bindparam("page"))


# the ledger


class _Database:
    """A connection: names errors, reads rows, and decides what a row is that cannot be read."""

    def __init__(self, path: Path, connection: sa.Connection, on_broken: OnBroken | None) -> None:
        self.path = path
        self.connection = connection
        self.raw: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
        self._on_broken = on_broken

    def insert(self, table: sa.Table) -> Any:
        """An `INSERT` with `on_conflict_do_update`, which each dialect has for itself."""
        return (postgresql if self.connection.dialect.name == "postgresql" else sqlite).insert(table)

    def upsert(self, table: _Table[Any], *others: str, **special: Any) -> Any:
        """Inserts a row, or replaces that with the same key; `special` are additions to what is there."""
        statement = self.insert(table.sql)
        changed = {it: statement.excluded[it] for it in (*table.names, *others) if it not in table.keys}
        return statement.on_conflict_do_update(index_elements=table.keys, set_=changed | special)

    def write(self, statement: sa.Executable, **values: Any) -> int:
        """How many rows were written."""
        with errors_named(self.path):
            return self.connection.execute(statement, values).rowcount

    def query(self, statement: sa.Executable, **values: Any) -> Sequence[Sequence[Any]]:
        with errors_named(self.path):
            return self.connection.execute(statement, values).fetchall()

    def command(self, sql: str) -> list[tuple[Any, ...]]:
        with errors_named(self.path):
            return self.raw.execute(sql).fetchall()

    def rows(self, table: _Table[R], statement: sa.Executable, **values: Any) -> list[R]:
        found = (self._read(table, each) for each in self.query(statement, **values))
        return [row for row in found if row is not None]

    def one(self, table: _Table[R], statement: sa.Executable, **values: Any) -> R | None:
        return next(iter(self.rows(table, statement, **values)), None)

    def until_now(self, table: _Table[Any]) -> sa.ColumnElement[bool]:
        """A condition that leaves out rows that come from now on."""
        return table.c.seq <= (self.query(sa.select(sa.func.max(table.c.seq)))[0][0] or 0)  # type: ignore[no-any-return]

    def pages(self, table: _Table[R], *conditions: Any, by: dict[str, Any]) -> Iterator[R]:
        """Rows by batches, because they may be written while others wait to be read; ordered `by` these columns.

        Each batch begins behind the last row of the one before, so that no batch costs more than the first.
        """
        columns = tuple(table.c[name] for name in by)
        last = [sa.bindparam(f"last_{name}", type_=table.c[name].type) for name in by]
        is_next = sa.tuple_(*columns) > sa.tuple_(*last) if len(by) > 1 else columns[0] > last[0]
        statement = table.select(*conditions, is_next, first=columns).order_by(*columns).limit(_BATCH)
        values = list(by.values())
        while found := self.query(statement, **{f"last_{name}": it for name, it in zip(by, values, strict=True)}):
            for each in found:
                row = self._read(table, each[len(by) :])
                if row is not None:
                    yield row
            values = list(found[-1][: len(by)])

    def _read(self, table: _Table[R], values: Sequence[Any]) -> R | None:
        for value in values:
            if type(value) is _Unreadable:
                key = " ".join(str(it) for it, name in zip(values, table.names, strict=True) if name in table.keys)
                self.report(f"row of {key} among the {table.sql.name}", value)
                return None
        return table.row(**dict(zip(table.names, values, strict=True)))

    def report(self, what: str, value: _Unreadable) -> None:
        broken = LedgerBroken(
            f"the ledger's {what} cannot be read ({value.error}): `scrapy rebuild` makes"
            " a new ledger from the Markdown files and keeps this one aside"
        )
        if self._on_broken is None:
            raise broken from value.error
        self._on_broken(broken)


class Ledger:
    """Opened with `Ledger.open`; whoever opens it closes it. Not for use from several threads.

    What changes an article's row takes the row as it is known, reads nothing, and returns the row as it is then.
    It raises `KeyError` when there is no such row.
    """

    def __init__(self, path: Path, connection: sa.Connection, on_broken: OnBroken | None) -> None:
        self.path = path
        self._database = _Database(path, connection, on_broken)
        self._put = self._database.upsert(_ARTICLES, "latest")
        self._begin_reading = self._database.insert(_READINGS).on_conflict_do_update(
            index_elements=["page"], set_={"times": _READINGS.c.times + 1}
        )
        self._announced: set[tuple[str, str]] = set()
        self.pictures = PictureRows(self._database)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, on_broken: OnBroken | None = None) -> Self:
        """Creates the ledger unless it is there or `read_only`. Raises `LedgerBroken`.

        A row that cannot be read raises it too, unless there is `on_broken`, as for a rebuild: it takes what it can
        read, also from a ledger of the former version.
        """
        with errors_named(path):
            connection = _connect(path, read_only=read_only, any_version=on_broken is not None)
        return cls(path, connection, on_broken)

    def close(self) -> None:
        with errors_named(self.path):
            self._database.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One commit for all that the block writes: a list of twenty entries costs one sync of the disk."""
        command = self._database.command
        command("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.raw.in_transaction:  # SQLite ends it by itself when the disk is full
                command("ROLLBACK")
            raise
        command("COMMIT")

    # articles: what a run does

    def found(
        self,
        source: str,
        article_id: str,
        *,
        url: str,
        where: str = "",
        thumbnail: str = "",
        entry: str = "",
        now: datetime,
    ) -> tuple[Row, bool]:
        """The article's row, and whether it is new. The first list picture stays: another one is no edit."""
        known = self.get(source, article_id)
        if known is None:
            row = Row(
                source=source, article_id=article_id, url=url, where=where,
                thumbnail=thumbnail, entry=entry, first_seen=now,
            )  # fmt: skip
            self.put(row)
            return row, True
        if thumbnail and not known.thumbnail and not known.path:
            known = self._update(known, thumbnail=thumbnail, entry=entry)
        return known, False

    def archived(
        self,
        row: Row | None,
        article: Article,
        *,
        path: str,
        content_hash: str,
        file_hash: str,
        revision: int,
        etag: str = "",
        last_modified: str = "",
        next_check: datetime | None,
        now: datetime,
        from_site: bool = True,
    ) -> Row:
        """The file exists: always the last step of storing an article.

        What is known about the site stays when an archived article came `from_site` no more.
        """
        if row is None:
            row = Row(source=article.source, article_id=article.article_id, url=article.url, first_seen=now)
            self.put(row)
        changes: dict[str, Any] = {
            "published": article.published, "archived_at": now, "content_hash": content_hash, "file_hash": file_hash,
            "revision": revision, "family": article.family, "path": path,
            "etag": etag, "last_modified": last_modified,  # of the page that this document is made of
        }  # fmt: skip
        if from_site or not row.path:
            changes |= _seen(row, State.ARCHIVED, article.published, now=now, next_check=next_check)
            changes["url"] = article.url
        if row.awaits_edition(row.published) and not row.awaits_edition(article.published):
            changes |= {"thumbnail": row.announced_thumbnail, "entry": row.announced_entry}
        return self._update(row, **changes)

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
        self._announced.add((row.source, row.article_id))
        return self._update(row, **changes)

    def checked(
        self,
        row: Row,
        *,
        now: datetime,
        next_check: datetime | None,
        content_hash: str = "",
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Row:
        """The site has the article as it is on disk; one that was removed is back."""
        changes = _seen(row, State.ARCHIVED, row.published, now=now, next_check=next_check)
        if content_hash:
            changes["content_hash"] = content_hash
        if etag is not None:
            changes["etag"] = etag
        if last_modified is not None:
            changes["last_modified"] = last_modified
        return self._update(row, **changes)

    def gone(self, row: Row, *, now: datetime, next_check: datetime | None = None) -> Row:
        """The site has removed it. The time of the first notice stays; `next_check` sees it come back."""
        changes = _seen(row, State.GONE, row.published, now=now, next_check=next_check)
        return self._update(row, **changes | {"gone_at": row.gone_at or now})

    def failed(self, row: Row, *, reason: str, now: datetime, next_try: datetime | None) -> Row:
        """No page came. What is archived stays archived and its re-check is put off."""
        return self._unsuccessful(row, State.FAILED, reason=reason, now=now, next_try=next_try)

    def quarantined(self, row: Row, *, reason: str, now: datetime, next_try: datetime | None) -> Row:
        """A page came that is no whole article. What is archived stays archived and its re-check is put off."""
        return self._unsuccessful(row, State.QUARANTINED, reason=reason, now=now, next_try=next_try)

    def preserved(self, row: Row, *, file: str, offset: int) -> Row:
        """The page as it came is in this WARC file."""
        return self._update(row, warc_file=file, warc_offset=offset)

    def relinked(self, row: Row, *, file_hash: str) -> Row:
        """The file names other pictures; its text is the same, so it is no revision."""
        return self._update(row, file_hash=file_hash)

    def set_content_hash(self, row: Row, *, content_hash: str) -> Row:
        """The hash of the reference rendering, which a rebuild could not know; nothing new of the site."""
        return self._update(row, content_hash=content_hash)

    def put(self, row: Row) -> None:
        """Inserts the row, or replaces that of the same article."""
        self._database.write(self._put, **vars(row), latest=_latest(row))

    # pages that end the process while they are read: what is counted before stays then

    @contextmanager
    def reading(self, row: Row, *, now: datetime, again: datetime | None) -> Iterator[None]:
        """A try that is counted, and the next one put off until `again`, for as long as the article's page is read."""
        when = row.next_look
        before = {name: getattr(row, name) for name in ("attempts", "reason", "last_checked", when)}
        tried = {"attempts": row.attempts + 1, "reason": INTERRUPTED, "last_checked": now, when: again}
        with self._marked(lambda: self._update(row, **tried), lambda: self._update(row, **before)):
            yield

    @contextmanager
    def reading_saved(self, page: str) -> Iterator[None]:
        """The same for a saved page, wherever it is."""
        write = self._database.write
        with self._marked(
            lambda: write(self._begin_reading, page=page, times=1), lambda: write(_END_READING, page=page)
        ):
            yield

    def interrupted_readings(self, page: str) -> int:
        """How often in a row the process has ended while it read this saved page."""
        found = self._database.query(_GET_READING, page=page)
        return int(found[0][0]) if found else 0

    @contextmanager
    def _marked(self, mark: Callable[[], object], undo: Callable[[], object]) -> Iterator[None]:
        self._without_sync(mark)
        try:
            yield
        except MemoryError:  # another time it may end the process
            raise
        except BaseException:
            self._without_sync(undo)
            raise
        self._without_sync(undo)

    def _without_sync(self, write: Callable[[], object]) -> None:
        """What is committed here outlasts the end of this process, and a power cut only with the next commit."""
        self._database.command("PRAGMA synchronous = NORMAL")
        try:
            write()
        finally:
            self._database.command("PRAGMA synchronous = FULL")

    # articles: what a run asks

    def get(self, source: str, article_id: str) -> Row | None:
        return self._database.one(_ARTICLES, _GET, source=source, article_id=article_id)

    def current(self, row: Row) -> Row:
        """The row as it is now: while its page is on its way, a list may announce another edition."""
        is_announced = (row.source, row.article_id) in self._announced
        return (is_announced and self.get(row.source, row.article_id)) or row

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[Row]:
        """Unfinished articles whose time has come, the oldest first; without those that this run finds."""
        known = self._database.until_now(_ARTICLES)
        is_due = sa.or_(_a.next_try.is_(None), _a.next_try <= now)
        conditions = (_a.source == source, _UNFINISHED, _a.attempts < max_tries, is_due, known)
        return self._database.pages(_ARTICLES, *conditions, by={"seq": 0})

    def exhausted(self, max_tries: int) -> list[Row]:
        """Unfinished articles of all sources that are not tried any more."""
        statement = _ARTICLES.select(_TRIED_AGAIN if max_tries > 1 else _UNFINISHED, _a.attempts >= max_tries)
        found = self._database.rows(_ARTICLES, statement.order_by(_a.attempts, _a.seq))
        return [row for row in found if row.next_look == "next_try"]

    def rechecks(self, source: str, now: datetime) -> Iterator[Row]:
        """Articles, archived or gone, whose next look has come; first those that have waited longest."""
        found = self._database.pages(_ARTICLES, _a.next_check <= now, by={"next_check": _EARLIEST, "seq": 0})
        return (row for row in found if row.source == source and row.next_look == "next_check")

    def rows(self, source: str | None = None) -> Iterator[Row]:
        """Every article in the order of its finding, without those that are found meanwhile."""
        found = self._database.pages(_ARTICLES, self._database.until_now(_ARTICLES), by={"seq": 0})
        return (row for row in found if source is None or row.source == source)

    def rows_after(self, past: datetime, next_try: datetime, next_check: datetime) -> list[Row]:
        """Articles with a time of the past that is after `past`, or a next look after those."""
        condition = sa.or_(_a.latest > past, _a.next_try > next_try, _a.next_check > next_check)
        return self._database.rows(_ARTICLES, _ARTICLES.select(condition))

    def counts_by_state(self) -> dict[State, int]:
        counts: dict[State, int] = {}
        for state, count in self._database.query(sa.select(_a.state, sa.func.count()).group_by(_a.state)):
            if isinstance(state, _Unreadable):
                self._database.report(f"state of {count} articles", state)
            else:
                counts[state] = count
        return counts

    def documents(self) -> int:
        """How many articles have a file, also those that the site has removed: they have a publish time."""
        return int(self._database.query(sa.select(sa.func.count()).select_from(_ARTICLES.sql).where(_DATED))[0][0])

    def newest(self, now: datetime) -> Row | None:
        """The archived article that was published last; one with a date far in the future says nothing."""
        statement = _ARTICLES.select(_DATED, _a.published < now + timedelta(days=1))
        return self._database.one(_ARTICLES, statement.order_by(_a.published.desc()).limit(1))

    # runs and lists

    def begin_run(self, now: datetime, pid: int, arguments: str) -> int:
        """The number of the run. Old runs are thinned out: see `KEPT_RUNS`."""
        run = self._insert_run(started=now, pid=pid, arguments=arguments, counts={})
        is_old = _r.run <= run - KEPT_RUNS
        day = sa.func.substr(_r.started, 1, len("2026-11-01"))
        last_of_each_day = sa.select(sa.func.max(_r.run)).where(is_old).group_by(day)
        self._database.write(_RUNS.sql.delete().where(is_old, _r.run.not_in(last_of_each_day)))
        return run

    def end_run(self, run: int, *, now: datetime, exit_code: int, counts: dict[str, int | float | str]) -> None:
        statement = _RUNS.sql.update().where(_r.run == run)
        self._database.write(statement, ended=now, exit_code=exit_code, counts=counts)

    def put_run(self, run: RunRow) -> None:
        """A run of a former ledger, under the next free number."""
        self._insert_run(**{name: value for name, value in vars(run).items() if name != "run"})

    def last_runs(self, number: int | None) -> list[RunRow]:
        """The newest first; all of them for `None`."""
        return self._database.rows(_RUNS, _RUNS.select().order_by(_r.run.desc()).limit(number))

    def list_rows(self, source: str | None = None) -> list[ListRow]:
        """What is known of each list that a run has asked for."""
        return self._database.rows(_LISTS, _LISTS.select(*[_LISTS.c.source == source] if source else []))

    def put_list(self, row: ListRow) -> None:
        """Inserts the row, or replaces that of the same list."""
        self._database.write(self._database.upsert(_LISTS), **vars(row))

    def begin_list(self, source: str, where: str) -> bool:
        """A list is read page by page from here on. Whether it was begun earlier and not finished.

        After a kill between two pages the first page brings nothing new, and the second one still does.
        """
        statement = self._database.insert(_BEGUN_LISTS).on_conflict_do_nothing()
        return not self._database.write(statement, source=source, where=where)

    def finish_list(self, source: str, where: str) -> None:
        """The list was read as far as it was meant to be."""
        lists = _BEGUN_LISTS.c
        self._database.write(_BEGUN_LISTS.delete().where(lists.source == source, lists["where"] == where))

    # the file

    def check(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty when it is intact."""
        found = [line for (line,) in self._database.command("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def compact(self) -> None:
        """Everything is in the one file afterwards, which can then be moved."""
        self._database.command("PRAGMA wal_checkpoint(TRUNCATE)")

    def _unsuccessful(self, row: Row, state: State, *, reason: str, now: datetime, next_try: datetime | None) -> Row:
        when: dict[str, Any] = {"next_check": next_try} if row.path else {"next_try": next_try, "state": state}
        return self._update(row, attempts=row.attempts + 1, reason=reason, last_checked=now, **when)

    def _update(self, row: Row, **changes: Any) -> Row:
        changed = Row(**{**vars(row), **changes})
        if not changes.keys().isdisjoint(PAST_TIMES):
            changes["latest"] = _latest(changed)
        if self._database.write(_UPDATE, of_source=row.source, of_article_id=row.article_id, **changes) != 1:
            raise KeyError(f"the ledger has no article {row.article_id} of {row.source}")
        return changed

    def _insert_run(self, **values: Any) -> int:
        with errors_named(self.path):
            done = self._database.connection.execute(_RUNS.sql.insert(), values)
        return int(done.inserted_primary_key[0])  # type: ignore[index]


def _seen(
    row: Row, state: State, published: datetime | None, *, now: datetime, next_check: datetime | None
) -> dict[str, Any]:
    """What changes when the site has answered for certain; `published` is the page's."""
    return {
        "state": state, "attempts": 0, "next_try": None, "last_checked": now, "next_check": next_check,
        "gone_at": None, "reason": "", "false_announcements": row.false_announcements_after(published),
    }  # fmt: skip


def _latest(row: Row) -> datetime:
    times: list[datetime | None] = [getattr(row, name) for name in PAST_TIMES]
    return max(filter(None, times))


class PictureRows:
    """Part of a `Ledger`: which pictures were fetched, which are to be tried again."""

    def __init__(self, database: _Database) -> None:
        self._database = database
        self._put = database.upsert(_PICTURES)
        self._put_tried = database.upsert(
            _PICTURES, attempts=_p.attempts + database.insert(_PICTURES.sql).excluded.attempts
        )

    def get(self, source: str, article_id: str, url: str) -> PictureRow | None:
        return self._database.one(_PICTURES, _GET_PICTURE, source=source, article_id=article_id, url=url)

    def of(self, source: str, article_id: str) -> list[PictureRow]:
        """The pictures of one article in the order in which they were first tried."""
        statement = _PICTURES.select(_p.source == source, _p.article_id == article_id)
        return self._database.rows(_PICTURES, statement.order_by(_p.seq))

    def find_stored(self, *, url: str = "", hash: str = "") -> PictureRow | None:  # noqa: A002
        """A stored picture of any article, by its URL or by its bytes."""
        same = _p.url == url if url else _p.hash == hash
        statement = _PICTURES.select(same, _HASHED, _p.state == State.ARCHIVED)
        return self._database.one(_PICTURES, statement.limit(1))

    def articles_without(self, source: str, limit: int, exists: Callable[[str], bool]) -> list[str]:
        """Ids of archived articles whose pictures were never looked at, the last found first.

        `exists` says whether the document at a path is there: a lost one does not count towards `limit`.
        """
        pictures = sa.exists().where(_p.source == _a.source, _p.article_id == _a.article_id)
        statement = sa.select(_a.seq, _a.source, _a.article_id, _a.path).where(_a.path != "", ~pictures)
        statement = statement.order_by(_a.seq.desc()).limit(_BATCH)
        ids: list[str] = []
        last: Any = self._database.until_now(_ARTICLES)
        while len(ids) < limit and (found := self._database.query(statement.where(last))):
            ids += [article_id for _, its, article_id, path in found if its == source and exists(path)]
            last = _a.seq < found[-1][0]
        return ids[:limit]

    def put(self, row: PictureRow) -> None:
        """Inserts the row, or replaces that of the same picture."""
        self._database.write(self._put, **vars(row))

    def stored(self, source: str, article_id: str, url: str, *, path: str, hash: str) -> None:  # noqa: A002
        """The file was written."""
        self.put(PictureRow(source=source, article_id=article_id, url=url, state=State.ARCHIVED, path=path, hash=hash))

    def mark_without_pictures(self, source: str, article_id: str) -> None:
        """The article has no picture of the site: a row without a URL records that it was checked."""
        self.put(PictureRow(source=source, article_id=article_id, url="", state=State.ARCHIVED))

    def failed(
        self, source: str, article_id: str, url: str, *, reason: str, next_try: datetime, tried: bool = True
    ) -> None:
        """It could not be fetched, or the try was not completed; the Markdown keeps the remote link."""
        row = PictureRow(
            source=source, article_id=article_id, url=url, state=State.FAILED, attempts=int(tried),
            next_try=next_try, reason=reason,
        )  # fmt: skip
        self._database.write(self._put_tried, **vars(row))

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[PictureRow]:
        """Failed pictures whose next try has come, the oldest first."""
        known = self._database.until_now(_PICTURES)
        conditions = (_p.source == source, _FAILED, _p.attempts < max_tries, _p.next_try <= now, known)
        return self._database.pages(_PICTURES, *conditions, by={"seq": 0})

    def exhausted(self, max_tries: int) -> int:
        """How many pictures are not tried any more."""
        given_up = sa.select(sa.func.count()).select_from(_PICTURES.sql).where(_FAILED, _p.attempts >= max_tries)
        return int(self._database.query(given_up)[0][0])

    def rows_after(self, next_try: datetime) -> list[PictureRow]:
        """Pictures whose next try comes after this time."""
        return self._database.rows(_PICTURES, _PICTURES.select(_FAILED, _p.next_try > next_try))

    def rows(self) -> Iterator[PictureRow]:
        """Every picture, without those that come meanwhile."""
        return self._database.pages(_PICTURES, self._database.until_now(_PICTURES), by={"seq": 0})


# the file of SQLite


_MESSAGES = {
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_LOCKED: (errno.EBUSY, "another program holds the ledger: end it, or wait for its end"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "the ledger cannot be opened"),
    sqlite3.SQLITE_READONLY: (errno.EACCES, "the ledger can only be read"),
}
"""Errors that are not the disk's fault, each with an errno whose advice fits."""
_VERSION = 4
_FORMER_VERSION = 3  # of the first published program


def ledger_files(path: Path) -> list[Path]:
    """The ledger, then the files that SQLite may have beside it."""
    return [path, *(path.with_name(f"{path.name}{end}") for end in BESIDE)]


def is_begun(path: Path) -> bool:
    """Whether there is a ledger, even a broken one; an empty file or a database without tables is none.

    SQLite leaves those when it is stopped before its first commit, or when a ledger is opened that does not exist.
    """
    if not os.path.lexists(path) or (is_file(path) and path.stat().st_size == 0):
        return False
    try:
        with closing(_open(path, read_only=True)) as raw:
            return bool(raw.execute("SELECT 1 FROM sqlite_master WHERE name IN ('articles', 'runs')").fetchone())
    except (LedgerBroken, OSError, sqlite3.Error):
        return True


def _connect(path: Path, *, read_only: bool, any_version: bool) -> sa.Connection:
    """The ledger at `path`, created or brought to this version unless it is `read_only`."""
    raw = _open(path, read_only=read_only)
    try:
        # a flipped bit costs one letter, not every row that is read with it
        raw.text_factory = lambda data: data.decode("utf-8", "replace")
        if not read_only:
            raw.execute("PRAGMA journal_mode = WAL")
            # FULL: what was committed survives a power cut; at two pages a second it costs nothing
            raw.execute("PRAGMA synchronous = FULL")
        (version,) = raw.execute("PRAGMA user_version").fetchone()
        _check_version(path, version, read_only=read_only, any_version=any_version)
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        connection = engine.connect()
        if version < _VERSION and not read_only:
            raw.execute("BEGIN IMMEDIATE")
            if version:
                _migrate(raw)
                for index in _ARTICLES.sql.indexes | _PICTURES.sql.indexes:
                    index.create(connection)
            else:
                _METADATA.create_all(connection, checkfirst=False)
            raw.execute(f"PRAGMA user_version = {_VERSION}")
            raw.execute("COMMIT")
        # reads the tables' root pages, so that a ledger that lost its first pages is detected now
        raw.execute("SELECT 1 FROM articles, runs, pictures LIMIT 1").fetchone()
    except BaseException:
        raw.close()
        raise
    return connection


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if path.is_dir():
        raise _broken(path, "it is a folder")
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


def _check_version(path: Path, version: int, *, read_only: bool, any_version: bool) -> None:
    if version > _VERSION:
        raise LedgerBroken(
            f"{path} has version {version}, this program knows versions up to {_VERSION}:"
            " install the newer program, or make a ledger of this version with `scrapy rebuild`"
        )
    if 0 < version < _FORMER_VERSION:
        raise _broken(path, f"it has version {version}, which was never published")
    if version < _VERSION and read_only and not any_version:
        raise LedgerBroken(f"{path} has version {version}: the next `scrapy crawl` brings it to {_VERSION}")


def _migrate(raw: sqlite3.Connection) -> None:
    """From the former version, whose `published` was in the publisher's zone and could not be compared."""
    raw.create_function("in_utc", 1, _published_in_utc, deterministic=True)
    raw.create_function("latest", len(PAST_TIMES), _latest_text, deterministic=True)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall():
        raw.execute(f'DROP INDEX "{name}"')
    raw.execute("ALTER TABLE walks RENAME TO begun_lists")
    raw.execute("ALTER TABLE articles ADD COLUMN latest TEXT")
    raw.execute(
        "UPDATE articles SET published = in_utc(published),"
        " latest = latest(first_seen, archived_at, last_checked, gone_at)"
    )


def _published_in_utc(stored: Any) -> Any:
    try:
        return _with_zone(datetime.fromisoformat(stored))
    except (ValueError, TypeError):
        return stored  # is unreadable before and after


def _latest_text(*times: Any) -> str | None:
    return max((time for time in times if isinstance(time, str)), default=None)


@contextmanager
def errors_named(path: Path) -> Iterator[None]:
    """Adds the path to SQLite's errors, and distinguishes a broken ledger from a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(path, error) from error
    except sa.exc.StatementError as error:  # SQLAlchemy's own, around an error of SQLite or of a column's type
        raise _named(path, error.orig or error) from error.orig


def _named(path: Path, error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.DatabaseError):
        return error
    if not isinstance(error, sqlite3.OperationalError):
        return _broken(path, error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # Python's own errors have none
    if code == sqlite3.SQLITE_CORRUPT:
        return _broken(path, error)
    # with no room for the files beside the ledger, SQLite raises one of the others
    may_be_full = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if code == sqlite3.SQLITE_FULL or (may_be_full and is_full(path.parent)):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if code == sqlite3.SQLITE_ERROR and ("no such" in str(error) or "already exists" in str(error)):
        return _broken(path, error)
    number, what = _MESSAGES.get(code, (errno.EIO, "the ledger cannot be read or written"))
    return OSError(number, f"{what} ({error})", str(path))


def _broken(path: Path, error: BaseException | str) -> LedgerBroken:
    return LedgerBroken(
        f"the ledger {path} cannot be read ({error}): `scrapy rebuild` makes a new one"
        " from the Markdown files and keeps this one aside"
    )
