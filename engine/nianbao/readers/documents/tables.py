"""Tables of a finished document: aligned with the template's grids, then every figure with its place.

What the labels do not say is never guessed silently: a label in other words, a label that is missing, a
figure that belongs to no field and one that stands there twice are findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nianbao.fields import Field
from nianbao.findings import Finding, Severity, Where
from nianbao.pack import Pack
from nianbao.readers.align import GridKeys, MergedRow, align, grid_keys, label_matrix
from nianbao.readers.documents.document import Table
from nianbao.readers.documents.figures import is_figure, read_figure
from nianbao.readers.documents.gaps import count_cells, fill_gaps, unlabelled
from nianbao.readers.documents.wording import LabelReader, form_labels, one_line
from nianbao.values import shortened

# A table that shows so many figures of a grid is that grid, even where another shows them too.
_MOST_NAMED = 5
# Fewer figures than this make no table of the form by themselves: one label may head any list.
_FEWEST = 3


@dataclass
class Figures:
    """What tables or a stream of text came to: raw values by field, their places, what to say about them."""

    pack: Pack
    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, Where] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def put(self, path: str, text: str | None, where: Where) -> None:
        """Keep what stands in the cell of a field; a note beside the figure goes to the report's notes."""
        known: Field = self.pack.fields.by_path[path]
        figure = read_figure(text, known)
        self.values[path], self.origins[path] = figure.value, where
        if figure.note:
            note = f"{self.pack.fields.maps[0]}[{path}]" if self.pack.fields.maps else None
            if note:
                self.values[note], self.origins[note] = figure.note, where
        if figure.remark:
            self.say("UNIT", "warning", path, where, f"{known.place}{figure.remark}，请核对")

    def say(self, rule: str, severity: Severity, path: str | None, where: Where, message: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(rule, severity, path, where, message))


@dataclass
class _Aligned:
    """A table with the fields that its labels show."""

    table: Table
    found: dict[str, tuple[int, int]]
    labels: LabelReader
    merged: list[tuple[MergedRow, int, int]] = field(default_factory=list)
    uneven: int | None = None


def read_tables(tables: Sequence[Sequence[Table]], pack: Pack) -> Figures:
    """Return the figures of a document's tables; `tables` are runs of tables with no heading between them."""
    keys, figures = grid_keys(pack), Figures(pack)
    aligned = [part for run in tables for part in _align_run(run, keys)]
    for index, grid in enumerate(pack.layout.grids):
        table = pack.tables[index] if index < len(pack.tables) else None
        parts = _parts_of(grid.field_cells, aligned)
        for part in parts:
            _take(part, grid.field_cells, figures, table.path if table else None)
    for part in aligned:
        if any(figures.origins.get(path) == part.table.place(*spot) for path, spot in part.found.items()):
            _report_labels(part, figures)
            _report_leftovers(part, figures)
        for merged, row, column in part.merged[:1]:
            figures.say(
                "OTHER-EDITION", "error", merged.instead_of, part.table.place(row, column), merged.message
            )
    return figures


def _align_run(run: Sequence[Table], keys: GridKeys) -> Iterator[_Aligned]:
    """Yield the tables of a run aligned; two that show more together than apart are one, cut by a page."""
    current: _Aligned | None = None
    for table in run:
        single = _align(table, keys)
        if current is None:
            current = single
            continue
        joined = _align(join_tables(current.table, table, _exact(keys)), keys)
        if _is_whole(joined, current, single, keys):
            current = joined
        else:
            yield current
            current = single
    if current is not None:
        yield current


def _is_whole(joined: _Aligned, one: _Aligned, other: _Aligned, keys: GridKeys) -> bool:
    """Return whether two tables are one: together they show more, or as much with more of their labels."""
    apart = one.found.keys() | other.found.keys()
    if len(joined.found) != len(apart):
        return len(joined.found) > len(apart)
    lacking = [len(unlabelled(p.found, p.table, p.labels, keys)) for p in (joined, one, other)]
    return not one.found.keys() & other.found.keys() and lacking[0] < lacking[1] + lacking[2]


def _exact(keys: GridKeys) -> Callable[[str], bool]:
    labels = form_labels(keys.pack)

    def is_exact(text: str) -> bool:
        found = labels.match(text)
        return found is not None and found[1] == "exact"

    return is_exact


