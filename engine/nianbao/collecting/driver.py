"""Collecting: a survey of roster and folder, written down as ledger, results and papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nianbao.collecting.index import index_of, inputs_of
from nianbao.collecting.survey import Request, Survey, survey
from nianbao.collecting.workspace import SIGNING
from nianbao.consolidation.adjustments import Adjustment, as_adjustments
from nianbao.ledger.lines import DONE, Ledger
from nianbao.outputs.files import make_folder
from nianbao.outputs.ledger.extras import extras_of
from nianbao.outputs.ledger.papers import paper_template, write_notices, write_signoffs
from nianbao.outputs.ledger.workbook import category_words, write_ledger
from nianbao.outputs.results.summary import ROUND, Entry, entry_of, write_summary
from nianbao.pack import Pack
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
class _Papers:
    """The papers of a run: their templates, and for notices where they go and what they say."""

    signoff: CompiledTemplate
    notice: CompiledTemplate | None
    folder: Path | None
    office: str
    reply_by: date | None


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
    adjustments: object = None,
) -> Collected:
    """Return what collecting the reports in `folder` from the agencies of `roster` into `out` came to.

    `out` is a workspace (see `collecting.workspace`), made or brought up to date; `since` is that of an
    earlier round, or its 检查结果.xlsx. `previous`, `aliases` and `waivers` are as `build` takes them.
    `published` are documents to be read back, by default those in 发布/ of the workspace. `due` is a deadline
    earlier than the law's; `year` the year reported about, by default the one before `today`; `jobs` the
    number of processes that read files, 0 for one a processor. Notices are written into `notices`, asking for
    an answer by `reply_by` in the name of `office`. `adjustments` are those that a roll-up will make (see
    `consolidation.rollup`): the workbook of results lists them.

    Raises InputError for a roster, folder or earlier round that cannot be used, OutputError for a folder that
    cannot be written or holds another collection, TemplateError for a template that may not be used.
    """
    papers = _Papers(
        paper_template("signoff", pack, signoff_template),
        paper_template("notice", pack, notice_template) if notices else None,
        notices,
        office,
        reply_by,
    )
    without = [notices] if notices else []
    ask = Request(
        previous, aliases, waivers, since, published, due, today, year, blank_as_zero, jobs, without
    )
    lines = as_adjustments(adjustments, pack, pack.rollup) if pack.rollup else ()
    made = survey(Path(roster), Path(folder), Path(out), pack, ask)
    return _written(made, papers, ask, lines, Path(roster), Path(folder))


def _written(
    made: Survey, papers: _Papers, ask: Request, lines: Sequence[Adjustment], roster: Path, folder: Path
) -> Collected:
    """Write all files of a survey and return what they are."""
    workspace, ledger, pack = made.workspace, made.ledger, made.workspace.pack
    make_folder(workspace.folder)
    adopted = {line.member.name: line.adopted for line in ledger.lines if line.adopted}
    kept = workspace.keep_reports({name: draft.result.report for name, draft in adopted.items()})
    workspace.bring_snapshots()
    done = {line.member.name for line in ledger.lines if line.status in DONE}
    workspace.keep_snapshots({name: draft.report for name, draft in adopted.items() if name in done})
    sheets = write_signoffs(workspace.folder / SIGNING, ledger, pack, papers.signoff)
    notices: list[Path] = []
    if papers.notice and papers.folder:
        office, by = papers.office, papers.reply_by
        notices = write_notices(papers.folder, ledger, pack, papers.notice, office=office, reply_by=by)
    write_summary(
        workspace.results,
        pack,
        _entries(ledger, pack),
        ledger.unreadable,
        [*made.notes(), *ledger.notes, (ROUND, f"第{ledger.round}轮")],
        extras_of(ledger, pack, made.beside, lines),
        rounds=bool(ledger.since),
    )
    write_ledger(workspace.ledger, ledger, pack, made.signoffs, str(roster))
    given = inputs_of(workspace.folder, roster, folder, ask, papers.office, papers.reply_by)
    workspace.write_index({**index_of(ledger, pack), "inputs": given}, kept)
    return Collected(ledger, workspace.ledger, workspace.results, tuple(notices), tuple(sheets))


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
