"""What is wrong with a template before it runs: tags, fields that do not exist or are not placed."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from jinja2 import TemplateSyntaxError, nodes

from nianbao.errors import TemplateError
from nianbao.fields import FieldSet, generic
from nianbao.findings import Severity
from nianbao.layout import W, joined_text
from nianbao.rendering.balance import bodies, keeps_balance
from nianbao.rendering.package import parse_part, read_package
from nianbao.rendering.safety import misplaced_tags, unsafe_contents
from nianbao.rendering.template import (
    RENDERED,
    CompiledTemplate,
    compile_template,
    loop_sources,
    parsed_parts,
    path_of,
)
from nianbao.rendering.words import syntax_words
from nianbao.values import shortened

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
# So many fields of a table are named, the rest counted.
_NAMED = 5
# What Jinja says of a loop.
_LOOP = {f"loop.{name}" for name in ("index", "index0", "first", "last", "length", "revindex", "revindex0")}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a template or a pack, as a sentence."""

    severity: Severity
    message: str


def lint_template(docx: bytes, name: str, fields: FieldSet) -> list[Problem]:
    """Return the problems of a template, the grave ones first; an empty list means that it may be used."""
    try:
        contents = read_package(docx, name)
        # Each step trusts that the ones before found nothing.
        problems = [Problem("error", message) for message in unsafe_contents(contents, name)]
        problems = problems or list(_text_problems(contents, name))
        if problems:
            return problems
        template = compile_template(docx, name)
    except TemplateError as error:
        return [Problem("error", error.message)]
    problems += _code_problems(docx, name, fields.lists)
    problems += _field_problems(template, name, fields)
    return sorted(problems, key=lambda p: p.severity != "error")


def load_template(docx: bytes, name: str, fields: FieldSet) -> CompiledTemplate:
    """Return the compiled template after linting it; raises TemplateError with every grave problem."""
    errors = [p.message for p in lint_template(docx, name, fields) if p.severity == "error"]
    if errors:
        raise TemplateError("；".join(errors), file=name)
    return compile_template(docx, name)


def load_document(docx: bytes, name: str, known: Mapping[str, Sequence[str] | None]) -> CompiledTemplate:
    """Return the compiled template of a document that is no report; raises TemplateError with every problem.

    `known` are the names that it may use: None for a text, for a list the names inside an item (none for a
    list of texts), ``*`` alone for a part with names of any kind.
    """
    contents = read_package(docx, name)
    problems = list(unsafe_contents(contents, name))
    problems = problems or [p.message for p in _text_problems(contents, name)]
    if not problems:
        lists = {path for path, inner in known.items() if inner is not None and "*" not in inner}
        problems = [p.message for p in _code_problems(docx, name, lists)]
    if problems:
        raise TemplateError("；".join(problems), file=name)
    template = compile_template(docx, name)
    for path in sorted(template.names - _LOOP):
        head, _, rest = path.partition(".")
        head = head.removesuffix("[]")
        inner = known.get(head) or ()
        if head not in known or (rest and rest not in inner and "*" not in inner):
            raise TemplateError(f"模板{name}用了没有的名称：{path}；可用的有：{'、'.join(known)}", file=name)
    return template


def _text_problems(contents: Mapping[str, bytes], name: str) -> Iterator[Problem]:
    """Yield what is wrong with the tags of a paragraph before docxtpl sees them."""
    for part, content in contents.items():
        if not RENDERED.fullmatch(part):
            continue
        root = parse_part(content, part, name)
        for paragraph in root.iter(f"{W}p"):
            text = joined_text(paragraph)
            if _FULL_WIDTH.search(text):
                shown = f"模板{name}：“{shortened(text, 40)}”"
                yield Problem("error", f"{shown}用了全角括号，应为半角 {{{{ }}}} 或 {{% %}}")
        yield from (Problem("error", message) for message in misplaced_tags(root, name))


def _code_problems(docx: bytes, name: str, lists: Container[str]) -> Iterator[Problem]:
    """Yield what a template must not hold: calls, assignments, other code, loops over anything but fields."""
    try:
        for part, tree in parsed_parts(docx):
            for node in _all_nodes(tree):
                if not isinstance(node, _ALLOWED):
                    kind = "调用" if isinstance(node, nodes.Call) else type(node).__name__
                    yield Problem(
                        "error", f"模板{name}的{part}含有不允许的写法（{kind}），只能输出栏目和循环"
                    )
                elif isinstance(node, nodes.Getattr | nodes.Getitem) and path_of(node, {}) is None:
                    yield Problem("error", f"模板{name}的{part}含有不允许的写法，点号前只能是栏目")
            yield from _loop_problems(tree, f"模板{name}的{part}", lists)
            if any(not keeps_balance(body) for body in bodies(tree)):
                message = "循环或条件的头尾不在同一层（如一个在表格里，一个在表格外），会生成损坏的文件"
                yield Problem("error", f"模板{name}的{part}里{message}")
    except TemplateSyntaxError as error:
        yield Problem("error", f"模板{name}写法有误：{syntax_words(error)}")


def _loop_problems(tree: nodes.Template, shown: str, lists: Container[str]) -> Iterator[Problem]:
    for source, paragraphs in loop_sources(tree):
        if source is None or (source not in lists if not paragraphs else source in lists):
            yield Problem("error", f"{shown}里的循环只能用于列表，或用于文字（加上|paragraphs）")


def _all_nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all_nodes(child)


def _field_problems(template: CompiledTemplate, name: str, fields: FieldSet) -> Iterator[Problem]:
    lists = {f"{path}[]" for path in fields.lists}
    known = {f.path for f in fields} | set(fields.nodes) | lists
    for path in sorted(template.names):
        if path not in known and generic(path) not in known and path not in _LOOP:
            yield Problem("error", f"模板{name}用了没有的栏目：{path}")
    yield from _unplaced(template, name, fields)


def _unplaced(template: CompiledTemplate, name: str, fields: FieldSet) -> Iterator[Problem]:
    """Yield the fields that are not placed: those of a table in one sentence, in the order of the schema."""
    # The agency and the year may stand in the title alone; entries of a map stand in the cells.
    placed = template.names | {"agency", "year"}
    missing = [f for f in fields if f.printed and f.path not in placed and not f.path.endswith("[]")]
    if not template.names:
        message = "里没有一个栏目（{{ }}）；要的是填上栏目的模板，不是已成文的报告，可从报表包自带的模板改起"
        yield Problem("error", f"模板{name}{message}")
        return
    for severity in ("error", "warning"):
        some = [f for f in missing if (f.required and f.is_number) == (severity == "error")]
        for place, group in groupby(some, lambda field: field.place.split("·")[0]):
            found = list(group)
            shown = "、".join(f"{field.place}（{field.path}）" for field in found[:_NAMED])
            more = f"等{len(found)}个栏目" if len(found) > _NAMED else ""
            every = sum(f.place.split("·")[0] == place for f in fields if f.printed) == len(found) > _NAMED
            what = f"{place}的全部{len(found)}个栏目" if every else f"栏目：{shown}{more}"
            yield Problem(severity, f"模板{name}没有放置{what}")
