"""What only the whole batch shows beside last year: agencies that are missing or new, parts of split ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nianbao.agencies import agency_key, code_key
from nianbao.findings import Value
from nianbao.pack import Pack
from nianbao.predecessors import Predecessors, is_last_years
from nianbao.previous.index import Previous
from nianbao.report import Report
from nianbao.rules.yearly import check_years

# Names that a note lists.
_LISTED = 50


@dataclass(frozen=True, slots=True)
class _Present:
    """One report of this year; `figures` only of a part of a split agency."""

    agency: str
    figures: Mapping[str, Value]


class Census:
    """Counts the reports of a batch while they go by."""

    def __init__(self, previous: Previous, pack: Pack) -> None:
        self.previous, self.pack = previous, pack
        self._present: dict[tuple[str, int], _Present] = {}
        self._codes: set[tuple[str, int]] = set()
        self._new: list[str] = []

    def tracked(self, report: Report) -> tuple[str, ...]:
        """Return the fields whose values `add` wants: the code, and figures of a part of a split agency."""
        agency, year, aliases = report.agency, report.year or 0, self.previous.aliases
        changes = (*aliases.origins(agency, year), *aliases.fate(agency, year))
        code = (self.previous.code,) if self.previous.code else ()
        return (*code, *(self._paths if any(change.kind == "split" for change in changes) else ()))

    def add(self, agency: str, year: int | None, is_new: bool, figures: Mapping[str, Value]) -> None:
        """Count a report; `is_new` where last year knows nothing of its agency."""
        if year is None:
            return
        self._present[agency_key(agency), year] = _Present(agency, figures)
        if code := code_key(figures.get(self.previous.code)):
            self._codes.add((code, year))
        if is_new:
            self._new.append(agency)

    @property
    def missing(self) -> list[str]:
        """The agencies that reported last year and do not this year, nor does any that followed them."""
        years = {year for _, year in self._present}
        found: dict[str, None] = {}
        for report in self.previous.reports:
            year = (report.year or 0) + 1
            if year in years:
                found |= dict.fromkeys(self._lost(report, year))
        return list(found)

    @property
    def new(self) -> list[str]:
        """The agencies that report this year and did not last year."""
        return list(dict.fromkeys(self._new))

    def notes(self) -> list[tuple[str, str]]:
        """Return what the summary records: (heading, text)."""
        notes = []
        if missing := self.missing:
            hint = "只检查部分单位的可不理会，撤销、改名的请写进别名表"
            notes.append(("上年有报告、本年没有的单位", f"{_names(missing)}（{hint}）"))
        if self.new:
            notes.append(("本年新增的单位", _names(self.new)))
        return [*notes, *(("拆分单位合计", text) for text in self.splits())]

    @property
    def _paths(self) -> tuple[str, ...]:
        rules = self.pack.rules.yearly
        named = (path for instance in rules for path in instance.comparison.fields)
        return tuple(dict.fromkeys(path for path in named if not is_last_years(path)))

    def _lost(self, report: Report, year: int) -> Iterator[str]:
        """Yield who should follow a report of last year and does not."""
        fate = self.previous.aliases.fate(report.agency, year)
        if any(change.kind == "abolished" for change in fate):
            return
        if fate:
            yield from (c.new for c in fate if (agency_key(c.new), year) not in self._present)
            return
        by_name, by_code = (agency_key(report.agency), year), (self._code(report), year)
        if by_name not in self._present and by_code not in self._codes:
            yield report.agency

    def _code(self, report: Report) -> str:
        return code_key(report.value(self.previous.code)) if self.previous.code else ""

    def splits(self) -> list[str]:
        """Return for each split agency what its parts together say beside its last report."""
        return list(self._splits())

    def _splits(self) -> Iterator[str]:
        for report in self.previous.reports:
            year = (report.year or 0) + 1
            fate = [c for c in self.previous.aliases.fate(report.agency, year) if c.kind == "split"]
            parts = self._parts(report, year, [change.new for change in fate]) if fate else {}
            present = [part for part in parts.values() if part is not None]
            if not present:
                continue
            names = "、".join(part.agency for part in present)
            absent = [name for name, part in parts.items() if part is None]
            if absent:
                yield f"{report.agency}拆分为{names}、{'、'.join(absent)}，后者没有报告，未合并核对"
                continue
            problems = list(self._together(present, report, year))
            said = "；".join(problems) or "与上年报告相符"
            yield f"{names}（由{report.agency}拆分）合计：{said}"

    def _parts(self, report: Report, year: int, names: Iterable[str]) -> dict[str, _Present | None]:
        wanted = list(dict.fromkeys(names))
        if (agency_key(report.agency), year) in self._present:
            # The agency goes on, only smaller.
            wanted = list({agency_key(name): name for name in (*wanted, report.agency)}.values())
        return {name: self._present.get((agency_key(name), year)) for name in wanted}

    def _together(self, parts: Iterable[_Present], report: Report, year: int) -> Iterator[str]:
        """Yield the messages of the linear rules for the sums of the parts."""
        figures = Predecessors(tuple(Report({}, known=part.figures) for part in parts))
        known = {path: figures.value(path) for path in self._paths}
        both = Report({"year": year}, known=known)
        rules = self.pack.rules
        linear = type(rules)((), (), (), rules.yearly)
        yield from (finding.message for finding in check_years(linear, both, Predecessors((report,))))


def _names(names: list[str]) -> str:
    more = f"等{len(names)}个" if len(names) > _LISTED else ""
    return "、".join(names[:_LISTED]) + more
