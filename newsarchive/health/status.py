"""How a run went and how the archive is: `status.json`, `scrapy status`, a run's summary, a file of metrics."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.archive import NO_LEDGER, no_ledger_in
from newsarchive.archive.database import is_begun, ledger_place
from newsarchive.archive.files import LOCK, QUARANTINE, STATUS, check_regular, holder, is_full, read_file, write_text
from newsarchive.archive.ledger import Ledger
from newsarchive.archive.rebuild import can_be_rebuilt
from newsarchive.archive.tables import RunRow, State
from newsarchive.errors import ArchiveError, describe
from newsarchive.health.alarms import HISTORY, Alarm, Counts, alarms, site_trouble
from newsarchive.messages import counted, shown_time
from newsarchive.options import Options

NO_STATUS = "the run did not come to its end, or could not write how it ended; the next one goes on from there"
GIVEN_UP_NAMED = 100  # articles at most, so that a status does not grow with the archive
ELSEWHERE = "its log says why; it ran on another machine, or with another ARCHIVE_DIR"
NO_RUN = "none so far: `scrapy crawl qq` makes the first"

MEANINGS = {  # of the exit codes
    0: "fine",
    1: "an internal error, or a fault of the machine",
    2: "wrong usage",
    3: "the site was not reachable or refused us",
    4: "alarm: the site looks changed",
    75: "another run holds the archive",
}

NO_ARCHIVE: dict[str, Any] = {  # the part about an archive that has nothing yet, or whose ledger cannot be read
    "articles": {state.value: 0 for state in State},
    "documents": 0,
    "newest": None,
    "quarantine": 0,
    "articles_given_up": 0,
    "given_up": [],
    "pictures_given_up": 0,
}


def run_status(run: RunRow, message: str, raised: Sequence[Alarm] = ()) -> dict[str, Any]:
    return {
        "run": run.run or None,
        "started": _utc(run.started),
        "ended": run.ended and _utc(run.ended),
        "arguments": run.arguments,
        "reason": run.counts.get("reason", "unfinished"),
        "exit_code": run.exit_code,
        "meaning": MEANINGS.get(run.exit_code or 0, ""),
        "message": message,
        "counts": run.counts,
        "alarms": [asdict(alarm) for alarm in raised],
    }


def archive_status(folder: Path, ledger: Ledger, max_tries: int) -> dict[str, Any]:
    by_state, newest = ledger.counts_by_state(), ledger.newest(datetime.now(UTC))
    kept = (it for each in folder.glob(f"{QUARANTINE}/*/") for it in os.scandir(each))
    number, given_up = ledger.exhausted(max_tries, GIVEN_UP_NAMED)
    published = newest and newest.published and newest.published.isoformat()
    return {
        "articles": {state.value: by_state.get(state, 0) for state in State},
        "documents": ledger.documents(),
        "newest": newest and {"id": newest.article_id, "published": published, "path": newest.path},
        "quarantine": sum(it.name.endswith(".json") for it in kept),
        "articles_given_up": number,
        "given_up": [
            {"id": row.article_id, "url": row.url, "tries": row.attempts, "reason": row.reason} for row in given_up
        ],
        "pictures_given_up": ledger.exhausted_pictures(max_tries),
    }


def write_status(folder: Path, last_run: Mapping[str, Any], archive: Mapping[str, Any] = NO_ARCHIVE) -> None:
    """Writes `status.json`. Raises `OSError`."""
    status = {"folder": str(folder), "last_run": last_run} | dict(archive)
    write_text(folder / STATUS, json.dumps(status, ensure_ascii=False, indent=2) + "\n")


def read_status(options: Options) -> dict[str, Any]:
    """What `status.json` says of the last run, and the ledger as it is now. Raises `ArchiveError` and `OSError`.

    The last run is the ledger's where that one is newer: a full disk, or a kill, lets a run leave no `status.json`,
    and one of another machine may leave it there.
    """
    folder, place = options.dir, ledger_place(options)
    held_by, full, last_run = holder(folder / LOCK), is_full(folder), _last_run(folder)
    found: dict[str, Any] = {"folder": str(folder), "held_by": held_by, "last_run": last_run}
    found |= {"left_no_status": False, "full_disk": "", "problem": ""} | NO_ARCHIVE
    if full:
        found["full_disk"] = f"full: the disk of {folder} has less than 1 MB left, no run can write there: make room"
        if last_run and last_run["exit_code"] == 0:
            last_run["meaning"] = "ended well; the disk is full now"
    if not is_begun(place):
        if can_be_rebuilt(folder) and not held_by:
            found["problem"] = no_ledger_in(options.ledger) if options.ledger else NO_LEDGER
        return found
    try:
        with Ledger.open(place, folder=folder, read_only=True) as ledger:
            newest = next(iter(ledger.last_runs(1)), None)
            found |= archive_status(folder, ledger, options.max_tries)
            if options.ledger:
                return found | {"held_by": ", ".join(ledger.database.holders())} | _newest_status(ledger, last_run)
    except (ArchiveError, OSError) as error:
        if not full:
            raise
        return found | {"problem": describe(error)}  # SQLite makes files beside a ledger that it reads
    if newest is None or (held_by and ("pid " not in held_by or f", pid {newest.pid} on " in held_by)):
        return found  # the process that holds the archive is this run
    # by number or by time: the numbers of a rebuilt ledger begin anew, and two runs may begin in one second
    number, started = (last_run["run"], last_run["started"]) if last_run else (0, "")
    if _utc(newest.started) > started or (number is not None and newest.run > number):
        run = replace(newest, exit_code=newest.exit_code or 1)
        found |= {"last_run": run_status(run, NO_STATUS), "left_no_status": True}
    return found


def _newest_status(ledger: Ledger, last_run: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a ledger that several machines share says of the run that has ended last, if that is not this `last_run`."""
    living, runs = ledger.database.living_runs(), ledger.last_runs(5 * HISTORY)
    over = sorted((it for it in runs if it.run not in living), key=lambda it: it.ended or it.started, reverse=True)
    if not over or (last_run and _utc(over[0].ended or over[0].started) <= (last_run["ended"] or last_run["started"])):
        return {}
    newest, *earlier = over
    if newest.ended is None:
        return {"last_run": run_status(replace(newest, exit_code=1), NO_STATUS), "left_no_status": True}
    site = site_trouble(Counts(newest.counts))
    message = site if newest.exit_code == 3 else ELSEWHERE if newest.exit_code == 1 else ""
    again = alarms(newest.counts, [it.counts for it in earlier if it.counts])
    raised = [it for it in again if f"alarm/{it.name}" in newest.counts]
    return {"last_run": run_status(newest, message, raised)}


