"""`nianbao rollup` from files to files: the example, workbooks, drafts, and one level after another."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shlex
import shutil
import subprocess
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook
from typer.testing import CliRunner

from conftest import EXAMPLES
from nianbao.cli.app import app
from nianbao.collecting import collect
from nianbao.consolidation import rollup
from nianbao.errors import InputError, OutputError, PackError
from nianbao.fields import lookup
from nianbao.outputs.rollup.matrix import write_matrix
from nianbao.outputs.rollup.watermark import with_watermark
from nianbao.pack import Pack, load_pack, pack_from_sources
from nianbao.pipeline import read, render, report_from_data

DISTRICT = EXAMPLES / "rollup"
WHOLE = "清河区人民政府"
OPTIONS = {
    "--agency": WHOLE,
    "--agencies": DISTRICT / "roster.csv",
    "--adjustments": DISTRICT / "adjustments.csv",
    "--previous": DISTRICT / "previous.json",
}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with the reports of the example."""
    return Path(shutil.copytree(DISTRICT / "reports", tmp_path / "reports"))


def run(reports: Path, out: Path, *, expect: int = 0, **changes: Any) -> str:
    options = {**OPTIONS, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    given = [str(part) for pair in options.items() if pair[1] is not None for part in pair]
    result = CliRunner().invoke(app, ["rollup", str(reports), "-o", str(out), *given])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result.output


def change(reports: Path, agency: str, **figures: Any) -> None:
    """Change figures of a member's file, totals with them where named."""
    path = reports / f"{agency}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    for name, value in figures.items():
        steps = name.split("__")
        lookup(data, ".".join(steps[:-1]))[steps[-1]] = value
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def sheet_rows(path: Path, title: str, values: bool = True) -> list[tuple[Any, ...]]:
    workbook = load_workbook(path, data_only=values)
    rows = [tuple(cell for cell in row) for row in workbook[title].iter_rows(values_only=True)]
    workbook.close()
    return rows


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---- the example ----


def test_the_example_comes_out_as_it_should(reports: Path, tmp_path: Path, pack: Pack) -> None:
    out = tmp_path / "out"
    said = run(reports, out / "清河区2023.docx")
    assert "计入7个单位，不计入1个" in said
    assert "不计入 国家税务总局清河区税务局：垂直管理机构" in said
    assert (
        "政府1个、部门4个、街道2个共7个单位的数据逐项相加而成，不含国家税务总局清河区税务局，另按审定意见调整2项。"
        in said
    )
    assert "错误" not in said
    assert "警告" not in said
    files = ("清河区2023.docx", "清河区2023.json", "清河区2023（各单位文字）.xlsx")
    assert names(out) == {*files, "清河区2023（汇总记录）.json", "清河区2023（贡献矩阵）.xlsx"}
    whole = json.loads((out / "清河区2023.json").read_text(encoding="utf-8"))
    assert whole["disputes"]["reconsideration"] == {
        "upheld": 3,
        "corrected": 1,
        "other": 0,
        "pending": 0,
        "total": 4,
    }
    assert whole["disclosure"]["licensing"]["decisions"] == 48 + 213 + 1904 + 6 + 35
    assert whole["disclosure"]["administrative_fees"]["amount"] == "164.7108"
    assert whole["profile"]["processing_fee"]["collected"] == "120.50"
    text = "\n".join(p.text for p in Document(str(out / "清河区2023.docx")).paragraphs)
    assert "（示例文字）按照重点领域目录公开政府信息" in text


def test_the_example_is_what_its_script_makes(tmp_path: Path) -> None:
    copy = tmp_path / "rollup"
    copy.mkdir()
    spec = importlib.util.spec_from_file_location("make_rollup_example", DISTRICT / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(copy)
    made = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert made == {path: (DISTRICT / path).read_bytes() for path in made}
    assert len(made) == 11


def test_the_command_of_the_examples_page_makes_the_files_that_it_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DISTRICT / "README.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("nianbao "))
    monkeypatch.chdir(shutil.copytree(DISTRICT, tmp_path / "rollup"))
    result = CliRunner().invoke(app, shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    listed = re.findall(r"`([^`]+)` \|", page)
    assert len(listed) == 9
    assert [name for name in listed if not Path(name).exists()] == []


# ---- workbooks ----


def test_the_matrix_shows_every_figure_with_live_sums(reports: Path, tmp_path: Path, pack: Pack) -> None:
    run(reports, tmp_path / "汇总.docx")
    path = tmp_path / "汇总（贡献矩阵）.xlsx"
    rows, formulas = sheet_rows(path, "贡献矩阵"), sheet_rows(path, "贡献矩阵", values=False)
    whole = json.loads((tmp_path / "汇总.json").read_text(encoding="utf-8"))
    assert rows[0][:4] == ("栏目", "公布数\n（合计＋调整）", "成员合计", "调整")
    assert rows[0][4] == WHOLE
    assert len(rows[0]) == 4 + 7
    assert pack.rollup is not None
    for field, row, formula in zip(pack.rollup.fields, rows[1:], formulas[1:], strict=True):
        assert row[0] == field.place
        figures = [Decimal(str(value or 0)) for value in row[1:]]
        assert figures[1] == sum(figures[3:])
        assert figures[0] == figures[1] + figures[2]
        assert figures[0] == Decimal(str(lookup(whole, field.path) or 0))
        number = formulas.index(formula) + 1
        if row[1] is not None:
            assert formula[1:3] == (f"=C{number}+D{number}", f"=SUM(E{number}:K{number})")


@pytest.mark.slow
def test_the_sums_of_the_matrix_are_those_that_libreoffice_calculates(reports: Path, tmp_path: Path) -> None:
    run(reports, tmp_path / "汇总.docx", against=DISTRICT / "reports" / f"{WHOLE}.json")
    path = tmp_path / "汇总（贡献矩阵）.xlsx"
    before = sheet_rows(path, "贡献矩阵")
    # Without the results that were written, LibreOffice has to calculate them.
    workbook = load_workbook(path)
    workbook.save(tmp_path / "bare.xlsx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML"]
    subprocess.run(
        [*command, "--outdir", tmp_path / "after", tmp_path / "bare.xlsx"], check=True, timeout=120
    )
    after = sheet_rows(tmp_path / "after" / "bare.xlsx", "贡献矩阵")

    def numbers(rows: list[tuple[Any, ...]]) -> list[list[Decimal]]:
        return [[round(Decimal(str(cell or 0)), 6) for cell in row[1:6]] for row in rows[1:]]

    assert numbers(after) == numbers(before)


def test_the_other_sheets_say_who_counts_what_was_adjusted_and_what_is_wrong(
    reports: Path, tmp_path: Path
) -> None:
    change(reports, "清河区民政局", requests__new__total=99)
    (reports / "清河区石桥街道办事处.json").unlink()
    run(reports, tmp_path / "汇总.docx", expect=1)
    path = tmp_path / "汇总（贡献矩阵）.xlsx"
    members = {row[1]: row[4:6] for row in sheet_rows(path, "成员")[1:]}
    assert members["清河区自然资源局"] == ("是", None)
    assert members["清河区民政局"][1].startswith("未通过校验（2个错误）：")
    assert members["国家税务总局清河区税务局"] == ("否", "垂直管理机构")
    assert members["清河区石桥街道办事处"] == ("缺", "名录中有，没有收到报告")
    lines = sheet_rows(path, "口径与调整")
    adjusted = {row[2]: (row[1], row[3], *row[5:7]) for row in lines if row[3]}
    reason = "划转行政审批局的许可事项，由区政府办公室汇总填报"
    assert adjusted["表二·行政许可·本年处理决定数量"] == ("调整", 35, reason, "王主任")
    assert adjusted["表四·行政复议·总计"] == ("随之调整的合计", -1, "合计随分项的调整", None)
    assert ("草稿", "缺1家，仅为草稿") in [(row[1], row[4]) for row in lines]
    problems = {row[6]: row for row in sheet_rows(path, "问题")[1:]}
    assert problems["ROLLUP-FAILED"][1] == "错误"
    assert problems["ROLLUP-FAILED"][4] == "退回单位改正，或由单位写情况说明"
    assert "清河区民政局.json" in problems["ROLLUP-FAILED"][5]
    assert problems["T3-ROW"][5] == "贡献矩阵!B18"
    place = sheet_rows(path, "贡献矩阵")[17]
    assert place[0] == problems["T3-ROW"][2]


def test_what_the_members_wrote_stands_in_the_appendix_uncut(reports: Path, tmp_path: Path) -> None:
    long = "很长的一段。" * 900
    change(reports, "清河区民政局", problems=f"第一段\n\n=SUM(A1)\n{long}")
    run(reports, tmp_path / "汇总.docx")
    rows = [
        r for r in sheet_rows(tmp_path / "汇总（各单位文字）.xlsx", "各单位文字") if r[0] == "清河区民政局"
    ]
    mine = [row[3] for row in rows if row[1] == "五、存在的主要问题及改进情况"]
    assert mine[:2] == ["第一段", "=SUM(A1)"]
    assert "".join(mine[2:]) == long


def test_a_published_report_has_columns_and_a_sheet(reports: Path, tmp_path: Path) -> None:
    run(reports, tmp_path / "a.docx")
    published = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    change(reports, "清河区民政局", disclosure__licensing__decisions=60)
    (tmp_path / "published.json").write_text(json.dumps(published), encoding="utf-8")
    said = run(reports, tmp_path / "b.docx", against=tmp_path / "published.json")
    assert "与公布的报告比较：1格不同" in said
    path = tmp_path / "b（贡献矩阵）.xlsx"
    (row,) = sheet_rows(path, "与公布数比较")[1:]
    assert row[:4] == ("表二·行政许可·本年处理决定数量", 2218, 2206, 12)
    assert row[5].startswith("清河区市场监督管理局 1904、清河区自然资源局 213、清河区民政局 60")
    head, line = (sheet_rows(path, "贡献矩阵")[n] for n in (0, 7))
    assert head[4:6] == ("已公布的数", "差\n（汇总－已公布）")
    assert line[:6] == ("表二·行政许可·本年处理决定数量", 2218, 2183, 35, 2206, 12)


def test_the_word_file_that_was_published_is_read_back_and_equal(reports: Path, tmp_path: Path) -> None:
    run(reports, tmp_path / "a.docx")
    assert "与公布的报告逐格相同" in run(reports, tmp_path / "b.docx", against=tmp_path / "a.docx")


def test_a_finished_word_report_is_a_member_like_any_other(reports: Path, tmp_path: Path, pack: Pack) -> None:
    run(reports, tmp_path / "a.docx")
    path = reports / "清河区民政局.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    (reports / "清河区民政局.docx").write_bytes(render(report_from_data(data, pack), pack))
    path.unlink()
    run(reports, tmp_path / "b.docx")
    first, second = (json.loads((tmp_path / f"{n}.json").read_text(encoding="utf-8")) for n in "ab")
    assert first == second


def test_too_many_members_for_a_sheet_are_a_sentence(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nianbao.outputs.rollup.matrix._MAX_MEMBERS", 3)
    done = rollup(read(DISTRICT / "previous.json", pack), pack, WHOLE)
    with pytest.raises(OutputError, match="成员有8个，贡献矩阵最多放3个；请先按下级地区分别汇总"):
        write_matrix(tmp_path / "x.xlsx", done, pack)
    assert names(tmp_path) == set()


# ---- drafts, errors, reruns ----


def test_an_incomplete_roll_up_is_a_draft_in_its_name_and_on_every_page(
    reports: Path, tmp_path: Path
) -> None:
    for agency in ("清河区民政局", "清河区教育体育局", "清河区石桥街道办事处"):
        (reports / f"{agency}.json").unlink()
    run(reports, tmp_path / "汇总.docx")
    draft = tmp_path / "汇总（缺3家，仅为草稿）.docx"
    assert draft.is_file()
    assert not (tmp_path / "汇总.docx").exists()
    section = Document(str(draft)).sections[0]
    headers = [section.header, section.even_page_header]
    assert all('string="缺3家，仅为草稿"' in header._element.xml for header in headers)
    shutil.copytree(DISTRICT / "reports", reports, dirs_exist_ok=True)
    said = run(reports, tmp_path / "汇总.docx")
    assert "已作废：汇总（缺3家，仅为草稿）.docx" in said
    assert (tmp_path / "汇总.docx").is_file()
    assert not draft.exists()
    assert (tmp_path / "已作废" / draft.name).is_file()
    assert "汇总后3家新增（清河区民政局、清河区教育体育局、清河区石桥街道办事处），影响：" in said


def test_errors_keep_the_report_back_unless_a_reason_is_given(reports: Path, tmp_path: Path) -> None:
    run(reports, tmp_path / "汇总.docx")
    change(reports, "清河区民政局", requests__new__total=99)
    said = run(reports, tmp_path / "汇总.docx", expect=1)
    assert "没有生成汇总报告；改正后重新运行" in said
    assert "错误：清河区民政局未通过校验" in said
    # Last week's report is wrong now.
    assert "已作废：汇总.docx" in said
    assert not (tmp_path / "汇总.docx").exists()
    assert not (tmp_path / "汇总.json").exists()
    run(reports, tmp_path / "汇总.docx", expect=1, allow_errors="领导要先看")
    assert (tmp_path / "汇总（未通过校验）.docx").is_file()
    lines = sheet_rows(tmp_path / "汇总（贡献矩阵）.xlsx", "口径与调整")
    assert ("未通过校验仍生成的理由", "领导要先看") in [(row[1], row[4]) for row in lines]


def test_a_change_after_the_roll_up_is_told_with_its_effect(reports: Path, tmp_path: Path) -> None:
    assert "汇总后" not in run(reports, tmp_path / "汇总.docx")
    assert "汇总后" not in run(reports, tmp_path / "汇总.docx")
    change(reports, "清河区民政局", disclosure__licensing__decisions=50)
    change(reports, "清河区教育体育局", disclosure__licensing__decisions=5)
    said = run(reports, tmp_path / "汇总.docx")
    sentence = (
        "汇总后2家改动（清河区民政局、清河区教育体育局），影响："
        "表二·行政许可·本年处理决定数量 2206→2207（清河区民政局+2、清河区教育体育局-1）"
    )
    assert sentence in said
    rows = sheet_rows(tmp_path / "汇总（贡献矩阵）.xlsx", "上次汇总后改动")
    assert rows[1] == ("表二·行政许可·本年处理决定数量", 2206, 2207, "清河区民政局+2、清河区教育体育局-1")


def test_adjustments_that_changed_since_are_told_too(reports: Path, tmp_path: Path) -> None:
    run(reports, tmp_path / "汇总.docx")
    lines = (DISTRICT / "adjustments.csv").read_text(encoding="utf-8-sig").replace("+35", "+30")
    (tmp_path / "调整.csv").write_text(lines, encoding="utf-8")
    said = run(reports, tmp_path / "汇总.docx", adjustments=tmp_path / "调整.csv")
    assert "汇总后调整有改动，影响：表二·行政许可·本年处理决定数量 2206→2201（调整-5）" in said
    assert "汇总后" not in run(reports, tmp_path / "汇总.docx", adjustments=tmp_path / "调整.csv")


def test_equal_input_gives_equal_bytes(reports: Path, tmp_path: Path) -> None:
    (reports / "清河区民政局.json").unlink()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(reports, tmp_path / name / "汇总.docx")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_result_is_a_member_of_the_next_level_and_its_workbooks_are_no_input(
    reports: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "市"
    folder.mkdir()
    run(reports, folder / "清河区.docx")
    said = run(
        folder,
        tmp_path / "out" / "市.docx",
        agency="河源市人民政府",
        agencies=None,
        adjustments=None,
        previous=None,
    )
    assert "计入1个单位" in said
    first, second = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (folder / "清河区.json", tmp_path / "out" / "市（缺文字，仅为草稿）.json")
    )
    assert second["requests"] == first["requests"]
    assert second["disclosure"] == first["disclosure"]
    assert (tmp_path / "out" / "市（缺文字，仅为草稿）.docx").is_file()


def test_the_result_among_the_inputs_is_refused(reports: Path, tmp_path: Path) -> None:
    run(reports, reports / "汇总.docx")
    said = run(reports, reports / "汇总.docx", expect=1)
    assert "的全区口径报告就是汇总的结果，不能再作为成员" in said


def test_a_file_that_cannot_be_read_is_told_and_the_others_count(reports: Path, tmp_path: Path) -> None:
    (reports / "坏.json").write_text("{", encoding="utf-8")
    run(reports, tmp_path / "汇总.docx", expect=1)
    assert (tmp_path / "汇总.docx").is_file()
    lines = sheet_rows(tmp_path / "汇总（贡献矩阵）.xlsx", "口径与调整")
    assert [row[4].partition("：")[0].rpartition("/")[2] for row in lines if row[1] == "未能读取"] == [
        "坏.json"
    ]


def test_wrong_calls_are_sentences(reports: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"汇总报告写成Word文件，文件名须以\.docx结尾，不是“x\.xlsx”"):
        run(reports, tmp_path / "x.xlsx")
    with pytest.raises(InputError, match="没有可以汇总的报告：输入里没有报告（找不到文件"):
        run(tmp_path / "nowhere", tmp_path / "x.docx")
    with pytest.raises(InputError, match="找不到调整表"):
        run(reports, tmp_path / "x.docx", adjustments=tmp_path / "nowhere.xlsx")


def test_a_pack_that_does_not_say_how_is_a_sentence(pack: Pack, tmp_path: Path) -> None:
    text = pack.sources["pack.toml"].decode()
    start, end = text.index("[rollup]"), text.index("[[chart]]")
    bare = pack_from_sources({**pack.sources, "pack.toml": (text[:start] + text[end:]).encode()})
    with pytest.raises(PackError, match=r"没有写明怎样汇总：pack\.toml缺\[rollup\]"):
        rollup([], bare, "甲")


def test_a_policy_that_names_no_field_is_a_mistake_of_the_pack(pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "cn-ogi" / "2021"
    folder.mkdir(parents=True)
    for name, content in pack.sources.items():
        (folder / name).write_bytes(content)
    toml = folder / "pack.toml"
    text = toml.read_text(encoding="utf-8").replace('["profile.processing_fee.*"]', '["profile.fee.*"]')
    toml.write_text(text, encoding="utf-8")
    with pytest.raises(PackError, match=r"的\[rollup\]用了没有的栏目：profile\.fee\.\*"):
        load_pack(folder)


def test_a_watermark_stands_behind_every_kind_of_page_and_spoils_nothing(
    pack: Pack, examples: list[dict[str, Any]]
) -> None:
    plain = render(report_from_data(examples[0], pack), pack)
    marked = with_watermark(plain, "缺3家 & “草稿”")
    assert with_watermark(plain, "缺3家 & “草稿”") == marked
    with zipfile.ZipFile(io.BytesIO(plain)) as one, zipfile.ZipFile(io.BytesIO(marked)) as other:
        assert set(one.namelist()) <= set(other.namelist())
    first, second = (Document(io.BytesIO(docx)) for docx in (plain, marked))
    assert [p.text for p in second.paragraphs] == [p.text for p in first.paragraphs]
    pages = [second.sections[0].header]
    if second.settings.odd_and_even_pages_header_footer:
        pages.append(second.sections[0].even_page_header)
    if second.sections[0].different_first_page_header_footer:
        pages.append(second.sections[0].first_page_header)
    assert len(pages) > 1
    assert all("缺3家 &amp; “草稿”" in page._element.xml for page in pages)


# ---- levels, and what lies where it should not ----


def rollup_of(inputs: Path, out: Path, agency: str, *, expect: int = 0) -> str:
    plain = {"agencies": None, "adjustments": None, "previous": None}
    return run(inputs, out, expect=expect, agency=agency, **plain)


@pytest.fixture
def city(reports: Path, tmp_path: Path) -> Path:
    """A folder with the report of a city, of which the example's district is a member."""
    members = tmp_path / "市"
    run(reports, members / "清河区.docx")
    own = json.loads((reports / f"{WHOLE}.json").read_text(encoding="utf-8")) | {"agency": "河源市人民政府"}
    (members / "市本级.json").write_text(json.dumps(own, ensure_ascii=False), encoding="utf-8")
    rollup_of(members, tmp_path / "全市" / "河源市.docx", "河源市人民政府")
    return tmp_path / "全市"


def test_who_is_in_the_figures_of_a_member_is_known_by_its_record(city: Path, reports: Path) -> None:
    (record,) = city.glob("*（汇总记录）.json")
    assert "清河区民政局" in json.loads(record.read_text(encoding="utf-8"))["within"]
    shutil.copy(reports / "清河区民政局.json", city)
    said = rollup_of(city, city.parent / "省" / "省.docx", "江北省人民政府", expect=1)
    assert "清河区民政局已含在河源市人民政府全市口径中，会重复计入；请去掉其中之一" in said


def test_a_circle_of_levels_is_one_sentence(city: Path, reports: Path, tmp_path: Path) -> None:
    for path in city.iterdir():
        shutil.copy(path, reports)
    said = rollup_of(reports, tmp_path / "区" / "清河区.docx", WHOLE, expect=1)
    (sentence,) = (line for line in said.splitlines() if line.startswith("错误"))
    what = "河源市人民政府全市口径的汇总里已有清河区人民政府，不能再作为清河区人民政府的成员"
    assert sentence == f"错误：{what}（层级成环）；请把它移出输入"


def test_a_refused_roll_up_is_not_what_later_ones_are_compared_with(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "汇总.docx"
    change(reports, "清河区民政局", requests__new__total=99)
    run(reports, out, expect=1)
    assert not list(tmp_path.glob("*（汇总记录）.json"))
    shutil.copytree(DISTRICT / "reports", reports, dirs_exist_ok=True)
    run(reports, out)
    change(reports, "清河区民政局", requests__new__total=99)
    assert "已作废：汇总.docx" in run(reports, out, expect=1)
    shutil.copytree(DISTRICT / "reports", reports, dirs_exist_ok=True)
    change(reports, "清河区民政局", disclosure__licensing__decisions=50)
    assert "汇总后1家改动（清河区民政局），影响：表二·行政许可·本年处理决定数量 2206→2208" in run(
        reports, out
    )


def test_an_empty_reason_and_an_output_over_an_input_are_refused(reports: Path, tmp_path: Path) -> None:
    for option in ("allow_errors", "blank_as_zero"):
        with pytest.raises(InputError, match=f"--{option.replace('_', '-')} 后面要写理由"):
            run(reports, tmp_path / "x.docx", **{option: " "})
    member = reports / "清河区民政局.json"
    before = member.read_bytes()
    with pytest.raises(OutputError, match="结果不能覆盖输入文件"):
        run(reports, member.with_suffix(".docx"))
    assert member.read_bytes() == before


def test_the_reports_of_a_collection_are_rolled_up_by_naming_its_folder(
    reports: Path, tmp_path: Path, pack: Pack
) -> None:
    office = tmp_path / "台账"
    collect(DISTRICT / "roster.csv", reports, office, pack, today=date(2024, 1, 20))
    run(reports, tmp_path / "a" / "汇总.docx")
    run(office, tmp_path / "b" / "汇总.docx")
    first, second = (json.loads((tmp_path / n / "汇总.json").read_text(encoding="utf-8")) for n in "ab")
    assert first == second
    edited = office / "数据" / "清河区民政局.json"
    data = json.loads(edited.read_text(encoding="utf-8"))
    data["disclosure"]["licensing"]["decisions"] += 1
    edited.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    for given in (office, office / "数据"):
        with pytest.raises(InputError, match=r"有文件在收报之后被人改动过：清河区民政局\.json；应改的是单位"):
            run(given, tmp_path / "c" / "汇总.docx")


def test_two_rounds_of_one_collection_are_not_rolled_up_together(
    reports: Path, tmp_path: Path, pack: Pack
) -> None:
    for name in ("第一轮", "第二轮"):
        collect(DISTRICT / "roster.csv", reports, tmp_path / "台账" / name, pack, today=date(2024, 1, 20))
    with pytest.raises(InputError, match=r"第一轮和.*第二轮是两份台账，里面有同一单位的报告"):
        run(tmp_path / "台账", tmp_path / "汇总.docx")
    assert "计入7个单位" in run(tmp_path / "台账" / "第二轮", tmp_path / "汇总.docx")


def test_the_whole_is_signed_and_published_in_a_collection_of_its_own(
    reports: Path, tmp_path: Path, pack: Pack
) -> None:
    run(reports, tmp_path / "汇总" / "清河区2023年.docx")
    roster = tmp_path / "全区.csv"
    roster.write_text(f"单位名称,类别,口径\n{WHOLE},政府,全区域\n", encoding="utf-8")
    office = tmp_path / "全区台账"

    def go() -> Any:
        return collect(roster, tmp_path / "汇总", office, pack, today=date(2024, 3, 20)).ledger.lines[0]

    assert go().status == "passed"
    book = load_workbook(office / "台账.xlsx")
    book["审签"]["C2"], book["审签"]["D2"] = "王区长", "2024-03-20"
    book.save(office / "台账.xlsx")
    assert go().status == "signed"
    (office / "发布").mkdir()
    shutil.copy(tmp_path / "汇总" / "清河区2023年.docx", office / "发布")
    assert go().status == "published"


def test_what_is_wider_than_the_rosters_line_stands_apart(reports: Path, tmp_path: Path, pack: Pack) -> None:
    run(reports, tmp_path / "汇总" / "清河区2023年.docx")
    for name in ("清河区2023年.docx", "清河区2023年.json"):
        shutil.copy(tmp_path / "汇总" / name, reports / f"全区{Path(name).suffix}")
    public = tmp_path / "公布.docx"
    shutil.copy(tmp_path / "汇总" / "清河区2023年.docx", public)
    office = tmp_path / "台账"
    done = collect(
        DISTRICT / "roster.csv", reports, office, pack, today=date(2024, 3, 20), published=[public]
    )
    own = next(line for line in done.ledger.lines if line.member.name == WHOLE)
    assert [draft.file for draft in own.drafts] == [f"{WHOLE}.json"]
    assert {stray.remark.message for stray in done.ledger.strays} == {
        f"“全区.{kind}”是{WHOLE}全区口径的报告，名录里是本单位的，没有采用；汇总的报告请另立台账收"
        for kind in ("docx", "json")
    }
    assert own.publications == ()
    assert any(text.startswith("公布.docx：是全区口径的报告") for _, text in done.ledger.notes)


def test_last_years_own_report_and_that_of_the_whole_are_told_apart_in_one_folder(
    reports: Path, tmp_path: Path, pack: Pack
) -> None:
    last = tmp_path / "去年"
    run(reports, tmp_path / "汇总" / "全区.docx")
    last.mkdir()
    whole = json.loads((tmp_path / "汇总" / "全区.json").read_text(encoding="utf-8")) | {"year": 2022}
    (last / "全区.docx").write_bytes(render(report_from_data(whole, pack), pack))
    own = json.loads((reports / f"{WHOLE}.json").read_text(encoding="utf-8")) | {"year": 2022}
    (last / "本级.json").write_text(json.dumps(own, ensure_ascii=False), encoding="utf-8")
    done = collect(
        DISTRICT / "roster.csv", reports, tmp_path / "台账", pack, today=date(2024, 1, 20), previous=str(last)
    )
    line = next(line for line in done.ledger.lines if line.member.name == WHOLE)
    assert line.adopted is not None
    rules = {finding.rule for finding in line.adopted.result.findings}
    assert "PREVIOUS-SAME" not in rules
    rows = [row for row in sheet_rows(done.results, "上下年衔接")[1:] if row[0] == WHOLE]
    (carried,) = (row for row in rows if row[2] == "表三·二、上年结转·总计")
    assert carried[5] == own["requests"]["carried_out"]["total"] != whole["requests"]["carried_out"]["total"]
