"""Charts as a pack describes them: what is stacked in a column, and how its parts are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nianbao.fields import FieldSet

# A label of a form may end with an explanation in brackets, for which a chart has no room.
_EXPLAINED = re.compile(r"(?<=[^）])（[^（）]*）$")


@dataclass(frozen=True)
class Group:
    """A part of each column: its name, and the figures that are added up."""

    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A chart with a column for each year, stacked from groups."""

    title: str
    groups: tuple[Group, ...]


def read_charts(charts: Iterable[Mapping[str, Any]], fields: FieldSet) -> tuple[Chart, ...]:
    """Return the charts of pack.toml; a group is called what its node is called in the schema."""
    return tuple(
        Chart(
            chart["title"],
            tuple(
                Group(_EXPLAINED.sub("", fields.nodes[group["node"]].title), tuple(_summed(group, fields)))
                for group in chart["group"]
            ),
        )
        for chart in charts
    )


def unknown_sums(chart: Mapping[str, Any], fields: FieldSet) -> Iterator[str]:
    """Yield the paths and patterns of a chart that name no figure."""
    for group in chart["group"]:
        yield from (pattern for pattern in group["sum"] if not list(matching(pattern, fields)))


def _summed(group: Mapping[str, Any], fields: FieldSet) -> Iterator[str]:
    for pattern in group["sum"]:
        yield from matching(pattern, fields)


def matching(pattern: str, fields: FieldSet) -> Iterator[str]:
    """Yield the figures that a path names, in which ``*`` stands for any one name."""
    known = re.compile(re.escape(pattern).replace(r"\*", r"[^.\[\]]+"))
    yield from (f.path for f in fields.numbers if known.fullmatch(f.path))
