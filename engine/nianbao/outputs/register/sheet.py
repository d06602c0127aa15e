"""The register: one row an agency and one column a field; and the long layout, one row a statutory row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook

from nianbao.errors import OutputError
from nianbao.fields import Field
from nianbao.outputs.register.columns import Column, register_columns
from nianbao.outputs.register.head import FIRST_ROW, write_head
from nianbao.outputs.register.rows import RowWriter, StyleIds, column_style
from nianbao.outputs.register.spool import Spool
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.frame import Body, streamed_workbook
from nianbao.outputs.workbook.sheets import page, validate
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.rules.instances import totals
from nianbao.sheetnames import REGISTER

_LAST_ROW = 1_048_576


def write_register(
    pack: Pack,
    path: str | Path,
    reports: Iterable[Report] = (),
    roster: Iterable[Mapping[str, Any]] = (),
    previous: Mapping[str, Report] | None = None,
) -> None:
    """Write the register; raises OutputError.

    Reports are written as they are, blanks and wrong totals too. An agency of the roster gets a row with what
    is known of it, totals as formulas, and the figures that its report in `previous` carries forward.
    """
    with Spool(pack, path) as spool, streamed_workbook(pack) as workbook:
        for report in reports:
            spool.add(report.data, complete=True)
        for known in roster:
            spool.add(known, complete=False)
        columns = register_columns(pack, spool.items)
        body = add_register_sheet(workbook, REGISTER, columns, pack, spool, previous)
        save_workbook(workbook, Path(path), {REGISTER: body})


def add_register_sheet(
    workbook: Workbook,
    title: str,
    columns: Sequence[Column],
    pack: Pack,
    spool: Spool,
    previous: Mapping[str, Report] | None = None,
) -> Body:
    """Add a sheet with one row an agency and return its rows, to be saved with the workbook."""
    check_room(spool.count, title, FIRST_ROW)
    sheet: Any = workbook.create_sheet(title)
    last = max(FIRST_ROW, FIRST_ROW + spool.count - 1)
    page(sheet, landscape=True, pages=None)
    write_head(sheet, columns)
    validate(sheet, _inputs(columns, pack, last))
    return RowWriter(columns, pack, StyleIds(sheet), previous).body(spool, FIRST_ROW)


def check_room(rows: int, title: str, first_row: int) -> None:
    """Raise OutputError where a sheet has no room for so many rows."""
    if rows > _LAST_ROW - first_row + 1:
        limit = f"超过一个工作表{_LAST_ROW}行的上限"
        raise OutputError(f"“{title}”共{rows}行，{limit}，请分批输出，或改存为.jsonl文件")


def _inputs(columns: Sequence[Column], pack: Pack, last: int) -> Iterator[tuple[Field, str]]:
    """Yield the field and the range of every column that people fill in."""
    sums = totals(pack.rules.instances)
    for number, column in enumerate(columns, 1):
        if column.field and column_style(column, pack, sums) != styles.TOTAL_OPEN:
            letter = get_column_letter(number)
            yield column.field, f"{letter}{FIRST_ROW}:{letter}{last}"
