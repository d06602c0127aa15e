"""Registers, long registers and forms, in every file format and layout that people use."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from conftest import consistent_report
from nianbao.errors import InputError
from nianbao.fields import lookup
from nianbao.pack import Pack
from nianbao.pipeline import check, read
from nianbao.report import exchanged

Rows = list[list[Any]]


def save_xlsx(path: Path, rows: Rows, merges: Sequence[str] = (), name: str = "Sheet1") -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = name
    for row in rows:
        sheet.append(row)
    for merge in merges:
        sheet.merge_cells(merge)
    book.save(path)
    return path


def save_csv(path: Path, rows: Rows, encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def save_xls(path: Path, rows: Rows) -> Path:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                sheet.write(r, c, value)
    book.save(str(path))
    return path


def save_ods(path: Path, rows: Rows) -> Path:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    document = OpenDocumentSpreadsheet()
    table = Table(name="Sheet1")
    for row in rows:
        line = TableRow()
        for value in row:
            if isinstance(value, int | float):
                cell = TableCell(valuetype="float", value=value)
            else:
                cell = TableCell(valuetype="string")
                for text in str(value or "").split("\n"):
                    cell.addElement(P(text=text))
            line.addElement(cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    document.save(str(path))
    return path


def flat_header(pack: Pack) -> list[str]:
    """A single header row as an office would write it: positions joined by a middle dot."""
    return [field.place for field in pack.fields.plain]


def flat_rows(pack: Pack, reports: Sequence[dict[str, Any]]) -> Rows:
    return [
        flat_header(pack),
        *([lookup(data, field.path) for field in pack.fields.plain] for data in reports),
    ]


def data_of(path: Path, pack: Pack) -> list[Any]:
    return [exchanged(report.data) for report in read(path, pack)]


@pytest.fixture
def two(pack: Pack) -> list[dict[str, Any]]:
    return [consistent_report(pack, seed, agency=f"测试{seed}局") for seed in (1, 2)]


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.xlsx", save_xlsx),
        ("a.xls", save_xls),
        ("a.ods", save_ods),
        ("a.csv", save_csv),
        ("b.csv", lambda path, rows: save_csv(path, rows, "gb18030")),
        ("c.csv", lambda path, rows: save_csv(path, rows, "utf-16")),
        ("d.csv", lambda path, rows: save_csv(path, rows, "utf-8-sig")),
    ],
)
def test_a_register_with_one_header_row_reads_the_same_from_every_format(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path, name: str, save: Callable[[Path, Rows], Path]
) -> None:
    path = save(tmp_path / name, flat_rows(pack, two))
    assert data_of(path, pack) == two


def test_columns_are_matched_by_label_not_by_position(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = flat_rows(pack, two)
    order = random.Random(1).sample(range(len(rows[0])), len(rows[0]))
    path = save_xlsx(tmp_path / "a.xlsx", [[row[i] for i in order] for row in rows])
    assert data_of(path, pack) == two


def three_row_header(pack: Pack) -> list[list[str]]:
    """Three header rows with cells that are written once and stand for those to the right."""
    top, middle, bottom = ["单位"], [""], [""]
    top.append("年份")
    middle.append("")
    bottom.append("")
    seen: set[tuple[str, str]] = set()
    for field in pack.fields.numbers:
        table = pack.table_of(field.path)
        if table is None:
            continue
        node = pack.fields.nodes[field.path.rpartition(".")[0]]
        top.append("" if (table.name, "") in seen else table.name)
        middle.append("" if (table.name, node.path) in seen else node.title)
        bottom.append(field.title)
        seen |= {(table.name, ""), (table.name, node.path)}
    return [top, middle, bottom]


def test_a_header_of_three_rows_with_blank_continuations_is_understood(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    fields = [f for f in pack.fields.numbers if pack.table_of(f.path)]
    rows: Rows = [["某区2023年度政府信息公开年报汇总表"], *three_row_header(pack)]
    rows += [[d["agency"], "2023年", *(lookup(d, f.path) for f in fields)] for d in two]
    rows.append(["合计", "", *([0] * len(fields))])
    path = save_xlsx(tmp_path / "a.xlsx", rows)
    found = data_of(path, pack)
    assert [d["agency"] for d in found] == [d["agency"] for d in two]
    for data, expected in zip(found, two, strict=True):
        for part in ("disclosure", "requests", "disputes"):
            assert data[part] == expected[part]


def long_rows(pack: Pack, data: dict[str, Any]) -> Rows:
    """Table three in the long layout: a row a statutory row, with its labels in two columns."""
    rows: Rows = []
    who = list(data["requests"]["new"])
    for path, node in pack.fields.nodes.items():
        figures = lookup(data, path)
        if (
            path.startswith("requests.")
            and isinstance(figures, dict)
            and "total" in figures
            and path != "requests.results"
        ):
            parent = pack.fields.nodes[path.rpartition(".")[0]].title if path.count(".") > 2 else ""
            rows.append([data["agency"], 2023, parent, node.title, *(figures[w] for w in who)])
    return rows


def test_the_long_layout_joins_the_rows_of_an_agency_and_its_other_sheets(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    who = ["自然人", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他", "总计"]
    long: Rows = [["单位名称", "年度", "大项", "项目", *who]]
    for data in two:
        long += long_rows(pack, data)
    others = [f for f in pack.fields.plain if not f.path.startswith("requests.")]
    flat: Rows = [[f.place for f in others], *([lookup(d, f.path) for f in others] for d in two)]
    book = Workbook()
    for name, rows in (("表三", long), ("其他", flat)):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "long.xlsx")
    assert data_of(tmp_path / "long.xlsx", pack) == two


def grid_rows(pack: Pack, data: dict[str, Any], index: int) -> tuple[Rows, list[tuple[int, int, int, int]]]:
    """A statutory table as somebody would type it into a sheet: labels, merges, figures."""
    grid = pack.layout.grids[index]
    rows: Rows = [[None] * len(grid.widths) for _ in range(grid.rows)]
    merges = []
    for cell in grid.cells:
        rows[cell.row][cell.column] = lookup(data, cell.fields[0]) if cell.fields else cell.text
        if cell.rows * cell.columns > 1:
            merges.append((cell.row + 1, cell.column + 1, cell.row + cell.rows, cell.column + cell.columns))
    return rows, merges


def write_statutory_sheet(sheet: Any, pack: Pack, data: dict[str, Any]) -> None:
    """All three tables on one sheet under the report's title, shifted by a column."""
    sheet.cell(1, 2, f"{data['agency']}{data['year']}年政府信息公开工作年度报告")
    top = 3
    for index in range(3):
        rows, merges = grid_rows(pack, data, index)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if value is not None:
                    sheet.cell(top + r, c + 2, value)
        for first_row, first_column, last_row, last_column in merges:
            sheet.merge_cells(
                start_row=top + first_row - 1,
                start_column=first_column + 1,
                end_row=top + last_row - 1,
                end_column=last_column + 1,
            )
        top += grid_height(rows) + 2


