"""Registers: sheets with headers above and one row an agency, or one row an agency and statutory row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from operator import itemgetter

from nianbao.cells import Uncomputed
from nianbao.findings import Finding, Where
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.raw import RawReport, SheetOrigins, column_name
from nianbao.readers.headers import Vocabulary
from nianbao.readers.sheets.grid import Sheet
from nianbao.values import is_blank, shortened

# Headers are looked for this far down; below a name row a header goes on for this many rows.
_SEARCH_ROWS, _HEADER_ROWS = 12, 6
_SUMS = frozenset(map(normal, ("合计", "总计", "小计")))
# So many columns that are not known have a finding each.
_NAMED = 10
# A column that only counts the rows is no field, and nobody misses it.
_NUMBERINGS = frozenset(map(normal, ("序号", "编号", "行号", "№", "No.")))
SKIPPED = frozenset({"#"})


@dataclass(frozen=True)
class Header:
    """The header of a register sheet.

    `columns` maps a field to its column; `partial` maps a column whose labels need those of the row to
    name a field (long layout) to its words; `row_labels` are the columns that hold the labels of rows.
    """

    first_row: int
    columns: Mapping[str, int]
    partial: Mapping[int, frozenset[str]] = field(default_factory=dict)
    row_labels: tuple[int, ...] = ()
    unknown: Mapping[int, str] = field(default_factory=dict)
    doubled: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def is_long(self) -> bool:
        """Return whether the sheet has one row an agency and statutory row."""
        return bool(self.partial)


def find_header(sheet: Sheet, words: Vocabulary, least: int = 3) -> Header | None:
    """Return the header of a register sheet, or None if it has fewer than `least` columns of the report."""
    for row, values in enumerate(sheet.rows[:_SEARCH_ROWS]):
        paths = {c: v for c, v in enumerate(values) if words.is_path(v)}
        if len(paths) >= least and "agency" in paths.values():
            marks = SKIPPED | {""}
            blank = {c for c, v in enumerate(values) if is_blank(v) or v in marks}
            unknown = _above(sheet, row, set(range(len(values))) - set(paths) - blank)
            return _header(row + 1, [(str(path), column) for column, path in paths.items()], unknown)
    for row, values in enumerate(sheet.rows[:_SEARCH_ROWS]):
        if any(isinstance(v, str) and words.field(words.tokens([v])) == "agency" for v in values):
            return _labelled_header(sheet, row, words, least)
    return None


def _above(sheet: Sheet, row: int, columns: set[int]) -> dict[int, str]:
    return {c: shortened(str(sheet.rows[row][c])) for c in sorted(columns)}


def _header(first_row: int, pairs: Sequence[tuple[str, int]], unknown: Mapping[int, str]) -> Header:
    columns: dict[str, int] = {}
    doubled: dict[str, tuple[int, ...]] = {}
    for path, column in pairs:
        if path in columns:
            doubled[path] = (*doubled.get(path, (columns[path],)), column)
        else:
            columns[path] = column
    return Header(first_row, columns, unknown=unknown, doubled=doubled)


def _labelled_header(sheet: Sheet, row: int, words: Vocabulary, least: int) -> Header | None:
    """Return the header that the labels around the agency's label make."""
    agency = next(
        c
        for c, v in enumerate(sheet.rows[row])
        if isinstance(v, str) and words.field(words.tokens([v])) == "agency"
    )
    top, end = _header_rows(sheet, row, agency, words)
    pairs: list[tuple[str, int]] = []
    partial: dict[int, frozenset[str]] = {}
    unknown: dict[int, str] = {}
    for column in range(len(sheet.rows[row])):
        own, inherited = _column_labels(sheet, top, end, column)
        if not own:
            continue
        tokens = [words.tokens(own), words.tokens([*inherited, *own])]
        path = next((p for t in tokens if (p := words.field(t))), None)
        if path:
            pairs.append((path, column))
        elif words.candidates(tokens[0]):
            partial[column] = tokens[0]
        elif normal("".join(own)) not in _NUMBERINGS:
            unknown[column] = shortened(" ".join(own))
    header = _header(end, pairs, unknown)
    if partial:
        taken = {column for _, column in pairs} | set(partial)
        labels = _row_label_columns(sheet, end, taken, words)
        if labels:
            rest = {c: text for c, text in unknown.items() if c not in labels}
            return replace(header, partial=partial, row_labels=labels, unknown=rest)
        named = {c: shortened("·".join(_column_labels(sheet, top, end, c)[0])) for c in partial}
        header = replace(header, unknown={**unknown, **named})
    return header if len(header.columns) >= least else None


