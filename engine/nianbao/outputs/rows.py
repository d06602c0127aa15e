"""The rows of a register as XML, one agency each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from nianbao.fields import split_path
from nianbao.outputs import styles
from nianbao.outputs.cellvalues import CellValue, cell_value, map_text, starts_formula, value_at
from nianbao.outputs.columns import NO_FIELD, NUMBER, Column
from nianbao.outputs.filling import carry_sources
from nianbao.outputs.formulas import EVERY_ROW, Spot, at_row, total_formula
from nianbao.outputs.form_plan import is_covered
from nianbao.outputs.spool import Entry
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.rules import totals

Number = Callable[[object], str]
_CHUNK = 64
_RETURN = {"\r": "&#13;"}


class StyleIds:
    """The numbers of the named styles in a workbook, with and without the mark of a text."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._known: dict[tuple[str, bool], int] = {}

    def __call__(self, style: str, quoted: bool = False) -> int:
        """Return the number of a style; `quoted` marks a text that looks like a formula."""
        if (style, quoted) not in self._known:
            cell = WriteOnlyCell(self._sheet)
            cell.style = style
            cell.quotePrefix = quoted or None
            self._known[style, quoted] = cell.style_id
        return self._known[style, quoted]
