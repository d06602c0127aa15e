"""Suspects: the smallest sets of cells that would mend all violated rules, and none that would break one."""

from __future__ import annotations

import copy
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import consistent_report
from nianbao.fields import FieldSet, lookup, place_value, read_fields
from nianbao.findings import Suspect
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import report_from_data
from nianbao.report import Report
from nianbao.rules.compiling import compile_rules
from nianbao.rules.instances import Instance, check_instance
from nianbao.rules.ruleset import RuleSet
from nianbao.suspects import LISTED, Figures, System, candidates, find_suspects, ranking
from nianbao.suspects.exact import smallest_set
from nianbao.suspects.matrix import Matrix, solve, span
from nianbao.suspects.search import Search
from nianbao.suspects.slips import slip_chances
from test_examples import CASES, REPORTS, patched

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import suspect_tables

PACK = load_pack("cn-ogi/2021")
EQUALITIES = ("T3-ROW", "T3-RESULTS", "T3-BALANCE", "T4-ROW", "T2-NO-POWER")
LINEAR_CASES = [c for c in CASES if any(f["rule"] in EQUALITIES for f in c["findings"])]
SMALL = suspect_tables.made_up("small", 2, 3, 3)
TINY = suspect_tables.made_up("tiny", 2, 2, 2)
TABLE_3 = suspect_tables.pack_rules("table 3")


def rules_of(
    assertions: Mapping[str, str] | Sequence[str], cells: str, **kinds: str
) -> tuple[RuleSet, FieldSet]:
    """Return rules over single-letter counts and cells of other `kinds`; conditions follow after "when"."""
    properties: dict[str, Any] = {
        name: {"type": "integer", "title": name, "x-kind": "count"} for name in cells
    }
    for name, kind in kinds.items():
        decimals = {"x-decimals": int(kind.partition(":")[2])} if ":" in kind else {}
        properties[name] = {"type": "string", "title": name, "x-kind": kind.partition(":")[0], **decimals}
    fields = read_fields({"type": "object", "properties": properties})
    rules = []
    for number, text in enumerate(assertions):
        assertion, _, when = text.partition(" when ")
        assertion, _, tolerance = assertion.partition(" tolerance ")
        severity = assertions[text] if isinstance(assertions, Mapping) else "error"
        rule: dict[str, Any] = {
            "id": f"R{number}",
            "title": "规则",
            "severity": severity,
            "assert": assertion,
        }
        rule |= {"when": when} if when else {}
        rules.append(rule | ({"tolerance": float(tolerance)} if tolerance else {}))
    return compile_rules({"rule": rules}, fields, (), "rules.toml"), fields


def suspects(assertions: Mapping[str, str] | Sequence[str], **values: Any) -> tuple[Suspect, ...]:
    """Return the suspects of `values`, all of them counts."""
    rules, fields = rules_of(assertions, "".join(sorted(values)))
    return find_suspects(rules.instances, Report(values), fields)


def changes(found: Iterable[Suspect]) -> list[dict[str, Any]]:
    return [dict(suspect.changes) for suspect in found]


def mended(data: Mapping[str, Any], suspect: Suspect) -> Report:
    """Return the report with the suspect's values filled in."""
    data = copy.deepcopy(dict(data))
    for path, value in suspect.changes.items():
        place_value(data, path, value)
    return Report(data)


def broken_rules(instances: Sequence[Instance], report: Report) -> list[str]:
    """Return the linear rules of severity error that fail, by the engine's own check, not by the system."""
    found = (check_instance(i, report) for i in instances if i.rule.severity == "error")
    return [finding.rule for finding in found if finding]


def typed(pack: Pack, seed: int) -> dict[str, Any]:
    """Return consistent data with typed values."""
    return copy.deepcopy(dict(report_from_data(consistent_report(pack, seed), pack).data))


def pack_suspects(data: Mapping[str, Any]) -> tuple[Suspect, ...]:
    return find_suspects(PACK.rules.instances, Report(data), PACK.fields)


# ---- the examples ----


