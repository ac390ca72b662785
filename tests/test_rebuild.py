"""A lost or broken ledger is made again from the Markdown files."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive.archive import NO_LEDGER, Archive
from newsarchive.archive.documents import Change
from newsarchive.archive.files import Lock, stray_files
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.rebuild import rebuild
from newsarchive.archive.tables import PictureRow, Row, RunRow, State
from newsarchive.archive.verify import verify
from newsarchive.commands.reextract import reextract
from newsarchive.errors import LedgerBroken
from newsarchive.health.status import read_status
from newsarchive.options import Options
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite, slow
from tests.test_rechecks import content, counts

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
DOCUMENT = """---
title: "题"
date: "2026-10-31 23:30:00"
summary: ""
thumbnail: "https://inews.gtimg.com/om_ls/x/0"
---

正文

[qq](https://new.qq.com/rain/a/20261031A00AB100)
"""


def write(folder: Path, text: str = DOCUMENT, name: str = "20261031A00AB100", month: str = "10") -> Path:
    path = folder / "content" / "qq" / "2026" / month / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return path


def rows(folder: Path) -> list[Row]:
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return list(ledger.rows())


def stored_picture(article_id: str) -> PictureRow:
    return PictureRow(source="qq", article_id=article_id, url="https://x/1", path="pictures/1.png", hash="h")


def test_what_a_file_tells(tmp_path: Path) -> None:
    write(tmp_path)
    for n in (1, 2):
        former = tmp_path / "revisions" / "qq" / "20261031A00AB100" / f"{n}.md"
        former.parent.mkdir(parents=True, exist_ok=True)
        former.touch()
    outcome = rebuild(tmp_path, now=NOW, ages=[timedelta(days=1)])
    assert str(outcome) == "1 article; 0 pages in quarantine"
    [row] = rows(tmp_path)
    assert row.published is not None
    assert row.published.isoformat() == "2026-10-31T23:30:00+08:00"
    assert row.next_check == row.published + timedelta(days=1)
    assert (row.state, row.revision, row.archived_at) == (State.ARCHIVED, 3, NOW)
    assert row.url == "https://new.qq.com/rain/a/20261031A00AB100"
    assert row.path == "content/qq/2026/10/20261031A00AB100.md"
    assert row.thumbnail == "https://inews.gtimg.com/om_ls/x/0"
    assert row.content_hash == row.file_hash
    assert len(row.file_hash) == 64


def test_a_document_with_local_pictures_does_not_tell_its_reference(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT.replace("正文", "正文\n\n![图片](/pictures/qq/2026/10/x/01-ab.png)"))
    rebuild(tmp_path, now=NOW, pictures_url="/pictures/")
    [row] = rows(tmp_path)
    assert (row.content_hash, len(row.file_hash)) == ("", 64)


SITE = "https://inews.gtimg.com/om_bt/x/641"
LOCAL = "/pictures/qq/2026/10/20261031A00AB100/01-9f86d081884c7d65.png"
LINKS = "正文，见[来源](https://example.com/1)"


@pytest.mark.parametrize(
    ("said", "now", "found"),
    [
        ((LINKS, LOCAL), (LINKS, SITE), Change.UNCHANGED),
        ((LINKS, LOCAL), (LINKS.replace("/1", "/2"), SITE), Change.REVISED),
        ((f"- {LINKS}", LOCAL), (f"- {LINKS.replace('/1', '/2')}", SITE), Change.REVISED),
        ((f"`![a](b)` {LINKS}", LOCAL), (f"`![a](c)` {LINKS}", SITE), Change.REVISED),
        ((LINKS, SITE), (LINKS, SITE.replace("/641", "/1000")), Change.REVISED),
        ((f"{LINKS}\n\n![图片]({SITE})", LOCAL), (f"{LINKS}\n\n![图片]({SITE}/1)", SITE), Change.REVISED),
    ],
)
def test_after_a_rebuild_only_where_local_pictures_came_from_is_no_edit(
    tmp_path: Path, said: tuple[str, str], now: tuple[str, str], found: Change
) -> None:
    def text(body: tuple[str, str]) -> str:
        return DOCUMENT.replace("正文", f"{body[0]}\n\n![图片]({body[1]})")

    write(tmp_path, text((said[0], LOCAL)))
    rebuild(tmp_path, now=NOW, pictures_url="/pictures/")
    path = write(tmp_path, text(said))
    with Archive.open(Options(dir=tmp_path), purpose="a test", now=lambda: NOW) as archive:
        [row] = archive.ledger.rows()
        row = replace(row, file_hash=hashlib.sha256(path.read_bytes()).hexdigest())
        assert archive.compare(row, text(now)) is found


BAD = {
    "no front matter": ("正文\n\n[qq](https://new.qq.com/rain/a/20261031A00AB100)\n", "no date"),
    "no date": (DOCUMENT.replace("date:", "when:"), "no date"),
    "no real date": (DOCUMENT.replace("2026-10-31 23:30:00", "yesterday"), "yesterday"),
    "no source line": (DOCUMENT.replace("[qq](", "[wb]("), "no source line"),
    "another article's": (DOCUMENT.replace("/20261031A00AB100", "/20261031A00ZZ900"), "names another article"),
    "broken YAML": (DOCUMENT.replace('title: "题"', 'title: "题'), ""),
    "no day": (DOCUMENT.replace('"2026-10-31 23:30:00"', "2026-13-45"), "month must be in 1..12"),
    "no time": (DOCUMENT.replace('"2026-10-31 23:30:00"', "!!timestamp x"), ""),
    "empty": ("", "no source line"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path, what: str) -> None:
    text, said = BAD[what]
    path = write(tmp_path, text)
    outcome = rebuild(tmp_path, now=NOW, ages=[timedelta(days=1)])
    [reason] = outcome.unreadable
    assert reason.startswith("content/qq/2026/10/20261031A00AB100.md: ")
    assert said in reason
    assert rows(tmp_path) == []
    assert path.read_text(encoding="utf-8") == text


def test_bytes_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path).write_bytes(b"\xff\xfe\x00")
    assert len(rebuild(tmp_path, now=NOW).unreadable) == 1


def test_rebuild_on_all_cores_gives_the_same_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(6):
        id_ = f"20261031A00AB{nth}00"
        write(tmp_path, DOCUMENT.replace("20261031A00AB100", id_), id_)
    write(tmp_path, "no document", "20261031A00AB900")
    alone = rebuild(tmp_path, now=NOW)
    monkeypatch.setattr("newsarchive.archive.rebuild._BATCH", 2)
    monkeypatch.setattr("newsarchive.archive.rebuild._FEW", 3)  # more are for other processes
    expected = rows(tmp_path)
    assert len(expected) == 6
    (tmp_path / "ledger.sqlite").unlink()
    together = rebuild(tmp_path, now=NOW)
    assert rows(tmp_path) == expected
    assert together == alone
    assert len(together.unreadable) == 1


def test_a_run_rebuilds_without_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would begin the program again in which a user crawls."""

    def refuse() -> None:
        raise AssertionError("another process")

    monkeypatch.setattr("newsarchive.archive.parallel._process", refuse)
    monkeypatch.setattr("newsarchive.archive.parallel.usable_cores", lambda: 2)
    monkeypatch.setattr("newsarchive.archive.rebuild._FEW", 1)
    for nth in range(3):
        id_ = f"20261031A00AB{nth}00"
        write(tmp_path, DOCUMENT.replace("20261031A00AB100", id_), id_)
    with pytest.raises(AssertionError, match="another process"):
        rebuild(tmp_path, now=NOW)
    Archive.open(Options(dir=tmp_path), purpose="test").close()
    assert len(rows(tmp_path)) == 3


def test_of_two_files_of_one_article_the_second_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, month="11")
    outcome = rebuild(tmp_path, now=NOW)
    assert (outcome.articles, len(outcome.unreadable)) == (1, 1)
    assert "the same article as content/qq/2026/10/" in outcome.unreadable[0]


