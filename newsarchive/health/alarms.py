"""Has the site changed, and could it be used? Compares the counts of a run with those of earlier ones. Pure.

An alarm means counts that an unchanged site would give once in thousands of runs: `chance` says how often, from those
of earlier runs. The slow test of alarms runs ten thousand natural runs and every harmful change that we could think of.

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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from math import exp, lgamma
from statistics import median

from newsarchive.items import Article
from newsarchive.messages import counted, printable

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


# alarms

HISTORY = 400  # runs, eight days of a run every half hour: so many show how often a page is normally odd
FAILING = 3  # runs in a row that got nothing from a list
_RECENT = 20  # runs, ten hours; more of them while they have fewer than `_ENOUGH` pages
_ENOUGH = 500  # pages
_RARE = 1e-3  # too rare for chance
_RARER = 3e-4  # the same for what more than one article in twenty normally has
_ALIKE = 30  # articles
_JUMP = 0.25  # a share that has not grown by so much is no change of layout
_BATCH = 5  # articles that one account publishes at a time, all of one kind
_SOME = 10  # entries or articles of one run from which an average says something
_ODD = 500  # pages; where at most one in so many is bad, such as a test page, a bad page is a sign
_KNOWN = 12  # pages of earlier runs, at least, that this one can be compared with
_MOST_BAD = 0.3  # share of pages without a whole article: more than this never counts as usual
_STALE = 48.0  # hours without a new article that are never normal


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A sign that the site has changed."""

    name: str
    seen: str
    expected: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}: {self.seen}; expected {self.expected}"


MEND = "look at a page in quarantine/, fix or add the page family, then run `scrapy retry` (docs: the site changed)"
LISTS = "look at the list reply in a browser; until the reader is fixed, `-a sitemap=1` still finds articles"
LOOK = "open some of the newest articles and their pages in a browser and compare"


def alarms(now: Counts, history: Sequence[Counts]) -> list[Alarm]:
    """The alarms of a run; `history` holds earlier runs, the newest first."""
    past = [counts for counts in history if counts.get("kind") == now.get("kind") and is_whole(counts)]
    past = past[:HISTORY]
    recent = _recent(past)
    usual = (summed(recent), summed(past))
    found = [*_lists(now, usual[0]), *_pages(now, past), *_alike(now)]
    # old pages look as they did, whatever the site does today
    if now.get("kind") not in ("replay", "retry") and not integer(now, "filtered"):
        found += _gone(now, usual)
        found += _shares(now, usual)
        found += _lengths(now, recent)
        found += _age(now, recent)
        found += _keys(now, recent)
    by_name = {alarm.name: alarm for alarm in reversed(found)}
    if "pages" in by_name and now.get("kind") != "retry":
        by_name.pop("quarantine", None)  # `pages` says the same about more pages
    return list(by_name.values())[::-1]


def _recent(past: Sequence[Counts]) -> Sequence[Counts]:
    """What is usual now: the last runs, and more of them when they were quiet."""
    pages = 0.0
    for number_of_runs, counts in enumerate(past, 1):
        pages += total([counts], PAGES_READ)
        if number_of_runs >= _RECENT and pages >= _ENOUGH:
            return past[:number_of_runs]
    return past


def chance(seen: float, whole: float, usual: float, before: float) -> float:
    """How often an unchanged site gives `seen` or more of `whole`, after `usual` of `before`.

    The tail of a beta-binomial distribution: it allows for what a short history does not know. Articles of one run have
    much in common (one day, one account), so that more than thirty, then or now, say no more than thirty.

    >>> round(chance(2, 2, 0, 200), 5), round(chance(3, 12, 50, 200), 1)
    (5e-05, 0.6)
    """
    now, then = min(1.0, _ALIKE / max(whole, 1)), min(1.0, _ALIKE / max(before, 1))
    of, least = round(whole * now), int(seen * now)
    often, rarely = 0.05 + usual * then, 1 + max(before - usual, 0) * then
    return sum(
        exp(_log_choose(of, n) + _log_beta(often + n, rarely + of - n) - _log_beta(often, rarely))
        for n in range(least, of + 1)
    )