@pytest.mark.parametrize("case", LINEAR_CASES, ids=lambda case: case["name"])
def test_what_a_broken_case_changed_is_among_its_suspects(case: dict[str, Any]) -> None:
    base = next(data for data in REPORTS if f"{data['agency']}{data['year']}" == case["base"])
    truth = {path: lookup(base, path) for path in case["patch"]}
    found = find_suspects(PACK.rules.instances, report_from_data(patched(case), PACK), PACK.fields)
    assert truth in changes(found)
    if found[changes(found).index(truth)].group is None:
        assert len(found) == 1


@pytest.mark.parametrize("case", [c for c in CASES if c not in LINEAR_CASES], ids=lambda case: case["name"])
def test_a_case_without_a_violated_equality_has_no_suspects(case: dict[str, Any]) -> None:
    assert find_suspects(PACK.rules.instances, report_from_data(patched(case), PACK), PACK.fields) == ()


def test_there_are_cases_of_each_kind_of_equality() -> None:
    shown = {finding["rule"] for case in LINEAR_CASES for finding in case["findings"]}
    assert shown >= set(EQUALITIES)


# ---- one wrong cell ----


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_one_wrong_cell_is_always_among_the_suspects(seed: int, data: st.DataObject) -> None:
    report = typed(PACK, seed)
    path = data.draw(st.sampled_from([p for p in TABLE_3.sums if p.startswith("requests.")] + TABLE_3.cells))
    right = lookup(report, path)
    wrong = data.draw(st.integers(0, 10**6).filter(lambda value: value != right))
    place_value(report, path, wrong)
    found = pack_suspects(report)
    # Table three crosses its rows and columns: one wrong cell can be told.
    assert changes(found) == [{path: right}]
    assert found[0].group is None
    assert found[0].reason.startswith(f"若仅「{PACK.fields.place(path)}」一格有误")
    assert f"则应为{right}（现为{wrong}）" in found[0].reason


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_a_wrong_cell_of_a_row_of_its_own_is_one_of_these(seed: int, data: st.DataObject) -> None:
    report = typed(PACK, seed)
    row = report["disputes"]["reconsideration"]
    name = data.draw(st.sampled_from(sorted(row)))
    right = row[name]
    row[name] = data.draw(st.integers(0, 500).filter(lambda value: value != right))
    found = pack_suspects(report)
    assert {f"disputes.reconsideration.{name}": right} in changes(found)
    assert all(suspect.group == found[0].group for suspect in found)
    if len(found) > 1:
        assert found[0].group is not None
        assert all(
            f"这样能平衡的改法有{len(found)}种，规则分不清是哪一种" in suspect.reason for suspect in found
        )


# ---- every suspect mends every rule ----


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.booleans())
def test_every_suspect_mends_all_rules_and_breaks_none(seed: int, k: int, known: bool) -> None:
    draw = random.Random(seed)
    for rules in (SMALL, TABLE_3):
        values = suspect_tables.consistent(rules, draw)
        slips = suspect_tables.KNOWN if known else (suspect_tables.any_number,)
        wrong = suspect_tables.broken(rules, values, k, draw, slips)
        report = suspect_tables.report_of(wrong)
        found = find_suspects(rules.instances, report, rules.fields)
        assert bool(found) is bool(broken_rules(rules.instances, report))
        for suspect in found:
            assert broken_rules(rules.instances, mended(report.data, suspect)) == []
            assert all(isinstance(value, int) and value >= 0 for value in suspect.changes.values())
            assert all(value != wrong[path] for path, value in suspect.changes.items())
        sizes = {len(suspect.changes) for suspect in found}
        assert len(sizes) <= 1
        assert max(sizes, default=0) <= k


def test_consistent_tables_of_the_benchmark_satisfy_their_rules() -> None:
    draw = random.Random(3)
    for rules in (SMALL, TINY, TABLE_3):
        for _ in range(20):
            report = suspect_tables.report_of(suspect_tables.consistent(rules, draw))
            assert broken_rules(rules.instances, report) == []
            assert find_suspects(rules.instances, report, rules.fields) == ()


# ---- the number of cells, against other ways to find it ----


