"""Reading: any input file to raw reports. Kinds are told apart by content, not by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nianbao.findings import Where
from nianbao.pack import Pack
from nianbao.raw import RawReport

if TYPE_CHECKING:
    from nianbao.readers.sniff import Kind

# Kinds of files that hold a finished report; each is read whole, and takes longer than data do.
FINISHED = frozenset({"docx", "pdf", "html", "mhtml", "text"})


def read_raw(path: Path, pack: Pack) -> Iterator[RawReport]:
    """Yield the raw reports of one file; raises InputError if it cannot be read at all."""
    # A reader is loaded when a file of its kind comes up: starting must stay quick.
    from nianbao.readers.sniff import SHEETS, sniff, unreadable

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

        yield from read_workbook(path, read_sheets(path, streamed=True), pack)
    elif kind in FINISHED and path.suffix.lower() not in SHEETS:
        yield _read_finished(path, kind, pack)
    elif kind in ("doc", "wps", "et"):
        yield from _read_old(path, kind, pack)
    else:
        raise unreadable(path, kind)


def _read_finished(path: Path, kind: str, pack: Pack, shown: str | None = None) -> RawReport:
    """Return the report in a finished document; `shown` is the name that findings should give it."""
    from nianbao.readers.documents.finished import raw_from_document

    if kind == "docx":
        from nianbao.readers.documents.docx import read_docx as read_document
    elif kind == "pdf":
        from nianbao.readers.documents.pdf import read_pdf as read_document
    elif kind in ("html", "mhtml"):
        from nianbao.readers.documents.html import read_html as read_document
    else:
        from nianbao.readers.documents.text import read_text as read_document
    return raw_from_document(read_document(path, shown), pack)


def _read_old(path: Path, kind: Kind, pack: Pack) -> Iterator[RawReport]:
    """Yield the reports of a file in an old format, which LibreOffice converts where it is installed."""
    from nianbao.readers.office import converted
    from nianbao.readers.sniff import unreadable

    if kind == "et":
        with converted(path, ".xlsx", unreadable(path, kind)) as copy:
            yield from (_renamed(raw, copy, path) for raw in list(read_raw(copy, pack)))
    else:
        with converted(path, ".docx", unreadable(path, kind)) as copy:
            yield _read_finished(copy, "docx", pack, str(path))


def _renamed(raw: RawReport, copy: Path, path: Path) -> RawReport:
    """Return a report with the file that it came from instead of the copy that was read."""

    def original(where: Where) -> Where:
        return replace(where, file=str(path)) if where.file == str(copy) else where

    findings = tuple(replace(finding, where=original(finding.where)) for finding in raw.findings)
    origins = {field: original(where) for field, where in raw.origins.items()}
    return replace(raw, source=original(raw.source), findings=findings, origins=origins)
