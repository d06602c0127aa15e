"""Registers as CSV: one row a report, one column a field, headed by positions in the form's words."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from nianbao.findings import Value
from nianbao.outputs.files import write_atomic
from nianbao.outputs.flat import columns_of, flat_value
from nianbao.pack import Pack
from nianbao.report import Report

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(pack: Pack, path: Path, reports: Sequence[Report]) -> None:
    """Write reports to a CSV file (UTF-8 with BOM, which Excel needs to know it); raises OutputError."""
    columns = columns_of(reports, pack)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    for report in reports:
        writer.writerow([_cell(flat_value(report, column, pack)) for column in columns])
    write_atomic(path, stream.getvalue().encode("utf-8-sig"))


def _cell(value: Value) -> str:
    """Return a value as a cell; what a spreadsheet would take for a formula is prefixed."""
    text = "" if value is None else f"{value}"
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
