"""Gathering the members of a roll-up: reports are checked as they come, what is needed of each is kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from nianbao.agencies import agency_key
from nianbao.beside import Beside
from nianbao.consolidation.carried import absent, gaps, strict_instances
from nianbao.consolidation.members import Excluded, Gatherer, Member, Roster, why_not
from nianbao.consolidation.whole import add_up
from nianbao.findings import Finding, Severity
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
    count and have no report; `sums` are those of the members, by field.
    """

    def __init__(self, agency: str, pack: Pack, policy: Policy, roster: Roster) -> None:
        self.key, self.pack, self.policy, self.roster = agency_key(agency), pack, policy, roster
        self.members: list[Member] = []
        self.excluded: list[Excluded] = []
        self.findings: list[Finding] = []
        self.owns: list[Report] = []
        self.missing: tuple[str, ...] = ()
        self.sums: dict[str, Number | None] = {}
        self._gatherer = Gatherer(pack, policy, roster)
        self._instances = strict_instances(pack)
        self._seen: set[str] = set()
        self._claimed: set[int] = set()

    def take(self, reports: Iterable[Report], beside: Beside) -> None:
        """Check reports, keep their members, and add them up."""
        stream = iter(reports)
        while chunk := list(islice(stream, _CHUNK)):
            for result in check_chunk(chunk, self.pack, beside):
                self._add(result, beside)
        self._finish()

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

    def _tell(self, member: Member, rule: str, severity: Severity, message: str) -> None:
        self.findings.append(Finding(rule, severity, "agency", member.source, message))

    def gone(self, previous: Previous, year: int | None) -> list[tuple[str, tuple[Number, ...]]]:
        """Return who reported last year and is no member, with what is missing without it."""
        others = {agency_key(each.agency) for each in self.excluded}
        found = absent(previous, year, self._claimed, others, self._instances)
        return [(each.agency, each.gaps) for each in found]

    def _finish(self) -> None:
        """Put everything in an order that does not depend on how the reports came, and add up."""
        listed = [(agency, why_not(said, self.pack, self.policy)) for agency, said in self.roster.entries]
        absent_ones = [(agency, reason) for agency, reason in listed if agency not in self._seen]
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

    def why_empty(self) -> str:
        """Return why no report counts."""
        reported = [each for each in self.excluded if each.reported]
        if not reported:
            return "输入里没有报告"
        return "；".join(f"{each.agency}：{each.reason}" for each in reported[:5])
