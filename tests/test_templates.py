"""The Word templates of cn-ogi/2021: the statutory form cell for cell, and the look that offices file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt, Twips
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "cn-ogi" / "2021"
REFERENCE = Path(os.environ.get("NIANBAO_REFERENCE") or ROOT.parent / "shared" / "reference")
NAMES = ("report.docx", "official.docx")
both = pytest.mark.parametrize("name", NAMES)

SECTIONS = [
    "一、总体情况",
    "二、主动公开政府信息情况",
    "三、收到和处理政府信息公开申请情况",
    "四、政府信息公开行政复议、行政诉讼情况",
    "五、存在的主要问题及改进情况",
    "六、其他需要报告的事项",
]
DISCLOSURE = [
    *(f"disclosure.government_rules.{part}" for part in ("issued", "repealed", "in_force")),
    *(f"disclosure.normative_documents.{part}" for part in ("issued", "repealed", "in_force")),
    "disclosure.licensing.decisions",
    "disclosure.penalties.decisions",
    "disclosure.coercion.decisions",
    "disclosure.administrative_fees.amount",
]
_ROWS = """new carried_in results.granted results.partial
results.refused.state_secret results.refused.other_law results.refused.security_stability
results.refused.third_party results.refused.internal_affairs results.refused.process_information
results.refused.enforcement_files results.refused.administrative_query
results.unavailable.not_held results.unavailable.needs_creation results.unavailable.unclear_after_correction
results.not_processed.petition_complaint results.not_processed.repeated results.not_processed.publication
results.not_processed.excessive results.not_processed.confirm_or_reissue
results.other.correction_overdue results.other.fee_overdue results.other.miscellaneous
results.total carried_out"""
REQUEST_ROWS = _ROWS.split()
APPLICANTS = ["natural_person", "business", "research", "nonprofit", "legal_service", "other", "total"]
DISPUTES = [
    f"disputes.{kind}.{outcome}"
    for kind in ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
    for outcome in ("upheld", "corrected", "other", "pending", "total")
]
TOPICS = ["proactive", "on_request", "management", "platform", "oversight"]
LOOPS = [
    "introduction",
    "overview.preamble",
    *(f"overview.{topic}.{part}" for topic in TOPICS for part in ("heading", "text")),
    "item.heading",
    "item.text",
    "notes.disclosure",
    "notes.requests",
    "notes.disputes",
    "problems",
    "other_matters",
    "signature.name",
    "signature.date",
]
# The order of the schema, as far as the templates use it.
ORDER = {
    "pPr": "pStyle keepNext keepLines widowControl snapToGrid spacing ind contextualSpacing jc outlineLvl",
    "rPr": "rFonts b bCs color spacing kern sz szCs lang",
    "tblPr": "tblW jc tblBorders tblLayout tblCellMar",
    "tcPr": "tcW gridSpan vMerge shd vAlign",
    "trPr": "cantSplit trHeight tblHeader",
    "style": "name basedOn next uiPriority semiHidden unhideWhenUsed qFormat pPr rPr tblPr",
    "sectPr": "footerReference pgSz pgMar cols docGrid",
    "settings": "zoom defaultTabStop evenAndOddHeaders characterSpacingControl compat themeFontLang "
    "decimalSymbol listSeparator",
    "font": "altName charset family pitch",
}
FIGURE = re.compile(r"^\{\{ ([a-z_.]+) \}\}$")


def _body(path: Path) -> Any:
    return Document(str(path)).element.body


def _text(element: Any) -> str:
    return "".join(node.text or "" for node in element.iter(qn("w:t")))


def _tables(path: Path) -> list[Any]:
    return list(_body(path).iterchildren(qn("w:tbl")))


def _cells(table: Any) -> list[list[tuple[str, str, str | None]]]:
    """Each row's cells as (text, columns spanned, vertical merge)."""
    rows = []
    for row in table.iterchildren(qn("w:tr")):
        cells = []
        for cell in row.iterchildren(qn("w:tc")):
            span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
            merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            down = None if merge is None else merge.get(qn("w:val"), "continue")
            cells.append((_text(cell), "1" if span is None else span.get(qn("w:val")), down))
        rows.append(cells)
    return rows


