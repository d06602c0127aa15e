"""Comparison of reports: two of them, or two sets matched by agency.

Figures are compared by value, texts by their words (`textdiff`), items of lists by their headings. What a
template prints of its own where a field is blank (a default heading) is not told apart from the same text
written out, so that a document read back equals the data it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

from nianbao.comparison.differences import (
    Change,
    Comparison,
    FigureChange,
    ItemChange,
    Number,
    ReportComparison,
    TextChange,
)
from nianbao.comparison.matching import current_name, match_reports
from nianbao.comparison.textdiff import likeness, text_form
from nianbao.fields import Field, FieldSet, generic, lookup
from nianbao.findings import Value
from nianbao.pack import Pack
from nianbao.pipeline import read
from nianbao.report import Report, leaves

Item = Mapping[str, Value]
_ALIKE = 0.5


def compare(before: object, after: object, pack: Pack, *, aliases: object = None) -> Comparison:
    """Return what differs between two reports or two sets of them.

    Each is a Report, whatever `read` takes (a path, nested data, a data frame), or a list of such. Reports
    are matched by agency, through renamings where `aliases` (a file, or what `--aliases` reads) tells them.
    Raises InputError for a file that cannot be read.
    """
    comparer = _Comparer(pack.fields)
    olds, news = list(_reports(before, pack)), list(_reports(after, pack))
    pairs = match_reports(olds, news, current_name(aliases), str(pack.meta.get("code", "")))
    return Comparison(
        tuple(comparer.compare(a, b) for a, b in pairs if a is not None and b is not None),
        tuple(a for a, b in pairs if a is not None and b is None),
        tuple(b for a, b in pairs if a is None and b is not None),
    )


def _reports(source: object, pack: Pack) -> Iterator[Report]:
    # A Report is taken as it is: binding it again would fill what a finished document leaves blank.
    if isinstance(source, Report):
        yield source
    elif (
        isinstance(source, Iterable)
        and not isinstance(source, str | Mapping)
        and not hasattr(source, "itertuples")
    ):
        for item in source:
            yield from _reports(item, pack)
    else:
        yield from read(source, pack)


class _Side:
    """One of two reports: its values outside lists, defaults that are written out left away."""

    def __init__(self, report: Report, comparer: _Comparer) -> None:
        self.report = report
        self.names = {"agency": report.agency, "year": report.year or ""}
        self.values = {
            path: value
            for path, value in report.values.items()
            if value is not None and value != "" and not path.startswith(comparer.in_lists)
        }
        for defaulted in comparer.fields.defaulted:
            value = self.values.get(defaulted.path)
            if isinstance(value, str) and text_form(value) == text_form(self.default(defaulted)):
                del self.values[defaulted.path]
        self.found = {
            f.field: str(f.actual)
            for f in report.findings
            if f.field and f.severity == "error" and f.actual is not None and f.field not in self.values
        }

    def default(self, field: Field) -> str:
        """Return what a template prints where the field is blank."""
        return (field.default or "").format(**self.names)

    def words(self, field: Field, path: str) -> str:
        """Return a value as text; a default is printed only beside what it belongs to."""
        value = self.values.get(path)
        if value is None and field.default:
            sibling = f"{path.rpartition('.')[0]}.{field.default_with}"
            shown = field.default_with is None or sibling in self.values
            return self.default(field) if shown else ""
        return in_words(field, value)


class _Comparer:
    """Compares reports of one pack."""

    def __init__(self, fields: FieldSet) -> None:
        self.fields = fields
        self.order = {f.path: index for index, f in enumerate(fields)}
        self.in_lists = tuple(f"{path}[" for path in fields.lists)
        # An item goes by its first field.
        self.headings = {
            path: next(f.path for f in fields if f.path.startswith(f"{path}[]")).removeprefix(f"{path}[]")
            for path in fields.lists
        }
        self.unprinted = frozenset(f.path for f in fields.plain if not f.printed)

    def compare(self, a: Report, b: Report) -> ReportComparison:
        """Return what differs between two reports."""
        before, after = _Side(a, self), _Side(b, self)
        changes: list[Change] = list(self._values(before, after))
        for path in self.fields.lists:
            changes += self._lists(path, a, b)
        changes.sort(key=self._position)
        texts: list[TextChange] = []
        forms: list[TextChange] = []
        for change in changes:
            if isinstance(change, TextChange):
                (forms if change.only_form else texts).append(change)
        return ReportComparison(
            a,
            b,
            tuple(c for c in changes if isinstance(c, FigureChange)),
            tuple(texts),
            tuple(c for c in changes if isinstance(c, ItemChange)),
            tuple(forms),
        )

    def _position(self, change: Change) -> int:
        field = change.field
        return self.order.get(field) or self.order.get(generic(field), len(self.order))

    def _values(self, before: _Side, after: _Side) -> Iterator[Change]:
        # A document shows nothing of what is not printed; two sets of data may both have it.
        both = not any(self.unprinted.isdisjoint(side.values) for side in (before, after))
        paths = dict.fromkeys([*before.values, *after.values, *before.found, *after.found])
        for path in paths:
            old, new = before.values.get(path), after.values.get(path)
            if old == new and before.found.get(path) == after.found.get(path):
                continue
            field = self.fields.find(path)
            if field is None or not (field.printed or both):
                continue
            if field.is_number:
                yield FigureChange(
                    path,
                    path,
                    _number(old),
                    _number(new),
                    before.found.get(path, ""),
                    after.found.get(path, ""),
                )
            else:
                yield TextChange(path, path, before.words(field, path), after.words(field, path))

    def _lists(self, path: str, a: Report, b: Report) -> Iterator[Change]:
        """Yield what differs between the items of two lists."""
        olds, news = _items(a, path), _items(b, path)
        partners = _partners(olds, news, self.headings[path])
        for i, old in enumerate(olds):
            if i not in partners.values():
                yield ItemChange(f"{path}[{i}]", None, old)
        for j, new in enumerate(news):
            if j not in partners:
                yield ItemChange(None, f"{path}[{j}]", new)
                continue
            i = partners[j]
            for name in dict.fromkeys([*olds[i], *new]):
                if olds[i].get(name) != new.get(name):
                    yield from self._item_value(
                        f"{path}[{i}]{name}", f"{path}[{j}]{name}", olds[i].get(name), new.get(name)
                    )

    def _item_value(self, before: str, after: str, old: Value, new: Value) -> Iterator[Change]:
        field = self.fields.find(after)
        if field is None:
            return
        if field.is_number:
            yield FigureChange(before, after, _number(old), _number(new))
        else:
            yield TextChange(before, after, in_words(field, old), in_words(field, new))


def _items(report: Report, path: str) -> list[Item]:
    """Return the items of a list, each as its values by their path inside the item."""
    items = (dict(leaves(item)) for item in lookup(report.data, path) or ())
    return [
        {_inside(name): value for name, value in item.items() if value is not None and value != ""}
        for item in items
    ]


def _inside(name: str) -> str:
    return f".{name}" if name and not name.startswith("[") else name


def _partners(olds: Sequence[Item], news: Sequence[Item], heading: str) -> dict[int, int]:
    """Return the old item that each new one continues: an equal one, else one of its heading, or like it."""
    partners: dict[int, int] = {}
    for same in (_all_words, lambda item: text_form(str(item.get(heading, "")))):
        left = {i: same(old) for i, old in enumerate(olds) if i not in partners.values()}
        for j, new in enumerate(news):
            match = next((i for i, words in left.items() if words and words == same(new)), None)
            if j not in partners and match is not None:
                partners[j] = match
                del left[match]
    ranked = sorted(
        (-likeness(*("".join(map(str, item.values())) for item in (old, new))), i + j, i, j)
        for (i, old), (j, new) in product(enumerate(olds), enumerate(news))
        if i not in partners.values() and j not in partners
    )
    for alike, _, i, j in ranked:
        if -alike >= _ALIKE and i not in partners.values() and j not in partners:
            partners[j] = i
    return partners


def _all_words(item: Item) -> str:
    return "\n".join(f"{name} {text_form(str(value))}" for name, value in sorted(item.items()))


def in_words(field: Field, value: Value) -> str:
    """Return the value of a field that is no figure as people write it; empty for None."""
    if isinstance(value, bool):
        return "是" if value else "否"
    return dict(field.choices).get(str(value), str(value)) if value is not None else ""


def _number(value: Any) -> Number | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
