"""Rolling up: exact sums, who counts, what is counted twice, adjustments, last year, drafts, what changed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

import nianbao
from conftest import consistent_report
from nianbao.consolidation import Adjustment, Rollup, rollup
from nianbao.consolidation.record import Record, read_record, record_json
from nianbao.errors import InputError
from nianbao.fields import lookup, place_value
from nianbao.findings import Waiver
from nianbao.pack import Pack
from nianbao.pipeline import check, report_from_data
from nianbao.report import exchanged
from nianbao.waivers import Waivers

WHOLE = "清河区人民政府"
NEW = "requests.new.natural_person"


def member(
    pack: Pack,
    name: str,
    category: str | None = "department",
    seed: int | None = None,
    profile: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the data of a consistent member; `profile` is what its profile says otherwise."""
    data = consistent_report(pack, sum(map(ord, name)) if seed is None else seed, agency=name)
    data["disclosure"]["government_rules"] = dict.fromkeys(data["disclosure"]["government_rules"], 0)
    said = {"category": category, "scope": "own", "in_rollup": True, "rulemaking_power": False}
    data["profile"] = {k: v for k, v in {**said, **(profile or {})}.items() if v is not None}
    return data


def district(pack: Pack) -> list[dict[str, Any]]:
    return [
        member(pack, WHOLE, "government"),
        member(pack, "清河区民政局"),
        member(pack, "清河区财政局"),
        member(pack, "清河区柳林街道办事处", "subdistrict"),
    ]


def rolled(pack: Pack, members: Sequence[dict[str, Any]], agency: str = WHOLE, **more: Any) -> Rollup:
    return rollup([report_from_data(data, pack) for data in members], pack, agency, **more)


def told(result: Rollup, rule: str) -> list[str]:
    return [finding.message for finding in result.findings if finding.rule == rule]


def rules(result: Rollup) -> set[str]:
    return {finding.rule for finding in result.findings}


