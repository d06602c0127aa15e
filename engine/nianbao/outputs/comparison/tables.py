"""The statutory tables as a page shows them: the template's grids with the figures of both reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nianbao.comparison.differences import FigureChange, ReportComparison
from nianbao.layout import Cell, Grid
from nianbao.outputs.comparison.words import BLANK, difference_words, figure_words, plain_words
from nianbao.pack import Pack


@dataclass(frozen=True)
class TableCell:
    """A cell of an HTML table: a label, or what stands there before and after."""

    rows: int
    columns: int
    label: str = ""
    before: str = ""
    after: str = ""
    difference: str = ""
    changed: bool = False


@dataclass(frozen=True)
class Table:
    """A statutory table: its rows of cells, how many of them are its head, and which rows hold a change."""

    head: int
    rows: tuple[tuple[TableCell, ...], ...]
    changed_rows: frozenset[int]
    widths: tuple[int, ...]

    @property
    def changes(self) -> int:
        """The number of cells that changed."""
        return sum(cell.changed for row in self.rows for cell in row)


def tables_of(pair: ReportComparison, pack: Pack) -> Mapping[int, Table]:
    """Return the tables of a comparison by the index of their grid."""
    changes = {change.field: change for change in pair.figures}
    return {grid.index: _table(grid, pair, changes) for grid in pack.layout.grids}


def _table(grid: Grid, pair: ReportComparison, changes: Mapping[str, FigureChange]) -> Table:
    rows: list[list[TableCell]] = [[] for _ in range(grid.rows)]
    changed: set[int] = set()
    for cell in sorted(grid.cells, key=lambda cell: (cell.row, cell.column)):
        shown = _cell(cell, pair, changes)
        rows[cell.row].append(shown)
        if shown.changed:
            changed.add(cell.row)
    total = sum(grid.widths) or 1
    head = max((cell.row + cell.rows for cell in grid.cells if cell.header), default=0)
    return Table(
        head,
        tuple(tuple(row) for row in rows),
        frozenset(changed),
        tuple(round(width * 100 / total) for width in grid.widths),
    )


def _cell(cell: Cell, pair: ReportComparison, changes: Mapping[str, FigureChange]) -> TableCell:
    if not cell.fields:
        return TableCell(cell.rows, cell.columns, cell.text)
    change = next((changes[field] for field in cell.fields if field in changes), None)
    if change is not None and len(cell.fields) == 1:
        return TableCell(
            cell.rows,
            cell.columns,
            before=figure_words(change.before, change.before_found),
            after=figure_words(change.after, change.after_found),
            difference=difference_words(change),
            changed=True,
        )
    before, after = (
        " ".join(plain_words(report.value(field)) or BLANK for field in cell.fields)
        for report in (pair.before, pair.after)
    )
    return TableCell(cell.rows, cell.columns, before=before, after=after, changed=before != after)
