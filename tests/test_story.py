"""One article is archived, edited and removed: site, command, changes.json and report say the same about it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.archived import make_due
from tests.awkward import make_site
from tests.chromium import chromium
from tests.conftest import Crawl, DemoSite

pytestmark = pytest.mark.slow


def test_what_became_of_an_article(
    crawl: Crawl, demo_site: DemoSite, crawled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    story = next(it for it in demo_site.site.articles() if it.family == "F5" and it.version == "v2")
    settings: dict[str, Any] = {"ARCHIVE_FRONT_MATTER": "author,channels,site_tags,lastmod,source_url"}
    assert crawl(crawled, name="reextract", **settings).returncode == 0
    demo_site.site.edit(story.id, title=f"{story.title}（更新）")
    make_due(crawled)
    assert crawl(crawled, site=demo_site, **settings).returncode == 0
    demo_site.site.delete(story.id)
    make_due(crawled)
    assert crawl(crawled, site=demo_site, **settings).returncode == 0

    lines = crawl(crawled, "--json", "--kind", "edited,removed", name="changes").stdout.splitlines()
    _, edited = listed = [json.loads(line) for line in lines]
    assert [(it["kind"], it["id"], it["title"]) for it in listed] == [
        ("removed", story.id, f"{story.title}（更新）"),
        ("edited", story.id, f"{story.title}（更新）"),
    ]
    written = json.loads((crawled / "changes.json").read_text("utf-8"))["changes"]
    assert [{key: value for key, value in it.items() if key != "versions"} for it in written] == listed
    assert [it["path"] for it in written[0]["versions"]] == [edited["previous"], edited["path"]]

    assert crawl(crawled, "--lang", "zh", name="report").returncode == 0
    folder = tmp_path_factory.mktemp("story")
    make_site(crawled, folder / "public")
    (crawled / "report.html").rename(folder / "public" / "report.html")
    with chromium(folder / "profile", folder / "public") as browser:
        browser.open(f"/{edited['path'].removeprefix('content/').removesuffix('.md')}/")
        marks = browser.texts(".story .mark")
        assert [re.sub(r" .*", "", mark) for mark in marks] == ["原站已删除", "已修改"]
        assert story.media in browser.texts(".when")[0]
        browser.open(f"/changes/qq/{story.id}/")
        assert browser.texts("ins") == ["（更新）"]
        assert browser.texts("del") == []
        assert (
            browser.script("return getComputedStyle(document.querySelector('ins')).backgroundColor")
            != "rgba(0, 0, 0, 0)"
        )
        browser.script("document.querySelector('.versions a').click()")
        browser.wait(lambda: story.title in browser.texts("h1"))
        browser.open("/changes/")
        assert [it.split()[0] for it in browser.texts(".changed .mark")] == ["原站已删除", "已修改"]
        browser.driver.get_log("browser")  # the pictures are at the site, where nobody is asked
        feed = (folder / "public" / "changes" / "index.xml").read_text("utf-8")
        assert re.findall(r"<title>(原站已删除|已修改)：", feed) == ["原站已删除", "已修改"]
        assert "<ins>（更新）</ins>" in feed.replace("&lt;", "<").replace("&gt;", ">")
        browser.open("/report.html")
        shown = dict(zip(browser.texts("dl dt"), browser.texts("dl dd"), strict=True))
        assert (shown["修改"], shown["删除"]) == ("1", "1")
        assert browser.is_quiet()
