"""Measures the time and memory of `make site`, as a table for docs/hugo.md.

    python -m benchmarks.hugo_build [ARTICLES …]

Time and memory are those of the child process, from the operating system.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from newsarchive import Article, render
from newsarchive.archive.files import content_path
from newsarchive.markdown.document import summarize

PROJECT = Path(__file__).parent.parent
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


def measure(articles: int) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as name:
        archive, public = Path(name) / "archive", Path(name) / "public"
        chance = random.Random(articles)
        for number in range(articles):
            each = article(number, chance)
            path = archive / content_path("qq", each.published, each.article_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(each), encoding="utf-8")
        programs = Path(sys.executable).parent
        line = [
            "make",
            "--no-print-directory",
            "-o",
            ".venv",
            "site",
            f"ARCHIVE={archive}",
            f"PUBLIC={public}",
            f"BIN={programs}",
        ]
        started = time.monotonic()
        with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        clock = time.monotonic() - started
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, line)
        busy = used.ru_utime + used.ru_stime
        memory, size, search = used.ru_maxrss / 1024**2, folder_size(public), folder_size(public / "search")
    time_and_memory = f"{clock:.0f} s ({busy:.0f} s of CPU time) | {memory:.1f} GB"
    return f"| {articles:,} | {time_and_memory} | {size:.0f} MB | {search:.0f} MB |"


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ["1000", "10000"]):
        print(measure(number), flush=True)
