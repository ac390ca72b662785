"""Several runs share a ledger in PostgreSQL, the work in it and the manners; any of them may be killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.crawl import Result, finish
from demo.faults import Answer
from newsarchive.archive.archive import Archive
from newsarchive.archive.ledger import Ledger, ListState
from newsarchive.archive.tables import ChangeKind, ChangeRow, RunRow, State
from newsarchive.options import Options
from tests.conftest import Crawl, DemoSite, slow, until
from tests.documented import check_status
from tests.postgres import PASSWORD, Server
from tests.test_kill import content
from tests.test_ledger import NOW, archive, find, row

psycopg: Any = pytest.importorskip("psycopg", reason="psycopg is not installed: the extra `cluster` has it")
LEASE = 30
"""Seconds: a run that a loaded machine holds up for longer than that would count as dead."""


@pytest.fixture
def runs(postgres: Server, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger for one more run."""
    url = postgres.emptied()
    with ExitStack() as opened:

        def begin() -> Ledger:
            ledger = opened.enter_context(Ledger.open(url, folder=tmp_path))
            ledger.add_run(RunRow(started=NOW, pid=1, arguments="qq"))
            ledger.database.stay_alive(ledger.run, LEASE)
            return ledger

        yield begin


def die(ledger: Ledger) -> None:
    """As if its last sign of life was so long ago."""
    ledger.database.stay_alive(ledger.run, -1)


