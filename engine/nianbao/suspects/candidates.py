"""The candidates of one report: each block's smallest sets, put together, the likeliest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from nianbao.rules.linear import Exact
from nianbao.suspects.exact import smallest_set
from nianbao.suspects.ranking import Ranking
from nianbao.suspects.search import WORK, MinimalSets, Search
from nianbao.suspects.system import Figures

# Combinations of blocks that are looked at where rules link the blocks.
_COMBINED = 1_000


@dataclass(frozen=True)
class Candidate:
    """Changes that satisfy the rules; None is a value that could not be determined.

    `loose` says that the values are one choice of several.
    """

    changes: Mapping[int, Exact | None]
    cost: float
    hint: str = ""
    loose: bool = False


@dataclass(frozen=True)
class Candidates:
    """The best candidates, how many more are known, and whether there are no others."""

    best: list[Candidate]
    more: int = 0
    complete: bool = True


def best_candidates(figures: Figures, most: int, exact: bool = False) -> Candidates:
    """Return the likeliest `most` candidates of a report whose `residual` is not empty.

    `exact` asks integer programming for what the search gives up on.
    """
    rows = figures.system.equalities
    # Blocks are searched one by one: their work adds up where one search over all would multiply it.
    block = figures.system.matrix(figures.inactive).block
    residuals: dict[int, dict[int, Exact]] = {}
    for number, gap in figures.residual.items():
        residuals.setdefault(block[rows[number].cells[0]], {})[number] = gap
    finder = _Finder(figures, exact)
    # The smaller ones first, so that one that uses up the limit leaves the others their part.
    found = [finder.search(residual) for residual in sorted(residuals.values(), key=len)]
    combined = _combined(figures, found, most)
    if combined.best:
        return combined
    # Each block by itself has a solution, but not together: an inequality or a condition links them.
    return _combined(figures, [finder.search(figures.residual)], most)


class _Finder:
    """Searches blocks one after another within one limit of work."""

    def __init__(self, figures: Figures, exact: bool) -> None:
        self.figures = figures
        self.exact = exact
        self.ranking = Ranking(figures)
        self.work = WORK

    def search(self, residual: Mapping[int, Exact]) -> Candidates:
        """Return all candidates for one block, likeliest first."""
        figures, system = self.figures, self.figures.system
        matrix = system.matrix(figures.inactive)
        search = Search(matrix, figures.values, system.steps, figures.allows, self.work)
        found = search.run(residual)
        self.work = max(search.work, 0)
        if not found.sets:
            one = smallest_set(matrix, figures.values, system.steps, residual) if self.exact else None
            if one is None or not figures.allows(one):
                return Candidates([_undetermined(figures, residual)], complete=False)
            found = MinimalSets([one], complete=False)
        best = [self._candidate(found, number) for number in self._mending(found)]
        best.sort(key=lambda candidate: (candidate.cost, list(candidate.changes)))
        return Candidates(best, complete=found.complete)

    def _mending(self, found: MinimalSets) -> list[int]:
        """Return the sets that mend the violated inequalities as well; all if there is none."""
        everything = list(range(len(found.sets)))
        if not self.figures.strained:
            return everything
        return [n for n in everything if self.figures.mends(found.sets[n])] or everything

    def _candidate(self, found: MinimalSets, number: int) -> Candidate:
        judged = self.ranking.judge(found.sets[number])
        return Candidate(found.sets[number], judged.cost, judged.hint, number in found.loose)


def _undetermined(figures: Figures, residual: Mapping[int, Exact]) -> Candidate:
    """Return the cells of the violated rules, none with a value."""
    rows = figures.system.equalities
    return Candidate(dict.fromkeys(sorted({cell for number in residual for cell in rows[number].cells})), 0.0)


def _combined(figures: Figures, blocks: Sequence[Candidates], most: int) -> Candidates:
    """Return the cheapest combinations of one candidate a block."""
    if any(None in candidate.changes.values() for block in blocks for candidate in block.best):
        return Candidates([_told(blocks)])
    complete = all(block.complete for block in blocks)
    total = prod(len(block.best) for block in blocks)
    # Only what links blocks can forbid a combination of what each block allows.
    linked = len(blocks) > 1 and bool(figures.system.watched)
    best: list[Candidate] = []
    looked = refused = 0
    for candidate in _products([block.best for block in blocks]):
        looked += 1
        if linked and not figures.allows(_known(candidate)):
            refused += 1
        elif len(best) < most:
            best.append(candidate)
        if looked == _COMBINED or (len(best) == most and not linked):
            break
    if linked and looked < total:
        return Candidates(best, 0, False)
    return Candidates(best, total - refused - len(best), complete)


def _told(blocks: Sequence[Candidates]) -> Candidate:
    """Return one candidate for a report with a block that could not be solved.

    A cell has a value where its block has one candidate only; all others are merely named.
    """
    changes: dict[int, Exact | None] = {}
    for block in blocks:
        for candidate in block.best:
            changes |= candidate.changes if len(block.best) == 1 else dict.fromkeys(candidate.changes)
    return Candidate(dict(sorted(changes.items())), 0.0)


def _known(candidate: Candidate) -> dict[int, Exact]:
    return {cell: value for cell, value in candidate.changes.items() if value is not None}


def _products(blocks: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Yield every combination of one candidate a block, cheapest first."""
    if len(blocks) == 1:
        yield from blocks[0]
        return
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
    """Return the candidates as one; a hint speaks of one place, so the sentence of several has none."""
    changes = {cell: value for part in parts for cell, value in part.changes.items()}
    return Candidate(
        dict(sorted(changes.items())), sum(part.cost for part in parts), "", any(part.loose for part in parts)
    )
