"""Nested data from flat values: all objects of a schema, filled in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from nianbao.fields import FieldSet, place_value

Row = Sequence[Any]
Fill = Callable[[Row], dict[str, Any]]


# Reports that leave the same optional fields blank share a function; so many of them are compiled.
_MOST_FILLS = 32


class Nesting:
    """Makes nested data of the plain fields of a schema, in its order, and of what lists and maps hold.

    Two hundred values go into some fifty objects: one dict display that Python compiles once is ten
    times as fast as placing them one by one.
    """

    def __init__(self, fields: FieldSet) -> None:
        plain = fields.plain
        self._blank: dict[str, Any] = dict.fromkeys(f.path for f in plain)
        self._row = itemgetter(*self._blank) if len(plain) > 1 else lambda values: [values[plain[0].path]]
        self._fills: dict[tuple[int, ...], Fill] = {(): _compiled(self._blank)}
        # Later ones first: an object is empty when the last of its fields has gone.
        self._optional = tuple(i for i, f in enumerate(plain) if not f.required)[::-1]
        self._required = tuple(i for i, f in enumerate(plain) if f.required)
        self._steps = [f.path.split(".") for f in plain]

    def row(self, values: Mapping[str, Any]) -> Row:
        """Return the values of all plain fields in the order of the schema, None where there is none."""
        try:
            return self._row(values)
        except KeyError:
            return self._row({**self._blank, **values})

    def others(self, values: Mapping[str, Any]) -> list[str]:
        """Return the fields among `values` that are no plain ones: items of lists, entries of maps."""
        plain = self._blank
        return [] if values.keys() <= plain.keys() else [path for path in values if path not in plain]

    def data(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` by field as nested data; blank fields are left out, required ones are None."""
        data = self._filled(self.row(values))
        for path in self.others(values):
            if (value := values[path]) is not None:
                place_value(data, path, value)
        return data

    def exchanged(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return `values` as the JSON that is exchanged, None where a required field is blank.

        The same as `report.exchanged` makes of nested data, but sooner.
        """
        row = self.row(values)
        if any([row[index] is None for index in self._required]):
            return None
        data = self._filled([f"{value:f}" if type(value) is Decimal else value for value in row])
        for path in self.others(values):
            if (value := values[path]) is not None:
                place_value(data, path, f"{value:f}" if type(value) is Decimal else value)
        return data

    def _filled(self, row: Row) -> dict[str, Any]:
        """Return the nested data of a row."""
        blank = tuple([index for index in self._optional if row[index] is None])
        fill = self._fills.get(blank)
        if fill is None and len(self._fills) < _MOST_FILLS:
            fill = self._fills[blank] = _compiled(self._blank, frozenset(blank))
        if fill is not None:
            return fill(row)
        data = self._fills[()](row)
        for index in blank:
            _remove(data, self._steps[index])
        return data


def _remove(data: dict[str, Any], steps: Sequence[str]) -> None:
    """Remove a leaf of nested data, and the objects that are empty without it."""
    objects = [data]
    for step in steps[:-1]:
        objects.append(objects[-1][step])
    for inner, step in zip(objects[::-1], steps[::-1], strict=True):
        del inner[step]
        if inner:
            break


def _compiled(paths: Iterable[str], without: frozenset[int] = frozenset()) -> Fill:
    """Return the function that makes nested data of a row: ``lambda row: {'agency': row[0], …}``."""
    tree: dict[str, Any] = {}
    for index, path in enumerate(paths):
        if index not in without:
            place_value(tree, path, index)
    # The source is made of nothing but numbers and quoted names.
    fill: Fill = eval(f"lambda row: {_source(tree)}")
    return fill


def _source(tree: Mapping[str, Any]) -> str:
    items = (f"{n!r}: {_source(v) if isinstance(v, dict) else f'row[{v}]'}" for n, v in tree.items())
    return f"{{{', '.join(items)}}}"
