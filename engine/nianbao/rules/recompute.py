"""Totals that the rules determine, recomputed from their parts: what should be changed, and what must not be.

A total stands alone against a plain sum in an unconditional equality of severity error. Parts are taken for
right, so a total is only changed where all its parts are known and every rule that it stands in holds
afterwards. Where the parts contradict each other (a column gives another result than a row, or than the
balance), nobody can tell from the totals what is wrong, and the totals concerned stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nianbao.findings import Value
from nianbao.report import Report
from nianbao.rules.expression import Linear, Number
from nianbao.rules.instances import Instance, number_of, outcome, totals_of


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A total that differs from the sum of its parts; `parts` are the fields that were added up.

    `against` is the rule that would not hold if it were changed; None where it may be.
    """

    field: str
    old: Value
    new: Number
    parts: tuple[str, ...]
    against: Instance | None = None


def recompute_totals(instances: Sequence[Instance], report: Report) -> tuple[Recomputed, ...]:
    """Return the totals of a report that should be changed, and those that would be but for a rule."""
    strict = [one for one in instances if one.rule.severity == "error"]
    sums = _sums(strict)
    order = {total: number for number, total in enumerate(sums)}
    refused: dict[str, Recomputed] = {}
    while True:
        changed = _changed({total: parts for total, parts in sums.items() if total not in refused}, report)
        after = _with(report, {each.field: each.new for each in changed.values()})
        broken = [one for one in strict if _touches(one, changed) and outcome(one, after) == "fail"]
        if not broken:
            return tuple(sorted((*changed.values(), *refused.values()), key=lambda each: order[each.field]))
        # The rule with the fewest changes accuses most clearly; the others may hold once these are undone.
        worst = min(broken, key=lambda one: sum(path in changed for path in one.comparison.fields))
        for path in worst.comparison.fields:
            if path in changed:
                each = changed[path]
                refused[path] = Recomputed(path, each.old, each.new, each.parts, worst)


def _sums(instances: Sequence[Instance]) -> dict[str, list[Linear]]:
    """Return every sum that each total is the total of, in the order of the rules."""
    sums: dict[str, list[Linear]] = {}
    for instance in instances:
        for total, parts in totals_of(instance.comparison) if instance.when is None else ():
            if all(factor == 1 for _, factor in parts.terms):
                sums.setdefault(total, []).append(parts)
    return sums


def _changed(sums: Mapping[str, Sequence[Linear]], report: Report) -> dict[str, Recomputed]:
    """Return the totals whose value changes where all `sums` are added up anew, from the bottom up."""
    blank = {finding.field for finding in report.findings if finding.rule == "DERIVED"}
    adding = _Adding(sums, report)
    changed = {}
    for path in sums:
        old = None if path in blank else report.value(path)
        new = adding.value(path)
        if new is not None and new != old and (parts := adding.parts.get(path)):
            changed[path] = Recomputed(path, old, new, parts)
    return changed


class _Adding:
    """Adds up totals of totals; `parts` are the fields that were added up for each."""

    def __init__(self, sums: Mapping[str, Sequence[Linear]], report: Report) -> None:
        self.sums, self.report = sums, report
        self.parts: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, Number | None] = {}

    def value(self, path: str) -> Number | None:
        """Return the value of a field: the first of its sums whose parts are all known, else as it stands."""
        if path not in self._known:
            # What is a part of itself stays as it stands.
            self._known[path] = number_of(self.report.value(path))
            self._known[path] = self._added(path)
        return self._known[path]

    def _added(self, path: str) -> Number | None:
        for parts in self.sums.get(path, ()):
            figures = {part: self.value(part) for part, _ in parts.terms}
            if None not in figures.values():
                self.parts[path] = tuple(figures)
                return parts.value(lambda part, known=figures: known[part] or 0)  # type: ignore[misc]
        return self._known[path]


def _touches(instance: Instance, changed: Mapping[str, Recomputed]) -> bool:
    return any(path in changed for path in instance.comparison.fields)


def _with(report: Report, values: Mapping[str, Value]) -> Report:
    """Return the report with other values, for the rules to look at."""
    return Report(report.data, known={**report.values, **values})
