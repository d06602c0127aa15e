"""The look of the summary workbook: sheets with a frozen header, filters, links and print settings.

openpyxl's write-only mode serves: a row is on disk as soon as it is appended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nianbao.findings import Value
from nianbao.outputs.xlsx import save_workbook, set_value
from nianbao.raw import column_name

if TYPE_CHECKING:
    from openpyxl.cell import Cell

MAX_ROWS = 1_048_576
_A4 = 9
# Excel follows 65,530 links on a sheet and calls a file with more damaged.
MAX_LINKS = 60_000
# Room for totals and remarks.
_RESERVED = 8
# A listing is no place for pages of text; a cut says so.
_MAX_SHOWN = 2_000

_RED, _YELLOW, _GREEN, _BLUE = "FFC7CE", "FFEB9C", "C6EFCE", "DDEBF7"
_HEAD, _BLUE_INK = "D9E1F2", "0563C1"
# style: (fill, font colour, bold, horizontal)
_LOOKS: Mapping[str, tuple[str, str, bool, str]] = {
    "text": ("", "000000", False, "left"),
    "center": ("", "000000", False, "center"),
    "number": ("", "000000", False, "right"),
    "value": ("", "000000", False, "center"),
    "link": ("", _BLUE_INK, False, "left"),
    "heading": ("", "000000", True, "left"),
    "header": (_HEAD, "000000", True, "center"),
    "total": (_HEAD, "000000", True, "right"),
    "pass": (_GREEN, "006100", True, "center"),
    "warn": (_YELLOW, "7F6000", True, "center"),
    "fail": (_RED, "9C0006", True, "center"),
    "error": (_RED, "9C0006", True, "center"),
    "warning": (_YELLOW, "7F6000", True, "center"),
    "info": (_BLUE, "1F4E78", False, "center"),
    "remark": ("", "000000", False, "left"),
    "remark link": ("", _BLUE_INK, False, "left"),
    "errors": ("", "9C0006", True, "right"),
    "warnings": ("", "7F6000", True, "right"),
}
_SHRUNK = ("number", "total", "errors", "warnings")
_CLICKED = ("errors", "warnings", "link", "remark link")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width in characters, and how its cells look."""

    title: str
    width: float
    style: str = "text"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click leads: a row of a sheet."""

    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Row:
    """The values of a row, and the columns (from 0) that look other than usual."""

    values: Sequence[Value]
    styles: Mapping[int, str]


class Book:
    """The workbook, and the look that all its sheets share."""

    def __init__(self, title: str) -> None:
        from openpyxl import Workbook

        self.title = title
        self.workbook = Workbook(write_only=True)

    def save(self, path: Path) -> None:
        """Write the workbook; raises OutputError."""
        save_workbook(self.workbook, path)


class Sheet:
    """A sheet that is written row by row; a sheet that is full goes on as 名称（2）."""

    def __init__(self, book: Book, title: str, columns: Sequence[Column], frozen: int = 0) -> None:
        self.book, self.name, self.columns, self.frozen = book, title, columns, frozen
        self.title = ""
        self.part = 0
        self._open()

    def _open(self) -> None:
        from openpyxl.cell import Cell

        self.part += 1
        self.title = self.name if self.part == 1 else f"{self.name}（{self.part}）"
        self.sheet = self.book.workbook.create_sheet(self.title)
        self.row = self.links = 0
        self._styles: dict[str, Any] = {}
        self._new_cell: type[Cell] = Cell
        self._set_up()
        self._write([column.title for column in self.columns], ["header"] * len(self.columns), {})

    def _set_up(self) -> None:
        """Set what must stand before the first row: widths, frozen panes, and how the sheet prints."""
        sheet = self.sheet
        for number, column in enumerate(self.columns):
            sheet.column_dimensions[column_name(number)].width = column.width
        sheet.freeze_panes = f"{column_name(self.frozen)}2"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = _A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        margins = sheet.page_margins
        margins.left = margins.right = margins.header = margins.footer = 0.3
        margins.top, margins.bottom = 0.75, 0.6
        sheet.sheet_view.showGridLines = False
        # In the codes of a page header a lone & begins a command.
        title = self.book.title.replace("&", "&&")
        head = sheet.oddHeader.center
        head.text, head.font, head.size = f"{title}·检查结果·{self.title}", "黑体,Regular", 14
        sheet.oddFooter.center.text = "第&P页，共&N页"

    def append(self, row: Row, links: Mapping[int, Link] | None = None) -> Link:
        """Write a row; return the link that leads to it."""
        if self.row >= MAX_ROWS - _RESERVED:
            self.end_of_data()
            self._open()
        values = [_shown(value) if isinstance(value, str) else value for value in row.values]
        styles = [row.styles.get(i, column.style) for i, column in enumerate(self.columns)]
        self._write(values, styles, links or {})
        return Link(self.title, self.row)

    def _write(self, values: Sequence[Value], styles: Sequence[str], links: Mapping[int, Link]) -> None:
        cells = [self._cell(value, style) for value, style in zip(values, styles, strict=True)]
        for column, link in links.items():
            self._link(cells[column], link)
        lines = max(map(_lines, values, self.columns))
        self._append(cells, 16 if lines == 1 else 13.5 * lines + 5)

    def _link(self, cell: Cell, link: Link) -> None:
        from openpyxl.worksheet.hyperlink import Hyperlink

        if self.links < MAX_LINKS:
            self.links += 1
            cell.hyperlink = Hyperlink(ref="", location=f"'{link.sheet}'!A{link.row}")

    def _append(self, cells: list[Cell], height: float) -> None:
        """Write cells as a row of that height: not every program finds out the height by itself."""
        self.row += 1
        dimensions: dict[int, Any] = self.sheet.row_dimensions
        dimensions[self.row] = {"ht": f"{min(height, 400):g}"}
        self.sheet.append(cells)
        # The row is on disk; kept, the heights of 100,000 rows would fill the memory.
        del dimensions[self.row]

    def _cell(self, value: Value, style: str) -> Cell:
        cell = self._new_cell(self.sheet, 1, 1)
        places = decimal_places(value)
        cell._style = self._style(f"{style}.{places}" if places else style)  # type: ignore[attr-defined]
        if value != "":
            set_value(cell, value)
        return cell

    def _style(self, name: str) -> Any:
        """Return the style of that name as openpyxl keeps it; ``number.2`` shows two decimal places."""
        if name not in self._styles:
            self._styles[name] = _made(self._new_cell(self.sheet, 1, 1), *name.partition(".")[::2])
        return self._styles[name]

    def end_of_data(self) -> None:
        """Set the filter over the rows so far; totals and remarks that follow stay out of it."""
        self.sheet.auto_filter.ref = f"A1:{column_name(len(self.columns) - 1)}{self.row}"

    def totals(self, heading: str, summed: Mapping[int, int], first: int, last: int) -> None:
        """Write a row with sums over the rows `first` to `last`.

        `summed` maps a column (from 0) to the number of its decimal places.
        """
        cells = [self._cell(None, "total") for _ in self.columns]
        cells[0] = self._cell(heading, "total")
        for column, places in summed.items():
            letter = column_name(column)
            cells[column].value = f"=SUM({letter}{first}:{letter}{last})"
            style = self._style(f"total.{places}" if places else "total")
            cells[column]._style = style  # type: ignore[attr-defined]
        self._append(cells, 18)

    def remark(self, text: str, link: Link | None = None) -> None:
        """Write a line of text outside the table."""
        cell = self._cell(text, "remark link" if link else "remark")
        if link:
            self._link(cell, link)
        self._append([cell], 18)


def _made(cell: Cell, name: str, places: str) -> Any:
    """Return the style of `_LOOKS` as openpyxl keeps it, with so many decimal places."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    fill, colour, bold, horizontal = _LOOKS[name]
    outside = name.startswith("remark")
    underline: Literal["single", "none"] = "single" if name in _CLICKED else "none"
    cell.font = Font(name="宋体", size=10, bold=bold, color=colour, underline=underline)
    # A number that is too wide would show as ####, so it shrinks.
    shrunk = name in _SHRUNK
    cell.alignment = Alignment(horizontal, "center", wrap_text=not (shrunk or outside), shrink_to_fit=shrunk)
    if places:
        cell.number_format = f"0.{'0' * int(places)}"
    if not outside:
        line = Side(style="thin", color="BFBFBF")
        cell.border = Border(left=line, right=line, top=line, bottom=line)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    return cell._style  # type: ignore[attr-defined]


def _shown(text: str) -> str:
    if len(text) <= _MAX_SHOWN:
        return text
    return f"{text[:_MAX_SHOWN]}…（共{len(text)}字，此处只列前{_MAX_SHOWN}字）"


def _lines(value: Value, column: Column) -> int:
    """Return how many lines a value takes in its column."""
    if not isinstance(value, str):
        return 1
    # In UTF-8 a Latin letter takes one byte and a Chinese one, twice as wide, three.
    room = 2 * (column.width - 1)
    return sum(max(1, math.ceil((len(line.encode()) + len(line)) / room)) for line in value.split("\n"))


def decimal_places(value: Value) -> int:
    """Return the number of decimal places of a value."""
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0
