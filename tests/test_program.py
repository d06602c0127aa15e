"""Compiled templates: the quick program and Jinja print the same, and docxtpl would too."""

from __future__ import annotations

import base64
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from docx import Document
from docxtpl import DocxTemplate, InlineImage, RichText
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from conftest import consistent_report
from nianbao.errors import RenderError
from nianbao.outputs.docx import Properties
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from nianbao.rendering.context import properties, template_context
from nianbao.rendering.program import Program
from nianbao.rendering.sandbox import jinja_environment
from nianbao.rendering.template import compile_template, parsed_parts
from nianbao.values import ILLEGAL

TEXT = st.text(st.characters(exclude_categories=("Cs",)).filter(lambda c: not ILLEGAL.match(c)), max_size=40)
# docxtpl turns these into layout or into braces, which nianbao does itself or not at all.
PLAIN = TEXT.filter(lambda t: not set(t) & set("{}%\t\n\a\f\r"))


def jinja_only(docx: bytes, context: dict[str, Any]) -> dict[str, str]:
    """What Jinja prints for each part, without the quick program."""
    environment = jinja_environment()
    return {part: environment.from_string(tree).render(context) for part, tree in parsed_parts(docx)}


def parts(docx: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        return {name: package.read(name) for name in package.namelist()}


def canonical(xml: bytes | str) -> bytes:
    return etree.tostring(etree.fromstring(xml if isinstance(xml, bytes) else xml.encode()), method="c14n2")


def same_form(name: str, xml: bytes) -> Any:
    """A part as it is compared: canonical; content types and relationships are sets."""
    if name.endswith((".rels", "[Content_Types].xml")):
        return sorted((child.tag, sorted(child.items())) for child in etree.fromstring(xml))
    return canonical(xml)


def data_with(pack: Pack, **texts: str) -> dict[str, Any]:
    data = consistent_report(pack, 5)
    return {
        **data,
        **texts,
        "overview": {
            **data["overview"],
            "additional": [{"heading": "（六）其他", "text": texts["problems"]}, {"text": "只有正文"}],
        },
    }


@pytest.mark.parametrize("template", ["report.docx", "official.docx"])
def test_the_packs_templates_run_as_programs(pack: Pack, template: str) -> None:
    compiled = compile_template(pack.sources[template], template)
    assert compiled.parts
    assert all(isinstance(program, Program) for _, program in compiled.parts)


@settings(max_examples=15)
@given(text=TEXT, other=TEXT)
def test_the_program_prints_what_jinja_prints(pack: Pack, text: str, other: str) -> None:
    report = report_from_data(data_with(pack, problems=text, introduction=other), pack)
    context = template_context(report, pack)
    made = parts(pack.template.render(context, properties(report, pack)))
    for part, expected in jinja_only(pack.sources["report.docx"], context).items():
        assert canonical(made[part]) == canonical(expected)


def docxtpl_parts(docx: bytes, context: dict[str, Any]) -> dict[str, bytes]:
    template = DocxTemplate(io.BytesIO(docx))
    environment = jinja_environment()
    environment.finalize = None
    template.render(context, environment, autoescape=True)
    stream = io.BytesIO()
    template.save(stream)
    return parts(stream.getvalue())


@settings(max_examples=10)
@given(text=PLAIN, other=PLAIN)
def test_every_part_equals_docxtpls_own_output(pack: Pack, text: str, other: str) -> None:
    report = report_from_data(data_with(pack, problems=text, introduction=other), pack)
    context = template_context(report, pack)
    made = parts(pack.template.render(context, properties(report, pack)))
    theirs = docxtpl_parts(pack.sources["report.docx"], context)
    assert made.keys() == theirs.keys()
    # The core properties are the report's own here, the template author's there.
    differing = [
        n for n in made.keys() - {"docProps/core.xml"} if same_form(n, made[n]) != same_form(n, theirs[n])
    ]
    assert differing == []


def docx(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


NOBODY = Properties("", "", "", "2024-01-31T00:00:00Z")


@pytest.mark.parametrize(
    "inner", [("{{ p }}",), ("{% if p %}x{% endif %}",), ()], ids=["program", "jinja", "jinja without output"]
)
def test_a_template_that_loops_without_end_is_stopped(inner: tuple[str, ...]) -> None:
    depth = 5
    loops = ["{%p for p in text|paragraphs %}"] * depth + list(inner) + ["{%p endfor %}"] * depth
    if not inner:
        loops.insert(0, "{% if text %}x{% endif %}")
    compiled = compile_template(docx(*loops), "t")
    with pytest.raises(RenderError, match="循环次数或输出过多"):
        compiled.render({"text": "x\n" * 200}, NOBODY)


def test_objects_of_docxtpl_go_through_docxtpl_itself(pack: Pack) -> None:
    text = RichText("bold", bold=True)
    made = compile_template(docx("{{r note }}", "{{ amount }}", "{{ plain }}"), "t").render(
        {"note": text, "amount": Decimal("1E+3"), "plain": "a & <b>"}, NOBODY
    )
    document = Document(io.BytesIO(made))
    assert [p.text for p in document.paragraphs] == ["bold", "1000", "a & <b>"]
    assert [run.text for p in document.paragraphs for run in p.runs if run.bold] == ["bold"]


def test_a_picture_is_placed_by_the_template_that_it_was_made_with() -> None:
    source = docx("{{ logo }}")
    template = DocxTemplate(io.BytesIO(source))
    template.init_docx()
    dot = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    made = compile_template(source, "t").render({"logo": InlineImage(template, io.BytesIO(dot))}, NOBODY)
    assert len(Document(io.BytesIO(made)).inline_shapes) == 1


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        (("{{ a.b }}",), ["1"]),
        (("{% if a.b == 1 %}yes{% else %}no{% endif %}",), ["yes"]),
        (("{%p for p in text|paragraphs %}", "{{ loop.index }}. {{ p }}", "{%p endfor %}"), ["1. x", "2. y"]),
        (("{%p for i in items %}", "{{ i.name }}", "{%p endfor %}"), ["one", "two"]),
        (
            (
                *("{%p for i in items %}", "{%p for p in i.name|paragraphs %}"),
                *("{{ i.name }}-{{ p }}", "{%p endfor %}", "{%p endfor %}"),
            ),
            ["one-one", "two-two"],
        ),
    ],
)  # fmt: skip
def test_templates_beyond_the_program_still_run(paragraphs: tuple[str, ...], expected: list[str]) -> None:
    context = {"a": {"b": 1}, "text": "x\ny", "items": [{"name": "one"}, {"name": "two"}]}
    made = compile_template(docx(*paragraphs), "t").render(
        context, Properties("", "", "", "2024-01-31T00:00:00Z")
    )
    assert [p.text for p in Document(io.BytesIO(made)).paragraphs] == expected
