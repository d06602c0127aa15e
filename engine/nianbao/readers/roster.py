"""Rosters: the agencies that are to report, from a table or a plain list of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nianbao.errors import InputError
from nianbao.fields import place_value
from nianbao.pack import Pack
from nianbao.readers.headers import vocabulary
from nianbao.readers.plaintext import decode
from nianbao.readers.register import find_header, read_register
from nianbao.readers.sheets import read_sheets
from nianbao.readers.sniff import sniff, unreadable
from nianbao.values import is_blank, parse


def read_roster(path: Path, pack: Pack) -> list[dict[str, Any]]:
    """Return what a roster knows of each agency, as nested data; raises InputError where it knows none.

    A table needs a column 单位名称 (or a variant) and may have others of the report; a text file has a name
    a line.
    """
    kind = sniff(path)
    if kind == "text" or (kind == "csv" and path.suffix.lower() == ".txt"):
        names = [line.strip() for line in decode(path.read_bytes(), path).splitlines() if line.strip()]
        found = [{"agency": name} for name in names]
    elif kind in ("xlsx", "xls", "ods", "csv"):
        found = list(_from_sheets(path, pack))
    else:
        raise unreadable(path, kind)
    if not found:
        raise InputError(f"{path.name}：名录里没有单位，应有“单位名称”一列，每行一个单位", file=str(path))
    counts = Counter(entry["agency"] for entry in found)
    doubled = sorted(agency for agency, count in counts.items() if count > 1)
    if doubled:
        raise InputError(
            f"{path.name}：名录里{'、'.join(doubled)}出现不止一次，请删除重复的行", file=str(path)
        )
    return found


def _from_sheets(path: Path, pack: Pack) -> Iterator[dict[str, Any]]:
    words = vocabulary(pack)
    for sheet in read_sheets(path):
        header = find_header(sheet, words, least=1)
        if header is None:
            continue
        for raw in read_register(sheet, header, str(path), pack):
            entry: dict[str, Any] = {}
            for field in pack.fields.plain:
                value = parse(raw.values.get(field.path), field).value
                if value is not None and not pack.table_of(field.path):
                    place_value(entry, field.path, value)
            if not is_blank(entry.get("agency")):
                yield entry
