"""`nianbao form`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nianbao.cli.common import CLEAN, must_not_overwrite, read_all, say, warn
from nianbao.errors import InputError, OutputError
from nianbao.fields import lookup
from nianbao.filenames import Namer
from nianbao.labels import normal
from nianbao.outputs.files import make_folder
from nianbao.pack import Pack
from nianbao.predecessors import off_by
from nianbao.previous import Previous
from nianbao.rendering.context import filled_name
from nianbao.report import Report

# A blank register has room for so many agencies.
_BLANK_ROWS = 60


def run_form(
    out: Path,
    agencies: Path | None,
    previous: Sequence[str],
    year: int | None,
    pack: Pack,
    aliases: Path | None = None,
) -> int:
    """Write a register, or one form an agency, and return the exit status."""
    if year is not None and not 1900 <= year <= 2999:
        raise InputError(f"--year 应为四位年份，例如2024，不是{year}")
    must_not_overwrite(out, *previous, *([agencies] if agencies else ()))
    before = Previous.of(_last_year(previous, pack), pack, aliases)
    roster = _roster(agencies, before, year, pack)
    last = {normal(e.get("agency", "")): r for e in roster if (r := _carried(e, before, pack)) is not None}
    if out.suffix.lower() == ".xlsx":
        if year and not roster:
            warn("空白登记表里没有单位，--year 没有用上；请用 --agencies 给出单位名录，或在表中填写年度")
        _write_register(out, roster, last, pack)
    elif out.suffix:
        raise OutputError(f"填报表只能写成.xlsx，或给出文件夹，不能写{out.suffix}", file=str(out))
    else:
        _write_forms(out, roster, last, year, pack)
    return CLEAN


def _carried(entry: Mapping[str, Any], before: Previous, pack: Pack) -> Report | None:
    """Return last year's figures of an agency, added up where it was merged; None for one without any."""
    code = lookup(entry, before.code) if before.code else None
    report = Report(entry, known={before.code: code} if code else {})
    last = before.find(report)
    for remark in off_by(report, last):
        warn(f"{report.agency}：{remark.message}，没有预填")
        return None
    if last.comparable:
        return last.whole(f.path for f in pack.fields.numbers)
    for remark in last.remarks:
        if remark.severity != "info":
            warn(f"{report.agency}：{remark.message}，没有预填")
    return None


def _last_year(previous: Sequence[str], pack: Pack) -> list[Report]:
    if not previous:
        return []
    reports, unreadable = read_all(previous, pack, None)
    for _, message in unreadable:
        warn(f"未能读取：{message}")
    return reports


def _roster(agencies: Path | None, before: Previous, year: int | None, pack: Pack) -> list[dict[str, Any]]:
    """Return what is known of each agency: from the roster, or else from last year's reports."""
    from nianbao.readers.roster import read_roster

    following = max((r.year + 1 for r in before.reports if r.year), default=None)
    roster = read_roster(agencies, pack) if agencies else list(_successors(before, year or following))
    for entry in roster:
        if year or "year" not in entry:
            entry["year"] = year or following
        if entry["year"] is None:
            del entry["year"]
    return roster


def _successors(before: Previous, year: int | None) -> Iterator[dict[str, Any]]:
    """Yield what is known of each agency that follows one of last year, each once."""
    seen: set[str] = set()
    latest: dict[str, Report] = {}
    for report in before.reports:
        known = latest.setdefault(normal(report.agency), report)
        if (report.year or 0) > (known.year or 0):
            latest[normal(report.agency)] = report
    for report in latest.values():
        fate = before.aliases.fate(report.agency, (report.year or (year or 1) - 1) + 1)
        entries = [_known(report)] if not fate else [{"agency": c.new} for c in fate if c.new]
        if [change.kind for change in fate] == ["renamed"]:
            entries = [{**_known(report), "agency": fate[0].new}]
        for entry in entries:
            if normal(entry.get("agency", "")) not in seen:
                seen.add(normal(entry.get("agency", "")))
                yield entry


def _known(report: Report) -> dict[str, Any]:
    kept = {key: report.data[key] for key in ("agency", "profile") if report.data.get(key)}
    # What was declared and collected last year says nothing about this year.
    profile = {k: v for k, v in kept.get("profile", {}).items() if not isinstance(v, Mapping)}
    profile.pop("no_applications", None)
    return {**kept, "profile": profile, **({"year": report.year + 1} if report.year else {})}


def _write_register(
    out: Path, roster: Sequence[Mapping[str, Any]], last: Mapping[str, Report], pack: Pack
) -> None:
    from nianbao.outputs.forms import write_register

    write_register(pack, out, roster=roster or [{}] * _BLANK_ROWS, previous=last)
    say(f"登记表：{out}（{len(roster)}个单位）" if roster else f"空白登记表：{out}")


def _write_forms(
    out: Path, roster: Sequence[Mapping[str, Any]], last: Mapping[str, Report], year: int | None, pack: Pack
) -> None:
    from nianbao.outputs.forms import write_form

    make_folder(out)
    namer = Namer()
    for entry in roster or [{"year": year} if year else {}]:
        agency = str(entry.get("agency") or "")
        wanted = filled_name(pack, agency, entry["year"]) if entry.get("year") else agency
        name, _ = namer.name(f"{wanted}填报表" if agency else f"{wanted}空白填报表")
        write_form(pack, out / f"{name}.xlsx", agency=entry, previous=last.get(normal(agency)))
    say(f"填报表{len(roster or [{}])}份，在{out}")
