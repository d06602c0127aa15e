"""Reads .xlsx and .xlsm workbooks, by calamine, after a look at where the cells are.

Told apart: blanks, errors, percentages, formulas without a stored result. What cannot be told:

- a formula whose result is an empty text is a blank;
- a result of 0 that a program stored without calculating, unless the workbook asks for a
  calculation on opening and every formula of the sheet is 0 (see `xlsx_special`);
- rows and columns that are hidden are read like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from nianbao.readers.archive import Archive
from nianbao.readers.sheets.grid import (
    LAST_COLUMN,
    LAST_ROW,
    PLAIN_AREA,
    Merge,
    Sheet,
    Used,
    column_index,
    is_reasonable,
    plain_row,
    rectangle,
)
from nianbao.readers.sheets.xlsx_book import Book, SheetPart, read_book
from nianbao.readers.sheets.xlsx_cells import NotClean, SheetXml, extents, references
from nianbao.readers.sheets.xlsx_special import Specials
from nianbao.readers.sheets.xlsx_stream import Glance, StreamSource, glance
from nianbao.readers.sheets.xlsx_strings import blank_strings, check_texts
from nianbao.readers.sheets.xlsx_windows import WindowedRows, WindowSource
from nianbao.readers.trouble import broken, reading

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_LARGE = 4 << 20  # bytes of the XML of a sheet
_DENSE = 1000  # cells; fewer are looked at one by one
_CELL = re.compile(rb'<c r="([A-Z]+)([0-9]+)"([^>]*?)(?:/>|>(.*?)</c>)', re.DOTALL).finditer
_VALUE = re.compile(rb"<(?:v|t)(?: [^>]*)?>([^<]*)</").findall


@dataclass(frozen=True)
class _Survey:
    """What one look through the XML of a sheet tells."""

    height: int
    width: int
    count: int
    texts: int  # cells that show a shared string
    merged: tuple[Merge, ...]
    specials: Specials
    clean: bool


def read_xlsx(path: Path) -> list[Sheet]:
    """Return the sheets of a workbook.

    Raises InputError for a stray cell far from the table, a zip bomb, and a DTD; and whatever the
    libraries raise for a file that is broken.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(Archive(path))
        book = read_book(archive)
        looks = [_look(archive, book, sheet) for sheet in book.sheets]
        forms = [(sheet.part, look.clean) for sheet, look in zip(book.sheets, looks, strict=True)]
        check_texts(archive, book.strings, sum(look.texts for look in looks), forms)
        opened = _Opened(path, stack)
        sheets = []
        for n, (sheet, look) in enumerate(zip(book.sheets, looks, strict=True)):
            rows: Sequence[Sequence[object]]
            if isinstance(look, Glance):
                rows = WindowedRows(StreamSource(path, book, sheet, look, partial(_the_long_way, path, n)))
            else:
                rows = _rows(archive, book, sheet, look, opened)
            sheets.append(Sheet(sheet.name, rows, look.merged, sheet.hidden))
        return sheets


def _look(archive: Archive, book: Book, sheet: SheetPart) -> Glance | _Survey:
    """Return what has to be known of a sheet before it is read: for a large, usual one a glance will do."""
    if archive.size(sheet.part) > _LARGE:
        look = glance(archive, book, sheet)
        if look and is_reasonable(look.height, look.width, look.count):
            return look
    return _survey(archive, book, sheet)


def _rows(
    archive: Archive, book: Book, sheet: SheetPart, survey: _Survey, opened: _Opened
) -> Sequence[Sequence[object]]:
    """Return the rows of a sheet by calamine, those of a large one in windows."""
    if survey.clean and survey.height * survey.width <= PLAIN_AREA:
        return _plain_rows(opened.workbook, sheet.index, survey.specials)
    return _windowed_rows(archive, book, sheet, survey)


def _the_long_way(path: Path, n: int) -> Sequence[Sequence[object]]:
    """Return the rows of sheet `n` of a workbook, which is not as plain as it looked."""
    with reading(path), ExitStack() as stack:
        archive = stack.enter_context(Archive(path))
        book = read_book(archive)
        sheet = book.sheets[n]
        return _rows(archive, book, sheet, _survey(archive, book, sheet), _Opened(path, stack))


