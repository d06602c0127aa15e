"""What is carried over from last year, member by member: where the whole and last year's whole part ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal

from nianbao.agencies import agency_key
from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.predecessors import Predecessors, is_last_years, this_year
from nianbao.previous import Previous
from nianbao.report import Report
from nianbao.rules.expression import Number
from nianbao.rules.instances import Instance
from nianbao.rules.yearly import follows


@dataclass(frozen=True)
class Carried:
    """A rule about last year that the whole breaks, by how much, and what each member adds to it.

    `members` are (agency, difference), the greatest first; `rest` is what no member explains.
    """

    rule: str
    field: str
    message: str
    gap: Number
    members: tuple[tuple[str, Number], ...]
    rest: Number


def split_previous(
    previous: Previous | None, agency: str, policy: Policy
) -> tuple[Previous, Previous] | None:
    """Return last year's reports for the whole, and those for the members.

    A government's own report and that of its region bear one name: the scope tells them apart.
    """
    if previous is None:
        return None
    own = next((kind.value for kind in policy.scopes if not kind.covers), "")
    wide = tuple(r for r in previous.reports if r.value(policy.scope) != own)
    key = agency_key(agency)
    narrow = tuple(r for r in previous.reports if agency_key(r.agency) != key or r.value(policy.scope) == own)
    return replace(previous, reports=wide), replace(previous, reports=narrow)


def refuse_not_earlier(previous: Previous | None, year: int | None) -> None:
    """Raise InputError where what was given as last year's reports is none of last year, but of this one."""
    years = {report.year for report in previous.reports} if previous is not None else set()
    if year is not None and year in years and year - 1 not in years:
        message = f"上年数据（--previous）里没有{year - 1}年的报告，却有{year}年的"
        raise InputError(f"{message}；请检查要汇总的文件夹里是不是上年的报告，或换上年数据")


def strict_instances(pack: Pack) -> tuple[Instance, ...]:
    """Return the linear rules about last year that block a report."""
    rules = pack.rules.yearly
    return tuple(i for i in rules if i.rule.severity == "error" and i.when is None)


def gaps(report: Report, last: Predecessors | None, instances: Sequence[Instance]) -> tuple[Number, ...]:
    """Return by how much a member parts ways with its last year in each rule.

    Without a last year, all that it has counts as a difference.
    """
    comparable = last is not None and last.comparable and follows(report, last)
    return tuple(_gap(instance, report, last if comparable else None) for instance in instances)


def _gap(instance: Instance, report: Report, last: Predecessors | None) -> Number:
    def number(path: str) -> Number:
        if is_last_years(path):
            value = last.value(this_year(path)) if last is not None else 0
        else:
            value = report.value(path)
        return value if isinstance(value, Number) and not isinstance(value, bool) else 0

    total = instance.comparison.left.plus(instance.comparison.right, -1)
    return total.value(number)


@dataclass(frozen=True)
class Absent:
    """An agency that reported last year and is no member now, with what each rule lacks without it."""

    agency: str
    gaps: tuple[Number, ...]


def absent(
    previous: Previous, year: int | None, claimed: Set[int], others: Set[str], instances: Sequence[Instance]
) -> list[Absent]:
    """Return the agencies of last year's reports that no member follows.

    `claimed` are the reports (by identity) that members follow upon, `others` the names, as they are
    compared, of agencies that do not count.
    """
    nothing = Report({"year": year})
    return [
        Absent(report.agency, gaps(nothing, Predecessors((report,)), instances))
        for report in previous.reports
        if id(report) not in claimed
        and agency_key(report.agency) not in others
        and year is not None
        and report.year == year - 1
    ]


def carried(
    whole: Report,
    last: Predecessors | None,
    members: Sequence[tuple[str, tuple[Number, ...]]],
    pack: Pack,
) -> tuple[Carried, ...]:
    """Return where the whole parts ways with last year's whole, with what each member adds to it."""
    if last is None or not last.comparable or not follows(whole, last):
        return ()
    found = []
    for number, instance in enumerate(strict_instances(pack)):
        gap = _gap(instance, whole, last)
        if not gap:
            continue
        parts = greatest_first((agency, own[number]) for agency, own in members if own)
        rest = gap - sum((part[1] for part in parts), start=0)
        message = f"{pack.fields.place(instance.target)}与上年全口径报告相差{signed(gap)}"
        found.append(Carried(instance.rule.id, instance.target, message, gap, tuple(parts), rest))
    return tuple(found)


def signed(number: Number) -> str:
    """Return a difference with its sign."""
    return f"{number:+f}" if isinstance(number, Decimal) else f"{number:+d}"


def greatest_first(shares: Iterable[tuple[str, Number]]) -> list[tuple[str, Number]]:
    """Return what each agency adds, the greatest first, without those that add nothing."""

    def rank(share: tuple[str, Number]) -> tuple[Number, str]:
        return (share[1] if share[1] < 0 else -share[1]), share[0]

    return sorted((share for share in shares if share[1]), key=rank)
