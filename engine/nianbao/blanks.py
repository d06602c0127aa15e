"""Blank figures, told block by block: 表三法人5列125格为空."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nianbao.layout import Grid
from nianbao.pack import Pack


@dataclass(frozen=True)
class Block:
    """A contiguous block of blank cells of a table, in words, and its first field."""

    fields: tuple[str, ...]
    words: str


def blank_blocks(blank: Sequence[str], pack: Pack) -> Iterator[Block]:
    """Yield the blocks that the fields `blank` form in the tables of the default template.

    Fields that stand in no table come one by one.
    """
    by_grid: dict[int, list[str]] = {}
    for path in blank:
        grid = pack.layout.grid_of.get(path)
        by_grid.setdefault(grid.index if grid else 0, []).append(path)
    for path in by_grid.pop(0, []):
        yield Block((path,), pack.fields.place(path))
    for index, paths in sorted(by_grid.items()):
        grid = pack.layout.grids[index - 1]
        whole = len(paths) == len(grid.field_cells)
        for block in [paths] if whole else _components(paths, grid):
            yield Block(tuple(block), _words(block, grid, pack))


def _components(paths: Sequence[str], grid: Grid) -> Iterator[Sequence[str]]:
    """Yield groups of fields whose cells touch, by side, in the order of the form."""
    cells = {path: grid.field_cells[path] for path in paths}
    at: dict[tuple[int, int], str] = {
        (r, c): path
        for path, cell in cells.items()
        for r in range(cell.row, cell.row + cell.rows)
        for c in range(cell.column, cell.column + cell.columns)
    }
    seen: set[str] = set()
    for start in paths:
        if start in seen:
            continue
        group, queue = [], [start]
        seen.add(start)
        while queue:
            path = queue.pop()
            group.append(path)
            for near in _neighbours(path, cells[path].row, cells[path].column, at, cells[path].columns):
                if near not in seen:
                    seen.add(near)
                    queue.append(near)
        yield sorted(group, key=lambda p: (cells[p].row, cells[p].column))


def _neighbours(
    path: str, row: int, column: int, at: Mapping[tuple[int, int], str], columns: int
) -> Iterator[str]:
    around = [(row, column - 1), (row, column + columns)]
    around += [(r, c) for r in (row - 1, row + 1) for c in range(column, column + columns)]
    yield from (at[place] for place in around if place in at and at[place] != path)


def _words(block: Sequence[str], grid: Grid, pack: Pack) -> str:
    """Return the block in words: one cell by its place, whole columns and rows by number."""
    if len(block) == 1:
        return pack.fields.place(block[0])
    table = pack.table_of(block[0])
    name = table.name if table else pack.fields.place(block[0])
    cells = [grid.field_cells[path] for path in block]
    rows, columns = {c.row for c in cells}, {c.column for c in cells}
    if len(block) == len(grid.field_cells):
        return f"{name}全部{len(block)}格"
    if len(rows) == 1:
        return f"{pack.fields.place(block[0])}等{len(block)}格"
    across = sorted(cells, key=lambda c: c.column)
    titles = list(dict.fromkeys(grid.column_labels(c)[-1] for c in across if grid.column_labels(c)))
    return f"{name}{'、'.join(titles)}{len(columns)}列{len(block)}格"
