"""The way of a roll-up: check → who counts → add up → adjust → check the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from nianbao.agencies import agency_key
from nianbao.beside import Beside
from nianbao.consolidation.adjustments import Adjustment, as_adjustments, with_totals
from nianbao.consolidation.against import Difference, differences, published
from nianbao.consolidation.carried import Carried, absent, carried, gaps, split_previous, strict_instances
from nianbao.consolidation.conflicts import conflicts, main_year
from nianbao.consolidation.members import Excluded, Gatherer, Member, Roster, why_not
from nianbao.consolidation.record import Changes, Record, changes_since
from nianbao.consolidation.whole import add_up, has_words, own_report, scope_of_whole, whole_report
from nianbao.consolidation.wording import draft_mark, statement_of
from nianbao.errors import InputError, PackError
from nianbao.expression import Number
from nianbao.findings import Finding, Where, count_severity
from nianbao.matching import current_name
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, check_chunk
from nianbao.policy import Policy
from nianbao.previous import Previous
from nianbao.report import Report
from nianbao.waivers import as_waivers

_CHUNK = 256
# Names that a sentence lists.
_NAMED = 20


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
    name = current_name(aliases)
    gathering = _Gathering(agency, pack, policy, Roster.read(agencies, pack, name))
    beside = Beside.read(pack, previous, aliases, waivers)
    last = split_previous(beside.previous, agency, policy)
    gathering.take(reports, replace(beside, previous=last and last[1]))
    members = gathering.ordered()
    if not members:
        raise InputError(f"没有可以汇总的报告：{gathering.why_empty()}")
    year = main_year(members)
    own = own_report(gathering.owns, agency, policy)
    lines = with_totals(as_adjustments(adjustments, pack, policy), pack)
    sums = add_up(members, policy)
    figures = _adjusted(dict(zip(policy.paths, sums, strict=True)), lines)
    scope = scope_of_whole(members, own, policy)
    whole = whole_report(agency, year, figures, scope, own, pack, policy)
    before = last[0].find(whole) if last else None
    own_waivers = as_waivers(waivers).of(agency)
    result = check(whole, pack, before, [w for w in own_waivers if w.year in (None, year)])
    worded = has_words(own, pack)
    missing = gathering.missing(pack, policy)
    other = published(against, agency, year, pack) if against is not None else None
    gone = gathering.gone(last[1], year) if last else []
    found = [
        *gathering.findings,
        *conflicts(members, agency, year, pack, policy, name),
        *_negative(figures, pack),
        *_missing(missing),
        *_vanished([] if gathering.roster.given else [agency for agency, _ in gone]),
        *_of_whole(result, worded, bool(missing), pack),
    ]
    return Rollup(
        whole,
        result,
        policy.paths,
        tuple(members),
        tuple(gathering.excluded),
        missing,
        lines,
        sums,
        figures,
        tuple(found),
        carried(whole, before, [*((m.agency, m.gaps) for m in members), *_marked(gone)], pack),
        other,
        differences(figures, other, members, policy) if other is not None else (),
        changes_since(earlier, members, policy, name) if earlier is not None else Changes(),
        statement_of(agency, scope, members, gathering.excluded, missing, lines, pack, policy),
        draft_mark(missing, worded, policy),
    )


class _Gathering:
    """Takes the reports one by one, and keeps what is needed of each."""

    def __init__(self, agency: str, pack: Pack, policy: Policy, roster: Roster) -> None:
        self.key, self.pack, self.policy, self.roster = agency_key(agency), pack, policy, roster
        self.members: list[Member] = []
        self.excluded: list[Excluded] = []
        self.findings: list[Finding] = []
        self.owns: list[Report] = []
        self._gatherer = Gatherer(pack, policy, roster)
        self._instances = strict_instances(pack)
        self._seen: set[str] = set()
        self._claimed: set[int] = set()

    def take(self, reports: Iterable[Report], beside: Beside) -> None:
        """Check reports and keep their members."""
        stream = iter(reports)
        while chunk := list(islice(stream, _CHUNK)):
            for result in check_chunk(chunk, self.pack, beside):
                self._add(result, beside)

    def _add(self, result: CheckResult, beside: Beside) -> None:
        report, policy = result.report, self.policy
        last = beside.last(report)
        differing = gaps(report, last, self._instances) if beside.previous is not None else ()
        self._claimed.update(map(id, last.reports if last is not None else ()))
        member = self._gatherer.member(result, differing)
        if member.listed is not None:
            self._seen.add(member.listed)
        wide = policy.scope_of(member.said.get(policy.scope))
        is_whole = agency_key(report.agency) == self.key and wide is not None
        if is_whole and member.blank:
            # It has nothing to add: it brings the words of the whole.
            self.owns.append(report)
            return
        reason = why_not(member.said, self.pack, policy)
        if reason:
            self.excluded.append(Excluded(member.agency, reason))
            if (
                member.said.get(policy.category) in policy.excluded
                and member.said.get(policy.included) is True
            ):
                self._tell(
                    member,
                    "ROLLUP-EXCLUDED",
                    "warning",
                    f"{member.agency}写明计入汇总，但{reason}不计入；请核对类别",
                )
            return
        if is_whole and wide is not None and wide.value == policy.scopes[-1].value:
            message = (
                f"{member.agency}的{wide.words}报告就是汇总的结果，不能再作为成员；"
                "本级政府自己的数请把口径写成本单位，汇总的结果请不要放在输入里"
            )
            self._tell(member, "ROLLUP-CYCLE", "error", message)
        if self.roster.given and member.listed is None:
            message = f"{member.agency}不在单位名录中；请补进名录，或把它移出汇总的输入"
            self._tell(member, "ROLLUP-UNLISTED", "error", message)
        self._keep_own(report, wide is not None)
        self.members.append(member)

    def _keep_own(self, report: Report, wide: bool) -> None:
        """Keep a report that may hold the words of the whole, of others two: then none of them does."""
        named = agency_key(report.agency) == self.key
        alone = not wide and report.value(self.policy.category) == self.policy.own
        if named or (alone and len(self.owns) < 2):
            self.owns.append(report)

    def _tell(self, member: Member, rule: str, severity: str, message: str) -> None:
        self.findings.append(Finding(rule, severity, "agency", member.source, message))  # type: ignore[arg-type]

    def gone(self, previous: Previous, year: int | None) -> list[tuple[str, tuple[Number, ...]]]:
        """Return who reported last year and is no member, with what is missing without it."""
        others = {agency_key(each.agency) for each in self.excluded}
        found = absent(previous, year, self._claimed, others, self._instances)
        return [(each.agency, each.gaps) for each in found]

    def missing(self, pack: Pack, policy: Policy) -> tuple[str, ...]:
        """Return the agencies of the roster that count and have no report; note those that do not count."""
        found = []
        for agency, said in self.roster.entries:
            if agency in self._seen:
                continue
            reason = why_not(said, pack, policy)
            if reason:
                self.excluded.append(Excluded(agency, reason, reported=False))
            else:
                found.append(agency)
        return tuple(found)

    def ordered(self) -> list[Member]:
        """Return the members as the roster has them, others by category and name: not as they came."""
        places = {agency: number for number, (agency, _) in enumerate(self.roster.entries)}
        known = self.pack.fields.find(self.policy.category)
        ranks = {value: number for number, (value, _) in enumerate(known.choices if known else ())}

        def rank(member: Member) -> tuple[int, int, str, str]:
            category = str(member.said.get(self.policy.category))
            place = places.get(member.listed or "", len(places))
            return place, ranks.get(category, len(ranks)), member.agency, member.digest

        return sorted(self.members, key=rank)

    def why_empty(self) -> str:
        """Return why no report counts."""
        if not self.excluded:
            return "输入里没有报告"
        return "；".join(f"{e.agency}：{e.reason}" for e in self.excluded[:5])


def _adjusted(sums: Mapping[str, Number | None], lines: Sequence[Adjustment]) -> dict[str, Number | None]:
    figures = dict(sums)
    for line in lines:
        figures[line.field] = (figures[line.field] or 0) + line.amount
    return figures


def _negative(figures: Mapping[str, Number | None], pack: Pack) -> Iterator[Finding]:
    for path, value in figures.items():
        if value is not None and value < 0:
            message = f"{pack.fields.place(path)}调整后为{value}，不能为负数；请核对调整表"
            yield Finding("ROLLUP-NEGATIVE", "error", path, Where(), message, 0, value)


def _missing(missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        message = f"名录中缺{len(missing)}家的报告：{_names(missing)}；补齐之前仅为草稿"
        yield Finding("ROLLUP-MISSING", "warning", None, Where(), message)


def _vanished(gone: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding where nobody gave a roster, but last year knows of more agencies."""
    if gone:
        message = f"上年有报告、本年没有的单位：{_names(gone)}；漏报的请补齐，撤销、合并的写进别名表"
        yield Finding("ROLLUP-GONE", "warning", None, Where(), message)


def _marked(gone: Sequence[tuple[str, tuple[Number, ...]]]) -> Iterator[tuple[str, tuple[Number, ...]]]:
    yield from ((f"{agency}（本年没有）", gaps) for agency, gaps in gone)


def _names(agencies: Sequence[str]) -> str:
    return "、".join(agencies[:_NAMED]) + ("等" if len(agencies) > _NAMED else "")


def _of_whole(result: CheckResult, worded: bool, partial: bool, pack: Pack) -> Iterator[Finding]:
    """Yield the findings of the whole; where there are no words yet, what they lack is one note.

    As long as members are missing, nobody can tell whether the whole follows upon last year's: that blocks no
    draft.
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
        else:
            yield finding
    if lacking:
        message = "还没有全口径报告的文字，仅为草稿；请在本级政府的报告里写好文字，再一起汇总"
        yield Finding("ROLLUP-WORDS", "warning", None, result.report.source, message)
