"""The report in English or Chinese: what `statistics` has found as charts, tables and sentences.

`report.html` is the page that shows them, `report.zh.toml` has their Chinese.
"""

import tomllib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsarchive.archive.tables import ChangeKind, RunRow
from newsarchive.health import charts
from newsarchive.health.alarms import Counts
from newsarchive.health.charts import Chart, Table
from newsarchive.health.statistics import LATER, UNREADABLE, Groups, Statistics, alarm_names
from newsarchive.health.status import MEANINGS
from newsarchive.messages import SHOWN_ZONE, printable

LANGUAGES = {"en": "en", "zh": "zh-CN"}  # what `--lang` may be, and what HTML calls it
_FOLDER = Path(__file__).parent
_DAYS, _FEW_DAYS = 60, 14  # of a chart by day, at most and at least
_MONTHS = 36  # of a chart by month; a longer time is shown by year
_YEARS = 60
_MOST = 15  # bars of channels, publishers and reasons; the others are one
_RUNS = 20  # that are named
_TITLE = 80  # characters
_AGES = ((10, "min"), (30, "min"), (1, "h"), (3, "h"), (6, "h"), (1, "d"), (3, "d"), (7, "d"), (30, "d"))
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_OF_KINDS = {ChangeKind.EDITED: charts.ORANGE, ChangeKind.REMOVED: charts.RED, ChangeKind.BACK: charts.GREEN}
_OF_CODES = {0: charts.BLUE, 1: charts.RED, 3: charts.GREY, 4: charts.ORANGE}


class Words:
    """What the report says in its language, numbers included."""

    def __init__(self, language: str) -> None:
        self.tag = LANGUAGES[language]
        self.translations: dict[str, str] | None = None
        if language != "en":
            self.translations = tomllib.loads((_FOLDER / f"report.{language}.toml").read_text("utf-8"))

    def __call__(self, text: str, **values: object) -> str:
        """Raises `KeyError` for what nobody has translated."""
        return (text if self.translations is None else self.translations[text]).format(**values)

    def size(self, size: float) -> str:
        """Of bytes.

        >>> [Words("en").size(size) for size in (0, 999, 1_500, 123_456_789, 5e15)]
        ['0 B', '999 B', '1.5 kB', '123 MB', '5000 TB']
        """
        units = ["B", "kB", "MB", "GB", "TB"]
        while size >= 1000 and len(units) > 1:
            size, units = size / 1000, units[1:]
        return f"{size:.{0 if size >= 100 or units[0] == 'B' else 1}f} {units[0]}"

    def duration(self, seconds: float) -> str:
        """To two digits.

        >>> [Words("en").duration(seconds) for seconds in (0.4, 90, 600, 100_000, 500_000)]
        ['0.4 s', '90 s', '10 min', '28 h', '5.8 d']
        """
        unit = next((unit for unit, most in (("s", 120), ("min", 7200), ("h", 2 * 86400)) if seconds < most), "d")
        number = seconds / _SECONDS[unit]
        return f"{number:.{0 if number >= 10 else 1}f} {self(unit)}"


Part: TypeAlias = str | Table | Chart | tuple[Chart, ...]
"""A paragraph, a table, a chart, or charts beside each other."""


def report(found: Statistics, language: str) -> str:
    """The whole page."""
    words = Words(language)
    sections = {
        "Articles": _articles(found, words),
        "Channels and publishers": _places(found, words),
        "Edits and removals": _changes(found, words),
        "Delay": _delay(found, words),
        "Pages": _pages(found, words),
        "Sizes": _sizes(found, words),
        "Runs": _runs(found, words),
    }
    loader = FileSystemLoader(_FOLDER)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = jinja.get_template("report.html")
    return page.render(words=words, charts=charts, now=found.now, tiles=_tiles(found, words), sections=sections)


# sections


def _tiles(found: Statistics, words: Words) -> dict[str, str]:
    tiles = {
        words("documents"): f"{found.documents:,}",
        words("edits"): f"{found.changes[ChangeKind.EDITED].total():,}",
        words("removals"): f"{found.changes[ChangeKind.REMOVED].total():,}",
        words("pages in quarantine"): f"{found.quarantine.total():,}",
        words("on disk"): words.size(sum(size for _, size in found.sizes.values())),
    }
    if found.runs:
        tiles[words("last run, {time}", time=_time(found.runs[0].started))] = _code(found.runs[0], words)
    return tiles


