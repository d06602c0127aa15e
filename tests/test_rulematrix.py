"""All rules over many reports at once: what the matrix says is what each rule says of each report."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import consistent_report
from nianbao.fields import FieldSet, place_value, read_fields
from nianbao.outputs.form.formulas import holds, tolerance
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, check_chunk, check_many, report_from_data
from nianbao.report import Report
from nianbao.rules.compiling import compile_rules
from nianbao.rules.instances import outcome
from nianbao.rules.matrix import FAIL, OPEN, PASS, RuleMatrix
from nianbao.rules.ruleset import RuleSet

CODES = {"pass": PASS, "fail": FAIL, "open": OPEN}
PACK = load_pack("cn-ogi/2021")

# Every comparison, with and without tolerance, factors, constants and a condition; x and y are amounts.
ASSERTIONS: tuple[dict[str, Any], ...] = (
    {"assert": "a + b == t"},
    {"assert": "a + b == t", "tolerance": 1},
    {"assert": "a <= t", "tolerance": 2},
    {"assert": "a >= t"},
    {"assert": "a < b"},
    {"assert": "a < b", "tolerance": 2},
    {"assert": "a > b", "tolerance": 0.5},
    {"assert": "2 * a - b + 3 == t"},
    {"assert": "0.5 * a <= b"},
    {"assert": "x + y == 1.25"},
    {"assert": "x + y >= a", "tolerance": 0.005},
    {"assert": "3 * x == y", "tolerance": 0.01},
    {"assert": "a == 0", "when": "b > 2"},
    {"assert": "a + t <= b", "when": "flag == true"},
)


def rules_of(assertions: tuple[dict[str, Any], ...]) -> tuple[RuleSet, FieldSet]:
    properties: dict[str, Any] = {n: {"type": "integer", "title": n, "x-kind": "count"} for n in "abt"}
    properties |= {n: {"type": "string", "title": n, "x-kind": "amount", "x-decimals": 2} for n in "xy"}
    properties["flag"] = {"type": "boolean", "title": "flag", "x-kind": "flag"}
    fields = read_fields({"type": "object", "properties": properties})
    rules = [
        {"id": f"R{n}", "title": "规则", "severity": "error", **assertion}
        for n, assertion in enumerate(assertions)
    ]
    return compile_rules({"rule": rules}, fields, (), "rules.toml"), fields


RULES, FIELDS = rules_of(ASSERTIONS)
COUNTS = st.one_of(
    st.none(),
    st.integers(0, 6),
    st.sampled_from([10**12, 2**62, 2**63 - 1, 2**63, -(2**63), 10**30, True, "3"]),
)
AMOUNTS = st.one_of(
    st.none(),
    st.integers(0, 3),
    st.decimals(0, 4, places=2),
    st.sampled_from(["0.005", "1.23456", "1E+18", "NaN", "12345678901.23"]).map(Decimal),
)
REPORTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys("abt", COUNTS),
        **dict.fromkeys("xy", AMOUNTS),
        "flag": st.sampled_from([None, True, False]),
    },
).map(Report)


@given(st.lists(REPORTS, max_size=6))
def test_the_matrix_says_what_each_rule_says(reports: list[Report]) -> None:
    found = RuleMatrix.of(RULES.instances, FIELDS).outcomes(reports)
    wanted = [[CODES[outcome(one, report)] for one in RULES.instances] for report in reports]
    assert found.tolist() == wanted


# Without amounts values are whole as they stand, and are taken as they are where they have been typed.
WHOLE_RULES, WHOLE_FIELDS = rules_of(tuple(a for a in ASSERTIONS if not set("xy") & set(a["assert"])))
TYPED = st.dictionaries(st.sampled_from("abt"), st.integers(-(2**65), 2**65) | st.integers(0, 6) | st.none())


@given(st.lists(REPORTS | TYPED.map(lambda values: Report({}, known=values)), max_size=6))
def test_the_matrix_of_counts_says_what_each_rule_says(reports: list[Report]) -> None:
    found = RuleMatrix.of(WHOLE_RULES.instances, WHOLE_FIELDS).outcomes(reports)
    wanted = [[CODES[outcome(one, report)] for one in WHOLE_RULES.instances] for report in reports]
    assert found.tolist() == wanted


@pytest.mark.parametrize(
    ("assertion", "left", "passes"),
    [
        ({"assert": "a == t"}, 9, False),
        ({"assert": "a == t", "tolerance": 1}, 9, True),
        ({"assert": "a == t", "tolerance": 1}, 11, True),
        ({"assert": "a == t", "tolerance": 1}, 12, False),
        ({"assert": "a <= t", "tolerance": 1}, 11, True),
        ({"assert": "a <= t", "tolerance": 1}, 12, False),
        ({"assert": "a >= t", "tolerance": 1}, 9, True),
        ({"assert": "a >= t", "tolerance": 1}, 8, False),
        ({"assert": "a < t", "tolerance": 1}, 10, True),
        ({"assert": "a < t", "tolerance": 1}, 11, False),
        ({"assert": "a > t", "tolerance": 0.5}, 10, True),
        ({"assert": "a > t", "tolerance": 0.5}, 9, False),
    ],
)
def test_a_tolerance_forgives_what_it_says_and_no_more(
    assertion: dict[str, Any], left: int, passes: bool
) -> None:
    rules, fields = rules_of((assertion,))
    report = Report({"a": left, "t": 10})
    assert outcome(rules.instances[0], report) == ("pass" if passes else "fail")
    assert [f.rule for f in rules.check(report)] == ([] if passes else ["R0"])
    assert RuleMatrix.of(rules.instances, fields).outcomes([report]).tolist() == [[PASS if passes else FAIL]]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"a": 0, "b": 3, "t": 9, "flag": None}, ("pass", "open")),
        ({"a": 1, "b": 3, "t": 9, "flag": True}, ("fail", "fail")),
        ({"a": 1, "b": 2, "t": 9, "flag": False}, ("pass", "pass")),
        ({"a": 1, "b": None, "t": 9, "flag": True}, ("open", "open")),
        ({"a": None, "b": 3, "t": 2, "flag": True}, ("pass", "pass")),
    ],
)
def test_a_rule_passes_fails_or_is_open(values: dict[str, Any], wanted: tuple[str, str]) -> None:
    rules, _ = rules_of(ASSERTIONS[-2:])
    assert tuple(outcome(one, Report(values)) for one in rules.instances) == wanted


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 500), st.data())
def test_many_reports_have_the_findings_that_each_has_alone(seed: int, data: st.DataObject) -> None:
    numbers = [field.path for field in PACK.fields.numbers]
    reports = []
    for number in range(20):
        values = consistent_report(PACK, seed + number)
        for path in data.draw(st.lists(st.sampled_from(numbers), max_size=3)):
            wrong = st.sampled_from([None, 0, 1, 7, 10**12, 10**12 + 1, "1.5", "／", True])
            place_value(values, path, data.draw(wrong))
        reports.append(report_from_data(values, PACK))
    alone = [check(report, PACK) for report in reports]
    assert list(check_chunk(reports, PACK)) == alone
    assert list(check_many(iter(reports), PACK)) == alone


def test_a_stream_is_checked_while_it_runs(pack: Pack) -> None:
    report = report_from_data(consistent_report(pack, 1), pack)
    taken = itertools.count()

    def endless() -> Iterator[Report]:
        while True:
            next(taken)
            yield report

    results = check_many(endless(), pack)
    assert all(next(results).report is report for _ in range(300))
    assert next(taken) < 1000


def test_figures_beyond_64_bits_are_still_calculated_exactly() -> None:
    matrix = RuleMatrix.of(RULES.instances, FIELDS)
    huge = 2**62
    good, bad = ({"a": huge, "b": huge, "t": 2 * huge + more} for more in (0, 1))
    # A sum in 64 bits would wrap around and call both wrong, or both right.
    assert matrix.outcomes([Report(good), Report(bad)])[:, 0].tolist() == [PASS, FAIL]


def test_rules_whose_factors_are_too_large_for_the_matrix_are_calculated_one_by_one() -> None:
    rules, fields = rules_of(({"assert": f"{10**30} * a == t"},))
    reports = [Report({"a": 0, "t": 0}), Report({"a": 1, "t": 10**30}), Report({"a": 1, "t": 2})]
    assert RuleMatrix.of(rules.instances, fields).outcomes(reports).tolist() == [[PASS], [PASS], [FAIL]]


@given(
    st.sampled_from(range(len(ASSERTIONS))),
    st.lists(st.integers(0, 8), min_size=3, max_size=3),
    st.lists(st.decimals(0, 2, places=2), min_size=2, max_size=2),
)
def test_the_formulas_of_a_form_forgive_the_same(
    number: int, counts: list[int], amounts: list[Decimal]
) -> None:
    one = RULES.instances[number]
    values = dict(zip("abtxy", (*counts, *amounts), strict=True))
    left, right = (
        side.value(lambda path: values[path]) for side in (one.comparison.left, one.comparison.right)
    )
    # Spreadsheets calculate with binary floats; the formulas are Python as well, but for "=" and ABS.
    formula = holds(one.comparison.op, f"{float(left)!r}", f"{float(right)!r}", tolerance(one, FIELDS))
    wanted = outcome(replace(one, when=None), Report(values)) == "pass"
    assert eval(formula, {"ABS": abs}) is wanted


def test_no_reports_have_no_outcomes(pack: Pack) -> None:
    matrix = RuleMatrix.of(pack.rules.instances, pack.fields)
    assert matrix.outcomes([]).shape == (0, len(pack.rules.instances))
    assert matrix.failures([]) == []
