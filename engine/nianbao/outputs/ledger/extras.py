"""The sheets that a collection adds to 检查结果.xlsx: the missing, last year, what was mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from nianbao.beside import Beside
from nianbao.consolidation.adjustments import Adjustment
from nianbao.fields import lookup
from nianbao.findings import Finding, Value
from nianbao.ledger.lines import FIXED, STATUSES, Ledger, Line
from nianbao.ledger.signing import change_words
from nianbao.ledger.statuses import late
from nianbao.outputs.ledger.workbook import category_words
from nianbao.outputs.results.scopes import SCOPE_COLUMNS, SCOPES, adjustment_rows, scope_row
from nianbao.outputs.results.sheets import Column, Extra, Row
from nianbao.outputs.results.words import value_words
from nianbao.pack import Pack
from nianbao.rules.yearly import Carried, carried

MISSING, LAST_YEAR, ROUNDS = "未报送与超期", "上下年衔接", "轮次变化"
_MISSING_COLUMNS = (
    Column("序号", 5, "center"),
    Column("单位", 22),
    Column("类别", 9, "center"),
    Column("报送期限", 12, "center"),
    Column("状态", 10, "center"),
    Column("超期天数", 8, "number"),
    Column("备注", 60),
    Column("联系人、电话", 18),
)
_YEAR_COLUMNS = (
    Column("单位", 22),
    Column("规则", 12),
    Column("位置", 28),
    Column("应满足", 32),
    Column("本年填报", 10, "value"),
    Column("按上年应为", 10, "value"),
    Column("差额", 9, "value"),
    Column("结果", 9, "center"),
    Column("说明", 60),
)
_ROUND_COLUMNS = (
    Column("单位", 22),
    Column("变化", 10, "center"),
    Column("位置", 30),
    Column("内容", 70),
)


def extras_of(
    ledger: Ledger, pack: Pack, beside: Beside, adjustments: Sequence[Adjustment] = ()
) -> list[Extra]:
    """Return the further sheets of 检查结果.xlsx."""
    extras = [Extra(MISSING, _MISSING_COLUMNS, _missing(ledger, pack), 2, ledger.counted())]
    nothing = "" if beside.previous else "没有给出上年数据（--previous），未核对"
    extras.append(Extra(LAST_YEAR, _YEAR_COLUMNS, _years(ledger, pack, beside), 1, nothing))
    rows = chain(_scopes(ledger, pack), adjustment_rows(adjustments, pack))
    remark = "" if adjustments else "没有给出调整表（--adjustments），只列口径"
    extras.append(Extra(SCOPES, SCOPE_COLUMNS, rows, 1, remark))
    if ledger.since:
        extras.append(Extra(ROUNDS, _ROUND_COLUMNS, _rounds(ledger, pack), 1, f"与{ledger.since}相比"))
    return extras


def _missing(ledger: Ledger, pack: Pack) -> Iterator[Row]:
    number = 0
    for line in ledger.lines:
        over = late(line.member, line.first) if line.drafts else max(0, -line.days_left(ledger.today))
        if line.status not in ("missing", "received") and not over:
            continue
        number += 1
        word = STATUSES[line.status] if line.status in ("missing", "received") else "超期报送"
        values = (
            number,
            line.member.name,
            category_words(line, pack),
            line.member.due.isoformat(),
            word,
            over,
            "\n".join(remark.message for remark in line.remarks),
            line.member.contact,
        )
        yield Row(values, {4: "fail" if over else "warn"})


def _years(ledger: Ledger, pack: Pack, beside: Beside) -> Iterator[Row]:
    if beside.previous is None:
        return
    for line in ledger.lines:
        if line.adopted is None:
            continue
        report = line.adopted.result.report
        last = beside.previous.find(report)
        for each in carried(pack.rules, report, last):
            yield _year(line, each, pack)
        if not last.comparable:
            said = "；".join(remark.message for remark in last.remarks) or "没有可比的上年报告"
            yield Row((line.member.name, "", "", "", None, None, None, "未核对", said), {7: "info"})


def _year(line: Line, each: Carried, pack: Pack) -> Row:
    rule, target = each.instance.rule, each.instance.target
    if each.outcome == "open":
        result, look = "缺数", "warn"
    elif each.outcome == "pass":
        result, look = "相符", "pass"
    else:
        result, look = "不符", "fail" if rule.severity == "error" else "warn"
    waiver = next(
        (f.waiver for f in _findings(line) if (f.rule, f.field) == (rule.id, target) and f.waiver), None
    )
    values = (
        line.member.name,
        rule.id,
        pack.fields.place(target),
        rule.title,
        each.left,
        each.right,
        each.left - each.right,
        result,
        waiver.words if waiver else "",
    )
    return Row(values, {7: look})


def _findings(line: Line) -> Sequence[Finding]:
    return line.adopted.result.findings if line.adopted else ()


def _scopes(ledger: Ledger, pack: Pack) -> Iterator[Row]:
    """Yield what roster and report say of an agency's scope, and where they contradict each other."""
    for line in ledger.lines:
        report = line.adopted.report if line.adopted else None
        for path in pack.meta.get("scope", ()):
            field = pack.fields.find(path)
            if field is None:
                continue
            words = dict(field.choices)
            wanted, said = lookup(line.member.data, path), report.value(path) if report else None
            shown = [_said(value, words) for value in (wanted, said)]
            if not any(shown):
                continue
            if all(shown) and shown[0] != shown[1]:
                content = f"名录写“{shown[0]}”，报告写“{shown[1]}”，请核对"
                yield scope_row(line.member.name, "不一致", field.title, content, "warn")
            else:
                yield scope_row(line.member.name, "口径", field.title, shown[0] or shown[1])


def _said(value: Value, words: dict[str, str]) -> str:
    return words.get(str(value), value_words(value)) if value is not None else ""


def _rounds(ledger: Ledger, pack: Pack) -> Iterator[Row]:
    for line in ledger.lines:
        progress = line.progress
        if progress is None:
            continue
        for each in progress.fixed:
            yield Row((line.member.name, FIXED, each.place, f"{each.level}：{each.message}"), {1: "pass"})
        for words in change_words(progress.changes, pack) if progress.changes else ():
            place, _, content = words.rpartition(" ")
            yield Row((line.member.name, "改动数据", place, content), {1: "info"})
