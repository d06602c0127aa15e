"""A matrix after some of its cells were picked and eliminated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nianbao.rules.linear import Exact
from nianbao.suspects.matrix import Column, Matrix, divide


@dataclass(slots=True)
class View:
    """What is left of a matrix; `widest` is an upper bound of the rows in which a cell stands."""

    columns: list[Column]
    masks: list[int]
    rows: list[tuple[int, ...]]
    widest: int

    @classmethod
    def of(cls, matrix: Matrix) -> View:
        """Return the view of a matrix of which nothing was picked yet."""
        return cls(matrix.columns, matrix.masks, matrix.rows, matrix.widest)

    def eliminate(self, cell: int, row: int, banned: Collection[int]) -> View:
        """Return the view after a Gaussian step with `row` as the pivot of `cell`.

        The other cells of the row become "this cell, with the picked one making up for it"; banned ones are
        dropped.
        """
        view = View(self.columns.copy(), self.masks.copy(), self.rows.copy(), self.widest)
        column = self.columns[cell]
        rest = [(number, value) for number, value in column.items() if number != row]
        others = [other for other in self.rows[row] if other != cell and other not in banned]
        for other in others:
            view._relieve(other, row, divide(self.columns[other][row], column[row]), rest)
        for number, _ in rest:
            members = dict.fromkeys((*self.rows[number], *others))
            view.rows[number] = tuple(c for c in members if c != cell and view.masks[c] >> number & 1)
        view.rows[row], view.columns[cell], view.masks[cell] = (), {}, 0
        return view

    def _relieve(self, cell: int, row: int, share: Exact, rest: Sequence[tuple[int, Exact]]) -> None:
        """Take the pivot row out of a cell's column; the picked one makes up for it, `share` times."""
        column, bits = self.columns[cell].copy(), self.masks[cell] & ~(1 << row)
        del column[row]
        for number, value in rest:
            left = column.get(number, 0) - share * value
            if left:
                column[number] = left
                bits |= 1 << number
            else:
                column.pop(number, None)
                bits &= ~(1 << number)
        self.columns[cell], self.masks[cell] = column, bits
        self.widest = max(self.widest, len(column))
