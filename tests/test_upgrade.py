"""What docs/upgrade.md says about an archive whose ledger another version has written."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.conftest import Crawl, DemoSite


def as_of_version_6(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%claimed_by%'"):
            connection.execute(f'DROP INDEX "{name}"')
        for table in ("articles", "begun_lists"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN claimed_by")
        connection.execute("PRAGMA user_version = 6")


def test_an_older_ledger_is_read_once_it_is_brought_to_this_version(crawl: Crawl, crawled: Path) -> None:
    as_of_version_6(crawled / "ledger.sqlite")
    for name in ("status", "verify", "export", "reextract --dry-run"):
        result = crawl(crawled, name=name)
        assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1), result
        assert "version 6: the next `scrapy crawl` brings it to" in result.stderr
    result = crawl(crawled, name="reextract")
    assert (result.returncode, ", 0 replaced" in result.stdout) == (0, True), result
    assert crawl(crawled, name="verify").returncode == 0
    assert " 1 gone" in crawl(crawled, name="status").stdout


def test_back_to_the_older_version(crawl: Crawl, crawled: Path, demo_site: DemoSite) -> None:
    """Here this version is the older one."""
    ledger, before = crawled / "ledger.sqlite", crawled.parent / "before"
    shutil.copy(ledger, before)
    name = demo_site.site.articles()[0].id
    demo_site.site.edit(name, title="新版本看到的题目")
    assert crawl(crawled, "-a", f"urls={name}", site=demo_site).returncode == 0
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    result = crawl(crawled, site=demo_site)
    assert (result.returncode, "version 99, this program knows versions up to" in result.stderr) == (1, True), result
    for file in crawled.glob("ledger.sqlite*"):
        file.unlink()
    shutil.copy(before, ledger)
    assert crawl(crawled, name="rebuild").returncode == 0
    assert crawl(crawled, name="verify").returncode == 0
    assert " 1 gone" in crawl(crawled, name="status").stdout
    result = crawl(crawled, site=demo_site)
    assert (result.returncode, result.status["last_run"]["counts"].get("article/new", 0)) == (0, 0), result