def by_hand(pack: Pack, members: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    paths = [f.path for f in pack.fields.numbers if f.required]
    return {path: sum((Decimal(lookup(data, path)) for data in members), Decimal(0)) for path in paths}


# ---- sums ----


def test_every_figure_is_the_exact_sum_of_the_members(pack: Pack) -> None:
    members = district(pack)
    members[0]["disclosure"]["administrative_fees"]["amount"] = "163.8908"
    members[1]["disclosure"]["administrative_fees"]["amount"] = "0.000001"
    result = rolled(pack, members)
    assert {path: Decimal(result.figures[path] or 0) for path in by_hand(pack, members)} == by_hand(
        pack, members
    )
    assert result.ok
    assert result.draft == ""
    assert (result.report.data["profile"]["scope"], result.report.data["profile"]["in_rollup"]) == (
        "region",
        True,
    )


def test_processing_fees_are_added_in_yuan_and_stay_blank_where_nobody_has_any(pack: Pack) -> None:
    members = district(pack)
    assert rolled(pack, members).report.value("profile.processing_fee.collected") is None
    members[1]["profile"]["processing_fee"] = {"notices": 1, "billed": "120.50", "collected": "120.50"}
    members[2]["profile"]["processing_fee"] = {"notices": 2, "billed": "30.05", "collected": "0.05"}
    result = rolled(pack, members)
    assert result.report.value("profile.processing_fee.collected") == Decimal("120.55")
    assert result.report.value("profile.processing_fee.notices") == 3


def test_the_words_of_the_whole_are_those_of_its_own_government_and_no_others(pack: Pack) -> None:
    members = district(pack)
    members[0]["problems"] = "本级政府写的问题。"
    members[0]["notes"] = {NEW: "含本级1件"}
    members[1]["problems"] = "民政局写的问题。"
    result = rolled(pack, members)
    assert result.report.data["problems"] == "本级政府写的问题。"
    assert "notes" not in result.report.data
    assert {m.agency: m.texts["problems"] for m in result.members}["清河区民政局"] == "民政局写的问题。"


def test_what_holds_for_the_own_office_alone_is_not_said_of_the_whole(pack: Pack) -> None:
    members = district(pack)
    for field in pack.fields.numbers:
        if field.path.startswith(("requests.", "disputes.")):
            place_value(members[0], field.path, 0)
    members[0]["profile"]["no_applications"] = True
    explained = Waiver(WHOLE, "T3-ROW", NEW, "1", "属实", "张三", expected="2")
    result = rolled(pack, members, waivers=Waivers((explained,)))
    assert "no_applications" not in result.report.data["profile"]
    assert result.findings == ()


def test_without_words_of_its_own_the_whole_is_a_draft_and_no_error(pack: Pack) -> None:
    result = rolled(pack, district(pack)[1:])
    assert result.ok
    assert result.draft == "缺文字，仅为草稿"
    assert rules(result) == {"ROLLUP-WORDS"}


def test_a_report_of_the_whole_without_figures_brings_the_words(pack: Pack) -> None:
    words = {"agency": WHOLE, "year": 2023, "profile": {"scope": "region", "category": "government"}}
    full = member(pack, WHOLE)
    words |= {key: full[key] for key in ("overview", "problems", "other_matters")}
    result = rolled(pack, [*district(pack)[1:], words])
    assert result.ok
    assert result.draft == ""
    assert len(result.members) == 3


numbers = st.integers(0, 10**6)


@settings(max_examples=15)
@given(st.lists(numbers, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_roll_up_of_consistent_reports_is_consistent_in_any_order(
    pack: Pack, seeds: list[int], order: random.Random
) -> None:
    members = [member(pack, f"清河区第{n}局", seed=seed) for n, seed in enumerate(seeds)]
    result = rolled(pack, members)
    linear = {instance.rule.id for instance in pack.rules.instances}
    assert [f for f in result.result.findings if f.rule in linear and f.severity == "error"] == []
    mixed = list(members)
    order.shuffle(mixed)
    again = rolled(pack, mixed)
    assert again.figures == result.figures
    assert again.members == result.members
    assert again.statement == result.statement


@settings(max_examples=10)
@given(st.lists(numbers, min_size=2, max_size=8), st.data())
def test_a_roll_up_of_roll_ups_equals_the_flat_one(pack: Pack, seeds: list[int], data: st.DataObject) -> None:
    members = [member(pack, f"清河第{n}局", seed=seed) for n, seed in enumerate(seeds)]
    cut = data.draw(st.integers(1, len(members) - 1))
    parts = [
        exchanged(rolled(pack, part, name).report.data)
        for name, part in (("东河区人民政府", members[:cut]), ("西河区人民政府", members[cut:]))
    ]
    nested, flat = rolled(pack, parts, "清河市人民政府"), rolled(pack, members, "清河市人民政府")
    assert nested.figures == flat.figures
    assert nested.report.data["profile"]["scope"] == "region"


@settings(max_examples=15)
@given(st.lists(numbers, min_size=1, max_size=5), st.data())
def test_the_matrix_sums_to_the_report(pack: Pack, seeds: list[int], data: st.DataObject) -> None:
    members = [member(pack, f"清河区第{n}局", seed=seed) for n, seed in enumerate(seeds)]
    path = data.draw(st.sampled_from([f.path for f in pack.rollup.fields if f.kind == "count"]))  # type: ignore[union-attr]
    amount = data.draw(st.integers(1, 99))
    result = rolled(pack, members, adjustments=[Adjustment(path, amount, "理由", "批准人")])
    for number, field in enumerate(result.fields):
        contributed = sum(m.figure(number) for m in result.members)
        adjusted = sum(line.amount for line in result.adjustments if line.field == field)
        assert contributed + adjusted == (result.figures[field] or 0)
        assert (result.report.value(field) or 0) == (result.figures[field] or 0)


def test_it_is_in_the_library(pack: Pack) -> None:
    assert nianbao.rollup is rollup
    assert isinstance(
        nianbao.rollup([report_from_data(member(pack, "甲局"), pack)], pack, "甲区"), nianbao.Rollup
    )


# ---- who counts ----


def test_vertical_agencies_are_left_out_and_listed(pack: Pack) -> None:
    tax = member(pack, "国家税务总局清河区税务局", "vertical", profile={"in_rollup": None})
    result = rolled(pack, [*district(pack), tax])
    assert [(e.agency, e.reason) for e in result.excluded] == [("国家税务总局清河区税务局", "垂直管理机构")]
    assert result.figures == rolled(pack, district(pack)).figures
    assert "不含国家税务总局清河区税务局" in result.statement


def test_a_vertical_agency_that_says_it_counts_is_left_out_with_a_warning(pack: Pack) -> None:
    result = rolled(pack, [*district(pack), member(pack, "清河区税务局", "vertical")])
    assert told(result, "ROLLUP-EXCLUDED") == ["清河区税务局写明计入汇总，但垂直管理机构不计入；请核对类别"]
    assert len(result.members) == 4


def test_the_roster_says_who_counts_before_the_reports_do(pack: Pack) -> None:
    roster = [
        {"agency": "清河区民政局", "profile": {"in_rollup": False}},
        {"agency": "清河区财政局", "profile": {"category": "vertical"}},
        {"agency": WHOLE},
        {"agency": "清河区柳林街道办事处"},
    ]
    result = rolled(pack, district(pack), agencies=roster)
    assert [m.agency for m in result.members] == [WHOLE, "清河区柳林街道办事处"]
    assert {e.agency: e.reason for e in result.excluded} == {
        "清河区民政局": "写明不计入汇总",
        "清河区财政局": "垂直管理机构",
    }


def test_agencies_of_the_roster_without_a_report_make_it_a_draft(pack: Pack) -> None:
    names = [d["agency"] for d in district(pack)]
    roster = [{"agency": name} for name in (*names, "清河区司法局", "清河区审计局", "清河区信访局")]
    roster.append({"agency": "清河区气象局", "profile": {"category": "vertical"}})
    result = rolled(pack, district(pack), agencies=roster)
    assert result.missing == ("清河区司法局", "清河区审计局", "清河区信访局")
    assert result.draft == "缺3家，仅为草稿"
    assert told(result, "ROLLUP-MISSING")[0].startswith("名录中缺3家的报告：清河区司法局、")
    assert [(e.agency, e.reported) for e in result.excluded] == [("清河区气象局", False)]
    assert result.ok


def test_a_report_is_found_on_the_roster_by_code_too_and_one_that_is_not_there_is_refused(pack: Pack) -> None:
    members = district(pack)
    members[1] = member(pack, "清河区民政和养老局", profile={"code": "X1"})
    roster = [{"agency": m["agency"]} for m in members if m["agency"] != "清河区民政和养老局"]
    result = rolled(pack, members, agencies=[*roster, {"agency": "清河区民政局", "profile": {"code": "x1"}}])
    assert result.ok
    assert result.missing == ()
    refused = rolled(pack, members, agencies=roster)
    assert told(refused, "ROLLUP-UNLISTED") == [
        "清河区民政和养老局不在单位名录中；请补进名录，或把它移出汇总的输入"
    ]
    assert not refused.ok


# ---- what must not be counted ----


def test_a_region_and_an_agency_inside_of_it_are_not_both_counted(pack: Pack) -> None:
    members = [
        member(pack, "东河区人民政府", "government", profile={"scope": "region"}),
        member(pack, "东河区柳林街道办事处", "subdistrict"),
        member(pack, "清河市东河区民政局"),
        member(pack, "清河市民政局"),
    ]
    result = rolled(pack, members, "清河市人民政府")
    assert told(result, "ROLLUP-CONTAINED") == [
        "清河市东河区民政局已含在东河区人民政府全区口径中，会重复计入；请去掉其中之一",
        "东河区柳林街道办事处已含在东河区人民政府全区口径中，会重复计入；请去掉其中之一",
    ]
    assert not result.ok


def test_the_roster_may_say_in_whose_figures_an_agency_is_included(pack: Pack, tmp_path: Path) -> None:
    roster = tmp_path / "名录.csv"
    roster.write_text("单位名称,上级单位\n东河区人民政府,\n柳林街道办事处,东河区人民政府\n", encoding="utf-8")
    members = [
        member(pack, "东河区人民政府", "government", profile={"scope": "region"}),
        member(pack, "柳林街道办事处", None),
    ]
    result = rolled(pack, members, "清河市人民政府", agencies=roster)
    assert told(result, "ROLLUP-CONTAINED") == [
        "柳林街道办事处已含在东河区人民政府全区口径中，会重复计入；请去掉其中之一"
    ]


def test_the_figures_of_a_level_hold_its_departments_but_not_its_subdistricts(pack: Pack) -> None:
    members = district(pack)
    members[0]["profile"]["scope"] = "level"
    result = rolled(pack, members)
    assert [m.partition("已含在")[0] for m in told(result, "ROLLUP-CONTAINED")] == [
        "清河区民政局",
        "清河区财政局",
    ]


def test_the_result_is_no_member_of_itself(pack: Pack) -> None:
    result = rolled(
        pack, [*district(pack)[1:], member(pack, WHOLE, "government", profile={"scope": "region"})]
    )
    assert told(result, "ROLLUP-CYCLE")[0].startswith(
        "清河区人民政府的全区口径报告就是汇总的结果，不能再作为成员"
    )


def test_two_members_with_the_same_figures_are_suspicious_and_empty_ones_are_not(pack: Pack) -> None:
    members = [*district(pack), member(pack, "清河区司法局", seed=5), member(pack, "清河区审计局", seed=5)]
    result = rolled(pack, members)
    assert told(result, "ROLLUP-SAME") == [
        "清河区司法局与清河区审计局各表的数字完全相同，疑似重复计入；请核对"
    ]
    assert result.ok
    empty = [member(pack, name, seed=5) for name in ("清河区司法局", "清河区审计局")]
    for data in empty:
        for field in pack.fields.numbers:
            if field.required:
                place_value(data, field.path, "0" if field.kind == "amount" else 0)
    assert "ROLLUP-SAME" not in rules(rolled(pack, [*district(pack), *empty]))


def test_one_table_that_two_members_share_is_suspicious_too(pack: Pack) -> None:
    one, other = member(pack, "清河区司法局", seed=5), member(pack, "清河区审计局", seed=6)
    other["requests"] = json.loads(json.dumps(one["requests"]))
    result = rolled(pack, [*district(pack), one, other])
    assert told(result, "ROLLUP-SAME") == [
        "清河区司法局与清河区审计局表三的数字完全相同，疑似重复计入；请核对"
    ]


def test_an_agency_that_comes_twice_is_refused_with_the_files_named(pack: Pack, tmp_path: Path) -> None:
    for name in ("民政局.json", "民政局（终稿）.json"):
        (tmp_path / name).write_text(json.dumps(member(pack, "清河区民政局")), encoding="utf-8")
    reports = [report for path in sorted(tmp_path.iterdir()) for report in nianbao.read(path, pack)]
    result = rollup(reports, pack, WHOLE)
    assert told(result, "ROLLUP-DOUBLED") == [
        "清河区民政局有2份报告（民政局.json、民政局（终稿）.json），会重复计入；请只留一份"
    ]
    assert not result.ok


def test_a_renamed_agency_is_the_same_agency(pack: Pack, tmp_path: Path) -> None:
    aliases = tmp_path / "别名.csv"
    aliases.write_text("原单位,现单位,变动\n清河区民政局,清河区社会局,改名\n", encoding="utf-8")
    members = [member(pack, "清河区民政局"), member(pack, "清河区社会局", seed=3)]
    assert "ROLLUP-DOUBLED" in rules(rolled(pack, members, aliases=aliases))


def test_two_names_with_one_code_are_told(pack: Pack) -> None:
    members = [member(pack, name, seed=n, profile={"code": "C1"}) for n, name in enumerate(("甲局", "乙局"))]
    assert "的代码都是C1" in told(rolled(pack, members), "ROLLUP-CODE")[0].replace("c1", "C1")


def test_a_member_that_fails_is_refused_unless_it_is_explained(pack: Pack) -> None:
    members = district(pack)
    members[1]["requests"]["new"]["total"] += 1
    result = rolled(pack, members)
    (message,) = told(result, "ROLLUP-FAILED")
    assert message.startswith("清河区民政局未通过校验（2个错误），不能汇总：表三")
    assert not result.ok
    findings = check(report_from_data(members[1], pack), pack).findings
    explained = [
        Waiver("清河区民政局", f.rule, f.field or "", str(f.actual), "属实", "张三", expected=str(f.expected))
        for f in findings
        if f.severity == "error"
    ]
    again = rolled(pack, members, waivers=Waivers(tuple(explained)))
    assert told(again, "ROLLUP-FAILED") == []
    assert {m.agency: m.waived for m in again.members}["清河区民政局"] == 2


def test_a_report_of_another_year_is_refused(pack: Pack) -> None:
    members = district(pack)
    members[2]["year"] = 2022
    result = rolled(pack, members)
    assert told(result, "ROLLUP-YEAR") == [
        "清河区财政局的报告是2022年的，本次汇总的是2023年，没有计入；请换成2023年的报告"
    ]
    assert result.year == 2023


@pytest.mark.parametrize(
    ("category", "power", "severity"),
    [
        ("township", True, "error"),
        ("department", None, "warning"),
        ("department", True, None),
    ],
)
def test_rules_of_those_who_may_make_none_are_told(
    pack: Pack, category: str, power: bool | None, severity: str | None
) -> None:
    one = member(pack, "清河区某机关", category, profile={"rulemaking_power": power})
    one["disclosure"]["government_rules"] |= {"issued": 1, "in_force": 3}
    result = rolled(pack, [*district(pack)[1:], one])
    found = [f for f in result.findings if f.rule == "ROLLUP-LIMIT"]
    assert {f.severity for f in found} == ({severity} if severity else set())
    assert len(found) == (2 if severity else 0)


@pytest.mark.parametrize(
    ("categories", "scope"),
    [
        (["department", "other"], "level"),
        (["department", "township"], "region"),
        (["department", None], "region"),
        (["government"], "region"),
    ],
)
def test_the_scope_of_the_whole_is_the_narrowest_that_holds_all(
    pack: Pack, categories: list[str | None], scope: str
) -> None:
    members = [member(pack, f"第{n}个单位", category) for n, category in enumerate(categories)]
    result = rolled(pack, [member(pack, WHOLE, "government"), *members])
    assert result.report.value("profile.scope") == scope


def test_two_years_of_one_agency_are_one_mistake(pack: Pack) -> None:
    members = [*district(pack), member(pack, "清河区民政局", seed=2)]
    members[-1]["year"] = 2022
    assert {f.rule for f in rolled(pack, members).findings} == {"ROLLUP-YEAR"}


def test_nothing_to_roll_up_is_a_sentence(pack: Pack) -> None:
    with pytest.raises(InputError, match="没有可以汇总的报告：清河区税务局：垂直管理机构"):
        rolled(pack, [member(pack, "清河区税务局", "vertical", profile={"in_rollup": None})])
    with pytest.raises(InputError, match="输入里没有报告"):
        rolled(pack, [])


# ---- adjustments ----


def adjustment_file(path: Path, *rows: Sequence[object]) -> Path:
    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.append(["调整表"])
    sheet.append(["栏目", "调整数", "理由", "批准人", "涉及单位"])
    for row in rows:
        sheet.append(row)
    workbook.save(path)
    return path


def test_adjustments_are_added_and_their_totals_follow(pack: Pack, tmp_path: Path) -> None:
    file = adjustment_file(
        tmp_path / "调整.xlsx",
        ["表四·行政复议·结果纠正", "－1", "共同被申请人", "王主任", "清河区民政局"],
        ["disclosure.licensing.decisions", 35, "划转行政审批局", "王主任", None],
        ["表二·行政事业性收费·本年收费金额", "+0.5", "补计", "王主任", None],
    )
    members = district(pack)
    members[1]["disputes"]["reconsideration"] |= {"corrected": 2, "total": 0}
    kinds = members[1]["disputes"]["reconsideration"]
    kinds["total"] = sum(kinds.values())
    plain, result = rolled(pack, members), rolled(pack, members, adjustments=file)
    changed = {p: (result.figures[p] or 0) - (plain.figures[p] or 0) for p in result.fields}
    assert {path: gap for path, gap in changed.items() if gap} == {
        "disputes.reconsideration.corrected": -1,
        "disputes.reconsideration.total": -1,
        "disclosure.licensing.decisions": 35,
        "disclosure.administrative_fees.amount": Decimal("0.5"),
    }
    assert result.ok
    assert [(line.approver, line.follows) for line in result.adjustments] == [("王主任", False)] * 3 + [
        ("", True)
    ]
    assert "另按审定意见调整3项" in result.statement


def test_a_case_that_moves_takes_all_its_totals_with_it(pack: Pack) -> None:
    paths = ("requests.new.natural_person", "requests.results.granted.natural_person")
    result = rolled(
        pack, district(pack), adjustments=[Adjustment(path, 1, "划转", "王主任") for path in paths]
    )
    assert result.ok
    assert {line.field: line.amount for line in result.adjustments if line.follows} == {
        "requests.new.total": 1,
        "requests.results.granted.total": 1,
        "requests.results.total.natural_person": 1,
        "requests.results.total.total": 1,
    }


def test_a_total_that_is_adjusted_by_hand_stays_and_is_checked(pack: Pack) -> None:
    lines = [Adjustment(NEW, 1, "理由", "王主任"), Adjustment("requests.new.total", 2, "理由", "王主任")]
    result = rolled(pack, district(pack), adjustments=lines)
    assert "T3-ROW" in rules(result)
    assert not result.ok


def test_an_adjustment_below_zero_is_refused(pack: Pack) -> None:
    result = rolled(
        pack, district(pack), adjustments=[Adjustment("disclosure.coercion.decisions", -999, "错", "王")]
    )
    (message,) = told(result, "ROLLUP-NEGATIVE")
    assert message.startswith("表二·行政强制·本年处理决定数量调整后为-")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ["表四·行政复议·没有这格", 1, "理由", "王"],
            "第3行：没有可调整的栏目“表四·行政复议·没有这格”，请写报表中的位置",
        ),
        (
            ["表二·行政许可·本年处理决定数量", "+1.5", "理由", "王"],
            "第3行：表二·行政许可·本年处理决定数量的调整数",
        ),
        (["表二·行政许可·本年处理决定数量", None, "理由", "王"], "应写如\\+1或-1的数"),
        (["表二·行政许可·本年处理决定数量", 0, "理由", "王"], "的调整数是0，请删去这一行"),
        (["表二·行政许可·本年处理决定数量", 1, None, "王"], "没有写理由；每项调整都要有理由和批准人"),
        (["表二·行政许可·本年处理决定数量", 1, "理由", None], "没有写批准人；"),
        (["overview.preamble", 1, "理由", "王"], "没有可调整的栏目“overview.preamble”"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(
    pack: Pack, tmp_path: Path, row: list[object], message: str
) -> None:
    file = adjustment_file(tmp_path / "调整.xlsx", [*row, None])
    with pytest.raises(InputError, match=message):
        rolled(pack, district(pack), adjustments=file)


# ---- last year ----


def carrying(pack: Pack, name: str, year: int, carried: int, **profile: Any) -> dict[str, Any]:
    """Return a report in which so many requests were carried in (this year) or left open (last year)."""
    data = member(pack, name, "government" if name == WHOLE else "department", profile=profile)
    data["year"] = year
    for field in pack.fields.numbers:
        if field.path.startswith("requests."):
            place_value(data, field.path, 0)
    rows = ("carried_in", "carried_out") if year == 2023 else ("new", "carried_out")
    for row in rows:
        data["requests"][row] |= {"natural_person": carried, "total": carried}
    return data


def last_and_this(pack: Pack, whole: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    last = [
        carrying(pack, WHOLE, 2022, 2),
        carrying(pack, "清河区民政局", 2022, 3),
        carrying(pack, "清河区财政局", 2022, 1),
        carrying(pack, WHOLE, 2022, whole, scope="region"),
    ]
    this = [
        carrying(pack, WHOLE, 2023, 2),
        carrying(pack, "清河区民政局", 2023, 3),
        carrying(pack, "清河区财政局", 2023, 1),
    ]
    return last, this


def test_what_was_carried_over_equals_last_years_whole(pack: Pack) -> None:
    last, this = last_and_this(pack, 6)
    result = rolled(pack, this, previous=last)
    assert result.carried == ()
    assert not {"ROLLUP-FAILED", "YOY-CARRIED", "PREVIOUS-SAME"} & rules(result)


def test_a_difference_from_last_years_whole_is_listed_by_member(pack: Pack) -> None:
    last, this = last_and_this(pack, 7)
    this[1] = carrying(pack, "清河区民政局", 2023, 5)
    result = rolled(pack, this, previous=last)
    (over,) = result.carried
    assert (over.gap, over.members, over.rest) == (1, (("清河区民政局", 2),), -1)
    assert over.message == "表三·二、上年结转·总计与上年全口径报告相差+1"
    assert {"YOY-CARRIED", "ROLLUP-FAILED"} <= rules(result)


def test_a_difference_of_the_whole_may_be_explained(pack: Pack) -> None:
    last, this = last_and_this(pack, 7)
    said = Waiver(WHOLE, "YOY-CARRIED", "requests.carried_in.total", "6", "上年多计1件", "张三", expected="7")
    result = rolled(pack, this, previous=last, waivers=Waivers((said,)))
    assert result.ok
    assert [f.waiver is not None for f in result.findings if f.rule == "YOY-CARRIED"] == [True]
    assert [over.gap for over in result.carried] == [-1]
    changed = Waiver(WHOLE, "YOY-CARRIED", "requests.carried_in.total", "5", "上年多计", "张三", expected="7")
    assert not rolled(pack, this, previous=last, waivers=Waivers((changed,))).ok


def test_an_agency_that_is_gone_is_named_and_a_draft_is_not_blocked(pack: Pack) -> None:
    last, this = last_and_this(pack, 6)
    roster = [{"agency": name} for name in (WHOLE, "清河区民政局", "清河区财政局")]
    result = rolled(pack, this[:2], previous=last, agencies=roster)
    (over,) = result.carried
    assert (over.gap, over.members, over.rest) == (-1, (("清河区财政局（本年没有）", -1),), 0)
    assert result.ok
    assert "补齐缺报的单位后再核对" in told(result, "YOY-CARRIED")[0]
    assert not rolled(pack, this[:2], previous=last).ok


def test_last_years_agencies_are_the_roster_where_there_is_none(pack: Pack) -> None:
    last, this = last_and_this(pack, 6)
    assert told(rolled(pack, this[:2], previous=last), "ROLLUP-GONE") == [
        "上年有报告、本年没有的单位：清河区财政局；漏报的请补齐，撤销、合并的写进别名表"
    ]
    assert "ROLLUP-GONE" not in rules(rolled(pack, this, previous=last))


def test_last_years_figures_without_the_whole_are_told(pack: Pack) -> None:
    last, this = last_and_this(pack, 6)
    (message,) = told(rolled(pack, this, previous=last[:3]), "ROLLUP-PREVIOUS")
    assert message == "上年数据里没有清河区人民政府的全口径报告，未与上年核对；请把上年公布的报告也放进来"


# ---- a published report ----


def test_a_published_report_is_compared_field_by_field(pack: Pack) -> None:
    members = district(pack)
    same = rolled(pack, members)
    assert rolled(pack, members, against=same.report).differences == ()
    published = exchanged(rolled(pack, [m for m in members if m["agency"] != "清河区民政局"]).report.data)
    result = rolled(pack, members, against=report_from_data(published, pack))
    changed = [
        p for p in result.fields if lookup(members[1], p) not in (0, "0.5", None) or p.endswith("amount")
    ]
    assert {d.field for d in result.differences} >= {p for p in changed if Decimal(lookup(members[1], p))}
    for each in result.differences:
        assert "清河区民政局" in each.exactly or len([1 for _, v in each.by if v == each.gap]) > 5
        assert dict(each.by)["清河区民政局"] == each.gap
        assert each.by == tuple(sorted(each.by, key=lambda pair: (-pair[1], pair[0])))


def test_against_must_be_one_report(pack: Pack, tmp_path: Path) -> None:
    file = tmp_path / "公布.json"
    file.write_text(json.dumps([member(pack, "甲"), member(pack, "乙")]), encoding="utf-8")
    with pytest.raises(
        InputError, match="--against 中有2份报告，其中清河区人民政府2023年的有0份；请只给出一份"
    ):
        rolled(pack, district(pack), against=file)
    file.write_text(json.dumps([member(pack, "甲"), member(pack, WHOLE)]), encoding="utf-8")
    assert rolled(pack, district(pack), against=file).compared is not None


# ---- what changed since ----


def recorded(pack: Pack, result: Rollup, path: Path) -> Record:
    assert pack.rollup is not None
    made = replace(Record.of(WHOLE, 2023, pack.rollup, result.members), outputs=("a.docx",))
    path.write_bytes(b"".join(record_json(made, pack)))
    record = read_record(path)
    assert record is not None
    assert record.outputs == ("a.docx",)
    return record


def test_members_that_changed_since_are_told_with_what_they_changed(pack: Pack, tmp_path: Path) -> None:
    members = district(pack)
    record = recorded(pack, rolled(pack, members), tmp_path / "记录.json")
    assert not rolled(pack, members[::-1], earlier=record).changes
    members[1]["requests"]["new"]["natural_person"] += 2
    members[2]["disclosure"]["coercion"]["decisions"] += 1
    members[2]["problems"] = "改了文字。"
    before, result = rolled(pack, district(pack)), rolled(pack, members, earlier=record)
    sentence = result.changes.sentence(pack)
    new, coercion = before.figures[NEW], before.figures["disclosure.coercion.decisions"]
    assert isinstance(new, int)
    assert isinstance(coercion, int)
    assert sentence == (
        "汇总后2家改动（清河区民政局、清河区财政局），影响："
        f"表二·行政强制·本年处理决定数量 {coercion}→{coercion + 1}（清河区财政局+1）；"
        f"表三·一、本年新收·自然人 {new}→{new + 2}（清河区民政局+2）"
    )


def test_members_that_came_or_went_are_told_and_words_alone_too(pack: Pack, tmp_path: Path) -> None:
    members = district(pack)
    record = recorded(pack, rolled(pack, members), tmp_path / "记录.json")
    joined = rolled(pack, [*members[:3], member(pack, "清河区司法局")], earlier=record).changes
    assert (joined.added, joined.gone, joined.changed) == (("清河区司法局",), ("清河区柳林街道办事处",), ())
    members[1]["problems"] = "只改了文字。"
    changes = rolled(pack, members, earlier=record).changes
    assert changes.sentence(pack) == "汇总后1家改动（清河区民政局），影响：只有文字改动，数字不变"


def test_a_broken_record_is_a_sentence(pack: Pack, tmp_path: Path) -> None:
    file = tmp_path / "x（汇总记录）.json"
    assert read_record(file) is None
    file.write_text('{"agency": 1', encoding="utf-8")
    with pytest.raises(InputError, match=r"汇总记录x（汇总记录）\.json已损坏，无法与上次汇总比较"):
        read_record(file)


@settings(max_examples=25)
@given(st.data())
def test_the_digest_of_a_member_changes_with_any_value(pack: Pack, data: st.DataObject) -> None:
    one = member(pack, "清河区民政局", seed=7)
    path = data.draw(st.sampled_from([*(f.path for f in pack.fields.numbers if f.required), "problems"]))
    other = json.loads(json.dumps(one))
    value = lookup(one, path)
    place_value(
        other,
        path,
        f"{value}改"
        if path == "problems"
        else f"{Decimal(value) + 1}"
        if isinstance(value, str)
        else value + 1,
    )
    first, second = (rolled(pack, [d]).members[0].digest for d in (one, other))
    assert first != second
    assert rolled(pack, [json.loads(json.dumps(one))]).members[0].digest == first


# ---- what cannot be meant ----


def test_reports_of_another_year_are_one_sentence_and_count_for_nothing(pack: Pack) -> None:
    members = district(pack)
    for data in members[2:]:
        data["year"] = 2022
    roster = [{"agency": data["agency"], "profile": data["profile"]} for data in members]
    result = rolled(pack, members, agencies=roster)
    assert told(result, "ROLLUP-YEAR") == [
        "清河区柳林街道办事处、清河区财政局共2份报告是2022年的，本次汇总的是2023年，没有计入；请换成2023年的报告"
    ]
    assert [m.agency for m in result.members] == [WHOLE, "清河区民政局"]
    assert result.figures == rolled(pack, members[:2]).figures
    assert result.missing == ("清河区财政局", "清河区柳林街道办事处")
    assert "不含" not in result.statement
    # The subdistrict is still to come: what the whole speaks for does not shrink meanwhile.
    assert result.report.value("profile.scope") == "region"


def test_the_year_may_be_said(pack: Pack) -> None:
    members = district(pack)
    for data in members[1:]:
        data["year"] = 2022
    assert rolled(pack, members).year == 2022
    assert [m.agency for m in rolled(pack, members, year=2023).members] == [WHOLE]
    with pytest.raises(InputError, match="输入里的报告都是2022年的，本次汇总的是2023年的；请换文件夹，或用"):
        rolled(pack, members[1:], year=2023)


def test_last_years_folder_beside_last_years_reports_is_a_sentence(pack: Pack) -> None:
    last = [{**data, "year": 2022} for data in district(pack)]
    with pytest.raises(InputError, match="没有2021年的报告，却有2022年的；请检查要汇总的文件夹"):
        rolled(pack, last, previous=last)


def test_a_whole_without_a_name_is_a_sentence(pack: Pack) -> None:
    with pytest.raises(InputError, match="没有写汇总报告的单位名称"):
        rolled(pack, district(pack), agency=" ")


ROSTER_MISTAKES = {
    "单位名称,代码\n清河区民政局,A2\n清河区财政局,a2\n": (
        "名录里代码重复：A2（清河区民政局、清河区财政局），请改正后重新运行"
    ),
    "单位名称,上级单位\n甲区人民政府,乙区人民政府\n乙区人民政府,甲区人民政府\n": (
        "名录里上级单位成环：甲区人民政府→乙区人民政府→甲区人民政府，请改正后重新运行"
    ),
    "单位名称,上级单位\n丙区人民政府,丙区人民政府\n": "名录里上级单位成环：丙区人民政府→丙区人民政府",
    "单位名称,计入汇总\n清河区民政局,也许\n": "名录第2行单位信息·计入汇总是“也许”，应填“是”或“否”",
}


@pytest.mark.parametrize(("roster", "message"), ROSTER_MISTAKES.items())
def test_a_roster_that_contradicts_itself_is_refused(
    pack: Pack, tmp_path: Path, roster: str, message: str
) -> None:
    (tmp_path / "名录.csv").write_text(roster, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)):
        rolled(pack, district(pack), agencies=tmp_path / "名录.csv")


def test_members_of_no_category_are_told_as_nobody_knows_whether_they_count(pack: Pack) -> None:
    members = [*district(pack), member(pack, "清河区某局", None)]
    assert told(rolled(pack, members), "ROLLUP-CATEGORY") == [
        "清河区某局没有写类别，已计入；垂直管理机构不应计入，请在名录（--agencies）里写明类别"
    ]
    roster = [{"agency": d["agency"], "profile": {"category": "department"}} for d in members]
    assert told(rolled(pack, members, agencies=roster), "ROLLUP-CATEGORY") == []


def test_the_record_of_another_agency_or_year_is_refused(pack: Pack, tmp_path: Path) -> None:
    members = district(pack)
    record = recorded(pack, rolled(pack, members), tmp_path / "记录.json")
    with pytest.raises(InputError, match=f"上次写在这里的是{WHOLE}2023年的汇总，这次是东河区人民政府的"):
        rolled(pack, members, "东河区人民政府", earlier=record)
    with pytest.raises(InputError, match=f"这次是{WHOLE}2022年的，不能混用；请换一个输出文件名"):
        rolled(pack, [{**data, "year": 2022} for data in members], earlier=record)


# ---- what the figures hold ----


def test_the_statement_stands_once_at_the_end_of_the_report(pack: Pack) -> None:
    members = district(pack)
    result = rolled(pack, members)
    assert result.report.data["other_matters"] == f"{members[0]['other_matters']}\n{result.statement}"
    assert result.ok
    members[0]["other_matters"] = result.report.data["other_matters"]
    assert rolled(pack, members).report.data["other_matters"] == members[0]["other_matters"]
    plain = rolled(pack, district(pack), statement=False)
    assert plain.report.data["other_matters"] == district(pack)[0]["other_matters"]


@pytest.mark.parametrize(
    ("agency", "words"),
    [
        ("清河区人民政府", "全区口径"),
        ("河源市人民政府", "全市口径"),
        ("江北省人民政府", "全省口径"),
        ("东街街道办事处", "全区域口径"),
        ("高新技术开发管理委员会", "全区域口径"),
    ],
)
def test_what_a_report_speaks_for_is_named_after_its_region(pack: Pack, agency: str, words: str) -> None:
    members = [member(pack, agency, "government"), member(pack, "某街道办事处", "subdistrict")]
    assert f"为{agency}{words}数据" in rolled(pack, members, agency).statement


def test_words_that_speak_of_the_own_offices_figures_are_told_as_such(pack: Pack) -> None:
    members = district(pack)
    new = members[0]["requests"]["new"]["total"]
    members[0]["overview"]["on_request"]["text"] = f"2023年，新收政府信息公开申请{new}件。"
    (said,) = told(rolled(pack, members), "CLAIMS")
    assert said.endswith("；这段文字取自本级政府自己的报告，数字应改写成汇总的")
    assert told(rolled(pack, members[:1]), "CLAIMS") == []
