"""The ledger as the page shows it: a row an agency, what belongs to nobody, the list as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nianbao.agencies import agency_key
from nianbao.findings import SEVERITIES, Finding
from nianbao.ledger.lines import DONE, FIXED, NEW, SAME, STATUSES, Ledger, Line, Status
from nianbao.ledger.members import in_words
from nianbao.ledger.statuses import late
from nianbao.outputs.ledger.workbook import category_words, write_ledger
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.web.listing import csv_bytes
from nianbao.web.notes import first_problem
from nianbao.web.office.space import Standing, key_of

# Where something has to be done comes first; a missing report that is late before all others.
_ORDER: tuple[Status, ...] = ("returned", "received", "missing", "explain", "passed", "signed", "published")


@dataclass(frozen=True)
class Row:
    """One agency; `order` is its place in the roster, `rank` with problems first.

    `report` is the id of the page of its report, empty for none; `drafts` are (file, id) of all that came.
    `due` is the deadline, `left` what is to be said of it, `late` whether it has passed in vain.
    """

    key: str
    order: int
    rank: int
    agency: str
    code: str
    category: str
    status: Status
    word: str
    due: str
    left: str
    late: bool
    errors: int
    warnings: int
    first: str
    file: str
    report: str
    drafts: tuple[tuple[str, str], ...]
    rounds: str
    contact: tuple[str, ...]
    email: str
    notice: bool
    signed: str


@dataclass(frozen=True)
class Matter:
    """What is to be settled before the ledger is complete: what it is, what to do, the files to look at."""

    text: str
    advice: str
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class LedgerView:
    """The rows of a ledger, and what stands above them."""

    rows: tuple[Row, ...]
    counts: Mapping[Status, int]
    words: Mapping[Status, str]
    categories: tuple[str, ...]
    done: int
    year: int
    today: str
    deadlines: str
    overdue: int
    states: Mapping[str, int]
    round: int
    since: str
    matters: tuple[Matter, ...]
    unreadable: tuple[tuple[str, str], ...]


def ledger_view(standing: Standing, pack: Pack, workspace: Path | None) -> LedgerView:
    """Return what the page of the ledger says; `workspace` is where the office fills in what is asked."""
    ledger = standing.survey.ledger
    ranks = {line.member.name: rank for rank, line in enumerate(sorted(ledger.lines, key=_urgency(ledger)))}
    rows = tuple(
        _row(number, ranks[line.member.name], key, line, standing, pack)
        for number, (key, line) in enumerate(standing.lines.items())
    )
    return LedgerView(
        rows,
        ledger.counts,
        STATUSES,
        tuple(dict.fromkeys(row.category for row in rows if row.category)),
        ledger.done,
        ledger.year,
        f"{ledger.today.year}年{in_words(ledger.today)}",
        _deadlines(ledger, pack),
        len(ledger.overdue),
        ledger.states() if ledger.since else {},
        ledger.round,
        Path(ledger.since).name,
        tuple(_matters(standing, workspace)),
        ledger.unreadable,
    )


def _urgency(ledger: Ledger) -> Callable[[Line], tuple[bool, bool, int, int, int]]:
    def rank(line: Line) -> tuple[bool, bool, int, int, int]:
        overdue = line.status == "missing" and line.days_left(ledger.today) < 0
        # What was signed and then published otherwise is done, and yet a problem.
        settled = line.status in DONE and not _grave(line)
        return not overdue, settled, _ORDER.index(line.status), -line.errors, -line.warnings

    return rank


def _row(order: int, rank: int, key: str, line: Line, standing: Standing, pack: Pack) -> Row:
    ledger, member = standing.survey.ledger, line.member
    left, passed = _left(line, ledger)
    shown = line.adopted
    return Row(
        key,
        order,
        rank,
        visible(member.name),
        visible(member.code),
        visible(category_words(line, pack)),
        line.status,
        STATUSES[line.status],
        in_words(member.due),
        left,
        passed,
        line.errors,
        line.warnings,
        _first(line),
        visible(shown.file) if shown else "",
        standing.report_of(key, shown),
        tuple((visible(draft.file), standing.report_of(key, draft)) for draft in line.drafts),
        _rounds(line),
        tuple(visible(member.contact).split()),
        visible(member.email),
        line.status not in DONE,
        visible(line.signoff.by) if line.signoff and line.status in ("signed", "published") else "",
    )


def _left(line: Line, ledger: Ledger) -> tuple[str, bool]:
    """Return what is to be said of an agency's deadline, and whether it was missed."""
    if line.drafts:
        over = late(line.member, line.first)
        return (f"超期{over}天报送", True) if over else ("", False)
    days = line.days_left(ledger.today)
    if days < 0:
        return f"已超期{-days}天", True
    return ("今天截止" if days == 0 else f"还有{days}天"), False


