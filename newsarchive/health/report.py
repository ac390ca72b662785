"""The summary at the end of a run, for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newsarchive.messages import counted

_ENDS = {
    "shutdown": "stopped on request; the next run goes on from here",
}


def summary(status: Mapping[str, Any]) -> str:
    """At most five lines."""
    run = status["last_run"]
    counts = run["counts"]

    def number(name: str) -> int:
        return int(counts.get(f"article/{name}", 0))

    parts = [f"{number('new')} new", f"{number('revised')} revised", f"{number('unchanged')} unchanged"]
    if restored := number("restored"):
        parts.append(f"{restored} written again")
    quarantined = number("quarantined") + number("quarantined_again")
    for what, times in (
        ("gone", number("gone")),
        ("failed", number("failed")),
        ("in quarantine", quarantined),
        ("for subscribers", number("for_subscribers")),
        ("cut by the site", number("cut")),
        ("answered with a challenge", number("challenged")),
    ):
        if times:
            parts.append(f"{times} {what}")
    lines = [f"{_read(counts)}: {', '.join(parts)}, in {counts['seconds']:.0f} s"]
    if run["exit_code"] != 1 and (end := _ENDS.get(run["reason"])):
        lines[0] += f"; {end}"
    lines.append(f"{counted(status['documents'], 'article')} in {status['folder']}/content")
    lost = 0 if counts.get("kind") in ("replay", "retry") else int(counts.get("picture/failed", 0))  # no network
    if lost:
        lines[-1] += f"; {counted(lost, 'picture')} could not be fetched"
    if run["exit_code"] == 1:
        more = f" (and {counts['error'] - 1} more)" if counts["error"] > 1 else ""
        lines.append(f"ERROR: {run['message']}{more}")
    elif run["exit_code"] == 3:
        lines.append(f"SITE: {run['message']}")
    lines += _alarm_lines(run["alarms"])
    waiting = status["quarantine"]
    given_up = len(status["given_up"])
    if (run["alarms"] or waiting or given_up) and len(lines) < 5:
        left = [counted(waiting, "page in quarantine")] if waiting else []
        left += [counted(given_up, "article given up")] if given_up else []
        lines.append(f"{', '.join(left) or 'Something looks changed'}: `scrapy status` says what to do")
    return "\n".join(lines[:5])


def _read(counts: Mapping[str, Any]) -> str:
    lists, asked = int(counts.get("request/list", 0)), int(counts.get("request/article", 0))
    if counts.get("kind") in ("replay", "retry"):
        return "Saved pages read"
    return f"{counted(lists, 'list')} and {counted(asked, 'page')} asked for"


def _alarm_lines(alarms: list[Mapping[str, str]]) -> list[str]:
    if not alarms:
        return []
    first = alarms[0]
    more = f" (and {len(alarms) - 1} more)" if len(alarms) > 1 else ""
    return [f"ALARM: {first['name']}: {first['seen']}; expected {first['expected']}{more}"]
