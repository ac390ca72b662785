"""A run may be stopped at any moment, in any way: the next one brings the archive to where it would have been."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import finish
from demo.faults import Answer
from newsarchive.archive.files import stray_files
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import State
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite, until

DEEP = ("-a", "pages=9")
"""As many list pages as it takes."""


def content(archive: Path) -> dict[str, bytes]:
    return {
        path.relative_to(archive).as_posix(): path.read_bytes() for path in sorted(archive.glob("content/**/*"))
        if path.is_file()
    }  # fmt: skip


def assert_whole(archive: Path, expected: dict[str, bytes]) -> None:
    """All articles there, each whole, none twice; the ledger knows exactly these."""
    found = content(archive)
    assert sorted(found) == sorted(expected)
    assert [path for path in expected if found[path] != expected[path]] == []
    assert not (archive / "revisions").exists()
    assert list(stray_files(archive)) == []
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        assert ledger.database.check() == []
        rows = list(ledger.rows())
    archived = {row.path: row for row in rows if row.state is State.ARCHIVED}
    assert {row.state for row in rows} <= {State.ARCHIVED, State.GONE}
    assert sorted(archived) == sorted(expected)
    for path, row in archived.items():
        assert row.file_hash == hashlib.sha256(expected[path]).hexdigest()
        assert row.revision == 1


@pytest.fixture
def small_site(new_site: Callable[..., DemoSite]) -> DemoSite:
    return new_site(articles=60)


class Unbroken:
    """What a run that nobody stops leaves behind, and how many requests it makes."""

    def __init__(self, crawl: Crawl, site: DemoSite, archive: Path) -> None:
        site.site.forget()
        result = crawl(archive, *DEEP, site=site)
        self.requests = len(site.site.seen)
        assert result.returncode == 0, result
        self.content = content(archive)
        assert len(self.content) == len(site.site.articles())


@dataclass(frozen=True)
class Moment:
    """So many seconds after so many requests; the last of them is answered only then, so the run cannot end before."""

    requests: int
    seconds: float


def moments(number: int, requests: int, dice: random.Random) -> list[Moment]:
    """Random moments: one in ten before the first request, the others in equal parts of a run."""
    early = number // 10
    parts = number - early
    begun = [Moment(0, dice.random() / 2) for _ in range(early)]
    return begun + [Moment(1 + int((n + dice.random()) * requests / parts), dice.random() / 20) for n in range(parts)]


def kill_at(moment: Moment, crawl: Crawl, site: DemoSite, archive: Path) -> bool:
    """Whether it had not come to its end before."""
    answer, lock = site.site.answer, threading.Lock()
    left = moment.requests

    def answer_after_kill(*asked: Any) -> Answer:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            time.sleep(moment.seconds)
            process.kill()
        return answer(*asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.site, "answer", answer_after_kill)
        process = crawl.start(archive, *DEEP, site=site)
        if not left:
            time.sleep(moment.seconds)
            process.kill()
        process.communicate()
    return process.returncode == -signal.SIGKILL


def check_kills(number: int, crawl: Crawl, site: DemoSite, tmp_path: Path) -> None:
    unbroken = Unbroken(crawl, site, tmp_path / "unbroken")
    seed = random.randrange(10**6)
    for n, moment in enumerate(moments(number, unbroken.requests, random.Random(seed))):
        archive = tmp_path / f"killed {n}"
        site.site.forget()
        assert kill_at(moment, crawl, site, archive), f"seed {seed}: {moment} never came"
        result = crawl(archive, *DEEP, site=site)
        assert result.returncode == 0, f"seed {seed}: killed at {moment}: {result}"
        assert_whole(archive, unbroken.content)
        asked = site.site.counts()
        most = max(asked[path] for path in asked if path.startswith("/rain/"))
        assert most <= 2, f"seed {seed}: killed at {moment}"


@pytest.mark.slow
def test_killed_at_two_moments(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    check_kills(2, crawl, small_site, tmp_path)


@pytest.mark.slow
@pytest.mark.longest(300)
def test_killed_at_a_hundred_moments(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    check_kills(100, crawl, small_site, tmp_path)


@pytest.mark.slow
def test_killed_again_and_again(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    """One archive, killed in every run: it gets there all the same."""
    unbroken = Unbroken(crawl, small_site, tmp_path / "unbroken")
    dice = random.Random(7)
    for _ in range(6):
        assert kill_at(Moment(dice.randint(5, 12), dice.random() / 20), crawl, small_site, tmp_path / "killed")
    assert crawl(tmp_path / "killed", *DEEP, site=small_site).returncode == 0
    assert_whole(tmp_path / "killed", unbroken.content)


# the exact places between two writes: the process kills itself there, in the middle of the crawl
PLACES = {
    "row before the request": ("newsarchive.archive.ledger", "Ledger", "found", 9),
    "place of the page": ("newsarchive.archive.ledger", "Ledger", "update", 5),
    "former version": ("newsarchive.archive.archive", "Archive", "_keep_former", 1),
    "file": ("newsarchive.archive.archive", "", "whole_file", 2),
    "name of the file": ("pathlib", "Path", "replace", 5),
    "disk": ("os", "", "fsync", 12),
    "row": ("newsarchive.archive.ledger", "Ledger", "archived", 3),
    "unchanged": ("newsarchive.archive.ledger", "Ledger", "checked", 3),
    "end": ("newsarchive.archive.ledger", "Ledger", "end_run", 1),
}
SUICIDE = """
import importlib, os, signal

