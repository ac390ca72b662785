"""`docs/second-source.md`, done as it says: its files put into a copy of the project, and crawled."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demo.crawl import FAST, PROJECT
from tests import forked
from tests.conftest import slow

DOCUMENT = PROJECT / "docs" / "second-source.md"
NEW = ("haigang", "haigang.py")
"""All that is new: a person who did as the page says may have them here."""
PAIR = "tests/pages/haigang/S1/storm"


def files() -> dict[str, str]:
    """Path → text of each file that the document shows: its path in back-ticks, then the block."""
    shown = re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return dict(shown)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the second source in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("newsarchive", "tests", "demo", "docs"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", *NEW))
    for name in ("scrapy.cfg", "pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, folder)
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


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
    (tmp_path / "site" / "latest.html").write_text(
        '<ul class="latest">'
        '<li><img src="https://haigang.example/img/s17.jpg"><a href="/news/20261104-17.html">台风</a></li>'
        '<li><a href="/news/20261104-16.html">渡口</a></li><li><a href="/news/20261104-15.html">没有了</a></li></ul>',
        encoding="utf-8",
    )
    asked: list[str] = []
    handler = type("Site", (Gazette,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "site"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def scrapy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return forked.run([sys.executable, "-m", "scrapy", *words], cwd=folder, project=folder)


def test_only_new_files_are_shown() -> None:
    assert len(files()) == 6
    for name in files():
        assert set(NEW) & set(Path(name).parts), f"{name} is no new file"


@pytest.mark.slow
def test_the_projects_own_tests_hold_with_it(copy: Path) -> None:
    """Its page reads as its Markdown says, its doctests run, and the walls of imports stand."""
    names = ["tests/test_pages.py", "tests/test_house.py", "tests/test_docs.py", "newsarchive/haigang"]
    links = "tests/test_docs.py::test_links_lead_somewhere"  # to what is not in the copy
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--deselect", links, *names]
    done = subprocess.run(line, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


@pytest.mark.parametrize("tool", ["ruff check", "ruff format --check", slow("mypy")])
def test_it_is_written_as_the_rest(copy: Path, tool: str) -> None:
    places = ["newsarchive/haigang", "newsarchive/spiders/haigang.py"]
    line = [sys.executable, "-m", *tool.split(), *places]
    done = subprocess.run(line, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_crawl_of_it(copy: Path, gazette: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = gazette
    options = {**FAST, "HAIGANG_SITE": url, "ARCHIVE_DIR": str(tmp_path / "archive")}
    words = ["crawl", "haigang", *(word for key, value in options.items() for word in ("-s", f"{key}={value}"))]
    first = scrapy(copy, *words)
    assert first.returncode == 0, first.stderr
    archived = sorted((tmp_path / "archive" / "content" / "haigang" / "2026" / "11").iterdir())
    assert [path.name for path in archived] == ["20261104-16.md", "20261104-17.md"]
    wanted = files()[f"{PAIR}/article.md"]
    assert archived[1].read_text("utf-8") == wanted.replace(
        'thumbnail: ""', 'thumbnail: "https://haigang.example/img/s17.jpg"'
    )
    assert "/news/20261104-15.html" in asked  # which is not there: gone, and no error
    assert list((tmp_path / "archive" / "pages").glob("haigang-*.warc.gz"))

    asked.clear()
    second = scrapy(copy, *words)
    assert second.returncode == 0, second.stderr
    assert "/latest.html" in asked
    assert not [path for path in asked if path.startswith("/news/")]
    for command in ("status", "verify"):
        done = scrapy(copy, command, "-s", f"ARCHIVE_DIR={tmp_path / 'archive'}")
        assert done.returncode == 0, done.stdout + done.stderr
