"""The look of the summary workbook: sheets with a frozen header, filters, links and print settings.

openpyxl writes the frame of a sheet and its header; the rows are written as XML to a file while they come. So
memory does not grow with their number, and it takes a quarter of the time that openpyxl takes.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from lxml.etree import SerialisationError

from nianbao.errors import OutputError
from nianbao.findings import Value
from nianbao.outputs.workbook.xlsx import (
    FORMULA_STARTS,
    cannot_spool,
    discard,
    is_exact,
    safe_text,
    save_workbook,
    visible,
)
from nianbao.raw import column_name

MAX_ROWS = 1_048_576
# Excel follows 65,530 links on a sheet and calls a file with more of them damaged.
MAX_LINKS = 60_000
# Room for totals and remarks.
_RESERVED = 8
# A listing is no place for pages of text; a cut says so.
_MAX_SHOWN = 2_000
_A4 = 9
_CHUNK = 1 << 20

_RED, _YELLOW, _GREEN, _BLUE, _VIOLET = "FFC7CE", "FFEB9C", "C6EFCE", "DDEBF7", "E6DAF5"
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
    "suspect": (_VIOLET, "5F3A8A", True, "center"),
    "asked": ("FFF9E5", "000000", False, "left"),
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
    """The values of a row; what single columns (from 0) look like, where they lead, what calculates them."""

    values: Sequence[Value]
    styles: Mapping[int, str] = field(default_factory=dict)
    links: Mapping[int, Link] = field(default_factory=dict)
    formulas: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Extra:
    """A further table of a workbook: its name, its columns, and its rows, which may come one by one.

    `remark` is a line below the table.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    frozen: int = 1
    remark: str = ""


class Book:
    """The workbook whose sheets grow on disk; `path` is the file that it will be, `what` its kind."""

    def __init__(self, title: str, path: Path, what: str = "检查结果") -> None:
        from openpyxl import Workbook

        self.title, self.path, self.what = title, path, what
        self.workbook = Workbook(write_only=True)
        self.sheets: list[Sheet] = []

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        discard(self.workbook)
        for sheet in self.sheets:
            # Rows that a full disk has no room for have been told of already.
            with suppress(OSError):
                sheet.file.close()

    def put_last(self, name: str) -> None:
        """Move the sheets of a table behind all others that there are."""
        for title in [sheet.title for sheet in self.sheets if sheet.title.startswith(name)]:
            self.workbook.move_sheet(title, len(self.sheets))

    def save(self) -> None:
        """Write the workbook; raises OutputError."""
        save_workbook(self.workbook, self.path, {sheet.title: sheet.body() for sheet in self.sheets})


class Table:
    """A table that is written row by row; one that fills its sheet goes on as 名称（2）."""

    def __init__(self, book: Book, name: str, columns: Sequence[Column], frozen: int = 0) -> None:
        self.book, self.name, self.columns, self.frozen = book, name, columns, frozen
        self.sheets = 0
        self.sheet = self._next()

    def _next(self) -> Sheet:
        self.sheets += 1
        title = self.name if self.sheets == 1 else f"{self.name}（{self.sheets}）"
        return Sheet(self.book, title, self.columns, self.frozen)

    def append(self, row: Row) -> Link:
        """Write a row; return the link that leads to it."""
        if self.sheet.row >= MAX_ROWS - _RESERVED:
            self.sheet.end_of_data()
            self.sheet = self._next()
        return self.sheet.append(row)


def write_extra(book: Book, extra: Extra) -> None:
    """Write a further table to the end of a workbook."""
    table = Table(book, extra.name, extra.columns, extra.frozen)
    for row in extra.rows:
        table.append(row)
    table.sheet.end_of_data()
    if extra.remark:
        table.sheet.remark(extra.remark)