def brute_force(figures: Figures, largest: int) -> set[frozenset[str]]:
    """Return the smallest sets of cells whose columns explain the residual, by trying all of them."""
    system = figures.system
    dense = np.zeros((len(system.equalities), len(system.fields)))
    for number, row in enumerate(system.equalities):
        dense[number, list(row.cells)] = row.factors
    residual = np.array([float(figures.residual.get(n, 0)) for n in range(len(system.equalities))])
    now = np.array([float(value or 0) for value in figures.values])
    for size in range(1, largest + 1):
        found = set()
        for cells in map(list, itertools.combinations(range(len(now)), size)):
            change, _, rank, _ = np.linalg.lstsq(dense[:, cells], residual, rcond=None)
            exact = np.abs(dense[:, cells] @ np.round(change) - residual).max() < 1e-6
            if (
                rank == size
                and exact
                and (now[cells] + np.round(change) >= 0).all()
                and np.round(change).all()
            ):
                found.add(frozenset(system.fields[cell].path for cell in cells))
        if found:
            return found
    return set()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_all_smallest_sets_of_a_small_table_are_found(seed: int, k: int) -> None:
    draw = random.Random(seed)
    values = suspect_tables.consistent(TINY, draw)
    report = suspect_tables.report_of(suspect_tables.broken(TINY, values, k, draw, suspect_tables.KNOWN))
    found = find_suspects(TINY.instances, report, TINY.fields)
    if found:
        expected = brute_force(Figures.of(TINY.system, report), 3)
        assert {frozenset(suspect.changes) for suspect in found} == expected


@pytest.mark.parametrize("seed", range(8))
def test_as_many_cells_as_integer_programming_finds(seed: int) -> None:
    pytest.importorskip("scipy")
    draw = random.Random(seed)
    for k in (1, 2, 3, 4):
        values = suspect_tables.consistent(SMALL, draw)
        report = suspect_tables.report_of(suspect_tables.broken(SMALL, values, k, draw, suspect_tables.KNOWN))
        figures = Figures.of(SMALL.system, report)
        found = find_suspects(SMALL.instances, report, SMALL.fields)
        if found:
            matrix = SMALL.system.matrix(figures.inactive)
            best = smallest_set(matrix, figures.values, SMALL.system.steps, figures.residual, nodes=20_000)
            assert best is not None
            assert len(best) == len(found[0].changes)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_search_finds_what_trying_all_values_finds(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 4))
    # Each cell stands in one sum of either side: a table's matrix, whose corners are whole.
    sides = [data.draw(st.tuples(st.integers(0, 1), st.integers(2, 3))) for _ in range(count)]
    rows: dict[int, dict[int, int]] = {n: {} for n in range(4)}
    for cell, side in enumerate(sides):
        for row in side:
            rows[row][cell] = 1
    values = [data.draw(st.integers(0, 4)) for _ in range(count)]
    target = [data.draw(st.integers(0, 2)) for _ in range(count)]
    residual = {
        row: gap
        for row, factors in rows.items()
        if (gap := sum(f * (target[c] - values[c]) for c, f in factors.items()))
    }
    matrix = Matrix.of(rows, count, 4)
    found = Search(matrix, values, [1] * count, lambda _: True).run(residual) if residual else None
    tried = {
        frozenset(c for c in range(count) if new[c] != values[c])
        for new in itertools.product(range(2 * count + 1), repeat=count)
        if all(
            sum(f * (new[c] - values[c]) for c, f in factors.items()) == residual.get(row, 0)
            for row, factors in rows.items()
        )
    }
    smallest = min(map(len, tried))
    if found is not None:
        assert {frozenset(changed) for changed in found.sets} == {s for s in tried if len(s) == smallest}
        assert found.complete


# ---- which rules count ----


def test_a_warning_has_no_suspects() -> None:
    assert suspects({"a + b == t": "warning"}, a=1, b=2, t=4) == ()


def test_a_rule_whose_condition_is_not_met_does_not_count() -> None:
    assert suspects(["a + b == t when a > 5"], a=1, b=2, t=4) == ()
    assert len(suspects(["a + b == t when a > 5"], a=6, b=2, t=4)) == 2


