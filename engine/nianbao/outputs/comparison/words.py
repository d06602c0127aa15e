"""What people read about differences: amounts, shares, sources, counts in words."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from nianbao.comparison.differences import FigureChange, ItemChange, Number, ReportComparison
from nianbao.findings import Value
from nianbao.outputs.results.words import value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.values import shortened

SIDES = ("前", "后")
BLANK = "空白"
_NAMED = 3
_INDEX = re.compile(r"(.+)\[(\d+)\]")
_PER_CENT = Decimal("0.1")


def place_words(path: str, pack: Pack) -> str:
    """Return the position of a field, or of an item of a list, in the words of the form."""
    listed = _INDEX.fullmatch(path)
    if listed and listed[1] in pack.fields.lists:
        return visible(f"{pack.fields.place(listed[1])}（第{int(listed[2]) + 1}项）")
    return visible(pack.fields.place(path))


def figure_words(value: Number | None, found: str) -> str:
    """Return a figure as it stood: what was found where it is no figure, 空白 for a blank."""
    return value_words(value) if value is not None else f"“{visible(shortened(found))}”" if found else BLANK


def difference_words(change: FigureChange) -> str:
    """Return the difference with its sign; nothing where there is none to calculate."""
    difference = change.difference
    return (
        ""
        if difference is None
        else f"+{value_words(difference)}"
        if difference > 0
        else value_words(difference)
    )


def rate_words(change: FigureChange) -> str:
    """Return the rate as a percentage with one decimal; a dash where there is none."""
    if change.rate is None:
        return "—"
    per_cent = (change.rate * 100).quantize(_PER_CENT, ROUND_HALF_UP)
    return f"{per_cent:+f}%"


def agency_words(report: Report) -> str:
    """Return the name of a report's agency."""
    return visible(report.agency) or "（未填单位名称）"


def year_words(report: Report) -> str:
    """Return the year of a report."""
    return f"{report.year}年" if report.year else "年度未填"


def years_words(pair: ReportComparison) -> str:
    """Return the years of two reports, once if they are the same."""
    years = dict.fromkeys((year_words(pair.before), year_words(pair.after)))
    return " → ".join(years)


def counts_words(pair: ReportComparison) -> str:
    """Return how much differs between two reports."""
    counts = ((len(pair.figures), "数字"), (len(pair.texts), "文字"), (len(pair.items), "增减"))
    words = "，".join(f"{name}{count}处" for count, name in counts if count)
    return words or "没有不同"


def trouble_words(pair: ReportComparison) -> tuple[str, ...]:
    """Return what makes a comparison doubtful: what reading met on either side, the first of it named.

    Warnings count only beside differences: figures that are equal were read well enough.
    """
    severities = ("error",) if pair.same else ("error", "warning")
    found = []
    for side, report in zip(SIDES, (pair.before, pair.after), strict=True):
        said = [f.message for severity in severities for f in report.findings if f.severity == severity]
        if said:
            more = f"；等{len(said)}处" if len(said) > _NAMED else ""
            named = "；".join(visible(message) for message in said[:_NAMED])
            found.append(f"“{side}”读取时有问题，请先核对：{named}{more}")
    return tuple(found)


def item_words(change: ItemChange, pack: Pack) -> tuple[str, ...]:
    """Return the values of an item of a list, each with its name where it is no text."""
    found = []
    for name, value in change.values.items():
        field = pack.fields.find(f"{change.field}{name}")
        text = plain_words(value)
        found.append(f"{field.title}：{text}" if field is not None and field.is_number else text)
    return tuple(found)


def plain_words(value: Value) -> str:
    """Return a value for people to see."""
    return visible(value) if isinstance(value, str) else value_words(value)
