"""A template as HTML with holes: converted once, then filled for every report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lxml import etree
from markupsafe import escape

from nianbao.layout import W
from nianbao.outputs.html.blocks import DOCUMENT, DocumentConverter, NotPlain, Source
from nianbao.outputs.html.css import Sheet
from nianbao.rendering.marks import CLOSE, END, FIELD, HOLE, LAST_HOLE, LAST_LOOP, LOOP, OPEN, shown
from nianbao.rendering.program import Context, FieldOp, Fields, Loop, Op, Program, gathered

# The key under which an item of a list says where it stands.
_WHERE = "[where]"
_TOKEN = re.compile(f"({FIELD}?[{chr(OPEN)}-{END}{CLOSE}])")
_HOLES = re.compile(f"[{chr(HOLE)}-{chr(LAST_HOLE)}]")
# A field's name: what is known, and what the item of a loop says of itself.
Name = tuple[str | FieldOp, ...]


def fill_marks(html: str, fields: Sequence[str], marked: bool) -> str:
    """Return HTML whose marks have become attributes, or nothing."""
    return "".join(_joined(html, lambda n: (fields[n],) if n < len(fields) else ("",), marked))


def _joined(html: str, name: Callable[[int], Name], marked: bool) -> Iterator[Any]:
    """Yield the text of marked HTML, names of fields as attributes; holes and loops stay."""
    open_spans = [False]
    for token in _TOKEN.split(html):
        if not _TOKEN.fullmatch(token):
            yield shown(token)
        elif token[0] == FIELD and len(token) > 1:
            yield from _attribute(name(ord(token[1]) - OPEN), marked)
        elif ord(token) < HOLE:
            attribute = list(_attribute(name(ord(token) - OPEN), marked))
            open_spans.append(bool(attribute))
            if attribute:
                yield from ("<span", *attribute, ">")
        elif token == CLOSE:
            if open_spans.pop():
                yield "</span>"
        else:
            yield token


def _attribute(name: Name, marked: bool) -> Iterator[str | FieldOp]:
    if marked and any(name):
        yield from (' data-field="', *(str(escape(p)) if isinstance(p, str) else p for p in name), '"')


class _Symbols:
    """Prints a program with a hole for each field and an instruction for each loop."""

    def __init__(self) -> None:
        self.holes: list[FieldOp] = [FieldOp(())]
        self.names: list[Name] = [()]
        self.loops: list[Loop] = []

    def print(self, ops: Sequence[Op], scopes: tuple[Name, ...] = ((),)) -> str:
        """Return the text; `scopes` are the names of what is in scope."""
        return "".join(self._op(op, scopes) for op in ops)

    def _op(self, op: Op, scopes: tuple[Name, ...]) -> str:
        if isinstance(op, bytes):
            return op.decode()
        if isinstance(op, FieldOp):
            return self._hole(op, scopes)
        if isinstance(op, Fields):
            fields = (FieldOp(tuple(path.split("."))) for path in op.get(_Paths()))
            texts = (text.decode() for text in op.following)
            return "".join(self._hole(f, scopes) + text for f, text in zip(fields, texts, strict=True))
        return self._loop(op, scopes)

    def _hole(self, op: FieldOp, scopes: tuple[Name, ...]) -> str:
        self.holes.append(op)
        self.names.append(_named(op, scopes))
        index = len(self.holes) - 1
        if HOLE + index > LAST_HOLE:
            raise NotPlain
        return f"{chr(OPEN + index)}{chr(HOLE + index)}{CLOSE}"

    def _loop(self, op: Loop, scopes: tuple[Name, ...]) -> str:
        source = _named(op.source, scopes)
        inner: Name = source if op.paragraphs else (FieldOp((_WHERE,), len(scopes)),)
        index = len(self.loops)
        self.loops.append(op)
        if LOOP + index > LAST_LOOP:
            raise NotPlain
        return f"<?loop {index}?>{self.print(op.body, (*scopes, inner))}<?end?>"


class _Paths:
    """Gives the path of a field for its value."""

    def __getitem__(self, path: str) -> str:
        return path


def _named(op: FieldOp, scopes: tuple[Name, ...]) -> Name:
    base = scopes[op.scope]
    steps = ".".join(op.steps)
    return (*base, f".{steps}" if base and steps else steps) if steps else base


def compile_html(program: Program, source: Source, sheet: Sheet, marked: bool) -> Program | None:
    """Return the program that prints a report's HTML, None where it would not be that of every report.

    It is where loops repeat whole paragraphs of the body and nothing else.
    """
    symbols = _Symbols()
    try:
        xml = symbols.print(program.ops).encode()
        _check_loops(xml)
        html = DocumentConverter(source, {**source.contents, DOCUMENT: xml}, sheet).convert()
        if len(_HOLES.findall(html)) != len(symbols.holes) - 1:
            return None  # a value that is printed between runs makes runs of its own
        ops, rest = _ops(list(_joined(html, lambda n: symbols.names[n], marked)), symbols)
    except NotPlain:
        return None
    assert not rest
    return Program(tuple(gathered(ops)))


def _check_loops(xml: bytes) -> None:
    """Raise NotPlain unless every loop repeats whole paragraphs of the body."""
    root = etree.fromstring(xml)
    opened: list[etree._Element] = []
    for each in root.iter(etree.ProcessingInstruction):
        parent = each.getparent()
        if parent is None or parent.tag not in (f"{W}body", f"{W}sdtContent"):
            raise NotPlain
        if isinstance(each, etree._ProcessingInstruction) and each.target == "loop":
            opened.append(parent)
        elif opened.pop() is not parent:
            raise NotPlain


def _ops(tokens: list[Any], symbols: _Symbols) -> tuple[list[Op], list[Any]]:
    """Return the operations up to the end of a loop or of all, and the tokens after it."""
    ops: list[Op] = []
    while tokens:
        token = tokens.pop(0)
        if isinstance(token, FieldOp):
            ops.append(token)
        elif token == END:
            break
        elif len(token) == 1 and HOLE <= ord(token) <= LAST_HOLE:
            ops.append(symbols.holes[ord(token) - HOLE])
        elif len(token) == 1 and LOOP <= ord(token) <= LAST_LOOP:
            loop = symbols.loops[ord(token) - LOOP]
            body, tokens = _ops(tokens, symbols)
            ops.append(Loop(loop.source, loop.paragraphs, tuple(gathered(body))))
        elif token:
            text = token.encode()
            ops = [*ops[:-1], ops[-1] + text] if ops and isinstance(ops[-1], bytes) else [*ops, text]
    return ops, tokens


def with_places(data: Any, path: str = "") -> Any:
    """Return nested data in which every item of a list says where it stands."""
    if isinstance(data, Context):
        return data.with_fields({key: with_places(value, key) for key, value in data.fields.items()})
    if isinstance(data, Mapping):
        return {key: with_places(item, f"{path}.{key}" if path else key) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [_placed(with_places(item, f"{path}[{n}]"), f"{path}[{n}]") for n, item in enumerate(data)]
    return data


def _placed(item: Any, path: str) -> Any:
    return {**item, _WHERE: path} if isinstance(item, Mapping) else item
