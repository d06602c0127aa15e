"""What is kept of last year's reports, small enough for thousands: figures, texts that rules look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from nianbao.fields import generic
from nianbao.findings import Value
from nianbao.pack import Pack
from nianbao.report import Report


class Kept(Mapping[str, Value]):
    """Values by field: the figures as a tuple whose places all reports share, the rest as a dict."""

    __slots__ = ("_figures", "_places", "_rest")

    def __init__(
        self, places: Mapping[str, int], figures: tuple[Value, ...], rest: Mapping[str, Value]
    ) -> None:
        self._places, self._figures, self._rest = places, figures, rest

    def __getitem__(self, path: str) -> Value:
        place = self._places.get(path)
        return self._rest[path] if place is None else self._figures[place]

    def __iter__(self) -> Iterator[str]:
        yield from self._places
        yield from self._rest

    def __len__(self) -> int:
        return len(self._places) + len(self._rest)

    def __reduce__(self) -> tuple[object, ...]:
        return Kept, (self._places, self._figures, self._rest)


def kept(report: Report, pack: Pack) -> Report:
    """Return a report with what comparing with the next year needs, and no findings."""
    places = _places(pack)
    wanted = pack.rules.remembered
    values = report.values
    # A government's own report and that of its whole region have one name.
    always = (pack.meta.get("code"), pack.rollup and pack.rollup.scope)
    rest: dict[str, Value] = {
        path: value
        for path, value in values.items()
        if path not in places and value is not None and (generic(path) in wanted or path in always)
    }
    if pack.rollup and (kind := pack.rollup.speaks_for(report)):
        rest[pack.rollup.scope] = kind.value
    rest |= {"agency": report.agency, "year": report.year}
    figures = tuple(map(values.get, places))
    data = {"agency": report.agency, "year": report.year}
    return Report(data, report.source, (), report.origins, Kept(places, figures, rest))


@lru_cache(maxsize=8)
def _places(pack: Pack) -> Mapping[str, int]:
    return {field.path: place for place, field in enumerate(pack.fields.numbers)}
