"""A collection as the page holds it: surveyed again when a file changes, its reports in their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from nianbao.agencies import agency_key
from nianbao.collecting.files import Memory, State, relative, state_of
from nianbao.collecting.survey import Request, Survey, survey
from nianbao.consolidation.carried import split_previous
from nianbao.errors import NianbaoError
from nianbao.ledger.lines import Draft, Line
from nianbao.ledger.members import read_members
from nianbao.outputs.ledger.papers import paper_template
from nianbao.pack import Pack
from nianbao.previous import Previous, as_aliases, as_previous
from nianbao.web.documents import Checked, Document, Part, make_id, shown
from nianbao.web.office.given import Given
from nianbao.web.office.rolling import Rolled, rolled_up, wholes
from nianbao.web.settings import Limits
from nianbao.web.uploads import Refused, Stored
from nianbao.web.workspace import Workspace


@dataclass(frozen=True)
class Standing:
    """One state of the collection: the survey, and which checked reports belong to each agency.

    `reports` are the ids of the drafts' pages by (agency's key, file), `lines` the agencies by their key.
    """

    survey: Survey
    lines: Mapping[str, Line]
    reports: Mapping[tuple[str, str], str]
    previous: Previous | None = None

    def report_of(self, key: str, draft: Draft | None) -> str:
        """Return the id of the page of a draft, empty for none."""
        return self.reports.get((key, draft.file), "") if draft is not None else ""


def key_of(line: Line) -> str:
    """Return the name of an agency in addresses."""
    return make_id("member", agency_key(line.member.name))


@dataclass
class _Last:
    """Last year's reports as they were read, for as long as their files stay the same."""

    state: Mapping[Path, State] = field(default_factory=dict)
    previous: Previous | None = None


class OfficeSpace(Workspace):
    """The collection of one running server; `problem` says why it could not be surveyed again."""

    def __init__(self, pack: Pack, given: Given, limits: Limits | None = None) -> None:
        super().__init__(pack, limits)
        self.given = given
        self.waiting = True
        self.problem = ""
        self.standing: Standing | None = None
        self._memory, self._last = Memory(), _Last()
        self._seen: object = None
        self._rolled: tuple[int, str, Rolled] | None = None

    def verify(self) -> None:
        """Raise what is wrong with roster or template before anything is served."""
        given = self.given
        read_members(given.roster, self.pack, self._year(), given.due)
        paper_template("notice", self.pack, given.notice_template)

    def _year(self) -> int:
        return self.given.year or (self.given.today or date.today()).year - 1

    # What is there.

    def notes(self) -> tuple[tuple[str, str], ...]:
        """Return what is to be said of all reports together."""
        standing = self.standing
        return (*standing.survey.notes(), *standing.survey.ledger.notes) if standing is not None else ()

    def find_agency(self, agency: str) -> Checked | None:
        """Return the adopted report of an agency of the roster, else the first that came from it."""
        standing = self.standing
        wanted = make_id("member", agency_key(agency))
        line = standing.lines.get(wanted) if standing is not None else None
        if standing is None or line is None or not line.drafts:
            return None
        return self.find(standing.report_of(wanted, line.adopted or line.drafts[0]))

    def rolled(self, whole: str = "") -> Rolled | None:
        """Return the roll-up of what was adopted, kept until a change; None before the first survey."""
        with self._lock:
            standing, version = self.standing, self.version
            if standing is None:
                return None
            if self._rolled is None or self._rolled[:2] != (version, whole):
                self._rolled = (
                    version,
                    whole,
                    rolled_up(standing.survey, self.given, standing.previous, whole),
                )
            return self._rolled[2]

    # What changes it.

    def refresh(self) -> bool:
        """Survey the collection again where a file or the day has changed; return whether it has."""
        with self._lock:
            # The state comes first: what is written while we read makes it be read again.
            seen = (date.today(), self.given.stamp())
            if seen == self._seen:
                return False
            self._seen = seen
            try:
                self._take(*self._surveyed())
                self.problem = ""
            except NianbaoError as error:
                self.problem = error.message
            self.waiting = False
            self.version += 1
            return True

    def add(self, files: Sequence[Stored], part: Part = "current") -> list[str]:
        """Refuse uploads: a collection is made of the files of its folder."""
        for file in files:
            file.path.unlink(missing_ok=True)
        message = f"本页正在收报：请把文件放进文件夹“{self.given.folder.name}”，几秒钟后自动出现"
        raise Refused(409, "collecting", message)

    def remove(self, id: str) -> None:
        """Do nothing: files of the folder are removed there."""

    def clear(self) -> None:
        """Do nothing: files of the folder are removed there."""

    def _surveyed(self) -> tuple[Survey, Previous | None]:
        given, previous = self.given, self._last_year()
        ask = Request(
            self._of_members(previous),
            given.aliases,
            given.waivers,
            given.since,
            given.published,
            given.due,
            given.today,
            given.year,
            given.blank_as_zero,
        )
        # Without a workspace there is an empty one: nothing has been filled in yet.
        workspace = given.workspace or self.folder / "workspace"
        return survey(given.roster, given.folder, workspace, self.pack, ask, self._memory), previous

    def _of_members(self, previous: Previous | None) -> Previous | None:
        """Return last year's reports without that of the whole, which bears the name of its government."""
        given, policy = self.given, self.pack.rollup
        if previous is None or policy is None:
            return previous
        members = read_members(given.roster, self.pack, self._year(), given.due)
        parts = [split_previous(previous, whole, policy) for whole in wholes(members, given, policy)[:1]]
        return parts[0][1] if parts and parts[0] is not None else previous

    def _last_year(self) -> Previous | None:
        given = self.given
        stamp = replace(given, folder=given.roster, workspace=None, since=None).stamp()
        if stamp != self._last.state:
            aliases = as_aliases(given.aliases)
            previous = as_previous(list(given.previous) or None, self.pack, aliases)
            self._last = _Last(stamp, previous)
        return self._last.previous

    def _take(self, made: Survey, previous: Previous | None) -> None:
        """Make a survey the state: its reports stand where the files of the page stand otherwise."""
        documents: dict[Path, Document] = {}
        checked: dict[str, Checked] = {}
        reports: dict[tuple[str, str], str] = {}
        lines = {key_of(line): line for line in made.ledger.lines}
        for key, line in lines.items():
            for draft in line.drafts:
                document = documents.setdefault(_path(draft), self._document(draft))
                # The adopted report keeps its page when another file takes its place.
                id = key if draft is line.adopted else make_id(key, draft.file)
                reports[key, draft.file] = id
                result = shown(draft.result, [document.file])
                checked[id] = Checked(id, document, result, made.beside.last(draft.result.report))
        self._documents = {document.id: document for document in documents.values()}
        self._checked, self._previous = checked, previous
        self.standing = Standing(made, lines, reports, previous)

    def _document(self, draft: Draft) -> Document:
        path = _path(draft)
        name, state = relative(path, self.given.folder), state_of(path)
        return Document(
            make_id("collected", name), "current", Stored(name, path), path, state[0] / 1e9, state
        )


def _path(draft: Draft) -> Path:
    return Path(draft.result.report.source.file or draft.file)
