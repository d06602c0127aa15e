"""A finished report as every reader hands it on: paragraphs and tables in order, each with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from nianbao.findings import Finding, Where

Merge = tuple[int, int, int, int]
Box = tuple[float, float, float, float]

# Radicals that fonts give PDFs instead of the character itself and that NFKC leaves alone (the supplement
# has no decompositions), and those whose decomposition is the traditional form.
_RADICALS = str.maketrans(
    dict(
        zip(
            "⺁⺓⺟⺠⺩⺬⺼⻁⻄⻅⻆⻉⻋⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳⼾",
            "厂幺母民王示肉虎西见角贝车长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙龟户",
            strict=True,
        )
    )
)
# A table with so many rows and columns is a grid even where a cell holds a table of its own.
_GRID_SIDE = 4
# A cell with so much in it is a part of the page, not a cell of figures.
_CONTAINER_BLOCKS, _CONTAINER_TEXT = 5, 300


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or a line where the file knows only lines.

    `heading` says that it is set as a heading; `aside` that it stands at the right, as signatures do;
    `opens` whether a line begins a paragraph, None where nothing tells.
    """

    text: str
    where: Where
    heading: bool = False
    aside: bool = False
    opens: bool | None = True


@dataclass(frozen=True)
class Table:
    """A table as plain cells: `rows` by row and column, merged cells with their text at the top left.

    `merged` are ranges (top, left, bottom, right) counted from 0, the last included. `numbers` gives for
    each row the table and the row of the document that it was, counted from 1; `boxes` the page and the box
    of a cell where there are pages. `ragged` are the rows whose cells do not reach the right edge, so that
    nobody can say by position which column they belong to.
    """

    rows: Sequence[Sequence[str | None]]
    merged: tuple[Merge, ...]
    file: str | None
    numbers: Sequence[tuple[int, int]]
    boxes: Mapping[tuple[int, int], tuple[int, Box]] = field(default_factory=dict)
    ragged: frozenset[int] = frozenset()

    def place(self, row: int, column: int) -> Where:
        """Return where a cell stands, counted from 0."""
        table, number = self.numbers[row]
        page, box = self.boxes.get((row, column), (None, None))
        return Where(self.file, page=page, box=box, table=table, row=number, column=column + 1)


@dataclass(frozen=True)
class Document:
    """What a reader found in a file, in order; `findings` are about the file itself.

    `wrapped` says that its paragraphs are lines; `page` that there may be more on it than the report.
    """

    blocks: tuple[Paragraph | Table, ...]
    source: Where
    findings: tuple[Finding, ...] = ()
    wrapped: bool = False
    page: bool = False

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Table))


@dataclass(frozen=True)
class RawCell:
    """A cell of a table as a reader met it, with everything that stands in it."""

    row: int
    column: int
    rows: int
    columns: int
    blocks: Sequence[Paragraph | RawTable]


@dataclass(frozen=True)
class RawTable:
    """A table as a reader met it: it may be a grid, or nothing but a frame around a part of the page."""

    cells: Sequence[RawCell]
    height: int
    width: int


def cleaned(text: str) -> str:
    """Return `text` with radicals as the characters that they stand for, and nothing else changed."""
    if text.isascii():
        return text
    return "".join(map(_character, text))


@lru_cache(maxsize=4096)
def _character(char: str) -> str:
    if "\u2e80" <= char <= "\u2fdf" or "\uf900" <= char <= "\ufaff":
        return unicodedata.normalize("NFKC", char.translate(_RADICALS))
    return char


def flattened(blocks: Iterable[Paragraph | RawTable], file: str | None) -> Iterator[Paragraph | Table]:
    """Yield blocks with tables as plain cells; a table that only frames a part of the page is that part."""
    yield from _numbered(_flat(blocks, file))


def _flat(blocks: Iterable[Paragraph | RawTable], file: str | None) -> Iterator[Paragraph | Table]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block
        elif _is_frame(block):
            for cell in block.cells:
                yield from _flat(cell.blocks, file)
        else:
            yield _grid(block, file)


def _numbered(blocks: Iterable[Paragraph | Table]) -> Iterator[Paragraph | Table]:
    index = 0
    for block in blocks:
        if isinstance(block, Table):
            index += 1
            yield replace(block, numbers=[(index, r + 1) for r in range(len(block.rows))])
        else:
            yield block


def _is_frame(table: RawTable) -> bool:
    nested = any(isinstance(block, RawTable) for cell in table.cells for block in cell.blocks)
    if nested and min(table.height, table.width) < _GRID_SIDE:
        return True
    return any(
        len(cell.blocks) >= _CONTAINER_BLOCKS and len(cell_text(cell.blocks)) > _CONTAINER_TEXT
        for cell in table.cells
    )


def _grid(table: RawTable, file: str | None) -> Table:
    rows: list[list[str | None]] = [[None] * table.width for _ in range(table.height)]
    merged = []
    for cell in table.cells:
        rows[cell.row][cell.column] = cell_text(cell.blocks) or None
        if cell.rows > 1 or cell.columns > 1:
            merged.append((cell.row, cell.column, cell.row + cell.rows - 1, cell.column + cell.columns - 1))
    ends = [0] * table.height
    for cell in table.cells:
        for row in range(cell.row, min(cell.row + cell.rows, table.height)):
            ends[row] = max(ends[row], cell.column + cell.columns)
    ragged = frozenset(row for row, end in enumerate(ends) if end < table.width)
    return Table(rows, tuple(merged), file, (), ragged=ragged)


def cell_text(blocks: Iterable[Paragraph | RawTable]) -> str:
    """Return what stands in a cell, a line for each paragraph, nested tables with it."""
    lines = []
    for block in blocks:
        if isinstance(block, Paragraph):
            lines.append(block.text.strip())
        else:
            lines += [cell_text(cell.blocks) for cell in block.cells]
    return "\n".join(line for line in lines if line)
