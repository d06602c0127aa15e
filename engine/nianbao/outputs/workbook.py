"""Workbooks on their way to disk: whole or not at all, and equal bytes for equal input."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook import Workbook
from openpyxl.writer.excel import ExcelWriter

from nianbao.errors import OutputError
from nianbao.pack import Pack

Body = Iterable[bytes]
# The custom property of a workbook that names its pack.
PACK_PROPERTY = "nianbao.pack"
_END = b"</sheetData>"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_REASONS = {
    errno.ENOENT: "文件夹不存在，请先建立或换一个位置",
    errno.EACCES: "没有写入权限，或文件正被其他程序打开，请关闭它或换一个位置",
    errno.EPERM: "没有写入权限，或文件正被其他程序打开，请关闭它或换一个位置",
    errno.ENOSPC: "磁盘已满，请清理后再试",
    errno.EISDIR: "同名的是一个文件夹，请换一个文件名",
    errno.ENOTDIR: "所在位置不是文件夹，请换一个位置",
    errno.ENAMETOOLONG: "文件名太长，请缩短后再试",
    errno.EROFS: "所在磁盘是只读的，请换一个位置",
}


def describe(workbook: Workbook, pack: Pack, year: int | None) -> None:
    """Set the properties of a workbook; its dates follow from the year, never from the clock."""
    properties = workbook.properties
    properties.creator = "nianbao"
    properties.title = pack.title
    stamp = os.environ.get("SOURCE_DATE_EPOCH", "")
    if stamp.isdecimal():
        date = datetime.fromtimestamp(int(stamp), UTC).replace(tzinfo=None)
    else:
        date = datetime((year or 1979) + 1, 1, 31)
    properties.created = properties.modified = date
    # The type stubs do not know custom properties yet.
    custom: Any = getattr(workbook, "custom_doc_props")  # noqa: B009
    custom.append(StringProperty(name=PACK_PROPERTY, value=pack.id))


def save(workbook: Workbook, path: str | Path, bodies: Mapping[str, Body] | None = None) -> None:
    """Write a workbook to `path`; raises OutputError, and leaves what stood there as it was.

    `bodies` are further rows of sheets, by title, as the XML of their row elements: openpyxl takes four times
    as long for a register of thousands of agencies.
    """
    target = Path(path)
    with writing(target):
        temporary = target.with_name(f".nianbao-{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("xb") as stream:
                with _Archive(stream, _by_part(workbook, bodies or {})) as archive:
                    ExcelWriter(workbook, archive).write_data()
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn what the system says against writing `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"系统提示{error.strerror or error}，请换一个位置再试")
        raise OutputError(f"写不了“{path}”：{reason}", file=str(path)) from error


def _by_part(workbook: Workbook, bodies: Mapping[str, Body]) -> dict[str, Body]:
    numbers = {sheet.title: n for n, sheet in enumerate(workbook.worksheets, 1)}
    return {f"xl/worksheets/sheet{numbers[title]}.xml": body for title, body in bodies.items()}


class _Archive(zipfile.ZipFile):
    """A zip whose entries all have the same date, and whose sheets get the rows of their bodies."""

    def __init__(self, stream: object, bodies: Mapping[str, Body]) -> None:
        super().__init__(stream, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]
        self.bodies = bodies

    def writestr(
        self,
        zinfo_or_arcname: str | zipfile.ZipInfo,
        data: object,
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        """Write an entry from memory."""
        raw = data.encode() if isinstance(data, str) else bytes(data)  # type: ignore[call-overload]
        with self.open(_entry(str(zinfo_or_arcname)), "w") as out:
            out.write(raw)

    def write(
        self,
        filename: str | os.PathLike[str],
        arcname: str | os.PathLike[str] | None = None,
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        """Write an entry from a file."""
        name = str(arcname or filename)
        with Path(filename).open("rb") as source, self.open(_entry(name), "w", force_zip64=False) as out:
            if name not in self.bodies:
                shutil.copyfileobj(source, out)
                return
            # The sheet as openpyxl wrote it holds only its header rows: it is small.
            head, end, tail = source.read().rpartition(_END)
            out.write(head)
            for chunk in self.bodies[name]:
                out.write(chunk)
            out.write(end + tail)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o600 << 16
    return entry
