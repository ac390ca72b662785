"""Whole crawls of the demo site: a process of its own, a real socket, files on disk."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import frontmatter
import pytest

from demo import boilerplate
from demo.crawl import FAST, Result, command, site_settings
from demo.faults import Answer
from demo.markup import Pictures, picture_key
from demo.server import Server
from demo.site import Request, Site
from demo.stories import Story
from tests.archived import make_due
from tests.conftest import finished, slow

GIF = "20261104A05T2Q00"
EDITOR = "20261104A03K7P00"
IN_TWO_LISTS = "20261103A08W4E00"
DELETED = "20261103A0P6F200"
DIVER = "20261031A07V2S00"
CMS = "TWF2020061800214500"
OLD = "FIN2019091600421300"

NewSite = Callable[..., Any]


@dataclass(frozen=True)
class Whole:
    """One crawl of the whole site, which several tests look at."""

    result: Result
    site: Site
    documents: dict[str, str]
    asked: list[Request]


def documents(archive: Path) -> dict[str, str]:
    """Id → Markdown file of everything below `content/`."""
    return {path.stem: path.read_bytes().decode("utf-8") for path in (archive / "content").rglob("*.md")}


def front(document: str) -> dict[str, Any]:
    return dict(frontmatter.loads(document).metadata)


def counts(result: Result) -> dict[str, Any]:
    return dict(result.status["last_run"]["counts"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    archive = tmp_path_factory.mktemp("whole") / "archive"
    server = Server(Site())
    server.start()
    line = command("crawl qq", archive, **{**site_settings(server.url), **FAST})
    result = finished(line, archive)
    yield Whole(result, server.site, documents(archive), list(server.site.seen))
    server.stop()


def test_every_article_of_both_lists_is_archived(whole: Whole) -> None:
    assert whole.result.returncode == 0, whole.result
    assert whole.result.stderr == ""
    files = {
        path.relative_to(whole.result.archive).as_posix() for path in whole.result.archive.rglob("content/**/*.md")
    }
    assert files == {f"content/qq/{it.published:%Y/%m}/{it.id}.md" for it in whole.site.articles()}
    assert len(files) == 13


def test_nothing_but_markdown_lies_below_content(whole: Whole) -> None:
    below = [path for path in (whole.result.archive / "content").rglob("*") if path.is_file()]
    assert {path.suffix for path in below} == {".md"}


def test_a_document_to_the_byte(whole: Whole) -> None:
    picture = Pictures().body("tingtao-deck")
    assert whole.documents[DIVER] == (
        "---\n"
        'title: "深潜器“听涛”号完成第三百次下潜"\n'
        'date: "2026-10-31 19:58:02"\n'
        'summary: "“听涛”号十月三十一日在南屿外海完成第三百次下潜，最深抵达六千七百四十米，'
        '全程九小时十四分。回收甲板..."\n'
        'categories:\n  - "qq"\nlang:\n  - "zh-CN"\ntranslations:\n  - "zh-CN"\ntags:\n  - "qq"\n'
        'menu: ""\n'
        f'thumbnail: "{Pictures().cover("tingtao-deck", "640360")}"\n'
        'lead: ""\ncomments: false\nauthorbox: false\npager: true\ntoc: false\nmathjax: false\n'
        'sidebar: "right"\nwidgets:\n  - "search"\n  - "recent"\n  - "taglist"\n'
        "---\n\n"
        "“听涛”号十月三十一日在南屿外海完成第三百次下潜，最深抵达六千七百四十米，全程九小时十四分。\n\n"
        f"![图片]({picture})\n\n"
        "回收甲板上的“听涛”号。\n\n"
        "主驾驶员闻人舟说，第三百次和第一次最大的不同是安静："
        "推进器换成了仿鳍结构，舱里只剩下呼吸声和记录笔的沙沙声。\n\n"
        "本次下潜带回十一箱沉积物和一段四小时的声音。科学家打算把声音公开，让公众帮忙辨认里面的“住户”。\n\n"
        f"[qq](https://new.qq.com/rain/a/{DIVER})\n"
    )


def test_titles_times_and_list_pictures(whole: Whole) -> None:
    for story in whole.site.articles():
        found = front(whole.documents[story.id])
        assert found["title"] == story.title
        assert found["date"] == str(story.published)
        assert found["thumbnail"] == Pictures().cover(story.cover, "640360"), story.id


def test_pictures_and_videos_stand_in_the_text(whole: Whole) -> None:
    assert f"![图片]({Pictures().body('songta-demo', '0')})" in whole.documents[GIF]
    assert "https://v.qq.com/x/page/b41c7baijia.html" in whole.documents[EDITOR]
    assert "https://v.qq.com/x/page/r20f9roof01.html" in whole.documents["20200917A0K2L900"]
    for story in whole.site.articles():
        names = re.findall(r'<img src="([\w-]+)"', story.body)
        assert re.findall(r"!\[[^]]*]\(\S*/om_bt/([\w-]+)/\w+\)", whole.documents[story.id]) == [
            picture_key(name) for name in names
        ], story.id


def test_no_word_of_the_boilerplate_is_archived(whole: Whole) -> None:
    for id_, document in whole.documents.items():
        assert [word for word in boilerplate.WORDS if word in document] == [], id_
        assert "流转编号" not in document
        assert "rich_media" not in document


def test_the_canonical_url_is_named_whichever_host_served_the_page(whole: Whole) -> None:
    for id_, document in whole.documents.items():
        assert document.endswith(f"\n\n[qq](https://new.qq.com/rain/a/{id_})\n")
        assert "127.0.0.1" not in document


def test_each_page_is_asked_for_once(whole: Whole) -> None:
    pages = [asked.path for asked in whole.asked if asked.path.startswith("/rain/")]
    assert sorted(pages) == sorted(f"/rain/a/{it.id}" for it in [*whole.site.articles(), whole.site.stories[DELETED]])
    assert f"/rain/a/{IN_TWO_LISTS}" in pages


def test_what_is_no_article_is_counted(whole: Whole) -> None:
    found = counts(whole.result)
    assert (found["article/new"], found["article/gone"]) == (13, 1)
    # Each list names the header, and the block stands in both.
    assert (found["entry/video"], found["entry/header"], found["entry/question"], found["entry/tag"]) == (1, 2, 1, 1)
    assert {name for name in found if name.startswith("family/")} == {
        "family/F1",
        "family/F2",
        "family/F4",
        "family/F5",
    }


def test_the_summary_is_short(whole: Whole) -> None:
    lines = whole.result.stdout.splitlines()
    assert 1 <= len(lines) <= 5
    assert "13 new" in lines[0]


def test_how_it_asks(whole: Whole) -> None:
    assert whole.asked[0].path == "/robots.txt"
    lists = [asked for asked in whole.asked if asked.path.startswith("/web_feed/")]
    bodies = [json.loads(asked.body) for asked in lists]
    assert len({body["qimei36"] for body in bodies}) == 1
    assert re.fullmatch(r"[a-z0-9]{36}", bodies[0]["qimei36"])
    for asked in whole.asked:
        assert asked.headers["user-agent"].startswith("newsarchive/")
        assert "cookie" not in asked.headers
    assert {asked.headers["referer"] for asked in lists} == {"https://news.qq.com/"}


# runs of their own


def test_a_second_run_downloads_lists_only(demo_site: Any, crawl: Any, crawled: Path, tree: Any) -> None:
    before = tree(crawled / "content")
    demo_site.site.reorder()
    again = crawl(crawled, site=demo_site)
    assert again.returncode == 0
    assert {path.split("/")[1] for path in demo_site.site.counts()} == {"robots.txt", "web_feed"}
    assert tree(crawled / "content") == before


def test_pages_channels_and_limit(new_site: NewSite, crawl: Any, tmp_path: Path) -> None:
    site = new_site(articles=90)
    first = crawl(tmp_path, "-a", "channels=tech", "-a", "pages=1", "-a", "limit=7", site=site)
    assert first.returncode == 0, first
    assert len(documents(tmp_path)) == 7
    crawl(tmp_path, "-a", "channels=tech", "-a", "pages=2", site=site)
    asked = [path for path in site.site.counts() if path.startswith("/web_feed")]
    assert sorted(asked) == ["/web_feed/getPCList/news_news_tech/1", "/web_feed/getPCList/news_news_tech/2"]
    assert 30 < len(documents(tmp_path)) < 45
    crawl(tmp_path / "other", "-a", "pages=9", site=site)
    assert len(documents(tmp_path / "other")) == 90


def test_since_and_until_are_days_of_the_publisher(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    result = crawl(tmp_path, "-a", "since=2026-11-01", "-a", "until=2026-11-03", site=demo_site)
    assert result.returncode == 0, result
    days = {front(document)["date"][:10] for document in documents(tmp_path).values()}
    assert days == {"2026-11-01", "2026-11-02", "2026-11-03"}
    assert f"/rain/a/{EDITOR}" not in demo_site.site.counts()


@pytest.mark.parametrize(
    "arguments", [["channels=tech", "since=2099-01-01"], ["sitemap=1", "since=2099-01-01"], ["until=1999-12-31"]]
)
def test_lists_without_an_article_of_the_days_that_are_wanted_are_no_alarm(
    demo_site: Any, crawl: Any, tmp_path: Path, arguments: list[str]
) -> None:
    result = crawl(tmp_path, *(part for it in arguments for part in ("-a", it)), site=demo_site)
    assert (result.returncode, result.status["last_run"]["alarms"]) == (0, []), result
    assert documents(tmp_path) == {}


def test_no_list_is_read_when_what_was_due_has_used_up_the_limit(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    arguments = ("-a", "channels=tech", "-a", "limit=2")
    assert crawl(tmp_path, *arguments, site=demo_site).returncode == 0
    make_due(tmp_path)
    demo_site.site.forget()
    result = crawl(tmp_path, *arguments, site=demo_site)
    assert (result.returncode, result.status["last_run"]["counts"]["article/unchanged"]) == (0, 2), result
    assert not any(path.startswith("/web_feed") for path in demo_site.site.counts())


def test_named_articles_by_odd_urls(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    named = tmp_path / "named.txt"
    named.write_text(
        "\ufeff# what a reader complained about\n"
        f"https://view.inews.qq.com/a/{EDITOR}?refer=wx_hot\n"
        f"  {EDITOR[:-2]}  \r\n\n"
        f"https://xw.qq.com/cmsid/{GIF}\n"
        f"https://new.qq.com/omn/20261031/{DIVER}.html?pc\n"
        f"https://new.qq.com/omn/TWF20200/{CMS}.html\n"
        "http://finance.qq.com/a/20190916/004213.htm\n",
        encoding="utf-8",
    )
    result = crawl(tmp_path / "archive", "-a", f"urls=@{named}", site=demo_site)
    assert result.returncode == 0, result
    assert set(documents(tmp_path / "archive")) == {EDITOR, GIF, DIVER, CMS, OLD}
    assert demo_site.site.counts()[f"/rain/a/{EDITOR}"] == 1
    assert not any(path.startswith("/web_feed") for path in demo_site.site.counts())
    # No list named them: the page's own picture is the thumbnail, where the family has one.
    found = {id_: front(document)["thumbnail"] for id_, document in documents(tmp_path / "archive").items()}
    assert found[DIVER] == Pictures().cover("tingtao-deck", "640330")
    assert found[CMS] == ""


def test_a_replay_gives_what_the_network_gave(demo_site: Any, crawl: Any, tmp_path: Path, tree: Any) -> None:
    ids = [story.id for story in demo_site.site.articles()]
    live = crawl(tmp_path / "live", "-a", f"urls={','.join(ids)}", site=demo_site)
    assert live.returncode == 0, live
    saved = tmp_path / "saved"
    saved.mkdir()
    for id_ in ids:
        page = demo_site.site.answer("GET", f"/rain/a/{id_}", {}, b"").body
        (saved / f"{id_}.html").write_bytes(page)
    demo_site.stop()
    replayed = crawl(tmp_path / "replayed", "-a", f"replay={saved}")
    assert replayed.returncode == 0, replayed
    assert tree(tmp_path / "replayed" / "content") == tree(tmp_path / "live" / "content")


def test_a_feed_has_what_was_new(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    feed = tmp_path / "new.jsonl"
    for new in (13, 0):
        result = crawl(tmp_path / "archive", "-O", str(feed), site=demo_site)
        assert (result.returncode, result.stderr) == (0, ""), result
        assert len(feed.read_text("utf-8").splitlines()) == new, result


def test_an_account_is_walked_to_its_end(new_site: NewSite, crawl: Any, tmp_path: Path) -> None:
    site = new_site(articles=60, per_page=4)
    theirs = {story.id for story in site.site.articles() if story.media == "海客"}
    result = crawl(tmp_path, "-a", "accounts=海客", site=site)
    assert result.returncode == 0, result
    assert set(documents(tmp_path)) == theirs
    asked = site.site.counts()
    assert asked["/getSubNewsMixedList"] == -(-len(theirs) // 4) > 1
    assert not any(path.startswith("/web_feed") for path in asked)


def test_the_sitemap_fills_a_gap_by_the_day_in_the_id(new_site: NewSite, crawl: Any, tmp_path: Path) -> None:
    site = new_site(articles=120)
    result = crawl(tmp_path, "-a", "sitemap=1", "-a", "since=2019-01-01", "-a", "until=2020-12-31", site=site)
    assert result.returncode == 0, result
    assert set(documents(tmp_path)) == {CMS, OLD, "20200917A0K2L900"}
    assert [path for path in sorted(site.site.counts()) if path.startswith("/sitemap")] == [
        "/sitemap/index.xml",
        *(f"/sitemap/sitemap_{n}.xml" for n in (7000, 7001, 7002)),
    ]


def test_no_more_sitemap_files_are_read_than_are_needed(new_site: NewSite, crawl: Any, tmp_path: Path) -> None:
    site = new_site(articles=120)
    result = crawl(tmp_path, "-a", "sitemap=1", "-a", "since=2019-01-01", "-a", "limit=2", site=site)
    assert result.returncode == 0, result
    assert len(documents(tmp_path)) == 2
    assert [path for path in sorted(site.site.counts()) if path.startswith("/sitemap")] == [
        "/sitemap/index.xml",
        "/sitemap/sitemap_7000.xml",
    ]


@pytest.mark.parametrize("fault", [500, "html"])
def test_a_sitemap_file_that_does_not_come_costs_no_other(
    new_site: NewSite, crawl: Any, tmp_path: Path, fault: str | int
) -> None:
    site = new_site(articles=120)
    site.site.faults.add("/sitemap/sitemap_7000.xml", fault, times=-1)
    result = crawl(tmp_path, "-a", "sitemap=1", "-a", "since=2019-01-01", site=site, RETRY_TIMES=1)
    assert result.returncode == (0 if fault == 500 else 4), result
    assert {"/sitemap/sitemap_7001.xml", "/sitemap/sitemap_7002.xml"} <= set(site.site.counts())


def test_a_list_that_goes_round_in_circles_comes_to_an_end(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    answer = demo_site.site.answer

    def round_and_round(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        found: Answer = answer(method, target, headers, body)
        if "getSubNewsMixedList" not in target:
            return found
        reply = json.loads(found.body) | {"hasNext": 1, "offsetInfo": str(len(demo_site.site.seen))}
        return replace(found, body=json.dumps(reply).encode())

    assert crawl(tmp_path, "-a", "accounts=海客", "-a", "limit=1", site=demo_site).returncode == 0
    demo_site.site.answer = round_and_round
    demo_site.site.forget()
    result = crawl(tmp_path, "-a", "accounts=海客", site=demo_site, timeout=60)
    assert result.returncode == 0, result
    assert demo_site.site.counts()["/getSubNewsMixedList"] <= 4


def test_the_hot_list(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    result = crawl(tmp_path, "-a", "hot=1", site=demo_site)
    assert result.returncode == 0, result
    assert set(documents(tmp_path)) == {story.id for story in demo_site.site.articles()}
    assert counts(result)["entry/header"] == 1
    assert front(documents(tmp_path)[DIVER])["thumbnail"] == Pictures().cover("tingtao-deck", "294195")


def test_one_article_under_three_urls(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.list_again(EDITOR)
    assert crawl(tmp_path, site=demo_site).returncode == 0
    assert demo_site.site.counts()[f"/rain/a/{EDITOR}"] == 1
    assert len(documents(tmp_path)) == 13


# what can go wrong


def test_a_busy_list_is_tried_again(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*/news_news_tech/1", "busy", value=1)
    demo_site.site.faults.add("/web_feed/*/news_news_tech/1", "busy", value=99998)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result
    assert demo_site.site.counts()["/web_feed/getPCList/news_news_tech/1"] == 3
    assert len(documents(tmp_path)) == 13


@pytest.mark.parametrize(("kind", "form"), [("unknown-list", "status='ok'"), ("html", "<!DOCTYPE html>")])
def test_a_list_of_unknown_form_is_an_error(demo_site: Any, crawl: Any, tmp_path: Path, kind: str, form: str) -> None:
    demo_site.site.faults.add("/web_feed/*/news_news_tech/*", kind, times=-1)
    result = crawl(tmp_path, site=demo_site)
    (line,) = result.logged("ERROR")
    assert "channel tech" in line
    assert form in line
    assert result.returncode == 4
    assert EDITOR in documents(tmp_path), "the other channel is read all the same"


def test_lists_that_are_all_unknown_are_an_alarm_at_once(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*", "unknown-list", times=-1)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 4, result
    assert len(result.logged("ERROR")) == 2
    assert documents(tmp_path) == {}


def test_567_backs_off_and_comes_back(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.faults.add("/web_feed/*/news_news_tech/1", 567, times=2)
    demo_site.site.faults.add(f"/rain/a/{EDITOR}", 567, times=2)
    result = crawl(tmp_path, site=demo_site)
    assert result.returncode == 0, result
    assert demo_site.site.counts()[f"/rain/a/{EDITOR}"] == 3
    assert len(documents(tmp_path)) == 13


def test_501_stops_the_crawl(new_site: NewSite, crawl: Any, tmp_path: Path) -> None:
    site = new_site(articles=60)
    site.site.faults.add("/rain/*", 501, times=-1)
    result = crawl(tmp_path, site=site, CONCURRENT_REQUESTS_PER_DOMAIN=1)
    assert result.returncode == 3, result
    assert "501" in result.stdout
    asked = [path for path in site.site.counts() if path.startswith("/rain/")]
    # What was on its way when the answer came is still asked for.
    assert 1 <= len(asked) < 20
    assert documents(tmp_path) == {}


def test_other_hosts_are_not_asked(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    other = Server(Site(filler=100))
    other.start()
    elsewhere = f"http://localhost:{other.port}"  # the same machine, but no host of the site
    demo_site.site.faults.add(f"/rain/a/{EDITOR}", "redirect", value=f"{elsewhere}/rain/a/{EDITOR}")
    demo_site.site.faults.add("/web_feed/*/news_news_tech/1", "redirect", value=f"{elsewhere}/web_feed/getPCList")
    demo_site.site.faults.add(f"/rain/a/{DIVER}", "redirect", value="file:///etc/hostname")
    # Another address of the same article on the same host is followed.
    demo_site.site.faults.add(f"/rain/a/{OLD}", "redirect", value=f"{demo_site.url}/rain/a/{OLD}?from=rain")
    result = crawl(tmp_path, site=demo_site)
    other.stop()
    assert other.site.seen == []
    found = documents(tmp_path)
    assert EDITOR not in found
    assert DIVER not in found
    assert OLD in found
    assert counts(result)["article/failed"] == 2


@pytest.mark.parametrize("kind", [slow("huge"), slow("huge-unsaid"), "bomb"])
def test_a_page_of_over_20_mb_is_refused(demo_site: Any, crawl: Any, tmp_path: Path, kind: str) -> None:
    demo_site.site.faults.add(f"/rain/a/{EDITOR}", kind, times=-1)
    result = crawl(tmp_path, "-a", f"urls={EDITOR},{DIVER}", site=demo_site)
    assert set(documents(tmp_path)) == {DIVER}
    assert counts(result)["article/failed"] == 1
    assert demo_site.site.counts()[f"/rain/a/{EDITOR}"] == 1


def test_robots_txt_is_obeyed(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.robots = "User-agent: *\nDisallow: /rain/\n"
    result = crawl(tmp_path, site=demo_site)
    assert not any(path.startswith("/rain/") for path in demo_site.site.counts())
    assert documents(tmp_path) == {}
    assert result.returncode == 3, result


def test_a_page_that_is_no_article_is_never_exported(demo_site: Any, crawl: Any, tmp_path: Path) -> None:
    demo_site.site.faults.add(f"/rain/a/{EDITOR}", "challenge")
    demo_site.site.faults.add(f"/rain/a/{DIVER}", "empty")
    demo_site.site.faults.add(f"/rain/a/{GIF}", 404)
    result = crawl(tmp_path, site=demo_site)
    found = documents(tmp_path)
    assert len(found) == 10
    assert not {EDITOR, DIVER, GIF} & set(found)
    assert counts(result)["article/quarantined"] == 1
    assert counts(result)["article/challenged"] == 1
    assert counts(result)["article/gone"] == 2
    assert all(document.count("\n\n") >= 2 for document in found.values())


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("since=yesterday", "since=yesterday: expected a day like 2026-11-01"),
        ("until=2026-13-01", "until=2026-13-01: expected a day"),
        ("pages=0", "pages=0: expected a whole number of at least 1"),
        ("limit=many", "limit=many: expected a whole number"),
        ("channels=finance,gossip", "channels=gossip: unknown"),
        ("urls=https://example.com/", "'https://example.com/' names no article"),
        ("urls=@/nowhere/named.txt", "urls=@/nowhere/named.txt: cannot read the file"),
        ("replay=/nowhere", "/nowhere: there is no such file or folder of saved pages"),
        ("page=3", "no argument named 'page'"),
    ],
)
def test_a_bad_argument_is_one_clear_line(demo_site: Any, crawl: Any, tmp_path: Path, argument: str, said: str) -> None:
    result = crawl(tmp_path / "archive", "-a", argument, site=demo_site)
    assert result.returncode == 2, result
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert said in line
    assert demo_site.site.seen == []
    assert not (tmp_path / "archive").exists()


# the real thing


@pytest.mark.parametrize("family", ["F4", "F5"])
def test_the_reference_document_through_a_crawl(
    real_data: Path, demo_site: Any, crawl: Any, tmp_path: Path, family: str
) -> None:
    wanted = (real_data / "seed" / "20250211A06DM600.md").read_bytes()
    story = rebuilt(wanted.decode("utf-8"), family)
    demo_site.site.add(story)
    result = crawl(tmp_path, "-a", "until=2025-02-11", "-a", "since=2025-02-11", site=demo_site)
    assert result.returncode == 0, result
    assert (tmp_path / f"content/qq/2025/02/{story.id}.md").read_bytes() == wanted


def rebuilt(document: str, family: str) -> Story:
    """The story whose page would give the document."""
    head, body = document.split("---\n\n", 1)
    *blocks, source_line = body.strip("\n").split("\n\n")
    found = front(head + "---\n")
    return Story(
        id=source_line[-17:-1],
        title=found["title"],
        published=datetime.fromisoformat(found["date"]),
        family=family,
        version="v1" if family == "F4" else "v2",
        channels=("tech",),
        cover=found["thumbnail"],
        body="".join(rebuilt_block(block, "P" if family == "F4" else "p") for block in blocks),
    )


def rebuilt_block(block: str, tag: str) -> str:
    if picture := re.fullmatch(r"!\[图片]\((.*)\)", block):
        return f'<{tag}><img src="{picture[1]}"></{tag}>'
    if bold := re.fullmatch(r"\*\*(.*)\*\*", block):
        return f"<{tag}><strong>{bold[1]}</strong></{tag}>"
    if block.startswith(" "):
        return f"<section> {block}</section>"
    return f"<{tag}>{html.escape(block, quote=False)}</{tag}>"
