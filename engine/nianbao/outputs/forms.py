"""Fill-in workbooks: the form of one agency, the register with a row an agency, and the long layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nianbao.outputs.form.checks import write_checks
from nianbao.outputs.form.filling import Filling, list_lengths
from nianbao.outputs.form.plan import FormPlan
from nianbao.outputs.form.sheets import write_guide, write_info, write_remarks, write_texts
from nianbao.outputs.form.tables import write_table
from nianbao.outputs.register.long import write_long
from nianbao.outputs.register.sheet import write_register
from nianbao.outputs.workbook.frame import new_workbook
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack
from nianbao.report import Report

__all__ = ["write_form", "write_long", "write_register"]


def write_form(
    pack: Pack,
    path: str | Path,
    agency: Mapping[str, Any] | None = None,
    previous: Report | None = None,
    report: Report | None = None,
) -> None:
    """Write the form of one agency; raises OutputError.

    `agency` is what is known of it, as nested data; `previous` gives the figures that last year carries
    forward. With `report` the form shows that report, its totals as values: nothing is calculated anew.
    """
    if report is not None:
        filling = Filling(pack, _merged(agency or {}, report.data), complete=True)
    else:
        filling = Filling(pack, agency or {}, previous)
    plan = FormPlan(pack, list_lengths(filling.data, pack))
    workbook = new_workbook(pack)
    write_guide(workbook, plan)
    write_info(workbook, plan, filling)
    for table in plan.tables:
        write_table(workbook, plan, table, filling)
    write_texts(workbook, plan, filling)
    write_checks(workbook, plan)
    write_remarks(workbook)
    save_workbook(workbook, Path(path))


def _merged(known: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says; where it says nothing, what is known of the agency stays."""
    merged = dict(known)
    for key, value in report.items():
        if isinstance(value, Mapping):
            inner = known.get(key)
            merged[key] = _merged(inner if isinstance(inner, Mapping) else {}, value)
        elif value is not None:
            merged[key] = value
    return merged
