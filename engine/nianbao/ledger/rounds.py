"""Rounds: which findings of an earlier round are mended, which are left, which are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nianbao.findings import Finding
from nianbao.ledger.lines import NEW, NOTE, SAME, EarlierFinding, Progress
from nianbao.ledger.signing import only
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.report import Report
from nianbao.waivers import WHOLE


@dataclass(frozen=True)
class Earlier:
    """An earlier round, by the names of the agencies as they stood there."""

    number: int = 1
    source: str = ""
    findings: Mapping[str, Sequence[EarlierFinding]] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)


def progress_of(
    result: CheckResult | None, before: Iterable[EarlierFinding], last: Report | None, pack: Pack
) -> Progress:
    """Return what became of an agency's findings; without a report now, none of them is mended.

    A finding is known by its rule and its position: one whose value was changed and still fails is 未改.
    Notes ask for nothing, and have no state.
    """
    if result is None:
        return Progress()
    earlier = [each for each in before if each.level != NOTE]
    left = Counter((each.rule, each.place) for each in earlier)
    states = []
    for finding in result.findings:
        if finding.severity == "info":
            states.append("")
            continue
        key = (finding.rule, place_of(finding, pack))
        states.append(SAME if left[key] > 0 else NEW)
        left[key] -= 1
    fixed = []
    for each in reversed(earlier):
        if left[each.rule, each.place] > 0:
            left[each.rule, each.place] -= 1
            fixed.append(each)
    changes = only(last, result.report, pack) if last is not None else None
    return Progress(tuple(states), tuple(reversed(fixed)), changes)


def place_of(finding: Finding, pack: Pack) -> str:
    """Return the position of a finding as a workbook of results has it."""
    return pack.fields.place(finding.field) or WHOLE
