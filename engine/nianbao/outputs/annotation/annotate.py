"""A copy of an input workbook in which the faulty cells are coloured and say what is wrong.

Only what must change does: the style of those cells, the styles that they need, and the comments. Every other
part of the file, and every other byte of the sheets, is as it was: openpyxl would lose what it does not know.
"""

from __future__ import annotations

import copy
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from nianbao.errors import OutputError
from nianbao.findings import SEVERITIES, Finding, Where
from nianbao.outputs.annotation.cellnotes import add_boxes, add_comments, box_of
from nianbao.outputs.annotation.package import MAIN, Package
from nianbao.outputs.annotation.sheetxml import Level, SheetXml, Spot, spot_of
from nianbao.outputs.files import replacing
from nianbao.outputs.results.words import LEVELS, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.readers.sniff import sniff
from nianbao.readers.trouble import broken

_COLOURS: Mapping[Level, str] = {"error": "FFFF5050", "warning": "FFFFC000"}
_COMMENTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_STYLES = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_VML = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_NO_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
# The order of the schema, as far as the styles that are added need it.
_BEFORE_FILLS, _BEFORE_XFS = ("numFmts", "fonts"), ("numFmts", "fonts", "fills", "borders", "cellStyleXfs")
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, etree.XMLSyntaxError,
           expat.ExpatError, ValueError, KeyError)  # fmt: skip


@dataclass(frozen=True)
class Annotated:
    """What was marked: the number of cells, and the errors and warnings that have no cell in the file."""

    cells: int
    unplaced: tuple[Finding, ...]


def annotate(source: Path, target: Path, findings: Iterable[Finding]) -> Annotated:
    """Write a copy of the .xlsx `source` to `target` with errors in red, warnings in orange, and comments.

    Raises InputError where the source cannot be read, OutputError where it is no .xlsx, or where the target
    cannot be written.
    """
    kind = sniff(source)
    if kind != "xlsx":
        raise OutputError(
            f"{source.name}不是.xlsx工作簿，不能标注；请用Excel或WPS打开，另存为.xlsx后再试", file=str(source)
        )
    if target.exists() and target.samefile(source):
        raise OutputError(f"标注结果不能覆盖原文件{source.name}，请换一个文件名", file=str(target))
    with _understood(source):
        package = Package(source)
        try:
            marks, unplaced = _marks(package, source, findings)
            _mark(package, marks)
            with replacing(target) as stream:
                package.save(stream)
        finally:
            package.close()
    return Annotated(sum(map(len, marks.values())), unplaced)


@contextmanager
def _understood(source: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise broken(source) from error


def _marks(
    package: Package, source: Path, findings: Iterable[Finding]
) -> tuple[dict[str, dict[Spot, list[Finding]]], tuple[Finding, ...]]:
    """Return the findings by part and cell, and those that have no place in the file."""
    sheets = package.sheets()
    if not sheets:
        raise OutputError(f"{source.name}中没有认得的工作表，请用Excel或WPS打开，另存为.xlsx后再试")
    only = next(iter(sheets.values())) if len(sheets) == 1 else None
    marks: dict[str, dict[Spot, list[Finding]]] = {}
    unplaced = []
    for finding in findings:
        if finding.severity == "info":
            continue
        where = finding.where
        part = sheets.get(where.sheet) if where.sheet is not None else only
        spot = _spot(where)
        if part is None or spot is None or not _same_file(where.file, source):
            unplaced.append(finding)
        else:
            marks.setdefault(part, {}).setdefault(spot, []).append(finding)
    return marks, tuple(unplaced)


def _spot(where: Where) -> Spot | None:
    """Return the cell of a finding; for a finding about a whole row, its first."""
    if where.cell:
        return spot_of(where.cell)
    return (where.row, 1) if where.row else None


def _same_file(name: str | None, source: Path) -> bool:
    return name is None or Path(name) == source or Path(name).absolute() == source.absolute()


def _mark(package: Package, marks: Mapping[str, Mapping[Spot, list[Finding]]]) -> None:
    """Change the sheets, and add the styles that they need."""
    if not marks:
        return
    styles = _Styles(package)
    for block, (part, cells) in enumerate(sorted(marks.items()), 1):
        levels: dict[Spot, Level] = {
            spot: "error" if any(f.severity == "error" for f in found) else "warning"
            for spot, found in cells.items()
        }
        sheet = SheetXml(package.read(part), levels, styles.filled)
        texts = {spot: _text(found) for spot, found in cells.items()}
        package.write(part, sheet.finished(_comment(package, part, sheet, texts, block)))
    package.write(styles.part, styles.root)


def _text(findings: Iterable[Finding]) -> str:
    """Return what the comment of a cell says."""
    lines = []
    for finding in sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)):
        expected = f"（应为{value_words(finding.expected)}）" if finding.expected is not None else ""
        lines.append(f"【{LEVELS[finding.severity]}】{visible(finding.message)}{expected}")
    return "\n".join(dict.fromkeys(lines))


