"""Rosters: the agencies that are to report, from a table or a plain list of names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nianbao.errors import InputError
from nianbao.fields import place_value
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
}
_EXTRA_OF = {normal(word): name for name, words in _EXTRA.items() for word in words}
_SEPARATORS = re.compile(r"[、，,；;\n]+")


@dataclass(frozen=True)
class RosterEntry:
    """One agency of a roster: what it says of the report's fields as nested data, and of collecting.

    `formers` are other names of the agency, `due` the text of a deadline of its own; `problems` are cells
    that hold no value of their field.
    """

    data: Mapping[str, Any]
    formers: tuple[str, ...] = ()
    email: str = ""
    due: str = ""
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
