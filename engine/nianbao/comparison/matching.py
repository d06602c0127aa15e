"""Which report of one set belongs to which of another: by agency, then by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import product

from nianbao.agencies import agency_key, code_key
from nianbao.previous.aliases import as_aliases
from nianbao.report import Report

Key = Callable[[str], str]
Pairs = list[tuple[Report | None, Report | None]]


def match_reports(
    before: Sequence[Report], after: Sequence[Report], name: Key = agency_key, code: str = ""
) -> Pairs:
    """Return the reports in pairs, those of one side alone with None, in the order of `after`.

    One report on each side belong together whatever they are called. Otherwise an agency's reports of the
    same year are a pair, and of those that are left the nearest years. An agency goes by its name (`name`
    gives what two spellings have in common), else by the field `code`; one that has neither stays alone.
    """
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    partners: dict[int, int] = {}
    for key in (lambda report: name(report.agency), lambda report: code_key(report.value(code))):
        taken = set(partners.values())
        olds = _grouped(before, key, taken)
        for words, indexes in _grouped(after, key, set(partners)).items():
            partners |= _nearest(before, after, olds.get(words, []), indexes)
    pairs: Pairs = [
        (before[partners[j]] if j in partners else None, report) for j, report in enumerate(after)
    ]
    taken = set(partners.values())
    return pairs + [(report, None) for i, report in enumerate(before) if i not in taken]


def current_name(aliases: object = None) -> Key:
    """Return a function from an agency's name to what its latest name has in common with other spellings.

    `aliases` are those of `previous`, or their file; raises InputError for one that cannot be read.
    """
    changes = as_aliases(aliases).changes
    renamed = {agency_key(c.old): agency_key(c.new) for c in changes if c.kind == "renamed"}

    def latest(name: str) -> str:
        passed = [agency_key(name)]
        while (following := renamed.get(passed[-1])) is not None:
            if following in passed:
                # Renamed back and forth: one agency all the same.
                return min(passed[passed.index(following) :])
            passed.append(following)
        return passed[-1]

    return latest


def _grouped(
    reports: Sequence[Report], key: Callable[[Report], str], without: Set[int]
) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, report in enumerate(reports):
        if index not in without and (words := key(report)):
            found[words].append(index)
    return found


def _nearest(
    before: Sequence[Report], after: Sequence[Report], olds: list[int], news: list[int]
) -> dict[int, int]:
    """Return the index in `before` of the partner of each in `after`, nearest years first."""
    if len(olds) == len(news) == 1:
        return {news[0]: olds[0]}
    ranked = sorted(
        (_distance(before[i].year, after[j].year), rank) for rank, (i, j) in enumerate(product(olds, news))
    )
    choices = list(product(olds, news))
    partners: dict[int, int] = {}
    for _, rank in ranked:
        i, j = choices[rank]
        if j not in partners and i not in partners.values():
            partners[j] = i
    return partners


def _distance(one: int | None, other: int | None) -> tuple[int, int]:
    """Return how far two years are apart, later ones first; no year is far from every year."""
    if one is None or other is None:
        return (0, 0) if one is other else (10_000, 0)
    return abs(one - other), -max(one, other)
