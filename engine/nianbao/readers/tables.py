"""Plain tables that go with reports: one heading row, its columns known by their words, one thing a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from nianbao.errors import InputError
from nianbao.findings import Where
from nianbao.labels import normal
from nianbao.readers.sheets import read_sheets
from nianbao.readers.sheets.grid import Sheet
from nianbao.values import is_blank

# A heading is looked for this far down: a title or a remark may stand above it.
_SEARCH_ROWS = 12


@dataclass(frozen=True)
class TableRow:
    """One row: what stands in each known column as text, blank ones left out, and where the row is."""

    cells: Mapping[str, str]
    where: Where

    def get(self, name: str) -> str:
        """Return the text of a column, empty if it is blank or not there."""
        return self.cells.get(name, "")


def read_table(
    path: str | Path, headings: Mapping[str, Sequence[str]], needed: Sequence[str], what: str
) -> list[TableRow]:
    """Return the rows of every sheet that has the `needed` columns; `headings` are the words of each column.

    Raises InputError where the file cannot be read or no sheet has them; `what` names the table there.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"找不到{what}{file}，请检查路径", file=str(file))
    words = {normal(word): name for name, variants in headings.items() for word in variants}
    rows: list[TableRow] = []
    known = False
    for sheet in read_sheets(file):
        found = _heading(sheet, words, needed)
        known = known or found is not None
        rows += _rows(sheet, *found, str(file)) if found else ()
    if not known:
        columns = "、".join(f"“{headings[name][0]}”" for name in needed)
        raise InputError(f"{file.name}：不像{what}，应有{columns}各列", file=str(file))
    return rows


def _heading(
    sheet: Sheet, words: Mapping[str, str], needed: Sequence[str]
) -> tuple[int, Mapping[str, int]] | None:
    """Return the row of the headings and the column of each; None where there is none."""
    for number, row in enumerate(sheet.rows[:_SEARCH_ROWS]):
        columns: dict[str, int] = {}
        for column, value in enumerate(row):
            name = words.get(normal(value)) if isinstance(value, str) else None
            if name is not None:
                columns.setdefault(name, column)
        if all(name in columns for name in needed):
            return number, columns
    return None


def _rows(sheet: Sheet, heading: int, columns: Mapping[str, int], file: str) -> Iterator[TableRow]:
    for number, row in enumerate(sheet.rows[heading + 1 :], heading + 2):
        cells = {name: cell_text(row[c]) for name, c in columns.items() if not is_blank(row[c])}
        if cells:
            yield TableRow(cells, Where(file, sheet.name, row=number))


def cell_text(value: object) -> str:
    """Return what stands in a cell as text: whole numbers without decimals, dates as 2024-01-20."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float | Decimal):
        return f"{Decimal(str(value)):f}"
    return str(getattr(value, "text", value)).strip()
