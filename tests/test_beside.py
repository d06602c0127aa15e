"""Building and checking beside last year and with explanations: the command line, real workbooks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner, Result

from conftest import EXAMPLES
from nianbao.batch import BatchResult, build
from nianbao.cli.app import app
from nianbao.errors import NianbaoError
from nianbao.outputs.results.explaining import EXPLAINED
from nianbao.pack import Pack
from test_cli import process
from test_waivers import fill, table

GOVERNMENT = "涧西区人民政府"
REPORT = f"{GOVERNMENT}2023年政府信息公开工作年度报告"


def run(*arguments: object) -> Result:
    """Run a command in this process: a new one for each would take most of the time."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(result.exception, NianbaoError):
        result.exit_code, result.stderr_bytes = 2, result.exception.message.encode()
    else:
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def changed(source: Path, target: Path, changes: Mapping[str, Mapping[str, Any]]) -> Path:
    """Copy a register and type other values into it, by agency and field, as a person does."""
    book = load_workbook(source)
    sheet: Any = book.worksheets[0]
    head = next(row for row in sheet.iter_rows(max_row=10) if any(cell.value == "agency" for cell in row))
    columns = {cell.value: cell.column for cell in head}
    for row in range(head[0].row + 1, sheet.max_row + 1):
        for field, value in changes.get(sheet.cell(row, columns["agency"]).value, {}).items():
            sheet.cell(row, columns[field]).value = value
    book.save(target)
    return target


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A folder with registers of two years; last year's carries out 4 where this year's carries in 2."""
    shutil.copy(EXAMPLES / "register.xlsx", tmp_path / "2023.xlsx")
    figures = {"requests.carried_out.natural_person": 4, "requests.carried_out.total": 4}
    figures |= {"requests.new.natural_person": 33, "requests.new.total": 33}
    changed(EXAMPLES / "previous.xlsx", tmp_path / "2022.xlsx", {GOVERNMENT: figures})
    return tmp_path


def document(done: Any) -> Any:
    return json.loads(done.stdout)


def found(document: Any) -> dict[str, list[str]]:
    """Return the rules of what was found by agency and year; figures in the texts are another matter."""
    return {
        f"{report['agency']}{report['year']}": [
            f["rule"] for f in report["findings"] if f["rule"] != "CLAIMS"
        ]
        for report in document["reports"]
    }


def test_check_compares_with_last_years_workbook(office: Path) -> None:
    done = run("check", office / "2023.xlsx", "--previous", office / "2022.xlsx")
    assert (done.exit_code, done.stderr) == (1, "")
    flat = "".join(done.stdout.split())
    assert "填2，上年报告结转下年度为4，差2" in flat
    assert "2022.xlsx登记表!" in flat
    data = document(
        run("check", office / "2023.xlsx", "--previous", office / "2022.xlsx", "--format", "json")
    )
    assert found(data)[f"{GOVERNMENT}2023"] == ["YOY-CARRIED"]
    assert data["previous"] == {"missing": [], "new": [], "splits": []}
    (finding,) = data["reports"][1]["findings"]
    assert (finding["expected"], finding["actual"], finding["where"]["sheet"]) == (4, 2, "登记表")
    assert Path(finding["where"]["file"]).name == "2023.xlsx"


def test_previous_may_be_given_more_than_once(office: Path) -> None:
    data = json.loads((EXAMPLES / "previous.json").read_bytes())
    for number, item in enumerate(data):
        (office / f"{number}.json").write_text(json.dumps(item, ensure_ascii=False), encoding="utf-8")
    more = [arg for number in range(len(data)) for arg in ("--previous", office / f"{number}.json")]
    done = run("check", office / "2023.xlsx", *more, "--format", "json")
    assert done.exit_code == 0
    assert [rules for rules in found(document(done)).values() if rules] == [["PREVIOUS-YEAR"]]


def test_last_year_that_cannot_be_read_is_exit_two_and_among_others_exit_one(office: Path) -> None:
    done = process("check", office / "2023.xlsx", "--previous", office / "没有.xlsx")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "上年数据里没有报告" in done.stderr
    more = ("--previous", EXAMPLES / "previous.xlsx", "--previous", office / "没有.xlsx")
    done = run("check", office / "2023.xlsx", *more, "--format", "json")
    assert done.exit_code == 1
    assert [Path(u["file"]).name for u in document(done)["unreadable"]] == ["没有.xlsx"]


def test_aliases_from_a_workbook_join_what_was_merged(office: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (("原单位", "现单位", "变动"), ("旧涧西区人民政府", GOVERNMENT, "改名")):
        book.active.append(row)
    book.save(office / "别名.xlsx")
    changed(office / "2022.xlsx", office / "旧.xlsx", {GOVERNMENT: {"agency": "旧涧西区人民政府"}})
    arguments = ("check", office / "2023.xlsx", "--previous", office / "旧.xlsx", "--format", "json")
    data = document(run(*arguments))
    assert found(data)[f"{GOVERNMENT}2023"] == ["PREVIOUS-NONE"]
    assert (data["previous"]["missing"], data["previous"]["new"]) == (["旧涧西区人民政府"], [GOVERNMENT])
    data = document(run(*arguments, "--aliases", office / "别名.xlsx"))
    assert found(data)[f"{GOVERNMENT}2023"] == ["YOY-CARRIED"]
    assert data["previous"]["missing"] == []
    text = run(*arguments[:-2]).stdout
    assert "上年有报告、本年没有的单位：旧涧西区人民政府" in text
    assert run(*arguments, "--aliases", office / "2022.xlsx").exit_code == 2


def test_results_are_filled_in_and_given_back_until_the_figure_changes(office: Path) -> None:
    results = office / "检查结果.xlsx"
    both = ("check", office / "2023.xlsx", "--previous", office / "2022.xlsx")
    assert run(*both, "-o", results).exit_code == 1
    fill(results, "上年报告有误，已书面更正", "王五")
    done = run(*both, "--waivers", results)
    assert done.exit_code == 0
    assert "已说明" in done.stdout
    assert "上年报告有误，已书面更正" in done.stdout
    data = document(run(*both, "--waivers", results, "--format", "json"))
    assert data["summary"]["waived"] == 2
    finding = data["reports"][1]["findings"][0]
    assert finding["waived"] == {
        "reason": "上年报告有误，已书面更正",
        "confirmed_by": "王五",
        "date": "2024-01-20",
    }
    assert (finding["rule"], data["reports"][1]["status"]) == ("YOY-CARRIED", "pass")
    assert run(*both, "--waivers", results, "--annotate", office / "标注.xlsx").exit_code == 0
    sheet = load_workbook(office / "标注.xlsx").worksheets[0]
    comments = [c.comment.text for row in sheet.iter_rows() for c in row if c.comment]
    assert any("【已说明】上年报告有误，已书面更正（王五 2024-01-20确认）" in text for text in comments)
    moved = {"requests.carried_in.natural_person": 5, "requests.carried_in.total": 5}
    moved |= {"requests.new.natural_person": 37, "requests.new.total": 37}
    changed(office / "2023.xlsx", office / "2023.xlsx", {GOVERNMENT: moved})
    done = run(*both, "--waivers", results, "--format", "json")
    assert done.exit_code == 1
    assert found(document(done))[f"{GOVERNMENT}2023"] == ["YOY-CARRIED", "WAIVER-VOID"]


def test_explanations_without_a_report_are_told(office: Path) -> None:
    rows = [("单位", "规则", "栏目", "填报值", "理由", "确认人"), ("甲局", "T3-ROW", "", "1", "如此", "张三")]
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(office / "说明.xlsx")
    done = run("check", office / "2023.xlsx", "--waivers", office / "说明.xlsx")
    assert done.exit_code == 0
    assert "情况说明没有对应的报告：甲局，规则T3-ROW" in done.stdout


# ---- building ----


def built(office: Path, pack: Pack, *, out: str = "out", **beside: Any) -> BatchResult:
    return build([office / "2023.xlsx"], office / out, pack, **beside)


def test_a_report_that_differs_from_last_years_is_not_built_and_an_explained_one_is(
    office: Path, pack: Pack
) -> None:
    first = built(office, pack)
    assert (first.written, first.ok) == (5, True)
    second = built(office, pack, previous=office / "2022.xlsx")
    assert not second.ok
    assert second.voided == (f"{REPORT}.docx",)
    fill(second.summary, "上年报告有误", "王五")
    third = built(office, pack, previous=office / "2022.xlsx", waivers=second.summary)
    assert third.ok
    assert (office / "out" / f"{REPORT}.docx").exists()
    # That of 2021 had a warning, which is explained now too.
    assert (third.written, third.kept) == (2, 3)
    assert {row["理由"] for row in table(third.summary, EXPLAINED)} == {"上年报告有误"}


def test_a_rerun_does_only_what_last_year_aliases_or_waivers_changed(office: Path, pack: Pack) -> None:
    last = changed(EXAMPLES / "previous.xlsx", office / "2022.xlsx", {})

    def counts(**beside: Any) -> tuple[int, int]:
        result = built(office, pack, **beside)
        return result.written, result.kept

    # The report of 2021 follows upon nothing, so it does not depend on last year's figures.
    assert counts(previous=last) == (5, 0)
    assert counts(previous=last) == (0, 5)
    changed(last, last, {GOVERNMENT: {"disclosure.penalties.decisions": 2411}})
    assert counts(previous=last) == (1, 4)
    # Where last year's file lies does not matter.
    moved = last.rename(office / "去年.xlsx")
    assert counts(previous=moved) == (0, 5)
    waivers = explained(office / "说明.xlsx", (GOVERNMENT, "T3-ROW", "", 1, "如此", "张三"))
    assert counts(previous=moved, waivers=waivers) == (1, 4)
    assert counts(previous=moved, waivers=waivers) == (0, 5)
    aliases = Workbook()
    assert aliases.active is not None
    for row in (
        ("原单位", "现单位", "变动"),
        ("西工区政务服务和大数据管理局", "涧西区政务服务和大数据管理局", "合并"),
    ):
        aliases.active.append(row)
    aliases.save(office / "别名.xlsx")
    written, kept = counts(previous=moved, waivers=waivers, aliases=office / "别名.xlsx")
    assert (written, kept) == (3, 2)


def explained(path: Path, *rows: Sequence[object]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in (("单位", "规则", "栏目", "填报值", "理由", "确认人"), *rows):
        book.active.append(list(row))
    book.save(path)
    return path


def test_workers_get_what_each_report_follows_upon(office: Path, pack: Pack) -> None:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1) as pool:
        result = built(office, pack, previous=office / "2022.xlsx", executor=pool)
    rules = {entry.agency: [f.rule for f in entry.findings] for entry in result.entries if entry.year == 2023}
    assert rules[GOVERNMENT] == ["YOY-CARRIED"]
    assert result.notes == ()


def test_the_command_that_builds_takes_the_same_options(office: Path) -> None:
    out = office / "out"
    more = ("--previous", office / "2022.xlsx")
    done = run("build", office / "2023.xlsx", "-o", out, *more)
    assert done.exit_code == 1
    fill(out / "检查结果.xlsx", "上年报告有误", "王五")
    done = run("build", office / "2023.xlsx", "-o", out, *more, "--waivers", out / "检查结果.xlsx")
    assert done.exit_code == 0
    assert (out / f"{REPORT}.docx").exists()


def prefilled(path: Path, field: str) -> dict[tuple[str, int], Any]:
    rows = list(load_workbook(path).worksheets[0].iter_rows(values_only=True))
    head = next(row for row in rows if "agency" in row)
    agency, year, column = (head.index(name) for name in ("agency", "year", field))
    return {(row[agency], row[year]): row[column] for row in rows[rows.index(head) + 1 :] if row[agency]}


def test_forms_are_prefilled_across_renames_and_mergers(office: Path) -> None:
    book = Workbook()
    assert book.active is not None
    rows = [
        ("原单位", "现单位", "变动"),
        (GOVERNMENT, "新区人民政府", "改名"),
        ("西工区政务服务和大数据管理局", "两区政务局", "合并"),
        ("涧西区政务服务和大数据管理局", "两区政务局", "合并"),
        ("市政务服务和大数据管理局", None, "撤销"),
    ]
    for row in rows:
        book.active.append(row)
    book.save(office / "别名.xlsx")
    figures = {"requests.carried_out.natural_person": 3, "requests.carried_out.total": 3}
    bureaus = {agency: figures for agency, _, kind in rows[1:] if kind == "合并"}
    last = changed(office / "2022.xlsx", office / "去年.xlsx", bureaus)
    target = office / "登记表.xlsx"
    arguments = ("form", "-o", target, "--from", last, "--aliases", office / "别名.xlsx", "--year", 2023)
    assert run(*arguments).exit_code == 0
    assert prefilled(target, "requests.carried_in.natural_person") == {
        ("两区政务局", 2023): 6,
        ("新区人民政府", 2023): 4,
    }
    done = run("form", "-o", target, "--from", last, "--year", 2025)
    assert "是2022年的，不是2024年的" in done.stderr
    assert set(prefilled(target, "requests.carried_in.natural_person").values()) == {None}
