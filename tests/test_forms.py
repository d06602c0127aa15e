"""Fill-in workbooks: real files, calculated by LibreOffice, and read back."""

from __future__ import annotations

import copy
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import load_workbook as load_with_calamine

from conftest import consistent_report
from nianbao.bind import bind
from nianbao.errors import OutputError
from nianbao.fields import lookup, place_value
from nianbao.outputs.forms import write_form, write_long, write_register
from nianbao.pack import Pack, load_pack
from nianbao.packnew import new_pack
from nianbao.pipeline import check, report_from_data
from nianbao.readers import read_raw
from nianbao.report import Report, exchanged
from nianbao.rules.instances import totals

AGENCY = "测试县自然资源局"
DECLARED = "profile.no_applications"
TABLES = ("表二", "表三", "表四")
SHEETS = ["填报说明", "基本信息", *TABLES, "文字", "校验", "说明"]
# Where the first cell of a table stands on its sheet.
TOP = 3
AWKWARD = [
    "=1+1",
    "+86 10 6666",
    "-无",
    "@某单位",
    "_x0041_与_x005F_",
    "#N/A",
    "　　段首空格 \n\n第二段\t制表 ",
    "<b>&“引号”</b> 😀",
]


# ---- what the tests build, and how they look at it ----


def full_report(pack: Pack, seed: int = 1, agency: str = AGENCY) -> Report:
    """Return a report that has something in every field that a form can show."""
    data = consistent_report(pack, seed, agency=agency)
    data["title"] = "报告标题"
    data["introduction"] = AWKWARD[6]
    data["overview"]["preamble"] = AWKWARD[0]
    data["overview"]["proactive"] = {"heading": AWKWARD[2], "text": AWKWARD[4]}
    data["overview"]["additional"] = [
        {"heading": f"（{n}）专题", "text": text} for n, text in zip("六七八", AWKWARD[5:], strict=True)
    ]
    data["disclosure"]["administrative_fees"]["amount"] = "163.8908"
    data["notes"] = {
        "requests": "表三的说明",
        "requests.new.total": "其中重复2件",
        "disclosure.normative_documents.issued": "甲=乙",
    }
    data["signature"] = {"name": agency, "date": "2024年1月20日"}
    data["profile"] = {
        "code": "123456789012345678",
        "category": "department",
        "scope": "own",
        "in_rollup": True,
        "rulemaking_power": True,
        "processing_fee": {"notices": 2, "billed": "30.5", "collected": "0"},
        "preparer": AWKWARD[3],
        "phone": AWKWARD[1],
    }
    report = report_from_data(data, pack)
    assert not [f for f in report.findings if f.severity == "error"]
    return report


def spots(pack: Pack) -> dict[str, tuple[str, str]]:
    """Return the sheet and the address of every field of a table, by the template alone."""
    return {
        path: (name, f"{get_column_letter(cell.column + 1)}{TOP + cell.row}")
        for name, grid in zip(TABLES, pack.layout.grids, strict=True)
        for path, cell in grid.field_cells.items()
    }


def rows_by_path(sheet: Worksheet) -> dict[str, int]:
    """Return the row of each path in the hidden column of a sheet."""
    return {str(cell.value): cell.row for cell in sheet["C"] if cell.row > 2 and cell.value is not None}


def fill(workbook: Workbook, pack: Pack, values: Mapping[str, Any]) -> None:
    """Type values into the inputs of a form, as a clerk does; totals are left to their formulas."""
    at = spots(pack)
    for path, value in values.items():
        if path in at:
            sheet, address = at[path]
            assert workbook[sheet][address].protection.locked is False, path
            workbook[sheet][address] = value
        else:
            row = rows_by_path(workbook["基本信息"])[path]
            workbook["基本信息"][f"B{row}"] = value


def inputs(
    pack: Pack, report: Report, tables: Iterable[str] = ("disclosure", "requests", "disputes")
) -> dict[str, Any]:
    """Return the figures that a clerk types in: those of the tables that are no totals."""
    sums = totals(pack.rules.instances)
    return {
        f.path: report.value(f.path)
        for f in pack.fields.numbers
        if f.path not in sums and f.path.startswith(tuple(f"{t}." for t in tables))
    }


