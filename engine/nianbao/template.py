"""Word templates in docxtpl's dialect, compiled once: the only module that imports docxtpl.

docxtpl's `patch_xml` turns the XML of a part into a Jinja template. It is a pure function, so it runs
once for a template; for a report only Jinja renders, and only the parts that hold tags.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from markupsafe import Markup, escape

from nianbao.errors import RenderError, TemplateError
from nianbao.layout import Layout, read_layout
from nianbao.outputs.docx import Part, deflate, stitch
from nianbao.program import Program, compile_program
from nianbao.values import ILLEGAL

CORE = "docProps/core.xml"
_RENDERED = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_TAGS = re.compile(r"\{\{|\{%|\{#")
_TAB = '</w:t><w:tab/><w:t xml:space="preserve">'
_BREAK = '</w:t><w:br/><w:t xml:space="preserve">'


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox that sees the report and the filter `paragraphs`; nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the item of that name: ``{{ d.items }}`` never prints a method."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def _paragraphs(text: object) -> list[str]:
    """Return the paragraphs of a text; an empty text has none."""
    return str(text).split("\n") if text not in (None, "") else []


def _text_of(value: object) -> str:
    """Return what a value prints: escaped, with tabs and line breaks as Word has them."""
    if isinstance(value, str):
        if bad := ILLEGAL.search(value):
            raise RenderError(f"文字里有Word文件不能保存的字符U+{ord(bad[0]):04X}，请删除后重试")
        text = str(escape(value))
        return text.replace("\t", _TAB).replace("\n", _BREAK) if "\t" in text or "\n" in text else text
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(escape(value))


def _printed(value: object) -> object:
    """Return what an expression of a Jinja template prints; what is undefined stays, and is refused."""
    return Markup(_text_of(value)) if not isinstance(value, Undefined) else value


def _environment() -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined, autoescape=True, finalize=_printed, keep_trailing_newline=True
    )
    environment.filters.clear()
    environment.globals.clear()
    environment.filters["paragraphs"] = _paragraphs
    return environment


@dataclass(frozen=True)
class Properties:
    """Core properties of a document; `created` is a W3CDTF time."""

    title: str
    author: str
    subject: str
    created: str

    def xml(self) -> bytes:
        """Return the core properties part."""
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{escape(self.title)}</dc:title><dc:subject>{escape(self.subject)}</dc:subject>"
            f"<dc:creator>{escape(self.author)}</dc:creator>"
            f"<cp:lastModifiedBy>{escape(self.author)}</cp:lastModifiedBy>"
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{self.created}</dcterms:created>'
            f'<dcterms:modified xsi:type="dcterms:W3CDTF">{self.created}</dcterms:modified>'
            "</cp:coreProperties>"
        ).encode()


@dataclass(frozen=True)
class CompiledTemplate:
    """A template that renders many times: static parts deflated, the others compiled."""

    digest: str
    layout: Layout
    parts: tuple[Part | tuple[str, Program | Template], ...]
    names: frozenset[str]

    def render(self, context: Mapping[str, Any], properties: Properties) -> bytes:
        """Return the .docx of one report; raises RenderError for a value that cannot be placed."""
        try:
            parts = [
                part if isinstance(part, Part) else deflate(part[0], _run(part[1], context).encode())
                for part in self.parts
            ]
        except (UndefinedError, KeyError) as error:
            raise RenderError(f"模板里的栏目在数据中没有：{error}") from error
        return stitch([*parts, deflate(CORE, properties.xml())])


def _run(template: Program | Template, context: Mapping[str, Any]) -> str:
    if isinstance(template, Program):
        return template.run(context, _text_of)
    return template.render(context)


def compile_template(docx: bytes, name: str) -> CompiledTemplate:
    """Return the compiled template; raises TemplateError naming `name` and the first mistake."""
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as package:
            contents = {info.filename: package.read(info) for info in package.infolist() if not info.is_dir()}
        layout = read_layout(docx)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError) as error:
        raise TemplateError(f"模板{name}不是可用的Word文档（.docx）：{error}", file=name) from error
    parts, names = _compile_parts(_with_core(contents), name)
    return CompiledTemplate(hashlib.sha256(docx).hexdigest(), layout, tuple(parts), frozenset(names))


def _compile_parts(
    contents: Mapping[str, bytes], name: str
) -> tuple[list[Part | tuple[str, Program | Template]], set[str]]:
    environment = _environment()
    parts: list[Part | tuple[str, Program | Template]] = []
    names: set[str] = set()
    for part, content in contents.items():
        source = patched(content) if _RENDERED.fullmatch(part) else ""
        if not source:
            parts.append(deflate(part, content))
            continue
        try:
            tree = environment.parse(source)
            parts.append((part, compile_program(tree) or environment.from_string(tree)))
        except TemplateSyntaxError as error:
            raise TemplateError(f"模板{name}的{part}写法有误：{error.message}", file=name) from error
        names |= set(used_paths(tree))
    return parts, names


def parsed_parts(docx: bytes) -> Iterator[tuple[str, nodes.Template]]:
    """Yield (part, syntax tree) of every part that holds tags; raises TemplateSyntaxError."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        for part in package.namelist():
            if _RENDERED.fullmatch(part) and (source := patched(package.read(part))):
                yield part, _environment().parse(source)


def patched(content: bytes) -> str:
    """Return the XML of a part as docxtpl's Jinja source; empty where it holds no tags."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    source = etree.tostring(root, encoding="unicode")
    declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return declaration + str(DocxTemplate(None).patch_xml(source)) if _TAGS.search(_text(root)) else ""


def _text(root: etree._Element) -> str:
    return "".join(text for text in root.itertext() if isinstance(text, str))


def _with_core(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the parts of a package without the author's core properties, which every report writes anew."""
    kept = {part: content for part, content in contents.items() if part != CORE}
    types, relations = "[Content_Types].xml", "_rels/.rels"
    if CORE not in contents:
        kept[types] = contents[types].replace(
            b"</Types>",
            b'<Override PartName="/docProps/core.xml" ContentType='
            b'"application/vnd.openxmlformats-package.core-properties+xml"/></Types>',
        )
        kept[relations] = contents[relations].replace(
            b"</Relationships>",
            b'<Relationship Id="rIdCore" Type="http://schemas.openxmlformats.org/package/2006/relationships'
            b'/metadata/core-properties" Target="docProps/core.xml"/></Relationships>',
        )
    return kept


def used_paths(tree: nodes.Template) -> Iterator[str]:
    """Yield the field paths that a template uses, loop variables resolved: ``overview.additional[].text``."""
    yield from _walk(tree, {})


def _walk(node: nodes.Node, scope: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, nodes.For):
        source = _path(node.iter, scope)
        yield from _walk(node.iter, scope)
        inner = dict(scope)
        if isinstance(node.target, nodes.Name) and source is not None:
            inner[node.target.name] = source if isinstance(node.iter, nodes.Filter) else f"{source}[]"
        for child in (*node.body, *node.else_):
            yield from _walk(child, inner)
        return
    path = _path(node, scope)
    if path is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, scope)


def _path(node: nodes.Node, scope: Mapping[str, str]) -> str | None:
    """Return the path that an expression names, None if it is another kind of expression."""
    if isinstance(node, nodes.Filter) and node.name == "paragraphs" and node.node is not None:
        return _path(node.node, scope)
    if isinstance(node, nodes.Name):
        return scope.get(node.name, node.name)
    if isinstance(node, nodes.Getattr):
        base = _path(node.node, scope)
        return None if base is None else f"{base}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        base = _path(node.node, scope)
        return None if base is None else f"{base}.{node.arg.value}"
    return None
