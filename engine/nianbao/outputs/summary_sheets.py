"""The look of the summary workbook: sheets with a frozen header, filters, links and print settings.

openpyxl's write-only mode serves: a row is on disk as soon as it is appended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from nianbao.findings import Value
from nianbao.outputs.xlsx import save_workbook, set_value

MAX_ROWS = 1_048_576
# Excel follows 65,530 links on a sheet and calls a file with more damaged.
MAX_LINKS = 60_000
# Room for totals and remarks.
_RESERVED = 8
# A listing is no place for pages of text; a cut says so.
_MAX_SHOWN = 2_000

_LINE = Side(style="thin", color="BFBFBF")
_GRID = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
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
        self.part += 1
        self.title = self.name if self.part == 1 else f"{self.name}（{self.part}）"
        self.sheet = self.book.workbook.create_sheet(self.title)
        self.row = self.links = 0
        self._styles: dict[str, Any] = {}
        self._set_up()
        self._write([column.title for column in self.columns], ["header"] * len(self.columns), {})

    def _set_up(self) -> None:
        """Set what must stand before the first row: widths, frozen panes, and how the sheet prints."""
        sheet = self.sheet
        for number, column in enumerate(self.columns, 1):
            sheet.column_dimensions[get_column_letter(number)].width = column.width
        sheet.freeze_panes = f"{get_column_letter(self.frozen + 1)}2"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
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
            if self.links < MAX_LINKS:
                self.links += 1
                cells[column].hyperlink = Hyperlink(ref="", location=f"'{link.sheet}'!A{link.row}")
        lines = max(map(_lines, values, self.columns))
        self._append(cells, 16 if lines == 1 else 13.5 * lines + 5)

    def _append(self, cells: list[Cell], height: float) -> None:
        """Write cells as a row of that height: not every program finds out the height by itself."""
        self.row += 1
        dimensions: dict[int, Any] = self.sheet.row_dimensions
        dimensions[self.row] = {"ht": f"{min(height, 400):g}"}
        self.sheet.append(cells)
        # The row is on disk; kept, the heights of 100,000 rows would fill the memory.
        del dimensions[self.row]

    def _cell(self, value: Value, style: str) -> Cell:
        cell = Cell(self.sheet, 1, 1)
        places = decimal_places(value)
        cell._style = self._style(f"{style}.{places}" if places else style)  # type: ignore[attr-defined]
        if value != "":
            set_value(cell, value)
        return cell

    def _style(self, name: str) -> Any:
        """Return the style of that name as openpyxl keeps it; ``number.2`` shows two decimal places."""
        if name not in self._styles:
            base, _, places = name.partition(".")
            fill, colour, bold, horizontal = _LOOKS[base]
            cell = Cell(self.sheet, 1, 1)
            underline: Literal["single", "none"] = "single" if base in _CLICKED else "none"
            cell.font = Font(name="宋体", size=10, bold=bold, color=colour, underline=underline)
            cell.alignment = Alignment(
                horizontal,
                "center",
                wrap_text=base not in _SHRUNK and not base.startswith("remark"),
                # A number that is too wide would show as ####.
                shrink_to_fit=base in _SHRUNK,
            )
            if places:
                cell.number_format = f"0.{'0' * int(places)}"
            if not base.startswith("remark"):
                cell.border = _GRID
            if fill:
                cell.fill = PatternFill("solid", fgColor=fill)
            self._styles[name] = cell._style  # type: ignore[attr-defined]
        return self._styles[name]

    def end_of_data(self) -> None:
        """Set the filter over the rows so far; totals and remarks that follow stay out of it."""
        self.sheet.auto_filter.ref = f"A1:{get_column_letter(len(self.columns))}{self.row}"

    def totals(self, heading: str, summed: Mapping[int, int], first: int, last: int) -> None:
        """Write a row with sums over the rows `first` to `last`.

        `summed` maps a column (from 0) to the number of its decimal places.
        """
        cells = [self._cell(None, "total") for _ in self.columns]
        cells[0] = self._cell(heading, "total")
        for column, places in summed.items():
            letter = get_column_letter(column + 1)
            cells[column].value = f"=SUM({letter}{first}:{letter}{last})"
            cells[column]._style = self._style(f"total.{places}" if places else "total")  # type: ignore[attr-defined]
        self._append(cells, 18)

    def remark(self, text: str, link: Link | None = None) -> None:
        """Write a line of text outside the table."""
        cell = self._cell(text, "remark link" if link else "remark")
        if link:
            cell.hyperlink = Hyperlink(ref="", location=f"'{link.sheet}'!A{link.row}")
        self._append([cell], 18)


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
