"""The example workbooks: made from the example data, and read back to it."""

from __future__ import annotations

import json
import runpy
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from conftest import EXAMPLES
from nianbao.batch import build
from nianbao.fields import lookup
from nianbao.pack import Pack
from nianbao.pipeline import check, read
from nianbao.report import exchanged


def by_name(reports: list[Any]) -> dict[tuple[str, int], Any]:
    return {(data["agency"], data["year"]): data for data in reports}


@pytest.mark.parametrize("source", ["register.xlsx", "forms"])
def test_register_and_forms_hold_exactly_the_example_data(
    pack: Pack, examples: list[dict[str, Any]], source: str
) -> None:
    path = EXAMPLES / source
    files = sorted(path.glob("*.xlsx")) if path.is_dir() else [path]
    results = [check(report, pack) for file in files for report in read(file, pack)]
    assert by_name([exchanged(r.report.data) for r in results]) == by_name(examples)
    assert [r.findings for r in results] == [()] * len(examples)


def test_the_broken_register_gives_exactly_the_expected_findings(pack: Pack) -> None:
    expected = json.loads((EXAMPLES / "broken" / "expected.json").read_text(encoding="utf-8"))
    found = {
        report.agency: Counter((f.rule, f.field) for f in check(report, pack).findings)
        for report in read(EXAMPLES / "broken" / "register.xlsx", pack)
    }
    assert found == {
        agency: Counter((f["rule"], f["field"]) for f in case["findings"])
        for agency, case in expected.items()
    }


def test_the_broken_register_has_an_instance_of_every_rule(pack: Pack) -> None:
    expected = json.loads((EXAMPLES / "broken" / "expected.json").read_text(encoding="utf-8"))
    shown = {finding["rule"] for case in expected.values() for finding in case["findings"]}
    single = {text.id for text in pack.rules.texts if not text.id.startswith("YOY-")}
    assert single | {"VALUE", "BLANK", "DERIVED", "ZERO-DECLARED"} <= shown


def test_the_workbooks_are_what_the_script_makes(tmp_path: Path) -> None:
    script = runpy.run_path(str(EXAMPLES / "make.py"))
    script["main"](tmp_path)
    for made in tmp_path.rglob("*.*"):
        kept = EXAMPLES / made.relative_to(tmp_path)
        assert contents(kept) == contents(made), f"{made.name} is stale: run `make docs`"


def contents(path: Path) -> Any:
    """What a file holds; of a workbook its parts, since zlib builds deflate differently."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


# The official form as a person reads it: rows and columns of its three tables, nothing of nianbao.
APPLICANTS = ("natural_person", "business", "research", "nonprofit", "legal_service", "other", "total")
ROWS = (
    *("new", "carried_in", "results.granted", "results.partial"),
    *("results.refused.state_secret", "results.refused.other_law", "results.refused.security_stability"),
    *(
        "results.refused.third_party",
        "results.refused.internal_affairs",
        "results.refused.process_information",
    ),
    *("results.refused.enforcement_files", "results.refused.administrative_query"),
    *("results.unavailable.not_held", "results.unavailable.needs_creation"),
    *("results.unavailable.unclear_after_correction", "results.not_processed.petition_complaint"),
    *(
        "results.not_processed.repeated",
        "results.not_processed.publication",
        "results.not_processed.excessive",
    ),
    *("results.not_processed.confirm_or_reissue", "results.other.correction_overdue"),
    *("results.other.fee_overdue", "results.other.miscellaneous", "results.total", "carried_out"),
)
KINDS = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
OUTCOMES = ("upheld", "corrected", "other", "pending", "total")


def figures(document: Any) -> dict[str, str]:
    """Return the figures of a report by their place in the official form."""
    two, three, four = (
        [[cell.text.split("（")[0] for cell in row.cells] for row in table.rows]
        for table in document.tables[:3]
    )
    found: dict[str, str] = {}
    for row, kind in ((2, "government_rules"), (3, "normative_documents")):
        for column, name in enumerate(("issued", "repealed", "in_force"), 1):
            found[f"disclosure.{kind}.{name}"] = two[row][column]
    for row, kind in ((6, "licensing"), (9, "penalties"), (10, "coercion")):
        found[f"disclosure.{kind}.decisions"] = two[row][1]
    found["disclosure.administrative_fees.amount"] = two[13][1]
    for row, name in enumerate(ROWS, 3):
        for column, who in enumerate(APPLICANTS, 3):
            found[f"requests.{name}.{who}"] = three[row][column]
    for index, kind in enumerate(KINDS):
        for column, outcome in enumerate(OUTCOMES):
            found[f"disputes.{kind}.{outcome}"] = four[3][5 * index + column]
    return found


@pytest.mark.parametrize("source", ["register.xlsx", "forms", "reports.json"])
def test_the_figures_come_out_in_the_documents_cell_for_cell(
    pack: Pack, examples: list[dict[str, Any]], source: str, tmp_path: Path
) -> None:
    result = build([EXAMPLES / source], tmp_path, pack)
    assert (result.written, result.ok) == (5, True)
    for data in examples:
        document = Document(str(tmp_path / f"{data['agency']}{data['year']}年政府信息公开工作年度报告.docx"))
        expected = {path: str(lookup(data, path)) for path in figures(document)}
        assert len(expected) == 200
        assert figures(document) == expected
