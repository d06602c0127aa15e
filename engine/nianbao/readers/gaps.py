"""Rows and columns of a table whose label is missing or beyond recognition, known by their neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from nianbao.layout import Grid
from nianbao.pack import Pack
from nianbao.readers.figures import is_figure

Spot = tuple[int, int]
Rows = Sequence[Sequence[str | None]]
# Path of the first field, the label that should stand there, row and column.
Guess = tuple[str, str, int, int]


def fill_gaps(
    found: dict[str, Spot],
    rows: Rows,
    labels: Sequence[Sequence[str | None]],
    pack: Pack,
    gone: tuple[str, ...] = (),
) -> Iterator[Guess]:
    """Add to `found` the fields of rows and columns that can only stand between their known neighbours.

    Yields a guess for each row or column. It is made only where the table has exactly as many rows with
    figures between two known ones as the form has rows there. Branches that are `gone` are not looked for.
    """
    for grid in pack.layout.grids:
        if len(found.keys() & grid.field_cells.keys()) * 2 < len(grid.field_cells):
            continue
        for axis in (0, 1):
            lines = sorted(
                {_place(grid, path)[axis] for path in grid.field_cells if not path.startswith(gone)}
            )
            yield from _fill(found, grid, axis, lines, rows, labels)


def _fill(
    found: dict[str, Spot],
    grid: Grid,
    axis: int,
    lines: Sequence[int],
    rows: Rows,
    labels: Sequence[Sequence[str | None]],
) -> Iterator[Guess]:
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
                guess = _assign(found, grid, axis, line, at, across)
                if guess:
                    yield guess


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
) -> Guess | None:
    guess: Guess | None = None
    for path, cell in grid.field_cells.items():
        place = (cell.row, cell.column)
        other = across.get(place[1 - axis])
        if place[axis] != line or other is None or path in found:
            continue
        found[path] = (at, other) if axis == 0 else (other, at)
        texts = grid.row_labels(cell) if axis == 0 else grid.column_labels(cell)
        guess = guess or (path, texts[-1] if texts else "", *found[path])
    return guess
