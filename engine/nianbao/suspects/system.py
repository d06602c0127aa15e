"""The linear rules as sparse integer rows, compiled once, and one report as these rows see it.

Every field that an error-level linear rule names is a cell with a number. Values are scaled by one power of ten,
so that amounts are integers too; a value with more decimals than its field allows becomes a Fraction and stays
exact. A rule is a row: the sum of factor times cell, plus a constant, compared with 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from operator import itemgetter, mul
from typing import Any

from nianbao.expression import COMPARE, Condition, Linear, Number
from nianbao.fields import Field, FieldSet, split_path
from nianbao.findings import Value
from nianbao.report import Report
from nianbao.rules import Instance
from nianbao.suspects.matrix import Exact, Matrix, whole

# Systems that find_suspects keeps, so that a batch compiles its rules once; more than a process has packs.
_KEPT = 8
# Matrices that a system keeps, one for each set of rows that blanks or conditions leave out.
_KEPT_MATRICES = 32


@dataclass(frozen=True, slots=True)
class Row:
    """One rule with integer factors; `take` fetches its cells' values, `reads` are the cells its `when` looks at."""

    cells: tuple[int, ...]
    factors: tuple[int, ...]
    constant: int
    op: str
    take: Callable[[Sequence[Any]], Any]
    when: Condition | None = None
    reads: frozenset[int] = frozenset()

    def value(self, values: Sequence[Exact | None]) -> Exact | None:
        """Return left side minus right side, or None where a cell is blank."""
        taken = self.take(values)
        if None in taken:
            return None
        total: Exact = sum(map(mul, self.factors, taken), self.constant)
        return total


