"""Pictures: what is one, where it lies, how a document names it, and what becomes of those that fail."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import Response

from demo.markup import Pictures
from demo.pictures import picture
from newsarchive.archive.files import link_or_copy
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.pictures import (
    is_private,
    is_wanted,
    localised,
    picture_kind,
    picture_links,
    picture_url,
)
from newsarchive.archive.tables import PictureRow, State
from newsarchive.archive.verify import Finding, verify
from newsarchive.items import Article
from newsarchive.markdown.document import render
from newsarchive.options import Options
from newsarchive.pipelines import refusal
from tests.conftest import Crawl, DemoSite, slow

Tree = Callable[[Path], dict[str, bytes]]
ON: dict[str, Any] = {"ARCHIVE_PICTURES": True}


# what is a picture

PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
BMP = b"BM" + (70).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(30), "jpg"),
        (PNG, "png"),
        (b"GIF87a" + bytes(30), "gif"),
        (b"GIF89a" + bytes(30), "gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", "avif"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "avif"),
        (BMP, "bmp"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", ""),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", ""),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', ""),
        (b"<!DOCTYPE html><html>", ""),
        (b'{"code": 404}', ""),
        (b"BMW is no picture, and this is longer than a header", ""),
        (b"", ""),
        (b"\xff\xd8", ""),
    ],
)
def test_kind_is_told_by_the_bytes(data: bytes, kind: str) -> None:
    assert picture_kind(data) == kind


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://inews.gtimg.com/om_bt/KEY/641", True),
        ("http://gtimg.com/x", True),
        ("https://INEWS.GTIMG.COM/x", True),
        ("https://inews.gtimg.com.evil.cn/x", False),
        ("https://evilgtimg.com/x", False),
        ("https://evil.cn/gtimg.com", False),
        ("https://gtimg.com@evil.cn/x", False),
        ("http://%41.gtimg.com/x", False),
        ("https://a b.gtimg.com/x", False),
        ("https://。.gtimg.com/x", False),
        ("https://图.gtimg.com/x", False),
        ("https://.gtimg.com/x", False),
        ("https://-.gtimg.com/x", False),
        (f"https://{'a' * 64}.gtimg.com/x", False),
        (f"https://{'a.' * 130}gtimg.com/x", False),
        ('https://"<>.gtimg.com/x', False),
        ("https://%00.gtimg.com/x", False),
        ("https://\x00.gtimg.com/x", False),
        ("https://user:pw@inews.gtimg.com/x", False),
        ("https://inews_2.gtimg.com/x", True),
        ("ftp://inews.gtimg.com/x", False),
        ("file:///etc/passwd", False),
        ("http://127.0.0.1/x", False),
        ("http://[::1]/x", False),
        ("", False),
        ("/pictures/qq/2025/02/x/00-1.png", False),
    ],
)
def test_only_hosts_of_the_site(url: str, wanted: bool) -> None:
    assert is_wanted(url, ("gtimg.com", "qpic.cn")) is wanted


@given(st.text(alphabet="ah:/@[]%?#. \\\ud800字5", max_size=12))
def test_every_wanted_url_can_be_requested(rest: str) -> None:
    url = f"https://inews.gtimg.com{rest}"
    assert not is_wanted(url, ("gtimg.com",)) or Request(url)


@pytest.mark.parametrize("url", ["https://[gtimg.com", "https://gtimg.com:port/x", "https://gtimg.com/\ud800"])
def test_what_is_no_url_is_not_wanted(url: str) -> None:
    assert not is_wanted(url, ("gtimg.com",))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_private_addresses(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["101.33.11.1", "2402:4e00::1", "198.18.0.7"])
def test_addresses_that_a_picture_host_has(address: str) -> None:
    """Among them those with which a proxy on the reader's machine answers for every name."""
    assert ip_address(address)
    assert not is_private(address)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"headers": {"Content-Type": "text/html"}}, ""),
        ({"body": b""}, "empty answer"),
        ({"body": b"<html>"}, "no picture: begins with b'<html>'"),
        ({"status": 404}, "HTTP status 404"),
        ({"status": 302, "headers": {"Location": "https://evil.cn/"}}, "redirected to https://evil.cn/"),
        ({"ip_address": ip_address("10.0.0.1")}, "inews.gtimg.com has the private address 10.0.0.1"),
        ({"ip_address": ip_address("101.33.11.1")}, ""),
        (
            {
                "ip_address": ip_address("10.0.0.1"),
                "request": Request("https://inews.gtimg.com/x", meta={"proxy": "p"}),
            },
            "",
        ),
        ({"ip_address": ip_address("127.0.0.1"), "url": "http://127.0.0.1:8000/pic/x"}, ""),
    ],
)
def test_answer_that_is_refused(changes: dict[str, Any], reason: str) -> None:
    fields = {"url": "https://inews.gtimg.com/om_bt/KEY/641", "body": PNG, **changes}
    assert refusal(Response(**fields), ("gtimg.com", "127.0.0.1")) == reason


