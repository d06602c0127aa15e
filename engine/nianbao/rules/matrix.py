"""All linear rules of a pack over many reports at once: one sparse matrix times the matrix of their values.

The matrix only tells which rules a report fails; the finding is made by `check_instance`, as it is for
a single report, so both ways say the same. What does not fit into 64 bits, and what has more decimals than
its field allows, is calculated rule by rule in exact numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nianbao.fields import FieldSet
from nianbao.report import Report
from nianbao.rules.instances import Instance, outcome
from nianbao.rules.linear import LinearRules, Row, RuleSource, entries

PASS, FAIL, OPEN = 0, 1, 2
_CODES = {"pass": PASS, "fail": FAIL, "open": OPEN}
_LARGEST = 2**63 - 1
# Reports that are multiplied at once: their values stay in the processor's cache.
_BLOCK = 64


class RuleMatrix:
    """The linear rules of a pack for numpy: factors by row and cell, and between what each row may lie."""

    def __init__(self, rules: LinearRules) -> None:
        self.rules = rules
        self.cells = len(rules.fields)
        rows, cells, factors = (list(part) for part in zip(*entries(rules.rows), strict=True))
        # The largest scaled value with which no row can overflow.
        self._limit = (_LARGEST - 1) // max(sum(map(abs, row.factors)) for row in rules.rows)
        if not self._limit:
            factors = [0] * len(factors)
        self._cells, self._factors = np.array(cells), np.array(factors, np.int64)[:, None]
        # A rule is never without a cell, so every row has a first entry.
        self._starts = np.searchsorted(rows, np.arange(len(rules.rows)))
        bounds = [_bounds(row) for row in rules.rows]
        self._low, self._high = (np.array(part, np.int64)[:, None] for part in zip(*bounds, strict=True))

    @classmethod
    def of(cls, instances: tuple[Instance, ...], fields: FieldSet) -> RuleMatrix:
        """Return the matrix of `instances`, made at the first call only."""
        return _made(RuleSource(instances, fields))

    def outcomes(self, reports: Sequence[Report]) -> NDArray[np.int8]:
        """Return an array of reports × rules: PASS, FAIL, or OPEN where a rule cannot be evaluated.

        As `instances.outcome` has it: a blank is tried with 0, and a rule whose `when` is not met passes.
        """
        found = np.zeros((len(reports), len(self.rules.rows)), np.int8)
        for start in range(0, len(reports), _BLOCK):
            block = reports[start : start + _BLOCK]
            found[start : start + len(block)] = self._outcomes(block)
        return found

    def failures(self, reports: Sequence[Report]) -> list[list[int]]:
        """Return for each report the numbers of the instances that it fails, in order."""
        found: list[list[int]] = [[] for _ in reports]
        for report, row in np.argwhere(self.outcomes(reports) == FAIL).tolist():
            found[report].append(row)
        return found

    def _outcomes(self, reports: Sequence[Report]) -> NDArray[np.int8]:
        # Nearly every report holds whole numbers only, and then there is nothing to look at one by one.
        taken = [self.rules.packed(report) for report in reports]
        blanks: list[tuple[int, int]] = []
        exact: list[int] = []
        for number in (number for number, packed in enumerate(taken) if packed is None):
            values: list[Any] = self.rules.read(reports[number])
            blanks += ((number, cell) for cell, value in enumerate(values) if value is None)
            try:
                taken[number] = array("q", [value or 0 for value in values]).tobytes()
            except (TypeError, OverflowError):  # a fraction, or more than 64 bits
                taken[number] = bytes(8 * self.cells)
                exact.append(number)
        matrix = np.frombuffer(b"".join(filter(None, taken)), np.int64).reshape(len(reports), self.cells)
        if matrix.max() > self._limit or matrix.min() < -self._limit:
            large = (matrix > self._limit) | (matrix < -self._limit)
            exact += np.flatnonzero(large.any(axis=1)).tolist()
        found = self.multiply(matrix, blanks)
        instances = self.rules.instances
        for number in exact:
            found[:, number] = [_CODES[outcome(instance, reports[number])] for instance in instances]
        for row in (row for row, instance in enumerate(instances) if instance.when is not None):
            for number in np.flatnonzero(found[row]).tolist():
                found[row, number] = _CODES[outcome(instances[row], reports[number])]
        return found.T

    def multiply(self, values: NDArray[np.int64], blanks: Sequence[tuple[int, int]] = ()) -> NDArray[np.int8]:
        """Return an array of rules × reports: whether each rule holds, its `when` left aside.

        `values` are scaled, reports × cells; `blanks` are the (report, cell) that stand in them as 0.
        """
        taken = np.ascontiguousarray(values.T)[self._cells]
        gaps = np.add.reduceat(taken * self._factors, self._starts, axis=0)
        found = ((gaps < self._low) | (gaps > self._high)).astype(np.int8)
        if len(blanks):
            blank = np.zeros(values.shape, np.bool_)
            blank[tuple(np.array(blanks).T)] = True
            touched = np.logical_or.reduceat(blank.T[self._cells], self._starts, axis=0)
            found[(found == FAIL) & touched] = OPEN
        return found


@lru_cache(maxsize=8)
def _made(source: RuleSource) -> RuleMatrix:
    return RuleMatrix(LinearRules.of(source.instances, source.fields))


def _bounds(row: Row) -> tuple[int, int]:
    """Return between what the sum of factor times cell lies, both included, where the rule holds."""
    most = floor(row.tolerance) if row.op in ("==", "<=", ">=") else ceil(row.tolerance) - 1
    low = -_LARGEST if row.op in ("<=", "<") else -most - row.constant
    high = _LARGEST if row.op in (">=", ">") else most - row.constant
    return max(min(low, _LARGEST), -_LARGEST), max(min(high, _LARGEST), -_LARGEST)
