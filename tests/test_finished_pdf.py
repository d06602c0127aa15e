"""PDFs: tables over pages, numbers that wrap, tables without lines, pages without text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import consistent_report
from documents import figures_of, printed, read_one
from drawn_pdf import Drawing, drawn_report
from nianbao.errors import InputError
from nianbao.layout import Cell
from nianbao.pack import Pack
from nianbao.readers.documents.pdf import read_pdf
from nianbao.report import Report, exchanged


@pytest.fixture(scope="module")
def data(pack: Pack) -> dict[str, Any]:
    data = consistent_report(pack, 21)
    data["introduction"] = "本报告由测试区某局编制，数据统计期限为全年。" * 6
    data["problems"] = "一是公开的内容还不够及时。\n二是" + "解读的形式还比较单一，" * 20 + "下一步将改进。"
    return data


def read_drawn(content: bytes, pack: Pack, folder: Path) -> Report:
    path = folder / "报告.pdf"
    path.write_bytes(content)
    return read_one(path, pack)


def test_a_pdf_reads_to_the_same_data(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    report = read_drawn(drawn_report(data, pack), pack, tmp_path)
    assert exchanged(report.data) == printed(data, pack)
    assert report.findings == ()


@pytest.mark.parametrize("cut", [4, 9, 15, 17, 20, 24, 27])
def test_a_table_over_two_pages_is_one_table_wherever_it_is_cut(
    cut: int, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    report = read_drawn(drawn_report(data, pack, cuts={1: 6, 2: cut}), pack, tmp_path)
    assert figures_of(exchanged(report.data), pack) == figures_of(printed(data, pack), pack)
    assert report.findings == ()
    pages = {report.where(path).page for path in pack.fields.required_numbers if path.startswith("requests.")}
    assert len(pages) == 2


def test_a_number_that_wraps_in_its_cell_is_one_number(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = "requests.new.total"
    report = read_drawn(
        drawn_report(data, pack, change=lambda c, t: "123456789012" if path in c.fields else t),
        pack,
        tmp_path,
    )
    assert report.value(path) == 123456789012


def test_figures_of_tables_without_lines_are_read_and_marked(pack: Pack, tmp_path: Path) -> None:
    data = consistent_report(pack, 21, largest=5)
    report = read_drawn(drawn_report(data, pack, lines=False), pack, tmp_path)
    assert {f.rule for f in report.findings} == {"STREAM"}
    assert figures_of(exchanged(report.data), pack) == figures_of(printed(data, pack), pack)


def test_a_number_that_wraps_where_there_are_no_lines_is_an_error_and_not_two_numbers(
    pack: Pack, tmp_path: Path
) -> None:
    def change(cell: Cell, text: str) -> str:
        return "1408" if "requests.new.total" in cell.fields else text

    content = drawn_report(consistent_report(pack, 21, largest=5), pack, lines=False, change=change)
    report = read_drawn(content, pack, tmp_path)
    assert set(report.data["requests"]["new"].values()) == {None}
    assert [f.field for f in report.findings if f.severity == "error"] == ["requests.new"]


def test_a_misspelt_label_of_a_pdf_has_its_page_and_box(
    data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    def change(cell: Cell, text: str) -> str:
        return "7.属于执法案卷" if text == "7.属于行政执法案卷" else text

    (finding,) = read_drawn(drawn_report(data, pack, change=change), pack, tmp_path).findings
    assert finding.rule == "LABEL"
    assert finding.where.page
    assert finding.where.box


def test_a_scan_says_what_to_do(pack: Pack, tmp_path: Path) -> None:
    drawing = Drawing(pages=[["q 500 0 0 700 50 50 cm", "BI /W 1 /H 1 /BPC 8 /CS /G ID A EI", "Q"]])
    with pytest.raises(InputError, match=r"扫描件.*OCR"):
        read_drawn(drawing.bytes(), pack, tmp_path)


def test_a_page_without_text_among_others_is_named(data: dict[str, Any], pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "报告.pdf"
    path.write_bytes(drawn_report(data, pack, scanned=2))
    document = read_pdf(path)
    (finding,) = document.findings
    assert (finding.rule, finding.where.page) == ("SCANNED-PAGE", 2)
