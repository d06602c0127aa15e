"""Files that a request brings: counted, weighed, and put down under names of our own."""

from __future__ import annotations

import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nianbao.errors import NianbaoError
from nianbao.outputs.workbook.xlsx import visible
from nianbao.web.settings import MEGABYTE, Limits

# A name says what a file is only by one of these; nothing else of it reaches the disk.
_SUFFIXES = frozenset(
    [
        ".xlsx",
        ".xlsm",
        ".xltx",
        ".xls",
        ".xlt",
        ".et",
        ".ods",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".ndjson",
        ".docx",
        ".docm",
        ".doc",
        ".wps",
        ".rtf",
        ".pdf",
        ".html",
        ".htm",
        ".txt",
        ".md",
    ]
)
_DIRECTION = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LONGEST = 200


class Refused(Exception):
    """A request that is not served: the status, a word for programs, and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Stored:
    """A file in the temporary folder: the name that people know, and where it is."""

    name: str
    path: Path


def shown_name(given: str | None) -> str:
    """Return the name of an uploaded file as people see it: without folders and tricks."""
    name = visible((given or "").replace("\\", "/").rpartition("/")[2])
    return _DIRECTION.sub("", name).strip()[:_LONGEST] or "未命名文件"


def new_path(folder: Path, name: str) -> Path:
    """Return a path for a file; of its name it has a suffix that is known, or none."""
    suffix = Path(name).suffix.lower() if name.rpartition(".")[1] else ""
    return folder / f"{secrets.token_hex(12)}{suffix if suffix in _SUFFIXES else ''}"


def must_be_reasonable(file: Stored, limits: Limits) -> None:
    """Raise Refused for an archive that unpacks to more than the limit."""
    if not zipfile.is_zipfile(file.path):
        return
    try:
        with zipfile.ZipFile(file.path) as archive:
            total = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # its reader says what is wrong with it
    if total > limits.inflated:
        raise Refused(
            413,
            "inflated",
            f"{file.name}解压后超过{limits.inflated // MEGABYTE}MB，为安全起见没有读取；"
            "请用Excel或Word打开，删除多余的内容后另存再试",
        )


@contextmanager
def speaking_of(files: Iterable[Stored]) -> Iterator[None]:
    """Turn an error of the set-up into a refusal that calls the files as people know them."""
    try:
        yield
    except NianbaoError as error:
        raise Refused(422, type(error).__name__, str(renamed(error.message, files))) from None


def renamed(data: Any, files: Iterable[Stored]) -> Any:
    """Return JSON data that speaks of the files by the names that people know."""
    names = {text: file.name for file in files for text in (str(file.path), file.path.name)}
    if not names:
        return data
    pattern = re.compile("|".join(re.escape(text) for text in sorted(names, key=len, reverse=True)))
    return _renamed(data, pattern, names)


def _renamed(data: Any, pattern: re.Pattern[str], names: Mapping[str, str]) -> Any:
    if isinstance(data, str):
        return pattern.sub(lambda found: names[found[0]], data)
    if isinstance(data, dict):
        return {key: _renamed(value, pattern, names) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_renamed(value, pattern, names) for value in data]
    return data
