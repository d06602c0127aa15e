"""The way of a roll-up: check → who counts → add up → adjust → check the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nianbao.beside import Beside
from nianbao.comparison.matching import current_name
from nianbao.consolidation.adjustments import Adjustment, as_adjustments, summed, with_totals
from nianbao.consolidation.against import Difference, differences, published
from nianbao.consolidation.carried import Carried, carried, refuse_not_earlier, split_previous
from nianbao.consolidation.conflicts import conflicts
from nianbao.consolidation.gathering import Gathering
from nianbao.consolidation.levels import levels_of
from nianbao.consolidation.members import Excluded, Key, Member, Roster
from nianbao.consolidation.record import Changes, Record, changes_since, refuse_other
from nianbao.consolidation.remarks import lacking, negative, of_whole, vanished
from nianbao.consolidation.whole import has_words, own_report, scope_of_whole, whole_report
from nianbao.consolidation.wording import draft_mark, statement_of
from nianbao.errors import InputError, PackError
from nianbao.findings import Finding, count_severity
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check
from nianbao.policy import Policy
from nianbao.predecessors import Predecessors
from nianbao.previous import Previous
from nianbao.report import Report
from nianbao.rules.expression import Number


@dataclass(frozen=True)
class Rollup:
    """What rolling up came to; `fields` are the figures that were added, `sums` those of the members.

    `figures` is what is published: sums plus adjustments. `result` is the check of the whole; `findings`
    are what is wrong with it, with the members and with the roll-up. `missing` are the agencies of the
    roster without a report. `draft` says why it is only a draft, empty where it is none. `within` are the
    agencies that are in the figures of the members, as far as the records of their roll-ups are there.
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
    within: tuple[str, ...] = ()

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
    year: int | None = None,
    agencies: object = None,
    adjustments: object = None,
    against: object = None,
    previous: object = None,
    aliases: object = None,
    waivers: object = None,
    earlier: Record | None = None,
    statement: bool = True,
) -> Rollup:
    """Return the roll-up of `reports` into one report of `agency`; figures are added exactly, texts never.

    `year` is the one that is rolled up, by default that of most reports. `agencies` is the roster (a file, or
    nested data of each agency): who is to report, who counts. `adjustments` are lines with field, amount,
    reason and approver (a file, or `Adjustment` values); `against` is a published report to compare with;
    `previous` are last year's reports, also that of the whole; `aliases` and `waivers` are as `check_many`
    takes them; `earlier` is the record of an earlier roll-up. The sentence that says what the figures hold
    stands in the report too, unless `statement` is False. Reports are taken as they come: of each its figures
    and texts are kept. Raises InputError where a file cannot be read, contradicts itself, or nothing
    counts, PackError where the pack does not say how to roll up.
    """
    if not agency.strip():
        raise InputError("没有写汇总报告的单位名称，请给出，如 --agency 清河区人民政府")
    # What a person wrote is read first: nobody should wait for ten thousand reports to learn of a slip in it.
    given = _Given.read(pack, agency, agencies, adjustments, previous, aliases, waivers)
    refuse_other(earlier, agency, year, given.name)
    gathering = Gathering(agency, pack, given.policy, given.roster)
    gathering.take(reports, given.members_beside(), year)
    if not gathering.members:
        raise InputError(f"没有可以汇总的报告：{gathering.why_empty()}")
    refuse_other(earlier, agency, gathering.year, given.name)
    refuse_not_earlier(given.beside.previous, gathering.year)
    whole = _Whole.of(gathering, given, statement)
    other = published(against, agency, gathering.year, pack) if against is not None else None
    return _rollup(gathering, given, whole, other, earlier)


