"""What is known about every article, picture, list and run: one SQLite file unless something else is configured.

Each statement finds its rows by an index, so that none slows down as the archive grows. SQLAlchemy writes them, once;
the database's own driver carries them out, which is ten times as fast.

Every method that writes has committed when it returns; `transaction` makes one commit of many. So a kill at any
moment leaves a consistent ledger that at most does not know of the last download.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import sqlalchemy as sa

from newsarchive.archive.database import Database, Place, broken, open_database
from newsarchive.archive.files import ReadingMark
from newsarchive.archive.tables import (
    AFTER_THE_FIRST,
    ARTICLES,
    BEGUN_LISTS,
    CHANGES,
    CLOCKS_DIFFER,
    DATED,
    FAILED,
    INTERRUPTED,
    KEPT_RUNS,
    LISTS,
    PICTURES,
    READINGS,
    RUNS,
    UNFINISHED,
    WITHOUT_PICTURES,
    ChangeKind,
    ChangeRow,
    ListRow,
    PictureRow,
    Row,
    RunRow,
    State,
    Table,
    given,
    read_time,
    stored,
    write_time,
)
from newsarchive.errors import LedgerBroken
from newsarchive.items import Article

R = TypeVar("R")
OnBroken = Callable[[LedgerBroken], object]  # what is called for a row that cannot be read, which is skipped then

_FIRST_WITH_CHANGES = 6  # version of the tables
_BATCH = 200  # rows
_CLAIMED = 20  # articles that a run claims at a time: the others are for other runs

_a, _p, _r, _l = ARTICLES.sql.c, PICTURES.sql.c, RUNS.sql.c, BEGUN_LISTS.c
_c = CHANGES.sql.c

_THE_ROW = _a.source == given("of_source"), _a.article_id == given("of_article_id")  # of an article that is changed

# The statements of every article: others are made when they are needed.
_ARTICLE = ARTICLES.select().where(_a.source == given("source"), _a.article_id == given("article_id"))
_ARTICLE_AT = ARTICLES.select().where(_a.seq == given("seq"))
_PICTURES_OF = (
    PICTURES.select().where(_p.source == given("source"), _p.article_id == given("article_id")).order_by(_p.seq)
)
_STORED_PICTURES = PICTURES.select().where(_p.url == given("url"), _p.path != sa.text("''"))


@cache
def _upserts(insert: Callable[[sa.Table], Any]) -> dict[type[Any], sa.ClauseElement]:
    """Each inserts such a row, or replaces that with the same key."""
    return {table.row: table.upsert(insert) for table in (ARTICLES, PICTURES, LISTS)}


@cache
def _addition(table: Table[Any], insert: Callable[[sa.Table], Any]) -> sa.ClauseElement:
    """Inserts a row unless it is there."""
    return cast("sa.ClauseElement", table.insert(insert).on_conflict_do_nothing())


@cache
def _claim(free: sa.TextClause) -> sa.ClauseElement:
    """Claims an article, unless it was looked at since its row was read."""
    as_known = _a.last_checked.is_not_distinct_from(given("of_last_checked"))
    is_ours = sa.or_(free, _a.claimed_by == given("run"))
    return ARTICLES.sql.update().where(*_THE_ROW, as_known, is_ours).values(claimed_by=given("run"))


@cache
def _update(*names: str) -> sa.ClauseElement:
    """Changes these columns of an article."""
    return ARTICLES.sql.update().where(*_THE_ROW).values({name: given(name) for name in names})


@lru_cache(maxsize=100)
def _compiled(statement: sa.ClauseElement, dialect: sa.Dialect) -> tuple[str, dict[str, Any]]:
    """A statement as SQL, and the values in it that are always the same."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


# the ledger


class ListState(Enum):
    """What a run is to do with a list."""

    BEGUN = auto()
    """Read it."""
    UNFINISHED = auto()
    """Read it, also past pages without new articles: a run has begun it and not finished.

    After a kill between two pages the first page brings nothing new, and the second one still does.
    """
    LEFT_TO_ANOTHER = auto()
    """Another run that is alive reads it."""


