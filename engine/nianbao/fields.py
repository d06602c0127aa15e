"""Fields: the leaves of a pack's schema, each named by its path.

A path is ``name.name`` with ``[key]`` for an item of a list (counted from 0) or an entry of a map:
``requests.new.total``, ``overview.additional[0].text``, ``notes[requests.new.total]``.
A field of the schema stands for all items of a list: ``overview.additional[].text``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal

Kind = Literal["count", "amount", "text", "line", "year", "flag", "choice"]
NUMBERS: frozenset[str] = frozenset({"count", "amount"})

_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Node:
    """A named part of a report: a leaf, a row of a table, a whole table.

    `labels` are the titles from the top of the report down to this node; `place` is the position in
    the words of the form (表三·（五）2.重复申请·总计); `parts` are headings of the form that stand over a
    node without being one (第二十条第（一）项).
    """

    path: str
    title: str
    place: str
    labels: tuple[str, ...]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A leaf of the schema with everything that reading and printing need to know of it."""

    kind: Kind = "text"
    unit: str = ""
    decimals: int = 0
    required: bool = False
    default: str | None = None
    default_with: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    header: str = ""
    description: str = ""
    printed: bool = True

    @property
    def is_number(self) -> bool:
        """Return whether rules may calculate with the field."""
        return self.kind in NUMBERS


@dataclass(frozen=True)
class FieldSet:
    """All fields of a schema in its order, and the nodes above them."""

    fields: tuple[Field, ...]
    nodes: Mapping[str, Node]
    lists: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    by_path: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_path", {f.path: f for f in self.fields})

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @cached_property
    def plain(self) -> tuple[Field, ...]:
        """The fields that a report holds at most once: no items of lists, no entries of maps."""
        return tuple(f for f in self.fields if "[" not in f.path)

    @cached_property
    def counts(self) -> frozenset[str]:
        """The paths of the plain fields that are counts."""
        return frozenset(f.path for f in self.plain if f.kind == "count")

    @cached_property
    def words(self) -> Mapping[str, Kind]:
        """The kinds, by path, of the plain fields that are texts, those of maps left out."""
        maps = tuple(f"{path}." for path in self.maps)
        texts = (f for f in self.plain if f.kind in ("text", "line") and not f.path.startswith(maps))
        return {f.path: f.kind for f in texts}

    @cached_property
    def tree(self) -> Mapping[str, Any]:
        """The plain fields as nested data: a dict for each object, a field at each leaf."""
        tree: dict[str, Any] = {}
        for f in self.plain:
            place_value(tree, f.path, f)
        return tree

    @cached_property
    def required_words(self) -> tuple[Field, ...]:
        """The plain fields other than figures that every report must have."""
        return tuple(f for f in self.plain if f.required and not f.is_number)

    @cached_property
    def defaulted(self) -> tuple[Field, ...]:
        """The plain fields that print a default where they are blank."""
        return tuple(f for f in self.plain if f.default)

    @cached_property
    def required_numbers(self) -> tuple[str, ...]:
        """The paths of the figures that every report must have, in schema order."""
        return tuple(f.path for f in self.numbers if f.required)

    @cached_property
    def numbers(self) -> tuple[Field, ...]:
        """The plain fields that rules may calculate with, in schema order."""
        return tuple(f for f in self.plain if f.is_number)

    def find(self, path: str) -> Field | None:
        """Return the field that the concrete `path` belongs to, or None."""
        return self.by_path.get(path) or self.by_path.get(generic(path))

    def place(self, path: str | None) -> str:
        """Return the position of `path` in the words of the form; the path itself if it is unknown."""
        if path is None:
            return ""
        node = self.nodes.get(path) or self.nodes.get(generic(path))
        if node is None:
            return path
        index = re.search(r"\[(\d+)\]", path)
        if index:
            return f"{node.place}（第{int(index.group(1)) + 1}项）"
        key = re.search(r"\[([^\]]+)\]", path)
        return f"{node.place}·{self.place(key.group(1))}" if key else node.place


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str | int, ...]:
    """Return the steps of `path`: names and map keys as str, positions in a list as int."""
    steps: list[str | int] = []
    for match in _STEP.finditer(path):
        name, key = match.groups()
        steps.append(name if name is not None else int(key) if key.isdecimal() else key)
    return tuple(steps)