def test_the_former_ledger_is_kept_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    write(tmp_path)
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"ledger.sqlite{suffix}").write_text(f"broken{suffix}")
    outcome = rebuild(tmp_path, now=NOW)
    assert outcome.kept == "ledger.sqlite.20261101T120000Z.kept"
    for suffix in ("", "-wal"):
        assert (tmp_path / f"ledger.sqlite.20261101T120000Z.kept{suffix}").read_text() == f"broken{suffix}"
    assert len(rows(tmp_path)) == 1
    rebuild(tmp_path, now=NOW)
    assert (tmp_path / "ledger.sqlite.20261101T120000Z.kept").read_text() == "broken"


def test_a_rebuild_that_is_stopped_leaves_the_former_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    (tmp_path / "ledger.sqlite").write_text("broken")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("newsarchive.archive.rebuild.read_row", stop)
    with pytest.raises(KeyboardInterrupt):
        rebuild(tmp_path, now=NOW)
    assert (tmp_path / "ledger.sqlite").read_text() == "broken"
    assert list(stray_files(tmp_path)) == []


def test_opening_sweeps_what_a_killed_run_left(tmp_path: Path) -> None:
    write(tmp_path)
    strays = [tmp_path / "content" / "qq" / "2026" / "10" / ".x.md.0123456789ab.part", tmp_path / ".l.part-wal"]
    for stray in strays:
        stray.touch()
    with Archive.open(Options(dir=tmp_path), purpose="a test", now=lambda: NOW) as archive:
        assert [row.article_id for row in archive.ledger.rows()] == ["20261031A00AB100"], "and rebuilds a lost ledger"
    assert not any(stray.exists() for stray in strays)


