"""Figures in a text that has lost its tables: runs of numbers, matched in order with the rows of a grid.

A run counts for a row only if it has exactly as many figures as the row has fields; otherwise it is a
finding and nothing is read of it. What is read this way is marked, for a person to compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from nianbao.layout import Grid
from nianbao.readers.align import MergedRow, grid_keys
from nianbao.readers.documents.document import Paragraph, Table
from nianbao.readers.documents.stream_runs import Cells, Run, lines_of, runs_of
from nianbao.readers.documents.tables import Figures
from nianbao.readers.documents.wording import bare
from nianbao.values import shortened

# How much of a row's label must stand before its figures, and how near a label in other words must be.
_ENOUGH, _NEAR = 0.55, 0.6
# A label so long may wrap around its figures; so much of it must come before them.
_LONG, _BEGUN = 12, 0.3
_MOST_LINES, _MOST_RUNS = 3000, 400


@dataclass(frozen=True)
class _Row:
    """A row of a grid with its fields in order."""

    label: str
    text: str
    paths: tuple[str, ...]
    heads: tuple[str, ...] = ()


def read_stream(blocks: Sequence[Paragraph | Table], grid: Grid, figures: Figures) -> None:
    """Read the figures of a grid from the lines of its section into `figures`."""
    lines = list(islice(lines_of(blocks), _MOST_LINES))
    runs = [run for run in runs_of(lines) if run.figures][:_MOST_RUNS]
    if not runs:
        return
    rows = list(_rows(grid))
    pairs = _matched(runs, rows)
    pairs, merged = _with_merged_row(runs, rows, pairs, figures)
    before = len(figures.values)
    for index, row in pairs:
        _take(runs[index], row, figures)
    gone = {row.label for row in rows} - {row.label for _, row in pairs} if merged else set()
    region = "".join(bare(text) for cells in lines for text, _ in cells if text)
    _say_labels(runs, pairs, [c.text for c in grid.labels if bare(c.text) not in gone], region, grid, figures)
    for index, other in merged:
        figures.say("OTHER-EDITION", "error", other.instead_of, runs[index].cells[0][1], other.message)
    _say_rest(runs, {index for index, _ in pairs}, grid, figures)
    if len(figures.values) > before:
        _mark(runs, pairs, grid, figures)


def _rows(grid: Grid) -> Iterator[_Row]:
    """Yield the rows of a grid that hold fields; a row without a label is known by those of its columns."""
    by_row: dict[int, list[str]] = {}
    for path, cell in sorted(grid.field_cells.items(), key=lambda item: (item[1].row, item[1].column)):
        by_row.setdefault(cell.row, []).append(path)
    for paths in by_row.values():
        labels = grid.row_labels(grid.field_cells[paths[0]])
        if labels:
            yield _Row(bare(labels[-1]), labels[-1], tuple(paths))
        else:
            heads = dict.fromkeys(t for path in paths for t in grid.column_labels(grid.field_cells[path]))
            yield _Row("", next(iter(heads), ""), tuple(paths), tuple(map(bare, heads)))


def _matched(runs: Sequence[Run], rows: Sequence[_Row]) -> list[tuple[int, _Row]]:
    """Return which run belongs to which row: the pairing in order that explains most words."""
    after = [*(run.words for run in runs[1:]), ""]
    scores = [[_score(run, row, rest) for row in rows] for run, rest in zip(runs, after, strict=True)]
    best = [[0.0] * (len(rows) + 1) for _ in range(len(runs) + 1)]
    for i in range(len(runs) - 1, -1, -1):
        for j in range(len(rows) - 1, -1, -1):
            paired = scores[i][j] + best[i + 1][j + 1] if scores[i][j] >= _ENOUGH else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    pairs = []
    i = j = 0
    while i < len(runs) and j < len(rows):
        if scores[i][j] >= _ENOUGH and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            pairs.append((i, rows[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _score(run: Run, row: _Row, rest: str) -> float:
    """Return how much of a row's label the words before a run hold; nearest to the figures counts most.

    A label of several lines may go on in the words after the figures (`rest`).
    """
    if not row.label:
        heads = sum(head in run.words for head in row.heads)
        return heads / len(row.heads) if run.figures == len(row.paths) else 0.0
    if not run.words:
        return 0.0
    if run.words.endswith(row.label):
        return 2.0
    if row.label in run.words:
        return 1.5
    held = _coverage(row.label, run.words[-(len(row.label) + 12) :])
    if held >= _ENOUGH or held < _BEGUN or len(row.label) < _LONG:
        return held
    return _coverage(row.label, run.words[-len(row.label) :] + rest[: len(row.label)])


def _coverage(label: str, words: str) -> float:
    """Return which share of a label stands in some words, in order."""
    matcher = SequenceMatcher(None, label, words, autojunk=False)
    blocks = [b for b in matcher.get_matching_blocks() if b.size > 1 or len(label) < 4]
    return min(1.0, sum(b.size for b in blocks) / len(label))


def _with_merged_row(
    runs: Sequence[Run], rows: Sequence[_Row], pairs: list[tuple[int, _Row]], figures: Figures
) -> tuple[list[tuple[int, _Row]], list[tuple[int, MergedRow]]]:
    """Return the pairs with rows of other editions that stand for several rows, and what to say of them."""
    said = []
    for merged in grid_keys(figures.pack).merged_rows:
        group = [row for row in rows if row.paths[0].startswith(f"{merged.instead_of}.")]
        paired = [row for _, row in pairs if row in group]
        target = next((row for row in group if row.paths[0].startswith(f"{merged.reads_as}.")), None)
        if target is None or len(paired) > 1:
            continue
        other = [
            _Row(bare(merged.label), merged.label, target.paths) if row is target else row for row in rows
        ]
        other = [row for row in other if row not in group]
        again = _matched(runs, other)
        index = next((i for i, row in again if row.text == merged.label), None)
        if index is not None and runs[index].words.endswith(bare(merged.label)):
            pairs = again
            said.append((index, merged))
    return pairs, said


def _take(run: Run, row: _Row, figures: Figures) -> None:
    """Keep the figures of a run, if it is clear which cell each belongs to."""
    window = _window(run.cells, len(row.paths))
    if window is None:
        found = " ".join(text or "□" for text, _ in run.cells)
        message = (
            f"“{row.text}”后面应有{len(row.paths)}个数字，文中是{run.figures}个（{shortened(found, 40)}），"
            "分不清各属哪一列，没有读入；请对照原文填写"
        )
        path = row.paths[0].rpartition(".")[0] if len(row.paths) > 1 else row.paths[0]
        figures.say("UNALIGNED", "error", path, run.cells[0][1], message)
        return
    for path, (text, where) in zip(row.paths, window, strict=True):
        figures.put(path, text, where)


def _window(cells: Cells, size: int) -> Cells | None:
    """Return the only `size` cells in a row that hold all figures, or None."""
    filled = [i for i, (text, _) in enumerate(cells) if text is not None]
    first, last = filled[0], filled[-1]
    if last - first + 1 > size:
        return None
    if last - first + 1 == size:
        return cells[first : last + 1]
    starts = [s for s in range(max(0, last + 1 - size), first + 1) if s + size <= len(cells)]
    return cells[starts[0] : starts[0] + size] if len(starts) == 1 else None


def _say_labels(
    runs: Sequence[Run],
    pairs: Sequence[tuple[int, _Row]],
    labels: Sequence[str],
    region: str,
    grid: Grid,
    figures: Figures,
) -> None:
    """Say which labels of the grid are not in the text as they should be."""
    of_row = {row.label: (index, row) for index, row in pairs}
    first = min(cell.row for cell in grid.field_cells.values())
    head = {cell.text for cell in grid.labels if cell.row < first}
    for text in dict.fromkeys(labels):
        label = bare(text)
        if label in region or not label:
            continue
        index, row = of_row.get(label, (None, None))
        run = None if index is None else runs[index]
        around = region if index is None else "".join(other.words for other in runs[index : index + 2])
        # A label that the lines of its neighbours run through is whole nevertheless.
        if not Counter(label) - Counter(runs[0].words if text in head else around):
            continue
        printed = _nearest(label, run.words if run else region)
        where = run.cells[0][1] if run else runs[0].cells[0][1]
        table = figures.pack.table_of(next(iter(grid.field_cells)))
        path = row.paths[0].rpartition(".")[0] if row else table.path if table else None
        if printed:
            printed = run.printed if run and bare(run.printed) == printed else printed
            message = f"标签“{printed}”与格式中的“{text}”不同，已按后者读入，请核对"
        else:
            message = f"没有找到标签“{text}”，请核对"
        figures.say("LABEL", "warning", path, where, message)


def _nearest(label: str, words: str) -> str:
    """Return the part of `words` that is most like a label, or nothing."""
    best, found = _NEAR, ""
    for size in range(max(2, len(label) - 4), len(label) + 3):
        for start in range(max(0, len(words) - size) + 1):
            part = words[start : start + size]
            if part[:1] != label[:1] and part[-1:] != label[-1:]:
                continue
            ratio = SequenceMatcher(None, part, label, autojunk=False).ratio()
            if ratio > best:
                best, found = ratio, part
    return found


def _say_rest(runs: Sequence[Run], used: set[int], grid: Grid, figures: Figures) -> None:
    """Say which figures of the section belong to no row."""
    left = [run for index, run in enumerate(runs) if index not in used]
    if left:
        cells = [text for run in left for text, _ in run.cells if text]
        table = figures.pack.table_of(next(iter(grid.field_cells)))
        message = (
            f"{table.name if table else ''}有{len(cells)}个数字没有对应的行，没有读入："
            f"{shortened(' '.join(cells), 40)}（在“{shortened(left[0].printed, 20)}”之后）；请对照原文核对"
        )
        figures.say("UNALIGNED", "error", None, left[0].cells[0][1], message)


def _mark(runs: Sequence[Run], pairs: Sequence[tuple[int, _Row]], grid: Grid, figures: Figures) -> None:
    """Mark the figures of a grid as read from a text without its table."""
    table = figures.pack.table_of(next(iter(grid.field_cells)))
    count = sum(path in figures.values for path in grid.field_cells)
    message = f"这张表的{count}个数字是从没有表格的文字里按行名和顺序读出的，列的对应请与原文逐一核对"
    where = runs[pairs[0][0]].cells[0][1]
    figures.say("STREAM", "warning", table.path if table else None, where, message)
