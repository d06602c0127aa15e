"""Waivers: an explained finding blocks nothing, and only as long as what it explains has not changed."""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from conftest import EXAMPLES
from nianbao.errors import InputError
from nianbao.fields import place_value
from nianbao.findings import Finding, Waiver, Where
from nianbao.outputs.results.explaining import EXPLAINED
from nianbao.outputs.results.summary import FINDINGS, OVERVIEW, entry_of, write_summary
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, check_many, report_from_data
from nianbao.report import Report
from nianbao.waivers import Waivers, can_be_waived, read_waivers

REPORTS: list[dict[str, Any]] = json.loads((EXAMPLES / "reports.json").read_bytes())
HEAD = ("单位", "规则", "栏目", "填报值", "理由", "确认人", "日期")
FIELD = "requests.results.granted.total"
WAIVER = Waiver("涧西区人民政府", "T3-ROW", FIELD, "13", "台账如此", "张三", "2024-01-20")
# A wrong total in two sums, both explained.
BOTH = (WAIVER, replace(WAIVER, rule="T3-RESULTS", field="requests.results.total.total", value="39"))


def report(pack: Pack, **patch: Any) -> Report:
    data = copy.deepcopy(next(r for r in REPORTS if r["agency"] == "涧西区人民政府"))
    # Its figures are another rule's.
    data["overview"]["on_request"]["text"] = "申请都在法定期限内答复。"
    for path, value in patch.items():
        place_value(data, path.replace("__", "."), value)
    return report_from_data(data, pack)


def wrong(pack: Pack, total: int = 13) -> Report:
    # Without figures in its text, which would be held against the table as well.
    return report(
        pack, requests__results__granted__total=total, overview__on_request__text="申请均依法办理。"
    )


def found(result: CheckResult, rule: str) -> Finding:
    (finding,) = (f for f in result.findings if f.rule == rule)
    return finding


def test_an_explained_finding_is_told_and_blocks_nothing(pack: Pack) -> None:
    before, after = check(wrong(pack), pack), check(wrong(pack), pack, None, BOTH)
    assert (before.ok, before.errors, before.status) == (False, 2, "fail")
    assert (after.ok, after.errors, after.waived, after.status) == (True, 0, 2, "pass")
    finding = found(after, "T3-ROW")
    assert (finding.severity, finding.waiver) == ("error", WAIVER)
    assert finding.as_dict()["waived"] == {
        "reason": "台账如此",
        "confirmed_by": "张三",
        "date": "2024-01-20",
    }
    assert "waived" not in found(before, "T3-ROW").as_dict()


def test_waivers_may_be_given_as_they_were_read(pack: Pack) -> None:
    assert check(wrong(pack), pack, None, Waivers(BOTH)).ok


def test_one_of_two_explained_still_blocks(pack: Pack) -> None:
    result = check(wrong(pack), pack, None, (WAIVER,))
    assert (result.ok, result.errors, result.waived) == (False, 1, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": ""}, "没有填理由"),
        ({"confirmed_by": ""}, "没有填确认人"),
        ({"reason": "", "confirmed_by": ""}, "没有填理由、确认人"),
        ({"value": "14"}, "说明时填报值为14，现为13"),
        ({"value": None}, "没有填说明时的填报值"),
        ({"expected": "11"}, "说明时应为11，现应为12"),
    ],
)
def test_a_waiver_is_void_and_says_why(pack: Pack, change: dict[str, Any], words: str) -> None:
    where = Where("说明.xlsx", "情况说明", row=7)
    result = check(wrong(pack), pack, None, (replace(WAIVER, where=where, **change),))
    finding = found(result, "WAIVER-VOID")
    assert words in finding.message
    assert (finding.severity, finding.where, finding.field) == ("warning", where, FIELD)
    assert (result.ok, result.errors, result.waived) == (False, 2, 0)


def test_a_waiver_is_void_when_the_value_changes_or_what_it_should_be(pack: Pack) -> None:
    assert not found(check(wrong(pack, 14), pack, None, BOTH), "T3-ROW").waiver
    whole = replace(WAIVER, expected="12")
    assert found(check(wrong(pack), pack, None, (whole,)), "T3-ROW").waiver
    moved = report(pack, requests__results__granted__total=13, requests__results__granted__natural_person=11)
    assert not found(check(moved, pack, None, (whole,)), "T3-ROW").waiver


