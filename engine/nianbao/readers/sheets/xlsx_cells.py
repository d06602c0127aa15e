"""The cells in the XML of an .xlsx sheet, in pieces of about a megabyte that hold whole cells.

Almost every sheet is written with ``<c r="K5" …>`` for every cell and no comments: such XML goes
through untouched, and searching it with regular expressions is exact, since ``<`` stands only
where a tag begins. Any other sheet (`NotClean`) is read by an XML parser and written out anew in
that form, which takes about ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from nianbao.readers.archive import BLOCK, parse_events, too_large
from nianbao.readers.sheets.grid import LAST_COLUMN, LAST_ROW, Merge, cell_name, column_index
from nianbao.readers.trouble import broken

_LARGEST_CELL = 64 * BLOCK
# A quotation mark in a text must not look like the end of an address.
_ESCAPES = {"\r": "&#13;", '"': "&quot;"}
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REF = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_REFS = re.compile(rb' r="([A-Z]{1,3}[1-9][0-9]{0,6})"').findall
_OTHER_CELL = re.compile(rb"<c[\t\r\n/>]").search
_PREFIXED_CELL = re.compile(rb":c[\s/>]").search
_MERGE = re.compile(
    rb'<(?:[^<>\s/]+:)?mergeCell\s[^>]*?ref=["\']([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)["\']'
).findall


class NotClean(Exception):
    """The XML of a sheet is not of the usual form; nothing is wrong with it."""


def references(piece: bytes) -> list[bytes]:
    """Return the addresses of the cells in a piece; raises NotClean where that cannot be relied on."""
    found: list[bytes] = _REFS(piece)
    if len(found) != piece.count(b"<c ") or _OTHER_CELL(piece) or _PREFIXED_CELL(piece):
        raise NotClean
    if b"<!" in piece or b" t='" in piece or b" s='" in piece:
        raise NotClean
    return found


def extents(found: list[bytes]) -> tuple[set[int], set[int]]:
    """Return the rows, counted from 1, and the columns, counted from 0, that addresses name."""
    joined = b" ".join(found)
    rows = set(joined.translate(None, _LETTERS).split())
    columns = set(joined.translate(None, b"0123456789").split())
    return set(map(int, rows)), set(map(column_index, columns))


class SheetXml:
    """The cells of one sheet as pieces of XML; `merged` is complete when all pieces are read.

    Each piece but the first begins at one of `cuts`.
    """

    def __init__(
        self, stream: IO[bytes], path: Path, *, clean: bool, cuts: Sequence[bytes] = (b"<c ", b"<row")
    ) -> None:
        self.merged: list[Merge] = []
        self._stream = stream
        self._path = path
        self._clean = clean
        self._cuts = cuts

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces() if self._clean else self._rewritten()

    def _pieces(self) -> Iterator[bytes]:
        rest = b""
        while block := self._stream.read(BLOCK):
            if b"\0" in block[:200]:
                raise NotClean  # UTF-16
            data = rest + block
            end = data.find(b"</sheetData>", max(0, len(rest) - 12))
            if end >= 0:
                yield data[:end]
                self._read_merges(data[end:])
                return
            cut = max(map(data.rfind, self._cuts))
            if cut > 0:
                yield data[:cut]
            rest = data[max(cut, 0) :]
            if len(rest) > _LARGEST_CELL:
                raise too_large(self._path)
        yield rest

    def _read_merges(self, data: bytes) -> None:
        while True:
            self.merged += [
                (int(top) - 1, column_index(left), int(bottom) - 1, column_index(right))
                for left, top, right, bottom in _MERGE(data)
            ]
            block = self._stream.read(BLOCK)
            if not block:
                return
            data = data[max(data.rfind(b"<"), 0) :][-BLOCK:] + block

    def _rewritten(self) -> Iterator[bytes]:
        writer = _Rewriter(self._path)
        events = parse_events(self._stream, self._path, start=writer.start, end=writer.end, text=writer.text)
        for _ in events:
            yield writer.take()
        self.merged = writer.merged


class _Rewriter:
    """Writes the cells of a sheet anew in the usual form; the callbacks of an XML parser."""

    def __init__(self, path: Path) -> None:
        self.merged: list[Merge] = []
        self._path = path
        self._out: list[str] = []
        self._cell = ""  # the start tag of the cell, while in one
        self._texts: dict[str, list[str]] = {}  # by element: formula, value, inline text
        self._into: list[str] | None = None
        self._phonetic = self._trimmed = False
        self._begun = 0  # where the text of an element begins in `_into`
        self._row = self._column = 0

    def take(self) -> bytes:
        """Return what has been written since the last call."""
        data = "".join(self._out).encode()
        self._out.clear()
        return data

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        local = name.rpartition(":")[2]
        if self._cell:
            self._phonetic = self._phonetic or local == "rPh"
            if local in ("f", "v", "t") and not self._phonetic:
                self._into = self._texts.setdefault(local, [])
                self._trimmed = local == "t" and attributes.get("xml:space") != "preserve"
                self._begun = len(self._into)
        elif local == "c":
            self._start_cell(attributes)
        elif local == "row":
            self._row = int(attributes.get("r", self._row + 1)) - 1
            self._column = 0
            self._out.append("<row>")
        elif local == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            self.merged.append((*self._position(first), *self._position(last or first)))

    def _start_cell(self, attributes: dict[str, str]) -> None:
        row = self._row
        if "r" in attributes:
            row, self._column = self._position(attributes["r"].upper())
        name = cell_name(*self._checked(row, self._column))
        kept = "".join(f' {key}="{escape(attributes[key])}"' for key in ("s", "t") if key in attributes)
        self._cell = f'<c r="{name}"{kept}>'
        self._column += 1

    def end(self, name: str) -> None:
        """Take the end of an element."""
        local = name.rpartition(":")[2]
        if local == "row" and not self._cell:
            self._row += 1
            self._column = 0
            self._out.append("</row>")
        elif local == "c" and self._cell:
            self._end_cell()
        elif local == "rPh":
            self._phonetic = False
        elif local in ("f", "v", "t"):
            if self._into is not None and self._trimmed:
                self._into[self._begun :] = ["".join(self._into[self._begun :]).strip()]
            self._into = None

    def _end_cell(self) -> None:
        self._out.append(self._cell)
        for tag in ("f", "v"):
            if tag in self._texts:
                self._out.append(f"<{tag}>{escape(''.join(self._texts[tag]), _ESCAPES)}</{tag}>")
        if "t" in self._texts:
            text = escape("".join(self._texts["t"]), _ESCAPES)
            self._out.append(f'<is><t xml:space="preserve">{text}</t></is>')
        self._out.append("</c>")
        self._texts = {}
        self._cell = ""

    def text(self, data: str) -> None:
        """Take text, wherever it stands."""
        if self._into is not None:
            self._into.append(data)

    def _position(self, reference: str) -> tuple[int, int]:
        match = _REF.fullmatch(reference)
        if match is None:
            raise broken(self._path)
        return self._checked(int(match[2]) - 1, column_index(match[1]))

    def _checked(self, row: int, column: int) -> tuple[int, int]:
        if 0 <= row < LAST_ROW and 0 <= column < LAST_COLUMN:
            return row, column
        raise broken(self._path)
