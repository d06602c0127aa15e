"""Tables as HTML: merged cells, header cells with their scope, groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from lxml import etree
from markupsafe import escape

from nianbao.layout import W
from nianbao.outputs.html.css import Css, Sheet
from nianbao.outputs.html.wordml import Styles, has_lines, number, value
from nianbao.rendering.marks import OPENING

# A table of so many columns is too wide for a phone: it scrolls in its own box.
_WIDE = 6
_SHORT = 6
_INHERITED = ("font-family:", "font-size:", "line-height:")


@dataclass
class Cell:
    """A cell as HTML has it: its content and look, the mark of its field.

    `data` is whether a report changes it, `kept` whether its row stays on a page with the next one.
    """

    row: int
    column: int
    rows: int
    columns: int
    html: str
    css: Css
    mark: str
    data: bool
    kept: bool

    @property
    def label(self) -> bool:
        """Whether the cell says something that no report changes."""
        return bool(self.html) and not self.data


@dataclass
class Rows:
    """The cells of a table, row by row, and how many rows Word repeats on every page."""

    rows: list[list[Cell]] = field(default_factory=list)
    columns: int = 0
    repeated: int = 0

    @cached_property
    def has_data(self) -> bool:
        """Whether any cell is a report's own."""
        return any(cell.data for row in self.rows for cell in row)

    @cached_property
    def head(self) -> int:
        """The number of rows of the head; 0 for a table that has heads within itself."""
        plain = [not any(cell.data for cell in row) for row in self.rows]
        head = self.repeated
        if self.has_data:
            head = max(head, plain.index(False))
            if any(plain[head:-1]):
                return 0
        crossed = any(cell.row + cell.rows > head for row in self.rows[:head] for cell in row)
        return 0 if crossed or head == len(self.rows) else head


# Makes (HTML, look, mark of the field) of a w:tc.
Content = Callable[[etree._Element], tuple[str, Css, str]]


class TableConverter:
    """Makes HTML of tables; `content` makes (HTML, look, field mark) of a w:tc."""

    def __init__(self, styles: Styles, sheet: Sheet, content: Content) -> None:
        self.styles = styles
        self.sheet = sheet
        self.content = content

    def convert(self, table: etree._Element, name: str) -> str:
        """Return a table called `name` in the box in which it scrolls."""
        widths = [number(c, "w") or 0 for c in table.iterfind(f"{W}tblGrid/{W}gridCol")]
        rows = self._read(table)
        css = "border-collapse:collapse;width:100%"
        if rows.columns >= _WIDE:
            css += f";min-width:{min(sum(widths) // 15 or 640, 640)}px"
        columns = self._columns(widths) if len(widths) == rows.columns and all(widths) else ""
        common = _take_common(rows)
        body = "".join(self._groups(rows, self._ruled(table)))
        label = f'aria-label="{escape(name)}"'
        box = self.sheet.attribute(Css("overflow-x:auto;margin:0.5em 0", "overflow:visible"))
        look = self.sheet.attribute(Css(css, "min-width:0").and_(common))
        line = self.sheet.newline
        # Who cannot use a pointer must be able to get into the box to scroll it.
        opening = f'<div{box} role="region" tabindex="0" {label}><table{look} {label}>'
        return f"{opening}{line}{columns}{line}{body}</table></div>{line}"

    def _columns(self, widths: Sequence[int]) -> str:
        total = sum(widths)
        looks = (self.sheet.attribute(Css(f"width:{100 * width / total:.2f}%")) for width in widths)
        return f"<colgroup>{''.join(f'<col{look}>' for look in looks)}</colgroup>"

    def _ruled(self, table: etree._Element) -> bool:
        """Return whether a table is ruled: it, its style, or one of its cells says so."""
        borders = table.find(f"{W}tblPr/{W}tblBorders")
        if borders is not None and has_lines(borders):
            return True
        if any(has_lines(each) for each in table.iter(f"{W}tcBorders")):
            return True
        style = self.styles.style(value(table.find(f"{W}tblPr/{W}tblStyle")))
        return borders is None and style.bordered

    def _read(self, table: etree._Element) -> Rows:
        rows = Rows()
        open_merges: dict[int, Cell] = {}
        leading = True
        for r, row in enumerate(_rows(table)):
            leading = leading and row.find(f"{W}trPr/{W}tblHeader") is not None
            rows.repeated += leading
            column = number(row.find(f"{W}trPr/{W}gridBefore")) or 0
            cells: list[Cell] = []
            for tc in _cells(row):
                span = number(tc.find(f"{W}tcPr/{W}gridSpan")) or 1
                merge = tc.find(f"{W}tcPr/{W}vMerge")
                above = open_merges.get(column)
                if merge is not None and value(merge) in (None, "continue") and above:
                    above.rows = r - above.row + 1
                else:
                    open_merges.pop(column, None)
                    html, css, mark = self.content(tc)
                    data = bool(OPENING.search(html + mark))
                    kept = tc.find(f"{W}p/{W}pPr/{W}keepNext") is not None
                    cell = Cell(r, column, 1, span, html, css, mark, data, kept)
                    cells.append(cell)
                    if merge is not None:
                        open_merges[column] = cell
                column += span
            rows.columns = max(rows.columns, column)
            rows.rows.append(cells)
        return rows

    def _groups(self, rows: Rows, ruled: bool) -> Iterator[str]:
        """Yield the groups of rows: a head, then the rest, a new group at each label across all columns."""
        line = self.sheet.newline
        for kind, group in _grouped(rows):
            lines = "".join(self._row(row, rows, ruled) for row in group)
            yield f"<{kind}>{line}{lines}</{kind}>{line}"

    def _row(self, row: Sequence[Cell], rows: Rows, ruled: bool) -> str:
        """Return a row; a kept one stays on a page with the next one."""
        kept = any(cell.kept for cell in row)
        look = self.sheet.attribute(Css("break-inside:avoid", "break-after:avoid")) if kept else ""
        cells = "".join(self._cell(cell, rows, ruled) for cell in row)
        return f"<tr{look}>{cells}</tr>{self.sheet.newline}"

    def _cell(self, cell: Cell, rows: Rows, ruled: bool) -> str:
        scope = _scope(cell, rows)
        tag = "th" if scope else "td"
        attributes = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
        attributes += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
        attributes += f' scope="{scope}"' if scope else ""
        css = Css("border:1px solid #000;padding:0.25em 0.3em" if ruled else "padding:0.25em 0.3em")
        if cell.label and _set_in_lines(cell.html):
            css = css.and_(Css("white-space:pre"))
        attributes += self.sheet.attribute(css.and_(cell.css)) + cell.mark
        return f"<{tag}{attributes}>{cell.html}</{tag}>"


