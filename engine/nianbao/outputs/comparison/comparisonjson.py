"""What ``nianbao diff --format json`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from nianbao.comparison.differences import (
    Change,
    Comparison,
    FigureChange,
    ItemChange,
    ReportComparison,
    TextChange,
)
from nianbao.outputs.results.checkjson import encodable
from nianbao.pack import Pack
from nianbao.report import Report, exchanged

# A rate is a quotient: so many decimals are enough to tell any two apart that people would.
_RATE = Decimal("0.000001")
Unreadable = Sequence[tuple[str, str]]


def comparison_json(comparison: Comparison, pack: Pack, unreadable: Unreadable = ()) -> Iterator[str]:
    """Yield a comparison as the text of one JSON object, agency by agency: a large set needs no memory.

    Decimals are strings, None stands where there is no value; `unreadable` are (file, message).
    """
    pairs = comparison.pairs
    yield f'{{\n "pack": {_dumped(pack.id)},\n "same": {_dumped(comparison.same)},\n "agencies": ['
    for index, pair in enumerate(pairs):
        yield f"{',' if index else ''}\n{_dumped(_pair(pair, pack))}"
    summary = {
        "agencies": len(pairs),
        "differing": len(comparison.differing),
        "figures": sum(len(pair.figures) for pair in pairs),
        "texts": sum(len(pair.texts) for pair in pairs),
        "items": sum(len(pair.items) for pair in pairs),
        "only_before": len(comparison.only_before),
        "only_after": len(comparison.only_after),
    }
    rest = {
        "only_before": [_report(report) for report in comparison.only_before],
        "only_after": [_report(report) for report in comparison.only_after],
        "unreadable": [{"file": file, "message": message} for file, message in unreadable],
        "summary": summary,
    }
    yield "\n ]" + "".join(f",\n {_dumped(name)}: {_dumped(part)}" for name, part in rest.items()) + "\n}"


def _dumped(data: Any) -> str:
    return json.dumps(encodable(data), ensure_ascii=False)


def _report(report: Report) -> dict[str, Any]:
    return {"agency": report.agency, "year": report.year, "source": report.source.as_dict()}


def _pair(pair: ReportComparison, pack: Pack) -> dict[str, Any]:
    return {
        "agency": pair.agency,
        "before": _report(pair.before),
        "after": _report(pair.after),
        "same": pair.same,
        "figures": [{**_change(c, pair, pack), **_figure(c)} for c in pair.figures],
        "texts": [{**_change(c, pair, pack), **_text(c)} for c in pair.texts],
        "items": [{**_change(c, pair, pack), **_item(c)} for c in pair.items],
        "only_form": [{**_change(c, pair, pack), "before": c.before, "after": c.after} for c in pair.forms],
    }


def _change(change: Change, pair: ReportComparison, pack: Pack) -> dict[str, Any]:
    before, after = change.before_field, change.after_field
    return {
        "field": change.field,
        **({"before_field": before} if before != after else {}),
        "place": pack.fields.place(change.field),
        "where": {
            "before": _place(pair.before, before),
            "after": _place(pair.after, after),
        },
    }


def _place(report: Report, path: str | None) -> dict[str, Any] | None:
    """Return where a value stood, without what holds for the report as a whole."""
    if path is None:
        return None
    source = report.source.as_dict()
    return {key: part for key, part in report.where(path).as_dict().items() if source.get(key) != part}


def _figure(change: FigureChange) -> dict[str, Any]:
    rate = change.rate
    found = {"before_found": change.before_found, "after_found": change.after_found}
    return {
        "before": exchanged(change.before),
        "after": exchanged(change.after),
        "difference": exchanged(change.difference),
        "rate": None if rate is None else format(rate.quantize(_RATE).normalize(), "f"),
        **{name: text for name, text in found.items() if text},
    }


def _text(change: TextChange) -> dict[str, Any]:
    sentences = [
        [{"mark": piece.mark, "text": piece.text} for piece in sentence.pieces]
        for sentence in change.sentences
        if not sentence.same
    ]
    return {"before": change.before, "after": change.after, "changed_sentences": sentences}


def _item(change: ItemChange) -> dict[str, Any]:
    values = {name.removeprefix("."): exchanged(value) for name, value in change.values.items()}
    return {"change": "added" if change.added else "removed", "values": values}
