"""What an archive holds and how its runs went, in numbers: counted in its ledger and folders, without a lock."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from newsarchive.archive.files import CONTENT, PAGES, PICTURES, QUARANTINE, REVISIONS
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.quarantine import read_notes
from newsarchive.archive.tables import CHANNEL, CLOCKS_DIFFER, ChangeKind, ChangeRow, RunRow, State
from newsarchive.health.alarms import Counts
from newsarchive.messages import SHOWN_ZONE

LATER = (ChangeKind.EDITED, ChangeKind.REMOVED, ChangeKind.BACK)
_LATEST = 20  # changes and runs that are named
_VARIES = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|\d+")  # parts of a reason that differ from page to page
UNREADABLE = "the notes of the page cannot be read"


@dataclass(frozen=True)
class Share:
    """How many of those that could have it have a field."""

    having: int
    of: int


class Groups(Counter[str]):
    """How many articles there are of each name, and the day on which the newest was published."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: dict[str, date] = {}

    def add(self, name: str, number: int, newest: datetime) -> None:
        self[name] += number
        self.newest[name] = max(newest.date(), self.newest.get(name, newest.date()))


@dataclass(kw_only=True)
class Statistics:
    """Days of articles are by their publisher's clock, all others by Beijing's."""

    now: datetime
    states: dict[State, int]
    documents: int = 0
    """Articles with a file, also those that the site has removed; the next five count these."""
    by_day: Counter[date] = field(default_factory=Counter)
    by_hour: Counter[int] = field(default_factory=Counter)
    by_channel: Groups = field(default_factory=Groups)
    """An article of two channels counts in both; `""` for those of none that is known."""
    by_publisher: Groups = field(default_factory=Groups)
    by_family: Groups = field(default_factory=Groups)
    fields: dict[str, Share] = field(default_factory=dict)
    without_facts: int = 0
    """Documents of an older program, of which the ledger does not know title, publisher and tags."""
    changes: dict[ChangeKind, Counter[date]] = field(default_factory=lambda: {kind: Counter() for kind in ChangeKind})
    latest: list[ChangeRow] = field(default_factory=list)
    ages: dict[ChangeKind, list[float]] = field(default_factory=lambda: {kind: [] for kind in ChangeKind})
    """How many seconds after the publication of its article each change was noticed; sorted."""
    undated: Counter[ChangeKind] = field(default_factory=Counter)
    """Changes without such an age: the publish time that the article had then is not known."""
    quarantine: Counter[str] = field(default_factory=Counter)
    """Pages by reason."""
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Files and bytes by what they are."""
    runs: Sequence[RunRow] = ()
    """The newest first."""


def statistics(folder: Path, ledger: Ledger, now: datetime) -> Statistics:
    """Also while a run writes. Raises `LedgerBroken` and `OSError`."""
    found = Statistics(now=now.astimezone(SHOWN_ZONE), states=ledger.counts_by_state())
    found.runs = ledger.last_runs(None)
    _count_articles(found, ledger)
    _count_changes(found, ledger)
    found.quarantine = Counter(_reasons(folder))
    found.sizes = {
        "documents": _size(folder / CONTENT),
        "revisions": _size(folder / REVISIONS),
        "pages": _size(folder / PAGES),
        "pictures": _size(folder / PICTURES),
        "quarantine": _size(folder / QUARANTINE),
        "ledger": ledger.database.size(),
    }
    return found


def _count_articles(found: Statistics, ledger: Ledger) -> None:
    for hour, number in ledger.documents_by_hour().items():
        found.documents += number
        found.by_day[hour.date()] += number
        found.by_hour[hour.hour] += number
    for (where, channels), (number, newest) in ledger.documents_by("where", "channels").items():
        listed = where.removeprefix(CHANNEL) if where.startswith(CHANNEL) else ""
        for channel in channels or (listed,):
            found.by_channel.add(channel, number, newest)
    for groups, name in ((found.by_publisher, "publisher"), (found.by_family, "family")):
        for (value,), (number, newest) in ledger.documents_by(name).items():
            groups.add(value, number, newest)
    known = ledger.documents_with("title")
    found.without_facts = found.documents - known
    found.fields = {name: Share(ledger.documents_with(name), known) for name in ("publisher", "channels", "site_tags")}
    new = Counts.summed(Counts(run.counts) for run in found.runs)
    articles, texts = int(new["article/new"]), int(new["article/new"] - new["without/text"])
    found.fields |= {
        "text": Share(texts, articles),
        "summary": Share(texts - int(new["without/summary"]), texts),
        "picture": Share(articles - int(new["without/picture"]), articles),
        "thumbnail": Share(articles - int(new["without/thumbnail"]), articles),
    }


def _count_changes(found: Statistics, ledger: Ledger) -> None:
    redated: set[tuple[str, str]] = set()  # articles whose earlier publish time, of what happened before, is not known
    for it, published in ledger.dated_changes():
        found.changes[it.kind][it.time.astimezone(SHOWN_ZONE).date()] += 1
        article = it.source, it.article_id
        if it.kind is ChangeKind.EDITED and ("time" in it.changed or not it.changed):
            redated.add(article)
        age = (it.time - published) if published and article not in redated else None
        if age is None or age < -CLOCKS_DIFFER:
            found.undated[it.kind] += 1
        else:
            found.ages[it.kind].append(max(age.total_seconds(), 0))
    for ages in found.ages.values():
        ages.sort()
    found.latest = list(islice(ledger.changes(kinds=LATER), _LATEST))


def _reasons(folder: Path) -> Iterator[str]:
    """Why each page is in quarantine, without what differs from page to page."""
    for file in folder.glob(f"{QUARANTINE}/*/*.json"):
        try:
            yield _VARIES.sub("…", read_notes(file).reason)
        except FileNotFoundError:  # a run has just archived it
            continue
        except (OSError, ValueError):
            yield UNREADABLE


def _size(folder: Path) -> tuple[int, int]:
    """The number of files and their bytes; a file of two names counts once."""
    number = size = 0
    linked: set[tuple[int, int]] = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a run has just removed it
                about = os.lstat(f"{parent}/{name}")
                if about.st_nlink > 1:
                    if (about.st_dev, about.st_ino) in linked:
                        continue
                    linked.add((about.st_dev, about.st_ino))
                number, size = number + 1, size + about.st_size
    return number, size


def alarm_names(run: RunRow) -> list[str]:
    return [name.removeprefix("alarm/") for name in run.counts if name.startswith("alarm/")]
