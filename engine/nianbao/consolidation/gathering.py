"""Gathering the members of a roll-up: reports are checked as they come, what is needed of each is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from nianbao.agencies import agency_key
from nianbao.beside import Beside
from nianbao.consolidation.carried import absent, gaps, strict_instances
from nianbao.consolidation.conflicts import main_year, other_years
from nianbao.consolidation.members import Excluded, Gatherer, Member, Roster, why_not
from nianbao.consolidation.whole import add_up
from nianbao.errors import InputError
from nianbao.findings import Finding, Severity, Value
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check_chunk
from nianbao.policy import Policy
from nianbao.previous import Previous
from nianbao.report import Report
from nianbao.rules.expression import Number

_CHUNK = 256


class Gathering:
    """Takes the reports one by one, and keeps what is needed of each.

    `owns` are reports that may hold the words of the whole; `missing` are the agencies of the roster that
    count and have no report; `sums` are those of the members, by field; `year` is the one that counts.
    """

    def __init__(self, agency: str, pack: Pack, policy: Policy, roster: Roster) -> None:
        self.key, self.pack, self.policy, self.roster = agency_key(agency), pack, policy, roster
        self.members: list[Member] = []
        self.excluded: list[Excluded] = []
        self.findings: list[Finding] = []
        self.owns: list[Report] = []
        self.missing: tuple[str, ...] = ()
        self.sums: dict[str, Number | None] = {}
        self.year: int | None = None
        self._gatherer = Gatherer(pack, policy, roster)
        self._instances = strict_instances(pack)
        self._claimed: set[int] = set()

    def take(self, reports: Iterable[Report], beside: Beside, year: int | None = None) -> None:
        """Check reports, keep those of one year as members, and add them up.

        The year is that of most reports where none is given. Raises InputError where none is of that year.
        """
        stream = iter(reports)
        while chunk := list(islice(stream, _CHUNK)):
            for result in check_chunk(chunk, self.pack, beside):
                self._add(result, beside)
        self._keep_one_year(year)
        for member in self.members:
            self._tell_of(member)
        self._finish()

    def _add(self, result: CheckResult, beside: Beside) -> None:
        report = result.report
        last = beside.last(report)
        differing = gaps(report, last, self._instances) if beside.previous is not None else ()
        self._claimed.update(map(id, last.reports if last is not None else ()))
        member = self._gatherer.member(result, differing)
        wide = self.policy.scope_of(member.said.get(self.policy.scope))
        is_whole = agency_key(report.agency) == self.key and wide is not None
        if is_whole and member.blank:
            # It has nothing to add: it brings the words of the whole.
            self.owns.append(report)
        elif reason := why_not(member.said, self.pack, self.policy):
            self._leave_out(member, reason)
        else:
            self._keep_own(report, wide is not None)
            self.members.append(member)

    def _leave_out(self, member: Member, reason: str) -> None:
        """Keep who does not count, and tell where that contradicts what the agency says of itself."""
        policy = self.policy
        self.excluded.append(Excluded(member.agency, reason, listed=member.listed))
        by_category = member.said.get(policy.category) in policy.excluded
        if by_category and member.said.get(policy.included) is True:
            message = f"{member.agency}写明计入汇总，但{reason}不计入；请核对类别"
            self._tell(member, "ROLLUP-EXCLUDED", "warning", message)

    def _tell_of(self, member: Member) -> None:
        """Tell of a member that is what comes out of this roll-up, or that is not on the roster."""
        wide = self.policy.scope_of(member.said.get(self.policy.scope))
        is_whole = agency_key(member.agency) == self.key
        if is_whole and wide is not None and wide.value == self.policy.scopes[-1].value:
            words = self.policy.scope_words(wide, member.agency)
            message = (
                f"{member.agency}的{words}报告就是汇总的结果，不能再作为成员；"
                "本级政府自己的数请把口径写成本单位，汇总的结果请不要放在输入里"
            )
            self._tell(member, "ROLLUP-CYCLE", "error", message)
        if self.roster.given and member.listed is None:
            message = f"{member.agency}不在单位名录中；请补进名录，或把它移出汇总的输入"
            self._tell(member, "ROLLUP-UNLISTED", "error", message)

    def _keep_own(self, report: Report, wide: bool) -> None:
        """Keep a report that may hold the words of the whole, of others two: then none of them does."""
        named = agency_key(report.agency) == self.key
        alone = not wide and report.value(self.policy.category) == self.policy.own
        if named or (alone and len(self.owns) < 2):
            self.owns.append(report)

    def _tell(self, member: Member, rule: str, severity: Severity, message: str) -> None:
        self.findings.append(Finding(rule, severity, "agency", member.source, message))

    def gone(self, previous: Previous, year: int | None) -> list[tuple[str, tuple[Number, ...]]]:
        """Return who reported last year and is no member, with what is missing without it."""
        others = {agency_key(each.agency) for each in self.excluded}
        found = absent(previous, year, self._claimed, others, self._instances)
        return [(each.agency, each.gaps) for each in found]

    def _keep_one_year(self, year: int | None) -> None:
        """Part the members of the year from all others, which are told once a year and do not count."""
        self.year = year or main_year(self.members)
        others = [member for member in self.members if member.year != self.year]
        if not others:
            return
        if len(others) == len(self.members):
            raise InputError(_all_of_another_year(others, self.year))
        self.members = [member for member in self.members if member.year == self.year]
        self.owns = [report for report in self.owns if report.year == self.year]
        self.findings += other_years(others, self.year)
        self.excluded += [Excluded(m.agency, _of_year(m.year), of_year=m.year or 0) for m in others]

    def _finish(self) -> None:
        """Put everything in an order that does not depend on how the reports came, and add up."""
        seen = {member.listed for member in self.members} | {each.listed for each in self.excluded}
        listed = [(agency, why_not(said, self.pack, self.policy)) for agency, said in self.roster.entries]
        absent_ones = [(agency, reason) for agency, reason in listed if agency not in seen]
        self.missing = tuple(agency for agency, reason in absent_ones if not reason)
        self.excluded.sort(key=lambda each: each.agency)
        self.excluded += [Excluded(agency, reason, False) for agency, reason in absent_ones if reason]
        self.members = self._ordered()
        self.sums = dict(zip(self.policy.paths, add_up(self.members, self.policy), strict=True))

    def _ordered(self) -> list[Member]:
        """Return the members as the roster has them, others by category and name: not as they came."""
        places = {agency: number for number, (agency, _) in enumerate(self.roster.entries)}
        known = self.pack.fields.find(self.policy.category)
        ranks = {value: number for number, (value, _) in enumerate(known.choices if known else ())}

        def rank(member: Member) -> tuple[int, int, str, str]:
            category = str(member.said.get(self.policy.category))
            place = places.get(member.listed or "", len(places))
            return place, ranks.get(category, len(ranks)), member.agency, member.digest

        return sorted(self.members, key=rank)

    def categories_missing(self) -> list[Value]:
        """Return the categories of the agencies that count and have no report, where the roster says them."""
        missing, whole = set(self.missing), self.key
        entries = (e for e in self.roster.entries if e[0] in missing and agency_key(e[0]) != whole)
        return [known for _, said in entries if (known := said.get(self.policy.category))]

    def why_empty(self) -> str:
        """Return why no report counts."""
        reported = [each for each in self.excluded if each.reported]
        if not reported:
            return "输入里没有报告"
        return "；".join(f"{each.agency}：{each.reason}" for each in reported[:5])


def _of_year(year: int | None) -> str:
    return f"是{year}年的报告" if year else "没有写年度"


def _all_of_another_year(members: Sequence[Member], year: int | None) -> str:
    years = sorted({member.year for member in members if member.year is not None})
    if not years:
        return "输入里的报告都没有写年度，不能汇总；请补上年度"
    said = "、".join(f"{other}年" for other in years)
    return f"输入里的报告都是{said}的，本次汇总的是{year}年的；请换文件夹，或用 --year {years[-1]} 指明年度"