def _figures(path: Path) -> list[list[str]]:
    """The field paths of each table, in reading order."""
    texts = [[text for row in _cells(table) for text, _, _ in row] for table in _tables(path)]
    return [[match[1] for text in table if (match := FIGURE.match(text))] for table in texts]


def _opening(source: str) -> str:
    return f"{{%p for p in {source}|paragraphs %}}"


def _form() -> Path:
    path = REFERENCE / "official-form-2021.docx"
    if not path.is_file():
        pytest.skip(f"reference material missing: {path} (set NIANBAO_REFERENCE)")
    return path


@both
def test_every_label_and_merged_cell_is_the_statutory_form_s(name: str) -> None:
    theirs, ours = _tables(_form())[:3], _tables(FOLDER / name)
    assert len(ours) == 3
    for form, drawn in zip(theirs, ours, strict=True):
        assert len(list(drawn.iter(qn("w:gridCol")))) == len(list(form.iter(qn("w:gridCol"))))
        # A figure stands where the form is blank; a blank cell of the form may hold ideographic spaces.
        labels = [[(FIGURE.sub("", text), *shape) for text, *shape in row] for row in _cells(drawn)]
        assert labels == [[(text.strip(), *shape) for text, *shape in row] for row in _cells(form)]


@both
def test_the_fields_of_each_table_stand_in_the_order_of_the_form(name: str) -> None:
    requests = [f"requests.{row}.{applicant}" for row in REQUEST_ROWS for applicant in APPLICANTS]
    assert _figures(FOLDER / name) == [DISCLOSURE, requests, DISPUTES]


@both
def test_every_placeholder_stands_exactly_once_and_in_one_run(name: str) -> None:
    body = _body(FOLDER / name)
    runs = [node.text or "" for node in body.iter(qn("w:t"))]
    tags = [text for text in runs if "{" in text or "}" in text]
    assert all(re.fullmatch(r"(注：)?\{\{ [a-z_.]+ \}\}|\{%p [^%{}]+ %\}", text) for text in tags)
    fields = [tag[3:-3] for tag in tags if tag.startswith("{{") and tag != "{{ p }}"]
    assert len(fields) == len(set(fields)) == 1 + 10 + 25 * 7 + 15
    opened = [tag for tag in tags if tag.startswith("{%p for")]
    expected = list(map(_opening, LOOPS))
    expected.insert(LOOPS.index("item.heading"), "{%p for item in overview.additional %}")
    assert opened == expected
    assert tags.count("{%p endfor %}") == len(opened)


@both
def test_outside_the_tables_stand_only_section_titles_and_tags(name: str) -> None:
    document = Document(str(FOLDER / name))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert [text for text in texts if "{" not in text] == SECTIONS
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings == SECTIONS
    below = [before for before, p in zip(texts, document.paragraphs[1:], strict=False)
             if p.style.name == "Heading 2"]  # fmt: skip
    assert below == [_opening(source) for source in LOOPS if source.endswith("heading")]
    assert document.paragraphs[0].style.name == "Title"
    assert texts[0] == "{{ title }}"


@both
def test_head_rows_repeat_and_no_row_is_split_over_pages(name: str) -> None:
    for table, head in zip(_tables(FOLDER / name), (2, 3, 3), strict=True):
        rows = list(table.iterchildren(qn("w:tr")))
        assert [row.find(f".//{qn('w:tblHeader')}") is not None for row in rows] == [
            number < head for number in range(len(rows))
        ]
        assert all(row.find(f".//{qn('w:cantSplit')}") is not None for row in rows)
        assert all(
            cell.find(f".//{qn('w:vAlign')}").get(qn("w:val")) == "center" for cell in table.iter(qn("w:tc"))
        )


@both
def test_a_table_stays_with_its_heading_and_its_last_row_lets_go(name: str) -> None:
    for table in _tables(FOLDER / name):
        assert table.getprevious().find(f".//{qn('w:pStyle')}").get(qn("w:val")) == "Heading1"
        *rows, last = table.iterchildren(qn("w:tr"))
        assert all(p.find(f".//{qn('w:keepNext')}") is not None for p in rows[0].iter(qn("w:p")))
        assert last.find(f".//{qn('w:keepNext')}") is None


