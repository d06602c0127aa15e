"""The linear rules of a pack as one sparse matrix of whole numbers, and the values of a report to go with it.

Every field that a linear rule names is a cell with a number. Values are scaled by one power of ten, so that
amounts are integers too; a value with more decimals than its field allows becomes a Fraction and stays exact.
A rule is a row: the sum of factor times cell, plus a constant, compared with 0. The search for suspects
(`suspects`) and the check of many reports at once (`matrix`) both work on these rows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm
from operator import itemgetter, mul
from typing import Any

from nianbao.fields import Field, FieldSet
from nianbao.findings import Value
from nianbao.predecessors import is_last_years, this_year
from nianbao.report import Report
from nianbao.rules.expression import Condition, Number, holds
from nianbao.rules.instances import Instance

Exact = int | Fraction
# Matrices that are kept, so that a batch compiles its rules once; more than a process has packs.
_KEPT = 8


def whole(number: Fraction) -> Exact:
    """Return a fraction as an int where it is one: ints are many times faster."""
    return number.numerator if number.denominator == 1 else number


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: factors of cells, in the order in which the rule names them, plus a constant, against 0.

    `given` are cells of last year's report, which nothing can change, with the factors that follow those of
    `cells`. `take` fetches the values of all of them; `reads` are the cells that its condition looks at;
    `tolerance` is scaled as the row is.
    """

    cells: tuple[int, ...]
    factors: tuple[int, ...]
    constant: int
    op: str
    take: Callable[[Sequence[Any]], tuple[Any, ...]]
    when: Condition | None = None
    reads: frozenset[int] = frozenset()
    tolerance: Exact = 0
    given: tuple[int, ...] = ()

    @classmethod
    def of(cls, instance: Instance, cells: Mapping[str, int], scale: int) -> Row:
        """Return the row of a rule for values that are scaled by `scale`; its factors become whole."""
        comparison = instance.comparison
        total = comparison.left.plus(comparison.right, -1)
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
            comparison.op,
            _taker(named),
            instance.when,
            frozenset() if instance.when is None else _reads(instance.when, cells),
            whole(Fraction(comparison.tolerance) * scale * unit),
            named[own:],
        )

    @property
    def column(self) -> dict[int, int]:
        """The factors of the cells that can change."""
        return dict(zip(self.cells, self.factors, strict=False))

    @property
    def exact(self) -> bool:
        """Whether the row is an equality that forgives nothing."""
        return self.op == "==" and not self.tolerance

    def value(self, values: Sequence[Exact | None]) -> Exact | None:
        """Return left side minus right side, or None where a cell is blank."""
        try:
            total: Exact = sum(map(mul, self.factors, self.take(values)), self.constant)
        except TypeError:  # a blank is None
            return None
        return total

    def holds(self, gap: Exact) -> bool:
        """Return whether the rule holds where its left side is `gap` more than its right side."""
        return holds(self.op, gap, self.tolerance)


@dataclass(frozen=True)
class LinearRules:
    """The compiled rules: a row for each instance, in their order, over the cells of `fields`."""

    instances: tuple[Instance, ...]
    fields: tuple[Field, ...]
    scale: int
    rows: tuple[Row, ...]

    @classmethod
    def compile(cls, instances: Sequence[Instance], fields: FieldSet) -> LinearRules:
        """Return the rows of all instances."""
        named = {
            path: fields.find(this_year(path))
            for instance in instances
            for path in instance.comparison.fields
        }
        order = {field.path: number for number, field in enumerate(fields)}
        # Fields in schema order: every list that is made of them later is the same in every run.
        ranked = sorted(named, key=lambda path: (order.get(path, len(order)), path))
        # A concrete item of a list has the properties of all its items.
        found = tuple(replace(field, path=path) for path in ranked if (field := named[path]))
        cells = {field.path: cell for cell, field in enumerate(found)}
        scale = 10 ** max((field.decimals for field in found), default=0)
        rows = tuple(Row.of(instance, cells, scale) for instance in instances)
        return cls(tuple(instances), found, scale, rows)

    @classmethod
    def of(cls, instances: Sequence[Instance], fields: FieldSet) -> LinearRules:
        """Return the compiled rules of `instances`, compiled at the first call only."""
        # A list could change while its rows are kept.
        if not isinstance(instances, tuple):
            return cls.compile(instances, fields)
        return _compiled(RuleSource(instances, fields))

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of the cells."""
        return tuple(field.path for field in self.fields)

    @cached_property
    def _take(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        return _taker(self.paths)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The smallest scaled amount by which each cell can change."""
        return tuple(self.scale // 10**field.decimals for field in self.fields)

    def read(self, report: Report) -> list[Exact | None]:
        """Return the scaled values of a report's cells, None where there is no number."""
        try:
            found: list[Any] = list(self._take(report.values))
        except KeyError:  # blank values may be left out
            found = list(map(report.values.get, self.paths))
        # Nearly every report holds ints only, and then there is nothing to look at one by one.
        if self.scale == 1 and set(map(type, found)) == {int}:
            return found
        return [value * self.scale if type(value) is int else scaled(value, self.scale) for value in found]

    @cached_property
    def _pack(self) -> Callable[..., bytes]:
        return struct.Struct(f"{len(self.fields)}q").pack

    def packed(self, report: Report) -> bytes | None:
        """Return the values of a report's cells as 64-bit whole numbers, where every one of them is such.

        None says nothing of the report but that `read` must look at its values one by one.
        """
        # Values that nobody has typed may be what only looks like a number (True).
        if self.scale != 1 or report.known is None:
            return None
        try:
            return self._pack(*self._take(report.known))
        except (KeyError, struct.error):  # a blank, a fraction, more than 64 bits
            return None

    def value(self, cell: int, number: Exact) -> Number:
        """Return a scaled value as a report holds it: int for counts, Decimal for amounts."""
        field, steps = self.fields[cell], int(number // self.steps[cell])
        return Decimal(steps).scaleb(-field.decimals) if field.kind == "amount" else steps


@dataclass(frozen=True, eq=False)
class RuleSource:
    """What rules are compiled from; equal only where it is the same, as neither part can be hashed."""

    instances: tuple[Instance, ...]
    fields: FieldSet

    def __hash__(self) -> int:
        return hash((id(self.instances), id(self.fields)))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, RuleSource) and self.instances is other.instances
        return same and isinstance(other, RuleSource) and self.fields is other.fields


@lru_cache(maxsize=_KEPT)
def _compiled(source: RuleSource) -> LinearRules:
    return LinearRules.compile(source.instances, source.fields)


def scaled(value: object, scale: int) -> Exact | None:
    """Return a number times `scale`, exactly; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return whole(Fraction(value) * scale)


def _taker(cells: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that fetches the values of cells, or of fields, as a tuple."""
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


def entries(rows: Sequence[Row]) -> Iterator[tuple[int, int, int]]:
    """Yield (row, cell, factor) of everything that is not 0 in the matrix."""
    for number, row in enumerate(rows):
        cells = (*row.cells, *row.given)
        yield from ((number, cell, factor) for cell, factor in zip(cells, row.factors, strict=True))
