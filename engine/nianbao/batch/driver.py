"""Many reports: read → check → render → write, with a manifest, so that a rerun does only what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from nianbao.batch.distribution import start, work
from nianbao.batch.formats import SUFFIXES, checked_formats
from nianbao.batch.pdfs import with_pdfs
from nianbao.batch.voiding import void
from nianbao.batch.work import OWN_TEMPLATE, UNCHECKED, Done, Options, Task
from nianbao.beside import Beside, Tally
from nianbao.filenames import Namer, is_changed
from nianbao.inputs import Source, listed
from nianbao.manifest import VOIDED, Line, Manifest
from nianbao.outputs.files import alone_in, make_folder, remove_temporaries
from nianbao.outputs.pdf import PdfPool
from nianbao.outputs.pdf.fonts import missing_fonts
from nianbao.outputs.results.summary import Entry, Summary, summarizing
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.rendering.context import filled_name
from nianbao.rendering.lint import load_template
from nianbao.report import Report
from nianbao.values import parse
from nianbao.workers import Distant, LocalPool, Workers

SUMMARY = "检查结果.xlsx"
# A register of five hundred agencies has as much.
_LARGE = 1 << 20

Progress = Callable[[Entry], None]


@dataclass(frozen=True)
class BatchResult:
    """What a batch came to; `summary` is the file of results.

    `notes` are what only all reports together show, as (heading, text): agencies that are missing or new
    beside last year, explanations without a report.
    """

    entries: tuple[Entry, ...]
    unreadable: tuple[tuple[str, str], ...]
    voided: tuple[str, ...]
    summary: Path
    written: int = 0
    kept: int = 0
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was read and no report has an error."""
        return not self.unreadable and not any(entry.errors for entry in self.entries)


