"""The XML of a worksheet, changed at single cells: every other byte stays as it is.

The parser tells where each tag stands; the changes are spliced in between. A register of 10,000 agencies has
two million cells: as a tree they would take a gigabyte.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat

from nianbao.outputs.annotation.package import RELATION
from nianbao.outputs.annotation.xmlbytes import refuse_document_type, tag, utf8
from nianbao.raw import column_name

Level = Literal["changed", "culprit", "error", "suspect", "warning", "possible", "explained"]
Spot = tuple[int, int]  # row and column, from 1

_TAG = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# What the schema puts after the legacy drawing.
_AFTER_DRAWING = ("legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems",
                  "tableParts", "extLst")  # fmt: skip
# Pixels: Excel's defaults, and what it makes of a width in characters and a height in points.
_COLUMN, _ROW = 64.0, 20.0
_PER_CHARACTER, _PER_POINT = 7.0, 4 / 3


def spot_of(address: str) -> Spot | None:
    """Return row and column of an address such as ``K5``, None for what is none."""
    match = _ADDRESS.fullmatch(address.replace("$", "").upper())
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


@dataclass(frozen=True, slots=True)
class Figure:
    """The number that a cell is to hold, as XML writes it, and whether its formula stays."""

    number: str
    keeps_formula: bool = False


@dataclass
class _Row:
    """The row that the parser is in: its number, its start tag, and the wanted columns still to come."""

    number: int
    name: str
    attributes: dict[str, str]
    start: int
    wanted: deque[int]
    last: int = 0


class SheetXml:
    """A worksheet whose wanted cells get another style; cells that are not there are made."""

    def __init__(
        self,
        data: bytes,
        wanted: Mapping[Spot, Level],
        restyle: Callable[[int, Level], int],
        figures: Mapping[Spot, Figure] | None = None,
    ) -> None:
        """Scan the XML; `restyle` gives the style that a cell of some style gets for a level.

        `figures` are new values of wanted cells.
        """
        self._figures = figures or {}
        self._open: tuple[int, Figure] | None = None  # where the content of a cell begins that gets a figure
        self.data = utf8(data)
        self.drawing: str | None = None  # the relationship of the drawing that holds the comments' boxes
        self._wanted, self._restyle = wanted, restyle
        self._by_row: dict[int, list[int]] = {}
        for row, column in sorted(wanted):
            self._by_row.setdefault(row, []).append(column)
        self._rows = deque(self._by_row)
        self._inside, self._section_start = "", 0
        self._edits: list[tuple[int, int, bytes]] = []
        self._depth = 0
        self._prefix = ""
        self._row: _Row | None = None
        self._last_row = 0
        self._columns: list[tuple[int, int, float, int]] = []
        self._heights: dict[int, float] = {}
        self._default = [_COLUMN, _ROW]
        self._drawing_at = 0
        self._parse()

    def finished(self, drawing: str | None = None) -> bytes:
        """Return the changed XML; `drawing` is the relationship of a drawing that is new."""
        edits = sorted(self._edits, key=lambda edit: edit[0])
        if drawing is not None:
            tag = f'<{self._prefix}legacyDrawing xmlns:r="{RELATION}" r:id="{drawing}"/>'
            # It stands behind all cells, so behind all other changes.
            edits.append((self._drawing_at, self._drawing_at, tag.encode()))
        pieces: list[bytes] = []
        done = 0
        for start, end, new in edits:
            pieces += (self.data[done:start], new)
            done = end
        return b"".join((*pieces, self.data[done:]))

    def width(self, column: int) -> float:
        """Return the width of a column (from 1) in pixels."""
        return next((w for low, high, w, _ in self._columns if low <= column <= high), self._default[0])

    def height(self, row: int) -> float:
        """Return the height of a row (from 1) in pixels."""
        return self._heights.get(row, self._default[1])

    def _parse(self) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = refuse_document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self._parser = parser
        parser.Parse(self.data, True)
        del self._parser

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 4:
            if self._row is not None and self._row.wanted:
                self._cell(name, attributes)
        elif self._depth == 3:
            self._inner(name.rpartition(":")[2], name, attributes)
        elif self._depth == 2:
            self._section(name, attributes)
        elif self._depth == 1:
            self._prefix = name[: name.rfind(":") + 1]

    def _end(self, name: str) -> None:
        self._depth -= 1
        at = self._parser.CurrentByteIndex
        if self._open is not None and self._depth == 3:
            self._edits.append((self._open[0], at, self._value(self._open[1])))
            self._open = None
        elif self._open is not None and self._depth == 4 and self._open[1].keeps_formula:
            # What stands behind the formula goes, the formula itself stays.
            self._keep_formula(name, at)
        elif self._depth == 2 and self._row is not None:
            self._end_row(at)
        elif self._depth == 1 and name == f"{self._prefix}sheetData":
            rows = b"".join(map(self._new_row, self._rows))
            self._rows.clear()
            self._fill(name, {}, self._section_start, at, rows)
        elif self._depth == 0 and not self._drawing_at:
            self._drawing_at = at

    def _section(self, name: str, attributes: dict[str, str]) -> None:
        """Note where in the sheet the parser is."""
        local = name.rpartition(":")[2]
        self._inside, self._section_start = local, self._parser.CurrentByteIndex
        if local == "legacyDrawing":
            self.drawing = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), None)
        elif local == "sheetFormatPr":
            width = attributes.get("defaultColWidth")
            self._default[0] = float(width) * _PER_CHARACTER if width else _COLUMN
            self._default[1] = float(attributes.get("defaultRowHeight", 15)) * _PER_POINT
        elif not self._drawing_at and local in _AFTER_DRAWING:
            self._drawing_at = self._parser.CurrentByteIndex

    def _inner(self, local: str, name: str, attributes: dict[str, str]) -> None:
        """Take a column definition or the start of a row."""
        if local == "col" and self._inside == "cols":
            low, high = int(attributes["min"]), int(attributes["max"])
            width = float(attributes.get("width", 0)) * _PER_CHARACTER or self._default[0]
            hidden = attributes.get("hidden") in ("1", "true")
            self._columns.append((low, high, 0 if hidden else width, int(attributes.get("style", 0))))
        elif local == "row" and self._inside == "sheetData":
            self._start_row(name, attributes)

    def _start_row(self, name: str, attributes: dict[str, str]) -> None:
        """Make the wanted rows that are missing before this one, and look for its wanted cells."""
        number = int(attributes.get("r", self._last_row + 1))
        at = self._parser.CurrentByteIndex
        while self._rows and self._rows[0] < number:
            self._edits.append((at, at, self._new_row(self._rows.popleft())))
        if attributes.get("hidden") in ("1", "true"):
            self._heights[number] = 0
        elif "ht" in attributes:
            self._heights[number] = float(attributes["ht"]) * _PER_POINT
        if self._rows and self._rows[0] == number:
            self._rows.popleft()
            self._row = _Row(number, name, attributes, at, self._wanted_in(number))
        self._last_row = number

    def _cell(self, name: str, attributes: dict[str, str]) -> None:
        """Change the cell if it is wanted, and make the wanted cells that are missing before it."""
        row, at = self._row, self._parser.CurrentByteIndex
        if row is None or name != f"{self._prefix}c":
            return
        spot = spot_of(attributes.get("r", ""))
        row.last = spot[1] if spot else row.last + 1
        while row.wanted and row.wanted[0] < row.last:
            self._edits.append((at, at, self._new_cell(row, row.wanted.popleft())))
        if row.wanted and row.wanted[0] == row.last:
            spot = row.number, row.wanted.popleft()
            style = self._restyle(int(attributes.get("s", 0)), self._wanted[spot])
            end = self._tag_end(at)
            closed = self.data[end - 2 : end] == b"/>"
            attributes = {**attributes, "s": f"{style}"}
            figure = self._figures.get(spot)
            if figure is None:
                self._edits.append((at, end, tag(name, attributes, closed)))
                return
            # A number needs no kind, and what the cell held is not that kind any more.
            attributes = {key: value for key, value in attributes.items() if key != "t"}
            if closed:
                filled = tag(name, attributes, False) + self._value(figure) + f"</{name}>".encode()
                self._edits.append((at, end, filled))
            else:
                self._edits.append((at, end, tag(name, attributes, False)))
                self._open = end, figure

    def _keep_formula(self, name: str, at: int) -> None:
        """Move on to behind the formula that ends at `at`, if it is one."""
        if name == f"{self._prefix}f" and self._open is not None:
            self._open = self._tag_end(at), self._open[1]

    def _value(self, figure: Figure) -> bytes:
        return f"<{self._prefix}v>{figure.number}</{self._prefix}v>".encode()

    def _end_row(self, at: int) -> None:
        """Make the wanted cells behind the last cell of the row."""
        row, self._row = self._row, None
        if row is None:
            return
        cells = b"".join(self._new_cell(row, column) for column in row.wanted)
        self._fill(row.name, self._spanned(row), row.start, at, cells)

    def _fill(self, name: str, attributes: dict[str, str], start: int, at: int, content: bytes) -> None:
        """Put content at the end of the element that begins at `start` and whose end tag is at `at`.

        `attributes` are those of its new start tag, if it needs one.
        """
        end = self._tag_end(start)
        closed = self.data[end - 2 : end] == b"/>"
        if closed and content:
            head = tag(name, attributes, False) if attributes else self.data[start : end - 2] + b">"
            self._edits.append((start, end, head + content + f"</{name}>".encode()))
            return
        if attributes:
            self._edits.append((start, end, tag(name, attributes, closed)))
        if content:
            self._edits.append((at, at, content))

    def _spanned(self, row: _Row) -> dict[str, str]:
        """Return the attributes of a row whose note of its columns has become too narrow, else none."""
        numbers = [int(number) for number in re.findall(r"\d+", row.attributes.get("spans", ""))]
        wanted = self._by_row[row.number]
        if not numbers or all(min(numbers) <= column <= max(numbers) for column in wanted):
            return {}
        numbers += wanted
        return {**row.attributes, "spans": f"{min(numbers)}:{max(numbers)}"}

    def _new_row(self, number: int) -> bytes:
        row = _Row(number, f"{self._prefix}row", {}, 0, self._wanted_in(number))
        cells = b"".join(self._new_cell(row, column) for column in row.wanted)
        return tag(row.name, {"r": f"{number}"}, False) + cells + f"</{row.name}>".encode()

    def _new_cell(self, row: _Row, column: int) -> bytes:
        """Return a blank cell that looks as its row or its column does, but for the level."""
        base = next((s for low, high, _, s in self._columns if low <= column <= high), 0)
        if row.attributes.get("customFormat") in ("1", "true"):
            base = int(row.attributes.get("s", 0))
        style = self._restyle(base, self._wanted[row.number, column])
        address = f"{column_name(column - 1)}{row.number}"
        name, attributes = f"{self._prefix}c", {"r": address, "s": f"{style}"}
        figure = self._figures.get((row.number, column))
        if figure is None:
            return tag(name, attributes, True)
        return tag(name, attributes, False) + self._value(figure) + f"</{name}>".encode()

    def _wanted_in(self, number: int) -> deque[int]:
        return deque(self._by_row[number])

    def _tag_end(self, start: int) -> int:
        match = _TAG.match(self.data, start)
        if match is None:
            raise ValueError(f"no tag at {start}")
        return match.end()