def test_a_rule_that_touches_a_blank_is_left_out() -> None:
    assert suspects(["a + b == t"], a=None, b=2, t=4) == ()
    found = changes(suspects(["a + b == t", "t == u + v"], a=None, b=2, t=4, u=3, v=3))
    assert sorted(found, key=str) == [{"t": 6}, {"u": 1}, {"v": 1}]


def test_a_violated_inequality_alone_has_no_suspects() -> None:
    assert suspects(["a <= b"], a=3, b=2) == ()


def test_an_inequality_that_holds_is_not_broken() -> None:
    assert {"a": 7} in changes(suspects(["a + b == t"], a=4, b=2, t=9, c=5))
    assert {"a": 7} not in changes(suspects(["a + b == t", "a <= c"], a=4, b=2, t=9, c=5))


def test_an_inequality_that_is_violated_should_be_mended_as_well() -> None:
    # Without the inequality, t and b would do as well.
    assert changes(suspects(["a + b == t", "a <= c"], a=40, b=2, t=6, c=5)) == [{"a": 4}]
    # Nothing that mends the sum mends this one.
    assert {"t": 42} in changes(suspects(["a + b == t", "a <= c"], a=40, b=2, t=3, c=0))


def test_a_condition_that_a_change_would_meet_counts_afterwards() -> None:
    rules = ["a + b == t", "t == 3 when t > 2"]
    assert {"t": 9} not in changes(suspects(rules, a=7, b=2, t=1))


def test_an_inequality_between_two_sums_is_kept_by_both_together() -> None:
    rules = ["a + b == t", "c + d == u", "t <= u"]
    found = changes(suspects(rules, a=5, b=4, t=6, c=3, d=3, u=7))
    assert found
    for change in found:
        assert change.get("t", 6) <= change.get("u", 7)
    assert {"t": 9, "u": 6} not in found


def test_what_may_be_off_is_kept_but_not_mended() -> None:
    rules, fields = rules_of(["a + b == t", "b == c tolerance 1"], "abct")

    def found(**values: int) -> list[dict[str, Any]]:
        return changes(find_suspects(rules.instances, Report(values), fields))

    assert found(a=1, b=5, t=6, c=9) == []
    # Within the tolerance b may change, beyond it not.
    assert {"b": 6} in found(a=1, b=5, t=7, c=5)
    assert {"b": 7} not in found(a=1, b=5, t=8, c=5)


# ---- values ----


def test_amounts_are_decimals_at_the_steps_of_their_field() -> None:
    rules, fields = rules_of(["x + y == z"], "", x="amount:2", y="amount:2", z="amount:2")
    data = {"x": Decimal("1.25"), "y": Decimal("2.5"), "z": Decimal("4.75")}
    found = find_suspects(rules.instances, Report(data), fields)
    assert changes(found) == [{"z": Decimal("3.75")}, {"x": Decimal("2.25")}, {"y": Decimal("3.50")}]
    assert "应为2.25（现为1.25）" in found[1].reason


def test_a_count_does_not_take_up_a_part_of_one() -> None:
    rules, fields = rules_of(["n + x == z"], "n", x="amount:1", z="amount:1")
    data = {"n": 3, "x": Decimal("2.5"), "z": Decimal("6.2")}
    assert changes(find_suspects(rules.instances, Report(data), fields)) == [
        {"z": Decimal("5.5")},
        {"x": Decimal("3.2")},
    ]


def test_a_value_with_more_decimals_than_its_field_can_be_mended() -> None:
    rules, fields = rules_of(["x + y == z"], "", x="amount:1", y="amount:1", z="amount:1")
    data = {"x": Decimal("1.25"), "y": Decimal("2.5"), "z": Decimal("4.5")}
    # The sum of the others has two decimals, so only x itself can be wrong.
    assert changes(find_suspects(rules.instances, Report(data), fields)) == [{"x": Decimal("2.0")}]


def test_factors_and_constants_count() -> None:
    assert changes(suspects(["2 * a + 1 == b"], a=3, b=8)) == [{"b": 7}]
    assert changes(suspects(["0.5 * a == b"], a=6, b=4)) == [{"b": 3}, {"a": 8}]


