"""Annotated copies: the faulty cells are coloured and say why, and nothing else in the file changes."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from conftest import consistent_report
from nianbao.bind import bind
from nianbao.errors import InputError, OutputError
from nianbao.fields import lookup, place_value
from nianbao.findings import Finding, Severity, Suspect, Where
from nianbao.outputs.annotation.annotate import Annotated, annotate
from nianbao.outputs.annotation.marks import all_marks
from nianbao.outputs.annotation.sheetxml import Level, SheetXml, Spot, spot_of
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, report_from_data
from nianbao.raw import RawReport

RED, ORANGE = "FFFF5050", "FFFFC000"
MESSAGE = "表三·一、本年新收：各类申请人之和为5，总计填4，差1"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def finding(
    cell: str | None,
    severity: Severity = "error",
    sheet: str | None = "表三",
    message: str = MESSAGE,
    **where: Any,
) -> Finding:
    return Finding(
        "T3-ROW", severity, "requests.new.total", Where(sheet=sheet, cell=cell, **where), message, 5, 4
    )


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def changed(source: Path, target: Path) -> tuple[set[str], set[str]]:
    """Return the parts that changed, and those that are new; none is lost."""
    before, after = parts(source), parts(target)
    assert list(before) == [name for name in after if name in before]
    return {n for n in before if before[n] != after[n]}, set(after) - set(before)


def cell(path: Path, sheet: str, address: str) -> Cell:
    found = load_workbook(path)[sheet][address]
    assert isinstance(found, Cell)
    return found


def fill(found: Cell) -> str:
    return str(found.fill.fgColor.rgb) if found.fill.patternType == "solid" else ""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A workbook with much of what an office puts into one."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "表三"
    for row in range(1, 6):
        for column in range(1, 6):
            sheet.cell(row, column, row * column)
    sheet["C3"] = "=SUM(A3:B3)"
    sheet["D4"].font, sheet["D4"].alignment = Font(name="黑体", size=16, bold=True), Alignment("center")
    sheet["D4"].number_format, sheet["D4"].protection = "#,##0", Protection(locked=False)
    sheet["A12"] = "说明"
    sheet.merge_cells("A12:C14")
    sheet.column_dimensions["C"].width = 30
    sheet.column_dimensions["H"].font = Font(italic=True)
    sheet.row_dimensions[4].height = 40
    sheet.freeze_panes, sheet.auto_filter.ref = "B2", "A1:E5"
    sheet["E5"].hyperlink = "https://example.org/"
    validation = DataValidation("whole", "greaterThanOrEqual", "0")
    validation.add("A1:E5")
    sheet.add_data_validation(validation)
    rule = CellIsRule("greaterThan", ["20"], fill=PatternFill("solid", bgColor="00FF00"))
    sheet.conditional_formatting.add("A1:E5", rule)
    sheet.protection.enable()
    noted = book.create_sheet("有批注")
    noted["B2"], noted["B2"].comment = 7, Comment("原有批注", "张三")
    noted["C9"].comment = Comment("另一条", "李四")
    listed = book.create_sheet("表格")
    for line in (["甲", "乙"], [1, 2], [3, 4]):
        listed.append(line)
    listed.add_table(Table(displayName="清单", ref="A1:B3"))
    book.create_sheet("空表")
    book.defined_names["合计"] = DefinedName("合计", attr_text="表三!$C$3")
    path = tmp_path / "登记表.xlsx"
    book.save(path)
    return path


def test_faulty_cells_are_red_and_say_why(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    result = annotate(
        office, target, [finding("B2"), finding("B3", "warning"), finding("A4", "info"), finding("D4")]
    )
    assert result == Annotated(3, ())
    assert fill(cell(target, "表三", "B2")) == RED
    assert fill(cell(target, "表三", "B3")) == ORANGE
    assert fill(cell(target, "表三", "A4")) == ""
    comment = cell(target, "表三", "B2").comment
    assert comment is not None
    assert comment.text == f"【错误】{MESSAGE}（应为5）"
    assert comment.author == "nianbao"
    assert cell(target, "表三", "A4").comment is None
    # The rest of the format is what it was.
    old, new = cell(office, "表三", "D4"), cell(target, "表三", "D4")
    assert fill(new) == RED
    for name in ("font", "alignment", "number_format", "protection", "border"):
        assert repr(getattr(new, name)) == repr(getattr(old, name))


def test_only_what_must_change_does(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    annotate(office, target, [finding("B2"), finding("C3")])
    touched, new = changed(office, target)
    assert touched == {
        "xl/worksheets/sheet1.xml",
        "xl/styles.xml",
        "[Content_Types].xml",
        "xl/worksheets/_rels/sheet1.xml.rels",
    }
    assert new == {"xl/comments1.xml", "xl/drawings/vmlDrawing1.vml"}
    before, after = parts(office), parts(target)
    # In the sheet, the styles of two cells and the reference to the comments.
    sheet = after["xl/worksheets/sheet1.xml"].decode()
    sheet = re.sub(r"<legacyDrawing [^>]*/>", "", sheet)
    sheet = re.sub(r'(<c r="(?:B2|C3)"[^>]*?) s="\d+"', r"\1", sheet)
    assert sheet == before["xl/worksheets/sheet1.xml"].decode()
    # In the styles, two formats more and one fill.
    old, new_styles = (ElementTree.fromstring(p["xl/styles.xml"]) for p in (before, after))
    for name, more in (
        ("fills", 1),
        ("cellXfs", 1),
        ("fonts", 0),
        ("borders", 0),
        ("dxfs", 0),
        ("cellStyles", 0),
    ):
        was, now = old.find(MAIN + name), new_styles.find(MAIN + name)
        assert was is not None
        assert now is not None
        assert len(now) == len(was) + more == int(now.get("count", "-1"))
        kept = [ElementTree.tostring(child) for child in now][: len(was)]
        assert kept == [ElementTree.tostring(child) for child in was]


def test_the_workbook_is_still_what_it_was(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    annotate(
        office,
        target,
        [finding("B2"), finding("C3"), finding("B2", sheet="有批注"), finding("B2", sheet="表格")],
    )
    old, new = load_workbook(office), load_workbook(target)
    assert new.sheetnames == old.sheetnames
    assert list(new.defined_names) == ["合计"]
    for name in old.sheetnames:
        one, other = old[name], new[name]
        assert [[c.value for c in row] for row in other] == [[c.value for c in row] for row in one]
        assert other.merged_cells.ranges == one.merged_cells.ranges
        assert other.freeze_panes == one.freeze_panes
        assert other.auto_filter.ref == one.auto_filter.ref
        assert other.protection.sheet == one.protection.sheet
        assert list(other.tables) == list(one.tables)
        assert str(other.data_validations) == str(one.data_validations)
        assert [str(r.sqref) for r in other.conditional_formatting] == [
            str(r.sqref) for r in one.conditional_formatting
        ]
        assert {k: d.width for k, d in other.column_dimensions.items()} == {
            k: d.width for k, d in one.column_dimensions.items()
        }
    assert new["表三"]["C3"].value == "=SUM(A3:B3)"
    assert new["表三"]["E5"].hyperlink.target == "https://example.org/"


# ---- suspects ----

VIOLET, PALE = "FFB48EE0", "FFE6DAF5"


def checked(pack: Pack, changes: Mapping[str, Any], seed: int = 1) -> CheckResult:
    """Return the result of a report whose figures stand in column F, each in a row of its own."""
    data = consistent_report(pack, seed)
    for path, value in changes.items():
        place_value(data, path, value(lookup(data, path)) if callable(value) else value)
    report = report_from_data(data, pack)
    origins = {f.path: Where(sheet="表三", cell=f"F{n}") for n, f in enumerate(pack.fields.numbers, 1)}
    raw = RawReport({**report.values, **changes} if None in changes.values() else report.values,
                    Where(sheet="表三"), origins=origins)  # fmt: skip
    return check(bind(raw, pack), pack)


def marked(office: Path, result: CheckResult, pack: Pack) -> tuple[dict[str, str], dict[str, str]]:
    """Annotate; return colour and comment of each cell of column F by its field, where there are any."""
    target = office.with_name("标注.xlsx")
    annotate(office, target, result.findings, all_marks([result], pack))
    sheet = load_workbook(target)["表三"]
    cells = {field.path: sheet.cell(n, 6) for n, field in enumerate(pack.fields.numbers, 1)}
    colours = {path: fill(c) for path, c in cells.items() if isinstance(c, Cell) and fill(c)}
    return colours, {path: c.comment.text for path, c in cells.items() if c.comment}


def test_the_suspected_cell_is_violet_and_the_totals_red(office: Path, pack: Pack) -> None:
    part = "requests.results.granted.business"
    result = checked(pack, {part: lambda value: value + 7})
    right = int(str(result.report.value(part))) - 7
    colours, comments = marked(office, result, pack)
    violated = {f.field for f in result.findings if f.severity == "error"}
    assert len(violated) == 2
    assert colours == {part: VIOLET, **dict.fromkeys(violated, RED)}
    assert comments[part].startswith("【疑似有误】若仅「表三·（一）予以公开·商业企业」一格有误")
    assert f"则应为{right}（现为{right + 7}）" in comments[part]
    # What the totals would have to be is no advice here.
    assert all("（疑似有误的格另标紫色）" in comments[str(path)] for path in violated)
    frame = load_workbook(office.with_name("标注.xlsx"))["表三"]
    row = [field.path for field in pack.fields.numbers].index(part) + 1
    assert frame.cell(row, 6).border.left.style == "medium"


def test_a_total_that_is_itself_suspected_is_violet(office: Path, pack: Pack) -> None:
    total = "requests.new.total"
    result = checked(pack, {total: lambda value: value + 9})
    colours, comments = marked(office, result, pack)
    assert colours == {total: VIOLET, "requests.results.total.total": RED}
    lines = comments[total].splitlines()
    assert lines[0].startswith("【疑似有误】")
    assert lines[1].startswith("【错误】")
    assert "（应为" in lines[1]


def test_cells_that_the_rules_cannot_tell_apart_are_all_marked(office: Path, pack: Pack) -> None:
    result = checked(pack, {"disputes.reconsideration.total": lambda value: value + 2}, seed=4)
    colours, comments = marked(office, result, pack)
    parts = [f"disputes.reconsideration.{name}" for name in ("upheld", "corrected", "other", "pending")]
    assert colours == {**dict.fromkeys(parts, VIOLET), "disputes.reconsideration.total": RED}
    for path in colours:
        value = int(str(result.report.value(path)))
        should = value - 2 if path.endswith("total") else value + 2
        assert f"应为{should}（现为{value}）" in comments[path]


def test_several_cells_of_a_suspect_each_say_their_value(office: Path, pack: Pack) -> None:
    one, two = "requests.results.granted.business", "requests.carried_out.other"
    result = checked(pack, {one: lambda value: value + 7, two: lambda value: value + 300})
    colours, comments = marked(office, result, pack)
    assert [path for path, colour in colours.items() if colour == VIOLET] == [one, two]
    for path, more in ((one, 7), (two, 300)):
        value = int(str(result.report.value(path)))
        assert comments[path].startswith(f"【疑似有误】本格应为{value - more}（现为{value}）；若")


def test_a_less_likely_suspect_is_paler(office: Path, pack: Pack) -> None:
    first, second = "requests.new.business", "requests.new.natural_person"
    suspects = (Suspect({first: 3}, "若仅…"), Suspect({second: 4, first: 5}, "若…"))
    result = checked(pack, {})
    row, column = "requests.new.total", "requests.results.total.total"
    found = [Finding("T3-ROW", "error", row, result.report.where(row), MESSAGE, 5, 4, suspects)]
    colours, comments = marked(office, result.with_findings(found), pack)
    assert colours == {first: VIOLET, second: PALE, row: RED}
    assert column not in colours
    now = result.report.value(second)
    other = f"【也可能】本格应为4（现为{now}），同时「{pack.fields.place(first)}」应为5，请核对台账"
    assert comments[second] == other
    assert comments[first].splitlines()[0] == "【疑似有误】若仅…"


def test_what_the_search_gave_up_on_is_pale_and_said_once(office: Path, pack: Pack) -> None:
    paths = [f"requests.new.{who}" for who in ("natural_person", "business", "research")]
    suspects = (Suspect(dict.fromkeys(paths), "错处较多"),)
    result = checked(pack, {})
    found = [
        Finding(
            "T3-ROW", "error", "requests.new.total", Where(sheet="表三", cell="H9"), MESSAGE, 5, 4, suspects
        )
    ]
    colours, comments = marked(office, result.with_findings(found), pack)
    assert colours == dict.fromkeys(paths, PALE)
    assert comments == {paths[0]: "【疑似有误】错处较多"}


def test_a_block_of_blanks_is_marked_whole_and_says_so_once(office: Path, pack: Pack) -> None:
    people = ("natural_person", "business", "research")
    blank = [f"requests.results.{row}.{who}" for row in ("granted", "partial") for who in people]
    result = checked(pack, dict.fromkeys(blank))
    (finding,) = [f for f in result.findings if f.rule == "BLANK"]
    assert set(finding.fields) == set(blank)
    colours, comments = marked(office, result, pack)
    assert {path: colours.get(path) for path in blank} == dict.fromkeys(blank, RED)
    assert [path for path in blank if "为空" in comments.get(path, "")] == [finding.field]


def test_several_findings_of_a_cell_share_its_comment(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    found = [
        finding("B2", "warning", message="第一"),
        finding("B2", message="第二"),
        finding("B2", message="第二"),
    ]
    annotate(office, target, found)
    marked = cell(target, "表三", "B2")
    assert fill(marked) == RED
    assert marked.comment is not None
    assert marked.comment.text == "【错误】第二（应为5）\n【警告】第一（应为5）"


def test_comments_that_are_there_stay(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    annotate(office, target, [finding("B2", sheet="有批注"), finding("D2", sheet="有批注")])
    texts = {a: cell(target, "有批注", a).comment for a in ("B2", "C9", "D2")}
    assert {a: c.text if c else None for a, c in texts.items()} == {
        "B2": f"原有批注\n【错误】{MESSAGE}（应为5）",
        "C9": "另一条",
        "D2": f"【错误】{MESSAGE}（应为5）",
    }
    assert {a: c.author if c else None for a, c in texts.items()} == {
        "B2": "张三",
        "C9": "李四",
        "D2": "nianbao",
    }
    drawing = next(data for name, data in parts(target).items() if name.endswith(".vml"))
    boxes = re.findall(rb"<x:Row>(\d+)</x:Row>\s*<x:Column>(\d+)</x:Column>", drawing.replace(b"ns0:", b"x:"))
    assert len(re.findall(rb"shape [^>]*id=", drawing)) == 3
    assert (b"1", b"3") in boxes
    ids = re.findall(rb'"_x0000_s(\d+)"', drawing)
    assert len(set(ids)) == len(ids) == 3


def test_an_annotated_copy_can_be_annotated_again(office: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "一.xlsx", tmp_path / "二.xlsx"
    annotate(office, first, [finding("B2", "warning")])
    annotate(first, second, [finding("B2"), finding("E1")])
    comment = cell(second, "表三", "B2").comment
    assert comment is not None
    assert comment.text == f"【警告】{MESSAGE}（应为5）\n【错误】{MESSAGE}（应为5）"
    assert fill(cell(second, "表三", "B2")) == RED
    assert changed(first, second)[1] == set()
    assert len(re.findall(rb"<author>", parts(second)["xl/comments1.xml"])) == 1


def test_missing_cells_and_rows_are_made_in_order(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    spots = ["H4", "G4", "B9", "A8", "XFD1048576", "H20"]
    annotate(office, target, [*map(finding, spots), finding("B3", sheet="空表"), finding("A1", sheet="空表")])
    for name in ("sheet1", "sheet4"):
        root = ElementTree.fromstring(parts(target)[f"xl/worksheets/{name}.xml"])
        rows = [int(row.get("r", "")) for row in root.iter(f"{MAIN}row")]
        assert rows == sorted(set(rows))
        for row in root.iter(f"{MAIN}row"):
            columns = [spot_of(c.get("r", "")) for c in row.iter(f"{MAIN}c")]
            assert columns == sorted(set(columns))  # type: ignore[type-var]
    for address in spots:
        assert fill(cell(target, "表三", address)) == RED
    assert fill(cell(target, "空表", "B3")) == RED
    # A cell that is made looks as its column does.
    assert cell(target, "表三", "H20").font.italic


@pytest.mark.parametrize(
    ("where", "placed"),
    [
        (Where(sheet="表三", cell="B2"), True),
        (Where("登记表.xlsx", "表三", "B2"), False),
        (Where("{source}", "表三", "B2"), True),
        (Where(sheet="没有", cell="B2"), False),
        (Where(sheet="表三"), False),
        (Where(sheet="表三", row=4), True),
        (Where(cell="B2"), False),
        (Where(sheet="表三", cell="不是"), False),
        (Where(page=3), False),
    ],
)
def test_findings_without_a_cell_are_returned(
    office: Path, tmp_path: Path, where: Where, placed: bool
) -> None:
    if where.file == "{source}":
        where = Where(str(office), where.sheet, where.cell)
    found = Finding("X", "error", None, where, "…")
    result = annotate(office, tmp_path / "标注.xlsx", [found])
    assert result == (Annotated(1, ()) if placed else Annotated(0, (found,)))
    assert (fill(cell(tmp_path / "标注.xlsx", "表三", "A4" if where.row else "B2")) == RED) == placed


def test_nothing_to_mark_gives_an_equal_copy(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    assert annotate(office, target, [finding("B2", "info")]) == Annotated(0, ())
    assert changed(office, target) == (set(), set())


def test_equal_input_gives_equal_bytes(office: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "一.xlsx", tmp_path / "二.xlsx"
    for target in (one, two):
        annotate(office, target, [finding("B2"), finding("B2", sheet="有批注"), finding("E9", "warning")])
    assert one.read_bytes() == two.read_bytes()


def test_a_message_may_hold_anything(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    text = "a&b<c>\"'\n=1 ]]> \x01 \ud800 😀 " + "长" * 300
    annotate(office, target, [finding("B2", message=text)])
    comment = cell(target, "表三", "B2").comment
    assert comment is not None
    assert "〈U+0001〉 〈U+D800〉 😀" in comment.text
    assert "a&b<c>\"'\n=1 ]]>" in comment.text


# Sheets as other programs write them: the XML of the cells, and what becomes of it.
NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEETS: Mapping[str, tuple[str, str]] = {
    "no addresses": (
        f"<worksheet {NS}><sheetData><row><c><v>1</v></c><c s='1'><v>2</v></c></row><row/></sheetData>"
        "</worksheet>",
        f"<worksheet {NS}><sheetData><row><c><v>1</v></c><c s=\"91\"><v>2</v></c></row>"
        '<row><c r="B2" s="90"/></row></sheetData>@</worksheet>',
    ),
    "a prefix": (
        f'<x:worksheet xmlns:x="{MAIN[1:-1]}"><x:sheetData><x:row r="1"><x:c r="B1" t="s"/></x:row>'
        "</x:sheetData><x:pageMargins/><x:tableParts/></x:worksheet>",
        f'<x:worksheet xmlns:x="{MAIN[1:-1]}"><x:sheetData><x:row r="1"><x:c r="B1" t="s" s="90"/></x:row>'
        '<x:row r="2"><x:c r="B2" s="90"/></x:row></x:sheetData><x:pageMargins/>@<x:tableParts/>'
        "</x:worksheet>",
    ),
    "blank rows, spans, formats of rows and columns": (
        f'<worksheet {NS}><cols><col min="2" max="3" width="9" style="4"/></cols><sheetData>'
        '<row r="1" spans="1:1" s="5" customFormat="1"/><row r="2" spans="3:4" ><c r="C2" /></row>'
        "<row r=\"4\"/></sheetData></worksheet>",
        f'<worksheet {NS}><cols><col min="2" max="3" width="9" style="4"/></cols><sheetData>'
        '<row r="1" spans="1:2" s="5" customFormat="1"><c r="B1" s="95"/></row>'
        '<row r="2" spans="2:4"><c r="B2" s="94"/><c r="C2" /></row><row r="4"/></sheetData>@</worksheet>',
    ),
    "no rows, odd blanks, a comment, a character data section": (
        f"<?xml version='1.0'?>\n<worksheet\n{NS} >\n<!-- <c r='B1'> --><sheetData />"
        '<extLst><ext><a b="&gt;>"/><![CDATA[<c/>]]></ext></extLst></worksheet>\n',
        f"<?xml version='1.0'?>\n<worksheet\n{NS} >\n<!-- <c r='B1'> --><sheetData >"
        '<row r="1"><c r="B1" s="90"/></row><row r="2"><c r="B2" s="90"/></row></sheetData>'
        '@<extLst><ext><a b="&gt;>"/><![CDATA[<c/>]]></ext></extLst></worksheet>\n',
    ),
    "texts and attributes with markup": (
        f'<worksheet {NS}><sheetData><row r="1"><c r="B1" x="&lt;a>&#10;\'" s="2" t="inlineStr"><is>'
        '<t>汉&amp;</t></is></c></row><row r="2"><c r="A2"/><c r="B2" s="3"><f>A1&lt;3</f><v>1</v></c></row>'
        "</sheetData></worksheet>",
        f'<worksheet {NS}><sheetData><row r="1"><c r="B1" x="&lt;a&gt;&#10;\'" s="92" t="inlineStr"><is>'
        '<t>汉&amp;</t></is></c></row><row r="2"><c r="A2"/><c r="B2" s="93"><f>A1&lt;3</f><v>1</v></c></row>'
        "</sheetData>@</worksheet>",
    ),
}  # fmt: skip
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DRAWING = f'legacyDrawing xmlns:r="{RELATION}" r:id="rId7"/>'


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_sheets_of_other_programs(name: str, mark: bytes) -> None:
    source, expected = SHEETS[name]
    sheet = SheetXml(mark + source.encode(), {(1, 2): "error", (2, 2): "error"}, lambda style, _: 90 + style)
    prefix = "<x:" if "<x:" in source else "<"
    assert sheet.finished("rId7").decode("utf-8-sig") == expected.replace("@", prefix + DRAWING)


@given(
    cells=st.dictionaries(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(0, 5), max_size=30),
    wanted=st.dictionaries(st.tuples(st.integers(1, 11), st.integers(1, 11)), st.just("error"), min_size=1),
    implicit=st.booleans(),
)
def test_any_sheet_keeps_its_other_cells(
    cells: dict[Spot, int], wanted: dict[Spot, Level], implicit: bool
) -> None:
    """Whatever cells there are and whatever is wanted: the wanted ones change, in order, and no other."""
    source = f"<worksheet {NS}><sheetData>"
    for row in sorted({row for row, _ in cells}):
        source += f'<row r="{row}" spans="1:9">' if row % 2 else f'<row r="{row}">'
        columns = sorted(column for r, column in cells if r == row)
        for before, column in zip([0, *columns], columns, strict=False):
            # A cell that follows the one before it needs no address.
            address = "" if implicit and column == before + 1 else f' r="{get_column_letter(column)}{row}"'
            source += f'<c{address} s="{cells[row, column]}"><v>{row * 100 + column}</v></c>'
        source += "</row>"
    source += "</sheetData></worksheet>"
    new = SheetXml(source.encode(), wanted, lambda style, _: style + 10).finished("rId7")
    found: dict[Spot, tuple[int, str | None]] = {}
    for row in ElementTree.fromstring(new).iter(f"{MAIN}row"):
        column = 0
        for c in row:
            column = (spot_of(c.get("r", "")) or (0, column + 1))[1]
            spot = int(row.get("r", "")), column
            assert not found or max(found) < spot
            found[spot] = int(c.get("s", "")), c.findtext(f"{MAIN}v")
    expected: dict[Spot, tuple[int, str | None]] = {
        spot: (style + 10 * (spot in wanted), f"{spot[0] * 100 + spot[1]}") for spot, style in cells.items()
    }
    assert found == dict.fromkeys(wanted, (10, None)) | expected


def test_a_sheet_in_utf_16() -> None:
    source = f'<?xml version="1.0" encoding="UTF-16"?><worksheet {NS}><sheetData><row r="1"><c r="A1"/></row>'
    source += "</sheetData></worksheet>"
    new = SheetXml(source.encode("utf-16"), {(1, 1): "error"}, lambda *_: 9).finished()
    assert ElementTree.fromstring(new)[0][0][0].get("s") == "9"


def test_a_document_type_is_refused(office: Path, tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'
    with pytest.raises(InputError, match="损坏"):
        annotate(
            rewritten(office, {"xl/worksheets/sheet1.xml": bomb}), tmp_path / "标注.xlsx", [finding("B2")]
        )


def rewritten(source: Path, replaced: Mapping[str, bytes | None], added: Mapping[str, bytes] = {}) -> Path:
    """Return a copy of a workbook with some parts replaced, removed (None), or added."""
    target = source.with_name(f"改{source.name}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in {**parts(source), **replaced, **added}.items():
            if data is not None:
                package.writestr(name, data)
    return target


def test_a_workbook_without_styles(office: Path, tmp_path: Path) -> None:
    relations = parts(office)["xl/_rels/workbook.xml.rels"]
    relations = re.sub(rb"<Relationship [^>]*relationships/styles[^>]*/>", b"", relations)
    sheet = re.sub(
        rb' s="\d+"| style="\d+"|<conditionalFormatting.*</conditionalFormatting>',
        b"",
        parts(office)["xl/worksheets/sheet1.xml"],
    )
    types = re.sub(rb'<Override [^>]*/xl/styles.xml"[^>]*/>', b"", parts(office)["[Content_Types].xml"])
    replaced = {
        "xl/styles.xml": None,
        "xl/_rels/workbook.xml.rels": relations,
        "xl/worksheets/sheet1.xml": sheet,
        "[Content_Types].xml": types,
    }
    target = tmp_path / "标注.xlsx"
    annotate(rewritten(office, replaced), target, [finding("B2")])
    assert fill(cell(target, "表三", "B2")) == RED


def png() -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )


def test_pictures_and_parts_that_nobody_knows_stay(office: Path, tmp_path: Path) -> None:
    """A picture, a macro project, a custom part: openpyxl would lose some of them."""
    drawing = (
        f'<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{RELATION}">'
        "<xdr:oneCellAnchor><xdr:from><xdr:col>6</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row>"
        '<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext cx="190500" cy="190500"/><xdr:pic><xdr:nvPicPr>'
        '<xdr:cNvPr id="1" name="章"/><xdr:cNvPicPr/></xdr:nvPicPr>'
        '<xdr:blipFill><a:blip r:embed="rId1"/><a:stretch><a:fillRect/></a:stretch></xdr:blipFill><xdr:spPr>'
        '<a:prstGeom prst="rect"/></xdr:spPr></xdr:pic><xdr:clientData/></xdr:oneCellAnchor></xdr:wsDr>'
    )
    rels = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    link = '<Relationship Id="{}" Type="{}/{}" Target="{}"/>'
    before = parts(office)
    sheet = before["xl/worksheets/sheet4.xml"].replace(
        b"</worksheet>", f'<drawing xmlns:r="{RELATION}" r:id="rId1"/></worksheet>'.encode()
    )
    types = before["[Content_Types].xml"].replace(
        b"</Types>",
        b'<Default Extension="png" ContentType="image/png"/><Override PartName="/xl/drawings/drawing1.xml" '
        b'ContentType="application/vnd.openxmlformats-officedocument.drawing+xml"/></Types>',
    )
    added = {
        "xl/worksheets/_rels/sheet4.xml.rels": rels.format(
            link.format("rId1", RELATION, "drawing", "../drawings/drawing1.xml")
        ).encode(),
        "xl/drawings/drawing1.xml": drawing.encode(),
        "xl/drawings/_rels/drawing1.xml.rels": rels.format(
            link.format("rId1", RELATION, "image", "/xl/media/章.png")
        ).encode(),
        "xl/media/章.png": png(),
        "xl/vbaProject.bin": b"\xd0\xcf macros",
        "customXml/item1.xml": b"<wps:own xmlns:wps='urn:wps'/>",
    }
    source = rewritten(office, {"xl/worksheets/sheet4.xml": sheet, "[Content_Types].xml": types}, added)
    target = tmp_path / "标注.xlsx"
    annotate(source, target, [finding("B2", sheet="空表")])
    touched, _ = changed(source, target)
    assert touched == {
        "xl/worksheets/sheet4.xml",
        "xl/worksheets/_rels/sheet4.xml.rels",
        "xl/styles.xml",
        "[Content_Types].xml",
    }
    new = parts(target)["xl/worksheets/sheet4.xml"]
    assert new.index(b"<drawing ") < new.index(b"<legacyDrawing ")
    # The picture keeps its relationship.
    assert b'r:id="rId1"' in new
    assert b'r:id="rId3"' in new


def test_office_vml_that_is_no_xml_is_kept(office: Path, tmp_path: Path) -> None:
    name = next(name for name in parts(office) if name.endswith(".vml"))
    old = b"<xml xmlns:v='urn:schemas-microsoft-com:vml'><v:shape id='_x0000_s1025'><font>a<br></font>"
    old += b"</v:shape></xml>\r\n"
    target = tmp_path / "标注.xlsx"
    annotate(rewritten(office, {name: old}), target, [finding("D2", sheet="有批注")])
    new = parts(target)[name]
    head, tail = old.split(b"</xml>")
    assert new.startswith(head)
    assert new.endswith(b"</xml>" + tail)
    assert b'id="_x0000_s1026"' in new
    assert b"<v:shapetype" in new
    with pytest.raises(OutputError, match="另存为"):
        annotate(rewritten(office, {name: b"?"}), target, [finding("D2", sheet="有批注")])


def test_boxes_are_sized_to_the_text_and_the_grid(office: Path, tmp_path: Path) -> None:
    target = tmp_path / "标注.xlsx"
    annotate(office, target, [finding("A2", message="短"), finding("A5", message="长" * 200)])
    drawing = parts(target)["xl/drawings/vmlDrawing1.vml"].decode()
    anchors = [list(map(int, a.split(", "))) for a in re.findall(r"<x:Anchor>([^<]*)</x:Anchor>", drawing)]
    short, long = anchors
    # To the right of column A; B is 64 pixels wide and C 210, so the box of 260 ends in C.
    assert short[:2] == [1, 12]
    assert short[4] == long[4] == 2
    assert short[5] == 12 + 260 - 64
    # Row 4 is 53 pixels high, the others 20.
    assert short[2:4] == [0, 4]
    assert (short[6], short[7]) == (3, 4)
    assert long[6] > short[6] + 5


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.csv", "单位,年度\n甲,2023\n".encode(), OutputError, "不是.xlsx.*另存为.xlsx"),
        ("a.json", b'{"agency": "x"}', OutputError, "不是.xlsx"),
        ("a.xlsx", b"PK\x03\x04 broken", InputError, "损坏"),
        ("a.xlsx", b"", OutputError, "不是.xlsx"),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, error: type[Exception], words: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(error, match=words):
        annotate(source, tmp_path / "标注.xlsx", [finding("A1")])
    assert not (tmp_path / "标注.xlsx").exists()


def test_the_input_is_never_overwritten(office: Path, tmp_path: Path) -> None:
    before = office.read_bytes()
    with pytest.raises(OutputError, match="不能覆盖原文件"):
        annotate(office, office, [finding("B2")])
    assert office.read_bytes() == before
    with pytest.raises(InputError, match="找不到"):
        annotate(tmp_path / "没有.xlsx", tmp_path / "标注.xlsx", [])


def test_a_damaged_part_is_one_sentence_and_leaves_nothing(office: Path, tmp_path: Path) -> None:
    for damage in (
        b"<worksheet><sheetData>",
        b"<worksheet><sheetData><row r='x'/></sheetData></worksheet>",
        b"not xml",
    ):
        source = rewritten(office, {"xl/worksheets/sheet1.xml": damage})
        with pytest.raises(InputError, match="损坏"):
            annotate(source, tmp_path / "标注.xlsx", [finding("B2")])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([office.name, f"改{office.name}"])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it(office: Path, tmp_path: Path) -> None:
    """A workbook that LibreOffice saved is annotated; LibreOffice reads the copy, with fill and comments."""

    def convert(source: Path, kind: str, folder: str) -> Path:
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = [
            "soffice",
            profile,
            "--headless",
            "--convert-to",
            kind,
            "--outdir",
            str(tmp_path / folder),
            str(source),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        return tmp_path / folder / f"{source.stem}.{kind}"

    for number, source in enumerate((office, convert(office, "xlsx", "lo"))):
        target = tmp_path / f"标注{number}.xlsx"
        result = annotate(source, target, [finding("B2"), finding("C9"), finding("B2", "warning", "有批注")])
        assert result == Annotated(3, ())
        seen = convert(target, "fods", f"fods{number}").read_text("utf-8")
        assert seen.count("<office:annotation ") == 4
        assert re.sub("<[^>]+>", "", seen).count("总计填4，差1（应为5）") == 3
        assert 'fo:background-color="#ff5050"' in seen
        assert 'fo:background-color="#ffc000"' in seen
        assert convert(target, "pdf", f"pdf{number}").stat().st_size > 1000