@dataclass(frozen=True)
class System:
    """The compiled rules; `sums` names for each total the parts of every sum that it is the total of."""

    fields: tuple[Field, ...]
    scale: int
    equalities: tuple[Row, ...]
    inequalities: tuple[Row, ...]
    sums: Mapping[int, tuple[tuple[int, ...], ...]]

    @classmethod
    def compile(cls, instances: Sequence[Instance], fields: FieldSet) -> System:
        """Return the rows of all linear rules of severity error."""
        strict = [instance for instance in instances if instance.rule.severity == "error"]
        named = {path for instance in strict for path in instance.comparison.fields}
        order = {field.path: number for number, field in enumerate(fields)}
        known = {path: fields.find(path) for path in named}
        # Fields in schema order: every list that is made of them later is the same in every run.
        paths = sorted(named, key=lambda path: (order.get(path, len(order)), path))
        cells = {path: cell for cell, path in enumerate(paths)}
        found = tuple(field for path in paths if (field := known[path]))
        scale = 10 ** max((field.decimals for field in found), default=0)
        rows = [_row(instance, cells, scale) for instance in strict]
        return cls(
            tuple(_named(field, path) for field, path in zip(found, paths, strict=True)),
            scale,
            tuple(row for row in rows if row.op == "=="),
            tuple(row for row in rows if row.op != "=="),
            _sums(strict, cells),
        )

    @classmethod
    def of(cls, instances: Sequence[Instance], fields: FieldSet) -> System:
        """Return the compiled rules of `instances`, compiled at the first call only.

        Kept by identity, which is safe while the entry holds the objects; only a tuple cannot change.
        """
        if not isinstance(instances, tuple):
            return cls.compile(instances, fields)
        kept = _systems.get((id(instances), id(fields)))
        if kept is None:
            kept = (instances, fields, cls.compile(instances, fields))
            while len(_systems) >= _KEPT:
                _systems.pop(next(iter(_systems)), None)
            _systems[id(instances), id(fields)] = kept
        return kept[2]

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The smallest scaled amount by which each cell can change."""
        return tuple(self.scale // 10**field.decimals for field in self.fields)

    @cached_property
    def watched(self) -> Mapping[int, tuple[Row, ...]]:
        """The rows beside the equalities that a change of a cell may break: inequalities, and rows with `when`."""
        found: dict[int, list[Row]] = {}
        for row in (*self.inequalities, *self.equalities):
            for cell in row.reads.union(row.cells if row.op != "==" else ()):
                found.setdefault(cell, []).append(row)
        return {cell: tuple(rows) for cell, rows in found.items()}

    @cached_property
    def neighbours(self) -> Mapping[int, frozenset[int]]:
        """The cells that stand beside each cell in an equality, in the order in which the rule names them."""
        found: dict[int, set[int]] = {}
        for one, other in (pair for row in self.equalities for pair in pairwise(row.cells)):
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
        return {cell: frozenset(beside) for cell, beside in found.items()}

    @cached_property
    def families(self) -> Mapping[int, tuple[tuple[int, ...], ...]]:
        """For each part of a sum, the parts of every sum that it stands in."""
        found: dict[int, list[tuple[int, ...]]] = {}
        for parts in (parts for sums in self.sums.values() for parts in sums):
            for part in parts:
                found.setdefault(part, []).append(parts)
        return {part: tuple(sums) for part, sums in found.items()}

    @cached_property
    def _matrices(self) -> dict[frozenset[int], Matrix]:
        return {}

    @cached_property
    def _places(self) -> tuple[tuple[tuple[str | int, ...], tuple[tuple[Any, int], ...]], ...]:
        """Where the values stand in nested data, by the object that holds them: each is looked up once."""
        found: dict[tuple[str | int, ...], list[tuple[Any, int]]] = {}
        for cell, field in enumerate(self.fields):
            *above, last = split_path(field.path)
            found.setdefault(tuple(above), []).append((last, cell))
        return tuple((above, tuple(below)) for above, below in found.items())

    def matrix(self, inactive: frozenset[int]) -> Matrix:
        """Return the equalities as a matrix, without the rows that do not count for a report."""
        kept = self._matrices.get(inactive)
        if kept is None:
            rows = {
                number: dict(zip(row.cells, row.factors, strict=True))
                for number, row in enumerate(self.equalities)
                if number not in inactive
            }
            kept = Matrix.of(rows, len(self.fields), len(self.equalities))
            while len(self._matrices) >= _KEPT_MATRICES:
                self._matrices.pop(next(iter(self._matrices)), None)
            self._matrices[inactive] = kept
        return kept

    def read(self, report: Report) -> list[Exact | None]:
        """Return the scaled values of a report's cells, None where there is no number."""
        values: list[Exact | None] = [None] * len(self.fields)
        for above, below in self._places:
            here: Any = report.data
            for step in above:
                here = _child(here, step)
            for last, cell in below:
                value = _child(here, last)
                # bool is an int to Python, and most values are plain ints: the exact type is asked for.
                values[cell] = value * self.scale if type(value) is int else _scaled(value, self.scale)
        return values

    def value(self, cell: int, scaled: Exact) -> Number:
        """Return a scaled value as a report holds it: int for counts, Decimal for amounts."""
        field = self.fields[cell]
        if field.kind != "amount":
            return int(Fraction(scaled, self.scale))
        return Decimal(int(scaled) // self.steps[cell]).scaleb(-field.decimals)


_systems: dict[tuple[int, int], tuple[Sequence[Instance], FieldSet, System]] = {}


@dataclass(frozen=True)
class Figures:
    """One report's values, the residual of each violated equality, and the equalities that do not count."""

    system: System
    report: Report
    values: list[Exact | None]
    residual: dict[int, Exact]
    inactive: frozenset[int]

    @classmethod
    def of(cls, system: System, report: Report) -> Figures:
        """Return the report as the rules see it; a row that touches a blank is left out."""
        values = system.read(report)
        residual: dict[int, Exact] = {}
        inactive: set[int] = set()
        for number, row in enumerate(system.equalities):
            gap = row.value(values)
            if gap is None or (row.when is not None and row.when(report.value) is not True):
                inactive.add(number)
            elif gap:
                # What the cells of the row must add up to be changed by.
                residual[number] = -gap
        return cls(system, report, values, residual, frozenset(inactive))

    def allows(self, changes: Mapping[int, Exact]) -> bool:
        """Return whether no inequality and no conditional rule that holds breaks when cells get new values."""
        return not any(self._broken(row, changes) for row in self._touched(changes) if self._holds(row))

    def mends(self, changes: Mapping[int, Exact]) -> bool:
        """Return whether the inequalities that a violated equality's cells stand in hold after the changes."""
        return not any(self._broken(row, changes) for row in self.strained)

    @cached_property
    def strained(self) -> tuple[Row, ...]:
        """The violated inequalities that share a block of the matrix with a violated equality."""
        if not self.system.inequalities:
            return ()
        block = self.system.matrix(self.inactive).block
        wrong = {block[self.system.equalities[number].cells[0]] for number in self.residual}
        return tuple(
            row
            for row in self.system.inequalities
            if self._broken(row, {}) and any(block[cell] in wrong for cell in row.cells)
        )

    def _touched(self, changes: Mapping[int, Exact]) -> list[Row]:
        watched = self.system.watched
        return [row for cell in changes for row in watched.get(cell, ())]

    def _holds(self, row: Row) -> bool:
        return not self._broken(row, {})

    def _broken(self, row: Row, changes: Mapping[int, Exact]) -> bool:
        """Return whether a row fails with the changed values: its `when` is met, no cell blank, sides wrong."""
        if row.when is not None and row.when(self._lookup(changes)) is not True:
            return False
        values = list(self.values)
        for cell, value in changes.items():
            values[cell] = value
        gap = row.value(values)
        return gap is not None and not COMPARE[row.op](gap, 0)

    def _lookup(self, changes: Mapping[int, Exact]) -> Callable[[str], Value]:
        changed = {self.system.fields[cell].path: self.system.value(cell, v) for cell, v in changes.items()}
        return lambda path: changed[path] if path in changed else self.report.value(path)


def _child(here: Any, step: str | int) -> Any:
    if isinstance(here, Mapping):
        return here.get(step)
    if isinstance(here, list | tuple) and isinstance(step, int) and step < len(here):
        return here[step]
    return None


def _scaled(value: object, scale: int) -> Exact | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return whole(Fraction(value) * scale)


def _named(field: Field, path: str) -> Field:
    """Return the field under its concrete path: an item of a list has the properties of all items."""
    return field if field.path == path else replace(field, path=path)


def _row(instance: Instance, cells: Mapping[str, int], scale: int) -> Row:
    comparison = instance.comparison
    total = comparison.left.plus(comparison.right, -1)
    constant = Fraction(total.constant) * scale
    factors = [Fraction(factor) for _, factor in total.terms]
    unit = lcm(constant.denominator, *(factor.denominator for factor in factors))
    named = tuple(cells[path] for path, _ in total.terms)
    return Row(
        named,
        tuple(int(factor * unit) for factor in factors),
        int(constant * unit),
        comparison.op,
        _taker(named),
        instance.when,
        frozenset() if instance.when is None else _reads(instance.when, cells),
    )


def _taker(cells: tuple[int, ...]) -> Callable[[Sequence[Any]], Any]:
    """Return a function that fetches the cells' values as a tuple."""
    if len(cells) > 1:
        return itemgetter(*cells)
    return lambda values: tuple(values[cell] for cell in cells)


def _reads(when: Condition, cells: Mapping[str, int]) -> frozenset[int]:
    """Return the cells that a condition looks at: it asks for all of them, blank or not."""
    asked: set[str] = set()

    def lookup(path: str) -> Value:
        asked.add(path)
        return None

    when(lookup)
    return frozenset(cells[path] for path in asked if path in cells)


def _sums(instances: Sequence[Instance], cells: Mapping[str, int]) -> dict[int, tuple[tuple[int, ...], ...]]:
    """Return the parts of every sum that a cell alone on the other side of an equality is the total of."""
    found: dict[int, tuple[tuple[int, ...], ...]] = {}
    for instance in instances:
        comparison = instance.comparison
        sides = (comparison.left, comparison.right)
        for one, other in (sides, sides[::-1]) if comparison.op == "==" else ():
            if _alone(one) and len(other.terms) > 1 and all(factor == 1 for _, factor in other.terms):
                total = cells[one.terms[0][0]]
                found[total] = (*found.get(total, ()), tuple(cells[path] for path, _ in other.terms))
    return found


def _alone(side: Linear) -> bool:
    return len(side.terms) == 1 and side.terms[0][1] == 1 and not side.constant
