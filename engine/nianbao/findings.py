"""Findings: what is wrong with a report, as data. Nothing above this module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
Value = int | Decimal | str | bool | None

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Where:
    """Where something stands in its source: only what applies is set.

    `row`, `column` and `line` count from 1; `cell` is an address such as ``K5``;
    `pointer` is a JSON Pointer; `box` is (left, top, right, bottom) in points on `page`.
    """

    file: str | None = None
    sheet: str | None = None
    cell: str | None = None
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    table: int | None = None
    row: int | None = None
    column: int | None = None
    line: int | None = None
    pointer: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the parts that are set, by name."""
        pairs = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: value for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A smallest set of cells whose change would satisfy every violated rule.

    `changes` maps a field to the value that it should have; suspects that the rules
    cannot tell apart share a `group`.
    """

    changes: Mapping[str, Value]
    reason: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in a report. `field` is the field to look at first, or None for a whole report.

    Where it is about a block of cells, `fields` are all of them, `field` the first.
    """

    rule: str
    severity: Severity
    field: str | None
    where: Where
    message: str
    expected: Value = None
    actual: Value = None
    suspects: tuple[Suspect, ...] = ()
    basis: str = ""
    fields: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON data; decimals become strings."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "field": self.field,
            "where": self.where.as_dict(),
            "message": self.message,
            "expected": _plain(self.expected),
            "actual": _plain(self.actual),
            "suspects": [
                {
                    "changes": {field: _plain(value) for field, value in s.changes.items()},
                    "reason": s.reason,
                    "group": s.group,
                }
                for s in self.suspects
            ],
            "basis": self.basis,
        }


def count_severity(findings: Iterable[Finding], severity: Severity) -> int:
    """Return how many of `findings` have `severity`."""
    return sum(finding.severity == severity for finding in findings)


def _plain(value: Value) -> Value:
    return format(value, "f") if isinstance(value, Decimal) else value
