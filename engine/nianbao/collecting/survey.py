"""A survey of a collection: roster and folder → whose is what → check → where each agency stands.

Nothing is written: `driver` writes what comes out, the web page shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from nianbao.readers.roster import unused_columns

# Names that a note lists.
_NAMED = 10


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
    workspace = _workspace(folder, out.absolute(), pack, year, members, ask)
    earlier = read_earlier(ask.since, pack, year) if ask.since else None
    kept = workspace.kept()
    beside = Beside.read(pack, ask.previous, ask.aliases, [*ask.waivers, *_filled_in(workspace, ask)] or None)
    roll = Roll(members, pack, current_name(as_aliases(ask.aliases)))
    without = [workspace.folder, *ask.without]
    found = read_folder(
        folder, pack, without=without, blank_as_zero=ask.blank_as_zero, jobs=ask.jobs, memory=memory
    )
    gathered = gather(found, folder, roll, kept, year, today, pack, beside)
    documents = read_published(ask.published or _published(workspace), roll, pack)
    signoffs = workspace.signoffs(kept)
    # Of several signatures of one agency the last one counts.
    latest = {agency_key(signoff.agency): signoff for signoff in signoffs}
    standing = Standing(roll, gathered, documents, latest, kept, earlier, pack, today)
    unreadable = (*gathered.unreadable, *documents.unreadable, *beside.unreadable)
    ledger = _ledger(standing, year, unreadable)
    notes = _notes(ledger, unused_columns(roster, pack), found.ignored, documents, ask)
    return Survey(replace(ledger, notes=tuple(notes)), workspace, beside, tuple(signoffs))


def _ledger(standing: Standing, year: int, unreadable: tuple[tuple[str, str], ...]) -> Ledger:
    earlier = standing.earlier
    return Ledger(
        year,
        standing.today,
        tuple(standing.lines()),
        standing.gathered.strays,
        unreadable,
        earlier.number + 1 if earlier else standing.kept.round,
        earlier.source if earlier else "",
    )


def _workspace(
    source: Path, target: Path, pack: Pack, year: int, members: Sequence[Member], ask: Request
) -> Workspace:
    if source.resolve() == target.resolve():
        raise InputError(f"收报的文件夹和输出文件夹不能是同一个：{source}", file=str(source))
    for each in ask.without:
        if source.resolve() == each.resolve():
            raise InputError(f"更正通知不能写进收报的文件夹：{source}，请换一个文件夹", file=str(source))
    before = ask.since if ask.since is None or ask.since.is_dir() else ask.since.parent
    return Workspace(target, pack, year, (member.name for member in members), before)


def _filled_in(workspace: Workspace, ask: Request) -> list[Path]:
    """Return the last run's 检查结果.xlsx, unless it was given anyway."""
    given = {Path(path).resolve() for path in ask.waivers}
    return [path for path in workspace.waivers() if path.resolve() not in given]


def _published(workspace: Workspace) -> Sequence[object]:
    folder = workspace.folder / PUBLISHED
    there = folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
    return [str(folder)] if there else []


def _notes(
    ledger: Ledger, unused: Sequence[str], ignored: Sequence[str], published: Published, ask: Request
) -> Iterator[tuple[str, str]]:
    """Yield what the workbooks record of the run itself."""
    if unused:
        yield "名录里没有用上的列", f"{'、'.join(unused)}（不认识的列名；应有的列名见说明文档）"
    if ignored:
        yield "没有读取的文件", f"{'、'.join(ignored[:50])}（不是表格、数据或文档；压缩包请先解压）"
    for name, reason in published.strays:
        yield "发布的文件未对应", f"{name}：{reason}"
    if late := [line.member.name for line in ledger.unpublished]:
        names = f"{'、'.join(late[:_NAMED])}{f'等{len(late)}家' if len(late) > _NAMED else ''}"
        yield "公开期限已过", f"{names}已审签，还没有公开后的文件；公开后放进“{PUBLISHED}”文件夹，再运行一次"
    if ask.blank_as_zero:
        yield "空格按0处理，理由", ask.blank_as_zero
    if ask.due:
        yield "提前的报送期限", ask.due.isoformat()
