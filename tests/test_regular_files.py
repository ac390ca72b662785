"""Pipes, sockets, devices and links where files should be: named, never waited for, never followed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from newsarchive.archive.archive import Archive
from newsarchive.archive.files import Lock, holder, is_file, open_file, read_file
from newsarchive.archive.rebuild import rebuild
from newsarchive.archive.replay import saved_pages
from newsarchive.archive.verify import verify
from newsarchive.archive.warc import close_open_files
from newsarchive.commands.reextract import reextract
from newsarchive.errors import BadArgument, LedgerBroken
from newsarchive.health.status import read_status
from newsarchive.options import Options
from newsarchive.spiders.base import named_articles
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite, slow
from tests.test_kill import content

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECRET = b"nobody's business, and not to be cut"


def to_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is 108 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": to_socket,
    "link": lambda path: path.symlink_to(outside(path)),
    "link to a pipe": lambda path: path.symlink_to(outside(path).with_name("pipe")),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}


def outside(path: Path) -> Path:
    """A file beside the archive's folder that is not the archive's."""
    return next(it for it in path.parents if it.name == "archive").with_name("secret")


class Hangs(BaseException):
    """Nothing of ours catches it."""


@contextmanager
def seconds(number: float) -> Iterator[None]:
    """Ends what hangs."""

    def stop(*_: object) -> None:
        raise Hangs

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, number)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is what is tested here, not the processes that `reextract` has read it."""
    monkeypatch.setattr("newsarchive.archive.reextract.parallel_map", lambda work, jobs, **_: map(work, jobs))
    monkeypatch.setattr("newsarchive.archive.reextract.prepare", lambda *_: None)


@pytest.fixture
def archive(sound: tuple[Path, DemoSite], tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET)
    os.mkfifo(tmp_path / "pipe")
    return Path(shutil.copytree(sound[0], tmp_path / "archive"))


PLACES = [
    "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite-journal",
    "ledger.sqlite.20261101T000000Z.kept", ".lock", "status.json", "content/*/*/*/*.md", "content/qq/2026/10/new.md",
    "revisions/*/*/*.md", "pictures/*/*/*/*/*", "pages/*.warc.gz", "pages/qq-20261101T000000Z-9.warc.gz.open",
    "pages/qq-20261101T000000Z-9.warc.gz", "quarantine/*/*.html.gz", "quarantine/*/*.json",
    "quarantine/qq/page-0123456789abcdef.html.gz", "quarantine/qq/new.json", ".a.0123456789ab.part",
]  # fmt: skip


def put(archive: Path, place: str, kind: str) -> Path:
    """Something else than a file in the place of the first file of that pattern."""
    path = min(archive.glob(place), default=archive / place)
    if path.exists():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](path)
    return path


def rebuild_it(archive: Path) -> None:
    lock = Lock(archive / ".lock")
    lock.acquire("a test", NOW)
    try:
        rebuild(archive, now=NOW)
    finally:
        lock.release()


def open_it(archive: Path) -> None:
    with Archive.open(Options(dir=archive), purpose="a test", now=lambda: NOW) as opened:
        for row in opened.ledger.rows():
            opened.is_intact(row)
        close_open_files(archive / "pages")


COMMANDS: dict[str, Callable[[Path], Any]] = {
    "status": lambda archive: read_status(Options(dir=archive)),
    "verify": lambda archive: verify(Options(dir=archive)),
    "dry run": lambda archive: reextract(Options(dir=archive), "qq", frozenset(), dry_run=True),
    "replay of pages": lambda archive: list(saved_pages(archive / "pages")),
    "replay of the quarantine": lambda archive: list(saved_pages(archive / "quarantine")),
    "open": open_it,
    "reextract": lambda archive: reextract(Options(dir=archive), "qq", frozenset(), dry_run=False),
    "rebuild": rebuild_it,
}


ODD = [
    ("ledger.sqlite", "socket"), ("ledger.sqlite", "link to a device"), ("ledger.sqlite-wal", "folder"),
    (".lock", "link to a pipe"), ("status.json", "link to a device"), ("content/*/*/*/*.md", "link to a device"),
    ("content/*/*/*/*.md", "folder"), ("pages/*.warc.gz", "socket"), ("pages/*.warc.gz", "link to a device"),
    ("quarantine/*/*.json", "link to a pipe"), ("pages/qq-20261101T000000Z-9.warc.gz.open", "socket"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "kind"),
    [*((it, "pipe") for it in PLACES), *(slow(it, "link") for it in PLACES), *(slow(*it) for it in ODD)],
)
def test_nothing_waits_for_it_or_follows_it(archive: Path, place: str, kind: str) -> None:
    put(archive, place, kind)
    for work in COMMANDS.values():
        with seconds(20), suppress(LedgerBroken, BadArgument, OSError):
            work(archive)
    assert outside(archive / "x").read_bytes() == SECRET


