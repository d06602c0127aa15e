"""What is wrong with a template before it runs: tags, fields that do not exist or are not placed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from lxml import etree

from nianbao.errors import TemplateError
from nianbao.fields import FieldSet, generic
from nianbao.findings import Severity
from nianbao.layout import W, joined_text
from nianbao.template import CompiledTemplate, compile_template, parsed_parts
from nianbao.values import shortened

_PAIRS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
_FULL_WIDTH = re.compile("｛[｛%{％]|[｝%}％]｝|{％|％}")
_ALLOWED = (
    *(
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Name,
        nodes.Getattr,
        nodes.Getitem,
        nodes.Const,
    ),
    *(nodes.For, nodes.If, nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Concat, nodes.CondExpr, nodes.Add, nodes.Sub, nodes.List, nodes.Tuple, nodes.Test),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a template or a pack, as a sentence."""

    severity: Severity
    message: str


def lint_template(docx: bytes, name: str, fields: FieldSet) -> list[Problem]:
    """Return the problems of a template, the grave ones first; an empty list means that it may be used."""
    try:
        problems = list(_text_problems(docx, name))
        if any(p.severity == "error" for p in problems):
            return problems
        template = compile_template(docx, name)
    except TemplateError as error:
        return [Problem("error", error.message)]
    except (zipfile.BadZipFile, etree.XMLSyntaxError, KeyError):
        return [Problem("error", f"模板{name}不是可用的Word文档（.docx），请用Word或WPS另存为.docx")]
    problems += _code_problems(docx, name)
    problems += _field_problems(template, name, fields)
    return sorted(problems, key=lambda p: p.severity != "error")


def load_template(docx: bytes, name: str, fields: FieldSet) -> CompiledTemplate:
    """Return the compiled template after linting it; raises TemplateError with every grave problem."""
    errors = [p.message for p in lint_template(docx, name, fields) if p.severity == "error"]
    if errors:
        raise TemplateError("；".join(errors), file=name)
    return compile_template(docx, name)


def _text_problems(docx: bytes, name: str) -> Iterator[Problem]:
    """Yield what is wrong with the tags of a paragraph before docxtpl sees them."""
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        parts = [n for n in package.namelist() if n.startswith("word/") and n.endswith(".xml")]
        for part in parts:
            for paragraph in etree.fromstring(package.read(part)).iter(f"{W}p"):
                text = joined_text(paragraph)
                shown = f"模板{name}：“{shortened(text, 40)}”"
                if _FULL_WIDTH.search(text):
                    yield Problem("error", f"{shown}用了全角括号，应为半角 {{{{ }}}} 或 {{% %}}")
                for opening, closing in _PAIRS:
                    if text.count(opening) != text.count(closing):
                        yield Problem("error", f"{shown}的{opening}与{closing}不成对")


def _code_problems(docx: bytes, name: str) -> Iterator[Problem]:
    """Yield expressions that a template must not hold: calls, assignments, other code."""
    try:
        for part, tree in parsed_parts(docx):
            for node in _all_nodes(tree):
                if not isinstance(node, _ALLOWED):
                    kind = "调用" if isinstance(node, nodes.Call) else type(node).__name__
                    yield Problem(
                        "error", f"模板{name}的{part}含有不允许的写法（{kind}），只能输出栏目和循环"
                    )
    except TemplateSyntaxError as error:
        yield Problem("error", f"模板{name}写法有误：{error.message}")


def _all_nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all_nodes(child)


def _field_problems(template: CompiledTemplate, name: str, fields: FieldSet) -> Iterator[Problem]:
    lists = {f"{path}[]" for path in fields.lists}
    known = {f.path for f in fields} | set(fields.nodes) | lists
    for path in sorted(template.names):
        if path not in known and generic(path) not in known and not path.startswith("loop."):
            yield Problem("error", f"模板{name}用了没有的栏目：{path}")
    for field in fields:
        # The agency and the year may stand in the title alone; entries of a map stand in the cells.
        if (
            not field.printed
            or field.path in template.names | {"agency", "year"}
            or field.path.endswith("[]")
        ):
            continue
        severity: Severity = "error" if field.required and field.is_number else "warning"
        yield Problem(severity, f"模板{name}没有放置栏目：{field.place}（{field.path}）")
