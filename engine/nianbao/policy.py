"""How a pack wants its reports rolled up: what is added, who counts, what some members may not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nianbao.agencies import agency_key
from nianbao.charts import matching
from nianbao.fields import Field, FieldSet
from nianbao.findings import Severity, Value
from nianbao.report import Report


@dataclass(frozen=True)
class ScopeKind:
    """What a report may speak for: the value of the field, its words, and the categories that it holds.

    The words may name the unit of a region: 全{unit}口径; see `Policy.scope_words`.
    """

    value: str
    words: str
    covers: frozenset[str]


@dataclass(frozen=True)
class Limit:
    """Figures that a member may not have where every field of `where` holds one of its values."""

    fields: tuple[str, ...]
    where: Mapping[str, tuple[Value, ...]]
    severity: Severity
    message: str

    def applies(self, said: Mapping[str, Value]) -> bool:
        """Return whether the limit is one for a member of which `said` is known."""
        return all(said.get(path) in values for path, values in self.where.items())


@dataclass(frozen=True)
class Policy:
    """The table `[rollup]` of pack.toml; `fields` are the figures that are added, in schema order.

    `excluded` are categories that never count, `own` the category whose report may hold the words of the
    whole, `suffixes` what a government's name has behind the name of its region, `units` how the name of a
    region may end (the last of them stands for all others); `alike` is how many figures of a table other than
    0 make two equal tables suspicious. `statement` are the patterns of the sentence that says what the
    figures hold, and under `field` the text of the report at whose end it is put.
    """

    fields: tuple[Field, ...]
    category: str
    code: str
    scope: str
    included: str
    excluded: frozenset[str]
    own: str
    suffixes: tuple[str, ...]
    units: tuple[str, ...]
    alike: int
    scopes: tuple[ScopeKind, ...]
    limits: tuple[Limit, ...]
    statement: Mapping[str, str]
    draft: Mapping[str, str]

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that say how a member counts."""
        named = (path for limit in self.limits for path in limit.where)
        paths = (self.category, self.code, self.scope, self.included, *named)
        return tuple(dict.fromkeys(filter(None, paths)))

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the figures that are added."""
        return tuple(field.path for field in self.fields)

    def scope_of(self, value: object) -> ScopeKind | None:
        """Return the scope of that value if it holds more than the agency itself, else None."""
        return next((kind for kind in self.scopes if kind.value == value and kind.covers), None)

    def region_of(self, agency: str) -> str:
        """Return the name of the region that a government's name begins with, as names compare; else none."""
        key = agency_key(agency)
        return next((key[: -len(end)] for end in self.suffixes if key.endswith(end)), "")

    def scope_words(self, kind: ScopeKind, agency: str) -> str:
        """Return what the report of an agency speaks for, in words: 全市口径 of 河源市人民政府."""
        region = self.region_of(agency) or agency_key(agency)
        known = [unit for unit in self.units if region.endswith(unit)] or self.units[-1:]
        return kind.words.format(unit=known[0] if known else "")

    def speaks_for(self, report: Report) -> ScopeKind | None:
        """Return the scope of a report that holds more than the agency itself, else None.

        A finished document has no field for it; that of a roll-up says it in its statement.
        """
        if kind := self.scope_of(report.value(self.scope)):
            return kind
        text, agency = report.value(self.statement.get("field", "")), report.agency
        wide = (kind for kind in reversed(self.scopes) if kind.covers)
        said = str(text or "")
        return next((kind for kind in wide if f"{agency}{self.scope_words(kind, agency)}" in said), None)

    def widest_needed(self, categories: Iterable[str]) -> ScopeKind:
        """Return the first scope that holds all categories, else the last."""
        needed = set(categories)
        return next((kind for kind in self.scopes if kind.covers and needed <= kind.covers), self.scopes[-1])


def read_policy(meta: Mapping[str, Any], fields: FieldSet) -> Policy | None:
    """Return the policy that pack.toml describes, None where it has none."""
    source = meta.get("rollup")
    if source is None:
        return None
    wanted = set(_figures(source, fields))
    return Policy(
        tuple(field for field in fields.numbers if field.path in wanted),
        str(meta.get("category", "")),
        str(meta.get("code", "")),
        source["scope"],
        source["included"],
        frozenset(source.get("excluded", ())),
        source["own"],
        tuple(sorted(source.get("suffixes", ()), key=len, reverse=True)),
        tuple(source.get("units", ())),
        source.get("alike", 8),
        tuple(ScopeKind(s["value"], s["words"], frozenset(s["covers"])) for s in source["scopes"]),
        tuple(_limit(limit, fields) for limit in source.get("limited", ())),
        source["statement"],
        source["draft"],
    )


def unknown_names(source: Mapping[str, Any], fields: FieldSet) -> Iterator[str]:
    """Yield the paths and patterns of `[rollup]` that the schema does not have."""
    limits = source.get("limited", ())
    named = [*source["tables"], source["scope"], source["included"]]
    named += filter(None, [source["statement"].get("field")])
    named += [path for limit in limits for path in limit.get("where", {})]
    yield from (path for path in named if path not in fields.nodes)
    patterns = [*source.get("fields", ()), *(path for limit in limits for path in limit["fields"])]
    yield from (pattern for pattern in patterns if not list(matching(pattern, fields)))


def _figures(source: Mapping[str, Any], fields: FieldSet) -> Iterator[str]:
    inside = tuple(f"{table}." for table in source["tables"])
    yield from (field.path for field in fields.numbers if field.path.startswith(inside))
    for pattern in source.get("fields", ()):
        yield from matching(pattern, fields)


def _limit(source: Mapping[str, Any], fields: FieldSet) -> Limit:
    named = tuple(path for pattern in source["fields"] for path in matching(pattern, fields))
    # TOML has no null: an empty text stands for a blank field.
    where = {
        path: tuple(None if value == "" else value for value in values)
        for path, values in source.get("where", {}).items()
    }
    return Limit(named, where, source["severity"], source["message"])
