"""Aligning a table of an input with the grids of the template, label by label.

A figure is known by the labels to its left and the labels above it, never by its position: rows may be
moved, title lines inserted, merged cells split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from nianbao.labels import Labels
from nianbao.layout import Grid
from nianbao.pack import Pack
from nianbao.values import is_blank

Key = tuple[tuple[str, ...], tuple[str, ...]]
Merges = Sequence[tuple[int, int, int, int]]


@dataclass(frozen=True)
class GridKeys:
    """The labels by which each field of a pack's grids is known."""

    pack: Pack

    @cached_property
    def full(self) -> Mapping[Key, str]:
        """The field of each whole set of labels."""
        return {key: path for path, key in self._keys()}

    @cached_property
    def short(self) -> Mapping[Key, str | None]:
        """The field of each set of innermost labels; None where several fields share it."""
        found: dict[Key, str | None] = {}
        for path, (left, above) in self._keys():
            for i in range(len(left) + 1):
                for j in range(len(above) + 1):
                    key = (left[i:], above[j:])
                    found[key] = None if found.get(key, path) != path else path
        return found

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


def align(rows: Sequence[Sequence[object]], merged: Merges, keys: GridKeys) -> dict[str, tuple[int, int]]:
    """Return where each field stands that the labels of the table show: (row, column) from 0."""
    labels = _label_matrix(rows, merged, keys)
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
            path = keys.find(_left(labels[r], c), _above(labels, r, c))
            # The first such cell of a row is the figure's, blank or not.
            if path is not None and path not in found:
                found[path] = (r, c)
    return found


def _label_matrix(rows: Sequence[Sequence[object]], merged: Merges, keys: GridKeys) -> list[list[str | None]]:
    """Return the canonical label of each cell, None where there is none; merged cells are filled."""
    matrix = [[_label(value, keys.pack.labels, keys.words) for value in row] for row in rows]
    for top, left, bottom, right in merged:
        if top >= len(matrix) or left >= len(matrix[top]) or matrix[top][left] is None:
            continue
        for r in range(top, min(bottom, len(matrix) - 1) + 1):
            for c in range(left, min(right, len(matrix[r]) - 1) + 1):
                matrix[r][c] = matrix[top][left]
    return matrix


def _label(value: object, labels: Labels, words: frozenset[str]) -> str | None:
    if not isinstance(value, str) or is_blank(value):
        return None
    text = labels.canonical(value)
    return text if text in words else None


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