def _log_choose(of: int, n: int) -> float:
    return lgamma(of + 1) - lgamma(n + 1) - lgamma(of - n + 1)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


# lists


def _lists(now: Counts, usual: Counts) -> Iterable[Alarm]:
    read, unknown = integer(now, "list/read"), integer(now, "list/unknown")
    if unknown:  # one is enough: the spider has asked again and again before it counted it
        yield Alarm(
            name="list form",
            seen=f"{unknown} of {read + unknown} list replies have no known form, or their address has moved",
            expected="none",
            advice=LISTS,
        )
    entries = list_entries(now)
    if read > integer(now, "list/always_empty") and not entries:
        yield Alarm(
            name="lists empty",
            seen=f"{counted(read, 'list')} read, and nothing named there, known or new",
            expected="about twenty entries in each",
            advice=LISTS,
        )
    if entries >= _SOME and not integer(now, "entry/article") and not integer(now, "filtered"):
        yield Alarm(
            name="list entries",
            seen=f"{entries} entries of lists, not one of them an article",
            expected="mostly articles",
            advice=LISTS,
        )
    yield from _failing(now)
    new_type, articles = integer(now, "entry/unknown_article"), integer(now, "entry/article")
    of_new_type, before = number(usual, "entry/unknown_article"), number(usual, "entry/article")
    if new_type and (10 * new_type > articles or new_type * before >= 2 * of_new_type * articles):
        yield Alarm(
            name="unknown entries",
            seen=f"{counted(new_type, 'entry')} of lists of an unknown type, with the id of an article",
            expected="only types that the reader of lists knows",
            advice="they are fetched; look at one in the list reply and add its type to newsarchive/qq/lists.py",
        )


def _failing(now: Counts) -> Iterable[Alarm]:
    prefix = "failing/"
    failing = {key.removeprefix(prefix): integer(now, key) for key in now if key.startswith(prefix)}
    if failing:
        longest = sorted(failing, key=lambda where: (-failing[where], where))
        named = ", ".join(f"{where} ({failing[where]})" for where in longest[:8])
        more = f" and {len(longest) - 8} more" if len(longest) > 8 else ""
        yield Alarm(
            name="failing lists",
            seen=f"{counted(len(failing), 'list')} got nothing in so many runs in a row: {named}{more}",
            expected=f"fewer than {FAILING}",
            advice="open it in a browser; take a channel that no longer exists out of QQ_CHANNELS",
        )


# pages


