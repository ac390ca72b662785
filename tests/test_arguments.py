"""Spider arguments are checked before anything is fetched."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from scrapy.utils.test import get_crawler

from newsarchive import settings
from newsarchive.errors import BadArgument
from newsarchive.spiders.qq import QQSpider

OURS = {name: getattr(settings, name) for name in dir(settings) if name.startswith(("QQ_", "ARCHIVE_"))}


def spider(changed: dict[str, Any] | None = None, **arguments: str) -> QQSpider:
    return QQSpider.from_crawler(get_crawler(QQSpider, OURS | (changed or {})), **arguments)


def test_without_arguments_every_text_channel() -> None:
    assert spider().channels == settings.QQ_CHANNELS
    assert spider().kind == "lists"


def test_good_arguments() -> None:
    found = spider(channels="finance, tech,finance", pages="5", since="2026-11-01", until="2026-11-02", limit="100")
    assert (found.channels, found.pages, found.left) == (["finance", "tech"], 5, 100)
    assert (found.since, found.until) == (date(2026, 11, 1), date(2026, 11, 2))
    assert found.wanted(date(2026, 11, 1))
    assert not found.wanted(date(2026, 11, 3))
    assert found.wanted(None)


def test_named_articles(tmp_path: Path) -> None:
    file = tmp_path / "named.txt"
    file.write_text(
        "\ufeff# two of the week\n20261103A01ABC00\n\nhttps://view.inews.qq.com/a/20261103A02ABC?x=1\n", "utf-8"
    )
    expected = ["20261103A01ABC00", "20261103A02ABC00"]
    assert spider(urls=f"@{file}").named == expected
    assert (
        spider(urls="20261103A01ABC00,https://news.qq.com/rain/a/20261103A02ABC00,20261103A01ABC00").named == expected
    )


def test_other_lists_instead_of_channels() -> None:
    assert spider(hot="1").channels == []
    assert spider(accounts="8QMf,8QIf").accounts == ["8QMf", "8QIf"]
    assert spider(hot="1", channels="tech").channels == ["tech"]
    assert spider(sitemap="1", since="2026-11-01").sitemap


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"since": "yesterday"}, "since=yesterday: expected a day like 2026-11-01"),
        ({"until": "2026-02-30"}, "until=2026-02-30: expected a day"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "since=2026-11-02 is after until=2026-11-01"),
        ({"pages": "0"}, "pages=0: expected a whole number of at least 1"),
        ({"pages": "many"}, "pages=many: expected a whole number"),
        ({"pages": "٣"}, "pages=٣: expected a whole number"),
        ({"limit": "-1"}, "limit=-1: expected a whole number"),
        ({"channels": "finance,weather"}, "channels=weather: unknown, expected any of top, "),
        ({"channel": "finance"}, "no argument named 'channel': expected one of accounts, channels"),
        ({"urls": "https://example.com/"}, "names no article: expected an id like"),
        ({"urls": "20261103V01ABC00"}, "is a video or a question: expected an article"),
        ({"urls": "@/nowhere/list.txt"}, "urls=@/nowhere/list.txt: cannot read the file: No such file or directory"),
        ({"urls": ","}, "urls=,: expected at least one"),
        ({"channels": ","}, "channels=,: expected at least one"),
        ({"accounts": ", ,"}, "accounts=, ,: expected at least one"),
        ({"replay": "/nowhere/pages"}, "/nowhere/pages: there is no such file or folder of saved pages"),
        ({"hot": "yes"}, "hot=yes: expected 1 or 0"),
        ({"sitemap": "1"}, "sitemap=1 needs since"),
    ],
)
def test_a_bad_argument_is_one_clear_line(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadArgument) as caught:
        spider(**arguments)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


VALUES: dict[str, Any] = {
    "channels": "tech", "pages": "2", "since": "2026-11-01", "until": "2026-11-02", "limit": "5", "hot": "1",
    "accounts": "8QMf", "sitemap": "1", "urls": "20261103A01ABC00",
}  # fmt: skip


@pytest.mark.parametrize("other", VALUES)
def test_a_replay_goes_with_no_other_argument(tmp_path: Path, other: str) -> None:
    (tmp_path / "page.html").write_text("<p>")
    with pytest.raises(BadArgument, match=f"replay and {other} together: a replay reads every saved page"):
        spider(**{other: VALUES[other]}, replay=str(tmp_path))
    assert spider(replay=str(tmp_path), _job="1").kind == "replay"


@pytest.mark.parametrize("other", sorted(VALUES.keys() - {"urls", "limit"}))
def test_named_articles_go_with_a_limit_only(other: str) -> None:
    with pytest.raises(BadArgument, match=f"urls and {other} together: what is named is fetched"):
        spider(**{other: VALUES[other]}, urls=VALUES["urls"])
    assert spider(urls=VALUES["urls"], limit="1").left == 1


@pytest.mark.parametrize("name", sorted(QQSpider.arguments))
@pytest.mark.parametrize("nothing", ["", " "])
def test_an_argument_without_a_value_does_not_mean_everything(name: str, nothing: str) -> None:
    arguments: dict[str, Any] = {name: nothing}
    with pytest.raises(BadArgument, match=f"{name}=: expected a value"):
        spider(**arguments)


def test_a_bad_setting() -> None:
    with pytest.raises(BadArgument, match=r"QQ_ARTICLE_URL=.*expected \{id\}"):
        spider({"QQ_ARTICLE_URL": "https://new.qq.com/rain/a/"})


def test_only_hosts_of_the_site_are_allowed() -> None:
    assert spider().allowed_domains == ["qq.com"]
    here: dict[str, Any] = {
        name: "http://127.0.0.1:8000/{id}" for name in OURS if name.endswith("_URL") and name.startswith("QQ_")
    }
    assert spider(here).allowed_domains == ["127.0.0.1"]


def test_scrapyd_passes_a_job() -> None:
    assert spider(_job="6487ec79947edab326d6db28a2d86511e8247444").channels