# how a document names pictures

URL = "https://inews.gtimg.com/om_bt/KEY/641"
OTHER = "https://inews.gtimg.com/om_bt/OTHER/641"
LOCAL = "/pictures/qq/2026/11/20261104A05T2Q00/01-0123456789abcdef.png"


def localised_body(body: str) -> str:
    return localised(f'---\ntitle: "x"\n---\n\n{body}\n', {URL: LOCAL}).removeprefix('---\ntitle: "x"\n---\n\n')[:-1]


@pytest.mark.parametrize(
    "body",
    [
        f"![图片]({URL})",
        f"- 一\n\n  ![图片]({URL})",
        f"> ![图片]({URL})",
        f"| ![a]({URL}) | 字 |",
        f"字 ![有 \\] 的]({URL}) 字",
        f"`代码` ![图片]({URL}) `代码`",
        f"\\`不是代码 ![图片]({URL})",
        f"```\n代码\n```\n\n![图片]({URL})",
        f"````\n```\n````\n\n![图片]({URL})",
        f"1. ```\n   代码\n   ```\n\n![图片]({URL})",
    ],
)
def test_link_of_a_picture_is_replaced(body: str) -> None:
    assert localised_body(body) == body.replace(URL, LOCAL)


@pytest.mark.parametrize(
    "body",
    [
        f"[图片]({URL})",
        f"![图片]({OTHER})",
        f"\\![图片]({URL})",
        f"!\\[图片]({URL})",
        f"`![图片]({URL})`",
        f"``![图片]({URL}) ` ``",
        f"```\n![图片]({URL})\n```",
        f"~~~ text\n```\n![图片]({URL})\n~~~",
        f"> ```\n> ![图片]({URL})\n> ```",
        f"{URL}",
        f'thumbnail: "{URL}"',
    ],
)
def test_what_is_no_picture_of_that_link_stays(body: str) -> None:
    assert localised_body(body) == body


def test_escaped_link_is_the_same_link() -> None:
    strange = "https://inews.gtimg.com/om_bt/a_(b)_{{<x/641"
    written = "![图片](https://inews.gtimg.com/om_bt/a_\\(b\\)_{\\{<x/641)"
    assert localised(written, {strange: LOCAL}) == f"![图片]({LOCAL})"


def article(**changes: object) -> Article:
    fields: dict[str, object] = {
        "source": "qq", "article_id": "20261104A05T2Q00", "url": "https://new.qq.com/rain/a/20261104A05T2Q00",
        "title": "题", "published": datetime(2026, 11, 4, tzinfo=UTC), "body": "字",
    }  # fmt: skip
    return Article(**{**fields, **changes})  # type: ignore[arg-type]


