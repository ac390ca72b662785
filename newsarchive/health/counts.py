"""The counts of a run, and sums of them. Pure.

Counts are the run's stats without their `archive/`, and what `Run` adds: `kind` (lists, urls, replay, …: only runs
of one kind are compared), `complete` (1 unless the run was stopped), `filtered` (1 when only some
days were wanted), `length/median`, `newest/hours` and `newest/usual` (age of the newest article),
`same/<what>` (how many of the new articles have the most frequent title, body or publish time),
`failing/<list>` (runs in a row that got nothing from it) and `key/<name>` (pages that had this unknown key in
their data).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from datetime import datetime, timedelta
from statistics import median

from newsarchive.items import Article
from newsarchive.messages import printable

Counts = Mapping[str, int | float | str]

FEW_PAGES = 3  # so few are enough when not one of them could be read
READ = ("article/new", "article/revised", "article/restored", "article/unchanged")
PARTIAL = ("article/for_subscribers", "article/cut")
PAGES_READ = (*READ, "article/quarantined", *PARTIAL)
_SOME_TEXT = 50  # characters for each picture: an article with less is one of pictures
_SENTENCE = 10  # characters; pictures of many stories may have less beside them, such as 组图
_FAR = timedelta(hours=1)


def traits(article: Article, entry: str = "") -> Iterator[str]:
    """Stats of a new article: what alarms compare with earlier runs.

    Args:
        entry: the list entry that named the article, as JSON; `""` when none did.
    """
    yield f"family/{article.family}"
    if not article.thumbnail:
        yield "without/thumbnail"
    if not article.pictures:
        yield "without/picture"
    if article.is_short:
        yield "page/short"
    if article.missed_pictures:
        yield "without/named_picture"
    if not is_text(article):
        yield "without/text"
    elif not article.summary:
        yield "without/summary"
    if article.unknown_keys:
        yield "key/unknown"
    named = _entry(entry)
    if (title := str(named.get("title") or "")) and not _pairs(title) & _pairs(article.title):
        yield "unlike_list/title"
    if (published := str(named.get("publish_time") or "")) and _is_far(article, published):
        yield "unlike_list/time"


class NewArticles:
    """What the new articles of a run have in common."""

    def __init__(self) -> None:
        self._lengths: list[int] = []
        self._keys: Counter[str] = Counter()
        # hashes, not texts: a run can be long
        self._same: dict[str, Counter[int]] = {"title": Counter(), "body": Counter(), "time": Counter()}
        self._first: list[tuple[str, str]] = []

    def add(self, article: Article) -> None:
        if is_text(article):
            self._lengths.append(len(article.text))
        self._keys.update(printable(key, 80) for key in article.unknown_keys)
        if len(self._first) <= 2:
            self._first.append((article.title, article.text[:2000]))
        self._same["title"][hash(article.title)] += 1
        self._same["body"][hash(article.text if len(article.text) >= _SENTENCE else article.body)] += 1
        self._same["time"][hash(article.published)] += 1

    def counts(self) -> dict[str, int | float | str]:
        """`same/…`: how many articles have the most frequent title, body and publish time; lengths and keys."""
        found: dict[str, int | float | str] = {
            f"same/{what}": max(values.values()) for what, values in self._same.items() if values
        }
        if len(self._first) == 2 and _is_one_story(*self._first):
            found |= {"same/title": 1, "same/body": 1}
        found |= {f"key/{name}": number for name, number in self._keys.most_common(50)}
        if self._lengths:
            found["length/median"] = median(self._lengths)
        return found


def is_text(article: Article) -> bool:
    """Whether it is more than pictures or videos with a line of text for each."""
    shown = len(article.pictures) + article.videos
    return len(article.text) >= _SOME_TEXT * shown


def is_whole(counts: Counts) -> bool:
    """Whether the run came to its end and wanted articles of all days."""
    return bool(integer(counts, "complete")) and not integer(counts, "filtered")


def good_pages(counts: Counts) -> int:
    """Pages that came and were whole articles."""
    return max(int(total([counts], READ)) - integer(counts, "page/not_modified"), 0)


def bad_pages(counts: Counts) -> int:
    """Pages that came and could not be read."""
    return integer(counts, "article/quarantined")


def first(counts: Counts, what: str) -> int:
    """Of the articles counted as `article/<what>`, those that the archive does not have."""
    return max(integer(counts, f"article/{what}") - integer(counts, f"recheck/{what}"), 0)


def list_entries(counts: Counts) -> int:
    """Entries of lists, of any kind, known ones too."""
    return sum(integer(counts, key) for key in counts if key.startswith("entry/"))


def summed(runs: Iterable[Counts]) -> dict[str, float]:
    """The sum of each count over these runs."""
    sums: dict[str, float] = {}
    for counts in runs:
        for key, value in counts.items():
            if not isinstance(value, str):
                sums[key] = sums.get(key, 0) + value
    return sums


def total(runs: Iterable[Counts], keys: Iterable[str]) -> float:
    """The sum of these counts over these runs."""
    keys = tuple(keys)
    return sum(number(counts, key) for counts in runs for key in keys)


def _entry(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _pairs(text: str) -> set[str]:
    """Every two neighbouring characters: titles that share none are different titles, not edited ones."""
    return {text[start : start + 2].lower() for start in range(len(text) - 1)}


def _is_one_story(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Whether two articles are one story: two pairs of 303 real articles were, with 79 % and 94 % of a text alike."""
    return all(
        len(_pairs(one) & _pairs(other)) > share * min(len(_pairs(one)), len(_pairs(other)))
        for one, other, share in zip(first, second, (0.5, 0.7), strict=True)
    )