def _pages(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    good, bad = good_pages(now), bad_pages(now)
    if bad and not good:  # at night a run has a page or two: those since the last one that could be read count too
        since = list(takewhile(lambda counts: not good_pages(counts), past))
        bad, past = bad + sum(map(bad_pages, since)), past[len(since) :]
    usual, before = sum(map(bad_pages, past)), sum(good_pages(counts) + bad_pages(counts) for counts in past)
    new, bad_new = integer(now, "article/new"), first(now, "quarantined")
    usual_new = sum(first(counts, "quarantined") for counts in past)
    if _is_unreadable(bad, bad + good, usual, before):
        seen = f"{bad} of {bad + good} pages are no whole article"
    elif _is_unreadable(bad_new, bad_new + new, usual_new, usual_new + total(past, ("article/new",))):
        seen = f"{bad_new} of {bad_new + new} pages of new articles are no whole article"
    else:
        seen = ""
    if seen:
        yield Alarm(name="pages", seen=seen, expected="hardly any", advice=MEND)
    if now.get("kind") == "retry" and integer(now, "article/quarantined_again"):
        yield Alarm(
            name="quarantine",
            seen=f"{integer(now, 'article/quarantined_again')} pages of the quarantine still cannot be read",
            expected="none, once the page families are fixed",
            advice=MEND,
        )


def _is_unreadable(bad: int, pages: int, usual: int, before: float) -> bool:
    """Whether so many pages without a whole article are a sign, after `usual` of `before`.

    56 of 303 real pages of 2025 and 2026 showed an empty body: most likely articles for subscribers.
    """
    if not bad or 2 * bad < pages:
        return False
    if before < _KNOWN:
        return bad >= FEW_PAGES and 2 * bad > pages
    # where a page is hardly ever bad, a single one is a sign when it is all that came, or half of it
    if usual <= min(max(2, before / _ODD), before / 100):
        return True
    return bad > 1 and _is_rare(bad, pages, min(usual, _MOST_BAD * before), before)


def _is_rare(seen: float, whole: float, usual: float, before: float) -> bool:
    return chance(seen, whole, usual, before) < (_RARE if 20 * usual < before else _RARER)


def _gone(now: Counts, usual: Sequence[Counts]) -> Iterable[Alarm]:
    """No article that is new to the archive could be read: the others may come from an older address."""
    came = integer(now, "article/new") + first(now, "quarantined")
    gone, failed = first(now, "gone"), first(now, "failed")

    def are_many(what: str, seen: int, without_history: int) -> bool:
        looks = [sum(first(sums, each) for each in ("new", "quarantined", "gone", "failed")) for sums in usual]
        before = [first(sums, what) for sums in usual]
        return seen >= without_history or (
            seen > 1 and all(_is_rare(seen, seen, usual_, of) for usual_, of in zip(before, looks, strict=True))
        )

    if not came and are_many("gone", gone, FEW_PAGES + 1):
        yield Alarm(
            name="all gone",
            seen=f"the site says of all {gone} articles that they are gone",
            expected="hardly any",
            advice="open one of them in a browser; if it is there, QQ_ARTICLE_URL or its redirects have changed",
        )
    if not came + gone and are_many("failed", failed, FEW_PAGES) and not _by_network(now):
        yield Alarm(
            name="no article",
            seen=f"{failed} articles could not be fetched and none could",
            expected="nearly all of them",
            advice="`scrapy crawl` says in its log what came instead; open one of them in a browser",
        )


def _by_network(now: Counts) -> bool:
    """Whether articles failed because no answer came, or none but a refusal."""
    lists = integer(now, "list/failed")
    return bool(site_trouble(now)) or integer(now, "site/unreachable") + integer(now, "site/refused") > lists


def _alike(now: Counts) -> Iterable[Alarm]:
    """Different articles with the same content: what was read is not the article."""
    new = integer(now, "article/new")
    for name, fewest in (("title", 2), ("body", 2), ("time", 3)):
        most = integer(now, f"same/{name}")
        if now.get("kind") != "lists":  # one account may give all its articles one title
            fewest = FEW_PAGES  # noqa: PLW2901
        if most >= fewest and (most >= new or (most >= FEW_PAGES and 2 * most > new)):
            what = {"title": "title", "body": "text", "time": "publish time"}[name]
            yield Alarm(
                name=f"same {name}",
                seen=f"{most} of {new} new articles have one and the same {what}",
                expected="each its own",
                advice=LOOK,
            )


# shares


def _shares(now: Counts, usual: Sequence[Counts]) -> Iterable[Alarm]:
    families = tuple({key for counts in (now, *usual) for key in counts if key.startswith("family/")})
    for name, what, part, whole, advice in (
        ("lists without entries", "lists", ("list/empty",), ("list/read",), LISTS),
        ("entries without pages", "articles asked for", ("article/failed",), ("request/article",), LOOK),
        ("entries without pictures", "entries", ("entries/without_thumbnail",), ("entry/article",), LISTS),
        ("entries of no kind", "entries", ("entry/other",), ("entry/article", "entry/other"), LISTS),
        ("quarantine", "pages", ("article/quarantined",), (*READ, "article/quarantined"), MEND),
        ("for subscribers", "pages", PARTIAL, PAGES_READ, LOOK),
        ("short", "articles", ("page/short",), families, LOOK),
        ("revisions", "articles looked at again", ("article/revised",), ("article/revised", "article/unchanged"), LOOK),
        ("no thumbnail", "articles", ("without/thumbnail",), families, LOOK),
        ("no picture", "articles", ("without/picture",), families, LOOK),
        ("pictures missed", "articles", ("without/named_picture",), families, LOOK),
        ("no summary", "articles", ("without/summary",), families, LOOK),
        ("other titles", "articles", ("unlike_list/title",), ("article/new",), LOOK),
        ("other times", "articles", ("unlike_list/time",), ("article/new",), LOOK),
    ):
        yield from _grown(name, what, part, whole, advice, now=now, usual=usual)
    for family in sorted(families):
        name = f"family {family.removeprefix('family/')}"
        yield from _grown(name, "articles", (family,), families, LOOK, now=now, usual=usual)


def _grown(
    name: str,
    what: str,
    part: Sequence[str],
    whole: Sequence[str],
    advice: str,
    *,
    now: Counts,
    usual: Sequence[Counts],
) -> Iterable[Alarm]:
    """An alarm when a share is so much larger than usual, now and in the last days, that chance does not explain it."""
    seen, here = total([now], part), total([now], whole)
    before = [(total([sums], part), total([sums], whole)) for sums in usual]
    if seen > 1 and all(_has_grown(seen, here, *each) for each in before):
        share, usual_share = f"{seen:.0f} of {here:.0f} {what}", before[0][0] / before[0][1]
        yield Alarm(name=name, seen=share, expected=f"{usual_share:.0%}", advice=advice)


def _has_grown(seen: float, whole: float, usual: float, before: float) -> bool:
    if before < _KNOWN:
        return False
    share = max(seen - _BATCH, 0) / whole if seen < 0.8 * whole else seen / whole
    return share - usual / before >= _JUMP and _is_rare(seen, whole, usual, before)


def _lengths(now: Counts, recent: Sequence[Counts]) -> Iterable[Alarm]:
    """Of articles that are mostly text; those of pictures with a line each say nothing about it."""
    medians = [number(counts, "length/median") for counts in recent if integer(counts, "article/new") >= FEW_PAGES]
    medians = [length for length in medians if length]
    if integer(now, "article/new") - integer(now, "without/text") < _SOME or len(medians) < FEW_PAGES:
        return
    seen, usual = number(now, "length/median"), median(medians)
    if seen and not usual / 4 <= seen <= usual * 4:
        yield Alarm(
            name="length",
            seen=f"half of the articles have fewer than {seen:.0f} characters",
            expected=f"about {usual:.0f}",
            advice=LOOK,
        )


def usual_age(hours: float, past: Sequence[Counts]) -> float:
    """How old the newest article is at the end of a usual run: the least so far, forgotten over weeks.

    The last 20 runs are not enough: when a site dries up, that would count as usual within ten hours.
    """
    known = [number(counts, "newest/usual") for counts in past if "newest/usual" in counts][:1]
    return min([hours, *(usual * 1.001 for usual in known)])


def _age(now: Counts, recent: Sequence[Counts]) -> Iterable[Alarm]:
    known = [counts for counts in recent if "newest/usual" in counts]
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


def _keys(now: Counts, recent: Sequence[Counts]) -> Iterable[Alarm]:
    """Keys that most pages have now, and that were in most pages of no earlier run."""
    pages, before = integer(now, "article/new"), total(recent, ("article/new",))
    names = [
        key.removeprefix("key/")
        for key in sorted(now)
        if key.startswith("key/")
        and key != "key/unknown"
        and _are_most(now, key)
        and not any(_are_most(counts, key) for counts in recent)
        and _is_rare(integer(now, key), pages, total(recent, (key,)), before)
    ]
    if names:
        yield Alarm(
            name="unknown keys",
            seen=f"most pages have new keys in their data: {', '.join(names[:5])}",
            expected="only keys that the page families know",
            advice="look whether a page family should read them, then add them to those it knows",
        )


def _are_most(counts: Counts, key: str) -> bool:
    seen = integer(counts, key)
    return seen > 1 and 2 * seen > integer(counts, "article/new")
