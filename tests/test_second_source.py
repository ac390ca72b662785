"""`docs/second-source.md`, done as it says: its package is installed, and crawls in a folder of `newsarchive init`."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse
from scrapy.utils.test import get_crawler

from demo.crawl import FAST, PROJECT
from newsarchive import sources
from newsarchive.__main__ import main
from newsarchive.errors import MissingField
from tests import forked
from tests.conftest import slow
from tests.documented import PAGES, table

PAIR = "tests/pages/haigang/S1/storm"
LATEST = (
    '<ul class="latest"><li>广告</li>'
    '<li><img src="https://haigang.example/img/s17.jpg"><a href="/news/20261104-17.html">台风</a></li>'
    '<li><a href="/news/20261104-16.html">渡口</a></li><li><a href="/news/20261104-15.html">没有了</a></li></ul>'
)
Scrapy = Callable[..., subprocess.CompletedProcess[str]]


def files() -> dict[str, str]:
    """Path → text of each file that the document shows: its path in back-ticks, then the block."""
    page = PAGES["second-source.md"]
    return dict(re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def check(folder: Path, *words: str, **environment: str) -> str:
    """What a program prints that must end with 0."""
    line, around = [sys.executable, "-m", *words], os.environ | environment
    done = subprocess.run(line, cwd=folder, env=around, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package, as its author has it."""
    folder = tmp_path_factory.mktemp("newsarchive-haigang")
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which pip has installed it."""
    target = tmp_path_factory.mktemp("installed")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--disable-pip-version-check"]
    check(package, "pip", "install", "--quiet", *offline, "--target", str(target), ".")
    return target


@pytest.fixture
def scrapy(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scrapy:
    """Runs a command in a new folder of `newsarchive init`, with the package installed."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    assert main(["init", str(tmp_path / "news")]) == 0

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return forked.run([sys.executable, "-m", "scrapy", *words], cwd=tmp_path / "news")

    return run


