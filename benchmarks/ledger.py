"""Measures the seconds and megabytes that 100,000 known articles add to a run that finds nothing new.

    python -m benchmarks.ledger [articles]

Makes two archives in a temporary folder, an empty one and one with files and rows for that many articles, and does
with each what a run does: open (lock, sweep, ledger), find due articles, look up the entries of 24 lists, end the run.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from newsarchive.archive.archive import Archive
from newsarchive.archive.files import content_path
from newsarchive.archive.ledger import Row, RunRow, State
from newsarchive.options import Options

BEIJING = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LISTED = 480


def article_id(n: int) -> str:
    return f"20250101A{n:05X}00"


def fill(folder: Path, articles: int) -> None:
    with (
        Archive.open(Options(dir=folder), purpose="benchmark", now=lambda: NOW) as archive,
        archive.ledger.transaction(),
    ):
        for n in range(articles):
            published = NOW.astimezone(BEIJING) - timedelta(minutes=7 * n)
            path = content_path("qq", published, article_id(n))
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
            archive.ledger.put(
                Row(
                    source="qq",
                    article_id=article_id(n),
                    url=f"https://new.qq.com/rain/a/{article_id(n)}",
                    where="channel finance",
                    first_seen=NOW,
                    thumbnail="https://inews.gtimg.com/om_ls/O" + "x" * 50 + "_640360/0",
                    entry='{"title": "' + "题" * 30 + '", "url": "https://new.qq.com/rain/a/…"}',
                    state=State.ARCHIVED,
                    published=published,
                    archived_at=NOW,
                    last_checked=NOW,
                    next_check=NOW + timedelta(days=1) if n < 500 else None,
                    content_hash="0" * 64,
                    file_hash="0" * 64,
                    revision=1,
                    family="F5",
                    path=str(path),
                    warc_file="qq-20261101T120000Z-1.warc.gz",
                    warc_offset=n,
                )
            )


def run(folder: Path, listed: int) -> None:
    """Do what a run does with the ledger; prints the seconds and the peak memory in MB."""
    started = time.perf_counter()
    with Archive.open(Options(dir=folder), purpose="benchmark", now=lambda: NOW) as archive:
        ledger = archive.ledger
        run = ledger.add_run(RunRow(started=NOW, pid=1, arguments="benchmark"))
        assert not list(ledger.due("qq", NOW, 8))
        assert not list(ledger.rechecks("qq", NOW))
        for n in range(listed):
            _, new = ledger.found(Row(source="qq", article_id=article_id(n), url="", first_seen=NOW))
            assert not new
        ledger.newest(NOW)
        ledger.counts_by_state()
        ledger.exhausted(8)
        ledger.last_runs(100)
        ledger.end_run(run)
    seconds = time.perf_counter() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(folder: Path, listed: int) -> tuple[float, float]:
    """The best of five processes."""
    line = [sys.executable, "-m", "benchmarks.ledger", "run", str(folder), str(listed)]
    found = [subprocess.run(line, check=True, capture_output=True, text=True).stdout.split() for _ in range(5)]
    return min(float(seconds) for seconds, _ in found), min(float(megabytes) for _, megabytes in found)


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        run(Path(sys.argv[2]), int(sys.argv[3]))
        return
    articles = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as temporary:
        empty, full = Path(temporary, "empty"), Path(temporary, "full")
        fill(empty, 0)
        fill(full, articles)
        before, after = measure(empty, 0), measure(full, min(LISTED, articles))
        size = (full / "ledger.sqlite").stat().st_size / 1e6
    print(f"{articles} known articles, ledger of {size:.0f} MB")
    print(f"  seconds    {before[0]:.3f} → {after[0]:.3f}  (+{after[0] - before[0]:.3f})")
    print(f"  megabytes  {before[1]:.1f} → {after[1]:.1f}  (+{after[1] - before[1]:.1f})")


if __name__ == "__main__":
    main()
