"""Files to plain cell values: the same in every format, as far as the format can tell."""

from __future__ import annotations

import datetime
import math
import os
import re
import string
import subprocess
import sys
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import openpyxl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.style import Style, TableProperties
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import LineBreak, P, S

from nianbao.cells import CellError, Percentage, Uncomputed
from nianbao.errors import InputError
from nianbao.readers.sheets import Sheet, cell_name, grid, read_sheets
from nianbao.readers.sheets.xlsx import read_xlsx
from nianbao.readers.sheets.xlsx_windows import WindowedRows

Grid = list[list[object]]
TABLE: Grid = [
    [None, "单位", "新收\n件数", "备注"],
    [None, None, None, None],
    [None, "甲局", 12, '引号"、逗号,和；'],
    [None, "乙局", 163.8908, None],
]


def write_xlsx(path: Path, rows: Grid) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def write_xls(path: Path, rows: Grid) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                sheet.write(r, c, value)
    book.save(str(path))
    return path


def write_ods(path: Path, rows: Grid) -> Path:
    table = Table(name="Sheet")
    for row in rows:
        table_row = TableRow()
        for value in row:
            table_row.addElement(ods_cell(value))
        table.addElement(table_row)
    return save_ods(path, table)


def ods_cell(value: object) -> TableCell:
    if value is None:
        return TableCell()
    if not isinstance(value, str):
        return TableCell(valuetype="float", value=value)
    cell = TableCell(valuetype="string")
    for line in value.split("\n"):
        cell.addElement(P(text=line))
    return cell


def save_ods(path: Path, *tables: Table) -> Path:
    document = OpenDocumentSpreadsheet()
    for table in tables:
        document.spreadsheet.addElement(table)
    document.save(str(path))
    return path


def csv_text(rows: Grid, delimiter: str = ",") -> str:
    def field(value: object) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if re.search('[",;\t\n]', text) else text

    return "".join(delimiter.join(map(field, row)) + "\r\n" for row in rows)


