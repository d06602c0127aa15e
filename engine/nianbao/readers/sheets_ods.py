"""Reads .ods workbooks, from their XML.

calamine would be faster, but it cannot tell percentages, errors, merged cells and formulas
without results, and it fills the memory where a cell is said to be repeated a million times.

What cannot be told: a time of less than 24 hours from a duration; a truth value that the program
wrote as a number; hidden rows and columns, which are read like any other.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from nianbao.cells import CellError, Percentage, Uncomputed
from nianbao.readers.archive import Archive, parse_events, too_large
from nianbao.readers.grid import LAST_COLUMN, LAST_ROW, Merge, Sheet, Used, number, plain, rectangle

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_DRAWING = "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0 "
_SKIPPED = {f"{_OFFICE}annotation", f"{_TABLE}tracked-changes", f"{_TABLE}dde-links", f"{_TABLE}shapes"}
_BREAKS = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_SPACE = re.compile(r"[ \t\r\n]+")
_CELLS = {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)|(?:Err|错误)[:：]\d{3}")
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?")
_MOST_CELLS = 30_000_000
_LONGEST = 32_767


def read_ods(path: Path) -> list[Sheet]:
    """Return the sheets of a workbook.

    Raises InputError for a stray cell far from the table, a zip bomb, and a DTD; and whatever the
    libraries raise for a file that is broken.
    """
    reader = _Reader(path)
    with Archive(path) as archive, archive.open("content.xml") as stream:
        events = parse_events(
            stream, path, start=reader.start, end=reader.end, text=reader.text, namespaces=True
        )
        for _ in events:
            pass
    return reader.sheets


class _Table:
    """A sheet while it is read: runs of equal rows, and runs of equal cells within them."""

    def __init__(self, name: str, *, hidden: bool) -> None:
        self.name = name
        self.hidden = hidden
        self.used = Used()
        self.merged: list[Merge] = []
        self.row = self.column = 0
        self._rows: dict[int, list[object]] = {}
        self._current: dict[int, object] = {}

    def add(self, value: object, repeated: int, attributes: dict[str, str]) -> None:
        """Add a cell, so many times."""
        columns = int(attributes.get(f"{_TABLE}number-columns-spanned", 1))
        rows = int(attributes.get(f"{_TABLE}number-rows-spanned", 1))
        if columns > 1 or rows > 1:
            self.merged.append((self.row, self.column, self.row + rows - 1, self.column + columns - 1))
        if value is not None:
            last = min(self.column + repeated, LAST_COLUMN)
            self._current.update(dict.fromkeys(range(self.column, last), value))
        self.column += repeated

    def end_row(self, repeated: int) -> None:
        """Add the cells since the last row as a row, so many times."""
        if self._current:
            rows = range(self.row, min(self.row + repeated, LAST_ROW))
            last = max(self._current)
            values = [self._current.get(column) for column in range(last + 1)]
            self._rows |= dict.fromkeys(rows, values)
            self.used.rows |= dict.fromkeys(rows, last)
            self.used.columns |= dict.fromkeys(self._current, max(rows, default=0))
            self.used.count += len(rows) * len(self._current)
        self._current = {}
        self.row += repeated
        self.column = 0

    def sheet(self, path: Path) -> Sheet:
        """Return the sheet; raises InputError for a stray cell."""
        self.used.check(path, self.name)
        if self.used.count > _MOST_CELLS:
            raise too_large(path)
        rows = [self._rows.get(row, []) for row in range(self.used.height)]
        return Sheet(self.name, rectangle(rows), tuple(self.merged), self.hidden)


class _Reader:
    """Builds the sheets; the callbacks of an XML parser."""

    def __init__(self, path: Path) -> None:
        self.sheets: list[Sheet] = []
        self._path = path
        self._skipped = 0  # how deep inside an element of no interest
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._table: _Table | None = None
        self._repeated = 1
        self._cell: dict[str, str] | None = None
        self._paragraphs: list[list[str]] = []
        self._in_paragraph = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        if self._skipped or name in _SKIPPED or name.startswith(_DRAWING):
            self._skipped += 1
        elif self._cell is not None:
            self._start_text(name, attributes)
        elif name in _CELLS:
            self._cell = attributes
            self._paragraphs = []
        elif name == f"{_TABLE}table-row":
            self._repeated = int(attributes.get(f"{_TABLE}number-rows-repeated", 1))
        elif name == f"{_TABLE}table":
            hidden = attributes.get(f"{_TABLE}style-name", "") in self._hidden_styles
            self._table = _Table(attributes.get(f"{_TABLE}name", ""), hidden=hidden)
        elif name == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == f"{_STYLE}table-properties" and attributes.get(f"{_TABLE}display") == "false":
            self._hidden_styles.add(self._style)

    def _start_text(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_TEXT}p":
            self._paragraphs.append([])
            self._in_paragraph = True
        elif self._in_paragraph and name == f"{_TEXT}s":
            self._paragraphs[-1].append(" " * min(int(attributes.get(f"{_TEXT}c", 1)), _LONGEST))
        elif self._in_paragraph and name in _BREAKS:
            self._paragraphs[-1].append(_BREAKS[name])

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if self._skipped:
            self._skipped -= 1
        elif name == f"{_TEXT}p":
            self._in_paragraph = False
        elif name in _CELLS and self._cell is not None and self._table is not None:
            text = "\n".join("".join(parts) for parts in self._paragraphs)
            repeated = int(self._cell.get(f"{_TABLE}number-columns-repeated", 1))
            self._table.add(_value(self._cell, text), repeated, self._cell)
            self._cell = None
        elif name == f"{_TABLE}table-row" and self._table is not None:
            self._table.end_row(self._repeated)
        elif name == f"{_TABLE}table" and self._table is not None:
            self.sheets.append(self._table.sheet(self._path))
            self._table = None

    def text(self, data: str) -> None:
        """Take text, wherever it stands."""
        if self._in_paragraph and not self._skipped:
            self._paragraphs[-1].append(_SPACE.sub(" ", data))


def _value(attributes: dict[str, str], text: str) -> object:
    kind = attributes.get(f"{_OFFICE}value-type")
    formula = attributes.get(f"{_TABLE}formula")
    if attributes.get(f"{_CALC}value-type") == "error" or (formula and _ERROR.fullmatch(text)):
        return CellError(text or "#ERROR!")
    if kind is None and formula and not text:
        return Uncomputed(formula[formula.find("=") :])
    try:
        return _typed(kind, attributes, text)
    except (KeyError, ValueError, OverflowError):
        return plain(text)


def _typed(kind: str | None, attributes: dict[str, str], text: str) -> object:
    """Return the value of a type; raises KeyError or ValueError where it is not stated so."""
    if kind in ("float", "currency"):
        return number(float(attributes[f"{_OFFICE}value"]))
    if kind == "percentage":
        return Percentage(float(attributes[f"{_OFFICE}value"]))
    if kind == "boolean":
        return attributes[f"{_OFFICE}boolean-value"] == "true"
    if kind == "date":
        moment = datetime.datetime.fromisoformat(attributes[f"{_OFFICE}date-value"]).replace(tzinfo=None)
        return moment if moment.time() != datetime.time() else moment.date()
    if kind == "time":
        return _time(attributes[f"{_OFFICE}time-value"])
    return plain(text or attributes.get(f"{_OFFICE}string-value", ""))


def _time(text: str) -> datetime.time | datetime.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    days, hours, minutes = (int(part or 0) for part in match.groups()[1:4])
    seconds = float((match[5] or "0").replace(",", "."))
    length = datetime.timedelta(days, seconds, hours=hours, minutes=minutes)
    if match[1] or length.days:
        return -length if match[1] else length
    return (datetime.datetime.min + length).time()
