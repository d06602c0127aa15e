"""Sets explanations beside the findings of a report: explained, void, or about nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from nianbao.agencies import agency_key
from nianbao.findings import Finding, Value, Waiver
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.report import Report

WHOLE = "整份报告"
# Found only when a report is written, behind everything that can be explained.
_OF_THE_OUTPUT = frozenset({"SAME-NAME", "NOT-PLACED"})
# Longer texts are known by their digest: a cell is no place for them.
_LONGEST = 40


def apply_waivers(
    findings: Sequence[Finding], report: Report, pack: Pack, waivers: Iterable[Waiver]
) -> tuple[Finding, ...]:
    """Return the findings, those that are explained with their waiver, and what is wrong with waivers.

    Those of other agencies and years do not matter. A waiver is void without a reason or a name, and as soon
    as the value is another one than it was.
    """
    found = list(findings)
    for waiver in waivers:
        if waiver.year not in (None, report.year) or agency_key(waiver.agency) != agency_key(report.agency):
            continue
        matching = [i for i, f in enumerate(findings) if _is_about(waiver, f, findings, pack)]
        problem = _problem(waiver, [findings[i] for i in matching], report, pack)
        if problem is not None:
            found.append(problem)
            continue
        for index in matching:
            found[index] = replace(found[index], waiver=waiver)
    if len(found) == len(findings) and all(f.waiver is None for f in found):
        return tuple(found)
    return _without_moot_suspects(found)


def _without_moot_suspects(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings; where every one with suspects is explained, nobody is suspected any more."""
    if any(finding.suspects and finding.waiver is None for finding in findings):
        return tuple(findings)
    return tuple(replace(f, suspects=()) if f.suspects else f for f in findings)


def can_be_waived(finding: Finding, pack: Pack) -> bool:
    """Return whether an explanation can be given: where a value is missing or unreadable it cannot."""
    if finding.severity == "warning":
        return not finding.rule.startswith("WAIVER-") and finding.rule not in _OF_THE_OUTPUT
    return finding.severity == "error" and any(text.id == finding.rule for text in pack.rules.texts)


def value_mark(finding: Finding, report: Report) -> str:
    """Return the value that a finding is about as it stands in an explanation; a long text as its digest."""
    value = _value(finding, report)
    text = _written(value)
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(_squeezed(text).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"（文字，共{len(text)}字，摘要{digest}）"


def _value(finding: Finding, report: Report) -> Value:
    if finding.actual is not None or finding.field is None:
        return finding.actual
    return report.value(finding.field)


def _is_about(waiver: Waiver, finding: Finding, findings: Sequence[Finding], pack: Pack) -> bool:
    if finding.rule != waiver.rule or finding.severity == "info":
        return False
    if not waiver.field:
        return sum(other.rule == finding.rule for other in findings) == 1
    if finding.field is None:
        return waiver.field == WHOLE
    return waiver.field == finding.field or normal(waiver.field) == normal(pack.fields.place(finding.field))


def _problem(waiver: Waiver, matching: Sequence[Finding], report: Report, pack: Pack) -> Finding | None:
    """Return the finding that says why a waiver does not count, None where it does."""
    about = f"对规则{waiver.rule}的情况说明"
    if not matching:
        known = any(text.id == waiver.rule for text in pack.rules.texts)
        why = "本份报告没有这个问题，可以删去" if known else "本份报告没有这个编号的问题，请核对编号"
        return Finding("WAIVER-UNUSED", "info", None, waiver.where, f"{about}没有用上：{why}")
    first = matching[0]
    reason = _void(waiver, first, report, pack)
    if not reason:
        return None
    place = pack.fields.place(first.field) or WHOLE
    return Finding(
        "WAIVER-VOID",
        "warning",
        first.field,
        waiver.where,
        f"{about}（{place}）无效：{reason}{f'（原理由：{waiver.reason}）' if waiver.reason else ''}",
        actual=first.actual,
    )


def _void(waiver: Waiver, finding: Finding, report: Report, pack: Pack) -> str:
    """Return why a waiver is void, empty where it is not."""
    if not can_be_waived(finding, pack):
        return "缺少数据或数据不能读出的，不能以说明代替，请改正"
    if not waiver.reason or not waiver.confirmed_by:
        lacking = [
            word for word, text in (("理由", waiver.reason), ("确认人", waiver.confirmed_by)) if not text
        ]
        return f"没有填{'、'.join(lacking)}"
    now, then = value_mark(finding, report), waiver.value or ""
    if then and not _same(then, now, _value(finding, report)):
        return f"说明时填报值为{then}，现为{now or '空'}；请重新说明"
    if now and not then:
        return f"没有填说明时的填报值，无法知道此后有没有改动；现为{now}"
    wanted = _written(finding.expected)
    if waiver.expected and not _same(waiver.expected, wanted, finding.expected):
        return f"说明时应为{waiver.expected}，现应为{wanted or '其他值'}；有关的数已变，请重新说明"
    return ""


def _same(written: str, mark: str, value: Value) -> bool:
    """Return whether what an explanation says is the value: numbers as numbers, texts without spaces."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            return Decimal(written.replace(",", "")) == value
        except InvalidOperation:
            return False
    return _squeezed(written) in (_squeezed(mark), _squeezed(_written(value)))


def _written(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)