def generic(path: str) -> str:
    """Return `path` with every ``[key]`` emptied: the name of its field in the schema."""
    return re.sub(r"\[[^\]]*\]", "[]", path)


def lookup(data: object, path: str) -> Any:
    """Return the value at `path` in nested `data`, or None where a step is missing."""
    for step in split_path(path):
        if type(data) is dict or isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(step, int):
            data = data[step] if step < len(data) else None
        else:
            return None
    return data


def place_value(data: dict[str, Any], path: str, value: object) -> None:
    """Put `value` at `path` in nested `data`, making what is missing on the way."""
    steps = split_path(path)
    here: Any = data
    for step, following in pairwise(steps):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            while len(here) <= step:
                here.append({})
            here = here[step]
        else:
            here = here.setdefault(step, empty)
    if isinstance(steps[-1], int):
        here.append(value)
    else:
        here[steps[-1]] = value


def read_fields(schema: Mapping[str, Any]) -> FieldSet:
    """Return the fields of a JSON Schema in the order of its properties; ``$ref`` is followed."""
    walk = _Walk(schema.get("$defs", {}))
    walk.visit(schema, Node("", "", "", ()), True, True)
    return FieldSet(tuple(walk.fields), walk.nodes, tuple(walk.lists), tuple(walk.maps))


class _Walk:
    """Collects fields and nodes while it goes down a schema."""

    def __init__(self, defs: Mapping[str, Any]) -> None:
        self.defs = defs
        self.fields: list[Field] = []
        self.nodes: dict[str, Node] = {}
        self.lists: list[str] = []
        self.maps: list[str] = []

    def visit(self, schema: Mapping[str, Any], parent: Node, required: bool, printed: bool) -> None:
        """Visit the properties of an object schema that stands at `parent`."""
        needed = schema.get("required", ())
        for name, raw in schema.get("properties", {}).items():
            path = f"{parent.path}.{name}" if parent.path else name
            self._child(self._resolve(raw), path, parent, required and name in needed, printed)
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping):
            self.maps.append(parent.path)
            self._child(self._resolve(extra), f"{parent.path}[]", parent, False, printed)

    def _child(
        self, schema: Mapping[str, Any], path: str, parent: Node, required: bool, printed: bool
    ) -> None:
        printed = printed and schema.get("x-printed", True)
        node = _node(schema, path, parent)
        self.nodes[path] = node
        if schema.get("type") == "object":
            self.visit(schema, node, required, printed)
        elif schema.get("type") == "array":
            self.lists.append(path)
            item = _node({**schema, **{"x-place": None}}, f"{path}[]", parent)
            self.visit(self._resolve(schema["items"]), item, False, printed)
        else:
            self.fields.append(_leaf(schema, node, required, printed))

    def _resolve(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        ref = schema.get("$ref")
        if ref is None:
            return dict(schema)
        return {**self._resolve(self.defs[ref.removeprefix("#/$defs/")]), **schema}


def _node(schema: Mapping[str, Any], path: str, parent: Node) -> Node:
    title = schema.get("title", path)
    place = schema.get("x-place")
    part = schema.get("x-part")
    return Node(
        path,
        title,
        _join_place(parent.place, title if place is None else place),
        (*parent.labels, title),
        (*parent.parts, part) if part else parent.parts,
    )


def _join_place(place: str, step: str) -> str:
    """Return `place` continued by `step`; an enumeration such as （五） is not set apart from its item."""
    if not step or not place:
        return place or step
    return place + step if place.endswith("）") and step[0].isdecimal() else f"{place}·{step}"


def _leaf(schema: Mapping[str, Any], node: Node, required: bool, printed: bool) -> Field:
    choices = tuple(zip(schema.get("enum", ()), schema.get("x-labels", schema.get("enum", ())), strict=True))
    return Field(
        node.path,
        node.title,
        node.place,
        node.labels,
        node.parts,
        kind=schema.get("x-kind", "line"),
        unit=schema.get("x-unit", ""),
        decimals=schema.get("x-decimals", 0),
        required=required,
        default=schema.get("default"),
        default_with=schema.get("x-default-with"),
        choices=choices,
        header=schema.get("x-header", node.title),
        description=schema.get("description", ""),
        printed=printed,
    )
