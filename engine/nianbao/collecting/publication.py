"""What was published, read back and held against the figures that were signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nianbao.bind import bind
from nianbao.inputs import Source
from nianbao.ledger.assigning import Roll
from nianbao.ledger.lines import Draft
from nianbao.ledger.members import wider_than
from nianbao.ledger.signing import Publication, SignOff, published_differences
from nianbao.pack import Pack
from nianbao.report import Report


@dataclass
class Published:
    """The published documents of each member by number; `strays` are those of nobody, as (file, reason)."""

    by_member: dict[int, list[Report]] = field(default_factory=dict)
    strays: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def read_published(inputs: Sequence[object], roll: Roll, pack: Pack) -> Published:
    """Return the reports of published pages, Word files and PDFs by the member whose they are."""
    source = Source(inputs, pack)
    found = Published(unreadable=source.unreadable)
    for raw in source:
        report = bind(raw, pack)
        assignment = roll.assign(report)
        if assignment.member is None:
            name = Path(report.source.file or "").name
            reason = "发布的文件未对应名录单位"
            found.strays.append((name, "；".join(filter(None, (reason, assignment.remark)))))
        elif words := wider_than(report, roll.members[assignment.member], pack):
            name = Path(report.source.file or "").name
            found.strays.append(
                (name, f"是{words}的报告，名录里{report.agency}是本单位的，没有比对；请另立台账收")
            )
        else:
            found.by_member.setdefault(assignment.member, []).append(report)
    return found


def publications(
    reports: Sequence[Report], signoff: SignOff | None, adopted: Draft | None, pack: Pack
) -> Iterator[Publication]:
    """Yield each published document with what differs from what was signed, else from what was adopted."""
    snapshot = signoff.snapshot if signoff else None
    base, against = (snapshot.report, "审签数据") if snapshot is not None and snapshot.intact else (None, "")
    if base is None and adopted is not None:
        base, against = adopted.report, "报送数据（未审签）"
    for report in reports:
        name = Path(report.source.file or "").name
        if base is None:
            yield Publication(name)
        else:
            yield Publication(name, published_differences(base, report, pack), against)
