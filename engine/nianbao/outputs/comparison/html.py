"""Pages that need nothing but themselves: a comparison, and charts over the years."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nianbao.agencies import agency_key
from nianbao.comparison.differences import Comparison, Number, ReportComparison
from nianbao.comparison.matching import Key
from nianbao.errors import PackError
from nianbao.outputs.comparison.display import summary_line
from nianbao.outputs.comparison.series import ChartData, chart_data, reports_by_year
from nianbao.outputs.comparison.view import section_of
from nianbao.outputs.comparison.words import (
    agency_words,
    counts_words,
    trouble_words,
    year_words,
    years_words,
)
from nianbao.outputs.results.words import source_words, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.report import Report

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Up to so many agencies are shown with their whole tables; of more, only what differs.
WHOLE = 30
# So many characters of details at most; a browser opens such a page in a few seconds.
LARGEST = 8_000_000
Unreadable = Sequence[tuple[str, str]]


def comparison_html(
    comparison: Comparison,
    pack: Pack,
    sides: tuple[str, str] = ("", ""),
    unreadable: Unreadable = (),
    links: Sequence[str] | None = None,
) -> str:
    """Return the page of a comparison; `sides` say what was compared, `unreadable` are (file, message).

    `links` lead to pages of their own for the pairs that differ, in order: the page is then an index.

    Of more than `WHOLE` agencies that differ, only the differences are shown; details end at `LARGEST`
    characters, and the page says so.
    """
    single = links is None and _is_single(comparison)
    shown = comparison.pairs if single else comparison.differing
    sections = list(_sections(shown, pack)) if links is None else []
    targets = [f"#{section.anchor}" for section in sections] if links is None else list(links)
    named = single and all(pair.before.source.file and pair.after.source.file for pair in shown)
    values = {
        "title": "年度报告比较" if not single else f"{agency_words(shown[0].after)}：年度报告比较",
        # One report on each side says itself what file it is.
        "sides": ("", "") if named else tuple(map(visible, sides)),
        "same": comparison.same,
        "verdict": verdict(comparison),
        "single": single,
        "sections": sections,
        "rows": [_row(*row) for row in zip_longest(comparison.differing, [] if single else targets)],
        "left_out": 0 if single else len(shown) - len(targets),
        "alone": [
            ("只在“前”中有", [_named(report) for report in comparison.only_before]),
            ("只在“后”中有", [_named(report) for report in comparison.only_after]),
        ],
        "equal": [_equal(pair) for pair in comparison.pairs if pair.same],
        "charts": _years_charts(comparison, pack),
        "unreadable": [(visible(file), visible(message)) for file, message in unreadable],
    }
    return _page("diff.html", pack, values)


def charts_html(
    reports: Iterable[Report], pack: Pack, unreadable: Unreadable = (), name: Key = agency_key
) -> str:
    """Return the page of a pack's charts, over all agencies and for each; raises PackError if it has none.

    `name` gives what the names of one agency have in common.
    """
    if not pack.charts:
        raise PackError(f"报表包{pack.id}没有定义图表（pack.toml中的[[chart]]）", file="pack.toml")
    reports = list(reports)
    by_agency: dict[str, list[Report]] = {}
    for report in reports:
        by_agency.setdefault(name(report.agency), []).append(report)
    years = reports_by_year(reports)
    many = len(by_agency) > 1
    drawing = _Charts(pack)
    overall = drawing.html(years, many)
    agencies = list(_agencies(by_agency, drawing)) if many else []
    span = "、".join(f"{year}年{len(found)}份" for year, found in years.items())
    undated = sum(report.year is None for report in reports)
    span += f"；另有{undated}份没有年度，没有计入" if undated else ""
    who = f"{len(by_agency)}个单位" if many else agency_words(reports[-1]) if reports else "没有报告"
    values = {
        "title": f"{who}：各年对照",
        "scope": f"报告：{span or '没有'}。",
        "many": many,
        "charts": overall,
        "agencies": agencies,
        "left_out": len(by_agency) - len(agencies) if many else 0,
        "unreadable": [(visible(file), visible(message)) for file, message in unreadable],
    }
    return _page("chart.html", pack, values)


def _is_single(comparison: Comparison) -> bool:
    """Return whether two single reports were compared."""
    return len(comparison.pairs) == 1 and not (comparison.only_before or comparison.only_after)


def verdict(comparison: Comparison) -> str:
    """Return what came out, in one sentence."""
    if _is_single(comparison):
        counts = counts_words(comparison.pairs[0])
        return f"{counts}。" if comparison.same else f"两份报告有不同：{counts}。"
    return f"没有不同。{summary_line(comparison)}。" if comparison.same else f"{summary_line(comparison)}。"


@dataclass(frozen=True)
class _Shown:
    """What the page holds of one agency."""

    anchor: str
    agency: str
    years: str
    counts: str
    html: Markup


def _sections(pairs: Sequence[ReportComparison], pack: Pack) -> Iterator[_Shown]:
    """Yield the details of the pairs in order until there is no more room."""
    from markupsafe import Markup

    template = _environment().get_template("section.html")
    whole = len(pairs) <= WHOLE
    size = 0
    for index, pair in enumerate(pairs):
        section = section_of(pair, pack, f"u{index + 1}", whole)
        html = template.render(section=section, whole=whole)
        size += len(html)
        if size > LARGEST and index:
            return
        yield _Shown(section.anchor, section.agency, section.years, section.counts, Markup(html))


@dataclass(frozen=True)
class _Row:
    """An agency in the list of those that differ; `target` is where its details are, None for nowhere."""

    target: str | None
    agency: str
    years: str
    figures: int
    texts: int
    items: int


def _row(pair: ReportComparison, target: str | None) -> _Row:
    counts = len(pair.figures), len(pair.texts), len(pair.items)
    return _Row(target, agency_words(pair.after), years_words(pair), *counts)


def _equal(pair: ReportComparison) -> str:
    troubles = trouble_words(pair)
    return f"{agency_words(pair.after)}（{'；'.join(troubles)}）" if troubles else agency_words(pair.after)


def _named(report: Report) -> str:
    return " ".join(filter(None, (agency_words(report), year_words(report), source_words(report.source))))


def _years_charts(comparison: Comparison, pack: Pack) -> Markup | None:
    """Return the charts of the agencies that both sides have; None where there is but one year."""
    years = reports_by_year(report for pair in comparison.pairs for report in (pair.before, pair.after))
    if len(years) < 2 or not pack.charts:
        return None
    return _Charts(pack).html(years, len(comparison.pairs) > 1)


def _agencies(by_agency: Mapping[str, list[Report]], drawing: _Charts) -> Iterator[Mapping[str, Any]]:
    size = 0
    for reports in by_agency.values():
        years = reports_by_year(reports)
        html = drawing.html(years, False)
        size += len(html)
        if size > LARGEST:
            return
        yield {
            "name": agency_words(reports[0]),
            "years": "、".join(f"{year}年" for year in years),
            "charts": html,
        }


class _Charts:
    """Draws the charts of a pack and numbers them through the page."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.count = 0

    def html(self, years: dict[int, list[Report]], many: bool) -> Markup:
        """Return the charts over the reports of each year, with the numbers in tables below."""
        from markupsafe import Markup

        from nianbao.outputs.comparison.svg import PALETTE

        charts = [self._chart(chart_data(chart, years)) for chart in self.pack.charts]
        template = _environment().get_template("charts.html")
        return Markup(template.render(charts=charts, palette=PALETTE, many=many))

    def _chart(self, data: ChartData) -> Mapping[str, Any]:
        from nianbao.outputs.comparison.svg import stacked_columns

        self.count += 1
        incomplete = [year for year, count in zip(data.years, data.incomplete, strict=True) if count]
        return {"data": data, "svg": stacked_columns(data, self.count), "incomplete_years": incomplete}


def _page(name: str, pack: Pack, values: Mapping[str, Any]) -> str:
    from markupsafe import Markup

    from nianbao import __version__

    style = files("nianbao.outputs.comparison").joinpath("pages/style.css").read_text("utf-8")
    return (
        _environment()
        .get_template(name)
        .render(
            **values,
            style=Markup(style),
            language=pack.meta["language"],
            pack_title=pack.title,
            version=__version__,
        )
    )


@cache
def _environment() -> Environment:
    """Return the environment of the pages: everything is escaped, and a missing value is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("nianbao.outputs.comparison", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    return environment


def _figure(value: Number | None) -> str:
    return "—" if value is None else value_words(value)