class Sheet:
    """A sheet whose rows wait in a file."""

    def __init__(self, book: Book, title: str, columns: Sequence[Column], frozen: int = 0) -> None:
        self.book, self.title, self.columns, self.frozen = book, title, columns, frozen
        self.row = 1
        self._sheet: Any = book.workbook.create_sheet(title)
        self._links = 0
        self._styles: dict[tuple[str, int, bool], int] = {}
        self._letters = [column_name(number) for number in range(len(columns))]
        try:
            self._set_up()
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - the book closes it
        except (OSError, SerialisationError) as error:
            raise cannot_spool(error) from error
        book.sheets.append(self)

    def _set_up(self) -> None:
        """Set widths, frozen panes and how the sheet prints, and write the header."""
        sheet = self._sheet
        for letter, column in zip(self._letters, self.columns, strict=True):
            sheet.column_dimensions[letter].width = column.width
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
        head.text, head.font, head.size = f"{title}·{self.book.what}·{self.title}", "黑体,Regular", 14
        sheet.oddFooter.center.text = "第&P页，共&N页"
        titles = [column.title for column in self.columns]
        sheet.row_dimensions[1].height = _height(titles, self.columns)
        sheet.append(_alike(sheet, "header", titles))

    def append(self, row: Row) -> Link:
        """Write a row; return the link that leads to it. Raises OutputError on a full sheet."""
        if self.row >= MAX_ROWS - _RESERVED:
            raise OutputError(f"“{self.title}”超过Excel一张表的上限{MAX_ROWS}行，请分批检查")
        self.row += 1
        values = [_shown(value) if isinstance(value, str) else value for value in row.values]
        cells = self._cells(values, row.styles)
        for number, formula in row.formulas.items():
            cells[number] = cells[number].replace("<v>", f"<f>{escape(formula)}</f><v>")
        for number, link in row.links.items():
            self._link(number, link)
        self._write(cells, _height(values, self.columns))
        return Link(self.title, self.row)

    def faint_zeros(self, first: int) -> None:
        """Show zeros from a column (from 0) on in grey, in all rows so far: they are easier to read past."""
        from openpyxl.formatting.rule import CellIsRule
        from openpyxl.styles import Font

        area = f"{self._letters[first]}2:{self._letters[-1]}{self.row}"
        grey = Font(color="BFBFBF")
        rule = CellIsRule(operator="equal", formula=["0"], font=grey)  # type: ignore[no-untyped-call]
        self._sheet.conditional_formatting.add(area, rule)

    def end_of_data(self) -> None:
        """Set the filter over the rows so far; totals and remarks that follow stay out of it."""
        self._sheet.auto_filter.ref = f"A1:{self._letters[-1]}{self.row}"

    def totals(self, heading: str, sums: Mapping[int, int | Decimal]) -> None:
        """Write a row with sums (by column, from 0) over all rows so far, as formulas with their results."""
        last = self.row
        self.row += 1
        cells = [self._cell(number, None, "total") for number in range(len(self.columns))]
        cells[0] = self._cell(0, heading, "total")
        for number, total in sums.items():
            letter = self._letters[number]
            result = self._cell(number, total, "total")
            cells[number] = result.replace("<v>", f"<f>SUM({letter}2:{letter}{last})</f><v>")
        self._write(cells, 18)

    def remark(self, text: str, link: Link | None = None) -> None:
        """Write a line of text outside the table."""
        self.row += 1
        cell = self._cell(0, text, "remark link" if link else "remark")
        if link:
            self._link(0, link)
        self._write([cell], 18)

    def body(self) -> Iterator[bytes]:
        """Yield the rows as XML."""
        self.file.seek(0)
        while chunk := self.file.read(_CHUNK):
            yield chunk

    def _link(self, column: int, link: Link) -> None:
        from openpyxl.worksheet.hyperlink import Hyperlink

        if self._links < MAX_LINKS:
            self._links += 1
            here = f"{self._letters[column]}{self.row}"
            self._sheet._hyperlinks.append(Hyperlink(ref=here, location=f"'{link.sheet}'!A{link.row}"))

    def _write(self, cells: Sequence[str], height: float) -> None:
        row = f'<row r="{self.row}" ht="{height:g}">{"".join(cells)}</row>'
        try:
            self.file.write(row.encode())
        except OSError as error:
            raise cannot_spool(error) from error

    def _cells(self, values: Sequence[Value], styles: Mapping[int, str]) -> list[str]:
        """Return the XML of the cells of a row; plain whole numbers, often thousands, take no detour."""
        row, letters, plain = self.row, self._letters, self._plain
        return [
            f'<c r="{letters[number]}{row}" s="{plain[number]}"><v>{value}</v></c>'
            if type(value) is int and number not in styles and is_exact(value)
            else self._cell(number, value, styles.get(number, self.columns[number].style))
            for number, value in enumerate(values)
        ]

    @cached_property
    def _plain(self) -> list[int]:
        """The styles of the columns."""
        return [self._style(column.style) for column in self.columns]

    def _cell(self, column: int, value: Value, style: str) -> str:
        """Return the XML of a cell of the row that is being written."""
        start = f'<c r="{self._letters[column]}{self.row}" s="'
        if value is None or value == "":
            return f'{start}{self._style(style)}"/>'
        if is_exact(value):
            return f'{start}{self._style(style, decimal_places(value))}"><v>{value:f}</v></c>'
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        number = self._style(style, 0, text.startswith(FORMULA_STARTS))
        inner = escape(safe_text(text), {"\r": "&#13;"})
        return f'{start}{number}" t="inlineStr"><is><t xml:space="preserve">{inner}</t></is></c>'

    def _style(self, name: str, places: int = 0, quoted: bool = False) -> int:
        key = (name, places, quoted)
        if key not in self._styles:
            self._styles[key] = _styled(self._sheet, *key).style_id
        return self._styles[key]


