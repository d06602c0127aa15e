"""Many reports: read → check → render → write, with a manifest, so that a rerun does only what is missing."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

from nianbao.bind import bind
from nianbao.context import filled_name
from nianbao.errors import InputError, RenderError
from nianbao.filenames import Namer
from nianbao.findings import Finding
from nianbao.inputs import Source
from nianbao.manifest import Line, Manifest, is_current
from nianbao.outputs.files import make_folder, remove_temporaries, write_atomic
from nianbao.outputs.results.summary import Entry, entry_of, write_summary
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, render
from nianbao.raw import RawReport
from nianbao.template import CompiledTemplate, compile_template
from nianbao.values import parse
from nianbao.workers import Distant, LocalPool, Restartable, Workers

SUMMARY = "检查结果.xlsx"
VOIDED = "已作废"
_UNCHECKED = "（未通过校验）"
_CHUNK, _WINDOW, _FEW = 64, 8, 128

Progress = Callable[[Entry], None]


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
    """One report to do: what was read, the name that its output has, and what is known of the output."""

    raw: RawReport
    name: str
    renamed: bool
    known: Line | None = None


@dataclass(frozen=True)
class Done:
    """One report done: its line of the summary, and the line of the manifest if it was written."""

    entry: Entry
    line: Line | None = None
    kept: bool = False


@dataclass(frozen=True)
class BatchResult:
    """What a batch came to; `summary` is the file of results."""

    entries: tuple[Entry, ...]
    unreadable: tuple[tuple[str, str], ...]
    voided: tuple[str, ...]
    summary: Path
    written: int = 0
    kept: int = 0

    @property
    def ok(self) -> bool:
        """Whether every file was read and no report has an error."""
        return not self.unreadable and not any(entry.errors for entry in self.entries)


def build(
    inputs: Sequence[object],
    out: str | Path,
    pack: Pack,
    *,
    template: bytes | None = None,
    allow_errors: str | None = None,
    blank_as_zero: str | None = None,
    executor: Workers | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> BatchResult:
    """Return what building every report of `inputs` into the folder `out` came to.

    `inputs` are files, folders and globs, or nested data, reports and data frames. A report that fails the
    gate is not rendered unless `allow_errors` gives a reason; everything else is. Anything with the interface
    of `concurrent.futures.Executor` may do the work. Raises OutputError where the folder cannot be written,
    InputError where nothing can be read.
    """
    folder = Path(out).absolute()
    source = Source(list(inputs), pack)
    options = Options(pack, folder, template, allow_errors, blank_as_zero)
    stream = _first_checked(source)
    make_folder(folder)
    if isinstance(executor, Distant):
        executor.check_folder(folder)
    remove_temporaries(folder)
    manifest = Manifest(folder)
    entries: list[Entry] = []
    counts = {True: 0, False: 0}
    try:
        for done in _work(_tasks(stream, options, manifest if resume else None), options, executor):
            if done.line and not done.kept:
                manifest.add(done.line)
            if done.line:
                counts[done.kept] += 1
            entries.append(done.entry)
            if progress:
                progress(done.entry)
        if executor is not None:
            # A worker that died may have left one.
            remove_temporaries(folder)
        voided = _void(folder, manifest, {e.output for e in entries if e.output}, source.files)
    finally:
        manifest.close()
    summary = folder / SUMMARY
    write_summary(summary, pack, entries, source.unreadable, _notes(options, voided))
    return BatchResult(
        tuple(entries), tuple(source.unreadable), tuple(voided), summary, counts[False], counts[True]
    )


def _first_checked(source: Source) -> Iterator[RawReport]:
    """Return the stream of `source` after seeing that it gives anything; nothing is made for nothing."""
    stream = iter(source)
    first = next(stream, None)
    if first is None:
        raise InputError("；".join(message for _, message in source.unreadable) or "没有输入文件")

    def rest() -> Iterator[RawReport]:
        yield first
        yield from stream

    return rest()


def _tasks(raws: Iterable[RawReport], options: Options, manifest: Manifest | None) -> Iterator[Task]:
    namer = Namer()
    for raw in raws:
        name, renamed = namer.name(_wanted_name(raw, options.pack))
        passed, failed = f"{name}.docx", f"{name}{_UNCHECKED}.docx"
        lines = manifest.lines if manifest else {}
        known = lines.get(passed) or (lines.get(failed) if options.allow_errors else None)
        yield Task(raw, name, renamed, known)


def _wanted_name(raw: RawReport, pack: Pack) -> str:
    """Return the name that the output of a raw report should have."""
    values = {p: parse(raw.values.get(p), pack.fields.by_path[p]).value for p in ("agency", "year")}
    return filled_name(pack, str(values["agency"] or "未填单位"), values["year"])


def _work(tasks: Iterator[Task], options: Options, executor: Workers | None) -> Iterator[Done]:
    """Yield what becomes of each task, in order."""
    if executor is None or isinstance(executor, LocalPool):
        # Few reports are done sooner than workers are started.
        few = None if executor is None else _FEW
        yield from (process(task, options) for task in islice(tasks, few))
    if executor is not None:
        yield from _distribute(tasks, options, executor)


def _distribute(tasks: Iterator[Task], options: Options, executor: Workers) -> Iterator[Done]:
    """Yield what becomes of each task, in order, done by the workers of `executor` in chunks."""
    shared, window = options, _WINDOW
    if isinstance(executor, Distant):
        shared, window = executor.share(options), executor.window
    waiting: deque[tuple[list[Task], Future[list[Done]]]] = deque()

    def send(chunk: list[Task]) -> None:
        waiting.append((chunk, executor.submit(process_chunk, chunk, shared)))

    for chunk in iter(lambda: list(islice(tasks, _CHUNK)), []):
        send(chunk)
        # A window bounds the memory: only a few chunks are read ahead of what is done.
        if len(waiting) > window:
            yield from _first_done(waiting, options, shared, executor)
    while waiting:
        yield from _first_done(waiting, options, shared, executor)


def _first_done(
    waiting: deque[tuple[list[Task], Future[list[Done]]]],
    options: Options,
    shared: Options,
    executor: Workers,
) -> list[Done]:
    """Return what became of the first chunk; where its worker died, its tasks are done again one by one."""
    chunk, future = waiting.popleft()
    try:
        return future.result()
    except BrokenExecutor:
        if not isinstance(executor, Restartable):
            raise
    executor.restart()
    done = [_alone(task, options, shared, executor) for task in chunk]
    if isinstance(executor, LocalPool):
        # The pool broke for those that wait as well.
        for index, (other, _) in enumerate(waiting):
            waiting[index] = (other, executor.submit(process_chunk, other, shared))
    return done


def _alone(task: Task, options: Options, shared: Options, executor: Restartable) -> Done:
    """Return what becomes of one task in a worker of its own; a task that kills the worker has an error."""
    try:
        return executor.submit(process_chunk, [task], shared).result()[0]
    except BrokenExecutor:
        executor.restart()
        report = bind(task.raw, options.pack, options.blank_as_zero)
        message = "处理这份报告时工作进程异常退出（可能是内存不足），其余报告不受影响；请检查数据后单独重试"
        finding = Finding("WORKER", "error", None, report.source, message)
        return Done(entry_of(CheckResult(report, (*report.findings, finding)), options.pack))


def process_chunk(tasks: Sequence[Task], options: Options) -> list[Done]:
    """Return what becomes of some tasks; runs in a worker."""
    return [process(task, options) for task in tasks]


def process(task: Task, options: Options) -> Done:
    """Return what becomes of one report: checked, and written if it passes. Raises OutputError."""
    pack = options.pack
    result = check(bind(task.raw, pack, options.blank_as_zero), pack)
    template = _template(options.template) if options.template else pack.template
    result = result.with_findings(_output_findings(task, result, template, pack))
    if not (result.ok or options.allow_errors):
        return Done(entry_of(result, pack))
    name = f"{task.name}{'' if result.ok else _UNCHECKED}.docx"
    digest = _digest(result, name, options)
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
        field = pack.fields.find(path)
        if field and field.printed and value not in (None, "") and not _is_placed(field.path, template):
            message = f"所用模板没有{pack.fields.place(path)}的位置，这段内容没有印出"
            yield Finding("NOT-PLACED", "warning", path, report.where(path), message)


def _is_placed(path: str, template: CompiledTemplate) -> bool:
    # Agency and year may be drawn in the title alone; notes stand in the cells.
    return path in template.names or path in ("agency", "year") or path.endswith("[]")


@lru_cache(maxsize=4)
def _template(docx: bytes) -> CompiledTemplate:
    return compile_template(docx, "自带模板")


def _digest(result: CheckResult, name: str, options: Options) -> str:
    values = result.report.values
    # The plain values in the order of the schema, whatever order they were read in.
    more = sorted((path, str(value)) for path, value in values.items() if "[" in path)
    text = f"{options.digest}\0{name}\0{options.pack.nesting.row(values)!r}\0{more!r}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _void(folder: Path, manifest: Manifest, written: set[str], files: Sequence[str]) -> list[str]:
    """Move outputs of the manifest whose report now fails or has vanished to 已作废, and return their names.

    An output of another input that was not given this time, and still exists, stays.
    """
    voided: list[str] = []
    for line in list(manifest.lines.values()):
        elsewhere = line.source not in files and Path(line.source).exists()
        if line.name in written or elsewhere:
            continue
        path = folder / line.name
        if path.exists():
            make_folder(folder / VOIDED)
            path.replace(_free(folder / VOIDED / line.name))
            voided.append(line.name)
        manifest.add(replace(line, sha256=""))
    return voided


def _free(path: Path) -> Path:
    """Return `path`, or the first numbered name beside it that is not taken: nothing is overwritten."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}（{number}）{path.suffix}")
    return free


def _notes(options: Options, voided: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the summary records of the run itself: overrides with their reasons, what was voided."""
    notes = []
    if options.template:
        notes.append(("模板", f"自带模板，SHA-256 {hashlib.sha256(options.template).hexdigest()[:16]}"))
    if options.allow_errors:
        notes.append(("未通过校验也生成，理由", options.allow_errors))
    if options.blank_as_zero:
        notes.append(("空格按0处理，理由", options.blank_as_zero))
    notes += [("已作废", f"{name}：对应的报告本次未通过或已不在输入中，已移到“{VOIDED}”") for name in voided]
    return notes
