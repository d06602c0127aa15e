"""Which suspects the rules cannot tell apart.

Every suspect satisfies all rules, so more than one of them always leaves a doubt. A group is stronger:
nothing in the rules could tell its members apart. There are two ways to see it.

- The columns of their cells span the same space. Whatever the figures, each difference that one set
  explains the other explains too. Cells whose columns are equal up to a factor are the simplest case: the
  parts and the total of a row that no other rule touches.
- Seen from the violated rules, the sets are the same: cell for cell they change the violated rows alike,
  and what they do to the other rows cancels within each set. So a shift between two columns could be in any
  row that has room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nianbao.rules.linear import Exact
from nianbao.suspects.matrix import Matrix, span

Shift = Mapping[int, Exact]


def first_alike(matrix: Matrix, shifts: Sequence[Shift], violated: Collection[int]) -> list[int]:
    """Return for each set of changes the position of the first set that the rules cannot tell it from."""
    parent = list(range(len(shifts)))

    def root(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    for key in (_space_keys(matrix, shifts), _footprints(matrix, shifts, violated)):
        first: dict[object, int] = {}
        for number, value in enumerate(key):
            low, high = sorted((root(first.setdefault(value, number)), root(number)))
            parent[high] = low
    return [root(number) for number in range(len(shifts))]


def _space_keys(matrix: Matrix, shifts: Sequence[Shift]) -> list[object]:
    """Return for each set the space that its columns span; sets of the same classes share one calculation."""
    known: dict[tuple[int, ...], object] = {}
    keys = []
    for shift in shifts:
        classes = tuple(sorted({matrix.classes[cell] for cell in shift}))
        if classes not in known:
            known[classes] = span(matrix.columns[cell] for cell in classes)
        keys.append(known[classes])
    return keys


def _footprints(matrix: Matrix, shifts: Sequence[Shift], violated: Collection[int]) -> list[object]:
    """Return for each set what its cells, in any order, do to the violated rows."""
    return [
        tuple(
            sorted(
                tuple(
                    (row, factor * change)
                    for row, factor in sorted(matrix.columns[cell].items())
                    if row in violated
                )
                for cell, change in shift.items()
            )
        )
        for shift in shifts
    ]
