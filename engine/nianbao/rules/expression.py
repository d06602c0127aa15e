"""The expression language of rules: a small closed part of Python's syntax, read with `ast`.

A path names fields: ``requests.new.total``. In brackets stands a variable of the rule's `each`, the
name of a set, or ``*`` (every child): ``sum(requests.new[applicants])``. Arithmetic is linear:
``+``, ``-`` and ``*`` by a constant. An assertion is one comparison of two linear sides; a condition
(`when`) is comparisons joined by ``and``, ``or``, ``not``. ``previous.requests.new.total`` is the field of
last year's report. Nothing is ever evaluated by Python.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nianbao.fields import Field, FieldSet
from nianbao.findings import Value
from nianbao.predecessors import LAST, this_year

Number = int | Decimal
Lookup = Callable[[str], Value]
Condition = Callable[[Lookup], bool | None]

COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.LtE: "<=",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.Gt: ">",
}
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def holds(op: str, gap: Any, tolerance: Any = 0) -> bool:
    """Return whether a comparison holds whose left side is `gap` more than its right side."""
    if op == "==":
        return bool(-tolerance <= gap <= tolerance)
    # What is forgiven is forgiven in the direction in which the comparison can fail.
    return COMPARE[op](gap, tolerance if op in ("<=", "<") else -tolerance)


class ExpressionError(Exception):
    """An expression that cannot be read; `column` counts from 1 in `part`, a key of the rule."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.part = ""


@contextmanager
def located(part: str) -> Iterator[None]:
    """Tell what is wrong in the body as a mistake in `part` of a rule."""
    try:
        yield
    except ExpressionError as error:
        error.part = error.part or part
        raise


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of fields times constants, plus a constant; a field stands in it once."""

    terms: tuple[tuple[str, Number], ...]
    constant: Number = 0

    def value(self, lookup: Callable[[str], Number]) -> Number:
        """Return the value of the sum; `lookup` gives the number of each field."""
        total = self.constant
        for path, factor in self.terms:
            total += factor * lookup(path)
        return total

    def plus(self, other: Linear, factor: Number = 1) -> Linear:
        """Return this sum plus `factor` times the other."""
        terms = dict(self.terms)
        for path, times in other.terms:
            terms[path] = terms.get(path, 0) + factor * times
        kept = tuple((path, times) for path, times in terms.items() if times)
        return Linear(kept, self.constant + factor * other.constant)

    def times(self, factor: Number) -> Linear:
        """Return this sum times a constant."""
        return Linear((), 0).plus(self, factor)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One linear assertion: ``left op right``, which may be off by `tolerance`."""

    left: Linear
    op: str
    right: Linear
    tolerance: Number = 0

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of both sides, left first."""
        return tuple(dict.fromkeys(path for side in (self.left, self.right) for path, _ in side.terms))


@dataclass(frozen=True)
class Scope:
    """What the names in an expression mean: the fields, the sets, and the bound variables."""

    fields: FieldSet
    sets: Mapping[str, Sequence[str]]
    bound: Mapping[str, str]


@dataclass(frozen=True)
class Expression:
    """Expression text, parsed once and compiled for each binding of its variables."""

    text: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Return the parsed text; raises ExpressionError."""
        # A slice has the length of the star that it replaces, so columns stay right.
        source = text.replace("[*]", "[:]")
        try:
            tree = ast.parse(source, mode="eval").body
        except (SyntaxError, ValueError) as error:
            column = error.offset if isinstance(error, SyntaxError) else None
            raise ExpressionError(f"表达式写法有误：{text}", column or 1) from None
        if not source.isascii():
            _count_characters(tree, source)
        return cls(text, tree)

    def comparison(self, scope: Scope) -> Comparison:
        """Return the linear assertion that the text states under `scope`; raises ExpressionError."""
        node = self.tree
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            raise ExpressionError("应为一个比较式，例如 a + b == c", node.col_offset + 1)
        op = COMPARISONS.get(type(node.ops[0]))
        if op is None or op == "!=":
            raise ExpressionError("只能用 == <= >= < > 比较", node.col_offset + 1)
        return Comparison(_linear(node.left, scope), op, _linear(node.comparators[0], scope))

    def condition(self, scope: Scope) -> Condition:
        """Return the test that the text states under `scope`: True, False, or None if it cannot be told."""
        return _condition(self.tree, scope)

    def paths(self, scope: Scope) -> list[str]:
        """Return the fields that a path expression names; raises ExpressionError."""
        return list(_paths(self.tree, scope))

    @property
    def looks_back(self) -> bool:
        """Whether the text names a field of last year's report."""
        return any(isinstance(n, ast.Name) and n.id == LAST for n in ast.walk(self.tree))

    def used_names(self) -> set[str]:
        """Return all names in brackets: the variables and sets that the text uses."""
        subscripts = (n.slice for n in ast.walk(self.tree) if isinstance(n, ast.Subscript))
        return {s.id for s in subscripts if isinstance(s, ast.Name)}


