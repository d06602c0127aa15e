"""Elements of WordprocessingML, their order in the schema, and the package that holds the parts."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from lxml import etree

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"

# Word refuses, or silently repairs, properties that stand in another order than the schema's.
ORDER = {
    "pPr": "pStyle keepNext keepLines widowControl snapToGrid spacing ind contextualSpacing jc outlineLvl",
    "rPr": "rFonts b bCs color spacing kern sz szCs lang",
    "tblPr": "tblW jc tblBorders tblLayout tblCellMar",
    "trPr": "cantSplit trHeight tblHeader",
    "tcPr": "tcW gridSpan vMerge shd vAlign",
    "style": "name basedOn next uiPriority semiHidden unhideWhenUsed qFormat pPr rPr tblPr",
    "sectPr": "footerReference pgSz pgMar cols docGrid",
}
CORE = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title/><dc:creator/>\
<dcterms:created xsi:type="dcterms:W3CDTF">2021-01-01T00:00:00Z</dcterms:created>\
<dcterms:modified xsi:type="dcterms:W3CDTF">2021-01-01T00:00:00Z</dcterms:modified>\
<dc:language>zh-CN</dc:language></cp:coreProperties>"""


def el(tag: str, *children: etree._Element | None, **attributes: str | int | None) -> etree._Element:
    """An element of the `w:` namespace; children and attributes that are None are left out."""
    element = etree.Element(f"{{{W}}}{tag}", nsmap={"w": W, "r": R})
    for name, value in attributes.items():
        if value is not None:
            element.set(f"{{{W}}}{name}", str(value))
    present = [child for child in children if child is not None]
    if tag in ORDER:
        rank = ORDER[tag].split()
        present.sort(key=lambda child: rank.index(etree.QName(child).localname))
    element.extend(present)
    return element


def run(text: str) -> etree._Element:
    """A run of text, of the East Asian font wherever a character is in both (“ ” — …)."""
    node = el("t")
    node.text = text
    if "{{" in text or text != text.strip():
        node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return el("r", el("rPr", el("rFonts", hint="eastAsia")), node)


def paragraph(
    style: str, *content: etree._Element, **properties: Mapping[str, str | int | None]
) -> etree._Element:
    """A paragraph of a style; each property is an element of pPr with its attributes."""
    extra = [el(name, **attributes) for name, attributes in properties.items()]
    return el("p", el("pPr", el("pStyle", val=style), *extra), *content)


def page_number() -> list[etree._Element]:
    """The runs of `— 1 —`, the number being a PAGE field."""
    instruction = el("instrText")
    instruction.text = "PAGE"
    begin, separate, end = (el("r", el("fldChar", fldCharType=kind)) for kind in ("begin", "separate", "end"))
    return [run("— "), begin, el("r", instruction), separate, run("1"), end, run(" —")]


def relationship(number: int) -> str:
    """The id by which the document names its part of that number."""
    return f"rId{number}"


def _xml(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root, top_nsmap={"w": W}, keep_ns_prefixes=["w"])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _relationships(targets: list[tuple[str, str]]) -> bytes:
    root = etree.Element(f"{{{RELATIONSHIPS}}}Relationships", nsmap={None: RELATIONSHIPS})
    for number, (kind, target) in enumerate(targets, 1):
        attributes = {"Id": relationship(number), "Type": kind, "Target": target}
        etree.SubElement(root, f"{{{RELATIONSHIPS}}}Relationship", attributes)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _content_types(parts: Mapping[str, str]) -> bytes:
    root = etree.Element(f"{{{CONTENT_TYPES}}}Types", nsmap={None: CONTENT_TYPES})
    defaults = {
        "rels": "application/vnd.openxmlformats-package.relationships+xml",
        "xml": "application/xml",
    }
    for extension, kind in defaults.items():
        etree.SubElement(root, f"{{{CONTENT_TYPES}}}Default", {"Extension": extension, "ContentType": kind})
    for name, kind in parts.items():
        etree.SubElement(root, f"{{{CONTENT_TYPES}}}Override", {"PartName": name, "ContentType": kind})
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def write_package(
    path: Path, document: etree._Element, related: list[tuple[str, str, etree._Element]]
) -> None:
    """Write a .docx of a document and its related parts, each (kind, file name, root)."""
    core = f"{RELATIONSHIPS}/metadata/core-properties"
    types = {"/word/document.xml": f"{WORD_TYPE}.document.main+xml"}
    types |= {f"/word/{name}": f"{WORD_TYPE}.{kind}+xml" for kind, name, _ in related}
    types["/docProps/core.xml"] = "application/vnd.openxmlformats-package.core-properties+xml"
    files = {
        "[Content_Types].xml": _content_types(types),
        "_rels/.rels": _relationships(
            [(f"{R}/officeDocument", "word/document.xml"), (core, "docProps/core.xml")]
        ),
        "word/document.xml": _xml(document),
        "word/_rels/document.xml.rels": _relationships([(f"{R}/{kind}", name) for kind, name, _ in related]),
        **{f"word/{name}": _xml(root) for _, name, root in related},
        "docProps/core.xml": CORE.encode(),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            # Fixed time and system: the same drawing is the same bytes on every machine and day.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 0
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)
