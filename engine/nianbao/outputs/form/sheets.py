"""The sheets of a form besides its tables: how to fill it in, general data, texts, explanations."""

from __future__ import annotations

from openpyxl.styles import Border, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from nianbao.outputs.form.filling import Filling
from nianbao.outputs.form.instructions import hint, instructions
from nianbao.outputs.form.plan import (
    HINT_COLUMN,
    LABEL_COLUMN,
    LIST_TOP,
    PATH_COLUMN,
    VALUE_COLUMN,
    FormPlan,
    label_of,
    map_field,
)
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.sheets import merge, page, protect, put, set_widths, validate
from nianbao.sheetnames import BASICS, GUIDE, REMARKS, TEXTS

_LOCKED_IF_KNOWN = frozenset({"agency", "year"})
_REMARK_HEADS = (("规则", 24.0), ("位置", 30.0), ("原因", 46.0), ("确认人", 12.0), ("日期", 14.0))
_REMARK_ROWS = 20
_LEGEND = (
    (styles.INPUT, "待填写"),
    (styles.TOTAL, "自动计算或已锁定，不用填"),
    (styles.CARRIED, "上年数据，请核对，可修改"),
    (styles.HEADER, "栏目名称，请勿改动"),
)


def write_guide(workbook: Workbook, plan: FormPlan) -> None:
    """Write the sheet that says how to fill in the form."""
    sheet = workbook.create_sheet(GUIDE)
    sheet.sheet_view.showGridLines = False
    set_widths(sheet, (5, 18, 70))
    _title(sheet, f"{plan.pack.title}填报表", 3)
    row = LIST_TOP
    for number, line in enumerate(instructions(plan), 1):
        put(sheet, row, 1, number, styles.BODY)
        put(sheet, row, 2, line, styles.BODY)
        merge(sheet, row, 2, 1, 2, styles.BODY)
        sheet.row_dimensions[row].height = styles.row_height(line, 86, 16, 24)
        row += 1
    row += 1
    put(sheet, row, 2, "颜色说明", styles.BODY)
    for offset, (style, meaning) in enumerate(_LEGEND, 1):
        put(sheet, row + offset, 2, None, style)
        put(sheet, row + offset, 3, meaning, styles.BODY)
        sheet.row_dimensions[row + offset].height = 22
    page(sheet, f"A1:C{row + len(_LEGEND)}", pages=1)
    protect(sheet)


def write_info(workbook: Workbook, plan: FormPlan, filling: Filling) -> None:
    """Write the sheet of general data; agency and year are locked where they are known."""
    sheet = workbook.create_sheet(BASICS)
    _list_head(sheet, BASICS, ("项目", "填写内容", "字段", "填写提示"), (32, 46, 12, 44))
    unlocked = []
    for path in plan.info:
        field, spot = map_field(path, plan.pack), plan.spots[path]
        value = filling.value(path)
        known = path in _LOCKED_IF_KNOWN and value is not None
        style = styles.KNOWN if known else styles.LINE if field.kind == "line" else styles.CHOICE
        put(sheet, spot.row, VALUE_COLUMN, value, style, filling.words(path))
        _list_row(sheet, plan, path, 26)
        if path == plan.declaration:
            _emphasize(sheet, spot.row)
        if not known:
            unlocked.append((field, spot.address))
    validate(sheet, unlocked)
    page(sheet, f"A1:D{LIST_TOP + len(plan.info) - 1}", head="1:2")
    protect(sheet)


def write_texts(workbook: Workbook, plan: FormPlan, filling: Filling) -> None:
    """Write the sheet of texts, one row each, tall enough for what stands in them."""
    sheet = workbook.create_sheet(TEXTS)
    _list_head(sheet, TEXTS, ("栏目", "内容", "字段", "填写提示"), (32, 88, 12, 26))
    for path in plan.texts:
        value = filling.value(path)
        field = map_field(path, plan.pack)
        many = field.kind == "text" or path in plan.pack.fields.maps
        style = styles.TEXT if many else styles.LINE
        put(sheet, plan.spots[path].row, VALUE_COLUMN, value, style, filling.words(path))
        least = 60 if path in plan.pack.fields.maps else 110 if many else 24
        height = styles.row_height(value, 88, least=least) if isinstance(value, str) else least
        _list_row(sheet, plan, path, height)
    page(sheet, f"A1:B{LIST_TOP + len(plan.texts) - 1}", head="1:2")
    protect(sheet)


def write_remarks(workbook: Workbook) -> None:
    """Write the sheet for explanations of what does not balance."""
    sheet = workbook.create_sheet(REMARKS)
    sheet.sheet_view.showGridLines = False
    set_widths(sheet, (width for _, width in _REMARK_HEADS))
    _title(sheet, f"{REMARKS}（确实不能平衡的情况）", len(_REMARK_HEADS))
    for column, (head, _) in enumerate(_REMARK_HEADS, 1):
        put(sheet, 2, column, head, styles.HEADER)
        for row in range(LIST_TOP, LIST_TOP + _REMARK_ROWS):
            put(sheet, row, column, None, styles.LINE)
    for row in range(2, LIST_TOP + _REMARK_ROWS):
        sheet.row_dimensions[row].height = 24
    sheet.freeze_panes = f"A{LIST_TOP}"
    page(sheet, f"A1:E{LIST_TOP + _REMARK_ROWS - 1}", landscape=True, head="1:2")
    protect(sheet)


def _title(sheet: Worksheet, text: str, columns: int) -> None:
    put(sheet, 1, 1, text, styles.TITLE)
    merge(sheet, 1, 1, 1, columns, styles.TITLE)
    sheet.row_dimensions[1].height = 36


def _list_head(
    sheet: Worksheet, title: str, heads: tuple[str, str, str, str], widths: tuple[float, float, float, float]
) -> None:
    sheet.sheet_view.showGridLines = False
    set_widths(sheet, widths)
    _title(sheet, title, HINT_COLUMN)
    for column, head in enumerate(heads, 1):
        put(sheet, 2, column, head, styles.HEADER)
    sheet.row_dimensions[2].height = 22
    sheet.column_dimensions["C"].hidden = True
    sheet.freeze_panes = f"B{LIST_TOP}"


def _list_row(sheet: Worksheet, plan: FormPlan, path: str, height: float) -> None:
    row = plan.spots[path].row
    texts = {LABEL_COLUMN: label_of(path, plan.pack), HINT_COLUMN: hint(path, plan)}
    put(sheet, row, LABEL_COLUMN, texts[LABEL_COLUMN], styles.LABEL)
    put(sheet, row, PATH_COLUMN, path, styles.PATH)
    put(sheet, row, HINT_COLUMN, texts[HINT_COLUMN] or None, styles.HINT)
    for column, text in texts.items():
        width = sheet.column_dimensions[get_column_letter(column)].width
        height = max(height, styles.row_height(text, width))
    sheet.row_dimensions[row].height = height


def _emphasize(sheet: Worksheet, row: int) -> None:
    """Draw a heavy box around a row that must not be overlooked."""
    heavy = Side(style="medium", color=styles.RED)
    for column in (LABEL_COLUMN, VALUE_COLUMN):
        left = heavy if column == LABEL_COLUMN else None
        right = heavy if column == VALUE_COLUMN else None
        sheet.cell(row, column).border = Border(left=left, right=right, top=heavy, bottom=heavy)
