"""Reads .xls workbooks (Excel 5 to 2003, and .et of WPS), by xlrd.

calamine would be faster, but it returns ``''`` for errors, cannot tell percentages, takes a
gigabyte for one space in IV65536, and reserves whatever memory a damaged file asks for.

What cannot be told: a formula without a stored result is a blank or, where the program stored 0,
a 0; so is a formula whose result is an empty text.
"""

from __future__ import annotations

import datetime
import io
import re
from pathlib import Path
from typing import Any

from nianbao.cells import CellError, Percentage
from nianbao.readers.ole import CompoundFile
from nianbao.readers.sheets.grid import Sheet, Used, number, plain, rectangle
from nianbao.readers.sheets.xlsx_book import shows_percentage
from nianbao.readers.sniff import WORKBOOK_STREAMS, unreadable
from nianbao.readers.trouble import broken

_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)


def read_xls(path: Path) -> list[Sheet]:
    """Return the sheets of a workbook.

    Raises InputError for a password and for a stray cell far from the table; and whatever xlrd
    raises for a file that is broken.
    """
    book = _open(path)
    return [_sheet(book, sheet, path) for sheet in book.sheets()]


def _open(path: Path) -> Any:
    import xlrd  # type: ignore[import-untyped]

    with path.open("rb") as stream:
        file = CompoundFile(stream)
        # xlrd would take the compound file, but not end where its chains run in a circle.
        data = next(file.read(name) for name in sorted(file.names & WORKBOOK_STREAMS, reverse=True))
    if not data:
        raise broken(path)
    try:
        # xlrd prints its warnings.
        return xlrd.open_workbook(
            file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True
        )
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise unreadable(path, "encrypted") from error
        raise


def _sheet(book: Any, sheet: Any, path: Path) -> Sheet:
    used = Used()
    cells = _Cells(book, sheet)
    rows: list[list[object]] = []
    for at in range(sheet.nrows):
        row = cells.row(at)
        rows.append(row)
        for column, value in enumerate(row):
            if value is not None:
                used.add(at, column)
    used.check(path, sheet.name)
    del rows[used.height :]
    merged = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
    return Sheet(sheet.name, rectangle(rows), merged, sheet.visibility != 0)


class _Cells:
    """The values of the cells of one sheet."""

    def __init__(self, book: Any, sheet: Any) -> None:
        import xlrd

        self._sheet = sheet
        self._epoch = book.datemode
        self._errors: dict[int, str] = xlrd.error_text_from_code
        self._formats = [book.format_map[xf.format_key].format_str for xf in book.xf_list]
        self._percents = frozenset(
            index
            for index, (xf, code) in enumerate(zip(book.xf_list, self._formats, strict=True))
            if not xf.is_style and shows_percentage(code)
        )

    def row(self, at: int) -> list[object]:
        """Return the values of a row, as far as it goes."""
        types = self._sheet.row_types(at)
        return [
            self._value(at, column, kind, value)
            for column, (kind, value) in enumerate(zip(types, self._sheet.row_values(at), strict=True))
        ]

    def _value(self, row: int, column: int, kind: int, value: Any) -> object:
        if kind == 2:
            if self._percents and self._sheet.cell_xf_index(row, column) in self._percents:
                return Percentage(float(value))
            return number(value)
        if kind == 1:
            return plain(value)
        if kind == 3:
            return self._date(value, self._formats[self._sheet.cell_xf_index(row, column)])
        if kind == 4:
            return bool(value)
        return CellError(self._errors.get(value, "#ERROR!")) if kind == 5 else None

    def _date(self, value: float, code: str) -> object:
        """Return what a number in a date format shows, as calamine takes it."""
        import xlrd

        if _ELAPSED.search(code):
            return datetime.timedelta(milliseconds=round(value * 86_400_000))
        try:
            moment: datetime.datetime = xlrd.xldate.xldate_as_datetime(value, self._epoch)
        except (ValueError, OverflowError):
            return number(value)
        if value < 1:
            return moment.time()
        return moment.date() if float(value).is_integer() else moment
