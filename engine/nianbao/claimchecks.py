"""The checks that hold the figures of texts against the tables, and against last year's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nianbao.claims import ClaimReader, Contradiction, contradictions, growth_contradictions
from nianbao.expression import ExpressionError, Scope
from nianbao.findings import Finding
from nianbao.predecessors import Predecessors
from nianbao.report import Report
from nianbao.textchecks import Check, RuleText, filled_finding, known_fields, texts_of
from nianbao.yearchecks import YearCheck


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
) -> YearCheck:
    """Return the check of growth: one finding for each that the figures of this year and last do not give.

    Raises ExpressionError where the pack has no claims.toml, or a field is none.
    """
    reader, fields = _reader(claims), scope.fields
    known_fields(raw["fields"], fields)

    def run(report: Report, last: Predecessors) -> Iterator[Finding]:
        texts = texts_of(report, raw["fields"]) if last.comparable else ()
        for found in growth_contradictions(texts, report, reader, fields, last.value):
            finding = _finding(rule, scope, report, found)
            yield replace(finding, message=f"{finding.message}（上年数见{last.source()}）")

    return YearCheck(reader.fields, run)


def _reader(claims: ClaimReader | None) -> ClaimReader:
    if claims is None:
        raise ExpressionError("要用claims.toml，报表包里没有这个文件", 1)
    return claims


def _finding(rule: RuleText, scope: Scope, report: Report, found: Contradiction) -> Finding:
    """Return the finding; `field` is the text that says it, `expected` what the tables give."""
    said = replace(rule, message=found.message)
    finding = filled_finding(said, scope.fields, report, found.field, found.words)
    return replace(finding, expected=found.expected, actual=found.actual)
