"""台账.xlsx: the ledger that an office prints, filters and fills in.

What it fills in has a yellow ground: 采用稿, 指定单位, 审签人 and 审签日期 are read again by the next run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nianbao import __version__
from nianbao.ledger.fingerprint import grouped, short
from nianbao.ledger.lines import DONE, STATUSES, Ledger, Line
from nianbao.ledger.signing import SignOff, listed
from nianbao.outputs.results.sheets import Book, Column, Extra, Row, write_extra
from nianbao.pack import Pack

LINES, STRAYS, SIGNING, PUBLISHED, NOTES = "台账", "未对应", "审签", "发布", "说明"
_LOOKS = {
    "missing": "fail", "received": "warn", "returned": "fail", "explain": "warn",
    "passed": "pass", "signed": "pass", "published": "pass",
}  # fmt: skip
_LINE_COLUMNS = (
    Column("序号", 5, "center"),
    Column("单位", 20),
    Column("类别", 8, "center"),
    Column("报送期限", 11, "center"),
    Column("状态", 8, "center"),
    Column("剩余天数", 6, "number"),
    Column("来源文件", 30),
    Column("采用稿", 16, "asked"),
    Column("首次收到", 11, "center"),
    Column("错误", 6, "number"),
    Column("警告", 6, "number"),
    Column("本轮变化", 14),
    Column("指纹", 12, "center"),
    Column("备注", 36),
    Column("联系人、电话", 18),
    Column("代码", 20),
)
_STATUS = 4
_STRAY_COLUMNS = (
    Column("序号", 5, "center"),
    Column("文件", 36),
    Column("报告里的单位名称", 24),
    Column("年度", 7, "center"),
    Column("指定单位", 20, "asked"),
    Column("首次收到", 11, "center"),
    Column("说明", 60),
)
_SIGN_COLUMNS = (
    Column("单位", 22),
    Column("指纹", 24, "center"),
    Column("审签人", 12, "asked"),
    Column("审签日期", 12, "asked"),
    Column("情况", 60),
)
_PUBLISHED_COLUMNS = (
    Column("单位", 22),
    Column("文件", 30),
    Column("比对的依据", 20),
    Column("结果", 10, "center"),
    Column("不同之处", 70),
)
_LEGEND = (
    ("状态“未报”", "没有收到报告"),
    ("状态“已报”", "收到几份不同的报告，还没有指定采用稿"),
    ("状态“退回”", "有错误，应改正后重新报送"),
    ("状态“待说明”", "没有错误，有警告：应改正，或在检查结果.xlsx的“情况说明”里说明并由负责人确认"),
    ("状态“通过”", "没有错误，警告都已说明；“审签单”文件夹里有它的审签单"),
    ("状态“已审签”", "审签人已在“审签”一表登记，此后数据没有改动"),
    ("状态“已发布”", "已审签，公开的网页、Word、PDF读回来与审签数据一致"),
    ("黄色的格", "由人填写，重新收报时会读回来：采用稿（文件名）、指定单位、审签人、审签日期"),
    ("本文件", "每次收报重新生成；除黄色的格以外，改动不会保留"),
)


def write_ledger(path: Path, ledger: Ledger, pack: Pack, signoffs: Sequence[SignOff], roster: str) -> None:
    """Write the ledger; `signoffs` are all signatures so far, `roster` names the file. Raises OutputError."""
    with Book(pack.title, path, "收报台账") as book:
        write_extra(book, Extra(LINES, _LINE_COLUMNS, _lines(ledger, pack), 2, ledger.counted()))
        none = "" if ledger.strays else "没有未对应的文件"
        write_extra(book, Extra(STRAYS, _STRAY_COLUMNS, _strays(ledger), 1, none))
        write_extra(book, Extra(SIGNING, _SIGN_COLUMNS, _signing(ledger, signoffs)))
        seen = any(line.publications for line in ledger.lines)
        none = "" if seen else "没有公开后的文件；公开后放进“发布”文件夹，再运行一次，就与审签数据比对"
        write_extra(book, Extra(PUBLISHED, _PUBLISHED_COLUMNS, _published(ledger), 1, none))
        notes = (
            ("年度", str(ledger.year)),
            ("报表包", pack.id),
            ("名录", roster),
            ("统计日期", ledger.today.isoformat()),
            ("轮次", f"第{ledger.round}轮"),
            ("结果", ledger.counted()),
            *ledger.notes,
            ("程序", f"nianbao {__version__}"),
            *_LEGEND,
        )
        columns = (Column("项目", 18, "heading"), Column("内容", 100))
        write_extra(book, Extra(NOTES, columns, (Row(note) for note in notes)))
        book.save()


def category_words(line: Line, pack: Pack) -> str:
    """Return the category of an agency in words."""
    field = pack.fields.find(str(pack.meta.get("category", "")))
    return dict(field.choices).get(line.member.category, line.member.category) if field else ""


def _lines(ledger: Ledger, pack: Pack) -> Iterator[Row]:
    for number, line in enumerate(ledger.lines, 1):
        adopted = line.adopted
        states = list(filter(None, line.progress.states)) if line.progress else []
        fixed = len(line.progress.fixed) if line.progress else 0
        changed = [f"{word}{states.count(word)}" for word in dict.fromkeys(states)]
        changed += [f"已改{fixed}"] if fixed else []
        values = (
            number,
            line.member.name,
            category_words(line, pack),
            line.member.due.isoformat(),
            STATUSES[line.status],
            None if line.drafts else line.days_left(ledger.today),
            "\n".join(draft.file for draft in line.drafts),
            line.designated or None,
            line.first.isoformat() if line.first else None,
            adopted.result.errors if adopted else None,
            adopted.result.warnings if adopted else None,
            "，".join(changed),
            short(adopted.fingerprint) if adopted else None,
            "\n".join(remark.message.removeprefix(f"{line.member.name}：") for remark in line.remarks),
            line.member.contact,
            line.member.code,
        )
        yield Row(values, {_STATUS: _LOOKS[line.status]})


def _strays(ledger: Ledger) -> Iterator[Row]:
    for number, stray in enumerate(ledger.strays, 1):
        first = stray.first.isoformat() if stray.first else None
        said = (stray.assigned or None, first, stray.remark.message)
        yield Row((number, stray.file, stray.agency, stray.year, *said))


def _signing(ledger: Ledger, signoffs: Sequence[SignOff]) -> Iterator[Row]:
    """Yield what has been signed, and below it a line to be signed for every report that may be."""
    adopted = {line.member.name: line for line in ledger.lines}
    signed = set()
    for signoff in signoffs:
        line = adopted.get(signoff.agency)
        current = line.adopted.fingerprint if line and line.adopted else ""
        valid = current.startswith(signoff.fingerprint) if current else False
        signed.add((signoff.agency, signoff.fingerprint))
        said = "数据没有改动" if valid else "此后数据有改动，或没有报告，不再有效"
        yield Row((signoff.agency, grouped(signoff.fingerprint), signoff.by, signoff.date or None, said))
    for line in ledger.lines:
        if line.adopted is None or line.status not in DONE:
            continue
        key = line.adopted.fingerprint[:16]
        if (line.member.name, key) not in signed:
            yield Row(
                (
                    line.member.name,
                    short(line.adopted.fingerprint),
                    None,
                    None,
                    "待审签：签好后填审签人和日期",
                )
            )


def _published(ledger: Ledger) -> Iterator[Row]:
    for line in ledger.lines:
        for each in line.publications:
            result = (
                "未比对"
                if not each.against
                else f"{len(each.differences)}处不同"
                if each.differences
                else "一致"
            )
            look = "warn" if not each.against else "fail" if each.differences else "pass"
            yield Row(
                (line.member.name, each.file, each.against, result, listed(list(each.differences))), {3: look}
            )
