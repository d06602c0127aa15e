"""Make the example of a year in a district's office: a roster of forty agencies, and what comes in.

报送 is what lay in the folder on 15 January, 更正 what came later, 去年 what was published a year ago, 公布
what was put on the web; 填写 is what people write into the yellow cells. PDFs are made by
LibreOffice, where they are missing: their bytes differ from run to run.
"""

from __future__ import annotations

import copy
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill

from nianbao import build, render, render_html, rollup
from nianbao.consolidation import Adjustment
from nianbao.outputs.files import write_atomic
from nianbao.outputs.forms import write_form, write_register
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import report_from_data
from nianbao.rendering.context import filled_name
from nianbao.report import Report, exchanged

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from agencies import (  # noqa: E402
    AGENCIES,
    DATA,
    FORM,
    FORMER,
    PAGE,
    PDF,
    REGISTER,
    RENAMED,
    WHOLE,
    WORD,
    YEAR,
    report,
)

Data = dict[str, Any]
EDUCATION, CIVIL, LAND = "望河区教育局", "望河区民政局", "望河区自然资源局"
LATE, STRAY, PERMITS = "望河区水务局", "望河区城市管理和综合执法局", "望河区行政审批局"
# What some call their files; the others leave the name of the form.
FILES = {
    EDUCATION: "教育局（最终版）.xlsx",
    CIVIL: "民政局年报.xlsx",
    LAND: "自然资源局.xlsx",
    RENAMED: "年度报告.docx",
    STRAY: "年报终稿2.docx",
    PERMITS: "审批系统导出.json",
    "望河区审计局": "审计局.pdf",
    "望河区气象局": "气象局.pdf",
}
SUFFIXES = {FORM: "填报表.xlsx", WORD: ".docx", PDF: ".pdf", PAGE: ".html", DATA: ".json"}
STREETS, EARLIER_DRAFT = "街道登记表.xlsx", "教育局.xlsx"
CATEGORIES = {
    "government": "政府",
    "department": "部门",
    "subdistrict": "街道",
    "township": "乡镇",
    "vertical": "垂直管理机构",
}
ADJUSTMENTS = (
    (
        "表四·行政复议·结果纠正",
        "disputes.reconsideration.corrected",
        -1,
        "同一件复议案件以两家为共同被申请人，只计一件",
        "望河区柳林镇人民政府",
    ),
    (
        "表二·行政许可·本年处理决定数量",
        "disclosure.licensing.decisions",
        35,
        "开发区代办的许可事项没有单独报送，由区政府办公室汇总",
        WHOLE,
    ),
)
APPROVER = "周主任"


def main(folder: Path = HERE) -> None:
    """Write all files of the example into `folder`."""
    pack = load_pack("cn-ogi/2021")
    _write_roster(folder / "名册.xlsx")
    for name, files in (("报送", received(pack)), *((f"更正/{day}", f) for day, f in corrected(pack))):
        for file, data in files:
            _write(folder / name / file, data, pack)
    _write_table(
        folder / "调整.xlsx",
        ("栏目", "调整数", "理由", "批准人", "涉及单位", "日期"),
        [(place, f"{n:+d}", why, APPROVER, who, "2024-01-19") for place, _, n, why, who in ADJUSTMENTS],
        (34, 8, 56, 10, 26, 12),
    )
    _write_last_year(folder / "去年", pack)
    _write_published(folder / "公布", pack)
    _write_filled_in(folder / "填写")
    _write_pdfs(folder / "报送", pack)


def final(pack: Pack) -> list[Data]:
    """Return the reports that count in the end, in the order of the roster."""
    found = {agency.name: report(agency, pack) for agency in AGENCIES}
    found[EDUCATION] = more(found[EDUCATION], 2)
    return list(found.values())


def whole(reports: list[Data], pack: Pack, adjusted: bool = True) -> Report:
    """Return the report of the district that the reports of its agencies come to."""
    lines = [Adjustment(field, n, why, APPROVER) for _, field, n, why, _ in ADJUSTMENTS] if adjusted else []
    return rollup([report_from_data(data, pack) for data in reports], pack, WHOLE, adjustments=lines).report


