"""What goes into a document comes out of it: figures, texts, properties, bytes."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import consistent_report
from nianbao.fields import lookup, place_value
from nianbao.pack import Pack
from nianbao.pipeline import check, render, report_from_data
from nianbao.rendering.template import compile_template
from nianbao.values import ILLEGAL

# Everything that XML 1.0 can hold, the signs of the template language and of markup often.
LEGAL = st.one_of(
    st.characters(exclude_categories=("Cs",)).filter(lambda c: not ILLEGAL.match(c) and c != "\r"),
    st.sampled_from("&<>\"'{}%#“”‘’\t \n　；：\U0001f600\u2028\u200b"),
    st.sampled_from(["{{", "}}", "{%", "%}", "{_{", "{{ agency }}", "{%p if %}", "&amp;", "]]>", "<w:t>"]),
)
TEXT = st.lists(LEGAL, min_size=1, max_size=60).map("".join).filter(lambda t: t.strip())


def document(data: dict[str, Any], pack: Pack) -> Any:
    return Document(io.BytesIO(render(report_from_data(data, pack), pack)))


def section(doc: Any, start: str, end: str) -> list[str]:
    """The paragraphs between two headings."""
    texts = [p.text for p in doc.paragraphs]
    return texts[texts.index(start) + 1 : texts.index(end)]


def minimal(pack: Pack, **texts: str) -> dict[str, Any]:
    data = consistent_report(pack, 1)
    return {**data, **texts}


@settings(max_examples=120, deadline=None)
@given(text=TEXT)
def test_any_text_that_xml_can_hold_comes_out_as_it_went_in(pack: Pack, text: str) -> None:
    doc = document(minimal(pack, problems=text), pack)
    found = section(doc, "五、存在的主要问题及改进情况", "六、其他需要报告的事项")
    assert "\n".join(found) == text


@settings(max_examples=60, deadline=None)
@given(text=TEXT, bad=st.sampled_from("\x00\x01\x0b\x0c\x1f\ufffe\uffff\ud800\udfff"), at=st.integers(0, 60))
def test_a_text_that_xml_cannot_hold_is_a_finding_that_names_the_field(
    pack: Pack, text: str, bad: str, at: int
) -> None:
    result = check(report_from_data(minimal(pack, problems=text[:at] + bad + text[at:]), pack), pack)
    assert [(f.rule, f.field) for f in result.findings if f.severity == "error"] == [("VALUE", "problems")]
    assert f"U+{ord(bad):04X}" in result.findings[0].message


def test_windows_line_ends_are_paragraphs(pack: Pack) -> None:
    doc = document(minimal(pack, problems="一\r\n二\r三\n四"), pack)
    assert section(doc, "五、存在的主要问题及改进情况", "六、其他需要报告的事项") == ["一", "二", "三", "四"]


@pytest.mark.parametrize("template", ["report.docx", "official.docx"])
def test_every_figure_stands_in_its_cell(pack: Pack, template: str) -> None:
    data = consistent_report(pack, 7)
    numbers = random.Random(3).sample(range(10**6), len(pack.fields.numbers))
    for field, number in zip(pack.fields.numbers, numbers, strict=True):
        place_value(data, field.path, f"{number}.25" if field.kind == "amount" else number)
    compiled = compile_template(pack.sources[template], template)
    doc = Document(io.BytesIO(render(report_from_data(data, pack), pack, compiled)))
    for grid, table in zip(compiled.layout.grids, doc.tables, strict=True):
        for path, cell in grid.field_cells.items():
            assert table.cell(cell.row, cell.column).text == str(lookup(data, path)), path


def test_headings_of_topics_without_text_are_not_printed(pack: Pack) -> None:
    data = minimal(pack)
    data["overview"] = {"preamble": "总述。", "platform": {"text": "平台。"}}
    doc = document(data, pack)
    assert section(doc, "一、总体情况", "二、主动公开政府信息情况") == [
        "总述。",
        "（四）政府信息公开平台建设",
        "平台。",
    ]


def test_notes_stand_in_their_cells_and_below_their_tables(pack: Pack) -> None:
    data = minimal(pack)
    data["notes"] = {"disclosure.government_rules.issued": "其中修订1件", "requests": "含上年度案件"}
    doc = document(data, pack)
    issued = lookup(data, "disclosure.government_rules.issued")
    assert doc.tables[0].cell(2, 1).text == f"{issued}（其中修订1件）"
    assert "注：含上年度案件" in [p.text for p in doc.paragraphs]


def test_core_properties_are_the_reports_own(pack: Pack) -> None:
    properties = document(minimal(pack), pack).core_properties
    assert (properties.author, properties.title) == ("测试区某局", "测试区某局2023年政府信息公开工作年度报告")
    assert str(properties.created) == str(properties.modified) == "2024-01-31 00:00:00+00:00"


def test_equal_input_gives_equal_bytes_and_a_sound_package(pack: Pack) -> None:
    first, second = (render(report_from_data(minimal(pack), pack), pack) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert package.testzip() is None
        assert package.namelist()[0] == "[Content_Types].xml"


def test_an_amount_prints_with_the_decimals_that_were_given(pack: Pack) -> None:
    data = minimal(pack)
    data["disclosure"]["administrative_fees"]["amount"] = "163.8908"
    assert document(data, pack).tables[0].cell(13, 1).text == "163.8908"


def test_a_blank_figure_prints_nothing(pack: Pack) -> None:
    data = minimal(pack)
    data["requests"]["new"]["natural_person"] = None
    assert document(data, pack).tables[1].cell(3, 3).text == ""
