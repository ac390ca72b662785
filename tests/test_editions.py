"""A new edition under a known id: lists announce it by its publish time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.faults import Answer
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.schedule import Schedule
from newsarchive.archive.tables import Row, State
from newsarchive.items import Article
from tests.conftest import Crawl, DemoSite

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PUBLISHED = NOW - 40 * DAY  # long after the last re-check
TRIES = 4

KNOWN = Row(
    source="qq", article_id="a", url="u", first_seen=PUBLISHED, state=State.ARCHIVED, path="content/a.md",
    published=PUBLISHED, archived_at=PUBLISHED + HOUR, last_checked=PUBLISHED + 30 * DAY,
)  # fmt: skip
GONE = replace(KNOWN, state=State.GONE, gone_at=NOW - HOUR)
NEVER_HERE = replace(GONE, path="", published=None, archived_at=None)
GIVEN_UP = replace(
    NEVER_HERE, state=State.QUARANTINED, gone_at=None, attempts=TRIES, last_checked=NOW - 5 * DAY, next_try=NOW - DAY
)


class Clock:
    """A schedule and the time that it is."""

    def __init__(self) -> None:
        self.time = NOW
        ages = [HOUR * hours for hours in (1, 6, 24, 72, 168, 720)]
        self.schedule = Schedule(now=lambda: self.time, ages=ages, max_tries=TRIES, first_delay=30 * MINUTE)


SOON, LATER = replace(KNOWN, false_announcements=1, next_check=NOW + HOUR), timedelta(days=3)


@pytest.mark.parametrize(
    ("row", "announced", "look"),
    [
        (KNOWN, PUBLISHED, None),
        (KNOWN, PUBLISHED - DAY, None),
        (KNOWN, PUBLISHED + 59 * MINUTE / 60, None),
        (KNOWN, PUBLISHED + MINUTE, NOW),
        (KNOWN, NOW, NOW),
        (KNOWN, NOW + 5 * MINUTE, NOW),
        (KNOWN, NOW + 6 * MINUTE, None),
        (KNOWN, NOW + 9999 * DAY, None),
        (replace(KNOWN, announced=NOW - HOUR), NOW - HOUR, None),
        (replace(KNOWN, announced=NOW - HOUR), NOW - MINUTE, NOW),
        (SOON, NOW, NOW + HOUR),
        (replace(SOON, false_announcements=TRIES, next_check=None, last_checked=NOW - DAY), NOW, NOW + 2 * DAY),
        # a page that says that it was published in a year of the future
        (replace(KNOWN, published=NOW + 9999 * DAY), NOW, NOW),
        # its page did not come lately: it is tried again anyway
        (replace(KNOWN, attempts=2, next_check=NOW + 4 * HOUR), NOW, NOW + 4 * HOUR),
        (replace(KNOWN, attempts=TRIES, last_checked=NOW - 4 * DAY), NOW, NOW - DAY),
        (GONE, PUBLISHED, None),
        (GONE, NOW - 2 * HOUR, NOW),
        (NEVER_HERE, NOW - 2 * HOUR, None),
        (NEVER_HERE, NOW, NOW),
        (replace(KNOWN, state=State.FOUND, path="", last_checked=None), NOW, None),  # not tried yet: due at once
        (replace(GIVEN_UP, attempts=1, next_try=NOW + HOUR), NOW, NOW + HOUR),
        (GIVEN_UP, NOW - 6 * DAY, None),
        (GIVEN_UP, NOW, NOW - 2 * DAY),
    ],
)
def test_when_to_look(row: Row, announced: datetime, look: datetime | None) -> None:
    assert Clock().schedule.look_for_edition(row, announced) == look


class Runs:
    """A run every half hour: what lists announce and what the page is, and how often it is fetched."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ledger = Ledger.open(folder / "ledger.sqlite")
        self.ledger.put(KNOWN)
        self.fetched: list[datetime] = []

    @property
    def row(self) -> Row:
        row = self.ledger.get("qq", "a")
        assert row
        return row

    def run(self, announced: datetime, page: datetime) -> None:
        schedule, asked = self.clock.schedule, False
        if list(self.ledger.rechecks("qq", self.clock.time)):
            asked = True
        self.clock.time += MINUTE
        if asked:
            self._fetch(page)
        row = self.row
        look = schedule.look_for_edition(row, announced)
        if look:
            row = self.ledger.announced(
                row, published=announced, thumbnail="new", entry="{}", look=look, max_tries=TRIES
            )
            if look <= self.clock.time and not asked:
                self._fetch(page)
        self.clock.time += 29 * MINUTE

    def _fetch(self, page: datetime) -> None:
        self.fetched.append(self.clock.time)
        row = self.row
        again = self.clock.schedule.next_check(row, page)
        if page == row.published:
            self.ledger.checked(row, now=self.clock.time, next_check=again)
            return
        article = Article(source="qq", article_id="a", url="u", title="t", published=page, body="b")
        self.ledger.archived(
            row, article, path=row.path, content_hash="c", file_hash="f", revision=2, next_check=again,
            now=self.clock.time,
        )  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_every_edition_is_fetched_once(runs: Runs) -> None:
    for n in range(1, 5):
        edition = NOW + n * 2 * HOUR - 7 * MINUTE
        while runs.clock.time < edition + HOUR:
            late = runs.clock.time >= edition
            runs.run(edition if late else KNOWN.published or NOW, edition if late else runs.row.published or NOW)
        assert runs.row.published == edition
        assert runs.row.false_announcements == 0
        assert runs.row.next_check == edition + HOUR * (1 if runs.fetched[-1] < edition + HOUR else 6)
    assert len(runs.fetched) <= 8, "once for each, and re-checks an hour after"


