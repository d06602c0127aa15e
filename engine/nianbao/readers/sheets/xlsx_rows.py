"""The rows in a piece of the XML of an .xlsx sheet, without calamine where the cells are of the usual forms.

A register's cells are nearly all of a few forms, and most of them repeat (a 0 in column K): each is
understood once and looked up afterwards. Only what certainly means the same to calamine is understood; every
byte of a row is part of such a cell, or the cell is odd, or the piece is not plain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from nianbao.readers.sheets.grid import LAST_COLUMN, column_index, number

ROW = b"<row"
# From behind the start of a row to the address of its first cell.
_FIRST = re.compile(rb'(?: [^<>]*)?>\s*<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"').match
_BLANK = re.compile(rb"(?: [^<>]*)?(?:/>|>\s*</row>)\s*").fullmatch
# From behind the address of a cell to the column of the next one.
_CELL = re.compile(
    rb'(?: s="([0-9]+)")?(?: t="(n|s|str|inlineStr)")?(?:/>|>(?:'
    rb"(<f(?: [^<>]*)?(?:/>|>[^<]*</f>))?(?:<v>([^<]*)</v>)?"
    rb'|<is><t( xml:space="preserve")?>([^<]*)</t></is>)</c>)'
    rb'(?:<c r="([A-Z]{1,3})|</row>\s*)'
).fullmatch
_START = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"').match
_STARTS = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"').split
# What must not stand within an odd cell: another cell or row in disguise, a reference to the shared strings.
_FOREIGN = re.compile(rb"<(?:[^<>\s/]*:)?(?:c|row)[\s/>]|<[!?]|<[^<>]*=\s*'|t=\"s\"").search
_NUMBER = re.compile(rb"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?").fullmatch
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_DIGITS = 15  # of a whole number that a float surely holds
_SHORT, _MANY = 60, 50_000
_END = -1
ODD = object()


_column = lru_cache(maxsize=LAST_COLUMN)(column_index)


class NotPlain(Exception):
    """The rows of a sheet are not built as usual; nothing need be wrong with it."""


class _OddCell(Exception):
    """The form of a cell is not one of the usual ones."""


@dataclass
class Rows:
    """Rows by their numbers from 0; `odd` is the XML, in rows of their own, of the cells that are `ODD`."""

    rows: list[tuple[int, list[object]]] = field(default_factory=list)
    odd: list[bytes] = field(default_factory=list)

    def place(self, top: int, found: Sequence[Sequence[object]]) -> None:
        """Put what calamine has found for the odd cells, from row `top` on, in their places."""
        for at, values in self.rows:
            if ODD in values:
                known = found[at - top] if 0 <= at - top < len(found) else ()
                for column, value in enumerate(values):
                    if value is ODD:
                        values[column] = known[column] if column < len(known) else None


def last_cell(row: bytes) -> tuple[int, int] | None:
    """Return the number of a row, from 1, and up to which column, from 1, it has cells; None if it has none.

    `row` is the XML behind the start of a row, up to the next one. Raises NotPlain.
    """
    first, at = _FIRST(row), row.rfind(b"<c")
    if first is None and _BLANK(row):
        return None
    last = _START(row, at) if at >= 0 else None
    if first is None or last is None or first[2] != last[2] or not row.rstrip().endswith(b"</row>"):
        raise NotPlain
    return int(first[2]), column_index(last[1]) + 1


class RowParser:
    """Parses the rows of a sheet, pieces of it in turn.

    `styles` are the numbers of the cell formats that leave a number a number, `strings` the plain values of
    the shared strings; `formulas` says that a formula with a result is what its result is.
    """

    def __init__(self, styles: frozenset[bytes], strings: Sequence[object], *, formulas: bool) -> None:
        self._cells = _Cells(styles, strings, formulas)
        self._columns: tuple[int, ...] = ()
        self._last = -1

    def parse(self, xml: bytes) -> Rows | None:
        """Return the rows of a piece that begins with a row and ends before one; None if it is not plain."""
        before, *rows = xml.split(ROW)
        found = Rows()
        try:
            for row in rows:
                self._row(row, found)
        except NotPlain:
            return None
        return None if before.strip() else found

    def _row(self, xml: bytes, found: Rows) -> None:
        first = _FIRST(xml)
        if first is None:
            if not _BLANK(xml):
                raise NotPlain
            return
        cells, rest = self._cells, xml[first.end() :]
        try:
            # The number of the row stands in the address of each cell, and hardly elsewhere.
            pairs = [cells[piece] for piece in rest.split(first[2] + b'"')]
        except _OddCell:
            pairs = self._one_by_one(first, rest, found)
        values, following = zip(*pairs, strict=True)
        at = int(first[2]) - 1
        if at <= self._last:
            raise NotPlain
        self._last = at
        found.rows.append((at, self._placed(values, (column_index(first[1]), *following))))

    def _placed(self, values: Sequence[object], columns: tuple[int, ...]) -> list[object]:
        """Return values in their columns; nearly all rows of a sheet have the same."""
        *own, end = columns
        if columns != self._columns:
            if end != _END or any(one >= two for one, two in pairwise(own)):
                raise NotPlain
            self._columns = columns
        if own[-1] == len(own) - 1:
            return list(values)
        placed: list[object] = [None] * (own[-1] + 1)
        for column, value in zip(own, values, strict=True):
            placed[column] = value
        return placed

    def _one_by_one(self, first: re.Match[bytes], rest: bytes, found: Rows) -> list[tuple[object, int]]:
        """Return the cells of a row that has odd ones, or its number in other places than in addresses."""
        pairs: list[tuple[object, int]] = []
        body, *others = _STARTS(rest)
        letters, odd = first[1], []
        for following, row, after in [*zip(*[iter(others)] * 3, strict=True), (b"", first[2], b"")]:
            if row != first[2]:
                raise NotPlain
            try:
                pairs.append(self._cells[body + (b'<c r="' + following if following else b"")])
            except _OddCell:
                if not following:
                    body, _, tail = body.rpartition(b"</row>")
                    if not body or tail.strip():
                        raise NotPlain from None
                cell = b'<c r="%b%b"%b' % (letters, row, body)
                if _FOREIGN(cell, 2) or b"'" in cell.partition(b">")[0]:
                    raise NotPlain from None
                odd.append(cell)
                pairs.append((ODD, column_index(following) if following else _END))
            letters, body = following, after
        if odd:
            found.odd.append(b'<row r="%b">%b</row>' % (first[2], b"".join(odd)))
        return pairs


class _Cells(dict[bytes, tuple[object, int]]):
    """What the XML from behind an address to the next one means: the value of a cell, and the next column."""

    def __init__(self, styles: frozenset[bytes], strings: Sequence[object], formulas: bool) -> None:
        super().__init__()
        self._styles, self._strings, self._formulas = styles, strings, formulas

    def __missing__(self, xml: bytes) -> tuple[object, int]:
        match = _CELL(xml)
        if match is None:
            raise _OddCell
        style, kind, formula, value, preserved, text, following = match.groups()
        if formula and not self._formulas:
            raise _OddCell
        if kind == b"inlineStr":
            if formula or value is not None:
                raise _OddCell
            meant = _text(text, trimmed=not preserved)
        elif text is not None:
            raise _OddCell
        elif kind == b"str":
            meant = _text(value, trimmed=False)
        elif kind == b"s":
            meant = self._shared(value)
        else:
            meant = self._number(value, style, formula)
        found = meant, _column(following) if following else _END
        if len(xml) <= _SHORT and len(self) < _MANY:
            self[xml] = found
        return found

    def _shared(self, value: bytes | None) -> object:
        if value is None or not value.isdigit() or int(value) >= len(self._strings):
            raise _OddCell
        return self._strings[int(value)]

    def _number(self, value: bytes | None, style: bytes | None, formula: bytes | None) -> object:
        if not value:
            if formula:
                raise _OddCell
            return None
        if (style or b"0") not in self._styles or not _NUMBER(value):
            raise _OddCell
        whole = len(value) <= _DIGITS and value.lstrip(b"-").isdigit()
        return int(value) if whole else number(float(value))


def _text(xml: bytes | None, *, trimmed: bool) -> object:
    """Return a text as a plain value; `trimmed` says that spaces around it do not count."""
    if not xml:
        return None
    if b"\r" in xml or b"_x" in xml:
        raise _OddCell
    try:
        text = xml.decode()
        if "&" in text:
            marks = text.count("&")
            text, known = _REFERENCE.subn(_character, text)
            if known != marks:
                raise _OddCell
    except ValueError as error:
        raise _OddCell from error
    if trimmed and (text[0].isspace() or text[-1].isspace()):
        raise _OddCell
    return None if text.isspace() else text


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code == 0 or 0xD800 <= code < 0xE000:
        raise ValueError(code)
    return chr(code)