class AddOn:
    def update_settings(self, settings):
        module, owner, name, calls = {place!r}
        owner = getattr(importlib.import_module(module), owner) if owner else importlib.import_module(module)
        real = getattr(owner, name)
        left = [calls]
        def wrapped(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        setattr(owner, name, wrapped)
"""


QUICK = {"former version", "row"}


@pytest.mark.parametrize("what", [pytest.param(it, marks=[] if it in QUICK else pytest.mark.slow) for it in PLACES])
def test_killed_just_before(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """First while articles come, then while they are looked at again and two of them have been edited."""
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "suicide.py").write_text(SUICIDE.format(place=PLACES[what]), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plug"))
    archive = tmp_path / "archive"
    first = crawl(archive, site=demo_site, ADDONS='{"suicide.AddOn": 0}')
    assert first.returncode == (0 if what in {"former version", "unchanged"} else -signal.SIGKILL), first
    assert crawl(archive, site=demo_site).returncode == 0
    former = content(archive)
    assert_whole(archive, former)
    assert len(former) == len(demo_site.site.articles())

    edited = [story.id for story in demo_site.site.articles() if story.family == "F5"][:2]
    for article_id in edited:
        demo_site.site.edit(article_id, title="改过的标题")
    make_due(archive)
    second = crawl(archive, site=demo_site, ADDONS='{"suicide.AddOn": 0}')
    assert second.returncode in (0, -signal.SIGKILL), second
    make_due(archive)
    assert crawl(archive, site=demo_site).returncode == 0
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        revisions = {row.article_id: row.revision for row in ledger.rows() if row.path}
    assert revisions == {article_id: 2 if article_id in edited else 1 for article_id in revisions}
    for article_id in edited:
        [kept] = (archive / "revisions" / "qq" / article_id).iterdir()
        [path] = (path for path in former if article_id in path)
        assert kept.read_bytes() == former[path]
        assert "改过的标题" in (archive / path).read_text("utf-8")
    assert len(list((archive / "revisions" / "qq").iterdir())) == 2
    assert crawl(archive, name="verify").returncode == 0


def some_archived(archive: Path) -> Callable[[], bool]:
    return lambda: sum(1 for _ in archive.glob("content/*/*/*/*.md")) >= 5


def test_ctrl_c_once_ends_in_order(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "stopped"
    process = crawl.start(archive, *DEEP, site=small_site, DOWNLOAD_DELAY=0.1)
    until(some_archived(archive))
    process.send_signal(signal.SIGINT)
    result = finish(process, archive)
    assert result.returncode == 0, result
    assert "stopped on request" in result.stdout
    assert result.status["last_run"]["reason"] == "shutdown"
    assert "SIGINT: stopping when the requests under way have ended; a second one stops at once" in result.stderr
    assert "Traceback" not in result.stderr
    assert "fine, stopped on request (exit code 0)" in crawl(archive, name="status").stdout
    assert 5 <= len(content(archive)) < 60
    assert crawl(archive, *DEEP, site=small_site).returncode == 0
    assert_whole(archive, Unbroken(crawl, small_site, tmp_path / "unbroken").content)


def test_ctrl_c_does_not_wait_for_a_site_that_asked_for_quiet(
    crawl: Crawl, small_site: DemoSite, tmp_path: Path
) -> None:
    small_site.site.faults.add("/rain/a/*", 429, times=-1)
    process = crawl.start(tmp_path, *DEEP, site=small_site, RETRY_TIMES=2, ARCHIVE_BACKOFF=200)
    until(lambda: any(path.startswith("/rain/") for path in small_site.site.counts()))
    process.send_signal(signal.SIGINT)
    result = finish(process, tmp_path, timeout=60)
    assert result.returncode == 0, result
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert {row.attempts for row in ledger.rows()} == {0}, "nothing was tried to its end"


@pytest.mark.slow
def test_sigterm_is_what_a_service_manager_sends(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    process = crawl.start(tmp_path, *DEEP, site=small_site, DOWNLOAD_DELAY=0.1)
    until(some_archived(tmp_path))
    process.send_signal(signal.SIGTERM)
    assert finish(process, tmp_path).returncode == 0
    assert crawl(tmp_path, *DEEP, site=small_site).returncode == 0
    assert len(content(tmp_path)) == 60


def test_ctrl_c_twice_ends_at_once(crawl: Crawl, small_site: DemoSite, tmp_path: Path) -> None:
    archive = tmp_path / "stopped"
    small_site.site.faults.add("/rain/a/*Z000*", "slow", times=-1, value=120)
    process = crawl.start(archive, *DEEP, site=small_site)
    until(lambda: any("Z000" in path for path in small_site.site.counts()))
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert any("a second one stops at once" in line for line in process.stderr)  # two signals at once would be one
    time.sleep(0.5)
    assert process.poll() is None, "it waits for the answers that it has asked for"
    process.send_signal(signal.SIGINT)
    result = finish(process, archive, timeout=60)
    assert result.returncode == 1, result
    assert "by force" in result.stdout + result.stderr
    assert result.status["last_run"]["exit_code"] == 1
    small_site.site.faults.clear()
    assert crawl(archive, *DEEP, site=small_site).returncode == 0
    assert_whole(archive, Unbroken(crawl, small_site, tmp_path / "unbroken").content)


RECORD = """
import json, os, threading

class AddOn:
    def update_settings(self, settings):
        opened = {{}}
        with_record = open({record!r}, "a")

        def note(what, path):
            print(json.dumps([threading.get_ident(), what, os.path.abspath(path)]), file=with_record, flush=True)

        real_open, real_mkdir, real_fsync = os.open, os.mkdir, os.fsync

        def open_noted(path, *args, **kwargs):
            descriptor = real_open(path, *args, **kwargs)
            opened[descriptor] = path
            return descriptor

        def mkdir_noted(path, *args, **kwargs):
            real_mkdir(path, *args, **kwargs)
            note("made", path)

        def fsync_noted(descriptor):
            real_fsync(descriptor)
            note("synced", opened[descriptor])

        os.open, os.mkdir, os.fsync = open_noted, mkdir_noted, fsync_noted
"""


def test_every_new_folder_is_safe_against_a_power_cut_before_anything_relies_on_it(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record"
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "record_disk.py").write_text(RECORD.format(record=str(record)), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plug"))
    site = new_site(local_pictures=True)
    first, second = [story.id for story in site.site.articles()][:2]
    site.site.faults.add(f"/rain/a/{first}", "challenge")
    archive = tmp_path / "deep" / "down" / "archive"
    options: dict[str, Any] = {"ARCHIVE_PICTURES": True, "ADDONS": '{"record_disk.AddOn": 0}'}
    crawl(archive, site=site, **options)
    site.site.edit(second, title="改过的标题")
    crawl(archive, "-a", f"urls={second}", site=site, **options)

    steps: dict[int, list[tuple[str, str]]] = {}  # of each thread of each process
    for line in record.read_text("utf-8").splitlines():
        thread, what, path = json.loads(line)
        steps.setdefault(thread, []).append((what, path))
    made = {path for of_thread in steps.values() for what, path in of_thread if what == "made"}
    names = {Path(path).relative_to(tmp_path).as_posix() for path in made}
    whole = {f"deep/down/archive/{name}" for name in ("content/qq", "pages", "quarantine/qq", "revisions/qq")}
    assert names >= {"deep", "deep/down", "deep/down/archive", *whole}
    assert any(name.startswith("deep/down/archive/pictures/qq/") for name in names)
    for of_thread in steps.values():
        for (what, path), following in zip(of_thread, [*of_thread[1:], ("", "")], strict=True):
            if what == "made":
                assert following == ("synced", str(Path(path).parent)), path
    folders = {path for path in archive.rglob("*") if path.is_dir()}
    assert {str(path) for path in folders} <= made
