"""The rules that a report must not break as the search for suspects sees them, and a report as they see it.

Equalities are what suspects must mend; inequalities, and equalities with a tolerance, what they must keep.
Cells of last year's report stand in no column of the matrix: nothing changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from nianbao.fields import Field, FieldSet
from nianbao.findings import Value
from nianbao.report import Report
from nianbao.rules.expression import Number
from nianbao.rules.instances import Instance
from nianbao.rules.linear import Exact, LinearRules, Row, RuleSource
from nianbao.suspects.matrix import Matrix
from nianbao.suspects.sums import sums_of

# Systems that are kept, so that a batch compiles its rules once; more than a process has packs.
_SYSTEMS = 8
# Matrices that a system keeps, one for each set of rows that blanks or conditions leave out.
_MATRICES = 32


@dataclass(frozen=True)
class System:
    """The linear rules of severity error; `sums` names for each total the parts of every sum of it."""

    linear: LinearRules
    equalities: tuple[Row, ...]
    inequalities: tuple[Row, ...]
    sums: Mapping[int, tuple[tuple[int, ...], ...]]

    @classmethod
    def compile(cls, instances: Sequence[Instance], fields: FieldSet) -> System:
        """Return the rules of severity error among `instances`."""
        linear = LinearRules.of(instances, fields)
        strict = [instance for instance in instances if instance.rule.severity == "error"]
        pairs = zip(instances, linear.rows, strict=True)
        rows = [row for instance, row in pairs if instance.rule.severity == "error"]
        equalities = tuple(row for row in rows if row.exact)
        inequalities = tuple(row for row in rows if not row.exact)
        cells = {path: cell for cell, path in enumerate(linear.paths)}
        return cls(linear, equalities, inequalities, sums_of(strict, cells))

    @classmethod
    def of(cls, instances: Sequence[Instance], fields: FieldSet) -> System:
        """Return the compiled rules of `instances`, compiled at the first call only."""
        # A list could change while its rows are kept.
        if not isinstance(instances, tuple):
            return cls.compile(instances, fields)
        return _compiled(RuleSource(instances, fields))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the cells."""
        return self.linear.fields

    @property
    def steps(self) -> tuple[int, ...]:
        """The smallest scaled amount by which each cell can change."""
        return self.linear.steps

    @cached_property
    def watched(self) -> Mapping[int, tuple[Row, ...]]:
        """What a change of a cell may break beside the equalities: inequalities, and rows with `when`."""
        found: dict[int, list[Row]] = {}
        for row in (*self.inequalities, *self.equalities):
            for cell in row.reads.union(() if row.exact else row.cells):
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

    def value(self, cell: int, scaled: Exact) -> Number:
        """Return a scaled value as a report holds it: int for counts, Decimal for amounts."""
        return self.linear.value(cell, scaled)


@lru_cache(maxsize=_SYSTEMS)
def _compiled(source: RuleSource) -> System:
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
        values = system.linear.read(report)
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
    return gap is not None and not row.holds(gap)
