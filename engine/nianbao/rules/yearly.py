"""This year's report beside last year's: the rules of a pack that look back, where there is a last year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nianbao.findings import Finding
from nianbao.predecessors import Predecessors, is_last_years, off_by, this_year
from nianbao.report import Report
from nianbao.rules.expression import Number
from nianbao.rules.instances import Instance, Outcome, check_instance, fill, number_of, outcome
from nianbao.rules.ruleset import RuleSet


def check_years(rules: RuleSet, report: Report, last: Predecessors) -> Iterator[Finding]:
    """Yield what comparing with last year finds; where it is no last year, only that.

    A finding says last year's figure and where it stands. One of a part that its total speaks for
    (`part_of`) is told with the total's.
    """
    remarks = [*last.remarks, *off_by(report, last)]
    yield from (remark.finding(report) for remark in remarks)
    if not follows(report, last):
        return
    yield from _linear(rules, report, last)
    for check in rules.year_checks:
        yield from check.run(report, last)


def follows(report: Report, last: Predecessors) -> bool:
    """Return whether there are predecessors, and all of them are of the year before."""
    return bool(last.reports) and report.year is not None and not any(off_by(report, last))


def joined(rules: RuleSet, report: Report, last: Predecessors) -> Report:
    """Return the report with last year's figures beside its own, where they can be compared."""
    comparable = last.comparable and follows(report, last)
    return last.joined(report, rules.last_years) if comparable else report


@dataclass(frozen=True, slots=True)
class Carried:
    """One linear rule beside last year: both sides as they are, and how it came out."""

    instance: Instance
    left: Number
    right: Number
    outcome: Outcome


def carried(rules: RuleSet, report: Report, last: Predecessors) -> Iterator[Carried]:
    """Yield how the linear rules that look back came out; those of parts only where they fail.

    Nothing comes where there is no last year to compare with.
    """
    if not (last.comparable and follows(report, last)):
        return
    both = joined(rules, report, last)

    def number(path: str) -> Number:
        return number_of(both.value(path)) or 0

    for instance in rules.yearly:
        came = outcome(instance, both)
        if came == "fail" or not instance.rule.part_of:
            sides = instance.comparison
            yield Carried(instance, sides.left.value(number), sides.right.value(number), came)


def _linear(rules: RuleSet, report: Report, last: Predecessors) -> Iterator[Finding]:
    if not last.comparable:
        return
    both = joined(rules, report, last)
    failed = [
        (instance, finding)
        for instance in rules.yearly
        if not instance.surely_holds(both.values) and (finding := check_instance(instance, both))
    ]
    for instance, finding in failed:
        parts = [pair for pair in failed if pair[0].rule.part_of == instance.rule.id]
        whole = next((i for i, _ in failed if i.rule.id == instance.rule.part_of), None)
        if whole is not None and _explained(whole, _parts(failed, whole), both):
            continue
        if parts and _explained(instance, [i for i, _ in parts], both):
            more = "；".join(part.message for _, part in parts)
            finding = replace(finding, message=f"{finding.message}；其中{more}")
        yield _sourced(finding, instance, last)


def _parts(failed: Sequence[tuple[Instance, Finding]], whole: Instance) -> list[Instance]:
    return [instance for instance, _ in failed if instance.rule.part_of == whole.rule.id]


def _explained(whole: Instance, parts: Sequence[Instance], both: Report) -> bool:
    """Return whether the differences of the parts add up to that of the whole: then it is one mistake."""
    return sum(_difference(part, both) for part in parts) == _difference(whole, both)


def _difference(instance: Instance, both: Report) -> Number:
    def number(path: str) -> Number:
        value = both.value(path)
        return value if isinstance(value, Number) else 0

    left, right = instance.comparison.left, instance.comparison.right
    return left.value(number) - right.value(number)


def _sourced(finding: Finding, instance: Instance, last: Predecessors) -> Finding:
    """Return the finding with where last year's figure stands: as {source} of its message, or behind it."""
    back = next(filter(is_last_years, instance.comparison.fields), "")
    source = last.source(this_year(back))
    message = fill(finding.message, {"source": source})
    if source not in message:
        message += f"（上年数见{source}）"
    return replace(finding, message=message)
