"""Measures the time of `scrapy verify` and `scrapy reextract --dry-run` on a made-up archive.

    python benchmarks/verify.py FOLDER [--articles 100000] [--page-bytes 270000]

The archive is made if the folder does not exist. Its pages are F5 pages, padded with style sheets to their size
and read by the project's own parser; every fifth article has a picture.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from newsarchive import read_article, render
from newsarchive.archive.files import content_path
from newsarchive.archive.ledger import Ledger, PictureRow
from newsarchive.archive.warc import WarcFile
from newsarchive.items import Page

_PER_FILE = 2000  # pages per WARC file
_WORDS = "雨停以后河面涨了半尺渡口的船都系在柳树下等天亮再走镇上的人先去看田里的水"
_START = datetime(2026, 1, 1, tzinfo=UTC)


def page(number: int, size: int) -> Page:
    chance = random.Random(number)
    day = _START + timedelta(minutes=5 * number)
    article_id = f"{day:%Y%m%d}A{number % 36**5:05d}00"[:16]
    words = ["".join(chance.choices(_WORDS, k=120)) + "。" for _ in range(8)]
    text = '<div class="rich_media_content">' + "".join(f"<p>{it}</p>" for it in words) + "</div>"
    data = {
        "cms_id": article_id, "title": f"第{number}号渡口的早晨", "pubtime": f"{day:%Y-%m-%d %H:%M:%S}",
        "article_type": "0", "originContent": {"version": "v2", "text": text}, "originAttribute": {},
    }  # fmt: skip
    rules, written = [], 0
    while written < size - 8000:
        rule = f".c{chance.randrange(10**6)}{{margin:{chance.randrange(99)}px;color:#{chance.randrange(16**6):06x}}}\n"
        rules.append(rule)
        written += len(rule)
    html = (
        f"<!DOCTYPE html><html><head><title>{data['title']}</title><style>{''.join(rules)}</style></head><body>"
        f"<script>window.DATA = {json.dumps(data, ensure_ascii=True)};</script>"
        f'<div id="article-content">{text}</div></body></html>'
    )
    return Page(
        source="qq", article_id=article_id, url=f"https://new.qq.com/rain/a/{article_id}", html=html.encode(),
        fetched=day, headers=(("Content-Type", "text/html; charset=utf-8"),), entry='{"title": "x"}',
    )  # fmt: skip


def make_part(folder: Path, first: int, last: int, size: int) -> list[tuple[Page, str, int]]:
    """One WARC file and its documents; returns what to record in the ledger, without the pages' bytes."""
    file = WarcFile(folder / "pages" / f"qq-{first:07d}.warc.gz", "benchmark")
    known = []
    for number in range(first, last):
        one = page(number, size)
        offset = file.add(one)
        path = folder / content_path("qq", one.fetched, one.article_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(read_article(one.html, url=one.url)), encoding="utf-8")
        one.html = b""
        known.append((one, file.path.name, offset))
    file.close()
    return known


def make(folder: Path, articles: int, size: int) -> None:
    """The archive, written with as little syncing as possible; the time to make it is not part of the benchmark."""
    folder.mkdir(parents=True)
    firsts = range(0, articles, _PER_FILE)
    lasts = [min(first + _PER_FILE, articles) for first in firsts]
    with ProcessPoolExecutor() as pool, Ledger.open(folder / "ledger.sqlite") as ledger:
        parts = pool.map(make_part, [folder] * len(firsts), firsts, lasts, [size] * len(firsts))
        for part in parts:
            with ledger.transaction():
                for one, name, offset in part:
                    record(folder, ledger, one, name, offset)


def record(folder: Path, ledger: Ledger, one: Page, name: str, offset: int) -> None:
    path = content_path("qq", one.fetched, one.article_id)
    document = (folder / path).read_text(encoding="utf-8")
    digest = sha256(document.encode()).hexdigest()
    article = read_article(page(int(document.split("第")[1].split("号")[0]), 9000).html, url=one.url)
    row = ledger.archived(
        None, article, path=str(path), content_hash=digest, file_hash=digest, revision=1, next_check=None,
        now=one.fetched,
    )  # fmt: skip
    ledger.update(row, warc_file=name, warc_offset=offset)
    if int(digest[0], 16) < 3:
        data = b"\x89PNG\r\n\x1a\n" + random.Random(digest).randbytes(60_000)
        at = f"pictures/{path.parent.relative_to('content')}/{one.article_id}/01-{sha256(data).hexdigest()[:16]}.png"
        (folder / at).parent.mkdir(parents=True, exist_ok=True)
        (folder / at).write_bytes(data)
        url = f"https://inews.gtimg.com/om_bt/{one.article_id}/641"
        picture = PictureRow(source="qq", article_id=one.article_id, url=url, path=at, hash=sha256(data).hexdigest())
        ledger.put(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--page-bytes", type=int, default=270_000)
    options = parser.parse_args()
    if not options.folder.exists():
        started = time.perf_counter()
        make(options.folder, options.articles, options.page_bytes)
        print(f"made in {time.perf_counter() - started:.0f} s")
    for command in (["verify"], ["reextract", "--dry-run"]):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", *command, "-s", f"ARCHIVE_DIR={options.folder.absolute()}"],
            cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        print(f"$ scrapy {' '.join(command)}  # exit code {done.returncode}, {time.perf_counter() - started:.1f} s")
        print(f"{done.stdout[-600:]}{done.stderr[-600:]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"peak memory of the largest process: {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
