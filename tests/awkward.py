"""An archive of articles that a site easily shows wrongly, and `make site` to show them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from newsarchive import Article, render
from newsarchive.archive.files import content_path
from newsarchive.items import Picture

PROJECT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
BEIJING = ZoneInfo("Asia/Shanghai")
LATEST = datetime(2026, 11, 5, 2, 30, tzinfo=BEIJING)  # so that some of them are of the day before
REMOTE = "https://inews.gtimg.com/om_bt/O{}/641"


def make_site(archive: Path, public: Path, flags: str = "--panicOnWarning --printPathWarnings") -> str:
    """Builds as a user does; any warning ends the build."""
    words = [
        "site",
        f"ARCHIVE={archive}",
        f"PUBLIC={public}",
        f"BIN={PROGRAMS}",
        f"HUGO_FLAGS={flags}",
    ]
    made = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = made.stdout + made.stderr
    assert made.returncode == 0, said
    assert "WARN" not in said
    assert f"The site of {archive} is in {public}/; make serve ARCHIVE={archive} shows it." in said
    return said


def article(number: int, **fields: object) -> Article:
    """An article an hour older than the one before it."""
    published = LATEST - timedelta(hours=number)
    article_id = f"{published:%Y%m%d}A{number:05d}00"
    usual = {
        "url": f"https://new.qq.com/rain/a/{article_id}",
        "title": f"第{number}号渡轮按时靠岸",
        "summary": f"第{number}号渡轮今天清晨按时靠岸，码头上有人卖热豆浆。",
        "thumbnail": REMOTE.format(number),
        "body": "码头上有人卖热豆浆。",
    }
    return Article(source="qq", article_id=article_id, published=published, **{**usual, **fields})  # type: ignore[arg-type]


PLAIN, BARE, LONG, GALLERY, MARKUP, LEFT, ALONE = range(7)
AWKWARD = [
    article(PLAIN),
    article(BARE, thumbnail="", summary=""),
    article(LONG, title="很长的标题" * 1200),
    article(
        GALLERY,
        summary="",
        body="\n\n".join(f"![图片]({REMOTE.format(n)})" for n in range(60)),
        pictures=[Picture(url=REMOTE.format(n)) for n in range(60)],
    ),
    article(
        MARKUP,
        title="<b>A&B</b> {{< x >}} 'q' \"q\"",
        summary="*星* & <i>号</i> 600亿~650亿",
        body=r"1 < 2 &amp; 3，\*不是\*强调，380亿~400亿，~~删~~。",
    ),
    article(LEFT),
    article(ALONE),
    *[article(number) for number in range(7, 35)],
]


def write(archive: Path, each: Article, **changed: str) -> Path:
    text = render(each)
    for old, new in changed.items():
        assert FRONT[old] in text
        text = text.replace(FRONT[old], new)
    path = archive / content_path("qq", each.published, each.article_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


FRONT = {
    "sidebar": 'sidebar: "right"\n',
    "widgets": 'widgets:\n  - "search"\n  - "recent"\n  - "taglist"\n',
    "pager": "pager: true\n",
}


def path_of(each: Article) -> str:
    return f"/qq/{each.published:%Y/%m}/{each.article_id}/"