@dataclass(frozen=True)
class _Given:
    """What was given beside the reports; `last` are last year's reports for the whole and for the members."""

    pack: Pack
    policy: Policy
    agency: str
    name: Key
    roster: Roster
    lines: tuple[Adjustment, ...]
    beside: Beside
    last: tuple[Previous, Previous] | None

    @classmethod
    def read(
        cls,
        pack: Pack,
        agency: str,
        agencies: object,
        adjustments: object,
        previous: object,
        aliases: object,
        waivers: object,
    ) -> _Given:
        """Return what was given, read; raises InputError, PackError."""
        policy = pack.rollup
        if policy is None:
            raise PackError(f"报表包{pack.id}没有写明怎样汇总：pack.toml缺[rollup]", file="pack.toml")
        name = current_name(aliases)
        roster = Roster.read(agencies, pack, name)
        lines = with_totals(as_adjustments(adjustments, pack, policy), pack)
        beside = Beside.read(pack, previous, aliases, waivers)
        last = split_previous(beside.previous, agency, policy)
        return cls(pack, policy, agency, name, roster, lines, beside, last)

    def members_beside(self) -> Beside:
        """Return what goes with the reports of the members."""
        return replace(self.beside, previous=self.last and self.last[1])

    def adjusted(self, sums: Mapping[str, Number | None]) -> dict[str, Number | None]:
        """Return what is published: the sums with all adjustments."""
        figures = dict(sums)
        for line in self.lines:
            figures[line.field] = (figures[line.field] or 0) + line.amount
        return figures


@dataclass(frozen=True)
class _Whole:
    """The report of the whole, checked, and what it follows upon; `worded` where it has texts.

    Those may be `borrowed` from the report of the government's own office.
    """

    result: CheckResult
    figures: Mapping[str, Number | None]
    before: Predecessors | None
    worded: bool
    borrowed: bool
    statement: str

    @classmethod
    def of(cls, gathering: Gathering, given: _Given, stated: bool) -> _Whole:
        """Return the whole of what was gathered."""
        pack, policy, members = given.pack, given.policy, gathering.members
        own = own_report(gathering.owns, given.agency, policy)
        scope = scope_of_whole(members, gathering.categories_missing(), own, policy)
        left_out, missing = gathering.excluded, gathering.missing
        statement = statement_of(given.agency, scope, members, left_out, missing, given.lines, pack)
        figures = given.adjusted(gathering.sums)
        said = statement if stated else ""
        whole = whole_report(given.agency, gathering.year, figures, scope, own, said, pack)
        before = given.last[0].find(whole) if given.last else None
        result = check(whole, pack, before, given.beside.explanations(whole))
        borrowed = own is not None and policy.scope_of(own.value(policy.scope)) is None
        return cls(result, figures, before, has_words(own, pack), borrowed, statement)


def _rollup(
    gathering: Gathering, given: _Given, whole: _Whole, other: Report | None, earlier: Record | None
) -> Rollup:
    """Return all that a roll-up came to."""
    pack, policy, members = given.pack, given.policy, gathering.members
    report = whole.result.report
    gone = gathering.gone(given.last[1], report.year) if given.last else []
    shares = [*((m.agency, m.gaps) for m in members), *_marked(gone)]
    return Rollup(
        report,
        whole.result,
        policy.paths,
        tuple(members),
        tuple(gathering.excluded),
        gathering.missing,
        given.lines,
        tuple(gathering.sums.values()),
        whole.figures,
        tuple(_findings(gathering, given, whole, [agency for agency, _ in gone])),
        carried(report, whole.before, shares, pack),
        other,
        differences(whole.figures, other, members, policy) if other is not None else (),
        changes_since(earlier, members, policy, given.name, summed(given.lines)) if earlier else Changes(),
        whole.statement,
        draft_mark(gathering.missing, whole.worded, policy),
        tuple(agency for level in levels_of(members, policy) for agency in level.holds),
    )


def _findings(gathering: Gathering, given: _Given, whole: _Whole, gone: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the members, with the roll-up and with the whole."""
    pack, policy = given.pack, given.policy
    yield from sorted(gathering.findings, key=lambda finding: finding.message)
    yield from conflicts(gathering.members, given.agency, pack, policy, given.name)
    yield from negative(whole.figures, pack)
    yield from lacking(gathering.missing)
    yield from vanished([] if gathering.roster.given else gone)
    yield from of_whole(whole.result, whole.worded, whole.borrowed, bool(gathering.missing), pack)


def _marked(gone: Sequence[tuple[str, tuple[Number, ...]]]) -> Iterator[tuple[str, tuple[Number, ...]]]:
    yield from ((f"{agency}（本年没有）", gaps) for agency, gaps in gone)
