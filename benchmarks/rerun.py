"""Measures what known articles cost: runs that find nothing new, and `scrapy status`, over archives of growing size.

    python -m benchmarks.rerun [ARTICLES …] [--rounds 3]     # 1000 10000 100000 1000000

The archives are made up, with the files that a run could come upon. Each has as many runs as are kept, and one article
in five given up and in quarantine, as in our sample of real pages. Every channel lists articles that are known.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.measure import Cost, in_turn, run, table
from demo.crawl import FAST, command, site_settings
from newsarchive.archive.archive import Archive
from newsarchive.archive.files import content_path, quarantine_path
from newsarchive.archive.tables import KEPT_RUNS, Row, RunRow, State
from newsarchive.options import Options
from newsarchive.qq.lists import CHANNELS

NOW = datetime.now(UTC)
LISTED = 20
"""Entries of a list."""
COUNTS = {"kind": "lists", "reason": "finished", "complete": 1, "list/read": 25, "entry/article": 500, "page/read": 5}
EMPTY = "import scrapy\nclass Empty(scrapy.Spider):\n    name = 'empty'\n    start_urls = ()\n"


def id_of(number: int) -> str:
    return f"20251101A{number:05X}00"


def published_of(number: int) -> datetime:
    return (NOW - timedelta(minutes=number + 1)).astimezone(ZoneInfo("Asia/Shanghai"))


def row_of(number: int) -> Row:
    """Of an archived article, or one that was given up."""
    article_id, published = id_of(number), published_of(number)
    known = Row(
        source="qq", article_id=article_id, url=f"https://new.qq.com/rain/a/{article_id}", where="channel finance",
        first_seen=published, thumbnail=f"https://inews.gtimg.com/om_ls/O{'x' * 50}_640360/0", last_checked=NOW,
        entry=json.dumps({"title": "题" * 30, "url": f"https://new.qq.com/rain/a/{article_id}"}, ensure_ascii=False),
        warc_file="qq-20261101T120000Z-1.warc.gz", warc_offset=number, state=State.QUARANTINED, attempts=8,
        next_try=NOW, reason="the page shows its body to subscribers only",
    )  # fmt: skip
    if number % 5 == 4:
        return known
    return Row(**vars(known) | {
        "state": State.ARCHIVED, "published": published, "archived_at": published, "attempts": 0, "reason": "",
        "content_hash": "0" * 64, "file_hash": "0" * 64, "revision": 1, "family": "F5", "next_try": None,
        "path": str(content_path("qq", published, article_id)), "pictures_tried": True,
        "next_check": NOW + timedelta(days=1) if number < 50_000 else None,
    })  # fmt: skip


def fill(folder: Path, articles: int) -> None:
    with Archive.open(Options(dir=folder), purpose="benchmark") as archive, archive.ledger.transaction():
        for number in range(articles):
            row = row_of(number)
            archive.ledger.put(row)
            page = quarantine_path("qq", row.article_id)
            for path in [row.path] if row.path else [page, page.with_name(f"{row.article_id}.json")]:
                make_file(folder, folder / path, number)
        for _ in range(KEPT_RUNS):
            begun = archive.ledger.add_run(RunRow(started=NOW, pid=1, arguments="scrapy crawl qq"))
            archive.ledger.end_run(RunRow(**vars(begun) | {"ended": NOW, "exit_code": 0, "counts": COUNTS}))


def make_file(folder: Path, path: Path, number: int) -> None:
    """An empty one, as a link: a file of its own takes twenty times as long, and one cannot have a million names."""
    empty = folder / f"empty-{number // 10_000}"
    with suppress(FileExistsError):
        empty.touch(exist_ok=False)
    try:
        os.link(empty, path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        os.link(empty, path)


class Lists(BaseHTTPRequestHandler):
    """Each channel lists other known articles."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first = CHANNELS.index(asked["channel_id"].removeprefix("news_news_")) * LISTED
        numbers = [number % self.server.articles for number in range(first, first + LISTED)]  # type: ignore[attr-defined]
        self.answer(json.dumps({"code": 0, "data": [*map(entry_of, numbers)]}).encode())

    def do_GET(self) -> None:  # robots.txt
        self.answer(b"")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def entry_of(number: int) -> dict[str, object]:
    pictures = {"big_img": ["https://inews.gtimg.com/om_ls/O1_640360/0"]}
    url = f"https://new.qq.com/rain/a/{id_of(number)}"
    listed = {"id": id_of(number), "articletype": "0", "publish_time": f"{published_of(number):%Y-%m-%d %H:%M:%S}"}
    return {**listed, "title": "题" * 30, "pic_info": pictures, "link_info": {"url": url}}


@contextmanager
def listing(articles: int) -> Iterator[str]:
    """The address of a server whose lists name the newest of so many articles."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as server:
        server.articles = articles  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def measure(sizes: Sequence[int], rounds: int) -> dict[str, Cost]:
    """Each command and size in turn, and an empty spider outside of the project."""
    works: dict[str, Callable[[], Cost]] = {}
    with tempfile.TemporaryDirectory() as name, listing(min(sizes)) as url:
        settings = FAST | site_settings(url) | {"QQ_CHANNELS": ",".join(CHANNELS)}
        Path(name, "empty.py").write_text(EMPTY, encoding="ascii")
        line = [sys.executable, "-m", "scrapy", "runspider", "empty.py", "-s", "LOG_LEVEL=WARNING"]
        works["empty"] = partial(run, line, cwd=Path(name))
        for size in sizes:
            fill(folder := Path(name, str(size)), size)
            works[f"crawl {size}"] = partial(run, command("crawl qq", folder, **settings))
            works[f"status {size}"] = partial(run, command("status", folder))
        costs = in_turn(works, rounds)
        for size in sizes:
            counts = json.loads(Path(name, str(size), "status.json").read_text("utf-8"))["last_run"]["counts"]
            assert counts["entry/known"] == len(CHANNELS) * LISTED, counts
            assert not counts.get("request/article"), counts
    return costs


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("articles", type=int, nargs="*", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    costs = measure(options.articles, options.rounds)
    empty = costs["empty"]
    rows = [["none: an empty spider of bare Scrapy", f"{empty.cpu:.2f}", f"{empty.memory:.0f}", "", ""]]
    for size in options.articles:
        each = costs[f"crawl {size}"], costs[f"status {size}"]
        rows.append([f"{size:,}", *(text for it in each for text in (f"{it.cpu:.2f}", f"{it.memory:.0f}"))])
    head = ["known articles", "run: s of CPU time", "peak MB", "status: s of CPU time", "peak MB"]
    print(f"{options.rounds} rounds\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
