"""The roll-up beside a report that was published: field by field, with who contributed what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nianbao.agencies import agency_key
from nianbao.bind import bind
from nianbao.consolidation.members import Member
from nianbao.errors import InputError
from nianbao.inputs import Source
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.report import Report
from nianbao.rules.expression import Number
from nianbao.rules.instances import number_of

# Members whose own figure is exactly the difference are worth naming, unless it is one that many have.
_MOST = 5


@dataclass(frozen=True)
class Difference:
    """A figure that differs from the published one; None where a side has none.

    `by` are the members with a figure there, the greatest first; `exactly` are those whose figure is the
    difference: one that was left out there, or counted twice.
    """

    field: str
    ours: Number | None
    theirs: Number | None
    by: tuple[tuple[str, Number], ...]
    exactly: tuple[str, ...] = ()

    @property
    def gap(self) -> Number:
        """How much more the roll-up has."""
        return (self.ours or 0) - (self.theirs or 0)


def published(source: object, agency: str, year: int | None, pack: Pack) -> Report:
    """Return the published report that `source` is or holds; raises InputError where it is not one report."""
    if isinstance(source, Report):
        return source
    stream = Source([source], pack)
    reports = [bind(raw, pack) for raw in stream]
    if not reports:
        reasons = "；".join(message for _, message in stream.unreadable)
        raise InputError(f"--against 中没有报告{f'：{reasons}' if reasons else ''}")
    same = [r for r in reports if agency_key(r.agency) == agency_key(agency) and r.year == year]
    if len(reports) == 1 or len(same) == 1:
        return same[0] if same else reports[0]
    said = f"--against 中有{len(reports)}份报告，其中{agency}{year or ''}年的有{len(same)}份"
    raise InputError(f"{said}；请只给出一份公布的报告")


def differences(
    ours: Mapping[str, Number | None], theirs: Report, members: Sequence[Member], policy: Policy
) -> tuple[Difference, ...]:
    """Return where the roll-up and the published report differ, in the order of the fields."""
    found = []
    for number, field in enumerate(policy.fields):
        mine, other = ours[field.path], number_of(theirs.value(field.path))
        # What is not printed is in no published report.
        if mine == other or (other is None and not (field.required and field.printed)):
            continue
        by = [(m.agency, value) for m in members if (value := m.figure(number))]
        by.sort(key=lambda pair: (-pair[1], pair[0]))
        gap = abs((mine or 0) - (other or 0))
        exactly = tuple(agency for agency, value in by if value == gap)
        found.append(Difference(field.path, mine, other, tuple(by), exactly if len(exactly) <= _MOST else ()))
    return tuple(found)
