"""The tables of a form: the template's grids as sheets, blank inputs and totals as live formulas."""

from __future__ import annotations

from openpyxl.formatting.rule import Rule
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from nianbao.fields import Field
from nianbao.layout import Cell, Grid
from nianbao.outputs.form.filling import Filling
from nianbao.outputs.form.formulas import fails, total_formula
from nianbao.outputs.form.plan import GRID_TOP, FormPlan, GridSheet
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.sheets import formula, merge, page, protect, put, set_widths, validate

# A twip of the template in characters of a column; the form is a little roomier than the document.
_TWIPS = 86
_NARROWEST = 7.5
_WIDE = 12
_ONE_LINE = 16


def write_table(workbook: Workbook, plan: FormPlan, table: GridSheet, filling: Filling) -> None:
    """Write the sheet of one table."""
    sheet = workbook.create_sheet(table.name)
    sheet.sheet_view.showGridLines = False
    widths = _widths(table.grid)
    set_widths(sheet, widths)
    _head(sheet, plan, table)
    for cell in table.grid.cells:
        row, column = GRID_TOP + cell.row, cell.column + 1
        if cell.fields and cell.fields[0] in table.fields:
            _field(sheet, plan, table, cell, filling)
        else:
            style = _label_style(cell, table.grid)
            put(sheet, row, column, cell.text or None, style)
            merge(sheet, row, column, cell.rows, cell.columns, style)
    _heights(sheet, table.grid, widths)
    _validate(sheet, plan, table, filling)
    _redden(sheet, plan, table)
    _page(sheet, table)
    protect(sheet)


def _widths(grid: Grid) -> list[float]:
    """Return the widths of the columns in characters, in the proportions of the template."""
    widths = [max(_NARROWEST, width / _TWIPS) for width in grid.widths]
    for cell in grid.labels:
        # A short label beside several rows stays on one line.
        needed = styles.text_width(cell.text)
        if cell.rows > 1 and cell.columns == 1 and not cell.header and needed <= _ONE_LINE:
            widths[cell.column] = max(widths[cell.column], needed + 2)
    return widths


def _head(sheet: Worksheet, plan: FormPlan, table: GridSheet) -> None:
    columns = len(table.grid.widths)
    put(sheet, 1, 1, table.title, styles.TITLE)
    merge(sheet, 1, 1, 1, columns, styles.TITLE)
    who = '&"　"&'.join(
        f'"{plan.pack.fields.nodes[path].title}："&{plan.spots[path].seen_from(table.name)}'
        for path in ("agency", "year")
    )
    formula(sheet, 2, 1, f"={who}", styles.SUBTITLE)
    merge(sheet, 2, 1, 1, columns, styles.SUBTITLE)
    sheet.row_dimensions[1].height = 36
    sheet.row_dimensions[2].height = 22


def _field(sheet: Worksheet, plan: FormPlan, table: GridSheet, cell: Cell, filling: Filling) -> None:
    """Write the cell of a field: a figure that is known, a total, or an input."""
    path = cell.fields[0]
    spot = plan.spots[path]
    parts = plan.totals.get(path)
    if parts and not _is_value(path, filling):
        style = styles.TOTAL
        total = total_formula([plan.spots[p] for p in parts], table.name, plan.declared_for(path))
        written = formula(sheet, spot.row, spot.column, total, style)
    else:
        value, carried = filling.value(path), filling.carried(path)
        if parts:
            style = styles.TOTAL_OPEN
        elif value is None and carried is not None:
            value, style = carried, styles.CARRIED
        else:
            style = styles.INPUT if plan.pack.fields.by_path[path].is_number else styles.LINE
        written = put(sheet, spot.row, spot.column, value, style, filling.words(path))
    if cell.text:
        written.number_format = f'General"{cell.text}"'
    merge(sheet, spot.row, spot.column, cell.rows, cell.columns, style)


def _is_value(path: str, filling: Filling) -> bool:
    """Return whether a total is written as a value.

    A report's totals are written as it has them, right or wrong, and can be mended.
    """
    return filling.complete or filling.value(path) is not None


def _label_style(cell: Cell, grid: Grid) -> str:
    """Return the style of a label: to the left where it names one row, else centred."""
    first = min((c.column for c in grid.cells if c.fields), default=0)
    names_a_row = cell.column + cell.columns == first and cell.rows == 1 and not cell.header
    return styles.LABEL if names_a_row and first > 1 else styles.HEADER


def _heights(sheet: Worksheet, grid: Grid, widths: list[float]) -> None:
    for row in range(grid.rows):
        height = 24.0
        for cell in grid.cells:
            if cell.row <= row < cell.row + cell.rows and cell.is_label:
                width = sum(widths[cell.column : cell.column + cell.columns])
                height = max(height, styles.row_height(cell.text, width) / cell.rows)
        sheet.row_dimensions[GRID_TOP + row].height = height


def _validate(sheet: Worksheet, plan: FormPlan, table: GridSheet, filling: Filling) -> None:
    fields: list[tuple[Field, str]] = [
        (plan.pack.fields.by_path[path], plan.spots[path].address)
        for path in table.fields
        if path not in plan.totals or _is_value(path, filling)
    ]
    validate(sheet, fields)


def _redden(sheet: Worksheet, plan: FormPlan, table: GridSheet) -> None:
    """Turn the cell that a rule is about red where the rule fails.

    A condition that names another sheet is not portable: such rules show on the sheet of checks only.
    """
    tests: dict[str, list[str]] = {}
    for instance in plan.pack.rules.instances:
        fields = (instance.target, *instance.comparison.fields)
        here = all(plan.spots[path].sheet == table.name for path in fields)
        if here and instance.when is None and instance.rule.severity == "error":
            test = fails(instance, plan.spots, table.name, plan.pack.fields)
            tests.setdefault(instance.target, []).append(test)
    look = styles.warning_look("FFFFFFFF", styles.RED)
    for path, found in tests.items():
        rule = Rule(type="expression", dxf=look, formula=[f"OR({','.join(found)})"])
        sheet.conditional_formatting.add(plan.spots[path].address, rule)


def _page(sheet: Worksheet, table: GridSheet) -> None:
    grid = table.grid
    last = f"{get_column_letter(len(grid.widths))}{GRID_TOP + grid.rows - 1}"
    headers = [cell.row + cell.rows for cell in grid.cells if cell.header]
    bottom = GRID_TOP - 1 + max(headers, default=0)
    head = f"{GRID_TOP}:{bottom}" if headers else None
    page(sheet, f"A1:{last}", landscape=len(grid.widths) > _WIDE, head=head, pages=1)
    left = min((cell.column for cell in table.fields.values()), default=0)
    sheet.freeze_panes = f"{get_column_letter(left + 1)}{bottom + 1}"
