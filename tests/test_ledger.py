"""The ledger: what it remembers, when something is due, and what it says when its file is broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive.ledger import Ledger, ListState
from newsarchive.archive.schedule import next_check, retry_delay
from newsarchive.archive.tables import KEPT_RUNS, ChangeKind, ChangeRow, ListRow, PictureRow, Row, RunRow, State
from newsarchive.errors import LedgerBroken, describe
from newsarchive.items import Article
from tests.archived import connection
from tests.postgres import Server

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = "20261101A00AB100"


def article(article_id: str = ID, published: datetime = datetime(2026, 11, 1, 19, 0, tzinfo=BEIJING)) -> Article:
    return Article(
        source="qq", article_id=article_id, url=f"https://new.qq.com/rain/a/{article_id}", title="题",
        published=published, body="文", family="F5",
    )  # fmt: skip


def archive(ledger: Ledger, article_id: str = ID, *, now: datetime = NOW, next_check: datetime | None = None) -> None:
    ledger.archived(
        ledger.get("qq", article_id), article(article_id), path=f"content/qq/2026/11/{article_id}.md",
        content_hash="c", file_hash="f", revision=1, etag='"1"', next_check=next_check, now=now,
    )  # fmt: skip


def find(ledger: Ledger, article_id: str = ID, *, thumbnail: str = "", now: datetime = NOW) -> tuple[Row, bool]:
    url = f"https://x/{article_id}"
    return ledger.found(
        Row(source="qq", article_id=article_id, url=url, where="tech", thumbnail=thumbnail, first_seen=now)
    )


def find_two(ledger: Ledger) -> None:
    find(ledger)
    find(ledger, "second", now=datetime(2026, 11, 1))  # noqa: DTZ001


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "PostgreSQL":
        place: str | Path = request.getfixturevalue("postgres").emptied()
    else:
        place = tmp_path / "ledger.sqlite"
    with Ledger.open(place) as opened:
        yield opened


def quarantine(ledger: Ledger, known: Row) -> None:
    ledger.failed(known, state=State.QUARANTINED, reason="no title", now=NOW, next_try=NOW + 2 * HOUR)


def row(ledger: Ledger, article_id: str = ID) -> Row:
    found = ledger.get("qq", article_id)
    assert found is not None
    return found


def test_a_found_article_is_new_once(ledger: Ledger) -> None:
    first, new = find(ledger)
    again, known = find(ledger, now=NOW + HOUR)
    assert (new, known) == (True, False)
    assert again == first == Row(source="qq", article_id=ID, url=f"https://x/{ID}", where="tech", first_seen=NOW)


def test_the_first_list_picture_stays(ledger: Ledger) -> None:
    find(ledger)
    assert find(ledger, thumbnail="one")[0].thumbnail == "one"
    assert find(ledger, thumbnail="two")[0].thumbnail == "one"


def test_a_list_picture_that_comes_after_archiving_is_no_edit(ledger: Ledger) -> None:
    archive(ledger)
    assert find(ledger, thumbnail="late")[0].thumbnail == ""


def test_times_come_back_as_they_were(ledger: Ledger) -> None:
    archive(ledger, next_check=NOW + HOUR)
    got = row(ledger)
    assert (got.published, got.archived_at, got.next_check) == (
        datetime(2026, 11, 1, 19, 0, tzinfo=BEIJING), NOW, NOW + HOUR,
    )  # fmt: skip
    assert got.published is not None
    assert got.published.utcoffset() == timedelta(hours=8)


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        find(ledger, now=datetime(2026, 11, 1))  # noqa: DTZ001


def test_all_of_it_is_there_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        find(ledger)
        archive(ledger)
        ledger.update(row(ledger), warc_file="qq-1.warc.gz", warc_offset=77)
        before = row(ledger)
    with Ledger.open(path) as ledger:
        assert row(ledger) == before
    assert before.state is State.ARCHIVED
    assert (before.warc_file, before.warc_offset, before.etag, before.family) == (
        "qq-1.warc.gz",
        77,
        '"1"',
        "F5",
    )


def test_what_is_unfinished_comes_oldest_first(ledger: Ledger) -> None:
    names = [f"20261101A00AB{n}00" for n in range(5)]
    for name in names:
        find(ledger, name)
    archive(ledger, names[0])
    ledger.failed(row(ledger, names[1]), reason="500", now=NOW, next_try=NOW + HOUR)
    ledger.gone(row(ledger, names[2]), now=NOW)
    quarantine(ledger, row(ledger, names[3]))
    due = [[found.article_id for found in ledger.due("qq", NOW + n * HOUR, 8)] for n in range(3)]
    assert due == [[names[4]], [names[1], names[4]], [names[1], names[3], names[4]]]
    assert list(ledger.due("other", NOW + 2 * HOUR, 8)) == []


def test_due_articles_can_be_written_while_they_are_read(ledger: Ledger) -> None:
    names = [f"A{n:05}" for n in range(250)]
    with ledger.transaction():
        for name in names:
            find(ledger, name)
    seen = []
    for found in ledger.due("qq", NOW, 8):
        seen.append(found.article_id)
        archive(ledger, found.article_id)
        find(ledger, f"new{found.article_id}")
    assert seen == names


def test_after_the_last_try_an_article_is_reported(ledger: Ledger) -> None:
    find(ledger)
    for _ in range(3):
        assert ledger.exhausted(3, 10) == (0, [])
        assert [found.article_id for found in ledger.due("qq", NOW, 3)] == [ID]
        ledger.failed(row(ledger), reason="HTTP 500", now=NOW, next_try=NOW)
    assert list(ledger.due("qq", NOW, 3)) == []
    assert ledger.exhausted(3, 10) == (1, [row(ledger)])
    assert ledger.exhausted(3, 0) == (1, [])
    assert (row(ledger).attempts, row(ledger).reason) == (3, "HTTP 500")
    archive(ledger)
    assert ledger.exhausted(3, 10) == (0, [])
    assert (row(ledger).attempts, row(ledger).reason) == (0, "")


def test_an_archived_article_stays_archived_when_a_recheck_fails(ledger: Ledger) -> None:
    archive(ledger, next_check=NOW)
    ledger.failed(row(ledger), reason="HTTP 500", now=NOW, next_try=NOW + HOUR)
    assert row(ledger).state is State.ARCHIVED
    quarantine(ledger, row(ledger))
    assert row(ledger).state is State.ARCHIVED
    assert list(ledger.due("qq", NOW + 3 * HOUR, 8)) == []
    assert list(ledger.rechecks("qq", NOW + HOUR)) == []
    assert [found.article_id for found in ledger.rechecks("qq", NOW + 2 * HOUR)] == [ID]


def test_a_removed_article_keeps_its_file_and_the_time_of_the_first_notice(ledger: Ledger) -> None:
    archive(ledger, next_check=NOW)
    ledger.gone(row(ledger), now=NOW + HOUR, next_check=NOW + 2 * HOUR)
    ledger.gone(row(ledger), now=NOW + 2 * HOUR, next_check=NOW + 3 * HOUR)
    got = row(ledger)
    assert (got.state, got.gone_at, bool(got.path)) == (State.GONE, NOW + HOUR, True)
    assert [found.article_id for found in ledger.rechecks("qq", NOW + 3 * HOUR)] == [ID]
    ledger.checked(row(ledger), now=NOW + 3 * HOUR, next_check=None)
    got = row(ledger)
    assert (got.state, got.gone_at, got.last_checked) == (State.ARCHIVED, None, NOW + 3 * HOUR)


def test_an_edition_that_is_announced_while_the_page_is_on_its_way_is_known_at_its_end(ledger: Ledger) -> None:
    archive(ledger)
    before = row(ledger)
    assert ledger.current(before) == before
    ledger.announced(before, published=NOW + HOUR, thumbnail="", entry="", look=NOW + HOUR, max_tries=8)
    assert ledger.current(before).announced == NOW + HOUR


def test_a_check_can_bring_the_hash_that_a_rebuild_could_not_know(ledger: Ledger) -> None:
    archive(ledger)
    ledger.checked(row(ledger), now=NOW, next_check=None)
    assert row(ledger).content_hash == "c"
    ledger.checked(row(ledger), now=NOW, next_check=None, content_hash="d", etag='"2"')
    assert (row(ledger).content_hash, row(ledger).etag) == ("d", '"2"')


def test_writing_about_an_unknown_article_is_an_error(ledger: Ledger) -> None:
    unknown = Row(source="qq", article_id="X", url="u", first_seen=NOW)
    with pytest.raises(KeyError, match="no article X"):
        ledger.checked(unknown, now=NOW, next_check=None)
    with pytest.raises(KeyError, match="no article X"):
        ledger.failed(unknown, reason="", now=NOW, next_try=None)


def test_together_is_all_or_nothing(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no time zone"), ledger.transaction():
        find_two(ledger)
    assert ledger.get("qq", ID) is None
    with ledger.transaction():
        find(ledger)
    assert ledger.counts_by_state() == {State.FOUND: 1}


def test_the_newest_article_is_so_in_every_zone(ledger: Ledger) -> None:
    assert ledger.newest(NOW) is None
    for name, published in (
        ("early", datetime(2026, 11, 1, 20, 0, tzinfo=BEIJING)),
        ("late", datetime(2026, 11, 1, 13, 0, tzinfo=UTC)),
    ):
        ledger.archived(
            None,
            article(name, published),
            path=name,
            content_hash="",
            file_hash="",
            revision=1,
            next_check=None,
            now=NOW,
        )
    newest = ledger.newest(NOW)
    assert newest is not None
    assert newest.article_id == "late"


def test_runs_are_remembered_the_newest_first(ledger: Ledger) -> None:
    one = ledger.add_run(RunRow(started=NOW, pid=11, arguments="qq"))
    ledger.end_run(replace(one, ended=NOW + HOUR, exit_code=4, counts={"a": 1, "b": 0.5, "c": "文"}))
    two = ledger.add_run(RunRow(started=NOW + HOUR, pid=12, arguments="qq"))
    runs = ledger.last_runs(20)
    assert [(run.run, run.pid, run.exit_code, run.ended) for run in runs] == [
        (two.run, 12, None, None), (one.run, 11, 4, NOW + HOUR),
    ]  # fmt: skip
    assert runs[1].counts == {"a": 1, "b": 0.5, "c": "文"}
    assert len(ledger.last_runs(1)) == 1


def test_the_last_runs_are_kept(ledger: Ledger) -> None:
    with ledger.transaction():
        for n in range(KEPT_RUNS + 3):
            ledger.add_run(RunRow(started=NOW, pid=n, arguments="qq"))
    runs = ledger.last_runs(None)
    assert [run.pid for run in runs] == list(range(KEPT_RUNS + 2, 2, -1))


def test_names_of_lists_may_be_no_text(ledger: Ledger) -> None:
    """A spider argument that is not UTF-8."""
    odd = ListRow(source="qq", where="channel \udcff", failures=3)
    ledger.put(odd)
    ledger.put(odd)
    assert [(it.where, it.failures) for it in ledger.list_rows("qq")] == [(r"channel \udcff", 3)]
    assert ledger.begin_list("qq", odd.where) is ListState.BEGUN
    assert ledger.begin_list("qq", odd.where) is ListState.UNFINISHED
    ledger.finish_list("qq", odd.where)
    assert ledger.begin_list("qq", odd.where) is ListState.BEGUN
    run = ledger.add_run(RunRow(started=NOW, pid=1, arguments=odd.where))
    ledger.end_run(replace(run, ended=NOW, exit_code=0, counts={f"failing/{odd.where}": 3}))


def test_pictures_are_tried_again_until_they_are_there(ledger: Ledger) -> None:
    lost = PictureRow(source="qq", article_id=ID, url="u", state=State.FAILED, attempts=1, next_try=NOW)
    ledger.put(lost)
    ledger.put(replace(lost, attempts=2, next_try=NOW + HOUR, reason="HTTP 401"))
    assert list(ledger.due_pictures("qq", NOW, 8)) == []
    [due] = ledger.due_pictures("qq", NOW + HOUR, 8)
    assert (due.url, due.attempts, due.reason) == ("u", 2, "HTTP 401")
    assert list(ledger.due_pictures("qq", NOW + HOUR, 2)) == []
    assert ledger.exhausted_pictures(2) == 1
    stored = PictureRow(source="qq", article_id=ID, url="u", path="pictures/u.png", hash="h")
    ledger.put(stored)
    assert list(ledger.due_pictures("qq", NOW + HOUR, 8)) == []
    assert ledger.pictures_of("qq", ID) == list(ledger.pictures()) == [stored]


def test_delays_grow_and_end() -> None:
    delays = [retry_delay(attempts) for attempts in range(1, 50)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (timedelta(minutes=30), timedelta(days=3))
    assert sum(delays[:7], timedelta()) > timedelta(days=7)
    assert retry_delay(1, first=timedelta(0)) == timedelta(0)


def test_the_next_check_is_at_the_first_age_not_reached() -> None:
    ages = [HOUR, 6 * HOUR, 24 * HOUR]
    published = NOW
    at = [next_check(published, NOW + n * HOUR, ages) for n in (0, 1, 5, 6, 23, 24, 9999)]
    assert at == [NOW + n * HOUR if n else None for n in (1, 6, 6, 24, 24, 0, 0)]
    assert next_check(published, NOW, []) is None


def test_times_at_the_ends_of_all_time_are_kept(ledger: Ledger) -> None:
    for n, (year, zone) in enumerate([(1, 14), (1, -12), (9999, 14), (9999, -12)]):
        published = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 12, tzinfo=timezone(zone * HOUR))
        ledger.archived(
            None, article(f"A{n}", published), path=f"{n}.md", content_hash="", file_hash="", revision=1,
            next_check=published, now=NOW,
        )  # fmt: skip
        found = row(ledger, f"A{n}").published
        assert found
        assert found.year == year
        assert found.utcoffset() == zone * HOUR


# how rows are found

PICTURE = PictureRow(source="qq", article_id="A1", url="u1", state=State.FAILED, attempts=1, next_try=NOW)


def fill(ledger: Ledger) -> None:
    with ledger.transaction():
        for n in range(2_500):
            find(ledger, f"A{n}")
            archive(ledger, f"A{n}", next_check=NOW) if n % 5 else None
            ledger.update(row(ledger, f"A{n}"), pictures_tried=n != 8)
            ledger.put(replace(PICTURE, article_id=f"A{n}", url=f"u{n}"))
            kind = ChangeKind.EDITED if n % 25 == 0 else ChangeKind.NEW
            ledger.add_change(ChangeRow(source="qq", article_id=f"A{n}", kind=kind, time=NOW))


def test_every_statement_searches_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that none costs more as the archive grows: those of every method, also of one that is new."""
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        fill(ledger)
        check_plans(ledger, monkeypatch)