NAMED = [it for it in PLACES if it not in (".lock", ".a.0123456789ab.part", "status.json")]
NAMED = [it for it in NAMED if "kept" not in it and "new" not in it and "-shm" not in it]


@pytest.mark.parametrize("place", NAMED)
def test_verify_names_it(archive: Path, place: str) -> None:
    path = put(archive, place, "pipe")
    _, findings = verify(Options(dir=archive))
    assert any(path.name in f"{it.path} {it.reason}" for it in findings), findings
    reasons = [it.reason for it in findings if path.name in f"{it.path} {it.reason}"]
    assert any("a pipe, not a regular file" in reason for reason in reasons), findings


@pytest.mark.parametrize("kind", ["pipe", "link", "socket"])
def test_a_lock_is_no_link(archive: Path, kind: str) -> None:
    path = put(archive, ".lock", kind)
    for ask in (lambda: Lock(path).acquire("a test", NOW), lambda: holder(path)):
        with seconds(5), pytest.raises(OSError, match=r"not a regular file.*\.lock"):
            ask()
    assert outside(path).read_bytes() == SECRET


def test_a_ledger_is_no_link(archive: Path) -> None:
    (archive / "ledger.sqlite").rename(outside(archive / "x").with_name("elsewhere.sqlite"))
    (archive / "ledger.sqlite").symlink_to("../elsewhere.sqlite")
    with pytest.raises(LedgerBroken, match="a symbolic link, not a regular file"):
        open_it(archive)


def test_folders_may_be_links(archive: Path) -> None:
    for name in ("pages", "pictures", "quarantine", "content"):
        (archive / name).rename(archive.parent / name)
        (archive / name).symlink_to(f"../{name}")
    stray = archive / "pictures" / ".a.png.0123456789ab.part"
    stray.touch()
    assert [it.what for it in verify(Options(dir=archive))[1]] == ["left over"]
    open_it(archive)
    assert not stray.exists()
    archive.rename(archive.with_name("moved"))
    archive.symlink_to("moved")
    assert verify(Options(dir=archive))[1] == []
    assert list(saved_pages(archive / "pages"))


def test_a_replay_names_what_is_no_file_and_reads_the_rest(
    archive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    shutil.copy(min(archive.glob("quarantine/*/*.html.gz")), folder / "good.html.gz")
    os.mkfifo(folder / "pipe.html")
    (folder / "link.html").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe.warc.gz")
    os.mkfifo(folder / "good.json")
    (tmp_path / "by link").symlink_to(folder)
    with seconds(20):
        pages = list(saved_pages(tmp_path / "by link"))
    assert [Path(page.saved_in).name for page in pages] == ["good.html.gz"]
    for name in ("pipe.html: cannot be read: a pipe", "link.html: cannot be read: a symbolic link", "pipe.warc.gz"):
        assert name in caplog.text
    assert "good.json: not the notes of a saved page (a pipe, not a regular file)" in caplog.text
    (tmp_path / "page.html.gz").symlink_to(folder / "good.html.gz")
    assert len(list(saved_pages(tmp_path / "page.html.gz"))) == 1
    with pytest.raises(BadArgument, match="expected a file or folder"):
        saved_pages(folder / "pipe.html")


def test_a_list_of_urls_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "urls.txt").write_text("20250211A06DM600\n")
    (tmp_path / "link.txt").symlink_to("urls.txt")
    assert named_articles(f"@{tmp_path / 'link.txt'}") == ["20250211A06DM600"]
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with seconds(5), pytest.raises(BadArgument, match=r"cannot read the file: .*, not a regular file"):
            named_articles(f"@{path}")


def test_what_a_file_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    assert is_file(file)
    assert read_file(file) == b"x"
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("link", "a symbolic link"), ("pipe", "a pipe"), (".", "a folder")):
        assert not is_file(tmp_path / name)
        with seconds(5), pytest.raises(OSError, match=f"{kind}, not a regular file"):
            open_file(tmp_path / name)


def test_a_run_goes_on_and_writes_again_what_was_lost(
    archive: Path, sound: tuple[Path, DemoSite], crawl: Crawl, tmp_path: Path
) -> None:
    before = content(archive)
    for place in PLACES[6:]:
        put(archive, place, "pipe")
    make_due(archive)
    result = crawl(archive, site=sound[1], timeout=60, ARCHIVE_PICTURES=True)
    assert result.returncode == 0, result
    assert "cannot be read as a file, written again" in result.stderr
    assert content(archive) == before
