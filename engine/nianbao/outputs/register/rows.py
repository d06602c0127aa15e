"""Rows of a register as XML: openpyxl takes four times as long for thousands of agencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from nianbao.fields import split_path
from nianbao.labels import normal
from nianbao.outputs.form.filling import carry_sources
from nianbao.outputs.form.formulas import EVERY_ROW, Spot, at_row, total_formula
from nianbao.outputs.form.plan import is_covered
from nianbao.outputs.register.columns import NO_FIELD, NUMBER, Column
from nianbao.outputs.register.spool import Entry
from nianbao.outputs.workbook import styles
from nianbao.outputs.workbook.cellvalues import CellValue, cell_value, map_text, value_at, words_for
from nianbao.outputs.workbook.xlsx import FORMULA_STARTS, safe_text
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.rules.instances import totals

_CHUNK = 64
# A fixed height: a long text must not make its row as tall as a page.
_ROW = '<row r="{}" ht="18" customHeight="1">'


class StyleIds:
    """The numbers of the named styles in a workbook."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._known: dict[tuple[str, bool], int] = {}

    def __call__(self, style: str, quoted: bool = False) -> int:
        """Return the number of a style; `quoted` is for a text that looks like a formula."""
        found = self._known.get((style, quoted))
        if found is None:
            cell = WriteOnlyCell(self._sheet)
            cell.style = style
            if quoted:
                cell.quotePrefix = True
            found = self._known[style, quoted] = cell.style_id
        return found


def number_xml(reference: str, style: int, value: float | Decimal) -> str:
    """Return the XML of a cell with a number."""
    text = format(value, "f") if isinstance(value, Decimal) else repr(value)
    return f'<c r="{reference}" s="{style}"><v>{text}</v></c>'


def text_xml(reference: str, style: int, text: str, what: str) -> str:
    """Return the XML of a cell with a text; raises OutputError, naming `what`, for what no cell can hold."""
    inner = escape(safe_text(text, what), {"\r": "&#13;"})
    return f'<c r="{reference}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{inner}</t></is></c>'


def formula_xml(reference: str, style: int, formula: str) -> str:
    """Return the XML of a cell with a formula."""
    return f'<c r="{reference}" s="{style}"><f>{escape(formula.removeprefix("="))}</f></c>'


def value_xml(reference: str, style_id: StyleIds, style: str, value: CellValue, what: str) -> str:
    """Return the XML of a cell with any value, or with none."""
    if value is None:
        return f'<c r="{reference}" s="{style_id(style)}"/>'
    if isinstance(value, str):
        quoted = value.startswith(FORMULA_STARTS)
        return text_xml(reference, style_id(style, quoted), value, what)
    return number_xml(reference, style_id(style), value)


def column_style(column: Column, pack: Pack, sums: Iterable[str]) -> str:
    """Return the style of the cells below a header."""
    field = column.field
    if field is None:
        return styles.FIGURE if column.words == (NUMBER,) else styles.LINE
    if column.path in sums:
        return styles.TOTAL_OPEN
    if field.is_number:
        return styles.INPUT
    if field.kind == "text" or column.path in pack.fields.maps:
        return styles.TEXT
    return styles.LINE if field.kind == "line" else styles.CHOICE


@dataclass(frozen=True)
class _Cell:
    """What the writer knows of a column."""

    column: Column
    letter: str
    steps: Sequence[str | int]
    style: int
    style_name: str
    formula: str | None
    carried: Sequence[str | int] | None


class RowWriter:
    """Writes one row an agency under the given columns."""

    def __init__(
        self,
        columns: Sequence[Column],
        pack: Pack,
        style_id: StyleIds,
        previous: Mapping[str, Report] | None = None,
    ) -> None:
        self._pack = pack
        self._style_id = style_id
        self._previous = previous or {}
        self._cells = _cells(columns, pack, style_id)

    def body(self, entries: Iterable[Entry], first_row: int) -> Iterator[bytes]:
        """Yield the XML of all rows, some at a time."""
        chunk: list[str] = []
        for number, entry in enumerate(entries, 1):
            chunk.append(self.row(first_row + number - 1, number, entry))
            if len(chunk) == _CHUNK:
                yield "".join(chunk).encode()
                chunk.clear()
        yield "".join(chunk).encode()

    def row(self, row: int, number: int, entry: Entry) -> str:
        """Return the XML of one row; raises OutputError for what a cell cannot hold."""
        parts = [_ROW.format(row)]
        data = entry.data
        agency = str(data.get("agency") or "")
        last = None if entry.complete else self._previous.get(agency) or self._previous.get(normal(agency))
        fields = self._pack.fields
        for cell in self._cells:
            reference = f"{cell.letter}{row}"
            value = value_at(data, cell.steps) if cell.steps else None
            if type(value) is int and value < 10**15:  # by far the commonest
                parts.append(f'<c r="{reference}" s="{cell.style}"><v>{value}</v></c>')
            elif value is not None:
                shown = self._shown(cell.column, value, data)
                what = words_for(agency, fields.place(cell.column.path))
                parts.append(value_xml(reference, self._style_id, cell.style_name, shown, what))
            elif cell.formula and not entry.complete:
                parts.append(formula_xml(reference, cell.style, at_row(cell.formula, row)))
            elif cell.carried and last and (found := value_at(last.data, cell.carried)) is not None:
                shown = self._shown(cell.column, found, data)
                parts.append(value_xml(reference, self._style_id, styles.CARRIED, shown, agency))
            elif cell.column.words == (NUMBER,):
                parts.append(number_xml(reference, cell.style, number))
            else:
                parts.append(f'<c r="{reference}" s="{cell.style}"/>')
        parts.append("</row>")
        return "".join(parts)

    def _shown(self, column: Column, value: Any, data: Mapping[str, Any]) -> CellValue:
        fields = self._pack.fields
        if column.path in fields.maps:
            value = map_text(data, column.path, fields)
        return cell_value(value, column.field) if column.field else None


def _cells(columns: Sequence[Column], pack: Pack, style_id: StyleIds) -> list[_Cell]:
    spots = {c.path: Spot("", EVERY_ROW, n) for n, c in enumerate(columns, 1)}
    sums = {
        total: parts
        for total, parts in totals(pack.rules.instances).items()
        if total in spots and all(part in spots for part in parts)
    }
    declaration = spots.get(pack.meta.get("zero_declaration", {}).get("field", ""))
    carried = carry_sources(pack)
    cells = []
    for number, column in enumerate(columns, 1):
        path = column.path
        name = column_style(column, pack, sums)
        formula = None
        if path in sums:
            declared = declaration if is_covered(path, pack) else None
            formula = total_formula([spots[part] for part in sums[path]], "", declared)
        steps = () if path == NO_FIELD else split_path(path)
        source = split_path(carried[path]) if path in carried else None
        cells.append(_Cell(column, get_column_letter(number), steps, style_id(name), name, formula, source))
    return cells
