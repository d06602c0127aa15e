"""What came from whom: reports given to members, checked, and those that are nobody's or of another year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nianbao.beside import Beside
from nianbao.collecting.files import Found, mark
from nianbao.collecting.workspace import Kept
from nianbao.errors import InputError
from nianbao.findings import Finding, Severity, Where
from nianbao.ledger.assigning import Assignment, Roll
from nianbao.ledger.fingerprint import fingerprint
from nianbao.ledger.lines import Draft, Stray
from nianbao.ledger.members import as_of, wider_than
from nianbao.ledger.statuses import stray_finding
from nianbao.pack import Pack
from nianbao.pipeline import check_chunk
from nianbao.report import Report


@dataclass(frozen=True)
class Gathered:
    """The reports of a folder by the number of the member; `hints` are further remarks on a member."""

    drafts: Mapping[int, Sequence[Draft]]
    strays: tuple[Stray, ...]
    hints: Mapping[int, Sequence[Finding]]
    unreadable: tuple[tuple[str, str], ...]


def gather(
    found: Found, folder: Path, roll: Roll, kept: Kept, year: int, today: date, pack: Pack, beside: Beside
) -> Gathered:
    """Return what came from whom; raises InputError where every report is of one other year."""
    _refuse_other_year(found.reports, folder, year)
    strays: list[Stray] = []
    hints: dict[int, list[Finding]] = {}
    taken: list[tuple[Report, Assignment, str]] = []
    others: list[tuple[Report, int, str]] = []
    for report in found.reports:
        file = mark(report.source, folder)
        assignment = _assigned(report, file, roll, kept)
        if assignment.member is None:
            strays.append(_stray(report, file, assignment, roll))
        elif report.year not in (None, year):
            others.append((report, assignment.member, file))
        elif words := wider_than(report, roll.members[assignment.member], pack):
            strays.append(Stray(file, report.agency, report.year, _of_wider_scope(report, file, words)))
        else:
            taken.append((report, assignment, file))
            if assignment.how == "assigned":
                strays.append(_assigned_stray(report, file, assignment, roll))
    there = {assignment.member for _, assignment, _ in taken}
    for report, number, file in others:
        remark = _of_another_year(report, file, roll.members[number].name, year, number in there)
        strays.append(Stray(file, report.agency, report.year, remark))
        if number not in there:
            hints.setdefault(number, []).append(remark)
    for file, reason in found.unreadable:
        _hint_of_unreadable(file, reason, roll, hints)
    dated = (replace(stray, first=kept.came.get(stray.file, today)) for stray in strays)
    return Gathered(_drafts(taken, roll, pack, beside), tuple(dated), hints, tuple(found.unreadable))


def _drafts(
    taken: Sequence[tuple[Report, Assignment, str]], roll: Roll, pack: Pack, beside: Beside
) -> dict[int, list[Draft]]:
    drafts: dict[int, list[Draft]] = {}
    # Last year's report and the explanations are looked for under the name of the roster.
    named = [as_of(report, roll.members[assignment.member or 0]) for report, assignment, _ in taken]
    for (report, assignment, file), result in zip(taken, check_chunk(named, pack, beside), strict=True):
        assert assignment.member is not None
        draft = Draft(file, result, assignment, fingerprint(report), report)
        drafts.setdefault(assignment.member, []).append(draft)
    return drafts


def _assigned(report: Report, file: str, roll: Roll, kept: Kept) -> Assignment:
    """Return whose a report is; what the office has said in the ledger goes before all else."""
    name = kept.assigned.get(file, "")
    if not name:
        return roll.assign(report)
    number = roll.named(name)
    if number is None:
        return Assignment(None, "", f"台账里指定的单位“{name}”不在名录里")
    return Assignment(number, "assigned", f"由台账指定给{roll.members[number].name}")


def _stray(report: Report, file: str, assignment: Assignment, roll: Roll) -> Stray:
    hint = roll.hinted(report.source.file or "")
    remark = stray_finding(file, assignment.remark, hint, report.source)
    return Stray(file, report.agency, report.year, remark)


def _assigned_stray(report: Report, file: str, assignment: Assignment, roll: Roll) -> Stray:
    """Return the line by which the next run still knows what the office said."""
    name = roll.members[assignment.member or 0].name
    remark = Finding("NO-MEMBER", "info", "agency", report.source, f"“{file}”已指定给{name}")
    return Stray(file, report.agency, report.year, remark, name)


def _of_another_year(report: Report, file: str, name: str, year: int, there: bool) -> Finding:
    """Return what to say of a report of another year; it is harmless beside one of the right year."""
    message = f"{name}：“{file}”是{report.year}年的报告，本次收的是{year}年的，没有采用"
    severity: Severity = "info" if there else "error"
    return Finding("OTHER-YEAR", severity, "year", report.where("year"), message)


def _of_wider_scope(report: Report, file: str, words: str) -> Finding:
    message = f"“{file}”是{report.agency}{words}的报告，名录里是本单位的，没有采用；汇总的报告请另立台账收"
    return Finding("OTHER-SCOPE", "warning", "agency", report.where("agency"), message)


def _hint_of_unreadable(file: str, reason: str, roll: Roll, hints: dict[int, list[Finding]]) -> None:
    """Say beside an agency that a file with its name could not be read."""
    name = roll.hinted(file)
    number = roll.named(name) if name else None
    if number is not None:
        message = f"{name}：有一个文件像是它的，但未能读取：{reason}"
        hints.setdefault(number, []).append(Finding("UNREADABLE", "warning", None, Where(file), message))


def _refuse_other_year(reports: Sequence[Report], folder: Path, year: int) -> None:
    years = Counter(report.year for report in reports if report.year is not None)
    if len(years) == 1 and year not in years:
        other = next(iter(years))
        message = f"里的报告都是{other}年的，本次收的是{year}年的；请换文件夹，或用 --year {other} 指明年度"
        raise InputError(f"文件夹{folder}{message}", file=str(folder))
