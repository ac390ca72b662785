"""What a run says to its caller. Pure."""

from __future__ import annotations

from collections.abc import Sized

from newsarchive.health.counts import FEW_PAGES, Counts, bad_pages, good_pages, integer


def exit_code(*, faults: int, site: str, alarms: Sized) -> int:
    """0, 1, 3 or 4, in the order of what its caller should know first.

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
    unreachable, refused = integer(counts, "site/unreachable"), integer(counts, "site/refused")
    if not unreachable and not refused:
        return ""
    if counts.get("reason") == "refused":
        return "the site's firewall refused us (HTTP 501): wait some hours before the next run"
    read = good_pages(counts) + bad_pages(counts) + integer(counts, "article/quarantined_again")
    answered = read + integer(counts, "article/gone") + integer(counts, "article/still_gone")
    lists = integer(counts, "list/read") + integer(counts, "list/unknown")
    failed, lists_failed = integer(counts, "article/failed"), integer(counts, "list/failed")
    articles_came = failed <= answered or failed < FEW_PAGES
    if (answered or lists) and articles_came and lists_failed <= lists:
        return ""
    said = f"{answered + lists} of {answered + lists + unreachable + refused} requests were answered"
    if articles_came and answered:
        said = f"{lists} of {lists + lists_failed} lists came"
    if refused > unreachable:
        return f"the site refused us: {said}; wait, then ask for less or more slowly"
    return f"the site could not be reached: {said}"
