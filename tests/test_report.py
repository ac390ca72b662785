"""`scrapy report`: the numbers, the page that shows them in two languages, and what it needs."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from scrapy.settings import Settings

from newsarchive.archive.files import Lock
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import ChangeKind, ChangeRow, Counts, Row, RunRow, State
from newsarchive.commands.report import Command
from newsarchive.errors import LedgerBroken
from newsarchive.health.charts import Chart
from newsarchive.health.report import Words, report
from newsarchive.health.statistics import UNREADABLE, Share, Statistics, statistics
from newsarchive.health.status import MEANINGS
from tests.archived import connection
from tests.conftest import Crawl, slow

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)  # noon in Beijing
HOUR = timedelta(hours=1)
ELEVEN = datetime(2026, 11, 25, 11, 20, tzinfo=BEIJING)
HOSTILE = "</title><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def add(ledger: Ledger, article_id: str, published: datetime = ELEVEN, **known: Any) -> Row:
    """An archived article, and when it was new: half an hour after its publication."""
    facts: dict[str, Any] = {
        "title": f"标题 {article_id}", "publisher": "第一财经", "channels": ("finance",), "family": "F5",
        "state": State.ARCHIVED,
    }  # fmt: skip
    row = Row(
        source="qq", article_id=article_id, url="u", first_seen=NOW, published=published,
        path=f"content/{article_id}.md", **facts | known,
    )  # fmt: skip
    ledger.put(row)
    change(ledger, row, ChangeKind.NEW, published + HOUR / 2)
    return row


def change(ledger: Ledger, row: Row, kind: ChangeKind, time: datetime, *changed: str, title: str = "") -> None:
    title = title or row.title
    known = ChangeRow(source="qq", article_id=row.article_id, kind=kind, time=time, changed=changed, title=title)
    ledger.add_change(known)


def run(ledger: Ledger, started: datetime, exit_code: int | None, **counts: int) -> None:
    begun = ledger.add_run(RunRow(started=started, pid=1, arguments="scrapy crawl qq"))
    if exit_code is not None:
        named: Counts = {name.replace("__", "/"): number for name, number in counts.items()}
        ledger.end_run(replace(begun, ended=started + timedelta(seconds=90), exit_code=exit_code, counts=named))


def a_bit_of_everything(ledger: Ledger) -> None:
    add(ledger, "A1", site_tags=("经济",))
    add(ledger, "A2", ELEVEN + HOUR, channels=("finance", "tech"))
    edited = add(ledger, "A3", publisher="新华社")
    change(ledger, edited, ChangeKind.EDITED, ELEVEN + 5 * HOUR, "title", "text")
    removed = add(ledger, "A4", ELEVEN - timedelta(days=100), family="F1", state=State.GONE)
    change(ledger, removed, ChangeKind.REMOVED, ELEVEN + HOUR)
    change(ledger, removed, ChangeKind.BACK, ELEVEN + 2 * HOUR)
    add(ledger, "old", title="", publisher="", channels=(), where="channel tech", family="")
    ledger.put(Row(source="qq", article_id="A9", url="u", first_seen=NOW))
    run(ledger, ELEVEN, 0, article__new=8, without__picture=2, without__text=4, without__summary=1)
    run(ledger, ELEVEN + HOUR, 4, **{"article__new": 2, "alarm/pages": 1, "alarm/no summary": 1})
    run(ledger, ELEVEN + 2 * HOUR, 4)
    run(ledger, ELEVEN + 3 * HOUR, 77)
    run(ledger, NOW, None)


def quarantine(folder: Path, name: str, notes: str) -> None:
    file = folder / "quarantine" / "qq" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(notes, "utf-8")


# the numbers


def test_what_is_counted(ledger: Ledger, tmp_path: Path) -> None:
    a_bit_of_everything(ledger)
    found = statistics(tmp_path, ledger, NOW)
    assert found.documents == 5
    assert found.states == {State.ARCHIVED: 4, State.GONE: 1, State.FOUND: 1}
    assert found.by_day == {date(2026, 11, 25): 4, date(2026, 8, 17): 1}
    assert found.by_hour == {11: 4, 12: 1}
    assert found.by_channel == {"finance": 4, "tech": 2}
    assert found.by_publisher == {"第一财经": 3, "新华社": 1, "": 1}
    assert found.by_family == {"F5": 3, "F1": 1, "": 1}
    assert found.by_family.newest["F1"] == date(2026, 8, 17)
    assert found.without_facts == 1
    assert found.fields == {
        "publisher": Share(4, 4), "channels": Share(4, 4), "site_tags": Share(1, 4), "text": Share(6, 10),
        "summary": Share(5, 6), "picture": Share(8, 10), "thumbnail": Share(10, 10),
    }  # fmt: skip
    assert found.changes[ChangeKind.EDITED] == found.changes[ChangeKind.REMOVED] == {date(2026, 11, 25): 1}
    assert found.ages[ChangeKind.NEW] == [1800.0] * 5
    assert found.ages[ChangeKind.EDITED] == [5 * 3600.0]
    assert found.ages[ChangeKind.REMOVED] == [100 * 86400.0 + 3600]
    assert [it.kind for it in found.latest] == ["edited", "back", "removed"]
    assert [run.exit_code for run in found.runs] == [None, 77, 4, 4, 0]


def test_what_came_before_a_new_publish_time_has_no_age(ledger: Ledger, tmp_path: Path) -> None:
    """The ledger has the publish time of the latest version only."""
    row = add(ledger, "A1")
    change(ledger, row, ChangeKind.EDITED, ELEVEN + HOUR, "text")
    change(ledger, row, ChangeKind.EDITED, ELEVEN + 2 * HOUR, "text", "time")
    change(ledger, row, ChangeKind.EDITED, ELEVEN + 4 * HOUR, "pictures")
    unknown = add(ledger, "A2")
    change(ledger, unknown, ChangeKind.EDITED, ELEVEN + 4 * HOUR)  # as former versions have noted it
    change(ledger, replace(unknown, article_id="A3"), ChangeKind.REMOVED, NOW)  # of no article
    found = statistics(tmp_path, ledger, NOW)
    assert found.ages[ChangeKind.EDITED] == [4 * 3600.0]
    assert found.ages[ChangeKind.NEW] == found.ages[ChangeKind.REMOVED] == []
    assert found.undated == {ChangeKind.EDITED: 3, ChangeKind.NEW: 2, ChangeKind.REMOVED: 1}


def test_an_hour_is_that_of_the_publisher_also_where_clocks_differ_by_half_an_hour(
    ledger: Ledger, tmp_path: Path
) -> None:
    add(ledger, "A1", datetime(2026, 11, 25, 17, 15, tzinfo=timezone(timedelta(hours=5.5))))
    add(ledger, "A2", datetime(9999, 12, 31, 12, tzinfo=BEIJING))
    add(ledger, "A3", datetime(1, 1, 1, 12, tzinfo=BEIJING))
    found = statistics(tmp_path, ledger, NOW)
    assert found.by_hour == {17: 1, 12: 2}
    assert "Left out, of other times: 2." in report(found, "en")


def test_reasons_are_grouped_without_what_differs(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(3):
        quarantine(tmp_path, f"A{n}", f'{{"url": "u", "reason": "no page family claims it: its title is \'标题{n}\'"}}')
    quarantine(tmp_path, "A3", '{"url": "u", "reason": "the text has 7 characters"}')
    quarantine(tmp_path, "A5", '{"url": "u", "reason": "a video\'s page, not an article\'s"}')
    quarantine(tmp_path, "A4", "no notes")
    found = statistics(tmp_path, ledger, NOW)
    title = "no page family claims it: its title is …"
    video = "a video's page, not an article's"
    assert found.quarantine == {title: 3, "the text has … characters": 1, video: 1, UNREADABLE: 1}


def test_a_picture_of_two_names_counts_once(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "qq").mkdir(parents=True)
    (tmp_path / "pictures" / "qq" / "one").write_bytes(b"x" * 100)
    os.link(tmp_path / "pictures" / "qq" / "one", tmp_path / "pictures" / "qq" / "other")
    (tmp_path / "content").mkdir()
    for n in range(3):
        (tmp_path / "content" / f"{n}.md").write_bytes(b"x" * 10)
    found = statistics(tmp_path, ledger, NOW)
    assert found.sizes["pictures"] == (1, 100)
    assert found.sizes["documents"] == (3, 30)
    assert found.sizes["ledger"][0] >= 1


@pytest.mark.parametrize("change", ["published = 'yesterday'", "channels = 'none'"])
def test_a_value_that_nobody_has_written_is_a_broken_ledger(ledger: Ledger, tmp_path: Path, change: str) -> None:
    add(ledger, "A1")
    with sqlite3.connect(tmp_path / "ledger.sqlite") as by_hand:
        by_hand.execute(f"UPDATE articles SET {change}")
    by_hand.close()
    with pytest.raises(LedgerBroken, match="`scrapy rebuild`"):
        statistics(tmp_path, ledger, NOW)


# the page


def page_of(found: Statistics, language: str = "en") -> Any:
    return html.fromstring(report(found, language))


def numbers(page: Any, title: str) -> dict[str, list[str]]:
    """The table of a chart."""
    (figure,) = [it for it in page.iter("figure") if it.findtext(".//h3") == title]
    assert figure.find(".//svg").get("aria-label") == title
    rows = figure.findall(".//tbody/tr")
    return {row.findtext("th"): [cell.text or "" for cell in row.findall("td")] for row in rows}


def test_the_page_of_a_small_archive(ledger: Ledger, tmp_path: Path) -> None:
    a_bit_of_everything(ledger)
    quarantine(tmp_path, "A8", '{"url": "u", "reason": "no title"}')
    page = page_of(statistics(tmp_path, ledger, NOW))
    assert page.get("lang") == "en"
    assert page.findtext(".//h1") == "The archive on 2026-11-26"
    tiles = {it.findtext("dt"): it.findtext("dd") for it in page.findall(".//dl/div")}
    assert tiles.pop("on disk").endswith("kB")
    assert tiles == {
        "documents": "5", "edits": "1", "removals": "1", "pages in quarantine": "1",
        "last run, 2026-11-26 12:00": "no end: still going on, or killed",
    }  # fmt: skip
    assert numbers(page, "Articles published by day")["11-25"] == ["4"]
    assert len(numbers(page, "Articles published by day")) == 60
    assert numbers(page, "Articles published by month") == {
        "2026-08": ["1"], "2026-09": ["0"], "2026-10": ["0"], "2026-11": ["4"],
    }  # fmt: skip
    assert numbers(page, "Articles published by hour")["11"] == ["4"]
    assert numbers(page, "Articles by channel") == {
        "finance": ["4", "80.0%", "2026-11-25"], "tech": ["2", "40.0%", "2026-11-25"],
    }  # fmt: skip
    assert list(numbers(page, "Articles by publisher")) == ["第一财经", "(not known)", "新华社"]
    assert numbers(page, "Edits and removals by day")["11-25"] == ["1", "1", "1"]
    assert numbers(page, "How long after publication they were noticed")["≤ 6 h"] == ["1", "0"]
    assert numbers(page, "How long after publication they were noticed")["> 30 d"] == ["0", "1"]
    assert numbers(page, "From publication to archive")["≤ 30 min"] == ["5"]
    assert numbers(page, "Documents by page family")["F5"] == ["3", "60.0%", "2026-11-25"]
    assert numbers(page, "Share of articles that have it")["summary"] == ["83.3%", "5", "6"]
    assert numbers(page, "Pages in quarantine by reason") == {"no title": ["1", "100.0%"]}
    assert numbers(page, "Room on the disk")["quarantine"][1] == "1"
    assert numbers(page, "Exit codes of runs by day")["11-25"] == ["1", "2", "1", "0"]
    assert numbers(page, "Duration of runs by day, in seconds")["11-25"] == ["90.0", "90.0"]
    tables = {it.findtext("caption"): it for it in page.iter("table") if it.findtext("caption")}
    latest = [[cell.text for cell in row] for row in tables["The latest edits and removals"].findall(".//tbody/tr")]
    assert latest[0] == ["2026-11-25 16:20", "edited", "标题 A3", "title, text", None, "A3"]
    assert [row[0].text for row in tables["Alarms of these runs"].findall(".//tbody/tr")] == ["no summary", "pages"]
    runs = [[cell.text for cell in row] for row in tables["The latest runs"].findall(".//tbody/tr")]
    assert [row[2] for row in runs] == [
        "no end: still going on, or killed", "77", "4: alarm: the site looks changed",
        "4: alarm: the site looks changed", "0: fine",
    ]  # fmt: skip
    assert [row[-1] for row in runs] == [None, None, "not recorded", "no summary, pages", None]


def test_every_chart_has_a_title_a_picture_and_a_table(ledger: Ledger, tmp_path: Path) -> None:
    a_bit_of_everything(ledger)
    page = page_of(statistics(tmp_path, ledger, NOW))
    figures = page.findall(".//figure")
    assert len(figures) == 13
    for figure in figures:
        assert figure.findtext(".//h3")
        assert figure.find(".//svg").get("role") == "img"
        assert figure.findall(".//table/tbody/tr")
    bars = [it.text for it in page.findall(".//svg//title")]
    assert "11-25 · edited: 1" in bars
    assert "finance: 4" in bars
    places = [it.get(name) for it in page.iter() for name in ("src", "href", "{http://www.w3.org/1999/xlink}href")]
    assert all(place.startswith(("#", "data:")) for place in filter(None, places))
    assert not page.findall(".//script")


def test_the_report_in_chinese(ledger: Ledger, tmp_path: Path) -> None:
    a_bit_of_everything(ledger)
    quarantine(tmp_path, "A8", "no notes")
    page = page_of(statistics(tmp_path, ledger, NOW), "zh")
    assert page.get("lang") == "zh-CN"
    assert numbers(page, "发布的文章（按月）")["2026-11"] == ["4"]
    assert numbers(page, "发布多久后被发现")["6 小时内"] == ["1", "0"]
    page.find(".//style").text = ""
    words = {word for text in page.itertext() for word in re.findall(r"[A-Za-z]{3,}", text)}
    # names of the site and of alarms, which are the same in `scrapy status`; a command
    assert words - {"finance", "tech", "pages", "summary", "old", "scrapy", "reextract"} == set()


def test_whatever_a_report_may_say_has_a_translation() -> None:
    chinese = Words("zh").translations or {}
    assert {*State, *ChangeKind, *MEANINGS.values(), UNREADABLE} <= chinese.keys()
    assert [text for text, other in chinese.items() if re.findall(r"{\w+}", text) != re.findall(r"{\w+}", other)] == []
    with pytest.raises(KeyError):
        Words("zh")("Nobody has translated this.")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_of_an_archive_that_has_nothing(ledger: Ledger, tmp_path: Path, language: str) -> None:
    page = page_of(statistics(tmp_path, ledger, NOW), language)
    assert len(page.findall(".//h2")) == 7
    assert len(page.findall(".//figure")) == 1  # the sizes


def test_hostile_text_is_shown_as_text(ledger: Ledger, tmp_path: Path) -> None:
    row = add(ledger, "A1", title=HOSTILE, publisher=HOSTILE, channels=(HOSTILE,), family=HOSTILE)
    change(ledger, row, ChangeKind.EDITED, ELEVEN + HOUR, "title", title=HOSTILE)
    run(ledger, NOW, 4, **{f"alarm/{HOSTILE}": 1})
    quarantine(tmp_path, "A8", '{"url": "u", "reason": "<script>alert(2)</script>"}')
    written = report(statistics(tmp_path, ledger, NOW), "en")
    page = html.fromstring(written)
    assert "<script" not in written
    assert page.findall(".//img") == page.findall(".//script") == []
    cells = [it.text for it in page.iter("td", "th")]
    assert cells.count(HOSTILE) == 6  # two of the alarm
    assert list(numbers(page, "Articles by publisher")) == [HOSTILE]


def test_a_long_time_is_shown_by_year(ledger: Ledger, tmp_path: Path) -> None:
    for year in (2019, 2019, 2024, 2026):
        add(ledger, f"A{year}{len(list(ledger.rows()))}", ELEVEN.replace(year=year))
    add(ledger, "future", ELEVEN.replace(year=2099))
    page = page_of(statistics(tmp_path, ledger, NOW))
    years = numbers(page, "Articles published by year")
    assert years == {str(year): [str({2019: 2, 2024: 1, 2026: 1}.get(year, 0))] for year in range(2019, 2027)}
    assert "Left out, of other times: 1." in page.text_content()


def test_an_archive_that_has_come_to_rest_shows_its_last_days(ledger: Ledger, tmp_path: Path) -> None:
    add(ledger, "A1")
    page = page_of(statistics(tmp_path, ledger, NOW + timedelta(days=500)))
    assert list(numbers(page, "Articles published by day")) == [f"11-{day}" for day in range(12, 26)]


def fill(path: Path, number: int) -> None:
    """So many articles, each new and every tenth edited, as fast as SQLite can."""
    some = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {number})"
    with sqlite3.connect(path) as raw:
        columns = [name for _, name, *_ in raw.execute("PRAGMA table_info(articles)")]
        row = dict(raw.execute("SELECT name, NULL FROM pragma_table_info('articles')"))
        raw.row_factory = sqlite3.Row
        row |= dict(raw.execute("SELECT * FROM articles").fetchone())
        row |= {"seq": "n + 1", "article_id": "'B' || n"}
        day = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', '2026-11-25', '-' || (n * 7 % 400000) || ' minutes') || ' +08:00'"
        row |= {"published": day, "publisher": "'account ' || (n % 5000)", "channels": "'[\"c' || (n % 90) || '\"]'"}
        computed = {"seq", "article_id", "published", "publisher", "channels"}
        values = [row[name] if name in computed else "?" for name in columns]
        given = [row[name] for name in columns if name not in computed]
        raw.execute(
            f"INSERT INTO articles SELECT {', '.join(values)} FROM (SELECT n FROM ({some} SELECT n FROM s))", given
        )
        for kind, every in (("new", 1), ("edited", 10)):
            raw.execute(
                "INSERT INTO changes (source, article_id, kind, time, title, path, previous, changed, added, removed,"
                f" difference) {some} SELECT 'qq', 'B' || n, '{kind}', '2026-11-25T12:00:00.000000+00:00', '', '', '',"
                f" '[\"text\"]', 0, 0, '[]' FROM s WHERE n % {every} = 0"
            )
    raw.close()


@pytest.mark.parametrize("number", [5_000, slow(100_000)])
def test_many_articles_take_a_time_that_is_proportionate(tmp_path: Path, number: int) -> None:
    """In steps of SQLite, which are the same on each machine; and the page is not larger for them."""
    steps, sizes = [], []
    for each in (number // 10, number):
        (folder := tmp_path / str(each)).mkdir()
        with Ledger.open(folder / "ledger.sqlite") as ledger:
            add(ledger, "A1")
        fill(folder / "ledger.sqlite", each)
        with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
            taken: list[None] = []
            connection(ledger).set_progress_handler(partial(taken.append, None), 1000)
            found = statistics(folder, ledger, NOW)
        assert found.documents == each + 1
        assert found.changes[ChangeKind.EDITED].total() == each // 10
        steps.append(len(taken))
        sizes.append(len(report(found, "en")))
    assert steps[1] < 13 * steps[0]
    assert sizes[1] < 1.2 * sizes[0]


# the command


def test_the_report_agrees_with_the_archive(crawl: Crawl, sound: tuple[Path, object], tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(sound[0], archive)
    result = crawl(archive, name="report")
    assert (result.returncode, result.stdout) == (0, f"{archive / 'report.html'}: open it in a browser\n"), result
    page = html.parse(archive / "report.html").getroot()
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        documents, edits = ledger.documents(), list(ledger.changes(kinds=[ChangeKind.EDITED]))
    tiles = {it.findtext("dt"): it.findtext("dd") for it in page.findall(".//dl/div")}
    assert tiles["documents"] == str(documents)
    assert tiles["edits"] == str(len(edits)) == "1"
    assert tiles["pages in quarantine"] == "1"
    assert "改过的题目：河水退了" in page.text_content()
    assert sum(int(number) for (number,) in numbers(page, "Articles published by hour").values()) == documents
    files = [it for it in (archive / "pictures").rglob("*") if it.is_file()]
    assert int(numbers(page, "Room on the disk")["pictures"][1]) == len({it.stat().st_ino for it in files})
    assert crawl(archive, name="verify").returncode == 0


@pytest.mark.slow
def test_a_report_while_a_run_writes(crawl: Crawl, crawled: Path) -> None:
    lock = Lock(crawled / ".lock")
    lock.acquire("a run", datetime.now(UTC))
    with Ledger.open(crawled / "ledger.sqlite") as ledger, ledger.transaction():
        ledger.put(replace(next(ledger.rows()), publisher="新的"))
        result = crawl(crawled, "--lang", "zh", "--to", str(crawled / "here.html"), name="report")
    lock.release()
    assert result.returncode == 0, result
    assert "新的" not in (crawled / "here.html").read_text("utf-8")
    assert not (crawled / "report.html").exists()


def test_there_is_nothing_to_report_on(crawl: Crawl, crawled: Path, tmp_path: Path) -> None:
    nowhere = crawl(tmp_path / "nowhere", name="report")
    assert (nowhere.returncode, "holds no archive" in nowhere.stderr) == (2, True), nowhere
    assert crawl(crawled, "--lang", "fr", name="report").returncode == 2
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "ledger.sqlite").touch()
    empty = crawl(tmp_path / "empty", name="report")
    assert (empty.returncode, "no archive yet" in empty.stderr) == (2, True), empty
    (crawled / "ledger.sqlite").unlink()
    lost = crawl(crawled, name="report")
    assert (lost.returncode, len(lost.stderr.splitlines())) == (1, 1), lost
    assert "`scrapy rebuild` makes one" in lost.stderr


def test_without_altair_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], crawled: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "vl_convert" else find(name))
    command = Command()
    command.settings = Settings({"ARCHIVE_DIR": str(crawled)})
    command.run([], argparse.Namespace(lang="en", to=""))
    assert command.exitcode == 2
    error = capsys.readouterr().err
    assert error == "scrapy report: the charts need Vega-Altair: pip install 'newsarchive[report]'\n"
    assert not (crawled / "report.html").exists()


@pytest.mark.parametrize("largest", [0, 1, 2, 3, 7, 120])
def test_an_axis_of_counts_has_no_halves(largest: int) -> None:
    svg = Chart(title="x", names=["a", "b"], series={"x": [largest, 0]}).svg
    ticks = re.findall(r'<text text-anchor="end"[^>]*>([^<]*)</text>', svg)
    assert len(ticks) > 1
    assert all(tick.isdigit() for tick in ticks)