@both
def test_tables_have_fixed_columns_that_add_up_to_their_width(name: str) -> None:
    section = Document(str(FOLDER / name)).sections[0]
    text_width = Emu(section.page_width - section.left_margin - section.right_margin) // Twips(1)
    for table in _tables(FOLDER / name):
        width = int(table.find(f".//{qn('w:tblW')}").get(qn("w:w")))
        columns = [int(column.get(qn("w:w"))) for column in table.iter(qn("w:gridCol"))]
        assert sum(columns) == width
        assert table.find(f".//{qn('w:tblLayout')}").get(qn("w:type")) == "fixed"
        assert width == (text_width if name == "report.docx" else 9748)
        for row in table.iterchildren(qn("w:tr")):
            assert sum(int(cell.get(qn("w:w"))) for cell in row.iter(qn("w:tcW"))) == width


def test_seven_digits_fit_into_a_column_of_table_three() -> None:
    for name, size in (("report.docx", 9), ("official.docx", 10)):
        table = _tables(FOLDER / name)[1]
        width = min(int(column.get(qn("w:w"))) for column in list(table.iter(qn("w:gridCol")))[3:])
        margins = sum(int(table.find(f".//{qn('w:tblCellMar')}/{qn(side)}").get(qn("w:w")))
                      for side in ("w:left", "w:right"))  # fmt: skip
        # A digit of Times New Roman is half an em wide.
        assert 7 * size * 20 / 2 <= width - margins


def test_the_page_of_the_report_is_the_standard_s() -> None:
    section = Document(str(FOLDER / "report.docx")).sections[0]
    page = (section.page_width, section.page_height, section.top_margin, section.bottom_margin,
            section.left_margin, section.right_margin)  # fmt: skip
    for length, wanted in zip(page, (210, 297, 37, 35, 28, 26), strict=True):
        assert abs(length - Mm(wanted)) < Mm(0.05)


def test_the_page_of_the_plain_template_is_the_form_s() -> None:
    theirs, ours = (Document(str(path)).sections[0] for path in (_form(), FOLDER / "official.docx"))
    for side in ("page_width", "page_height", "top_margin", "bottom_margin", "left_margin", "right_margin"):
        assert getattr(theirs, side) == getattr(ours, side)


@pytest.mark.parametrize(
    ("style", "font", "size", "line"),
    [
        ("Title", "方正小标宋简体", 22, 35),
        ("Body Text", "仿宋_GB2312", 16, 28.5),
        ("Heading 1", "黑体", 16, 28.5),
        ("Heading 2", "楷体_GB2312", 16, 28.5),
        ("Signature", "仿宋_GB2312", 16, 28.5),
        ("Footer", "宋体", 14, 18),
        ("表格文字", "宋体", 10.5, 14),
        ("表格小字", "宋体", 9, 12),
        ("表注", "宋体", 10.5, 16),
    ],
)
def test_the_styles_of_the_report_are_the_standard_s(style: str, font: str, size: float, line: float) -> None:
    found = Document(str(FOLDER / "report.docx")).styles[style]
    latin = "宋体" if style == "Footer" else "Times New Roman"
    fonts = found.element.rPr.find(qn("w:rFonts"))
    assert {key: fonts.get(qn(f"w:{key}")) for key in ("ascii", "hAnsi", "eastAsia", "cs")} == {
        "ascii": latin, "hAnsi": latin, "eastAsia": font, "cs": latin,
    }  # fmt: skip
    assert (found.font.size, found.paragraph_format.line_spacing) == (Pt(size), Pt(line))
    assert not found.font.bold
    indent = found.element.pPr.find(qn("w:ind"))
    two = style in ("Body Text", "Heading 1", "Heading 2")
    assert (indent is not None and indent.get(qn("w:firstLineChars")) == "200") == two


@both
def test_no_style_leaves_its_fonts_to_a_theme(name: str) -> None:
    with zipfile.ZipFile(FOLDER / name) as package:
        assert not any("theme/" in part for part in package.namelist())
        styles = etree.fromstring(package.read("word/styles.xml"))
    keys = [etree.QName(key).localname for fonts in styles.iter(qn("w:rFonts")) for key in fonts.attrib]
    assert not [key for key in keys if key.lower().endswith("theme")]
    assert {lang.get(qn("w:eastAsia")) for lang in styles.iter(qn("w:lang"))} == {"zh-CN"}


