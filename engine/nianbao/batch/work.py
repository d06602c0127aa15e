"""What becomes of one report of a batch; runs in a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from nianbao.bind import bind
from nianbao.errors import RenderError
from nianbao.findings import Finding, Value, Waiver
from nianbao.manifest import Line, is_current
from nianbao.outputs.files import write_atomic
from nianbao.outputs.results.summary import Entry, entry_of
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, render
from nianbao.predecessors import Predecessors
from nianbao.raw import RawReport
from nianbao.template import CompiledTemplate, compile_template

UNCHECKED = "（未通过校验）"
OWN_TEMPLATE = "自带模板"


@dataclass(frozen=True)
class Options:
    """What holds for all reports of a batch; it goes to every worker.

    `template` is an office's own template; `allow_errors` and `blank_as_zero` are the reasons given for
    an override, or None.
    """

    pack: Pack
    out: Path
    template: bytes | None = None
    allow_errors: str | None = None
    blank_as_zero: str | None = None

    @cached_property
    def digest(self) -> str:
        """The digest of everything but the data that an output depends on."""
        parts = (self.pack.digest.encode(), self.template or b"", (self.allow_errors or "").encode())
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@dataclass(frozen=True)
class Task:
    """One report to do: what was read, the name that its output has, and what is known of the output.

    `last` is what it follows upon, `waivers` are its agency's explanations, `tracked` the fields whose values
    the driver wants to see.
    """

    raw: RawReport
    name: str
    renamed: bool
    known: Line | None = None
    last: Predecessors | None = None
    waivers: tuple[Waiver, ...] = ()
    tracked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """One report done: its line of the summary, and the line of the manifest if it was written.

    `figures` are the values of the fields that its task tracks.
    """

    entry: Entry
    line: Line | None = None
    kept: bool = False
    figures: Mapping[str, Value] = field(default_factory=dict)


def process_chunk(tasks: Sequence[Task], options: Options) -> list[Done]:
    """Return what becomes of some tasks; runs in a worker."""
    return [process(task, options) for task in tasks]


def process(task: Task, options: Options) -> Done:
    """Return what becomes of one report: checked, and written if it passes. Raises OutputError."""
    report = bind(task.raw, options.pack, options.blank_as_zero)
    done = _process(check(report, options.pack, task.last, task.waivers), task, options)
    if not task.tracked:
        return done
    return replace(done, figures={path: report.value(path) for path in task.tracked})


def _process(result: CheckResult, task: Task, options: Options) -> Done:
    """Return what becomes of a report that was checked."""
    pack = options.pack
    template = _template(options.template) if options.template else pack.template
    result = result.with_findings(_output_findings(task, result, template, pack))
    if not (result.ok or options.allow_errors):
        return Done(entry_of(result, pack))
    name = f"{task.name}{'' if result.ok else UNCHECKED}.docx"
    digest = _digest(result, name, task, options)
    if task.known and task.known.name == name and is_current(options.out, task.known, digest):
        return Done(entry_of(result, pack, name, "未变，沿用"), task.known, kept=True)
    try:
        content = render(result.report, pack, template)
    except RenderError as error:
        place = result.report.source
        finding = Finding("RENDER", "error", None, place, error.message)
        return Done(entry_of(result.with_findings([finding]), pack))
    write_atomic(options.out / name, content)
    report = result.report
    line = Line(
        name,
        digest,
        hashlib.sha256(content).hexdigest(),
        str(report.source.file or ""),
        report.agency,
        report.year,
    )
    return Done(entry_of(result, pack, name), line)


def _output_findings(
    task: Task, result: CheckResult, template: CompiledTemplate, pack: Pack
) -> Iterator[Finding]:
    """Yield what only the output can show: a name that is taken, a text without a place."""
    report = result.report
    if task.renamed:
        message = f"本批已有同名的报告，输出文件改名为“{task.name}.docx”，请核对是否重复报送"
        yield Finding("SAME-NAME", "warning", "agency", report.where("agency"), message)
    if template is pack.template:
        return
    for path, value in report.values.items():
        known = pack.fields.find(path)
        if known and known.printed and value not in (None, "") and not _is_placed(known.path, template):
            message = f"所用模板没有{pack.fields.place(path)}的位置，这段内容没有印出"
            yield Finding("NOT-PLACED", "warning", path, report.where(path), message)


def _is_placed(path: str, template: CompiledTemplate) -> bool:
    # Agency and year may be drawn in the title alone; notes stand in the cells.
    return path in template.names or path in ("agency", "year") or path.endswith("[]")


@lru_cache(maxsize=4)
def _template(docx: bytes) -> CompiledTemplate:
    return compile_template(docx, OWN_TEMPLATE)


def _digest(result: CheckResult, name: str, task: Task, options: Options) -> str:
    values = result.report.values
    # The plain values in the order of the schema, whatever order they were read in.
    more = sorted((path, str(value)) for path, value in values.items() if "[" in path)
    text = f"{options.digest}\0{name}\0{options.pack.nesting.row(values)!r}\0{more!r}"
    if task.last is not None or task.waivers:
        text += f"\0{task.last and task.last.stated()!r}\0{[waiver.stated() for waiver in task.waivers]!r}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
