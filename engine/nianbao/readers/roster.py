"""Rosters: the agencies that are to report, from a table or a plain list of names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nianbao.agencies import agency_key, code_key
from nianbao.errors import InputError
from nianbao.fields import lookup, place_value
from nianbao.findings import Where
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.readers.headers import vocabulary
from nianbao.readers.plaintext import decode
from nianbao.readers.register import find_header, read_register
from nianbao.readers.sheets import read_sheets
from nianbao.readers.sheets.grid import Sheet
from nianbao.readers.sniff import sniff, unreadable
from nianbao.readers.tables import cell_text
from nianbao.values import is_blank, parse

# Columns of a roster that are of the collecting, not of the report.
_EXTRA: Mapping[str, Sequence[str]] = {
    "formers": ("曾用名", "原名称", "原单位名称", "前身", "其他名称", "简称", "别名"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "email", "e-mail"),
    "due": ("报送期限", "期限", "截止日期", "报送截止日期", "due"),
    "parent": ("上级单位", "所属单位", "所属地区", "已含在", "parent"),
}
_EXTRA_OF = {normal(word): name for name, words in _EXTRA.items() for word in words}
# Columns of which nobody expects that a program understands them.
_REMARKS = frozenset(map(normal, ("备注", "说明", "地址", "序号")))
_SEPARATORS = re.compile(r"[、，,；;\n]+")


@dataclass(frozen=True)
class RosterEntry:
    """One agency of a roster: what it says of the report's fields as nested data, and of collecting.

    `formers` are other names of the agency, `due` the text of a deadline of its own, `parent` is in whose
    figures it is included; `problems` are cells that hold no value of their field.
    """

    data: Mapping[str, Any]
    formers: tuple[str, ...] = ()
    email: str = ""
    due: str = ""
    parent: str = ""
    where: Where = field(default_factory=Where)
    problems: tuple[str, ...] = ()


def read_roster(path: Path, pack: Pack) -> list[dict[str, Any]]:
    """Return what a roster knows of each agency, as nested data; raises InputError where it knows none.

    A table needs a column 单位名称 (or a variant) and may have others of the report; a text file has a name
    a line.
    """
    return [dict(entry.data) for entry in read_entries(path, pack)]


def read_entries(path: Path, pack: Pack) -> list[RosterEntry]:
    """Return the agencies of a roster as `read_roster` does, with what it says of collecting."""
    kind = sniff(path)
    if kind == "text" or (kind == "csv" and path.suffix.lower() == ".txt"):
        lines = enumerate(decode(path.read_bytes(), path).splitlines(), 1)
        found = [
            RosterEntry({"agency": line.strip()}, where=Where(str(path), line=number))
            for number, line in lines
            if line.strip()
        ]
    elif kind in ("xlsx", "xls", "ods", "csv"):
        found = list(_from_sheets(path, pack))
    else:
        raise unreadable(path, kind)
    if not found:
        raise InputError(f"{path.name}：名录里没有单位，应有“单位名称”一列，每行一个单位", file=str(path))
    times = Counter(entry.data["agency"] for entry in found)
    if doubled := sorted(name for name, count in times.items() if count > 1):
        raise InputError(
            f"{path.name}：名录里{'、'.join(doubled)}出现不止一次，请删除重复的行", file=str(path)
        )
    return found


def read_sound_entries(path: Path, pack: Pack) -> list[RosterEntry]:
    """Return the agencies of a roster; raises InputError where it contradicts itself.

    That is a cell that is no value of its column, a code of two agencies, or 上级单位 that go in a circle.
    """
    entries = read_entries(path, pack)
    if problems := [f"第{e.where.row or e.where.line}行{p}" for e in entries for p in e.problems]:
        raise InputError(f"{path.name}：名录{'；'.join(problems[:5])}", file=str(path))
    if doubled := "；".join(_doubled_codes(entries, pack)):
        raise InputError(f"{path.name}：名录里代码重复：{doubled}，请改正后重新运行", file=str(path))
    if circle := _circle({agency_key(e.data["agency"]): e for e in entries}):
        message = f"名录里上级单位成环：{'→'.join(circle)}，请改正后重新运行"
        raise InputError(f"{path.name}：{message}", file=str(path))
    return entries


def _doubled_codes(entries: Iterable[RosterEntry], pack: Pack) -> Iterator[str]:
    field = str(pack.meta.get("code", ""))
    by_code: dict[str, list[RosterEntry]] = {}
    for entry in entries:
        if field and (key := code_key(lookup(entry.data, field))):
            by_code.setdefault(key, []).append(entry)
    for same in by_code.values():
        if len(same) > 1:
            names = "、".join(str(entry.data["agency"]) for entry in same)
            yield f"{lookup(same[0].data, field)}（{names}）"


def _circle(entries: Mapping[str, RosterEntry]) -> list[str]:
    """Return the names of agencies each of which has the next as its superior, the first again last."""
    for start in entries:
        way, key = [start], agency_key(entries[start].parent)
        while key in entries and key not in way:
            way.append(key)
            key = agency_key(entries[key].parent)
        if key == start:
            return [str(entries[each].data["agency"]) for each in (*way, start)]
    return []


def unused_columns(path: Path, pack: Pack) -> list[str]:
    """Return the headings of a roster's columns that mean nothing here: what stands there is not used."""
    if sniff(path) not in ("xlsx", "xls", "ods", "csv"):
        return []
    words, found = vocabulary(pack), []
    for sheet in read_sheets(path):
        header = find_header(sheet, words, least=1)
        if header is not None:
            known = set(_extra_columns(sheet, header.first_row).values())
            found += [text for column, text in header.unknown.items() if column not in known]
    return [text for text in dict.fromkeys(found) if normal(text) not in _REMARKS]


def _from_sheets(path: Path, pack: Pack) -> Iterator[RosterEntry]:
    words = vocabulary(pack)
    for sheet in read_sheets(path):
        header = find_header(sheet, words, least=1)
        if header is None:
            continue
        extra = _extra_columns(sheet, header.first_row)
        for raw in read_register(sheet, header, str(path), pack):
            data: dict[str, Any] = {}
            problems = []
            for each in pack.fields.plain:
                parsed = parse(raw.values.get(each.path), each)
                if parsed.value is not None and not pack.table_of(each.path):
                    place_value(data, each.path, parsed.value)
                elif parsed.problem:
                    problems.append(f"{each.place}{parsed.problem}")
            if is_blank(data.get("agency")):
                continue
            cells = sheet.rows[(raw.source.row or 1) - 1]
            said = {
                name: cell_text(cells[column])
                for name, column in extra.items()
                if not is_blank(cells[column])
            }
            names = _SEPARATORS.split(said.get("formers", ""))
            yield RosterEntry(
                data,
                tuple(name.strip() for name in names if name.strip()),
                said.get("email", ""),
                said.get("due", ""),
                said.get("parent", ""),
                raw.source,
                tuple(problems),
            )


def _extra_columns(sheet: Sheet, first_row: int) -> dict[str, int]:
    """Return the columns of a roster that are of collecting, by name."""
    found: dict[str, int] = {}
    for values in sheet.rows[:first_row]:
        for column, value in enumerate(values):
            if isinstance(value, str) and (name := _EXTRA_OF.get(normal(value))):
                found.setdefault(name, column)
    return found
