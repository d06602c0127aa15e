"""Members of a roll-up: what is kept of each report, and whether it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from nianbao.agencies import agency_key, code_key
from nianbao.fields import generic
from nianbao.findings import Value, Where
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.policy import Policy
from nianbao.readers.roster import read_sound_entries
from nianbao.report import Report, leaves
from nianbao.rules.expression import Number
from nianbao.rules.instances import number_of

Key = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Member:
    """What a roll-up keeps of a report; `figures` are in the order of the policy's fields, None where blank.

    `said` is what is known of the agency (category, scope …), by the roster first, else its report; `texts`
    are its texts and notes by field. `errors` counts what blocks the report, `trouble` is the first.
    `listed` is its name on the roster, None where it is on none, `parent` in whose figures the roster says
    that it is included.
    """

    agency: str
    year: int | None
    figures: tuple[Number | None, ...]
    said: Mapping[str, Value]
    texts: Mapping[str, str]
    source: Where
    digest: str
    errors: int = 0
    trouble: str = ""
    waived: int = 0
    listed: str | None = None
    gaps: tuple[Number, ...] = ()
    parent: str = ""

    def figure(self, index: int) -> Number:
        """Return a figure, 0 where it is blank."""
        return self.figures[index] or 0

    @property
    def blank(self) -> bool:
        """Whether there is no figure at all."""
        return all(figure is None for figure in self.figures)


@dataclass(frozen=True)
class Excluded:
    """An agency that does not count, and why; `reported` where there is a report of it.

    `listed` is its name on the roster; `of_year` the year of a report that does not count for that alone, 0
    where it does not say, None where that is not why.
    """

    agency: str
    reason: str
    reported: bool = True
    listed: str | None = None
    of_year: int | None = None


@dataclass(frozen=True)
class Roster:
    """The agencies that are to report; `given` is False where nobody said which.

    `parents` says, by the names as they are compared, in whose figures an agency is included.
    """

    entries: tuple[tuple[str, Mapping[str, Value]], ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    given: bool = False
    name: Key = agency_key
    code: str = ""
    _by_key: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, source: object, pack: Pack, name: Key) -> Roster:
        """Return the roster of a file, or of nested data of each agency; raises InputError."""
        if source is None:
            return cls(name=name)
        if isinstance(source, str | Path):
            listed = read_sound_entries(Path(source), pack)
            found: Iterable[Mapping[str, Any]] = [entry.data for entry in listed]
            parents = {name(str(e.data["agency"])): name(e.parent) for e in listed if e.parent}
        else:
            found, parents = list(source), {}  # type: ignore[call-overload]
        entries = tuple((str(entry["agency"]), dict(leaves(entry))) for entry in found)
        roster = cls(entries, parents, True, name, str(pack.meta.get("code", "")))
        for number, (agency, said) in enumerate(entries):
            for key in (name(agency), code_key(said.get(roster.code))):
                if key:
                    roster._by_key.setdefault(key, number)
        return roster

    def find(self, report: Report) -> int | None:
        """Return the number of the entry that a report belongs to: by name, else by code."""
        number = self._by_key.get(self.name(report.agency))
        code = code_key(report.value(self.code)) if self.code and number is None else ""
        return self._by_key.get(code) if code else number


class Gatherer:
    """Turns checked reports into members."""

    def __init__(self, pack: Pack, policy: Policy, roster: Roster) -> None:
        self.pack, self.policy, self.roster = pack, policy, roster
        self._take = _taker(policy.paths)
        self._words = _Words(pack)

    def member(self, result: CheckResult, gaps: tuple[Number, ...] = ()) -> Member:
        """Return what is kept of a report."""
        report = result.report
        number = self.roster.find(report)
        entry: tuple[str | None, Mapping[str, Value]]
        entry = (None, {}) if number is None else self.roster.entries[number]
        said = {path: self._said(path, report, entry[1]) for path in self.policy.asked}
        figures, texts = self._figures(report), self._words.of(report)
        worst = next((f.message for f in result.findings if f.severity == "error" and not f.waiver), "")
        return Member(
            report.agency or "未填单位",
            report.year,
            figures,
            said,
            texts,
            report.source,
            _digest(figures, texts),
            result.errors,
            worst,
            result.waived,
            entry[0],
            gaps,
            self.roster.parents.get(self.roster.name(entry[0] or report.agency), ""),
        )

    def _said(self, path: str, report: Report, listed: Mapping[str, Value]) -> Value:
        """Return what the roster says of an agency, else its report; the scope is the report's own."""
        first, second = listed.get(path), report.value(path)
        if path == self.policy.scope:
            first, second = second, first
        return second if first is None else first

    def _figures(self, report: Report) -> tuple[Number | None, ...]:
        try:
            found: tuple[Any, ...] = self._take(report.values)
        except KeyError:  # blank values may be left out
            found = tuple(map(report.values.get, self.policy.paths))
        if set(map(type, found)) == {int}:
            return found
        return tuple(value if type(value) is int else number_of(value) for value in found)


def _taker(paths: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what fetches the values of all paths; raises KeyError where one is not there."""
    # itemgetter of one name returns the bare value.
    return itemgetter(*paths) if len(paths) > 1 else lambda values: tuple(values[path] for path in paths)


class _Words:
    """Picks the texts and notes of a report."""

    def __init__(self, pack: Pack) -> None:
        self._wanted = {
            f.path for f in pack.fields if f.printed and f.kind in ("text", "line") and f.path != "agency"
        }

    def of(self, report: Report) -> dict[str, str]:
        return {
            path: value
            for path, value in report.values.items()
            if isinstance(value, str) and value and (path in self._wanted or generic(path) in self._wanted)
        }


def _digest(figures: Sequence[Number | None], texts: Mapping[str, str]) -> str:
    stated = f"{[str(figure) for figure in figures]}\0{sorted(texts.items())}"
    return hashlib.sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()


def why_not(said: Mapping[str, Value], pack: Pack, policy: Policy) -> str:
    """Return why an agency does not count, empty where it does."""
    category = said.get(policy.category)
    if category in policy.excluded:
        return category_words(category, pack, policy)
    if said.get(policy.included) is False:
        return f"写明不{pack.fields.nodes[policy.included].title}"
    return ""


def category_words(value: Value, pack: Pack, policy: Policy) -> str:
    """Return a category in words."""
    known = pack.fields.find(policy.category)
    return dict(known.choices).get(str(value), str(value)) if known and value else "未填类别"
