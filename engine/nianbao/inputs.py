"""Inputs as they are named on the command line: files, folders and globs become a list of files."""

from __future__ import annotations

import glob
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import BrokenExecutor, Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path

from nianbao.errors import InputError
from nianbao.filenames import LEDGER_FILE, LEDGER_REPORTS, MATRIX_FILE, RECORD_FILE, TEXTS_FILE
from nianbao.findings import Where
from nianbao.manifest import MANIFEST, VOIDED, written_in
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.readers import read_raw
from nianbao.readers.frames import read_frame
from nianbao.readers.records import raw_from_data
from nianbao.report import Report
from nianbao.workers import LocalPool

# What a folder is searched for; a file that is named outright may have any name.
DATA = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".ods", ".csv", ".tsv", ".json", ".jsonl"})
DOCUMENTS = frozenset(
    {".docx", ".docm", ".doc", ".wps", ".rtf", ".pdf", ".html", ".htm", ".mhtml", ".mht", ".txt", ".md"}
)
SUFFIXES = DATA | DOCUMENTS
# What nianbao itself writes beside reports.
_OUTPUTS = frozenset({"检查结果.xlsx", MANIFEST})
_TEXTS = frozenset({".txt", ".md"})

# Documents take longer to read than data do: from so many on, workers read them ahead, a few at a time.
_FEW, _CHUNK, _AHEAD = 24, 4, 8
_EFFORT = {".pdf": 6}


@dataclass
class Source:
    """The inputs of a batch as a stream; files that cannot be read are noted, the others go on.

    Where there are many finished documents, `workers` read them, in order and not far ahead; they end with
    the stream.
    """

    inputs: Sequence[object]
    pack: Pack
    workers: LocalPool | None = None
    files: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[RawReport]:
        for named, group in groupby(self.inputs, lambda item: isinstance(item, str | Path)):
            if named:
                yield from self._files(group)
            else:
                yield from (raw for item in group for raw in raw_reports(item, self.pack))

    def nothing(self) -> InputError:
        """Return the error for inputs that hold no report at all."""
        empty = (
            f"{name}里没有填写任何单位，请填写后再试"
            for name in self.files
            if name not in dict(self.unreadable)
        )
        reasons = [*(message for _, message in self.unreadable), *empty]
        return InputError("；".join(reasons) or "没有输入文件")

    def _files(self, names: Iterable[object]) -> Iterator[RawReport]:
        paths: list[Path] = []
        for path in expand(str(name) for name in names):
            if isinstance(path, InputError):
                self.unreadable.append((path.file or "", path.message))
            else:
                paths.append(path)
        documents = sum(_EFFORT.get(p.suffix.lower(), 1) for p in paths if p.suffix.lower() in DOCUMENTS)
        many = self.workers is not None and documents > _FEW
        with self.workers if many and self.workers else nullcontext():
            for path, reports in self._ahead(paths) if many else ((p, self._read(p)) for p in paths):
                self.files.append(str(path))
                try:
                    yield from reports
                except InputError as error:
                    self.unreadable.append((str(path), error.message))

    def _read(self, path: Path) -> Iterator[RawReport]:
        return read_raw(path, self.pack)

    def _ahead(self, paths: Sequence[Path]) -> Iterator[tuple[Path, Iterator[RawReport]]]:
        """Yield each path with its reports; documents are read by workers, a few chunks ahead."""
        waiting: deque[tuple[Sequence[Path], Future[Outcomes] | None]] = deque()
        for documents, group in groupby(paths, lambda path: path.suffix.lower() in DOCUMENTS):
            for chunk in iter(lambda group=group: list(islice(group, _CHUNK)), []):  # type: ignore[misc]
                waiting.append((chunk, self._submit(chunk) if documents else None))
                if len(waiting) > _AHEAD:
                    yield from self._first(waiting)
        while waiting:
            yield from self._first(waiting)

    def _submit(self, chunk: Sequence[Path]) -> Future[Outcomes]:
        assert self.workers is not None
        return self.workers.submit(read_chunk, chunk, self.pack)

    def _first(
        self, waiting: deque[tuple[Sequence[Path], Future[Outcomes] | None]]
    ) -> Iterator[tuple[Path, Iterator[RawReport]]]:
        chunk, future = waiting.popleft()
        if future is None:
            yield from ((path, self._read(path)) for path in chunk)
            return
        try:
            outcomes = future.result()
        except BrokenExecutor:
            outcomes = [self._alone(path) for path in chunk]
            for index, (other, broken) in enumerate(waiting):
                # The pool broke for those that wait as well.
                waiting[index] = (other, self._submit(other) if broken else None)
        yield from zip(chunk, map(_replayed, outcomes), strict=True)

    def _alone(self, path: Path) -> list[RawReport] | InputError:
        """Return what comes of one file in a worker of its own; a file that kills it is not readable."""
        assert self.workers is not None
        self.workers.restart()
        try:
            return self._submit([path]).result()[0]
        except BrokenExecutor:
            message = "读取时工作进程异常退出（可能是内存不足），其余文件不受影响；请另存后单独重试"
            return InputError(f"{path.name}：{message}", file=str(path))


