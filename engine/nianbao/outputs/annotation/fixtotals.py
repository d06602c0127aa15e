"""A copy of an input workbook in which the totals are those of their parts; the parts are never changed.

Which totals those are is decided by `recompute`. A formula that adds up exactly its parts stays, and gets the
right result; any other formula gives way to the number. All else in the file is as it was, except that
spreadsheets are told to calculate it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

from nianbao.errors import OutputError
from nianbao.findings import Where
from nianbao.outputs.annotation.annotate import Placed, mark_cells, must_differ, understood
from nianbao.outputs.annotation.cellscan import CellXml, scan_cells
from nianbao.outputs.annotation.marks import Mark
from nianbao.outputs.annotation.package import MAIN, Package
from nianbao.outputs.annotation.sheetxml import Figure, Spot
from nianbao.outputs.annotation.sumformula import adds_up
from nianbao.outputs.files import replacing
from nianbao.outputs.results.words import value_words
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.readers.sniff import Kind, sniff
from nianbao.report import Report
from nianbao.rules.recompute import Recomputed, recompute_totals

_FINISHED: frozenset[Kind] = frozenset({"docx", "pdf", "html", "text", "doc", "wps", "ofd"})
# What the schema puts before the settings of calculation.
_BEFORE_CALCULATION = ("fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews",
                       "sheets", "functionGroups", "externalReferences", "definedNames")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fix:
    """A total that was changed, or was not for a reason, with the report that it belongs to."""

    report: Report
    total: Recomputed
    where: Where
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether the total was changed."""
        return not self.reason


def fix_totals(source: Path, target: Path, results: Iterable[CheckResult], pack: Pack) -> list[Fix]:
    """Write a copy of the .xlsx `source` to `target` with its totals recomputed; return what was done.

    Each changed cell is coloured and says what stood there; a total that is explained stays. Raises
    InputError where the source cannot be read, OutputError where it is no .xlsx, or where the target cannot
    be written.
    """
    must_be_workbook(source)
    must_differ(source, target)
    with understood(source):
        package = Package(source)
        try:
            fixes = list(_Fixer(package, source, pack).fix(results))
            with replacing(target) as stream:
                package.save(stream)
        finally:
            package.close()
    return fixes


def must_be_workbook(source: Path) -> None:
    """Raise OutputError, which says what to do, for anything but an .xlsx; finished reports do not change."""
    kind = sniff(source)
    if kind in _FINISHED:
        message = f"{source.name}是成品报告，程序不改成品；请改原始表格后重新生成"
    elif kind in ("json", "jsonl"):
        message = f"{source.name}是数据文件，没有单元格；请先用 nianbao read 转成.xlsx工作簿再试"
    elif kind != "xlsx":
        message = f"{source.name}不是.xlsx工作簿，不能改写合计；请用Excel或WPS打开，另存为.xlsx后再试"
    else:
        return
    raise OutputError(message, file=str(source))


