"""What a template sees: a report's data with its defaults filled and its notes in the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from nianbao.fields import FieldSet, lookup
from nianbao.outputs.docx import Properties
from nianbao.pack import Pack
from nianbao.rendering.program import Context
from nianbao.report import Report


def template_context(report: Report, pack: Pack) -> Context:
    """Return the data of a report as its template sees it: every field is there, blank ones are empty."""
    fields = {**_empty(pack), **{path: v for path, v in report.values.items() if v is not None}}
    for path in pack.fields.lists:
        if items := lookup(report.data, path):
            fields[path] = _items(path, items, pack.fields)
    for field in pack.fields.defaulted:
        if field.default and not fields[field.path]:
            sibling = f"{field.path.rpartition('.')[0]}.{field.default_with}"
            if field.default_with is None or fields.get(sibling):
                fields[field.path] = _filled(field.default, report)
    for path, note in report.data.get("notes", {}).items():
        if note and path in pack.fields.by_path:
            fields[path] = str(pack.meta["note"]).format(value=fields[path], note=note)
    return Context(fields, partial(_nested, pack))


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


def _filled(pattern: str, report: Report) -> str:
    return pattern.format(agency=report.agency, year=report.year or "")


_empties: WeakKeyDictionary[Pack, dict[str, Any]] = WeakKeyDictionary()


def _empty(pack: Pack) -> dict[str, Any]:
    """Return every plain field and every list with nothing in it, made once for a pack."""
    if pack not in _empties:
        texts = dict.fromkeys((field.path for field in pack.fields.plain), "")
        _empties[pack] = {**texts, **{path: [] for path in pack.fields.lists}}
    return _empties[pack]


def _nested(pack: Pack, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a template nested, for Jinja."""
    return pack.nesting.data({path: value for path, value in fields.items() if "[" not in path})


def _items(path: str, items: Sequence[Mapping[str, Any]], fields: FieldSet) -> list[dict[str, Any]]:
    """Return the items of a list with every field of an item there."""
    names = [f.path.removeprefix(f"{path}[].") for f in fields if f.path.startswith(f"{path}[].")]
    empty = dict.fromkeys(names, "")
    return [{**empty, **{k: v for k, v in item.items() if v is not None}} for item in items]