class Ledger(AbstractContextManager["Ledger"]):
    """Opened with `Ledger.open`; whoever opens it closes it. Not for use from several threads.

    What changes an article's row takes the row as it is known and returns it as it is then, or raises `KeyError`.
    """

    def __init__(self, database: Database, mark: ReadingMark, *, on_broken: OnBroken | None = None) -> None:
        self.database = database
        self.run = 0
        """The number of the run that has opened it, once there is one."""
        self._on_broken = on_broken
        self._changed_by_lists: set[tuple[str, str]] = set()
        """Articles of which a list has said something since the ledger was opened."""
        self._mark = mark

    @classmethod
    def open(
        cls,
        place: Place,
        *,
        folder: Path | None = None,
        read_only: bool = False,
        on_broken: OnBroken | None = None,
        purpose: str = "",
        alone: bool = False,
        before_first: Callable[[], object] = lambda: None,
    ) -> Self:
        """Creates the ledger unless it is there or `read_only`. Raises `LedgerBroken`, also a row that cannot be read.

        `place` may be the URL of a database; then `folder` is that of the archive, and the other arguments are those of
        `open_database`.
        With `on_broken`, for a rebuild, all is read that can be, also from a ledger of the former version.
        """
        database = open_database(
            place, read_only=read_only, may_be_older=on_broken is not None, purpose=purpose, alone=alone,
            before_first=before_first,
        )  # fmt: skip
        if isinstance(place, Path):
            mark = ReadingMark.beside(place)
            left = [mark]
        else:
            mark, left = ReadingMark.of_process(folder or Path()), ReadingMark.left(folder or Path())
        ledger = cls(database, mark, on_broken=on_broken)
        if not read_only:
            try:
                for each in left:
                    ledger._count_interrupted_reading(each)
                    each.remove()
            except BaseException:
                database.close()
                raise
        return ledger

    @property
    def is_shared(self) -> bool:
        """Whether several runs may use it at the same time."""
        return self.database.free is not None

    @property
    def _free(self) -> sa.TextClause:
        assert self.database.free is not None  # noqa: S101  -- asked for in a shared one only
        return self.database.free

    def close(self) -> None:
        self._mark.close()
        self.database.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[None]:
        """One commit for all that the block writes: a list of twenty entries costs one sync of the disk."""
        return self.database.transaction()

    # articles: what a run does

    def found(self, row: Row) -> tuple[Row, bool]:
        """The article's row, and whether it is new: this one then. The first list picture stays: another is no edit."""
        known = self.get(row.source, row.article_id)
        if known is None:
            if self._execute(_addition(ARTICLES, self.database.insert), **vars(row)):
                return row, True
            known = self.get(row.source, row.article_id) or row  # another run has just found it
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
        tried = {"attempts": row.attempts + 1, "reason": reason, "last_checked": now, "claimed_by": None}
        return self.update(row, **tried, **when)

    def update(self, row: Row, **changes: Any) -> Row:
        """Changes these fields."""
        statement = _update(*changes)
        if self._execute(statement, **changes, of_source=row.source, of_article_id=row.article_id) != 1:
            raise KeyError(f"the ledger has no article {row.article_id} of {row.source}")
        return replace(row, **changes)

    def put(self, row: Row | PictureRow | ListRow) -> None:
        """Inserts the row, or replaces that of the same article, picture or list."""
        self._execute(_upserts(self.database.insert)[type(row)], **vars(row))

    # pages that end the process while they are read

    def reading(self, row: Row, *, now: datetime, again: datetime | None) -> AbstractContextManager[None]:
        """Marks the article's page as being read: should that end the process, it is a try, the next one `again`."""
        known = {"source": row.source, "article_id": row.article_id}
        return self._marked(known | {"now": write_time(now), "again": again and write_time(again)})

    @contextmanager
    def reading_saved(self, page: str) -> Iterator[None]:
        """The same for a saved page, wherever it is."""
        with self._marked({"page": page}):
            yield
        if self.interrupted_readings(page):
            self._execute(READINGS.delete().where(READINGS.c.page == page))

    def interrupted_readings(self, page: str) -> int:
        """How often in a row the process has ended while it read this saved page."""
        return self._number(sa.select(READINGS.c.times).where(READINGS.c.page == page))

    @contextmanager
    def _marked(self, page: dict[str, Any]) -> Iterator[None]:
        self._mark.write(page)
        try:
            yield
        except MemoryError:  # another time it may end the process
            self._count_interrupted_reading(self._mark)
            raise
        finally:
            self._mark.clear()

    def _count_interrupted_reading(self, mark: ReadingMark) -> None:
        """Counts the try of the page that the mark names: the process that read it has ended."""
        page = mark.read()
        if "page" in page:
            insert = self.database.insert(READINGS).values(page=page["page"], times=1)
            again = {"times": READINGS.c.times + 1}
            self._execute(insert.on_conflict_do_update(index_elements=["page"], set_=again))
        elif page and (row := self.get(page["source"], page["article_id"])):
            tried = {"attempts": row.attempts + 1, "reason": INTERRUPTED, "last_checked": read_time(page["now"])}
            self.update(row, **tried, **{row.next_look: read_time(page["again"])})

    # articles: what a run asks

    def get(self, source: str, article_id: str) -> Row | None:
        return self._one(ARTICLES, _ARTICLE, source=source, article_id=article_id)

    def current(self, row: Row, *, replayed: bool = False) -> Row:
        """The row as it is now: while its page is on its way, a list may announce another edition.

        Or another page of a replay is archived.
        """
        may_have_changed = self.is_shared or replayed or (row.source, row.article_id) in self._changed_by_lists
        if not may_have_changed:
            return row
        return self.get(row.source, row.article_id) or row

    def due(self, source: str, now: datetime, max_tries: int) -> Iterator[Row]:
        """Unfinished articles whose time has come, the oldest first; without those that this run finds."""
        is_due = sa.or_(_a.next_try.is_(None), _a.next_try <= now)
        conditions = _a.source == source, UNFINISHED, _a.attempts < max_tries, is_due
        return self._claims(*conditions) if self.is_shared else self._pages(ARTICLES, *conditions)

    def _claims(self, *conditions: Any) -> Iterator[Row]:
        """Articles that no other run has claimed: claimed by this one, some at a time."""
        newest, last = self._number(sa.select(sa.func.max(_a.seq))), 0
        later = _a.seq > given("last"), _a.seq <= newest
        some = sa.select(_a.seq).where(*conditions, self._free, *later).order_by(_a.seq).limit(_CLAIMED)
        claim = ARTICLES.sql.update().where(_a.seq.in_(some.with_for_update(skip_locked=True)))
        statement = claim.values(claimed_by=self.run).returning(sa.text("*"))
        while found := self._query(statement, last=last):
            found.sort(key=itemgetter("seq"))
            yield from self._read(ARTICLES, found)
            last = found[-1]["seq"]

    def exhausted(self, max_tries: int, most: int) -> tuple[int, list[Row]]:
        """How many unfinished articles of all sources are not tried any more, and at `most` so many of them."""
        are = UNFINISHED, _a.attempts >= max_tries
        some = ARTICLES.select().where(*are).order_by(_a.state, _a.attempts, _a.seq).limit(most)
        return self._count(ARTICLES, *are), self._rows(ARTICLES, some)

    def rechecks(self, source: str, now: datetime) -> Iterator[Row]:
        """Articles, archived or gone, whose next look has come; first those that have waited longest."""
        order = _a.next_check, _a.seq
        later = sa.tuple_(*order) > sa.tuple_(given("last_time"), given("last"))
        is_free = [self._free] if self.is_shared else []
        statement = sa.select(*order).where(_a.next_check <= now, later, *is_free).order_by(*order).limit(_BATCH)
        last: tuple[str, int] = "", 0
        while found := self._query(statement, last_time=last[0], last=last[1]):
            for last in found:  # each is read when it is wanted: that may be hours later
                row = self._one(ARTICLES, _ARTICLE_AT, seq=last[1])
                if row and row.source == source and row.next_look == "next_check":
                    yield row

    def claim(self, row: Row) -> bool:
        """Whether this run is to fetch the article: not when another one does, or has done since the row was read."""
        if not self.is_shared:
            return True
        known = {"of_source": row.source, "of_article_id": row.article_id, "of_last_checked": row.last_checked}
        return self._execute(_claim(self._free), **known, run=self.run) == 1

    def claimed(self, source: str) -> list[Row]:
        """The articles that this run has claimed and not fetched yet."""
        its_claims = ARTICLES.select().where(_a.claimed_by == given("run"), _a.source == source)
        return self._rows(ARTICLES, its_claims, run=self.run) if self.is_shared else []

    def others_at_work(self, source: str) -> bool:
        """Whether another run that is alive fetches articles of the source or reads lists of it."""
        others = self.database.living_runs() - {self.run}
        its_work = [
            sa.select(it.claimed_by).where(it.claimed_by == given("run"), it.source == source) for it in (_a, _l)
        ]
        return any(self._query(work, run=run) for run in others for work in its_work)

    def rows(
        self, source: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Row]:
        """Every article in the order of its finding, without those that are found meanwhile.

        Or those published from `since` to before `until`.
        """
        published = _a.published.concat("")  # a range of an index would be sorted anew for each batch
        conditions = [published >= since] if since else []
        conditions += [published < until] if until else []
        return (row for row in self._pages(ARTICLES, *conditions) if source is None or row.source == source)

    def counts_by_state(self) -> dict[State, int]:
        """Without states that this program does not know: reading such a row is an error."""
        found = self._query(sa.select(_a.state, sa.func.count()).group_by(_a.state))
        return {State(state): count for state, count in found if state in set(State)}

    def documents(self) -> int:
        """How many articles have a file, also those that the site has removed: they have a publish time."""
        return self._count(ARTICLES, DATED)

    def documents_by(self, *names: str) -> dict[tuple[Any, ...], tuple[int, datetime]]:
        """For each value of these fields how many documents have it, and the latest publish time of these.

        One pass over all articles, as the next two; by an index it would read each page of the file many times.
        """
        columns, number = [_a[name] for name in names], sa.func.count(_a.published)
        each = sa.select(*columns, number.label("number"), sa.func.max(_a.published).label("published"))
        readers = [(name, ARTICLES.readers[name]) for name in (*names, "published")]
        found: dict[tuple[Any, ...], tuple[int, datetime]] = {}
        with self._values_named():
            for values in self._query(each.group_by(*columns).having(number > sa.text("0"))):
                *key, newest = (read(values[name]) for name, read in readers)
                found[tuple(key)] = values["number"], newest
        return found

    def documents_by_hour(self) -> dict[datetime, int]:
        """How many were published in each hour, by the publisher's clock."""
        columns = sa.func.substr(_a.published, 1, 16), sa.func.substr(_a.published, 33)  # minutes; the zone
        each_minute = sa.select(*columns, sa.func.count()).where(DATED).group_by(*columns)
        hours: Counter[datetime] = Counter()
        with self._values_named():
            for minute, zone, number in self._query(each_minute):
                hours[cast("datetime", read_time(f"{minute}+00:00{zone}")).replace(minute=0)] += number
        return hours

    def documents_with(self, name: str) -> int:
        """How many have something in this field."""
        its_default = stored(getattr(Row, name))
        return self._number(sa.select(sa.func.count(_a.published)).where(_a[name] != its_default))

    def newest(self, now: datetime) -> Row | None:
        """The archived article that was published last; one with a date far in the future says nothing."""
        statement = ARTICLES.select().where(DATED, _a.published < now + timedelta(days=1))
        return self._one(ARTICLES, statement.order_by(_a.published.desc()).limit(1))

    # runs and lists

    def add_run(self, run: RunRow) -> RunRow:
        """The run under the next free number. Older ones than `KEPT_RUNS` are removed."""
        number = self._number(RUNS.insert().returning(_r.run), **vars(run))
        self._execute(RUNS.sql.delete().where(_r.run <= number - KEPT_RUNS))
        self.run = number
        return replace(run, run=number)

    def end_run(self, run: RunRow) -> None:
        ended = {name: given(name) for name in ("ended", "exit_code", "counts")}
        self._execute(RUNS.sql.update().where(_r.run == run.run).values(ended), **vars(run))

    def last_success(self) -> datetime | None:
        """When the last run with exit code 0 ended, if it is among those that are kept."""
        newest = RUNS.select().where(_r.exit_code == 0).order_by(_r.run.desc()).limit(1)
        run = self._one(RUNS, newest)
        return run.ended if run else None

    def last_runs(self, number: int | None) -> list[RunRow]:
        """The newest first; all of them for `None`."""
        return self._rows(RUNS, RUNS.select().order_by(_r.run.desc()).limit(number))

    def pull_in(self, now: datetime) -> str:
        """Sets times later than `now` to `now`, after a run whose clock was wrong, so that nothing is put off for good.

        Returns what to say about it. Nothing changes when this clock is behind: most of what was looked at later was
        published later, too. The runs tell whether to look for any.
        """
        future_run = _r.started > now + CLOCKS_DIFFER
        if not self._count(RUNS, future_run):
            return ""
        seen = [_a.first_seen, _a.archived_at, _a.last_checked, _a.gone_at]
        ahead = sa.or_(*(time > now for time in seen))
        articles = self._count(ARTICLES, ahead)
        if self._count(ARTICLES, ahead, _a.published > now) * 2 > articles:
            return "the clock of this machine is behind: most of what was archived last was published after it"
        present = sa.literal(now, _a.first_seen.type)
        times = {time.name: sa.case((time > now, present), else_=time) for time in (*seen, _a.next_try)}
        times["next_check"] = sa.case((sa.text("state IN ('archived', 'gone')"), present), else_=_a.next_check)
        put_off = _p.next_try > now + timedelta(days=30)  # no schedule puts off anything for so long
        with self.transaction():
            self._execute(ARTICLES.sql.update().where(ahead).values(times))
            pictures = self._execute(PICTURES.sql.update().where(put_off).values(next_try=now))
            self._execute(RUNS.sql.update().where(future_run).values(started=now, ended=now))
        if not articles + pictures:
            return ""
        return (
            f"the ledger had times of {articles + pictures} articles and pictures that have not come yet,"
            " as a run with a wrong clock leaves them: these are looked at again now"
        )

    def list_rows(self, source: str | None = None) -> list[ListRow]:
        """What is known of each list that a run has asked for."""
        return self._rows(LISTS, LISTS.select().where(*[LISTS.sql.c.source == source] if source else []))

    def begin_list(self, source: str, where: str) -> ListState:
        """A list is read page by page from here on, unless another run reads it."""
        insert = self.database.insert(BEGUN_LISTS).values(source=source, where=where, claimed_by=given("run"))
        its_run = self.run if self.is_shared else None
        if self._execute(insert.on_conflict_do_nothing(), run=its_run):
            return ListState.BEGUN
        return self.take_list(source, where) or ListState.BEGUN

    def take_list(self, source: str, where: str) -> ListState | None:
        """Goes on with a list that a run has begun, unless that one reads it still; `None`: it is finished."""
        if not self.is_shared:
            return ListState.UNFINISHED
        its_row = _l.source == source, _l["where"] == where
        is_ours = sa.or_(self._free, _l.claimed_by == given("run"))
        take = BEGUN_LISTS.update().where(*its_row, is_ours).values(claimed_by=given("run"))
        if self._execute(take, run=self.run):
            return ListState.UNFINISHED
        return ListState.LEFT_TO_ANOTHER if self._query(BEGUN_LISTS.select().where(*its_row)) else None

    def leave_list(self, source: str, where: str) -> None:
        """The list could not be read: it is unfinished, and another run may try."""
        its_row = _l.source == source, _l["where"] == where
        if self.is_shared:
            self._execute(
                BEGUN_LISTS.update().where(*its_row, _l.claimed_by == given("run")).values(claimed_by=sa.null()),
                run=self.run,
            )

    def finish_list(self, source: str, where: str) -> None:
        """The list was read as far as it was meant to be."""
        self._execute(BEGUN_LISTS.delete().where(_l.source == source, _l["where"] == where))

    # changes

    def add_change(self, change: ChangeRow) -> None:
        self._execute(_addition(CHANGES, self.database.insert), **vars(change))

    def changes(self, *, since: datetime | None = None, kinds: Collection[ChangeKind] = ()) -> Iterator[ChangeRow]:
        """The newest first, of these kinds or of all."""
        conditions: list[Any] = []
        if kinds and ChangeKind.NEW not in kinds:
            conditions.append(AFTER_THE_FIRST)
        if since:
            conditions.append(_c.time >= since)
        order = _c.time.desc(), _c.seq.desc()
        earlier = sa.tuple_(_c.time, _c.seq) < sa.tuple_(given("last_time"), given("last"))
        statement = CHANGES.select().where(*conditions, earlier).order_by(*order).limit(_BATCH)
        last = "~", 0  # after every time
        while found := self._query(statement, last_time=last[0], last=last[1]):
            yield from (it for it in self._read(CHANGES, found) if not kinds or it.kind in kinds)
            last = found[-1]["time"], found[-1]["seq"]

    def every_change(self) -> Iterator[ChangeRow]:
        """The oldest first; none for a ledger of a former version."""
        return self._pages(CHANGES) if self.database.version >= _FIRST_WITH_CHANGES else iter(())

    def dated_changes(self) -> Iterator[tuple[ChangeRow, datetime | None]]:
        """Every change, without its texts, and the publish time of its article; the newest first.

        That time is `None` for an article that is not in the ledger. One pass over all changes, for statistics.
        Not with `on_broken`.
        """
        columns = _c.seq, _c.source, _c.article_id, _c.kind, _c.time, _c.changed, _a.published
        same = sa.and_(_a.source == _c.source, _a.article_id == _c.article_id)
        statement = sa.select(*columns).select_from(CHANGES.sql.outerjoin(ARTICLES.sql, same))
        statement = statement.where(_c.seq < given("last")).order_by(_c.seq.desc()).limit(_BATCH)
        last = self._number(sa.select(sa.func.max(_c.seq))) + 1
        while found := self._query(statement, last=last):
            with self._values_named():
                published = [read_time(values["published"]) for values in found]
            yield from zip(self._read(CHANGES, found), published, strict=True)
            last = found[-1]["seq"]

    def changes_of(self, source: str, article_id: str) -> list[ChangeRow]:
        """Those of one article, in the order in which the archive learned of them."""
        its = CHANGES.select().where(_c.source == source, _c.article_id == article_id)
        return self._rows(CHANGES, its.order_by(_c.seq))

    # pictures

    def pictures_of(self, source: str, article_id: str) -> list[PictureRow]:
        """The pictures of one article in the order in which they were first tried."""
        return self._rows(PICTURES, _PICTURES_OF, source=source, article_id=article_id)

    def stored_pictures(self, url: str) -> list[PictureRow]:
        """The rows of a stored picture, which several articles may have."""
        return self._rows(PICTURES, _STORED_PICTURES, url=url)

    def articles_without_pictures(self, source: str) -> Iterator[Row]:
        """Archived articles whose pictures were never looked at, the oldest first."""
        return self._pages(ARTICLES, _a.source == source, WITHOUT_PICTURES)

    def due_pictures(self, source: str, now: datetime, max_tries: int) -> Iterator[PictureRow]:
        """Failed pictures whose next try has come, the oldest first."""
        return self._pages(PICTURES, _p.source == source, FAILED, _p.attempts < max_tries, _p.next_try <= now)

    def exhausted_pictures(self, max_tries: int) -> int:
        """How many pictures are not tried any more."""
        return self._count(PICTURES, FAILED, _p.attempts >= max_tries)

    def pictures(self) -> Iterator[PictureRow]:
        """Every picture, without those that come meanwhile."""
        return self._pages(PICTURES)

    # statements

    def _execute(self, statement: sa.ClauseElement, **values: Any) -> int:
        """How many rows it has changed."""
        return self.database.change(*self._written(statement, values))

    def _query(self, statement: sa.ClauseElement, **values: Any) -> list[Any]:
        return self.database.query(*self._written(statement, values))

    def _written(self, statement: sa.ClauseElement, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        sql, constants = _compiled(statement, self.database.dialect)
        return sql, {name: stored(value) for name, value in (constants | values).items()}

    def _number(self, statement: sa.ClauseElement, **values: Any) -> int:
        """The one number that the statement asks for; 0 when there is none."""
        found = self._query(statement, **values)
        return int(found[0][0] or 0) if found else 0

    def _count(self, table: Table[Any], *conditions: Any) -> int:
        return self._number(sa.select(sa.func.count()).select_from(table.sql).where(*conditions))

    def _rows(self, table: Table[R], statement: sa.ClauseElement, **values: Any) -> list[R]:
        return list(self._read(table, self._query(statement, **values)))

    def _one(self, table: Table[R], statement: sa.ClauseElement, **values: Any) -> R | None:
        return next(iter(self._rows(table, statement, **values)), None)

    def _pages(self, table: Table[R], *conditions: Any) -> Iterator[R]:
        """Rows as they came, without those that come meanwhile; in batches, because they may be written meanwhile."""
        seq, last = table.sql.c.seq, 0
        newest = self._number(sa.select(sa.func.max(seq)))
        statement = table.select().where(*conditions, seq > given("last"), seq <= newest).order_by(seq)
        statement = statement.limit(_BATCH)
        while found := self._query(statement, last=last):
            yield from self._read(table, found)
            last = found[-1]["seq"]

    @contextmanager
    def _values_named(self) -> Iterator[None]:
        """Values of articles are read, of many together."""
        try:
            yield
        except (ValueError, TypeError, OverflowError) as error:  # what nothing in this program has written
            raise broken(self.database.name, f"values among the articles: {error}") from error

    def _read(self, table: Table[R], found: Sequence[Any]) -> Iterator[R]:
        names = found[0].keys() if found else []
        readers = [(name, table.readers[name]) for name in names if name in table.readers]
        for values in found:
            try:
                row = table.row(**{name: read(values[name]) for name, read in readers})
            except (ValueError, TypeError, OverflowError) as error:  # what nothing in this program has written
                key = " ".join(str(values[name]) for name in table.keys or ("seq",))
                problem = broken(self.database.name, f"row of {key} among the {table.name}: {error}")
                if self._on_broken is None:
                    raise problem from error
                self._on_broken(problem)
            else:
                yield row


def _seen(
    row: Row, state: State, published: datetime | None, *, now: datetime, next_check: datetime | None
) -> dict[str, Any]:
    """What changes when the site has answered for certain; `published` is the page's."""
    return {
        "state": state, "attempts": 0, "next_try": None, "last_checked": now, "next_check": next_check,
        "gone_at": None, "reason": "", "claimed_by": None,
        "false_announcements": row.false_announcements_after(published),
    }  # fmt: skip
