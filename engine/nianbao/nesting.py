"""Nested data from flat values: all objects of a schema, filled in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from nianbao.fields import FieldSet, place_value

Row = Sequence[Any]
Fill = Callable[[Row], dict[str, Any]]


class Nesting:
    """Makes nested data of the plain fields of a schema, in its order, and of what lists and maps hold.

    Two hundred values go into some fifty objects: one dict display that Python compiles once is ten
    times as fast as placing them one by one.
    """

    def __init__(self, fields: FieldSet) -> None:
        plain = fields.plain
        self._blank: dict[str, Any] = dict.fromkeys(f.path for f in plain)
        self._row = itemgetter(*self._blank) if len(plain) > 1 else lambda values: [values[plain[0].path]]
        self._fill = _compiled(fields)
        # Later ones first: an object is empty when the last of its fields has gone.
        self._optional = [(i, f.path.split(".")) for i, f in enumerate(plain) if not f.required][::-1]

    def row(self, values: Mapping[str, Any]) -> Row:
        """Return the values of all plain fields in the order of the schema, None where there is none."""
        return self._row({**self._blank, **values})

    def data(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` by field as nested data; blank fields are left out, required ones are None."""
        row = self.row(values)
        data = self._fill(row)
        for index, steps in self._optional:
            if row[index] is None:
                _remove(data, steps)
        for path, value in values.items():
            if value is not None and path not in self._blank:
                place_value(data, path, value)
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


def _compiled(fields: FieldSet) -> Fill:
    """Return the function that makes nested data of a row: ``lambda row: {'agency': row[0], …}``."""
    tree: dict[str, Any] = {}
    for index, field in enumerate(fields.plain):
        place_value(tree, field.path, index)
    # The source is made of nothing but numbers and quoted names.
    fill: Fill = eval(f"lambda row: {_source(tree)}")
    return fill


def _source(tree: Mapping[str, Any]) -> str:
    items = (f"{n!r}: {_source(v) if isinstance(v, dict) else f'row[{v}]'}" for n, v in tree.items())
    return f"{{{', '.join(items)}}}"
