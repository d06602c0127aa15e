"""Which of the sets that satisfy the rules is the likeliest, judged by how a person errs.

The cost of a set is the negative logarithm of a chance. Each separate error costs `ERROR`; a cell adds what
its slip costs (`slips`, and the classes below that look at other cells). Some errors change two cells and
are one error:

- exchanged: two neighbours hold each other's figure; where one is 0, a figure stands in the wrong column;
- moved: what one cell has too much, its neighbour has too little;
- followed: a total is wrong by as much as a part of it, as it was added up after the part went wrong.

Neighbours stand side by side in a rule, which is the order of the form. A single cell may also be a copy of
its neighbour; a total may lack a part, hold one twice, or have one subtracted; a part may hold a sibling's
figure as well, where the same cases were counted in both.

Totals against parts: where a slip explains both equally well, the total is named first (`TOTAL`). A part is
copied from a register once; its total depends on all parts, is often added up by hand, and goes stale
whenever a part is corrected later. Per cell it is the riskier figure, though not by a factor that outweighs
a clear slip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

from nianbao.rules.linear import Exact
from nianbao.suspects.slips import HINTS, SHARES, slip_chances
from nianbao.suspects.system import Figures

# One error in about 150 cells, as a cost.
ERROR = 5.0
# How much likelier a total is wrong than a part, all else equal.
TOTAL = 2.0
# The chance that an error exchanges two neighbours, moves cases between them, or takes the total along.
EXCHANGED, MOVED, FOLLOWED = 0.08, 0.04, 0.5
# A class is named where it holds at least this share of the chance.
_CLEAR = 0.6
# Moves of more cases than this are as unlikely as this one.
_FARTHEST = 12


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a set costs, and what it looks like in a few words (empty where nothing is clear)."""

    cost: float
    hint: str = ""


class Ranking:
    """Judges sets of changes of one report."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.system = figures.system
        self._cells: dict[tuple[int, Exact], Judgement] = {}

    def judge(self, changes: Mapping[int, Exact]) -> Judgement:
        """Return the cost of a set: each error once, cells that went wrong together as one."""
        cells = {cell: self._cell(cell, value) for cell, value in changes.items()}
        if len(cells) == 1:
            return next(iter(cells.values()))
        cost = sum(own.cost for own in cells.values())
        joined: set[int] = set()
        hints: list[str] = []
        # The pairs that save most come first; a cell stands in one pair.
        for saving, one, other, hint in self._pairs(changes, cells):
            if not joined & {one, other}:
                cost -= saving
                joined |= {one, other}
                hints.append(hint)
        return Judgement(cost, hints[0] if len(hints) == 1 and len(joined) == len(cells) else "")

    def _pairs(
        self, changes: Mapping[int, Exact], cells: Mapping[int, Judgement]
    ) -> list[tuple[float, int, int, str]]:
        """Return the pairs of cells that cost less as one error: (saving, cell, cell, hint)."""
        found = [
            (cells[one].cost + cells[other].cost - joint.cost, one, other, joint.hint)
            for one, other in combinations(changes, 2)
            for joint in self._together(changes, cells, one, other)
        ]
        return sorted((pair for pair in found if pair[0] > 0), key=lambda pair: (-pair[0], *pair[1:]))

    def _together(
        self, changes: Mapping[int, Exact], cells: Mapping[int, Judgement], one: int, other: int
    ) -> Iterator[Judgement]:
        """Yield what it costs that two cells went wrong in one go, for each way in which they could."""
        now = self.figures.now
        shift, back = changes[one] - now(one), changes[other] - now(other)
        if shift == -back and other in self.system.neighbours.get(one, ()):
            if changes[one] == now(other):
                yield Judgement(ERROR - log(EXCHANGED / 2), "像是两格填反")
            else:
                distance = min(int(max(shift, back)) // self.system.steps[one], _FARTHEST)
                yield Judgement(ERROR - log(MOVED * 0.5**distance), "像是计入了相邻一格")
        for part, total in ((one, other), (other, one)):
            if shift == back and any(part in parts for parts in self.system.sums.get(total, ())):
                yield Judgement(cells[part].cost - log(FOLLOWED), "合计像是随分项一起错的")

    def _cell(self, cell: int, value: Exact) -> Judgement:
        """Return the cost of one cell's slip, with the class that explains it best."""
        kept = self._cells.get((cell, value))
        if kept is not None:
            return kept
        chances: dict[str, float] = {}
        for name, chance in self._slips(cell, value):
            chances[name] = chances.get(name, 0.0) + chance
        whole = sum(chances.values())
        best = max(chances, key=lambda name: chances[name])
        prior = TOTAL if cell in self.system.sums else 1.0
        hint = HINTS.get(best, "") if chances[best] >= _CLEAR * whole else ""
        judged = self._cells[cell, value] = Judgement(ERROR - log(whole * prior), hint)
        return judged

    def _slips(self, cell: int, meant: Exact) -> Iterator[tuple[str, float]]:
        """Yield every class that makes the cell's figure of `meant`, with its chance."""
        step, typed, values = self.system.steps[cell], self.figures.now(cell), self.figures.values
        yield from slip_chances(int(typed // step), int(meant // step))
        beside = self.system.neighbours.get(cell, frozenset())
        if typed and any(values[other] == typed for other in beside):
            yield "copied", SHARES["copied"] / len(beside)
        sums = self.system.sums.get(cell, ())
        if sums and not typed:
            # Nothing was added up at all: a total left at 0.
            yield "left", SHARES["omitted"]
        for parts in sums if typed else ():
            yield from _added_up(typed, meant, [value for part in parts if (value := values[part])])
        for parts in self.system.families.get(cell, ()) if typed > meant else ():
            siblings = [value for part in parts if part != cell and (value := values[part])]
            if typed - meant in siblings:
                yield "twice", SHARES["twice"] / 2 * siblings.count(typed - meant) / len(siblings)


def _added_up(typed: Exact, meant: Exact, parts: Sequence[Exact]) -> Iterator[tuple[str, float]]:
    """Yield the ways in which a total of `parts` can have been added up wrongly."""
    for name, part in (("omitted", meant - typed), ("twice", typed - meant), ("sign", (meant - typed) / 2)):
        if part in parts:
            yield name, SHARES[name] * parts.count(part) / len(parts)
