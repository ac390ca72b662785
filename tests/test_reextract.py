"""`scrapy reextract`: a parser had a bug, the bug was mended, the archive is read again."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import FAST, PROJECT, command, site_settings
from demo.server import Server
from demo.site import Site
from newsarchive import reader
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row
from newsarchive.archive.verify import verify
from newsarchive.commands.reextract import reextract
from newsarchive.errors import MissingField
from newsarchive.items import Article
from newsarchive.options import Options
from tests.conftest import Crawl, finished, slow

Tree = Callable[[Path], dict[str, bytes]]
WITH = pytest.mark.parametrize("kind", ["with pictures", "without"])


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two archives of the demo site, which is gone since."""
    folder = tmp_path_factory.mktemp("crawled")
    server = Server(Site(filler=2_000, local_pictures=True))
    server.start()
    for kind in ("with pictures", "without"):
        settings = {**site_settings(server.url), **FAST, "ARCHIVE_PICTURES": kind == "with pictures"}
        result = finished(command("crawl qq", folder / kind, **settings), folder / kind)
        assert result.returncode == 0, result
    server.stop()
    return folder


@pytest.fixture
def archives(crawled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(crawled, tmp_path / "archives"))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that `run` reads with what a test has put in place; what a command line starts has processes of its own."""
    monkeypatch.setattr("newsarchive.archive.reextract.parallel_map", lambda work, jobs, **_: map(work, jobs))
    monkeypatch.setattr("newsarchive.archive.reextract.prepare", lambda *_: None)


def run(archive: Path, *ids: str, dry_run: bool = False) -> int:
    return reextract(Options(dir=archive), "qq", frozenset(ids), dry_run=dry_run)


def rows(archive: Path) -> dict[str, Row]:
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        return {row.article_id: row for row in ledger.rows() if row.path}


class Bug:
    """Today's parser with a fault: it loses the last paragraph of some articles."""

    def __init__(self, victims: set[str]) -> None:
        self.victims = victims

    def __call__(self, html: bytes | str, url: str = "", thumbnail: str = "") -> Article:
        article = reader("qq")(html, url=url, thumbnail=thumbnail)
        if article.article_id in self.victims:
            article.body = article.body.rpartition("\n\n")[0]
        return article