def _first(line: Line) -> str:
    """Return the gravest thing to be said of an agency in one sentence, without its name."""
    if line.adopted is not None and (problem := first_problem(line.adopted.result)):
        return problem
    grave = _grave(line)
    return _without_name(grave[0], line) if grave else ""


def _grave(line: Line) -> list[Finding]:
    """Return what is wrong with an agency beside its report, the gravest first."""
    # That nothing has come stands beside the deadline.
    remarks = (r for r in line.remarks if r.severity != "info" and r.rule != "NOT-RECEIVED")
    return sorted(remarks, key=lambda remark: SEVERITIES.index(remark.severity))


def _without_name(remark: Finding, line: Line) -> str:
    return visible(remark.message.removeprefix(f"{line.member.name}："))


def _rounds(line: Line) -> str:
    """Return what became of the findings since the earlier round: 新增1 未改2 已改3."""
    if line.progress is None:
        return ""
    states = line.progress.states
    counts = ((NEW, states.count(NEW)), (SAME, states.count(SAME)), (FIXED, len(line.progress.fixed)))
    return " ".join(f"{word}{count}" for word, count in counts if count)


def _deadlines(ledger: Ledger, pack: Pack) -> str:
    """Return the deadlines of the categories, the earliest first: 1月31日（部门、街道），3月31日（政府）."""
    words: dict[str, list[str]] = {}
    for line in sorted(ledger.lines, key=lambda line: line.member.due):
        said = words.setdefault(in_words(line.member.due), [])
        category = category_words(line, pack) or "其他"
        if category not in said:
            said.append(category)
    return "，".join(f"{day}（{'、'.join(said)}）" for day, said in words.items())


def _matters(standing: Standing, workspace: Path | None) -> Iterator[Matter]:
    ledger = standing.survey.ledger
    book = (
        f"“{workspace.name}”里的台账.xlsx"
        if workspace
        else "台账.xlsx（先运行 nianbao collect，再用 --workspace 打开）"
    )
    for stray in ledger.strays:
        if stray.remark.severity != "error" or stray.assigned:
            continue
        message = visible(stray.remark.message)
        if stray.remark.rule == "NO-MEMBER":
            advice = f"改正报告里的单位名称；或在{book}的“未对应”一表写明“指定单位”"
        else:
            advice = "请换成本年度的报告，或移出文件夹"
        yield Matter(message, advice)
    for key, line in standing.lines.items():
        for remark in line.remarks:
            if remark.rule == "DRAFTS":
                files = "、".join(draft.file for draft in line.drafts)
                text = (
                    f"{line.member.name}：收到{len(line.drafts)}份不同的报告（{files}），还没有指定采用哪一份"
                )
                advice = f"把不要的一份移出文件夹；或在{book}的“采用稿”一列写上文件名"
                each = tuple((visible(d.file), standing.report_of(key, d)) for d in line.drafts)
                yield Matter(visible(text), advice, each)
            elif remark.rule in ("DRAFT-GONE", "UNREADABLE"):
                yield Matter(visible(remark.message), "")


def chosen(standing: Standing, keys: Sequence[str]) -> Ledger:
    """Return the ledger of some agencies only, in their order; of all where none is named."""
    ledger = standing.survey.ledger
    lines = tuple(standing.lines[key] for key in keys if key in standing.lines)
    return replace(ledger, lines=lines) if keys else ledger


def as_csv(standing: Standing, keys: Sequence[str], pack: Pack) -> bytes:
    """Return agencies of the ledger as CSV that Excel opens; no cell is taken for a formula."""
    ledger = chosen(standing, keys)
    head = (
        "单位",
        "代码",
        "类别",
        "状态",
        "报送期限",
        "期限情况",
        "错误",
        "待说明",
        "首要问题",
        "采用的报告",
    )
    rows = [(*head, *(("本轮变化",) if ledger.since else ()), "联系人、电话", "邮箱")]
    for line in ledger.lines:
        row = _row(0, 0, key_of(line), line, standing, pack)
        counts = (str(row.errors), str(row.warnings)) if row.file else ("", "")
        said = (row.rounds,) if ledger.since else ()
        due = line.member.due.isoformat()
        cells = (row.agency, row.code, row.category, row.word, due, row.left, *counts, row.first, row.file)
        rows.append((*cells, *said, line.member.contact, row.email))
    return csv_bytes(rows)


def as_workbook(standing: Standing, keys: Sequence[str], pack: Pack, roster: str) -> bytes:
    """Return agencies of the ledger as the workbook that ``nianbao collect`` writes."""
    names = {agency_key(line.member.name) for line in chosen(standing, keys).lines}
    signoffs = [s for s in standing.survey.signoffs if agency_key(s.agency) in names]
    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        path = Path(folder) / "ledger.xlsx"
        write_ledger(path, chosen(standing, keys), pack, signoffs, roster)
        return path.read_bytes()
