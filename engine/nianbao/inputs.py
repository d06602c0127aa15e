"""Inputs as they are named on the command line: files, folders and globs become a list of files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from nianbao.errors import InputError
from nianbao.findings import Where
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.readers import read_raw
from nianbao.readers.frames import read_frame
from nianbao.readers.records import raw_from_data
from nianbao.report import Report

# What a folder is searched for; a file that is named outright may have any name.
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".json", ".jsonl"})
# What nianbao itself writes beside reports.
_OUTPUTS = frozenset({"检查结果.xlsx", "manifest.jsonl"})
# How the files end that a roll-up writes beside its report.
MATRIX_FILE, TEXTS_FILE, RECORD_FILE = "（贡献矩阵）.xlsx", "（各单位文字）.xlsx", "（汇总记录）.json"


@dataclass
class Source:
    """The inputs of a batch as a stream; files that cannot be read are noted, the others go on."""

    inputs: Sequence[object]
    pack: Pack
    files: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[RawReport]:
        for named, group in groupby(self.inputs, lambda item: isinstance(item, str | Path)):
            if named:
                yield from self._files(group)
            else:
                yield from (raw for item in group for raw in raw_reports(item, self.pack))

    def _files(self, names: Iterable[object]) -> Iterator[RawReport]:
        for path in expand(str(name) for name in names):
            if isinstance(path, InputError):
                self.unreadable.append((path.file or "", path.message))
                continue
            self.files.append(str(path))
            try:
                yield from read_raw(path, self.pack)
            except InputError as error:
                self.unreadable.append((str(path), error.message))


def raw_reports(source: object, pack: Pack) -> Iterator[RawReport]:
    """Yield the raw reports of a path, nested data, a Report, a data frame, or a list of such."""
    if isinstance(source, str | Path):
        return read_raw(Path(source), pack)
    if isinstance(source, Report):
        return iter([RawReport(source.values, source.source, source.findings, source.origins)])
    if isinstance(source, Mapping):
        return iter([raw_from_data(source, pack.fields, Where(pointer=""))])
    if hasattr(source, "itertuples"):
        return read_frame(source, pack)
    if isinstance(source, Iterable):
        return (raw for item in source for raw in raw_reports(item, pack))
    raise TypeError(f"cannot read reports from {type(source).__name__}")


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
        yield from sorted(p for p in path.rglob("*") if _is_input(p, path))
    elif path.exists():
        yield path
    elif glob.has_magic(str(path)):
        matches = sorted(Path(p) for p in glob.glob(str(path), recursive=True))
        yield from (p for p in matches if p.is_file() and not p.name.startswith("~$"))


def _is_input(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and path.suffix.lower() in SUFFIXES and not _is_output(path.name)


def _is_output(name: str) -> bool:
    return name in _OUTPUTS or name.endswith((MATRIX_FILE, TEXTS_FILE, RECORD_FILE))


def _nothing(path: Path) -> str:
    if path.is_dir():
        return f"文件夹{path}里没有可读的表格或数据文件（{'、'.join(sorted(SUFFIXES))}）"
    if glob.has_magic(str(path)):
        return f"没有文件符合“{path}”，请检查路径和通配符"
    return f"找不到文件{path}，请检查路径"
