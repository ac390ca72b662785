"""The counts of a run, and sums of them. Pure.

Counts are the run's stats without their `archive/`, and what `Run` adds: `kind` (lists, urls, replay, …: only runs
of one kind are compared), `complete` (1 unless the run was stopped), `filtered` (1 when only some
days were wanted), `length/median`, `newest/hours` and
`newest/usual` (age of the newest article) and `key/<name>` (pages that had this unknown key in their data).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Counts = Mapping[str, int | float | str]

FEW_PAGES = 3  # so few are enough when not one of them could be read
NEW = ("article/new", "article/revised")
READ = (*NEW, "article/unchanged", "article/restored")
PAGES = (*READ, "article/quarantined")


def is_whole(counts: Counts) -> bool:
    """Whether the run came to its end and wanted articles of all days."""
    return bool(integer(counts, "complete")) and not integer(counts, "filtered")


def good_pages(counts: Counts) -> int:
    """Pages that were whole articles."""
    return int(total([counts], READ))


def bad_pages(counts: Counts) -> int:
    """Pages that were none."""
    return integer(counts, "article/quarantined")


def list_entries(counts: Counts) -> int:
    """Entries of lists, of any kind, known ones too."""
    return sum(integer(counts, key) for key in counts if key.startswith("entry/"))


def total(runs: Iterable[Counts], keys: Iterable[str]) -> float:
    """The sum of these counts over these runs."""
    keys = tuple(keys)
    return sum(number(counts, key) for counts in runs for key in keys)


def integer(counts: Counts, key: str) -> int:
    return int(counts.get(key, 0))


def number(counts: Counts, key: str) -> float:
    return float(counts.get(key, 0))
