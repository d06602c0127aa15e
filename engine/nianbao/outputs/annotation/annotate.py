"""A copy of an input workbook in which the faulty cells are coloured and say what is wrong.

Only what must change does: the style of those cells, the styles that they need, and the comments. Every other
part of the file, and every other byte of the sheets, is as it was: openpyxl would lose what it does not know.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from nianbao.errors import OutputError
from nianbao.findings import Finding, Where
from nianbao.outputs.annotation.cellnotes import add_boxes, add_comments, box_of
from nianbao.outputs.annotation.fills import Styles
from nianbao.outputs.annotation.marks import Mark, finding_marks, order
from nianbao.outputs.annotation.package import Package
from nianbao.outputs.annotation.sheetxml import Figure, SheetXml, Spot, spot_of
from nianbao.outputs.files import replacing
from nianbao.readers.sniff import sniff
from nianbao.readers.trouble import broken

_COMMENTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, etree.XMLSyntaxError,
           expat.ExpatError, ValueError, KeyError)  # fmt: skip


@dataclass(frozen=True)
class Annotated:
    """What was marked: the number of cells, and the errors and warnings that have no cell in the file."""

    cells: int
    unplaced: tuple[Finding, ...]


def annotate(source: Path, target: Path, findings: Iterable[Finding], more: Iterable[Mark] = ()) -> Annotated:
    """Write a copy of the .xlsx `source` to `target` with errors in red, warnings in orange, and comments.

    `more` are further marks, such as those of suspects (`marks.suspect_marks`); of several marks the gravest
    gives a cell its colour. Raises InputError where the source cannot be read, OutputError where it is no
    .xlsx, or where the target cannot be written.
    """
    if sniff(source) != "xlsx":
        raise OutputError(
            f"{source.name}不是.xlsx工作簿，不能标注；请用Excel或WPS打开，另存为.xlsx后再试", file=str(source)
        )
    must_differ(source, target)
    with understood(source):
        package = Package(source)
        try:
            placed = Placed(package, source)
            unplaced = placed.add_findings(findings)
            placed.add(more)
            mark_cells(package, placed.marks)
            with replacing(target) as stream:
                package.save(stream)
        finally:
            package.close()
    return Annotated(sum(map(len, placed.marks.values())), unplaced)


def must_differ(source: Path, target: Path) -> None:
    """Raise OutputError where `target` is the source itself, or would be no workbook by its name."""
    if target.suffix.lower() not in (".xlsx", ".xlsm"):
        raise OutputError(f"副本是Excel工作簿，文件名须以.xlsx结尾，不是“{target.name}”", file=str(target))
    if target.exists() and target.samefile(source):
        raise OutputError(f"结果不能覆盖原文件{source.name}，请换一个文件名", file=str(target))


@contextmanager
def understood(source: Path) -> Iterator[None]:
    """Turn what a damaged file makes fail into an InputError."""
    try:
        yield
    except _BROKEN as error:
        raise broken(source) from error


class Placed:
    """The marks of a workbook by part and cell."""

    def __init__(self, package: Package, source: Path) -> None:
        """Begin without marks; raises OutputError where the workbook has no sheet that is known."""
        self.source = source
        self.sheets = package.sheets()
        if not self.sheets:
            raise OutputError(f"{source.name}中没有认得的工作表，请用Excel或WPS打开，另存为.xlsx后再试")
        self.marks: dict[str, dict[Spot, list[Mark]]] = {}

    def add_findings(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Mark the cells of errors and warnings; return those that have no place in the file."""
        grave = [finding for finding in findings if finding.severity != "info"]
        for finding in grave:
            self.add(finding_marks(finding))
        return tuple(finding for finding in grave if self.place(finding.where) is None)

    def add(self, marks: Iterable[Mark]) -> None:
        """Add marks; those that have no place in the file are left out."""
        for mark in marks:
            if place := self.place(mark.where):
                self.marks.setdefault(place[0], {}).setdefault(place[1], []).append(mark)

    def place(self, where: Where) -> tuple[str, Spot] | None:
        """Return part and cell of a place, of a whole row its first cell; None if it is not in the file."""
        only = next(iter(self.sheets.values())) if len(self.sheets) == 1 else None
        part = self.sheets.get(where.sheet) if where.sheet is not None else only
        spot = spot_of(where.cell) if where.cell else (where.row, 1) if where.row else None
        if part is None or spot is None or not _same_file(where.file, self.source):
            return None
        return part, spot


def _same_file(name: str | None, source: Path) -> bool:
    return name is None or Path(name) == source or Path(name).absolute() == source.absolute()


def mark_cells(
    package: Package,
    marks: Mapping[str, Mapping[Spot, list[Mark]]],
    figures: Mapping[str, Mapping[Spot, Figure]] | None = None,
) -> None:
    """Change the sheets, and add the styles that they need; `figures` are new values of marked cells."""
    if not marks:
        return
    styles = Styles(package)
    for block, (part, cells) in enumerate(sorted(marks.items()), 1):
        levels = {spot: min(found, key=order).level for spot, found in cells.items()}
        sheet = SheetXml(package.read(part), levels, styles.filled, (figures or {}).get(part))
        texts = {spot: text for spot, found in cells.items() if (text := _text(found))}
        package.write(part, sheet.finished(_comment(package, part, sheet, texts, block) if texts else None))
    package.write(styles.part, styles.root)


def _text(marks: Iterable[Mark]) -> str:
    """Return what the comment of a cell says."""
    return "\n".join(dict.fromkeys(mark.text for mark in sorted(marks, key=order) if mark.text))


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
