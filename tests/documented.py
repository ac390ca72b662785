"""What README and docs document: the words in the first column of their tables.

Every crawl of the tests is checked against them (`Crawl` in `conftest.py`), so a stat or an alarm that is new and not
documented fails whichever test first sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from demo.crawl import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "docs").glob("*.md"))}
EVERYTHING = "\n".join([README, *PAGES.values()])


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its first two lines."""
    section = re.split(r"^#+ ", page.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names(page: str, heading: str) -> set[str]:
    """The words in back-ticks in the first column of that table."""
    return {name for row in table(page, heading) for name in re.findall(r"`([^`]+)`", row[0])}


@cache
def counts() -> frozenset[str]:
    """The names below `last_run.counts` in `status.json`; `…` is for what differs."""
    run = PAGES["reading-a-run.md"]
    stats = {name.removeprefix("archive/") for name in names(run, "Stats")}
    # the row of `entry/video` names more of its kind in its second column
    kinds = {f"entry/{kind}" for kind in ("header", "question", "tag", "other")}
    return frozenset(stats | kinds | names(run, "More in `status.json`"))


@cache
def alarms() -> frozenset[str]:
    """The names of alarms; `…` is for what differs."""
    return frozenset(names(PAGES["site-changed.md"], "1. See what changed") - {"-a sitemap=1 -a since=…"})


def undocumented(found: Iterable[str], documented: Iterable[str]) -> list[str]:
    patterns = [re.escape(name).replace("…", ".+") for name in documented]
    return [name for name in found if not any(re.fullmatch(pattern, name) for pattern in patterns)]


def check_status(status: dict[str, Any]) -> None:
    """Every count and every alarm of the run is documented."""
    run = status.get("last_run") or {}
    assert not undocumented(run.get("counts", {}), counts()), "docs/reading-a-run.md does not explain it"
    assert not undocumented([alarm["name"] for alarm in run.get("alarms", [])], alarms()), "see docs/site-changed.md"
