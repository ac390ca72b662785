"""A crawl keeps what came: pages and lists, readable by others, once, and safe at any kill."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from newsarchive.archive.ledger import Ledger
from newsarchive.archive.replay import capture_at, captures
from newsarchive.archive.tables import State
from newsarchive.archive.warc import Record, records
from tests.conftest import Crawl, DemoSite
from tests.test_kill import Moment, kill_at

Tree = Callable[[Path], dict[str, bytes]]


def warcs(archive: Path) -> list[Path]:
    return sorted((archive / "pages").iterdir()) if (archive / "pages").exists() else []


def kinds(path: Path) -> list[str]:
    return [found.type for found in records(path) if isinstance(found, Record)]


def answers(path: Path) -> list[Record]:
    return [found for found in captures(path) if isinstance(found, Record)]


def test_ledger_knows_where_each_page_lies_as_it_came(tmp_path: Path, crawl: Crawl, demo_site: DemoSite) -> None:
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result

    (file,) = warcs(tmp_path)
    with Ledger.open(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        rows = [row for row in ledger.rows() if row.state is State.ARCHIVED]
    assert len(rows) > 10
    for row in rows:
        assert row.warc_file == file.name
        capture = capture_at(file, row.warc_offset or 0)
        assert capture.about["article-id"] == row.article_id
        assert capture.about["thumbnail"] == row.thumbnail
        asked = demo_site.site.answer("GET", f"/rain/a/{row.article_id}", {}, b"")
        assert capture.body == asked.body


def test_lists_are_kept_with_what_was_asked(tmp_path: Path, crawl: Crawl, demo_site: DemoSite) -> None:
    crawl(tmp_path, site=demo_site)
    lists = [it for it in answers(warcs(tmp_path)[0]) if "list" in it.about]
    asked = {it.about["list"] for it in lists}
    assert asked == {"channel finance", "channel tech"}
    assert all('"flush_num"' in it.about["request-body"] for it in lists)
    assert len(lists) == len([it for it in demo_site.site.seen if it.method == "POST"])


def test_warcio_checks_what_a_crawl_wrote(crawled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", str(warcs(crawled)[0])])
    printed = capsys.readouterr().out
    assert ended.value.code == 0, printed
    assert printed.count("digest pass") == len(kinds(warcs(crawled)[0]))


def test_crawl_asks_for_gzip_and_keeps_it_as_it_came(crawled: Path) -> None:
    with warcs(crawled)[0].open("rb") as file:
        stored = ArchiveIterator(file, no_record_parse=True)
        blocks = [it.raw_stream.read().partition(b"\r\n\r\n") for it in stored if it.rec_type == "response"]
    packed = [(head, body) for head, _, body in blocks if b"\r\nContent-Encoding: gzip" in head]
    assert len(packed) > len(blocks) // 2, "the server packs nothing that is very small"
    for head, body in packed:
        assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert [it.body for it in answers(warcs(crawled)[0])] == [
        gzip.decompress(body) if b"\r\nContent-Encoding: gzip" in head else body for head, _, body in blocks
    ]


def test_switched_off(tmp_path: Path, crawl: Crawl, demo_site: DemoSite) -> None:
    result = crawl(tmp_path, site=demo_site, ARCHIVE_PAGES=False)
    assert result.returncode == 0, result
    assert len(list(tmp_path.glob("content/**/*.md"))) > 10
    assert warcs(tmp_path) == []


def test_replay_of_the_pages_gives_the_same_bytes_and_writes_no_page(
    tmp_path: Path, crawl: Crawl, demo_site: DemoSite, tree: Tree
) -> None:
    crawl(tmp_path / "live", site=demo_site)
    demo_site.stop()
    live = tree(tmp_path / "live" / "content")

    for archive in (tmp_path / "replay", tmp_path / "live"):
        pages_before = tree(tmp_path / "live" / "pages")
        for _ in range(2):  # the second time everything is there already
            result = crawl(archive, "-a", f"replay={tmp_path / 'live' / 'pages'}")
            assert result.returncode == 0, result
            assert tree(archive / "content") == live
            assert not (archive / "revisions").exists()
        assert tree(tmp_path / "live" / "pages") == pages_before
    assert warcs(tmp_path / "replay") == []


def test_run_that_fetched_nothing_leaves_no_file(tmp_path: Path, crawl: Crawl, demo_site: DemoSite) -> None:
    demo_site.stop()
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=0)
    assert result.returncode == 3, result
    assert warcs(tmp_path) == []


def due_now(archive: Path) -> None:
    """Every article is looked at again in the next run, and the server is not asked whether it has changed."""
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        for row in list(ledger.rows()):
            if row.path:
                ledger.checked(row, now=row.first_seen, next_check=row.first_seen, etag="", last_modified="")


def test_unchanged_page_is_a_revisit_and_a_changed_one_is_kept_whole(
    crawled: Path, crawl: Crawl, demo_site: DemoSite
) -> None:
    with Ledger.open(crawled / "ledger.sqlite", read_only=True) as ledger:
        before = {row.article_id: row.warc_file for row in ledger.rows() if row.path}
    edited = next(it.id for it in demo_site.site.articles() if it.id in before)
    demo_site.site.edit(edited, title="改过的题目：渡口换了新船")
    due_now(crawled)

    result = crawl(crawled, site=demo_site)

    assert result.returncode == 0, result
    first, second = warcs(crawled)
    with Ledger.open(crawled / "ledger.sqlite", read_only=True) as ledger:
        after = {row.article_id: row.warc_file for row in ledger.rows() if row.path}
    assert {it for it in after if after[it] != first.name} == {edited}
    assert after[edited] == second.name
    assert kinds(second).count("revisit") == len(after) - 1


def test_bad_page_between_good_ones_is_kept_and_not_read_in_their_place(
    crawled: Path, crawl: Crawl, demo_site: DemoSite, tree: Tree
) -> None:
    before = tree(crawled / "content")
    with Ledger.open(crawled / "ledger.sqlite", read_only=True) as ledger:
        victim = next(row for row in ledger.rows() if row.path)
    demo_site.site.faults.add(f"/rain/a/{victim.article_id}", "challenge", times=-1)
    due_now(crawled)
    crawl(crawled, site=demo_site)

    kept = [it for it in answers(warcs(crawled)[1]) if it.about.get("article-id") == victim.article_id]
    assert [b"captcha" in it.body for it in kept] == [True]
    with Ledger.open(crawled / "ledger.sqlite", read_only=True) as ledger:
        row = ledger.get("qq", victim.article_id)
    assert row is not None
    assert (row.warc_file, row.warc_offset) == (victim.warc_file, victim.warc_offset)
    assert crawl(crawled, name="reextract").returncode == 0
    replayed = crawl(crawled / "replayed", "-a", f"replay={crawled / 'pages'}")
    assert replayed.returncode == 0, replayed
    assert tree(crawled / "replayed" / "content") == before == tree(crawled / "content")


@pytest.mark.slow
def test_killed_crawl_is_mended_by_the_next(
    tmp_path: Path, crawl: Crawl, new_site: Callable[..., DemoSite], tree: Tree
) -> None:
    """A run is killed while it writes, and its file is torn besides, as a power cut would."""
    site = new_site(articles=30)
    whole = crawl(tmp_path / "whole", site=site)
    assert whole.returncode == 0, whole
    archive = tmp_path / "killed"
    assert kill_at(Moment(22, 0.05), crawl, site, archive)
    (torn,) = warcs(archive)
    assert torn.name.endswith(".warc.gz.open")
    with torn.open("ab") as file:
        file.write(torn.read_bytes()[400:900])

    result = crawl(archive, site=site)

    assert result.returncode == 0, result
    assert f"{torn.with_suffix('')}: completed after a killed run, " in result.stderr
    assert [it.suffix for it in warcs(archive)] == [".gz", ".gz"]
    assert tree(archive / "content") == tree(tmp_path / "whole" / "content")
    assert crawl(archive, name="verify").returncode == 0
    shutil.rmtree(archive / "content")
    (archive / "ledger.sqlite").unlink()
    replayed = crawl(tmp_path / "replayed", "-a", f"replay={archive / 'pages'}")
    assert replayed.returncode == 0, replayed
    assert tree(tmp_path / "replayed" / "content") == tree(tmp_path / "whole" / "content")


def test_replay_of_a_former_page_does_not_displace_the_later_one(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    edited = next(story.id for story in demo_site.site.articles() if story.family == "F5")
    crawl(archive, site=demo_site)
    (first,) = warcs(archive)
    demo_site.site.edit(edited, title="改过的标题")
    crawl(archive, "-a", f"urls={edited}", site=demo_site)
    (document,) = archive.glob(f"content/**/{edited}.md")
    after = document.read_bytes()
    assert "改过的标题" in after.decode()
    result = crawl(archive, "-a", f"replay={first}")
    assert result.returncode == 0, result
    assert result.status["last_run"]["counts"]["article/older"] == 1
    assert document.read_bytes() == after
    document.unlink()
    assert crawl(archive, "-a", f"replay={first}").returncode == 0
    assert document.read_bytes() != after, "better an older text than none"
    assert crawl(archive, "-a", f"replay={archive / 'pages'}").returncode == 0
    assert document.read_bytes() == after