def _is_far(article: Article, published: str) -> bool:
    """Whether a list named another time than the page, both by the publisher's clock."""
    try:
        named = datetime.fromisoformat(published).replace(tzinfo=None)
    except ValueError:
        return False
    return abs(article.published.replace(tzinfo=None) - named) > _FAR


def integer(counts: Counts, key: str) -> int:
    return int(counts.get(key, 0))


def number(counts: Counts, key: str) -> float:
    return float(counts.get(key, 0))


ANSWERED = (*PAGES_READ, "article/quarantined_again", "article/gone", "article/still_gone")


def run_exit_code(*, faults: int, site: str, alarms: Sized) -> int:
    """0, 1, 3 or 4: of several that apply, the one that its caller should know first.

    >>> run_exit_code(faults=0, site="", alarms=[])
    0
    """
    if faults:
        return 1
    if site:
        return 3
    return 4 if alarms else 0


def site_trouble(counts: Counts) -> str:
    """Why the site could not be used at all; `""` when it answered."""
    unreachable, refused = integer(counts, "site/unreachable"), integer(counts, "site/refused")
    if not unreachable and not refused:
        return ""
    if counts.get("reason") == "refused":
        return "the site's firewall refused us (HTTP 501): wait some hours before the next run"
    challenged = integer(counts, "article/challenged")  # pages, but none of an article
    answered = int(total([counts], ANSWERED))
    if challenged >= FEW_PAGES and 3 * challenged > answered:
        return (
            f"the site refused us: {challenged} of {answered + challenged} pages ask whether a person reads them;"
            " wait, then ask for less or more slowly"
        )
    lists = integer(counts, "list/read") + integer(counts, "list/unknown")
    lists_failed = integer(counts, "list/failed")
    failed = min(integer(counts, "article/failed"), max(unreachable + refused - lists_failed, 0))  # others: no pages
    articles_came = failed <= answered or failed < FEW_PAGES
    if (answered or lists) and articles_came and lists_failed <= lists:
        return ""
    came = f"{answered + lists} of {answered + lists + unreachable + refused} requests were answered"
    if articles_came and answered:
        came = f"{lists} of {lists + lists_failed} lists came"
    if refused > unreachable:
        return f"the site refused us: {came}; wait, then ask for less or more slowly"
    return f"the site could not be reached: {came}"
