"""`scrapy savepage`: from the network, a file and a folder; nothing is overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from newsarchive import read_article, render
from newsarchive.errors import MissingField
from tests.test_pages import check_page, url_of

PAIRS = Path(__file__).parent / "pages" / "qq"
GIF = PAIRS / "F5" / "gif"
EDITOR = "20261104A03K7P00"


def save(crawl: Any, tmp_path: Path, *arguments: str, **settings: object) -> Any:
    return crawl(tmp_path / "archive", *arguments, "--to", str(tmp_path / "pages"), name="savepage", **settings)


def test_a_file(crawl: Any, tmp_path: Path, tree: Any) -> None:
    result = save(crawl, tmp_path, str(GIF / "page.html"), "moving_picture")
    assert result.returncode == 0, result
    place = tmp_path / "pages/qq/F5/moving_picture"
    assert tree(place) == tree(GIF)
    assert f"{place / 'article.md'}: " in result.stdout
    assert "correct it" in result.stdout
    # No archive is opened for it.
    assert not (tmp_path / "archive").exists()


def test_nothing_is_overwritten(crawl: Any, tmp_path: Path) -> None:
    place = tmp_path / "pages/qq/F5/moving_picture"
    place.mkdir(parents=True)
    (place / "article.md").write_text("corrected by hand")
    result = save(crawl, tmp_path, str(GIF / "page.html"), "moving_picture")
    assert result.returncode == 2, result
    assert "exists already" in result.stderr
    assert [path.read_text() for path in place.iterdir()] == ["corrected by hand"]


def test_a_folder_gives_several_pairs(crawl: Any, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    for family, name in (("F5", "gif"), ("F4", "picture_desc"), ("F1", "gb2312_list")):
        shutil.copy(PAIRS / family / name / "page.html", saved / f"{name}.html")
    result = save(crawl, tmp_path, str(saved), "three")
    assert result.returncode == 0, result
    found = {
        path.parent.relative_to(tmp_path / "pages/qq").as_posix() for path in tmp_path.rglob("pages/**/article.md")
    }
    assert found == {"F1/three_fin2019082600091200", "F4/three_20240803a32px200", "F5/three_20260914a03px300"}


def test_two_pages_of_one_article_do_not_overwrite_each_other(crawl: Any, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    for name in ("one.html", "two.html"):
        shutil.copy(PAIRS / "F5" / "gif" / "page.html", saved / name)
    result = save(crawl, tmp_path, str(saved), "both")
    assert result.returncode == 2, result
    assert "several pages would be" in result.stderr
    assert not list(tmp_path.rglob("article.md"))


def test_a_place_where_nothing_can_be_written_is_one_line(crawl: Any, tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("a file")
    result = save(crawl, tmp_path, str(PAIRS / "F5" / "gif" / "page.html"), "one")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1), result


def test_the_network(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    result = save(crawl, tmp_path, f"{demo_site.url}/rain/a/{EDITOR}", "from_network", site=demo_site)
    assert result.returncode == 0, result
    place = tmp_path / "pages/qq/F5/from_network"
    page = (place / "page.html").read_bytes()
    assert page == demo_site.site.answer("GET", f"/rain/a/{EDITOR}", {}, b"").body
    assert (place / "article.md").read_text("utf-8") == render(read_article(page))
    assert (place / "page.url").read_text() == f"{demo_site.url}/rain/a/{EDITOR}\n"
    assert demo_site.site.counts()["/robots.txt"] == 1
    assert not (tmp_path / "archive").exists()


def test_a_page_that_does_not_come(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    url = f"{demo_site.url}/rain/a/20200101A0000000"
    result = save(crawl, tmp_path, url, "gone", site=demo_site)
    assert result.returncode == 3, result
    assert f"{url}: expected a page, got HTTP status 404" in result.stderr
    assert not (tmp_path / "pages").exists()


def test_a_page_whose_id_is_in_its_url_only_becomes_a_test(crawl: Any, tmp_path: Path) -> None:
    url = "https://new.qq.com/rain/a/20261104A03K7P00"
    page = (GIF / "page.html").read_text("utf-8").replace("20260914A03PX300", "")
    with pytest.raises(MissingField, match="no id"):
        read_article(page)
    saved = tmp_path / "saved.html"
    saved.write_text(f"<!-- saved from url=({len(url):04}){url} -->\n{page}", encoding="utf-8")
    result = save(crawl, tmp_path, str(saved), "id_in_url")
    assert result.returncode == 0, result
    place = tmp_path / "pages/qq/F5/id_in_url"
    assert url_of(place) == url
    assert f"[qq]({url})" in (place / "article.md").read_text("utf-8")
    check_page(tmp_path / "pages", place)


def test_a_page_in_quarantine_keeps_its_url(crawl: Any, demo_site: Any, tmp_path: Path) -> None:
    demo_site.site.faults.add(f"/rain/a/{EDITOR}", "html")
    crawl(tmp_path / "archive", "-a", f"urls={EDITOR}", site=demo_site)
    page = tmp_path / "archive/quarantine/qq" / f"{EDITOR}.html.gz"
    result = save(crawl, tmp_path, str(page), "new_layout", "--family", "F6")
    assert result.returncode == 0, result
    assert url_of(tmp_path / "pages/qq/F6/new_layout") == f"{demo_site.url}/rain/a/{EDITOR}"


def test_a_page_of_a_new_family(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.layout = "unknown"
    page = tmp_path / "new.html"
    page.write_bytes(demo_site.site.answer("GET", f"/rain/a/{EDITOR}", {}, b"").body)
    result = save(crawl, tmp_path, str(page), "first_of_its_kind")
    assert result.returncode == 1, result
    assert "no page family claims it" in result.stderr
    assert "--family" in result.stderr
    result = save(crawl, tmp_path, str(page), "first_of_its_kind", "--family", "F6")
    assert result.returncode == 0, result
    place = tmp_path / "pages/qq/F6/first_of_its_kind"
    assert [path.name for path in place.iterdir()] == ["page.html"]
    assert "write it by hand" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([str(GIF / "page.html")], "expected two arguments"),
        ([str(GIF / "page.html"), "../../evil"], "is no name"),
        ([str(GIF / "page.html"), "fine", "--family", "../F6"], "is no family"),
        (["/nowhere/page.html", "fine"], "no such file"),
        ([str(GIF / "page.html"), "fine", "--source", "gazette"], "no source named 'gazette'"),
        (["http://news.invalid/page", "fine", "--source", "gazette"], "no source named 'gazette'"),
        (["http://[news/page", "fine"], "is no URL"),
    ],
)
def test_wrong_usage(crawl: Any, tmp_path: Path, arguments: list[str], said: str) -> None:
    result = save(crawl, tmp_path, *arguments)
    assert result.returncode == 2, result
    assert said in result.stderr
    assert not (tmp_path / "pages").exists()
