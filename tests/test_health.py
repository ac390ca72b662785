"""When a run is an alarm, and when it is only a quiet night. Pure: counts in, alarms out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from newsarchive.health.alarms import NewArticles, alarms, site_trouble, traits
from newsarchive.items import Article, Picture
from newsarchive.messages import SHOWN_ZONE
from tests.documented import alarms as documented_alarms
from tests.documented import undocumented

Counts = dict[str, int | float | str]

NIGHT: Counts = {
    "kind": "lists", "complete": 1, "list/read": 24, "entry/article": 480, "entry/known": 480, "newest/hours": 5.0,
}  # fmt: skip
DAY: Counts = NIGHT | {
    "entry/known": 460, "request/article": 20, "page/read": 20, "article/new": 20, "family/F5": 19, "family/F4": 1,
    "without/picture": 2, "newest/hours": 0.2,
}  # fmt: skip
PAST: list[Counts] = [DAY] * 10


def names(now: Counts, past: list[Counts]) -> list[str]:
    found = [alarm.name for alarm in alarms(now, past)]
    assert not undocumented(found, documented_alarms()), "docs/site-changed.md does not explain it"
    return found


@pytest.mark.parametrize("past", [[], [NIGHT] * 20, PAST])
@pytest.mark.parametrize("now", [NIGHT, DAY])
def test_days_and_nights_are_no_alarm(now: Counts, past: list[Counts]) -> None:
    assert alarms(now, past) == []


def without_articles(**more: int | float | str) -> Counts:
    return (
        NIGHT | {"entry/known": 460, "request/article": 20} | {name.replace("__", "/"): n for name, n in more.items()}
    )


def test_lists_full_and_no_article_read_is_an_alarm_without_any_history() -> None:
    assert names(without_articles(article__quarantined=20), []) == ["pages"]
    assert names(without_articles(article__failed=20), []) == ["no article"]
    assert names(without_articles(article__gone=20), []) == ["no article"]


@pytest.mark.parametrize("few", [1, 2])
def test_a_page_or_two_are_no_sign_without_earlier_runs(few: int) -> None:
    for how in ("quarantined", "failed", "gone"):
        assert names(without_articles(**{f"article__{how}": few}), []) == []


def odd(pages: int) -> list[Counts]:
    """Earlier runs with 200 pages, of which some could not be read."""
    return [DAY | {"article/new": 20 - (n < pages), "article/quarantined": int(n < pages)} for n in range(10)]


@pytest.mark.parametrize("few", [1, 2])
def test_a_small_run_without_a_readable_page_is_a_sign_where_hardly_any_was_bad(few: int) -> None:
    now = without_articles(article__quarantined=few)
    for past in (PAST, [DAY], odd(1), odd(2)):
        assert names(now, past) == ["pages"]
    assert names(now, [*[NIGHT] * 60, *PAST]) == ["pages"], "a night that follows quiet nights"
    assert names(without_articles(article__quarantined=1), odd(6)) == []


def test_one_odd_page_among_others_is_no_sign() -> None:
    for good in (2, 5, 20):
        assert names(without_articles(article__quarantined=1, article__new=good), PAST) == []


def test_half_of_a_small_run_is_a_sign_where_hardly_any_page_was_bad() -> None:
    now = without_articles(article__quarantined=1, article__new=1)
    assert names(now, PAST) == ["pages"]
    assert names(now, odd(6)) == []


def test_pages_that_are_looked_at_again_say_nothing_for_new_ones() -> None:
    looked_at = {"article__unchanged": 30, "article__quarantined": 2}
    assert names(without_articles(**looked_at), PAST) == ["pages"]
    assert names(without_articles(**looked_at, recheck__quarantined=2), PAST) == []
    assert names(without_articles(**looked_at, article__new=9), PAST) == []


def test_not_modified_is_no_page_that_was_read() -> None:
    now = without_articles(article__unchanged=30, page__not_modified=30, article__quarantined=1)
    assert names(now, PAST) == ["pages"]


@pytest.mark.parametrize("what", ["gone", "failed"])
def test_two_new_articles_that_are_gone_or_lead_elsewhere(what: str) -> None:
    now = without_articles(**{f"article__{what}": 2, "request__article": 2})
    assert "no article" in names(now, PAST)
    assert names(now, [DAY | {f"article/{what}": 1}] * 10) == []
    assert names(now | {f"recheck/{what}": 2}, PAST) in ([], ["entries without pages"])


def test_a_page_or_two_of_each_run_add_up_until_one_can_be_read() -> None:
    bad, nothing = without_articles(article__quarantined=1), without_articles()
    assert names(bad, [nothing, bad, nothing, nothing, DAY, bad]) == []
    assert names(bad, [nothing, bad, nothing, bad, DAY]) == ["pages"]
    assert names(nothing, [bad, bad, bad, bad]) == [], "said once for each page"


def test_a_site_with_subscriptions_has_nights_of_bad_pages_only() -> None:
    paid = DAY | {"article/new": 16, "article/quarantined": 4}
    for few in (3, 5):
        assert names(without_articles(article__quarantined=few), PAST) == ["pages"]
        assert names(without_articles(article__quarantined=few), [paid] * 10) == []
    assert names(without_articles(article__quarantined=6), [paid] * 10) == ["pages"]


def test_bad_pages_never_become_usual() -> None:
    bad = without_articles(article__quarantined=20)
    assert names(bad, [bad] * 20) == ["pages"]
    assert names(without_articles(article__quarantined=500, article__new=20), [bad] * 20) == ["pages"]
    one = without_articles(article__quarantined=1)
    assert names(one, [*[one] * 8, *[bad] * 12]) == ["pages"]


def test_pages_that_were_in_quarantine_before_do_not_alarm_every_half_hour() -> None:
    assert names(NIGHT | {"article/quarantined_again": 30, "request/article": 30}, []) == []


def test_lists_that_nobody_can_read() -> None:
    changed: Counts = {"kind": "lists", "complete": 1, "list/unknown": 24}
    assert names(changed, []) == ["list form"]
    assert names(NIGHT | {"list/unknown": 1}, PAST) == ["list form"], "it was asked five times"


def test_lists_that_name_nothing() -> None:
    assert names({"kind": "lists", "complete": 1, "list/read": 24, "list/empty": 24}, []) == ["lists empty"]
    assert names({"kind": "lists", "complete": 1, "list/read": 24, "entry/other": 480}, []) == ["lists empty"]
    filtered: Counts = {"kind": "lists", "complete": 1, "filtered": 1, "list/read": 9, "entry/video": 30}
    assert names(filtered, []) == []


SHARES = {
    "lists without entries": {"list/empty": 12},
    "entries without pages": {"request/article": 40, "article/failed": 20},
    "pages": {"article/quarantined": 15},
    "no thumbnail": {"without/thumbnail": 20},
    "no picture": {"without/picture": 15},
    "no summary": {"without/summary": 12},
    "family F4": {"family/F4": 19, "family/F5": 1},
}


@pytest.mark.parametrize("name", SHARES)
def test_a_share_that_jumps_is_an_alarm_beside_earlier_runs_only(name: str) -> None:
    now = DAY | SHARES[name]
    assert names(now, PAST) == [name]
    assert names(now, []) == []
    [alarm] = alarms(now, PAST)
    assert alarm.seen
    assert alarm.expected
    assert alarm.advice


@pytest.mark.parametrize("new", [2, 4])
def test_what_hardly_any_article_was_is_a_sign_in_a_small_run_too(new: int) -> None:
    past = [DAY | {"family/F4": 0, "family/F5": 20}] * 10
    now: Counts = NIGHT | {"article/new": new, "without/thumbnail": new, "family/F4": new}
    assert names(now, past) == ["no thumbnail", "family F4"]
    assert names(now | {"article/new": 1, "without/thumbnail": 1, "family/F4": 1}, past) == []


def test_what_many_articles_are_is_none() -> None:
    past = [DAY | {"without/picture": 8}] * 10
    assert names(NIGHT | {"article/new": 4, "without/picture": 4, "family/F5": 4}, past) == []
    assert names(DAY | {"without/picture": 20}, past) == ["no picture"]


def test_five_articles_of_one_account_are_no_sign() -> None:
    assert names(DAY | {"without/thumbnail": 5}, PAST) == []


def test_what_was_usual_in_the_last_days_is_no_sign_after_a_day_of_something_else() -> None:
    picture_day = [DAY | {"without/picture": 0}] * 30
    past = [*picture_day, *[DAY | {"without/picture": 9}] * 300]
    assert names(DAY | {"without/picture": 13}, past) == []


def test_a_share_that_is_usual_is_none() -> None:
    now = DAY | {"without/picture": 12}
    assert names(now, [now] * 5) == []


def test_runs_of_another_kind_and_unfinished_ones_are_no_history() -> None:
    now = DAY | {"without/picture": 20}
    assert names(now, [counts | {"kind": "urls"} for counts in PAST]) == []
    assert names(now, [counts | {"complete": 0} for counts in PAST]) == []
    assert names(now, [counts | {"filtered": 1} for counts in PAST]) == []
    assert names(now | {"filtered": 1}, PAST) == []


def test_a_list_that_dried_up_is_noticed_though_every_run_is_fine() -> None:
    past = list(PAST)
    for half_hours in range(1, 96):
        run = NIGHT | {"newest/hours": half_hours / 2}
        assert names(run, past) == [], half_hours
        past.insert(0, run)
    for half_hours in range(97, 30 * 48):
        run = NIGHT | {"newest/hours": half_hours / 2}
        past.insert(0, run)
    assert names(run, past) == ["nothing new"], "also after a month"


def test_an_archive_of_old_articles_is_not_expected_to_have_new_ones() -> None:
    old = NIGHT | {"newest/hours": 9000.0}
    assert names(old, [old] * 20) == []


def test_a_replay_of_old_pages_is_not_compared() -> None:
    now = DAY | {"kind": "replay", "family/F4": 20, "family/F5": 0, "without/thumbnail": 20}
    assert names(now, [counts | {"kind": "replay"} for counts in PAST]) == []
    assert names(now | {"article/quarantined": 30}, []) == ["pages"]


def test_a_new_key_in_most_pages() -> None:
    now = DAY | {"key/unknown": 20, "key/newLayout": 20, "key/rare": 2}
    [alarm] = alarms(now, PAST)
    assert alarm.name == "unknown keys"
    assert "newLayout" in alarm.seen
    assert "rare" not in alarm.seen
    assert names(now, [now] * 20) == []


def test_no_alarm_twice() -> None:
    now = without_articles(article__quarantined=30) | {"article/new": 2}
    assert len(names(now, PAST)) == len(set(names(now, PAST)))


@pytest.mark.parametrize(("what", "fewest"), [("title", 2), ("body", 2), ("time", 3)])
def test_articles_that_are_all_alike(what: str, fewest: int) -> None:
    def alike(new: int, same: int, **more: str) -> Counts:
        return NIGHT | {"article/new": new, "family/F5": new, f"same/{what}": same, **more}

    for new in (fewest, 12):
        assert names(alike(new, new), PAST) == [f"same {what}"]
    assert names(alike(12, 7), PAST) == [f"same {what}"]
    assert names(alike(12, 3), PAST) == []
    assert names(alike(1, 1), PAST) == []
    assert names(alike(2, 2, kind="accounts"), []) == [], "a daily column"


def article(title: str = "题目", text: str = "文" * 300, **more: Any) -> Article:
    fields = {"published": datetime(2026, 11, 3, 9, tzinfo=SHOWN_ZONE), "summary": text[:50], "thumbnail": "t", **more}
    return Article(source="qq", article_id="20261103A00AB100", url="", title=title, body=text, text=text, **fields)


def together(*articles: Article) -> Counts:
    seen = NewArticles()
    for each in articles:
        seen.add(each)
    return seen.counts()


def test_what_articles_have_in_common() -> None:
    nine = datetime(2026, 11, 3, 9, tzinfo=SHOWN_ZONE)
    stories = [article(f"{n}", chr(0x4E00 + n) * 300, published=nine + timedelta(minutes=n)) for n in range(5)]
    assert together(*stories) == {"same/title": 1, "same/body": 1, "same/time": 1}
    named = [replace(story, title="腾讯新闻") for story in stories]
    assert together(*named)["same/title"] == 5
    assert together(*named[:2])["same/title"] == 2
    assert together(*(replace(story, text="请在客户端里看这篇文章的全文") for story in stories))["same/body"] == 5
    assert together() == {}


def test_one_story_of_two_accounts_is_two_articles() -> None:
    text = "".join(chr(0x4E00 + n) for n in range(400))
    assert together(article("题目", text), article("题目", text[:300] + "完"))["same/title"] == 1
    assert together(article("题目一", text), article("题目一！", text))["same/body"] == 1


def test_traits() -> None:
    entry = '{"title": "题目", "publish_time": "2026-11-03 09:00:00"}'
    pictured = article(pictures=[Picture(url="p")], family="F5")
    assert list(traits(pictured, entry)) == ["family/F5"]
    assert list(traits(pictured)) == ["family/F5"]
    assert set(traits(replace(pictured, pictures=[], thumbnail=""))) >= {"without/picture", "without/thumbnail"}
    assert "without/named_picture" in set(traits(replace(pictured, pictures=[], missed_pictures=True)))
    assert "page/short" in set(traits(replace(pictured, is_short=True)))
    assert "without/summary" in set(traits(replace(pictured, summary="")))
    assert set(traits(replace(pictured, text="", summary=""))) == {"family/F5", "without/text"}


@pytest.mark.parametrize(
    ("title", "time", "found"),
    [
        ("题目：换了说法", "2026-11-03 09:30:00", set()),
        ("腾讯新闻", "2026-11-03 09:00:00", {"unlike_list/title"}),
        ("题目", "2026-11-02 09:00:00", {"unlike_list/time"}),
        ("", "", set()),
        ("题目", "昨天", set()),
        ("题", "2026-11-03T09:00:00+08:00", {"unlike_list/title"}),
    ],
)
def test_an_article_beside_its_list_entry(title: str, time: str, found: set[str]) -> None:
    entry = json.dumps({"title": title, "publish_time": time})
    assert {trait for trait in traits(article(), entry) if trait.startswith("unlike")} == found


@pytest.mark.parametrize("entry", ["", "{", "[]", '"x"', '{"title": 5}'])
def test_a_list_entry_that_is_none(entry: str) -> None:
    assert set(traits(article(), entry)) <= {"family/", "without/picture", "unlike_list/title"}


def test_entries_of_an_unknown_type() -> None:
    assert names(NIGHT | {"entry/unknown_article": 1}, PAST) == ["unknown entries"]
    assert names(NIGHT | {"entry/unknown_article": 1}, []) == ["unknown entries"]
    assert names(NIGHT | {"entry/unknown_article": 1}, [NIGHT | {"entry/unknown_article": 1}] * 10) == []
    assert names(NIGHT | {"entry/unknown_article": 90}, [NIGHT | {"entry/unknown_article": 90}] * 10) != []


def test_entries_without_pictures_are_seen_before_articles_are() -> None:
    past = [NIGHT | {"entries/without_thumbnail": 60}] * 10
    assert names(NIGHT | {"entries/without_thumbnail": 90}, past) == []
    assert names(NIGHT | {"entries/without_thumbnail": 480}, past) == ["entries without pictures"]


def test_lists_that_fail_again_and_again_are_named() -> None:
    [alarm] = alarms(DAY | {"failing/channel nba": 3, "failing/channel auto": 12}, PAST)
    assert alarm.name == "failing lists"
    assert "channel auto (12), channel nba (3)" in alarm.seen
    many = {f"failing/channel {n:02}": 4 for n in range(12)}
    [alarm] = alarms(DAY | many, PAST)
    assert "12 lists" in alarm.seen
    assert alarm.seen.endswith("channel 07 (4) and 4 more")


def test_lists_that_were_always_empty_are_no_sign() -> None:
    lic: Counts = {"kind": "lists", "complete": 1, "list/read": 1, "list/empty": 1}
    assert names(lic, []) == ["lists empty"]
    assert names(lic | {"list/always_empty": 1}, []) == []


def test_all_pages_for_subscribers_are_a_sign_where_few_were() -> None:
    few = [DAY | {"article/for_subscribers": 2}] * 10
    assert names(without_articles(article__for_subscribers=12), few) == ["for subscribers"]
    assert names(without_articles(article__for_subscribers=1, article__cut=1), few) == []
    assert names(without_articles(article__for_subscribers=2), few) == []
    assert names(DAY | {"article/for_subscribers": 5}, few) == []


def test_short_texts_and_revisions_without_end() -> None:
    assert names(DAY | {"page/short": 20}, PAST) == ["short"]
    assert names(DAY | {"page/short": 2}, PAST) == []
    edits = [DAY | {"article/revised": 2, "article/unchanged": 30}] * 10
    assert names(DAY | {"article/revised": 32}, edits) == ["revisions"]
    assert names(DAY | {"article/revised": 4, "article/unchanged": 28}, edits) == []


def test_challenges_are_a_site_that_refuses_and_no_layout() -> None:
    challenged = without_articles(article__challenged=12, site__refused=12)
    assert names(challenged, PAST) == []
    assert "the site refused us: 12 of 12 pages" in site_trouble(challenged)
    assert site_trouble(without_articles(article__challenged=3, site__refused=3)) != ""
    assert site_trouble(DAY | {"article/challenged": 10, "site/refused": 10}) != "", "it began to refuse"
    assert site_trouble(DAY | {"article/challenged": 3, "site/refused": 3}) == "", "a few among many"
    assert site_trouble(without_articles(article__challenged=2, site__refused=2)) == ""


def test_pages_that_lead_elsewhere_are_not_a_site_that_cannot_be_reached() -> None:
    assert site_trouble({"site/unreachable": 1, "list/failed": 1, "list/read": 24, "article/failed": 12}) == ""


def test_when_the_site_is_to_blame() -> None:
    assert site_trouble({}) == ""
    assert "could not be reached" in site_trouble({"site/unreachable": 24})
    assert "refused" in site_trouble({"site/refused": 24})
    assert "firewall" in site_trouble({"site/refused": 1, "reason": "refused", "article/new": 30})
    assert site_trouble({"site/unreachable": 2, "article/failed": 2, "article/new": 3, "list/read": 4}) == ""
    assert site_trouble({"site/unreachable": 1, "article/failed": 1, "list/read": 4}) == "", "only one page of a night"
    assert site_trouble({"site/unreachable": 9, "article/failed": 9, "list/read": 4}) != ""


def test_most_lists_away_is_no_run_that_was_fine() -> None:
    assert "1 of 25 lists came" in site_trouble(
        {"list/read": 1, "list/failed": 24, "site/unreachable": 24, "article/new": 30}
    )
    assert site_trouble({"list/read": 13, "list/failed": 12, "site/unreachable": 12}) == ""


def test_articles_that_came_as_not_modified_say_nothing_about_pictures_and_keys() -> None:
    now = NIGHT | {"article/new": 5, "article/unchanged": 20, "family/F5": 5, "key/novel": 5}
    assert names(now, PAST) == ["unknown keys"]
    now = NIGHT | {
        "article/new": 12,
        "article/unchanged": 40,
        "family/F5": 12,
        "without/picture": 12,
    }
    assert names(now, PAST) == ["no picture"]
