"""Reports on their way into a workbook: kept on disk, so that memory does not grow with their number."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from nianbao.outputs.files import cannot_write
from nianbao.outputs.form.filling import list_lengths
from nianbao.pack import Pack


@dataclass(frozen=True, slots=True)
class Entry:
    """One agency: its data, and whether they are a report's, to be shown as they are."""

    data: Mapping[str, Any]
    complete: bool


class Spool:
    """Entries that can be gone through again and again; `items` is the longest length of each list.

    `path` is the file that they are for: an error names it.
    """

    def __init__(self, pack: Pack, path: str | Path) -> None:
        self._pack = pack
        self._path = path
        with _writing(path):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self.count = 0
        self.items: dict[str, int] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, data: Mapping[str, Any], *, complete: bool) -> None:
        """Add an entry; raises OutputError."""
        with _writing(self._path):
            pickle.dump(Entry(dict(data), complete), self._file, pickle.HIGHEST_PROTOCOL)
        self.count += 1
        for path, length in list_lengths(data, self._pack).items():
            self.items[path] = max(self.items.get(path, 0), length)

    def __iter__(self) -> Iterator[Entry]:
        self._file.seek(0)
        for _ in range(self.count):
            yield pickle.load(self._file)


@contextmanager
def _writing(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(Path(path), error) from error
