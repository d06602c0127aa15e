"""Data frames of pandas (or anything alike) as registers, without importing pandas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.readers.headers import vocabulary
from nianbao.readers.register import find_header, read_long, read_register
from nianbao.readers.sheets.grid import Sheet


def read_frame(frame: Any, pack: Pack) -> Iterator[RawReport]:
    """Yield the reports of a data frame; column names are labels (one or several levels) or field paths."""
    names = [name if isinstance(name, tuple) else (name,) for name in frame.columns]
    depth = max(map(len, names), default=0)
    header = [[name[level] if level < len(name) else None for name in names] for level in range(depth)]
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    sheet = Sheet("DataFrame", [*header, *rows])
    words = vocabulary(pack)
    found = find_header(sheet, words)
    if found is None:
        raise InputError(
            "DataFrame的列名不是报表栏目：列名应为栏目路径（agency、requests.new.total）或栏目名称"
        )
    yield from (
        read_long(sheet, found, None, words) if found.is_long else read_register(sheet, found, None, pack)
    )


def _plain(value: Any) -> object:
    """Return a value of numpy or pandas as a plain one; NaN and NaT are blank."""
    value = value.item() if hasattr(value, "item") else value
    return None if value is None or value != value else value
