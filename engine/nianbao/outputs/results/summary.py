"""检查结果.xlsx: the result of a batch as a workbook that an office can print, filter and forward.

Both long sheets are written row by row while the entries stream by, so memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from nianbao import __version__
from nianbao.fields import lookup
from nianbao.findings import SEVERITIES, Finding, Value, Where, order
from nianbao.outputs.results.doubts import DOUBTS, Doubt, DoubtSheet, doubts_of
from nianbao.outputs.results.explaining import EXPLAINED, Explaining, Explanation, explanations
from nianbao.outputs.results.sheets import Book, Column, Extra, Link, Row, Sheet, Table, write_extra
from nianbao.outputs.results.words import (
    LEVELS,
    STATUSES,
    WAIVED,
    Words,
    difference,
    file_words,
    source_words,
    value_words,
)
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, Status
from nianbao.report import Report

_NAMELESS = "（未填单位名称）"
OVERVIEW, FINDINGS, UNREADABLE, NOTES = "总览", "问题清单", "未能读取", "说明"
ROUND = "轮次"

_OVERVIEW_FIRST = (
    Column("序号", 5, "center"),
    Column("单位", 18),
    Column("类别", 7, "center"),
    Column("年度", 6, "center"),
    Column("来源文件", 16),
    Column("输出文件", 18),
    Column("状态", 8, "center"),
    Column("错误", 6, "number"),
    Column("警告", 6, "number"),
)
_OVERVIEW_LAST = (Column("联系人、电话", 12), Column("备注", 8))
_FINDING_COLUMNS = (
    Column("序号", 6, "center"),
    Column("单位", 28, "link"),
    Column("级别", 6, "center"),
    Column("位置", 20),
    Column("来源", 17),
    Column("填报值", 9, "value"),
    Column("应满足", 20),
    Column("应为", 8, "value"),
    Column("差额", 7, "value"),
    Column("建议核对", 26),
    Column("依据", 19),
    Column("说明", 32),
    Column("规则", 13),
    # Not by the words of 情况说明: this list is no form for explanations.
    Column("单位的说明", 18),
    Column("由谁确认", 10),
)
_ROUND_COLUMN = Column(ROUND, 6, "center")
# Columns of the overview, from 0.
_STATUS, _ERRORS, _WARNINGS = 6, 7, 8
_LEGEND = (
    ("状态“通过”", "没有错误和警告"),
    ("状态“有提示”", "没有错误，有警告：请人工核对，确认无误可以不改"),
    ("状态“未通过”", "有错误：请按“问题清单”改正后重新检查"),
    (f"级别“{WAIVED}”", "单位作了情况说明并有人确认，不再影响状态；所说的数改动后说明即失效"),
    (
        f"工作表“{EXPLAINED}”",
        "确认无误而不能改的，填理由、确认人和日期，再用 --waivers 把本文件交回来检查",
    ),
    (
        f"工作表“{DOUBTS}”",
        "改哪几格，勾稽关系就都平衡，最可能的在前；只是推断，请核对台账后再改",
    ),
    ("使用方法", "点“总览”的错误数、警告数，到该单位的第一个问题；点“问题清单”的单位名称，回到“总览”"),
)


@dataclass(frozen=True)
class Entry:
    """One report of a batch, slim: what the summary says of it when the report itself is gone."""

    agency: str
    year: int | None
    category: str
    source: Where
    output: str
    status: Status
    errors: int
    warnings: int
    figures: tuple[Value, ...]
    contact: str
    findings: tuple[Finding, ...]
    note: str = ""
    doubts: tuple[Doubt, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    states: tuple[str, ...] = ()


def entry_of(
    result: CheckResult, pack: Pack, output: str = "", note: str = "", states: tuple[str, ...] = ()
) -> Entry:
    """Return the entry of a checked report; `output` is the name of the file that was made of it.

    `states` says of each finding what became of it since an earlier round.
    """
    report = result.report
    meta = pack.meta
    contact = (report.value(path) for path in meta.get("contact", ()))
    return Entry(
        agency=report.agency,
        year=report.year,
        category=_label(report.value(meta["category"]), meta["category"], pack) if "category" in meta else "",
        source=report.source,
        output=output,
        status=result.status,
        errors=result.errors,
        warnings=result.warnings,
        figures=figures_of(report, pack),
        contact=" ".join(str(value) for value in contact if value),
        findings=result.findings,
        note="；".join(filter(None, (note, _reading_note(result)))),
        doubts=tuple(doubts_of(result)),
        explanations=explanations(result, pack),
        states=states,
    )


def figures_of(report: Report, pack: Pack) -> tuple[Value, ...]:
    """Return the figures of a report that the pack has chosen for summaries, in its order."""
    return tuple(_sum(report.data, column["sum"]) for column in pack.meta.get("summary", ()))


def _reading_note(result: CheckResult) -> str:
    """Return what a person must know of how a finished report was read."""
    tables = sum(finding.rule == "STREAM" for finding in result.findings)
    return f"{tables}张表的数字从无表格的文字读出，请与原文核对" if tables else ""


def _label(value: Value, path: str, pack: Pack) -> str:
    field = pack.fields.find(path)
    return dict(field.choices).get(str(value), str(value or "")) if field else ""


def _sum(data: object, paths: Iterable[str]) -> Value:
    """Return the sum of fields; None as soon as one of them is blank, for a part would mislead."""
    total: int | Decimal = 0
    for path in paths:
        value = lookup(data, path)
        if not isinstance(value, int | Decimal):
            return None
        total += value
    return total


def write_summary(
    path: Path,
    pack: Pack,
    entries: Iterable[Entry],
    unreadable: Sequence[tuple[str, str]] = (),
    notes: Sequence[tuple[str, str]] = (),
    extras: Sequence[Extra] = (),
    rounds: bool = False,
) -> None:
    """Write the summary of a batch; raises OutputError.

    `unreadable` are (file, reason); `notes` are (heading, text) to be recorded: options, reasons given to
    overrides, the time; `extras` are further sheets; `rounds` adds a column of what became of each finding
    since an earlier round. Equal arguments give equal bytes.
    """
    with summarizing(path, pack, rounds) as summary:
        for entry in entries:
            summary.add(entry)
        summary.save(unreadable, notes, extras)


@contextmanager
def summarizing(path: Path, pack: Pack, rounds: bool = False) -> Iterator[Summary]:
    """Give the summary of a batch that is written while the batch runs; raises OutputError.

    Nothing stands at `path` before it is saved.
    """
    with Book(pack.title, path) as book:
        yield Summary(book, pack, rounds)


class Summary:
    """Writes the sheets of a summary while it counts."""

    def __init__(self, book: Book, pack: Pack, rounds: bool = False) -> None:
        self.book, self.pack, self.rounds = book, pack, rounds
        self.words = Words(pack)
        figures = [_figure(column, pack) for column in pack.meta.get("summary", ())]
        self.overview = Sheet(book, OVERVIEW, (*_OVERVIEW_FIRST, *figures, *_OVERVIEW_LAST), frozen=2)
        columns = (*_FINDING_COLUMNS, *((_ROUND_COLUMN,) if rounds else ()))
        self.findings = Table(book, FINDINGS, columns, frozen=2)
        self.doubts = DoubtSheet(book, pack)
        self.explaining = Explaining(book, self.words)
        self.sums: list[int | Decimal] = [0] * (2 + len(figures))
        self.statuses = dict.fromkeys(STATUSES, 0)
        self.levels = dict.fromkeys(LEVELS, 0)
        self.waived = 0

    def add(self, entry: Entry) -> None:
        """Write one report: its line in the overview and a line for each finding."""
        home = Link(OVERVIEW, self.overview.row + 1)
        first: dict[str, Link] = {}
        states = entry.states or ("",) * len(entry.findings)
        pairs = zip(entry.findings, states, strict=True)
        for finding, state in sorted(pairs, key=lambda pair: order(pair[0])):
            if finding.waiver:
                self.waived += 1
                self.findings.append(self.finding(entry, finding, home, state))
                continue
            self.levels[finding.severity] += 1
            line = self.findings.append(self.finding(entry, finding, home, state))
            first.setdefault(finding.severity, line)
        self.doubts.add(entry.agency or _NAMELESS, entry.doubts, home)
        self.explaining.add(entry.agency, entry.year, entry.explanations)
        self.statuses[entry.status] += 1
        for index, value in enumerate((entry.errors, entry.warnings, *entry.figures)):
            if isinstance(value, int | Decimal):
                self.sums[index] += value
        self.overview.append(self.line(entry, first))

    def line(self, entry: Entry, first: Mapping[str, Link]) -> Row:
        """Return the line of a report in the overview; `first` leads to its findings, by severity."""
        styles: dict[int, str] = {_STATUS: entry.status}
        links = {}
        for column, severity, style in ((_ERRORS, "error", "errors"), (_WARNINGS, "warning", "warnings")):
            if severity in first:
                styles[column], links[column] = style, first[severity]
        values = (
            self.overview.row,
            entry.agency or _NAMELESS,
            entry.category,
            entry.year,
            _source(entry.source),
            entry.output,
            STATUSES[entry.status],
            entry.errors,
            entry.warnings,
            *entry.figures,
            entry.contact,
            entry.note,
        )
        return Row(values, styles, links)

    def finding(self, entry: Entry, finding: Finding, home: Link, state: str) -> Row:
        """Return the line of a finding; `home` leads to its report in the overview."""
        words, waiver = self.words, finding.waiver
        values = (
            sum(self.levels.values()) + self.waived,
            entry.agency or _NAMELESS,
            words.level(finding),
            words.place(finding),
            source_words(finding.where, "\n"),
            _value(finding.actual),
            words.requirement(finding),
            _value(finding.expected),
            difference(finding),
            words.advice(finding),
            finding.basis,
            words.message(finding),
            finding.rule,
            waiver.reason if waiver else None,
            " ".join(filter(None, (waiver.confirmed_by, waiver.date))) if waiver else None,
            *((state,) if self.rounds else ()),
        )
        return Row(values, {2: "info" if finding.waiver else finding.severity}, {1: home})

    def save(
        self,
        unreadable: Sequence[tuple[str, str]],
        notes: Sequence[tuple[str, str]],
        extras: Sequence[Extra] = (),
    ) -> None:
        """Write what stands below and behind the long sheets, and then the file; see `write_summary`."""
        self.overview.end_of_data()
        self.findings.sheet.end_of_data()
        self.doubts.finish()
        self.explaining.finish()
        if self.overview.row > 1:
            self.overview.totals("合计", dict(enumerate(self.sums, _ERRORS)))
        counted = self.counted()
        self.overview.remark(counted)
        if unreadable:
            text = f"另有{len(unreadable)}个文件未能读取，见工作表“{UNREADABLE}”"
            self.overview.remark(text, Link(UNREADABLE, 1))
            self.unreadable(unreadable)
        for extra in extras:
            write_extra(self.book, extra)
        self.notes([("检查结果", counted), *notes])
        self.book.save()

    def counted(self) -> str:
        """Return the result of the batch in one line."""
        statuses, levels = self.statuses, self.levels
        by_status = "，".join(f"{STATUSES[status]}{count}份" for status, count in statuses.items())
        by_level = "，".join(f"{LEVELS[level]}{levels[level]}个" for level in SEVERITIES)
        by_level += f"，{WAIVED}{self.waived}个" if self.waived else ""
        return f"共{sum(statuses.values())}份：{by_status}；{by_level}"

    def unreadable(self, unreadable: Sequence[tuple[str, str]]) -> None:
        """List the files that could not be read, with the reason."""
        columns = (Column("序号", 6, "center"), Column("文件", 50), Column("原因和处理办法", 80))
        table = Table(self.book, UNREADABLE, columns)
        for number, (file, reason) in enumerate(unreadable, 1):
            table.append(Row((number, file, reason)))
        table.sheet.end_of_data()

    def notes(self, notes: Sequence[tuple[str, str]]) -> None:
        """Record how the result came about, and say how to read it."""
        table = Table(self.book, NOTES, (Column("项目", 22), Column("内容", 110)))
        basis = self.pack.meta.get("basis", {})
        made_with = [
            ("报表", self.pack.title),
            ("报表依据", "；".join(filter(None, (basis.get("name"), basis.get("law"))))),
            ("报表包", f"{self.pack.id}（SHA-256 {self.pack.digest}）"),
            ("程序", f"nianbao {__version__}"),
        ]
        for heading, text in (*notes, *made_with, *_LEGEND):
            table.append(Row((heading, text), {0: "heading"}))


def _figure(column: Mapping[str, Any], pack: Pack) -> Column:
    """Return a column of figures; one of amounts is wider."""
    fields = map(pack.fields.find, column["sum"])
    amounts = any(field is not None and field.kind == "amount" for field in fields)
    return Column(column["title"], 9 if amounts else 6.5, "number")


def _source(where: Where) -> str:
    """Return the file of a report, with sheet or row where a file holds many."""
    number = where.row or where.line
    return f"{file_words(where)} {f'第{number}行' if number else where.sheet or ''}".strip()


def _value(value: Value) -> Value:
    """Return a value for a cell: numbers as they are, all else in words."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    return value_words(value) or None