def _articles(found: Statistics, words: Words) -> Iterator[Part]:
    if states := [f"{words(state)} {number:,}" for state, number in found.states.items() if number]:
        yield words("By state: {states}.", states=words(", ").join(states))
    if not found.documents:
        return
    yield from _by_time(words, "Articles published", {words("articles"): found.by_day}, found)
    hours = range(24)
    yield Chart(
        title=words("{what} by hour", what=words("Articles published")),
        names=[f"{hour:02}" for hour in hours],
        series={words("articles"): [found.by_hour[hour] for hour in hours]},
    )


def _places(found: Statistics, words: Words) -> Iterator[Part]:
    if not found.documents:
        return
    channels = words("{number} channels. An article of several counts in each.", number=_named(found.by_channel))
    publishers = words("{number} publishers.", number=_named(found.by_publisher))
    yield (
        _largest(words, "Articles by channel", found.by_channel, found.documents, channels),
        _largest(words, "Articles by publisher", found.by_publisher, found.documents, publishers),
    )


def _changes(found: Statistics, words: Words) -> Iterator[Part]:
    kinds = [kind for kind in LATER if found.changes[kind]]
    if not kinds:
        return
    series = {words(kind): found.changes[kind] for kind in kinds}
    yield from _by_time(words, "Edits and removals", series, found, [_OF_KINDS[kind] for kind in kinds])
    if aged := [kind for kind in kinds if found.ages[kind] and kind is not ChangeKind.BACK]:
        yield Chart(
            title=words("How long after publication they were noticed"),
            names=_age_names(words),
            series={words(kind): _by_age(found.ages[kind]) for kind in aged},
            colors=[_OF_KINDS[kind] for kind in aged],
            is_stacked=False,
            notes=[
                *(_typical(words(kind), found.ages[kind], words) for kind in aged),
                words("The archive notices them when it looks at the article again, not when they happen."),
                *_undated(sum(found.undated[kind] for kind in aged), words),
            ],
        )
    rows = [
        [
            _time(it.time),
            words(it.kind),
            printable(it.title or it.article_id, _TITLE),
            words(", ").join(map(words, it.changed)),
            f"+{it.added:,} −{it.removed:,}" if it.added or it.removed else "",
            it.article_id,
        ]
        for it in found.latest
    ]
    heads = [words(head) for head in ("time", "what", "title", "changed", "characters", "id")]
    yield Table(caption=words("The latest edits and removals"), heads=heads, rows=rows)


def _delay(found: Statistics, words: Words) -> Iterator[Part]:
    if ages := found.ages[ChangeKind.NEW]:
        yield Chart(
            title=words("From publication to archive"),
            names=_age_names(words),
            series={words("articles"): _by_age(ages)},
            notes=[_typical(words("Articles"), ages, words), *_undated(found.undated[ChangeKind.NEW], words)],
        )


def _pages(found: Statistics, words: Words) -> Iterator[Part]:
    if found.documents:
        families = _largest(words, "Documents by page family", found.by_family, found.documents, what="documents")
        yield (families, *_fields(found, words))
    if not found.quarantine:
        yield words("There is no page in quarantine.")
        return
    reasons = Counter({words(it) if it == UNREADABLE else it: number for it, number in found.quarantine.items()})
    yield _largest(words, "Pages in quarantine by reason", reasons, reasons.total(), what="pages", is_half=False)


def _fields(found: Statistics, words: Words) -> Iterator[Chart]:
    fields = {words(name): it for name, it in found.fields.items() if it.of}
    if not fields:
        return
    notes = [words("Publisher, channels and tags: of the documents. The others: of what the last runs found new.")]
    if number := found.without_facts:
        text = "Left out: {number} documents of an older program, until `scrapy reextract`."
        notes.append(words(text, number=number))
    yield Chart(
        title=words("Share of articles that have it"),
        names=[*fields],
        series={words("share"): [it.having / it.of for it in fields.values()]},
        shown="{:.1%}".format,
        is_horizontal=True,
        is_half=True,
        more={
            words("have it"): [f"{it.having:,}" for it in fields.values()],
            words("of"): [f"{it.of:,}" for it in fields.values()],
        },
        notes=notes,
    )