def _styled(sheet: Any, name: str, places: int, quoted: bool, value: str | None = None) -> Any:
    """Return a cell with a look of `_LOOKS`, showing so many decimal places; `quoted` text is no formula."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    cell: Any = WriteOnlyCell(sheet, value)
    fill, colour, bold, horizontal = _LOOKS[name]
    outside, shrunk = name.startswith("remark"), name in _SHRUNK
    underline: Literal["single", "none"] = "single" if name in _CLICKED else "none"
    cell.font = Font(name="宋体", size=10, bold=bold, color=colour, underline=underline)
    # A number that is too wide would show as ####, so it shrinks.
    cell.alignment = Alignment(horizontal, "center", wrap_text=not (shrunk or outside), shrink_to_fit=shrunk)
    if not outside:
        line = Side(style="thin", color="BFBFBF")
        cell.border = Border(left=line, right=line, top=line, bottom=line)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    if places:
        cell.number_format = f"0.{'0' * places}"
    cell.quotePrefix = quoted
    return cell


def _alike(sheet: Any, name: str, values: Sequence[str]) -> list[Any]:
    """Return cells of one look; only the first is styled, as there may be thousands."""
    from openpyxl.cell import WriteOnlyCell

    first = _styled(sheet, name, 0, False)
    cells: list[Any] = [WriteOnlyCell(sheet, value) for value in values]
    for cell in cells:
        cell._style = first._style
    return cells


def decimal_places(value: Value) -> int:
    """Return the number of decimal places of a value."""
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _shown(text: str) -> str:
    """Return a text as a listing shows it."""
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}…（共{len(text)}字，此处只列前{_MAX_SHOWN}字）"
    return visible(text)


def _height(values: Sequence[Value], columns: Sequence[Column]) -> float:
    """Return the height of a row in points: not every program finds it out by itself."""
    texts = [(v, column) for v, column in zip(values, columns, strict=False) if isinstance(v, str)]
    lines = max([_lines(text, column) for text, column in texts], default=1)
    return 16 if lines == 1 else min(13.5 * lines + 5, 400)


def _lines(value: str, column: Column) -> int:
    """Return how many lines a value takes in its column."""
    # In UTF-8 a Latin letter takes one byte and a Chinese one, twice as wide, three.
    room = 2 * (column.width - 1)
    if 4 * len(value) <= room and "\n" not in value:
        return 1
    return sum(max(1, math.ceil((len(line.encode()) + len(line)) / room)) for line in value.split("\n"))