def test_folders_are_swept_only_when_a_run_was_killed(tmp_path: Path) -> None:
    """In an archive of a million articles that takes more time than all else."""
    write(tmp_path)
    stray = tmp_path / "content" / "qq" / ".x.md.0123456789ab.part"

    def is_left_by_a_run() -> bool:
        Archive.open(Options(dir=tmp_path), purpose="a test", now=lambda: NOW).close()
        return stray.exists()

    assert not is_left_by_a_run()
    stray.touch()
    assert is_left_by_a_run()
    assert "left over" in [it.what for it in verify(Options(dir=tmp_path))[1]]
    assert not is_left_by_a_run(), "what was found is removed"
    stray.touch()
    lock = Lock(tmp_path / ".lock")
    lock.acquire("killed", NOW)
    lock.is_clean = False  # as a kill leaves it
    lock.release()
    assert not is_left_by_a_run()
    stray.touch()
    assert is_left_by_a_run()


def test_an_emptied_ledger_is_rebuilt_also_after_somebody_has_looked_at_it(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        (tmp_path / name).touch()
    with Archive.open(Options(dir=tmp_path), purpose="a test", now=lambda: NOW) as archive:
        assert [row.article_id for row in archive.ledger.rows()] == ["20261031A00AB100"]


def test_a_ledger_that_can_be_read_loses_nothing(tmp_path: Path) -> None:
    path = write(tmp_path)
    rebuild(tmp_path, now=NOW)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        waiting, _ = ledger.found(
            Row(source="qq", article_id="waiting", url="u", where="tech", thumbnail="t", first_seen=NOW)
        )
        ledger.failed(waiting, reason="HTTP status 500", now=NOW, next_try=NOW)
        row = ledger.get("qq", path.stem)
        assert row
        ledger.update(row, warc_file="qq-1.warc.gz", warc_offset=7)
        ledger.put(stored_picture(path.stem))
        run = RunRow(started=NOW, ended=NOW, pid=1, arguments="qq", exit_code=4, counts={"a": 1})
        ledger.end_run(ledger.add_run(run))
        ledger.add_run(RunRow(started=NOW, pid=2, arguments="killed"))
        before = list(ledger.rows()), list(ledger.pictures()), ledger.last_runs(9)
    outcome = rebuild(tmp_path, now=NOW)
    assert "1 more (removed, or still to be fetched) taken over" in str(outcome)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        after = list(ledger.rows()), list(ledger.pictures()), ledger.last_runs(9)
    assert sorted(after[0], key=str) == sorted(before[0], key=str)
    assert after[1:] == before[1:]


def test_a_rebuild_that_was_killed_between_two_names_loses_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.found(Row(source="qq", article_id="waiting", url="u", where="tech", first_seen=NOW))
        ledger.database.compact()
    (tmp_path / "ledger.sqlite").rename(tmp_path / "ledger.sqlite.20261101T115959Z.kept")
    rebuild(tmp_path, now=NOW)
    assert [row.article_id for row in rows(tmp_path)] == ["waiting"]


def test_a_document_that_the_former_ledger_knew_otherwise_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path)
    rebuild(tmp_path, now=NOW)
    path.write_text(path.read_text("utf-8").replace("\n[qq]", "\n又一段。\n\n[qq]"), "utf-8")
    rebuild(tmp_path, now=NOW)
    named = path.relative_to(tmp_path)
    assert f"{named}: differs from the former ledger, recorded as it is now" in caplog.text


