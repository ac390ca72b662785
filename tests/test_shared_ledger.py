"""Every command besides the crawl with a ledger in PostgreSQL: found, made from the files, moved, away."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy.settings import Settings

from demo.crawl import PROJECT
from newsarchive.archive.archive import Archive
from newsarchive.archive.database import Place, is_begun, open_postgresql
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.rebuild import move, rebuild
from newsarchive.archive.tables import METADATA, ListRow, Row, RunRow
from newsarchive.errors import ArchiveLocked, BadArgument, LedgerAway, LedgerBroken, describe
from newsarchive.health.status import read_status, status_text
from newsarchive.options import Options
from tests.conftest import Crawl, DemoSite
from tests.postgres import PASSWORD, Server

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEPT = "newsarchive_kept_20261101t120000z"
ABOUT: dict[str, Any] = {"ages": (), "pictures_url": "/pictures/"}


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.emptied()


def contents(place: Place) -> dict[str, Any]:
    """All rows of all tables, and the number that the next run gets."""
    with Ledger.open(place, read_only=True) as ledger:
        found: dict[str, Any] = {it.name: [*map(tuple, ledger.database.raw_rows(it))] for it in METADATA.sorted_tables}
        return found | {"runs given": ledger.database.last_number(METADATA.tables["runs"].c.run)}


def add_odd_rows(path: Path) -> None:
    """What a crawl of the demo site leaves none of."""
    with Ledger.open(path) as ledger:
        odd = 'tab\\t "quote" \\N 文 😀 \\.'
        ledger.found(Row(source="qq", article_id="odd", url="u", entry=odd, first_seen=NOW))
        ledger.put(ListRow(source="qq", where=odd, failures=3, has_named=True))
        ledger.begin_list("qq", "tech")
        ledger.end_run(replace(ledger.add_run(RunRow(started=NOW, pid=1, arguments=odd)), ended=NOW, counts={"a": 0.5}))
        ledger.add_run(RunRow(started=NOW, pid=1, arguments="removed"))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO readings VALUES ('page', 2)")
        raw.execute("DELETE FROM runs WHERE run = (SELECT max(run) FROM runs)")  # its number is not given again
        raw.execute("DELETE FROM articles WHERE seq = 2")
        raw.commit()


# moved


def test_a_ledger_is_the_same_there_and_back(
    crawl: Crawl, sound: tuple[Path, DemoSite], tmp_path: Path, url: str
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(sound[0], archive)
    add_odd_rows(archive / "ledger.sqlite")
    before = contents(archive / "ledger.sqlite")
    assert {name for name, rows in before.items() if not rows} == set()
    there = crawl(archive, f"--from={archive}/ledger.sqlite", name="rebuild", ARCHIVE_LEDGER=url)
    assert there.returncode == 0, there
    assert there.stdout.startswith("New ledger: 11 articles; 1 page in quarantine; ")
    assert contents(url) == before
    again = crawl(archive, f"--from={archive}/ledger.sqlite", name="rebuild", ARCHIVE_LEDGER=url)
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (2, "", 1), again
    assert "has 14 articles already, expected none: nothing was moved" in again.stderr
    back = crawl(tmp_path / "back", f"--from={url}", name="rebuild")
    assert back.returncode == 0, back
    assert contents(tmp_path / "back" / "ledger.sqlite") == before
    assert PASSWORD not in str(there) + str(again) + str(back)
    assert crawl(archive, name="verify", ARCHIVE_LEDGER=url).stdout == crawl(archive, name="verify").stdout


def test_numbers_go_on_after_those_of_the_former_ledger(tmp_path: Path, url: str) -> None:
    add_odd_rows(tmp_path / "ledger.sqlite")
    move(tmp_path / "ledger.sqlite", url, tmp_path, now=NOW)
    move(url, tmp_path / "there" / "ledger.sqlite", tmp_path / "there", now=NOW)
    for place in (url, tmp_path / "there" / "ledger.sqlite"):
        with Ledger.open(place, folder=tmp_path) as ledger:
            assert ledger.add_run(RunRow(started=NOW, pid=1, arguments="")).run == 3
            ledger.put(Row(source="qq", article_id="next", url="u", first_seen=NOW))
            assert [row.article_id for row in ledger.rows()] == ["odd", "next"]


def test_a_target_that_was_begun_is_kept_aside(tmp_path: Path, url: str) -> None:
    add_odd_rows(tmp_path / "ledger.sqlite")
    Ledger.open(url, folder=tmp_path).close()
    assert move(tmp_path / "ledger.sqlite", url, tmp_path, now=NOW).kept == KEPT
    assert contents(url) == contents(tmp_path / "ledger.sqlite")


def test_what_cannot_be_moved_is_refused(tmp_path: Path, url: str, postgres: Server) -> None:
    add_odd_rows(tmp_path / "ledger.sqlite")
    with pytest.raises(BadArgument, match="expected another one"):
        move(url, url, tmp_path, now=NOW)
    with pytest.raises(LedgerBroken, match=r"no ledger in postgresql\+psycopg://\*\*\*@"):
        move(url, tmp_path / "new" / "ledger.sqlite", tmp_path, now=NOW)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as raw:
        raw.execute("UPDATE articles SET reason = 'a' || char(0)")  # nothing of ours writes that
        raw.commit()
    with pytest.raises(LedgerBroken, match="NUL"):
        move(tmp_path / "ledger.sqlite", url, tmp_path, now=NOW)
    assert schemas(postgres) == []


def test_neither_ledger_may_be_held(tmp_path: Path, url: str) -> None:
    options = Options(dir=tmp_path)
    with Archive.open(options, purpose="a run"), pytest.raises(ArchiveLocked, match="held by a run"):
        move(tmp_path / "ledger.sqlite", url, tmp_path, now=NOW)
    with (
        Archive.open(replace(options, ledger=url), purpose="a run", alone=False),
        pytest.raises(ArchiveLocked, match="held by a run, pid"),
    ):
        move(tmp_path / "ledger.sqlite", url, tmp_path, now=NOW)


# from the files


def schemas(server: Server) -> list[str]:
    import psycopg  # noqa: PLC0415  -- an extra

    with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
        found = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'newsarchive%' ORDER BY nspname"
        return [str(name) for (name,) in connection.execute(found)]


def test_it_is_made_from_the_files_as_on_sqlite(sound: tuple[Path, DemoSite], tmp_path: Path, url: str) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(sound[0], archive)
    move(archive / "ledger.sqlite", url, archive, now=NOW)
    with Ledger.open(url, folder=archive) as ledger:
        row = next(ledger.rows())
        ledger.update(row, claimed_by=1)
    of_files, of_database = (rebuild(archive, now=NOW, place=it, **ABOUT) for it in (None, url))
    assert str(of_database).replace(KEPT, "ledger.sqlite.20261101T120000Z.kept") == str(of_files)
    with Ledger.open(archive / "ledger.sqlite") as one, Ledger.open(url, read_only=True) as other:
        assert list(one.rows()) == list(other.rows())
        assert list(one.every_change()) == list(other.every_change())
        assert list(one.pictures()) == list(other.pictures())
        assert one.last_runs(None) == other.last_runs(None)


@pytest.mark.parametrize("problem", [KeyboardInterrupt, LedgerAway])
def test_a_rebuild_that_fails_leaves_the_former_ledger(
    crawled: Path, url: str, postgres: Server, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    rebuild(crawled, now=NOW, place=url, **ABOUT)
    before = contents(url)

    def fail(*_: object) -> None:
        if problem is KeyboardInterrupt:
            raise problem
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%rebuild%'")

    monkeypatch.setattr("newsarchive.archive.rebuild._take_over", fail)
    with pytest.raises(problem):
        rebuild(crawled, now=NOW, place=url, **ABOUT)
    assert contents(url) == before
    assert schemas(postgres) == ["newsarchive"]


def test_a_rebuild_that_is_killed_leaves_the_former_ledger(crawled: Path, url: str, postgres: Server) -> None:
    rebuild(crawled, now=NOW, place=url, **ABOUT)
    before = contents(url)
    killed = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from newsarchive.archive import rebuild

rebuild._take_quarantine = lambda *_: os.kill(os.getpid(), 9)
rebuild.rebuild(Path(sys.argv[1]), now=datetime.now(UTC), place=sys.argv[2], ages=(), pictures_url="/pictures/")
"""
    done = subprocess.run([sys.executable, "-c", killed, str(crawled), url], check=False, cwd=PROJECT)
    assert done.returncode == -9
    assert contents(url) == before
    assert schemas(postgres) == ["newsarchive"]


