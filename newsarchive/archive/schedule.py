"""When something is due again. Pure: the clock is passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from newsarchive.archive.ledger import A_MINUTE, PAST_TIMES, PictureRow, Row

_FIRST_DELAY = timedelta(minutes=30)  # the timer's beat
_LONGEST_DELAY = timedelta(days=3)  # eight tries reach over more than a week of a site that is down


def retry_delay(attempts: int, first: timedelta = _FIRST_DELAY) -> timedelta:
    """How long to wait after so many tries in a row have failed.

    >>> [str(retry_delay(n)) for n in (1, 2, 3, 8)]
    ['0:30:00', '1:30:00', '4:30:00', '3 days, 0:00:00']
    """
    factor: int = 3 ** min(max(attempts, 1) - 1, 12)
    return min(first * factor, _LONGEST_DELAY)


_CLOCKS_DIFFER = timedelta(minutes=5)
_A_RUNS_TIME = timedelta(minutes=5)  # what is due in half an hour is due when the next run begins, not in its middle


def next_check(published: datetime, now: datetime, ages: Sequence[timedelta]) -> datetime | None:
    """When to look at the article again: at the first of these ages that it has not reached yet."""
    return min((time for age in ages if (time := _later(published, age)) > now), default=None)


def _later(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:  # a page may say 9999-12-31
        return datetime.max.replace(tzinfo=time.tzinfo)


_SLACK = timedelta(hours=1)  # by which a clock may be set back without a word


@dataclass(frozen=True)
class Latest:
    """The latest times that a ledger can have when no clock was wrong. What is later is corrected."""

    now: datetime
    ages: Sequence[timedelta]

    @property
    def past(self) -> datetime:
        return self.now + _SLACK

    @property
    def next_try(self) -> datetime:
        return _later(self.past, _LONGEST_DELAY)

    @property
    def next_check(self) -> datetime:
        """Of an article that was published just now."""
        return _later(self.past, self._longest)

    @property
    def _longest(self) -> timedelta:
        return max([*self.ages, _LONGEST_DELAY])

    def article(self, row: Row) -> Row:
        """Also a young article that was taken for one whose last re-check is over."""
        changes: dict[str, Any] = {
            name: self.now for name in PAST_TIMES if (getattr(row, name) or self.past) > self.past
        }
        if row.next_try and row.next_try > self.next_try:
            changes["next_try"] = self.now
        born = row.published or changes.get("first_seen") or row.first_seen
        late = row.next_check is not None and row.next_check > _later(max(self.past, born), self._longest)
        over = row.next_check is None and "last_checked" in changes and bool(row.path or row.gone_at)
        if self.ages and (late or over):
            changes["next_check"] = self.now if late and row.attempts else next_check(born, self.now, self.ages)
        return replace(row, **changes)

    def picture(self, row: PictureRow) -> PictureRow:
        return replace(row, next_try=self.now) if row.next_try and row.next_try > self.next_try else row

    def is_behind(self, rows: Sequence[Row]) -> bool:
        """Whether it is this clock that is wrong: most of what was looked at later was published later, too."""
        ahead = [row for row in rows if row.last_checked and row.last_checked > self.past]
        return sum(bool(row.published and row.published > self.past) for row in ahead) * 2 > len(ahead)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What the settings say of tries and re-checks, with the clock of a run."""

    now: Callable[[], datetime]
    """In UTC."""
    ages: Sequence[timedelta]
    """How old an article is when it is looked at again."""
    max_tries: int
    """Tries in a row after which something is reported and left alone."""
    first_delay: timedelta
    """From the first try to the second; the following ones grow."""

    def next_check(self, row: Row | None, published: datetime | None) -> datetime | None:
        """When an article that was just looked at is looked at again; `None`: never.

        Sooner when its page, `published` then, is not yet as new as a list has announced.
        """
        age_zero = published or (row.first_seen if row else self.now())
        regular = next_check(age_zero, self.now(), self.ages)
        if row is None or not row.awaits_edition(published):
            return regular
        looks = row.false_announcements_after(published)
        soon = self.next_try(looks) - _A_RUNS_TIME
        return regular if looks >= self.max_tries else min(regular or soon, soon)

    def look_for_edition(self, row: Row, announced: datetime) -> datetime | None:
        """When to look for the edition that a list announces by its publish time; `None`: it is known of already."""
        now = self.now()
        if announced > now + _CLOCKS_DIFFER or (row.announced and announced <= row.announced):
            return None
        known = row.gone_at or row.last_checked
        if row.path:
            known = min(row.published or row.first_seen, row.archived_at or now)  # the former may be in the future
        if known is None or announced < known + A_MINUTE:
            return None
        tries = max(row.attempts, row.false_announcements)
        if tries >= self.max_tries:
            return (row.last_checked or now) + _LONGEST_DELAY
        later: datetime | None = getattr(row, row.next_look)
        return later if tries and later else now

    def next_try(self, attempts: int) -> datetime:
        """When something is tried again after so many tries in a row."""
        return self.now() + retry_delay(attempts, self.first_delay)

    def next_try_of(self, row: Row) -> datetime | None:
        """When an article is tried again whose page did not come now.

        `None` for an archived one whose tries are used up and whose last re-check is over: what is archived stays.
        Until then its re-checks go on, however long the site is away.
        """
        used_up = bool(row.path) and row.attempts + 1 >= self.max_tries
        if used_up and next_check(row.published or row.first_seen, self.now(), self.ages) is None:
            return None
        return self.next_try(row.attempts + 1)

    def next_try_after_interruption(self, row: Row) -> datetime | None:
        """When an article is tried again whose page ends the process that reads it; `None`: not any more.

        Stricter than for one whose page does not come: each of these tries costs the end of a run. But at first it was
        hardly the page: a run is killed, or meets a full disk, in the middle of some page.
        """
        tries = row.attempts + 1
        if tries >= self.max_tries:
            return None
        return self.now() if tries <= 2 else self.next_try(tries - 2)
