"""The way of one report: data → bind → check → render. Read this file first.

``bind`` makes typed values of what was read; ``check`` lets the schema and the rules speak; ``render``
fills the template. Problems in the data are findings from beginning to end; only a broken set-up raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any, Literal

from nianbao.beside import Beside
from nianbao.bind import bind, within
from nianbao.findings import Finding, Waiver, Where, count_severity
from nianbao.inputs import raw_reports
from nianbao.pack import Pack
from nianbao.predecessors import Predecessors
from nianbao.previous import Previous
from nianbao.readers.records import raw_from_data
from nianbao.rendering.context import properties, template_context
from nianbao.rendering.template import CompiledTemplate
from nianbao.report import Report, exchanged
from nianbao.rules.yearly import check_years, joined
from nianbao.suspects import find_suspects
from nianbao.waivers import apply_waivers

Status = Literal["pass", "warn", "fail"]

# Reports that are checked at once, and how many make it worth while to load numpy.
_CHUNK, _FEW = 256, 16


@dataclass(frozen=True)
class CheckResult:
    """What checking a report found; `ok` is the gate before building."""

    report: Report
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """The number of findings that block the report."""
        return count_severity(self.findings, "error")

    @property
    def warnings(self) -> int:
        """The number of findings that a person should look at."""
        return count_severity(self.findings, "warning")

    @property
    def waived(self) -> int:
        """The number of findings that are explained."""
        return sum(finding.waiver is not None for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether the report may be built."""
        return not self.errors

    def with_findings(self, more: Iterable[Finding]) -> CheckResult:
        """Return the result with further findings."""
        found = tuple(more)
        return replace(self, findings=(*self.findings, *found)) if found else self

    @property
    def status(self) -> Status:
        """The result in one word."""
        return "fail" if self.errors else "warn" if self.warnings else "pass"


def read(source: object, pack: Pack, blank_as_zero: str | None = None) -> Iterator[Report]:
    """Yield the reports of a source: a path, nested data, a list of such, or a pandas DataFrame.

    A data frame is read like a register: its column names are labels or field paths. `blank_as_zero` gives a
    reason to take blank figures for 0. Raises InputError where a file cannot be read at all.
    """
    yield from (bind(raw, pack, blank_as_zero) for raw in raw_reports(source, pack))


def report_from_data(data: Mapping[str, Any], pack: Pack) -> Report:
    """Return the report that nested data makes; bad values are findings of the report, never exceptions."""
    return bind(raw_from_data(data, pack.fields, Where(pointer="")), pack)


def check(
    report: Report,
    pack: Pack,
    previous: Report | Predecessors | Previous | None = None,
    waivers: Iterable[Waiver] = (),
) -> CheckResult:
    """Return the findings of a report: what reading met, then the schema, then the rules.

    `previous` is last year's report, an index of many, or what `Previous.find` says; `waivers` are
    explanations of findings, those of other agencies do not matter.
    """
    last = previous.find(report) if isinstance(previous, Previous) else previous
    last = Predecessors((last,)) if isinstance(last, Report) else last
    return _checked(report, pack, None, last, waivers)


def check_many(
    reports: Iterable[Report],
    pack: Pack,
    previous: object = None,
    *,
    aliases: object = None,
    waivers: object = None,
) -> Iterator[CheckResult]:
    """Yield the result of each report, in order; the same as `check` gives, and sooner.

    `previous` are last year's reports: a `Previous`, or any input or list of inputs; `aliases` say which
    agencies were renamed, merged, split or abolished since; `waivers` are explanations of findings. Both are
    files or what reading them made. Reports are taken in chunks, so that memory does not grow with their
    number. Raises InputError where one of the files cannot be read.
    """
    beside = Beside.read(pack, previous, aliases, waivers)
    return _in_chunks(iter(reports), pack, beside)


def _in_chunks(stream: Iterator[Report], pack: Pack, beside: Beside) -> Iterator[CheckResult]:
    while chunk := list(islice(stream, _CHUNK)):
        yield from check_chunk(chunk, pack, beside)


def check_chunk(reports: Sequence[Report], pack: Pack, beside: Beside | None = None) -> Iterator[CheckResult]:
    """Yield the result of each report; their linear rules are all evaluated at once."""
    beside = beside or Beside()
    failures: Iterable[Sequence[int] | None] = repeat(None, len(reports))
    if len(reports) >= _FEW and pack.rules.instances:
        # A single report does not need numpy, nor wait for it.
        from nianbao.rules.matrix import RuleMatrix

        failures = RuleMatrix.of(pack.rules.instances, pack.fields).failures(reports)
    for report, wrong in zip(reports, failures, strict=True):
        yield _checked(report, pack, wrong, beside.last(report), beside.explanations(report))


def _checked(
    report: Report,
    pack: Pack,
    wrong: Sequence[int] | None,
    last: Predecessors | None,
    waivers: Iterable[Waiver],
) -> CheckResult:
    """Return the result of a report; `wrong` are the linear rules that it fails, if that is known."""
    findings = list(report.findings)
    # A field that holds no value has its finding already; a rule would only say it again.
    findings += _schema_findings(report, pack, findings)
    unread = {f.field for f in findings if f.rule in ("VALUE", "UNKNOWN", "SCHEMA") and f.field}
    findings += (f for f in pack.rules.check(report, wrong) if not within(f.field or "", unread))
    if last is not None:
        found = check_years(pack.rules, report, last)
        findings += (f for f in found if not within(f.field or "", unread))
    explained = apply_waivers(_with_suspects(findings, report, pack, last), report, pack, waivers)
    return CheckResult(report, explained)


def _with_suspects(
    findings: Sequence[Finding], report: Report, pack: Pack, last: Predecessors | None
) -> tuple[Finding, ...]:
    """Return the findings, those of violated sums with the cells that would mend them all."""
    rules = pack.rules
    sums = rules.sums
    if not any(finding.rule in sums for finding in findings):
        return tuple(findings)
    if last is None:
        suspects = find_suspects(rules.instances, report, pack.fields)
    else:
        suspects = find_suspects(rules.strict, joined(rules, report, last), pack.fields)
    return tuple(replace(f, suspects=suspects) if f.rule in sums else f for f in findings)


def render(report: Report, pack: Pack, template: CompiledTemplate | None = None) -> bytes:
    """Return the .docx of a report; never checks rules, raises RenderError for what it cannot place."""
    return (template or pack.template).render(template_context(report, pack), properties(report, pack))


def _schema_findings(report: Report, pack: Pack, known: list[Finding]) -> Iterator[Finding]:
    """Yield what the schema says that binding has not said already."""
    known_values = report.known
    data = pack.nesting.exchanged(known_values) if known_values is not None else None
    data = exchanged(report.data) if data is None else data
    if pack.validator.is_valid(data):
        return
    said = {finding.field for finding in known if finding.severity == "error" and finding.field}
    # A block of blank cells is one finding that names its first field.
    blank = any(finding.rule in ("BLANK", "NOT-FOUND", "UNALIGNED") for finding in known)
    for path, message in dict.fromkeys(pack.validator.explain(data)):
        field = _field_path(path)
        if within(field, said) or (blank and message == "缺少"):
            continue
        known_field = field in pack.fields.nodes or pack.fields.find(field)
        text = f"{pack.fields.place(field)}{message}" if known_field else f"{message}：{field}"
        yield Finding("SCHEMA", "error", field, report.where(field), text)


def _field_path(path: Iterable[str | int]) -> str:
    field = ""
    for step in path:
        field += f"[{step}]" if isinstance(step, int) or "." in step else f".{step}" if field else step
    return field
