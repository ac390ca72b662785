"""List what was new, edited, removed or back, the newest first; with an id, the history of one article."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from math import inf
from pathlib import Path

from newsarchive.archive.changes import Parts, difference, shortened, title_of
from newsarchive.archive.documents import document_bytes
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.tables import ChangeKind, ChangeRow
from newsarchive.cli import OfflineCommand
from newsarchive.errors import BadArgument
from newsarchive.messages import SHOWN_ZONE, counted, printable, shown_time

_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


class Command(OfflineCommand):
    words = "[article id]"
    examples = ("scrapy changes --since 2026-11-01 --kind edited,removed", "scrapy changes 20261104A05T2Q00 --diff")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--since", default="", metavar="DAY", help="from this day on, such as 2026-11-01 (Beijing time)"
        )
        parser.add_argument("--kind", default="", metavar="KINDS", help="only these: new,edited,removed,back")
        parser.add_argument("--limit", default=50, type=int, metavar="N", help="at most so many (default: 50; 0: all)")
        parser.add_argument("--diff", action="store_true", help="show what each edit changed, word by word")
        parser.add_argument("--json", action="store_true", help="one object a line, for a program")
        parser.add_argument("--source", default="qq", help="whose article the id names (default: qq)")

    def check(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) > 1:
            raise BadArgument(f"expected one article id at most, got {' '.join(args)}")
        try:
            opts.kinds = [ChangeKind(kind.strip()) for kind in opts.kind.split(",") if kind.strip()]
        except ValueError as error:
            raise BadArgument(f"--kind {opts.kind}: expected some of {', '.join(ChangeKind)}") from error
        try:
            opts.begin = _begin(opts.since) if opts.since else None
        except ValueError as error:
            raise BadArgument(f"--since {opts.since}: expected a day like 2026-11-01") from error
        if opts.limit < 0:
            raise BadArgument(f"--limit {opts.limit}: expected a whole number of at least 0")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        folder, opened = self.readable_ledger()
        with opened as ledger:
            if args:
                if ledger.get(opts.source, args[0]) is None:
                    raise BadArgument(f"the ledger has no article {args[0]} of {opts.source}")
                changes = reversed(ledger.changes_of(opts.source, args[0]))
                wanted = (it for it in changes if it.kind in (opts.kinds or ChangeKind))
                found: Iterator[ChangeRow] = (it for it in wanted if opts.begin is None or it.time >= opts.begin)
            else:
                found = ledger.changes(since=opts.begin, kinds=opts.kinds)
            change = None
            for change in islice(found, opts.limit or None):
                title = change.title or title_of(folder, change.path)
                if opts.json:
                    about = asdict(change) | {"title": title, "time": change.time.isoformat(timespec="seconds")}
                    print(json.dumps({"id": about.pop("article_id"), **about}, ensure_ascii=False))
                    continue
                print(_line(change, title))
                if args:
                    print(f"    {_file(ledger, change) or 'its file is not there any more'}")
                if opts.diff and change.kind is ChangeKind.EDITED:
                    for line in _difference(folder, ledger, change):
                        print(f"    {line}")
            if change is None:
                print("no such change is known", file=sys.stderr)
        return 0


def _begin(text: str) -> datetime:
    """Of a day, or a time with or without a zone. Raises `ValueError`.

    >>> str(_begin("2026-11-01")), str(_begin("2026-11-01T08:00Z"))
    ('2026-11-01 00:00:00+08:00', '2026-11-01 08:00:00+00:00')
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=SHOWN_ZONE)


def _line(change: ChangeRow, title: str) -> str:
    what = ", ".join(change.changed)
    if change.added or change.removed:
        what += f" (+{change.added} -{counted(change.removed, 'character')})"
    parts = [shown_time(change.time), f"{change.kind:<7}", change.article_id, title, what]
    return "  ".join(printable(part) for part in parts if part)


def _file(ledger: Ledger, change: ChangeRow) -> str:
    """The file of the version that there was after the change: the next edit has replaced it, or none."""
    changes = ledger.changes_of(change.source, change.article_id)
    later = changes[changes.index(change) + 1 :]
    return next((it.previous for it in later if it.kind is ChangeKind.EDITED), change.path)


def _difference(folder: Path, ledger: Ledger, change: ChangeRow) -> Iterator[str]:
    """Lines with the difference; the short one of the ledger where a version's file is not there any more."""
    files = change.previous, _file(ledger, change)
    old, new = (document_bytes(folder / path) if path else None for path in files)
    parts: Parts = list(change.difference)
    if old and new:
        found = difference(old.decode("utf-8", "replace"), new.decode("utf-8", "replace"))
        parts = shortened(found.parts, inf)
    if not parts:
        yield "the former version is not there any more"
    marks = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        marks |= {"-": (_RED, _PLAIN), "+": (_GREEN, _PLAIN)}
    text = "".join(_marked(text, *marks[sign]) for sign, text in parts)
    yield from filter(None, text.split("\n"))


def _marked(text: str, begin: str, end: str) -> str:
    """Each line between the marks."""
    lines = map(printable, text.split("\n"))
    return "\n".join(f"{begin}{line}{end}" if line else "" for line in lines)
