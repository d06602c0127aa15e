"""Word files as documents: paragraphs and tables of the body, content controls and text boxes with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from nianbao.findings import Finding, Where
from nianbao.layout import W, heading_levels, table_cells
from nianbao.readers.archive import DOCUMENT_LIMITS, Archive
from nianbao.readers.documents.document import Document, Paragraph, RawCell, RawTable, cleaned, flattened
from nianbao.readers.trouble import reading, trouble

_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_OFFICE = "/relationships/officeDocument"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MARKS = {f"{W}t": None, f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_BLOCKS = frozenset((f"{W}p", f"{W}tbl"))
# Links are followed by people, never by a reader; what a program would load by itself is worth a word.
_HARMLESS = ("/hyperlink",)
# Word allows 63 columns; merged and moved edges make more of the grid.
_MOST_COLUMNS = 300


@dataclass(frozen=True)
class _Styles:
    """What the paragraph styles say: which are headings, and which stand at the right."""

    levels: Mapping[str, int]
    aside: frozenset[str]


def read_docx(path: Path, shown: str | None = None) -> Document:
    """Return the document in a Word file; `shown` is the name of the file that findings should show.

    Raises InputError where it is none, is too large, or holds a document type definition.
    """
    with reading(path), Archive(path, DOCUMENT_LIMITS) as archive:
        file = shown or str(path)
        main = _main_part(archive)
        body = archive.root(main).find(f"{W}body")
        if body is None:
            raise trouble(path, "Word文档没有正文，请用Word或WPS打开后另存为.docx再试")
        styles = _styles(archive, main)
        _flatten_boxes(body)
        raw = list(_blocks(body, _Reader(file, styles)))
        findings = tuple(_active_content(archive, main, Where(file)))
    return Document(tuple(flattened(raw, file)), Where(file), findings)


@dataclass
class _Reader:
    """What goes along through a body: the file, the styles, and how many paragraphs there were."""

    file: str
    styles: _Styles
    paragraphs: int = 0

    def paragraph(self, element: etree._Element) -> Paragraph:
        """Return a paragraph; breaks inside are line ends."""
        self.paragraphs += 1
        name = style_name(element)
        align = element.find(f"{W}pPr/{W}jc")
        aside = name in self.styles.aside if align is None else align.get(f"{W}val") in ("right", "end")
        heading = name in self.styles.levels or element.find(f"{W}pPr/{W}outlineLvl") is not None
        return Paragraph(_text(element), Where(self.file, line=self.paragraphs), heading, aside)

    def table(self, element: etree._Element) -> RawTable:
        """Return a table with merged cells resolved."""
        places = table_cells(element)
        if any(not 0 < c.columns <= _MOST_COLUMNS or c.column > _MOST_COLUMNS for c in places):
            raise ValueError("a table of more columns than Word has")
        cells = [RawCell(c.row, c.column, c.rows, c.columns, list(_blocks(c.element, self))) for c in places]
        height = max((c.row + c.rows for c in cells), default=0)
        return RawTable(cells, height, max((c.column + c.columns for c in cells), default=0))


def _blocks(parent: etree._Element, reader: _Reader) -> Iterator[Paragraph | RawTable]:
    """Yield the paragraphs and tables below `parent`, those inside content controls as well."""
    for element in parent:
        if element.tag == f"{W}p":
            yield reader.paragraph(element)
        elif element.tag == f"{W}tbl":
            yield reader.table(element)
        elif isinstance(element.tag, str) and not element.tag.endswith("Pr"):
            yield from _blocks(element, reader)


def _text(paragraph: etree._Element) -> str:
    parts = []
    for node in paragraph.iter(*_MARKS):
        parent = node.getparent()
        if parent is not None and parent.tag == f"{W}r":
            parts.append(_MARKS[node.tag] or node.text or "")
    return cleaned("".join(parts))


def style_name(paragraph: etree._Element) -> str:
    """Return the id of a paragraph's style; empty for the default one."""
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    return (style.get(f"{W}val") or "") if style is not None else ""


def _flatten_boxes(body: etree._Element) -> None:
    """Take text boxes out of the paragraphs that anchor them, and drop what is there twice or was moved."""
    for element in list(body.iter(_FALLBACK, f"{W}moveFrom", f"{W}del")):
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    for box in list(body.iter(f"{W}txbxContent")):
        anchor = next((a for a in box.iterancestors(f"{W}p")), None)
        if anchor is not None:
            for block in reversed([child for child in box if child.tag in _BLOCKS]):
                anchor.addnext(block)


def _main_part(archive: Archive) -> str:
    """Return the name of the main part: what the package names, or the customary one."""
    if "_rels/.rels" in archive:
        for relation in archive.root("_rels/.rels").iter(f"{_RELATIONS}Relationship"):
            if (relation.get("Type") or "").endswith(_OFFICE):
                return (relation.get("Target") or "").lstrip("/")
    return "word/document.xml"


def _styles(archive: Archive, main: str) -> _Styles:
    name = f"{main.rpartition('/')[0]}/styles.xml".lstrip("/")
    if name not in archive:
        return _Styles({}, frozenset())
    root = archive.root(name)
    aside = {
        style.get(f"{W}styleId") or ""
        for style in root.iterfind(f"{W}style")
        for align in style.iterfind(f"{W}pPr/{W}jc")
        if align.get(f"{W}val") in ("right", "end")
    }
    return _Styles(heading_levels(root), frozenset(aside))


def _active_content(archive: Archive, main: str, where: Where) -> Iterator[Finding]:
    """Yield what the file would load or run in an office program; nothing of it is loaded or run here."""
    folder, _, name = main.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    outside = set()
    for part in (relations, f"{folder}/_rels/settings.xml.rels".lstrip("/")):
        if part in archive:
            for relation in archive.root(part).iter(f"{_RELATIONS}Relationship"):
                harmless = (relation.get("Type") or "").endswith(_HARMLESS)
                if relation.get("TargetMode") == "External" and not harmless:
                    outside.add(relation.get("Target") or "")
    if outside:
        shown = "、".join(sorted(outside)[:3])[:200]
        message = f"文档引用了外部文件（{shown}），没有读取；请用Word打开，断开链接后另存"
        yield Finding("EXTERNAL", "warning", None, where, message)
    if any(name.endswith("vbaproject.bin") for name in archive.names):
        message = "文档里有宏，没有运行；公开的报告不应带宏，请另存为.docx"
        yield Finding("MACRO", "warning", None, where, message)
