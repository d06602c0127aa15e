"""A Word document as HTML: its paragraphs, headings and tables in order, marks still in their places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from lxml import etree
from markupsafe import Markup

from nianbao.layout import W, joined_text
from nianbao.outputs.html.css import Css, Sheet, paragraph_css
from nianbao.outputs.html.inline import InlineConverter, Relations
from nianbao.outputs.html.numbering import Numbering
from nianbao.outputs.html.tables import TableConverter
from nianbao.outputs.html.wordml import RunLook, Style, Styles, number, parse, run_look, value
from nianbao.rendering.marks import CLOSE, END, FIELD, LOOP, NOBODY, OPENING

DOCUMENT = "word/document.xml"
# Where a document has no styles for headings, they are known by the numbers that GB/T 9704 gives them.
_NUMBERED = (
    (1, re.compile(r"[一二三四五六七八九十]+、.{1,40}")),
    (2, re.compile(r"[（(][一二三四五六七八九十]+[）)][^。；]{1,30}")),
)
_TRANSPARENT = {f"{W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")}


class NotPlain(Exception):
    """What a loop repeats is more than paragraphs: such a report is converted as a whole."""


@dataclass(frozen=True)
class Source:
    """What a template says once for all its reports."""

    contents: Mapping[str, bytes]

    @cached_property
    def styles(self) -> Styles:
        """The styles."""
        return Styles(self.contents.get("word/styles.xml"))

    @cached_property
    def root(self) -> etree._Element:
        """The document as the template has it."""
        return parse(self.contents[DOCUMENT])

    @cached_property
    def paragraphs(self) -> list[tuple[etree._Element, Style]]:
        """The paragraphs outside tables that hold any text, with their styles."""
        found = self.root.iterfind(f"{W}body//{W}p")
        outside = (
            p for p in found if next(p.iterancestors(f"{W}tbl"), None) is None and joined_text(p).strip()
        )
        return [(p, self.styles.paragraph(p)) for p in outside]

    @cached_property
    def base(self) -> int:
        """The size of most paragraphs in half points."""
        sizes = Counter(_size(p, style) for p, style in self.paragraphs)
        return sizes.most_common(1)[0][0] if sizes else 21

    @cached_property
    def levels(self) -> frozenset[int]:
        """The levels of headings that the template uses; 0 is the title."""
        return frozenset(style.level for _, style in self.paragraphs if style.level is not None)

    @cached_property
    def margins(self) -> str:
        """The page of the document as CSS has it: its size and margins."""
        size = self.root.find(f"{W}body/{W}sectPr/{W}pgSz")
        edges = self.root.find(f"{W}body/{W}sectPr/{W}pgMar")
        sides = [f"{(number(edges, side) or 1440) / 20:g}pt" for side in ("top", "right", "bottom", "left")]
        page = (
            [f"{(number(size, side) or 0) / 20:g}pt" for side in ("w", "h")] if size is not None else ["A4"]
        )
        return f"size:{' '.join(page)};margin:{' '.join(sides)}"


def _size(paragraph: etree._Element, style: Style) -> int:
    run = paragraph.find(f"{W}r/{W}rPr")
    return (run_look(run).over(style.run) if run is not None else style.run).size or 21


class DocumentConverter:
    """Makes HTML of one document; `source` is its template, `contents` its own package."""

    def __init__(self, source: Source, contents: Mapping[str, bytes], sheet: Sheet) -> None:
        self.source = source
        self.sheet = sheet
        self.contents = contents
        self.inline = InlineConverter(source.styles, Relations(contents, DOCUMENT), sheet, source.base)
        self.tables = TableConverter(source.styles, sheet, self._cell)
        self.numbering = Numbering(contents.get("word/numbering.xml"))
        self.heading = ""
        self.count = 0
        self.depth = 0
        self.titled = 0 in source.levels

    def convert(self) -> str:
        """Return the HTML of the document's body; raises NotPlain for a loop that is more than paragraphs."""
        body = parse(self.contents[DOCUMENT]).find(f"{W}body")
        html = "".join(self._blocks(body)) if body is not None else ""
        return html + "".join(self._notes())

    def _blocks(self, parent: etree._Element) -> Iterator[str]:
        for child in parent:
            if child.tag == f"{W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{W}tbl":
                yield self._table(child)
            elif child.tag in _TRANSPARENT:
                yield from self._blocks(child)
            elif isinstance(child, etree._ProcessingInstruction) and child.target in ("loop", "end"):
                yield self._loop(child)

    def _loop(self, token: etree._ProcessingInstruction) -> str:
        self.depth += 1 if token.target == "loop" else -1
        return chr(LOOP + int(token.text or 0)) if token.target == "loop" else END

    def _table(self, table: etree._Element) -> str:
        if self.depth:
            raise NotPlain
        self.count += 1
        return self.tables.convert(table, self.heading or f"表{self.count}")

    def _paragraph(self, element: etree._Element) -> Iterator[str]:
        style = self.source.styles.paragraph(element)
        html, look = self._content(element, style)
        level = self._level(element, style, html)
        if level is not None and not OPENING.search(html):
            if self.depth:
                raise NotPlain
            self.heading = str(Markup(html).striptags())
        tag = "p" if level is None else f"h{min(level + 1, 6)}"
        css = paragraph_css(style.paragraph, look.size).and_(self.inline.look_css(look))
        mark, html = _hoisted(html)
        if not (html or mark):
            html = "<br>"  # an empty line of the template stays one
        yield f"<{tag}{self.sheet.attribute(css)}{mark}>{html}</{tag}>{self.sheet.newline}"
        for box in element.iter(f"{W}txbxContent"):
            if not any(a.tag.endswith("}Fallback") for a in box.iterancestors()):
                yield from self._blocks(box)

    def _content(self, element: etree._Element, style: Style) -> tuple[str, RunLook]:
        """Return a paragraph's content, its own number before it, and the look of all of it."""
        html, look = self.inline.convert(element, style.run)
        if style.paragraph.list_id:
            if self.depth:
                raise NotPlain
            html = self.numbering.label(style.paragraph.list_id, style.paragraph.list_level or 0) + html
        return html, look

    def _level(self, element: etree._Element, style: Style, html: str) -> int | None:
        """Return the level of a heading, None for other paragraphs; 0 is the title."""
        if style.level is not None:
            return style.level
        if not self.titled and html:
            if self.depth:
                raise NotPlain
            self.titled = True
            if style.paragraph.align == "center":
                return 0
        if self.source.levels - {0}:
            return None
        text = joined_text(element).strip()
        return next((level for level, pattern in _NUMBERED if pattern.fullmatch(text)), None)

    def _cell(self, tc: etree._Element) -> tuple[str, Css, str]:
        """Return the content of a cell, its look, and the mark of its field if it is one field's."""
        css = _cell_css(tc)
        blocks = [child for child in tc if child.tag != f"{W}tcPr"]
        if any(isinstance(child, etree._ProcessingInstruction) for child in blocks):
            raise NotPlain
        if any(child.tag not in (f"{W}p", f"{W}bookmarkStart", f"{W}bookmarkEnd") for child in blocks):
            html, paragraph = "".join(self._blocks(tc)), Css()
        else:
            html, paragraph = self._cell_paragraphs(tc)
        marks = set(OPENING.findall(html))
        if len(marks) == 1 and NOBODY not in marks:
            mark = marks.pop()
            html = html.replace(FIELD + mark, "").replace(mark, "").replace(CLOSE, "")
            return html, css.and_(paragraph), FIELD + mark
        return html, css.and_(paragraph), ""

    def _cell_paragraphs(self, tc: etree._Element) -> tuple[str, Css]:
        """Return the paragraphs of a cell: lines of one look, or else each with its own."""
        made = []
        for element in tc.iterfind(f"{W}p"):
            style = self.source.styles.paragraph(element)
            html, look = self._content(element, style)
            css = paragraph_css(style.paragraph, look.size, cell=True)
            made.append((html, css.and_(self.inline.look_css(look))))
        looks = {css for html, css in made if html}
        if len(looks) <= 1:
            return "<br>".join(html for html, _ in made), looks.pop() if looks else Css()
        margin = Css("margin:0")
        lines = (f"<p{self.sheet.attribute(margin.and_(css))}>{html or '<br>'}</p>" for html, css in made)
        return "".join(lines), Css()

    def _notes(self) -> Iterator[str]:
        """Yield the footnotes and endnotes that were met, in order."""
        roots = {kind: self.contents.get(f"word/{kind}s.xml") for kind in ("footnote", "endnote")}
        found = {
            (kind, value(note, "id")): note
            for kind, content in roots.items()
            if content
            for note in parse(content).iterfind(f"{W}{kind}")
        }
        for index, key in enumerate(list(self.inline.notes), 1):
            note = found.get(key)
            paragraphs = () if note is None else note.iterfind(f"{W}p")
            for place, element in enumerate(paragraphs):
                style = self.source.styles.paragraph(element)
                html, look = self.inline.convert(element, style.run)
                css = paragraph_css(style.paragraph, look.size).and_(self.inline.look_css(look))
                label = "" if place else f"[{index}] "
                yield f"<p{self.sheet.attribute(css)}>{label}{html}</p>{self.sheet.newline}"


def _cell_css(tc: etree._Element) -> Css:
    shade = value(tc.find(f"{W}tcPr/{W}shd"), "fill")
    place = {"center": "middle", "bottom": "bottom"}.get(value(tc.find(f"{W}tcPr/{W}vAlign")) or "", "top")
    fill = f";background:#{shade.lower()}" if shade and shade != "auto" and shade.isalnum() else ""
    return Css(f"vertical-align:{place}{fill}")


def _hoisted(html: str) -> tuple[str, str]:
    """Return the mark of a paragraph that prints one value and nothing else, and the value without it."""
    mark = html[:1]
    if OPENING.match(html) and mark != NOBODY and html.endswith(CLOSE) and len(OPENING.findall(html)) == 1:
        return FIELD + mark, html[1:-1]
    return "", html
