"""What the site has edited and removed: how versions of an article differ, where they are, `changes.json` for sites."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from rapidfuzz.distance import LCSseq

from newsarchive.archive.documents import document_body, document_text, front_matter
from newsarchive.archive.files import CHANGES, REVISIONS, read_file, write_text
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.pictures import picture_digits, picture_links
from newsarchive.archive.tables import ChangeKind, ChangeRow, Row, State

Parts = list[tuple[str, str]]
"""Text that is the same in two versions (`=`), only in the new one (`+`) or only in the old one (`-`), in its order."""

_PICTURE = re.compile(r"^!\[[^\n]*\]\([^\n]*\)$\n*", re.MULTILINE)
# Chinese has no spaces between words, so each character is one; of Latin letters and digits a whole word is
_WORD = re.compile(r"[^\W\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|\s+|.", re.DOTALL)
_MOST = 100_000_000  # words of one version, times those of the other, that are compared; above, all counts as replaced
_LONGEST_LINK = 3  # characters between two changes that are too few to be read as unchanged text
_AROUND = 15  # characters before and after a change that a short difference shows
_LONGEST = 600  # characters of a short difference


@dataclass(frozen=True)
class Difference:
    """How two versions of a document differ."""

    changed: tuple[str, ...]
    """Of `title`, `text`, `pictures` and `time`."""
    parts: Parts
    """Title and text, as Markdown without pictures; the title is the first line."""

    def count(self, sign: str) -> int:
        """How many characters are new (`+`) or gone (`-`)."""
        return sum(len(text) for given, text in self.parts if given == sign)


def difference(old: str, new: str) -> Difference:
    """Compares two documents. Fields that cannot be read count as empty."""
    one, other = _fields(old), _fields(new)
    titles = str(one.get("title", "")), str(other.get("title", ""))
    texts = _text(old), _text(new)
    pictures = [[picture_digits(link) or link for link in picture_links(it)[1:]] for it in (old, new)]
    found = {
        "title": titles[0] != titles[1],
        "text": texts[0] != texts[1],
        "pictures": pictures[0] != pictures[1],
        "time": one.get("date") != other.get("date"),
    }
    parts = compare(f"{titles[0]}\n\n{texts[0]}", f"{titles[1]}\n\n{texts[1]}")
    return Difference(tuple(name for name, is_other in found.items() if is_other), parts)


def compare(old: str, new: str) -> Parts:
    """Two texts word by word, Chinese character by character.

    >>> compare("股价上涨 5%，收于高位。", "股价上涨 15%，收于低位。")
    [('=', '股价上涨 '), ('-', '5'), ('+', '15'), ('=', '%，收于'), ('-', '高'), ('+', '低'), ('=', '位。')]
    """
    parts: Parts = []
    for sign, lines, others in _aligned(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if sign == "=":
            parts.append(("=", "".join(lines)))
        else:
            words = _WORD.findall("".join(lines)), _WORD.findall("".join(others))
            for each, olds, news in _aligned(*words):
                parts += [("=", "".join(olds))] if each == "=" else [("-", "".join(olds)), ("+", "".join(news))]
    return _readable(parts)


def _aligned(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Stretches that are the same (`=`) or not (`!`), in turn."""
    same: list[Any] = []
    if len(old) * len(new) <= _MOST:
        same = [it for it in LCSseq.opcodes(old, new) if it.tag == "equal"]
    at, other = 0, 0
    for it in same:
        if (at, other) != (it.src_start, it.dest_start):
            yield "!", old[at : it.src_start], new[other : it.dest_start]
        at, other = it.src_end, it.dest_end
        yield "=", old[it.src_start : at], new[it.dest_start : other]
    if at < len(old) or other < len(new):
        yield "!", old[at:], new[other:]


def _readable(parts: Parts) -> Parts:
    """Each stretch in one part, gone before new, and none of the same text that is too short between two changes."""
    stretches = [list(stretch) for _, stretch in groupby(parts, _is_same)]
    changed: Parts = []
    for nth, stretch in enumerate(stretches):
        text = "".join(text for _, text in stretch)
        is_between = 0 < nth < len(stretches) - 1
        if _is_same(stretch[0]) and is_between and len(text) < _LONGEST_LINK and "\n" not in text:
            changed += [("-", text), ("+", text)]
        else:
            changed += stretch
    found: Parts = []
    for is_same, group in groupby(changed, _is_same):
        stretch = list(group)
        for sign in "=" if is_same else "-+":
            if text := "".join(text for given, text in stretch if given == sign):
                found.append((sign, text))
    return found


def _is_same(part: tuple[str, str]) -> bool:
    return part[0] == "="


