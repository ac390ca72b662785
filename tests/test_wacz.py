"""py-wacz packs our WARC files for a browser, with a list of the articles."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from demo.crawl import FAST, PROJECT, command, finish, start
from tests.conftest import DemoSite, finished

SITE = {"QQ_LIST_URL": "http://i.news.qq.com/web_feed/getPCList", "QQ_ARTICLE_URL": "http://new.qq.com/rain/a/{id}"}


@pytest.fixture(scope="module")
def wacz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program; it needs other versions of some packages, so it gets an environment of its own."""
    folder = tmp_path_factory.mktemp("wacz")
    subprocess.run([sys.executable, "-m", "venv", folder], timeout=120, check=True)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "wacz==0.6.0", "setuptools<81")
    pip: list[str | Path] = [folder / "bin" / "python", *install]
    installed = subprocess.run(pip, timeout=300, capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        pytest.skip(f"wacz cannot be installed here: {installed.stderr.strip()[-300:]}")
    return folder / "bin" / "wacz"


@pytest.mark.slow
def test_every_article_is_a_page_of_a_valid_file(wacz: Path, demo_site: DemoSite, tmp_path: Path) -> None:
    archive, packed, pages = tmp_path / "archive", tmp_path / "news.wacz", tmp_path / "pages.jsonl"
    # The demo site as a proxy, so that pages have the addresses of the real one.
    crawl = command("crawl qq", archive, "-a", "channels=finance,tech", **{**FAST, **SITE})
    environment = {"http_proxy": demo_site.url, "no_proxy": "", "NO_PROXY": ""}
    result = finish(start(crawl, **environment), archive)
    assert result.returncode == 0, result
    exported = finished(command("export", archive), archive).stdout.splitlines()
    titles = {each["url"]: each["title"] for each in map(json.loads, exported)}
    pages.write_text("\n".join(json.dumps({"url": url, "title": title}) for url, title in titles.items()))
    files = sorted(archive.glob("pages/*.warc.gz"))
    line: list[str | Path] = [wacz, "create", "--output", packed, "--title", "News", "--pages", pages, *files]
    created = subprocess.run(line, cwd=PROJECT, timeout=120, capture_output=True, text=True, check=True)
    assert "Invalid passed page" not in created.stdout
    subprocess.run([wacz, "validate", "--file", packed], timeout=120, capture_output=True, check=True)
    with zipfile.ZipFile(packed) as file:
        head, *listed = map(json.loads, file.read("pages/pages.jsonl").splitlines())
        assert {file.read(f"archive/{each.name}") for each in files} == {each.read_bytes() for each in files}
    assert head["format"] == "json-pages-1.0"
    assert {each["url"]: each["title"] for each in listed} == titles
    assert len(titles) == len(demo_site.site.articles())
