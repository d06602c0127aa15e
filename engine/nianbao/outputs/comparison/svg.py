"""Stacked columns as SVG: one a year, its groups labelled at its side, readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from nianbao.outputs.comparison.series import ChartData
from nianbao.outputs.results.words import value_words

# Okabe and Ito's colours, which people with any colour vision tell apart, and the ink that is read on each.
PALETTE = (
    ("#0072b2", "#fff"),
    ("#e69f00", "#000"),
    ("#009e73", "#000"),
    ("#cc79a7", "#000"),
    ("#56b4e9", "#000"),
    ("#d55e00", "#000"),
    ("#f0e442", "#000"),
    ("#595959", "#fff"),
)
_WIDTH, _TOP, _BASE, _BOTTOM = 440, 26, 216, 244
_LEFT, _RIGHT, _LABELS = 8, 268, 292
_WIDEST = 58.0
_DIGIT, _WIDTH_OF_YEAR = 6.2, 32.0
_LINE = 17.0
_LONGEST = 12


def stacked_columns(data: ChartData, number: int) -> Markup:
    """Return the chart as an SVG element; `number` tells the charts of a page apart."""
    drawing = _Drawing(data)
    title, desc = f"chart-{number}-title", f"chart-{number}-desc"
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{} {}">'
        '<title id="{}">{}</title><desc id="{}">{}</desc>{}</svg>'
    ).format(
        _WIDTH,
        _BOTTOM,
        title,
        desc,
        title,
        data.title,
        desc,
        described(data),
        Markup("").join(drawing.parts()),
    )


def described(data: ChartData) -> str:
    """Return the chart in words: the total of each year."""
    totals = zip(data.years, data.totals, strict=True)
    return "；".join(f"{year}年{value_words(total) or '无数据'}" for year, total in totals)


class _Drawing:
    """Places columns and labels in a drawing of fixed size, which the page may scale."""

    def __init__(self, data: ChartData) -> None:
        self.data = data
        self.slot = (_RIGHT - _LEFT) / max(len(data.years), 1)
        self.width = min(_WIDEST, self.slot * 0.68)
        # Only lengths on the screen are floats.
        highest = max((float(total) for total in data.totals if total is not None), default=0.0)
        self.scale = (_BASE - _TOP) / highest if highest > 0 else 0.0

    def parts(self) -> Iterator[Markup]:
        """Yield the elements of the drawing, back to front."""
        years = self._shown(_WIDTH_OF_YEAR)
        totals = self._shown(max((len(value_words(total)) for total in self.data.totals), default=0) * 7.5)
        for index, year in enumerate(self.data.years):
            yield from self._column(index)
            if index in years:
                mark = "*" if self.data.incomplete[index] else ""
                yield _text(self._middle(index), _BASE + 17, f"{year}{mark}", "middle")
        # Above all columns: a wide number may reach over the next one.
        for index in totals:
            yield self._total(index)
        yield Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="axis"/>').format(
            _LEFT, _RIGHT, _BASE, _BASE
        )
        yield from self._labels()

    def _shown(self, width: float) -> range:
        """Return the columns that have room for a label this wide: the last, and others evenly before it."""
        every = max(1, -(-int(width + 4) // max(int(self.slot), 1)))
        last = len(self.data.years) - 1
        return range(last % every if last >= 0 else 0, last + 1, every)

    def _middle(self, index: int) -> float:
        return _LEFT + self.slot * (index + 0.5)

    def _segments(self, index: int) -> list[tuple[float, float]]:
        """Return (top, height) of every group in a column, the first group at the bottom."""
        found, base = [], float(_BASE)
        for series in self.data.series:
            height = float(series.values[index] or 0) * self.scale
            base -= height
            found.append((base, height))
        return found

    def _column(self, index: int) -> Iterator[Markup]:
        left = self._middle(index) - self.width / 2
        segments = self._segments(index)
        for number, ((top, height), series) in enumerate(zip(segments, self.data.series, strict=True)):
            if height <= 0:
                continue
            fill, ink = PALETTE[number % len(PALETTE)]
            words = value_words(series.values[index])
            yield Markup(
                '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}" class="part">'
                "<title>{}年 {} {}</title></rect>"
            ).format(left, top, self.width, height, fill, self.data.years[index], series.title, words)
            if height >= 13 and len(words) * _DIGIT <= self.width - 4:
                yield _text(self._middle(index), top + height / 2 + 4, words, "middle", fill=ink)

    def _total(self, index: int) -> Markup:
        """Return the number above a column."""
        total = self.data.totals[index]
        top = self._segments(index)[-1][0] - 6
        if total is None:
            return _text(self._middle(index), top, "无数据", "middle", quiet=True)
        return _text(self._middle(index), top, value_words(total), "middle", strong=True)

    def _labels(self) -> Iterator[Markup]:
        """Yield the names of the groups beside the last column that has data, each led to its segment."""
        drawn = [index for index, total in enumerate(self.data.totals) if total is not None]
        index = drawn[-1] if drawn else len(self.data.years) - 1
        segments = self._segments(index) if self.data.years else []
        edge = self._middle(index) + self.width / 2
        wanted = [top + height / 2 for top, height in reversed(segments)]
        for number, y in enumerate(_spread(wanted)):
            group = len(segments) - 1 - number
            fill, _ = PALETTE[group % len(PALETTE)]
            if segments[group][1] > 0:
                yield Markup('<path d="M{:.1f} {:.1f}L{} {:.1f}L{} {:.1f}" class="lead"/>').format(
                    edge + 1, wanted[number], _LABELS - 14, y, _LABELS - 3, y
                )
            yield Markup('<rect x="{}" y="{:.1f}" width="11" height="11" fill="{}"/>').format(
                _LABELS, y - 5.5, fill
            )
            yield _text(_LABELS + 16, y + 4, _cut(self.data.series[group].title), "start")


def _spread(wanted: Sequence[float]) -> list[float]:
    """Return heights near those wanted, from the top down, that leave each label a line of its own."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + _LINE) if placed else max(y, _TOP / 2))
    lowest = _BASE + 4.0
    for number in range(len(placed) - 1, -1, -1):
        placed[number] = min(placed[number], lowest)
        lowest = placed[number] - _LINE
    assert all(a < b for a, b in pairwise(placed))
    return placed


def _cut(title: str) -> str:
    return title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"


def _text(
    x: float, y: float, words: str, anchor: str, *, fill: str = "", strong: bool = False, quiet: bool = False
) -> Markup:
    style = "strong" if strong else "quiet" if quiet else "label"
    colour = Markup(' fill="{}"').format(fill) if fill else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}"{}>{}</text>').format(
        x, y, anchor, style, colour, escape(words)
    )
