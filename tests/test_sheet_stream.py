"""Large .xlsx sheets are read from their XML: the same values as by calamine, whatever the cells hold."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.readers import read_raw
from nianbao.readers.sheets import read_sheets
from nianbao.readers.sheets import xlsx as sheets_xlsx
from nianbao.readers.sheets.grid import rectangle
from nianbao.readers.sheets.xlsx_stream import StreamSource
from nianbao.readers.sheets.xlsx_windows import WindowedRows

ROOT = Path(__file__).parent.parent
SHEET = "xl/worksheets/sheet1.xml"
EVERY, NONE = -1, 1 << 60

# Each stands alone in a row of a plain table; {a} is its address.
CELLS = """
<c r="{a}"/>
<c r="{a}" s="1"></c>
<c r="{a}"><v>12</v></c>
<c r="{a}"><v>-0</v></c>
<c r="{a}"><v>007</v></c>
<c r="{a}"><v>1.50</v></c>
<c r="{a}"><v>1E3</v></c>
<c r="{a}"><v>0.1000000000000000055</v></c>
<c r="{a}"><v>123456789012345678</v></c>
<c r="{a}"><v>1e999</v></c>
<c r="{a}"><v></v></c>
<c r="{a}"><v/></c>
<c r="{a}" s="1"><v>45306</v></c>
<c r="{a}" s="1"><v>45306.25</v></c>
<c r="{a}" s="2"><v>1</v></c>
<c r="{a}" s="2"><v>0.375</v></c>
<c r="{a}" s="3"><v>7</v></c>
<c r="{a}" s="99"><v>7</v></c>
<c r="{a}" t="n" s="3"><v>7</v></c>
<c r="{a}" t="b"><v>1</v></c>
<c r="{a}" t="e"><v>#DIV/0!</v></c>
<c r="{a}" t="e"><f>1/0</f><v>#N/A</v></c>
<c r="{a}" t="d"><v>2024-01-31</v></c>
<c r="{a}"><f>1+1</f><v>2</v></c>
<c r="{a}"><f>1+1</f><v>0</v></c>
<c r="{a}"><f>1+1</f></c>
<c r="{a}"><f t="shared" ref="A1:A2" si="0">1+1</f><v>2</v></c>
<c r="{a}"><f t="shared" si="0"/><v>2</v></c>
<c r="{a}"><f t="shared" si="0"/></c>
<c r="{a}" t="str"><f>"a"</f><v> a &amp; b </v></c>
<c r="{a}" t="str"><f>""</f><v></v></c>
<c r="{a}" t="s"><v>0</v></c>
<c r="{a}" t="s"><v>1</v></c>
<c r="{a}" t="s"><v>2</v></c>
<c r="{a}" t="s"><v>3</v></c>
<c r="{a}" t="s"><v>4</v></c>
<c r="{a}" t="inlineStr"><is><t>  a b </t></is></c>
<c r="{a}" t="inlineStr"><is><t xml:space="preserve">  a b </t></is></c>
<c r="{a}" t="inlineStr"><is><t xml:space="preserve">a
b</t></is></c>
<c r="{a}" t="inlineStr"><is><t>&amp;amp; &lt;&gt;&quot;&apos;&#20013;&#x4e2d;&#38;#10;</t></is></c>
<c r="{a}" t="inlineStr"><is><t>a&#13;_x000D_b_x005F_x</t></is></c>
<c r="{a}" t="inlineStr"><is><t>&#32;a</t></is></c>
<c r="{a}" t="inlineStr"><is><t xml:space="preserve">   </t></is></c>
<c r="{a}" t="inlineStr"><is><t></t></is></c>
<c r="{a}" t="inlineStr"><is><t/></is></c>
<c r="{a}" t="inlineStr"/>
<c r="{a}" t="inlineStr"><is><r><rPr><charset val="134"/></rPr><t>甲</t></r><r><t>乙</t></r></is></c>
<c r="{a}" t="inlineStr"><is><t>甲</t><rPh sb="0" eb="1"><t>か</t></rPh></is></c>
<c r="{a}" cm="1"><v>5</v></c>
<c  r="{a}"><v>5</v></c>
<c s="0" r="{a}"><v>5</v></c>
<c r='{a}'><v>5</v></c>
<c r="{a}" t='b'><v>1</v></c>
<c r="{a}" s='2'><v>1</v></c>
<c r="{a}"> <v> 5 </v> </c>
<c r="{a}" t="inlineStr"><is><t><![CDATA[<c r="B2"><v>1</v></c>]]></t></is></c>
<c r="{a}"><v>5</v></c><!-- <c r="{a}"><v>6</v></c> -->
<c r="{a}" t="inlineStr"><is><t>第{n}" 行 s="1"</t></is></c>
""".strip().split("\n<")
CELLS = [cell if cell.startswith("<") else f"<{cell}" for cell in CELLS]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
LINK = f'<Relationship Id="strings" Type="{KIND}" Target="sharedStrings.xml"/>'
STRINGS = (
    '<si><t>甲局</t></si><si><t xml:space="preserve"> 乙 </t></si><si><t> </t></si>'
    "<si><r><t>丙</t></r><r><t>_x000D_</t></r><rPh><t>x</t></rPh></si><si/>"
)


def workbook(path: Path, rows: str, *, asks: bool = False) -> Path:
    """Write a workbook of one sheet of given rows; its formats 1 to 3 are a date, a percentage, 0.00."""
    book = openpyxl.Workbook()
    for address, look in (("A1", "yyyy-mm-dd"), ("A2", "0%"), ("A3", "0.00")):
        book.active[address] = "x"
        book.active[address].number_format = look
    book.calculation.fullCalcOnLoad = asks
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts[SHEET] = re.sub(
        "<sheetData>.*</sheetData>", lambda _: f"<sheetData>{rows}</sheetData>", parts[SHEET]
    )
    links = "xl/_rels/workbook.xml.rels"
    parts[links] = parts[links].replace("</Relationships>", f"{LINK}</Relationships>")
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{STRINGS}</sst>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def read(path: Path, monkeypatch: pytest.MonkeyPatch, large: int) -> list[list[tuple[type, object]]]:
    monkeypatch.setattr(sheets_xlsx, "_LARGE", large)
    (sheet,) = read_sheets(path, streamed=True)
    if large == EVERY and isinstance(sheet.rows, WindowedRows):
        assert isinstance(sheet.rows._source, StreamSource)
    rows = rectangle([list(row) for row in sheet.rows])
    return [[(type(value), value) for value in row] for row in rows]


def same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold that a workbook reads the same both ways, errors included."""

    def outcome(large: int) -> object:
        try:
            return read(path, monkeypatch, large)
        except InputError as error:
            return error.message

    assert outcome(EVERY) == outcome(NONE)


