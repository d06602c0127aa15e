"""What stands in single cells of a worksheet's XML: their kind and their formula."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from xml.parsers import expat

from nianbao.outputs.annotation.sheetxml import Spot, spot_of
from nianbao.outputs.annotation.xmlbytes import refuse_document_type, utf8
from nianbao.raw import column_name


@dataclass(slots=True)
class CellXml:
    """A cell: the ``t`` of its value ("n" for numbers), whether it has one, its formula and how that is kept.

    `kept` is "normal", "shared" (by the cells of one number), "array" or "dataTable"; `leads` is whether
    other cells take their formula from this one.
    """

    kind: str = "n"
    filled: bool = False
    formula: str | None = None
    kept: str = "normal"
    shared: str = ""
    leads: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the cell holds text, which no spreadsheet adds up."""
        return self.filled and self.kind in ("s", "str", "inlineStr")


def scan_cells(data: bytes, wanted: Collection[Spot]) -> dict[Spot, CellXml]:
    """Return the wanted cells that are there; a shared formula reads as it does in the cell itself."""
    scanner = _Scanner(wanted)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse_document_type
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parser.Parse(utf8(data), True)
    for spot, cell in scanner.found.items():
        if cell.kept == "shared" and not cell.leads and cell.shared in scanner.leaders:
            leader, first = scanner.leaders[cell.shared]
            cell.formula = _moved(leader.formula or "", first, spot)
    return scanner.found


def _moved(formula: str, first: Spot, spot: Spot) -> str:
    """Return a formula as it reads when it is filled from one cell into another."""
    from openpyxl.formula.translate import Translator

    origin, target = (f"{column_name(column - 1)}{row}" for row, column in (first, spot))
    return str(Translator(f"={formula}", origin).translate_formula(target)).removeprefix("=")


class _Scanner:
    def __init__(self, wanted: Collection[Spot]) -> None:
        self.wanted = frozenset(wanted)
        self.rows = {row for row, _ in wanted}
        self.found: dict[Spot, CellXml] = {}
        self.leaders: dict[str, tuple[CellXml, Spot]] = {}
        self._row = self._column = 0
        self._address = ""
        self._cell: CellXml | None = None
        self._formula: CellXml | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of a row, a cell, or what is in one."""
        local = name.rpartition(":")[2]
        if local == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif local == "c":
            self._column, self._address = self._column + 1, attributes.get("r", "")
            # Of most cells nobody asks where they are.
            if self._row in self.rows and self._spot() in self.wanted:
                self._cell = self.found[self._spot()] = CellXml(attributes.get("t", "n"))
        elif local == "f":
            self._start_formula(attributes)
        elif self._cell is not None and local in ("v", "is"):
            self._cell.filled = True

    def _spot(self) -> Spot:
        spot = spot_of(self._address) or (self._row, self._column)
        self._column = spot[1]
        return spot

    def _start_formula(self, attributes: dict[str, str]) -> None:
        leads = "ref" in attributes
        if self._cell is None and not (leads and attributes.get("t") == "shared"):
            return
        cell = self._formula = self._cell or CellXml()
        cell.formula, cell.kept = "", attributes.get("t", "normal")
        cell.shared, cell.leads = attributes.get("si", ""), leads
        if leads:
            self.leaders[cell.shared] = (cell, self._spot())

    def end(self, name: str) -> None:
        """Take the end of a cell or of its formula."""
        local = name.rpartition(":")[2]
        if local == "c":
            self._cell = None
        elif local == "f":
            self._formula = None

    def text(self, text: str) -> None:
        """Take a piece of a formula."""
        if self._formula is not None:
            self._formula.formula = (self._formula.formula or "") + text
