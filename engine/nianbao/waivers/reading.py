"""Reads waivers, and keeps them by agency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nianbao.agencies import agency_key
from nianbao.errors import InputError
from nianbao.findings import Waiver
from nianbao.readers.tables import TableRow, read_table

_HEADINGS: Mapping[str, Sequence[str]] = {
    "agency": ("单位", "单位名称", "agency"),
    "year": ("年度", "报告年度", "year"),
    "rule": ("规则", "规则编号", "rule"),
    "place": ("位置",),
    "field": ("栏目", "字段", "field"),
    "value": ("填报值", "值", "value"),
    "expected": ("应为", "expected"),
    "reason": ("理由", "说明理由", "情况说明", "说明", "reason"),
    "confirmed_by": ("确认人", "confirmed by", "confirmed_by"),
    "date": ("日期", "确认日期", "date"),
}
_NEEDED = ("agency", "rule", "reason", "confirmed_by")
_FILLED_IN = ("reason", "confirmed_by", "date")


@dataclass(frozen=True)
class Waivers:
    """The explanations that were given, those of an agency together."""

    items: tuple[Waiver, ...] = ()

    def __iter__(self) -> Iterator[Waiver]:
        return iter(self.items)

    def of(self, agency: str) -> tuple[Waiver, ...]:
        """Return the explanations of an agency."""
        return self._by_agency.get(agency_key(agency), ())

    def unclaimed(self, reports: Iterable[tuple[str, int | None]]) -> Iterator[Waiver]:
        """Yield the explanations for which `reports`, (agency, year) each, hold no report."""
        years: dict[str, set[int | None]] = {}
        for agency, year in reports:
            years.setdefault(agency_key(agency), set()).add(year)
        for waiver in self.items:
            there = years.get(agency_key(waiver.agency), set())
            if not there or (waiver.year is not None and waiver.year not in there):
                yield waiver

    def notes(self, reports: Iterable[tuple[str, int | None]]) -> list[tuple[str, str]]:
        """Return what the summary records of explanations without a report: (heading, text)."""
        return [
            (
                "情况说明没有对应的报告",
                f"{w.agency}{f'{w.year}年' if w.year else ''}，规则{w.rule}：{_place(w)}",
            )
            for w in self.unclaimed(reports)
        ]

    @cached_property
    def _by_agency(self) -> Mapping[str, tuple[Waiver, ...]]:
        found: dict[str, list[Waiver]] = {}
        for waiver in self.items:
            found.setdefault(agency_key(waiver.agency), []).append(waiver)
        return {key: tuple(waivers) for key, waivers in found.items()}


def as_waivers(source: object) -> Waivers:
    """Return the waivers of a file or of several, or those given, or none; raises InputError."""
    if source is None:
        return Waivers()
    if isinstance(source, Waivers):
        return source
    files = [source] if isinstance(source, str | Path) or not isinstance(source, Iterable) else source
    return Waivers(tuple(waiver for file in files for waiver in read_waivers(str(file))))


def read_waivers(path: str | Path) -> list[Waiver]:
    """Return the waivers of a workbook or CSV; rows in which nothing was filled in are none.

    Raises InputError where the file cannot be read, has no such sheet, or a row names no agency or rule.
    """
    rows = read_table(path, _HEADINGS, _NEEDED, "情况说明表")
    return [_waiver(row) for row in rows if any(map(row.get, _FILLED_IN))]


def _waiver(row: TableRow) -> Waiver:
    for name, word in (("agency", "单位"), ("rule", "规则")):
        if not row.get(name):
            file = Path(row.where.file or "").name
            message = f"情况说明表{file}“{row.where.sheet}”第{row.where.row}行没有填{word}"
            raise InputError(message, file=row.where.file)
    year = row.get("year").removesuffix("年度").removesuffix("年")
    return Waiver(
        row.get("agency"),
        row.get("rule").upper(),
        row.get("field") or row.get("place"),
        row.get("value") or None,
        row.get("reason"),
        row.get("confirmed_by"),
        row.get("date"),
        int(year) if year.isdecimal() else None,
        row.get("expected") or None,
        row.where,
    )


def _place(waiver: Waiver) -> str:
    return f"{Path(waiver.where.file or '').name} 第{waiver.where.row}行"
