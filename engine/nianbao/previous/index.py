"""Last year's reports by agency, and which of them a report of this year follows upon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from nianbao.agencies import agency_key, code_key
from nianbao.bind import bind
from nianbao.errors import InputError
from nianbao.inputs import Source, listed
from nianbao.pack import Pack
from nianbao.predecessors import Predecessors, Relation, Remark
from nianbao.previous.aliases import Aliases, Change, as_aliases
from nianbao.previous.kept import kept
from nianbao.report import Report


@dataclass(frozen=True)
class Previous:
    """Last year's reports, found by the agency's name, else by its code; more years may be among them.

    `code` is the field that holds an agency's code; `unreadable` are the files that could not be read, as
    (file, reason). A government's own report and that of its region bear one name: `scope` is the field that
    tells them apart, `wide` its values for more than the agency itself.
    """

    reports: tuple[Report, ...]
    aliases: Aliases = field(default_factory=Aliases)
    code: str = ""
    unreadable: tuple[tuple[str, str], ...] = ()
    scope: str = ""
    wide: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        reports: Iterable[Report],
        pack: Pack,
        aliases: object = None,
        unreadable: Sequence[tuple[str, str]] = (),
    ) -> Previous:
        """Return the index of reports that were read."""
        policy = pack.rollup
        return cls(
            tuple(reports),
            as_aliases(aliases),
            str(pack.meta.get("code", "")),
            tuple(unreadable),
            policy.scope if policy else "",
            frozenset(kind.value for kind in policy.scopes if kind.covers) if policy else frozenset(),
        )

    @classmethod
    def read(cls, inputs: object, pack: Pack, aliases: object = None) -> Previous:
        """Return the index of any input, or list of inputs; raises InputError where there is no report."""
        source = Source(listed(inputs), pack)
        reports = tuple(kept(bind(raw, pack), pack) for raw in source)
        if not reports:
            raise InputError(f"上年数据里没有报告：{source.nothing().message}")
        return cls.of(reports, pack, aliases, source.unreadable)

    def find(self, report: Report) -> Predecessors:
        """Return what a report of this year follows upon, with remarks on what could not be found."""
        if report.year is None or not report.agency:
            return Predecessors()
        origins = self.aliases.origins(report.agency, report.year)
        fate = self.aliases.fate(report.agency, report.year)
        remarks = _still_there(report, fate)
        if origins:
            return self._from_origins(report, origins, fate, remarks)
        if any(change.kind == "split" for change in fate):
            found = self._named(report.agency, report, remarks)
            return Predecessors(found, "split", (), (*remarks, *_split(found)))
        found = self._named(report.agency, report, remarks)
        relation: Relation = "same"
        if not found and not any(remark.rule == "PREVIOUS-SAME" for remark in remarks):
            found, relation = self._coded(report, remarks), "renamed"
        return Predecessors(found, relation, (), tuple(remarks))

    def _from_origins(
        self, report: Report, origins: Sequence[Change], fate: Sequence[Change], remarks: list[Remark]
    ) -> Predecessors:
        kinds = {change.kind for change in origins}
        names = list({agency_key(change.old): change.old for change in origins}.values())
        own = agency_key(report.agency)
        if "merged" in kinds and own not in map(agency_key, names) and not fate and self._years(own):
            # Others were merged into an agency that was there before.
            names.insert(0, report.agency)
        found: list[Report] = []
        missing: list[str] = []
        for name in names:
            reports = self._named(name, report, remarks)
            found += reports
            missing += [] if reports else [name]
        relation: Relation = "split" if "split" in kinds else "merged" if "merged" in kinds else "renamed"
        if missing:
            remarks.append(_incomplete(missing, bool(found)))
        elif relation == "split":
            remarks += _split(found)
        return Predecessors(tuple(found), relation, tuple(missing), tuple(remarks))

    def _named(self, agency: str, report: Report, remarks: list[Remark]) -> tuple[Report, ...]:
        """Return an agency's report of the year before that of `report`, else of the nearest year."""
        years, year = self._years(agency_key(agency)), report.year or 0
        if not years:
            return ()
        nearest = min(years, key=lambda y: (y != year - 1, abs(y - year), y))
        return _only(self._of_scope(years[nearest], report), agency, remarks)

    def _of_scope(self, reports: Sequence[Report], report: Report) -> Sequence[Report]:
        """Return those that speak for what `report` does; of a document that does not say it, perhaps."""
        if len(reports) < 2 or not self.scope:
            return reports
        said = report.value(self.scope)
        same = [r for r in reports if said is not None and r.value(self.scope) == said]
        known = [(r, r.value(self.scope)) for r in reports]
        perhaps = [r for r, own in known if own is None or (own in self.wide) == (said in self.wide)]
        return same or perhaps or reports

    def _coded(self, report: Report, remarks: list[Remark]) -> tuple[Report, ...]:
        """Return the report with the same code of the year before; a new agency has none."""
        code = code_key(report.value(self.code)) if self.code else ""
        found = [r for r in self._by_code.get(code, ()) if r.year == (report.year or 0) - 1] if code else []
        if len(found) == 1:
            message = f"上年报告的单位名称是“{found[0].agency}”，按单位代码认作同一单位，请核对"
            remarks.append(Remark("PREVIOUS-NAME", "info", message))
            return tuple(found)
        message = (
            f"上年数据里没有“{report.agency}”，未与上年核对；"
            "新设的单位可不理会，改名、合并、拆分的请写进别名表（--aliases）"
        )
        remarks.append(Remark("PREVIOUS-NONE", "info", message))
        return ()

    def _years(self, key: str) -> Mapping[int, list[Report]]:
        return self._by_name.get(key, {})

    @cached_property
    def _by_name(self) -> Mapping[str, dict[int, list[Report]]]:
        found: dict[str, dict[int, list[Report]]] = {}
        for report in self.reports:
            years = found.setdefault(agency_key(report.agency), {})
            years.setdefault(report.year or 0, []).append(report)
        return found

    @cached_property
    def _by_code(self) -> Mapping[str, list[Report]]:
        found: dict[str, list[Report]] = {}
        for report in self.reports if self.code else ():
            if code := code_key(report.value(self.code)):
                found.setdefault(code, []).append(report)
        return found


