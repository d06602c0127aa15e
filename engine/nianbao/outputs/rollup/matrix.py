"""The workbook of a roll-up: who contributed what, as a matrix with live sums, and how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from nianbao import __version__
from nianbao.consolidation import Member, Rollup
from nianbao.consolidation.conflicts import file_of
from nianbao.consolidation.members import category_words
from nianbao.consolidation.whole import MATRIX
from nianbao.errors import OutputError
from nianbao.findings import Value, order
from nianbao.outputs.results.scopes import SCOPE_COLUMNS, SCOPES, adjustment_rows, scope_row
from nianbao.outputs.results.sheets import Book, Column, Row, Sheet, Table
from nianbao.outputs.results.words import LEVELS, WAIVED, Words, source_words, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.raw import column_name

MEMBERS, PROBLEMS = "成员", "问题"
CARRIED, AGAINST, CHANGED = "上下年衔接", "与公布数比较", "上次汇总后改动"

# Excel ends at 16,384 columns.
_MAX_MEMBERS = 16_000
_NAMED = 20
_FAILED = "未通过校验"
_FIRST = (
    Column("栏目", 50),
    Column("公布数\n（合计＋调整）", 12, "number"),
    Column("成员合计", 10, "number"),
    Column("调整", 8, "number"),
)
_OTHER = (Column("已公布的数", 10, "number"), Column("差\n（汇总－已公布）", 14, "number"))


def write_matrix(path: Path, rollup: Rollup, pack: Pack, notes: Sequence[tuple[str, str]] = ()) -> None:
    """Write the workbook of a roll-up; `notes` are what else is to be recorded, as (heading, text).

    Raises OutputError where it cannot be written.
    """
    policy = pack.rollup
    assert policy is not None, "only a pack with a policy rolls up"
    if len(rollup.members) > _MAX_MEMBERS:
        message = f"成员有{len(rollup.members)}个，贡献矩阵最多放{_MAX_MEMBERS}个"
        raise OutputError(f"{message}；请先按下级地区分别汇总，再汇总各地区", file=str(path))
    title = visible(f"{rollup.agency}{rollup.year or ''}年{pack.title}")
    with Book(title, path, "汇总") as book:
        _matrix(book, rollup, pack)
        _problems(book, rollup, pack)
        _members(book, rollup, pack, policy)
        _scope(book, rollup, pack, notes)
        if rollup.carried:
            _carried(book, rollup, pack)
        if rollup.compared is not None:
            _against(book, rollup, pack)
        if rollup.changes:
            _changes(book, rollup, pack)
        book.save()


def _matrix(book: Book, rollup: Rollup, pack: Pack) -> None:
    compared = rollup.compared is not None
    first = (*_FIRST, *(_OTHER if compared else ()))
    members = tuple(Column(visible(member.agency), 9, "number") for member in rollup.members)
    sheet = Sheet(book, MATRIX, (*first, *members), frozen=len(first))
    start, end = column_name(len(first)), column_name(len(first) + len(members) - 1)
    adjusted: dict[str, int | Decimal] = {}
    for line in rollup.adjustments:
        adjusted[line.field] = adjusted.get(line.field, 0) + line.amount
    columns = zip(*(member.figures for member in rollup.members), strict=True)
    for index, (path, own) in enumerate(zip(rollup.fields, columns, strict=True)):
        number = sheet.row + 1
        values: list[Value] = [
            pack.fields.place(path),
            rollup.figures[path],
            rollup.sums[index],
            adjusted.get(path),
        ]
        formulas = {1: f"C{number}+D{number}", 2: f"SUM({start}{number}:{end}{number})"}
        if rollup.compared is not None:
            theirs = rollup.compared.value(path)
            known = isinstance(theirs, int | Decimal) and not isinstance(theirs, bool)
            gap = (rollup.figures[path] or 0) - theirs if known else None  # type: ignore[operator]
            # 677.5598 less itself would be 0.0000.
            values += [theirs if known else None, gap or (0 if known else None)]
            formulas |= {5: f"B{number}-E{number}"} if known else {}
        marked = {1: "total", **({5: "fail"} if compared and values[5] else {})}
        sheet.append(Row((*values, *own), marked, {}, formulas))
    sheet.end_of_data()
    sheet.faint_zeros(len(first))


def _problems(book: Book, rollup: Rollup, pack: Pack) -> None:
    words = Words(pack)
    columns = (
        Column("序号", 6, "center"),
        Column("级别", 8, "center"),
        Column("位置", 26),
        Column("说明", 70),
        Column("怎样处理", 40),
        Column("来源", 30),
        Column("规则", 18, "center"),
    )
    table = Table(book, PROBLEMS, columns)
    for number, finding in enumerate(sorted(rollup.findings, key=order), 1):
        level = WAIVED if finding.waiver else LEVELS[finding.severity]
        values = (
            number,
            level,
            words.place(finding) if finding.field != "agency" else "",
            words.message(finding),
            words.advice(finding),
            source_words(finding.where, "\n"),
            finding.rule,
        )
        table.append(Row(values, {1: "info" if finding.waiver else finding.severity}))
    if not rollup.findings:
        table.append(Row((None, "通过", "", "没有发现问题", "", "", ""), {1: "pass"}))
    table.sheet.end_of_data()


def _members(book: Book, rollup: Rollup, pack: Pack, policy: Policy) -> None:
    columns = (
        Column("序号", 6, "center"),
        Column("单位", 34),
        Column("类别", 12, "center"),
        Column("口径", 12, "center"),
        Column("计入", 8, "center"),
        Column("说明", 44),
        Column("来源", 34),
        Column("数据摘要", 16, "center"),
    )
    table = Table(book, MEMBERS, columns, frozen=2)
    for row in (*_counted(rollup, pack, policy), *_left_out(rollup)):
        table.append(
            Row((table.sheet.row, *row), {4: {"是": "pass", "否": "center"}.get(str(row[3]), "fail")})
        )
    table.sheet.end_of_data()


def _counted(rollup: Rollup, pack: Pack, policy: Policy) -> Iterator[tuple[Value, ...]]:
    scopes = {kind.value: kind for kind in policy.scopes}
    for member in rollup.members:
        kind = scopes.get(str(member.said.get(policy.scope)))
        scope = policy.scope_words(kind, member.agency) if kind else ""
        category = category_words(member.said.get(policy.category), pack, policy)
        yield (
            member.agency,
            category,
            scope,
            "是",
            _state(member),
            file_of(member.source),
            member.digest[:12],
        )


def _state(member: Member) -> str:
    if member.errors:
        return f"{_FAILED}（{member.errors}个错误）：{member.trouble}"
    return f"有{member.waived}处情况说明" if member.waived else ""


def _left_out(rollup: Rollup) -> Iterator[tuple[Value, ...]]:
    for each in rollup.excluded:
        yield (each.agency, "", "", "否", each.reason, "" if each.reported else "没有报告", "")
    for agency in rollup.missing:
        yield (agency, "", "", "缺", "名录中有，没有收到报告", "", "")


def _scope(book: Book, rollup: Rollup, pack: Pack, notes: Sequence[tuple[str, str]]) -> None:
    table = Table(book, SCOPES, SCOPE_COLUMNS)
    made = [
        ("口径说明", rollup.statement),
        ("公布数", "成员合计＋调整，逐格相加；文字不相加，各单位的文字见附录"),
        *([("草稿", rollup.draft)] if rollup.draft else []),
        *notes,
        ("报表包", f"{pack.id}\nSHA-256 {pack.digest[:32]}\n{pack.digest[32:]}"),
        ("程序", f"nianbao {__version__}"),
    ]
    for matter, text in made:
        table.append(scope_row("", matter, "", text))
    for row in adjustment_rows(rollup.adjustments, pack):
        table.append(row)
    table.sheet.end_of_data()


def _carried(book: Book, rollup: Rollup, pack: Pack) -> None:
    columns = (Column("栏目", 34), Column("单位", 40), Column("相差", 12, "number"))
    table = Table(book, CARRIED, columns)
    for each in rollup.carried:
        place = pack.fields.place(each.field)
        table.append(Row((place, "全口径与上年公布的全口径数", each.gap), {2: "fail"}))
        for agency, gap in each.members:
            table.append(Row((place, agency, gap)))
        if each.rest:
            reason = "其他：上年有、本年没有的单位，上年或本年的调整"
            table.append(Row((place, reason, each.rest)))
    table.sheet.end_of_data()


def _against(book: Book, rollup: Rollup, pack: Pack) -> None:
    columns = (
        Column("栏目", 34),
        Column("汇总数", 10, "number"),
        Column("已公布的数", 11, "number"),
        Column("差", 10, "number"),
        Column("差额恰好是谁的数", 34),
        Column("各单位的数", 70),
    )
    table = Table(book, AGAINST, columns)
    for each in rollup.differences:
        named = "、".join(f"{who} {value_words(value)}" for who, value in each.by[:_NAMED])
        more = f"等{len(each.by)}家" if len(each.by) > _NAMED else ""
        values = (
            pack.fields.place(each.field),
            each.ours,
            each.theirs,
            each.gap,
            "、".join(each.exactly),
            visible(named + more),
        )
        table.append(Row(values, {3: "fail"}))
    if not rollup.differences:
        table.append(Row(("各栏", None, None, None, "", "与公布的报告逐格相同")))
    table.sheet.end_of_data()


def _changes(book: Book, rollup: Rollup, pack: Pack) -> None:
    columns = (
        Column("栏目", 34),
        Column("上次的数", 12, "number"),
        Column("这次的数", 12, "number"),
        Column("哪些单位的改动", 70),
    )
    table = Table(book, CHANGED, columns)
    for change in rollup.changes.fields:
        by = "、".join(f"{who}{value:+}" for who, value in change.by[:_NAMED])
        more = f"等{len(change.by)}家" if len(change.by) > _NAMED else ""
        table.append(Row((pack.fields.place(change.field), change.before, change.after, visible(by + more))))
    table.sheet.end_of_data()
    table.sheet.remark(rollup.changes.sentence(pack))