def test_a_second_rebuild_of_that_second_keeps_both(crawled: Path, url: str, postgres: Server) -> None:
    kept = [rebuild(crawled, now=NOW, place=url, **ABOUT).kept for _ in range(3)]
    assert kept == ["", KEPT, f"{KEPT}_2"]
    assert schemas(postgres) == ["newsarchive", *kept[1:]]


def test_a_run_does_not_begin_a_ledger_beside_documents(
    crawl: Crawl, crawled: Path, demo_site: DemoSite, url: str, postgres: Server
) -> None:
    result = crawl(crawled, site=demo_site, ARCHIVE_LEDGER=url)
    assert (result.returncode, demo_site.site.seen) == (1, []), result
    assert "there are documents and no ledger in postgresql+psycopg://***@" in result.status["last_run"]["message"]
    assert schemas(postgres) == []
    for name in ("status", "changes", "report", "export", "verify", "reextract"):
        shown = crawl(crawled, name=name, ARCHIVE_LEDGER=url)
        assert shown.returncode == 1, shown
        made_by = r"there are documents and no ledger in postgresql\+psycopg://\*\*\*@.*`scrapy rebuild --from PLACE`"
        assert re.search(made_by, shown.stdout + shown.stderr), shown
    assert crawl(crawled, name="rebuild", ARCHIVE_LEDGER=url).stdout.startswith("New ledger: 13 articles; ")
    assert crawl(crawled, site=demo_site, ARCHIVE_LEDGER=url).returncode == 0


