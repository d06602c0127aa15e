"""Sheets of plain cell values, and what keeps a stray cell from filling the memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nianbao.cells import CellError
from nianbao.errors import InputError
from nianbao.raw import column_name
from nianbao.readers.trouble import trouble

Merge = tuple[int, int, int, int]

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of .xlsx and of .ods

# Up to so many cells a sheet is simply read; beyond that a fair part of them must hold something.
PLAIN_AREA = 5_000_000
_SPARSEST = 4


@dataclass(frozen=True)
class Sheet:
    """One sheet of a file.

    `rows` are the values by row and column from A1 on, every row of the same length; `merged` are
    the merged ranges as (top, left, bottom, right), counted from 0, the last ones included.
    """

    name: str
    rows: Sequence[Sequence[object]]
    merged: tuple[Merge, ...] = ()
    hidden: bool = False


def cell_name(row: int, column: int) -> str:
    """Return the address of a cell, counted from 0: ``cell_name(4, 10)`` is ``K5``."""
    return f"{column_name(column)}{row + 1}"


def column_index(letters: bytes | str) -> int:
    """Return the column, counted from 0, that capital letters name."""
    index = 0
    for letter in letters if isinstance(letters, bytes) else letters.encode():
        index = index * 26 + letter - 64
    return index - 1


def number(value: float) -> int | float | CellError:
    """Return a number of a spreadsheet as it is shown: at 15 significant digits, whole ones as int."""
    rounded = float(format(value, ".15g"))
    if not math.isfinite(rounded):
        return CellError("#NUM!")
    return int(rounded) if rounded.is_integer() else rounded


def plain(value: object) -> object:
    """Return a cell value as the rest of nianbao knows it; text of nothing but spaces is None."""
    if isinstance(value, str):
        return None if not value or value.isspace() else value
    return number(value) if isinstance(value, float) else value


def plain_row(row: Iterable[object]) -> list[object]:
    """Return the values of a row as `plain` does, the commonest ones without a call."""
    known = _COMMON.get
    return [
        plain(value) if (found := known(value, _RARE)) is _RARE or value is True or value is False else found
        for value in row
    ]


_RARE = object()
_COMMON: dict[object, object] = {"": None} | {float(number): number for number in range(10_000)}


def rectangle(rows: list[list[object]]) -> list[list[object]]:
    """Return rows of one length, without the blank rows and columns that follow the last value."""
    width = 0
    height = 0
    for at, row in enumerate(rows):
        used = len(row)
        while used and row[used - 1] is None:
            used -= 1
        if used:
            height = at + 1
            width = max(width, used)
    del rows[height:]
    for at, row in enumerate(rows):
        if len(row) != width:
            rows[at] = row[:width] + [None] * (width - len(row))
    return rows


def at_hand(sheet: Sheet) -> Sheet:
    """Return a sheet with its rows in memory, to be looked at in any order, unless they are too many."""
    rows = sheet.rows
    if isinstance(rows, list) or len(rows) * max(map(len, rows[:1]), default=0) > PLAIN_AREA:
        return sheet
    return replace(sheet, rows=rectangle([list(row) for row in rows]))


class Used:
    """Which rows and columns of a sheet hold something, so that stray cells can be told."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: dict[int, int] = {}  # each used row and a used column of it
        self.columns: dict[int, int] = {}  # each used column and a used row of it

    def add(self, row: int, column: int, count: int = 1) -> None:
        """Note that a cell holds something."""
        self.count += count
        self.rows[row] = column
        self.columns[column] = row

    @property
    def height(self) -> int:
        """Return the number of rows from the first of the sheet to the last used one."""
        return max(self.rows, default=-1) + 1

    @property
    def width(self) -> int:
        """Return the number of columns from the first of the sheet to the last used one."""
        return max(self.columns, default=-1) + 1

    def check(self, path: Path, sheet: str) -> None:
        """Raise InputError, naming the stray cells, where the used area is mostly empty."""
        if is_reasonable(self.height, self.width, self.count):
            return
        row, column = self.height - 1, self.width - 1
        lowest, rightmost = (row, self.rows[row]), (self.columns[column], column)
        strays = [c for c, seen in ((lowest, self.rows), (rightmost, self.columns)) if _leaps(seen)]
        raise stray(path, sheet, strays or [lowest, rightmost])


def is_reasonable(height: int, width: int, count: int) -> bool:
    """Return whether `count` used cells justify a table of `height` by `width`."""
    return height * width <= max(PLAIN_AREA, _SPARSEST * count)


def stray(path: Path, sheet: str, cells: Iterable[tuple[int, int]]) -> InputError:
    """Return the error for a sheet with values far from its table."""
    names = "、".join(dict.fromkeys(cell_name(*cell) for cell in cells))
    return trouble(
        path, f"工作表“{sheet}”的{names}单元格有内容，离表格太远，请删除多余的单元格后保存，再重新运行"
    )


def _leaps(seen: Iterable[int]) -> bool:
    """Return whether more than half of the way to the last index is one gap."""
    indices = sorted(seen)
    gap = max((b - a for a, b in zip([-1, *indices], indices, strict=False)), default=0)
    return 2 * gap > indices[-1] + 1
