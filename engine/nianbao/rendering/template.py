"""Word templates in docxtpl's dialect, compiled once: the only module that imports docxtpl.

docxtpl's `patch_xml` turns the XML of a part into a Jinja template. It is a pure function, so it runs
once for a template; for a report only Jinja renders, and only the parts that hold tags.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from docxtpl import DocxTemplate
from jinja2 import Template, TemplateSyntaxError, Undefined, UndefinedError, nodes
from lxml import etree
from markupsafe import Markup, escape

from nianbao.errors import RenderError, TemplateError
from nianbao.layout import Layout, read_layout
from nianbao.outputs.docx import CORE, Package, Part, Properties, deflate
from nianbao.rendering.marks import Marker, between_marks, hidden
from nianbao.rendering.package import read_package
from nianbao.rendering.program import Context, Program, compile_program
from nianbao.rendering.sandbox import (
    RichValue,
    compile_jinja,
    jinja_environment,
    marked_text_of,
    run_template,
    text_of,
)
from nianbao.rendering.words import syntax_words

RENDERED = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
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
            raise _not_in_data(error) from error
        except RichValue as rich:
            contents = _with_docxtpl(self.source, rich.value, _plain(context))
            parts = [deflate(name, content) for name, content in _with_core(contents).items()]
            return Package().with_parts([*parts, deflate(CORE, properties.xml())]).finished()
        return self.fixed.with_parts([*parts, deflate(CORE, properties.xml())]).finished()

    @cached_property
    def contents(self) -> Mapping[str, bytes]:
        """The parts of the template's own package."""
        with zipfile.ZipFile(io.BytesIO(self.source)) as package:
            return {info.filename: package.read(info) for info in package.infolist() if not info.is_dir()}

    @cached_property
    def marked(self) -> Mapping[str, Program | Template]:
        """The parts that hold tags, compiled to print values between marks."""
        environment = jinja_environment(marked_text_of)
        compiled: dict[str, Program | Template] = {}
        for part, content in self.contents.items():
            if RENDERED.fullmatch(part) and (source := patched(content)):
                tree = environment.parse(hidden(source))
                compiled[part] = compile_program(tree) or compile_jinja(tree, environment)
        return compiled

    def render_marked(self, context: Mapping[str, Any]) -> tuple[Mapping[str, bytes], list[str]]:
        """Return the parts of a report's package with every printed value between marks, and their fields.

        Raises RenderError as `render` does.
        """
        marker = Marker()
        if isinstance(context, Context):
            fields = {path: marker.mark(value, path) for path, value in context.fields.items()}
            known: Mapping[str, Any] = context.with_fields(fields)
        else:
            known = marker.mark(context)
        try:
            parts = {p: run_template(program, known, marked_text_of) for p, program in self.marked.items()}
        except (UndefinedError, KeyError) as error:
            raise _not_in_data(error) from error
        except RichValue as rich:
            return _with_docxtpl(self.source, rich.value, known, _marked_by_docxtpl), marker.fields
        return {**self.contents, **parts}, marker.fields


def _not_in_data(error: Exception) -> RenderError:
    return RenderError(f"模板里的栏目在数据中没有：{error}")


def _with_docxtpl(
    source: bytes, value: Any, context: Mapping[str, Any], finalize: Callable[[object], object] | None = None
) -> dict[str, bytes]:
    """Return the parts of the package that docxtpl itself renders.

    A picture or a sub-document belongs to the DocxTemplate that it was made with, so that one renders.
    """
    template = getattr(value, "tpl", None) or DocxTemplate(io.BytesIO(source))
    environment = jinja_environment()
    environment.finalize = finalize
    template.render(context, environment, autoescape=True)
    stream = io.BytesIO()
    template.save(stream)
    with zipfile.ZipFile(stream) as package:
        return {name: package.read(name) for name in package.namelist()}


def _marked_by_docxtpl(value: object) -> object:
    """Return a value between its marks as docxtpl prints it right; its own objects stay."""
    if isinstance(value, Undefined) or (hasattr(value, "__html__") and not isinstance(value, str)):
        return value
    return Markup(between_marks(value, str(escape(_plain(value)))))


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
    contents = read_package(docx, name)
    try:
        layout = read_layout(docx)
    except (KeyError, ValueError) as error:
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
        source = patched(content) if RENDERED.fullmatch(part) else ""
        if not source:
            fixed.append(deflate(part, content))
            continue
        try:
            tree = environment.parse(source)
            names |= set(used_paths(tree))
            parts.append((part, compile_program(tree) or compile_jinja(tree, environment)))
        except TemplateSyntaxError as error:
            raise TemplateError(f"模板{name}的{part}写法有误：{syntax_words(error)}", file=name) from error
        except (SyntaxError, RecursionError, MemoryError) as error:
            # Python allows twenty blocks in one another, and so does Jinja.
            raise TemplateError(f"模板{name}的{part}里循环、条件或括号套得太深，请精简", file=name) from error
    return fixed, parts, names


def parsed_parts(docx: bytes) -> Iterator[tuple[str, nodes.Template]]:
    """Yield (part, syntax tree) of every part that holds tags; raises TemplateSyntaxError."""
    for part, content in read_package(docx, "").items():
        if RENDERED.fullmatch(part) and (source := patched(content)):
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


def loop_sources(tree: nodes.Template) -> Iterator[tuple[str | None, bool]]:
    """Yield what each loop goes through: a field's path, or None; and whether its paragraphs are meant."""
    yield from _loops(tree, {})


def _loops(node: nodes.Node, scope: Mapping[str, str]) -> Iterator[tuple[str | None, bool]]:
    inner = dict(scope)
    if isinstance(node, nodes.For):
        source = path_of(node.iter, scope)
        yield source, isinstance(node.iter, nodes.Filter)
        if isinstance(node.target, nodes.Name) and source is not None:
            inner[node.target.name] = source if isinstance(node.iter, nodes.Filter) else f"{source}[]"
    for child in node.iter_child_nodes():
        yield from _loops(child, inner)


def _walk(node: nodes.Node, scope: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, nodes.For):
        source = path_of(node.iter, scope)
        yield from _walk(node.iter, scope)
        inner = dict(scope)
        if isinstance(node.target, nodes.Name) and source is not None:
            inner[node.target.name] = source if isinstance(node.iter, nodes.Filter) else f"{source}[]"
        for child in (*node.body, *node.else_):
            yield from _walk(child, inner)
        return
    path = path_of(node, scope)
    if path is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, scope)


def path_of(node: nodes.Node, scope: Mapping[str, str]) -> str | None:
    """Return the path that an expression names, None if it is another kind of expression."""
    if isinstance(node, nodes.Filter) and node.name == "paragraphs" and node.node is not None:
        return path_of(node.node, scope)
    if isinstance(node, nodes.Name):
        return scope.get(node.name, node.name)
    if isinstance(node, nodes.Getattr):
        base = path_of(node.node, scope)
        return None if base is None else f"{base}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        base = path_of(node.node, scope)
        return None if base is None else f"{base}.{node.arg.value}"
    return None