def _header_rows(sheet: Sheet, row: int, agency: int, words: Vocabulary) -> tuple[int, int]:
    """Return the first row of the header and the first row after it."""
    top, end = row, row + 1
    for merge_top, left, bottom, right in sheet.merged:
        if left <= agency <= right and merge_top <= row <= bottom:
            top, end = merge_top, bottom + 1
    while end < min(len(sheet.rows), row + _HEADER_ROWS) and _continues(sheet, end, agency, words):
        end += 1
    # The label may stand in the last of several header rows.
    while (
        top > 0
        and _continues(sheet, top - 1, agency, words)
        and any(words.candidates(words.tokens([v])) for v in sheet.rows[top - 1] if isinstance(v, str))
    ):
        top -= 1
    return top, end


def _continues(sheet: Sheet, row: int, agency: int, words: Vocabulary) -> bool:
    """Return whether a row still belongs to the header: no agency in it, but labels."""
    values = sheet.rows[row]
    texts = [v for v in values if isinstance(v, str) and not is_blank(v)]
    filled = sum(not is_blank(v) for v in values)
    return (
        is_blank(values[agency]) and 0 < filled == len(texts) and any(map(words.pack.labels.is_label, texts))
    )


def _column_labels(sheet: Sheet, top: int, end: int, column: int) -> tuple[list[str], list[str]]:
    """Return the labels over a column: its own, and those of merged or blank cells to the left."""
    own: list[str] = []
    inherited: list[str] = []
    for row in range(top, end):
        value = sheet.rows[row][column]
        if not is_blank(value):
            own.append(str(value))
            continue
        left = _merged_value(sheet, row, column)
        if left is None and row < end - 1:
            left = next((v for v in reversed(sheet.rows[row][:column]) if not is_blank(v)), None)
        if left is not None:
            inherited.append(str(left))
    return own, inherited


def _merged_value(sheet: Sheet, row: int, column: int) -> object:
    for top, left, bottom, right in sheet.merged:
        if top <= row <= bottom and left <= column <= right:
            return sheet.rows[top][left]
    return None


def _row_label_columns(sheet: Sheet, first_row: int, taken: Set[int], words: Vocabulary) -> tuple[int, ...]:
    """Return the columns, not `taken` otherwise, whose cells are mostly labels of the form."""
    found = []
    below = sheet.rows[first_row:]
    for column in sorted(set(range(len(sheet.rows[first_row - 1]))) - taken):
        texts = [row[column] for row in below if not is_blank(row[column])]
        if texts and sum(map(words.pack.labels.is_label, texts)) * 2 > len(texts):
            found.append(column)
    return tuple(found)


def read_register(sheet: Sheet, header: Header, file: str | None, pack: Pack) -> Iterator[RawReport]:
    """Yield one raw report for each row of a register."""
    notes = list(_sheet_findings(sheet, header, file))
    agency = header.columns.get("agency")
    cells = {path: (0, column) for path, column in header.columns.items()}
    paths = tuple(header.columns)
    # With a single column it would give the value itself.
    get: Callable[[Sequence[object]], Sequence[object]] = (
        itemgetter(*header.columns.values())
        if len(paths) > 1
        else lambda values: [values[c] for _, c in cells.values()]
    )
    for row in range(header.first_row, len(sheet.rows)):
        values = sheet.rows[row]
        if all(map(is_blank, values)) or (agency is not None and normal(values[agency]) in _SUMS):
            continue
        found = dict(zip(paths, get(values), strict=True))
        # A total that no program has computed yet does not make an empty line a report.
        if all(is_blank(value) or isinstance(value, Uncomputed) for value in found.values()):
            continue
        where = Where(file, sheet.name, row=row + 1)
        findings = [*notes, *_doubled(sheet, header, file, row, pack)]
        notes = []
        expand_maps(found, pack, where, findings)
        yield RawReport(found, where, tuple(findings), SheetOrigins(file, sheet.name, cells, row))


def _sheet_findings(sheet: Sheet, header: Header, file: str | None) -> Iterator[Finding]:
    """Yield a warning for every column that is not known, one for many; told once, with the first report."""
    if len(header.unknown) > _NAMED:
        shown = "、".join(f"{column_name(c)}列“{text}”" for c, text in list(header.unknown.items())[:_NAMED])
        many = f"{shown}等{len(header.unknown)}列不是报表栏目，没有读入；请核对是不是这种报表"
        message = f"工作表“{sheet.name}”{many}"
        where = Where(file, sheet.name, f"{column_name(next(iter(header.unknown)))}{header.first_row}")
        yield Finding("UNKNOWN-COLUMN", "warning", None, where, message)
        return
    for column, text in header.unknown.items():
        where = Where(file, sheet.name, f"{column_name(column)}{header.first_row}")
        message = f"工作表“{sheet.name}”{column_name(column)}列“{text}”不是报表栏目，没有读入"
        yield Finding("UNKNOWN-COLUMN", "warning", None, where, message)