@pytest.fixture
def with_bug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Switches the bug on for some articles, and off again for none."""

    def switch(*victims: str) -> None:
        monkeypatch.setattr("newsarchive.archive.reextract.reader", lambda _: Bug(set(victims)))

    return switch


@WITH
def test_nothing_changes_with_the_same_parser(archives: Path, kind: str, tree: Tree, crawl: Crawl) -> None:
    before = tree(archives / kind)
    result = crawl(archives / kind, name="reextract")
    number = len(rows(archives / kind))
    assert (result.returncode, result.stdout) == (0, f"{number} pages read: {number} the same, 0 replaced\n"), result
    assert {k: v for k, v in tree(archives / kind).items() if "content" in k} == {
        k: v for k, v in before.items() if "content" in k
    }


@WITH
def test_bug_is_mended(
    archives: Path, kind: str, tree: Tree, with_bug: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archives / kind
    right, known = tree(archive / "content"), rows(archive)
    victims = sorted(known)[:3]
    with_bug(*victims)
    assert run(archive) == 0  # the archive is now what the parser with the bug makes of the pages
    wrong = tree(archive / "content")
    assert {Path(path).stem for path in wrong if wrong[path] != right[path]} == set(victims)
    assert {row.revision for row in rows(archive).values() if row.article_id in victims} == {2}

    with_bug()
    capsys.readouterr()
    assert run(archive, dry_run=True) == 0
    printed = capsys.readouterr().out
    assert tree(archive / "content") == wrong
    for article_id in victims:
        path = known[article_id].path
        assert f"--- a/{path}\n+++ b/{path}\n@@ " in printed
    assert printed.endswith(f"{len(known)} pages read: {len(known) - 3} the same, 3 would change\n")
    added = [line for line in printed.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert len(added) >= 3

    assert run(archive) == 0
    assert tree(archive / "content") == right
    after = rows(archive)
    for article_id in victims:
        row = after[article_id]
        assert row.revision == 3
        assert len(list((archive / "revisions" / "qq" / article_id).iterdir())) == 2
        same = (
            "state",
            "last_checked",
            "next_check",
            "url",
            "etag",
            "thumbnail",
            "warc_file",
            "content_hash",
            "file_hash",
        )
        assert {it: getattr(row, it) for it in same} == {it: getattr(known[article_id], it) for it in same}
    assert [it for it in after if after[it] != known[it]] == [it for it in after if it in victims]
    assert verify(Options(dir=archive))[1] == []
    revisions = tree(archive / "revisions")
    assert run(archive) == 0
    assert tree(archive / "revisions") == revisions


def test_given_ids_only(
    archives: Path, tree: Tree, with_bug: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archives / "without"
    before = tree(archive / "content")
    first, second, *_ = sorted(rows(archive))
    with_bug(first, second)
    assert run(archive, first) == 0
    after = tree(archive / "content")
    assert {Path(path).stem for path in after if after[path] != before[path]} == {first}
    assert capsys.readouterr().out.splitlines() == ["1 page read: 0 the same, 1 replaced"]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_an_id_without_a_row_is_wrong_usage(archives: Path, crawl: Crawl, options: list[str]) -> None:
    known = min(rows(archives / "without"))
    result = crawl(archives / "without", *options, known, "20990101A0000000", name="reextract")
    assert (result.returncode, result.stdout) == (2, ""), result
    assert result.stderr == "scrapy reextract: the ledger has no article 20990101A0000000 of qq\n"


def test_an_article_without_a_document_is_counted(archives: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(archives / "without" / "ledger.sqlite") as ledger:
        (gone,) = [row.article_id for row in ledger.rows() if not row.path]
    assert run(archives / "without", gone) == 0
    assert "1 given id without a document in the archive" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(archives: Path, tmp_path: Path, crawl: Crawl, tree: Tree) -> None:
    empty = crawl(tmp_path / "empty", "--dry-run", name="reextract")
    assert (empty.returncode, "holds no archive" in empty.stderr) == (2, True), empty
    assert not (tmp_path / "empty").exists()
    archive = archives / "without"
    (archive / "content" / ".x.md.0123456789ab.part").write_text("left by a killed run")
    (archive / ".lock").unlink()
    before = tree(archive)
    assert crawl(archive, "--dry-run", name="reextract").returncode == 0
    after = tree(archive)
    assert after.keys() - before.keys() <= {".lock", "ledger.sqlite-shm", "ledger.sqlite-wal"}
    assert {path: after[path] for path in before} == before
    for file in archive.glob("ledger.sqlite*"):
        file.unlink()
    result = crawl(archive, "--dry-run", name="reextract")
    assert (result.returncode, "there are documents and no ledger" in result.stderr) == (1, True), result
    assert not (archive / "ledger.sqlite").exists()


def test_page_that_cannot_be_read_any_more_replaces_nothing(
    archives: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archives / "without"
    before, (first, second, *_) = tree(archive / "content"), sorted(rows(archive))

    def broken(html: bytes | str, url: str = "", thumbnail: str = "") -> Article:
        article = reader("qq")(html, url=url, thumbnail=thumbnail)
        if article.article_id == first:
            raise MissingField(url, "title", "h1")
        if article.article_id == second:
            article.text, article.body, article.pictures, article.videos = "", "", [], 0
        return article

    monkeypatch.setattr("newsarchive.archive.reextract.reader", lambda _: broken)
    assert run(archive) == 1
    assert tree(archive / "content") == before
    printed = capsys.readouterr()
    assert f"{first}: no title: expected h1" in printed.err
    assert "the body has 0 characters and no picture or video" in printed.err
    assert "2 not readable and left alone" in printed.out


def test_damaged_page_is_told_and_replaces_nothing(archives: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = archives / "without"
    row = min(rows(archive).values(), key=lambda it: it.article_id)
    file = archive / "pages" / row.warc_file
    data = bytearray(file.read_bytes())
    data[(row.warc_offset or 0) + 200] ^= 4
    file.write_bytes(data)
    assert run(archive) == 1
    assert f"{file}: expected a preserved page at byte {row.warc_offset}: damaged" in capsys.readouterr().err


def test_lost_document_is_written_again(archives: Path, tree: Tree) -> None:
    archive = archives / "with pictures"
    before = tree(archive / "content")
    min(archive.glob("content/**/*.md")).unlink()
    assert run(archive) == 0
    assert tree(archive / "content") == before
    assert verify(Options(dir=archive))[1] == []
    assert not (archive / "revisions").exists()


@WITH
def test_rebuilt_ledger_learns_again_what_no_document_tells(
    archives: Path, kind: str, tree: Tree, with_bug: Callable[..., None], crawl: Crawl
) -> None:
    archive = archives / kind
    right, known, pictures = tree(archive / "content"), rows(archive), picture_rows(archive)
    assert bool(pictures) is (kind == "with pictures")
    (archive / "ledger.sqlite").unlink()  # a former one would be asked
    result = crawl(archive, name="rebuild")
    assert result.returncode == 0, result
    assert picture_rows(archive) == {}

    assert run(archive) == 0

    assert tree(archive / "content") == right
    same = ("warc_file", "warc_offset", "content_hash", "file_hash", "revision", "path")
    after = rows(archive)
    for article_id, row in known.items():
        assert {it: getattr(after[article_id], it) for it in same} == {it: getattr(row, it) for it in same}
    assert picture_rows(archive) == pictures
    assert verify(Options(dir=archive))[1] == []
    with_bug(*sorted(known)[:2])  # and can use it
    assert run(archive) == 0
    with_bug()
    assert run(archive) == 0
    assert tree(archive / "content") == right


def test_rebuilt_ledger_and_a_mended_parser_at_once(
    archives: Path, tree: Tree, with_bug: Callable[..., None], crawl: Crawl
) -> None:
    archive = archives / "with pictures"
    right, victims = tree(archive / "content"), sorted(rows(archive))[:3]
    with_bug(*victims)
    assert run(archive) == 0
    wrong = tree(archive / "content")
    (archive / "ledger.sqlite").unlink()
    assert crawl(archive, name="rebuild").returncode == 0
    with_bug()
    assert run(archive, dry_run=True) == 0
    assert (tree(archive / "content"), picture_rows(archive)) == (wrong, {})
    assert run(archive) == 0
    assert tree(archive / "content") == right


def picture_rows(archive: Path) -> dict[tuple[str, str], tuple[str, str]]:
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        return {(it.article_id, it.url): (it.path, it.hash) for it in ledger.pictures() if it.url}


def test_article_without_a_preserved_page_is_counted(archives: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = archives / "without"
    shutil.rmtree(archive / "pages")
    number = len(rows(archive))
    assert run(archive) == 0
    assert f"{number} articles without a preserved page" in capsys.readouterr().out


def test_article_that_the_site_has_removed_stays_gone(archives: Path, with_bug: Callable[..., None]) -> None:
    archive = archives / "without"
    row = min(rows(archive).values(), key=lambda it: it.article_id)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        ledger.gone(row, now=row.first_seen)
    gone = rows(archive)[row.article_id]
    with_bug(row.article_id)
    assert run(archive) == 0
    after = rows(archive)[row.article_id]
    assert (after.revision, after.state, after.gone_at) == (2, gone.state, gone.gone_at)


def test_stopped_half_way_and_started_again(
    archives: Path, tree: Tree, with_bug: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each number of replaced articles; the file that stands is not taken for an edit."""
    archive = archives / "with pictures"
    right, known = tree(archive / "content"), rows(archive)
    victims = sorted(known)[:4]
    with_bug(*victims)
    assert run(archive) == 0
    with_bug()
    wrong = archives / "wrong"
    shutil.copytree(archive, wrong)

    class Killed(BaseException):
        """What no clean-up of ours catches."""

    real = Ledger.archived
    written = moment = 0

    def killed(*args: Any, **kwargs: Any) -> None:
        nonlocal written
        written += 1
        if written == moment:  # the file stands, the row does not
            raise Killed
        real(*args, **kwargs)

    for moment in range(1, 5):  # noqa: B007
        shutil.rmtree(archive)
        shutil.copytree(wrong, archive)
        written = 0
        monkeypatch.setattr(Ledger, "archived", killed)
        with pytest.raises(Killed):
            run(archive)
        monkeypatch.setattr(Ledger, "archived", real)
        assert run(archive) == 0
        assert tree(archive / "content") == right
        assert {len(list((archive / "revisions" / "qq" / it).iterdir())) for it in victims} == {2}
        assert verify(Options(dir=archive))[1] == []


