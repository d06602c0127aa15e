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

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from nianbao.agencies import agency_key
from nianbao.errors import InputError, OutputError
from nianbao.filenames import LEDGER_FILE, LEDGER_REPORTS, Namer, safe_name
from nianbao.ledger.fingerprint import short_key
from nianbao.ledger.members import read_date
from nianbao.ledger.signing import SignOff, Snapshot, kept_report, snapshot_data, snapshot_of
from nianbao.outputs.files import FileGroup, cannot_write, make_folder, move, write_atomic
from nianbao.outputs.results.explaining import EXPLAINED
from nianbao.outputs.results.summary import ROUND
from nianbao.pack import Pack
from nianbao.readers.sheets import read_sheets
from nianbao.readers.tables import TableRow, read_table
from nianbao.report import Report, exchanged

LEDGER, RESULTS, INDEX = LEDGER_FILE, "检查结果.xlsx", "索引.json"
DATA, SIGNING, SIGNED_DATA, PUBLISHED = LEDGER_REPORTS, "审签单", "审签数据", "发布"
# Where signed figures go that somebody has edited.
EDITED = "被改动"

_LINES: Mapping[str, Sequence[str]] = {
    "agency": ("单位",),
    "designated": ("采用稿",),
    "first": ("首次收到",),
}
_STRAYS: Mapping[str, Sequence[str]] = {
    "file": ("文件",),
    "assigned": ("指定单位",),
    "first": ("首次收到",),
}
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

    `designated` are files by agency, `assigned` agencies by file, `came` when a file of nobody was first
    there, `signed` the rows of 审签 that are signed.
    """

    designated: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, date] = field(default_factory=dict)
    assigned: Mapping[str, str] = field(default_factory=dict)
    came: Mapping[str, date] = field(default_factory=dict)
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
        """Return what is known from before.

        Raises OutputError for the workspace of another collection, InputError for such an earlier round.
        """
        ledger = self.source / LEDGER
        if not ledger.exists():
            return Kept()
        notes = {row.get("heading"): row.get("text") for row in _rows(ledger, _NOTES)}
        lines, strays = _rows(ledger, _LINES), _rows(ledger, _STRAYS, ("file", "assigned"))
        self._refuse_other(ledger, notes, [row.get("agency") for row in lines])
        return Kept(
            {agency_key(r.get("agency")): r.get("designated") for r in lines if r.get("designated")},
            {agency_key(r.get("agency")): d for r in lines if (d := _day(r.get("first"))) is not None},
            {r.get("file"): r.get("assigned") for r in strays if r.get("assigned")},
            {r.get("file"): d for r in strays if (d := _day(r.get("first"))) is not None},
            tuple(r for r in _rows(ledger, _SIGNOFFS) if r.get("by")),
            round_number(notes.get(ROUND, "")),
        )

    def _refuse_other(self, ledger: Path, notes: Mapping[str, str], names: Sequence[str]) -> None:
        pack, year = notes.get("报表包", self.pack.id), notes.get("年度", str(self.year))
        shared = sum(agency_key(name) in self.names for name in names)
        if pack != self.pack.id or year != str(self.year):
            what = f"{year}年的台账（报表包{pack}）"
        elif names and 2 * shared < len(names):
            what = f"另一份名录的台账（{'、'.join(names[:3])}等{len(names)}家，本次名录里只有{shared}家）"
        else:
            return
        message = f"{self.source}里是{what}，不能与本次的{self.year}年收报混用"
        if self.source != self.folder:
            raise InputError(f"{message}；--since 请给出同一份名录上一轮的台账文件夹", file=str(ledger))
        raise OutputError(f"{message}；请换一个输出文件夹", file=str(ledger))

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

    def keep_snapshots(self, reports: Mapping[str, Report]) -> None:
        """Keep the figures of the reports whose sign-off sheets are made, by name of agency.

        What somebody has edited there gives way to the figures that the fingerprint is of, and is kept apart.
        """
        folder = self.folder / SIGNING / SIGNED_DATA
        make_folder(folder)
        with FileGroup() as files:
            for agency, report in reports.items():
                data = snapshot_data(report)
                path, text = folder / f"{safe_name(agency)}-{str(data['fingerprint'])[:16]}.json", _text(data)
                there = path.read_bytes() if path.exists() else None
                if there is not None and there != text and not self._is_intact(path):
                    make_folder(folder / EDITED)
                    move(path, folder / EDITED / path.name)
                # Figures that somebody may have signed are never written over: the name says what they are.
                if not path.exists():
                    files.write(path, text)

    def _is_intact(self, path: Path) -> bool:
        try:
            return snapshot_of(_json(path), self.pack, path.name).intact
        except InputError:
            return False

    def keep_reports(self, reports: Mapping[str, Report]) -> Mapping[str, str]:
        """Write the adopted reports, by name of agency, and remove those of before that no longer count.

        Return the SHA-256 of each file by its name.
        """
        folder = self.folder / DATA
        make_folder(folder)
        names = _data_names(reports)
        for name in self._written_before() - set(names.values()):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(folder / name, error) from error
        texts = {name: _text(exchanged(reports[agency].data)) for agency, name in names.items()}
        with FileGroup() as files:
            for name, text in texts.items():
                if not (folder / name).is_file() or (folder / name).read_bytes() != text:
                    files.write(folder / name, text)
        return {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}

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

    def write_index(self, index: Mapping[str, Any], kept: Mapping[str, str]) -> None:
        """Write the ledger for programs; `kept` are the files of `keep_reports` with their SHA-256."""
        write_atomic(self.folder / INDEX, _text({**index, "data": sorted(kept), "sha256": dict(kept)}))


def edited_by_hand(folder: Path) -> list[str]:
    """Return which reports of a workspace are not as its last run wrote them; those it does not know too."""
    try:
        known = _json(folder / INDEX).get("sha256")
    except InputError:
        # The index may be deleted: then nobody can tell.
        return []
    if not isinstance(known, dict):
        return []
    there = sorted((folder / DATA).glob("*.json"))
    return [p.name for p in there if known.get(p.name) != hashlib.sha256(p.read_bytes()).hexdigest()]


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


def _rows(path: Path, headings: Mapping[str, Sequence[str]], needed: Sequence[str] = ()) -> list[TableRow]:
    return read_table(path, headings, needed or list(headings), "台账")


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
