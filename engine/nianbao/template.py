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
from jinja2 import Template, TemplateSyntaxError, UndefinedError, nodes
from lxml import etree

from nianbao.errors import RenderError, TemplateError
from nianbao.layout import Layout, read_layout
from nianbao.outputs.docx import CORE, Package, Part, Properties, deflate
from nianbao.program import Program, compile_program
from nianbao.sandbox import RichValue, jinja_environment, run_template, text_of

_RENDERED = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_TAGS = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True)
class CompiledTemplate:
    """A template that renders many times: `fixed` are the parts without tags, `parts` the compiled others."""

    digest: str
    source: bytes
    layout: Layout
    fixed: Package
    parts: tuple[tuple[str, Program | Template], ...]
    names: frozenset[str]

    def render(self, context: Mapping[str, Any], properties: Properties) -> bytes:
        """Return the .docx of one report; raises RenderError for a value that cannot be placed.

        Data that hold objects of docxtpl (InlineImage, RichText, Subdoc, Listing) go through docxtpl itself.
        """
        try:
            parts = [deflate(name, run_template(template, context)) for name, template in self.parts]
        except (UndefinedError, KeyError) as error:
            raise RenderError(f"模板里的栏目在数据中没有：{error}") from error
        except RichValue as rich:
            return _with_docxtpl(self.source, rich.value, context, properties)
        return self.fixed.with_parts([*parts, deflate(CORE, properties.xml())]).finished()


def _with_docxtpl(source: bytes, value: Any, context: Mapping[str, Any], properties: Properties) -> bytes:
    """Return the .docx that docxtpl itself renders, with the report's own core properties.

    A picture or a sub-document belongs to the DocxTemplate that it was made with, so that one renders.
    """
    template = getattr(value, "tpl", None) or DocxTemplate(io.BytesIO(source))
    environment = jinja_environment()
    environment.finalize = None
    template.render(_plain(context), environment, autoescape=True)
    stream = io.BytesIO()
    template.save(stream)
    with zipfile.ZipFile(stream) as package:
        contents = {name: package.read(name) for name in package.namelist()}
    parts = [deflate(name, content) for name, content in _with_core(contents).items()]
    return Package().with_parts([*parts, deflate(CORE, properties.xml())]).finished()


def _plain(value: Any) -> Any:
    """Return data as docxtpl prints it right: decimals as text, texts that XML can hold."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        # Only the check counts: docxtpl escapes, and makes layout of tabs and breaks itself.
        text_of(value)
    return "" if value is None else value


def compile_template(docx: bytes, name: str) -> CompiledTemplate:
    """Return the compiled template; raises TemplateError naming `name` and the first mistake."""
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as package:
            contents = {info.filename: package.read(info) for info in package.infolist() if not info.is_dir()}
        layout = read_layout(docx)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError) as error:
        raise TemplateError(f"模板{name}不是可用的Word文档（.docx）：{error}", file=name) from error
    fixed, parts, names = _compile_parts(_with_core(contents), name)
    digest = hashlib.sha256(docx).hexdigest()
    return CompiledTemplate(digest, docx, layout, Package().with_parts(fixed), tuple(parts), frozenset(names))


def _compile_parts(
    contents: Mapping[str, bytes], name: str
) -> tuple[list[Part], list[tuple[str, Program | Template]], set[str]]:
    environment = jinja_environment()
    fixed: list[Part] = []
    parts: list[tuple[str, Program | Template]] = []
    names: set[str] = set()
    for part, content in contents.items():
        source = patched(content) if _RENDERED.fullmatch(part) else ""
        if not source:
            fixed.append(deflate(part, content))
            continue
        try:
            tree = environment.parse(source)
            parts.append((part, compile_program(tree) or environment.from_string(tree)))
        except TemplateSyntaxError as error:
            raise TemplateError(f"模板{name}的{part}写法有误：{error.message}", file=name) from error
        names |= set(used_paths(tree))
    return fixed, parts, names


def parsed_parts(docx: bytes) -> Iterator[tuple[str, nodes.Template]]:
    """Yield (part, syntax tree) of every part that holds tags; raises TemplateSyntaxError."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        for part in package.namelist():
            if _RENDERED.fullmatch(part) and (source := patched(package.read(part))):
                yield part, jinja_environment().parse(source)


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
