"""The folder of a collection: what the office filled in there, and the figures that were kept.

::

    台账.xlsx          the ledger; what the office fills in (采用稿, 指定单位, 审签人) is read again
    检查结果.xlsx      the findings; its 情况说明 are read again as waivers
    数据/              the adopted report of each agency as JSON, by its name on the roster, to be rolled up
    审签单/            the sheets to be signed, and in 审签数据/ the figures of each
    发布/              where the office puts what was published, to be read back
    索引.json          the ledger for programs; a cache that every run writes anew
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from nianbao.agencies import agency_key
from nianbao.errors import InputError, OutputError
from nianbao.fields import place_value
from nianbao.filenames import LEDGER_FILE, LEDGER_REPORTS, Namer, safe_name
from nianbao.ledger.fingerprint import short_key
from nianbao.ledger.members import read_date
from nianbao.ledger.signing import SignOff, Snapshot, kept_report, snapshot_data, snapshot_of
from nianbao.outputs.files import cannot_write, make_folder, write_atomic
from nianbao.outputs.results.explaining import EXPLAINED
from nianbao.outputs.results.summary import ROUND
from nianbao.pack import Pack
from nianbao.readers.sheets import read_sheets
from nianbao.readers.tables import TableRow, read_table
from nianbao.report import Report, exchanged, leaves

LEDGER, RESULTS, INDEX = LEDGER_FILE, "检查结果.xlsx", "索引.json"
DATA, SIGNING, SIGNED_DATA, PUBLISHED = LEDGER_REPORTS, "审签单", "审签数据", "发布"

_LINES: Mapping[str, Sequence[str]] = {
    "agency": ("单位",),
    "designated": ("采用稿",),
    "first": ("首次收到",),
}
_STRAYS: Mapping[str, Sequence[str]] = {"file": ("文件",), "assigned": ("指定单位",)}
_SIGNOFFS: Mapping[str, Sequence[str]] = {
    "agency": ("单位",),
    "fingerprint": ("指纹",),
    "by": ("审签人",),
    "date": ("审签日期",),
}
_NOTES: Mapping[str, Sequence[str]] = {"heading": ("项目",), "text": ("内容",)}


@dataclass(frozen=True)
class Kept:
    """What a workspace knows from before: all that people filled in, and when a report was first there.

    `designated` are files by agency, `assigned` agencies by file, `signed` the rows of 审签 that are signed.
    """

    designated: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, date] = field(default_factory=dict)
    assigned: Mapping[str, str] = field(default_factory=dict)
    signed: tuple[TableRow, ...] = ()
    round: int = 1


class Workspace:
    """A folder of a collection for one pack and one year; `names` are those of its roster.

    `before` is the workspace of an earlier round: a new one goes on with what was filled in there.
    """

    def __init__(
        self, folder: Path, pack: Pack, year: int, names: Iterable[str], before: Path | None = None
    ) -> None:
        self.folder, self.pack, self.year = folder, pack, year
        self.names = {agency_key(name) for name in names}
        known = before is not None and (before / LEDGER).is_file() and not self.ledger.exists()
        # What people have filled in stands here.
        self.source = before if before is not None and known else folder

    @property
    def ledger(self) -> Path:
        """The workbook of the ledger."""
        return self.folder / LEDGER

    @property
    def results(self) -> Path:
        """The workbook of the findings."""
        return self.folder / RESULTS

    def kept(self) -> Kept:
        """Return what is known from before; raises OutputError for the workspace of another collection."""
        ledger = self.source / LEDGER
        if not ledger.exists():
            return Kept()
        notes = {row.get("heading"): row.get("text") for row in _rows(ledger, _NOTES)}
        lines = _rows(ledger, _LINES)
        self._refuse_other(notes, [row.get("agency") for row in lines])
        return Kept(
            {agency_key(r.get("agency")): r.get("designated") for r in lines if r.get("designated")},
            {agency_key(r.get("agency")): d for r in lines if (d := _day(r.get("first"))) is not None},
            {r.get("file"): r.get("assigned") for r in _rows(ledger, _STRAYS) if r.get("assigned")},
            tuple(r for r in _rows(ledger, _SIGNOFFS) if r.get("by")),
            round_number(notes.get(ROUND, "")),
        )

    def _refuse_other(self, notes: Mapping[str, str], names: Sequence[str]) -> None:
        pack, year = notes.get("报表包", self.pack.id), notes.get("年度", str(self.year))
        shared = sum(agency_key(name) in self.names for name in names)
        if pack != self.pack.id or year != str(self.year):
            what = f"{year}年的台账（报表包{pack}）"
        elif names and 2 * shared < len(names):
            what = f"另一份名录的台账（{'、'.join(names[:3])}等{len(names)}家，本次名录里只有{shared}家）"
        else:
            return
        message = f"{self.source}里是{what}，不能与本次的{self.year}年收报混用；请换一个输出文件夹"
        raise OutputError(message, file=str(self.ledger))

    def waivers(self) -> list[Path]:
        """Return the workbook of the last run where its 情况说明 can be read as waivers."""
        return waivers_in(self.source)

    def signoffs(self, kept: Kept) -> list[SignOff]:
        """Return all signatures in the order of the ledger, each with what was signed, if it is there."""
        snapshots = {short_key(s.fingerprint): s for s in self._snapshots()} if kept.signed else {}
        found = []
        for row in kept.signed:
            key = short_key(row.get("fingerprint"))
            found.append(SignOff(row.get("agency"), key, row.get("by"), row.get("date"), snapshots.get(key)))
        return found

    def _snapshots(self) -> Iterable[Snapshot]:
        for path in sorted((self.source / SIGNING / SIGNED_DATA).glob("*.json")):
            yield snapshot_of(_json(path), self.pack, path.name)

    def bring_snapshots(self) -> None:
        """Copy the signed figures of the round before, so that the workspace needs no other."""
        old, new = (folder / SIGNING / SIGNED_DATA for folder in (self.source, self.folder))
        if self.source == self.folder or not old.is_dir():
            return
        make_folder(new)
        for path in sorted(old.glob("*.json")):
            if not (new / path.name).exists():
                write_atomic(new / path.name, path.read_bytes())

    def keep_snapshot(self, agency: str, report: Report) -> None:
        """Keep the figures of an agency's report whose sign-off sheet is made."""
        data = snapshot_data(report)
        folder = self.folder / SIGNING / SIGNED_DATA
        make_folder(folder)
        name = f"{safe_name(agency)}-{str(data['fingerprint'])[:16]}.json"
        # Figures that somebody may have signed are never written over: the name says what is in there.
        if not (folder / name).exists():
            write_atomic(folder / name, _text(data))

    def keep_reports(self, reports: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the adopted reports, by name of agency, and remove those of before that no longer count.

        `reports` are data as `handed_on` returns them.
        """
        folder = self.folder / DATA
        make_folder(folder)
        names = _data_names(reports)
        for name in self._written_before() - set(names.values()):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(folder / name, error) from error
        for name, data in zip(names.values(), reports.values(), strict=True):
            write_atomic(folder / name, _text(data))

    def _written_before(self) -> set[str]:
        path = self.folder / INDEX
        if not path.exists():
            return set()
        try:
            index = _json(path)
        except InputError:
            # A cache that is broken is no cache.
            return set()
        return {Path(name).name for name in index.get("data", ()) if isinstance(name, str)}

    def write_index(self, index: Mapping[str, Any], agencies: Iterable[str]) -> None:
        """Write the ledger for programs."""
        write_atomic(self.folder / INDEX, _text({**index, "data": sorted(_data_names(agencies).values())}))


def handed_on(report: Report, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report for those who add up: under the name of the roster, with what only the roster knows.

    `known` is nested data; a Word file says neither category nor code, and may bear a former name.
    """
    data: dict[str, Any] = exchanged(report.data)
    for path, value in leaves(known):
        if path == "agency" or report.value(path) is None:
            place_value(data, path, value)
    return data


def _data_names(agencies: Iterable[str]) -> dict[str, str]:
    """Return the file of each agency's report, in the order of the roster; no two have the same."""
    namer = Namer()
    return {agency: f"{namer.name(agency)[0]}.json" for agency in agencies}


def kept_reports(folder: Path, pack: Pack) -> dict[str, Report]:
    """Return the adopted reports that a workspace keeps, by name of agency as its files are called."""
    return {path.stem: kept_report(_json(path), pack, str(path)) for path in sorted(folder.glob("*.json"))}


def waivers_in(folder: Path) -> list[Path]:
    """Return the workbook of results in a folder where its 情况说明 can be read as waivers."""
    results = folder / RESULTS
    if not results.exists():
        return []
    sheets = read_sheets(results)
    return [results] if any(sheet.name.startswith(EXPLAINED) for sheet in sheets) else []


def is_workspace(folder: Path) -> bool:
    """Return whether a folder is a workspace: it has a ledger and what else a collection writes."""
    return (folder / LEDGER).is_file() and any((folder / name).exists() for name in (INDEX, DATA))


def round_number(text: str) -> int:
    """Return the number of a round in words (第2轮); 1 where there is none."""
    digits = "".join(filter(str.isdecimal, text))
    return int(digits) if digits else 1


def _rows(path: Path, headings: Mapping[str, Sequence[str]]) -> list[TableRow]:
    return read_table(path, headings, list(headings), "台账")


def _day(text: str) -> date | None:
    try:
        return read_date(text, 1) if text else None
    except ValueError:
        return None


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}不能读出（{error}），请从备份恢复或删除后重试", file=str(path)) from None
    if not isinstance(data, dict):
        raise InputError(f"{path}不是这里写的数据，请从备份恢复或删除后重试", file=str(path))
    return data


def _text(data: object) -> bytes:
    return f"{json.dumps(data, ensure_ascii=False, indent=1)}\n".encode("utf-8", "surrogatepass")
