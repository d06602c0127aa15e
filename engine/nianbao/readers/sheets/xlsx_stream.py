"""The rows of a large .xlsx sheet, read from its XML while they are gone through.

A look through the sheet beforehand (`Glance`) sees what concerns it as a whole: that the file is sound, where
the cells end, that the rows are in order. `xlsx_rows` then reads it piece by piece, and calamine the cells
that are odd: dates, errors, percentages, rich text. Where a piece is not plain, the long way reads the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nianbao.raw import column_name
from nianbao.readers.archive import Archive
from nianbao.readers.sheets.grid import LAST_COLUMN, LAST_ROW, Merge
from nianbao.readers.sheets.xlsx_book import Book, SheetPart
from nianbao.readers.sheets.xlsx_cells import NotClean, SheetXml
from nianbao.readers.sheets.xlsx_rows import ROW, NotPlain, RowParser, Rows, last_cell
from nianbao.readers.sheets.xlsx_special import Specials
from nianbao.readers.sheets.xlsx_windows import Window, read_window
from nianbao.readers.trouble import reading

# What stands before the rows: nothing in another encoding, no comment, no document type.
_HEAD = re.compile(
    rb"""(?:\xef\xbb\xbf)?\s*(?:<\?xml\s(?![^>]*encoding=["'](?!utf-8["']))[^>]*>)?(?:[^<]|<[^!?])*<sheetData>\s*""",
    re.IGNORECASE,
).fullmatch
_STRING = re.compile(rb"<si[\s/>]").findall
_FORMAT = re.compile(rb"<xf[\s/>]").findall
# Strings and cell formats are shown to calamine in rows of so many cells.
_ABREAST = 100


@dataclass(frozen=True)
class Glance:
    """What a quick look through a sheet tells: where its last cells are, and how many there are.

    `texts` are the cells that show a shared string; `asks` is told of at `Specials`.
    """

    height: int
    width: int
    count: int
    texts: int
    merged: tuple[Merge, ...]
    asks: bool
    clean: bool = True


def glance(archive: Archive, book: Book, sheet: SheetPart) -> Glance | None:
    """Return what a quick look through a sheet tells, or None where its XML is not of the usual form."""
    specials = Specials(book.percent_styles, asks=book.asks_to_calculate)
    height = width = count = texts = 0
    with archive.open(sheet.part) as stream, suppress(NotClean, NotPlain):
        xml = SheetXml(stream, archive.path, clean=True, cuts=(ROW,))
        for piece in xml:
            before, *rows = piece.split(ROW)
            if before and not _HEAD(before):
                return None
            for row, columns in filter(None, map(last_cell, rows)):
                if row <= height:
                    return None
                height, width = row, max(width, columns)
            count += piece.count(b"<c ")
            if book.strings is not None:
                texts += piece.count(b' t="s"')
            if specials.asks and b"<f" in piece:
                specials.add(piece)
                specials.forget()
        if height <= LAST_ROW and width <= LAST_COLUMN:
            return Glance(height, width, count, texts, tuple(xml.merged), specials.asks)
    return None


@dataclass(frozen=True)
class StreamSource:
    """Where the rows of a sheet are read from; `long_way` reads all of them where that is not possible."""

    path: Path
    book: Book
    sheet: SheetPart
    look: Glance
    long_way: Callable[[], Sequence[Sequence[object]]]

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.look.height

    def windows(self) -> Iterator[Window]:
        """Yield all rows, some at a time; blank ones share one list."""
        blank: list[object] = [None] * self.look.width
        done = 0
        for found in self._read():
            top, rows = done, []
            for at, values in found.rows if found else enumerate(self.long_way()[done:], done):
                rows += [blank] * (at - done)
                rows.append([*values, *blank[len(values) :]])
                done = at + 1
            if rows:
                yield Window(top, rows)
        if done < self.height:
            yield Window(done, [blank] * (self.height - done))

    def _read(self) -> Iterator[Rows | None]:
        """Yield the rows of one piece of the XML after the other; None where the rest is not plain."""
        specials = Specials(self.book.percent_styles, asks=self.look.asks)
        with reading(self.path), Archive(self.path) as archive:
            styles = {"styles": archive.read(self.book.styles)} if self.book.styles else {}
            parser = RowParser(self._formats(styles), self._strings(archive), formulas=not self.look.asks)
            with archive.open(self.sheet.part) as stream:
                for piece in SheetXml(stream, self.path, clean=True, cuts=(ROW,)):
                    found = parser.parse(piece[max(piece.find(ROW), 0) :])
                    if found is None:
                        break
                    if found.odd:
                        odd = b"".join(found.odd)
                        top, rows = read_window(odd, styles, self.book)
                        specials.add(odd)
                        found.place(specials.drain(rows, top), rows)
                    yield found
                else:
                    return
        yield None

    def _formats(self, styles: Mapping[str, bytes]) -> frozenset[bytes]:
        """Return the numbers of the cell formats in which a number is a number: no date, no percentage."""
        count = max(1, sum(len(_FORMAT(xml)) for xml in styles.values()))
        xml = _listing(count, b'<c r="%b" s="%d"><v>1</v></c>')
        _, rows = read_window(xml, styles, self.book)
        numbers = {b"%d" % n for n, value in enumerate(v for row in rows for v in row) if type(value) is int}
        return frozenset(numbers) - self.book.percent_styles

    def _strings(self, archive: Archive) -> list[object]:
        """Return the shared strings as plain values."""
        if self.book.strings is None:
            return []
        shared = archive.read(self.book.strings)
        count = len(_STRING(shared))
        # In A1 stands something, whatever the strings are.
        xml = b'<row><c r="A1"><v>1</v></c></row>' + _listing(count, b'<c r="%b" t="s"><v>%d</v></c>', 1)
        _, rows = read_window(xml, {"sharedStrings": shared}, self.book)
        blank: list[object] = [None] * _ABREAST
        strings = [value for row in rows[1:] for value in (row + blank)[:_ABREAST]]
        return (strings + [None] * count)[:count]


def _listing(count: int, cell: bytes, top: int = 0) -> bytes:
    """Return the XML of cells from A1 on, so many abreast, with their numbers from 0."""
    letters = [column_name(column).encode() for column in range(_ABREAST)]
    cells = [cell % (b"%b%d" % (letters[n % _ABREAST], top + n // _ABREAST + 1), n) for n in range(count)]
    rows = (b"".join(cells[n : n + _ABREAST]) for n in range(0, count, _ABREAST))
    return b"".join(b"<row>%b</row>" % row for row in rows)