def change(path: Path, part: str, edit: Callable[[bytes], bytes]) -> Path:
    """Rewrite one part of a zip file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert part in parts
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, edit(data) if name == part else data)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def with_cells(path: Path, cells: str, rows: Grid = TABLE) -> Path:
    """Write a workbook and put the XML of further cells at the end of its sheet."""
    write_xlsx(path, rows)
    return change(path, SHEET, lambda data: data.replace(b"</sheetData>", cells.encode() + b"</sheetData>"))


def only(path: Path) -> Sheet:
    (sheet,) = read_sheets(path)
    return sheet


def values(path: Path) -> Grid:
    return [list(row) for row in only(path).rows]


# The same values in every format


@pytest.mark.parametrize(
    "path_of", [write_xlsx, write_xls, write_ods], ids=["xlsx", "xls", "ods"]
)  # fmt: skip
def test_a_table_reads_the_same_from_every_workbook_format(
    tmp_path: Path, path_of: Callable[[Path, Grid], Path]
) -> None:
    assert values(path_of(tmp_path / "a.dat", TABLE)) == TABLE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_reads_the_same_from_delimited_text_but_numbers_are_text(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path = tmp_path / "登记表.csv"
    path.write_bytes(mark + csv_text(TABLE, delimiter).encode(encoding))
    expected = [[value if value is None else str(value) for value in row] for row in TABLE]
    assert values(path) == expected
    assert only(path).name == "登记表"


def test_blank_rows_and_columns_are_kept_before_the_table_and_dropped_after_it(tmp_path: Path) -> None:
    rows: Grid = [[None] * 4, [None, None, 1, None], [None] * 4, [None, "　 ", None, " "]]
    for path_of in (write_xlsx, write_xls, write_ods):
        assert values(path_of(tmp_path / "a.dat", rows)) == [[None] * 3, [None, None, 1]]


def test_a_file_without_any_value_is_a_sheet_without_rows(tmp_path: Path) -> None:
    for path_of in (write_xlsx, write_xls, write_ods):
        assert values(path_of(tmp_path / "a.dat", [])) == []
    (tmp_path / "a.csv").write_text(" ,\n", "utf-8")
    assert values(tmp_path / "a.csv") == []


@pytest.mark.parametrize(
    ("row", "column", "name"),
    [(0, 0, "A1"), (4, 10, "K5"), (0, 26, "AA1"), (1_048_575, 16_383, "XFD1048576"), (0, 701, "ZZ1")],
)
def test_a_cell_is_named_as_in_a_spreadsheet(row: int, column: int, name: str) -> None:
    assert cell_name(row, column) == name
    assert grid.column_index(name.rstrip(string.digits)) == column


def test_numbers_have_fifteen_digits_and_whole_ones_are_int(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [[3.0, 0.30000000000000004, 1e15, -2, 123456789012345678, 1e22]])
    (row,) = values(path)
    assert row == [3, 0.3, 10**15, -2, 123456789012346000, 10**22]
    assert [type(value) for value in row] == [int, float, int, int, int, int]


def test_what_is_neither_text_nor_number_keeps_its_type(tmp_path: Path) -> None:
    moment = datetime.datetime(2024, 1, 31, 9, 30)
    row: list[object] = [True, moment.date(), moment, moment.time(), datetime.timedelta(hours=30)]
    write_xlsx(tmp_path / "a.xlsx", [row])
    book = xlwt.Workbook()
    formats = ["General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm", "[h]:mm"]
    sheet = book.add_sheet("Sheet")
    for column, (value, code) in enumerate(zip(row, formats, strict=True)):
        number = 1.25 if isinstance(value, datetime.timedelta) else value
        sheet.write(0, column, number, xlwt.easyxf(num_format_str=code))
    book.save(str(tmp_path / "a.xls"))
    cells = [
        TableCell(valuetype="boolean", booleanvalue="true"),
        TableCell(valuetype="date", datevalue="2024-01-31"),
        TableCell(valuetype="date", datevalue="2024-01-31T09:30:00"),
        TableCell(valuetype="time", timevalue="PT09H30M00S"),
        TableCell(valuetype="time", timevalue="PT30H00M00S"),
    ]
    save_ods(tmp_path / "a.ods", ods_table(cells))
    for suffix in ("xlsx", "xls", "ods"):
        (read,) = values(tmp_path / f"a.{suffix}")
        assert read == row
        assert [type(value) for value in read] == [type(value) for value in row]


def ods_table(*rows: list[TableCell], **options: str) -> Table:
    table = Table(name="Sheet", **options)
    for cells in rows:
        row = TableRow()
        for cell in cells:
            row.addElement(cell)
        table.addElement(row)
    return table


SAFE = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXTS = st.text(SAFE | st.sampled_from("\n\t&<>\"' ,;="), max_size=20).filter(
    lambda text: not re.search("_x[0-9A-Fa-f]{4}_", text)
)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e307, 1e307)
GRIDS = st.lists(st.lists(st.none() | TEXTS | NUMBERS | st.booleans(), max_size=6), max_size=6)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(rows=GRIDS)
def test_any_grid_written_by_openpyxl_reads_back_as_it_is(tmp_path: Path, rows: Grid) -> None:
    book = openpyxl.Workbook()
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            cell = book.active.cell(r + 1, c + 1)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # also what begins with =
    book.save(tmp_path / "a.xlsx")
    expected = grid.rectangle([[documented(value) for value in row] for row in rows])
    for way in ("openpyxl", "Excel", "OpenXML SDK"):
        if way == "Excel":
            shared(tmp_path / "a.xlsx")
        elif way == "OpenXML SDK":
            change(tmp_path / "a.xlsx", SHEET, prefixed)
        read = values(tmp_path / "a.xlsx")
        assert read == expected
        assert [[type(value) for value in row] for row in read] == [
            [type(value) for value in row] for row in expected
        ]


def documented(value: object) -> object:
    """Return what README and design say of a value: the rules of blanks, and of fifteen digits."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float):
        rounded = float(f"{float(f'{value:.16g}'):.15g}")  # openpyxl writes sixteen
        return int(rounded) if rounded == math.floor(rounded) else rounded
    if isinstance(value, int) and not isinstance(value, bool):
        return int(float(f"{value:.15g}"))
    return value


def prefixed(data: bytes) -> bytes:
    """Return sheet XML as the OpenXML SDK writes it, with a prefix, and with a comment."""
    data = re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1x:", data).replace(b" xmlns=", b" xmlns:x=")
    return data.replace(b"<x:sheetData>", b"<!-- <c r='A1'/> --><x:sheetData>")


