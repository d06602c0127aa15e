"""Aligning a table of an input with the grids of the template, label by label.

A figure is known by the labels to its left and the labels above it, never by its position: rows may be
moved, title lines inserted, merged cells split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from nianbao.layout import Grid
from nianbao.pack import Pack
from nianbao.values import is_blank

Key = tuple[tuple[str, ...], tuple[str, ...]]
Merges = Sequence[tuple[int, int, int, int]]
ReadLabel = Callable[[object], str | None]


@dataclass(frozen=True)
class MergedRow:
    """A row of another edition: it is read as one row of this edition, and `message` says how to split it."""

    pack: Pack
    label: str
    instead_of: str
    reads_as: str
    message: str


@dataclass(frozen=True)
class GridKeys:
    """The labels by which each field of a pack's grids is known."""

    pack: Pack

    @cached_property
    def full(self) -> Mapping[Key, str]:
        """The field of each whole set of labels."""
        return {key: path for path, key in self.paths.items()}

    @cached_property
    def paths(self) -> Mapping[str, Key]:
        """The labels of each field: those to its left and those above it."""
        return dict(self._keys())

    @cached_property
    def short(self) -> Mapping[Key, str | None]:
        """The field of each set of innermost labels; None where several fields share it."""
        found: dict[Key, str | None] = {}
        for path, (left, above) in self.paths.items():
            for i in range(len(left) + 1):
                for j in range(len(above) + 1):
                    key = (left[i:], above[j:])
                    found[key] = None if found.get(key, path) != path else path
        return found

    @cached_property
    def merged_rows(self) -> tuple[MergedRow, ...]:
        """The rows of other editions that stand for several rows of this one."""
        return tuple(MergedRow(self.pack, **row) for row in self.pack.variants.get("merged_rows", ()))

    @cached_property
    def words(self) -> frozenset[str]:
        """All labels of the grids in canonical form."""
        labels = self.pack.labels
        return frozenset(labels.canonical(c.text) for grid in self.pack.layout.grids for c in grid.labels)

    def _keys(self) -> Iterator[tuple[str, Key]]:
        for grid in self.pack.layout.grids:
            for path, cell in grid.field_cells.items():
                yield path, self._key(grid, cell.row, cell.column, path)

    def _key(self, grid: Grid, row: int, column: int, path: str) -> Key:
        canonical = self.pack.labels.canonical
        cell = grid.field_cells[path]
        left = tuple(map(canonical, grid.row_labels(cell)))
        return left, tuple(map(canonical, grid.column_labels(cell)))

    def read_label(self, value: object) -> str | None:
        """Return the canonical label of a cell, None where it holds no label of the grids."""
        if not isinstance(value, str) or is_blank(value):
            return None
        text = self.pack.labels.canonical(value)
        return text if text in self.words else None

    def find(self, left: tuple[str, ...], above: tuple[str, ...]) -> str | None:
        """Return the field with these labels: all of them, or the innermost that still tell it apart."""
        path = self.full.get((left, above))
        if path is not None:
            return path
        for i in range(len(left) + 1):
            for j in range(len(above) + 1):
                path = self.short.get((left[i:], above[j:]))
                if path is not None and (left[i:] or len(above[j:]) > 1):
                    return path
        return None


@lru_cache(maxsize=8)
def grid_keys(pack: Pack) -> GridKeys:
    """Return the labels of a pack's grids, made once."""
    return GridKeys(pack)


def align(
    rows: Sequence[Sequence[object]], merged: Merges, keys: GridKeys, read_label: ReadLabel | None = None
) -> dict[str, tuple[int, int]]:
    """Return where each field stands that the labels of the table show: (row, column) from 0.

    `read_label` says which label a cell means, None for no label; without it only known wording counts.
    """
    labels = label_matrix(rows, merged, read_label or keys.read_label)
    covered = {
        (r, c)
        for top, left, bottom, right in merged
        for r in range(top, bottom + 1)
        for c in range(left, right + 1)
        if (r, c) != (top, left)
    }
    found: dict[str, tuple[int, int]] = {}
    for r, row in enumerate(rows):
        if not any(labels[r]) and not _under_labels(labels, r):
            continue
        for c in range(len(row)):
            if labels[r][c] or (r, c) in covered:
                continue
            left = _left(labels[r], c)
            if not left and any(labels[r][c + 1 :]):
                continue  # a blank among the labels of a head
            path = keys.find(left, _above(labels, r, c))
            # The first such cell of a row is the figure's, blank or not.
            if path is not None and path not in found:
                found[path] = (r, c)
    return found


def label_matrix(
    rows: Sequence[Sequence[object]], merged: Merges, read_label: ReadLabel
) -> list[list[str | None]]:
    """Return the canonical label of each cell, None where there is none; merged cells are filled."""
    matrix = [[read_label(value) for value in row] for row in rows]
    for top, left, bottom, right in merged:
        if top >= len(matrix) or left >= len(matrix[top]) or matrix[top][left] is None:
            continue
        for r in range(top, min(bottom, len(matrix) - 1) + 1):
            for c in range(left, min(right, len(matrix[r]) - 1) + 1):
                matrix[r][c] = matrix[top][left]
    return matrix


def _under_labels(labels: Sequence[Sequence[str | None]], row: int) -> bool:
    return row > 0 and any(labels[row - 1])


def _left(labels: Sequence[str | None], column: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in labels[:column] if text))


def _above(labels: Sequence[Sequence[str | None]], row: int, column: int) -> tuple[str, ...]:
    """Return the nearest run of labels above a cell, topmost first."""
    found: list[str] = []
    for r in range(row - 1, -1, -1):
        text = labels[r][column] if column < len(labels[r]) else None
        if text:
            found.insert(0, text)
        elif found:
            break
    return tuple(dict.fromkeys(found))