def build(
    inputs: object,
    out: str | Path,
    pack: Pack,
    *,
    previous: object = None,
    aliases: object = None,
    waivers: object = None,
    template: bytes | None = None,
    formats: Sequence[str] = ("docx",),
    allow_errors: str | None = None,
    blank_as_zero: str | None = None,
    executor: Workers | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> BatchResult:
    """Return what building every report of `inputs` into the folder `out` came to.

    `inputs` are files, folders and globs, or nested data, reports and data frames; one or a list of them. A
    report that fails the gate is not rendered unless `allow_errors` gives a reason; everything else is, in
    each of `formats` (docx, html, html-fragment, pdf). `previous` are last year's reports, `aliases` and
    `waivers` files, all as `check_many` takes them. Anything with the interface of
    `concurrent.futures.Executor` may do the work. Raises OutputError where the folder cannot be written or
    LibreOffice is missing for a PDF, InputError where nothing can be read, TemplateError where an own
    template may not be used.
    """
    folder = Path(out).absolute()
    if template:
        load_template(template, OWN_TEMPLATE, pack.fields)
    readers = LocalPool(executor.jobs) if isinstance(executor, LocalPool) else None
    source = Source(listed(inputs), pack, readers)
    beside = Beside.read(pack, previous, aliases, waivers)
    tally = Tally(beside, pack)
    options = Options(pack, folder, template, allow_errors, blank_as_zero, checked_formats(formats))
    if isinstance(executor, LocalPool) and _is_large(source.inputs):
        start(options, executor)
    stream = _first_checked(source)
    summary = folder / SUMMARY
    with (
        _prepared(folder, executor),
        _converters(options) as pool,
        Manifest(folder) as manifest,
        summarizing(summary, pack) as results,
    ):
        record = _Record(manifest, results, tally, progress)
        stage = work(_tasks(stream, options, manifest if resume else None, beside, tally), options, executor)
        for done in with_pdfs(stage, folder, pool) if pool else stage:
            record.add(done)
        if executor is not None:
            # A worker that died may have left one.
            remove_temporaries(folder)
        gone = void(folder, manifest, record.names, source.files)
        voided = tuple(line.name for line, moved in gone if moved)
        unreadable = (*source.unreadable, *beside.unreadable)
        notes = tuple(tally.notes())
        results.save(unreadable, [*notes, *_notes(options, voided)])
        # Only now: a run that was killed before has told nobody, so the next one tells it.
        for line, _ in gone:
            manifest.add(replace(line, sha256=""))
    written, kept = record.counts[False], record.counts[True]
    return BatchResult(tuple(record.entries), unreadable, voided, summary, written, kept, notes)


class _Record:
    """Keeps what becomes of the reports: in the manifest, in the summary, and in numbers."""

    def __init__(self, manifest: Manifest, results: Summary, tally: Tally, progress: Progress | None) -> None:
        self.manifest, self.results, self.tally, self.progress = manifest, results, tally, progress
        self.entries: list[Entry] = []
        self.names: set[str] = set()
        self.counts = {True: 0, False: 0}

    def add(self, done: Done) -> None:
        """Keep what became of one report."""
        for line in done.lines:
            self.manifest.add(line)
        self.names.update(done.names)
        if done.names:
            self.counts[done.kept] += 1
        entry = done.entry
        self.results.add(entry)
        self.entries.append(entry)
        self.tally.add(entry.agency, entry.year, entry.findings, done.figures)
        if self.progress:
            self.progress(entry)


@contextmanager
def _prepared(folder: Path, executor: Workers | None) -> Iterator[None]:
    """Have the folder ready: there, for this run alone, writable for all workers, free of old temporaries."""
    make_folder(folder)
    with alone_in(folder):
        if isinstance(executor, Distant):
            executor.check_folder(folder)
        remove_temporaries(folder)
        remove_temporaries(folder / VOIDED)
        yield


def _is_large(inputs: Sequence[object]) -> bool:
    """Return whether the files that are named outright are worth workers, as far as their size tells."""
    files = (Path(one) for one in inputs if isinstance(one, str | Path))
    return sum(file.stat().st_size for file in files if file.is_file()) > _LARGE


def _first_checked(source: Source) -> Iterator[RawReport]:
    """Return the stream of `source` after seeing that it gives anything; nothing is made for nothing."""
    stream = iter(source)
    first = next(stream, None)
    if first is None:
        raise source.nothing()

    def rest() -> Iterator[RawReport]:
        yield first
        yield from stream

    return rest()


def _tasks(
    raws: Iterable[RawReport], options: Options, manifest: Manifest | None, beside: Beside, tally: Tally
) -> Iterator[Task]:
    namer = Namer()
    for raw in raws:
        who = _identity(raw, options.pack)
        wanted = filled_name(options.pack, who.agency or "未填单位", who.year)
        name, renamed = namer.name(wanted)
        known = _known(name, manifest.lines) if manifest else {}
        last, explanations = beside.last(who), beside.explanations(who)
        yield Task(raw, name, renamed, known, last, explanations, tally.tracked(who), is_changed(wanted))


def _known(name: str, lines: Mapping[str, Line]) -> dict[str, Line]:
    """Return the lines of all outputs that a report of that name can have."""
    if not lines:
        return {}
    possible = (f"{name}{mark}{suffix}" for mark in ("", UNCHECKED) for suffix in SUFFIXES.values())
    return {each: lines[each] for each in possible if each in lines}


def _converters(options: Options) -> AbstractContextManager[PdfPool | None]:
    return PdfPool() if "pdf" in options.formats else nullcontext()


def _identity(raw: RawReport, pack: Pack) -> Report:
    """Return as much of a raw report as says whose it is: agency, year, and the agency's code."""
    paths = ("agency", "year", *([str(pack.meta["code"])] if "code" in pack.meta else []))
    values = {path: parse(raw.values.get(path), pack.fields.by_path[path]).value for path in paths}
    return Report({"agency": values["agency"], "year": values["year"]}, raw.source, known=values)


def _notes(options: Options, voided: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the summary records of the run itself: overrides with their reasons, what was voided."""
    notes = []
    if options.template:
        notes.append(("模板", f"自带模板，SHA-256 {hashlib.sha256(options.template).hexdigest()[:16]}"))
    if "pdf" in options.formats and (lacking := missing_fonts(options.compiled.contents)):
        text = (
            f"本机没有{'、'.join(lacking)}，PDF里用别的字体代替，换行和分页可能与Word不同；装上字体后重新生成"
        )
        notes.append(("PDF字体", text))
    if options.allow_errors:
        notes.append(("未通过校验也生成，理由", options.allow_errors))
    if options.blank_as_zero:
        notes.append(("空格按0处理，理由", options.blank_as_zero))
    notes += [("已作废", f"{name}：对应的报告本次未通过或已不在输入中，已移到“{VOIDED}”") for name in voided]
    return notes
