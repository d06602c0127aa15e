"""The three tables of the statutory form as data: every label, merged cell and placeholder, said once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

SECTIONS = (
    "一、总体情况",
    "二、主动公开政府信息情况",
    "三、收到和处理政府信息公开申请情况",
    "四、政府信息公开行政复议、行政诉讼情况",
    "五、存在的主要问题及改进情况",
    "六、其他需要报告的事项",
)
OVERVIEW = ("proactive", "on_request", "management", "platform", "oversight")

Kind = Literal["head", "band", "name", "stub", "figure"]
Down = Literal["", "restart", "continue"]


@dataclass(frozen=True)
class Cell:
    """One cell as stored in its row; a line break in the text begins a paragraph."""

    text: str
    span: int = 1
    down: Down = ""
    kind: Kind = "head"


@dataclass(frozen=True)
class Table:
    """One statutory table: its key in `notes`, the rows of its head, all rows.

    The first `kept` rows share a page, and so do the last `tail` rows.
    """

    key: str
    columns: int
    head: int
    kept: int
    tail: int
    rows: tuple[tuple[Cell, ...], ...]


APPLICANTS = (
    ("natural_person", "自然人"),
    ("business", "商业\n企业"),
    ("research", "科研\n机构"),
    ("nonprofit", "社会\n公益\n组织"),
    ("legal_service", "法律\n服务\n机构"),
    ("other", "其他"),
    ("total", "总计"),
)
# The four outcomes that the form divides further: key, label, and the rows below it.
DIVIDED = {
    "refused": (
        "（三）\n不予公开",
        (
            ("state_secret", "1.属于国家秘密"),
            ("other_law", "2.其他法律行政法规禁止公开"),
            ("security_stability", "3.危及“三安全一稳定”"),
            ("third_party", "4.保护第三方合法权益"),
            ("internal_affairs", "5.属于三类内部事务信息"),
            ("process_information", "6.属于四类过程性信息"),
            ("enforcement_files", "7.属于行政执法案卷"),
            ("administrative_query", "8.属于行政查询事项"),
        ),
    ),
    "unavailable": (
        "（四）\n无法提供",
        (
            ("not_held", "1.本机关不掌握相关政府信息"),
            ("needs_creation", "2.没有现成信息需要另行制作"),
            ("unclear_after_correction", "3.补正后申请内容仍不明确"),
        ),
    ),
    "not_processed": (
        "（五）\n不予处理",
        (
            ("petition_complaint", "1.信访举报投诉类申请"),
            ("repeated", "2.重复申请"),
            ("publication", "3.要求提供公开出版物"),
            ("excessive", "4.无正当理由大量反复申请"),
            ("confirm_or_reissue", "5.要求行政机关确认或重新出具已获取信息"),
        ),
    ),
    "other": (
        "（六）\n其他处理",
        (
            ("correction_overdue", "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请"),
            ("fee_overdue", "2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请"),
            ("miscellaneous", "3.其他"),
        ),
    ),
}
DISPUTES = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
OUTCOMES = (
    ("upheld", "结果\n维持"),
    ("corrected", "结果\n纠正"),
    ("other", "其他\n结果"),
    ("pending", "尚未\n审结"),
    ("total", "总计"),
)


def _figure(path: str, span: int = 1) -> Cell:
    return Cell(f"{{{{ {path} }}}}", span, kind="figure")


def _decisions(article: str, head: str, *rows: tuple[str, str]) -> Iterator[tuple[Cell, ...]]:
    """One part of table two that has a single figure a row: article, head, and (label, field) rows."""
    yield (Cell(article, 4, kind="band"),)
    yield (Cell("信息内容"), Cell(head, 3))
    for label, path in rows:
        yield (Cell(label, kind="name"), _figure(f"disclosure.{path}", 3))


def _documents(label: str, key: str) -> tuple[Cell, ...]:
    parts = ("issued", "repealed", "in_force")
    return (Cell(label, kind="name"), *(_figure(f"disclosure.{key}.{part}") for part in parts))


def _disclosure() -> Iterator[tuple[Cell, ...]]:
    yield (Cell("第二十条第（一）项", 4, kind="band"),)
    yield tuple(map(Cell, ("信息内容", "本年制发件数", "本年废止件数", "现行有效件数")))
    yield _documents("规章", "government_rules")
    yield _documents("行政规范性文件", "normative_documents")
    yield from _decisions("第二十条第（五）项", "本年处理决定数量", ("行政许可", "licensing.decisions"))
    yield from _decisions(
        "第二十条第（六）项",
        "本年处理决定数量",
        ("行政处罚", "penalties.decisions"),
        ("行政强制", "coercion.decisions"),
    )
    yield from _decisions(
        "第二十条第（八）项", "本年收费金额（单位：万元）", ("行政事业性收费", "administrative_fees.amount")
    )


def _requests_head() -> Iterator[tuple[Cell, ...]]:
    relation = "（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）"
    natural, *organisations, total = (label for _, label in APPLICANTS)
    yield (Cell(relation, 3, "restart", "stub"), Cell("申请人情况", 7))
    yield (
        Cell("", 3, "continue"),
        Cell(natural, 1, "restart"),
        Cell("法人或其他组织", 5),
        Cell(total, 1, "restart"),
    )
    yield (
        Cell("", 3, "continue"),
        Cell("", 1, "continue"),
        *map(Cell, organisations),
        Cell("", 1, "continue"),
    )


def _figures(row: str) -> tuple[Cell, ...]:
    return tuple(_figure(f"requests.{row}.{key}") for key, _ in APPLICANTS)


def _results() -> Iterator[tuple[Cell, ...]]:
    """The rows of the third item without its own cell, which stands at their left."""
    yield (Cell("（一）予以公开", 2, kind="stub"), *_figures("results.granted"))
    partial = "（二）部分公开（区分处理的，只计这一情形，不计其他情形）"
    yield (Cell(partial, 2, kind="stub"), *_figures("results.partial"))
    for outcome, (label, reasons) in DIVIDED.items():
        group = Cell(label, 1, "restart", "name")
        for key, reason in reasons:
            yield (group, Cell(reason, kind="stub"), *_figures(f"results.{outcome}.{key}"))
            group = Cell("", 1, "continue", "name")
    yield (Cell("（七）总计", 2, kind="stub"), *_figures("results.total"))


def _requests() -> Iterator[tuple[Cell, ...]]:
    yield from _requests_head()
    yield (Cell("一、本年新收政府信息公开申请数量", 3, kind="stub"), *_figures("new"))
    yield (Cell("二、上年结转政府信息公开申请数量", 3, kind="stub"), *_figures("carried_in"))
    item = Cell("三、本\n年度办\n理结果", 1, "restart", "name")
    for row in _results():
        yield (item, *row)
        item = Cell("", 1, "continue", "name")
    yield (Cell("四、结转下年度继续办理", 3, kind="stub"), *_figures("carried_out"))


def _disputes() -> Iterator[tuple[Cell, ...]]:
    labels = tuple(label for _, label in OUTCOMES)
    yield (Cell("行政复议", 5), Cell("行政诉讼", 10))
    yield (
        *(Cell(label, 1, "restart") for label in labels),
        Cell("未经复议直接起诉", 5),
        Cell("复议后起诉", 5),
    )
    yield (*(Cell("", 1, "continue") for _ in labels), *map(Cell, labels), *map(Cell, labels))
    yield tuple(_figure(f"disputes.{kind}.{key}") for kind in DISPUTES for key, _ in OUTCOMES)


# Table two has heads within itself; only the rows above its first figures are the head of the table.
DISCLOSURE = Table("disclosure", 4, 2, 14, 2, tuple(_disclosure()))
# Table three fills a page. Its rows down to （五） are too tall to begin below table two, so it begins a page
# and is whole. The rows from （六） may flow: notes in cells can make it taller than a page, and LibreOffice
# leaves the heading of a table that must be whole, but cannot be, alone on a page.
REQUESTS = Table("requests", 10, 3, 23, 2, tuple(_requests()))
DISPUTE_OUTCOMES = Table("disputes", 15, 3, 4, 2, tuple(_disputes()))
