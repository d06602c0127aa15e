"""Binding: raw cells become a report, and what is no value becomes a finding."""

from __future__ import annotations

from collections.abc import Sequence, Set

from nianbao.blanks import blank_blocks
from nianbao.cells import Uncomputed
from nianbao.fields import Field
from nianbao.findings import Finding, Severity, Value, Where
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.report import Report
from nianbao.rules.expression import Number
from nianbao.rules.instances import derive, totals
from nianbao.values import MAX_COUNT, is_plain, parse, shortened


def bind(raw: RawReport, pack: Pack, blank_as_zero: str | None = None) -> Report:
    """Return the report that the raw cells make.

    In an input workbook a blank total is derived from the rules, other blank figures are errors, one for
    each block, unless `blank_as_zero` gives a reason to take them for 0. In a finished report a blank
    stays blank.
    """
    if not raw.values and raw.findings:
        return Report({}, raw.source, raw.findings)
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
        fields, raws, failed = self.pack.fields, self.raw.values, self.failed
        # Nearly every cell of nearly every report: nothing to parse, nothing to say.
        counts, words, most = fields.counts, fields.words, MAX_COUNT
        self.values = {
            path: raw
            for path, raw in raws.items()
            if type(raw) is int and path in counts and 0 <= raw <= most and path not in failed
        }
        if len(self.values) < len(raws):
            for path in [path for path in raws if path not in self.values]:
                raw = raws[path]
                if path in words and path not in failed and is_plain(raw, words[path]):
                    self.values[path] = raw
                else:
                    self.parse_other(path, raw)

    def parse_other(self, path: str, raw: object) -> None:
        """Parse a cell that is no plain count."""
        field = self.pack.fields.find(path)
        if field is None or not self.has_place(path, field):
            self.add("UNKNOWN", "error", path, f"没有这个栏目：{path}，请核对名称", _shown(raw))
        elif isinstance(raw, Uncomputed) and field.is_number and not self.raw.finished:
            self.uncomputed[path] = raw
        elif path not in self.failed:
            self.parse_cell(path, field, raw)

    def has_place(self, path: str, field: Field) -> bool:
        """Return whether an entry of a map belongs to a field: a note needs a cell to stand in."""
        if field.path.removesuffix("[]") not in self.pack.fields.maps:
            return True
        return path[len(field.path) - 1 : -1] in self.pack.fields.by_path

    def parse_cell(self, path: str, field: Field, raw: object) -> None:
        """Keep the value of one cell, or say what is wrong with it."""
        parsed = parse(raw, field)
        if parsed.problem:
            message = f"{self.pack.fields.place(path)}{parsed.problem}"
            self.add("VALUE", "error", path, message, _shown(raw))
        else:
            self.values[path] = parsed.value

    def declare_zero(self) -> None:
        """Fill the tables of the zero declaration with 0 where it is made and they are blank."""
        declaration = self.pack.meta.get("zero_declaration")
        if not declaration or self.values.get(declaration["field"]) is not True:
            return
        tables = tuple(f"{path}." for path in declaration["tables"])
        covered = [f.path for f in self.pack.fields.numbers if f.path.startswith(tables)]
        title = self.pack.fields.nodes[declaration["field"]].title
        against = [path for path in covered if self.values.get(path)]
        if against:
            more = f"等{len(against)}格" if len(against) > 1 else ""
            first = self.pack.fields.place(against[0])
            message = f"已声明“{title}”，但{first}{more}不为0；有业务的不能作此声明"
            self.add("ZERO-DECLARED", "error", against[0], message, self.values[against[0]], expected=0)
        blank = set(self.blank_required())
        self.zero_blanks([p for p in covered if p in blank], f"已声明“{title}”，按0计")

    def zero_blanks(self, blank: Sequence[str], reason: str) -> None:
        """Take blank figures for 0 and record it, one note for each block."""
        for block in blank_blocks(blank, self.pack):
            self.add("BLANK-ZERO", "info", block.fields[0], f"{block.words}为空：{reason}", None, expected=0)
        for path in blank:
            self.values[path] = 0
            self.uncomputed.pop(path, None)

    def blank_required(self) -> list[str]:
        """Return the required figures that are blank, in the order of the schema."""
        get = self.values.get
        blank = [path for path in self.pack.fields.required_numbers if get(path) is None]
        return [path for path in blank if not within(path, self.failed)]

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
        sums = totals(self.pack.rules.instances) if self.uncomputed else {}
        for path, formula in self.uncomputed.items():
            field = self.pack.fields.find(path)
            # A total that could not be derived is as blank as its parts: they are told together.
            if field is not None and path not in sums:
                self.parse_cell(path, field, formula)
        hint = "报告中应填数字，无业务为0" if self.raw.finished else "无业务请填0"
        blank = self.blank_required()
        missing = [p for p in blank if p not in self.raw.values] if self.raw.finished else []
        for block in blank_blocks(missing, self.pack):
            message = f"{block.words}在文件中没有找到；请核对原文"
            self.add("NOT-FOUND", "error", block.fields[0], message, None, block=block.fields)
            self.failed |= set(block.fields)
        for block in blank_blocks([p for p in blank if p not in self.failed], self.pack):
            message = f"{block.words}为空；{hint}"
            self.add("BLANK", "error", block.fields[0], message, None, block=block.fields)
            self.failed |= set(block.fields)
        for field in self.pack.fields.required_words:
            if self.values.get(field.path) is None and not within(field.path, self.failed):
                self.add("BLANK", "error", field.path, f"{field.place}为空，请填写", None)

    def report(self) -> Report:
        """Return the report as it stands now."""
        data = self.pack.nesting.data(self.values)
        return Report(
            data, self.raw.source, tuple(self.findings), self.raw.origins, self.values, self.raw.finished
        )

    def where(self, path: str) -> Where:
        """Return where a field stands in the source, else where the report does."""
        return self.raw.origins.get(path, self.raw.source)

    def add(
        self,
        rule: str,
        severity: Severity,
        path: str,
        message: str,
        actual: Value,
        expected: Value = None,
        block: tuple[str, ...] = (),
    ) -> None:
        """Add a finding about a field, or about a block of several."""
        if severity == "error":
            self.failed.add(path)
        self.findings.append(
            Finding(
                rule,
                severity,
                path,
                self.where(path),
                message,
                expected=expected,
                actual=actual,
                fields=block if len(block) > 1 else (),
            )
        )


def within(path: str, branches: Set[str]) -> bool:
    """Return whether `path` is one of `branches` or stands below one: what is wrong there is said already."""
    return any(path == b or path.startswith((f"{b}.", f"{b}[")) for b in branches)


def _shown(value: object) -> Value:
    """Return a raw value as a finding can carry it."""
    if value is None or isinstance(value, bool | int):
        return value
    return shortened(str(getattr(value, "text", value)), 100)
