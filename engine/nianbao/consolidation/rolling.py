"""The way of a roll-up: check → who counts → add up → adjust → check the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nianbao.beside import Beside
from nianbao.comparison.matching import current_name
from nianbao.consolidation.adjustments import Adjustment, as_adjustments, with_totals
from nianbao.consolidation.against import Difference, differences, published
from nianbao.consolidation.carried import Carried, carried, split_previous
from nianbao.consolidation.conflicts import conflicts, main_year
from nianbao.consolidation.gathering import Gathering
from nianbao.consolidation.members import Excluded, Member, Roster
from nianbao.consolidation.record import Changes, Record, changes_since
from nianbao.consolidation.remarks import lacking, negative, of_whole, vanished
from nianbao.consolidation.whole import has_words, own_report, scope_of_whole, whole_report
from nianbao.consolidation.wording import draft_mark, statement_of
from nianbao.errors import InputError, PackError
from nianbao.findings import Finding, count_severity
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check
from nianbao.predecessors import Predecessors
from nianbao.previous import Previous
from nianbao.report import Report
from nianbao.rules.expression import Number


@dataclass(frozen=True)
class Rollup:
    """What rolling up came to; `fields` are the figures that were added, `sums` those of the members.

    `figures` is what is published: sums plus adjustments. `result` is the check of the whole; `findings`
    are what is wrong with it, with the members and with the roll-up. `missing` are the agencies of the
    roster without a report. `draft` says why it is only a draft, empty where it is none.
    """

    report: Report
    result: CheckResult
    fields: tuple[str, ...]
    members: tuple[Member, ...]
    excluded: tuple[Excluded, ...]
    missing: tuple[str, ...]
    adjustments: tuple[Adjustment, ...]
    sums: tuple[Number | None, ...]
    figures: Mapping[str, Number | None]
    findings: tuple[Finding, ...]
    carried: tuple[Carried, ...] = ()
    compared: Report | None = None
    differences: tuple[Difference, ...] = ()
    changes: Changes = field(default_factory=Changes)
    statement: str = ""
    draft: str = ""

    @property
    def agency(self) -> str:
        """The name of the whole."""
        return self.report.agency

    @property
    def year(self) -> int | None:
        """The year of the whole."""
        return self.report.year

    @property
    def errors(self) -> int:
        """The number of findings that block the report; that a draft lacks words is none of them."""
        return count_severity(self.findings, "error")

    @property
    def ok(self) -> bool:
        """Whether the report may be built."""
        return not self.errors

    def by(self, path: str) -> list[tuple[str, Number]]:
        """Return who contributed to a figure, the greatest first."""
        number = self.fields.index(path)
        found = [(member.agency, value) for member in self.members if (value := member.figure(number))]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def rollup(
    reports: Iterable[Report],
    pack: Pack,
    agency: str,
    *,
    agencies: object = None,
    adjustments: object = None,
    against: object = None,
    previous: object = None,
    aliases: object = None,
    waivers: object = None,
    earlier: Record | None = None,
) -> Rollup:
    """Return the roll-up of `reports` into one report of `agency`; figures are added exactly, texts never.

    `agencies` is the roster (a file, or nested data of each agency): who is to report, who counts.
    `adjustments` are lines with field, amount, reason and approver (a file, or `Adjustment` values);
    `against` is a published report to compare with; `previous` are last year's reports, also that of the
    whole; `aliases` and `waivers` are as `check_many` takes them; `earlier` is the record of an earlier
    roll-up. Reports are taken as they come: what is kept of each is its figures and texts. Raises
    InputError where a file cannot be read or nothing counts, PackError where the pack does not say how to
    roll up.
    """
    policy = pack.rollup
    if policy is None:
        raise PackError(f"报表包{pack.id}没有写明怎样汇总：pack.toml缺[rollup]", file="pack.toml")
    # What a person wrote is read first: nobody should wait for ten thousand reports to learn of a slip in it.
    name = current_name(aliases)
    gathering = Gathering(agency, pack, policy, Roster.read(agencies, pack, name))
    lines = with_totals(as_adjustments(adjustments, pack, policy), pack)
    beside = Beside.read(pack, previous, aliases, waivers)
    last = split_previous(beside.previous, agency, policy)
    gathering.take(reports, replace(beside, previous=last and last[1]))
    if not gathering.members:
        raise InputError(f"没有可以汇总的报告：{gathering.why_empty()}")
    result, before, worded = _whole(agency, gathering, lines, beside, last and last[0])
    whole, members = result.report, gathering.members
    gone = gathering.gone(last[1], whole.year) if last else []
    other = published(against, agency, whole.year, pack) if against is not None else None
    figures = _adjusted(gathering.sums, lines)
    found = [
        *sorted(gathering.findings, key=lambda finding: finding.message),
        *conflicts(members, agency, whole.year, pack, policy, name),
        *negative(figures, pack),
        *lacking(gathering.missing),
        *vanished([] if gathering.roster.given else [agency for agency, _ in gone]),
        *of_whole(result, worded, bool(gathering.missing), pack),
    ]
    return Rollup(
        whole,
        result,
        policy.paths,
        tuple(members),
        tuple(gathering.excluded),
        gathering.missing,
        lines,
        tuple(gathering.sums.values()),
        figures,
        tuple(found),
        carried(whole, before, [*((m.agency, m.gaps) for m in members), *_marked(gone)], pack),
        other,
        differences(figures, other, members, policy) if other is not None else (),
        changes_since(earlier, members, policy, name) if earlier is not None else Changes(),
        statement_of(whole, members, gathering.excluded, gathering.missing, lines, pack, policy),
        draft_mark(gathering.missing, worded, policy),
    )


def _whole(
    agency: str,
    gathering: Gathering,
    lines: Sequence[Adjustment],
    beside: Beside,
    previous: Previous | None,
) -> tuple[CheckResult, Predecessors | None, bool]:
    """Return the check of the whole, what it follows upon, and whether it has words."""
    pack, policy, members = gathering.pack, gathering.policy, gathering.members
    own = own_report(gathering.owns, agency, policy)
    scope = scope_of_whole(members, own, policy)
    figures = _adjusted(gathering.sums, lines)
    whole = whole_report(agency, main_year(members), figures, scope, own, pack, policy)
    before = previous.find(whole) if previous is not None else None
    return check(whole, pack, before, beside.explanations(whole)), before, has_words(own, pack)


def _adjusted(sums: Mapping[str, Number | None], lines: Sequence[Adjustment]) -> dict[str, Number | None]:
    figures = dict(sums)
    for line in lines:
        figures[line.field] = (figures[line.field] or 0) + line.amount
    return figures


def _marked(gone: Sequence[tuple[str, tuple[Number, ...]]]) -> Iterator[tuple[str, tuple[Number, ...]]]:
    yield from ((f"{agency}（本年没有）", gaps) for agency, gaps in gone)
