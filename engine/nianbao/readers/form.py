"""Forms: the statutory tables as sheets, one agency or several in a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nianbao.findings import Finding, Where
from nianbao.pack import Pack
from nianbao.raw import RawReport, SheetOrigins
from nianbao.readers.align import GridKeys, align, grid_keys
from nianbao.readers.headers import Vocabulary
from nianbao.readers.register import expand_maps
from nianbao.readers.sheets.grid import Sheet
from nianbao.sheetnames import NOT_DATA
from nianbao.values import is_blank


@dataclass
class _Part:
    """What one sheet holds of a report."""

    sheet: str
    values: dict[str, object] = field(default_factory=dict)
    cells: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_forms(sheets: Sequence[Sheet], file: str | None, words: Vocabulary) -> Iterator[RawReport]:
    """Yield the reports of a workbook of forms: a new one begins where a sheet repeats a field."""
    keys = grid_keys(words.pack)
    group: list[_Part] = []
    for sheet in sheets:
        if sheet.name.split("（")[0] in NOT_DATA:
            continue
        part = _read_part(sheet, keys, words)
        if not part.cells:
            continue
        if any(_repeats(part, other) for other in group):
            yield _report(group, file, words.pack)
            group = []
        group.append(part)
    if group:
        yield _report(group, file, words.pack)


def _repeats(part: _Part, other: _Part) -> bool:
    """Return whether two sheets cannot belong to one report: they hold the same figures or texts."""
    shared = part.cells.keys() & other.cells.keys()
    return bool(shared - {"agency", "year", "title"})


def _read_part(sheet: Sheet, keys: GridKeys, words: Vocabulary) -> _Part:
    part = _Part(sheet.name)
    part.cells |= align(sheet.rows, sheet.merged, keys)
    for path, place in _labelled_values(sheet, words):
        part.cells.setdefault(path, place)
    for path, (row, column) in part.cells.items():
        part.values[path] = sheet.rows[row][column] if column < len(sheet.rows[row]) else None
    for path, value, place in _title(sheet, words.pack):
        if is_blank(part.values.get(path)):
            part.values[path], part.cells[path] = value, place
    return part


def _labelled_values(sheet: Sheet, words: Vocabulary) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the fields of lines ``label | value``; a path in the line says which field it is."""
    for r, row in enumerate(sheet.rows):
        filled = [(c, v) for c, v in enumerate(row) if not is_blank(v)]
        if not filled:
            continue
        path = next((str(v) for c, v in filled if c and words.is_path(v)), None)
        label = filled[0][0]
        if path is None and isinstance(row[label], str):
            path = words.field(words.tokens([row[label]]))
            # A figure of a table is known by its row and its column, never by one label.
            if path is None or words.pack.table_of(path):
                continue
        if path is not None:
            yield path, (r, _value_column(sheet, r, label))


def _value_column(sheet: Sheet, row: int, label: int) -> int:
    """Return the column after the label, past the cells that are merged with it."""
    for top, left, bottom, right in sheet.merged:
        if top <= row <= bottom and left <= label <= right:
            return right + 1
    return label + 1


def _title(sheet: Sheet, pack: Pack) -> Iterator[tuple[str, object, tuple[int, int]]]:
    """Yield agency and year where a cell holds the title of a report."""
    pattern = re.escape(str(pack.meta["output"]))
    pattern = pattern.replace(r"\{agency\}", "(?P<agency>.+?)").replace(
        r"\{year\}", r"\s*(?P<year>[0-9]{4})\s*"
    )
    for r, row in enumerate(sheet.rows[:10]):
        for c, value in enumerate(row):
            match = re.fullmatch(pattern, value.strip()) if isinstance(value, str) else None
            if match:
                yield "agency", match["agency"], (r, c)
                yield "year", int(match["year"]), (r, c)
                return


def _report(group: Sequence[_Part], file: str | None, pack: Pack) -> RawReport:
    values: dict[str, object] = {}
    origins: dict[str, Where] = {}
    findings: list[Finding] = []
    for part in group:
        where = SheetOrigins(file, part.sheet, part.cells)
        for path, value in part.values.items():
            if path not in values or is_blank(values[path]):
                values[path], origins[path] = value, where[path]
    source = Where(file, group[0].sheet)
    expand_maps(values, pack, source, findings)
    return RawReport(values, source, tuple(findings), origins)
