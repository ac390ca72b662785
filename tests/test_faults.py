"""What goes wrong between the site and the disk: the right exit code, a clear message, nothing harmed, mended later."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ConnectBindError

from demo.crawl import finish, start
from demo.faults import Answer
from demo.site import Site
from newsarchive.archive.files import stray_files
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row, State
from newsarchive.errors import describe, is_fatal
from newsarchive.extensions import is_site_error
from tests.conftest import Crawl, DemoSite, slow
from tests.test_kill import content


def rows(archive: Path) -> dict[str, Row]:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        assert ledger.database.check() == []
        return {row.article_id: row for row in ledger.rows()}


def articles(archive: Path) -> dict[str, bytes]:
    return {Path(path).stem: data for path, data in content(archive).items()}


def assert_nothing_half_written(archive: Path, whole: dict[str, bytes]) -> None:
    found = articles(archive)
    assert [name for name in found if found[name] != whole[name]] == []
    for row in rows(archive).values():
        if row.path:
            assert row.file_hash == hashlib.sha256(found[row.article_id]).hexdigest()


@pytest.fixture
def site(new_site: Callable[..., DemoSite]) -> DemoSite:
    return new_site(articles=50)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """The articles as a crawl without faults reads them."""
    server, crawl = DemoSite(Site(articles=50, filler=2_000)), Crawl()
    server.start()
    try:
        archive = tmp_path_factory.mktemp("whole")
        assert crawl(archive, site=server).returncode == 0
        found = articles(archive)
        assert len(found) == 50
        yield found
    finally:
        crawl.close()
        server.stop()


ON_THE_WIRE: dict[str, State] = {
    "500": State.FAILED,
    "503": State.FAILED,
    "567": State.FAILED,
    "429": State.FAILED,
    "403": State.FAILED,
    "truncated": State.FAILED,
    "long-length": State.FAILED,
    "reset": State.FAILED,
    "reset-midway": State.FAILED,
    "slow": State.FAILED,
    "bad-gzip": State.FAILED,
    "huge": State.FAILED,
    "huge-unsaid": State.FAILED,
    "bomb": State.FAILED,
    "redirect": State.FAILED,
    "404": State.GONE,
    "410": State.GONE,
    "empty": State.QUARANTINED,
    "html": State.QUARANTINED,
    "challenge": State.QUARANTINED,
}


def spoil(site: DemoSite, times: int) -> dict[str, str]:
    """Another article for each kind of fault: kind → its id."""
    ids = [story.id for story in site.site.articles() if story.family == "F5"]
    spoilt = dict(zip(ON_THE_WIRE, ids, strict=False))
    assert len(spoilt) == len(ON_THE_WIRE)
    for kind, article_id in spoilt.items():
        value = {"slow": 8, "redirect": "https://www.qq.com/elsewhere"}.get(kind, "")
        site.site.faults.add(f"/rain/a/{article_id}", kind, times=times, value=value)
    return spoilt


def test_articles_that_cannot_be_had_are_tried_again_in_the_next_run(
    crawl: Crawl, site: DemoSite, whole: dict[str, bytes], tmp_path: Path
) -> None:
    archive = tmp_path / "spoilt"
    spoilt = spoil(site, times=-1)
    first = crawl(archive, site=site, RETRY_TIMES=1, DOWNLOAD_TIMEOUT=4, ARCHIVE_RETRY_MINUTES=0)
    assert first.returncode == 0, first
    assert "Traceback" not in first.stderr, first
    states = {kind: rows(archive)[article_id].state for kind, article_id in spoilt.items()}
    assert states == ON_THE_WIRE
    assert sorted(articles(archive)) == sorted(set(whole) - set(spoilt.values()))
    assert_nothing_half_written(archive, whole)
    for kind, article_id in spoilt.items():
        row = rows(archive)[article_id]
        assert row.reason or kind in {"404", "410"}, row

    site.site.faults.clear()
    second = crawl(archive, "-a", "urls=" + ",".join(spoilt[kind] for kind in ("404", "410")), site=site)
    assert second.returncode == 0, second
    third = crawl(archive, site=site)
    assert third.returncode == 0, third
    assert articles(archive) == whole
    assert list(archive.glob("quarantine/qq/*")) == []


def test_what_goes_wrong_once_is_mended_in_the_same_run(
    crawl: Crawl, site: DemoSite, whole: dict[str, bytes], tmp_path: Path
) -> None:
    archive = tmp_path / "spoilt"
    spoilt = spoil(site, times=1)
    result = crawl(archive, site=site, DOWNLOAD_TIMEOUT=4)
    assert result.returncode == 0, result
    retried = {"500", "503", "567", "429", "truncated", "reset", "reset-midway", "slow", "long-length"}
    missing = set(whole) - set(articles(archive))
    assert missing.isdisjoint(spoilt[kind] for kind in retried), result
    assert_nothing_half_written(archive, whole)


def test_fewer_bytes_than_the_page_has_are_no_shorter_article(
    crawl: Crawl, site: DemoSite, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """The client cannot see it: the answer is as long as it says."""
    archive = tmp_path / "spoilt"
    site.site.faults.add("/rain/a/*", "short-length", times=-1)
    crawl(archive, site=site, RETRY_TIMES=0)
    assert_nothing_half_written(archive, whole)


LIST_FAULTS = ["html", slow("empty"), "truncated", slow("bad-gzip"), slow("500"), "busy"]


@pytest.mark.parametrize("kind", LIST_FAULTS)
def test_a_list_that_cannot_be_had_is_read_in_the_next_run(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, kind: str
) -> None:
    demo_site.site.faults.add("/web_feed/*finance/1", kind, times=-1)
    first = crawl(tmp_path, site=demo_site, RETRY_TIMES=1)
    assert first.returncode == (4 if kind in ("html", "empty") else 0), first
    assert "channel finance" in first.stderr
    assert "Traceback" not in first.stderr
    some = len(content(tmp_path))
    assert 0 < some < len(demo_site.site.articles())
    demo_site.site.faults.clear()
    assert crawl(tmp_path, site=demo_site).returncode == 0
    assert len(content(tmp_path)) == len(demo_site.site.articles())


def test_a_server_that_dies_and_comes_back(
    crawl: Crawl, site: DemoSite, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "died"
    answer, asked_for = site.site.answer, itertools.count(1)

    def answer_or_die(*asked: Any) -> Answer:
        number = next(asked_for)  # given once, however many threads ask: `len(seen)` may skip one
        if number > 21:
            raise ConnectionAbortedError("the server is about to die: it answers no more")
        if number == 21:
            site.stop()
        return answer(*asked)

    with monkeypatch.context() as patch:
        patch.setattr(site.site, "answer", answer_or_die)
        died = crawl(archive, site=site, RETRY_TIMES=0, ARCHIVE_RETRY_MINUTES=0)
    assert died.returncode == 3, died
    assert content(archive)
    assert "Traceback" not in died.stderr
    assert_nothing_half_written(archive, whole)
    site.start()
    assert crawl(archive, site=site).returncode == 0
    assert articles(archive) == whole


# the disk


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; the limit of a file's size is tested for everybody")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


# pages fill it, Markdown files and the ledger fill it, or the ledger meets it first of all
SIZES = {"pages": ("400k", True), "files": ("300k", False), "ledger": ("64k", False)}


@pytest.mark.parametrize("what", ["pages", slow("files"), slow("ledger")])
def test_a_full_disk(crawl: Crawl, site: DemoSite, whole: dict[str, bytes], tmp_path: Path, what: str) -> None:
    size, pages = SIZES[what]
    archive = tmp_path / "disk"
    with small_disk(archive, size):
        full = crawl(archive, site=site, ARCHIVE_PAGES=pages)
        assert full.returncode == 1, full
        assert "No space left on device" in full.stdout + full.stderr
        assert "Traceback" not in full.stderr, full
        assert len(full.stderr.splitlines()) <= 6, full
        if what != "ledger":
            assert 0 < len(content(archive)) < len(whole)
            assert_nothing_half_written(archive, whole)
        subprocess.run(["mount", "-o", "remount,size=50m", archive], check=True)
        mended = crawl(archive, site=site, ARCHIVE_PAGES=pages)
        assert mended.returncode == 0, mended
        assert articles(archive) == whole
        assert list(stray_files(archive)) == []
        assert {row.state for row in rows(archive).values()} == {State.ARCHIVED, State.GONE}


def fill(archive: Path) -> None:
    with suppress(OSError), (archive / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))


def assert_status_says_full(crawl: Crawl, archive: Path) -> None:
    shown = crawl(archive, name="status")
    assert shown.returncode == 1, shown
    assert re.search(rf"full: the disk of {archive} has less than 1 MB left", shown.stdout), shown
    assert "fine" not in shown.stdout
    asked = crawl(archive, "--json", name="status")
    assert asked.returncode == 1, asked
    found = json.loads(asked.stdout)
    assert " MB left" in found["full_disk"]
    assert found["last_run"] is None or found["last_run"]["meaning"] != "fine"


@pytest.mark.parametrize("size", ["4k", slow("8k"), slow("12k"), slow("20k"), slow("48k"), "100k"])
def test_a_disk_that_is_full_from_the_start(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, size: str) -> None:
    archive = tmp_path / "disk"
    with small_disk(archive, size):
        if size == "4k":
            fill(archive)
        full = crawl(archive, site=demo_site)
        assert full.returncode == 1, full
        (line,) = full.stderr.splitlines()
        assert f"No space left on device ({archive}/" in line
        assert_status_says_full(crawl, archive)


def test_a_disk_that_is_full_after_a_fine_run(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "disk"
    with small_disk(archive, "20m"):
        assert crawl(archive, site=demo_site).returncode == 0
        assert crawl(archive, name="status").returncode == 0
        fill(archive)
        full = crawl(archive, site=demo_site)
        assert full.returncode == 1, full
        assert f"No space left on device ({archive}/" in full.stderr
        assert "disk's health" not in full.stderr
        assert_status_says_full(crawl, archive)
        assert "13 archived, 1 gone" in crawl(archive, name="status").stdout
        (archive / "filling").unlink()
        assert crawl(archive, site=demo_site).returncode == 0
        assert "fine (exit code 0)" in crawl(archive, name="status").stdout


def test_a_replay_that_cannot_go_on_ends(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    assert crawl(tmp_path, site=demo_site).returncode == 0
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE articles SET state = 'nonsense'")
    result = crawl(tmp_path, "-a", f"replay={tmp_path / 'pages'}")
    assert (result.returncode, "stopping: the ledger" in result.stderr) == (1, True), result


def test_a_disk_that_fills_while_a_run_goes_on(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, archive = new_site(articles=50), tmp_path / "disk"
    with small_disk(archive, "20m"):
        assert crawl(archive, "-a", "limit=3", site=site).returncode == 0
        answer, asked_for = site.site.answer, itertools.count(1)

        def answer_and_fill(*asked: Any) -> Answer:
            if next(asked_for) == 15:
                fill(archive)
            return answer(*asked)

        with monkeypatch.context() as patch:
            patch.setattr(site.site, "answer", answer_and_fill)
            full = crawl(archive, site=site)
        assert full.returncode == 1, full
        assert " asked for: " in full.stdout
        assert "ERROR: No space left on device" in full.stdout
        assert_status_says_full(crawl, archive)
        (archive / "filling").unlink()
        later = crawl(archive, name="status")
        assert later.returncode == 1, later
        assert "Last run  begun" in later.stdout
        assert "could not write how it ended" in later.stdout
        assert "fine" not in later.stdout
        assert crawl(archive, site=site).returncode == 0
        assert "fine (exit code 0)" in crawl(archive, name="status").stdout


UNWRITTEN = {
    "status.json": ("newsarchive.health.status.write_status", "could not write how it ended"),
    "its row": ("newsarchive.archive.ledger.Ledger.end_run", "No space left on device"),
    "both": (
        "newsarchive.health.status.write_status newsarchive.archive.ledger.Ledger.end_run",
        "could not write how",
    ),
}
FULL = """
from pkgutil import resolve_name

