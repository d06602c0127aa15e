"""The web page of a report: the text of its .docx, filled as it is converted, readable by everyone."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import html5lib
import pytest
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.table import Table
from docxtpl import InlineImage, RichText
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from conftest import consistent_report
from nianbao.errors import RenderError
from nianbao.fields import lookup
from nianbao.outputs.docx import Properties
from nianbao.outputs.html import Pages, render_html
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import render, report_from_data
from nianbao.rendering.context import template_context
from nianbao.rendering.template import CompiledTemplate, compile_template
from nianbao.values import ILLEGAL

TEMPLATES = ("report.docx", "official.docx")
WAYS = [(fragment, marked) for fragment in (False, True) for marked in (False, True)]
NOBODY = Properties("", "", "", "2024-01-31T00:00:00Z")
TEXT = st.text(st.characters(exclude_categories=("Cs",)).filter(lambda c: not ILLEGAL.match(c)), max_size=30)
HARD = st.one_of(
    TEXT,
    st.sampled_from(
        [
            *(
                "",
                " ",
                "甲\t乙",
                "a\nb",
                "\n",
                "a & <b> \"'",
                "{{ x }} {% y %} {_{",
                "\r\n",
                "\U000f0001\U0010fffd",
            ),
            *(
                "\U0010fffc0f0001",
                "\U00100001\U0010e000\U0010fffb",
                "👍  两个空格 ",
                "</p><script>alert(1)</script>",
            ),
        ]
    ),
)


TEXTS = st.lists(HARD, min_size=3, max_size=3)


@cache
def the_pack() -> Pack:
    """The pack, where hypothesis would print all of a fixture."""
    return load_pack("cn-ogi/2021")


@cache
def the_pages(name: str) -> Pages:
    return Pages(compile_template(the_pack().sources[name], name))


def parsed(html: str, strict: bool = True) -> etree._Element:
    """The tree of a page; a mistake in its syntax is an error."""
    builder = html5lib.getTreeBuilder("lxml")
    parser = html5lib.HTMLParser(builder, strict=strict, namespaceHTMLElements=False)
    head = "" if html.startswith("<!DOCTYPE") else "<!DOCTYPE html><title>x</title>"
    return parser.parse(head + html).getroot()


def text_of(element: etree._Element) -> str:
    """What an element says, breaks as line breaks."""
    text = element.text or ""
    for child in element:
        text += ("\n" if child.tag == "br" else text_of(child)) + (child.tail or "")
    return text


def page_text(html: str, strict: bool = True) -> list[str]:
    """The paragraphs and cells of a page, in order."""
    blocks = parsed(html, strict).iter("p", "h1", "h2", "h3", "h4", "td", "th")
    return [text_of(block) for block in blocks]


def docx_text(docx: bytes) -> list[str]:
    """The paragraphs and cells of a Word file, in order; merged cells once."""
    lines: list[str] = []
    for block in Document(io.BytesIO(docx)).iter_inner_content():
        if not isinstance(block, Table):
            lines.append(block.text)
            continue
        for row in block._tbl.tr_lst:
            for tc in row.tc_lst:
                if tc.vMerge != "continue":
                    lines.append("\n".join("".join(_runs(p)) for p in tc.p_lst))
    return lines


def _runs(paragraph: Any) -> Iterator[str]:
    for run in paragraph.iter(qn("w:r")):
        yield run.text


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def docx(*paragraphs: str, style: str | None = None) -> CompiledTemplate:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text, style)
    return compile_template(saved(document), "t")


def body(template: CompiledTemplate, context: dict[str, Any], marked: bool = False) -> str:
    return Pages(template).convert(context, False, marked)[0]


@pytest.fixture(scope="module")
def templates(pack: Pack) -> dict[str, CompiledTemplate]:
    return {name: compile_template(pack.sources[name], name) for name in TEMPLATES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_page_says_what_the_docx_says_for_every_example(
    pack: Pack, examples: list[dict[str, Any]], templates: dict[str, CompiledTemplate], name: str
) -> None:
    for data in examples:
        report = report_from_data(data, pack)
        expected = docx_text(render(report, pack, templates[name]))
        for fragment, marked in WAYS:
            html = render_html(report, pack, template=templates[name], fragment=fragment, marked=marked)
            assert page_text(html) == expected


def hard_data(pack: Pack, texts: list[str]) -> dict[str, Any]:
    data = consistent_report(pack, 7)
    first, second, third = texts
    items = [{"heading": first, "text": third}, {"text": second}, {"heading": third, "text": ""}]
    return {
        **data,
        "agency": f"某{first}局",
        "introduction": second,
        "problems": third,
        "notes": {"requests": first, "requests.new.total": second},
        "overview": {**data["overview"], "additional": items},
        "signature": {"name": third, "date": second},
    }


@settings(max_examples=25)
@given(texts=TEXTS, name=st.sampled_from(TEMPLATES), way=st.sampled_from(WAYS))
def test_filling_the_converted_template_equals_converting_the_rendered_report(
    texts: list[str], name: str, way: tuple[bool, bool]
) -> None:
    pack, pages = the_pack(), the_pages(name)
    context = template_context(report_from_data(hard_data(pack, texts), pack), pack)
    filled, rules = pages.convert(context, *way)
    converted, own_rules = pages.converted(context, *way)
    assert pages.program(*way) is not None
    assert filled == converted
    assert set(own_rules.splitlines()) <= {*rules.splitlines(), ""}


@settings(max_examples=12)
@given(texts=TEXTS)
def test_hard_texts_come_out_as_in_the_docx_and_make_no_markup(texts: list[str]) -> None:
    pack = the_pack()
    report = report_from_data(hard_data(pack, texts), pack)
    html = render_html(report, pack)
    lines = (line.replace("\r", " ") for line in docx_text(render(report, pack)))
    # Control characters are not valid in a page, and yet the report's own.
    assert page_text(html, strict=False) == list(lines)


def cells(html: str) -> dict[str, etree._Element]:
    return {e.get("data-field"): e for e in parsed(html).iter("td") if e.get("data-field")}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_printed_figure_is_marked_in_its_own_cell(
    pack: Pack, examples: list[dict[str, Any]], templates: dict[str, CompiledTemplate], name: str
) -> None:
    report = report_from_data(examples[1], pack)
    context = template_context(report, pack)
    found = cells(render_html(report, pack, template=templates[name], marked=True))
    printed = {p for p in templates[name].layout.fields if (f := pack.fields.find(p)) and f.is_number}
    assert set(found) == printed
    for path, cell in found.items():
        assert text_of(cell) == str(lookup(context, path))


def test_texts_items_of_lists_and_notes_are_marked_with_their_fields(pack: Pack) -> None:
    data = hard_data(pack, ["甲", "乙一\n乙二", "丙"])
    html = render_html(report_from_data(data, pack), pack, marked=True)
    marked = [(e.tag, e.get("data-field"), text_of(e)) for e in parsed(html).iter("p", "h1", "h3", "span")]
    found = [each for each in marked if each[1]]
    assert ("h1", "title", "某甲局2023年政府信息公开工作年度报告") in found
    assert [text for _, field, text in found if field == "introduction"] == ["乙一", "乙二"]
    assert ("h3", "overview.additional[0].heading", "甲") in found
    assert ("p", "overview.additional[1].text", "乙二") in found
    assert ("span", "notes.requests", "甲") in found


def test_a_report_without_figures_has_blank_cells_that_are_still_marked(pack: Pack) -> None:
    html = render_html(report_from_data({"agency": "某局", "year": 2023}, pack), pack, marked=True)
    found = cells(html)
    assert len(found) == len([f for f in pack.fields.numbers if f.printed])
    assert {text_of(cell) for cell in found.values()} == {""}
    assert "data-field" not in render_html(report_from_data({"agency": "某局", "year": 2023}, pack), pack)


def grid_of(table: etree._Element) -> dict[tuple[int, int], etree._Element]:
    """The cell that covers each (row, column) of an HTML table."""
    area: dict[tuple[int, int], etree._Element] = {}
    for r, row in enumerate(table.iter("tr")):
        column = 0
        for cell in row:
            while (r, column) in area:
                column += 1
            rows, columns = int(cell.get("rowspan", 1)), int(cell.get("colspan", 1))
            area |= {(r + i, column + j): cell for i in range(rows) for j in range(columns)}
            column += columns
    return area


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_figure_has_its_labels_as_header_cells(
    pack: Pack, examples: list[dict[str, Any]], templates: dict[str, CompiledTemplate], name: str
) -> None:
    html = render_html(report_from_data(examples[1], pack), pack, template=templates[name], marked=True)
    tables = list(parsed(html).iter("table"))
    grids = templates[name].layout.grids
    assert len(tables) == len(grids)
    for table, grid in zip(tables, grids, strict=True):
        area = grid_of(table)
        assert len(area) == grid.rows * len(grid.widths)
        for cell in grid.field_cells.values():
            assert area[cell.row, cell.column].tag == "td"
            left = [area[cell.row, c] for c in range(cell.column)]
            heads = [e for e in left if e.tag == "th"]
            assert {e.get("scope") for e in heads} <= {"row"}
            assert dict.fromkeys(text_of(e).replace("\n", "") for e in heads) == dict.fromkeys(
                grid.row_labels(cell)
            )
            above = [area[r, cell.column] for r in range(cell.row)]
            cols = [text_of(e).replace("\n", "") for e in above if e.tag == "th" and e.get("scope") != "row"]
            assert set(grid.column_labels(cell)) <= set(cols)
        # A rowspan may not leave its group of rows, or browsers cut it.
        for group in table.iter("thead", "tbody"):
            rows = len(list(group.iter("tr")))
            for r, row in enumerate(group.iter("tr")):
                assert all(r + int(cell.get("rowspan", 1)) <= rows for cell in row)


def test_a_page_is_whole_and_accessible(pack: Pack, examples: list[dict[str, Any]]) -> None:
    html = render_html(report_from_data(examples[1], pack), pack)
    root = parsed(html)
    assert root.get("lang") == "zh-CN"
    assert root.findtext("head/title") == "涧西区人民政府2023年政府信息公开工作年度报告"
    levels = [int(e.tag[1]) for e in root.iter("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert [t.get("aria-label") for t in root.iter("table")] == [t.title for t in pack.tables]
    assert len(list(root.iter("main"))) == 1
    assert not list(root.iter("script", "link", "img", "iframe"))
    assert "http" not in html.replace("http-equiv", "")
    assert "style=" not in html.partition("<body>")[2]
    assert "@media print" in html


def test_a_fragment_has_inline_styles_only(pack: Pack, examples: list[dict[str, Any]]) -> None:
    html = render_html(report_from_data(examples[1], pack), pack, fragment=True)
    assert html.startswith('<div lang="zh-CN"')
    assert not re.search(r"<(html|head|body|script|style|link|meta)\b", html)
    tree = parsed(html)
    attributes = {name for e in tree.iter() if isinstance(e.tag, str) for name in e.attrib}
    assert attributes <= {"lang", "style", "role", "tabindex", "aria-label", "scope", "rowspan", "colspan"}


def test_looks_of_runs_links_breaks_and_numbers_survive() -> None:
    document = Document()
    paragraph = document.add_paragraph("一般")
    paragraph.add_run("粗").bold = True
    paragraph.add_run("上").font.superscript = True
    paragraph.add_run().add_break()
    document.add_paragraph("第一", "List Number")
    document.add_paragraph("第二", "List Number")
    document.add_paragraph("")
    html = body(compile_template(saved(document), "t"), {})
    tree = parsed(html)
    lines = [text_of(p) for p in tree.iter("p")]
    assert lines[:3] == ["一般粗上\n", "1.第一", "2.第二"]
    assert [text_of(e) for e in tree.iter("sup")] == ["上"]
    assert [text_of(e) for e in tree.iter("span")] == ["粗"]
    assert html.rstrip().endswith("<br></p>")


def test_a_document_without_heading_styles_is_known_by_its_numbers() -> None:
    document = Document()
    document.add_paragraph("{{ agency }}年度报告").alignment = WD_ALIGN_PARAGRAPH.CENTER
    for text in ("一、总体情况", "（一）主动公开", "正文。", "（二）这一段有句号。所以是正文"):
        document.add_paragraph(text)
    tree = parsed(body(compile_template(saved(document), "t"), {"agency": "某局"}))
    assert [(e.tag, text_of(e)) for e in tree.iter("h1", "h2", "h3")] == [
        ("h1", "某局年度报告"),
        ("h2", "一、总体情况"),
        ("h3", "（一）主动公开"),
    ]


def table_template(cell: str, *, loop: bool) -> CompiledTemplate:
    document = Document()
    texts = [["名称", "数"], ["合计", cell]]
    if loop:
        texts += [["{%tr for r in rows %}", ""], ["{{ r.name }}", "{{ r.count }}"], ["{%tr endfor %}", ""]]
    table = document.add_table(len(texts), 2, "Table Grid")
    for row, line in zip(table.rows, texts, strict=True):
        for each, text in zip(row.cells, line, strict=True):
            each.text = text
    return compile_template(saved(document), "t")


def test_rows_that_repeat_and_computed_values_are_converted_report_by_report() -> None:
    rows = [{"name": "甲", "count": 1}, {"name": "乙", "count": 2}]
    template = table_template("{{ total + 1 }}件", loop=True)
    assert Pages(template).program(False, True) is None
    tree = parsed(body(template, {"total": 3, "rows": rows}, marked=True))
    found = [(e.tag, e.get("scope"), e.get("data-field"), text_of(e)) for e in tree.iter("th", "td")]
    assert found == [
        ("th", "col", None, "名称"),
        ("th", "col", None, "数"),
        ("th", "row", None, "合计"),
        ("td", None, None, "4件"),
        ("td", None, "rows[0].name", "甲"),
        ("td", None, "rows[0].count", "1"),
        ("td", None, "rows[1].name", "乙"),
        ("td", None, "rows[1].count", "2"),
    ]


def test_a_table_is_ruled_where_it_its_style_or_its_cells_say_so() -> None:
    by_style = table_template("{{ total }}", loop=False)
    document = Document()
    plain = document.add_table(1, 2)
    plain.cell(0, 0).text, plain.cell(0, 1).text = "签名", "{{ total }}"
    by_nobody = compile_template(saved(document), "t")
    borders = etree.SubElement(plain.cell(0, 0)._tc.get_or_add_tcPr(), qn("w:tcBorders"))
    etree.SubElement(borders, qn("w:top"), {qn("w:val"): "single"})
    by_cell = compile_template(saved(document), "t")
    ruled = [
        "border:1px" in Pages(template).convert({"total": 1}, True, False)[0]
        for template in (by_style, by_cell, by_nobody)
    ]
    assert ruled == [True, True, False]


def test_conditions_go_the_long_way_and_keep_the_fields() -> None:
    template = docx(
        "{% if flag %}{{ a.b }}件{% endif %}", "{%p for p in text|paragraphs %}", "{{ p }}", "{%p endfor %}"
    )
    pages = Pages(template)
    assert pages.program(False, True) is None
    html = pages.convert({"flag": True, "a": {"b": 7}, "text": "x\ny"}, False, True)[0]
    assert re.findall(r'data-field="([^"]+)"[^>]*>([^<]*)<', html) == [
        ("a.b", "7"),
        ("text", "x"),
        ("text", "y"),
    ]
    assert [text_of(p) for p in parsed(html).iter("p")] == ["7件", "x", "y"]


def test_objects_of_docxtpl_are_shown_as_docxtpl_places_them() -> None:
    template = docx("{{ agency }}", "{{r note }}")
    html = body(template, {"agency": "某局", "note": RichText("粗体", bold=True)}, marked=True)
    tree = parsed(html)
    assert [text_of(p) for p in tree.iter("p")] == ["某局", "粗体"]
    assert tree.find(".//p").get("data-field") == "agency"


def test_a_picture_stands_in_the_page_itself() -> None:
    dot = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    document = Document()
    document.add_paragraph("{{ agency }}")
    document.add_picture(io.BytesIO(dot))
    html = body(compile_template(saved(document), "t"), {"agency": "某局"})
    image = next(parsed(html).iter("img"))
    assert base64.b64decode(str(image.get("src")).partition("base64,")[2]) == dot
    assert image.get("alt") == ""
    by_value = docx("{{ logo }}")
    from docxtpl import DocxTemplate

    maker = DocxTemplate(io.BytesIO(by_value.source))
    maker.init_docx()
    assert "<img src=" in body(by_value, {"logo": InlineImage(maker, io.BytesIO(dot))})


def test_a_template_that_holds_private_characters_itself_is_not_confused() -> None:
    template = docx("\U000f0001{{ a }}\U0010fffd\U0010fffc", "{% if a %}\U000f0002{{ a }}{% endif %}")
    for paragraphs in (template, docx("\U000f0001{{ a }}\U0010fffd")):
        html = body(paragraphs, {"a": "\U000f0001"}, marked=True)
        assert text_of(next(parsed(html).iter("p"))).startswith("\U000f0001\U000f0001\U0010fffd")


def test_what_cannot_be_placed_is_refused_as_in_the_docx() -> None:
    with pytest.raises(RenderError, match="U\\+0001"):
        body(docx("{{ a }}"), {"a": "\x01"})
    with pytest.raises(RenderError, match="在数据中没有"):
        body(docx("{{ a.b }}"), {"a": {}})