SUICIDE = """
import os, signal
from scrapy.cmdline import execute
from newsarchive.archive import archive

left = [{writes}]

def dying(real):
    def write(*args):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)
    return write

archive.write_bytes = dying(archive.write_bytes)
archive.whole_file = dying(archive.whole_file)
execute()
"""


@pytest.mark.parametrize("writes", [slow(1), slow(2), slow(7), slow(18)])
def test_killed_process_goes_on(
    archives: Path, tree: Tree, with_bug: Callable[..., None], crawl: Crawl, writes: int
) -> None:
    """Each document is two writes: its former version, then the new one."""
    archive = archives / "without"
    right, known = tree(archive / "content"), rows(archive)
    with_bug(*known)
    assert run(archive) == 0
    former = len(list(archive.glob("revisions/*/*/*.md")))
    assert former > 10
    python, _, _, *line = command("reextract", archive)
    killed = subprocess.run([python, "-c", SUICIDE.format(writes=writes), *line], check=False, cwd=PROJECT)
    assert killed.returncode == -signal.SIGKILL, killed
    assert len(list(archive.glob("revisions/*/*/*.md"))) == former + writes // 2

    result = crawl(archive, name="reextract")

    assert result.returncode == 0, result
    assert tree(archive / "content") == right
    assert len(list(archive.glob("revisions/*/*/*.md"))) == 2 * former
    assert verify(Options(dir=archive))[1] == []


def test_wrong_usage_and_a_lock(archives: Path, tmp_path: Path, crawl: Crawl) -> None:
    assert crawl(tmp_path / "none", name="reextract").returncode == 2
    unknown = crawl(archives / "without", "--source", "nothing", name="reextract")
    assert (unknown.returncode, "no source named 'nothing'" in unknown.stderr) == (2, True), unknown


def test_a_page_that_meets_a_bug_does_not_stop_the_others(
    archives: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archives / "without"
    victim = sorted(rows(archive))[0]

    def broken(html: bytes | str, url: str = "", thumbnail: str = "") -> Article:
        if victim in url:
            raise ZeroDivisionError("a bug")
        return reader("qq")(html, url=url, thumbnail=thumbnail)

    monkeypatch.setattr("newsarchive.archive.reextract.reader", lambda _: broken)
    assert run(archive) == 1
    said = capsys.readouterr()
    assert "ZeroDivisionError: a bug" in said.err
    assert "1 not readable and left alone" in said.out