def table(cells: list[str], first: int = 1) -> str:
    """Return rows from `first` on, with one of `cells` each between plain ones."""
    rows = []
    for n, cell in enumerate(cells, first):
        middle = cell.replace("{a}", f"B{n}").replace("{n}", str(n))
        rows.append(
            f'<row r="{n}" ht="{n}" s="{n}"><c r="A{n}" s="3"><v>{n}</v></c>{middle}<c r="D{n}"/></row>'
        )
    return "".join(rows)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_any_cell_of_a_large_sheet_reads_as_calamine_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, asks: bool
) -> None:
    same(workbook(tmp_path / "a.xlsx", table([CELLS[2], cell, CELLS[2], cell]), asks=asks), monkeypatch)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=12),
    first=st.integers(1, 40),
    block=st.sampled_from([64, 300, 1 << 20]),
)
def test_any_rows_of_a_large_sheet_read_as_calamine_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: list[str], first: int, block: int
) -> None:
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_cells.BLOCK", block)
    same(workbook(tmp_path / "a.xlsx", table(cells, first)), monkeypatch)


ROWS = {
    "without numbers": lambda rows: re.sub(r'<row r="\d+"[^>]*>', "<row>", rows),
    "blank ones among them": lambda rows: rows.replace("</row>", '</row><row r="9999"/><row ht="5"> </row>'),
    "far apart": lambda rows: rows.replace("<row", "\n  <row").replace("</row>", "</row>\n"),
    "out of order": lambda rows: "".join(reversed(re.findall("<row.*?</row>", rows))),
    "twice": lambda rows: rows + rows,
    "a cell in another row": lambda rows: rows.replace('r="B3"', 'r="B4"'),
    "cells out of order": lambda rows: rows.replace('r="B3"', 'r="F3"'),
    "a cell twice": lambda rows: rows.replace('r="D3"', 'r="B3"'),
    "cells without addresses": lambda rows: rows.replace('<c r="B3"', "<c"),
    "a prefix": lambda rows: rows.replace("<c ", "<x:c ").replace("</c>", "</x:c>"),
    "a comment around a row": lambda rows: rows.replace('<row r="3"', '<!--<row r="3"', 1) + "<!-- -->",
    "an extension": lambda rows: rows.replace("</row>", "<extLst><ext/></extLst></row>"),
    "nothing": lambda rows: "",
}


@pytest.mark.parametrize("edit", ROWS.values(), ids=ROWS)
def test_rows_that_are_built_in_other_ways_read_as_by_calamine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str]
) -> None:
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_cells.BLOCK", 400)
    same(workbook(tmp_path / "a.xlsx", edit(table([CELLS[2], *CELLS[12:24]]))), monkeypatch)


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.xlsx")), ids=lambda path: path.stem)
def test_the_example_workbooks_read_the_same_both_ways(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sheets(large: int) -> list[object]:
        monkeypatch.setattr(sheets_xlsx, "_LARGE", large)
        return [
            (sheet.name, rectangle([list(row) for row in sheet.rows]), sheet.merged, sheet.hidden)
            for sheet in read_sheets(path, streamed=True)
        ]

    assert sheets(EVERY) == sheets(NONE)


def test_a_large_sheet_is_read_while_its_rows_are_gone_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets_xlsx, "_LARGE", EVERY)
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_cells.BLOCK", 500)
    path = workbook(
        tmp_path / "a.xlsx", table([CELLS[2]] * 50 + ['<c r="{a}" t="inlineStr"><is><t>&nbsp;</t></is></c>'])
    )
    (sheet,) = read_sheets(path, streamed=True)
    assert sheet.rows[0] == [1, 12, None, None]
    assert sheet.rows[40] == [41, 12, None, None]
    assert sheet.rows[1] == [2, 12, None, None]
    assert len(sheet.rows) == 51
    with pytest.raises(InputError, match="已损坏"):
        sheet.rows[50]


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.xlsx")), ids=lambda path: path.stem)
def test_registers_and_forms_are_the_same_reports_both_ways(
    pack: Pack, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome(large: int) -> object:
        monkeypatch.setattr(sheets_xlsx, "_LARGE", large)
        try:
            return list(read_raw(path, pack))
        except InputError as error:
            return error.message

    assert outcome(EVERY) == outcome(NONE)


def test_a_sheet_is_in_memory_unless_its_rows_are_wanted_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets_xlsx, "_LARGE", EVERY)
    path = workbook(tmp_path / "a.xlsx", table([CELLS[2], CELLS[0]]) + '<row r="900"><c r="Z900"/></row>')
    (sheet,) = read_sheets(path)
    assert sheet.rows == [[1, 12], [2, None]]
