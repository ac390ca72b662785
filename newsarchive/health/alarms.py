"""Has the site changed, and could it be used? Compares the counts of a run with those of earlier ones. Pure.

An alarm means counts that an unchanged site would give once in thousands of runs: `chance` says how often, from those
of earlier runs. The slow test of alarms runs ten thousand natural runs and every harmful change that we could think of.

Counts are the run's stats without their `archive/`, and what `Run` adds: docs/reading-a-run.md explains each of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from math import exp, lgamma
from typing import Any, Self

from newsarchive.items import Article
from newsarchive.messages import counted, printable

FEW_PAGES = 3  # so few are enough when not one of them could be read
PARTIAL = "article/for_subscribers article/cut"
_READ = "article/new article/revised article/restored article/unchanged"
_BAD = "article/quarantined"  # pages that came and could not be read
_PAGES = f"{_READ} {_BAD} {PARTIAL}"
ANSWERED = f"{_PAGES} article/quarantined_again article/gone article/still_gone"
_SOME_TEXT = 50  # characters for each picture: an article with less is one of pictures
_SENTENCE = 10  # characters; pictures of many stories may have less beside them, such as 组图


class Counts(dict[str, Any]):
    """What a run has counted, or several together; 0 for what nobody has counted."""

    def __missing__(self, name: str) -> int:
        return 0

    @classmethod
    def summed(cls, runs: Iterable[Counts]) -> Self:
        sums = cls()
        for counts in runs:
            for name, value in counts.items():
                if not isinstance(value, str):
                    sums[name] += value
        return sums

    def total(self, names: str) -> int:
        """The sum of several, whose names have spaces between them."""
        return sum(self[name] for name in names.split())

    @property
    def good(self) -> int:
        """Pages that came and were whole articles."""
        return max(0, self.total(_READ) - int(self["page/not_modified"]))

    def not_archived(self, *whats: str) -> int:
        """Of the articles counted as `article/<what>`, those that the archive does not have."""
        return sum(self[f"article/{what}"] - self[f"recheck/{what}"] for what in whats)


def traits(article: Article, entry: str = "") -> Iterator[str]:
    """Stats of a new article: what alarms compare with earlier runs. `entry` is what a list said of it, as JSON."""
    yield f"family/{article.family}"
    for trait, is_so in {
        "without/thumbnail": not article.thumbnail,
        "without/picture": not article.pictures,
        "without/named_picture": article.missed_pictures,
        "without/text": not _is_text(article),
        "without/summary": _is_text(article) and not article.summary,
        "page/short": article.is_short,
        "key/unknown": article.unknown_keys,
    }.items():
        if is_so:
            yield trait
    with suppress(ValueError, TypeError, AttributeError):  # no list named it, or not in the form that is known
        named = json.loads(entry)
        if (title := str(named.get("title") or "")) and not _pairs(title) & _pairs(article.title):
            yield "unlike_list/title"
        listed = datetime.fromisoformat(named.get("publish_time"))  # like the page's: by the publisher's clock
        if abs(article.published.replace(tzinfo=None) - listed.replace(tzinfo=None)) > timedelta(hours=1):
            yield "unlike_list/time"


def _is_text(article: Article) -> bool:
    """Whether it is more than pictures or videos with a line of text for each."""
    return len(article.text) >= _SOME_TEXT * (len(article.pictures) + article.videos)


def _pairs(text: str) -> set[str]:
    """Every two neighbouring characters: titles that share none are different titles, not edited ones."""
    return {text[start : start + 2].lower() for start in range(len(text) - 1)}


def _are_alike(one: str, other: str) -> bool:
    a, b = _pairs(one), _pairs(other)
    return len(a & b) > min(len(a), len(b)) / 2


class NewArticles:
    """What the new articles of a run have in common."""

    def __init__(self) -> None:
        self._keys: Counter[str] = Counter()
        # hashes, not texts: a run can be long
        self._same: dict[str, Counter[int]] = {"title": Counter(), "body": Counter(), "time": Counter()}
        self._first: list[tuple[str, str]] = []

    def add(self, article: Article) -> None:
        self._keys.update(printable(key, 80) for key in article.unknown_keys)
        if len(self._first) <= 2:
            self._first.append((article.title, article.text[:2000]))
        self._same["title"][hash(article.title)] += 1
        self._same["body"][hash(article.text if len(article.text) >= _SENTENCE else article.body)] += 1
        self._same["time"][hash(article.published)] += 1

    def counts(self) -> Counts:
        """`same/…`: how many articles have the most frequent title, body and publish time; `key/…`."""
        found = Counts({f"same/{what}": max(values.values()) for what, values in self._same.items() if values})
        if len(self._first) == 2:
            (title, text), (other_title, other_text) = self._first
            # two accounts with one story: so were two pairs of 303 real articles, with 79 % and 94 % of a text alike
            if _are_alike(title, other_title) and _are_alike(text, other_text):
                found |= {"same/title": 1, "same/body": 1}
        found |= {f"key/{name}": number for name, number in self._keys.most_common(50)}
        return found


def site_trouble(run: Mapping[str, Any]) -> str:
    """Why the site could not be used at all; `""` when it answered."""
    counts = Counts(run)
    if counts["reason"] == "refused":
        return "the site's firewall refused us (HTTP 501): wait some hours before the next run"
    unreachable, refused = counts["site/unreachable"], counts["site/refused"]
    if not unreachable and not refused:
        return ""
    answered, challenged = counts.total(ANSWERED), counts["article/challenged"]  # challenges are pages, but no articles
    lists, lists_failed = counts.total("list/read list/unknown"), counts["list/failed"]
    failed = min(counts["article/failed"], max(unreachable + refused - lists_failed, 0))  # others: no pages
    articles_came = failed <= answered or failed < FEW_PAGES
    is_challenged = challenged >= FEW_PAGES and 3 * challenged > answered
    if is_challenged:
        came = f"{challenged} of {answered + challenged} pages ask whether a person reads them"
    elif (answered or lists) and articles_came and lists_failed <= lists:
        return ""
    elif articles_came and answered:
        came = f"{lists} of {lists + lists_failed} lists came"
    else:
        came = f"{answered + lists} of {answered + lists + unreachable + refused} requests were answered"
    if is_challenged or refused > unreachable:
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

MEND = "look at a page in quarantine/, fix or add the page family, then run `scrapy retry` (docs: the site changed)"
LISTS = "look at the list reply in a browser; until the reader is fixed, `-a sitemap=1` still finds articles"
KEYS = "look whether a page family should read it, then add it to those it knows"
LOOK = "open some of the newest articles and their pages in a browser and compare"


@dataclass(frozen=True)
class Alarm:
    """A sign that the site has changed."""

    name: str
    seen: str
    expected: str
    advice: str


def alarms(run: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """The alarms of a run; `history` holds earlier runs, the newest first."""
    now = Counts(run)
    whole = [it for it in map(Counts, history) if it["kind"] == now["kind"] and it["complete"] and not it["filtered"]]
    past = whole[:HISTORY]
    # what is usual now: the last runs, and more of them when they were quiet
    pages = accumulate(counts.total(_PAGES) for counts in past)
    recent = next((number for number, seen in enumerate(pages, 1) if number >= _RECENT and seen >= _ENOUGH), None)
    usual = (Counts.summed(past[:recent]), Counts.summed(past))
    found = [*_lists(now, usual[0]), *_pages(now, past), *_alike(now)]
    # old pages look as they did, whatever the site does today
    if now["kind"] not in ("replay", "retry") and not now["filtered"]:
        found += [*_missing(now, usual), *_shares(now, usual), *_age(now, whole)]
    raised: dict[str, Alarm] = {}
    for alarm in found:
        raised.setdefault(alarm.name, alarm)
    return list(raised.values())


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
        exp(-_log_beta(n + 1, of - n + 1) + _log_beta(often + n, rarely + of - n) - _log_beta(often, rarely)) / (of + 1)
        for n in range(least, of + 1)
    )


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _is_rare(seen: float, whole: float, usual: float, before: float) -> bool:
    return chance(seen, whole, usual, before) < (_RARE if 20 * usual < before else _RARER)


def _lists(now: Counts, usual: Counts) -> Iterable[Alarm]:
    read, unknown = now["list/read"], now["list/unknown"]
    articles, new_type = now["entry/article"], now["entry/unknown_article"]
    entries = sum(now[name] for name in now if name.startswith("entry/"))
    if unknown:  # one is enough: the spider has asked again and again before it counted it
        seen = f"{unknown} of {read + unknown} list replies have no known form, or their address has moved"
        yield Alarm("list form", seen, "none", LISTS)
    is_empty = not entries and read > now["list/always_empty"]
    if is_empty or (entries >= _SOME and not articles and not now["filtered"]):
        seen = f"{counted(read, 'list')} read, and no article named there, known or new"
        yield Alarm("lists empty", seen, "about twenty in each", LISTS)
    failing = {name.partition("/")[2]: runs for name, runs in now.items() if name.startswith("failing/")}
    if failing:
        longest = sorted(failing, key=lambda where: (-failing[where], where))[:8]
        named = ", ".join(f"{where} ({failing[where]})" for where in longest)
        named += f" and {len(failing) - 8} more" if len(failing) > 8 else ""
        seen = f"{counted(len(failing), 'list')} got nothing in so many runs in a row: {named}"
        advice = "open it in a browser; take a channel that no longer exists out of QQ_CHANNELS"
        yield Alarm("failing lists", seen, f"fewer than {FAILING}", advice)
    is_twice_as_usual = new_type * usual["entry/article"] >= 2 * usual["entry/unknown_article"] * articles
    if new_type and (10 * new_type > articles or is_twice_as_usual):
        seen = f"{counted(new_type, 'entry')} of lists of an unknown type, with the id of an article"
        advice = "they are fetched; look at one in the list reply and add its type to newsarchive/qq/lists.py"
        yield Alarm("unknown entries", seen, "only types that the reader of lists knows", advice)


def _pages(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    good, bad = now.good, now[_BAD]
    if bad and not good:  # at night a run has a page or two: those since the last one that could be read count too
        since = list(takewhile(lambda counts: not counts.good, past))
        bad, past = bad + sum(counts[_BAD] for counts in since), past[len(since) :]
    usual = Counts.summed(past)
    bad_new, usual_new = now.not_archived("quarantined"), usual.not_archived("quarantined")
    for what, seen, pages, seen_before, before in (
        ("pages", bad, bad + good, usual[_BAD], usual[_BAD] + usual.good),
        ("pages of new articles", bad_new, bad_new + now["article/new"], usual_new, usual_new + usual["article/new"]),
    ):
        if _is_unreadable(seen, pages, seen_before, before):
            yield Alarm("pages", f"{seen} of {pages} {what} are no whole article", "hardly any", MEND)
    again = now["article/quarantined_again"]
    if again and now["kind"] == "retry":
        those = f"{again} pages of the quarantine still cannot be read"
        yield Alarm("quarantine", those, "none, once the page families are fixed", MEND)


def _is_unreadable(bad: int, pages: int, usual: int, before: int) -> bool:
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


def _missing(now: Counts, usual: Sequence[Counts]) -> Iterable[Alarm]:
    """No article that is new to the archive could be read: the others may come from an older address."""
    by_network = now["site/unreachable"] + now["site/refused"] > now["list/failed"]
    gone, failed = now.not_archived("gone"), 0 if by_network else now.not_archived("failed")
    missing, lost = gone + failed, ("gone", "failed")
    before = [(sums.not_archived(*lost), sums.not_archived(*lost, "new", "quarantined")) for sums in usual]
    are_many = missing > 1 and all(_is_rare(missing, missing, *each) for each in before)
    if (missing > FEW_PAGES or are_many) and not now.not_archived("new", "quarantined"):
        seen = f"no new article came: {gone} are gone, says the site, and {failed} lead elsewhere or cannot be fetched"
        advice = "open one of them in a browser; if it is there, QQ_ARTICLE_URL or its redirects have changed"
        yield Alarm("no article", seen, "nearly all of them", advice)


def _alike(now: Counts) -> Iterable[Alarm]:
    """Different articles with the same content: what was read is not the article."""
    new = now["article/new"]
    for name, what, fewest in (("title", "title", 2), ("body", "text", 2), ("time", "publish time", 3)):
        most = now[f"same/{name}"]
        enough = fewest if now["kind"] == "lists" else FEW_PAGES  # one account may give all its articles one title
        if most >= enough and (most >= new or (most >= FEW_PAGES and 2 * most > new)):
            seen = f"{most} of {new} new articles have one and the same {what}"
            yield Alarm(f"same {name}", seen, "each its own", LOOK)


_SHARES = [  # an alarm, what it is about, the part and the whole, and the advice
    ("lists without entries", "lists", "list/empty", "list/read", LISTS),
    ("entries without pages", "articles asked for", "article/failed", "request/article", LOOK),
    ("entries without pictures", "entries", "entries/without_thumbnail", "entry/article", LISTS),
    ("entries of no kind", "entries", "entry/other", "entry/article entry/other", LISTS),
    ("pages", "pages", _BAD, f"{_READ} {_BAD}", MEND),
    ("for subscribers", "pages", PARTIAL, _PAGES, LOOK),
    ("revisions", "articles looked at again", "article/revised", "article/revised article/unchanged", LOOK),
    ("short", "articles", "page/short", "article/new", LOOK),
    ("no thumbnail", "articles", "without/thumbnail", "article/new", LOOK),
    ("no picture", "articles", "without/picture", "article/new", LOOK),
    ("pictures missed", "articles", "without/named_picture", "article/new", LOOK),
    ("no summary", "articles", "without/summary", "article/new", LOOK),
    ("other titles", "articles", "unlike_list/title", "article/new", LOOK),
    ("other times", "articles", "unlike_list/time", "article/new", LOOK),
]


def _shares(now: Counts, usual: Sequence[Counts]) -> Iterable[Alarm]:
    """Shares so much larger than usual, now and in the last days, that chance does not explain it."""
    rows = list(_SHARES)
    for name in sorted(now.keys() - {"key/unknown"}):
        if name.startswith("family/"):
            rows.append((name.replace("/", " "), "articles", name, "article/new", LOOK))
        elif name.startswith("key/"):
            rows.append(("unknown keys", f"articles with the key {name[4:]} in their data", name, "article/new", KEYS))
    for name, what, part, whole, advice in rows:
        seen, of = now.total(part), now.total(whole)
        recent, past = ((sums.total(part), sums.total(whole)) for sums in usual)
        if seen > 1 and _has_grown(seen, of, *recent) and _has_grown(seen, of, *past):
            yield Alarm(name, f"{seen} of {of} {what}", f"{recent[0] / recent[1]:.0%}", advice)


def _has_grown(seen: float, whole: float, usual: float, before: float) -> bool:
    if before < _KNOWN:
        return False
    share = max(seen - _BATCH, 0) / whole if seen < 0.8 * whole else seen / whole
    return share - usual / before >= _JUMP and _is_rare(seen, whole, usual, before)


def _age(now: Counts, past: Sequence[Counts]) -> Iterable[Alarm]:
    """Compares with all earlier runs: where a site dries up, the newest article of the last hours gets older too."""
    ages = [counts["newest/hours"] for counts in past if "newest/hours" in counts]
    if now["kind"] != "lists" or len(ages) < FEW_PAGES:
        return
    age, limit = now["newest/hours"], max(_STALE, 4 * min(ages))
    if age > limit:
        seen = f"the newest article is {age:.0f} hours old, though lists are read"
        advice = "look at a channel in a browser; if it has newer articles, its list has moved"
        yield Alarm("nothing new", seen, f"at most {limit:.0f} hours", advice)
