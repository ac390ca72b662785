"""When something is due again. Pure: the clock is passed in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsarchive.archive.tables import A_MINUTE, CLOCKS_DIFFER, Row

_FIRST_DELAY = timedelta(minutes=30)  # the timer's beat
_LONGEST_DELAY = timedelta(days=3)  # eight tries reach over more than a week of a site that is down
_A_RUNS_TIME = timedelta(minutes=5)  # what is due in half an hour is due when the next run begins, not in its middle


def retry_delay(attempts: int, first: timedelta = _FIRST_DELAY) -> timedelta:
    """How long to wait after so many tries in a row have failed.

    >>> [str(retry_delay(n)) for n in (1, 2, 3, 8)]
    ['0:30:00', '1:30:00', '4:30:00', '3 days, 0:00:00']
    """
    factor: int = 3 ** min(max(attempts, 1) - 1, 12)
    return min(first * factor, _LONGEST_DELAY)


def next_check(published: datetime, now: datetime, ages: Sequence[timedelta]) -> datetime | None:
    """When to look at the article again: at the first of these ages that it has not reached yet."""
    left = datetime.max.replace(tzinfo=published.tzinfo) - published  # a page may say 9999-12-31
    return min((time for age in ages if (time := published + min(age, left)) > now), default=None)


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
        if announced > now + CLOCKS_DIFFER or (row.announced and announced <= row.announced):
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
