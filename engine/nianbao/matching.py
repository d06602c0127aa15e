"""Which report of one set belongs to which of another: by agency, then by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from nianbao.labels import normal
from nianbao.report import Report

Pairs = list[tuple[Report | None, Report | None]]


def agency_key(name: str) -> str:
    """Return what two spellings of an agency's name have in common."""
    return normal(name)


def match_reports(before: Sequence[Report], after: Sequence[Report]) -> Pairs:
    """Return the reports in pairs, those of one side alone with None, in the order of `after`.

    One report on each side belong together whatever they are called. Otherwise an agency's reports of the
    same year are a pair, and of those that are left the nearest years. Reports without an agency stay alone.
    """
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    partners: dict[int, int] = {}
    olds, news = _by_agency(before), _by_agency(after)
    for key, indexes in news.items():
        partners |= _nearest(before, after, olds.get(key, []), indexes)
    pairs: Pairs = [
        (before[partners[j]] if j in partners else None, report) for j, report in enumerate(after)
    ]
    taken = set(partners.values())
    return pairs + [(report, None) for i, report in enumerate(before) if i not in taken]


def _by_agency(reports: Sequence[Report]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, report in enumerate(reports):
        if report.agency:
            found[agency_key(report.agency)].append(index)
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
    """Return how far two years are apart, then the earlier of them; no year is far from every year."""
    if one is None or other is None:
        return (0, 0) if one is other else (10_000, 0)
    return abs(one - other), min(one, other)
