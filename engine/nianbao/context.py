"""What a template sees: a report's data with its defaults filled and its notes in the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from nianbao.fields import FieldSet, lookup, place_value
from nianbao.outputs.docx import Properties
from nianbao.pack import Pack
from nianbao.report import Report


def template_context(report: Report, pack: Pack) -> dict[str, Any]:
    """Return the data of a report as its template sees it: every field is there, blank ones are empty."""
    context = _merge(_skeleton(pack), report.data)
    for path in pack.fields.lists:
        if items := lookup(context, path):
            place_value(context, path, _items(path, items, pack.fields))
    for field in pack.fields.defaulted:
        if field.default and not lookup(context, field.path):
            sibling = f"{field.path.rpartition('.')[0]}.{field.default_with}"
            if field.default_with is None or lookup(context, sibling):
                place_value(context, field.path, _filled(field.default, report))
    for path, note in report.data.get("notes", {}).items():
        if note and path in pack.fields.by_path:
            value = _printed(lookup(context, path))
            place_value(context, path, str(pack.meta["note"]).format(value=value, note=note))
    return context


def filled_name(pack: Pack, agency: str, year: object) -> str:
    """Return the name that a report's output should have, without suffix."""
    return str(pack.meta["output"]).format(agency=agency, year=year or "")


def properties(report: Report, pack: Pack, created: str | None = None) -> Properties:
    """Return the core properties of a report's document.

    `created` (W3CDTF) defaults to 31 January of the following year, so that equal input gives equal bytes.
    """
    year = report.year or 1979
    return Properties(
        title=_title(report, pack),
        author=report.agency,
        subject=str(pack.meta.get("subject", pack.title)),
        created=created or f"{year + 1:04d}-01-31T00:00:00Z",
    )


def _title(report: Report, pack: Pack) -> str:
    """Return the title that the document carries."""
    return report.data.get("title") or filled_name(pack, report.agency, report.year)


def _printed(value: object) -> str:
    """Return a value as the template prints it."""
    return "" if value is None else f"{value}"


def _filled(pattern: str, report: Report) -> str:
    return pattern.format(agency=report.agency, year=report.year or "")


_skeletons: WeakKeyDictionary[Pack, dict[str, Any]] = WeakKeyDictionary()


def _skeleton(pack: Pack) -> dict[str, Any]:
    """Return nested data in which every field is there and empty, made once for a pack."""
    if pack not in _skeletons:
        empty: dict[str, Any] = {}
        for path in pack.fields.lists:
            place_value(empty, path, [])
        for field in pack.fields.plain:
            place_value(empty, field.path, "")
        _skeletons[pack] = empty
    return _skeletons[pack]


def _merge(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `data` that are not None put over it; neither is changed."""
    merged = dict(base)
    for key, value in data.items():
        if type(value) is dict:
            merged[key] = _merge(base.get(key) or {}, value)
        elif value is not None:
            merged[key] = value
    return merged


def _items(path: str, items: Sequence[Mapping[str, Any]], fields: FieldSet) -> list[dict[str, Any]]:
    """Return the items of a list with every field of an item there."""
    names = [f.path.removeprefix(f"{path}[].") for f in fields if f.path.startswith(f"{path}[].")]
    return [_merge(dict.fromkeys(names, ""), item) for item in items]
