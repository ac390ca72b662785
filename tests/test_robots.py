"""A robots.txt says the same to us as to Scrapy's own parser, and cannot be made to cost time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from scrapy.robotstxt import ProtegoRobotParser

from newsarchive.downloader import Robots
from tests.conftest import Crawl, DemoSite, slow
from tests.test_kill import content

LARGEST = Robots.LARGEST
AGENT = "newsarchive/0.1 (archives news articles as Markdown; me@example.com)"
URL = "https://new.qq.com/rain/a/20250211A06DM600"
TEXTS = [
    "", "User-agent: *\nDisallow: /rain/\n", "User-agent: *\nDisallow: /rain/\nAllow: /rain/a/\n",
    "User-agent: newsarchive\nDisallow: /rain\n\nUser-agent: *\nAllow: /\n",
    "User-agent: NewsArchive\nAllow: /rain\n\nUser-agent: *\nDisallow: /\n", "User-agent: archive\nDisallow: /\n",
    "User-agent: a\nUser-agent: *\nDisallow: /*/a/\n", "User-agent: *\nSitemap: https://x/s.xml\nDisallow: /rain\n",
    "User-agent: other\nSitemap: https://x/s.xml\nUser-agent: newsarchive\nDisallow: /rain\n",
    "User-agent: *\nDisallow: /a\n\nUser-agent: *\nDisallow: /rain\n", "user agent *\ndisallow /rain\n",
    "User-agent : newsarchive*\nDisallow: /rain # so\n", "\ufeffUser-agent: *\r\nDisallow: /*$\r\n",
    "Disallow: /rain\nUser-agent: *\n", "User-agent:\nDisallow: /rain\n", "User-agent: *\rDisallow: /rain\r",
    "User-agent: Markdown\nDisallow: /rain\n", "User-agent: *\nCrawl-delay: 3\nDisallow: /rain/a/2025*600$\n",
    "User-agent: newsarchive/0.1\nAllow: /\nUser-agent: newsarchive\nDisallow: /\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_read_as_by_scrapy(text: str) -> None:
    ours, scrapys = Robots(text.encode()), ProtegoRobotParser(text.encode(), None)
    for url in (URL, "https://new.qq.com/", "https://news.qq.com/robots.txt"):
        assert ours.allowed(url, AGENT) == scrapys.allowed(url, AGENT), url
    assert ours.crawl_delay(AGENT) == scrapys.crawl_delay(AGENT)


def test_500_kib_are_read_and_no_half_rule() -> None:
    rule = b"Disallow: /rain\n"
    for size, allowed in ((LARGEST, False), (LARGEST + 1, True)):
        start = b"User-agent: *\n#"
        text = start + b"x" * (size - len(start) - len(rule) - 1) + b"\n" + rule
        assert len(text) == size
        assert Robots(text + b"# more\n").allowed(URL, AGENT) is allowed
    start = b"User-agent: *\n#"
    half = start + b"x" * (LARGEST - len(start) - len(b"\nDisallow: /")) + b"\nDisallow: /only/this\n"
    assert Robots(half).allowed(URL, AGENT)


def hostile(line: bytes, number: int = LARGEST) -> bytes:
    return b"User-agent: *\n" + b"".join(line % n if b"%" in line else line for n in range(number // len(line)))


HOSTILE = {
    "900,000 lines": b"User-agent: *\n" + b"Disallow: /abc\n" * 900_000,
    "wildcards": hostile(b"Disallow: /*a*2*%d$\n"),
    "many names, many rules": hostile(b"User-agent: a%d\n", LARGEST // 2) + hostile(b"allow:/\n", LARGEST // 2),
    "one line": b"User-agent: *\nDisallow: /" + b"*a" * LARGEST,
}


@pytest.mark.parametrize("what", ["900,000 lines", slow("wildcards"), "many names, many rules", "one line"])
def test_it_cannot_be_made_to_cost_time(what: str) -> None:
    begun = time.process_time()
    robots = Robots(HOSTILE[what])
    for n in range(5):
        robots.allowed(f"{URL}{n}", AGENT)
    assert time.process_time() - begun < 10
    assert robots.allowed(URL, AGENT) is (what in ("900,000 lines", "one line"))


def test_a_crawl_goes_on_under_900000_lines(crawl: Crawl, demo_site: DemoSite, tmp_path: Path) -> None:
    demo_site.site.robots = (HOSTILE["900,000 lines"] + b"Disallow: /rain/\n").decode()
    result = crawl(tmp_path, site=demo_site, timeout=60)
    assert result.returncode == 0, result
    assert len(content(tmp_path)) == len(demo_site.site.articles())