class Gazette(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked for."""

    asked: list[str]

    def log_message(self, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def gazette(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The URL of the made-up site, and the paths that were asked for."""
    page = files()[f"{PAIR}/page.html"]
    news = tmp_path / "site" / "news"
    news.mkdir(parents=True)
    for number in (16, 17):
        (news / f"20261104-{number}.html").write_text(
            page.replace("20261104-17", f"20261104-{number}"), encoding="utf-8"
        )
    (tmp_path / "site" / "robots.txt").write_text("User-agent: *\nAllow: /\n")
    (tmp_path / "site" / "latest.html").write_text(LATEST, encoding="utf-8")
    asked: list[str] = []
    handler = type("Site", (Gazette,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "site"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_its_own_tests_pass(package: Path, installed: Path) -> None:
    words = ["pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", "tests", "newsarchive_haigang"]
    printed = check(package, *words, PYTHONPATH=str(installed), PYTHONDONTWRITEBYTECODE="1")
    assert "2 passed" in printed  # the page and the doctest


@pytest.mark.parametrize("tool", ["ruff check --config", "ruff format --check --config", slow("mypy --config-file")])
def test_it_is_written_as_the_rest(package: Path, tool: str) -> None:
    settings = str(PROJECT / "pyproject.toml")
    check(package, *tool.split(), settings, "newsarchive_haigang", "tests", MYPYPATH=str(PROJECT))


def test_it_imports_what_the_page_allows_and_that_exists() -> None:
    allowed = {
        f"{row[0].strip('`')}.{name}"
        for row in table(PAGES["second-source.md"], "What a source may import")
        for name in re.findall(r"`(\w+)`", row[1])
    }
    for place in allowed:
        module, _, name = place.rpartition(".")
        assert hasattr(import_module(module), name), place
    code = [text for name, text in files().items() if name.endswith(".py")]
    nodes = [node for text in code for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    imported = {f"{node.module}.{each.name}" for node in nodes for each in node.names}
    assert {place for place in imported if place.startswith("newsarchive.")} <= allowed


@pytest.fixture
def module(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a module of the package: `module("pages")`."""
    monkeypatch.syspath_prepend(str(installed))
    yield lambda name: import_module(f"newsarchive_haigang.{name}")
    sources.installed.cache_clear()
    for name in [each for each in sys.modules if each.partition(".")[0] == "newsarchive_haigang"]:
        del sys.modules[name]


def test_a_page_without_an_id_lacks_a_field(module: Callable[[str], Any]) -> None:
    read_article = module("pages").read_article
    page = files()[f"{PAIR}/page.html"]
    assert read_article(page).article_id == "20261104-17"
    for canonical in ("https://haigang.example/", ""):
        with pytest.raises(MissingField, match="no id: expected the URL of a story"):
            read_article(page.replace("https://haigang.example/news/20261104-17.html", canonical))


def test_a_list_counts_as_read_when_all_its_requests_are_made(
    module: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the total of the live line would grow."""
    spider = module("spider").HaigangSpider.from_crawler(get_crawler(module("spider").HaigangSpider))
    counted: list[str] = []
    spider.archive = SimpleNamespace(count=counted.append)
    monkeypatch.setattr(spider, "offer", lambda found, **_: Request(spider.page_url(found)))
    latest = HtmlResponse("https://haigang.example/latest.html", body=LATEST.encode(), encoding="utf-8")
    made = 0
    for _ in spider.parse_list(latest):
        assert "list/read" not in counted
        made += 1
    assert (made, counted.count("list/read")) == (3, 1)


def documents(archive: Path) -> dict[str, str]:
    found = (archive / "content" / "haigang" / "2026" / "11").iterdir()
    return {path.name: path.read_text("utf-8") for path in sorted(found)}


def test_a_crawl_of_it(scrapy: Scrapy, gazette: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = gazette
    archive = tmp_path / "news" / "output"
    words = ["crawl", "haigang", *(f"-s{key}={value}" for key, value in {**FAST, "HAIGANG_SITE": url}.items())]
    listed = scrapy("list")
    assert (listed.stdout.split(), listed.stderr) == (["haigang", "qq"], "")
    first = scrapy(*words)
    assert (first.returncode, first.stderr) == (0, "")
    wanted = files()[f"{PAIR}/article.md"]
    found = documents(archive)
    assert list(found) == ["20261104-16.md", "20261104-17.md"]
    assert found["20261104-17.md"] == wanted.replace(
        'thumbnail: ""', 'thumbnail: "https://haigang.example/img/s17.jpg"'
    )
    assert "/news/20261104-15.html" in asked  # which is not there: gone, and no error
    assert list((archive / "pages").glob("haigang-*.warc.gz"))

    asked.clear()
    second = scrapy(*words)
    assert second.returncode == 0, second.stderr
    assert "/latest.html" in asked
    assert not [path for path in asked if path.startswith("/news/")]

    for line, said in {
        "status": "2 archived, 1 gone",
        "verify": "everything is there and as it was written",
        "export": "content/haigang/2026/11/20261104-16.md",
        "changes --source haigang 20261104-17": "台风绕行，渡口照常",
        "reextract --source haigang": "2 pages read: 2 the same, 0 replaced",
        "rebuild": "New ledger: 2 ",
        "retry haigang": "Nothing in quarantine.",
    }.items():
        done = scrapy(*line.split())
        assert (done.returncode, said in done.stdout) == (0, True), f"{line}\n{done.stdout}\n{done.stderr}"
    assert documents(archive) == found


def test_its_quarantine_and_its_saved_pages(scrapy: Scrapy, package: Path, tmp_path: Path) -> None:
    page, short = package / PAIR / "page.html", tmp_path / "short.html"
    short.write_text(re.sub(r"<figure>.*</figure>", "", page.read_text("utf-8")), encoding="utf-8")
    archive = tmp_path / "news" / "output"
    replayed = scrapy("crawl", "haigang", "-a", f"replay={short}", "-s", "ARCHIVE_MIN_TEXT=1000")
    assert len(list((archive / "quarantine" / "haigang").glob("*.html.gz"))) == 1, replayed
    retried = scrapy("retry", "haigang")
    assert (retried.returncode, "1 of 1 page left the quarantine" in retried.stdout) == (0, True), retried
    assert list(documents(archive)) == ["20261104-17.md"]

    saved = scrapy("savepage", "--source", "haigang", "--to", str(tmp_path / "pages"), str(page), "again")
    assert saved.returncode == 0, saved.stderr
    again = tmp_path / "pages" / "haigang" / "S1" / "again" / "article.md"
    assert again.read_text("utf-8") == files()[f"{PAIR}/article.md"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("HAIGANG_SIET=https://x.example", "HAIGANG_SIET: no such setting, expected HAIGANG_SITE"),
        ("HAIGANG_SITE=nowhere", "HAIGANG_SITE=nowhere: expected a URL like https://haigang.example"),
    ],
)
def test_a_bad_setting_of_it_is_one_line(scrapy: Scrapy, setting: str, expected: str) -> None:
    done = scrapy("crawl", "haigang", "-s", setting)
    assert (done.returncode, done.stderr) == (2, f"scrapy crawl: {expected}\n")
