"""Binding: raw cells become a report, and what is no value becomes a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nianbao.blanks import blank_blocks
from nianbao.cells import RawCell, Uncomputed
from nianbao.expression import Number
from nianbao.fields import Field, place_value
from nianbao.findings import Finding, Severity, Value, Where
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.report import Report
from nianbao.rules import derive
from nianbao.values import is_blank, parse, shortened


def bind(raw: RawReport, pack: Pack, blank_as_zero: str | None = None) -> Report:
    """Return the report that the raw cells make.

    In an input workbook a blank total is derived from the rules, other blank figures are errors, one for
    each block, unless `blank_as_zero` gives a reason to take them for 0. In a finished report a blank
    stays blank.
    """
    binder = _Binder(raw, pack)
    binder.parse_cells()
    if not raw.finished:
        binder.declare_zero()
        if blank_as_zero:
            binder.zero_blanks(binder.blank_required(), f"按“{blank_as_zero}”作0处理")
        binder.derive_totals()
    binder.report_blanks()
    return binder.report()


class _Binder:
    """Collects values and findings on the way from raw cells to a report."""

    def __init__(self, raw: RawReport, pack: Pack) -> None:
        self.raw = raw
        self.pack = pack
        self.values: dict[str, Value] = {}
        self.findings: list[Finding] = list(raw.findings)
        self.failed: set[str] = {f.field for f in raw.findings if f.field and f.severity == "error"}
        self.uncomputed: dict[str, Uncomputed] = {}

    def parse_cells(self) -> None:
        """Parse every cell; a formula without a result waits for the rules to say what it should be."""
        for path, cell in self.raw.cells.items():
            field = self.pack.fields.find(path)
            if field is None:
                self.add("UNKNOWN", "error", path, f"没有这个栏目：{path}，请核对名称", _shown(cell.value))
            elif isinstance(cell.value, Uncomputed) and field.is_number and not self.raw.finished:
                self.uncomputed[path] = cell.value
            elif path not in self.failed:
                self.parse_cell(path, field, cell)

    def parse_cell(self, path: str, field: Field, cell: RawCell) -> None:
        """Keep the value of one cell, or say what is wrong with it."""
        parsed = parse(cell.value, field)
        if parsed.problem:
            message = f"{self.pack.fields.place(path)}{parsed.problem}"
            self.add("VALUE", "error", path, message, _shown(cell.value))
        else:
            self.values[path] = parsed.value

    def declare_zero(self) -> None:
        """Fill the tables of the zero declaration with 0 where it is made and they are blank."""
        declaration = self.pack.meta.get("zero_declaration")
        if not declaration or self.values.get(declaration["field"]) is not True:
            return
        tables = [f"{path}." for path in declaration["tables"]]
        covered = [f.path for f in self.pack.fields.numbers if f.path.startswith(tuple(tables))]
        title = self.pack.fields.nodes[declaration["field"]].title
        for path in covered:
            if self.values.get(path):
                message = f"已声明“{title}”，但{self.pack.fields.place(path)}填了{self.values[path]}"
                self.add("ZERO-DECLARED", "error", path, message, self.values[path], expected=0)
        self.zero_blanks([p for p in covered if p in self.blank_required()], f"已声明“{title}”，按0计")

    def zero_blanks(self, blank: Sequence[str], reason: str) -> None:
        """Take blank figures for 0 and record it, one note for each block."""
        for block in blank_blocks(blank, self.pack):
            self.add("BLANK-ZERO", "info", block.fields[0], f"{block.words}为空：{reason}", None, expected=0)
        for path in blank:
            self.values[path] = 0
            self.uncomputed.pop(path, None)

    def blank_required(self) -> list[str]:
        """Return the required figures that are blank, in the order of the schema."""
        wanted = (f.path for f in self.pack.fields.numbers if f.required)
        return [p for p in wanted if self.values.get(p) is None and p not in self.failed]

    def derive_totals(self) -> None:
        """Calculate the blank totals that the rules determine, each with a note."""
        blank = self.blank_required()
        if not blank:
            return
        numbers: dict[str, Number | None] = {
            f.path: v if isinstance(v := self.values.get(f.path), Number) else None
            for f in self.pack.fields.numbers
        }
        open_totals = {path: value for path, value in numbers.items() if value is not None or path in blank}
        for path, value in derive(self.pack.rules.instances, open_totals).items():
            self.values[path] = value
            self.uncomputed.pop(path, None)
            message = f"{self.pack.fields.place(path)}为空，已按勾稽关系计算为{value}"
            self.add("DERIVED", "info", path, message, None, expected=value)

    def report_blanks(self) -> None:
        """Say what is missing: figures block by block, and who reports about which year."""
        for path, formula in self.uncomputed.items():
            field = self.pack.fields.find(path)
            if field is not None:
                self.parse_cell(path, field, RawCell(formula, self.where(path)))
        hint = "报告中应填数字，无业务为0" if self.raw.finished else "无业务请填0"
        for block in blank_blocks(self.blank_required(), self.pack):
            self.add("BLANK", "error", block.fields[0], f"{block.words}为空；{hint}", None)
            self.failed |= set(block.fields)
        for field in self.pack.fields.plain:
            blank = self.values.get(field.path) is None and field.path not in self.failed
            if field.required and not field.is_number and blank:
                self.add("BLANK", "error", field.path, f"{field.place}为空，请填写", None)

    def report(self) -> Report:
        """Return the report as it stands now."""
        data: dict[str, Any] = {}
        for field in self.pack.fields.plain:
            value = self.values.pop(field.path, None)
            if value is not None or field.required:
                place_value(data, field.path, value)
        for path, value in self.values.items():
            if value is not None:
                place_value(data, path, value)
        origins = {path: cell.where for path, cell in self.raw.cells.items()}
        return Report(data, self.raw.source, tuple(self.findings), origins)

    def where(self, path: str) -> Where:
        """Return where a field stands in the source, else where the report does."""
        cell = self.raw.cells.get(path)
        return cell.where if cell else self.raw.source

    def add(
        self, rule: str, severity: Severity, path: str, message: str, actual: Value, expected: Value = None
    ) -> None:
        """Add a finding about a field."""
        if severity == "error":
            self.failed.add(path)
        self.findings.append(
            Finding(rule, severity, path, self.where(path), message, expected=expected, actual=actual)
        )


def _shown(value: object) -> Value:
    """Return a raw value as a finding can carry it."""
    if value is None or isinstance(value, bool | int):
        return value
    return shortened(str(getattr(value, "text", value)), 100)


def raw_from_data(data: Mapping[str, Any], pack: Pack, source: Where) -> RawReport:
    """Return nested data as raw cells, each with its JSON Pointer; what is no leaf of the schema is named."""
    cells: dict[str, RawCell] = {}
    findings: list[Finding] = []
    _flatten(data, "", "", pack, source, cells, findings)
    return RawReport(cells, source, tuple(findings))


def _flatten(
    value: Any,
    path: str,
    pointer: str,
    pack: Pack,
    source: Where,
    cells: dict[str, RawCell],
    findings: list[Finding],
) -> None:
    where = Where(source.file, line=source.line, pointer=f"{source.pointer or ''}{pointer}")
    if path in pack.fields.by_path or (path and pack.fields.find(path)):
        if isinstance(value, Mapping | list | tuple):
            message = f"{pack.fields.place(path)}应为一个值，不是列表或对象"
            findings.append(Finding("VALUE", "error", path, where, message))
        elif not is_blank(value) or value == "":
            cells[path] = RawCell(value, where)
    elif path in pack.fields.lists and isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _flatten(item, f"{path}[{index}]", f"{pointer}/{index}", pack, source, cells, findings)
    elif isinstance(value, Mapping) and (not path or _is_branch(path, pack)):
        for key, child in value.items():
            step = str(key)
            inner = (
                f"{path}[{step}]"
                if path in pack.fields.maps and f"{path}.{step}" not in pack.fields.by_path
                else (f"{path}.{step}" if path else step)
            )
            escaped = step.replace("~", "~0").replace("/", "~1")
            _flatten(child, inner, f"{pointer}/{escaped}", pack, source, cells, findings)
    elif value is not None:
        known = path in pack.fields.nodes
        message = (
            f"{pack.fields.place(path)}的写法不对，请对照报表结构"
            if known
            else f"没有这个栏目：{path}，请核对名称"
        )
        findings.append(Finding("UNKNOWN", "error", path, where, message, actual=_shown(value)))


def _is_branch(path: str, pack: Pack) -> bool:
    return path in pack.fields.nodes or path.endswith("]")
