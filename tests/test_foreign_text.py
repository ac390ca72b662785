"""Text from the network acts nowhere: not in a log, on a terminal, in `status.json` or in the ledger."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from newsarchive.extensions import make_safe
from newsarchive.messages import printable, printable_lines
from tests.conftest import Crawl, DemoSite
from tests.test_pages_refused import page

# moves the cursor, sets a terminal's title, rings, turns the direction of writing, ends a line, begins a forged one
ATTACK = "甲\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u2028\x85\r\n2026-11-03 00:00:00 ERROR forged\x00\x7f"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("快讯：“白岬”—— 12% 🎉👩\u200d🚀", "快讯：“白岬”—— 12% 🎉👩\u200d🚀"),
        ("甲\r\n乙\t丙\u2028丁", "甲  乙 丙 丁"),
        ("\x1b[31m\x9b\u202e\ud800", "\\x1b[31m\\x9b\\u202e\\ud800"),
        ("", ""),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_several_lines_stay_so_and_each_is_printable() -> None:
    assert printable_lines("甲\n\x1b[0m乙\n") == "甲\n\\x1b[0m乙\n"


def test_printable_text_has_an_end() -> None:
    assert printable("字" * 15_000_000) == "字" * 1000 + "… (15,000,000 characters)"
    assert len(printable("\x1b" * 15_000_000)) < 5000


def record(message: str, *args: object, error: BaseException | None = None, name: str = "x", level: int = 40) -> str:
    made = logging.LogRecord(name, level, "", 1, message, args, (type(error), error, None) if error else None)
    assert make_safe(made)
    return logging.Formatter("%(levelname)s %(message)s").format(made)


def test_a_log_line_is_one_line() -> None:
    line = record("%s: not read: %s", "channel fx", ATTACK)
    assert not ACTS.search(line)
    assert line.startswith("ERROR channel fx: not read: 甲\\x1b[2J")
    assert len(line.splitlines()) == 1
    assert len(record("%s", "x" * 15_000_000)) < 1100


def test_a_traceback_has_no_line_that_looks_like_one_of_the_log() -> None:
    text = record("internal error", error=ValueError(ATTACK + "\n" * 1000 + ATTACK))
    first, *others = text.split("\n")
    assert first == "ERROR internal error"
    assert all(line.startswith("    ") and not ACTS.search(line) for line in others)
    assert len(others) <= 201
    assert len(record("internal error", error=ValueError("x\n" * 5_000_000))) < 250_000


def test_scrapys_own_lists_keep_their_lines() -> None:
    text = record(
        "Dumping Scrapy stats:\n%(stats)s", {"stats": "{'a': 1,\n 'b': 2}"}, name="scrapy.statscollectors", level=20
    )
    assert text == "INFO Dumping Scrapy stats:\n    {'a': 1,\n     'b': 2}"


def everywhere(archive: Path, *outputs: str) -> list[str]:
    """All that a run shows and keeps, but evidence: lines of its outputs, of `status.json` and texts of the ledger."""
    lines = [line for text in [*outputs, (archive / "status.json").read_text("utf-8")] for line in text.split("\n")]
    with sqlite3.connect(archive / "ledger.sqlite") as ledger:
        for (table,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = ledger.execute(f"SELECT * FROM {table}").fetchall()
            lines += [value for row in rows for value in row if isinstance(value, str)]
    return lines


@pytest.mark.parametrize("attack", [ATTACK, "字" * 3_000_000], ids=["acts", "endless"])
def test_a_hostile_site_reaches_nobody(crawl: Crawl, demo_site: DemoSite, tmp_path: Path, attack: str) -> None:
    demo_site.site.faults.add("/web_feed/getPCList/*", "busy", times=20, value=attack)
    busy = crawl(tmp_path, site=demo_site, RETRY_TIMES=0, LOG_LEVEL="INFO")
    demo_site.site.faults.clear()
    location = "https://example.com/" + "".join(c for c in attack[:200] if c not in "\r\n" and ord(c) < 256)
    demo_site.site.faults.add("/rain/a/*", "redirect", value=location)
    moved = crawl(tmp_path, site=demo_site, LOG_LEVEL="DEBUG", ARCHIVE_RETRY_MINUTES=0)
    folder = tmp_path / "saved"
    folder.mkdir()
    changes: dict[str, Any] = {"originContent": {"text": "", "version": "v2"}, f"new{attack}": 1}
    unread = page(title=attack, **changes)
    (folder / "page.html").write_text(unread, encoding="utf-8", errors="surrogatepass")
    (folder / "unknown.html").write_text(f"<title>{attack}</title><body></body>", encoding="utf-8")
    saved = crawl(tmp_path, "-a", f"replay={folder}")
    status = crawl(tmp_path, name="status")
    runs = (busy, moved, saved, status)
    assert all(run.returncode in (0, 3, 4) for run in runs)
    lines = everywhere(tmp_path, *(text for run in runs for text in (run.stdout, run.stderr)))
    assert [line for line in lines if ACTS.search(line)] == []
    assert [line for line in lines if re.match(r"\s*2026-11-03 00:00:00 ERROR", line)] == []
    assert max(map(len, lines)) < 12_000
    assert any("not read" in line or "busy" in line for line in busy.stderr.splitlines())
    assert json.loads((tmp_path / "status.json").read_bytes())["last_run"]["exit_code"] in (0, 4)
    assert sys.getsizeof("".join(lines)) < 2_000_000
