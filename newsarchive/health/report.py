"""The report: what `statistics` has found as one HTML page, in English or Chinese, without script."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from itertools import pairwise
from statistics import median

from newsarchive.archive.tables import ChangeKind, RunRow
from newsarchive.health.alarms import Counts
from newsarchive.health.charts import BLUE, GREEN, GREY, GRID, IN_THE_DARK, INK, MUTED, ORANGE, PURPLE, RED, Chart
from newsarchive.health.chinese import CHINESE
from newsarchive.health.statistics import LATER, UNREADABLE, Groups, Statistics, alarm_names
from newsarchive.health.status import MEANINGS
from newsarchive.messages import SHOWN_ZONE, printable

LANGUAGES = {"en": "en", "zh": "zh-CN"}  # what `--lang` may be, and what HTML calls it
_DAYS, _FEW_DAYS = 60, 14  # of a chart by day, at most and at least
_MONTHS = 36  # of a chart by month; a longer time is shown by year
_YEARS = 60
_MOST = 15  # bars of channels, publishers and reasons; the others are one
_RUNS = 20  # that are named
_TITLE = 80  # characters
_AGES = ((10, "min"), (30, "min"), (1, "h"), (3, "h"), (6, "h"), (1, "d"), (3, "d"), (7, "d"), (30, "d"))
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DATE, _TIME = "%Y-%m-%d", "%Y-%m-%d %H:%M"
_OF_KINDS = {ChangeKind.EDITED: ORANGE, ChangeKind.REMOVED: RED, ChangeKind.BACK: GREEN}
_OF_CODES = {0: BLUE, 1: RED, 3: GREY, 4: ORANGE}


class Words:
    """What the report says in its language, numbers included."""

    def __init__(self, language: str) -> None:
        self.tag = LANGUAGES[language]
        self._words = CHINESE if language == "zh" else None

    def __call__(self, text: str, **values: object) -> str:
        """Raises `KeyError` for what nobody has translated."""
        return (text if self._words is None else self._words[text]).format(**values)

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
    title = escape(words("The archive on {day}", day=f"{found.now:{_DATE}}"))
    made = words("Made at {time}. Times and days are those of Beijing.", time=f"{found.now:{_TIME}}")
    links, body = "", ""
    for number, (name, parts) in enumerate(sections.items(), 1):
        heading = escape(words(name))
        links += f'<li><a href="#s{number}">{heading}</a></li>'
        content = "\n".join(parts)
        body += f'<section aria-labelledby="s{number}">\n<h2 id="s{number}">{heading}</h2>\n{content}\n</section>\n'
    return f"""<!DOCTYPE html>
