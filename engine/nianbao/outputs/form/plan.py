"""Where every field of a pack stands on its fill-in form; the same plan serves formulas and cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from nianbao.fields import Field, generic
from nianbao.layout import Cell, Grid
from nianbao.outputs.form.formulas import Spot
from nianbao.pack import Pack, Table
from nianbao.rules.instances import totals
from nianbao.sheetnames import BASICS, TEXTS

# The first rows below title and head, on the sheets of that kind.
LIST_TOP = 3
GRID_TOP = 3
LABEL_COLUMN, VALUE_COLUMN, PATH_COLUMN, HINT_COLUMN = 1, 2, 3, 4
LEAST_ITEMS = 2


@dataclass(frozen=True)
class GridSheet:
    """A sheet that holds a table of the template; `fields` are those that have a cell of their own."""

    name: str
    title: str
    grid: Grid
    fields: Mapping[str, Cell]


@dataclass(frozen=True)
class FormPlan:
    """The sheets of a form and what stands in them; `items` is how many items each list has room for."""

    pack: Pack
    items: Mapping[str, int]

    @cached_property
    def tables(self) -> tuple[GridSheet, ...]:
        """The sheets of the tables, in the order of the template."""
        return tuple(_grid_sheet(grid, self.pack) for grid in self.pack.layout.grids)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The paths on the sheet of texts: texts with their headings, items of lists, notes."""
        return tuple(p for p in outside_paths(self.pack, self.items) if is_writing(p, self.pack))

    @cached_property
    def info(self) -> tuple[str, ...]:
        """The paths on the sheet of general data: who and when, the zero declaration, everything else."""
        first = ["agency", "year", *([self.declaration] if self.declaration else [])]
        rest = (p for p in outside_paths(self.pack, self.items) if not is_writing(p, self.pack))
        # What is printed comes before what is not.
        ordered = sorted(rest, key=lambda path: not map_field(path, self.pack).printed)
        return tuple(dict.fromkeys([*first, *ordered]))

    @cached_property
    def declaration(self) -> str | None:
        """The field of the zero declaration."""
        declared = self.pack.meta.get("zero_declaration")
        return str(declared["field"]) if declared else None

    @cached_property
    def spots(self) -> Mapping[str, Spot]:
        """The cell of every path."""
        spots = {p: Spot(BASICS, LIST_TOP + i, VALUE_COLUMN) for i, p in enumerate(self.info)}
        spots |= {p: Spot(TEXTS, LIST_TOP + i, VALUE_COLUMN) for i, p in enumerate(self.texts)}
        for sheet in self.tables:
            for path, cell in sheet.fields.items():
                spots[path] = Spot(sheet.name, GRID_TOP + cell.row, cell.column + 1)
        return spots

    @cached_property
    def totals(self) -> Mapping[str, tuple[str, ...]]:
        """The fields that a rule states as a sum, with their parts."""
        return totals(self.pack.rules.instances)

    def declared_for(self, path: str) -> Spot | None:
        """Return the cell of the zero declaration if it covers `path`."""
        return self.spots[self.declaration] if self.declaration and is_covered(path, self.pack) else None


def is_covered(path: str, pack: Pack) -> bool:
    """Return whether the zero declaration covers a field."""
    declared = pack.meta.get("zero_declaration", {})
    return any(path.startswith(f"{table}.") for table in declared.get("tables", ()))


def outside_paths(pack: Pack, items: Mapping[str, int]) -> Iterator[str]:
    """Yield all paths outside the tables, in the order of the schema.

    An item of a list has a path for each of its fields; a map has a path for each field of its own
    and, last, one path for all other entries.
    """
    done = {path for grid in pack.layout.grids for path in grid_fields(grid)}
    for field in pack.fields:
        root, bracket, _ = field.path.partition("[")
        if root not in done:
            yield from _expanded(root, pack, items) if bracket else [field.path]
        done.add(root)


def is_writing(path: str, pack: Pack) -> bool:
    """Return whether a path is a text or belongs to one: its heading, an item of a list, a note."""
    base = generic(path).rpartition(".")[0]
    with_text = {f.path.rpartition(".")[0] for f in pack.fields if f.kind == "text"} - {""}
    return (
        map_field(path, pack).kind == "text"
        or base in with_text
        or "[" in path
        or path in pack.fields.maps
        or base in pack.fields.maps
    )


def _expanded(root: str, pack: Pack, items: Mapping[str, int]) -> Iterator[str]:
    """Yield the paths of the items of a list, or the one path of a map."""
    if root in pack.fields.maps:
        yield root
        return
    names = [f.path.partition("[].")[2] for f in pack.fields if f.path.startswith(f"{root}[].")]
    for index in range(max(LEAST_ITEMS, items.get(root, 0))):
        yield from (f"{root}[{index}].{name}" for name in names)


def map_field(path: str, pack: Pack) -> Field:
    """Return the field of any path of a plan; for a map that of its entries."""
    field = pack.fields.find(path) or pack.fields.find(f"{path}[]")
    if field is None:
        raise KeyError(path)
    return field


def label_of(path: str, pack: Pack) -> str:
    """Return the words that stand before the cell of a path outside the tables."""
    field = map_field(path, pack)
    if path in pack.fields.maps:
        return f"{pack.fields.nodes[path].title}（{field.title}）"
    return pack.fields.place(path) if field.printed else field.title


def grid_fields(grid: Grid) -> dict[str, Cell]:
    """Return the fields that have a cell of their own in a table, row by row: the first one of each cell."""
    cells = sorted((c for c in grid.cells if c.fields), key=lambda c: (c.row, c.column))
    return {cell.fields[0]: cell for cell in cells if "[" not in cell.fields[0]}


def _grid_sheet(grid: Grid, pack: Pack) -> GridSheet:
    fields = grid_fields(grid)
    table = next((t for t in map(pack.table_of, fields) if t), None) or Table("", f"表格{grid.index}", "")
    return GridSheet(table.name, table.title or table.name, grid, fields)
