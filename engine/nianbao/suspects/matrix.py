"""A sparse matrix of equalities, by columns and by rows, and what can be told from it alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from nianbao.rules.linear import Exact, whole

Column = dict[int, Exact]


def divide(one: Exact, other: Exact) -> Exact:
    """Return the exact quotient."""
    # Nearly every factor of a rule is 1 or -1.
    if other == 1:
        return one
    return -one if other == -1 else whole(Fraction(one) / other)


@dataclass(frozen=True)
class Matrix:
    """The equalities: factors by cell and row; `masks` are the rows of each cell as bits.

    Two cells are in one `block` where a chain of rows links them: what happens in one block is no business
    of another.
    """

    columns: list[Column]
    masks: list[int]
    rows: list[tuple[int, ...]]
    block: tuple[int, ...]

    @classmethod
    def of(cls, rows: Mapping[int, Mapping[int, int]], cells: int, height: int) -> Matrix:
        """Return the matrix of `rows`, each factors by cell; a row that is not given is empty."""
        columns: list[Column] = [{} for _ in range(cells)]
        members: list[tuple[int, ...]] = [()] * height
        for number, factors in rows.items():
            members[number] = tuple(sorted(factors))
            for cell, factor in factors.items():
                columns[cell][number] = factor
        return cls(columns, [mask(column) for column in columns], members, _blocks(members, cells))

    @cached_property
    def widest(self) -> int:
        """The number of rows of the cell that stands in most."""
        return max(map(len, self.columns), default=0)

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """A number for each cell that is the same for cells whose columns are equal up to a factor."""
        first: dict[tuple[tuple[int, Exact], ...], int] = {}
        return tuple(first.setdefault(_direction(column), cell) for cell, column in enumerate(self.columns))


def mask(column: Mapping[int, Exact]) -> int:
    """Return the rows of a column as bits."""
    bits = 0
    for row in column:
        bits |= 1 << row
    return bits


def parallel(column: Mapping[int, Exact], other: Mapping[int, Exact], row: int) -> bool:
    """Return whether two columns with an entry in `row` are equal up to a factor."""
    one, two = column[row], other[row]
    return len(column) == len(other) and all(
        number in other and value * two == other[number] * one for number, value in column.items()
    )


def _direction(column: Mapping[int, Exact]) -> tuple[tuple[int, Exact], ...]:
    """Return the column divided by its first factor: equal for columns that differ by a factor only."""
    items = sorted(column.items())
    return tuple((row, divide(factor, items[0][1])) for row, factor in items)


def combine(column: Mapping[int, Exact], other: Mapping[int, Exact], factor: Exact) -> Column:
    """Return `column` minus `factor` times `other`, zeros left out."""
    result = dict(column)
    for row, value in other.items():
        left = result.get(row, 0) - factor * value
        if left:
            result[row] = left
        else:
            result.pop(row, None)
    return result


def solve(columns: Sequence[Mapping[int, Exact]], wanted: Mapping[int, Exact]) -> list[Exact] | None:
    """Return the factors with which the columns add up to `wanted`; None if there are none, or many."""
    # Each column carries a mark of its own (a negative row): what is left of the marks are the factors.
    left: list[Column] = [{**column, ~number: 1} for number, column in enumerate(columns)]
    rest = dict(wanted)
    for number, column in enumerate(left):
        row = min((row for row in column if row >= 0), default=None)
        if row is None:
            return None
        rest = combine(rest, column, divide(rest.get(row, 0), column[row]))
        for later in range(number + 1, len(left)):
            if row in left[later]:
                left[later] = combine(left[later], column, divide(left[later][row], column[row]))
    if any(row >= 0 for row in rest):
        return None
    return [-rest.get(~number, 0) for number in range(len(columns))]


def span(columns: Iterable[Mapping[int, Exact]]) -> tuple[tuple[tuple[int, Exact], ...], ...]:
    """Return the reduced basis of the space that the columns span: the same for every basis of it."""
    basis: dict[int, Column] = {}
    for column in columns:
        rest = dict(column)
        for row, other in basis.items():
            if row in rest:
                rest = combine(rest, other, rest[row])
        if rest:
            row = min(rest)
            rest = {number: divide(value, rest[row]) for number, value in rest.items()}
            basis = {r: combine(other, rest, other.get(row, 0)) for r, other in basis.items()}
            basis[row] = rest
    return tuple(sorted(tuple(sorted(column.items())) for column in basis.values()))


def _blocks(rows: Sequence[tuple[int, ...]], cells: int) -> tuple[int, ...]:
    """Return for each cell the lowest cell that rows link it with."""
    parent = list(range(cells))

    def root(cell: int) -> int:
        while parent[cell] != cell:
            parent[cell] = cell = parent[parent[cell]]
        return cell

    for members in rows:
        for cell in members[1:]:
            low, high = sorted((root(members[0]), root(cell)))
            parent[high] = low
    return tuple(root(cell) for cell in range(cells))