def test_what_a_run_was_writing_when_it_died_is_removed_a_day_later(
    runs: Callable[[], Ledger], postgres: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = Options(dir=tmp_path, ledger=postgres.url)
    folder = tmp_path / "content/qq/2026/11"
    folder.mkdir(parents=True)
    old, new = folder / ".A1.md.000000000001.part", folder / ".A2.md.000000000002.part"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    lost = runs()
    die(lost)
    Archive.open(options, purpose="a crawl", alone=False).close()
    assert old.exists()
    postgres.sql("UPDATE newsarchive.workers SET alive_until = now() - interval '25 hours'")
    Archive.open(options, purpose="a crawl", alone=False).close()
    assert (old.exists(), new.exists()) == (False, True)
    assert [it.getMessage() for it in caplog.records] == [f"removed {old}, left by a killed run"]
    lost.close()
    Archive.open(options, purpose="`scrapy reextract`").close()
    assert not new.exists()


# claims


def test_an_article_is_claimed_by_one_run(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    find(one, "A1")
    assert one.claim(row(one, "A1"))
    assert one.claim(row(one, "A1")), "for a retry"
    assert not other.claim(row(other, "A1"))
    assert [it.article_id for it in one.claimed("qq")] == ["A1"]
    assert (other.claimed("qq"), list(other.due("qq", NOW, 8))) == ([], [])
    assert (one.others_at_work("qq"), other.others_at_work("qq")) == (False, True)
    assert not other.others_at_work("second")
    archive(one, "A1")
    assert one.claimed("qq") == []
    assert not other.others_at_work("qq")


def test_what_was_fetched_since_it_was_found_is_not_claimed(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    find(one, "A1")
    as_found = row(one, "A1")
    assert other.claim(row(other, "A1"))
    archive(other, "A1")
    assert not one.claim(as_found)
    assert one.current(as_found).state is State.ARCHIVED


def test_work_that_is_due_is_shared(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    for n in range(50):
        find(one, f"A{n}")
    due = one.due("qq", NOW, 8)
    taken = [next(due).article_id]
    taken += [it.article_id for it in other.due("qq", NOW, 8)]
    taken += [it.article_id for it in due]
    assert sorted(taken) == sorted(f"A{n}" for n in range(50))


def test_another_run_takes_what_a_dead_one_had(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    find(one, "A1")
    find(one, "A2")
    archive(one, "A2", next_check=NOW)
    assert one.claim(row(one, "A1"))
    assert one.claim(row(one, "A2"))
    assert (list(other.due("qq", NOW, 8)), list(other.rechecks("qq", NOW))) == ([], [])
    die(one)
    assert not other.others_at_work("qq")
    assert [(it.article_id, it.claimed_by) for it in other.due("qq", NOW, 8)] == [("A1", other.run)]
    [recheck] = other.rechecks("qq", NOW)
    assert other.claim(recheck)
    assert not one.claim(recheck)


def test_a_machine_leaves_what_another_one_has_in_a_folder_of_its_own(
    crawl: Crawl, postgres: Server, demo_site: DemoSite, tmp_path: Path
) -> None:
    """Else an edit would be in one folder, what it has changed in another."""
    about: dict[str, Any] = {"ARCHIVE_LEDGER": postgres.emptied(), "ARCHIVE_RECHECK_HOURS": "100000"}
    assert crawl(tmp_path / "one", site=demo_site, **about).returncode == 0
    edited = demo_site.site.articles()[0].id
    demo_site.site.edit(edited, title="另一个标题，后来改的")
    postgres.sql("UPDATE newsarchive.articles SET next_check = archived_at WHERE next_check IS NOT NULL")
    other = crawl(tmp_path / "other", site=demo_site, **about)
    assert other.returncode == 0, other
    assert content(tmp_path / "other") == {}
    assert crawl(tmp_path / "one", site=demo_site, **about).status["last_run"]["counts"]["article/revised"] == 1


def test_one_run_reads_a_list(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    assert one.begin_list("qq", "tech") is ListState.BEGUN
    assert one.take_list("qq", "tech") is ListState.UNFINISHED, "its own"
    assert other.begin_list("qq", "tech") is ListState.LEFT_TO_ANOTHER
    assert other.others_at_work("qq")
    die(one)
    assert other.take_list("qq", "tech") is ListState.UNFINISHED
    one.database.stay_alive(one.run, LEASE)
    assert one.take_list("qq", "tech") is ListState.LEFT_TO_ANOTHER
    one.leave_list("qq", "tech")  # which is not its own
    assert one.take_list("qq", "tech") is ListState.LEFT_TO_ANOTHER
    other.leave_list("qq", "tech")  # which could not be read
    assert not one.others_at_work("qq")
    assert one.take_list("qq", "tech") is ListState.UNFINISHED
    one.leave_list("qq", "tech")
    other.finish_list("qq", "tech")
    assert one.take_list("qq", "tech") is None
    assert one.begin_list("qq", "tech") is ListState.BEGUN


# a database that fails


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsarchive.archive.postgres._WAITS", (0.0,) * 20)


def store(ledger: Ledger, *article_ids: str) -> None:
    """With one commit; a new article each, and its change."""
    with ledger.transaction():
        for article_id in article_ids:
            find(ledger, article_id)
            ledger.add_change(ChangeRow(source="qq", article_id=article_id, kind=ChangeKind.NEW, time=NOW))


def stored(ledger: Ledger) -> list[str]:
    found = sorted(it.article_id for it in ledger.rows())
    assert sorted(it.article_id for it in ledger.every_change()) == found
    return found


def test_a_connection_that_ends_within_a_transaction(
    runs: Callable[[], Ledger], postgres: Server, no_waits: None
) -> None:
    ledger = runs()
    new = ChangeRow(source="qq", article_id="A1", kind=ChangeKind.NEW, time=NOW)
    with ledger.transaction():
        find(ledger, "A1")
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        ledger.add_change(new)
    assert stored(ledger) == ["A1"]


def test_a_commit_whose_answer_is_lost(
    runs: Callable[[], Ledger], monkeypatch: pytest.MonkeyPatch, no_waits: None
) -> None:
    ledger = runs()
    carry_out, lost = psycopg.Connection.execute, iter([True])

    def losing(connection: Any, query: Any, *more: Any, **named: Any) -> Any:
        done = carry_out(connection, query, *more, **named)
        if query == b"COMMIT" and next(lost, False):
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return done

    monkeypatch.setattr(psycopg.Connection, "execute", losing)
    store(ledger, "A1", "A2")
    assert next(lost, None) is None
    assert stored(ledger) == ["A1", "A2"]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_transactions_in_each_others_way(
    runs: Callable[[], Ledger], postgres: Server, no_waits: None, isolation: str
) -> None:
    """Two lists name the same articles in another order: a deadlock, or one that cannot be serialised."""
    postgres.sql(f"ALTER ROLE newsarchive SET default_transaction_isolation TO '{isolation}'")
    try:
        ledgers, together = [runs(), runs()], threading.Barrier(2)

        def work(ledger: Ledger, names: list[str]) -> None:
            with ledger.transaction():
                find(ledger, names[0])
                together.wait()
                for name in names:
                    find(ledger, name)
                    ledger.update(row(ledger, name), reason=names[0])

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(work, ledgers, [["A1", "A2"], ["A2", "A1"]]))
        found = list(ledgers[0].rows())
    finally:
        postgres.sql("ALTER ROLE newsarchive RESET default_transaction_isolation")
    assert [it.article_id for it in found] in (["A1", "A2"], ["A2", "A1"])
    assert len({it.reason for it in found}) == 1, "one whole transaction was the last"


def test_a_server_without_a_free_connection_is_asked_again(
    runs: Callable[[], Ledger], postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs()
    others: list[Any] = []
    with suppress(psycopg.OperationalError):
        while True:
            others.append(psycopg.connect(postgres.url.replace("+psycopg", "")))
    assert others
    asked = []

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        while others:
            others.pop().close()

    monkeypatch.setattr("newsarchive.archive.postgres.time.sleep", sleep)
    Ledger.open(postgres.url, folder=tmp_path).close()
    assert asked


# manners


def test_a_turn_at_a_host_is_one_runs(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    assert one.database.take_turn(one.run, "a", 500).wait == 0
    assert 400 < other.database.take_turn(other.run, "a", 1).wait <= 500
    assert other.database.take_turn(other.run, "b", 0).wait == 0
    assert one.database.take_turn(one.run, "b", 0).wait == 0


def test_a_host_that_asks_one_run_to_wait_is_left_in_peace_by_all(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    one.database.quiet("a", 900)
    other.database.quiet("a", 10)  # which does not shorten it
    assert 800 < other.database.take_turn(other.run, "a", 0).wait <= 900


def test_a_refusal_is_for_the_runs_of_now(runs: Callable[[], Ledger]) -> None:
    one, other = runs(), runs()
    one.database.refuse("a")
    assert other.database.take_turn(other.run, "a", 0).is_refused
    assert not other.database.take_turn(other.run, "b", 0).is_refused
    later = runs()
    assert not later.database.take_turn(later.run, "a", 0).is_refused


# crawls


class Workers:
    """Crawls of one site by several processes, which share ledger and folder."""

    def __init__(self, crawl: Crawl, site: DemoSite, postgres: Server, archive: Path) -> None:
        self.crawl, self.site, self.archive = crawl, site, archive
        self.ledger = postgres.emptied()
        self.started: list[Popen[str]] = []
        self.times: list[float] = []
        """When the site was asked for something."""
        self._answer = site.site.answer
        site.site.forget()
        site.site.answer = self._note  # type: ignore[method-assign,assignment]

    def _note(self, *asked: Any) -> Answer:
        self.times.append(time.monotonic())
        return self._answer(*asked)

    def start(self, *arguments: str, **settings: object) -> Popen[str]:
        settings |= {"USER_AGENT": f"worker {len(self.started)}", "ARCHIVE_LEDGER": self.ledger, "ARCHIVE_LEASE": LEASE}
        self.started.append(self.crawl.start(self.archive, *arguments, site=self.site, **settings))  # type: ignore[arg-type]
        return self.started[-1]

    def wait_for(self, requests: int) -> None:
        while len(self.times) < requests:
            assert any(it.poll() is None for it in self.started)
            time.sleep(0.01)

    def finish(self) -> list[Result]:
        results = [finish(it, self.archive, timeout=600) for it in self.started]
        check_status(results[-1].status)
        return results

    def check_articles(self, expected: dict[str, bytes]) -> None:
        """All there, each fetched once, but those that a killed worker had in hand."""
        assert {path: it for path, it in content(self.archive).items() if not path.endswith(".part")} == expected
        pages: dict[str, list[str]] = {}
        for request in self.site.site.seen:
            if request.path.startswith("/rain/a/"):
                pages.setdefault(request.path, []).append(request.headers["user-agent"])
        assert len(pages) >= len(expected)
        killed = {f"worker {n}" for n, it in enumerate(self.started) if it.returncode == -signal.SIGKILL}
        assert {path: by for path, by in pages.items() if not set(by[:-1]) <= killed} == {}
        with Ledger.open(self.ledger, folder=self.archive) as ledger:
            rows = list(ledger.rows())
        assert {it.path for it in rows if it.state is State.ARCHIVED} == set(expected)
        assert {it.revision for it in rows if it.path} == {1}
        assert {it.claimed_by for it in rows} == {None}


@pytest.fixture
def unbroken(crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path) -> Callable[..., Any]:
    """A site, and what one run on SQLite makes of it."""

    def make(articles: int, *arguments: str) -> tuple[DemoSite, dict[str, bytes]]:
        site = new_site(articles=articles, per_page=100)
        assert crawl(tmp_path / "alone", *arguments, site=site).returncode == 0
        return site, content(tmp_path / "alone")

    return make


def test_three_runs_fetch_each_page_once(
    crawl: Crawl, postgres: Server, unbroken: Callable[..., Any], tmp_path: Path
) -> None:
    site, expected = unbroken(60)
    workers = Workers(crawl, site, postgres, tmp_path / "shared")
    for _ in range(3):
        workers.start()
    results = workers.finish()
    for it in results:
        assert (it.returncode, it.stderr) == (0, "")
    workers.check_articles(expected)


def claims(postgres: Server) -> int:
    with Ledger.open(postgres.url, read_only=True) as ledger:
        return sum(it.claimed_by is not None for it in ledger.rows())


def test_lists_that_cannot_be_read_keep_nobody(
    crawl: Crawl, postgres: Server, demo_site: DemoSite, tmp_path: Path
) -> None:
    demo_site.site.faults.add("/web_feed/getPCList/*", 404, times=-1)
    workers = Workers(crawl, demo_site, postgres, tmp_path)
    for _ in range(2):
        workers.start()
    assert {it.returncode for it in workers.finish()} == {4}, "the lists have moved"


def test_one_429_quiets_all(crawl: Crawl, postgres: Server, demo_site: DemoSite, tmp_path: Path) -> None:
    one, other = (it.id for it in demo_site.site.articles()[:2])
    demo_site.site.faults.add("/rain/a/*", 429, times=-1, value="300")
    workers = Workers(crawl, demo_site, postgres, tmp_path)
    workers.start("-a", f"urls={one}", ROBOTSTXT_OBEY=False)
    workers.wait_for(1)
    until(
        lambda: postgres.asked("SELECT count(*) FROM newsarchive.hosts WHERE free_at > now() + interval '100 s'") == 1
    )
    workers.start("-a", f"urls={other}", ROBOTSTXT_OBEY=False)
    until(lambda: claims(postgres) == 2)  # what it does before it asks
    time.sleep(1)
    for it in workers.started:
        it.send_signal(signal.SIGINT)
    workers.finish()
    assert [it.path for it in demo_site.site.seen] == [f"/rain/a/{one}"]


def test_one_501_stops_all(crawl: Crawl, postgres: Server, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/rain/a/*", 501, times=-1)
    workers = Workers(crawl, demo_site, postgres, tmp_path)
    host = urlsplit(demo_site.url).netloc
    with Ledger.open(postgres.url, folder=tmp_path) as ledger:
        ledger.database.quiet(host, 3600)
    for it in demo_site.site.articles()[:2]:
        workers.start("-a", f"urls={it.id}", ROBOTSTXT_OBEY=False, DOWNLOAD_DELAY=300)
    until(lambda: claims(postgres) == 2)
    postgres.sql("UPDATE newsarchive.hosts SET free_at = now()")  # both are waiting for it
    results = workers.finish()
    assert [it.returncode for it in results] == [3, 3]
    said = sorted(line.partition("the site's ")[2] for it in results for line in it.logged())
    assert said == [
        "firewall has refused another run (501): stopped, too",
        "firewall refuses us (501): stopped; wait some hours before the next run",
    ]
    assert len(demo_site.site.seen) == 1


@pytest.mark.slow
def test_postgresql_that_stays_away_is_one_line(
    crawl: Crawl, postgres: Server, unbroken: Callable[..., Any], tmp_path: Path
) -> None:
    site, expected = unbroken(60)
    workers = Workers(crawl, site, postgres, tmp_path / "shared")
    workers.start(DOWNLOAD_DELAY=0.1)
    workers.wait_for(30)
    postgres.stop()
    try:
        [result] = workers.finish()
    finally:
        postgres.start()
    assert result.returncode == 1
    [error] = result.logged()
    assert "cannot be used" in error
    status = (tmp_path / "shared/status.json").read_text("utf-8")
    assert PASSWORD not in result.stderr + result.stdout + status
    workers.start()
    assert workers.finish()[-1].returncode == 0
    assert content(workers.archive) == expected


@pytest.mark.longest(200)
@pytest.mark.parametrize(("kills", "restarts"), [slow(1, 1), slow(20, 2)])
def test_nothing_is_lost_when_runs_are_killed_and_postgresql_restarts(
    kills: int, restarts: int, crawl: Crawl, postgres: Server, unbroken: Callable[..., Any], tmp_path: Path
) -> None:
    articles, delay = 1_000, 0.02
    site, expected = unbroken(articles, "-a", "pages=20")
    workers = Workers(crawl, site, postgres, tmp_path / "shared")
    dice, begun = random.Random(kills), time.monotonic()
    living = [workers.start("-a", "pages=20", DOWNLOAD_DELAY=delay) for _ in range(3)]
    events = ["kill"] * kills + ["restart"] * restarts
    dice.shuffle(events)
    for n, event in enumerate(events, 1):
        workers.wait_for(n * 900 // (len(events) + 1))
        if event == "restart":
            postgres.stop()
            postgres.start()
            continue
        victim = living.pop(dice.randrange(3))
        assert victim.poll() is None, victim.communicate()
        victim.kill()
        victim.wait()
        living.append(workers.start("-a", "pages=20", DOWNLOAD_DELAY=delay))
    results = workers.finish()
    assert sorted(it.returncode for it in results) == [-signal.SIGKILL] * kills + [0] * 3, results
    workers.check_articles(expected)
    # a request may come late, and so just before the next one, but never before its turn
    early = [n for n, at in enumerate(workers.times) if at - begun < (n - 5) * delay]
    assert early == []
