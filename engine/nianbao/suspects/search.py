"""All smallest sets of cells whose change satisfies every violated equality.

Iterative deepening: with `left` cells still to be found, one of them must stand in the violated row that has the
fewest cells, so each cell of that row is tried. A cell that is picked is eliminated (a Gaussian step with that row as
pivot): the row is then satisfied whatever the others do, and the other cells of the row become "this cell, with the
picked one making up for it". So sets with several cells in one row, whose values are not known until the last is
found, need no case of their own. A cell that was tried is banned from the branches after it: each set is met once.

What prunes: every violated row needs a cell, and a cell mends at most as many violated rows as it stands in. The sum
over the violated rows of 1/(rows that the row's best cell mends) is a lower bound of the cells still needed.

Cells must become whole multiples of their step, at least 0, and really change. Sets whose columns are linearly
dependent have room to choose; they can be smallest only where a smaller set solves the rows but falls below 0 or
between two steps. One such spare cell is looked for; sets that need two are not.

The work is counted, not timed, so that equal input gives equal output on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import mod

from nianbao.suspects.matrix import Column, Exact, Matrix, combine, divide, solve

# One unit is about 1.5 µs of pure Python on a laptop: the limit is what "50 ms at worst" allows.
WORK = 20_000
# More sets than this are not of use to anybody; the search says that it stopped.
SETS = 500
# Larger sets are hardly ever what happened.
DEEPEST = 6
# How far from the nearest value whole ones are looked for.
_TURNS = 12
# Least common multiple of 1 … 8: the bound is counted in whole numbers.
_UNIT = 840


@dataclass(frozen=True)
class MinimalSets:
    """The smallest sets found, each new values by cell; `complete` where there are no others.

    `loose` are the positions of the sets whose values are one choice of several.
    """

    sets: list[dict[int, Exact]] = field(default_factory=list)
    complete: bool = True
    loose: frozenset[int] = frozenset()


class _Exhausted(Exception):
    """The work limit is reached."""


@dataclass(slots=True)
class _View:
    """A matrix after some cells were picked and eliminated."""

    columns: list[Column]
    masks: list[int]
    rows: list[tuple[int, ...]]
    widest: int

    def eliminate(self, cell: int, row: int, banned: set[int]) -> _View:
        """Return the view with `row` as the pivot of `cell`."""
        columns, masks, rows = self.columns.copy(), self.masks.copy(), self.rows.copy()
        column, factor, widest = columns[cell], columns[cell][row], self.widest
        rest = [(number, value) for number, value in column.items() if number != row]
        others = [other for other in rows[row] if other != cell and other not in banned]
        for other in others:
            share = divide(columns[other][row], factor)
            new = columns[other].copy()
            del new[row]
            mask = masks[other] & ~(1 << row)
            for number, value in rest:
                left = new.get(number, 0) - share * value
                if left:
                    new[number] = left
                    mask |= 1 << number
                else:
                    new.pop(number, None)
                    mask &= ~(1 << number)
            columns[other], masks[other] = new, mask
            widest = max(widest, len(new))
        for number, _ in rest:
            members = dict.fromkeys((*rows[number], *others))
            rows[number] = tuple(c for c in members if c != cell and masks[c] >> number & 1)
        rows[row], columns[cell], masks[cell] = (), {}, 0
        return _View(columns, masks, rows, widest)


class Search:
    """One search for the smallest sets; `values` are the cells' values now, `allows` judges new ones."""

    def __init__(
        self,
        matrix: Matrix,
        values: Sequence[Exact | None],
        steps: Sequence[int],
        allows: Callable[[Mapping[int, Exact]], bool],
        work: int = WORK,
    ) -> None:
        self.matrix = matrix
        self.values = values
        self.steps = steps
        self.allows = allows
        self.work = work
        self.picked: list[int] = []
        self.banned: set[int] = set()
        self.found: dict[frozenset[int], dict[int, Exact]] = {}
        self.loose: set[frozenset[int]] = set()
        self.residual: Mapping[int, Exact] = {}

    def run(self, residual: Mapping[int, Exact], deepest: int = DEEPEST) -> MinimalSets:
        """Return the smallest sets that mend `residual`; none where they are larger than `deepest`."""
        self.residual = residual
        matrix = self.matrix
        view = _View(matrix.columns, matrix.masks, matrix.rows, matrix.widest)
        complete = True
        try:
            for left in range(1, deepest + 1):
                self._descend(view, dict(residual), left)
                if self.found:
                    break
        except _Exhausted:
            complete = False
        loose = frozenset(n for n, cells in enumerate(self.found) if cells in self.loose)
        return MinimalSets(list(self.found.values()), complete and bool(self.found), loose)

    def _descend(self, view: _View, residual: Column, left: int) -> None:
        """Look for `left` more cells that mend `residual`, which is not empty."""
        wanted = _mask(residual)
        row, cells = self._narrowest(view, residual, wanted, left)
        if left == 1:
            for cell in cells:
                if view.masks[cell] == wanted and _parallel(view.columns[cell], residual, row):
                    self._leaf(cell)
            return
        for cell in cells:
            self._spend(1)
            column = view.columns[cell]
            rest = combine(residual, column, divide(residual[row], column[row]))
            self.picked.append(cell)
            if not rest:
                self._spare(view, cell, row, left - 1)
            elif left == 2:
                self._close(view, cell, row, rest)
            elif len(rest) <= (left - 1) * (view.widest + max(len(column) - 2, 0)):
                self._spend(len(view.rows[row]))
                self._descend(view.eliminate(cell, row, self.banned), rest, left - 1)
            self.picked.pop()
            self.banned.add(cell)
        self.banned.difference_update(cells)

    def _narrowest(
        self, view: _View, residual: Column, wanted: int, left: int
    ) -> tuple[int, Sequence[int]]:
        """Return the violated row with the fewest cells; no cells where `left` cells cannot mend all rows."""
        best: tuple[int, Sequence[int]] = (-1, ())
        needed = 0
        masks, banned = view.masks, self.banned
        for row in residual:
            cells = [cell for cell in view.rows[row] if cell not in banned]
            if not cells:
                return row, ()
            needed += _UNIT // max((masks[cell] & wanted).bit_count() for cell in cells)
            if best[0] < 0 or len(cells) < len(best[1]):
                best = row, cells
        self._spend(len(residual))
        return best if needed <= left * _UNIT else (best[0], ())

    def _close(self, view: _View, cell: int, row: int, rest: Column) -> None:
        """Find the last cell, after `cell` was picked in `row` and `rest` is left to mend.

        The same as eliminating `cell` and descending once more, but without building the view: it is the
        innermost loop.
        """
        wanted, masks, columns, banned = _mask(rest), view.masks, view.columns, self.banned
        first = min(rest, key=lambda number: len(view.rows[number]))
        # Cells that do not stand in the pivot row are what they were.
        for other in view.rows[first]:
            if masks[other] == wanted and other not in banned and _parallel(columns[other], rest, first):
                self._leaf(other)
        # Cells of the pivot row change together with the picked one; what they touch beside the wanted rows
        # must then cancel.
        own = masks[cell] & ~wanted
        for other in view.rows[row]:
            mask = masks[other]
            if mask & ~wanted != own or wanted & ~(mask | masks[cell]) or other in banned or other == cell:
                continue
            share = divide(columns[other][row], columns[cell][row])
            both = combine(columns[other], columns[cell], share)
            if _mask(both) == wanted and _parallel(both, rest, first):
                self._leaf(other)

    def _leaf(self, last: int) -> None:
        """Keep the picked cells and `last`, which mend all rows, if every value can be a figure."""
        self._spend(2)
        cells = [*self.picked, last]
        factors = solve([self.matrix.columns[cell] for cell in cells], self.residual)
        if factors is not None:
            self._keep({cell: self._now(cell) + change for cell, change in zip(cells, factors, strict=True)})

    def _keep(self, changes: dict[int, Exact], loose: bool = False) -> None:
        if not all(self._possible(cell, value) for cell, value in changes.items()) or not self.allows(changes):
            return
        key = frozenset(changes)
        self.found.setdefault(key, {cell: changes[cell] for cell in sorted(changes)})
        if loose:
            self.loose.add(key)
        if len(self.found) >= SETS:
            raise _Exhausted

    def _possible(self, cell: int, value: Exact) -> bool:
        return value >= 0 and not value % self.steps[cell] and value != self._now(cell)

    def _now(self, cell: int) -> Exact:
        value = self.values[cell]
        # A cell that stands in a row which counts is not blank.
        return 0 if value is None else value

    def _spare(self, view: _View, cell: int, row: int, left: int) -> None:
        """Find one cell more where the picked ones mend all rows but cannot have the values that they should."""
        base = solve([self.matrix.columns[c] for c in self.picked], self.residual)
        if left != 1 or base is None:
            return
        self._spend(len(view.columns))
        for other, column in enumerate(view.columns):
            if other in self.picked or other in self.banned or not self.matrix.columns[other]:
                continue
            # It depends on the picked cells where nothing of it is left, or only what the last pick takes away.
            if not column or (row in column and _parallel(column, view.columns[cell], row)):
                self._with_spare(base, other)

    def _with_spare(self, base: Sequence[Exact], other: int) -> None:
        cells = (*self.picked, other)
        weights = solve([self.matrix.columns[cell] for cell in self.picked], self.matrix.columns[other])
        now, steps = [self._now(cell) for cell in cells], [self.steps[cell] for cell in cells]
        if weights is not None and (values := share_out(now, steps, base, weights)):
            self._keep(dict(zip(cells, values, strict=True)), loose=True)

    def _spend(self, units: int) -> None:
        self.work -= units
        if self.work < 0:
            raise _Exhausted


