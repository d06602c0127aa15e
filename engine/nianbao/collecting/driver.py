"""Collecting: roster and folder → whose is what → check → where each agency stands → ledger and papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nianbao.agencies import agency_key
from nianbao.beside import Beside, Tally
from nianbao.collecting.earlier import read_earlier
from nianbao.collecting.files import read_folder
from nianbao.collecting.gathering import gather
from nianbao.collecting.index import index_of
from nianbao.collecting.publication import Published, read_published
from nianbao.collecting.standing import Standing
from nianbao.collecting.workspace import PUBLISHED, SIGNING, Workspace, handed_on
from nianbao.comparison.matching import current_name
from nianbao.errors import InputError
from nianbao.ledger.assigning import Roll
from nianbao.ledger.lines import DONE, Ledger
from nianbao.ledger.members import Member, read_members
from nianbao.ledger.signing import SignOff
from nianbao.outputs.files import make_folder
from nianbao.outputs.ledger.extras import extras_of
from nianbao.outputs.ledger.papers import paper_template, write_notices, write_signoffs
from nianbao.outputs.ledger.workbook import category_words, write_ledger
from nianbao.outputs.results.summary import ROUND, Entry, entry_of, write_summary
from nianbao.pack import Pack
from nianbao.previous import as_aliases
from nianbao.rendering.template import CompiledTemplate


@dataclass(frozen=True)
class Collected:
    """What collecting came to: the ledger as values, and the files that were written."""

    ledger: Ledger
    workbook: Path
    results: Path
    notices: tuple[Path, ...] = ()
    signoffs: tuple[Path, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is missing beyond its deadline, wrong, unreadable or nobody's."""
        ledger = self.ledger
        grave = any(remark.severity == "error" for remark in ledger.remarks)
        return not (grave or ledger.unreadable or any(line.errors for line in ledger.lines))


@dataclass(frozen=True)
class Request:
    """What is asked of a collection beside roster and folder; see `collect`."""

    waivers: Sequence[str | Path]
    since: Path | None
    notices: Path | None
    due: date | None
    reply_by: date | None
    office: str
    blank_as_zero: str | None


def collect(
    roster: str | Path,
    folder: str | Path,
    out: str | Path,
    pack: Pack,
    *,
    previous: object = None,
    aliases: object = None,
    waivers: Sequence[str | Path] = (),
    since: Path | None = None,
    notices: Path | None = None,
    published: Sequence[object] = (),
    due: date | None = None,
    today: date | None = None,
    year: int | None = None,
    reply_by: date | None = None,
    office: str = "",
    notice_template: Path | None = None,
    signoff_template: Path | None = None,
    blank_as_zero: str | None = None,
    jobs: int = 0,
) -> Collected:
    """Return what collecting the reports in `folder` from the agencies of `roster` into `out` came to.

    `out` is a workspace (see `collecting.workspace`), made or brought up to date; `since` is that of an
    earlier round, or its 检查结果.xlsx. `previous`, `aliases` and `waivers` are as `build` takes them.
    `published` are documents to be read back, by default those in 发布/ of the workspace. `due` is a deadline
    earlier than the law's; `year` the year reported about, by default the one before `today`; `jobs` the
    number of processes that read files, 0 for one a processor. Notices are written into `notices`, asking for
    an answer by `reply_by` in the name of `office`.

    Raises InputError for a roster, folder or earlier round that cannot be used, OutputError for a folder that
    cannot be written or holds another collection, TemplateError for a template that may not be used.
    """
    ask = Request(waivers, since, notices, due, reply_by, office, blank_as_zero)
    papers = (
        paper_template("signoff", pack, signoff_template),
        paper_template("notice", pack, notice_template) if notices else None,
    )
    today = today or date.today()
    year = year or today.year - 1
    members = read_members(Path(roster), pack, year, due)
    workspace = _workspace(Path(folder), Path(out).absolute(), pack, year, members, since)
    earlier = read_earlier(since, pack, year) if since else None
    kept = workspace.kept()
    beside = Beside.read(pack, previous, aliases, [*waivers, *_filled_in(workspace, ask)] or None)
    roll = Roll(members, pack, current_name(as_aliases(aliases)))
    without = [workspace.folder, *([notices] if notices else [])]
    found = read_folder(Path(folder), pack, without=without, blank_as_zero=blank_as_zero, jobs=jobs)
    gathered = gather(found, Path(folder), roll, kept, year, pack, beside)
    documents = read_published(published or _published(workspace), roll, pack)
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
    return _written(workspace, ledger, beside, signoffs, papers, ask, Path(roster))


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


def _written(
    workspace: Workspace,
    ledger: Ledger,
    beside: Beside,
    signoffs: Sequence[SignOff],
    templates: tuple[CompiledTemplate, CompiledTemplate | None],
    ask: Request,
    roster: Path,
) -> Collected:
    """Write all files of a ledger and return what they are."""
    pack, (signing, noticing) = workspace.pack, templates
    make_folder(workspace.folder)
    adopted = {
        line.member.name: handed_on(line.adopted.result.report, line.member.data)
        for line in ledger.lines
        if line.adopted
    }
    workspace.bring_snapshots()
    workspace.keep_reports(adopted)
    for line in ledger.lines:
        if line.adopted and line.status in DONE:
            workspace.keep_snapshot(line.member.name, line.adopted.result.report)
    papers = write_signoffs(workspace.folder / SIGNING, ledger, pack, signing)
    notices: list[Path] = []
    if noticing and ask.notices:
        notices = write_notices(ask.notices, ledger, pack, noticing, office=ask.office, reply_by=ask.reply_by)
    notes = [*_tallied(ledger, beside, pack), *ledger.notes, (ROUND, f"第{ledger.round}轮")]
    write_summary(
        workspace.results,
        pack,
        _entries(ledger, pack),
        ledger.unreadable,
        notes,
        extras_of(ledger, pack, beside),
        rounds=bool(ledger.since),
    )
    write_ledger(workspace.ledger, ledger, pack, signoffs, str(roster))
    workspace.write_index(index_of(ledger, pack), adopted)
    return Collected(ledger, workspace.ledger, workspace.results, tuple(notices), tuple(papers))


def _entries(ledger: Ledger, pack: Pack) -> Iterator[Entry]:
    """Yield the reports for the workbook of results, the adopted ones with rounds."""
    for line in ledger.lines:
        for draft in line.drafts:
            if line.adopted in (draft, None):
                states = line.progress.states if line.progress and line.adopted else ()
                note = "" if line.adopted else f"收到{len(line.drafts)}份，未指定采用稿"
                entry = entry_of(draft.result, pack, note=note, states=states)
                # What the report does not say of itself, the roster does.
                yield replace(
                    entry,
                    category=entry.category or category_words(line, pack),
                    contact=entry.contact or line.member.contact,
                )


def _tallied(ledger: Ledger, beside: Beside, pack: Pack) -> list[tuple[str, str]]:
    """Return what all reports together show beside last year's and the explanations."""
    tally = Tally(beside, pack)
    for line in ledger.lines:
        if line.adopted:
            report = line.adopted.result.report
            figures = {path: report.value(path) for path in tally.tracked(report)}
            tally.add(report.agency, report.year, line.adopted.result.findings, figures)
    return tally.notes()


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