def _take_common(rows: Rows) -> Css:
    """Return the letters that all cells have in common, which the table then has instead of them."""
    cells = [cell for row in rows.rows for cell in row if cell.html or cell.mark]
    if not cells:
        return Css()
    screens = set.intersection(*({*cell.css.screen.split(";")} for cell in cells))
    screen = sorted(each for each in screens if each.startswith(_INHERITED))
    paper = cells[0].css.paper if len({cell.css.paper for cell in cells}) == 1 else ""
    for cell in cells:
        own = ";".join(each for each in cell.css.screen.split(";") if each not in screen)
        cell.css = Css(own, "" if paper else cell.css.paper)
    return Css(";".join(screen), paper)


def _set_in_lines(html: str) -> bool:
    """Return whether a label is broken by hand into short lines, which must not break again."""
    lines = html.split("<br>")
    return len(lines) > 1 and all(len(line) <= _SHORT and "<" not in line for line in lines)


def _grouped(rows: Rows) -> Iterator[tuple[str, list[list[Cell]]]]:
    """Yield (element, rows) of each group."""
    head = rows.head
    if head:
        yield "thead", rows.rows[:head]
    starts = [r for r in range(head, len(rows.rows)) if r == head or _band(r, rows)]
    for start, end in pairwise([*starts, len(rows.rows)]):
        yield "tbody", rows.rows[start:end]


def _band(row: int, rows: Rows) -> bool:
    """Return whether a row is one label across all columns, with more below it."""
    cells = rows.rows[row]
    return (
        rows.has_data
        and row < len(rows.rows) - 1
        and len(cells) == 1
        and cells[0].label
        and cells[0].columns == rows.columns
    )


def _scope(cell: Cell, rows: Rows) -> str:
    """Return what a header cell is the header of; empty for a cell that is none."""
    if not cell.label:
        return ""
    if cell.row < rows.head:
        return "col"
    if not rows.has_data:
        return ""
    spanned = [c for row in rows.rows[cell.row : cell.row + cell.rows] for c in row if c.data]
    if spanned:
        return "row" if any(c.column > cell.column for c in spanned) else ""
    if _band(cell.row, rows):
        return "rowgroup"
    below = [c for row in rows.rows[cell.row + cell.rows :] for c in row if c.data]
    return "col" if any(_overlap(cell, c) for c in below) else ""


def _overlap(one: Cell, other: Cell) -> bool:
    return one.column < other.column + other.columns and other.column < one.column + one.columns


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    """Yield the rows of a table, also those in content controls."""
    for child in table:
        if child.tag == f"{W}tr":
            yield child
        elif child.tag in (f"{W}sdt", f"{W}sdtContent", f"{W}ins"):
            yield from _rows(child)


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for child in row:
        if child.tag == f"{W}tc":
            yield child
        elif child.tag in (f"{W}sdt", f"{W}sdtContent"):
            yield from _cells(child)
