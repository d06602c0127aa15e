"""What a reader hands on: what stood in the input for each field, not yet values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nianbao.findings import Finding, Where


@dataclass(frozen=True)
class RawReport:
    """One report as found in an input.

    `values` holds by field what stood there: None (blank), str, int, float, bool, Decimal, a `datetime`
    object or one of the classes of `cells`. `origins` says where. `finished` marks a published document,
    in which nothing is ever derived or filled in.
    """

    values: Mapping[str, object]
    source: Where
    findings: tuple[Finding, ...] = ()
    origins: Mapping[str, Where] = field(default_factory=dict)
    finished: bool = False


@dataclass(frozen=True)
class SheetOrigins(Mapping[str, Where]):
    """Where the fields of a report stand on a sheet; addresses are made only when somebody asks.

    `cells` maps a field to (row, column) counted from 0; `row` replaces the row where all share one.
    """

    file: str | None
    sheet: str
    cells: Mapping[str, tuple[int, int]]
    row: int | None = None

    def __getitem__(self, path: str) -> Where:
        row, column = self.cells[path]
        row = row if self.row is None else self.row
        return Where(self.file, self.sheet, f"{column_name(column)}{row + 1}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


def column_name(column: int) -> str:
    """Return the letters of a column counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
