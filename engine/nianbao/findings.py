"""Findings: what is wrong with a report, as data. Nothing above this module."""

from __future__ import annotations

import dataclasses
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
class Waiver:
    """An agency's explanation of a finding, confirmed by a named person.

    `field` is a path or a position in the words of the form, `value` what stood there when it was written
    and `expected` what was wanted then, as people write them; None where the explanation does not say.
    """

    agency: str
    rule: str
    field: str
    value: str | None
    reason: str
    confirmed_by: str
    date: str = ""
    year: int | None = None
    expected: str | None = None
    where: Where = dataclasses.field(default_factory=Where)

    @property
    def words(self) -> str:
        """The explanation in one line: 已说明：…（张三 2024-01-20确认）."""
        confirmed = " ".join(filter(None, (self.confirmed_by, self.date)))
        return f"已说明：{self.reason}（{confirmed}确认）"

    def stated(self) -> str:
        """Return all that the explanation says as text, wherever it stands: for digests."""
        return repr(dataclasses.astuple(dataclasses.replace(self, where=Where())))

    def as_dict(self) -> dict[str, str]:
        """Return reason, who confirmed it and when, as plain JSON data."""
        return {"reason": self.reason, "confirmed_by": self.confirmed_by, "date": self.date}


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem in a report. `field` is the field to look at first, or None for a whole report.

    Where it is about a block of cells, `fields` are all of them, `field` the first. One with a `waiver` is
    explained: it is still told, and blocks nothing.
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
    waiver: Waiver | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON data; decimals become strings. `waived` is there where it is."""
        waived = {} if self.waiver is None else {"waived": self.waiver.as_dict()}
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
            **waived,
        }


def order(finding: Finding) -> int:
    """Return the rank of a finding: errors, warnings, notes, and last what is explained."""
    return len(SEVERITIES) if finding.waiver else SEVERITIES.index(finding.severity)


def count_severity(findings: Iterable[Finding], severity: Severity) -> int:
    """Return how many of `findings` have `severity` and no explanation."""
    return sum(finding.severity == severity and finding.waiver is None for finding in findings)


def _plain(value: Value) -> Value:
    return format(value, "f") if isinstance(value, Decimal) else value