def test_whoever_needs_it_alone_is_told_who_has_it(crawl: Crawl, crawled: Path, url: str) -> None:
    rebuild(crawled, now=NOW, place=url, **ABOUT)
    with Archive.open(Options(dir=crawled, ledger=url), purpose="a run", alone=False):
        for name in ("rebuild", "reextract", "verify"):
            result = crawl(crawled, name=name, ARCHIVE_LEDGER=url)
            assert result.returncode == 75, result
            assert re.search(r"\*\*\*@\S+ is held by a run, pid \d+ on \S+: wait", result.stderr), result
        assert "Running   a run, pid " in crawl(crawled, name="status", ARCHIVE_LEDGER=url).stdout
    with closing(open_postgresql(url, read_only=False, purpose="a rebuild", alone=True)):
        result = crawl(crawled, name="crawl qq", ARCHIVE_LEDGER=url)
        assert (result.returncode, "is held by a rebuild, pid" in result.stderr) == (75, True), result


# status


def end(ledger: Ledger, minutes: int, exit_code: int | None, **counts: Any) -> int:
    run = ledger.add_run(RunRow(started=NOW, pid=1, arguments="scrapy crawl qq"))
    if exit_code is not None:
        ended = NOW + minutes * MINUTE
        ledger.end_run(replace(run, ended=ended, exit_code=exit_code, counts={"reason": "finished", **counts}))
    return run.run


