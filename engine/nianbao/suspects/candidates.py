"""The candidates of one report: each block's smallest sets, put together, the likeliest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from nianbao.suspects.exact import smallest_set
from nianbao.suspects.matrix import Exact
from nianbao.suspects.ranking import Judgement, Ranking
from nianbao.suspects.search import WORK, MinimalSets, Search
from nianbao.suspects.system import Figures

# Combinations of blocks that are looked at where rules link the blocks.
_COMBINED = 1_000


@dataclass(frozen=True)
class Candidate:
    """Changes that satisfy the rules; a value of None could not be determined. `loose`: one choice of several."""

    changes: Mapping[int, Exact | None]
    cost: float
    hint: str = ""
    loose: bool = False


@dataclass(frozen=True)
class Candidates:
    """The best candidates, how many more are known, and whether these are all there are."""

    best: list[Candidate]
    more: int = 0
    complete: bool = True


def candidates(figures: Figures, most: int) -> Candidates:
    """Return the likeliest `most` candidates of a report whose `residual` is not empty."""
    rows = figures.system.equalities
    if not all(rows[number].cells for number in figures.residual):
        # A rule without any cell is wrong whatever the report says.
        return Candidates([])
    block = figures.system.matrix(figures.inactive).block
    residuals: dict[int, dict[int, Exact]] = {}
    for number, gap in figures.residual.items():
        residuals.setdefault(block[rows[number].cells[0]], {})[number] = gap
    # Blocks are searched one by one: they add up where one search over all would multiply.
    finder = _Finder(figures)
    found = [finder.search(residual) for residual in residuals.values()]
    best = _combined(figures, found, most)
    if best.best or len(found) < 2:
        return best
    # Each block by itself has a solution, but not together: an inequality or a condition links them.
    return _combined(figures, [finder.search(figures.residual)], most)


class _Finder:
    """Searches blocks one after another with one budget."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.ranking = Ranking(figures)
        self.work = WORK

    def search(self, residual: Mapping[int, Exact]) -> Candidates:
        """Return the candidates for one block, all of them, likeliest first."""
        figures, system = self.figures, self.figures.system
        matrix = system.matrix(figures.inactive)
        search = Search(matrix, figures.values, system.steps, figures.allows, self.work)
        found = search.run(residual)
        self.work = max(search.work, 0)
        if not found.sets:
            one = smallest_set(matrix, figures.values, system.steps, residual)
            if one is None or not figures.allows(one):
                return Candidates([self._undetermined(residual)])
            found = MinimalSets([one], complete=False)
        ranked = [self._candidate(found, number) for number in self._mending(found)]
        ranked.sort(key=lambda candidate: (candidate.cost, list(candidate.changes)))
        return Candidates(ranked, 0, found.complete)

    def _mending(self, found: MinimalSets) -> list[int]:
        """Return the sets that also mend the inequalities that were violated; all if none does."""
        if not self.figures.strained:
            return list(range(len(found.sets)))
        mending = [number for number, changes in enumerate(found.sets) if self.figures.mends(changes)]
        return mending or list(range(len(found.sets)))

    def _candidate(self, found: MinimalSets, number: int) -> Candidate:
        changes = found.sets[number]
        # One set alone needs no order, but its hint.
        judged: Judgement = self.ranking.judge(changes)
        return Candidate(changes, judged.cost, judged.hint, number in found.loose)

    def _undetermined(self, residual: Mapping[int, Exact]) -> Candidate:
        rows = self.figures.system.equalities
        cells = sorted({cell for number in residual for cell in rows[number].cells})
        return Candidate(dict.fromkeys(cells), 0.0)


def _combined(figures: Figures, blocks: Sequence[Candidates], most: int) -> Candidates:
    """Return the cheapest combinations of one candidate a block."""
    complete = all(block.complete for block in blocks)
    total = prod(len(block.best) for block in blocks)
    if len(blocks) == 1:
        (block,) = blocks
        return Candidates(block.best[:most], max(total - most, 0), complete)
    linked = bool(figures.system.watched)
    best: list[Candidate] = []
    looked = refused = 0
    for candidate in _products([block.best for block in blocks]):
        looked += 1
        if linked and not _allowed(figures, candidate):
            refused += 1
        elif len(best) < most:
            best.append(candidate)
        if looked >= _COMBINED or (len(best) == most and not linked):
            break
    unknown = linked and looked < total
    return Candidates(best, max(total - refused - len(best), 0) if not unknown else 0, complete and not unknown)


def _allowed(figures: Figures, candidate: Candidate) -> bool:
    known = {cell: value for cell, value in candidate.changes.items() if value is not None}
    return figures.allows(known)


def _products(blocks: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Yield every combination of one candidate a block, cheapest first."""
    start = (0,) * len(blocks)
    heap, seen = [(_cost(blocks, start), start)], {start}
    while heap:
        _, place = heapq.heappop(heap)
        yield _joined([block[number] for block, number in zip(blocks, place, strict=True)])
        for n, number in enumerate(place):
            following = (*place[:n], number + 1, *place[n + 1 :])
            if number + 1 < len(blocks[n]) and following not in seen:
                seen.add(following)
                heapq.heappush(heap, (_cost(blocks, following), following))


def _cost(blocks: Sequence[Sequence[Candidate]], place: Sequence[int]) -> float:
    return sum(block[number].cost for block, number in zip(blocks, place, strict=True))


def _joined(parts: Sequence[Candidate]) -> Candidate:
    changes = {cell: value for part in parts for cell, value in part.changes.items()}
    return Candidate(
        dict(sorted(changes.items())),
        sum(part.cost for part in parts),
        # A hint speaks of one place; with several the sentence stays plain.
        "",
        any(part.loose for part in parts),
    )
