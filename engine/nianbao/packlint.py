"""What is wrong with a pack beyond what keeps it from loading."""

from __future__ import annotations

from collections.abc import Iterator

from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.rendering.lint import Problem, lint_template


def lint_pack(pack: Pack) -> Iterator[Problem]:
    """Yield the problems of a loaded pack: its templates, its labels, its tables."""
    for template in pack.meta["template"]:
        yield from lint_template(pack.sources[template["file"]], template["file"], pack.fields)
    yield from _labels(pack)
    yield from _tables(pack)


def _labels(pack: Pack) -> Iterator[Problem]:
    """Yield the figures whose title in the schema is not among their labels in the template."""
    for path, grid in pack.layout.grid_of.items():
        field = pack.fields.find(path)
        cell = grid.field_cells[path]
        labels = {normal(text) for text in (*grid.row_labels(cell), *grid.column_labels(cell))}
        if field and labels and normal(field.title) not in labels:
            yield Problem("warning", f"{field.place}：结构中的名称“{field.title}”与模板中的不同")


def _tables(pack: Pack) -> Iterator[Problem]:
    """Yield the tables that pack.toml and the template do not have in common."""
    grids, tables = len(pack.layout.grids), len(pack.tables)
    if grids < tables:
        yield Problem("error", f"pack.toml列出{tables}张表，默认模板只有{grids}张")
    for table in pack.tables:
        if not any(path.startswith(f"{table.path}.") for path in pack.layout.grid_of):
            yield Problem("error", f"{table.name}（{table.path}）在默认模板的表格里没有栏目")
