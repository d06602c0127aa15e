"""A figure that is off by one is found, wherever the form gives a rule a chance to see it."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nianbao.fields import lookup, place_value
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, report_from_data

ROOT = Path(__file__).resolve().parent.parent
REPORTS: list[dict[str, Any]] = json.loads((ROOT / "examples/cn-ogi/2021/reports.json").read_bytes())
SEEDS = (2021, 2022, 2023)

# Nothing in the form says what these counts should add up to: an error in them shows only beside
# last year's report or in the texts. Rules of their own for them make this list shorter.
UNGUARDED = {
    "disclosure.normative_documents.issued",
    "disclosure.normative_documents.repealed",
    "disclosure.normative_documents.in_force",
    "disclosure.licensing.decisions",
    "disclosure.penalties.decisions",
    "disclosure.coercion.decisions",
    "profile.processing_fee.notices",
}
# Guarded where the agency says that it may not make rules: then they are 0.
UNGUARDED_WITH_RULEMAKING_POWER = {
    "disclosure.government_rules.issued",
    "disclosure.government_rules.repealed",
    "disclosure.government_rules.in_force",
}


@cache
def the_pack() -> Pack:
    return load_pack("cn-ogi/2021")


def dense(seed: int) -> dict[str, Any]:
    """Return a consistent report in which every part of the three tables is drawn by lot, none is 0."""
    draw = random.Random(seed)
    data = copy.deepcopy(next(r for r in REPORTS if r["profile"]["category"] == "government"))
    data["profile"]["rulemaking_power"] = True
    del data["notes"]
    # The texts of the example speak of its own figures.
    topics = ("proactive", "on_request", "management", "platform", "oversight")
    data["overview"] = {topic: {"text": "依法做好工作考核、社会评议和责任追究。"} for topic in topics}
    data |= {"problems": "公开不够及时。", "other_matters": "没有收取信息处理费。"}
    for kind in ("government_rules", "normative_documents"):
        issued = draw.randint(1, 30)
        row = {"issued": issued, "repealed": draw.randint(1, 30), "in_force": issued + draw.randint(2, 300)}
        data["disclosure"][kind] = row
    for kind in ("licensing", "penalties", "coercion"):
        data["disclosure"][kind]["decisions"] = draw.randint(1, 500_000)
    for outcomes in data["disputes"].values():
        outcomes.update({name: draw.randint(1, 40) for name in outcomes})
        outcomes["total"] = sum(outcomes.values()) - outcomes["total"]
    data["requests"] = requests(draw)
    return data


def requests(draw: random.Random) -> dict[str, Any]:
    """Return a consistent table three: each result by lot, what came in from what went out."""
    prefix = "requests."
    rows = {f.path.removeprefix(prefix).rpartition(".")[0]: None for f in the_pack().fields.numbers}
    parts = [row for row in rows if row.startswith("results.") and row != "results.total"]
    applicants = ["natural_person", "business", "research", "nonprofit", "legal_service", "other"]
    table: dict[str, Any] = {}
    for who in applicants:
        column = {row: draw.randint(1, 60) for row in parts}
        column["results.total"] = sum(column.values())
        column["carried_out"] = draw.randint(1, 60)
        column["carried_in"] = draw.randint(1, 20)
        column["new"] = column["results.total"] + column["carried_out"] - column["carried_in"]
        for row, count in column.items():
            place_value(table, f"{row}.{who}", count)
    for row in (*parts, "results.total", "carried_out", "carried_in", "new"):
        cells = lookup(table, row)
        cells["total"] = sum(cells.values())
    return table


def errors_of(data: dict[str, Any]) -> list[str]:
    findings = check(report_from_data(data, the_pack()), the_pack()).findings
    return [finding.rule for finding in findings if finding.severity == "error"]


def unnoticed(data: dict[str, Any]) -> set[str]:
    """Return the counts of a report that can be raised by one without an error."""
    found = set()
    for field in the_pack().fields.numbers:
        if field.kind != "count":
            continue
        changed = copy.deepcopy(data)
        place_value(changed, field.path, lookup(data, field.path) + 1)
        if not errors_of(changed):
            found.add(field.path)
    return found


@pytest.mark.parametrize("data", REPORTS, ids=lambda data: f"{data['agency']}{data['year']}")
def test_one_more_in_any_count_of_an_example_is_an_error_unless_the_count_is_unguarded(
    data: dict[str, Any],
) -> None:
    assert errors_of(data) == []
    assert unnoticed(data) == UNGUARDED


@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_in_any_count_of_a_dense_report_is_an_error_unless_the_count_is_unguarded(seed: int) -> None:
    data = dense(seed)
    assert unnoticed(data) == UNGUARDED | UNGUARDED_WITH_RULEMAKING_POWER


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dense_report_is_consistent_and_without_a_zero_in_its_tables(seed: int) -> None:
    data = dense(seed)
    report = report_from_data(data, the_pack())
    assert check(report, the_pack()).findings == ()
    tables = [f.path for f in the_pack().fields.numbers if not f.path.startswith("profile.")]
    assert len(tables) == 200
    assert all(report.value(path) for path in tables)


def test_the_lists_of_unguarded_counts_name_fields_that_give_no_finding_at_all() -> None:
    data = dense(SEEDS[0])
    for path in UNGUARDED | UNGUARDED_WITH_RULEMAKING_POWER:
        changed = copy.deepcopy(data)
        place_value(changed, path, lookup(data, path) + 1)
        assert check(report_from_data(changed, the_pack()), the_pack()).findings == (), path