def _sizes(found: Statistics, words: Words) -> Iterator[Part]:
    yield Chart(
        title=words("Room on the disk"),
        names=[words(name) for name in found.sizes],
        series={words("size"): [size for _, size in found.sizes.values()]},
        shown=words.size,
        is_horizontal=True,
        more={words("files"): [f"{number:,}" for number, _ in found.sizes.values()]},
    )


def _runs(found: Statistics, words: Words) -> Iterator[Part]:
    if not found.runs:
        return
    by_code: dict[int | None, Counter[date]] = defaultdict(Counter)
    alarms: dict[str, list[RunRow]] = defaultdict(list)
    for run in found.runs:
        by_code[run.exit_code][_day(run)] += 1
        for name in alarm_names(run):
            alarms[name].append(run)
    codes = sorted(by_code, key=lambda code: (code is None, code))
    series = {words("no end") if code is None else str(code): by_code[code] for code in codes}
    colors = [charts.PURPLE if code is None else _OF_CODES.get(code, charts.GREEN) for code in codes]
    meanings = [
        words("{code}: {meaning}.", code=code, meaning=words(MEANINGS[code])) for code in codes if code in MEANINGS
    ]
    yield from _by_time(words, "Exit codes of runs", series, found, colors, meanings)
    yield _durations(found, words)
    if alarms:
        rows = sorted([name, f"{len(runs):,}", _time(runs[0].started)] for name, runs in alarms.items())
        heads = [words(head) for head in ("alarm", "runs", "last")]
        yield Table(caption=words("Alarms of these runs"), heads=heads, rows=rows)
    rows = [_run(run, words) for run in found.runs[:_RUNS]]
    heads = [words(head) for head in ("begun", "took", "exit code", "new", "edited", "removed", "alarms")]
    yield Table(caption=words("The latest runs"), heads=heads, rows=rows)


def _durations(found: Statistics, words: Words) -> Chart:
    lengths: dict[date, list[float]] = defaultdict(list)
    for run in found.runs:
        if run.ended:
            lengths[_day(run)].append((run.ended - run.started).total_seconds())
    days = _days(found, lengths)
    are_long = max(map(max, lengths.values()), default=0) > 600
    title = "Duration of runs by day, in minutes" if are_long else "Duration of runs by day, in seconds"
    return Chart(
        title=words(title),
        names=[f"{day:%m-%d}" for day in days],
        series={
            words(name): [round(number(lengths.get(day) or [0]) / (60 if are_long else 1), 1) for day in days]
            for name, number in (("median", median), ("longest", max))
        },
        colors=[charts.BLUE, charts.GREY],
        is_stacked=False,
        shown="{:,.1f}".format,
        notes=[_span(days, words)],
    )


def _run(run: RunRow, words: Words) -> list[str]:
    counts = Counts(run.counts)
    names = alarm_names(run) or ([words("not recorded")] if run.exit_code == 4 else [])
    return [
        _time(run.started),
        words.duration((run.ended - run.started).total_seconds()) if run.ended else "",
        _code(run, words),
        *(f"{counts[f'article/{what}']:,}" for what in ("new", "revised", "gone")),
        words(", ").join(names),
    ]


def _code(run: RunRow, words: Words) -> str:
    if run.exit_code is None:
        return words("no end: still going on, or killed")
    if run.exit_code not in MEANINGS:
        return str(run.exit_code)
    return words("{code}: {meaning}", code=run.exit_code, meaning=words(MEANINGS[run.exit_code]))


def _time(time: datetime) -> str:
    return f"{time.astimezone(SHOWN_ZONE):%Y-%m-%d %H:%M}"


def _day(run: RunRow) -> date:
    return run.started.astimezone(SHOWN_ZONE).date()


# charts by time, by size and by age