def subscript_bases(expression: Expression, variable: str, scope: Scope) -> Iterator[str]:
    """Yield the paths that stand before ``[variable]`` in the expression: where its title can be found."""
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id == variable:
            yield from (path for path in _prefixes(node.value, scope))


def _linear(node: ast.expr, scope: Scope) -> Linear:
    """Return `node` as a linear sum."""
    if isinstance(node, ast.BinOp):
        return _binary(node, scope)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _linear(node.operand, scope).times(-1)
    if isinstance(node, ast.Constant):
        return Linear((), _number(node))
    if isinstance(node, ast.Call):
        if not (
            isinstance(node.func, ast.Name)
            and node.func.id == "sum"
            and len(node.args) == 1
            and not node.keywords
        ):
            raise ExpressionError("只能调用 sum(栏目)", node.col_offset + 1)
        return _sum(_paths(node.args[0], scope), node, scope)
    paths = list(_paths(node, scope))
    if len(paths) != 1:
        raise ExpressionError("这里应为一个栏目；多个栏目请用 sum(…)", node.col_offset + 1)
    return _sum(paths, node, scope)


def _count_characters(tree: ast.expr, source: str) -> None:
    """Make the columns of a parsed text count characters: the parser counts the bytes of UTF-8."""
    lines = [line.encode() for line in source.split("\n")]
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset = len(lines[node.lineno - 1][: node.col_offset].decode(errors="replace"))


def _sum(paths: Iterator[str] | list[str], node: ast.expr, scope: Scope) -> Linear:
    total = Linear(())
    for path in paths:
        field = _field(path, scope)
        if field is None or not field.is_number:
            reason = "没有这个栏目" if field is None else "不是数字栏目"
            raise ExpressionError(f"{reason}：{path}", node.col_offset + 1)
        total = total.plus(Linear(((path, 1),)))
    if not total.terms:
        raise ExpressionError("这里没有任何栏目", node.col_offset + 1)
    return total


def _field(path: str, scope: Scope) -> Field | None:
    """Return the field of a path, this year's or last year's."""
    return scope.fields.find(this_year(path))


def _binary(node: ast.BinOp, scope: Scope) -> Linear:
    left, right = _linear(node.left, scope), _linear(node.right, scope)
    if isinstance(node.op, ast.Add):
        return left.plus(right)
    if isinstance(node.op, ast.Sub):
        return left.plus(right, -1)
    if isinstance(node.op, ast.Mult) and not (left.terms and right.terms):
        return right.times(left.constant) if not left.terms else left.times(right.constant)
    raise ExpressionError("只能加、减，或乘以常数", node.col_offset + 1)


def _number(node: ast.Constant) -> Number:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ExpressionError("这里应为数字", node.col_offset + 1)
    return node.value if isinstance(node.value, int) else Decimal(repr(node.value))


def _paths(node: ast.expr, scope: Scope) -> Iterator[str]:
    """Yield the fields that a path names, sets and wildcards expanded."""
    for path in _prefixes(node, scope):
        if this_year(path) not in scope.fields.nodes and _field(path, scope) is None:
            raise ExpressionError(f"没有这个栏目：{path}", node.col_offset + 1)
        yield path