@pytest.mark.parametrize(
    "change",
    [
        {"field": "表三·（一）予以公开·总计"},
        {"field": "表三·（一）予以公开· 总计"},
        {"field": ""},
        {"agency": "涧西区\u3000人民政府 "},
        {"value": "13.0"},
        {"year": 2023},
    ],
)
def test_field_and_value_may_be_written_as_people_do(pack: Pack, change: dict[str, Any]) -> None:
    assert found(check(wrong(pack), pack, None, (replace(WAIVER, **change),)), "T3-ROW").waiver


@pytest.mark.parametrize("change", [{"year": 2022}, {"agency": "甲局"}])
def test_a_waiver_of_another_year_or_agency_is_not_looked_at(pack: Pack, change: dict[str, Any]) -> None:
    result = check(wrong(pack), pack, None, (replace(WAIVER, **change),))
    assert result.waived == 0
    assert not any(f.rule.startswith("WAIVER-") for f in result.findings)


def test_a_waiver_that_matches_nothing_is_told(pack: Pack) -> None:
    right = report(pack)
    for waiver, words in (
        (WAIVER, "本份报告没有这个问题"),
        (replace(WAIVER, rule="T9"), "没有这个编号的问题"),
    ):
        result = check(right, pack, None, (waiver,))
        assert words in found(result, "WAIVER-UNUSED").message
        assert result.status == "pass"


def test_what_cannot_be_read_cannot_be_explained(pack: Pack) -> None:
    bad = report(pack, requests__results__granted__total="若干")
    waiver = replace(WAIVER, rule="VALUE", value="若干")
    result = check(bad, pack, None, (waiver,))
    assert not result.ok
    assert "不能以说明代替" in found(result, "WAIVER-VOID").message
    assert not can_be_waived(found(result, "VALUE"), pack)


def test_a_text_is_known_by_its_digest_and_an_empty_one_by_nothing(pack: Pack, tmp_path: Path) -> None:
    text = "政府信息公开工作方面，本年度没有发现任何问题，各项工作均按要求完成，今后继续保持。"
    result = check(report(pack, problems=text), pack)
    path = tmp_path / "检查结果.xlsx"
    write_summary(path, pack, [entry_of(result, pack)])
    fill(path, "确无问题", "李四")
    waivers = read_waivers(path)
    assert waivers[0].value is not None
    assert waivers[0].value.startswith("（文字，共")
    assert check(report(pack, problems=text), pack, None, waivers).status == "pass"
    changed = check(report(pack, problems=f"{text}没有问题。"), pack, None, waivers)
    assert [f.rule for f in changed.findings if f.waiver is None] == ["S5-NO-PROBLEMS", "WAIVER-VOID"]
    empty = Waiver("涧西区人民政府", "S6-EMPTY", "other_matters", None, "另文报告", "李四")
    assert check(report(pack, other_matters=""), pack, None, (empty,)).status == "pass"


def test_a_rule_about_last_year_can_be_explained_until_last_years_figure_changes(pack: Pack) -> None:
    data = json.loads((EXAMPLES / "previous.json").read_bytes())[1]
    data["requests"]["carried_out"]["total"] = 4
    last = report_from_data(data, pack)
    field = "requests.carried_in.total"
    waiver = Waiver("涧西区人民政府", "YOY-CARRIED", field, "2", "上年报告有误，已更正", "王五", expected="4")
    assert found(check(report(pack), pack, last, (waiver,)), "YOY-CARRIED").waiver
    data["requests"]["carried_out"]["total"] = 5
    again = check(report(pack), pack, report_from_data(data, pack), (waiver,))
    assert "说明时应为4，现应为5" in found(again, "WAIVER-VOID").message


# ---- the sheet that goes out and comes back ----