def test_values_that_are_no_numbers_are_blanks() -> None:
    rules, fields = rules_of(["a + b == t"], "abt")
    for odd in ("3", True, Decimal("NaN")):
        assert find_suspects(rules.instances, Report({"a": odd, "b": 2, "t": 9}), fields) == ()


def test_a_sum_that_should_be_zero_needs_all_its_cells() -> None:
    assert changes(suspects(["a + b + c + d == 0"], a=3, b=0, c=2, d=1)) == [{"a": 0, "c": 0, "d": 0}]


def test_values_that_the_rules_leave_open_are_said_to_be_one_choice() -> None:
    (found,) = suspects(["a + b == 10"], a=12, b=13)
    assert sum(found.changes.values()) == 10  # type: ignore[arg-type]
    assert "取值不止一种，例如分别为" in found.reason


# ---- groups ----


def test_cells_with_equal_columns_share_a_group() -> None:
    found = suspects(["a + b == t", "c == d + e"], a=5, b=4, t=6, c=1, d=1, e=0)
    assert [suspect.group for suspect in found] == ["1"] * 3
    assert changes(found)[0] == {"t": 9}


def test_sets_that_span_the_same_space_share_a_group() -> None:
    found = suspects(["a + c == 9", "b + c == 9"], a=5, b=4, c=3)
    assert sorted(map(sorted, changes(found))) == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert {suspect.group for suspect in found} == {"1"}


def test_a_shift_between_two_columns_may_be_in_any_row() -> None:
    rules = [
        "a + b == s",
        "c + d == t",
        "a + c == u",
        "b + d == v",
        "s + t == u + v",
    ]
    right = {"a": 5, "b": 1, "c": 7, "d": 2, "s": 6, "t": 9, "u": 12, "v": 3}
    found = suspects(rules, **{**right, "a": 4, "b": 2})
    assert {"a": 5, "b": 1} in changes(found)
    assert {"c": 8, "d": 1} in changes(found)
    groups = {frozenset(suspect.changes): suspect.group for suspect in found}
    assert groups[frozenset("ab")] == groups[frozenset("cd")] == groups[frozenset("uv")] == "1"
    assert "这样能平衡的改法有3种，规则分不清是哪一种" in found[0].reason


def test_what_only_the_figures_make_possible_is_no_group() -> None:
    # Both errors are by 3, so that they could as well be those of the other diagonal.
    rules = ["a + b == s", "c + d == t", "a + c == u", "b + d == v"]
    found = suspects(rules, a=8, b=6, c=7, d=13, s=11, t=17, u=12, v=16)
    assert {frozenset(change) for change in changes(found)} >= {frozenset("ad"), frozenset("bc")}
    groups = {frozenset(suspect.changes): suspect.group for suspect in found}
    assert groups[frozenset("ad")] != groups[frozenset("bc")] or groups[frozenset("ad")] is None


def test_members_of_a_group_stand_together() -> None:
    draw = random.Random(5)
    seen = 0
    for _ in range(60):
        values = suspect_tables.consistent(TABLE_3, draw)
        wrong = suspect_tables.broken(TABLE_3, values, 3, draw, suspect_tables.KNOWN)
        found = find_suspects(TABLE_3.instances, suspect_tables.report_of(wrong), TABLE_3.fields)
        groups = [suspect.group for suspect in found if suspect.group]
        runs = [name for name, _ in itertools.groupby(groups)]
        assert runs == sorted(set(runs), key=int)
        seen += bool(groups)
    assert seen


# ---- order ----


@pytest.mark.parametrize(
    ("written", "meant", "best"),
    [
        (17, 19, "digit"),
        (71, 17, "transposed"),
        (12, 120, "dropped"),
        (5, 105, "dropped"),
        (1177, 117, "doubled"),
        (1270, 127, "extra"),
        (0, 4711, "left"),
        (101, 98, "miscount"),
        (523, 88412, "unknown"),
    ],
)
def test_a_slip_is_told_by_what_it_does_to_the_digits(written: int, meant: int, best: str) -> None:
    chances = dict(slip_chances(written, meant))
    assert max(chances, key=lambda name: chances[name]) == best


