"""Collecting: whose a report is, where an agency stands, rounds, notices, signatures, what was published."""

from __future__ import annotations

import copy
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from conftest import EXAMPLES, consistent_report
from nianbao import OutputError, TemplateError, build, render, render_html
from nianbao.cli import main
from nianbao.collecting import Collected, collect
from nianbao.errors import InputError
from nianbao.fields import place_value
from nianbao.ledger.assigning import Roll
from nianbao.ledger.fingerprint import fingerprint, short
from nianbao.ledger.lines import STATUSES
from nianbao.ledger.members import Member, deadline, read_date
from nianbao.ledger.statuses import reminder
from nianbao.outputs.forms import write_form
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from nianbao.report import Report

FOLDER = EXAMPLES / "collect"
FIRST, LATER = date(2024, 1, 28), date(2024, 2, 1)


def statuses(collected: Collected) -> dict[str, str]:
    return {line.member.name: STATUSES[line.status] for line in collected.ledger.lines}


def messages(collected: Collected) -> str:
    return "\n".join(remark.message for remark in collected.ledger.remarks)


def sheet(path: Path, name: str) -> list[dict[str, Any]]:
    rows = list(load_workbook(path)[name].iter_rows(values_only=True))
    head = [str(title) for title in rows[0]]
    return [dict(zip(head, row, strict=True)) for row in rows[1:]]


def fill_in(path: Path, name: str, key: str, values: Mapping[str, str]) -> None:
    """Write into the row of a workbook whose first or second cell is `key`."""
    book = load_workbook(path)
    head = [cell.value for cell in book[name][1]]
    row = next(row for row in book[name].iter_rows(min_row=2) if key in (row[0].value, row[1].value))
    for title, value in values.items():
        row[head.index(title)].value = value
    book.save(path)


def roster(
    path: Path, *rows: tuple[str, ...], headings: tuple[str, ...] = ("单位名称", "代码", "类别")
) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in (headings, *rows):
        book.active.append(row)
    book.save(path)
    return path


