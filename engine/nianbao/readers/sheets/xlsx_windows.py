"""Rows of a sheet too large or too sparse to be read at once.

The cells are given to calamine in windows of some megabytes of XML, each as the only sheet of a
workbook of its own, and cells outside the used area are left out: a stray space in XFD1048576
costs nothing. The memory needed does not grow with the sheet.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, overload

from nianbao.readers.archive import Archive
from nianbao.readers.sheets.grid import column_index, plain_row
from nianbao.readers.sheets.xlsx_book import Book, SheetPart
from nianbao.readers.sheets.xlsx_cells import SheetXml, extents, references
from nianbao.readers.sheets.xlsx_special import Specials
from nianbao.readers.trouble import broken, reading

_WINDOW = 12 << 20
_CELL = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_HEAD = f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode()
_TAIL = b"</sheetData></worksheet>"


class RowSource(Protocol):
    """Where the rows of a sheet come from, some at a time, `height` of them in all."""

    @property
    def height(self) -> int:
        """The number of rows."""

    def windows(self) -> Iterator[Window]:
        """Yield all rows, some at a time."""


class WindowedRows(Sequence[list[object]]):
    """The rows of a sheet, read from the file whenever they are gone through.

    Going through them in order, by iteration or by index, reads the file once; so does looking
    back at the first rows, which are kept. Other jumps backwards, or two that take turns, read it anew.
    """

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._first: Window | None = None
        self._last = Window(0, [])
        self._coming: Iterator[Window] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._source,)

    def __len__(self) -> int:
        return self._source.height

    def __iter__(self) -> Iterator[list[object]]:
        return map(self._row, range(len(self)))

    @overload
    def __getitem__(self, at: int) -> list[object]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[object]]: ...
    def __getitem__(self, at: int | slice) -> list[object] | list[list[object]]:
        """Return a row, or a list of rows."""
        if isinstance(at, slice):
            return [self._row(index) for index in range(*at.indices(len(self)))]
        return self._row(range(len(self))[at])

    def _row(self, at: int) -> list[object]:
        if self._first is not None and at in self._first:
            return self._first.rows[at]
        if self._coming is None or at < self._last.top:
            self._coming = self._source.windows()
            self._last = Window(0, [])
        while at not in self._last:
            self._last = next(self._coming)
            self._first = self._first or self._last
        return self._last.rows[at - self._last.top]


class Window:
    """Some rows of a sheet, the first of which is row `top`."""

    def __init__(self, top: int, rows: list[list[object]]) -> None:
        self.top = top
        self.rows = rows

    def __contains__(self, at: int) -> bool:
        return self.top <= at < self.top + len(self.rows)


@dataclass(frozen=True)
class WindowSource:
    """Where the rows of a sheet are read from: its used area, and what is known of its XML."""

    path: Path
    book: Book
    sheet: SheetPart
    height: int
    width: int
    clean: bool
    trim: bool  # there are cells outside the used area
    asks: bool  # see Specials

    def windows(self) -> Iterator[Window]:
        """Yield all rows of the used area, some at a time; blank ones share one list."""
        blank: list[object] = [None] * self.width
        done = 0
        for top, rows in self._read():
            if top < done:  # rows out of order, which the format does not allow
                raise broken(self.path)
            filled = [(row + blank[len(row) :])[: self.width] for row in rows]
            yield Window(done, [blank] * (top - done) + filled)
            done = top + len(rows)
        if done < self.height:
            yield Window(done, [blank] * (self.height - done))

    def _read(self) -> Iterator[tuple[int, list[list[object]]]]:
        """Yield the number of the first row and the rows of one window of the XML after the other."""
        specials = Specials(self.book.percent_styles, asks=self.asks)
        with reading(self.path), Archive(self.path) as archive:
            parts = {"styles": self.book.styles, "sharedStrings": self.book.strings}
            shared = {kind: archive.read(part) for kind, part in parts.items() if part}
            for xml in self._window_xml(archive):
                top, rows = read_window(xml, shared, self.book)
                specials.add(xml)
                top = specials.drain(rows, top)
                if rows:
                    yield top, rows

    def _window_xml(self, archive: Archive) -> Iterator[bytes]:
        """Yield the cells of the used area, cut between rows."""
        kept: list[bytes] = []
        with archive.open(self.sheet.part) as stream:
            for piece in SheetXml(stream, self.path, clean=self.clean):
                kept.append(self._inside(piece))
                if sum(map(len, kept)) > _WINDOW:
                    xml = b"".join(kept)
                    cut = xml.rfind(b"<row")
                    if cut > 0:
                        yield xml[:cut]
                        kept = [xml[cut:]]
        yield b"".join(kept)

    def _inside(self, piece: bytes) -> bytes:
        """Return a piece from its first row on, without the cells outside the used area."""
        start = min((at for at in (piece.find(b"<row"), piece.find(b"<c ")) if at >= 0), default=len(piece))
        piece = piece[start:]
        if not self.trim:
            return piece
        rows, columns = extents(references(piece))
        if max(rows, default=0) <= self.height and max(columns, default=0) < self.width:
            return piece

        def keep(cell: re.Match[bytes]) -> bytes:
            inside = int(cell[2]) <= self.height and column_index(cell[1]) < self.width
            return cell[0] if inside else b""

        return _CELL.sub(keep, piece)


def read_window(xml: bytes, shared: Mapping[str, bytes], book: Book) -> tuple[int, list[list[object]]]:
    """Return the number of the first row, and the rows from column A on."""
    from python_calamine import load_workbook

    with load_workbook(io.BytesIO(_workbook(xml, shared, book))) as workbook:
        sheet = workbook.get_sheet_by_index(0)
        if sheet.start is None:
            return 0, []
        top, left = sheet.start
        margin: list[object] = [None] * left
        return top, [margin + plain_row(row) for row in sheet.to_python()]


def _workbook(xml: bytes, shared: Mapping[str, bytes], book: Book) -> bytes:
    """Return a workbook of one sheet, as much of it as calamine wants."""
    links = {"worksheet": "sheet.xml"} | {kind: f"{kind}.xml" for kind in shared}
    dates = "<workbookPr date1904='1'/>" if book.dates_from_1904 else ""
    sheet = f"{dates}<sheets><sheet name='1' sheetId='1' r:id='worksheet'/></sheets>"
    parts: dict[str, str | bytes] = {
        "_rels/.rels": _relations({"officeDocument": "xl/workbook.xml"}),
        "xl/workbook.xml": f"<workbook xmlns='{_MAIN}' xmlns:r='{_RELATIONS}'>{sheet}</workbook>",
        "xl/_rels/workbook.xml.rels": _relations(links),
        "xl/sheet.xml": b"".join((_HEAD, xml, _TAIL)),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**parts, **{f"xl/{kind}.xml": data for kind, data in shared.items()}}.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _relations(links: dict[str, str]) -> str:
    each = "".join(
        f"<Relationship Id='{kind}' Type='{_RELATIONS}/{kind}' Target='{target}'/>"
        for kind, target in links.items()
    )
    return f"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{each}</Relationships>"