@pytest.mark.parametrize(
    ("values", "first", "hint"),
    [
        ({"a": 31, "b": 27, "c": 8, "t": 0}, {"t": 66}, "像是漏填"),
        ({"a": 13, "b": 27, "c": 8, "t": 66}, {"a": 31}, "像是相邻两位数字颠倒"),
        ({"a": 31, "b": 277, "c": 8, "t": 66}, {"b": 27}, "像是一位数字写了两次"),
        ({"a": 31, "b": 27, "c": 8, "t": 39}, {"t": 66}, "像是合计漏加了一项"),
        ({"a": 31, "b": 27, "c": 8, "t": 93}, {"t": 66}, "像是有一项重复计入"),
        ({"a": 31, "b": 27, "c": 8, "t": 67}, {"t": 66}, ""),
    ],
)
def test_of_cells_that_the_rules_cannot_tell_apart_the_likeliest_slip_comes_first(
    values: dict[str, int], first: dict[str, int], hint: str
) -> None:
    found = suspects(["a + b + c == t"], **values)
    assert changes(found)[0] == first
    assert hint in found[0].reason


@pytest.mark.parametrize(
    ("changed", "first", "hint"),
    [
        # What stands in b should stand beside it, in a.
        ({"a": 0, "b": 85}, {"a": 85, "b": 0}, "像是两格填反"),
        ({"a": 58, "b": 27}, {"a": 85, "b": 0}, ""),
        # d holds the figure of its neighbour as well.
        ({"d": 30}, {"d": 241}, "像是抄了相邻一格"),
        # A zero forgotten, a total left at 0, a part taken off instead of added.
        ({"c": 3}, {"c": 30}, "像是少写了一位数字"),
        ({"u": 0}, {"u": 115}, "像是漏填"),
        ({"u": 55}, {"u": 115}, "像是加减弄反"),
        # The cases of c were counted in a as well.
        ({"a": 115}, {"a": 85}, "像是有一项重复计入"),
    ],
)
def test_every_way_to_err_is_seen_in_a_table(
    changed: dict[str, int], first: dict[str, int], hint: str
) -> None:
    right = {"a": 85, "b": 0, "c": 30, "d": 241, "s": 85, "t": 271, "u": 115, "v": 241, "w": 356}
    rules = ["a + b == s", "c + d == t", "a + c == u", "b + d == v", "s + t == w", "u + v == w"]
    assert suspects(rules, **right) == ()
    found = suspects(rules, **{**right, **changed})
    assert changes(found)[0] == first
    assert hint in found[0].reason


def test_figures_exchanged_between_two_columns_come_before_other_ways_to_shift_them() -> None:
    data = copy.deepcopy(next(d for d in REPORTS if d["requests"]["new"]["natural_person"] > 9))
    row = data["requests"]["new"]
    right = {f"requests.new.{who}": row[who] for who in ("natural_person", "business")}
    row["natural_person"], row["business"] = row["business"], row["natural_person"]
    found = find_suspects(PACK.rules.instances, report_from_data(data, PACK), PACK.fields)
    assert changes(found)[0] == right
    assert "像是两格填反" in found[0].reason


def test_a_total_that_went_wrong_with_its_part_is_one_error() -> None:
    rules, fields = rules_of(["a + b == t", "c + d == u", "a == c", "t == u"], "abcdtu")
    figures = Figures.of(System.of(rules.instances, fields), Report(dict(a=9, b=3, c=5, d=3, t=12, u=8)))
    judged = ranking.Ranking(figures)
    cell = {field.path: number for number, field in enumerate(figures.system.fields)}
    both = judged.judge({cell["a"]: 5, cell["t"]: 8})
    assert both.cost < judged.judge({cell["a"]: 5}).cost + 1
    assert both.hint == "合计像是随分项一起错的"


# ---- how many ----


def test_the_list_is_cut_and_says_how_many_more_there_are() -> None:
    names = [f"p{number}" for number in range(60)]
    properties = {name: {"type": "integer", "title": name, "x-kind": "count"} for name in (*names, "t")}
    fields = read_fields({"type": "object", "properties": properties})
    rule = {"id": "SUM", "title": "和", "severity": "error", "assert": f"{' + '.join(names)} == t"}
    rules = compile_rules({"rule": [rule]}, fields, (), "rules.toml")
    report = Report({**dict.fromkeys(names, 2), "t": 121})
    found = find_suspects(rules.instances, report, fields)
    assert len(found) == LISTED
    assert found[-1].reason.endswith("（另有11种改法同样能平衡，未列出）")
    assert not any("另有" in suspect.reason for suspect in found[:-1])


