"""The contribution matrix as the page shows it: fields down, members across, in pages where they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nianbao.consolidation import Rollup
from nianbao.outputs.results.words import value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.rules.expression import Number
from nianbao.web.office.whole import signed

# A page with more columns than this is slow to draw and impossible to read.
ACROSS = 60


@dataclass(frozen=True)
class MatrixRow:
    """A figure: the published one, the members' sum, the adjustment, and what each member has."""

    path: str
    place: str
    total: str
    sum: str
    adjusted: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class MatrixPage:
    """A part of the matrix; `pages` are (number, first, last) of the members, from 1."""

    tables: tuple[tuple[str, str], ...]
    table: str
    zeros: bool
    members: tuple[tuple[str, str], ...]
    rows: tuple[MatrixRow, ...]
    hidden: int
    page: int
    pages: tuple[tuple[int, int, int], ...]
    count: int


def matrix_page(
    rollup: Rollup, pack: Pack, links: Mapping[str, str], table: str, zeros: bool, page: int
) -> MatrixPage:
    """Return a part of the matrix: the rows of one table, or of all; those of noughts only with `zeros`."""
    tables = tuple((each.path, each.name) for each in pack.tables)
    table = table if table in dict(tables) else ""
    count = len(rollup.members)
    pages = tuple(
        (number, start + 1, min(start + ACROSS, count))
        for number, start in enumerate(range(0, count, ACROSS), 1)
    )
    page = page if 1 <= page <= len(pages) else 1
    shown = rollup.members[(page - 1) * ACROSS : page * ACROSS]
    wanted = [n for n, path in enumerate(rollup.fields) if not table or path.startswith(f"{table}.")]
    filled = [n for n in wanted if zeros or _is_filled(rollup, n)]
    adjusted = _adjusted(rollup)
    rows = tuple(_row(rollup, n, [member.figures[n] for member in shown], adjusted, pack) for n in filled)
    members = tuple((visible(member.agency), links.get(member.agency, "")) for member in shown)
    return MatrixPage(tables, table, zeros, members, rows, len(wanted) - len(filled), page, pages, count)


def _is_filled(rollup: Rollup, number: int) -> bool:
    return bool(rollup.figures[rollup.fields[number]]) or any(m.figures[number] for m in rollup.members)


def _adjusted(rollup: Rollup) -> dict[str, Number]:
    adjusted: dict[str, Number] = {}
    for line in rollup.adjustments:
        adjusted[line.field] = adjusted.get(line.field, 0) + line.amount
    return adjusted


def _row(
    rollup: Rollup, number: int, own: Sequence[Number | None], adjusted: Mapping[str, Number], pack: Pack
) -> MatrixRow:
    path = rollup.fields[number]
    return MatrixRow(
        path,
        visible(pack.fields.place(path)),
        value_words(rollup.figures[path]),
        value_words(rollup.sums[number]),
        signed(adjusted[path]) if path in adjusted else "",
        tuple(value_words(value) for value in own),
    )
