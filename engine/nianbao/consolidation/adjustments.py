"""Adjustments of a roll-up: what only a person knows, line by line, with reason and approver."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from pathlib import Path

from nianbao.errors import InputError
from nianbao.fields import Field
from nianbao.findings import Where
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.readers.tables import TableRow, read_table
from nianbao.rules.expression import Number
from nianbao.rules.instances import totals
from nianbao.values import parse

_HEADINGS: Mapping[str, Sequence[str]] = {
    "field": ("栏目", "位置", "调整栏目", "项目", "field"),
    "amount": ("调整数", "增减", "调整", "数量", "增减数", "amount"),
    "reason": ("理由", "原因", "调整理由", "说明", "reason"),
    "approver": ("批准人", "审批人", "审定人", "批准", "approver"),
    "agency": ("单位", "涉及单位", "单位名称", "agency"),
    "date": ("日期", "批准日期", "date"),
}
_MINUS, _PLUS = ("-", "−", "－", "–", "减"), ("+", "＋", "加", "增")


@dataclass(frozen=True)
class Adjustment:
    """One line: so much more or less in a field, why, and who approved it.

    `agency` is whom it concerns, for the record only. `follows` marks the line of a total that follows from
    the lines of its parts.
    """

    field: str
    amount: Number
    reason: str
    approver: str
    agency: str = ""
    date: str = ""
    where: Where = made_by(default_factory=Where)
    follows: bool = False


def as_adjustments(source: object, pack: Pack, policy: Policy) -> tuple[Adjustment, ...]:
    """Return the adjustments of a file, or those given; raises InputError."""
    if source is None:
        return ()
    if isinstance(source, str | Path):
        return read_adjustments(Path(source), pack, policy)
    if not isinstance(source, Iterable):
        raise TypeError(f"cannot read adjustments from {type(source).__name__}")
    return tuple(source)


def read_adjustments(path: Path, pack: Pack, policy: Policy) -> tuple[Adjustment, ...]:
    """Return the lines of a workbook or CSV with the columns 栏目, 调整数, 理由 and 批准人.

    栏目 is a position in the words of the form or a path. Raises InputError naming the row that cannot be
    meant: every line needs a known field, an amount other than 0, a reason and an approver.
    """
    rows = read_table(path, _HEADINGS, ("field", "amount", "reason", "approver"), "调整表")
    return tuple(_line(row, pack, policy) for row in rows)


def _line(row: TableRow, pack: Pack, policy: Policy) -> Adjustment:
    known = _field(row, pack, policy)
    for name, what in (("reason", "理由"), ("approver", "批准人")):
        if not row.get(name):
            raise _wrong(row.where, f"{known.place}的调整没有写{what}；每项调整都要有理由和批准人")
    amount = _amount(row, known)
    return Adjustment(
        known.path,
        amount,
        row.get("reason"),
        row.get("approver"),
        row.get("agency"),
        row.get("date"),
        row.where,
    )


def _field(row: TableRow, pack: Pack, policy: Policy) -> Field:
    words = row.get("field")
    path = words if words in pack.fields.by_path else pack.places.get(normal(words), "")
    known = next((f for f in policy.fields if f.path == path), None)
    if known is None:
        example = policy.fields[0].place
        raise _wrong(row.where, f"没有可调整的栏目“{words}”，请写报表中的位置，如“{example}”")
    return known


def _amount(row: TableRow, known: Field) -> Number:
    text = unicodedata.normalize("NFKC", row.get("amount")).strip()
    sign = -1 if text.startswith(_MINUS) else 1
    bare = text[1:].strip() if text.startswith((*_MINUS, *_PLUS)) else text
    parsed = parse(bare, known)
    if parsed.problem or not isinstance(parsed.value, Number):
        raise _wrong(row.where, f"{known.place}的调整数{parsed.problem or '为空'}，应写如+1或-1的数")
    if parsed.value == 0:
        raise _wrong(row.where, f"{known.place}的调整数是0，请删去这一行")
    return parsed.value * sign


def _wrong(where: Where, message: str) -> InputError:
    name = Path(where.file or "").name
    return InputError(f"调整表{name}“{where.sheet}”第{where.row}行：{message}", file=where.file)


def with_totals(lines: Sequence[Adjustment], pack: Pack) -> tuple[Adjustment, ...]:
    """Return the lines, and one for each total that their parts change and nobody adjusted."""
    return (*lines, *_following(summed(lines), totals(pack.rules.instances)))


def summed(lines: Iterable[Adjustment]) -> dict[str, Number]:
    """Return what the lines add to each field."""
    found: dict[str, Number] = {}
    for line in lines:
        found[line.field] = found.get(line.field, 0) + line.amount
    return found


def _following(changed: dict[str, Number], sums: Mapping[str, tuple[str, ...]]) -> Iterator[Adjustment]:
    pending = {total: parts for total, parts in sums.items() if total not in changed}
    while pending:
        ready = [total for total, parts in pending.items() if not any(part in pending for part in parts)]
        if not ready:
            return
        for total in ready:
            amount = sum((changed.get(part, 0) for part in pending.pop(total)), start=0)
            if amount:
                changed[total] = amount
                yield Adjustment(total, amount, "合计随分项的调整", "", follows=True)
