"""Workbooks on disk: safe cell texts, equal bytes for equal content, whole files or none."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import copy
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from lxml.etree import SerialisationError

from nianbao.errors import OutputError
from nianbao.outputs.files import cannot_write, replacing
from nianbao.values import ILLEGAL

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell

# Excel counts UTF-16 units.
MAX_TEXT = 32_767
# Excel keeps 15 significant digits; a longer number stays whole only as text.
_EXACT = 10**15
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# The earliest date that a zip file can say, and a document date of the same day.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_DOCUMENT_DATE = datetime(1980, 1, 1)


def safe_text(text: str, what: str = "") -> str:
    """Return `text` as a cell stores it; `_xHHHH_`, which Excel would decode, is escaped.

    Raises OutputError, naming `what`, for text that a cell cannot hold: nothing is ever cut.
    """
    name = f"{what}：" if what else ""
    # A code point above U+FFFF is two units.
    if len(text) > MAX_TEXT // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT:
        raise OutputError(f"{name}文字超过Excel单元格的上限{MAX_TEXT}字，请缩短，或改存为JSON")
    if illegal := ILLEGAL.search(text):
        raise OutputError(
            f"{name}第{illegal.start() + 1}个字符U+{ord(illegal[0]):04X}是Excel不能保存的控制字符，请删除"
        )
    return _ESCAPED.sub("_x005F_", text)


def visible(text: str) -> str:
    """Return `text` for people to see: characters that XML cannot hold are shown by their code."""
    return ILLEGAL.sub(lambda found: f"〈U+{ord(found[0]):04X}〉", text)


def set_value(cell: Cell, value: object, what: str = "") -> None:
    """Put a value into a cell: text stays text whatever it starts with, numbers are numbers.

    Raises OutputError, naming `what`, for text that a cell cannot hold.
    """
    if value is None or is_exact(value):
        cell.value = value
        return
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    # The property `value` would take a leading "=" for a formula, and cut a text that escaping made longer.
    cell._value = safe_text(text, what)  # type: ignore[attr-defined]
    cell.data_type = "s"
    if text.startswith(FORMULA_STARTS):
        # Otherwise the text becomes a formula as soon as somebody edits the cell. The style may be shared.
        cell._style = copy(cell._style)  # type: ignore[attr-defined]
        cell.quotePrefix = True


def is_exact(value: object) -> TypeGuard[int | Decimal]:
    """Return whether a value is a number of which Excel keeps every digit."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and -_EXACT < value < _EXACT


def save_workbook(
    workbook: Workbook, path: Path, bodies: Mapping[str, Iterable[bytes]] | None = None
) -> None:
    """Write a workbook to `path`, whole or not at all; equal content gives equal bytes.

    `bodies` are further rows of sheets, by title, as the XML of their row elements: openpyxl takes four times
    as long for a sheet of thousands of agencies. Raises OutputError where that is not possible.
    """
    from openpyxl.writer.excel import ExcelWriter

    properties = workbook.properties
    properties.creator = "nianbao"
    properties.created = properties.modified = _DOCUMENT_DATE
    try:
        with replacing(path) as stream, _FixedZip(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            numbers = {sheet.title: n for n, sheet in enumerate(workbook.worksheets, 1)}
            archive.bodies = {
                f"xl/worksheets/sheet{numbers[title]}.xml": rows for title, rows in (bodies or {}).items()
            }
            # `Workbook.save` would set the date of today.
            ExcelWriter(workbook, archive).write_data()
    except SerialisationError as error:
        raise cannot_spool(error) from error
    finally:
        discard(workbook)


def discard(workbook: Workbook) -> None:
    """Close the streams of a write-only workbook that is not to be written, or has been.

    Left open, they complain on the error output when they are collected.
    """
    sheets: list[Any] = workbook.worksheets
    for sheet in sheets:
        if not getattr(sheet, "closed", True):
            # A full disk has been told of already.
            with suppress(OSError, SerialisationError):
                sheet.close()


def cannot_spool(error: Exception) -> OutputError:
    """Return the sentence for a temporary file of a workbook that cannot be written."""
    if isinstance(error, SerialisationError):
        # That is how lxml tells an error of the system: IO_ENOSPC.
        number = getattr(errno, str(error).removeprefix("IO_"), errno.EIO)
        error = OSError(number, os.strerror(number))
    assert isinstance(error, OSError)
    return cannot_write(Path(tempfile.gettempdir()), error)


class _FixedZip(zipfile.ZipFile):
    """A zip file whose entries all bear the same date; `bodies` are rows to be added to sheets, by part."""

    bodies: Mapping[str, Iterable[bytes]]

    def write(self, filename: Any, arcname: Any = None, *args: Any, **kwargs: Any) -> None:
        """Add a file."""
        entry = self._entry(arcname)
        # Only a part of gigabytes gets the zip64 header, which Excel warns of.
        entry.file_size = os.path.getsize(filename)
        with open(filename, "rb") as source, self.open(entry, "w") as target:
            if arcname not in self.bodies:
                shutil.copyfileobj(source, target, 1 << 20)
                return
            # Of such a sheet openpyxl has written the header rows only: it is small.
            head, end, tail = source.read().rpartition(b"</sheetData>")
            target.write(head)
            for rows in self.bodies[arcname]:
                target.write(rows)
            target.write(end + tail)

    def writestr(self, zinfo_or_arcname: Any, data: Any, *args: Any, **kwargs: Any) -> None:
        """Add a part from memory."""
        super().writestr(self._entry(zinfo_or_arcname), data)

    @staticmethod
    def _entry(name: Any) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(str(name), _ZIP_DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return entry
