"""Where each agency of a collection stands: its drafts, signature, publications and progress in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from nianbao.agencies import agency_key
from nianbao.collecting.gathering import Gathered
from nianbao.collecting.publication import Published, publications
from nianbao.collecting.workspace import Kept
from nianbao.findings import Finding
from nianbao.ledger.assigning import Roll
from nianbao.ledger.lines import Draft, EarlierFinding, Line
from nianbao.ledger.members import Member, in_words
from nianbao.ledger.rounds import Earlier, progress_of
from nianbao.ledger.signing import SignOff, changed_since, listed
from nianbao.ledger.statuses import adopted_of, draft_remarks, late, reminder, status_of
from nianbao.pack import Pack
from nianbao.report import Report


@dataclass(frozen=True)
class Standing:
    """All that is known when the lines of a ledger are made."""

    roll: Roll
    gathered: Gathered
    published: Published
    signoffs: Mapping[str, SignOff]
    kept: Kept
    earlier: Earlier | None
    pack: Pack
    today: date

    def lines(self) -> Iterator[Line]:
        """Yield the line of each member, in the order of the roster."""
        before = self._before()
        for number, member in enumerate(self.roll.members):
            line = self._line(number, member, before)
            hints = self.gathered.hints.get(number, ())
            yield replace(line, remarks=tuple(remarks_of(line, hints, self.pack, self.today)))

    def _line(self, number: int, member: Member, before: _Before) -> Line:
        key, pack = agency_key(member.name), self.pack
        drafts = tuple(self.gathered.drafts.get(number, ()))
        designated = self.kept.designated.get(key, "")
        adopted, signoff = adopted_of(drafts, designated), self.signoffs.get(key)
        documents = self.published.by_member.get(number, ())
        read_back = tuple(publications(documents, signoff, adopted, pack))
        findings, last = before.get(number, ((), None))
        result = adopted.result if adopted else None
        return Line(
            member=member,
            status=status_of(adopted, drafts, signoff, read_back),
            drafts=drafts,
            adopted=adopted,
            progress=progress_of(result, findings, last, pack) if self.earlier else None,
            signoff=signoff,
            publications=read_back,
            first=self._first(key, drafts),
            designated=designated,
        )

    def _first(self, key: str, drafts: Sequence[Draft]) -> date | None:
        """Return the day on which a report was first there, also where nobody knew then whose it was."""
        came = [self.kept.came.get(draft.file, self.today) for draft in drafts]
        known = self.kept.first.get(key)
        return min([*came, *([known] if known else [])], default=None)

    def _before(self) -> _Before:
        """Return the findings and the report of the earlier round by the number of the member."""
        found: dict[int, tuple[list[EarlierFinding], Report | None]] = {}
        if self.earlier is None:
            return {}
        written = self._written()
        for agency, findings in self.earlier.findings.items():
            number = self.roll.named(agency)
            number = written.get(agency_key(agency)) if number is None else number
            if number is not None:
                found.setdefault(number, ([], None))[0].extend(findings)
        for agency, report in self.earlier.reports.items():
            number = self.roll.named(agency)
            # A file cannot have every name.
            number = self.roll.named(report.agency) if number is None else number
            if number is not None:
                found[number] = (found.get(number, ([], None))[0], report)
        return found

    def _written(self) -> Mapping[str, int]:
        """Return the members by the names in their reports, now and then: results list reports by those."""
        earlier = self.earlier.reports if self.earlier else {}
        written = {agency_key(r.agency): self.roll.named(name) for name, r in earlier.items() if r.agency}
        known = {name: number for name, number in written.items() if number is not None}
        for number, drafts in self.gathered.drafts.items():
            known |= {agency_key(draft.result.report.agency): number for draft in drafts}
        return known


_Before = Mapping[int, tuple[Sequence[EarlierFinding], Report | None]]


def remarks_of(line: Line, hints: Sequence[Finding], pack: Pack, today: date) -> list[Finding]:
    """Return what is to be said of an agency beside the findings of its report."""
    member = line.member
    remarks = [*draft_remarks(member, line.drafts, line.adopted, line.designated), *hints]
    if not line.drafts:
        remarks.insert(0, reminder(member, today))
    elif line.first and (days := late(member, line.first)):
        message = f"{member.name}：{in_words(line.first)}收到，超期{days}天（期限{in_words(member.due)}）"
        remarks.append(Finding("LATE", "info", None, member.where, message))
    if line.signoff and line.adopted:
        report = line.adopted.report
        for finding in changed_since(line.signoff, report, pack, report.source):
            remarks.append(replace(finding, message=f"{member.name}：{finding.message}"))
    elif line.signoff and not line.drafts:
        message = f"{member.name}：{line.signoff.by}已审签，收到的文件里却没有它的报告，请找回"
        remarks.append(Finding("SIGNED-GONE", "warning", None, member.where, message))
    return [*remarks, *_published_remarks(line)]


def _published_remarks(line: Line) -> list[Finding]:
    remarks, name = [], line.member.name
    for each in line.publications:
        if each.differences:
            message = f"{name}：公开的“{each.file}”与{each.against}不符：{listed(list(each.differences))}"
            remarks.append(Finding("PUBLISHED-DIFFERS", "error", None, line.member.where, message))
        if line.signoff is None or line.signoff.snapshot is None:
            message = f"{name}：已公开“{each.file}”，但没有审签记录"
            remarks.append(Finding("PUBLISHED-UNSIGNED", "warning", None, line.member.where, message))
    return remarks
