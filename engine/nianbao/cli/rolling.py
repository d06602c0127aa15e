"""`nianbao rollup`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nianbao.bind import bind
from nianbao.cli.common import CLEAN, FINDINGS, must_give_reason, must_not_overwrite, say, status, warn
from nianbao.cli.options import BesideFiles
from nianbao.collecting.workspace import edited_by_hand, waivers_in
from nianbao.consolidation import Rollup, rollup
from nianbao.consolidation.carried import signed
from nianbao.consolidation.record import Record, read_record
from nianbao.errors import InputError
from nianbao.filenames import LEDGER_FILE, LEDGER_REPORTS
from nianbao.findings import Finding, order
from nianbao.inputs import Source, is_collection
from nianbao.outputs.results.words import value_words
from nianbao.outputs.rollup.files import Places, Written, write_rollup
from nianbao.pack import Pack
from nianbao.previous import Previous, as_previous

# Findings of one severity that the screen lists; the workbook has all.
_SHOWN = 20
_LABELS = {"error": "错误", "warning": "警告", "info": "提示"}


@dataclass(frozen=True)
class Ask:
    """What is asked of a roll-up beside its inputs; see `nianbao rollup --help`."""

    agency: str
    out: Path
    beside: BesideFiles
    year: int | None = None
    agencies: Path | None = None
    adjustments: Path | None = None
    against: str | None = None
    allow_errors: str | None = None
    blank_as_zero: str | None = None
    statement: bool = True


def run_rollup(inputs: Sequence[str], ask: Ask, pack: Pack) -> int:
    """Roll the inputs up into one report and return the exit status."""
    places = Places.of(ask.out)
    _refuse(inputs, ask, places)
    earlier = read_record(places.record)
    source = Source(list(inputs), pack)
    last = as_previous(ask.beside.previous or None, pack, ask.beside.aliases)
    done = _rolled(source, ask, last, earlier, pack)
    unreadable = [*source.unreadable, *(last.unreadable if last is not None else ())]
    notes = [("未能读取", f"{file}：{message}") for file, message in unreadable]
    notes += [("空格按0处理，理由", ask.blank_as_zero)] if ask.blank_as_zero else []
    written = write_rollup(
        places, done, pack, allow_errors=ask.allow_errors, notes=tuple(notes), earlier=earlier
    )
    _tell(done, written, pack)
    for file, message in unreadable:
        warn(f"未能读取 {file}：{message}")
    return FINDINGS if written.report is None else status(unreadable, done.errors) or CLEAN


def _refuse(inputs: Sequence[str], ask: Ask, places: Places) -> None:
    """Raise InputError for an empty reason or edited figures, OutputError where an input would be lost."""
    must_give_reason("--allow-errors", ask.allow_errors)
    must_give_reason("--blank-as-zero", ask.blank_as_zero)
    _refuse_collections(_collections(inputs))
    single = (ask.agencies, ask.adjustments, ask.against)
    files = [*inputs, *ask.beside.files, *(path for path in single if path)]
    written = [places.matrix, places.texts]
    if not places.record.exists():
        # What an earlier roll-up wrote here may lie among the inputs: it is told as a member of itself.
        written += [places.out, places.out.with_suffix(".json")]
    for path in written:
        must_not_overwrite(path, *files)


def _rolled(source: Source, ask: Ask, last: Previous | None, earlier: Record | None, pack: Pack) -> Rollup:
    """Return the roll-up of all that can be read; raises InputError, with why files could not be read."""
    waivers = list(ask.beside.waivers or ())
    waivers += [path for folder in _collections(source.inputs) for path in waivers_in(folder)]
    waivers = list({path.resolve(): path for path in waivers}.values())
    try:
        return rollup(
            (bind(raw, pack, ask.blank_as_zero) for raw in source),
            pack,
            ask.agency,
            year=ask.year,
            agencies=ask.agencies,
            adjustments=ask.adjustments,
            against=ask.against,
            previous=last,
            aliases=ask.beside.aliases,
            waivers=waivers or None,
            earlier=earlier,
            statement=ask.statement,
        )
    except InputError as error:
        reasons = "；".join(message for _, message in source.unreadable)
        raise InputError(f"{error.message}{f'（{reasons}）' if reasons else ''}", file=error.file) from None


def _collections(inputs: Sequence[object]) -> list[Path]:
    """Return the folders of collections that are inputs, or lie in them, or whose reports are inputs."""
    found: list[Path] = []
    for path in (Path(str(name)) for name in inputs):
        own = [folder for folder in (path, path.parent) if is_collection(folder)][:1]
        below = path.rglob(LEDGER_FILE) if path.is_dir() and not own else ()
        found += own or sorted(ledger.parent for ledger in below if is_collection(ledger.parent))
    return list({folder.resolve(): folder for folder in found}.values())


def _refuse_collections(folders: Sequence[Path]) -> None:
    """Raise InputError for collections of the same agencies, and for one whose reports were edited."""
    seen: dict[str, Path] = {}
    for folder in folders:
        for report in (folder / LEDGER_REPORTS).glob("*.json"):
            other = seen.setdefault(report.name, folder)
            if other != folder:
                what = f"{other}和{folder}是两份台账，里面有同一单位的报告（{report.stem}）"
                raise InputError(f"{what}，只能汇总其中一份；请写明是哪一个文件夹", file=str(folder))
        if edited := edited_by_hand(folder):
            names = f"{'、'.join(edited[:5])}{f'等{len(edited)}个' if len(edited) > 5 else ''}"
            what = f"{folder}的“数据”里有文件在收报之后被人改动过：{names}"
            raise InputError(f"{what}；应改的是单位报来的文件，请重新收报后再汇总", file=str(folder))


def _tell(done: Rollup, written: Written, pack: Pack) -> None:
    say(f"{done.agency}{done.year or ''}年汇总：计入{len(done.members)}个单位，不计入{len(done.excluded)}个")
    for each in done.excluded[:_SHOWN]:
        say(f"不计入 {each.agency}：{each.reason}")
    if done.changes:
        say(done.changes.sentence(pack))
    _findings(done.findings)
    for over in done.carried:
        shares = "、".join(f"{who}{gap:+}" for who, gap in over.members[:_SHOWN])
        rest = f"，其他{over.rest:+}" if over.rest else ""
        say(f"{over.message}：{shares or '各单位都与上年相符'}{rest}")
    if done.compared is not None:
        _differences(done, pack)
    say(f"口径说明：{done.statement}")
    for name in written.voided:
        say(f"已作废：{name}")
    if written.report is None:
        say(f"有{done.errors}个错误，没有生成汇总报告；改正后重新运行，或用 --allow-errors 写明理由")
    else:
        say(f"汇总报告：{written.report}")
    say(f"贡献矩阵：{written.places.matrix}")
    say(f"各单位文字：{written.places.texts}")


def _differences(done: Rollup, pack: Pack) -> None:
    count = len(done.differences)
    say(f"与公布的报告比较：{count}格不同" if count else "与公布的报告逐格相同")
    for each in done.differences[:_SHOWN]:
        ours, theirs = (value_words(value) or "空" for value in (each.ours, each.theirs))
        whose = f"，恰好是{'、'.join(each.exactly)}的数" if each.exactly else ""
        say(f"· {pack.fields.place(each.field)}：汇总{ours}，公布{theirs}，差{signed(each.gap)}{whose}")
    if count > _SHOWN:
        say(f"· 另有{count - _SHOWN}格，见贡献矩阵的“与公布数比较”表")


def _findings(findings: Sequence[Finding]) -> None:
    for number, finding in enumerate(sorted(findings, key=order)):
        if number == _SHOWN:
            say(f"另有{len(findings) - _SHOWN}条，见贡献矩阵的“问题”表")
            return
        label = "已说明" if finding.waiver else _LABELS[finding.severity]
        say(f"{label}：{finding.message}")
