"""A survey of a collection: roster and folder → whose is what → check → where each agency stands.

Nothing is written: `driver` writes what comes out, the web page shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nianbao.agencies import agency_key
from nianbao.beside import Beside, Tally
from nianbao.collecting.earlier import read_earlier
from nianbao.collecting.files import Memory, read_folder
from nianbao.collecting.gathering import gather
from nianbao.collecting.publication import Published, read_published
from nianbao.collecting.standing import Standing
from nianbao.collecting.workspace import PUBLISHED, Workspace
from nianbao.comparison.matching import current_name
from nianbao.errors import InputError
from nianbao.ledger.assigning import Roll
from nianbao.ledger.lines import Ledger
from nianbao.ledger.members import Member, read_members
from nianbao.ledger.signing import SignOff
from nianbao.pack import Pack
from nianbao.previous import as_aliases


@dataclass(frozen=True)
class Request:
    """What is asked of a collection beside roster and folder; see `collecting.collect`.

    `without` are further folders whose files are not of the collection.
    """

    previous: object = None
    aliases: object = None
    waivers: Sequence[str | Path] = ()
    since: Path | None = None
    published: Sequence[object] = ()
    due: date | None = None
    today: date | None = None
    year: int | None = None
    blank_as_zero: str | None = None
    jobs: int = 0
    without: Sequence[Path] = ()


@dataclass(frozen=True)
class Survey:
    """A collection as it stands: the ledger, and all that its papers are made of.

    `signoffs` are all signatures in the order in which they were given.
    """

    ledger: Ledger
    workspace: Workspace
    beside: Beside
    signoffs: tuple[SignOff, ...]

    def notes(self) -> list[tuple[str, str]]:
        """Return what all reports together show beside last year's and the explanations."""
        pack = self.workspace.pack
        tally = Tally(self.beside, pack)
        for line in self.ledger.lines:
            if line.adopted:
                report = line.adopted.result.report
                figures = {path: report.value(path) for path in tally.tracked(report)}
                tally.add(report.agency, report.year, line.adopted.result.findings, figures)
        return tally.notes()


def survey(
    roster: Path, folder: Path, out: Path, pack: Pack, ask: Request, memory: Memory | None = None
) -> Survey:
    """Return how the reports in `folder` from the agencies of `roster` stand.

    `out` is the workspace whose filled-in cells count; it need not be there. `memory` keeps what was read of
    files, so that a later survey reads only those that changed. Raises InputError and OutputError as
    `collecting.collect` does.
    """
    today = ask.today or date.today()
    year = ask.year or today.year - 1
    members = read_members(roster, pack, year, ask.due)
    workspace = _workspace(folder, out.absolute(), pack, year, members, ask.since)
    earlier = read_earlier(ask.since, pack, year) if ask.since else None
    kept = workspace.kept()
    beside = Beside.read(pack, ask.previous, ask.aliases, [*ask.waivers, *_filled_in(workspace, ask)] or None)
    roll = Roll(members, pack, current_name(as_aliases(ask.aliases)))
    without = [workspace.folder, *ask.without]
    found = read_folder(
        folder, pack, without=without, blank_as_zero=ask.blank_as_zero, jobs=ask.jobs, memory=memory
    )
    gathered = gather(found, folder, roll, kept, year, pack, beside)
    documents = read_published(ask.published or _published(workspace), roll, pack)
    signoffs = workspace.signoffs(kept)
    # Of several signatures of one agency the last one counts.
    latest = {agency_key(signoff.agency): signoff for signoff in signoffs}
    standing = Standing(roll, gathered, documents, latest, kept, earlier, pack, today)
    ledger = Ledger(
        year,
        today,
        tuple(standing.lines()),
        gathered.strays,
        (*gathered.unreadable, *documents.unreadable, *beside.unreadable),
        earlier.number + 1 if earlier else kept.round,
        earlier.source if earlier else "",
        tuple(_notes(found.ignored, documents, ask)),
    )
    return Survey(ledger, workspace, beside, tuple(signoffs))


def _workspace(
    source: Path, target: Path, pack: Pack, year: int, members: Sequence[Member], since: Path | None
) -> Workspace:
    if source.resolve() == target.resolve():
        raise InputError(f"收报的文件夹和输出文件夹不能是同一个：{source}", file=str(source))
    before = since if since is None or since.is_dir() else since.parent
    return Workspace(target, pack, year, (member.name for member in members), before)


def _filled_in(workspace: Workspace, ask: Request) -> list[Path]:
    """Return the last run's 检查结果.xlsx, unless it was given anyway."""
    given = {Path(path).resolve() for path in ask.waivers}
    return [path for path in workspace.waivers() if path.resolve() not in given]


def _published(workspace: Workspace) -> Sequence[object]:
    folder = workspace.folder / PUBLISHED
    there = folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
    return [str(folder)] if there else []


def _notes(ignored: Sequence[str], published: Published, ask: Request) -> Iterator[tuple[str, str]]:
    """Yield what the workbooks record of the run itself."""
    if ignored:
        yield "没有读取的文件", f"{'、'.join(ignored[:50])}（不是表格、数据或文档；压缩包请先解压）"
    for name, reason in published.strays:
        yield "发布的文件未对应", f"{name}：{reason}"
    if ask.blank_as_zero:
        yield "空格按0处理，理由", ask.blank_as_zero
    if ask.due:
        yield "提前的报送期限", ask.due.isoformat()
