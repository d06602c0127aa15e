"""Suspects: the smallest sets of cells whose change satisfies every violated equality, likeliest first.

The way of one report: the rules are compiled to sparse integer rows once (`system`); the residuals of the violated
rows are searched for all smallest sets (`search`), each block of linked cells by itself; what one would have to
believe of the person who filled in the form puts them in order (`ranking`); those that no rule could tell apart share
a group (`groups`); each says one modest sentence (`words`). Nothing is ever written into a report.
"""

from __future__ import annotations

from collections.abc import Sequence

from nianbao.fields import FieldSet
from nianbao.findings import Suspect, Value
from nianbao.report import Report
from nianbao.rules import Instance
from nianbao.suspects.candidates import Candidate, Candidates, candidates
from nianbao.suspects.groups import groups
from nianbao.suspects.system import Figures, System
from nianbao.suspects.words import Circumstances, remainder, sentence

__all__ = ["LISTED", "Figures", "System", "find_suspects"]

# As many suspects as a person may be asked to look at; how many more there are is said.
LISTED = 50


def find_suspects(
    instances: Sequence[Instance], report: Report, fields: FieldSet
) -> tuple[Suspect, ...]:
    """Return the suspects of a report, best first; empty if no linear equality is violated.

    Linear rules of severity error count, where their `when` is met and none of their cells is blank. Each suspect
    mends all violated equalities, and what held holds afterwards, inequalities too. Where a smallest set could not be
    found within the limits, the value of a cell is None: something is wrong in these cells, it cannot be told what.
    """
    figures = Figures.of(System.of(instances, fields), report)
    if not figures.residual:
        return ()
    found = candidates(figures, LISTED)
    return tuple(_suspects(figures, found, fields))


def _suspects(figures: Figures, found: Candidates, fields: FieldSet) -> list[Suspect]:
    """Return the candidates as suspects; members of a group stand together, where the best of them stands."""
    listed = found.best
    firsts = _groups(figures, listed)
    order = sorted(range(len(listed)), key=lambda number: (firsts[number], number))
    names = {first: f"{n}" for n, first in enumerate((f for f in dict.fromkeys(firsts) if firsts.count(f) > 1), 1)}
    suspects: list[Suspect] = []
    for place, number in enumerate(order):
        candidate, first = listed[number], firsts[number]
        changes = _named(figures, candidate)
        about = Circumstances(candidate.hint, firsts.count(first), candidate.loose)
        now = {path: report_value for path in changes if (report_value := figures.report.value(path)) is not None}
        reason = sentence(fields, changes, now, about)
        if place == len(order) - 1:
            reason += remainder(found.more, found.complete)
        suspects.append(Suspect(changes, reason, names.get(first)))
    return suspects


def _groups(figures: Figures, listed: Sequence[Candidate]) -> list[int]:
    """Return for each candidate the first of its group; one that is not determined is alone."""
    if len(listed) < 2 or None in listed[0].changes.values():
        return list(range(len(listed)))
    shifts = [
        {cell: value - (figures.values[cell] or 0) for cell, value in candidate.changes.items() if value is not None}
        for candidate in listed
    ]
    return groups(figures.system.matrix(figures.inactive), shifts, figures.residual.keys())


def _named(figures: Figures, candidate: Candidate) -> dict[str, Value]:
    system = figures.system
    return {
        system.fields[cell].path: None if value is None else system.value(cell, value)
        for cell, value in sorted(candidate.changes.items())
    }
