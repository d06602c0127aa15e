"""Suspects: the smallest sets of cells whose change satisfies every violated equality, likeliest first.

The way of one report: the rules are compiled to sparse integer rows once (`system`); the residuals of the
violated rows are searched for all smallest sets (`search`), each block of linked cells by itself, and put
together (`candidates`) in the order of what one would have to believe of the person who filled in the form
(`ranking`); those that no rule could tell apart share a group (`groups`); each says one modest sentence
(`words`). Nothing is ever written into a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nianbao.fields import FieldSet
from nianbao.findings import Suspect, Value
from nianbao.report import Report
from nianbao.rules.instances import Instance
from nianbao.suspects.candidates import Candidate, best_candidates
from nianbao.suspects.groups import first_alike
from nianbao.suspects.system import Figures, System
from nianbao.suspects.words import Circumstances, remainder, sentence

__all__ = ["LISTED", "Figures", "System", "find_suspects"]

# As many suspects as a person may be asked to look at; how many more there are is said.
LISTED = 50


def find_suspects(
    instances: Sequence[Instance], report: Report, fields: FieldSet, *, exact: bool = False
) -> tuple[Suspect, ...]:
    """Return the suspects of a report, best first; empty if no linear equality is violated.

    Linear rules of severity error count, where their `when` is met and none of their cells is blank. Each
    suspect mends all violated equalities, and what held holds afterwards, inequalities too. Members of a
    group stand together, where the best of them stands.

    Where a smallest set could not be found within the limits, there is one suspect, and the cells whose value
    could not be told have None. `exact` asks integer programming for one set first, if scipy is installed:
    that takes seconds, not milliseconds.
    """
    figures = Figures.of(System.of(instances, fields), report)
    if not figures.residual:
        return ()
    found = best_candidates(figures, LISTED, exact)
    listed = found.best
    firsts = _groups(figures, listed)
    order = sorted(range(len(listed)), key=lambda number: (firsts[number], number))
    names = _names([firsts[number] for number in order])
    tails = [""] * (len(order) - 1) + [remainder(found.more, found.complete)]
    suspects = (
        _suspect(
            figures, fields, listed[number], firsts.count(firsts[number]), names.get(firsts[number]), tail
        )
        for number, tail in zip(order, tails, strict=False)
    )
    return tuple(suspects)


def _suspect(
    figures: Figures, fields: FieldSet, candidate: Candidate, size: int, group: str | None, tail: str
) -> Suspect:
    changes = dict(_named(figures, candidate))
    now = {path: figures.report.value(path) for path in changes}
    about = Circumstances(candidate.hint, size, candidate.loose)
    return Suspect(changes, sentence(fields, changes, now, about) + tail, group)


def _named(figures: Figures, candidate: Candidate) -> Iterator[tuple[str, Value]]:
    """Yield field and value of each change in schema order."""
    system = figures.system
    for cell, value in sorted(candidate.changes.items()):
        yield system.fields[cell].path, None if value is None else system.value(cell, value)


def _groups(figures: Figures, listed: Sequence[Candidate]) -> list[int]:
    """Return for each candidate the first one that the rules cannot tell it from: itself, if it is alone."""
    if len(listed) < 2:
        return [0] * len(listed)
    shifts = [
        {cell: value - figures.now(cell) for cell, value in candidate.changes.items() if value is not None}
        for candidate in listed
    ]
    return first_alike(figures.system.matrix(figures.inactive), shifts, figures.residual)


def _names(firsts: Sequence[int]) -> dict[int, str]:
    """Return a name for each group that has more than one member."""
    shared = [first for first in dict.fromkeys(firsts) if firsts.count(first) > 1]
    return {first: str(number) for number, first in enumerate(shared, 1)}