class AddOn:
    def update_settings(self, settings):
        for name in {names!r}.split():
            owner, _, last = name.rpartition(".")
            setattr(resolve_name(owner), last, self.fail)

    @staticmethod
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device", "/the/disk")
"""


@pytest.mark.parametrize("what", [slow("status.json"), slow("its row"), "both"])
def test_a_run_that_cannot_write_how_it_ended_says_it_all_the_same(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    archive, (names, said) = tmp_path / "archive", UNWRITTEN[what]
    assert crawl(archive, "-a", "limit=2", site=demo_site).returncode == 0
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "full.py").write_text(FULL.format(names=names), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path / "plug"))
        result = crawl(archive, site=demo_site, ADDONS='{"full.AddOn": 0}')
    assert result.returncode == 1, result
    assert "11 new" in result.stdout
    assert "ERROR: No space left on device (/the/disk): make room on it" in result.stdout
    shown = crawl(archive, name="status")
    assert said in shown.stdout
    assert "an internal error, or a fault of the machine (exit code 1)" in shown.stdout
    assert "fine" not in shown.stdout
    assert shown.returncode == (0 if what == "its row" else 1), "status.json says it where it could be written"
    assert json.loads(crawl(archive, "--json", name="status").stdout)["last_run"]["exit_code"] == 1


@pytest.mark.parametrize(("limit", "pages"), [(60_000, True), slow(120_000, False), slow(8_192, False)])
def test_a_file_that_may_not_grow(
    crawl: Crawl,
    site: DemoSite,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    pages: bool,
) -> None:
    archive = tmp_path / "limited"
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # whose files may not grow either
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        process = crawl.start(archive, site=site, ARCHIVE_PAGES=pages)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    result = finish(process, archive)
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr, result
    mended = crawl(archive, site=site, ARCHIVE_PAGES=pages)
    assert mended.returncode == 0, mended
    assert articles(archive) == whole
    assert rows(archive)


def test_a_folder_in_which_nothing_may_be_written(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "content").write_text("a file where a folder is expected")
    result = crawl(archive, site=demo_site)
    assert result.returncode == 1, result
    assert "content" in result.stdout
    assert list(archive.glob("quarantine/qq/*")) == [], "it is not the pages' fault"
    (archive / "content").unlink()
    assert crawl(archive, site=demo_site).returncode == 0
    assert len(content(archive)) == len(demo_site.site.articles())


# the machine

FAIL = """
import importlib

