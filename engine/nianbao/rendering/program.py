"""Templates as programs: literal text, fields, loops. What most templates are needs no Jinja to run.

A Jinja tree that only prints fields and loops over the paragraphs of a text or the items of a list becomes a
`Program`: the fields between two loops are then fetched in one go. Any other tree stays a Jinja template;
`tests/test_program.py` holds that both print the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from jinja2 import nodes

Print = Callable[[object], str]
_TURN = 100


class Context(Mapping[str, Any]):
    """What a template sees: by field for a program; nested for Jinja, made only when it is asked for.

    `fields` holds every plain field and every list by its path; `nest` makes nested data of it.
    """

    def __init__(
        self, fields: Mapping[str, Any], nest: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> None:
        self.fields = fields
        self._nest = nest

    def with_fields(self, fields: Mapping[str, Any]) -> Context:
        """Return the same with other values of the fields."""
        return Context(fields, self._nest)

    @cached_property
    def _nested(self) -> dict[str, Any]:
        return self._nest(self.fields)

    def __getitem__(self, name: str) -> Any:
        return self._nested[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nested)

    def __len__(self) -> int:
        return len(self._nested)


class _ByPath:
    """Nested data looked up by path."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def __getitem__(self, path: str) -> Any:
        value: Any = self._data
        for step in path.split("."):
            value = value[step]
        return value


@dataclass(frozen=True, slots=True)
class FieldOp:
    """Prints a field of the report (`scope` 0), or of the item of the loop at that depth (from 1)."""

    steps: tuple[str, ...]
    scope: int = 0


@dataclass(frozen=True, slots=True)
class Fields:
    """Prints fields of the report, each with the literal text that follows it."""

    get: Callable[[Any], Sequence[Any]]
    following: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Repeats `body` for the paragraphs of a text, or for the items of a list."""

    source: FieldOp
    paragraphs: bool
    body: tuple[Op, ...]


Op = bytes | FieldOp | Fields | Loop


@dataclass(frozen=True)
class Program:
    """A template that prints fields and loops, and nothing else."""

    ops: tuple[Op, ...]

    def run(self, context: Mapping[str, Any], print_value: Print, limit: int) -> bytes:
        """Return the text in UTF-8; `context` is nested data, `print_value` makes text of a value.

        Raises KeyError where a field is not in the data, TooMuch where the loops print more than `limit`
        characters; a turn of a loop counts for a hundred.
        """
        out: list[bytes] = []
        fields = context.fields if isinstance(context, Context) else _ByPath(context)
        _run(self.ops, (fields,), print_value, out, [limit])
        return b"".join(out)


class TooMuch(Exception):
    """A template loops or prints without end."""


def _run(
    ops: Sequence[Op], scopes: tuple[Any, ...], print_value: Print, out: list[bytes], left: list[int]
) -> None:
    for op in ops:
        if type(op) is bytes:
            out.append(op)
        elif type(op) is Fields:
            pieces: list[bytes] = [b""] * (2 * len(op.following))
            values = op.get(scopes[0])
            pieces[::2] = [b"%d" % v if type(v) is int else print_value(v).encode() for v in values]
            pieces[1::2] = op.following
            out += pieces
        elif type(op) is FieldOp:
            out.append(print_value(_value(op, scopes)).encode())
        else:
            assert isinstance(op, Loop)
            source = _value(op.source, scopes)
            for item in split_paragraphs(source) if op.paragraphs else source:
                start = len(out)
                _run(op.body, (*scopes, item), print_value, out, left)
                left[0] -= _TURN + sum(map(len, out[start:]))
                if left[0] < 0:
                    raise TooMuch


def _value(op: FieldOp, scopes: tuple[Any, ...]) -> Any:
    value = scopes[op.scope]
    if op.scope == 0:
        return value[".".join(op.steps)]
    for step in op.steps:
        value = value[step]
    return value


def split_paragraphs(text: object) -> list[str]:
    """Return the paragraphs of a text; an empty text has none."""
    return str(text).split("\n") if text not in (None, "") else []


def compile_program(tree: nodes.Template) -> Program | None:
    """Return the program that a Jinja tree amounts to, or None where it holds anything else."""
    try:
        return Program(tuple(gathered(_joined(_ops(tree.body, ())))))
    except _NotPlain:
        return None


class _NotPlain(Exception):
    """The tree holds more than fields and loops."""


def _ops(body: Sequence[nodes.Node], variables: tuple[str, ...]) -> Iterator[Op]:
    """Yield the operations of a body; literal text is UTF-8 already, since it never changes."""
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if isinstance(part, nodes.TemplateData):
                    yield part.data.encode()
                else:
                    yield _field(part, variables)
        elif isinstance(node, nodes.For):
            yield _loop(node, variables)
        else:
            raise _NotPlain


def _loop(node: nodes.For, variables: tuple[str, ...]) -> Loop:
    if not isinstance(node.target, nodes.Name) or node.else_ or node.test or node.recursive:
        raise _NotPlain
    source: nodes.Node | None = node.iter
    paragraphs = isinstance(source, nodes.Filter)
    if isinstance(source, nodes.Filter):
        if source.name != "paragraphs" or source.args or source.kwargs:
            raise _NotPlain
        source = source.node
    body = gathered(_joined(_ops(node.body, (*variables, node.target.name))))
    return Loop(_field(source, variables), paragraphs, tuple(body))


def _field(node: nodes.Node | None, variables: tuple[str, ...]) -> FieldOp:
    steps: list[str] = []
    while isinstance(node, nodes.Getattr):
        steps.insert(0, node.attr)
        node = node.node
    if not isinstance(node, nodes.Name) or node.name == "loop":
        raise _NotPlain
    for depth in range(len(variables) - 1, -1, -1):
        if variables[depth] == node.name:
            return FieldOp(tuple(steps), depth + 1)
    return FieldOp((node.name, *steps))


def _joined(ops: Iterator[Op]) -> Iterator[Op]:
    """Yield the operations with neighbouring texts as one."""
    text = b""
    for op in ops:
        if isinstance(op, bytes):
            text += op
            continue
        if text:
            yield text
        text = b""
        yield op
    if text:
        yield text


def gathered(ops: Iterable[Op]) -> Iterator[Op]:
    """Yield the operations with neighbouring fields of the report, and the texts between them, as one."""
    paths: list[str] = []
    following: list[bytes] = []
    for op in ops:
        if isinstance(op, FieldOp) and op.scope == 0:
            paths.append(".".join(op.steps))
            following.append(b"")
        elif isinstance(op, bytes) and paths and not following[-1]:
            following[-1] = op
        else:
            yield from _fields(paths, following)
            paths, following = [], []
            yield op
    yield from _fields(paths, following)


def _fields(paths: Sequence[str], following: Sequence[bytes]) -> Iterator[Fields]:
    if len(paths) > 1:
        yield Fields(itemgetter(*paths), tuple(following))
    elif paths:
        # For a single key, itemgetter gives the value itself.
        yield Fields(lambda fields: (fields[paths[0]],), tuple(following))
