"""A watermark in a Word file: the same words, large and grey, behind every page."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from nianbao.outputs.docx import Package, deflate
from nianbao.outputs.workbook.xlsx import visible

_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
# What Word itself writes for a watermark; the type 136 is a text on a straight line.
_SHAPE = (
    "<w:r {namespaces}><w:rPr><w:noProof/></w:rPr><w:pict>"
    '<v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" '
    'path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/>'
    '<v:f eqn="sum 21600 0 @1"/><v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/>'
    '<v:f eqn="if @0 @3 0"/><v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/>'
    '</v:formulas><v:path textpathok="t" o:connecttype="rect"/><v:textpath on="t" fitshape="t"/>'
    '<o:lock v:ext="edit" text="t" shapetype="t"/></v:shapetype>'
    '<v:shape id="nianbao_watermark_{number}" o:spid="_x0000_s{spid}" type="#_x0000_t136" '
    'style="position:absolute;margin-left:0;margin-top:0;width:{width}pt;height:{height}pt;rotation:315;'
    "z-index:-251658752;mso-position-horizontal:center;mso-position-horizontal-relative:margin;"
    'mso-position-vertical:center;mso-position-vertical-relative:margin" '
    'o:allowincell="f" fillcolor="silver" stroked="f"><v:fill opacity=".5"/>'
    '<v:textpath style="font-family:&quot;黑体&quot;;font-size:1pt" string="{words}"/></v:shape>'
    "</w:pict></w:r>"
)
# A line of full-width letters along the diagonal of an A4 page, in points.
_LENGTH, _TALLEST = 460, 64


def with_watermark(docx: bytes, words: str) -> bytes:
    """Return a Word file with `words` behind every page; equal input gives equal bytes."""
    from docx import Document

    document: Any = Document(io.BytesIO(docx))
    number = 0
    for position, section in enumerate(document.sections):
        headers = [section.header]
        headers += [section.first_page_header] if section.different_first_page_header_footer else []
        headers += [section.even_page_header] if document.settings.odd_and_even_pages_header_footer else []
        for header in headers:
            # One that follows the section before has its watermark already.
            if header.is_linked_to_previous and position:
                continue
            number += 1
            _add(header, words, number)
    stream = io.BytesIO()
    document.save(stream)
    return _repacked(stream.getvalue())


def _add(header: Any, words: str, number: int) -> None:
    from xml.sax.saxutils import escape

    from docx.oxml import parse_xml

    header.is_linked_to_previous = False
    paragraph = header.paragraphs[0] if header.paragraphs else header.add_paragraph()
    height = min(_TALLEST, _LENGTH // max(1, len(words)))
    shape = _SHAPE.format(
        namespaces=_NAMESPACES,
        number=number,
        spid=2048 + number,
        width=min(_LENGTH, height * len(words)),
        height=height,
        words=escape(visible(words), {'"': "&quot;"}),
    )
    paragraph._p.append(parse_xml(shape))


def _repacked(docx: bytes) -> bytes:
    """Return the package without the time of its making."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        parts = [deflate(name, package.read(name)) for name in package.namelist()]
    return Package().with_parts(parts).finished()
