"""A report beside last year's: whether they agree, and the figures of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nianbao.findings import Value
from nianbao.outputs.results.words import value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.web.documents import Checked

AGREES, DIFFERS, UNSURE = "一致", "不一致", "待核对"


@dataclass(frozen=True)
class YearRow:
    """A figure of both years, in words."""

    title: str
    before: str
    now: str
    change: str


@dataclass(frozen=True)
class Years:
    """What the page says of last year; `off` is whether something does not agree."""

    word: str
    off: bool
    source: str
    rows: tuple[YearRow, ...]


def agreement(item: Checked, pack: Pack) -> str:
    """Return in a word whether a report continues last year's; only rules that compare figures count."""
    last = item.last
    if last is None or not last.reports:
        return "无上年"
    rules = {instance.rule.id for instance in pack.rules.yearly}
    open_ones = [f for f in item.result.findings if f.rule in rules and f.waiver is None]
    if any(finding.severity == "error" for finding in open_ones):
        return DIFFERS
    if open_ones:
        return UNSURE
    return AGREES if last.comparable else "不可比"


def years_of(item: Checked, pack: Pack) -> Years | None:
    """Return the comparison with last year, None where no data of last year were given."""
    last = item.last
    if last is None:
        return None
    word = agreement(item, pack)
    source = visible("、".join(dict.fromkeys(f"{r.agency}{r.year or ''}年" for r in last.reports)))
    rows = tuple(_rows(item, pack)) if last.comparable else ()
    return Years(word, word in (DIFFERS, UNSURE), source, rows)


def _rows(item: Checked, pack: Pack) -> list[YearRow]:
    rows = []
    for column in pack.meta.get("summary", ()):
        before = _sum([item.last.value(path) for path in column["sum"]]) if item.last else None
        now = _sum([item.report.value(path) for path in column["sum"]])
        if before is None and now is None:
            continue
        rows.append(
            YearRow(str(column["title"]), value_words(before), value_words(now), _change(before, now))
        )
    return rows


def _sum(values: Sequence[Value]) -> Value:
    """Return the sum; None as soon as one is blank, for a part would mislead."""
    total: int | Decimal = 0
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return None
        total += value
    return total


def _change(before: Value, now: Value) -> str:
    if not isinstance(before, int | Decimal) or not isinstance(now, int | Decimal):
        return ""
    difference = now - before
    return f"{difference:+}" if difference else "0"
