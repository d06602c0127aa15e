"""The numbers of a chart: for each year and group the sum over all agencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nianbao.agencies import agency_key
from nianbao.charts import Chart, Group
from nianbao.comparison.differences import Number
from nianbao.report import Report


@dataclass(frozen=True)
class Series:
    """A group of a chart: its value for each year, None where no report has all of its figures."""

    title: str
    values: tuple[Number | None, ...]


@dataclass(frozen=True)
class ChartData:
    """The numbers of a chart; `incomplete` counts by year the reports with blank figures, left out."""

    title: str
    years: tuple[int, ...]
    series: tuple[Series, ...]
    agencies: tuple[int, ...]
    incomplete: tuple[int, ...]

    @property
    def totals(self) -> tuple[Number | None, ...]:
        """The height of each column; None where there is nothing to add up."""
        columns = zip(*(series.values for series in self.series), strict=True)
        return tuple(_sum([v for v in column if v is not None]) for column in columns)


def reports_by_year(reports: Iterable[Report]) -> dict[int, list[Report]]:
    """Return the reports by year, the earliest first; of two of one agency and year the later one counts."""
    found: dict[tuple[int, str], Report] = {}
    for index, report in enumerate(reports):
        if report.year:
            # Reports without a name are different agencies.
            found[report.year, agency_key(report.agency) or f"#{index}"] = report
    years: dict[int, list[Report]] = {}
    for (year, _), report in sorted(found.items(), key=lambda item: item[0][0]):
        years.setdefault(year, []).append(report)
    return years


def chart_data(chart: Chart, years: dict[int, list[Report]]) -> ChartData:
    """Return the numbers of a chart over the reports of each year."""
    fields = [field for group in chart.groups for field in group.fields]
    return ChartData(
        chart.title,
        tuple(years),
        tuple(
            Series(group.title, tuple(_over(group, reports) for reports in years.values()))
            for group in chart.groups
        ),
        tuple(len(reports) for reports in years.values()),
        tuple(sum(_group_value(fields, report) is None for report in reports) for reports in years.values()),
    )


def _over(group: Group, reports: Sequence[Report]) -> Number | None:
    values = (_group_value(group.fields, report) for report in reports)
    return _sum([value for value in values if value is not None])


def _group_value(fields: Sequence[str], report: Report) -> Number | None:
    """Return the sum of figures of one report; None where one is blank, for blank is not zero."""
    total: Number = 0
    for field in fields:
        value = report.value(field)
        if value is None or isinstance(value, str | bool):
            return None
        total += value
    return total


def _sum(values: Sequence[Number]) -> Number | None:
    total: Number = 0
    for value in values:
        total += value
    return total if values else None
