"""The ledger as values: one line for each agency, and what belongs to nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from nianbao.comparison.differences import ReportComparison
from nianbao.findings import Finding
from nianbao.ledger.assigning import Assignment
from nianbao.ledger.members import Member
from nianbao.ledger.signing import Publication, SignOff
from nianbao.pipeline import CheckResult
from nianbao.report import Report

Status = Literal["missing", "received", "returned", "explain", "passed", "signed", "published"]
STATUSES: Mapping[Status, str] = {
    "missing": "未报",
    "received": "已报",
    "returned": "退回",
    "explain": "待说明",
    "passed": "通过",
    "signed": "已审签",
    "published": "已发布",
}
# Nothing is left to do for the figures of these.
DONE: frozenset[Status] = frozenset({"passed", "signed", "published"})
NEW, SAME, FIXED = "新增", "未改", "已改"
# The level of a finding that asks for nothing, as a workbook of results has it.
NOTE = "提示"


@dataclass(frozen=True)
class Draft:
    """A report that came: the file (and row) as people name it, whose it is, and what checking found.

    `report` is as it came, which is what is signed; that of `result` bears the name of the roster, and what
    only the roster knows of its agency.
    """

    file: str
    result: CheckResult
    assignment: Assignment
    fingerprint: str
    report: Report


@dataclass(frozen=True)
class EarlierFinding:
    """A finding of an earlier round, as its workbook tells it."""

    rule: str
    place: str
    level: str
    message: str
    value: str = ""


@dataclass(frozen=True)
class Progress:
    """What became of an agency's report since an earlier round.

    `states` says of each finding of the adopted report whether it is 新增 or 未改, empty for notes; `fixed`
    are those that are 已改; `changes` are the values that differ, where the earlier report is known.
    """

    states: tuple[str, ...] = ()
    fixed: tuple[EarlierFinding, ...] = ()
    changes: ReportComparison | None = None


@dataclass(frozen=True)
class Line:
    """One agency of the ledger.

    `drafts` are the reports that came for the year, `adopted` the one that counts; `remarks` are what is to
    be said beside the findings of the report; `first` is the day on which a report was first there.
    """

    member: Member
    status: Status
    drafts: tuple[Draft, ...] = ()
    adopted: Draft | None = None
    remarks: tuple[Finding, ...] = ()
    progress: Progress | None = None
    signoff: SignOff | None = None
    publications: tuple[Publication, ...] = ()
    first: date | None = None
    designated: str = ""

    @property
    def errors(self) -> int:
        """The number of findings that block the report; 0 where there is none to be checked."""
        return self.adopted.result.errors if self.adopted else 0

    @property
    def warnings(self) -> int:
        """The number of findings that want an explanation."""
        return self.adopted.result.warnings if self.adopted else 0

    def days_left(self, today: date) -> int:
        """Return the days to the deadline; below 0 it has passed."""
        return (self.member.due - today).days


@dataclass(frozen=True)
class Stray:
    """A report of no agency of the roster, or of another year; `first` is when it was first there."""

    file: str
    agency: str
    year: int | None
    remark: Finding
    assigned: str = ""
    first: date | None = None


@dataclass(frozen=True)
class Ledger:
    """A collection on one day: the lines in the order of the roster.

    `round` counts the rounds of correction, `since` names what this one is compared with; `unreadable` are
    (file, reason), `notes` (heading, text).
    """

    year: int
    today: date
    lines: tuple[Line, ...]
    strays: tuple[Stray, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    round: int = 1
    since: str = ""
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def counts(self) -> Mapping[Status, int]:
        """The number of agencies by status."""
        found = Counter(line.status for line in self.lines)
        return {status: found[status] for status in STATUSES}

    @property
    def done(self) -> int:
        """The number of agencies whose report needs no more correcting."""
        return sum(line.status in DONE for line in self.lines)

    @property
    def remarks(self) -> Sequence[Finding]:
        """All that is to be said beside the findings of the reports, in the order of the roster."""
        found = [*(r for line in self.lines for r in line.remarks), *(stray.remark for stray in self.strays)]
        # A report of another year is told of its agency and of its file.
        return list({remark.message: remark for remark in found}.values())

    @property
    def overdue(self) -> Sequence[Line]:
        """The agencies whose deadline has passed without a report."""
        return [x for x in self.lines if x.status == "missing" and x.days_left(self.today) < 0]

    @property
    def unpublished(self) -> Sequence[Line]:
        """The agencies whose report is signed, and has not been seen published by the day of the law."""
        return [
            x for x in self.lines if x.status == "signed" and not x.publications and x.member.law < self.today
        ]

    def states(self) -> Mapping[str, int]:
        """Return the number of findings that are 新增, 未改 and 已改 since the earlier round."""
        found: Counter[str] = Counter()
        for line in self.lines:
            if line.progress is not None:
                found.update(filter(None, line.progress.states))
                found[FIXED] += len(line.progress.fixed)
        return {state: found[state] for state in (NEW, SAME, FIXED)}

    def counted(self) -> str:
        """Return the ledger in one line."""
        said = "，".join(f"{STATUSES[status]}{count}" for status, count in self.counts.items() if count)
        text = f"名录{len(self.lines)}家：{said}；已完成{self.done}家"
        if self.since:
            states = "，".join(f"{state}{count}个" for state, count in self.states().items())
            text += f"。第{self.round}轮，与上一轮相比：{states}"
        return text
