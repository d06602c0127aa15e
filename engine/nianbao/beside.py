"""What is set beside the reports of a batch: last year's, and the explanations that agencies gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nianbao.findings import Finding, Value, Waiver
from nianbao.pack import Pack
from nianbao.predecessors import Predecessors
from nianbao.previous import Census, Previous, as_previous
from nianbao.report import Report
from nianbao.waivers import Waivers, as_waivers


@dataclass(frozen=True)
class Beside:
    """Last year's reports, if there are any, and the waivers."""

    previous: Previous | None = None
    waivers: Waivers = field(default_factory=Waivers)

    @classmethod
    def read(cls, pack: Pack, previous: object, aliases: object, waivers: object) -> Beside:
        """Return what the files say, or what was read of them before; raises InputError.

        Aliases without last year's reports have nothing to speak of, and are only read for their mistakes.
        """
        return cls(as_previous(previous, pack, aliases), as_waivers(waivers))

    def last(self, report: Report) -> Predecessors | None:
        """Return what a report follows upon, None where there is no last year."""
        return self.previous.find(report) if self.previous is not None else None

    def explanations(self, report: Report) -> tuple[Waiver, ...]:
        """Return the waivers of a report's agency that are not of another year."""
        found = self.waivers.of(report.agency) if self.waivers.items else ()
        return tuple(waiver for waiver in found if waiver.year in (None, report.year))

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """The files of last year that could not be read, as (file, reason)."""
        return self.previous.unreadable if self.previous is not None else ()


class Tally:
    """Counts the reports of a batch while they go by, for what only all of them together show."""

    def __init__(self, beside: Beside, pack: Pack) -> None:
        self.beside = beside
        self._census = Census(beside.previous, pack) if beside.previous is not None else None
        self._seen: Counter[tuple[str, int | None]] = Counter()

    def tracked(self, report: Report) -> tuple[str, ...]:
        """Return the fields whose values `add` wants to see; agency, year and code are enough of a report."""
        return self._census.tracked(report) if self._census is not None else ()

    def add(
        self, agency: str, year: int | None, findings: Iterable[Finding], figures: Mapping[str, Value]
    ) -> None:
        """Count a report that was checked; `figures` are its values of the `tracked` fields."""
        self._seen[agency, year] += 1
        if self._census is not None:
            is_new = any(finding.rule == "PREVIOUS-NONE" for finding in findings)
            self._census.add(agency, year, is_new, figures)

    def notes(self) -> list[tuple[str, str]]:
        """Return what is to be said of all reports together, as (heading, text)."""
        notes = self._census.notes() if self._census is not None else []
        if self._repeated:
            text = "、".join(f"{agency}{year}年（{count}份）" for agency, year, count in self._repeated)
            notes = [*notes, ("同一单位同一年度不止一份", f"{text}，请只留一份，或核对单位名称和年度")]
        return [*notes, *self.beside.waivers.notes(self._seen.keys())]

    @property
    def _repeated(self) -> list[tuple[str, int, int]]:
        """Return the agencies with several reports of one year, as (agency, year, number)."""
        return [(a, y, n) for (a, y), n in self._seen.items() if n > 1 and a and y is not None]

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain JSON data: agencies missing, new or repeated, waivers without a report."""
        found: dict[str, Any] = {}
        if self._repeated:
            found["repeated"] = [{"agency": a, "year": y, "reports": n} for a, y, n in self._repeated]
        if self._census is not None:
            census = self._census
            found["previous"] = {"missing": census.missing, "new": census.new, "splits": census.splits()}
        if self.beside.waivers.items:
            left = self.beside.waivers.unclaimed(self._seen.keys())
            found["waivers"] = {
                "unclaimed": [{"agency": w.agency, "rule": w.rule, "where": w.where.as_dict()} for w in left]
            }
        return found
