"""Linear rules as rows of integers over numbered cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from operator import itemgetter, mul
from typing import Any

from nianbao.expression import Condition, Linear
from nianbao.findings import Value
from nianbao.predecessors import is_last_years
from nianbao.rules import Instance
from nianbao.suspects.matrix import Exact


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: factors of cells, in the order in which the rule names them, plus a constant, against 0.

    `given` are cells of last year's report, which nothing can change, with the factors that follow those of
    `cells`. `take` fetches the values of all of them; `reads` are the cells that its condition looks at.
    """

    cells: tuple[int, ...]
    factors: tuple[int, ...]
    constant: int
    op: str
    take: Callable[[Sequence[Any]], tuple[Any, ...]]
    when: Condition | None = None
    reads: frozenset[int] = frozenset()
    given: tuple[int, ...] = ()

    @classmethod
    def of(cls, instance: Instance, cells: Mapping[str, int], scale: int) -> Row:
        """Return the row of a rule for values that are scaled by `scale`; its factors become whole."""
        total = instance.comparison.left.plus(instance.comparison.right, -1)
        constant = Fraction(total.constant) * scale
        terms = sorted(total.terms, key=lambda term: is_last_years(term[0]))
        factors = [Fraction(factor) for _, factor in terms]
        unit = lcm(constant.denominator, *(factor.denominator for factor in factors))
        named = tuple(cells[path] for path, _ in terms)
        own = sum(not is_last_years(path) for path, _ in terms)
        return cls(
            named[:own],
            tuple(int(factor * unit) for factor in factors),
            int(constant * unit),
            instance.comparison.op,
            _taker(named),
            instance.when,
            frozenset() if instance.when is None else _reads(instance.when, cells),
            named[own:],
        )

    @property
    def column(self) -> dict[int, int]:
        """The factors of the cells that can change."""
        return dict(zip(self.cells, self.factors, strict=False))

    def value(self, values: Sequence[Exact | None]) -> Exact | None:
        """Return left side minus right side, or None where a cell is blank."""
        try:
            total: Exact = sum(map(mul, self.factors, self.take(values)), self.constant)
        except TypeError:  # a blank is None
            return None
        return total


def _taker(cells: tuple[int, ...]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return a function that fetches the cells' values as a tuple."""
    if len(cells) > 1:
        return itemgetter(*cells)
    # itemgetter of one index returns the bare value.
    return lambda values: tuple(values[cell] for cell in cells)


def _reads(when: Condition, cells: Mapping[str, int]) -> frozenset[int]:
    """Return the cells that a condition looks at: it asks for all of them, blank or not."""
    asked: set[str] = set()

    def lookup(path: str) -> Value:
        asked.add(path)
        return None

    when(lookup)
    return frozenset(cells[path] for path in asked if path in cells)


def sums_of(
    instances: Sequence[Instance], cells: Mapping[str, int]
) -> dict[int, tuple[tuple[int, ...], ...]]:
    """Return for each total the parts of every sum that it stands alone against in an equality."""
    found: dict[int, tuple[tuple[int, ...], ...]] = {}
    for comparison in (instance.comparison for instance in instances):
        if any(map(is_last_years, comparison.fields)):
            continue
        sides = (comparison.left, comparison.right)
        for one, other in (sides, sides[::-1]) if comparison.op == "==" else ():
            if _alone(one) and len(other.terms) > 1 and all(factor == 1 for _, factor in other.terms):
                total = cells[one.terms[0][0]]
                found[total] = (*found.get(total, ()), tuple(cells[path] for path, _ in other.terms))
    return found


def _alone(side: Linear) -> bool:
    return len(side.terms) == 1 and side.terms[0][1] == 1 and not side.constant