def _align(table: Table, keys: GridKeys) -> _Aligned:
    labels = LabelReader(form_labels(keys.pack))
    found = align(table.rows, table.merged, keys, labels)
    part = _Aligned(table, found, labels)
    if len(found) >= _FEWEST:
        matrix = label_matrix(table.rows, table.merged, labels)
        part.uneven = count_cells(part.found, table, matrix, keys)
        _merged_rows(part, keys)
        gone = tuple(f"{merged.instead_of}." for merged, *_ in part.merged)
        fill_gaps(part.found, table.rows, matrix, keys.pack, gone)
    return part


def _merged_rows(part: _Aligned, keys: GridKeys) -> None:
    """Find the rows of other editions that stand for several rows of this one."""
    rows = part.table.rows
    for merged in keys.merged_rows:
        if any(path.startswith(f"{merged.instead_of}.") for path in part.found):
            continue
        label = part.labels.labels.pack.labels.canonical(merged.label)
        at = [r for r, row in enumerate(rows) if any(part.labels(v) == label for v in row if v)]
        if len(at) != 1:
            continue
        above = _columns_of_rows(part.found)
        for f in keys.pack.fields.numbers:
            column = (
                above.get(f.path.rpartition(".")[2]) if f.path.startswith(f"{merged.reads_as}.") else None
            )
            if column is not None and column < len(rows[at[0]]):
                part.found[f.path] = (at[0], column)
                part.merged.append((merged, at[0], column))


