"""The content of paragraphs as HTML: texts, breaks, looks of runs, links, pictures, notes."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from lxml import etree
from markupsafe import escape

from nianbao.layout import W
from nianbao.outputs.html.css import Css, Sheet, run_css
from nianbao.outputs.html.wordml import RunLook, Styles, run_look, value

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_PICTURES = {
    **{"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif"},
    **{"bmp": "image/bmp", "webp": "image/webp", "svg": "image/svg+xml"},
}
_PIXEL = 9525  # English Metric Units in a pixel of CSS
_SAFE_LINKS = ("http://", "https://", "mailto:")
# What stands for a character of its own.
_CHARACTERS = {
    f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}br": "<br>", f"{W}cr": "<br>",
    f"{W}noBreakHyphen": "\u2011", f"{W}softHyphen": "\u00ad",
}  # fmt: skip
# Deleted text, instructions of fields, and text boxes, which are not in the flow of their paragraph.
_SKIPPED = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}pPr", f"{W}rPr", f"{_MC}Fallback"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some HTML inside a paragraph, how it looks, and what it links to."""

    html: str
    look: RunLook
    link: str | None = None


class Relations:
    """What a part of the package refers to: links, pictures."""

    def __init__(self, contents: Mapping[str, bytes], part: str) -> None:
        self._contents = contents
        folder, _, name = part.rpartition("/")
        self._folder = folder
        content = contents.get(f"{folder}/_rels/{name}.rels")
        root = etree.fromstring(content) if content else ()
        self._targets = {each.get("Id"): each.get("Target") or "" for each in root}

    def link(self, key: str | None) -> str | None:
        """Return the address of a link, None where it is none that a page may have."""
        target = self._targets.get(key, "")
        return target if target.lower().startswith(_SAFE_LINKS) else None

    def picture(self, key: str | None) -> str | None:
        """Return a picture of the package as a data address, None where browsers cannot show it."""
        target = self._targets.get(key, "")
        name = posixpath.normpath(posixpath.join("/", self._folder, target))[1:]
        kind = _PICTURES.get(name.rpartition(".")[2].lower())
        if kind is None or name not in self._contents:
            return None
        return f"data:{kind};base64,{base64.b64encode(self._contents[name]).decode()}"


class InlineConverter:
    """Makes HTML of what stands in a paragraph; `notes` are the notes that were met, in order."""

    def __init__(self, styles: Styles, relations: Relations, sheet: Sheet, base: int) -> None:
        self.styles = styles
        self.relations = relations
        self.sheet = sheet
        self.base = base
        self.notes: list[tuple[str, str]] = []

    def convert(self, paragraph: etree._Element, look: RunLook) -> tuple[str, RunLook]:
        """Return the HTML of a paragraph's content and the look that holds for all of it.

        `look` is that of the paragraph's style; what differs from the look returned is marked up.
        """
        pieces = list(self._pieces(paragraph, look))
        looks = {piece.look for piece in pieces}
        common = looks.pop() if len(looks) == 1 else look
        groups = groupby(pieces, lambda piece: (piece.look, piece.link))
        return "".join(self._wrapped("".join(p.html for p in g), *k, common) for k, g in groups), common

    def _pieces(self, element: etree._Element, look: RunLook, link: str | None = None) -> Iterator[Piece]:
        for child in element:
            if child.tag in _SKIPPED:
                continue
            if child.tag == f"{W}r":
                yield from self._run(child, look, link)
            elif child.tag == f"{W}hyperlink":
                yield from self._pieces(child, look, self.relations.link(child.get(f"{_R}id")))
            elif child.tag == f"{_M}t":
                yield Piece(str(escape(child.text or "")), look, link)
            elif isinstance(child.tag, str):
                yield from self._pieces(child, look, link)

    def _run(self, run: etree._Element, base: RunLook, link: str | None) -> Iterator[Piece]:
        properties = run.find(f"{W}rPr")
        look = base
        if properties is not None:
            character = self.styles.character(value(properties.find(f"{W}rStyle")))
            look = run_look(properties).over(character.over(base))
        if look.hidden:
            return
        if html := "".join(self._content(run)):
            yield Piece(html, look, link)

    def _content(self, run: etree._Element) -> Iterator[str]:
        for child in run:
            tag = child.tag
            if tag == f"{W}t":
                # A line break inside the XML is a space to Word.
                yield str(escape(child.text or "")).replace("\n", " ")
            elif tag == f"{W}br" and value(child, "type") in ("page", "column"):
                continue
            elif tag in _CHARACTERS:
                yield _CHARACTERS[tag]
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                self.notes.append((tag.removeprefix(W).removesuffix("Reference"), value(child, "id") or ""))
                yield f"<sup>[{len(self.notes)}]</sup>"
            elif tag == f"{W}sym":
                code = value(child, "char") or ""
                yield chr(int(code, 16)) if code and int(code, 16) < 0xE000 else "□"
            elif tag in (f"{W}drawing", f"{W}pict", f"{W}object", f"{_MC}AlternateContent"):
                yield from self._pictures(child)

    def _pictures(self, element: etree._Element) -> Iterator[str]:
        for blip in element.iter(f"{_A}blip"):
            if source := self.relations.picture(blip.get(f"{_R}embed")):
                frame = next((a for a in blip.iterancestors(f"{_WP}inline", f"{_WP}anchor")), None)
                extent = frame.find(f"{_WP}extent") if frame is not None else None
                said = frame.find(f"{_WP}docPr") if frame is not None else None
                text = escape((said.get("descr") if said is not None else "") or "")
                width = f' width="{int(extent.get("cx") or 0) // _PIXEL}"' if extent is not None else ""
                yield f'<img src="{source}" alt="{text}"{width}>'

    def _wrapped(self, html: str, look: RunLook, link: str | None, common: RunLook) -> str:
        """Return HTML within what its look needs beyond the look of the paragraph."""
        if look.shift in ("superscript", "subscript") and look.shift != common.shift:
            tag = "sup" if look.shift == "superscript" else "sub"
            html = f"<{tag}>{html}</{tag}>"
        if replace(look, shift=common.shift) != common:
            html = f"<span{self.sheet.attribute(self.look_css(look, common))}>{html}</span>"
        return f'<a href="{escape(link)}">{html}</a>' if link else html

    def look_css(self, look: RunLook, within: RunLook | None = None) -> Css:
        """Return the declarations of a look; only those that differ from the look that it stands within."""
        css = run_css(look, self.base, self.sheet.latin, within)
        if within is None:
            return css
        usual = set(run_css(within, self.base, self.sheet.latin, within).screen.split(";"))
        return Css(";".join(p for p in css.screen.split(";") if p not in usual), css.paper)
