"""Workbooks: what their sheets are (register, long register, forms) is told by what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nianbao.errors import InputError
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.readers.form import read_forms
from nianbao.readers.headers import Vocabulary, vocabulary
from nianbao.readers.register import Header, find_header, read_long, read_register
from nianbao.readers.sheets.grid import Sheet, at_hand
from nianbao.values import is_blank

# Below this share of the figures a workbook is taken for another form, not for one with blanks.
_ENOUGH = 0.5


def read_workbook(path: Path, sheets: Sequence[Sheet], pack: Pack) -> Iterator[RawReport]:
    """Yield the reports of a workbook; raises InputError where it holds none."""
    words = vocabulary(pack)
    filled = [sheet for sheet in sheets if any(not all(map(is_blank, row)) for row in sheet.rows)]
    if not filled:
        raise InputError(f"{path.name}：工作簿是空的，请填写后再试", file=str(path))
    registers = [(sheet, header) for sheet in filled if (header := find_header(sheet, words))]
    if registers:
        yield from _read_registers(path, registers, words)
    else:
        yield from _read_forms(path, [at_hand(sheet) for sheet in filled], words)


def _read_registers(
    path: Path, registers: Sequence[tuple[Sheet, Header]], words: Vocabulary
) -> Iterator[RawReport]:
    empty = True
    for group in _groups(registers):
        reports = (_read_sheet(path, sheet, header, words) for sheet, header in group)
        for raw in next(reports) if len(group) == 1 else _joined(reports):
            empty = False
            yield raw
    if empty:
        names = "、".join(f"“{sheet.name}”" for sheet, _ in registers)
        raise InputError(f"{path.name}：工作表{names}只有表头，没有数据行，请填写后再试", file=str(path))


def _read_sheet(path: Path, sheet: Sheet, header: Header, words: Vocabulary) -> Iterator[RawReport]:
    if header.is_long:
        return read_long(sheet, header, str(path), words)
    return read_register(sheet, header, str(path), words.pack)


def _groups(registers: Sequence[tuple[Sheet, Header]]) -> Iterator[list[tuple[Sheet, Header]]]:
    """Yield sheets that complete each other: no field of the report proper stands on two of them."""
    group: list[tuple[Sheet, Header]] = []
    seen: set[str] = set()
    for sheet, header in registers:
        fields = _own_fields(header)
        if seen & fields:
            yield group
            group, seen = [], set()
        group.append((sheet, header))
        seen |= fields
    if group:
        yield group


def _own_fields(header: Header) -> set[str]:
    known = ("agency", "year")
    fields = {p for p in header.columns if p not in known and not p.startswith("profile.")}
    # The rows of a long sheet are not in its header; its value columns stand for them.
    return fields | {" ".join(sorted(tokens)) for tokens in header.partial.values()}


def _joined(sheets: Iterable[Iterable[RawReport]]) -> Iterator[RawReport]:
    """Yield the reports of sheets that complete each other, joined by agency and year."""
    found: dict[str, list[RawReport]] = {}
    for reports in sheets:
        for raw in reports:
            same = found.setdefault(normal(raw.values.get("agency") or ""), [])
            index = next((i for i, other in enumerate(same) if _completes(other, raw)), None)
            if index is None:
                same.append(raw)
            else:
                same[index] = _join(same[index], raw)
    for reports in found.values():
        yield from reports


def _completes(one: RawReport, other: RawReport) -> bool:
    """Return whether two parts belong to one report: the same year, on different sheets."""
    years = {normal(raw.values["year"]) for raw in (one, other) if not is_blank(raw.values.get("year"))}
    return len(years) <= 1 and one.source.sheet != other.source.sheet


def _join(one: RawReport, other: RawReport) -> RawReport:
    values, origins = dict(one.values), dict(one.origins)
    for path, value in other.values.items():
        if is_blank(values.get(path)):
            values[path] = value
            origins |= {path: other.origins[path]} if path in other.origins else {}
    return replace(one, values=values, origins=origins, findings=(*one.findings, *other.findings))


def _read_forms(path: Path, sheets: Sequence[Sheet], words: Vocabulary) -> Iterator[RawReport]:
    wanted = [f.path for f in words.pack.fields.numbers if f.required]
    reports = list(read_forms(sheets, str(path), words))
    best = max((sum(p in raw.values for p in wanted) for raw in reports), default=0)
    if best < len(wanted) * _ENOUGH:
        raise InputError(_not_a_form(path, reports, wanted, best, words.pack), file=str(path))
    yield from reports


def _not_a_form(
    path: Path, reports: Sequence[RawReport], wanted: Sequence[str], best: int, pack: Pack
) -> str:
    """Return the sentence for a workbook in which too little of the form is found."""
    advice = "请用 nianbao form 生成空表，把数字填进去"
    if not best:
        return (
            f"{path.name}：没有找到{pack.title}的登记表或填报表（没有“单位名称”列，也没有法定表格）；{advice}"
        )
    missing = next((p for p in wanted if not any(p in raw.values for raw in reports)), wanted[0])
    return (
        f"{path.name}：不是{pack.title}的填报表，可能是其他年度的格式"
        f"（{len(wanted)}个数字只认出{best}个，例如没有“{pack.fields.place(missing)}”）；{advice}"
    )