def grid_height(rows: Rows) -> int:
    return len(rows)


def test_an_offices_own_sheet_with_the_three_tables_is_read_by_its_labels(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    book = Workbook()
    for data in two:
        write_statutory_sheet(book.create_sheet(data["agency"]), pack, data)
    del book["Sheet"]
    book.save(tmp_path / "own.xlsx")
    found = data_of(tmp_path / "own.xlsx", pack)
    assert [(d["agency"], d["year"]) for d in found] == [(d["agency"], d["year"]) for d in two]
    for data, expected in zip(found, two, strict=True):
        for part in ("disclosure", "requests", "disputes"):
            assert data[part] == expected[part]


def test_an_unknown_column_is_named_once_and_its_neighbours_are_read(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = flat_rows(pack, two)
    for row, value in zip(rows, ("神秘指标", 1, 2), strict=True):
        row.insert(5, value)
    reports = list(read(save_xlsx(tmp_path / "a.xlsx", rows), pack))
    named = [f for report in reports for f in report.findings if f.rule == "UNKNOWN-COLUMN"]
    assert [(f.severity, f.where.cell) for f in named] == [("warning", "F1")]
    assert "神秘指标" in named[0].message
    assert [exchanged(report.data) for report in reports] == two


def test_a_sheet_of_columns_that_are_not_known_is_one_warning(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = flat_rows(pack, two)
    rows = [[*row, *(f"神秘指标{number}" for number in range(200))] for row in rows]
    first, second = read(save_xlsx(tmp_path / "a.xlsx", rows), pack)
    (finding,) = first.findings
    assert "神秘指标9" in finding.message
    assert "等200列不是报表栏目" in finding.message
    assert second.findings == ()


def test_a_column_of_running_numbers_is_not_missed(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = [[value, *row] for value, row in zip(("序 号", 1, 2), flat_rows(pack, two), strict=True)]
    for report in read(save_xlsx(tmp_path / "a.xlsx", rows), pack):
        assert [f.rule for f in report.findings] == []


def test_a_doubled_column_is_an_error_that_names_both_columns(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = flat_rows(pack, two[:1])
    index = flat_header(pack).index("表三·一、本年新收·自然人")
    for row in rows:
        row.append(row[index])
    (report,) = read(save_xlsx(tmp_path / "a.xlsx", rows), pack)
    (finding,) = [f for f in report.findings if f.severity == "error"]
    assert (finding.rule, finding.field) == ("DOUBLED-COLUMN", "requests.new.natural_person")
    assert not check(report, pack).ok


def test_a_missing_column_of_parts_is_one_finding_for_the_block(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = flat_rows(pack, two[:1])
    gone = [
        i
        for i, f in enumerate(pack.fields.plain)
        if f.path.startswith("requests.") and f.path.endswith(".business")
    ]
    path = save_xlsx(tmp_path / "a.xlsx", [[v for i, v in enumerate(row) if i not in gone] for row in rows])
    (report,) = read(path, pack)
    (finding,) = [f for f in report.findings if f.severity == "error"]
    assert (finding.rule, finding.message) == ("BLANK", "表三商业企业1列25格为空；无业务请填0")


def test_a_blank_total_is_derived_and_said_so(pack: Pack, two: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = flat_rows(pack, two[:1])
    index = flat_header(pack).index("表三·（七）总计·总计")
    rows[1][index] = None
    (report,) = read(save_xlsx(tmp_path / "a.xlsx", rows), pack)
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("DERIVED", "info")
    assert exchanged(report.data) == two[0]


def test_a_data_frame_reads_like_a_register(pack: Pack, two: list[dict[str, Any]]) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for header in (flat_header(pack), [f.path for f in pack.fields.plain]):
        rows = flat_rows(pack, two)[1:]
        frame = pandas.DataFrame(rows, columns=header)
        assert [exchanged(report.data) for report in read(frame, pack)] == two


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "是空的"),
        ([["单位名称", "年度", "表三·一、本年新收·自然人"]], "只有表头"),
        ([["姓名", "电话", "地址"], ["张三", 1, "某处"]], "没有找到"),
    ],
)
def test_a_workbook_that_holds_no_report_says_so_in_one_sentence(
    pack: Pack, tmp_path: Path, rows: Rows, words: str
) -> None:
    path = save_xlsx(tmp_path / "a.xlsx", rows)
    with pytest.raises(InputError, match=words):
        list(read(path, pack))


def test_the_form_of_another_year_is_told_from_one_with_blanks(pack: Pack, tmp_path: Path) -> None:
    rows: Rows = [
        ["信息内容", "本年新制作数量", "本年新公开数量", "对外公开总数量"],
        ["规章", 0, 0, 0],
        ["规范性文件", 1, 1, 1],
        ["行政许可", 3],
    ]
    with pytest.raises(InputError, match="可能是其他年度的格式"):
        list(read(save_xlsx(tmp_path / "2019.xlsx", rows), pack))
