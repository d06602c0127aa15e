"""Reading: any input file to raw reports. Kinds are told apart by content, not by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.raw import RawReport


def read_raw(path: Path, pack: Pack) -> Iterator[RawReport]:
    """Yield the raw reports of one file; raises InputError if it cannot be read at all."""
    # A reader is loaded when a file of its kind comes up: starting must stay quick.
    from nianbao.readers.sniff import sniff, unreadable

    kind = sniff(path)
    if kind in ("json", "jsonl"):
        from nianbao.readers.plaintext import decode, decoded_lines
        from nianbao.readers.records import read_json, read_jsonl

        if kind == "jsonl":
            yield from read_jsonl(path, decoded_lines(path), pack.fields)
        else:
            yield from read_json(path, decode(path.read_bytes(), path), pack.fields)
    elif kind in ("xlsx", "xls", "ods", "csv"):
        from nianbao.readers.sheets import read_sheets
        from nianbao.readers.workbook import read_workbook

        yield from read_workbook(path, read_sheets(path), pack)
    elif kind in ("docx", "pdf", "html", "text"):
        raise InputError(
            f"{path.name}：这里要的是表格或JSON数据；已成文的报告（Word、PDF、网页）还不能读入",
            file=str(path),
        )
    else:
        raise unreadable(path, kind)