def shared(path: Path) -> Path:
    """Move the texts of a sheet to the shared strings, where Excel, WPS and LibreOffice keep them."""
    texts: list[bytes] = []

    def move(match: re.Match[bytes]) -> bytes:
        texts.append(match[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    link = f'<Relationship Id="strings" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'.encode()
    change(path, SHEET, lambda data: re.sub(rb't="inlineStr"><is>(.*?)</is>', move, data, flags=re.DOTALL))
    change(path, "xl/_rels/workbook.xml.rels", lambda data: data.replace(b"</Relationships>", link))
    with zipfile.ZipFile(path, "a") as archive:
        items = b"".join(b"<si>%s</si>" % text for text in texts)
        archive.writestr("xl/sharedStrings.xml", b'<sst xmlns="%s">%s</sst>' % (main.encode(), items))
    return path


# Errors, percentages, formulas without results


def special_workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([1, "=A1+1", None, "#DIV/0!", 1.0, 0.125, 0.5, 5, " "])
    sheet["D1"].data_type = "e"
    sheet["E1"].number_format = "0%"
    sheet["F1"].number_format = '0.0%;[Red]-0.0%;"-"'
    sheet["G1"].number_format = '0.0"%"'  # shown as 0.5%, and 0.5 it is
    sheet["H1"].number_format = "General"
    sheet["I1"].number_format = "0%"
    book.save(path)
    return path


def test_errors_percentages_and_uncomputed_formulas_are_not_blanks(tmp_path: Path) -> None:
    row = [1, Uncomputed("=A1+1"), None, CellError("#DIV/0!"), Percentage(1.0), Percentage(0.125), 0.5, 5]
    path = special_workbook(tmp_path / "a.xlsx")
    assert values(path) == [row]
    assert values(change(path, SHEET, prefixed)) == [row]


def test_xls_tells_errors_and_percentages(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    sheet.write(0, 0, 1.0, xlwt.easyxf(num_format_str="0%"))
    sheet.row(0).set_cell_error(1, 0x07)
    sheet.write(0, 2, 0.5, xlwt.easyxf(num_format_str='0.0"%"'))
    book.save(str(tmp_path / "a.xls"))
    assert values(tmp_path / "a.xls") == [[Percentage(1.0), CellError("#DIV/0!"), 0.5]]


def test_ods_tells_errors_percentages_and_uncomputed_formulas(tmp_path: Path) -> None:
    error = TableCell(formula="of:=1/0", valuetype="string", stringvalue="")
    error.addElement(P(text="#DIV/0!"))
    cells = [TableCell(valuetype="percentage", value=1), error, TableCell(formula="of:=[.A1]+1"), TableCell()]
    empty = TableCell(formula='of:=""', valuetype="string", stringvalue="")
    last = TableCell(valuetype="currency", value="2.50", currency="CNY")
    path = save_ods(tmp_path / "a.ods", ods_table([*cells, empty, last]))
    assert values(path) == [
        [Percentage(1.0), CellError("#DIV/0!"), Uncomputed("=[.A1]+1"), None, None, 2.5]
    ]  # fmt: skip


def test_a_formula_without_a_result_is_a_blank_in_an_ods_of_libreoffice(tmp_path: Path) -> None:
    table = ods_table([TableCell(valuetype="float", value=1), TableCell(formula='of:=""')])
    path = save_ods(tmp_path / "a.ods", table)
    assert values(path) == [[1, Uncomputed('=""')]]
    change(path, "meta.xml", lambda data: re.sub(rb"ODFPY/[^<]*", b"LibreOffice/7.4$Linux", data))
    assert values(path) == [[1]]


def test_a_formula_with_a_result_is_its_result(tmp_path: Path) -> None:
    cells = (
        '<row r="9"><c r="A9"><f>1+1</f><v>2</v></c><c r="B9" t="str"><f>""</f><v></v></c>'
        '<c r="C9" t="str"><f>"a"</f><v>a</v></c><c r="D9" t="e"><f>1/0</f><v>#N/A</v></c>'
        '<c r="E9"><f t="shared" si="0"/><v>0</v></c><c r="F9"><f>"&lt;"&amp;1</f><v/></c>'
        '<c r="G9" t="b"><f>TRUE()</f><v>1</v></c><c r="H9" s="0"/></row>'
    )
    last = values(with_cells(tmp_path / "a.xlsx", cells))[8]
    assert last == [2, None, "a", CellError("#N/A"), 0, Uncomputed('="<"&1'), True]


def test_zeros_of_a_program_that_does_not_calculate_are_no_results(tmp_path: Path) -> None:
    zeros = '<row r="9"><c r="A9"><f>B9+1</f><v>0</v></c><c r="B9"><v>0</v></c></row>'
    path = with_cells(tmp_path / "a.xlsx", zeros)  # openpyxl asks for a calculation on opening
    assert values(path)[8][:2] == [Uncomputed("=B9+1"), 0]
    calculated = zeros + '<row r="10"><c r="A10"><f>1</f><v>1</v></c></row>'
    assert values(with_cells(tmp_path / "b.xlsx", calculated))[8][:2] == [0, 0]
    silent = change(path, "xl/workbook.xml", lambda data: data.replace(b'fullCalcOnLoad="1"', b""))
    assert values(silent)[8][:2] == [0, 0]


def test_a_row_of_nothing_but_uncomputed_formulas_is_there(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [[None, None], [None, "=1"], [2], [None, None, "=3"]])
    assert values(path) == [
        [None] * 3,
        [None, Uncomputed("=1"), None],
        [2, None, None],
        [None, None, Uncomputed("=3")],
    ]
    assert values(write_xlsx(path, [[], ["=1"]])) == [[None], [Uncomputed("=1")]]


def test_an_infinite_number_is_an_error(tmp_path: Path) -> None:
    path = with_cells(tmp_path / "a.xlsx", '<row r="9"><c r="A9"><v>1e999</v></c></row>')
    assert values(path)[8][0] == CellError("#NUM!")


# Names, hidden sheets, merged ranges


def test_sheets_keep_their_order_names_and_whether_they_are_hidden(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "表一 & 表二"
    book.create_chartsheet("图")
    book.create_sheet("隐藏").sheet_state = "hidden"
    book.create_sheet("深藏").sheet_state = "veryHidden"
    book.save(tmp_path / "a.xlsx")
    expected = [("表一 & 表二", False), ("隐藏", True), ("深藏", True)]
    assert [(sheet.name, sheet.hidden) for sheet in read_sheets(tmp_path / "a.xlsx")] == expected
    old = xlwt.Workbook()
    old.add_sheet("表一 & 表二")
    old.add_sheet("隐藏").visibility = 1
    old.add_sheet("深藏").visibility = 2
    old.save(str(tmp_path / "a.xls"))
    assert [(sheet.name, sheet.hidden) for sheet in read_sheets(tmp_path / "a.xls")] == expected


def test_a_hidden_sheet_of_an_ods_is_hidden(tmp_path: Path) -> None:
    document = OpenDocumentSpreadsheet()
    style = Style(name="ta2", family="table")
    style.addElement(TableProperties(display="false"))
    document.automaticstyles.addElement(style)
    document.spreadsheet.addElement(Table(name="一"))
    document.spreadsheet.addElement(Table(name="二", stylename=style))
    document.save(str(tmp_path / "a.ods"))
    assert [(s.name, s.hidden) for s in read_sheets(tmp_path / "a.ods")] == [("一", False), ("二", True)]


def test_merged_ranges_are_told_also_beyond_the_last_value(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "标题"
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("E2:F30")
    book.save(tmp_path / "a.xlsx")
    assert only(tmp_path / "a.xlsx").merged == ((0, 0, 0, 2), (1, 4, 29, 5))
    change(tmp_path / "a.xlsx", SHEET, prefixed)
    assert only(tmp_path / "a.xlsx").merged == ((0, 0, 0, 2), (1, 4, 29, 5))
    old = xlwt.Workbook()
    old.add_sheet("一").write_merge(0, 0, 0, 2, "标题")
    old.save(str(tmp_path / "a.xls"))
    assert only(tmp_path / "a.xls").merged == ((0, 0, 0, 2),)
    title = TableCell(valuetype="string", numbercolumnsspanned=3)
    title.addElement(P(text="标题"))
    save_ods(tmp_path / "a.ods", ods_table([title, CoveredTableCell(numbercolumnsrepeated=2)]))
    assert only(tmp_path / "a.ods") == Sheet("Sheet", [["标题"]], ((0, 0, 0, 2),))


def test_the_text_of_an_ods_cell_is_its_paragraphs_without_its_comment(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "a.ods", [["x"]])
    text = (
        "<text:p>甲<text:s text:c='2'/>乙<text:span> 丙</text:span><text:line-break/>丁</text:p><text:p/>"
        "<office:annotation><text:p>批注</text:p></office:annotation><text:p>戊</text:p>"
    ).encode()
    change(path, "content.xml", lambda data: data.replace(b"<text:p>x</text:p>", text))
    assert values(path) == [["甲  乙 丙\n丁\n\n戊"]]


def test_rich_text_is_joined_and_its_phonetics_left_out(tmp_path: Path) -> None:
    inline = (
        '<row r="9"><c r="A9" t="inlineStr"><is><r><t>年度</t></r><r><t>报告</t></r>'
        '<rPh sb="0" eb="1"><t>nián</t></rPh></is></c></row>'
    )
    path = with_cells(tmp_path / "a.xlsx", inline)
    assert values(path)[8][0] == "年度报告"
    assert values(change(path, SHEET, prefixed))[8][0] == "年度报告"


# Unusual XML of sheets


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: re.sub(rb' r="[A-Z]*\d+"', b"", data),
        lambda data: data.replace(b'"', b"'"),
        lambda data: data.replace(b"<c r=", b"<c\n r="),
        lambda data: data.replace(b"<v>", b"<v><![CDATA[").replace(b"</v>", b"]]></v>"),
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b"><", b">\n  <"),
    ],
    ids=["no addresses", "apostrophes", "line breaks", "CDATA", "UTF-16", "indented"],
)
def test_a_sheet_reads_the_same_however_its_xml_is_written(
    tmp_path: Path, edit: Callable[[bytes], bytes]
) -> None:
    rows: Grid = [[1, 2.5, "甲 & 乙"], [None, None, None], [True, None, 4]]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    full = change(path, SHEET, filled_rows)
    assert values(change(full, SHEET, edit)) == rows


def filled_rows(data: bytes) -> bytes:
    """Return sheet XML with a cell for every blank, so that addresses can be left out."""
    return data.replace(b'<c r="C3"', b'<c r="B3"/><c r="C3"')


def test_a_workbook_of_the_strict_kind_reads_like_any_other(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", TABLE)
    old, new = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    for part in (SHEET, "xl/workbook.xml", "_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/styles.xml"):
        change(
            path,
            part,
            lambda data: data.replace(old + b"office", new + b"office").replace(
                old + b"spread", new + b"spread"
            ),
        )
    assert values(path) == TABLE


def test_a_sheet_with_impossible_addresses_is_refused(tmp_path: Path) -> None:
    for address in ("XFE1", "A1048577", "ZZZZZZZ1", "A99999999999", "A0", "1A"):
        path = with_cells(tmp_path / "a.xlsx", f'<row r="9"><c r="{address}"><v>1</v></c></row>')
        with pytest.raises(InputError):
            read_sheets(path)


# Stray cells


SPACE = '<row r="1048576"><c r="{}" t="inlineStr"><is><t xml:space="preserve"> </t></is></c></row>'
VALUE = '<row r="1048576"><c r="{}"><v>7</v></c></row>'


def measured(path: Path) -> str:
    """Return what another process says of a file, within a minute of its time and 400 MB of its memory."""
    program = (
        "import sys; from pathlib import Path; from nianbao.readers.sheets import read_sheets\n"
        "from nianbao.errors import InputError\n"
        "try: print([(len(s.rows), sum(1 for _ in s.rows)) for s in read_sheets(Path(sys.argv[1]))])\n"
        "except InputError as error: print(error)"
    )

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))

    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program, str(path)],
        capture_output=True, check=False, encoding="utf-8",
        preexec_fn=None if os.name == "nt" else limit,
        env={**os.environ, "PYTHONPATH": str(Path(grid.__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("address", ["GZ1048576", "XFD1048576"])
def test_a_stray_space_is_ignored_at_no_cost(tmp_path: Path, address: str) -> None:
    path = with_cells(tmp_path / "a.xlsx", SPACE.format(address))
    assert measured(path) == "[(4, 4)]"
    assert values(path) == TABLE
    styled = with_cells(tmp_path / "b.xlsx", f'<row r="1048576"><c r="{address}" s="0"/></row>')
    assert values(styled) == TABLE


@pytest.mark.parametrize("address", ["GZ1048576", "XFD1048576"])
def test_a_stray_value_is_named(tmp_path: Path, address: str) -> None:
    path = with_cells(tmp_path / "报表.xlsx", VALUE.format(address))
    message = (
        f"报表.xlsx：工作表“Sheet”的{address}单元格有内容，离表格太远，请删除多余的单元格后保存，再重新运行"
    )
    assert measured(path) == message
    change(path, SHEET, prefixed)
    assert measured(path) == message
    formula = with_cells(tmp_path / "报表.xlsx", f'<row r="1048576"><c r="{address}"><f>A1</f></c></row>')
    assert measured(formula) == message


def test_a_stray_space_among_the_shared_strings_is_ignored(tmp_path: Path) -> None:
    def with_stray(index: int) -> Path:
        cell = f'<row r="1048576"><c r="XFD1048576" t="s"><v>{index}</v></c></row></sheetData>'.encode()
        path = shared(write_xlsx(tmp_path / "a.xlsx", [["甲局", "\u3000 "]]))
        return change(path, SHEET, lambda data: data.replace(b"</sheetData>", cell))

    assert values(with_stray(1)) == [["甲局"]]
    with pytest.raises(InputError, match="XFD1048576单元格有内容"):
        read_sheets(with_stray(0))


def test_only_the_stray_cell_of_a_long_table_is_named(tmp_path: Path) -> None:
    rows: Grid = [[f"单位{r}", *range(20)] for r in range(3000)]
    path = with_cells(tmp_path / "a.xlsx", '<row r="3001"><c r="BZZ3001"><v>7</v></c></row>', rows)
    with pytest.raises(InputError, match="的BZZ3001单元格有内容"):
        read_sheets(path)
    path = with_cells(tmp_path / "a.xlsx", '<row r="900000"><c r="C900000"><v>7</v></c></row>', rows)
    with pytest.raises(InputError, match="的C900000单元格有内容"):
        read_sheets(path)
    path = with_cells(tmp_path / "a.xlsx", SPACE.format("XFD1048576"), rows)
    assert values(path) == rows


def test_a_stray_cell_of_an_xls_is_ignored_or_named(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("表三")
    sheet.write(0, 0, 1)
    sheet.write(65535, 255, " ")
    book.save(str(tmp_path / "a.xls"))
    assert measured(tmp_path / "a.xls") == "[(1, 1)]"
    sheet.write(65534, 255, 7)
    book.save(str(tmp_path / "a.xls"))
    assert "“表三”的IV65535单元格有内容" in measured(tmp_path / "a.xls")


def test_repeated_cells_of_an_ods_cost_nothing(tmp_path: Path) -> None:
    def table(value: TableCell) -> Table:
        table = ods_table([TableCell(valuetype="float", value=1)])
        row = TableRow(numberrowsrepeated=1_048_575)
        row.addElement(TableCell(numbercolumnsrepeated=16_383))
        table.addElement(row)
        last = TableRow(numberrowsrepeated=7)
        last.addElement(value)
        table.addElement(last)
        return table

    blank = TableCell(valuetype="string", numbercolumnsrepeated=1_048_576)
    blank.addElement(P(text=""))
    assert measured(save_ods(tmp_path / "a.ods", table(blank))) == "[(1, 1)]"
    row = TableRow(numberrowsrepeated=1_048_576)
    row.addElement(TableCell(valuetype="float", value=1, numbercolumnsrepeated=16_384))
    full = Table(name="表三")
    full.addElement(row)
    assert "大得不正常" in measured(save_ods(tmp_path / "a.ods", full))


def test_a_value_at_the_end_of_an_ods_is_named(tmp_path: Path) -> None:
    row = TableRow(numberrowsrepeated=1_048_575)
    row.addElement(TableCell())
    table = ods_table([TableCell(valuetype="float", value=1)])
    table.addElement(row)
    last = TableRow()
    last.addElement(TableCell(numbercolumnsrepeated=16_383))
    last.addElement(TableCell(valuetype="float", value=1))
    table.childNodes[-1] = TableRow(numberrowsrepeated=1_048_574)
    table.childNodes[-1].addElement(TableCell())
    table.addElement(last)
    assert "“Sheet”的XFD1048576单元格有内容" in measured(save_ods(tmp_path / "a.ods", table))


# Large sheets


def test_a_sheet_too_large_to_be_read_at_once_is_read_in_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nianbao.readers.sheets.xlsx.PLAIN_AREA", 100)
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_windows._WINDOW", 2000)
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_cells.BLOCK", 500)
    rows: Grid = [[None, r, f"单位{r % 7}", r / 8, None] if r % 50 else [None] * 5 for r in range(400)]
    rows[7][4], rows[120][4], rows[399][4] = "=1", "=B2", True
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.active["D4"].number_format = "0%"
    book.save(tmp_path / "a.xlsx")
    rows[7][4], rows[120][4], rows[3][3] = Uncomputed("=1"), Uncomputed("=B2"), Percentage(0.375)
    expected = [[grid.plain(value) for value in row] for row in rows]
    (sheet,) = read_xlsx(tmp_path / "a.xlsx")
    assert isinstance(sheet.rows, WindowedRows)
    assert len(sheet.rows) == 400
    assert list(sheet.rows) == expected
    assert [sheet.rows[at] for at in range(400)] == expected
    assert [sheet.rows[at] for at in (399, 0, 250, 3, 249, -1)] == [
        expected[at] for at in (399, 0, 250, 3, 249, -1)
    ]
    assert sheet.rows[390:] == expected[390:]
    assert list(islice(sheet.rows, 3)) == expected[:3]
    with pytest.raises(IndexError):
        sheet.rows[400]


def test_rows_out_of_order_are_refused_where_they_cannot_be_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nianbao.readers.sheets.xlsx.PLAIN_AREA", 1)
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_windows._WINDOW", 100)
    monkeypatch.setattr("nianbao.readers.sheets.xlsx_cells.BLOCK", 200)
    path = write_xlsx(tmp_path / "a.xlsx", [[r] * 9 for r in range(50)])
    change(path, SHEET, lambda data: re.sub(rb'r="([A-Z]*)40"', rb'r="\g<1>3"', data))
    with pytest.raises(InputError, match="已损坏"):
        list(only(path).rows)


# Delimited text


def test_a_sep_line_states_the_delimiter_and_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"sep=;\r\na;1,5\r\nb;2,5\r\n")
    assert values(tmp_path / "a.csv") == [["a", "1,5"], ["b", "2,5"]]


def test_a_delimiter_within_quotes_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('名称;说明\n"甲,乙,丙";"一\n,二"\n"丁,戊,己";三\n', "utf-8")
    assert values(tmp_path / "a.csv") == [["名称", "说明"], ["甲,乙,丙", "一\n,二"], ["丁,戊,己", "三"]]


def test_lines_of_a_title_before_the_table_do_not_hide_the_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("某市登记表\n\n单位\t新收\n甲局\t1\n乙局\t2\n", "utf-8")
    assert values(tmp_path / "a.csv") == [
        ["某市登记表", None],
        [None, None],
        ["单位", "新收"],
        ["甲局", "1"],
        ["乙局", "2"],
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a,b\0c\n1,2\n", "空字符"),
        ("甲,1\n乙,2\n丙".encode("utf-16-le"), "空字符"),
        (b"a,b\n\x81\xff,2\n", "文字编码无法识别"),
        ("甲局年度报告情况说明,1\n".encode() * 20 + b"\xe4\xff,2\n", "文字编码无法识别"),
        ('a,b\n1,"没有结束\n2,3\n'.encode(), "第2条记录引号不成对"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "第2条记录有一格长得不正常"),
        (b"a,b\n" * 3000 + b"," * 5000 + b"\n", "第3001条记录有5001格，远多于其他各行"),
    ],
)
def test_delimited_text_that_makes_no_sense_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "登记表.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"登记表.csv：.*{sentence}"):
        read_sheets(path)


# Broken and hostile files


def broken_copies(data: bytes) -> list[bytes]:
    """Return a file cut off at many places, and with one byte changed at many places."""
    size = len(data)
    cut = [data[: size * n // 12] for n in range(1, 12)]
    flipped = []
    for n in range(60):
        at = size * n // 60 + 5
        flipped.append(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
    return cut + flipped


@pytest.mark.parametrize("path_of", [write_xlsx, write_xls, write_ods], ids=["xlsx", "xls", "ods"])
def test_a_damaged_file_reads_or_is_refused_in_one_sentence(
    tmp_path: Path, path_of: Callable[[Path, Grid], Path]
) -> None:
    data = path_of(tmp_path / "a.dat", TABLE).read_bytes()
    messages = []
    for copy in broken_copies(data):
        (tmp_path / "a.dat").write_bytes(copy)
        try:
            read_sheets(tmp_path / "a.dat")
        except InputError as error:
            messages.append(error.message)
    assert len(messages) > 11
    assert all(re.fullmatch("a.dat：.*", message) for message in messages)


@pytest.mark.parametrize(
    "part", ["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/styles.xml", SHEET]
)
def test_a_workbook_whose_part_is_no_xml_is_refused(tmp_path: Path, part: str) -> None:
    path = change(write_xlsx(tmp_path / "a.xlsx", TABLE), part, lambda _: b"\x89PNG")
    if part == "[Content_Types].xml":
        assert values(path) == TABLE  # nobody reads it
    else:
        with pytest.raises(InputError, match="已损坏或不完整"):
            read_sheets(path)


def test_a_workbook_without_its_sheet_or_its_strings_is_refused(tmp_path: Path) -> None:
    for missing in (SHEET, "xl/_rels/workbook.xml.rels"):
        path = write_xlsx(tmp_path / "a.xlsx", TABLE)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist() if name != missing}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in parts.items():
                archive.writestr(name, data)
        with pytest.raises(InputError, match="已损坏或不完整"):
            read_sheets(path)
    dangling = '<row r="9"><c r="A9" t="s"><v>999</v></c></row>'
    with pytest.raises(InputError, match="已损坏或不完整"):
        read_sheets(with_cells(tmp_path / "a.xlsx", dangling))


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "_rels/.rels"])
def test_a_workbook_with_a_dtd_is_refused(tmp_path: Path, part: str) -> None:
    def declare(data: bytes) -> bytes:
        return LAUGHS + data[data.index(b"?>") + 2 if data.startswith(b"<?") else 0 :]

    with pytest.raises(InputError, match="DTD"):
        read_sheets(change(write_xlsx(tmp_path / "a.xlsx", TABLE), part, declare))


def test_an_ods_with_a_dtd_is_refused(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "a.ods", TABLE)
    with pytest.raises(InputError, match="DTD"):
        read_sheets(change(path, "content.xml", lambda data: LAUGHS + data[data.index(b"?>") + 2 :]))


@pytest.mark.parametrize("part", [SHEET, "xl/styles.xml", "[Content_Types].xml"])
def test_a_zip_bomb_is_refused(tmp_path: Path, part: str) -> None:
    path = change(write_xlsx(tmp_path / "a.xlsx", TABLE), part, lambda data: data + b" " * (20 << 20))
    with pytest.raises(InputError, match="解压后大得不正常"):
        read_sheets(path)


def test_a_text_repeated_until_it_fills_the_memory_is_refused(tmp_path: Path) -> None:
    path = shared(write_xlsx(tmp_path / "a.xlsx", [["一" * 30_000]]))
    cells = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(2, 20_000))
    change(path, SHEET, lambda data: data.replace(b"</sheetData>", cells.encode() + b"</sheetData>"))
    assert "大得不正常" in measured(path)
    spaces = b"<text:p>" + b"<text:s text:c='32000'/>" * 10_000 + b"</text:p>"
    change(
        write_ods(tmp_path / "a.ods", [["x"]]),
        "content.xml",
        lambda d: d.replace(b"<text:p>x</text:p>", spaces),
    )
    assert "大得不正常" in measured(path)


def test_a_part_larger_than_the_directory_says_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", TABLE)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size
    data = path.read_bytes()
    at = data.rindex(SHEET.encode()) - 46 + 24  # the size in the central directory
    assert int.from_bytes(data[at : at + 4], "little") == size
    path.write_bytes(data[:at] + (size - 20).to_bytes(4, "little") + data[at + 4 :])
    with pytest.raises(InputError, match="已损坏或不完整"):
        read_sheets(path)


def test_an_xls_with_a_password_is_refused(tmp_path: Path) -> None:
    path = write_xls(tmp_path / "a.xls", TABLE)
    data = path.read_bytes()
    start = data.index(b"\x09\x08\x10\x00")  # BOF; the record after it becomes FILEPASS
    after = start + 20
    path.write_bytes(data[:after] + b"\x2f\x00" + data[after + 2 :])
    with pytest.raises(InputError, match="文件有密码"):
        read_sheets(path)


def test_reading_imports_no_library_before_it_is_needed() -> None:
    program = (
        "import sys, nianbao.readers.sheets; "
        "print([m for m in ('python_calamine', 'openpyxl', 'xlrd') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(grid.__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("登记")
    for r in range(100_000):
        sheet.append([f"单位{r}", *range(60)])
    book.save(tmp_path / "a.xlsx")
    assert measured(tmp_path / "a.xlsx") == "[(100000, 100000)]"


def test_line_breaks_survive(tmp_path: Path) -> None:
    cell = TableCell(valuetype="string")
    paragraph = P(text="甲")
    paragraph.addElement(LineBreak())
    paragraph.addElement(S(c=2))
    paragraph.addText("乙")
    cell.addElement(paragraph)
    assert values(save_ods(tmp_path / "a.ods", ods_table([cell]))) == [["甲\n  乙"]]
    assert values(write_xlsx(tmp_path / "a.xlsx", [["甲\n  乙"]])) == [["甲\n  乙"]]
