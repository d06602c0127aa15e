"""What calamine does not tell of the cells of an .xlsx sheet: errors, percentages, formulas without a result.

It returns ``''`` for an error, for a formula that was never calculated and for a blank, and 1.0
for 100%. These cells are looked up in the XML (in the form of `xlsx_cells`), and only in sheets
that have any.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from xml.sax.saxutils import unescape

from nianbao.cells import CellError, Percentage, Uncomputed
from nianbao.readers.sheets.grid import column_index

_FORMULA = re.compile(rb'<c r="([A-Z]+)([0-9]+)"([^>]*)>\s*(<f.*?)</c>', re.DOTALL).finditer
_WITHOUT_RESULT = re.compile(
    rb'<c r="([A-Z]+)([0-9]+)"([^>]*)>\s*(<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v>\s*</v>|<v\s*/>)?)\s*</c>'
).finditer
_ERROR = re.compile(rb'<c r="([A-Z]+)([0-9]+)"([^>]* t="e"[^>]*)(?<!/)>(.*?)</c>', re.DOTALL).finditer
_EXPRESSION = re.compile(rb"<f[^>]*>([^<]*)</f>").search
_RESULT = re.compile(rb"<v[^>]*>([^<]*)</v>").search
_TYPE = re.compile(rb' t="([^"]*)"').search
_ENTITIES = {"&quot;": '"', "&apos;": "'"}
_PERCENT = object()


class Specials:
    """The special cells of a sheet, or of a part of it.

    Some programs (XlsxWriter, SXSSF of Apache POI) store 0 as the result of every formula and ask
    for a calculation when the file is opened. So where a workbook asks for that (`asks`) and not
    one formula of the sheet has another result, the zeros are no results.
    """

    def __init__(self, percent_styles: frozenset[bytes], *, asks: bool) -> None:
        styles = b"|".join(sorted(percent_styles))
        self._any_percent = re.compile(rb' s="(?:' + styles + rb')"').search if percent_styles else None
        self._percent = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]*? s="(?:' + styles + rb')"').finditer
        self._cells: dict[int, dict[int, object]] = defaultdict(dict)
        self._zeros: list[tuple[int, int, Uncomputed]] = []
        self.asks = asks

    def add(self, piece: bytes) -> None:
        """Take the special cells of a piece of XML."""
        if self._any_percent is not None and self._any_percent(piece):
            for match in self._percent(piece):
                self._cells[int(match[2]) - 1][column_index(match[1])] = _PERCENT
        if b"<f" in piece:
            for row, column, value in self._formulas(piece):
                self._cells[row][column] = value
        if b' t="e"' in piece:
            for match in _ERROR(piece):
                result = _RESULT(match[4])
                text = _text(result[1]) if result else "#ERROR!"
                self._cells[int(match[2]) - 1][column_index(match[1])] = CellError(text)

    def forget(self) -> None:
        """Forget the cells taken so far, but not whether any formula has a result."""
        self._cells.clear()
        self._zeros.clear()

    def _formulas(self, piece: bytes) -> Iterator[tuple[int, int, Uncomputed]]:
        """Yield the formulas without a result, and note those whose result is 0."""
        for match in _FORMULA(piece) if self.asks else ():
            kind = _TYPE(match[3])
            result = _RESULT(match[4])
            if (kind and kind[1] == b"str") or (result and result[1].strip(b"-0.")):
                self.asks = False
                self._zeros.clear()
                break
            if result and result[1]:
                self._zeros.append(_uncomputed(match))
        for match in _WITHOUT_RESULT(piece):
            kind = _TYPE(match[3])
            if kind is None or kind[1] not in (b"str", b"e"):
                yield _uncomputed(match)

    def drain(self, rows: list[list[object]], top: int = 0) -> int:
        """Put the special cells into `rows`, the first of which is row `top`, and forget them.

        Returns the number of what is then the first row: a row of nothing but formulas without
        results is not among `rows` before.
        """
        if self.asks:
            for row, column, formula in self._zeros:
                self._cells[row][column] = formula
        for row in sorted(self._cells, reverse=True):
            if not rows:
                top = row + 1
            if row < top:
                rows[:0] = [[] for _ in range(top - row)]
                top = row
            while row - top >= len(rows):
                rows.append([])
            _place(self._cells[row], rows[row - top])
        self.forget()
        return top


def _uncomputed(match: re.Match[bytes]) -> tuple[int, int, Uncomputed]:
    expression = _EXPRESSION(match[4])
    formula = "=" + _text(expression[1]) if expression and expression[1] else ""
    return int(match[2]) - 1, column_index(match[1]), Uncomputed(formula)


def _place(cells: dict[int, object], values: list[object]) -> None:
    for column, special in cells.items():
        if special is not _PERCENT:
            values += [None] * (column + 1 - len(values))
            values[column] = special
        elif column < len(values):
            value = values[column]
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                values[column] = Percentage(float(value))


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return unescape(text, _ENTITIES) if "&" in text else text
