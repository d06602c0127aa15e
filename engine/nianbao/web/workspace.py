"""What the page holds: the files that were given, and their reports, read and checked.

Uploaded files lie in a temporary folder that goes away with the workspace; files from the command line are
read where they are. Everything here is replaced, never changed: an answer being written sees one state.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from nianbao.bind import bind
from nianbao.errors import InputError
from nianbao.inputs import expand
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check_many
from nianbao.predecessors import Predecessors
from nianbao.previous import Aliases, Previous
from nianbao.readers import read_raw
from nianbao.report import Report
from nianbao.waivers import Waivers
from nianbao.web.settings import Limits
from nianbao.web.uploads import Refused, Stored, must_be_reasonable, renamed

Part = Literal["current", "previous"]


@dataclass(frozen=True)
class Document:
    """A file that was given: its reports as they were read, or the reason why it could not be.

    `given` is the path on the command line, None for an upload; `changed` is when it was last written, in
    seconds; `state` tells one version of the file from another.
    """

    id: str
    part: Part
    file: Stored
    given: Path | None
    changed: float
    state: tuple[int, int]
    reports: tuple[Report, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Checked:
    """A report of a document with its findings, which name files as people know them."""

    id: str
    document: Document
    result: CheckResult
    last: Predecessors | None = None

    @property
    def report(self) -> Report:
        """The report."""
        return self.result.report


class Workspace:
    """The files of one running server.

    `version` grows with every change. Reading and checking take their time, so they belong into a thread; one
    at a time changes something.
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
        self._documents: dict[str, Document] = {}
        self._checked: dict[str, Checked] = {}
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
            document = self._read(file, part, None)
            old = self._same(document, documents.values(), fresh)
            if old is not None:
                document = replace(document, id=old.id)
                said.append(f"已用新的“{file.name}”替换原来的文件")
            documents[document.id] = document
            fresh.add(document.id)
        self._install(documents)
        return said

    def give(self, inputs: Sequence[str], part: Part = "current") -> None:
        """Take in what the command line names: files, folders and globs, which `refresh` reads again."""
        self._given[part] = (*self._given[part], *inputs)
        self.refresh()

    def refresh(self) -> bool:
        """Read again what has changed on the disk; return whether anything has."""
        with self._lock:
            documents = dict(self._documents)
            for part, inputs in self._given.items():
                self._refresh(documents, part, inputs)
            if documents == self._documents and list(documents) == list(self._documents):
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
            id = _id(part, str(path.absolute()))
            there.add(id)
            old = documents.get(id)
            if old is None or old.state != _state(path):
                documents[id] = self._read(Stored(_short(path), path), part, path, id)
        for id in [d.id for d in documents.values() if d.part == part and d.given and d.id not in there]:
            del documents[id]

    def _read(self, file: Stored, part: Part, given: Path | None, id: str | None = None) -> Document:
        """Return a file as a document, whatever is wrong with it."""
        # The state comes first: what is written while we read makes it be read again.
        state = _state(file.path)
        changed = state[0] / 1e9
        document = Document(id or _id(part, str(file.path)), part, file, given, changed, state)
        try:
            must_be_reasonable(file, self.limits)
            reports = tuple(bind(raw, self.pack) for raw in read_raw(file.path, self.pack))
        except InputError as error:
            return replace(document, problem=str(renamed(error.message, [file])))
        except Refused as error:
            return replace(document, problem=error.message)
        return replace(document, reports=reports, problem="" if reports else f"{file.name}里没有报告")

    def _same(self, new: Document, known: Iterable[Document], fresh: set[str]) -> Document | None:
        """Return the upload that a new one replaces: of the same name, and not of another agency."""
        agencies = {normal(report.agency) for report in new.reports}
        for old in known:
            same = (old.part, old.file.name) == (new.part, new.file.name)
            if not same or old.given is not None or old.id in fresh:
                continue
            before = {normal(report.agency) for report in old.reports}
            if not agencies or not before or agencies & before:
                return old
        return None

    def _install(self, documents: dict[str, Document]) -> None:
        """Check what is new and make `documents` the state; raises Refused where there are too many."""
        count = sum(len(document.reports) for document in documents.values())
        if count > self.limits.reports:
            raise Refused(413, "too-many", f"报告超过{self.limits.reports}份，请用命令行的 nianbao check")
        checked, previous = self._check(documents)
        gone = {d.file.path for d in self._documents.values() if d.given is None}
        self._documents, self._checked, self._previous = documents, checked, previous
        self.version += 1
        for path in gone - {d.file.path for d in documents.values()}:
            path.unlink(missing_ok=True)

    def _check(self, documents: dict[str, Document]) -> tuple[dict[str, Checked], Previous | None]:
        """Return the checked reports and last year's; reports are kept where both files are the same."""
        last = [document for document in documents.values() if document.part == "previous"]
        unchanged = last == self.documents("previous")
        previous = self._previous if unchanged else self._index(last)
        known: dict[str, list[Checked]] = {}
        for item in self._checked.values() if unchanged else ():
            known.setdefault(item.document.id, []).append(item)
        files = [document.file for document in last]
        checked: dict[str, Checked] = {}
        for document in documents.values():
            if document.part != "current":
                continue
            old = known.get(document.id, [])
            same = old and old[0].document is document
            for item in old if same else self._checked_document(document, previous, files):
                checked[item.id] = item
        return checked, previous

    def _index(self, last: Sequence[Document]) -> Previous | None:
        reports = tuple(report for document in last for report in document.reports)
        return Previous(reports, self.aliases, str(self.pack.meta.get("code", ""))) if reports else None

    def _checked_document(
        self, document: Document, previous: Previous | None, files: Sequence[Stored]
    ) -> Iterator[Checked]:
        seen: dict[str, int] = {}
        for result in check_many(document.reports, self.pack, previous, waivers=self.waivers):
            who = f"{result.report.agency}\0{result.report.year}"
            seen[who] = seen.get(who, 0) + 1
            last = previous.find(result.report) if previous is not None else None
            # The same report of the next version of the file has the same name, so that its page stays open.
            id = _id(document.id, who, str(seen[who]))
            yield Checked(id, document, _shown(result, [document.file, *files]), last)


def _shown(result: CheckResult, files: Sequence[Stored]) -> CheckResult:
    """Return a result whose findings name the files as people know them; the origins of values stay."""
    report = result.report
    findings = tuple(
        replace(
            finding,
            message=renamed(finding.message, files),
            where=replace(finding.where, file=renamed(finding.where.file, files)),
        )
        for finding in result.findings
    )
    source = replace(report.source, file=renamed(report.source.file, files))
    return CheckResult(replace(report, source=source), findings)


def _short(path: Path) -> str:
    return path.name or str(path)


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, -1
    return found.st_mtime_ns, found.st_size


def _id(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]
