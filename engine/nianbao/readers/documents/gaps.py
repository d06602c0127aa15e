"""Rows and columns of a table whose label is missing or beyond recognition, known by their neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nianbao.layout import Grid
from nianbao.pack import Pack
from nianbao.readers.align import GridKeys, ReadLabel, label_matrix
from nianbao.readers.documents.document import Table
from nianbao.readers.documents.figures import is_figure

Spot = tuple[int, int]
# Fewer known figures than this are no frame for others.
_FEWEST = 3
Rows = Sequence[Sequence[str | None]]


def fill_gaps(
    found: dict[str, Spot],
    rows: Rows,
    labels: Sequence[Sequence[str | None]],
    pack: Pack,
    gone: tuple[str, ...] = (),
) -> None:
    """Add to `found` the fields of rows and columns that can only stand between their known neighbours.

    That is so only where the table has exactly as many rows with figures between two known ones as the form
    has rows there. Branches that are `gone` are not looked for.
    """
    for grid in pack.layout.grids:
        if len(found.keys() & grid.field_cells.keys()) < _FEWEST:
            continue
        for axis in (0, 1):
            lines = sorted(
                {_place(grid, path)[axis] for path in grid.field_cells if not path.startswith(gone)}
            )
            _fill(found, grid, axis, lines, rows, labels)


def _fill(
    found: dict[str, Spot],
    grid: Grid,
    axis: int,
    lines: Sequence[int],
    rows: Rows,
    labels: Sequence[Sequence[str | None]],
) -> None:
    """Fill gaps along one axis: 0 for rows, 1 for columns."""
    known = _known(found, grid, axis)
    across = _known(found, grid, 1 - axis)
    size = len(rows) if axis == 0 else len(rows[0])
    ends = [-1, *(line for line in lines if line in known), lines[-1] + 1]
    for before, after in pairwise(ends):
        missing = [line for line in lines if before < line < after]
        start = known.get(before, min(known.values(), default=0) - 1 - len(missing) if axis else 0)
        stop = known.get(after, size)
        taken = set(known.values())
        free = [
            at
            for at in range(max(0, start + 1), stop)
            if at not in taken and _holds_figures(at, axis, across, rows, labels)
        ]
        if missing and len(missing) == len(free):
            for line, at in zip(missing, free, strict=True):
                _assign(found, grid, axis, line, at, across)


def _known(found: Mapping[str, Spot], grid: Grid, axis: int) -> dict[int, int]:
    """Return where most fields of each row (or column) of the grid were found."""
    seen: dict[int, Counter[int]] = {}
    for path, spot in found.items():
        if path in grid.field_cells:
            seen.setdefault(_place(grid, path)[axis], Counter())[spot[axis]] += 1
    return {line: at.most_common(1)[0][0] for line, at in seen.items()}


def _place(grid: Grid, path: str) -> Spot:
    cell = grid.field_cells[path]
    return cell.row, cell.column


def _holds_figures(
    at: int, axis: int, across: Mapping[int, int], rows: Rows, labels: Sequence[Sequence[str | None]]
) -> bool:
    """Return whether a row (or column) has figures where the known columns (rows) are, and no label there."""
    spots = [(at, other) if axis == 0 else (other, at) for other in across.values()]
    if any(labels[r][c] for r, c in spots):
        return False
    return any(is_figure(rows[r][c]) for r, c in spots)


def _assign(
    found: dict[str, Spot], grid: Grid, axis: int, line: int, at: int, across: Mapping[int, int]
) -> None:
    for path, cell in grid.field_cells.items():
        place = (cell.row, cell.column)
        other = across.get(place[1 - axis])
        if place[axis] == line and other is not None and path not in found:
            found[path] = (at, other) if axis == 0 else (other, at)


def count_cells(
    found: dict[str, Spot], table: Table, labels: Sequence[Sequence[str | None]], keys: GridKeys
) -> int | None:
    """Find the fields of ragged rows by counting: as many cells after the label as the form has fields.

    What was found in such a row by position is given up. Below a ragged row of the head no column is sure,
    so every row is counted; return that row, None where there is none.
    """
    heads = [r for r in table.ragged if any(labels[r]) and not any(map(is_figure, table.rows[r]))]
    head = min(heads, default=None)
    below = () if head is None else range(head, len(table.rows))
    for row in sorted({*table.ragged, *below}):
        for path in [path for path, spot in found.items() if spot[0] == row]:
            del found[path]
        ends = [c for c, label in enumerate(labels[row]) if label]
        if not ends:
            continue
        covered = {
            c for t, left, b, right in table.merged if t <= row <= b for c in range(left + 1, right + 1)
        }
        cells = [c for c in range(ends[-1] + 1, len(labels[row])) if c not in covered]
        cells = cells[
            : max((i + 1 for i, c in enumerate(cells) if table.rows[row][c] is not None), default=0)
        ]
        paths = [p for p, (left, _) in keys.paths.items() if left and left[-1] == labels[row][ends[-1]]]
        if len(paths) == len(cells) and not any(path in found for path in paths):
            found |= {path: (row, column) for path, column in zip(paths, cells, strict=True)}
    return head


def unlabelled(
    found: Mapping[str, Spot],
    table: Table,
    read_label: ReadLabel,
    keys: GridKeys,
    gone: tuple[str, ...] = (),
    uneven: int | None = None,
) -> dict[str, str]:
    """Return the labels of rows and columns that the table does not have, each with a field found there."""
    labels = label_matrix(table.rows, table.merged, read_label)
    missing: dict[str, str] = {}
    for path, (row, column) in found.items():
        left, above = keys.paths[path]
        beside = set(labels[row][:column])
        counted = row in table.ragged or (uneven is not None and row > uneven)
        over = set(above) if counted else {line[column] for line in labels[:row]}
        if left and left[-1] not in beside and not (gone and path.startswith(gone)):
            missing.setdefault(left[-1], path)
        if above and above[-1] not in over:
            missing.setdefault(above[-1], path)
    return missing
