"""Rules as they stand in a pack's rules.toml become a `RuleSet`; the first mistake is named with its place.

A linear rule (`assert`) becomes one `Instance` for each binding of its variables; any other rule names one of
the fixed checks.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nianbao.claims import ClaimReader
from nianbao.errors import PackError
from nianbao.fields import FieldSet
from nianbao.predecessors import LAST, is_last_years, this_year
from nianbao.rules.claimchecks import build_claim_check
from nianbao.rules.expression import Comparison, Expression, ExpressionError, Scope, located, subscript_bases
from nianbao.rules.instances import Instance, totals_of
from nianbao.rules.lint import check_meaning, check_message, check_variables, doubled_members, unused_sets
from nianbao.rules.ruleset import RuleSet
from nianbao.rules.textchecks import Check, RuleText, Slip, build_check
from nianbao.rules.yearchecks import YEAR_CHECKS, YearCheck, build_year_check


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
