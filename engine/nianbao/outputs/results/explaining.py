"""The sheet 情况说明: every finding that may be explained, to be filled in and given back with --waivers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nianbao.findings import Finding, order
from nianbao.outputs.results.sheets import Book, Column, Row, Table
from nianbao.outputs.results.words import Words, value_words
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.waivers import WHOLE, can_be_waived, value_mark

EXPLAINED = "情况说明"
# `waivers.reading` knows the columns by these words.
_COLUMNS = (
    Column("单位", 18),
    Column("年度", 6, "center"),
    Column("规则", 14),
    Column("位置", 22),
    Column("填报值", 12, "value"),
    Column("应为", 9, "value"),
    Column("问题", 34),
    Column("理由", 34, "asked"),
    Column("确认人", 9, "asked"),
    Column("日期", 11, "asked"),
    Column("栏目", 24),
)


@dataclass(frozen=True)
class Explanation:
    """A finding that may be explained, with the value that it is about as an explanation has it."""

    finding: Finding
    value: str


def explanations(result: CheckResult, pack: Pack) -> tuple[Explanation, ...]:
    """Return the findings of a report that may be explained, and those that are."""
    found = (f for f in sorted(result.findings, key=order) if can_be_waived(f, pack))
    return tuple(Explanation(finding, value_mark(finding, result.report)) for finding in found)


class Explaining:
    """Writes the sheet while the reports go by; it is only there where there is something to explain."""

    def __init__(self, book: Book, words: Words) -> None:
        self.book, self.words = book, words
        self._table: Table | None = None

    def add(self, agency: str, year: int | None, found: Iterable[Explanation]) -> None:
        """Write a row for each finding; one that is explained keeps its explanation."""
        for each in found:
            if self._table is None:
                self._table = Table(self.book, EXPLAINED, _COLUMNS, frozen=1)
            self._table.append(self._row(agency, year, each))

    def finish(self) -> None:
        """Close the sheet, and put it behind those of the findings, which went on growing."""
        if self._table is None:
            return
        self._table.sheet.end_of_data()
        workbook: Any = self.book.workbook
        workbook._sheets.sort(key=lambda sheet: sheet.title.startswith(EXPLAINED))

    def _row(self, agency: str, year: int | None, each: Explanation) -> Row:
        finding, waiver = each.finding, each.finding.waiver
        return Row(
            (
                agency,
                year,
                finding.rule,
                self.words.place(finding) if finding.field else WHOLE,
                each.value,
                value_words(finding.expected),
                finding.message,
                waiver.reason if waiver else None,
                waiver.confirmed_by if waiver else None,
                waiver.date if waiver else None,
                finding.field,
            )
        )