Outcomes = list[list[RawReport] | InputError]


def read_chunk(paths: Sequence[Path], pack: Pack) -> Outcomes:
    """Return for each file its reports, or why it cannot be read; runs in a worker."""
    found: Outcomes = []
    for path in paths:
        try:
            found.append(list(read_raw(path, pack)))
        except InputError as error:
            found.append(error)
    return found


def _replayed(outcome: list[RawReport] | InputError) -> Iterator[RawReport]:
    if isinstance(outcome, InputError):
        raise outcome
    yield from outcome


def listed(inputs: object) -> list[object]:
    """Return one input or several as a list; the characters of a path are no inputs."""
    single = isinstance(inputs, str | Path | Report | Mapping) or hasattr(inputs, "itertuples")
    return [inputs] if single or not isinstance(inputs, Iterable) else list(inputs)


def raw_reports(source: object, pack: Pack) -> Iterator[RawReport]:
    """Yield the raw reports of a path, nested data, a Report, a data frame, or a list of such."""
    if isinstance(source, str | Path):
        return read_raw(Path(source), pack)
    if isinstance(source, Report):
        return iter([_again(source)])
    if isinstance(source, Mapping):
        return iter([raw_from_data(source, pack.fields, Where(pointer=""))])
    if hasattr(source, "itertuples"):
        return read_frame(source, pack)
    if isinstance(source, Iterable):
        return (raw for item in source for raw in raw_reports(item, pack))
    raise TypeError(f"cannot read reports from {type(source).__name__}")


def _again(report: Report) -> RawReport:
    """Return a report as it was read; what binding found in a finished one is found again."""
    findings = report.findings
    if report.finished:
        findings = tuple(f for f in findings if f.rule not in ("BLANK", "NOT-FOUND", "VALUE"))
    return RawReport(report.values, report.source, findings, report.origins, report.finished)


def expand(inputs: Iterable[str | Path]) -> Iterator[Path | InputError]:
    """Yield the files that `inputs` name, each once, folders by name; an error for what is not there."""
    seen: set[Path] = set()
    for name in inputs:
        found = list(_files(Path(name)))
        if not found:
            yield InputError(_nothing(Path(name)), file=str(name))
        for path in found:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        everything = sorted(path.rglob("*"))
        ledgers = {p.parent for p in everything if p.name == LEDGER_FILE and is_collection(p.parent)}
        yield from _of_folder([p for p in everything if _is_input(p, path) and not _is_paper(p, ledgers)])
    elif path.exists():
        yield path
    elif glob.has_magic(str(path)):
        matches = sorted(Path(p) for p in glob.glob(str(path), recursive=True))
        yield from (p for p in matches if p.is_file() and not p.name.startswith("~$"))


def _of_folder(paths: Sequence[Path]) -> Sequence[Path]:
    """Return what to read of a folder's files.

    Reports that a batch has written there, and plain texts, which are mostly remarks, count only where
    there is nothing else.
    """
    others = [path for path in paths if path.suffix.lower() not in _TEXTS] or paths
    written = {folder: written_in(folder) | _rolled_up(folder) for folder in {path.parent for path in others}}
    return [path for path in others if path.name not in written[path.parent]] or others


def _rolled_up(folder: Path) -> frozenset[str]:
    """Return the names of the Word files of roll-ups in a folder that stand there as data too."""
    stems = tuple(path.name.removesuffix(RECORD_FILE) for path in folder.glob(f"*{RECORD_FILE}"))
    found = (path for path in folder.glob("*.docx") if path.name.startswith(stems)) if stems else ()
    return frozenset(path.name for path in found if path.with_suffix(".json").is_file())


def is_collection(folder: Path) -> bool:
    """Return whether a folder is one that a collection has written: of its files only the reports count."""
    return (folder / LEDGER_FILE).is_file() and (folder / LEDGER_REPORTS).is_dir()


def _is_paper(path: Path, ledgers: Set[Path]) -> bool:
    """Return whether a file of a collection is none of its reports: a ledger, a sheet to be signed."""
    ledger = next((parent for parent in path.parents if parent in ledgers), None) if ledgers else None
    return ledger is not None and path.parent != ledger / LEDGER_REPORTS


def _is_input(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
    known = path.suffix.lower() in SUFFIXES and not _is_output(path.name)
    return known and not hidden and os.path.isfile(path) and path.parent.name != VOIDED


def _is_output(name: str) -> bool:
    return name in _OUTPUTS or name.endswith((MATRIX_FILE, TEXTS_FILE, RECORD_FILE))


def _nothing(path: Path) -> str:
    if path.is_dir():
        return f"文件夹{path}里没有可读的表格、数据或文档（{'、'.join(sorted(SUFFIXES))}）"
    if glob.has_magic(str(path)):
        return f"没有文件符合“{path}”，请检查路径和通配符"
    return f"找不到文件{path}，请检查路径"