def _by_time(
    words: Words,
    title: str,
    series: Mapping[str, Counter[date]],
    found: Statistics,
    colors: Sequence[str] = (charts.BLUE,),
    notes: Iterable[str] = (),
) -> Iterator[Chart]:
    """By day, and if there is more than that by month, or by year."""
    counted = sum(series.values(), Counter[date]())
    days = _days(found, counted)
    earlier = [day for day in counted if day < days[0]]
    left_out = 0 if earlier else counted.total() - sum(counted[day] for day in days)
    yield Chart(
        title=words("{what} by day", what=words(title)),
        names=[f"{day:%m-%d}" for day in days],
        series={name: [its[day] for day in days] for name, its in series.items()},
        colors=colors,
        notes=[_span(days, words), *notes, *_left_out(left_out, words)],
    )
    if not earlier:
        return
    first, last = max(min(earlier), date(max(days[-1].year - _YEARS, 1), 1, 1)), days[-1]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    if len(months) <= _MONTHS:
        by, names = "{what} by month", [f"{it // 12:04}-{it % 12 + 1:02}" for it in months]
    else:
        by, names = "{what} by year", [f"{it:04}" for it in range(first.year, last.year + 1)]
    sums = {name: _summed(its, len(names[0])) for name, its in series.items()}
    left_out = counted.total() - sum(its[name] for its in sums.values() for name in names)
    yield Chart(
        title=words(by, what=words(title)),
        names=names,
        series={name: [its[each] for each in names] for name, its in sums.items()},
        colors=colors,
        notes=_left_out(left_out, words),
    )


def _summed(by_day: Mapping[date, int], length: int) -> Counter[str]:
    """By the beginning of the day's ISO format: its year, or year and month."""
    found: Counter[str] = Counter()
    for day, number in by_day.items():
        found[day.isoformat()[:length]] += number
    return found


def _left_out(number: int, words: Words) -> list[str]:
    return [words("Left out, of other times: {number}.", number=f"{number:,}")] if number else []


def _days(found: Statistics, of: Iterable[date]) -> list[date]:
    """The last days of which there is something: until today, unless all is older or, at most by a day, newer."""
    today = found.now.date()
    newest = max((day for day in of if day <= today + timedelta(days=1)), default=today)
    end = max(today, newest) if newest > today - timedelta(days=_DAYS) else newest
    first = min(min(of, default=end).toordinal(), end.toordinal() - _FEW_DAYS + 1)
    return [date.fromordinal(day) for day in range(max(first, end.toordinal() - _DAYS + 1, 1), end.toordinal() + 1)]


def _span(days: Sequence[date], words: Words) -> str:
    return words("{first} to {last}.", first=days[0], last=days[-1])


def _largest(
    words: Words, title: str, counted: Counter[str], of: int, *notes: str, what: str = "articles", is_half: bool = True
) -> Chart:
    """Bars of the largest ones; the others in a note."""
    ordered = sorted(counted.items(), key=lambda it: (-it[1], it[0]))
    bars, others = ordered[:_MOST], ordered[_MOST:]
    more = {words("share"): [f"{number / of:.1%}" for _, number in bars]}
    if isinstance(counted, Groups):
        more[words("newest")] = [str(counted.newest[name]) for name, _ in bars]
    if others:
        number, total = f"{len(others):,}", f"{sum(number for _, number in others):,}"
        notes += (words("{number} more have {sum}.", number=number, sum=total),)
    return Chart(
        title=words(title),
        names=[name or words("(not known)") for name, _ in bars],
        series={words(what): [number for _, number in bars]},
        is_horizontal=True,
        is_half=is_half,
        more=more,
        is_open=not is_half,  # its names may be too long for the drawing
        notes=notes,
    )


def _named(groups: Groups) -> str:
    return f"{len(groups.keys() - {''}):,}"


def _age_names(words: Words) -> list[str]:
    ages = [f"{number} {words(unit)}" for number, unit in _AGES]
    return [*(words("≤ {age}", age=age) for age in ages), words("> {age}", age=ages[-1])]


def _by_age(ages: Sequence[float]) -> list[int]:
    """How many are in each of the ages that `_age_names` names; `ages` are sorted."""
    ends = [bisect_right(ages, number * _SECONDS[unit]) for number, unit in _AGES]
    return [after - before for before, after in pairwise([0, *ends, len(ages)])]


def _typical(what: str, ages: Sequence[float], words: Words) -> str:
    half, most = (words.duration(ages[-(-len(ages) * tenths // 10) - 1]) for tenths in (5, 9))
    return words("{what}: half within {half}, nine in ten within {most}.", what=what, half=half, most=most)


def _undated(number: int, words: Words) -> list[str]:
    text = "Left out, as the publish time of that version is not known: {number}."
    return [words(text, number=f"{number:,}")] if number else []