def _doubled(sheet: Sheet, header: Header, file: str | None, row: int, pack: Pack) -> Iterator[Finding]:
    for path, columns in header.doubled.items():
        names = "、".join(f"{column_name(c)}列" for c in columns)
        where = Where(file, sheet.name, f"{column_name(columns[-1])}{row + 1}")
        message = f"{pack.fields.place(path)}有{len(columns)}列（{names}），不知以哪列为准，请删除多余的列"
        yield Finding("DOUBLED-COLUMN", "error", path, where, message)


def expand_maps(found: dict[str, object], pack: Pack, where: Where, findings: list[Finding]) -> None:
    """Replace the one cell of a map (lines ``position=text``) by its entries, in place."""
    for name in pack.fields.maps:
        text = found.pop(name, None)
        if is_blank(text):
            continue
        for line in str(text).split("\n"):
            if not line.strip():
                continue
            key, mark, note = (*re.split("([=＝])", line, maxsplit=1), "", "")[:3]
            path = key.strip() if key.strip() in pack.fields.nodes else pack.places.get(normal(key))
            if not mark or path is None:
                message = f"{pack.fields.place(name)}“{shortened(line)}”不是“位置=说明”的写法，例如：表三=…"
                findings.append(Finding("VALUE", "error", name, where, message, actual=shortened(line)))
            else:
                inner = f"{name}.{path}"
                found[inner if inner in pack.fields.by_path else f"{name}[{path}]"] = note


def read_long(sheet: Sheet, header: Header, file: str | None, words: Vocabulary) -> Iterator[RawReport]:
    """Yield one raw report for each agency of a sheet in the long layout."""
    long = _Long(sheet, header, file, words)
    for row in range(header.first_row, len(sheet.rows)):
        if not all(map(is_blank, sheet.rows[row])):
            yield from long.row(row)
    yield from long.finish()


class _Long:
    """Collects the rows of one agency until the next one begins."""

    def __init__(self, sheet: Sheet, header: Header, file: str | None, words: Vocabulary) -> None:
        self.sheet, self.header, self.file, self.words = sheet, header, file, words
        self.values: dict[str, object] = {}
        self.cells: dict[str, tuple[int, int]] = {}
        self.key: tuple[str, str] = ("", "")
        self.start = header.first_row
        self.findings = list(_sheet_findings(sheet, header, file))
        self.resolved: dict[tuple[frozenset[str], int], str | None] = {}

    def row(self, row: int) -> Iterator[RawReport]:
        """Take one row; yield the report before it where a new one begins."""
        values, columns = self.sheet.rows[row], self.header.columns
        names = [values[columns[p]] if p in columns else None for p in ("agency", "year")]
        key = tuple(old if is_blank(new) else normal(new) for new, old in zip(names, self.key, strict=True))
        if key != self.key:
            if self.values:
                yield from self.finish()
            self.key, self.start = (key[0], key[1]), row
        for path, column in columns.items():
            self.put(path, values[column], row, column, overwrite=False)
        labels = [values[c] for c in self.header.row_labels if not is_blank(values[c])]
        tokens = self.words.tokens(labels)
        if labels and not self.put_row(tokens, values, row) and not self.words.candidates(tokens):
            where = Where(self.file, self.sheet.name, f"{column_name(self.header.row_labels[-1])}{row + 1}")
            text = shortened(" ".join(map(str, labels)))
            self.findings.append(
                Finding("UNKNOWN-ROW", "error", None, where, f"“{text}”不是报表中的行，请核对行名")
            )

    def put_row(self, tokens: frozenset[str], values: Sequence[object], row: int) -> bool:
        """Put the figures of a statutory row; return whether the row is known."""
        known = False
        for column, header_tokens in self.header.partial.items():
            key = (tokens, column)
            if key not in self.resolved:
                self.resolved[key] = self.words.field(tokens | header_tokens)
            path = self.resolved[key]
            known = known or path is not None
            if path:
                self.put(path, values[column], row, column, overwrite=True)
        return known

    def put(self, path: str, value: object, row: int, column: int, *, overwrite: bool) -> None:
        """Keep one cell; a figure that stands twice with different values is a finding."""
        if is_blank(value):
            return
        if path in self.values and overwrite and self.values[path] != value:
            where = Where(self.file, self.sheet.name, f"{column_name(column)}{row + 1}")
            place = self.words.pack.fields.place(path)
            message = f"{place}出现两次，不知以哪个为准，请删除多余的行"
            self.findings.append(Finding("DOUBLED-ROW", "error", path, where, message))
        if path not in self.values:
            self.values[path], self.cells[path] = value, (row, column)

    def finish(self) -> Iterator[RawReport]:
        """Yield the report that has been collected and begin anew."""
        if not self.values:
            return
        where = Where(self.file, self.sheet.name, row=self.start + 1)
        expand_maps(self.values, self.words.pack, where, self.findings)
        origins = SheetOrigins(self.file, self.sheet.name, self.cells)
        yield RawReport(self.values, where, tuple(self.findings), origins)
        self.values, self.cells, self.findings = {}, {}, []