def _comment(
    package: Package, part: str, sheet: SheetXml, texts: Mapping[Spot, str], block: int
) -> str | None:
    """Add the comments of a sheet; return the relationship of their boxes if that is new."""
    related = {kind.rpartition("/")[2]: target for _, kind, target in package.relations(part)}
    comments = related.get("comments")
    root, new = add_comments(package.root(comments) if comments else None, texts)
    if comments is None:
        comments = package.new_name("xl/comments{}.xml")
        package.relate(part, "comments", comments)
        package.declare(_COMMENTS, part=comments)
    package.write(comments, root)
    targets = {key: target for key, _, target in package.relations(part)}
    drawing = targets.get(sheet.drawing or "")
    boxes = [box_of(spot, texts[spot], sheet.width, sheet.height) for spot in new]
    if drawing is not None:
        package.write(drawing, add_boxes(package.read(drawing), boxes, block))
        return None
    drawing = package.new_name("xl/drawings/vmlDrawing{}.vml")
    package.write(drawing, add_boxes(None, boxes, block))
    package.declare(_VML, extension="vml")
    return package.relate(part, "vmlDrawing", drawing)


class _Styles:
    """The styles of a workbook, to which filled copies are added."""

    def __init__(self, package: Package) -> None:
        self.part = package.styles()
        self.root = package.root(self.part) if self.part in package else etree.fromstring(_NO_STYLES)
        if self.part not in package:
            package.declare(_STYLES, part=self.part)
        self._formats = self._list("cellXfs", _BEFORE_XFS)
        self._fills: dict[Level, str] = {}
        self._filled: dict[tuple[int, Level], int] = {}

    def filled(self, style: int, level: Level) -> int:
        """Return the number of the style that is `style` with the colour of a level."""
        if (style, level) not in self._filled:
            known = style < len(self._formats)
            base = self._formats[style] if known else etree.Element(f"{{{MAIN}}}xf")
            new = copy.deepcopy(base)
            new.set("fillId", self._fill(level))
            new.set("applyFill", "1")
            self._formats.append(new)
            self._formats.set("count", f"{len(self._formats)}")
            self._filled[style, level] = len(self._formats) - 1
        return self._filled[style, level]

    def _fill(self, level: Level) -> str:
        if level not in self._fills:
            fills = self._list("fills", _BEFORE_FILLS)
            pattern = etree.SubElement(etree.SubElement(fills, f"{{{MAIN}}}fill"), f"{{{MAIN}}}patternFill")
            pattern.set("patternType", "solid")
            etree.SubElement(pattern, f"{{{MAIN}}}fgColor", {"rgb": _COLOURS[level]})
            etree.SubElement(pattern, f"{{{MAIN}}}bgColor", {"indexed": "64"})
            fills.set("count", f"{len(fills)}")
            self._fills[level] = f"{len(fills) - 1}"
        return self._fills[level]

    def _list(self, name: str, before: Iterable[str]) -> etree._Element:
        found = self.root.find(f"{{{MAIN}}}{name}")
        if found is None:
            found = etree.Element(f"{{{MAIN}}}{name}")
            names = [f"{{{MAIN}}}{other}" for other in before]
            self.root.insert(sum(child.tag in names for child in self.root), found)
        return found
