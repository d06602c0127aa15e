"""What the page of one report shows: the report itself with its findings, and the way to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from markupsafe import Markup

from nianbao.errors import RenderError
from nianbao.fields import place_value
from nianbao.outputs.html import html_of
from nianbao.outputs.results.words import Words, source_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.report import Report
from nianbao.web.documents import Checked
from nianbao.web.listing import NAMELESS, WORDS, problems_first
from nianbao.web.marking import marked
from nianbao.web.notes import Note, Notes, notes_of
from nianbao.web.years import Years, years_of

# Printed where a text should be, so that its place in the report is there to be seen.
MISSING = "（此处没有文字）"


@dataclass(frozen=True)
class ReportPage:
    """Everything that the page says; `anchors` leads from a note's number to its cell."""

    id: str
    agency: str
    year: str
    status: str
    word: str
    errors: int
    warnings: int
    ok: bool
    source: str
    annotatable: bool
    body: Markup
    rules: str
    problem: str
    notes: Notes
    anchors: Mapping[int, str]
    position: int
    total: int
    before: str | None
    after: str | None
    years: Years | None


def report_page(item: Checked, checked: Sequence[Checked], pack: Pack) -> ReportPage:
    """Return the page of a report; `checked` are all reports, among which the next faulty one is found."""
    result, report = item.result, item.report
    notes = notes_of(result, Words(pack))
    body, rules, anchors, problem = _shown(report, notes, pack)
    faulty = [
        other.id for other in problems_first(checked) if other.result.status != "pass" or other.id == item.id
    ]
    here = faulty.index(item.id)
    mine = result.status != "pass"
    return ReportPage(
        id=item.id,
        agency=visible(report.agency) or NAMELESS,
        year=str(report.year or ""),
        status=result.status,
        word=WORDS[result.status],
        errors=result.errors,
        warnings=result.warnings,
        ok=result.ok,
        source=source_words(report.source),
        annotatable=item.document.file.path.suffix.lower() in (".xlsx", ".xlsm"),
        body=Markup(body),
        rules=rules,
        problem=problem,
        notes=notes,
        anchors=anchors,
        position=here + 1 if mine else 0,
        total=len(faulty) - (not mine),
        before=faulty[here - 1] if here else None,
        after=faulty[here + 1] if here + 1 < len(faulty) else None,
        years=years_of(item, pack),
    )


def _shown(report: Report, notes: Notes, pack: Pack) -> tuple[str, str, Mapping[int, str], str]:
    """Return the marked body, its style sheet, the places of notes, and why there is no body."""
    try:
        html = html_of(_with_gaps(report, notes.findings, pack), pack, marked=True)
    except RenderError as error:
        return "", "", {}, error.message
    body, anchors = marked(html.body, notes)
    return body, html.rules, anchors, ""


def _with_gaps(report: Report, findings: Sequence[Note], pack: Pack) -> Report:
    """Return the report with words where a text is missing that a finding speaks of."""
    gaps = [
        path
        for note in findings
        for path in note.fields
        if (field := pack.fields.by_path.get(path)) and field.kind == "text" and not report.value(path)
    ]
    if not gaps:
        return report
    data = deepcopy(dict(report.data))
    for path in gaps:
        place_value(data, path, MISSING)
    return replace(report, data=data, known={**report.values, **dict.fromkeys(gaps, MISSING)})