<html lang="{words.tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{escape(made)}</p>
{_tiles(found, words)}
<nav aria-label="{escape(words("Sections"))}"><ul>{links}</ul></nav>
{body}</main>
</body>
</html>
"""


# sections


def _tiles(found: Statistics, words: Words) -> str:
    tiles = {
        words("documents"): f"{found.documents:,}",
        words("edits"): f"{found.changes[ChangeKind.EDITED].total():,}",
        words("removals"): f"{found.changes[ChangeKind.REMOVED].total():,}",
        words("pages in quarantine"): f"{found.quarantine.total():,}",
        words("on disk"): words.size(sum(size for _, size in found.sizes.values())),
    }
    if found.runs:
        begun = f"{found.runs[0].started.astimezone(SHOWN_ZONE):{_TIME}}"
        tiles[words("last run, {time}", time=begun)] = _code(found.runs[0], words)
    items = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles.items())
    return f"<dl>{''.join(items)}</dl>"


def _articles(found: Statistics, words: Words) -> Iterator[str]:
    states = [f"{words(state)} {number:,}" for state, number in found.states.items() if number]
    yield _text(words("By state: {states}.", states=words(", ").join(states)) if states else words("None yet."))
    if not found.documents:
        return
    yield from _by_time(words, "Articles published", {words("articles"): found.by_day}, found)
    hours = range(24)
    series = {words("articles"): [found.by_hour[hour] for hour in hours]}
    title = words("{what} by hour", what=words("Articles published"))
    yield _figure(words, Chart(title=title, names=[f"{hour:02}" for hour in hours], series=series))


def _places(found: Statistics, words: Words) -> Iterator[str]:
    if not found.documents:
        yield _text(words("None yet."))
        return
    yield _pair(
        _largest(
            words, "Articles by channel", found.by_channel, found.documents,
            words("{number} channels. An article of several counts in each.", number=_named(found.by_channel)),
        ),
        _largest(
            words, "Articles by publisher", found.by_publisher, found.documents,
            words("{number} publishers.", number=_named(found.by_publisher)),
        ),
    )  # fmt: skip


def _changes(found: Statistics, words: Words) -> Iterator[str]:
    kinds = [kind for kind in LATER if found.changes[kind]]
    if not kinds:
        yield _text(words("None yet."))
        return
    series = {words(kind): found.changes[kind] for kind in kinds}
    yield from _by_time(words, "Edits and removals", series, found, [_OF_KINDS[kind] for kind in kinds])
    kinds = [kind for kind in kinds if found.ages[kind] and kind is not ChangeKind.BACK]
    if kinds:
        chart = Chart(
            title=words("How long after publication they were noticed"), names=_age_names(words),
            series={words(kind): _by_age(found.ages[kind]) for kind in kinds},
            colors=[_OF_KINDS[kind] for kind in kinds], is_stacked=False,
        )  # fmt: skip
        notes = [_typical(words(kind), found.ages[kind], words) for kind in kinds]
        notes.append(words("The archive notices them when it looks at the article again, not when they happen."))
        yield _figure(words, chart, *notes, *_undated(sum(found.undated[kind] for kind in kinds), words))
    rows = [
        [
            f"{it.time.astimezone(SHOWN_ZONE):{_TIME}}", words(it.kind), printable(it.title or it.article_id, _TITLE),
            words(", ").join(words(part) for part in it.changed),
            f"+{it.added:,} −{it.removed:,}" if it.added or it.removed else "", it.article_id,
        ]
        for it in found.latest
    ]  # fmt: skip
    heads = ["time", "what", "title", "changed", "characters", "id"]
    yield _table([words(head) for head in heads], rows, caption=words("The latest edits and removals"))


def _delay(found: Statistics, words: Words) -> Iterator[str]:
    ages, title = found.ages[ChangeKind.NEW], words("From publication to archive")
    if not ages:
        yield _text(words("None yet."))
        return
    chart = Chart(title=title, names=_age_names(words), series={words("articles"): _by_age(ages)})
    yield _figure(
        words, chart, _typical(words("Articles"), ages, words), *_undated(found.undated[ChangeKind.NEW], words)
    )


def _pages(found: Statistics, words: Words) -> Iterator[str]:
    if found.documents:
        families = _largest(words, "Documents by page family", found.by_family, found.documents, what="documents")
        yield _pair(families, _fields(found, words))
    if not found.quarantine:
        yield _text(words("There is no page in quarantine."))
        return
    reasons = Counter({words(it) if it == UNREADABLE else it: number for it, number in found.quarantine.items()})
    yield _largest(words, "Pages in quarantine by reason", reasons, reasons.total(), what="pages", is_half=False)


def _fields(found: Statistics, words: Words) -> str:
    fields = {name: it for name, it in found.fields.items() if it.of}
    if not fields:
        return ""
    chart = Chart(
        title=words("Share of articles that have it"), names=[words(name) for name in fields],
        series={words("share"): [it.having / it.of for it in fields.values()]}, shown="{:.1%}".format,
        is_lying=True, is_half=True,
        more={
            words("have it"): [f"{it.having:,}" for it in fields.values()],
            words("of"): [f"{it.of:,}" for it in fields.values()],
        },
    )  # fmt: skip
    notes = [words("Publisher, channels and tags: of the documents. The others: of what the last runs found new.")]
    if number := found.without_facts:
        notes.append(
            words("Left out: {number} documents of an older program, until `scrapy reextract`.", number=number)
        )
    return _figure(words, chart, *notes)


def _sizes(found: Statistics, words: Words) -> Iterator[str]:
    chart = Chart(
        title=words("Room on the disk"), names=[words(name) for name in found.sizes],
        series={words("size"): [size for _, size in found.sizes.values()]}, shown=words.size, is_lying=True,
        more={words("files"): [f"{number:,}" for number, _ in found.sizes.values()]},
    )  # fmt: skip
    yield _figure(words, chart)


def _runs(found: Statistics, words: Words) -> Iterator[str]:
    if not found.runs:
        yield _text(words("None yet."))
        return
    by_code: dict[int | None, Counter[date]] = defaultdict(Counter)
    lengths: dict[date, list[float]] = defaultdict(list)
    alarms: dict[str, list[RunRow]] = defaultdict(list)
    for run in found.runs:
        day = run.started.astimezone(SHOWN_ZONE).date()
        by_code[run.exit_code][day] += 1
        if run.ended:
            lengths[day].append((run.ended - run.started).total_seconds())
        for name in alarm_names(run):
            alarms[name].append(run)
    codes = sorted(by_code, key=lambda code: (code is None, code))
    series = {words("no end") if code is None else str(code): by_code[code] for code in codes}
    colors = [PURPLE if code is None else _OF_CODES.get(code, GREEN) for code in codes]
    meanings = [
        words("{code}: {meaning}.", code=code, meaning=words(MEANINGS[code])) for code in codes if code in MEANINGS
    ]
    yield from _by_time(words, "Exit codes of runs", series, found, colors, meanings)
    days = _days(found, lengths)
    are_long = max(map(max, lengths.values()), default=0) > 600
    title = "Duration of runs by day, in minutes" if are_long else "Duration of runs by day, in seconds"
    series_of = {
        words(name): [round(number(lengths.get(day) or [0]) / (60 if are_long else 1), 1) for day in days]
        for name, number in (("median", median), ("longest", max))
    }
    chart = Chart(
        title=words(title), names=[f"{day:%m-%d}" for day in days],
        series=series_of, colors=[BLUE, GREY], is_stacked=False, shown="{:,.1f}".format,
    )  # fmt: skip
    yield _figure(words, chart, _span(days, words))
    if alarms:
        rows = [
            [name, f"{len(runs):,}", f"{runs[0].started.astimezone(SHOWN_ZONE):{_TIME}}"]
            for name, runs in alarms.items()
        ]
        heads = [words(head) for head in ("alarm", "runs", "last")]
        yield _table(heads, sorted(rows), caption=words("Alarms of these runs"))
    heads = ["begun", "took", "exit code", "new", "edited", "removed", "alarms"]
    rows = [_run(run, words) for run in found.runs[:_RUNS]]
    yield _table([words(head) for head in heads], rows, caption=words("The latest runs"))


def _run(run: RunRow, words: Words) -> list[str]:
    counts = Counts(run.counts)
    names = alarm_names(run) or ([words("not recorded")] if run.exit_code == 4 else [])
    return [
        f"{run.started.astimezone(SHOWN_ZONE):{_TIME}}",
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


# charts


def _by_time(
    words: Words,
    title: str,
    series: Mapping[str, Counter[date]],
    found: Statistics,
    colors: Sequence[str] = (BLUE,),
    notes: Iterable[str] = (),
) -> Iterator[str]:
    """By day, and if there is more than that by month, or by year."""
    counted = sum(series.values(), Counter[date]())
    days = _days(found, counted)
    chart = Chart(
        title=words("{what} by day", what=words(title)), names=[f"{day:%m-%d}" for day in days], colors=colors,
        series={name: [its[day] for day in days] for name, its in series.items()},
    )  # fmt: skip
    earlier = [day for day in counted if day < days[0]]
    left_out = 0 if earlier else counted.total() - sum(counted[day] for day in days)
    yield _figure(words, chart, _span(days, words), *notes, *_left_out(left_out, words))
    if not earlier:
        return
    first, last = max(min(earlier), date(max(days[-1].year - _YEARS, 1), 1, 1)), days[-1]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    if len(months) <= _MONTHS:
        by, form, names = "{what} by month", "%Y-%m", [f"{it // 12:04}-{it % 12 + 1:02}" for it in months]
    else:
        by, form, names = "{what} by year", "%Y", [f"{it:04}" for it in range(first.year, last.year + 1)]
    sums = {name: _summed(its, form) for name, its in series.items()}
    left_out = counted.total() - sum(its[name] for its in sums.values() for name in names)
    chart = Chart(
        title=words(by, what=words(title)), names=names, colors=colors,
        series={name: [its[each] for each in names] for name, its in sums.items()},
    )  # fmt: skip
    yield _figure(words, chart, *_left_out(left_out, words))


def _left_out(number: int, words: Words) -> list[str]:
    return [words("Left out, of other times: {number}.", number=f"{number:,}")] if number else []


def _summed(by_day: Mapping[date, int], form: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for day, number in by_day.items():
        found[f"{day:{form}}".rjust(4 if form == "%Y" else 7, "0")] += number
    return found


def _days(found: Statistics, of: Iterable[date]) -> list[date]:
    """The last days of which there is something: until today, unless all is older or, at most by a day, newer."""
    today = found.now.date()
    newest = max((day for day in of if day <= today + timedelta(days=1)), default=today)
    end = max(today, newest) if newest > today - timedelta(days=_DAYS) else newest
    first = min(min(of, default=end).toordinal(), end.toordinal() - _FEW_DAYS + 1)
    return [date.fromordinal(day) for day in range(max(first, end.toordinal() - _DAYS + 1, 1), end.toordinal() + 1)]


def _span(days: Sequence[date], words: Words) -> str:
    return words("{first} to {last}.", first=f"{days[0]:{_DATE}}", last=f"{days[-1]:{_DATE}}")


def _largest(
    words: Words, title: str, counted: Counter[str], of: int, *notes: str, what: str = "articles", is_half: bool = True
) -> str:
    """Bars of the largest ones; the others in a note."""
    ordered = sorted(counted.items(), key=lambda it: (-it[1], it[0]))
    bars, others = ordered[:_MOST], ordered[_MOST:]
    more = {words("share"): [f"{number / of:.1%}" for _, number in bars]}
    if isinstance(counted, Groups):
        more[words("newest")] = [f"{counted.newest[name]:{_DATE}}" for name, _ in bars]
    chart = Chart(
        title=words(title), names=[name or words("(not known)") for name, _ in bars],
        series={words(what): [number for _, number in bars]}, is_lying=True, is_half=is_half, more=more,
    )  # fmt: skip
    if others:
        sums = f"{len(others):,}", f"{sum(number for _, number in others):,}"
        notes += (words("{number} more have {sum}.", number=sums[0], sum=sums[1]),)
    return _figure(words, chart, *notes, is_open=not is_half)  # its names may be too long for the drawing


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
    if not number:
        return []
    return [words("Left out, as the publish time of that version is not known: {number}.", number=f"{number:,}")]


# HTML


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _pair(*figures: str) -> str:
    return f'<div class="pair">{"".join(figures)}</div>'


def _figure(words: Words, chart: Chart, *notes: str, is_open: bool = False) -> str:
    """With the table open or to be opened; a closed one is not printed."""
    heads = ["", *chart.series, *chart.more]
    columns = [[chart.shown(value) for value in values] for values in chart.series.values()]
    rows = [list(row) for row in zip(chart.names, *columns, *chart.more.values(), strict=True)]
    title = escape(chart.title)
    drawing = f'<div class="wide" tabindex="0" role="group" aria-label="{title}">{chart.svg}</div>'
    table = f"<summary>{escape(words('Numbers'))}</summary>{_table(heads, rows, numbers=True)}"
    return (
        f"<figure><figcaption><h3>{title}</h3>{_text(words(' ').join(notes)) if notes else ''}</figcaption>{drawing}"
        f"<details{' open' if is_open else ''}>{table}</details></figure>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", numbers: bool = False) -> str:
    """The first cell of a row names it."""
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f'<th scope="col">{escape(text)}</th>' if text else "<td></td>" for text in heads)
    lines = (
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(text)}</td>" for text in others)}</tr>\n'
        for first, *others in rows
    )
    name = ' class="numbers"' if numbers else ""
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{escape(caption or heads[1])}"><table{name}>{about}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{''.join(lines)}</tbody></table></div>"
    )


_DARK = "".join(
    f'[fill="{one}"]{{fill:{other}}}[stroke="{one}"]{{stroke:{other}}}' for one, other in IN_THE_DARK.items()
)
_STYLE = f"""
:root{{color-scheme:light;--ink:{INK};--muted:{MUTED};--line:{GRID};--paper:#fff;--tile:#f4f5f7;--link:{BLUE}}}
body{{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
font-family:system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}}
main{{max-width:860px;margin:0 auto;padding:16px 20px 48px}}
h1{{font-size:1.6rem;margin:.5rem 0}}
h2{{font-size:1.25rem;margin:2.2rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--line)}}
h3,caption{{font-size:1rem;font-weight:600;margin:0;text-align:left}}
figcaption p{{margin:.1rem 0 .4rem;color:var(--muted);font-size:.85rem}}
a{{color:var(--link)}}
nav ul{{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:1rem 0 0;padding:0}}
dl{{display:flex;flex-wrap:wrap;gap:10px;margin:1rem 0 0}}
dl div{{background:var(--tile);border-radius:8px;padding:8px 14px;flex:1 1 auto}}
dt{{color:var(--muted);font-size:.8rem}}
dd{{margin:0;font-size:1.15rem;font-weight:600}}
figure{{margin:1.2rem 0;break-inside:avoid}}
.pair{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:0 20px}}
.pair figure{{min-width:0}}
.wide{{overflow-x:auto}}
svg{{display:block;max-width:100%;height:auto;overflow:visible}}
svg text{{font-family:inherit}}
summary{{color:var(--muted);font-size:.85rem;cursor:pointer}}
table{{border-collapse:collapse;font-size:.85rem;margin:.6rem 0;font-variant-numeric:tabular-nums}}
caption{{padding-bottom:.3rem}}
th,td{{text-align:left;vertical-align:top;padding:3px 14px 3px 0;border-bottom:1px solid var(--line)}}
thead th{{color:var(--muted);font-weight:600}}
tbody th{{font-weight:400;white-space:nowrap}}
.numbers td,.numbers thead th{{text-align:right}}
@media (max-width:700px){{svg{{max-width:none}}}}
@media screen and (prefers-color-scheme:dark){{
:root{{color-scheme:dark;--ink:{IN_THE_DARK[INK]};--muted:{IN_THE_DARK[MUTED]};--line:{IN_THE_DARK[GRID]};--paper:#17181a;
--tile:#232528;--link:{IN_THE_DARK[BLUE]}}}
{_DARK}}}
@media print{{@page{{margin:14mm}}main{{max-width:none;padding:0}}nav,details:not([open]),summary{{display:none}}
h2,caption{{break-after:avoid}}table{{break-inside:avoid}}svg{{max-width:100%}}
.wide{{overflow:visible}}.pair{{grid-template-columns:1fr 1fr}}
dl div{{border:1px solid var(--line)}}}}
"""