def test_page_numbers_stand_at_the_outer_edge() -> None:
    document = Document(str(FOLDER / "report.docx"))
    assert document.settings.odd_and_even_pages_header_footer
    section = document.sections[0]
    odd, even = section.footer.paragraphs[0], section.even_page_footer.paragraphs[0]
    for footer in (odd, even):
        assert footer.text == "— 1 —"
        assert [node.text for node in footer._p.iter(qn("w:instrText"))] == ["PAGE"]
    assert even._p.pPr.find(qn("w:jc")).get(qn("w:val")) == "left"
    assert even._p.pPr.find(qn("w:ind")).get(qn("w:leftChars")) == "100"
    style = odd.style.element.pPr
    assert style.find(qn("w:jc")).get(qn("w:val")) == "right"
    assert style.find(qn("w:ind")).get(qn("w:rightChars")) == "100"


@both
def test_the_package_holds_no_author_thumbnail_or_comment(name: str) -> None:
    parts = ["[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/_rels/document.xml.rels",
             "word/styles.xml", "word/settings.xml", "word/fontTable.xml"]  # fmt: skip
    parts += ["word/footer1.xml", "word/footer2.xml"] if name == "report.docx" else []
    with zipfile.ZipFile(FOLDER / name) as package:
        assert package.namelist() == [*parts, "docProps/core.xml"]
        settings = etree.fromstring(package.read("word/settings.xml"))
    core = Document(str(FOLDER / name)).core_properties
    assert (core.author, core.last_modified_by, core.title, core.language) == ("", "", "", "zh-CN")
    modes = {s.get(qn("w:name")): s.get(qn("w:val")) for s in settings.iter(qn("w:compatSetting"))}
    assert modes["compatibilityMode"] == "15"


@both
def test_properties_stand_in_the_order_of_the_schema(name: str) -> None:
    with zipfile.ZipFile(FOLDER / name) as package:
        roots = [etree.fromstring(package.read(part)) for part in package.namelist() if "word/" in part]
    for element in (node for root in roots for node in root.iter()):
        order = ORDER.get(etree.QName(element).localname, "").split()
        if order:
            places = [order.index(etree.QName(child).localname) for child in element]
            assert places == sorted(places)


def test_drawing_again_gives_the_committed_files(tmp_path: Path) -> None:
    drawn = [tmp_path / "first", tmp_path / "second"]
    for folder in drawn:
        folder.mkdir()
        subprocess.run([sys.executable, "-B", FOLDER / "draw.py", folder], check=True, capture_output=True)
    for name in NAMES:
        first, second = ((folder / name).read_bytes() for folder in drawn)
        assert first == second
        with zipfile.ZipFile(FOLDER / name) as kept, zipfile.ZipFile(drawn[0] / name) as new:
            assert kept.namelist() == new.namelist()
            assert all(kept.read(part) == new.read(part) for part in kept.namelist())
        # zlib-ng compresses the same content to other bytes.
        if "ng" not in zlib.ZLIB_RUNTIME_VERSION:
            assert first == (FOLDER / name).read_bytes()


def _nested(paths: list[str]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path in paths:
        *parents, leaf = path.split(".")
        place = root
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = f"<{path}>"
    return root


@both
def test_docxtpl_fills_every_placeholder(name: str, tmp_path: Path) -> None:
    figures = [path for table in _figures(FOLDER / name) for path in table]
    data = _nested(["title", *figures, *(source for source in LOOPS if not source.startswith("item."))])
    data["overview"]["additional"] = [{"heading": "（六）其他", "text": "甲&乙\n丙"}]
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    environment.filters["paragraphs"] = lambda text: text.split("\n") if text else []
    template = DocxTemplate(FOLDER / name)
    template.render(data, environment, autoescape=True)
    template.save(tmp_path / name)
    printed = [_text(p) for p in _body(tmp_path / name).iter(qn("w:p"))]
    assert not [text for text in printed if "{" in text]
    expected = {f"<{path}>" for path in ["title", *figures, *LOOPS] if not path.startswith("item.")}
    notes = {f"<notes.{key}>" for key in ("disclosure", "requests", "disputes")}
    assert expected - notes | {f"注：{note}" for note in notes} | {"甲&乙", "丙"} <= set(printed)
