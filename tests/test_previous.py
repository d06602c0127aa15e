"""Last year's reports by agency: names as people write them, codes, mergers and splits, who is missing."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from conftest import EXAMPLES, consistent_report
from nianbao.beside import Beside, Tally
from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, check_many, report_from_data
from nianbao.previous import Aliases, Change, Previous, agency_key, as_previous, read_aliases
from nianbao.report import Report

ALIASES = ("原单位", "现单位", "变动")


def report(
    pack: Pack, agency: str, year: int, carried_in: int = 0, carried_out: int = 0, **more: Any
) -> Report:
    """Return a small report: one row of figures that rules about last year look at."""
    blank = {field.path: 0 for field in pack.fields.numbers}
    texts = {
        "overview.preamble": f"{year}年工作情况。",
        "problems": "公开不够及时。",
        "other_matters": "没有收取信息处理费。",
    }
    known = {**blank, **texts, "agency": agency, "year": year, **more}
    for row, count in (("carried_in", carried_in), ("carried_out", carried_out)):
        known[f"requests.{row}.natural_person"] = known[f"requests.{row}.total"] = count
    known["requests.new.natural_person"] = known["requests.new.total"] = carried_out
    known["requests.results.granted.natural_person"] = known["requests.results.granted.total"] = carried_in
    known["requests.results.total.natural_person"] = known["requests.results.total.total"] = carried_in
    return report_from_data(nested(known), pack)


def nested(known: dict[str, Any]) -> dict[str, Any]:
    from nianbao.fields import place_value

    data: dict[str, Any] = {}
    for path, value in known.items():
        place_value(data, path, value)
    return data


def rules(result: CheckResult) -> list[str]:
    return [f.rule for f in result.findings if f.rule.startswith(("YOY-", "PREVIOUS-"))]


def beside(
    pack: Pack, now: Sequence[Report], last: Sequence[Report], *changes: Change
) -> tuple[list[CheckResult], Tally]:
    found = Beside(as_previous(list(last), pack, Aliases(changes)))
    tally, results = Tally(found, pack), []
    for one in now:
        result = check(one, pack, found.last(one), found.explanations(one))
        figures = {path: one.value(path) for path in tally.tracked(one)}
        tally.add(one.agency, one.year, result.findings, figures)
        results.append(result)
    return results, tally


# ---- names ----


@pytest.mark.parametrize(
    "name",
    [
        "涧西区（市）局",
        "涧西区(市)局",
        "涧西区 （市） 局",
        "涧西区〔市〕局",
        "涧西区［市］局",
        "涧西区\u200b（市）局\n",
        "涧西区【市】局",
    ],
)
def test_a_name_is_the_same_with_other_brackets_spaces_and_invisible_marks(name: str) -> None:
    assert agency_key(name) == agency_key("涧西区（市）局")


def test_names_that_differ_in_a_word_are_not_the_same() -> None:
    assert agency_key("涧西区局（本级）") != agency_key("涧西区局")


def test_the_predecessor_is_found_by_its_name_however_it_is_typed(pack: Pack) -> None:
    last = [report(pack, "甲区 (市)局", 2022, carried_out=2)]
    (result,), _ = beside(pack, [report(pack, "甲区（市）局", 2023, carried_in=1)], last)
    assert rules(result) == ["YOY-CARRIED"]


def test_an_agency_of_another_name_is_known_by_its_code_and_that_is_said(pack: Pack) -> None:
    code = {"profile.code": "11410305MB1234567X"}
    last = [report(pack, "旧局", 2022, carried_out=2, **code)]
    (result,), tally = beside(pack, [report(pack, "新局", 2023, carried_in=1, **code)], last)
    assert rules(result) == ["PREVIOUS-NAME", "YOY-CARRIED"]
    assert "旧局" in result.findings[0].message
    assert tally.as_dict()["previous"] == {"missing": [], "new": [], "splits": []}


def test_a_code_that_two_agencies_share_says_nothing(pack: Pack) -> None:
    code = {"profile.code": "1"}
    last = [report(pack, name, 2022, **code) for name in ("旧局", "另一局")]
    (result,), _ = beside(pack, [report(pack, "新局", 2023, **code)], last)
    assert rules(result) == ["PREVIOUS-NONE"]


# ---- years ----


def test_of_several_years_the_one_before_counts(pack: Pack) -> None:
    last = [report(pack, "甲局", year, carried_out=year - 2019) for year in (2021, 2022, 2023)]
    (result,), _ = beside(pack, [report(pack, "甲局", 2023, carried_in=3)], last)
    assert rules(result) == []


def test_only_another_year_is_a_warning_that_blocks_nothing(pack: Pack) -> None:
    last = [report(pack, "甲局", 2021, carried_out=5)]
    (result,), _ = beside(pack, [report(pack, "甲局", 2023)], last)
    assert [(f.rule, f.severity) for f in result.findings] == [("PREVIOUS-YEAR", "warning")]
    assert result.ok


def test_two_different_reports_of_one_agency_and_year_are_not_compared(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=n) for n in (1, 2)]
    (result,), _ = beside(pack, [report(pack, "甲局", 2023)], last)
    assert rules(result) == ["PREVIOUS-SAME"]
    assert "2份不同的报告" in result.findings[0].message


def test_the_same_report_given_twice_is_one(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=1), report(pack, "甲 局", 2022, carried_out=1)]
    (result,), _ = beside(pack, [report(pack, "甲局", 2023, carried_in=1)], last)
    assert rules(result) == []


# ---- reorganisations ----


def test_a_renamed_agency_follows_its_old_name(pack: Pack) -> None:
    last = [report(pack, "旧局", 2022, carried_out=2)]
    change = Change("旧局", "新局", "renamed")
    (result,), tally = beside(pack, [report(pack, "新局", 2023, carried_in=3)], last, change)
    assert rules(result) == ["YOY-CARRIED"]
    assert tally.notes() == []


MERGED = (Change("甲局", "丙局", "merged"), Change("乙局", "丙局", "merged"))


@pytest.mark.parametrize(("carried_in", "expected"), [(5, []), (2, ["YOY-CARRIED"])])
def test_what_a_merged_agency_carries_in_is_the_sum_over_its_predecessors(
    pack: Pack, carried_in: int, expected: list[str]
) -> None:
    last = [report(pack, "甲局", 2022, carried_out=2), report(pack, "乙局", 2022, carried_out=3)]
    (result,), tally = beside(pack, [report(pack, "丙局", 2023, carried_in=carried_in)], last, *MERGED)
    assert rules(result) == expected
    assert tally.notes() == []
    if expected:
        assert result.findings[0].expected == 5


def test_an_agency_that_took_in_another_adds_its_own_report(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=2), report(pack, "乙局", 2022, carried_out=3)]
    change = Change("乙局", "甲局", "merged")
    (result,), tally = beside(pack, [report(pack, "甲局", 2023, carried_in=5)], last, change)
    assert rules(result) == []
    assert tally.notes() == []


def test_a_merged_agency_without_one_of_its_reports_is_not_compared(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=2)]
    (result,), _ = beside(pack, [report(pack, "丙局", 2023, carried_in=9)], last, *MERGED)
    assert rules(result) == ["PREVIOUS-PART"]
    assert "乙局" in result.findings[0].message


SPLIT = (Change("甲局", "乙局", "split"), Change("甲局", "丙局", "split"))


@pytest.mark.parametrize(("second", "words"), [(3, "与上年报告相符"), (4, "上年报告结转下年度为5，差1")])
def test_the_parts_of_a_split_agency_are_added_up(pack: Pack, second: int, words: str) -> None:
    last = [report(pack, "甲局", 2022, carried_out=5)]
    now = [report(pack, "乙局", 2023, carried_in=2), report(pack, "丙局", 2023, carried_in=second)]
    results, tally = beside(pack, now, last, *SPLIT)
    assert [rules(result) for result in results] == [["PREVIOUS-SPLIT"], ["PREVIOUS-SPLIT"]]
    assert all(f.severity == "info" for result in results for f in result.findings)
    ((heading, text),) = tally.notes()
    assert heading == "拆分单位合计"
    assert text.startswith("乙局、丙局（由甲局拆分）合计：")
    assert words in text


def test_parts_without_a_report_leave_the_sum_open_and_are_missing(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=5)]
    _, tally = beside(pack, [report(pack, "乙局", 2023, carried_in=2)], last, *SPLIT)
    assert tally.as_dict()["previous"] == {
        "missing": ["丙局"],
        "new": [],
        "splits": ["甲局拆分为乙局、丙局，后者没有报告，未合并核对"],
    }


def test_an_agency_that_goes_on_smaller_is_one_of_the_parts(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=5)]
    now = [report(pack, "甲局", 2023, carried_in=4), report(pack, "乙局", 2023, carried_in=1)]
    results, tally = beside(pack, now, last, Change("甲局", "乙局", "split"))
    assert [rules(result) for result in results] == [["PREVIOUS-SPLIT"], ["PREVIOUS-SPLIT"]]
    assert [text for _, text in tally.notes()] == ["乙局、甲局（由甲局拆分）合计：与上年报告相符"]


def test_an_abolished_agency_is_not_missing(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022), report(pack, "乙局", 2022)]
    _, tally = beside(pack, [report(pack, "乙局", 2023)], last, Change("甲局", "", "abolished"))
    assert tally.notes() == []


def test_an_agency_that_should_be_gone_and_reports_is_a_warning(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022)]
    (result,), _ = beside(pack, [report(pack, "甲局", 2023)], last, Change("甲局", "", "abolished"))
    assert rules(result) == ["PREVIOUS-GONE"]
    assert "已撤销" in result.findings[0].message


def test_a_change_of_another_year_does_not_count(pack: Pack) -> None:
    last = [report(pack, "甲局", 2022, carried_out=1)]
    (result,), _ = beside(
        pack, [report(pack, "甲局", 2023, 1)], last, Change("甲局", "乙局", "renamed", 2024)
    )
    assert rules(result) == []


def test_agencies_that_are_missing_or_new_are_notes_and_block_nothing(pack: Pack) -> None:
    last = [report(pack, name, 2022) for name in ("甲局", "乙局", "丙局")]
    now = [report(pack, name, 2023) for name in ("乙局", "丁局")]
    results, tally = beside(pack, now, last)
    assert [rules(result) for result in results] == [[], ["PREVIOUS-NONE"]]
    assert all(result.ok for result in results)
    assert [heading for heading, _ in tally.notes()] == ["上年有报告、本年没有的单位", "本年新增的单位"]
    assert tally.as_dict()["previous"] == {"missing": ["甲局", "丙局"], "new": ["丁局"], "splits": []}


# ---- the file of aliases ----


def sheet(path: Path, *rows: Sequence[object]) -> Path:
    if path.suffix == ".csv":
        path.write_text("\n".join(",".join(str(c or "") for c in row) for row in rows), encoding="gb18030")
        return path
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["别名.xlsx", "别名.csv"])
def test_aliases_are_read_from_a_workbook_and_from_csv(tmp_path: Path, name: str) -> None:
    rows = [
        ("机构改革对照表", None, None),
        ALIASES,
        ("甲局", "新甲局", "更名"),
        ("乙局", "丙局", "并入"),
        ("丁局", "戊局", "分立"),
        ("己局", None, "撤销"),
    ]
    found = read_aliases(sheet(tmp_path / name, *rows)).changes
    assert [(c.old, c.new, c.kind, c.where.row) for c in found] == [
        ("甲局", "新甲局", "renamed", 3),
        ("乙局", "丙局", "merged", 4),
        ("丁局", "戊局", "split", 5),
        ("己局", "", "abolished", 6),
    ]


def test_a_row_without_a_kind_is_read_as_what_it_looks_like(tmp_path: Path) -> None:
    rows = [ALIASES, ("甲", "乙"), ("丙", "丁"), ("戊", "丁"), ("己", "庚"), ("己", "辛"), ("壬", None)]
    found = read_aliases(sheet(tmp_path / "a.xlsx", *rows)).changes
    assert [c.kind for c in found] == ["renamed", "merged", "merged", "split", "split", "abolished"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("甲", "乙", "升格")], "变动写的是“升格”，应为改名、合并、拆分、撤销"),
        ([("甲", "乙", "撤销")], "撤销的单位不应有现单位"),
        ([("甲", None, "改名")], "没有填甲的现单位"),
        ([(None, "乙", "改名")], "没有填原单位"),
        ([("甲", "丙", "改名"), ("乙", "丙", "改名")], "丙由几个单位而来，请写“合并”"),
        ([("甲", "乙", "改名"), ("甲", "丙", "改名")], "甲变成了几个单位，请写“拆分”"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(
    tmp_path: Path, rows: list[Sequence[object]], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_aliases(sheet(tmp_path / "别名.xlsx", ALIASES, *rows))
    assert caught.value.message.startswith("别名表别名.xlsx“Sheet”第2行：")
    assert words in caught.value.message


def test_a_file_that_is_no_list_of_aliases_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="不像别名表，应有“原单位”、“现单位”各列"):
        read_aliases(sheet(tmp_path / "a.xlsx", ("单位", "数"), ("甲", 1)))
    with pytest.raises(InputError, match="找不到别名表"):
        read_aliases(tmp_path / "没有.xlsx")


# ---- inputs, size ----


def test_any_input_may_be_last_year(pack: Pack, tmp_path: Path) -> None:
    data = json.loads((EXAMPLES / "previous.json").read_bytes())
    reports = [report_from_data(item, pack) for item in data]
    for source in (EXAMPLES / "previous.xlsx", str(EXAMPLES / "previous.json"), data, reports, iter(reports)):
        found = as_previous(source, pack)
        assert found is not None
        assert [r.agency for r in found.reports] == [item["agency"] for item in data]
    single = as_previous(reports[0], pack)
    assert single is not None
    assert len(single.reports) == 1


def test_an_input_without_a_report_is_an_error_and_a_bad_file_among_good_ones_is_named(
    pack: Pack, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="上年数据里没有报告"):
        Previous.read(tmp_path / "没有.xlsx", pack)
    found = Previous.read([EXAMPLES / "previous.xlsx", tmp_path / "没有.xlsx"], pack)
    assert [file for file, _ in found.unreadable] == [str(tmp_path / "没有.xlsx")]


def test_check_takes_an_index_as_well_as_one_report(pack: Pack) -> None:
    now, last = report(pack, "甲局", 2023, carried_in=2), report(pack, "甲局", 2022, carried_out=1)
    index = as_previous([report(pack, "乙局", 2022), last], pack)
    assert check(now, pack, index).findings == check(now, pack, last).findings != ()


def test_check_many_takes_last_year_aliases_and_waivers_as_files(pack: Pack, tmp_path: Path) -> None:
    now = [report_from_data(item, pack) for item in json.loads((EXAMPLES / "reports.json").read_bytes())]
    aliases = sheet(tmp_path / "a.xlsx", ALIASES, ("甲", "乙", "改名"))
    found = list(check_many(now, pack, EXAMPLES / "previous.xlsx", aliases=aliases))
    assert [f.rule for result in found for f in result.findings] == ["PREVIOUS-YEAR"]


def test_what_is_kept_of_last_year_is_small_and_can_be_sent(pack: Pack) -> None:
    first = report_from_data(consistent_report(pack, 1), pack)
    Previous.read([first], pack)
    tracemalloc.start()
    reports = (
        report_from_data({**consistent_report(pack, 2), "agency": f"第{n}局"}, pack) for n in range(200)
    )
    found = Previous.read(reports, pack)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 200 < 12_000
    kept = pickle.loads(pickle.dumps(found.reports[7]))
    assert kept.value("requests.carried_out.total") == found.reports[7].value("requests.carried_out.total")
    assert len(kept.values) == len(set(kept.values))