class AddOn:
    def update_settings(self, settings):
        owner = importlib.import_module({module!r})
        real, left = getattr(owner, {name!r}), [3]

        def wrapped(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                raise {error}
            return real(*args, **kwargs)

        setattr(owner, {name!r}, wrapped)
"""
SCARCE = {
    "memory": ("newsarchive.qq.pages", "read_article", "MemoryError", "out of memory: give this run more memory"),
    "threads": (
        "newsarchive.archive.warc",
        "packed",
        'RuntimeError("can\'t start new thread")',
        "thread: allow more processes",
    ),
}


@pytest.mark.parametrize("what", SCARCE)
def test_scarcity_on_the_machine_ends_the_run_and_is_no_pages_fault(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    module, name, error, said = SCARCE[what]
    (tmp_path / "plug").mkdir()
    plug = FAIL.format(module=module, name=name, error=error)
    (tmp_path / "plug" / "scarce.py").write_text(plug, encoding="utf-8")
    archive = tmp_path / "archive"
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path / "plug"))
        result = crawl(archive, site=demo_site, ADDONS='{"scarce.AddOn": 0}', ARCHIVE_RETRY_MINUTES=0)
    assert result.returncode == 1, result
    assert said in result.status["last_run"]["message"], result
    assert "Traceback" not in result.stderr
    assert result.status["last_run"]["reason"] == "fault"
    assert list(archive.glob("quarantine/qq/*")) == []
    assert crawl(archive, site=demo_site).returncode == 0
    assert len(content(archive)) == len(demo_site.site.articles())


def test_too_many_open_files_are_no_fault_of_the_site(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"CONCURRENT_REQUESTS": 30, "CONCURRENT_REQUESTS_PER_DOMAIN": 30}
    line = crawl.line(tmp_path, site=demo_site, **settings)
    result = finish(
        start(["sh", "-c", 'unset COVERAGE_PROCESS_CONFIG; ulimit -n 24; exec "$@"', "sh", *line]), tmp_path
    )
    assert result.returncode == 1, result
    assert "Too many open files" in result.stdout + result.stderr
    assert "allow more open files (`ulimit -n`)" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory: give this run more memory, or end other programs"),
        (RuntimeError("can't start new thread"), "can't start new thread: allow more processes and threads"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "unavailable: allow more processes"),
        (OSError(errno.ENFILE, "Too many open files in system"), "system: allow more open files on this machine"),
        (ConnectBindError(errno.EMFILE, "Too many open files"), "Too many open files: allow more open files"),  # type: ignore[no-untyped-call]
        (BrokenProcessPool("A process"), "a process of this program is gone: it was ended by force, or ran out of"),
    ],
)
def test_faults_of_the_machine_in_words(error: BaseException, words: str) -> None:
    assert is_fatal(error)
    assert not is_site_error(error)
    assert words in describe(error)


@pytest.mark.parametrize("error", [RuntimeError("odd"), ConnectBindError(errno.EACCES, "Permission denied")])  # type: ignore[no-untyped-call]
def test_no_faults_of_the_machine(error: BaseException) -> None:
    assert not is_fatal(error)
