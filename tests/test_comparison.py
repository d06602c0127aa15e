"""Comparison of reports and of sets: laws that hold for all reports, and real workbooks."""

from __future__ import annotations

import copy
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from rich.cells import cell_len
from rich.console import Console

import nianbao
from commands import run
from conftest import EXAMPLES, consistent_report
from nianbao.comparison.comparing import compare
from nianbao.comparison.differences import Comparison, FigureChange, ReportComparison
from nianbao.fields import place_value
from nianbao.outputs.comparison.display import comparison_text
from nianbao.outputs.forms import write_form, write_register
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import report_from_data
from nianbao.report import Report

PACK = load_pack()
FIGURES = [field.path for field in PACK.fields.numbers if field.printed]
TEXTS = ["introduction", "problems", "other_matters", "overview.proactive.text", "overview.proactive.heading"]
WORDS = st.text(st.sampled_from("年本局公开12，。；“\n《》"), min_size=1, max_size=30).filter(str.strip)
ITEMS = st.lists(st.fixed_dictionaries({"heading": WORDS, "text": WORDS}), max_size=3)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Return a report of an agency with some figures and texts, others blank; nothing is derived."""
    data: dict[str, Any] = {"agency": "甲局", "year": 2023}
    numbers = st.none() | st.integers(0, 30)
    for path in draw(st.lists(st.sampled_from(FIGURES), unique=True, max_size=12)):
        place_value(data, path, draw(numbers))
    for path in draw(st.lists(st.sampled_from(TEXTS), unique=True)):
        place_value(data, path, draw(WORDS).replace("\n", "") or "字" if "heading" in path else draw(WORDS))
    place_value(data, "overview.additional", draw(ITEMS))
    return Report(data)


def only(comparison: Comparison) -> ReportComparison:
    (pair,) = comparison.pairs
    return pair


@given(reports())
def test_a_report_does_not_differ_from_itself(report: Report) -> None:
    assert compare(report, report, PACK).same


@given(reports(), reports())
def test_the_other_way_round_every_difference_is_mirrored(a: Report, b: Report) -> None:
    there, back = only(compare(a, b, PACK)), only(compare(b, a, PACK))
    assert {(c.field, c.before, c.after) for c in there.figures} == {
        (c.field, c.after, c.before) for c in back.figures
    }
    assert {(c.before_field, c.before, c.after) for c in there.texts} == {
        (c.after_field, c.after, c.before) for c in back.texts
    }
    assert {(c.before_field, c.added) for c in there.items} == {
        (c.after_field, not c.added) for c in back.items
    }
    assert there.same == back.same


@given(reports(), reports())
def test_the_differences_put_into_one_report_make_the_other(a: Report, b: Report) -> None:
    pair = only(compare(a, b, PACK))
    data = copy.deepcopy(dict(a.data))
    for change in (*pair.figures, *pair.texts):
        if "[" not in change.field:
            place_value(data, change.field, change.after)
    data["overview"]["additional"] = b.data["overview"]["additional"]
    assert compare(Report(data), b, PACK).same


def test_differences_and_rates_are_exact() -> None:
    assert FigureChange("f", "f", Decimal("163.8908"), Decimal("164")).difference == Decimal("0.1092")
    assert FigureChange("f", "f", 40, 45).rate == Decimal("0.125")
    assert FigureChange("f", "f", 0, 45).rate is None
    assert FigureChange("f", "f", None, 45).difference is None
    assert FigureChange("f", "f", 12, 0).rate == -1


def test_blank_is_not_zero(pack: Pack) -> None:
    blank = Report({"agency": "甲局", "year": 2023, "requests": {"new": {"total": None}}})
    zero = Report({"agency": "甲局", "year": 2023, "requests": {"new": {"total": 0}}})
    (change,) = only(compare(blank, zero, pack)).figures
    assert (change.before, change.after, change.difference) == (None, 0, None)


def test_a_finished_report_is_not_filled_in_before_it_is_compared(pack: Pack) -> None:
    # Bound again as input, its blank total would be derived from the parts.
    report = Report({"agency": "甲局", "year": 2023, "requests": {"new": {"natural_person": 3}}})
    (change,) = only(compare(report, consistent_with(report, total=3), pack)).figures
    assert change.field == "requests.new.total"


def consistent_with(report: Report, **figures: int) -> Report:
    data = copy.deepcopy(dict(report.data))
    data["requests"]["new"] |= figures
    return Report(data)


def test_what_could_not_be_read_is_shown_as_it_stood(pack: Pack) -> None:
    data = consistent_report(pack, 1)
    changed = copy.deepcopy(data)
    changed["requests"]["new"]["business"] = "若干"
    figures = {c.field: c for c in only(compare(data, changed, pack)).figures}
    assert (figures["requests.new.business"].after, figures["requests.new.business"].after_found) == (
        None,
        "若干",
    )
    assert compare(changed, changed, pack).same


def shown(comparison: Comparison, pack: Pack, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for part in comparison_text(comparison, pack):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_reading_met_is_said_beside_the_differences(pack: Pack) -> None:
    data = consistent_report(pack, 1)
    blank, other = copy.deepcopy(data), copy.deepcopy(data)
    del blank["requests"]["new"]["business"]
    other["problems"] += "没有其他问题。"
    text = shown(compare(report_from_data(data, pack), report_from_data(blank, pack), pack), pack)
    assert re.search(r"“后”读取时有问题，请先核对：\S*表三\S*为空", text)
    assert "读取时有问题" not in shown(compare(data, other, pack), pack)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_text_of_a_comparison_fits_the_terminal_and_loses_nothing(pack: Pack, width: int) -> None:
    old, new = consistent_report(pack, 1), consistent_report(pack, 2)
    new["problems"] = "A very long English sentence about openness. " * 3 + "公开内容不够主动。"
    text = shown(compare(old, new, pack), pack, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    squeezed = re.sub(r"\s", "", text)
    for change in only(compare(old, new, pack)).figures:
        assert re.sub(r"\s", "", pack.fields.place(change.field))[:6] in squeezed
    assert "Averylong" in squeezed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("title", "甲局2023年政府信息公开工作年度报告"),
        ("overview.proactive.heading", "（一）主动公开"),
        ("overview.proactive.heading", "(一)主动公开"),
        ("profile.phone", "0379-1"),
    ],
)
def test_what_a_document_prints_of_its_own_or_not_at_all_is_no_difference(path: str, value: str) -> None:
    data = {"agency": "甲局", "year": 2023, "overview": {"proactive": {"text": "公开目录。"}}}
    document = copy.deepcopy(data)
    place_value(document, path, value)
    assert compare(Report(data), Report(document), PACK).same
    assert compare(Report(document), Report(data), PACK).same


def test_what_is_not_printed_is_compared_where_both_have_some() -> None:
    one = Report({"agency": "甲局", "year": 2023, "profile": {"phone": "1", "category": "department"}})
    two = Report({"agency": "甲局", "year": 2023, "profile": {"phone": "1", "category": "township"}})
    (change,) = only(compare(one, two, PACK)).texts
    assert change.field == "profile.category"
    assert "department" not in change.before


def test_a_heading_of_ones_own_stands_against_the_one_that_is_printed() -> None:
    data = {"agency": "甲局", "year": 2023, "overview": {"proactive": {"text": "公开目录。"}}}
    own = copy.deepcopy(data)
    place_value(own, "overview.proactive.heading", "（一）公开情况")
    (change,) = only(compare(Report(data), Report(own), PACK)).texts
    assert (change.before, change.after) == ("（一）主动公开", "（一）公开情况")


def topics(*items: tuple[str, str]) -> Report:
    additional = [{"heading": heading, "text": text} for heading, text in items]
    return Report({"agency": "甲局", "year": 2023, "overview": {"additional": additional}})


def test_items_of_a_list_are_matched_by_their_heading() -> None:
    before = topics(("（六）宣传", "办了三次宣传活动。"), ("（七）培训", "培训两次。"))
    after = topics(("（六）考核", "列入年度考核。"), ("（七）培训", "培训四次。"))
    pair = only(compare(before, after, PACK))
    assert [(c.before_field, c.after_field) for c in pair.items] == [
        ("overview.additional[0]", None),
        (None, "overview.additional[0]"),
    ]
    assert [(c.field, c.after) for c in pair.texts] == [("overview.additional[1].text", "培训四次。")]


def test_an_item_under_a_new_heading_and_number_is_the_same_item() -> None:
    before = topics(("（六）宣传", "全年办了三次宣传活动，参加群众二百人。"))
    after = topics(("（六）考核", "列入考核。"), ("（七）宣传工作", "全年办了三次宣传活动，参加群众三百人。"))
    pair = only(compare(before, after, PACK))
    assert [c.after_field for c in pair.items] == ["overview.additional[0]"]
    assert [c.before_field for c in pair.texts] == [
        "overview.additional[0].heading",
        "overview.additional[0].text",
    ]


def named(agency: str, year: int | None = 2023, **more: Any) -> Report:
    return Report({"agency": agency, "year": year, **more})


@pytest.mark.parametrize(
    ("before", "after", "pairs", "only_before", "only_after"),
    [
        ([("甲局", 2023)], [("甲市某局", 2024)], [("甲局", 2023, 2024)], [], []),
        (
            [("甲局", 2023), ("乙局", 2023)],
            [("乙 局", 2023), ("丙局", 2023)],
            [("乙局", 2023, 2023)],
            ["甲局"],
            ["丙局"],
        ),
        ([("甲局", 2021), ("甲局", 2022)], [("甲局", 2023)], [("甲局", 2022, 2023)], ["甲局"], []),
        ([("甲局", 2022)], [("甲局", 2021), ("甲局", 2023)], [("甲局", 2022, 2023)], [], ["甲局"]),
        (
            [("甲局", 2022), ("甲局", 2023)],
            [("甲局", 2023), ("甲局", 2022)],
            [("甲局", 2023, 2023), ("甲局", 2022, 2022)],
            [],
            [],
        ),
        ([("", 2023), ("", 2023)], [("", 2023), ("甲局", 2023)], [], ["", ""], ["", "甲局"]),
        ([], [("甲局", 2023)], [], [], ["甲局"]),
        (
            [("甲局", 2022), ("乙局", 2022)],
            [("甲局", 2021), ("甲局", 2023), ("乙局", 2023)],
            [("甲局", 2022, 2023), ("乙局", 2022, 2023)],
            [],
            ["甲局"],
        ),
    ],
)  # fmt: skip
def test_reports_are_matched_by_agency_and_year(
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
    pairs: list[tuple[str, int, int]],
    only_before: list[str],
    only_after: list[str],
) -> None:
    found = compare([named(*one) for one in before], [named(*one) for one in after], PACK)
    assert [(p.before.agency, p.before.year, p.after.year) for p in found.pairs] == pairs
    assert [report.agency for report in found.only_before] == only_before
    assert [report.agency for report in found.only_after] == only_after


ALIASES = "原单位,现单位,变动\n甲局,乙 局,改名\n乙局,丙局,改名\n子局,丑局,改名\n丑局,子局,改名\n"


@pytest.mark.parametrize(
    ("old", "new"), [("甲局", "丙局"), ("丙局", "甲局"), ("乙局", "丙局"), ("子局", "丑局")]
)
def test_a_renamed_agency_is_the_same_agency(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "别名.csv"
    path.write_text(ALIASES, "utf-8")
    before, after = [named(old, 2022), named("丁局", 2022)], [named(new, 2023), named("丁局", 2023)]
    assert len(compare(before, after, PACK).pairs) == 1
    found = compare(before, after, PACK, aliases=path)
    assert [(p.before.agency, p.after.agency) for p in found.pairs] == [(old, new), ("丁局", "丁局")]


def test_an_agency_without_its_old_name_goes_by_its_code() -> None:
    before = [named("甲局", 2022, profile={"code": "11A"}), named("乙局", 2022, profile={"code": "11B"})]
    after = [named("乙局", 2023, profile={"code": "11A"}), named("新局", 2023, profile={"code": "11A"})]
    found = compare(before, after, PACK)
    assert [(p.before.agency, p.after.agency) for p in found.pairs] == [("乙局", "乙局"), ("甲局", "新局")]


@pytest.fixture
def years(pack: Pack, tmp_path: Path) -> tuple[Path, Path]:
    """Two registers of two agencies, a year apart; the second agency has the same figures in both."""
    old = [consistent_report(pack, seed, agency=f"第{seed}局") for seed in (1, 2)]
    new = copy.deepcopy(old)
    new[0]["year"] = 2024
    new[0]["requests"]["new"]["natural_person"] += 7
    new[0]["problems"] = new[0]["problems"].replace("及时", "主动")
    paths = tmp_path / "去年.xlsx", tmp_path / "今年.xlsx"
    for path, data in zip(paths, (old, new), strict=True):
        write_register(pack, path, [report_from_data(item, pack) for item in data])
    return paths


def test_two_workbooks_are_compared_on_the_command_line(years: tuple[Path, Path]) -> None:
    done = run("diff", *years)
    assert (done.returncode, done.stderr) == (1, "")
    assert "第1局 2023年 → 2024年 数字1处，文字2处" in done.stdout
    assert "表三·一、本年新收·自然人" in done.stdout
    assert "+7" in done.stdout
    assert "公开内容还不够[-及时-]{+主动+}。" in done.stdout
    assert "第2局" not in done.stdout
    assert done.stdout.endswith("共比较2份：相同1，有不同1（数字1处，文字2处，增减0处）\n")


def test_the_same_workbook_is_the_same(years: tuple[Path, Path]) -> None:
    done = run("diff", years[0], years[0])
    assert (done.returncode, done.stdout) == (0, "共比较2份：相同2，有不同0\n")


def test_the_json_of_a_comparison_says_where_each_figure_stands(
    years: tuple[Path, Path], tmp_path: Path
) -> None:
    assert run("diff", *years, "-o", tmp_path / "a.json").returncode == 1
    document = json.loads((tmp_path / "a.json").read_text("utf-8"))
    counts = {"agencies": 2, "differing": 1, "figures": 1, "texts": 2, "items": 0}
    assert document["summary"] == {**counts, "only_before": 0, "only_after": 0}
    (figure,) = document["agencies"][0]["figures"]
    assert figure["difference"] == 7
    assert Decimal(figure["rate"]) == round(Decimal(7) / figure["before"], 6)
    for path, side in zip(years, ("before", "after"), strict=True):
        cell = load_workbook(path).worksheets[0][figure["where"][side]["cell"]]
        assert cell.value == figure[side]
    marks = [piece["mark"] for piece in document["agencies"][0]["texts"][1]["changed_sentences"][0]]
    assert marks == ["same", "deleted", "inserted", "same"]


def test_a_form_is_compared_with_the_data_that_it_was_made_from(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "甲.xlsx"
    data = json.loads((EXAMPLES / "reports.json").read_text("utf-8"))[1]
    write_form(pack, path, report=report_from_data(data, pack))
    assert compare(data, path, pack).same
    book = load_workbook(path)
    sheet = next(sheet for sheet in book.worksheets if "表三" in sheet.title)
    cell = next(
        c for row in sheet.iter_rows() for c in row if c.value == data["requests"]["new"]["natural_person"]
    )
    cell.value += 1
    book.save(path)
    (change, *_) = only(compare(data, path, pack)).figures
    assert (change.field, change.difference) == ("requests.new.natural_person", 1)


def test_trouble_is_told_apart_from_a_difference(years: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "收表"
    folder.mkdir()
    (folder / "a.xlsx").write_bytes(years[0].read_bytes())
    (folder / "b.xlsx").write_bytes(b"PK no workbook")
    done = run("diff", years[0], folder)
    assert done.returncode == 2
    assert "b.xlsx" in done.stdout
    assert "另有1个文件未能读取" in done.stdout
    for wrong in (("diff", years[0], tmp_path / "none.xlsx"), ("diff", *years, "--format", "pdf")):
        done = run(*wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("错误：")


def test_a_comparison_is_part_of_the_library() -> None:
    assert isinstance(nianbao.compare([], [], PACK), nianbao.Comparison)
    assert nianbao.compare([], [], PACK).same


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_every_figure_that_differs_is_named_and_no_other(a: int, b: int) -> None:
    one, two = (report_from_data(consistent_report(PACK, seed), PACK) for seed in (a, b))
    named = {c.field for c in only(compare(one, two, PACK)).figures}
    assert named == {path for path in FIGURES if one.value(path) != two.value(path)}