def more(data: Data, count: int) -> Data:
    """Return a report with so many more requests, which are still open, and what its text says of them."""
    changed = copy.deepcopy(data)
    before = data["requests"]["new"]["total"]
    for row in ("new", "carried_out"):
        for who in ("natural_person", "total"):
            changed["requests"][row][who] += count
    return _said(changed, before, before + count)


def received(pack: Pack) -> Iterator[tuple[str, Data]]:
    """Yield what lay in the folder on 15 January: two wrong, one twice, one of nobody, one missing."""
    for agency in AGENCIES:
        data = report(agency, pack)
        if agency.name == EDUCATION:
            yield EARLIER_DRAFT, copy.deepcopy(data)
            data = more(data, 1)
        if agency.name == CIVIL:
            data["requests"]["new"]["total"] -= 1
        if agency.name == LAND:
            data = transposed(data)
        if agency.name == RENAMED:
            data["agency"] = FORMER
        if agency.name == STRAY:
            data["agency"] = data["agency"].removeprefix("望河区")
        if agency.name != LATE and agency.kind != REGISTER:
            yield file_of(agency.name, agency.kind), data


def transposed(data: Data) -> Data:
    """Return a report in which the digits of one figure have changed places."""
    changed = copy.deepcopy(data)
    row = changed["requests"]["new"]
    row["natural_person"] = int(str(row["natural_person"])[::-1])
    return changed


def corrected(pack: Pack) -> Iterator[tuple[str, list[tuple[str, Data]]]]:
    """Yield what came on each later day."""
    by_name = {agency.name: report(agency, pack) for agency in AGENCIES}
    land, new = by_name[LAND], by_name[LAND]["requests"]["new"]["total"]
    # The digits are right now, but somebody has typed another number into the text.
    yield "1月22日", [(FILES[CIVIL], by_name[CIVIL]), (FILES[LAND], _said(land, new, new + 3))]
    yield "1月25日", [(FILES[LAND], land), (file_of(LATE, FORM), by_name[LATE])]
    # After it was signed.
    yield "1月29日", [(FILES[EDUCATION], more(by_name[EDUCATION], 2))]


def file_of(name: str, kind: str) -> str:
    """Return what the agency calls its file."""
    return FILES.get(name, f"{name}{YEAR}年政府信息公开工作年度报告{SUFFIXES[kind]}")


def _said(data: Data, number: int, other: int) -> Data:
    """Return a report whose text says another number of requests."""
    changed = copy.deepcopy(data)
    topic = changed["overview"]["on_request"]
    topic["text"] = topic["text"].replace(f"{number}件", f"{other}件")
    return changed


def _write(path: Path, data: Data, pack: Pack) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = report_from_data(data, pack)
    if path.suffix == ".xlsx":
        write_form(pack, path, report=made)
    elif path.suffix == ".docx":
        write_atomic(path, render(made, pack))
    elif path.suffix == ".html":
        write_atomic(path, render_html(made, pack).encode())
    elif path.suffix == ".json":
        write_atomic(path, f"{json.dumps(data, ensure_ascii=False, indent=1)}\n".encode())
    if path.parent.name == "报送" and not (path.parent / STREETS).exists():
        streets = [report_from_data(report(a, pack), pack) for a in AGENCIES if a.kind == REGISTER]
        write_register(pack, path.parent / STREETS, streets)


def _write_pdfs(folder: Path, pack: Pack) -> None:
    with TemporaryDirectory() as made:
        for agency in AGENCIES:
            if agency.kind == PDF and not (folder / FILES[agency.name]).exists():
                build([report_from_data(report(agency, pack), pack)], made, pack, formats=("pdf",))
                name = filled_name(pack, agency.name, YEAR)
                write_atomic(folder / FILES[agency.name], (Path(made) / f"{name}.pdf").read_bytes())


