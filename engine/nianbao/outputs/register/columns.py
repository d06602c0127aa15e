"""The columns of a register: which there are, in what order, and what their header rows say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nianbao.fields import Field
from nianbao.layout import Cell, Grid
from nianbao.outputs.form.plan import grid_fields, map_field, outside_paths
from nianbao.pack import Pack

# What stands in the hidden row over a column that holds no field.
NO_FIELD = "#"
NUMBER, REMARK = "序号", "说明"


@dataclass(frozen=True)
class Column:
    """A column of a register; `words` are its headers, from one that fills all three rows to three."""

    path: str
    words: tuple[str, ...]
    field: Field | None = None


def register_columns(pack: Pack, items: Mapping[str, int]) -> list[Column]:
    """Return the columns of the register: who, the tables, the texts, everything else."""
    order = pack.meta.get("register", {})
    first, after, last = (list(order.get(key, ())) for key in ("first", "after_tables", "last"))
    first = first if "agency" in first else list(dict.fromkeys(["agency", "year", *first]))
    tables = [column for grid in pack.layout.grids for column in grid_columns(grid, pack)]
    taken = {*first, *after, *last, *(column.path for column in tables)}
    rest = [path for path in outside_paths(pack, items) if path not in taken]
    printed = [path for path in rest if map_field(path, pack).printed]
    hidden = [path for path in rest if not map_field(path, pack).printed]
    return [
        Column(NO_FIELD, (NUMBER,)),
        *(plain_column(path, pack) for path in first),
        *tables,
        *(plain_column(path, pack) for path in (*after, *printed, *hidden, *last)),
        Column(NO_FIELD, (REMARK,)),
    ]


def plain_column(path: str, pack: Pack) -> Column:
    """Return the column of a path outside the tables."""
    field = map_field(path, pack)
    if not field.printed or len(field.labels) == 1:
        return Column(path, (field.header,), field)
    words = list(field.labels)
    if "[" in path:
        number = int(path.partition("[")[2].partition("]")[0]) + 1
        words[-2] = f"{words[-2]}（第{number}项）"
    return Column(path, _three(words), field)


def grid_columns(grid: Grid, pack: Pack) -> Iterator[Column]:
    """Yield the columns of a table, row by row."""
    common = _common_labels(grid)
    for path, cell in grid_fields(grid).items():
        table = pack.table_of(path)
        top = f"{table.name} {table.title}" if table else pack.fields.nodes[path].labels[0]
        rows, columns = grid.row_labels(cell), grid.column_labels(cell)
        if rows:
            # Labels over the whole statutory row, such as the article of the law, belong to its part.
            shared = _row_labels(grid, cell.row) - common
            parts = (*(label for label in columns[:-1] if label in shared), *rows[:-1])
            words = [top, *parts, rows[-1], *columns[-1:]]
        else:
            words = [top, *columns]
        yield Column(path, _three(words), pack.fields.by_path[path])


def grid_rows(grid: Grid) -> dict[int, dict[str, Cell]]:
    """Return the fields of each statutory row, by the number of the row."""
    rows: dict[int, dict[str, Cell]] = {}
    for path, cell in grid_fields(grid).items():
        rows.setdefault(cell.row, {})[path] = cell
    return rows


def is_matrix(grid: Grid) -> bool:
    """Return whether a table has several statutory rows, and a label beside and above each figure."""
    cells = grid_fields(grid).values()
    labelled = all(grid.row_labels(cell) and grid.column_labels(cell) for cell in cells)
    return len(grid_rows(grid)) > 1 and labelled


def _row_labels(grid: Grid, row: int) -> set[str]:
    """Return the labels that stand over every field of a row."""
    return set.intersection(*(set(grid.column_labels(c)) for c in grid_rows(grid)[row].values()))


def _common_labels(grid: Grid) -> set[str]:
    """Return the labels that stand over every field of a table: they tell nothing apart."""
    return set.intersection(*(_row_labels(grid, row) for row in grid_rows(grid)))


def _three(words: Sequence[str]) -> tuple[str, ...]:
    """Return at most three words; the outer ones are joined."""
    return (" / ".join(words[:-2]), *words[-2:]) if len(words) > 3 else tuple(words)
