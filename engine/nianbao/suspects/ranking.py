"""Which of the sets that satisfy the rules is the likeliest, judged by how a person errs.

The cost of a set is the negative logarithm of a chance. Each separate error costs `ERROR`; a cell adds what its slip
costs (see `slips`, and the classes below that look at other cells). Some errors change two cells and are one:

- exchanged: two neighbouring cells each hold the other's figure; with one of them 0, a figure in the wrong column;
- moved: what one cell has too much, its neighbour has too little;
- followed: a total that is wrong by as much as a part of it was added up after the part went wrong.

Neighbours are cells that stand side by side in a rule, which is the order of the form. A single cell may also be
a copy of its neighbour; a total may lack a part, hold one twice, or have one subtracted; a part may hold a sibling's
figure a second time.

Totals against parts: where a digit's slip fits both equally well, the total is named first (`TOTAL`). A part is copied
from a register once; its total depends on all parts, is added up by hand, and goes stale whenever one of them is
corrected later. Per cell it is the riskier figure, though by no more than a factor that a clear slip outweighs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import log

from nianbao.suspects.matrix import Exact
from nianbao.suspects.slips import HINTS, SHARES, typed_slips
from nianbao.suspects.system import Figures

# One error in about 150 cells, as a cost.
ERROR = 5.0
# How much likelier a total is wrong than a part, all else equal.
TOTAL = 2.0
# Of all slips, those that change two neighbouring cells, and those totals that were summed after the slip.
_EXCHANGED, _MOVED, _FOLLOWED = 0.08, 0.04, 0.5
# A class is named where it holds at least this share of the chance.
_CLEAR = 0.6


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a set costs, and what it looks like in a few words (empty where nothing is clear)."""

    cost: float
    hint: str = ""


class Ranking:
    """Judges sets of changes of one report."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.values = figures.values
        self._cells: dict[tuple[int, Exact], Judgement] = {}

    @cached_property
    def neighbours(self) -> Mapping[int, frozenset[int]]:
        """The cells that stand beside each cell in a rule."""
        return self.figures.system.neighbours

    def judge(self, changes: Mapping[int, Exact]) -> Judgement:
        """Return the cost of a set: each error once, cells that went wrong together as one."""
        cells = {cell: self.cell(cell, value) for cell, value in changes.items()}
        parts = [(own.cost, own.hint) for own in cells.values()]
        if len(changes) == 1:
            return Judgement(*parts[0])
        return self._together(changes, cells)

    def _together(self, changes: Mapping[int, Exact], cells: Mapping[int, Judgement]) -> Judgement:
        """Take the pairs that save most first; a cell stands in one pair."""
        savings = sorted(
            (joint.cost - cells[one].cost - cells[other].cost, one, other, joint.hint)
            for one, other in combinations(sorted(changes), 2)
            for joint in self._pair(changes, cells, one, other)
        )
        cost = sum(own.cost for own in cells.values())
        used: set[int] = set()
        hints: list[str] = []
        for saving, one, other, hint in savings:
            if saving < 0 and not used & {one, other}:
                cost += saving
                used |= {one, other}
                hints.append(hint)
        return Judgement(cost, hints[0] if hints and len(used) == len(changes) else "")

    def _pair(
        self, changes: Mapping[int, Exact], cells: Mapping[int, Judgement], one: int, other: int
    ) -> Iterator[Judgement]:
        """Yield what it costs that two cells went wrong in one go."""
        shift, back = changes[one] - self._now(one), changes[other] - self._now(other)
        if other in self.neighbours.get(one, ()) and shift == -back:
            exchanged = changes[one] == self._now(other)
            chance = _EXCHANGED / 2 if exchanged else _MOVED * 0.5 ** min(abs(shift), 12)
            yield Judgement(ERROR - log(chance), "像是两格填反" if exchanged else "像是计入了相邻一格")
        sums = self.figures.system.sums
        for part, total in ((one, other), (other, one)):
            if shift == back and any(part in parts for parts in sums.get(total, ())):
                yield Judgement(cells[part].cost - log(_FOLLOWED), "合计像是随分项一起错的")

    def cell(self, cell: int, value: Exact) -> Judgement:
        """Return the cost of one cell's slip, with the class that explains it best."""
        kept = self._cells.get((cell, value))
        if kept is None:
            kept = self._cells[cell, value] = self._judge_cell(cell, value)
        return kept

    def _judge_cell(self, cell: int, value: Exact) -> Judgement:
        chances: dict[str, float] = {}
        for name, chance in self._slips(cell, value):
            chances[name] = chances.get(name, 0.0) + chance
        whole = sum(chances.values())
        best = max(chances, key=lambda name: chances[name])
        prior = TOTAL if cell in self.figures.system.sums else 1.0
        clear = chances[best] >= _CLEAR * whole
        return Judgement(ERROR - log(whole * prior), HINTS.get(best, "") if clear else "")

    def _slips(self, cell: int, value: Exact) -> Iterator[tuple[str, float]]:
        step = self.figures.system.steps[cell]
        typed, meant = self._now(cell), value
        yield from typed_slips(int(typed // step), int(meant // step))
        beside = self.neighbours.get(cell, frozenset())
        if typed and any(self.values[other] == typed for other in beside):
            yield "copied", SHARES["copied"] / len(beside)
        sums = self.figures.system.sums.get(cell, ())
        if sums and not typed:
            # Nothing was added up at all: a total left at 0, which is commoner than a part left out.
            yield "left", SHARES["omitted"] + SHARES["left"]
            return
        for parts in sums:
            yield from self._total_slips(typed, meant, [self.values[part] for part in parts])
        if typed > meant:
            yield from self._counted_twice(cell, typed - meant)

    def _total_slips(
        self, typed: Exact, meant: Exact, parts: list[Exact | None]
    ) -> Iterator[tuple[str, float]]:
        filled = [part for part in parts if part]
        for part in set(filled):
            share = filled.count(part) / len(filled)
            if meant - typed == part:
                yield "omitted", SHARES["omitted"] * share
            elif typed - meant == part:
                yield "twice", SHARES["twice"] * share
            elif meant - typed == 2 * part:
                yield "sign", SHARES["sign"] * share

    def _counted_twice(self, cell: int, excess: Exact) -> Iterator[tuple[str, float]]:
        """A part that is too high by a sibling's figure: the same cases were counted in both."""
        for parts in self.figures.system.families.get(cell, ()):
            filled = [self.values[part] for part in parts if part != cell and self.values[part]]
            if excess in filled:
                yield "twice", SHARES["twice"] * filled.count(excess) / len(filled) / 2

    def _now(self, cell: int) -> Exact:
        value = self.values[cell]
        return 0 if value is None else value