def test_rows_that_cannot_be_read_cost_themselves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        for name in ("first", "broken", "last"):
            ledger.found(Row(source="qq", article_id=name, url="u", where="tech", first_seen=NOW))
            ledger.put(stored_picture(name))
            ledger.add_run(RunRow(started=NOW, pid=1, arguments=name))
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE articles SET first_seen = 'yesterday' WHERE article_id = 'broken'")
        connection.execute("UPDATE pictures SET state = 'odd' WHERE article_id = 'broken'")
        connection.execute("UPDATE runs SET counts = 'none' WHERE arguments = 'broken'")
    connection.close()
    rebuild(tmp_path, now=NOW)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert [row.article_id for row in ledger.rows()] == ["first", "last"]
        assert [row.article_id for row in ledger.pictures()] == ["first", "last"]
        assert [run.arguments for run in ledger.last_runs(9)] == ["last", "first"]
    assert "row of qq broken among the articles" in caplog.text
    assert "(and 2 more)" in caplog.text


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"\xff")])
def test_a_document_that_is_lost_is_missed(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = write(tmp_path)
    rebuild(tmp_path, now=NOW)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        row = ledger.get("qq", path.stem)
        assert row
        ledger.update(row, warc_file="qq-1.warc.gz", warc_offset=7)
    before = rows(tmp_path)
    damage(path)
    outcome = rebuild(tmp_path, now=NOW)
    assert "1 without a readable document taken over" in str(outcome)
    assert rows(tmp_path) == before


@pytest.mark.parametrize("known", ["10", "11"])
@pytest.mark.parametrize("edited", [False, True])
def test_of_two_files_of_one_article_the_one_that_the_former_ledger_knows_stays(
    tmp_path: Path, known: str, edited: bool
) -> None:
    path = write(tmp_path, month=known)
    rebuild(tmp_path, now=NOW)
    for month in ("09", "10", "11"):
        if month != known:
            write(tmp_path, DOCUMENT.replace("正文", f"{month}月的正文"), month=month)
    if edited:
        path.write_text(DOCUMENT.replace("正文", "改过的正文"), encoding="utf-8")
    outcome = rebuild(tmp_path, now=NOW)
    [row] = rows(tmp_path)
    assert row.path == f"content/qq/2026/{known}/20261031A00AB100.md"
    assert row.file_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert outcome.unreadable == [
        f"content/qq/2026/{month}/20261031A00AB100.md: the same article as {row.path}"
        for month in ("09", "10", "11")
        if month != known
    ]


def test_where_ledger_and_file_disagree_the_file_is_right(tmp_path: Path) -> None:
    path = write(tmp_path)
    rebuild(tmp_path, now=NOW)
    path.write_text(DOCUMENT.replace("正文", "另一个正文"), encoding="utf-8")
    rebuild(tmp_path, now=NOW)
    [row] = rows(tmp_path)
    assert row.file_hash == hashlib.sha256(path.read_bytes()).hexdigest()


# a rebuild that is killed

KEPT = "ledger.sqlite.20261101T120000Z.kept"


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Runs `work` in a process that ends just before its nth step on the disk; whether it came so far."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = number

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            return step(*args, **kwargs)

        return wrapped

    for name in ("open", "rename", "replace", "unlink", "fsync", "link"):
        setattr(os, name, counted(getattr(os, name)))
    work()
    os._exit(0)


def leave_in_log(folder: Path) -> None:
    """Rows that only the log beside the ledger has, as after a kill."""
    child = os.fork()
    if not child:
        ledger = Ledger.open(folder / "ledger.sqlite")
        ledger.found(Row(source="qq", article_id="waiting", url="u", where="tech", first_seen=NOW))
        ledger.add_run(RunRow(started=NOW, pid=1, arguments="killed"))
        os._exit(0)
    os.waitpid(child, 0)


def known(folder: Path) -> tuple[list[str], list[str]]:
    with Archive.open(Options(dir=folder), purpose="a test", now=lambda: NOW) as archive:
        return [row.article_id for row in archive.ledger.rows()], [
            run.arguments for run in archive.ledger.last_runs(9)
        ]  # fmt: skip


@pytest.mark.parametrize(("looked_at", "step"), [(False, 5), slow(False, 1), slow(True, 1)])
def test_a_rebuild_that_is_killed_anywhere_loses_nothing(tmp_path: Path, looked_at: bool, step: int) -> None:
    """Also while somebody reads the former ledger, so that its log cannot be emptied."""
    for number in range(1, 100, step):
        folder = tmp_path / str(number)
        write(folder)
        rebuild(folder, now=NOW)
        leave_in_log(folder)
        assert (folder / "ledger.sqlite-wal").stat().st_size > 0
        with ExitStack() as stack:
            if looked_at:
                reader = stack.enter_context(closing(sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)))
                reader.execute("BEGIN")
                reader.execute("SELECT * FROM articles").fetchone()
            killed = killed_at(number, lambda folder=folder: rebuild(folder, now=NOW))  # type: ignore[misc]
        assert known(folder) == (["20261031A00AB100", "waiting"], ["killed"]), f"killed at step {number}"
        rest = sorted(it.name for it in folder.iterdir() if ".kept" not in it.name)
        assert rest == [".lock", "content", "ledger.sqlite"]
        assert list(stray_files(folder)) == []
        if not killed:
            break
    assert number > 10


