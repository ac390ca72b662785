"""Alarms of whole crawls: what the demo site changes, the run says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from demo.stories import Story
from newsarchive.archive.ledger import Ledger
from tests.conftest import Crawl, DemoSite


def names(archive_status: dict[str, object]) -> list[str]:
    run = archive_status["last_run"]
    assert isinstance(run, dict)
    return [alarm["name"] for alarm in run["alarms"]]


@pytest.fixture
def known(crawled: Path, demo_site: DemoSite) -> DemoSite:
    """The demo site, whose 13 articles are in the archive in `tmp_path`."""
    assert len(list(crawled.glob("content/qq/*/*/*.md"))) == 13
    return demo_site


def add(site: DemoSite, number: int, **fields: object) -> list[Story]:
    """New articles, an hour after the newest."""
    newest = max(site.site.articles(), key=lambda story: story.published)
    made = []
    for n in range(number):
        words = "".join(chr(0x4E00 + 100 * n + k) for k in range(60))
        picture = f'<p><img src="picture-{n}"></p>'
        own = {
            "id": f"20261104A0N{n:03}00",
            "title": f"{words[:6]}的新消息",
            "published": newest.published + timedelta(hours=1, minutes=n),
            "body": f'<div class="rich_media_content"><p>{words}记者说，这是第 {n} 条。</p>{picture * (n % 2)}</div>',
            "channels": ("tech",),
            "block": "",
            **fields,
        }
        made.append(replace(newest, **own))  # type: ignore[arg-type]
        site.site.add(made[-1])
    return made


@pytest.mark.parametrize("new", [2, 12])
def test_new_articles_as_before_are_no_alarm(crawl: Crawl, known: DemoSite, tmp_path: Path, new: int) -> None:
    add(known, new)
    result = crawl(tmp_path, site=known)
    assert result.returncode == 0, result
    assert result.status["last_run"]["counts"]["article/new"] == new


@pytest.mark.parametrize("new", [1, 2, 12])
@pytest.mark.parametrize("fault", ["html", "empty"])
def test_unreadable_pages_are_an_alarm_in_a_small_run_too(
    crawl: Crawl, known: DemoSite, tmp_path: Path, new: int, fault: str
) -> None:
    for story in add(known, new):
        known.site.faults.add(f"/rain/a/{story.id}", fault, times=-1)
    result = crawl(tmp_path, site=known)
    assert result.returncode == 4, result
    assert names(result.status) == ["pages"]
    assert f"{new} of {new} pages" in result.stdout


@pytest.mark.parametrize("new", [2, 12])
@pytest.mark.parametrize(
    ("alarm", "fields"),
    [
        ("same title", {"title": "腾讯新闻"}),
        ("same body", {"body": '<div class="rich_media_content"><p>请在客户端里查看这篇文章的全文。</p></div>'}),
    ],
)
def test_articles_that_all_say_the_same(
    crawl: Crawl, known: DemoSite, tmp_path: Path, new: int, alarm: str, fields: dict[str, object]
) -> None:
    add(known, new, **fields)
    result = crawl(tmp_path, site=known)
    assert result.returncode == 4, result
    assert alarm in names(result.status)


def test_a_first_crawl_of_one_title_is_an_alarm(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    for story in demo_site.site.articles():
        demo_site.site.edit(story.id, title="腾讯新闻")
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 4, result
    assert "same title" in names(result.status)


def test_a_day_of_pictures_is_no_alarm(crawl: Crawl, known: DemoSite, tmp_path: Path) -> None:
    stories = add(known, 12)
    for story in stories:
        pictures = "".join(f'<p><img src="{story.id}-{n}"></p>' for n in range(6))
        known.site.edit(story.id, body=f'<div class="rich_media_content"><p>组图</p>{pictures}</div>')
    result = crawl(tmp_path, site=known)
    assert result.returncode == 0, result
    assert result.status["last_run"]["counts"]["without/text"] == 12


def test_pictures_that_the_reader_does_not_find(crawl: Crawl, known: DemoSite, tmp_path: Path) -> None:
    """The page names them, in a form that nobody knows yet."""
    address = "https://inews.gtimg.com/om_bt/OAbcdefghijklmnopqrstuvwxyz0123456789/641"
    body = f'<div class="rich_media_content"><p>{{}}</p><pic-view data-x="{address}"></pic-view></div>'
    for story in add(known, 2):
        known.site.edit(story.id, body=body.format(story.text))
    result = crawl(tmp_path, site=known)
    assert result.returncode == 4, result
    assert names(result.status) == ["pictures missed"]


def test_challenges_on_every_page_are_a_site_that_refuses(crawl: Crawl, known: DemoSite, tmp_path: Path) -> None:
    add(known, 12)
    known.site.faults.add("/rain/a/*", "challenge", times=-1)
    result = crawl(tmp_path, site=known)
    assert result.returncode == 3, result
    assert "SITE: the site refused us: 12 of 12 pages ask whether a person reads them" in result.stdout
    assert names(result.status) == []


def test_a_challenge_or_two_are_nothing(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/rain/a/*", "challenge", times=2)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result


# lists


def busy(site: DemoSite, channel: str) -> None:
    site.site.faults.add(f"/web_feed/*{channel}/1", "busy", times=-1)


def test_a_list_that_fails_in_three_runs_in_a_row_is_named(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, list[str]]:
        result = crawl(tmp_path, *arguments, site=demo_site, RETRY_TIMES=0)
        return result.returncode, names(result.status)

    assert run() == (0, [])
    busy(demo_site, "finance")
    assert run() == (0, [])
    assert run("-a", "channels=tech") == (0, []), "it did not ask for that list"
    assert run() == (0, [])
    assert run("-a", "urls=20261104A05T2Q00") == (0, [])
    assert run() == (4, ["failing lists"])
    assert "channel finance (3)" in crawl(tmp_path, name="status").stdout
    demo_site.site.faults.clear()
    assert run() == (0, [])
    busy(demo_site, "finance")
    assert run() == (0, []), "it begins anew"


def test_a_list_that_names_nothing_any_more_fails(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    codes = [crawl(tmp_path, site=demo_site).returncode]
    demo_site.site.order["finance"].clear()
    results = [crawl(tmp_path, site=demo_site) for _ in range(3)]
    codes += [result.returncode for result in results]
    assert codes == [0, 0, 0, 4]
    assert names(results[-1].status) == ["failing lists"]


def test_a_list_that_never_named_anything_is_none_that_fails(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.order["finance"].clear()
    assert [crawl(tmp_path, site=demo_site).returncode for _ in range(4)] == [0] * 4
    alone = crawl(tmp_path, "-a", "channels=finance", site=demo_site)
    assert alone.returncode == 0, alone


def test_a_site_that_is_away_is_no_list_that_fails(crawl: Crawl, known: DemoSite, tmp_path: Path) -> None:
    known.site.faults.add("/web_feed/*", 503, times=-1)
    results = [crawl(tmp_path, site=known, RETRY_TIMES=0) for _ in range(4)]
    assert [result.returncode for result in results] == [3] * 4
    assert names(results[-1].status) == []


def test_what_is_known_of_lists_outlives_a_rebuild(crawl: Crawl, known: DemoSite, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        before = ledger.list_rows()
    assert {(row.where, row.failures, row.has_named) for row in before} == {
        ("channel finance", 0, True),
        ("channel tech", 0, True),
    }
    assert crawl(tmp_path, name="rebuild").returncode == 0
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.list_rows() == before


def test_an_entry_of_unknown_type_is_an_alarm_and_an_article(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path
) -> None:
    site = new_site()
    assert crawl(tmp_path, site=site).returncode == 0
    add(site, 1, kind="777")
    result = crawl(tmp_path, site=site)
    assert result.returncode == 4, result
    assert names(result.status) == ["unknown entries"]
    assert result.status["last_run"]["counts"]["article/new"] == 1
