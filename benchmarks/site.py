"""Measures the time and memory of `make site`.

    python -m benchmarks.site [ARTICLES …]     # 1000 10000

Time and memory are those of the child process, from the operating system.
"""

from __future__ import annotations

import random
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.measure import run, table
from newsarchive import Article, render
from newsarchive.archive.files import content_path
from newsarchive.markdown.document import summarize

NEWEST = datetime(2026, 11, 20, 8, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
CHARACTERS = "港口渡轮清晨图书馆高铁菜市场天气苹果灯塔自行车电网湖面校园博物馆面包社区医院潮汐"


def article(number: int, chance: random.Random) -> Article:
    published = NEWEST - timedelta(minutes=37 * number)
    article_id = f"{published:%Y%m%d}A{number:05d}00"
    sentences = ["".join(chance.choices(CHARACTERS, k=43)) + "。" for _ in range(30)]
    text = "".join(sentences)
    return Article(
        source="qq",
        article_id=article_id,
        url=f"https://new.qq.com/rain/a/{article_id}",
        title="".join(chance.choices(CHARACTERS, k=15)),
        published=published,
        summary=summarize(text),
        thumbnail=f"https://inews.gtimg.com/om_ls/O{number}_640360/0",
        body="\n\n".join("".join(sentences[start : start + 3]) for start in range(0, 30, 3)),
    )


def folder_size(folder: Path) -> float:
    """In MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(articles: int) -> list[str]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as name:
        archive, public = Path(name) / "archive", Path(name) / "public"
        chance = random.Random(articles)
        for number in range(articles):
            each = article(number, chance)
            path = archive / content_path("qq", each.published, each.article_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(each), encoding="utf-8")
        targets = [f"ARCHIVE={archive}", f"PUBLIC={public}", f"BIN={Path(sys.executable).parent}"]
        cost = run(["make", "--no-print-directory", "-o", ".venv", "site", *targets])
        size, search = folder_size(public), folder_size(public / "search")
    time = [f"{cost.clock:.0f} s", f"{cost.cpu:.0f} s"]
    return [f"{articles:,}", *time, f"{cost.memory / 1024:.1f} GB", f"{size:.0f} MB", f"{search:.0f} MB"]


if __name__ == "__main__":
    rows = [measure(int(number)) for number in sys.argv[1:] or ["1000", "10000"]]
    print(table(["articles", "time", "CPU time", "memory", "site", "of it for search"], rows))
