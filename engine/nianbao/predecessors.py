"""What a report follows upon: last year's report of the same agency, or several of merged agencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Literal

from nianbao.fields import place_value
from nianbao.findings import Finding, Severity, Value, Where
from nianbao.report import Report

# The word with which rules name last year's report: previous.requests.carried_out.total
LAST = "previous"
_PREFIX = f"{LAST}."
_ITEM = re.compile(r"(?:/[^/]+)?/(\d+)(?:/|$)")

Relation = Literal["same", "renamed", "merged", "split"]


def this_year(path: str) -> str:
    """Return the field that a path names, without the word that makes it last year's."""
    return path.removeprefix(_PREFIX)


def is_last_years(path: str) -> bool:
    """Return whether a path names a field of last year's report."""
    return path.startswith(_PREFIX)


@dataclass(frozen=True, slots=True)
class Remark:
    """What finding the predecessors met: a rule id of the engine, how grave it is, and a sentence."""

    rule: str
    severity: Severity
    message: str

    def finding(self, report: Report) -> Finding:
        """Return the remark as a finding of this year's report."""
        return Finding(self.rule, self.severity, "agency", report.where("agency"), self.message)


@dataclass(frozen=True)
class Predecessors:
    """Last year's reports that this year's report follows upon; none where `reports` is empty.

    Of agencies that were merged there are several, and their figures are added up; `missing` are those of
    them without a report. An agency that came out of a split has the report of the whole, whose figures say
    nothing of a part.
    """

    reports: tuple[Report, ...] = ()
    relation: Relation = "same"
    missing: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether figures of this year continue those of last year."""
        return bool(self.reports) and self.relation != "split" and not self.missing

    def value(self, path: str) -> Value:
        """Return last year's value of a field: the sum over all, None where one is blank."""
        if len(self.reports) == 1:
            return self.reports[0].values.get(path)
        values = [report.value(path) for report in self.reports]
        total: int | Decimal = 0
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                return None
            total += value
        return total if values else None

    def whole(self, paths: Iterable[str]) -> Report:
        """Return the predecessors as one report: it itself, or the sums of `paths` over all."""
        if len(self.reports) == 1:
            return self.reports[0]
        data: dict[str, Any] = {"year": self.reports[0].year}
        for path in paths:
            place_value(data, path, self.value(path))
        return Report(data, self.reports[0].source)

    def joined(self, report: Report, paths: Iterable[str]) -> Report:
        """Return this year's report with last year's values of `paths` (``previous.…``) beside its own."""
        last = {path: self.value(this_year(path)) for path in paths}
        return replace(report, known={**report.values, **last})

    def source(self, path: str | None = None) -> str:
        """Return where last year's figure stands: 上年报告 2022.xlsx 登记表!K5."""
        places = (_place(report.where(path)) for report in self.reports)
        return "、".join(dict.fromkeys(filter(None, places))) or "给出的上年数据"

    def stated(self) -> str:
        """Return all that comparing depends on as text, wherever the reports stand: for digests."""
        known = [sorted((path, str(value)) for path, value in r.values.items()) for r in self.reports]
        return repr((known, self.relation, self.missing, [remark.message for remark in self.remarks]))


def off_by(report: Report, predecessors: Predecessors) -> Iterator[Remark]:
    """Yield one remark where a predecessor's report is not about the year before."""
    if report.year is None:
        return
    for other in predecessors.reports:
        if other.year != report.year - 1:
            what = f"是{other.year}年的" if other.year else "没有写明年度"
            message = (
                f"给出的上年报告（{predecessors.source()}）{what}，不是{report.year - 1}年的，未与上年核对"
            )
            yield Remark("PREVIOUS-YEAR", "warning", message)
            return


def _place(where: Where) -> str:
    """Return a place in few words: the file's own name, sheet and cell, page, row or item."""
    name = PurePath((where.file or "").replace("\\", "/")).name
    if where.cell:
        spot = f"{where.sheet}!{where.cell}" if where.sheet else where.cell
    elif where.row or where.line:
        spot = f"{where.sheet}!" if where.sheet else ""
        spot += f"第{where.row or where.line}行"
    elif where.page:
        spot = f"第{where.page}页"
    else:
        item = _ITEM.match(where.pointer or "")
        spot = where.sheet or (f"第{int(item[1]) + 1}项" if item else "")
    return f"{name} {spot}".strip()
