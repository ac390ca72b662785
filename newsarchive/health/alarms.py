"""Does the site still look as it did? Counts of this run, beside those of the last ones, give alarms. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import comb, sqrt
from statistics import median

from newsarchive.health.counts import (
    FEW_PAGES,
    NEW,
    PAGES,
    Counts,
    bad_pages,
    good_pages,
    integer,
    is_whole,
    list_entries,
    number,
    total,
)
from newsarchive.health.outcome import site_trouble
from newsarchive.wording import counted

HISTORY = 20  # runs: ten hours of a run every half hour
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
    past = [counts for counts in history if counts.get("kind") == now.get("kind") and is_whole(counts)]
    past = past[:HISTORY]
    found = [*_lists(now), *_pages(now, past)]
    # old pages look as they did, whatever the site does today
    if now.get("kind") not in ("replay", "retry") and not integer(now, "filtered"):
        found += _shares(now, past)
        found += _lengths(now, past)
        found += _age(now, past)
        found += _keys(now, past)
    return list({alarm.name: alarm for alarm in reversed(found)}.values())[::-1]


# hard ones: no history needed


def _lists(now: Counts) -> Iterable[Alarm]:
    read, unknown = integer(now, "list/read"), integer(now, "list/unknown")
    if unknown:  # one is enough: the spider has asked again and again before it counted it
        yield Alarm(
            name="list form",
            seen=f"{unknown} of {read + unknown} list replies have no known form, or their address has moved",
            expected="none",
            advice=LISTS,
        )
    if read and not list_entries(now):
        yield Alarm(
            name="lists empty",
            seen=f"{counted(read, 'list')} read, and nothing named there, known or new",
            expected="about twenty entries in each",
            advice=LISTS,
        )
    entries = list_entries(now)
    if entries >= _SOME and not integer(now, "entry/article") and not integer(now, "filtered"):
        yield Alarm(
            name="list entries",
            seen=f"{entries} entries of lists, not one of them an article",
            expected="mostly articles",
            advice=LISTS,
        )


def _pages(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    good, bad, gone = good_pages(now), bad_pages(now), integer(now, "article/gone")
    if bad and not good:  # at night a run has a page or two: those since the last one that could be read count too
        bad += sum(map(bad_pages, takewhile(lambda counts: not good_pages(counts), past)))
    if bad >= FEW_PAGES and bad > good and not _is_chance(bad, bad + good, past):
        yield Alarm(
            name="pages",
            seen=f"{bad} of {bad + good} pages are no whole article",
            expected="hardly any",
            advice=MEND,
        )
    if now.get("kind") == "retry" and integer(now, "article/quarantined_again"):
        yield Alarm(
            name="quarantine",
            seen=f"{integer(now, 'article/quarantined_again')} pages of the quarantine still cannot be read",
            expected="none, once the page families are mended",
            advice=MEND,
        )
    if gone > FEW_PAGES and not good:
        yield Alarm(
            name="all gone",
            seen=f"the site says of all {gone} articles that they are gone",
            expected="hardly any",
            advice="open one of them in a browser; if it is there, QQ_ARTICLE_URL or its redirects have changed",
        )
    failed = integer(now, "article/failed")
    if failed >= FEW_PAGES and not good + bad + gone and not site_trouble(now):
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
    before = total(past, PAGES)
    if before < _MANY or pages > 100:  # of more than a hundred, most are never bad by chance
        return False
    usual = min(max(total(past, ("article/quarantined",)) / before, 0.01), _MOST_BAD)
    return sum(comb(pages, n) * usual**n * (1 - usual) ** (pages - n) for n in range(bad, pages + 1)) > 1e-4


# soft ones: only beside earlier runs


def _shares(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    # every article that was read is of a family; one that came as "not modified" was not read
    families = tuple({key for counts in (now, *past) for key in counts if key.startswith("family/")})
    for name, what, part, whole, advice in (
        ("lists without entries", "lists", ("list/empty",), ("list/read",), LISTS),
        ("entries without pages", "articles asked for", ("article/failed",), ("request/article",), LOOK),
        ("quarantine", "pages", ("article/quarantined",), PAGES, MEND),
        ("no thumbnail", "articles", ("without/thumbnail",), families, LOOK),
        ("no picture", "articles", ("without/picture",), families, LOOK),
        ("no summary", "articles", ("without/summary",), families, LOOK),
    ):
        seen, usual = total([now], part), total(past, part)
        if _more(seen, total([now], whole), usual, total(past, whole)):
            share = f"{seen:.0f} of {total([now], whole):.0f} {what}"
            yield Alarm(name=name, seen=share, expected=f"{usual / total(past, whole):.0%}", advice=advice)
    here, before = total([now], families), total(past, families)
    for family in sorted(families):
        seen, usual = total([now], (family,)), total(past, (family,))
        if _more(seen, here, usual, before):
            name = f"family {family.removeprefix('family/')}"
            yield Alarm(
                name=name, seen=f"{seen:.0f} of {here:.0f} pages", expected=f"{usual / before:.0%}", advice=LOOK
            )


def _more(seen: float, whole: float, usual: float, before: float) -> bool:
    """Is this share so much larger than the usual one that chance does not explain it?"""
    if whole < _SOME or before < _MANY:
        return False
    share, expected = seen / whole, usual / before
    chance = sqrt(max(expected * (1 - expected), 0.01) / whole)
    return share - expected > max(0.25, 4 * chance)


def _lengths(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    medians = [number(counts, "length/median") for counts in past if total([counts], NEW) >= FEW_PAGES]
    if total([now], NEW) < _SOME or len(medians) < FEW_PAGES:
        return
    seen, usual = number(now, "length/median"), median(medians)
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
    known = [number(counts, "newest/usual") for counts in past if "newest/usual" in counts][:1]
    return min([hours, *(usual * 1.001 for usual in known)])


def _age(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    known = [counts for counts in past if "newest/usual" in counts]
    if "newest/hours" not in now or now.get("kind") != "lists" or len(known) < FEW_PAGES:
        return
    seen, limit = number(now, "newest/hours"), max(_STALE, 4 * number(known[0], "newest/usual"))
    if seen > limit:
        yield Alarm(
            name="nothing new",
            seen=f"the newest article is {seen:.0f} hours old, though lists are read",
            expected=f"at most {limit:.0f} hours",
            advice="look at a channel in a browser; if it has newer articles, its list has moved",
        )


def _keys(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    pages = total([now], NEW)  # whose keys are counted
    if pages < FEW_PAGES or not past:
        return
    names = [
        key.removeprefix("key/")
        for key in sorted(now)
        if key.startswith("key/")
        and key != "key/unknown"
        and integer(now, key) * 2 > pages
        and not any(key in counts for counts in past)
    ]
    if names:
        yield Alarm(
            name="unknown keys",
            seen=f"most pages have new keys in their data: {', '.join(names[:5])}",
            expected="only keys that the page families know",
            advice="look whether a page family should read them, then add them to those it knows",
        )