def fill(path: Path, reason: str, confirmed_by: str, rows: Sequence[int] = ()) -> None:
    """Fill in reason and name in the sheet of explanations, as a person does."""
    book = load_workbook(path)
    sheet: Any = book[EXPLAINED]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row in rows or range(2, sheet.max_row + 1):
        sheet.cell(row, columns["理由"]).value = reason
        sheet.cell(row, columns["确认人"]).value = confirmed_by
        sheet.cell(row, columns["日期"]).value = "2024-01-20"
    book.save(path)


def table(path: Path, name: str) -> list[dict[str, Any]]:
    head, *rows = load_workbook(path)[name].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows if any(cell is not None for cell in row)]


def test_the_sheet_of_the_results_is_filled_in_and_given_back(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "检查结果.xlsx"
    write_summary(path, pack, [entry_of(check(wrong(pack), pack), pack)])
    rows = table(path, EXPLAINED)
    assert [(r["规则"], r["位置"], r["填报值"], r["应为"], r["理由"]) for r in rows] == [
        ("T3-ROW", "表三·（一）予以公开·总计", "13", "12", None),
        ("T3-RESULTS", "表三·（七）总计·总计", "39", "40", None),
    ]
    assert read_waivers(path) == []
    fill(path, "台账如此", "张三")
    (result,) = check_many([wrong(pack)], pack, waivers=path)
    assert (result.ok, result.waived) == (True, 2)
    # What was explained stays filled in, so that the next round need not ask again.
    write_summary(path, pack, [entry_of(result, pack)])
    assert {row["理由"] for row in table(path, EXPLAINED)} == {"台账如此"}
    assert [row["级别"] for row in table(path, FINDINGS)] == ["已说明", "已说明"]
    assert "已说明：台账如此（张三 2024-01-20确认）" in table(path, FINDINGS)[0]["说明"]
    overview = table(path, OVERVIEW)[0]
    assert (overview["状态"], overview["错误"], overview["警告"]) == ("通过", 0, 0)
    (again,) = check_many([wrong(pack)], pack, waivers=path)
    assert again.ok


def test_results_without_anything_to_explain_have_no_such_sheet(pack: Pack, tmp_path: Path) -> None:
    write_summary(tmp_path / "a.xlsx", pack, [entry_of(check(report(pack), pack), pack)])
    assert EXPLAINED not in load_workbook(tmp_path / "a.xlsx").sheetnames


# ---- files ----


def workbook(path: Path, *rows: Sequence[object]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def test_a_file_of_ones_own_is_read_too_from_csv_as_well(pack: Pack, tmp_path: Path) -> None:
    import datetime

    row = ("涧西区 人民政府", "t3-row", "表三·（一）予以公开·总计", 13, "台账如此", "张三")
    path = workbook(tmp_path / "说明.xlsx", ("情况说明表",), HEAD, (*row, datetime.date(2024, 1, 20)))
    (waiver,) = read_waivers(path)
    assert (waiver.rule, waiver.value, waiver.date, waiver.where.row) == ("T3-ROW", "13", "2024-01-20", 3)
    (result,) = check_many([wrong(pack)], pack, waivers=path)
    assert result.waived == 1
    with (tmp_path / "说明.csv").open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows([HEAD, (*row, "2024-01-20")])
    assert read_waivers(tmp_path / "说明.csv")[0].reason == "台账如此"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([HEAD, (None, "T3-ROW", None, 1, "如此", "张三")], "第2行没有填单位"),
        ([HEAD, ("甲局", None, None, 1, "如此", "张三")], "第2行没有填规则"),
        ([("单位", "规则", "理由"), ("甲局", "T3-ROW", "如此")], "不像情况说明表"),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_sentence(
    tmp_path: Path, rows: list[Sequence[object]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_waivers(workbook(tmp_path / "说明.xlsx", *rows))
    with pytest.raises(InputError, match="找不到情况说明表"):
        read_waivers(tmp_path / "没有.xlsx")


def test_waivers_for_which_there_is_no_report_are_told() -> None:
    waivers = Waivers((WAIVER, replace(WAIVER, agency="甲局", year=2023), replace(WAIVER, agency="乙局")))
    assert [w.agency for w in waivers.unclaimed([("涧西区 人民政府", 2023), ("甲局", 2022)])] == [
        "甲局",
        "乙局",
    ]
    assert len(waivers.notes([])) == 3