def check_plans(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    never_called = {name for name, it in vars(Ledger).items() if callable(it) and not name.startswith("_")} - {"close"}
    for name in list(never_called):
        monkeypatch.setattr(Ledger, name, noted(vars(Ledger)[name], partial(never_called.discard, name)))
    raw = connection(ledger)
    raw.set_trace_callback(statements.append)
    do_everything(ledger)
    raw.set_trace_callback(None)
    assert never_called == set()
    plans: dict[str, list[str]] = {}
    for statement in filter(lambda it: it.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"), statements):
        steps = [str(step) for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
        plans[statement] = [step for step in steps if not SEARCHES.match(step)]
    assert len(plans) > 40
    assert {statement: steps for statement, steps in plans.items() if steps and not MAY.match(statement)} == {}


def test_every_statement_searches_an_index_of_postgresql(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a statement can use an index, PostgreSQL does when it may not read the whole table."""
    from newsarchive.archive.postgres import PostgreSQL  # noqa: PLC0415  -- an extra

    statements: dict[str, Any] = {}
    carried_out = PostgreSQL._carried_out

    def noting(database: PostgreSQL, sql: str, values: Any) -> Any:
        statements.setdefault(sql, values)
        return carried_out(database, sql, values)

    with Ledger.open(postgres.emptied()) as ledger:
        fill(ledger)
        ledger.database.change("ANALYZE", {})
        monkeypatch.setattr(PostgreSQL, "_carried_out", noting)
        do_everything(ledger)
        monkeypatch.undo()
        ledger.database.change("SET enable_seqscan = off", {})
        plans = {
            sql: "\n".join(line for (line,) in ledger.database.query(f"EXPLAIN {sql}", values))
            for sql, values in statements.items()
            if sql.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
        }
    assert len(plans) > 40
    scans = {sql: plan for sql, plan in plans.items() if re.search("Seq Scan on (articles|pictures|changes)", plan)}
    assert {sql: plan for sql, plan in scans.items() if not MAY_SCAN.match(sql)} == {}
    claims = [plan for sql, plan in plans.items() if "SKIP LOCKED" in sql]
    assert len(claims) == 1
    assert [plan for plan in claims if "Sort" in plan] == []  # of all that are due


def noted(method: Callable[..., Any], note: Callable[[], object]) -> Callable[..., Any]:
    def calling(*arguments: Any, **named: Any) -> Any:
        note()
        return method(*arguments, **named)

    return calling


SEARCHES = re.compile(
    r"SEARCH \w+ USING (COVERING )?INDEX (?!articles_by_state_\w+ \(state=\?\)|sqlite_autoindex_[ap]\w+ \(source=\?\))"
    r"|SEARCH \w+ USING INTEGER PRIMARY KEY \(rowid=\?\)|SEARCH (articles|pictures|changes|runs)$"  # the largest number
    r"|SEARCH runs USING INTEGER PRIMARY KEY \(rowid<\?\)"  # the old ones, to remove them
    r"|SCAN articles USING COVERING INDEX articles_by_(state|published)"  # the two that count everything
    r"|SCAN runs$|SCAN lists$"  # of which no more are kept than a run reads; all lists, for a rebuild
)
MAY = re.compile(
    r"SELECT \*\s+FROM (\w+)\s+WHERE (\(articles\.published .*)?\1\.seq > \d+ AND \1\.seq <= \d+ ORDER BY"  # all rows
    r"|SELECT.* AND pictures\.article_id = .* ORDER BY pictures\.seq$"  # sorts those of one article
    r"|SELECT (articles\..*|substr.*)\sFROM articles\s.*GROUP BY"  # `documents_by` and `documents_by_hour`
    r"|SELECT count\(articles\.published\) .*\sFROM articles\s"  # `documents_with`
    r"|SELECT changes\.seq, .* LEFT OUTER JOIN articles .* ORDER BY changes\.seq DESC"  # `dated_changes`
    r"|.*articles\.first_seen > |UPDATE pictures SET next_try=\S+ WHERE pictures.next_try >",  # after a wrong clock
    re.DOTALL,
)


MAY_SCAN = re.compile(
    r"SELECT (articles\..*|substr.*)\sFROM articles\s.*GROUP BY"  # `documents_by` and `documents_by_hour`
    r"|SELECT count\(articles\.published\) .*\sFROM articles\s"  # `documents_with`
    # `pull_in`
    r"|SELECT count.*articles\.first_seen > |UPDATE articles SET first_seen=|UPDATE pictures SET next_try=",
    re.DOTALL,
)


def do_everything(ledger: Ledger) -> None:
    assert len(list(ledger.rows())) == len(list(ledger.rows("qq"))) == 2_500
    assert len(list(ledger.rows(since=datetime(2000, 1, 1, tzinfo=UTC), until=NOW + 999 * HOUR))) == 2_000
    assert list(ledger.rows(until=datetime(2000, 1, 1, tzinfo=UTC))) == []
    assert len(list(ledger.due("qq", NOW, 8))) == 500
    assert len(list(ledger.rechecks("qq", NOW))) == 2_000
    assert ledger.exhausted(8, 10) == (0, [])
    assert ledger.counts_by_state() == {State.ARCHIVED: 2_000, State.FOUND: 500}
    assert ledger.documents() == sum(ledger.documents_by_hour().values()) == 2_000
    assert [number for number, _ in ledger.documents_by("where", "family").values()] == [2_000]
    assert ledger.documents_with("publisher") == 0
    assert ledger.newest(NOW)
    one = row(ledger, "A7")
    one = ledger.announced(one, published=NOW, thumbnail="", entry="", look=NOW, max_tries=8)
    one = ledger.checked(one, now=NOW, next_check=None, content_hash="c", etag="e", last_modified="l")
    one = ledger.failed(one, reason="", now=NOW, next_try=NOW)
    one = ledger.update(ledger.gone(one, now=NOW), warc_file="f", warc_offset=1)
    archive(ledger, "new")
    assert find(ledger, "A5", thumbnail="one") == (row(ledger, "A5"), False)
    assert ledger.current(one) == one
    assert ledger.claim(one)
    with suppress(MemoryError), ledger.reading(one, now=NOW, again=NOW):
        raise MemoryError
    with ledger.reading(one, now=NOW, again=NOW):
        pass
    for _ in range(2):
        with suppress(MemoryError), ledger.reading_saved("page"):
            raise MemoryError
    assert ledger.interrupted_readings("page") == 2
    with ledger.reading_saved("page"):
        pass
    ledger.end_run(ledger.add_run(RunRow(started=NOW, pid=1, arguments="")))
    assert len(ledger.last_runs(2_000)) == 1
    assert ledger.last_success() is None
    ledger.end_run(replace(ledger.add_run(RunRow(started=NOW, pid=1, arguments="")), ended=NOW, exit_code=0))
    ledger.end_run(replace(ledger.add_run(RunRow(started=NOW, pid=1, arguments="")), ended=NOW + HOUR, exit_code=4))
    assert ledger.last_success() == NOW
    assert len(list(ledger.dated_changes())) == len(list(ledger.every_change()))
    ledger.put(ListRow(source="qq", where="tech"))
    assert len(ledger.list_rows("qq")) == len(ledger.list_rows()) == 1
    assert ledger.begin_list("qq", "tech") is ListState.BEGUN
    assert ledger.take_list("qq", "tech") is ListState.UNFINISHED
    ledger.leave_list("qq", "tech")
    ledger.finish_list("qq", "tech")
    assert (ledger.claimed("qq"), ledger.others_at_work("qq")) == ([], False)
    assert len(list(ledger.pictures())) == len(list(ledger.due_pictures("qq", NOW, 8))) == 2_500
    assert ledger.pictures_of("qq", "A1")[0].url == "u1"
    assert ledger.stored_pictures("u1") == []
    assert [it.article_id for it in ledger.articles_without_pictures("qq")] == ["A8", "new"]
    assert ledger.exhausted_pictures(8) == 0
    change = ChangeRow(source="qq", article_id="A1", kind=ChangeKind.REMOVED, time=NOW + HOUR)
    ledger.add_change(change)
    assert ledger.changes_of("qq", "A1")[1:] == [change]
    assert len(list(ledger.changes())) == len(list(ledger.every_change())) == 2_501
    assert len(list(ledger.changes(since=NOW, kinds=[ChangeKind.EDITED]))) == 100
    ledger.put(replace(PICTURE, path="p", hash="h"))
    assert ledger.pull_in(NOW) == ""
    ledger.add_run(RunRow(started=NOW + HOUR, pid=1, arguments=""))
    ledger.update(one, last_checked=NOW + HOUR)
    assert "times of 1 articles and pictures" in ledger.pull_in(NOW)
    ledger.database.compact()
    assert ledger.database.check() == []


# the file


def test_a_ledger_of_the_former_version_is_migrated(former: Path) -> None:
    """One that the former version wrote: archived, gone, quarantined, failed and found articles, pictures, lists."""
    with sqlite3.connect(former) as connection:
        with_files = "SELECT seq FROM articles WHERE path <> '' AND state = 'archived' ORDER BY seq"
        connection.execute(f"UPDATE articles SET revision = 2 WHERE seq IN ({with_files} LIMIT 2)")
        gone = f"UPDATE articles SET state = 'gone', gone_at = archived_at WHERE seq IN ({with_files} LIMIT 1)"
        connection.execute(gone)
        connection.row_factory = sqlite3.Row
        tables = ("articles", "pictures", "runs", "lists", "readings", "walks")
        before = {table: [dict(it) for it in connection.execute(f"SELECT * FROM {table}")] for table in tables}
    connection.close()
    with Ledger.open(former) as ledger:
        articles, pictures, runs = list(ledger.rows()), list(ledger.pictures()), ledger.last_runs(None)
        lists = ledger.list_rows()
        assert ledger.database.check() == []
        assert [ledger.interrupted_readings(it["page"]) for it in before["readings"]] == [1]
        assert [ledger.begin_list(it["source"], it["where"]) for it in before["walks"]] == [ListState.UNFINISHED]
        newest = ledger.newest(datetime(2030, 1, 1, tzinfo=UTC))
        changes = list(ledger.every_change())
    expected = {
        (it.article_id, "new", it.archived_at if it.revision == 1 else it.first_seen) for it in articles if it.path
    }
    expected |= {(it.article_id, "edited", it.archived_at) for it in articles if it.revision > 1}
    expected |= {(it.article_id, "removed", it.gone_at) for it in articles if it.path and it.gone_at}
    assert {(it.article_id, it.kind, it.time) for it in changes} == expected
    assert {it.kind for it in changes} == {ChangeKind.NEW, ChangeKind.EDITED, ChangeKind.REMOVED}
    assert [it.time for it in changes] == sorted(it.time for it in changes)
    assert {it.state for it in articles} == set(State)
    with_pictures = {it["article_id"] for it in before["pictures"]}
    assert [it.pictures_tried for it in articles] == [it.article_id in with_pictures for it in articles]
    known = [without(as_text(it), "pictures_tried", *NEW_SINCE_VERSION_5) for it in articles]
    assert known == [without(it, "seq") for it in before["articles"]]
    assert [as_text(it) for it in pictures] == [without(it, "seq") for it in before["pictures"] if it["url"]]
    assert [as_text(it) for it in reversed(runs)] == [
        it | {"counts": json.loads(it["counts"])} for it in before["runs"]
    ]
    assert [as_text(it) for it in lists] == before["lists"]
    assert newest == max(
        (it for it in articles if it.path), key=lambda it: str(it.published and it.published.astimezone(UTC))
    )
    assert {it.published.utcoffset() for it in articles if it.published} == {8 * HOUR, -5 * HOUR}


def test_a_ledger_of_version_4_is_migrated(tmp_path: Path) -> None:
    """It had a picture's row without a URL for an article without pictures, and no column for it."""
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for name in ("with", "without", "untried"):
            find(ledger, name)
            archive(ledger, name)
        ledger.put(replace(PICTURE, article_id="with"))
        ledger.put(replace(PICTURE, article_id="without", url=""))
        ledger.database.compact()
    of_this_version = schema(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX articles_by_source_seq_of_some")
        for column in ("pictures_tried", *NEW_SINCE_VERSION_5):
            connection.execute(f"ALTER TABLE articles DROP COLUMN {column}")
        connection.execute("ALTER TABLE begun_lists DROP COLUMN claimed_by")
        connection.execute("DROP TABLE changes")
        connection.execute("PRAGMA user_version = 4")
    connection.close()
    with Ledger.open(path) as ledger:
        assert [it.article_id for it in ledger.rows() if it.pictures_tried] == ["with", "without"]
        assert [it.article_id for it in ledger.articles_without_pictures("qq")] == ["untried"]
        assert [it.article_id for it in ledger.pictures()] == ["with"]
        ledger.database.compact()
    assert schema(path) == of_this_version


def test_looking_at_a_ledger_of_the_former_version_does_not_migrate_it(former: Path) -> None:
    before = former.read_bytes()
    with pytest.raises(LedgerBroken, match="version 3: the next `scrapy crawl` brings it to 7"):
        Ledger.open(former, read_only=True)
    odd: list[LedgerBroken] = []
    with Ledger.open(former, read_only=True, on_broken=odd.append) as ledger:  # as a rebuild does
        assert len(list(ledger.rows())) == 15
    assert (former.read_bytes(), odd) == (before, [])


def test_a_migrated_ledger_is_as_a_new_one(former: Path, tmp_path: Path) -> None:
    Ledger.open(former).close()
    Ledger.open(tmp_path / "new.sqlite").close()
    assert schema(former) == schema(tmp_path / "new.sqlite")


@pytest.fixture
def former(tmp_path: Path) -> Path:
    path = tmp_path / "former.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "ledgers" / "version-3.sql").read_text("utf-8"))
    connection.close()
    return path


def as_text(row: object) -> dict[str, object]:
    """The fields of a row as the former version wrote them."""
    values = vars(row).items()
    return {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in values
    }


NEW_SINCE_VERSION_5 = ("title", "publisher", "channels", "site_tags", "edited", "claimed_by")


def without(row: dict[str, object], *names: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key not in names}


def schema(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns and indexes of each table."""
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {
            name: connection.execute(f"SELECT name FROM pragma_table_info('{name}')").fetchall() for (name,) in tables
        }
        found["indexes"] = sorted(
            connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")
        )
        found["version"] = connection.execute("PRAGMA user_version").fetchall()
    connection.close()
    return found


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(LedgerBroken, match="version 99, this program knows versions up to"):
        Ledger.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["not a database", "header", "middle", "cut", "folder"])
def test_a_broken_ledger_says_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger, ledger.transaction():
        for n in range(400):
            find(ledger, f"A{n}")
    whole = path.read_bytes()
    match damage:
        case "not a database":
            path.write_bytes(b"no database at all, but long enough to have a header " * 100)
        case "header":
            path.write_bytes(b"\0" * 100 + whole[100:])
        case "middle":
            path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
        case "cut":
            path.write_bytes(whole[: 4096 * 3])
        case "folder":
            path.unlink()
            path.mkdir()
    with pytest.raises((LedgerBroken, OSError), match=r"ledger\.sqlite"), Ledger.open(path) as ledger:
        list(ledger.rows())


def test_states_that_nobody_has_written_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for n in range(3):
            find(ledger, f"A{n}")
    with sqlite3.connect(path) as by_hand:
        by_hand.execute("UPDATE articles SET state = 'lost' WHERE article_id <> 'A1'")
    by_hand.close()
    with Ledger.open(path) as ledger:
        assert ledger.counts_by_state() == {State.FOUND: 1}


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "lost"), ("first_seen", "yesterday"), ("first_seen", 5), ("next_check", "2026-11-01T12:00:00")],
)
def test_a_row_that_nobody_has_written_is_a_broken_ledger(tmp_path: Path, column: str, value: object) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        find(ledger)
    with sqlite3.connect(path) as by_hand:
        by_hand.execute(f"UPDATE articles SET {column} = ?", (value,))
    by_hand.close()
    with Ledger.open(path) as ledger, pytest.raises(LedgerBroken, match=f"{ID}.*`scrapy rebuild`"):
        list(ledger.rows())


def test_a_flipped_bit_costs_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        find(ledger)
    with sqlite3.connect(path) as by_hand:
        by_hand.execute("UPDATE articles SET entry = CAST(x'7bff7d' AS TEXT)")
    by_hand.close()
    with Ledger.open(path) as ledger:
        assert [row.entry for row in ledger.rows()] == ["{\ufffd}"]


@pytest.mark.parametrize(
    "change",
    ["started = 'yesterday'", "started = '2026-11-01 12:00:00'", "counts = 'none'", "counts = '[1]'", "ended = '2026'"],
)
def test_a_run_that_cannot_be_read_is_named(tmp_path: Path, change: str) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        ledger.add_run(RunRow(started=NOW, pid=1, arguments="qq"))
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE runs SET {change}")
    connection.close()
    with Ledger.open(path) as ledger, pytest.raises(LedgerBroken, match=r"1 among the runs.*`scrapy rebuild`"):
        ledger.last_runs(5)


def test_a_folder_in_place_of_the_ledger_is_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerBroken, match="a folder, not a regular file"):
        Ledger.open(tmp_path / "ledger.sqlite")


def test_a_ledger_that_another_program_holds_is_no_broken_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    holding = sqlite3.connect(path)
    holding.execute("BEGIN IMMEDIATE")
    real = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *args, **kwargs: real(*args, **{**kwargs, "timeout": 0.1}))
    with Ledger.open(path) as ledger, pytest.raises(OSError, match="another program holds the ledger") as caught:
        find(ledger)
    assert describe(caught.value).count("disk") == 0
    holding.close()


def test_articles_without_pictures_are_those_that_are_archived(ledger: Ledger) -> None:
    for n in range(9):
        find(ledger, f"A{n}")
        if n > 2:
            ledger.put(replace(row(ledger, f"A{n}"), path=f"{n}.md", pictures_tried=n == 4))
    assert [it.article_id for it in ledger.articles_without_pictures("qq")] == ["A3", "A5", "A6", "A7", "A8"]
    assert list(ledger.articles_without_pictures("other")) == []


def test_the_message_names_the_command_that_mends(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(LedgerBroken, match="`scrapy rebuild`"):
        Ledger.open(path)


def test_an_empty_file_is_a_ledger_that_was_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with Ledger.open(path) as ledger:
        assert ledger.counts_by_state() == {}


def test_reading_while_a_run_writes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as writing, Ledger.open(path, read_only=True) as reading:
        with writing.transaction():
            find(writing)
            assert reading.get("qq", ID) is None
        assert row(reading).state is State.FOUND
        with pytest.raises(OSError, match="readonly"):
            find(reading, "other")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_somebody_who_may_not_write_can_look() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        with Ledger.open(folder / "ledger.sqlite") as ledger:
            find(ledger)
        folder.chmod(0o755)
        (folder / "ledger.sqlite").chmod(0o644)
        os.seteuid(65534)
        with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
            assert row(ledger).state is State.FOUND
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)


def test_no_ledger_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"ledger\.sqlite"):
        Ledger.open(tmp_path / "ledger.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_delays_stay_in_bounds_however_often_it_was_tried() -> None:
    assert retry_delay(10_000, timedelta(minutes=1e6)) == timedelta(days=3)


def test_a_date_at_the_end_of_all_time_has_a_next_check() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=8)))
    assert next_check(last, NOW, [HOUR]) is not None