@pytest.mark.parametrize("step", [5, slow(1)])
def test_a_killed_rebuild_of_a_ledger_that_it_cannot_read_leaves_its_log_beside_it(tmp_path: Path, step: int) -> None:
    for number in range(1, 100, step):
        folder = tmp_path / str(number)
        write(folder)
        rebuild(folder, now=NOW)
        leave_in_log(folder)
        with (folder / "ledger.sqlite").open("r+b") as file:
            file.write(b"not a ledger")
        before = [(folder / f"ledger.sqlite{end}").read_bytes() for end in ("", "-wal")]
        killed = killed_at(number, lambda folder=folder: rebuild(folder, now=NOW))  # type: ignore[misc]
        found = [(folder / f"{name}{end}") for name in ("ledger.sqlite", KEPT) for end in ("", "-wal")]
        data = [path.read_bytes() if path.exists() else b"" for path in found]
        assert before in (data[:2], data[2:]), f"killed at step {number}"
        rebuild(folder, now=NOW)
        assert known(folder) == (["20261031A00AB100"], [])
        if not killed:
            break
    assert number > 10


def test_waiting_articles_alone_outlast_a_killed_rebuild(tmp_path: Path) -> None:
    """There is no document that could tell that there was a ledger."""
    leave_in_log(tmp_path)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.database.compact()
    (tmp_path / "ledger.sqlite").rename(tmp_path / "ledger.sqlite.20261101T115959Z.kept")
    assert known(tmp_path) == (["waiting"], ["killed"])


def without_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title)")


@pytest.mark.parametrize("make", [Path.touch, without_tables, of_another_program])
def test_a_ledger_without_tables_is_a_missing_one(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = write(tmp_path)
    rebuild(tmp_path, now=NOW)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.found(Row(source="qq", article_id="waiting", url="u", where="tech", first_seen=NOW))
        ledger.database.compact()
    (tmp_path / "ledger.sqlite").rename(tmp_path / "ledger.sqlite.20261101T115959Z.kept")
    make(tmp_path / "ledger.sqlite")
    options = Options(dir=tmp_path)
    assert [NO_LEDGER in it.reason for it in verify(options)[1]] == [True]
    assert read_status(Options(dir=tmp_path))["problem"] == NO_LEDGER
    with pytest.raises(LedgerBroken, match=NO_LEDGER):
        reextract(options, "qq", frozenset(), dry_run=True)
    assert known(tmp_path)[0] == [path.stem, "waiting"]


def of_the_former_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "ledgers" / "version-3.sql").read_text("utf-8"))


def test_a_ledger_of_the_former_version_is_migrated_and_not_rebuilt(tmp_path: Path) -> None:
    write(tmp_path)
    of_the_former_version(tmp_path / "ledger.sqlite")
    articles, runs = known(tmp_path)
    assert (len(articles), len(runs)) == (15, 3)
    assert "20261031A00AB100" not in articles
    assert not list(tmp_path.glob("*.kept"))


@pytest.mark.parametrize("name", ["ledger.sqlite", KEPT])
def test_a_rebuild_takes_over_from_a_ledger_of_the_former_version(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    of_the_former_version(tmp_path / name)
    with closing(sqlite3.connect(tmp_path / name)) as connection:
        connection.execute("UPDATE articles SET published = 'yesterday' WHERE article_id = '20261101A01B5J00'")
        connection.commit()
    rebuild(tmp_path, now=NOW)
    articles, runs = known(tmp_path)
    assert (len(articles), len(runs)) == (15, 3)
    assert "20261031A00AB100" in articles
    assert "20261101A01B5J00" not in articles
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert len(list(ledger.pictures())) == 23
        assert {it.where for it in ledger.list_rows()} == {"channel finance", "channel nba", "channel tech", "hot list"}


def test_what_sqlite_had_beside_a_lost_ledger_is_removed(tmp_path: Path) -> None:
    """It would be taken for the new ledger's own."""
    write(tmp_path)
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite-journal", f"{KEPT}-wal",
                 ".ledger.sqlite.0123456789ab.part-journal"):  # fmt: skip
        (tmp_path / name).write_bytes(b"x" * 4096)
    assert len(list(stray_files(tmp_path))) == 5
    assert known(tmp_path) == (["20261031A00AB100"], [])
    assert sorted(it.name for it in tmp_path.iterdir()) == [".lock", "content", "ledger.sqlite"]


