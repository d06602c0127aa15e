"""Small things that every sheet needs: cells, merged areas, validations, pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from openpyxl.cell import Cell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from nianbao.fields import Field
from nianbao.outputs.workbook.cellvalues import NO, YES, CellValue
from nianbao.outputs.workbook.xlsx import set_value
from nianbao.values import MAX_COUNT

_A4 = 9
_LONGEST_LIST = 255


def put(sheet: Worksheet, row: int, column: int, value: CellValue, style: str, what: str = "") -> Cell:
    """Write a value into a cell; a text stays a text, whatever it begins with.

    Raises OutputError, naming `what`, for text that a cell cannot hold.
    """
    cell = cast(Cell, sheet.cell(row, column))
    cell.style = style
    set_value(cell, value, what)
    return cell


def formula(sheet: Worksheet, row: int, column: int, text: str, style: str) -> Cell:
    """Write a formula of our own into a cell."""
    cell = cast(Cell, sheet.cell(row, column))
    cell.style = style
    cell.value = text
    return cell


def merge(sheet: Worksheet, row: int, column: int, rows: int, columns: int, style: str) -> None:
    """Merge an area; every cell of it gets the style, because borders are drawn cell by cell."""
    for r in range(row, row + rows):
        for c in range(column, column + columns):
            sheet.cell(r, c).style = style
    if rows > 1 or columns > 1:
        last = f"{get_column_letter(column + columns - 1)}{row + rows - 1}"
        # `Worksheet.merge_cells` works out the borders again, which takes half of the time of a form.
        sheet.merged_cells.add(f"{get_column_letter(column)}{row}:{last}")


def set_widths(sheet: Worksheet, widths: Iterable[float]) -> None:
    """Set the widths of the columns from the first on."""
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def validation(field: Field) -> DataValidation | None:
    """Return the validation of a field's cells, or None where any text will do."""
    if field.kind == "count":
        error = "请填不小于0的整数，不带单位；没有的填0"
        return _validation("whole", error, operator="between", formula1="0", formula2=f"{MAX_COUNT}")
    if field.kind == "amount":
        decimals = f"，最多{field.decimals}位小数" if field.decimals else ""
        error = f"请填不小于0的数{decimals}，单位：{field.unit}；没有的填0"
        return _validation("decimal", error, operator="between", formula1="0", formula2=f"{MAX_COUNT}")
    if field.kind == "year":
        return _validation(
            "whole", "请填四位年份，例如2024", operator="between", formula1="1900", formula2="2100"
        )
    labels = [YES, NO] if field.kind == "flag" else [label for _, label in field.choices]
    listed = ",".join(labels)
    # A list in the cell itself is limited, and the comma parts it.
    if not labels or len(listed) > _LONGEST_LIST or any("," in label or '"' in label for label in labels):
        return None
    return _validation("list", "请从下拉列表中选择", formula1=f'"{listed}"')


def _validation(kind: Any, error: str, **settings: Any) -> DataValidation:
    return DataValidation(
        type=kind, allow_blank=True, showErrorMessage=True, errorTitle="填写有误", error=error, **settings
    )


def validate(sheet: Worksheet, cells: Iterable[tuple[Field, str]]) -> None:
    """Add the validations of cells or ranges to a sheet, one for all fields of a sort."""
    found: dict[object, DataValidation] = {}
    for field, address in cells:
        sort = (field.kind, field.unit, field.decimals, field.choices)
        rule = found.get(sort) or validation(field)
        if rule is not None:
            if sort not in found:
                found[sort] = rule
                sheet.data_validations.append(rule)
            rule.add(address)


def protect(sheet: Worksheet) -> None:
    """Lock all cells but the unlocked ones, without a password; columns and rows may be resized."""
    protection = sheet.protection
    protection.sheet = True
    protection.formatColumns = protection.formatRows = False


def page(
    sheet: Worksheet,
    area: str | None = None,
    *,
    landscape: bool = False,
    head: str | None = None,
    pages: int | None = 0,
) -> None:
    """Set up printing on A4, one page wide and `pages` high (0 as many as it takes, None at full size)."""
    if area:
        sheet.print_area = area
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    if pages is not None:
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, pages
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    margins = sheet.page_margins
    margins.left = margins.right = 0.5
    margins.top, margins.bottom, margins.footer = 0.6, 0.8, 0.4
    sheet.print_options.horizontalCentered = True
    footer: Any = sheet.HeaderFooter.oddFooter
    footer.center.text = "&A　第&P页 共&N页"
    if head:
        sheet.print_title_rows = head
