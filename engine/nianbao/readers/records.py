"""Nested data as raw reports: JSON, JSON Lines, dicts, rows of a data frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from nianbao.errors import InputError
from nianbao.fields import Field, FieldSet, generic, split_path
from nianbao.findings import Finding, Where
from nianbao.raw import RawReport
from nianbao.values import shortened


def raw_from_data(data: Mapping[str, Any], fields: FieldSet, source: Where) -> RawReport:
    """Return nested data as a raw report; what is no field of the schema is a finding."""
    flat = _Flat(fields, source)
    flat.object(data, fields.tree, "")
    return RawReport(flat.values, source, tuple(flat.findings), PointerOrigins(source, flat.values))


_LEAVES = frozenset({int, str, float, bool, Decimal, type(None)})


@dataclass(frozen=True)
class PointerOrigins(Mapping[str, Where]):
    """Where the fields of nested data stand: the JSON Pointer follows from the path of the field."""

    source: Where
    found: Mapping[str, object]

    def __getitem__(self, path: str) -> Where:
        if path not in self.found:
            raise KeyError(path)
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in split_path(path))
        return replace(self.source, pointer=f"{self.source.pointer or ''}/{'/'.join(steps)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


class _Flat:
    """Goes down nested data along the schema and collects its leaves by field."""

    def __init__(self, fields: FieldSet, source: Where) -> None:
        self.fields = fields
        self.source = source
        self.values: dict[str, object] = {}
        self.findings: list[Finding] = []

    def object(self, data: Mapping[str, Any], tree: Mapping[str, Any], path: str) -> None:
        """Visit an object whose plain fields are those of `tree`."""
        values, is_map = self.values, path in self.fields.maps
        for key, value in data.items():
            below = tree.get(key)
            # Asking for the type first spares nearly every leaf the slower question.
            leaf = type(value) in _LEAVES or not isinstance(value, Mapping | list | tuple)
            if leaf and type(below) is Field:
                values[below.path] = value
            elif type(below) is dict and isinstance(value, Mapping):
                self.object(value, below, f"{path}.{key}" if path else key)
            elif is_map and type(below) is not Field:
                self.leaf(f"{path}[{key}]", value)
            else:
                self.other(f"{path}.{key}" if path else str(key), value)

    def other(self, path: str, value: Any) -> None:
        """Visit what is no plain field: items of a list, a branch that is a leaf, an unknown name."""
        if path in self.fields.lists and isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self.item(f"{path}[{index}]", item)
        elif self.fields.find(path):
            self.leaf(path, value)
        elif value is not None:
            self.unknown(path, value)

    def item(self, path: str, item: Any) -> None:
        """Visit an item of a list."""
        if not isinstance(item, Mapping):
            self.unknown(path, item)
            return
        for key, value in item.items():
            self.other(f"{path}.{key}", value)

    def leaf(self, path: str, value: Any) -> None:
        """Keep the value of a field; a list or an object is none."""
        if isinstance(value, Mapping | list | tuple):
            self.problem("VALUE", path, f"{self.fields.place(path)}应为一个值，不是列表或对象", value)
        else:
            self.values[path] = value

    def unknown(self, path: str, value: Any) -> None:
        """Say that there is no such field, or that it should be an object or a list."""
        known = path in self.fields.nodes or generic(path) in self.fields.nodes or path.endswith("]")
        message = f"{self.fields.place(path)}的写法不对，请对照报表结构"
        self.problem("UNKNOWN", path, message if known else f"没有这个栏目：{path}，请核对名称", value)

    def problem(self, rule: str, path: str, message: str, value: Any) -> None:
        """Add a finding about a field."""
        found = value if isinstance(value, bool | int | str) else shortened(str(value))
        where = PointerOrigins(self.source, {path: value})[path]
        self.findings.append(Finding(rule, "error", path, where, message, actual=found))


def read_json(path: Path, text: str, fields: FieldSet) -> Iterator[RawReport]:
    """Yield the reports of a JSON file: one object, a list of objects, or ``{"reports": [...]}``."""
    try:
        document = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path.name}：JSON写法有误（第{error.lineno}行第{error.colno}列），请改正后再试", file=str(path)
        ) from None
    except RecursionError:
        raise InputError(f"{path.name}：JSON嵌套过深，不是报表数据", file=str(path)) from None
    prefix = ""
    if isinstance(document, dict) and isinstance(document.get("reports"), list):
        document, prefix = document["reports"], "/reports"
    if isinstance(document, Mapping):
        yield raw_from_data(document, fields, Where(str(path)))
        return
    for index, item in enumerate(document):
        yield _record(item, fields, Where(str(path), pointer=f"{prefix}/{index}"), f"第{index + 1}项")


def read_jsonl(path: Path, lines: Iterable[str], fields: FieldSet) -> Iterator[RawReport]:
    """Yield the reports of a JSON Lines file; a line that is no JSON is a report with that finding."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        source = Where(str(path), line=number)
        try:
            item = json.loads(line, parse_float=Decimal)
        except (json.JSONDecodeError, RecursionError):
            yield _broken(source, f"第{number}行不是JSON，请改正后再试")
            continue
        yield _record(item, fields, source, f"第{number}行")


def _record(item: Any, fields: FieldSet, source: Where, words: str) -> RawReport:
    if isinstance(item, Mapping):
        return raw_from_data(item, fields, source)
    return _broken(source, f"{words}不是一份报告（应为对象）：{shortened(str(item))}")


def _broken(source: Where, message: str) -> RawReport:
    return RawReport({}, source, (Finding("UNREADABLE", "error", None, source, message),))
