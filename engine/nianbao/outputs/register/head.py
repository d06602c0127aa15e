"""The header rows of a register: merged words, and a hidden row with the field of each column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from nianbao.outputs.register.columns import NUMBER, Column
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.xlsx import set_value

HEAD_ROWS = 3
PATH_ROW = 4
FIRST_ROW = 5
_FIGURE, _LONE_FIGURE, _CHOICE, _LINE, _NAME, _TEXT, _NUMBER = 9.0, 15.0, 11.0, 20.0, 30.0, 42.0, 6.0
# A word of the first row needs about so much room.
_FEW = 3
_SCREEN = 90.0

Area = tuple[int, int, int, int]


def write_head(sheet: Any, columns: Sequence[Column]) -> None:
    """Write the header rows of a sheet that is being streamed, and set its columns."""
    areas = _areas(columns)
    widths = _widths(columns, areas)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row, height in enumerate(_heights(columns, areas, widths), 1):
        sheet.row_dimensions[row].height = height
    sheet.row_dimensions[PATH_ROW].hidden = True
    names = [column.path for column in columns]
    frozen = names.index("agency") + 2 if "agency" in names else 1
    sheet.freeze_panes = f"{get_column_letter(frozen)}{FIRST_ROW}"
    sheet.print_title_rows = f"1:{HEAD_ROWS}"
    sheet.print_title_cols = f"A:{get_column_letter(frozen - 1 or 1)}"
    for row in range(1, HEAD_ROWS + 1):
        sheet.append(_head_row(sheet, row, columns, areas, widths))
    sheet.append([head_cell(sheet, name, styles.PATH) for name in names])
    for top, left, bottom, right in areas:
        if (top, left) != (bottom, right):
            sheet.merged_cells.add(f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}")


def _head_row(
    sheet: Any, row: int, columns: Sequence[Column], areas: Sequence[Area], widths: Sequence[float]
) -> list[Any]:
    cells = [head_cell(sheet, None) for _ in columns]
    for top, left, _, right in areas:
        if top == row:
            wide = sum(widths[left - 1 : right]) > _SCREEN
            style = styles.WIDE_HEADER if wide else styles.HEADER
            cells[left - 1] = head_cell(sheet, columns[left - 1].words[top - 1], style)
    return cells


def head_cell(sheet: Any, text: str | None, style: str = styles.HEADER) -> Any:
    """Return a cell of a header row for a sheet that is being streamed."""
    cell: Any = WriteOnlyCell(sheet)
    cell.style = style
    set_value(cell, text)
    return cell


def _areas(columns: Sequence[Column]) -> list[Area]:
    """Return the area of each word: equal neighbours are one, and the last word goes down to the bottom."""
    areas: list[Area] = []
    for row in range(1, HEAD_ROWS + 1):
        left = 1
        keys = [_key(row, index, column) for index, column in enumerate(columns)]
        for key, group in groupby(keys):
            width = len(list(group))
            if key[1]:
                last = len(columns[left - 1].words) == row
                areas.append((row, left, HEAD_ROWS if last else row, left + width - 1))
            left += width
    return areas


def _key(row: int, index: int, column: Column) -> tuple[object, bool]:
    """Return what neighbours must share to be one header cell, and whether there is a word at all."""
    words = column.words
    if len(words) < row:
        return index, False
    return (words[:row], index if len(words) == row else None), True


def _widths(columns: Sequence[Column], areas: Sequence[Area]) -> list[float]:
    widths = [_width(column) for column in columns]
    for top, left, _, right in areas:
        few = top == 1 and right - left + 1 <= _FEW and len(columns[left - 1].words) > 1
        for index in range(left - 1, right):
            field = columns[index].field
            if few and field is not None and field.is_number:
                widths[index] = _LONE_FIGURE
    return widths


def _width(column: Column) -> float:
    field = column.field
    if field is None:
        return _NUMBER if column.words == (NUMBER,) else _NAME
    if column.path == "agency":
        return _NAME
    if field.is_number:
        return _FIGURE if len(column.words) > 1 else _LONE_FIGURE
    if field.kind == "text" or column.path.startswith(field.path.removesuffix("[]") + "["):
        return _TEXT
    return _LINE if field.kind == "line" else _CHOICE


def _heights(columns: Sequence[Column], areas: Sequence[Area], widths: Sequence[float]) -> list[float]:
    heights = [18.0] * HEAD_ROWS
    for top, left, bottom, right in areas:
        needed = styles.row_height(columns[left - 1].words[top - 1], sum(widths[left - 1 : right]), 13)
        rows = bottom - top + 1
        for row in range(top - 1, bottom):
            heights[row] = max(heights[row], needed / rows)
    return heights