def test_a_page_that_lags_behind_its_list_is_got_soon(runs: Runs) -> None:
    runs.run(NOW, PUBLISHED)
    runs.run(NOW, NOW)
    assert runs.fetched == [NOW + MINUTE, NOW + 31 * MINUTE]
    assert (runs.row.published, runs.row.thumbnail, runs.row.false_announcements) == (NOW, "new", 0)


def test_a_false_announcement_is_looked_at_ever_more_rarely_and_then_no_more(runs: Runs) -> None:
    for _ in range(15 * 48):
        runs.run(NOW, PUBLISHED)
    assert len(runs.fetched) == TRIES
    assert runs.row.next_check is None
    assert (runs.row.thumbnail, runs.row.published) == ("", PUBLISHED)
    later = runs.clock.time
    runs.run(later, later)
    assert runs.row.published == later, "which does not keep a later one away"


def test_a_list_that_names_a_newer_time_in_every_reply(runs: Runs) -> None:
    for _ in range(15 * 48):
        runs.run(runs.clock.time, PUBLISHED)
    assert len(runs.fetched) <= TRIES + 15 // 3 + 1


# whole crawls


@pytest.fixture
def site(new_site: Callable[..., DemoSite]) -> DemoSite:
    return new_site(newest=beijing() - 2 * DAY)


def beijing() -> datetime:
    return (datetime.now(UTC) + 8 * HOUR).replace(tzinfo=None, microsecond=0)


def row(archive: Path, article_id: str) -> Row:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        found = ledger.get("qq", article_id)
    assert found
    return found


def make_nothing_due(archive: Path) -> None:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        for known in list(ledger.rows()):
            ledger.put(replace(known, next_check=None))


def counts(result: Any) -> dict[str, int]:
    names = ("request/article", "entry/newer", "article/revised", "article/unchanged", "article/new")
    return {name: n for name, n in result.status["last_run"]["counts"].items() if name in names}


def test_a_column_with_one_id(crawl: Crawl, site: DemoSite, tmp_path: Path) -> None:
    column = next(story.id for story in site.site.articles() if story.family == "F5" and len(story.channels) > 0)
    site.site.list_again(column)
    assert crawl(tmp_path, site=site).returncode == 0
    make_nothing_due(tmp_path)
    first = row(tmp_path, column)
    document = (tmp_path / first.path).read_bytes()

    def edit(**fields: object) -> None:
        for each in [id_ for id_ in site.site.stories if id_.startswith(column)]:
            site.site.edit(each, **fields)

    # a new edition, named four times
    edit(title="第二期", published=beijing() - HOUR, cover="second")
    result = crawl(tmp_path, site=site)
    assert counts(result) == {"request/article": 1, "entry/newer": 1, "article/revised": 1}, result
    second = row(tmp_path, column)
    assert (second.path, second.revision, second.false_announcements) == (first.path, 2, 0)
    [kept] = (tmp_path / "revisions" / "qq" / column).iterdir()
    assert kept.read_bytes() == document
    document = (tmp_path / first.path).read_bytes()
    assert "第二期" in document.decode()
    assert second.thumbnail != first.thumbnail
    assert f'thumbnail: "{second.thumbnail}"' in document.decode()
    assert second.published
    assert second.next_check in (second.published + HOUR, second.published + 6 * HOUR)
    make_nothing_due(tmp_path)

    # named again under another picture; then announced, and the page is not there yet
    edit(cover="third")
    page = site.site.answer("GET", f"/rain/a/{column}", {}, b"")
    answer = site.site.answer
    assert counts(crawl(tmp_path, site=site)) == {}

    def lagging(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        return replace(page, headers=()) if column in target else answer(method, target, headers, body)

    site.site.answer = lagging  # type: ignore[method-assign]
    edit(title="第三期", published=beijing() - 10 * MINUTE)
    assert counts(crawl(tmp_path, site=site)) == {"request/article": 1, "entry/newer": 1, "article/unchanged": 1}
    assert counts(crawl(tmp_path, site=site)) == {}
    assert (tmp_path / first.path).read_bytes() == document
    late = row(tmp_path, column)
    assert (late.revision, late.thumbnail, late.false_announcements) == (2, second.thumbnail, 1)
    assert late.next_check
    assert late.next_check < datetime.now(UTC) + 31 * MINUTE

    # and then it is, and no list names it any more
    site.site.answer = answer  # type: ignore[method-assign]
    site.site.order = {channel: [] for channel in site.site.order}
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(replace(late, next_check=datetime.now(UTC)))
    assert counts(crawl(tmp_path, site=site)) == {"request/article": 1, "article/revised": 1}
    third = row(tmp_path, column)
    assert (third.revision, third.false_announcements) == (3, 0)
    assert third.thumbnail not in (first.thumbnail, second.thumbnail)
    assert f'thumbnail: "{third.thumbnail}"' in (tmp_path / first.path).read_text("utf-8")
    assert crawl(tmp_path, name="verify").returncode == 0
    assert "1 replaced" not in crawl(tmp_path, column, name="reextract").stdout


def test_a_removed_article_that_is_published_anew(crawl: Crawl, site: DemoSite, tmp_path: Path) -> None:
    removed = next(story.id for story in site.site.articles() if story.family == "F5")
    assert crawl(tmp_path, site=site).returncode == 0
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.gone(row(tmp_path, removed), now=datetime.now(UTC))
    assert counts(crawl(tmp_path, site=site)) == {}
    site.site.edit(removed, title="又发表了", published=beijing() - MINUTE)
    assert counts(crawl(tmp_path, site=site)) == {"request/article": 1, "entry/newer": 1, "article/revised": 1}
    back = row(tmp_path, removed)
    assert (back.state, back.gone_at, back.revision) == (State.ARCHIVED, None, 2)