def test_thumbnail_is_replaced_in_the_front_matter_only() -> None:
    document = render(article(title=f'thumbnail: "{URL}"', thumbnail=URL, body=f"---\n\n![图片]({OTHER})"))
    changed = localised(document, {URL: LOCAL})
    assert changed == document.replace(f'\nthumbnail: "{URL}"', f'\nthumbnail: "{LOCAL}"')
    assert picture_links(changed) == [LOCAL, OTHER]


@given(st.text(alphabet=st.sampled_from("`~![]()\\ >-1.\n字a") | st.characters(codec="utf-8"), max_size=80))
def test_nothing_else_of_any_document_changes(body: str) -> None:
    assert localised(body, {URL: LOCAL}) == body
    there = localised(f"{body}\n\n![图片]({URL})\n", {URL: LOCAL})
    assert localised(there, {LOCAL: URL}) == f"{body}\n\n![图片]({URL})\n"


def test_linked_picture_is_one_file_with_two_names(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    link_or_copy(tmp_path / "a.png", tmp_path / "deep" / "b.png")
    link_or_copy(tmp_path / "a.png", tmp_path / "deep" / "b.png")
    assert (tmp_path / "a.png").samefile(tmp_path / "deep" / "b.png")


def test_linked_picture_is_copied_where_the_disk_has_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    (tmp_path / "a.png").write_bytes(PNG)
    link_or_copy(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == PNG
    assert not (tmp_path / "a.png").samefile(tmp_path / "b.png")


# whole crawls


def rows(archive: Path) -> dict[str, PictureRow]:
    """The picture rows by URL, without those that say that an article has none."""
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        return {row.url: row for row in ledger.pictures() if row.url}


def findings(archive: Path) -> list[Finding]:
    return verify(Options(dir=archive))[1]


def documents(archive: Path) -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in archive.glob("content/**/*.md")}


def served(url: str) -> bytes:
    """The bytes that the demo site has for a URL."""
    key = PurePosixPath(urlsplit(url).path).parts[2]
    return picture(key[:45])[1]


@pytest.fixture
def site(new_site: Callable[..., DemoSite]) -> DemoSite:
    return new_site(local_pictures=True)


def test_pictures_are_stored_byte_for_byte_and_named_in_the_document(
    tmp_path: Path, crawl: Crawl, site: DemoSite
) -> None:
    story = next(it for it in site.site.articles() if it.cover and it.channels)
    site.site.edit(story.id, cover=Pictures(site.url).cover(story.cover, "640360") + "?图=a|b")
    crawl(tmp_path / "off", site=site)
    remote = documents(tmp_path / "off")
    assert not (tmp_path / "off" / "pictures").exists()

    result = crawl(tmp_path / "on", site=site, **ON)

    assert (result.returncode, result.logged("ERROR"), result.logged("WARNING")) == (0, [], []), result
    stored = rows(tmp_path / "on")
    wanted = {link for text in remote.values() for link in picture_links(text) if link.startswith(site.url)}
    assert stored.keys() == wanted
    assert len(wanted) > 15
    assert any("图" in url for url in wanted)
    kinds = set()
    for url, row in stored.items():
        data = (tmp_path / "on" / row.path).read_bytes()
        assert (row.state, data) == (State.ARCHIVED, served(url)), url
        assert re.fullmatch(
            rf"pictures/qq/\d{{4}}/\d\d/{row.article_id}/\d\d-{sha256(data).hexdigest()[:16]}\.\w+", row.path
        )
        kinds.add(row.path.rpartition(".")[2])
    assert kinds >= {"jpg", "png", "gif", "webp"}
    for article_id, text in documents(tmp_path / "on").items():
        links = {
            row.url: picture_url(row.path, "/pictures/") for row in stored.values() if row.article_id == article_id
        }
        assert text == localised(remote[article_id], links)
        assert site.url not in "".join(picture_links(text))


FAULTS = {
    "404": r"HTTP status 404",
    "500": r"HTTP status 500",
    "html": r"no picture: begins with b'<!DOCTYPE html",
    "empty": r"empty answer",
    "huge": r"larger than 20,971,520 bytes",
    "huge-unsaid": r"larger than 20,971,520 bytes",
    "redirect": r"redirected to http://127\.0\.0\.1:\d+/elsewhere",
    "reset": r".+",
    "bad-gzip": r".+",
    "truncated": r".+",
}


def test_what_fails_stays_remote_and_comes_with_a_later_run(
    tmp_path: Path, crawl: Crawl, site: DemoSite, tree: Tree
) -> None:
    crawl(tmp_path / "unbroken", site=site, **ON)
    victims = dict(zip(FAULTS, sorted(rows(tmp_path / "unbroken")), strict=False))
    right_bytes = sorted(rows(tmp_path / "unbroken"))[len(FAULTS)]
    assert len(victims) == len(FAULTS)
    for fault, url in victims.items():
        site.site.faults.add(urlsplit(url).path, fault, times=-1, value=f"{site.url}/elsewhere")
    site.site.faults.add(urlsplit(right_bytes).path, "wrong-type", times=-1)
    archive = tmp_path / "broken"

    first = crawl(archive, site=site, ARCHIVE_RETRY_MINUTES=0, RETRY_TIMES=1, **ON)

    assert (first.returncode, first.logged("ERROR")) == (0, []), first
    found = rows(archive)
    for fault, url in victims.items():
        row = found[url]
        assert (fault, row.state, row.path) == (fault, State.FAILED, "")
        assert re.search(FAULTS[fault], row.reason), (fault, row.reason)
        assert any(url in picture_links(text) for text in documents(archive).values())
    assert found[right_bytes].state is State.ARCHIVED
    assert not any(it.path == "/elsewhere" for it in site.site.seen)
    assert findings(archive) == []
    told = crawl(archive, name="status", ARCHIVE_MAX_TRIES=1)
    assert f"Pictures  {len(victims)} given up after all tries" in told.stdout, told

    site.site.faults.clear()
    second = crawl(archive, site=site, **ON)

    assert (second.returncode, second.logged("ERROR")) == (0, []), second
    assert all(row.state is State.ARCHIVED for row in rows(archive).values())
    assert tree(archive / "content") == tree(tmp_path / "unbroken" / "content")
    assert tree(archive / "pictures") == tree(tmp_path / "unbroken" / "pictures")
    assert not (archive / "revisions").exists()
    with Ledger.open(archive / "ledger.sqlite", read_only=True) as ledger:
        assert {row.revision for row in ledger.rows() if row.path} == {1}
    assert findings(archive) == []


def test_redirect_is_not_followed_after_a_retry_either(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    """A retried request has `dont_filter`, which opens the way to any host in Scrapy's own middleware."""
    site.site.faults.add("/pic/*", 503, times=3)
    site.site.faults.add("/pic/*", "redirect", times=-1, value=f"{site.url}/elsewhere")
    result = crawl(tmp_path, site=site, **ON)
    assert result.returncode == 0, result
    assert {row.state for row in rows(tmp_path).values()} == {State.FAILED}
    assert not any(it.path == "/elsewhere" for it in site.site.seen)


def test_pictures_of_other_hosts_are_not_asked_for(
    tmp_path: Path, crawl: Crawl, new_site: Callable[..., DemoSite]
) -> None:
    """`localhost` is this machine as well, and no host of the site."""
    site = new_site(local_pictures=True)
    story = next(it for it in site.site.articles() if f"{site.url}/pic" in str(it) or it.cover)
    site.site.edit(story.id, cover=site.url.replace("127.0.0.1", "localhost") + "/pic/stolen/0")
    result = crawl(tmp_path, site=site, **ON)
    assert result.returncode == 0, result
    assert not any("stolen" in it.path for it in site.site.seen)
    assert "localhost" in picture_links(documents(tmp_path)[story.id])[0]


def test_same_picture_in_two_articles_is_fetched_and_stored_once(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    one, two, three = [it for it in site.site.articles() if it.cover][:3]
    site.site.edit(two.id, cover=one.cover)
    site.site.forget()
    crawl(tmp_path, site=site, **ON)
    asked = [it.path for it in site.site.seen if it.path.startswith("/pic/")]
    assert len(asked) == len(set(asked))
    covers = {text.split("thumbnail: ")[1].split("\n")[0].strip('"') for text in documents(tmp_path).values()}
    files = [tmp_path / link.removeprefix("/") for link in covers if one.id in link or two.id in link]
    assert len(files) == 2
    assert files[0].samefile(files[1])
    assert three.cover != one.cover


def test_a_failing_picture_that_several_articles_lack_is_tried_once_at_the_end(
    tmp_path: Path, crawl: Crawl, site: DemoSite
) -> None:
    one, *others = [it for it in site.site.articles() if it.cover][:4]
    for other in others:
        site.site.edit(other.id, cover=one.cover)
    cover = Pictures(site.url).cover(one.cover, "*")
    site.site.faults.add(urlsplit(cover).path, 503, times=-1)
    site.site.forget()
    result = crawl(tmp_path, site=site, RETRY_TIMES=1, ARCHIVE_BACKOFF=1, **ON)
    assert result.returncode == 0, result
    with Ledger.open(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        lacking = [row for row in ledger.pictures() if row.state is State.FAILED]
    assert {row.article_id for row in lacking} == {it.id for it in (one, *others)}
    assert {row.attempts for row in lacking} == {1}
    tries = [it.path for it in site.site.seen if urlsplit(lacking[0].url).path == it.path]
    assert len(tries) == 3  # its retry would have had to wait; then at the end, with a retry


def test_pictures_wanted_later_are_fetched_some_articles_a_run(
    tmp_path: Path, crawl: Crawl, site: DemoSite, tree: Tree
) -> None:
    crawl(tmp_path / "at once", site=site, **ON)
    archive = tmp_path / "later"
    crawl(archive, site=site)
    number = len(documents(archive))

    crawl(archive, site=site, ARCHIVE_PICTURES_BACKLOG=number - 3, **ON)
    assert len([1 for text in documents(archive).values() if site.url in "".join(picture_links(text))]) in (1, 2, 3)
    for _ in range(2):
        result = crawl(archive, site=site, ARCHIVE_PICTURES_BACKLOG=number - 3, **ON)
        assert (result.returncode, result.logged("ERROR")) == (0, []), result

    assert tree(archive / "content") == tree(tmp_path / "at once" / "content")
    assert findings(archive) == []


def test_who_archives_accounts_only_gets_their_pictures_too(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    account = next(iter(site.site.articles())).media
    crawl(tmp_path, "-a", f"accounts={account}", site=site)
    result = crawl(tmp_path, "-a", f"accounts={account}", site=site, **ON)
    assert result.returncode == 0, result
    assert result.status["last_run"]["counts"]["picture/stored"] > 0
    assert findings(tmp_path) == []


def test_document_changed_by_hand_is_left_alone(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    crawl(tmp_path, site=site)
    changed = next(file for file in tmp_path.glob("content/**/*.md") if f"]({site.url}" in file.read_text())
    changed.write_text(changed.read_text() + "手写的一行\n")
    result = crawl(tmp_path, site=site, **ON)
    assert changed.read_text().endswith("手写的一行\n")
    assert site.url in changed.read_text()
    assert f"{changed}: changed since it was archived" in result.stderr


def test_document_that_a_hand_has_spoilt_does_not_stop_the_others(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    crawl(tmp_path, site=site)
    shown = [file for file in sorted(tmp_path.glob("content/**/*.md")) if site.url in file.read_text()]
    quoted, bytes_ = shown[-1], shown[-2]
    quoted.write_text(re.sub(r'(?m)^thumbnail: "(.*)"$', r"thumbnail: '\1'", quoted.read_text()))
    bytes_.write_bytes(bytes_.read_bytes() + b"\xff\n")
    result = crawl(tmp_path, site=site, **ON)
    assert (result.returncode, result.logged("ERROR")) == (0, []), result
    assert len(result.logged("WARNING")) == 2
    left = [file for file in shown if site.url in file.read_text(errors="replace")]
    assert set(left) == {quoted, bytes_}


@pytest.mark.parametrize("bug", ["KeyError('bug')", "OSError(28, 'No space left on device')"])
def test_bug_at_one_article_does_not_stop_the_others_and_a_full_disk_does(
    tmp_path: Path, crawl: Crawl, site: DemoSite, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "buggy.py").write_text(BUGGY.format(bug=bug), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plug"), prepend=os.pathsep)
    archive = tmp_path / "archive"
    crawl(archive, site=site)
    before = [file for file in archive.glob("content/**/*.md") if f"]({site.url}" in file.read_text()]
    result = crawl(archive, site=site, ADDONS='{"buggy.AddOn": 0}', **ON)
    assert result.returncode == 1, result
    after = [file for file in before if f"]({site.url}" in file.read_text()]
    if "bug" in bug:
        assert result.status["last_run"]["counts"]["error"] == 1, result
        assert len(after) <= 2 < len(before)
    else:
        assert len(after) > len(before) - 2


BUGGY = """
from newsarchive.pipelines import Pictures

class AddOn:
    def update_settings(self, settings):
        real, calls = Pictures._complete, []

        async def complete(self, row):
            calls.append(row)
            if len(calls) in (2, 4):
                raise {bug}
            await real(self, row)

        Pictures._complete = complete
"""


def test_replay_fetches_no_picture(tmp_path: Path, crawl: Crawl, site: DemoSite) -> None:
    crawl(tmp_path / "live", site=site)
    site.site.forget()
    result = crawl(tmp_path / "replay", "-a", f"replay={tmp_path / 'live' / 'pages'}", site=site, **ON)
    assert result.returncode == 0, result
    assert site.site.seen == []
    crawl(tmp_path / "replay", site=site, **ON)
    assert all(row.state is State.ARCHIVED for row in rows(tmp_path / "replay").values())
    assert not any(site.url in "".join(picture_links(text)) for text in documents(tmp_path / "replay").values())


@pytest.mark.parametrize("kills", [slow((4,)), slow((3, 5, 4))])
def test_killed_while_fetching_pictures(
    tmp_path: Path, crawl: Crawl, site: DemoSite, tree: Tree, kills: tuple[int, ...]
) -> None:
    crawl(tmp_path / "unbroken", site=site, **ON)
    archive = tmp_path / "killed"
    crawl(archive, site=site)
    for number in kills:
        assert kill_at_picture(number, crawl, site, archive) == -signal.SIGKILL
    assert picture_files(archive)

    result = crawl(archive, site=site, **ON)

    assert result.returncode == 0, result
    assert tree(archive / "content") == tree(tmp_path / "unbroken" / "content")
    assert findings(archive) == []


def picture_files(archive: Path) -> list[Path]:
    return [file for file in archive.glob("pictures/**/*.*") if file.is_file()]


def kill_at_picture(number: int, crawl: Crawl, site: DemoSite, archive: Path) -> int:
    """The exit status of a run that is killed when it asks for so many pictures, before the last one is answered."""
    answer, lock = site.site.answer, threading.Lock()
    left = number

    def answer_after_kill(method: str, path: str, *rest: Any) -> Any:
        nonlocal left
        if path.startswith("/pic/"):
            with lock:
                left -= 1
                last = left == 0
            if last:
                running.kill()
        return answer(method, path, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.site, "answer", answer_after_kill)
        running = crawl.start(archive, site=site, CONCURRENT_REQUESTS_PER_DOMAIN=1, **ON)
        running.communicate()
    return running.returncode
