"""Turns a file of tables into sheets of plain cell values, knowing nothing of reports.

A value is None (blank, also text of nothing but spaces), str, int, float (at 15 significant
digits; whole ones are int), bool, date, datetime, time, timedelta, or `CellError`, `Percentage`,
`Uncomputed` of `nianbao.cells`. What the formats cannot tell is said in `xlsx`, `xls`, `ods` and
`delimited`.
"""

from __future__ import annotations

from pathlib import Path

from nianbao.readers.sheets.grid import Sheet, at_hand, cell_name
from nianbao.readers.sniff import sniff, unreadable
from nianbao.readers.trouble import reading

__all__ = ["Sheet", "cell_name", "read_sheets"]


def read_sheets(path: Path, *, streamed: bool = False) -> list[Sheet]:
    """Return the sheets of a workbook or delimited text, in order; what it is, its content tells.

    The rows of a sheet of more than five million cells are read from the file while they are gone
    through, so an InputError may still be raised then; with `streamed` those of any large .xlsx sheet are.

    Raises InputError, one sentence that says what is wrong and what to do, for whatever cannot be
    read.
    """
    sheets = _streamed(path)
    return sheets if streamed else list(map(at_hand, sheets))


def _streamed(path: Path) -> list[Sheet]:
    kind = sniff(path)
    with reading(path):
        if kind == "xlsx":
            from nianbao.readers.sheets.xlsx import read_xlsx

            return read_xlsx(path)
        if kind == "xls":
            from nianbao.readers.sheets.xls import read_xls

            return read_xls(path)
        if kind == "ods":
            from nianbao.readers.sheets.ods import read_ods

            return read_ods(path)
        if kind == "csv":
            from nianbao.readers.sheets.delimited import read_csv

            return read_csv(path)
    raise unreadable(path, kind)