def share_out(
    now: Sequence[Exact], steps: Sequence[int], base: Sequence[Exact], weights: Sequence[Exact]
) -> list[Exact] | None:
    """Return possible new values of dependent cells, the last of which takes over from the others; None if none.

    When the last cell changes by d, each other one changes by base - weight * d. Of the d that keep all at 0 or
    above, the one nearest to 0 that also makes all whole is taken.
    """
    low: Exact = -now[-1]
    high: Exact | None = None
    for value, change, weight in zip(now, base, weights, strict=False):
        bound = Fraction(value + change)
        if weight > 0:
            high = bound / weight if high is None else min(high, bound / weight)
        elif weight < 0:
            low = max(low, bound / weight)
        elif bound < 0:
            return None
    first = int(-(-low // steps[-1]))
    final = max(first, 0) + _TURNS if high is None else int(high // steps[-1])
    nearest = min(max(first, 0), final)
    for turns in sorted(range(nearest - _TURNS, nearest + _TURNS + 1), key=lambda n: (abs(n - nearest), n)):
        d = turns * steps[-1]
        changes = [change - weight * d for change, weight in zip(base, weights, strict=True)] + [d]
        values = [value + change for value, change in zip(now, changes, strict=True)]
        if first <= turns <= final and all(changes) and not any(map(mod, values, steps)):
            return values
    return None


def _mask(column: Mapping[int, Exact]) -> int:
    mask = 0
    for row in column:
        mask |= 1 << row
    return mask


def _parallel(column: Mapping[int, Exact], other: Mapping[int, Exact], row: int) -> bool:
    """Return whether two columns over the same rows, `row` among them, are equal up to a factor."""
    one, two = column[row], other[row]
    return len(column) == len(other) and all(
        number in other and value * two == other[number] * one for number, value in column.items()
    )
