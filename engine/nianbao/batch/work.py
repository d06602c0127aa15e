"""What becomes of one report of a batch; runs in a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from nianbao.batch.formats import SUFFIXES, content_of, listed
from nianbao.bind import bind
from nianbao.errors import RenderError
from nianbao.findings import Finding, Value, Waiver
from nianbao.manifest import Line, is_current
from nianbao.outputs.files import FileGroup
from nianbao.outputs.pdf import PdfJob
from nianbao.outputs.results.summary import Entry, entry_of
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check
from nianbao.predecessors import Predecessors
from nianbao.raw import RawReport
from nianbao.rendering.context import properties
from nianbao.rendering.template import CompiledTemplate, compile_template
from nianbao.report import Report

UNCHECKED = "（未通过校验）"
_TOGETHER = 16
OWN_TEMPLATE = "自带模板"


@dataclass(frozen=True)
class Options:
    """What holds for all reports of a batch; it goes to every worker.

    `template` is an office's own template; `allow_errors` and `blank_as_zero` are the reasons given for
    an override, or None; `formats` are those of `formats.SUFFIXES`.
    """

    pack: Pack
    out: Path
    template: bytes | None = None
    allow_errors: str | None = None
    blank_as_zero: str | None = None
    formats: tuple[str, ...] = ("docx",)

    @cached_property
    def digest(self) -> str:
        """The digest of everything but the data that an output depends on."""
        parts = (self.pack.digest.encode(), self.template or b"", (self.allow_errors or "").encode())
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def compiled(self) -> CompiledTemplate:
        """The template that the reports are drawn by."""
        return _template(self.template) if self.template else self.pack.template


@dataclass(frozen=True)
class Task:
    """One report to do: what was read, the name that its outputs have, and what is known of the outputs.

    `renamed` says that the name was taken, `changed` that no file can have the name that was wanted.
    `last` is what it follows upon, `waivers` are its agency's explanations, `tracked` the fields whose values
    the driver wants to see.
    """

    raw: RawReport
    name: str
    renamed: bool
    known: Mapping[str, Line] = field(default_factory=dict)
    last: Predecessors | None = None
    waivers: tuple[Waiver, ...] = ()
    tracked: tuple[str, ...] = ()
    changed: bool = False


@dataclass(frozen=True)
class Done:
    """One report done: its line of the summary, and the lines of the manifest of what was written.

    `names` are all outputs that are now right, `kept` whether none had to be made; `pdf` is one still to be
    made, its line without a digest of its own; `figures` are the values of the fields that its task tracks.
    """

    entry: Entry
    lines: tuple[Line, ...] = ()
    names: tuple[str, ...] = ()
    kept: bool = False
    pdf: tuple[Line, PdfJob] | None = None
    figures: Mapping[str, Value] = field(default_factory=dict)


def process_chunk(tasks: Sequence[Task], options: Options) -> list[Done]:
    """Return what becomes of some tasks, their files in place; runs in a worker. Raises OutputError.

    Reports go through the stages together, some at a time: what a stage needs then stays in the processor's
    cache, which saves a fifth of the time.
    """
    pack, done = options.pack, []
    with FileGroup() as files:
        for start in range(0, len(tasks), _TOGETHER):
            some = tasks[start : start + _TOGETHER]
            reports = [bind(task.raw, pack, options.blank_as_zero) for task in some]
            results = [check(r, pack, t.last, t.waivers) for r, t in zip(reports, some, strict=True)]
            done += [process(r, t, options, files) for r, t in zip(results, some, strict=True)]
    return done


def process(result: CheckResult, task: Task, options: Options, files: FileGroup) -> Done:
    """Return what becomes of a checked report: written to `files` if it passes. Raises OutputError."""
    pack = options.pack
    template = options.compiled
    result = result.with_findings(_output_findings(task, result, template, options))
    if result.ok or options.allow_errors:
        try:
            done = _outputs(task, result, template, options, files)
        except RenderError as error:
            finding = Finding("RENDER", "error", None, result.report.source, error.message)
            done = Done(entry_of(result.with_findings([finding]), pack))
    else:
        done = Done(entry_of(result, pack))
    if not task.tracked:
        return done
    return replace(done, figures={path: result.report.value(path) for path in task.tracked})


def _outputs(
    task: Task, result: CheckResult, template: CompiledTemplate, options: Options, files: FileGroup
) -> Done:
    """Return the report with its files written, those left alone that are as they should be."""
    report, stem = result.report, f"{task.name}{'' if result.ok else UNCHECKED}"
    right: list[str] = []
    others: list[str] = []
    missing: dict[str, Line] = {}
    for wanted, suffix in SUFFIXES.items():
        known = task.known.get(f"{stem}{suffix}")
        if known is None and wanted not in options.formats:
            continue
        digest = _digest(result, f"{stem}{suffix}", task, options)
        if known and is_current(options.out, known, digest):
            (right if wanted in options.formats else others).append(known.name)
        elif wanted in options.formats:
            source = str(report.source.file or "")
            missing[wanted] = Line(f"{stem}{suffix}", digest, "", source, report.agency, report.year)
    # Nothing is written before all can be.
    contents = {name: content_of(name, report, options.pack, template) for name in missing}
    job = PdfJob(contents.pop("pdf"), _words(report, options.pack)) if "pdf" in contents else None
    lines = []
    for name, content in contents.items():
        files.write(options.out / missing[name].name, content)
        lines.append(replace(missing[name], sha256=hashlib.sha256(content).hexdigest()))
    names = sorted([*right, *(line.name for line in lines)], key=_rank)
    entry = entry_of(result, options.pack, listed(stem, names), "" if missing else "未变，沿用")
    pdf = (missing["pdf"], job) if job else None
    return Done(entry, tuple(lines), (*names, *others), not missing, pdf)


def _rank(name: str) -> int:
    return max(n for n, suffix in enumerate(SUFFIXES.values()) if name.endswith(suffix))


def _words(report: Report, pack: Pack) -> tuple[str, ...]:
    """Return what a PDF of the report must say, one of them: the agency's name or the title."""
    return tuple(filter(None, (report.agency, properties(report, pack).title)))


def _output_findings(
    task: Task, result: CheckResult, template: CompiledTemplate, options: Options
) -> Iterator[Finding]:
    """Yield what only the output can show: a name that is taken, a text without a place."""
    report, pack = result.report, options.pack
    if task.renamed:
        name = f"{task.name}{SUFFIXES[options.formats[0]]}"
        message = f"本批已有同名的报告，输出文件改名为“{name}”，请核对是否重复报送"
        yield Finding("SAME-NAME", "warning", "agency", report.where("agency"), message)
    elif task.changed:
        message = f"单位名称太长，或有文件名不能用的字符，输出文件命名为“{task.name}.docx”，请核对单位名称"
        yield Finding("FILE-NAME", "warning", "agency", report.where("agency"), message)
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
    values, nesting = result.report.values, options.pack.nesting
    # The plain values in the order of the schema, whatever order they were read in.
    more = sorted((path, str(values[path])) for path in nesting.others(values) if "[" in path)
    text = f"{options.digest}\0{name}\0{nesting.row(values)!r}\0{more!r}"
    if task.last is not None or task.waivers:
        text += f"\0{task.last and task.last.stated()!r}\0{[waiver.stated() for waiver in task.waivers]!r}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
