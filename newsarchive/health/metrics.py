"""How a run went and how the archive is, for Prometheus: a text file that node_exporter's textfile collector reads.

It is both OpenMetrics and the older text format, which that collector reads: so there are gauges only, no times beside
the values, and no escapes in a HELP line.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from newsarchive.archive.files import check_regular, write_text

_ALWAYS = (  # counts that are 0 in a run that has not made them: a series that comes and goes makes a poor graph
    *("request/list", "request/article", "list/failed", "site/unreachable", "site/refused", "picture/failed", "error"),
    *(f"article/{it}" for it in ("new", "revised", "restored", "unchanged", "gone", "failed", "quarantined")),
)
_NAMED_BY_THE_SITE = ("key/", "failing/")  # counts with names without limit: each would be a series of its own

Family = tuple[str, str, list[tuple[Mapping[str, str], float]]]
"""Name (without `newsarchive_`), help, and values with their labels."""


def write_metrics(
    file: Path, folder: Path, last_run: Mapping[str, Any], archive: Mapping[str, Any] | None, success: datetime | None
) -> None:
    """Writes the file. `archive` is `None` where nothing is known of it, `success` the last good run's end.

    Raises `OSError`.
    """
    check_regular(file)  # a device would be replaced
    families = [*_run(last_run, success), *(_archive(archive) if archive else ())]
    write_text(file, "".join(_lines(families, {"archive": str(folder)})) + "# EOF\n")


def _run(run: Mapping[str, Any], success: datetime | None) -> Iterator[Family]:
    started, ended = (datetime.fromisoformat(run[name]).timestamp() for name in ("started", "ended"))
    counts: dict[str, Any] = dict.fromkeys(_ALWAYS, 0) | run["counts"]
    shown: list[tuple[Mapping[str, str], float]] = [
        ({"name": name}, number)
        for name, number in sorted(counts.items())
        if isinstance(number, int) and (name in _ALWAYS or "/" in name) and not name.startswith(_NAMED_BY_THE_SITE)
    ]
    alarms = Counter(alarm["name"] for alarm in run["alarms"])
    yield "last_run_timestamp_seconds", "When the last run ended.", [({}, ended)]
    yield "last_run_duration_seconds", "How long it took.", [({}, run["counts"].get("seconds", ended - started))]
    yield "last_run_exit_code", "Its exit code: 0 fine, 1 fault, 3 site away, 4 alarm.", [({}, run["exit_code"])]
    yield "last_run_counts", "What it has counted, by the name of the count.", shown
    yield "last_run_alarms", "How many alarms it has raised.", [({}, alarms.total())]
    yield "last_run_alarm", "The alarms that it has raised, by name.", [({"name": it}, n) for it, n in alarms.items()]
    if success:
        yield "last_success_timestamp_seconds", "When a run last ended with exit code 0.", [({}, success.timestamp())]


def _archive(status: Mapping[str, Any]) -> Iterator[Family]:
    yield "articles", "Known articles, by their state.", [({"state": it}, n) for it, n in status["articles"].items()]
    yield "documents", "Articles with a document, also removed ones.", [({}, status["documents"])]
    yield "quarantine_pages", "Pages that are no whole article.", [({}, status["quarantine"])]
    yield "given_up_articles", "Articles that are not tried any more.", [({}, status["articles_given_up"])]
    yield "given_up_pictures", "Pictures that are not tried any more.", [({}, status["pictures_given_up"])]
    if newest := status["newest"]:
        published = datetime.fromisoformat(newest["published"]).timestamp()
        yield "newest_article_timestamp_seconds", "When the newest article was published.", [({}, published)]


def _lines(families: list[Family], common: Mapping[str, str]) -> Iterator[str]:
    for name, about, values in families:
        yield f"# HELP newsarchive_{name} {about}\n# TYPE newsarchive_{name} gauge\n"
        for labels, value in values:
            shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in ({**common, **labels}).items())
            yield f"newsarchive_{name}{{{shown}}} {value}\n"


def _escaped(text: str) -> str:
    r"""A label's value.

    >>> print(_escaped('a"b\\c\n'))
    a\"b\\c\n
    """
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