def put(folder: Path, name: str, data: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def first(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """The example's first round."""
    folder = tmp_path_factory.mktemp("first")
    return collect(
        FOLDER / "roster.xlsx",
        FOLDER / "received",
        folder / "ws",
        pack,
        today=FIRST,
        notices=folder / "notices",
        office="清河区公开办",
    )


@pytest.fixture(scope="module")
def second(pack: Pack, first: Collected, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """The example's second round."""
    folder, before = tmp_path_factory.mktemp("second"), first.workbook.parent
    inbox = FOLDER / "corrected"
    return collect(FOLDER / "roster.xlsx", inbox, folder / "ws", pack, today=LATER, since=before)


def test_the_example_shows_where_every_agency_stands(first: Collected) -> None:
    assert statuses(first) == {
        "清河区人民政府": "通过",
        "清河区教育局": "已报",
        "清河区民政局": "未报",
        "清河区财政局": "退回",
        "清河区数据局": "通过",
        "东街街道办事处": "通过",
        "清河区税务局": "待说明",
        "柳林镇人民政府": "未报",
    }
    said = messages(first)
    assert "清河区民政局：未报送，距1月31日还有3天" in said
    assert (
        "“年报终稿2.json”未对应名录单位，请指定（报告里的单位名称是“柳林镇”，可能是柳林镇人民政府）" in said
    )
    assert "同一单位收到2份，未指定采用稿：教育局填报表.xlsx、教育局填报表（改）.xlsx" in said
    assert "年报终稿.docx用的名称是“清河区大数据管理局”，现名是清河区数据局" in said
    assert "dongjie.xlsx写的单位名称是“东街办”，按代码认作东街街道办事处，请核对" in said
    assert not first.ok


def test_the_workspace_holds_ledger_results_figures_and_sheets_to_be_signed(first: Collected) -> None:
    folder = first.workbook.parent
    assert sorted(path.stem for path in (folder / "数据").iterdir()) == sorted(
        ["清河区人民政府", "清河区财政局", "清河区数据局", "东街街道办事处", "清河区税务局"]
    )
    assert {path.name for path in first.signoffs} == {
        f"{name}2023年审签单.docx" for name in ("清河区人民政府", "清河区数据局", "东街街道办事处")
    }
    index = json.loads((folder / "索引.json").read_text(encoding="utf-8"))
    assert index["counts"]["未报"] == 2
    assert {a["agency"]: a["status"] for a in index["agencies"]} == statuses(first)


def test_the_ledger_and_the_results_list_who_is_missing(first: Collected) -> None:
    lines = {row["单位"]: row for row in sheet(first.workbook, "台账") if row["单位"]}
    assert lines["清河区民政局"]["剩余天数"] == 3
    assert lines["清河区人民政府"]["报送期限"] == "2024-03-31"
    assert lines["清河区财政局"]["错误"] == 2
    missing = {row["单位"]: row["状态"] for row in sheet(first.results, "未报送与超期") if row["单位"]}
    assert missing == {"清河区教育局": "已报", "清河区民政局": "未报", "柳林镇人民政府": "未报"}
    names = load_workbook(first.results).sheetnames
    assert [n for n in names if n in ("未报送与超期", "上下年衔接", "口径与调整")] == [
        "未报送与超期",
        "上下年衔接",
        "口径与调整",
    ]


def test_a_notice_says_where_what_what_should_hold_and_by_when(first: Collected) -> None:
    path = next(p for p in first.notices if p.name.startswith("清河区财政局"))
    document = Document(str(path))
    cells = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert cells[0] == ["序号", "级别", "位置", "填报值", "问题和应满足的关系", "请核对"]
    assert len(cells) == 3
    assert cells[1][2:4] == ["表三·一、本年新收·总计", "42"]
    assert "各类申请人之和＝总计" in cells[1][4]
    assert "核对" in cells[1][5]
    text = "\n".join(p.text for p in document.paragraphs)
    assert "请在2024年1月31日前办理。" in text
    assert "清河区公开办" in text
    mail = path.with_suffix(".txt").read_text(encoding="utf-8-sig")
    assert mail.startswith("收件人：cz@example.org 李四 000-0004\n主题：清河区财政局2023年")
    assert "【错误】表三·一、本年新收·总计：填报42，应为43" in mail


def test_a_notice_says_what_stands_there_also_where_that_is_a_text(first: Collected) -> None:
    path = next(p for p in first.notices if p.name.startswith("清河区税务局"))
    rows = [[cell.text for cell in row.cells] for row in Document(str(path)).tables[0].rows]
    assert rows[1][1:4] == ["警告", "五、存在的主要问题及改进情况", "人手不足，业务培训不够。"]


def test_a_reminder_is_sent_to_who_has_not_reported(first: Collected) -> None:
    path = next(p for p in first.notices if p.name.startswith("清河区民政局"))
    document = Document(str(path))
    assert document.tables == []
    assert "清河区民政局：未报送，距1月31日还有3天。" in [p.text for p in document.paragraphs]


def test_the_second_round_says_what_was_mended_and_what_changed(second: Collected) -> None:
    assert statuses(second)["清河区财政局"] == "通过"
    assert second.ledger.done == 7
    assert second.ledger.states() == {"新增": 0, "未改": 1, "已改": 2}
    assert second.ledger.counted().endswith("第2轮，与上一轮相比：新增0个，未改1个，已改2个")
    changes = [r for r in sheet(second.results, "轮次变化") if r["单位"] == "清河区财政局"]
    assert ("已改", "表三·一、本年新收·总计") in {(r["变化"], r["位置"]) for r in changes}
    moved = {r["位置"]: r["内容"] for r in changes if r["变化"] == "改动数据"}
    assert moved["表三·一、本年新收·总计"] == "42→44"
    assert moved["表三·四、结转下年度·商业企业"] == "3→4"
    rounds = [(r["单位"], r["轮次"]) for r in sheet(second.results, "问题清单")]
    assert rounds == [("清河区税务局", "未改")]


def test_without_an_earlier_round_nothing_is_said_of_rounds(first: Collected) -> None:
    assert "轮次" not in sheet(first.results, "问题清单")[0]
    assert "轮次变化" not in load_workbook(first.results).sheetnames


def test_a_workbook_of_results_alone_is_an_earlier_round(
    pack: Pack, first: Collected, tmp_path: Path
) -> None:
    shutil.copy(first.results, tmp_path / "第一轮.xlsx")
    before, inbox = tmp_path / "第一轮.xlsx", FOLDER / "corrected"
    done = collect(FOLDER / "roster.xlsx", inbox, tmp_path / "ws", pack, today=LATER, since=before)
    assert done.ledger.states() == {"新增": 0, "未改": 1, "已改": 2}


class Office:
    """A small collection in a folder, to be run again and again."""

    def __init__(self, folder: Path, pack: Pack) -> None:
        self.folder, self.pack = folder, pack
        self.roster = roster(folder / "名录.xlsx", ("甲区民政局", "A1", "部门"), ("甲区财政局", "A2", "部门"))
        self.data = consistent_report(pack, 3, agency="甲区民政局")
        self.inbox, self.workspace = folder / "收到", folder / "台账"
        self.put(self.data)

    def put(self, data: dict[str, Any], name: str = "民政.json") -> None:
        put(self.inbox, name, data)

    def run(self, **request: Any) -> Collected:
        request = {"today": FIRST, **request}
        return collect(self.roster, self.inbox, self.workspace, self.pack, **request)

    def sign(self) -> None:
        values = {"审签人": "王局长", "审签日期": "2024-01-29"}
        fill_in(self.workspace / "台账.xlsx", "审签", "甲区民政局", values)

    def changed(self, field: str, by: int) -> dict[str, Any]:
        """Return the report with one more of some figures, still consistent."""
        data = copy.deepcopy(self.data)
        for row in ("new", "carried_out"):
            for who in (field, "total"):
                data["requests"][row][who] += by
        return data


@pytest.fixture
def office(tmp_path: Path, pack: Pack) -> Office:
    return Office(tmp_path, pack)


def test_a_signature_holds_until_a_value_changes_and_then_names_it(office: Office) -> None:
    assert statuses(office.run())["甲区民政局"] == "通过"
    office.sign()
    assert statuses(office.run())["甲区民政局"] == "已审签"
    before = office.data["requests"]["new"]["business"]
    office.put(office.changed("business", 1))
    changed = office.run()
    assert statuses(changed)["甲区民政局"] == "通过"
    assert f"审签后有改动：表三·一、本年新收·商业企业 {before}→{before + 1}" in messages(changed)
    # Who takes the change back has signed what is there.
    office.put(office.data)
    assert statuses(office.run())["甲区民政局"] == "已审签"


def test_both_signatures_are_kept_when_a_report_is_signed_again(office: Office) -> None:
    office.run()
    office.sign()
    office.put(office.changed("business", 1))
    office.run()
    rows = sheet(office.workspace / "台账.xlsx", "审签")
    assert [row["审签人"] for row in rows] == ["王局长", None]
    book = load_workbook(office.workspace / "台账.xlsx")
    book["审签"]["C3"] = "王局长"
    book.save(office.workspace / "台账.xlsx")
    assert statuses(office.run())["甲区民政局"] == "已审签"
    assert [r["审签人"] for r in sheet(office.workspace / "台账.xlsx", "审签")] == ["王局长", "王局长"]


def test_a_sign_off_sheet_bears_the_fingerprint_of_the_figures(office: Office, pack: Pack) -> None:
    done = office.run()
    document = Document(str(done.signoffs[0]))
    cells = {row.cells[0].text: row.cells[1].text for row in document.tables[0].rows}
    assert cells["数据指纹"] == short(fingerprint(report_from_data(office.data, pack)))
    assert cells["单位"] == "甲区民政局"


def test_signed_figures_that_somebody_edits_are_no_ground(office: Office) -> None:
    office.run()
    office.sign()
    path = next((office.workspace / "审签单" / "审签数据").iterdir())
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["report"]["requests"]["new"]["total"] += 1
    path.write_text(json.dumps(kept), encoding="utf-8")
    done = office.run()
    assert f"审签数据{path.name}被人改动过，与指纹不符，不能作为依据" in messages(done)
    assert statuses(done)["甲区民政局"] == "通过"


def printed(report: Report, pack: Pack, folder: Path) -> bytes:
    """Return a report as the PDF that LibreOffice makes of it."""
    build([report], folder, pack, formats=("pdf",))
    return next(folder.glob("*.pdf")).read_bytes()


@pytest.mark.parametrize("kind", ["docx", "html", pytest.param("pdf", marks=pytest.mark.slow)])
def test_what_was_published_is_read_back_and_compared_with_what_was_signed(
    office: Office, pack: Pack, kind: str
) -> None:
    office.run()
    office.sign()
    make: Mapping[str, Callable[[Report], bytes]] = {
        "docx": lambda report: render(report, pack),
        "html": lambda report: render_html(report, pack).encode(),
        "pdf": lambda report: printed(report, pack, office.folder / "pdf"),
    }
    published = office.workspace / "发布"
    published.mkdir()
    page = published / f"年报.{kind}"
    page.write_bytes(make[kind](report_from_data(office.data, pack)))
    assert statuses(office.run())["甲区民政局"] == "已发布"
    page.write_bytes(make[kind](report_from_data(office.changed("business", 1), pack)))
    done = office.run()
    assert statuses(done)["甲区民政局"] == "已审签"
    before = office.data["requests"]["new"]["total"]
    said = f"公开的“年报.{kind}”与审签数据不符"
    assert said in messages(done)
    assert f"表三·一、本年新收·总计 {before}→{before + 1}" in messages(done)
    assert [r["结果"] for r in sheet(done.workbook, "发布")] == ["4处不同"]


def test_what_was_published_unsigned_is_said(office: Office, pack: Pack, tmp_path: Path) -> None:
    page = tmp_path / "a.docx"
    page.write_bytes(render(report_from_data(office.data, pack), pack))
    done = office.run(published=(str(page),))
    assert "甲区民政局：已公开“a.docx”，但没有审签记录" in messages(done)
    assert statuses(done)["甲区民政局"] == "通过"


def test_the_office_says_in_the_ledger_which_draft_counts_and_whose_a_file_is(office: Office) -> None:
    office.put(office.changed("business", 1), "民政（改）.json")
    office.put(consistent_report(office.pack, 5, agency="财政所"), "未知.json")
    assert statuses(office.run()) == {"甲区民政局": "已报", "甲区财政局": "未报"}
    ledger = office.workspace / "台账.xlsx"
    fill_in(ledger, "台账", "甲区民政局", {"采用稿": "民政（改）.json"})
    fill_in(ledger, "未对应", "未知.json", {"指定单位": "甲区财政局"})
    for _ in range(2):
        # The next run still knows.
        assert statuses(office.run()) == {"甲区民政局": "通过", "甲区财政局": "通过"}
    fill_in(ledger, "台账", "甲区民政局", {"采用稿": "没有.json"})
    done = office.run()
    assert "台账里指定的采用稿“没有.json”不在收到的文件里" in messages(done)
    assert statuses(done)["甲区民政局"] == "已报"


def test_two_equal_reports_are_one(office: Office, pack: Pack) -> None:
    write_form(pack, office.inbox / "b.xlsx", report=report_from_data(office.data, pack))
    done = office.run()
    assert statuses(done)["甲区民政局"] == "通过"
    assert "收到2份，内容相同，采用b.xlsx" in messages(done)


def test_explanations_filled_into_the_results_of_the_last_run_count(office: Office) -> None:
    data = {**office.data, "problems": "人手不足，业务培训不够。"}
    office.put(data)
    assert statuses(office.run())["甲区民政局"] == "待说明"
    values = {"理由": "确是如此", "确认人": "王局长", "日期": "2024-01-29"}
    fill_in(office.workspace / "检查结果.xlsx", "情况说明", "甲区民政局", values)
    done = office.run()
    assert statuses(done)["甲区民政局"] == "通过"
    row = sheet(done.results, "问题清单")[0]
    assert (row["级别"], row["单位的说明"], row["由谁确认"]) == ("已说明", "确是如此", "王局长 2024-01-29")
    # The list of findings is no form: reading it as waivers again changes nothing.
    assert statuses(office.run())["甲区民政局"] == "通过"


def test_last_years_figures_stand_beside_this_years(office: Office) -> None:
    last = consistent_report(office.pack, 3, agency="甲区民政局") | {"year": 2022}
    path = put(office.folder / "上年", "a.json", last)
    done = office.run(previous=str(path))
    found = {(r["位置"], r["结果"]) for r in sheet(done.results, "上下年衔接") if r["位置"]}
    carried = office.data["requests"]["carried_in"]["total"] == last["requests"]["carried_out"]["total"]
    assert ("表三·二、上年结转·总计", "相符" if carried else "不符") in found


def test_a_file_that_nobody_can_read_is_named_with_whose_it_may_be(office: Office) -> None:
    (office.inbox / "甲区财政局.xlsx").write_bytes(b"PK\x03\x04 broken")
    (office.inbox / "资料.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    done = office.run(notices=office.folder / "通知")
    assert "甲区财政局：有一个文件像是它的，但未能读取" in messages(done)
    said = "\n".join(p.text for p in Document(str(done.notices[0])).paragraphs)
    assert "收到的一个文件像是你单位的，但未能读取：甲区财政局.xlsx" in said
    assert [file for file, _ in done.ledger.unreadable] == ["甲区财政局.xlsx"]
    assert dict(done.ledger.notes)["没有读取的文件"].startswith("资料.zip")


def test_a_new_workspace_goes_on_with_what_was_filled_in_in_the_round_before(office: Office) -> None:
    office.run()
    office.sign()
    before, office.workspace = office.workspace, office.folder / "第二轮"
    done = office.run(since=before, today=LATER)
    assert statuses(done)["甲区民政局"] == "已审签"
    assert done.ledger.lines[0].first == FIRST
    shutil.rmtree(before)
    assert statuses(office.run(today=LATER))["甲区民政局"] == "已审签"


def test_last_years_report_beside_this_years_is_no_mistake(office: Office) -> None:
    office.put(office.data | {"year": 2022}, "民政2022.json")
    done = office.run()
    assert statuses(done)["甲区民政局"] == "通过"
    assert [(s.file, s.year, s.remark.severity) for s in done.ledger.strays] == [
        ("民政2022.json", 2022, "info")
    ]


def test_many_files_are_read_by_workers_as_by_one(office: Office) -> None:
    names = [f"甲区第{number}局" for number in range(40)]
    roster(office.roster, *((name, name, "部门") for name in names))
    (office.inbox / "民政.json").unlink()
    for number, name in enumerate(names):
        office.put(consistent_report(office.pack, number, agency=name), f"{number}.json")
    (office.inbox / "坏.json").write_text("{", encoding="utf-8")
    alone = office.run(jobs=1)
    first = office.workspace.rename(office.folder / "一个")
    together = office.run(jobs=2)
    assert set(statuses(alone).values()) == {"通过"}
    for name in ("台账.xlsx", "检查结果.xlsx", "索引.json"):
        assert (first / name).read_bytes() == (together.workbook.parent / name).read_bytes()


def test_the_example_is_what_its_script_makes(tmp_path: Path) -> None:
    runpy.run_path(str(FOLDER / "make.py"))["main"](tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {p.relative_to(FOLDER) for p in FOLDER.rglob("*") if p.is_file()} - {Path("make.py")}
    for path in made:
        assert (tmp_path / path).read_bytes() == (FOLDER / path).read_bytes(), path


def test_the_papers_are_what_their_script_draws(tmp_path: Path) -> None:
    script = EXAMPLES.parents[2] / "templates" / "cn-ogi" / "2021" / "draw_office.py"
    subprocess.run([sys.executable, "-B", str(script), str(tmp_path)], check=True, capture_output=True)
    for name in ("notice.docx", "signoff.docx"):
        assert (tmp_path / name).read_bytes() == (script.parent / name).read_bytes()


def test_the_first_day_of_a_report_is_remembered(office: Office) -> None:
    office.run()
    late = office.run(today=date(2024, 2, 20))
    assert late.ledger.lines[0].first == FIRST
    assert late.ledger.overdue == [late.ledger.lines[1]]
    assert "甲区财政局：未报送，已超期20天（期限1月31日）" in messages(late)


def test_notices_of_those_who_are_done_are_removed(office: Office) -> None:
    folder = office.folder / "通知"
    wrong = copy.deepcopy(office.data)
    wrong["requests"]["new"]["total"] += 1
    office.put(wrong)
    assert len(office.run(notices=folder).notices) == 2
    office.put(office.data)
    office.run(notices=folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "甲区财政局2023年更正通知.docx",
        "甲区财政局2023年更正通知.txt",
    ]


def test_an_office_may_use_its_own_notice(office: Office) -> None:
    own = Document()
    own.add_paragraph("{{ agency }}欠{{ year }}年的报告，{{ due }}")
    own.save(str(office.folder / "own.docx"))
    done = office.run(notices=office.folder / "通知", notice_template=office.folder / "own.docx")
    texts = [p.text for p in Document(str(done.notices[0])).paragraphs]
    assert texts == ["甲区财政局欠2023年的报告，2024年1月31日"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ requests.new.total }}", "用了没有的名称"),
        ("{{ agency.upper() }}", "不允许的写法"),
        ("｛｛ agency ｝｝", "全角括号"),
        ("{% for x in agency %}{{ x }}{% endfor %}", "循环只能用于列表"),
    ],
)
def test_an_own_notice_may_only_use_what_a_notice_knows(office: Office, text: str, message: str) -> None:
    own = Document()
    own.add_paragraph(text)
    own.save(str(office.folder / "own.docx"))
    with pytest.raises(TemplateError, match=message):
        office.run(notices=office.folder / "通知", notice_template=office.folder / "own.docx")


def test_a_roster_with_doubled_codes_is_refused(pack: Pack, tmp_path: Path) -> None:
    path = roster(tmp_path / "名录.xlsx", ("甲局", "A1", "部门"), ("乙局", "A1", "部门"))
    with pytest.raises(InputError, match="名录里代码重复：A1（甲局、乙局），请改正后重新运行"):
        collect(path, FOLDER / "received", tmp_path / "ws", pack, today=FIRST)


@pytest.mark.parametrize(
    ("row", "heading", "message"),
    [
        (("甲局", "A1", "局"), "类别", "名录第2行"),
        (("甲局", "A1", "2024-03-01"), "报送期限", "报送期限3月1日晚于法定的1月31日，只能提前"),
        (("甲局", "A1", "月底"), "报送期限", "报送期限“月底”不是日期"),
        (("甲局", "A1", "2023-01-20"), "报送期限", "报送期限2023-01-20在2023年结束之前，请核对年份"),
    ],
)
def test_a_roster_that_cannot_be_meant_is_refused(
    pack: Pack, tmp_path: Path, row: tuple[str, ...], heading: str, message: str
) -> None:
    path = roster(tmp_path / "名录.xlsx", row, headings=("单位名称", "代码", heading))
    with pytest.raises(InputError, match=message):
        collect(path, FOLDER / "received", tmp_path / "ws", pack, today=FIRST)


@pytest.mark.parametrize(
    ("due", "message"),
    [
        (date(2024, 4, 1), "提前的报送期限2024-04-01晚于法定的2024-01-31，只能提前"),
        (date(2023, 1, 20), "提前的报送期限2023-01-20在2023年结束之前，请核对年份"),
    ],
)
def test_a_deadline_that_nobody_can_have_is_refused(office: Office, due: date, message: str) -> None:
    with pytest.raises(InputError, match=message):
        office.run(due=due)


def test_a_folder_of_last_years_reports_is_refused(office: Office) -> None:
    with pytest.raises(InputError, match="里的报告都是2023年的，本次收的是2024年的"):
        office.run(today=date(2025, 1, 5))


def test_a_single_report_of_last_year_is_named(office: Office) -> None:
    old = consistent_report(office.pack, 9, agency="甲区财政局") | {"year": 2022}
    office.put(old, "财政.json")
    done = office.run()
    assert "甲区财政局：“财政.json”是2022年的报告，本次收的是2023年的，没有采用" in messages(done)
    assert statuses(done)["甲区财政局"] == "未报"


def test_two_workspaces_are_not_mixed(office: Office) -> None:
    office.run()
    office.put(office.data | {"year": 2024})
    with pytest.raises(OutputError, match=r"里是2023年的台账.*不能与本次的2024年收报混用"):
        office.run(year=2024)
    other = roster(office.folder / "他区.xlsx", ("乙区民政局", "B1", "部门"), ("乙区财政局", "B2", "部门"))
    with pytest.raises(OutputError, match="里是另一份名录的台账"):
        collect(other, office.inbox, office.workspace, office.pack, today=FIRST)


def test_a_folder_is_not_collected_into_itself(office: Office) -> None:
    with pytest.raises(InputError, match="不能是同一个"):
        collect(office.roster, office.inbox, office.inbox, office.pack, today=FIRST)


def test_workspaces_inside_the_folder_are_no_reports(office: Office) -> None:
    office.workspace = office.inbox / "第一轮"
    office.run(notices=office.inbox / "通知")
    before, office.workspace = office.workspace, office.inbox / "第二轮"
    done = office.run(since=before)
    assert [draft.file for draft in done.ledger.lines[0].drafts] == ["民政.json"]
    with pytest.raises(InputError, match="是收报的台账文件夹"):
        collect(office.roster, before, office.folder / "x", office.pack, today=FIRST)


def test_an_earlier_round_of_another_year_is_refused(office: Office) -> None:
    office.run()
    office.put(office.data | {"year": 2024})
    before, office.workspace = office.workspace, office.folder / "新"
    with pytest.raises(InputError, match="是2023年的收报，不能作为2024年的上一轮"):
        office.run(today=date(2025, 1, 5), since=before)


def test_agencies_that_cannot_have_files_of_their_names_do_not_overwrite_each_other(office: Office) -> None:
    names = ("甲区A/B局", "甲区A:B局")
    roster(office.roster, *((name, "", "部门") for name in names))
    for number, name in enumerate(names):
        office.put(office.data | {"agency": name}, f"{number}.json")
    office.run()
    kept = [json.loads(path.read_text("utf-8")) for path in (office.workspace / "数据").iterdir()]
    assert {data["agency"] for data in kept} == set(names)


def test_a_run_again_changes_no_file(office: Office) -> None:
    office.run()
    first = {p: p.read_bytes() for p in office.workspace.rglob("*") if p.is_file()}
    office.run()
    assert {p: p.read_bytes() for p in office.workspace.rglob("*") if p.is_file()} == first


def test_the_workspace_is_rebuilt_from_its_inputs(office: Office) -> None:
    office.run()
    first = {p: p.read_bytes() for p in office.workspace.rglob("*") if p.is_file()}
    (office.workspace / "索引.json").write_text("{", encoding="utf-8")
    shutil.rmtree(office.workspace / "数据")
    office.run()
    assert {p: p.read_bytes() for p in office.workspace.rglob("*") if p.is_file()} == first


MEMBER = Member("区民政局", date(2024, 1, 31))


@pytest.mark.parametrize(
    ("today", "said", "severity"),
    [
        ("2024-01-28", "区民政局：未报送，距1月31日还有3天", "warning"),
        ("2024-01-31", "区民政局：未报送，今天（1月31日）是最后一天", "warning"),
        ("2024-02-03", "区民政局：未报送，已超期3天（期限1月31日）", "error"),
    ],
)
def test_a_reminder_counts_the_days(today: str, said: str, severity: str) -> None:
    finding = reminder(MEMBER, date.fromisoformat(today))
    assert (finding.message, finding.severity) == (said, severity)


@pytest.mark.parametrize(
    ("category", "day"),
    [("department", "01-31"), ("government", "03-31"), ("township", "01-31"), ("", "01-31")],
)
def test_deadlines_are_those_of_the_pack(pack: Pack, category: str, day: str) -> None:
    assert deadline(pack, category, 2023) == date.fromisoformat(f"2024-{day}")


@pytest.mark.parametrize("text", ["2024-1-20", "2024年1月20日", "20240120", "1月20日", "2024/01/20"])
def test_a_day_may_be_written_in_many_ways(text: str) -> None:
    assert read_date(text, 2024) == date(2024, 1, 20)


ROLL = (
    Member("区民政局", date(2024, 1, 31), code="A1", formers=("区民政和社会组织管理局",)),
    Member("区财政局", date(2024, 1, 31), code="A2"),
    Member("区财政局东街分局", date(2024, 1, 31)),
)


@pytest.mark.parametrize(
    ("data", "index", "how"),
    [
        ({"agency": "区民政局"}, 0, "name"),
        ({"agency": " 区民政局 "}, 0, "name"),
        ({"agency": "区民政和社会组织管理局"}, 0, "former"),
        ({"agency": "民政办", "profile": {"code": "A1"}}, 0, "code"),
        ({"agency": "区民政局", "profile": {"code": "A2"}}, None, ""),
        ({"agency": "民政局"}, None, ""),
        ({"introduction": "区财政局东街分局2023年的工作"}, 2, "content"),
        ({"introduction": "区财政局和区民政局"}, None, ""),
        ({"agency": "别的局", "introduction": "报区民政局"}, None, ""),
    ],
)
def test_whose_a_report_is(pack: Pack, data: dict[str, Any], index: int | None, how: str) -> None:
    found = Roll(ROLL, pack).assign(Report(data))
    assert (found.member, found.how) == (index, how)


@given(st.data())
def test_a_fingerprint_changes_with_any_value(pack: Pack, data: st.DataObject) -> None:
    report = report_from_data(consistent_report(pack, 1), pack)
    path = data.draw(st.sampled_from(sorted(report.values)))
    old = report.value(path)
    changed = copy.deepcopy(dict(report.data))
    new = old + 1 if isinstance(old, int | Decimal) else f"{old}。"
    place_value(changed, path, new)
    assert fingerprint(Report(changed)) != fingerprint(report)


@settings(max_examples=25)
@given(st.randoms())
def test_a_fingerprint_changes_with_nothing_else(pack: Pack, random: Any) -> None:
    data = consistent_report(pack, 1)
    report = report_from_data(data, pack)

    def shuffled(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        keys = list(part)
        random.shuffle(keys)
        return {key: shuffled(part[key]) for key in keys}

    again = shuffled(data)
    again["disclosure"]["administrative_fees"]["amount"] += "00"
    again["notes"] = {}
    again["title"] = None
    assert fingerprint(report_from_data(again, pack)) == fingerprint(report)


def test_a_report_has_one_fingerprint_in_json_and_in_a_form(pack: Pack, tmp_path: Path) -> None:
    from nianbao import read

    report = report_from_data(consistent_report(pack, 4), pack)
    write_form(pack, tmp_path / "a.xlsx", report=report)
    assert [fingerprint(each) for each in read(tmp_path / "a.xlsx", pack)] == [fingerprint(report)]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--today", "2024-01-28"], 1, "清河区民政局：未报送，距1月31日还有3天"),
        (["--today", "2025-01-28"], 2, "里的报告都是2023年的，本次收的是2024年的"),
        (["--due", "下周"], 2, "--due 应为日期，如 2024-01-20，不是“下周”"),
        (["--today", "2024-01-18", "--due", "2024-01-20"], 1, "距1月20日还有2天"),
        (["--today", "2024-01-28", "--since", "."], 2, "不是上一轮的结果"),
        (["--blank-as-zero", ""], 2, "--blank-as-zero 后面要写理由"),
    ],
)
def test_the_command_ends_with_what_came_of_it(
    tmp_path: Path,
    arguments: list[str],
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(FOLDER / "roster.xlsx"), str(FOLDER / "received"), "-o", "ws", *arguments]
    monkeypatch.setattr(sys, "argv", ["nianbao", "collect", *given])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main()
    shown = capsys.readouterr()
    assert left.value.code == status
    assert said in (shown.err if status == 2 else shown.out)
    # One sentence for a mistake.
    assert status != 2 or len(shown.err.strip().splitlines()) == 1


# ---- folders, rosters and rounds that are not what they should be ----


def test_notices_are_not_written_among_the_reports(office: Office) -> None:
    with pytest.raises(InputError, match="更正通知不能写进收报的文件夹"):
        office.run(notices=office.inbox)
    assert {path.name for path in office.inbox.iterdir()} == {"民政.json"}


def test_the_workspace_may_be_the_folder_in_which_the_reports_lie(office: Office) -> None:
    office.workspace = office.folder
    assert statuses(office.run()) == {"甲区民政局": "通过", "甲区财政局": "未报"}
    assert statuses(office.run()) == {"甲区民政局": "通过", "甲区财政局": "未报"}


def test_an_earlier_round_of_another_roster_is_refused_as_such(office: Office, tmp_path: Path) -> None:
    office.run()
    earlier, office.workspace = office.workspace, tmp_path / "另一个"
    office.roster = roster(tmp_path / "另一份.xlsx", ("乙区民政局",), headings=("单位名称",))
    office.put(office.data | {"agency": "乙区民政局"})
    with pytest.raises(InputError, match="--since 请给出同一份名录上一轮的台账文件夹"):
        office.run(since=earlier)


def test_columns_of_a_roster_that_nobody_knows_are_told(office: Office) -> None:
    headings = ("单位名称", "机构类别", "是否计入汇总", "有无规章制定权", "数据口径", "办公电话机", "备注")
    office.roster = roster(
        office.folder / "名录.xlsx",
        ("甲区民政局", "部门", "否", "有", "本单位", "1", "无"),
        headings=headings,
    )
    done = office.run()
    assert [text for heading, text in done.ledger.notes if heading == "名录里没有用上的列"] == [
        "办公电话机（不认识的列名；应有的列名见说明文档）"
    ]
    said = done.ledger.lines[0].member.data["profile"]
    assert said == {"category": "department", "in_rollup": False, "rulemaking_power": True, "scope": "own"}


def test_what_the_roster_and_the_report_say_otherwise_is_listed(office: Office, tmp_path: Path) -> None:
    headings = ("单位名称", "计入汇总", "有规章制定权")
    office.roster = roster(office.folder / "名录.xlsx", ("甲区民政局", "是", "否"), headings=headings)
    office.put(office.data | {"profile": {"in_rollup": False, "rulemaking_power": False}})
    lines = "栏目,调整数,理由,批准人\n表四·行政复议·结果纠正,-1,共同被申请人只计一件,王主任\n"
    (tmp_path / "调整.csv").write_text(lines, encoding="utf-8")
    done = office.run(adjustments=tmp_path / "调整.csv")
    found = {(r["事项"], r["栏目"]): r for r in sheet(done.results, "口径与调整") if r["事项"]}
    assert found["不一致", "计入汇总"]["内容"] == "名录写“是”，报告写“否”，请核对"
    assert found["口径", "有规章制定权"]["内容"] == "否"
    row = found["调整", "表四·行政复议·结果纠正"]
    assert (row["数量"], row["理由"], row["批准人"]) == (-1, "共同被申请人只计一件", "王主任")


def test_an_agency_that_sent_last_years_report_is_told_so(office: Office) -> None:
    last = consistent_report(office.pack, 4, agency="甲区财政局") | {"year": 2022}
    office.put(last, "财政.json")
    done = office.run(notices=office.folder / "通知")
    said = "“财政.json”是2022年的报告，本次收的是2023年的，没有采用"
    assert messages(done).count(said) == 1
    line = next(line for line in done.ledger.lines if line.member.name == "甲区财政局")
    assert [remark.rule for remark in line.remarks] == ["NOT-RECEIVED", "OTHER-YEAR"]
    (notice,) = done.notices
    assert said in "\n".join(p.text for p in Document(str(notice)).paragraphs)


def test_a_notice_speaks_to_the_agency_and_not_of_the_ledger(first: Collected) -> None:
    path = next(p for p in first.notices if p.name.startswith("清河区教育局"))
    text = "\n".join(p.text for p in Document(str(path)).paragraphs)
    files = "教育局填报表.xlsx、教育局填报表（改）.xlsx"
    assert f"收到你单位2份不同的报告：{files}；请说明以哪一份为准" in text
    assert "台账" not in text


def test_what_only_follows_from_another_cell_has_no_value_that_it_should_be(first: Collected) -> None:
    path = next(p for p in first.notices if p.name.startswith("清河区财政局"))
    mail = path.with_suffix(".txt").read_text(encoding="utf-8-sig")
    assert "表三·一、本年新收·总计：填报42，应为43" in mail
    assert "表三·（七）总计·总计：填报39\n" in mail.replace("\r\n", "\n")


def test_notes_are_nothing_to_be_mended(office: Office) -> None:
    last = office.folder / "上年.json"
    other = office.data | {"year": 2022, "agency": "乙区民政局"}
    last.write_text(json.dumps([other], ensure_ascii=False), encoding="utf-8")
    office.run()
    done = office.run(since=office.workspace, previous=str(last))
    line = done.ledger.lines[0]
    assert line.adopted is not None
    assert line.progress is not None
    assert [f.rule for f in line.adopted.result.findings] == ["PREVIOUS-NONE"]
    assert line.progress.states == ("",)
    assert done.ledger.states() == {"新增": 0, "未改": 0, "已改": 0}


def test_a_report_that_was_assigned_follows_upon_last_years_of_the_roster(office: Office) -> None:
    stray = consistent_report(office.pack, 5, agency="财政")
    office.put(stray, "终稿2.json")
    last = office.folder / "上年.json"
    before = consistent_report(office.pack, 6, agency="甲区财政局") | {"year": 2022}
    last.write_text(json.dumps([before], ensure_ascii=False), encoding="utf-8")
    office.run(today=date(2024, 1, 31), previous=str(last))
    fill_in(office.workspace / "台账.xlsx", "未对应", "终稿2.json", {"指定单位": "甲区财政局"})
    done = office.run(today=date(2024, 2, 1), previous=str(last))
    line = next(line for line in done.ledger.lines if line.member.name == "甲区财政局")
    assert line.adopted is not None
    assert "PREVIOUS-NONE" not in {f.rule for f in line.adopted.result.findings}
    compared = [r for r in sheet(done.results, "上下年衔接") if r["单位"] == "甲区财政局"]
    assert "未核对" not in {r["结果"] for r in compared}
    # It was there in time; only whose it was nobody knew.
    assert line.first == date(2024, 1, 31)
    kept = json.loads((office.workspace / "数据" / "甲区财政局.json").read_text(encoding="utf-8"))
    assert (kept["agency"], kept["profile"]["category"]) == ("甲区财政局", "department")


# ---- signatures that do not hold ----


def test_edited_signed_figures_are_put_right_and_kept_apart(office: Office) -> None:
    office.run()
    office.sign()
    folder = office.workspace / "审签单" / "审签数据"
    (path,) = folder.iterdir()
    before = path.read_bytes()
    path.write_bytes(before.replace(b'"year": 2023', b'"year": 2032'))
    assert "不能作为依据；报送的数据与指纹一致，已据此恢复" in messages(office.run())
    assert path.read_bytes() == before
    assert (folder / "被改动" / path.name).is_file()
    assert statuses(office.run())["甲区民政局"] == "已审签"


def test_a_signed_report_that_is_gone_is_missed(office: Office) -> None:
    office.run()
    office.sign()
    (office.inbox / "民政.json").rename(office.folder / "民政.json")
    assert "甲区民政局：王局长已审签，收到的文件里却没有它的报告，请找回" in messages(office.run())


def test_what_is_signed_and_not_published_by_the_day_of_the_law_is_told(office: Office) -> None:
    office.run()
    office.sign()
    assert "公开期限已过" not in dict(office.run(today=date(2024, 1, 31)).ledger.notes)
    note = dict(office.run(today=date(2024, 2, 1)).ledger.notes)["公开期限已过"]
    assert note.startswith("甲区民政局已审签，还没有公开后的文件")
