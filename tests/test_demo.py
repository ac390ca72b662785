"""The demo site does what the tests of the crawl rely on."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo import families
from demo.crawl import PROJECT
from demo.faults import HUGE
from demo.markup import Pictures, picture_key
from demo.pictures import picture
from demo.server import control
from demo.stories import written_stories

EDITOR = "20261104A03K7P00"
F1 = "FIN2019091600421300"


def get(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=5) as reply:
            return reply.status, reply.read(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, body: object) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


def list_page(site: Any, channel: str, page: int) -> list[dict[str, Any]]:
    reply = post(f"{site.url}/web_feed/getPCList", {"channel_id": f"news_news_{channel}", "flush_num": page})
    assert reply["code"] == 0
    return list(reply["data"])


def test_every_family_and_flavour_is_written() -> None:
    written = list(written_stories())
    articles = [story for story in written if story.is_article]
    assert len(articles) >= 12
    assert {(story.family, story.version) for story in articles} >= {
        ("F1", "v2"),
        ("F2", "v2"),
        ("F4", "v1"),
        ("F5", "v1"),
        ("F5", "v2"),
    }
    assert {story.kind for story in written} == {"0", "4", "123", "233", "560"}
    assert sum(story.gone for story in written) == 1
    assert any(len(story.channels) == 2 for story in articles)


def test_a_page_of_today_holds_the_body_twice_and_weighs_what_a_real_one_weighs() -> None:
    story = next(it for it in written_stories() if it.id == EDITOR)
    page = families.page(story, Pictures(), filler=90_000)
    assert 180_000 < len(page) < 280_000
    data = json.JSONDecoder().raw_decode(page.decode()[page.decode().index("window.DATA = ") + 14 :])[0]
    assert data["cms_id"] == EDITOR
    assert "<!--IMG_0-->" in data["originContent"]["text"]
    assert data["originAttribute"]["IMG_0"]["url"] == Pictures().body("baijia-harbour")
    assert data["originAttribute"]["VIDEO_0"]["vid"] == "b41c7baijia"
    shown = page.decode().split('id="article-content"')[1]
    assert Pictures().body("baijia-harbour") in shown
    assert "};" in data["originContent"]["text"]


def test_old_pages(demo_site: Any) -> None:
    status, page, _ = get(f"{demo_site.url}/rain/a/{F1}")
    assert status == 200
    assert "小镇纽扣厂" in page.decode("gb2312")
    with pytest.raises(UnicodeDecodeError):
        page.decode("utf-8")


def test_lists_are_paged_and_hold_blocks(new_site: Callable[..., Any]) -> None:
    site = new_site(articles=60)
    first, second = list_page(site, "tech", 1), list_page(site, "tech", 2)
    assert list_page(site, "tech", 9) == []
    assert [entry["articletype"] for entry in first].count("525") == 1
    named = [it["id"] for entry in first + second for it in entry.get("sub_item", [entry])]
    assert {"20261031A07V2S00", "20261104A00HDR00"} <= set(named)
    assert len({story.id for story in site.site.articles()}) == 60


def test_a_grown_site_is_the_same_every_time(new_site: Callable[..., Any]) -> None:
    one, two = new_site(articles=50), new_site(articles=50)
    for story in one.site.articles():
        assert get(f"{one.url}/rain/a/{story.id}")[1] == get(f"{two.url}/rain/a/{story.id}")[1]


def test_hot_list_accounts_and_sitemap(demo_site: Any) -> None:
    hot = json.loads(get(f"{demo_site.url}/gw/event/pc_hot_ranking_list?ids_hash=&offset=0&page_size=50")[1])
    assert hot["idlist"][0]["newslist"][0]["articletype"] == "560"
    account = f"{demo_site.url}/getSubNewsMixedList?guestSuid=%E6%B5%B7%E5%AE%A2&tabId=om_index&offset_info="
    assert json.loads(get(account)[1])["hasNext"] == 0
    index = get(f"{demo_site.url}/sitemap/index.xml")[1].decode()
    assert f"{demo_site.url}/sitemap/sitemap_7000.xml" in index
    assert f"https://news.qq.com/rain/a/{EDITOR}<" in get(f"{demo_site.url}/sitemap/sitemap_7000.xml")[1].decode()


def test_conditional_requests_and_gzip(demo_site: Any) -> None:
    url = f"{demo_site.url}/rain/a/{EDITOR}"
    status, page, headers = get(url)
    assert status == 200
    assert get(url, If_None_Match=headers["ETag"])[0] == 304
    demo_site.site.rewrite(EDITOR, "招牌", "门匾")
    status, changed, _ = get(url, If_None_Match=headers["ETag"])
    assert (status, changed == page) == (200, False)
    assert gzip.decompress(get(url, Accept_Encoding="gzip")[1]) == changed


def test_deleted_and_published_again(demo_site: Any) -> None:
    url = f"{demo_site.url}/rain/a/{EDITOR}"
    demo_site.site.delete(EDITOR)
    status, _, headers = get(url)
    assert status == 302
    assert "babygohome" in headers["Location"]
    demo_site.site.publish(EDITOR)
    assert get(url)[0] == 200
    assert get(f"{demo_site.url}/rain/a/20200101A0000000")[0] == 404


@pytest.mark.parametrize("layout", ["next", "unknown"])
def test_a_new_layout_has_none_of_the_known_containers(new_site: Callable[..., Any], layout: str) -> None:
    site = new_site(layout=layout)
    page = get(f"{site.url}/rain/a/{EDITOR}")[1].decode()
    assert "白岬码头" in page
    known = ("window.DATA", "article-content", "content-article", "rich_media_content", "Cnt-Main-Article-QQ")
    assert not any(name in page for name in known)


@pytest.mark.parametrize(
    ("name", "start", "content_type"),
    [("songta-demo", b"GIF89a", "image/gif")]
    + [
        (name, start, content_type)
        for name, start, content_type in [
            ("made-0", b"\xff\xd8\xff", "image/jpeg"),
            ("made-3", b"RIFF", "image/webp"),
            ("made-6", b"\x89PNG", "image/png"),
        ]
    ],
)
def test_pictures(demo_site: Any, name: str, start: bytes, content_type: str) -> None:
    status, data, headers = get(f"{demo_site.url}/pic/{picture_key(name)}/641")
    assert (status, headers["Content-Type"]) == (200, content_type)
    assert data.startswith(start)
    assert get(f"{demo_site.url}/pic/{picture_key(name)}_640360/0")[1] == data
    assert picture(picture_key(name + "x"))[1] != data


@pytest.mark.parametrize("status", [500, 567, 501, 403])
def test_a_status_happens_as_often_as_planned(demo_site: Any, status: int) -> None:
    demo_site.site.faults.add("/rain/a/*", status, times=2)
    url = f"{demo_site.url}/rain/a/{EDITOR}"
    assert [get(url)[0] for _ in range(3)] == [status, status, 200]
    assert demo_site.site.counts()[f"/rain/a/{EDITOR}"] == 3


def test_faults_of_lists(demo_site: Any) -> None:
    path = "/web_feed/getPCList/news_news_tech/1"
    body = {"channel_id": "news_news_tech", "flush_num": 1}
    demo_site.site.faults.add(path, "busy", value=99998)
    demo_site.site.faults.add(path, "empty-list")
    demo_site.site.faults.add(path, "unknown-list")
    assert post(f"{demo_site.url}/web_feed/getPCList", body)["code"] == 99998
    assert post(f"{demo_site.url}/web_feed/getPCList", body)["data"] == []
    assert "data" not in post(f"{demo_site.url}/web_feed/getPCList", body)


def test_faults_on_the_wire(demo_site: Any) -> None:
    path = f"/rain/a/{EDITOR}"
    whole = get(demo_site.url + path)[1]
    demo_site.site.faults.add(path, "truncated")
    with pytest.raises(http.client.IncompleteRead) as cut:
        get(demo_site.url + path)
    assert 0 < len(cut.value.partial) < len(whole)
    demo_site.site.faults.add(path, "long-length")
    with pytest.raises(http.client.IncompleteRead) as long:
        get(demo_site.url + path)
    assert long.value.partial == whole
    demo_site.site.faults.add(path, "short-length")
    assert get(demo_site.url + path)[1] == whole[: len(whole) * 2 // 3]
    demo_site.site.faults.add(path, "reset")
    with pytest.raises((ConnectionResetError, urllib.error.URLError)):
        get(demo_site.url + path)
    demo_site.site.faults.add(path, "bad-gzip")
    with pytest.raises(zlib.error):
        gzip.decompress(get(demo_site.url + path)[1])
    demo_site.site.faults.add(path, "huge-unsaid")
    assert len(get(demo_site.url + path)[1]) > HUGE
    demo_site.site.faults.add(path, "bomb")
    assert len(get(demo_site.url + path)[1]) < 100_000


def test_an_unknown_fault_is_refused(demo_site: Any) -> None:
    with pytest.raises(ValueError, match="no fault of kind 'sulk'"):
        demo_site.site.faults.add("/", "sulk")


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"do": "sulk"}, "KeyError('sulk'): expected edit, rewrite, "),
        ({"do": "layout", "name": "nxt"}, "'nxt': expected today, next, unknown"),
        ({"do": "delete", "id": "20261104A0XXXX00"}, "'20261104A0XXXX00': expected the id of an article"),
        ([1], "expected edit, "),
    ],
)
def test_an_order_that_is_misspelt_is_explained(demo_site: Any, order: object, problem: str) -> None:
    answer = control(demo_site.site, json.dumps(order).encode())
    assert (answer.status, problem in answer.body.decode()) == (400, True), answer.body


def test_a_server_that_dies_and_comes_back(demo_site: Any) -> None:
    url = demo_site.url
    demo_site.stop()
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/robots.txt")
    demo_site.start()
    assert demo_site.url == url
    assert get(f"{url}/robots.txt")[0] == 200


def test_as_a_program(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "demo.server", "--port", "0", "--articles", "30"]
    with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip().removeprefix("listening on ")
        post(f"{url}/_control", {"do": "fault", "path": "/robots.txt", "kind": "500"})
        assert get(f"{url}/robots.txt")[0] == 500
        counts = json.loads(get(f"{url}/_control")[1])
        assert counts["asked"] == {"/robots.txt": 1}
        assert len(counts["articles"]) == 30
        status, text, _ = get_post(f"{url}/_control", {"do": "dance"})
        assert (status, b"expected edit" in text) == (400, True)
        process.terminate()
        assert process.wait(10) == 0
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", int(url.rsplit(":")[-1]))):
        pass


def test_the_demo_says_how_it_is_used(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "demo", "--help"]
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, "[FOLDER]" in done.stdout) == (0, True), done
    assert not (PROJECT / "--help").exists()


DEAD_PROXY = {f"{scheme}_proxy": "http://127.0.0.1:9/" for scheme in ("http", "https", "all")}


def demo(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    without = {"no_proxy", "NO_PROXY"}
    env = {name: value for name, value in os.environ.items() if name not in without} | environment
    line = [sys.executable, "-m", "demo", *map(str, words)]
    return subprocess.run(line, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_demo_works_behind_a_proxy(tmp_path: Path) -> None:
    done = demo(tmp_path / "archive", **DEAD_PROXY)
    assert (done.returncode, done.stderr) == (0, ""), done
    named = [Path(line.split()[0]) for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(named) == 3
    assert all(file.is_file() for file in named)
    for readme in ("README.md", "README.zh-CN.md"):
        shown = (PROJECT / readme).read_text("utf-8").split("```markdown\n", 1)[1].split("```", 1)[0]
        document = named[-1].read_text("utf-8")
        for line in shown.splitlines():
            assert line == "…" or f"{line}\n" in document, f"{readme}: {line}"


def test_a_demo_that_fails_says_so_and_names_no_file(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file where the folder should be")
    done = demo(tmp_path / "archive")
    assert done.returncode == 1, done
    assert "The crawl of the demo site failed (exit code 1)" in done.stderr
    assert "Look" not in done.stdout
    assert "make serve" not in done.stdout


def test_a_port_that_is_used_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        line = [sys.executable, "-m", "demo.server", "--port", str(used.getsockname()[1])]
        done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done
    assert "in use" in done.stderr


def get_post(url: str, body: object) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.read(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)
