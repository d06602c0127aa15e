"""The files that a page was given, as documents: read, checked, told from their earlier versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nianbao.beside import Beside, Tally
from nianbao.bind import bind
from nianbao.collecting.files import state_of
from nianbao.errors import InputError
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check_many
from nianbao.predecessors import Predecessors
from nianbao.readers import read_raw
from nianbao.report import Report
from nianbao.web.settings import Limits
from nianbao.web.uploads import Refused, Stored, must_be_reasonable, renamed

# So many agencies are named where there may be hundreds.
_MOST_NAMED = 20

Part = Literal["current", "previous"]


@dataclass(frozen=True)
class Document:
    """A file that was given: its reports as they were read, or the reason why it could not be.

    `given` is the path on the command line, None for an upload; `changed` is when it was last written, in
    seconds; `state` tells one version of the file from another.
    """

    id: str
    part: Part
    file: Stored
    given: Path | None
    changed: float
    state: tuple[int, int]
    reports: tuple[Report, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Checked:
    """A report of a document with its findings, which name files as people know them."""

    id: str
    document: Document
    result: CheckResult
    last: Predecessors | None = None

    @property
    def report(self) -> Report:
        """The report."""
        return self.result.report


def read_document(
    file: Stored, part: Part, given: Path | None, pack: Pack, limits: Limits, id: str | None = None
) -> Document:
    """Return a file as a document, whatever is wrong with it."""
    # The state comes first: what is written while we read makes it be read again.
    state = state_of(file.path)
    document = Document(id or make_id(part, str(file.path)), part, file, given, state[0] / 1e9, state)
    try:
        must_be_reasonable(file, limits)
        reports = tuple(bind(raw, pack) for raw in read_raw(file.path, pack))
    except InputError as error:
        return replace(document, problem=str(renamed(error.message, [file])))
    except Refused as error:
        return replace(document, problem=error.message)
    return replace(document, reports=reports, problem="" if reports else f"{file.name}里没有报告")


def replaced_by(new: Document, known: Iterable[Document]) -> Document | None:
    """Return the upload that a new one replaces: of the same name, and not of other agencies only."""
    agencies = {normal(report.agency) for report in new.reports}
    for old in known:
        if (old.part, old.file.name) != (new.part, new.file.name) or old.given is not None:
            continue
        before = {normal(report.agency) for report in old.reports}
        if not agencies or not before or agencies & before:
            return old
    return None


def checked_document(
    document: Document, pack: Pack, beside: Beside, files: Sequence[Stored]
) -> Iterator[Checked]:
    """Yield the reports of a document with their findings; `files` are those that findings may name."""
    seen: dict[str, int] = {}
    for result in check_many(document.reports, pack, beside.previous, waivers=beside.waivers):
        who = f"{result.report.agency}\0{result.report.year}"
        seen[who] = seen.get(who, 0) + 1
        # The same report of the next version of the file has the same name, so that its page stays open.
        id = make_id(document.id, who, str(seen[who]))
        yield Checked(id, document, shown(result, [document.file, *files]), beside.last(result.report))


def notes_on(checked: Iterable[Checked], beside: Beside, pack: Pack) -> Iterator[tuple[str, str]]:
    """Yield what all reports together show: two of one agency, agencies without a report beside last year."""
    tally = Tally(beside, pack)
    files: dict[tuple[str, int | None], list[Checked]] = {}
    for item in checked:
        report = item.report
        figures = {path: report.value(path) for path in tally.tracked(report)}
        tally.add(report.agency, report.year, item.result.findings, figures)
        files.setdefault((normal(report.agency), report.year), []).append(item)
    doubled = [_doubled(items) for (agency, _), items in files.items() if agency and len(items) > 1]
    if doubled:
        more = f"；等{len(doubled)}个单位" if len(doubled) > _MOST_NAMED else ""
        yield "同一单位有几份报告", "；".join(doubled[:_MOST_NAMED]) + more
    yield from tally.notes()


def _doubled(items: Sequence[Checked]) -> str:
    report = items[0].report
    names = "、".join(dict.fromkeys(item.document.file.name for item in items))
    return f"{report.agency}{f'{report.year}年' if report.year else ''}（{names}）"


def shown(result: CheckResult, files: Sequence[Stored]) -> CheckResult:
    """Return a result whose findings name the files as people know them; the origins of values stay."""
    report = result.report
    findings = tuple(
        replace(
            finding,
            message=renamed(finding.message, files),
            where=replace(finding.where, file=renamed(finding.where.file, files)),
        )
        for finding in result.findings
    )
    source = replace(report.source, file=renamed(report.source.file, files))
    return CheckResult(replace(report, source=source), findings)


def make_id(*parts: str) -> str:
    """Return a name for addresses that always is the same for the same parts."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]
