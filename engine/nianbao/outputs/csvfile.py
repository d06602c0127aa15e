"""Registers as CSV: one row a report; two header rows, words for people and field paths for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nianbao.fields import lookup, split_path
from nianbao.outputs.files import write_atomic
from nianbao.outputs.register.columns import NO_FIELD, Column, register_columns
from nianbao.outputs.workbook.cellvalues import cell_value, map_text, value_at
from nianbao.pack import Pack
from nianbao.report import Report

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def write_csv(pack: Pack, path: Path, reports: Sequence[Report]) -> None:
    """Write reports to a CSV file (UTF-8 with the mark by which Excel knows it); raises OutputError."""
    items = {
        name: max((len(lookup(r.data, name) or ()) for r in reports), default=0) for name in pack.fields.lists
    }
    columns = [column for column in register_columns(pack, items) if column.path != NO_FIELD]
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow("·".join(column.words) for column in columns)
    writer.writerow(column.path for column in columns)
    for report in reports:
        writer.writerow(_cell(report.data, column, pack) for column in columns)
    write_atomic(path, stream.getvalue().encode("utf-8-sig"))


def _cell(data: Mapping[str, Any], column: Column, pack: Pack) -> str:
    """Return a value as a cell; what a spreadsheet would take for a formula is prefixed."""
    if column.path in pack.fields.maps:
        value: object = map_text(data, column.path, pack.fields)
    else:
        found = value_at(data, split_path(column.path))
        value = cell_value(found, column.field) if column.field else found
    text = "" if value is None else f"{value}"
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