def _write_last_year(folder: Path, pack: Pack) -> None:
    """Write last year's reports as a register, under the names of then, and the district's as published."""
    folder.mkdir(exist_ok=True)
    reports = [report(agency, pack, YEAR - 1) for agency in AGENCIES]
    for data in reports:
        data["agency"] = FORMER if data["agency"] == RENAMED else data["agency"]
    write_register(pack, folder / "各单位.xlsx", [report_from_data(data, pack) for data in reports])
    published = whole(reports, pack, adjusted=False)
    write_atomic(folder / f"{filled_name(pack, WHOLE, YEAR - 1)}.docx", render(published, pack))


def _write_published(folder: Path, pack: Pack) -> None:
    """Write what was published: a page with a figure typed wrong, and a district's report from the draft."""
    by_name = {data["agency"]: data for data in final(pack)}
    wrong = copy.deepcopy(by_name["望河区发展和改革局"])
    wrong["disclosure"]["licensing"]["decisions"] = 26
    for file, data in (
        ("望河区民政局.html", by_name[CIVIL]),
        ("望河区财政局.docx", by_name["望河区财政局"]),
        ("望河区发展和改革局.html", wrong),
    ):
        _write(folder / "各单位" / file, data, pack)
    data = exchanged(whole(final(pack), pack).data)
    data["disclosure"]["licensing"]["decisions"] -= by_name[LATE]["disclosure"]["licensing"]["decisions"]
    _write(folder / f"{filled_name(pack, WHOLE, YEAR)}.docx", data, pack)


def _write_filled_in(folder: Path) -> None:
    """Write what people fill in: which draft counts, whose a file is, an explanation, signatures."""
    folder.mkdir(exist_ok=True)
    ledger, results = "台账.xlsx", "检查结果.xlsx"
    reason = "2023年起各部门的许可事项陆续划转到本局集中办理，数字属实"
    first = [
        (ledger, "台账", EDUCATION, "采用稿", FILES[EDUCATION]),
        (ledger, "未对应", FILES[STRAY], "指定单位", STRAY),
        (results, "情况说明", PERMITS, "理由", reason),
        (results, "情况说明", PERMITS, "确认人", "吴局长"),
        (results, "情况说明", PERMITS, "日期", "2024-01-18"),
    ]
    signed = [
        (ledger, "审签", agency.name, column, value)
        for agency in AGENCIES
        for column, value in (("审签人", f"{agency.preparer[0]}局长"), ("审签日期", "2024-01-25"))
    ]
    again = [
        (ledger, "审签", EDUCATION, column, value)
        for column, value in (("审签人", "李局长"), ("审签日期", "2024-01-30"))
    ]
    for name, rows in (("第一轮", first), ("审签", signed), ("重新审签", again)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows([("工作簿", "表", "单位或文件", "列", "填写"), *rows])


def _write_roster(path: Path) -> None:
    rows = [
        {
            "单位名称": agency.name,
            "代码": agency.code,
            "类别": CATEGORIES[agency.category],
            "口径": "本单位",
            "计入汇总": "是" if agency.counted else "否",
            "有规章制定权": "否",
            "联系人": agency.preparer,
            "电话": f"0999-60{agency.number:05d}",
            "邮箱": f"wh{agency.number:02d}@example.org",
            "曾用名": FORMER if agency.name == RENAMED else None,
            "报送期限": "1月20日",
        }
        for agency in AGENCIES
    ]
    cells = [tuple(row.values()) for row in rows]
    _write_table(path, tuple(rows[0]), cells, (30, 21, 14, 9, 9, 13, 9, 14, 20, 20, 10))


def _write_table(
    path: Path, head: tuple[str, ...], rows: list[tuple[Any, ...]], widths: tuple[int, ...]
) -> None:
    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.title = path.stem
    for row in (head, *rows):
        sheet.append(row)
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E1F2")
        cell.alignment = Alignment(horizontal="center", vertical="center")
    for cell, width in zip(sheet[1], widths, strict=True):
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"
    save_workbook(workbook, path)


if __name__ == "__main__":
    main()