def shortened(parts: Parts, longest: float = _LONGEST) -> Parts:
    """The changes with a little of the text around them, at most so many characters, and `…` for what is left out."""
    found: Parts = []
    left = longest
    for nth, (sign, text) in enumerate(parts):
        shown, before, after = text, nth > 0, nth < len(parts) - 1
        if sign == "=" and len(text) > (before + after) * _AROUND + 1:
            shown = f"{text[: _AROUND * before]}…{text[len(text) - _AROUND * after :]}"
        if len(shown) > left:
            return [*found, (sign, f"{shown[: int(left)]}…")]
        found.append((sign, shown))
        left -= len(shown)
    return found


def versions(folder: Path, row: Row) -> list[tuple[str, datetime]]:
    """The files of an article's versions, the oldest first, each with the time (UTC) when it was archived."""
    found, place = [], Path(REVISIONS, row.source, row.article_id)
    files = (folder / place).iterdir() if (folder / place).is_dir() else ()
    for file in sorted(file for file in files if file.suffix == ".md"):
        with suppress(ValueError):  # some other file
            time = datetime.strptime(file.name.partition("Z")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            found.append((str(place / file.name), time))
    return [*found, (row.path, row.archived_at or row.first_seen)]


def known_changes(folder: Path, row: Row) -> Iterator[ChangeRow]:
    """What the files of an article say about its changes, for a rebuilt ledger."""
    files, documents = versions(folder, row), list[str]()
    if len(files) > 1 or not row.title:
        documents = [document_text(folder / path) for path, _ in files]
    titles = [str(_fields(document).get("title", "")) for document in documents] or [row.title]
    new = ChangeRow(
        source=row.source, article_id=row.article_id, kind=ChangeKind.NEW, time=files[0][1], title=titles[0],
        path=row.path,
    )  # fmt: skip
    yield new
    for nth in range(1, len(files)):
        change = replace(new, kind=ChangeKind.EDITED, time=files[nth][1], title=titles[nth], previous=files[nth - 1][0])
        yield edit(change, documents[nth - 1], documents[nth])
    if row.state is State.GONE and row.gone_at:
        yield replace(new, kind=ChangeKind.REMOVED, time=row.gone_at, title=titles[-1])


def edit(change: ChangeRow, old: str, new: str) -> ChangeRow:
    """The row with how an edit has made `new` of `old`, which is `""` for a version that is lost."""
    if not old:
        return change
    found = difference(old, new)
    return replace(
        change, changed=found.changed, added=found.count("+"), removed=found.count("-"),
        difference=tuple(shortened(found.parts)),
    )  # fmt: skip


def write_changes(folder: Path, ledger: Ledger, *, now: datetime, days: int) -> None:
    """Writes `changes.json`: the edits, removals and returns of the last `days` or, for 0, all. Raises `OSError`.

    At most once a day unless there are new ones: what is in it would be the same.
    """
    kinds = (ChangeKind.EDITED, ChangeKind.REMOVED, ChangeKind.BACK)
    newest = next(ledger.changes(kinds=kinds), None)
    known_days, written = _written(folder / CHANGES)
    is_of_today = now - timedelta(days=1) < written <= now
    is_complete = newest is None or newest.time <= written
    if known_days == days and is_of_today and is_complete:
        return
    since = now - timedelta(days=days) if days else None
    rows = [_for_sites(folder, ledger, change) for change in ledger.changes(since=since, kinds=kinds)]
    head = json.dumps({"days": days, "time": now.isoformat()})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    write_text(folder / CHANGES, f'{head[:-1]}, "changes": [\n{lines}\n]}}\n')


def _written(file: Path) -> tuple[int, datetime]:
    """For how many days the file has changes, and when it was written; a time long ago when it cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        head = json.loads(read_file(file).partition(b"\n")[0] + b"]}")
        return head["days"], datetime.fromisoformat(head["time"])
    return -1, datetime.min.replace(tzinfo=UTC)


def _for_sites(folder: Path, ledger: Ledger, change: ChangeRow) -> dict[str, Any]:
    row = ledger.get(change.source, change.article_id)
    return {
        "id": change.article_id,
        "source": change.source,
        "kind": change.kind,
        "time": change.time.isoformat(timespec="seconds"),
        "title": change.title or title_of(folder, change.path),
        "path": change.path,
        "previous": change.previous,
        "changed": change.changed,
        "added": change.added,
        "removed": change.removed,
        "difference": change.difference,
        "versions": [
            {"path": path, "time": time.isoformat(timespec="seconds")}
            for path, time in (versions(folder, row) if row else ())
        ],
    }


def title_of(folder: Path, path: str) -> str:
    """The title of a document; `""` where there is none that can be read."""
    return str(_fields(document_text(folder / path)).get("title", ""))


def _fields(document: str) -> dict[str, object]:
    try:
        return front_matter(document)
    except ValueError:
        return {}


def _text(document: str) -> str:
    """The body as Markdown, without its pictures."""
    return _PICTURE.sub("", document_body(document)).strip("\n")
