"""What stands in single cells of a worksheet's XML: their kind and their formula."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from xml.parsers import expat

from nianbao.outputs.annotation.sheetxml import Spot, spot_of
from nianbao.outputs.annotation.xmlbytes import refuse_document_type, utf8


@dataclass(slots=True)
class CellXml:
    """A cell: the ``t`` of its value ("n" for numbers), whether it has one, its formula and how that is kept.

    `kept` is "normal", "shared", "array" or "dataTable"; `leads` is whether other cells take their formula
    from this one.
    """

    kind: str = "n"
    filled: bool = False
    formula: str | None = None
    kept: str = "normal"
    leads: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the cell holds text, which no spreadsheet adds up."""
        return self.filled and self.kind in ("s", "str", "inlineStr")


def scan_cells(data: bytes, wanted: Collection[Spot]) -> dict[Spot, CellXml]:
    """Return the wanted cells that are there."""
    scanner = _Scanner(wanted)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse_document_type
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.text
    parser.Parse(utf8(data), True)
    return scanner.found


class _Scanner:
    def __init__(self, wanted: Collection[Spot]) -> None:
        self.wanted = frozenset(wanted)
        self.rows = {row for row, _ in wanted}
        self.found: dict[Spot, CellXml] = {}
        self._row = self._column = 0
        self._cell: CellXml | None = None
        self._in_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of a row, a cell, or what is in a wanted cell."""
        local = name.rpartition(":")[2]
        if local == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif local == "c" and self._row in self.rows:
            spot = spot_of(attributes.get("r", "")) or (self._row, self._column + 1)
            self._column = spot[1]
            if spot in self.wanted:
                self._cell = self.found[spot] = CellXml(attributes.get("t", "n"))
        elif self._cell is not None and local == "f":
            self._cell.formula, self._in_formula = "", True
            self._cell.kept = attributes.get("t", "normal")
            self._cell.leads = "ref" in attributes
        elif self._cell is not None and local in ("v", "is"):
            self._cell.filled = True

    def end(self, name: str) -> None:
        """Take the end of a cell or of its formula."""
        local = name.rpartition(":")[2]
        if local == "c":
            self._cell = None
        elif local == "f":
            self._in_formula = False

    def text(self, text: str) -> None:
        """Take a piece of a formula."""
        if self._in_formula and self._cell is not None and self._cell.formula is not None:
            self._cell.formula += text