def results(workbook: Workbook) -> dict[tuple[str, str], str]:
    """Return the result of each line of the sheet of checks by rule and position."""
    lines = workbook["校验"].iter_rows(min_row=4, max_col=6, values_only=True)
    return {(str(line[0]), str(line[1])): str(line[5]) for line in lines}


def wrong(workbook: Workbook) -> set[tuple[str, str]]:
    return {line for line, result in results(workbook).items() if result == "有误"}


def broken_rules(report: Report, pack: Pack) -> set[tuple[str, str]]:
    """Return what the engine finds wrong, as the sheet of checks names it."""
    titles = {i.rule.id: i.rule.title for i in pack.rules.instances}
    return {
        (titles[f.rule], pack.fields.place(f.field))
        for f in check(report, pack).findings
        if f.severity == "error" and f.rule in titles
    }


def read(path: Path, pack: Pack) -> list[Report]:
    return [bind(raw, pack) for raw in read_raw(path, pack)]


@pytest.fixture(scope="session")
def calculate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Path]], dict[str, Path]]:
    """Return a function that has LibreOffice calculate and save workbooks."""
    soffice = shutil.which("soffice") or shutil.which("libreoffice")
    if soffice is None:
        pytest.skip("LibreOffice (soffice) is not installed")
    profile = tmp_path_factory.mktemp("profile")

    def run(paths: Mapping[str, Path]) -> dict[str, Path]:
        out = tmp_path_factory.mktemp("calculated")
        options = ["--headless", f"-env:UserInstallation={profile.as_uri()}", "--convert-to", "xlsx"]
        files = [str(path) for path in paths.values()]
        subprocess.run(
            [soffice, *options, "--outdir", str(out), *files], check=True, capture_output=True, timeout=240
        )
        return {name: out / path.name for name, path in paths.items()}

    return run


