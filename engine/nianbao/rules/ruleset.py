"""Rules: read from a pack's rules.toml, compiled once, checked against a report.

A linear rule (`assert`) becomes one `Instance` for each binding of its variables; any other rule names
one of the fixed checks of `textchecks` or `yearchecks`. A rule passes, fails (a finding), or cannot be
evaluated. Rules that name last year's fields stand apart: `yearly` speaks only where there is a last year.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

from nianbao.claims import ClaimReader
from nianbao.errors import PackError
from nianbao.fields import FieldSet
from nianbao.findings import Finding, Value
from nianbao.predecessors import LAST, is_last_years, this_year
from nianbao.report import Report
from nianbao.rules.claimchecks import build_claim_check
from nianbao.rules.expression import (
    Comparison,
    Condition,
    Expression,
    ExpressionError,
    Linear,
    Number,
    Scope,
    holds,
    located,
    subscript_bases,
)
from nianbao.rules.lint import check_meaning, check_message, check_variables, doubled_members, unused_sets
from nianbao.rules.textchecks import Check, RuleText, Slip, build_check
from nianbao.rules.yearchecks import YEAR_CHECKS, YearCheck, build_year_check

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


def compile_rules(
    source: Mapping[str, Any],
    fields: FieldSet,
    slips: Sequence[Slip],
    file: str,
    claims: ClaimReader | None = None,
) -> RuleSet:
    """Return the compiled rules; raises PackError naming file, rule and column of the first mistake."""
    sets = {name: tuple(steps) for name, steps in source.get("sets", {}).items()}
    for name, member in doubled_members(sets):
        raise PackError(f"{file}：集合{name}中“{member}”重复，相加时会多算一次", file=file)
    instances: list[Instance] = []
    yearly: list[Instance] = []
    checks: list[Check] = []
    year_checks: list[YearCheck] = []
    texts: list[RuleText] = []
    for raw in source.get("rule", ()):
        text = RuleText.read(raw)
        if text.id in {t.id for t in texts}:
            raise PackError(f"{file}：规则编号{text.id}重复，请改用另一个编号", file=file)
        texts.append(text)
        try:
            if text.part_of and not _looks_back(raw, fields):
                raise ExpressionError("part_of 只用于与上年比较的算式", 1)
            scope = Scope(fields, sets, {})
            if _looks_back(raw, fields):
                yearly += _yearly(text, raw, scope, yearly)
            elif "assert" in raw:
                instances += _instances(text, raw, scope)
            elif raw.get("check") in YEAR_CHECKS:
                year_checks.append(build_year_check(text, raw, scope, claims))
            elif raw.get("check") == "claims":
                checks.append(build_claim_check(text, raw, scope, claims))
            else:
                checks.append(build_check(text, raw, scope, slips))
        except (ExpressionError, re.error) as error:
            place = f"{error.part}第{error.column}列：" if isinstance(error, ExpressionError) else ""
            raise PackError(f"{file}：规则{text.id}：{place}{error}", file=file) from None
    if unused := unused_sets(source):
        raise PackError(f"{file}：集合{'、'.join(unused)}没有规则用到，请删除或改正规则", file=file)
    return RuleSet(tuple(instances), tuple(checks), tuple(texts), tuple(yearly), tuple(year_checks))


def _looks_back(raw: Mapping[str, Any], fields: FieldSet) -> bool:
    """Return whether a linear rule names a field of last year."""
    if "assert" not in raw:
        return False
    found = False
    for part in ("assert", "when", "field"):
        with located(part):
            found = (part in raw and Expression.parse(raw[part]).looks_back) or found
    if found and LAST in fields.nodes:
        raise ExpressionError(f"栏目“{LAST}”与上年报告的名称相同，请给栏目改名", 1)
    return found


def _yearly(
    rule: RuleText, raw: Mapping[str, Any], scope: Scope, before: Sequence[Instance]
) -> Iterator[Instance]:
    """Yield the instances of a rule that compares with last year."""
    if rule.part_of and sum(i.rule.id == rule.part_of for i in before) != 1:
        raise ExpressionError(f"part_of 应是前面一条只有一个算式的上年规则，不是“{rule.part_of}”", 1)
    for instance in _instances(rule, raw, scope):
        own = [path for path in instance.comparison.fields if not is_last_years(path)]
        if not own:
            raise ExpressionError("assert 里应有今年的栏目", 1)
        if not is_last_years(instance.target):
            yield instance
        elif "field" in raw:
            raise ExpressionError("field 应是今年的栏目", 1)
        else:
            yield replace(instance, target=own[-1])


def _instances(rule: RuleText, raw: Mapping[str, Any], scope: Scope) -> Iterator[Instance]:
    with located("assert"):
        assertion = Expression.parse(raw["assert"])
    with located("field"):
        target = Expression.parse(raw["field"]) if "field" in raw else None
    with located("when"):
        when = Expression.parse(raw["when"]) if "when" in raw else None
    tolerance = raw.get("tolerance", 0)
    forgiven = tolerance if isinstance(tolerance, int) else Decimal(repr(tolerance))
    each = raw.get("each", {})
    with located("each"):
        check_variables(each, assertion, scope.sets)
        bindings = list(_bindings(each, scope))
    for bound in bindings:
        inner = Scope(scope.fields, scope.sets, bound)
        with located("assert"):
            comparison = replace(assertion.comparison(inner), tolerance=forgiven)
            check_meaning(comparison)
            words = _words(assertion, inner)
        with located("message"):
            last = ("source",) if assertion.looks_back else ()
            check_message(rule.message, (*words, *last))
        with located("field"):
            field = target.paths(inner)[0] if target else _default_target(comparison)
        with located("when"):
            condition = when.condition(inner) if when else None
        yield Instance(rule, comparison, field, words, condition)


def _bindings(each: Mapping[str, Sequence[str]], scope: Scope) -> Iterator[dict[str, str]]:
    steps: list[list[str]] = []
    for values in each.values():
        expanded: list[str] = []
        for value in values:
            if value.startswith("@") and value[1:] not in scope.sets:
                raise ExpressionError(f"没有集合{value}", 1)
            expanded += scope.sets[value[1:]] if value.startswith("@") else [value]
        steps.append(expanded)
    for combination in itertools.product(*steps):
        yield dict(zip(each, combination, strict=True))


def _default_target(comparison: Comparison) -> str:
    """Return the field that a person looks at first: the total, or the last field of the right side."""
    for total, _ in totals_of(comparison):
        return total
    return comparison.fields[-1]


def _words(assertion: Expression, scope: Scope) -> dict[str, str]:
    """Return the words for a message: title and place of each bound variable."""
    words: dict[str, str] = {}
    for variable, step in scope.bound.items():
        for base in subscript_bases(assertion, variable, scope):
            node = scope.fields.nodes.get(this_year(f"{base}.{step}"))
            if node is not None:
                words |= {f"{variable}.title": node.title, f"{variable}.place": node.place}
                break
    return words
