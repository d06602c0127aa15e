"""The long layout: a sheet a table, one row an agency and statutory row; and a sheet for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook

from nianbao.fields import Field, split_path
from nianbao.layout import Grid
from nianbao.outputs.form.plan import FormPlan, GridSheet, outside_paths
from nianbao.outputs.register.columns import grid_columns, grid_rows, is_matrix, plain_column
from nianbao.outputs.register.head import head_cell
from nianbao.outputs.register.rows import StyleIds, value_xml
from nianbao.outputs.register.sheet import add_register_sheet, check_room
from nianbao.outputs.register.spool import Entry, Spool
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.cellvalues import cell_value, value_at
from nianbao.outputs.workbook.frame import Body, streamed_workbook
from nianbao.outputs.workbook.sheets import page
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.sheetnames import TEXTS

ITEM = "项目"
_WHO = ("agency", "year")
_WIDTHS = (30.0, 8.0)
_TOP = 2


def write_long(pack: Pack, path: str | Path, reports: Iterable[Report]) -> None:
    """Write reports in the long layout; raises OutputError."""
    with Spool(pack, path) as spool, streamed_workbook(pack) as workbook:
        for report in reports:
            spool.add(report.data, complete=True)
        bodies: dict[str, Body] = {}
        who = [plain_column(path, pack) for path in _WHO]
        for table in FormPlan(pack, spool.items).tables:
            if is_matrix(table.grid):
                bodies[table.name] = _add_long_sheet(workbook, table, pack, spool)
            else:
                columns = [*who, *grid_columns(table.grid, pack)]
                bodies[table.name] = add_register_sheet(workbook, table.name, columns, pack, spool)
        others = [plain_column(p, pack) for p in outside_paths(pack, spool.items) if p not in _WHO]
        bodies[TEXTS] = add_register_sheet(workbook, TEXTS, [*who, *others], pack, spool)
        save_workbook(workbook, Path(path), bodies)


@dataclass(frozen=True)
class _Line:
    """A statutory row: its labels from the left, and the field of each value column."""

    labels: tuple[str, ...]
    fields: Mapping[str, Field]


def _lines(grid: Grid, pack: Pack) -> list[_Line]:
    """Return the statutory rows of a table; a value column is known by the words over its fields."""
    lines = []
    for row in grid_rows(grid).values():
        over = {path: grid.column_labels(cell) for path, cell in row.items()}
        lasts = [labels[-1] for labels in over.values()]
        # Where the lowest words are not enough to tell the columns apart, all of them are.
        long = len(set(lasts)) < len(lasts)
        words = {
            "·".join(labels) if long else last: path
            for (path, labels), last in zip(over.items(), lasts, strict=True)
        }
        fields = {word: pack.fields.by_path[path] for word, path in words.items()}
        lines.append(_Line(grid.row_labels(next(iter(row.values()))), fields))
    return lines


def _add_long_sheet(workbook: Workbook, table: GridSheet, pack: Pack, spool: Spool) -> Body:
    """Add the sheet of a table and return its rows."""
    lines = _lines(table.grid, pack)
    check_room(spool.count * len(lines), table.name, _TOP)
    sheet: Any = workbook.create_sheet(table.name)
    depth = max(len(line.labels) for line in lines)
    words = list(dict.fromkeys(word for line in lines for word in line.fields))
    _long_head(sheet, pack, depth, words)
    return _long_rows(spool, pack, lines, depth, words, StyleIds(sheet))


def _long_head(sheet: Any, pack: Pack, depth: int, words: Sequence[str]) -> None:
    page(sheet, landscape=True, head="1:1")
    widths = [*_WIDTHS, *[22.0] * (depth - 1), 34.0, *[13.0] * len(words)]
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.row_dimensions[1].height = max(styles.row_height(word, 13) for word in words)
    first = len(_WHO) + 1
    sheet.freeze_panes = f"{get_column_letter(first + depth)}{_TOP}"
    # Each of its own: a column without a header would not be read.
    items = [ITEM, *(f"{ITEM}（{level}级）" for level in range(2, depth + 1))]
    heads = [*(pack.fields.by_path[path].header for path in _WHO), *items, *words]
    sheet.append([head_cell(sheet, head) for head in heads])


def _long_rows(
    entries: Iterable[Entry],
    pack: Pack,
    lines: Sequence[_Line],
    depth: int,
    words: Sequence[str],
    style_id: StyleIds,
) -> Iterator[bytes]:
    """Yield the rows of an agency together, as XML."""
    steps = {f.path: split_path(f.path) for line in lines for f in line.fields.values()}
    letters = [get_column_letter(n) for n in range(1, len(_WHO) + depth + len(words) + 1)]
    who_fields = [pack.fields.by_path[path] for path in _WHO]
    row = _TOP
    for entry in entries:
        what = str(entry.data.get("agency") or "")
        who = [cell_value(entry.data.get(field.path), field) for field in who_fields]
        parts = []
        for line in lines:
            values = [*who, *line.labels, *[None] * (depth - len(line.labels))]
            kinds = [styles.LINE, styles.CHOICE, *[styles.LABEL] * depth]
            for word in words:
                field = line.fields.get(word)
                found = value_at(entry.data, steps[field.path]) if field else None
                values.append(cell_value(found, field) if field else None)
                kinds.append(styles.INPUT if field else styles.PLAIN)
            cells = (
                value_xml(f"{letter}{row}", style_id, kind, value, what)
                for letter, kind, value in zip(letters, kinds, values, strict=True)
            )
            parts.append(f'<row r="{row}">{"".join(cells)}</row>')
            row += 1
        yield "".join(parts).encode()
