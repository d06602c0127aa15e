"""Reads an earlier round: a workspace, its ledger, or a workbook of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nianbao.collecting.workspace import DATA, LEDGER, RESULTS, kept_reports, round_number
from nianbao.errors import InputError
from nianbao.ledger.lines import EarlierFinding
from nianbao.ledger.rounds import Earlier
from nianbao.outputs.results.summary import ROUND
from nianbao.pack import Pack
from nianbao.readers.tables import read_table

_FINDINGS: Mapping[str, Sequence[str]] = {
    "agency": ("单位",),
    "level": ("级别",),
    "place": ("位置",),
    "value": ("填报值",),
    "message": ("说明",),
    "rule": ("规则",),
}
_NEEDED = ("agency", "level", "place", "rule")
_NOTES: Mapping[str, Sequence[str]] = {"heading": ("项目",), "text": ("内容",)}


def read_earlier(path: Path, pack: Pack, year: int) -> Earlier:
    """Return what an earlier round found and, where a workspace kept them, its reports.

    `path` is a workspace, the ledger in it, or a 检查结果.xlsx. Raises InputError where it is
    neither, or of another year.
    """
    folder = path if path.is_dir() else path.parent
    results = path if path.is_file() and path.name != LEDGER else folder / RESULTS
    if not results.is_file():
        raise InputError(
            f"{path}不是上一轮的结果，应是收报文件夹、其中的台账，或检查结果.xlsx", file=str(path)
        )
    found: dict[str, list[EarlierFinding]] = {}
    for row in read_table(results, _FINDINGS, _NEEDED, "检查结果"):
        each = EarlierFinding(*(row.get(key) for key in ("rule", "place", "level", "message", "value")))
        found.setdefault(row.get("agency"), []).append(each)
    notes = {r.get("heading"): r.get("text") for r in read_table(results, _NOTES, tuple(_NOTES), "检查结果")}
    reports = kept_reports(folder / DATA, pack) if (folder / DATA).is_dir() else {}
    if reports and not any(report.year == year for report in reports.values()):
        other = next(iter(reports.values())).year
        message = f"{path}是{other}年的收报，不能作为{year}年的上一轮；上年数据请用 --previous 给出"
        raise InputError(message, file=str(path))
    return Earlier(round_number(notes.get(ROUND, "")), str(path), found, reports)
