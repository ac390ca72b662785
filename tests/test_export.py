"""`scrapy export`: the same rows in each format, read only, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from demo.crawl import command
from newsarchive.archive.archive import Archive
from newsarchive.archive.export import COLUMNS, FORMATS, Record, json_line, records
from newsarchive.archive.ledger import Ledger
from newsarchive.options import Options
from tests.conftest import Crawl, slow
from tests.documented import PAGES, names
from tests.test_status import on_a_terminal

BANK = "20261104A03K7P00"
EDITED = datetime(2026, 11, 5, 1, 2, 3, 456789, UTC)


def edit_ledger(archive: Path, **changes: Any) -> None:
    with Ledger.open(archive / "ledger.sqlite") as ledger:
        row = ledger.get("qq", BANK)
        assert row is not None
        ledger.update(row, **changes)


def exported(crawl: Crawl, archive: Path, *options: str) -> list[dict[str, Any]]:
    result = crawl(archive, *options, name="export")
    said = "" if result.stdout else "scrapy export: no article matches\n"
    assert (result.returncode, result.stderr) == (0, said), result
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_row(crawl: Crawl, crawled: Path) -> None:
    edit_ledger(crawled, edited=EDITED)
    found = {row["id"]: row for row in exported(crawl, crawled)}
    document = (crawled / "content" / "qq" / "2026" / "11" / f"{BANK}.md").read_text("utf-8")
    row = found[BANK]
    assert tuple(row) == COLUMNS
    assert row["url"] == f"https://new.qq.com/rain/a/{BANK}"
    assert row["title"] == "云脊银行在白岬设立首家渔业支行，贷款最快两小时到账"
    assert row["published"] == "2026-11-04T08:12:40+08:00"
    assert (row["publisher"], row["channels"]) == ("沿海财经", ["finance"])
    assert (row["state"], row["revision"], row["language"], row["family"]) == ("archived", 1, "zh-CN", "F5")
    assert (row["edited"], row["removed"]) == ("2026-11-05T01:02:03+00:00", None)
    assert f"\n---\n\n{row['markdown']}\n\n[qq]({row['url']})\n" in document
    assert all(f"]({picture})" in document for picture in row["pictures"])
    assert row["pictures"]
    assert "](" not in row["text"]
    assert "**" not in row["text"]
    assert (crawled / row["path"]).is_file()
    assert len(found) == len(list(crawled.glob("content/*/*/*/*.md")))


def test_formats_agree(crawl: Crawl, crawled: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: `newsarchive[parquet]`")
    edit_ledger(crawled, edited=EDITED)
    for ending in FORMATS:
        result = crawl(crawled, "--to", str(tmp_path / f"a.{ending}"), name="export")
        assert (result.returncode, result.stderr) == (0, ""), result
        assert result.stdout == f"13 articles in {tmp_path / f'a.{ending}'}\n"
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert len(rows) == len(cells) == len(table) == 13
    for row, cell, entry in zip(rows, cells, table, strict=True):
        for name in COLUMNS:
            is_time = isinstance(entry[name], datetime)
            assert (entry[name].isoformat() if is_time else entry[name]) == row[name]
            shown = "\n".join(row[name]) if isinstance(row[name], list) else "" if row[name] is None else str(row[name])
            assert cell[name].removeprefix("'") == shown


def test_some_articles(crawl: Crawl, crawled: Path) -> None:
    every = exported(crawl, crawled)

    def some(*options: str) -> list[str]:
        return [row["id"] for row in exported(crawl, crawled, *options)]

    def days(first: str, last: str) -> list[str]:
        return [row["id"] for row in every if first <= row["published"][:10] <= last]

    assert some("--since", "2026-11-01", "--until", "2026-11-03") == days("2026-11-01", "2026-11-03")
    assert some("--since", "2026-11-04") == days("2026-11-04", "9")
    assert some("--until", "2024-09-02") == days("", "2024-09-02")
    # the edge of a day is the publisher's midnight
    edit_ledger(crawled, published=datetime.fromisoformat("2026-11-04T00:00:00+08:00"))
    assert BANK in some("--since", "2026-11-04", "--until", "2026-11-04")
    assert BANK not in some("--until", "2026-11-03")
    edit_ledger(crawled, published=datetime.fromisoformat("2026-11-04T23:59:59+08:00"))
    assert BANK in some("--since", "2026-11-04", "--until", "2026-11-04")
    assert BANK not in some("--since", "2026-11-05")
    wanted = [row["id"] for row in every if "finance" in row["channels"]]
    assert some("--channel", "finance, nothing") == wanted
    assert 0 < len(wanted) < len(every)
    assert some("--channel", "nothing") == []


def test_a_row_of_an_older_program_is_completed_by_the_document(crawl: Crawl, crawled: Path) -> None:
    edit_ledger(crawled, title="", publisher="", channels=(), site_tags=(), where="channel finance")
    (row,) = (row for row in exported(crawl, crawled) if row["id"] == BANK)
    assert row["title"] == "云脊银行在白岬设立首家渔业支行，贷款最快两小时到账"
    assert (row["publisher"], row["channels"], row["site_tags"]) == ("", ["finance"], [])
    document = crawled / row["path"]
    text = document.read_text("utf-8").replace('"taglist"\n', '"taglist"\nauthor: "沿海财经"\n', 1)
    document.write_text(text, "utf-8", newline="\n")
    (row,) = (row for row in exported(crawl, crawled) if row["id"] == BANK)
    assert row["publisher"] == "沿海财经"


def test_a_removed_article_is_there_with_the_time(crawl: Crawl, crawled: Path) -> None:
    with Ledger.open(crawled / "ledger.sqlite") as ledger:
        row = ledger.get("qq", BANK)
        assert row is not None
        ledger.gone(row, now=EDITED)
    (found,) = (row for row in exported(crawl, crawled) if row["id"] == BANK)
    assert (found["state"], found["removed"]) == ("gone", "2026-11-05T01:02:03+00:00")
    assert found["text"]


def test_what_cannot_be_read_is_named_and_left_out(crawl: Crawl, crawled: Path, tmp_path: Path) -> None:
    file = next(crawled.glob(f"content/*/*/*/{BANK}.md"))
    file.write_bytes(b"\xff")
    other = next(crawled.glob("content/*/2020/*/TWF*.md"))
    other.unlink()
    result = crawl(crawled, "--to", str(tmp_path / "a.jsonl"), name="export")
    assert result.returncode == 1
    assert result.stdout == f"11 articles in {tmp_path / 'a.jsonl'}; 2 documents could not be read\n"
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert {line.partition(".md: ")[0] for line in lines} == {
        f"scrapy export: {path.relative_to(crawled).with_suffix('').as_posix()}" for path in (file, other)
    }
    assert len((tmp_path / "a.jsonl").read_bytes().splitlines()) == 11


def test_while_a_run_holds_the_archive_nothing_is_waited_for_or_written(
    crawl: Crawl, crawled: Path, tree: Callable[[Path], dict[str, bytes]]
) -> None:
    with Archive.open(Options(dir=crawled), purpose="a run") as archive, archive.ledger.transaction():
        before = {name: data for name, data in tree(crawled).items() if not name.endswith("-shm")}
        assert len(exported(crawl, crawled)) == 13
        assert {name: data for name, data in tree(crawled).items() if not name.endswith("-shm")} == before


def test_a_file_is_whole_or_as_it_was(crawl: Crawl, crawled: Path, tmp_path: Path) -> None:
    former = tmp_path / "exports" / "a.csv"
    former.parent.mkdir()
    former.write_text("former")
    with sqlite3.connect(crawled / "ledger.sqlite") as raw:
        raw.execute("UPDATE articles SET first_seen = 'x' WHERE seq = 9")
    result = crawl(crawled, "--to", str(former), name="export")
    assert result.returncode == 1
    assert "scrapy rebuild" in result.stderr
    assert former.read_text() == "former"
    assert list(former.parent.iterdir()) == [former]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "1.11.2026"], "--since 1.11.2026: expected a day like 2026-11-01"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "is after --until 2026-11-01"),
        (["--format", "xml"], "--format xml: expected jsonl, csv, parquet"),
        (["--format", "parquet"], "expected --to FILE too"),
        (
            ["--to", "articles.xlsx"],
            "--to articles.xlsx: expected a name that ends in .jsonl, .csv, .parquet, or --format",
        ),
        (["--to", "."], "--to .: a folder, not a regular file"),
        (["--to", "/dev/null"], "a device, not a regular file"),
        (["an-id"], "expected no argument"),
    ],
)
def test_wrong_usage(options: list[str], said: str, crawl: Crawl, crawled: Path) -> None:
    result = crawl(crawled, *options, name="export")
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_an_archive_or_a_ledger(crawl: Crawl, crawled: Path) -> None:
    assert crawl(crawled / "none", name="export").returncode == 2
    (crawled / "ledger.sqlite").unlink()
    result = crawl(crawled, name="export")
    assert result.returncode == 1
    assert "`scrapy rebuild`" in result.stderr


def test_a_terminal_shows_how_far_it_is(crawled: Path, tmp_path: Path) -> None:
    code, shown, stdout = on_a_terminal(command("export", crawled, "--to", str(tmp_path / "a.csv")))
    assert code == 0, shown
    assert re.search(r"articles: .*/13 ", shown), shown
    assert stdout == f"13 articles in {tmp_path / 'a.csv'}\n"


# formats


def some_records(number: int) -> Iterator[Record]:
    for nth in range(number):
        record = dict.fromkeys(COLUMNS, "")
        times = dict.fromkeys(("published", "first_seen", "archived", "last_checked"), EDITED.replace(microsecond=0))
        nothing = dict.fromkeys(("edited", "removed"))
        lists = {name: ["a", "b"] for name in ("channels", "site_tags", "pictures")}
        yield {**record, **times, **nothing, **lists, "id": str(nth), "text": f"{nth:05}" * 2000, "revision": 1}


def write(name: str, found: Iterator[Record], file: BinaryIO) -> None:
    FORMATS[name].write(map(FORMATS[name].shape, found), file)


def written(rows: list[Record]) -> str:
    file = io.BytesIO()
    write("csv", iter(rows), file)
    return file.getvalue().decode()


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(title: str) -> None:
    (record,) = some_records(1)
    text = written([{**record, "title": title, "channels": [title]}])
    assert text.startswith("\ufeffid,")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert row["title"] == row["channels"] == f"'{title}"
    assert row["pictures"] == "a\nb"


class Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


@pytest.mark.parametrize("name", ["jsonl", slow("csv")])
def test_memory_does_not_grow_with_the_archive(name: str) -> None:
    peaks = []
    for number in (200, 4_000):
        file: BinaryIO = io.BufferedWriter(Nowhere())
        tracemalloc.start()
        write(name, some_records(number), file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


@pytest.mark.slow
def test_memory_of_parquet_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: `newsarchive[parquet]`")
    peaks = []
    for number in (2_000, 10_000):
        with (tmp_path / "a.parquet").open("wb") as file:
            write("parquet", some_records(number), file)
        peaks.append(pyarrow.default_memory_pool().max_memory())
    assert peaks[1] < 1.5 * peaks[0]


def test_rows_are_read_as_they_are_written(crawled: Path) -> None:
    taken = 0

    def rows() -> Iterator[Any]:
        nonlocal taken
        with Ledger.open(crawled / "ledger.sqlite", read_only=True) as ledger:
            row = ledger.get("qq", BANK)
            assert row is not None
            for taken in range(1, 100_000):
                yield replace(row, first_seen=row.first_seen + timedelta(seconds=taken))

    found = records(crawled, rows(), json_line, pytest.fail)
    next(found)
    assert taken < 10_000
    found.close()


# the docs


def test_every_column_is_documented() -> None:
    assert names(PAGES["export.md"], "How do I get the articles into another program?") >= set(COLUMNS)


def test_the_examples_of_the_docs(
    crawl: Crawl, crawled: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reason = "pandas, pyarrow or duckdb is not installed: the extra `dev` has them"
    for package in ("pandas", "pyarrow"):
        pytest.importorskip(package, reason=reason)
    duckdb = pytest.importorskip("duckdb", reason=reason)
    monkeypatch.chdir(crawled)
    for ending in FORMATS:
        assert crawl(crawled, "--to", str(crawled / f"articles.{ending}"), name="export").returncode == 0
    first, second = re.findall(r"^```python\n(.*?)^```", PAGES["export.md"], re.MULTILINE | re.DOTALL)
    exec(first, {})
    shown = capfd.readouterr().out
    assert re.search(r"2026-11-04 +2 ", shown), shown
    exec(second, {})
    shown = capfd.readouterr().out
    assert re.search(r"finance +│ +\d", shown), shown
    for ending in FORMATS:
        (count,) = duckdb.sql(f"SELECT count(*) FROM 'articles.{ending}' WHERE publisher = '沿海财经'").fetchall()
        assert count == (1,)
