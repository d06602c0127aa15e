"""The sheet of checks: every linear rule on a line of its own, calculated while the form is filled in."""

from __future__ import annotations

from dataclasses import dataclass

from openpyxl.formatting.rule import Rule
from openpyxl.workbook import Workbook
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from nianbao.outputs.form.formulas import condition_formula, count_blank, holds, side, tolerance
from nianbao.outputs.form.plan import FormPlan, is_covered
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.cellvalues import YES
from nianbao.outputs.workbook.sheets import formula, merge, page, protect, put, set_widths
from nianbao.rules.instances import Instance
from nianbao.sheetnames import CHECKS

BALANCED, FITS, WRONG, DOUBTFUL, OPEN, UNUSED, ELSEWHERE = (
    "平衡", "符合", "有误", "请核对", "未填", "不适用", "见检查结果",
)  # fmt: skip
# The last three columns are hidden: how many cells are blank, and whether the line is wrong or open.
_HEADS = ("规则", "位置", "左边", "右边", "差", "结果", "核对要点", "空格数", "有误", "未填")
_WIDTHS = (36, 56, 10, 10, 9, 11, 42, 8, 8, 8)
_TOP = 4


def write_checks(workbook: Workbook, plan: FormPlan) -> None:
    """Write the sheet of checks."""
    sheet = workbook.create_sheet(CHECKS)
    sheet.sheet_view.showGridLines = False
    set_widths(sheet, _WIDTHS)
    lines = plan.pack.rules.instances
    last = _TOP + len(lines) - 1
    _head(sheet, last)
    for row, instance in enumerate(lines, _TOP):
        _line(sheet, plan, instance, row)
    for letter in "HIJ":
        sheet.column_dimensions[letter].hidden = True
    _colour(sheet, last)
    sheet.freeze_panes = f"A{_TOP}"
    page(sheet, f"A1:G{last}", landscape=True, head="1:3")
    protect(sheet)


def _head(sheet: Worksheet, last: int) -> None:
    put(sheet, 1, 1, CHECKS, styles.TITLE)
    merge(sheet, 1, 1, 1, 7, styles.TITLE)
    wrong, still_open = f"SUM(I{_TOP}:I{last})", f"SUM(J{_TOP}:J{last})"
    summary = f'=IF({wrong}>0,{wrong}&"处有误",IF({still_open}>0,"尚有"&{still_open}&"处未填","全部平衡"))'
    formula(sheet, 2, 1, summary, styles.SUMMARY)
    merge(sheet, 2, 1, 1, 7, styles.SUMMARY)
    for column, head in enumerate(_HEADS, 1):
        put(sheet, 3, column, head, styles.HEADER)
    for row, height in ((1, 34), (2, 30), (3, 24)):
        sheet.row_dimensions[row].height = height


def _line(sheet: Worksheet, plan: FormPlan, instance: Instance, row: int) -> None:
    rule, target = instance.rule, plan.spots[instance.target]
    place = plan.pack.fields.place(instance.target)
    put(sheet, row, 1, rule.title, styles.PLAIN)
    cell = put(sheet, row, 2, place, styles.LINK)
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=target.seen_from(CHECKS).replace("$", ""))
    cell.style = styles.LINK
    made = _formulas(plan, instance, row)
    for column, text in enumerate((made.left, made.right, made.difference, made.result), 3):
        formula(sheet, row, column, text, styles.FIGURE)
    put(sheet, row, 7, rule.advice or None, styles.PLAIN)
    for column, text in enumerate((made.blank, made.wrong, made.still_open), 8):
        formula(sheet, row, column, text, styles.FIGURE)
    texts = ((rule.title, _WIDTHS[0]), (place, _WIDTHS[1]), (rule.advice, _WIDTHS[6]))
    sheet.row_dimensions[row].height = max(styles.row_height(text, width) for text, width in texts)


@dataclass(frozen=True)
class _Line:
    """The formulas of one line."""

    left: str
    right: str
    difference: str
    result: str
    blank: str
    wrong: str
    still_open: str


def _formulas(plan: FormPlan, instance: Instance, row: int) -> _Line:
    """Return the formulas of a line; both sides show nothing while a cell of the rule is blank."""
    comparison, fields = instance.comparison, plan.pack.fields
    good = holds(comparison.op, f"C{row}", f"D{row}", tolerance(instance, fields))
    bad_word = WRONG if instance.rule.severity == "error" else DOUBTFUL
    good_word = BALANCED if comparison.op == "==" else FITS
    result = f'IF(H{row}>0,"{OPEN}",IF({good},"{good_word}","{bad_word}"))'
    if instance.when is not None:
        applies = condition_formula(instance.when, plan.spots, CHECKS, fields)
        result = f'"{ELSEWHERE}"' if applies is None else f'IF({applies},{result},"{UNUSED}")'
    return _Line(
        left=f'=IF(H{row}>0,"",{side(comparison.left, plan.spots, CHECKS)})',
        right=f'=IF(H{row}>0,"",{side(comparison.right, plan.spots, CHECKS)})',
        difference=f'=IF(H{row}>0,"",ABS(C{row}-D{row}))',
        result=f"={result}",
        blank=_blank(plan, comparison.fields),
        wrong=f'=IF(F{row}="{WRONG}",1,0)',
        still_open=f'=IF(F{row}="{OPEN}",1,0)',
    )


def _blank(plan: FormPlan, paths: tuple[str, ...]) -> str:
    """Return the formula that counts blank cells, those not that the zero declaration makes 0."""
    spots = plan.spots
    covered = [spots[path] for path in paths if is_covered(path, plan.pack)]
    count = count_blank([spots[path] for path in paths if spots[path] not in covered], CHECKS)
    if covered and plan.declaration:
        declared = spots[plan.declaration].seen_from(CHECKS)
        count += f'+IF({declared}="{YES}",0,{count_blank(covered, CHECKS)})'
    return f"={count}"


def _colour(sheet: Worksheet, last: int) -> None:
    """Colour whole lines by their result, and the summary by what it says."""
    lines = f"A{_TOP}:G{last}"
    for word, colour, background in (
        (WRONG, "FF9C0006", "FFFFC7CE"),
        (DOUBTFUL, styles.AMBER, "FFFFEB9C"),
    ):
        look = styles.warning_look(colour, background)
        sheet.conditional_formatting.add(
            lines, Rule(type="expression", dxf=look, formula=[f'$F{_TOP}="{word}"'])
        )
    marks = ((BALANCED, styles.GREEN), (FITS, styles.GREEN), (OPEN, styles.FAINT), (UNUSED, styles.FAINT))
    for word, colour in marks:
        rule = Rule(type="expression", dxf=styles.coloured(colour), formula=[f'$F{_TOP}="{word}"'])
        sheet.conditional_formatting.add(f"F{_TOP}:F{last}", rule)
    for test, look in (
        (f"SUM($I${_TOP}:$I${last})>0", styles.warning_look("FF9C0006", "FFFFC7CE")),
        (f"SUM($J${_TOP}:$J${last})>0", styles.warning_look(styles.AMBER, "FFFFEB9C")),
        ("TRUE", styles.warning_look(styles.GREEN, "FFE2EFDA")),
    ):
        rule = Rule(type="expression", dxf=look, formula=[test], stopIfTrue=True)
        sheet.conditional_formatting.add("A2:G2", rule)
