"""The site changes its pages: alarm, nothing empty archived, and after the reader was mended `scrapy retry` goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsarchive.archive.files import Lock
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.replay import capture_page, captures
from newsarchive.archive.tables import State
from newsarchive.archive.warc import Record
from tests.archived import make_due
from tests.conftest import Crawl, DemoSite

# what a person adds when the alarm came: one class
NEW_FAMILY = '''
import json

from newsarchive.qq import pages


class NextPage(pages.ArticlePage):
    """The layout of the demo site's redesign."""

    family = "FX"
    containers = ("div.zq-body",)

    def matches(self):
        return bool(self.selector.css("main.zq-story"))

    def addresses(self):
        state = self.selector.css("script#zq-state::text").get().partition("=")[2]
        yield "https://new.qq.com/rain/a/" + json.loads(state)["doc"]["zqKey"]

    def titles(self):
        yield self.css("h1.zq-headline")

    def times(self):
        yield self.selector.css("time.zq-time::attr(datetime)").get("").replace("T", " ")[:19]


class AddOn:
    def update_settings(self, settings):
        pages.FAMILIES = (*pages.FAMILIES, NextPage)
'''
ADDON = '{"next_family.AddOn": 0}'


def mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `-s ADDONS=…` has the new family."""
    folder = tmp_path / "plug"
    folder.mkdir()
    (folder / "next_family.py").write_text(NEW_FAMILY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def quarantined(archive: Path) -> list[str]:
    return sorted(path.name.removesuffix(".html.gz") for path in archive.glob("quarantine/qq/*.html.gz"))


def markdown(archive: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in archive.glob("content/**/*.md")}


def test_a_new_layout_is_an_alarm_and_nothing_is_lost(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    ids = sorted(story.id for story in demo_site.site.articles())
    demo_site.site.layout = "unknown"
    alarm = crawl(archive, site=demo_site)
    assert alarm.returncode == 4, alarm
    assert "ALARM" in alarm.stdout
    assert markdown(archive) == {}
    assert quarantined(archive) == ids
    notes = json.loads((archive / "quarantine" / "qq" / f"{ids[0]}.json").read_bytes())
    assert "no page family" in notes["reason"]
    assert (notes["article_id"], notes["status"]) == (ids[0], 200)
    page = gzip.decompress((archive / "quarantine" / "qq" / f"{ids[0]}.html.gz").read_bytes())
    assert b"zq-story" in page

    shown = crawl(archive, name="status")
    assert "scrapy retry" in shown.stdout

    demo_site.stop()
    nothing = crawl(archive, name="retry")
    assert nothing.returncode == 4, nothing
    assert f"{len(ids)} still there" in nothing.stdout
    assert [alarm["name"] for alarm in nothing.status["last_run"]["alarms"]] == ["quarantine"]
    assert quarantined(archive) == ids

    mend(tmp_path, monkeypatch)
    done = crawl(archive, name="retry", ADDONS=ADDON)
    assert done.returncode == 0, done
    assert f"{len(ids)} new" in done.stdout
    assert sorted(markdown(archive)) == ids
    assert quarantined(archive) == []
    assert not list(archive.glob("quarantine/qq/*.json"))
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        rows = {row.article_id: row for row in ledger.rows() if row.path}
        assert sorted(rows) == ids
        assert {row.state for row in rows.values()} == {State.ARCHIVED}
        assert all(row.thumbnail for row in rows.values()), "the list's picture came through the quarantine"


def test_retry_gives_the_same_bytes_as_a_crawl(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo_site.site.layout = "unknown"
    crawl(tmp_path / "retried", site=demo_site)
    mend(tmp_path, monkeypatch)
    crawl(tmp_path / "retried", name="retry", ADDONS=ADDON)
    crawl(tmp_path / "live", site=demo_site, ADDONS=ADDON)
    assert markdown(tmp_path / "retried") == markdown(tmp_path / "live") != {}


def test_quarantined_pages_come_again_later_and_then_leave_by_themselves(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    one = next(story.id for story in demo_site.site.articles() if story.family == "F5")
    demo_site.site.faults.add(f"/rain/a/{one}", "challenge")
    first = crawl(tmp_path, site=demo_site, ARCHIVE_RETRY_MINUTES=0)
    assert first.returncode == 0, "one page of many is no alarm"
    assert quarantined(tmp_path) == [one]
    second = crawl(tmp_path, site=demo_site)
    assert second.returncode == 0, second
    assert quarantined(tmp_path) == []
    assert one in markdown(tmp_path)


def test_the_newest_copy_of_a_page_wins(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    one = next(story.id for story in demo_site.site.articles() if story.family == "F5")
    for kind in ("challenge", "html"):
        demo_site.site.faults.clear()
        demo_site.site.faults.add(f"/rain/a/{one}", kind)
        crawl(tmp_path, "-a", f"urls={one}", site=demo_site)
    page = gzip.decompress((tmp_path / "quarantine" / "qq" / f"{one}.html.gz").read_bytes())
    assert "维护" in page.decode()
    assert len(list(tmp_path.glob("quarantine/qq/*"))) == 2


def test_a_saved_page_that_tells_no_id_is_kept_too(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    demo_site.site.layout = "unknown"
    crawl(archive, site=demo_site)
    saved = tmp_path / "saved"
    saved.mkdir()
    one = quarantined(archive)[0]
    html = gzip.decompress((archive / "quarantine" / "qq" / f"{one}.html.gz").read_bytes())
    (saved / "some page.html").write_bytes(html)
    other = tmp_path / "other"
    crawl(other, "-a", f"replay={saved}")
    [name] = quarantined(other)
    assert name.startswith("page-")
    mend(tmp_path, monkeypatch)
    done = crawl(other, name="retry", ADDONS=ADDON)
    assert done.returncode == 0, done
    assert list(markdown(other)) == [one]
    assert quarantined(other) == []


def test_nothing_in_quarantine(crawl: Crawl, tmp_path: Path) -> None:
    Ledger.open(tmp_path / "ledger.sqlite").close()
    result = crawl(tmp_path, name="retry")
    assert (result.returncode, result.stdout) == (0, "Nothing in quarantine.\n")
    none = crawl(tmp_path / "none", name="retry")
    assert (none.returncode, none.stdout) == (2, ""), none
    assert "holds no archive" in none.stderr
    assert not (tmp_path / "none").exists()


@pytest.fixture
def archive(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> Path:
    """An archive with one page in quarantine, of the article `one`."""
    demo_site.site.faults.add(f"/rain/a/{one(demo_site)}", "html")
    assert crawl(tmp_path / "archive", site=demo_site).returncode == 0
    return tmp_path / "archive"


def one(site: DemoSite) -> str:
    return next(story.id for story in site.site.articles() if story.family == "F5")


def test_retry_while_another_run_goes_on_touches_nothing(
    crawl: Crawl, archive: Path, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    before = tree(archive / "quarantine")
    lock = Lock(archive / ".lock")
    lock.acquire("a test", datetime.now(UTC))
    try:
        result = crawl(archive, name="retry")
    finally:
        lock.release()
    assert (result.returncode, result.stdout) == (75, ""), result
    assert tree(archive / "quarantine") == before


def test_a_page_that_tells_no_id_leaves_only_when_its_article_is_archived(
    crawl: Crawl, archive: Path, demo_site: DemoSite, tmp_path: Path
) -> None:
    """That an earlier version of the article is in the archive says nothing about this page."""
    good = next(it for it in (archive / "pages").glob("*.warc.gz"))
    pages = [capture_page(good, it, "qq") for it in captures(good) if isinstance(it, Record) and it.is_page]
    texts = {it.article_id: it.html for it in pages if "![" not in markdown(archive).get(it.article_id, b"![").decode()}
    named, html = next(iter(texts.items()))
    (tmp_path / "page.html").write_bytes(html)
    crawl(archive, "-a", f"replay={tmp_path / 'page.html'}", ARCHIVE_MIN_TEXT=100_000)
    [nameless] = [it for it in quarantined(archive) if it.startswith("page-")]
    stays = crawl(archive, name="retry", ARCHIVE_MIN_TEXT=100_000)
    assert stays.returncode == 4, stays
    assert nameless in quarantined(archive), named
    leaves = crawl(archive, name="retry")
    assert "1 of 2 pages left the quarantine, 1 still there" in leaves.stdout, leaves
    assert nameless not in quarantined(archive)


@pytest.mark.parametrize("named", [True, False])
def test_a_copy_that_is_torn_is_not_written_again(
    crawl: Crawl, archive: Path, demo_site: DemoSite, named: bool
) -> None:
    page = archive / "quarantine" / "qq" / f"{one(demo_site)}.html.gz"
    if not named:
        page = page.rename(page.with_name("page-0123456789abcdef.html.gz"))
        notes = page.with_name(f"{one(demo_site)}.json")
        about = json.loads(notes.read_bytes()) | {"article_id": ""}
        notes.unlink()
        page.with_name("page-0123456789abcdef.json").write_text(json.dumps(about))
    torn = page.read_bytes()[:-20]
    page.write_bytes(torn)
    result = crawl(archive, name="retry")
    assert result.returncode == 4, result
    assert "Traceback" not in result.stderr
    assert page.read_bytes() == torn
    assert len(list(page.parent.iterdir())) == 2
    assert f"quarantine/qq/{page.name}" in crawl(archive, name="verify").stdout


def test_a_page_that_stays_is_an_alarm_whatever_the_ledger_says(
    crawl: Crawl, archive: Path, demo_site: DemoSite
) -> None:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        row = ledger.get("qq", one(demo_site))
        assert row
        ledger.failed(row, reason="HTTP status 500", now=datetime.now(UTC), next_try=None)
    assert crawl(archive, name="retry").returncode == 4


@pytest.mark.parametrize("wrong", [{"article_id": "../../x"}, {"headers": [["a", 5]]}, {"url": None}])
def test_notes_that_a_hand_has_spoilt(
    crawl: Crawl, archive: Path, demo_site: DemoSite, wrong: dict[str, object]
) -> None:
    notes = archive / "quarantine" / "qq" / f"{one(demo_site)}.json"
    spoilt = json.dumps(json.loads(notes.read_bytes()) | wrong)
    notes.write_text(spoilt)
    result = crawl(archive, name="retry")
    assert result.returncode == 4, result
    assert "Traceback" not in result.stderr
    assert notes.read_text() == spoilt
    assert quarantined(archive) == [one(demo_site)]


def test_a_good_answer_without_a_page_releases_too(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    """The site says 304: what is archived is right, and the odd page of the look before was a passing one."""
    crawl(tmp_path, site=demo_site)
    make_due(tmp_path)
    demo_site.site.faults.add(f"/rain/a/{one(demo_site)}", "challenge")
    crawl(tmp_path, site=demo_site)
    assert quarantined(tmp_path) == [one(demo_site)]
    make_due(tmp_path)
    crawl(tmp_path, site=demo_site)
    assert quarantined(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "said"), [(["weather"], "no spider named 'weather'"), (["-a", "limit=1"], "takes no -a arguments")]
)
def test_wrong_usage_of_retry(crawl: Crawl, tmp_path: Path, arguments: list[str], said: str) -> None:
    result = crawl(tmp_path, *arguments, name="retry")
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
