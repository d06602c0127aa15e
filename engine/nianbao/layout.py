"""The layout of a template: its headings, texts and grids, as ordered blocks.

Read from the unpatched XML of the Word file with the runs of a paragraph joined, because what docxtpl
makes of it need not parse. gridSpan, vMerge and gridBefore are resolved: a `Cell` knows its span.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TAG = re.compile(r"\{\{(?P<value>.*?)\}\}|\{%(?:tr|tc|p|r)?\s(?P<control>.*?)%\}", re.DOTALL)
_FOR = re.compile(r"-?\s*for\s+(\w+)\s+in\s+(.+)", re.DOTALL)
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a grid: `row` and `column` count from 0 in grid units; merged cells span several.

    `fields` are the fields that it prints; `text` is what it says otherwise, a label when there is no field.
    """

    row: int
    column: int
    rows: int
    columns: int
    text: str
    fields: tuple[str, ...] = ()
    header: bool = False

    @property
    def is_label(self) -> bool:
        """Return whether the cell is a label: text that no field changes."""
        return bool(self.text) and not self.fields


@dataclass(frozen=True)
class Grid:
    """A table of the template. `widths` are those of the grid columns in twips."""

    index: int
    rows: int
    widths: tuple[int, ...]
    cells: tuple[Cell, ...]

    @cached_property
    def area(self) -> Mapping[tuple[int, int], Cell]:
        """The cell that covers each (row, column)."""
        return {
            (r, c): cell
            for cell in self.cells
            for r in range(cell.row, cell.row + cell.rows)
            for c in range(cell.column, cell.column + cell.columns)
        }

    @cached_property
    def field_cells(self) -> Mapping[str, Cell]:
        """The cell of each field."""
        return {field: cell for cell in self.cells for field in cell.fields}

    @cached_property
    def labels(self) -> tuple[Cell, ...]:
        """The cells that are labels, top left first."""
        return tuple(cell for cell in self.cells if cell.is_label)

    def row_labels(self, cell: Cell) -> tuple[str, ...]:
        """Return the labels to the left of `cell` in its row, outermost first."""
        area = (self.area.get((cell.row, c)) for c in range(cell.column))
        return _texts([c for c in area if c and c.is_label])

    def column_labels(self, cell: Cell) -> tuple[str, ...]:
        """Return the labels that stand above `cell`: the nearest run of label cells, topmost first."""
        found: list[Cell] = []
        for r in range(cell.row - 1, -1, -1):
            above = self.area.get((r, cell.column))
            if above and above.is_label:
                found.insert(0, above)
            elif found:
                break
        return _texts(found)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the template's own; `level` counts from 1 (0 is the title)."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class TextField:
    """A paragraph that prints fields; `loop` is the field or list whose paragraphs or items repeat it."""

    fields: tuple[str, ...]
    text: str
    level: int | None = None
    loop: str | None = None


@dataclass(frozen=True)
class Layout:
    """The blocks of a template's body, in order."""

    blocks: tuple[Heading | TextField | Grid, ...]

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """The tables, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Grid))

    @cached_property
    def grid_of(self) -> Mapping[str, Grid]:
        """The grid in which each field stands."""
        return {field: grid for grid in self.grids for field in grid.field_cells}

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """All fields that the template prints, in order, each once."""
        found: dict[str, None] = {}
        for block in self.blocks:
            if isinstance(block, Grid):
                found |= dict.fromkeys(block.field_cells)
            elif isinstance(block, TextField):
                found |= dict.fromkeys(block.fields)
        return tuple(found)


def read_layout(docx: bytes) -> Layout:
    """Return the layout of a Word template; raises KeyError, BadZipFile or XMLSyntaxError if it is none."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        body = etree.fromstring(package.read("word/document.xml"), parser).find(f"{W}body")
        levels = heading_levels(_styles(package))
    if body is None:
        raise KeyError("w:body")
    return Layout(tuple(_Reader(levels).read(body)))


