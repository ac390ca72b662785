"""Saved pages and what must come of them: `tests/pages/<source>/<family>/<name>/page.html` beside `article.md`.

`page.url`, where there is one, says where the page came from.

`scrapy savepage URL NAME` makes such a pair. Each `article.md` was read by a person beside its page.
"""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from newsarchive import reader, render

PAGES = Path(__file__).parent / "pages"
FOLDERS = sorted({path.parent for path in PAGES.rglob("*") if path.is_file()})
# One class reads both: they differ in their URLs only.
SAME_FAMILY = {"F3": "F2"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(PAGES).as_posix())
def test_page(folder: Path) -> None:
    check_page(PAGES, folder)


def check_page(pages: Path, folder: Path) -> None:
    page, expected = folder / "page.html", folder / "article.md"
    assert page.is_file(), f"{folder} has no page.html"
    assert expected.is_file(), f"{folder} has no article.md: what must come of its page.html?"
    source, family, _ = folder.relative_to(pages).parts
    article = reader(source)(page.read_bytes(), url=url_of(folder))
    got, wanted = render(article), expected.read_bytes().decode("utf-8")
    diff = unified_diff(wanted.split("\n"), got.split("\n"), "wanted (article.md)", "got", lineterm="")
    assert got == wanted, "\n".join([f"{folder.relative_to(pages)} reads differently:", *diff])
    assert article.family == SAME_FAMILY.get(family, family)


def url_of(folder: Path) -> str:
    """Where a page came from: some pages do not tell their id, but their URL does."""
    beside = folder / "page.url"
    return beside.read_text("utf-8").strip() if beside.is_file() else ""


BODIES = (b'"originContent":{', b'id="article-content"')
WITH_BOTH = [page.parent for page in sorted(PAGES.rglob("page.html")) if all(it in page.read_bytes() for it in BODIES)]


@pytest.mark.parametrize("folder", WITH_BOTH, ids=lambda folder: folder.relative_to(PAGES).as_posix())
def test_a_pages_json_and_its_html_give_the_same_article(folder: Path) -> None:
    page = (folder / "page.html").read_bytes()
    without_json = reader("qq")(page.replace(b'"originContent":{', b'"extra_property":{'), url=url_of(folder))
    assert render(without_json) == (folder / "article.md").read_bytes().decode("utf-8")


def test_there_are_pairs_of_every_family() -> None:
    assert len(FOLDERS) >= 25
    assert {folder.parent.name for folder in FOLDERS if folder.parts[-3] == "qq"} >= {"F1", "F2", "F3", "F4", "F5"}