def as_previous(source: object, pack: Pack, aliases: object = None) -> Previous | None:
    """Return the index that `source` is or that reading it makes; None for None. Raises InputError."""
    if source is None:
        as_aliases(aliases)
        return None
    if isinstance(source, Previous):
        return source if aliases is None else replace(source, aliases=as_aliases(aliases))
    return Previous.read(source, pack, aliases)


def _only(reports: Sequence[Report], agency: str, remarks: list[Remark]) -> tuple[Report, ...]:
    """Return the one report; of several the first if all say the same, else none and a remark."""
    if len(reports) > 1 and len({tuple(sorted(_said(report).items(), key=str)) for report in reports}) > 1:
        files = "、".join(dict.fromkeys(Path(r.source.file or "").name for r in reports))
        message = f"上年数据里“{agency}”有{len(reports)}份不同的报告（{files}），未与上年核对；请只留一份"
        remarks.append(Remark("PREVIOUS-SAME", "warning", message))
        return ()
    return (reports[0],)


def _said(report: Report) -> dict[str, object]:
    return {path: value for path, value in report.values.items() if path != "agency"}


def _still_there(report: Report, fate: Sequence[Change]) -> list[Remark]:
    """Return a remark where an agency reports that should be gone."""
    gone = [
        change
        for change in fate
        if change.kind != "split" and agency_key(change.new) != agency_key(report.agency)
    ]
    if not gone:
        return []
    what = "已撤销" if gone[0].kind == "abolished" else f"已并入或改为{gone[0].new}"
    message = f"别名表写明“{report.agency}”{what}，本年却有它的报告；请核对别名表，或核对是否应由它报告"
    return [Remark("PREVIOUS-GONE", "warning", message)]


def _incomplete(missing: Sequence[str], some: bool) -> Remark:
    names = "、".join(missing)
    rest = "合计不全，" if some else ""
    message = f"别名表写明本单位由{names}等而来，上年数据里没有{names}的报告，{rest}未与上年的数核对"
    return Remark("PREVIOUS-PART", "info", message)


def _split(found: Sequence[Report]) -> list[Remark]:
    if not found:
        return []
    names = "、".join(report.agency for report in found)
    message = f"本单位由{names}拆分而来，上年的数不能与其中一部分相比，未逐个核对；各部分合起来的核对见说明"
    return [Remark("PREVIOUS-SPLIT", "info", message)]
