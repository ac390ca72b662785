"""A page that ends the process while it is read: it is given up in the end, and the other pages are read."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row, State
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite

TRIES = 2
SETTINGS: dict[str, Any] = {"ARCHIVE_MAX_TRIES": TRIES, "ARCHIVE_RETRY_MINUTES": 0}
KILLED = -signal.SIGKILL
# Python imports this module by itself, also in the processes that a command starts.
AT_THE_START = """
import os, signal
from newsarchive.qq import pages

real = pages.read_article

def read_article(html, url="", thumbnail=""):
    if {victim!r} in (html if isinstance(html, bytes) else html.encode()):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(html, url=url, thumbnail=thumbnail)

pages.read_article = read_article
"""

Deadly = Callable[[str], None]


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deadly:
    """From now on every command ends when it reads a page that holds these words; none do with `""`."""
    folder = tmp_path / "plug"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def switch(words: str) -> None:
        text = AT_THE_START.format(victim=words.encode()) if words else ""
        (folder / "sitecustomize.py").write_text(text, encoding="utf-8")

    return switch


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def victim(site: DemoSite) -> str:
    return next(story.id for story in site.site.articles() if story.family == "F5")


def rows(archive: Path) -> dict[str, Row]:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        return {row.article_id: row for row in ledger.rows()}


def archived(archive: Path) -> set[str]:
    return {path.stem for path in archive.glob("content/**/*.md")}


def ids(site: DemoSite) -> set[str]:
    return {story.id for story in site.site.articles()}


def change(archive: Path, article_id: str, **fields: object) -> None:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        known = ledger.get("qq", article_id)
        assert known
        ledger.put(replace(known, **fields))  # type: ignore[arg-type]


def test_an_article_is_put_off_then_given_up(crawl: Crawl, demo_site: DemoSite, archive: Path, deadly: Deadly) -> None:
    one = victim(demo_site)
    deadly(one)
    assert crawl(archive, site=demo_site, ARCHIVE_PAGES=False).returncode == KILLED
    row = rows(archive)[one]
    assert (row.attempts, row.path) == (1, "")
    assert row.next_try is not None
    assert row.next_try <= datetime.now(UTC), "once it may have been anything, such as a machine that was switched off"
    assert sum(it.attempts for it in rows(archive).values()) == 1, "nobody else is blamed"
    assert crawl(archive, site=demo_site, CONCURRENT_REQUESTS=1, ARCHIVE_PAGES=False).returncode == KILLED
    assert archived(archive) == ids(demo_site) - {one}, "it is read after all others"
    assert crawl(archive, site=demo_site).returncode == KILLED
    row = rows(archive)[one]
    assert (row.attempts, row.path) == (3, "")
    assert row.next_try is not None
    assert row.next_try > datetime.now(UTC) + timedelta(minutes=25)
    result = crawl(archive, site=demo_site)
    assert result.returncode == 0, result

    change(archive, one, attempts=TRIES - 1, next_try=None)
    assert crawl(archive, site=demo_site, **SETTINGS).returncode == KILLED
    result = crawl(archive, site=demo_site, **SETTINGS)
    assert result.returncode == 0, result
    [given_up] = result.status["given_up"]
    assert (given_up["id"], given_up["tries"]) == (one, TRIES)
    assert "the program ended while it read the page" in given_up["reason"]

    deadly("")
    assert crawl(archive, "-a", f"urls={one}", site=demo_site, **SETTINGS).returncode == 0
    assert archived(archive) == ids(demo_site)
    assert (rows(archive)[one].attempts, rows(archive)[one].reason) == (0, "")


def test_the_re_check_of_an_archived_article(crawl: Crawl, demo_site: DemoSite, archive: Path, deadly: Deadly) -> None:
    one = victim(demo_site)
    assert crawl(archive, site=demo_site).returncode == 0
    before = (archive / rows(archive)[one].path).read_bytes()
    demo_site.site.edit(one, title="改得要命的标题")
    make_due(archive)
    change(archive, one, attempts=TRIES - 1)
    deadly("改得要命的标题")
    assert crawl(archive, site=demo_site, **SETTINGS).returncode == KILLED
    result = crawl(archive, site=demo_site, **SETTINGS)
    assert result.returncode == 0, result
    row = rows(archive)[one]
    assert (row.state, row.attempts, row.next_check) == (State.ARCHIVED, TRIES, None)
    assert (archive / row.path).read_bytes() == before
    assert [it.article_id for it in rows(archive).values() if it.attempts] == [one]


def test_a_page_for_the_quarantine_counts_one_try(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    one = victim(demo_site)
    demo_site.site.faults.add(f"/rain/a/{one}", "challenge")
    crawl(archive, "-a", f"urls={one}", site=demo_site)
    assert (rows(archive)[one].state, rows(archive)[one].attempts) == (State.QUARANTINED, 1)
    assert "the program ended" not in rows(archive)[one].reason


def test_a_page_that_takes_all_memory_has_been_tried(tmp_path: Path) -> None:
    """The next time it may take the process with it; any other error is counted by who answers it."""
    now = datetime(2026, 11, 3, tzinfo=UTC)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        for error, tries in ((MemoryError, 1), (ZeroDivisionError, 0)):
            row, _ = ledger.found(Row(source="qq", article_id=error.__name__, url="u", first_seen=now))
            with suppress(error), ledger.reading(row, now=now, again=now):
                raise error
            found = ledger.get("qq", error.__name__)
            assert found
            assert (found.attempts, found.next_try) == ((1, now) if tries else (0, None))
            with suppress(error), ledger.reading_saved(error.__name__):
                raise error
            assert ledger.interrupted_readings(error.__name__) == tries


@pytest.fixture
def saved(demo_site: DemoSite, tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    folder.mkdir()
    for each in ids(demo_site):
        page = demo_site.site.answer("GET", f"/rain/a/{each}", {}, b"").body
        (folder / f"{each}.html").write_bytes(page)
    return folder


def test_a_replay_reads_the_others_first(
    crawl: Crawl, demo_site: DemoSite, archive: Path, saved: Path, deadly: Deadly
) -> None:
    one = min(ids(demo_site))
    shutil.move(saved / f"{one}.html", saved / "0.html")  # the first of all
    deadly(one)
    replay = ("-a", f"replay={saved}")
    assert crawl(archive, *replay, **SETTINGS).returncode == KILLED
    assert archived(archive) == set()
    assert crawl(archive, *replay, **SETTINGS).returncode == KILLED
    assert archived(archive) == ids(demo_site) - {one}
    result = crawl(archive, *replay, **SETTINGS)
    assert result.returncode == 1
    assert f"{saved}/0.html: skipped: reading it has ended the program {TRIES} times" in result.stderr
    deadly("")
    assert crawl(archive, *replay, ARCHIVE_MAX_TRIES=TRIES + 1).returncode == 0
    assert archived(archive) == ids(demo_site)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        assert ledger.interrupted_readings(f"{saved}/0.html") == 0


def test_a_page_in_quarantine(crawl: Crawl, demo_site: DemoSite, archive: Path, deadly: Deadly) -> None:
    demo_site.site.layout = "unknown"
    crawl(archive, site=demo_site)
    one = min(ids(demo_site))
    deadly(one)
    assert crawl(archive, name="retry", ARCHIVE_MAX_TRIES=1).returncode == KILLED
    result = crawl(archive, name="retry", ARCHIVE_MAX_TRIES=1)
    assert result.returncode == 1
    assert f"{one}.html.gz: skipped" in result.stderr
    assert result.status["last_run"]["counts"]["article/quarantined_again"] == len(ids(demo_site)) - 1
    assert len(list(archive.glob("quarantine/qq/*.html.gz"))) == len(ids(demo_site))


@pytest.mark.slow
def test_reextract_names_it_and_reads_the_others(
    crawl: Crawl, demo_site: DemoSite, archive: Path, deadly: Deadly
) -> None:
    assert crawl(archive, site=demo_site).returncode == 0
    one = victim(demo_site)
    deadly(one)
    for options in (["--dry-run"], []):
        result = crawl(archive, *options, name="reextract")
        assert result.returncode == 1, result
        assert f"/{one}: the process that read its page was ended" in result.stderr
        number = len(ids(demo_site))
        assert f"{number} pages read: {number - 1} the same, 0 " in result.stdout
        assert "1 not readable and left alone" in result.stdout
    assert archived(archive) == ids(demo_site)


def test_a_saved_pages_name_may_be_no_text(tmp_path: Path) -> None:
    """A file's name is bytes; those that are no UTF-8 come as half surrogates, which no database takes."""
    page = "saved/\udcff.html"
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        with suppress(MemoryError), ledger.reading_saved(page):
            raise MemoryError
        assert ledger.interrupted_readings(page) == 1
