"""This year beside last year: the rules that look back, as cases, and where they must keep silent."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import EXAMPLES, consistent_report
from nianbao.errors import PackError
from nianbao.fields import place_value
from nianbao.findings import Finding, Where
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, check_many, report_from_data
from nianbao.predecessors import Predecessors
from nianbao.report import Report
from nianbao.rules.compiling import compile_rules
from nianbao.rules.instances import check_instance
from nianbao.rules.ruleset import RuleSet
from nianbao.rules.yearly import joined

REPORTS: list[dict[str, Any]] = json.loads((EXAMPLES / "reports.json").read_bytes())
LAST: list[dict[str, Any]] = json.loads((EXAMPLES / "previous.json").read_bytes())
CASES: list[dict[str, Any]] = json.loads((EXAMPLES / "broken" / "year-cases.json").read_bytes())
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


@cache
def the_pack() -> Pack:
    return load_pack("cn-ogi/2021")


def named(agency: str, reports: list[dict[str, Any]], year: int) -> dict[str, Any]:
    return copy.deepcopy(next(r for r in reports if (r["agency"], r["year"]) == (agency, year)))


def patched(data: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    for path, value in patch.items():
        place_value(data, path, value)
    return data


def both(case: Mapping[str, Any]) -> tuple[Report, Report]:
    """Return this year's and last year's report of a case."""
    agency, year = case["base"][:-4], int(case["base"][-4:])
    now = patched(named(agency, REPORTS, year), case.get("patch", {}))
    last = patched(named(agency, LAST, year - 1), case["last"])
    return report_from_data(now, the_pack()), report_from_data(last, the_pack())


def findings(case: Mapping[str, Any]) -> tuple[Finding, ...]:
    now, last = both(case)
    return check(now, the_pack(), last).findings


@each_case
def test_each_case_gives_exactly_its_findings(case: dict[str, Any]) -> None:
    expected = Counter((finding["rule"], finding["field"]) for finding in case["findings"])
    assert Counter((f.rule, f.field) for f in findings(case)) == expected


@each_case
def test_each_finding_says_last_years_figure_and_its_file(case: dict[str, Any]) -> None:
    now, last = both(case)
    now = Report(now.data, Where("今年.json"), now.findings, now.origins, now.known)
    last = Report(last.data, Where("上年.xlsx", "登记表", row=7), (), {}, last.known)
    for finding in check(now, the_pack(), last).findings:
        assert not re.search(r"\{\w+(\.\w+)?\}", finding.message)
        if finding.rule.startswith("YOY-"):
            assert "上年.xlsx 登记表!第7行" in finding.message
            assert "上年" in finding.message


@each_case
def test_without_last_year_no_rule_looks_back(case: dict[str, Any]) -> None:
    assert not any(f.rule.startswith("YOY-") for f in check(both(case)[0], the_pack()).findings)


def test_every_rule_that_looks_back_has_a_case_and_cases_without_a_finding_are_there_too() -> None:
    shown = {finding["rule"] for case in CASES for finding in case["findings"]}
    assert {text.id for text in the_pack().rules.texts if text.id.startswith("YOY-")} <= shown
    assert sum(not case["findings"] for case in CASES) >= 6


@pytest.mark.parametrize("data", LAST, ids=lambda data: data["agency"])
def test_each_example_of_last_year_is_right_by_itself(data: dict[str, Any]) -> None:
    assert check(report_from_data(data, the_pack()), the_pack()).findings == ()


def test_the_examples_are_right_beside_last_years() -> None:
    found = [f for result in check_many(map_reports(REPORTS), the_pack(), LAST) for f in result.findings]
    # The report of 2021 has no report of 2020 beside it, only one of 2022.
    assert [f.rule for f in found] == ["PREVIOUS-YEAR"]


def map_reports(data: list[dict[str, Any]]) -> list[Report]:
    return [report_from_data(item, the_pack()) for item in data]


# ---- messages ----


def test_a_total_names_the_columns_in_which_the_difference_lies() -> None:
    (finding,) = findings(CASES[0])
    assert "其中“自然人”列上年结转填2，上年报告结转下年度为1" in finding.message
    assert (finding.expected, finding.actual, finding.severity) == (1, 2, "error")


def test_a_jump_says_both_figures_and_how_many_times() -> None:
    case = next(case for case in CASES if "17倍" in case["name"])
    (finding,) = findings(case)
    assert "上年156，今年2657，变动17倍，请说明" in finding.message
    assert finding.actual == 2657


def test_a_copied_text_shows_its_share_and_the_sentences_side_by_side() -> None:
    case = next(case for case in CASES if "第五部分照搬" in case["name"])
    (finding,) = findings(case)
    assert "有100%与上年报告相同" in finding.message
    assert "今年“政府信息公开工作还有两点不足：一是个别单位在2023年" in finding.message
    assert "上年“政府信息公开工作还有两点不足：一是个别单位在2022年" in finding.message


# ---- what is no last year ----


@pytest.mark.parametrize(
    ("year", "words"), [(2021, "是2021年的"), (2023, "是2023年的"), (None, "没有写明年度")]
)
def test_a_report_that_is_not_of_the_year_before_is_said_and_not_compared(
    year: int | None, words: str
) -> None:
    now, last = both(CASES[0])
    other = Report({**last.data, "year": year}, last.source, (), {}, last.known)
    found = check(now, the_pack(), other).findings
    assert [f.rule for f in found] == ["PREVIOUS-YEAR"]
    assert words in found[0].message
    assert "不是2022年的" in found[0].message


def test_a_figure_that_could_not_be_read_is_not_compared_as_well() -> None:
    patch, last = {"requests.carried_in.total": "若干件"}, {"requests.carried_out.total": 1}
    case = {**CASES[0], "patch": patch, "last": last}
    assert [f.rule for f in findings(case)] == ["VALUE"]


GUARDED_BY_LAST_YEAR = {
    f"disclosure.{kind}.{column}"
    for kind in ("government_rules", "normative_documents")
    for column in ("issued", "repealed", "in_force")
}


def test_last_year_guards_what_no_rule_of_a_single_report_can() -> None:
    pack, last = the_pack(), report_from_data(named("涧西区人民政府", LAST, 2022), the_pack())
    data = named("涧西区人民政府", REPORTS, 2023)
    data["profile"]["rulemaking_power"] = True
    data["overview"] = {"proactive": {"text": "依法公开。"}}
    alone, beside = set(), set()
    for path in (f.path for f in pack.fields.numbers if f.path.startswith("disclosure.")):
        changed = copy.deepcopy(data)
        value = report_from_data(data, pack).value(path)
        place_value(changed, path, (value or 0) + 1)  # type: ignore[operator]
        report = report_from_data(changed, pack)
        alone |= {path} if any(f.field == path for f in check(report, pack).findings) else set()
        found = check(report, pack, last).findings
        beside |= {path} if any(f.rule == "YOY-IN-FORCE" for f in found) else set()
    assert beside == GUARDED_BY_LAST_YEAR
    assert "disclosure.normative_documents.repealed" not in alone


# ---- suspects ----


def test_each_suspect_also_mends_the_rule_that_looks_back() -> None:
    case = next(case for case in CASES if "mended" in case)
    found = findings(case)
    suspects = found[0].suspects
    assert dict(suspects[0].changes) == case["mended"]
    assert all(f.suspects == suspects for f in found)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), cell=st.integers(0, 10_000), off=st.integers(1, 30), back=st.integers(0, 40)
)
def test_suspects_of_any_slip_mend_every_violated_rule_of_both_kinds(
    seed: int, cell: int, off: int, back: int
) -> None:
    pack = the_pack()
    data = consistent_report(pack, seed)
    last = consistent_report(pack, seed + 1)
    last["year"] = data["year"] - 1
    last["requests"]["carried_out"]["total"] = data["requests"]["carried_in"]["total"] + back % 3
    paths = [f.path for f in pack.fields.numbers if f.path.startswith("requests.") and f.kind == "count"]
    path = paths[cell % len(paths)]
    report = report_from_data(data, pack)
    place_value(data, path, (report.value(path) or 0) + off)  # type: ignore[operator]
    report, before = report_from_data(data, pack), report_from_data(last, pack)
    found = [f for f in check(report, pack, before).findings if f.severity == "error"]
    predecessors = Predecessors((before,))
    suspects = {id(f.suspects): f.suspects for f in found}
    for suspect in (s for each in suspects.values() for s in each):
        if None in suspect.changes.values():
            continue
        mended = copy.deepcopy(data)
        for field, value in suspect.changes.items():
            place_value(mended, field, value)
        after = joined(pack.rules, report_from_data(mended, pack), predecessors)
        assert [i.rule.id for i in pack.rules.strict if check_instance(i, after)] == []
    assert any(f.rule == "YOY-CARRIED" for f in found) is (
        report.value("requests.carried_in.total") != before.value("requests.carried_out.total")
    )
    assert all(f.suspects for f in found)


def test_last_years_cells_are_never_suspects() -> None:
    for case in CASES:
        for finding in findings(case):
            assert not any("previous" in field for s in finding.suspects for field in s.changes)


# ---- rules as data ----

RULE = {"id": "R", "title": "规则", "severity": "error"}
YEARLY = {**RULE, "assert": "requests.new.total == previous.requests.new.total"}


def compiled(*rules: dict[str, Any], **sets: list[str]) -> RuleSet:
    return compile_rules({"sets": sets, "rule": list(rules)}, the_pack().fields, (), "rules.toml")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            {"assert": "requests.new.total == previous.requests.nothing"},
            "没有这个栏目：previous.requests.nothing",
        ),
        ({"assert": "previous.requests.new.total == previous.requests.carried_in.total"}, "应有今年的栏目"),
        ({"assert": "requests.new.total == previous.agency"}, "不是数字栏目"),
        ({"assert": "requests.new.total == 2", "part_of": "X"}, "part_of 只用于"),
        ({**YEARLY, "field": "previous.requests.new.total"}, "field 应是今年的栏目"),
        ({**YEARLY, "part_of": "NOBODY"}, "part_of 应是前面"),
        ({"check": "jump", "figures": ["agency"], "times": 10, "least": 5}, "figures 里应是数字栏目"),
        ({"check": "jump", "figures": ["requests.nothing"], "times": 10, "least": 5}, "没有这个栏目"),
        ({"check": "similar", "fields": ["nothing"], "share": 0.8, "least": 50}, "没有这个栏目：nothing"),
        ({"check": "similar", "fields": ["problems"], "share": 1, "least": 1, "ignore": ["("]}, "规则R"),
        ({"check": "jump", "figures": ["requests.new.total"], "least": 5}, "times"),
        ({"check": "similar", "fields": ["problems"], "least": 5}, "share"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_named_when_it_is_read(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(PackError, match=re.escape(words)) as caught:
        compiled({**RULE, **rule})
    assert caught.value.message.startswith("rules.toml：规则R：")


def test_a_set_that_only_a_jump_uses_is_used() -> None:
    rule = {"check": "jump", "figures": ["requests[rows].total"], "times": 10, "least": 5}
    rules = compiled({**RULE, **rule}, rows=["new", "carried_in"])
    assert rules.remembered == {"requests.new.total", "requests.carried_in.total"}


def test_a_rule_that_looks_back_is_no_rule_of_a_single_report() -> None:
    rules = compiled(YEARLY, {**RULE, "id": "S", "assert": "requests.new.total >= 0"})
    assert [i.rule.id for i in rules.instances] == ["S"]
    assert [i.rule.id for i in rules.yearly] == ["R"]
    assert rules.yearly[0].target == "requests.new.total"
    assert rules.last_years == ("previous.requests.new.total",)


def test_conditions_may_look_back_too() -> None:
    rules = compiled({**YEARLY, "when": "previous.profile.category == 'government'"})
    assert "previous.profile.category" in rules.last_years


def test_a_rule_says_where_last_years_figure_stands_even_if_its_message_does_not(tmp_path: Path) -> None:
    rules = compiled({**YEARLY, "message": "不同"})
    now = Report({"agency": "甲", "year": 2023}, known={"requests.new.total": 2})
    last = Report({"agency": "甲", "year": 2022}, Where("上年.csv", row=4), known={"requests.new.total": 1})
    from nianbao.rules.yearly import check_years

    (finding,) = check_years(rules, now, Predecessors((last,)))
    assert finding.message == "不同（上年数见上年.csv 第4行）"
