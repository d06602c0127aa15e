"""Which cells are the total of which others: a rule that says so names one cell alone against a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nianbao.predecessors import is_last_years
from nianbao.rules.expression import Linear
from nianbao.rules.instances import Instance


def sums_of(
    instances: Sequence[Instance], cells: Mapping[str, int]
) -> dict[int, tuple[tuple[int, ...], ...]]:
    """Return for each total the parts of every sum that it stands alone against in an equality."""
    found: dict[int, tuple[tuple[int, ...], ...]] = {}
    for comparison in (instance.comparison for instance in instances):
        if any(map(is_last_years, comparison.fields)):
            continue
        sides = (comparison.left, comparison.right)
        for one, other in (sides, sides[::-1]) if comparison.op == "==" and not comparison.tolerance else ():
            if _alone(one) and len(other.terms) > 1 and all(factor == 1 for _, factor in other.terms):
                total = cells[one.terms[0][0]]
                found[total] = (*found.get(total, ()), tuple(cells[path] for path, _ in other.terms))
    return found


def _alone(side: Linear) -> bool:
    return len(side.terms) == 1 and side.terms[0][1] == 1 and not side.constant
