"""Draws the Word templates of cn-ogi/2021: `python draw.py [FOLDER]`, its own folder by default."""

from __future__ import annotations

import sys
from pathlib import Path

from looks import OFFICIAL, REPORT, Attributes, Look, font_part, settings_part, styles_part
from lxml import etree
from statutory_form import DISCLOSURE, DISPUTE_OUTCOMES, OVERVIEW, REQUESTS, SECTIONS, Cell, Table
from wordml import R, el, page_number, paragraph, relationship, run, write_package

# Narrow margins at the sides leave the figure columns room for seven digits.
CELL_MARGINS = {"top": 20, "left": 10, "bottom": 20, "right": 10}


def _equal(total: int, columns: int) -> list[int]:
    """Widths that differ by one at most and sum up exactly."""
    width, rest = divmod(total, columns)
    return [width + (place < rest) for place in range(columns)]


def _widths(table: Table, look: Look) -> list[int]:
    if table is not REQUESTS:
        return _equal(look.table_width, table.columns)
    item, group, figure = look.request_columns
    return [item, group, look.table_width - item - group - 7 * figure, *[figure] * 7]


def _cell_style(cell: Cell, table: Table, look: Look) -> str:
    style = "TableStub" if cell.kind in ("band", "stub") else "TableCell"
    return style if table is DISCLOSURE else style + look.small


def _kept(table: Table, number: int) -> bool:
    """Whether a row stays on a page with the next one; a last row never stands alone."""
    rows = len(table.rows)
    return number < table.kept - 1 or rows - table.tail <= number < rows - 1


def _cell(cell: Cell, width: int, style: str, look: Look, kept: bool) -> etree._Element:
    keep: dict[str, Attributes] = {"keepNext": {}} if kept else {}
    texts = [[run(line)] if line else [] for line in cell.text.split("\n")]
    fill = look.band_fill if cell.kind == "band" else None
    return el(
        "tc",
        el(
            "tcPr",
            el("tcW", w=width, type="dxa"),
            el("gridSpan", val=cell.span) if cell.span > 1 else None,
            el("vMerge", val=cell.down) if cell.down else None,
            el("shd", val="clear", color="auto", fill=fill) if fill else None,
            el("vAlign", val="center"),
        ),
        *(paragraph(style, *runs, **keep) for runs in texts),
    )


def _row(table: Table, number: int, widths: list[int], look: Look) -> etree._Element:
    cells, column = [], 0
    kept = _kept(table, number)
    for cell in table.rows[number]:
        width = sum(widths[column : column + cell.span])
        cells.append(_cell(cell, width, _cell_style(cell, table, look), look, kept))
        column += cell.span
    properties = el(
        "trPr",
        el("cantSplit"),
        el("trHeight", val=look.row_heights[table.key], hRule="atLeast"),
        el("tblHeader") if number < table.head else None,
    )
    return el("tr", properties, *cells)


def _table(table: Table, look: Look) -> etree._Element:
    widths = _widths(table, look)
    line: Attributes = {"val": "single", "sz": 4, "space": 0, "color": "000000"}
    properties = el(
        "tblPr",
        el("tblW", w=look.table_width, type="dxa"),
        el("jc", val="center"),
        el("tblBorders", *(el(side, **line) for side in (*CELL_MARGINS, "insideH", "insideV"))),
        el("tblLayout", type="fixed"),
        el("tblCellMar", *(el(side, w=width, type="dxa") for side, width in CELL_MARGINS.items())),
    )
    grid = el("tblGrid", *(el("gridCol", w=width) for width in widths))
    return el("tbl", properties, grid, *(_row(table, n, widths, look) for n in range(len(table.rows))))


def _loop(text: str, style: str, line: str = "{{ p }}") -> list[etree._Element]:
    """One paragraph of the report for each paragraph of a text."""
    return [
        paragraph("BodyText", run(f"{{%p for p in {text}|paragraphs %}}")),
        paragraph(style, run(line)),
        paragraph("BodyText", run("{%p endfor %}")),
    ]


def _heading(number: int, before: int = 0, after: int = 0) -> etree._Element:
    """The title of a section, with space where it stands next to a table."""
    space = {"before": before or None, "after": after or None}
    extra = {"spacing": space} if before or after else {}
    return paragraph("Heading1", run(SECTIONS[number - 1]), **extra)


def _overview() -> list[etree._Element]:
    parts = _loop("overview.preamble", "BodyText")
    for topic in OVERVIEW:
        parts += _loop(f"overview.{topic}.heading", "Heading2")
        parts += _loop(f"overview.{topic}.text", "BodyText")
    parts.append(paragraph("BodyText", run("{%p for item in overview.additional %}")))
    parts += _loop("item.heading", "Heading2") + _loop("item.text", "BodyText")
    return [*parts, paragraph("BodyText", run("{%p endfor %}"))]


def _tables(look: Look) -> list[etree._Element]:
    parts: list[etree._Element] = []
    for number, table in enumerate((DISCLOSURE, REQUESTS, DISPUTE_OUTCOMES), 2):
        below_table = look.gap if number > 2 else 0
        parts += [_heading(number, below_table, look.gap // 4), _table(table, look)]
        parts += _loop(f"notes.{table.key}", "TableNote", "注：{{ p }}")
    return parts


def _section(look: Look) -> etree._Element:
    footers = []
    if look.numbered:
        footers = [el("footerReference", type="default"), el("footerReference", type="even")]
        for number, footer in enumerate(footers, 4):
            footer.set(f"{{{R}}}id", relationship(number))
    return el(
        "sectPr",
        *footers,
        el("pgSz", w=11906, h=16838),
        el("pgMar", **look.margins, gutter=0),
        el("cols", space=425),
        el("docGrid", **look.grid),
    )


def _document(look: Look) -> etree._Element:
    parts = [paragraph("Title", run("{{ title }}")), *_loop("introduction", "BodyText")]
    parts += [_heading(1), *_overview(), *_tables(look)]
    parts += [_heading(5, look.gap), *_loop("problems", "BodyText")]
    parts += [_heading(6), *_loop("other_matters", "BodyText")]
    parts += _loop("signature.name", "Signature") + _loop("signature.date", "Signature")
    return el("document", el("body", *parts, _section(look)))


def _footer(even: bool) -> etree._Element:
    """The page number at the outer edge, one character in."""
    inner: dict[str, Attributes] = {
        "jc": {"val": "left"},
        "ind": {"leftChars": 100, "left": 280, "rightChars": 0, "right": 0},
    }
    return el("ftr", paragraph("Footer", *page_number(), **(inner if even else {})))


def draw(look: Look, folder: Path) -> Path:
    """Write the template of a look into a folder."""
    related = [
        ("styles", "styles.xml", styles_part(look)),
        ("settings", "settings.xml", settings_part(look)),
        ("fontTable", "fontTable.xml", font_part(look)),
    ]
    if look.numbered:
        related += [("footer", "footer1.xml", _footer(False)), ("footer", "footer2.xml", _footer(True))]
    path = folder / look.file
    write_package(path, _document(look), related)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for each in (REPORT, OFFICIAL):
        print(draw(each, target))
