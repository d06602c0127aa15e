"""The Word file that LibreOffice is given: like the report's own, but for what LibreOffice would lose."""

from __future__ import annotations

import io
import zipfile

from lxml import etree

from nianbao.outputs.docx import Package, deflate

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_JUSTIFIED = b"both"


def for_office(docx: bytes) -> bytes:
    """Return a Word file with its justified paragraphs set flush left.

    LibreOffice (seen in 7.4) does not print a comma that hangs over the end of a justified line: four of the
    five example reports lost one. A line of Chinese text is full anyway, to within a character.
    A file that is no package is returned as it is; whoever opens it says so.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as package:
            contents = {name: package.read(name) for name in package.namelist()}
        parts = [deflate(name, _flush(content)) for name, content in contents.items()]
    except (zipfile.BadZipFile, etree.XMLSyntaxError):
        return docx
    return Package().with_parts(parts).finished()


def _flush(content: bytes) -> bytes:
    if _JUSTIFIED not in content or not content.lstrip().startswith(b"<"):
        return content
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False))
    for alignment in root.iter(f"{_W}jc"):
        if alignment.get(f"{_W}val") == "both":
            alignment.set(f"{_W}val", "left")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
