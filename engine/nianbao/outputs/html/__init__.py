"""A report as HTML: the Word document itself, for a website, a phone, a preview, a printer.

Where a template only repeats paragraphs, it is converted once and filled for every report (`holes`); any
other report is rendered with marks and then converted (`blocks`). Both give the same page.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import escape

from nianbao.errors import RenderError
from nianbao.outputs.html.blocks import DOCUMENT, DocumentConverter, Source
from nianbao.outputs.html.css import Classes, Inline
from nianbao.outputs.html.holes import compile_html, fill_marks, with_places
from nianbao.outputs.html.page import page
from nianbao.pack import Pack
from nianbao.rendering.context import properties, template_context
from nianbao.rendering.program import Program
from nianbao.rendering.sandbox import RichValue, html_text_of, run_template
from nianbao.rendering.template import CompiledTemplate
from nianbao.report import Report


@dataclass(frozen=True)
class Html:
    """A report as HTML: `body` is what stands in the page's main element, `rules` its style sheet."""

    title: str
    body: str
    rules: str


def render_html(
    report: Report,
    pack: Pack,
    *,
    template: CompiledTemplate | None = None,
    fragment: bool = False,
    marked: bool = False,
) -> str:
    """Return a report as a web page, the text being that of its .docx; or as a fragment for an editor.

    A page is whole: its style sheet is in its head, it fetches nothing. A `fragment` has inline styles
    only, no ids. `marked` gives every printed value an attribute ``data-field`` with the path of its field:
    its cell has it, or its paragraph where that prints nothing else, elsewhere a span around the value.
    Raises RenderError for what cannot be placed.
    """
    html = html_of(report, pack, template=template, fragment=fragment, marked=marked)
    if fragment:
        return f'<div lang="{escape(_language(pack))}" style="white-space:pre-wrap">{html.body}</div>'
    source = _pages(template or pack.template).source
    return page(html.title, html.body, html.rules, _language(pack), source.margins)


def html_of(
    report: Report,
    pack: Pack,
    *,
    template: CompiledTemplate | None = None,
    fragment: bool = False,
    marked: bool = False,
) -> Html:
    """Return the title, body and style sheet of a report's page, for a page of another's making."""
    body, rules = _pages(template or pack.template).convert(template_context(report, pack), fragment, marked)
    return Html(properties(report, pack).title, body, rules)


def html_of_docx(docx: bytes) -> Html:
    """Return any Word file, say a notice, as the page that shows it; it has no title."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        contents = {info.filename: package.read(info) for info in package.infolist() if not info.is_dir()}
    sheet = Classes()
    body = DocumentConverter(Source(contents), contents, sheet).convert()
    return Html("", body, sheet.rules)


def _language(pack: Pack) -> str:
    return str(pack.meta.get("language", "zh-CN"))


class Pages:
    """A template that makes HTML."""

    def __init__(self, template: CompiledTemplate) -> None:
        self.template = template
        self.source = Source(template.contents)
        self._programs: dict[tuple[bool, bool], tuple[Program, str] | None] = {}

    def convert(self, context: Mapping[str, Any], fragment: bool, marked: bool) -> tuple[str, str]:
        """Return the body of a report's page and its style sheet; raises RenderError."""
        program = self.program(fragment, marked)
        if program is not None:
            data = with_places(context) if marked else context
            try:
                return run_template(program[0], data, html_text_of).decode(), program[1]
            except RichValue:
                pass  # a picture, a sub-document: only docxtpl can place it
            except (KeyError, TypeError) as error:
                raise RenderError(f"模板里的栏目在数据中没有：{error}") from error
        return self.converted(context, fragment, marked)

    def program(self, fragment: bool, marked: bool) -> tuple[Program, str] | None:
        """Return what fills the converted template and its style sheet, None where it must not be used."""
        key = fragment, marked
        if key not in self._programs:
            sheet = Inline() if fragment else Classes()
            compiled = self._document and compile_html(self._document, self.source, sheet, marked)
            self._programs[key] = (compiled, sheet.rules) if compiled else None
        return self._programs[key]

    @cached_property
    def _document(self) -> Program | None:
        """The document as a program, None where another part has tags that its text may need."""
        parts = dict(self.template.marked)
        document = parts.pop(DOCUMENT, Program((self.template.contents[DOCUMENT],)))
        notes = any("notes" in name for name in parts)
        return document if isinstance(document, Program) and not notes else None

    def converted(self, context: Mapping[str, Any], fragment: bool, marked: bool) -> tuple[str, str]:
        """Return what `convert` returns by converting the rendered document of this one report."""
        sheet = Inline() if fragment else Classes()
        contents, fields = self.template.render_marked(context)
        html = DocumentConverter(self.source, contents, sheet).convert()
        return fill_marks(html, fields, marked), sheet.rules


_cache: dict[str, Pages] = {}
_KEPT = 8


def _pages(template: CompiledTemplate) -> Pages:
    if template.digest not in _cache:
        while len(_cache) >= _KEPT:
            _cache.pop(next(iter(_cache)), None)
        _cache[template.digest] = Pages(template)
    return _cache[template.digest]