class _Fixer:
    def __init__(self, package: Package, source: Path, pack: Pack) -> None:
        self.package, self.pack = package, pack
        self.placed = Placed(package, source)
        self.titles = {part: title for title, part in self.placed.sheets.items()}

    def fix(self, results: Iterable[CheckResult]) -> Iterator[Fix]:
        """Change the totals of the reports; yield what was done, report by report."""
        found: list[tuple[Report, Recomputed]] = []
        explained: set[tuple[int, str | None]] = set()
        for result in results:
            report = result.report
            found += ((report, total) for total in recompute_totals(self.pack.rules.instances, report))
            explained |= {(id(report), f.field) for f in result.findings if f.waiver is not None}
        cells = self._scanned(found)
        figures: dict[str, dict[Spot, Figure]] = {}
        lost = False
        for report, total in found:
            where = report.where(total.field)
            place = self.placed.place(report.origins.get(total.field, Where(sheet="")))
            reason = "这一格已有说明" if (id(report), total.field) in explained else self._against(total)
            reason = reason or self._in_the_way(total, report, place, cells)
            yield Fix(report, total, where, reason)
            if place is None or reason:
                continue
            part, spot = place
            cell = cells[part].get(spot, CellXml())
            keeps = cell.formula is not None and self._is_right(cell.formula, total, report, part)
            lost = lost or (cell.formula is not None and not keeps)
            figures.setdefault(part, {})[spot] = Figure(_written(total.new), keeps)
            self.placed.add([Mark(where, "changed", _comment(total, cell, keeps))])
        mark_cells(self.package, self.placed.marks, figures)
        if figures:
            _recalculate(self.package, lost)

    def _scanned(self, found: Sequence[tuple[Report, Recomputed]]) -> Mapping[str, Mapping[Spot, CellXml]]:
        """Return the cells of the totals and of their parts, by part of the package."""
        wanted: dict[str, set[Spot]] = {}
        for report, total in found:
            for path in (total.field, *total.parts):
                if path in report.origins and (place := self.placed.place(report.origins[path])):
                    wanted.setdefault(place[0], set()).add(place[1])
        return {part: scan_cells(self.package.read(part), spots) for part, spots in wanted.items()}

    def _against(self, total: Recomputed) -> str:
        if total.against is None:
            return ""
        place = self.pack.fields.place(total.against.target)
        return f"分项之间不一致，改后“{total.against.rule.title}”（{place}）不成立，请先核对分项"

    def _in_the_way(
        self,
        total: Recomputed,
        report: Report,
        place: tuple[str, Spot] | None,
        cells: Mapping[str, Mapping[Spot, CellXml]],
    ) -> str:
        """Return why a cell cannot be changed; nothing where it can."""
        if place is None:
            return "这一格不在这个工作簿中"
        part, spot = place
        cell = cells[part].get(spot)
        if cell is None or cell.formula is None:
            return ""
        right = self._is_right(cell.formula, total, report, part)
        if (cell.leads and not right) or cell.kept not in ("normal", "shared"):
            return "这一格的公式同时管着别的格，请在表格软件中改正公式"
        if right:
            texts = [path for path in total.parts if self._is_text(path, report, cells)]
            if texts:
                first = self.pack.fields.place(texts[0])
                return f"公式是对的，但{first}等{len(texts)}格是文本，表格软件不计入合计，请改成数字"
        elif total.old is None:
            return "这一格的公式还没有结果，请用表格软件打开并保存后再试"
        return ""

    def _is_text(self, path: str, report: Report, cells: Mapping[str, Mapping[Spot, CellXml]]) -> bool:
        place = self.placed.place(report.origins[path]) if path in report.origins else None
        cell = cells[place[0]].get(place[1]) if place else None
        return cell is not None and cell.is_text and cell.formula is None

    def _is_right(self, formula: str, total: Recomputed, report: Report, part: str) -> bool:
        """Return whether a formula adds up the parts of its total, all of them on its sheet."""
        places = [self.placed.place(report.origins[p]) for p in total.parts if p in report.origins]
        spots = [place[1] for place in places if place is not None and place[0] == part]
        return len(spots) == len(total.parts) and adds_up(formula, spots, self.titles[part])


def _comment(total: Recomputed, cell: CellXml, keeps: bool) -> str:
    old = "空" if total.old is None else value_words(total.old)
    text = f"【已改】原为{old}，按分项合计为{value_words(total.new)}"
    if cell.formula is None:
        return text
    return f"{text}；公式未变" if keeps else f"{text}；原公式没有正好加总全部分项，已换成数值"


def _written(number: int | Decimal) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else f"{number}"


def _recalculate(package: Package, formulas_lost: bool) -> None:
    """Have spreadsheets calculate all formulas when they open the file."""
    workbook = package.workbook()
    if formulas_lost:
        # The order of calculation names cells that hold no formula any more.
        chains = [t for _, kind, t in package.relations(workbook) if kind.endswith("/calcChain")]
        for chain in chains:
            package.drop(chain, workbook)
    root = package.root(workbook)
    settings = root.find(f"{{{MAIN}}}calcPr")
    if settings is None:
        names = [f"{{{MAIN}}}{name}" for name in _BEFORE_CALCULATION]
        settings = etree.Element(f"{{{MAIN}}}calcPr")
        root.insert(sum(child.tag in names for child in root), settings)
    settings.set("fullCalcOnLoad", "1")
    package.write(workbook, root)
