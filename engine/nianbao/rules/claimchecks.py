"""The check that a rule names to hold the figures of texts against the tables; the pack says how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nianbao.claims import ClaimReader, Contradiction, contradictions, growth_contradictions
from nianbao.findings import Finding
from nianbao.report import Report
from nianbao.rules.expression import ExpressionError, Lookup, Scope
from nianbao.rules.textchecks import Check, RuleText, filled_finding, known_fields, texts_of

GrowthCheck = Callable[[Report, Lookup], Iterator[Finding]]


def build_claim_check(
    rule: RuleText, raw: Mapping[str, Any], scope: Scope, claims: ClaimReader | None
) -> Check:
    """Return the check: one finding for each figure of `fields` that the tables contradict.

    Raises ExpressionError where the pack has no claims.toml, or a field is none.
    """
    reader, fields = _reader(claims), scope.fields
    known_fields(raw["fields"], fields)

    def check(report: Report) -> Iterator[Finding]:
        for found in contradictions(texts_of(report, raw["fields"]), report, reader, fields):
            yield _finding(rule, scope, report, found)

    return check


def build_growth_check(
    rule: RuleText, raw: Mapping[str, Any], scope: Scope, claims: ClaimReader | None
) -> GrowthCheck:
    """Return the check of growth: its second argument returns last year's value of a field.

    Raises ExpressionError where the pack has no claims.toml, or a field is none.
    """
    reader, fields = _reader(claims), scope.fields
    known_fields(raw["fields"], fields)

    def check(report: Report, before: Lookup) -> Iterator[Finding]:
        for found in growth_contradictions(texts_of(report, raw["fields"]), report, reader, fields, before):
            yield _finding(rule, scope, report, found)

    return check


def _reader(claims: ClaimReader | None) -> ClaimReader:
    if claims is None:
        raise ExpressionError("要用claims.toml，报表包里没有这个文件", 1)
    return claims


def _finding(rule: RuleText, scope: Scope, report: Report, found: Contradiction) -> Finding:
    """Return the finding; `field` is the text that says it, `expected` what the tables give."""
    said = replace(rule, message=found.message)
    finding = filled_finding(said, scope.fields, report, found.field, found.words)
    return replace(finding, expected=found.expected, actual=found.actual)