# on the real thing


def comparable(row: Row) -> Row:
    """Without what Markdown files do not tell."""
    return replace(
        row, where="", first_seen=NOW, entry="", archived_at=None, last_checked=None, next_check=None, family="",
        etag="", last_modified="", warc_file="", warc_offset=None, publisher="", channels=(), site_tags=(),
    )  # fmt: skip


def archived(folder: Path) -> list[Row]:
    return sorted((comparable(row) for row in rows(folder) if row.path), key=lambda row: row.article_id)


@pytest.fixture
def archive(crawled: Path) -> Path:
    return crawled


def lose(archive: Path) -> None:
    for path in archive.glob("ledger.sqlite*"):
        path.unlink()


def damage(archive: Path) -> None:
    lose(archive)
    (archive / "ledger.sqlite").write_bytes(b"not a ledger " * 500)


@pytest.mark.parametrize("how", [lose, damage])
def test_rebuild_gives_the_rows_of_the_crawl(
    crawl: Crawl, demo_site: DemoSite, archive: Path, how: Callable[[Path], None]
) -> None:
    before, files = archived(archive), content(archive)
    how(archive)
    if how is damage:
        assert crawl(archive, site=demo_site).returncode == 1
    result = crawl(archive, name="rebuild")
    assert result.returncode == 0, result
    assert f"{len(before)} articles" in result.stdout
    assert archived(archive) == before
    demo_site.site.forget()
    again = crawl(archive, site=demo_site)
    assert (again.returncode, counts(again).get("new", 0)) == (0, 0), again
    make_due(archive)
    checked = crawl(archive, site=demo_site)
    assert counts(checked).get("revised", 0) == 0, checked
    assert content(archive) == files


def test_a_lost_ledger_is_rebuilt_at_the_start_of_a_run(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    before = archived(archive)
    lose(archive)
    result = crawl(archive, site=demo_site)
    assert result.returncode == 0, result
    assert "no ledger" in result.stderr
    assert counts(result).get("new", 0) == 0
    assert archived(archive) == before


def test_pages_in_quarantine_are_in_the_new_ledger(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.layout = "unknown"
    crawl(tmp_path, site=demo_site)
    lose(tmp_path)
    assert crawl(tmp_path, name="rebuild").returncode == 0
    assert {row.state for row in rows(tmp_path)} == {State.QUARANTINED}
    assert all(row.thumbnail and "no page family" in row.reason for row in rows(tmp_path))


def test_rebuild_does_not_begin_while_a_run_goes_on(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    with Archive.open(Options(dir=archive), purpose="a run that goes on", now=lambda: NOW):
        result = crawl(archive, name="rebuild")
    assert result.returncode == 75
    assert "a run that goes on" in result.stderr


def test_what_was_left_alone_is_said_once(crawl: Crawl, tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "no article", month="11")
    for kept in ("", r"; the former ledger is kept as ledger\.sqlite\.\S+"):
        result = crawl(tmp_path, name="rebuild")
        assert result.returncode == 0, result
        assert (result.stdout + result.stderr).count("content/qq/2026/11/20261031A00AB100.md") == 1, result
        expected = rf"New ledger: 1 article; 0 pages in quarantine; 1 file could not be read, left alone{kept}\n"
        assert re.fullmatch(expected, result.stdout), result


@pytest.mark.parametrize("name", ["nothing", ""])
def test_rebuild_of_what_is_no_archive(crawl: Crawl, tmp_path: Path, name: str) -> None:
    result = crawl(tmp_path / name, name="rebuild")
    assert list(tmp_path.iterdir()) == []
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_date_at_the_end_of_all_time_is_one(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT.replace("2026-10-31", "9999-12-31"))
    assert rebuild(tmp_path, now=NOW, ages=[timedelta(days=1)]).articles == 1
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert len(list(ledger.rows())) == 1
        assert ledger.newest(NOW) is None, "it says nothing about what is new"
