"""While one host asks for quiet, the others are asked on, and nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import finish
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import State
from tests.conftest import Crawl, DemoSite, until

LONG = 250  # seconds: longer than any test
ONE_SLOT: dict[str, Any] = {"CONCURRENT_REQUESTS": 1}


def elsewhere(site: DemoSite, *names: str) -> dict[str, Any]:
    """Settings that ask for this under another name of the same machine."""
    host = site.url.replace("127.0.0.1", "localhost")
    paths = {"QQ_LIST_URL": "/web_feed/getPCList", "QQ_ARTICLE_URL": "/rain/a/{id}"}
    return {name: host + paths[name] for name in names}


def test_lists_go_on_while_the_host_of_the_articles_wants_quiet(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path
) -> None:
    demo_site.site.faults.add("/rain/a/*", 429, times=-1, value=LONG)
    lists = elsewhere(demo_site, "QQ_LIST_URL")
    process = crawl.start(tmp_path, site=demo_site, **ONE_SLOT, **lists)
    until(lambda: sum("getPCList" in asked for asked in demo_site.site.counts()) >= 4)
    process.send_signal(signal.SIGINT)
    result = finish(process, tmp_path, timeout=60)
    assert result.returncode == 0, result
    assert sum(n for asked, n in demo_site.site.counts().items() if asked.startswith("/rain/")) == 1
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert {(row.state, row.attempts) for row in ledger.rows()} == {(State.FOUND, 0)}


def test_the_crawl_does_not_end_while_requests_wait(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.faults.add("/rain/a/*", 503, value=2)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result
    assert len(list(tmp_path.glob("content/**/*.md"))) == len(demo_site.site.articles())


@pytest.mark.slow
def test_articles_go_on_while_the_host_of_the_pictures_wants_quiet(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path
) -> None:
    site = new_site(local_pictures=True)
    site.site.faults.add("/pic/*", 429, times=-1, value=LONG)
    other = elsewhere(site, "QQ_LIST_URL", "QQ_ARTICLE_URL")
    process = crawl.start(tmp_path, site=site, ARCHIVE_PICTURES=True, **ONE_SLOT, **other)
    until(lambda: len(list(tmp_path.glob("content/**/*.md"))) == len(site.site.articles()))
    process.send_signal(signal.SIGINT)
    result = finish(process, tmp_path, timeout=60)
    assert result.returncode == 0, result
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        pictures = [it for it in ledger.pictures() if it.url]
    assert pictures
    assert {(it.state, it.attempts) for it in pictures} == {(State.FAILED, 0)}


def test_a_picture_that_had_to_wait_comes_at_the_end(
    crawl: Crawl, new_site: Callable[..., DemoSite], tmp_path: Path
) -> None:
    site = new_site(local_pictures=True)
    site.site.faults.add("/pic/*", 429, value=1)
    result = crawl(tmp_path, site=site, ARCHIVE_PICTURES=True)
    assert result.returncode == 0, result
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert {it.state for it in ledger.pictures() if it.url} == {State.ARCHIVED}
    assert not (tmp_path / "revisions").exists()
