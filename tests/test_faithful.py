"""What docxtpl's dialect offers beyond the pack's own templates comes out as docxtpl itself renders it."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docxtpl import DocxTemplate
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from nianbao.outputs.docx import CORE, Properties
from nianbao.rendering.sandbox import jinja_environment
from nianbao.rendering.template import compile_template
from nianbao.values import ILLEGAL

NOBODY = Properties("", "", "", "2024-01-31T00:00:00Z")
# What docxtpl makes layout of (tabs, breaks) or rewrites (braces) nianbao prints as it is: tested elsewhere.
TEXT = st.text(
    st.characters(exclude_categories=("Cs",)).filter(
        lambda c: not ILLEGAL.match(c) and c not in "{}%\t\n\r\a\f"
    ),
    max_size=30,
)
DATA = st.fixed_dictionaries(
    {
        "agency": TEXT,
        "year": st.integers(2000, 2100),
        "flag": st.booleans(),
        "text": st.lists(TEXT.filter(bool), max_size=3).map("\n".join),
        "rows": st.lists(st.fixed_dictionaries({"name": TEXT, "count": st.integers(0, 10**6)}), max_size=4),
    }
)


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def loops_and_conditions() -> bytes:
    document = Document()
    for text in (
        "{{ agency }} in {{ year }}",
        *("{%p for p in text|paragraphs %}", "{{ loop.index }}: {{ p }}", "{%p endfor %}"),
        *("{%p if flag %}", "flagged {{ agency }}", "{%p else %}", "plain", "{%p endif %}"),
        "{% if year > 2050 %}late{% elif year > 2020 %}now{% else %}early{% endif %}",
        "{% for row in rows %}{{ row.name }}={{ row.count }};{% endfor %}",
        "{# a comment #}end",
    ):
        document.add_paragraph(text)
    return saved(document)


def table_rows() -> bytes:
    document = Document()
    table = document.add_table(rows=4, cols=2)
    cells = (
        ("name", "count"),
        ("{%tr for row in rows %}", ""),
        ("{{ row.name }}", "{{ row.count }}"),
        ("{%tr endfor %}", ""),
    )
    for row, texts in zip(table.rows, cells, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    return saved(document)


def headers_and_footers() -> bytes:
    document = Document()
    document.add_paragraph("{{ agency }}")
    section = document.sections[0]
    section.header.paragraphs[0].text = "{{ agency }} {% if flag %}!{% endif %}"
    section.footer.paragraphs[0].text = "{{ year }}{% for row in rows %} {{ row.name }}{% endfor %}"
    return saved(document)


def split_runs() -> bytes:
    document = Document()
    paragraph = document.add_paragraph()
    for piece in ("{", "{ age", "ncy }", "} and {%", " if flag %", "}yes{% endif %}"):
        paragraph.add_run(piece).bold = len(piece) > 3
    return saved(document)


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"


def footnotes() -> bytes:
    """A document with a footnotes part, which python-docx cannot make: added to the package by hand."""
    document = Document()
    document.add_paragraph("{{ agency }}")
    source = saved(document)
    note = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<w:footnotes xmlns:w="{W}"><w:footnote w:id="2">'
        "<w:p><w:r><w:t>{{ agency }} {{ year }}</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "[Content_Types].xml":
                part = f'<Override PartName="/word/footnotes.xml" ContentType="{NOTES}"/></Types>'
                text = text.replace(b"</Types>", part.encode())
            if name == "word/_rels/document.xml.rels":
                relation = f'<Relationship Id="rIdN" Type="{kind}" Target="footnotes.xml"/></Relationships>'
                text = text.replace(b"</Relationships>", relation.encode())
            new.writestr(name, text)
        new.writestr("word/footnotes.xml", note)
    return stream.getvalue()


TYPES = "[Content_Types].xml"
MAKERS: tuple[Callable[[], bytes], ...] = (
    loops_and_conditions,
    table_rows,
    headers_and_footers,
    split_runs,
    footnotes,
)


def parts(docx: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        found = {name: comparable(name, package.read(name)) for name in package.namelist() if name != CORE}
    found[TYPES] = {name: content_type(name, found[TYPES]) for name in found if name != TYPES}
    return found


def content_type(name: str, types: list[Any]) -> str | None:
    """The content type of a part: its own, or that of its suffix; a package may say it either way."""
    named = {dict(items).get("PartName"): dict(items)["ContentType"] for _, items in types}
    suffixes = {dict(items).get("Extension"): dict(items)["ContentType"] for _, items in types}
    return named.get(f"/{name}") or suffixes.get(name.rpartition(".")[2])


def comparable(name: str, content: bytes) -> Any:
    """A part as it is compared: canonical XML; content types and relationships are sets."""
    if name.endswith((".rels", "[Content_Types].xml")):
        return sorted((child.tag, sorted(child.items())) for child in etree.fromstring(content))
    if not name.endswith(".xml"):
        return content
    return etree.tostring(etree.fromstring(content), method="c14n2")


def by_docxtpl(docx: bytes, data: dict[str, Any]) -> dict[str, Any]:
    template = DocxTemplate(io.BytesIO(docx))
    environment = jinja_environment()
    environment.finalize = None
    template.render(data, environment, autoescape=True)
    return parts(saved(template))


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@settings(max_examples=4)
@given(data=DATA)
def test_every_part_equals_docxtpls_own(make: Callable[[], bytes], data: dict[str, Any]) -> None:
    source = make()
    compiled = compile_template(source, make.__name__)
    assert parts(compiled.render(data, NOBODY)) == by_docxtpl(source, data)


def test_a_template_saved_by_libreoffice_renders_the_same(tmp_path: Path) -> None:
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice is not installed")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.docx").write_bytes(headers_and_footers())
    command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
    command += ["--convert-to", "docx", "--outdir", str(tmp_path), str(tmp_path / "in" / "t.docx")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    source = (tmp_path / "t.docx").read_bytes()
    data = {"agency": "某局", "year": 2024, "flag": True, "text": "", "rows": [{"name": "甲", "count": 1}]}
    assert parts(compile_template(source, "t").render(data, NOBODY)) == by_docxtpl(source, data)
