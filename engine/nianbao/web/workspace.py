"""What the page holds: the files that were given, and their reports, read and checked.

Uploaded files lie in a temporary folder that goes away with the workspace; files from the command line are
read where they are. Everything here is replaced, never changed: an answer being written sees one state.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from nianbao.beside import Beside
from nianbao.collecting.files import state_of
from nianbao.errors import InputError
from nianbao.inputs import expand
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.previous import Aliases, Previous
from nianbao.waivers import Waivers
from nianbao.web.documents import (
    Checked,
    Document,
    Part,
    checked_document,
    make_id,
    notes_on,
    read_document,
    replaced_by,
)
from nianbao.web.settings import Limits
from nianbao.web.uploads import Refused, Stored


class Workspace:
    """The files of one running server.

    `version` grows with every change; `waiting` says that files were given and not read yet. Reading and
    checking take their time, so they belong into a thread; one at a time changes something.
    """

    def __init__(
        self,
        pack: Pack,
        limits: Limits | None = None,
        *,
        aliases: Aliases | None = None,
        waivers: Waivers | None = None,
    ) -> None:
        self.pack, self.limits = pack, limits or Limits()
        self.aliases, self.waivers = aliases or Aliases(), waivers or Waivers()
        self.folder = Path(tempfile.mkdtemp(prefix="nianbao-web-"))
        self.version = 0
        self.waiting = False
        self._documents: dict[str, Document] = {}
        self._checked: dict[str, Checked] = {}
        self._notes: tuple[tuple[str, str], ...] = ()
        self._previous: Previous | None = None
        self._given: dict[Part, tuple[str, ...]] = {"current": (), "previous": ()}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything that was uploaded."""
        shutil.rmtree(self.folder, ignore_errors=True)

    # What is there.

    def documents(self, part: Part = "current") -> list[Document]:
        """Return the documents in the order in which they were given."""
        return [document for document in self._documents.values() if document.part == part]

    def checked(self) -> list[Checked]:
        """Return the checked reports in the order in which they stand in the files."""
        return list(self._checked.values())

    def notes(self) -> tuple[tuple[str, str], ...]:
        """Return what only all reports together show, as (heading, text)."""
        return self._notes

    def find(self, id: str) -> Checked | None:
        """Return a checked report."""
        return self._checked.get(id)

    def find_agency(self, agency: str) -> Checked | None:
        """Return the first report of an agency."""
        wanted = normal(agency)
        return next((c for c in self.checked() if normal(c.report.agency) == wanted), None)

    # What changes it.

    def add(self, files: Sequence[Stored], part: Part = "current") -> list[str]:
        """Take uploaded files in and return what to say of it; a file given again takes the place of the old.

        Raises Refused where there are more reports than the page holds.
        """
        with self._lock:
            try:
                return self._add(files, part)
            except BaseException:
                for file in files:
                    file.path.unlink(missing_ok=True)
                raise

    def _add(self, files: Sequence[Stored], part: Part) -> list[str]:
        said = []
        documents = dict(self._documents)
        fresh: set[str] = set()
        for file in files:
            document = read_document(file, part, None, self.pack, self.limits)
            old = replaced_by(document, [d for d in documents.values() if d.id not in fresh])
            if old is not None:
                document = replace(document, id=old.id)
                said.append(f"已用新的“{file.name}”替换原来的文件")
            documents[document.id] = document
            fresh.add(document.id)
        self._install(documents)
        return said

    def give(self, inputs: Sequence[str], part: Part = "current") -> None:
        """Note what the command line names, files, folders and globs, for `refresh` to read."""
        self._given[part] = (*self._given[part], *inputs)
        self.waiting = self.waiting or bool(inputs)

    def refresh(self) -> bool:
        """Read again what has changed on the disk; return whether anything has."""
        with self._lock:
            documents = dict(self._documents)
            for part, inputs in self._given.items():
                self._refresh(documents, part, inputs)
            self._limit(documents)
            waited, self.waiting = self.waiting, False
            if not waited and documents == self._documents and list(documents) == list(self._documents):
                return False
            self._install(documents)
            return True

    def remove(self, id: str) -> None:
        """Forget an uploaded document, and its file."""
        with self._lock:
            if id in self._documents and self._documents[id].given is None:
                self._install({key: value for key, value in self._documents.items() if key != id})

    def clear(self) -> None:
        """Forget all uploaded documents."""
        with self._lock:
            self._install({key: value for key, value in self._documents.items() if value.given is not None})

    def _refresh(self, documents: dict[str, Document], part: Part, inputs: Sequence[str]) -> None:
        """Bring the documents of the command line up to date."""
        there: set[str] = set()
        for path in expand(inputs):
            if isinstance(path, InputError):
                path = Path(path.file or "")  # it may come back; until then it is a file that cannot be read
            id = make_id(part, str(path.absolute()))
            there.add(id)
            old = documents.get(id)
            if old is None or old.state != state_of(path):
                file = Stored(path.name or str(path), path)
                documents[id] = read_document(file, part, path, self.pack, self.limits, id)
        for id in [d.id for d in documents.values() if d.part == part and d.given and d.id not in there]:
            del documents[id]

    def _limit(self, documents: dict[str, Document]) -> None:
        """Take the reports out of those documents that are beyond the limit."""
        count = 0
        for id, document in documents.items():
            count += len(document.reports)
            if count > self.limits.reports:
                count -= len(document.reports)
                problem = f"{document.file.name}没有读入：{self._too_many()}"
                documents[id] = replace(document, reports=(), problem=problem)

    def _too_many(self) -> str:
        return f"报告超过{self.limits.reports}份，请用命令行的 nianbao check"

    def _install(self, documents: dict[str, Document]) -> None:
        """Check what is new and make `documents` the state; raises Refused where there are too many."""
        count = sum(len(document.reports) for document in documents.values())
        if count > self.limits.reports:
            raise Refused(413, "too-many", self._too_many())
        checked, beside = self._check(documents)
        notes = tuple(notes_on(checked.values(), beside, self.pack))
        gone = {d.file.path for d in self._documents.values() if d.given is None}
        self._documents, self._checked, self._previous = documents, checked, beside.previous
        self._notes = notes
        self.version += 1
        for path in gone - {d.file.path for d in documents.values()}:
            path.unlink(missing_ok=True)

    def _check(self, documents: dict[str, Document]) -> tuple[dict[str, Checked], Beside]:
        """Return the checked reports and last year's; reports are kept where both files are the same."""
        last = [document for document in documents.values() if document.part == "previous"]
        unchanged = last == self.documents("previous")
        beside = Beside(self._previous if unchanged else self._index(last), self.waivers)
        known: dict[str, list[Checked]] = {}
        for item in self._checked.values() if unchanged else ():
            known.setdefault(item.document.id, []).append(item)
        files = [document.file for document in last]
        checked: dict[str, Checked] = {}
        for document in documents.values():
            if document.part == "current":
                old = known.get(document.id, [])
                same = old and old[0].document is document
                for item in old if same else checked_document(document, self.pack, beside, files):
                    checked[item.id] = item
        return checked, beside

    def _index(self, last: Sequence[Document]) -> Previous | None:
        reports = tuple(report for document in last for report in document.reports)
        return Previous.of(reports, self.pack, self.aliases) if reports else None
