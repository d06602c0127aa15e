"""Nested data as raw reports: JSON, JSON Lines, dicts, rows of a data frame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from nianbao.errors import InputError
from nianbao.fields import FieldSet
from nianbao.findings import Finding, Where
from nianbao.raw import RawReport
from nianbao.values import shortened


def raw_from_data(data: Mapping[str, Any], fields: FieldSet, source: Where) -> RawReport:
    """Return nested data as a raw report; what is no field of the schema is a finding."""
    flat = _Flat(fields, source)
    flat.visit(data, "", source.pointer or "")
    return RawReport(flat.values, source, tuple(flat.findings), flat.origins)


class _Flat:
    """Goes down nested data and collects its leaves by field."""

    def __init__(self, fields: FieldSet, source: Where) -> None:
        self.fields = fields
        self.source = source
        self.values: dict[str, object] = {}
        self.origins: dict[str, Where] = {}
        self.findings: list[Finding] = []

    def visit(self, value: Any, path: str, pointer: str) -> None:
        """Visit `value`, which stands at `path`."""
        if path and self.fields.find(path):
            self._leaf(value, path, pointer)
        elif path in self.fields.lists and isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self.visit(item, f"{path}[{index}]", f"{pointer}/{index}")
        elif isinstance(value, Mapping) and (not path or path in self.fields.nodes or path.endswith("]")):
            for key, child in value.items():
                step = str(key).replace("~", "~0").replace("/", "~1")
                self.visit(child, self._step(path, str(key)), f"{pointer}/{step}")
        elif value is not None:
            known = path in self.fields.nodes
            place = self.fields.place(path)
            message = f"{place}的写法不对，请对照报表结构" if known else f"没有这个栏目：{path}，请核对名称"
            self._problem("UNKNOWN", path, pointer, message, value)

    def _step(self, path: str, key: str) -> str:
        inner = f"{path}.{key}" if path else key
        return f"{path}[{key}]" if path in self.fields.maps and inner not in self.fields.by_path else inner

    def _leaf(self, value: Any, path: str, pointer: str) -> None:
        if isinstance(value, Mapping | list | tuple):
            message = f"{self.fields.place(path)}应为一个值，不是列表或对象"
            self._problem("VALUE", path, pointer, message, value)
        else:
            self.values[path] = value
            self.origins[path] = self._where(pointer)

    def _where(self, pointer: str) -> Where:
        return Where(self.source.file, line=self.source.line, pointer=pointer)

    def _problem(self, rule: str, path: str, pointer: str, message: str, value: Any) -> None:
        found = value if isinstance(value, bool | int | str) else shortened(str(value))
        self.findings.append(Finding(rule, "error", path, self._where(pointer), message, actual=found))


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


def read_jsonl(path: Path, text: str, fields: FieldSet) -> Iterator[RawReport]:
    """Yield the reports of a JSON Lines file; a line that is no JSON is a report with that finding."""
    for number, line in enumerate(text.split("\n"), 1):
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
