"""Waivers: explanations of findings, given by an agency and confirmed by a named person.

`reading` takes them from a workbook or CSV, such as the sheet 情况说明 of 检查结果.xlsx; `applying` sets them
beside the findings of a report.
"""

from __future__ import annotations

from nianbao.findings import Waiver
from nianbao.waivers.applying import WHOLE, apply_waivers, can_be_waived, value_mark
from nianbao.waivers.reading import Waivers, as_waivers, read_waivers

__all__ = [
    "WHOLE",
    "Waiver",
    "Waivers",
    "apply_waivers",
    "as_waivers",
    "can_be_waived",
    "read_waivers",
    "value_mark",
]