@pytest.fixture(scope="session")
def calculated(
    pack: Pack,
    calculate: Callable[[Mapping[str, Path]], dict[str, Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Forms and a register in several states of being filled in, calculated in one go."""
    folder = tmp_path_factory.mktemp("forms")
    report = full_report(pack)
    written = {}
    for name, values in _states(pack, report).items():
        path = folder / f"{name}.xlsx"
        write_form(pack, path, {"agency": AGENCY, "year": 2023})
        workbook = load_workbook(path)
        fill(workbook, pack, values)
        workbook.save(path)
        written[name] = path
    written["report"] = folder / "report.xlsx"
    write_form(pack, written["report"], report=report)
    written["wrong report"] = folder / "wrong report.xlsx"
    write_form(pack, written["wrong report"], report=_spoilt(pack, report))
    written["register"] = folder / "register.xlsx"
    write_register(pack, written["register"], roster=[{"agency": "甲"}, {"agency": "乙"}, {"agency": "丙"}])
    _fill_register(written["register"], inputs(pack, report))
    return calculate(written)


def _states(pack: Pack, report: Report) -> dict[str, dict[str, Any]]:
    figures = inputs(pack, report)
    first = "requests.new.natural_person"
    rules = {
        f"disclosure.government_rules.{c}": n for c, n in (("issued", 1), ("repealed", 0), ("in_force", 0))
    }
    return {
        "blank": {},
        "filled": figures,
        "broken": {**figures, first: figures[first] + 1},
        "half": {**figures, first: None},
        "declared": {**inputs(pack, report, ["disclosure"]), DECLARED: "是"},
        "no power": {**figures, **rules, "profile.rulemaking_power": "否"},
        "power": {**figures, **rules, "profile.rulemaking_power": "是"},
    }


def _spoilt(pack: Pack, report: Report) -> Report:
    """Return the report with totals that are wrong and one that is missing."""
    data = copy.deepcopy(exchanged(report.data))
    data["requests"]["new"]["total"] += 3
    data["disputes"]["reconsideration"]["total"] += 1
    data["requests"]["results"]["total"]["business"] += 1
    return report_from_data(data, pack)


def _fill_register(path: Path, figures: Mapping[str, Any]) -> None:
    """Fill in the first agency, of the second one figure, of the third the zero declaration."""
    workbook = load_workbook(path)
    sheet = workbook.active
    columns = {cell.value: cell.column for cell in sheet[4]}
    for name, value in figures.items():
        sheet.cell(5, columns[name]).value = value
    sheet.cell(6, columns["requests.new.business"]).value = 7
    sheet.cell(7, columns[DECLARED]).value = "是"
    workbook.save(path)


# ---- the form: what it looks like ----


@pytest.fixture(scope="module")
def blank(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    path = tmp_path_factory.mktemp("blank") / "blank.xlsx"
    write_form(pack, path, {"agency": AGENCY, "year": 2023})
    return load_workbook(path)


def test_a_form_has_a_sheet_for_each_table_and_those_of_the_tool(blank: Workbook) -> None:
    assert blank.sheetnames == SHEETS


def test_tables_have_the_labels_and_merged_cells_of_the_template(blank: Workbook, pack: Pack) -> None:
    for name, grid in zip(TABLES, pack.layout.grids, strict=True):
        sheet = blank[name]
        areas = {
            (r.min_row - TOP, r.min_col - 1, r.max_row - r.min_row + 1, r.max_col - r.min_col + 1)
            for r in sheet.merged_cells.ranges
            if r.min_row >= TOP
        }
        wanted = {(c.row, c.column, c.rows, c.columns) for c in grid.cells if c.rows * c.columns > 1}
        assert areas == wanted
        for cell in grid.labels:
            assert sheet.cell(TOP + cell.row, cell.column + 1).value == cell.text


def test_every_figure_is_there_once_as_a_blank_input_or_a_formula(blank: Workbook, pack: Pack) -> None:
    at = {path: blank[sheet][address] for path, (sheet, address) in spots(pack).items()}
    info = rows_by_path(blank["基本信息"])
    sums = totals(pack.rules.instances)
    for field in pack.fields.numbers:
        assert (field.path in at) + (field.path in info) == 1, field.path
    for path, cell in at.items():
        if path in sums:
            assert str(cell.value).startswith("=IF("), path
            assert cell.protection.locked
        else:
            assert cell.value is None, path
            assert not cell.protection.locked
    outside = {**info, **rows_by_path(blank["文字"])}
    expected = {f.path for f in pack.fields.plain if f.path not in at}
    assert {p for p in outside if "[" not in p} - {"notes"} == expected
    assert sum(p.startswith("overview.additional[") for p in outside) == 4


def test_labels_are_locked_without_a_password_and_the_known_agency_too(
    blank: Workbook, pack: Pack, tmp_path: Path
) -> None:
    for name in SHEETS:
        assert blank[name].protection.sheet
        assert blank[name].protection.password is None
    for name in TABLES:
        assert blank[name].cell(TOP, 1).protection.locked
    info = blank["基本信息"]
    for path, row in rows_by_path(info).items():
        assert info.cell(row, 1).protection.locked
        assert info.cell(row, 2).protection.locked == (path in ("agency", "year")), path
    assert [info.cell(r, 2).value for r in (3, 4)] == [AGENCY, 2023]
    write_form(pack, tmp_path / "open.xlsx")
    free = load_workbook(tmp_path / "open.xlsx")["基本信息"]
    assert not any(free.cell(row, 2).protection.locked for row in rows_by_path(free).values())


def _validations(sheet: Worksheet) -> dict[str, Any]:
    return {
        f"{get_column_letter(column)}{row}": rule
        for rule in sheet.data_validations.dataValidation
        for area in rule.sqref.ranges
        for row, column in area.cells
    }


def test_inputs_take_whole_numbers_amounts_and_choices_only(blank: Workbook, pack: Pack) -> None:
    sums = totals(pack.rules.instances)
    for path, (sheet, address) in spots(pack).items():
        rule = _validations(blank[sheet]).get(address)
        if path in sums:
            assert rule is None
        else:
            assert rule.type == ("whole" if pack.fields.by_path[path].kind == "count" else "decimal")
            assert rule.showErrorMessage
            assert "不小于0" in rule.error
    info = blank["基本信息"]
    rows, rules = rows_by_path(info), _validations(info)
    assert rules[f"B{rows[DECLARED]}"].formula1 == '"是,否"'
    assert rules[f"B{rows['profile.category']}"].formula1 == '"政府,部门,乡镇,街道,垂直管理机构,其他"'


def test_every_sheet_prints_on_a4_one_page_wide(blank: Workbook) -> None:
    for sheet in blank:
        assert sheet.page_setup.paperSize == 9
        assert sheet.page_setup.fitToWidth == 1
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_area
    assert blank["表三"].page_setup.orientation == "portrait"
    assert blank["表四"].page_setup.orientation == "landscape"


def test_paths_are_hidden_and_the_zero_declaration_is_an_explicit_box(blank: Workbook, pack: Pack) -> None:
    info = blank["基本信息"]
    row = rows_by_path(info)[DECLARED]
    assert info.column_dimensions["C"].hidden
    assert blank["文字"].column_dimensions["C"].hidden
    assert info.cell(row, 1).value == pack.fields.nodes[DECLARED].title
    assert info.cell(row, 2).border.top.style == "medium"
    assert "表三、表四的空格按0计" in info.cell(row, 4).value


def test_the_checks_name_every_linear_rule_with_its_position_and_a_link(blank: Workbook, pack: Pack) -> None:
    sheet = blank["校验"]
    wanted = [(i.rule.title, pack.fields.place(i.target)) for i in pack.rules.instances]
    assert [(r[0], r[1]) for r in sheet.iter_rows(min_row=4, max_col=2, values_only=True)] == wanted
    at = spots(pack)
    for row, instance in enumerate(pack.rules.instances, 4):
        name, address = at[instance.target]
        assert sheet.cell(row, 2).hyperlink.location == f"'{name}'!{address}"


def test_formulas_use_only_functions_that_every_program_has(blank: Workbook) -> None:
    import re

    used = set()
    for sheet in blank:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    used |= set(re.findall(r"([A-Z]+)\(", re.sub(r'"[^"]*"', "", str(cell.value))))
    assert used <= {"SUM", "IF", "ABS", "COUNTBLANK", "AND", "OR"}


# ---- the form: what it calculates ----


def test_totals_are_those_of_the_report_and_everything_balances(
    calculated: dict[str, Path], pack: Pack
) -> None:
    report = full_report(pack)
    workbook = load_workbook(calculated["filled"], data_only=True)
    for path, (sheet, address) in spots(pack).items():
        assert workbook[sheet][address].value == pytest.approx(float(report.value(path) or 0)), path
    assert set(results(workbook).values()) == {"平衡", "符合", "不适用"}
    assert workbook["校验"]["A2"].value == "全部平衡"


def test_a_filled_form_reads_back_with_and_without_calculated_totals(
    calculated: dict[str, Path], pack: Pack, tmp_path: Path
) -> None:
    report = full_report(pack)
    path = tmp_path / "filled.xlsx"
    write_form(pack, path, {"agency": AGENCY, "year": 2023})
    workbook = load_workbook(path)
    fill(workbook, pack, inputs(pack, report))
    workbook.save(path)
    for form in (path, calculated["filled"]):
        (found,) = read(form, pack)
        for table in ("agency", "year", "disclosure", "requests", "disputes"):
            assert found.data[table] == report.data[table]
        assert not [f for f in found.findings if f.severity == "error"]


def test_one_wrong_figure_makes_exactly_the_lines_wrong_that_the_engine_finds(
    calculated: dict[str, Path], pack: Pack
) -> None:
    workbook = load_workbook(calculated["broken"], data_only=True)
    (report,) = read(calculated["broken"], pack)
    balance = "本年新收＋上年结转＝办理结果总计＋结转下年度"
    expected = {(balance, "表三·（七）总计·自然人"), (balance, "表三·（七）总计·总计")}
    assert wrong(workbook) == broken_rules(report, pack) == expected
    assert workbook["校验"]["A2"].value == "2处有误"


def test_wrong_totals_of_a_report_stay_and_are_marked(calculated: dict[str, Path], pack: Pack) -> None:
    spoilt = _spoilt(pack, full_report(pack))
    workbook = load_workbook(calculated["wrong report"], data_only=True)
    for path, (sheet, address) in spots(pack).items():
        assert workbook[sheet][address].value == pytest.approx(float(spoilt.value(path) or 0)), path
    assert wrong(workbook) == broken_rules(spoilt, pack) != set()


def test_a_blank_form_says_what_is_open_and_shows_no_total(calculated: dict[str, Path], pack: Pack) -> None:
    workbook = load_workbook(calculated["blank"], data_only=True)
    at = spots(pack)
    for path in totals(pack.rules.instances):
        sheet, address = at[path]
        assert workbook[sheet][address].value in (None, ""), path
    assert set(results(workbook).values()) == {"未填", "不适用"}
    assert workbook["校验"]["A2"].value == "尚有44处未填"


def test_blank_forms_read_back_alike_before_and_after_calculation(
    calculated: dict[str, Path], pack: Pack, tmp_path: Path
) -> None:
    write_form(pack, tmp_path / "blank.xlsx", {"agency": AGENCY, "year": 2023})
    messages = [
        [(f.rule, f.message) for f in read(path, pack)[0].findings]
        for path in (tmp_path / "blank.xlsx", calculated["blank"])
    ]
    assert messages[0] == messages[1]
    assert {rule for rule, _ in messages[0]} == {"BLANK"}


def test_a_rule_with_a_blank_cell_is_open_not_wrong(calculated: dict[str, Path]) -> None:
    workbook = load_workbook(calculated["half"], data_only=True)
    assert wrong(workbook) == set()
    unfinished = {place for (_, place), result in results(workbook).items() if result == "未填"}
    assert unfinished == {"表三·一、本年新收·总计", "表三·（七）总计·自然人", "表三·（七）总计·总计"}


def test_the_zero_declaration_makes_blank_tables_zero_and_balanced(
    calculated: dict[str, Path], pack: Pack
) -> None:
    workbook = load_workbook(calculated["declared"], data_only=True)
    assert workbook["表三"]["J6"].value == 0
    assert workbook["校验"]["A2"].value == "全部平衡"
    (report,) = read(calculated["declared"], pack)
    assert report.value("requests.results.total.total") == 0
    assert not [f for f in report.findings if f.severity == "error"]


def test_a_conditional_rule_applies_by_the_choice_on_another_sheet(
    calculated: dict[str, Path], pack: Pack
) -> None:
    title = "没有规章制定权的单位，规章应为0"
    without = results(load_workbook(calculated["no power"], data_only=True))
    assert [r for (rule, _), r in without.items() if rule == title] == ["有误", "平衡", "平衡"]
    having = results(load_workbook(calculated["power"], data_only=True))
    assert {r for (rule, _), r in having.items() if rule == title} == {"不适用"}
    # More issued than in force is a warning: to be looked at, not wrong.
    assert having["现行有效件数不少于本年制发件数", "表二·规章·现行有效件数"] == "请核对"


def test_a_wrong_total_turns_red_in_its_table(blank: Workbook) -> None:
    marked = {str(area.sqref) for area in blank["表三"].conditional_formatting}
    assert {"J6", "D29", "J29"} <= marked
    assert len(marked) == 31


# ---- the form: what is filled in beforehand ----


def test_a_report_becomes_a_form_and_back_without_loss(
    calculated: dict[str, Path], pack: Pack, tmp_path: Path
) -> None:
    report = full_report(pack)
    write_form(pack, tmp_path / "report.xlsx", report=report)
    for path in (tmp_path / "report.xlsx", calculated["report"]):
        (found,) = read(path, pack)
        assert found.data == report.data


def test_a_report_with_blanks_becomes_a_form_with_the_same_blanks(pack: Pack, tmp_path: Path) -> None:
    data = exchanged(full_report(pack).data)
    del data["requests"]["new"]["business"]
    report = report_from_data(data, pack)
    assert report.value("requests.new.business") is None
    write_form(pack, tmp_path / "form.xlsx", report=report, previous=full_report(pack, 2))
    sheet = load_workbook(tmp_path / "form.xlsx")["表三"]
    assert sheet["E6"].value is None
    assert sheet["J6"].value == report.value("requests.new.total")


def test_last_years_figures_come_in_grey_and_can_be_changed(pack: Pack, tmp_path: Path) -> None:
    last = full_report(pack, 3)
    write_form(pack, tmp_path / "form.xlsx", {"agency": AGENCY, "year": 2024}, previous=last)
    workbook = load_workbook(tmp_path / "form.xlsx")
    at = spots(pack)
    sheet, address = at["requests.carried_in.business"]
    cell = workbook[sheet][address]
    assert cell.value == last.value("requests.carried_out.business")
    assert cell.font.italic
    assert not cell.protection.locked
    assert str(workbook["表三"][at["requests.carried_in.total"][1]].value).startswith("=")
    kept = "disclosure.normative_documents.in_force"
    assert workbook["表二"][at[kept][1]].value == last.value(kept)
    assert workbook["表三"][at["requests.new.business"][1]].value is None


def test_what_is_known_of_an_agency_is_shown_in_words(pack: Pack, tmp_path: Path) -> None:
    known = {
        "agency": AGENCY,
        "profile": {"category": "township", "in_rollup": False, "code": "12345678901234567X"},
    }
    write_form(pack, tmp_path / "form.xlsx", known)
    info = load_workbook(tmp_path / "form.xlsx")["基本信息"]
    rows = rows_by_path(info)
    shown = [info.cell(rows[f"profile.{name}"], 2).value for name in ("category", "in_rollup", "code")]
    assert shown == ["乡镇", "否", "12345678901234567X"]
    assert not info.cell(rows["year"], 2).protection.locked


# ---- the register ----


def _register(path: Path) -> tuple[Worksheet, dict[str, int]]:
    sheet = load_workbook(path).active
    assert isinstance(sheet, Worksheet)
    columns = {str(c.value): c.column for c in sheet[4] if c.value != "#"}
    return sheet, columns


def test_the_hidden_row_has_every_field_once_in_the_order_of_the_form(pack: Pack, tmp_path: Path) -> None:
    write_register(pack, tmp_path / "register.xlsx", [full_report(pack)])
    sheet, columns = _register(tmp_path / "register.xlsx")
    paths = [str(cell.value) for cell in sheet[4]]
    assert sheet.row_dimensions[4].hidden
    assert sheet.freeze_panes == "C5"
    assert sheet.auto_filter.ref is None
    grids = [path for grid in pack.layout.grids for path in grid.field_cells]
    order = pack.meta["register"]
    head = [
        "#",
        *order["first"],
        *grids,
        *order["after_tables"],
        "title",
        "introduction",
        "overview.preamble",
    ]
    assert paths[: len(head)] == head
    assert paths[-5:] == [*order["last"], "#"]
    assert set(columns) >= {f.path for f in pack.fields.plain} | {"notes"}
    assert len(columns) == len(paths) - 2
    assert sum(p.startswith("overview.additional[") for p in columns) == 6


def test_header_rows_say_table_row_and_column(pack: Pack, tmp_path: Path) -> None:
    write_register(pack, tmp_path / "register.xlsx")
    sheet, columns = _register(tmp_path / "register.xlsx")
    covered = {
        (r, c): sheet.cell(area.min_row, area.min_col).value
        for area in sheet.merged_cells.ranges
        for r, c in area.cells
    }

    def words(path: str) -> list[object]:
        at = [(row, columns[path]) for row in (1, 2, 3)]
        return [covered.get(place, sheet.cell(*place).value) for place in at]

    three = "表三 三、收到和处理政府信息公开申请情况"
    assert words("requests.results.not_processed.repeated.business") == [
        f"{three} / 三、本年度办理结果 / （五）不予处理",
        "2.重复申请",
        "商业企业",
    ]
    assert words("requests.new.total") == [three, "一、本年新收政府信息公开申请数量", "总计"]
    assert words("disclosure.licensing.decisions") == [
        "表二 二、主动公开政府信息情况 / 第二十条第（五）项",
        "行政许可",
        "本年处理决定数量",
    ]
    assert words("disputes.litigation_direct.pending") == [
        "表四 四、政府信息公开行政复议、行政诉讼情况 / 行政诉讼",
        "未经复议直接起诉",
        "尚未审结",
    ]
    assert words("agency") == ["单位名称"] * 3
    assert words("overview.additional[1].text") == ["一、总体情况", "其他专题（第2项）", "正文"]


def test_reports_become_a_register_and_back_without_loss(pack: Pack, tmp_path: Path) -> None:
    reports = [full_report(pack, seed, f"第{seed}局") for seed in range(3)]
    reports.append(_spoilt(pack, reports[0]))
    reports.append(report_from_data({"agency": "空白局", "year": 2023}, pack))
    write_register(pack, tmp_path / "register.xlsx", iter(reports))
    found = read(tmp_path / "register.xlsx", pack)
    assert [r.data for r in found] == [r.data for r in reports]


def test_a_roster_becomes_rows_with_live_totals(calculated: dict[str, Path], pack: Pack) -> None:
    report = full_report(pack)
    sheet = load_workbook(calculated["register"], data_only=True).active
    columns = {cell.value: cell.column for cell in sheet[4]}
    for path in totals(pack.rules.instances):
        assert sheet.cell(5, columns[path]).value == report.value(path)
        assert sheet.cell(7, columns[path]).value == 0
        assert sheet.cell(6, columns[path]).value in (None, ""), path


def test_a_roster_row_is_prefilled_and_validated(pack: Pack, tmp_path: Path) -> None:
    last = full_report(pack, 4)
    roster = [{"agency": "甲", "year": 2024, "profile": {"category": "township"}}, {"agency": AGENCY}]
    write_register(pack, tmp_path / "register.xlsx", roster=roster, previous={AGENCY: last})
    sheet, columns = _register(tmp_path / "register.xlsx")
    assert [sheet.cell(row, 1).value for row in (5, 6)] == [1, 2]
    assert sheet.cell(5, columns["profile.category"]).value == "乡镇"
    carried = columns["requests.carried_in.natural_person"]
    assert sheet.cell(5, carried).value is None
    assert sheet.cell(6, carried).value == last.value("requests.carried_out.natural_person")
    assert sheet.cell(6, carried).font.italic
    rules = {str(area): rule for rule in sheet.data_validations.dataValidation for area in rule.sqref.ranges}
    letter = get_column_letter(carried)
    assert rules[f"{letter}5:{letter}6"].type == "whole"


def test_the_long_layout_has_a_line_for_each_statutory_row(pack: Pack, tmp_path: Path) -> None:
    reports = [full_report(pack, seed, f"第{seed}局") for seed in range(2)]
    write_long(pack, tmp_path / "long.xlsx", iter(reports))
    workbook = load_workbook(tmp_path / "long.xlsx")
    assert workbook.sheetnames == [*TABLES, "文字"]
    rows = list(workbook["表三"].iter_rows(values_only=True))
    head = ("单位名称", "年度", "项目", "项目（2级）", "项目（3级）", "自然人", "商业企业", "科研机构")
    assert rows[0] == (*head, "社会公益组织", "法律服务机构", "其他", "总计")
    assert len(rows) == 1 + 2 * 25
    assert rows[26][:5] == ("第1局", 2023, "一、本年新收政府信息公开申请数量", None, None)
    assert rows[26][-1] == reports[1].value("requests.new.total")
    assert len(list(workbook["表二"].iter_rows())) == 1 + 2 * 6
    assert workbook["表四"].max_row == 4 + 2
    assert [r.data for r in read(tmp_path / "long.xlsx", pack)] == [r.data for r in reports]


# ---- texts, limits, files ----


@pytest.mark.parametrize("text", AWKWARD)
def test_text_is_text_whatever_it_begins_with(pack: Pack, tmp_path: Path, text: str) -> None:
    report = report_from_data({"agency": AGENCY, "year": 2023, "problems": text}, pack)
    write_form(pack, tmp_path / "form.xlsx", report=report)
    write_register(pack, tmp_path / "register.xlsx", [report])
    cell = load_workbook(tmp_path / "form.xlsx")["文字"]
    row = rows_by_path(cell)["problems"]
    assert cell.cell(row, 2).data_type == "s"
    assert cell.cell(row, 2).quotePrefix == text.startswith(("=", "+", "-", "@"))
    values = (
        load_with_calamine(str(tmp_path / "form.xlsx"))
        .get_sheet_by_name("文字")
        .to_python(skip_empty_area=False)
    )
    assert values[row - 1][1] == text
    values = (
        load_with_calamine(str(tmp_path / "register.xlsx"))
        .get_sheet_by_index(0)
        .to_python(skip_empty_area=False)
    )
    assert values[4][values[3].index("problems")] == text


WRITERS: list[Callable[[Pack, Path, Report], None]] = [
    lambda pack, path, report: write_form(pack, path, report=report),
    lambda pack, path, report: write_register(pack, path, [report]),
    lambda pack, path, report: write_long(pack, path, [report]),
]
every_writer = pytest.mark.parametrize("writer", WRITERS, ids=["form", "register", "long"])


@every_writer
@pytest.mark.parametrize(
    ("text", "fits"), [("字" * 32_767, True), ("字" * 32_768, False), ("😀" * 16_384, False)]
)
def test_a_text_that_no_cell_can_hold_is_refused_by_name(
    pack: Pack, tmp_path: Path, writer: Any, text: str, fits: bool
) -> None:
    report = report_from_data({"agency": AGENCY, "year": 2023, "problems": text}, pack)
    path = tmp_path / "out.xlsx"
    if fits:
        writer(pack, path, report)
        (found,) = read(path, pack)
        assert found.data["problems"] == text
        return
    with pytest.raises(OutputError) as raised:
        writer(pack, path, report)
    assert AGENCY in raised.value.message
    assert "五、存在的主要问题及改进情况" in raised.value.message
    assert list(tmp_path.iterdir()) == []


@every_writer
def test_equal_input_gives_equal_bytes(pack: Pack, tmp_path: Path, writer: Any) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        writer(pack, tmp_path / name, full_report(pack))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.testzip() is None


@every_writer
def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_nothing(
    pack: Pack, tmp_path: Path, writer: Any
) -> None:
    for path in (tmp_path / "missing" / "out.xlsx", tmp_path):
        with pytest.raises(OutputError) as raised:
            writer(pack, path, full_report(pack))
        assert str(path) in raised.value.message
        assert "\n" not in raised.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_file_that_was_there(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    path.write_bytes(b"last week's")
    long = report_from_data({"agency": AGENCY, "year": 2023, "problems": "字" * 40_000}, pack)
    with pytest.raises(OutputError):
        write_register(pack, path, [full_report(pack), long])
    assert path.read_bytes() == b"last week's"
    assert [p.name for p in tmp_path.iterdir()] == ["form.xlsx"]


def test_an_amount_with_more_digits_than_a_spreadsheet_keeps_stays_whole(pack: Pack, tmp_path: Path) -> None:
    data = exchanged(full_report(pack).data)
    for amount in ("123456789012.123456", "0.1", "999999999.999999"):
        place_value(data, "disclosure.administrative_fees.amount", amount)
        report = report_from_data(data, pack)
        for writer in WRITERS:
            writer(pack, tmp_path / "out.xlsx", report)
            (found,) = read(tmp_path / "out.xlsx", pack)
            assert lookup(found.data, "disclosure.administrative_fees.amount") == Decimal(amount)


def test_a_note_that_one_line_cannot_hold_is_refused(pack: Pack, tmp_path: Path) -> None:
    data: dict[str, Any] = {"agency": AGENCY, "year": 2023, "notes": {"a=b": "说明"}}
    report = Report(data)
    with pytest.raises(OutputError, match="等号或换行"):
        write_form(pack, tmp_path / "form.xlsx", report=report)


def test_any_pack_gets_its_workbooks_for_nothing(tmp_path: Path) -> None:
    new_pack(tmp_path / "new")
    other = load_pack(tmp_path / "new")
    data = {
        "agency": "甲",
        "year": 2024,
        "cases": {"online": 1, "offline": 2, "total": 3},
        "problems": "没有",
    }
    report = report_from_data(data, other)
    for writer in WRITERS:
        writer(other, tmp_path / "out.xlsx", report)
        (found,) = read(tmp_path / "out.xlsx", other)
        assert found.data == report.data
    write_form(other, tmp_path / "form.xlsx")
    assert load_workbook(tmp_path / "form.xlsx").sheetnames == [
        "填报说明",
        "基本信息",
        "表一",
        "文字",
        "校验",
        "说明",
    ]


def test_reports_are_taken_one_by_one(pack: Pack, tmp_path: Path) -> None:
    """A register is written while its reports come in; none of them needs to be kept."""
    import weakref

    alive: list[weakref.ref[dict[str, Any]]] = []
    most = 0

    class Data(dict[str, Any]):
        """A dict that can be watched."""

    def reports() -> Iterator[Report]:
        nonlocal most
        for seed in range(8):
            data = Data(exchanged(full_report(pack, seed).data))
            alive.append(weakref.ref(data))
            most = max(most, sum(ref() is not None for ref in alive))
            yield Report(data)

    write_register(pack, tmp_path / "register.xlsx", reports())
    assert most <= 3
    assert load_workbook(tmp_path / "register.xlsx", read_only=True).active.max_row in (None, 12)
