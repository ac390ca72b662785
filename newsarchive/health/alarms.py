"""Does the site still look as it did? Counts of this run, beside those of the last ones, give alarms. Pure.

Counts are the run's stats without their `archive/`, and what `Run` adds: `kind` (lists, urls, replay, …: only runs
of one kind are compared), `complete` (1 unless the run was stopped), `filtered` (1 when only some
days were wanted), `length/median`, `newest/hours` and
`newest/usual` (age of the newest article) and `key/<name>` (pages that had this unknown key in their data).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import comb, sqrt
from statistics import median

Counts = Mapping[str, int | float | str]

HISTORY = 20  # runs: ten hours of a run every half hour
_FEW_PAGES = 3  # so few are enough when not one of them could be read
_SOME = 10  # articles of one run from which a share says something
_MANY = 30  # articles of all earlier runs together
_STALE = 48.0  # hours without a new article that are normal nowhere
_MOST_BAD = 0.3  # share of pages without a whole article, at most, that counts as usual: a habit of more is none


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A sign that the site has changed."""

    name: str
    seen: str
    expected: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}: {self.seen}; expected {self.expected}"


MEND = "look at a page in quarantine/, mend or add the page family, then run `scrapy retry` (docs: the site changed)"
LISTS = "look at the list reply in a browser; until the reader is mended, `-a sitemap=1` still finds articles"
LOOK = "open some of the newest articles and their pages in a browser and compare"


def alarms(now: Counts, history: Sequence[Counts]) -> list[Alarm]:
    """The alarms of a run; `history` holds earlier runs, the newest first."""
    past = [counts for counts in history if counts.get("kind") == now.get("kind") and _is_whole(counts)]
    past = past[:HISTORY]
    found = [*_lists(now), *_pages(now, past)]
    # old pages look as they did, whatever the site does today
    if now.get("kind") not in ("replay", "retry") and not _int(now, "filtered"):
        found += _shares(now, past)
        found += _lengths(now, past)
        found += _age(now, past)
        found += _keys(now, past)
    return list({alarm.name: alarm for alarm in reversed(found)}.values())[::-1]


def exit_code(*, faults: int, site: str, alarms: Sequence[Alarm]) -> int:
    """What the run says to its caller.

    >>> exit_code(faults=0, site="", alarms=[])
    0
    """
    if faults:
        return 1
    if site:
        return 3
    return 4 if alarms else 0


def site_trouble(counts: Counts) -> str:
    """Why the site could not be used at all; `""` when it answered."""
    unreachable, refused = _int(counts, "site/unreachable"), _int(counts, "site/refused")
    if not unreachable and not refused:
        return ""
    if counts.get("reason") == "refused":
        return "the site's firewall refused us (HTTP 501): wait some hours before the next run"
    answered = _good(counts) + _bad(counts) + _int(counts, "article/gone") + _int(counts, "article/quarantined_again")
    lists = _int(counts, "list/read") + _int(counts, "list/unknown")
    failed = _int(counts, "article/failed")
    if (answered or lists) and (failed <= answered or failed < _FEW_PAGES):
        return ""
    said = f"{answered + lists} of {answered + lists + unreachable + refused} requests were answered"
    if refused > unreachable:
        return f"the site refused us: {said}; wait, then ask for less or more slowly"
    return f"the site could not be reached: {said}"


# hard ones: no history needed


def _lists(now: Counts) -> Iterable[Alarm]:
    read, unknown = _int(now, "list/read"), _int(now, "list/unknown")
    if unknown:  # one is enough: the spider has asked again and again before it counted it
        yield Alarm(
            name="list form",
            seen=f"{unknown} of {read + unknown} list replies have no known form",
            expected="none",
            advice=LISTS,
        )
    if read and not _entries(now):
        yield Alarm(
            name="lists empty",
            seen=f"{read} lists were read and name nothing, known or new",
            expected="about twenty entries in each",
            advice=LISTS,
        )
    entries = _entries(now)
    if entries >= _SOME and not _int(now, "entry/article") and not _int(now, "filtered"):
        yield Alarm(
            name="list entries",
            seen=f"{entries} entries of lists, not one of them an article",
            expected="mostly articles",
            advice=LISTS,
        )


