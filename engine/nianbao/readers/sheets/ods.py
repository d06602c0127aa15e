"""Reads .ods workbooks, from their XML.

calamine would be faster, but it cannot tell percentages, errors, merged cells and formulas
without results, and it fills the memory where a cell is said to be repeated a million times.

What cannot be told: a time of less than 24 hours from a duration; a truth value that the program
wrote as a number (LibreOffice does); in a file of an office program, a formula without a result
from one whose result is an empty text, both of which are blanks; hidden rows and columns, which
are read like any other.
"""

from __future__ import annotations

import datetime
import re
from contextlib import ExitStack
from pathlib import Path

from nianbao.cells import CellError, Percentage, Uncomputed
from nianbao.readers.archive import Archive, parse_events, too_large
from nianbao.readers.sheets.grid import LAST_COLUMN, LAST_ROW, Merge, Sheet, Used, number, plain, rectangle
from nianbao.readers.trouble import broken

# Every program uses these prefixes, and comparing plain names is much faster; `_Reader` makes sure.
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_PREFIXES = {
    "xmlns:office": f"{_ODF}:office:1.0",
    "xmlns:table": f"{_ODF}:table:1.0",
    "xmlns:text": f"{_ODF}:text:1.0",
}
_SKIPPED = {"office:annotation", "table:tracked-changes", "table:dde-links", "table:shapes"}
_BREAKS = {"text:tab": "\t", "text:line-break": "\n"}
_CELLS = {"table:table-cell", "table:covered-table-cell"}
_SPACE = re.compile(r"[ \t\r\n]+")
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)|(?:Err|错误)[:：]\d{3}")
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?")
_LARGEST = 240_000_000
_CELL = 8  # bytes of a place in a list
_LONGEST = 32_767


def read_ods(path: Path) -> list[Sheet]:
    """Return the sheets of a workbook.

    Raises InputError for a stray cell far from the table, a zip bomb, and a DTD; and whatever the
    libraries raise for a file that is broken.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(Archive(path))
        reader = _Reader(path, calculated=_is_calculated(archive))
        stream = stack.enter_context(archive.open("content.xml"))
        events = parse_events(stream, path, start=reader.start, end=reader.end, text=reader.text)
        for _ in events:
            pass
    return reader.sheets


def _is_calculated(archive: Archive) -> bool:
    """Return whether an office program wrote the file: there, no result means an empty text."""
    meta = archive.read("meta.xml") if "meta.xml" in archive else b""
    generator = re.search(rb"generator>([^<]*)<", meta)
    return generator is not None and b"Office" in generator[1]


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
        if "table:number-columns-spanned" in attributes or "table:number-rows-spanned" in attributes:
            columns = int(attributes.get("table:number-columns-spanned", 1))
            rows = int(attributes.get("table:number-rows-spanned", 1))
            self.merged.append((self.row, self.column, self.row + rows - 1, self.column + columns - 1))
        if value is not None and repeated == 1:
            self._current[self.column] = value
        elif value is not None:
            last = min(self.column + repeated, LAST_COLUMN)
            self._current.update(dict.fromkeys(range(self.column, last), value))
        self.column += repeated

    def end_row(self, repeated: int) -> int:
        """Add the cells since the last row as a row, so many times, and return their number."""
        count = 0
        if self._current:
            rows = range(self.row, min(self.row + repeated, LAST_ROW))
            last = max(self._current)
            values = [self._current.get(column) for column in range(last + 1)]
            self._rows |= dict.fromkeys(rows, values)
            self.used.rows |= dict.fromkeys(rows, last)
            self.used.columns |= dict.fromkeys(self._current, max(rows, default=0))
            count = len(rows) * len(self._current)
            self.used.count += count
        self._current = {}
        self.row += repeated
        self.column = 0
        return count

    def sheet(self, path: Path) -> Sheet:
        """Return the sheet; raises InputError for a stray cell."""
        self.used.check(path, self.name)
        rows = [self._rows.get(row, []) for row in range(self.used.height)]
        return Sheet(self.name, rectangle(rows), tuple(self.merged), self.hidden)


class _Reader:
    """Builds the sheets; the callbacks of an XML parser."""

    def __init__(self, path: Path, *, calculated: bool) -> None:
        self.sheets: list[Sheet] = []
        self._calculated = calculated
        self._size = 0
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
        if self._skipped:
            self._skipped += 1
        elif name in _CELLS:
            self._cell = attributes
            self._paragraphs = []
        elif self._cell is not None:
            self._start_text(name, attributes)
        elif name == "table:table-row":
            self._repeated = int(attributes.get("table:number-rows-repeated", 1))
        elif name in _SKIPPED:
            self._skipped = 1
        elif name == "table:table":
            hidden = attributes.get("table:style-name", "") in self._hidden_styles
            self._table = _Table(attributes.get("table:name", ""), hidden=hidden)
        elif name == "style:style":
            self._style = attributes.get("style:name", "")
        elif name == "style:table-properties" and attributes.get("table:display") == "false":
            self._hidden_styles.add(self._style)
        elif name.endswith("document-content") and not _PREFIXES.items() <= attributes.items():
            raise broken(self._path)

    def _start_text(self, name: str, attributes: dict[str, str]) -> None:
        if name == "text:p":
            self._paragraphs.append([])
            self._in_paragraph = True
        elif name in _SKIPPED or name.startswith("draw:"):
            self._skipped = 1
        elif self._in_paragraph and name == "text:s":
            spaces = min(int(attributes.get("text:c", 1)), _LONGEST)
            self._spend(spaces)
            self._paragraphs[-1].append(" " * spaces)
        elif self._in_paragraph and name in _BREAKS:
            self._paragraphs[-1].append(_BREAKS[name])

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if self._skipped:
            self._skipped -= 1
        elif name == "text:p":
            self._in_paragraph = False
        elif name in _CELLS and self._cell is not None and self._table is not None:
            text = "\n".join("".join(parts) for parts in self._paragraphs)
            repeated = int(self._cell.get("table:number-columns-repeated", 1))
            value = _value(self._cell, text)
            if self._calculated and isinstance(value, Uncomputed):
                value = None
            self._table.add(value, repeated, self._cell)
            self._cell = None
        elif name == "table:table-row" and self._table is not None:
            self._spend(self._table.end_row(self._repeated) * _CELL)
        elif name == "table:table" and self._table is not None:
            self.sheets.append(self._table.sheet(self._path))
            self._table = None

    def _spend(self, size: int) -> None:
        """Count what repetitions, a few bytes in the file, take in memory."""
        self._size += size
        if self._size > _LARGEST:
            raise too_large(self._path)

    def text(self, data: str) -> None:
        """Take text, wherever it stands."""
        if self._in_paragraph and not self._skipped:
            self._paragraphs[-1].append(_SPACE.sub(" ", data))


def _value(attributes: dict[str, str], text: str) -> object:
    kind = attributes.get("office:value-type")
    formula = attributes.get("table:formula")
    if attributes.get("calcext:value-type") == "error" or (formula and _ERROR.fullmatch(text)):
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
        return number(float(attributes["office:value"]))
    if kind == "percentage":
        return Percentage(float(attributes["office:value"]))
    if kind == "boolean":
        return attributes["office:boolean-value"] == "true"
    if kind == "date":
        moment = datetime.datetime.fromisoformat(attributes["office:date-value"]).replace(tzinfo=None)
        return moment if moment.time() != datetime.time() else moment.date()
    if kind == "time":
        return _time(attributes["office:time-value"])
    return plain(text or attributes.get("office:string-value", ""))


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