def _last_run(folder: Path) -> dict[str, Any] | None:
    """What the last run has written about itself. Raises `ArchiveError` for a file that no run wrote so."""
    written = folder / STATUS
    if not os.path.lexists(written):
        return None
    try:
        found = json.loads(read_file(written))["last_run"]
        status_text({"folder": "", "last_run": found} | NO_ARCHIVE)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{written} is not what a run wrote ({error!r}): remove it, the next run writes it"
        raise ArchiveError(problem) from error
    return dict(found)


def status_text(status: Mapping[str, Any]) -> str:
    disk, problem, run = status.get("full_disk"), status.get("problem"), status["last_run"]
    rows = [("Archive", status["folder"]), ("Running", status.get("held_by")), ("Disk", disk)]
    if run is None:
        rows.append(("Last run", "none that could write its status" if disk else NO_RUN))
    else:
        stopped = ", stopped on request" if run["reason"] == "shutdown" else ""
        when = _time(run["ended"]) if run["ended"] else f"begun {_time(run['started'])}"
        rows.append(("Last run", f"{when}: {run['meaning']}{stopped} (exit code {run['exit_code']})"))
        rows.append(("", run["message"]))
    if newest := status["newest"]:
        rows.append(("Newest", f"{_time(newest['published'])}  {newest['path']}"))
    counts = ", ".join(f"{number} {state}" for state, number in status["articles"].items() if number)
    if problem:
        will_be_made = problem == NO_LEDGER and not disk
        counts = f"{problem}: the next run makes one, or `scrapy rebuild`" if will_be_made else problem
    rows.append(("Articles", counts or "none yet"))
    if waiting := status["quarantine"]:
        pages = counted(waiting, "page in quarantine/")
        rows.append(("", f"{pages}: once the parser is fixed, `scrapy retry` reads them again"))
    if number := status["articles_given_up"]:
        articles = counted(number, "article after all tries")
        rows.append(("Given up", f"{articles}; `scrapy crawl qq -a urls=ID,…` tries again"))
        rows += [("", f"{it['id']}  {counted(it['tries'], 'try')}  {it['reason']}") for it in status["given_up"][:10]]
        if number > 10:
            rows.append(("", f"and {number - 10} more: `scrapy status --json` names up to {GIVEN_UP_NAMED}"))
    if lost := status["pictures_given_up"]:
        rows.append(("Pictures", f"{lost} given up after all tries: the documents link to the site"))
    raised = run["alarms"] if run else []
    rows.append(("Alarms", "not known" if status.get("left_no_status") else str(len(raised) or "none")))
    for it in raised:
        rows += [("", f"{it['name']}: {it['seen']}; expected {it['expected']}"), ("", f"  do: {it['advice']}")]
    return "\n".join(f"{label:<10}{text}" for label, text in rows if text)


