"""The manifest of an output folder: what was written there, from what, and what it looked like."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Self

from nianbao.outputs.files import cannot_write

MANIFEST = "manifest.jsonl"
# The folder inside an output folder that holds what no longer counts.
VOIDED = "已作废"
# Lines are brought to the disk so many at a time.
_SYNCED = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One output: its name, the digest of all that it was made from, and its own SHA-256."""

    name: str
    digest: str
    sha256: str
    source: str = ""
    agency: str = ""
    year: int | None = None


def written_in(folder: Path) -> frozenset[str]:
    """Return the names of the outputs that a folder's manifest lists; none where there is no manifest."""
    return frozenset(dict(_read(folder / MANIFEST)))


_NAMES = tuple(field.name for field in fields(Line))
_json = json.JSONEncoder(ensure_ascii=False).encode


class Manifest:
    """The lines of a folder's manifest; only the driver of a run writes them, after each rename."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / MANIFEST
        self.lines: dict[str, Line] = dict(_read(self.path))
        self._stream: IO[bytes] | None = None
        self._waiting = 0

    def add(self, line: Line) -> None:
        """Append a line; a line that is lost with the machine only means that its report is made again."""
        try:
            if self._stream is None:
                self._stream = self.path.open("ab")
                if self._stream.tell() and not _ends_with_newline(self.path):
                    self._stream.write(b"\n")
            self._stream.write(_json({name: getattr(line, name) for name in _NAMES}).encode() + b"\n")
            self._waiting += 1
            if self._waiting >= _SYNCED:
                self.sync()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self.lines[line.name] = line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync(self) -> None:
        """Bring the lines to the disk."""
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._waiting = 0

    def close(self) -> None:
        """Bring the lines to the disk and close the file; raises OutputError."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            with stream:
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error


def is_current(folder: Path, line: Line, digest: str) -> bool:
    """Return whether an output is there, whole, and made from the same things as `digest` says."""
    return line.digest == digest and digest_of(folder / line.name) == line.sha256


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, None where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _is_name(name: object) -> bool:
    """Return whether a line names a file of the folder itself, not one elsewhere."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0")


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def _read(path: Path) -> Mapping[str, Line]:
    """Return the lines by name, later ones counting; a torn or foreign line is passed over."""
    lines: dict[str, Line] = {}
    if not path.exists():
        return lines
    for text in path.read_bytes().split(b"\n"):
        try:
            line = Line(**json.loads(text))
        except (ValueError, TypeError):
            continue
        if not _is_name(line.name):
            continue
        if line.sha256:
            lines[line.name] = line
        else:
            lines.pop(line.name, None)
    return lines
