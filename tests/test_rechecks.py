"""What the site does to its articles after the first crawl, and what the archive makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.faults import Answer
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import Row, State
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite, slow

BEIJING_NOW = datetime.now(UTC) + timedelta(hours=8)


def row(archive: Path, article_id: str) -> Row:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        found = ledger.get("qq", article_id)
    assert found is not None
    return found


def content(archive: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(archive).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in archive.glob("content/**/*.md")
    }


def counts(result: object) -> dict[str, int]:
    whole = result.status["last_run"]["counts"]  # type: ignore[attr-defined]
    return {name.removeprefix("article/"): n for name, n in whole.items() if name.startswith("article/")}


@pytest.fixture
def archive(crawled: Path) -> Path:
    return crawled


def article(site: DemoSite) -> str:
    """An article of the page family of today."""
    return next(story.id for story in site.site.articles() if story.family == "F5" and story.version == "v2")


def test_a_second_run_downloads_lists_only(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    before = content(archive)
    demo_site.site.reorder()
    result = crawl(archive, site=demo_site)
    assert (result.returncode, counts(result)) == (0, {}), result
    assert [path for path in demo_site.site.counts() if path.startswith("/rain/")] == []
    assert content(archive) == before


def test_unchanged_articles_are_neither_sent_nor_written(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    before = content(archive)
    make_due(archive)
    result = crawl(archive, site=demo_site)
    assert result.returncode == 0, result
    assert counts(result)["unchanged"] == len(before)
    asked = [request for request in demo_site.site.seen if request.path.startswith("/rain/")]
    assert sum("if-none-match" in request.headers for request in asked) == len(before)
    assert content(archive) == before
    assert not (archive / "revisions").exists()


def test_another_page_around_the_same_article_is_no_revision(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    before = content(archive)
    for story in demo_site.site.articles():
        demo_site.site.edit(story.id, media="另一个号")
    make_due(archive)
    result = crawl(archive, site=demo_site)
    assert counts(result)["unchanged"] == len(before)
    assert content(archive) == before


def test_an_edited_article_is_a_revision_and_the_former_one_is_kept(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    edited = article(demo_site)
    first = row(archive, edited)
    assert first.archived_at is not None
    texts = [(archive / first.path).read_bytes()]
    for n in (2, 3):
        demo_site.site.edit(edited, title=f"改了第{n}遍的标题")
        make_due(archive)
        result = crawl(archive, site=demo_site)
        assert (result.returncode, counts(result)["revised"]) == (0, 1), result
        texts.append((archive / first.path).read_bytes())
        assert f"改了第{n}遍的标题".encode() in texts[-1]
    last = row(archive, edited)
    assert (last.revision, last.path, last.state) == (3, first.path, State.ARCHIVED)
    kept = sorted((archive / "revisions" / "qq" / edited).iterdir())
    assert kept[0].name == f"{first.archived_at:%Y%m%dT%H%M%SZ}.md"
    assert [path.read_bytes() for path in kept] == texts[:2]


def test_the_path_stays_when_the_publish_time_moves(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    edited = article(demo_site)
    story = demo_site.site.stories[edited]
    former = row(archive, edited).path
    demo_site.site.edit(edited, published=story.published - timedelta(days=400))
    make_due(archive)
    assert counts(crawl(archive, site=demo_site))["revised"] == 1
    assert row(archive, edited).path == former
    assert len(list(archive.glob(f"content/**/{edited}.md"))) == 1


def test_a_removed_article_stays_and_is_marked_until_it_comes_back(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    removed = article(demo_site)
    before = content(archive)
    demo_site.site.delete(removed)
    make_due(archive)
    result = crawl(archive, site=demo_site)
    assert (result.returncode, counts(result)["gone"]) == (0, 1), result
    assert f"{len(before)} articles in " in result.stdout, "its document stays"
    gone = row(archive, removed)
    assert gone.state is State.GONE
    assert gone.gone_at is not None
    assert content(archive) == before
    demo_site.site.publish(removed)
    make_due(archive)
    assert crawl(archive, site=demo_site).returncode == 0
    back = row(archive, removed)
    assert (back.state, back.gone_at) == (State.ARCHIVED, None)
    assert content(archive) == before


def test_an_article_that_was_gone_before_it_was_read_is_taken_when_it_is_published(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    [late] = [story.id for story in demo_site.site.stories.values() if story.gone]
    assert row(archive, late).state is State.GONE
    demo_site.site.edit(late, gone=False, body="<p>它又回来了，这一次有完整的正文，读者可以放心阅读。</p>")
    make_due(archive)
    assert counts(crawl(archive, site=demo_site))["new"] == 1
    assert (archive / row(archive, late).path).is_file()


def test_one_article_under_many_urls_is_one(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    many = article(demo_site)
    demo_site.site.list_again(many)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result
    assert demo_site.site.counts()[f"/rain/a/{many}"] == 1
    assert len(list(tmp_path.glob(f"content/**/{many}.md"))) == 1
    assert row(tmp_path, many).url == f"https://new.qq.com/rain/a/{many}"


def test_rechecks_come_at_the_ages_of_the_setting(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path
) -> None:
    site = new_site(newest=BEIJING_NOW.replace(tzinfo=None))
    crawl(tmp_path, site=site, ARCHIVE_RECHECK_HOURS="2,100000")
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        for known in ledger.rows():
            if known.published and known.last_checked:
                age = known.last_checked - known.published
                hours = 2 if age < timedelta(hours=2) else 100000
                assert known.next_check == known.published + timedelta(hours=hours), known


def test_a_recheck_that_fails_leaves_the_article_as_it_is(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    before = content(archive)
    make_due(archive)
    demo_site.site.faults.add("/rain/a/*", 500, times=-1)
    assert crawl(archive, site=demo_site, RETRY_TIMES=0).returncode == 3
    assert content(archive) == before
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        assert ledger.counts_by_state()[State.ARCHIVED] == len(before)
    demo_site.site.faults.clear()
    make_due(archive)
    assert counts(crawl(archive, site=demo_site))["unchanged"] == len(before)


def test_tries_grow_apart_and_end_in_a_report(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    failing = article(demo_site)
    demo_site.site.faults.add(f"/rain/a/{failing}", 500, times=-1)
    assert crawl(tmp_path, site=demo_site, RETRY_TIMES=0, ARCHIVE_MAX_TRIES=2).returncode == 0
    first = row(tmp_path, failing)
    assert (first.state, first.attempts) == (State.FAILED, 1)
    assert first.next_try is not None
    assert first.next_try > datetime.now(UTC) + timedelta(minutes=25)
    demo_site.site.forget()
    crawl(tmp_path, site=demo_site, RETRY_TIMES=0, ARCHIVE_MAX_TRIES=2)
    assert demo_site.site.counts()[f"/rain/a/{failing}"] == 0, "its time has not come"
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.failed(first, reason="HTTP status 500", now=datetime.now(UTC), next_try=datetime.now(UTC))
    result = crawl(tmp_path, site=demo_site, RETRY_TIMES=0, ARCHIVE_MAX_TRIES=2)
    assert demo_site.site.counts()[f"/rain/a/{failing}"] == 0, "the tries are used up"
    assert [given_up["id"] for given_up in result.status["given_up"]] == [failing]
    shown = crawl(tmp_path, name="status", ARCHIVE_MAX_TRIES=2)
    assert failing in shown.stdout
    demo_site.site.faults.clear()
    assert crawl(tmp_path, "-a", f"urls={failing}", site=demo_site).returncode == 0
    assert row(tmp_path, failing).state is State.ARCHIVED


def test_failed_articles_come_first_in_the_next_run(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    failing = article(demo_site)
    demo_site.site.faults.add(f"/rain/a/{failing}", 503)
    crawl(tmp_path, site=demo_site, RETRY_TIMES=0, ARCHIVE_RETRY_MINUTES=0)
    assert row(tmp_path, failing).state is State.FAILED
    demo_site.site.forget()
    crawl(tmp_path, site=demo_site, RETRY_TIMES=0, CONCURRENT_REQUESTS=1)
    asked = [request.path for request in demo_site.site.seen if request.path != "/robots.txt"]
    assert asked[0] == f"/rain/a/{failing}"
    assert row(tmp_path, failing).state is State.ARCHIVED


def test_a_lost_document_is_fetched_again_though_the_server_knows_conditions(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    before = content(archive)
    for arguments in ((), ("-a", f"urls={article(demo_site)}")):
        file = archive / row(archive, article(demo_site)).path
        file.unlink()
        make_due(archive)
        result = crawl(archive, *arguments, site=demo_site)
        assert result.returncode == 0, result
        assert {path: data for path, (data, _) in content(archive).items()} == {
            path: data for path, (data, _) in before.items()
        }


def test_a_page_that_says_that_it_was_removed_is_looked_at_again(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    removed = article(demo_site)
    page = demo_site.site.answer("GET", f"/rain/a/{removed}", {}, b"")
    answer = demo_site.site.answer

    def gone(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if not target.endswith(removed):
            return answer(method, target, headers, body)
        said = re.sub(rb"window\.DATA ?= ?\{", b'window.DATA = {"is_deleted": 1, ', page.body)
        return replace(page, body=said, headers=())

    demo_site.site.answer = gone  # type: ignore[method-assign]
    make_due(archive)
    first = crawl(archive, site=demo_site, ARCHIVE_RECHECK_HOURS="1000000")
    assert row(archive, removed).state is State.GONE
    assert row(archive, removed).next_check is not None
    make_due(archive)
    again = crawl(archive, site=demo_site, ARCHIVE_RECHECK_HOURS="1000000")
    assert (counts(first)["gone"], counts(again).get("gone"), counts(again)["still_gone"]) == (1, None, 2), again
    demo_site.site.answer = answer  # type: ignore[method-assign]
    make_due(archive)
    assert crawl(archive, site=demo_site).returncode == 0
    assert row(archive, removed).state is State.ARCHIVED


def test_a_304_to_a_request_without_conditions_is_a_failed_try(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    odd = article(demo_site)
    demo_site.site.faults.add(f"/rain/a/{odd}", 304, times=-1)
    result = crawl(tmp_path, site=demo_site)
    assert "HTTP status 304" in result.stderr
    assert (row(tmp_path, odd).state, row(tmp_path, odd).path) == (State.FAILED, "")
    demo_site.site.faults.clear()
    make_due(tmp_path)
    assert crawl(tmp_path, "-a", f"urls={odd}", site=demo_site).returncode == 0
    assert row(tmp_path, odd).state is State.ARCHIVED


def test_a_saved_page_tells_nothing_new_of_the_site(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    removed, edited = (story.id for story in [s for s in demo_site.site.articles() if s.family == "F5"][:2])
    demo_site.site.delete(removed)
    demo_site.site.edit(edited, title="改了的标题")
    make_due(archive)
    crawl(archive, site=demo_site)
    before = {name: row(archive, name) for name in (removed, edited)}
    assert before[removed].state is State.GONE
    document = archive / before[edited].path
    document.unlink()
    result = crawl(archive, "-a", f"replay={archive / 'pages'}")
    assert result.returncode == 0, result
    assert row(archive, removed) == before[removed]
    after = row(archive, edited)
    assert "改了的标题" in document.read_text(encoding="utf-8")
    assert replace(after, archived_at=None) == replace(before[edited], archived_at=None)


def test_the_sites_version_comes_back_after_an_older_page_was_replayed(
    crawl: Crawl, demo_site: DemoSite, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    edited = article(demo_site)
    old = tmp_path_factory.mktemp("saved") / "old.html"
    old.write_bytes(demo_site.site.answer("GET", f"/rain/a/{edited}", {}, b"").body)
    demo_site.site.edit(edited, title="改了的标题")
    make_due(archive)
    crawl(archive, site=demo_site)
    now = (archive / row(archive, edited).path).read_bytes()
    assert crawl(archive, "-a", f"replay={old}").returncode == 0
    assert (archive / row(archive, edited).path).read_bytes() != now
    make_due(archive)
    crawl(archive, site=demo_site)
    assert (archive / row(archive, edited).path).read_bytes() == now


def test_a_saved_notice_of_removal_is_none(crawl: Crawl, demo_site: DemoSite, archive: Path, tmp_path: Path) -> None:
    removed = article(demo_site)
    page = demo_site.site.answer("GET", f"/rain/a/{removed}", {}, b"").body
    saved = tmp_path / "saved.html"
    saved.write_bytes(re.sub(rb"window\.DATA ?= ?\{", b'window.DATA = {"is_deleted": 1, ', page))
    before = row(archive, removed)
    result = crawl(archive, "-a", f"replay={saved}")
    assert result.returncode == 0, result
    assert row(archive, removed) == before


def test_a_document_that_no_disk_can_read_stops_nothing(crawl: Crawl, demo_site: DemoSite, archive: Path) -> None:
    odd = article(demo_site)
    document = archive / row(archive, odd).path
    whole = document.read_bytes()
    document.unlink()
    document.symlink_to("/proc/self/mem")  # which gives EIO
    make_due(archive)
    result = crawl(archive, site=demo_site)
    assert (result.returncode, counts(result)["restored"]) == (0, 1), result
    assert (document.read_bytes(), document.is_symlink()) == (whole, False)


def test_rechecks_end_also_when_the_page_cannot_be_read_any_more(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    demo_site.site.layout = "unknown"
    odd = article(demo_site)
    for _ in range(3):
        make_due_again(archive)
        crawl(archive, site=demo_site, ARCHIVE_MAX_TRIES=3, ARCHIVE_RECHECK_HOURS="0")
    last = row(archive, odd)
    assert (last.state, last.attempts, last.next_check) == (State.ARCHIVED, 3, None)


def make_due_again(archive: Path) -> None:
    """As `make_due`, and what was tried so far is remembered."""
    now = datetime.now(UTC)
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        for known in list(ledger.rows()):
            if known.state is State.ARCHIVED:
                ledger.put(replace(known, next_check=now))


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut": lambda whole: whole[:300],
    "longer": lambda whole: whole + b"more\n",
    "changed": lambda whole: whole.replace("。".encode(), "！".encode(), 1),
}


QUICK = {("cut", "crawl"), ("changed", "crawl"), ("emptied", "urls"), ("longer", "reextract")}


@pytest.mark.parametrize(
    ("harm", "how"),
    [
        (harm, how) if (harm, how) in QUICK else slow(harm, how)
        for how in ("crawl", "urls", "reextract")
        for harm in HARMS
    ],
)
def test_a_damaged_document_is_written_again(
    crawl: Crawl, demo_site: DemoSite, archive: Path, harm: str, how: str
) -> None:
    odd = article(demo_site)
    document = archive / row(archive, odd).path
    whole = document.read_bytes()
    bad = HARMS[harm](whole)
    document.write_bytes(bad)
    if how == "reextract":
        result = crawl(archive, odd, name="reextract")
    else:
        make_due(archive)
        result = crawl(archive, *(["-a", f"urls={odd}"] if how == "urls" else []), site=demo_site)
    assert result.returncode == 0, result
    assert document.read_bytes() == whole
    (kept,) = (archive / "revisions" / "qq" / odd).iterdir()
    assert kept.read_bytes() == bad
    assert row(archive, odd).revision == (2 if harm == "changed" else 1), (
        "another document is a version, half a one not"
    )
    assert "changed since it was archived, written again" in result.stderr or how == "reextract"
    assert kept.name.endswith(".damaged") == (harm != "changed")
    assert crawl(archive, name="verify").returncode == 0


def test_rechecks_go_on_while_the_site_is_away_and_end_with_the_last_age(
    crawl: Crawl, demo_site: DemoSite, archive: Path
) -> None:
    demo_site.site.faults.add("/rain/a/*", 500, times=-1)
    young, old = "1000000", "1"  # hours: every article of the demo is past its last re-check, or none is
    for hours, goes_on in ((young, True), (old, False)):
        for _ in range(3):
            make_due(archive)
            with Ledger.open(archive / "ledger.sqlite") as ledger:
                for known in ledger.rows():
                    ledger.put(replace(known, attempts=3))
            crawl(archive, site=demo_site, RETRY_TIMES=0, ARCHIVE_MAX_TRIES=3, ARCHIVE_RECHECK_HOURS=hours)
        with Ledger.open(archive / "ledger.sqlite") as ledger:
            archived = [known for known in ledger.rows() if known.state is State.ARCHIVED]
        assert archived
        assert all((known.next_check is not None) is goes_on for known in archived)


def test_the_pages_own_picture_is_no_list_picture(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    edited = article(demo_site)
    named = ("-a", f"urls={edited}")
    crawl(tmp_path, *named, site=demo_site)
    assert row(tmp_path, edited).thumbnail == ""
    demo_site.site.edit(edited, cover="another-cover")
    result = crawl(tmp_path, *named, site=demo_site)
    assert counts(result)["revised"] == 1, "the page's picture is followed while no list has named one"


@pytest.mark.parametrize("location", ["http://[::1/x", "http://host:99999/rain/a/{}", "https://new.qq.com:x/a/{}", ""])
def test_a_redirect_to_nowhere_is_a_failed_try(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, location: str
) -> None:
    moved = article(demo_site)
    demo_site.site.faults.add(f"/rain/a/{moved}", "redirect", times=-1, value=location.format(moved))
    result = crawl(
        tmp_path, "-a", f"urls={moved},{sorted(it.id for it in demo_site.site.articles())[0]}", site=demo_site
    )
    assert result.returncode in (0, 3), result
    assert "Traceback" not in result.stderr
    failed = row(tmp_path, moved)
    assert (failed.state, failed.attempts) == (State.FAILED, 1)
    assert failed.next_try is not None
