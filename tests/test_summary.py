"""检查结果.xlsx: what stands in it, that its links lead home, that it prints, that it breaks no batch."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from conftest import ROOT, consistent_report
from nianbao.errors import OutputError
from nianbao.findings import Finding, Suspect, Where
from nianbao.outputs.results import sheets as summary_sheets
from nianbao.outputs.results.doubts import DOUBTS
from nianbao.outputs.results.explaining import EXPLAINED
from nianbao.outputs.results.summary import (
    FINDINGS,
    NOTES,
    OVERVIEW,
    UNREADABLE,
    Entry,
    entry_of,
    write_summary,
)
from nianbao.outputs.results.words import Words
from nianbao.outputs.workbook.xlsx import MAX_TEXT, safe_text, save_workbook, set_value, visible
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, report_from_data

PHONE = "0531-12345678"


def located(result: CheckResult, file: str, row: int, sheet: str = "汇总登记表") -> CheckResult:
    """Return a result as if its report had been read from a row of a register."""
    source = Where(file, sheet, row=row)
    findings = tuple(replace(f, where=Where(file, sheet, f"K{row}")) for f in result.findings)
    return replace(result, report=replace(result.report, source=source), findings=findings)


def checked(pack: Pack, data: dict[str, Any]) -> CheckResult:
    return check(report_from_data(data, pack), pack)


@pytest.fixture(scope="module")
def results(pack: Pack) -> list[CheckResult]:
    """A report that passes, one with warnings, one with errors and warnings, one that declares zero."""
    made = []
    for number, name in enumerate(["甲区政府", "乙局", "丙局", "丁街道"]):
        data = consistent_report(pack, number, agency=name)
        data["profile"] = {"category": "department", "preparer": "张三", "phone": PHONE}
        if number == 1:
            data["problems"] = "不存在问题。公开工作很好。"
        if number == 2:
            data["other_matters"] = "无"
            data["requests"]["new"]["total"] += 2
            data["requests"]["results"]["granted"]["business"] = "3.5"
        if number == 3:
            data["requests"], data["disputes"] = {}, {}
            data["profile"] |= {"no_applications": True, "category": "subdistrict"}
        made.append(located(checked(pack, data), "/data/收表/登记表.xlsx", number + 5))
    assert [result.status for result in made] == ["pass", "warn", "fail", "pass"]
    return made


@pytest.fixture
def entries(results: list[CheckResult], pack: Pack) -> list[Entry]:
    return [entry_of(result, pack, f"{result.report.agency}.docx" if result.ok else "") for result in results]


def rows(sheet: Worksheet) -> list[dict[str, Any]]:
    """Return the rows below the header, by heading."""
    header, *rest = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rest]


def test_overview_shows_each_report(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "检查结果.xlsx", pack, entries)
    book = load_workbook(tmp_path / "检查结果.xlsx")
    assert book.sheetnames == [OVERVIEW, FINDINGS, DOUBTS, EXPLAINED, NOTES]
    found = rows(book[OVERVIEW])[:4]
    titles = [column["title"] for column in pack.meta["summary"]]
    first = ["序号", "单位", "类别", "年度", "来源文件", "输出文件", "状态", "错误", "警告"]
    assert list(found[0]) == [*first, *titles, "联系人、电话", "备注"]
    assert [row["序号"] for row in found] == [1, 2, 3, 4]
    assert [row["单位"] for row in found] == ["甲区政府", "乙局", "丙局", "丁街道"]
    assert [row["状态"] for row in found] == ["通过", "有提示", "未通过", "通过"]
    assert [row["类别"] for row in found] == ["部门", "部门", "部门", "街道"]
    assert found[0]["来源文件"] == "收表/登记表.xlsx 第5行"
    assert found[0]["输出文件"] == "甲区政府.docx"
    assert found[2]["输出文件"] is None
    assert found[0]["联系人、电话"] == f"张三 {PHONE}"
    assert (found[2]["错误"], found[2]["警告"]) == (entries[2].errors, entries[2].warnings)


def test_all_suspects_stand_on_a_sheet_of_their_own_with_cell_and_value(tmp_path: Path, pack: Pack) -> None:
    data = consistent_report(pack, 4, agency="戊局")
    data["disputes"]["reconsideration"]["total"] += 2
    report = report_from_data(data, pack)
    origins = {field.path: Where("表.xlsx", "表四", "E6") for field in pack.fields}
    result = check(replace(report, origins=origins), pack)
    (finding,) = [f for f in result.findings if f.suspects]
    write_summary(tmp_path / "a.xlsx", pack, [entry_of(result, pack)])
    found = rows(load_workbook(tmp_path / "a.xlsx")[DOUBTS])
    assert len(found) == len(finding.suspects) == 5
    for row, (number, suspect) in zip(found, enumerate(finding.suspects, 1), strict=True):
        ((path, value),) = suspect.changes.items()
        assert (row["第几种"], row["位置"]) == (number, pack.fields.place(path))
        assert (row["现为"], row["可能应为"]) == (report.value(path), value)
        assert (row["单位"], row["来源"], row["说明"]) == ("戊局", "表.xlsx\n表四!E6", suspect.reason)
        assert row["分不清的"] == "第1至5种之一"


def test_a_batch_without_suspects_has_no_sheet_of_them(
    tmp_path: Path, pack: Pack, entries: list[Entry]
) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries[:2])
    assert DOUBTS not in load_workbook(tmp_path / "a.xlsx").sheetnames


def test_figures_are_numbers_and_totals_are_sums(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    path = tmp_path / "a.xlsx"
    write_summary(path, pack, entries)
    sheet = load_workbook(path)[OVERVIEW]
    stored = load_workbook(path, data_only=True)[OVERVIEW]
    for number, value in enumerate(entries[0].figures, 10):
        cell = sheet.cell(2, number)
        assert cell.data_type == "n"
        assert cell.value == (None if value is None else pytest.approx(float(value)))  # type: ignore[arg-type]
    last = len(entries) + 2
    assert sheet.cell(last, 1).value == "合计"
    for number in range(8, 10 + len(entries[0].figures)):
        letter = sheet.cell(1, number).column_letter
        assert sheet.cell(last, number).value == f"=SUM({letter}2:{letter}{last - 1})"
        parts = [stored.cell(row, number).value or 0 for row in range(2, last)]
        assert stored.cell(last, number).value == pytest.approx(sum(parts))  # type: ignore[arg-type]


def test_amounts_keep_their_decimals(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    figures = tuple(Decimal("163.8908") if v == entries[0].figures[14] else v for v in entries[0].figures)
    write_summary(tmp_path / "a.xlsx", pack, [replace(entries[0], figures=figures)])
    sheet = load_workbook(tmp_path / "a.xlsx")[OVERVIEW]
    column = next(c.column for c in sheet[1] if c.value == "行政事业性收费（万元）")
    assert sheet.cell(2, column).value == 163.8908
    assert sheet.cell(2, column).number_format == "0.0000"
    assert sheet.cell(3, column).number_format == "0.0000"


def test_a_figure_is_blank_where_a_part_of_it_is(pack: Pack) -> None:
    data = consistent_report(pack, 1)
    data["disputes"]["litigation_direct"]["total"] = "不详"
    figures = dict(
        zip(
            (c["title"] for c in pack.meta["summary"]),
            entry_of(checked(pack, data), pack).figures,
            strict=True,
        )
    )
    assert figures["诉讼总计"] is None
    assert figures["复议总计"] == data["disputes"]["reconsideration"]["total"]


def test_findings_say_everything_in_words(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries)
    found = rows(load_workbook(tmp_path / "a.xlsx")[FINDINGS])
    assert [row["序号"] for row in found] == list(range(1, len(found) + 1))
    assert len(found) == sum(len(entry.findings) for entry in entries)
    of = {row["规则"]: row for row in found if row["单位"] == "丙局"}
    row = of["T3-ROW"]
    assert row["级别"] == "错误"
    assert row["位置"] == "表三·一、本年新收·总计"
    assert row["来源"] == "收表/登记表.xlsx\n汇总登记表!K7"
    assert row["应满足"] == "各类申请人之和＝总计"
    assert row["填报值"] - row["应为"] == row["差额"] == 2
    assert row["建议核对"].startswith("核对本行各类申请人数量与总计。最可能：若仅「")
    assert row["依据"].startswith("国办公开办函")
    assert "差2" in row["说明"]
    assert of["VALUE"]["填报值"] == "3.5"
    assert of["VALUE"]["应满足"] == "应为不小于0的整数（单位：件）"
    assert of["VALUE"]["差额"] is None
    for row in found:
        assert row["应满足"], row
        assert row["建议核对"], row
        assert not re.search(r"requests|disclosure|overview|other_matters", " ".join(map(str, row.values())))


def test_errors_come_before_warnings_within_a_report(
    tmp_path: Path, pack: Pack, entries: list[Entry]
) -> None:
    mixed = replace(entries[2], findings=tuple(reversed(entries[2].findings)))
    write_summary(tmp_path / "a.xlsx", pack, [entries[1], mixed])
    found = rows(load_workbook(tmp_path / "a.xlsx")[FINDINGS])
    assert [row["单位"] for row in found] == sorted(
        (row["单位"] for row in found), key=["乙局", "丙局"].index
    )
    levels = [row["级别"] for row in found if row["单位"] == "丙局"]
    assert levels == sorted(levels, key=["错误", "警告", "提示"].index)
    assert set(levels) >= {"错误", "警告"}


def test_links_lead_to_the_first_finding_and_back(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries)
    book = load_workbook(tmp_path / "a.xlsx")
    overview, findings = book[OVERVIEW], book[FINDINGS]

    def follow(cell: Any) -> tuple[str, int]:
        match = re.fullmatch(r"'(.+)'!A(\d+)", cell.hyperlink.location)
        assert match
        return match[1], int(match[2])

    for number, entry in enumerate(entries, 2):
        for column, level, count in ((8, "错误", entry.errors), (9, "警告", entry.warnings)):
            cell = overview.cell(number, column)
            assert (cell.hyperlink is not None) == (count > 0)
            if count:
                sheet, row = follow(cell)
                assert sheet == FINDINGS
                assert findings.cell(row, 2).value == entry.agency
                assert findings.cell(row, 3).value == level
                assert (findings.cell(row - 1, 2).value, findings.cell(row - 1, 3).value) != (
                    entry.agency,
                    level,
                )
    for row in range(2, findings.max_row + 1):
        sheet, back = follow(findings.cell(row, 2))
        assert sheet == OVERVIEW
        assert overview.cell(back, 2).value == findings.cell(row, 2).value


def test_sheets_filter_freeze_and_print(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries, [("坏.xlsx", "文件已损坏")])
    book = load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == [OVERVIEW, FINDINGS, DOUBTS, EXPLAINED, UNREADABLE, NOTES]
    for sheet in (book[OVERVIEW], book[FINDINGS]):
        assert sheet.freeze_panes == "C2"
        assert sheet.print_title_rows == "$1:$1"
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert all(cell.alignment.wrap_text for cell in sheet[1])
    # The totals and remarks below the table stay out of the filter.
    assert (
        book[OVERVIEW].auto_filter.ref
        == f"A1:{book[OVERVIEW].cell(1, book[OVERVIEW].max_column).coordinate[:-1]}5"
    )
    assert book[FINDINGS].auto_filter.ref == f"A1:O{book[FINDINGS].max_row}"
    fills = {row[6].value: row[6].fill.fgColor.rgb for row in book[OVERVIEW].iter_rows(2, 5)}
    assert len(set(fills.values())) == 3


def test_unreadable_files_and_notes_are_listed(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    notes = [("检查时间", "2024年1月15日"), ("空格按0计的理由", "=各单位已确认")]
    write_summary(tmp_path / "a.xlsx", pack, entries, [("收表/坏.xlsx", "文件有密码")], notes)
    book = load_workbook(tmp_path / "a.xlsx")
    assert rows(book[UNREADABLE]) == [{"序号": 1, "文件": "收表/坏.xlsx", "原因和处理办法": "文件有密码"}]
    texts = [row[0] for row in book[OVERVIEW].iter_rows(min_col=1, max_col=1, values_only=True)]
    assert "另有1个文件未能读取，见工作表“未能读取”" in texts
    noted = {row["项目"]: row["内容"] for row in rows(book[NOTES])}
    assert noted["检查时间"] == "2024年1月15日"
    assert noted["空格按0计的理由"] == "=各单位已确认"
    assert pack.id in noted["报表包"]
    assert pack.digest in noted["报表包"]
    assert noted["检查结果"] == texts[len(entries) + 2]
    assert noted["检查结果"].startswith("共4份：通过2份，有提示1份，未通过1份；错误")


def test_an_empty_batch_has_a_summary_too(tmp_path: Path, pack: Pack) -> None:
    write_summary(tmp_path / "a.xlsx", pack, [], [("坏.xlsx", "文件已损坏")])
    book = load_workbook(tmp_path / "a.xlsx")
    assert [cell.value for cell in book[OVERVIEW]["A"]][1].startswith("共0份")
    assert len(rows(book[FINDINGS])) == 0


def test_suspects_are_told_in_words(pack: Pack) -> None:
    suspects = tuple(
        Suspect({"requests.new.business": n, "requests.new.total": 9}, "两处抵消" if n == 1 else "")
        for n in range(1, 6)
    )
    finding = Finding("T3-ROW", "error", "requests.new.total", Where(), "…", 5, 4, suspects)
    advice = Words(pack).advice(finding)
    assert advice.startswith(
        "核对本行各类申请人数量与总计。最可能：两处抵消。也可能：表三·一、本年新收·商业企业应为2"
    )
    assert advice.endswith("；共5种可能")
    assert "requests" not in advice


def test_every_finding_of_the_engine_itself_has_words(pack: Pack) -> None:
    """Findings that no rule of the pack makes: what should hold and what to do is known for each."""
    call = re.compile(r'(?:Finding|add|say)\(\s*"([A-Z][A-Z-]+)"')
    ids = {found for p in (ROOT / "engine").rglob("*.py") for found in call.findall(p.read_text("utf-8"))}
    assert {"VALUE", "BLANK", "DERIVED", "BLANK-ZERO", "ZERO-DECLARED", "UNKNOWN", "SCHEMA"} <= ids
    words = Words(pack)
    for rule in sorted(ids):
        finding = Finding(rule, "error", None, Where(), "…")
        assert words.title(rule), rule
        assert words.advice(finding), rule


NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "_x0041_x",
    'a&b<c>"d"',
    " 前后 ",
    "一\n二",
    "\x01\ud800￾",
    "字" * 40_000,
]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_listed_and_stays_text(
    tmp_path: Path, pack: Pack, entries: list[Entry], text: str
) -> None:
    finding = Finding("X", "error", text, Where(text, text, "A1"), text, text, text, basis=text)
    entry = replace(entries[2], agency=text, output=text, contact=text, note=text, findings=(finding,))
    write_summary(tmp_path / "a.xlsx", pack, [entry], [(text, text)], [(text, text)])
    book = load_workbook(tmp_path / "a.xlsx")
    cells = (book[OVERVIEW]["B2"], book[FINDINGS]["L2"], book[UNREADABLE]["B2"], book[NOTES]["B3"])
    shown = visible(text).replace("_x0041_", "_x005F_x0041_")
    for cell in cells:
        assert cell.data_type == "s"
        if len(text) < 100:
            assert cell.value == shown
        else:
            assert cell.value == f"{text[:2000]}…（共40000字，此处只列前2000字）"
        assert cell.quotePrefix == text.startswith(("=", "+", "-", "@"))


def test_a_number_longer_than_excel_keeps_is_text(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    finding = Finding("X", "error", None, Where(), "…", Decimal("0.5"), 10**17 + 1)
    write_summary(tmp_path / "a.xlsx", pack, [replace(entries[2], findings=(finding,))])
    row = rows(load_workbook(tmp_path / "a.xlsx")[FINDINGS])[0]
    assert (row["填报值"], row["应为"]) == (str(10**17 + 1), 0.5)


def test_equal_input_gives_equal_bytes(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries, [("x", "y")], [("k", "v")])
    time.sleep(1.1)
    write_summary(tmp_path / "b.xlsx", pack, iter(entries), [("x", "y")], [("k", "v")])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_full_sheet_goes_on_as_another(
    tmp_path: Path, pack: Pack, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary_sheets, "MAX_ROWS", 24)
    monkeypatch.setattr(summary_sheets, "MAX_LINKS", 3)
    entry = replace(entries[2], findings=(entries[2].findings[0],) * 9, doubts=(entries[2].doubts[0],) * 4)
    write_summary(tmp_path / "a.xlsx", pack, [entry] * 5)
    book = load_workbook(tmp_path / "a.xlsx")
    findings = [FINDINGS, "问题清单（2）", "问题清单（3）"]
    assert book.sheetnames == [OVERVIEW, *findings, DOUBTS, "疑点（2）", EXPLAINED, NOTES]
    assert [row["序号"] for name in book.sheetnames[1:4] for row in rows(book[name])] == list(range(1, 46))
    assert sum(cell.hyperlink is not None for row in book[FINDINGS] for cell in row) == 3
    assert book[OVERVIEW]["H4"].hyperlink.location == "'问题清单（2）'!A5"
    with pytest.raises(OutputError, match="请分批检查"):
        write_summary(tmp_path / "b.xlsx", pack, [entry] * 20)


def test_a_file_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, pack: Pack, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    for path, words in ((tmp_path / "missing" / "a.xlsx", "文件夹"), (tmp_path, "同名的文件夹")):
        with pytest.raises(OutputError, match=words):
            write_summary(path, pack, entries)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    old = tmp_path / "a.xlsx"
    old.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="磁盘"):
        write_summary(old, pack, entries)
    assert old.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.xlsx", "file"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_batch(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    def many(count: int) -> Iterator[Entry]:
        return (replace(entries[2], agency=f"第{n}局") for n in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        write_summary(tmp_path / "a.xlsx", pack, many(count))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)
    # Links are kept until the end: some 500 bytes each, at most 60,000 a sheet.
    assert peak(1200) - peak(200) < 1000 * 6 * 900


def test_texts_that_a_cell_cannot_hold_are_refused() -> None:
    assert safe_text("字" * MAX_TEXT) == "字" * MAX_TEXT
    for text, words in (
        ("字" * (MAX_TEXT + 1), "32767"),
        ("😀" * 20_000, "32767"),
        ("a\x00", "控制字符"),
        ("\ud800", "D800"),
    ):
        with pytest.raises(OutputError, match=words):
            safe_text(text, "表三")


def test_escaped_text_is_not_cut(tmp_path: Path) -> None:
    """openpyxl cuts at 32,767 characters, which a text of that length exceeds once it is escaped."""
    text = "_x0041_" * 4_600
    book = Workbook()
    assert book.active is not None
    set_value(book.active["A1"], text)
    save_workbook(book, tmp_path / "a.xlsx")
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert sheet["A1"].value == text.replace("_x", "_x005F_x")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_prints_it_on_landscape_pages(tmp_path: Path, pack: Pack, entries: list[Entry]) -> None:
    write_summary(tmp_path / "a.xlsx", pack, entries * 20, [("x", "y")])
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = [
        "soffice",
        profile,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(tmp_path),
        str(tmp_path / "a.xlsx"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    info = subprocess.run(
        ["pdfinfo", str(tmp_path / "a.pdf")], check=True, capture_output=True, text=True
    ).stdout
    width, height = map(float, re.findall(r"Page size:\s+([\d.]+) x ([\d.]+)", info)[0])
    assert (round(width), round(height)) == (842, 595)
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "a.pdf"), "-"], check=True, capture_output=True, text=True
    )
    # Fit to width: the header row and its last column stand on every page of the overview.
    pages = text.stdout.split("\f")
    assert sum("联系人、电话" in page for page in pages) == sum("规范性文" in page for page in pages) > 1
    assert "####" not in text.stdout
