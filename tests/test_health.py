"""When a run is an alarm, and when it is only a quiet night. Pure: counts in, alarms out."""

from __future__ import annotations

import pytest

from newsarchive.health.alarms import alarms, usual_age
from newsarchive.health.outcome import exit_code, site_trouble

Counts = dict[str, int | float | str]

NIGHT: Counts = {
    "kind": "lists", "complete": 1, "list/read": 24, "entry/article": 480, "entry/known": 480, "newest/hours": 5.0,
    "newest/usual": 0.2,
}  # fmt: skip
DAY: Counts = NIGHT | {
    "entry/known": 460, "request/article": 20, "page/read": 20, "article/new": 20, "family/F5": 19, "family/F4": 1,
    "without/picture": 2, "length/median": 1100, "newest/hours": 0.2,
}  # fmt: skip
PAST: list[Counts] = [DAY] * 10


def names(now: Counts, past: list[Counts]) -> list[str]:
    return [alarm.name for alarm in alarms(now, past)]


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
    assert names(without_articles(article__gone=20), []) == ["all gone"]


@pytest.mark.parametrize("few", [1, 2])
def test_a_page_or_two_are_no_sign(few: int) -> None:
    for how in ("quarantined", "failed", "gone"):
        assert names(without_articles(**{f"article__{how}": few}), []) == []


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
    assert names({"kind": "lists", "complete": 1, "list/read": 24, "entry/other": 480}, []) == ["list entries"]
    filtered: Counts = {"kind": "lists", "complete": 1, "filtered": 1, "list/read": 9, "entry/video": 30}
    assert names(filtered, []) == []


SHARES = {
    "lists without entries": {"list/empty": 12},
    "entries without pages": {"request/article": 40, "article/failed": 20},
    "quarantine": {"article/quarantined": 15},
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


def test_small_numbers_have_no_shares() -> None:
    now: Counts = NIGHT | {"article/new": 4, "without/thumbnail": 4, "family/F4": 4}
    assert names(now, PAST) == []


def test_a_share_that_is_usual_is_none() -> None:
    now = DAY | {"without/picture": 12}
    assert names(now, [now] * 5) == []


def test_runs_of_another_kind_and_unfinished_ones_are_no_history() -> None:
    now = DAY | {"without/picture": 20}
    assert names(now, [counts | {"kind": "urls"} for counts in PAST]) == []
    assert names(now, [counts | {"complete": 0} for counts in PAST]) == []
    assert names(now, [counts | {"filtered": 1} for counts in PAST]) == []
    assert names(now | {"filtered": 1}, PAST) == []


@pytest.mark.parametrize("seen", [100, 9000])
def test_articles_that_are_suddenly_short_or_long(seen: int) -> None:
    assert names(DAY | {"length/median": seen}, PAST) == ["length"]
    assert names(DAY | {"length/median": seen}, []) == []


def test_a_list_that_dried_up_is_noticed_though_every_run_is_fine() -> None:
    past = list(PAST)
    for hours in range(1, 47):
        run = NIGHT | {"newest/hours": float(hours), "newest/usual": usual_age(float(hours), past)}
        assert names(run, past) == [], hours
        past.insert(0, run)
    late = NIGHT | {"newest/hours": 49.0, "newest/usual": usual_age(49.0, past)}
    assert names(late, past) == ["nothing new"]


def test_an_archive_of_old_articles_is_not_expected_to_have_new_ones() -> None:
    old = NIGHT | {"newest/hours": 9000.0, "newest/usual": 9000.0}
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
    assert names(now, [now, *PAST]) == []


def test_no_alarm_twice() -> None:
    now = without_articles(article__quarantined=30) | {"article/new": 2}
    assert len(names(now, PAST)) == len(set(names(now, PAST)))


def test_what_a_run_says_to_its_caller() -> None:
    [alarm] = alarms(without_articles(article__quarantined=20), [])
    assert exit_code(faults=0, site="", alarms=[]) == 0
    assert exit_code(faults=0, site="", alarms=[alarm]) == 4
    assert exit_code(faults=0, site="gone", alarms=[alarm]) == 3
    assert exit_code(faults=1, site="gone", alarms=[alarm]) == 1


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
        "length/median": 1100,
    }
    assert names(now, PAST) == ["no picture"]
