"""Draws the papers of a collection: `python draw_office.py [FOLDER]`, its own folder by default.

The notice that sends a report back, and the sheet that is signed before a report is published.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from looks import BIAO, FANG, HEI, SONG, Attributes, Look, Style, font_part, settings_part, styles_part
from lxml import etree
from wordml import el, paragraph, run, write_package

WIDTH = 9070
TWO_CHARACTERS: Attributes = {"firstLineChars": 200, "firstLine": 560}

OFFICE = Look(
    file="notice.docx",
    margins={"top": 1701, "right": 1418, "bottom": 1418, "left": 1418, "header": 851, "footer": 992},
    grid={"linePitch": 312},
    table_width=WIDTH,
    request_columns=(0, 0, 0),
    row_heights={},
    small="",
    band_fill="D9E1F2",
    gap=200,
    numbered=False,
    styles=(
        Style("Normal", "Normal", FANG, 28, 480, parent=None, align="both"),
        Style("Title", "Title", BIAO, 40, 640, follow="BodyText", align="center", space={"after": 360},
              keep_lines=True),
        Style("BodyText", "Body Text", FANG, 28, 480, indent=TWO_CHARACTERS),
        Style("Addressee", "称谓", FANG, 28, 480, align="left"),
        Style("Heading1", "heading 1", HEI, 28, 480, follow="BodyText", indent=TWO_CHARACTERS, outline=0,
              space={"before": 120}, keep_next=True, keep_lines=True),
        # Neither the signature nor its date stands alone on a page.
        Style("Closing", "办理要求", FANG, 28, 480, parent="BodyText", indent=TWO_CHARACTERS, keep_next=True),
        Style("Signature", "Signature", FANG, 28, 480, align="right", space={"before": 360},
              indent={"rightChars": 200, "right": 560}, keep_next=True, keep_lines=True, contextual=True),
        Style("TableCell", "表格文字", SONG, 19, 260, align="center"),
        Style("TableStub", "表格栏目", SONG, 19, 260, parent="TableCell", align="left", indent={"left": 40}),
        Style("TableHead", "表格表头", HEI, 19, 260, parent="TableCell", keep_next=True),
        Style("FigureCell", "审签数字", SONG, 22, 360, align="center"),
        Style("FigureStub", "审签栏目", SONG, 22, 360, align="left", indent={"left": 80}),
        Style("SignCell", "审签签名", SONG, 24, 560, align="left", indent={"left": 120}, keep_next=True),
        Style("TableNote", "表注", SONG, 18, 280, align="left", space={"before": 80}, keep_lines=True),
    ),
)  # fmt: skip


def table(widths: list[int], rows: list[etree._Element]) -> etree._Element:
    """A table with lines round every cell."""
    line: Attributes = {"val": "single", "sz": 4, "space": 0, "color": "000000"}
    sides = ("top", "left", "bottom", "right")
    return el(
        "tbl",
        el(
            "tblPr",
            el("tblW", w=sum(widths), type="dxa"),
            el("jc", val="center"),
            el("tblBorders", *(el(side, **line) for side in (*sides, "insideH", "insideV"))),
            el("tblLayout", type="fixed"),
            el("tblCellMar", *(el(side, w=40, type="dxa") for side in sides)),
        ),
        el("tblGrid", *(el("gridCol", w=width) for width in widths)),
        *rows,
    )


def row(
    cells: list[tuple[str, str]], widths: list[int], head: bool = False, whole: bool = True
) -> etree._Element:
    """A row of cells, each (text, style); a head is repeated on every page."""
    parts = [
        el(
            "tc",
            el(
                "tcPr",
                el("tcW", w=width, type="dxa"),
                el("shd", val="clear", color="auto", fill=OFFICE.band_fill) if head else None,
                el("vAlign", val="center"),
            ),
            paragraph(style, *([run(text)] if text else [])),
        )
        for (text, style), width in zip(cells, widths, strict=True)
    ]
    keep = el("cantSplit") if whole else None
    return el("tr", el("trPr", keep, el("tblHeader") if head else None), *parts)


def tag_row(tag: str, widths: list[int]) -> etree._Element:
    """A row that only holds a tag of docxtpl; it is not printed."""
    return row([(tag, "TableCell"), *(("", "TableCell"),) * (len(widths) - 1)], widths)


def loop(name: str, style: str, line: str) -> list[etree._Element]:
    """One paragraph for each item of a list."""
    return [
        paragraph("BodyText", run(f"{{%p for item in {name} %}}")),
        paragraph(style, run(line)),
        paragraph("BodyText", run("{%p endfor %}")),
    ]


def shown_with(name: str, *content: etree._Element) -> list[etree._Element]:
    """Content that is there only where `name` is not empty."""
    return [
        paragraph("BodyText", run(f"{{%p if {name} %}}")),
        *content,
        paragraph("BodyText", run("{%p endif %}")),
    ]


def notice() -> list[etree._Element]:
    """The notice that sends a report back."""
    widths = [500, 620, 1800, 850, 2600, 2700]
    heads = ["序号", "级别", "位置", "填报值", "问题和应满足的关系", "请核对"]
    item = [
        ("{{ item.number }}", "TableCell"),
        ("{{ item.grade }}", "TableCell"),
        ("{{ item.place }}", "TableStub"),
        ("{{ item.value }}", "TableCell"),
        ("{{ item.problem }}", "TableStub"),
        ("{{ item.advice }}", "TableStub"),
    ]
    findings = table(
        widths,
        [
            row([(head, "TableHead") for head in heads], widths, head=True),
            tag_row("{%tr for item in findings %}", widths),
            row(item, widths, whole=False),
            tag_row("{%tr endfor %}", widths),
        ],
    )
    explained = (
        "确认无误、不能改的，请逐条书面说明理由，由负责人确认后一并报来；"
        "说明之后所说的数又有改动的，说明即失效。"
    )
    return [
        paragraph("Title", run("{{ subject }}更正通知")),
        paragraph("Addressee", run("{{ agency }}：")),
        paragraph("BodyText", run("你单位{{ year }}年{{ subject }}核对结果：{{ verdict }}。")),
        *shown_with("source", paragraph("BodyText", run("核对的文件：{{ source }}。"))),
        *loop("matters", "BodyText", "{{ item }}。"),
        *shown_with("findings", paragraph("Heading1", run("需要改正或说明的问题")), findings),
        *shown_with(
            "fixed",
            paragraph("Heading1", run("上一轮的问题，已改正的")),
            *loop("fixed", "BodyText", "{{ item.place }}：{{ item.message }}"),
        ),
        *shown_with(
            "changes",
            paragraph("Heading1", run("与上一轮相比，改动的数据")),
            *loop("changes", "BodyText", "{{ item }}"),
        ),
        paragraph("Heading1", run("办理要求")),
        *shown_with("reply_by", paragraph("Closing", run("请在{{ reply_by }}前办理。"))),
        *[
            paragraph("BodyText", run("{%p if not reply_by %}")),
            paragraph("Closing", run("报送期限（{{ due }}）已过，请立即办理。")),
            paragraph("BodyText", run("{%p endif %}")),
        ],
        *shown_with("findings", paragraph("Closing", run(explained))),
        *shown_with("office", paragraph("Signature", run("{{ office }}"))),
        paragraph("Signature", run("{{ date }}")),
    ]


def signoff() -> list[etree._Element]:
    """The sheet that is signed before a report is published."""
    half = [2900, 1635, 2900, 1635]
    wide = [1900, WIDTH - 1900]
    heads = [("单位", "{{ agency }}"), ("代码", "{{ code }}"), ("类别", "{{ category }}"),
             ("报告年度", "{{ year }}"), ("报送的文件", "{{ source }}"), ("核对结果", "{{ counted }}"),
             ("数据指纹", "{{ fingerprint }}")]  # fmt: skip
    about = table(wide, [row([(a, "FigureStub"), (b, "FigureStub")], wide) for a, b in heads])
    heads4 = [(head, "TableHead") for head in ("主要数字", "数值", "主要数字", "数值")]
    pair = [
        ("{{ item.title }}", "FigureStub"),
        ("{{ item.value }}", "FigureCell"),
        ("{{ item.title2 }}", "FigureStub"),
        ("{{ item.value2 }}", "FigureCell"),
    ]
    figures = table(
        half,
        [
            row(heads4, half, head=True),
            tag_row("{%tr for item in figure_pairs %}", half),
            row(pair, half),
            tag_row("{%tr endfor %}", half),
        ],
    )
    signs = [
        ("填报人：{{ report.profile.preparer }}", "日期："),
        ("审核人：{{ report.profile.reviewer }}", "日期："),
        ("负责人：{{ report.profile.leader }}", "日期："),
    ]
    sign_widths = [WIDTH - 3000, 3000]
    signing = table(sign_widths, [row([(a, "SignCell"), (b, "SignCell")], sign_widths) for a, b in signs])
    digest = (
        "制表日期：{{ date }}。数据指纹由报告的全部数据（各表数字和文字）计算（SHA-256）："
        "任何一处改动，指纹都会不同；审签后的改动会被逐处指出。全长：{{ digest }}"
    )
    return [
        paragraph("Title", run("{{ subject }}审签单")),
        about,
        paragraph("Heading1", run("主要数字")),
        figures,
        *shown_with(
            "explained",
            paragraph("Heading1", run("已作说明的问题")),
            *loop(
                "explained",
                "BodyText",
                "{{ item.place }}：{{ item.message }}。"
                "说明：{{ item.reason }}（{{ item.confirmed_by }}确认）",
            ),
        ),
        paragraph("Heading1", run("审签")),
        paragraph("Closing", run("以上数据与报告正文已经核对，同意按此公开。")),
        signing,
        paragraph("TableNote", run(digest)),
    ]


def draw(file: str, parts: list[etree._Element], folder: Path) -> Path:
    """Write a template into a folder."""
    look = replace(OFFICE, file=file)
    section = el(
        "sectPr",
        el("pgSz", w=11906, h=16838),
        el("pgMar", **look.margins, gutter=0),
        el("cols", space=425),
        el("docGrid", **look.grid),
    )
    related = [
        ("styles", "styles.xml", styles_part(look)),
        ("settings", "settings.xml", settings_part(look)),
        ("fontTable", "fontTable.xml", font_part(look)),
    ]
    path = folder / look.file
    write_package(path, el("document", el("body", *parts, section)), related)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, content in (("notice.docx", notice()), ("signoff.docx", signoff())):
        print(draw(name, content, target))
