"""Bar charts, drawn by Vega-Altair as SVG that a page can contain: without script, fonts or anything from a network."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
from lxml import etree

INK, MUTED, GRID = "#1d1d1f", "#5f6368", "#dcdcdc"
BLUE, ORANGE, RED, GREEN, PURPLE, GREY = "#2f6db5", "#c86f0a", "#b3303f", "#3c8a5a", "#7d57a8", "#7a7d82"
IN_DARK_MODE = {  # what a style sheet should replace each colour of a drawing with
    INK: "#e8e8ea", MUTED: "#a4a8ae", GRID: "#3a3d42", BLUE: "#6ea8ec", ORANGE: "#f0a04b", RED: "#ef7482",
    GREEN: "#68c08c", PURPLE: "#b894e0", GREY: "#9ea2a8",
}  # fmt: skip
_WIDTH, _HEIGHT = 820, 170  # pixels
_LABEL = 0.45  # of the width, at most, for the labels beside bars
_BAND = 90  # of one name, at most
_LABELS = 16  # below the bars of a chart, at most
_TEXT_WIDTHS = 7.2, 12.0  # pixels of a letter, and of a Chinese character, in most fonts or more


@dataclass(frozen=True, kw_only=True)
class Table:
    heads: Sequence[str]
    rows: Iterable[Sequence[str]]
    """The first cell of each names it."""
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Numbers by name, of one or several series, as bars and as a table."""

    title: str
    names: Sequence[str]
    series: Mapping[str, Sequence[float]]
    colors: Sequence[str] = (BLUE,)
    is_horizontal: bool = False
    """Bars of one series from left to right, for long names."""
    is_half: bool = False
    """Another one may be beside it."""
    is_stacked: bool = True
    shown: Callable[[float], str] = "{:,.0f}".format
    more: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What else the table has of each name."""
    is_open: bool = False
    """The table is open from the beginning; a closed one is not printed."""
    notes: Sequence[str] = ()

    @property
    def table(self) -> Table:
        columns = [[self.shown(value) for value in values] for values in self.series.values()]
        rows = zip(self.names, *columns, *self.more.values(), strict=True)
        return Table(heads=["", *self.series, *self.more], rows=rows)

    @property
    def svg(self) -> str:
        file = io.StringIO()
        drawing = self._horizontal() if self.is_horizontal else self._vertical()
        drawing = drawing.configure(background="transparent", font="sans-serif", padding=2).configure_view(stroke=None)
        drawing = drawing.configure_axis(
            labelColor=INK, labelFontSize=11, labelPadding=4, gridColor=GRID, domainColor=GRID, title=None, ticks=False
        )
        drawing.configure_legend(labelColor=INK, labelFontSize=12, orient="top", title=None, padding=0, offset=8).save(
            file, format="svg"
        )
        return _cleaned(file.getvalue(), self.title)

    def _bars(self) -> Any:
        of_series = "" if len(self.series) == 1 else " · {}"
        values = [
            {"name": name, "series": each, "value": value, "nth": nth,
             "shown": f"{name}{of_series.format(each)}: {self.shown(value)}"}
            for nth, (each, values) in enumerate(self.series.items())
            for name, value in zip(self.names, values, strict=True)
        ]  # fmt: skip
        return alt.Chart({"values": values}).mark_bar(color=self.colors[0]).encode(description="shown:N")

    def _values(self, **place: Any) -> tuple[Any, float]:
        """The values of the only series as text, and the width that this takes."""
        numbers = zip(self.names, *self.series.values(), strict=True)
        values = [{"name": name, "value": value, "text": self.shown(value) if value else ""} for name, value in numbers]
        text = alt.Chart({"values": values}).mark_text(color=INK, fontSize=11, **place).encode(text="text:N")
        return text, max(_text_width(str(it["text"])) for it in values)

    def _horizontal(self) -> Any:
        width = _WIDTH / 2 if self.is_half else _WIDTH
        label = min(max(map(_text_width, self.names)) + 5, _LABEL * width)
        text, room = self._values(align="left", dx=4)
        # not left to the fonts of this machine, which may have no Chinese one, or narrower ones than a reader's
        axis = alt.Axis(minExtent=label, maxExtent=label, labelLimit=0.85 * _LABEL * width, domain=False)
        x, y = alt.X("value:Q", axis=None), alt.Y("name:O", sort=None, axis=axis)
        drawing = alt.layer(self._bars().encode(x=x, y=y), text.encode(x=x, y=y))
        return drawing.properties(width=width - label - room - 20, height=alt.Step(22))

    def _vertical(self) -> Any:
        every = -(-len(self.names) // _LABELS)
        below = alt.Axis(labelAngle=0, labelPadding=7, values=list(self.names[::every]), labelOverlap=False)
        x = alt.X("name:O", sort=None, scale=alt.Scale(domain=list(self.names), paddingInner=0.2), axis=below)
        heights = [
            sum(values) if self.is_stacked else max(values) for values in zip(*self.series.values(), strict=True)
        ]
        scale = alt.Scale() if any(heights) else alt.Scale(domain=[0, 1])
        room = _text_width(f"{max(heights):,.0f}") + 5
        # counts have no halves
        ticks = min(5, int(max(heights))) if all(float(height).is_integer() for height in heights) else 5
        axis = alt.Axis(tickCount=max(ticks, 1), domain=False, format=",~f", minExtent=room, maxExtent=room)
        y = alt.Y("value:Q", axis=axis, scale=scale, stack="zero" if self.is_stacked else None)
        colors = alt.Scale(domain=list(self.series), range=list(self.colors))
        color = alt.Color("series:N", scale=colors)
        if len(self.series) == 1:
            color = color.legend(None)
        bars = self._bars().encode(x=x, y=y, color=color, order="nth:Q")
        layers = [bars if self.is_stacked else bars.encode(xOffset=alt.XOffset("series:N", sort=list(self.series)))]
        width = min((_WIDTH / 2 if self.is_half else _WIDTH) - room - 20, _BAND * len(self.names))
        if len(self.series) == 1:
            text, room = self._values(baseline="bottom", dy=-2)
            layers += [text.encode(x=x, y=y)] if room < width / len(self.names) else []
        return alt.layer(*layers).properties(width=width, height=_HEIGHT)


def _text_width(text: str) -> float:
    return sum(_TEXT_WIDTHS[unicodedata.east_asian_width(each) in "WF"] for each in text)


def _cleaned(svg: str, title: str) -> str:
    """The drawing as one picture for programs that read aloud; each bar says its value under the mouse."""
    root: Any = etree.fromstring(svg.encode())
    for each in list(root.iter(etree.Element)):
        attributes = each.attrib
        if attributes.get("class") in ("background", "foreground"):  # of frames that have no colour
            each.getparent().remove(each)
            continue
        if attributes.get("aria-roledescription") == "bar":
            etree.SubElement(each, "title").text = attributes["aria-label"]
        for name in list(attributes):
            if name in ("role", "class") or name.startswith("aria-"):
                del attributes[name]
    root.set("role", "img")
    root.set("aria-label", title)
    return str(etree.tostring(root, encoding="unicode"))
