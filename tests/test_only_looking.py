"""Scrapy's own commands look at pages; only ours open the archive."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from demo.crawl import PROJECT, Result, command
from newsarchive.archive.files import Lock
from newsarchive.extensions import Run
from tests.conftest import Crawl, DemoSite, finished, slow

PAGE = PROJECT / "tests" / "pages" / "qq" / "F5" / "gif" / "page.html"
ARTICLE = "20261104A05T2Q00"
TITLE = "松塔实验室开源18B语音模型"

OTHER_SPIDER = """
import scrapy
class Other(scrapy.Spider):
    name = "other"
    start_urls = ["{url}/robots.txt"]
    def parse(self, response):
        yield {{"answer": response.status}}
"""


@pytest.mark.slow
def test_what_scrapy_brings_leaves_the_archive_alone(
    crawl: Crawl, demo_site: DemoSite, tmp_path: Path, tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    assert crawl(archive, "-a", "limit=1", site=demo_site).returncode == 0
    (tmp_path / "other.py").write_text(OTHER_SPIDER.format(url=demo_site.url))
    before = tree(archive)
    page = f"{demo_site.url}/rain/a/{ARTICLE}"
    other = f"{demo_site.url}/rain/a/20261104A03K7P00"
    demo_site.site.faults.add("/rain/a/20261104A03K7P00", "503")
    title = "response.css('title::text').get()"
    commands = {
        "fetch --spider=qq": [page],
        "fetch": [page],
        "view --spider=qq": [page],
        "parse --spider=qq": [page],
        "parse --spider=qq --pipelines -o -:jsonl": [page],
        "shell --spider=qq": [page, "-c", title],
        "shell --spider=qq --no-redirect": [other, "-c", "response.status", "-s", "ARCHIVE_BACKOFF=0.01"],
        "shell": ["-c", "print('ready')"],
        "shell --nolog": [str(PAGE), "-c", title],
        "check": [],
        "list": [],
        "runspider": [str(tmp_path / "other.py"), "-o", "-:jsonl"],
    }
    lock = Lock(archive / ".lock")
    lock.acquire("somebody else", datetime.now(UTC))
    before[".lock"] = (archive / ".lock").read_bytes()
    # the settings are those of the real site: a page that a person names is fetched from wherever it is
    monkeypatch.setenv("BROWSER", "true")
    said = {name: output(finished(command(name, archive, *words), archive)) for name, words in commands.items()}
    assert tree(archive) == before
    lock.release()
    for name in ("fetch", "fetch --spider=qq", "parse --spider=qq", "parse --spider=qq --pipelines -o -:jsonl"):
        assert TITLE in said[name]
    assert TITLE in said["shell --spider=qq"]
    assert said["shell --spider=qq --no-redirect"] == "200\n"  # at the second try
    assert "ready" in said["shell"]
    assert "机器人拼完一千片拼图" in said["shell --nolog"]
    assert "qq" in said["list"].splitlines()
    assert said["runspider"] == '{"answer": 200}\n'


def output(result: Result) -> str:
    assert result.returncode == 0, result
    assert result.logged("ERROR") == [], result
    assert "Traceback" not in result.stderr
    return result.stdout


def test_a_page_that_is_no_article_is_one_line(demo_site: DemoSite, tmp_path: Path) -> None:
    url = f"{demo_site.url}/robots.txt"
    result = finished(command("parse --spider=qq", tmp_path / "archive", url), tmp_path / "archive")
    (line,) = result.logged("ERROR")
    assert f"{url}: no article could be read: no page family claims it" in line
    assert "Traceback" not in result.stderr


PROGRAM = """
import sys
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.utils.project import get_project_settings
settings = get_project_settings()
settings.update(dict(pair.split("=", 1) for pair in sys.argv[1:]))
process = AsyncCrawlerProcess(settings)
process.crawl("qq", limit="1")
process.start()
"""


@pytest.mark.parametrize("opened", [slow(False), True])
def test_a_program_that_crawls_says_so(demo_site: DemoSite, tmp_path: Path, opened: bool) -> None:
    pairs = [word for word in demo_site.settings if word != "-s"]
    line = [sys.executable, "-c", PROGRAM, *pairs, f"ARCHIVE_DIR={tmp_path / 'archive'}", f"ARCHIVE_OPEN={opened}"]
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ("a program of your own sets ARCHIVE_OPEN" in done.stderr) is not opened, done.stderr
    assert len(list(tmp_path.rglob("*.md"))) == opened


def test_what_only_looks_has_no_run() -> None:
    with pytest.raises(NotConfigured):
        Run.from_crawler(get_crawler())
    with pytest.raises(NotConfigured):  # `scrapy shell -s ARCHIVE_OPEN=1`, which begins without a spider
        Run.from_crawler(get_crawler(settings_dict={"ARCHIVE_OPEN": True}))


def test_commands_that_do_not_crawl_load_no_downloader() -> None:
    code = (
        "import sys; from newsarchive.__main__ import commands; commands('newsarchive.commands'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "newsarchive.commands.crawl" in loaded
    assert not loaded & {
        "newsarchive.downloader",
        "newsarchive.pipelines",
        "newsarchive.spiders.base",
        "altair",
        "jinja2",
    }


def test_another_spider_cannot_archive(tmp_path: Path) -> None:
    (tmp_path / "others.py").write_text(OTHER_SPIDER.format(url="http://127.0.0.1"))
    line = command("crawl other", tmp_path / "archive", SPIDER_MODULES="others")
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False, env=env, timeout=60)
    said = "scrapy crawl: the spider other cannot archive: expected an ArchiveSpider\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
