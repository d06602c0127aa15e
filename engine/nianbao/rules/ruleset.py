"""The rules of a pack, compiled, and what they say of a report.

A rule is linear or names one of the fixed checks of `textchecks` and `yearchecks`. Rules that name last
year's fields stand apart: `yearly` speaks only where there is a last year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from nianbao.findings import Finding, Value
from nianbao.predecessors import is_last_years, this_year
from nianbao.report import Report
from nianbao.rules.instances import Instance, check_instance
from nianbao.rules.textchecks import Check, RuleText
from nianbao.rules.yearchecks import YearCheck


@dataclass(frozen=True)
class RuleSet:
    """The compiled rules of a pack; those of `yearly` and `year_checks` look at last year's report too."""

    instances: tuple[Instance, ...]
    checks: tuple[Check, ...]
    texts: tuple[RuleText, ...]
    yearly: tuple[Instance, ...] = ()
    year_checks: tuple[YearCheck, ...] = ()

    @cached_property
    def strict(self) -> tuple[Instance, ...]:
        """The linear rules of both kinds that block a report: what must hold where there is a last year."""
        return tuple(i for i in (*self.instances, *self.yearly) if i.rule.severity == "error")

    @cached_property
    def sums(self) -> frozenset[str]:
        """The ids of the rules of `strict`."""
        return frozenset(instance.rule.id for instance in self.strict)

    @cached_property
    def last_years(self) -> tuple[str, ...]:
        """The fields of last year (``previous.…``) that the linear rules name."""
        named: set[str] = set()

        def asked(path: str) -> Value:
            named.add(path)
            return None

        for instance in self.yearly:
            named.update(instance.comparison.fields)
            if instance.when is not None:
                instance.when(asked)
        return tuple(sorted(filter(is_last_years, named)))

    @cached_property
    def remembered(self) -> frozenset[str]:
        """The fields of a report that next year's rules look at."""
        checked = {path for check in self.year_checks for path in check.fields}
        return frozenset(checked | {this_year(path) for path in self.last_years})

    def check(self, report: Report, wrong: Iterable[int] | None = None) -> Iterator[Finding]:
        """Yield a finding for every rule that fails, in the order of the rules.

        `wrong` are the numbers of the linear instances that may fail, where that is known already.
        """
        values, instances = report.values, self.instances
        if wrong is None:
            wrong = (number for number, one in enumerate(instances) if not one.surely_holds(values))
        for number in wrong:
            if finding := check_instance(instances[number], report):
                yield finding
        for check in self.checks:
            yield from check(report)
