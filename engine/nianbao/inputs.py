"""Inputs as they are named on the command line: files, folders and globs become a list of files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from nianbao.errors import InputError

# What a folder is searched for; a file that is named outright may have any name.
SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".json", ".jsonl"})
# What nianbao itself writes beside reports.
_OUTPUTS = frozenset({"检查结果.xlsx", "manifest.jsonl"})


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
    return path.is_file() and not hidden and path.suffix.lower() in SUFFIXES and path.name not in _OUTPUTS


def _nothing(path: Path) -> str:
    if path.is_dir():
        return f"文件夹{path}里没有可读的表格或数据文件（{'、'.join(sorted(SUFFIXES))}）"
    if glob.has_magic(str(path)):
        return f"没有文件符合“{path}”，请检查路径和通配符"
    return f"找不到文件{path}，请检查路径"