def test_status_is_that_of_the_run_that_ended_last_anywhere(tmp_path: Path, url: str) -> None:
    options = Options(dir=tmp_path, ledger=url)
    assert read_status(options)["last_run"] is None
    with Ledger.open(url, folder=tmp_path) as ledger:
        living = end(ledger, 0, None)
        ledger.database.stay_alive(living, 90)
        assert read_status(options)["last_run"] is None
        late, _ = end(ledger, 5, 4, **{"list/read": 9, "alarm/lists empty": 1}), end(ledger, 3, 0)
        found = read_status(options)
        assert (found["last_run"]["run"], found["last_run"]["exit_code"]) == (late, 4)
        assert [alarm["name"] for alarm in found["last_run"]["alarms"]] == ["lists empty"]
        assert "ALARM" not in status_text(found)
        own = found["last_run"] | {"run": 99, "message": "mine", "ended": (NOW + 6 * MINUTE).isoformat()}
        (tmp_path / "status.json").write_text(json.dumps({"last_run": own}))
        assert read_status(options)["last_run"]["message"] == "mine"
        end(ledger, 7, 1)
        assert "its log says why" in read_status(options)["last_run"]["message"]
        ledger.database.stay_alive(living, 0)  # killed, and begun before all of that
        assert read_status(options)["left_no_status"] is False


def test_a_run_that_was_killed_has_left_no_status(tmp_path: Path, url: str) -> None:
    with Ledger.open(url, folder=tmp_path) as ledger:
        end(ledger, 0, None)
    found = read_status(Options(dir=tmp_path, ledger=url))
    assert (found["left_no_status"], found["last_run"]["exit_code"]) == (True, 1)


def test_what_a_crawl_leaves_is_seen_by_every_command(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, tree: Any, url: str
) -> None:
    result = crawl(tmp_path, site=demo_site, ARCHIVE_LEDGER=url, LOG_LEVEL="DEBUG")
    assert result.returncode == 0, result
    assert json.loads(crawl(tmp_path, "--json", name="status", ARCHIVE_LEDGER=url).stdout) == result.status | {
        "held_by": "", "left_no_status": False, "full_disk": "", "problem": "",
    }  # fmt: skip
    assert crawl(tmp_path, name="changes", ARCHIVE_LEDGER=url).stdout.count(" new ") == 13
    assert crawl(tmp_path, name="export", ARCHIVE_LEDGER=url).stdout.count("\n") == 13
    assert "everything is there" in crawl(tmp_path, name="verify", ARCHIVE_LEDGER=url).stdout
    assert "13 pages read: 13 the same" in crawl(tmp_path, name="reextract", ARCHIVE_LEDGER=url).stdout
    assert crawl(tmp_path, name="retry", ARCHIVE_LEDGER=url).stdout == "Nothing in quarantine.\n"
    assert crawl(tmp_path, name="report", ARCHIVE_LEDGER=url).returncode == 0
    assert PASSWORD not in str(result)
    assert [name for name, data in tree(tmp_path).items() if PASSWORD.encode() in data] == []
    assert not (tmp_path / "ledger.sqlite").exists()


# away

COMMANDS = ("crawl qq", "status", "changes", "report", "retry", "reextract", "verify", "rebuild", "export")


@pytest.mark.parametrize("name", [*COMMANDS, "rebuild --from=ledger.sqlite"])
def test_a_wrong_password_is_one_line(crawl: Crawl, crawled: Path, url: str, tree: Any, name: str) -> None:
    wrong = url.replace(PASSWORD, f"not{PASSWORD}")
    name = name.replace("ledger.sqlite", str(crawled / "ledger.sqlite"))
    result = crawl(crawled, name=name, ARCHIVE_LEDGER=wrong, LOG_LEVEL="DEBUG", timeout=25)
    assert result.returncode == 1, result
    [line] = [it for it in result.stderr.splitlines() if not re.match(r"20\d\d-.* (DEBUG|INFO) |[\[{ ]", it)]
    assert re.match(
        rf"scrapy {name.split()[0]}: the ledger postgresql\+psycopg://\*\*\*@127\.0\.0\.1:\d+/postgres", line
    )
    assert "password authentication failed" in line
    assert PASSWORD not in str(result)
    assert [name for name, data in tree(crawled).items() if PASSWORD.encode() in data] == []


