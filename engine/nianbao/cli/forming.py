"""`nianbao form`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nianbao.cli.common import CLEAN, read_all, say, warn
from nianbao.context import filled_name
from nianbao.errors import OutputError
from nianbao.filenames import Namer
from nianbao.labels import normal
from nianbao.outputs.files import make_folder
from nianbao.pack import Pack
from nianbao.report import Report

# A blank register has room for so many agencies.
_BLANK_ROWS = 60


def run_form(out: Path, agencies: Path | None, previous: Sequence[str], year: int | None, pack: Pack) -> int:
    """Write a register, or one form an agency, and return the exit status."""
    last = _last_year(previous, pack)
    roster = _roster(agencies, list(last.values()), year, pack)
    if out.suffix.lower() == ".xlsx":
        _write_register(out, roster, last, pack)
    elif out.suffix:
        raise OutputError(f"填报表只能写成.xlsx，或给出文件夹，不能写{out.suffix}", file=str(out))
    else:
        _write_forms(out, roster, last, pack)
    return CLEAN


def _last_year(previous: Sequence[str], pack: Pack) -> dict[str, Report]:
    if not previous:
        return {}
    reports, unreadable = read_all(previous, pack, None)
    for _, message in unreadable:
        warn(f"未能读取：{message}")
    return {normal(report.agency): report for report in reports}


def _roster(
    agencies: Path | None, last: Sequence[Report], year: int | None, pack: Pack
) -> list[dict[str, Any]]:
    """Return what is known of each agency: from the roster, or else from last year's reports."""
    from nianbao.readers.roster import read_roster

    roster = read_roster(agencies, pack) if agencies else [_known(report) for report in last]
    for entry in roster:
        if year or "year" not in entry:
            entry["year"] = year or max((r.year + 1 for r in last if r.year), default=None)
        if entry["year"] is None:
            del entry["year"]
    return roster


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
    out: Path, roster: Sequence[Mapping[str, Any]], last: Mapping[str, Report], pack: Pack
) -> None:
    from nianbao.outputs.forms import write_form

    make_folder(out)
    namer = Namer()
    for entry in roster or [{}]:
        agency = str(entry.get("agency") or "空白")
        name, _ = namer.name(f"{filled_name(pack, agency, entry.get('year'))}填报表")
        write_form(pack, out / f"{name}.xlsx", agency=entry, previous=last.get(normal(agency)))
    say(f"填报表{len(roster or [{}])}份，在{out}")