def _prefixes(node: ast.expr, scope: Scope) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield from (f"{base}.{node.attr}" for base in _prefixes(node.value, scope))
    elif isinstance(node, ast.Subscript):
        for base, key in itertools.product(_prefixes(node.value, scope), [node.slice]):
            yield from (f"{base}.{step}" for step in _keys(base, key, scope))
    else:
        raise ExpressionError("这里应为栏目名", node.col_offset + 1)


def _keys(base: str, key: ast.expr, scope: Scope) -> Sequence[str]:
    """Return the steps that the key in brackets after `base` stands for."""
    if isinstance(key, ast.Slice):
        prefix = f"{this_year(base)}."
        children = [
            f.path.removeprefix(prefix)
            for f in scope.fields
            if f.path.startswith(prefix) and "." not in f.path.removeprefix(prefix)
        ]
        if not children:
            raise ExpressionError(f"{base}[*] 不含任何栏目", key.col_offset + 1)
        return children
    if isinstance(key, ast.Name) and key.id in scope.bound:
        return [scope.bound[key.id]]
    if isinstance(key, ast.Name) and key.id in scope.sets:
        return scope.sets[key.id]
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return [key.value]
    name = key.id if isinstance(key, ast.Name) else ast.unparse(key)
    raise ExpressionError(f"方括号里的“{name}”既不是变量也不是集合", key.col_offset + 1)


def _condition(node: ast.expr, scope: Scope) -> Condition:
    if isinstance(node, ast.BoolOp):
        parts = [_condition(value, scope) for value in node.values]
        return _all(parts) if isinstance(node.op, ast.And) else _any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _not(_condition(node.operand, scope))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compare(node, scope)
    raise ExpressionError("条件应为比较式，可用 and、or、not 连接", node.col_offset + 1)


def _all(parts: list[Condition]) -> Condition:
    def test(lookup: Lookup) -> bool | None:
        results = [part(lookup) for part in parts]
        return False if False in results else None if None in results else True

    return test


def _any(parts: list[Condition]) -> Condition:
    def test(lookup: Lookup) -> bool | None:
        results = [part(lookup) for part in parts]
        return True if True in results else None if None in results else False

    return test


def _not(part: Condition) -> Condition:
    def test(lookup: Lookup) -> bool | None:
        result = part(lookup)
        return None if result is None else not result

    return test


def _compare(node: ast.Compare, scope: Scope) -> Condition:
    """Return a test of one field against constants; None where the field is blank."""
    (path,) = _one_path(node.left, scope)
    op, right = node.ops[0], node.comparators[0]
    if isinstance(op, ast.In | ast.NotIn):
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise ExpressionError("in 之后应为列表，例如 ['a', 'b']", right.col_offset + 1)
        values = [_constant(item) for item in right.elts]
        wanted = isinstance(op, ast.In)
        return lambda lookup: None if lookup(path) is None else (lookup(path) in values) is wanted
    name, value = COMPARISONS.get(type(op)), _constant(right)
    if name is None:
        raise ExpressionError("不认识的比较符", node.col_offset + 1)
    compare = COMPARE[name]

    def test(lookup: Lookup) -> bool | None:
        found = lookup(path)
        try:
            return None if found is None else compare(found, value)
        except TypeError:  # text where a number should be: as good as blank
            return None

    return test


def _one_path(node: ast.expr, scope: Scope) -> list[str]:
    paths = list(_paths(node, scope))
    if len(paths) != 1 or _field(paths[0], scope) is None:
        raise ExpressionError("比较式左边应为一个栏目", node.col_offset + 1)
    return paths


def _constant(node: ast.expr) -> Value:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    # TOML authors write true and false; Python's parser reads them as names.
    if isinstance(inner, ast.Name) and inner.id in ("true", "false"):
        return inner.id == "true"
    if isinstance(inner, ast.Constant) and isinstance(inner.value, bool | str):
        return inner.value
    if isinstance(inner, ast.Constant):
        number = _number(inner)
        return -number if negative else number
    raise ExpressionError("比较式右边应为常数", node.col_offset + 1)
