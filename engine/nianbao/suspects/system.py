"""The linear rules as sparse integer rows, compiled once, and one report as these rows see it.

Every field that an error-level linear rule names is a cell with a number; those of last year come last, and
stand in no column of the matrix, because nothing changes them. Values are scaled by one power of
ten, so that amounts are integers too; a value with more decimals than its field allows becomes a Fraction
and stays exact. A rule is a row: the sum of factor times cell, plus a constant, compared with 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from nianbao.expression import COMPARE, Number
from nianbao.fields import Field, FieldSet
from nianbao.findings import Value
from nianbao.predecessors import this_year
from nianbao.report import Report
from nianbao.rules import Instance
from nianbao.suspects.matrix import Exact, Matrix, whole
from nianbao.suspects.rows import Row, sums_of

# Systems that are kept, so that a batch compiles its rules once; more than a process has packs.
_SYSTEMS = 8
# Matrices that a system keeps, one for each set of rows that blanks or conditions leave out.
_MATRICES = 32


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
        named = {
            path: fields.find(this_year(path)) for instance in strict for path in instance.comparison.fields
        }
        order = {field.path: number for number, field in enumerate(fields)}
        # Fields in schema order: every list that is made of them later is the same in every run.
        paths = sorted(named, key=lambda path: (order.get(path, len(order)), path))
        # A concrete item of a list has the properties of all its items.
        found = tuple(replace(field, path=path) for path in paths if (field := named[path]))
        cells = {field.path: cell for cell, field in enumerate(found)}
        scale = 10 ** max((field.decimals for field in found), default=0)
        rows = [Row.of(instance, cells, scale) for instance in strict]
        equalities = tuple(row for row in rows if row.op == "==")
        inequalities = tuple(row for row in rows if row.op != "==")
        return cls(found, scale, equalities, inequalities, sums_of(strict, cells))

    @classmethod
    def of(cls, instances: Sequence[Instance], fields: FieldSet) -> System:
        """Return the compiled rules of `instances`, compiled at the first call only."""
        # A list could change while its rows are kept.
        if not isinstance(instances, tuple):
            return cls.compile(instances, fields)
        return _compiled(_Source(instances, fields))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The smallest scaled amount by which each cell can change."""
        return tuple(self.scale // 10**field.decimals for field in self.fields)

    @cached_property
    def watched(self) -> Mapping[int, tuple[Row, ...]]:
        """What a change of a cell may break beside the equalities: inequalities, and rows with `when`."""
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
    def matrix(self) -> Callable[[frozenset[int]], Matrix]:
        """Return the equalities as a matrix, without the given rows, which do not count for a report."""
        return lru_cache(maxsize=_MATRICES)(self._matrix)

    def _matrix(self, inactive: frozenset[int]) -> Matrix:
        rows = {number: row.column for number, row in enumerate(self.equalities) if number not in inactive}
        return Matrix.of(rows, len(self.fields), len(self.equalities))

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(field.path for field in self.fields)

    def read(self, report: Report) -> list[Exact | None]:
        """Return the scaled values of a report's cells, None where there is no number."""
        found: list[Any] = list(map(report.values.get, self._paths))
        # Nearly every report holds ints only, and then there is nothing to look at one by one.
        if self.scale == 1 and set(map(type, found)) == {int}:
            return found
        return [value * self.scale if type(value) is int else _scaled(value, self.scale) for value in found]

    def value(self, cell: int, scaled: Exact) -> Number:
        """Return a scaled value as a report holds it: int for counts, Decimal for amounts."""
        field, steps = self.fields[cell], int(scaled // self.steps[cell])
        return Decimal(steps).scaleb(-field.decimals) if field.kind == "amount" else steps


@dataclass(frozen=True, eq=False)
class _Source:
    """What a system was compiled from; equal only where it is the same, as neither part can be hashed."""

    instances: tuple[Instance, ...]
    fields: FieldSet

    def __hash__(self) -> int:
        return hash((id(self.instances), id(self.fields)))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, _Source) and self.instances is other.instances
        return same and isinstance(other, _Source) and self.fields is other.fields


@lru_cache(maxsize=_SYSTEMS)
def _compiled(source: _Source) -> System:
    return System.compile(source.instances, source.fields)


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
                # What the changes of the row's cells must add up to.
                residual[number] = -gap
        return cls(system, report, values, residual, frozenset(inactive))

    def now(self, cell: int) -> Exact:
        """Return the value of a cell that stands in a row which counts, and is therefore not blank."""
        return self.values[cell] or 0

    def allows(self, changes: Mapping[int, Exact]) -> bool:
        """Return whether the inequalities and conditional rules that hold still do after the changes."""
        watched = self.system.watched
        touched = [row for cell in changes for row in watched.get(cell, ())]
        if not touched:
            return True
        after = self._after(changes)
        return not any(_broken(row, *after) and not self._broken_now(row) for row in touched)

    def mends(self, changes: Mapping[int, Exact]) -> bool:
        """Return whether the `strained` inequalities hold after the changes."""
        after = self._after(changes)
        return not any(_broken(row, *after) for row in self.strained)

    @cached_property
    def strained(self) -> tuple[Row, ...]:
        """The violated inequalities that share a block of the matrix with a violated equality."""
        broken = [row for row in self.system.inequalities if self._broken_now(row)]
        if not broken:
            return ()
        block, rows = self.system.matrix(self.inactive).block, self.system.equalities
        wrong = {block[cell] for number in self.residual for cell in rows[number].cells}
        return tuple(row for row in broken if any(block[cell] in wrong for cell in row.cells))

    def _broken_now(self, row: Row) -> bool:
        return _broken(row, self.values, self.report.value)

    def _after(self, changes: Mapping[int, Exact]) -> tuple[list[Exact | None], Callable[[str], Value]]:
        """Return the values after the changes, by cell and by field."""
        values = self.values.copy()
        named: dict[str, Value] = {}
        for cell, value in changes.items():
            values[cell] = value
            named[self.system.fields[cell].path] = self.system.value(cell, value)
        return values, lambda path: named[path] if path in named else self.report.value(path)


def _broken(row: Row, values: Sequence[Exact | None], lookup: Callable[[str], Value]) -> bool:
    """Return whether a rule fails: its condition is met, none of its cells is blank, its sides are wrong."""
    if row.when is not None and row.when(lookup) is not True:
        return False
    gap = row.value(values)
    return gap is not None and not COMPARE[row.op](gap, 0)


def _scaled(value: object, scale: int) -> Exact | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return whole(Fraction(value) * scale)