def joined_text(element: etree._Element) -> str:
    """Return the text of all runs below `element`, tabs and breaks as characters."""
    marks = {f"{W}t": None, f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n"}
    parts = []
    for node in element.iter(*marks):
        parent = node.getparent()
        if parent is not None and parent.tag == f"{W}r":
            parts.append(marks[node.tag] or node.text or "")
    return "".join(parts)


class _Reader:
    """Goes through the body and keeps the loops that are open."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.levels = levels
        self.grids = 0
        self.loops: list[tuple[str, str]] = []

    def read(self, body: etree._Element) -> Iterator[Heading | TextField | Grid]:
        for element in body.iter(f"{W}p", f"{W}tbl"):
            if element.tag == f"{W}tbl":
                yield self._grid(element)
            elif not any(a.tag == f"{W}tbl" for a in element.iterancestors()):
                yield from self._paragraph(element)

    def _paragraph(self, element: etree._Element) -> Iterator[Heading | TextField]:
        text = joined_text(element).strip()
        fields = self._fields(text)
        plain = _TAG.sub("", text).strip()
        level = self.levels.get(_style(element))
        if fields:
            yield TextField(fields, plain, level, self._loop())
        elif plain:
            yield Heading(level, plain) if level is not None else TextField((), plain)

    def _loop(self) -> str | None:
        return self.loops[-1][1] if self.loops else None

    def _fields(self, text: str) -> tuple[str, ...]:
        """Return the fields that `text` prints, and note the loops that it opens and closes."""
        found: dict[str, None] = {}
        for match in _TAG.finditer(text):
            control = match["control"]
            if control is None:
                found |= dict.fromkeys(
                    self._resolve(path) for path in _PATH.findall(_unquoted(match["value"]))[:1]
                )
            elif opened := _FOR.match(control.strip()):
                source = _PATH.match(opened[2].strip())
                # The paragraphs of a text are that text again; the items of a list are its items.
                items = "" if "paragraphs" in opened[2] else "[]"
                self.loops.append((opened[1], self._resolve(source[0]) + items if source else ""))
            elif control.strip().lstrip("-").strip().startswith("endfor") and self.loops:
                self.loops.pop()
        return tuple(found)

    def _resolve(self, path: str) -> str:
        """Return the field that `path` means inside the open loops."""
        head, _, rest = path.partition(".")
        for variable, source in reversed(self.loops):
            if head == variable:
                return f"{source}.{rest}" if rest else source
        return path

    def _grid(self, table: etree._Element) -> Grid:
        widths = tuple(int(c.get(f"{W}w") or 0) for c in table.iterfind(f"{W}tblGrid/{W}gridCol"))
        cells = []
        for place in table_cells(table):
            text = "".join(joined_text(p).strip() for p in place.element.findall(f"{W}p"))
            fields, plain = self._fields(text), _TAG.sub("", text).strip()
            cells.append(
                Cell(place.row, place.column, place.rows, place.columns, plain, fields, place.header)
            )
        self.grids += 1
        return Grid(self.grids, len(table.findall(f"{W}tr")), widths, tuple(cells))


@dataclass(slots=True)
class CellPlace:
    """A ``w:tc`` and the part of the grid that it covers, counted from 0."""

    element: etree._Element
    row: int
    column: int
    rows: int
    columns: int
    header: bool


def table_cells(table: etree._Element) -> list[CellPlace]:
    """Return the cells of a Word table with gridSpan, vMerge and gridBefore resolved, row by row."""
    cells: list[CellPlace] = []
    open_merges: dict[int, CellPlace] = {}
    for r, row in enumerate(_inside(table, f"{W}tr")):
        header = row.find(f"{W}trPr/{W}tblHeader") is not None
        column = _number(row.find(f"{W}trPr/{W}gridBefore"), 0)
        for tc in _inside(row, f"{W}tc"):
            span = _number(tc.find(f"{W}tcPr/{W}gridSpan"), 1)
            merge = tc.find(f"{W}tcPr/{W}vMerge")
            if merge is not None and merge.get(f"{W}val", "continue") == "continue" and column in open_merges:
                open_merges[column].rows = r - open_merges[column].row + 1
            else:
                cells.append(CellPlace(tc, r, column, 1, span, header))
                open_merges.pop(column, None)
                if merge is not None:
                    open_merges[column] = cells[-1]
            column += span
    return cells


# What may stand between a table and its rows, or a row and its cells: content controls, kept insertions.
_AROUND = frozenset(f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))


def _inside(element: etree._Element, tag: str) -> Iterator[etree._Element]:
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _AROUND:
            yield from _inside(child, tag)


def _texts(cells: list[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.text for cell in cells))


def _unquoted(expression: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)


def _number(element: etree._Element | None, default: int) -> int:
    value = element.get(f"{W}val") if element is not None else None
    return int(value) if value else default


def _style(paragraph: etree._Element) -> str:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    return (style.get(f"{W}val") or "") if style is not None else ""


def _styles(package: zipfile.ZipFile) -> etree._Element | None:
    return (
        etree.fromstring(package.read("word/styles.xml")) if "word/styles.xml" in package.namelist() else None
    )


def heading_levels(styles: etree._Element | None) -> dict[str, int]:
    """Return the level of each heading style of a Word file by its id: Title is 0, Heading 1 is 1."""
    levels: dict[str, int] = {}
    for style in styles.iterfind(f"{W}style") if styles is not None else ():
        name = style.find(f"{W}name")
        match = re.fullmatch(
            r"(?i)(title)|heading (\d)", (name.get(f"{W}val") or "") if name is not None else ""
        )
        if match:
            levels[style.get(f"{W}styleId") or ""] = 0 if match[1] else int(match[2])
    return levels
