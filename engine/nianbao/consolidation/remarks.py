"""What is to be said of a roll-up as a whole: who is missing, what cannot be, what its check found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from nianbao.findings import Finding, Where
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.rules.expression import Number

# Names that a sentence lists.
_NAMED = 20


def negative(figures: Mapping[str, Number | None], pack: Pack) -> Iterator[Finding]:
    for path, value in figures.items():
        if value is not None and value < 0:
            message = f"{pack.fields.place(path)}调整后为{value}，不能为负数；请核对调整表"
            yield Finding("ROLLUP-NEGATIVE", "error", path, Where(), message, 0, value)


def lacking(missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        message = f"名录中缺{len(missing)}家的报告：{_names(missing)}；补齐之前仅为草稿"
        yield Finding("ROLLUP-MISSING", "warning", None, Where(), message)


def vanished(gone: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding where nobody gave a roster, but last year knows of more agencies."""
    if gone:
        message = f"上年有报告、本年没有的单位：{_names(gone)}；漏报的请补齐，撤销、合并的写进别名表"
        yield Finding("ROLLUP-GONE", "warning", None, Where(), message)


def _names(agencies: Sequence[str]) -> str:
    return "、".join(agencies[:_NAMED]) + ("等" if len(agencies) > _NAMED else "")


def of_whole(
    result: CheckResult, worded: bool, borrowed: bool, partial: bool, pack: Pack
) -> Iterator[Finding]:
    """Yield the findings of the whole; where there are no words yet, what they lack is one note.

    Words may be `borrowed` from the report of the government's own office, which speaks of its own figures.
    As long as members are missing, nobody can tell whether the whole follows upon last year's: that blocks
    no draft.
    """
    lacking = 0
    yearly = {instance.rule.id for instance in pack.rules.yearly}
    for finding in result.findings:
        if finding.rule.startswith("WAIVER-"):
            # The government's own report bears the same name: its explanations are not those of the whole.
            continue
        if finding.rule == "PREVIOUS-NONE":
            message = (
                f"上年数据里没有{result.report.agency}的全口径报告，未与上年核对；请把上年公布的报告也放进来"
            )
            yield replace(finding, rule="ROLLUP-PREVIOUS", severity="warning", message=message)
            continue
        known = pack.fields.find(finding.field) if finding.field else None
        if not worded and known is not None and known.printed and known.kind == "text":
            lacking += 1
        elif partial and finding.severity == "error" and finding.rule in yearly:
            message = f"{finding.message}；补齐缺报的单位后再核对"
            yield replace(finding, severity="warning", message=message)
        elif borrowed and known is not None and known.kind == "text":
            message = f"{finding.message}；这段文字取自本级政府自己的报告，数字应改写成汇总的"
            yield replace(finding, message=message)
        else:
            yield finding
    if lacking:
        message = "还没有全口径报告的文字，仅为草稿；请在本级政府的报告里写好文字，再一起汇总"
        yield Finding("ROLLUP-WORDS", "warning", None, result.report.source, message)
