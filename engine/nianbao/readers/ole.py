"""The names in an OLE compound file ([MS-CFB]), enough to tell .xls, .doc and encrypted files apart."""

from __future__ import annotations

import struct
from typing import BinaryIO

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTRY = 128
_LAST_SECTOR = 0xFFFFFFFA  # higher numbers mean "end of chain", "free" and the like
_MOST_SECTORS = 4096  # a directory of 4096 sectors has at least 16,384 entries; a real one has a dozen


def entry_names(stream: BinaryIO) -> frozenset[str]:
    """Return the names of the streams and storages of a compound file.

    Raises ValueError where the file is no compound file or is cut off.
    """
    header = _read(stream, 0, 512)
    if not header.startswith(MAGIC):
        raise ValueError("not a compound file")
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in (9, 12):
        raise ValueError("unknown sector size")
    size = 1 << shift
    (sector,) = struct.unpack_from("<I", header, 48)
    names: set[str] = set()
    for _ in range(_MOST_SECTORS):
        if sector > _LAST_SECTOR:
            break
        directory = _read(stream, (sector + 1) * size, size)
        names.update(_name(directory[at : at + _ENTRY]) for at in range(0, size, _ENTRY))
        sector = _next(stream, header, sector, size)
    return frozenset(names - {""})


def _next(stream: BinaryIO, header: bytes, sector: int, size: int) -> int:
    """Return the sector that follows `sector`, looked up in the allocation table."""
    table, place = divmod(sector, size // 4)
    if table >= 109:  # further table sectors are listed elsewhere; a directory so far out is not read
        return _LAST_SECTOR + 1
    (at,) = struct.unpack_from("<I", header, 76 + 4 * table)
    (following,) = struct.unpack("<I", _read(stream, (at + 1) * size + 4 * place, 4))
    return int(following)


def _name(entry: bytes) -> str:
    length = min(struct.unpack_from("<H", entry, 64)[0], 64)
    return entry[: max(length - 2, 0)].decode("utf-16-le", "replace")


def _read(stream: BinaryIO, at: int, size: int) -> bytes:
    stream.seek(at)
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("compound file cut off")
    return data