def test_errors_in_separate_sums_are_combined() -> None:
    found = suspects(["a + b == t", "c == d"], a=5, b=4, t=6, c=1, d=3)
    assert len(found) == 6
    assert all(len(suspect.changes) == 2 for suspect in found)
    assert {"t": 9, "d": 1} in changes(found)


def test_what_the_search_gives_up_on_is_one_of_these(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "WORK", 8)
    rules = ["a + b == s", "c + d == t", "a + c == u", "b + d == v", "w == x"]
    values = {"a": 8, "b": 6, "c": 7, "d": 13, "s": 11, "t": 17, "u": 12, "v": 16, "w": 1, "x": 2}
    (found,) = suspects(rules, **values)
    assert {path for path, value in found.changes.items() if value is None} == set("abcdstuvwx")
    assert found.reason.startswith("错处较多，规则只能看出「a」、「b」和「c」等10格中有误，不能确定是哪几格")
    assert found.group is None


def test_integer_programming_is_asked_only_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy")
    monkeypatch.setattr(candidates, "WORK", 8)
    rules, fields = rules_of(["a + b == s", "c + d == t", "a + c == u", "b + d == v"], "abcdstuv")
    report = Report({"a": 8, "b": 6, "c": 7, "d": 13, "s": 11, "t": 17, "u": 12, "v": 16})
    assert None in find_suspects(rules.instances, report, fields)[0].changes.values()
    (found,) = find_suspects(rules.instances, report, fields, exact=True)
    assert len(found.changes) == 2
    assert broken_rules(rules.instances, mended(report.data, found)) == []
    assert found.reason.endswith("（可能还有别的改法同样能平衡，未逐一列出）")


def test_many_errors_end_in_time_and_in_one_suspect() -> None:
    data = typed(PACK, 1)
    draw = random.Random(1)
    for path in draw.sample(TABLE_3.cells, 60):
        place_value(data, path, draw.randint(0, 999))
    (found,) = pack_suspects(data)
    assert set(found.changes.values()) == {None}


# ---- the same every time ----

_SCRIPT = """
import random, sys
sys.path[:0] = [{benchmarks!r}]
import suspect_tables
from nianbao.suspects import find_suspects
rules, draw = suspect_tables.pack_rules(), random.Random(11)
for k in range(1, 5):
    for _ in range(5):
        right = suspect_tables.consistent(rules, draw)
        wrong = suspect_tables.broken(rules, right, k, draw, suspect_tables.KNOWN)
        print(find_suspects(rules.instances, suspect_tables.report_of(wrong), rules.fields))
"""


def test_suspects_are_the_same_in_every_process() -> None:
    script = _SCRIPT.format(benchmarks=str(Path(suspect_tables.__file__).parent))
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs.pop().count(b"Suspect(") > 20


def test_rules_are_compiled_once() -> None:
    system = System.of(PACK.rules.instances, PACK.fields)
    assert System.of(PACK.rules.instances, PACK.fields) is system
    again = System.of(list(PACK.rules.instances), PACK.fields)
    assert again is not system
    assert again.fields == system.fields


# ---- linear algebra ----


def test_solve_finds_the_only_factors_or_none() -> None:
    assert solve([{0: 1, 1: 1}, {1: 2}], {0: 3, 1: 7}) == [3, 2]
    assert solve([{0: 2}], {0: 3}) == [Decimal("1.5")]
    assert solve([{0: 1}], {0: 1, 1: 1}) is None
    assert solve([{0: 1}, {0: 2}], {0: 3}) is None


def test_span_is_the_same_for_every_basis() -> None:
    one, two, both = {0: 1, 2: 1}, {1: 2, 2: 2}, {0: 1, 1: 1, 2: 2}
    assert span([one, two]) == span([two, both]) == span([both, one, two])
    assert span([one, two]) != span([one, {1: 1}])
