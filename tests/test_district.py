"""A year of a district's office: the example runs from its script, and every step is what it should be."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from docx import Document
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from conftest import EXAMPLES, ROOT
from nianbao import read
from nianbao.cli import main
from nianbao.fields import lookup
from nianbao.ledger.fingerprint import fingerprint, short
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data

FOLDER = EXAMPLES / "district"
WHOLE = "望河区人民政府"
EDUCATION, CIVIL, LAND = "望河区教育局", "望河区民政局", "望河区自然资源局"
LATE, STRAY, PERMITS = "望河区水务局", "望河区城市管理和综合执法局", "望河区行政审批局"


def module(name: str) -> ModuleType:
    """Return a script of the example."""
    spec = importlib.util.spec_from_file_location(f"district_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


agencies, fill = module("agencies"), module("fill")


@dataclass(frozen=True)
class Step:
    """A command of the script: what it said, its exit status, and the ledger that it left."""

    command: str
    said: str
    status: int
    index: dict[str, Any]

    @property
    def statuses(self) -> dict[str, str]:
        return {each["agency"]: each["status"] for each in self.index["agencies"]}

    def remarks(self, agency: str) -> list[str]:
        (line,) = (each for each in self.index["agencies"] if each["agency"] == agency)
        return [remark["message"] for remark in line["remarks"]]


def script() -> Iterator[str]:
    """Yield the commands of the script, in order."""
    for line in (FOLDER / "run.sh").read_text(encoding="utf-8").partition('cd "$1"\n')[2].splitlines():
        if line and not line.startswith(("#", "nianbao()")):
            yield line


def run(command: str) -> Step:
    """Run a command as the script has it, in the folder in which we are."""
    program, *words = shlex.split(command)
    if program == "cp":
        for file in Path(words[0]).parent.iterdir():
            shutil.copy(file, words[1])
        return Step(command, "", 0, {})
    if program == "python":
        return Step(command, str(fill.fill_in(Path(words[1]), Path(words[2]))), 0, {})
    assert program == "nianbao"
    if words[0] == "collect":
        # In this process alone: to start others takes longer than to read forty files.
        words += ["--jobs", "1"]
    said = io.StringIO()
    with (
        patch.object(sys, "argv", [program, *words]),
        redirect_stdout(said),
        redirect_stderr(said),
        pytest.raises(SystemExit) as left,
    ):
        main()
    index = Path(words[words.index("-o") + 1]) / "索引.json"
    ledger = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
    return Step(command, said.getvalue(), int(left.value.code or 0), ledger)


@dataclass(frozen=True)
class Story:
    """The whole script: its steps, and the folder in which it ran."""

    folder: Path
    steps: tuple[Step, ...]

    def of(self, program: str) -> list[Step]:
        return [step for step in self.steps if step.command.startswith(program)]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = Path(shutil.copytree(FOLDER, tmp_path_factory.mktemp("district") / "望河区"))
    with chdir(folder):
        # The forms take as long as the rest: they have a test of their own.
        return Story(folder, tuple(run(command) for command in script() if " form " not in command))


@pytest.fixture(scope="module")
def rounds(story: Story) -> list[Step]:
    """The five collections: three rounds, one after a late change, one with what was published."""
    found = story.of("nianbao collect")
    assert len(found) == 5
    return found


def rows(path: Path, sheet: str) -> list[dict[str, Any]]:
    cells = list(load_workbook(path, data_only=True)[sheet].iter_rows(values_only=True))
    return [dict(zip(map(str, cells[0]), row, strict=True)) for row in cells[1:]]


def all_but(status: str, **others: str) -> dict[str, str]:
    return {agency.name: status for agency in agencies.AGENCIES} | others


def notice(folder: Path, agency: str) -> tuple[str, list[list[str]]]:
    """Return the text of a notice, and the rows of its table."""
    document = Document(str(folder / f"{agency}2023年更正通知.docx"))
    tables = [[[cell.text for cell in row.cells] for row in table.rows[1:]] for table in document.tables]
    return "\n".join(p.text for p in document.paragraphs), [row for table in tables for row in table]


# ---- the script ----


def test_every_command_ends_as_it_should(story: Story) -> None:
    assert [step.status for step in story.steps if step.command.startswith("nianbao")] == [
        1,  # the first round: two wrong, one twice, one of nobody
        1,  # the second: one is late
        0,  # a draft
        0,  # all are done
        0,  # the roll-up
        0,  # changed after it was signed: a warning
        1,  # a page that differs
        0,
    ]


@pytest.mark.slow
def test_the_forms_begin_with_what_last_year_left(pack: Pack, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "望河区"))
    with chdir(folder):
        done = run(next(script()))
    assert done.said == "填报表40份，在填报表\n"
    forms = sorted((folder / "填报表").iterdir())
    assert len(forms) == 40
    last = {report.agency: report for report in read(FOLDER / "去年" / "各单位.xlsx", pack)}
    for name in (LAND, "望河区数据局"):
        (form,) = read(next(path for path in forms if path.name.startswith(name)), pack)
        before = last[agencies.FORMER if name == agencies.RENAMED else name]
        for who in ("natural_person", "business"):
            assert form.value(f"requests.carried_in.{who}") == before.value(f"requests.carried_out.{who}")


# ---- the first round ----


def test_the_first_round_says_where_everyone_stands(rounds: list[Step]) -> None:
    first = rounds[0]
    assert first.statuses == all_but(
        "通过",
        **{LATE: "未报", STRAY: "未报", EDUCATION: "已报", CIVIL: "退回", LAND: "退回", PERMITS: "待说明"},
    )
    assert first.index["counts"] == {
        "未报": 2, "已报": 1, "退回": 2, "待说明": 1, "通过": 34, "已审签": 0, "已发布": 0
    }  # fmt: skip
    assert "名录40家：未报2，已报1，退回2，待说明1，通过34；已完成34家" in first.said
    assert first.remarks(LATE) == [f"{LATE}：未报送，距1月20日还有5天"]
    assert first.remarks(EDUCATION)[0].startswith(
        f"{EDUCATION}：同一单位收到2份，未指定采用稿：教育局.xlsx、教育局（最终版）.xlsx"
    )
    assert first.remarks(agencies.RENAMED) == [
        "望河区数据局：年度报告.docx用的名称是“望河区大数据管理局”，现名是望河区数据局"
    ]
    assert [stray["message"] for stray in first.index["strays"]] == [
        "“年报终稿2.docx”未对应名录单位，请指定"
        "（报告里的单位名称是“城市管理和综合执法局”，可能是望河区城市管理和综合执法局）"
    ]


def test_the_ledger_says_the_same_as_its_index(story: Story, rounds: list[Step]) -> None:
    lines = {
        row["单位"]: row
        for row in rows(story.folder / "台账" / "第一轮" / "台账.xlsx", "台账")
        if row["单位"]
    }
    assert {name: row["状态"] for name, row in lines.items()} == rounds[0].statuses
    assert (lines[LAND]["错误"], lines[CIVIL]["错误"], lines[LATE]["剩余天数"]) == (2, 2, 5)
    assert lines[WHOLE]["报送期限"] == "2024-01-20"
    assert lines[CIVIL]["来源文件"] == "民政局年报.xlsx"


def test_notices_go_to_those_who_have_something_to_do_and_say_what(story: Story, rounds: list[Step]) -> None:
    folder = story.folder / "通知" / "第一轮"
    asked = {name for name, status in rounds[0].statuses.items() if status != "通过"}
    assert {path.name for path in folder.iterdir()} == {
        f"{name}2023年更正通知.{kind}" for name in asked for kind in ("docx", "txt")
    }
    text, findings = notice(folder, CIVIL)
    assert [row[2:4] for row in findings if row[1] == "错误"] == [
        ["表三·一、本年新收·总计", "11"],
        ["表三·（七）总计·总计", "12"],
    ]
    assert "各类申请人之和＝总计" in findings[0][4]
    assert "应为12（现为11）" in findings[0][5]
    assert "请在2024年1月20日前办理。" in text
    assert text.endswith("望河区政务公开办公室\n2024年1月15日")
    _, findings = notice(folder, LAND)
    assert findings[0][2] == "表三·一、本年新收·总计"
    assert (
        "若仅「表三·一、本年新收·自然人」一格有误（像是相邻两位数字颠倒），则应为48（现为84）"
        in findings[0][5]
    )
    _, findings = notice(folder, PERMITS)
    assert [row[1:4] for row in findings] == [["警告", "表二·行政许可·本年处理决定数量", "1286"]]
    text, findings = notice(folder, LATE)
    assert (findings, f"{LATE}：未报送，距1月20日还有5天。" in text) == ([], True)
    mail = (folder / f"{CIVIL}2023年更正通知.txt").read_text(encoding="utf-8-sig")
    assert mail.startswith("收件人：wh07@example.org 王芳 0999-6000007\n主题：望河区民政局2023年")
    assert "【错误】表三·一、本年新收·总计：填报11，应为12" in mail
    # What only follows from that slip need not change.
    assert "应为11" not in mail


# ---- later rounds ----


def test_the_second_round_tells_new_findings_from_old_and_mended_ones(
    story: Story, rounds: list[Step]
) -> None:
    second = rounds[1]
    assert second.statuses == all_but("通过", **{LATE: "未报", LAND: "待说明"})
    assert second.index["findings"] == {"新增": 1, "未改": 1, "已改": 5}
    assert "第2轮，与上一轮相比：新增1个，未改1个，已改5个" in second.said
    assert second.remarks(LATE) == [f"{LATE}：未报送，已超期2天（期限1月20日）"]
    results = story.folder / "台账" / "第二轮" / "检查结果.xlsx"
    moved = [
        (r["单位"], r["变化"], r["位置"], r["内容"])
        for r in rows(results, "轮次变化")
        if r["变化"] == "改动数据"
    ]
    assert moved == [
        (CIVIL, "改动数据", "表三·一、本年新收·总计", "11→12"),
        (LAND, "改动数据", "表三·一、本年新收·自然人", "84→48"),
        (LAND, "改动数据", "一、总体情况·（二）依申请公开", "文字有改动"),
    ]
    states = {(r["单位"], r["轮次"], r["级别"]) for r in rows(results, "问题清单")}
    assert {(LAND, "新增", "警告"), (PERMITS, "未改", "已说明")} <= states
    folder = story.folder / "通知" / "第二轮"
    assert "尚未报送，已经超期，请立即报送。" in notice(folder, LATE)[0]
    assert "表三·一、本年新收·总计：各类申请人之和为92，总计填56，差36" in notice(folder, LAND)[0]
    assert {path.stem for path in folder.glob("*.docx")} == {f"{name}2023年更正通知" for name in (LATE, LAND)}


def test_an_explanation_stands_with_its_reason_and_who_confirmed_it(story: Story) -> None:
    (row,) = (
        r
        for r in rows(story.folder / "台账" / "第三轮" / "检查结果.xlsx", "问题清单")
        if r["单位"] == PERMITS
    )
    assert row["级别"] == "已说明"
    assert row["单位的说明"].endswith("陆续划转到本局集中办理，数字属实")
    assert row["由谁确认"] == "吴局长 2024-01-18"


def test_with_one_missing_the_roll_up_is_a_draft_on_every_page(story: Story) -> None:
    draft = story.of("nianbao rollup")[0]
    assert f"警告：名录中缺1家的报告：{LATE}；补齐之前仅为草稿" in draft.said
    assert "汇总报告：汇总/望河区2023年（缺1家，仅为草稿）.docx" in draft.said
    # Superseded by now.
    path = story.folder / "汇总" / "已作废" / "望河区2023年（缺1家，仅为草稿）.docx"
    section = Document(str(path)).sections[0]
    assert all(
        'string="缺1家，仅为草稿"' in h._element.xml for h in (section.header, section.even_page_header)
    )


def test_in_the_third_round_all_may_be_signed_and_the_sheets_bear_the_fingerprints(
    story: Story, rounds: list[Step], pack: Pack
) -> None:
    assert rounds[2].statuses == all_but("通过")
    assert rounds[2].index["findings"] == {"新增": 0, "未改": 1, "已改": 1}
    papers = story.folder / "台账" / "第三轮" / "审签单"
    assert {path.name for path in papers.glob("*.docx")} == {
        f"{agency.name}2023年审签单.docx" for agency in agencies.AGENCIES
    }
    own = agencies.AGENCIES[6]
    cells = {
        row.cells[0].text: row.cells[1].text
        for row in Document(str(papers / f"{CIVIL}2023年审签单.docx")).tables[0].rows
    }
    meant = report_from_data(agencies.report(own, pack), pack)
    assert (cells["单位"], cells["数据指纹"]) == (CIVIL, short(fingerprint(meant)))
    explained = [p.text for p in Document(str(papers / f"{PERMITS}2023年审签单.docx")).paragraphs]
    assert any(
        text.startswith("表二·行政许可·本年处理决定数量：上年97，今年1286，变动13倍") for text in explained
    )


# ---- the roll-up ----


@pytest.fixture(scope="module")
def meant(pack: Pack) -> list[dict[str, Any]]:
    """What the agencies that count meant to report in the end: not read from any file."""
    found = [agencies.report(agency, pack) for agency in agencies.AGENCIES if agency.counted]
    (education,) = (data for data in found if data["agency"] == EDUCATION)
    for row in ("new", "carried_out"):
        for who in ("natural_person", "total"):
            education["requests"][row][who] += 2
    return found


ADJUSTED = {
    "disputes.reconsideration.corrected": -1,
    "disputes.reconsideration.total": -1,
    "disclosure.licensing.decisions": 35,
}


def test_the_whole_is_the_sum_of_what_every_member_meant_and_the_adjustments(
    story: Story, pack: Pack, meant: list[dict[str, Any]]
) -> None:
    whole = json.loads((story.folder / "汇总" / "望河区2023年.json").read_text(encoding="utf-8"))
    assert len(meant) == 35
    for field in (f.path for f in pack.fields.numbers if f.required):
        own = sum((Decimal(lookup(data, field)) for data in meant), Decimal(ADJUSTED.get(field, 0)))
        assert Decimal(lookup(whole, field)) == own, field
    # And so says the Word file.
    (printed,) = read(story.folder / "汇总" / "望河区2023年.docx", pack)
    assert printed.value("requests.new.total") == whole["requests"]["new"]["total"] == 433
    assert printed.value("disclosure.licensing.decisions") == 5191


@pytest.mark.slow
def test_the_whole_is_the_sum_that_libreoffice_calculates(
    story: Story, pack: Pack, meant: list[dict[str, Any]], tmp_path: Path
) -> None:
    fields = [f.path for f in pack.fields.numbers if f.required]
    book = Workbook()
    sheet: Any = book.active
    last = get_column_letter(len(meant) + 2)
    for number, field in enumerate(fields, 1):
        figures = [float(lookup(data, field)) for data in meant]
        sheet.append([field, ADJUSTED.get(field, 0), *figures, f"=SUM(B{number}:{last}{number})"])
    book.save(tmp_path / "bare.xlsx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML"]
    subprocess.run(
        [*command, "--outdir", tmp_path / "after", tmp_path / "bare.xlsx"], check=True, timeout=120
    )
    whole = json.loads((story.folder / "汇总" / "望河区2023年.json").read_text(encoding="utf-8"))
    calculated = load_workbook(tmp_path / "after" / "bare.xlsx", data_only=True).worksheets[0]
    found = {row[0]: round(Decimal(str(row[-1])), 4) for row in calculated.iter_rows(values_only=True)}
    assert found == {field: Decimal(lookup(whole, field)) for field in fields}


def test_the_matrix_sums_to_the_report_figure_by_figure(story: Story, pack: Pack) -> None:
    cells = list(
        load_workbook(story.folder / "汇总" / "望河区2023年（贡献矩阵）.xlsx", data_only=True)[
            "贡献矩阵"
        ].values
    )
    whole = json.loads((story.folder / "汇总" / "望河区2023年.json").read_text(encoding="utf-8"))
    assert pack.rollup is not None
    for field, row in zip(pack.rollup.fields, cells[1:], strict=True):
        figures = [Decimal(str(value or 0)) for value in row[1:]]
        # 公布数, 成员合计, 调整, 已公布的数, 差, then the members.
        assert figures[1] == sum(figures[5:])
        assert figures[0] == figures[1] + figures[2] == Decimal(str(lookup(whole, field.path) or 0))
    assert len(cells[0]) == 6 + 35


def test_the_sentence_says_what_the_figures_hold(story: Story) -> None:
    final = story.of("nianbao rollup")[1]
    assert (
        "口径说明：本报告表二、表三、表四为望河区人民政府全区口径数据，由政府1个、部门24个、乡镇4个、街道6个"
        "共35个单位的数据逐项相加而成，不含" in final.said
    )
    vertical = [agency.name for agency in agencies.AGENCIES if not agency.counted]
    assert final.said.count("：垂直管理机构") == len(vertical)
    assert all(f"不计入 {name}：垂直管理机构" in final.said for name in vertical)
    assert "另按审定意见调整2项。" in final.said
    assert "已作废：望河区2023年（缺1家，仅为草稿）.docx" in final.said
    assert not {"错误", "警告"} & {line.partition("：")[0] for line in final.said.splitlines()}


def test_what_an_agency_reported_is_handed_on_under_its_name_on_the_roster(story: Story, pack: Pack) -> None:
    folder = story.folder / "台账" / "第三轮" / "数据"
    kept = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()}
    for agency in agencies.AGENCIES:
        data = kept[agency.name]
        assert (data["agency"], data["profile"]["category"]) == (agency.name, agency.category)
    # Without a roster, too, it is known who does not count.
    bare = run_in(story, f"nianbao rollup 台账/第三轮/数据 --agency {WHOLE} -o 另/全区.docx")
    assert (bare.status, "计入35个单位，不计入5个" in bare.said) == (0, True)


# ---- after it was signed ----


def test_a_change_after_signing_is_named_value_by_value(rounds: list[Step]) -> None:
    changed = rounds[3]
    assert changed.statuses == all_but("已审签", **{EDUCATION: "通过"})
    assert changed.remarks(EDUCATION)[-1] == (
        f"{EDUCATION}：审签后有改动：表三·一、本年新收·自然人 32→33；表三·一、本年新收·总计 37→38；"
        "表三·四、结转下年度·自然人 3→4；表三·四、结转下年度·总计 3→4；"
        "一、总体情况·（二）依申请公开 文字有改动；请重新审签"
    )


def test_the_next_roll_up_says_whose_change_moved_what(story: Story) -> None:
    again = story.of("nianbao rollup")[2]
    assert (
        f"汇总后1家改动（{EDUCATION}），影响：表三·一、本年新收·自然人 376→377（{EDUCATION}+1）；"
        f"表三·一、本年新收·总计 432→433（{EDUCATION}+1）；" in again.said
    )


def test_what_was_published_is_held_against_what_was_signed(story: Story, rounds: list[Step]) -> None:
    published, planning = rounds[4], "望河区发展和改革局"
    assert published.statuses == all_but("已审签", **{CIVIL: "已发布", "望河区财政局": "已发布"})
    assert published.remarks(planning) == [
        f"{planning}：公开的“{planning}.html”与审签数据不符：表二·行政许可·本年处理决定数量 62→26"
    ]
    results = {r["文件"]: r["结果"] for r in rows(story.folder / "台账" / "第三轮" / "台账.xlsx", "发布")}
    assert results == {
        "望河区民政局.html": "一致",
        "望河区财政局.docx": "一致",
        f"{planning}.html": "1处不同",
    }


def test_the_published_report_of_the_district_is_compared_and_whose_figure_is_missing_is_named(
    story: Story,
) -> None:
    assert (
        "与公布的报告比较：1格不同\n"
        f"· 表二·行政许可·本年处理决定数量：汇总5191，公布5134，差+57，恰好是{LATE}的数"
        in story.of("nianbao rollup")[2].said
    )
    (row,) = rows(story.folder / "汇总" / "望河区2023年（贡献矩阵）.xlsx", "与公布数比较")
    assert (row["汇总数"], row["已公布的数"], row["差"], row["差额恰好是谁的数"]) == (5191, 5134, 57, LATE)


# ---- the page ----


def test_the_page_tells_the_script_command_by_command_and_what_the_screen_says(story: Story) -> None:
    page = (ROOT / "docs" / "office.zh-CN.md").read_text(encoding="utf-8")
    shown = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert shown == list(script())
    said = "\n".join(step.said for step in story.steps)
    outputs = [
        line
        for block in re.findall(
            r"```\n(.*?)```", re.sub(r"```sh\n.*?```", "", page, flags=re.DOTALL), re.DOTALL
        )
        for line in block.splitlines()
    ]
    assert outputs[0] == "make district"
    for line in outputs[1:]:
        # What the page leaves out is marked.
        assert all(part in said for part in line.split("…")), line


def test_the_pictures_of_the_page_are_there_and_small() -> None:
    page = (ROOT / "docs" / "office.zh-CN.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\((images/office-[a-z]+\.png)\)", page)
    assert len(pictures) >= 5
    assert all((ROOT / "docs" / name).stat().st_size < 200_000 for name in pictures)


# ---- the files of the example ----


@pytest.mark.slow
def test_the_example_is_what_its_script_makes(tmp_path: Path) -> None:
    made = Path(
        shutil.copytree(FOLDER, tmp_path / "望河区", ignore=shutil.ignore_patterns("*.xlsx", "*.csv"))
    )
    module("make").main(made)
    files = {path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.suffix not in ("", ".pyc")}
    assert files == {path.relative_to(made) for path in made.rglob("*") if path.suffix}
    for path in files:
        assert (made / path).read_bytes() == (FOLDER / path).read_bytes(), path


@pytest.mark.parametrize("name", ["望河区审计局", "望河区气象局"])
def test_the_reports_printed_long_ago_are_those_of_today(name: str, pack: Pack) -> None:
    (agency,) = (each for each in agencies.AGENCIES if each.name == name)
    (printed,) = read(FOLDER / "报送" / f"{name.removeprefix('望河区')}.pdf", pack)
    own = agencies.report(agency, pack)
    assert [
        lookup(printed.data, f.path) for f in pack.fields.numbers if f.required and f.kind == "count"
    ] == [lookup(own, f.path) for f in pack.fields.numbers if f.required and f.kind == "count"]
    assert printed.data["problems"] == own["problems"]


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3_000_000


# ---- wrong use: one sentence each ----


def test_a_roster_with_doubled_codes_is_refused(story: Story, tmp_path: Path) -> None:
    book = load_workbook(FOLDER / "名册.xlsx")
    book["名册"]["B6"] = book["名册"]["B5"].value
    book.save(tmp_path / "名册.xlsx")
    code = agencies.AGENCIES[3].code
    assert sentence(story, f"nianbao collect {tmp_path}/名册.xlsx 报送 -o 台账/另") == (
        f"错误：名册.xlsx：名录里代码重复：{code}（望河区教育局、望河区科技和工业信息化局），请改正后重新运行"
    )


def test_a_folder_of_last_years_reports_is_refused(story: Story) -> None:
    assert sentence(story, "nianbao collect 名册.xlsx 去年 -o 台账/另 --today 2024-01-15") == (
        "错误：文件夹去年里的报告都是2022年的，本次收的是2023年的；请换文件夹，或用 --year 2022 指明年度"
    )


def test_the_ledger_of_another_district_is_not_written_over(story: Story, tmp_path: Path) -> None:
    other = tmp_path / "名册.csv"
    other.write_text("单位名称\n清江区民政局\n清江区财政局\n", encoding="utf-8")
    said = sentence(story, f"nianbao collect {other} 报送 -o 台账/第三轮 --today 2024-01-31")
    assert said.endswith(
        "里是另一份名录的台账（望河区人民政府、望河区人民政府办公室、望河区发展和改革局等40家，"
        "本次名录里只有0家），不能与本次的2023年收报混用；请换一个输出文件夹"
    )


def test_the_report_of_the_district_is_no_member_of_itself(story: Story) -> None:
    done = run_in(story, f"nianbao rollup 汇总/望河区2023年.json --agency {WHOLE} -o 另/望河区.docx")
    assert done.status == 1
    assert [line for line in done.said.splitlines() if line.startswith("错误")] == [
        f"错误：{WHOLE}的全区口径报告就是汇总的结果，不能再作为成员；"
        "本级政府自己的数请把口径写成本单位，汇总的结果请不要放在输入里"
    ]


def test_a_form_that_cannot_begin_with_last_years_figures_says_why(story: Story, tmp_path: Path) -> None:
    roster = tmp_path / "名册.csv"
    roster.write_text(f"单位名称\n{WHOLE}\n", encoding="utf-8")
    done = run_in(story, f"nianbao form -o {tmp_path}/表 --agencies {roster} --from 去年 --year 2023")
    assert f"{WHOLE}：上年数据里“{WHOLE}”有2份不同的报告（各单位.xlsx、" in done.said
    assert "请只留一份，没有预填\n填报表1份" in done.said


def run_in(story: Story, command: str) -> Step:
    with chdir(story.folder):
        return run(command)


def sentence(story: Story, command: str) -> str:
    """Return the one sentence by which a command is refused."""
    done = run_in(story, command)
    assert done.status == 2
    (line,) = done.said.strip().splitlines()
    return line
