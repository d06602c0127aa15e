"""Linear rules with their variables bound: whether one holds for a report, and what it says if it does not.

A rule passes, fails (a finding), or cannot be evaluated. What a rule states as a sum is a total.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

from nianbao.findings import Finding
from nianbao.report import Report
from nianbao.rules.expression import Comparison, Condition, Linear, Number, holds
from nianbao.rules.textchecks import RuleText

Outcome = Literal["pass", "fail", "open"]


@dataclass(frozen=True)
class Instance:
    """One linear assertion with its variables bound; `target` is the field to look at first."""

    rule: RuleText
    comparison: Comparison
    target: str
    words: Mapping[str, str]
    when: Condition | None = None

    @cached_property
    def _sides(self) -> tuple[Callable[[Mapping[str, Any]], Any], Callable[[Mapping[str, Any]], Any]] | None:
        """What fetches the fields of each side, where both are plain sums that should be equal."""
        sides = (self.comparison.left, self.comparison.right)
        plain = all(not s.constant and s.terms and all(f == 1 for _, f in s.terms) for s in sides)
        if self.comparison.op != "==" or not plain:
            return None
        left, right = (itemgetter(*(path for path, _ in side.terms)) for side in sides)
        return left, right

    def surely_holds(self, values: Mapping[str, Any]) -> bool:
        """Return True where the equality holds at a glance; False says nothing."""
        if self._sides is None:
            return False
        try:
            left, right = self._sides[0](values), self._sides[1](values)
            return bool(
                (sum(left) if type(left) is tuple else left)
                == (sum(right) if type(right) is tuple else right)
            )
        except (KeyError, TypeError):  # a blank field
            return False

    def solve(self, number: Callable[[str], Number]) -> Number | None:
        """Return the value of `target` that would satisfy an equality, all else as `number` has it."""
        total = self.comparison.left.plus(self.comparison.right, -1)
        factor = dict(total.terms).get(self.target, 0)
        if self.comparison.op != "==" or not factor:
            return None
        rest = total.value(lambda path: 0 if path == self.target else number(path))
        value = -rest * factor if abs(factor) == 1 else Decimal(-rest) / factor
        return value if value >= 0 else None


def outcome(instance: Instance, report: Report) -> Outcome:
    """Return whether a linear rule passes, fails, or is open: it cannot be evaluated.

    Blank fields are tried with 0: a rule that holds then passes, as does one whose `when` is not met; any
    other rule that touches a blank is open.
    """
    comparison, values = instance.comparison, report.values
    left, right = _both_sides(comparison, values)
    if holds(comparison.op, left - right, comparison.tolerance):
        return "pass"
    applies = True if instance.when is None else instance.when(report.value)
    if not applies:
        return "pass" if applies is False else "open"
    return "open" if any(number_of(values.get(path)) is None for path in comparison.fields) else "fail"


def check_instance(instance: Instance, report: Report) -> Finding | None:
    """Return the finding of a linear rule that fails, None where it passes or cannot be evaluated."""
    if outcome(instance, report) != "fail":
        return None
    rule, target, values = instance.rule, instance.target, report.values
    left, right = _both_sides(instance.comparison, values)
    figures: dict[str, Number] = {"left": left, "right": right, "difference": max(left - right, right - left)}
    words = {name: _written(figure) for name, figure in figures.items()}
    words["tolerance"] = _written(instance.comparison.tolerance)
    return Finding(
        rule.id,
        rule.severity,
        target,
        report.where(target),
        fill(rule.message, {**instance.words, **words}),
        instance.solve(lambda path: number_of(values.get(path)) or 0),
        values.get(target),
        basis=rule.basis,
    )


def _both_sides(comparison: Comparison, values: Mapping[str, Any]) -> tuple[Number, Number]:
    """Return the values of the left and the right side, blanks as 0."""

    def number(path: str) -> Number:
        return number_of(values.get(path)) or 0

    return comparison.left.value(number), comparison.right.value(number)


def _written(number: Number) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else f"{number}"


def number_of(value: object) -> Number | None:
    """Return a value that rules can calculate with; anything else is as good as blank."""
    if type(value) is int:
        return value
    return value if isinstance(value, Decimal) and value.is_finite() else None


def fill(message: str, words: Mapping[str, str]) -> str:
    """Return `message` with ``{name}`` and ``{name.title}`` replaced; unknown names stay as they are."""
    return re.sub(r"\{([\w.]+)\}", lambda m: words.get(m[1], m[0]), message)


def derive(instances: Sequence[Instance], values: dict[str, Number | None]) -> dict[str, Number]:
    """Return the totals among the blank `values` that the rules determine.

    A total is a field that stands alone on one side of an equality; it is derived where every field of
    the other side is known, again and again until nothing new is found.
    """
    sums = [
        pair for instance in instances if instance.when is None for pair in totals_of(instance.comparison)
    ]
    known: dict[str, Number] = {path: value for path, value in values.items() if value is not None}
    derived: dict[str, Number] = {}
    progress = True
    while progress:
        progress = False
        for total, parts in sums:
            if total in values and total not in known and all(path in known for path, _ in parts.terms):
                derived[total] = known[total] = parts.value(known.__getitem__)
                progress = True
    return derived


def totals_of(comparison: Comparison) -> Iterator[tuple[str, Linear]]:
    """Yield (total, sum) where a comparison says ``sum == total`` or ``total == sum``."""
    # What may be off does not say what the total is.
    if comparison.op != "==" or comparison.tolerance:
        return
    for one, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        if len(one.terms) == 1 and one.terms[0][1] == 1 and not one.constant and len(other.terms) > 1:
            yield one.terms[0][0], other


def totals(instances: Sequence[Instance]) -> dict[str, tuple[str, ...]]:
    """Return every field that an unconditional rule states as a plain sum, with the fields that it sums.

    The first such rule counts: a total that is a sum both ways is calculated along its row.
    """
    found: dict[str, tuple[str, ...]] = {}
    for instance in instances:
        for total, parts in totals_of(instance.comparison):
            if instance.when is None and all(factor == 1 for _, factor in parts.terms):
                found.setdefault(total, tuple(path for path, _ in parts.terms))
    return found
