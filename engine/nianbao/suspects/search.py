"""All smallest sets of cells whose change satisfies every violated equality.

Iterative deepening: with `left` cells still to be found, one of them must stand in the violated row that
has the fewest cells, so each cell of that row is tried. A cell that is picked is eliminated (`view`): the
row is then satisfied whatever the others do. So sets with several cells in one row, whose values are not
known until the last is found, need no case of their own. A cell that was tried is banned from the branches
after it: each set is met once.

What prunes: every violated row needs a cell, and a cell mends at most as many violated rows as it stands
in. The sum over the violated rows of 1/(violated rows of the row's best cell) is a lower bound of what is
needed.

Cells must become whole multiples of their step, at least 0, and really change. Sets whose columns are
linearly dependent have room to choose their values; they can be smallest only where a part of them mends
the rows but would fall below 0 (`_shift`). Such a set is missed where its values are whole only away from
the corners of what is possible, which tables with totals do not have.

The work is counted, not timed, so that equal input gives equal output on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from nianbao.rules.linear import Exact
from nianbao.suspects.matrix import Column, Matrix, combine, divide, mask, parallel, solve
from nianbao.suspects.view import View

# One unit is about a microsecond: the limit is what "50 ms at worst" allows.
WORK = 25_000
# More sets than this are of no use to anybody; the search says that it stopped.
SETS = 500
# The work runs out long before; a limit for rules that are easy to search.
DEEPEST = 30
# The lower bound is counted in whole numbers: twice the least common multiple of 1 … 8.
_UNIT = 1680


@dataclass(frozen=True)
class MinimalSets:
    """The smallest sets found, each new values by cell; `complete` where there are no others.

    `loose` are the positions of the sets whose values are one choice of several.
    """

    sets: list[dict[int, Exact]] = field(default_factory=list)
    complete: bool = True
    loose: frozenset[int] = frozenset()


class _Exhausted(Exception):
    """The limit of work or of sets is reached."""


class Search:
    """One search for the smallest sets.

    `values` are the cells' values now, `steps` by what they can change, `allows` judges new values, and
    `work` is what is left of the limit.
    """

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
        self._residual: Mapping[int, Exact] = {}
        self._picked: list[int] = []
        self._zeroed: list[int] = []
        self._banned: set[int] = set()
        self._found: dict[tuple[int, ...], dict[int, Exact]] = {}
        self._loose: set[tuple[int, ...]] = set()

    def run(self, residual: Mapping[int, Exact], deepest: int = DEEPEST) -> MinimalSets:
        """Return the smallest sets that mend `residual`; none where they are larger than `deepest`."""
        complete = True
        try:
            for left in range(1, deepest + 1):
                self._mend(residual, left)
                if self._found:
                    break
        except _Exhausted:
            complete = False
        loose = frozenset(number for number, cells in enumerate(self._found) if cells in self._loose)
        return MinimalSets(list(self._found.values()), complete and bool(self._found), loose)

    def _mend(self, residual: Mapping[int, Exact], left: int) -> None:
        """Look for `left` cells that mend `residual`, beside those that were set to 0."""
        if residual and self._enough(residual, left):
            outer = self._residual, self._picked
            self._residual, self._picked = residual, []
            self._descend(View.of(self.matrix), dict(residual), left)
            self._residual, self._picked = outer

    def _descend(self, view: View, residual: Column, left: int) -> None:
        """Look for `left` more cells that mend `residual`, which is not empty."""
        row, cells = self._narrowest(view, residual, left)
        if left == 1:
            wanted = mask(residual)
            for cell in cells:
                if view.masks[cell] == wanted and parallel(view.columns[cell], residual, row):
                    self._complete(cell)
            return
        for cell in cells:
            self._spend(1)
            column = view.columns[cell]
            rest = combine(residual, column, divide(residual[row], column[row]))
            self._picked.append(cell)
            if not rest:
                self._shift(left - 1)
            elif left == 2:
                self._close(view, cell, row, rest)
            # After the step no cell stands in more rows than this.
            elif len(rest) <= (left - 1) * (view.widest + max(len(column) - 2, 0)):
                self._spend(len(view.rows[row]) + len(view.columns) // 200)
                self._descend(view.eliminate(cell, row, self._banned), rest, left - 1)
            self._picked.pop()
            self._banned.add(cell)
        self._banned.difference_update(cells)

    def _narrowest(self, view: View, residual: Column, left: int) -> tuple[int, Sequence[int]]:
        """Return the violated row with the fewest cells; no cells where `left` cells cannot mend all rows."""
        wanted, banned = mask(residual), self._banned
        best_row, best = -1, view.rows[0]
        allowed = left * _UNIT // 2
        for row in residual:
            cells = view.rows[row]
            if banned:
                cells = tuple([cell for cell in cells if cell not in banned])
            self._spend(1 + len(cells) // 3)
            if not cells:
                return row, ()
            allowed -= _UNIT // _most(view, residual, wanted, cells)
            if allowed < 0:
                return row, ()
            if best_row < 0 or len(cells) < len(best):
                best_row, best = row, cells
        return best_row, best

    def _close(self, view: View, cell: int, row: int, rest: Column) -> None:
        """Find the last cell, after `cell` was picked in `row` and `rest` is left to mend.

        The same as eliminating `cell` and descending once more, but without making the view: it is the
        innermost loop.
        """
        wanted, masks, columns, banned = mask(rest), view.masks, view.columns, self._banned
        first = min(rest, key=lambda number: len(view.rows[number]))
        # Cells that do not stand in the pivot row are what they were.
        for other in view.rows[first]:
            if masks[other] == wanted and other not in banned and parallel(columns[other], rest, first):
                self._complete(other)
        # Cells of the pivot row change together with the picked one; what they touch beside the wanted rows
        # must then cancel.
        own = masks[cell] & ~wanted
        for other in view.rows[row]:
            bits = masks[other]
            if bits & ~wanted != own or wanted & ~(bits | masks[cell]) or other in banned or other == cell:
                continue
            both = combine(columns[other], columns[cell], divide(columns[other][row], columns[cell][row]))
            if mask(both) == wanted and parallel(both, rest, first):
                self._complete(other)

    def _shift(self, left: int) -> None:
        """Find sets of `left` cells more where the picked ones mend all rows but some would fall below 0.

        If there is such a set, there is also one way to fill it in which one of those cells is 0: it is set
        to 0, and the others are searched for with what is then left to mend.
        """
        picked = tuple(self._picked)
        factors = solve([self.matrix.columns[cell] for cell in picked], self._residual)
        for cell, change in zip(picked, factors or (), strict=False):
            now = self._now(cell)
            if now > 0 and now + change < 0:
                self._banned.add(cell)
                self._zeroed.append(cell)
                rest = combine(self._residual, self.matrix.columns[cell], -now)
                self._mend(rest, len(picked) + left - 1)
                self._zeroed.pop()
                self._banned.discard(cell)

    def _complete(self, last: int) -> None:
        """Keep the picked cells and `last`, which mend all rows, if every value can be a figure."""
        cells = (*self._picked, last)
        self._spend(len(cells) ** 2)
        factors = solve([self.matrix.columns[cell] for cell in cells], self._residual)
        if factors is None:
            return
        changes: dict[int, Exact] = dict.fromkeys(self._zeroed, 0)
        for cell, change in zip(cells, factors, strict=True):
            now = self._now(cell)
            changes[cell] = now + change
            if not change or changes[cell] < 0 or changes[cell] % self.steps[cell]:
                return
        if self.allows(changes):
            self._keep(changes)

    def _keep(self, changes: Mapping[int, Exact]) -> None:
        cells = tuple(sorted(changes))
        self._found.setdefault(cells, {cell: changes[cell] for cell in cells})
        # Values are one choice of several if the columns depend on each other.
        if self._zeroed and solve([self.matrix.columns[cell] for cell in cells], self._residual) is None:
            self._loose.add(cells)
        if len(self._found) >= SETS:
            raise _Exhausted

    def _enough(self, residual: Mapping[int, Exact], left: int) -> bool:
        """Return whether `left` cells can do for every row.

        One cell that rises is enough for a row, but what can only go down goes down to 0 at most.
        """
        columns, banned = self.matrix.columns, self._banned
        for row, gap in residual.items():
            parts = [(columns[c][row], c) for c in self.matrix.rows[row] if c not in banned]
            if any(factor * gap > 0 for factor, _ in parts):
                continue
            room = sorted((max(f * self._now(c), -f * self._now(c)) for f, c in parts), reverse=True)
            if sum(room[:left]) < max(gap, -gap):
                return False
        return True

    def _now(self, cell: int) -> Exact:
        # A cell that stands in a row which counts is not blank.
        return self.values[cell] or 0

    def _spend(self, units: int) -> None:
        self.work -= units
        if self.work < 0:
            raise _Exhausted


def _most(view: View, residual: Column, wanted: int, cells: Sequence[int]) -> int:
    """Return the most that one of the cells can do for the violated rows, in halves of a row."""
    most = 1
    masks, columns, others = view.masks, view.columns, ~wanted
    for cell in cells:
        bits = masks[cell]
        worth = 2 * (bits & wanted).bit_count()
        if worth > most:
            if not (bits & others or _alone(columns[cell], residual)):
                worth -= 1
            if worth > most:
                most = worth
    return most


def _alone(column: Column, residual: Column) -> bool:
    """Return whether a change of this cell mends each of its rows, all of which are violated."""
    first = gap = None
    for row, value in column.items():
        if first is None or gap is None:
            first, gap = value, residual[row]
        elif gap * value != residual[row] * first:
            return False
    return True
