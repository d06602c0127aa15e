"""The two looks of the report: GB/T 9704-2012, and the plain statutory form."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree
from wordml import el

LATIN = "Times New Roman"
SONG, FANG, HEI, KAI, BIAO = "宋体", "仿宋_GB2312", "黑体", "楷体_GB2312", "方正小标宋简体"
# Where a computer lacks a font of the standard, Word takes the one named here instead of guessing.
SUBSTITUTES = {SONG: "SimSun", FANG: "仿宋", HEI: "SimHei", KAI: "楷体", BIAO: "华文中宋"}

Attributes = dict[str, str | int]


@dataclass(frozen=True)
class Style:
    """A paragraph style; sizes in half points, lengths in twips."""

    id: str
    name: str
    font: str
    size: int
    line: int
    latin: str = LATIN
    parent: str | None = "Normal"
    follow: str | None = None
    bold: bool = False
    align: str | None = None
    indent: Attributes | None = None
    space: Attributes | None = None
    outline: int | None = None
    keep_next: bool = False
    keep_lines: bool = False
    contextual: bool = False
    tighten: int = 0


@dataclass(frozen=True)
class Look:
    """One template: its page, its styles and the sizes of its tables; lengths in twips."""

    file: str
    margins: Attributes
    grid: Attributes
    table_width: int
    request_columns: tuple[int, int, int]
    row_heights: Attributes
    small: str
    band_fill: str | None
    gap: int
    numbered: bool
    styles: tuple[Style, ...]


TWO_CHARACTERS: Attributes = {"firstLineChars": 200, "firstLine": 640}
# The standard asks for 28 characters a line; at 16 pt they are 2 mm too wide, so each gives a quarter point.
TIGHT = -5

REPORT = Look(
    file="report.docx",
    margins={"top": 2098, "right": 1474, "bottom": 1984, "left": 1587, "header": 851, "footer": 1417},
    grid={"linePitch": 570},
    table_width=8845,
    request_columns=(640, 800, 700),
    row_heights={"disclosure": 432, "requests": 344, "disputes": 432},
    small="Small",
    band_fill=None,
    gap=285,
    numbered=True,
    styles=(
        Style("Normal", "Normal", FANG, 32, 570, parent=None, align="both"),
        Style("Title", "Title", BIAO, 44, 700, follow="BodyText", align="center",
              indent={"leftChars": 200, "left": 880, "rightChars": 200, "right": 880},
              space={"before": 285, "after": 570}, keep_lines=True),
        Style("BodyText", "Body Text", FANG, 32, 570, indent=TWO_CHARACTERS, tighten=TIGHT),
        Style("Heading1", "heading 1", HEI, 32, 570, follow="BodyText", indent=TWO_CHARACTERS, outline=0,
              keep_next=True, keep_lines=True, tighten=TIGHT),
        Style("Heading2", "heading 2", KAI, 32, 570, follow="BodyText", indent=TWO_CHARACTERS, outline=1,
              keep_next=True, keep_lines=True, tighten=TIGHT),
        Style("Signature", "Signature", FANG, 32, 570, align="right", space={"before": 570}, keep_next=True,
              indent={"rightChars": 200, "right": 640}, keep_lines=True, contextual=True),
        Style("TableCell", "表格文字", SONG, 21, 280, align="center"),
        Style("TableStub", "表格栏目", SONG, 21, 280, parent="TableCell", align="left", indent={"left": 80}),
        Style("TableCellSmall", "表格小字", SONG, 18, 240, parent="TableCell"),
        Style("TableStubSmall", "表格小字栏目", SONG, 18, 240, parent="TableStub", indent={"left": 30}),
        Style("TableNote", "表注", SONG, 21, 320, space={"before": 80}, keep_lines=True, contextual=True),
        Style("Footer", "footer", SONG, 28, 360, latin=SONG, align="right",
              indent={"rightChars": 100, "right": 280}),
    ),
)  # fmt: skip

OFFICIAL = Look(
    file="official.docx",
    margins={"top": 1440, "right": 1800, "bottom": 1440, "left": 1800, "header": 851, "footer": 992},
    grid={"type": "lines", "linePitch": 312},
    table_width=9748,
    request_columns=(640, 860, 800),
    row_heights={"disclosure": 340, "requests": 340, "disputes": 340},
    small="",
    band_fill="C6D9F1",
    gap=312,
    numbered=False,
    styles=(
        Style("Normal", "Normal", SONG, 24, 468, parent=None, align="both"),
        Style("Title", "Title", SONG, 36, 624, follow="BodyText", bold=True, align="center",
              space={"after": 312}, keep_lines=True),
        Style("BodyText", "Body Text", SONG, 24, 468, indent=TWO_CHARACTERS | {"firstLine": 480}),
        Style("Heading1", "heading 1", SONG, 24, 468, follow="BodyText", bold=True, outline=0,
              indent=TWO_CHARACTERS | {"firstLine": 480}, space={"before": 156, "after": 78}, keep_next=True,
              keep_lines=True),
        Style("Heading2", "heading 2", SONG, 24, 468, follow="BodyText", bold=True, outline=1,
              indent=TWO_CHARACTERS | {"firstLine": 480}, keep_next=True, keep_lines=True),
        Style("Signature", "Signature", SONG, 24, 468, align="right",
              indent={"rightChars": 200, "right": 480}, space={"before": 312}, keep_next=True,
              keep_lines=True, contextual=True),
        Style("TableCell", "表格文字", SONG, 20, 260, align="center"),
        Style("TableStub", "表格栏目", SONG, 20, 260, parent="TableCell", align="left", indent={"left": 40}),
        # The form's tables are wider than its text; a note begins where its table does.
        Style("TableNote", "表注", SONG, 21, 320, indent={"left": -721, "right": -721}, space={"before": 80},
              keep_lines=True, contextual=True),
    ),
)  # fmt: skip


def fonts(east_asian: str, latin: str) -> etree._Element:
    """All four fonts by name, so that neither a theme nor a default decides any of them."""
    return el("rFonts", ascii=latin, hAnsi=latin, eastAsia=east_asian, cs=latin)


def _paragraph_properties(style: Style) -> etree._Element:
    space = {"before": 0, "after": 0} | (style.space or {})
    return el(
        "pPr",
        el("keepNext") if style.keep_next else None,
        el("keepLines") if style.keep_lines else None,
        el("widowControl", val=0) if style.parent is None else None,
        # LibreOffice would round the exact line up to whole lines of the grid.
        el("snapToGrid", val=0),
        el("spacing", line=style.line, lineRule="exact", **space),
        el("ind", **style.indent) if style.indent else None,
        el("contextualSpacing") if style.contextual else None,
        el("jc", val=style.align) if style.align else None,
        None if style.outline is None else el("outlineLvl", val=style.outline),
    )


def _run_properties(style: Style) -> etree._Element:
    return el(
        "rPr",
        fonts(style.font, style.latin),
        el("b", val=None if style.bold else 0),
        el("bCs", val=None if style.bold else 0),
        el("color", val="000000"),
        el("spacing", val=style.tighten) if style.tighten else None,
        el("sz", val=style.size),
        el("szCs", val=style.size),
    )


def _paragraph_style(style: Style) -> etree._Element:
    return el(
        "style",
        el("name", val=style.name),
        el("basedOn", val=style.parent) if style.parent else None,
        el("next", val=style.follow) if style.follow else None,
        el("qFormat"),
        _paragraph_properties(style),
        _run_properties(style),
        type="paragraph",
        styleId=style.id,
        default=1 if style.parent is None else None,
        # Word takes a style whose name it does not know for its own unless it is marked as custom.
        customStyle=None if style.name.isascii() else 1,
    )


def _hidden_defaults() -> list[etree._Element]:
    """The defaults that Word expects to find, as it writes them itself."""
    styles = []
    for kind, name, key in (
        ("character", "Default Paragraph Font", "DefaultParagraphFont"),
        ("table", "Normal Table", "TableNormal"),
    ):
        hidden = [el("uiPriority", val=99), el("semiHidden"), el("unhideWhenUsed")]
        styles.append(el("style", el("name", val=name), *hidden, type=kind, default=1, styleId=key))
    sides = {"top": 0, "left": 108, "bottom": 0, "right": 108}
    margins = el("tblCellMar", *(el(side, w=width, type="dxa") for side, width in sides.items()))
    styles[1].append(el("tblPr", margins))
    return styles


def styles_part(look: Look) -> etree._Element:
    """word/styles.xml of a look."""
    normal = look.styles[0]
    defaults = el(
        "rPr",
        fonts(normal.font, normal.latin),
        el("kern", val=2),
        el("sz", val=normal.size),
        el("szCs", val=normal.size),
        el("lang", val="en-US", eastAsia="zh-CN", bidi="ar-SA"),
    )
    doc_defaults = el("docDefaults", el("rPrDefault", defaults), el("pPrDefault"))
    return el("styles", doc_defaults, *map(_paragraph_style, look.styles), *_hidden_defaults())


def settings_part(look: Look) -> etree._Element:
    """word/settings.xml: Word 2013's layout, and different footers where pages are numbered."""
    modern = {
        "compatibilityMode": 15,
        "overrideTableStyleFontSizeAndJustification": 1,
        "enableOpenTypeFeatures": 1,
        "doNotFlipMirrorIndents": 1,
        "differentiateMultirowTableHeaders": 1,
    }
    uri = "http://schemas.microsoft.com/office/word"
    return el(
        "settings",
        el("zoom", percent=100),
        el("defaultTabStop", val=420),
        el("evenAndOddHeaders") if look.numbered else None,
        el("characterSpacingControl", val="compressPunctuation"),
        el("compat", *(el("compatSetting", name=name, uri=uri, val=val) for name, val in modern.items())),
        el("themeFontLang", val="en-US", eastAsia="zh-CN"),
        el("decimalSymbol", val="."),
        el("listSeparator", val=","),
    )


def _font(name: str, charset: str, family: str) -> etree._Element:
    other = SUBSTITUTES.get(name)
    return el(
        "font",
        el("altName", val=other) if other else None,
        el("charset", val=charset),
        el("family", val=family),
        el("pitch", val="variable"),
        name=name,
    )


def font_part(look: Look) -> etree._Element:
    """word/fontTable.xml: the fonts of a look and what stands in for them."""
    used = sorted({style.font for style in look.styles})
    return el("fonts", *(_font(name, "86", "auto") for name in used), _font(LATIN, "00", "roman"))