class _Opened:
    """A workbook that calamine opens when the first sheet needs it."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self.stack = path, stack

    @cached_property
    def workbook(self) -> CalamineWorkbook:
        """The workbook, open as long as the stack is."""
        return _open(self.path, self.stack)


def _open(path: Path, stack: ExitStack) -> CalamineWorkbook:
    from python_calamine import load_workbook

    # Given a path, calamine goes by the suffix.
    return stack.enter_context(load_workbook(stack.enter_context(path.open("rb"))))


def _plain_rows(workbook: CalamineWorkbook, index: int, specials: Specials) -> list[list[object]]:
    rows: list[list[object]] = workbook.get_sheet_by_index(index).to_python(skip_empty_area=False)  # type: ignore[assignment]
    for at, row in enumerate(rows):
        rows[at] = plain_row(row)
    top = specials.drain(rows)
    rows[:0] = [[] for _ in range(top)]
    return rectangle(rows)


def _survey(archive: Archive, book: Book, sheet: SheetPart) -> _Survey:
    """Return where the cells of a sheet are, blank ones included, and which are special."""
    try:
        return _look_through(archive, book, sheet, clean=True)
    except NotClean:
        return _look_through(archive, book, sheet, clean=False)


def _look_through(archive: Archive, book: Book, sheet: SheetPart, *, clean: bool) -> _Survey:
    specials = Specials(book.percent_styles, asks=book.asks_to_calculate)
    height = width = count = texts = 0
    with archive.open(sheet.part) as stream:
        xml = SheetXml(stream, archive.path, clean=clean)
        for piece in xml:
            found = references(piece)
            rows, columns = extents(found)
            count += len(found)
            texts += piece.count(b' t="s"')
            height = max(height, *rows, 0)
            width = max(width, max(columns, default=-1) + 1)
            specials.add(piece)
            if height * width > PLAIN_AREA:
                specials.forget()
    if height > LAST_ROW or width > LAST_COLUMN:
        raise broken(archive.path)
    return _Survey(height, width, count, texts, tuple(xml.merged), specials, clean)


def _windowed_rows(
    archive: Archive, book: Book, sheet: SheetPart, survey: _Survey
) -> Sequence[Sequence[object]]:
    """Return the rows of a sheet that is large, sparse or of unusual XML."""
    height, width, count = survey.height, survey.width, survey.count
    if height * width > PLAIN_AREA and not is_reasonable(height, width, count):
        used = _used(archive, book, sheet, clean=survey.clean)
        used.check(archive.path, sheet.name)
        height, width = used.height, used.width
    asks = survey.specials.asks
    trim = (height, width) != (survey.height, survey.width)
    rows = WindowedRows(WindowSource(archive.path, book, sheet, height, width, survey.clean, trim, asks))
    return rectangle(list(rows)) if height * width <= PLAIN_AREA else rows


def _used(archive: Archive, book: Book, sheet: SheetPart, *, clean: bool) -> Used:
    """Return which rows and columns hold something; a dense part of the sheet is believed to."""
    used = Used()
    blank = blank_strings(archive, book.strings)
    with archive.open(sheet.part) as stream:
        for piece in SheetXml(stream, archive.path, clean=clean):
            found = references(piece)
            rows, columns = extents(found)
            if len(found) > _DENSE and (max(rows) - min(rows) + 1) * (max(columns) + 1) <= 4 * len(found):
                used.count += len(found)
                used.rows |= {row - 1: max(columns) for row in rows}
                used.columns |= {column: max(rows) - 1 for column in columns}
                continue
            for cell in _CELL(piece):
                if _holds_something(cell[3], cell[4] or b"", blank):
                    used.add(int(cell[2]) - 1, column_index(cell[1]))
    return used


def _holds_something(attributes: bytes, content: bytes, blank: frozenset[int]) -> bool:
    values: list[bytes] = _VALUE(content)
    text = b"".join(values)
    if b' t="s"' in attributes:
        return text.isdigit() and int(text) not in blank
    if text:
        return bool(unescape(text.decode("utf-8", "replace")).strip())
    return b"<f" in content and b' t="str"' not in attributes