def _columns_of_rows(found: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Return the column in which the fields of each last name stand, where most of them agree."""
    seen: dict[str, Counter[int]] = {}
    for path, (_, column) in found.items():
        seen.setdefault(path.rpartition(".")[2], Counter())[column] += 1
    return {name: columns.most_common(1)[0][0] for name, columns in seen.items()}


def _parts_of(fields: Mapping[str, Any], aligned: Sequence[_Aligned]) -> list[_Aligned]:
    """Return the tables that show fields of a grid, the fullest first."""
    counted = [(len(part.found.keys() & fields.keys()), -index) for index, part in enumerate(aligned)]
    order = sorted(range(len(aligned)), key=lambda i: counted[i], reverse=True)
    best = max((count for count, _ in counted), default=0)
    # A small table counts only where the form has no larger one, and shows a fair part of it.
    least = _FEWEST if best >= _FEWEST else max(1, len(fields) // 2)
    return [aligned[i] for i in order if counted[i][0] >= least]


def _take(part: _Aligned, fields: Mapping[str, Any], figures: Figures, table: str | None) -> None:
    different = []
    for path, (row, column) in part.found.items():
        if path not in fields:
            continue
        text, where = part.table.rows[row][column], part.table.place(row, column)
        if path not in figures.values:
            figures.put(path, text, where)
        elif _differs(text, figures, path):
            different.append(path)
    if different:
        first = figures.pack.fields.place(different[0])
        where = part.table.place(*part.found[different[0]])
        message = f"文件里有两张这样的表，{first}等{len(different)}格的数不同；按较完整的一张读入，请核对"
        figures.say("SECOND-TABLE", "warning", table, where, message)


def _differs(text: str | None, figures: Figures, path: str) -> bool:
    return str(read_figure(text, figures.pack.fields.by_path[path]).value) != str(figures.values[path])


def _report_labels(part: _Aligned, figures: Figures) -> None:
    """Say which labels differ from the form in wording, and which rows or columns have none."""
    texts = part.labels.labels.texts
    at = {v: (r, c) for r, row in enumerate(part.table.rows) for c, v in enumerate(row) if v}
    for printed, label in part.labels.strange.items():
        where = part.table.place(*at[printed]) if printed in at else part.table.place(0, 0)
        path = _field_of_label(label, part.found, figures.pack)
        message = (
            f"标签“{shortened(one_line(printed), 40)}”与格式中的“{texts[label]}”不同，已按后者读入，请核对"
        )
        figures.say("LABEL", "warning", path, where, message)
    if part.uneven is not None:
        message = "表头这一行的格子比别的行少，分不清各列的表头；各行按格数和格式中列的顺序读入，请逐一核对"
        table = figures.pack.table_of(next(iter(part.found)))
        figures.say(
            "LABEL", "warning", table.path if table else None, part.table.place(part.uneven, 0), message
        )
    gone = tuple(f"{merged.instead_of}." for merged, *_ in part.merged)
    keys = grid_keys(figures.pack)
    missing = unlabelled(part.found, part.table, part.labels, keys, gone, part.uneven)
    for label, path in missing.items():
        message = f"没有认出“{texts[label]}”的标签，已按它在表中的位置读入，请核对"
        figures.say("LABEL", "warning", path, part.table.place(*part.found[path]), message)


def _field_of_label(label: str, found: Mapping[str, Any], pack: Pack) -> str | None:
    """Return the table, or the row of fields, that a label stands for."""
    for path, (left, above) in grid_keys(pack).paths.items():
        if path in found and (label in left or label in above):
            table = pack.table_of(path)
            row = path.rpartition(".")[0]
            return row if left and label == left[-1] else table.path if table else path
    return None


def _report_leftovers(part: _Aligned, figures: Figures) -> None:
    """Say which figures of a table belong to no field: they were not read."""
    used = set(part.found.values())
    left = [
        (r, c)
        for r, row in enumerate(part.table.rows)
        for c, text in enumerate(row)
        if text and (r, c) not in used and is_figure(text)
    ]
    if not left:
        return
    spots = "、".join(
        f"第{part.table.numbers[r][1]}行第{c + 1}列“{shortened(part.table.rows[r][c] or '', 12)}”"
        for r, c in left[:_MOST_NAMED]
    )
    more = f"等{len(left)}个" if len(left) > _MOST_NAMED else ""
    table = figures.pack.table_of(next(iter(part.found)))
    name = table.name if table else "表格"
    message = f"{name}中有数字没有对应的栏目，没有读入：{spots}{more}；请核对表头和行名"
    figures.say("UNALIGNED", "error", None, part.table.place(*left[0]), message)


def join_tables(one: Table, other: Table, read_label: Callable[[str], bool] | None = None) -> Table:
    """Return two tables as one: the second below the first, aligned at the right.

    Labels that the page cut in two are whole again, where `read_label` knows them; so is a row whose figures
    stand on one side of the cut.
    """
    width = max(len(one.rows[0]), len(other.rows[0]))
    rows: list[list[str | None]] = []
    merged: list[tuple[int, int, int, int]] = []
    boxes: dict[tuple[int, int], Any] = {}
    for table in (one, other):
        down, right = len(rows), width - len(table.rows[0])
        rows += [[*[None] * right, *row] for row in table.rows]
        merged += [(t + down, le + right, b + down, r + right) for t, le, b, r in table.merged]
        boxes |= {(r + down, c + right): box for (r, c), box in table.boxes.items()}
    numbers = [*one.numbers, *other.numbers]
    ragged = one.ragged | {row + len(one.rows) for row in other.ragged}
    joined = Table(rows, tuple(merged), one.file, numbers, boxes, ragged)
    return _mended(joined, len(one.rows), read_label) if read_label else joined


def _mended(table: Table, cut: int, is_label: Callable[[str], bool]) -> Table:
    """Return a joined table with the labels mended that row `cut` continues."""
    rows = [list(row) for row in table.rows]
    whole = 0
    for column, lower in enumerate(rows[cut]):
        top = _top_of(table, cut - 1, column)
        upper = rows[top][column]
        if upper and lower and not is_figure(lower) and not (is_label(upper) and is_label(lower)):
            text = f"{upper}{lower}"
            if is_label(text):
                rows[top][column] = rows[cut][column] = text
                whole += top == cut - 1
    boxes = dict(table.boxes)
    if whole and not all(any(map(is_figure, row)) for row in rows[cut - 1 : cut + 1]):
        for column, (upper, lower) in enumerate(zip(rows[cut - 1], rows[cut], strict=True)):
            if not is_figure(upper) and (is_figure(lower) or not upper):
                rows[cut - 1][column] = lower
                if (cut, column) in boxes:
                    boxes[cut - 1, column] = boxes[cut, column]
            rows[cut][column] = None
    return replace(table, rows=rows, boxes=boxes)


def _top_of(table: Table, row: int, column: int) -> int:
    """Return the row at which the cell that covers a place begins."""
    covers = (m for m in table.merged if m[0] <= row <= m[2] and m[1] <= column <= m[3])
    return next((top for top, *_ in covers), row)