def _pages(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    good, bad, gone = _good(now), _bad(now), _int(now, "article/gone")
    if bad and not good:  # at night a run has a page or two: those since the last one that could be read count too
        bad += sum(map(_bad, takewhile(lambda counts: not _good(counts), past)))
    if bad >= _FEW_PAGES and bad > good and not _is_chance(bad, bad + good, past):
        yield Alarm(
            name="pages",
            seen=f"{bad} of {bad + good} pages are no whole article",
            expected="hardly any",
            advice=MEND,
        )
    if now.get("kind") == "retry" and _int(now, "article/quarantined_again"):
        yield Alarm(
            name="quarantine",
            seen=f"{_int(now, 'article/quarantined_again')} pages of the quarantine still cannot be read",
            expected="none, once the page families are mended",
            advice=MEND,
        )
    if gone > _FEW_PAGES and not good:
        yield Alarm(
            name="all gone",
            seen=f"the site says of all {gone} articles that they are gone",
            expected="hardly any",
            advice="open one of them in a browser; if it is there, QQ_ARTICLE_URL or its redirects have changed",
        )
    failed = _int(now, "article/failed")
    if failed >= _FEW_PAGES and not good + bad + gone and not site_trouble(now):
        yield Alarm(
            name="no article",
            seen=f"{failed} articles could not be fetched and none could",
            expected="nearly all of them",
            advice="`scrapy crawl` says in its log what came instead; open one of them in a browser",
        )


def _is_chance(bad: int, pages: int, past: Sequence[Counts]) -> bool:
    """Whether a site of which some pages never are whole articles may bring so many of them by chance.

    56 of 303 real pages of 2025 and 2026 showed an empty body: most likely articles for subscribers.
    """
    before = _sum(past, _PAGES)
    if before < _MANY or pages > 100:  # of more than a hundred, most are never bad by chance
        return False
    usual = min(max(_sum(past, ("article/quarantined",)) / before, 0.01), _MOST_BAD)
    return sum(comb(pages, n) * usual**n * (1 - usual) ** (pages - n) for n in range(bad, pages + 1)) > 1e-4


# soft ones: only beside earlier runs


def _shares(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    for name, what, part, whole, advice in (
        ("lists without entries", "lists", ("list/empty",), ("list/read",), LISTS),
        ("entries without pages", "articles asked for", ("article/failed",), ("request/article",), LOOK),
        ("quarantine", "pages", ("article/quarantined",), _PAGES, MEND),
        ("no thumbnail", "articles", ("without/thumbnail",), _READ, LOOK),
        ("no picture", "articles", ("without/picture",), _READ, LOOK),
        ("no summary", "articles", ("without/summary",), _READ, LOOK),
    ):
        seen, usual = _sum([now], part), _sum(past, part)
        if _more(seen, _sum([now], whole), usual, _sum(past, whole)):
            share = f"{seen:.0f} of {_sum([now], whole):.0f} {what}"
            yield Alarm(name=name, seen=share, expected=f"{usual / _sum(past, whole):.0%}", advice=advice)
    families = {key for counts in (now, *past) for key in counts if key.startswith("family/")}
    total, before = _sum([now], families), _sum(past, families)
    for family in sorted(families):
        seen, usual = _sum([now], (family,)), _sum(past, (family,))
        if _more(seen, total, usual, before):
            name = f"family {family.removeprefix('family/')}"
            yield Alarm(
                name=name, seen=f"{seen:.0f} of {total:.0f} pages", expected=f"{usual / before:.0%}", advice=LOOK
            )


def _more(seen: float, whole: float, usual: float, before: float) -> bool:
    """Is this share so much larger than the usual one that chance does not explain it?"""
    if whole < _SOME or before < _MANY:
        return False
    share, expected = seen / whole, usual / before
    chance = sqrt(max(expected * (1 - expected), 0.01) / whole)
    return share - expected > max(0.25, 4 * chance)


def _lengths(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    medians = [_float(counts, "length/median") for counts in past if _sum([counts], _NEW) >= _FEW_PAGES]
    if _sum([now], _NEW) < _SOME or len(medians) < _FEW_PAGES:
        return
    seen, usual = _float(now, "length/median"), median(medians)
    if not usual / 4 <= seen <= usual * 4:
        yield Alarm(
            name="length",
            seen=f"half of the articles have fewer than {seen:.0f} characters",
            expected=f"about {usual:.0f}",
            advice=LOOK,
        )


def usual_age(hours: float, past: Sequence[Counts]) -> float:
    """How old the newest article is at the end of a usual run: the least so far, forgotten over weeks.

    The last 20 runs alone would not do: a site that dries up would make a habit of it within ten hours.
    """
    known = [_float(counts, "newest/usual") for counts in past if "newest/usual" in counts][:1]
    return min([hours, *(usual * 1.001 for usual in known)])


def _age(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    known = [counts for counts in past if "newest/usual" in counts]
    if "newest/hours" not in now or now.get("kind") != "lists" or len(known) < _FEW_PAGES:
        return
    seen, limit = _float(now, "newest/hours"), max(_STALE, 4 * _float(known[0], "newest/usual"))
    if seen > limit:
        yield Alarm(
            name="nothing new",
            seen=f"the newest article is {seen:.0f} hours old, though lists are read",
            expected=f"at most {limit:.0f} hours",
            advice="look at a channel in a browser; if it has newer articles, its list has moved",
        )


def _keys(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    pages = _sum([now], _READ)
    if pages < _FEW_PAGES or not past:
        return
    names = [
        key.removeprefix("key/")
        for key in sorted(now)
        if key.startswith("key/")
        and key != "key/unknown"
        and _int(now, key) * 2 > pages
        and not any(key in counts for counts in past)
    ]
    if names:
        yield Alarm(
            name="unknown keys",
            seen=f"most pages have new keys in their data: {', '.join(names[:5])}",
            expected="only keys that the page families know",
            advice="look whether a page family should read them, then add them to those it knows",
        )


_NEW = ("article/new", "article/revised")
_READ = (*_NEW, "article/unchanged")
_PAGES = (*_READ, "article/quarantined")


def _is_whole(counts: Counts) -> bool:
    return bool(_int(counts, "complete")) and not _int(counts, "filtered")


def _good(counts: Counts) -> int:
    return int(_sum([counts], _READ))


def _bad(counts: Counts) -> int:
    return _int(counts, "article/quarantined")


def _entries(counts: Counts) -> int:
    return sum(_int(counts, key) for key in counts if key.startswith("entry/"))


def _sum(runs: Iterable[Counts], keys: Iterable[str]) -> float:
    keys = tuple(keys)
    return sum(_float(counts, key) for counts in runs for key in keys)


def _int(counts: Counts, key: str) -> int:
    return int(counts.get(key, 0))


def _float(counts: Counts, key: str) -> float:
    return float(counts.get(key, 0))
