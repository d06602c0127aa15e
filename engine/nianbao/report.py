"""A report: one agency's data for one year, with where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from typing import Any

from nianbao.findings import Finding, Value, Where


@dataclass(frozen=True)
class Report:
    """Data that conforms to a pack's schema as far as the input did.

    `data` is the plain nested dict of the schema: counts are int, amounts Decimal, texts str with
    paragraphs separated by ``\\n``; what was blank or no value is None. `findings` are the problems
    that reading met; `origins` says where each value stood; `source` is the file (sheet, row). `known` are
    the values by field, of these types, where the maker of the report has them at hand. `finished` marks a
    published document, in which nothing is derived or filled in.
    """

    data: Mapping[str, Any]
    source: Where = field(default_factory=Where)
    findings: tuple[Finding, ...] = ()
    origins: Mapping[str, Where] = field(default_factory=dict, repr=False)
    known: Mapping[str, Value] | None = field(default=None, repr=False, compare=False)
    finished: bool = field(default=False, compare=False)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], pack: object) -> Report:
        """Return the report that nested data makes; bad values are findings of it, never exceptions."""
        # Reading stands above reports, but this is where a programmer looks for it.
        made: Report = import_module("nianbao.pipeline").report_from_data(data, pack)
        return made

    @property
    def agency(self) -> str:
        """The agency's name; empty if it is missing."""
        return str(self.data.get("agency") or "")

    @property
    def year(self) -> int | None:
        """The year that the report is about."""
        year = self.data.get("year")
        return year if isinstance(year, int) else None

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """The values by field, items of lists and entries of maps each; blank ones may be left out."""
        return dict(leaves(self.data)) if self.known is None else self.known

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """The values that are texts, each with its field: several checks look for them."""
        return tuple([(path, value) for path, value in self.values.items() if isinstance(value, str)])

    def value(self, path: str) -> Value:
        """Return the value of a field, or None."""
        return self.values.get(path)

    def where(self, path: str | None) -> Where:
        """Return where the value of a field stood, or else where the report as a whole did."""
        return self.origins.get(path, self.source) if path else self.source


def leaves(data: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, value) of every leaf in nested data, items of lists as ``name[0]``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            # Only the keys of a map (notes) can hold a dot: they are paths themselves.
            yield from leaves(value, f"{path}[{key}]" if "." in key else f"{path}.{key}" if path else key)
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from leaves(value, f"{path}[{index}]")
    else:
        yield path, data


_PLAIN = frozenset({int, str})


def exchanged(data: object) -> Any:
    """Return nested data as the JSON that is exchanged: decimals as strings, blank values left out."""
    kind = type(data)
    if kind is dict or isinstance(data, Mapping):
        items = data.items()  # type: ignore[attr-defined]
        # There are two hundred leaves for every branch, and nearly all stay as they are.
        return {
            key: value if type(value) in _PLAIN else exchanged(value)
            for key, value in items
            if value is not None
        }
    if kind is list or kind is tuple:
        return [exchanged(value) for value in data]  # type: ignore[attr-defined]
    return format(data, "f") if kind is Decimal else data
