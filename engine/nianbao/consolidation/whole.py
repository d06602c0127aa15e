"""The report of the whole: the sums of its members, and the words of its own government."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nianbao.agencies import agency_key
from nianbao.consolidation.members import Member
from nianbao.fields import generic
from nianbao.findings import Value, Where
from nianbao.pack import Pack
from nianbao.policy import Policy, ScopeKind
from nianbao.report import Report, leaves
from nianbao.rules.expression import Number

# Where the figures of the whole are shown.
MATRIX, PUBLISHED_COLUMN = "贡献矩阵", "B"


def own_report(reports: Iterable[Report], agency: str, policy: Policy) -> Report | None:
    """Return the report whose words are those of the whole: the government's own.

    It is the one that bears the name of the whole, else the only one of its category that speaks for itself
    alone.
    """
    found = list(reports)
    named = [r for r in found if agency_key(r.agency) == agency_key(agency)]
    alone = [
        r
        for r in found
        if r.value(policy.category) == policy.own and policy.scope_of(r.value(policy.scope)) is None
    ]
    return named[-1] if named else alone[0] if len(alone) == 1 else None


def add_up(members: Sequence[Member], policy: Policy) -> tuple[Number | None, ...]:
    """Return the exact sum of each figure; None where no member has one."""
    if not members:
        return (None,) * len(policy.fields)
    columns = zip(*(member.figures for member in members), strict=True)
    return tuple(_sum(column) for column in columns)


def _sum(column: Sequence[Number | None]) -> Number | None:
    try:
        return sum(column)  # type: ignore[arg-type]
    except TypeError:  # a blank is None
        known = [figure for figure in column if figure is not None]
        return sum(known) if known else None


def scope_of_whole(
    members: Sequence[Member], missing: Iterable[Value], own: Report | None, policy: Policy
) -> ScopeKind:
    """Return the narrowest scope that holds all members but the government's own; the widest if unknown.

    `missing` are the categories of those that are still to report.
    """
    name = agency_key(own.agency) if own is not None else ""
    others = [member for member in members if agency_key(member.agency) != name]
    needed = [*(member.said.get(policy.category) for member in others), *missing]
    return policy.widest_needed(map(str, needed))


def whole_report(
    agency: str,
    year: int | None,
    figures: Mapping[str, Number | None],
    scope: ScopeKind,
    own: Report | None,
    statement: str,
    pack: Pack,
) -> Report:
    """Return the report of the whole, `statement` at the end of the text that the pack names.

    The places of its figures are those of the matrix.
    """
    policy = pack.rollup
    assert policy is not None, "only a pack with a policy rolls up"
    values: dict[str, Value] = {"agency": agency, "year": year, **_words(own, pack, policy)}
    if (field := policy.statement.get("field")) and statement:
        values[field] = with_statement(values.get(field), statement)
    values |= {policy.scope: scope.value, policy.included: True}
    values.setdefault(policy.category, policy.own)
    values |= {path: figure for path, figure in figures.items() if figure is not None}
    data: dict[str, Any] = pack.nesting.data(values)
    origins = {
        path: Where(sheet=MATRIX, cell=f"{PUBLISHED_COLUMN}{number}")
        for number, path in enumerate(policy.paths, 2)
    }
    return Report(data, Where(sheet=MATRIX), (), origins)


def with_statement(text: Value, statement: str) -> str:
    """Return a text that ends with the statement, as a paragraph of its own; one that has it stays."""
    words = str(text or "").rstrip()
    return words if statement in words else "\n".join(filter(None, (words, statement)))


def _words(own: Report | None, pack: Pack, policy: Policy) -> dict[str, Value]:
    """Return everything but figures, notes on figures, and the name of a report."""
    if own is None:
        return {}
    # That its own office had no applications says nothing of the others.
    dropped = {*policy.paths, "agency", "year", "title", pack.meta.get("zero_declaration", {}).get("field")}
    return {
        path: value
        for path, value in own.values.items()
        if value is not None
        and path not in dropped
        and not path.startswith(tuple(f"{name}{mark}" for name in pack.fields.maps for mark in ".["))
        and (field := pack.fields.find(path)) is not None
        and not field.is_number
    }


def has_words(own: Report | None, pack: Pack) -> bool:
    """Return whether a report has texts of its own."""
    if own is None:
        return False
    texts = {field.path for field in pack.fields if field.printed and field.kind == "text"}
    return any(generic(path) in texts and value for path, value in leaves(own.data))
