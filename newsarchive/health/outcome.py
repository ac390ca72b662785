"""The exit code of a run, and why the site could not be used. Pure."""

from __future__ import annotations

from collections.abc import Sized

from newsarchive.health.counts import FEW_PAGES, PAGES_READ, Counts, integer, total

ANSWERED = (*PAGES_READ, "article/quarantined_again", "article/gone", "article/still_gone")


def exit_code(*, faults: int, site: str, alarms: Sized) -> int:
    """0, 1, 3 or 4: of several that apply, the one that its caller should know first.

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