def summary(status: Mapping[str, Any]) -> str:
    """What a run prints at its end: at most five lines."""
    run = status["last_run"]
    counts, raised = Counts(run["counts"]), run["alarms"]
    articles = {"new": 0, "revised": 0, "unchanged": 0}
    for name, number in sorted(counts.items()):
        if number and name.startswith("article/"):
            articles[name.removeprefix("article/").replace("_", " ")] = number
    outcome = ", ".join(f"{number} {how}" for how, number in articles.items())
    is_offline = counts["kind"] in ("replay", "retry")
    lists, pages = counted(counts["request/list"], "list"), counted(counts["request/article"], "page")
    what = "Saved pages read" if is_offline else f"{lists} and {pages} asked for"
    lines = [f"{what}: {outcome}, in {counts['seconds']:.0f} s"]
    if run["exit_code"] != 1 and run["reason"] == "shutdown":
        lines[0] += "; stopped on request; the next run goes on from here"
    lines.append(f"{counted(status['documents'], 'article')} in {status['folder']}/content")
    if not is_offline and (lost := counts["picture/failed"]):
        lines[1] += f"; {counted(lost, 'picture')} could not be fetched"
    if run["exit_code"] == 1:
        lines.append(f"ERROR: {run['message']}{_and_more(counts['error'])}")
    elif run["exit_code"] == 3:
        lines.append(f"SITE: {run['message']}")
    if raised:
        first = "{name}: {seen}; expected {expected}".format_map(raised[0])
        lines.append(f"ALARM: {first}{_and_more(len(raised))}")
    waiting, given_up = status["quarantine"], status["articles_given_up"]
    if (raised or waiting or given_up) and len(lines) < 5:
        left = [counted(waiting, "page in quarantine")] if waiting else []
        left += [counted(given_up, "article given up")] if given_up else []
        lines.append(f"{', '.join(left) or 'Something looks changed'}: `scrapy status` says what to do")
    return "\n".join(lines)


def _and_more(number: int) -> str:
    return f" (and {number - 1} more)" if number > 1 else ""


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _time(text: str) -> str:
    return shown_time(datetime.fromisoformat(text))


# metrics