def test_what_the_server_refuses_is_not_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("newsarchive.archive.postgres.time.sleep")
    for wrong, reason in {
        url.replace(PASSWORD, f"not{PASSWORD}"): "password authentication failed",
        url.replace(f":{PASSWORD}", ""): "no password supplied",
        f"{url.removesuffix('postgres')}nothing": '"nothing" does not exist',
        f"{url}?mypassword={PASSWORD}": "invalid URI query parameter",
    }.items():
        with pytest.raises(LedgerAway, match=reason) as caught:
            is_begun(wrong)
        assert PASSWORD not in str(caught.value)


def test_a_database_that_is_not_in_utf8_is_refused(crawl: Crawl, url: str, tmp_path: Path) -> None:
    """Its text would come back as bytes."""
    import psycopg  # noqa: PLC0415  -- an extra

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS ascii")
        connection.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    other = urlsplit(url)._replace(path="/ascii").geturl()
    result = crawl(tmp_path, name="rebuild", ARCHIVE_LEDGER=other)
    assert result.returncode == 2, result
    assert "has the encoding SQL_ASCII, expected UTF8: CREATE DATABASE" in result.stderr


def test_a_server_that_is_away_is_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("newsarchive.archive.postgres.time.sleep", waits.append)
    away = re.sub(r":\d+/", ":1/", url)
    with pytest.raises(LedgerAway) as caught:
        is_begun(away)
    assert (len(waits), sum(waits) > 30) == (7, True)
    line = describe(caught.value)
    assert re.match(r"the ledger postgresql\+psycopg://\*\*\*@127\.0\.0\.1:1/postgres cannot be used: ", line)
    assert "\n" not in line


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("crawl qq", "retry")])
def test_a_server_that_is_away_is_one_line(
    crawled: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr("newsarchive.archive.postgres.time.sleep", lambda _: None)
    command = import_module(f"newsarchive.commands.{name}").Command()
    command.settings = Settings()  # `get_project_settings` would leave a variable in this process's environment
    command.settings.setmodule("newsarchive.settings", priority="project")
    command.settings.setdict({"ARCHIVE_DIR": crawled, "ARCHIVE_LEDGER": re.sub(r":\d+/", ":1/", url)})
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    command.add_options(parser)
    options = parser.parse_args([])
    command.check([], options)
    command.run([], options)
    shown = capsys.readouterr()
    assert (command.exitcode, shown.out, shown.err.count("\n")) == (1, "", 1)
    assert re.match(rf"scrapy {name}: the ledger postgresql\+psycopg://\*\*\*@127\.0\.0\.1:1/", shown.err)
    assert "refused" in shown.err


def test_a_user_who_may_not_write(postgres: Server, url: str, tmp_path: Path) -> None:
    postgres.sql("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD 'guest'")
    guest = url.replace(f"newsarchive:{PASSWORD}", "guest:guest")
    with pytest.raises(LedgerAway, match="cannot be used: permission denied"):
        Ledger.open(guest, folder=tmp_path)
    Ledger.open(url, folder=tmp_path).close()
    with pytest.raises(LedgerAway, match="cannot be used: permission denied"):
        Ledger.open(guest, folder=tmp_path)


def test_looking_cannot_write(url: str, tmp_path: Path) -> None:
    Ledger.open(url, folder=tmp_path).close()
    with closing(open_postgresql(url, read_only=True)) as database, pytest.raises(LedgerAway, match="read-only"):
        database.change("DELETE FROM articles", {})


@pytest.mark.parametrize(
    "ledger",
    ["postgresql://me:hunter2@host/x", "postgresql+psycopg://me:12/hunter2@host/x", "postgresql+psycopg://me:h@hunter2@host/x",
     "postgresql+psycopg://me:hunter2@host:port/x", "postgresql+psycopg://me:hunter2@host/x y", "ledger.sqlite"],
)  # fmt: skip
def test_a_wrong_url_shows_no_password(crawl: Crawl, tmp_path: Path, ledger: str) -> None:
    result = crawl(tmp_path, name="status", ARCHIVE_LEDGER=ledger)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), result
    assert "expected nothing, or a URL like postgresql+psycopg://" in result.stderr
    assert PASSWORD not in result.stderr