_ALWAYS = (  # counts that are 0 in a run that has not made them: a series that comes and goes makes a poor graph
    *("request/list", "request/article", "list/failed", "site/unreachable", "site/refused", "picture/failed", "error"),
    *(f"article/{it}" for it in ("new", "revised", "restored", "unchanged", "gone", "failed", "quarantined")),
)
_NAMED_BY_THE_SITE = ("key/", "failing/")  # counts with names without limit: each would be a series of its own

_Family = tuple[str, str, list[tuple[Mapping[str, str], float]]]
"""Name (without `newsarchive_`), help, and values with their labels."""


def write_metrics(
    file: Path, folder: Path, last_run: Mapping[str, Any], archive: Mapping[str, Any] | None, success: datetime | None
) -> None:
    """Writes a file for Prometheus, which node_exporter's textfile collector reads.

    `archive` is `None` where nothing is known of it, `success` the last good run's end. The file is both OpenMetrics
    and the older text format, which that collector reads: so there are gauges only, no times beside the values, and no
    escapes in a HELP line. Raises `OSError`.
    """
    check_regular(file)  # a device would be replaced
    families = [*_run_families(last_run, success), *(_archive_families(archive) if archive else ())]
    write_text(file, "".join(_metric_lines(families, {"archive": str(folder)})) + "# EOF\n")


def _run_families(run: Mapping[str, Any], success: datetime | None) -> Iterator[_Family]:
    started, ended = (datetime.fromisoformat(run[name]).timestamp() for name in ("started", "ended"))
    counts: dict[str, Any] = dict.fromkeys(_ALWAYS, 0) | run["counts"]
    shown: list[tuple[Mapping[str, str], float]] = [
        ({"name": name}, number)
        for name, number in sorted(counts.items())
        if isinstance(number, int) and (name in _ALWAYS or "/" in name) and not name.startswith(_NAMED_BY_THE_SITE)
    ]
    raised = Counter(alarm["name"] for alarm in run["alarms"])
    yield "last_run_timestamp_seconds", "When the last run ended.", [({}, ended)]
    yield "last_run_duration_seconds", "How long it took.", [({}, run["counts"].get("seconds", ended - started))]
    yield "last_run_exit_code", "Its exit code: 0 fine, 1 fault, 3 site away, 4 alarm.", [({}, run["exit_code"])]
    yield "last_run_counts", "What it has counted, by the name of the count.", shown
    yield "last_run_alarms", "How many alarms it has raised.", [({}, raised.total())]
    yield "last_run_alarm", "The alarms that it has raised, by name.", [({"name": it}, n) for it, n in raised.items()]
    if success:
        yield "last_success_timestamp_seconds", "When a run last ended with exit code 0.", [({}, success.timestamp())]


def _archive_families(status: Mapping[str, Any]) -> Iterator[_Family]:
    yield "articles", "Known articles, by their state.", [({"state": it}, n) for it, n in status["articles"].items()]
    yield "documents", "Articles with a document, also removed ones.", [({}, status["documents"])]
    yield "quarantine_pages", "Pages that are no whole article.", [({}, status["quarantine"])]
    yield "given_up_articles", "Articles that are not tried any more.", [({}, status["articles_given_up"])]
    yield "given_up_pictures", "Pictures that are not tried any more.", [({}, status["pictures_given_up"])]
    if newest := status["newest"]:
        published = datetime.fromisoformat(newest["published"]).timestamp()
        yield "newest_article_timestamp_seconds", "When the newest article was published.", [({}, published)]


def _metric_lines(families: list[_Family], common: Mapping[str, str]) -> Iterator[str]:
    for name, about, values in families:
        yield f"# HELP newsarchive_{name} {about}\n# TYPE newsarchive_{name} gauge\n"
        for labels, value in values:
            pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in ({**common, **labels}).items())
            yield f"newsarchive_{name}{{{pairs}}} {value}\n"


def _escaped(text: str) -> str:
    r"""A label's value.

    >>> print(_escaped('a"b\\c\n'))
    a\"b\\c\n
    """
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
